"""The page "regimes": what filling every order adds, and what masks gain, in a bear market, calm days and a rally."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pandas as pd

from lib.evaluation.scripted import PIPELINE_NAMES, PIPELINES
from lib.paper.claims import Answer
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered, level_answer, markets_behind
from lib.paper.pages.findings import Finding, outcome
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.tables import text_of
from lib.stats.estimates import MINUS, Estimate
from lib.stats.over_seeds import OneMarket, OverSeeds, interval_table, sources_of
from lib.studies.regimes.measure import AGAINST, DIFFERENCES, LEVELS, PAIRS, PERIODS, RATES

if TYPE_CHECKING:
    import numpy as np
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

QUESTION = (
    "Price limits bind in a panic or in a rush. Does filling every order distort a back-test most in such markets, and "
    "does a mask gain most there?"
)
ADVICE = (
    "Report back-tests by regime: orders that could not have been filled hide in the days on which limits bind.",
    "Judge a mask before costs and beside its turnover. After costs, a pipeline that hardly trades looks better.",
    "Refuse purchases at limit-up in the simulator, also when the market falls.",
)
REGIMES = {"bear": "bear regime", "calm": "calm days", "rally": "rally"}
MARKETS = {
    "real_rates": "simulated, CSI 300 limit rates",
    "paper_rates": "simulated, papers' limit rates",
    "csi300": "CSI 300 members",
}
#: (left, right) of a paired difference -> what is compared
COMPARED = {
    ("mask_paper", "none"): "strict windows, the papers' mask, against unmasked",
    ("row_deletion", "none"): "rows deleted against unmasked",
    ("mask_skip", "none"): "windows skip masked days against unmasked",
    ("mask_skip", "row_deletion"): "windows skip masked days against rows deleted",
}
#: the papers' mask is judged on the first, the second stands beside it
GROSS, NET = "executed_open.active_sharpe_gross", "executed_open.active_sharpe"


@dataclass(frozen=True)
class Regimes(OneMarket):
    """The numbers of one market, simulated or from a price file."""

    @property
    def title(self) -> str:
        """What readers call the market."""
        return MARKETS.get(self.source, self.source)

    @property
    def groups(self) -> list[str]:
        """Regimes, and periods of a price file, in the order of the frame."""
        head = f"{self.source} market "
        return [name.removeprefix(head) for name in self.numbers.variants if name.startswith(head)]

    def name_of(self, group: str) -> str:
        """A regime of the script, a regime of the rule, or a period, in words."""
        if group not in REGIMES:
            return f"{group}, the papers' period"
        return REGIMES[group] if self.source in RATES else f"{REGIMES[group]}, by the rule"

    def market(self, group: str, metric: str) -> Estimate:
        return self.numbers.find(f"{self.source} market {group}", metric)

    def level(self, pipeline: str, group: str, metric: str) -> Estimate:
        return self.numbers.find(f"{self.source} {pipeline} {group}", metric)

    def difference(self, pair: tuple[str, str], group: str, metric: str = GROSS) -> Estimate:
        """left minus right on the days of one regime; with "bear - calm", how that differs between two."""
        return self.level(f"{pair[0]} - {pair[1]}", group, metric)

    def invented(self, group: str) -> Estimate:
        """What filling every order at the close adds for the unmasked model, a year; tested against zero."""
        return self.numbers.tested(f"{self.source} none {group}", "phantom_close")

    @property
    def binds(self) -> bool:
        """Whether filling every order adds more where limits bind than in calm days."""
        bear, calm, rally = (self.invented(name) for name in REGIMES)
        return bear.low > calm.high and rally.low > calm.high


def markets(frame: pd.DataFrame) -> list[Regimes]:
    """Every market, the simulated ones first."""
    return [Regimes.of(frame, name) for name in sorted(sources_of(frame), key=lambda name: name not in RATES)]


def exchange(frame: pd.DataFrame) -> Regimes:
    """The simulated market that the findings are about: the first calibration that was run."""
    return markets(frame)[0]


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says, of the first simulated market, and of a price file where there is one."""
    found = exchange(frame)
    return [_fills(found), *_real(frame), _largest(found), _costs(found), _windows(found), _refusals(found)]


