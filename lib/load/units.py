"""Units: prices in yuan; volume and amount known from the source or guessed, and in both cases checked against them.

amount / volume is the average price paid. In the right units it lies within the day's range, so a power of ten
between the two gives a wrong unit away, and how often it lies there says whether the guess explains the file.
Rows in other units than the rest (one stock, one day) lie a power of ten outside; what adjusted prices do is anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from lib.errors import LoadError
from lib.load.columns import BoolArray, FloatArray, Table
from lib.load.instruments import instrument
from lib.load.sources.base import Source, whole_cents

#: share of traded rows whose average price lies in the day's range before a guess is believed; rows in other units than
#: the rest do not count
ENOUGH: Final = 0.95
_TICK: Final = 0.01
_LOT: Final = 100
#: rows from which on the median says where in their days' ranges they lie, and how far from the middle is one-sided
_FEW: Final = 10
_ASIDE: Final = 0.01
#: yuan; whole prices of a stock are fen or thousandths where they are as high as that in the middle, and traded rows
#: from which on whole ones are no chance
_HIGH: Final = 300
_ROWS: Final = 3


class Unit(NamedTuple):
    """shares in a unit of volume, yuan in a unit of amount; ratio: amount / (volume x price) in these units."""

    ratio: float
    shares: int
    yuan: int
    words: str


_UNITS: Final = (
    Unit(1.0, 1, 1, "volume in shares, amount in yuan"),
    Unit(100.0, 100, 1, "volume in lots of 100, amount in yuan"),
    Unit(0.1, 100, 1_000, "volume in lots of 100, amount in thousands of yuan"),
    Unit(0.001, 1, 1_000, "volume in shares, amount in thousands of yuan"),
    Unit(0.01, 100, 10_000, "volume in lots of 100, amount in units of 10,000 yuan"),
    Unit(0.0001, 1, 10_000, "volume in shares, amount in units of 10,000 yuan"),
)
#: has the ratio of the last; told from it by volumes that are no whole numbers, as shares always are
_ALIKE: Final = "; whole lots and millions of yuan would look the same"
_LOTS_AND_MILLIONS: Final = Unit(0.0001, 100, 1_000_000, "volume in lots of 100, amount in millions of yuan")


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


def refuse_fen(table: Table) -> None:
    """Refuse prices in fen, or in thousandths of a yuan: whole numbers throughout, far above what stocks cost.

    Checked stock by stock: real prices in yuan have cents on some day.
    """
    numbers, (codes, symbols) = table.numbers, table.symbols
    traded = numbers["volume"] > 0
    count = np.bincount(codes[traded], minlength=len(symbols))
    broken = np.bincount(codes[traded & ~_is_whole(numbers["close"])], minlength=len(symbols))
    for stock in np.flatnonzero((broken == 0) & (count >= max(1, min(_ROWS, count.max())))):
        rows = traded & (codes == stock)
        middle = float(np.median(numbers["close"][rows]))
        if middle > _HIGH and _all_whole(table, rows) and not instrument(str(symbols[stock])):
            _refuse_fen(table, rows, f"of {symbols[stock]}")


def _refuse_fen(table: Table, rows: BoolArray, whose: str) -> None:
    middle = float(np.median(table.numbers["close"][rows]))
    raise LoadError(
        f"{table.name}: every price {whose} is a whole number, {middle:g} in the middle, first at "
        f"{table.cell(int(rows.argmax()))}: as prices in fen or thousandths of a yuan are; expected yuan: divide them"
    )


def _all_whole(table: Table, rows: BoolArray) -> bool:
    return all(_is_whole(table.numbers[name][rows]).all() for name in ("close", "open", "high", "low"))


def _is_whole(prices: FloatArray) -> BoolArray:
    """Prices that are whole numbers, to a twentieth of a tick; an empty one is none."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(prices - np.rint(prices)) <= _TICK / 20)


def settle_units(table: Table, source: Source, market: str) -> tuple[Table, Units]:
    """The table with volume and amount in shares and yuan, by the source or by the best guess. Raises LoadError.

    A source says its units itself; a file that contradicts them is refused. A canonical record and Qlib's folders,
    which several vendors fill, are converted if another unit explains the prices. Outside China nothing is converted.
    """
    stated = _stated(source) if market == "cn" or source.units_known else "volume in shares, amount in the currency"
    how = f"known from {source.title}" if source.units_known else "assumed"
    traded, ratio = _ratio(table)
    if not traded.any():
        return _converted(table, source, _UNITS[0]), Units(stated, how)
    middle = float(np.median(ratio[traded]))
    if market != "cn":
        return table, Units(stated, "assumed", middle, _agreement(table))
    unit = next((u for u in _UNITS if 0.5 * u.ratio < middle < 2 * u.ratio), _UNITS[0])
    if unit is not _UNITS[0] and _all_whole(table, traded):  # fen beside yuan look like lots beside 10,000 yuan
        _refuse_fen(table, traded, "there")
    if unit is _UNITS[-1] and _is_broken(table.numbers["volume"][traded]):
        unit = _LOTS_AND_MILLIONS
    if source.units_known:  # a whole file may contradict the source; rows that do lose their volume
        _refuse_units(table, source, unit, middle)
        unit = _UNITS[0]
    converted = _converted(table, source, unit)
    agreement = _agreement(converted)
    if unit is _UNITS[0]:
        return converted, Units(stated, how if source.units_known else "guessed", middle, agreement)
    if agreement >= ENOUGH:
        text = f"{unit.words}, converted to shares and yuan{_ALIKE * (unit is _UNITS[-1])}"
        return converted, Units(text, "guessed", middle, agreement)
    # adjusted prices can be off by any factor; they are refused with better words
    as_stated = _converted(table, source, _UNITS[0])
    return as_stated, Units(stated, "unclear", middle, _agreement(as_stated))


