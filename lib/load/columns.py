"""One file as typed columns: numbers, flags, days and labels; a bad value is named with its column and line."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lib.days import FIRST_DAY, LAST_DAY, parse_day
from lib.errors import LoadError
from lib.load.files import NULLS, Header

TEXT: Final = ("industry", "board", "suspend_type", "suspend_timing", "stock_name")
DAYS: Final = ("list_date", "delist_date", "since", "until")
MEMBERSHIP: Final = "in_csi300"
FLAGS: Final = ("halted", "is_st", "trading", MEMBERSHIP)

#: what pandas leaves behind a day that shared its column with empty cells: 20240131.0
_WHOLE: Final = re.compile(r"(?<=^\d{8})\.0$")
_TRUE, _FALSE = ("true", "1", "1.0", "t", "yes"), ("false", "0", "0.0", "f", "no", "")
_NO_DAY: Final = np.array(["NaT"], dtype="datetime64[D]")

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Column:
    """A categorical column: `codes` [rows] into the sorted `values`; -1 is empty."""

    codes: NDArray[np.int32]
    values: NDArray[Any]

    def take(self, rows: NDArray[Any]) -> Column:
        """The same column at some rows."""
        return sorted_column(self.codes[rows], self.values)


class Origin(NamedTuple):
    """Where the rows from `first` on come from; row `first` stands on `line` there."""

    first: int
    file: str
    line: int
    unit: str  # "line" or "row"


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of one or several files: days and symbols as categories, numbers as float64, labels as categories.

    A table without dates (a list of stocks) has the one date NaT.
    """

    name: str
    dates: Column
    symbols: Column
    numbers: dict[str, FloatArray]
    labels: dict[str, Column]
    ignored: tuple[str, ...]
    encoding: str
    origins: tuple[Origin, ...]
    #: field -> its column in the file, where that has another name
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Number of data rows."""
        return len(self.dates.codes)

    def line(self, row: int) -> str:
        """Where a row stands, for messages."""
        origin = self.origins[bisect_right(self.origins, row, key=lambda o: o.first) - 1]
        where = f" of {origin.file}" if len(self.origins) > 1 else ""
        return f"{origin.unit} {row - origin.first + origin.line}{where}"

    def cell(self, row: int) -> str:
        """Date, symbol and place of a row, for messages."""
        day, name = self.dates.values[self.dates.codes[row]], self.symbols.values[self.symbols.codes[row]]
        return f"{'' if np.isnat(day) else day} {name} ({self.line(row)})".lstrip()

    def called(self, name: str) -> str:
        """A field as the file calls it, for messages."""
        return repr(self.names.get(name, name))

    def take(self, keep: BoolArray) -> Table:
        """The rows where `keep` holds; lines in messages stay those of the file."""
        if keep.all():
            return self
        rows = np.flatnonzero(keep)
        breaks = np.isin(rows, [origin.first for origin in self.origins])
        breaks[1:] |= np.diff(rows) != 1
        breaks[:1] = True
        origins = tuple(Origin(int(new), *self._origin_at(int(rows[new]))) for new in np.flatnonzero(breaks))
        return replace(
            self,
            dates=self.dates.take(rows),
            symbols=self.symbols.take(rows),
            numbers={name: values[rows] for name, values in self.numbers.items()},
            labels={name: column.take(rows) for name, column in self.labels.items()},
            origins=origins,
        )

    def _origin_at(self, row: int) -> tuple[str, int, str]:
        origin = self.origins[bisect_right(self.origins, row, key=lambda o: o.first) - 1]
        return origin.file, row - origin.first + origin.line, origin.unit


def sorted_column(codes: NDArray[Any], values: NDArray[Any]) -> Column:
    """A column with sorted, distinct values, each of them in use. Code -1 (empty) stays -1."""
    used = np.zeros(len(values) + 1, dtype=bool)
    used[codes] = True
    unique = np.unique(values[used[:-1]])
    return Column(np.append(np.searchsorted(unique, values), -1)[codes].astype(np.int32), unique)


def constant_column(value: Any, rows: int) -> Column:
    """A column with the same value in every row."""
    return Column(np.zeros(rows, dtype=np.int32), np.array([value]))


def stack(tables: Sequence[Table], name: str) -> Table:
    """Tables under each other; a column that one of them lacks is empty there."""
    if len(tables) == 1:
        return replace(tables[0], name=name)
    starts = np.concatenate([[0], np.cumsum([table.n_rows for table in tables])])
    origins = tuple(
        origin._replace(first=origin.first + int(start))
        for table, start in zip(tables, starts[:-1], strict=True) for origin in table.origins
    )  # fmt: skip
    numbers = {key: _stacked_numbers(tables, key) for key in _keys(table.numbers for table in tables)}
    labels = {key: _stacked_labels(tables, key) for key in _keys(table.labels for table in tables)}
    return Table(
        name,
        _stacked([table.dates for table in tables]),
        _stacked([table.symbols for table in tables]),
        numbers,
        labels,
        tuple(_keys(table.ignored for table in tables)),
        "+".join(_keys([table.encoding] for table in tables)),
        origins,
        {ours: name for table in tables for ours, name in table.names.items()},
    )


def _keys(named: Any) -> dict[str, None]:
    return dict.fromkeys(key for names in named for key in names)


def _stacked_numbers(tables: Sequence[Table], key: str) -> FloatArray:
    return np.concatenate([table.numbers.get(key, np.full(table.n_rows, np.nan)) for table in tables])


def _stacked_labels(tables: Sequence[Table], key: str) -> Column:
    empty = _NO_DAY[:0] if key in DAYS else np.zeros(0, dtype=np.str_)
    absent = [Column(np.full(table.n_rows, -1, dtype=np.int32), empty) for table in tables]
    return _stacked([table.labels.get(key, none) for table, none in zip(tables, absent, strict=True)])


def _stacked(columns: Sequence[Column]) -> Column:
    values = np.concatenate([column.values for column in columns])
    starts = np.cumsum([0, *(len(column.values) for column in columns)])
    codes = [np.where(c.codes < 0, -1, c.codes + start) for c, start in zip(columns, starts[:-1], strict=True)]
    return sorted_column(np.concatenate(codes), values)


# -- from the columns of a file -------------------------------------------------------------------


def typed(header: Header, raw: pa.Table, fields: Mapping[str, str], flags: Sequence[str], symbol: str | None) -> Table:
    """Columns of a file as a Table.

    fields: column of the file -> its field, which decides the type; flags: further columns of true and false.
    symbol: what every row is about, when no column says it. Raises LoadError.
    """
    reader = _Reader(header, raw)
    numbers: dict[str, FloatArray] = {}
    labels: dict[str, Column] = {}
    for name in raw.column_names:
        ours = fields.get(name, name)
        if ours in TEXT:
            labels[ours] = reader.text(name)
        elif ours in DAYS:
            labels[ours] = reader.dates(name, required=False)
        elif ours in FLAGS or name in flags:
            numbers[ours] = reader.flag(name, np.nan if ours == "trading" else 0.0)
        elif ours not in ("date", "symbol"):
            numbers[ours] = reader.number(name)
    back = {ours: name for name, ours in fields.items() if name in raw.column_names}
    dates = reader.dates(back["date"]) if "date" in back else constant_column(_NO_DAY[0], raw.num_rows)
    symbols = reader.symbols(back["symbol"]) if symbol is None else constant_column(symbol, raw.num_rows)
    ignored = tuple(name for name in header.names if name not in raw.column_names)
    origin = Origin(0, header.path.name, header.first_line, reader.unit)
    other = {ours: name for ours, name in back.items() if ours != name}
    return Table(header.path.name, dates, symbols, numbers, labels, ignored, header.encoding, (origin,), other)


@dataclass(frozen=True, eq=False)
class _Reader:
    header: Header
    table: pa.Table

    @property
    def unit(self) -> str:
        return "line" if self.header.kind == "csv" else "row"

    def number(self, name: str) -> FloatArray:
        """A column of numbers as float64; empty is NaN."""
        column = self._flat(name)
        try:
            if _is_text(column.type):
                column = pc.utf8_trim_whitespace(column.cast(pa.string()))
                column = pc.replace_with_mask(column, pc.is_in(column, pa.array(NULLS)), pa.scalar(None, pa.string()))
            numbers = column.cast(pa.float64(), safe=False)
            return np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise self._bad(name, "a number", _first_bad(column, _is_number)) from error

    def flag(self, name: str, empty: float) -> FloatArray:
        """A column of true/false (or 1/0) as 1.0 and 0.0; `empty` is what no text stands for."""
        column = self._as_text(name)
        text = pc.utf8_lower(pc.utf8_trim_whitespace(pc.fill_null(column, "")))
        true = pc.is_in(text, pa.array(_TRUE))
        if not pc.all(pc.or_(true, pc.is_in(text, pa.array(_FALSE)))).as_py():
            bad = _first_bad(column, lambda s: s.strip().lower() in _TRUE + _FALSE)
            raise self._bad(name, "true or false", bad)
        values = np.asarray(true.to_numpy(zero_copy_only=False), dtype=np.float64)
        return np.where(pc.equal(text, "").to_numpy(zero_copy_only=False), empty, values)

    def text(self, name: str) -> Column:
        """A column of text or codes as categories."""
        column = self._flat(name)
        return self._categories(name, column if _is_text(column.type) else self._as_text(name))

    def symbols(self, name: str) -> Column:
        """Symbols as text: a number has already lost its leading zeros."""
        column = self._flat(name)
        if not _is_text(column.type):
            raise LoadError(
                f"{self.header.path.name}: symbols are stored as {column.type}, not as text: they lost their "
                f"leading zeros (000001 is not {str(column[0].as_py())[:20]!r}); write them as text"
            )
        return self._complete(name, self._categories(name, column))

    def dates(self, name: str, required: bool = True) -> Column:
        """Days as datetime64[D]: a date, a midnight, YYYY-MM-DD or YYYYMMDD; anything else is named."""
        column = self._flat(name)
        if pa.types.is_date(column.type):
            days = self._categories(name, column.cast(pa.date32()))
        elif pa.types.is_timestamp(column.type):
            days = self._parsed(name, self._categories(name, self._moments(name, column)))
        else:
            days = self._parsed(name, self._categories(name, self._as_text(name)))
        self._check_years(name, days)
        return self._complete(name, days) if required else days

    def _check_years(self, name: str, days: Column) -> None:
        """No exchange of this book traded before 1900, and sentinels such as 9999-12-31 are no days."""
        for i, day in enumerate(days.values):
            if not FIRST_DAY <= day <= LAST_DAY:
                row = int((days.codes == i).argmax())
                raise self._bad(name, f"a day from {FIRST_DAY} to {LAST_DAY}", (row, str(day)))

    def _moments(self, name: str, column: pa.Array) -> pa.Array:
        """Timestamps as text, on the clock of their own time zone."""
        try:
            if column.type.tz is not None:
                column = pc.local_timestamp(column)
            return column.cast(pa.timestamp("us"), safe=False).cast(pa.string())
        except (pa.ArrowException, ValueError) as error:
            raise self._bad(name, "YYYY-MM-DD or YYYYMMDD", (0, str(column.type))) from error

    def _flat(self, name: str) -> pa.Array:
        column = self.table.column(name).combine_chunks()
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

    def _as_text(self, name: str) -> pa.Array:
        column = self._flat(name)
        try:
            return column.cast(pa.string())
        except (pa.ArrowException, ValueError) as error:
            raise self._bad(name, "text or numbers", (0, str(column.type))) from error

    def _categories(self, name: str, column: pa.Array) -> Column:
        try:
            return _categories(column)
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            raise self._bad(name, "text or days", (0, str(column.type))) from error

    def _parsed(self, name: str, raw: Column) -> Column:
        """Distinct texts as days; two spellings of one day become one."""
        days = np.empty(len(raw.values), dtype="datetime64[D]")
        for i, text in enumerate(raw.values):
            day = parse_day(_WHOLE.sub("", str(text)))
            if day is None:
                row = int((raw.codes == i).argmax())
                raise self._bad(name, "YYYY-MM-DD or YYYYMMDD", (row, str(text)))
            days[i] = day
        return sorted_column(raw.codes, days)

    def _complete(self, name: str, column: Column) -> Column:
        if (column.codes < 0).any():
            raise self._bad(name, "a value in every row", (int((column.codes < 0).argmax()), ""))
        return column

    def _bad(self, name: str, expected: str, found: tuple[int, str]) -> LoadError:
        row, text = found
        place = f"{self.unit} {row + self.header.first_line}"
        return LoadError(f"{self.header.path.name}: column {name!r}, {place}: got {_shown(text)}, expected {expected}")


def _shown(text: str) -> str:
    return repr(" ".join(text[:40].split()))


def _categories(column: pa.Array) -> Column:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    elif column.dictionary.type != pa.string() and _is_text(column.type):
        column = column.cast(pa.dictionary(pa.int32(), pa.string()))
    codes = pc.fill_null(column.indices.cast(pa.int32()), -1).to_numpy(zero_copy_only=False)
    values = column.dictionary.to_numpy(zero_copy_only=False)
    days = pa.types.is_date(column.dictionary.type)
    return sorted_column(codes, values.astype("datetime64[D]" if days else np.str_))


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _first_bad(column: pa.Array, good: Callable[[str], bool]) -> tuple[int, str]:
    """Row and text of the first value that is not good; the column's type if no single one is to blame."""
    if not _is_text(column.type):
        return 0, str(column.type)
    for row, value in enumerate(column):
        text = value.as_py()
        if text is not None and not good(text):
            return row, text
    return 0, str(column.type)
