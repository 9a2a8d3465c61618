"""The page "paper_panel": what the papers' own panel can and cannot show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from lib.factors.registry import find_factors
from lib.paper.claims import Answer
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds
from lib.studies.paper_panel.measure import ARITHMETIC, GBM, PLANTED, TAIL

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

CLAIM_IDS = ("A.gbm.mle", "A.gbm.euler")
#: what paper B reports: IC of the full system, and limit rates by regime in per cent of cells
PAPER_IC: Final = 0.049
PAPER_RATES: Final = {"sideways": 1.2, "bull": 3.5, "bear": 4.8}
QUESTION = (
    "Paper B reports an IC, and a gain from its mask, on a panel that it generates. Is there anything in that panel "
    "that a mask could hide or a model could predict?"
)
ADVICE = (
    "Use a generator without predictability as a null test: a score whose interval excludes zero on it is a leak.",
    "Do not use it to show that a model works or what a mask is worth. For that, a market has to hold something to "
    "find and something to hide.",
)
IC_PREFIX: Final = "ic: "
LIMITS: Final = "limit closes, share of traded cells"
ONE_ESTIMATE: Final = "drift, standard deviation of one estimate"
#: of the limit rates that paper B reports, the share below which there is nothing to mask
NOTHING: Final = 0.01
NAMES = {GBM: "papers' panel", PLANTED: "simulated market, alpha planted"}
COUNTED = ("cells", "halted", "limit-up closes", "limit-down closes", LIMITS, "clamped up", "clamped down")


@dataclass(frozen=True)
class PaperPanel:
    """The numbers of the study."""

    numbers: OverSeeds

    @classmethod
    def of(cls, frame: pd.DataFrame) -> PaperPanel:
        return cls(OverSeeds(frame))

    def find(self, variant: str, metric: str) -> Estimate:
        """Mean over the seeds with its interval; NaN where there is none."""
        return self.numbers.find(variant, metric)

    def mean(self, variant: str, metric: str) -> float:
        return self.find(variant, metric).value

    def ridge(self, variant: str) -> Estimate:
        return self.find(variant, f"{IC_PREFIX}ridge")

    @property
    def factors(self) -> list[str]:
        """Names of what was tried alone, in the order of the study."""
        names = [metric for variant, metric in self.numbers if variant == GBM]
        found = [name.removeprefix(IC_PREFIX) for name in names if name.startswith(IC_PREFIX)]
        return [name for name in found if name != "ridge"]


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: nothing to hide, nothing to predict, and that the method would have found it."""
    found = PaperPanel.of(frame)
    return [_limits(found), _ridge(found), _path(found), _control(found), _estimators(found)]


def _limits(found: PaperPanel) -> Finding:
    closes, least, most = found.find(GBM, LIMITS), min(PAPER_RATES.values()), max(PAPER_RATES.values())
    return Finding(
        "The papers' panel has next to nothing to mask: a move of 10 % is {sigmas:.1f} standard deviations, and of a "
        "million cells (a stock on a day) {closes:.1f} close at a limit. Paper B reports {least:,.0f} to {most:,.0f} "
        "for market regimes.",
        sigmas=found.mean(ARITHMETIC, "sigmas to a move of 10 %"), closes=closes.times(1e6),
        least=1e4 * least, most=1e4 * most, holds=100 * closes.value < NOTHING * least,
    )  # fmt: skip


def _ridge(found: PaperPanel) -> Finding:
    ic, factors = found.ridge(GBM), len(found.factors)
    return first([
        Finding(
            "Nothing in the papers' panel can be predicted: a ridge regression on {factors:.0f} factors has an IC of "
            "{ic:+.4f}. Paper B reports {paper:.3f}.",
            ic=ic, factors=factors, paper=PAPER_IC, holds=ic.low <= 0 <= ic.high,
        ),
        Finding(
            "A ridge on {factors:.0f} factors finds something in the papers' panel (IC {ic:+.4f}, paper B {paper:.3f}) "
            "although its steps are independent: look for a leak.",
            ic=ic, factors=factors, paper=PAPER_IC, holds=ic.low > 0,
        ),
        Finding(
            "A ridge on {factors:.0f} factors has an IC below zero on the papers' panel: {ic:+.4f}. Paper B "
            "reports {paper:.3f}.",
            ic=ic, factors=factors, paper=PAPER_IC, holds=ic.high < 0,
        ),
    ])  # fmt: skip


