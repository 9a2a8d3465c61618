"""The mean-variance problems as cvxpy states them: the reference of the fast form, and the market-neutral book.

    maximise   mu'w - k (|Fw|^2 + sum a_i w_i^2) - c sum |w_i - p_i|
    subject to sum w = b, l <= w <= u; for a market-neutral book b = 0, sum of w in every group 0, sum |w| <= leverage

Disciplined parametrised programming: a problem of one shape is compiled once, bounds and data are parameters, so that
the tradable set of a day never rebuilds it. Solved by Clarabel, or by MOSEK where it is installed with a licence.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.errors import ParameterError
from lib.portfolio.dual import Answer, Problem

#: accuracy asked of the interior-point method
TOLERANCE = 1e-9


def solve_reference(
    problem: Problem, groups: NDArray[np.int64] | None = None, leverage: float | None = None, solver: str | None = None
) -> Answer:
    """The optimum by an interior-point method.

    groups: codes [N] of groups whose weights sum to 0 each. leverage: most of sum |w|. solver: a name of cvxpy's; None:
    MOSEK where it is installed, else Clarabel. The gap is the solver's own tolerance.

    Raises ParameterError when the solver finds no optimum.
    """
    cvxpy: Any = import_module("cvxpy")  # its types know only a part of it

    stocks, rank = len(problem.mu), len(problem.factors)
    many = 0 if groups is None else int(groups.max()) + 1
    form, given = _form(stocks, rank, many, leverage is not None, problem.cost > 0)
    given["mu"].value, given["lower"].value, given["upper"].value = problem.mu, problem.lower, problem.upper
    given["factors"].value = np.sqrt(problem.aversion) * problem.factors
    given["own"].value = np.sqrt(problem.aversion * problem.diagonal)
    given["budget"].value = problem.budget
    if problem.cost:
        given["cost"].value, given["paid"].value = problem.cost, problem.cost * problem.previous
    if groups is not None:
        given["groups"].value = np.equal.outer(np.arange(many), groups).astype(float)
    if leverage is not None:
        given["leverage"].value = leverage
    name = solver or ("MOSEK" if "MOSEK" in cvxpy.installed_solvers() else "CLARABEL")
    options = {} if name != "CLARABEL" else dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), TOLERANCE)
    with warnings.catch_warnings():  # an answer just short of the tolerance is taken, and says so by its gap
        warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
        form.solve(solver=name, **options)
    if form.status not in ("optimal", "optimal_inaccurate"):
        raise ParameterError(f"portfolio: {name} says {form.status}; expected an optimum: are the bounds feasible?")
    iterations = int(form.solver_stats.num_iters or 0)
    return Answer(np.asarray(given["w"].value), TOLERANCE, iterations)


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
    limits = [cvxpy.sum(w) == given["budget"], w >= given["lower"], w <= given["upper"]]
    if groups:
        given["groups"] = cvxpy.Parameter((groups, stocks), nonneg=True)
        limits.append(given["groups"] @ w == 0)
    if limited:
        given["leverage"] = cvxpy.Parameter(nonneg=True)
        limits.append(cvxpy.norm(w, 1) <= given["leverage"])
    form = cvxpy.Problem(cvxpy.Maximize(gain), limits)
    assert form.is_dcp(dpp=True)
    return form, given
