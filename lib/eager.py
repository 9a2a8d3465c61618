"""Run a kernel over a whole panel held in memory, in tiles whose intermediates stay in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from lib.errors import ExpressionError
from lib.kernels.compiled import stores
from lib.kernels.elementary import keep
from lib.kernels.memory import reuse_freed_memory
from lib.masked import Cells, Masked

#: a kernel on some rows: (arguments, index of the first result's day, universe of these days, where results may go)
Step: TypeAlias = Callable[[Sequence[Any], int, "Tensor | None", "tuple[Tensor, Tensor] | None"], Cells]

#: cells of a tile, its rows, and its columns at least
TILE_CELLS, TILE_ROWS, TILE_COLUMNS = 2**17, 128, 64
#: a kernel that reads more rows than this before its first result gets all days of fewer stocks in one tile
LONG_LEAD = TILE_ROWS // 4


def over_panel(
    step: Step,
    arguments: Sequence[Any],
    lead: int,
    universe: Tensor | None,
    *,
    by_stock: bool,
    inside: bool,
    whole: bool = False,
) -> Masked:
    """The results of a kernel on every day of a panel.

    arguments: series as `Masked` [T, N], of one shape, and numbers. lead: rows before a result that the kernel reads;
    before the panel's first day they are masked. by_stock: a result reads its own stock only, so columns may be cut
    instead of days, and nothing is read twice. inside: there is no result before all the rows it reads are there.
    whole: the kernel keeps its intermediates in the cache itself, so one tile is enough.
    """
    reuse_freed_memory()
    first, *others = (a for a in arguments if isinstance(a, Masked))
    for other in others:
        if other.shape != first.shape:
            raise ExpressionError(f"shapes differ: {tuple(first.shape)} and {tuple(other.shape)}")
    start, days = (lead if inside else 0), first.shape[0]
    if whole and start < days:
        return _in_one_tile(step, arguments, lead, universe, first, start)
    values, valid = torch.zeros_like(first.values), torch.zeros_like(first.valid)
    exact = True
    for rows, columns in _tiles(days, first.shape[1], lead, by_stock, start):
        cut = [_cut(a, rows.start - lead, rows.stop, columns) if isinstance(a, Masked) else a for a in arguments]
        cells = step(cut, rows.start, None if universe is None else universe[rows], None)
        keep(cells.values, cells.valid, out=values[rows, columns])
        valid[rows, columns] = cells.valid
        exact &= cells.exact
    return Masked.of_settled(values, valid, exact)


def _in_one_tile(
    step: Step, arguments: Sequence[Any], lead: int, universe: Tensor | None, first: Masked, start: int
) -> Masked:
    values, valid = torch.empty_like(first.values), torch.empty_like(first.valid)
    values[:start], valid[:start] = 0, False
    cut = [_cut(a, start - lead, len(valid), slice(None)) if isinstance(a, Masked) else a for a in arguments]
    out = values[start:], valid[start:]
    cells = step(cut, start, None if universe is None else universe[start:], out)
    if cells.values.data_ptr() != out[0].data_ptr():
        stores.put(*(x.contiguous().numpy() for x in cells[:2]), *(x.numpy() for x in out))
    elif not out[1].numpy().all():
        stores.clear(out[0].numpy(), out[1].numpy())
    return Masked.of_settled(values, valid, cells.exact)


def _tiles(days: int, stocks: int, lead: int, by_stock: bool, first: int) -> Iterator[tuple[slice, slice]]:
    height, width = TILE_ROWS, stocks
    if by_stock and lead > LONG_LEAD:
        height, width = max(days, 1), max(TILE_COLUMNS, TILE_CELLS // max(days, 1))
    for day in range(first, days, height):
        for stock in range(0, stocks, width):
            yield slice(day, min(day + height, days)), slice(stock, min(stock + width, stocks))


def _cut(x: Masked, start: int, stop: int, columns: slice) -> Cells:
    """Rows start .. stop - 1; those before the first day are masked."""
    values, valid = x.values[max(start, 0) : stop, columns], x.valid[max(start, 0) : stop, columns]
    if start < 0:
        head = (-start, values.shape[1])
        values, valid = torch.cat([values.new_zeros(head), values]), torch.cat([valid.new_zeros(head), valid])
    return Cells(values, valid, x.exact)
