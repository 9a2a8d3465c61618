"""Results on their way to where they are kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from lib.kernels.compiled.build import compiled
from lib.kernels.compiled.settle import not_finite


@compiled
def put(values: Any, valid: Any, out: Any, out_valid: Any) -> None:
    """Cells as they are kept: 0 where invalid, and invalid where the type of `out` cannot hold them."""
    for row in range(len(values)):
        given, flags, to, to_flags = values[row], valid[row], out[row], out_valid[row]
        for c in range(len(to)):
            to[c] = given[c] if flags[c] else out.dtype.type(0)
        if not_finite(to):
            for c in range(len(to)):
                to_flags[c] = flags[c] & (abs(to[c]) < np.inf)
            for c in range(len(to)):
                to[c] = to[c] if to_flags[c] else out.dtype.type(0)
        else:
            to_flags[:] = flags


@compiled
def clear(values: Any, valid: Any) -> None:
    """In place: invalid cells become 0."""
    for row in range(len(values)):
        to, flags = values[row], valid[row]
        for c in range(len(to)):
            to[c] = to[c] if flags[c] else values.dtype.type(0)
