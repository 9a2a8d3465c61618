"""The operators of the factor language: the papers' 18 masked primitives and the elementwise ones.

Semantics follow the two papers (A s3, B s3.3 and appendix A.3) where they are specific, and are written down here
where they are not. Every time-series primitive obeys the window policy (`lib.graph.Window`); every
cross-sectional one compares the valid stocks of the day inside the universe and is invalid outside it.
The same name works on masked values (computes) and on fields (builds a formula):

>>> ts_mean(field("close"), 20) / field("close")
ts_mean(close,20)/close

A kernel gets its series with the rows before the block in front (`lib.graph.Primitive`), so a window of d days is
a reduction of every d consecutive rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lib.graph import Block, Primitive, field, primitive, today
from lib.kernels import ranks, scores, windows
from lib.kernels.elementary import above, any_of, as_number, at_most, interpolated_down, keep, on_cpu
from lib.masked import Cells, Outcome, cellwise, settled

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


def _windowed(
    d: int, block: Block, valid: Tensor, series: tuple[Tensor, ...], statistic: Callable[..., Tensor]
) -> Cells:
    """A statistic of each window of d days, valid where the window policy allows.

    valid: the cells that count, [R+d-1, N]; for two series, where both are valid.
    statistic(n, valid, *series): values [R, N]; n counts valid cells. Under `strict` n is d and valid None: a window
    that survives holds valid cells only, so nobody needs to look.
    """
    if block.window.policy == "strict":
        return settled(statistic(d, None, *series), windows.all_valid(valid, d))
    n = windows.count(valid, d)
    enough = (n >= block.window.required(d)) & valid[d - 1 :]
    enough[: _too_early(d, block)] = False
    return settled(statistic(n.to(series[0].dtype), valid, *(keep(x, valid) for x in series)), enough)


def _too_early(d: int, block: Block) -> int:
    """Rows of the block whose window of d days begins before the panel."""
    missing = d - 1 - block.day
    return missing if missing > 0 else 0


def _extreme(x: Cells, d: int, block: Block, largest: bool) -> Cells:
    result = _windowed(
        d, block, x.valid, (x.values,), lambda _, valid, values: windows.extreme(values, valid, d, largest)
    )
    return result._replace(exact=x.exact)  # one of the inputs: no round-off of its own


def _position(x: Cells, d: int, block: Block, largest: bool) -> Cells:
    def position(_: Tensor | int, valid: Tensor | None, values: Tensor) -> Tensor:
        return windows.extreme_position(values, valid, d, largest)

    return _windowed(d, block, x.valid, (ranks.comparable(x.values, x.exact),), position)


@primitive(window_days, windowed=True)
def ts_sum(x: Cells, d: int, *, block: Block) -> Cells:
    """Sum over the last d days; under `skip`, d times the mean of the valid cells."""

    def statistic(n: Tensor | int, valid: Tensor | None, values: Tensor) -> Tensor:
        total = windows.total(values, d)
        return total if valid is None else torch.where(n == d, total, total / n * d)  # type: ignore[arg-type]

    return _windowed(d, block, x.valid, (x.values,), statistic)


@primitive(window_days, windowed=True)
def ts_mean(x: Cells, d: int, *, block: Block) -> Cells:
    """Mean of the valid cells of the last d days."""
    return _windowed(d, block, x.valid, (x.values,), lambda n, _, values: windows.total(values, d) / n)


@primitive(window_days, windowed=True, selects=True)
def ts_min(x: Cells, d: int, *, block: Block) -> Cells:
    """Smallest valid value of the last d days."""
    return _extreme(x, d, block, largest=False)


@primitive(window_days, windowed=True, selects=True)
def ts_max(x: Cells, d: int, *, block: Block) -> Cells:
    """Largest valid value of the last d days."""
    return _extreme(x, d, block, largest=True)


@primitive(window_days, windowed=True)
def ts_product(x: Cells, d: int, *, block: Block) -> Cells:
    """Product of the valid values of the last d days."""

    def statistic(_: Tensor | int, valid: Tensor | None, values: Tensor) -> Tensor:
        return windows.product(values if valid is None else torch.where(valid, values, 1.0), d)

    return _windowed(d, block, x.valid, (x.values,), statistic)


@primitive(window_days, windowed=True, partial=True)
def ts_std(x: Cells, d: int, *, block: Block) -> Cells:
    """Sample standard deviation (ddof = 1) of the valid cells of the last d days.

    Exactly 0 for a flat window: where the deviation is at most 1e-6 of the largest absolute value. Invalid with
    fewer than two valid cells.
    """
    if d < 2:
        return _nowhere(x)

    def statistic(_: Tensor | int, valid: Tensor | None, values: Tensor) -> Tensor:
        n, (level,), (squares,) = windows.moments((values,), ((0, 0),), valid, d)
        squares = _not_flat(squares, n - 1, level, values, valid, d)
        return torch.sqrt(squares / (n - 1))  # n = 1 gives 0/0: invalid

    return _windowed(d, block, x.valid, (x.values,), statistic)


def _not_flat(
    squares: Tensor, share: Tensor | float, level: Tensor, values: Tensor, valid: Tensor | None, d: int
) -> Tensor:
    """Summed squared deviations, 0 where the window is flat: root of squares / share <= 1e-6 * largest |value|.

    In a flat window every value lies close to any of its values or their mean, so that one rules nearly every window
    out, and the largest value is looked for only if it has to be.
    """
    bound = windows.FLAT**2 * share
    if on_cpu(squares):
        level_share = 4 * bound
        if isinstance(level_share, Tensor):
            spread = squares - level * level * level_share
        else:
            spread = torch.addcmul(squares, level, level, value=-level_share)
        if spread.min().item() >= 0:  # masked windows of zeros give 0
            return squares
        if not any_of(above(squares, 0.0) & at_most(spread, 0.0)):
            return squares
    largest = windows.extreme(values.abs(), valid, d, largest=True)
    return keep(squares, above(squares, largest * largest * bound))


def _nowhere(x: Cells) -> Cells:
    """A result that no window can give."""
    return Cells(torch.zeros_like(x.values), torch.zeros_like(x.valid))


@primitive(window_days, windowed=True, compares=True)
def ts_rank(x: Cells, d: int, *, block: Block) -> Cells:
    """Share of the window's valid values that are <= today's, in (0, 1]; ties count as the higher rank."""

    def share(n: Tensor | int, valid: Tensor | None, values: Tensor) -> Tensor:
        return windows.share_not_above(values, valid, n, d)

    return _windowed(d, block, x.valid, (ranks.comparable(x.values, x.exact),), share)


#: a correlation at or below this is round-off of 0, whose sign must not decide who ranks higher; a relative
#: rounding cannot see it
UNCORRELATED = {torch.float64: 2.0**-30, torch.float32: 2.0**-20}


@primitive(window_days, series=2, windowed=True, partial=True)
def ts_corr(x: Cells, y: Cells, d: int, *, block: Block) -> Cells:
    """Pearson correlation of the jointly valid days of the last d, in [-1, 1].

    Exactly 0, and valid, where either series is flat: root of its summed squared deviations at most
    1e-6 * largest absolute value * sqrt(n). Masking flat windows instead would cost most of the coverage of
    formulas that correlate ranks.
    """
    if d < 2:
        return _nowhere(x)

    def statistic(n: Tensor | int, valid: Tensor | None, x: Tensor, y: Tensor) -> Tensor:
        _, levels, (xx, yy, xy) = windows.moments((x, y), ((0, 0), (1, 1), (0, 1)), valid, d)
        xx = _not_flat(xx, n, levels[0], x, valid, d)
        yy = _not_flat(yy, n, levels[1], y, valid, d)
        size = _root_of_product(xx, yy).clamp_(min=torch.finfo(x.dtype).tiny)  # where it is 0, so is xy
        correlation = torch.nn.functional.hardshrink((xy / size).clamp_(-1.0, 1.0), UNCORRELATED[x.dtype])
        return correlation if isinstance(n, int) else torch.where(n < 2, torch.nan, correlation)

    return _windowed(d, block, _both(x, y), (x.values, y.values), statistic)


def _root_of_product(xx: Tensor, yy: Tensor) -> Tensor:
    """sqrt(xx yy); one root is enough where the product cannot overflow."""
    return torch.sqrt(xx * yy) if xx.dtype == torch.float64 else torch.sqrt(xx) * torch.sqrt(yy)


def _both(x: Cells, y: Cells) -> Tensor:
    return x.valid if y.valid is x.valid else x.valid & y.valid


@primitive(window_days, series=2, windowed=True, partial=True)
def ts_cov(x: Cells, y: Cells, d: int, *, block: Block) -> Cells:
    """Sample covariance (ddof = 1) over the jointly valid days of the last d; 0 where the correlation is."""
    if d < 2:
        return _nowhere(x)

    def statistic(_: Tensor | int, valid: Tensor | None, x: Tensor, y: Tensor) -> Tensor:
        n, _first, (xx, yy, xy) = windows.moments((x, y), ((0, 0), (1, 1), (0, 1)), valid, d)
        noise = UNCORRELATED[x.dtype] * torch.sqrt(xx) * torch.sqrt(yy)
        return torch.where(xy.abs() <= noise, 0.0, xy) / (n - 1)

    return _windowed(d, block, _both(x, y), (x.values, y.values), statistic)


@primitive(window_days, windowed=True, compares=True)
def ts_argmax(x: Cells, d: int, *, block: Block) -> Cells:
    """Calendar position 1..d (1 = oldest day) of the largest value; the oldest of equal values wins."""
    return _position(x, d, block, largest=True)


@primitive(window_days, windowed=True, compares=True)
def ts_argmin(x: Cells, d: int, *, block: Block) -> Cells:
    """Calendar position 1..d (1 = oldest day) of the smallest value; the oldest of equal values wins."""
    return _position(x, d, block, largest=False)


@primitive(lambda k: (k,))
def delay(x: Cells, k: int) -> Cells:
    """x of k days ago. Reads that day only, so it can be valid on a day that is itself masked."""
    return x.rows(0, len(x.valid) - k)


@primitive(lambda k: (0, k), cancels=True)
def delta(x: Cells, k: int) -> Cells:
    """x today minus x of k days ago; invalid if either end is, whatever the window policy."""
    return cellwise(torch.sub, x.rows(k), x.rows(0, len(x.valid) - k))


@primitive(window_days, windowed=True)
def decay_linear(x: Cells, d: int, *, block: Block) -> Cells:
    """Mean with weights d, d-1, .., 1 from today backwards, renormalised over the valid cells."""

    def statistic(_: Tensor | int, valid: Tensor | None, values: Tensor) -> Tensor:
        weighted = windows.weighted_total(values, d)[1]
        if valid is None:
            return weighted / (d * (d + 1) / 2)
        return weighted / windows.weighted_total(valid.to(values.dtype), d)[1]

    return _windowed(d, block, x.valid, (x.values,), statistic)


def ewma_memory(alpha: float) -> int:
    """Days until an observation's weight has faded to 0.1 %."""
    return 1 if alpha == 1 else math.ceil(math.log(1e-3) / math.log1p(-alpha))


