"""Units of volume and amount: known from the source or guessed, and in both cases checked against the prices.

amount / volume is the average price paid. In the right units it lies within the day's range, so a power of ten
between the two gives a wrong unit away, and how often it lies there says whether the guess explains the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from lib.errors import LoadError
from lib.load.columns import BoolArray, FloatArray, Table
from lib.load.sources.base import Source, whole_cents

#: share of traded rows whose average price lies in the day's range before a guess is believed
ENOUGH: Final = 0.95
_TICK: Final = 0.01
_LOT: Final = 100

#: amount / (volume x price) -> (shares in a unit of volume, yuan in a unit of amount, words)
_UNITS: Final = (
    (1.0, 1, 1, "volume in shares, amount in yuan"),
    (100.0, 100, 1, "volume in lots of 100, amount in yuan"),
    (0.1, 100, 1_000, "volume in lots of 100, amount in thousands of yuan"),
    (0.001, 1, 1_000, "volume in shares, amount in thousands of yuan"),
    (0.01, 100, 10_000, "volume in lots of 100, amount in units of 10,000 yuan"),
    (0.0001, 1, 10_000, "volume in shares, amount in units of 10,000 yuan"),
)


@dataclass(frozen=True)
class Units:
    """What volume and amount are counted in, how that is known, and how well the prices agree.

    ratio: median of amount / (volume x close) as the file has them; agreement: share of traded rows whose average
    price lies within the day's range after conversion; NaN where there is no amount.
    """

    text: str
    how: str  # of the source | guessed | assumed
    ratio: float = float("nan")
    agreement: float = float("nan")

    @property
    def known(self) -> bool:
        """Whether amount is in yuan and volume in shares now, for certain."""
        return self.agreement >= ENOUGH

    def __str__(self) -> str:
        if self.agreement != self.agreement:
            return f"{self.text} ({self.how}; no amount to compare it with)"
        return (
            f"{self.text} ({self.how}; amount / (volume x close) = {self.ratio:.4g}, "
            f"average price within the day's range on {self.agreement:.1%} of rows)"
        )


def settle_units(table: Table, source: Source, market: str) -> Units:
    """Bring volume and amount to shares and yuan, by the source or by the best guess. Raises LoadError.

    A source says its units itself; a file that contradicts them is refused. In a canonical record a unit other
    than shares and yuan is converted, if it explains the prices. Outside China nothing is converted.
    """
    stated = _stated(source) if market == "cn" or source.units_known else "volume in shares, amount in the currency"
    how = f"known from {source.title}" if source.units_known else "assumed"
    traded, ratio = _ratio(table)
    if not traded.any():
        return Units(stated, how)
    middle = float(np.median(ratio[traded]))
    if market != "cn":
        return Units(stated, "assumed", middle, _agreement(table))
    size, shares, yuan, words = next((u for u in _UNITS if 0.5 * u[0] < middle < 2 * u[0]), _UNITS[0])
    if size == 1:
        return _confirmed(table, stated, how if source.units_known else "guessed", middle)
    agreement = _agreement(table, shares, yuan)
    if agreement < ENOUGH:  # adjusted prices can be off by any factor; they are refused with better words
        return Units(stated, "unclear", middle, _agreement(table))
    if source.units_known:
        raise LoadError(
            f"{table.name}: amount / (volume x close) is {middle:.4g} in the units of {source.title}, as if {words} "
            f"relative to them, on {agreement:.0%} of rows; the columns are not in that source's units: convert them, "
            f"or write them as a canonical record"
        )
    table.numbers["volume"] = whole_cents(table.numbers["volume"] * shares)
    table.numbers["amount"] = whole_cents(table.numbers["amount"] * yuan)
    return Units(f"{words}, converted to shares and yuan", "guessed", middle, agreement)


def _stated(source: Source) -> str:
    """The source's own units, in words."""
    volume = "lots of 100" if source.scale.get("volume") == _LOT else "shares"
    amount = "thousands of yuan" if source.scale.get("amount") == 1_000 else "yuan"
    converted = ", converted to shares and yuan" if {"volume", "amount"} & set(source.scale) else ""
    return f"volume in {volume}, amount in {amount}{converted}"


def _confirmed(table: Table, text: str, how: str, middle: float) -> Units:
    return Units(text, how, middle, _agreement(table))


def _ratio(table: Table) -> tuple[BoolArray, FloatArray]:
    """Traded rows with an amount, and amount / (volume x close) [rows]."""
    if "amount" not in table.numbers:
        return np.zeros(table.n_rows, dtype=bool), np.full(table.n_rows, np.nan)
    with np.errstate(all="ignore"):
        ratio = average_price(table) / table.numbers["close"]
    return np.isfinite(ratio) & (ratio > 0), ratio


def average_price(table: Table) -> FloatArray:
    """amount / volume [rows]; NaN or infinite where nothing was traded."""
    with np.errstate(all="ignore"):
        return np.asarray(table.numbers["amount"] / table.numbers["volume"])


def outside_range(table: Table, shares: float = 1, yuan: float = 1) -> BoolArray | None:
    """Traded rows whose average price lies outside [low, high]; None without an amount.

    A tick is allowed, and what rounding volume to whole lots can do.
    """
    if "amount" not in table.numbers:
        return None
    numbers = table.numbers
    with np.errstate(all="ignore"):
        volume = numbers["volume"] * shares
        price = numbers["amount"] * yuan / volume
        slack = _TICK + price * (_LOT / 2 / volume) * (np.mod(volume, _LOT) == 0) + 1e-6 * price
        outside = (price > numbers["high"] + slack) | (price < numbers["low"] - slack)
        return np.asarray(outside & (volume > 0) & (numbers["amount"] > 0))


def _agreement(table: Table, shares: float = 1, yuan: float = 1) -> float:
    outside = outside_range(table, shares, yuan)
    assert outside is not None
    traded = (table.numbers["volume"] > 0) & (table.numbers["amount"] > 0)
    return float(1 - outside[traded].mean()) if traded.any() else float("nan")
