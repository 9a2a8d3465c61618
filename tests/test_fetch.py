"""Downloads against stand-ins that answer in the recorded shape of each source: no network."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import source_shapes as shapes
from test_load_sources import true_reasons, truth

from lib.__main__ import main
from lib.errors import LoadError
from lib.load import load_panel
from lib.load.fetch import fetch
from lib.load.fetch.download import Patience

ROWS = shapes.market()
START, END = shapes.DAYS[0], shapes.DAYS[-1]


def own(code: str) -> list[shapes.Row]:
    return [row for row in ROWS if row.stock[2:] == code]


class AkShare:
    """stock_zh_a_hist and stock_zh_a_daily of the hand-made market."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def stock_zh_a_hist(self, symbol: str, period: str, start_date: str, end_date: str, adjust: str) -> pd.DataFrame:
        assert (period, adjust, start_date, end_date) == ("daily", "", START.replace("-", ""), END.replace("-", ""))
        self.calls.append(symbol)
        return shapes.history(own(symbol))

    def stock_zh_a_daily(self, symbol: str, start_date: str = "", end_date: str = "", adjust: str = "") -> pd.DataFrame:
        self.calls.append(symbol + adjust)
        frame = shapes.sina(own(symbol[2:]))
        if adjust == "":
            return frame.drop(columns="hfq_factor").assign(date=pd.to_datetime(frame["date"]).dt.date)
        factors = frame[["date", "hfq_factor"]].drop_duplicates("hfq_factor").iloc[::-1]  # newest first, as text
        return factors.assign(hfq_factor=factors["hfq_factor"].astype(str)).reset_index(drop=True)


class Tushare:
    """pro_api: tables by trading day."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def trade_cal(self, exchange: str, start_date: str, end_date: str, is_open: str) -> pd.DataFrame:
        days = [day.replace("-", "") for day in shapes.DAYS]
        assert (exchange, is_open, start_date, end_date) == ("SSE", "1", days[0], days[-1])
        return pd.DataFrame({"exchange": exchange, "cal_date": days[::-1], "is_open": 1})

    def stock_basic(self, list_status: str, fields: str) -> pd.DataFrame:
        frame = shapes.ts_stocks(ROWS)[fields.split(",")]
        return frame if list_status == "L" else frame.iloc[:0]

    def __getattr__(self, name: str) -> Callable[[str], pd.DataFrame]:
        make = {"daily": shapes.ts_daily, "stk_limit": shapes.ts_limits, "daily_basic": shapes.ts_basic,
                "adj_factor": shapes.ts_factors}  # fmt: skip

        def table(trade_date: str) -> pd.DataFrame:
            self.calls.append(f"{name} {trade_date}")
            if name == "suspend_d":
                whole = shapes.ts_suspensions(ROWS)
                return whole[whole["trade_date"] == trade_date]
            return make[name]([row for row in ROWS if row.date.replace("-", "") == trade_date])

        return table


class Baostock:
    """login, logout and a result that is read row by row."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def login(self) -> SimpleNamespace:
        self.log.append("in")
        return SimpleNamespace(error_code="0", error_msg="success")

    def logout(self) -> None:
        self.log.append("out")

    def query_history_k_data_plus(self, code: str, fields: str, **options: str) -> Any:
        assert options == {"start_date": START, "end_date": END, "frequency": "d", "adjustflag": "3"}
        frame = shapes.baostock(own(code[3:]))
        frame = frame.reindex(columns=fields.split(","), fill_value="")
        rows = iter(frame.to_numpy().tolist())
        held: list[list[str]] = []

        def step() -> bool:
            held[:] = [row for row in [next(rows, None)] if row]
            return bool(held)

        return SimpleNamespace(
            error_code="0", error_msg="", fields=list(frame.columns), next=step, get_row_data=lambda: held[0]
        )


CLIENTS = {"akshare": AkShare, "akshare_daily": AkShare, "tushare": Tushare, "baostock": Baostock}


def got(source: str, folder: Path, client: Any, **more: Any) -> Any:
    symbols = () if source == "tushare" else shapes.STOCKS
    return fetch(source, folder, START, END, symbols, client=client, progress=False, **more)


@pytest.mark.parametrize("source", CLIENTS)
def test_what_is_fetched_is_read_as_the_same_panel(tmp_path: Path, source: str) -> None:
    summary = got(source, tmp_path, CLIENTS[source]())
    assert summary.fetched >= 4
    panel = load_panel(tmp_path)
    assert panel.notes["format"] == source
    np.testing.assert_array_equal(panel.reasons, true_reasons())
    np.testing.assert_array_equal(panel.fields["close"], truth("close") / 100)
    np.testing.assert_array_equal(panel.fields["volume"], truth("volume"))


@pytest.mark.parametrize("source", ["akshare", "tushare"])
def test_the_same_request_asks_nothing_and_another_one_asks_again(tmp_path: Path, source: str) -> None:
    client = CLIENTS[source]()
    first = got(source, tmp_path, client)
    asked = len(client.calls)
    again = got(source, tmp_path, client)
    assert len(client.calls) == asked
    assert (again.fetched, again.kept) == (0, first.fetched + first.empty)
    assert first.empty == (0 if source == "akshare" else 30 - 5)  # days on which suspend_d says nothing
    if source == "akshare":
        (tmp_path / "SH600000.parquet").write_bytes(b"PAR1 half a file")
        assert got(source, tmp_path, client).fetched == 1
        assert client.calls[asked:] == ["600000", "sh600000hfq-factor"]


