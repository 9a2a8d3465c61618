"""What the filter leaves behind as numbers: the funnel, the null market, the curves, the hold-out, every candidate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lib.factors.quality import CRITERIA, Bound, Daily, Periods, Verdict, count_interval, distinct, passes
from lib.factors.quality.criteria import loosened
from lib.factors.quality.luck import null_estimates
from lib.stats import Estimate, newey_west_errors, normal_interval
from lib.store.rows import Record, records

Values = Mapping[str, np.ndarray]

TESTS = tuple(CRITERIA)
#: strictness of all tests together: 0 asks for nothing, 1 is as declared
STRICTNESS = tuple(k / 20 for k in range(31))
#: measures listed for every candidate; of the others `failed` says whether they were enough
LISTED = ("ic", "ir", "stability", "decay", "sensitivity", "turnover")
#: digits of a candidate's numbers that are worth keeping
DIGITS = 4


@dataclass(frozen=True)
class Filtered:
    """The training period's daily numbers, the measures, thresholds, twins and verdict that follow from them."""

    training: Daily
    pairs: Sequence[tuple[int, int]]
    measures: Mapping[str, Bound]
    limits: Mapping[str, float]
    correlation: np.ndarray
    redundancy: float
    verdict: Verdict

    @property
    def values(self) -> dict[str, np.ndarray]:
        return {name: bound.value for name, bound in self.measures.items()}


def filter_records(source: str, found: Filtered, test: Daily, rng: np.random.Generator, draws: int) -> Iterator[Record]:
    """All records of one market; see the functions below for the variants and metrics."""
    periods = Periods.of(found.training, found.pairs)
    null = null_estimates(periods, found.measures, rng, draws)
    low, high = count_interval(periods, found.measures, found.limits, rng, draws)
    yield from _funnel(found)
    yield from records(Estimate(float(found.verdict.stable.sum()), low, high).columns("left"))
    yield from _null_funnel(found, null)
    yield from _curves(source, found, null)
    yield from _holdout(source, found.verdict, np.sign(periods.mean), found.training, test)
    yield from _candidates(source, found, np.sign(periods.mean), test)


# ----------------------------------------------------------------------------------------------- counts


def _funnel(found: Filtered) -> Iterator[Record]:
    """`left after TEST`; `first TEST`, whom it drops first; `failed TEST`, all who fail it; `threshold TEST`."""
    verdict = found.verdict
    reasons = [verdict.reason(k) for k in range(len(verdict.names))]
    yield {"metric": "candidates", "value": len(verdict.names)}
    for k, name in enumerate(TESTS):
        yield from records({
            f"threshold {name}": found.limits[name],
            f"left after {name}": verdict.passed[:, : k + 1].all(axis=1).sum(),
            f"first {name}": reasons.count(name),
            f"failed {name}": (~verdict.passed[:, k]).sum(),
        })  # fmt: skip
    yield from records({
        "threshold redundant": found.redundancy,
        "left after redundant": reasons.count("kept"),
        "first redundant": reasons.count("redundant"),
    })  # fmt: skip
    for metric, standard in (("left, shown", "low"), ("left, not refuted", "high")):
        strict = passes(found.measures, found.limits, standard)  # type: ignore[arg-type]
        yield {"metric": metric, "value": int(strict.all(axis=1).sum())}


def _null_funnel(found: Filtered, null: Sequence[Values]) -> Iterator[Record]:
    """`null after TEST`: who is left in the null market, mean over the draws and the middle 95 % of them."""
    left = []
    for values in null:
        passed = passes(values, found.limits)
        counts = [int(passed[:, : k + 1].all(axis=1).sum()) for k in range(len(TESTS))]
        leader = distinct(found.correlation, values["ir"], np.asarray(passed.all(axis=1)), found.redundancy)
        left.append([*counts, int((leader == np.arange(len(leader))).sum())])
    for name, counts in zip((*TESTS, "redundant"), np.array(left).T, strict=True):
        middle = Estimate(float(counts.mean()), *np.quantile(counts, [0.025, 0.975]))
        yield from records(middle.columns(f"null after {name}"))


