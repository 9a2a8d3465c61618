"""Files as columns of text or numbers: CSV and parquet, their encodings, caps, and folders of them.

Nothing here knows what a column means. Whoever asks says which header is a known one, which decides whether
bytes that are no UTF-8 are taken for GB18030.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from lib.errors import LoadError

MAX_BYTES: Final = 4 << 30
MAX_ROWS: Final = 30_000_000
MAX_FILES: Final = 100_000  # fifteen years of Tushare by day and table are 18,000
_HEADER_BYTES: Final = 1 << 20
_CHUNK: Final = 1 << 22

SUFFIXES: Final = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}
NULLS: Final = ["", "NaN", "nan", "NA", "N/A", "null", "NULL", "None", "<NA>"]

Names = Sequence[str]


@dataclass(frozen=True)
class Caps:
    """The most that is read: bytes and rows of everything together, files of a folder."""

    max_bytes: int = MAX_BYTES
    max_rows: int = MAX_ROWS
    max_files: int = MAX_FILES


@dataclass(frozen=True)
class Header:
    """What a file says before its first row: kind ("csv" or "parquet"), encoding, column names in order."""

    path: Path
    kind: str
    encoding: str
    names: tuple[str, ...]

    @property
    def first_line(self) -> int:
        """Number of row 0 in messages: line 2 of a CSV, row 1 of a parquet file."""
        return 2 if self.kind == "csv" else 1


def files_of(path: Path, caps: Caps) -> list[Path]:
    """The file itself, or every CSV and parquet file under a folder, sorted. Raises LoadError."""
    if not path.exists():
        raise LoadError(f"{path}: no such file")
    if path.is_file():
        files = [path]
    elif path.is_dir():
        files = sorted(_under(path))
    else:
        raise LoadError(f"{path}: not a file")
    if not files:
        raise LoadError(f"{path}: not a file, and a folder without any {', '.join(SUFFIXES)} file")
    if len(files) > caps.max_files:
        raise LoadError(f"{path.name}: {len(files):,} files, more than the cap of {caps.max_files:,}")
    _check_size(path, files, caps.max_bytes)
    return files


def _under(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.suffix.lower() in SUFFIXES and path.is_file():
            yield path


def _check_size(path: Path, files: list[Path], max_bytes: int) -> None:
    sizes = [file.stat().st_size for file in files]
    if 0 in sizes:
        raise LoadError(f"{files[sizes.index(0)].name}: the file is empty (0 bytes, no rows)")
    if sum(sizes) > max_bytes:
        raise LoadError(f"{path.name}: {sum(sizes):,} bytes, more than the cap of {max_bytes:,}")


def kind_of(path: Path) -> str:
    """ "parquet" or "csv", by the first bytes and the ending."""
    with path.open("rb") as file:
        magic = file.read(4)
    return "parquet" if magic == b"PAR1" else SUFFIXES.get(path.suffix.lower(), "csv")


def read_header(path: Path, known: Callable[[Names], bool], kind: str | None = None) -> Header:
    """Kind, encoding and column names of a file. Raises LoadError."""
    kind = kind or kind_of(path)
    if kind == "parquet":
        with _damage_is_named(path), pq.ParquetFile(path) as file:
            encoding, names = "parquet", list(file.schema_arrow.names)
    else:
        encoding, names = _csv_header(path, known)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise LoadError(f"{path.name}: column {repeated[0]!r} appears more than once")
    return Header(path, kind, encoding, tuple(names))


def read_columns(header: Header, wanted: Names, max_rows: int) -> pa.Table:
    """The wanted columns of a file; those of a CSV as text. Raises LoadError."""
    table = (_parquet if header.kind == "parquet" else _csv)(header, list(wanted), max_rows)
    if table.num_rows == 0:
        raise LoadError(f"{header.path.name}: no rows (only a header); expected one row per date and symbol")
    return table


# -- parquet --------------------------------------------------------------------------------------


class _damage_is_named:  # noqa: N801 - reads as a phrase in a with statement
    """pyarrow raises ArrowException, OSError, ValueError and more on damaged bytes: all become one LoadError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, LoadError):
            raise LoadError(
                f"{self.path.name}: the parquet file is truncated or damaged ({_one_line(error)}); fetch it again"
            ) from error


