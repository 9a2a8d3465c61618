"""What a factor is neutralised against: the industry and the size of every stock on every day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lib.errors import ParameterError, UnknownNameError, closest

if TYPE_CHECKING:
    from lib.panel import Panel

#: fields that can serve as the market value, the first present one wins
CAPS = ("cap", "float_mkt_cap")
NO_GROUP = -1
NO_LABEL = ("", "nan", "NaN", "None")


@dataclass(frozen=True, eq=False)
class Exposures:
    """Industry and log market value of N stocks over T days.

    codes: int32 [T,N], the industry as a number from 0, -1 where the stock takes no part: outside the universe,
        masked, or of no known industry. log_cap: float64 [T,N], log of the market value in any one currency, NaN
        where it is unknown, not positive or masked; None without market values. market: float64 [T], the day's
        average return, known at its close, NaN without one; only the adaptive strength reads it.

    The arrays are read-only: one that somebody else could still write to is copied. So what neutralisation prepares
    from them at its first call (`members`) holds for every later one: keep one Exposures for all factors of a panel.
    """

    codes: NDArray[np.int32]
    log_cap: NDArray[np.float64] | None = None
    market: NDArray[np.float64] | None = None
    prepared: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.codes.ndim != 2 or self.codes.dtype.kind != "i":
            raise ParameterError(f"codes: got {self.codes.dtype} {self.codes.shape}; expected whole numbers [T,N]")
        if self.log_cap is not None and self.log_cap.shape != self.codes.shape:
            raise ParameterError(f"log_cap has shape {self.log_cap.shape}; expected that of codes, {self.codes.shape}")
        if self.market is not None and self.market.shape != self.codes.shape[:1]:
            raise ParameterError(
                f"market has shape {self.market.shape}; expected one return a day, {self.codes.shape[:1]}"
            )
        for name in ("codes", "log_cap", "market"):
            object.__setattr__(self, name, _read_only(getattr(self, name)))

    @classmethod
    def from_panel(cls, panel: Panel, *, industry: str | None = "industry", cap: str | None = None) -> Exposures:
        """Exposures of the panel's day: its universe, its mask, its labels and market values of the same date.

        industry: the field with the labels, text or numbers; None puts every stock into one group. A label that
            is empty, not finite or negative is missing.
        cap: the field with the market value; by default `cap`, else `float_mkt_cap`, else none.

        Only cells of `panel.mask` count, for the market value of a masked close is itself masked: to neutralise
        the factors of another mask, pass `panel.with_mask(...)`. Raises UnknownNameError for a missing field.

        >>> from lib.market import make_market
        >>> exposures = Exposures.from_panel(make_market(40, 30, seed=1, n_industries=5).panel)
        >>> exposures.codes.shape, int(exposures.codes.max())
        ((30, 40), 4)
        """
        part = panel.mask & panel.universe
        labels = np.zeros(panel.shape) if industry is None else _field(panel, industry)
        name = cap if cap is not None else next((name for name in CAPS if name in panel.fields), None)
        log_cap = None if name is None else _log(_field(panel, name), panel.mask)
        return cls(_codes(labels, part), log_cap, _market(panel))

    @property
    def shape(self) -> tuple[int, int]:
        """(T, N): dates and stocks."""
        return self.codes.shape[0], self.codes.shape[1]

    def rows(self, start: int, stop: int) -> Exposures:
        """Dates start..stop-1, as views."""
        cut = slice(start, stop)
        return Exposures(
            self.codes[cut],
            None if self.log_cap is None else self.log_cap[cut],
            None if self.market is None else self.market[cut],
        )


def _read_only(array: NDArray[Any] | None) -> NDArray[Any] | None:
    """The array itself if neither it nor what it is a view of can be written to, else a copy."""
    whole: Any = array
    while isinstance(whole, np.ndarray) and not whole.flags.writeable:
        whole = whole.base
    if not isinstance(whole, np.ndarray) or array is None:
        return array
    own = array.copy()
    own.flags.writeable = False
    return own


def _field(panel: Panel, name: str) -> NDArray[Any]:
    if name not in panel.fields:
        raise UnknownNameError(
            f"exposures need the field {name!r}, which the panel lacks{closest(name, panel.fields)}; it has "
            f"{', '.join(panel.fields)}. industry=None neutralises against one group of all stocks"
        )
    return panel.fields[name]


def _log(cap: NDArray[np.float64], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    positive = mask & np.isfinite(cap) & (cap > 0)
    return np.log(cap, out=np.full(cap.shape, np.nan), where=positive)


def _codes(labels: NDArray[Any], part: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Labels of the cells that take part, numbered from 0; labels of other cells are never looked at."""
    known = part & _is_label(labels)
    codes = np.full(labels.shape, NO_GROUP, dtype=np.int32)
    codes[known] = np.unique(labels[known], return_inverse=True)[1].reshape(-1)
    return codes


def _is_label(labels: NDArray[Any]) -> NDArray[np.bool_]:
    if labels.dtype.kind == "f":
        return np.isfinite(labels) & (labels >= 0)
    if labels.dtype.kind == "i":
        return labels >= 0
    return ~np.isin(labels, NO_LABEL) if labels.dtype.kind in "UT" else np.ones(labels.shape, dtype=bool)


def _market(panel: Panel) -> NDArray[np.float64]:
    """Mean return over the universe of the stocks valid today and yesterday, so that no masked close is read."""
    both = panel.mask & panel.universe
    both[1:] &= panel.mask[:-1]
    both[0] = False
    both &= np.isfinite(panel.returns)
    total = np.where(both, panel.returns, 0.0).sum(axis=1)
    return np.divide(total, both.sum(axis=1), out=np.full(len(total), np.nan), where=both.any(axis=1))
