"""What the two pages on the papers' ablation share: sentences, figure, tables and answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.evaluation.ladder import (
    AGAINST_CHANCE,
    CHANGE,
    COMPONENTS,
    FULL,
    LITERAL,
    MASK,
    OTHERS,
    OVER,
    SYSTEMS,
    WORDS,
    Ladder,
    View,
)
from lib.evaluation.lagged_optimiser import SENSES
from lib.paper.claims import Answer
from lib.paper.claims.ledger import claimed_value
from lib.paper.pages import table
from lib.paper.pages.answers import answered, level_answer, markets_behind
from lib.paper.pages.findings import Finding, by_sign, first, outcome
from lib.paper.pages.layout import tabs
from lib.paper.pages.tables import cells
from lib.portfolio import break_even_bps
from lib.stats.over_seeds import OverSeeds
from lib.stats.power import markets_needed

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

#: row of the papers' table -> component that it lacks, and our system
ROWS = {
    "no_mask": "mask", "no_adjmse": "AdjMSE", "no_augmentation": "augmentation", "no_shrinkage": "shrinkage",
    "no_transformer": "Transformer",
}  # fmt: skip
LEVELS = {"full": COMPONENTS["Transformer"][0]} | {row: COMPONENTS[name][1] for row, name in ROWS.items()}
CLAIM_IDS = (
    *(f"B.ablation.{row}.{column}" for row in LEVELS for column in ("sharpe", "max_drawdown", "ic")),
    *(f"B.ablation.{row}.delta_sharpe" for row in ROWS),
    "B.mask.largest",
)
#: component -> the papers' contribution to the Sharpe ratio
CLAIMED = {name: -claimed_value(f"B.ablation.{row}.delta_sharpe") for row, name in ROWS.items()}


# ------------------------------------------------------------------------------------------ findings


def largest(ladder: Ladder, view: View) -> Finding:
    """Whether the mask contributes most after costs: an intersection-union test."""
    net = view.at(8)
    parts = ladder.mask_is_largest(net)
    ahead = [name for name, part in zip(OTHERS, parts, strict=True) if part.high < 0]
    numbers: dict[str, Any] = {"value": ladder.contribution(MASK, net), "gross": ladder.contribution(MASK, view.at(0)),
                               "claimed": CLAIMED[MASK]}  # fmt: skip
    text = (
        f"The mask contributes {{value:+.2f}} to the {view.ratio} of optimised portfolios after 8 basis points a "
        "side and {gross:+.2f} before costs; the papers print {claimed:+.2f} and call it the largest contribution."
    )
    return first([
        Finding(f"{text} It is the largest here too.", holds=all(part.low > 0 for part in parts), **numbers),
        Finding(f"{text} On these markets {{ahead}} contributes more.", holds=bool(ahead), **numbers,
                ahead=" or ".join(ahead)),
        Finding(f"{text} Whether it is the largest is not decided.", holds=True, **numbers),
    ])  # fmt: skip


def order(ladder: Ladder, view: View) -> Finding:
    """The order of the contributions after costs, and how many can be told from zero before costs."""
    ranked = ladder.ranked(view.at(8))
    shown = ", ".join(f"{name} {ladder.contribution(name, view.at(8)).value:+.2f}" for name in ranked)
    gross = [found for name in ranked if not math.isnan((found := ladder.contribution(name, view.at(0))).low)]
    apart = float(sum(found.sign != 0 for found in gross)) if gross else math.nan
    text = (
        "From the largest contribution after costs to the smallest: {shown}. Before costs zero lies outside "
        "{apart:.0f} of {count:.0f} intervals; chance alone gives 1 in 20"
    )
    return outcome({
        f"{text}. No component is shown to contribute before costs.": apart == 0,
        f"{text}.": apart > 0,
    }, shown=shown.replace("-", "\N{MINUS SIGN}") or "none", apart=apart, count=float(len(gross)))  # fmt: skip


def mask_costs(ladder: Ladder, view: View) -> Finding:
    """What the mask does to turnover, and what is left of its contribution at equal turnover."""
    less = ladder.contribution(MASK, f"{LITERAL}.turnover")
    saved, matched = ladder.contribution(MASK, view.saved()), ladder.contribution(MASK, view.matched)
    end = (
        "({less:+.1%} of the book a day, {saved:+.2f} of the ratio after costs). At equal turnover its contribution "
        "after costs is {matched:+.2f}."
    )
    return by_sign(
        less, f"The mask raises turnover {end}", f"The mask lowers turnover {end}",
        f"That the mask changes turnover is not shown {end}", less=less, saved=saved, matched=matched,
    )  # fmt: skip


def component(ladder: Ladder, view: View, name: str, above: str, below: str, unclear: str) -> Finding:
    """One component after costs, with its parts; the papers' number beside it."""
    gross, net = (ladder.contribution(name, view.at(bps)) for bps in (0, 8))
    trades = ladder.contribution(name, f"{LITERAL}.turnover")
    end = (
        f"{{net:+.2f}} of {view.ratio} after 8 basis points a side, {{gross:+.2f}} before costs, and turnover changes "
        "by {trades:+.1%} of the book a day; the papers print {claimed:+.2f}."
    )
    return by_sign(net, f"{above}: {end}", f"{below}: {end}", f"{unclear}: {end}", net=net, gross=gross, trades=trades,
                   claimed=CLAIMED[name])  # fmt: skip


