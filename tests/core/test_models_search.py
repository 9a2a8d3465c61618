"""The search: points of each method, resuming after a kill, Pareto fronts, ledgers, deflation."""

from __future__ import annotations

import itertools
import json
import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from lib.errors import LoadError, ParameterError, StoreError, UnknownNameError
from lib.models.search import METHODS, STARTUP, Range, Trial, best, deflated, grid, pareto, random_point, search, trials

SPACE = {"rate": Range(0.01, 1, log=True), "leaves": Range(4, 64, log=True, whole=True)}
GOALS = {"score": 1}


class Killed(BaseException):
    pass


def bowl(settings):
    """Largest, 0, at rate .1 and 16 leaves."""
    distance = (math.log10(settings["rate"]) + 1) ** 2 + (math.log2(settings["leaves"]) - 4) ** 2
    return {"score": -distance, "leaves": settings["leaves"]}


def run(method, count=12, goals=GOALS, objective=bowl, **options):
    return search(objective, SPACE, method=method, count=count, seed=3, goals=goals, **options)


def test_values_lie_evenly_on_their_own_scale_and_can_be_read_back():
    span = Range(0.01, 100, log=True)
    shares = np.linspace(0, 1, 9)
    values = [span.at(share) for share in shares]
    assert np.allclose(np.diff(np.log10(values)), 0.5) and np.allclose([span.share(value) for value in values], shares)
    assert Range(4, 64, log=True, whole=True).at(0.49) == 16 and Range(2, 4).share(3) == 0.5
    drawn = [random_point(SPACE, 0, number) for number in range(400)]
    logs = np.log10([point["rate"] for point in drawn])
    assert abs(logs.mean() + 1) < 0.1 and {point["leaves"] for point in drawn} >= {4, 64}


@pytest.mark.parametrize(("count", "levels"), [(1, 1), (3, 1), (4, 2), (26, 5), (27, 5)])
def test_a_grid_is_the_largest_full_one(count, levels):
    points = grid(SPACE, count)
    assert len(points) == levels**2 == len({tuple(point.values()) for point in points})
    if levels > 1:
        corners = set(itertools.product((0.01, 1.0), (4, 64)))
        assert corners <= {(round(point["rate"], 12), point["leaves"]) for point in points}


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_search_ends_where_it_would_have_ended(method, tmp_path):
    whole, file, calls = run(method), tmp_path / "ledger.jsonl", []
    kills = (2, 8) if method == "grid" else (2, 11)  # the second when the Gaussian process has begun to learn

    def dies(settings):
        calls.append(settings)
        if len(calls) in kills:
            raise Killed
        return bowl(settings)

    for _ in range(2):
        with pytest.raises(Killed):
            run(method, objective=dies, ledger=file)
    with file.open("ab") as torn:  # killed in the middle of a line
        torn.write(b'{"trial": 9, "sett')
    assert run(method, objective=dies, ledger=file) == whole
    lines = file.read_text().splitlines()
    assert len(lines) == 1 + len(whole) and [json.loads(line)["trial"] for line in lines[1:]] == list(range(len(whole)))
    assert run(method, objective=dies, ledger=file) == whole and len(calls) == len(whole) + 2


def test_the_gaussian_process_learns_from_its_trials():
    found = run("gp", 20)
    early, late = (max(t.values["score"] for t in part) for part in (found[:STARTUP], found[STARTUP:]))
    assert late > early and late > max(t.values["score"] for t in run("random", 20))
    away = run("gp", 20, objective=lambda s: {"score": -bowl(s)["score"]})
    assert away[:STARTUP] != found[STARTUP:] and [t.settings for t in away[:8]] == [t.settings for t in found[:8]]
    assert away[-1].settings != found[-1].settings


def test_a_trial_without_a_finite_goal_is_kept_and_not_learned_from():
    def sometimes(settings):
        return {"score": math.nan if settings["leaves"] > 40 else bowl(settings)["score"]}

    found = run("gp", 12, objective=sometimes)
    assert len(found) == 12 and any(math.isnan(t.values["score"]) for t in found)
    assert math.isfinite(best(found, "score").values["score"])
    with pytest.raises(ParameterError, match="no trial has a finite 'score'"):
        best([Trial(0, {}, {"score": math.nan})], "score")


