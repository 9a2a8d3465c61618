"""What contradicts itself is masked and named, or refused for what it is: scales of prices, factors, leaps, units."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import source_shapes as shapes
from test_load_gaps import remarks
from test_load_sources import failure

from lib.load import load_panel
from lib.panel import Panel
from lib.reasons import Reason

ROWS = shapes.market()
PRICES = ["open", "high", "low", "close"]
DAYS = np.busday_offset("2024-01-02", np.arange(16), roll="forward").astype(str)
Frame = pd.DataFrame


def record(**more: object) -> Frame:
    """Two stocks at ten yuan, a cent up on every second day."""
    close = [round(10 + 0.01 * (t % 2), 2) for t in range(len(DAYS))]
    parts = [
        Frame({"date": DAYS, "symbol": symbol} | dict.fromkeys(PRICES, close) | {"volume": 1000} | more)
        for symbol in ("SH600000", "SH600999")
    ]
    return pd.concat(parts, ignore_index=True)


def loaded(frame: Frame, folder: Path) -> Panel:
    frame.to_csv(folder / "record.csv", index=False)
    return load_panel(folder / "record.csv")


def refused(frame: Frame, folder: Path) -> str:
    frame.to_csv(folder / "record.csv", index=False)
    return failure(folder / "record.csv")


# -- prices in fen --------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [100, 1000, 10_000])
@pytest.mark.parametrize("amount", [True, False])
def test_prices_in_fen_are_refused_and_not_taken_for_lots(tmp_path: Path, times: int, amount: bool) -> None:
    frame = shapes.record(ROWS)
    names = [*PRICES, "pre_close", "limit_up", "limit_down"]
    frame[names] = (frame[names] * times).round()
    message = refused(frame if amount else frame.drop(columns="amount"), tmp_path)
    assert "every price of SH600000 is a whole number" in message and "fen" in message


def test_one_stock_in_fen_is_named(tmp_path: Path) -> None:
    frame = shapes.record(ROWS)
    one = frame["symbol"].str.contains("688001")
    names = [*PRICES, "pre_close", "limit_up", "limit_down"]
    frame.loc[one, names] = (frame.loc[one, names] * 100).round()
    assert "every price of SH688001 is a whole number" in refused(frame, tmp_path)


def test_a_cheap_stock_in_fen_is_told_by_its_amount(tmp_path: Path) -> None:
    frame = record(amount=2000.0)
    frame[PRICES] = 200
    assert "fen" in refused(frame, tmp_path)
    assert loaded(frame.assign(amount=200_000.0), tmp_path).traded.all(), "whole yuan are no trouble"


# -- factors --------------------------------------------------------------------------------------


def with_factors(change: Callable[[np.ndarray], None]) -> Frame:
    """A split of two for one from the tenth session on, at a flat price."""
    frame = record()
    factor = np.where(np.arange(len(DAYS)) < 10, 1.0, 2.0)
    change(factor)
    first = frame["symbol"] == "SH600000"
    frame.loc[first, PRICES] = np.where(np.arange(len(DAYS)) < 10, 10.0, 5.0)[:, None].repeat(4, 1)
    return frame.assign(adj_factor=np.where(first, np.tile(factor, 2), 1.0))


@pytest.mark.parametrize("rows", [[10], [9], [9, 10], list(range(16))])
def test_a_traded_row_without_a_factor_is_missing_and_named(tmp_path: Path, rows: list[int]) -> None:
    def lost(factor: np.ndarray) -> None:
        factor[rows] = np.nan

    panel = loaded(with_factors(lost), tmp_path)
    assert np.flatnonzero(panel.reasons[:, 0] & Reason.MISSING).tolist() == rows
    assert not panel.reasons[:, 1].any()
    assert panel.notes["no_factor"] == [(DAYS[t], "SH600000") for t in rows]
    assert (panel.adjusted("close")[panel.traded[:, 0], 0] == 10).all(), "the split is in the row after"
    assert "traded rows have no adj_factor" in remarks(panel)


def test_factors_that_are_empty_throughout_are_refused(tmp_path: Path) -> None:
    assert "adj_factor is empty on every traded row" in refused(record(adj_factor=""), tmp_path)


@pytest.mark.parametrize("wrong", [lambda f: f.fill(1.0), lambda f: np.divide(1, f, out=f)])
def test_a_split_that_the_factors_miss_is_no_fall(tmp_path: Path, wrong: Callable[[np.ndarray], None]) -> None:
    panel = loaded(with_factors(wrong), tmp_path)
    assert np.flatnonzero(panel.reasons[:, 0]).tolist() == [10] and panel.reasons[10, 0] == Reason.MISSING
    assert panel.notes["leaps"] == [(DAYS[10], "SH600000")]
    assert np.nanmax(np.abs(panel.returns)) < 0.002
    assert "beyond_every_limit" not in panel.notes
    assert "1 rows leap beyond every limit" in remarks(panel)


def test_a_leap_that_ends_a_halt_is_believed(tmp_path: Path) -> None:
    frame = with_factors(lambda f: f.fill(1.0))
    frame.loc[9, "volume"] = 0
    panel = loaded(frame, tmp_path)
    assert panel.reasons[10, 0] == 0 and "leaps" not in panel.notes
    assert panel.notes["beyond_every_limit"] == [f"{DAYS[10]} SH600000"]


# -- one row in another scale ---------------------------------------------------------------------


@pytest.mark.parametrize("reference", [True, False])
def test_one_row_of_ten_times_the_price_is_missing_and_named(tmp_path: Path, reference: bool) -> None:
    frame = record()
    frame["amount"] = frame["volume"] * frame["close"]
    if reference:
        frame["pre_close"] = frame.groupby("symbol")["close"].shift(1).fillna(10.0)
    frame.loc[8, PRICES] *= 10
    frame.loc[25, "amount"] *= 100  # another row of another kind loses its volume and stays traded
    panel = loaded(frame, tmp_path)
    assert panel.notes["leaps"] == [(DAYS[8], "SH600000")]
    assert np.argwhere(panel.reasons).tolist() == [[8, 0]] and panel.reasons[8, 0] == Reason.MISSING
    assert np.nanmax(np.abs(panel.returns)) < 0.01
    assert np.isnan(panel.fields["volume"][9, 1]) and panel.traded[9, 1]
    assert "beyond_every_limit" not in panel.notes


# -- units ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("factors", [{"amount": 1e-6}, {"amount": 1e-8}, {"volume": 1e-4}, {"amount": 1e3}])
def test_a_file_in_unknown_units_is_refused(tmp_path: Path, factors: dict[str, float]) -> None:
    frame = shapes.record(ROWS).astype({"volume": float, "amount": float})
    for name, factor in factors.items():
        frame[name] *= factor
    message = refused(frame, tmp_path)
    assert "times the close on 113 of 113 traded rows" in message and "convert volume or amount" in message


def test_tushare_with_amounts_in_yuan_is_refused(tmp_path: Path) -> None:
    daily = shapes.ts_daily(ROWS)
    daily.assign(amount=daily["amount"] * 1000).to_csv(tmp_path / "daily.csv", index=False)
    assert "expected about 1, with volume in lots of 100, amount in thousands of yuan" in failure(tmp_path)


@pytest.mark.parametrize("broken", [True, False])
def test_lots_beside_millions_are_told_by_broken_lots(tmp_path: Path, broken: bool) -> None:
    frame = record()
    frame["volume"] = np.where(broken, 1_000_037, 1_000_000) + 100 * np.arange(len(frame))
    frame["amount"] = (frame["volume"] * frame["close"] / 1e6).round(6)
    wanted = frame["volume"].to_numpy()
    panel = loaded(frame.assign(volume=frame["volume"] / 100), tmp_path)
    text = str(panel.notes["units"])
    assert ("lots of 100, amount in millions" in text) == broken
    assert ("whole lots and millions of yuan would look the same" in text) != broken
    if broken:
        np.testing.assert_array_equal(panel.fields["volume"].T.ravel(), wanted)


# -- days and rows without trade ------------------------------------------------------------------


def test_a_holiday_that_was_filled_in_is_named(tmp_path: Path) -> None:
    frame = record()
    day = frame[frame["date"] == DAYS[3]].assign(date="2024-01-06", volume=0)
    panel = loaded(pd.concat([frame, day]), tmp_path)
    assert panel.notes["idle_sessions"] == ["2024-01-06"]
    assert "1 sessions have rows and no trade at all" in remarks(panel)
    assert loaded(frame, tmp_path).notes["idle_sessions"] == []


def test_a_move_under_an_empty_status_is_no_halt(tmp_path: Path) -> None:
    frame = shapes.baostock(ROWS)
    row = int(np.flatnonzero((frame["tradestatus"] == "1") & (frame["high"] > frame["low"]))[5])
    frame.loc[row, ["tradestatus", "volume", "amount"]] = ["", "0", "0"]
    frame.to_csv(tmp_path / "b.csv", index=False)
    panel = load_panel(tmp_path / "b.csv")
    t = panel.dates.astype(str).tolist().index(frame.loc[row, "date"])
    n = panel.symbols.tolist().index(frame.loc[row, "code"].upper().replace(".", ""))
    assert panel.reasons[t, n] == Reason.MISSING
    assert "though prices moved" in remarks(panel)


# -- words ----------------------------------------------------------------------------------------


def test_limits_of_another_scale_or_side_are_not_called_adjusted_prices(tmp_path: Path) -> None:
    frame = shapes.record(ROWS)
    swapped = frame.rename(columns={"limit_up": "limit_down", "limit_down": "limit_up"})
    assert "lie below the lower ones; swap them" in refused(swapped, tmp_path)
    frame[["limit_up", "limit_down"]] *= 100
    assert "the limits of the file are 99.98 times the closes" in refused(frame, tmp_path)


def test_a_few_wrong_amounts_are_not_called_an_adjustment(tmp_path: Path) -> None:
    frame = shapes.record(ROWS).astype({"amount": float})
    frame.loc[[3, 13, 20], "amount"] *= 1.5
    message = refused(frame, tmp_path)
    assert "mend those rows" in message and "adjusted" not in message


def test_sixteen_bits_are_not_called_an_adjustment(tmp_path: Path) -> None:
    frame = shapes.record(ROWS).astype({"close": "float16"})
    frame.to_parquet(tmp_path / "record.parquet")
    message = failure(tmp_path / "record.parquet")
    assert "column 'close'" in message and "halffloat" in message and "32 or 64 bits" in message


# -- limits that nobody published -----------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, {"limit_pct": 10.0}, {"limit_pct": ""}])
def test_columns_of_limits_without_a_number_are_none(tmp_path: Path, more: dict[str, object]) -> None:
    frame = record(pre_close=10.0, limit_up="", limit_down="", **more)
    frame.loc[(frame["symbol"] == "SH600000") & (frame["date"] == DAYS[9]), PRICES] = 11.0
    panel = loaded(frame, tmp_path)
    assert panel.reasons[9].tolist() == [int(Reason.LIMIT_UP | Reason.OPEN_LOCKED_UP), 0] and not panel.reasons[8].any()
    assert panel.notes["limit_source"] == f"pre_close and {'limit_pct' if more.get('limit_pct') else 'board'}"
    assert panel.notes["empty_columns_of_limits"][:2] == ["limit_up", "limit_down"]
    some = frame.assign(limit_up=np.where(frame["date"] == DAYS[9], 11.0, np.nan))
    assert "empty_columns_of_limits" not in loaded(some.drop(columns="limit_pct", errors="ignore"), tmp_path).notes
