"""Pages about made-up markets: which result they show, what they say of its intervals, and who answers the claims."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from exchange_results import truths
from results import scaled_markets, tidy

from lib.paper.claims import Answer
from lib.paper.pages import PageResult, by_condition, market_claims, market_status
from lib.paper.pages.pieces import box, say
from lib.paper.pages.result import markets_of
from lib.stats.estimates import Numbers
from lib.studies import load_study, studies

PIT, OTHER = "cn_csi300_pit.parquet", "mine.parquet"


def markets(value: float, seeds: int = 2) -> pd.DataFrame:
    """The gain of the rank denominator in made-up markets, and in a file."""
    made = scaled_markets(tidy([("market waves", "gain all first", value)], "rank_denominator"), seeds)
    return pd.concat([made, tidy([("csi300 as it is", "gain all first", value)], "rank_denominator")])


def conditioned(frame: pd.DataFrame, condition: str = "paper limits", seeds: int = 1) -> pd.DataFrame:
    return scaled_markets(frame.assign(variant=frame["variant"] + f" | {condition}"), seeds)


@dataclass
class Made:
    """A run, or a recorded result, as far as a page looks at one."""

    frame: pd.DataFrame
    files: tuple[str, ...] = ()
    study: Any = field(default_factory=lambda: load_study("rank_denominator"))

    @property
    def provenance(self) -> dict[str, Any]:
        return {"inputs": [{"file": name} for name in self.files]}

    @property
    def rows(self) -> list[Any]:
        return [SimpleNamespace(run="r")]

    @property
    def runs(self) -> dict[str, Any]:
        return {"r": self.provenance}

    def answers(self) -> list[Answer]:
        return self.study.answers(self.frame)

    def __bool__(self) -> bool:
        return len(self.frame) > 0


NOTHING = Made(pd.DataFrame(columns=markets(0.0).columns))
OWN = Made(markets(0.001))
RECORDED = Made(markets(0.002, 20), (PIT,))


@pytest.mark.parametrize(
    ("own", "recorded", "name"),
    [
        (OWN, NOTHING, "this build"),
        (OWN, RECORDED, "recorded"),
        (Made(markets(0.001, 20), (PIT,)), RECORDED, "recorded"),
        (Made(markets(0.001, 21)), RECORDED, "this build"),
        (Made(markets(0.001), (OTHER,)), RECORDED, "this build"),
        (Made(markets(0.001), (PIT, OTHER)), RECORDED, "this build"),
    ],
)
def test_the_recorded_result_is_shown_unless_the_build_has_more_markets_or_another_file(own, recorded, name) -> None:
    shown = PageResult.of(own, recorded)
    assert shown.name == name and shown.made is (recorded if name == "recorded" else own)
    assert shown.view.note.startswith(name) and shown.view.frame.equals(shown.made.frame)
    assert shown.files == tuple(sorted(shown.made.files))


def test_the_page_says_how_many_markets_and_which_interval() -> None:
    few, many = (market_status(PageResult.of(OWN, recorded)).data for recorded in (NOTHING, RECORDED))
    assert "2 markets" in few and "fewer than 5" in few and "No price file was given (data_path)" in few
    assert "20 markets" in many and "of the mean over the markets" in many and "one further market" in many
    assert "fr220574" in many and "fr220574" not in few, "the source of the prices is named"
    assert PageResult.of(OWN, NOTHING).note == "this build: 2 markets, intervals of one market's days"
    assert PageResult.of(OWN, RECORDED).note == "recorded: 20 markets, intervals of their mean"
    assert PageResult.of(Made(markets(0.0, 1)), NOTHING).markets == "this build: 1 market"


def test_a_study_without_a_price_file_says_nothing_of_one() -> None:
    study = SimpleNamespace(name="toy", page=SimpleNamespace(claims=()), parameters={"n_days": 1})
    assert "price" not in market_status(PageResult.of(Made(markets(0.0), study=study), NOTHING)).data
    study.parameters["us_path"] = 1
    assert "(us_path)" in market_status(PageResult.of(Made(markets(0.0), study=study), NOTHING)).data


def test_null_markets_and_files_are_not_counted() -> None:
    frame, null = conditioned(truths(), seeds=2), conditioned(truths(), "null", seeds=9)
    assert markets_of(pd.concat([frame, null])) == 2 and markets_of(null) == markets_of(NOTHING.frame) == 0
    assert markets_of(markets(0.0, 3).assign(seed=lambda f: f["seed"] + 7)) == 3


def test_every_market_has_its_own_small_print() -> None:
    made_up, file = PageResult.of(OWN, NOTHING).sources()
    assert made_up[1] == "market" and "2 markets" in made_up[2]
    assert file[1] == "csi300" and "over days" in file[2]


def test_claims_are_answered_by_what_is_shown() -> None:
    five = Made(markets(0.001, 5))
    page = market_claims(PageResult.of(five, NOTHING)).data
    assert "0.00102" in page and "Answered by this build, 5 markets" in page
    page = market_claims(PageResult.of(five, RECORDED)).data
    assert "0.00219" in page and "Answered by the recorded result, 20 markets" in page


def test_every_condition_and_learner_is_shown_under_one_heading(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    mlp = truths().assign(variant=lambda frame: frame["variant"].str.replace("ridge", "mlp"))
    frame = pd.concat([conditioned(truths()), conditioned(mlp), conditioned(truths(), "CSI 300 limits")])
    by_condition(PageResult.of(Made(frame), NOTHING).conditions(), lambda view, learner: [f"{view.name} {learner}"])
    texts = [item if isinstance(item, str) else item.data for item in shown]
    assert texts == ["**Paper limits**", "paper limits ridge", "paper limits mlp", "**CSI 300 limits**",
                     "CSI 300 limits ridge"]  # fmt: skip


def test_figures_and_tables_of_variations_are_folded_and_their_text_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    frame = pd.concat([conditioned(truths()), conditioned(truths(), "paper limits, ranks")])
    views = PageResult.of(Made(frame), NOTHING).conditions()
    by_condition(views, lambda view, learner: [box("t", f"{view.name} {learner}"), box("u", "second")])
    heading, first, second, folded = shown
    assert heading.data == "**Paper limits**" and "paper limits ridge" in first.data and "second" in second.data
    assert folded.data.startswith('<details class="fold"><summary>Paper limits, ranks</summary>')
    assert "paper limits, ranks ridge" in folded.data and "second" in folded.data
    shown.clear()
    by_condition(views, lambda view, learner: [say(view.name)])
    assert [item.data for item in shown][2:] == ["**Paper limits, ranks**", "paper limits, ranks"]


def test_a_condition_counts_its_own_markets_and_has_their_mean() -> None:
    frame = pd.concat([conditioned(truths(0.1), seeds=5), conditioned(truths(0.1), "CSI 300 limits", 2)])
    paper, real = PageResult.of(Made(frame), NOTHING).conditions()
    assert paper.note == "this build, paper limits: 5 markets, intervals of their mean"
    assert real.note.startswith("this build, CSI 300 limits: 2 markets")
    level = Numbers(paper.frame)["none ridge", "truth_ic"]
    assert level.value == pytest.approx(0.1 * 1.02) and level.high - level.value < 0.01, "not one market's own interval"
    assert PageResult.of(Made(frame), NOTHING).part("CSI 300 limits")["seed"].nunique() == 2


def test_studies_of_the_synthetic_exchange_are_evidence_without_a_price_file() -> None:
    on_prices = {name for name in studies() if "data_path" in load_study(name).parameters}
    made_up = {name for name in on_prices if not load_study(name).wants_prices}
    expected = "calibration cases contamination covariance_eigenvalue coverage ewma_float32 identities"
    assert made_up == {*expected.split(), "rank_denominator", "regimes"}
    assert {"limit_events", "mask_ablation_real"} <= on_prices - made_up
    assert not load_study("mask_ablation").wants_prices, "it takes no file"


def test_the_parts_of_a_result_are_its_conditions() -> None:
    frame = pd.concat([conditioned(truths(), seeds=3), conditioned(truths(), "CSI 300 limits", seeds=2)])
    found = PageResult.of(Made(frame), NOTHING).parts()
    assert [(name, part.count) for name, part in found.items()] == [("paper limits", 3), ("CSI 300 limits", 2)]
    assert "none ridge" in set(found["paper limits"].rows["variant"])
    assert sum(len(part.rows) for part in found.values()) == len(frame)
    assert list(PageResult.of(Made(truths()), NOTHING).parts()) == [""], "names without a condition"
