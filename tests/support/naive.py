"""Independent references for the operators: plain float64 loops over one cell at a time.

They follow the text of the operator specification, share no code with `lib`, and are slow on purpose. A series is a
list of (value, valid) columns: `values` [T, N] and `valid` [T, N] as NumPy arrays. Every function returns the same
pair. A masked cell is never read: the poisoned fixtures prove it.
"""

from __future__ import annotations

import math

import numpy as np

FLAT = 1e-6


class Policy:
    def __init__(self, name: str = "strict", min_share: float = 0.5) -> None:
        self.name, self.min_share = name, min_share

    def admits(self, cells: list[bool]) -> bool:
        """cells: validity of the window's days, oldest first."""
        if self.name == "strict":
            return all(cells)
        return cells[-1] and sum(cells) >= math.ceil(self.min_share * len(cells))


def _empty(x):
    return np.zeros(x[0].shape), np.zeros(x[0].shape, dtype=bool)


def _put(out, t, i, value):
    if value is not None and math.isfinite(value):
        out[0][t, i], out[1][t, i] = value, True


def _rolling(statistic, series, d, policy):
    """statistic(list of d-day lists of (position, values...)) -> float or None."""
    out = _empty(series[0])
    days, stocks = series[0][0].shape
    for i in range(stocks):
        for t in range(d - 1, days):
            rows = range(t - d + 1, t + 1)
            valid = [all(bool(s[1][r, i]) for s in series) for r in rows]
            if policy.admits(valid):
                cells = [
                    (p + 1, *(float(s[0][r, i]) for s in series)) for p, r in enumerate(rows) if valid[p]
                ]
                _put(out, t, i, statistic(cells))
    return out


def ts_sum(x, d, policy):
    return _rolling(lambda c: math.fsum(v for _, v in c) / len(c) * d, [x], d, policy)


def ts_mean(x, d, policy):
    return _rolling(lambda c: math.fsum(v for _, v in c) / len(c), [x], d, policy)


def ts_min(x, d, policy):
    return _rolling(lambda c: min(v for _, v in c), [x], d, policy)


def ts_max(x, d, policy):
    return _rolling(lambda c: max(v for _, v in c), [x], d, policy)


def ts_product(x, d, policy):
    return _rolling(lambda c: math.prod(v for _, v in c), [x], d, policy)


def _std(values):
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    std = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return 0.0 if std <= FLAT * max(abs(v) for v in values) else std


def ts_std(x, d, policy):
    return _rolling(lambda c: _std([v for _, v in c]), [x], d, policy)


def _cross(cells):
    n = len(cells)
    mean_x = math.fsum(c[1] for c in cells) / n
    mean_y = math.fsum(c[2] for c in cells) / n
    return (
        math.fsum((c[1] - mean_x) ** 2 for c in cells),
        math.fsum((c[2] - mean_y) ** 2 for c in cells),
        math.fsum((c[1] - mean_x) * (c[2] - mean_y) for c in cells),
    )


def _corr(cells):
    n = len(cells)
    if n < 2:
        return None
    xx, yy, xy = _cross(cells)
    flat_x = math.sqrt(xx) <= FLAT * max(abs(c[1]) for c in cells) * math.sqrt(n)
    flat_y = math.sqrt(yy) <= FLAT * max(abs(c[2]) for c in cells) * math.sqrt(n)
    return 0.0 if flat_x or flat_y else xy / math.sqrt(xx) / math.sqrt(yy)


def ts_corr(x, y, d, policy):
    return _rolling(_corr, [x, y], d, policy)


def ts_cov(x, y, d, policy):
    return _rolling(lambda c: _cross(c)[2] / (len(c) - 1) if len(c) > 1 else None, [x, y], d, policy)


def ts_rank(x, d, policy):
    return _rolling(lambda c: sum(v <= c[-1][1] for _, v in c) / len(c), [x], d, policy)


def ts_argmax(x, d, policy):
    return _rolling(lambda c: max(c, key=lambda cell: (cell[1], -cell[0]))[0], [x], d, policy)


def ts_argmin(x, d, policy):
    return _rolling(lambda c: min(c, key=lambda cell: (cell[1], cell[0]))[0], [x], d, policy)


