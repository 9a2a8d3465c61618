"""Which result a page shows, and what it says its numbers rest on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from exchange_results import truths
from results import scaled_markets, tidy

from lib.paper.claims import Answer
from lib.paper.pages import PageResult, html
from lib.paper.pages.findings import Finding
from lib.paper.pages.layout import _recording, opening, tabs
from lib.paper.pages.result import markets_of
from lib.studies import load_study, studies

PIT, OTHER = "cn_csi300_pit.parquet", "mine.parquet"


def markets(value: float, seeds: int = 2) -> pd.DataFrame:
    """The gain of the rank denominator in simulated markets, and in a file."""
    made = scaled_markets(tidy([("market waves", "gain all first", value)], "rank_denominator"), seeds)
    return pd.concat([made, tidy([("csi300 as it is", "gain all first", value)], "rank_denominator")])


def conditioned(frame: pd.DataFrame, condition: str = "paper limits", seeds: int = 1) -> pd.DataFrame:
    return scaled_markets(frame.assign(variant=frame["variant"] + f" | {condition}"), seeds)


def with_ends(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the lower ends."""
    return frame.assign(metric=frame["metric"] + ".low")


@dataclass
class Made:
    """A run, or a recorded result, as far as a page looks at one."""

    frame: pd.DataFrame
    files: tuple[str, ...] = ()
    study: Any = field(default_factory=lambda: load_study("rank_denominator"))
    plumbing: bool = False
    settings: dict[str, Any] = field(default_factory=dict)

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
    assert shown.note.startswith(name) and shown.rows.equals(shown.made.frame)
    assert shown.files == tuple(sorted(shown.made.files))


def test_the_page_says_what_its_numbers_rest_on() -> None:
    few, many = (PageResult.of(OWN, recorded).basis() for recorded in (NOTHING, RECORDED))
    assert few == "This build: 2 markets, too few for intervals."
    assert many.startswith("The recorded result: 20 markets, intervals (95 %) of the mean over markets; beside them")
    assert PIT in many and "fr220574" in many, "the source of the prices is named"
    assert PageResult.of(OWN, NOTHING).note == "this build: 2 markets, too few for intervals"
    path = PageResult.of(Made(pd.concat([OWN.frame, with_ends(OWN.frame)])), NOTHING)
    assert path.note == "this build: 2 markets, intervals of one market's days"
    assert path.basis() == "This build: 2 markets, intervals from the days of one market."
    assert PageResult.of(OWN, RECORDED).note == "recorded: 20 markets, intervals of their mean"
    assert PageResult.of(Made(markets(0.0, 1)), NOTHING).markets == "this build: 1 market"


@pytest.mark.parametrize(("plumbing", "name"), [(False, "recorded"), (True, "this build")])
def test_a_study_of_real_prices_shows_the_record_and_never_one_without_a_file(plumbing: bool, name: str) -> None:
    study = load_study("limit_events")
    build, record = Made(markets(0.1), study=study), Made(markets(0.2), (PIT,) * (not plumbing), study, plumbing)
    shown = PageResult.of(build, record)
    assert shown.name == name and shown.evidence is not plumbing
    assert ("not evidence about real markets" in shown.basis()) is plumbing
    assert PageResult.of(Made(markets(0.1), (PIT,), study), record).name == "this build", "on prices it shows itself"


def test_null_markets_and_files_are_not_counted() -> None:
    frame, null = conditioned(truths(), seeds=2), conditioned(truths(), "null", seeds=9)
    assert markets_of(pd.concat([frame, null])) == 2 and markets_of(null) == markets_of(NOTHING.frame) == 0
    assert markets_of(markets(0.0, 3).assign(seed=lambda f: f["seed"] + 7)) == 3


def test_studies_of_the_synthetic_exchange_are_evidence_without_a_price_file() -> None:
    on_prices = {name for name in studies() if "data_path" in load_study(name).parameters}
    made_up = {name for name in on_prices if not load_study(name).wants_prices}
    expected = "calibration cases contamination covariance_eigenvalue coverage ewma_float32 identities"
    expected += " rank_denominator regimes models bias_correction main_results risk augmentation"
    assert made_up == set(expected.split())
    assert {"limit_events", "mask_ablation_real"} <= on_prices - made_up
    assert not load_study("mask_ablation").wants_prices, "it takes no file"


