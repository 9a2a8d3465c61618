"""Which orders fill: directional limits, halts, and the naive rule under which all of them do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from lib.errors import ParameterError, closest
from lib.panel import Panel

Fill = Literal["close", "open"]
Codes = NDArray[np.uint8]
Factors = NDArray[np.float64]

#: what may refuse an order. A limit-up refuses buys only, a limit-down sells only; at the open the test is
#: whether the open is locked, at the close whether the close is.
REFUSALS: Final = ("halt", "limit_up_buy", "limit_down_sell")
#: codes of an order's fate in `FillRules`
FILLED, NO_PRICE, HALT, LIMIT = range(4)
FATES: Final = ("filled", "no_price", "halt", "limit")


@dataclass(frozen=True)
class FillRules:
    """Fate of a buy and of a sell order in every cell [T, N] (codes of `FATES`)."""

    buy: Codes
    sell: Codes


@dataclass(frozen=True)
class Growth:
    """Value factors of a holding [T, N]: before the day's trading session that fills orders, and after it.

    close fills: (close/pre_close, 1). open fills: (open/pre_close, close/open). A cell without a return keeps
    its value: (1, 1), and is marked `stale`.
    """

    before: Factors
    after: Factors
    stale: NDArray[np.bool_]


def refusals(execution: str, refuse: Collection[str] | None) -> frozenset[str]:
    """The refusals in force: all of them ("executed"), none ("naive"), or exactly `refuse` when given.

    >>> sorted(refusals("executed", None)), sorted(refusals("naive", None))
    (['halt', 'limit_down_sell', 'limit_up_buy'], [])
    """
    if execution not in ("executed", "naive"):
        raise ParameterError(f"execution: expected 'executed' or 'naive', got {execution!r}")
    if refuse is None:
        return frozenset(REFUSALS if execution == "executed" else ())
    unknown = [name for name in refuse if name not in REFUSALS]
    if isinstance(refuse, str) or unknown:
        bad = refuse if isinstance(refuse, str) else unknown[0]
        raise ParameterError(
            f"refuse: expected a set of {', '.join(REFUSALS)}; got {bad!r}{closest(bad, REFUSALS)}"
        )
    return frozenset(refuse)


def fill_rules(panel: Panel, fill: Fill, refused: frozenset[str]) -> FillRules:
    """The fate of orders at the close or the open of each day, under the refusals in force.

    Without a price (missing, unlisted) nothing fills, not even naively. A halted stock has a price, the
    last one, and the naive rule trades at it.
    """
    price = panel.fields[fill]
    priced = panel.observed & np.isfinite(price)
    if fill == "open":
        priced &= np.isfinite(panel.gap)  # without it the value at the open is unknown
    traded = panel.traded
    base = np.where(priced, FILLED, NO_PRICE).astype(np.uint8)
    if "halt" in refused:
        base[priced & ~traded] = HALT
    buy, sell = base, base.copy()
    if "limit_up_buy" in refused:
        buy[priced & traded & ~panel.can_buy(fill)] = LIMIT
    if "limit_down_sell" in refused:
        sell[priced & traded & ~panel.can_sell(fill)] = LIMIT
    return FillRules(buy, sell)


def growth(panel: Panel, fill: Fill) -> Growth:
    """Value factors of `panel` around the fills at the close or the open of each day."""
    known = np.isfinite(panel.returns)
    day = np.where(known, 1.0 + panel.returns, 1.0)
    if fill == "close":
        return Growth(day, np.ones_like(day), ~known)
    gap = panel.gap
    before = np.where(known & np.isfinite(gap), 1.0 + gap, 1.0)
    # a zero open would be a gap of -1: it has no price there, and the whole return comes after
    before = np.where(before > 0, before, 1.0)
    return Growth(before, day / before, ~known)
