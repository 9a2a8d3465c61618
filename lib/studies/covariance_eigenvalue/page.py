"""The page "covariance_eigenvalue": which covariance of a masked window has an eigenvalue below zero."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lib.paper.claims import Answer
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.tables import Format
from lib.stats.estimates import MINUS, Estimate
from lib.stats.over_seeds import MARKET, OneMarket, OverSeeds, sources_of

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

CLAIM_IDS = ("B.story.eigenvalue",)
QUESTION = (
    "Paper B's optimiser was stopped about once a year by a negative eigenvalue of a Ledoit-Wolf covariance. Can that "
    "estimate have one, and if not, which covariance of a masked window does?"
)
ADVICE = (
    "Give the estimator one matrix of returns without missing cells. Fill masked returns with the stock's mean rather "
    "than drop the stocks that have some.",
    "Do not hand an optimiser a matrix in which each pair of stocks has its own days, as DataFrame.cov gives it for "
    "missing returns.",
    "Do not clamp eigenvalues. After Ledoit-Wolf there is nothing to clamp, and elsewhere it hides the cause.",
    "Decompose in float64, or give the solver the factors of the matrix instead of the product.",
)
YEAR = 252  # trading days, as the papers count
#: estimator -> its name for readers
ESTIMATES = {
    "sample": "sample",
    "sample float32": "sample, float32",
    "ledoit-wolf": "Ledoit-Wolf",
    "ledoit-wolf float32": "Ledoit-Wolf, float32",
    "complete": "Ledoit-Wolf, complete stocks only",
    "filled": "Ledoit-Wolf, masked returns filled",
    "pairwise": "pairwise days",
    "pairwise shrunk": "pairwise days, shrunk",
}
LEDOIT_WOLF = ("ledoit-wolf", "ledoit-wolf float32")
MARKETS = {
    f"{MARKET}_paper": "simulated, the paper's limit rates",
    MARKET: "simulated, CSI 300 limit rates",
    "csi300": "real prices, CSI 300",
}
#: the day of the illustration: a simulated market of its own, the end of the window, its days and stocks
SEED, DAY, DAYS, STOCKS = 0, 400, 120, 250
#: smallest distance from zero that the picture of one day tells apart from zero
LEAST = 1e-8


def within(item: Estimate, low: float, high: float) -> Estimate:
    """An estimate whose interval is cut at the ends of what is possible."""
    return Estimate(item.value, *(min(max(end, low), high) if end == end else end for end in (item.low, item.high)))


@dataclass(frozen=True)
class Eigenvalue(OneMarket):
    """The numbers of one market; shares and intensities have intervals inside 0 to 1."""

    @property
    def sizes(self) -> list[int]:
        words = (variant.split(" ", 2) for variant in self.numbers.variants)
        return sorted({int(word[1]) for word in words if word[0] == self.source})

    @property
    def largest(self) -> int:
        return self.sizes[-1]

    def find(self, estimator: str, metric: str, size: int = 0) -> Estimate:
        """A metric of an estimator; by default for the largest number of stocks."""
        found = self.numbers.find(self.variant(estimator, size), metric)
        return within(found, 0, 1) if metric in ("negative", "refused", "intensity", "needed") else found

    def variant(self, estimator: str, size: int = 0) -> str:
        return f"{self.source} {size or self.largest} {estimator}"

    def worst(self, estimator: str, metric: str, size: int = 0) -> float:
        """The lowest over all days and markets; NaN where there is none."""
        return min(self.numbers.seeds(self.variant(estimator, size), f"{metric} of all"), default=math.nan)


def markets(frame: pd.DataFrame) -> dict[str, Eigenvalue]:
    """Title -> market; the papers' limit rates first, because the claim is about them."""
    ordered = sorted(sources_of(frame), key=lambda name: [*MARKETS, name].index(name))
    return {MARKETS.get(name, name): Eigenvalue.of(frame, name) for name in ordered}


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: Ledoit-Wolf in every market, the others in the first."""
    titles = markets(frame)
    every = list(titles.values())
    first, found = next(iter(titles)), every[0]
    own = [(market, name, size) for market in every for name in LEDOIT_WOLF for size in market.sizes]
    lowest = min(market.worst(name, "lowest", size) for market, name, size in own)
    negative = max(market.find(name, "negative", size).value for market, name, size in own)
    rounding = abs(found.worst("sample float32", "round-off"))
    pairs, shrunk = (found.find(name, "negative") for name in ("pairwise", "pairwise shrunk"))
    double, single = (found.find(name, "refused") for name in ("sample", "sample float32"))
    needed, given = found.find("pairwise", "needed"), found.find("pairwise shrunk", "intensity")
    kept = found.find("complete", "stocks")
    return [
        Finding(
            "Ledoit-Wolf has no negative eigenvalue on any day, in float64 or float32: its lowest one, over all "
            "markets and numbers of stocks, is {lowest:.1%} of the mean eigenvalue. What the paper reports needs "
            "another matrix.",
            lowest=lowest, holds=negative == 0 and lowest > 0,
        ),
        Finding(
            "A covariance in which each pair of stocks has its own days, as pandas gives it for missing returns, has a "
            "negative eigenvalue on {pairs:.0%} of days with {size} stocks ({market}), and still on {shrunk:.0%} after "
            "shrinking.",
            pairs=_exact(pairs), shrunk=_exact(shrunk), size=found.largest, market=first, holds=shrunk.value > 0,
        ),
        Finding(
            "Keeping only stocks without a masked day in the window leaves {kept:.0f} of {size} stocks ({market}). "
            "Filling masked returns keeps all of them.",
            kept=_exact(kept), size=found.largest, market=first, holds=kept.value < found.largest,
        ),
        Finding(
            "Rounding is not the cause: float32 moves eigenvalues by up to {rounding:.1f} millionths of their mean, "
            "and the lowest eigenvalue of Ledoit-Wolf is {times:,.0f} times as large.",
            rounding=1e6 * rounding, times=lowest / rounding if rounding else math.nan, holds=lowest > 10 * rounding,
        ),
        Finding(
            "Shrinking repairs a matrix of pairs with their own days only with an intensity of {needed:.2f} or more; "
            "the formula of Ledoit and Wolf gives {given:.2f}.",
            needed=needed, given=given, holds=needed.value > given.value,
        ),
        Finding(
            "Without shrinking, precision decides: cvxpy refuses the sample covariance of {size} stocks on "
            "{double:.0%} of days in float64 and on {single:.0%} in float32, because its test allows a fixed "
            "\N{MINUS SIGN}10\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT ONE}\N{SUPERSCRIPT ZERO} in both.",
            size=found.largest, double=_exact(double), single=_exact(single), holds=single.value > double.value,
        ),
    ]  # fmt: skip


def _exact(item: Estimate) -> Estimate | float:
    """Without an interval where all markets agree."""
    return item.value if item.low == item.high else item


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


def _note(shown: PageResult, found: Eigenvalue) -> str:
    """Small print: a price file has one history and no interval over markets."""
    return shown.note if found.source.startswith(MARKET) else "one history of real prices, no interval"


# ------------------------------------------------------------------------------------------- figures


def one_day() -> HTML:
    """Eigenvalues of four estimates of one window of a simulated market."""
    from lib.market import make_market
    from lib.studies.covariance_eigenvalue.measure import spectra

    note = f"a simulated market, seed {SEED}, day {DAY}"
    return plot(draw_one_day(spectra(make_market(seed=SEED).panel, DAY, DAYS, STOCKS), DAYS, note))


def draw_one_day(spectra: Mapping[str, np.ndarray], length: int, note: str = "") -> Figure:
    """Eigenvalues of one day's estimates, rising, as shares of their mean; tiny ones are drawn at zero."""
    from matplotlib.ticker import NullLocator

    from lib.paper.pages.style import BLUE, GREY, ORANGE, VERMILLION, canvas, styled

    size, below = len(spectra["sample"]), int((spectra["pairwise"] < -LEAST).sum())
    said = Finding(
        "{size} stocks, {length} days: the sample has {zeros} eigenvalues of zero, Ledoit-Wolf lifts them all, the "
        "pairwise matrix has {below} below zero.",
        size=size, length=length, zeros=size - length + 1, below=below,
        holds=size >= length and below > 0 and bool(spectra["ledoit-wolf"].min() > LEAST),
    )  # fmt: skip
    # estimator, its name, colour, where the name stands: share of the way, points above the line
    lines = (
        ("ledoit-wolf", "Ledoit-Wolf", BLUE, 0.03, 8),
        ("sample", "sample", GREY, 0.3, 8),
        ("sample float32", "sample, float32", ORANGE, 0.02, -16),
        ("pairwise", "pairwise days", VERMILLION, 0.05, -16),
    )

    @styled
    def draw() -> Figure:
        figure, (ax,) = canvas(1, 3.6, said.title("Eigenvalues of four covariances of one window"), note)
        for name, label, color, place, shift in lines:
            values, at = spectra[name], int(place * size)
            ax.plot(np.arange(1, size + 1), values, color=color)
            ax.annotate(label, (at + 1, values[at]), xytext=(0, shift), textcoords="offset points", color=color,
                        fontsize=9, fontweight="bold")  # fmt: skip
        ax.axhline(0, color=GREY, linewidth=0.8, zorder=0)
        ax.set_yscale("symlog", linthresh=LEAST, linscale=0.5)
        ax.set_yticks((-1.0, -1e-4, 0.0, 1e-4, 1.0, 100.0), [f"{MINUS}1", f"{MINUS}0.0001", "0", "0.0001", "1", "100"])
        ax.yaxis.set_minor_locator(NullLocator())
        ax.set_xlabel("eigenvalue, from the lowest")
        ax.set_ylabel("share of the mean eigenvalue")
        return figure

    return draw()


