"""Reductions over trailing windows by binary doubling.

Every statistic of a window here is an associative merge of two neighbouring windows, so a window of d rows takes
about 2 log2(d) passes over the data, and each result depends on its own d rows only. Running (cumulative) sums
have neither property: one poisoned or huge cell would reach every later result through round-off.

Cells are tensors [R + d - 1, N]; a reduction over d rows returns R rows, the first for the window that ends on
row d - 1. Under the strict policy a window counts only if all of it is valid, so `valid` is None and no reduction
looks at masks; under `skip` masked cells must be neutral in every merge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lib.kernels.elementary import at_most, keep

#: a statistic of a window may be absent while it is known to be zero
Cells = tuple[Tensor | None, ...]
#: merge(older cells, newer cells, rows of older, rows of newer)
Merge = Callable[..., tuple[Tensor, ...]]


def fold(cells: Sequence[Tensor | None], merge: Merge, d: int) -> tuple[Tensor, ...]:
    """Reduce every d consecutive rows with an associative merge.

    The window splits into blocks of powers of two, the smaller ones older, each a balanced tree of merges. The
    order of the operations is a property of d alone, so a result is the same bits however many are computed.

    >>> x = torch.arange(5.0).reshape(5, 1)
    >>> fold([x], lambda a, b, *_: (a[0] + b[0],), 3)[0].flatten().tolist()
    [3.0, 6.0, 9.0]
    """
    results = next(len(cell) for cell in cells if cell is not None) - d + 1
    few = results * 4 <= d  # then a tree per window is less work than sharing between windows
    block: Cells = tuple(cells)
    total: Cells | None = None
    covered, width = 0, 1
    while True:
        if d & width:
            newer = _tree(cells, merge, covered, width, results) if few else block
            total = newer if total is None else _join(total, newer, covered, width, results, merge, few)
            covered += width
            if covered == d:
                return tuple(cell[:results] for cell in total if cell is not None)
        if not few:
            rows = next(len(cell) for cell in block if cell is not None) - width
            block = merge(_cut(block, 0, rows), _cut(block, width, rows), width, width)
        width *= 2


def _join(older: Cells, newer: Cells, covered: int, width: int, results: int, merge: Merge, few: bool) -> Cells:
    if few:
        return merge(older, newer, covered, width)
    rows = next(len(cell) for cell in newer if cell is not None) - covered
    return merge(_cut(older, 0, rows), _cut(newer, covered, rows), covered, width)


def _cut(cells: Cells, start: int, rows: int) -> Cells:
    return tuple(None if cell is None else cell.narrow(0, start, rows) for cell in cells)


def _tree(cells: Sequence[Tensor | None], merge: Merge, start: int, width: int, results: int) -> Cells:
    """The block of `width` rows from `start` on of each of the windows, by halving it."""
    level: Cells = tuple(
        None if cell is None else cell[start : start + width + results - 1].unfold(0, results, 1).transpose(1, 2)
        for cell in cells
    )  # [width, results, N]
    merged = 1
    while merged < width:
        level = merge(
            tuple(None if cell is None else cell[0::2] for cell in level),
            tuple(None if cell is None else cell[1::2] for cell in level),
            merged,
            merged,
        )
        merged *= 2
    return tuple(None if cell is None else cell[0] for cell in level)


def _add(older: Cells, newer: Cells, *_: int) -> tuple[Tensor, ...]:
    return tuple(a + b for a, b in zip(older, newer, strict=True))  # type: ignore[operator]


def all_valid(valid: Tensor, d: int) -> Tensor:
    """Whether every cell of each window is valid."""
    return overlapping(valid, torch.bitwise_and, d)


def overlapping(cells: Tensor, merge: Callable[[Tensor, Tensor], Tensor], d: int) -> Tensor:
    """Reduce every d consecutive rows with a merge that may see a row twice, as a maximum may.

    Then two windows of a power of two that overlap are enough for any d.

    >>> overlapping(torch.tensor([[3.0], [1.0], [2.0], [0.0]]), torch.maximum, 3).flatten().tolist()
    [3.0, 2.0]
    """
    width = 1
    while width * 2 <= d:
        cells = merge(cells[:-width], cells[width:])
        width *= 2
    rest = d - width
    return merge(cells[:-rest], cells[rest:]) if rest else cells


def count(valid: Tensor, d: int) -> Tensor:
    """Number of valid cells in each window, as int32."""
    return fold([valid.to(torch.int32)], _add, d)[0]


def total(values: Tensor, d: int) -> Tensor:
    """Sum over each window; masked cells are 0 or the window does not count."""
    return fold([values], _add, d)[0]


def extreme(values: Tensor, valid: Tensor | None, d: int, largest: bool) -> Tensor:
    """Largest (or smallest) valid value of each window; infinite where there is none."""
    pick = torch.maximum if largest else torch.minimum
    if valid is not None:
        values = torch.where(valid, values, -torch.inf if largest else torch.inf)
    return overlapping(values, pick, d)


def product(values: Tensor, d: int) -> Tensor:
    """Product over each window; masked cells are 1 or the window does not count."""
    return fold([values], lambda a, b, *_: (a[0] * b[0],), d)[0]


def extreme_position(values: Tensor, valid: Tensor | None, d: int, largest: bool) -> Tensor:
    """Calendar position 1..d (1 = oldest) of the extreme; of equal extremes the oldest wins."""
    score = values if largest else -values
    if valid is not None:
        score = torch.where(valid, score, -torch.inf)

    def merge(older: tuple[Tensor, ...], newer: tuple[Tensor, ...], rows: int, _: int) -> tuple[Tensor, ...]:
        later = newer[0] > older[0]
        return torch.where(later, newer[0], older[0]), torch.where(later, newer[1] + rows, older[1])

    return fold([score, torch.ones_like(values)], merge, d)[1]


def weighted_total(values: Tensor, d: int) -> tuple[Tensor, Tensor]:
    """Plain sum, and sum with weights 1 (oldest) .. d (today)."""

    def merge(older: tuple[Tensor, ...], newer: tuple[Tensor, ...], rows: int, _: int) -> tuple[Tensor, ...]:
        return older[0] + newer[0], (older[1] + newer[1]).add_(newer[0], alpha=rows)

    plain, weighted = fold([values, values], merge, d)
    return plain, weighted


def share_not_above(values: Tensor, valid: Tensor | None, n: Tensor | int, d: int) -> Tensor:
    """Share of the window's n valid values that are <= its last one. O(d): ranks do not merge."""
    rows = values.shape[0] - d + 1
    today = values[d - 1 :]
    below = torch.zeros_like(today, dtype=torch.uint8 if d < 256 else torch.int32)
    not_above = torch.empty_like(today, dtype=torch.bool)
    for lag in range(d):
        window = slice(d - 1 - lag, d - 1 - lag + rows)
        at_most(values[window], today, out=not_above)
        below += (not_above if valid is None else not_above & valid[window]).view(torch.uint8)
    return below.to(values.dtype) / n


