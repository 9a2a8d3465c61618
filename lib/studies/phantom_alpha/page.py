"""The page "phantom_alpha": what a limit-up close does to a model, and days with many of them against days with few."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from lib.evaluation.conditions import LIMITS, conditions, of_condition
from lib.evaluation.scripted import PIPELINE_NAMES
from lib.paper.claims import Answer
from lib.paper.pages import plot, table
from lib.paper.pages.answers import markets_behind
from lib.paper.pages.findings import Finding, outcome
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.tables import Format, text_of
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds, mean_over_seeds
from lib.studies.phantom_alpha.limit_up_path import AFTER, BEFORE
from lib.studies.phantom_alpha.measure import MASKS, SERIES

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

CLAIM_IDS = ("B.story.phantom",)
QUESTION = (
    "The papers saw a higher IC on days with many limit-up stocks and poor returns after them. Does that happen, and "
    "where does it come from?"
)
ADVICE = (
    "Split an IC by the number of limit-up closes before believing it. If it rises with them on all cells but not "
    "on the cells that can be bought, it is paid for moves that could not be earned.",
    "Split executed returns in the same way: they show what could have been earned.",
)
CONDITIONS = {LIMITS["paper"]: "limits as often as the paper says", LIMITS["real"]: "limits as often as in the CSI 300"}
#: daily series, in words
SERIES_NAMES = {
    "apparent_ic": "IC on all cells",
    "m1_ic": "IC on cells that can be bought",
    "truth_ic": "IC with what can be earned",
    "unfilled_ic": "IC with what limits cut off",
    "naive_close.active": "return, every order filled, bp",
    "executed_close.active": "return, executed at the close, bp",
    "executed_open.active": "return, executed at the next open, bp",
}
#: the papers' story: IC higher on days with many limit-ups (+1), executed returns poorer (-1)
STORY = (("apparent_ic", 1), ("executed_close.active", -1))


@dataclass(frozen=True)
class Split:
    """The numbers of one condition and learner."""

    numbers: OverSeeds
    learner: str = "ridge"

    def find(self, kind: str, series: str, mask: str = "none") -> Estimate:
        """kind: few, many, or "many - few". Returns in basis points a day."""
        found = self.numbers.find(f"{kind} {mask} {self.learner}", series)
        return found if series.endswith("_ic") else found.times(1e4)

    def gap(self, series: str, mask: str = "none") -> Estimate:
        """Days with many limit-up closes minus days with few."""
        return self.find("many - few", series, mask)

    def path(self, place: str) -> Estimate:
        """A point of the mean path around a limit-up close, such as "close +1"."""
        return self.numbers.find(f"limit-up close {self.learner}", place)

    def moved(self, later: str, before: str) -> Estimate:
        """How far apart two points of the path lie, in per cent of the price, over markets."""
        ends = [self.numbers.seeds(f"limit-up close {self.learner}", place) for place in (later, before)]
        if len(ends[0]) != len(ends[1]):
            return Estimate(math.nan)
        return mean_over_seeds(100 * (ends[0] - ends[1]))


def splits(frame: pd.DataFrame) -> dict[str, Split]:
    """Condition and learner in words -> numbers; the papers' rate of limits first."""
    found = {}
    for condition in sorted(conditions(frame), key=lambda name: name != LIMITS["paper"]):
        numbers = OverSeeds(of_condition(frame, condition))
        learners = dict.fromkeys(name.rpartition(" ")[2] for name in numbers.variants)
        for learner in learners:
            ending = f", {learner}" if len(learners) > 1 else ""
            found[f"{CONDITIONS.get(condition, condition)}{ending}"] = Split(numbers, learner)
    return found


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says, of the first condition and learner."""
    found = next(iter(splits(frame).values()))
    return [_information(found), _money(found), _masked(found), _path(found)]


def _information(found: Split) -> Finding:
    everywhere, buyable, cut = (found.gap(name) for name in ("apparent_ic", "m1_ic", "unfilled_ic"))
    where = "{everywhere:+.3f} on all cells, {buyable:+.3f} on cells that can be bought"
    days = "On days with many limit-up closes the IC of the unmasked model is"
    phantom = everywhere.low > 0 and buyable.low <= 0
    return outcome({
        f"{days} higher, but only on paper: {where}. What rises is its correlation with the part of the move "
        "that limits cut off ({cut:+.2f}).": phantom and cut.low > 0,
        f"{days} higher, on the cells that can be bought too: {where}; with the part of the move that limits cut off, "
        "{cut:+.2f}.": everywhere.low > 0 and buyable.low > 0,
        f"{days} lower than on days with few: {where}; with the part of the move that limits cut off, {{cut:+.2f}}.":
            everywhere.high < 0,
        f"Whether limit-up closes inflate the IC of the unmasked model is not clear: {where}; with the part of the "
        "move that limits cut off, {cut:+.2f}.": everywhere.low <= 0 <= everywhere.high or (phantom and cut.low <= 0),
    }, everywhere=everywhere, buyable=buyable, cut=cut)  # fmt: skip


def _money(found: Split) -> Finding:
    filled, executed = found.gap("naive_close.active"), found.gap("executed_close.active")
    where = (
        "against days with few, {executed:+.1f} basis points a day executed and {filled:+.1f} with every order filled, "
        "both after costs"
    )
    days = "on days with many limit-up closes"
    return outcome({
        f"Executed returns are poorer {days}, as the papers say: {where}.": executed.high < 0,
        f"Executed returns are better {days}, against the papers: {where}.": executed.low > 0,
        f"Executed returns are not measurably poorer {days}; only a back-test that fills every order shows a "
        f"difference: {where}.": executed.low <= 0 <= executed.high and filled.low > 0,
        f"Returns {days} do not measurably differ from those on other days: {where}.":
            executed.low <= 0 <= executed.high and filled.low <= 0,
    }, executed=executed, filled=filled)  # fmt: skip


def _masked(found: Split) -> Finding:
    rows, skip = (found.gap("apparent_ic", mask) for mask in ("row_deletion", "mask_skip"))
    where = "{rows:+.3f} with rows deleted, {skip:+.3f} when windows skip masked days as well"
    return outcome({
        f"Deleting the rows at limits is enough: the IC no longer rises with limit-up closes ({where}).":
            max(rows.low, skip.low) <= 0,
        f"The IC still rises with limit-up closes after rows are deleted, not when windows skip masked days ({where}).":
            rows.low > 0 >= skip.low,
        f"The IC still rises with limit-up closes when windows skip masked days ({where}).": skip.low > 0,
    }, rows=rows, skip=skip)  # fmt: skip


def _path(found: Split) -> Finding:
    cut, gap = found.moved("wanted +0", "close +0"), found.moved("open +1", "close +0")
    later = found.moved(f"close +{AFTER}", "open +1")
    path = (
        "{cut:.1f} % below the price that the market wants. The next open is {gap:+.1f} % away, and the close five "
        "days after the limit {later:+.1f} % from that open"
    )
    most = gap.value > 0.5 * cut.value > 0
    return outcome({
        f"A limit-up close is {path}: the move is over before an order can be filled.":
            most and abs(later.value) < 0.5 * gap.value,
        f"A limit-up close is {path}.": not (most and abs(later.value) < 0.5 * gap.value),
    }, cut=cut, gap=gap, later=later)  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def limit_up_path(shown: PageResult) -> HTML:
    """One limit-up close, mean over events: prices, fills and the model's ranking; a tab for each condition."""
    return tabs({label: plot(path_figure(found, f"{label}; {shown.markets}"))
                 for label, found in splits(shown.rows).items()})  # fmt: skip


