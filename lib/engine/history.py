"""The last rows of a series, kept for what reaches back to them when the next block of days arrives."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from lib.masked import Cells

#: blocks of at most so many rows are written behind the kept rows, instead of moving these every time
SMALL_BLOCK = 8
#: rows that fit behind the kept ones before they have to move to the front
ROOM = 64


class History:
    """The last `reach` rows. Before the first day they are masked."""

    def __init__(self, reach: int) -> None:
        self.reach = reach
        self._buffer: Cells | None = None  # rows [stop - reach, stop) are the kept ones
        self._stop = reach

    def extended(self, new: Cells, *, in_place: bool) -> Cells:
        """The kept rows followed by the new ones; from now on the last of these are kept.

        in_place: what an earlier call returned is no longer in use, so small blocks may share one buffer.
        """
        if self.reach == 0:
            return new
        buffer = self._buffer or _masked_rows(self.reach, new)
        rows = len(new.valid)
        if in_place and rows <= SMALL_BLOCK:
            return self._append(buffer, new, rows)
        kept = buffer.rows(self._stop - self.reach, self._stop)
        both = Cells(torch.cat([kept.values, new.values]), torch.cat([kept.valid, new.valid]), new.exact)
        self._keep(both.rows(rows))
        return both

    def _append(self, buffer: Cells, new: Cells, rows: int) -> Cells:
        if self._stop + rows > len(buffer.valid):
            kept = buffer.rows(self._stop - self.reach, self._stop)
            buffer = _masked_rows(self.reach + ROOM, new)
            buffer.values[: self.reach], buffer.valid[: self.reach] = kept.values, kept.valid
            self._stop = self.reach
        stop = self._stop + rows
        buffer.values[self._stop : stop], buffer.valid[self._stop : stop] = new.values, new.valid
        self._buffer, self._stop = buffer, stop
        return buffer._replace(exact=new.exact).rows(stop - rows - self.reach, stop)

    def _keep(self, rows: Cells) -> None:
        self._buffer = Cells(rows.values.clone(), rows.valid.clone(), rows.exact)
        self._stop = self.reach

    def state(self) -> dict[str, Tensor]:
        """The kept rows by name; empty before the first day."""
        if self._buffer is None:
            return {}
        kept = self._buffer.rows(self._stop - self.reach, self._stop)
        return {"values": kept.values, "valid": kept.valid}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over the rows that another history of the same reach kept."""
        if state:
            self._keep(Cells(state["values"], state["valid"]))


def _masked_rows(rows: int, like: Cells) -> Cells:
    shape = (rows, like.values.shape[1])
    return Cells(like.values.new_zeros(shape), like.valid.new_zeros(shape))
