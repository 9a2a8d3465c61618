"""The page "other_markets": which rule of an exchange distorts a back-test, and what a mask does without any rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, outcome
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.pieces import html
from lib.paper.pages.tables import Format, text_of
from lib.stats.estimates import MINUS, Estimate
from lib.stats.over_seeds import OverSeeds, interval_table
from lib.studies.other_markets.measure import (
    AROUND,
    CONTROL_PAIRS,
    DIFFERENCES,
    FACTS,
    LEVELS,
    ON_EXCHANGE,
    RULES,
    SAME_THERE,
)

if TYPE_CHECKING:
    import numpy as np
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

QUESTION = (
    "Exchanges stop trade by price limits, halts, circuit breakers and T+1. Which of these rules makes a back-test "
    "show returns that could not be earned, and where does a mask help?"
)
ADVICE = (
    "Ask first which rule the market has. A rule that stops one stock at a price, in a known direction, needs a mask; "
    "halts, and a rule that stops all stocks alike, distort a back-test far less.",
    "Test a mask on a market without limits: pipelines that differ by the mask alone must give the same numbers.",
)
#: the headline of a comparison of books, and what stands beside it: over equal weight, executed at the next open
GROSS, NET, TRUTH = "executed_open.active_sharpe_gross", "executed_open.active_sharpe", "truth_ic"
NAMES = {
    "none": "unmasked",
    "row_deletion": "rows deleted",
    "halt_only": "only halts masked",
    "mask_strict": "strict windows",
    "mask_skip": "windows skip masked days",
    "mask_paper": "strict windows, the papers' mask",
}


@dataclass(frozen=True)
class Rules:
    """The numbers of the study by rule of the simulated exchange."""

    numbers: OverSeeds

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Rules:
        return cls(OverSeeds(frame))

    @property
    def rules(self) -> list[str]:
        """The rules that were run."""
        return [rule for rule in RULES if f"exchange {rule} facts" in self.numbers.variants]

    @property
    def has_control(self) -> bool:
        return "us facts" in self.numbers.variants

    def level(self, rule: str, pipeline: str, metric: str) -> Estimate:
        return self.numbers.find(f"exchange {rule} {pipeline} test", metric)

    def invented(self, rule: str) -> Estimate:
        """What filling every order at the close adds to the unmasked model, a year."""
        return self.level(rule, "none", "phantom_close")

    def gain(self, rule: str, metric: str) -> Estimate:
        """Windows that skip masked days minus unmasked under one rule, paired."""
        return self.numbers.find(f"exchange {rule} mask_skip - {rule} none test", metric)


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says; the comparison of books before costs only where the rows have it."""
    found = Rules.of(frame)
    said = [_rule(found), _control(found), _books(found), _breaker(found), _information(found), _exit(found)]
    return [item for item in said if item is not None]


def _rule(found: Rules) -> Finding:
    limits, halts = (found.invented(rule) for rule in ("limits", "halts"))
    adds = (
        "on simulated markets, filling every order adds {limits:+.0%} a year to the unmasked model under limits alone, "
        "{halts:+.1%} under halts alone."
    )
    return outcome({
        f"What a back-test invents comes from price limits rather than halts: {adds}": limits.low > max(halts.high, 0),
        f"What a back-test invents comes from halts rather than price limits: {adds}": halts.low > max(limits.high, 0),
        f"Price limits and halts cannot be told apart by what a back-test invents: {adds}":
            limits.low <= max(halts.high, 0) and halts.low <= max(limits.high, 0),
    }, limits=limits, halts=halts)  # fmt: skip


def _books(found: Rules) -> Finding | None:
    """Masked against unmasked before costs and after them; None where the rows do not compare books."""
    limits, halts = (found.gain(rule, GROSS) for rule in ("limits", "halts"))
    if math.isnan(limits.value):
        return None
    mask = "Masking labels, orders and windows together"
    text = (
        "the Sharpe ratio over equal weight changes by {limits:+.2f} under limits alone ({net:+.2f} after costs) and "
        "by {halts:+.2f} under halts."
    )
    return outcome({
        f"{mask} pays before costs under price limits, and is not shown to pay under halts alone: {text}":
            limits.low > 0 and halts.low <= 0,
        f"{mask} pays before costs under price limits and under halts: {text}": limits.low > 0 and halts.low > 0,
        f"{mask} does not measurably pay before costs under price limits: {text}": limits.low <= 0,
    }, limits=limits, net=found.gain("limits", NET), halts=halts)  # fmt: skip


