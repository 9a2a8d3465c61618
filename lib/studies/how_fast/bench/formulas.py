"""The factor formulas in pandas: the same expression graph, one pandas expression per operator.

A masked cell is NaN, as a pandas user would have it: windows are complete or NaN, which is the policy `strict`. What
ours gains from the graph pandas gains too: a shared sub-formula is computed once and dropped after its last use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from lib.errors import UnknownNameError
from lib.graph import Node
from lib.studies.how_fast.bench.walk import walk

#: a denominator this small has no quotient; a deviation of this share of the largest value is that of a flat window
ZERO_DENOMINATOR, FLAT = 1e-20, 1e-6
#: a correlation this small is round-off of pandas' running sums: its sign must not decide a rank
NOTHING = 1e-9
#: operators that compare values with each other, and the bits of a float64 that they look at
COMPARING, COMPARED_BITS = ("cs_rank", "ts_rank", "ts_argmax", "ts_argmin"), 30

Operator = Callable[..., pd.DataFrame]


def evaluate_in_pandas(
    roots: Iterable[Node], fields: Mapping[str, pd.DataFrame], universe: pd.DataFrame | None = None
) -> Iterator[tuple[int, pd.DataFrame]]:
    """(position in roots, values) of every formula as it is ready; frames [T, N], NaN where masked.

    universe: bool [T, N], whom operators over the row compare; None: everybody.

    Raises UnknownNameError for an operator that has no pandas expression here.
    """
    return walk(roots, fields, lambda node, arguments: _apply(node, arguments, universe))


def _apply(node: Node, arguments: list[Any], universe: pd.DataFrame | None) -> pd.DataFrame:
    assert node.operator is not None
    if node.operator.name not in PANDAS:
        raise UnknownNameError(
            f"operator {node.operator.name!r} has no pandas expression; add one to PANDAS in {__name__}"
        )
    if node.operator.name in COMPARING and node.inputs[0].operator is not None:
        arguments[0] = _rounded(arguments[0])
    if node.operator.name.startswith("cs_") and universe is not None:
        arguments[0] = arguments[0].where(universe)
    return PANDAS[node.operator.name](*arguments)


def _rounded(x: pd.DataFrame) -> pd.DataFrame:
    """Computed values rounded in their mantissa, so that round-off does not decide who ranks higher."""
    dropped = 52 - COMPARED_BITS
    bits = np.ascontiguousarray(x.to_numpy()).view(np.int64)
    kept = ((bits + (1 << (dropped - 1))) >> dropped) << dropped
    return pd.DataFrame(kept.view(np.float64), index=x.index, columns=x.columns).where(x.notna())


# ------------------------------------------------------------------------------------------ cell by cell


def _known(result: Any, *operands: Any) -> pd.DataFrame:
    """The result as numbers, NaN where it is not finite or an operand is NaN: a comparison with NaN is False."""
    frames = [operand for operand in operands if isinstance(operand, pd.DataFrame)]
    values = np.array(result, dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    for frame in frames:
        values[np.isnan(frame.to_numpy())] = np.nan
    return pd.DataFrame(values, index=frames[0].index, columns=frames[0].columns)


def _cellwise(function: Callable[..., Any]) -> Operator:
    def operator(*operands: Any) -> pd.DataFrame:
        with np.errstate(all="ignore"):
            return _known(function(*operands), *operands)

    return operator


def _quotient(a: Any, b: Any) -> Any:
    return np.where(np.abs(b) <= ZERO_DENOMINATOR, np.nan, a / b)


def _signed_power(x: Any, p: Any) -> Any:
    return np.sign(x) * np.abs(x) ** p


# --------------------------------------------------------------------------------------------- windows


def _deviation(x: pd.DataFrame, d: int) -> pd.DataFrame:
    deviation = x.rolling(d).std()
    largest = x.abs().rolling(d).max()
    return deviation.mask(deviation <= FLAT * largest, 0.0)


def _correlation(x: pd.DataFrame, y: pd.DataFrame, d: int) -> pd.DataFrame:
    """0, and valid, where a window is flat: pandas divides by nothing there."""
    x, y = x.where(y.notna()), y.where(x.notna())
    size = (d - 1) ** 0.5
    flat = [
        series.rolling(d).std() * size <= FLAT * d**0.5 * series.abs().rolling(d).max() for series in (x, y)
    ]
    complete = x.rolling(d).count() == d
    found = x.rolling(d).corr(y).clip(-1.0, 1.0)
    found = found.mask(found.abs() <= NOTHING, 0.0)
    return found.mask(flat[0] | flat[1], 0.0).where(complete)


def _first_extreme(x: pd.DataFrame, d: int, sign: float) -> pd.DataFrame:
    """Position 1..d of the extreme, the oldest of equals; rolling.apply would call Python for every window."""
    best, position = sign * x.shift(d - 1), pd.DataFrame(1.0, index=x.index, columns=x.columns)
    for age in range(d - 2, -1, -1):
        candidate = sign * x.shift(age)
        position = position.mask(candidate > best, float(d - age))
        best = best.where(candidate <= best, candidate)
    return position.where(x.rolling(d).count() == d)


def _product(x: pd.DataFrame, d: int) -> pd.DataFrame:
    total = x
    for age in range(1, d):
        total = total * x.shift(age)
    return total


def _decayed(x: pd.DataFrame, d: int) -> pd.DataFrame:
    total = x * d
    for age in range(1, d):
        total = total + x.shift(age) * (d - age)
    return total / (d * (d + 1) / 2)


def _average(x: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Over valid days only, and masked on the others."""
    return x.ewm(alpha=alpha, adjust=False, ignore_na=True).mean().where(x.notna())


