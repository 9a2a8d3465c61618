"""The mean-variance problems as cvxpy states them: the reference of the fast form, and the answer where that fails.

    maximise   mu'w - k (|Fw|^2 + sum a_i w_i^2) - c sum |w_i - p_i|
    subject to sum of w in every group = b, l <= w <= u, sum |w| <= L; one group, where none are given

Disciplined parametrised programming: a problem of one shape is compiled once, bounds and data are parameters, so that
the tradable set of a day never rebuilds it. Solved by Clarabel, or by MOSEK where it is installed with a licence.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np

from lib.errors import ParameterError
from lib.portfolio.dual import Answer, Problem

#: accuracy asked of the interior-point method
TOLERANCE = 1e-9


def solve_reference(problem: Problem, solver: str | None = None) -> Answer:
    """The optimum by an interior-point method.

    solver: a name of cvxpy's; None: MOSEK where it is installed with a licence, else Clarabel. The gap is the
    tolerance asked for.

    Raises ParameterError when the solver finds no optimum.
    """
    cvxpy: Any = import_module("cvxpy")  # its types know only a part of it

    compiled, given = form(problem)
    assign(problem, given)
    names = [solver] if solver else ["MOSEK", "CLARABEL"] if "MOSEK" in cvxpy.installed_solvers() else ["CLARABEL"]
    for name in names:
        options = {} if name != "CLARABEL" else dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), TOLERANCE)
        with warnings.catch_warnings():  # an answer just short of the tolerance is taken
            warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
            try:
                compiled.solve(solver=name, **options)
                break
            except cvxpy.error.SolverError:  # such as MOSEK without a licence
                if name == names[-1]:
                    raise ParameterError(f"portfolio: {name} failed; expected an optimum, or another solver") from None
    if compiled.status not in ("optimal", "optimal_inaccurate"):
        raise ParameterError(f"portfolio: {name} says {compiled.status}; expected an optimum: are the bounds feasible?")
    weights = np.asarray(given["w"].value)
    return Answer(weights, TOLERANCE, int(compiled.solver_stats.num_iters or 0), problem.excess(weights))


def form(problem: Problem, *, kept: bool = True) -> tuple[Any, dict[str, Any]]:
    """cvxpy's problem of this shape, and its variable w and parameters by name. kept: the one of earlier days, where
    there is one, which is compiled already."""
    many = 0 if problem.groups is None else int(problem.groups.max()) + 1
    build = _form if kept else _form.__wrapped__
    return build(len(problem.mu), len(problem.factors), many, np.isfinite(problem.leverage), problem.cost > 0)


def assign(problem: Problem, given: dict[str, Any]) -> None:
    """Writes the numbers of a problem into the parameters of its form.

    The objective is divided by its size at the diversified book: solvers compare their gap with numbers around 1.
    """
    size = float(np.abs(problem.mu).max() + problem.aversion * _variance(problem) + problem.cost) or 1.0
    given["mu"].value, given["lower"].value, given["upper"].value = problem.mu / size, problem.lower, problem.upper
    given["factors"].value = np.sqrt(problem.aversion / size) * problem.factors
    given["own"].value = np.sqrt(problem.aversion * problem.diagonal / size)
    given["budget"].value = problem.budget
    if problem.cost:
        given["cost"].value, given["paid"].value = problem.cost / size, problem.cost * problem.previous / size
    if problem.groups is not None:
        given["groups"].value = np.equal.outer(np.arange(problem.groups.max() + 1), problem.groups).astype(float)
    if np.isfinite(problem.leverage):
        given["leverage"].value = problem.leverage


def _variance(problem: Problem) -> float:
    """Of equal weights."""
    count = len(problem.mu)
    exposures = problem.factors.mean(axis=1)
    return float(exposures @ exposures + problem.diagonal.mean() / count)


@lru_cache(maxsize=8)
def _form(stocks: int, rank: int, groups: int, limited: bool, costly: bool) -> tuple[Any, dict[str, Any]]:
    """A compiled problem of one shape and its parameters."""
    cvxpy: Any = import_module("cvxpy")  # its types know only a part of it

    w = cvxpy.Variable(stocks)
    given: dict[str, Any] = {
        "w": w, "mu": cvxpy.Parameter(stocks), "factors": cvxpy.Parameter((rank, stocks)),
        "own": cvxpy.Parameter(stocks, nonneg=True), "lower": cvxpy.Parameter(stocks), "upper": cvxpy.Parameter(stocks),
        "budget": cvxpy.Parameter(),
    }  # fmt: skip
    risk = cvxpy.sum_squares(given["factors"] @ w) + cvxpy.sum_squares(cvxpy.multiply(given["own"], w))
    gain = given["mu"] @ w - risk
    if costly:  # the cost times |w - p| as |c w - c p|: a product of parameters is not parametrised by cvxpy's rules
        given["cost"], given["paid"] = cvxpy.Parameter(nonneg=True), cvxpy.Parameter(stocks)
        gain -= cvxpy.norm(given["cost"] * w - given["paid"], 1)
    limits = [w >= given["lower"], w <= given["upper"]]
    if groups:
        given["groups"] = cvxpy.Parameter((groups, stocks), nonneg=True)
        limits.append(given["groups"] @ w == given["budget"])
    else:
        limits.append(cvxpy.sum(w) == given["budget"])
    if limited:
        given["leverage"] = cvxpy.Parameter(nonneg=True)
        limits.append(cvxpy.norm(w, 1) <= given["leverage"])
    found = cvxpy.Problem(cvxpy.Maximize(gain), limits)
    assert found.is_dcp(dpp=True)
    return found, given
