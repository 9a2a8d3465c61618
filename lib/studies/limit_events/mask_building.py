"""Two ways to build the mask (paper B, s3.2): limit prices against a heuristic on returns, a mask against NaN."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from lib import ops
from lib.arrays import BoolArray
from lib.masked import Masked
from lib.panel import Panel
from lib.reasons import HEURISTIC_SLACK, Reason

Frame = pd.DataFrame

LIMITS = Reason.LIMIT_UP | Reason.LIMIT_DOWN
#: the single threshold of the authors' package, whatever the board
SINGLE = 0.098
DAYS = 20
ALPHA = 2 / (DAYS + 1)
TOLERANCE = 1e-6


def by_board(panel: Panel) -> BoolArray:
    """|close / previous close - 1| >= L - 0.002 on traded cells [T, N], L the band of board and day."""
    with np.errstate(invalid="ignore"):
        return panel.traded & (np.abs(panel.returns) >= panel.fields["limit_pct"] / 100 - HEURISTIC_SLACK)


def by_one_threshold(panel: Panel) -> BoolArray:
    """|close / previous close - 1| > 9.8 % on traded cells [T, N], as in the authors' package."""
    with np.errstate(invalid="ignore"):
        return panel.traded & (np.abs(panel.returns) > SINGLE)


HEURISTICS: dict[str, Callable[[Panel], BoolArray]] = {"by board": by_board, "one threshold": by_one_threshold}


def heuristic_errors(panel: Panel, heuristic: str) -> dict[str, float]:
    """The cells that the limit prices of the panel mask as limit closes, and those that a heuristic masks.

    limit: cells at a limit price; both: found by both; missed: at a limit, not found; false: found, not at a limit;
    differ: missed or false, as a share of the traded cells.
    """
    at_limit = panel.traded & ((panel.reasons & np.uint8(LIMITS)) > 0)
    found = HEURISTICS[heuristic](panel)
    missed, false = (at_limit & ~found).sum(), (found & ~at_limit).sum()
    return {
        "limit": float(at_limit.sum()),
        "both": float((at_limit & found).sum()),
        "missed": float(missed),
        "false": float(false),
        "differ": float((missed + false) / max(panel.traded.sum(), 1)),
    }


# ------------------------------------------------------------------------------------ a mask against NaN

#: operation -> (on masked values, on frames with NaN in masked cells); of adjusted close and volume
OPERATIONS: dict[str, tuple[Callable[[Masked, Masked], Masked], Callable[[Frame, Frame], Frame]]] = {
    "mean of 20 days": (lambda x, v: ops.ts_mean(x, DAYS), lambda x, v: x.rolling(DAYS).mean()),
    "largest of 20 days": (lambda x, v: ops.ts_max(x, DAYS), lambda x, v: x.rolling(DAYS).max()),
    "correlation of 20 days": (
        lambda x, v: ops.ts_corr(x, v, DAYS),
        lambda x, v: x.rolling(DAYS).corr(v).where(np.isfinite),
    ),
    "rank in the day": (lambda x, v: ops.cs_rank(x), lambda x, v: x.rank(axis=1, pct=True)),
    "exponential average": (
        lambda x, v: ops.ewma(x, ALPHA),
        lambda x, v: x.ewm(alpha=ALPHA, adjust=False, ignore_na=True).mean(),
    ),
    "higher than yesterday": (
        lambda x, v: x > ops.delay(x, 1),
        lambda x, v: (x > x.shift(1)).astype(float),
    ),
    "share of days up, 20 days": (
        lambda x, v: ops.ts_mean(x > ops.delay(x, 1), DAYS),
        lambda x, v: (x > x.shift(1)).astype(float).rolling(DAYS).mean(),
    ),
}


def nan_against_mask(panel: Panel, operation: str) -> dict[str, float]:
    """One operation on masked values and on NaN, on the observed cells [T, N] of a panel.

    more: share of the cells in which NaN gives a number and the mask none; fewer: the other way round; masked: of the
    cells that are masked themselves, the share in which NaN gives a number; differ: share of the cells valid on both
    sides whose values differ by more than 1e-6 of the larger one.
    """
    mask, seen = panel.mask, panel.observed
    fields = {name: np.where(mask, panel.adjusted(name), np.nan) for name in ("close", "volume")}
    masked = [Masked(torch.from_numpy(np.nan_to_num(x)), torch.from_numpy(mask.copy())) for x in fields.values()]
    with_mask, with_nan = OPERATIONS[operation]
    ours = with_mask(*masked)
    theirs = with_nan(*(pd.DataFrame(x) for x in fields.values())).to_numpy(dtype=float)
    valid, number = ours.valid.numpy() & seen, np.isfinite(theirs) & seen
    both = valid & number
    one, other = ours.values.numpy()[both], theirs[both]
    differ = np.abs(one - other) > TOLERANCE * np.maximum(np.abs(one), np.abs(other))
    hidden = seen & ~mask
    return {
        "more": float((number & ~valid).sum() / seen.sum()),
        "fewer": float((valid & ~number).sum() / seen.sum()),
        "masked": float((number & hidden).sum() / max(hidden.sum(), 1)),
        "differ": float(differ.mean()) if both.any() else np.nan,
    }