def _is_broken(volume: FloatArray) -> bool:
    """Whether more than a few volumes are no whole numbers."""
    return float(np.mean(np.abs(volume - np.rint(volume)) > 1e-3)) > 1 - ENOUGH


def refuse_unknown_units(table: Table, source: Source, outside: BoolArray) -> None:
    """Refuse a file nearly all of whose rows would lose their volume: it is in units that are not known.

    outside: the rows of `outside_range`, which no adjustment of prices explains.
    """
    traded = int((table.numbers["volume"] > 0).sum())
    if outside.sum() > max(1, ENOUGH * traded):
        _, ratio = _ratio(table)
        raise LoadError(
            f"{table.name}: amount / volume is {float(np.median(ratio[outside])):.4g} times the close on "
            f"{int(outside.sum()):,} of {traded:,} traded rows, first at {table.cell(int(outside.argmax()))}; expected "
            f"about 1, with {_stated(source)}: convert volume or amount"
        )


def _stated(source: Source) -> str:
    """The source's own units, in words."""
    volume = "lots of 100" if source.scale.get("volume") == _LOT else "shares"
    amount = "thousands of yuan" if source.scale.get("amount") == 1_000 else "yuan"
    converted = ", converted to shares and yuan" if {"volume", "amount"} & set(source.scale) else ""
    return f"volume in {volume}, amount in {amount}{converted}"


def _converted(table: Table, source: Source, unit: Unit) -> Table:
    numbers, columns = table.numbers, dict[str, FloatArray]()
    for name, factor in (("volume", unit.shares), ("amount", unit.yuan)):
        if name in numbers and factor != 1:
            columns[name] = whole_cents(numbers[name] * factor)
    if source.rounds_volume:
        columns["volume"] = np.rint(columns.get("volume", numbers["volume"]))
    return table.updated(columns)


def _refuse_units(table: Table, source: Source, unit: Unit, middle: float) -> None:
    numbers = table.numbers
    outside = _outside(table, numbers["volume"] * unit.shares, numbers["amount"] * unit.yuan)
    agreement = 1 - outside[_both(table)].mean()
    if unit is not _UNITS[0] and agreement >= ENOUGH:
        raise LoadError(
            f"{table.name}: amount / (volume x close) is {middle:.4g} in the units of {source.title}, "
            f"as if {unit.words} relative to them, on {agreement:.0%} of rows; the columns are not in that source's "
            f"units: convert them, or write them as a canonical record"
        )


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


def outside_range(table: Table) -> BoolArray | None:
    """Traded rows whose average price lies outside [low, high]; None without an amount.

    A tick is allowed, and what rounding volume to whole lots can do. No amount for a traded volume is outside as well,
    where other rows have one.
    """
    if "amount" not in table.numbers:
        return None
    numbers = table.numbers
    outside = _outside(table, numbers["volume"], numbers["amount"])
    if (numbers["amount"] > 0).any():
        outside |= (numbers["volume"] > 0) & (numbers["amount"] == 0)
    return outside


def vwap_outside(table: Table) -> BoolArray:
    """Rows whose own average price, a column of the file, lies outside [low, high] by more than a tick."""
    numbers = table.numbers
    price = numbers.get("vwap", np.full(table.n_rows, np.nan))
    slack = _TICK + 1e-6 * np.abs(price)
    return np.asarray((numbers["volume"] > 0) & ((price > numbers["high"] + slack) | (price < numbers["low"] - slack)))


def in_other_units(table: Table) -> BoolArray:
    """Rows of `outside_range` in other units than the rest: a power of ten brings them inside, or there is no amount.

    Prices adjusted by nearly a power of ten lie inside as well, but to one side: rows with the same power must lie in
    the middle of their days' ranges on average.
    """
    numbers, outside = table.numbers, outside_range(table)
    if outside is None:
        return np.zeros(table.n_rows, dtype=bool)
    with np.errstate(all="ignore"):
        middle = average_price(table) / ((numbers["high"] + numbers["low"]) / 2)
        power = np.nan_to_num(np.round(np.log10(middle)), posinf=0.0, neginf=0.0)
    inside = outside & ~_outside(table, numbers["volume"], numbers["amount"] * 10.0**-power)
    for one in np.unique(power[inside]):
        rows = inside & (power == one)
        if rows.sum() >= _FEW and abs(np.median(middle[rows]) * 10.0**-one - 1) > _ASIDE:
            inside &= ~rows
    return np.asarray(inside | (outside & (numbers["amount"] == 0)))


def _outside(table: Table, volume: FloatArray, amount: FloatArray) -> BoolArray:
    high, low = table.numbers["high"], table.numbers["low"]
    with np.errstate(all="ignore"):
        price = amount / volume
        slack = _TICK + price * (_LOT / 2 / volume) * (np.mod(volume, _LOT) == 0) + 1e-6 * price
        outside = (price > high + slack) | (price < low - slack)
        return np.asarray(outside & (volume > 0) & (amount > 0))


def _both(table: Table) -> BoolArray:
    return np.asarray((table.numbers["volume"] > 0) & (table.numbers["amount"] > 0))


def _agreement(table: Table) -> float:
    """Share of traded rows, without those in other units than the rest, whose average price lies in the day's range."""
    outside = outside_range(table)
    assert outside is not None
    traded = _both(table) & ~in_other_units(table)
    return float(1 - outside[traded].mean()) if traded.any() else float("nan")