def _fills(found: Regimes) -> Finding:
    bear, calm, rally = (found.invented(name) for name in REGIMES)
    lowest = min(bear.low, calm.low, rally.low)
    where = "{bear:+.0%} a year in the bear regime, {rally:+.0%} in the rally and {calm:+.0%} in calm days."
    adds = "On simulated markets, filling every order at the close adds returns that nobody could earn"
    return outcome({
        f"{adds}, and most where limits bind: for the unmasked model {where}": found.binds,
        f"{adds} in every regime, but not clearly more where limits bind: for the unmasked model {where}": lowest > 0,
        f"Filling every order at the close does not measurably add returns in every regime: {where}": lowest <= 0,
    }, bear=bear, calm=calm, rally=rally)  # fmt: skip


def _largest(found: Regimes) -> Finding:
    calm, rally = (found.difference(("mask_paper", "none"), f"{a} - {b}") for a, b in AGAINST)
    largest, smaller = min(calm.low, rally.low) > 0, min(calm.high, rally.high) < 0
    apart = (
        "before costs, its gain in active Sharpe ratio there differs from that in calm days by {calm:+.2f}, and from "
        "that in the rally by {rally:+.2f}."
    )
    return outcome({
        f"The papers' mask gains most in the bear regime, as they say: {apart}": largest,
        f"The papers' mask does not gain most in the bear regime: {apart}": smaller,
        f"It is not shown that the papers' mask gains most in the bear regime: {apart}": not largest and not smaller,
    }, calm=calm, rally=rally)  # fmt: skip


def _costs(found: Regimes) -> Finding:
    pair = ("mask_paper", "none")
    gross, net = (found.difference(pair, "bear", metric) for metric in (GROSS, NET))
    here, there = (found.level(name, "bear", "executed_open.turnover").value for name in pair)
    anywhere = any(found.difference(pair, name).low > 0 for name in REGIMES)
    saved = not anywhere and net.low > 0 and here < there
    books = "with {here:.0%} of the book traded a day instead of {there:.0%}."
    return outcome({
        "What the papers' mask gains is costs that it does not pay. Before costs it raises the Sharpe ratio over equal "
        "weight measurably in no regime ({gross:+.2f} in the bear regime); after 8 bps a side it does there "
        "({net:+.2f}), " + books: saved,
        "The papers' mask raises the active Sharpe ratio in the bear regime before costs, by {gross:+.2f}; after 8 bps "
        "a side the difference is {net:+.2f}, " + books: gross.low > 0,
        "In the bear regime the papers' mask changes the active Sharpe ratio by {gross:+.2f} before costs, not "
        "measurably upwards, and by {net:+.2f} after 8 bps a side, " + books: gross.low <= 0 and not saved,
    }, gross=gross, net=net, here=here, there=there)  # fmt: skip


def _windows(found: Regimes) -> Finding:
    bear, calm = (found.difference(("row_deletion", "none"), name) for name in ("bear", "calm"))
    skipped = [found.difference(("mask_skip", "row_deletion"), name) for name in REGIMES]
    helped, more = min(bear.low, calm.low) > 0, any(item.low > 0 for item in skipped)
    rows = (
        "Deleting untradable rows raises the active Sharpe ratio before costs, by {bear:+.2f} in the bear regime and "
        "by {calm:+.2f} in calm days. Windows that skip masked days as well"
    )
    return outcome({
        rows + " add nothing measurable in any regime ({windows:+.2f} in the bear regime).": helped and not more,
        rows + " raise it further in at least one regime ({windows:+.2f} in the bear regime).": helped and more,
        "Deleting untradable rows does not measurably raise the active Sharpe ratio before costs in both the bear "
        "regime ({bear:+.2f}) and calm days ({calm:+.2f}); windows that skip masked days as well change it by "
        "{windows:+.2f} in the bear regime.": not helped,
    }, bear=bear, calm=calm, windows=found.difference(("mask_skip", "row_deletion"), "bear"))  # fmt: skip


def _refusals(found: Regimes) -> Finding:
    """The papers' mechanism is a sale refused at limit-down; the other one is a purchase refused at limit-up."""
    sells, buys = (found.numbers.tested(f"{found.source} none bear", f"refused_{side}") for side in ("sells", "buys"))
    up, down = buys.low > sells.high, sells.low > buys.high
    return outcome({
        "Purchases refused at limit-up matter more than sales refused at limit-down, even in the bear regime: "
        "{buys:.1f} against {sells:.1f} a day for the unmasked model.": up,
        "In the bear regime sales refused at limit-down matter more, as the papers say: {sells:.1f} a day against "
        "{buys:.1f} purchases refused at limit-up, for the unmasked model.": down,
        "In the bear regime the unmasked model has {sells:.1f} sales a day refused at limit-down and {buys:.1f} "
        "purchases at limit-up; neither is clearly more.": not up and not down,
    }, sells=sells, buys=buys)  # fmt: skip


