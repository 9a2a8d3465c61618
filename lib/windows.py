"""Reductions over trailing windows by binary doubling.

Every statistic of a window here is an associative merge of two neighbouring windows, so a window of d rows takes
about 2 log2(d) passes over the data, and each result depends on its own d rows only. Running (cumulative) sums
have neither property: one poisoned or huge cell would reach every later result through round-off.

Cells are tensors [T, N]; a reduction over d rows returns T - d + 1 rows, the first for the window that ends on
row d - 1. Masked cells arrive as zeros with `valid` False and must be neutral in every merge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Cells = tuple[Tensor, ...]
#: merge(older cells, newer cells, rows of older, rows of newer)
Merge = Callable[[Cells, Cells, int, int], Cells]

#: a spread at or below this share of the largest absolute value in the window is round-off of a flat window
FLAT = 1e-6
#: mantissa bits kept before values are compared, by precision of the sub-expression (spec of the operators)
COMPARED_BITS = {torch.float64: (30, 52, torch.int64), torch.float32: (20, 23, torch.int32)}


def fold(cells: Cells, merge: Merge, d: int) -> Cells:
    """Reduce every d consecutive rows with an associative merge.

    >>> x = torch.arange(5.0).reshape(5, 1)
    >>> fold((x,), lambda a, b, *_: (a[0] + b[0],), 3)[0].flatten().tolist()
    [3.0, 6.0, 9.0]
    """
    block, width = cells, 1
    total: Cells | None = None
    covered = 0
    while True:
        if d & width:
            total = block if total is None else _join(total, block, covered, width, merge)
            covered += width
            if covered == d:
                return total
        block = _join(block, block, width, width, merge)
        width *= 2


def _join(older: Cells, newer: Cells, older_rows: int, newer_rows: int, merge: Merge) -> Cells:
    rows = older[0].shape[0] - newer_rows  # windows of older_rows + newer_rows rows that fit
    return merge(
        tuple(cell[:rows] for cell in older),
        tuple(cell[older_rows : older_rows + rows] for cell in newer),
        older_rows,
        newer_rows,
    )


def _add(older: Cells, newer: Cells, *_: int) -> Cells:
    return tuple(a + b for a, b in zip(older, newer, strict=True))


def count(valid: Tensor, d: int) -> Tensor:
    """Number of valid cells in each window, as int32 [T-d+1, N]."""
    return fold((valid.to(torch.int32),), _add, d)[0]


def total(values: Tensor, d: int) -> Tensor:
    """Sum over each window."""
    return fold((values,), _add, d)[0]


def extreme(values: Tensor, valid: Tensor, d: int, largest: bool) -> Tensor:
    """Largest (or smallest) valid value of each window; infinite where there is none."""
    pick = torch.maximum if largest else torch.minimum
    outside = values.new_tensor(-torch.inf if largest else torch.inf)
    return fold((torch.where(valid, values, outside),), lambda a, b, *_: (pick(a[0], b[0]),), d)[0]


def product(values: Tensor, valid: Tensor, d: int) -> Tensor:
    """Product of the valid values of each window."""
    return fold((torch.where(valid, values, values.new_ones(())),), lambda a, b, *_: (a[0] * b[0],), d)[0]


def extreme_position(values: Tensor, valid: Tensor, d: int, largest: bool) -> Tensor:
    """Calendar position 1..d (1 = oldest) of the extreme; of equal extremes the oldest wins."""
    sign = 1.0 if largest else -1.0
    score = torch.where(valid, sign * values, values.new_tensor(-torch.inf))

    def merge(older: Cells, newer: Cells, rows: int, _: int) -> Cells:
        later = newer[0] > older[0]
        return torch.where(later, newer[0], older[0]), torch.where(later, newer[1] + rows, older[1])

    return fold((score, torch.ones_like(values)), merge, d)[1]


def weighted_mean(values: Tensor, valid: Tensor, d: int) -> Tensor:
    """Mean with weights 1 (oldest) .. d (today), renormalised over the valid cells."""
    present = valid.to(values.dtype)

    def merge(older: Cells, newer: Cells, rows: int, _: int) -> Cells:
        plain, weighted, present, weight = (a + b for a, b in zip(older, newer, strict=True))
        return plain, weighted + rows * newer[0], present, weight + rows * newer[2]

    _, weighted, _, weight = fold((values, values, present, present), merge, d)
    return weighted / weight


def share_not_above(values: Tensor, valid: Tensor, n: Tensor, d: int) -> Tensor:
    """Share of the window's n valid values that are <= its last one. O(d): ranks do not merge."""
    rows = values.shape[0] - d + 1
    today = values[d - 1 :]
    below = torch.zeros_like(today)
    for lag in range(d):
        window = slice(d - 1 - lag, d - 1 - lag + rows)
        below += valid[window] & (values[window] <= today)
    return below / n


