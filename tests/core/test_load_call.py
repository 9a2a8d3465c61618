"""What a caller may pass, and files at the edge: cut at the end, listed on the first day, a calendar with holes."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import source_shapes as shapes

from lib.errors import LoadError, ParameterError
from lib.load import load_panel
from lib.load.quality.measures import Rules
from lib.load.quality.report import report_lines

ROWS = shapes.market()
DAYS = shapes.DAYS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return shapes.write_record_csv(ROWS, tmp_path)


# ------------------------------------------------------------------------------------------ arguments


@pytest.mark.parametrize(
    "end", [DAYS[9], DAYS[9].replace("-", ""), int(DAYS[9].replace("-", "")), date.fromisoformat(DAYS[9]),
            np.datetime64(DAYS[9]),
            datetime.fromisoformat(f"{DAYS[9]}T15:00"), pd.Timestamp(DAYS[9])]
)  # fmt: skip
def test_a_day_may_be_written_in_every_usual_way(path: Path, end: Any) -> None:
    panel = load_panel(path, start=DAYS[2].replace("-", ""), end=end)
    assert [str(panel.dates[0]), str(panel.dates[-1])] == [DAYS[2], DAYS[9]]


@pytest.mark.parametrize("day", ["2024", "20240", "2024-1-9", "2024-13-01", "abc", "", 2024, np.datetime64("NaT")])
@pytest.mark.parametrize("name", ["start", "end"])
def test_another_spelling_is_refused_and_not_taken_for_a_year(path: Path, name: str, day: Any) -> None:
    with pytest.raises(LoadError, match=rf"^{name} is .*; expected a date, or text such as 2024-01-31 or 20240131$"):
        load_panel(path, **{name: day})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("missing_budget", None, "a share from 0 to 1"), ("missing_budget", "x", "a share from 0 to 1"),
        ("missing_budget", 1.5, "a share from 0 to 1"), ("missing_budget", float("nan"), "a share from 0 to 1"),
        ("max_rows", None, "a whole number"), ("max_rows", 0, "a whole number"), ("max_bytes", 2.5, "a whole number"),
        ("universe", 5, "the name of a column"),
    ],
)  # fmt: skip
def test_an_argument_of_the_wrong_kind_is_named(path: Path, name: str, value: Any, words: str) -> None:
    with pytest.raises(LoadError, match=rf"^{name} is .*; expected {words}"):
        load_panel(path, **{name: value})


@pytest.mark.parametrize("nothing", ["", "  ", None, 5])
def test_no_path_is_not_the_current_folder(nothing: Any) -> None:
    with pytest.raises(LoadError, match=r"^path is .*; expected a file or a folder$"):
        load_panel(nothing)


@pytest.mark.parametrize(
    "wrong", [{"window": 2.5}, {"window": None}, {"window": True}, {"min_history": "a"}, {"min_history": 2.5},
              {"max_idle": [1]}, {"outlier": "3"}]
)  # fmt: skip
def test_thresholds_of_the_wrong_kind_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=f"^{next(iter(wrong))} = "):
        Rules(**wrong)


# ---------------------------------------------------------------------------------------------- cut files


def test_a_file_cut_after_a_comma_is_truncated(path: Path) -> None:
    text = path.read_text().rstrip("\n")
    lines = text.split("\n")
    path.write_text(text[: text.rindex(",") + 1])
    with pytest.raises(LoadError, match=rf"^record.csv: the file is truncated: line {len(lines)} ends after a comma$"):
        load_panel(path)


def test_a_file_without_a_last_line_break_is_counted(path: Path) -> None:
    assert load_panel(path).notes["unfinished_files"] == 0
    whole = load_panel(path).fingerprint()
    path.write_text(path.read_text().rstrip("\n"))
    panel = load_panel(path)
    assert panel.notes["unfinished_files"] == 1 and panel.fingerprint() == whole
    assert ("note", "1 CSV files end without a line break: the last number may be cut off") in report_lines(panel)


def test_an_empty_last_column_is_no_cut(tmp_path: Path) -> None:
    path = tmp_path / "record.csv"
    shapes.record(ROWS).assign(industry="").to_csv(path, index=False)
    path.write_text(path.read_text().rstrip("\n"))
    assert load_panel(path).shape == (30, 4)


def test_a_last_line_longer_than_what_is_looked_at(tmp_path: Path) -> None:
    frame = shapes.record(ROWS).assign(remark="")
    frame.loc[frame.index[-1], "remark"] = "x" * 70_000
    path = tmp_path / "record.csv"
    path.write_text(frame.to_csv(index=False).rstrip("\n"))
    assert load_panel(path).shape == (30, 4)


# ------------------------------------------------------------------------------- first days, calendar


def new_stock(rows: int = 60) -> pd.DataFrame:
    """A stock of the STAR board from its listing day on: up by 150 %, by 40 %, then quiet."""
    close = np.round(np.r_[25.0, 35.0, 35.0 * np.cumprod(1 + 0.01 * np.sin(np.arange(rows - 2)))], 2)
    before = np.r_[10.0, close[:-1]]
    dates = np.busday_offset("2024-01-02", np.arange(rows), roll="forward").astype(str)
    return pd.DataFrame(
        {"date": dates, "symbol": "SH688001", "open": close, "high": close, "low": close, "close": close,
         "pre_close": before, "volume": 1000}
    )  # fmt: skip


def test_a_history_that_begins_on_the_listing_day_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "record.csv"
    new_stock().to_csv(path, index=False)
    panel = load_panel(path)
    assert panel.notes["closes_beyond_limit"] == 2
    assert panel.reasons[:3, 0].tolist() == [0, 0, 0], "nothing says that it is new, but no limit was in force"
    assert panel.notes["beyond_every_limit"] == ["2024-01-02 SH688001", "2024-01-03 SH688001"]


def test_prices_beyond_the_limits_later_on_are_refused(tmp_path: Path) -> None:
    path, frame = tmp_path / "record.csv", new_stock()
    for row in (20, 30):
        frame.loc[row, "pre_close"] = 20.0
    frame.to_csv(path, index=False)
    with pytest.raises(LoadError, match=r"2 of 60 closes .* beyond the daily limit"):
        load_panel(path)
    frame.loc[30, "pre_close"] = frame.loc[29, "close"]
    frame.to_csv(path, index=False)
    assert load_panel(path).notes["closes_beyond_limit"] == 3, "one is no pattern"


def test_lost_days_and_weekend_sessions_are_named(tmp_path: Path) -> None:
    frame = new_stock()
    lost, moved = frame["date"][16], frame["date"][29]  # a Wednesday; a Monday that becomes a Saturday
    saturday = str(np.datetime64(moved) - 2)
    frame = frame[frame["date"] != lost].replace({"date": {moved: saturday}})
    frame.to_csv(tmp_path / "record.csv", index=False)
    panel = load_panel(tmp_path / "record.csv")
    assert panel.notes["weekdays_missing_alone"] == [lost]
    assert panel.notes["weekend_sessions"] == [saturday]
    said = [text for subject, text in report_lines(panel) if subject == "note"]
    assert any(lost in text and "between two sessions" in text for text in said)
    assert f"1 sessions are on a weekend: {saturday}" in said
