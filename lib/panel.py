"""The panel: daily fields [T,N], the reason every cell is masked for, and what follows from both.

Adjustment, returns and masks are derived here and nowhere else. Nothing on day t depends on a later day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.arrays import BoolArray, FloatArray
from lib.days import Day, as_day, as_days, as_days_or_none, is_day_number, names_days
from lib.errors import LibError, PanelError, UnknownNameError, closest
from lib.limits.exchanges import check_spelling
from lib.reasons import PRICES, Reason, derive_reasons, previous

MARKETS: Final = ("none", "cn")
REQUIRED: Final = ("open", "high", "low", "close", "volume")
OPTIONAL: Final = (
    "vwap", "amount", "pre_close", "adj_factor", "limit_up", "limit_down", "limit_pct", "cap",
    "float_mkt_cap", "turnover", "industry", "board", "is_st", "halted", "list_date",
)  # fmt: skip
#: fields that are labels, kept as they come (text or whole numbers)
LABELS: Final = ("industry", "board")
PRICE_LIKE: Final = ("open", "high", "low", "close", "vwap", "pre_close", "limit_up", "limit_down")

#: which reasons mask a cell, by kind of mask
MASKED_BY: Final = {
    "observed": Reason.MISSING | Reason.UNLISTED,
    "halt": Reason.MISSING | Reason.UNLISTED | Reason.HALT,
    "full": Reason.MISSING | Reason.UNLISTED | Reason.HALT | Reason.LIMIT_UP | Reason.LIMIT_DOWN,
}
MaskKind = Literal["observed", "halt", "full"]
At = Literal["close", "open"]
_NO_TRADE: Final = MASKED_BY["halt"]


@dataclass(frozen=True, eq=False, repr=False)
class Panel:
    """Fields, reasons and universe of N stocks over T days. Immutable: its arrays are read-only.

    dates: datetime64[D] [T], increasing. symbols: text [N], increasing. fields: float64 [T,N], raw prices
    in yuan (or dollars), volume in shares; `industry` and `board` may be text or whole numbers,
    `list_date` is datetime64[D]. reasons: uint8 [T,N], bits of `Reason`. universe: bool [T,N], membership
    of the day. notes: how the masks were found. Build one with `from_arrays` or `lib.load_panel`.
    """

    dates: NDArray[np.datetime64]
    symbols: NDArray[np.str_]
    fields: dict[str, NDArray[Any]]
    reasons: NDArray[np.uint8]
    universe: BoolArray
    market: str = "none"
    mask_kind: MaskKind = "full"
    notes: dict[str, Any] = field(default_factory=dict)
    #: adjustment computed on a longer panel that this one was cut from
    adjustment: FloatArray | None = None

    def __post_init__(self) -> None:
        for array in (self.dates, self.symbols, *self.fields.values(), self.reasons, self.universe):
            array.flags.writeable = False

    def __repr__(self) -> str:
        t, n = self.shape
        return (
            f"Panel({t} dates {self.dates[0]}..{self.dates[-1]} x {n} symbols, market={self.market!r}, "
            f"mask={self.mask_kind!r}, fields: {' '.join(self.fields)})"
        )

    @classmethod
    def from_arrays(
        cls,
        dates: ArrayLike,
        symbols: ArrayLike,
        fields: Mapping[str, ArrayLike],
        reasons: NDArray[np.uint8] | None = None,
        universe: BoolArray | None = None,
        market: str = "none",
        *,
        copy: bool = True,
    ) -> Panel:
        """Panel from arrays [T,N]; NaN is allowed in masked cells.

        Shapes, dtypes and sorted unique dates and symbols are checked, and under market="cn" that a code of six digits
        is written 600000, 600000.SH or SH600000; the sanity of prices belongs to `load_panel`. `reasons` given are
        taken as they are, and the values of masked cells are then never looked at. Without them they are derived
        (`lib.reasons`), with limits from the first source there is: published `limit_up` and `limit_down`; `pre_close`
        with `limit_pct`; `pre_close` with the band of board and date; a return heuristic. The last two only under
        market="cn"; market="none" has no limit bits at all. `universe` defaults to all listed cells.
        `copy=False` takes over the arrays, which become read-only.

        Formulas compare float64 fields in all their bits; with `pre_close` given, prices and volumes are adjusted by a
        running product and compared at 30 binary digits (`lib.kernels.precision`).

        Raises PanelError.

        >>> prices = np.array([[10.0], [11.0], [11.5]])
        >>> fields = dict.fromkeys(("open", "high", "low", "close"), prices) | {"volume": prices * 100}
        >>> days = np.arange("2024-01-02", "2024-01-05", dtype="datetime64[D]")
        >>> panel = Panel.from_arrays(days, ["600000.SH"], fields, market="cn")
        >>> panel.mask.ravel().tolist(), panel.notes["limit_source"]
        ([True, False, True], 'return heuristic')
        """
        if market not in MARKETS:
            raise PanelError(f"market is {market!r}; expected one of {', '.join(map(repr, MARKETS))}")
        day, name = _check_dates(dates), _check_symbols(symbols)
        if market == "cn":
            check_spelling(name)
        shape = (len(day), len(name))
        checked = _check_fields(fields, shape, copy)
        if reasons is None:
            reasons, notes = derive_reasons(day, name, checked, market)
        else:
            reasons, notes = _check_array("reasons", reasons, shape, np.uint8, copy), {"reasons": "given"}
        if universe is None:
            universe = (reasons & Reason.UNLISTED) == 0
        else:
            universe = _check_array("universe", universe, shape, np.bool_, copy)
        return cls(day, name, checked, reasons, universe, market, notes=notes)

    # -- masks: all [T,N] bool --------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, int]:
        """(T, N): dates and symbols."""
        return len(self.dates), len(self.symbols)

    def without(self, reasons: int) -> BoolArray:
        """Cells that carry none of the given reason bits."""
        return (self.reasons & np.uint8(reasons)) == 0

    @property
    def mask(self) -> BoolArray:
        """Cells whose prices the factors may use, by `mask_kind`; `price_valid` unless changed."""
        return self.without(MASKED_BY[self.mask_kind])

    @property
    def price_valid(self) -> BoolArray:
        """Listed, present, not halted, not closing at a limit (no bit of 1..16)."""
        return self.without(MASKED_BY["full"])

    @property
    def observed(self) -> BoolArray:
        """Listed and present; halted and limit cells included."""
        return self.without(MASKED_BY["observed"])

    @property
    def traded(self) -> BoolArray:
        """Observed and not halted."""
        return self.without(_NO_TRADE)

    def can_buy(self, at: At = "close") -> BoolArray:
        """Cells where a buy order fills at the close or the open: traded and not locked up there.

        A limit-down can be bought. A cell without an open cannot be traded at the open.
        """
        return self._can_trade(at, Reason.LIMIT_UP, Reason.OPEN_LOCKED_UP)

    def can_sell(self, at: At = "close") -> BoolArray:
        """Cells where a sell order fills at the close or the open: traded and not locked down there."""
        return self._can_trade(at, Reason.LIMIT_DOWN, Reason.OPEN_LOCKED_DOWN)

    def _can_trade(self, at: At, at_close: Reason, at_open: Reason) -> BoolArray:
        if at == "close":
            return self.without(_NO_TRADE | at_close)
        if at == "open":
            return self.without(_NO_TRADE | at_open) & np.isfinite(self.fields["open"])
        raise PanelError(f"orders fill at 'close' or 'open', not at {at!r}")

    def with_mask(self, kind: MaskKind) -> Panel:
        """The same panel with another price mask: "observed", "halt" (H) or "full" (M, the default).

        Reasons, `can_buy` and `can_sell` stay: a strategy that ignores limits still meets them.
        """
        if kind not in MASKED_BY:
            raise PanelError(f"unknown mask {kind!r}; expected one of {', '.join(map(repr, MASKED_BY))}")
        return self._with(mask_kind=kind)

    def with_universe(self, universe: BoolArray) -> Panel:
        """The same panel with another membership [T,N]; reasons, masks and prices stay. Raises PanelError."""
        return self._with(universe=_check_array("universe", universe, self.shape, np.bool_, copy=True))

    def _with(self, **changes: Any) -> Panel:
        other = replace(self, **changes)
        # the derived arrays depend on neither mask nor universe: share them rather than compute them again
        other.__dict__.update({k: self.__dict__[k] for k in ("adj_factor", "returns") if k in self.__dict__})
        return other

    # -- prices: all [T,N] float64, NaN where the cell is missing or unlisted ----------------------

    @cached_property
    def previous_close(self) -> FloatArray:
        """`pre_close` (ex-right), or without that field the last close at which the stock traded."""
        if "pre_close" in self.fields:
            reference: FloatArray = self.fields["pre_close"]
            return _frozen(np.where(self.observed & (reference > 0), reference, np.nan))
        return _frozen(np.where(self.observed, previous(self.fields["close"], self.traded), np.nan))

    @cached_property
    def returns(self) -> FloatArray:
        """Total return of the day, close / pre_close - 1; 0 on a halted day; NaN where there is none.

        A halted day earns nothing, whatever its row says: an ex-date inside a halt is in the `pre_close` of the day
        that ends it. Without a `pre_close` field the reference is the last close at which the stock traded, and
        dividends and splits are then in the return.
        """
        return _frozen(self._from_previous("close"))

    @property
    def gap(self) -> FloatArray:
        """Overnight return, open / pre_close - 1, with the reference of `returns`; 0 on a halted day."""
        return self._from_previous("open")

    def _from_previous(self, name: str) -> FloatArray:
        with np.errstate(all="ignore"):  # masked cells may hold anything
            change = self.fields[name] / self.previous_close - 1
        change = np.where(self.without(Reason.HALT), change, 0.0)
        return np.where(np.isfinite(change) & self.observed, change, np.nan)

    @cached_property
    def adj_factor(self) -> FloatArray:
        """Backward adjustment: running product of close(last traded day) / pre_close(t), from 1.

        1 up to the stock's first traded day, never rebased; all ones without `pre_close`. Adjusted = raw x
        factor for prices. Closes of limit cells are read, for they traded; those of halted, missing and
        unlisted cells are not: a halted day carries its own pre_close, so the product telescopes over it.
        """
        if self.adjustment is not None:
            return self.adjustment
        if "pre_close" not in self.fields:
            return _frozen(np.ones(self.shape))
        return _frozen(_running_adjustment(self))

    def adjusted(self, name: str) -> FloatArray:
        """Field comparable over time: prices x adj_factor, volume / adj_factor, everything else raw.

        On a halted day open, high, low and close are the `pre_close`, at which the stock stands: a row that carries
        the old close over an ex-date would move where nobody traded.

        Returns a fresh float64 array [T,N]. Raises UnknownNameError for a field the panel lacks.
        """
        if name not in self.fields:
            raise UnknownNameError(
                f"the panel has no field {name!r}{closest(name, self.fields)}; it has {', '.join(self.fields)}"
            )
        values = self.fields[name]
        if values.dtype.kind != "f":
            raise PanelError(f"field {name!r} is a label ({values.dtype}), it has no adjusted values")
        with np.errstate(all="ignore"):
            if name in PRICES and "pre_close" in self.fields:
                values = np.where(self._stands, self.fields["pre_close"], values)
            if name in PRICE_LIKE:
                return np.asarray(values * self.adj_factor)
            return np.asarray(values / self.adj_factor) if name == "volume" else values.copy()

    @property
    def _stands(self) -> BoolArray:
        """Halted cells with a previous close."""
        return self.observed & ~self.traded & (self.fields["pre_close"] > 0)

    # -- cuts and identity ------------------------------------------------------------------------

    def until(self, end: Day) -> Panel:
        """The panel before `end`: rows [0, end) for a position, dates before `end` for a day (`lib.days`).

        A whole number YYYYMMDD is a day, any other a position; one beyond the panel is refused, not cut.
        """
        return self.rows(0, row_at(self.dates, end, "end"))

    def rows(self, start: int, stop: int) -> Panel:
        """Positions start..stop-1 as of a slice. The adjustment is the one of the whole panel: never rebased."""
        for name, place in (("start", start), ("stop", stop)):
            _check_position(name, place)
        start, stop, _ = slice(start, stop).indices(len(self.dates))
        if stop <= start:
            raise PanelError(f"no dates left: rows {start} to {stop} of {len(self.dates)}")
        cut = slice(start, stop)
        return replace(
            self,
            dates=self.dates[cut],
            fields={name: values[cut] for name, values in self.fields.items()},
            reasons=self.reasons[cut],
            universe=self.universe[cut],
            adjustment=self.adj_factor[cut],
        )

    def following(self, before: LastTraded) -> Panel:
        """The same days as a continuation: their adjustment goes on where `before` ends."""
        if self.adjustment is not None or "pre_close" not in self.fields:
            return self
        return replace(self, adjustment=_frozen(_running_adjustment(self, before)))

    def fingerprint(self) -> str:
        """SHA-256 (hex) of dates, symbols, fields, reasons, universe, market, mask and adjustment."""
        digest = hashlib.sha256(f"{self.market} {self.mask_kind} {self.shape}".encode())
        named: dict[str, NDArray[Any]] = dict(sorted(self.fields.items()))
        named |= {"/dates": self.dates.astype("int64"), "/symbols": self.symbols}
        named |= {"/reasons": self.reasons, "/universe": self.universe}
        if self.adjustment is not None:
            named["/adjustment"] = self.adjustment
        for name, values in named.items():
            digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
            for row in values:  # row by row: a broadcast label field is never expanded in memory
                digest.update(np.ascontiguousarray(row).tobytes())
        return digest.hexdigest()


def row_at(dates: NDArray[np.datetime64], at: Day, what: str = "the day", error: type[LibError] = PanelError) -> int:
    """Position of the first date on or after a day; a position itself, from -T to T, stays what it is.

    Raises `error` for what is neither: a year alone is a position beyond most panels.

    >>> row_at(np.array(["2024-01-02", "2024-01-04"], "M8[D]"), 20240103)
    1
    """
    if isinstance(at, (int, np.integer)) and not isinstance(at, bool) and not is_day_number(int(at)):
        if not -len(dates) <= at <= len(dates):
            raise error(f"{what} is {at}; expected a row from 0 to {len(dates)}, or a day such as 2024-01-31")
        return int(at)
    return int(np.searchsorted(dates, as_day(at, what, error)))


def _check_position(name: str, place: object) -> None:
    if not isinstance(place, (int, np.integer)) or isinstance(place, bool) or is_day_number(int(place)):
        raise PanelError(f"{name} is {place!r}; rows are counted from 0: expected a position; for a day see `until`")


def _usable(panel: Panel) -> BoolArray:
    """Cells whose close the adjustment may read."""
    close = panel.fields["close"]
    return np.asarray(panel.traded & np.isfinite(close) & (close > 0))


def _running_adjustment(panel: Panel, before: LastTraded | None = None) -> FloatArray:
    """close(l) / pre_close(t) with l the last traded day before t, multiplied up along the traded days."""
    close, usable, observed = panel.fields["close"], _usable(panel), panel.observed
    pre_close, factor = panel.fields["pre_close"], np.ones(panel.shape[1])
    if before is not None:  # one row in front: the last traded day of each stock
        close, usable = np.vstack([before.close, close]), np.vstack([np.isfinite(before.close), usable])
        pre_close, observed = np.vstack([factor, pre_close]), np.vstack([usable[0], observed])
        factor = before.factor
    with np.errstate(all="ignore"):
        step = previous(close, usable) / pre_close
    step = np.where(observed & np.isfinite(step) & (step > 0), step, 1.0)
    factors = np.where(usable, step, 1.0)
    factors[0] *= factor
    product = np.cumprod(factors, axis=0)
    # off the traded days: the factor of the last traded day, times the day's own step
    adjustment: FloatArray = np.multiply(product, np.where(usable, 1.0, step), dtype=np.float64)
    return adjustment if before is None else adjustment[1:].copy()


@dataclass(frozen=True)
class LastTraded:
    """Close and adjustment of each stock's last traded day [N]; NaN and 1 before the first: where a panel goes on."""

    close: FloatArray
    factor: FloatArray

    @classmethod
    def of(cls, panel: Panel, before: LastTraded | None = None) -> LastTraded:
        """After the panel's last day. before: the same after the day before its first."""
        usable = _usable(panel)
        last = len(usable) - 1 - usable[::-1].argmax(axis=0)
        ever, stock = usable.any(axis=0), np.arange(panel.shape[1])
        old = before or cls(np.full(len(stock), np.nan), np.ones(len(stock)))
        return cls(
            np.where(ever, panel.fields["close"][last, stock], old.close),
            np.where(ever, panel.adj_factor[last, stock], old.factor),
        )