def scale(ladder: Ladder, view: View) -> Finding:
    """The mask's contribution with predictions of one size for all systems."""
    literal, standard = (ladder.contribution(MASK, view.at(8, sense)) for sense in SENSES)
    text = (
        "With predictions scaled to one size in every system the mask contributes {standard:+.2f} after costs, with "
        "predictions as the networks give them {literal:+.2f}"
    )
    return outcome({
        f"{text}: the same sign.": literal.sign == standard.sign != 0,
        f"{text}: opposite signs.": literal.sign == -standard.sign != 0,
        f"{text}: not both are shown to differ from zero.": not any(map(math.isnan, (literal.low, standard.low))),
    }, literal=literal, standard=standard)  # fmt: skip


def chance(ladder: Ladder, view: View) -> Finding:
    """What a training seed changes on one market, and how many markets the papers' largest contribution needs."""
    net = view.at(8)
    seeds = ladder.numbers.seeds(CHANGE.name(left=FULL, right=AGAINST_CHANCE), net)
    mask = ladder.numbers.seeds(CHANGE.name(left=FULL, right="no mask"), net)
    floor, spread = (float(np.std(sample, ddof=1)) if len(sample) > 1 else math.nan for sample in (seeds, mask))
    needed, claimed = markets_needed(mask, CLAIMED[MASK]), CLAIMED[MASK]
    text = (
        f"Another training seed changes the {view.ratio} of the whole system by a standard deviation of {{floor:.2f}} "
        "over markets; the mask's contribution has one of {spread:.2f}. Showing the papers' {claimed:+.2f} takes "
        "{needed:.0f} markets; {here:.0f} were run"
    )
    return outcome({f"{text}: enough.": len(mask) >= needed, f"{text}: too few.": len(mask) < needed},
                   floor=floor, spread=spread, needed=needed, claimed=claimed, here=float(len(mask)))  # fmt: skip


# ------------------------------------------------------------------------------------------- figures


def forests(shown: PageResult, view: View) -> dict[str, Figure]:
    """Each contribution before costs, by costs saved, after costs; a figure for each size of predictions."""
    from lib.paper.pages.forms import forest
    from lib.paper.pages.style import BLUE, GREEN, GREY

    numbers, found = OverSeeds(shown.rows), {}
    pairs = {WORDS[name].replace(", or", ",\nor"): CHANGE.name(left=a, right=b) for name, (a, b) in COMPONENTS.items()}
    pairs["another training seed"] = CHANGE.name(left=FULL, right=AGAINST_CHANCE)
    for sense in SENSES:
        metrics = view.at(0, sense), view.saved(sense), view.at(8, sense)
        rows = {words: [numbers.find(name, metric) for metric in metrics] for words, name in pairs.items()}
        found[f"{sense} predictions"] = forest(
            {words: items for words, items in rows.items() if not math.isnan(items[0].value)},
            "What each component contributes",
            f"difference in {view.ratio} a year; costs of 8 basis points a side",
            colors=(BLUE, GREEN, GREY), series=("before costs", "costs saved", "after costs"), note=shown.note,
        )  # fmt: skip
    return found


# -------------------------------------------------------------------------------------------- tables


