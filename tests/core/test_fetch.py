"""Downloads against stand-ins that answer in the recorded shape of each source: no network."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import source_shapes as shapes
from fetch_clients import CAP, CLIENTS, END, ROWS, START, AkShare, Baostock, Tushare, cut, got
from test_load_sources import true_reasons, truth

from lib.__main__ import main
from lib.errors import LoadError, ParameterError
from lib.load import load_panel
from lib.load.fetch import fetch
from lib.load.fetch.download import RetryPolicy


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
    summary = got("akshare", tmp_path, client, retries=RetryPolicy(longest=5.0, sleep=pauses.append))
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
    quick = RetryPolicy(tries=2, sleep=lambda _: None)
    with pytest.raises(LoadError) as caught:
        got("akshare", tmp_path, client, retries=quick)
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
            retries=RetryPolicy(tries=1, give_up_after=2, sleep=lambda _: None))  # fmt: skip
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
        got("baostock", tmp_path, client, retries=RetryPolicy(tries=1, sleep=lambda _: None))
    assert client.log == ["in"] * 4 + ["out"]  # in again after each failure, for a dropped session fails like this
    refusing = SimpleNamespace(login=lambda: SimpleNamespace(error_code="1", error_msg="no"))
    with pytest.raises(LoadError, match=r"baostock, login: error 1: no \(tried 1 times\)"):
        got("baostock", tmp_path, refusing, retries=RetryPolicy(tries=1))


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
     ("akshare", "2024/01/02", ["600000"], "start is '2024/01/02', which is not a date; expected a date"),
     ("akshare", None, ["600000"], "start is None, which is not a date"),
     ("akshare", "2025-01-02", ["600000"], "is before start 2025-01-02"),
     ("akshare", 20250102, ["600000"], "is before start 2025-01-02"),
     ("akshare", pd.Timestamp("2025-01-02"), ["600000"], "is before start 2025-01-02"),
     ("akshare", START, [600000], "symbol 600000: expected 600000, .* as text"),
     ("akshare", START, ["SH300750"], "symbol 'SH300750': expected"),
     ("akshare", START, ["1"], "symbol '1': expected 600000"),
     ("akshare", START, [], "akshare is asked stock by stock"),
     ("baostock", START, [], "baostock is asked stock by stock")],
)  # fmt: skip
def test_bad_requests(tmp_path: Path, source: str, start: Any, symbols: list[Any], words: str) -> None:
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


# -- answers at the vendor's cap --------------------------------------------------------------------


class Crowded(Tushare):
    """A day on which stk_limit has more rows than one call gives: funds and B shares among them."""

    def __init__(self, n: int) -> None:
        super().__init__()
        codes = [f"{code:06d}.SZ" for code in range(n)]
        self.limits = pd.DataFrame(
            {"trade_date": START.replace("-", ""), "ts_code": codes, "up_limit": np.arange(n) + 0.5, "down_limit": 0.25}
        )

    def stk_limit(self, trade_date: str, limit: int = CAP, offset: int = 0) -> pd.DataFrame:
        self.calls.append(f"stk_limit {trade_date}")
        return cut(self.limits, limit, offset)


def one_day(folder: Path, client: Any, **more: Any) -> Any:
    return fetch("tushare", folder, START, START, client=client, progress=False, **more)


@pytest.mark.parametrize("n", [1, 3_999, 4_000, 4_001, 5_000, 5_799, 5_800, 5_801, 8_000, 12_000])
def test_a_table_beyond_the_cap_arrives_whole(tmp_path: Path, n: int) -> None:
    client = Crowded(n)
    one_day(tmp_path, client)
    stored = pd.read_parquet(next((tmp_path / "stk_limit").iterdir()))
    pd.testing.assert_frame_equal(stored, client.limits)


def test_a_column_that_is_empty_on_one_page_keeps_its_values_on_the_others(tmp_path: Path) -> None:
    client = Crowded(9_000)
    client.limits["note"] = [None] * 8_999 + ["funds"]
    client.limits["never"] = None
    one_day(tmp_path, client)
    stored = pd.read_parquet(next((tmp_path / "stk_limit").iterdir()))
    assert list(stored) == list(client.limits)
    assert stored["note"].notna().sum() == 1
    assert stored["note"].iloc[-1] == "funds"
    np.testing.assert_array_equal(stored["up_limit"], client.limits["up_limit"])


@pytest.mark.parametrize("n", [5_800, 7_100])
@pytest.mark.parametrize("obeys_limit", [False, True])
def test_a_client_that_ignores_the_offset_is_not_believed(tmp_path: Path, n: int, obeys_limit: bool) -> None:
    client = Crowded(n)
    real, calls = client.stk_limit, []

    def first_page(trade_date: str, limit: int = CAP, offset: int = 0) -> pd.DataFrame:
        calls.append(offset)
        return real(trade_date, limit if obeys_limit else CAP)

    client.stk_limit = first_page  # type: ignore[method-assign]
    with pytest.raises(LoadError, match=r"1 of 6 downloads failed, first stk_limit/20240102: .* the same rows again"):
        one_day(tmp_path, client)
    assert len(calls) == 2  # told at once: another try would not improve it
    assert not (tmp_path / "stk_limit").exists()


def test_pages_that_overlap_are_asked_again(tmp_path: Path) -> None:
    client = Crowded(7_100)
    real, slips = client.stk_limit, [1]

    def slipping(trade_date: str, limit: int = CAP, offset: int = 0) -> pd.DataFrame:
        if offset and slips:
            offset -= slips.pop()  # a row came in front between two pages
        return real(trade_date, limit, offset)

    client.stk_limit = slipping  # type: ignore[method-assign]
    pauses: list[float] = []
    one_day(tmp_path, client, retries=RetryPolicy(sleep=pauses.append))
    assert pauses == [1.0]
    pd.testing.assert_frame_equal(pd.read_parquet(next((tmp_path / "stk_limit").iterdir())), client.limits)


# -- before the first file: calendar, interface, login ------------------------------------------------


@pytest.mark.parametrize("heals", [True, False])
def test_a_calendar_that_fails_is_asked_again(tmp_path: Path, heals: bool) -> None:
    client, pauses, left = Tushare(), [], [2 if heals else 99]
    real = client.trade_cal

    def refused(**options: Any) -> pd.DataFrame:
        if left[0]:
            left[0] -= 1
            raise Exception("no permission for this interface")
        return real(**options)

    client.trade_cal = refused  # type: ignore[method-assign]
    retries = RetryPolicy(tries=3, sleep=pauses.append)
    if heals:
        assert got("tushare", tmp_path, client, retries=retries).fetched > 100
    else:
        with pytest.raises(LoadError, match=r"tushare, trade_cal: Exception: no permission .* \(tried 3 times\)"):
            got("tushare", tmp_path, client, retries=retries)
    assert pauses == [1.0, 2.0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [(pd.DataFrame(), "no trading day from 2024-01-02 to"), (None, "no trading day from 2024-01-02 to"),
     (pd.DataFrame({"day": ["20240102"]}), "the answer has no column cal_date; it has day"),
     (pd.DataFrame({"cal_date": ["soon"]}), "cal_date 'soon' is no day")],
)  # fmt: skip
def test_a_calendar_without_days_is_told(tmp_path: Path, answer: pd.DataFrame | None, words: str) -> None:
    client = Tushare()
    client.trade_cal = lambda **_: answer  # type: ignore[method-assign, assignment]
    with pytest.raises(LoadError, match=f"tushare, trade_cal: {words}"):
        got("tushare", tmp_path, client)
    assert not client.calls


def test_an_interface_that_does_not_open_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [1]

    def pro_api() -> Tushare:
        if left[0]:
            left[0] -= 1
            raise Exception("api init error")
        return Tushare()

    monkeypatch.setitem(sys.modules, "tushare", SimpleNamespace(pro_api=pro_api))
    pauses: list[float] = []
    assert one_day(tmp_path, None, retries=RetryPolicy(sleep=pauses.append)).fetched == 5
    assert pauses == [1.0]
    left[0] = 99
    with pytest.raises(LoadError, match=r"tushare, pro_api: Exception: api init error \(tried 2 times\)"):
        one_day(tmp_path, None, retries=RetryPolicy(tries=2, sleep=pauses.append))


def test_a_login_and_a_logout_that_fail(tmp_path: Path) -> None:
    client, pauses, left = Baostock(), [], [2]
    real = client.login

    def login() -> SimpleNamespace:
        if left[0]:
            left[0] -= 1
            raise ConnectionError("refused")
        return real()

    def logout() -> None:
        client.log.append("out")
        raise ConnectionError("gone")

    client.login, client.logout = login, logout  # type: ignore[method-assign]
    assert got("baostock", tmp_path, client, retries=RetryPolicy(sleep=pauses.append)).fetched == 4
    assert (client.log, pauses) == (["in", "out"], [1.0, 2.0])
    left[0] = 99
    with pytest.raises(LoadError, match=r"baostock, login: ConnectionError: refused \(tried 2 times\)"):
        got("baostock", tmp_path, client, retries=RetryPolicy(tries=2, sleep=pauses.append))
    assert client.log == ["in", "out"]  # nobody logs out who did not log in


def test_a_session_that_the_server_dropped_is_logged_in_again(tmp_path: Path) -> None:
    client = Baostock()
    real, asked = client.query_history_k_data_plus, []

    def query(code: str, fields: str, **options: str) -> Any:
        asked.append(code)
        if len(asked) >= 3 and client.log.count("in") == 1:
            return SimpleNamespace(error_code="10001001", error_msg="you don't login.")
        return real(code, fields, **options)

    client.query_history_k_data_plus = query  # type: ignore[method-assign]
    pauses: list[float] = []
    assert got("baostock", tmp_path, client, retries=RetryPolicy(sleep=pauses.append)).fetched == 4
    assert (client.log, pauses) == (["in", "in", "out"], [1.0])
    assert asked == ["sh.600000", "sh.688001", "sz.000001", "sz.000001", "sz.300750"]


# -- other errors that are one line ---------------------------------------------------------------------


def test_a_column_of_mixed_types_fails_that_file_alone(tmp_path: Path) -> None:
    client = AkShare()
    real, asked = client.stock_zh_a_hist, []

    def mixed(**options: str) -> pd.DataFrame:
        asked.append(options["symbol"])
        frame = real(**options)
        if options["symbol"] == "688001":
            frame["收盘"] = frame["收盘"].astype(object)
            frame.loc[3, "收盘"] = "--"
        return frame

    client.stock_zh_a_hist = mixed  # type: ignore[method-assign, assignment]
    with pytest.raises(LoadError, match=r"1 of 4 downloads failed, first SH688001: .*cannot be stored.*收盘"):
        got("akshare", tmp_path, client)
    assert len(asked) == 4
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["SH600000", "SZ000001", "SZ300750"]


@pytest.mark.parametrize("source", CLIENTS)
def test_a_folder_that_is_a_file_is_told_before_anything_is_asked(tmp_path: Path, source: str) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    for out in (taken, taken / "below"):
        with pytest.raises(LoadError, match=r"cannot make the folder .*taken.*: .*; name another one"):
            got(source, out, SimpleNamespace())
    assert taken.read_text() == "mine"


def test_on_the_command_line_it_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("mine")
    words = ["--symbols", "600000", "--start", START, "--end", END, "--out", str(tmp_path / "taken")]
    assert main(["fetch", "akshare", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("LoadError: cannot make the folder")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "bad", [{"tries": 0}, {"give_up_after": 0}, {"first": -1.0}, {"longest": -1.0}, {"growth": 0.5}]
)
def test_patience_names_the_argument_that_is_out_of_range(bad: dict[str, Any]) -> None:
    name, value = next(iter(bad.items()))
    with pytest.raises(ParameterError, match=f"RetryPolicy: {name} is {value}; expected at least"):
        RetryPolicy(**bad)


# -- progress ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False), (None, False)])
def test_progress(tmp_path: Path, progress: bool | None, shown: bool, capsys: pytest.CaptureFixture[str]) -> None:
    fetch("akshare", tmp_path, START, END, shapes.STOCKS, client=AkShare(), progress=progress)
    out, error = capsys.readouterr()
    assert out == ""
    assert ("4/4" in error and "file/s" in error) == shown  # None: no bar where nobody looks
    assert shown or error == ""
