"""The long-only problem of a day in every form that is compared: cvxpy's two, the authors' package, and ours.

    dense     the covariance as an n x n parameter of a quadratic form, Ledoit-Wolf by scikit-learn, eigenvalues
              clamped: what the papers describe. A product of parameters and variables that cvxpy's rules for
              parametrised problems (DPP) do not cover
    factor    the covariance in factors: covered by those rules
    package   the authors' own class, whatever it does inside
    ours      `lib.portfolio`

Cold builds everything anew each day, as if the day before had not been; warm keeps the problem and starts from the last
answer, where the solver can.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from lib.arrays import Vector
from lib.portfolio.covariance import ledoit_wolf
from lib.portfolio.dual import Problem, solve
from lib.portfolio.reference import assign, form
from lib.studies.solver.days import Day

CAP, AVERSION = 0.03, 10.0
#: the least eigenvalue that the papers leave in a covariance
CLAMP = 1e-10
PARTS = ("covariance", "parameters", "compile", "setup", "solve")
#: the authors' package: its name, and that of its module
PACKAGE, MODULE = "mlquantx", "mlquant"


class Taken(NamedTuple):
    """CPU seconds of the parts of one day, and the weights. The parts of a package are not seen: all is its solve."""

    covariance: float
    parameters: float
    compile: float
    setup: float
    solve: float
    weights: Vector

    @property
    def cpu(self) -> float:
        """Of the whole day."""
        return self.covariance + self.parameters + self.compile + self.setup + self.solve


Solver = Callable[[Day], Taken]


def problem_of(day: Day) -> Problem:
    """The long-only problem (paper B, eq. 4) of a day; ours throughout."""
    found, nothing = ledoit_wolf(day.history), np.zeros(len(day.mu))
    return Problem(day.mu, found.factors, found.diagonal, AVERSION, 0.0, nothing, nothing, nothing + CAP, 1.0)


def ours(warm: bool) -> Solver:
    """The fast form; warm: started from the weights of the day before."""
    last: list[Vector] = []

    def take(day: Day) -> Taken:
        began = time.process_time()
        problem = problem_of(day)
        middle = time.process_time()
        weights = solve(problem, last[-1] if warm and last else None).weights
        last[:] = [weights]
        return Taken(middle - began, 0.0, 0.0, 0.0, time.process_time() - middle, weights)

    return take


def factor(name: str, warm: bool) -> Solver:
    """cvxpy with the covariance in factors; name: of the solver."""

    def take(day: Day) -> Taken:
        began = time.process_time()
        problem = problem_of(day)
        estimated = time.process_time() - began
        compiled, given = form(problem, kept=warm)
        return _cvxpy(compiled, given["w"], lambda: assign(problem, given), name, warm, estimated)

    return take


def dense(name: str, warm: bool) -> Solver:
    """cvxpy with the covariance as a matrix of parameters."""
    kept: list[Any] = []

    def take(day: Day) -> Taken:
        began = time.process_time()
        sigma = _clamped(day)
        estimated = time.process_time() - began
        if not (warm and kept):
            kept[:] = _dense(len(day.mu))
        problem, w, mu, matrix = kept

        def write() -> None:
            mu.value, matrix.value = day.mu, sigma

        return _cvxpy(problem, w, write, name, warm, estimated)

    return take


def package(warm: bool) -> Solver:
    """The authors' class; warm: one object for all days, as its description asks for."""
    theirs: Any = import_module("mlquant.portfolio")
    config = theirs.MarkowitzConfig(risk_aversion=AVERSION, weight_cap=CAP)
    kept = theirs.MarkowitzOptimizer(config)

    def take(day: Day) -> Taken:
        began = time.process_time()
        optimiser = kept if warm else theirs.MarkowitzOptimizer(config)
        weights = np.asarray(optimiser.solve(day.mu, day.history))
        return Taken(0.0, 0.0, 0.0, 0.0, time.process_time() - began, weights)

    return take


def solver_of(what: str, name: str, warm: bool) -> Solver:
    """A form by its name; name: of cvxpy's solver."""
    if what in ("ours", "package"):
        return (ours if what == "ours" else package)(warm)
    return {"factor": factor, "dense": dense}[what](name, warm)


def missing(what: str, name: str) -> str:
    """What is not installed here for a form; "" for nothing."""
    if what == "package":
        return "" if find_spec(MODULE) else PACKAGE
    if what == "ours":
        return ""
    cvxpy: Any = import_module("cvxpy")
    return "" if name in cvxpy.installed_solvers() else name


def is_parametrised() -> dict[str, bool]:
    """Form -> whether cvxpy's rules for parametrised problems cover it."""
    rng = np.random.default_rng(0)
    day = Day(np.zeros(40), rng.normal(0, 0.02, (30, 40)), np.zeros(40, dtype=np.intp))
    return {"dense": bool(_dense(40)[0].is_dcp(dpp=True)),
            "factor": bool(form(problem_of(day), kept=False)[0].is_dcp(dpp=True))}  # fmt: skip


def _clamped(day: Day) -> Any:
    """Ledoit and Wolf's matrix by scikit-learn, its eigenvalues at least CLAMP."""
    from sklearn.covariance import LedoitWolf

    sigma = LedoitWolf().fit(day.history).covariance_
    values, vectors = np.linalg.eigh(0.5 * (sigma + sigma.T))
    return (vectors * np.maximum(values, CLAMP)) @ vectors.T


def _dense(stocks: int) -> tuple[Any, Any, Any, Any]:
    cvxpy: Any = import_module("cvxpy")
    w, mu, sigma = cvxpy.Variable(stocks), cvxpy.Parameter(stocks), cvxpy.Parameter((stocks, stocks), PSD=True)
    gain = mu @ w - AVERSION * cvxpy.quad_form(w, sigma)
    return cvxpy.Problem(cvxpy.Maximize(gain), [cvxpy.sum(w) == 1, w >= 0, w <= CAP]), w, mu, sigma


def _cvxpy(problem: Any, w: Any, write: Callable[[], None], name: str, warm: bool, covariance: float) -> Taken:
    """A day of a cvxpy problem, part by part. The solver's CPU time is split by its own account of set-up and solve."""
    marks = [time.process_time()]
    write()
    marks.append(time.process_time())
    data, chain, inverse = problem.get_problem_data(name, solver_opts={})
    marks.append(time.process_time())
    raw = chain.solve_via_data(problem, data, warm_start=warm, verbose=False, solver_opts={})
    problem.unpack_results(raw, chain, inverse)
    marks.append(time.process_time())
    parameters, compiled, solved = np.diff(marks)
    setup, inside = float(problem.solver_stats.setup_time or 0), float(problem.solver_stats.solve_time or 0)
    share = setup / (setup + inside) if setup + inside else 0.0
    weights = np.asarray(w.value, dtype=float)
    return Taken(covariance, float(parameters), float(compiled), share * solved, (1 - share) * solved, weights)
