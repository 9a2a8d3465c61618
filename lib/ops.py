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

from lib import compiled
from lib.graph import Block, Primitive, field, primitive, today
from lib.kernels import ranks, scores, windows
from lib.kernels.compiled import FLAT
from lib.kernels.elementary import above, as_number, interpolated_down, keep
from lib.kernels.precision import KNOWN, comparable, without_round_off
from lib.masked import INFIX, Cells, Outcome, cellwise, compared, exact_operands, settled

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

    return _windowed(d, block, x.valid, (comparable(x.values, x.exact),), position)


@primitive(window_days, windowed=True, compiled=compiled.ts_sum)
def ts_sum(x: Cells, d: int, *, block: Block) -> Cells:
    """Sum over the last d days; under `skip`, d times the mean of the valid cells."""

    def statistic(n: Tensor | int, valid: Tensor | None, values: Tensor) -> Tensor:
        total = _total(values, d, x.exact)
        return total if valid is None else torch.where(n == d, total, total / n * d)  # type: ignore[arg-type]

    return _windowed(d, block, x.valid, (x.values,), statistic)


@primitive(window_days, windowed=True, compiled=compiled.ts_mean)
def ts_mean(x: Cells, d: int, *, block: Block) -> Cells:
    """Mean of the valid cells of the last d days."""
    return _windowed(d, block, x.valid, (x.values,), lambda n, _, values: _total(values, d, x.exact) / n)


def _total(values: Tensor, d: int, exact: bool) -> Tensor:
    """Sums over windows; 0 where one is round-off of computed numbers that cancel."""
    total = windows.total(values, d)
    return total if exact else without_round_off(total, windows.total(values.abs(), d), exact)


@primitive(window_days, windowed=True, selects=True, compiled=compiled.ts_min)
def ts_min(x: Cells, d: int, *, block: Block) -> Cells:
    """Smallest valid value of the last d days."""
    return _extreme(x, d, block, largest=False)


@primitive(window_days, windowed=True, selects=True, compiled=compiled.ts_max)
def ts_max(x: Cells, d: int, *, block: Block) -> Cells:
    """Largest valid value of the last d days."""
    return _extreme(x, d, block, largest=True)


@primitive(window_days, windowed=True)
def ts_product(x: Cells, d: int, *, block: Block) -> Cells:
    """Product of the valid values of the last d days."""

    def statistic(_: Tensor | int, valid: Tensor | None, values: Tensor) -> Tensor:
        return windows.product(values if valid is None else torch.where(valid, values, 1.0), d)

    return _windowed(d, block, x.valid, (x.values,), statistic)


@primitive(window_days, windowed=True, partial=True, compiled=compiled.ts_std)
def ts_std(x: Cells, d: int, *, block: Block) -> Cells:
    """Sample standard deviation (ddof = 1) of the valid cells of the last d days.

    Exactly 0 for a flat window: where the deviation is at most 1e-6 of the largest absolute value. Invalid with
    fewer than two valid cells.
    """
    if d < 2:
        return _nowhere(x)

    def statistic(_: Tensor | int, valid: Tensor | None, values: Tensor) -> Tensor:
        n, (squares,) = windows.moments((values.double(),), ((0, 0),), valid, d)
        squares = _not_flat(squares, n - 1, values, valid, d)
        return torch.sqrt(squares / (n - 1)).to(values.dtype)  # n = 1 gives 0/0: invalid

    return _windowed(d, block, x.valid, (x.values,), statistic)


def _not_flat(squares: Tensor, share: Tensor | float, values: Tensor, valid: Tensor | None, d: int) -> Tensor:
    """Summed squared deviations, 0 where the window is flat: root of squares / share <= 1e-6 * largest |value|."""
    largest = windows.extreme(values.abs().double(), valid, d, largest=True)
    return keep(squares, above(squares, largest * largest * (FLAT**2 * share)))


def _nowhere(x: Cells) -> Cells:
    """A result that no window can give."""
    return Cells(torch.zeros_like(x.values), torch.zeros_like(x.valid))


@primitive(window_days, windowed=True, compares=True, compiled=compiled.ts_rank)
def ts_rank(x: Cells, d: int, *, block: Block) -> Cells:
    """Share of the window's valid values that are <= today's, in (0, 1]; ties count as the higher rank."""

    def share(n: Tensor | int, valid: Tensor | None, values: Tensor) -> Tensor:
        return windows.share_not_above(values, valid, n, d)

    return _windowed(d, block, x.valid, (comparable(x.values, x.exact),), share)


