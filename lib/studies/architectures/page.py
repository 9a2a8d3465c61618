"""The page "architectures": what one change to a network or its training moves, beside a margin set beforehand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.evaluation.arms import ENDPOINTS
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, outcome
from lib.paper.pages.forms import forest, one_axis
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.style import BLUE, GREEN, VERMILLION
from lib.paper.pages.tables import ENDPOINT_FORMATS, ENDPOINT_HEADS, cells
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds
from lib.studies.architectures.measure import ARMS, BASES, GAP, LEVEL, MARGIN, PROTOCOL, SLOW, WORLDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

QUESTION = (
    "Paper B found its system not very sensitive to the settings of training; paper A lists many ways to build a "
    "network. How much do predictions change when one of these is changed at a time?"
)
ADVICE = (
    "Choose first the settings whose interval lies outside the margin; leave the others at usual values.",
    "That no difference was found does not say that there is none: state a margin beforehand and ask whether the "
    "interval lies inside it.",
)
PLACES = {"linear": "linear alpha", "interaction": "reversal in calm stocks"}
TRUTH = ENDPOINTS[0]
HEADS = {"arm": "change", TRUTH: "truth IC", "verdict": f"against the margin of {MARGIN:g}"}
HEADS |= {name: ENDPOINT_HEADS[name] for name in ENDPOINTS} | {"markets": "markets"}
INSIDE, BEYOND, OPEN = "no difference", "a difference", "not decided"


def judged(item: Estimate) -> str:
    """INSIDE: the 95 % interval lies inside +-MARGIN; BEYOND: outside of it altogether; else OPEN.

    >>> judged(Estimate(0.001, -0.002, 0.004)), judged(Estimate(0.03, 0.02, 0.04)), judged(Estimate(0.01, 0.0, 0.02))
    ('no difference', 'a difference', 'not decided')
    """
    if item.low > -MARGIN and item.high < MARGIN:
        return INSIDE
    return BEYOND if item.low > MARGIN or item.high < -MARGIN else OPEN


def gaps_of(frame: pd.DataFrame, world: str, wanted: Callable[[str], bool]) -> dict[str, Estimate]:
    """Arm -> its difference to its base in truth IC, where it was run."""
    numbers = OverSeeds(frame)
    found = {
        name: numbers.find(GAP.name(arm=name, base=arm.base, world=world), TRUTH)
        for name, arm in ARMS.items() if name not in BASES and wanted(name)
    }  # fmt: skip
    return {name: item for name, item in found.items() if not math.isnan(item.value)}


def of_protocol(name: str) -> bool:
    """Whether an arm changes what paper B calls standard choices."""
    return ARMS[name].topic == PROTOCOL


def of_mlp(name: str) -> bool:
    """Whether an arm changes how the MLP is built."""
    return ARMS[name].base not in SLOW and not of_protocol(name)


def of_transformers(name: str) -> bool:
    """Whether an arm changes a Transformer."""
    return ARMS[name].base in SLOW


#: what the findings are about: words -> which arms
GROUPS: dict[str, Callable[[str], bool]] = {
    "settings of training": of_protocol,
    "ways to build the MLP": of_mlp,
    "ways to build a Transformer": of_transformers,
}


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: for each group and world, how many changes matter, how many do not, the largest."""
    return [
        _group(words, world, gaps_of(frame, world, wanted))
        for words, wanted in GROUPS.items()
        for world in WORLDS
        if gaps_of(frame, world, wanted)
    ]


