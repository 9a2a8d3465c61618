"""The table of bad input: for each row, the whole answer of the loader, word by word.

The file is the hand-made market of `source_shapes` as a canonical record, and as a file of AkShare where the names or
the encoding matter.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import source_shapes as shapes

from lib.errors import LoadError
from lib.load import load_panel
from lib.reasons import Reason

ROWS = shapes.market()
Change = Callable[[pd.DataFrame], pd.DataFrame]
SYMBOLS_TAKEN = "expected 600000, 600000.SH or SH600000 (market='none' takes any text)"
RAW = "pass raw prices, with pre_close or adj_factor beside them"

#: share of prices in cents that 3.2171 takes more than a twentieth of a cent off the grid
PRICES = np.array([price for row in ROWS for price in (row.open, row.high, row.low, row.close)])
OFF_GRID = np.mean(np.abs(PRICES * 3.2171 - np.rint(PRICES * 3.2171)) > 0.05)


def put(value: object, column: str, *rows: int) -> Change:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype({column: object})
        frame.loc[list(rows), column] = value
        return frame

    return change


def times(factor: float, *columns: str) -> Change:
    return lambda frame: frame.assign(**{name: frame[name] * factor for name in columns})


def answer(path: Path) -> str:
    with pytest.raises(LoadError) as caught:
        load_panel(path)
    return str(caught.value)


#: row of the table -> (what happened to the file, the answer after "record.csv: ")
REFUSED: dict[str, tuple[Change, str]] = {
    "duplicate (date, symbol)": (
        lambda f: pd.concat([f, f.iloc[[7, 3, 7]]]),
        "3 duplicate (date, symbol) rows; the first pair is 2024-01-05 SH600000 (line 5) and line 119; "
        "keep one row for each",
    ),
    "dates as text, one digit": (
        put("2024-1-8", "date", 4, 5),
        "column 'date', line 6: got '2024-1-8', expected YYYY-MM-DD or YYYYMMDD",
    ),
    "dates as text, dd/mm": (
        put("08/01/2024", "date", 4),
        "column 'date', line 6: got '08/01/2024', expected YYYY-MM-DD or YYYYMMDD",
    ),
    "a day that does not exist": (
        put("20240230", "date", 4),
        "column 'date', line 6: got '20240230', expected YYYY-MM-DD or YYYYMMDD",
    ),
    "a sentinel for a day": (
        put("9999-12-31", "date", 4),
        "column 'date', line 6: got '9999-12-31', expected a day from 1900-01-01 to 2100-12-31",
    ),
    "symbols that lost zeros": (
        lambda f: f.replace({"SZ000001": "1"}),
        f"symbol '1' (line 58) lost its leading zeros (000001?); {SYMBOLS_TAKEN}",
    ),
    "symbols of another market": (
        lambda f: f.replace({"SZ000001": "AAPL"}),
        f"symbol 'AAPL' (line 58) is not an A-share symbol; {SYMBOLS_TAKEN}",
    ),
    "NaN close past the budget": (
        put(None, "close", *range(50)),
        "more than 35% of 116 rows are empty in a required column (open 0, high 0, low 0, close 50, volume 0); "
        "raise missing_budget if that is meant",
    ),
    "price of zero": (
        put(0, "low", 4, 9),
        "column 'low' holds 2 prices of zero or less; the first is 0 at 2024-01-08 SH600000 (line 6); 0 stands for no "
        "price on a halted row only: volume 0, or halted 1",
    ),
    "infinite price": (
        put("inf", "close", 4),
        "column 'close' holds 1 infinite values; the first is inf at 2024-01-08 SH600000 (line 6)",
    ),
    "negative volume": (
        put(-100, "volume", 4),
        "column 'volume' holds 1 negative values; the first is -100 at 2024-01-08 SH600000 (line 6)",
    ),
    "high < low": (
        put(0.01, "high", 4),
        "1 rows with high < low or close outside [low, high]; the first is high 0.01, "
        f"low {ROWS[4].low / 100:g}, close {ROWS[4].close / 100:g} at 2024-01-08 SH600000 (line 6)",
    ),
    "adjusted prices off the grid": (
        times(3.2171, "open", "high", "low", "close", "pre_close"),
        f"{OFF_GRID:.1%} of prices are off the 0.01 grid, first {ROWS[0].open * 0.032171:.6g} at 2024-01-02 SH600000 "
        f"(line 2): they look adjusted; {RAW}",
    ),
    "a number with a thousands separator": (
        put("1,234.5", "volume", 4),
        "column 'volume', line 6: got '1,234.5', expected a number",
    ),
    "missing columns": (
        lambda f: f.rename(columns={"close": "closing", "volume": "vol"}),
        "no column close, volume; did you mean 'closing'?; did you mean 'vol'?; the file has date, symbol, open, high, "
        "low, closing, pre_close, vol, amount, adj_factor, limit_up, limit_down, halted",
    ),
    "an optional column in another spelling": (
        lambda f: f.rename(columns={"pre_close": "PreClose"}),
        "unknown column 'PreClose'; rename it to 'pre_close', or remove it",
    ),
    "header only": (lambda f: f.iloc[:0], "no rows (only a header); expected one row per date and symbol"),
}


@pytest.mark.parametrize("row", REFUSED)
def test_refused_word_by_word(tmp_path: Path, row: str) -> None:
    change, words = REFUSED[row]
    change(shapes.record(ROWS)).to_csv(tmp_path / "record.csv", index=False)
    assert answer(tmp_path / "record.csv") == f"record.csv: {words}"


def test_adjusted_prices_on_the_grid_move_beyond_the_limits(tmp_path: Path) -> None:
    """More than 0.1 % of closes beyond a limit; amount is left out, for it would have told at once."""
    frame = shapes.record(ROWS).drop(columns=["amount", "adj_factor", "limit_up", "limit_down"])
    frame.loc[frame.index[40:43], ["open", "high", "low", "close"]] *= 2
    frame.round(2).to_csv(tmp_path / "record.csv", index=False)
    message = answer(tmp_path / "record.csv")
    assert message.startswith(
        "record.csv: 3 of 113 closes (2.7%) lie beyond the daily limit (pre_close and board), first"
    )
    assert message.endswith(f"at 2024-01-22 SH688001: they look adjusted; {RAW}")


def test_prices_adjusted_by_about_a_unit_are_not_taken_for_one(tmp_path: Path) -> None:
    """Ten times the price looks like amounts in tenths, but then the average price is not in the day's range."""
    frame = shapes.record(ROWS).drop(columns=["adj_factor", "limit_up", "limit_down"])
    for name in ("open", "high", "low", "close", "pre_close"):
        frame[name] = (frame[name] * np.where(np.arange(len(frame)) % 2, 10.37, 7.3)).round(2)
    frame.to_csv(tmp_path / "record.csv", index=False)
    message = answer(tmp_path / "record.csv")
    assert "amount / volume lies outside [low, high] on 113 of 116 rows (4 of 4 symbols)" in message
    assert "prices look backward-adjusted (hfq)" in message


