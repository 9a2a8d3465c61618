"""Panels of the small simulated market made hostile: splits, late listings, holes, members that come and go, poison."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lib.market import make_market
from lib.panel import Panel
from lib.reasons import Reason

POISON = (np.nan, np.inf, 1e30)
PER_SHARE = ("open", "high", "low", "close", "vwap", "pre_close", "limit_up", "limit_down")
#: what the adjustment for splits reads on a limit day, which traded
READ_ON_LIMIT_DAYS = ("close", "pre_close")
NO_LIMITS = ("limit_up", "limit_down", "limit_pct", "halted", "board", "pre_close", "adj_factor")

Fields = dict[str, np.ndarray]


@lru_cache(maxsize=4)
def rough_panel(
    n_stocks: int = 40, n_days: int = 150, seed: int = 0, market: str = "cn", start: str = "2010-01-04"
) -> Panel:
    """An small simulated market after 1:1.5 splits, with 6 % late stocks, 1 % holes and a universe of about 80 %.

    market="none" drops limits, halts and the published previous close: what trades is a matter of prices alone.
    """
    rng = np.random.default_rng([seed, 1])
    # low prices, close together and lively: the ranks of forty stocks change from day to day, and powers of price
    # differences stay within float32
    lively = {"vol_median": 0.022, "jump_echo": 0.0, "first_price": 20.0, "price_dispersion": 0.3}
    halts = {"halt_rate": 0.01, "halt_days": 4.0, "halt_single": 0.0}
    raw = make_market(n_stocks, n_days, seed, start=start, **lively, **halts).panel
    fields = split(raw.fields, raw.traded, rng)
    hole = rng.random(raw.shape) < 0.01
    hole |= np.arange(n_days)[:, None] < np.where(rng.random(n_stocks) < 0.06, rng.integers(5, n_days, n_stocks), 0)
    fields = {name: np.where(hole, np.nan, v) if v.dtype.kind == "f" else v for name, v in fields.items()}
    if market == "none":
        fields = {name: values for name, values in fields.items() if name not in NO_LIMITS}
    return Panel.from_arrays(raw.dates, raw.symbols, fields, universe=members(rng, raw.shape), market=market)


def split(fields: Fields, traded: np.ndarray, rng: np.random.Generator) -> Fields:
    """Every stock splits 1:1.5 on one traded day: from then on prices are lower and volumes higher."""
    day = np.array([rng.choice(np.flatnonzero(column)[10:]) for column in traded.T])
    after = np.arange(len(traded))[:, None] >= day
    ratio = np.where(after, 1.5, 1.0)
    out = {name: values / ratio if name in PER_SHARE else values for name, values in fields.items()}
    return out | {"volume": fields["volume"] * ratio}


def members(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Membership [T, N] that changes every 20 days."""
    return np.repeat(rng.random((shape[0] // 20 + 1, shape[1])) < 0.8, 20, axis=0)[: shape[0]]


def rebuilt(panel: Panel, fields: Fields, **changed: Any) -> Panel:
    """The panel with other fields; its reasons are taken as given."""
    kept: dict[str, Any] = {"reasons": panel.reasons.copy(), "universe": panel.universe.copy()} | changed
    return Panel.from_arrays(panel.dates, panel.symbols, fields, market=panel.market, **kept)


def poisoned(panel: Panel, poison: float) -> Panel:
    """Every price and volume of a masked cell replaced, but for what the adjustment reads on days that traded."""
    limit_day = (panel.reasons & (Reason.LIMIT_UP | Reason.LIMIT_DOWN)) > 0
    fields = {}
    for name, values in panel.fields.items():
        hidden = ~panel.mask & ~limit_day if name in READ_ON_LIMIT_DAYS else ~panel.mask
        fields[name] = np.where(hidden, poison, values) if values.dtype.kind == "f" else values
    return rebuilt(panel, fields)


def masked_fields(panel: Panel) -> Fields:
    """Adjusted fields of the factor language with NaN in masked cells."""
    names = [n for n in ("open", "high", "low", "close", "volume", "vwap", "amount") if n in panel.fields]
    return {name: np.where(panel.mask, panel.adjusted(name), np.nan) for name in names}


def without(panel: Panel, *names: str) -> Panel:
    return rebuilt(panel, {name: v for name, v in panel.fields.items() if name not in names})
