"""The papers' table of s6.3 beside ours, the three orders with their tests, and the answer to the claim."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from lib.evaluation.ablation import Ablation
from lib.evaluation.conditions import conditions, of_condition
from lib.paper.claims import Answer, load_ledger
from lib.paper.pages.answers import markets_behind
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds, adjusted_p
from lib.studies.mask_ablation.tables import ANSWERED

Order = tuple[str, str, int, str]
#: the papers' full mask, and the one that keeps nearly every cell
FULL = ("mask_paper", "mask_skip")
#: steps of an order: from less mask to more
STEPS = (("none", "halt_only"), ("halt_only", "full"))
#: what is kept of each configuration
MEASURES = (
    "apparent_ic", "m2_ic", "m1_ic", "truth_ic", "naive_close.sharpe_gross", "naive_close.sharpe",
    "naive_close.turnover", "executed_open.active_sharpe_gross", "executed_open.active_sharpe",
    "executed_open.turnover", "executed_close.sharpe", "executed_open.sharpe", "coverage",
)  # fmt: skip
#: the papers' three orders: name, our metric, the sign that each step should have, column of their table
ORDERS = (
    ("apparent IC falls", "apparent_ic", -1, "ic"),
    ("realisable IC rises", "m2_ic", 1, "realisable_ic"),
    ("Sharpe ratio rises", "naive_close.sharpe", 1, "sharpe"),
)
#: shown beside the third order, whose Sharpe ratio is net of costs with every order filled, as the papers' is: the
#: same before costs, and what executed orders make of it. Lower turnover raises a net ratio without earning more
BESIDE = (
    ("Sharpe ratio gross of costs", "naive_close.sharpe_gross", 1, ""),
    ("executed active Sharpe ratio, gross", "executed_open.active_sharpe_gross", 1, ""),
    ("executed active Sharpe ratio, net", "executed_open.active_sharpe", 1, ""),
)
GROSS = BESIDE[:1]


def steps(full: str) -> list[tuple[str, str]]:
    """(after, before) of both steps, with a full mask put in.

    >>> steps("mask_skip")
    [('halt_only', 'none'), ('mask_skip', 'halt_only')]
    """
    chosen = {"full": full}
    return [(chosen.get(after, after), chosen.get(before, before)) for before, after in STEPS]


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Configurations down, measures across, for every condition and learner."""
    tables = {}
    for condition in conditions(frame):
        part = of_condition(frame, condition)
        numbers = OverSeeds(part)
        for learner in Ablation.learners(part):
            rows = {mask: {metric: numbers.find(f"{mask} {learner}", metric).value for metric in MEASURES}
                    for mask in ("none", "halt_only", *FULL)}  # fmt: skip
            tables[condition, learner] = pd.DataFrame.from_dict(rows, orient="index")
    return pd.concat(tables, names=["condition", "learner", "mask"])


def papers_table(part: pd.DataFrame, learner: str, full: str = FULL[0]) -> pd.DataFrame:
    """The table of s6.3 for one condition: the papers' number, ours and its interval."""
    claimed = {claim.id: claim.claimed for claim in load_ledger()}
    numbers, rows = OverSeeds(part), []
    for theirs, ours in (("none", "none"), ("halt_only", "halt_only"), ("full", full)):
        row: dict[str, object] = {"the papers' mask": theirs, "ours": ours}
        for _, metric, _, column in ORDERS:
            row[f"{column}: papers"] = claimed[f"B.paradox.{theirs}.{column}"]
            row |= numbers.find(f"{ours} {learner}", metric).columns(f"{column}: ours")
        rows.append(row)
    return pd.DataFrame(rows)


def papers_numbers() -> dict[str, list[float]]:
    """The papers' three columns, from no mask to the full one."""
    claimed = {claim.id: claim.claimed for claim in load_ledger()}
    masks = ("none", "halt_only", "full")
    return {column: [float(claimed[f"B.paradox.{mask}.{column}"] or 0) for mask in masks] for *_, column in ORDERS}


def order_steps(
    part: pd.DataFrame, learner: str, full: str = FULL[0], orders: Sequence[Order] = ORDERS
) -> dict[tuple[str, str], Estimate]:
    """(order, step) -> the difference in the claimed direction, so that the papers are right where it is positive."""
    numbers, found = OverSeeds(part), {}
    for name, metric, sign, _ in orders:
        for after, before in steps(full):
            item = numbers.find(f"{after} - {before} {learner}", metric)
            found[name, f"{before} to {after}"] = item if sign > 0 else item.against
    return found


def orders_table(part: pd.DataFrame, learner: str, full: str = FULL[0]) -> pd.DataFrame:
    """Six steps of three orders: change in the claimed direction, its interval over markets, p after Holm over six.

    Below them the steps of BESIDE, which are not judged, and at each step the turnovers that costs are paid on.
    """
    metrics = {name: metric for name, metric, *_ in (*ORDERS, *BESIDE)}
    names = [f"{after} - {before} {learner}" for after, before in steps(full)]
    judged = {name for name, *_ in ORDERS}
    p = adjusted_p(part, [(name, metrics[order]) for order in judged for name in names])
    numbers, rows = OverSeeds(part), []
    for (name, step), item in order_steps(part, learner, full, (*ORDERS, *BESIDE)).items():
        if item.value != item.value:
            continue
        before, _, after = step.partition(" to ")
        run = metrics[name].partition(".")[0] if "sharpe" in metrics[name] else ""
        turnovers = [numbers.find(f"{mask} {learner}", f"{run}.turnover").value for mask in (before, after)]
        rows.append({
            "order": name, "step": step, **item.columns("change"),
            "p after Holm": p.get((f"{after} - {before} {learner}", metrics[name])), "holds": _holds(item),
            "turnover before": turnovers[0], "turnover after": turnovers[1],
        })  # fmt: skip
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def _holds(item: Estimate) -> str:
    return {1: "yes", -1: "no: the other way", 0: "not shown"}[item.sign]


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """The order of s6.3 at the papers' rate of limits, one part per step, with ridge."""
    part = of_condition(frame, ANSWERED)
    found = list(order_steps(part, "ridge").values()) if len(part) else []
    if not found or any(number != number for item in found for number in item):
        return []
    gross = [item.text() for item in order_steps(part, "ridge", orders=GROSS).values() if item.value == item.value]
    note = "synthetic exchange, ridge, limits as often as the papers say: the six steps of three orders"
    note += f"; gross of costs the two of the Sharpe ratio are {' and '.join(gross)}" if gross else ""
    parts = [(item.value, item.low, item.high) for item in found]
    keys = [(f"{after} - {before} ridge", metric) for _, metric, *_ in ORDERS for after, before in steps(FULL[0])]
    markets = markets_behind(OverSeeds(part), keys)
    return [Answer("B.paradox.order", note=note, page="paradox", parts=parts, markets=markets)]


CLAIM_IDS = ("B.paradox.order",)
