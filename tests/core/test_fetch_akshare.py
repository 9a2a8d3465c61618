"""AkShare's downloads carry Sina's factor beside the raw prices, for both of its functions."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import source_shapes as shapes
from test_fetch import AkShare, got
from test_load_sources import truth

from lib.errors import LoadError
from lib.load import load_panel
from lib.load.fetch import fetch
from lib.load.fetch.download import RetryPolicy


class Recorded(AkShare):
    """As the sources answer: Eastmoney knows no factor, and Sina's table begins on its first day of all."""

    def stock_zh_a_hist(self, **options: str) -> pd.DataFrame:
        return super().stock_zh_a_hist(**options).drop(columns="hfq_factor")

    def stock_zh_a_daily(self, symbol: str, start_date: str = "", end_date: str = "", adjust: str = "") -> pd.DataFrame:
        frame = super().stock_zh_a_daily(symbol, start_date, end_date, adjust)
        return frame.replace({"date": {frame["date"].iloc[-1]: "1900-01-01"}}) if adjust else frame


@pytest.mark.parametrize("source", ["akshare", "akshare_daily"])
def test_what_is_fetched_knows_the_ex_dates(tmp_path: Path, source: str) -> None:
    got(source, tmp_path, Recorded())
    panel = load_panel(tmp_path)
    assert panel.notes["ex_dates"] == len(shapes.EX_DATES)
    wanted = truth("pre_close") / 100
    wanted[np.isfinite(wanted).argmax(axis=0), range(len(shapes.STOCKS))] = np.nan  # no row before the first
    np.testing.assert_array_equal(panel.fields["pre_close"], wanted)
    factor = truth("factor")
    np.testing.assert_allclose(panel.adj_factor[np.isfinite(factor)], factor[np.isfinite(factor)], rtol=1e-12)


def test_the_factors_of_each_stock_are_asked_for_once_and_stored_beside_its_prices(tmp_path: Path) -> None:
    client = Recorded()
    got("akshare", tmp_path, client)
    columns = pd.read_parquet(tmp_path / "SH600000.parquet").columns
    assert "hfq_factor" in columns
    assert [call for call in client.calls if call.endswith("factor")] == [
        f"{symbol.lower()}hfq-factor" for symbol in shapes.STOCKS
    ]


@pytest.mark.parametrize("source", ["akshare", "akshare_daily"])
def test_an_empty_answer_asks_for_no_factors(tmp_path: Path, source: str) -> None:
    nothing = SimpleNamespace(
        stock_zh_a_hist=lambda **_: pd.DataFrame(), stock_zh_a_daily=lambda **options: _nothing(**options)
    )
    summary = fetch(source, tmp_path, shapes.DAYS[0], shapes.DAYS[-1], ["600000"], client=nothing, progress=False)
    assert summary.empty == 1


def _nothing(adjust: str, **_: str) -> pd.DataFrame:
    assert adjust == ""
    return pd.DataFrame()


def test_factors_that_begin_too_late_are_refused(tmp_path: Path) -> None:
    client = Recorded()
    late = pd.DataFrame({"date": ["2024-01-20"], "hfq_factor": ["1.0"]})
    prices = client.stock_zh_a_daily
    client.stock_zh_a_daily = lambda symbol, adjust="", **more: (  # type: ignore[method-assign]
        late if adjust else prices(symbol, adjust=adjust, **more)
    )
    with pytest.raises(LoadError, match="the table of factors begins after 2024-01-02"):
        got("akshare", tmp_path, client)


def test_a_stock_that_sina_has_no_factors_of_is_named_and_not_asked_for_again(tmp_path: Path) -> None:
    client, pauses = Recorded(), list[float]()

    def refused(**_: str) -> pd.DataFrame:
        raise ValueError("sina hfq factor not available")

    client.stock_zh_a_daily = refused  # type: ignore[method-assign, assignment]
    with pytest.raises(LoadError, match="first SH600000: Sina has no factors of sh600000, so its ex-dates are unknown"):
        got("akshare", tmp_path, client, retries=RetryPolicy(sleep=pauses.append))
    assert pauses == []
