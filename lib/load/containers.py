"""What a file is that is neither CSV nor parquet, told by its first bytes: refused by its own name, with what to do.

Nothing is unpacked here: an archive may hold any number of files of any size, and a pickle can run code.
"""

from __future__ import annotations

import codecs
import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_UNPACK: Final = "unpack it first"
_SAVE: Final = "save the sheet as CSV (UTF-8)"
_WRITE: Final = "write the table as parquet or CSV"
_UTF8: Final = "save it as UTF-8"

#: first bytes -> what begins with them, and what to do
_MAGIC: Final = (
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (b"\x04\x22\x4d\x18", "an lz4 archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!", "a rar archive", _UNPACK),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook (.xls)", _SAVE),
    (b"ARROW1", "a Feather file (Arrow)", _WRITE),
    (b"FEA1", "a Feather file (version 1)", _WRITE),
    (b"\xff\xff\xff\xff", "an Arrow stream", _WRITE),
    (b"PARE", "an encrypted parquet file", "write it without encryption"),
    (b"\x89HDF", "an HDF5 file", _WRITE),
    (b"ORC", "an ORC file", _WRITE),
    (b"Obj\x01", "an Avro file", _WRITE),
    (b"\x93NUMPY", "a NumPy array", _WRITE),
    (b"SQLite format 3", "an SQLite database", _WRITE),
    (b"<stata_dta>", "a Stata file", _WRITE),
    (b"MATLAB 5.0", "a MATLAB file", _WRITE),
    (b"RDX", "an R data file", _WRITE),
    (b"%PDF", "a PDF document", _WRITE),
    (b"\x89PNG", "a picture", _WRITE),
    (b"\xff\xfe\x00\x00", "UTF-32 text", _UTF8),
    (b"\x00\x00\xfe\xff", "UTF-32 text", _UTF8),
    (b"\xff\xfe", "UTF-16 text", _UTF8),
    (b"\xfe\xff", "UTF-16 text", _UTF8),
    (b"version https://git-lfs", "a Git LFS pointer without its content", "fetch it with git lfs pull"),
)
_TEXTS: Final = (
    (re.compile(rb"\s*[\[{]\s*([\[{]|\"[^\"]*\"\s*[:,\]])"), "JSON", _WRITE),
    (re.compile(rb"\s*<(!doctype|!--|html|head|body|meta|title|script|div|table|\?xml)", re.IGNORECASE),
     "an HTML or XML page", _WRITE),
    (re.compile(rb"\s*([45]\d\d\s*[:-]?\s*[a-z]|(not found|forbidden|unauthorized|too many requests|bad gateway|"
                rb"internal server error|service unavailable)\b)", re.IGNORECASE),
     "the error message of a server", "fetch it again"),
)  # fmt: skip
#: what a zip archive is, by a name in it
_ZIPPED: Final = (
    ("xl/", "an Excel workbook (.xlsx)", _SAVE),
    ("content.xml", "an OpenDocument workbook", _SAVE),
    (".npy", "a NumPy archive", _WRITE),
    ("data.pkl", "a saved torch object: never read, for a pickle can run code", _WRITE),
)
#: endings of files that may hold prices and are not read
ENDINGS: Final = frozenset((
    ".gz", ".tgz", ".bz2", ".xz", ".zst", ".lz4", ".zip", ".7z", ".rar", ".tar",
    ".feather", ".ftr", ".arrow", ".ipc", ".orc", ".avro", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods",
    ".pkl", ".pickle", ".h5", ".hdf", ".hdf5", ".npz", ".npy", ".db", ".sqlite", ".sqlite3", ".dta", ".mat",
    ".rds", ".rdata",
))  # fmt: skip
_HEAD: Final = 4096


def foreign(path: Path) -> str | None:
    """What a file is and what to do with it, such as "a gzip archive; unpack it first"; None if it may be CSV."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    found = _by_first_bytes(path, head)
    return None if found is None else f"{found[0]}, not CSV or parquet; {found[1]}"


def _by_first_bytes(path: Path, head: bytes) -> tuple[str, str] | None:
    if head[:2] == b"PK":
        return _zipped(path)
    for magic, what, remedy in _MAGIC:
        if head.startswith(magic):
            return what, remedy
    if re.match(rb"\x80[\x02-\x05]", head):
        return "a Python pickle: never read, for it can run code", _WRITE
    if head[257:262] == b"ustar":
        return "a tar archive", _UNPACK
    text = head.removeprefix(codecs.BOM_UTF8)
    for form, what, remedy in _TEXTS:
        if form.match(text):
            return what, remedy
    return _with_zeros(head) if b"\x00" in head else None


def _zipped(path: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "a damaged zip archive", "fetch it again"
    for mark, what, remedy in _ZIPPED:
        if any(name.startswith(mark) or name.endswith(mark) for name in names):
            return what, remedy
    return f"a zip archive ({', '.join(names[:3])[:100] or 'empty'})", _UNPACK


def _with_zeros(head: bytes) -> tuple[str, str]:
    """Text never holds a zero byte, but UTF-16 without a mark has one in every second place."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > 0.4 * (len(head) // 2) and min(even, odd) < 0.05 * len(head):
        return "UTF-16 text", _UTF8
    return "a binary file of no known kind", _WRITE


def unread(paths: Iterable[Path]) -> dict[str, int]:
    """How many files of each ending may hold prices and are not read: {".gz": 12}."""
    return dict(Counter(path.suffix.lower() for path in paths if path.suffix.lower() in ENDINGS))


def listed(counts: dict[str, int]) -> str:
    """Counts of endings in words.

    >>> listed({".gz": 12, ".xlsx": 1})
    '12 .gz, 1 .xlsx'
    """
    return ", ".join(f"{count:,} {ending}" for ending, count in sorted(counts.items()))
