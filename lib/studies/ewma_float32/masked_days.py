"""What an exponentially weighted average does on a day without a price: rules that differ in more than rounding.

Every rule takes prices [T, N], where they are valid [T, N], and a span; it gives averages [T, N], NaN on masked days.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.stats.smoothing import alpha_of_span

Array = NDArray[Any]
Rule = Callable[[Array, Array, int], Array]


def keep_level(x: Array, valid: Array, span: int) -> Array:
    """A masked day keeps the level; the first valid day seeds it: the rule of this book. In the dtype of x."""
    alpha, level = alpha_of_span(span), np.full(x.shape[1], np.nan, dtype=x.dtype)
    out = np.full_like(x, np.nan)
    for t in range(len(x)):
        new = np.where(np.isnan(level), x[t], alpha * x[t] + (1 - alpha) * level)
        level = np.where(valid[t], new, level)
        out[t] = np.where(valid[t], level, np.nan)
    return out


def zero_price(x: Array, valid: Array, span: int) -> Array:
    """A masked day enters as a price of zero, and so does everything before the first day."""
    alpha, level, out = alpha_of_span(span), np.zeros(x.shape[1]), np.full(x.shape, np.nan)
    for t in range(len(x)):
        level = alpha * np.where(valid[t], x[t], 0.0) + (1 - alpha) * level
        out[t] = np.where(valid[t], level, np.nan)
    return out


def pandas_rule(x: Array, valid: Array, span: int, *, ignore_na: bool, adjust: bool) -> Array:
    """pandas' ewm(span) on NaN for masked days, shown on valid days. ignore_na: masked days do not age the past."""
    import pandas as pd

    frame = pd.DataFrame(np.where(valid, x, np.nan))
    return np.where(valid, frame.ewm(span=span, adjust=adjust, ignore_na=ignore_na).mean().to_numpy(), np.nan)


def _pandas(ignore_na: bool, adjust: bool) -> Rule:
    return lambda x, valid, span: pandas_rule(x, valid, span, ignore_na=ignore_na, adjust=adjust)


#: what is done with a masked day; compared with `keep_level`
RULES: Final[Mapping[str, Rule]] = {
    "pandas with ignore_na": _pandas(True, False),
    "pandas with ignore_na, adjusted": _pandas(True, True),
    "pandas without adjust": _pandas(False, False),
    "pandas as it comes": _pandas(False, True),
    "masked day as a price of 0": zero_price,
}