def path_figure(found: Split, note: str = "") -> Figure:
    """Wanted and printed prices around a limit-up close, the two fills, and the model's ranking below."""
    from lib.paper.pages.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, canvas, styled

    days = range(-BEFORE, AFTER + 1)
    close, wanted = ([100 * found.path(f"{name} {day:+d}").value for day in days] for name in ("close", "wanted"))
    ranks = [found.path(f"rank {day:+d}").value for day in days]
    at, then = close[BEFORE], 100 * found.path("open +1").value
    cut, gap = found.moved("wanted +0", "close +0").value, found.moved("open +1", "close +0").value
    title = Finding("The move that the limit cuts off is in the next open: {cut:.1f} % wanted, {gap:.1f} % there",
                    cut=cut, gap=gap, holds=gap > 0.5 * cut > 0)  # fmt: skip

    @styled
    def draw() -> Figure:
        figure, (top, low) = canvas(2, 4.9, title.title("The mean path around a limit-up close"), note, sharex=True,
                                    height_ratios=[2.2, 1])  # fmt: skip
        top.plot(days, wanted, color=GREEN, linestyle="--")
        top.plot(days, close, color=BLUE, marker="o", markersize=4)
        top.plot([0], [at], "o", color=VERMILLION, markersize=9, fillstyle="none", markeredgewidth=1.8)
        top.plot([0.65], [then], "s", color=ORANGE, markersize=7)
        for text, point, shift, color in (
            ("every order filled: at a\nprice without a seller", (0, at), (14, -84), VERMILLION),
            ("executed:\nthe next open", (0.65, then), (88, -48), ORANGE),
        ):
            top.annotate(text, point, xytext=shift, textcoords="offset points", color=color,
                         arrowprops={"arrowstyle": "-", "color": color})  # fmt: skip
        top.annotate("wanted", (0, wanted[BEFORE]), xytext=(-8, 0), textcoords="offset points", color=GREEN, ha="right",
                     va="center")  # fmt: skip
        top.annotate("close", (-1, close[BEFORE - 1]), xytext=(0, -15), textcoords="offset points", color=BLUE,
                     ha="center")  # fmt: skip
        top.set_ylabel("log price over the\nclose of the day before, %")
        top.margins(y=0.16)
        low.plot(days, ranks, color=VERMILLION, marker="o", markersize=4)
        low.axhline(0.5, color=GREY, linewidth=0.9, zorder=0)
        low.set_ylim(0, 1.08)
        low.set_ylabel("place in the model's\nranking, 1 = best")
        low.set_xlabel("days from a close at the upper limit")
        return figure

    return draw()