def _real(frame: pd.DataFrame) -> list[Finding]:
    """A price file in the papers' bear period, where it holds that period."""
    period, *_ = PERIODS
    found = next((item for item in markets(frame) if item.source not in RATES and period in item.groups), None)
    if found is None:
        return []
    adds, rate = found.invented(period), found.market(period, "limit_rate").value
    text = (
        "On {market}, in the papers' own bear period of 2022, {rate:.1%} of the closes are at a limit and filling "
        "every order adds {adds:+.1%} a year"
    )
    less = adds.low > 0 and adds.high < exchange(frame).invented("bear").low
    return [outcome({f"{text}: measurable, and far less than on the simulated market.": less, f"{text}.": True},
                    market=found.title, adds=adds, rate=rate)]  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


def _note(shown: PageResult, found: Regimes) -> str:
    return f"{found.title}; {shown.note}" if found.source in RATES else f"{found.title}, 95 % intervals over days"


# ------------------------------------------------------------------------------------------- figures


SHADES = {"bear": "#FBE3D6", "calm": "#F4F4F4", "rally": "#DCEFE7"}
LABELS = ("index, equal\nweight, start 1", "closes at\na limit, %", "filled minus\nexecuted, %, sum")


def one_market(shown: PageResult) -> HTML:
    """One market of this build through its regimes: the index, closes at a limit, what refused orders add up to."""
    return plot(market_figure(shown.build.arrays(0), "this build, one market; unmasked model, no costs"))


def market_figure(arrays: Mapping[str, np.ndarray], note: str = "") -> Figure:
    """Index, share of closes at a limit, and the running sum of what filling every order adds, by session."""
    import numpy as np

    from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, end_labels, styled

    @styled
    def draw() -> Figure:
        title = "One simulated market: closes at a limit, and what orders add that could not be filled"
        figure, axes = canvas(3, 5.2, title, note, sharex=True)
        total, part = 100 * arrays["phantom"], 100 * arrays["limit_up_buys"]
        days = np.arange(len(total))
        axes[0].plot(days, arrays["index"], color=GREY)
        axes[1].fill_between(days, 100 * arrays["limit_rate"], color=VERMILLION, linewidth=0)
        for values, color in ((total, VERMILLION), (part, BLUE)):
            axes[2].plot(days, values, color=color)
        edges = np.flatnonzero(arrays["regime"][1:] != arrays["regime"][:-1]) + 1
        for start, stop in pairwise([0, *edges.tolist(), len(days)]):
            name = str(arrays["regime"][start])
            for ax in axes:
                ax.axvspan(start, stop, color=SHADES[name], linewidth=0, zorder=0)
            axes[0].annotate(name, ((start + stop) / 2, 1.02), xycoords=axes[0].get_xaxis_transform(), ha="center")
        for ax, label in zip(axes, LABELS, strict=True):
            ax.set_xlim(0, len(days))
            ax.set_ylabel(label)
        names = (("all refused\norders", total[-1], VERMILLION), ("limit-up\npurchases", part[-1], BLUE))
        end_labels(axes[2], len(total), names)
        axes[2].set_xlabel("session of the test span")
        return figure

    return draw()


def invented(shown: PageResult) -> HTML:
    """What filling every order adds for the unmasked model, by regime; the part of limit-up purchases beside it."""
    from lib.paper.pages.forms import forest

    title = "Orders that could not be filled add most where limits bind"
    neutral = "What filling every order adds, by regime"

    def picture(found: Regimes) -> HTML:
        rows, right = {}, {}
        for group in found.groups:
            label = found.name_of(group).replace(", ", ",\n")
            bought = found.level("none", group, "phantom_close.limit_up_buys")
            rows[label] = [found.invented(group).times(100), bought.times(100)]
            right[label] = f"{found.market(group, 'limit_rate').value:.1%}"
        return plot(forest(rows, title if found.binds else neutral, "every order filled minus executed, % a year",
                           series=("all refused orders", "limit-up purchases"), right=right, right_head="at a limit",
                           note=f"unmasked model, no costs; {_note(shown, found)}"))  # fmt: skip

    return tabs({found.title: picture(found) for found in markets(shown.rows)})