@primitive(window_days, series=2, windowed=True, partial=True, compiled=compiled.ts_corr)
def ts_corr(x: Cells, y: Cells, d: int, *, block: Block) -> Cells:
    """Pearson correlation of the jointly valid days of the last d, in [-1, 1].

    Exactly 0, and valid, where either series is flat: root of its summed squared deviations at most
    1e-6 * largest absolute value * sqrt(n). Masking flat windows instead would cost most of the coverage of
    formulas that correlate ranks.
    """
    if d < 2:
        return _nowhere(x)

    def statistic(n: Tensor | int, valid: Tensor | None, x: Tensor, y: Tensor) -> Tensor:
        return _correlations(x, y, valid, d)[0].masked_fill(torch.as_tensor(n, device=x.device) < 2, torch.nan)

    return _windowed(d, block, _both(x, y), (x.values, y.values), statistic)


def _correlations(x: Tensor, y: Tensor, valid: Tensor | None, d: int) -> tuple[Tensor, Tensor]:
    """Correlations of windows, 0 where a series is flat or they are round-off; and sample covariances."""
    n, (xx, yy, xy) = windows.moments((x.double(), y.double()), ((0, 0), (1, 1), (0, 1)), valid, d)
    xx, yy = _not_flat(xx, n, x, valid, d), _not_flat(yy, n, y, valid, d)
    size = (torch.sqrt(xx) * torch.sqrt(yy)).clamp_(min=torch.finfo(xx.dtype).tiny)
    correlation = keep((xy / size).clamp_(-1.0, 1.0), above(xx, 0.0) & above(yy, 0.0))
    known = above(correlation.abs(), KNOWN[x.dtype])
    return keep(correlation, known).to(x.dtype), (keep(xy, known) / (n - 1)).to(x.dtype)


def _both(x: Cells, y: Cells) -> Tensor:
    return x.valid if y.valid is x.valid else x.valid & y.valid


@primitive(window_days, series=2, windowed=True, partial=True, compiled=compiled.ts_cov)
def ts_cov(x: Cells, y: Cells, d: int, *, block: Block) -> Cells:
    """Sample covariance (ddof = 1) over the jointly valid days of the last d; 0 where the correlation is."""
    if d < 2:
        return _nowhere(x)

    def statistic(_: Tensor | int, valid: Tensor | None, x: Tensor, y: Tensor) -> Tensor:
        return _correlations(x, y, valid, d)[1]

    return _windowed(d, block, _both(x, y), (x.values, y.values), statistic)


@primitive(window_days, windowed=True, compares=True, compiled=compiled.ts_argmax)
def ts_argmax(x: Cells, d: int, *, block: Block) -> Cells:
    """Calendar position 1..d (1 = oldest day) of the largest value; the oldest of equal values wins."""
    return _position(x, d, block, largest=True)


@primitive(window_days, windowed=True, compares=True, compiled=compiled.ts_argmin)
def ts_argmin(x: Cells, d: int, *, block: Block) -> Cells:
    """Calendar position 1..d (1 = oldest day) of the smallest value; the oldest of equal values wins."""
    return _position(x, d, block, largest=False)


@primitive(lambda k: (k,))
def delay(x: Cells, k: int) -> Cells:
    """x of k days ago. Reads that day only, so it can be valid on a day that is itself masked."""
    return x.rows(0, len(x.valid) - k)


@primitive(lambda k: (0, k), cancels=True, compiled=compiled.delta)
def delta(x: Cells, k: int) -> Cells:
    """x today minus x of k days ago; invalid if either end is, whatever the window policy."""
    return INFIX["-"](x.rows(k), x.rows(0, len(x.valid) - k))


@primitive(window_days, windowed=True, compiled=compiled.decay_linear)
def decay_linear(x: Cells, d: int, *, block: Block) -> Cells:
    """Mean with weights d, d-1, .., 1 from today backwards, renormalised over the valid cells."""

    def statistic(_: Tensor | int, valid: Tensor | None, values: Tensor) -> Tensor:
        weighted = windows.weighted_total(values, d)[1]
        if not x.exact:
            weighted = without_round_off(weighted, windows.total(values.abs(), d) * ((d + 1) / 2), x.exact)
        if valid is None:
            return weighted / (d * (d + 1) / 2)
        return weighted / windows.weighted_total(valid.to(values.dtype), d)[1]

    return _windowed(d, block, x.valid, (x.values,), statistic)


def ewma_memory(alpha: float) -> int:
    """Days until an observation's weight has faded to 0.1 %."""
    return 1 if alpha == 1 else math.ceil(math.log(1e-3) / math.log1p(-alpha))


@primitive(today, memory=ewma_memory, compiled=compiled.ewma)
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
    return settled(out.to(x.values.dtype), x.valid)


# ------------------------------------------------------------- cross-section


def _pool(x: Cells, block: Block) -> Tensor:
    return x.valid if block.universe is None else x.valid & block.universe


@primitive(today, pools=True, compares=True, compiled=compiled.cs_rank)
def cs_rank(x: Cells, *, block: Block) -> Cells:
    """Ascending percentile rank among the day's valid stocks, in (0, 1]; ties share their average rank.

    Divided by the number of valid stocks, not by the number of columns: otherwise a day with many halts would
    shift every rank (paper B s5.2, "the rank denominator bug").
    """
    pool = _pool(x, block)
    dtype = block.dtype or x.values.dtype
    n = pool.view(torch.int8).sum(dim=1, keepdim=True, dtype=torch.int32).clamp_(min=1)
    return Cells(ranks.row_ranks(x.values, pool, x.exact, dtype).div_(n), pool)


