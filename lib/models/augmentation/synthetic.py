"""Synthetic panels: a geometric Brownian motion for every stock, with the exchange's ticks and limits laid over it.

    log return = mu_i - sigma_i^2 / 2 + sigma_i e,     mu, sigma from valid days (`lib.models.augmentation.history`)

Three kinds, by where e comes from (B s3.5.4 says "in 21-day blocks", not whether a stock's or everybody's):

    iid           drawn independently, normal or Student-t
    stock_blocks  a stock's own innovations, 21 days in a row, each stock from days of its own
    row_blocks    the same days for all stocks: what they share on a day stays shared

The papers are silent on everything but the close. Here every synthetic cell has a source day: the day that gives its
innovation, in a block; any valid day of the stock, for iid and where the day in the block is not valid, whose
innovation is then drawn as for iid. The source day gives the shape of the day:

    open    pre_close times the overnight ratio of the source day
    high    max(open, close) times (high / max(open, close)) of the source day; low in the same way from below
    vwap    at the same place between low and high; amount = volume x vwap (both where the panel has a vwap)
    volume  that of the source day, in shares of the first day (volume over `adj_factor`, where there is one)

The close is rounded to the tick and clipped to the limits of the close before; what is cut off is lost, as in the
papers' own generator; open, high and low are rounded and clipped after it. A stock below two yuan merges ten shares
into one, as in `lib.market`. Nobody halts, and a stock that was listed late has a path over all days. Labels and share
counts (industry, board, market value over close) are those of the last valid day. Stocks with fewer than 60 valid days
are left out. No masked cell is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.arrays import FloatArray, IntArray
from lib.errors import ParameterError
from lib.limits.ticks import bands, boards_of, from_ticks, to_ticks
from lib.market.exchange import Session, trade
from lib.models.augmentation.history import History, estimate
from lib.panel import Panel

KINDS = ("iid", "stock_blocks", "row_blocks")
#: sessions of a block: a calendar month (B s3.5.4)
BLOCK = 21
#: valid days that a stock needs
LEAST_DAYS = 60
#: yuan; below it a stock merges its shares
LEAST_PRICE = 2.0
#: per cent: a limit that no close reaches
_NO_LIMIT = 1e6


def synthetic_panel(
    panel: Panel, rng: np.random.Generator, *, kind: str = "stock_blocks", freedom: float | None = None
) -> Panel:
    """A panel of the dates of `panel` and of its stocks with at least 60 valid days; see the head of this file.

    panel: the days that may be learned from, such as `panel.rows(split.fit_start, split.fit_stop)`. freedom: degrees of
    freedom of Student's t for innovations that are drawn, scaled to variance 1 (B s7.2); None: normal. The universe is
    that of `panel`. Raises ParameterError for an unknown kind, for freedom of 2 or less, for fewer than 21 days and
    when no stock has enough of them.

    >>> from lib.market import make_market
    >>> real = make_market(20, 300, seed=1).panel
    >>> made = synthetic_panel(real.rows(0, 200), np.random.default_rng(0), kind="row_blocks")
    >>> made.shape, bool(made.traded.all())
    ((200, 20), True)
    """
    days = len(panel.dates)
    if kind not in KINDS:
        raise ParameterError(f"kind: got {kind!r}; expected one of {', '.join(KINDS)}")
    if freedom is not None and not freedom > 2:
        raise ParameterError(f"freedom: got {freedom}; expected more than 2, or None for normal innovations")
    if days < BLOCK:
        raise ParameterError(f"panel: got {days} days; expected at least one block of {BLOCK}")
    history = estimate(panel)
    kept = (history.count >= LEAST_DAYS) & (history.volatility > 0)
    if not kept.any():
        raise ParameterError(
            f"panel: got no stock with {LEAST_DAYS} valid days out of {days}; take more days or check the mask"
        )
    source, innovation = _drawn(history, kept, kind, freedom, rng)
    origin = _Origin(panel, kept, source)
    first = to_ticks(origin.at(panel.fields["close"], history.valid.argmax(axis=0)))
    move = history.mean[kept] + history.volatility[kept] * innovation
    percent = _percent(panel, origin.last(history))
    session = trade(np.log(from_ticks(first)) + np.cumsum(move, axis=0), percent, first,
                    np.zeros(move.shape, dtype=bool), spill=0.0, least=LEAST_PRICE)  # fmt: skip
    fields = _prices(session, origin, percent) | _carried(session, origin, origin.last(history))
    return Panel.from_arrays(
        panel.dates, panel.symbols[kept], fields, universe=panel.universe[:, kept], market=panel.market, copy=False
    )


# -------------------------------------------------------------------------------- what happens on which day


def _drawn(
    history: History, kept: NDArray[np.bool_], kind: str, freedom: float | None, rng: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """Source day and innovation of every synthetic cell, [T, K] each."""
    valid = history.valid[:, kept]
    any_day = _valid_day(valid, rng)
    fresh = rng.standard_normal(valid.shape) if freedom is None else _student(freedom, valid.shape, rng)
    if kind == "iid":
        return any_day, fresh
    in_block = _block_days(valid.shape, kind == "row_blocks", rng)
    known = np.take_along_axis(valid, in_block, axis=0)
    own = np.take_along_axis(history.innovation[:, kept], in_block, axis=0)
    return np.where(known, in_block, any_day), np.where(known, own, fresh)


def _student(freedom: float, shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """Student's t of variance 1."""
    return np.asarray(rng.standard_t(freedom, shape) * np.sqrt((freedom - 2) / freedom))