def _information(found: Rules) -> Finding:
    limits, halts = (found.gain(rule, TRUTH) for rule in ("limits", "halts"))
    text = "{limits:+.3f} under limits alone, {halts:+.3f} under halts alone"
    what = "the correlation of predictions with what can be earned"
    return outcome({
        f"A mask is shown to raise {what} only where there are price limits: {text}.":
            limits.low > 0 and halts.low <= 0,
        f"A mask raises {what} under price limits and under halts: {text}.": limits.low > 0 and halts.low > 0,
        f"A mask does not measurably raise {what} under price limits: {text}.": limits.low <= 0,
    }, limits=limits, halts=halts)  # fmt: skip


def _breaker(found: Rules) -> Finding:
    five, seven, limits = (found.invented(rule) for rule in ("breaker_5", "breaker_7", "limits"))
    trips = found.numbers.find("exchange breaker_5 facts", "tripped").value
    text = "{five:+.1%} a year with a breaker at 5 % ({trips:.0f} trips in the test span), {seven:+.1%} at 7 %"
    little = max(five.high, seven.high) < limits.low
    return outcome({
        f"A market-wide circuit breaker, which stops all stocks alike, distorts a back-test less than price limits do: "
        f"filling every order adds {text}.": little,
        f"A market-wide circuit breaker is not clearly less harmful than limits: filling every order adds {text}.":
            not little,
    }, five=five, seven=seven, trips=trips)  # fmt: skip


def _exit(found: Rules) -> Finding:
    night = found.numbers.find("exchange mask_skip exits", "overnight").times(1e4)
    who = "Under T+1, who buys at the open cannot sell at that day's close;"
    return outcome({
        f"{who} holding on to the next open earns {{night:+.0f}} basis points a purchase more.": night.low > 0,
        f"{who} holding on to the next open costs {{night:+.0f}} basis points a purchase.": night.high < 0,
        f"{who} holding on to the next open changes little: {{night:+.0f}} basis points a purchase.":
            night.low <= 0 <= night.high,
    }, night=night)  # fmt: skip


def _control(found: Rules) -> Finding | None:
    """The mask where there is nothing to mask; None without a price file."""
    if not found.has_control:
        return None
    hidden = found.numbers.find("us facts", "masked_share").value
    same = min(found.numbers.find(f"us {a} - {b} test", "identical").value for a, b in SAME_THERE)
    where = "On US stocks, a market without price limits, the mask hides {hidden:.2%} of the cells"
    return outcome({
        f"{where}, and pipelines that differ by the mask alone predict the same numbers ({{same:.0%}}).": same == 1,
        f"{where}, yet only {{same:.2%}} of the predictions are the same.": same < 1,
    }, hidden=hidden, same=same)  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures

EXAMPLES = {
    "limits": "a price limit: one stock",
    "halts": "a halt: one stock",
    "breaker": "a market-wide breaker: the index",
}


def held_back(shown: PageResult) -> HTML:
    """An example of each rule, from the first market of this build."""
    return plot(example_figure(shown.build.arrays(0), "this build, one market"))


def example_figure(arrays: Mapping[str, np.ndarray], note: str = "") -> Figure:
    """For each rule the price that the market wanted and the price printed, hollow while the rule binds."""
    import numpy as np

    from lib.paper.pages.rows import heading
    from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, styled

    there = [name for name in EXAMPLES if f"{name}.wanted" in arrays]

    @styled
    def draw() -> Figure:
        title = "A rule holds a move back; the rest comes out in the first price after it"
        figure, axes = canvas(len(there), 1.75 * len(there) + 0.6, title, note, sharex=True)
        for ax, name in zip(axes, there, strict=True):
            wanted, printed, locked = (arrays[f"{name}.{part}"] for part in ("wanted", "printed", "locked"))
            day = np.arange(len(wanted)) - AROUND
            ax.plot(day, wanted, color=GREY, zorder=1)
            ax.plot(day[~locked], printed[~locked], "o", markersize=5, color=BLUE)
            ax.plot(day[locked], printed[locked], "o", markersize=5.5, markerfacecolor="white", color=VERMILLION)
            ax.set_ylabel("price, %")
            ax.set_title(EXAMPLES[name], fontsize=9.5)
        heading(axes[0], (("wanted", GREY), ("printed", BLUE), ("printed, held back", VERMILLION)), 22)
        axes[-1].set_xlabel("session, 0 = the day of the event")
        return figure

    return draw()


