"""Ways in which a file of prices goes wrong: bytes, cells, rows, columns, encodings, whole files."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

Rng = np.random.Generator
Files = dict[str, bytes]

JUNK = (
    "", " ", "-", "--", "abc", "停牌", "1,234.5", "1e400", "-1e308", "1e300", "1e-320", "inf", "-inf", "nan", "NULL",
    "0", "-0.0", "-5", "99999999999999999999", "0x1F", "1_000", "１２.５", "true", "1;2", '"', "'", "\x00", "<script>",
    "=1+1", "2024-01-02", "1.234567890123456789", "\u202e12", "۱۲",
)  # fmt: skip
DATES = (
    "2024-1-2", "02/01/2024", "2024/01/02", "20240102", "2024-01-02 00:00:00", "2024-01-02 09:30:00", "2024-02-30",
    "0000-00-00", "9999-12-31", "20241301", "45293", "2024年1月2日", "Jan 2, 2024", "", "NaT", "1e9", "２０２４-01-02",
    "00010101",
)  # fmt: skip
SYMBOLS = (
    "1", "600000", "000001", "SH600000", "600000.SH", "sh.600000", "600000.XSHG", "AAPL", "", "00000１", "60000",
    "SH600000.SZ", "999999", "<b>600000</b>", "６０００００", "000001.SZ ", "\u0660\u0661\u0662\u0663\u0664\u0665",
)  # fmt: skip
ENCODINGS = ("utf-16", "gb18030", "latin-1", "utf-8-sig", "utf-32", "cp1252", "shift_jis")


def mutate(files: Files, rng: Rng) -> Files:
    """One to three mutations of a file or folder."""
    for _ in range(rng.integers(1, 4)):
        if files:
            files = KINDS[rng.integers(len(KINDS))](files, rng)
    return files


def _one(files: Files, rng: Rng, change: Callable[[str, bytes], bytes]) -> Files:
    name = sorted(files)[rng.integers(len(files))]
    return files | {name: change(name, files[name])}


# -- bytes ----------------------------------------------------------------------------------------


def flip(files: Files, rng: Rng) -> Files:
    def change(_: str, content: bytes) -> bytes:
        data = bytearray(content)
        for at in rng.integers(0, max(1, len(data)), rng.integers(1, 5)):
            if data:
                data[at] = rng.integers(0, 256)
        return bytes(data)

    return _one(files, rng, change)


def truncate(files: Files, rng: Rng) -> Files:
    return _one(files, rng, lambda _, content: content[: rng.integers(0, len(content) + 1)])


def cut_out_or_repeat(files: Files, rng: Rng) -> Files:
    def change(_: str, content: bytes) -> bytes:
        start, stop = np.sort(rng.integers(0, len(content) + 1, 2))
        stop = min(stop, start + 200)
        return content[:start] + content[start:stop] * (2 * int(rng.integers(2))) + content[stop:]

    return _one(files, rng, change)


def noise(files: Files, rng: Rng) -> Files:
    def change(_: str, content: bytes) -> bytes:
        at = int(rng.integers(0, len(content) + 1))
        return content[:at] + rng.bytes(int(rng.integers(1, 20))) + content[at:]

    return _one(files, rng, change)


# -- tables ---------------------------------------------------------------------------------------


def table(files: Files, rng: Rng) -> Files:
    """Cells, rows, columns or types of a CSV or parquet file; bins and text files are flipped instead."""
    names = [name for name in sorted(files) if name.endswith((".csv", ".parquet"))]
    if not names:
        return numbers_of_a_bin(files, rng)
    name = names[rng.integers(len(names))]
    try:
        frame = _frame(name, files[name])
    except Exception:  # an earlier mutation made it unreadable: then this one has nothing to change
        return files
    if not len(frame) or not len(frame.columns):
        return files
    frame = TABLE_CHANGES[rng.integers(len(TABLE_CHANGES))](frame, rng)
    return files | {name: _content(name, frame, rng)}


def _frame(name: str, content: bytes) -> pd.DataFrame:
    if name.endswith(".parquet"):
        return pd.read_parquet(io.BytesIO(content))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030")
    return pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)


def _content(name: str, frame: pd.DataFrame, rng: Rng) -> bytes:
    out = io.BytesIO()
    if name.endswith(".parquet"):
        try:
            frame.to_parquet(out, index=False)
        except Exception:  # a column of mixed types, or a repeated name
            out = io.BytesIO()
            frame.loc[:, ~frame.columns.duplicated()].astype(str).to_parquet(out, index=False)
        return out.getvalue()
    separator = ";" if rng.random() < 0.03 else ","
    return frame.to_csv(index=bool(rng.random() < 0.05), sep=separator).encode("utf-8")


def _column(frame: pd.DataFrame, rng: Rng) -> int:
    return int(rng.integers(len(frame.columns)))


def _some_cells(frame: pd.DataFrame, rng: Rng, values: tuple[object, ...], column: int) -> pd.DataFrame:
    name = frame.columns[column]
    own = frame.iloc[:, column].astype(object).to_numpy(copy=True)
    share = (1 / len(own), 0.1, 0.5, 1.0)[rng.integers(4)]
    for row in np.flatnonzero(rng.random(len(own)) < share):
        own[row] = values[rng.integers(len(values))]
    frame = frame.loc[:, ~frame.columns.duplicated()].copy()
    frame[name] = own
    return frame


def junk_cells(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return _some_cells(frame, rng, (JUNK[rng.integers(len(JUNK))],), _column(frame, rng))


def empty_cells(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return _some_cells(frame, rng, ("", None), _column(frame, rng))


def other_dates(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return _some_cells(frame, rng, (DATES[rng.integers(len(DATES))],), _key(frame, ("date", "日期", "trade_date"), rng))


def other_symbols(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    keys = ("symbol", "股票代码", "ts_code", "code")
    return _some_cells(frame, rng, (SYMBOLS[rng.integers(len(SYMBOLS))],), _key(frame, keys, rng))


def _key(frame: pd.DataFrame, names: tuple[str, ...], rng: Rng) -> int:
    return next((i for i, name in enumerate(frame.columns) if name in names), _column(frame, rng))


def other_units(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    column, factor = _column(frame, rng), (0.01, 0.1, 0.001, 1e-4, 10, 100, 1000, 1e4, 1.37, -1, 1e12)[rng.integers(11)]
    name = frame.columns[column]
    frame = frame.loc[:, ~frame.columns.duplicated()].copy()
    numbers = pd.to_numeric(frame[name].astype(str), errors="coerce")
    changed = numbers * factor
    frame[name] = changed.map(repr) if not pd.api.types.is_numeric_dtype(frame[name]) else changed
    return frame


def adjusted(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """All prices times a factor, perhaps rounded."""
    frame, factor, digits = frame.copy(), rng.uniform(0.2, 5), int(rng.integers(2, 6))
    for name in ("open", "high", "low", "close", "开盘", "收盘", "最高", "最低"):
        if name in frame.columns:
            frame[name] = (pd.to_numeric(frame[name].astype(str), errors="coerce") * factor).round(digits)
    return frame


def drop_rows(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return frame[rng.random(len(frame)) < rng.choice([0.02, 0.5, 0.97])]


def repeat_rows(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return pd.concat([frame, frame.iloc[rng.integers(0, len(frame), rng.integers(1, 4))]])


def shuffle_rows(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return frame.iloc[rng.permutation(len(frame))]


def drop_column(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return frame.drop(columns=frame.columns[_column(frame, rng)])


def repeat_column(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    extra = frame.iloc[:, [_column(frame, rng)]]
    return pd.concat([frame, extra if rng.random() < 0.5 else extra.add_suffix("_2")], axis=1)


def shuffle_columns(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return frame.iloc[:, rng.permutation(len(frame.columns))]


def swap_names(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    names = list(frame.columns)
    i, j = _column(frame, rng), _column(frame, rng)
    names[i], names[j] = names[j], names[i]
    return frame.set_axis(names, axis=1)


def rename_column(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    names, i = list(frame.columns), _column(frame, rng)
    other = str(names[i])
    names[i] = (other.upper(), other + " ", other[:-1], "factor", "Unnamed: 0", "ts_code", "日期", "", "a\nb")[
        rng.integers(9)
    ]
    return frame.set_axis(names, axis=1)


def other_type(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Matters for parquet: categories, text, 32 bits, times of a zone, whole numbers, lists."""
    frame = frame.loc[:, ~frame.columns.duplicated()].copy()
    name = frame.columns[_column(frame, rng)]
    choices: tuple[Callable[[pd.Series], object], ...] = (
        lambda s: s.astype("category"), lambda s: s.astype(str), lambda s: pd.to_numeric(s).astype("float32"),
        lambda s: _days(s).dt.tz_localize("Asia/Shanghai"), lambda s: _days(s),
        lambda s: pd.to_numeric(s).astype("int32"), lambda s: [[1]] * len(s), lambda s: s.astype(bool),
        lambda s: s.astype(str).str.encode("utf-8"), lambda s: [None] * len(s),
    )  # fmt: skip
    try:
        frame[name] = choices[rng.integers(len(choices))](frame[name])
    except (ValueError, TypeError):
        return frame
    return frame