Pairs = Sequence[tuple[int, int]]


def moments(
    series: Sequence[Tensor], pairs: Pairs, valid: Tensor | None, d: int
) -> tuple[Tensor | int, tuple[Tensor, ...]]:
    """Cells that count, and sums of products of deviations from the window means: [R, N] each, one per pair.

    By pairwise merging of means and sums of products (Chan, Golub & LeVeque 1983) of float64 series. A constant
    window gives exactly 0.

    pairs: which products, (0, 0) for the squares of series 0, (0, 1) for the products of series 0 and 1.
    valid: the cells that count; None counts all, which is half the work and exact wherever the whole window is valid.
    """
    k = len(series)
    if valid is None:
        absent = [None] * len(pairs)  # of a single row the sums are zero
        return d, fold([*series, *absent], _merge_means(k, pairs), d)[k:]
    counted = [keep(x, valid) for x in series]
    zero = torch.zeros_like(series[0])
    out = fold([*counted, *[zero] * len(pairs), valid.to(zero.dtype)], _merge_counted(k, pairs), d)
    return out[-1], out[k:-1]


def _merge_means(k: int, pairs: Pairs) -> Merge:
    """Merge of windows whose every cell counts."""

    def merge(older: Cells, newer: Cells, n_a: int, n_b: int) -> tuple[Tensor, ...]:
        step = [y - x for x, y in zip(older[:k], newer[:k], strict=True)]  # type: ignore[operator]
        share, weight = n_b / (n_a + n_b), n_a * n_b / (n_a + n_b)
        products = [
            _product_sum(a, b, step[i], step[j], weight)
            for (i, j), a, b in zip(pairs, older[k:], newer[k:], strict=True)
        ]
        means = [torch.add(x, s, alpha=share) for x, s in zip(older[:k], step, strict=True)]  # type: ignore[arg-type]
        return *means, *products

    return merge


def _product_sum(older: Tensor | None, newer: Tensor | None, x: Tensor, y: Tensor, weight: float) -> Tensor:
    """older + newer + weight * x * y."""
    if older is not None and newer is not None:
        return (older + newer).addcmul_(x, y, value=weight)
    known = newer if older is None else older
    return (x * y).mul_(weight) if known is None else torch.addcmul(known, x, y, value=weight)


def _merge_counted(k: int, pairs: Pairs) -> Merge:
    """Merge of windows of which only the valid cells count."""

    def merge(a: tuple[Tensor, ...], b: tuple[Tensor, ...], *_: int) -> tuple[Tensor, ...]:
        n_a, n_b, n = a[-1], b[-1], a[-1] + b[-1]
        some = n.clamp(min=1)
        share, weight = n_b / some, n_a * n_b / some
        # a side without a cell has no mean: it takes the other's, so that nothing moves
        older = [torch.where(n_a > 0, x, y) for x, y in zip(a[:k], b[:k], strict=True)]
        step = [torch.where(n_b > 0, y - x, 0.0) for x, y in zip(older, b[:k], strict=True)]
        return (
            *(x + s * share for x, s in zip(older, step, strict=True)),
            *(
                x + y + weight * step[i] * step[j]
                for x, y, (i, j) in zip(a[k:-1], b[k:-1], pairs, strict=True)
            ),
            n,
        )

    return merge