def sharpe_ratios(shown: PageResult) -> HTML:
    """Sharpe ratio of each pipeline, every order filled and as executed, a tab for each regime."""
    from lib.paper.pages.forms import forest
    from lib.paper.pages.style import wrapped

    found, metrics = exchange(shown.rows), ("naive_close.sharpe", "executed_open.sharpe")

    def picture(regime: str) -> HTML:
        text = "Unmasked, the Sharpe ratio with every order filled cannot be earned"
        title = Finding(text, holds=found.invented(regime).low > 0).title("Sharpe ratio by pipeline")
        names = {name: wrapped(PIPELINE_NAMES[name], 22) for name in PIPELINES}
        rows = {names[name]: [found.level(name, regime, metric) for metric in metrics] for name in PIPELINES}
        series = ("every order filled, close", "executed, next open")
        return plot(forest(rows, f"{title}: {REGIMES[regime]}", "Sharpe ratio a year", series=series,
                           note=_note(shown, found)))  # fmt: skip

    return tabs({REGIMES[regime]: picture(regime) for regime in REGIMES})


def gains(shown: PageResult) -> HTML:
    """Paired differences by regime and between regimes, before and after costs, a tab for each comparison."""
    from lib.paper.pages.forms import forest

    found = exchange(shown.rows)
    labels = REGIMES | {f"{a} - {b}": f"{a} {MINUS} {b}" for a, b in AGAINST}

    def picture(pair: tuple[str, str]) -> HTML:
        gross, net = ([found.difference(pair, name, metric) for name in REGIMES] for metric in (GROSS, NET))
        before, after = ([item.low > 0 for item in items] for items in (gross, net))
        said = outcome({
            "A gain before costs in every regime": all(before),
            "A gain before costs in some regimes": any(before),
            "A gain after costs, none before": all(after) and not any(before),
            "No measurable gain before costs": not any(before),
        })  # fmt: skip
        rows = {text: [found.difference(pair, name, m) for m in (GROSS, NET)] for name, text in labels.items()}
        return plot(forest(rows, f"{said.title('Difference by regime')}: {COMPARED[pair]}",
                           "difference in active Sharpe ratio, executed at the next open",
                           series=("before costs", "after 8 bps a side"), note=_note(shown, found)))  # fmt: skip

    return tabs({text: picture(pair) for pair, text in COMPARED.items()})


# -------------------------------------------------------------------------------------------- tables


