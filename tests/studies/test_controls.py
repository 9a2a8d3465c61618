"""The controls: what each switch does to phantom alpha, and how often a null market is found to be null."""

from __future__ import annotations

from html import unescape
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from matplotlib.figure import Figure
from results import tidy

from lib import run_study
from lib.evaluation.variants import VARIANTS
from lib.market import make_market
from lib.paper.pages.pieces import html
from lib.paper.pages.result import PageResult
from lib.paper.results.study import RowResult
from lib.stats.estimates import Numbers
from lib.studies import recorded
from lib.studies.controls import STUDY, page
from lib.studies.controls import measure as controls
from lib.studies.controls.measure import NULL_FACTORS, NULL_METRICS, NULL_SIZE, coverage_records, effect_records
from lib.studies.controls.page import (
    EXPECTED,
    MUCH,
    NOTHING,
    ROOM,
    TREATMENTS,
    effects_table,
    findings,
    null_table,
    worlds_table,
)

TINY = {"n_stocks": 60, "n_days": 510, "first_test_year": 2011, "samples": 20}


@pytest.fixture(scope="module", autouse=True)
def few_factors():
    """Eight of the core factors: the switches act on every one of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lib.evaluation.simulated.CORE", NULL_FACTORS)
        yield


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return run_study("controls", scale="smoke", seeds=1, null_seeds=2, cache=cache, **TINY)


def test_every_market_has_all_eight_worlds(result):
    worlds = {row.config["world"] for row in result.rows if "world" in row.config}
    assert len(worlds) == 8
    for mask in ("none", "row_deletion", "mask_skip"):
        table = worlds_table(result.frame, mask)
        assert len(table) == 8 and table["phantom_close"].notna().all()


def test_phantom_alpha_needs_the_spill_and_no_alpha(result):
    """One small market, but the effect is of the size of the market itself."""
    levels = worlds_table(result.frame).set_index("market")["phantom_close"]
    assert levels["limits often, spill, nothing planted"] > 0.5
    assert abs(levels["limits often, no spill, alpha"]) < 0.3
    masked = worlds_table(result.frame, "mask_skip")["phantom_close"]
    assert (masked.abs() < 1e-9).all(), "no orders at limits: nothing to refuse"


def test_what_can_be_earned_is_nothing_where_nothing_is_planted(result):
    table = worlds_table(result.frame).set_index("market")["truth_ic"]
    for name, value in table.items():
        assert np.isnan(value) == ("nothing planted" in name), name
    world = make_market(20, 60, 0, **controls.NOTHING)
    assert not world.truth.mu_trad.any()


def test_a_switch_is_on_minus_off_by_a_loop():
    rng, rows, levels = np.random.default_rng(0), [], {}
    for limits in ("real", "paper"):
        for spill in (True, False):
            for planted in (True, False):
                value = float(rng.normal())
                levels[limits, spill, planted] = value
                rows.append(({"mask": "none", "limits": limits, "spill": spill, "planted": planted},
                             [{"metric": "m1_ic", "value": value}]))  # fmt: skip
    found = {item["variant"]: item["value"] for item in effect_records(rows)}
    spill = [levels[limits, True, p] - levels[limits, False, p] for limits in ("real", "paper") for p in (True, False)]
    limits = [levels["paper", s, p] - levels["real", s, p] for s in (True, False) for p in (True, False)]
    assert found["spill - no spill, none ridge | effects"] == pytest.approx(np.mean(spill))
    assert found["limits often - limits seldom, none ridge | effects"] == pytest.approx(np.mean(limits))
    assert len(effects_table(tidy([(k, "m1_ic", v) for k, v in found.items()], "controls"))) == 9


def test_a_null_row_covers_zero_when_its_interval_does(result):
    numbers = Numbers(result.frame[result.frame["seed"] == 1])
    for mask in VARIANTS:
        found = numbers.find(f"{mask} ridge | null", "m1_ic")
        covers = numbers.find(f"{mask} ridge | null", "m1_ic: covers 0").value
        assert covers == float(found.low <= 0 <= found.high)
    rng = np.random.default_rng(0)
    away = controls._mean("x", rng.normal(0.5, 1, 300))
    assert away["x: covers 0"] == 0 and away["x.low"] > 0


def test_nulls_are_counted():
    hits = [[{"variant": "none ridge | null", "metric": "m1_ic: covers 0", "value": float(hit)}] for hit in (1, 0, 1)]
    (found,) = coverage_records(hits)
    assert (found["value"], found["n"]) == (pytest.approx(2 / 3), 3)
    frame = tidy(
        [("none ridge | null", "m1_ic: covers 0", 1.0), ("gap ridge | null", "m1_ic: covers 0", 0.0)], "controls"
    )
    table = null_table(frame)
    assert list(table.loc[table["variant"].isin(["none", "gap"]), "ridge, m1_ic"]) == ["1 of 1", "0 of 1"]
    assert set(TREATMENTS) == set(VARIANTS) and "nan" not in "".join(table["treatment"])


def test_the_same_seed_gives_the_same_rows(result):
    settings = STUDY.settings("smoke", 1, {**TINY, "null_seeds": 1})
    for row in (STUDY.rows(settings)[4], STUDY.rows(settings)[-1]):
        again: RowResult = STUDY.compute(row, STUDY.row_settings(settings))
        before = Numbers(result.frame[result.frame["seed"] == row["seed"]])
        for record in again.records:
            if not record["metric"].endswith((".low", ".high")):
                expected = before.find(record.get("variant", row["variant"]), record["metric"]).value
                np.testing.assert_equal(record["value"], expected)


# --------------------------------------------------------------------------------- what the page says


def test_findings_hold_on_the_recorded_rows():
    record = recorded("controls")
    assert record and not [item.text for item in findings(record.frame) if not item.holds]


def made_up(naive: float = 2.0, spilling: float = 0.5, clamped: float = 0.0, gross: float = 0.0, hits: int = 95):
    """Five markets of the two worlds that the sentences are about, and a hundred null markets of ridge."""
    parts = []
    for seed in range(5):
        move = 0.001 * (seed - 2)
        records = [(f"none ridge | {MUCH}", "phantom_close", clamped + move)]
        for name, value in {"phantom_close": spilling, "naive_close.active_sharpe": naive, "apparent_ic": 0.05,
                            "executed_open.active_sharpe_gross": gross, "executed_open.active_sharpe": gross - 3,
                            "m1_ic": 0.0}.items():  # fmt: skip
            records.append((f"none ridge | {NOTHING}", name, value + move))
        records.append((f"row_deletion ridge | {NOTHING}", "apparent_ic", 0.002 + move))
        parts.append(tidy(records, "controls", seed))
    for seed in range(100):
        parts.append(tidy([("none ridge | null", "m1_ic: covers 0", float(seed < hits))], "controls", seed))
    return pd.concat(parts)


def test_findings_follow_the_numbers():
    said = findings(made_up())
    assert [item.holds for item in said] == [True] * 5
    assert "not from predictability: +50%" in said[0].text
    assert "reports a Sharpe ratio over equal weight of +2.00" in said[1].text and "before costs" in said[1].text
    assert "in 95 to 95 of 100 markets" in said[-1].text


@pytest.mark.parametrize(
    ("turned", "place"),
    [({"spilling": -0.5}, 0), ({"clamped": 0.4}, 0), ({"naive": -2.0}, 1), ({"gross": 1.0}, 1), ({"hits": 100}, 4),
     ({"hits": 80}, 4)],
)  # fmt: skip
def test_a_number_turned_round_makes_its_sentence_untrue(turned, place):
    assert [item.holds for item in findings(made_up(**turned))] == [row != place for row in range(5)]


def test_figure_and_tables_of_the_page(result, monkeypatch):
    drawn: list[Figure] = []
    monkeypatch.setattr(page, "plot", lambda figure: drawn.append(figure) or html(""))
    shown = PageResult.of(result, recorded("controls"))
    page.eight_markets(shown)
    assert len(drawn) == 3
    for place in range(3):
        check(lambda place=place: [page.eight_markets(shown), drawn[place - 3]][1])
    text = "".join(part(shown).data for part in (page.head, page.markets, page.effects, page.nulls))
    assert "frequent limits, no spill, nothing to predict" in text and "strict windows, the papers' mask" in unescape(
        text
    )


def spread_of_t(rows: list[RowResult]) -> dict[str, float]:
    """Metric -> mean square of mean IC / standard error, over markets and variants: 1 where intervals are honest."""
    squares: dict[str, list[float]] = {metric: [] for metric in NULL_METRICS}
    for row in rows:
        numbers = {(item["variant"], item["metric"]): item["value"] for item in row.records}
        for (variant, metric), value in numbers.items():
            if metric in squares:
                width = numbers[variant, f"{metric}.high"] - numbers[variant, f"{metric}.low"]
                squares[metric].append((2 * NormalDist().inv_cdf(0.975) * value / width) ** 2)
    return {metric: float(np.mean(values)) for metric, values in squares.items() if values}


@pytest.mark.slow
@pytest.mark.parametrize(("learner", "count"), [("ridge", 100), ("lightgbm", 20), ("mlp", 20)])
def test_null_markets_are_found_to_be_null(learner, count):
    """95 % intervals of the mean IC cover zero as often as they should: neither too seldom nor always.

    Of twenty intervals all may well cover zero, so that a count cannot tell that they are too wide. The squares of mean
    over standard error can: variants that share a market count as one, and the sum over markets is chi-squared.
    """
    from scipy.stats import chi2

    rows = [{"variant": f"null {learner}", "seed": seed, "learner": learner} for seed in range(count)]
    settings = STUDY.row_settings(STUDY.settings("paper"))
    results = [STUDY.compute(row, settings) for row in rows]
    found = coverage_records(result.records for result in results)
    assert len(found) == 2 * len(VARIANTS)
    slack = 0 if count >= 100 else ROOM  # twenty markets: two more or fewer
    for item in found:
        assert EXPECTED[0] - slack <= item["value"] <= EXPECTED[1] + slack, item
    low, high = chi2.ppf([0.001, 0.999], count) / count
    for metric, spread in spread_of_t(results).items():
        assert low < spread < high, (metric, spread)
    assert len(NULL_FACTORS) == 8 and NULL_SIZE["n_stocks"] == 60


def test_intervals_twice_too_wide_or_too_narrow_are_noticed_in_twenty_markets():
    """The band of the slow test fails on both sides."""
    from scipy.stats import chi2

    low, high = chi2.ppf([0.001, 0.999], 20) / 20
    rng = np.random.default_rng(0)
    honest = [controls._mean("m1_ic", rng.normal(0, 1, 400)) for _ in range(20)]
    for factor, inside in ((1.0, True), (2.0, False), (0.5, False)):
        rows = []
        for item in honest:
            half = factor * (item["m1_ic.high"] - item["m1_ic"])
            ends = {"m1_ic": item["m1_ic"], "m1_ic.low": item["m1_ic"] - half, "m1_ic.high": item["m1_ic"] + half}
            rows.append(RowResult([{"variant": "v", "metric": name, "value": x} for name, x in ends.items()]))
        spread = spread_of_t(rows)["m1_ic"]
        assert (low < spread < high) == inside, (factor, spread)
