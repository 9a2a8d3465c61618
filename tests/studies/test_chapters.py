"""The chapters: every page in one of them, answers from findings, the stories with their numbers."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
import yaml
from results import tidy

from lib.paper.claims import load_ledger
from lib.paper.pages.findings import Finding
from lib.studies.chapters import page, rally, stories
from lib.studies.chapters.contents import address, below, heading
from lib.studies.chapters.stories import STORIES, float64_cost
from lib.studies.claims.said import Said

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())
OPENINGS = sorted(path.stem for path in (ROOT / "notebooks").glob("chapter_*.ipynb"))
CONTENTS = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8"))
CHAPTERS = [chapter for part in CONTENTS["parts"] for chapter in part["chapters"]]


def cells(name: str) -> list[dict]:
    return json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def source(name: str, kind: str) -> str:
    return "\n".join("".join(cell["source"]) for cell in cells(name) if cell["cell_type"] == kind)


# ------------------------------------------------------------------------------------------- contents


def test_every_page_is_in_one_chapter_once() -> None:
    files = [file for chapter in CHAPTERS for file in [chapter["file"], *below_of(chapter)]]
    assert len(files) == len(set(files))
    notebooks = {f"run/{path.stem}" for path in (ROOT / "notebooks").glob("*.ipynb")} - {"run/index"}
    assert {file for file in files if file.startswith("run/")} == notebooks


def below_of(chapter: dict) -> list[str]:
    return [section["file"] for section in chapter.get("sections", [])]


def test_an_opening_opens_a_chapter_and_lists_its_own_pages() -> None:
    assert sorted(chapter["file"][4:] for chapter in CHAPTERS if chapter["file"].startswith("run/chapter")) == OPENINGS
    for name in OPENINGS:
        assert below(name), name
        assert f'page.pages("{name}")' in source(name, "code")
    assert below("no_such_chapter") == []


@pytest.mark.parametrize("name", OPENINGS)
def test_an_opening_types_no_measured_number(name: str) -> None:
    text = re.sub(r"213|95 %|\*\*[AB]\*\*|[Ss]ection \d\.\d|\{cite\}`[^`]*`", "", source(name, "markdown"))
    assert re.findall(r"\d", text) == []


@pytest.mark.parametrize("name", OPENINGS)
def test_an_opening_depends_on_the_results_that_it_reads(name: str) -> None:
    node = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    read = set(re.findall(r"book/recorded/(\w+)", " ".join(node["metadata"]["inputs"])))
    if name == "chapter_stories":
        assert read == {study for story in STORIES for study in story.found} | {"how_fast"}
    else:
        call = source(name, "code").partition("page.answer(")[2].partition("**settings")[0]
        assert read == set(re.findall(r'"(\w+)"', call))


def test_titles_and_addresses_of_pages() -> None:
    assert heading("run/coverage") and heading("glossary") == "Glossary" and heading("run/no_such_page") == ""
    assert (address("run/coverage"), address("method")) == ("coverage.html", "../method.html")
    text = page.pages("chapter_stories").data
    assert 'href="leakage.html"' in text and "the papers once let labels" in text.lower()


# ------------------------------------------------------------------------------------------- answers


def test_an_answer_is_the_wanted_finding_or_the_first_that_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    two = (Finding("First <b>.", holds=True), Finding("Second one.", holds=True))
    known = {"a": Said("A", "a", two, True), "b": Said("B", "b", (), False)}
    monkeypatch.setattr(page, "said_by", lambda name, scale: known[name])
    text = page.answer("a", "b").data
    assert "First &lt;b&gt;." in text and "Second" not in text and "recorded by earlier code" in text
    assert 'Not yet recorded: <a href="b.html">B</a>' in text
    assert "Second one." in page.answer(("a", "Second")).data
    assert "First" in page.answer(("a", "gone")).data


# ------------------------------------------------------------------------------------------- stories


def test_the_stories_are_those_of_the_ledger() -> None:
    told = {name for story in STORIES for name in (*story.claims.values(), *story.verdicts)}
    own = {claim.id for claim in load_ledger() if claim.id.startswith("B.story.") and claim.where.startswith("s5.2")}
    assert own <= told and told <= {claim.id for claim in load_ledger()}
    assert len(STORIES) == 5 and sum(story.timed for story in STORIES) == 1


def test_what_a_story_tells_has_the_numbers_of_the_ledger_and_no_other() -> None:
    assert "0.3 %" in STORIES[0].tells() and "0.005" in STORIES[0].tells()
    for story in STORIES:
        assert not re.search(r"\d", re.sub(r"float\d\d", "", story.told)), story.title


@pytest.mark.parametrize(
    ("double", "words"), [(2.0, "it costs more, as told"), (0.4, "it costs less"), (1.05, "no cost is shown")]
)
def test_the_time_of_the_average_in_float64(double: float, words: str) -> None:
    lines = []
    for dtype, value in (("float32", 1.0), ("float64", double)):
        name = f"ewma w=20 {dtype} 750x1000"
        lines += [(name, "ours: cpu" + end, value * by) for end, by in (("", 1), (".low", 0.9), (".high", 1.1))]
    found = float64_cost(tidy(lines, "how_fast"))
    assert found.holds and words in found.text and "750 days x 1000 stocks" in found.text
    assert f"{double:.1f} [{double * 0.9 / 1.1:.1f}, {double * 1.1 / 0.9:.1f}]" in found.text
    assert not math.isnan(found.numbers["ratio"].low)


def test_a_story_without_rows_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stories, "said_by", lambda name, scale: Said(name, name, (), False))
    monkeypatch.setattr(stories, "_answers", lambda name, scale: [])
    text = stories.stories().data
    assert text.count("Not yet recorded") == sum(len(story.found) for story in STORIES) + 1
    assert text.count("<h3>") == len(STORIES) and "not yet studied" in text


# ---------------------------------------------------------------------------------------- a real fortnight


@pytest.mark.parametrize(("later", "words"), [(-0.08, "only those who already held"), (0.08, "made +8.0%.")])
def test_the_fortnight_says_who_had_the_gain(later: float, words: str) -> None:
    rows = {"n": 206.0, "gap": 0.06, "five days from next open": later, "next day open up": 0.45}
    frame = tidy([(rally.ROWS, f"{rally.CLOSES}: {name}", value) for name, value in rows.items()], "limit_events", 0)
    found = rally.finding(frame)
    assert found.holds and words in found.text.replace("\N{MINUS SIGN}", "-")
    assert "From 2024-09-24 to 2024-10-11, 206 closes" in found.text and "45% stood at the limit" in found.text


def test_the_fortnight_is_shown_from_the_recorded_rows() -> None:
    shown = rally.rally().data
    assert "206 closes" not in rally.rally("smoke").data, "nothing of that scale is recorded"
    assert "<img" in shown and "closes of CSI 300 members" in shown
