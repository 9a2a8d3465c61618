"""What T+1 does to a trader who would like to sell on the day of purchase.

A pipeline with one session of orders a day never sells what it bought the same day, so the rule cannot bind there. It
binds for an account that decides at the close, buys at the open and would sell at the next close; under T+1 the first
sale is the following open.
"""

from __future__ import annotations

import numpy as np

from lib.arrays import FloatArray
from lib.panel import Panel
from lib.portfolio.policies import default_k


def round_trips(panel: Panel, prediction: FloatArray) -> dict[str, FloatArray]:
    """Mean return [T] of the day's top tenth bought at the next open, by the first exit that the rule allows.

    same_day_exit: to that day's close (T+0). next_day_exit: to the open after (T+1). Row t is the decision of t; a
    purchase refused at the open is left out of both, and both are marked at prices, so no exit is assumed to fill. NaN
    on days without a purchase and on the last two days.
    """
    same, later = np.full(len(prediction), np.nan), np.full(len(prediction), np.nan)
    opens, close, bought = panel.fields["open"], panel.fields["close"], panel.can_buy("open")
    with np.errstate(all="ignore"):  # masked cells may hold anything
        day = close / opens  # T N, open to close
        night = opens[1:] / panel.previous_close[1:]  # T-1 N, close to the next open
    for t in range(len(prediction) - 2):
        ranked = np.flatnonzero(np.isfinite(prediction[t]) & panel.universe[t])
        best = ranked[np.argsort(-prediction[t, ranked], kind="stable")][: default_k(panel.universe[t])]
        held = best[bought[t + 1, best] & np.isfinite(day[t + 1, best]) & np.isfinite(night[t + 1, best])]
        if len(held):
            same[t] = day[t + 1, held].mean() - 1
            later[t] = (day[t + 1, held] * night[t + 1, held]).mean() - 1
    return {"same_day_exit": same, "next_day_exit": later}