def test_unsorted_dates_are_sorted_and_counted(tmp_path: Path) -> None:
    frame = shapes.record(ROWS)
    swapped = frame.iloc[[1, 0, *range(2, len(frame))]]
    swapped.to_csv(tmp_path / "record.csv", index=False)
    panel = load_panel(tmp_path / "record.csv")
    assert panel.notes["unsorted_rows"] == 1
    frame.to_csv(tmp_path / "record.csv", index=False)
    assert load_panel(tmp_path / "record.csv").fingerprint() == panel.fingerprint()


@pytest.mark.parametrize("spelling", ["600000", "600000.SH", "SH600000"])
def test_the_three_spellings_of_a_symbol_become_one(tmp_path: Path, spelling: str) -> None:
    shapes.record(ROWS).replace({"SH600000": spelling}).to_csv(tmp_path / "record.csv", index=False)
    panel = load_panel(tmp_path / "record.csv")
    assert panel.symbols.tolist() == list(shapes.STOCKS)
    assert panel.notes["respelled_symbols"] == (spelling != "SH600000")


def test_two_spellings_of_one_stock_are_a_duplicate(tmp_path: Path) -> None:
    frame = shapes.record(ROWS)
    pd.concat([frame, frame.iloc[[3]].assign(symbol="600000.SH")]).to_csv(tmp_path / "record.csv", index=False)
    assert answer(tmp_path / "record.csv").startswith("record.csv: 1 duplicate (date, symbol) rows; the first pair is")


def test_nan_close_within_the_budget_is_missing_and_zero_volume_is_a_halt(tmp_path: Path) -> None:
    frame = put(0, "volume", 6)(put(None, "close", 4, 9)(shapes.record(ROWS)))
    frame.loc[6, ["open", "high", "low"]] = frame.loc[6, "close"]
    put(0, "amount", 6)(frame).to_csv(tmp_path / "record.csv", index=False)
    panel = load_panel(tmp_path / "record.csv")
    assert panel.reasons[[4, 9, 6], 0].tolist() == [Reason.MISSING, Reason.MISSING, Reason.HALT]
    assert panel.notes["empty_values"] == {"close": 2}


def test_a_close_outside_the_range_by_one_tick_passes_and_by_two_does_not(tmp_path: Path) -> None:
    frame = shapes.record(ROWS)
    for cents, passes in ((1, True), (2, False)):
        put(round(frame.loc[3, "high"] + cents / 100, 2), "close", 3)(frame).to_csv(
            tmp_path / "record.csv", index=False
        )
        if passes:
            load_panel(tmp_path / "record.csv")
        else:
            assert "1 rows with high < low or close outside [low, high]" in answer(tmp_path / "record.csv")


