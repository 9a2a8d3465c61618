"""The ablation on real prices: its grid, its spans of test years, and what answers a claim."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from page_parts import parts, shown_of
from results import ablation, around, tidy

from lib.errors import ParameterError
from lib.evaluation.ablation import CAUSES
from lib.evaluation.ablation_tables import PAPER_VARIANTS
from lib.evaluation.core import CORE
from lib.evaluation.predictions import on_panel
from lib.evaluation.variants import FEATURES, VARIANTS, compute_features, variant_dataset
from lib.market import make_market
from lib.models.splits import fixed_split
from lib.models.walk import walk_predictions
from lib.paper.claims import load_ledger
from lib.studies import recorded
from lib.studies.mask_ablation.common import GROSS, MATCHED, NET
from lib.studies.mask_ablation_real import STUDY, page, tables
from lib.studies.mask_ablation_real import measure as study

FILE = {"data_path": "prices.parquet"}
NONE = ("none mlp", "none mlp | paper B window")


def rows(scale: str = "laptop", seeds: int = 2, **overrides: Any) -> list[dict[str, Any]]:
    return STUDY.rows(STUDY.settings(scale, seeds, overrides))


# -------------------------------------------------------------------------------------------- the grid


def test_a_file_is_studied_in_every_window_by_every_learner() -> None:
    found = rows(**FILE)
    ran = {(row["learner"], row["standardise"], row["window"]) for row in found}
    kinds = (("ridge", "zscore"), ("ridge", "rank"), ("lightgbm", "zscore"), ("mlp", "zscore"))
    assert ran == {(*kind, window) for kind in kinds for window in ("walk", "paper B", "paper A")}
    ridge = [row for row in found if row["learner"] == "ridge" and row["condition"] == ""]
    assert sorted(row["mask"] for row in ridge) == sorted(VARIANTS), "one market and no randomness: one row each"
    trained = {name: [row["seed"] for row in found if row["variant"] == name] for name in NONE}
    assert trained == {"none mlp": [0], "none mlp | paper B window": [0, 1]}, "one row per training seed, fewer walks"
    more = [row["seed"] for row in rows(seeds=3, walk_seeds=2, **FILE) if row["variant"] == "none mlp"]
    assert more == [0, 1]
    groups = [STUDY.group(row) for row in ridge]
    assert len(set(groups)) == len(FEATURES) and groups == sorted(groups, key=groups.index)


def test_every_learner_is_fitted_equally_often() -> None:
    for row in rows(**FILE, refit_every=2, first_test_year=2015):
        walk = {"refit_every": 2, "first_test_year": 2015} if row["window"] == "walk" else {}
        assert {name: row[name] for name in ("refit_every", "first_test_year") if name in row} == walk


def test_names_of_the_walk_stay_and_the_others_say_what_they_are() -> None:
    names = {row["variant"] for row in rows(**FILE)}
    assert {"mask_skip ridge", "none mlp", "mask_skip ridge | paper B window", "none ridge | ranks"} <= names
    assert {"gap ridge | paper A window, ranks", "none lightgbm | paper A window"} <= names
    assert not any("ranks" in name for name in names if "ridge" not in name)


def test_an_overlay_market_has_the_walk_only() -> None:
    assert {row["window"] for row in rows("smoke")} == {"walk"}
    assert {row["market_seed"] for row in rows("smoke")} == {0, 1}


# ---------------------------------------------------------------------------------------- the windows

YEARS = ((2010, 2010), (2011, 2011), (2012, 2012))


@pytest.fixture(scope="module")
def panel():
    """Three and a half years: the last ones lie after the test year."""
    return make_market(60, 830, seed=3).panel


@pytest.fixture
def on_file(panel, monkeypatch):
    """The study on a file that is this panel, with a window that it holds."""
    monkeypatch.setattr(study, "study_panel", lambda settings, seed: panel)
    monkeypatch.setitem(study.FIXED, "paper B", YEARS)
    settings = STUDY.settings("smoke", 1, {**FILE, "learners": ["ridge"], "variants": ["none", "mask_skip"]})
    return STUDY.rows(settings), STUDY.row_settings(settings | {"samples": 10})


def test_a_window_is_fitted_before_its_test_years_and_scored_on_them(on_file, panel) -> None:
    grid, settings = on_file
    row = next(row for row in grid if row["variant"] == "mask_skip ridge | paper B window")
    found = study.compute(row, settings)
    split = fixed_split(panel.dates, train=YEARS[0], validation=YEARS[1], test=YEARS[2])
    cut = panel.rows(0, split.test_stop)
    prediction = on_panel(cut, found.arrays)
    years = panel.dates.astype("datetime64[Y]").astype(int) + 1970
    assert set(years[np.flatnonzero(np.isfinite(prediction).any(axis=1))]) == {2012}
    data = variant_dataset(cut, VARIANTS["mask_skip"], compute_features(cut, "skip", CORE))
    expected = walk_predictions(data, cut.dates, learner="ridge", splits=[split])
    np.testing.assert_array_equal(prediction, expected.astype(np.float32).astype(float))
    days = {record["n"] for record in found.records if record["metric"] == "executed_open.sharpe"}
    assert len(days) == 1 and abs(days.pop() - (years == 2012).sum()) <= 2, "no day after the test years counts"


def test_contrasts_are_paired_within_a_window(on_file) -> None:
    grid, settings = on_file
    assert len({STUDY.contrast.by(row) for row in grid}) == 3  # of which this file has two
    chosen = [row for row in grid if row["window"] == "paper B"]
    found = study.contrast([(row, study.compute(row, settings)) for row in chosen], settings)
    assert {record["variant"] for record in found.records} == {"mask_skip - none ridge | paper B window"}
    assert {"m1_ic", "executed_open.sharpe"} <= {record["metric"] for record in found.records}


def test_a_file_without_the_years_says_which(on_file) -> None:
    grid, settings = on_file
    row = next(row for row in grid if row["window"] == "paper A")
    with pytest.raises(ParameterError, match=r"windows: 'paper A' cannot be had from this file: .*lacks 2014, 2015"):
        study.compute(row, settings)


# ----------------------------------------------------------------------------------------- the answers


def levels(shift: float, condition: str = "", learner: str = "ridge") -> pd.DataFrame:
    """The papers' three configurations, each metric a number of its own."""
    metrics = ("apparent_ic", "m2_ic", "naive_close.sharpe", "naive_close.max_drawdown", "naive_close.annual_return",
               "executed_open.sharpe")  # fmt: skip
    names = [(f"{name} {learner}", place) for place, name in enumerate(PAPER_VARIANTS.values())]
    records: list[tuple[str, str, float]] = []
    for name, place in names:
        for k, metric in enumerate(metrics):
            records += around(study.row_name(*name.rsplit(" ", 1), condition), metric, shift + place + k / 10, 0.5)
    return tidy(records, "mask_ablation_real")


