"""Books in words: the sign that counts is that before costs, and what costs do stands beside it."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from results import ablation, around, tidy

from lib.evaluation import scoring
from lib.evaluation.ablation import Ablation
from lib.evaluation.books import COST, SESSIONS, Books
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import over_seeds
from lib.studies.mask_ablation.tables import JUDGED, judged_contrasts

NONE = Estimate(math.nan)
SURE, UNSURE = Estimate(1.0, 0.5, 1.5), Estimate(0.1, -0.4, 0.6)


def books(gross=SURE, net=SURE, matched=SURE, annual=0.0, left=0.2, right=0.8, tried=True):
    return Books(gross, net, matched, annual, left, right, tried)


def test_year_and_cost_are_those_of_the_scores():
    assert (SESSIONS, COST) == (scoring.SESSIONS, scoring.COST_BPS)


@pytest.mark.parametrize(
    ("annual", "left", "right", "words"),
    [
        (0.0486, 0.6, 0.2, "mean returns are equal at 5.0 bps a side"),
        (-0.0486, 0.2, 0.6, "mean returns are equal at 5.0 bps a side"),
        (0.0486, 0.2, 0.6, "at every cost the first has"),
        (-0.0486, 0.6, 0.2, "at every cost the second has"),
        (0.0486, 0.5, 0.51, "at every cost the first has"),
    ],
)
def test_at_which_cost(annual, left, right, words):
    assert words in books(annual=annual, left=left, right=right).beside()


def test_matched_or_not():
    assert "with turnovers matched, +1.00 [+0.50, +1.50]" in books().beside()
    assert "no buffer matches the turnovers" in books(matched=NONE).beside()
    assert "match" not in books(matched=NONE, tried=False).beside()
    assert "turnovers of 20 % and 80 % a day" in books().beside()


@pytest.mark.parametrize(
    ("gross", "net", "words"),
    [(SURE, SURE, ""), (UNSURE, UNSURE, ""), (SURE, UNSURE, ""), (UNSURE, SURE, "not shown"),
     (SURE.against, SURE, "reversed"), (NONE, SURE, "")],
)  # fmt: skip
def test_a_net_difference_that_costs_make_is_named(gross, net, words):
    found = books(gross, net).warning()
    assert (words in found and bool(found)) if words else found == ""


def test_a_pipeline_is_told_the_gross_sign():
    """The net numbers say that windows help; before costs they do nothing, and that is what the sentence says."""
    frame = ablation(0.05)
    gross = frame["metric"].str.contains("gross")
    frame.loc[gross, "value"] = ablation(0.0).loc[gross, "value"]
    windows, *_ = Ablation.of(frame).implications()
    assert "has not been shown to lose" in windows and "Before costs the difference is not shown" in windows
    assert "turnovers of 20 % and 50 % a day" in windows
    assert "of these gross as well" in Ablation.of(frame).cheaper_message()


def test_an_older_record_without_gross_numbers_says_nothing_of_books():
    frame = ablation(0.05)
    old = frame[~frame["metric"].str.contains("gross|active|turnover|matched")]
    found = Ablation.of(old)
    assert found.every_book() == {} and not any("Net of" in text for text in found.implications())
    assert list(judged_contrasts(old, "ridge").columns)[:1] == ["m1_ic"]


def test_the_table_counts_the_markets_that_were_matched_and_takes_a_ratio_of_means():
    parts = []
    for seed in range(6):
        name, scale = "mask_skip - none ridge", 1 + seed
        records = [(name, f"executed_open.{m}", v) for m, v in (
            ("active_sharpe_gross", 0.1 * scale), ("active_sharpe", 0.2 * scale), ("annual_gross", -0.0486 * scale),
            ("turnover.left", 0.2), ("turnover.right", 0.6), ("matched.validation_ratio", 1.0))]  # fmt: skip
        if seed < 4:
            records.append((name, "executed_open.matched.active_sharpe", 0.05))
        parts.append(tidy(records + around("none ridge", "m1_ic", 0.1, 0.01), "mask_ablation", seed))
    row = judged_contrasts(pd.concat(parts), "ridge").loc["mask_skip - none"]
    assert row["executed_open: markets matched"] == "4 of 6"
    assert row["executed_open: break-even bps"] == pytest.approx(5.0 * 3.5)
    assert row["executed_open.active_sharpe_gross, p after Holm"] < 0.05
    names = list(row.index)
    order = [names.index(metric) for metric in JUDGED if metric in names]
    assert order == sorted(order), "before costs first"
    assert len(over_seeds(pd.concat(parts)))
