"""The ablation on the simulated market: its grid, its truth, its pairs over markets, and nothing of the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from page_parts import parts, shown_of
from results import scaled_markets

from lib import run_study
from lib.evaluation.conditions import conditions, of_condition
from lib.evaluation.simulated import features, truth_difference, truth_series
from lib.evaluation.variants import CONTRASTS, VARIANTS
from lib.market import make_market
from lib.models.dataset import next_return
from lib.panel import Panel
from lib.stats.estimates import Numbers
from lib.stats.over_seeds import ENOUGH_SEEDS
from lib.studies.mask_ablation import STUDY, page, tables

TINY = {"n_stocks": 40, "n_days": 560, "first_test_year": 2011, "samples": 20, "rounds": 3, "epochs": 1,
        "alpha_seeds": 0}  # fmt: skip
SOME = ["none", "halt_only", "row_deletion", "mask_skip", "mask_paper"]


@pytest.fixture(scope="module")
def world():
    return make_market(60, 200, 3, limit_rates="paper")


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return run_study("mask_ablation", scale="smoke", seeds=1, cache=cache, **TINY)


# ------------------------------------------------------------------------------------------------ rows


def test_every_part_of_the_grid_has_its_own_number_of_markets():
    rows = STUDY.rows(STUDY.settings("paper"))
    frame = pd.DataFrame(rows)
    counts = frame.groupby(["learner", "standardise", "n_stocks"])["seed"].nunique().to_dict()
    assert counts == {("ridge", "zscore", 300): 20, ("ridge", "rank", 300): 10, ("lightgbm", "zscore", 300): 10,
                      ("mlp", "zscore", 300): 5, ("ridge", "zscore", 1000): 5}  # fmt: skip
    assert set(frame["mask"]) == set(VARIANTS) and set(frame["limits"]) == {"real", "paper"}
    trained = set(frame.loc[frame["learner"] != "ridge", "mask"])
    told_apart = {"labels_only", "universe_only", "row_deletion", "mask_skip", "mask_paper"}
    assert trained == told_apart | {"none"}, "labels, universe, windows and the papers' mask"
    assert min(counts.values()) >= ENOUGH_SEEDS, "ridge has no intervals but those over markets"
    assert not frame.duplicated(["variant", "seed"]).any(), "a recorded row is found by variant and seed"
    assert set(frame.loc[frame["n_stocks"] == 300, "factors"]) == {"all"}


def test_rows_of_one_group_share_market_and_features():
    frame = pd.DataFrame(STUDY.rows(STUDY.settings("paper")))
    frame["group"] = [STUDY.group(row) for row in STUDY.rows(STUDY.settings("paper"))]
    frame["features"] = [VARIANTS[mask].features for mask in frame["mask"]]
    same = ["seed", "limits", "n_stocks", "features", "standardise", "factors"]
    assert (frame.groupby("group")[same].nunique() == 1).all(axis=None)


def test_every_row_has_the_truth_beside_the_back_test(result):
    numbers = Numbers(result.frame)
    for mask in SOME[:-1]:  # on a market this small mask_paper leaves too few cells a day for an IC
        for metric in ("apparent_ic", "m1_ic", "m2_ic", "truth_ic", "naive_close.sharpe", "executed_close.sharpe",
                       "executed_open.sharpe", "executed_open.active_sharpe", "executed_open.max_drawdown",
                       "executed_open.turnover", "coverage", "phantom_close", "phantom_open"):  # fmt: skip
            assert np.isfinite(numbers.find(f"{mask} ridge | paper limits", metric).value), (mask, metric)
        net, gross = (numbers.find(f"{mask} ridge | paper limits", f"executed_open.active_sharpe{end}").value
                      for end in ("", "_gross"))  # fmt: skip
        assert gross > net, "trading costs"
    learners = {row.config.get("learner") for row in result.rows}
    assert learners == {"ridge", "lightgbm", "mlp", None}


def test_the_same_seed_gives_the_same_table(result):
    short = {"learners": ["ridge", "lightgbm"], "variants": ["none", "mask_skip"], "trained_variants": ["mask_skip"]}
    again = run_study("mask_ablation", scale="smoke", seeds=1, fresh=True, **TINY, **short).frame
    merged = again.merge(result.frame, on=["variant", "metric"], how="left", suffixes=("", "_before"))
    rows = merged[~merged["variant"].str.contains(" - ")]
    np.testing.assert_array_equal(rows["value"], rows["value_before"])
    assert len(rows) > 100


def test_ranked_features_are_ranks(world):
    names = ("stock_006", "alpha_101")
    ranked = features(world.panel, "skip", names, "rank")
    assert ranked.values.min() > -0.5 and ranked.values.max() <= 0.5
    assert features(world.panel, "skip", names).values.max() > 1


# ------------------------------------------------------------------------------------------- the truth


def test_the_truth_itself_is_found_and_the_cut_off_move_is_no_truth(world):
    perfect = truth_series(world, world.truth.mu_trad)["truth_ic"]
    np.testing.assert_allclose(perfect[np.isfinite(perfect)], 1.0)
    cut = truth_series(world, world.truth.unfilled)
    assert np.nanmin(cut["unfilled_ic"]) == pytest.approx(1.0)
    assert abs(np.nanmean(cut["truth_ic"])) < 0.05


def test_truth_on_a_day_by_hand(world):
    rng = np.random.default_rng(0)
    prediction = rng.normal(size=world.panel.shape)
    prediction[:, ::7] = np.nan
    found = truth_series(world, prediction)
    for t in (20, 90, 180):
        seen = np.isfinite(prediction[t]) & world.panel.price_valid[t] & np.isfinite(next_return(world.panel)[t])
        expected = np.corrcoef(prediction[t, seen], world.truth.mu_trad[t, seen])[0, 1]
        assert found["truth_ic"][t] == pytest.approx(expected)


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30])
def test_a_truth_outside_the_predicted_cells_is_not_looked_at(world, poison):
    rng = np.random.default_rng(1)
    prediction = np.where(rng.random(world.panel.shape) < 0.8, rng.normal(size=world.panel.shape), np.nan)
    changed = np.where(np.isfinite(prediction), world.truth.mu_trad, poison)
    hostile = replace(world, truth=replace(world.truth, mu_trad=changed))
    for name, daily in truth_series(hostile, prediction).items():
        np.testing.assert_array_equal(daily, truth_series(world, prediction)[name])


def test_a_difference_to_the_truth_is_taken_on_cells_that_both_predict(world):
    rng = np.random.default_rng(2)
    left, right = rng.normal(size=(2, *world.panel.shape)) * 0.001 + world.truth.mu_trad
    left[:, ::3] = np.nan
    hostile = np.where(np.isfinite(left), right, 1e30)
    found, same = (truth_difference(world, left, other, np.random.default_rng(0), 20) for other in (right, hostile))
    assert found == same
    assert {r["metric"]: r["value"] for r in truth_difference(world, left, left, rng, 20)}["truth_ic"] == 0


@pytest.mark.parametrize(
    ("mask", "learner"), [("none", "ridge"), ("mask_skip", "ridge"), ("mask_paper", "ridge"), ("mask_skip", "lightgbm")]
)
def test_the_future_changes_no_row_before_it(monkeypatch, mask, learner):
    """Days from the cut on are replaced: predictions and daily scores before it stay bit for bit."""
    from lib.evaluation import simulated as synthetic
    from lib.studies.mask_ablation import measure as mask_ablation

    # intersected windows fill in the second year only
    days, cut, year = (660, 590, 2012) if mask == "mask_paper" else (560, 400, 2011)
    base = make_market(40, days, 0, limit_rates="paper")
    rng = np.random.default_rng(7)
    fields = {}
    for name, values in base.panel.fields.items():
        later = values[cut:][:, rng.permutation(40)] if values.dtype.kind == "f" else values[cut:]
        fields[name] = np.concatenate([values[:cut], later])
    fields.pop("pre_close", None), fields.pop("limit_up", None), fields.pop("limit_down", None)
    reasons = base.panel.reasons.copy()
    reasons[cut:] = np.where(rng.random(reasons[cut:].shape) < 0.2, 4, 0)
    panels = []
    for kept in (base.panel.reasons.copy(), reasons):
        given = {n: v for n, v in base.panel.fields.items() if n in fields} if kept is not reasons else fields
        panels.append(Panel.from_arrays(base.panel.dates, base.panel.symbols, given, kept, market="cn"))
    found = []
    for panel in panels:
        synthetic.features.cache_clear()
        monkeypatch.setattr(mask_ablation, "market", lambda *_, panel=panel, **__: replace(base, panel=panel))
        settings = STUDY.settings("smoke", 1, {**TINY, "factors": "core", "learners": [learner], "variants": [mask],
                                               "trained_variants": [mask], "refit_every": 1, "n_days": days,
                                               "first_test_year": year})  # fmt: skip
        row = STUDY.rows(settings)[0]
        found.append(STUDY.compute(row, STUDY.row_settings(settings)).arrays)
    first = int(found[0]["first_row"])
    assert first == int(found[1]["first_row"]) and first + 50 < cut
    before = slice(0, cut - first)
    np.testing.assert_array_equal(found[0]["prediction"][before], found[1]["prediction"][before])
    assert not np.array_equal(found[0]["prediction"], found[1]["prediction"], equal_nan=True)
    for name in ("naive_close.returns", "executed_open.active_gross", "executed_open.turnover", "truth_ic"):
        np.testing.assert_array_equal(found[0][name][: cut - first - 1], found[1][name][: cut - first - 1])


# --------------------------------------------------------------------------------------------- its tables


def test_conditions_are_kept_apart(result):
    frame = result.frame
    other = frame.assign(variant=frame["variant"].str.replace("paper limits", "CSI 300 limits"), value=-frame["value"])
    both = pd.concat([frame, other])
    assert conditions(both) == ["paper limits", "CSI 300 limits"]
    part = of_condition(both, "paper limits")
    assert set(part["value"].dropna()) == set(frame["value"].dropna())
    table = STUDY.page.table(both)
    left, right = (table.loc[(name, "ridge", "none"), "m1_ic"] for name in ("paper limits", "CSI 300 limits"))
    assert left == -right != 0
    assert set(table.index.get_level_values("learner")) == {"ridge", "lightgbm", "mlp"}


def test_the_papers_table_holds_their_numbers_and_ours(result):
    part = of_condition(result.frame, "paper limits")
    found = tables.papers_table(part, "ridge").set_index(["measure", "mask"])
    papers = {measure: list(found.loc[measure, "paper"]) for measure in found.index.unique("measure")}
    assert papers == {
        "IC, all predicted cells": [0.058, 0.052, 0.049],
        "Sharpe ratio a year, every order filled": [1.61, 1.74, 2.05],
        "largest drawdown, %": [18.3, 16.1, 12.0],
        "return a year, %": [16.7, 17.4, 21.0],
    }
    ours = Numbers(part).find("mask_paper ridge", "naive_close.max_drawdown")
    assert found.loc[("largest drawdown, %", "strict windows, the papers' mask"), "ours"] == pytest.approx(
        100 * ours.value
    )


def test_judged_contrasts_name_what_was_run(result):
    part = of_condition(result.frame, "paper limits")
    found = tables.judged_contrasts(part, "ridge")
    expected = {f"{a} - {b}" for a, b in CONTRASTS if {a, b} <= set(SOME)}
    assert set(found.index) == expected
    assert "truth_ic, p after Holm" in found


def test_claims_are_answered_at_the_papers_rate_of_limits_only(result):
    answers = {answer.claim_id: answer for answer in STUDY.answers(result.frame)}
    assert answers["B.appB.mask.synthetic.none.sharpe"].setting == "different"
    numbers = Numbers(result.frame)
    ours = numbers.find("none ridge | paper limits", "apparent_ic").value
    assert answers["B.appB.mask.synthetic.none.apparent_ic"].estimate == pytest.approx(ours)
    ratio = numbers.find("mask_paper - none ridge | paper limits", "apparent_ic.inflation")
    assert np.isnan(ratio.low) and "B.mask.ic_inflation" not in answers, "one market, and too few of its days"
    elsewhere = result.frame.assign(variant=result.frame["variant"].str.replace("paper limits", "CSI 300 limits"))
    assert STUDY.answers(elsewhere) == []


def test_levels_and_ratios_are_claimed_with_the_interval_of_one_further_market(result):
    answers = {answer.claim_id: answer for answer in STUDY.answers(scaled_markets(result.frame, 5))}
    numbers = Numbers(result.frame)
    for claim, variant, metric in (("B.appB.mask.synthetic.none.sharpe", "none", "naive_close.sharpe"),
                                   ("B.mask.ic_inflation", "mask_paper - none", "apparent_ic.inflation")):  # fmt: skip
        one = numbers.find(f"{variant} ridge | paper limits", metric).value
        reach = 2.776445 * abs(one) * 0.01 * 2.5**0.5 * 1.2**0.5  # t(4), deviation of 0 to 4 per cent, one of six
        found = answers[claim]
        assert (found.estimate, found.high - found.estimate) == pytest.approx((1.02 * one, reach))
        assert found.mean_high - found.estimate == pytest.approx(reach / 6**0.5) and found.markets == 5


def test_the_papers_table_has_the_interval_of_the_mean(result):
    part = of_condition(scaled_markets(result.frame, 5), "paper limits")
    row = tables.papers_table(part, "ridge").set_index(["measure", "mask"])
    row = row.loc[("Sharpe ratio a year, every order filled", "unmasked")]
    one = Numbers(result.frame).find("none ridge | paper limits", "naive_close.sharpe").value
    reach = 2.776445 * abs(one) * 0.01 * 2.5**0.5 / 5**0.5
    assert row["ours.high"] - row["ours"] == pytest.approx(reach)


def test_a_small_run_is_drawn(result):
    found = parts(
        page,
        shown_of("mask_ablation", result.frame),
        "head",
        "learned",
        "levels",
        "contrasts",
        "costs",
        "by_alpha",
        "papers",
    )
    assert "ridge, papers&#x27; limits" in found["levels"]
