"""The page "rank_denominator": which factors can notice the denominator of a rank, and what the right one gains."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lib.factors import factor_names, find_factors
from lib.paper.claims import Answer
from lib.paper.claims.ledger import claimed_value
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening
from lib.paper.pages.markets import market_note, market_titles
from lib.paper.pages.picker import picker
from lib.paper.pages.tables import Format
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import MARKET, OneMarket, OverSeeds, sources_of
from lib.studies.rank_denominator.denominators import MASKED, day_map, ranked_factors

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

CLAIM_IDS = ("B.story.rank_denominator",)
QUESTION = (
    "A percentile rank is a position divided by a count. If the count is that of all stocks instead of the valid "
    "stocks of the day, what does a factor lose?"
)
ADVICE = (
    "Divide by the number of valid stocks. It costs nothing, and a rank then means the same on every day.",
    "Do not expect a higher information coefficient from it: a factor that is ranked or z-scored again within the day "
    "cannot notice.",
    "Check fixed thresholds on ranks, time-series operators over ranks, and models that are fitted to all days at "
    "once: for them a day with many halts has another scale.",
)
#: scenario -> what is halted, in a table and in a figure
MEANING = {
    "constant": "halts every day", "waves": "halts in waves (ten days of fifty)",
    "storm": "five times the halts, in waves", "as it is": "masks of the file",
}  # fmt: skip
HALTS = {
    "constant": "halts every day", "waves": "halts in waves", "storm": "five times the halts,\nin waves",
    "as it is": "masks of the file",
}  # fmt: skip
#: what a gain is one of -> its metric
GAINS = {"all factors": "gain all", "can notice": "gain can", "pooled": "pooled gain"}
PICK = 0.9  # rank above which a rule buys a stock, in the picture
FLOOR = 1e-7  # where a change of exactly zero is drawn


@dataclass(frozen=True)
class Denominator(OneMarket):
    """The numbers of the study for one market."""

    @property
    def shown(self) -> str:
        """The scenario whose factors are shown one by one."""
        return "waves" if self.source == MARKET else "as it is"

    @property
    def scenarios(self) -> list[str]:
        """The scenarios that the market has rows for."""
        return [name for name in MEANING if (f"{self.source} {name}", "gain all last") in self.numbers]

    @property
    def factors(self) -> list[str]:
        prefix = f"{self.source} {self.shown} "
        return [v.removeprefix(prefix) for v, m in self.numbers if v.startswith(prefix) and m == "ic"]

    def change(self, factor: str) -> float:
        """The largest change of a day's rank IC by the wrong denominator, in any market."""
        return float(self.numbers.seeds(f"{self.source} {self.shown} {factor}", "change last").max())

    def gain(self, scenario: str, metric: str) -> Estimate:
        """Gain by the right denominator, such as "gain all last", "pooled gain first"."""
        return self.numbers.find(f"{self.source} {scenario}", metric)

    def shares(self, scenario: str) -> np.ndarray:
        """Share of stocks that are valid, by day of the picture."""
        names = [m for v, m in self.numbers if v == f"{self.source} {scenario}" and m.startswith("share day ")]
        return np.array([self.numbers.find(f"{self.source} {scenario}", name).value for name in names])