def _days(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column.astype(str), format="%Y-%m-%d")


TABLE_CHANGES = (
    junk_cells, junk_cells, junk_cells, empty_cells, empty_cells, other_dates, other_symbols, other_units, other_units,
    adjusted, drop_rows, repeat_rows, shuffle_rows, drop_column, repeat_column, shuffle_columns, swap_names,
    rename_column, other_type, other_type,
)  # fmt: skip


def numbers_of_a_bin(files: Files, rng: Rng) -> Files:
    """Values of a Qlib bin: NaN, infinity, zero, huge, negative; or another start."""
    names = [name for name in sorted(files) if name.endswith(".bin")]
    if not names:
        return flip(files, rng)
    name = names[rng.integers(len(names))]
    values = np.frombuffer(files[name][: len(files[name]) // 4 * 4], dtype="<f4").copy()
    if len(values):
        at = 0 if rng.random() < 0.2 else slice(None) if rng.random() < 0.2 else rng.integers(len(values))
        values[at] = rng.choice(np.array([np.nan, np.inf, 0, -1, 1e30, 1e-40, 3, 2.5], dtype=np.float32))
    return files | {name: values.tobytes()}


# -- text and files -------------------------------------------------------------------------------


def encode(files: Files, rng: Rng) -> Files:
    def change(name: str, content: bytes) -> bytes:
        if name.endswith((".parquet", ".bin")):
            return content
        text = content.decode("utf-8", "replace")
        return text.encode(ENCODINGS[rng.integers(len(ENCODINGS))], "replace")

    return _one(files, rng, change)


def line_ends(files: Files, rng: Rng) -> Files:
    def change(name: str, content: bytes) -> bytes:
        if name.endswith((".parquet", ".bin")):
            return content
        pairs = (
            (b"\n", b"\r\n"),
            (b"\n", b"\r"),
            (b"\n", b"\n\n"),
            (b",", b"\t"),
            (b",", b", "),
            (b"\n", b",\n"),
            (b'"', b""),
        )
        return content.replace(*pairs[rng.integers(len(pairs))])

    return _one(files, rng, change)


def lose_a_file(files: Files, rng: Rng) -> Files:
    name = sorted(files)[rng.integers(len(files))]
    return {other: content for other, content in files.items() if other != name} if len(files) > 1 else files


def another_file(files: Files, rng: Rng) -> Files:
    """A copy under another name, an empty file, a file of another kind."""
    name = sorted(files)[rng.integers(len(files))]
    path = Path(name)
    other = str(path.with_name(f"copy_{path.name}"))
    content = (files[name], b"", b"date,symbol\n", b"PAR1" + files[name])[rng.integers(4)]
    return files | {other: content}


KINDS: tuple[Callable[[Files, Rng], Files], ...] = (
    flip, truncate, cut_out_or_repeat, noise, *[table] * 10, encode, line_ends, lose_a_file, another_file,
)  # fmt: skip
