"""What is kept of a download, and what is asked again: open periods, empty answers, another range. No network."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import source_shapes as shapes
from fetch_clients import CLIENTS, END, START, AkShare, Tushare, got, own

from lib.errors import LoadError
from lib.load import load_panel
from lib.load.fetch import fetch


@pytest.mark.parametrize("source", CLIENTS)
def test_a_period_that_is_still_open_is_fetched_again(tmp_path: Path, source: str) -> None:
    def run(today: str) -> Any:
        return got(source, tmp_path, CLIENTS[source](), today=today)

    first = run(END)  # the last day is not over
    n = first.fetched + first.empty
    moving = 4 if source != "tushare" else 5 + 1  # the tables of the last day, and the list of stocks
    assert (first.kept, first.not_final) == (0, moving)
    again = run(END)
    assert (again.kept, again.not_final) == (n - moving, moving)
    over = run("2024-02-13")  # the day after: what was stored on the day itself is not taken for whole
    assert (over.kept, over.not_final) == (n - moving, 0)
    assert (run("2024-02-13").kept, run("2025-02-13").kept) == (n, n)


def test_an_end_in_the_future(tmp_path: Path) -> None:
    ends = []

    def hist(symbol: str, start_date: str, end_date: str, **_: str) -> pd.DataFrame:
        ends.append(end_date)
        return shapes.history(own(symbol)).drop(columns="hfq_factor")

    def run(today: str) -> Any:
        client = SimpleNamespace(stock_zh_a_hist=hist, stock_zh_a_daily=AkShare().stock_zh_a_daily)
        return fetch("akshare", tmp_path, START, "2099-12-31", ["600000"], progress=False, today=today, client=client)

    assert [run(day).fetched for day in ("2026-01-05", "2026-01-05", "2099-12-31", "2100-01-01", "2100-01-01")] == [
        1, 1, 1, 1, 0
    ]  # fmt: skip
    assert ends == ["20991231"] * 4
    assert str(run("2099-01-01")).endswith("; 1 not final, their last day is not over")


def test_tushare_is_not_asked_for_days_that_have_not_come(tmp_path: Path) -> None:
    client = Tushare()
    real = client.__getattr__

    def daily(trade_date: str, **page: int) -> pd.DataFrame:
        table = real("daily")(trade_date=trade_date, **page)
        return table.iloc[:0] if trade_date == "20240104" else table  # today, before the close

    client.daily = daily  # type: ignore[attr-defined]
    summary = got("tushare", tmp_path, client, today=shapes.DAYS[2])
    assert {call.split()[1] for call in client.calls} == {day.replace("-", "") for day in shapes.DAYS[:3]}
    assert sorted(path.name for path in (tmp_path / "daily").iterdir()) == ["20240102.parquet", "20240103.parquet"]
    assert summary.not_final == 6
    del client.daily  # type: ignore[attr-defined]
    assert got("tushare", tmp_path, client, today=END).kept == 2 * 5
    with pytest.raises(LoadError, match="no trading day from 2024-01-02 to 2024-01-01"):
        got("tushare", tmp_path, client, today="2024-01-01")


def test_a_file_of_the_time_before_pages_is_fetched_again(tmp_path: Path) -> None:
    got("tushare", tmp_path, Tushare())
    path = tmp_path / "stk_limit" / "20240102.parquet"
    cut_short = pq.read_table(path).slice(0, 1)
    request = '{"call": "stk_limit", "trade_date": "20240102"}'  # what such a file was marked with
    pq.write_table(cut_short.replace_schema_metadata({"fetched": request}), path)
    assert got("tushare", tmp_path, Tushare()).fetched == 1
    assert pq.read_table(path).num_rows == 3


class Ranged(AkShare):
    """stock_zh_a_hist that has rows within the sample only, and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def stock_zh_a_hist(self, symbol: str, start_date: str, end_date: str, **_: str) -> pd.DataFrame:  # type: ignore[override]
        self.asked += 1
        whole = shapes.history(own(symbol)).drop(columns="hfq_factor")
        days = whole["日期"].str.replace("-", "")
        return whole[(days >= start_date) & (days <= end_date)].reset_index(drop=True)


def test_an_empty_answer_removes_the_rows_of_another_range(tmp_path: Path) -> None:
    client, full, none = Ranged(), (START, END), ("2023-01-03", "2023-06-30")

    def run(span: tuple[str, str]) -> tuple[int, int, int]:
        summary = fetch("akshare", tmp_path, *span, ["600000"], client=client, progress=False)
        return summary.fetched, summary.kept, summary.empty

    assert run(full) == (1, 0, 0)
    assert run(none) == (0, 0, 1)
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".parquet"]
    with pytest.raises(LoadError, match="without any"):
        load_panel(tmp_path)
    assert run(none) == (0, 1, 0)  # a range that is over and has no rows is final too
    assert run(full) == (1, 0, 0)
    assert run(none) == (0, 0, 1)  # not taken from the mark of the first time: the file is of another range
    assert client.asked == 4


def test_an_empty_answer_for_an_open_period_is_asked_again(tmp_path: Path) -> None:
    client = Ranged()

    def run(today: str) -> tuple[int, int, int]:
        summary = fetch("akshare", tmp_path, "2025-01-02", "2025-12-31", ["600000"], client=client, progress=False,
                        today=today)  # fmt: skip
        return summary.fetched, summary.kept, summary.empty

    assert [run(day) for day in ("2025-12-30", "2025-12-31", "2026-01-01", "2026-01-02")] == [(0, 0, 1)] * 3 + [
        (0, 1, 0)
    ]
    assert client.asked == 3


def test_a_kill_between_removal_and_mark_leaves_no_stale_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Ranged()

    def run(start: str, end: str) -> Any:
        return fetch("akshare", tmp_path, start, end, ["600000"], client=client, progress=False)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    run(START, END)
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["lib.load.fetch.download"], "write_bytes", killed)
        with pytest.raises(KeyboardInterrupt):
            run("2023-01-03", "2023-06-30")
    assert not list(tmp_path.iterdir())
    assert run("2023-01-03", "2023-06-30").empty == 1