def _frozen(values: FloatArray) -> FloatArray:
    values.flags.writeable = False
    return values


# -- checks of from_arrays ------------------------------------------------------------------------


def _check_dates(dates: ArrayLike) -> NDArray[np.datetime64]:
    days = as_days(dates, "dates")
    _check_axis("dates", days)
    return days


def _check_symbols(symbols: ArrayLike) -> NDArray[np.str_]:
    given = np.asarray(symbols)
    if given.dtype.kind not in "UTO" or not all(isinstance(s, str) for s in given.ravel()):
        raise PanelError(f"symbols must be text, got {given.dtype}; numbers lose their leading zeros")
    names = given.astype(np.str_)
    _check_axis("symbols", names)
    return names


def _check_axis(what: str, values: NDArray[Any]) -> None:
    if values.ndim != 1 or len(values) == 0:
        raise PanelError(f"{what} must be a list of at least one, got shape {values.shape}")
    wrong = ~(values[1:] > values[:-1])
    if wrong.any():
        at = int(wrong.argmax())
        trouble = "repeated" if values[at] == values[at + 1] else "not sorted"
        raise PanelError(f"{what} are {trouble}: {values[at]} then {values[at + 1]} at position {at + 1}")


def _check_fields(fields: Mapping[str, ArrayLike], shape: tuple[int, int], copy: bool) -> dict[str, NDArray[Any]]:
    missing = [name for name in REQUIRED if name not in fields]
    if missing:
        near = closest(missing[0], [name for name in fields if name not in REQUIRED])
        raise PanelError(f"fields lack {', '.join(missing)}{near}; required: {', '.join(REQUIRED)}")
    return {name: _check_field(name, np.asarray(values), shape, copy) for name, values in fields.items()}


