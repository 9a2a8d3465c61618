"""The page "contamination": how near each treatment of limit closes and halts comes to the counterfactual factor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from lib.factors.registry import FAMILIES
from lib.paper.claims import Answer
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered
from lib.paper.pages.findings import Finding
from lib.paper.pages.layout import opening
from lib.paper.pages.markets import market_titles
from lib.paper.pages.picker import picker
from lib.paper.pages.tables import Format
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import MARKET, OneMarket, OverSeeds, interval_table, sources_of

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

CLAIM_IDS = ("B.story.unreliable_rows",)
QUESTION = (
    "A close at the price limit is not the price at which the market would have cleared. It enters every rolling "
    "window that contains the day. Is a factor nearer to its value in a market without limits when windows skip such "
    "closes?"
)
ADVICE = (
    "Keep limit closes in rolling windows: the part of a move that the limit cuts off arrives at the next open, and a "
    "window that skips the day loses the move.",
    "Mask halted days in rolling windows: a repeated price and a volume of zero carry no information.",
    "Refuse orders at the limit in the back-test. Nothing on this page is about orders.",
)
#: treatments, in words
TREATMENTS = {
    "raw": "raw: every listed day counts",
    "halts skipped": "halts skipped",
    "all skipped": "limit closes and\nhalts skipped",
    "skipped, bridged": "skipped, changes bridged",
    "twin, thinned": "counterfactual prices,\nsame days left out",
}
OTHER_TREATMENTS = {"strict": "strict: all days valid", "raw where strict is valid": "raw, on the cells of strict"}
CLASSES = {"limit close": "a limit close", "halt": "a halt", "neither": "neither", "any": "any of these"}
DISTANCE = "mean distance from the counterfactual factor, in units of its spread over stocks"


@dataclass(frozen=True)
class Distances(OneMarket):
    """The distances of one simulated market."""

    def find(self, what: str, side: str, metric: str = "distance", family: str = "all") -> Estimate:
        return self.numbers.find(f"{self.source} {family}: {what}: {side}", metric)

    @property
    def families(self) -> list[str]:
        return [name for name in FAMILIES if not math.isnan(self.find("limit close", "raw", family=name).value)]

    def by_age(self, side: str) -> tuple[list[float], list[float]]:
        """Days since a lone limit close, and the mean distance (of "price": the gap) that many days later."""
        own = f"{self.source} {side}"
        found = sorted((float(m.split()[1]), self.numbers[v, m].value) for v, m in self.numbers
                       if v == own and m.startswith("age "))  # fmt: skip
        return [day for day, _ in found], [value for _, value in found]


def with_twin(frame: pd.DataFrame) -> list[str]:
    """The markets whose counterfactual is known; the papers' limit rates last."""
    return [name for name in sources_of(frame) if name.startswith(MARKET)]


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says, of the market with the papers' limit rates where there is one."""
    return _of_market(Distances.of(frame, with_twin(frame)[-1]))


def _of_market(found: Distances) -> list[Finding]:
    limits, halts = (found.find(what, f"{side} - raw") for what, side in
                     (("limit close", "all skipped"), ("halt", "halts skipped")))  # fmt: skip
    skipped, thinned = (found.find("limit close", side).value for side in ("all skipped", "twin, thinned"))
    differs, strict = found.find("any", "rows deleted", "differs"), found.find("any", "strict", "coverage")
    return [
        Finding(
            "Skipping limit closes moves a factor away from its counterfactual value, not towards it: in windows that "
            "hold one, the distance grows by {more:+.3f} of the factor's spread over stocks.",
            more=limits, holds=limits.low > 0,
        ),
        Finding(
            "The cause is the days left out, not the limit: factors of counterfactual prices, computed without the "
            "same days, are {thinned:.2f} spreads away, those of skipping windows {skipped:.2f}.",
            thinned=thinned, skipped=skipped, holds=thinned > 0.8 * skipped,
        ),
        Finding(
            "Skipping halts brings factors nearer to their counterfactual value: in windows that hold one, the "
            "distance changes by {less:+.3f} of the factor's spread over stocks.",
            less=halts, holds=halts.high < 0,
        ),
        Finding(
            "After rows at limits and in halts are deleted, {share:.1%} of the surviving values still differ from the "
            "counterfactual by more than 1 % of the factor's spread.",
            share=differs, holds=differs.low > 0,
        ),
        Finding(
            "Strict windows, the papers' rule, have a value on only {share:.0%} of the cells that survive this.",
            share=strict.value, holds=strict.value < 0.9,
        ),
    ]  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


def _markets(shown: PageResult) -> dict[str, Distances]:
    """Title -> market; the papers' limit rates first, because they carry the message."""
    titles = market_titles(shown.rows)
    return {titles[name]: Distances.of(shown.rows, name) for name in reversed(with_twin(shown.rows))}


# ------------------------------------------------------------------------------------------- figures