@primitive(today, pools=True, compiled=compiled.cs_zscore)
def cs_zscore(x: Cells, *, block: Block) -> Cells:
    """(x - mean) / population standard deviation of the day's valid stocks.

    A row whose deviation is at most 1e-6 of its largest absolute value is flat: its scores are 0, and valid.
    """
    pool = _pool(x, block)
    return Cells(scores.standardised_rows(x.values, pool), pool)


@primitive(today, pools=True, partial=True, compiled=compiled.cs_scale)
def cs_scale(x: Cells, a: float = 1.0, *, block: Block) -> Cells:
    """a x / sum of |x| over the day's valid stocks; invalid where the sum is 0."""
    pool = _pool(x, block)
    size = keep(x.values, pool).abs_().sum(dim=1, keepdim=True)
    return settled(a * x.values / torch.where(size > 0, size, 1.0), pool & (size > 0))


@primitive(today, series=2, pools=True, compiled=compiled.group_neutralize)
def group_neutralize(x: Cells, g: Cells, *, block: Block) -> Cells:
    """x minus the mean of the day's valid members of its group; g holds group codes (Kakushadze's indneutralize)."""
    pool = _both(x, g) if block.universe is None else _both(x, g) & block.universe
    codes, index = torch.unique(torch.where(pool, g.values, 0.0), return_inverse=True)
    sums = x.values.new_zeros(len(x.values), len(codes))
    sizes = torch.zeros_like(sums)
    sums.scatter_add_(1, index, torch.where(pool, x.values, 0.0))
    sizes.scatter_add_(1, index, pool.to(x.values.dtype))
    sizes = sizes.clamp_(min=1)
    sums_of_sizes = torch.zeros_like(sums).scatter_add_(1, index, keep(x.values.abs(), pool))
    rest = x.values - (sums / sizes).gather(1, index)
    size = torch.maximum(x.values.abs(), (sums_of_sizes / sizes).gather(1, index))
    return settled(without_round_off(rest, size, exact=False), pool)


# --------------------------------------------------------------- elementwise


def _elementwise(
    name: str, function: Callable[..., Outcome], doc: str, series: int = 1, *, chooses: bool = False, **declaration: Any
) -> Any:
    """A primitive that applies a tensor function cell by cell; chooses: a result is one of the operands, up to sign."""

    def kernel(*operands: Any) -> Cells:
        found = cellwise(function, *operands)
        return found._replace(exact=exact_operands(*operands)) if chooses else found

    kernel.__doc__ = doc
    return primitive(today, name=name, series=series, **declaration)(kernel)


@primitive(today, partial=True, compiled=compiled.log)
def log(x: Cells) -> Cells:
    """Natural logarithm; invalid where x <= 0. 0 where a computed x is 1 but for round-off."""

    def logarithm(values: Tensor) -> tuple[Tensor, Tensor]:
        defined = above(values, 0.0)
        found = without_round_off(values - 1, torch.ones_like(values), x.exact)
        return keep(keep(torch.log(values), defined), found != 0), defined

    return cellwise(logarithm, x)


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
abs = _elementwise("abs", torch.abs, "Absolute value.", chooses=True)
sign = _elementwise("sign", torch.sign, "-1, 0 or 1: a comparison with 0.", compares=True)
power = _elementwise("power", _power, "x ** p, p a number or a series; invalid where it is not finite.",
                     2, partial=True, amplifies=True, compiled=compiled.power)  # fmt: skip
signedpower = _elementwise("signedpower", _signed_power, "sign(x) |x| ** p.", 2,
                           partial=True, amplifies=True, compiled=compiled.signedpower)
min = _elementwise("min", torch.minimum, "The smaller of two values, cell by cell.", 2, chooses=True)
max = _elementwise("max", torch.maximum, "The larger of two values, cell by cell.", 2, chooses=True)


@primitive(today, series=2, compares=True, compiled=compiled.equal)
def equal(a: Cells, b: Cells) -> Cells:
    """1 where a == b, else 0; computed operands are rounded first, as for a rank."""
    return compared(torch.eq, a, b)


@primitive(today, series=3, compiled=compiled.where)
def where(c: Cells, a: Cells, b: Cells) -> Cells:
    """a where c is not 0, else b; invalid if any of the three is."""
    found = cellwise(lambda c, a, b: torch.where(c != 0, a, b), c, a, b)
    return found._replace(exact=exact_operands(a, b))


@primitive(today)
def clip(x: Cells, low: float, high: float) -> Cells:
    """x limited to [low, high]."""
    return cellwise(lambda values: values.clamp(low, high), x)


PRIMITIVES: dict[str, Primitive] = Primitive.registry