def invented(shown: PageResult) -> HTML:
    """What filling every order at the close adds under each rule, and the part of limit-up purchases."""
    from lib.paper.pages.forms import forest

    found = Rules.of(shown.rows)
    limits, halts = found.invented("limits"), found.invented("halts")
    title = Finding("What a back-test invents comes from price limits rather than halts", holds=limits.low > halts.high)
    rows = {RULES[rule]: [item.times(100) for item in (found.invented(rule), found.level(rule, "none", _BOUGHT))]
            for rule in found.rules}  # fmt: skip
    return plot(forest(_wrapped(rows), title.title("What a back-test invents, by rule"),
                       "every order filled minus executed, % a year", note=f"unmasked model, no costs; {shown.note}",
                       series=("all refused orders", "purchases at a close held up")))  # fmt: skip


_BOUGHT = "phantom_close.limit_up_buys"


def _wrapped(rows: Mapping[str, list[Estimate]]) -> dict[str, list[Estimate]]:
    from lib.paper.pages.style import wrapped

    return {wrapped(label, 24): items for label, items in rows.items()}


def gains(shown: PageResult) -> HTML:
    """Masked minus unmasked by rule: the correlation with the truth, and books where the rows compare them."""
    from lib.paper.pages.forms import forest

    found = Rules.of(shown.rows)
    limits, halts = found.gain("limits", TRUTH), found.gain("halts", TRUTH)
    title = Finding("A mask makes predictions better where there are price limits",
                    holds=limits.low > max(halts.high, 0))  # fmt: skip
    rows = {RULES[rule]: [found.gain(rule, TRUTH)] for rule in found.rules}
    parts = {
        "predictions": plot(forest(_wrapped(rows), title.title("What a mask adds, by rule"),
                                   f"IC with what can be earned, masked {MINUS} unmasked", digits=4,
                                   note=shown.note))
    }  # fmt: skip
    books = {RULES[rule]: [found.gain(rule, metric) for metric in (GROSS, NET)] for rule in found.rules}
    if not all(math.isnan(items[0].value) for items in books.values()):
        pays = Finding("A mask pays where there are price limits",
                       holds=books[RULES["limits"]][0].low > max(books[RULES["halts"]][0].high, 0))  # fmt: skip
        parts["portfolios"] = plot(forest(
            _wrapped(books), pays.title("What a mask earns, by rule"),
            f"Sharpe ratio over equal weight, executed at the next open, masked {MINUS} unmasked",
            series=("before costs", "after 8 bps a side"), note=shown.note))  # fmt: skip
    return tabs(parts)


# -------------------------------------------------------------------------------------------- tables


def fact_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Rules down; how much each one holds back."""
    rows = {RULES[rule]: f"exchange {rule} facts" for rule in Rules.of(frame).rules}
    return interval_table(OverSeeds(frame), rows, FACTS, "rule").dropna(axis="columns", how="all")


def rule_table(frame: pd.DataFrame, pipeline: str) -> pd.DataFrame:
    """Rules down, measures across, for one pipeline: mean over seeds with its interval."""
    rows = {RULES[rule]: f"exchange {rule} {pipeline} test" for rule in Rules.of(frame).rules}
    return interval_table(OverSeeds(frame), rows, LEVELS, "rule").dropna(axis="columns", how="all")


def difference_table(frame: pd.DataFrame) -> pd.DataFrame:
    """What the mask changes under each rule, paired; and each rule without a mask against all of the A-share rules."""
    rules = Rules.of(frame).rules
    rows = {("masked \N{MINUS SIGN} unmasked", RULES[rule]): f"exchange {rule} mask_skip - {rule} none test"
            for rule in rules}  # fmt: skip
    rows |= {("unmasked, rule \N{MINUS SIGN} A-share rules", RULES[rule]): f"exchange {rule} none - cn none test"
             for rule in rules}  # fmt: skip
    return interval_table(OverSeeds(frame), rows, DIFFERENCES, ("difference", "rule")).dropna(axis="columns", how="all")


def exit_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean return of a purchase by the first exit allowed, and the difference, without a mask and with it."""
    rows = {NAMES[name]: f"exchange {name} exits" for name in ON_EXCHANGE}
    metrics = ("same_day_exit", "next_day_exit", "overnight", "next_day_sales")
    return interval_table(OverSeeds(frame), rows, metrics, "pipeline")


