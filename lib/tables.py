"""A file of daily rows as columns: parquet or CSV in, typed numpy columns out, one clear line on failure.

Nothing here knows about markets; it knows the names and types of the columns, encodings, and where in
the file a bad value stands.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lib.errors import LoadError, closest
from lib.panel import OPTIONAL, REQUIRED

KEYS: Final = ("date", "symbol")
TEXT: Final = ("industry", "board")
MEMBERSHIP: Final = "in_csi300"
FLAGS: Final = ("halted", "is_st", MEMBERSHIP)
KNOWN: Final = (*KEYS, *REQUIRED, *OPTIONAL, MEMBERSHIP)
MAX_BYTES: Final = 4 << 30
MAX_ROWS: Final = 30_000_000

_TRUE, _FALSE = ("true", "1", "1.0", "t", "yes"), ("false", "0", "0.0", "f", "no", "")
_NULLS: Final = ["", "NaN", "nan", "NA", "N/A", "null", "NULL", "None", "<NA>"]
_DATE_FORMS: Final = (re.compile(r"\d{4}-\d\d-\d\d( 00:00:00(\.0+)?)?"), re.compile(r"\d{8}"))


@dataclass(frozen=True, eq=False)
class Column:
    """A categorical column: `codes` [rows] into `values`; -1 is empty."""

    codes: NDArray[np.int32]
    values: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a file: days and symbols as categories, numbers as float64, labels as categories."""

    path: Path
    first_line: int  # line number of row 0 in messages: 2 in a CSV, 1 (a row number) in a parquet file
    dates: Column
    symbols: Column
    numbers: dict[str, NDArray[np.float64]]
    labels: dict[str, Column]
    ignored: tuple[str, ...]
    encoding: str

    @property
    def n_rows(self) -> int:
        """Number of data rows."""
        return len(self.dates.codes)

    def line(self, row: int) -> str:
        """Where a row stands, for messages."""
        return _place(self.first_line, row)

    def cell(self, row: int) -> str:
        """Date, symbol and place of a row, for messages."""
        day, name = self.dates.values[self.dates.codes[row]], self.symbols.values[self.symbols.codes[row]]
        return f"{day} {name} ({self.line(row)})"


def _place(first_line: int, row: int) -> str:
    return f"{'line' if first_line == 2 else 'row'} {row + first_line}"


def read_table(
    path: Path,
    file_format: str,
    extra: Iterable[str] = (),
    *,
    max_bytes: int = MAX_BYTES,
    max_rows: int = MAX_ROWS,
) -> Table:
    """Read the known columns and the boolean columns named in `extra`. Raises LoadError."""
    kind = _format(path, file_format)
    _check_size(path, max_bytes)
    extra = tuple(extra)
    read = _read_parquet if kind == "parquet" else _read_csv
    raw, ignored, encoding = read(path, extra, max_rows)
    if raw.num_rows == 0:
        raise LoadError(f"{path.name}: no rows (only a header); expected one row per date and symbol")
    reader = _Reader(path, 2 if kind == "csv" else 1, raw)
    numbers, labels = {}, {}
    for name in raw.column_names:
        if name in TEXT:
            labels[name] = reader.text(name)
        elif name == "list_date":
            labels[name] = reader.dates(name, required=False)
        elif name in FLAGS or name in extra:
            numbers[name] = reader.flag(name)
        elif name not in KEYS:
            numbers[name] = reader.number(name)
    dates, symbols = reader.dates("date"), reader.symbols()
    return Table(path, reader.first_line, dates, symbols, numbers, labels, ignored, encoding)


# -- files ----------------------------------------------------------------------------------------


def _format(path: Path, given: str) -> str:
    if given not in ("auto", "parquet", "csv"):
        raise LoadError(f"format is {given!r}; expected 'auto', 'parquet' or 'csv'")
    if not path.is_file():
        raise LoadError(f"{path}: no such file" if not path.exists() else f"{path}: not a file")
    if given != "auto":
        return given
    with path.open("rb") as file:
        magic = file.read(4)
    return "parquet" if magic == b"PAR1" or path.suffix.lower() in (".parquet", ".pq") else "csv"


def _check_size(path: Path, max_bytes: int) -> None:
    size = path.stat().st_size
    if size == 0:
        raise LoadError(f"{path.name}: the file is empty (0 bytes, no rows)")
    if size > max_bytes:
        raise LoadError(f"{path.name}: {size:,} bytes, more than the cap of {max_bytes:,}")


