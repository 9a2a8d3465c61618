"""The operators of the factor language: the papers' 18 masked primitives and the elementwise ones.

Semantics follow the two papers (A s3, B s3.3 and appendix A.3) where they are specific, and are written down here
where they are not. Every time-series primitive obeys the window policy (`lib.graph.Window`); every
cross-sectional one compares the valid stocks of the day inside the universe and is invalid outside it.
The same name works on masked values (computes) and on fields (builds a formula):

>>> ts_mean(field("close"), 20) / field("close")
ts_mean(close,20)/close
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lib import windows
from lib.graph import Primitive, Window, field, primitive, today
from lib.masked import Masked, lift

__all__ = [
    "cs_rank", "cs_zscore", "cs_scale", "group_neutralize",
    "ts_sum", "ts_mean", "ts_min", "ts_max", "ts_product", "ts_std", "ts_rank", "ts_corr", "ts_cov",
    "ts_argmax", "ts_argmin", "delay", "delta", "decay_linear", "ewma",
    "abs", "sign", "log", "power", "signedpower", "clip", "min", "max", "equal", "where", "field",
]  # fmt: skip


# ---------------------------------------------------------------- time series


def window_days(d: int) -> range:
    """Offsets of a trailing window of d days, today included."""
    return range(d)


#: rows computed at a time: the intermediates of a block stay in cache, those of a whole panel do not
BLOCK_ROWS = 128


def _windowed(
    d: int, window: Window, valid: Tensor, series: tuple[Tensor, ...], statistic: Callable[..., Tensor]
) -> Masked:
    """Place a statistic of each full window on the day the window ends.

    valid: the cells that count, [T, N]; for two series, where both are valid. series: values [T, N].
    statistic(n, valid, *series): values [R, N] for R windows from blocks of R + d - 1 rows; n counts valid cells.
    """
    values = torch.zeros_like(series[0])
    enough = torch.zeros_like(valid)
    for start in range(d - 1, len(valid), BLOCK_ROWS):
        block = slice(start - d + 1, start + BLOCK_ROWS)
        ends = slice(start, start + BLOCK_ROWS)
        n = windows.count(valid[block], d)
        enough[ends] = (n >= window.required(d)) & valid[ends]
        values[ends] = statistic(n.to(values.dtype), valid[block], *(x[block] for x in series))
    return Masked(values, enough, exact=False)


def _comparable(x: Masked) -> Tensor:
    """Values ready to be compared: data as it is, computed numbers rounded so that round-off breaks no ties."""
    return x.values if x.exact else windows.round_mantissa(x.values)


def _extreme(x: Masked, d: int, window: Window, largest: bool) -> Masked:
    result = _windowed(
        d, window, x.valid, (x.values,), lambda _, valid, values: windows.extreme(values, valid, d, largest)
    )
    return Masked(result.values, result.valid, x.exact)  # one of the inputs: no round-off of its own


def _position(x: Masked, d: int, window: Window, largest: bool) -> Masked:
    def position(_: Tensor, valid: Tensor, values: Tensor) -> Tensor:
        return windows.extreme_position(values, valid, d, largest)

    return _windowed(d, window, x.valid, (_comparable(x),), position)


@primitive(window_days, windowed=True)
def ts_sum(x: Masked, d: int, *, window: Window) -> Masked:
    """Sum over the last d days; under `skip`, d times the mean of the valid cells."""

    def statistic(n: Tensor, _: Tensor, values: Tensor) -> Tensor:
        total = windows.total(values, d)
        return torch.where(n == d, total, total / n * d)

    return _windowed(d, window, x.valid, (x.values,), statistic)


@primitive(window_days, windowed=True)
def ts_mean(x: Masked, d: int, *, window: Window) -> Masked:
    """Mean of the valid cells of the last d days."""
    return _windowed(d, window, x.valid, (x.values,), lambda n, _, values: windows.total(values, d) / n)


@primitive(window_days, windowed=True)
def ts_min(x: Masked, d: int, *, window: Window) -> Masked:
    """Smallest valid value of the last d days."""
    return _extreme(x, d, window, largest=False)


@primitive(window_days, windowed=True)
def ts_max(x: Masked, d: int, *, window: Window) -> Masked:
    """Largest valid value of the last d days."""
    return _extreme(x, d, window, largest=True)


@primitive(window_days, windowed=True)
def ts_product(x: Masked, d: int, *, window: Window) -> Masked:
    """Product of the valid values of the last d days."""
    return _windowed(d, window, x.valid, (x.values,), lambda _, valid, values: windows.product(values, valid, d))


@primitive(window_days, windowed=True, partial=True)
def ts_std(x: Masked, d: int, *, window: Window) -> Masked:
    """Sample standard deviation (ddof = 1) of the valid cells of the last d days.

    Exactly 0 for a flat window: where the deviation is at most 1e-6 of the largest absolute value. Invalid with
    fewer than two valid cells.
    """

    if d < 2:
        return _nowhere(x)

    def statistic(_: Tensor, valid: Tensor, values: Tensor) -> Tensor:
        n, (squares,), (largest,) = windows.moments((values,), ((0, 0),), _counted(valid, window), d)
        deviation = torch.sqrt(squares / (n - 1))  # n = 1 gives 0/0: invalid
        return torch.where(deviation <= windows.FLAT * largest, squares.new_zeros(()), deviation)

    return _windowed(d, window, x.valid, (x.values,), statistic)


def _counted(valid: Tensor, window: Window) -> Tensor | None:
    """Under `strict` a window that survives is valid throughout, so its cells need not be counted one by one."""
    return None if window.policy == "strict" else valid


def _nowhere(x: Masked) -> Masked:
    """A result that no window can give."""
    return Masked(torch.zeros_like(x.values), torch.zeros_like(x.valid), exact=False)


@primitive(window_days, windowed=True, compares=True)
def ts_rank(x: Masked, d: int, *, window: Window) -> Masked:
    """Share of the window's valid values that are <= today's, in (0, 1]; ties count as the higher rank."""

    def share(n: Tensor, valid: Tensor, values: Tensor) -> Tensor:
        return windows.share_not_above(values, valid, n, d)

    return _windowed(d, window, x.valid, (_comparable(x),), share)


@primitive(window_days, series=2, windowed=True, partial=True)
def ts_corr(x: Masked, y: Masked, d: int, *, window: Window) -> Masked:
    """Pearson correlation of the jointly valid days of the last d, in [-1, 1].

    Exactly 0, and valid, where either series is flat: root of its summed squared deviations at most
    1e-6 * largest absolute value * sqrt(n). Masking flat windows instead would cost most of the coverage of
    formulas that correlate ranks.
    """
    if d < 2:
        return _nowhere(x)

    def statistic(count: Tensor, valid: Tensor, x: Tensor, y: Tensor) -> Tensor:
        pairs = ((0, 0), (1, 1), (0, 1))
        _, (xx, yy, xy), largest = windows.moments((x, y), pairs, _counted(valid, window), d)
        root_x, root_y, root_n = torch.sqrt(xx), torch.sqrt(yy), torch.sqrt(count)
        flat = (root_x <= windows.FLAT * largest[0] * root_n) | (root_y <= windows.FLAT * largest[1] * root_n)
        correlation = (xy / root_x / root_y).clamp(-1.0, 1.0)
        # an exact 0 comes out as +-1e-17: that sign must not decide who ranks higher, and no relative rounding sees it
        correlation = torch.where(correlation.abs() <= 64 * torch.finfo(x.dtype).eps, 0.0, correlation)
        return torch.where(count < 2, torch.nan, torch.where(flat, 0.0, correlation))

    return _windowed(d, window, x.valid & y.valid, (x.values, y.values), statistic)


@primitive(window_days, series=2, windowed=True, partial=True)
def ts_cov(x: Masked, y: Masked, d: int, *, window: Window) -> Masked:
    """Sample covariance (ddof = 1) over the jointly valid days of the last d."""
    if d < 2:
        return _nowhere(x)

    def statistic(_: Tensor, valid: Tensor, x: Tensor, y: Tensor) -> Tensor:
        n, (xy,), _largest = windows.moments((x, y), ((0, 1),), _counted(valid, window), d)
        return xy / (n - 1)

    return _windowed(d, window, x.valid & y.valid, (x.values, y.values), statistic)


@primitive(window_days, windowed=True, compares=True)
def ts_argmax(x: Masked, d: int, *, window: Window) -> Masked:
    """Calendar position 1..d (1 = oldest day) of the largest value; the oldest of equal values wins."""
    return _position(x, d, window, largest=True)


@primitive(window_days, windowed=True, compares=True)
def ts_argmin(x: Masked, d: int, *, window: Window) -> Masked:
    """Calendar position 1..d (1 = oldest day) of the smallest value; the oldest of equal values wins."""
    return _position(x, d, window, largest=False)


@primitive(lambda k: (k,))
def delay(x: Masked, k: int) -> Masked:
    """x of k days ago. Reads that day only, so it can be valid on a day that is itself masked."""
    k = _capped(k, x)
    head = (k, x.shape[1])
    kept = x.shape[0] - k
    values = torch.cat([x.values.new_zeros(head), x.values[:kept]])
    return Masked(values, torch.cat([x.valid.new_zeros(head), x.valid[:kept]]), x.exact)


@primitive(lambda k: (0, k))
def delta(x: Masked, k: int) -> Masked:
    """x today minus x of k days ago; invalid if either end is, whatever the window policy."""
    return lift(torch.sub, x, delay(x, k))


@primitive(window_days, windowed=True)
def decay_linear(x: Masked, d: int, *, window: Window) -> Masked:
    """Mean with weights d, d-1, .., 1 from today backwards, renormalised over the valid cells."""
    return _windowed(d, window, x.valid, (x.values,), lambda _, valid, values: windows.weighted_mean(values, valid, d))


def ewma_memory(alpha: float) -> int:
    """Days until an observation's weight has faded to 0.1 %."""
    return 1 if alpha == 1 else math.ceil(math.log(1e-3) / math.log1p(-alpha))


