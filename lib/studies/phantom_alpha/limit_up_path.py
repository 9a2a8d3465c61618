"""The mean path of a stock around a limit-up close: what the market wanted, what was printed, what a model says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lib.reasons import Reason
from lib.stats import percentile_ranks
from lib.store.rows import Record

if TYPE_CHECKING:
    from lib.market import Market

#: days before and after the limit-up close
BEFORE, AFTER = 3, 5
#: yuan; below it a tick is a large part of the band, and the exchange would delist the stock
LOWEST = 1.0


def event_path(world: Market, prediction: np.ndarray, first: int) -> list[Record]:
    """Means over the limit-up closes from row `first` on whose whole path, day -BEFORE to day +AFTER, was traded.

    Closes below `LOWEST` are left out.

    close, wanted, open: log price over the close of the day before the event; wanted is what the market would have
    closed at without limits. rank: place of the prediction among the day's predictions, 0 lowest to 1 highest.
    """
    panel = world.panel
    log = {name: np.log(np.where(panel.traded, panel.adjusted(name), 1.0)) for name in ("close", "open")}
    paths = {"close": log["close"], "open": log["open"], "wanted": log["close"] + world.truth.unfilled}
    days, stocks = _events(panel.reasons, panel.traded & (panel.fields["close"] >= LOWEST), max(first, BEFORE))
    start = log["close"][days - 1, stocks]
    offsets = range(-BEFORE, AFTER + 1)
    records = [_record(name, k, path[days + k, stocks] - start) for name, path in paths.items() for k in offsets]
    place = percentile_ranks(prediction, np.isfinite(prediction))
    return records + [_record("rank", k, place[days + k, stocks]) for k in offsets]


def _events(reasons: np.ndarray, usable: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """(day, stock) of limit-up closes with a usable path around them that lies inside the panel."""
    up = (reasons & Reason.LIMIT_UP) > 0
    up[:first] = up[len(up) - AFTER :] = False
    days, stocks = np.nonzero(up)
    whole = np.all([usable[days + k, stocks] for k in range(-BEFORE, AFTER + 1)], axis=0)
    return days[whole], stocks[whole]


def _record(name: str, k: int, values: np.ndarray) -> Record:
    known = values[np.isfinite(values)]
    value = float(known.mean()) if len(known) else float("nan")
    return {"variant": "limit-up close", "metric": f"{name} {k:+d}", "value": value, "n": len(known)}