def _read_parquet(path: Path, extra: tuple[str, ...], max_rows: int) -> tuple[pa.Table, tuple[str, ...], str]:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            names = file.schema_arrow.names
            wanted, ignored = _choose_columns(path, names, extra)
            _check_count(path, file.metadata.num_rows, max_rows)
            table = file.read(columns=wanted, use_threads=False)
            table.validate(full=True)
    except LoadError:
        raise
    except Exception as error:  # pyarrow raises ArrowException, OSError, ValueError, ... on damaged bytes
        raise LoadError(
            f"{path.name}: the parquet file is truncated or damaged ({_one_line(error)}); fetch it again"
        ) from error
    return table.select(wanted), ignored, "parquet"


def _check_count(path: Path, rows: int, max_rows: int) -> None:
    if rows > max_rows:
        raise LoadError(f"{path.name}: {rows:,} rows, more than the cap of {max_rows:,}")


def _read_csv(path: Path, extra: tuple[str, ...], max_rows: int) -> tuple[pa.Table, tuple[str, ...], str]:
    with path.open("rb") as file:
        header = file.readline(1 << 20)
    encoding = _encoding(path, header)
    names = [name.strip().strip('"') for name in header.decode(encoding).strip("\r\n\ufeff").split(",")]
    wanted, ignored = _choose_columns(path, names, extra)
    trouble: list[pacsv.InvalidRow] = []

    def remember(row: pacsv.InvalidRow) -> str:
        trouble.append(row)
        return "error"

    try:
        table = pacsv.read_csv(
            path,
            # one thread, for only then does an invalid row know its line
            pacsv.ReadOptions(use_threads=False, encoding=encoding, skip_rows=1, column_names=names),
            pacsv.ParseOptions(invalid_row_handler=remember, newlines_in_values=False),
            pacsv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                null_values=_NULLS,
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        raise LoadError(_csv_trouble(path, trouble, len(names), error)) from error
    _check_count(path, table.num_rows, max_rows)
    return table, ignored, encoding


def _csv_trouble(path: Path, trouble: list[pacsv.InvalidRow], expected: int, error: Exception) -> str:
    if not trouble:
        return f"{path.name}: not a readable CSV ({_one_line(error)})"
    row = trouble[0]
    where = f"line {row.number}" if row.number else f"the line {row.text[:60]!r}"
    fields = f"{where} has {row.actual_columns} fields, expected {expected}"
    if row.actual_columns < expected and _ends_with(path, row.text):
        return f"{path.name}: the file is truncated: {fields}"
    return f"{path.name}: {fields}; numbers are written without thousands separators"


def _ends_with(path: Path, text: str) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        tail = file.read().rstrip(b"\r\n")
    return tail.endswith(text.encode("utf-8", "replace").rstrip(b"\r\n"))


def _encoding(path: Path, header: bytes) -> str:
    """utf-8 if the whole file decodes; else gb18030, if that gives a header we know; else LoadError."""
    for encoding in ("utf-8", "gb18030"):
        if not _decodes(path, encoding):
            continue
        names = header.decode(encoding).strip("\r\n\ufeff").replace('"', "").split(",")
        if encoding == "utf-8" or set(KEYS) <= {name.strip() for name in names}:
            return encoding
    raise LoadError(f"{path.name}: neither UTF-8 nor GB18030 text with a known header; save it as UTF-8")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 22):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _choose_columns(
    path: Path, names: list[str], extra: tuple[str, ...]
) -> tuple[list[str], tuple[str, ...]]:
    """Columns to read and columns to ignore; LoadError for a missing, repeated or misspelt one."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise LoadError(f"{path.name}: column {repeated[0]!r} appears more than once")
    missing = [name for name in (*KEYS, *REQUIRED) if name not in names]
    unknown = [name for name in names if name not in KNOWN and name not in extra]
    if missing:
        near = "".join(closest(name, unknown) for name in missing)
        has = ", ".join(names)[:300]
        raise LoadError(f"{path.name}: no column {', '.join(missing)}{near}; the file has {has}")
    for name in unknown:
        meant = [known for known in OPTIONAL if known not in names and _alike(name, known)]
        if meant:
            raise LoadError(f"{path.name}: unknown column {name!r}; rename it to {meant[0]!r}, or remove it")
    absent = [name for name in extra if name not in names]
    if absent:
        raise LoadError(f"{path.name}: no universe column {absent[0]!r}{closest(absent[0], names)}")
    return [name for name in names if name in KNOWN or name in extra], tuple(unknown)


def _alike(name: str, known: str) -> bool:
    plain = re.sub(r"[^a-z]", "", name.lower())
    return plain == known.replace("_", "")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


# -- columns --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Reader:
    path: Path
    first_line: int
    table: pa.Table

    def number(self, name: str) -> NDArray[np.float64]:
        """A column of numbers as float64; empty is NaN."""
        column = self._flat(name)
        if _is_text(column.type):
            column = pc.utf8_trim_whitespace(column.cast(pa.string()))
        try:
            numbers = column.cast(pa.float64(), safe=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            raise self._bad(name, "a number", _first_bad(column, _is_number)) from error
        return np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)

    def flag(self, name: str) -> NDArray[np.float64]:
        """A column of true/false (or 1/0) as 1.0 and 0.0; empty is 0."""
        column = self._flat(name).cast(pa.string())
        text = pc.utf8_lower(pc.fill_null(column, ""))
        true = pc.is_in(text, pa.array(_TRUE))
        known = pc.or_(true, pc.is_in(text, pa.array(_FALSE)))
        if not pc.all(known).as_py():
            raise self._bad(name, "true or false", _first_bad(column, lambda s: s.lower() in _TRUE + _FALSE))
        return np.asarray(true.to_numpy(zero_copy_only=False), dtype=np.float64)

    def text(self, name: str) -> Column:
        """A column of text or codes as categories."""
        column = self._flat(name)
        return _categories(column if _is_text(column.type) else column.cast(pa.string()))

    def symbols(self) -> Column:
        """Symbols as text: a number has already lost its leading zeros."""
        column = self._flat("symbol")
        if not _is_text(column.type):
            raise LoadError(
                f"{self.path.name}: symbols are stored as {column.type}, not as text: they lost their "
                f"leading zeros (000001 is not {column[0].as_py()!r}); write them as text"
            )
        return self._complete("symbol", _categories(column))

    def dates(self, name: str, required: bool = True) -> Column:
        """Dates as datetime64[D]: a date, a midnight, YYYY-MM-DD or YYYYMMDD; anything else is named."""
        column = self._flat(name)
        if pa.types.is_date(column.type):
            days = _categories(column.cast(pa.date32()))
        elif pa.types.is_timestamp(column.type):
            days = self._parsed(name, _categories(pc.strftime(column, format="%Y-%m-%d %H:%M:%S")))
        else:
            days = self._parsed(name, _categories(column.cast(pa.string())))
        return self._complete(name, days) if required else days

    def _flat(self, name: str) -> pa.Array:
        column = self.table.column(name).combine_chunks()
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

    def _parsed(self, name: str, raw: Column) -> Column:
        """Distinct texts as days; two spellings of one day become one."""
        days = np.empty(len(raw.values), dtype="datetime64[D]")
        for i, text in enumerate(raw.values):
            day = _day(str(text))
            if day is None:
                row = int((raw.codes == i).argmax())
                raise self._bad(name, "YYYY-MM-DD or YYYYMMDD", (row, str(text)))
            days[i] = day
        return _sorted(raw.codes, days)

    def _complete(self, name: str, column: Column) -> Column:
        if (column.codes < 0).any():
            raise self._bad(name, "a value in every row", (int((column.codes < 0).argmax()), ""))
        return column

    def _bad(self, name: str, expected: str, found: tuple[int, str]) -> LoadError:
        row, text = found
        place = _place(self.first_line, row)
        return LoadError(
            f"{self.path.name}: column {name!r}, {place}: got {text[:40]!r}, expected {expected}"
        )


def _categories(column: pa.Array) -> Column:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    elif column.dictionary.type != pa.string() and _is_text(column.type):
        column = column.cast(pa.dictionary(pa.int32(), pa.string()))
    codes = pc.fill_null(column.indices.cast(pa.int32()), -1).to_numpy(zero_copy_only=False)
    values = column.dictionary.to_numpy(zero_copy_only=False)
    days = pa.types.is_date(column.dictionary.type)
    return _sorted(codes, values.astype("datetime64[D]" if days else np.str_))


def _sorted(codes: NDArray[Any], values: NDArray[Any]) -> Column:
    """The same column with sorted, distinct values, each of them in use. Code -1 (empty) stays -1."""
    used = np.zeros(len(values) + 1, dtype=bool)
    used[codes] = True
    unique = np.unique(values[used[:-1]])
    return Column(np.append(np.searchsorted(unique, values), -1)[codes].astype(np.int32), unique)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _day(text: str) -> np.datetime64 | None:
    text = text.strip()
    if not any(form.fullmatch(text) for form in _DATE_FORMS):
        return None
    if len(text) == 8:
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    try:
        return np.datetime64(text[:10], "D")
    except ValueError:
        return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _first_bad(column: pa.Array, good: Any) -> tuple[int, str]:
    """Row and text of the first value that is not good; the column's type if no single one is to blame."""
    if not _is_text(column.type):
        return 0, str(column.type)
    for row, value in enumerate(column):
        text = value.as_py()
        if text is not None and not good(text):
            return row, text
    return 0, str(column.type)
