"""The page "coverage": how many tradable cells a window rule and the intersection of factors leave."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding
from lib.paper.pages.layout import opening
from lib.paper.pages.markets import market_note, market_titles
from lib.paper.pages.picker import picker
from lib.paper.pages.tables import Format
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import MARKET, OneMarket, OverSeeds, interval_table, sources_of
from lib.studies.coverage.expected import windows_kept
from lib.studies.coverage.measure import IMPOSED_SPELL, KINDS, POLICIES, SHARES, WINDOWS

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

QUESTION = (
    "A mask that reaches through rolling windows takes away cells that could be traded. How many does a window lose, "
    "and how many are left where a model asks for all factors at once?"
)
ADVICE = (
    "State coverage beside every result. Two masks that keep different cells are two different universes, and their "
    "Sharpe ratios cannot be compared without it.",
    "Count clusters of masked days, not masked cells, to estimate what a window rule will cost.",
    "Do not intersect the masks of factors whose windows differ in length by a factor of ten. Give every factor its "
    "own mask and fill the gaps with zero after standardising.",
    "Look first for the one formula whose denominator is often zero.",
)
#: windows that sentences name, in days
SHORT, LONG = 20, 60
WINDOW_RULES = {"strict": "strict: all days valid", "skip": "half of the days valid"}
SHORT_RULES = {"strict": "strict", "skip": "half the days"}
MASKS = {"coins": "iid", "spells": "clustered"}
FORMULAS = {
    "independent": "iid masking,\nformula",
    "spells": "clustered,\nformula",
    "spells by stock": "clustered by\nstock, formula",
}
KEPT = "tradable cells with a value, %"


@dataclass(frozen=True)
class Coverage(OneMarket):
    """The numbers of the study for one market."""

    def kept(self, policy: str, window: int, how: str = "counted") -> Estimate:
        """Share of tradable cells that keep their window: counted, independent, spells, spells by stock."""
        return self.numbers.find(f"{self.source} {policy} {window}", how)

    def lost(self, policy: str, window: int, how: str = "counted") -> Estimate:
        kept = self.kept(policy, window, how)
        return Estimate(1 - kept.value, 1 - kept.high, 1 - kept.low)

    @property
    def windows(self) -> list[int]:
        """Windows that were counted."""
        return [window for window in WINDOWS if (f"{self.source} strict {window}", "counted") in self.numbers]

    def factors(self, policy: str, metric: str) -> Estimate:
        return self.numbers.find(f"{self.source} factors {policy}", metric)

    def each(self) -> pd.DataFrame:
        """A row for every factor: days that it reads, coverage by policy."""
        prefix = f"{self.source} factor "
        names = [v for v, m in self.numbers if v.startswith(prefix) and m == "days"]
        rows = [{m: self.numbers[v, m].value for m in ("days", *POLICIES)} for v in names]
        return pd.DataFrame(rows, index=[name.removeprefix(prefix) for name in names])

    def imposed(self, kind: str, metric: str) -> tuple[list[float], list[Estimate]]:
        """Masked shares in per cent, and coverage in per cent of masks laid over a market without masked cells."""
        found = {share: self.numbers.find(f"{self.source} imposed {kind} {share:g}", metric) for share in SHARES}
        known = {share: item for share, item in found.items() if item.value == item.value}
        return [100 * share for share in known], [item.times(100) for item in known.values()]


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: of real prices where there are any, and of masks laid over a simulated market."""
    titles = market_titles(frame)
    source = next((name for name in titles if not name.startswith(MARKET)), next(iter(titles)))
    found, made = Coverage.of(frame, source), Coverage.of(frame, MARKET)
    return [_windows_finding(found, titles[source]), *_more_findings(found, titles[source]), *_imposed_findings(made)]


def _windows_finding(found: Coverage, title: str) -> Finding:
    """What strict windows cost, and what they would cost if masked days were scattered at random."""
    short, long = (found.lost("strict", window) for window in (SHORT, LONG))
    scattered = found.lost("strict", LONG, "independent")
    masked = found.numbers.find(found.source, "masked share")
    return Finding(
        "With {masked:.1%} of the cells masked ({market}), windows that need each of their {days:.0f} days (strict "
        "windows) lose {lost:.0%} of the tradable cells. Were the masked days scattered at random, they would lose "
        "{scattered:.0%}.",
        masked=masked.value, market=title, days=float(LONG), lost=long.value, scattered=scattered.value,
        holds=masked.value < short.value < long.value < scattered.value,
    )  # fmt: skip


