"""Purged k-fold cross-validation with an embargo (A s4.D): a day is tested once, by a fit on earlier and later days.

A fit goes round the test fold, so it needs a gap on both sides: before the fold the labels of the fit must end, after
it the windows of the fit must begin. The same holds for the validation fold, which lies as far from the test fold as it
can. For choosing settings only: a fit that reads later days is no back-test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from lib.errors import ParameterError
from lib.models.dataset import Dataset
from lib.models.gaps import Gaps
from lib.models.learners import find_learner
from lib.models.samples import check_parts
from lib.models.splits import Split


@dataclass(frozen=True)
class Fold:
    """Days [T] of the three parts, bool; days in none of them are purged or embargoed."""

    fit: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def purged_folds(n_days: int, k: int, gaps: Gaps) -> Iterator[Fold]:
    """k folds of consecutive days, each tested once; the fold half-way round validates, the others are fitted on.

    Let [a, b) be the test days. No day of the fit or validation lies in [a - purge, b + purge + embargo): its label
    would reach the test days, or its windows would read them or what their labels read. Of the fit the same holds for
    the validation days.

    Raises ParameterError for k below 3 and for folds whose gaps leave no day of a part.
    """
    if k < 3:
        raise ParameterError(f"k: got {k}; expected at least 3 folds, to fit, to validate and to test")
    edges = np.linspace(0, n_days, k + 1).round()
    spans = list(pairwise(int(edge) for edge in edges))
    for number, test in enumerate(spans):
        validation = spans[(number + k // 2) % k]
        near_test, near_validation = (_days(n_days, *span, gaps) for span in (test, validation))
        fold = Fold(~near_test & ~near_validation, _days(n_days, *validation) & ~near_test, _days(n_days, *test))
        if not (fold.fit.any() and fold.validation.any()):
            raise ParameterError(
                f"fold {number + 1} of {k}: {n_days} days, a purge of {gaps.purge} and an embargo of {gaps.embargo} "
                "leave a part empty; take more days, fewer folds, or factors that reach back less far"
            )
        yield fold


def _days(n_days: int, start: int, stop: int, gaps: Gaps | None = None) -> np.ndarray:
    """The days [start, stop), with what must be left free around them."""
    days = np.arange(n_days)
    before, after = (gaps.purge, gaps.purge + gaps.embargo) if gaps else (0, 0)
    return (days >= start - before) & (days < stop + after)


def arranged(data: Dataset, fold: Fold) -> tuple[Dataset, Split]:
    """The samples of a fold with its days numbered anew: those of the fit first, then validation, then test.

    A learner takes spans of days; the fit of a fold is no span until its days are numbered so. Features are copied.
    """
    parts = [np.flatnonzero(days) for days in (fold.fit, fold.validation, fold.test)]
    place = np.full(data.shape[0], -1)
    place[np.concatenate(parts)] = np.arange(sum(map(len, parts)))
    rows = np.flatnonzero(place[data.day] >= 0)
    rows = rows[np.argsort(place[data.day[rows]], kind="stable")]
    ends = np.cumsum([0, *map(len, parts)])
    split = Split(*(int(end) for pair in pairwise(ends) for end in pair))
    predicted = None if data.predicted is None else data.predicted[rows]
    own = replace(data, features=data.features[rows], label=data.label[rows], day=place[data.day[rows]],
                  stock=data.stock[rows], shape=(int(ends[-1]), data.shape[1]), predicted=predicted)  # fmt: skip
    return own, split


def fold_predictions(
    data: Dataset, dates: np.ndarray, *, learner: str, k: int, gaps: Gaps, seed: int = 0, **options: Any
) -> np.ndarray:
    """Cross-validated predictions [T, N], NaN where there is none. Raises ParameterError, UnknownNameError."""
    prediction = np.full(data.shape, np.nan)
    fit = find_learner(learner)
    for fold in purged_folds(data.shape[0], k, gaps):
        own, split = arranged(data, fold)
        check_parts(own, split, np.concatenate([dates[days] for days in (fold.fit, fold.validation, fold.test)]))
        predict = fit(own, seed, **options)(split)
        days = np.flatnonzero(fold.test)
        rows = data.to_predict(int(days[0]), int(days[-1]) + 1)
        data.grid(rows, predict(data.features[rows]), prediction)
    return prediction
