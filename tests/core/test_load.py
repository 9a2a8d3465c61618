"""Files into panels: what is read, the table of bad input, and mutated files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lib.errors import LoadError
from lib.load import load_panel
from lib.load.quality.report import report
from lib.reasons import Reason

SYMBOLS = ["SH600000", "SH688001", "SZ000001"]


def frame(n_days: int = 40, seed: int = 0) -> pd.DataFrame:
    """Tidy raw rows of three stocks, sorted by symbol and date."""
    rng = np.random.default_rng(seed)
    parts = []
    for symbol in SYMBOLS:
        close = (20 * np.exp(np.cumsum(0.01 * rng.standard_normal(n_days)))).round(2)
        pre = np.r_[20.0, close[:-1]]
        days = np.busday_offset("2024-01-02", np.arange(n_days), roll="forward").astype(str)
        part = pd.DataFrame({"date": days, "symbol": symbol, "open": pre, "close": close, "pre_close": pre})
        part["high"], part["low"] = part[["open", "close"]].max(axis=1), part[["open", "close"]].min(axis=1)
        part["volume"] = rng.integers(1, 50, n_days) * 100
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def written(rows: pd.DataFrame, folder: Path, kind: str = "csv") -> Path:
    path = folder / f"prices.{kind}"
    if kind == "csv":
        rows.to_csv(path, index=False)
    else:
        rows.to_parquet(path, index=False)
    return path


def failure(path: Path, **options: Any) -> str:
    """The one line a file is refused with."""
    with pytest.raises(LoadError) as caught:
        load_panel(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


# -- what is accepted -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_becomes_the_panel_of_its_rows(tmp_path: Path, kind: str) -> None:
    rows = frame()
    panel = load_panel(written(rows, tmp_path, kind))
    assert panel.shape == (40, 3)
    assert panel.symbols.tolist() == SYMBOLS
    for name in ("open", "high", "low", "close", "pre_close", "volume"):
        wanted = rows.pivot(index="date", columns="symbol", values=name).to_numpy(float)
        np.testing.assert_array_equal(panel.fields[name], wanted)
    assert panel.notes["limit_source"] == "pre_close and board"
    assert panel.universe.all()
    assert panel.notes["unsorted_rows"] == 0


def test_csv_and_parquet_give_the_same_panel(tmp_path: Path) -> None:
    rows = frame()
    rows["industry"], rows["halted"], rows["in_csi300"] = "J66", False, rows.symbol == "SH600000"
    panels = [load_panel(written(rows, tmp_path, kind)) for kind in ("csv", "parquet")]
    assert panels[0].fingerprint() == panels[1].fingerprint()


def test_shuffled_rows_are_sorted_and_counted(tmp_path: Path) -> None:
    rows = frame()
    panel = load_panel(written(rows.sample(frac=1, random_state=1), tmp_path))
    assert panel.notes["unsorted_rows"] > 40
    assert panel.fingerprint() == load_panel(written(rows, tmp_path)).fingerprint()
    by_date = load_panel(written(rows.sort_values(["date", "symbol"]), tmp_path))
    assert by_date.notes["unsorted_rows"] == 0


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y%m%d", "%Y-%m-%d 00:00:00"])
def test_dates_in_the_accepted_forms(tmp_path: Path, form: str) -> None:
    rows = frame()
    wanted = load_panel(written(rows, tmp_path)).fingerprint()
    rows["date"] = pd.to_datetime(rows["date"]).dt.strftime(form)
    assert load_panel(written(rows, tmp_path)).fingerprint() == wanted


def test_dates_as_dates_timestamps_and_numbers_in_parquet(tmp_path: Path) -> None:
    rows = frame()
    wanted = load_panel(written(rows, tmp_path)).fingerprint()
    days = pd.to_datetime(rows["date"])
    for column in (days, days.dt.date, days.dt.strftime("%Y%m%d").astype(int)):
        assert load_panel(written(rows.assign(date=column), tmp_path, "parquet")).fingerprint() == wanted


def test_holes_are_missing_and_no_volume_is_a_halt(tmp_path: Path) -> None:
    rows = frame()
    rows.loc[3, "close"] = np.nan
    rows.loc[5, "volume"] = 0
    rows.loc[5, ["open", "high", "low"]] = rows.loc[5, "close"]
    rows.loc[7, "volume"] = np.nan
    rows.loc[7, ["open", "high", "low"]] = rows.loc[7, "close"]
    panel = load_panel(written(rows.drop(index=[0, 9, 39]), tmp_path))
    assert panel.reasons[[0, 3, 5, 7, 9, 39], 0].tolist() == [2, 1, 4, 4, 1, 1]
    assert panel.notes["empty_values"] == {"close": 1, "volume": 1}


def test_start_and_end_are_included_and_cut_after_the_adjustment(tmp_path: Path) -> None:
    rows = frame()
    rows.loc[10, "pre_close"] = rows.loc[9, "close"] / 2  # a split beyond any band is one cell of many
    path = written(rows.iloc[:40], tmp_path)
    whole = load_panel(path, market="none")
    part = load_panel(path, market="none", start="2024-01-20", end="2024-02-05")
    assert str(part.dates[0]) == "2024-01-22"
    assert str(part.dates[-1]) == "2024-02-05"
    assert part.adj_factor[0, 0] == pytest.approx(2.0)
    first = int(np.searchsorted(whole.dates, part.dates[0]))
    np.testing.assert_array_equal(part.adj_factor, whole.adj_factor[first : first + part.shape[0]])
    assert "no dates from 2030" in failure(path, market="none", start="2030-01-01")


def test_the_listing_day_is_found_before_the_cut(tmp_path: Path) -> None:
    rows = frame().drop(index=[0, 1, 2])
    rows.loc[3, ["open", "high", "low", "close"]] = 40.0  # first day of SH600000: no limit
    rows.loc[4, "pre_close"] = rows.loc[4, ["open", "high", "low", "close"]] = 40.0
    panel = load_panel(written(rows, tmp_path), start="2024-01-05")
    assert panel.reasons[0, 0] == 0


def test_universe_is_in_csi300_another_column_or_all_listed(tmp_path: Path) -> None:
    rows = frame()
    rows["in_csi300"], rows["mine"] = rows.symbol == "SH600000", (rows.symbol == "SZ000001").astype(int)
    path = written(rows, tmp_path)
    members = [load_panel(path, universe=u).universe.mean(axis=0).tolist() for u in (None, "mine", "listed")]
    assert members == [[1, 0, 0], [0, 0, 1], [1, 1, 1]]
    assert "in_csi300" not in load_panel(path).fields
    assert "no universe column 'min'; did you mean 'mine'" in failure(path, universe="min")


def test_gbk_text_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    rows = frame().assign(industry="银行")
    panels = []
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        rows.to_csv(tmp_path / "prices.csv", index=False, encoding=encoding)
        panels.append(load_panel(tmp_path / "prices.csv"))
    assert len({panel.fingerprint() for panel in panels}) == 1
    assert panels[2].notes["encoding"] == "gb18030"
    assert panels[2].fields["industry"][0, 0] == "银行"


def test_labels_that_change_and_labels_that_do_not(tmp_path: Path) -> None:
    rows = frame().assign(industry="J66", list_date="2020-01-02")
    rows.loc[:9, "industry"] = "C39"
    rows.loc[rows.symbol == "SZ000001", "list_date"] = None
    panel = load_panel(written(rows, tmp_path))
    assert panel.fields["industry"][[0, 9, 10], 0].tolist() == ["C39", "C39", "J66"]
    assert panel.fields["list_date"].strides[0] == 0  # constant: one row, seen T times
    assert np.isnat(panel.fields["list_date"][0, 2])


def test_unknown_columns_are_ignored_and_named(tmp_path: Path) -> None:
    path = written(frame().assign(pe_ttm=1.0), tmp_path)
    assert load_panel(path).notes["ignored_columns"] == ("pe_ttm",)


def test_one_stock_and_one_date_make_a_panel(tmp_path: Path) -> None:
    assert load_panel(written(frame().iloc[:1], tmp_path)).shape == (1, 1)


def test_any_symbol_and_any_price_without_a_market(tmp_path: Path) -> None:
    rows = frame().replace({"SH600000": "A", "SH688001": "BRK.B", "SZ000001": "1"})
    rows[["open", "high", "low", "close"]] *= 1.23456
    panel = load_panel(written(rows, tmp_path), market="none")
    assert panel.symbols.tolist() == ["1", "A", "BRK.B"]
    assert not (panel.reasons & (Reason.LIMIT_UP | Reason.LIMIT_DOWN)).any()


def test_contradictory_rows_are_masked_without_a_market_and_refused_past_the_budget(tmp_path: Path) -> None:
    rows = frame(n_days=800)
    rows.loc[5, "high"] = rows.loc[5, "low"] - 1
    rows.loc[6, "close"] = rows.loc[6, "high"] + 0.02
    panel = load_panel(written(rows, tmp_path), market="none")
    assert panel.notes["contradictory_rows"] == 2
    assert panel.reasons[[4, 5, 6, 7], 0].tolist() == [0, 1, 1, 0]
    assert panel.fields["close"][5, 0] == rows.loc[5, "close"]
    assert "2 rows with high < low" in failure(tmp_path / "prices.csv")
    rows.loc[10:12, "high"] = rows.loc[10:12, "low"] - 1
    assert "5 rows with high < low" in failure(written(rows, tmp_path), market="none")


def test_a_close_one_tick_outside_the_range_is_accepted(tmp_path: Path) -> None:
    rows = frame()
    rows.loc[6, "close"] = round(rows.loc[6, "high"] + 0.01, 2)
    rows.loc[7, "pre_close"] = rows.loc[6, "close"]
    assert load_panel(written(rows, tmp_path)).notes["contradictory_rows"] == 0


# -- what is refused ------------------------------------------------------------------------------


def put(row: int, column: str, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows.astype({column: object})
        rows.loc[row, column] = value
        return rows

    return change


def renamed(**names: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda rows: rows.rename(columns=names)


def adjusted(rows: pd.DataFrame) -> pd.DataFrame:
    prices = ["open", "high", "low", "close", "pre_close"]
    return rows.assign(**{name: rows[name] * 3.217 for name in prices})


def rounded_but_adjusted(rows: pd.DataFrame) -> pd.DataFrame:
    """On the grid again, but pre_close still raw."""
    return rows.assign(**{name: (rows[name] * 1.5).round(2) for name in ("open", "high", "low", "close")})


BAD: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], list[str]]] = {
    "missing column": (lambda r: r.drop(columns=["close", "volume"]), ["no column close, volume"]),
    "misspelt required column": (renamed(close="clse"), ["no column close", "did you mean 'clse'"]),
    "misspelt optional column": (renamed(pre_close="preclose"), ["unknown column 'preclose'", "'pre_close'"]),
    "duplicate": (
        lambda r: pd.concat([r, r.iloc[[7, 9]]]),
        ["2 duplicate (date, symbol) rows", "2024-01-11 SH600000 (line 9) and line 122"],
    ),
    "date with one digit": (put(4, "date", "2024-1-8"), ["'date', line 6", "'2024-1-8'", "YYYY-MM-DD"]),
    "date with slashes": (put(4, "date", "08/01/2024"), ["line 6", "'08/01/2024'"]),
    "impossible date": (put(4, "date", "2024-02-30"), ["line 6", "'2024-02-30'"]),
    "no date": (put(4, "date", None), ["'date', line 6"]),
    "lost zeros": (lambda r: r.replace({"SZ000001": "1"}), ["symbol '1' (line 82) lost its leading zeros"]),
    "not a symbol": (lambda r: r.replace({"SZ000001": "PAB"}), ["'PAB'", "is not an A-share symbol"]),
    "no symbol": (put(4, "symbol", None), ["'symbol', line 6"]),
    "zero price": (put(4, "low", 0.0), ["column 'low' holds 1 prices of zero or less", "SH600000 (line 6)"]),
    "negative price": (put(4, "open", -3.0), ["'open'", "-3"]),
    "infinite price": (put(4, "close", "inf"), ["column 'close' holds 1 infinite"]),
    "infinite volume": (put(4, "volume", "inf"), ["column 'volume' holds 1 infinite"]),
    "negative volume": (put(4, "volume", -100), ["column 'volume' holds 1 negative values", "-100"]),
    "high below low": (put(4, "high", 1.0), ["1 rows with high < low", "(line 6)"]),
    "close above high": (put(4, "close", 99.0), ["close 99", "(line 6)"]),
    "adjusted prices": (adjusted, ["off the 0.01 grid", "adjusted; pass raw prices"]),
    "adjusted, rounded": (rounded_but_adjusted, ["beyond the daily limit", "adjusted; pass raw prices"]),
    "thousands separator": (put(4, "volume", "1,234.5"), ["column 'volume', line 6: got '1,234.5'"]),
    "words for numbers": (put(4, "close", "-"), ["column 'close', line 6: got '-'", "expected a number"]),
    "words for flags": (lambda r: r.assign(halted="maybe"), ["column 'halted', line 2", "true or false"]),
    "too many empty": (lambda r: r.assign(close=np.nan), ["more than 35% of 120 rows", "close 120"]),
    "header only": (lambda r: r.iloc[:0], ["no rows"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_rows_are_refused_in_one_line(tmp_path: Path, case: str) -> None:
    change, words = BAD[case]
    message = failure(written(change(frame()), tmp_path))
    for word in words:
        assert word in message


@pytest.mark.parametrize(("excess", "refused"), [(0.01, False), (0.02, True)])
def test_closes_may_pass_the_limit_by_one_tick(tmp_path: Path, excess: float, refused: bool) -> None:
    rows = frame()
    beyond = (rows["close"] + excess).round(2)
    rows = rows.assign(limit_up=rows["close"], limit_down=1.0, close=beyond, high=beyond + 1)
    path = written(rows, tmp_path)
    if refused:
        assert "beyond the daily limit (published)" in failure(path)
    else:
        assert load_panel(path).notes["closes_beyond_limit"] == 0


def test_leaps_no_board_allows_are_refused_without_pre_close_too(tmp_path: Path) -> None:
    rows = frame().drop(columns="pre_close")
    leap = np.where(np.arange(len(rows)) % 2, 1.3, 1.0)
    for name in ("open", "high", "low", "close"):
        rows[name] = (rows[name] * leap).round(2)
    assert "beyond the daily limit (return heuristic)" in failure(written(rows, tmp_path))


def test_dictionary_entries_no_row_uses_make_no_symbols(tmp_path: Path) -> None:
    table = pa.Table.from_pandas(frame(), preserve_index=False)
    codes = np.repeat([0, 2, 3], 40).astype(np.int8)
    entries = [SYMBOLS[0], "SH999999", *SYMBOLS[1:]]
    named = pa.DictionaryArray.from_arrays(codes, entries)
    path = tmp_path / "prices.parquet"
    pq.write_table(table.set_column(1, "symbol", named), path)
    assert load_panel(path).symbols.tolist() == SYMBOLS


def test_symbols_stored_as_numbers_are_refused(tmp_path: Path) -> None:
    path = written(frame().replace({"SH600000": 1, "SH688001": 2, "SZ000001": 3}), tmp_path, "parquet")
    assert "lost their leading zeros" in failure(path)


def test_text_numbers_in_parquet_are_read_or_named(tmp_path: Path) -> None:
    rows = frame()
    text = rows.assign(close=rows["close"].map("{:.2f}".format))
    load_panel(written(text, tmp_path, "parquet"))
    text.loc[3, "close"] = "1,234.5"
    assert "column 'close', row 4: got '1,234.5'" in failure(written(text, tmp_path, "parquet"))


def test_no_file_an_empty_file_a_folder_and_nonsense(tmp_path: Path) -> None:
    assert "no such file" in failure(tmp_path / "nothing.csv")
    (tmp_path / "empty.csv").touch()
    assert "empty" in failure(tmp_path / "empty.csv")
    (tmp_path / "folder.csv").mkdir()
    assert "not a file" in failure(tmp_path / "folder.csv")
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)) * 50)
    failure(tmp_path / "noise.csv")
    (tmp_path / "utf16.csv").write_text(frame().to_csv(index=False), encoding="utf-16")
    assert "UTF-8" in failure(tmp_path / "utf16.csv")


def test_a_truncated_csv_is_named_with_its_line(tmp_path: Path) -> None:
    path = written(frame(), tmp_path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:80], lines[80][:14]]))
    message = failure(path)
    assert "truncated" in message
    assert "line 81 has 2 fields, expected 8" in message


def test_a_line_with_too_many_fields_is_named(tmp_path: Path) -> None:
    path = written(frame(), tmp_path)
    lines = path.read_text().splitlines()
    lines[50] += ",500"
    path.write_text("\n".join(lines))
    assert "line 51 has 9 fields, expected 8" in failure(path)


@pytest.mark.parametrize("keep", [4, 100, 0.5, 0.9, 0.999])
def test_a_truncated_parquet_is_named(tmp_path: Path, keep: float) -> None:
    path = written(frame(), tmp_path, "parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep if keep > 1 else keep * len(whole))])
    assert "truncated or damaged" in failure(path)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_rows_and_bytes_are_capped(tmp_path: Path, kind: str) -> None:
    path = written(frame(), tmp_path, kind)
    assert "more than the cap of 100" in failure(path, max_rows=100)
    assert "more than the cap of 1,000" in failure(path, max_bytes=1000)
    load_panel(path, max_rows=120)


def test_unknown_market_and_format(tmp_path: Path) -> None:
    path = written(frame(), tmp_path)
    with pytest.raises(LoadError, match="market is 'us'"):
        load_panel(path, market="us")
    with pytest.raises(LoadError, match="format is 'xls'"):
        load_panel(path, format="xls")
    with pytest.raises(LoadError, match="no parquet file: it does not begin with PAR1"):
        load_panel(path, format="parquet")


def test_a_repeated_column_is_refused(tmp_path: Path) -> None:
    path = written(frame(), tmp_path)
    path.write_text(path.read_text().replace("pre_close", "close", 1))
    assert "'close' appears more than once" in failure(path)


# -- report ---------------------------------------------------------------------------------------


def test_report_says_what_the_file_holds(tmp_path: Path) -> None:
    rows = frame().assign(amount=lambda r: r["volume"] * r["close"], adj_factor=1.0)
    rows.loc[20, "adj_factor"] = 2.0
    text = report(written(rows.sample(frac=1, random_state=1), tmp_path))
    for words in (
        "market 'cn'", "rows        120", "40 from 2024-01-02 to 2024-02-26", "3 from SH600000 to SZ000001",
        "volume in shares, amount in yuan", "pre_close and board", "limit_up 0.000%", "on 2 rows", "sorted",
    ):  # fmt: skip
        assert words in text
    assert "market 'none'" in report(written(rows.replace(dict.fromkeys(SYMBOLS, "A")).iloc[:9], tmp_path))


@pytest.mark.parametrize(
    ("volume", "amount", "words"),
    [(1, 1, "volume in shares, amount in yuan"), (100, 1, "lots of 100, amount in yuan, converted"),
     (100, 1000, "lots of 100, amount in thousands of yuan, converted"),
     (1, 1000, "shares, amount in thousands of yuan, converted"),
     (1, 10_000, "shares, amount in units of 10,000 yuan, converted"),
     (100, 10_000, "lots of 100, amount in units of 10,000 yuan, converted")],
)  # fmt: skip
def test_units_are_guessed_from_amount_converted_and_noted(
    tmp_path: Path, volume: float, amount: float, words: str
) -> None:
    rows = frame().assign(amount=lambda r: r["volume"] * r["close"])
    given = rows.assign(volume=rows["volume"] / volume, amount=rows["amount"] / amount)
    panel, wanted = load_panel(written(given, tmp_path)), load_panel(written(rows, tmp_path))
    units = panel.notes["units"]
    assert words in str(units)
    assert "guessed" in str(units)
    assert units.agreement == 1
    np.testing.assert_array_equal(panel.fields["volume"], wanted.fields["volume"])
    np.testing.assert_allclose(panel.fields["amount"], wanted.fields["amount"], rtol=1e-12)


def test_units_that_explain_nothing_are_refused(tmp_path: Path) -> None:
    rows = frame().assign(amount=lambda r: r["volume"] * r["close"] / 7e6)
    assert "units of volume or amount are other ones" in failure(written(rows, tmp_path))


def test_missing_weeks_in_the_calendar_are_reported(tmp_path: Path) -> None:
    rows = frame()
    rows = rows[(rows["date"] < "2024-01-10") | (rows["date"] > "2024-01-30")]
    assert load_panel(written(rows, tmp_path)).notes["calendar_holes"] == ["2024-01-09..2024-01-31"]


def test_a_file_without_ex_dates_is_remarked_upon(tmp_path: Path) -> None:
    rows = frame(n_days=900)
    assert "only 0 ex-dates in 11 years of stocks" in report(written(rows, tmp_path))
    for row in range(100, 2700, 300):  # nine of them
        rows.loc[row, "pre_close"] = (rows.loc[row, "pre_close"] - 0.05).round(2)
    text = report(written(rows, tmp_path))
    assert "years of stocks" not in text
    assert "9 ex-dates" in text
