"""Rows in other units than the rest lose their volume and are named; a source that several vendors fill is measured;
what is no stock is called by its name."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import source_shapes as shapes
from source_shapes import DAYS, STOCKS
from test_load_gaps import remarks
from test_load_sources import failure, true_reasons, truth

from lib.load import load_panel
from lib.load.instruments import instrument
from lib.panel import Panel

ROWS = shapes.market()
TRADED = ("volume", "amount", "vwap")


def loaded(frame: pd.DataFrame, folder: Path) -> Panel:
    path = folder / "record.csv"
    frame.to_csv(path, index=False)
    return load_panel(path)


def changed(where: Callable[[pd.DataFrame], pd.Series], **factors: float) -> pd.DataFrame:
    """The record with some rows' volume or amount in another unit."""
    frame = shapes.record(ROWS).astype({"volume": float, "amount": float})
    rows = where(frame) & (frame["volume"] > 0)
    for name, factor in factors.items():
        frame.loc[rows, name] *= factor
    return frame


def emptied(panel: Panel) -> np.ndarray:
    """Cells named in the notes; they and no others lack what was traded."""
    cells = np.zeros(panel.shape, dtype=bool)
    for day, symbol in panel.notes.get("volume_emptied", []):
        cells[panel.dates.astype(str).tolist().index(day), panel.symbols.tolist().index(symbol)] = True
    for name in TRADED:
        np.testing.assert_array_equal(np.isnan(panel.fields[name]) & panel.traded, cells, err_msg=name)
    return cells


# -- rows in other units --------------------------------------------------------------------------


@pytest.mark.parametrize("factors", [{"volume": 100}, {"volume": 0.01}, {"amount": 0.001}, {"amount": 1e-4}])
@pytest.mark.parametrize("stock", STOCKS)
def test_one_stock_in_other_units_loses_its_volume_and_is_named(
    tmp_path: Path, stock: str, factors: dict[str, float]
) -> None:
    panel = loaded(changed(lambda f: f["symbol"].str.contains(stock[2:]), **factors), tmp_path)
    cells, n = emptied(panel), STOCKS.index(stock)
    np.testing.assert_array_equal(cells[:, n], panel.traded[:, n])
    assert not np.delete(cells, n, axis=1).any()
    np.testing.assert_array_equal(panel.reasons, true_reasons())  # it traded, we do not know how much
    assert f"({'1 symbols' if cells.sum() > 1 else '1 days'}: {stock})" in remarks(panel)
    assert str(panel.notes["units"]).startswith("volume in shares, amount in yuan")


def test_one_day_in_other_units_is_named(tmp_path: Path) -> None:
    panel = loaded(changed(lambda f: f["date"] == DAYS[-1], volume=0.01), tmp_path)
    assert emptied(panel).any(axis=1).tolist() == [False] * 29 + [True]
    assert f"on 4 rows (1 days: {DAYS[-1]}): their volume, amount and vwap are empty" in remarks(panel)


def test_one_row_is_enough(tmp_path: Path) -> None:
    panel = loaded(changed(lambda f: (f["date"] == DAYS[3]) & f["symbol"].str.contains("600000"), volume=100), tmp_path)
    assert panel.notes["volume_emptied"] == [(DAYS[3], "SH600000")]
    assert emptied(panel).sum() == 1


def test_the_units_of_most_are_found_although_one_stock_has_others(tmp_path: Path) -> None:
    """A file in lots whose STAR market is in shares, as one vendor writes it."""
    frame = changed(lambda f: ~f["symbol"].str.contains("688001"), volume=0.01)
    panel = loaded(frame, tmp_path)
    star = STOCKS.index("SH688001")
    assert "volume in lots of 100, amount in yuan, converted" in str(panel.notes["units"])
    np.testing.assert_array_equal(emptied(panel)[:, star], panel.traded[:, star])
    others = np.delete(np.arange(4), star)
    np.testing.assert_array_equal(panel.fields["volume"][:, others], truth("volume")[:, others])