def components_table(frame: pd.DataFrame, view: View, sense: str) -> pd.DataFrame:
    """Components down; gross, at 5 and 8 basis points, at equal turnover; turnovers; break-even cost; the papers'."""
    ladder, rows = Ladder(OverSeeds(frame)), []
    metrics = [view.at(0, sense), view.at(5, sense), view.saved(sense), view.at(8, sense)]
    metrics += [view.matched] if sense == LITERAL else []
    pairs = {WORDS[name]: pair for name, pair in COMPONENTS.items()}
    for words, (left, right) in (pairs | {"another training seed": (FULL, AGAINST_CHANCE)}).items():
        sides = [ladder.numbers.find(system, f"{sense}.turnover").value for system in (left, right)]
        found = ladder.numbers.find(CHANGE.name(left=left, right=right), f"{sense}.gross_return").value
        even = break_even_bps(found / view.year, sides[0] - sides[1], max(sides)) if not math.isnan(found) else found
        rows.append({"component": words, **cells(ladder.numbers, CHANGE.name(left=left, right=right), metrics),
                     "with": sides[0], "without": sides[1], "even": even,
                     "claimed": next((CLAIMED[n] for n in WORDS if WORDS[n] == words), math.nan)})  # fmt: skip
    return pd.DataFrame(rows).dropna(subset=[metrics[0]])


def components(shown: PageResult, view: View) -> HTML:
    """Every contribution, a tab for each size of predictions."""
    return tabs({
        f"{sense} predictions": table(
            components_table(shown.rows, view, sense), f"{view.study}_components_{sense}", caption=shown.note,
            columns={"component": "component", view.at(0, sense): f"{view.ratio} a year, before costs",
                     view.at(5, sense): "after 5 basis points a side", view.at(8, sense): "after 8",
                     view.saved(sense): "of which costs saved", view.matched: "after 8 at equal turnover",
                     "with": "turnover a day with it, share of the book", "without": "without it",
                     "even": "break-even cost, basis points a side", "claimed": "in the papers"},
            formats={view.at(0, sense): "+.2f", view.at(5, sense): "+.2f", view.at(8, sense): "+.2f",
                     view.saved(sense): "+.2f", view.matched: "+.2f", "with": ".2f", "without": ".2f", "even": ".1f",
                     "claimed": "+.2f"},
        ) for sense in SENSES
    })  # fmt: skip


def systems_table(frame: pd.DataFrame, metrics: Sequence[str], more: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Systems down, levels across with 95 % intervals; more: further variants and what they are."""
    numbers = OverSeeds(frame)
    rows = [{"system": words, **cells(numbers, name, metrics)} for name, words in (SYSTEMS | dict(more or {})).items()]
    return pd.DataFrame(rows).dropna(thresh=2)


# -------------------------------------------------------------------------------------------- claims


def answers(
    frame: pd.DataFrame, view: View, setting: str, levels: Mapping[str, tuple[str, float]], note: str
) -> list[Answer]:
    """Levels of the six systems, differences from the whole, and the order.

    levels: column of the papers' table -> our metric, factor to the claim's unit; "sharpe" is of differences too.
    """
    numbers, found = OverSeeds(frame), []
    for row, system in LEVELS.items():
        for column, (metric, unit) in levels.items():
            fields = answered(numbers, system, metric, "level", unit)
            told = f"{note}: {SYSTEMS[system]}, {metric}"
            found += level_answer(f"B.ablation.{row}.{column}", fields and fields | {"setting": setting}, told,
                                  view.study)  # fmt: skip
    metric = levels["sharpe"][0]
    for row, name in ROWS.items():
        left, right = COMPONENTS[name]
        fields = _against(answered(numbers, CHANGE.name(left=left, right=right), metric, "difference"))
        if "low" in fields:
            found += level_answer(f"B.ablation.{row}.delta_sharpe", fields | {"setting": setting},
                                  f"{note}: {SYSTEMS[right]} less {SYSTEMS[left]}", view.study)  # fmt: skip
    parts = Ladder(numbers).mask_is_largest(metric)
    if not any(math.isnan(part.low) for part in parts):
        keys = [(OVER.name(component=name), metric) for name in OTHERS]
        given: dict[str, Any] = {"parts": [tuple(part) for part in parts], "setting": setting}
        found.append(Answer("B.mask.largest", note=f"{note}: the mask less each other component, paired over markets",
                            page=view.study, markets=markets_behind(numbers, keys), **given))  # fmt: skip
    return found


def _against(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of an answer counted in the other direction."""
    other = {"low": "high", "high": "low", "mean_low": "mean_high", "mean_high": "mean_low"}
    return {other.get(name, name): value if name == "markets" else -value for name, value in fields.items()}
