"""What the page "own_setting_learning" says, every outcome written down: what the papers claim first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from lib.paper.claims.ledger import claimed_difference, claimed_value
from lib.paper.pages.findings import Finding, by_sign, outcome
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds
from lib.stats.power import markets_needed
from lib.studies.own_setting_learning.measure import POLICY
from lib.studies.own_setting_learning.variants import DIFFERENCE, EQUAL, LOSSES, MODELS, PAIRS, SYSTEM, searched

TURNOVER = f"{POLICY}.turnover"
GROSS, SAVED, NET = f"{POLICY}.0bps.sharpe", f"{POLICY}.8bps.saved_sharpe", f"{POLICY}.8bps.sharpe"
#: what the papers report, in Sharpe ratios: (left, right) -> gain
CLAIMED = {
    (SYSTEM, "MSE"): claimed_difference("B.ablation.full.sharpe", "B.ablation.no_adjmse.sharpe"),
    (SYSTEM, "9 factors"): claimed_difference("B.factors.all.sharpe", "B.factors.alpha101.sharpe"),
    ("1 panel", SYSTEM): claimed_value("B.augment.mlp"),
    ("LightGBM", "XGBoost"): claimed_difference("A.models.lightgbm.sharpe", "A.models.xgboost.sharpe"),
    ("residual network", "LightGBM"): claimed_difference("A.models.dnn.sharpe", "A.models.lightgbm.sharpe"),
}
PAPER_IC = claimed_value("B.ablation.full.ic")


def against(numbers: OverSeeds, left: str, right: str, metric: str) -> Estimate:
    """A paired difference of two arms."""
    return numbers.find(DIFFERENCE.name(left=left, right=right), metric)


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What can be known, the papers' gains, a book that never trades; then turnover, and what would decide."""
    numbers = OverSeeds(frame)
    return [
        _nothing(numbers), _gain(numbers), _factors(numbers), _market(numbers), _panel(numbers), _models(numbers),
        _traded(numbers), _before_costs(numbers), _decide(numbers),
    ]  # fmt: skip


def _nothing(numbers: OverSeeds) -> Finding:
    known = numbers.find(SYSTEM, "m1_ic")
    end = "the IC of the papers' system is {known:+.4f} on test days; they report {claimed:.3f}."
    return by_sign(
        known, f"Something can be predicted in the papers' panel: {end}", f"Predictions point the wrong way: {end}",
        f"As its generator implies, it is not shown that anything can be predicted in the papers' panel: {end}",
        known=known, claimed=PAPER_IC,
    )  # fmt: skip


def _traded(numbers: OverSeeds) -> Finding:
    """The papers' loss against MSE: turnover."""
    less = against(numbers, SYSTEM, "MSE", TURNOVER).times(100)
    ours, plain = (numbers.find(name, TURNOVER).value for name in (SYSTEM, "MSE"))
    end = "{ours:.0%} of the book a day with AdjMSE and {plain:.0%} with MSE, a difference of {less:+.1f} points."
    return by_sign(
        less, f"The network trained by the papers' loss trades more than the one trained by MSE: {end}",
        f"The network trained by the papers' loss trades less than the one trained by MSE: {end}",
        f"The papers' loss does not measurably change how much is traded: {end}",
        ours=ours, plain=plain, less=less,
    )  # fmt: skip


def _before_costs(numbers: OverSeeds) -> Finding:
    """How many losses can be told from MSE before costs, and which is farthest from it."""
    found = {name: against(numbers, name, "MSE", GROSS) for name in LOSSES if name != "MSE"}
    known = {name: item for name, item in found.items() if not math.isnan(item.low)}
    far = max(known, key=lambda name: abs(known[name].value), default=SYSTEM)
    apart = float(sum(item.sign != 0 for item in known.values())) if known else math.nan
    end = (
        "{apart:.0f} of {count:.0f} differences in Sharpe ratio have an interval without zero, where chance gives one "
        "in twenty. The largest is {largest:+.2f}, of the loss {far}."
    )
    return outcome({
        f"Before costs no loss differs measurably from MSE: {end}": apart == 0,
        f"Before costs some losses differ measurably from MSE: {end}": apart > 0,
    }, largest=found[far], far=in_words(far), count=float(len(known)), apart=apart)  # fmt: skip


def _gain(numbers: OverSeeds) -> Finding:
    """The papers' gain of their loss, split into what is earned and what is not paid."""
    gross, saved, net = (against(numbers, SYSTEM, "MSE", metric) for metric in (GROSS, SAVED, NET))
    end = (
        "its annual Sharpe ratio after costs of 8 bps a side differs by {net:+.2f}, of which {gross:+.2f} is earned "
        "before costs and {saved:+.2f} is costs saved; the papers report {claimed:+.2f}."
    )
    return by_sign(
        net, f"The papers' loss (AdjMSE) is ahead of MSE: {end}", f"The papers' loss (AdjMSE) is behind MSE: {end}",
        f"The papers' loss (AdjMSE) is shown neither ahead of MSE nor behind it: {end}",
        gross=gross, saved=saved, net=net, claimed=CLAIMED[SYSTEM, "MSE"],
    )  # fmt: skip


