"""Rows of one or several files as an Arrow table: numbers, days and labels, and the place of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MEMBERSHIP: Final = "in_csi300"
#: columns that say where a row stands: the unit of places and the file ("line a.csv"), and the place
FILE, PLACE = "#file", "#place"

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Column(NamedTuple):
    """A column of days or labels: `codes` [rows] into the sorted, distinct `values`; -1 is empty."""

    codes: NDArray[np.int32]
    values: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of one or several files.

    rows: numbers as float64, NaN where empty; `date`, `symbol` and labels as dictionaries; `FILE` and `PLACE`. A table
    without dates (a list of stocks) has them empty.
    """

    name: str
    rows: pa.Table
    ignored: tuple[str, ...]
    encoding: str
    #: field -> its column in the file, where that has another name
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Number of data rows."""
        return int(self.rows.num_rows)

    @property
    def is_dated(self) -> bool:
        """Whether its rows are about days."""
        return int(self.rows["date"].null_count) < self.n_rows

    @property
    def dates(self) -> Column:
        """Day of each row."""
        return categories(self.rows["date"])

    @property
    def symbols(self) -> Column:
        """Symbol of each row."""
        return categories(self.rows["symbol"])

    @property
    def numbers(self) -> dict[str, FloatArray]:
        """The numbers by name, not to be written to."""
        return {name: self.rows[name].to_numpy() for name in self._of(pa.types.is_floating)}

    @property
    def labels(self) -> dict[str, Column]:
        """Days and labels beside the date and the symbol, by name."""
        names = self._of(pa.types.is_dictionary)
        return {name: categories(self.rows[name]) for name in names if name not in ("date", "symbol", FILE)}

    def _of(self, kind: Any) -> list[str]:
        return [column.name for column in self.rows.schema if kind(column.type)]

    def line(self, row: int) -> str:
        """Where a row stands, for messages."""
        unit, _, file = self.rows[FILE][row].as_py().partition(" ")
        where = f" of {file}" if len(pc.unique(self.rows[FILE])) > 1 else ""
        return f"{unit} {self.rows[PLACE][row]}{where}"

    def cell(self, row: int) -> str:
        """Date, symbol and place of a row, for messages."""
        day = self.rows["date"][row].as_py()
        return f"{day or ''} {self.rows['symbol'][row]} ({self.line(row)})".lstrip()

    def called(self, name: str) -> str:
        """A field as the file calls it, for messages."""
        return repr(self.names.get(name, name))

    def take(self, keep: BoolArray) -> Table:
        """The rows where `keep` holds."""
        return self if keep.all() else replace(self, rows=self.rows.filter(pa.array(keep)).combine_chunks())

    def updated(self, columns: Mapping[str, Any]) -> Table:
        """The table with some columns set, or taken out where None is given for them."""
        every = {**dict(zip(self.rows.column_names, self.rows.columns, strict=True)), **columns}
        return replace(self, rows=pa.table({name: values for name, values in every.items() if values is not None}))


def stack(tables: Sequence[Table], name: str) -> Table:
    """Tables under each other; a column that one of them lacks is empty there."""
    rows = pa.concat_tables([table.rows for table in tables], promote_options="default")
    numbers = {column.name for column in rows.schema if pa.types.is_floating(column.type)}
    columns = {key: pc.fill_null(rows[key], np.nan) if key in numbers else rows[key] for key in rows.column_names}
    return Table(
        name,
        pa.table(columns).unify_dictionaries().combine_chunks(),
        tuple(dict.fromkeys(column for table in tables for column in table.ignored)),
        "+".join(dict.fromkeys(table.encoding for table in tables)),
        {ours: theirs for table in tables for ours, theirs in table.names.items()},
    )


def places(file: str, unit: str, first: int, rows: int) -> dict[str, pa.Array]:
    """The columns that say where rows of a file stand, the first of them at place `first`."""
    return {
        FILE: dictionary(np.zeros(rows, dtype=np.int32), np.array([f"{unit} {file}"])),
        PLACE: pa.array(np.arange(first, first + rows, dtype=np.int32)),
    }


def dictionary(codes: NDArray[Any], values: NDArray[Any]) -> pa.DictionaryArray:
    """A column of days or labels; code -1 is empty."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=codes < 0), pa.array(values))


def categories(column: pa.ChunkedArray | pa.DictionaryArray) -> Column:
    """A dictionary as codes into sorted values, each of them in use."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    encoded = chunks[0] if chunks else pa.nulls(0, column.type)
    codes = pc.fill_null(encoded.indices, -1).to_numpy()
    days = pa.types.is_date(encoded.dictionary.type)
    values = encoded.dictionary.to_numpy(zero_copy_only=False).astype("datetime64[D]" if days else np.str_)
    used = np.zeros(len(values) + 1, dtype=bool)
    used[codes] = True
    unique = np.unique(values[used[:-1]])
    return Column(np.append(np.searchsorted(unique, values), -1).astype(np.int32)[codes], unique)
