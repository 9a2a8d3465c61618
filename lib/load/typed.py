"""Columns of a file as numbers, flags, days and labels; a bad value is named with its column and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lib.days import FIRST_DAY, LAST_DAY, parse_day
from lib.errors import LoadError
from lib.load.columns import MEMBERSHIP, Table, categories, dictionary, places
from lib.load.files import NULLS, Header

TEXT: Final = ("industry", "board", "suspend_type", "suspend_timing", "stock_name")
DAYS: Final = ("list_date", "delist_date", "since", "until")
FLAGS: Final = ("halted", "is_st", "trading", MEMBERSHIP)

#: what pandas leaves behind a day that shared its column with empty cells: 20240131.0
_WHOLE: Final = re.compile(r"(?<=^\d{8})\.0$")
_TRUE, _FALSE = ("true", "1", "1.0", "t", "yes"), ("false", "0", "0.0", "f", "no", "")
_DAY: Final = "YYYY-MM-DD or YYYYMMDD"


def typed(header: Header, raw: pa.Table, fields: Mapping[str, str], flags: Sequence[str], symbol: str | None) -> Table:
    """Columns of a file as a Table.

    fields: column of the file -> its field, which decides the type; flags: further columns of true and false.
    symbol: what every row is about, when no column says it. Raises LoadError.
    """
    reader, n_rows = _Reader(header, raw), raw.num_rows
    columns: dict[str, Any] = {"date": pa.nulls(n_rows, pa.dictionary(pa.int32(), pa.date32()))}
    if symbol is not None:
        columns["symbol"] = dictionary(np.zeros(n_rows, dtype=np.int32), np.array([symbol]))
    for name in raw.column_names:
        ours = fields.get(name, name)
        if ours in ("date", *DAYS):
            columns[ours] = reader.days(name, required=ours == "date")
        elif ours == "symbol":
            columns[ours] = reader.symbols(name)
        elif ours in TEXT:
            columns[ours] = reader.text(name)
        elif ours in FLAGS or name in flags:
            columns[ours] = reader.flag(name, np.nan if ours == "trading" else 0.0)
        else:
            columns[ours] = reader.number(name)
    columns |= places(header.path.name, reader.unit, header.first_line, n_rows)
    ignored = tuple(name for name in header.names if name not in raw.column_names)
    other = {ours: name for name, ours in fields.items() if name in raw.column_names and ours != name}
    return Table(header.path.name, pa.table(columns), ignored, header.encoding, other)


@dataclass(frozen=True, eq=False)
class _Reader:
    header: Header
    table: pa.Table

    @property
    def unit(self) -> str:
        return "line" if self.header.kind == "csv" else "row"

    def number(self, name: str) -> pa.Array:
        """A column of numbers as float64; empty is NaN."""
        column = self._flat(name)
        if pa.types.is_float16(column.type):
            raise self._bad(name, "numbers of 32 or 64 bits (16 keep three digits of a price)", 0, str(column.type))
        try:
            if _is_text(column.type):
                column = pc.utf8_trim_whitespace(column.cast(pa.string()))
                column = pc.replace_with_mask(column, pc.is_in(column, pa.array(NULLS)), pa.scalar(None, pa.string()))
            return pc.fill_null(column.cast(pa.float64(), safe=False), np.nan)
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise self._bad(name, "a number", *_first_bad(column, _is_number)) from error

    def flag(self, name: str, empty: float) -> pa.Array:
        """A column of true/false (or 1/0) as 1.0 and 0.0; `empty` is what no text stands for."""
        column = self._flat(name)
        with self._named(name, "text or numbers", column.type):
            column = column.cast(pa.string())
        text = pc.utf8_lower(pc.utf8_trim_whitespace(pc.fill_null(column, "")))
        true = pc.is_in(text, pa.array(_TRUE))
        if not pc.all(pc.or_(true, pc.is_in(text, pa.array(_FALSE)))).as_py():
            bad = _first_bad(column, lambda s: s.strip().lower() in _TRUE + _FALSE)
            raise self._bad(name, "true or false", *bad)
        return pc.if_else(pc.equal(text, ""), empty, true.cast(pa.float64()))

    def text(self, name: str) -> pa.Array:
        """A column of text or codes as categories."""
        return self._categories(name)

    def symbols(self, name: str) -> pa.Array:
        """Symbols as text: a number has already lost its leading zeros."""
        column = self._flat(name)
        if not _is_text(column.type):
            raise LoadError(
                f"{self.header.path.name}: symbols are stored as {column.type}, not as text: they lost their "
                f"leading zeros (000001 is not {str(column[0].as_py())[:20]!r}); write them as text"
            )
        return self._complete(name, self._categories(name))

    def days(self, name: str, required: bool) -> pa.Array:
        """Days: a date, a midnight, YYYY-MM-DD or YYYYMMDD; anything else is named."""
        column = self._flat(name)
        dated, timed = pa.types.is_date(column.type), pa.types.is_timestamp(column.type)
        with self._named(name, _DAY, column.type):
            column = column.cast(pa.date32()) if dated else _clock(column) if timed else column
            encoded = column.dictionary_encode() if dated else _encoded(column)
        codes, values = categories(encoded)
        days = values if dated else self._parsed(name, codes, values)
        for i in np.flatnonzero((days < FIRST_DAY) | (days > LAST_DAY)):
            raise self._bad(name, f"a day from {FIRST_DAY} to {LAST_DAY}", int((codes == i).argmax()), str(days[i]))
        found = dictionary(codes, days)
        return self._complete(name, found) if required else found

    def _parsed(self, name: str, codes: NDArray[np.int32], texts: NDArray[np.str_]) -> NDArray[np.datetime64]:
        days = [parse_day(_WHOLE.sub("", str(text))) for text in texts]
        if None in days:
            bad = days.index(None)
            raise self._bad(name, _DAY, int((codes == bad).argmax()), str(texts[bad]))
        return np.array(days, dtype="datetime64[D]")

    def _flat(self, name: str) -> pa.Array:
        column = self.table.column(name).combine_chunks()
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

    def _categories(self, name: str) -> pa.DictionaryArray:
        column = self._flat(name)
        with self._named(name, "text or numbers", column.type):
            return _encoded(column)

    def _complete(self, name: str, column: pa.DictionaryArray) -> pa.DictionaryArray:
        if column.null_count:
            raise self._bad(name, "a value in every row", column.is_null().index(True).as_py(), "")
        return column

    @contextmanager
    def _named(self, name: str, expected: str, kind: pa.DataType) -> Iterator[None]:
        """A type that cannot be turned into what is expected becomes a LoadError that names it."""
        try:
            yield
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            raise self._bad(name, expected, 0, str(kind)) from error

    def _bad(self, name: str, expected: str, row: int, text: str) -> LoadError:
        place, shown = f"{self.unit} {row + self.header.first_line}", repr(" ".join(text[:40].split()))
        return LoadError(f"{self.header.path.name}: column {name!r}, {place}: got {shown}, expected {expected}")


def _encoded(column: pa.Array) -> pa.DictionaryArray:
    """A column as categories of text; one of another type by how it is written."""
    text = column if _is_text(column.type) else column.cast(pa.string())
    return text.cast(pa.dictionary(pa.int32(), pa.string()))


def _clock(moments: pa.Array) -> pa.Array:
    """Timestamps on the clock of their own time zone."""
    local = moments if moments.type.tz is None else pc.local_timestamp(moments)
    return local.cast(pa.timestamp("us"), safe=False)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(text: str) -> bool:
    """As Arrow reads numbers: Python's own float takes full-width digits and 1_000 as well."""
    try:
        pa.scalar(text).cast(pa.float64())
    except pa.ArrowException:
        return False
    return True


def _first_bad(column: pa.Array, good: Callable[[str], bool]) -> tuple[int, str]:
    """Row and text of the first value that is not good; the column's type if no single one is to blame."""
    texts = column.to_pylist() if _is_text(column.type) else []
    bad = ((row, text) for row, text in enumerate(texts) if text is not None and not good(text))
    return next(bad, (0, str(column.type)))