def exempt() -> frozenset[str]:
    """The factors that rank and cannot notice, with masked stocks sorted last."""
    factors = find_factors(ranked_factors(factor_names()))
    return frozenset(factor.name for factor in factors if day_map(factor.node) is not None)


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: the gain on simulated markets with imposed halts and in price files, then who can notice."""
    made = Denominator.of(frame, MARKET)
    titles = {name: text for name, text in market_titles(frame).items() if not name.startswith(MARKET)}
    files = [_gain_finding(Denominator.of(frame, name), text) for name, text in titles.items()]
    own = _gain_finding(made, "simulated market, imposed halts")
    return [own, *files, _who_finding(made), _ceiling_finding(made)]


def _gain_finding(found: Denominator, market: str) -> Finding:
    """Mean gain of rank IC for both places of masked stocks, beside what the paper says."""
    paper = claimed_value(CLAIM_IDS[0])
    last, first_ = (found.gain(found.shown, f"gain all {masked}") for masked in MASKED)

    def say(sentence: str, holds: bool) -> Finding:
        return Finding(sentence, market=market, last=last, first=first_, paper=paper, holds=holds)

    small = all(item.high < paper / 2 for item in (last, first_))
    return first([
        say(
            "Dividing by the valid count gains less than half of the paper's {paper:+.3f} ({market}). The mean rank IC "
            "of factors that use ranks rises by {last:+.5f} with masked stocks sorted last, and by {first:+.5f} with "
            "them sorted first.",
            small and last.low > 0 and first_.low > 0,
        ),
        say(
            "Dividing by the valid count gains less than half of the paper's {paper:+.3f}, and not in both cases "
            "({market}). The mean rank IC of factors that use ranks changes by {last:+.5f} with masked stocks "
            "sorted last, and by {first:+.5f} with them sorted first.",
            small and (last.low <= 0 or first_.low <= 0),
        ),
        say(
            "Dividing by the valid count changes the mean rank IC of factors that use ranks by {last:+.5f} with masked "
            "stocks sorted last, and by {first:+.5f} with them sorted first ({market}). The paper's {paper:+.3f} is of "
            "that size.",
            last.high >= paper / 2 or first_.high >= paper / 2,
        ),
    ])  # fmt: skip


def _who_finding(found: Denominator) -> Finding:
    """How far the proof and the measurement agree."""
    cannot = exempt()
    immune, others = ([found.change(name) for name in found.factors if (name in cannot) == proved]
                      for proved in (True, False))  # fmt: skip
    return Finding(
        "Of {all:.0f} factors that use ranks, {immune:.0f} cannot depend on the denominator, by their formula, and "
        "their rank IC does not change on a single day. Of the other {others:.0f}, {notice:.0f} change on some day.",
        immune=float(len(immune)), all=float(len(found.factors)), others=float(len(others)),
        notice=float(sum(change > 0 for change in others)), holds=max(immune, default=1.0) == 0,
    )  # fmt: skip


def _ceiling_finding(found: Denominator) -> Finding:
    """What the wrong denominator does to the top of the ranking."""
    share = float(found.shares("storm").min(initial=1.0))
    bought = max(0.0, share - PICK) / (share * (1 - PICK))
    return Finding(
        "A fixed threshold on ranks depends on the denominator. With {halted:.0%} of the stocks halted and ranks "
        "divided by all stocks, the best rank is {best:.2f}, and a rule that buys ranks above {pick:g} buys "
        "{bought:.0%} of what it should.",
        halted=1 - share, best=share, pick=PICK, bought=bought, holds=share < 1 and bought < 0.5,
    )  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


def _markets(shown: PageResult) -> dict[str, Denominator]:
    """Title -> market; the simulated one first."""
    return {text: Denominator.of(shown.rows, name) for name, text in market_titles(shown.rows).items()}


# ------------------------------------------------------------------------------------------- figures


def ceiling(shown: PageResult) -> HTML:
    """By day: the highest rank under both denominators, and what a fixed threshold picks."""
    from lib.paper.pages.style import BLUE, VERMILLION, canvas, end_labels, styled

    made = Denominator.of(shown.rows, MARKET)
    share = made.shares("storm")
    days, halted = np.arange(len(share)), f"{1 - share.min():.0%} of the stocks halted in waves"
    panels = {
        f"Highest rank of the day, {halted}": (1.1, "rank", np.ones_like(share), share, 0.1),
        f"Stocks with a rank above {PICK:g}": (12.5, "% of all stocks", 100 * (1 - PICK) * share,
                                               100 * np.maximum(share - PICK, 0), 2.0),
    }  # fmt: skip

    @styled
    def picture() -> Figure:
        title = _ceiling_finding(made).title("The ceiling of the rank")
        figure, axes = canvas(2, 4.6, title, shown.markets, sharex=True)
        for ax, (text, (top, unit, right, wrong, below)) in zip(axes, panels.items(), strict=True):
            ax.step(days, right, where="post", color=BLUE)
            ax.step(days, wrong, where="post", color=VERMILLION)
            ax.set_ylim(0, top)
            ax.set_ylabel(unit)
            ax.set_title(text)
            end_labels(ax, days[-1], [("divided by\nvalid stocks", float(right[-1]), BLUE),
                                      ("by all\nstocks", float(wrong[-1]) - below, VERMILLION)])  # fmt: skip
        axes[-1].set_xlabel("day")
        return figure

    return plot(picture())


def who_can_notice(shown: PageResult) -> HTML:
    """Largest change of a day's rank IC per factor, those that a proof exempts apart; one for each market."""
    from lib.paper.pages.style import BLUE, VERMILLION, canvas, styled

    cannot = exempt()

    @styled
    def picture(found: Denominator) -> Figure:
        title = _who_finding(found).title("Which factors notice the denominator")
        figure, (ax,) = canvas(1, 3.4, title, market_note(shown, found.source))
        order = sorted(found.factors, key=lambda name: (name not in cannot, found.change(name)))
        changes = np.array([max(found.change(name), FLOOR) for name in order])
        count = sum(name in cannot for name in order)
        ax.plot(np.arange(count), changes[:count], "o", markersize=4, color=BLUE)
        ax.plot(np.arange(count, len(order)), changes[count:], "o", markersize=4, color=VERMILLION)
        ax.set_yscale("log")
        ax.set_ylim(FLOOR / 3, 3)
        ax.set_yticks([FLOOR, 1e-5, 1e-3, 1e-1], ["exactly 0", "0.00001", "0.001", "0.1"])
        ax.minorticks_off()
        ax.annotate("cannot notice, by the formula", (0, FLOOR), xytext=(0, 9), textcoords="offset points", color=BLUE)
        ax.annotate("may notice", (count - 1, 0.5), color=VERMILLION, ha="right", va="center")
        ax.set_xlabel("factors that rank stocks, in order")
        ax.set_ylabel("largest change of a day's rank IC")
        return figure

    return picker("market", {label: plot(picture(found)) for label, found in _markets(shown).items()})