def decay_linear(x, d, policy):
    return _rolling(lambda c: math.fsum(p * v for p, v in c) / sum(p for p, _ in c), [x], d, policy)


def delay(x, k, policy=None):
    out = _empty(x)
    for t in range(k, x[0].shape[0]):
        for i in range(x[0].shape[1]):
            if x[1][t - k, i]:
                _put(out, t, i, float(x[0][t - k, i]))
    return out


def delta(x, k, policy=None):
    out = _empty(x)
    for t in range(k, x[0].shape[0]):
        for i in range(x[0].shape[1]):
            if x[1][t, i] and x[1][t - k, i]:
                _put(out, t, i, float(x[0][t, i]) - float(x[0][t - k, i]))
    return out


def ewma(x, alpha, policy=None):
    out = _empty(x)
    for i in range(x[0].shape[1]):
        level = None
        for t in range(x[0].shape[0]):
            if x[1][t, i]:
                value = float(x[0][t, i])
                level = value if level is None else alpha * value + (1 - alpha) * level
                _put(out, t, i, level)
    return out


def _by_day(statistic, x, universe=None, group=None):
    """statistic(values of the day's pool) -> one value or None for each of them."""
    out = _empty(x)
    for t in range(x[0].shape[0]):
        pool = [
            i
            for i in range(x[0].shape[1])
            if x[1][t, i] and (universe is None or universe[t, i]) and (group is None or group[1][t, i])
        ]
        keys = {i: 0.0 if group is None else float(group[0][t, i]) for i in pool}
        for key in set(keys.values()):
            members = [i for i in pool if keys[i] == key]
            results = statistic([float(x[0][t, i]) for i in members])
            for i, value in zip(members, results, strict=True):
                _put(out, t, i, value)
    return out


def cs_rank(x, universe=None):
    def ranks(v):
        return [(sum(a < b for a in v) + (sum(a == b for a in v) + 1) / 2) / len(v) for b in v]

    return _by_day(ranks, x, universe)


def cs_zscore(x, universe=None):
    def scores(v):
        mean = math.fsum(v) / len(v)
        std = math.sqrt(math.fsum((a - mean) ** 2 for a in v) / len(v))
        if std <= FLAT * max(abs(a) for a in v):
            return [0.0] * len(v)
        return [(a - mean) / std for a in v]

    return _by_day(scores, x, universe)


def cs_scale(x, a=1.0, universe=None):
    def scaled(v):
        size = math.fsum(abs(b) for b in v)
        return [a * b / size if size > 0 else None for b in v]

    return _by_day(scaled, x, universe)


def group_neutralize(x, g, universe=None):
    return _by_day(lambda v: [a - math.fsum(v) / len(v) for a in v], x, universe, g)


def elementwise(function, *operands):
    """function of floats -> float or None; operands are series or numbers."""
    shape = next(o for o in operands if isinstance(o, tuple))
    out = _empty(shape)
    for t, i in np.ndindex(shape[0].shape):
        if all(o[1][t, i] for o in operands if isinstance(o, tuple)):
            numbers = [float(o[0][t, i]) if isinstance(o, tuple) else float(o) for o in operands]
            try:
                _put(out, t, i, function(*numbers))
            except (OverflowError, ZeroDivisionError, ValueError):
                continue
    return out


def _power(x, p):
    result = x**p
    return result if not isinstance(result, complex) else None


ELEMENTWISE = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: None if abs(b) <= 1e-20 else a / b,
    "negative": lambda a: -a,
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "&": lambda a, b: float(a != 0 and b != 0),
    "|": lambda a, b: float(a != 0 or b != 0),
    "abs": abs,
    "sign": lambda a: float((a > 0) - (a < 0)),
    "log": lambda a: math.log(a) if a > 0 else None,
    "power": _power,
    "signedpower": lambda a, p: math.copysign(abs(a) ** p, a) if a != 0 else (0.0 if p >= 0 else None),
    "min": min,
    "max": max,
    "equal": lambda a, b: float(a == b),
    "where": lambda c, a, b: a if c != 0 else b,
    "clip": lambda a, low, high: min(max(a, low), high),
}
