"""The paradox: three orders of three masks, each step paired, and verdicts that follow the intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from results import tidy

from lib import run_study
from lib.evaluation.books import Books
from lib.paper.claims import load_ledger
from lib.paper.claims.verdicts import verdict
from lib.stats.estimates import Numbers
from lib.studies.mask_ablation.findings import costs_message, orders_message
from lib.studies.paradox import STUDY
from lib.studies.paradox.tables import GROSS, ORDERS, order_steps, orders_table, papers_numbers, papers_table, steps

TINY = {"n_stocks": 60, "n_days": 560, "first_test_year": 2011, "samples": 20}
CONDITION = "paper limits"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def result(cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIB_CACHE", str(cache))
        yield run_study("paradox", scale="smoke", seeds=1, **TINY)


def six(apparent: float, realisable: float, money: float, wobble: float = 0.001, noise: float = 0.0) -> pd.DataFrame:
    """Steps of the given sizes over six markets, half of them `wobble` above and half below, plus noise."""
    rng, parts = np.random.default_rng(0), []
    sizes = {"apparent_ic": apparent, "m2_ic": realisable, "naive_close.sharpe": money}
    for seed in range(6):
        shift = wobble * (-1) ** seed
        records = [(f"{after} - {before} ridge | {CONDITION}", metric, size + shift + noise * rng.normal())
                   for metric, size in sizes.items() for after, before in steps("mask_paper")]  # fmt: skip
        parts.append(tidy(records, "paradox", seed))
    return pd.concat(parts)


def test_steps_are_differences_of_the_ablations_own_rows(result, cache, monkeypatch):
    monkeypatch.setenv("LIB_CACHE", str(cache))
    names = ["none", "halt_only", "mask_paper", "mask_skip"]
    own = run_study("mask_ablation", scale="smoke", seeds=1, learners=["ridge"], variants=names, alpha_seeds=0, **TINY)
    assert all(row.cached for row in own.rows if "mask" in row.config), "rows are shared and not computed again"
    levels, found = Numbers(own.frame), Numbers(result.frame)
    for after, before in steps("mask_skip"):
        for metric in ("apparent_ic", "m2_ic", "naive_close.sharpe", "naive_close.sharpe_gross"):
            a, b = (levels.find(f"{mask} ridge | {CONDITION}", metric).value for mask in (after, before))
            assert found.find(f"{after} - {before} ridge | {CONDITION}", metric).value == pytest.approx(a - b)


def test_same_seed_same_table(result, tmp_path, monkeypatch):
    monkeypatch.setenv("LIB_CACHE", str(tmp_path))
    assert run_study("paradox", scale="smoke", seeds=1, **TINY).frame.equals(result.frame)


@pytest.mark.parametrize(
    ("sizes", "verdicts", "words"),
    [
        ((-0.02, 0.02, 0.5), "agrees, other setting", ("falls in 2 of 2", "IC rises in 2 of 2", "ratio rises in 2")),
        ((0.02, 0.02, 0.5), "does not carry over", ("falls in 0 of 2 steps, 2 the other way", "IC rises in 2 of 2")),
        ((-0.02, 0.02, 0.0), "inconclusive", ("falls in 2 of 2", "ratio rises in 0 of 2 steps")),
    ],
)
def test_the_order_is_judged_by_all_six_steps(sizes, verdicts, words):
    frame = six(*sizes)
    (answer,) = STUDY.answers(frame)
    (claim,) = [claim for claim in load_ledger() if claim.id == answer.claim_id]
    assert len(answer.parts) == 6
    assert verdict(claim, answer) == verdicts
    part = frame.assign(variant=frame["variant"].str.removesuffix(f" | {CONDITION}"))
    message = orders_message(order_steps(part, "ridge"))
    assert all(word in message for word in words), message


def test_holm_is_over_the_six_steps():
    from scipy.stats import ttest_1samp

    frame = six(-0.001, 0.002, 0.003, noise=0.002)
    part = frame.assign(variant=frame["variant"].str.removesuffix(f" | {CONDITION}"))
    raw = [ttest_1samp(values, 0).pvalue for _, values in part.groupby(["variant", "metric"])["value"]]
    found = orders_table(part, "ridge")["p after Holm"]
    assert len(raw) == len(found) == 6
    assert found.min() == pytest.approx(min(1.0, 6 * min(raw)))


def test_the_full_mask_against_none_is_the_ablations_own_comparison_of_books(result, cache, monkeypatch):
    monkeypatch.setenv("LIB_CACHE", str(cache))
    names = ["none", "halt_only", "mask_paper", "mask_skip"]
    small = {**TINY, "learners": ["ridge"], "variants": names, "alpha_seeds": 0}
    own = Numbers(run_study("mask_ablation", scale="smoke", seeds=1, **small).frame)
    found, name = Numbers(result.frame), f"mask_skip - none ridge | {CONDITION}"
    for metric in ("naive_close.active_sharpe_gross", "naive_close.turnover.left", "executed_open.annual_gross"):
        assert found.find(name, metric) == own.find(name, metric)
    books = Books.of(lambda metric: found.find(name, metric), "naive_close")
    assert books.known and 0 < books.left != books.right > 0


def test_costs_stand_beside_the_six_steps_and_are_not_judged():
    frame = six(-0.02, 0.02, 0.5)
    more = frame[frame["metric"] == "naive_close.sharpe"]
    gross = more.assign(metric="naive_close.sharpe_gross", value=more["value"] - 0.5)
    levels = [tidy([(f"{mask} ridge | {CONDITION}", "naive_close.turnover", share)
                    for mask, share in (("none", 0.8), ("halt_only", 0.7), ("mask_paper", 0.2))], "paradox", seed)
              for seed in range(6)]  # fmt: skip
    both = pd.concat([frame, gross, *levels])
    part = both.assign(variant=both["variant"].str.removesuffix(f" | {CONDITION}"))
    table = orders_table(part, "ridge")
    assert table["p after Holm"].notna().sum() == 6 and len(table) == 8
    last = table.iloc[-1]
    assert (last["order"], last["step"]) == ("Sharpe ratio gross of costs", "halt_only to mask_paper")
    assert (last["turnover before"], last["turnover after"]) == pytest.approx((0.7, 0.2))
    net, before = (list(order_steps(part, "ridge", orders=which).values()) for which in (ORDERS[2:], GROSS))
    words = "2 rise net of costs and 0 before costs; 2 of the rises are shown after costs only"
    assert words in costs_message(net, before)
    assert costs_message(net, net).endswith("2 before costs.")
    assert costs_message(net, list(order_steps(frame, "ridge", orders=GROSS).values())) == "", "an older record"
    (answer,), (without,) = STUDY.answers(both), STUDY.answers(frame)
    assert answer.parts == without.parts and "gross of costs" in answer.note


def test_one_market_answers_nothing(result):
    assert result.answers() == []


def test_the_papers_table_is_theirs(result):
    assert papers_numbers() == {"ic": [0.058, 0.052, 0.049], "realisable_ic": [0.032, 0.038, 0.049],
                                "sharpe": [1.23, 1.39, 1.63]}  # fmt: skip
    from lib.evaluation.conditions import of_condition

    table = papers_table(of_condition(result.frame, CONDITION), "ridge")
    assert list(table["ic: papers"]) == [0.058, 0.052, 0.049]
    ours = Numbers(result.frame).find(f"halt_only ridge | {CONDITION}", "apparent_ic").value
    assert table["ic: ours"][1] == pytest.approx(ours)
