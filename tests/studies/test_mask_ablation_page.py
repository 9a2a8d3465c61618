"""The page of the ablation on simulated markets: its findings follow the numbers, before costs first; it is drawn."""

from __future__ import annotations

import pandas as pd
import pytest
from exchange_results import by_alpha, truths
from page_parts import parts, shown_of

from lib.studies import recorded
from lib.studies.mask_ablation import page
from lib.studies.mask_ablation.common import GROSS, MATCHED, NET

LEARNERS = ("ridge", "lightgbm", "mlp")
PAIRS = {"PAPER": "mask_paper - none", "ROWS": "row_deletion - none", "WINDOWS": "mask_skip - row_deletion",
         "LABELS": "labels_only - none"}  # fmt: skip
METRICS = {"gross": GROSS, "net": NET, "matched": MATCHED, "truth": "truth_ic"}


def made(**effects: float) -> pd.DataFrame:
    """Every learner, at two rates of limits; effects: contrast__metric -> its number, with an interval of 0.01."""
    learners = [truths().assign(variant=lambda f, to=to: f["variant"].str.replace("ridge", to)) for to in LEARNERS]
    frame = pd.concat(learners)
    for name, value in effects.items():
        contrast, metric = name.split("__")
        for end, shift in (("", 0.0), (".low", -0.01), (".high", 0.01)):
            pair = frame["variant"].str.startswith(f"{PAIRS[contrast]} ")
            hit = pair & (frame["metric"] == METRICS[metric] + end)
            assert hit.any(), name
            frame.loc[hit, "value"] = value + shift
    return pd.concat([frame.assign(variant=frame["variant"] + f" | {limits}")
                      for limits in ("paper limits", "CSI 300 limits")])  # fmt: skip


def said(frame: pd.DataFrame, place: int) -> str:
    found = page.findings(frame)[place]
    assert found.holds, found.text
    return found.text


@pytest.mark.parametrize(
    ("labels", "windows", "words"),
    [(0.1, 0.0, "works through the labels"), (0.0, 0.1, "both have to be masked"), (0.0, 0.0, "Neither masked labels"),
     (0.1, 0.2, "both have to be masked"), (0.1, -0.2, "a gain as large is not excluded"), (-0.1, 0.0, "Neither")],
)  # fmt: skip
def test_labels_against_windows(labels, windows, words):
    assert words in said(made(LABELS__truth=labels, WINDOWS__truth=windows), 0)


@pytest.mark.parametrize(
    ("gross", "words"), [(0.5, "earns more"), (-0.5, "earns less"), (0.0, "is not shown to earn more")]
)
def test_rows_are_judged_before_costs(gross, words):
    text = said(made(ROWS__gross=gross, ROWS__net=2.0, ROWS__matched=1.0), 1)
    assert words in text
    assert "after 8 bps a side the difference is +2.00 [+1.99, +2.01], at matched turnover +1.00" in text


@pytest.mark.parametrize(
    ("gross", "words"), [(0.5, "earn more before"), (-0.5, "earn less"), (0.0, "are not shown to earn")]
)
def test_windows_are_judged_before_costs(gross, words):
    assert words in said(made(WINDOWS__gross=gross, WINDOWS__net=2.0), 2)


@pytest.mark.parametrize(
    ("gross", "net", "words"),
    [(-1.0, 1.0, "earns less than no mask before costs"), (0.0, 1.0, "is trading saved: 20% of the portfolio"),
     (1.0, 1.0, "earns more than no mask before costs"), (1.0, -1.0, "earns more than no mask before costs"),
     (-1.0, -1.0, "not shown to earn more than no mask, neither"),
     (0.0, 0.0, "not shown to earn more than no mask, neither")],
)  # fmt: skip
def test_what_the_papers_mask_saves_is_not_what_it_earns(gross, net, words):
    assert words in said(made(PAPER__gross=gross, PAPER__net=net), 3)


def test_the_learners_are_compared_where_all_were_run():
    assert "with every learner" in said(made(ROWS__gross=1.0), 4)
    assert "lowers" in said(made(ROWS__gross=-1.0), 4) and "depends on the learner" in said(made(ROWS__gross=0.0), 4)
    frame = made(ROWS__gross=1.0)
    assert len(page.findings(frame[~frame["variant"].str.contains(" mlp")])) == 4


def test_without_numbers_before_costs_nothing_is_said_of_money():
    frame = made(ROWS__gross=1.0)
    found = page.findings(frame[~frame["metric"].str.contains("gross")])
    assert [item.holds for item in found] == [True, False, False, False, False]


def test_turnovers_that_cannot_be_matched_are_said():
    frame = made(ROWS__gross=1.0)
    assert "at matched turnover not to be had" in said(frame[~frame["metric"].str.contains("matched")], 1)


def test_findings_hold_on_the_recorded_rows():
    record = recorded("mask_ablation")
    assert record.stale_rows() or [item.text for item in page.findings(record.frame) if not item.holds] == []


NAMES = ("head", "learned", "seen", "earned", "levels", "costs", "contrasts", "learners", "large", "by_alpha",
         "by_alpha_table", "papers")  # fmt: skip


def test_the_page_is_drawn():
    frame = made(ROWS__gross=1.0)
    large = frame.assign(variant=frame["variant"] + ", 1000 stocks")
    ranks = frame.assign(variant=frame["variant"] + ", ranks")
    ridge = pd.concat([large, ranks])[lambda f: f["variant"].str.contains(" ridge ")]
    found = parts(page, shown_of("mask_ablation", pd.concat([frame, ridge, by_alpha()])), *NAMES)
    assert found["costs"].count("<option>") == 6 and found["levels"].count("<option>") == 10
    assert "Unmasked, a model learns the move that limits cut off (0.40) more than what can be earned (0.10)" in str(
        found["learned"]
    )
    assert "Not in this run" not in found["large"] + found["by_alpha"] + found["learners"]
    assert "«Deleting rows raises the active Sharpe ratio before costs with every learner»" in found["learners"]
    other = parts(page, shown_of("mask_ablation", made(ROWS__gross=-1.0)), "learners", "large")
    assert "lowers" in other["learners"] and "Not in this run" in other["large"]