def test_claims_are_answered_on_the_window_of_paper_b() -> None:
    both = pd.concat([levels(0.0), levels(10.0, "paper B window"), levels(20.0, "paper B window, ranks")])
    answers = {answer.claim_id: answer for answer in tables.answer_claims(both)}
    assert answers["B.appB.mask.real.none.apparent_ic"].estimate == pytest.approx(10.0)
    assert "test years 2022 to 2024" in answers["B.appB.mask.real.none.apparent_ic"].note
    walk = {answer.claim_id: answer for answer in tables.answer_claims(levels(0.0))}
    assert walk["B.appB.mask.real.none.apparent_ic"].estimate == pytest.approx(0.0)
    assert "the walk, because this run has no window paper B" in walk["B.appB.mask.real.none.apparent_ic"].note


def test_one_number_of_the_paper_is_answered_by_one_number_of_ours() -> None:
    """Sharpe ratios stand in two tables of paper B: the same configuration, the same claim, the same answer."""
    answers = {answer.claim_id: answer for answer in tables.answer_claims(levels(0.0, "paper B window"))}
    claimed = {claim.id: claim.claimed for claim in load_ledger()}
    for theirs in PAPER_VARIANTS:
        one, other = f"B.appB.mask.real.{theirs}.sharpe", f"B.paradox.{theirs}.sharpe"
        assert claimed[one] == claimed[other]
        assert answers[one].estimate == answers[other].estimate
        assert "naive_close.sharpe" in answers[other].note
        assert "m2_ic" in answers[f"B.paradox.{theirs}.realisable_ic"].note
    assert set(answers) <= set(tables.CLAIM_IDS) <= set(claimed)


def test_the_mlp_answers_where_it_ran_on_all_three() -> None:
    frame = pd.concat([levels(0.0, "paper B window"), levels(5.0, "paper B window", "mlp")])
    assert all(" mlp" in answer.note for answer in tables.answer_claims(frame))
    part = frame[frame["variant"] != "mask_paper mlp | paper B window"]
    assert all(" ridge" in answer.note for answer in tables.answer_claims(part))


# -------------------------------------------------------------------------------------------- the page


def in_windows() -> pd.DataFrame:
    """The walk, paper B's window with windows that help, and ranks."""
    parts = {"": ablation(0.0), "paper B window": ablation(0.05), "ranks": ablation(-0.05)}
    named = [f.assign(variant=f["variant"] + (f" | {name}" if name else "")) for name, f in parts.items()]
    return pd.concat([*named, ablation(0.02, "mlp")], ignore_index=True)


def test_each_learner_in_each_span_is_a_case_and_the_walk_comes_first() -> None:
    found = list(tables.cases(shown_of("mask_ablation_real", in_windows())))
    assert [case.label for case in found] == ["ridge, walk", "MLP, walk", "ridge, paper B", "ridge, ranks"]
    assert [case.condition for case in found] == ["", "", "paper B window", "ranks"]
    assert found[2].words == "ridge, test years of paper B (2022 to 2024)"
    assert all("|" not in name for case in found for name in case.rows["variant"])
    assert tables.span("paper A window, ranks") == "test years of paper A (2021 to 2024), ranked features"


