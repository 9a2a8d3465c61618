"""The page "own_setting_mask": can the papers' own panel give the numbers of their mask ablation?

Every contrast of books stands gross of costs before net. A sign counts only when the 95 % interval of the mean over
markets excludes zero.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.market.gbm import YEAR
from lib.paper.claims import Answer
from lib.paper.pages import html, plot, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.picker import picker
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import ENOUGH_SEEDS, OverSeeds, seed_values
from lib.studies.own_setting_mask.measure import AGAINST_MARKET, ALL, EXPLAINED, LEARNERS, NAMES, STEPS
from lib.studies.own_setting_mask.numbers import (
    ANSWERED_POLICY,
    APPENDIX,
    COLUMNS,
    COST_BPS,
    GROSS,
    NET,
    PAPER_MASKS,
    POLICIES,
    SAVED,
    OwnSetting,
    books_table,
    claimed_step,
    conditions_table,
    differences_table,
    floor_volatility,
    implied_volatility,
    learners_of,
    matched_table,
    paper_level,
    papers_table,
    ratio_of_means,
    volatility_table,
)
from lib.studies.own_setting_mask.scores import COSTS_BPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

INFLATION = "B.mask.ic_inflation"
CLAIM_IDS = (*(f"{APPENDIX}.{mask}.{column}" for mask in PAPER_MASKS for column in COLUMNS), INFLATION)
QUESTION = (
    "Paper B reports Sharpe ratios of 1.61 without a mask, 1.74 with halts masked and 2.05 with everything masked, on "
    "its synthetic panel. Can that panel give these numbers?"
)
ADVICE = (
    "Say what happens to a name without a prediction: it changes how much is traded.",
    "Treat a mask that intersects many factors as a trading rule, because it decides which names may be traded. Show "
    "results before costs beside those after them, and the turnover.",
    "Divide the return in a table by its Sharpe ratio, and ask whether the market has that volatility.",
)
TITLES = {"ridge": "ridge", "lightgbm": "LightGBM", "mlp": "MLP"}


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says, by the first learner that was run, with every factor."""
    learners = learners_of(frame)
    found = OwnSetting.of(frame, learners[0] if learners else LEARNERS[0])
    return [whole(found), predictability(found), last_step(found), without_information(found), by_costs_alone(found),
            policies(found), one_market(found)]  # fmt: skip


def whole(found: OwnSetting, policy: str = ANSWERED_POLICY) -> Finding:
    """The full mask minus no mask: before costs, then after them."""
    gross, net = (found.step("full", "none", f"{policy}.{metric}") for metric in (GROSS, NET))
    traded = found.step("full", "none", f"{policy}.turnover")
    both: dict[str, Any] = {"gross": gross, "net": net}
    return first([
        Finding(
            "Before costs the full mask and no mask cannot be told apart (difference in Sharpe ratio {gross:+.2f}). "
            f"After {COST_BPS} bps a side the masked book (equal weights) is ahead by {{net:+.2f}}: it trades less.",
            **both, holds=gross.low <= 0 <= gross.high and net.low > 0 > traded.value,
        ),
        Finding(
            "The full mask earns nothing: its Sharpe ratio differs from that without a mask by {gross:+.2f} before "
            f"costs and by {{net:+.2f}} after {COST_BPS} bps a side.",
            **both, holds=gross.low <= 0 <= gross.high and net.low <= 0 <= net.high,
        ),
        Finding(
            "Before costs the full mask and no mask cannot be told apart (difference in Sharpe ratio {gross:+.2f}). "
            f"After {COST_BPS} bps a side the masked book (equal weights) is behind by {{net:+.2f}}: it trades more.",
            **both, holds=gross.low <= 0 <= gross.high and net.high < 0 < traded.value,
        ),
        Finding(
            "The full mask raises the Sharpe ratio by {gross:+.2f} before costs and changes it by {net:+.2f} after "
            f"{COST_BPS} bps a side.",
            **both, holds=gross.low > 0 and not math.isnan(net.value),
        ),
        Finding(
            "The full mask lowers the Sharpe ratio by {less:.2f} before costs and changes it by {net:+.2f} after "
            f"{COST_BPS} bps a side.",
            less=gross.against, net=net, holds=gross.high < 0,
        ),
        Finding(
            "So few markets give no interval: the full mask minus no mask is {gross:+.2f} in Sharpe ratio before costs "
            f"and {{net:+.2f}} after {COST_BPS} bps a side.",
            **both, holds=math.isnan(gross.low),
        ),
    ])  # fmt: skip