def _check_field(name: str, values: NDArray[Any], shape: tuple[int, int], copy: bool) -> NDArray[Any]:
    kinds = "biuf"
    target: np.dtype[Any] = np.dtype(np.float64)
    if name == "list_date":
        kinds, target = "M", np.dtype("datetime64[D]")
    elif name in LABELS and values.dtype.kind in "biuUT":
        kinds, target = "biuUT", values.dtype
    if values.dtype.kind not in kinds:
        wanted = {"list_date": "datetime64"}.get(name, "text or numbers" if name in LABELS else "numbers")
        raise PanelError(f"field {name!r} holds {values.dtype}, expected {wanted}")
    _check_shape(f"field {name!r}", values, shape)
    if kinds == "M" and not names_days(values):
        raise PanelError(f"field {name!r} holds {values.dtype}, which names no days; expected datetime64[D]")
    if kinds == "M":
        values = as_days_or_none(values, f"field {name!r}")
    return values.astype(target, copy=copy)


def _check_array(what: str, values: Any, shape: tuple[int, int], dtype: type, copy: bool) -> NDArray[Any]:
    values = np.asarray(values)
    if values.dtype != dtype:
        raise PanelError(f"{what} holds {values.dtype}, expected {np.dtype(dtype)}")
    _check_shape(what, values, shape)
    return values.copy() if copy else values


def _check_shape(what: str, values: NDArray[Any], shape: tuple[int, int]) -> None:
    if values.shape != shape:
        raise PanelError(f"{what} has shape {values.shape}, expected {shape} (dates x symbols)")