def gains(shown: PageResult) -> HTML:
    """Mean gains by the right denominator, by scenario and by where masked stocks are sorted; one for each market."""
    from lib.paper.pages.forms import forest, one_axis
    from lib.paper.pages.style import GREY

    paper = 1000 * claimed_value(CLAIM_IDS[0])

    def picture(label: str, found: Denominator) -> HTML:
        rows = {
            f"{HALTS[scenario]},\nmasked sorted {masked}": [
                found.gain(scenario, f"{metric} {masked}").times(1000) for metric in GAINS.values()
            ]
            for scenario in found.scenarios for masked in MASKED
        }  # fmt: skip
        title = _gain_finding(found, label).title("Gain by dividing by the valid count")
        figure = forest(rows, title, "gain by dividing by the valid count, in 0.001", series=tuple(GAINS),
                        note=market_note(shown, found.source))  # fmt: skip
        ax = one_axis(figure)
        ax.axvline(paper, color=GREY, linestyle="--", linewidth=1)
        ax.annotate(f"the paper's\n+{paper:g}", (paper, -0.5), xytext=(-4, 0), textcoords="offset points", color=GREY,
                    ha="right", va="top", fontsize=8.5)  # fmt: skip
        return plot(figure)

    return picker("market", {label: picture(label, found) for label, found in _markets(shown).items()})


# -------------------------------------------------------------------------------------------- tables


