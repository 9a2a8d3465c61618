"""The ablation on the synthetic exchange: its grid, its truth, its pairs over markets, and nothing of the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from exchange_results import by_alpha, truths
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
from lib.studies import recorded
from lib.studies.mask_ablation import STUDY, page, tables
from lib.studies.mask_ablation.tables import GROSS, MATCHED, NET

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


# ----------------------------------------------------------------------------------------------- its page

LEARNERS = ("ridge", "lightgbm", "mlp")
PAPER, ROWS, WINDOWS, LABELS = (
    "mask_paper - none",
    "row_deletion - none",
    "mask_skip - row_deletion",
    "labels_only - none",
)


def made(**effects: float) -> pd.DataFrame:
    """Every learner, at two rates of limits; effects: contrast__metric -> its number, with an interval of 0.01."""
    parts = [truths().assign(variant=lambda f, to=to: f["variant"].str.replace("ridge", to)) for to in LEARNERS]
    frame = pd.concat(parts)
    for name, value in effects.items():
        contrast, metric = name.split("__")
        for end, shift in (("", 0.0), (".low", -0.01), (".high", 0.01)):
            hit = frame["variant"].str.startswith(f"{globals()[contrast]} ") & (
                frame["metric"] == METRICS[metric] + end
            )
            assert hit.any(), name
            frame.loc[hit, "value"] = value + shift
    return pd.concat([frame.assign(variant=frame["variant"] + f" | {limits}")
                      for limits in ("paper limits", "CSI 300 limits")])  # fmt: skip


METRICS = {"gross": GROSS, "net": NET, "matched": MATCHED, "truth": "truth_ic"}


def said(frame: pd.DataFrame, place: int) -> str:
    found = page.findings(frame)[place]
    assert found.holds, found.text
    return found.text


@pytest.mark.parametrize(
    ("labels", "windows", "words"),
    [(0.1, 0.0, "works through the labels"), (0.0, 0.1, "both have to be masked"), (0.0, 0.0, "Neither masked labels"),
     (0.1, 0.2, "both have to be masked"), (0.1, -0.2, "a gain as large is not excluded"), (-0.1, 0.0, "Neither")],
)  # fmt: skip
def test_labels_against_windows(labels, windows, words):
    assert words in said(made(LABELS__truth=labels, WINDOWS__truth=windows), 0)


@pytest.mark.parametrize(
    ("gross", "words"), [(0.5, "earns more"), (-0.5, "earns less"), (0.0, "is not shown to change")]
)
def test_rows_are_judged_before_costs(gross, words):
    text = said(made(ROWS__gross=gross, ROWS__net=2.0, ROWS__matched=1.0), 1)
    assert words in text and "after 8 bps a side it is +2.00 [+1.99, +2.01], at matched turnover +1.00" in text


@pytest.mark.parametrize(
    ("gross", "words"), [(0.5, "earn more than"), (-0.5, "earn less"), (0.0, "are not shown to earn")]
)
def test_windows_are_judged_before_costs(gross, words):
    assert words in said(made(WINDOWS__gross=gross, WINDOWS__net=2.0), 2)


@pytest.mark.parametrize(
    ("gross", "net", "words"),
    [(-1.0, 1.0, "earns less than no mask before costs"), (0.0, 1.0, "is trading saved, with 20% of the portfolio"),
     (1.0, 1.0, "earns more than no mask before costs"), (1.0, -1.0, "earns more than no mask before costs"),
     (-1.0, -1.0, "does not earn more"), (0.0, 0.0, "does not earn more")],
)  # fmt: skip
def test_what_the_papers_mask_saves_is_not_what_it_earns(gross, net, words):
    assert words in said(made(PAPER__gross=gross, PAPER__net=net), 3)


def test_the_learners_are_compared_where_all_were_run():
    assert "with every learner" in said(made(ROWS__gross=1.0), 4)
    assert "lowers" in said(made(ROWS__gross=-1.0), 4) and "depends on the learner" in said(made(ROWS__gross=0.0), 4)
    frame = made(ROWS__gross=1.0)
    assert len(page.findings(frame[~frame["variant"].str.contains(" mlp")])) == 4


def test_without_numbers_before_costs_nothing_is_said_of_money():
    frame = made(ROWS__gross=1.0)
    found = page.findings(frame[~frame["metric"].str.contains("gross")])
    assert [item.holds for item in found] == [True, False, False, False, False]


def test_turnovers_that_cannot_be_matched_are_said():
    frame = made(ROWS__gross=1.0)
    assert "at matched turnover not to be had" in said(frame[~frame["metric"].str.contains("matched")], 1)


def test_findings_hold_on_the_recorded_rows():
    record = recorded("mask_ablation")
    assert record.stale_rows() or [item.text for item in page.findings(record.frame) if not item.holds] == []


NAMES = ("head", "learned", "seen", "earned", "levels", "costs", "contrasts", "learners", "large", "by_alpha",
         "by_alpha_table", "papers")  # fmt: skip


def test_the_page_is_drawn():
    frame = made(ROWS__gross=1.0)
    large = frame.assign(variant=frame["variant"] + ", 1000 stocks")
    ranks = frame.assign(variant=frame["variant"] + ", ranks")
    ridge = pd.concat([large, ranks])[lambda f: f["variant"].str.contains(" ridge ")]
    found = parts(page, shown_of("mask_ablation", pd.concat([frame, ridge, by_alpha()])), *NAMES)
    assert found["costs"].count('type="radio"') == 6 and found["levels"].count('type="radio"') == 10
    assert "Unmasked, a model learns the move that limits cut off (0.40) more than what can be earned (0.10)" in str(
        found["learned"]
    )
    assert "Not in this run" not in found["large"] + found["by_alpha"] + found["learners"]
    assert "«Deleting rows raises the active Sharpe ratio before costs with every learner»" in found["learners"]
    other = parts(page, shown_of("mask_ablation", made(ROWS__gross=-1.0)), "learners", "large")
    assert "lowers" in other["learners"] and "Not in this run" in other["large"]


def test_a_small_run_is_drawn(result):
    found = parts(page, shown_of("mask_ablation", result.frame), *NAMES)
    assert "ridge, papers&#x27; limits" in found["levels"]
