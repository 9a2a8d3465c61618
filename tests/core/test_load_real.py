"""The real price files: their limits from every source, their adjustment, their units."""

from __future__ import annotations

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
from lib.panel import Panel
from lib.reasons import Reason, derive_limits, derive_reasons, previous
from lib.studies.your_data.examples import write_shapes


@pytest.fixture(scope="module")
def real(request: pytest.FixtureRequest) -> Panel:
    folder = request.getfixturevalue("data_dir")
    return load_panel(folder / "cn_csi300_pit_2010_2024.parquet")


def without(panel: Panel, *names: str) -> tuple[np.ndarray, dict[str, Any]]:
    fields = {name: values for name, values in panel.fields.items() if name not in names}
    return derive_reasons(panel.dates, panel.symbols, fields, "cn")


@pytest.mark.data
def test_real_counts(real: Panel) -> None:
    notes = real.notes
    assert (notes["rows"], real.shape) == (2_337_639, (3643, 750))
    assert len(notes["adjustment_disagreement"]) == 17
    assert notes["limit_source"] == "published"
    assert notes["closes_beyond_limit"] < 20
    assert int((real.reasons & Reason.HALT > 0).sum()) == 61_514
    assert 260 < real.universe.sum() / real.shape[0] < 280


@pytest.mark.data
def test_real_first_days_close_at_the_limit_of_an_issue(real: Panel) -> None:
    """From 2014 until listing by registration a first close is at +44 % or below; relistings are beyond every limit."""
    first = real.observed & (np.cumsum(real.observed, axis=0) == 1)
    star = np.char.startswith(real.symbols, "SH688")
    chinext = np.char.startswith(real.symbols, "SZ30")
    last = np.where(chinext, np.datetime64("2020-08-23"), np.datetime64("2023-04-09"))
    days = real.dates[:, None]
    issues = first & ~star & (days >= np.datetime64("2014-01-01")) & (days <= last)
    up = (real.reasons & Reason.LIMIT_UP) > 0
    free = [f"{real.dates[t]} {real.symbols[n]}" for t, n in np.argwhere(issues)]
    free = [name for name in free if name in real.notes["beyond_every_limit"]]
    move = real.fields["close"] / real.fields["pre_close"]
    assert (issues.sum(), (issues & up).sum(), len(free)) == (146, 127, 4)
    assert move[issues & up].min() > 1.435 and move[issues & up].max() < 1.453
    assert ((real.reasons & Reason.OPEN_LOCKED_UP) > 0)[issues & up].sum() == 127


@pytest.mark.data
def test_real_days_without_a_limit_are_resumptions_and_relistings(real: Panel) -> None:
    """Every one follows a day without trading, or is a first row; so no ordinary day is set free."""
    at = [name.split() for name in real.notes["beyond_every_limit"]]
    assert len(at) == 18
    for day, symbol in at:
        t, n = np.searchsorted(real.dates, np.datetime64(day)), real.symbols.tolist().index(symbol)
        assert t == 0 or not real.traded[t - 1, n]
        assert real.reasons[t, n] == 0


@pytest.mark.data
def test_real_limit_sources_agree(real: Panel) -> None:
    published = real.reasons
    for dropped, source in (
        (("limit_up", "limit_down"), "pre_close and limit_pct"),
        (("limit_up", "limit_down", "limit_pct", "board"), "pre_close and board"),
    ):
        reasons, notes = without(real, *dropped)
        assert notes["limit_source"] == source
        np.testing.assert_array_equal(reasons, published)


@pytest.mark.data
def test_real_limit_prices_are_the_published_ones(real: Panel) -> None:
    fields = {k: v for k, v in real.fields.items() if k not in ("limit_up", "limit_down", "limit_pct")}
    limits = derive_limits(real.dates, real.symbols, fields)
    first = np.cumsum(real.observed, axis=0) == 1
    rows = real.observed & ~(first & np.isnan(real.fields["limit_up"]))  # the file has no limits of a first day
    for derived, name in ((limits.up, "limit_up"), (limits.down, "limit_down")):
        np.testing.assert_array_equal(derived[rows], real.fields[name][rows])


@pytest.mark.data
def test_real_heuristic_is_close_but_not_the_same(real: Panel) -> None:
    reasons, notes = without(real, "limit_up", "limit_down", "limit_pct", "pre_close")
    assert notes["limit_source"] == "return heuristic"
    bits = Reason.LIMIT_UP | Reason.LIMIT_DOWN
    differ = (reasons & bits) != (real.reasons & bits)
    at_limit = (real.reasons & bits) > 0
    # it differs on 0.1 % of traded cells, which is about a tenth of the limit closes
    assert 0 < differ[real.traded].mean() < 0.003
    assert differ.sum() < 0.15 * at_limit.sum()


@pytest.mark.data
def test_real_file_without_pre_close_is_not_taken_for_adjusted(real: Panel, tmp_path: Path, data_dir: Path) -> None:
    table = pq.read_table(data_dir / "cn_csi300_pit_2010_2024.parquet")
    dropped = ["pre_close", "limit_pct", "limit_up", "limit_down", "adj_factor"]
    pq.write_table(table.drop_columns(dropped).slice(0, 400_000), tmp_path / "bare.parquet")
    assert load_panel(tmp_path / "bare.parquet").notes["limit_source"] == "return heuristic"


