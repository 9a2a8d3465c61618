"""What a file and a folder are before a row is read: headers, archives, empty files and tables of another kind."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import source_shapes as shapes
from source_shapes import STOCKS
from test_load_gaps import remarks, tushare
from test_load_sources import failure, true_reasons

from lib.load import load_panel

ROWS = shapes.market()
CSV = shapes.record(ROWS).to_csv(index=False)


def record(folder: Path, text: str) -> Path:
    path = folder / "record.csv"
    path.write_bytes(text.encode())
    return path


def akshare(folder: Path) -> Path:
    return shapes.write_akshare(ROWS, folder)


# -- headers --------------------------------------------------------------------------------------


def with_column(name: str, value: str, first: bool = False) -> str:
    """The record with one more column of text; name and value are written as given."""
    lines = CSV.splitlines()
    added = [name] + [value] * (len(lines) - 1)
    return "".join(f"{new},{line}\n" if first else f"{line},{new}\n" for new, line in zip(added, lines, strict=True))


HEADERS = {
    "a comma in quotes": with_column('"remark, free"', '"a, b"'),
    "a comma in quotes at first": with_column('"no, of row"', "7", first=True),
    "a line break in quotes": with_column('"remark\nof us"', "x"),
    "doubled quotes": with_column('"the ""name"""', "x"),
    "empty columns at the right": with_column(",", ","),
    "empty columns in front": with_column(",", "1,1", first=True),
    "two remarks of one name": with_column("note,note", "a,b"),
    "quotes around every name": '"' + CSV.replace("\n", '"\n', 1).replace(",", '","', CSV.split("\n")[0].count(",")),
    "a mark of the order of bytes and quotes": "\ufeff" + with_column('"a, b"', "1"),
    "blank lines above": "\n\n" + CSV,
    "lines that end in CR LF": with_column('"a, b"', "1").replace("\n", "\r\n"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_is_read_as_rfc_4180_writes_it(tmp_path: Path, case: str) -> None:
    panel = load_panel(record(tmp_path, HEADERS[case]))
    np.testing.assert_array_equal(panel.reasons, true_reasons())


def test_lines_are_counted_past_a_header_of_two(tmp_path: Path) -> None:
    text = with_column('"remark\nof us"', "x").replace(shapes.DAYS[0], "2024-1-2", 1)
    assert "column 'date', line 3: got '2024-1-2'" in failure(record(tmp_path, text))
    text = text.replace(f"\n{shapes.DAYS[2]}", "\n1,", 1)
    assert "line 5 has 15 fields, expected 14" in failure(record(tmp_path, text))


def test_a_column_that_is_read_must_be_there_once(tmp_path: Path) -> None:
    text = with_column("close", "1")
    assert "'close' appears more than once" in failure(record(tmp_path, text))


def test_a_quote_left_open_is_named(tmp_path: Path) -> None:
    assert "a quote left open?" in failure(record(tmp_path, CSV.replace("date", '"date', 1)))


def test_a_line_with_another_number_of_fields_gets_its_true_reason(tmp_path: Path) -> None:
    lines = CSV.splitlines()
    longer = [lines[0], *(line + "," for line in lines[1:])]
    assert "it ends with a comma more than the header" in failure(record(tmp_path, "\n".join(longer)))
    shorter = [*lines[:5], lines[5].rpartition(",")[0], *lines[6:]]
    message = failure(record(tmp_path, "\n".join(shorter) + "\n"))
    assert "line 6 has" in message and "a value is missing" in message and "thousands" not in message


# -- files of another kind ------------------------------------------------------------------------


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("prices.csv", CSV)


def workbook(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")


def arrays(path: Path) -> None:
    with path.open("wb") as stream:
        np.savez(stream, close=np.ones(3))


def database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table prices (close real)")
    connection.commit()
    connection.close()


FOREIGN: dict[str, tuple[Callable[[Path], object], str]] = {
    "gzip": (lambda p: p.write_bytes(gzip.compress(CSV.encode())), "a gzip archive, not CSV or parquet; unpack it"),
    "bzip2": (lambda p: p.write_bytes(bz2.compress(CSV.encode())), "a bzip2 archive"),
    "xz": (lambda p: p.write_bytes(lzma.compress(CSV.encode())), "an xz archive"),
    "zip": (zipped, "a zip archive (prices.csv)"),
    "half a zip": (lambda p: p.write_bytes(b"PK\x03\x04 cut"), "a damaged zip archive"),
    "xlsx": (workbook, "an Excel workbook (.xlsx), not CSV or parquet; save the sheet as CSV (UTF-8)"),
    "xls": (lambda p: p.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)), "an Excel workbook (.xls)"),
    "feather": (shapes.record(ROWS).to_feather, "a Feather file"),
    "npz": (arrays, "a NumPy archive"),
    "pickle": (lambda p: p.write_bytes(pickle.dumps([1.0])), "a Python pickle: never read"),
    "database": (database, "an SQLite database"),
    "UTF-16": (lambda p: p.write_bytes(CSV.encode("utf-16")), "UTF-16 text, not CSV or parquet; save it as UTF-8"),
    "UTF-16 without a mark": (lambda p: p.write_bytes(CSV.encode("utf-16-be")), "UTF-16 text"),
    "JSON": (lambda p: p.write_text(shapes.record(ROWS).head().to_json(orient="records")), "JSON"),
    "a page": (lambda p: p.write_text("<!DOCTYPE html><p>404</p>"), "an HTML or XML page"),
    "a page with a mark": (lambda p: p.write_bytes(b"\xef\xbb\xbf<html><p>404</p>"), "an HTML or XML page"),
    "a page from its head on": (lambda p: p.write_text("\n<head><title>404</title>"), "an HTML or XML page"),
    "a page from a remark on": (lambda p: p.write_text("<!-- cached --><p>404</p>"), "an HTML or XML page"),
    "JSON with a mark": (lambda p: p.write_bytes(b'\xef\xbb\xbf[{"date": 1}]'), "JSON"),
    "an error": (lambda p: p.write_text("404: Not Found"), "the error message of a server"),
    "a refusal": (lambda p: p.write_text("Too Many Requests\n"), "the error message of a server"),
    "a pointer": (lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0"), "Git LFS"),
    "bytes": (lambda p: p.write_bytes(bytes(range(1, 256)) * 9 + b"\x00"), "a binary file of no known kind"),
}  # fmt: skip


@pytest.mark.parametrize("name", ["record.csv", "record.parquet", "record"])
@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_another_kind_is_refused_for_what_it_is(tmp_path: Path, kind: str, name: str) -> None:
    write, words = FOREIGN[kind]
    write(tmp_path / name)
    message = failure(tmp_path / name)
    assert words in message
    assert "GB18030" not in message


def test_a_csv_called_parquet_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "record.parquet"
    path.write_text(CSV)
    assert "no parquet file: it does not begin with PAR1" in failure(path)


def test_a_folder_of_archives_says_which(tmp_path: Path) -> None:
    for stock in STOCKS:
        (tmp_path / f"{stock}.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    workbook(tmp_path / "all.xlsx")
    assert "it has 4 .gz, 1 .xlsx: unpack or convert them" in failure(tmp_path)


def test_archives_beside_the_prices_are_counted(tmp_path: Path) -> None:
    path = akshare(tmp_path)
    (path / "300001.csv.gz").write_bytes(gzip.compress(b"x"))
    assert "not read: 1 .gz files" in remarks(load_panel(path))


# -- letters and remarks ----------------------------------------------------------------------------


@pytest.mark.parametrize(("encoding", "industry"), [("big5", "電子"), ("big5", "醫藥生物"), ("latin-1", "Müller")])
def test_other_encodings_are_not_read_as_gb18030(tmp_path: Path, encoding: str, industry: str) -> None:
    shapes.record(ROWS).assign(industry=industry).to_csv(tmp_path / "a.csv", index=False, encoding=encoding)
    assert "not UTF-8 (line 2)" in failure(tmp_path / "a.csv") and "save it as UTF-8" in failure(tmp_path / "a.csv")


def test_rare_letters_among_others_are_gb18030(tmp_path: Path) -> None:
    frame = shapes.record(ROWS).assign(industry="银行与电子设备堃")
    frame.to_csv(tmp_path / "a.csv", index=False, encoding="gb18030")
    assert load_panel(tmp_path / "a.csv").fields["industry"][0, 0] == "银行与电子设备堃"


@pytest.mark.parametrize("line", ["#数据来源:通达信", "数据来源:通达信", "# a, b", "\x1a"])
def test_a_remark_below_the_rows_is_called_one(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.csv").write_text(shapes.record(ROWS).to_csv(index=False) + line + "\n", encoding="utf-8")
    message = failure(tmp_path / "a.csv")
    assert "is a remark and no row" in message and "truncated" not in message and "line 118" in message


def test_wide_digits_are_named_with_their_line(tmp_path: Path) -> None:
    frame = shapes.record(ROWS).astype({"close": str})
    frame.loc[3, "close"] = "１０.５"
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert "column 'close', line 5: got '１０.５', expected a number" in failure(tmp_path / "a.csv")


# -- folders --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "empty"), (b"\n", "empty"), (b"\xef\xbb\xbf", "empty"), (b'""\n', "empty"), (b",,\n", "empty"),
     ("日期,股票代码,开盘,收盘,最高,最低,成交量,成交额\n".encode(), "only a header"),
     ("日期,股票代码,开盘,收盘,最高,最低,成交量,成交额".encode(), "only a header")],
)  # fmt: skip
def test_a_stock_without_a_day_is_skipped_and_counted(tmp_path: Path, content: bytes, why: str) -> None:
    path = akshare(tmp_path)
    (path / "600009.csv").write_bytes(content)
    panel = load_panel(path)
    assert panel.symbols.tolist() == list(STOCKS)
    assert panel.notes["skipped_files"] == {"600009.csv": why}
    assert f"1 files skipped: 600009.csv ({why})" in remarks(panel)


@pytest.mark.parametrize("content", [b"404: Not Found", b"<head><title>404</title>", b"\xef\xbb\xbf[{}, {}]"])
def test_an_answer_that_is_no_table_is_not_skipped(tmp_path: Path, content: bytes) -> None:
    path = akshare(tmp_path)
    (path / "600009.csv").write_bytes(content)
    assert "600009.csv: " in failure(path) and "not CSV or parquet" in failure(path)


def test_an_empty_parquet_file_is_skipped_too(tmp_path: Path) -> None:
    shapes.write_akshare_parquet(ROWS, tmp_path)
    pd.DataFrame().to_parquet(tmp_path / "600008.parquet")
    shapes.history(ROWS).iloc[:0].to_parquet(tmp_path / "600009.parquet")
    assert load_panel(tmp_path).notes["skipped_files"] == {"600008.parquet": "empty", "600009.parquet": "only a header"}


OTHER_TABLES = {
    "stocks.csv": "code,name\n600000,x\n",
    "calendar.csv": "date\n2024-01-02\n",
    "members.csv": "date,symbol,in_index\n2024-01-02,600000,1\n",
    "moneyflow.csv": "ts_code,trade_date,buy_sm_vol\n600000.SH,20240102,1\n",
    "basic.csv": "ts_code,list_date,industry\n600000.SH,19991110,bank\n",
}


@pytest.mark.parametrize("name", OTHER_TABLES)
@pytest.mark.parametrize("write", [shapes.write_akshare, shapes.write_baostock, shapes.write_qlib])
def test_a_table_of_another_kind_beside_the_prices_is_skipped_and_counted(
    tmp_path: Path, name: str, write: Callable[[list[shapes.Row], Path], Path]
) -> None:
    path = write(ROWS, tmp_path)
    path = path if path.is_dir() else path.parent
    (path / name).write_text(OTHER_TABLES[name])
    panel = load_panel(path)
    assert panel.symbols.tolist() == list(STOCKS)
    assert list(panel.notes["skipped_files"]) == [name]


def test_a_table_of_tushare_that_nobody_reads_is_skipped(tmp_path: Path) -> None:
    path = tushare(tmp_path)
    (path / "moneyflow.csv").write_text(OTHER_TABLES["moneyflow.csv"])
    assert load_panel(path).notes["skipped_files"] == {"moneyflow.csv": "no table of daily prices"}


def test_a_list_of_stocks_in_chinese_bytes_is_skipped(tmp_path: Path) -> None:
    path = akshare(tmp_path)
    (path / "stocks.csv").write_bytes("代码,名称\n600000,浦发银行\n".encode("gb18030"))
    assert load_panel(path).notes["skipped_files"] == {"stocks.csv": "no table of daily prices"}


def test_prices_under_other_names_are_not_skipped(tmp_path: Path) -> None:
    path = akshare(tmp_path)
    (path / "other.csv").write_text("Day,Ticker,Open,Close\n2024-01-02,600000,1,1\n")
    message = failure(path)
    assert "other.csv holds prices under names of no known source" in message
    assert "AkShare stock_zh_a_hist" in message


def test_a_folder_of_nothing_but_empty_files_has_no_rows(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(b"")
    assert "no rows (all files are empty)" in failure(tmp_path)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(CSV.split("\n")[0] + "\n")
    assert "no rows (only a header)" in failure(tmp_path)