def _group(words: str, world: str, gaps: dict[str, Estimate]) -> Finding:
    verdicts = [judged(item) for item in gaps.values()]
    inside, beyond = verdicts.count(INSIDE), verdicts.count(BEYOND)
    name, largest = max(gaps.items(), key=lambda pair: abs(pair[1].value))
    place, unknown = PLACES[world], math.nan if any(math.isnan(item.low) for item in gaps.values()) else 0.0
    shown: dict[str, Any] = {
        "all": float(len(gaps)), "inside": inside + unknown, "beyond": float(beyond), "margin": MARGIN,
        "largest": largest,
    }  # fmt: skip
    end = (
        "Of {all:.0f} changes {inside:.0f} leave the truth IC within {margin:.3f} of the base and {beyond:.0f} move it "
        f"farther. The largest difference, of {name}, is {{largest:+.3f}}."
    )
    head = words[:1].upper() + words[1:]
    return outcome({
        f"{head} ({place}): not very sensitive. {end}": inside == len(gaps),
        f"{head} ({place}): sensitive. {end}": beyond > 0,
        f"{head} ({place}): not decided, the other intervals reach beyond the margin. {end}": True,
    }, **shown)  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- exhibits


def gaps_figure(frame: pd.DataFrame, words: str, note: str = "") -> Figure:
    """Differences of the arms of a group to their bases in truth IC, the margin as a band; a series for each world."""
    found = {world: gaps_of(frame, world, GROUPS[words]) for world in WORLDS}
    worlds = [world for world, items in found.items() if items]
    names = [name for name in ARMS if any(name in found[world] for world in worlds)]
    rows = {name: [found[world].get(name, Estimate(math.nan)) for world in worlds] for name in names}
    figure = forest(rows, f"One change at a time: {words}", "difference in truth IC; band: the margin",
                    series=[PLACES[world] for world in worlds], colors=(BLUE, VERMILLION), pitch=0.12,
                    note=note)  # fmt: skip
    axis = one_axis(figure)
    axis.axvspan(-MARGIN, MARGIN, color=GREEN, alpha=0.12, zorder=-1, linewidth=0)
    axis.locator_params(axis="x", nbins=5)
    return figure


def differences(shown: PageResult) -> HTML:
    """The forests, a tab for each group that was run."""
    ran = [words for words, wanted in GROUPS.items() if any(gaps_of(shown.rows, world, wanted) for world in WORLDS)]
    return tabs({words: plot(gaps_figure(shown.rows, words, shown.note)) for words in ran})


def gaps_table(frame: pd.DataFrame, world: str) -> pd.DataFrame:
    """Arms down, differences to their bases across, the verdict on truth IC beside it."""
    numbers, rows = OverSeeds(frame), []
    for name, item in gaps_of(frame, world, lambda name: True).items():
        variant = GAP.name(arm=name, base=ARMS[name].base, world=world)
        row: dict[str, Any] = {"arm": name, "base": ARMS[name].base, "verdict": judged(item)}
        rows.append(row | cells(numbers, variant, ENDPOINTS) | {"markets": len(numbers.seeds(variant, TRUTH))})
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def levels_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The bases: truth IC, IC and book, in every world."""
    numbers = OverSeeds(frame)
    rows = [
        {"arm": f"{base}, {PLACES[world]}"} | cells(numbers, variant, ENDPOINTS)
        for base in BASES for world in WORLDS
        if len(numbers.seeds(variant := LEVEL.name(arm=base, world=world), TRUTH))
    ]  # fmt: skip
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The differences in every world."""
    parts = {world: gaps_table(frame, world) for world in WORLDS}
    return pd.concat({world: part.set_index("arm") for world, part in parts.items() if len(part)}, names=["world"])


def levels(shown: PageResult) -> HTML:
    """The bases."""
    return table(levels_table(shown.rows), "architectures_bases", columns=HEADS | {"arm": "base"},
                 formats=ENDPOINT_FORMATS, caption=shown.note)  # fmt: skip


def every_gap(shown: PageResult) -> HTML:
    """The table of differences, a tab for each world."""
    found = {world: gaps_table(shown.rows, world) for world in WORLDS}
    return tabs({
        PLACES[world]: table(part, f"architectures_{world}", columns=HEADS,
                             formats=ENDPOINT_FORMATS | {"executed_open.turnover": "+.1%"}, caption=shown.note)
        for world, part in found.items() if len(part)
    })  # fmt: skip