def test_an_amount_of_nothing_for_a_traded_volume_is_no_average_price(tmp_path: Path) -> None:
    panel = loaded(changed(lambda f: f["date"] == DAYS[2], amount=0.0), tmp_path)
    assert emptied(panel).any(axis=1).nonzero()[0].tolist() == [2]


def test_a_few_prices_beside_their_average_lose_their_volume(tmp_path: Path) -> None:
    frame = changed(lambda f: (f["date"] == DAYS[5]) & f["symbol"].str.contains("600000"), amount=1.5)
    assert loaded(frame, tmp_path).notes["volume_emptied"] == [(DAYS[5], "SH600000")]


def test_files_in_other_units_than_their_source_lose_their_volume(tmp_path: Path) -> None:
    """AkShare counts in lots; a folder most of whose files were written in shares is still AkShare's."""
    path = shapes.write_akshare(ROWS, tmp_path)
    for stock in ("600000", "688001", "000001"):
        file = next(path.glob(f"*{stock}*.csv"))
        frame = pd.read_csv(file, dtype={"股票代码": str})
        frame.assign(成交量=frame["成交量"] * 100).to_csv(file, index=False)
    panel = load_panel(path)
    cells = np.isnan(panel.fields["volume"]) & panel.traded
    assert (cells | ~panel.traded).all(axis=0).tolist() == [True, True, True, False]
    assert len(panel.notes["volume_emptied"]) == cells.sum()  # no day without a row takes its stock's mark
    np.testing.assert_array_equal(panel.fields["volume"][:, 3], truth("volume")[:, 3])


def test_a_vwap_of_the_file_beside_the_range_of_the_day_is_emptied_alone(tmp_path: Path) -> None:
    frame = shapes.record(ROWS)
    frame["vwap"] = (frame["amount"] / frame["volume"].where(frame["volume"] > 0)).round(4)
    frame.loc[(frame["date"] == DAYS[4]) & frame["symbol"].str.contains("600000"), "vwap"] *= 100
    panel = loaded(frame, tmp_path)
    assert panel.notes["vwap_emptied"] == [(DAYS[4], "SH600000")]
    assert np.isnan(panel.fields["vwap"][4, 0]) and panel.fields["volume"][4, 0] > 0
    assert "vwap lies outside [low, high] on 1 rows" in remarks(panel)


def test_adjusted_prices_are_still_refused_and_not_taken_for_units(tmp_path: Path) -> None:
    frame = shapes.record(ROWS).drop(columns=["adj_factor", "limit_up", "limit_down"])
    stock = frame["symbol"].str.contains("600000")
    for name in ("open", "high", "low", "close", "pre_close"):
        frame.loc[stock, name] = (frame.loc[stock, name] * 10.3).round(2)
    frame.to_csv(tmp_path / "record.csv", index=False)
    message = failure(tmp_path / "record.csv")
    assert "amount / volume lies outside [low, high] on 30 of 116 rows (1 of 4 symbols)" in message
    assert "it is 0.09709 times the close throughout" in message


# -- Qlib in the units of another vendor ----------------------------------------------------------


def as_lots(frame: pd.DataFrame) -> pd.DataFrame:
    """Lots of 100 and thousands of yuan, in 32 bits."""
    return frame.assign(
        volume=(frame["volume"] / 100).astype(np.float32), amount=(frame["money"] / 1000).astype(np.float32)
    ).drop(columns="money")