def refusals(shown: PageResult) -> HTML:
    """Share of days on which cvxpy refuses an estimate, by number of stocks."""
    from lib.paper.pages.forms import heat_map
    from lib.paper.pages.style import wrapped

    def picture(found: Eigenvalue) -> HTML:
        lowest = max(found.find(name, "refused", size).value for name in LEDOIT_WOLF for size in found.sizes)
        title = Finding(
            "Ledoit-Wolf is never refused; with own days for each pair the matrix is, even after shrinking",
            holds=lowest == 0 and found.find("pairwise shrunk", "refused").value > 0,
        ).title("Covariances that cvxpy refuses as not convex")
        share = np.array([[100 * found.find(name, "refused", n).value for n in found.sizes] for name in ESTIMATES])
        empty = "empty: fewer than 10 stocks are complete; " if np.isnan(share).any() else ""
        return plot(heat_map(
            share, [wrapped(name, 22) for name in ESTIMATES.values()], [str(n) for n in found.sizes], title,
            "days refused, %", form=".0f", x_label="stocks in the covariance", note=empty + _note(shown, found),
        ))  # fmt: skip

    return tabs({label: picture(found) for label, found in markets(shown.rows).items()})


def repair(shown: PageResult) -> HTML:
    """Intensity that the formula finds, and the least that leaves no eigenvalue of the pairwise matrix below zero."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, VERMILLION

    def picture(found: Eigenvalue) -> HTML:
        needed, given = found.find("pairwise", "needed").value, found.find("pairwise shrunk", "intensity").value
        title = Finding(
            "With {size} stocks a repair needs an intensity of {needed:.2f}, the formula gives {given:.2f}",
            size=found.largest, needed=needed, given=given, holds=needed > given,
        ).title("Intensity of shrinking: needed, and given by the formula")  # fmt: skip
        lines = [
            Line(name, found.sizes, [found.find(estimator, metric, size) for size in found.sizes], color)
            for name, estimator, metric, color in (("needed", "pairwise", "needed", VERMILLION),
                                                   ("given", "pairwise shrunk", "intensity", BLUE))
        ]  # fmt: skip
        ticks = {float(size): str(size) for size in found.sizes}
        return plot(lines_by_group({"": lines}, title, "stocks in the covariance", "intensity of shrinking",
                                   zero=True, log_x=True, ticks=ticks, note=_note(shown, found)))  # fmt: skip

    return tabs({label: picture(found) for label, found in markets(shown.rows).items()})


# -------------------------------------------------------------------------------------------- tables


def estimator_table(found: Eigenvalue, size: int) -> pd.DataFrame:
    """Estimators down; stocks, days with a negative eigenvalue, days refused, the lowest eigenvalue across."""
    rows = []
    for name, meaning in ESTIMATES.items():
        if (found.variant(name, size), "stocks") in found.numbers:
            kind = "round-off" if (found.variant(name, size), "round-off") in found.numbers else "lowest"
            rows.append({
                "covariance": meaning,
                "stocks": found.find(name, "stocks", size).value,
                **found.find(name, "negative", size).columns("negative"),
                **found.find(name, "refused", size).times(YEAR).columns("refused, days a year"),
                "lowest eigenvalue / mean": found.find(name, kind, size).value,
                "the lowest of all days": found.worst(name, kind, size),
                "intensity": found.find(name, "intensity", size).value,
                "intensity needed": found.find(name, "needed", size).value,
            })  # fmt: skip
    return pd.DataFrame(rows)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The table of every market and number of stocks."""
    tables = {(m.source, size): estimator_table(m, size) for m in markets(frame).values() for size in m.sizes}
    return pd.concat(tables, names=["market", "stocks wanted"]).droplevel(2)


