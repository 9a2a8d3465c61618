"""The exchange that a file's name marks, in the marks of every vendor; an unknown mark is refused, not overlooked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lib.errors import LoadError
from lib.load import load_panel
from lib.load.keys import MARKS, spell, symbol_of_file

SHANGHAI = ("SH", "SS", "XSHG", "SSE", "SHSE", "SHG")
SHENZHEN = ("SZ", "XSHE", "SZSE", "SHE")
BEIJING = ("BJ", "BSE", "BJSE", "XBSE")


def symbol(name: str) -> str:
    return symbol_of_file(Path(name))


@pytest.mark.parametrize(("marks", "wanted"), [(SHANGHAI, "SH000001"), (SHENZHEN, "SZ000001"), (BEIJING, "BJ430047")])
def test_every_mark_stands_before_or_behind_the_code(marks: tuple[str, ...], wanted: str) -> None:
    code = wanted[2:]
    for mark in marks:
        for written in (mark, mark.lower()):
            for name in (f"{code}.{written}", f"{written}.{code}", f"{written}_{code}", f"{code}_{written}",
                         f"{code}-{written}", f"{written}{code}", f"{code}{written}", f"daily_{code}.{written}_qfq",
                         f"2024.{code}.{written}.daily"):  # fmt: skip
                assert symbol(f"{name}.csv") == wanted, name
    assert set(MARKS) == {*SHANGHAI, *SHENZHEN, *BEIJING}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("1.000001.csv", "SH000001"), ("0.000001.csv", "SZ000001"), ("1.600000.parquet", "SH600000"),
        ("0.300750.csv", "SZ300750"), ("0.920002.csv", "BJ920002"), ("0.430047.csv", "BJ430047"),
        ("1.000300.csv", "SH000300"), ("0.399006.csv", "SZ399006"),
    ],
)  # fmt: skip
def test_numbers_of_eastmoney(name: str, wanted: str) -> None:
    assert symbol(name) == wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("000001.csv", "SZ000001"), ("000001_daily.csv", "SZ000001"), ("stock-600000.csv", "SH600000"),
        ("600000.DAILY.csv", "SH600000"), ("600000.day.csv", "SH600000"), ("920002.csv", "BJ920002"),
        ("12_000001.csv", "SZ000001"), ("sz000001_000001.XSHE.csv", "SZ000001"),
    ],
)  # fmt: skip
def test_a_name_without_a_mark_goes_by_the_code(name: str, wanted: str) -> None:
    assert symbol(name) == wanted


def test_the_folder_may_mark_the_exchange() -> None:
    assert symbol("sh/000001.csv") == "SH000001" and symbol("XSHE/000001.csv") == "SZ000001"
    assert symbol("sh/sz000001.csv") == "SZ000001", "the name goes before the folder"
    assert symbol("sh/300750.csv") == "SZ300750", "no such code is known in Shanghai"


@pytest.mark.parametrize(
    "name", ["000001.KS.csv", "600000.HK.csv", "000001.XTAI.csv", "NASDAQ.000001.csv", "000001.US.csv"]
)
def test_a_mark_of_no_known_exchange_is_refused(name: str) -> None:
    with pytest.raises(LoadError, match=r"marks no exchange that is known; name the file by its symbol"):
        symbol(name)


@pytest.mark.parametrize("name", ["600000.hk.csv", "000001.of.csv", "us.000001.csv"])
def test_a_mark_of_no_a_share_is_refused_in_small_letters(name: str) -> None:
    with pytest.raises(LoadError, match=r"marks no exchange that is known"):
        symbol(name)


@pytest.mark.parametrize(
    "name", ["SH300750.csv", "300750.SH.csv", "1.300750.csv", "0.600000.csv", "600000.SZ.csv", "BJ000001.csv"]
)
def test_a_share_of_another_exchange_is_refused(name: str) -> None:
    with pytest.raises(LoadError, match=r"is a code of S[HZ], marked as"):
        symbol(name)


@pytest.mark.parametrize("given", ["SH300750", "300750.SH", "600000.XSHE", "sz.688001"])
def test_a_symbol_marked_as_one_of_another_exchange_is_refused_with_its_line(tmp_path: Path, given: str) -> None:
    assert spell(given) is None
    table = pd.DataFrame({"date": ["2024-01-02"], "code": [given], "preclose": [10.0]})
    table = table.assign(**dict.fromkeys(("open", "high", "low", "close"), 10.0), volume=100)
    table.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(LoadError, match=r"\(line 2\) has the code of a share of S[HZ], marked as"):
        load_panel(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("sh_index/000001.csv", "SH000001"), ("SH/day/000001.csv", "SH000001"), ("上海/000001.csv", "SH000001"),
        ("上证指数/000001.csv", "SH000001"), ("sz/index/000001.csv", "SZ000001"), ("index/600000.csv", "SH600000"),
        ("csi300_index/000001.csv", "SZ000001"), ("sh_sz/000001.csv", "SZ000001"), ("sz50/600000.csv", "SH600000"),
    ],
)  # fmt: skip
def test_the_words_of_the_folders_above_count(name: str, wanted: str) -> None:
    assert symbol("data/" + name) == wanted


@pytest.mark.parametrize("name", ["index/000001.csv", "index_000001.csv", "指数/000300.csv", "Index_Daily/000001.csv"])
def test_an_index_without_its_exchange_is_refused(name: str) -> None:
    with pytest.raises(LoadError, match=r"is it the index SH000\d\d\d or the stock SZ000"):
        symbol(name)


@pytest.mark.parametrize("name", ["sh000001.XSHE.csv", "SSE.000001.SZ.csv", "1.000001.SZ.csv"])
def test_two_exchanges_are_refused(name: str) -> None:
    with pytest.raises(LoadError, match="two exchanges are marked"):
        symbol(name)


@pytest.mark.parametrize("name", ["prices.csv", "000001_600000.csv", "20240102.csv", "x000001.csv", "00001.SS.csv"])
def test_a_name_without_one_symbol_is_refused(name: str) -> None:
    with pytest.raises(LoadError, match="the file's name does not give one"):
        symbol(name)


def test_symbols_in_a_table_of_a_vendor_are_spelled_by_the_same_marks() -> None:
    assert [spell(s) for s in ("000001.XSHG", "SSE.000001", "xshe000001", "000001.SS", "000001.KS", "SH000001.SZ")] == [
        "SH000001", "SH000001", "SZ000001", "SH000001", None, None]  # fmt: skip


def test_an_index_beside_its_namesake_is_another_stock(tmp_path: Path) -> None:
    days = np.busday_offset("2024-01-02", np.arange(5), roll="forward").astype(str)
    for name, price in (("000001.SS.csv", 3300.0), ("000001.SZ.csv", 10.0)):
        table = pd.DataFrame({"date": days} | dict.fromkeys(("open", "high", "low", "close", "pre_close"), price))
        table.assign(volume=1000).to_csv(tmp_path / name, index=False)
    panel = load_panel(tmp_path)
    assert panel.symbols.tolist() == ["SZ000001"] and panel.fields["close"][0].tolist() == [10]
    assert "SH000001" in panel.notes["not_stocks"], "the mark says Shanghai, whose 000001 is an index"