def test_a_failing_source_is_asked_again_after_growing_pauses(tmp_path: Path) -> None:
    client, pauses, left = AkShare(), [], [4]
    real = client.stock_zh_a_hist

    def flaky(**options: str) -> pd.DataFrame:
        if options["symbol"] == "000001" and left[0]:
            left[0] -= 1
            raise ConnectionError("reset by peer")
        return real(**options)

    client.stock_zh_a_hist = flaky  # type: ignore[method-assign, assignment]
    summary = got("akshare", tmp_path, client, patience=Patience(longest=5.0, sleep=pauses.append))
    assert summary.fetched == 4
    assert pauses == [1.0, 2.0, 4.0, 5.0]


def test_what_fails_in_the_end_is_named_and_the_rest_is_kept_for_the_next_run(tmp_path: Path) -> None:
    client = AkShare()
    real = client.stock_zh_a_hist

    def broken(**options: str) -> pd.DataFrame:
        if options["symbol"] == "000001":
            raise ConnectionError("reset\nby peer")
        return real(**options)

    client.stock_zh_a_hist = broken  # type: ignore[method-assign, assignment]
    quick = Patience(tries=2, sleep=lambda _: None)
    with pytest.raises(LoadError) as caught:
        got("akshare", tmp_path, client, patience=quick)
    assert str(caught.value) == (
        "1 of 4 downloads failed, first SZ000001: ConnectionError: reset by peer (tried 2 times); "
        "the others are stored, the same command goes on from there"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{symbol}.parquet" for symbol in ("SH600000", "SH688001", "SZ300750")
    ]
    client.stock_zh_a_hist = real  # type: ignore[method-assign]
    summary = got("akshare", tmp_path, client)
    assert (summary.fetched, summary.kept) == (1, 3)


def test_a_source_that_is_down_is_left_alone(tmp_path: Path) -> None:
    calls = []

    def down(**options: str) -> pd.DataFrame:
        calls.append(options)
        raise TimeoutError("no answer")

    with pytest.raises(LoadError, match="2 of 4 downloads failed"):
        got("akshare", tmp_path, SimpleNamespace(stock_zh_a_hist=down),
            patience=Patience(tries=1, give_up_after=2, sleep=lambda _: None))  # fmt: skip
    assert len(calls) == 2


def test_an_answer_in_another_shape_is_not_asked_for_again(tmp_path: Path) -> None:
    calls = []

    def other(**options: str) -> pd.DataFrame:
        calls.append(options)
        return shapes.history(ROWS).rename(columns={"收盘": "close"})

    with pytest.raises(LoadError, match="the answer has no column 收盘"):
        fetch(
            "akshare", tmp_path, START, END, ["600000"], client=SimpleNamespace(stock_zh_a_hist=other), progress=False
        )
    assert len(calls) == 1
    assert not list(tmp_path.iterdir())


def test_an_error_of_baostock_is_told_and_it_is_logged_out(tmp_path: Path) -> None:
    client = Baostock()
    client.query_history_k_data_plus = lambda *a, **k: SimpleNamespace(error_code="10002007", error_msg="网络接收错误")  # type: ignore[method-assign]
    with pytest.raises(LoadError, match="10002007: 网络接收错误"):
        got("baostock", tmp_path, client, patience=Patience(tries=1, sleep=lambda _: None))
    assert client.log == ["in", "out"]
    refusing = SimpleNamespace(login=lambda: SimpleNamespace(error_code="1", error_msg="no"))
    with pytest.raises(LoadError, match="baostock, login: error 1: no"):
        got("baostock", tmp_path, refusing)


@pytest.mark.parametrize("source", ["akshare", "akshare_daily", "baostock", "tushare"])
def test_a_missing_library_names_the_extra(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("akshare", "baostock", "tushare"):
        monkeypatch.setitem(sys.modules, name, None)
    words = ["fetch", source, "--symbols", "600000", "--start", START, "--end", END, "--out", str(tmp_path)]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "extra `data`: pip install -e '.[data]'" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("source", "start", "symbols", "words"),
    [("akshar", START, ["600000"], "unknown source 'akshar'; did you mean 'akshare'"),
     ("akshare", "2024/01/02", ["600000"], "start is '2024/01/02'; expected YYYY-MM-DD"),
     ("akshare", "2025-01-02", ["600000"], "is before start 2025-01-02"),
     ("akshare", START, ["1"], "symbol '1': expected 600000"),
     ("akshare", START, [], "akshare is asked stock by stock"),
     ("baostock", START, [], "baostock is asked stock by stock")],
)  # fmt: skip
def test_bad_requests(tmp_path: Path, source: str, start: str, symbols: list[str], words: str) -> None:
    with pytest.raises(LoadError, match=words):
        fetch(source, tmp_path, start, END, symbols, client=AkShare())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["akshare", "baostock", "tushare"])
def test_installed_libraries_have_the_functions_that_are_called(name: str) -> None:
    """Runs where the extra `data` is installed; importing is all it does."""
    module = pytest.importorskip(name)
    functions = {"akshare": ["stock_zh_a_hist", "stock_zh_a_daily"], "tushare": ["pro_api"],
                 "baostock": ["login", "logout", "query_history_k_data_plus"]}  # fmt: skip
    assert all(callable(getattr(module, function)) for function in functions[name])
