"""The factor language, read and evaluated a second time: text in, float64 NumPy with NaN for masked out.

Written from the text of the operator specification under the strict policy, and sharing no code with `lib`: Python's
own parser reads the formula and nothing is ever run as Python. What is ranked or compared is rounded to 9 significant
digits first, and a sum, difference or correlation below 1e-9 of what cancelled in it is 0: another rounding than the
package's 30 bits of the mantissa, with the same purpose, that round-off decides nothing.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

FLAT = 1e-6
#: share of its operands below which a computed sum is round-off of 0
KNOWN = 1e-9
Array = np.ndarray
Value = Array | float


def evaluate_text(text: str, fields: Mapping[str, Array], universe: Array) -> Array:
    """Value [T, N] of a formula, NaN where it is masked. fields: [T, N] with NaN where masked; universe: bool [T, N].

    >>> rising = np.array([[1.0], [2.0], [4.0]])
    >>> evaluate_text("close/delay(close,1)-1", {"close": rising}, rising > 0).ravel().tolist()
    [nan, 1.0, 1.0]
    """
    names = dict(fields)
    names["prev_close"] = _delay(names["close"], 1)
    names["ret"] = _finite(_divide(names["close"], names["prev_close"]) - 1)
    with np.errstate(all="ignore"):
        return _walk(ast.parse(text, mode="eval").body, names, universe)


def _walk(tree: ast.expr, names: Mapping[str, Array], universe: Array) -> Value:
    def value(branch: ast.expr) -> Value:
        return _walk(branch, names, universe)

    match tree:
        case ast.Constant(value=number) if isinstance(number, int | float):
            return number
        case ast.Name(id=name):
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -value(operand)
        case ast.BinOp(left=left, op=op, right=right):
            return _finite(ARITHMETIC[type(op)](value(left), value(right)))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _indicator(COMPARISONS[type(op)], _comparable(value(left)), _comparable(value(right)))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            parts = [value(argument) for argument in arguments]
            if name in CROSS_SECTION:
                return _finite(CROSS_SECTION[name](*parts, np.where(universe, 1.0, np.nan)))
            return _finite(FUNCTIONS[name](*parts))
    raise ValueError(f"not in the factor language: {ast.dump(tree)}")


def _finite(x: Value) -> Value:
    return np.where(np.isfinite(x), x, np.nan) if isinstance(x, np.ndarray) else x


def _comparable(x: Value) -> Value:
    """9 significant digits."""
    if not isinstance(x, np.ndarray):
        return float(_comparable(np.array([x]))[0])
    unit = 10.0 ** (np.floor(np.log10(np.where((x == 0) | np.isnan(x), 1.0, np.abs(x)))) - 8)
    return np.round(x / unit) * unit


# ------------------------------------------------------------------ cell by cell


def _without_round_off(total: Value, size: Value) -> Value:
    return np.where(np.abs(total) <= KNOWN * size, 0.0 * total, total)


def _add(a: Value, b: Value) -> Value:
    return _without_round_off(np.add(a, b), np.maximum(np.abs(a), np.abs(b)))


def _subtract(a: Value, b: Value) -> Value:
    return _add(a, np.negative(b))


def _divide(a: Value, b: Value) -> Value:
    if not isinstance(b, np.ndarray):
        return a / b
    with np.errstate(all="ignore"):
        return np.where(np.abs(b) <= 1e-20, np.nan, a / b)


def _indicator(compare: Callable[[Value, Value], Array], a: Value, b: Value) -> Array:
    return np.where(np.isnan(a) | np.isnan(b), np.nan, compare(a, b))


def _power(x: Value, p: Value) -> Value:
    return np.where(np.isnan(x) | np.isnan(p), np.nan, np.power(x, p))  # 1**NaN and NaN**0 stay masked


def _log(x: Value) -> Value:
    return np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), np.nan) if isinstance(x, np.ndarray) else math.log(x)


def _where(condition: Array, a: Value, b: Value) -> Array:
    masked = np.isnan(condition) | np.isnan(a) | np.isnan(b)
    return np.where(masked, np.nan, np.where(condition != 0, a, b))


def _either(a: Array, b: Array) -> Array:
    return _indicator(np.logical_or, a, b)


ARITHMETIC = {
    ast.Add: _add, ast.Sub: _subtract, ast.Mult: np.multiply, ast.Div: _divide, ast.BitOr: _either,
}  # fmt: skip
COMPARISONS = {
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal, ast.Eq: np.equal,
}  # fmt: skip


# ------------------------------------------------------------- windows of a stock


def _rolling(statistic: Callable[..., Array], d: int, *series: Array) -> Array:
    """statistic of the last d days, [T, N]; NaN where any of their cells is, or before there are d days."""
    out = np.full(series[0].shape, np.nan)
    if d > len(out):
        return out
    windows = [sliding_window_view(x, d, axis=0) for x in series]  # T-d+1 N d
    masked = np.logical_or.reduce([np.isnan(w).any(axis=-1) for w in windows])
    out[d - 1 :] = np.where(masked, np.nan, statistic(*[np.where(masked[..., None], 0.0, w) for w in windows]))
    return out


def _std(w: Array) -> Array:
    spread = w.std(axis=-1, ddof=1)
    return np.where(spread <= FLAT * np.abs(w).max(axis=-1), 0.0, spread)


def _corr(x: Array, y: Array) -> Array:
    dx, dy = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    root_x, root_y = np.sqrt((dx**2).sum(axis=-1)), np.sqrt((dy**2).sum(axis=-1))
    root_d = math.sqrt(x.shape[-1])
    flat = (root_x <= FLAT * np.abs(x).max(axis=-1) * root_d) | (root_y <= FLAT * np.abs(y).max(axis=-1) * root_d)
    corr = (dx * dy).sum(axis=-1) / np.where(flat, 1.0, root_x * root_y)
    return np.where(flat | (np.abs(corr) <= KNOWN), 0.0, corr)  # the sign of an exact 0 is round-off


def _cov(x: Array, y: Array) -> Array:
    dx, dy = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    return np.where(_corr(x, y) == 0, 0.0, (dx * dy).sum(axis=-1) / (x.shape[-1] - 1))


def _decay(w: Array) -> Array:
    weights = np.arange(1.0, w.shape[-1] + 1)
    return _sum(w * weights) / weights.sum()


def _sum(w: Array) -> Array:
    return _without_round_off(w.sum(axis=-1), np.abs(w).sum(axis=-1))


def _delay(x: Array, k: int) -> Array:
    return pd.DataFrame(x).shift(k).to_numpy()


def _ewma(x: Array, alpha: float) -> Array:
    """Over valid cells only: a masked day keeps the level and is masked itself; the first valid cell seeds it."""
    out = np.full(x.shape, np.nan)
    for i in range(x.shape[1]):
        level = None
        for t in np.flatnonzero(~np.isnan(x[:, i])):
            level = x[t, i] if level is None else alpha * x[t, i] + (1 - alpha) * level
            out[t, i] = level
    return out


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "abs": np.abs, "sign": np.sign, "log": _log, "power": _power, "where": _where,
    "signedpower": lambda x, p: np.sign(x) * _power(np.abs(x), p),
    "clip": np.clip, "min": np.minimum, "max": np.maximum,
    "delay": _delay, "delta": lambda x, k: _subtract(x, _delay(x, k)), "ewma": _ewma,
    "ts_sum": lambda x, d: _rolling(_sum, d, x),
    "ts_mean": lambda x, d: _rolling(lambda w: _sum(w) / d, d, x),
    "ts_min": lambda x, d: _rolling(lambda w: w.min(axis=-1), d, x),
    "ts_max": lambda x, d: _rolling(lambda w: w.max(axis=-1), d, x),
    "ts_product": lambda x, d: _rolling(lambda w: w.prod(axis=-1), d, x),
    "ts_std": lambda x, d: _rolling(_std, d, x),
    "ts_rank": lambda x, d: _rolling(lambda w: (w <= w[..., -1:]).mean(axis=-1), d, _comparable(x)),  # ties: max
    "ts_corr": lambda x, y, d: _rolling(_corr, d, x, y),
    "ts_cov": lambda x, y, d: _rolling(_cov, d, x, y),
    "ts_argmax": lambda x, d: _rolling(lambda w: w.argmax(axis=-1) + 1.0, d, _comparable(x)),  # oldest
    "ts_argmin": lambda x, d: _rolling(lambda w: w.argmin(axis=-1) + 1.0, d, _comparable(x)),
    "decay_linear": lambda x, d: _rolling(_decay, d, x),
}  # fmt: skip


# ------------------------------------------------------------- stocks of a day
# `among` is 1 inside the universe of the day and NaN outside it


def _cs_rank(x: Array, among: Array) -> Array:
    return pd.DataFrame(_comparable(x * among)).rank(axis=1, method="average", pct=True).to_numpy()


def _cs_zscore(x: Array, among: Array) -> Array:
    pool = pd.DataFrame(x * among)
    spread = pool.std(axis=1, ddof=0)
    flat = spread <= FLAT * pool.abs().max(axis=1)
    centred = pool.sub(pool.mean(axis=1), axis=0).div(spread.mask(flat, 1.0), axis=0).to_numpy()
    return np.where(flat.to_numpy()[:, None] & ~np.isnan(centred), 0.0, centred)


def _cs_scale(x: Array, *rest: Value) -> Array:
    size, among = (rest[0] if len(rest) > 1 else 1.0), rest[-1]
    pool = pd.DataFrame(x * among)
    total = pool.abs().sum(axis=1)
    return pool.div(total.mask(total == 0), axis=0).to_numpy() * size


def _group_neutralize(x: Array, groups: Array, among: Array) -> Array:
    out = np.full(x.shape, np.nan)
    for t, row in enumerate(x * among):
        for group in np.unique(groups[t][~np.isnan(groups[t])]):
            inside = groups[t] == group
            if np.isfinite(row[inside]).any():
                out[t, inside] = _subtract(row[inside], np.nanmean(row[inside]))
    return out


CROSS_SECTION: dict[str, Callable[..., Array]] = {
    "cs_rank": _cs_rank, "cs_zscore": _cs_zscore, "cs_scale": _cs_scale, "group_neutralize": _group_neutralize,
}  # fmt: skip