@pytest.mark.data
def test_real_prices_that_were_adjusted_are_refused(tmp_path: Path, data_dir: Path) -> None:
    table = pq.read_table(data_dir / "cn_csi300_pit_2010_2024.parquet").slice(0, 100_000)
    factor = table["adj_factor"].to_numpy()
    for name in ("open", "high", "low", "close"):
        raw = table[name].to_numpy() * factor
        table = table.set_column(table.column_names.index(name), name, pa.array(raw))
    pq.write_table(table, tmp_path / "adjusted.parquet")
    with pytest.raises(LoadError, match="pass raw prices"):
        load_panel(tmp_path / "adjusted.parquet")


@pytest.mark.data
def test_real_adjusted_returns_are_total_returns(real: Panel) -> None:
    price = np.where(real.traded, real.adjusted("close"), np.nan)
    both = real.traded[1:] & real.traded[:-1]
    change = price[1:] / price[:-1] - 1
    np.testing.assert_allclose(change[both], real.returns[1:][both], rtol=0, atol=1e-12)


@pytest.mark.data
def test_real_rich_file_and_its_units(data_dir: Path) -> None:
    panel = load_panel(data_dir / "cn_csi300_baostock_2020_2025.parquet")
    assert panel.shape == (1273, 300)
    assert panel.notes["adjustment_disagreement"] == []
    assert panel.notes["universe"] == "listed"
    units = panel.notes["units"]
    assert units.text == "volume in shares, amount in yuan"
    assert units.agreement > 0.99
    # three rows whose average price lies beside the range of the day
    emptied = np.isnan(panel.fields["volume"]) & panel.traded
    assert emptied.sum() == len(panel.notes["volume_emptied"]) == 3
    reasons, _ = without(panel, "limit_up", "limit_down", "limit_pct")
    np.testing.assert_array_equal(reasons[~emptied], panel.reasons[~emptied])


@pytest.mark.data
def test_real_prices_in_the_shape_of_each_source_are_the_same_panel(data_dir: Path, tmp_path: Path) -> None:
    """Half a year of 300 stocks; shapes without limits derive them. AkShare alone cannot see an ST stock, nor the
    previous close of a stock's first row.
    """
    panel = load_panel(data_dir / "cn_csi300_baostock_2020_2025.parquet", end="2020-06-30")
    paths = write_shapes(panel, tmp_path)
    ever_st = np.nan_to_num(panel.fields["is_st"]).any(axis=0)
    for name in ("record", "tushare", "baostock", "akshare", "akshare_daily"):
        other = load_panel(paths[name])
        at = np.searchsorted(panel.symbols, other.symbols)
        assert panel.symbols[at].tolist() == other.symbols.tolist()
        compared = np.ones(other.shape, dtype=bool)
        if name.startswith("akshare"):
            compared = ~ever_st[at] & (np.cumsum(other.observed, axis=0) != 1)
            wanted = panel.fields["pre_close"][:, at]
            np.testing.assert_array_equal(other.fields["pre_close"][compared], wanted[compared], err_msg=name)
        np.testing.assert_array_equal(other.reasons[compared], panel.reasons[:, at][compared], err_msg=name)
        np.testing.assert_array_equal(other.fields["close"][other.traded], panel.fields["close"][:, at][other.traded])
        assert other.notes["units"].agreement > 0.999
    assert 0 < ever_st.sum() < 5


@pytest.mark.data
def test_real_market_without_limits(data_dir: Path) -> None:
    path = data_dir / "us_sp500_2013_2018.parquet"
    panel = load_panel(path, market="none")
    assert panel.shape == (1259, 505)
    assert panel.notes["contradictory_rows"] == 9
    assert panel.notes["empty_values"] == {"open": 11, "high": 8, "low": 8}
    assert not (panel.reasons >= Reason.LIMIT_UP).any()
    assert (panel.adj_factor == 1).all()
    assert "market 'none'" in report(path)
    with pytest.raises(LoadError, match="not an A-share symbol"):
        load_panel(path, market="cn")


@pytest.mark.data
def test_real_limits_without_ex_dates_beat_the_heuristic(data_dir: Path, tmp_path: Path) -> None:
    """AkShare without factors: the last close gives the limits, wrong on ex-dates only."""
    panel = load_panel(data_dir / "cn_csi300_baostock_2020_2025.parquet", end="2020-09-30")
    path = write_shapes(panel, tmp_path)["akshare"]
    for file in path.iterdir():
        frame = pd.read_csv(file, encoding="gb18030", dtype={"股票代码": str})
        frame.drop(columns="hfq_factor").to_csv(file, index=False)
    bare = load_panel(path)
    at = np.searchsorted(panel.symbols, bare.symbols)
    compared = bare.traded & ~np.nan_to_num(panel.fields["is_st"]).any(axis=0)[at]
    compared &= np.cumsum(bare.observed, axis=0) > 1
    wrong = compared & (bare.reasons != panel.reasons[:, at])
    guessed = compared & (without(bare, "limit_up", "limit_down")[0] != panel.reasons[:, at])
    last = previous(panel.fields["close"], panel.traded)[:, at]
    on_ex_dates = np.abs(panel.fields["pre_close"][:, at] - last) > 0.005
    assert on_ex_dates[compared].sum() > 100
    assert not (wrong & ~on_ex_dates).any()
    assert 10 * wrong.sum() < guessed.sum()