def few_and_many(shown: PageResult) -> HTML:
    """Days with few limit-up closes against days with many, unmasked: ICs and next day's returns in tabs."""
    from lib.paper.pages.forms import forest

    label, found = next(iter(splits(shown.rows).items()))
    note = f"unmasked; {label}; {shown.note}"

    def picture(names: list[str], title: str, unit: str) -> HTML:
        rows = {SERIES_NAMES[name].replace(", ", ",\n"): [found.find(kind, name) for kind in ("few", "many")]
                for name in names}  # fmt: skip
        return plot(forest(rows, title, unit, series=("days with few limit-ups", "days with many"), note=note))

    everywhere, buyable, executed = (found.gap(name) for name in ("apparent_ic", "m1_ic", "executed_close.active"))
    ics = Finding("With many limit-ups the IC rises, but not on cells that can be bought",
                  holds=everywhere.low > 0 and buyable.low <= 0)  # fmt: skip
    returns = Finding("With many limit-ups returns rise only if every order is filled",
                      holds=executed.low <= 0 and found.gap("naive_close.active").low > 0)  # fmt: skip
    return tabs({
        "IC": picture([name for name in SERIES if name.endswith("_ic")],
                               ics.title("IC on days with few and many limit-up closes"), "daily IC, mean over days"),
        "next day's return": picture([name for name in SERIES if not name.endswith("_ic")],
                                     returns.title("Returns after days with few and many limit-up closes"),
                                     "next day's return over equal weight, basis points"),
    })  # fmt: skip


# -------------------------------------------------------------------------------------------- tables


def split_table(found: Split) -> pd.DataFrame:
    """Mask and series down; few, many and the difference across, with intervals. Returns in basis points a day."""
    rows = []
    for mask in MASKS:
        for name in SERIES:
            few, many, gap = (found.find(kind, name, mask) for kind in ("few", "many", "many - few"))
            if not math.isnan(few.value):
                cells = few.columns("few") | many.columns("many") | gap.columns("difference")
                rows.append({"mask": PIPELINE_NAMES[mask], "series": SERIES_NAMES[name], **cells})
    return pd.DataFrame(rows)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Every condition and learner under each other."""
    tables = {label: split_table(found) for label, found in splits(frame).items()}
    return pd.concat(tables, names=["condition"]).droplevel(-1)


def differences(shown: PageResult) -> HTML:
    """The unmasked model and two masks, a tab for each condition and learner."""
    heads = {"mask": "mask", "series": "daily mean", "few": "few limit-ups", "many": "many limit-ups",
             "difference": "difference"}  # fmt: skip
    parts = {}
    for place, (label, found) in enumerate(splits(shown.rows).items()):
        rows = split_table(found)
        forms: dict[str, Format] = {"few": _short, "many": _short, "difference": "+"}
        parts[label] = table(rows, f"phantom_alpha_{place + 1}_{found.learner}", columns=heads, formats=forms,
                             caption=f"{label}; {shown.note}")  # fmt: skip
    return tabs(parts)


def _short(value: float) -> str:
    """An IC or basis points, without the interval."""
    return text_of(value, ".3f" if abs(value) < 1 else ".1f")


# -------------------------------------------------------------------------------------------- claims


def story(found: Split) -> list[Estimate]:
    """The papers' story, each difference in the claimed direction: IC higher, executed return poorer."""
    gaps = [found.numbers.find(f"many - few none {found.learner}", name) for name, _ in STORY]
    return [item if sign > 0 else item.against for item, (_, sign) in zip(gaps, STORY, strict=True)]


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Both halves of the story at the papers' rate of limits, with ridge and no mask."""
    part = of_condition(frame, LIMITS["paper"])
    found = story(Split(OverSeeds(part))) if len(part) else []
    if not found or any(math.isnan(number) for item in found for number in item):
        return []
    note = "simulated market, ridge without a mask: IC and next day's executed return, many limit-ups minus few"
    parts = [(item.value, item.low, item.high) for item in found]
    markets = markets_behind(OverSeeds(part), [("many - few none ridge", name) for name, _ in STORY])
    return [Answer(CLAIM_IDS[0], note=note, page="phantom_alpha", parts=parts, markets=markets)]
