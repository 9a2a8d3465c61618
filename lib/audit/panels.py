"""Random panels on which a slip with the mask shows: every reason for a masked cell, in every position.

Prices and reasons are drawn independently of any exchange: what matters is where masked cells lie, not what a market
would do. A calm third of the stocks is masked early only, so that the longest windows find whole histories next to
holes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.panel import Panel
from lib.reasons import Reason

FIRST_DAY: Final = "2021-01-04"
#: share of cells with each reason, of a stock that is not calm; halts last HALT_DAYS
RATES: Final = {Reason.MISSING: 0.008, Reason.HALT: 0.004, Reason.LIMIT_UP: 0.012, Reason.LIMIT_DOWN: 0.008}
HALT_DAYS: Final = 4
CALM_SHARE: Final = 0.34
LATE_SHARE: Final = 0.2  # stocks listed after the first day
ONE_PRICE: Final = 0.01  # cells whose four prices are equal
CLASSES: Final = np.array(["C26", "C39", "J66", "K70", "I65"])  # five classes in four sectors


def hostile_panel(rng: np.random.Generator, n_stocks: int = 12, n_days: int = 100) -> Panel:
    """A panel with halts, limit closes, missing cells, late listings, and members that come and go.

    All fields a formula may read, no corporate actions (adjusting for them reads the closes of limit days by design).
    Cells without a row hold 0, those of limit closes and halts a price, as files have them.
    """
    reasons = _reasons(rng, n_days, n_stocks)
    fields = _fields(rng, reasons)
    absent = (reasons & (Reason.MISSING | Reason.UNLISTED)) > 0
    fields = {
        name: np.where(absent, 0.0, values) if values.dtype.kind == "f" else values for name, values in fields.items()
    }
    return _panel(fields, reasons, _members(rng, reasons.shape))


def unmasked_panel(rng: np.random.Generator, n_stocks: int = 40, n_days: int = 600) -> Panel:
    """A panel without a masked cell or a one-price day, all stocks in the universe."""
    reasons = np.zeros((n_days, n_stocks), dtype=np.uint8)
    return _panel(_fields(rng, reasons, one_price=0.0), reasons, np.ones(reasons.shape, dtype=bool))


def contract_panels(
    seed: int, count: int, n_stocks: int = 12, n_days: int = 90, long_days: int = 280, universe: bool = True
) -> Iterator[Panel]:
    """`count` different panels; every fifth is long, for windows of a year. universe=False: all stocks compared."""
    for k in range(count):
        panel = hostile_panel(np.random.default_rng([seed, k]), n_stocks, n_days if k % 5 else long_days)
        yield panel if universe else with_cells(panel, universe=np.ones(panel.shape, dtype=bool))


def with_cells(panel: Panel, fields: dict[str, Any] | None = None, **cells: NDArray[Any]) -> Panel:
    """The panel with other fields, reasons or universe."""
    kept = {"reasons": panel.reasons, "universe": panel.universe} | cells
    return Panel.from_arrays(panel.dates, panel.symbols, fields or panel.fields, market=panel.market, **kept)


def _panel(fields: dict[str, NDArray[Any]], reasons: NDArray[np.uint8], universe: NDArray[np.bool_]) -> Panel:
    days = np.busday_offset(FIRST_DAY, np.arange(len(reasons)), roll="forward").astype("datetime64[D]")
    symbols = [f"SH{600_000 + k}" for k in range(reasons.shape[1])]
    return Panel.from_arrays(days, symbols, fields, reasons=reasons, universe=universe)


def _reasons(rng: np.random.Generator, n_days: int, n_stocks: int) -> NDArray[np.uint8]:
    shape = (n_days, n_stocks)
    calm = rng.permutation(n_stocks) < CALM_SHARE * n_stocks
    troubled = ~calm | (np.arange(n_days)[:, None] < n_days // 10)
    reasons = np.zeros(shape, dtype=np.uint8)
    for reason, rate in RATES.items():
        hit = rng.random(shape) < rate
        if reason is Reason.HALT:
            hit = np.logical_or.reduce([_later(hit, k) for k in range(HALT_DAYS)])
        reasons[hit & troubled & (reasons == 0)] = reason
    listed_on = np.where(~calm & (rng.random(n_stocks) < LATE_SHARE), rng.integers(1, n_days // 2, n_stocks), 0)
    reasons[np.arange(n_days)[:, None] < listed_on] = Reason.UNLISTED
    return reasons


def _later(cells: NDArray[np.bool_], days: int) -> NDArray[np.bool_]:
    shifted = np.zeros_like(cells)
    shifted[days:] = cells[: len(cells) - days]
    return shifted


def _fields(
    rng: np.random.Generator, reasons: NDArray[np.uint8], one_price: float = ONE_PRICE
) -> dict[str, NDArray[Any]]:
    shape, (up, down, halted) = reasons.shape, (reasons == r for r in (Reason.LIMIT_UP, Reason.LIMIT_DOWN, Reason.HALT))
    move = np.select([up, down, halted], [np.log(1.1), np.log(0.9), 0.0], 0.02 * rng.standard_normal(shape))
    close = rng.uniform(8, 60, shape[1]) * np.exp(np.cumsum(move, axis=0))
    opened = close * np.exp(0.01 * rng.standard_normal(shape))
    high = np.maximum(opened, close) * (1 + 0.01 * rng.random(shape))
    low = np.minimum(opened, close) * (1 - 0.01 * rng.random(shape))
    vwap = low + rng.random(shape) * (high - low)
    flat = halted | (rng.random(shape) < np.where(up | down, 0.5, one_price))
    prices = {"open": opened, "high": high, "low": low, "close": close, "vwap": vwap}
    prices = {name: np.where(flat, close, values).round(2) for name, values in prices.items()}
    volume = np.where(halted, 0.0, 100 * np.rint(1e4 * np.exp(0.5 * rng.standard_normal(shape))))
    cap = prices["close"] * 1e8 * rng.uniform(1, 9, shape[1])
    industry = np.broadcast_to(CLASSES[rng.permutation(shape[1]) % len(CLASSES)], shape)
    return {**prices, "volume": volume, "amount": volume * prices["vwap"], "cap": cap, "industry": industry}


def _members(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Membership [T,N]: a quarter of the stocks joins or leaves once."""
    change = rng.integers(1, shape[0], shape[1])
    joins, moves = rng.random(shape[1]) < 0.5, rng.random(shape[1]) < 0.25
    after = np.arange(shape[0])[:, None] >= change
    return np.asarray(np.where(moves, after == joins, True))
