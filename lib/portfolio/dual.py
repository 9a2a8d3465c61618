"""Mean-variance problems, solved exactly on the dual of T dimensions.

    maximise    mu'w - k (|Fw|^2 + sum a_i w_i^2) - c sum |w_i - p_i|
    subject to  sum of w in every group = b,  l <= w <= u,  sum |w_i| <= L

One group and b = 1 is the long-only book, b = 0 in every group the market-neutral one. With y = Fw and its multiplier z
the best w is separate for every stock and known in closed form, and the multipliers of the groups and the price t >= 0
of leverage are eliminated exactly (`lib.portfolio.separate`). That leaves a convex function of z to minimise, once
differentiable, with gradient z / 2k - Fw and generalised Hessian

    I / 2k + sum over free stocks of d_i (F_i - m)(F_i - m)' - v v' / h,    d_i = 1 / (2 k a_i)

free: between bounds and kinks; m: the mean of the free F_i of the same group, weighted by d; v and h: the covariance of
F_i with the sign of w_i and the variance of that sign within groups, where t > 0. Newton's method with a line search
ends after a few steps at machine precision. The dual bounds the optimum from above, and at these w it exceeds the
objective by k |z / 2k - Fw|^2 + t (L - sum |w|): that gap is a certificate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lib.arrays import Matrix, Vector
from lib.portfolio.separate import Balanced, Codes, Separate, balanced

#: steps of Newton's method, and lengths tried of one of them
STEPS, TRIALS = 100, 30
#: relative gap at which a solution counts as exact
EXACT = 1e-13
#: rise of the dual, as a share, that is no rise: near the optimum the gap says better whether a step was good
ROUND_OFF = 1e-13
#: share of the free weights' own that the curvature by the price of leverage must have to count: below it is round-off
LEAST_SIZE = 1e-12


@dataclass(frozen=True)
class Problem:
    """mu [N] expected returns, factors [K, N] and diagonal [N] > 0 of the covariance, k risk aversion > 0, cost c >= 0
    a unit of turnover, previous p [N], bounds lower and upper [N], budget b of each group, groups: codes [N] from 0
    (None: all stocks are one), leverage L."""

    mu: Vector
    factors: Matrix
    diagonal: Vector
    aversion: float
    cost: float
    previous: Vector
    lower: Vector
    upper: Vector
    budget: float
    groups: Codes | None = None
    leverage: float = np.inf

    def value(self, w: Vector) -> float:
        """The objective at w."""
        exposures = self.factors @ w
        risk = exposures @ exposures + self.diagonal @ (w * w)
        turnover = np.abs(w - self.previous).sum() if self.cost else 0.0
        return float(self.mu @ w - self.aversion * risk - self.cost * turnover)

    def excess(self, w: Vector) -> float:
        """By how much w breaks its limits at most, in units of weight; 0: feasible."""
        codes = np.zeros(len(w), dtype=np.intp) if self.groups is None else self.groups
        sums = np.bincount(codes, weights=w) - self.budget
        return float(max(np.abs(sums).max(), (self.lower - w).max(), (w - self.upper).max(),
                         np.abs(w).sum() - self.leverage, 0.0))  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """weights [N]; gap: upper bound less objective, in units of the objective's size; excess: over a limit at most, in
    units of weight; iterations of Newton's method."""

    weights: Vector
    gap: float
    iterations: int
    excess: float = 0.0


def solve(problem: Problem, start: Vector | None = None) -> Answer:
    """The optimum. start [N]: weights of an earlier, similar problem. The caller checks that a w is feasible."""
    dual = _Dual.of(problem)
    z = np.zeros(dual.rows.shape[1])
    point = dual.point(z if start is None else 2 * dual.aversion * (start[dual.order] @ dual.rows), None)
    best, steps = point, 0
    while best.gap > EXACT and steps < STEPS and (moved := _moved(dual, point)) is not None:
        point, steps = moved, steps + 1
        best = min(best, point, key=lambda item: item.gap)
    weights = np.empty_like(dual.mu)
    weights[dual.order] = dual.repaired(best.at)
    return Answer(weights, best.gap, steps, problem.excess(weights))


@dataclass(frozen=True)
class _Point:
    """Multipliers z [T] and what they call for; the dual value, its gradient [T] and the relative gap."""

    z: Vector
    at: Balanced
    dual: float
    gradient: Vector
    gap: float


