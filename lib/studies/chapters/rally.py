"""Real limit closes of two weeks: what a buyer at the close would have had, and one at the next open."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lib.paper.pages import html, plot
from lib.paper.pages.findings import Finding, outcome
from lib.stats.over_seeds import OverSeeds
from lib.studies.claims.said import said_by
from lib.studies.limit_events.measure import PERIODS

if TYPE_CHECKING:
    import pandas as pd
    from IPython.display import HTML

#: the two weeks after a package of measures in support of share prices was announced
PERIOD = "two weeks from 2024-09-24"
ROWS, CLOSES = f"csi300 {PERIOD}", "limit-up close"
#: return of a limit-up close, in words, and whether the exchange would have filled the purchase
RETURNS = {
    "bought at the limit-up close (refused),\nto the next open": "gap",
    "bought at the limit-up close (refused),\nto the next close": "next close",
    "bought at the limit-up close (refused),\nto the fifth session": "five days from close",
    "bought at the next open,\nto the fifth session": "five days from next open",
}


def finding(frame: pd.DataFrame) -> Finding:
    """What the two weeks show, from the rows of `limit_events`."""
    numbers = OverSeeds(frame)
    wanted = ("n", "gap", "five days from next open", "next day open up")
    count, gap, later, again = (numbers.find(ROWS, f"{CLOSES}: {what}") for what in wanted)
    first, stop = PERIODS[PERIOD]
    said = (
        f"From {first} to {np.datetime64(stop) - 1}, {{count:.0f}} closes of CSI 300 members were at the upper limit. "
        "A purchase at that close, which the exchange refuses, would have made {gap:+.1%} on average by the next open. "
        "At that open {again:.0%} stood at the limit once more; from that open to the fifth session all of these "
        "stocks made {later:+.1%}"
    )
    return outcome({
        f"{said}: only those who already held the stock had the gain.": gap.value > 0 >= later.value,
        f"{said}.": True,
    }, count=count.value, gap=gap.value, later=later.value, again=again.value)  # fmt: skip


def rally(recorded_scale: str | None = None) -> HTML:
    """The sentence and its figure; a line where `limit_events` is not recorded on a price file."""
    from lib.paper.pages.forms import bars
    from lib.studies import recorded

    record = recorded("limit_events", recorded_scale)
    if not said_by("limit_events", recorded_scale).findings or ROWS not in set(record.frame["variant"]):
        return html("<p>Not recorded: these two weeks need a file of real prices.</p>")
    numbers, said = OverSeeds(record.frame), finding(record.frame)
    values = {text: 100 * numbers.find(ROWS, f"{CLOSES}: {what}").value for text, what in RETURNS.items()}
    known = {text: value for text, value in values.items() if not math.isnan(value)}
    figure = plot(bars(known, "What followed the limit-up closes of two weeks", "mean return, %", form="+.1f"))
    return html(f"<p>{said.text}</p>{figure.data}")
