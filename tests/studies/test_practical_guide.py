"""The practical guide: advice follows from recorded findings, every outcome is one of the study."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from lib.paper.pages.findings import Finding
from lib.stats.estimates import Estimate
from lib.studies import studies
from lib.studies.claims.said import Said
from lib.studies.practical_guide import page
from lib.studies.practical_guide.page import LINES, UNDECIDED, Line, advised, guide, lines

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())
LINE = Line("Loss", "toy", {"It helps": "Use it.", "It hurts": "Leave it."})


def texts(study: str) -> list[str]:
    """Every piece of text in the room of a study."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "lib/studies" / study).glob("*.py")]
    nodes = (node for tree in trees for node in ast.walk(tree))
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def said(*findings: Finding, old: bool = False) -> Said:
    return Said("Study toy", "toy", findings, old)


def by(words: str, gain: float) -> Finding:
    return Finding(f"{words} by {{gain:+.1f}}.", gain=Estimate(gain, gain - 1, gain + 1), holds=True)


def test_the_advice_is_that_of_the_outcome_that_holds() -> None:
    assert advised(LINE, said(by("It helps", 2.0))).advice == "Use it."
    hurts = advised(LINE, said(by("Other", 1.0), by("It hurts", -2.0)))
    assert hurts.advice == "Leave it." and hurts.finding is not None and hurts.finding.text.startswith("It hurts")


def test_without_rows_there_is_no_advice_and_a_result_may_not_decide() -> None:
    assert advised(LINE, said()).advice == "Not yet recorded."
    assert advised(LINE, said(by("Something else", 1.0))).advice == UNDECIDED


def test_a_line_shows_its_advice_its_number_with_interval_and_the_link() -> None:
    text = lines([advised(LINE, said(by("It helps", 2.0), old=True)), advised(LINE, said())]).data
    assert "Use it." in text and "+2.0 [+1.0, +3.0]" in text and 'href="toy.html"' in text
    assert "recorded by earlier code" in text and "Not yet recorded." in text


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.choice)
def test_every_outcome_of_a_line_is_written_down_in_its_study(line: Line) -> None:
    known = texts(line.study)
    for words in line.advice:
        assert any(words in text for text in known), f"{line.study} never says {words!r}"


def test_advice_is_one_sentence_without_a_typed_number() -> None:
    for line in LINES:
        for advice in line.advice.values():
            assert advice.endswith(".") and advice.count(". ") == 0 and not re.search(r"\d", advice), advice


def test_all_that_has_to_be_chosen_is_there_and_every_study_exists() -> None:
    chosen = {line.choice.partition(":")[0] for line in LINES}
    assert {"Mask", "Label", "Universe", "Score", "Fill", "Cost", "Loss", "Portfolio"} <= chosen
    assert {line.study for line in LINES} <= set(studies())
    assert len({line.choice for line in LINES}) == len(LINES)


def test_the_notebook_depends_on_the_studies_that_it_reads() -> None:
    node = json.loads((ROOT / "notebooks/practical_guide.ipynb").read_text(encoding="utf-8"))
    assert set(node["metadata"]["inputs"]) == {f"book/recorded/{line.study}.*" for line in LINES}


def test_recorded_advice_has_a_number_with_its_interval() -> None:
    found = guide()
    assert any(item.finding for item in found)
    for item in found:
        assert (item.finding is None) == (item.advice in ("Not yet recorded.", UNDECIDED))
        if item.finding is not None and not item.line.counted:
            assert re.search(r"\[.+, .+\]", item.finding.text), item.finding.text


def test_a_study_that_is_not_recorded_is_not_recommended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "said_by", lambda name, scale: Said(name, name, (), False))
    assert {item.advice for item in guide()} == {"Not yet recorded."}
