"""A fitted model that also says what it used, and learners on a sub-sample of the fit days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lib.errors import ParameterError
from lib.models.dataset import Dataset
from lib.models.fits import Fit, Predictor
from lib.models.splits import Split
from lib.models.validation import Validation


@dataclass(frozen=True)
class Fitted:
    """Called with features [R, F] it predicts [R]. importance: [F], at least 0, sums to 1 (all 0: uses nothing)."""

    predict: Predictor
    importance: np.ndarray

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(self.predict(rows), dtype=np.float64) if len(rows) else np.zeros(0)


def shares(weights: np.ndarray) -> np.ndarray:
    """Absolute weights [F] as shares of their sum; all 0 where the sum is."""
    size = np.abs(np.asarray(weights, dtype=np.float64))
    return size / size.sum() if size.sum() > 0 else size


def fit_sample(data: Dataset, split: Split, learner: str) -> tuple[np.ndarray, np.ndarray]:
    """(features [R, F], label [R]) of the labelled samples of the fit days.

    Raises ParameterError, which names the learner and the days, when there are none.
    """
    features, label = data.training(split.fit_start, split.fit_stop)
    if not len(label):
        days = f"[{split.fit_start}, {split.fit_stop})"
        raise ParameterError(f"{learner} needs samples: got none on the days {days}; take more days or stocks")
    return features, label


def thinned(data: Dataset, split: Split, rows: int, seed: int) -> Dataset:
    """The same samples, of whose fit days only some keep their labels: whole days, drawn with the seed.

    Days are drawn without replacement for as long as their labelled samples together are at most `rows`, but at least
    one. Validation days keep all their labels. Nothing after the fit days is read.
    """
    inside = data.rows(split.fit_start, split.fit_stop)
    labelled = np.isfinite(data.label[inside])
    kept = drawn_days(data.day[inside][labelled], rows, np.random.default_rng(seed))
    label = data.label.copy()
    label[inside] = np.where(np.isin(data.day[inside], kept), label[inside], np.nan)
    return replace(data, label=label)


def drawn_days(day: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Days drawn while their samples together are at most `most`, but at least one; day: of each sample."""
    days, count = np.unique(day, return_counts=True)
    order = rng.permutation(len(days))
    enough = int(np.searchsorted(np.cumsum(count[order]), most, side="right"))
    return np.asarray(days[order[: max(enough, 1)]])


def on_sample(data: Dataset, seed: int, *, learner: Callable[..., Fit], rows: int, **options: Any) -> Fit:
    """A learner fitted on at most `rows` samples of whole days, see `thinned`; options: of the learner."""
    return lambda split: learner(thinned(data, split, rows, seed), seed, **options)(split)


# --------------------------------------------------------------------------------------- importance


def with_slopes(data: Dataset, seed: int, *, learner: Callable[..., Fit], **options: Any) -> Fit:
    """A linear learner without intercept as `Fitted`; importance: its absolute coefficients, f(e_k) of unit vectors."""
    inner = learner(data, seed, **options)

    def fit(split: Split) -> Fitted:
        predict = inner(split)
        return Fitted(predict, shares(predict(np.eye(data.features.shape[1], dtype=np.float32))))

    return fit


def with_permutation(data: Dataset, seed: int, *, learner: Callable[..., Fit], **options: Any) -> Fit:
    """Any learner of factors as `Fitted`; importance: see `permuted`, on the validation days."""
    inner = learner(data, seed, **options)

    def fit(split: Split) -> Fitted:
        predict = inner(split)
        return Fitted(predict, shares(permuted(predict, Validation.of(data, split), seed)))

    return fit


def permuted(predict: Predictor, validation: Validation, seed: int) -> np.ndarray:
    """Validation IC lost [F] when one factor's values are exchanged at random between samples; at least 0."""
    rng, features = np.random.default_rng(seed), validation.features
    whole, lost = validation.ic(predict(features)), np.zeros(features.shape[1])
    for column in range(features.shape[1]):
        other = features.copy()
        other[:, column] = rng.permutation(other[:, column])
        lost[column] = whole - validation.ic(predict(other))
    return np.maximum(lost, 0.0)