def estimators(shown: PageResult) -> HTML:
    """Every estimate of the largest number of stocks, market by market; all numbers of stocks in the last tab."""
    heads = {
        "covariance": "covariance",
        "stocks": "stocks",
        "negative": "days with a negative eigenvalue",
        "refused, days a year": f"days refused by cvxpy, of {YEAR} a year",
        "lowest eigenvalue / mean": "lowest eigenvalue, share of the mean (median day)",
        "the lowest of all days": "the same on the worst day",
    }
    lowest = dict.fromkeys(("lowest eigenvalue / mean", "the lowest of all days"), ".2g")
    formats: dict[str, Format] = {"stocks": ".0f", "negative": ".0%", "refused, days a year": ".0f", **lowest}
    parts = {}
    for label, found in markets(shown.rows).items():
        name = f"covariance_eigenvalue_{found.source}"
        caption = f"{found.largest} stocks; {_note(shown, found)}; intervals are cut at 0 and {YEAR} days"
        parts[label] = table(estimator_table(found, found.largest), name, columns=heads, formats=formats,
                             caption=caption)  # fmt: skip
    whole = summary(shown.rows).reset_index()
    heads = {"market": "market", "stocks wanted": "stocks wanted"} | heads
    for dropped in ("negative", "the lowest of all days"):
        heads.pop(dropped)
    formats |= {"market": lambda source: str(MARKETS.get(source, source))}
    parts["all numbers of stocks"] = table(whole, "covariance_eigenvalue_all", columns=heads, formats=formats)
    return tabs(parts)


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Days a year with a negative eigenvalue of Ledoit and Wolf's estimate, float64 and float32, simulated markets.

    A recomputation of arithmetic: the range over markets, sizes and precisions is given, not an interval.
    """
    numbers = OverSeeds(frame)
    found = [
        YEAR * value
        for source in sources_of(frame)
        if source.startswith(MARKET)
        for size in Eigenvalue(numbers, source).sizes
        for name in LEDOIT_WOLF
        for value in numbers.seeds(f"{source} {size} {name}", "negative")
    ]
    if not found:
        return []
    mean, low, high = sum(found) / len(found), min(found), max(found)
    note = "simulated markets, float64 and float32, every number of stocks: mean and range over them"
    return [Answer(CLAIM_IDS[0], mean, low, high, "reduced", note, "covariance_eigenvalue")]
