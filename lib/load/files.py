"""Files as columns of text or numbers: CSV and parquet, their encodings, caps, and folders of them.

Nothing here knows what a column means. The caller says which header is a known one, which decides whether
bytes that are no UTF-8 are taken for GB18030.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from lib.errors import LoadError
from lib.load.containers import foreign, listed, unread

MAX_BYTES: Final = 4 << 30
MAX_ROWS: Final = 30_000_000
MAX_FILES: Final = 100_000  # fifteen years of Tushare by day and table are 18,000
_HEADER_BYTES: Final = 1 << 20
_SHORT: Final = "a value is missing, or one in quotes holds a line break"
_HEADER_LINES: Final = 20  # a name may hold line breaks if it is quoted; one that holds more is an open quote
_CHUNK: Final = 1 << 22
#: share of letters outside the 6,763 signs of GB2312; names of firms and industries hold a few
MAX_RARE: Final = 0.2

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
    """What a file says before its first row: kind ("csv" or "parquet"), encoding, column names in order.

    lines: how many lines of a CSV these names take.
    """

    path: Path
    kind: str
    encoding: str
    names: tuple[str, ...]
    lines: int = 1

    @property
    def first_line(self) -> int:
        """Number of row 0 in messages: line 2 of a CSV as a rule, row 1 of a parquet file."""
        return 1 + self.lines if self.kind == "csv" else 1

    @property
    def is_empty(self) -> bool:
        """Whether no column has a name: no bytes, blanks, or the "" that pandas writes for an empty table."""
        return not any(self.names)


def files_of(path: Path, caps: Caps) -> list[Path]:
    """The file itself, or every CSV and parquet file under a folder, sorted. Raises LoadError.

    An empty file is refused alone, and may lie in a folder.
    """
    if not path.exists():
        raise LoadError(f"{path}: no such file")
    if path.is_file():
        files = [path]
    elif path.is_dir():
        files = sorted(_under(path))
    else:
        raise LoadError(f"{path}: not a file")
    if not files:
        others = unread_in(path)
        instead = f"; it has {listed(others)}: unpack or convert them" if others else ""
        raise LoadError(f"{path}: not a file, and a folder without any {', '.join(SUFFIXES)} file{instead}")
    if len(files) > caps.max_files:
        raise LoadError(f"{path.name}: {len(files):,} files, more than the cap of {caps.max_files:,}")
    _check_size(path, files, caps.max_bytes)
    return files


def unread_in(folder: Path) -> dict[str, int]:
    """Files of a folder that may hold prices and are not read: ending -> count (archives, workbooks, pickles)."""
    return unread(_visible(folder)) if folder.is_dir() else {}


def _under(folder: Path) -> Iterator[Path]:
    return (path for path in _visible(folder) if path.suffix.lower() in SUFFIXES)


def _visible(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file():
            yield path


def _check_size(path: Path, files: list[Path], max_bytes: int) -> None:
    sizes = [file.stat().st_size for file in files]
    if sizes == [0]:
        raise LoadError(f"{files[0].name}: the file is empty (0 bytes, no rows)")
    if sum(sizes) > max_bytes:
        raise LoadError(f"{path.name}: {sum(sizes):,} bytes, more than the cap of {max_bytes:,}")


def kind_of(path: Path) -> str:
    """ "parquet" or "csv", by the first bytes and the ending."""
    return "parquet" if _is_parquet(path) else SUFFIXES.get(path.suffix.lower(), "csv")


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def read_header(path: Path, known: Callable[[Names], bool], kind: str | None = None) -> Header:
    """Kind, encoding and column names of a file. Raises LoadError, also for what is no file of prices at all."""
    kind = kind or kind_of(path)
    if path.stat().st_size == 0:
        return Header(path, kind, "utf-8", ())
    if not _is_parquet(path):
        _refuse_foreign(path, kind)
    if kind == "csv":
        return _csv_header(path, known)
    with _damage_is_named(path), pq.ParquetFile(path) as file:
        return Header(path, kind, "parquet", tuple(file.schema_arrow.names))


def _refuse_foreign(path: Path, kind: str) -> None:
    """Name a file for what it is, where that is neither CSV nor, as its name or the caller says, parquet."""
    if what := foreign(path):
        raise LoadError(f"{path.name}: {what}")
    if kind == "parquet":
        raise LoadError(f"{path.name}: no parquet file: it does not begin with PAR1; is it a CSV, or damaged?")


def read_columns(header: Header, wanted: Names, max_rows: int) -> pa.Table:
    """The wanted columns of a file, perhaps without a row; those of a CSV as text. Raises LoadError.

    A wanted name must stand for one column; a column that is not read may be called anything, also nothing.
    """
    repeated = sorted({name for name in wanted if header.names.count(name) > 1})
    if repeated:
        raise LoadError(f"{header.path.name}: column {repeated[0]!r} appears more than once")
    return (_parquet if header.kind == "parquet" else _csv)(header, list(wanted), max_rows)


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
                use_threads=False,
                encoding=header.encoding,
                skip_rows=header.lines,
                column_names=[name if name in wanted else f"\0{i}" for i, name in enumerate(header.names)],
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
        if _is_only_a_header(header):
            return pa.table({name: pa.array([], pa.string()) for name in wanted})
        raise LoadError(_csv_trouble(path, trouble, len(header.names), error)) from error
    _check_count(path, table.num_rows, max_rows)
    _refuse_cut_row(header, table)
    return table


def _is_only_a_header(header: Header) -> bool:
    """Whether nothing comes after the names, not even the end of their line."""
    with header.path.open("rb") as file:
        return len(file.read(_HEADER_BYTES).splitlines()) <= header.lines


def unfinished(path: Path) -> int:
    """How many CSV files here end in the middle of a line: without a line break, as a copy does that was cut off."""
    files = [path] if path.is_file() else _under(path)
    return sum(kind_of(file) == "csv" and _ends_in_a_line(file) for file in files if file.stat().st_size)


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
    if _is_a_remark(row.text) or (row.actual_columns == 1 and not row.text.isascii()):
        return f"{path.name}: {where} is a remark and no row: {_one_line(row.text)[:60]!r}; take it out"
    if row.actual_columns < expected:
        cut = _ends_with(path, row.text)
        return f"{path.name}: the file is truncated: {fields}" if cut else f"{path.name}: {fields}; {_SHORT}"
    if row.text.rstrip("\r\n").endswith(","):
        return f"{path.name}: {fields}; it ends with a comma more than the header"
    return f"{path.name}: {fields}; numbers are written without thousands separators"


def _is_a_remark(text: str) -> bool:
    """A line such as "#source: ...", or the end mark (Ctrl-Z) of an old program."""
    return text.lstrip().startswith(("#", "//")) or "\x1a" in text


def _ends_with(path: Path, text: str) -> bool:
    return _last_bytes(path, 4096).rstrip(b"\r\n").endswith(text.encode("utf-8", "replace").rstrip(b"\r\n"))


def _csv_header(path: Path, known: Callable[[Names], bool]) -> Header:
    """utf-8 if the whole file decodes; else gb18030, if that gives a header we know; else LoadError."""
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    wrong_at = _first_undecodable(path, "utf-8")
    encoding = "utf-8" if wrong_at is None else "gb18030"
    if wrong_at is None or _first_undecodable(path, encoding) is None:
        text = head.decode(encoding, "replace")
        names, lines = _names_in(path, text)
        if wrong_at is None or (known(names) and _is_chinese(text)):
            return Header(path, "csv", encoding, tuple(names), lines)
        if known(names):
            raise LoadError(
                f"{path.name}: not UTF-8 (line {_line_of(path, wrong_at)}), and its letters are no simplified Chinese "
                f"when read as GB18030 (is it Big5, or Latin-1?); save it as UTF-8"
            )
    raise LoadError(
        f"{path.name}: not UTF-8 (line {_line_of(path, int(wrong_at or 0))}), nor GB18030 with a known header; "
        f"save it as UTF-8"
    )


def _is_chinese(text: str) -> bool:
    """Whether its letters are those of simplified Chinese, as in GB18030; Big5 and Latin-1 read as that give rare ones.

    >>> _is_chinese("name,银行"), _is_chinese("銀行".encode("big5").decode("gb18030"))
    (True, False)
    """
    letters = [letter for letter in text if not letter.isascii()]
    usual = "".join(letters).encode("gb2312", "ignore").decode("gb2312")
    return len(letters) - len(usual) <= MAX_RARE * len(letters)


def _names_in(path: Path, text: str) -> tuple[list[str], int]:
    """Column names as RFC 4180 writes them (a quoted one may hold commas and line breaks), and the lines they take."""
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), skipinitialspace=True)
    try:
        names = next((record for record in reader if record), [])
    except csv.Error as error:
        raise LoadError(f"{path.name}: not a readable CSV: its header is no line of names ({error})") from None
    if reader.line_num > _HEADER_LINES:
        raise LoadError(
            f"{path.name}: not a readable CSV: its header goes on for {reader.line_num:,} lines (a quote left open?)"
        )
    return [name.strip() for name in names], reader.line_num


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


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