def test_windows_stand_side_by_side() -> None:
    table = tables.window_table(in_windows(), "ridge")
    assert list(tables.by_window(in_windows(), "ridge")) == ["walk", "paper B"]
    assert list(tables.by_window(in_windows(), "mlp")) == ["walk"]
    assert set(table.index) == set(CAUSES)
    assert table.loc["mask_skip - row_deletion", "m1_ic, walk"] == 0.0
    assert table.loc["mask_skip - row_deletion", "m1_ic, paper B"] == pytest.approx(0.05)
    assert table.loc["mask_skip - row_deletion", "m1_ic, paper B.high"] == pytest.approx(0.06)
    assert list(tables.summary(in_windows()).index.unique("window")) == [
        "walk over all years", "test years of paper B (2022 to 2024)", "walk over all years, ranked features",
    ]  # fmt: skip
    assert tables.window_years().loc["paper B"].tolist() == ["2015 to 2020", "2021 to 2021", "2022 to 2024"]


def changed(frame: pd.DataFrame, variant: str, metric: str, value: float, half: float = 0.01) -> pd.DataFrame:
    """The frame with another number and interval."""
    for end, shift in (("", 0.0), (".low", -half), (".high", half)):
        hit = (frame["variant"] == variant) & (frame["metric"] == metric + end)
        assert hit.any(), (variant, metric)
        frame = frame.assign(value=frame["value"].where(~hit, value + shift))
    return frame


def walk() -> pd.DataFrame:
    """Every variant alike, with what a book costs."""
    money: list[tuple[str, str, float]] = [("none ridge", "executed_open.turnover", 1.1)]
    for mask in VARIANTS:
        money += around(f"{mask} ridge", NET, -0.5, 0.1) + around(f"{mask} ridge", GROSS, 0.5, 0.1)
    return pd.concat([ablation(), tidy(money, "mask_ablation_real")])


@pytest.mark.parametrize(
    ("place", "variant", "metric", "outcomes"),
    [
        (0, "labels_only - none ridge", "m1_ic", ("raises the IC", "lowers the IC", "not shown to change the IC")),
        (1, "mask_paper - none ridge", GROSS, ("earns more", "not shown to earn more", "not shown to earn more")),
        (2, "mask_skip - row_deletion ridge", GROSS, ("earn more", "earn less", "not shown to earn anything")),
        (3, "none ridge", "phantom_close", ("no order could", "would have lost", "cannot be told from zero")),
        (4, "row_deletion - none ridge", GROSS, ("earns more", "earns less", "not shown to earn more")),
        (5, "mask_skip ridge", NET, ("Some masks pay", "No mask is shown", "No mask is shown")),
    ],
)
def test_every_outcome_has_its_sentence(place: int, variant: str, metric: str, outcomes: tuple[str, ...]) -> None:
    for value, words in zip((0.5, -0.5, 0.0), outcomes, strict=True):
        found = page.findings(changed(walk(), variant, metric, value))
        assert found[place].holds and words in found[place].text, found[place].text
        assert all(item.holds for item in found)


def test_a_gain_after_costs_alone_is_trading_saved() -> None:
    frame = changed(walk(), "mask_paper - none ridge", NET, 1.0)
    for gross, words in ((0.0, "not shown to earn more"), (-1.0, "earns less than no mask before costs")):
        text = page.findings(changed(frame, "mask_paper - none ridge", GROSS, gross))[1].text
        assert words in text and "is trading saved" in text and "20% of the portfolio" in text


def test_numbers_that_were_not_recorded_give_no_sentence() -> None:
    frame = walk()
    old = page.findings(frame[~frame["metric"].str.contains(f"{GROSS}|{MATCHED}", regex=True)])
    assert [item.holds for item in old] == [True, False, False, True, False, True]


def test_findings_hold_on_the_recorded_rows() -> None:
    record = recorded("mask_ablation_real")
    assert record.stale_rows() or [item.text for item in page.findings(record.frame) if not item.holds] == []


def test_the_page_is_drawn() -> None:
    names = ("head", "seen", "costs", "contrasts", "by_span", "by_learner", "phantom_alpha", "levels")
    found = parts(page, shown_of("mask_ablation_real", in_windows()), *names)
    assert found["costs"].count("<option>") == 4
    assert "Not in this run" not in found["by_span"] + found["by_learner"]
    windows = "«With rows deleted, windows that skip masked days are not shown to add Sharpe ratio»"
    assert windows in found["costs"] and found["costs"].count(windows) == 1, "where they do, the title says nothing"
    assert "mask_ablation_real_levels_ridge_paper_b_window.csv" in found["levels"]