def _more_findings(found: Coverage, title: str) -> list[Finding]:
    each, joined, count = (found.factors("strict", m) for m in ("each its own", "all at once", "number"))
    worst = max((found.lost("skip", window).value for window in found.windows), default=math.nan)
    return [
        Finding(
            "A factor with strict windows covers {each:.0%} of the tradable cells on average ({market}). The "
            "intersection of all {count:.0f} factors covers {joined:.0%}.",
            each=each.value, joined=joined.value, count=count.value, market=title,
            holds=joined.value < 0.8 * each.value,
        ),
        Finding(
            "Windows that need only half of their days lose at most {worst:.1%} of the tradable cells, whatever their "
            "length ({market}).",
            worst=worst, market=title, holds=worst < 0.02,
        ),
    ]  # fmt: skip


def _imposed_findings(made: Coverage) -> list[Finding]:
    """What masks cost that are laid over a simulated market without masked cells."""
    clean = made.numbers.find(f"{made.source} imposed clean", "all at once")
    kept = {kind: made.imposed(kind, "all at once, masks alone") for kind in KINDS}
    share, scattered, clustered = math.nan, math.nan, math.nan
    if kept["coins"][0]:
        share, scattered = kept["coins"][0][-1] / 100, kept["coins"][1][-1].value / 100
        clustered = kept["spells"][1][-1].value / 100
    return [
        Finding(
            "Masked days in clusters cost less than the same share of days apart (simulated market, {share:.0%} of the "
            "cells masked). The intersection of all factors keeps {clustered:.0%} of the cells with clusters of "
            "{days:.0f} days on average, and {scattered:.0%} where masks fall independently.",
            share=share, scattered=scattered, clustered=clustered, days=IMPOSED_SPELL,
            holds=clustered > 2 * scattered,
        ),
        Finding(
            "Masks are not the only cause. In a simulated market without a masked cell, all factors at once have a "
            "value on {clean:.0%} of the cells: some formulas are undefined, such as a quotient over a range of zero.",
            clean=clean, holds=clean.value < 0.95,
        ),
    ]  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


def _markets(shown: PageResult) -> dict[str, Coverage]:
    """Title -> market; real prices first."""
    titles = market_titles(shown.rows)
    order = sorted(titles, key=lambda name: name.startswith(MARKET))
    return {titles[name]: Coverage.of(shown.rows, name) for name in order}


# ------------------------------------------------------------------------------------------- figures


def apart_or_in_a_row(window: int = SHORT) -> HTML:
    """Two stocks with three masked days each, and the days on which a strict window has no value."""
    from matplotlib.patches import Rectangle

    from lib.paper.pages.style import BLUE, VERMILLION, canvas, styled

    days, cases = 120, {"three masked days, apart": (20, 55, 90), "three in a row": (54, 55, 56)}
    lost = {name: _lost(days, masked, window) for name, masked in cases.items()}
    costs = [int((mask & ~kept).sum()) for mask, kept in lost.values()]
    title = f"Three masked days cost a {window}-day window {costs[0]} tradable days if apart, {costs[1]} if in a row"

    @styled
    def picture() -> Figure:
        figure, (ax,) = canvas(1, 1.7, title)
        for row, (mask, kept) in enumerate(lost.values()):
            for day in range(days):
                color = "#222222" if not mask[day] else "#C9DDEB" if kept[day] else VERMILLION
                ax.add_patch(Rectangle((day - 0.5, row - 0.35), 1.0, 0.7, color=color, linewidth=0))
        ax.set_xlim(-1, days + 1)
        ax.set_ylim(1.6, -0.9)
        ax.set_yticks(range(2), list(lost))
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("day")
        for x, text, color in ((0, "window complete", BLUE), (56, "lost", VERMILLION), (74, "masked", "#222222")):
            ax.annotate(text, (x, -0.62), color=color, va="center", fontsize=9, fontweight="bold")
        return figure

    return plot(picture())