def control_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Pairs on the market without limits: how many predictions are the same, and what differs."""
    rows = {f"{NAMES[a]} {MINUS} {NAMES[b]}": f"us {a} - {b} test" for a, b in CONTROL_PAIRS}
    metrics = ("both_predict", "identical", "phantom_close", "m1_ic", "naive_close.sharpe")
    return interval_table(OverSeeds(frame), rows, metrics, "compared")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The rules without a mask and with it."""
    return pd.concat({name: rule_table(frame, name) for name in ON_EXCHANGE}, names=["pipeline", "rule"])


def rules(shown: PageResult) -> HTML:
    """How much each rule holds back."""
    heads = {"rule": "rule", "masked_share": "cells masked", "halted": "halted", "tripped": "days with a breaker",
             "market.volatility": "volatility a year"}  # fmt: skip
    formats = {"tripped": ".1f", "masked_share": ".1%", "halted": ".1%", "market.volatility": ".0%"}
    return table(fact_table(shown.rows), "other_markets_rules", columns=heads, formats=formats, caption=shown.note)


def levels(shown: PageResult) -> HTML:
    """Each pipeline under each rule, a tab for each."""
    heads = {"rule": "rule", TRUTH: "IC, what can be earned", "naive_close.sharpe": "Sharpe, all filled",
             "executed_open.sharpe": "Sharpe, executed", "refused_buys": "purchases refused a day"}  # fmt: skip
    formats: dict[str, Format] = {TRUTH: "+.3f", "refused_buys": partial(text_of, form=".1f")}
    return tabs({
        NAMES[name]: table(rule_table(shown.rows, name), f"other_markets_levels_{name}", columns=heads, formats=formats,
                           caption=f"{NAMES[name]}, after 8 bps a side; {shown.note}")
        for name in ON_EXCHANGE
    })  # fmt: skip


def differences(shown: PageResult) -> HTML:
    """Paired differences between pipelines and between rules."""
    heads = {"difference": "difference", "rule": "rule", TRUTH: "IC, what can be earned", GROSS: "active Sharpe, gross",
             NET: "active Sharpe, net"}  # fmt: skip
    return table(
        difference_table(shown.rows),
        "other_markets_differences",
        columns=heads,
        formats={TRUTH: "+.4f"},
        caption=f"active: over equal weight; net: after 8 bps a side; {shown.note}",
    )


def exits(shown: PageResult) -> HTML:
    """What a purchase earns by the first exit allowed."""
    heads = {"pipeline": "pipeline", "same_day_exit": "to the same close", "next_day_exit": "to the next open",
             "overnight": "overnight", "next_day_sales": "sold next session"}  # fmt: skip
    formats = dict.fromkeys(heads, "+.2%") | {"next_day_sales": partial(text_of, form=".0%")}
    del formats["pipeline"]
    return table(exit_table(shown.rows), "other_markets_exits", columns=heads, formats=formats,
                 caption=f"mean return of a purchase at the open; {shown.note}")  # fmt: skip


def control(shown: PageResult) -> HTML:
    """The market without limits, where a price file was given."""
    if not Rules.of(shown.rows).has_control:
        return html("<p>No file of a market without limits was given (<code>us_path</code>).</p>")
    heads = {"compared": "compared", "both_predict": "both predict", "identical": "same number", "m1_ic": "IC",
             "naive_close.sharpe": "Sharpe, all filled"}  # fmt: skip
    return table(control_table(shown.rows), "other_markets_control", columns=heads,
                 formats={"both_predict": ".1%", "identical": ".1%"},
                 caption="US stocks, 95 % intervals over days")  # fmt: skip
