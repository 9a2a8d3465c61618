"""Nested sets of factors: which factors are in them, what is compared with what, and what the page says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from results import around, scaled_markets, tidy

from lib import factor_names, run_study
from lib.evaluation.arms import ENDPOINTS
from lib.paper.pages.result import PageResult
from lib.studies import recorded
from lib.studies.factor_count import STUDY, page
from lib.studies.factor_count.measure import CHOICE, COUNTS, LEVEL, STEP, WORLDS, factor_set
from lib.studies.factor_count.page import answer_claims, differences_table, findings, levels_table

TINY = {"n_stocks": 50, "n_days": 560, "first_test_year": 2011, "counts": [9, 58]}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return run_study("factor_count", scale="smoke", seeds=1, mlp_seeds=0, cache=cache, jobs=1, **TINY)


def test_the_families_are_nested_and_add_up_to_the_papers_counts():
    for fewer, more in pairwise(COUNTS):
        small, large = (set(factor_set("families", count, 0)) for count in (fewer, more))
        assert small < large and len(large) == more
    assert factor_set("families", 213, 0) == tuple(factor_names())
    assert {name.partition("_")[0] for name in factor_set("families", 58, 0)} == {"alpha", "better", "best"}


def test_random_sets_are_nested_differ_by_market_and_have_the_same_size():
    for seed in (0, 1):
        for fewer, more in pairwise(COUNTS):
            small, large = (factor_set("random", count, seed) for count in (fewer, more))
            assert set(small) < set(large) and len(small) == fewer
    assert factor_set("random", 58, 0) != factor_set("random", 58, 1)
    drawn = [name for seed in range(200) for name in factor_set("random", 9, seed)]
    share = sum(name.startswith("old_") for name in drawn) / len(drawn)
    assert abs(share - 50 / 213) < 0.04, "every factor is as likely as another"


def test_the_grid_has_both_kinds_for_both_learners_and_all_factors_once():
    rows = STUDY.rows(STUDY.settings("paper"))
    linear = [row for row in rows if row["world"] == "linear" and row["seed"] == 0]
    assert len(linear) == 2 * (6 + 5) and len({row["variant"] for row in linear}) == len(linear)
    assert sum(row["learner"] == "mlp" for row in rows) == 20 * 2 * 11
    assert {row["sets"] for row in linear if row["count"] == 213} == {"families"}


def test_a_difference_is_paired_on_its_market(result):
    values = {(variant, metric): value for variant, metric, value in
              result.frame[["variant", "metric", "value"]].itertuples(index=False)}  # fmt: skip
    levels = [LEVEL.name(sets="families", count=count, learner="ridge", world="linear") for count in (58, 9)]
    name = STEP.name(count=58, fewer=9, learner="ridge", world="linear")
    for metric in ("executed_open.active_sharpe_gross", "executed_open.turnover"):
        a, b = (values[level, metric] for level in levels)
        tolerance = 0.02 if metric.endswith("turnover") else 1e-9  # a level leaves out the first day, which only buys
        assert values[name, metric] == pytest.approx(a - b, abs=tolerance)
    assert (CHOICE.name(count=9, same=9, learner="ridge", world="linear"), "truth_ic") in values


def test_more_than_the_noise_is_predicted(result):
    table = levels_table(result.frame)
    assert (table["truth_ic"] > 0.02).all() and len(table) == 4


# ------------------------------------------------------------------------ the sentences


def made_up(step: float, choice: float = 0.01, half: float = 0.001, markets: int = 6) -> pd.DataFrame:
    """Markets in which each step adds `step` to every endpoint, and families beat random sets by `choice`."""
    records: list[tuple[str, str, float]] = []
    for world in WORLDS:
        for learner in ("ridge", "mlp"):
            place = {"learner": learner, "world": world}
            pairs = [*pairwise(COUNTS), (9, 213)]
            for metric in (*ENDPOINTS, "naive_close.active_sharpe_gross", "naive_close.sharpe", "apparent_ic"):
                for rank, count in enumerate(COUNTS):
                    level = 0.1 + step * rank
                    records += around(LEVEL.name(sets="families", count=count, **place), metric, level, half)
                    if count < 213:
                        records += around(LEVEL.name(sets="random", count=count, **place), metric, level - choice, half)
                        records += around(CHOICE.name(count=count, same=count, **place), metric, choice, half)
                for fewer, more in pairs:
                    size = 5 * step if (fewer, more) == (9, 213) else step
                    records += around(STEP.name(count=more, fewer=fewer, **place), metric, size, half)
    return scaled_markets(tidy(records, "factor_count"), markets)


def said(frame: pd.DataFrame) -> str:
    return " ".join(item.text for item in findings(frame))


def test_sentences_follow_the_signs():
    up, down = said(made_up(0.02)), said(made_up(-0.02, choice=-0.01))
    assert up.count("predict better than the first 9") == 4 and "rises in 5 of the five steps" in up
    assert down.count("predict worse than the first 9") == 4 and "rises in 0 of the five steps" in down
    assert "With ridge every step adds" in up and "not monotone in the number of factors" in down
    assert "better than as many random factors at 5 of 5" in up and "worse than as many random factors" in down
    assert "Not in this run" not in up + down


def test_the_order_of_the_papers_holds_only_when_every_step_does():
    answers = {item.claim_id: item for item in answer_claims(made_up(0.02))}
    assert set(answers) == set(page.CLAIM_IDS)
    parts = answers[page.MONOTONE].parts
    assert len(parts) == 10 and all(low > 0 for _, low, _ in parts)
    assert answers["B.factors.plus_old.sharpe"].estimate == pytest.approx((0.1 + 0.04) * 1.025)
    assert not [item for item in answer_claims(made_up(0.02, markets=1)[:0]) if item.claim_id == page.MONOTONE]


def test_tables_and_figure(result):
    frame = made_up(0.02)
    assert len(differences_table(frame)) == 11 and len(levels_table(frame)) == 11
    shown = PageResult.of(result, recorded("factor_count"))
    for draw in (page.head, page.curves, page.levels, page.differences):
        assert draw(shown).data
    from lib.paper.pages.forms import Line, lines_by_group

    numbers = [0.1 + 0.02 * place for place in range(6)]
    check(lambda: lines_by_group({"ridge": [Line("families", list(COUNTS), numbers)]}, "a title", "factors", "IC"))


def test_findings_hold_on_the_recorded_rows():
    found = recorded("factor_count")
    if not found or found.stale:
        pytest.skip("nothing recorded by today's code")
    assert all(item.holds for item in findings(found.frame))


def test_the_same_seed_gives_the_same_rows(result, tmp_path):
    again = run_study("factor_count", scale="smoke", seeds=1, mlp_seeds=0, cache=tmp_path, jobs=1, **TINY)
    np.testing.assert_array_equal(again.frame["value"], result.frame["value"])