@pytest.mark.parametrize("scale", [lambda f: f.rename(columns={"money": "amount"}), as_lots])
@pytest.mark.parametrize("kind", ["csv", "bin"])
def test_qlib_is_read_in_whatever_units_its_amounts_tell(
    tmp_path: Path, kind: str, scale: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    if kind == "bin":
        shapes.write_qlib_bin(ROWS, tmp_path)
    for stock, own in shapes.by_stock(ROWS):
        table = scale(shapes.qlib(own))
        if kind == "csv":
            table.to_csv(tmp_path / f"{stock}.csv", index=False)
            continue
        for column in ("volume", "amount"):
            values = [float(own[0].day), *table[column].to_list()]
            packed = struct.pack(f"<{len(values)}f", *values)
            (tmp_path / "features" / stock.lower() / f"{column}.day.bin").write_bytes(packed)
    panel = load_panel(tmp_path)
    np.testing.assert_array_equal(panel.fields["volume"], truth("volume"))
    np.testing.assert_allclose(panel.fields["amount"], truth("amount"), rtol=1e-6)
    np.testing.assert_array_equal(panel.reasons, true_reasons())
    low, high, vwap = (panel.fields[name][panel.traded] for name in ("low", "high", "vwap"))
    assert ((vwap >= low - 0.011) & (vwap <= high + 0.011)).all()
    assert ("lots of 100" in str(panel.notes["units"])) == (scale is as_lots)


def test_qlib_without_an_amount_says_that_shares_are_assumed(tmp_path: Path) -> None:
    assert "nothing tells shares from lots of 100" in remarks(load_panel(shapes.write_qlib_bin(ROWS, tmp_path)))


# -- what is no stock -----------------------------------------------------------------------------

OTHERS = {
    "510300": "a fund", "588000.SH": "a fund", "SZ159915": "a fund", "161725": "a fund", "508000.SH": "a fund",
    "SH000300": "an index", "399001.SZ": "an index", "SH000001": "an index", "SH900901": "a B share in US dollars",
    "113050.SH": "a bond", "127007.SZ": "a bond", "SZ200002": "a B share in Hong Kong dollars",
    "880001": "an index", "801010": "an index",
}  # fmt: skip


@pytest.mark.parametrize("symbol", OTHERS)
def test_what_is_no_stock_is_left_out_and_called_by_its_name(tmp_path: Path, symbol: str) -> None:
    stocks = shapes.record(ROWS)
    other = stocks[stocks["symbol"].str.contains("600000")].assign(symbol=symbol)
    for name in ("open", "high", "low", "close", "pre_close"):
        other[name] = other[name] + 0.0037
    panel = loaded(pd.concat([stocks, other]), tmp_path)
    assert panel.symbols.tolist() == list(STOCKS)
    np.testing.assert_array_equal(panel.reasons, true_reasons())
    assert list(panel.notes["not_stocks"].values()) == [OTHERS[symbol]]
    assert f"is {OTHERS[symbol]}" in remarks(panel)


def test_a_file_without_any_stock_is_refused_for_its_instruments(tmp_path: Path) -> None:
    funds = shapes.record(ROWS)
    funds = funds[funds["symbol"].str.contains("600000")].assign(symbol="510300")
    funds.to_csv(tmp_path / "etf.csv", index=False)
    message = failure(tmp_path / "etf.csv")
    assert "no stock among 1 symbols: 510300 is a fund" in message
    assert "adjusted" not in message
    assert load_panel(tmp_path / "etf.csv", market="none").symbols.tolist() == ["510300"]


@pytest.mark.parametrize(("decimals", "times"), [(2, 271.8281), (4, 271.8281), (2, 96.0)])
def test_an_index_under_the_code_of_a_stock_is_known_by_its_level(tmp_path: Path, decimals: int, times: float) -> None:
    stocks = shapes.record(ROWS)
    index = stocks[stocks["symbol"].str.contains("600000")].assign(symbol="000300")
    for name in ("open", "high", "low", "close", "pre_close"):
        index[name] = (index[name] * times).round(decimals)
    panel = loaded(pd.concat([stocks, index]), tmp_path)
    assert panel.symbols.tolist() == list(STOCKS)
    assert "SZ000300 is an index by its level, its code written without SH" in remarks(panel)
    index.to_csv(tmp_path / "record.csv", index=False)
    message = failure(tmp_path / "record.csv")
    assert "no stock among 1 symbols: SZ000300 is an index" in message and "adjusted" not in message


def test_every_stock_of_every_board_is_a_stock() -> None:
    stocks = ("SH600000", "SH688001", "SH689009", "SZ000001", "SZ001979", "SZ002594", "SZ300750", "SZ301236",
              "BJ430047", "BJ830799", "BJ920002", "SH605499")  # fmt: skip
    assert not any(map(instrument, stocks))
