"""Every source's shape of one hand-made market gives the same panel; and what is special to each source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import source_shapes as shapes
from source_shapes import DAYS, SHAPES, STOCKS

from lib.errors import LoadError
from lib.load import load_panel
from lib.panel import Panel
from lib.reasons import PRICES, Reason

ROWS = shapes.market()
#: formats whose previous close comes from the factor: the first one of a stock is not known
FROM_FACTOR = ("akshare", "akshare_daily", "qlib", "qlib_bin")


def truth(name: str) -> np.ndarray:
    """A field [T,N] straight from the rows."""
    out = np.full((len(DAYS), len(STOCKS)), np.nan)
    for row in ROWS:
        value = getattr(row, name)
        out[row.day, STOCKS.index(row.stock)] = np.nan if value is None else float(value)
    return out


def true_reasons() -> np.ndarray:
    """The reason bits [T,N], cell by cell, with the previous closes and limits in whole cents."""
    out = np.full((len(DAYS), len(STOCKS)), int(Reason.UNLISTED), dtype=np.uint8)
    for row in ROWS:
        bits = int(Reason.HALT) if row.halted else 0
        for price, up, down in (
            (row.close, Reason.LIMIT_UP, Reason.LIMIT_DOWN),
            (row.open, Reason.OPEN_LOCKED_UP, Reason.OPEN_LOCKED_DOWN),
        ):
            if not row.halted and row.up is not None and row.down is not None:
                bits |= int(up) * (price >= row.up) | int(down) * (price <= row.down)
        out[row.day, STOCKS.index(row.stock)] = bits
    return out


def written(shape: str, folder: Path) -> Path:
    target = folder / "market"
    target.mkdir()
    return SHAPES[shape](ROWS, target)


def changed(frame: pd.DataFrame, row: int, column: str, value: object) -> pd.DataFrame:
    frame = frame.astype({column: object})
    frame.loc[row, column] = value
    return frame


def failure(path: Path, **options: object) -> str:
    with pytest.raises(LoadError) as caught:
        load_panel(path, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_market_holds_what_the_shapes_can_lose() -> None:
    reasons = true_reasons()
    for reason in Reason:
        if reason is not Reason.MISSING:
            assert (reasons & reason).any(), reason
    assert sum(row.halted for row in ROWS) == 3
    assert len({row.factor for row in ROWS}) == 3


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_panel(tmp_path: Path, shape: str) -> None:
    panel = load_panel(written(shape, tmp_path))
    assert panel.dates.astype(str).tolist() == DAYS
    assert panel.symbols.tolist() == list(STOCKS)
    np.testing.assert_array_equal(panel.reasons, true_reasons())
    for name in ("open", "high", "low", "close", "pre_close"):
        wanted = truth(name) / 100
        got = panel.fields[name]
        if name == "pre_close" and shape.split()[0] in FROM_FACTOR:
            first = np.isfinite(wanted).argmax(axis=0)
            assert np.isnan(got[first, range(len(STOCKS))]).all()
            wanted[first, range(len(STOCKS))] = np.nan
        np.testing.assert_array_equal(got, wanted, err_msg=name)
    np.testing.assert_array_equal(panel.fields["volume"], truth("volume"))
    if shape != "qlib_bin":
        np.testing.assert_array_equal(panel.fields["amount"], truth("amount"))
        shares = np.where(truth("volume") > 0, truth("volume"), np.nan)
        np.testing.assert_allclose(panel.fields["vwap"], truth("amount") / shares, rtol=1e-14)
        assert panel.notes["units"].agreement == 1
    _same_adjustment(panel)


def _same_adjustment(panel: Panel) -> None:
    factor = truth("factor")
    np.testing.assert_allclose(panel.adj_factor[np.isfinite(factor)], factor[np.isfinite(factor)], rtol=1e-12)


@pytest.mark.parametrize("shape", [s for s in SHAPES if not s.startswith(("record", "qlib"))])
def test_turnover_is_in_per_cent_whatever_the_source(tmp_path: Path, shape: str) -> None:
    panel = load_panel(written(shape, tmp_path))
    if shape == "tushare by day":
        assert "turnover" not in panel.fields
    else:
        np.testing.assert_allclose(panel.fields["turnover"], truth("turnover"), rtol=1e-9)


def test_each_shape_is_recognised_by_its_columns(tmp_path: Path) -> None:
    found = {}
    for i, shape in enumerate(SHAPES):
        (tmp_path / str(i)).mkdir()
        panel = load_panel(SHAPES[shape](ROWS, tmp_path / str(i)))
        found[shape] = panel.notes["format"]
        again = load_panel(tmp_path / str(i), format=panel.notes["format"])
        np.testing.assert_array_equal(again.reasons, panel.reasons)
    assert {shape: form.split()[0] for shape, form in found.items()} == {shape: shape.split()[0] for shape in SHAPES}


# -- AkShare --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "word"), [("qfq", "forward-adjusted (qfq)"), ("hfq", "backward-adjusted (hfq)")])
def test_adjusted_akshare_prices_are_refused(tmp_path: Path, kind: str, word: str) -> None:
    """Eastmoney rounds adjusted prices to the cent, so that neither grid nor limits give them away."""
    for stock, own in shapes.by_stock(ROWS):
        frame = shapes.history(own)
        factor = np.array([float(r.factor) for r in shapes.traded(own)])
        factor = factor / factor[-1] if kind == "qfq" else factor
        for name in ("开盘", "收盘", "最高", "最低", "涨跌额"):
            frame[name] = (frame[name] * factor).round(2)
        frame.to_csv(tmp_path / f"{stock}.csv", index=False)
    message = failure(tmp_path)
    assert word in message
    assert 'adjust=""' in message


def test_akshare_files_without_a_code_column_take_it_from_their_names(tmp_path: Path) -> None:
    for stock, own in shapes.by_stock(ROWS):
        shapes.history(own).drop(columns="股票代码").to_csv(tmp_path / f"{stock[2:]}_daily.csv", index=False)
    assert load_panel(tmp_path).symbols.tolist() == list(STOCKS)
    (tmp_path / "000001_daily.csv").rename(tmp_path / "pingan.csv")
    assert "pingan.csv: no column holds the symbol" in failure(tmp_path)


def test_akshare_lots_that_are_shares_are_refused(tmp_path: Path) -> None:
    frame = shapes.history(ROWS).assign(成交量=lambda f: f["成交量"] * 100)
    frame.to_csv(tmp_path / "all.csv", index=False)
    message = failure(tmp_path / "all.csv")
    assert "is 0.01 in the units of AkShare stock_zh_a_hist" in message


def test_a_missing_chinese_column_is_named_with_its_source(tmp_path: Path) -> None:
    shapes.history(ROWS).drop(columns="最高").to_csv(tmp_path / "all.csv", index=False)
    message = failure(tmp_path / "all.csv")
    assert "AkShare stock_zh_a_hist" in message
    assert "no column 最高" in message


# -- Tushare --------------------------------------------------------------------------------------


def test_tushare_sentinels_are_no_limits_and_tables_are_joined(tmp_path: Path) -> None:
    panel = load_panel(written("tushare", tmp_path))
    up = truth("up") / 100
    traded = truth("halted") == 0
    np.testing.assert_array_equal(panel.fields["limit_up"][traded], up[traded])
    assert np.isnan(up[traded]).sum() == shapes.FREE_DAYS
    assert panel.notes["limit_source"] == "published"
    np.testing.assert_allclose(panel.fields["float_mkt_cap"], truth("close") / 100 * 1e9, rtol=1e-12)
    np.testing.assert_array_equal(panel.fields["cap"], 2 * panel.fields["float_mkt_cap"])
    assert str(panel.fields["list_date"][0, 0]) == "2010-01-04"
    assert set(panel.fields["industry"][0]) == {"银行"}
    assert panel.notes["adjustment_disagreement"] == []
    assert panel.notes["halts_filled"] == 3
    assert panel.notes["halts_with_trades"] == 0  # a halt within the day is none


def test_a_sentinel_on_one_side_is_no_limit_on_both(tmp_path: Path) -> None:
    path = written("tushare", tmp_path)
    limits = shapes.ts_limits(ROWS)
    limits.loc[limits["down_limit"] == 0, "down_limit"] = 0.01
    limits.to_csv(path / "stk_limit.csv", index=False)
    panel = load_panel(path)
    np.testing.assert_array_equal(panel.reasons, true_reasons())
    for name, cents in (("limit_up", "up"), ("limit_down", "down")):
        wanted = np.where(truth("halted") == 0, truth(cents) / 100, np.nan)
        np.testing.assert_array_equal(panel.fields[name], wanted)


@pytest.mark.parametrize("lost", [["up_limit", "down_limit"], ["down_limit"]])
def test_a_limit_of_zero_is_no_sentinel_and_gets_computed(tmp_path: Path, lost: list[str]) -> None:
    path = written("tushare", tmp_path)
    limits = shapes.ts_limits(ROWS)
    usual = limits["down_limit"] > 0
    limits.loc[usual, lost] = 0
    limits.to_csv(path / "stk_limit.csv", index=False)
    panel = load_panel(path)
    assert panel.notes["limits_computed"] == (true_reasons() & 6 == 0).sum() - shapes.FREE_DAYS
    at_limit = Reason.LIMIT_UP | Reason.LIMIT_DOWN
    np.testing.assert_array_equal(panel.reasons & at_limit, true_reasons() & at_limit)


def test_tushare_daily_alone_and_joined_in_one_table(tmp_path: Path) -> None:
    daily, limits = shapes.ts_daily(ROWS), shapes.ts_limits(ROWS)
    for name, table in (("alone", daily), ("joined", daily.merge(limits))):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        panel = load_panel(tmp_path / f"{name}.csv")
        np.testing.assert_array_equal(panel.reasons, true_reasons())
    assert panel.notes["limit_source"] == "published"


def test_a_day_without_row_that_no_table_calls_a_halt_is_missing(tmp_path: Path) -> None:
    path = written("tushare", tmp_path)
    daily = shapes.ts_daily(ROWS)
    lost = (daily["ts_code"] == "600000.SH") & (daily["trade_date"] == DAYS[20].replace("-", ""))
    daily[~lost].to_csv(path / "daily.csv", index=False)
    panel = load_panel(path)
    assert panel.reasons[20, 0] == Reason.MISSING
    assert panel.notes["days_without_row_or_halt"] == 1


def test_a_full_day_halt_with_trades_is_traded_and_counted(tmp_path: Path) -> None:
    path = written("tushare", tmp_path)
    halts = shapes.ts_suspensions(ROWS)
    halts.loc[halts["suspend_timing"].notna(), "suspend_timing"] = None
    halts.to_csv(path / "suspend_d.csv", index=False)
    panel = load_panel(path)
    assert panel.notes["halts_with_trades"] == 1
    np.testing.assert_array_equal(panel.reasons, true_reasons())


def test_names_with_st_give_the_narrow_band_while_they_hold(tmp_path: Path) -> None:
    path = written("tushare", tmp_path)
    (path / "stk_limit.csv").unlink()
    names = {"ts_code": "600000.SH", "name": ["浦发", "*ST浦发"], "start_date": ["20100104", DAYS[5].replace("-", "")],
             "end_date": [DAYS[4].replace("-", ""), None]}  # fmt: skip
    pd.DataFrame(names).to_csv(path / "namechange.csv", index=False)
    message = failure(path)  # the closes at the 10 % limit are now beyond a 5 % one
    assert "beyond the daily limit (pre_close and board)" in message
    assert "SH600000" in message
    late = {
        **names,
        "start_date": ["20100104", DAYS[25].replace("-", "")],
        "end_date": [DAYS[24].replace("-", ""), None],
    }
    pd.DataFrame(late).to_csv(path / "namechange.csv", index=False)
    panel = load_panel(path)
    assert panel.fields["is_st"][:, 0].tolist() == [0.0] * 25 + [1.0] * 5
    past = {**names, "name": ["ST浦发", "浦发"], "start_date": ["20100104", DAYS[3].replace("-", "")],
            "end_date": [DAYS[2].replace("-", ""), None]}  # fmt: skip
    pd.DataFrame(past).to_csv(path / "namechange.csv", index=False)
    assert load_panel(path).fields["is_st"][:, 0].tolist() == [1.0] * 3 + [0.0] * 27


ST_ROWS = [("*ST浦发", 0, None), ("*ST浦发", 0, 9), ("浦发", 10, None), ("ST浦发", 20, None)]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_a_later_name_ends_an_earlier_one_that_has_no_last_day(tmp_path: Path, order: tuple[int, ...]) -> None:
    assert st_days(tmp_path, [ST_ROWS[i] for i in order]) == [1.0] * 10 + [0.0] * 10 + [1.0] * 10


@pytest.mark.parametrize(
    ("rows", "special"),
    [
        ([("ST浦发", 0, None), ("浦发", 10, None)], range(10)),
        ([("ST浦发", 0, None), ("ST浦发", 0, 9)], range(10)),  # one of two equal rows knows the last day
        ([("ST浦发", 0, 20), ("浦发", 10, 14)], range(10)),  # the later one ends it for good
        ([("ST浦发", 0, 4), ("浦发", 10, None)], range(5)),
        ([("浦发", 0, None), ("*ST浦发", 10, None), ("ST浦发", 20, None)], range(10, 30)),
        ([("浦发", 0, None), ("ST浦发", 0, None)], range(30)),  # of two on one day the narrow band is the safe one
        ([("S*ST浦发", 0, 9), ("XDST浦发", 10, 19), ("SST浦发", 20, None)], range(30)),
        ([("＊ST浦发", 0, 9), ("＊ＳＴ浦发", 10, 19), ("Ｓ＊ST浦发", 20, None)], range(30)),
        ([("* ST浦发", 0, 9), ("S ST浦发", 10, 19), (" *ST TCL", 20, None)], range(30)),
        ([("ST TCL", 0, 9), ("万科Ａ", 10, None)], range(10)),
        ([("STAR浦发", 0, None), ("EAST", 10, None), ("BEST", 20, None)], range(0)),  # letters that are no mark
    ],
)  # fmt: skip
def test_days_of_special_treatment_by_name(
    tmp_path: Path, rows: list[tuple[str, int, int | None]], special: range
) -> None:
    assert st_days(tmp_path, rows) == [float(day in special) for day in range(30)]


def test_a_later_name_changes_no_earlier_day(tmp_path: Path) -> None:
    whole = st_days(tmp_path, ST_ROWS)
    for known in range(2, 4):
        first_new = ST_ROWS[known][1]
        assert st_days(tmp_path, ST_ROWS[:known])[:first_new] == whole[:first_new]


def st_days(tmp_path: Path, names: list[tuple[str, int, int | None]]) -> list[float]:
    """The ST flag of one quiet stock by (name, first day, last day)."""
    compact = [day.replace("-", "") for day in DAYS]
    daily = pd.DataFrame({"ts_code": "600000.SH", "trade_date": compact} | dict.fromkeys(PRICES, 10.0))
    daily.assign(vol=100.0, pre_close=10.0).to_csv(tmp_path / "daily.csv", index=False)
    rows = [("600000.SH", name, compact[a], None if b is None else compact[b]) for name, a, b in names]
    table = pd.DataFrame(rows, columns=["ts_code", "name", "start_date", "end_date"])
    table.to_csv(tmp_path / "namechange.csv", index=False)
    flags: list[float] = load_panel(tmp_path).fields["is_st"][:, 0].tolist()
    return flags


def test_a_delisted_stock_does_not_stay_halted(tmp_path: Path) -> None:
    path = written("tushare", tmp_path)
    (path / "suspend_d.csv").unlink()
    daily = shapes.ts_daily(ROWS)
    daily = daily[(daily["ts_code"] != "300750.SZ") | (daily["trade_date"] < DAYS[20].replace("-", ""))]
    daily.to_csv(path / "daily.csv", index=False)
    assert load_panel(path).reasons[[19, 20, 29], 3].tolist() == [0, 4, 4]
    assert load_panel(path).notes["silent_to_the_end"] == 1
    stocks = shapes.ts_stocks(ROWS)
    stocks["delist_date"] = [None, None, None, DAYS[22].replace("-", "")]
    stocks.to_csv(path / "stock_basic.csv", index=False)
    panel = load_panel(path)
    assert panel.reasons[[19, 20, 21, 22, 29], 3].tolist() == [0, 4, 4, 1, 1]


def test_tables_of_tushare_without_prices_and_two_sources_in_one_folder(tmp_path: Path) -> None:
    path = written("tushare", tmp_path)
    (path / "daily.csv").unlink()
    assert "no table with daily prices" in failure(path)
    shapes.history(ROWS).to_csv(path / "history.csv", index=False)
    message = failure(path)
    assert "more than one source" in message
    assert "history.csv looks like 'akshare'" in message


def test_a_row_that_contradicts_another_one_of_a_joined_table_is_named(tmp_path: Path) -> None:
    path = written("tushare", tmp_path)
    limits = shapes.ts_limits(ROWS)
    pd.concat([limits, limits.iloc[[3]].assign(up_limit=99.0)]).to_csv(path / "stk_limit.csv", index=False)
    assert "1 duplicate (date, symbol) rows" in failure(path)


# -- Baostock -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("flag", "word"), [("1", "backward-adjusted"), ("2", "forward-adjusted")])
def test_baostock_adjustflag_must_be_3(tmp_path: Path, flag: str, word: str) -> None:
    changed(shapes.baostock(ROWS), 7, "adjustflag", flag).to_csv(tmp_path / "all.csv", index=False)
    message = failure(tmp_path / "all.csv")
    assert f"adjustflag is {flag} instead of 3 on 1 of" in message
    assert "(line 9)" in message
    assert word in message


def test_baostock_st_flag_narrows_the_band(tmp_path: Path) -> None:
    rows = [row for row in ROWS if row.stock == "SZ300750"]
    frame = shapes.baostock(rows).assign(code="sz.002001", isST="1")
    frame.to_csv(tmp_path / "all.csv", index=False)
    assert "beyond the daily limit" in failure(tmp_path / "all.csv")
    shapes.baostock(rows).assign(isST="1").to_csv(tmp_path / "all.csv", index=False)
    np.testing.assert_array_equal(load_panel(tmp_path / "all.csv").reasons[:, 0], true_reasons()[:, 3])


def test_baostock_zeros_on_halted_days_are_no_prices(tmp_path: Path) -> None:
    frame = shapes.baostock(ROWS)
    halted = frame["tradestatus"] == "0"
    frame.loc[halted, ["open", "high", "low"]] = "0.0000"
    frame.to_csv(tmp_path / "all.csv", index=False)
    np.testing.assert_array_equal(load_panel(tmp_path / "all.csv").reasons, true_reasons())


# -- Qlib -----------------------------------------------------------------------------------------


def test_a_qlib_universe_is_a_file_of_instruments(tmp_path: Path) -> None:
    path = written("qlib_bin", tmp_path)
    universe = load_panel(path, universe="two").universe
    assert universe.sum(axis=0).tolist() == [30, 26, 0, 0]
    assert universe[-1].tolist() == [True, True, False, False]
    message = failure(path, universe="twi")
    assert "no universe 'twi' in instruments/; did you mean 'two'" in message


def test_a_field_of_a_bin_that_begins_later_is_empty_before(tmp_path: Path) -> None:
    path = written("qlib_bin", tmp_path)
    name = path / "features/sh600000/volume.day.bin"
    values = np.frombuffer(name.read_bytes(), "<f4")
    name.write_bytes(np.concatenate([[2], values[3:]]).astype("<f4").tobytes())
    volume = load_panel(path).fields["volume"][:, 0]
    assert np.isnan(volume[:2]).all()
    np.testing.assert_array_equal(volume[2:], truth("volume")[2:, 0])


def test_a_factor_of_few_digits_still_gives_the_previous_close_to_the_cent(tmp_path: Path) -> None:
    """10.00 / 1.0310 is 9.6993, for a previous close of 9.70."""
    prices = {name: [10.0, 9.8, 9.9] for name in ("open", "high", "low", "close")}
    days = ["2024-01-02", "2024-01-03", "2024-01-04"]
    frame = pd.DataFrame({"date": days, "symbol": "SH600000", **prices, "volume": 100, "adj_factor": [1, 1.031, 1.031]})
    frame.to_csv(tmp_path / "record.csv", index=False)
    panel = load_panel(tmp_path / "record.csv")
    np.testing.assert_array_equal(panel.fields["pre_close"][:, 0], [np.nan, 9.7, 9.8])
    assert panel.notes["pre_close"] == "from close and adj_factor"


def _damage(path: Path, name: str, content: bytes) -> str:
    (path / name).write_bytes(content)
    return failure(path)


def test_damaged_qlib_folders_are_named(tmp_path: Path) -> None:
    path = written("qlib_bin", tmp_path)
    name = "features/sz000001/close.day.bin"
    whole = (path / name).read_bytes()
    assert "the file is truncated: 122 bytes" in _damage(path, name, whole[:-2])
    assert "sz000001/close.day.bin: it begins with 0.5" in _damage(path, name, np.float32(0.5).tobytes() + whole[4:])
    assert "but the calendar has 30 days" in _damage(path, name, whole + whole[4:])
    assert "empty or truncated" in _damage(path, name, b"")
    (path / name).unlink()
    assert "sz000001: no file close.day.bin" in failure(path)
    (path / name).write_bytes(whole)
    days = (path / "calendars/day.txt").read_bytes()
    assert "line 31: days are not increasing" in _damage(path, "calendars/day.txt", days + days[:11])
    assert "line 1: got '2024/01/02'" in _damage(path, "calendars/day.txt", days.replace(b"-", b"/"))
    assert "no rows" in _damage(path, "calendars/day.txt", b"")


def test_a_factor_that_does_not_give_raw_prices_is_refused(tmp_path: Path) -> None:
    shapes.qlib(ROWS).assign(symbol=[r.stock for r in ROWS], factor=0.5).to_csv(tmp_path / "all.csv", index=False)
    message = failure(tmp_path / "all.csv")
    assert "off the 0.01 grid" in message
    assert "check the factor" in message
