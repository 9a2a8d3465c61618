"""The primitives on a CPU: the same arguments as their kernels in `lib.ops`, computed by compiled loops.

Each function takes `Cells` and numbers and returns `Cells`, or None for what only tensors do: deviations of a single
day. `Primitive.step` asks here first.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from lib.kernels.block import Block
from lib.kernels.compiled import cells, extremes, masks, moments, ranks, recurrence, scores, skipping, sums
from lib.kernels.compiled.settle import settle_rows
from lib.kernels.precision import KNOWN, rounding
from lib.kernels.scores import near_one
from lib.masked import ZERO_DENOMINATOR, Cells, exact_operands, require_one_shape

WHOLE = {torch.float32: np.int32, torch.float64: np.int64}
FLOAT = {torch.float32: np.float32, torch.float64: np.float64}
#: group codes below this have a place of their own in a table
MOST_GROUPS = 4096
#: whole powers up to this are products
MOST_FACTORS = 64


def _array(tensor: Tensor) -> Any:
    return tensor.numpy() if tensor.is_contiguous() else tensor.contiguous().numpy()


def _cells(values: Any, valid: Any, exact: bool = False) -> Cells:
    return Cells(torch.from_numpy(values), valid if isinstance(valid, Tensor) else torch.from_numpy(valid), exact)


def _known(*operands: Cells | float) -> float:
    """Share of what cancels that is round-off: none (negative) of numbers read from data."""
    dtypes = [x.values.dtype for x in operands if isinstance(x, Cells) and not x.exact]
    return KNOWN[dtypes[0]] if dtypes else -1.0


# ---------------------------------------------------------------- time series


class _Windows(NamedTuple):
    """What a reduction over windows of d days gets, and where its results go.

    series: [R+d-1, N] each; first: the day of their first row. ok: bool [R, N], the windows that count; out: [R, N].
    Under the policy `skip`, n: valid cells of each window, valid: [R+d-1, N]; the series are in float64 then, and 0
    where they are masked.
    """

    series: tuple[Any, ...]
    first: int
    ok: Any
    out: Any
    n: Any = None
    valid: Any = None

    @property
    def skips(self) -> bool:
        """Whether only the valid cells of a window count."""
        return self.n is not None

    @property
    def cells(self) -> Cells:
        """The results."""
        return _cells(self.out, self.ok)


def _windows(d: int, block: Block, *series: Cells, values: tuple[Any, ...] = (), compares: bool = False) -> _Windows:
    """values: the arrays of the series, if not their own. compares: the result is in the precision asked for."""
    given = values or tuple(_array(x.values) for x in series)
    dtype = (block.dtype if compares else None) or series[0].values.dtype
    ok, out = _places((len(given[0]) - d + 1, given[0].shape[1]), dtype, block)
    found = _Windows(given, block.day - (d - 1), ok, out)
    flags = [_array(x.valid) for x in series]
    if len(flags) == 2 and series[0].valid is series[1].valid:
        flags.pop()
    if block.window.policy == "skip":
        return _skipping(found, d, block, flags[0] if len(flags) == 1 else flags[0] & flags[1])
    if len(flags) == 2:
        masks.both_valid(flags[0], flags[1], d, found.ok)
    else:
        masks.all_valid(flags[0], d, found.ok)
    return found


def _places(shape: tuple[int, int], dtype: torch.dtype, block: Block) -> tuple[Any, Any]:
    """Where validity and values go: to where the block says, or to new arrays."""
    if block.out is not None and block.out[0].dtype == dtype and tuple(block.out[0].shape) == shape:
        return block.out[1].numpy(), block.out[0].numpy()
    return np.empty(shape, np.bool_), np.empty(shape, FLOAT[dtype])


def _skipping(found: _Windows, d: int, block: Block, valid: Any) -> _Windows:
    n = np.empty(found.ok.shape)
    skipping.count_valid(valid, d, block.window.required(d), max(d - 1 - block.day, 0), n, found.ok)
    kept = tuple(np.empty(x.shape) for x in found.series)
    for x, to in zip(found.series, kept, strict=True):
        skipping.keep_valid(x, valid, 0.0, to)
    return found._replace(series=kept, n=n, valid=valid)


def ts_sum(x: Cells, d: int, *, block: Block) -> Cells:
    return _sum(x, d, 1.0, float(d), block)


def ts_mean(x: Cells, d: int, *, block: Block) -> Cells:
    return _sum(x, d, float(d), 1.0, block)


def _sum(x: Cells, d: int, divisor: float, factor: float, block: Block) -> Cells:
    """Sum over `divisor`; under `skip`, mean of the valid cells times `factor`."""
    given, known = _windows(d, block, x), _known(x)
    if given.skips:
        total, all_of = np.empty(given.ok.shape), np.ones_like(given.ok)
        sums.known_window_sum(given.series[0], all_of, d, given.first, 1.0, known, total)
        skipping.over(total, given.n, factor, given.ok, given.out)
    elif known < 0:
        sums.window_sum(given.series[0], given.ok, d, given.first, divisor, given.out)
    else:
        sums.known_window_sum(given.series[0], given.ok, d, given.first, divisor, known, given.out)
    return given.cells


def decay_linear(x: Cells, d: int, *, block: Block) -> Cells:
    given = _windows(d, block, x)
    if given.skips:
        total, weights, all_of = np.empty(given.ok.shape), np.empty(given.ok.shape), np.ones_like(given.ok)
        sums.weighted_sum(given.series[0], all_of, d, given.first, 1.0, _known(x), total)
        sums.weighted_sum(given.valid.astype(np.float64), all_of, d, given.first, 1.0, -1.0, weights)
        skipping.over(total, weights, 1.0, given.ok, given.out)
    else:
        sums.weighted_sum(given.series[0], given.ok, d, given.first, d * (d + 1) / 2, _known(x), given.out)
    return given.cells


def ts_std(x: Cells, d: int, *, block: Block) -> Cells | None:
    if d < 2:
        return None
    given = _windows(d, block, x)
    if given.skips:
        skipping.deviation(given.series[0], given.valid, given.n, given.ok, d, given.out)
    else:
        moments.window_deviation(given.series[0], given.ok, d, given.first, given.out)
    return given.cells


def ts_corr(x: Cells, y: Cells, d: int, *, block: Block) -> Cells | None:
    return _correlation(x, y, d, False, block)


def ts_cov(x: Cells, y: Cells, d: int, *, block: Block) -> Cells | None:
    return _correlation(x, y, d, True, block)


def _correlation(x: Cells, y: Cells, d: int, covariance: bool, block: Block) -> Cells | None:
    if d < 2:
        return None
    given, unknown = _windows(d, block, x, y), KNOWN[x.values.dtype]
    a, b = given.series
    if given.skips:
        skipping.correlation(a, b, given.valid, given.n, given.ok, d, unknown, covariance, given.out)
    else:
        moments.window_correlation(a, b, given.ok, d, given.first, unknown, covariance, given.out)
    return given.cells


def ts_max(x: Cells, d: int, *, block: Block) -> Cells:
    return _extreme(x, d, 1, block)


def ts_min(x: Cells, d: int, *, block: Block) -> Cells:
    return _extreme(x, d, -1, block)


def _extreme(x: Cells, d: int, sign: int, block: Block) -> Cells:
    given = _windows(d, block, x)
    values = _only_valid(given, sign)
    extremes.window_extreme(values, d, given.first, values.dtype.type(sign), given.out)
    if given.skips:  # a window without a valid cell has no extreme
        skipping.keep_valid(given.out.copy(), given.ok, 0.0, given.out)
    return given.cells._replace(exact=x.exact)


def _only_valid(given: _Windows, sign: int) -> Any:
    """Under `skip`, values with masked cells that are never the extreme."""
    if not given.skips:
        return given.series[0]
    values = np.empty_like(given.series[0])
    skipping.keep_valid(given.series[0], given.valid, -sign * np.inf, values)
    return values


def ts_argmax(x: Cells, d: int, *, block: Block) -> Cells:
    return _position(x, d, 1, block)


def ts_argmin(x: Cells, d: int, *, block: Block) -> Cells:
    return _position(x, d, -1, block)


def _position(x: Cells, d: int, sign: int, block: Block) -> Cells:
    given = _windows(d, block, x, values=(_comparable(x),), compares=True)
    values = _only_valid(given, sign)
    extremes.extreme_position(values, d, given.first, values.dtype.type(sign), given.out)
    if given.skips:
        skipping.keep_valid(given.out.copy(), given.ok, 0.0, given.out)
    return given.cells


def ts_rank(x: Cells, d: int, *, block: Block) -> Cells:
    given = _windows(d, block, x, values=(_comparable(x),), compares=True)
    if given.skips:
        skipping.share_not_above(given.series[0], given.valid, given.n, d, given.out)
    else:
        extremes.share_not_above(given.series[0], d, given.out)
    return given.cells


def _comparable(x: Cells) -> Any:
    """Values ready to be compared."""
    values = _array(x.values)
    if x.exact:
        return values
    rounded = np.empty_like(values)
    whole = WHOLE[x.values.dtype]
    cells.round_bits(values.view(whole), *rounding(x.values.dtype, x.exact), rounded.view(whole))
    return rounded


def ewma(x: Cells, alpha: float, *, block: Block) -> Cells:
    if alpha == 1:
        return x
    values, valid = _array(x.values), _array(x.valid)
    stocks = values.shape[1]
    level, seeded = block.memory.get("level"), block.memory.get("seeded")
    carried = np.zeros((1, stocks)) if level is None else _array(level).copy()
    started = np.zeros((1, stocks), np.bool_) if seeded is None else _array(seeded).copy()
    out = np.empty_like(values)
    recurrence.exponential_mean(values, valid, alpha, carried[0], started[0], out)
    block.memory.update(level=torch.from_numpy(carried), seeded=torch.from_numpy(started))
    return _cells(out, x.valid)


# ------------------------------------------------------------- cross-section


def _pool(block: Block, *series: Cells) -> Any:
    flags = [series[0].valid, *(x.valid for x in series[1:] if x.valid is not series[0].valid)]
    if block.universe is not None:
        flags.append(block.universe)
    pool = _array(flags[0])
    for other in flags[1:]:
        pool = pool & _array(other)
    return pool


def _row_places(pool: Any, dtype: torch.dtype, block: Block) -> tuple[Any, Any]:
    """The pool and a place for values, both where the block says if it says so."""
    if block.out is None:
        return pool, np.empty(pool.shape, FLOAT[dtype])
    ok, out = _places(pool.shape, dtype, block)
    ok[:] = pool
    return ok, out


def cs_rank(x: Cells, *, block: Block) -> Cells:
    values = _array(x.values)
    pool, out = _row_places(_pool(block, x), block.dtype or x.values.dtype, block)
    ranks.row_ranks(values.view(WHOLE[x.values.dtype]), pool, *rounding(x.values.dtype, x.exact), out)
    return _cells(out, pool)


def cs_zscore(x: Cells, *, block: Block) -> Cells:
    values, inexact = _array(x.values), np.empty(len(x.valid), np.bool_)
    pool, out = _row_places(_pool(block, x), x.values.dtype, block)
    scores.standardised(values, pool, out, inexact)
    if inexact.any():  # rows whose squares leave the range of float64: brought near 1 by a power of two
        inside = pool[inexact]
        near = near_one(torch.from_numpy(values[inexact]), torch.from_numpy(inside)).numpy()
        redone = np.empty_like(near)
        scores.standardised(near, inside, redone, np.empty(len(near), np.bool_))
        out[inexact] = redone
    return _cells(out, pool)


def cs_scale(x: Cells, a: float = 1.0, *, block: Block) -> Cells:
    pool, values = _pool(block, x), _array(x.values)
    out, ok = np.empty_like(values), np.empty(values.shape, np.bool_)
    scores.scaled(values, pool, float(a), ok, out)
    return _cells(out, ok)


def group_neutralize(x: Cells, g: Cells, *, block: Block) -> Cells:
    pool, values, groups = _pool(block, x, g), _array(x.values), _array(g.values)
    many = int(min(max(groups.max(initial=0.0), 0.0), MOST_GROUPS - 1)) + 1
    out, ok, known = np.empty_like(values), np.empty(values.shape, np.bool_), KNOWN[x.values.dtype]
    if not scores.without_group_means(values, groups, pool, many, known, out, ok):
        labels, codes = np.unique(groups, return_inverse=True)
        codes = codes.reshape(groups.shape).astype(groups.dtype)
        scores.without_group_means(values, codes, pool, len(labels), known, out, ok)
    return _cells(out, ok)


# --------------------------------------------------------------- elementwise


def _operands(*operands: Cells | float) -> tuple[list[Any], Tensor, Any, torch.dtype]:
    """Operands as arrays, numbers as one row; where all are valid; a place for the result; their type."""
    series = [x for x in operands if isinstance(x, Cells)]
    dtype, valid = series[0].values.dtype, series[0].valid
    shape = tuple(valid.shape)
    for other in series[1:]:
        if other.valid is not valid:
            require_one_shape(valid, other.valid)
            valid = valid & other.valid
    arrays = [_array(x.values) if isinstance(x, Cells) else _row_of(x, shape[1], dtype) for x in operands]
    return arrays, valid, np.empty(shape, FLOAT[dtype]), dtype


def _row_of(number: float, stocks: int, dtype: torch.dtype) -> Any:
    return np.full((1, stocks), number, FLOAT[dtype])


def _settled(out: Any, valid: Tensor, not_finite: int) -> Cells:
    if not not_finite:
        return _cells(out, valid)
    ok = _array(valid).copy()
    settle_rows(out, ok)
    return _cells(out, ok)


def _add(a: Cells | float, b: Cells | float, sign: float) -> Cells:
    (x, y), valid, out, _ = _operands(a, b)
    return _settled(out, valid, cells.add(x, y, sign, _known(a, b), out))


def plus(a: Cells | float, b: Cells | float, *, block: Block) -> Cells:
    return _add(a, b, 1.0)


def minus(a: Cells | float, b: Cells | float, *, block: Block) -> Cells:
    return _add(a, b, -1.0)


def delta(x: Cells, k: int, *, block: Block) -> Cells:
    return _add(x.rows(k), x.rows(0, len(x.valid) - k), -1.0)


def times(a: Cells | float, b: Cells | float, *, block: Block) -> Cells:
    (x, y), valid, out, _ = _operands(a, b)
    return _settled(out, valid, cells.multiply(x, y, out))


def over(a: Cells | float, b: Cells | float, *, block: Block) -> Cells:
    (x, y), valid, out, _ = _operands(a, b)
    return _settled(out, valid, cells.divide(x, y, ZERO_DENOMINATOR, out))


def _compared(how: int, a: Cells | float, b: Cells | float, block: Block) -> Cells:
    (x, y), valid, _, dtype = _operands(a, b)
    whole = WHOLE[dtype]
    out = np.empty(valid.shape, FLOAT[block.dtype or dtype])
    bits = np.empty((2, out.shape[1]), whole)
    half, kept = rounding(dtype, exact_operands(a, b))
    cells.compare(x.view(whole), y.view(whole), how, half, kept, bits, bits.view(FLOAT[dtype]), out)
    return _cells(out, valid)


def less(a: Cells | float, b: Cells | float, *, block: Block) -> Cells:
    return _compared(cells.LESS, a, b, block)


def at_most(a: Cells | float, b: Cells | float, *, block: Block) -> Cells:
    return _compared(cells.AT_MOST, a, b, block)


def above(a: Cells | float, b: Cells | float, *, block: Block) -> Cells:
    return _compared(cells.LESS, b, a, block)


def at_least(a: Cells | float, b: Cells | float, *, block: Block) -> Cells:
    return _compared(cells.AT_MOST, b, a, block)


def equal(a: Cells | float, b: Cells | float, *, block: Block) -> Cells:
    return _compared(cells.EQUAL, a, b, block)


def where(c: Cells | float, a: Cells | float, b: Cells | float, *, block: Block) -> Cells:
    (flags, x, y), valid, out, _ = _operands(c, a, b)
    cells.choose(flags, x, y, out)
    return _cells(out, valid, exact_operands(a, b))


def log(x: Cells, *, block: Block) -> Cells:
    (values,), valid, out, _ = _operands(x)
    return _settled(out, valid, cells.log(values, _known(x), out))


def power(x: Cells | float, p: Cells | float, *, block: Block) -> Cells:
    return _power(x, p, False)


def signedpower(x: Cells | float, p: Cells | float, *, block: Block) -> Cells:
    return _power(x, p, True)


def _power(x: Cells | float, p: Cells | float, signed: bool) -> Cells:
    (values, exponents), valid, out, _ = _operands(x, p)
    if isinstance(p, Cells):
        bad = cells.power(values, exponents, signed, out)
    elif p == 0.5:
        bad = cells.root(values, signed, out)
    elif p == math.floor(p) and 1 <= p <= MOST_FACTORS:
        bad = cells.whole_power(values, int(p), signed, out)
    else:
        bad = cells.power(values, exponents, signed, out)
    return _settled(out, valid, bad)