def test_the_front_is_that_of_a_loop_over_pairs():
    rng = np.random.default_rng(0)
    made = [Trial(k, {}, {"ic": float(a), "trees": float(b)}) for k, (a, b) in enumerate(rng.integers(0, 6, (60, 2)))]
    made.append(Trial(60, {}, {"ic": math.nan, "trees": 0.0}))
    goals = {"ic": 1, "trees": -1}
    pairs = {(t.values["ic"], t.values["trees"]) for t in made[:-1]}
    expected = {(a, b) for a, b in pairs if not any((c >= a and d <= b) and (c, d) != (a, b) for c, d in pairs)}
    found = pareto(made, goals)
    assert {(t.values["ic"], t.values["trees"]) for t in found} == expected and len(found) == len(expected)
    assert [t.values["ic"] for t in found] == sorted(t.values["ic"] for t in found)
    both = run("gp", 12, {"score": 1, "leaves": -1})
    assert len(pareto(both, {"score": 1, "leaves": -1})) >= 1


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [({"method": "gpp"}, UnknownNameError, "search method 'gpp'"), ({"count": 0}, ParameterError, "got 0 trials"),
     ({"goals": {"score": 2}}, ParameterError, "goals are"), ({"goals": {"ic": 1}}, ParameterError, "the goal 'ic'")],
)  # fmt: skip
def test_bad_calls_say_what_is_wrong(change, error, words):
    given = {"method": "random", "count": 2, "seed": 0, "goals": GOALS} | change
    with pytest.raises(error, match=words):
        search(bowl, SPACE, **given)
    with pytest.raises(ParameterError, match="expected low < high"):
        Range(0.0, 1.0, log=True)


def test_a_ledger_of_another_search_and_a_broken_one_are_refused(tmp_path):
    file = tmp_path / "ledger.jsonl"
    run("random", 2, ledger=file)
    with pytest.raises(StoreError, match="left by another search"):
        search(bowl, SPACE, method="random", count=2, seed=4, goals=GOALS, ledger=file)
    file.write_text(file.read_text() + "nonsense\n")
    with pytest.raises(StoreError, match="cannot be read"):
        run("random", 2, ledger=file)


def test_deflation_counts_effective_trials():
    """Independent trials without skill: the formula of Bailey and Lopez de Prado, by hand."""
    rng = np.random.default_rng(1)
    returns = rng.normal(0.0, 0.01, (500, 10))
    found = deflated(returns)
    sharpes = returns.mean(axis=0) / returns.std(axis=0, ddof=1)
    correlation = np.corrcoef(returns, rowvar=False)
    rho = (correlation.sum() - 10) / 90
    count = min(10.0, rho + (1 - rho) * 10)
    normal, c = NormalDist(), 0.5772156649015329
    most = (1 - c) * normal.inv_cdf(1 - 1 / count) + c * normal.inv_cdf(1 - 1 / (count * math.e))
    own = returns[:, sharpes.argmax()]
    z = (own - own.mean()) / own.std()
    spread = 1 - (z**3).mean() * sharpes.max() + ((z**4).mean() - 1) / 4 * sharpes.max() ** 2
    expected = normal.cdf((sharpes.max() - most * sharpes.std(ddof=1)) * math.sqrt(499) / math.sqrt(spread))
    assert found.best == sharpes.argmax() and found.trials == 10 and found.effective == pytest.approx(count)
    assert found.dsr == pytest.approx(expected, rel=1e-9)
    copies = deflated(np.column_stack([own, own * 1.001 + 1e-5]))
    assert copies.effective == pytest.approx(1, abs=1e-6) and deflated(own[:, None]).trials == 1


def test_trials_of_a_recorded_study_are_read_from_its_rows(tmp_path):
    lines = [("gp ic trial 0", 0, "setting rate", 0.1), ("gp ic trial 0", 0, "ic", 0.02), ("gp ic", 0, "dsr", 0.5),
             ("gp ic trial 0", 1, "setting rate", 0.2), ("gp ic trial 0", 1, "ic", 0.03)]  # fmt: skip
    pd.DataFrame(lines, columns=["variant", "seed", "metric", "value"]).to_csv(tmp_path / "made.csv", index=False)
    found = trials("made", tmp_path)
    assert found.to_dict("list") == {"variant": ["gp ic trial 0"] * 2, "seed": [0, 1], "ic": [0.02, 0.03],
                                     "setting rate": [0.1, 0.2]}  # fmt: skip
    with pytest.raises(LoadError, match="record the study first"):
        trials("other", tmp_path)
    pd.DataFrame(lines[2:3], columns=["variant", "seed", "metric", "value"]).to_csv(tmp_path / "none.csv", index=False)
    with pytest.raises(LoadError, match="it searches nothing"):
        trials("none", tmp_path)
    assert len(trials("learner_tuning")) >= 120