class Moments(NamedTuple):
    """Second moments of some series over each window, [T-d+1, N] each."""

    n: Tensor | float  # cells that count
    products: tuple[Tensor, ...]  # sums of products of deviations from the window means, one per pair
    largest: tuple[Tensor, ...]  # largest |x| of each series: the yardstick for "flat"


def moments(
    series: Sequence[Tensor], pairs: Sequence[tuple[int, int]], valid: Tensor | None, d: int
) -> Moments:
    """Sums of squared and crossed deviations by pairwise merging (Chan, Golub & LeVeque 1983).

    Each window is referenced to its own first counted cell x0 and carries R = sum(x - x0), so levels cancel
    exactly: a constant window gives exactly 0 and float32 keeps its relative accuracy at any price level.

    pairs: which products, (0, 0) for the squares of series 0, (0, 1) for the products of series 0 and 1.
    valid: the cells that count; None counts all, which is half the work and exact wherever the whole window is valid.
    """
    k = len(series)
    zero = torch.zeros_like(series[0])

    def merge(a: Cells, b: Cells, older_rows: int, newer_rows: int) -> Cells:
        first_a, r_a, m_a, top_a = a[:k], a[k : 2 * k], a[2 * k : -k - 1], a[-k - 1 : -1]
        first_b, r_b, m_b, top_b = b[:k], b[k : 2 * k], b[2 * k : -k - 1], b[-k - 1 : -1]
        step = [y - x for x, y in zip(first_a, first_b, strict=True)]
        if valid is None:
            n_b: Tensor | float = float(newer_rows)
            # difference of the two window means, and the weight n_a n_b / n
            mean = [s + y / newer_rows - x / older_rows for s, x, y in zip(step, r_a, r_b, strict=True)]
            weight: Tensor | float = older_rows * newer_rows / (older_rows + newer_rows)
            first, n = first_a, a[-1]
        else:
            n_a, n_b, n = a[-1], b[-1], a[-1] + b[-1]
            has_a = n_a > 0
            both = has_a & (n_b > 0)
            step = [torch.where(both, s, 0.0) for s in step]
            some_a, some_b = n_a.clamp(min=1), n_b.clamp(min=1)
            mean = [s + y / some_b - x / some_a for s, x, y in zip(step, r_a, r_b, strict=True)]
            weight = n_a * n_b / n.clamp(min=1)
            first = tuple(torch.where(has_a, x, y) for x, y in zip(first_a, first_b, strict=True))
        return (
            *first,
            *(x + y + n_b * s for x, y, s in zip(r_a, r_b, step, strict=True)),
            *(x + y + weight * mean[i] * mean[j] for x, y, (i, j) in zip(m_a, m_b, pairs, strict=True)),
            *(torch.maximum(x, y) for x, y in zip(top_a, top_b, strict=True)),
            n,
        )

    counted = series if valid is None else [torch.where(valid, x, 0.0) for x in series]
    n = zero[:, :1] if valid is None else valid.to(zero.dtype)
    leaf = (*counted, *[zero] * (k + len(pairs)), *(x.abs() for x in counted), n)
    out = fold(leaf, merge, d)
    return Moments(float(d) if valid is None else out[-1], out[2 * k : -k - 1], out[-k - 1 : -1])


def round_mantissa(values: Tensor) -> Tensor:
    """Round to 30 (float64) or 20 (float32) mantissa bits, half away from zero.

    Two values that are equal in exact arithmetic can differ in their last bits after different summation
    orders; without this, round-off would decide who ranks higher.

    >>> a = torch.tensor([0.1 + 0.2, 0.3], dtype=torch.float64)
    >>> bool(a[0] == a[1]), bool(round_mantissa(a)[0] == round_mantissa(a)[1])
    (False, True)
    """
    kept, mantissa, integer = COMPARED_BITS[values.dtype]
    drop = mantissa - kept
    bits = values.contiguous().view(integer)
    return ((bits + (1 << (drop - 1))) & ~((1 << drop) - 1)).view(values.dtype)