def by_costs_alone(found: OwnSetting) -> Finding:
    """The lower turnover that would give the papers' step by costs alone, beside the most that the mask gives."""
    ours = found.level("full", f"{ANSWERED_POLICY}.0bps.annual_volatility").value
    claimed = claimed_step("full", "none")
    needed = claimed * ours / (YEAR * COST_BPS * 1e-4)
    less = {policy: found.step("full", "none", f"{policy}.turnover").against for policy in POLICIES}
    most = max(less, key=lambda policy: less[policy].value)
    numbers: dict[str, Any] = {"claimed": claimed, "needed": needed, "less": less[most], "policy": POLICIES[most]}
    return first([
        Finding(
            "Lower costs alone cannot give the paper's net difference of {claimed:+.2f} here: they would need "
            "{needed:.0%} of the book less traded a day. The full mask saves {less:.0%} at most, where a name without "
            "a prediction is {policy}.",
            **numbers, holds=less[most].value < needed,
        ),
        Finding(
            "Lower costs alone can give the paper's net difference of {claimed:+.2f} here: they need {needed:.0%} of "
            "the book less traded a day. The full mask saves {less:.0%} where a name without a prediction is "
            "{policy}.",
            **numbers, holds=less[most].value >= needed,
        ),
    ])  # fmt: skip


def policies(found: OwnSetting) -> Finding:
    """Whether the answer to what happens to a name without a prediction moves the net difference."""
    nets = {policy: found.step("full", "none", f"{policy}.{NET}") for policy in POLICIES}
    low, high = (end(nets, key=lambda policy: nets[policy].value) for end in (min, max))
    numbers: dict[str, Any] = {
        "most": nets[high], "best": POLICIES[high], "least": nets[low], "worst": POLICIES[low],
    }  # fmt: skip
    return first([
        Finding(
            "What happens to a name without a prediction decides the net result: the full mask changes the Sharpe "
            "ratio by {most:+.2f} where the name is {best}, and by {least:+.2f} where it is {worst}.",
            **numbers, holds=nets[high].low > nets[low].high,
        ),
        Finding(
            "What happens to a name without a prediction does not clearly change the net result: the full mask adds "
            "{most:+.2f} of Sharpe ratio where the name is {best}, {least:+.2f} where it is {worst}.",
            **numbers, holds=nets[high].low <= nets[low].high,
        ),
    ])  # fmt: skip


def without_information(found: OwnSetting, policy: str = ANSWERED_POLICY) -> Finding:
    """The full mask beside a mask of another stock's gaps: net of costs, and before them."""
    control, rest = (found.step(*pair, f"{policy}.{NET}")
                     for pair in (("frozen elsewhere", "none"), ("full", "frozen elsewhere")))  # fmt: skip
    gross = found.step("full", "frozen elsewhere", f"{policy}.{GROSS}")
    numbers: dict[str, Any] = {"control": control, "gross": gross, "rest": rest}
    return first([
        Finding(
            "A mask without information does as much: hiding predictions by the gaps of another stock changes the net "
            "Sharpe ratio by {control:+.2f}. The full mask differs from it by {gross:+.2f} before costs and, not told "
            "from zero, by {rest:+.2f} after them.",
            **numbers, holds=rest.low <= 0 <= rest.high,
        ),
        Finding(
            "The full mask does more than a mask without information: the gaps of another stock change the net Sharpe "
            "ratio by {control:+.2f}, and the full mask is above this control by {gross:+.2f} before costs and "
            "{rest:+.2f} after them.",
            **numbers, holds=rest.low > 0,
        ),
        Finding(
            "The full mask does less than a mask without information: the gaps of another stock change the net Sharpe "
            "ratio by {control:+.2f}, and the full mask minus this control is {gross:+.2f} before costs and "
            "{rest:+.2f} after them.",
            **numbers, holds=rest.high < 0,
        ),
    ])  # fmt: skip


