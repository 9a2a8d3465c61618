"""Where a result is not a finite number it is not valid.

Loops here and in the kernels write one array each: a loop with two masks or types to write is not turned into
vectors, and takes ten times as long.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lib.kernels.compiled.build import compiled, inlined


@inlined
def not_finite(found: Any) -> int:
    """Cells of a row that are infinite or NaN."""
    count = np.int32(0)
    for c in range(len(found)):
        count += np.int32(not abs(found[c]) < np.inf)
    return int(count)


@inlined
def settle(found: Any, ok: Any, out: Any) -> None:
    """One row: out = found where it counts and is finite, else 0; ok becomes whether it is. found in out's type."""
    for c in range(len(out)):
        good = ok[c] & (abs(found[c]) < np.inf)
        out[c] = found[c] if good else out.dtype.type(0)
    for c in range(len(out)):
        ok[c] = ok[c] & (abs(found[c]) < np.inf)


@compiled
def settle_rows(values: Any, ok: Any) -> None:
    """In place: cells that are not finite become 0 and invalid."""
    for row in range(len(values)):
        settle(values[row].copy(), ok[row], values[row])