def _parquet(header: Header, wanted: list[str], max_rows: int) -> pa.Table:
    with _damage_is_named(header.path), pq.ParquetFile(header.path, page_checksum_verification=True) as file:
        _check_count(header.path, file.metadata.num_rows, max_rows)
        table = file.read(columns=wanted, use_threads=False)
        table.validate(full=True)
        return table.select(wanted)


def _check_count(path: Path, rows: int, max_rows: int) -> None:
    if rows > max_rows:
        raise LoadError(f"{path.name}: {rows:,} rows, more than the cap of {max_rows:,}")


# -- CSV ------------------------------------------------------------------------------------------


def _csv(header: Header, wanted: list[str], max_rows: int) -> pa.Table:
    path, trouble = header.path, list[pacsv.InvalidRow]()

    def remember(row: pacsv.InvalidRow) -> str:
        trouble.append(row)
        return "error"

    try:
        table = pacsv.read_csv(
            path,
            # one thread, for only then does an invalid row know its line
            pacsv.ReadOptions(
                use_threads=False, encoding=header.encoding, skip_rows=1, column_names=list(header.names)
            ),
            pacsv.ParseOptions(invalid_row_handler=remember, newlines_in_values=False),
            pacsv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                null_values=NULLS,
                strings_can_be_null=True,
            ),
        )
    except (pa.ArrowException, ValueError, OSError) as error:
        raise LoadError(_csv_trouble(path, trouble, len(header.names), error)) from error
    _check_count(path, table.num_rows, max_rows)
    _refuse_cut_row(header, table)
    return table


def unfinished(path: Path) -> int:
    """How many CSV files here end in the middle of a line: without a line break, as a copy does that was cut off."""
    files = [path] if path.is_file() else _under(path)
    return sum(kind_of(file) == "csv" and _ends_in_a_line(file) for file in files)


def _ends_in_a_line(path: Path) -> bool:
    return _last_bytes(path, 1) not in (b"\n", b"\r")


def _refuse_cut_row(header: Header, table: pa.Table) -> None:
    """A last line without a line break whose last field is empty, unlike the row above, was cut after a comma."""
    if table.num_rows < 2 or not _ends_in_a_line(header.path):
        return
    fields = [line.rpartition(b",")[2].strip() for line in _last_bytes(header.path, 65536).splitlines()]
    if len(fields) > 1 and fields[-2] and not fields[-1]:  # a line longer than that is left to other checks
        line = header.first_line + table.num_rows - 1
        raise LoadError(f"{header.path.name}: the file is truncated: line {line} ends after a comma")


def _last_bytes(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - count))
        return file.read()


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
    return _last_bytes(path, 4096).rstrip(b"\r\n").endswith(text.encode("utf-8", "replace").rstrip(b"\r\n"))


def _csv_header(path: Path, known: Callable[[Names], bool]) -> tuple[str, list[str]]:
    """utf-8 if the whole file decodes; else gb18030, if that gives a header we know; else LoadError."""
    with path.open("rb") as file:
        line = file.readline(_HEADER_BYTES)
    wrong_at = _first_undecodable(path, "utf-8")
    encoding = "utf-8" if wrong_at is None else "gb18030"
    if wrong_at is None or _first_undecodable(path, encoding) is None:
        text = line.decode(encoding, "replace").strip("\r\n\ufeff")
        names = [name.strip().strip('"').strip() for name in text.split(",")]
        if wrong_at is None or known(names):
            return encoding, names
    raise LoadError(
        f"{path.name}: not UTF-8 (line {_line_of(path, int(wrong_at or 0))}), nor GB18030 with a known header; "
        f"save it as UTF-8"
    )


def _first_undecodable(path: Path, encoding: str) -> int | None:
    """Place of the first byte that does not belong to the encoding; None if all do."""
    decoder, place = codecs.getincrementaldecoder(encoding)(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
                place += len(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return min(place + error.start, path.stat().st_size - 1)
    return None


def _line_of(path: Path, place: int) -> int:
    with path.open("rb") as file:
        return 1 + sum(file.read(min(_CHUNK, place - at)).count(b"\n") for at in range(0, place, _CHUNK))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
