"""The page "paradox" (paper B, s6.3): does a mask lower the IC that is seen and raise the one that can be traded?

The papers order three configurations, no mask, halts only and everything, in three ways: the IC over all cells falls,
the IC over tradable cells rises, the Sharpe ratio rises. Each order is two steps, and each step a difference of two
rows of the ablation, paired over markets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.evaluation.ablation import WORDS
from lib.evaluation.conditions import of_condition
from lib.paper.claims import Answer, load_ledger, scoreboard
from lib.paper.pages import claims_table, html, plot, table
from lib.paper.pages.answers import markets_behind
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.tables import text_of
from lib.stats.estimates import Estimate, Numbers
from lib.stats.over_seeds import OverSeeds, adjusted_p
from lib.studies.mask_ablation.common import Case
from lib.studies.mask_ablation.tables import ANSWERED, cases

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult
    from lib.paper.results.recording import Recorded

Order = tuple[str, str, int, str]
CLAIM_IDS = ("B.paradox.order",)
QUESTION = (
    "The papers find that the more is masked, the lower the IC over all cells, and the higher the IC over tradable "
    "cells and the Sharpe ratio: a better IC, a worse portfolio. Do the three orders hold?"
)
ADVICE = (
    "Say with every IC on which cells it was taken: on tradable cells the papers' own table shows no paradox.",
    "Do not choose a mask by how much it lowers the IC over all cells.",
    "Compare the Sharpe ratios of masks before costs first: a mask that lowers turnover saves costs.",
)
#: the papers' full mask, and the one that keeps nearly every cell
FULL = ("mask_paper", "mask_skip")
MASKS = ("none", "halt_only", *FULL)
#: steps of an order: from less mask to more
STEPS = (("none", "halt_only"), ("halt_only", "full"))
#: the papers' three orders: name, our metric, the sign that each step should have, column of their table
ORDERS = (
    ("IC over all cells falls", "apparent_ic", -1, "ic"),
    ("IC over tradable cells rises", "m2_ic", 1, "realisable_ic"),
    ("Sharpe ratio rises, after costs", "naive_close.sharpe", 1, "sharpe"),
)
#: beside the third order, whose Sharpe ratio is net of costs with every order filled, as the papers' is: the same
#: before costs, and what executed orders make of it. Lower turnover raises a net ratio without earning more
BESIDE = (
    ("Sharpe ratio rises, before costs", "naive_close.sharpe_gross", 1, ""),
    ("active Sharpe ratio as executed rises, before costs", "executed_open.active_sharpe_gross", 1, ""),
    ("active Sharpe ratio as executed rises, after costs", "executed_open.active_sharpe", 1, ""),
)
GROSS = BESIDE[:1]
#: columns of the papers' table, in words
MEASURES = {"ic": "IC, all predicted cells", "realisable_ic": "IC, cells tradable on both days",
            "sharpe": "Sharpe ratio a year, every order filled"}  # fmt: skip


def selection(learners: list[str] | None) -> dict[str, Any]:
    """What the page runs of the ablation: these masks on one size of market and alpha; ridge by default."""
    masks = list(MASKS)
    return {"learners": learners or ["ridge"], "variants": masks, "trained_variants": masks, "rank_seeds": 0,
            "large_seeds": 0, "alpha_seeds": 0}  # fmt: skip


def steps(full: str) -> list[tuple[str, str]]:
    """(after, before) of both steps, with a full mask put in.

    >>> steps("mask_skip")
    [('halt_only', 'none'), ('mask_skip', 'halt_only')]
    """
    chosen = {"full": full}
    return [(chosen.get(after, after), chosen.get(before, before)) for before, after in STEPS]


def step(part: pd.DataFrame, after: str, before: str, metric: str) -> pd.Series:
    """Market -> level of one variant less that of another, of the rows of one condition."""
    levels = part[part["metric"] == metric].set_index("variant")
    left, right = (levels.loc[levels.index == name].set_index("seed")["value"] for name in (after, before))
    return (left - right).dropna()


def in_steps(part: pd.DataFrame, learner: str) -> pd.DataFrame:
    """A tidy frame of every step of every order, under the name "after - before learner"."""
    pairs = dict.fromkeys(pair for full in FULL for pair in steps(full))
    lines = [
        {"variant": f"{after} - {before} {learner}", "seed": seed, "metric": metric, "value": value}
        for after, before in pairs for _, metric, *_ in (*ORDERS, *BESIDE)
        for seed, value in step(part, f"{after} {learner}", f"{before} {learner}", metric).items()
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=["variant", "seed", "metric", "value"])


def order_steps(
    part: pd.DataFrame, learner: str, full: str = FULL[0], orders: Sequence[Order] = ORDERS
) -> dict[tuple[str, str], Estimate]:
    """(order, step) -> the difference in the claimed direction, so that the papers are right where it is positive."""
    numbers, found = OverSeeds(in_steps(part, learner)), {}
    for name, metric, sign, _ in orders:
        for after, before in steps(full):
            item = numbers.find(f"{after} - {before} {learner}", metric)
            found[name, f"{before} to {after}"] = item if sign > 0 else item.against
    return found


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says, with ridge and the papers' full mask, where limits bind as often as the papers say."""
    part = of_condition(frame, ANSWERED)
    apparent, tradable, net = (list(order_steps(part, "ridge", orders=[order]).values()) for order in ORDERS)
    gross = list(order_steps(part, "ridge", orders=GROSS).values())
    return [
        _order(apparent, "The IC over all cells falls at both steps, as in the papers: by {first:.3f} from no mask to "
               "halts only, and by {second:.3f} from there to the full mask.",
               "The IC over all cells does not fall at both steps: from no mask to halts only it falls by {first:.3f}, "
               "and from there to the full mask by {second:.3f}."),
        _order(tradable, "The IC over cells that are tradable on both days rises at both steps, as in the papers: by "
               "{first:+.4f} from no mask to halts only, and by {second:+.4f} to the full mask.",
               "The IC over cells that are tradable on both days is not shown to rise at both steps: {first:+.4f} from "
               "no mask to halts only, and {second:+.4f} to the full mask."),
        _sharpe(gross, "before costs"), _sharpe(net, "after costs", ", as in the papers", ", against the papers"),
    ]  # fmt: skip


