"""Whole systems on one market: what must follow from their parts, what is compared, what the page says and answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from results import around, scaled_markets, tidy

from lib import run_study
from lib.evaluation.samples import samples_of
from lib.evaluation.simulated import market
from lib.models.splits import Split
from lib.portfolio import Past
from lib.store.rows import RowResult
from lib.studies import recorded
from lib.studies.main_results import STUDY, page
from lib.studies.main_results.measure import (
    BASELINE_SYSTEMS,
    CLOSE,
    FULL,
    HOLD,
    LEVEL,
    MLP,
    OPEN,
    PAIR,
    PAIRS,
    RIDGE,
    RUNS,
    SCALE,
    STEP,
    SYSTEMS,
    TRANSFORMER,
    TREES,
    contrast,
    extended,
    hold_members,
    stage,
)
from lib.studies.portfolio_method.measure import SENSES

PLACE = "simulated"
#: without the two Transformers, whose fits take the time
QUICK = {"slow_seeds": 0}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run_study("main_results", scale="smoke", cache=tmp_path_factory.mktemp("cache"), jobs=1, **QUICK)


@pytest.fixture(scope="module")
def value(made: Any) -> Any:
    found = made.frame.set_index(["variant", "metric"])["value"]
    return lambda variant, metric: float(found[variant, metric])


def level(system: str, place: str = PLACE) -> str:
    return LEVEL.name(system=system, place=place)


def test_the_plan() -> None:
    rows = STUDY.rows(STUDY.settings("paper"))
    count = {name: sum(row["system"] == name for row in rows) for name in SYSTEMS}
    assert count == {name: 10 if system.slow else 20 for name, system in SYSTEMS.items()}
    file = STUDY.rows(STUDY.settings("paper", overrides={"data_path": "cn_csi300_pit.parquet"}))[len(rows) :]
    count = {name: sum(row["system"] == name for row in file) for name in SYSTEMS}
    assert count == {name: 2 if name in (HOLD, RIDGE) else 10 for name in SYSTEMS}
    assert {row["seed"] for row in file} == {0}, "training seeds are no further markets"


def test_levels_follow_from_the_book(value: Any) -> None:
    for system in (HOLD, TREES, MLP, RIDGE):
        for run in RUNS:
            assert value(level(system), f"{run}.sharpe") <= value(level(system), f"{run}.sharpe_gross")
    assert value(level(HOLD), f"{OPEN}.turnover") < 0.02 < value(level(RIDGE), f"{OPEN}.turnover")
    # an optimiser that counts costs trades less than one that does not, and both less than ranks without a buffer
    trades = [value(level(RIDGE), f"{OPEN}.turnover"), value(level(TREES), f"{OPEN}.turnover")]
    assert trades == sorted(trades)
    assert value(level(RIDGE), f"{OPEN}.beta") < value(level(HOLD), f"{OPEN}.beta") == pytest.approx(1, abs=0.1)


def test_curves_end_where_the_returns_do(made: Any, value: Any) -> None:
    arrays = made.arrays({"system": RIDGE})
    equity = np.cumprod(1 + arrays[f"{OPEN}.returns"])
    assert value(level(RIDGE), f"growth.{STEP}") == pytest.approx(equity[STEP])
    assert f"growth.{STEP * (len(equity) // STEP + 1)}" not in set(made.frame["metric"])


def test_differences_are_of_the_same_market(made: Any, value: Any) -> None:
    wanted = {PAIR.name(left=a, right=b, place=PLACE) for a, b in PAIRS if not (SYSTEMS[a].slow or SYSTEMS[b].slow)}
    assert wanted <= set(made.frame["variant"])
    name = PAIR.name(left=MLP, right=RIDGE, place=PLACE)
    for metric in (f"{OPEN}.sharpe", f"{OPEN}.appraisal_gross", f"{CLOSE}.sharpe", f"{OPEN}.active_sharpe"):
        assert value(name, metric) == pytest.approx(value(level(MLP), metric) - value(level(RIDGE), metric))


def test_literal_and_standardised_predictions_are_different_books(made: Any, value: Any) -> None:
    name = SCALE.name(system=RIDGE, sense=SENSES[1], aversion=10, place=PLACE)
    assert value(name, f"{OPEN}.turnover") != pytest.approx(value(level(RIDGE), f"{OPEN}.turnover"), rel=1e-3)
    assert not any(SCALE.parts(str(item)) for item in made.frame["variant"] if str(item).startswith(TREES))


def test_training_seeds_of_a_file_are_averaged_and_paired(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = STUDY.row_settings(STUDY.settings("smoke", overrides=QUICK))
    row = next(row for row in STUDY.rows(STUDY.settings("smoke", overrides=QUICK)) if row["system"] == RIDGE)
    result = STUDY.compute(row, settings)
    own_size = [item for item in result.records if "variant" not in item]  # a file has no further sizes
    shifted = [{**item, "value": item["value"] + 1} for item in own_size]
    first, second = (RowResult(items, result.arrays) for items in (own_size, shifted))
    rows = [(row, first), (row, second), (row | {"system": MLP}, first)]
    # the same market, taken for a file
    monkeypatch.setitem(contrast.__globals__, "stage", lambda row, settings: (stage(row, settings)[0], None, None))
    found = contrast(rows, settings).records
    own = {item["metric"]: item["value"] for item in found if item["variant"] == level(RIDGE)}
    plain = {item["metric"]: item["value"] for item in own_size}
    assert own[f"{OPEN}.sharpe"] == pytest.approx(plain[f"{OPEN}.sharpe"] + 0.5)
    assert own[f"{OPEN}.sharpe.training_sd"] == pytest.approx(0.5**0.5)
    name = PAIR.name(left=MLP, right=RIDGE, place=PLACE)
    gaps = {item["metric"]: item["value"] for item in found if item["variant"] == name}
    assert gaps[f"{OPEN}.sharpe"] == pytest.approx(0), "the series are the same"


def test_a_synthetic_panel_reads_the_days_of_the_fit_alone() -> None:
    panel = market(40, 300, 3, "real").panel
    split = Split(0, 150, 152, 170, 172, 300)
    names: Any = ("alpha_001", "old_029")
    data = samples_of(panel, "factors", names)
    own, parts = extended(data, panel, split, 1, 0, names)
    fitted = data.training(0, 150)[1]
    assert len(own.training(parts.fit_start, parts.fit_stop)[1]) >= 1.8 * len(fitted)
    np.testing.assert_allclose(own.training(0, 150)[1], fitted)
    cut, _ = extended(data, panel.rows(0, 172), split, 1, 0, names)
    np.testing.assert_array_equal(own.features, cut.features)


def test_holding_buys_members_once_and_newcomers_later() -> None:
    universe, weights = np.array([True, True, True, False]), np.zeros(4)
    past = Past(np.datetime64("2020-01-02"), np.zeros(4), universe, np.array([True, True, False, True]), weights, 1.0)
    np.testing.assert_array_equal(hold_members(past), [1 / 3, 1 / 3, np.nan, np.nan])
    held = np.array([0.4, 0.3, 0.0, 0.0])
    later = Past(past.date, past.prediction, universe, np.ones(4, dtype=bool), held, 0.3)
    np.testing.assert_array_equal(hold_members(later), [np.nan, np.nan, 1 / 3, np.nan])


# ------------------------------------------------------------------------ the sentences


def made_up(gain: float, markets: int = 6, real: float = 1.0) -> pd.DataFrame:
    """Markets on which the full system is `gain` better than every other in everything, and one path of a file."""
    records: list[tuple[str, str, float]] = []
    metrics = [f"{run}.{name}" for run in RUNS for name in ("sharpe", "sharpe_gross", "appraisal", "appraisal_gross",
                                                            "annual_gross")]  # fmt: skip
    metrics += ["truth_ic", "m1_ic", f"{OPEN}.matched.appraisal"]
    for left, right in PAIRS:
        name = PAIR.name(left=left, right=right, place=PLACE)
        records += [(name, metric, gain) for metric in metrics]
        records += [(name, f"{OPEN}.turnover.left", 0.2), (name, f"{OPEN}.turnover.right", 0.4)]
    for place, system in enumerate(SYSTEMS):
        own = [(metric, 1.0) for metric in metrics] + [("spread_bps", 5.0 if system == FULL else 20.0 + place)]
        own += [(f"{run}.{name}", 0.2 + 0.01 * place) for run in RUNS
                for name in ("turnover", "annual_return", "sortino", "max_drawdown", "beta")]  # fmt: skip
        own += [(f"growth.{STEP * k}", 1 + 0.01 * k * place) for k in range(1, 5)]
        records += [(level(system), metric, size) for metric, size in own]
        for sense in SENSES:
            for metric in ("appraisal_gross", "appraisal", "sharpe", "turnover"):
                name = SCALE.name(system=system, sense=sense, aversion=10, place=PLACE)
                records.append((name, f"{OPEN}.{metric}", 0.1 if system == FULL else 0.5))
    frame = scaled_markets(tidy(records, "main_results"), markets)
    place, path = "csi300 paper B", list[tuple[str, str, float]]()
    for system in SYSTEMS:
        for run in RUNS:
            for metric in ("sharpe", "annual_return", "sortino", "turnover", "appraisal"):
                path += around(level(system, place), f"{run}.{metric}", real, 1.1)
    for left, right in PAIRS:
        for metric in metrics:
            path += around(PAIR.name(left=left, right=right, place=place), metric, gain, 0.5)
    return pd.concat([frame, tidy(path, "main_results")])


def test_sentences_follow_the_signs() -> None:
    up, down = (" ".join(item.text for item in page.findings(made_up(gain))) for gain in (0.9, -0.9))
    assert "beats all four" in up and "is ahead of ridge" in up and "predictions become better" in up
    assert "the full system is behind all four" in down and "is behind ridge" in down
    assert "the loss shrinks predictions, and the book trades less" in up and "inside the range" in up
    assert "outside the range" in " ".join(item.text for item in page.findings(made_up(0.9, real=4.0)))
    assert "Not in this run" not in up + down
    open_ = page.findings(made_up(0.1))
    assert open_[3].text.startswith("CSI 300, window of paper B: whether the full system beats any baseline is not")
    assert "Training seeds do not help" in open_[7].text


def test_claims_are_answered_by_the_papers_back_test(made: Any) -> None:
    answers = {item.claim_id: item for item in page.answer_claims(made_up(0.9))}
    assert set(answers) == set(page.CLAIM_IDS)
    assert answers["B.main.real.full.annual_return"].estimate == pytest.approx(100)
    order = answers["B.main.beats_baselines"]
    assert len(order.parts) == len(BASELINE_SYSTEMS) and order.markets == 6
    assert not order.choice
    assert page.answer_claims(made.frame) == [], "one market answers nothing"


def test_every_part_of_the_page_is_made(made: Any) -> None:
    for rows in (made.frame, made_up(0.9)):
        shown: Any = SimpleNamespace(rows=rows, note="a note", markets="6 markets", count=1)
        for part in (page.growth, page.differences, page.levels, page.gaps, page.scales):
            assert "<" in part(shown).data
    assert len(page.summary(made.frame)) == len(SYSTEMS) - 2
    check(lambda: page.growth_figure(made_up(0.9), PLACE))


def test_findings_hold_on_the_recorded_rows() -> None:
    found = recorded("main_results")
    if not found or found.stale:
        pytest.skip("nothing recorded by today's code")
    assert all(item.holds for item in page.findings(found.frame))


@pytest.mark.slow
def test_the_transformers_run_too(tmp_path: Any) -> None:
    """Two rows of the smoke scale with the network cut to its least."""
    settings = STUDY.settings("smoke", overrides={"few": 200, "aversions": []})
    for row in STUDY.rows(settings):
        if row["system"] in (TRANSFORMER, FULL):
            found = STUDY.compute(row, STUDY.row_settings(settings))
            names = {item["metric"] for item in found.records}
            assert {"truth_ic", "spread_bps", f"{OPEN}.sharpe"} <= names
