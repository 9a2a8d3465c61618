"""Pages of studies on made-up markets: which result they show, under what name, and who answers the claims."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest

from lib.claims import Answer
from lib.exhibits import each_market, market_status, study_claims
from lib.exhibits.market_pages import market_view
from lib.studies import load_study


def numbers(value: float, source: str = "market") -> pd.DataFrame:
    """The gain of the rank denominator in two markets, and in a file."""
    lines = [(f"{source} waves", seed, "gain all first", value + seed * 1e-6) for seed in (0, 1)]
    lines.append(("csi300 as it is", 0, "gain all first", value))
    return pd.DataFrame(lines, columns=["variant", "seed", "metric", "value"])


@dataclass
class Result:
    """A run, or a recorded result, as far as a page looks at one."""

    frame: pd.DataFrame
    files: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0, 1)
    study: Any = field(default_factory=lambda: load_study("rank_denominator"))
    plumbing: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        return {"seeds": self.seeds, "data_path": self.files[0] if self.files else None}

    @property
    def provenance(self) -> dict[str, Any]:
        return {"inputs": [{"file": name} for name in self.files]}

    @property
    def rows(self) -> list[Any]:
        return [type("Row", (), {"run": "r"})]

    @property
    def runs(self) -> dict[str, Any]:
        return {"r": self.provenance}

    def answers(self) -> list[Answer]:
        return self.study.answers(self.frame)

    def __bool__(self) -> bool:
        return len(self.frame) > 0


NOTHING = Result(pd.DataFrame())
OWN = Result(numbers(0.001))
RECORDED = Result(numbers(0.002), ("cn_csi300_pit.parquet",), tuple(range(20)))


@pytest.mark.parametrize(
    ("result", "recorded", "name"),
    [
        (OWN, NOTHING, "this build"),
        (OWN, RECORDED, "recorded"),
        (Result(numbers(0.001), ("cn_csi300_pit.parquet",)), RECORDED, "recorded"),
        (Result(numbers(0.001), ("mine.parquet",)), RECORDED, "this build"),
    ],
)
def test_the_recorded_markets_are_shown_unless_the_build_reads_another_file(result, recorded, name) -> None:
    view = market_view(result, recorded)
    assert view.name == name and name in view.note
    status = market_status(result, recorded).data
    assert ("20 made-up markets" in status) is (name == "recorded")


def test_every_market_has_its_own_small_print() -> None:
    (made_up, file) = each_market(OWN, NOTHING)
    assert made_up[1] == "market" and "2 made-up markets" in made_up[2]
    assert file[1] == "csi300" and "over days" in file[2]
    assert "No price file was given" in market_status(OWN, NOTHING).data
    assert "fr220574" in market_status(OWN, RECORDED).data, "the source of the prices is named"


def test_claims_are_answered_by_recorded_markets_or_by_those_of_the_build() -> None:
    assert "0.002" in study_claims(OWN, RECORDED).data
    page = study_claims(OWN, NOTHING).data
    assert "0.001" in page and "Answered by this build" in page


def test_studies_of_the_synthetic_exchange_say_so() -> None:
    for name in ("rank_denominator", "ewma_float32", "contamination", "coverage"):
        assert load_study(name).synthetic and "data_path" in load_study(name).parameters
    assert not load_study("limit_events").synthetic
