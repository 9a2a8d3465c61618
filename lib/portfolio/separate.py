"""Given the multipliers of the factors, every stock has its own problem; the limits that join stocks are met exactly.

    w_i maximises  x w - s_i w^2 / 2 - c |w - p_i| - t |w|  over l_i <= w <= u_i,    x = pull_i - nu_g,  s_i = 2 k a_i

The slope of that objective jumps at two kinks, 0 (by t) and p_i (by c): the maximum is on one of three straight pieces
or at a kink, cut at the bounds. The sum of a group's weights falls in its multiplier nu_g, and the sum of |w| in the
price of leverage t when the groups keep their sums; both piecewise linearly, so that Newton's method inside a bracket
finds each. Compiled loops; the groups' stocks stand together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib.arrays import Vector
from lib.kernels.compiled.build import compiled, inlined

Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

#: steps towards a multiplier; how far a sum of weights may be off, as a share of one plus the sum of |w|
STEPS, MET = 200, 4e-16


class Separate(NamedTuple):
    """What does not change with the multipliers.

    inverse [N]: 1 / s; cost >= 0; previous, lower, upper [N]; starts [G+1]: the first stock of each group, then N;
    budget: what the weights of a group sum to; leverage: most of sum |w|, infinite for none.
    """

    inverse: Vector
    cost: float
    previous: Vector
    lower: Vector
    upper: Vector
    starts: Codes
    budget: float
    leverage: float


class Balanced(NamedTuple):
    """Multipliers of the groups nu [G] and the price of leverage at which all sums are as asked, the weights [N], and
    which of them move with the multipliers."""

    nu: Vector
    price: float
    weights: Vector
    free: Flags


def balanced(own: Separate, pull: Vector, start: Balanced | None = None) -> Balanced:
    """The best weights at these pulls. The bounds must allow the budgets and the leverage. start: one nearby."""
    nu = np.full(len(own.starts) - 1, np.nan) if start is None else start.nu.copy()
    weights, free = np.empty(len(pull)), np.empty(len(pull), dtype=np.bool_)
    price = 0.0 if start is None else start.price
    price = _limit(pull, *own, price, nu, weights, free)
    return Balanced(nu, price, weights, free)


@inlined
def _best(x, inverse, cost, price, previous, lower, upper):  # type: ignore[no-untyped-def]
    """The best weight of one stock at net pull x, and whether it moves with x."""
    first, second = min(previous, 0.0), max(previous, 0.0)
    jump, other = (price, cost) if previous >= 0 else (cost, price)
    inner = max((x - jump + other) * inverse, min(first, (x + jump + other) * inverse))
    w = max((x - jump - other) * inverse, min(second, inner))
    free = lower < w < upper and (jump == 0 or w != first) and (other == 0 or w != second)
    return min(max(w, lower), upper), free


@inlined
def _balance(pull, inverse, cost, price, previous, lower, upper, budget, begin, end, nu, weights, free):  # type: ignore[no-untyped-def]
    """The multiplier of one group: begin and end are its stocks; writes their weights."""
    low, high = np.inf, -np.inf
    for i in range(begin, end):
        low = min(low, pull[i] - upper[i] / inverse[i] - cost - price)
        high = max(high, pull[i] - lower[i] / inverse[i] + cost + price)
    if not low <= nu <= high:
        nu = 0.5 * (low + high)
    for _ in range(STEPS):
        total, gross, slope = 0.0, 0.0, 0.0
        for i in range(begin, end):
            w, moves = _best(pull[i] - nu, inverse[i], cost, price, previous[i], lower[i], upper[i])
            weights[i], free[i] = w, moves
            total += w
            gross += abs(w)
            slope += inverse[i] if moves else 0.0
        excess = total - budget
        if abs(excess) <= MET * (1 + gross):
            break
        if excess > 0:
            low = nu
        else:
            high = nu
        wanted = nu + excess / slope if slope > 0 else np.inf
        if not low < wanted < high:
            wanted = 0.5 * (low + high)
        if wanted in (nu, low, high):  # no number lies between
            break
        nu = wanted
    return nu


@compiled
def _limit(pull, inverse, cost, previous, lower, upper, starts, budget, leverage, price, nu, weights, free):  # type: ignore[no-untyped-def]
    """The price of leverage; writes the multipliers of the groups, the weights and which of them move."""
    groups = len(starts) - 1
    low, high = 0.0, 0.0
    if not leverage < np.inf:
        price = 0.0
    for step in range(STEPS):
        gross, slope = 0.0, 0.0
        for g in range(groups):
            begin, end = starts[g], starts[g + 1]
            nu[g] = _balance(
                pull, inverse, cost, price, previous, lower, upper, budget, begin, end, nu[g], weights, free
            )
            share, signed = 0.0, 0.0
            for i in range(begin, end):
                gross += abs(weights[i])
                if free[i]:
                    share += inverse[i]
                    signed += inverse[i] if weights[i] > 0 else -inverse[i]
            if share > 0:
                slope += share - signed * signed / share
        excess = gross - leverage
        if abs(excess) <= MET * (1 + gross) or (excess < 0 and price == 0):
            break
        if step == 0:  # beyond this price nothing is worth holding that need not be held
            size = np.maximum(np.abs(lower), np.abs(upper)) / inverse
            high = pull.max() - pull.min() + 2 * cost + 2 * size.max()
        if excess > 0:
            low = price
        else:
            high = price
        wanted = price + excess / slope if slope > 0 else np.inf
        if excess < 0 and wanted <= 0 and low == 0:
            wanted = 0.0
        elif not low < wanted < high:
            wanted = 0.5 * (low + high)
        if wanted in (price, high):
            break
        price = wanted
    return price