def last_step(found: OwnSetting) -> Finding:
    """What the step from halts to the full mask has to work with."""
    gross, net, apart = (found.step("full", "halt", f"{ANSWERED_POLICY}.{metric}")
                         for metric in (GROSS, NET, "weight apart"))  # fmt: skip
    numbers: dict[str, Any] = {
        "cells": found.step("full", "halt", "cells masked by one only").value, "apart": apart.value, "gross": gross,
        "net": net, "claimed": claimed_step("full", "halt"),
    }  # fmt: skip
    return first([
        Finding(
            "The paper's largest step, from halts to the full mask ({claimed:+.2f}), hides {cells:.0f} more cells a "
            "market and moves {apart:.1%} of the book a day here. It changes the Sharpe ratio by {gross:+.3f} before "
            "costs and {net:+.3f} after them.",
            **numbers, holds=net.low <= 0 <= net.high,
        ),
        Finding(
            "The step from halts to the full mask hides {cells:.0f} more cells a market, moves {apart:.1%} of the book "
            "a day and raises the net Sharpe ratio by {net:+.3f} ({gross:+.3f} before costs); the paper has "
            "{claimed:+.2f}.",
            **numbers, holds=net.low > 0,
        ),
        Finding(
            "The step from halts to the full mask hides {cells:.0f} more cells a market, moves {apart:.1%} of the book "
            "a day and lowers the net Sharpe ratio ({net:+.3f}; {gross:+.3f} before costs); the paper has "
            "{claimed:+.2f}.",
            **numbers, holds=net.high < 0,
        ),
    ])  # fmt: skip


def one_market(found: OwnSetting, policy: str = ANSWERED_POLICY) -> Finding:
    """The papers' difference against that of one further market, such as theirs."""
    one = found.one_market("full", "none", f"{policy}.{NET}")
    claimed = claimed_step("full", "none")
    numbers: dict[str, Any] = {"claimed": claimed, "low": one.low, "high": one.high}
    return first([
        Finding(
            "A single panel cannot show what a mask is worth: the paper's net difference of {claimed:+.2f} lies inside "
            "{low:+.2f} to {high:+.2f}, where one further panel of this kind would land by chance (95 %).",
            **numbers, holds=one.low <= claimed <= one.high,
        ),
        Finding(
            "The paper's net difference of {claimed:+.2f} lies outside {low:+.2f} to {high:+.2f}, where one further "
            "market of its generator would land.",
            **numbers, holds=not one.low <= claimed <= one.high,
        ),
    ])  # fmt: skip


def predictability(found: OwnSetting) -> Finding:
    """What can be predicted, without a mask and under the full one, beside the papers' ICs."""
    none, full = (found.level(mask, "apparent_ic") for mask in ("none", "full"))
    numbers: dict[str, Any] = {"none": none, "full": full} | {
        f"paper_{mask}": paper_level(mask, "apparent_ic") for mask in ("none", "full")
    }
    nothing = all(item.low <= 0 <= item.high for item in (none, full))
    return first([
        Finding(
            "Nothing can be predicted in this panel: the IC over all cells is {none:+.4f} without a mask and "
            "{full:+.4f} under the full mask. The paper has {paper_none:.3f} and {paper_full:.3f}.",
            **numbers, holds=nothing,
        ),
        Finding(
            "The IC over all cells is {none:+.4f} without a mask and {full:+.4f} under the full mask, not both zero. "
            "The paper has {paper_none:.3f} and {paper_full:.3f}.",
            **numbers, holds=not nothing and not math.isnan(none.low) and not math.isnan(full.low),
        ),
    ])  # fmt: skip


