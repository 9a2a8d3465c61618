"""What an operator should give, in float64 and straight from its definition, and how far a result is from that.

A fast wrong number is no competitor, so every time stands beside an error. The truth is taken of the very values
that the library was given: float32 inputs are exact numbers, and only the arithmetic is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from lib.studies.how_fast.bench.contender import alpha_of, groups

#: operators whose error is relative to the true value; the others have a scale of their own, such as [0, 1]
RELATIVE = ("ts_mean", "ts_sum", "ts_max", "ts_min", "ts_std", "decay_linear", "ewma")
#: operators that compare the stocks of a day
OF_A_DAY = ("cs_rank", "cs_zscore", "group_neutralize")
#: stocks whose windows, and days whose rows, are checked: a part of the panel, because a definition is slow
CHECKED = 40


def largest_error(name: str, values: np.ndarray, x: np.ndarray, y: np.ndarray, window: int) -> float:
    """Largest error over the checked cells; infinite where a value is missing that should be there."""
    part = checked_cells(name)
    expected = truth(name, x, y, window)
    got = np.asarray(values, dtype=np.float64)[part]
    known = np.isfinite(expected)
    error = np.abs(got[known] - expected[known])
    if name in RELATIVE:
        error /= np.abs(expected[known])
    return float(error.max()) if np.isfinite(error).all() else np.inf


def checked_cells(name: str) -> tuple[slice, slice]:
    """The part of the panel that `truth` covers: whole days for what ranks stocks, whole stocks for the others."""
    return (slice(CHECKED), slice(None)) if name in OF_A_DAY else (slice(None), slice(CHECKED))


def truth(name: str, x: np.ndarray, y: np.ndarray, window: int) -> np.ndarray:
    """float64 values of the checked cells; NaN in the first w - 1 days and where the definition leaves a choice."""
    part = checked_cells(name)
    a, b = (np.asarray(values[part], dtype=np.float64) for values in (x, y))
    if name in _WHOLE:
        return _WHOLE[name](a, window)
    windows = [np.lib.stride_tricks.sliding_window_view(values, window, axis=0) for values in (a, b)]
    expected = np.full(a.shape, np.nan)
    expected[window - 1 :] = _WINDOWED[name](*windows)
    return expected


# Each takes the windows of two series, [T - w + 1, N, w], oldest day first.


def _correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = (values - values.mean(axis=-1, keepdims=True) for values in (x, y))
    return (x * y).sum(axis=-1) / np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))


def _rank(x: np.ndarray, _: np.ndarray) -> np.ndarray:
    today = x[..., -1:]
    tied = (x == today).sum(axis=-1) > 1  # libraries count ties differently, and all of them are right
    return np.where(tied, np.nan, (x <= today).mean(axis=-1))


def _lowest(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return _position(-x, y)


def _position(x: np.ndarray, _: np.ndarray) -> np.ndarray:
    tied = (x == x.max(axis=-1, keepdims=True)).sum(axis=-1) > 1
    return np.where(tied, np.nan, x.argmax(axis=-1) + 1.0)


def _decayed(x: np.ndarray, _: np.ndarray) -> np.ndarray:
    weights = np.arange(1.0, x.shape[-1] + 1)
    return x @ (weights / weights.sum())


_WINDOWED: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "ts_mean": lambda x, _: x.mean(axis=-1),
    "ts_sum": lambda x, _: x.sum(axis=-1),
    "ts_max": lambda x, _: x.max(axis=-1),
    "ts_min": lambda x, _: x.min(axis=-1),
    "ts_std": lambda x, _: x.std(axis=-1, ddof=1),
    "ts_corr": _correlation,
    "ts_rank": _rank,
    "ts_argmax": _position,
    "ts_argmin": _lowest,
    "decay_linear": _decayed,
}


def _average(x: np.ndarray, window: int) -> np.ndarray:
    alpha, level, rows = alpha_of(window), x[0], [x[0]]
    for row in x[1:]:
        level = alpha * row + (1 - alpha) * level
        rows.append(level)
    return np.stack(rows)


def _row_rank(x: np.ndarray, _: int) -> np.ndarray:
    from scipy.stats import rankdata

    return rankdata(x, axis=1, nan_policy="omit") / np.isfinite(x).sum(axis=1, keepdims=True)


def _row_score(x: np.ndarray, _: int) -> np.ndarray:
    return (x - np.nanmean(x, axis=1, keepdims=True)) / np.nanstd(x, axis=1, keepdims=True)


def _from_group(x: np.ndarray, _: int) -> np.ndarray:
    members = np.equal.outer(groups(x.shape[1]), np.unique(groups(x.shape[1]))).astype(np.float64)
    means = np.nan_to_num(x) @ members / (np.isfinite(x) @ members)
    return x - means @ members.T


_WHOLE: Mapping[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "ewma": _average,
    "cs_rank": _row_rank,
    "cs_zscore": _row_score,
    "group_neutralize": _from_group,
}