def _sharpe(both: Sequence[Estimate], when: str, like: str = "", unlike: str = "") -> Finding:
    """The Sharpe ratio of the papers' back-test; the papers give it net of costs only."""
    ratio, steps = f"With every order filled, the Sharpe ratio {when}", "{first:+.2f} and {second:+.2f}."
    return _order(both, f"{ratio} rises at both steps{like}: {steps}",
                  f"{ratio} is not shown to rise at both steps: {steps}",
                  f"{ratio} falls at both steps{unlike}: {steps}")  # fmt: skip


def _order(both: Sequence[Estimate], held: str, failed: str, against: str = "") -> Finding:
    """Whether both steps go the papers' way; `against` where both go the other."""
    numbers: dict[str, Any] = dict(zip(("first", "second"), both, strict=True))
    low, high = min(item.low for item in both), max(item.high for item in both)
    other = bool(against) and high < 0
    return first(
        [
            Finding(held, holds=low > 0, **numbers),
            Finding(against or failed, holds=other, **numbers),
            Finding(failed, holds=low <= 0 and not other, **numbers),
        ]
    )


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# --------------------------------------------------------------------------------- figure and tables


def papers_numbers() -> dict[str, list[float]]:
    """The papers' three columns, from no mask to the full one."""
    claimed = {claim.id: claim.claimed for claim in load_ledger()}
    masks = ("none", "halt_only", "full")
    return {column: [float(claimed[f"B.paradox.{mask}.{column}"] or 0) for mask in masks] for *_, column in ORDERS}