def _factors(numbers: OverSeeds) -> Finding:
    """213 factors against 9: Sharpe ratios."""
    pair = (SYSTEM, "9 factors")
    gross, net = (against(numbers, *pair, metric) for metric in (GROSS, NET))
    end = (
        "the annual Sharpe ratio differs by {gross:+.2f} before costs and by {net:+.2f} after them; the papers report "
        "{claimed:+.2f}."
    )
    return by_sign(
        net, f"All 213 factors are ahead of 9: {end}", f"All 213 factors are behind 9: {end}",
        f"All 213 factors are shown neither ahead of 9 nor behind them: {end}",
        gross=gross, net=net, claimed=CLAIMED[pair],
    )  # fmt: skip


def _panel(numbers: OverSeeds) -> Finding:
    pair = ("1 panel", SYSTEM)
    gross, net = (against(numbers, *pair, metric) for metric in (GROSS, NET))
    end = (
        "the annual Sharpe ratio differs by {gross:+.2f} before costs and by {net:+.2f} after them; the papers report "
        "{claimed:+.2f} for the MLP."
    )
    return by_sign(
        net, f"One synthetic panel in training puts the system ahead: {end}",
        f"One synthetic panel in training puts the system behind: {end}",
        f"One synthetic panel in training is shown to put the system neither ahead nor behind: {end}",
        gross=gross, net=net, claimed=CLAIMED[pair],
    )  # fmt: skip


def _models(numbers: OverSeeds) -> Finding:
    """The searched models of paper A's order: who trades least and most, and whether any pair is apart before costs."""
    found = {name: numbers.find(name, TURNOVER) for name in MODELS if searched(name)}
    known = {name: item for name, item in found.items() if not math.isnan(item.value)}
    least, most = (end(known, key=lambda name: known[name].value, default=SYSTEM) for end in (min, max))
    pairs = [pair for pair in PAIRS["models"] if all(map(searched, pair))]
    steps = [item for item in (against(numbers, *pair, GROSS) for pair in pairs) if not math.isnan(item.low)]
    apart = float(sum(item.sign != 0 for item in steps)) if steps else math.nan
    end = (
        "from {low:.0%} of the book a day ({least}) to {high:.0%} ({most}). Of {count:.0f} pairs of models {apart:.0f} "
        "differ measurably in Sharpe ratio before costs, where chance gives one in twenty."
    )
    numbers_shown: dict[str, Any] = {
        "low": found.get(least, Estimate(math.nan)), "high": found.get(most, Estimate(math.nan)),
        "least": in_words(least), "most": in_words(most), "count": float(len(steps)), "apart": apart,
    }  # fmt: skip
    wide = numbers_shown["low"].high < numbers_shown["high"].low
    return outcome({
        f"Models differ in how much they trade, not in what they earn before costs: {end}": wide and apart == 0,
        f"Models differ in how much they trade, and some in what they earn before costs: {end}": wide,
        f"It is not shown that models differ in how much they trade: {end}": True,
    }, **numbers_shown)  # fmt: skip


def _market(numbers: OverSeeds) -> Finding:
    gross, net = (against(numbers, SYSTEM, EQUAL, metric) for metric in (GROSS, NET))
    end = (
        "the system's annual Sharpe ratio differs from that of this book by {gross:+.2f} before costs and by "
        "{net:+.2f} after them."
    )
    return by_sign(
        net, f"The papers' system beats a book of all names that never trades: {end}",
        f"A book of all names that never trades beats the papers' system: {end}",
        f"No difference is shown between the papers' system and a book of all names that never trades: {end}",
        gross=gross, net=net,
    )  # fmt: skip


def _decide(numbers: OverSeeds) -> Finding:
    """One market against the papers' gain: what two trainings of one system differ by, and how many would decide."""
    pair = (SYSTEM, "MSE")
    ours, seeds = (numbers.seeds(DIFFERENCE.name(left=left, right=right), NET)
                   for left, right in (pair, ("another seed", SYSTEM)))  # fmt: skip
    needed, claimed = markets_needed(ours, CLAIMED[pair]), CLAIMED[pair]
    spread, floor = (float(np.std(sample, ddof=1)) if len(sample) > 1 else math.nan for sample in (ours, seeds))
    end = (
        "{claimed:+.2f} in Sharpe ratio would take {needed:.0f}, and {here:.0f} were run. Over markets the difference "
        "of the two losses has a standard deviation of {spread:.2f}, that of two training seeds of one system "
        "{floor:.2f}."
    )
    return outcome({
        f"There are enough markets to decide the papers' gain of their loss: {end}": len(ours) >= needed,
        f"There are too few markets to decide the papers' gain of their loss: {end}": True,
    }, spread=spread, floor=floor, needed=needed, claimed=claimed, here=float(len(ours)))  # fmt: skip


def in_words(name: str) -> str:
    """An arm as a reader knows it.

    >>> in_words("system"), in_words("4 panels"), in_words("Transformer over days")
    ("the papers' system", '4 panels', 'Transformer over days')
    """
    text = {SYSTEM: "the papers' system", "another seed": "the system, another seed",
            "twice": "the real sample seen twice"}.get(name, name)  # fmt: skip
    return text if name == EQUAL or searched(name) else f"{text}, not searched"