def _lost(days: int, masked: tuple[int, ...], window: int) -> tuple[np.ndarray, np.ndarray]:
    """(valid, window complete) by day, of a stock whose earlier days are all valid."""
    mask = np.ones((days + window, 1), dtype=bool)
    mask[[window + day for day in masked]] = False
    return mask[window:, 0], windows_kept(mask, window, window)[window:, 0]


def by_window(shown: PageResult) -> HTML:
    """Share of tradable cells with a complete window, by length, counted and by the formulas; one for each market."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, GREEN, GREY, ORANGE, VERMILLION

    def picture(label: str, found: Coverage) -> HTML:
        def line(policy: str, how: str, name: str, color: str) -> Line:
            values = [found.kept(policy, window, how).times(100) for window in found.windows]
            return Line(name, found.windows, values, color, dashed=how != "counted")

        title = _windows_finding(found, label).title("Tradable cells that keep their window, by length of the window")
        lines = [line("skip", "counted", "half of the\ndays, counted", GREY)]
        lines += [line("strict", "counted", "strict,\ncounted", BLUE)]
        lines += [line("strict", how, name, color) for (how, name), color in
                  zip(FORMULAS.items(), (VERMILLION, ORANGE, GREEN), strict=True)]  # fmt: skip
        ticks = {float(window): str(window) for window in found.windows}
        return plot(lines_by_group({"": lines}, title, "window, days", KEPT, zero=True, log_x=True, ticks=ticks,
                                   note=market_note(shown, found.source)))  # fmt: skip

    return picker("market", {label: picture(label, found) for label, found in _markets(shown).items()})


def factors(shown: PageResult) -> HTML:
    """Coverage of every factor by the number of days it reads, and of all at once; one for each market."""
    from lib.paper.pages.rows import heading
    from lib.paper.pages.style import BLUE, GREEN, canvas, end_labels, styled

    colors = {"strict": BLUE, "skip": GREEN}

    @styled
    def picture(label: str, found: Coverage) -> Figure:
        title = _more_findings(found, label)[0].title("Coverage of every factor by the days that it reads")
        figure, (ax,) = canvas(1, 3.4, title, market_note(shown, found.source))
        each = found.each()
        labels = []
        for policy, color in colors.items():
            ax.plot(each["days"], 100 * each[policy], "o", markersize=3.5, color=color, alpha=0.6)
            joined = 100 * found.factors(policy, "all at once").value
            ax.axhline(joined, color=color, linestyle="--", linewidth=1.2)
            labels.append((f"all at once,\n{SHORT_RULES[policy]}", joined, color))
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda days, _: f"{days:g}")
        ax.set_ylim(0, 104)
        ax.set_xlabel("days that the factor reads\n(a recurrence: those it remembers)")
        ax.set_ylabel(KEPT)
        heading(ax, [(f"one factor, {text}", colors[policy]) for policy, text in SHORT_RULES.items()])
        end_labels(ax, ax.get_xlim()[1], labels)
        return figure

    return picker("market", {label: plot(picture(label, found)) for label, found in _markets(shown).items()})


def by_share(shown: PageResult) -> HTML:
    """Coverage by masked share, iid and clustered, counted and by formula: all factors at once, each its own."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, VERMILLION

    made = Coverage.of(shown.rows, MARKET)
    colors = dict(zip(KINDS, (VERMILLION, BLUE), strict=True))

    def lines(metric: str, name: str = "") -> list[Line]:
        return [Line(name or MASKS[kind], *made.imposed(kind, metric), color, dashed=bool(name))
                for kind, color in colors.items()]  # fmt: skip

    joined = [*lines("all at once, masks alone"), *lines("formula", "formula")]
    own = lines("strict, each its own")
    panels = {"all factors at once, strict windows": joined, "each factor with its own mask, strict windows": own}
    title = _imposed_findings(made)[0].title("Coverage by share of masked cells")
    return plot(lines_by_group(panels, title, "masked cells, %", KEPT, zero=True, note=market_note(shown, MARKET)))


# -------------------------------------------------------------------------------------------- tables