def three_orders(shown: PageResult) -> HTML:
    """The papers' three measures from no mask to the full one, theirs and ours."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, GREEN, GREY

    def draw(case: Case) -> HTML:
        learner, panels = case.found.learner, {}
        held = [
            name
            for name, *_ in ORDERS
            if all(item.low > 0 for (order, _), item in order_steps(case.rows, learner).items() if order == name)
        ]
        for _, metric, _, column in ORDERS:
            lines = [Line("papers", [0, 1, 2], papers_numbers()[column], GREY, dashed=True)]
            names = {metric: ("here", BLUE), f"{metric}_gross": ("here,\nbefore costs", GREEN)}
            for own, (label, color) in names.items():
                found = [case.found.level(mask, own) for mask in (*MASKS[:2], FULL[0])]
                if found[0].value == found[0].value:
                    lines.append(Line(label, [0, 1, 2], found, color))
            panels[MEASURES[column]] = lines
        ticks = {0.0: WORDS["none"], 1.0: WORDS["halt_only"], 2.0: "the papers' full mask"}
        title = f"Orders of the papers that are found here: {len(held)} of {len(ORDERS)}"
        return plot(lines_by_group(panels, title, "what is masked", "", zero=True, ticks=ticks,
                                   note=case.caption))  # fmt: skip

    return _each(shown, draw)


def _each(shown: PageResult, draw: Any) -> HTML:
    return tabs({
        case.label: draw(case) for case in cases(shown) if all(case.found.has(mask) for mask in MASKS[:3])
    })  # fmt: skip


def orders_table(part: pd.DataFrame, learner: str, full: str = FULL[0]) -> pd.DataFrame:
    """Six steps of three orders: change in the claimed direction, its interval over markets, p after Holm over six.

    Below them the steps of BESIDE, which are not judged, and at each step the turnovers that costs are paid on.
    """
    metrics = {name: metric for name, metric, *_ in (*ORDERS, *BESIDE)}
    names = [f"{after} - {before} {learner}" for after, before in steps(full)]
    judged = {name for name, *_ in ORDERS}
    p = adjusted_p(in_steps(part, learner), [(name, metrics[order]) for order in judged for name in names])
    numbers, rows = OverSeeds(part), []
    for (name, moved), item in order_steps(part, learner, full, (*ORDERS, *BESIDE)).items():
        if item.value != item.value:
            continue
        before, _, after = moved.partition(" to ")
        run = metrics[name].partition(".")[0] if "sharpe" in metrics[name] else ""
        turnovers = [numbers.find(f"{mask} {learner}", f"{run}.turnover").value for mask in (before, after)]
        rows.append({
            "order": name, "step": f"{WORDS[before]} to {WORDS[after]}", **item.columns("change"),
            "p after Holm": p.get((f"{after} - {before} {learner}", metrics[name])), "holds": _holds(item),
            "turnover before": turnovers[0], "turnover after": turnovers[1],
        })  # fmt: skip
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def _holds(item: Estimate) -> str:
    return {1: "yes", -1: "no: the other way", 0: "not shown"}[item.sign]


def tests(shown: PageResult) -> HTML:
    """The steps of the three orders, tested: a tab for each learner and market, and for each full mask."""
    heads = {"order": "order", "step": "step", "change": "change, the papers' way", "p after Holm": "p (Holm)"}
    heads, parts = heads | {"holds": "holds"}, {}
    for full in FULL:
        for case in cases(shown):
            rows = orders_table(case.rows, case.found.learner, full)
            if len(rows):
                label = case.label + f", {WORDS[full]}" * (full != FULL[0])
                parts[label] = table(rows, f"paradox_orders_{case.name}_{full}", columns=heads, formats={
                    "change": "+.4f", "p after Holm": lambda p: text_of(p, ".3f").replace("0.000", "&lt;0.001"),
                }, caption=f"{label}; {case.note}")  # fmt: skip
    return tabs(parts)


def papers_table(part: pd.DataFrame, learner: str, full: str = FULL[0]) -> pd.DataFrame:
    """The table of s6.3 for one condition: the papers' number, ours and its interval."""
    numbers, rows = OverSeeds(part), []
    for _, metric, _, column in ORDERS:
        for place, mask in enumerate((*MASKS[:2], full)):
            found = numbers.find(f"{mask} {learner}", metric)
            rows.append({"measure": MEASURES[column], "mask": WORDS[mask], "paper": papers_numbers()[column][place],
                         **found.columns("ours")})  # fmt: skip
    return pd.DataFrame(rows)


def papers(shown: PageResult) -> HTML:
    """The papers' table beside ours."""
    heads = {"measure": "measure", "mask": "mask", "paper": "paper", "ours": "here"}
    return _each(shown, lambda case: table(
        papers_table(case.rows, case.found.learner), f"paradox_{case.name}", columns=heads,
        formats={"paper": ".3f", "ours": ".3f"}, caption=case.caption,
    ))  # fmt: skip


def on_real_prices(record: Recorded) -> HTML:
    """The same three masks in the recorded ablation on real prices, with ridge on the walk over all years."""
    if not record:
        return html("<p>Nothing is recorded yet.</p>")
    numbers = Numbers(record.frame)
    rows = [
        {"measure": MEASURES[column], "mask": WORDS[mask], **numbers.find(f"{mask} ridge", metric).columns("here")}
        for _, metric, _, column in ORDERS
        for mask in (*MASKS[:2], FULL[0])
    ]
    return table(pd.DataFrame(rows), "paradox_real", formats={"here": "+.3f"}, caption=f"ridge; {record.describe()}")


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """The order of s6.3 at the papers' rate of limits, one part per step, with ridge."""
    part = of_condition(frame, ANSWERED)
    found = list(order_steps(part, "ridge").values()) if len(part) else []
    if not found or any(number != number for item in found for number in item):
        return []
    gross = [item.text() for item in order_steps(part, "ridge", orders=GROSS).values() if item.value == item.value]
    note = "simulated market, ridge, limits as often as the papers say: the six steps of three orders"
    note += f"; gross of costs the two of the Sharpe ratio are {' and '.join(gross)}" if gross else ""
    parts = [(item.value, item.low, item.high) for item in found]
    keys = [(f"{after} - {before} ridge", metric) for _, metric, *_ in ORDERS for after, before in steps(FULL[0])]
    markets = markets_behind(OverSeeds(in_steps(part, "ridge")), keys)
    return [Answer("B.paradox.order", note=note, page="paradox", parts=parts, markets=markets)]


def claims(shown: PageResult) -> HTML:
    """The claim about the three orders, with its verdict on the result that the page shows."""
    board = scoreboard(answer_claims(shown.rows), [claim for claim in load_ledger() if claim.id in CLAIM_IDS])
    return claims_table(board, "paradox_claims", f"answered by the result of this page; {shown.markets}")