@primitive(today, memory=ewma_memory)
def ewma(x: Masked, alpha: float) -> Masked:
    """y = alpha x + (1 - alpha) y over valid cells, seeded with the first valid x; float64 inside.

    A masked day keeps the accumulator and is masked in the output. This is the one declared exception to the
    propagation rule: the window is infinite, so propagation would mask everything after the first halt.
    """
    values = x.values.double()
    out = torch.zeros_like(values)
    level = torch.zeros_like(values[0]) if len(values) else values.new_zeros(x.shape[1])
    seeded = torch.zeros_like(level, dtype=torch.bool)
    for t in range(len(values)):
        updated = torch.where(seeded, alpha * values[t] + (1 - alpha) * level, values[t])
        level = torch.where(x.valid[t], updated, level)
        seeded |= x.valid[t]
        out[t] = level
    return Masked(out.to(x.values.dtype), x.valid, exact=False)


def _capped(k: int, x: Masked) -> int:
    """A delay longer than the panel leaves nothing valid; slicing needs it to stop at the panel's length."""
    return k if k < x.shape[0] else x.shape[0]


# ------------------------------------------------------------- cross-section


def _pool(x: Masked, universe: Tensor | None) -> Tensor:
    return x.valid if universe is None else x.valid & universe


@primitive(today, pools=True, compares=True)
def cs_rank(x: Masked, *, universe: Tensor | None = None) -> Masked:
    """Ascending percentile rank among the day's valid stocks, in (0, 1]; ties share their average rank.

    Divided by the number of valid stocks, not by the number of columns: otherwise a day with many halts would
    shift every rank (paper B s5.2, "the rank denominator bug").
    """
    pool = _pool(x, universe)
    values = torch.where(pool, _comparable(x), x.values.new_tensor(torch.inf))
    return Masked(_average_rank(values) / pool.sum(dim=1, keepdim=True), pool, exact=False)