def volatility(found: OwnSetting) -> Finding:
    """The volatility that the papers' numbers imply against the least that a fully invested book of this panel has."""
    implied = [implied_volatility(mask) for mask in NAMES]
    ours = found.level("full", f"{ANSWERED_POLICY}.0bps.annual_volatility").times(100).value
    floor = floor_volatility()
    numbers: dict[str, Any] = {"least": min(implied), "most": max(implied), "floor": floor, "ours": ours}
    return first([
        Finding(
            "The paper's returns and Sharpe ratios imply a volatility of {least:.1f} to {most:.1f} % a year. No fully "
            "invested book of this panel can have that: every stock carries the one factor, {floor:.1f} % a year, and "
            "ours has {ours:.1f} %.",
            **numbers, holds=max(implied) < floor <= ours,
        ),
        Finding(
            "The paper's returns and Sharpe ratios imply a volatility of {least:.1f} to {most:.1f} % a year. The one "
            "factor that every stock carries has {floor:.1f} %, and our book {ours:.1f} %.",
            **numbers, holds=not max(implied) < floor <= ours,
        ),
    ])  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice; with too few markets for an interval, only the sentences that need none."""
    found = [item for item in findings(shown.rows) if item.holds or shown.count >= ENOUGH_SEEDS]
    return opening(shown, QUESTION, found, ADVICE)


def said(shown: PageResult, *makers: Callable[[OwnSetting], Finding]) -> HTML:
    """Sentences between figures, by the first learner."""
    found = OwnSetting.of(shown.rows, learners_of(shown.rows)[0])
    return html("".join(f"<p>{escape(make(found).text)}</p>" for make in makers))


# ------------------------------------------------------------------------------------------- figures


def masked_minus_unmasked(shown: PageResult) -> HTML:
    """Full mask minus no mask in Sharpe ratio, by what happens to a name without a prediction, for learner and cost."""
    from lib.paper.pages.forms import forest, one_axis
    from lib.paper.pages.style import BLUE, GREEN, GREY, VERMILLION

    def picture(learner: str, bps: int) -> HTML:
        found = OwnSetting.of(shown.rows, learner)
        parts = {"before costs": GROSS, "costs saved": f"{bps}bps.saved_sharpe", "after costs": f"{bps}bps.sharpe"}
        rows = {text.replace(" it has", "\nit has").replace(" with", "\nwith"): [
            found.step("full", "none", f"{policy}.{metric}") for metric in parts.values()
        ] for policy, text in POLICIES.items()}  # fmt: skip
        neutral = "Full mask minus no mask, by what happens to a name without a prediction"
        title = policies(found).title(neutral) if bps == COST_BPS else neutral
        unit = f"difference in annual Sharpe ratio; costs of {bps} bps a side"
        figure = forest(rows, title, unit, series=list(parts), colors=(BLUE, GREEN, GREY), note=shown.note)
        axes, claimed = one_axis(figure), claimed_step("full", "none")
        axes.axvline(claimed, color=VERMILLION, linewidth=0.9, linestyle=":", zorder=0)
        axes.annotate("paper B", (claimed, 0), xycoords=axes.get_xaxis_transform(), xytext=(3, 3),
                      textcoords="offset points", color=VERMILLION, va="bottom")  # fmt: skip
        return plot(figure)

    costs = COSTS_BPS[:0:-1]
    return by_learner(shown, lambda who: picker("costs, bps a side", {f"{bps}": picture(who, bps) for bps in costs}))


def by_learner(shown: PageResult, make: Callable[[str], HTML]) -> HTML:
    return tabs({TITLES[learner]: make(learner) for learner in learners_of(shown.rows)})


# -------------------------------------------------------------------------------------------- tables

WITHOUT = {"without a prediction": "without a prediction"}
SHARPES = {GROSS: "before costs", SAVED: "costs saved", NET: "after costs", "turnover": "turnover a day"}
FORMATS = dict.fromkeys((GROSS, SAVED, NET), "+.2f") | {"turnover": "+.0%", "papers": "+.2f", "unpredicted": ".0%"}


def ladder(shown: PageResult) -> HTML:
    """Appendix B's mask table beside ours."""
    heads = {"mask": "mask", "metric": "metric", "papers": "paper B", "ours": "ours, mean over markets",
             "one market.low": "one market, from", "one market.high": "to"}  # fmt: skip
    forms = {"papers": ".3g"}
    return by_learner(shown, lambda learner: table(
        papers_table(shown.rows, learner), f"own_setting_mask_papers_{learner}", columns=heads, formats=forms,
        caption=shown.note))  # fmt: skip


def books(shown: PageResult) -> HTML:
    """Every book: Sharpe ratios before and after costs, turnover, weight of names without a prediction."""
    heads = {"mask": "mask"} | WITHOUT | {GROSS: "Sharpe before costs", NET: "after costs"}
    heads |= {"turnover": "turnover a day", "unpredicted": "weight unpredicted"}
    forms = FORMATS | {"turnover": ".0%"}
    return by_learner(shown, lambda learner: table(
        books_table(shown.rows, learner), f"own_setting_mask_books_{learner}", columns=heads, formats=forms,
        caption=shown.note))  # fmt: skip