# ----------------------------------------------------------------------------------------------- curves


def _curves(source: str, found: Filtered, null: Sequence[Values]) -> Iterator[Record]:
    """Variant "SOURCE at TEST", metric the threshold: `left` and `null` with every other test as declared.

    "SOURCE at all tests": all thresholds moved together, the metric is the strictness.
    """
    for k, item in enumerate(CRITERIA.values()):
        left = _curve(found.values, found.limits, k, item.curve)
        chance = np.mean([_curve(values, found.limits, k, item.curve) for values in null], axis=0)
        yield from _points(f"{source} at {item.name}", item.curve, left, chance)
    together = [_together(values, found.limits) for values in null]
    yield from _points(
        f"{source} at all tests", STRICTNESS, _together(found.values, found.limits), np.mean(together, axis=0)
    )


def _curve(values: Values, limits: Mapping[str, float], k: int, steps: Sequence[float]) -> np.ndarray:
    """Counts left at other thresholds of the k-th test."""
    others = np.delete(passes(values, limits), k, axis=1).all(axis=1)
    return np.array([(others & (values[TESTS[k]] >= step)).sum() for step in steps])


def _together(values: Values, limits: Mapping[str, float]) -> np.ndarray:
    return np.array([passes(values, loosened(limits, s)).all(axis=1).sum() for s in STRICTNESS])


def _points(variant: str, steps: Sequence[float], left: np.ndarray, chance: np.ndarray) -> Iterator[Record]:
    for step, count, luck in zip(steps, left, chance, strict=True):
        yield from records({f"{step:g}: left": count, f"{step:g}: null": luck}, variant=variant)


# ------------------------------------------------------------------------------ afterwards, and one by one


def _holdout(
    source: str, verdict: Verdict, direction: np.ndarray, training: Daily, test: Daily
) -> Iterator[Record]:
    """Variant "SOURCE dropped by TEST" (or "kept"): mean IC of its candidates in the direction of the training period.

    One daily series per group, so the interval counts what its candidates share once.
    """
    reasons = np.array([verdict.reason(k) for k in range(len(verdict.names))])
    for reason in ("kept", "redundant", *TESTS):
        members = reasons == reason
        for metric, daily in (("train_ic", training), ("test_ic", test)):
            series = daily.ic[0][:, members] * direction[members]
            known = np.isfinite(series)
            days = np.where(known.any(axis=1), np.nansum(series, axis=1) / np.maximum(known.sum(axis=1), 1), np.nan)
            if np.isfinite(days).sum() < 2:
                continue
            error = float(newey_west_errors(days[:, None].astype(float))[0])
            found = normal_interval(float(np.nanmean(days)), error).columns(metric)
            yield from records(found, int(members.sum()), f"{source} {reason}")


def _candidates(source: str, found: Filtered, direction: np.ndarray, test: Daily) -> Iterator[Record]:
    """Variant "SOURCE: NAME": its measures, the interval of the IC, the test period's IC; `failed`, a bit per test.

    `twin` is the position, among the candidates, of the kept one that represents it.
    """
    bits = (~found.verdict.passed) @ (1 << np.arange(len(TESTS)))
    ic, known = test.ic[0], np.isfinite(test.ic[0]).sum(axis=0)
    later = direction * np.nan_to_num(ic).sum(axis=0) / np.where(known, known, np.nan)
    columns = {name: found.measures[name].value for name in LISTED}
    columns |= {"ic.low": found.measures["ic"].low, "ic.high": found.measures["ic"].high, "test_ic": later}
    columns |= {"direction": direction, "failed": bits, "twin": found.verdict.leader}
    for k, name in enumerate(found.verdict.names):
        for metric, column in columns.items():
            if np.isfinite(column[k]):
                value = float(f"{column[k]:.{DIGITS}g}")
                yield {"variant": f"{source}: {name}", "metric": metric, "value": value}