@primitive(today, memory=ewma_memory)
def ewma(x: Cells, alpha: float, *, block: Block) -> Cells:
    """y = alpha x + (1 - alpha) y over valid cells, seeded with the first valid x; float64 inside.

    A masked day keeps the accumulator and is masked in the output. This is the one declared exception to the
    propagation rule: the window is infinite, so propagation would mask everything after the first halt.
    """
    if alpha == 1:
        return x
    values = keep(x.values, x.valid).double()
    level = block.memory.get("level", torch.zeros_like(values[:1]))
    seeded = block.memory.get("seeded", torch.zeros_like(x.valid[:1]))
    # a step is one interpolation towards x whose weight is 0 on masked days and 1 on the first valid one
    weight = as_number(x.valid, values.dtype).mul_(alpha)
    if not bool(seeded.all()):
        seen = torch.cat([seeded, x.valid]).cumsum(0) > 0
        weight = torch.where(x.valid & ~seen[:-1], 1.0, weight)
        seeded = seen[-1:]
    out = interpolated_down(level, values, weight)
    block.memory.update(level=out[-1:].clone(), seeded=seeded.clone())
    return Cells(out.to(x.values.dtype), x.valid)


# ------------------------------------------------------------- cross-section


def _pool(x: Cells, block: Block) -> Tensor:
    return x.valid if block.universe is None else x.valid & block.universe


