"""What the studies of the synthetic exchange say follows from their estimates."""

from __future__ import annotations

import pytest
from exchange_results import truths

from lib.evaluation.ablation import Ablation
from lib.studies.mask_ablation.findings import changes, largest_change, one_by_one, plane_message


@pytest.mark.parametrize(("earned", "verb"), [(0.3, "raises"), (0.1, "has not been shown"), (-0.1, "lowers")])
def test_a_change_says_what_its_interval_says(earned: float, verb: str) -> None:
    lines = changes(Ablation.of(truths(earned)))
    assert [line.partition(".")[0] for line in lines] == ["Labels", "Universe", "Windows"]
    assert all(verb in line for line in lines)


def test_a_change_that_cannot_matter_is_not_said_to_be_unproven() -> None:
    frame = truths(0.3)
    universe = frame["variant"].eq("universe_only - none ridge") & frame["metric"].str.startswith("truth_ic")
    frame.loc[universe, "value"] = 0.0
    _, universe_line, _ = changes(Ablation.of(frame))
    assert "leaves the correlation with what can be earned exactly as it was" in universe_line


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
