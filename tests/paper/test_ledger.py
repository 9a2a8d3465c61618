"""The first page and the scoreboard: what they say comes from recorded findings and answers, and from nothing else."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest
from figure_checks import check
from results import tidy

from lib.paper.claims import Answer, load_ledger
from lib.paper.claims import verdicts as v
from lib.paper.claims.words import in_words, place, without_codes
from lib.paper.pages.findings import Finding
from lib.paper.pages.sortable import sortable
from lib.paper.results.study import Page, RowResult, Study
from lib.studies import answers
from lib.studies.claims import page as front
from lib.studies.claims import said
from lib.studies.claims.words import NoVerdictError, contradictions, require_verdicts

ABLATION = ("mask_paper - none ridge", "executed_open.active_sharpe")
WINDOWS = ("mask_skip - row_deletion ridge", "executed_open.active_sharpe")


@dataclass
class Record:
    study: Study
    frame: pd.DataFrame
    plumbing: bool = False
    stale: bool = False
    answered: tuple[Answer, ...] = ()

    def answers(self) -> Sequence[Answer]:
        return self.answered

    def __bool__(self) -> bool:
        return bool(len(self.frame))


@dataclass
class Records:
    """Recorded results that a test fills in, as `lib.studies` gives them."""

    kept: dict[str, Record] = field(default_factory=dict)

    def add(self, name: str, frame: pd.DataFrame | None = None, **more: Any) -> Record:
        """A study with a finding for each line of its frame, which holds where the value is positive."""
        if frame is None:
            frame = tidy([("a", "x", 1.0)], name)
        page = Page(findings=more.pop("findings", by_sign))
        study = Study(name, f"Study {name}", grid=lambda _: [], compute=lambda *_: RowResult([]), page=page)
        self.kept[name] = Record(study, frame, **more)
        return self.kept[name]


def by_sign(frame: pd.DataFrame) -> list[Finding]:
    return [Finding("It is <b>{x:+.1f}</b>.", x=value, holds=value > 0) for value in frame["value"]]


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Records:
    found = Records()
    for module in (front, said):
        monkeypatch.setattr(module, "recorded", lambda study, scale=None: found.kept[study.name])
        monkeypatch.setattr(module, "recorded_studies", lambda: [record.study for record in found.kept.values()])
    return found


def difference(key: tuple[str, str], value: float, half: float = 0.1, tail: str = "") -> list[tuple[str, str, float]]:
    variant, metric = key[0] + tail, key[1]
    return [
        (variant, metric, value),
        (variant, f"{metric}.low", value - half),
        (variant, f"{metric}.high", value + half),
    ]


# ------------------------------------------------------------------------------------------ findings


def test_nothing_recorded_is_said(records: Records) -> None:
    assert "Nothing is recorded yet" in front.first_findings().data
    assert "Nothing is recorded yet" in front.all_findings().data
    assert "No comparison of books" in front.picture().data
    assert "No claim has been checked" in front.headline(front.board_of_records()).data


def test_the_first_page_has_one_finding_of_each_line_in_its_order(records: Records) -> None:
    for line in reversed(front.CHOICE):
        for name in line:
            records.add(name)
    pages = re.findall(r'href="(\w+)\.html"', front.first_findings().data)
    assert pages == [line[0] for line in front.CHOICE] and len(pages) == front.FIRST


def test_a_study_without_a_finding_that_holds_gives_way_to_the_next_of_its_line(records: Records) -> None:
    first, second = front.CHOICE[0][:2]
    records.add(first, tidy([("a", "x", -1.0)], first))
    records.add(second, tidy([("a", "x", -1.0), ("b", "x", 2.0)], second))
    text = front.first_findings().data
    assert f"{second}.html" in text and f"{first}.html" not in text and "+2.0" in text and "1.0" not in text
    assert front.all_findings().data.count("<li>") == 1


def test_the_rest_of_a_line_fills_an_empty_place(records: Records) -> None:
    for name in front.CHOICE[2]:
        records.add(name)
    pages = re.findall(r'href="(\w+)\.html"', front.first_findings().data)
    assert pages == list(front.CHOICE[2])


def test_other_studies_stand_in_the_long_list_only_and_text_is_escaped(records: Records) -> None:
    records.add("toy", stale=True)
    assert "toy" not in front.first_findings().data
    text = front.all_findings().data
    assert "&lt;b&gt;+1.0" in text and "recorded by earlier code" in text and "Study toy" in text


def test_a_run_without_a_price_file_says_and_answers_nothing(records: Records) -> None:
    name = front.CHOICE[0][0]
    answer = Answer("B.regime.bear.limit_rate", 0.4, 0.3, 0.5)
    records.add(name, plumbing=True, answered=(answer,))
    assert not front.everything_said() and (front.board_of_records()["verdict"] == v.NOT_STUDIED).all()
    records.kept[name].plumbing = False
    assert front.everything_said() and (front.board_of_records()["verdict"] != v.NOT_STUDIED).sum() == 1


def test_every_study_of_the_editors_choice_exists() -> None:
    from lib.paper.site.notebooks import ROOT

    for name in {name for line in front.CHOICE for name in line} | {item.study for item in front.PICTURE}:
        assert (ROOT / "notebooks" / f"{name}.ipynb").is_file(), name
    claims = {claim.id: claim.claimed for claim in load_ledger()}
    assert all(claims[item.claim] for item in front.PICTURE if item.claim)


# -------------------------------------------------------------------------------- claimed and measured


def test_the_figure_has_what_is_recorded_beside_what_is_claimed(records: Records) -> None:
    lines = difference(ABLATION, 0.3) + difference(WINDOWS, 0.02) + difference((ABLATION[0], "x"), 9.0)
    records.add("mask_ablation_real", tidy(lines, "mask_ablation_real"))
    rows = front.claimed_and_measured().set_index("comparison")
    assert len(rows) == 2 and rows["gross"].isna().all()
    whole, alone = rows.to_dict("records")
    assert whole["claimed"] == 0.44 and math.isnan(alone["claimed"])
    assert (whole["net"], whole["net.low"], whole["net.high"]) == pytest.approx((0.3, 0.2, 0.4))
    check(lambda: figure_of(front.picture))


def figure_of(draw: Callable[[], Any]) -> Any:
    """The figure behind a picture."""
    found: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(front, "plot", found.append)
        draw()
    return found[0]


def test_the_papers_limit_rates_are_shown_where_there_are_several_conditions(records: Records) -> None:
    lines = difference(ABLATION, 5.0, tail=" | CSI 300 limits") + difference(ABLATION, 1.0, tail=" | paper limits")
    records.add("mask_ablation", tidy(lines, "mask_ablation"))
    assert front.claimed_and_measured()["net"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("gross", "net", "said"), [(0.02, 0.3, True), (0.2, 0.3, False), (-0.2, 0.3, False), (0.02, 0.05, False)]
)
def test_the_title_credits_saved_costs_only_where_nothing_is_earned_before_them(
    records: Records, gross: float, net: float, said: bool
) -> None:
    def pair(variant: str, kind: str) -> list[tuple[str, str, float]]:
        before, after = ((variant, f"{kind}.{bps}bps.sharpe") for bps in (0, 8))
        return difference(before, gross) + difference(after, net)

    records.add("own_setting_mask", tidy(pair("full - none ridge | all factors", "zero"), "own_setting_mask"))
    assert not front.picture_finding(front.claimed_and_measured()).holds, "one of the two alone"
    records.add("own_setting_ladder", tidy(pair("full - no AdjMSE", "literal"), "own_setting_ladder"))
    assert front.picture_finding(front.claimed_and_measured()).holds is said
    assert not front.picture_finding(pd.DataFrame()).holds


# ---------------------------------------------------------------------------------------- scoreboard


def test_every_claim_has_a_part_and_every_verdict_an_outcome() -> None:
    parts = [front.part_of(claim.id) for claim in load_ledger()]
    assert set(parts) == set(front.PARTS)
    for verdict in v.VERDICTS:
        assert front.outcome(verdict, True) in front.OUTCOMES
    assert front.outcome(v.ARITHMETIC, True) == front.FITS and front.outcome(v.ARITHMETIC, False) == front.DIFFERS
    assert front.outcome(v.CONTRADICTED, None) == front.DIFFERS and front.outcome(v.INCONCLUSIVE, None) == front.OPEN


def test_the_state_counts_every_claim_once(records: Records) -> None:
    exact = Answer("B.params.mlp", 44_033.0, 44_033.0, 44_033.0, "same")
    wrong = Answer("B.params.transformer", 1.0, 1.0, 1.0, "same")
    wide = Answer("B.regime.bear.sharpe", 0.0, -9.0, 9.0, "different", page="regimes")
    records.add("toy", answered=(exact, wrong, wide))
    board = front.board_of_records()
    text = front.state(board).text
    for words in (f"Of {len(load_ledger())} numbers", " 3 have been checked", "1 fit", "1 do not fit", "1 cannot"):
        assert words in text, words
    whole = front.state(board[board["id"].isin([answer.claim_id for answer in (exact, wrong, wide)])]).text
    assert whole.startswith("All 3 numbers in the two papers have been checked here: 1 fit")
    assert text in front.headline(board).data and "For 2 of them" in front.own_setting(board).text, "answers of toy"
    shown = front.every_claim(board).data
    assert shown.count("<tr") == len(board) + 1 and "44,033" in shown
    assert shown.index("MLP 213") < shown.index("not yet studied</span>"), "what is answered comes first"
    assert '<a href="regimes.html">' in shown and "does not agree" in shown
    check(lambda: figure_of(lambda: front.by_part(board)))


def test_a_sortable_table_is_whole_without_its_script() -> None:
    rows = [{"name": "a&lt;b", "size": "−1 [−2, 0]"}, {"name": "c", "size": ""}]
    frame = pd.DataFrame({"name": ["a<b", "c"], "size": [-1.0, math.nan]})
    text = sortable(rows, frame, "toy", filters={"kind": ["x", 'y"']}, numbers=["size"]).data
    assert text.count("<tr") == 3 and "a&lt;b" in text and 'download="toy.csv"' in text
    assert 'data-filter0="y&quot;"' in text and text.count("<option") == 3
    assert "http" not in text and 'class="controls" hidden' in text
    assert sortable([], frame, "toy", filters={}).data.count("<tr") == 1


def test_what_is_compared_is_told_in_words() -> None:
    told = {answer.claim_id: without_codes(answer.note) for answer in answers()}
    codes = {name: re.findall(r"[A-Za-z]\w*_\w+|[a-z]\w*\.[a-z]\w*", text) for name, text in told.items()}
    assert {name: found for name, found in codes.items() if found} == {}, "words for them: lib/paper/claims/words.py"


def test_every_claim_is_told_in_words_with_its_place() -> None:
    rows = load_ledger()
    told = [in_words(row) for row in rows]
    assert len({(text, place(row), row.unit) for text, row in zip(told, rows, strict=True)}) == len(rows)
    assert not [text for text in told if "_" in text]
    assert told[0] == "Sharpe ratio of the full system" and place(rows[0]) == "B, Ablation s4.3"


def test_contradictions_are_the_notes_that_state_one() -> None:
    found = contradictions()
    notes = {claim.note for claim in load_ledger()}
    assert all(any(against in note for note in notes) for against in found["against"])
    assert not found["against"].str.contains("lost in the text|sweep gamma").any() and found["against"].is_unique
    paradox = found[found["where"] == "B, s6.3 table"].iloc[0]
    assert paradox["stated"].count("IC over all cells") == 3 and "mixes two data sets" in paradox["against"]


def test_a_claim_without_a_verdict_stops_the_build() -> None:
    ids = [claim.id for claim in load_ledger()]
    board = pd.DataFrame({"id": ids, "verdict": v.INCONCLUSIVE})
    assert require_verdicts(board) is board
    name = ids[7]
    lacking = board.assign(verdict=[v.NOT_STUDIED if one == name else v.INCONCLUSIVE for one in ids])
    with pytest.raises(NoVerdictError, match=f"1 claims without a verdict: {name};"):
        require_verdicts(lacking)
    assert require_verdicts(lacking, "smoke") is lacking
