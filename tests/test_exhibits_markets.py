"""Pages on the synthetic exchange: whose markets, how many, under which heading, and what is claimed of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from exchange_results import truths

from lib.claims import Answer
from lib.exhibits.markets import Markets, by_condition, market_claims, market_status
from lib.findings import Ablation
from lib.findings.synthetic import changes, largest_change, one_by_one, plane_message


def conditioned(frame: pd.DataFrame, condition: str = "paper limits", seeds: int = 1) -> pd.DataFrame:
    frame = frame.assign(variant=frame["variant"] + f" | {condition}")
    return pd.concat([frame.assign(seed=seed) for seed in range(seeds)])


@dataclass
class Result:
    frame: pd.DataFrame
    settings: dict[str, Any] = field(default_factory=lambda: {"scale": "smoke"})
    study: Any = field(default_factory=lambda: SimpleNamespace(name="toy", claim_ids=("B.paradox.order",)))
    answered: float = 0.1

    def answers(self) -> list[Answer]:
        return [Answer("B.paradox.order", parts=[(self.answered, self.answered - 0.05, self.answered + 0.05)])]

    def describe(self) -> str:
        return "toy: recorded at scale paper"

    def __bool__(self) -> bool:
        return bool(len(self.frame))


NOTHING = Result(pd.DataFrame(columns=truths().columns))


def test_a_recorded_result_comes_before_this_build() -> None:
    own, theirs = Result(conditioned(truths())), Result(conditioned(truths(), seeds=6), answered=-0.2)
    assert Markets.of(own, NOTHING).note == "this build: 1 market"
    assert Markets.of(own, theirs).note == "recorded: 6 markets"
    assert "own, resampled by day" in market_status(Markets.of(own, NOTHING), own, NOTHING).data
    assert "over markets from 5 markets on" in market_status(Markets.of(own, theirs), own, theirs).data


def test_null_markets_are_not_counted() -> None:
    frame = conditioned(truths(), seeds=2)
    null = conditioned(truths(), "null", seeds=9)
    assert Markets.of(Result(pd.concat([frame, null])), NOTHING).count == 2


def test_claims_are_answered_by_what_is_shown() -> None:
    own, theirs = Result(conditioned(truths())), Result(conditioned(truths()), answered=-0.2)
    assert "Answered by this build" in market_claims(own, NOTHING).data
    assert "direction only" in market_claims(own, NOTHING).data
    text = market_claims(own, theirs).data
    assert "Answered by the recorded result" in text and "not reproduced" in text


def test_every_condition_and_learner_is_shown_under_one_heading(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    mlp = truths().assign(variant=lambda frame: frame["variant"].str.replace("ridge", "mlp"))
    frame = pd.concat([conditioned(truths()), conditioned(mlp), conditioned(truths(), "CSI 300 limits")])
    by_condition(Markets.of(Result(frame), NOTHING).views(), lambda view, learner: [f"{view.name} {learner}"])
    texts = [item if isinstance(item, str) else item.data for item in shown]
    assert texts == ["**Paper limits**", "paper limits ridge", "paper limits mlp", "**CSI 300 limits**",
                     "CSI 300 limits ridge"]  # fmt: skip


# ------------------------------------------------------------------------------------------- sentences


@pytest.mark.parametrize(("earned", "verb"), [(0.3, "raises"), (0.1, "has not been shown"), (-0.1, "lowers")])
def test_a_change_says_what_its_interval_says(earned: float, verb: str) -> None:
    lines = changes(Ablation.of(truths(earned)))
    assert [line.partition(".")[0] for line in lines] == ["Labels", "Universe", "Windows"]
    assert all(verb in line for line in lines)


def test_the_largest_change_is_named_only_when_all_were_run() -> None:
    frame = truths(0.3)
    big = (frame["variant"] == "universe_only - none ridge") & (frame["metric"] == "truth_ic")
    frame.loc[big, "value"] = -0.9
    assert "The universe moves" in largest_change(Ablation.of(frame))
    part = frame[~frame["variant"].str.startswith("labels_only -")]
    assert largest_change(Ablation.of(part)) == ""
    assert one_by_one(Ablation.of(part[~part["variant"].str.contains(" - ")])) == [
        "The changes were not run one by one with ridge."
    ]


def test_what_was_learned_is_in_the_title() -> None:
    text = plane_message(Ablation.of(truths(0.2)))
    assert "+0.40 with the move that limits cut off, +0.20 with what can be earned" in text
    only = truths(0.2)
    assert "masked:" not in plane_message(Ablation.of(only[only["variant"] != "mask_skip ridge"]))