def test_the_parts_of_a_result_are_its_conditions() -> None:
    frame = pd.concat([conditioned(truths(), seeds=3), conditioned(truths(), "CSI 300 limits", seeds=2)])
    found = PageResult.of(Made(frame), NOTHING).parts()
    assert [(name, part.count) for name, part in found.items()] == [("paper limits", 3), ("CSI 300 limits", 2)]
    assert "none ridge" in set(found["paper limits"].rows["variant"])
    assert sum(len(part.rows) for part in found.values()) == len(frame)
    assert list(PageResult.of(Made(truths()), NOTHING).parts()) == [""], "names without a condition"


def test_the_head_of_a_page_counts_what_a_result_has_no_numbers_for() -> None:
    said = [Finding("It gains {gain:.1f}.", gain=2.0, holds=True), Finding("{x:.1f}.", x=math.nan, holds=True)]
    head = opening(PageResult.of(Made(markets(0.001, 5)), NOTHING), "Is it <so>?", said, ["Do this."]).data
    assert "Is it &lt;so&gt;?" in head and "It gains 2.0." in head and "Do this." in head
    assert "1 further statement: this result does not have the numbers." in head and "n/a" not in head
    study = load_study("limit_events")
    silent = opening(PageResult.of(Made(markets(0.1), study=study), NOTHING), "Is it?", said, "Do this.").data
    assert "gains" not in silent and "not evidence about real markets" in silent
    assert "None yet: this build was given no price file" in silent and "Do this." in silent


@pytest.mark.parametrize(("said", "first"), [(1, 1), (5, 5), (6, 4), (9, 4)])
def test_the_head_of_a_page_shows_the_first_findings_and_opens_the_others_on_request(said: int, first: int) -> None:
    findings = [Finding(f"Number {n}.", holds=True) for n in range(said)]
    head = opening(PageResult.of(Made(markets(0.001, 5)), NOTHING), "Is it?", findings, "Do this.").data
    at_once, opens, later = head.partition("<details")
    assert [f"Number {n}." in at_once for n in range(said)] == [n < first for n in range(said)]
    assert all(f"Number {n}." in later for n in range(first, said))
    assert bool(opens) == (said > first) and (not opens or f"{said - first} further findings" in later)


def test_a_small_build_without_a_recorded_result_says_so_in_one_line() -> None:
    said = [Finding("It gains {gain:.1f}.", gain=2.0, holds=True), Finding("It loses {x:.1f}.", x=1.0, holds=False)]

    def head(own: Made, record: Made = NOTHING) -> str:
        return opening(PageResult.of(own, record), "Is it so?", said, "Do this.").data

    small = head(OWN)
    assert small.count("<li>") == 2, "one line for the answer, one for the advice"
    assert "None yet: no result is recorded, and this build has 2 markets" in small and "5 or more" in small
    assert "python -m lib record rank_denominator --scale paper" in small and "Do this." in small
    assert "It gains" not in small and "Not in this run" not in small
    for enough in (Made(markets(0.1, 5)), Made(markets(0.1), (PIT,)), Made(markets(0.1), study=load_study("solver"))):
        assert "It gains 2.0." in head(enough) and "None yet" not in head(enough)
    assert "It gains 2.0." in head(OWN, RECORDED)
    quick = Made(markets(0.1), study=load_study("solver"), settings={"scale": "smoke"})
    assert "this build has small problems and few repetitions (scale smoke)" in head(quick)
    two = Made(markets(0.1), study=load_study("network_tuning"))
    assert "It gains 2.0." in head(two), "its evidence is planned with two markets"


@pytest.mark.parametrize(
    ("seeds", "option"), [(5, " --seeds 5</code>"), (40, " --scale paper</code>"), (1, " --scale paper</code>")]
)
def test_the_command_of_a_recording_of_the_first_markets_says_how_many(seeds: int, option: str) -> None:
    row = SimpleNamespace(run="a", seconds=60.0, date="2020-01-02")
    runs = {"a": {"inputs": [], "hardware": "a machine"}}
    record = SimpleNamespace(rows=[row], runs=runs, scale="paper", seeds=list(range(seeds)))
    study = load_study("prototype")
    assert len(study.settings("paper")["seeds"]) == 40
    assert option in _recording(SimpleNamespace(record=record, study=study))


def test_parts_in_tabs_are_shown_one_at_a_time() -> None:
    page = tabs({"one": html("<p>1</p>"), "two": [html("<p>2</p>"), html("<p>3</p>")]}).data
    assert page.count('type="radio"') == 2 and page.count("checked=") == 1 and "<p>2</p><p>3</p>" in page
    assert tabs({"one": html("<p>1</p>")}).data == "<p>1</p>", "a single part needs no tab"
    other = tabs({"one": html("<p>4</p>"), "two": html("<p>2</p>")}).data
    first, second = (text.split('name="')[1].split('"')[0] for text in (page, other))
    assert first != second, "groups do not switch each other"