@primitive(today, pools=True, compares=True)
def cs_rank(x: Cells, *, block: Block) -> Cells:
    """Ascending percentile rank among the day's valid stocks, in (0, 1]; ties share their average rank.

    Divided by the number of valid stocks, not by the number of columns: otherwise a day with many halts would
    shift every rank (paper B s5.2, "the rank denominator bug").
    """
    pool = _pool(x, block)
    dtype = block.dtype or x.values.dtype
    n = pool.view(torch.int8).sum(dim=1, keepdim=True, dtype=torch.int32).clamp_(min=1)
    return Cells(ranks.row_ranks(x.values, pool, x.exact, dtype).div_(n), pool)


@primitive(today, pools=True)
def cs_zscore(x: Cells, *, block: Block) -> Cells:
    """(x - mean) / population standard deviation of the day's valid stocks.

    A row whose deviation is at most 1e-6 of its largest absolute value is flat: its scores are 0, and valid.
    """
    pool = _pool(x, block)
    return Cells(scores.standardised_rows(x.values, pool), pool)


@primitive(today, pools=True, partial=True)
def cs_scale(x: Cells, a: float = 1.0, *, block: Block) -> Cells:
    """a x / sum of |x| over the day's valid stocks; invalid where the sum is 0."""
    pool = _pool(x, block)
    size = keep(x.values, pool).abs_().sum(dim=1, keepdim=True)
    return settled(a * x.values / torch.where(size > 0, size, 1.0), pool & (size > 0))


