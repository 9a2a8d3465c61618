"""What a source is: names, units and habits as data, and one function for the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from lib.load.columns import FloatArray, Table

Convert = Callable[[Table], Table]


@dataclass(frozen=True, eq=False)
class Source:
    """One kind of table of one source.

    format:  its name in load_panel(format=...)
    columns: column of the file -> field of the panel, or a name of our own that `convert` uses up
    needs:   columns without which it is not readable
    marks:   sets of columns; a file with all of one set is this source's
    scale:   field -> factor that makes it yuan or shares
    joins:   "" for daily prices, else what the table adds to them (one folder holds several tables)
    per_stock: its files are about one stock each, so that the file's name may give the symbol
    silent_halts: a halted day has no row
    unused:  it may lie beside the others, and nothing is read from it
    units_known: volume and amount are in the units that `scale` says, whichever program wrote the file; else they are
    guessed
    rounds_volume: its volumes went through 32 bits and are whole shares
    raw_hint: how to get unadjusted prices from it
    """

    format: str
    title: str
    columns: Mapping[str, str]
    needs: tuple[str, ...]
    marks: tuple[frozenset[str], ...] = ()
    scale: Mapping[str, float] = field(default_factory=dict)
    convert: Convert = lambda table: table
    joins: str = ""
    per_stock: bool = False
    silent_halts: bool = False
    unused: bool = False
    units_known: bool = True
    rounds_volume: bool = False
    raw_hint: str = "pass raw prices, with pre_close or adj_factor beside them"

    @property
    def symbol(self) -> str | None:
        """The column of the symbol."""
        return next((name for name, field in self.columns.items() if field == "symbol"), None)

    @property
    def dated(self) -> bool:
        """Whether its rows are about days."""
        return "date" in self.columns.values()

    def is_marked(self, names: object) -> bool:
        """Whether columns of these names give this source away."""
        have = set(names)  # type: ignore[call-overload]
        return any(mark <= have for mark in self.marks)

    def rescaled(self, table: Table) -> Table:
        """The table in yuan and shares."""
        numbers = table.numbers
        scale = {name: factor for name, factor in self.scale.items() if name in numbers}
        return table.updated({name: whole_cents(numbers[name] * factor) for name, factor in scale.items()})


def whole_cents(values: FloatArray) -> FloatArray:
    """Shares and cents are whole numbers: what a change of units leaves behind the second decimal is round-off."""
    with np.errstate(all="ignore"):
        rounded = np.round(values, 2)
        return np.where(np.abs(rounded - values) <= 1e-9 * np.abs(values) + 1e-6, rounded, values)


def on_grid(prices: FloatArray) -> FloatArray:
    """Prices that were computed: to the nearest 0.01 if they are within a twentieth of it, else as they are."""
    with np.errstate(all="ignore"):
        rounded = np.round(prices, 2)
        return np.where(np.abs(rounded - prices) <= 0.0005, rounded, prices)