def after_a_limit_close(shown: PageResult) -> HTML:
    """Days after a lone limit close: the price's and the factors' distance from the counterfactual."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, GREY, VERMILLION

    colors = {"raw": VERMILLION, "all skipped": BLUE, "twin, thinned": GREY}
    names = {"raw": "raw", "all skipped": "skipped", "twin, thinned": "counterfactual,\nthinned"}

    def picture(found: Distances) -> HTML:
        title = _of_market(found)[0].title("Distance from the counterfactual after a limit close")
        days, gaps = found.by_age("price")
        price = [Line("price", days, [100 * gap for gap in gaps], VERMILLION)]
        factors = [Line(names[side], *found.by_age(side), colors[side], side == "twin, thinned") for side in colors]
        panels = {"close, % of the counterfactual price": price, "all factors, spreads over stocks": factors}
        return plot(lines_by_group(panels, title, "days since the limit close", "distance", zero=True, note=shown.note))

    return picker("market", {label: picture(found) for label, found in _markets(shown).items()})


def treatments(shown: PageResult) -> HTML:
    """Mean distance by treatment and by what the window holds, on the same cells."""
    from lib.paper.pages.forms import forest

    said = dict(zip(("limit close", "halt"), findings(shown.rows)[1:3], strict=True))
    neutral = "Distance from the counterfactual by treatment"

    def picture(found: Distances, what: str) -> HTML:
        title = said[what].title(neutral) if what in said else neutral
        rows = {text: found.find(what, side) for side, text in TREATMENTS.items()}
        covered = {text: found.find(what, side, "coverage").value for side, text in TREATMENTS.items()}
        right = {text: f"{share:.0%}" for text, share in covered.items() if not math.isnan(share)}
        figure = forest({text: [item] for text, item in rows.items()}, title, DISTANCE, reference=None, right=right,
                        right_head="coverage", note=f"window holds {CLASSES[what]}; {shown.note}")  # fmt: skip
        return plot(figure)

    found = next(iter(_markets(shown).values()))
    return picker("window holds", {CLASSES[what]: picture(found, what) for what in ("limit close", "halt", "neither")})


def by_family(shown: PageResult) -> HTML:
    """Mean distance by family of factors, where the window holds a limit close."""
    from lib.paper.pages.forms import forest

    sides = ("raw", "all skipped", "twin, thinned")

    def picture(found: Distances) -> HTML:
        raw, skipped = ([found.find("limit close", side, family=name).value for name in found.families]
                        for side in ("raw", "all skipped"))  # fmt: skip
        near = sum(a < b for a, b in zip(raw, skipped, strict=True))
        title = f"Raw windows are nearer the counterfactual in {near} of {len(found.families)} families"
        rows = {name: [found.find("limit close", side, family=name) for side in sides] for name in found.families}
        names = ("raw", "skipped", "counterfactual, thinned")
        return plot(forest(rows, title, DISTANCE, series=names, reference=None, note=shown.note))

    return picker("market", {label: picture(found) for label, found in _markets(shown).items()})


# -------------------------------------------------------------------------------------------- tables


def side_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """What the window holds and the treatment down; coverage and distance from the counterfactual across."""
    numbers = OverSeeds(frame)
    sides = {side: text.replace("\n", " ") for side, text in (TREATMENTS | OTHER_TREATMENTS).items()}
    cells = {(CLASSES[what], text): f"{source} all: {what}: {side}" for what in CLASSES for side, text in sides.items()}
    rows = {label: variant for label, variant in cells.items() if (variant, "distance") in numbers}
    metrics = ("coverage", "distance", "differs", "differs clearly")
    return interval_table(numbers, rows, metrics, ("window holds", "treatment")).reset_index()


def changed_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Surviving cells whose value changes when windows skip masked cells, for every market and the price file."""
    rows = {(source, CLASSES[what]): f"{source} changed: {what}" for source in sources_of(frame) for what in CLASSES}
    metrics = ("share of cells", "differs", "differs clearly")
    return interval_table(OverSeeds(frame), rows, metrics, ("market", "window holds")).reset_index()


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The treatments, for every simulated market."""
    return pd.concat({source: side_table(frame, source) for source in with_twin(frame)}, names=["market"])


def treatment_tables(shown: PageResult) -> HTML:
    """All treatments and all kinds of window, one for each market."""
    heads = {"window holds": "window holds", "treatment": "treatment", "coverage": "coverage",
             "distance": "distance, spreads", "differs": "off by over 1 %"}  # fmt: skip
    formats = {"coverage": ".0%", "distance": ".2f", "differs": ".0%"}
    return picker("market", {
        label: table(side_table(shown.rows, found.source), f"contamination_treatments_{found.source}", columns=heads,
                     formats=formats, caption=f"1 %: of the factor's spread over stocks; {label}; {shown.note}")
        for label, found in _markets(shown).items()
    })  # fmt: skip


def at_stake(shown: PageResult) -> HTML:
    """How many surviving values change at all when windows skip masked cells, on real prices too."""
    heads = {"market": "market", "window holds": "window holds", "share of cells": "of all cells",
             "differs": "changed by over 1 %", "differs clearly": "by over 10 %"}  # fmt: skip
    rows = changed_table(shown.rows)
    formats: dict[str, Format] = dict.fromkeys(rows.columns[2:], ".1%")
    formats["market"] = market_titles(shown.rows).__getitem__
    return table(rows, "contamination_changed", columns=heads, formats=formats,
                 caption=f"surviving cells; 1 %: of the factor's spread over stocks; {shown.note}")  # fmt: skip


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Share of surviving cells, over all factors, that differ from the truth after row deletion, in per cent."""
    numbers = OverSeeds(frame)
    for source in reversed(with_twin(frame)):  # the papers' limit rates, if they were run
        found = answered(numbers, f"{source} all: any: rows deleted", "differs", "level", 100)
        if "low" in found:
            note = "cells of all factors that differ from the counterfactual by more than 1 % of the factor's spread, "
            note += market_titles(frame)[source]
            return [Answer(CLAIM_IDS[0], **found, setting="reduced", note=note, page="contamination")]
    return []
