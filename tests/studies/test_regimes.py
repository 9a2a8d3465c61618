"""Regimes: labels from the past alone, the script of the test span, what is said and answered from the numbers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from overlay import rebuilt, rough_panel
from results import around, tidy

from lib.evaluation import slices
from lib.evaluation.scripted import FIRST_TEST_YEAR, N_DAYS, PIPELINES, TEST, TRAINING
from lib.evaluation.slices import market_records
from lib.load import load_panel
from lib.paper.claims import load_ledger
from lib.paper.claims.verdicts import verdict
from lib.paper.pages.result import PageResult
from lib.portfolio import equal_weight
from lib.stats.over_seeds import ENOUGH_SEEDS
from lib.studies import recorded
from lib.studies.regimes import STUDY, page
from lib.studies.regimes import measure as regimes
from lib.studies.regimes.measure import PAIRS, PERIODS, regime_labels
from lib.studies.regimes.page import GROSS, NET, VOLATILE, answer_claims, difference_table, findings, level_table

UNITS = (GROSS, "executed_open.annual_gross", NET)
CLAIMS = {claim.id: claim for claim in load_ledger()}
LEVELS = (
    "naive_close.sharpe", "executed_open.sharpe", "naive_close.max_drawdown", "phantom_close",
    "phantom_close.limit_up_buys",
)  # fmt: skip


def frame(bear: float = 0.0, source: str = "real_rates", half: float = 0.1, seeds: int = 1) -> pd.DataFrame:
    """Pipelines alike in calm days and rally; the benefit of every mask in the bear regime as given."""
    parts = []
    for seed in range(seeds):
        records = []
        shift = 0.01 * (seed - (seeds - 1) / 2)
        for regime, rate in (("bear", 0.046), ("calm", 0.012), ("rally", 0.032)):
            market = f"{source} market {regime}"
            records += [(market, "limit_rate", rate), (market, "sessions", 100.0)]
            for place, name in enumerate(PIPELINES):
                for metric in LEVELS:
                    value = 0.1 + 10 * rate - 0.01 * place + shift
                    records += around(f"{source} {name} {regime}", metric, value, half)
                records.append((f"{source} {name} {regime}", "executed_open.turnover", 0.8 - 0.2 * place))
        records += around(f"{source} none bear", "refused_sells", 0.2, 0.05)
        records += around(f"{source} none bear", "refused_buys", 0.5, 0.05)
        for left, right in PAIRS:
            for group in ("bear", "calm", "rally", "bear - calm", "bear - rally"):
                value = bear if "bear" in group else 0.0
                for metric in UNITS:
                    records += around(f"{source} {left} - {right} {group}", metric, value + shift, half)
        parts.append(tidy(records, "regimes", seed))
    return pd.concat(parts)


# -------------------------------------------------------------------------------------------- the labels


def test_labels_by_a_loop():
    panel = rough_panel()
    index, labels = equal_weight(panel), regime_labels(panel, 20, 0.03)
    for t in range(panel.shape[0]):
        growth = np.prod([1 + index[s] for s in range(t - 20, t)]) if t >= 20 else np.nan
        expected = "" if t < 20 else "bear" if growth <= 0.97 else "rally" if growth >= 1.03 else "calm"
        assert labels[t] == expected, t
    assert {"bear", "calm", "rally"} <= set(labels)


def test_a_label_knows_nothing_of_its_own_day_or_of_later_ones():
    panel = rough_panel()
    labels = regime_labels(panel, 20, 0.03)
    for day in (40, 90):
        later = np.arange(panel.shape[0])[:, None] >= day
        fields = {n: np.where(later, v * 3.0, v) if n == "close" else v for n, v in panel.fields.items()}
        changed = regime_labels(rebuilt(panel, fields), 20, 0.03)
        np.testing.assert_array_equal(changed[: day + 1], labels[: day + 1])
        assert not np.array_equal(changed, labels)


# ----------------------------------------------------------------------------------------------- the run


@pytest.fixture(scope="module")
def computed():
    """Two computations of one row, with two of the pipelines."""
    settings = STUDY.settings("smoke", 1, {"n_stocks": 60})
    (row,) = STUDY.rows(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SAMPLES", 20)
        patch.setattr(regimes, "PIPELINES", ("none", "mask_skip"))
        patch.setattr(regimes, "PAIRS", (("mask_skip", "none"),))
        return [STUDY.compute(row, STUDY.row_settings(settings)) for _ in range(2)]


def test_the_same_seed_gives_the_same_table_and_arrays(computed):
    first, second = computed
    assert list(first.records) == list(second.records)
    for name, values in first.arrays.items():
        np.testing.assert_array_equal(values, second.arrays[name])


def test_the_test_span_holds_each_regime_once_in_the_length_of_the_papers_periods(computed):
    found = {(r["variant"], r["metric"]): r["value"] for r in computed[0].records}
    for name, length in TEST:
        assert found[f"real_rates market {name}", "sessions"] == length
    regime = computed[0].arrays["regime"]
    assert len(regime) == sum(length for _, length in TEST)
    assert (regime[1:] != regime[:-1]).sum() == 2
    assert {name for name, _ in TRAINING} == {name for name, _ in TEST}
    assert sum(length for _, length in TRAINING) + len(regime) == N_DAYS


def test_a_pipeline_that_never_orders_at_a_limit_has_no_phantom(computed):
    found = {(r["variant"], r["metric"]): r["value"] for r in computed[0].records}
    for name, _ in TEST:
        assert found[f"real_rates mask_skip {name}", "phantom_close"] == 0.0
    assert max(found[f"real_rates none {name}", "phantom_close"] for name, _ in TEST) > 0.02


def test_the_grid_has_two_calibrations_per_market_and_one_row_for_a_file():
    rows = STUDY.rows(STUDY.settings("laptop", 3, {"data_path": "cn_csi300_pit_2010_2024.parquet"}))
    assert [(r["variant"], r["seed"]) for r in rows] == [
        (rates, seed) for seed in range(3) for rates in ("real_rates", "paper_rates")
    ] + [("csi300", 0)]
    seen = {"data_path", "universe", "min_sessions", "n_stocks", "first_test_year", "samples", "alpha", "reversal"}
    assert STUDY.row_settings(STUDY.settings("laptop")).keys() == seen
    assert FIRST_TEST_YEAR == 2013


@pytest.mark.data
def test_the_papers_periods_on_real_prices(data_dir):
    panel = load_panel(data_dir / "cn_csi300_pit_2010_2024.parquet", market="cn", start="2021-10-01", end="2024-07-01")
    found = {}
    for name, (first, stop) in PERIODS.items():
        days = (panel.dates >= np.datetime64(first)) & (panel.dates < np.datetime64(stop))
        found |= {(name, r["metric"]): r["value"] for r in market_records(panel, name, days)}
    # rates by year from an independent count of the same file
    assert found["2023", "limit_up"] == pytest.approx(0.0023, abs=5e-6)
    assert found["2023", "limit_down"] == pytest.approx(0.00059, abs=5e-6)
    spans = [found[name, "sessions"] for name in PERIODS]
    assert spans[:2] == [length for _, length in TEST[:2]] and abs(spans[2] - TEST[2][1]) <= 1


# ----------------------------------------------------------------------------------- sentences and tables


def said(rows: pd.DataFrame) -> str:
    """Everything the page says of some rows; all of it must hold."""
    found = findings(rows)
    assert all(item.holds for item in found), [item.text for item in found if not item.holds]
    return "\n".join(item.text for item in found).replace("\N{MINUS SIGN}", "-")


@pytest.mark.parametrize(
    ("bear", "words"),
    [(0.5, "gains most in the bear regime, as they say"), (-0.5, "does not gain most"), (0.02, "It is not shown")],
)
def test_where_the_mask_gains_most(bear: float, words: str):
    assert words in said(frame(bear))


def test_what_the_page_says_of_fills_and_refusals():
    text = said(frame(0.5))
    assert "most where limits bind: for the unmasked model +56% [+46%, +66%] a year in the bear regime" in text
    assert "even in the bear regime: 0.5 [0.5, 0.6] against 0.2 [0.2, 0.2] a day" in text
    turned = frame(0.5).replace({"metric": {"refused_buys": "refused_sells", "refused_sells": "refused_buys",
                                            **{f"refused_{a}.{end}": f"refused_{b}.{end}" for end in ("low", "high")
                                               for a, b in (("buys", "sells"), ("sells", "buys"))}}})  # fmt: skip
    assert "sales refused at limit-down matter more, as the papers say" in said(turned)


def test_limits_that_bind_alike_do_not_show_where_orders_add_most():
    alike = frame(0.5)
    phantom = alike["metric"].str.startswith("phantom_close")
    alike.loc[phantom, "value"] = alike.loc[phantom, "metric"].str.rpartition(".")[2].map(
        {"low": 0.1, "high": 0.3}).fillna(0.2)  # fmt: skip
    assert "in every regime, but not clearly more where limits bind" in said(alike)
    alike.loc[phantom, "value"] -= 0.2
    assert "does not measurably add returns in every regime" in said(alike)


def test_costs_do_not_decide_where_the_mask_gains_most():
    """Net of costs the mask gains most in the bear regime, before costs nowhere: the order is not shown."""
    both = frame(0.5)
    gross = both["metric"].str.startswith(("executed_open.active_sharpe_gross", "executed_open.annual_gross"))
    both.loc[gross, "value"] = frame(0.0).loc[gross, "value"]
    text = said(both)
    assert "It is not shown" in text and "costs that it does not pay" in text
    assert "(+0.00 [-0.10, +0.10] in the bear regime)" in text
    assert "it does there (+0.50 [+0.40, +0.60]), with 20% of the book traded a day instead of 80%" in text
    assert all(low < 0 < high for _, low, high in answer_of(both).parts)
    assert "net of costs +0.50" in answer_of(both).note
    assert "raises the active Sharpe ratio in the bear regime before costs" in said(frame(0.5))
    assert "not measurably upwards" in said(frame(-0.5))


def test_what_windows_add_to_deleted_rows():
    rows = around("", GROSS, 0.4, 0.1)
    helped = frame(0.0)
    for regime in ("bear", "calm", "rally"):
        for _, metric, value in rows:
            chosen = helped["variant"].eq(f"real_rates row_deletion - none {regime}") & helped["metric"].eq(metric)
            helped.loc[chosen, "value"] = value
    assert "add nothing measurable in any regime" in said(helped)
    more = helped["variant"].eq("real_rates mask_skip - row_deletion calm") & helped["metric"].str.startswith(GROSS)
    helped.loc[more, "value"] += 0.3
    assert "raise it further in at least one regime" in said(helped)
    assert "does not measurably raise the active Sharpe ratio before costs in both" in said(frame(0.0))


def test_a_record_without_gross_numbers_says_nothing_of_them():
    old = frame(0.5)
    old = old[~old["metric"].str.contains("gross|active|turnover")]
    assert [item.holds for item in findings(old)] == [True, False, False, False, True]
    assert all("Not in this run" in item.text for item in findings(old) if not item.holds)
    assert VOLATILE not in {answer.claim_id for answer in answer_claims(old)}


def test_a_price_file_is_measured_against_the_simulated_market():
    real = frame(0.0, "csi300", half=0.01)
    real["variant"] = real["variant"].str.replace(" bear", " 2022 Q1-Q3")
    text = said(pd.concat([frame(0.5), real]))
    assert "4.6% of the closes are at a limit and filling every order adds +56.0% [+55.0%, +57.0%] a year." in text
    small = real.assign(value=real["value"].where(~real["metric"].str.startswith("phantom"), real["value"] / 10))
    assert "far less than on the simulated market" in said(pd.concat([frame(0.5), small]))


def test_every_finding_holds_on_the_recorded_rows():
    record = recorded("regimes")
    if record.stale:
        pytest.skip("recorded by earlier code")
    assert len(findings(record.frame)) == 6
    said(record.frame)


def test_tables_hold_every_pipeline_and_difference():
    both = pd.concat([frame(0.1, "csi300"), frame(0.5)])
    assert [item.source for item in page.markets(both)] == ["real_rates", "csi300"]
    assert page.Regimes.of(both, "csi300").groups == ["bear", "calm", "rally"]
    rows = level_table(both, "csi300")
    assert len(rows) == 3 * len(PIPELINES) and rows.index[0] == ("bear regime, by the rule", "unmasked")
    rows = difference_table(both, "real_rates").set_index(["compared", "regime"])
    assert len(rows) == len(PAIRS) * 5
    gap = rows.loc[("windows skip masked days against unmasked", "bear \N{MINUS SIGN} calm")]
    assert gap[f"{GROSS}.low"] == pytest.approx(0.4)


def test_the_order_is_answered_from_the_exchange():
    answers = {a.claim_id: a for a in answer_claims(frame(0.5, seeds=ENOUGH_SEEDS))}
    parts = answers[VOLATILE].parts
    assert len(parts) == 2 and all(low > 0 for _, low, _ in parts)
    assert all(high < 0 for _, _, high in answer_parts(-0.5))
    assert answers[VOLATILE].markets == ENOUGH_SEEDS


def answer_parts(bear: float):
    return answer_of(frame(bear)).parts


def answer_of(rows: pd.DataFrame):
    return next(a for a in answer_claims(rows) if a.claim_id == VOLATILE)


def test_a_calibrated_limit_rate_answers_nothing():
    answers = {a.claim_id: a for a in answer_claims(frame(seeds=ENOUGH_SEEDS))}
    for regime in ("bear", "sideways", "bull"):
        rate = answers[f"B.regime.{regime}.limit_rate"]
        assert "calibrated" in rate.choice and verdict(CLAIMS[rate.claim_id], rate) == "cannot be tested"
    assert answers["B.regime.sideways.limit_rate"].estimate == pytest.approx(1.2)


def test_levels_come_from_the_file_where_there_is_one_and_else_carry_the_interval_of_the_mean():
    few = {a.claim_id: a for a in answer_claims(frame())}
    assert few["B.regime.bear.sharpe"].mean_low is None
    many = {a.claim_id: a for a in answer_claims(frame(seeds=ENOUGH_SEEDS))}
    assert many["B.regime.bear.sharpe"].mean_low is not None and many["B.regime.bear.sharpe"].markets == ENOUGH_SEEDS
    real = frame(0.0, "csi300")
    real["variant"] = real["variant"].str.replace("bear", "2022 Q1-Q3")
    both = {a.claim_id: a for a in answer_claims(pd.concat([frame(), real]))}
    assert both["B.regime.bear.sharpe"].mean_low is None, "one real path"
    assert "CSI 300" in both["B.regime.bear.sharpe"].note and "simulated" in both["B.regime.bull.sharpe"].note


def shown_of(rows: pd.DataFrame) -> PageResult:
    return SimpleNamespace(rows=rows, note="a note")  # type: ignore[return-value]


def test_a_market_day_by_day_is_drawn_whole(computed):
    check(lambda: page.market_figure(computed[0].arrays, "note"))


def test_exhibits_have_a_tab_for_each_market_regime_and_comparison():
    shown = shown_of(pd.concat([frame(0.5), frame(0.0, "csi300")]))
    for make, tabs in ((page.invented, 2), (page.sharpe_ratios, 3), (page.gains, 4), (page.levels, 2),
                       (page.differences, 2), (page.facts, 0)):  # fmt: skip
        html = make(shown).data
        assert html.count('type="radio"') == tabs and html == make(shown).data
        assert "nan" not in html.partition("base64")[0]


@pytest.mark.parametrize(("bear", "words"), [(0.5, "in some regimes"), (0.0, "No measurable gain")])
def test_other_numbers_give_another_title(bear: float, words: str):
    assert words in page.gains(shown_of(frame(bear))).data
