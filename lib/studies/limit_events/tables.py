"""The limit-event tables, and what they answer of the papers' claims."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from lib.paper.claims import Answer

CLAIM_IDS = (
    *(f"B.regime.{regime}.limit_rate" for regime in ("bear", "sideways", "bull")),
    "B.case.rally.limit_rate",
)


def event_table(frame: pd.DataFrame, variant: str, metrics: Iterable[str]) -> pd.DataFrame:
    """Events down, the named outcome columns across, for one variant such as "csi300 all"."""
    part = frame[frame["variant"] == variant]
    pairs = part["metric"].str.split(": ", n=1, expand=True)
    table = part.assign(event=pairs[0], column=pairs[1]).dropna(subset="column")
    wide = table.pivot_table(index="event", columns="column", values="value", sort=False)
    return wide.reindex(columns=list(metrics))


def yearly_table(frame: pd.DataFrame, source: str, metrics: Iterable[str]) -> pd.DataFrame:
    """Spans down, metrics across, for one source; means over seeds where there are several."""
    part = frame[frame["variant"].str.startswith(f"{source} ")]
    wide = part.pivot_table(index="variant", columns="metric", values="value", sort=False)
    wide.index = [label.removeprefix(f"{source} ") for label in wide.index]
    return wide.reindex(columns=list(metrics))


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per source: how often limits bind and what follows, over the whole file."""
    followed = ("n", "gap", "next close", "five days from close", "five days from next open")
    events = [f"{event} close: {outcome}" for event in ("limit-up", "limit-down") for outcome in followed]
    columns = ["limit_up", "limit_down", "halted", *events]
    whole = frame[frame["variant"].str.endswith(" all")]
    return whole.pivot_table(index="variant", columns="metric", values="value", sort=False).reindex(columns=columns)


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Limit rates of paper B's regimes, counted on CSI 300 members.

    The papers' universe is all A-shares, whose small stocks close at a limit more often: another setting.
    """
    value = {(v, m): x for v, m, x in zip(frame["variant"], frame["metric"], frame["value"], strict=True)}
    answers = []
    for claim, period in (("bear", "2022 Q1-Q3"), ("sideways", "2023"), ("bull", "2024 H1")):
        up, down = (value.get((f"csi300 {period}", side)) for side in ("limit_up", "limit_down"))
        if up is not None and down is not None:
            answers.append(_rate(f"B.regime.{claim}.limit_rate", 100 * (up + down), period))
    rally = value.get(("csi300 two weeks from 2024-09-24", "limit_up"))
    if rally is not None:
        note = "24 September to 11 October 2024, limit-up closes"
        answers.append(_rate("B.case.rally.limit_rate", 100 * rally, note))
    return answers


def _rate(claim_id: str, estimate: float, note: str) -> Answer:
    # a census of the period, not a sample: the interval is the value itself
    text = f"CSI 300 members, {note}"
    return Answer(claim_id, estimate, estimate, estimate, note=text, page="limit_events", census=True)
