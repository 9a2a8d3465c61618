"""Baostock: query_history_k_data_plus by code, unadjusted (adjustflag 3), as the text it answers with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from lib.errors import LoadError
from lib.load.fetch.download import Job, Request, about, library, need_symbols, with_retries
from lib.load.sources.baostock import DAILY

if TYPE_CHECKING:
    import pandas as pd

FIELDS: Final = (
    "date,code,open,high,low,close,preclose,volume,amount,adjustflag,turn,tradestatus,pctChg,peTTM,pbMRQ,psTTM,"
    "pcfNcfTTM,isST"
)


class _Session:
    """A login that is made anew after a failure: the server drops sessions, and then refuses every query."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.is_open = False

    def enter(self) -> None:
        if not self.is_open:
            _ok(self.client.login())
            self.is_open = True

    def rows(self, code: str, request: Request) -> pd.DataFrame:
        self.enter()
        try:
            return _rows(self.client, code, request)
        except Exception:
            self.is_open = False
            raise

    def leave(self) -> None:
        with suppress(Exception):  # the files are stored, and the server ends the session by itself
            self.client.logout()


@contextmanager
def daily(client: Any, request: Request) -> Iterator[list[Job]]:
    """One file a stock; logs in before and out after, and in again when a query failed.

    Raises LoadError: no symbols, or a login that failed on every try.
    """
    need_symbols("baostock", request)
    session = _Session(library("baostock") if client is None else client)
    with_retries("baostock, login", session.enter, request.retries)
    try:
        yield [_job(session, symbol, request) for symbol in request.symbols]
    finally:
        session.leave()


def _job(session: _Session, symbol: str, request: Request) -> Job:
    code = f"{symbol[:2].lower()}.{symbol[2:]}"
    what = about("query_history_k_data_plus", code=code, start=request.start, end=request.end, fields=FIELDS)
    return Job(symbol, lambda: session.rows(code, request), DAILY.needs, what, may_be_empty=True)


def _rows(client: Any, code: str, request: Request) -> pd.DataFrame:
    import pandas as pd

    answer = client.query_history_k_data_plus(
        code, FIELDS, start_date=request.start, end_date=request.end, frequency="d", adjustflag="3"
    )
    _ok(answer)
    rows = []
    while answer.next():
        rows.append(answer.get_row_data())
    _ok(answer)  # an error can come in the middle of the rows
    return pd.DataFrame(rows, columns=answer.fields, dtype=str)


def _ok(answer: Any) -> None:
    if str(answer.error_code) != "0":
        raise LoadError(f"error {answer.error_code}: {answer.error_msg}")