def gain_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Scenarios and the place of masked stocks down; gain of IC by the right denominator across."""
    found, rows = Denominator.of(frame, source), []
    for scenario in found.scenarios:
        for masked in MASKED:
            row: dict[str, object] = {
                "halted": MEANING[scenario],
                "masked stocks sorted": masked,
                "factors that can": found.gain(scenario, f"factors can {masked}").value,
            }
            for label, metric in (("gain of rank IC, all", "gain all"), ("those that can notice", "gain can"),
                                  ("gain of pooled correlation", "pooled gain")):  # fmt: skip
                row |= found.gain(scenario, f"{metric} {masked}").columns(label)
            rows.append(row)
    return pd.DataFrame(rows)


def gain_tables(shown: PageResult) -> HTML:
    """The gains in thousandths, one for each market."""
    heads = {"halted": "halted", "masked stocks sorted": "masked sorted",
             "factors that can": "number that can notice", "gain of rank IC, all": "all factors",
             "those that can notice": "gain of those",
             "gain of pooled correlation": "pooled"}  # fmt: skip
    formats = dict.fromkeys(list(heads)[3:], "+.2f")

    def one(found: Denominator) -> HTML:
        rows = gain_table(shown.rows, found.source)
        scaled = rows.assign(**{str(name): 1000 * rows[name] for name in rows if str(name).split(".")[0] in formats})
        return table(scaled, f"rank_denominator_gains_{found.source}", columns=heads, formats=formats,
                     caption=f"gains of IC in 0.001; {market_note(shown, found.source)}")  # fmt: skip

    return picker("market", {label: one(found) for label, found in _markets(shown).items()})


def factor_table(frame: pd.DataFrame, source: str, scenario: str) -> pd.DataFrame:
    """Factors down: formula, whether it can notice, the largest change of a day, the mean gain; masked sorted last."""
    numbers, rows = OverSeeds(frame), []
    for factor in find_factors(ranked_factors(factor_names())):
        variant = f"{source} {scenario} {factor.name}"
        if (variant, "ic") in numbers:
            rows.append({
                "factor": factor.name,
                "can notice": "no" if day_map(factor.node) else "yes",
                "rank IC": numbers.find(variant, "ic").value,
                "largest change in a day": float(numbers.seeds(variant, "change last").max()),
                **numbers.find(variant, "gain last").columns("gain of IC"),
                "gain of pooled correlation": numbers.find(variant, "pooled gain last").value,
                "formula": factor.formula,
            })  # fmt: skip
    return pd.DataFrame(rows)


def factor_tables(shown: PageResult) -> HTML:
    """Every factor that ranks, one for each market."""
    heads = {"factor": "factor", "can notice": "can notice", "largest change in a day": "largest change",
             "gain of IC": "gain of IC", "formula": "formula"}  # fmt: skip
    formats: dict[str, Format] = {"largest change in a day": ".3f", "gain of IC": "+.4f", "formula": _breakable}
    return picker("market", {
        label: table(factor_table(shown.rows, found.source, found.shown), f"rank_denominator_factors_{found.source}",
                     columns=heads, formats=formats,
                     caption=f"halted: {MEANING[found.shown]}; masked sorted last; {market_note(shown, found.source)}")
        for label, found in _markets(shown).items()
    })  # fmt: skip


def _breakable(formula: str) -> str:
    """A formula that may be broken after a bracket or a comma."""
    return re.sub(r"([(,])", r"\1<wbr>", escape(formula))


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The gains of all markets under each other."""
    return pd.concat({source: gain_table(frame, source) for source in sources_of(frame)}, names=["market"])


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Mean gain of rank IC over all factors that rank, with the story's share halted on some days: by market seed.

    The story says that ranks were inflated, which they are where masked stocks are sorted first.
    """
    numbers, key = OverSeeds(frame), (f"{MARKET} waves", "gain all first")
    found = answered(numbers, *key, kind="difference")
    if "low" not in found:
        return []
    note = f"mean over the factors that rank stocks, {len(numbers.seeds(*key))} simulated markets, masked sorted first"
    return [Answer(CLAIM_IDS[0], **found, setting="reduced", note=note, page="rank_denominator")]
