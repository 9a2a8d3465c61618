"""The long-only mean-variance problem, solved exactly on its T-dimensional dual.

    maximise   mu'w - k (|Fw|^2 + sum a_i w_i^2) - c sum |w_i - p_i|      subject to sum w = b, l <= w <= u

With y = Fw and its multiplier z the minimum over w is separate for every stock and known in closed form: w_i is
(q_i - nu -+ c) / (2 k a_i), kept at p_i between the two, and cut at its bounds, with q = mu - F'z. The multiplier nu
of the budget is eliminated exactly (the sum is piecewise linear and monotone in nu), which leaves a convex function of
z alone to minimise, once differentiable, with gradient z / 2k - Fw and generalised Hessian

    I / 2k + F D F' - (Fd)(Fd)' / sum d,    d_i = 1 / (2 k a_i) for the stocks between their bounds, else 0

so that Newton's method with a line search ends after a few steps at machine precision. The dual value bounds the
optimum from above: the gap is a certificate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.arrays import Matrix, Vector

#: steps of Newton's method, and halvings of one of them
STEPS, HALVINGS = 100, 40
#: relative gap at which a solution counts as exact
EXACT = 1e-13


@dataclass(frozen=True)
class Problem:
    """mu [N] expected returns, factors [K, N] and diagonal [N] > 0 of the covariance, k risk aversion > 0, cost c >= 0
    a unit
    of turnover, previous p [N], bounds lower and upper [N], budget b."""

    mu: Vector
    factors: Matrix
    diagonal: Vector
    aversion: float
    cost: float
    previous: Vector
    lower: Vector
    upper: Vector
    budget: float

    def value(self, w: Vector) -> float:
        """The objective at w."""
        exposures = self.factors @ w
        risk = exposures @ exposures + self.diagonal @ (w * w)
        turnover = np.abs(w - self.previous).sum() if self.cost else 0.0
        return float(self.mu @ w - self.aversion * risk - self.cost * turnover)


@dataclass(frozen=True)
class Answer:
    """weights [N], gap: upper bound less objective, in units of the objective's size; iterations of Newton's method."""

    weights: Vector
    gap: float
    iterations: int


def solve(problem: Problem, start: Vector | None = None) -> Answer:
    """The optimum. start [K]: multipliers of an earlier, similar problem. The caller checks that a w is feasible."""
    z = np.zeros(len(problem.factors)) if start is None else start.copy()
    point = _Point.at(problem, z)
    best, steps = point, 0
    while best.gap > EXACT and steps < STEPS and (moved := _moved(problem, point)) is not None:
        point, steps = moved, steps + 1
        best = min(best, point, key=lambda item: item.gap)
    return Answer(best.weights, best.gap, steps)


@dataclass(frozen=True)
class _Point:
    """A multiplier z with the weights that it calls for, the dual value there and the relative gap."""

    z: Vector
    weights: Vector
    free: NDArray[np.bool_]
    dual: float
    gap: float

    @classmethod
    def at(cls, problem: Problem, z: Vector) -> _Point:
        pull = problem.mu - problem.factors.T @ z
        weights, free = _weights(problem, pull)
        exposures = problem.factors @ weights
        separate = pull @ weights - problem.aversion * (problem.diagonal @ (weights * weights))
        if problem.cost:
            separate -= problem.cost * np.abs(weights - problem.previous).sum()
        dual = float(separate + z @ z / (4 * problem.aversion))
        value = float(separate + z @ exposures - problem.aversion * (exposures @ exposures))
        scale = max(abs(value), problem.aversion * float(exposures @ exposures), np.finfo(float).tiny)
        return cls(z, weights, free, dual, max(dual - value, 0.0) / scale)


def _moved(problem: Problem, point: _Point) -> _Point | None:
    """One step of Newton's method that lowers the dual; None where none does."""
    gradient = point.z / (2 * problem.aversion) - problem.factors @ point.weights
    share = point.free / (2 * problem.aversion * problem.diagonal)
    active = problem.factors[:, point.free]
    hessian = np.eye(len(point.z)) / (2 * problem.aversion) + (active * share[point.free]) @ active.T
    if (total := float(share.sum())) > 0:
        pulled = problem.factors @ share
        hessian -= np.outer(pulled, pulled) / total
    step = np.linalg.solve(hessian, -gradient)
    slope, length = float(gradient @ step), 1.0
    if not slope < 0:
        return None
    for _ in range(HALVINGS):
        moved = _Point.at(problem, point.z + length * step)
        if moved.dual <= point.dual + 1e-4 * length * slope or moved.gap < 0.1 * point.gap:
            return moved
        length /= 2
    return None


def _weights(problem: Problem, pull: Vector) -> tuple[Vector, NDArray[np.bool_]]:
    """The weights that maximise the separate parts under the budget, and which of them move with the multiplier."""
    scale = 2 * problem.aversion * problem.diagonal
    # sum of weights as a function of nu falls from sum u to sum l: the corners of its pieces, in order
    bounds = _pull_at(problem, problem.lower, scale, last=True), _pull_at(problem, problem.upper, scale, last=False)
    edges = np.concatenate([pull - bound for bound in bounds])
    low, high = float(edges.min()), float(edges.max())
    nu = min(max(float(np.median(edges)), low), high)
    for _ in range(200):
        weights, free = _at(problem, pull - nu, scale)
        excess = float(weights.sum()) - problem.budget
        if excess == 0 or high - low <= 0:
            break
        low, high = (nu, high) if excess > 0 else (low, nu)
        slope = float((free / scale).sum())
        wanted = nu + excess / slope if slope > 0 else 0.5 * (low + high)
        if slope > 0 and abs(wanted - nu) <= 4 * np.finfo(float).eps * max(abs(nu), 1e-300):
            break
        nu = wanted if low < wanted < high else 0.5 * (low + high)
    return _at(problem, pull - nu, scale)


def _at(problem: Problem, net: Vector, scale: Vector) -> tuple[Vector, NDArray[np.bool_]]:
    if problem.cost:
        above, below = (net - problem.cost) / scale, (net + problem.cost) / scale
        wanted = np.where(above > problem.previous, above, np.where(below < problem.previous, below, problem.previous))
        moving = (above > problem.previous) | (below < problem.previous)
    else:
        wanted, moving = net / scale, np.ones(len(net), dtype=bool)
    weights = np.clip(wanted, problem.lower, problem.upper)
    return weights, moving & (wanted > problem.lower) & (wanted < problem.upper)


def _pull_at(problem: Problem, bound: Vector, scale: Vector, *, last: bool) -> Vector:
    """The pull at which a weight reaches a bound: below it the lower one holds, above it the upper one."""
    if not problem.cost:
        return scale * bound
    if last:
        return scale * bound + np.where(bound >= problem.previous, problem.cost, -problem.cost)
    return scale * bound + np.where(bound > problem.previous, problem.cost, -problem.cost)