def level_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Regimes and pipelines down, measures across, for one market: mean over seeds with its interval."""
    found = Regimes.of(frame, source)
    rows = {(found.name_of(group), PIPELINE_NAMES[name]): f"{source} {name} {group}"
            for group in found.groups for name in PIPELINES}  # fmt: skip
    return interval_table(found.numbers, rows, LEVELS, ("regime", "pipeline"))


def difference_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Paired differences by regime, and how they differ between regimes."""
    found = Regimes.of(frame, source)
    names = {group: found.name_of(group) for group in found.groups}
    names |= {f"{a} - {b}": f"{a} {MINUS} {b}" for a in found.groups for b in found.groups if a != b}
    rows = {(COMPARED[pair], text): f"{source} {pair[0]} - {pair[1]} {group}"
            for pair in PAIRS for group, text in names.items()}  # fmt: skip
    return interval_table(found.numbers, rows, DIFFERENCES, ("compared", "regime")).reset_index()


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The levels of every market under each other."""
    return pd.concat({name: level_table(frame, name) for name in sources_of(frame)}, names=["market"])


def facts(shown: PageResult) -> HTML:
    """How often limits bind, what is masked and what the market did, by market and regime."""
    shares = {
        "limit_rate": "closes at a limit",
        "masked_share": "cells masked",
        "market.volatility": "volatility a year",
    }
    metrics = ("sessions", *shares, "limit_up", "limit_down", "halted")
    rows = {(item.title, item.name_of(group)): f"{item.source} market {group}"
            for item in markets(shown.rows) for group in item.groups}  # fmt: skip
    whole = interval_table(OverSeeds(shown.rows), rows, metrics, ("market", "regime")).reset_index()
    heads = {"market": "market", "regime": "regime"} | shares
    return table(whole, "regimes_markets", columns=heads, formats={"sessions": ".0f"} | dict.fromkeys(shares, ".1%"),
                 caption=f"how often limits bind; {shown.note}")  # fmt: skip


def levels(shown: PageResult) -> HTML:
    """The pipelines by regime, a tab for each market."""

    def rows(found: Regimes) -> HTML:
        information, what = ("truth_ic", "what can be earned") if found.source in RATES else ("m1_ic", "buyable cells")
        heads = {"regime": "regime", "pipeline": "pipeline", "naive_close.sharpe": "Sharpe ratio, every order filled",
                 "executed_open.sharpe": "Sharpe ratio, executed", information: f"IC, {what}",
                 "executed_open.turnover": "turnover a day"}  # fmt: skip
        formats = {"executed_open.turnover": partial(text_of, form=".0%"), information: partial(text_of, form="+.3f")}
        return table(level_table(shown.rows, found.source), f"regimes_levels_{found.source}", columns=heads,
                     formats=formats, caption=_note(shown, found))  # fmt: skip

    return tabs({found.title: rows(found) for found in markets(shown.rows)})


def differences(shown: PageResult) -> HTML:
    """Paired differences by regime and between regimes, a tab for each market."""
    heads = {"compared": "compared", "regime": "regime", GROSS: "Sharpe ratio over equal weight, before costs",
             "executed_open.annual_gross": "return a year, before costs", NET: "Sharpe ratio, after 8 bps a side"}
    return tabs({
        found.title: table(difference_table(shown.rows, found.source), f"regimes_differences_{found.source}",
                           columns=heads, formats={"executed_open.annual_gross": "+.1%"}, caption=_note(shown, found))
        for found in markets(shown.rows)
    })  # fmt: skip


# -------------------------------------------------------------------------------------------- claims

#: the papers' regime -> ours, and their period
PAPER_REGIMES = {"bear": ("bear", "2022 Q1-Q3"), "sideways": ("calm", "2023"), "bull": ("rally", "2024 H1")}
#: metric of a claim -> (our metric, factor to the claim's unit), for the pipeline of the papers
_CLAIMED = {"sharpe": ("naive_close.sharpe", 1.0), "max_drawdown": ("naive_close.max_drawdown", 100.0)}
CALIBRATED = "how often limits bind on the simulated market is a choice of ours: it is calibrated"
VOLATILE = "B.regime.mask_matters_most_in_volatile"
CLAIM_IDS = (
    *(f"B.regime.{regime}.{metric}" for regime in PAPER_REGIMES for metric in (*_CLAIMED, "limit_rate")), VOLATILE,
)  # fmt: skip


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Levels on the papers' own periods where a price file was given, else simulated; the order on simulated markets.

    Another universe, fewer factors, ridge and an equal-weight portfolio: the setting is different. Sharpe ratio and
    drawdown are the papers' own back-test, in which every order fills at the close. The limit rates of the simulated
    market answer nothing, because they are calibrated; `limit_events` counts those of a file.
    """
    found, there = OverSeeds(frame), sources_of(frame)
    real = next((source for source in there if source not in RATES), None)
    simulated = next((source for source in RATES if source in there), None)
    answers = []
    for theirs, (regime, period) in PAPER_REGIMES.items():
        for claimed, (metric, unit) in _CLAIMED.items():
            item = answered(found, f"{real} mask_paper {period}", metric, "level", unit)
            note = f"CSI 300 members, {period}"
            if not item:
                item = answered(found, f"{simulated} mask_paper {regime}", metric, "level", unit)
                note = f"simulated market, scripted {regime} regime"
            note = f"{note}: mask_paper, {metric}"
            answers += level_answer(f"B.regime.{theirs}.{claimed}", item, note, "regimes")
        rate = answered(found, f"{simulated} market {regime}", "limit_rate", "level", 100.0)
        note = f"simulated market, scripted {regime} regime: limit_rate"
        answers += level_answer(f"B.regime.{theirs}.limit_rate", rate, note, "regimes", CALIBRATED)
    return answers + (_order(found, simulated) if simulated else [])


def _order(found: OverSeeds, source: str) -> list[Answer]:
    """The benefit of the mask is largest in the bear regime: it exceeds that in each of the other two.

    Gross of costs: what a mask saves by trading less is no benefit of masking.
    """
    variants = [f"{source} mask_paper - none {a} - {b}" for a, b in AGAINST]
    parts, net = ([found.find(variant, metric) for variant in variants] for metric in (GROSS, NET))
    if any(math.isnan(part.low) for part in parts):
        return []
    note = (
        "mask_paper - none, active Sharpe ratio gross of costs, executed at the next open: bear minus calm, bear minus "
        f"rally; net of costs {' and '.join(item.text() for item in net)}"
    )
    ends = [(part.value, part.low, part.high) for part in parts]
    behind = markets_behind(found, [(variant, GROSS) for variant in variants])
    return [Answer(VOLATILE, note=note, page="regimes", parts=ends, markets=behind)]
