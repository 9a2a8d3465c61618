"""Other rules of an exchange, laid over the prices of a market that has none.

Each takes the twin of a synthetic market (what everybody wanted, printed freely) and returns the panel that another
exchange would have shown. A move that a rule holds back is not lost: it comes out in the first price after it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.arrays import BoolArray, FloatArray
from lib.errors import ParameterError
from lib.panel import Panel
from lib.reasons import Reason

_NOT_CARRIED = ("limit_up", "limit_down", "limit_pct", "halted")
_PRICES = ("open", "high", "low", "close", "vwap")
_FLOWS = ("volume", "amount", "turnover")


def with_halts(twin: Panel, halted: BoolArray) -> Panel:
    """Halts [T, N] and no limits: a halted stock repeats its last close with no volume; it reopens where it would be.

    Raises ParameterError for halts of another shape, or on the first day, when there is no close to repeat.
    """
    halts = np.asarray(halted, dtype=bool)
    if halts.shape != twin.shape or halts[0].any():
        raise ParameterError(f"halts have shape {halts.shape}; expected {twin.shape}, with none on the first day")
    fields = _carried(twin)
    rows = np.where(halts, 0, np.arange(len(halts))[:, None])
    printed = np.take_along_axis(fields["close"], np.maximum.accumulate(rows, axis=0), axis=0)
    fields |= {name: np.where(halts, printed, fields[name]) for name in _PRICES if name in fields}
    fields |= {name: np.where(halts, 0.0, fields[name]) for name in _FLOWS if name in fields}
    return _panel(twin, fields, printed, halts * np.uint8(Reason.HALT))


def with_breaker(twin: Panel, trip: float) -> Panel:
    """A market-wide breaker: once the equal-weight index has lost `trip`, there is no trade for the rest of the day.

    The day's move is taken to come evenly in time, so at the trip every stock has made the same share of its move, the
    share at which the index stands at -trip; that is its close, and volume stops there. No order fills at such a close,
    on either side (both limit bits are set); the open of that day had been tradable. The rest of the move comes out at
    the next open, and counts towards the next day's trip.

    Raises ParameterError for a trip outside (0, 1).
    """
    if not 0 < trip < 1:
        raise ParameterError(f"trip: got {trip}; expected a fall between 0 and 1, such as 0.07")
    fields = _carried(twin)
    wanted, printed = fields["close"], fields["close"].copy()
    share = np.ones(len(wanted))  # of the day's move and volume that took place
    for t in range(1, len(wanted)):
        fall = -float(np.mean(wanted[t] / printed[t - 1] - 1))
        if fall >= trip:
            share[t] = trip / fall
            printed[t] = np.rint(100 * (printed[t - 1] + share[t] * (wanted[t] - printed[t - 1]))) / 100
    tripped = np.broadcast_to((share < 1)[:, None], printed.shape)
    fields["close"] = printed
    outer = [np.minimum(fields["open"], printed), np.maximum(fields["open"], printed)]
    # what the path did after the trip did not happen: between open and close it is known, beyond them it is not
    fields["low"] = np.where(tripped, outer[0], fields["low"])
    fields["high"] = np.where(tripped, outer[1], fields["high"])
    if "vwap" in fields:
        fields["vwap"] = np.clip(fields["vwap"], fields["low"], fields["high"])
    fields |= {name: fields[name] * share[:, None] for name in _FLOWS if name in fields}
    return _panel(twin, fields, printed, tripped * np.uint8(Reason.LIMIT_UP | Reason.LIMIT_DOWN))


def tripped_days(panel: Panel) -> BoolArray:
    """Days [T] on which a panel of `with_breaker` stopped trading."""
    both = np.uint8(Reason.LIMIT_UP | Reason.LIMIT_DOWN)
    return np.asarray(((panel.reasons & both) == both).all(axis=1))


def without_limits(twin: Panel) -> Panel:
    """The counterfactual itself as a panel of a market without limits."""
    fields = _carried(twin)
    return _panel(twin, fields, fields["close"], np.zeros(twin.shape, dtype=np.uint8))


def _carried(twin: Panel) -> dict[str, NDArray[Any]]:
    return {name: values for name, values in twin.fields.items() if name not in _NOT_CARRIED}


def _panel(twin: Panel, fields: dict[str, NDArray[Any]], printed: FloatArray, reasons: NDArray[np.uint8]) -> Panel:
    """The previous close is the last printed one."""
    before = np.vstack([twin.fields["pre_close"][:1], printed[:-1]])
    return Panel.from_arrays(
        twin.dates, twin.symbols, fields | {"pre_close": before}, reasons.astype(np.uint8), twin.universe.copy(), "none"
    )