def _path(found: PaperPanel) -> Finding:
    path = found.numbers.one_path(GBM, f"{IC_PREFIX}ridge")
    return first([
        Finding(
            "Chance does not explain the paper's IC of {paper:.3f}: one further panel of the size studied here would "
            "give an IC between {low:+.4f} and {high:+.4f}.",
            low=path.low, high=path.high, paper=PAPER_IC, holds=not path.low <= PAPER_IC <= path.high,
        ),
        Finding(
            "Panels of the size studied here are too small to exclude the paper's IC of {paper:.3f}: one further panel "
            "would give an IC between {low:+.4f} and {high:+.4f}.",
            low=path.low, high=path.high, paper=PAPER_IC, holds=path.low <= PAPER_IC <= path.high,
        ),
    ])  # fmt: skip


def _control(found: PaperPanel) -> Finding:
    ic, closes = found.ridge(PLANTED), found.find(PLANTED, LIMITS)
    return Finding(
        "The method finds something where there is something: on the simulated market with planted alpha the same "
        "regression has an IC of {ic:+.4f}, and {closes:.1%} of the cells close at a limit.",
        ic=ic, closes=closes, holds=ic.low > 0 and 100 * closes.value > NOTHING * min(PAPER_RATES.values()),
    )  # fmt: skip