# ---------------------------------------------------------------------------------------- cross-section


def _score(x: pd.DataFrame) -> pd.DataFrame:
    deviation = x.std(axis=1, ddof=0)
    flat = deviation <= FLAT * x.abs().max(axis=1)
    scores = x.sub(x.mean(axis=1), axis=0).div(deviation.mask(flat), axis=0)
    return scores.mask(np.outer(flat, np.ones(x.shape[1], dtype=bool)) & x.notna(), 0.0)


def _scale(x: pd.DataFrame, a: float = 1.0) -> pd.DataFrame:
    size = x.abs().sum(axis=1)
    return x.mul(a).div(size.where(size > 0), axis=0)



PANDAS: Mapping[str, Operator] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _cellwise(_quotient),
    "negative": lambda a: -a,
    "<": _cellwise(lambda a, b: a < b),
    "<=": _cellwise(lambda a, b: a <= b),
    ">": _cellwise(lambda a, b: a > b),
    ">=": _cellwise(lambda a, b: a >= b),
    "&": _cellwise(lambda a, b: (a != 0) & (b != 0)),
    "|": _cellwise(lambda a, b: (a != 0) | (b != 0)),
    "equal": _cellwise(lambda a, b: a == b),
    "where": _cellwise(lambda c, a, b: np.where(c != 0, a, b)),
    "min": _cellwise(np.minimum),
    "max": _cellwise(np.maximum),
    "abs": lambda x: x.abs(),
    "sign": _cellwise(np.sign),
    "log": _cellwise(np.log),
    "power": _cellwise(lambda x, p: x**p),
    "signedpower": _cellwise(_signed_power),
    "clip": lambda x, low, high: x.clip(low, high),
    "delay": lambda x, k: x.shift(k),
    "delta": lambda x, k: x - x.shift(k),
    "ts_sum": lambda x, d: x.rolling(d).sum(),
    "ts_mean": lambda x, d: x.rolling(d).mean(),
    "ts_min": lambda x, d: x.rolling(d).min(),
    "ts_max": lambda x, d: x.rolling(d).max(),
    "ts_product": _product,
    "ts_std": _deviation,
    "ts_cov": lambda x, y, d: x.where(y.notna()).rolling(d).cov(y.where(x.notna())),
    "ts_corr": _correlation,
    "ts_rank": lambda x, d: x.rolling(d).rank(method="max", pct=True),
    "ts_argmax": lambda x, d: _first_extreme(x, d, 1.0),
    "ts_argmin": lambda x, d: _first_extreme(x, d, -1.0),
    "decay_linear": _decayed,
    "ewma": _average,
    "cs_rank": lambda x: x.rank(axis=1, pct=True),
    "cs_zscore": _score,
    "cs_scale": _scale,
}
