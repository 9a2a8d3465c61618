"""What is said to be found comes from what is recorded, on real prices, and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest
from exchange_results import eight, orders, paths, truths
from results import ablation, limit_events, tidy

from lib.paper.claims import Answer, load_ledger
from lib.studies.claims import page as ledger


@dataclass
class Record:
    frame: pd.DataFrame
    plumbing: bool = False
    stale: bool = False
    answered: str = "B.regime.bear.limit_rate"

    def answers(self) -> list[Answer]:
        return [Answer(self.answered, 0.4, 0.3, 0.5)]

    def __bool__(self) -> bool:
        return bool(len(self.frame))


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> dict[str, Record]:
    """Recorded results that a test fills in."""
    kept: dict[str, Record] = {}
    monkeypatch.setattr(ledger, "recorded", lambda name, scale=None: kept.get(name, Record(pd.DataFrame())))
    monkeypatch.setattr(ledger, "recorded_studies", lambda: list(kept))
    return kept


def test_nothing_recorded_is_said(records: dict[str, Record]) -> None:
    assert ledger.found_so_far().count("no result on real prices is recorded yet") == 3
    assert ledger.found_so_far().count("nothing is recorded yet") == 9
    assert f"0 of {len(load_ledger())} claims" in ledger.found_so_far()


def test_the_findings_follow_the_numbers(records: dict[str, Record]) -> None:
    records["limit_events"] = Record(limit_events(0.02))
    records["mask_ablation_real"] = Record(ablation(0.05), answered="B.mask.real.delta_sharpe")
    text = ledger.found_so_far()
    assert "2.0 % higher" in text and "windows alone raises" in text
    assert f"2 of {len(load_ledger())} claims" in text
    records["limit_events"] = Record(limit_events(-0.02))
    assert "2.0 % lower" in ledger.found_so_far()


def test_the_synthetic_exchange_says_what_its_numbers_say(records: dict[str, Record]) -> None:
    def conditioned(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(variant=frame["variant"] + " | paper limits")

    records["mask_ablation"] = Record(conditioned(truths(0.3)))
    records["phantom_alpha"] = Record(conditioned(paths()), answered="B.story.phantom")
    records["paradox"] = Record(conditioned(orders()), answered="B.paradox.order")
    null = tidy([("none ridge | null", "m1_ic: covers 0", 1.0)], "controls")
    records["controls"] = Record(pd.concat([eight(), null]), answered="B.mask.largest")
    text = ledger.found_so_far()
    for words in ("Masking the labels alone raises", "IC is higher, and executed returns are poorer",
                  "Apparent IC falls in 2 of 2 steps", "needs the spill", "1 of 1 null markets"):  # fmt: skip
        assert words in text, words
    records["paradox"] = Record(conditioned(orders(-0.02)), answered="B.paradox.order")
    assert "Apparent IC falls in 0 of 2 steps, 2 the other way" in ledger.found_so_far()


def test_the_synthetic_market_answers_nothing(records: dict[str, Record]) -> None:
    records["limit_events"] = Record(limit_events(0.02), plumbing=True)
    assert "higher" not in ledger.found_so_far()
    assert (ledger.board_of_records()["verdict"] == "not yet studied").all()


def test_stale_records_are_marked(records: dict[str, Record]) -> None:
    records["limit_events"] = Record(limit_events(0.02), stale=True)
    assert "recorded by earlier code" in ledger.found_so_far()
