"""Two books: what is read of them, the cost at which they earn the same, and the table that judges them."""

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

SURE = Estimate(1.0, 0.5, 1.5)


def test_year_and_cost_are_those_of_the_scores():
    assert (SESSIONS, COST) == (scoring.SESSIONS, scoring.COST_BPS)


@pytest.mark.parametrize(
    ("annual", "left", "right", "cost"),
    [(0.0486, 0.6, 0.2, 5.0), (-0.0486, 0.2, 0.6, 5.0), (0.0486, 0.2, 0.6, None), (-0.0486, 0.6, 0.2, None),
     (0.0486, 0.5, 0.51, None)],
)  # fmt: skip
def test_at_which_cost(annual, left, right, cost):
    found = Books(SURE, SURE, SURE, annual, left, right).break_even
    assert math.isnan(found) if cost is None else found == pytest.approx(cost)


def test_books_are_looked_up_by_metric():
    found = Ablation.of(ablation(0.05)).books("mask_skip", "row_deletion")
    assert found.known and (found.gross.value, found.left, found.right) == (0.05, 0.2, 0.5)


def test_an_older_record_without_gross_numbers_has_no_books():
    frame = ablation(0.05)
    old = frame[~frame["metric"].str.contains("gross|active|turnover|matched")]
    found = Ablation.of(old)
    assert not found.books("mask_skip", "row_deletion").known
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