def window_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Windows down; the share of cells that keep their window by policy, counted and by the formulas."""
    numbers, parts = OverSeeds(frame), []
    for policy in POLICIES:
        rows = {f"{window}": f"{source} {policy} {window}" for window in WINDOWS}
        part = interval_table(numbers, rows, ("counted", *FORMULAS), "window")
        parts.append(part.add_prefix(f"{policy}, "))
    return pd.concat(parts, axis=1).reset_index()


def window_tables(shown: PageResult) -> HTML:
    """Kept windows, one for each market."""
    heads = {"window": "window, days", "strict, counted": "strict, counted", "strict, independent": "iid",
             "strict, spells": "clustered", "strict, spells by stock": "clustered by stock",
             "skip, counted": "half the days"}  # fmt: skip
    return picker("market", {
        label: table(window_table(shown.rows, found.source), f"coverage_windows_{found.source}", columns=heads,
                     formats=dict.fromkeys(heads, ".0%"),
                     caption=f"share of tradable cells that keep their window; {market_note(shown, found.source)}")
        for label, found in _markets(shown).items()
    })  # fmt: skip


def joined_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Markets and policies down: coverage of the mean factor, of the least covered one, of all at once."""
    numbers = OverSeeds(frame)
    rows = {(source, policy): f"{source} factors {policy}" for source in sources_of(frame) for policy in POLICIES}
    metrics = ("each its own", "least", "all at once", "all at once, masks alone")
    found = interval_table(numbers, rows, metrics, ("market", "windows")).reset_index()
    for place, (column, metric) in enumerate((("masked cells", "masked share"), ("mean spell", "spell")), start=2):
        found.insert(place, column, [numbers.find(source, metric).value for source in found["market"]])
    labels = zip(found["market"], found["windows"], strict=True)
    found.insert(4, "factors", [numbers.find(rows[label], "number").value for label in labels])
    return found


def all_at_once(shown: PageResult) -> HTML:
    """Coverage of factors, each with its own mask and all at once, in every market."""
    heads = {"market": "market", "windows": "windows", "factors": "factors", "each its own": "each its own",
             "all at once": "all at once", "all at once, masks alone": "by masks alone"}  # fmt: skip
    formats: dict[str, Format] = dict.fromkeys(heads, ".0%")
    formats |= {"market": market_titles(shown.rows).__getitem__, "windows": WINDOW_RULES.__getitem__, "factors": ".0f"}
    return table(joined_table(shown.rows), "coverage_joined", columns=heads, formats=formats,
                 caption="share of tradable cells with a value; by masks alone: for strict windows only")  # fmt: skip


def imposed_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Kinds and shares of imposed masks down; coverage of all factors at once and of each its own."""
    metrics = ("formula", "all at once, masks alone", "strict, all at once", "strict, each its own",
               "skip, all at once", "skip, each its own")  # fmt: skip
    rows = {(kind, f"{share:g}"): f"{source} imposed {kind} {share:g}" for kind in KINDS for share in SHARES}
    found = interval_table(OverSeeds(frame), rows, metrics, ("masks", "masked")).reset_index()
    return found.astype({"masked": float})


def imposed_masks(shown: PageResult) -> HTML:
    """Coverage under imposed masks."""
    heads = {"masks": "masks", "masked": "masked cells", "formula": "formula",
             "all at once, masks alone": "all at once", "strict, each its own": "each its own",
             "skip, each its own": "half the days"}  # fmt: skip
    formats: dict[str, Format] = dict.fromkeys(heads, ".0%")
    formats |= {"masked": ".1%", "masks": MASKS.__getitem__}
    return table(imposed_table(shown.rows, MARKET), "coverage_imposed", columns=heads, formats=formats,
                 caption="strict windows, but for the last column; " + market_note(shown, MARKET))  # fmt: skip


def factor_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Factors down: days that they read, coverage by policy."""
    names = [v for v in frame["variant"].unique() if v.startswith(f"{source} factor ")]
    rows = {name.rpartition(" ")[2]: name for name in names}
    return interval_table(OverSeeds(frame), rows, ("days", *POLICIES), "factor").reset_index()


def factor_tables(shown: PageResult) -> HTML:
    """Every factor, one for each market."""
    heads = {"factor": "factor", "days": "days read", "strict": "strict windows", "skip": "half of the days valid"}
    return picker("market", {
        label: table(factor_table(shown.rows, found.source), f"coverage_factors_{found.source}", columns=heads,
                     formats=dict.fromkeys(POLICIES, ".1%"), caption=market_note(shown, found.source))
        for label, found in _markets(shown).items()
    })  # fmt: skip


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Coverage of factors, joined and not."""
    return joined_table(frame)