@primitive(today, series=2, pools=True)
def group_neutralize(x: Cells, g: Cells, *, block: Block) -> Cells:
    """x minus the mean of the day's valid members of its group; g holds group codes (Kakushadze's indneutralize)."""
    pool = _both(x, g) if block.universe is None else _both(x, g) & block.universe
    codes, index = torch.unique(torch.where(pool, g.values, 0.0), return_inverse=True)
    sums = x.values.new_zeros(len(x.values), len(codes))
    sizes = torch.zeros_like(sums)
    sums.scatter_add_(1, index, torch.where(pool, x.values, 0.0))
    sizes.scatter_add_(1, index, pool.to(x.values.dtype))
    means = (sums / sizes.clamp_(min=1)).gather(1, index)
    return settled(x.values - means, pool)


# --------------------------------------------------------------- elementwise


def _elementwise(name: str, function: Callable[..., Outcome], doc: str, series: int = 1, **declaration: bool) -> Any:
    """A primitive that applies a tensor function cell by cell."""

    def kernel(*operands: Any) -> Cells:
        return cellwise(function, *operands)

    kernel.__doc__ = doc
    return primitive(today, name=name, series=series, **declaration)(kernel)


def _logarithm(x: Tensor) -> tuple[Tensor, Tensor]:
    defined = above(x, 0.0)
    return keep(torch.log(x), defined), defined


def _power(x: Tensor, p: Tensor) -> Outcome:
    if p.ndim == 0 and p.item() in (0.5, 2.0):
        return (torch.sqrt(x.clamp(min=0)), x >= 0) if p.item() == 0.5 else x * x
    whole = p == torch.round(p)
    odd = whole & (torch.remainder(p, 2) == 1)
    size = _absolute_power(x.abs(), p)
    return torch.where((x < 0) & odd, -size, size), (x >= 0) | whole


def _signed_power(x: Tensor, p: Tensor) -> Tensor:
    return torch.sign(x) * (x * x if p.ndim == 0 and p.item() == 2.0 else _absolute_power(x.abs(), p))


def _absolute_power(size: Tensor, p: Tensor) -> Tensor:
    """size ** p for size >= 0. torch.pow rounds differently in the tail of an array, so a result would depend on how
    many rows are computed at a time; exp and log do not."""
    exponent = p.double() * torch.log(size.double())
    exponent = torch.where((size == 0) & (p == 0), 0.0, exponent)  # 0 ** 0 = 1
    return torch.exp(exponent).to(size.dtype)


# The factor language borrows the names of Python's built-ins, as its formulas do on paper.
abs = _elementwise("abs", torch.abs, "Absolute value.")
sign = _elementwise("sign", torch.sign, "-1, 0 or 1.")
log = _elementwise("log", _logarithm, "Natural logarithm; invalid where x <= 0.", partial=True)
power = _elementwise("power", _power, "x ** p, p a number or a series; invalid where it is not finite.",
                     2, partial=True, amplifies=True)  # fmt: skip
signedpower = _elementwise("signedpower", _signed_power, "sign(x) |x| ** p.", 2, partial=True, amplifies=True)
min = _elementwise("min", torch.minimum, "The smaller of two values, cell by cell.", 2)
max = _elementwise("max", torch.maximum, "The larger of two values, cell by cell.", 2)
equal = _elementwise("equal", lambda a, b: (a == b).to(torch.result_type(a, b)), "1 where a == b, else 0.", 2)
where = _elementwise("where", lambda c, a, b: torch.where(c != 0, a, b),
                     "a where c is not 0, else b; invalid if any of the three is.", 3)  # fmt: skip


@primitive(today)
def clip(x: Cells, low: float, high: float) -> Cells:
    """x limited to [low, high]."""
    return cellwise(lambda values: values.clamp(low, high), x)


PRIMITIVES: dict[str, Primitive] = Primitive.registry