def _average_rank(values: Tensor) -> Tensor:
    """Rank 1..N of each value in its row; equal values share the mean of their ranks."""
    order = _argsort(values)
    ordered = values.gather(1, order)
    position = torch.arange(values.shape[1], device=values.device).expand(values.shape)
    starts = torch.ones_like(values, dtype=torch.bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = torch.where(starts, position, 0).cummax(dim=1).values
    ends = torch.cat([starts[:, 1:], torch.ones_like(starts[:, :1])], dim=1)
    last = torch.where(ends, position, values.shape[1]).flip(1).cummin(dim=1).values.flip(1)
    average = (first + last).to(values.dtype) / 2 + 1
    return torch.empty_like(values).scatter_(1, order, average)


def _argsort(values: Tensor) -> Tensor:
    """Positions that sort each row; NumPy's vectorised sort is several times faster than torch's on a CPU."""
    if values.device.type == "cpu":
        return torch.from_numpy(np.argsort(values.numpy(), axis=1))
    return values.argsort(dim=1)


@primitive(today, pools=True)
def cs_zscore(x: Masked, *, universe: Tensor | None = None) -> Masked:
    """(x - mean) / population standard deviation of the day's valid stocks.

    A row whose deviation is at most 1e-6 of its largest absolute value is flat: its scores are 0, and valid.
    """
    pool = _pool(x, universe)
    n = pool.sum(dim=1, keepdim=True).clamp(min=1)
    values = torch.where(pool, x.values, torch.zeros_like(x.values))
    centred = torch.where(pool, values - values.sum(dim=1, keepdim=True) / n, torch.zeros_like(values))
    deviation = torch.sqrt((centred * centred).sum(dim=1, keepdim=True) / n)
    flat = deviation <= windows.FLAT * values.abs().amax(dim=1, keepdim=True)
    return Masked(torch.where(flat, torch.zeros_like(values), centred / deviation), pool, exact=False)


@primitive(today, pools=True, partial=True)
def cs_scale(x: Masked, a: float = 1.0, *, universe: Tensor | None = None) -> Masked:
    """a x / sum of |x| over the day's valid stocks; invalid where the sum is 0."""
    pool = _pool(x, universe)
    size = torch.where(pool, x.values.abs(), torch.zeros_like(x.values)).sum(dim=1, keepdim=True)
    return Masked(torch.where(size > 0, a * x.values / size, torch.nan), pool, exact=False)


@primitive(today, series=2, pools=True)
def group_neutralize(x: Masked, g: Masked, *, universe: Tensor | None = None) -> Masked:
    """x minus the mean of the day's valid members of its group; g holds group codes (Kakushadze's indneutralize)."""
    pool = _pool(x, universe) & g.valid
    codes, index = torch.unique(torch.where(pool, g.values, torch.zeros_like(g.values)), return_inverse=True)
    sums = x.values.new_zeros(x.shape[0], len(codes))
    sizes = torch.zeros_like(sums)
    sums.scatter_add_(1, index, torch.where(pool, x.values, torch.zeros_like(x.values)))
    sizes.scatter_add_(1, index, pool.to(x.values.dtype))
    means = (sums / sizes.clamp(min=1)).gather(1, index)
    return Masked(x.values - means, pool, exact=False)


# --------------------------------------------------------------- elementwise


def _elementwise(name: str, function: Callable[..., Tensor], doc: str, series: int = 1, partial: bool = False) -> Any:
    """A primitive that applies a tensor function cell by cell."""

    def kernel(*operands: Any) -> Masked:
        return lift(function, *operands)

    kernel.__doc__ = doc
    return primitive(today, name=name, series=series, partial=partial)(kernel)


def _power(x: Tensor, p: Tensor) -> Tensor:
    return torch.pow(x, p)


def _signed_power(x: Tensor, p: Tensor) -> Tensor:
    return torch.sign(x) * torch.pow(torch.abs(x), p)


# The factor language borrows the names of Python's built-ins, as its formulas do on paper.
abs = _elementwise("abs", torch.abs, "Absolute value.")
sign = _elementwise("sign", torch.sign, "-1, 0 or 1.")
log = _elementwise("log", lambda x: torch.log(torch.where(x > 0, x, torch.nan)),
                   "Natural logarithm; invalid where x <= 0.", partial=True)  # fmt: skip
power = _elementwise("power", _power, "x ** p, p a number or a series; invalid where it is not finite.", 2, True)
signedpower = _elementwise("signedpower", _signed_power, "sign(x) |x| ** p.", 2, True)
min = _elementwise("min", torch.minimum, "The smaller of two values, cell by cell.", 2)
max = _elementwise("max", torch.maximum, "The larger of two values, cell by cell.", 2)
equal = _elementwise("equal", lambda a, b: (a == b).to(torch.result_type(a, b)), "1 where a == b, else 0.", 2)
where = _elementwise("where", lambda c, a, b: torch.where(c != 0, a, b),
                     "a where c is not 0, else b; invalid if any of the three is.", 3)  # fmt: skip


@primitive(today)
def clip(x: Masked, low: float, high: float) -> Masked:
    """x limited to [low, high]."""
    return lift(lambda values: values.clamp(low, high), x)


PRIMITIVES: dict[str, Primitive] = Primitive.registry
