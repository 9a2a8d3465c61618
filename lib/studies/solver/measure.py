"""How long a day of the optimiser takes, part by part, and how exact its answer is, in every form on the same days.

Cold and warm alternate day by day in one process on one thread, with ours on the same day between them, so that ratios
belong to one run. Times are CPU seconds. A row measures a machine: `verify` leaves it alone.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio.covariance import ledoit_wolf
from lib.portfolio.dual import Problem, solve
from lib.portfolio.reference import solve_reference
from lib.stats.keys import Key
from lib.store.rows import Record
from lib.studies.how_fast.records import of_spread
from lib.studies.solver.days import Day, days
from lib.studies.solver.forms import AVERSION, CAP, PARTS, Taken, is_parametrised, missing, problem_of, solver_of

#: forms with the solvers of cvxpy that each is given to
SOLVERS = ("SCS", "OSQP", "CLARABEL", "PIQP")
FORMS = ("dense", "factor", "package", "ours")
MODES = ("cold", "warm")
#: books that ours is checked on: limits beside the cap, cost of a unit of turnover
BOOKS: Mapping[str, Mapping[str, Any]] = {
    "long-only": {},
    "long-only with costs": {"cost": 0.0008},
    "market-neutral": {"leverage": 2.0, "cost": 0.0008},
}
AVERSIONS = (1.0, 5.0, 20.0, 100.0)
FORM = Key("{form} {solver}", form=FORMS, solver=(*SOLVERS, "alone"))
EXACT = Key("{book}, aversion {aversion}, {stocks} stocks, {days} days", book=BOOKS)
#: days of an exact row that Clarabel solves too
CHECKED = 5


def grid(settings: Settings) -> Iterator[Config]:
    size = {"stocks": settings["stocks"], "look_back": settings["look_back"]}
    for seed in settings["seeds"]:
        yield {"variant": "covariance", "kind": "covariance", "seed": seed, **size}
        pairs = [(form, name) for form in ("dense", "factor") for name in SOLVERS]
        for form, name in [*pairs, ("package", "alone"), ("ours", "alone")]:
            yield {"variant": FORM.name(form=form, solver=name), "kind": "form", "seed": seed, "form": form,
                   "solver": name, "days": settings["days"], **size}  # fmt: skip
        plans = [(book, aversion, size["stocks"], settings["exact_days"]) for book in BOOKS for aversion in AVERSIONS]
        plans += [(book, AVERSION, settings["many_stocks"], settings["days"]) for book in BOOKS]
        plans.append(("long-only", AVERSION, size["stocks"], settings["back_test_days"]))
        for book, aversion, stocks, count in plans:
            variant = EXACT.name(book=book, aversion=f"{aversion:g}", stocks=stocks, days=count)
            yield {"variant": variant, "kind": "exact", "seed": seed, "book": book, "aversion": aversion, "days": count,
                   **size, "stocks": stocks}  # fmt: skip


def unavailable(row: Config) -> str:
    """The solver or package that a row needs and this machine lacks."""
    return missing(row["form"], row["solver"]) if row["kind"] == "form" else ""


def compute(row: Config, settings: Settings) -> RowResult:
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # such as that a problem is not parametrised: that is what is measured
        return RowResult(list(KINDS[row["kind"]](row)))


# ------------------------------------------------------------------------------------------- the forms


def _form(row: Config) -> Iterator[Record]:
    """Each day cold and warm, in turns, and ours. The first day warms everything up and is no sample."""
    form, name = row["form"], row["solver"]
    calls = {mode: solver_of(form, name, mode == "warm") for mode in MODES} | {"ours": solver_of("ours", "", False)}
    taken: dict[str, list[Taken]] = {mode: [] for mode in calls}
    off: dict[str, list[tuple[float, float]]] = {mode: [] for mode in MODES}
    for place, day in enumerate(days(row["stocks"], row["look_back"], row["days"] + 1, row["seed"])):
        found = {mode: calls[mode](day) for mode in list(calls)[:: 1 if place % 2 else -1]}
        if place:
            for mode, item in found.items():
                taken[mode].append(item)
            problem, best = problem_of(day), found["ours"].weights
            for mode in MODES:
                off[mode].append(_off(problem, best, found[mode].weights))
    yield from of_spread("ours: cpu", [item.cpu for item in taken["ours"]])
    for mode in MODES:
        yield from of_spread(f"{mode}: cpu", [item.cpu for item in taken[mode]])
        for part in PARTS:
            yield from of_spread(f"{mode}: {part}", [max(getattr(item, part), 1e-9) for item in taken[mode]])
        yield {"metric": f"{mode}: deficit", "value": max(gap for gap, _ in off[mode]), "n": row["days"]}
        yield {"metric": f"{mode}: excess", "value": max(excess for _, excess in off[mode]), "n": row["days"]}
        yield from of_spread(f"{mode}: times ours", _ratios(taken[mode], taken["ours"]))
    yield from of_spread("cold / warm", _ratios(taken["cold"], taken["warm"]))
    if form != "package":
        pairs = zip(taken["cold"], taken["warm"], strict=True)
        alone = [(a.cpu - a.covariance) / (b.cpu - b.covariance) for a, b in pairs]
        yield from of_spread("cold / warm without covariance", alone)
    if form in (rules := is_parametrised()):
        yield {"metric": "parametrised", "value": float(rules[form])}


def _off(problem: Problem, best: Any, weights: Any) -> tuple[float, float]:
    """By how much the objective falls short of ours, relative, and by how much a limit is broken."""
    value = problem.value(best)
    scale = max(abs(value), problem.aversion * float(((problem.factors @ best) ** 2).sum()))
    return (value - problem.value(weights)) / scale, problem.excess(weights)


def _ratios(first: list[Taken], second: list[Taken]) -> list[float]:
    return [a.cpu / b.cpu for a, b in zip(first, second, strict=True)]


# ---------------------------------------------------------------------------------------- ours, exactly


def _exact(row: Config) -> Iterator[Record]:
    """Ours on many days: certificates, times with the covariance, and some days by Clarabel."""
    spent, covariance, gaps, excesses, steps, apart = [], [], [], [], [], []
    previous = np.zeros(row["stocks"])
    checked = set(np.linspace(0, row["days"] - 1, CHECKED).astype(int)) if row["days"] <= row["stocks"] else set()
    for place, day in enumerate(days(row["stocks"], row["look_back"], row["days"], row["seed"])):
        if not place:  # loads the compiled loops
            solve(book_of(row["book"], row["aversion"], day, ledoit_wolf(day.history), previous))
        began = time.process_time()
        found = ledoit_wolf(day.history)
        covariance.append(time.process_time() - began)
        problem = book_of(row["book"], row["aversion"], day, found, previous)
        answer = solve(problem, previous if place else None)
        spent.append(time.process_time() - began)
        previous = answer.weights
        gaps.append(answer.gap)
        excesses.append(answer.excess)
        steps.append(float(answer.iterations))
        if place in checked:
            other = solve_reference(problem, "CLARABEL")
            apart.append(_off(problem, answer.weights, other.weights)[0])
    measured = {"cpu": spent, "covariance": covariance, "iterations": [max(step, 1.0) for step in steps]}
    for name, values in measured.items():
        yield from of_spread(name, values)
    largest = {"largest cpu": spent, "largest gap": gaps, "largest excess": excesses}
    yield from ({"metric": name, "value": max(values), "n": len(values)} for name, values in largest.items())
    yield {"metric": "total cpu", "value": sum(spent), "n": len(spent)}
    if apart:
        yield {"metric": "Clarabel short of ours", "value": max(apart), "n": len(apart)}
        yield {"metric": "ours short of Clarabel", "value": max(-gap for gap in apart), "n": len(apart)}


def book_of(book: str, aversion: float, day: Day, covariance: Any, previous: Any) -> Problem:
    """One of BOOKS on a day."""
    limits = BOOKS[book]
    neutral, nothing = "leverage" in limits, np.zeros(len(day.mu))
    return Problem(
        day.mu, covariance.factors, covariance.diagonal, aversion, limits.get("cost", 0.0), previous,
        nothing - CAP if neutral else nothing, nothing + CAP, 0.0 if neutral else 1.0,
        np.unique(day.groups, return_inverse=True)[1] if neutral else None, limits.get("leverage", np.inf),
    )  # fmt: skip


# ----------------------------------------------------------------------------------------- covariance


def _covariance(row: Config) -> Iterator[Record]:
    """Ledoit and Wolf's estimate: ours and scikit-learn's, with the largest difference between the two."""
    from sklearn.covariance import LedoitWolf

    ours, theirs, apart = [], [], 0.0
    for place, day in enumerate(days(row["stocks"], row["look_back"], 6, row["seed"])):
        marks = [time.process_time()]
        found = ledoit_wolf(day.history)
        marks.append(time.process_time())
        other = LedoitWolf().fit(day.history).covariance_
        marks.append(time.process_time())
        if place:
            ours.append(marks[1] - marks[0])
            theirs.append(marks[2] - marks[1])
        apart = max(apart, float(np.abs(found.dense() - other).max() / np.abs(other).max()))
    yield from of_spread("ours: cpu", ours)
    yield from of_spread("scikit-learn: cpu", theirs)
    yield from of_spread("times ours", [b / a for a, b in zip(ours, theirs, strict=True)])
    yield {"metric": "difference", "value": apart}


KINDS: Mapping[str, Callable[[Config], Iterator[Record]]] = {
    "form": _form, "exact": _exact, "covariance": _covariance,
}  # fmt: skip