def _estimators(found: PaperPanel) -> Finding:
    bias, one = found.find(ARITHMETIC, "bias of the drift"), found.mean(ARITHMETIC, ONE_ESTIMATE)
    return Finding(
        "Paper A's estimators are right on average: the bias of the drift is {bias:+.2%} a year. One path says little: "
        "a single estimate of the drift has a standard deviation of {one:.0%} a year.",
        bias=bias, one=one, holds=bias.low <= 0 <= bias.high and one > abs(bias.value),
    )  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def tails(shown: PageResult) -> HTML:
    """Share of days on which a stock moves by so much or more, on a log scale, and the paper's limit rates."""
    from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, styled

    found = PaperPanel.of(shown.rows)
    sigmas, closes = found.mean(ARITHMETIC, "sigmas to a move of 10 %"), found.mean(GBM, LIMITS)
    title = Finding(
        "A move of 10 % is {sigmas:.1f} standard deviations in the papers' panel: {closes:.1f} of a million cells "
        "close at a limit",
        sigmas=sigmas, closes=1e6 * closes, holds=_limits(found).holds,
    )  # fmt: skip
    percents = np.array(TAIL)

    def draw() -> Figure:
        figure, (ax,) = canvas(1, 3.6, title.title("How far the tails of daily returns reach"), shown.note)
        ax.set_yscale("log")
        ax.axhspan(min(PAPER_RATES.values()), max(PAPER_RATES.values()), color=GREY, alpha=0.2, linewidth=0)
        ax.annotate("paper B's limit rates", (1, 2.4), color=GREY, fontsize=9, va="center")
        for variant, color in ((PLANTED, VERMILLION), (GBM, BLUE)):
            shares = np.array([100 * found.mean(variant, f"|return| of {k} % or more") for k in TAIL])
            known = np.flatnonzero(shares > 0)
            ax.plot(percents[known], shares[known], color=color, marker="o", markersize=4)
            if len(known):
                middle, above = known[len(known) // 2], variant == PLANTED
                ax.annotate(NAMES[variant].partition(",")[0], (percents[middle], shares[middle]), color=color,
                            xytext=(6, 6) if above else (-8, -4), textcoords="offset points",
                            ha="left" if above else "right", va="bottom" if above else "top")  # fmt: skip
        _name_limit(ax)
        powers = [10.0**k for k in range(-6, 3, 2)]
        ax.set_yticks(powers, [f"{power:.6f}".rstrip("0").rstrip(".") for power in powers])
        ax.minorticks_off()
        ax.set_ylim(0.00002, 130)
        ax.set_xticks(percents)
        ax.set_xlabel("size of a day's return, %")
        ax.set_ylabel("share of days with that or more, %")
        return figure

    return plot(styled(draw)())


def _name_limit(ax: Axes) -> None:
    from lib.paper.pages.style import GREY

    ax.axvline(10, color=GREY, linewidth=0.9, linestyle=":", zorder=0)
    ax.annotate("limit", (10, 1), xycoords=ax.get_xaxis_transform(), xytext=(-3, -3), textcoords="offset points",
                ha="right", va="top", color=GREY)  # fmt: skip


def information(shown: PageResult) -> HTML:
    """Mean IC over the seeds with its 95 % interval, of every factor (sorted) and the ridge, in both markets."""
    from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, interval, styled, zero_line

    found = PaperPanel.of(shown.rows)
    nothing, something = found.ridge(GBM), found.ridge(PLANTED)
    title = Finding(
        "The ridge finds nothing in the papers' panel (IC {nothing:+.4f}), and an IC of {something:+.4f} where alpha "
        "is planted",
        nothing=nothing.value, something=something.value, holds=nothing.low <= 0 <= nothing.high and something.low > 0,
    )  # fmt: skip

    def draw() -> Figure:
        figure, axes = canvas(2, 5.4, title.title("IC of single factors and of a ridge"), shown.note, sharex=True)
        for ax, variant, color in zip(axes, NAMES, (BLUE, VERMILLION), strict=True):
            zero_line(ax)
            singles = sorted((found.find(variant, IC_PREFIX + name) for name in found.factors), key=lambda e: e.value)
            for row, item in enumerate(singles):
                interval(ax, item.value, row, item.low, item.high, GREY, markersize=2.5)
            ridge, above = found.ridge(variant), len(singles) + 3
            interval(ax, ridge.value, above, ridge.low, ridge.high, color)
            ax.annotate("ridge", (ridge.value, above), xytext=(0, 5), textcoords="offset points", color=color,
                        ha="center", va="bottom")  # fmt: skip
            ax.axvline(PAPER_IC, color=VERMILLION, linewidth=0.9, linestyle=":", zorder=0)
            ax.set_ylim(-1, len(singles) + 11)
            ax.set_yticks([])
            ax.set_ylabel(f"{len(singles)} factors, sorted")
            ax.set_title(NAMES[variant])
        axes[0].annotate("paper B", (PAPER_IC, 1), xycoords=axes[0].get_xaxis_transform(), xytext=(-3, -2),
                         textcoords="offset points", color=VERMILLION, va="top", ha="right")  # fmt: skip
        axes[-1].set_xlabel("mean daily IC, with 95 % interval over markets")
        return figure

    return plot(styled(draw)())


# -------------------------------------------------------------------------------------------- tables


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Counts and the IC of the ridge: papers' panel and planted market side by side, means over seeds."""
    found = PaperPanel.of(frame)
    metrics = [*COUNTED, "ic: ridge", "ic: ridge with the truth", "ic: the truth"]
    rows = {metric: {variant: found.mean(variant, metric) for variant in (GBM, PLANTED)} for metric in metrics}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("quantity")


def count_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Limit closes in per cent of traded cells: what the paper reports by regime, and what the panels hold."""
    found = PaperPanel.of(frame)
    rows = [{"source": f"paper B, {name} regime", "limit closes, %": rate} for name, rate in PAPER_RATES.items()]
    for variant, name in NAMES.items():
        rows.append({
            "source": name, "limit closes, %": 100 * found.mean(variant, LIMITS), "cells": found.mean(variant, "cells"),
            "limit-up": found.mean(variant, "limit-up closes"), "limit-down": found.mean(variant, "limit-down closes"),
            "clamped up": found.mean(variant, "clamped up"), "clamped down": found.mean(variant, "clamped down"),
        })  # fmt: skip
    return pd.DataFrame(rows)


def ic_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean IC over seeds with its 95 % interval, of the ridge and of every factor, in both markets."""
    found, rows = PaperPanel.of(frame), []
    about = {factor.name: factor.theme for factor in find_factors(found.factors)}
    for name in ("ridge", *found.factors):
        row: dict[str, object] = {"prediction": name, "about": about.get(name, "all of them")}
        for variant in (GBM, PLANTED):
            row |= found.find(variant, IC_PREFIX + name).columns(f"{variant}, ic")
        rows.append(row)
    return pd.DataFrame(rows)


def arithmetic_table(frame: pd.DataFrame) -> pd.DataFrame:
    """What follows from the stated parameters, and what the estimators of paper A give."""
    part = frame[frame["variant"] == ARITHMETIC].drop_duplicates("metric").set_index("metric")["value"]
    named = [name for name in part.index if not name.endswith((".low", ".high"))]
    columns = {"value": "", "value.low": ".low", "value.high": ".high"}
    rows = [{"quantity": name} | {c: part.get(name + end) for c, end in columns.items()} for name in named]
    return pd.DataFrame(rows)


def counts(shown: PageResult) -> HTML:
    """The paper's limit rates beside the counts."""
    heads = {"source": "source", "cells": "cells", "limit-up": "limit-up closes", "limit-down": "limit-down closes",
             "limit closes, %": "at a limit, % of traded cells"}  # fmt: skip
    formats = dict.fromkeys(("cells", "limit-up", "limit-down"), ",.0f") | {"limit closes, %": _plain}
    return table(count_table(shown.rows), "paper_panel_counts", columns=heads, formats=formats,
                 caption=f"means of a panel; paper B prints shares only; {shown.markets}")  # fmt: skip


def _plain(value: float) -> str:
    """A small number without a power of ten.

    >>> _plain(0.00010870), _plain(1.2)
    ('0.00011', '1.2')
    """
    return np.format_float_positional(value, precision=2, unique=False, fractional=False, trim="-")


def ics(shown: PageResult) -> HTML:
    """IC of every prediction in both markets."""
    heads = {"prediction": "prediction", "about": "kind", f"{GBM}, ic": NAMES[GBM], f"{PLANTED}, ic": "alpha planted"}
    return table(ic_table(shown.rows), "paper_panel_ic", columns=heads, caption=f"mean daily IC; {shown.note}")


def by_arithmetic(shown: PageResult) -> HTML:
    """What follows from the stated parameters."""
    return table(arithmetic_table(shown.rows), "paper_panel_arithmetic", formats={"value": ".5g"},
                 caption="from the stated parameters; drift, growth and volatility a year if not stated")  # fmt: skip


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Paper A's equations 20 to 22, by recomputation."""
    part = frame[frame["variant"] == ARITHMETIC].drop_duplicates("metric").set_index("metric")["value"]
    answers = []
    name = "bias of the drift"
    if name in part:
        note = (
            f"drift, per year; volatility: bias {100 * part['bias of the volatility']:+.3f} % of 32 %. One path says "
            f"little of the drift: standard deviation {part[ONE_ESTIMATE]:.2f} a year"
        )
        low, high = part[f"{name}.low"], part[f"{name}.high"]
        answers.append(Answer("A.gbm.mle", part[name], low, high, "same", note, "paper_panel"))
    error = part.get("largest relative error of equation 20")
    if error is not None:
        exact = float(error < 1e-9)
        note = "equation 20 is the exact log-normal step: the number of steps does not matter"
        answers.append(Answer("A.gbm.euler", exact, exact, exact, "same", note, "paper_panel"))
    return answers
