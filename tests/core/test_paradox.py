"""The paradox: three orders of three masks, each step paired over markets, and verdicts that follow the intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from page_parts import parts, shown_of
from results import around, tidy

from lib.evaluation.conditions import of_condition
from lib.paper.claims import load_ledger
from lib.paper.claims.verdicts import verdict
from lib.stats.estimates import Numbers
from lib.studies import recorded, run_study
from lib.studies.mask_ablation import paradox
from lib.studies.mask_ablation.paradox import (
    BESIDE,
    GROSS,
    ORDERS,
    answer_claims,
    findings,
    order_steps,
    orders_table,
    papers_numbers,
    papers_table,
    steps,
)

TINY = {"n_stocks": 60, "n_days": 560, "first_test_year": 2011, "samples": 20}
CONDITION = "paper limits"


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield run_study("mask_ablation", scale="smoke", seeds=1, **TINY, **paradox.selection(None))


def six(apparent: float, realisable: float, money: float, gross: float = 0.0, noise: float = 0.0) -> pd.DataFrame:
    """Levels of three masks in six markets: steps of the given sizes, half of them a little above and half below."""
    rng, made = np.random.default_rng(0), []
    sizes = {"apparent_ic": apparent, "m2_ic": realisable, "naive_close.sharpe": money,
             "naive_close.sharpe_gross": gross, "naive_close.turnover": -0.3}  # fmt: skip
    for seed in range(6):
        shift, records = 0.001 * (-1) ** seed, []
        for metric, size in sizes.items():
            level = 1.0
            for mask in ("none", "halt_only", "mask_paper"):
                records.append((f"{mask} ridge | {CONDITION}", metric, level))
                level += size + shift + noise * rng.normal()
        records += around(f"halt_only - none ridge | {CONDITION}", "apparent_ic", 9.0, 0.1)  # of common cells: not this
        made.append(tidy(records, "mask_ablation", seed))
    return pd.concat(made)


def test_the_page_runs_three_masks_and_one_that_keeps_more_and_nothing_else(result):
    rows = [row.config for row in result.rows if "mask" in row.config]
    assert {row["mask"] for row in rows} == {"none", "halt_only", "mask_paper", "mask_skip"}
    assert {row["learner"] for row in rows} == {"ridge"} and {row["condition"] for row in rows} == {CONDITION}


def test_steps_are_differences_of_the_ablations_levels(result):
    part = of_condition(result.frame, CONDITION)
    levels = Numbers(part)
    for name, metric, sign, _ in (*ORDERS, *BESIDE):
        for after, before in steps("mask_skip"):
            a, b = (levels.find(f"{mask} ridge", metric).value for mask in (after, before))
            found = order_steps(part, "ridge", "mask_skip", [(name, metric, sign, "")])
            assert found[name, f"{before} to {after}"].value == pytest.approx(sign * (a - b))


@pytest.mark.parametrize(
    ("sizes", "verdicts", "hold"),
    [
        ((-0.02, 0.02, 0.5), "agrees, other setting", [True, True, True]),
        ((0.02, 0.02, 0.5), "does not carry over", [False, True, True]),
        ((-0.02, 0.02, 0.0), "inconclusive", [True, True, False]),
    ],
)
def test_the_order_is_judged_by_all_six_steps(sizes, verdicts, hold):
    frame = six(*sizes)
    (answer,) = answer_claims(frame)
    (claim,) = [claim for claim in load_ledger() if claim.id == answer.claim_id]
    assert len(answer.parts) == 6 and answer.markets == 6 and answer.page == "paradox"
    assert verdict(claim, answer) == verdicts
    apparent, tradable, _, net = findings(frame)
    assert all(item.holds for item in (apparent, tradable, net)), "every outcome has a sentence"
    assert ["not" not in item.text for item in (apparent, tradable, net)] == hold


def test_a_rise_after_costs_only_is_said_to_be_one():
    *_, gross, net = findings(six(-0.02, 0.02, 0.5, gross=-0.1))
    assert "before costs falls at both steps" in gross.text and "papers" not in gross.text
    assert "after costs rises at both steps, as in the papers" in net.text
    *_, gross, net = findings(six(-0.02, 0.02, -0.5, gross=0.0))
    assert "before costs is not shown to rise" in gross.text and "falls at both steps, against the papers" in net.text
    frame = six(-0.02, 0.02, 0.5)
    *_, gross, _ = findings(frame[~frame["metric"].str.contains("gross")])
    assert not gross.holds, "an older record has no numbers before costs"


def test_holm_is_over_the_six_steps():
    from scipy.stats import ttest_1samp

    part = of_condition(six(-0.001, 0.002, 0.003, noise=0.002), CONDITION)
    raw = [
        ttest_1samp(paradox.step(part, f"{after} ridge", f"{before} ridge", metric), 0).pvalue
        for _, metric, *_ in ORDERS for after, before in steps("mask_paper")
    ]  # fmt: skip
    found = orders_table(part, "ridge")
    assert len(raw) == found["p after Holm"].notna().sum() == 6
    assert found["p after Holm"].min() == pytest.approx(min(1.0, 6 * min(raw)))
    last = found.iloc[-1]
    assert (last["order"], last["step"]) == (GROSS[0][0], "only halts masked to strict windows, the papers' mask")
    assert (last["turnover before"], last["turnover after"]) == pytest.approx((0.7, 0.4), abs=0.01)


def test_one_market_answers_nothing(result):
    assert answer_claims(result.frame) == []


def test_the_papers_table_is_theirs(result):
    assert papers_numbers() == {"ic": [0.058, 0.052, 0.049], "realisable_ic": [0.032, 0.038, 0.049],
                                "sharpe": [1.23, 1.39, 1.63]}  # fmt: skip
    table = papers_table(of_condition(result.frame, CONDITION), "ridge")
    assert list(table["paper"][:3]) == [0.058, 0.052, 0.049]
    ours = Numbers(result.frame).find(f"halt_only ridge | {CONDITION}", "apparent_ic").value
    assert table["ours"][1] == pytest.approx(ours)


def test_the_page_is_drawn(result):
    found = parts(paradox, shown_of("mask_ablation", six(-0.02, 0.02, 0.5)), "head", "three_orders", "tests", "papers",
                  "claims")  # fmt: skip
    assert "found here: 3 of 3" in found["three_orders"]
    assert "B.<wbr>paradox.<wbr>order" in found["claims"] and "appB" not in found["claims"]
    other = parts(paradox, shown_of("mask_ablation", six(0.02, 0.02, 0.5)), "three_orders")
    assert "found here: 2 of 3" in other["three_orders"]
    assert "Nothing is recorded" in paradox.on_real_prices([]).data


def test_findings_hold_on_the_recorded_rows():
    record = recorded("mask_ablation")
    assert record.stale_rows() or [item.text for item in findings(record.frame) if not item.holds] == []
