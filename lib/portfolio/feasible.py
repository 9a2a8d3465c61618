"""Whether a portfolio can meet all limits of a day, and if not which limit is in the way, and by how much.

Every limit but the leverage is a sum of bounds: a group can be brought to its budget b when the lower bounds of its
stocks sum to at most b and the upper ones to at least b. What must be held long, P = sum max(l, 0), and short,
Q = sum max(-u, 0), then costs a gross exposure of at least 2 max(P, Q + b) - b in that group.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lib.errors import ParameterError
from lib.portfolio.dual import Problem

#: room for round-off in sums of bounds
SLACK = 1e-12


class InfeasibleError(ParameterError):
    """No portfolio meets the limits. limit: "cap", "frozen", "bounds" or "leverage"; by: how much is missing, in units
    of weight."""

    def __init__(self, message: str, limit: str, by: float) -> None:
        super().__init__(message)
        self.limit, self.by = limit, by


def check(problem: Problem, cap: float, names: Sequence[object] = ()) -> None:
    """Raises InfeasibleError for the first limit that no portfolio meets. names: of the groups, by their code."""
    crossed = problem.lower - problem.upper
    if (crossed > 0).any():
        stock = int(np.argmax(crossed))
        raise InfeasibleError(
            f"MeanVariance: the stock in column {stock} has lower bound {problem.lower[stock]:g} above its upper bound "
            f"{problem.upper[stock]:g}", "bounds", float(crossed[stock])
        )  # fmt: skip
    codes = np.zeros(len(problem.mu), dtype=np.intp) if problem.groups is None else problem.groups
    least, most = (np.bincount(codes, weights=bound) for bound in (problem.lower, problem.upper))
    short, over = problem.budget - most, least - problem.budget
    if short.max() > SLACK:
        group = int(np.argmax(short))
        able = int(np.count_nonzero((problem.upper > 0) & (codes == group)))
        raise InfeasibleError(
            f"MeanVariance: {_whose(group, names)}upper bounds sum to {most[group]:.6g}, {short[group]:.3g} short of "
            f"the budget of {problem.budget:g}: {able} stocks may be held at a cap of {cap:g}; raise it or allow more "
            f"stocks", "cap", float(short[group])
        )  # fmt: skip
    if over.max() > SLACK:
        group = int(np.argmax(over))
        raise InfeasibleError(
            f"MeanVariance: {_whose(group, names)}lower bounds sum to {least[group]:.6g}, {over[group]:.3g} above the "
            f"budget of {problem.budget:g}: too much is frozen; sell something or raise the budget",
            "frozen", float(over[group])
        )  # fmt: skip
    long, other = (np.bincount(codes, weights=np.maximum(side, 0.0)) for side in (problem.lower, -problem.upper))
    gross = float((2 * np.maximum(long, other + problem.budget) - problem.budget).sum())
    if gross > problem.leverage + SLACK:
        raise InfeasibleError(
            f"MeanVariance: what must be held has a sum of |w| of {gross:.6g}, {gross - problem.leverage:.3g} above "
            f"the leverage of {problem.leverage:g}: raise it, or free stocks", "leverage", gross - problem.leverage
        )  # fmt: skip


def _whose(group: int, names: Sequence[object]) -> str:
    return f"in group {names[group]!r} " if len(names) else ""
