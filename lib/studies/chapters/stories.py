"""The stories that paper B tells of its own mistakes (s5.2), each with what happened to it here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from lib.paper.claims import Answer, load_ledger
from lib.paper.claims.ledger import Claim, claimed_value
from lib.paper.claims.verdicts import agrees, verdict
from lib.paper.claims.words import in_words
from lib.paper.pages import html
from lib.paper.pages.findings import Finding, by_sign
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds
from lib.studies import recorded
from lib.studies.claims.said import NOT_RECORDED, Said, age, is_evidence, link, said_by

if TYPE_CHECKING:
    from IPython.display import HTML

#: panels on which the average was timed, the largest first, and the measurement
TIMED, CPU = ("3500x3000", "750x3000", "750x1000"), "ours: cpu"


@dataclass(frozen=True)
class Story:
    """One story.

    told:     what the paper tells; its numbers are read from the ledger
    claims:   name of a number in `told` -> claim
    found:    study -> how many of its findings are shown, the first that hold
    verdicts: further claims of the story, which have no number
    timed:    whether the time of the average belongs to it
    """

    title: str
    told: str
    claims: Mapping[str, str]
    found: Mapping[str, int]
    verdicts: Sequence[str] = ()
    timed: bool = False

    def tells(self) -> str:
        """What the paper tells, with its numbers."""
        return self.told.format(**{name: f"{claimed_value(claim):g}" for name, claim in self.claims.items()})


STORIES = (
    Story(
        "The average in float32",
        "An exponentially weighted average was computed in float32 and had drifted by {drift} % after ten years of "
        "days; a factor built on it lost {ic} of IC. The remedy was float64, which made the operator twice as slow.",
        {"drift": "B.story.ewma", "ic": "B.story.ewma_ic"}, {"ewma_float32": 2}, timed=True,
    ),
    Story(
        "Phantom alpha from limit-up stocks",
        "For three months an IC of {ic} was believed. It was higher on days with many limit-up stocks, and the returns "
        "of orders that can be filled were poor.",
        {"ic": "B.paradox.none.ic"}, {"phantom_alpha": 2, "controls": 1}, ("B.story.phantom",),
    ),
    Story(
        "The rank denominator",
        "Ranks were divided by the number of all stocks, also on days on which many were halted. Dividing by the "
        "number of valid stocks raised the IC by {ic}.",
        {"ic": "B.story.rank_denominator"}, {"rank_denominator": 2},
    ),
    Story(
        "The eigenvalue below zero",
        "On about {days} day a year a Ledoit-Wolf covariance had an eigenvalue slightly below zero, and the optimiser "
        "refused the problem. The remedy was to raise such eigenvalues to a small positive number.",
        {"days": "B.story.eigenvalue"}, {"covariance_eigenvalue": 2},
    ),
    Story(
        "Labels of the validation year in the fit",
        "An error of one day in a slice of dates let labels of the validation year into the fit and raised the Sharpe "
        "ratio of the test by {sharpe}. A comparison with a simpler split gave it away.",
        {"sharpe": "B.story.leakage"}, {"leakage": 2},
    ),
)  # fmt: skip


def stories(recorded_scale: str | None = None) -> HTML:
    """Every story: what is told, what was found, and the verdicts."""
    answers = {name: _answers(name, recorded_scale) for story in STORIES for name in story.found}
    parts = []
    for story in STORIES:
        said = {name: said_by(name, recorded_scale) for name in story.found}
        found = "".join(_found(said[name], count) for name, count in story.found.items())
        found += _cost(recorded_scale) if story.timed else ""
        known = [item for name in story.found for item in answers[name]]
        parts.append(
            f"<h3>{escape(story.title)}</h3><p><strong>Told.</strong> {escape(story.tells())}</p>"
            f"<p><strong>Found.</strong></p>{found}{_verdicts(story, known)}"
        )
    return html(f'<div class="stories">{"".join(parts)}</div>')


def _answers(study: str, scale: str | None) -> list[Answer]:
    record = recorded(study, scale)
    return record.answers() if is_evidence(record) else []


def _found(said: Said, count: int) -> str:
    if not said.findings:
        return f"<p>{NOT_RECORDED.capitalize()}: {link(said)}.</p>"
    lines = "".join(f"<li>{escape(item.text)}</li>" for item in said.findings[:count])
    return f"<p>{link(said)}{age(said)}</p><ul>{lines}</ul>"


def _cost(scale: str | None) -> str:
    """What float64 costs the average, from the bench."""
    said = said_by("how_fast", scale)
    found = (float64_cost(recorded("how_fast", scale).frame),) if said.findings else ()
    return _found(replace(said, findings=tuple(item for item in found if item.holds)), 1)


def float64_cost(frame: pd.DataFrame) -> Finding:
    """CPU time of the average in float64 over that in float32, on the largest panel that was timed in both.

    The two were timed one after the other, so the ends of the ratio are those of both intervals at their worst.
    """
    numbers, size, ratio = OverSeeds(frame), "", Estimate(math.nan)
    for size in TIMED:
        single, double = (numbers.find(f"ewma w=20 {dtype} {size}", CPU) for dtype in ("float32", "float64"))
        ratio = Estimate(double.value / single.value, double.low / single.high, double.high / single.low)
        if not math.isnan(ratio.value):
            break
    beyond = Estimate(ratio.value - 1, ratio.low - 1, ratio.high - 1)
    text = "The average takes {ratio:.1f} times the CPU time in float64 ({size})"
    return by_sign(
        beyond, f"{text}: it costs more, as told.", f"{text}: it costs less.", f"{text}: no cost is shown.",
        ratio=ratio, size=size.replace("x", " days x ") + " stocks",
    )  # fmt: skip


def _verdicts(story: Story, answers: Sequence[Answer]) -> str:
    known, ids = {item.claim_id: item for item in answers}, [*story.claims.values(), *story.verdicts]
    claims = [claim for claim in load_ledger() if claim.id in ids and claim.id.startswith("B.story.")]
    lines = [f"{_verdict(claim, known.get(claim.id))} ({in_words(claim)})" for claim in claims]
    return f'<p class="basis">Verdict{"s" * (len(lines) > 1)}: {escape("; ".join(lines))}.</p>'


def _verdict(claim: Claim, answer: Answer | None) -> str:
    found = agrees(claim, answer)
    end = "" if found is None else ", agrees" if found else ", does not agree"
    return f"{verdict(claim, answer)}{end}"
