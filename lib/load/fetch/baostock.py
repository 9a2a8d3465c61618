"""Baostock: query_history_k_data_plus by code, unadjusted (adjustflag 3), as the text it answers with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from lib.errors import LoadError
from lib.load.fetch.download import Job, Request, about, library, need_symbols
from lib.load.sources.baostock import DAILY

if TYPE_CHECKING:
    import pandas as pd

FIELDS: Final = (
    "date,code,open,high,low,close,preclose,volume,amount,adjustflag,turn,tradestatus,pctChg,peTTM,pbMRQ,psTTM,"
    "pcfNcfTTM,isST"
)


@contextmanager
def daily(client: Any, request: Request) -> Iterator[list[Job]]:
    """One file a stock; logs in before and out after."""
    need_symbols("baostock", request)
    client = client or library("baostock")
    _ok("login", client.login())
    try:
        yield [_job(client, symbol, request) for symbol in request.symbols]
    finally:
        client.logout()


def _job(client: Any, symbol: str, request: Request) -> Job:
    code = f"{symbol[:2].lower()}.{symbol[2:]}"

    def call() -> pd.DataFrame:
        import pandas as pd

        answer = client.query_history_k_data_plus(
            code, FIELDS, start_date=request.start, end_date=request.end, frequency="d", adjustflag="3"
        )
        _ok(code, answer)
        rows = []
        while answer.next():
            rows.append(answer.get_row_data())
        _ok(code, answer)  # an error can come in the middle of the rows
        return pd.DataFrame(rows, columns=answer.fields, dtype=str)

    what = about("query_history_k_data_plus", code=code, start=request.start, end=request.end, fields=FIELDS)
    return Job(symbol, call, DAILY.needs, what, may_be_empty=True)


def _ok(what: str, answer: Any) -> None:
    if str(answer.error_code) != "0":
        raise LoadError(f"baostock, {what}: error {answer.error_code}: {answer.error_msg}")