@dataclass(frozen=True)
class _Dual:
    """A problem in the order of its groups. order [N]: its stocks; rows [N, T]: their factors; group [N]: codes."""

    order: Codes
    rows: Matrix
    group: Codes
    mu: Vector
    aversion: float
    own: Separate

    @classmethod
    def of(cls, problem: Problem) -> _Dual:
        codes = np.zeros(len(problem.mu), dtype=np.intp) if problem.groups is None else problem.groups
        order = np.argsort(codes, kind="stable")
        group = codes[order]
        starts = np.append(np.flatnonzero(np.diff(group, prepend=-1)), len(group))
        mu, diagonal, previous, lower, upper = (
            values[order] for values in (problem.mu, problem.diagonal, problem.previous, problem.lower, problem.upper)
        )
        own = Separate(1 / (2 * problem.aversion * diagonal), float(problem.cost), previous, lower, upper, starts,
                       float(problem.budget), float(problem.leverage))  # fmt: skip
        rows = np.ascontiguousarray(problem.factors.T if problem.groups is None else problem.factors.T[order])
        return cls(order, rows, group, mu, problem.aversion, own)

    def point(self, z: Vector, near: Balanced | None) -> _Point:
        """Everything at multipliers z; near: what was found at others."""
        own, k = self.own, self.aversion
        pull = self.mu - self.rows @ z
        at = balanced(own, pull, near)
        w = at.weights
        exposures = w @ self.rows
        separate = float(pull @ w) - 0.5 * float(w @ (w / own.inverse))
        if own.cost:
            separate -= own.cost * float(np.abs(w - own.previous).sum())
        slack = own.leverage - float(np.abs(w).sum()) if at.price else 0.0
        risk, away = k * float(exposures @ exposures), z / (2 * k) - exposures
        dual = separate + float(z @ z) / (4 * k) + at.price * slack
        gap = k * float(away @ away) + at.price * abs(slack)
        scale = max(abs(separate + float(z @ exposures) - risk), risk, np.finfo(float).tiny)
        return _Point(z, at, dual, away, gap / scale)

    def direction(self, point: _Point) -> Vector:
        """Newton's step: minus the inverse of the generalised Hessian, I / 2k + X'X, times the gradient [T]."""
        k, x = self.aversion, self._moving(point.at)
        if len(x) < len(point.z):  # the smaller of two systems of equations
            inner = x @ x.T
            inner[np.diag_indices(len(x))] += 1 / (2 * k)
            return np.asarray(-2 * k * (point.gradient - x.T @ np.linalg.solve(inner, x @ point.gradient)))
        hessian = x.T @ x
        hessian[np.diag_indices(len(hessian))] += 1 / (2 * k)
        return np.asarray(np.linalg.solve(hessian, -point.gradient))

    def _moving(self, at: Balanced) -> Matrix:
        """X [free, T]: the factors of the stocks that move, times sqrt(d), less what the joint limits hold still."""
        free = np.flatnonzero(at.free)
        root, group = np.sqrt(self.own.inverse[free]), self.group[free]
        x = self.rows[free] * root[:, None]
        if not len(free):
            return x
        firsts = np.flatnonzero(np.diff(group, prepend=-1))
        x = _less_means(x, root, firsts)
        if at.price:
            sign = np.sign(at.weights[free]) * root
            held = _less_means(sign[:, None], root, firsts)[:, 0]
            if (size := float(held @ held)) > LEAST_SIZE * float(sign @ sign):
                x -= np.outer(held, (held @ x) / size)
        return x

    def repaired(self, at: Balanced) -> Vector:
        """The weights with what round-off left in the sums of the groups shared out among those that move."""
        own, w = self.own, at.weights
        share, firsts = np.where(at.free, own.inverse, 0.0), own.starts[:-1]
        total = np.add.reduceat(share, firsts)
        off = np.divide(np.add.reduceat(w, firsts) - own.budget, total, out=np.zeros_like(total), where=total > 0)
        return np.clip(w - np.repeat(off, np.diff(own.starts)) * share, own.lower, own.upper)


def _less_means(values: Matrix, root: Vector, firsts: Codes) -> Matrix:
    """values [M, C] less their projection on root in each group; firsts: where the groups begin."""
    along = np.add.reduceat(values * root[:, None], firsts) / np.add.reduceat(root * root, firsts)[:, None]
    return values - root[:, None] * np.repeat(along, np.diff(firsts, append=len(values)), axis=0)


def _moved(dual: _Dual, point: _Point) -> _Point | None:
    """One step of Newton's method that lowers the dual; None where none does. Where the whole step is too long the
    next trial is where the slope along it, a line through both ends, is 0."""
    step = dual.direction(point)
    slope, length = float(point.gradient @ step), 1.0
    if not slope < 0:
        return None
    for _ in range(TRIALS):
        moved = dual.point(point.z + length * step, point.at)
        lower = moved.dual <= point.dual + 1e-4 * length * slope
        if lower or (moved.dual - point.dual <= ROUND_OFF * abs(point.dual) and moved.gap < 0.1 * point.gap):
            return moved
        rise = float(moved.gradient @ step) - slope
        length *= min(max(-slope / rise, 0.1), 0.5) if rise > 0 else 0.5
    return None