def test_gbk_is_read_if_the_header_is_known_and_named_if_not(tmp_path: Path) -> None:
    frame = shapes.history(ROWS)
    frame.to_csv(tmp_path / "all.csv", index=False, encoding="gb18030")
    assert load_panel(tmp_path / "all.csv").notes["encoding"] == "gb18030"
    frame.rename(columns={"日期": "交易日", "开盘": "今开", "收盘": "今收"}).to_csv(
        tmp_path / "all.csv", index=False, encoding="gb18030"
    )
    words = "all.csv: not UTF-8 (line 1), nor GB18030 with a known header; save it as UTF-8"
    assert answer(tmp_path / "all.csv") == words
    shapes.record(ROWS).assign(note="é").to_csv(tmp_path / "all.csv", index=False, encoding="latin-1")
    assert "not UTF-8 (line 2)" in answer(tmp_path / "all.csv")


def test_empty_and_truncated_files(tmp_path: Path) -> None:
    path, other = tmp_path / "record.csv", tmp_path / "record.parquet"
    path.touch()
    assert answer(path) == "record.csv: the file is empty (0 bytes, no rows)"
    shapes.record(ROWS).to_csv(path, index=False)
    text = path.read_text()
    path.write_text(text[: text.index("2024-01-08") + 24])
    assert answer(path) == "record.csv: the file is truncated: line 6 has 3 fields, expected 13"
    shapes.record(ROWS).to_parquet(other, index=False)
    other.write_bytes(other.read_bytes()[:-20])
    assert answer(other).startswith("record.parquet: the parquet file is truncated or damaged (")
    assert answer(other).endswith("; fetch it again")


def test_one_stock_and_one_date_are_a_panel(tmp_path: Path) -> None:
    shapes.record(ROWS).iloc[:1].to_csv(tmp_path / "record.csv", index=False)
    assert load_panel(tmp_path / "record.csv").shape == (1, 1)


def test_holes_in_the_calendar_are_reported(tmp_path: Path) -> None:
    frame = shapes.record(ROWS)
    frame[(frame["date"] < "2024-01-10") | (frame["date"] > "2024-01-24")].to_csv(tmp_path / "record.csv", index=False)
    notes = load_panel(tmp_path / "record.csv").notes
    assert notes["calendar_holes"] == ["2024-01-09..2024-01-25"]
    assert notes["weekdays_without_session"] == 11


def test_a_column_of_a_source_is_named_as_the_source_names_it(tmp_path: Path) -> None:
    put(-3.0, "收盘", 4)(shapes.history(ROWS)).to_csv(tmp_path / "all.csv", index=False)
    assert "column '收盘' holds 1 prices of zero or less; the first is -3 at" in answer(tmp_path / "all.csv")


def test_a_file_of_a_folder_is_named_with_the_line(tmp_path: Path) -> None:
    path = shapes.write_record_folder(ROWS, tmp_path)
    frame = pd.read_csv(path / "600000.SH.csv")  # the third file: two are read before
    put(0, "low", 3)(frame).to_csv(path / "600000.SH.csv", index=False)
    assert "at 2024-01-05 SH600000 (line 5 of 600000.SH.csv)" in answer(path)


def test_no_other_number_than_a_finite_one_is_taken_for_a_price(tmp_path: Path) -> None:
    for value in ("1e400", "1e300", "-1e308"):
        put(value, "amount", 3)(shapes.record(ROWS)).to_csv(tmp_path / "record.csv", index=False)
        assert "column 'amount' holds 1" in answer(tmp_path / "record.csv")


def test_text_of_a_file_is_escaped_in_tables(tmp_path: Path) -> None:
    from lib.load.quality.report import report_lines
    from lib.paper.pages import table

    frame = shapes.record(ROWS).assign(**{"<script>alert(1)</script>": 1})
    frame.to_csv(tmp_path / "<b>record.csv", index=False)
    panel = load_panel(tmp_path / "<b>record.csv")
    shown = str(table(pd.DataFrame(report_lines(panel), columns=["what", "found"]), "report").data)
    assert "<script>" not in shown
    assert "&lt;b&gt;record" in shown
    assert np.isfinite(panel.adj_factor).all()


def test_control_characters_of_a_file_do_not_reach_the_report(tmp_path: Path) -> None:
    from lib.load.quality.report import report

    frame = shapes.record(ROWS).assign(**{"two\nlines\x1b[31m": 1, "right\u202eleft": 1})
    frame.to_parquet(tmp_path / "record.parquet", index=False)
    line = next(line for line in report(tmp_path / "record.parquet").splitlines() if line.startswith("ignored"))
    assert line == "ignored     two lines?[31m right?left"