def _valid_day(valid: NDArray[np.bool_], rng: np.random.Generator) -> IntArray:
    """For every cell a day of the column's valid ones, each as likely."""
    order = np.argsort(~valid, axis=0, kind="stable")  # the valid days first
    place = (rng.random(valid.shape) * valid.sum(axis=0)).astype(np.int64)
    return np.take_along_axis(order, place, axis=0)


def _block_days(shape: tuple[int, int], shared: bool, rng: np.random.Generator) -> IntArray:
    """Days in blocks of consecutive ones; each block begins anywhere, for all stocks alike or for each apart."""
    days, stocks = shape
    blocks = -(-days // BLOCK)
    begin = rng.integers(0, days - BLOCK + 1, (blocks, 1, 1 if shared else stocks))
    every = (begin + np.arange(BLOCK)[:, None]).reshape(blocks * BLOCK, -1)[:days]
    return np.ascontiguousarray(np.broadcast_to(every, shape))


# ------------------------------------------------------------------------------------------ what it prints


@dataclass(frozen=True)
class _Origin:
    """The panel that is read, the stocks that are kept, and the source day of every cell."""

    panel: Panel
    kept: NDArray[np.bool_]
    source: IntArray

    def __call__(self, name: str) -> FloatArray:
        """A field on the source days, [T, K]."""
        values = self.panel.previous_close if name == "pre_close" else self.panel.fields[name]
        return np.take_along_axis(values[:, self.kept], self.source, axis=0)

    def has(self, name: str) -> bool:
        return name in self.panel.fields

    def at(self, values: NDArray[Any], day: IntArray) -> NDArray[Any]:
        """Values [T, N] on one day of each stock, [K]."""
        return values[day, np.arange(values.shape[1])][self.kept]

    def last(self, history: History) -> _Last:
        return _Last(self, len(history.valid) - 1 - history.valid[::-1].argmax(axis=0))


@dataclass(frozen=True)
class _Last:
    """Fields on the last valid day of each stock."""

    origin: _Origin
    day: IntArray

    def __call__(self, name: str) -> NDArray[Any]:
        return self.origin.at(self.origin.panel.fields[name], self.day)


def _percent(panel: Panel, last: _Last) -> FloatArray:
    """Daily limit in per cent [T, K]: of the last valid day, or of board and date; none where nothing says so."""
    symbols = panel.symbols[last.origin.kept]
    if panel.market == "none":
        found = np.full(len(symbols), np.nan)
    elif last.origin.has("limit_pct"):
        found = last("limit_pct")
    else:
        found = bands(boards_of(symbols), panel.dates[:, None])
    known = np.where(np.isfinite(found), found, _NO_LIMIT)
    return np.ascontiguousarray(np.broadcast_to(known, last.origin.source.shape))


def _prices(session: Session, origin: _Origin, percent: FloatArray) -> dict[str, FloatArray]:
    """Prices and volume, in yuan and shares of the day."""
    low, high = session.down, session.up
    opened = np.clip(_scaled(session.pre_close, origin("open") / origin("pre_close")), low, high)
    top, bottom = np.maximum(opened, session.close), np.minimum(opened, session.close)
    edges = np.maximum(origin("open"), origin("close")), np.minimum(origin("open"), origin("close"))
    above = np.clip(np.maximum(_scaled(top, origin("high") / edges[0]), top), low, high)
    below = np.clip(np.minimum(_scaled(bottom, origin("low") / edges[1]), bottom), low, high)
    ticks = {"open": opened, "high": above, "low": below, "close": session.close, "pre_close": session.pre_close}
    fields = {name: from_ticks(values) for name, values in ticks.items()}
    shares = origin("volume") / (origin("adj_factor") if origin.has("adj_factor") else 1.0)
    fields |= {"volume": np.maximum(shares / session.merged, 1.0), "adj_factor": 1 / session.merged}
    if origin.has("vwap"):
        fields["vwap"] = fields["low"] + _place(origin) * (fields["high"] - fields["low"])
        fields["amount"] = fields["volume"] * fields["vwap"]
    if origin.panel.market == "cn":
        limited = percent < _NO_LIMIT
        fields |= {"limit_up": np.where(limited, from_ticks(high), np.nan),
                   "limit_down": np.where(limited, from_ticks(low), np.nan),
                   "limit_pct": np.where(limited, percent, np.nan)}  # fmt: skip
    return fields


def _scaled(ticks: IntArray, ratio: FloatArray) -> IntArray:
    return np.maximum(np.rint(ticks * ratio), 1).astype(np.int64)


def _place(origin: _Origin) -> FloatArray:
    """Where the average price of the source day lies, 0 at its low and 1 at its high; 0.5 if nowhere."""
    span = origin("high") - origin("low")
    place = np.divide(origin("vwap") - origin("low"), span, out=np.full(span.shape, 0.5), where=span > 0)
    return np.asarray(np.where(np.isfinite(place), np.clip(place, 0.0, 1.0), 0.5))


def _carried(session: Session, origin: _Origin, last: _Last) -> dict[str, NDArray[Any]]:
    """Labels of the last valid day, and market values by its number of shares."""
    shape = session.close.shape
    found: dict[str, NDArray[Any]] = {
        name: np.broadcast_to(last(name), shape) for name in ("industry", "board") if origin.has(name)
    }
    close = from_ticks(session.close)
    for name in ("cap", "float_mkt_cap"):
        if origin.has(name):
            found[name] = close * (last(name) / last("close") / session.merged)
    return found
