"""What a source leaves out is filled by rule, counted and said: ex-dates, limits, previous closes, statuses, rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import source_shapes as shapes
from source_shapes import DAYS, STOCKS
from test_load_sources import changed, failure, true_reasons, truth

from lib.load import load_panel
from lib.load.quality.report import report_lines
from lib.panel import Panel
from lib.reasons import Reason

ROWS = shapes.market()
LIMIT_BITS = Reason.LIMIT_UP | Reason.LIMIT_DOWN | Reason.OPEN_LOCKED_UP | Reason.OPEN_LOCKED_DOWN
SPLIT, DIVIDEND = ((day, STOCKS.index(stock)) for stock, day in shapes.EX_DATES)
#: Eastmoney, 000066 in July 2022: the day of a dividend of 0.05, on which 涨跌额 is -0.06 and not -0.01
EX_DAY = {"日期": ["2022-07-18", "2022-07-19", "2022-07-20"], "股票代码": "000066", "收盘": [9.90, 9.94, 9.88],
          "涨跌额": [0.01, 0.04, -0.06], "成交量": 1000}  # fmt: skip


def remarks(panel: Panel) -> str:
    return "\n".join(text for subject, text in report_lines(panel) if subject == "note")


def tushare(folder: Path) -> Path:
    return shapes.write_tushare(ROWS, folder)


# -- AkShare: ex-dates ----------------------------------------------------------------------------


def ex_day(folder: Path, **more: object) -> Panel:
    frame = pd.DataFrame(EX_DAY)
    frame = frame.assign(**dict.fromkeys(("开盘", "最高", "最低"), frame["收盘"]), **more)
    frame.to_csv(folder / "a.csv", index=False)
    return load_panel(folder / "a.csv")


def test_the_change_of_eastmoney_is_not_taken_for_the_exchange_s(tmp_path: Path) -> None:
    bare = ex_day(tmp_path)
    assert "pre_close" not in bare.fields
    assert bare.returns[2, 0] == pytest.approx(9.88 / 9.94 - 1)
    panel = ex_day(tmp_path, hfq_factor=[1.0, 1.0, 9.94 / 9.89])
    assert panel.fields["pre_close"][1:, 0].tolist() == [9.90, 9.89]
    assert panel.returns[2, 0] == pytest.approx(9.88 / 9.89 - 1)
    assert "no ex-dates" in remarks(bare)
    assert "no ex-dates" not in remarks(panel)


@pytest.mark.parametrize("make", [shapes.history, shapes.sina])
def test_akshare_without_factors_has_no_ex_dates_and_says_so(
    tmp_path: Path, make: Callable[[list[shapes.Row]], pd.DataFrame]
) -> None:
    for stock, own in shapes.by_stock(ROWS):
        make(own).drop(columns="hfq_factor").to_parquet(tmp_path / f"{stock.lower()}.parquet", index=False)
    panel = load_panel(tmp_path)  # a split of two to one is in it, and is no reason to refuse it
    assert "pre_close" not in panel.fields
    assert panel.notes["limit_source"] == "last close and board"
    assert panel.reasons[SPLIT] & LIMIT_BITS == 0  # not taken for a fall to the limit
    assert np.isnan(panel.fields["limit_down"][SPLIT])
    assert panel.notes["falls_without_limit"] == 1
    np.testing.assert_array_equal(panel.reasons, true_reasons())  # to the tick on all other days
    dividend = panel.fields["limit_up"][DIVIDEND]  # stays inside the limits: the limit of the last close, too high
    last = truth("close")[DIVIDEND[0] - 1, DIVIDEND[1]]
    assert dividend == shapes.limit(int(last), 10) / 100
    assert dividend > truth("up")[DIVIDEND] / 100
    assert "dividends and splits are in the returns" in remarks(panel)
    assert "no ex-dates" in remarks(panel)


def test_a_leap_beyond_the_upper_limit_still_counts_against_the_file(tmp_path: Path) -> None:
    frame = shapes.history(ROWS).drop(columns=["hfq_factor", "成交额"])
    rows = frame["股票代码"] == "600000"
    for name in ("开盘", "收盘", "最高", "最低"):
        frame.loc[rows, name] = (frame.loc[rows, name] * np.where(np.arange(rows.sum()) % 2, 1.5, 1)).round(2)
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert "lie beyond the daily limit" in failure(tmp_path / "a.csv")


def test_a_stock_without_factors_beside_others_that_have_them_is_counted(tmp_path: Path) -> None:
    for stock, own in shapes.by_stock(ROWS):
        frame = shapes.history(own)
        frame = frame.drop(columns="hfq_factor") if stock == "SZ300750" else frame
        frame.to_csv(tmp_path / f"{stock[2:]}.csv", index=False)
    text = remarks(load_panel(tmp_path))
    assert "30 traded rows have no adj_factor (1 symbols: SZ300750): masked as missing" in text


# -- limits that a table of limits leaves out -----------------------------------------------------


@pytest.mark.parametrize("lost", ["stock", "days", "values"])
def test_cells_without_a_row_of_limits_get_computed_ones(tmp_path: Path, lost: str) -> None:
    path = tushare(tmp_path)
    table = shapes.ts_limits(ROWS)
    codes = table["ts_code"] == "600000.SH"
    days = table["trade_date"].isin([DAYS[day].replace("-", "") for day in (6, 7, 10, 11, 14, 20)])
    if lost == "values":
        table.loc[codes, ["up_limit", "down_limit"]] = np.nan
    else:
        table = table[~(codes if lost == "stock" else days)]
    table.to_csv(path / "stk_limit.csv", index=False)
    panel = load_panel(path)
    np.testing.assert_array_equal(panel.reasons, true_reasons())
    traded = panel.traded
    np.testing.assert_array_equal(panel.fields["limit_up"][traded], truth("up")[traded] / 100)
    np.testing.assert_array_equal(panel.fields["limit_down"][traded], truth("down")[traded] / 100)
    # SH688001 trades freely on its first five days: computed, and still without a limit
    expected = 30 if lost != "days" else sum(r.day in (6, 7, 10, 11, 14, 20) and not r.halted for r in ROWS)
    assert panel.notes["limits_computed"] == expected
    assert f"{expected} traded cells have no row in the table of limits" in remarks(panel)


def test_a_sentinel_is_a_row_and_counts_nothing(tmp_path: Path) -> None:
    panel = load_panel(tushare(tmp_path))
    assert panel.notes["limits_computed"] == 0
    assert "table of limits" not in remarks(panel)


def test_computed_limits_know_the_st_stocks_of_the_names(tmp_path: Path) -> None:
    path = tushare(tmp_path)
    rows = [row for row in ROWS if row.stock == "SZ000001"]
    for name, table in (("daily", shapes.ts_daily(rows)), ("stk_limit", shapes.ts_limits(rows).iloc[5:])):
        table.to_csv(path / f"{name}.csv", index=False)
    named = {"ts_code": ["000001.SZ"], "name": ["ST平安"], "start_date": ["20100104"], "end_date": [None]}
    pd.DataFrame(named).to_csv(path / "namechange.csv", index=False)
    panel = load_panel(path)
    assert panel.fields["limit_up"][4, 0] == shapes.limit(rows[4].pre_close, 5) / 100
    assert panel.fields["limit_up"][5, 0] == shapes.limit(rows[5].pre_close, 10) / 100  # as published
    assert "no ST flag" not in remarks(panel)


# -- what nobody said -----------------------------------------------------------------------------


def test_stocks_taken_as_listed_on_their_first_row_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    panel = load_panel(shapes.write_baostock(ROWS, tmp_path / "a"))
    assert panel.notes["listed_on_first_row"] == 1
    assert "1 stocks taken as listed on their first row" in remarks(panel)
    (tmp_path / "b").mkdir()
    path = tushare(tmp_path / "b")
    (path / "stk_limit.csv").unlink()
    assert load_panel(path).notes["listed_on_first_row"] == 0  # stock_basic says when
    (path / "stock_basic.csv").unlink()
    assert load_panel(path).notes["listed_on_first_row"] == 1


@pytest.mark.parametrize(
    ("shape", "told"),
    [("akshare", True), ("akshare_daily", True), ("qlib", True), ("qlib_bin", True), ("baostock", False),
     ("tushare", False), ("record csv", False)],
)  # fmt: skip
def test_a_source_that_knows_no_st_stocks_says_so(tmp_path: Path, shape: str, told: bool) -> None:
    path = shapes.SHAPES[shape](ROWS, tmp_path)
    assert ("the 5 % band of ST stocks is not applied" in remarks(load_panel(path))) == told


def test_tushare_without_limits_and_names_knows_no_st_stocks(tmp_path: Path) -> None:
    path = tushare(tmp_path)
    (path / "stk_limit.csv").unlink()
    assert "no ST flag" in remarks(load_panel(path))


def test_lots_without_an_amount_are_remarked_upon(tmp_path: Path) -> None:
    frame = shapes.record(ROWS).assign(volume=lambda f: f["volume"] / 100)
    words = "volume is taken as shares: without an amount nothing tells shares from lots"
    frame.drop(columns="amount").to_csv(tmp_path / "a.csv", index=False)
    assert words in remarks(load_panel(tmp_path / "a.csv"))
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert words not in remarks(load_panel(tmp_path / "a.csv"))


# -- Baostock -------------------------------------------------------------------------------------


def test_an_empty_trading_status_is_decided_by_the_volume(tmp_path: Path) -> None:
    frame = shapes.baostock(ROWS)
    halt = int((frame["tradestatus"] == "0").to_numpy().argmax())
    frame = changed(changed(frame, 7, "tradestatus", ""), halt, "tradestatus", "")
    frame.to_csv(tmp_path / "a.csv", index=False)
    panel = load_panel(tmp_path / "a.csv")
    np.testing.assert_array_equal(panel.reasons, true_reasons())
    assert panel.notes["status_guessed"] == 2
    assert "2 rows have an empty trading status" in remarks(panel)


def test_an_empty_previous_close_is_the_last_close(tmp_path: Path) -> None:
    frame = shapes.baostock(ROWS)
    at = [i for i, row in enumerate(ROWS) if (row.stock, row.day) in (("SH600000", 6), ("SZ300750", 10))]
    frame.loc[[0, *at], "preclose"] = ""
    frame.to_csv(tmp_path / "a.csv", index=False)
    panel = load_panel(tmp_path / "a.csv")
    np.testing.assert_array_equal(panel.reasons, true_reasons())
    assert (panel.notes["pre_close_filled"], panel.notes["pre_close_unknown"]) == (2, 1)
    assert "2 rows have no previous close: the last close stands in" in remarks(panel)


# -- Tushare: what lies in a folder ---------------------------------------------------------------


def test_a_table_of_halts_with_only_a_header_names_no_halts(tmp_path: Path) -> None:
    path = tushare(tmp_path)
    (path / "suspend_d.csv").write_text("ts_code,trade_date,suspend_timing,suspend_type\n")
    panel = load_panel(path)
    days, stock = list(shapes.HALT[1]), STOCKS.index(shapes.HALT[0])
    assert (panel.reasons[days, stock] == Reason.MISSING).all()
    assert panel.notes["days_without_row_or_halt"] == len(days)
    (path / "daily.csv").write_text(",".join(shapes.ts_daily(ROWS).columns) + "\n")
    assert "only a header" in failure(path)


@pytest.mark.parametrize("name", ["suspend_d", "stk_limit", "stock_basic"])
def test_a_row_that_comes_twice_beside_the_prices_is_dropped_and_counted(tmp_path: Path, name: str) -> None:
    path = tushare(tmp_path)
    table = pd.read_csv(path / f"{name}.csv", dtype=str)
    pd.concat([table, table.iloc[[1, 1]]]).to_csv(path / f"{name}.csv", index=False)
    panel = load_panel(path)
    np.testing.assert_array_equal(panel.reasons, true_reasons())
    assert panel.notes["repeated_rows"][name] == 2
    assert f"{name}: 2 rows repeat another one" in remarks(panel)


def test_a_calendar_in_the_folder_is_no_trouble(tmp_path: Path) -> None:
    path = tushare(tmp_path)
    days = [day.replace("-", "") for day in DAYS]
    calendar = pd.DataFrame({"exchange": "SSE", "cal_date": days, "is_open": 1, "pretrade_date": days})
    calendar.to_csv(path / "trade_cal.csv", index=False)
    np.testing.assert_array_equal(load_panel(path).reasons, true_reasons())
    (tmp_path / "alone").mkdir()
    calendar.to_csv(tmp_path / "alone" / "trade_cal.csv", index=False)
    assert "only trade_cal of tushare, no table with daily prices" in failure(tmp_path / "alone")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_day_that_pandas_stored_as_a_float_is_a_day(tmp_path: Path, ending: str) -> None:
    path = tushare(tmp_path)
    (path / "suspend_d.csv").unlink()
    daily = shapes.ts_daily(ROWS)
    daily[(daily["ts_code"] != "300750.SZ") | (daily["trade_date"] < DAYS[20].replace("-", ""))].to_csv(
        path / "daily.csv", index=False
    )
    stocks = shapes.ts_stocks(ROWS).assign(delist_date=[np.nan, np.nan, np.nan, float(DAYS[22].replace("-", ""))])
    (path / "stock_basic.csv").unlink()
    getattr(stocks, f"to_{ending}")(path / f"stock_basic.{ending}", index=False)
    assert load_panel(path).reasons[[19, 20, 21, 22, 29], 3].tolist() == [0, 4, 4, 1, 1]


def test_an_index_among_the_stocks_is_named(tmp_path: Path) -> None:
    path = tushare(tmp_path)
    assert "no known board" not in remarks(load_panel(path)) and "not shares" not in remarks(load_panel(path))
    index = shapes.ts_daily([row for row in ROWS if row.stock == "SH600000"]).assign(ts_code="000300.SH")
    index.to_csv(path / "index_daily.csv", index=False)
    panel = load_panel(path)
    assert "1 symbols are no stocks and left out: SH000300 is an index" in remarks(panel)
    assert "SH000300" not in panel.symbols
