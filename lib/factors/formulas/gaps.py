"""One-day changes measured across masked days.

delay(close, 1) needs yesterday's cell. With `max_gap` > 1 a formula takes the last valid close of the last days
instead, so that one masked day does not mask the change of the day after it.
"""

from __future__ import annotations

import torch

from lib.factors.fields import close, prev_close
from lib.graph import Node, primitive, substitute
from lib.masked import Cells
from lib.ops import delta


@primitive(lambda d: range(1, d + 1))
def last_valid(x: Cells, d: int) -> Cells:
    """The most recent valid value among the d days before today; d = 1 is delay(x, 1)."""
    rows = len(x.valid) - d
    newest = x.rows(d - 1, d - 1 + rows)
    values, valid = newest.values, newest.valid
    for k in range(2, d + 1):
        older = x.rows(d - k, d - k + rows)
        values = torch.where(valid, values, older.values)
        valid = valid | older.valid
    return Cells(values, valid, x.exact)


def bridge_gaps(node: Node, max_gap: int) -> Node:
    """The formula with its one-day changes of the close measured from the last valid close."""
    last_close = last_valid(close, max_gap)
    bridged: Node = substitute(node, {delta(close, 1): close - last_close, prev_close: last_close})
    return bridged