def steps(shown: PageResult) -> HTML:
    """The papers' ladder step by step, in Sharpe ratio."""
    heads = {"difference": "step"} | WITHOUT | {"papers": "paper B"} | SHARPES
    return by_learner(shown, lambda learner: table(
        differences_table(shown.rows, learner, STEPS), f"own_setting_mask_steps_{learner}",
        columns={name: text for name, text in heads.items() if name != "turnover"}, formats=FORMATS,
        caption=f"differences in Sharpe ratio; {shown.note}"))  # fmt: skip


def controls(shown: PageResult) -> HTML:
    """What the masks without information do, and what is left of the full mask."""
    heads = {"difference": "difference"} | WITHOUT | {name: SHARPES[name] for name in (GROSS, NET, "turnover")}
    pairs = (("full", "none"), *EXPLAINED, *AGAINST_MARKET)
    return by_learner(shown, lambda learner: table(
        differences_table(shown.rows, learner, pairs), f"own_setting_mask_controls_{learner}", columns=heads,
        formats=FORMATS, caption=f"differences in Sharpe ratio; {shown.note}"))  # fmt: skip


def matched(shown: PageResult) -> HTML:
    """The full mask minus no mask with the turnovers brought together."""
    heads = WITHOUT | {"matched.0bps.sharpe": "before costs", "matched.8bps.sharpe": "after costs",
                       "matched.turnover": "turnover a day", "within 5 %": "markets matched",
                       "break-even cost, bps": "break-even cost, bps a side"}  # fmt: skip
    forms = {"matched.0bps.sharpe": "+.2f", "matched.8bps.sharpe": "+.2f", "matched.turnover": "+.1%",
             "within 5 %": ".0%", "break-even cost, bps": ".1f"}  # fmt: skip
    return by_learner(shown, lambda learner: table(
        matched_table(shown.rows, learner), f"own_setting_mask_matched_{learner}", columns=heads, formats=forms,
        caption=f"full mask minus no mask, in Sharpe ratio; {shown.note}"))  # fmt: skip


def sizes(shown: PageResult) -> HTML:
    """Factor sets and panel sizes: what survives the intersection, and full mask minus no mask."""
    names = {f"{ANSWERED_POLICY}.{name}": text for name, text in SHARPES.items() if name != SAVED}
    heads = {"condition": "factors, panel", "coverage under full": "cells with a prediction"} | names
    forms = {f"{ANSWERED_POLICY}.{name}": form for name, form in FORMATS.items()} | {"coverage under full": ".1%"}
    return table(conditions_table(shown.rows, learners_of(shown.rows)[0]), "own_setting_mask_conditions", columns=heads,
                 formats=forms, caption=f"full mask minus no mask, in Sharpe ratio; {shown.note}")  # fmt: skip


def volatilities(shown: PageResult) -> HTML:
    """Volatility implied by the papers' table, of the factor alone and of our books."""
    return table(volatility_table(shown.rows), "own_setting_mask_volatility", formats={"volatility": ".1f"},
                 columns={"book": "book", "volatility": "volatility, % a year"})  # fmt: skip


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Appendix B's mask table on the synthetic panel, by ridge on most markets: levels by one further market.

    Their generator, split, costs and back-test; fewer stocks, ridge and equal weights in place of the Transformer and
    the optimiser: setting reduced.
    """
    numbers, answers = OverSeeds(frame), []
    for theirs, ours in PAPER_MASKS.items():
        for column, (metric, unit) in COLUMNS.items():
            item = numbers.one_path(f"{ours} ridge | {ALL}", metric).times(unit)
            answers += _answer(f"{APPENDIX}.{theirs}.{column}", item, f"{ours} ridge, {metric}")
    samples = seed_values(frame)
    none, full = (samples.get((f"{mask} ridge | {ALL}", "apparent_ic"), np.empty(0)) for mask in ("none", "full"))
    ratio = ratio_of_means(none, full)
    inflation = Estimate(*(100 * (number - 1) for number in ratio))
    note = "ratio of mean ICs over markets, ridge"
    if math.isnan(ratio.low):
        note += "; no interval: the IC under the full mask cannot be told from 0, so the ratio is undefined"
    return answers + _answer(INFLATION, inflation, note)


def _answer(claim_id: str, item: Estimate, what: str) -> list[Answer]:
    if math.isnan(item.value):
        return []
    low, high = (None, None) if math.isnan(item.low) else (item.low, item.high)
    note = f"the papers' generator, split and back-test, equal weights: {what}"
    return [Answer(claim_id, item.value, low, high, "reduced", note, "own_setting_mask")]
