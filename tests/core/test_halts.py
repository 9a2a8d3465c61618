"""A halted day earns nothing and moves nothing, however its row is written: carried closes, ex-dates, zeros."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from panels import codes, flat, one

from lib.errors import LoadError
from lib.load import load_panel
from lib.load.quality.report import report_lines
from lib.panel import Panel
from lib.portfolio import buy_and_hold, simulate
from lib.portfolio import flat as no_costs
from lib.reasons import PRICES, Reason


@pytest.mark.parametrize(
    ("closes", "pre_closes"),
    [
        ([10.0, 10.0, 10.0, 10.0, 9.6], [10, 10, 9.5, 9.5, 9.5]),  # carried, ex-right from the ex-date on
        ([10.0, 10.0, 9.5, 9.5, 9.6], [10, 10, 9.5, 9.5, 9.5]),  # the ex-right close instead
        ([10.0, 10.0, 10.0, 10.0, 9.6], [10, 10, 9.8, 9.5, 9.5]),  # two ex-dates in one halt
        ([10.0, 0.0, 0.0, 0.0, 9.6], [10, 10, 9.5, 9.5, 9.5]),  # no prices at all
    ],
)  # fmt: skip
def test_an_ex_date_inside_a_halt_pays_once_whatever_the_halted_rows_say(
    closes: list[float], pre_closes: list[float]
) -> None:
    panel = one(flat(closes, pre_close=pre_closes, halted=[0, 1, 1, 1, 0]))
    assert panel.returns[1:4, 0].tolist() == panel.gap[1:4, 0].tolist() == [0, 0, 0]
    np.testing.assert_allclose(panel.adjusted("close")[:, 0], [10, 10, 10, 10, 10 * 9.6 / 9.5], rtol=1e-15)
    for fill in ("close", "open"):
        run = simulate(panel, np.zeros(panel.shape), policy=buy_and_hold(np.ones(1)), fill=fill, costs=no_costs(0))
        expected = [1, 1, 1, 1, 9.6 / 9.5] if fill == "close" else [1] * 5  # no fill while it is halted
        np.testing.assert_allclose(run.equity, expected, rtol=1e-15)


def test_a_halted_row_without_a_previous_close_earns_nothing_either() -> None:
    panel = one(flat([10.0, 12.0, 11.0], halted=[0, 1, 0]), "none")
    np.testing.assert_allclose(panel.returns[:, 0], [np.nan, 0, 0.1])


# -- written as zeros -----------------------------------------------------------------------------

DAYS = [str(day) for day in np.busday_offset("2024-03-04", np.arange(8), roll="forward")]
CLOSES = [10.0, 10.2, 10.1, 10.3, 10.4, 10.2, 10.0, 10.1]


def rows(**more: Any) -> pd.DataFrame:
    """Two stocks, the second halted on two days that are written as rows of zeros beside the last close."""
    tables = []
    for symbol, halted in (("600000", []), ("000001", [3, 4])):
        close = np.array(CLOSES)
        close[halted] = close[2]
        table = pd.DataFrame({"date": DAYS, "symbol": symbol} | dict.fromkeys(PRICES, close))
        table["pre_close"] = np.r_[10.0, close[:-1]]
        table["volume"] = 1000.0
        table.loc[halted, ["open", "high", "low", "volume"]] = 0.0
        tables.append(table)
    return pd.concat(tables, ignore_index=True).assign(**more)


def loaded(frame: pd.DataFrame, tmp_path: Path) -> Panel:
    frame.to_csv(tmp_path / "prices.csv", index=False)
    return load_panel(tmp_path / "prices.csv")


HALTED = slice(3, 5)


@pytest.mark.parametrize("zeros", [["close"], ["close", "pre_close"], ["pre_close"], []], ids=str)
@pytest.mark.parametrize("volume", [0.0, np.nan])
def test_zero_prices_without_volume_are_a_halt(zeros: list[str], volume: float, tmp_path: Path) -> None:
    frame = rows()
    frame.loc[[11, 12], zeros] = 0.0
    frame.loc[[11, 12], "volume"] = volume
    panel = loaded(frame, tmp_path)
    stock = panel.symbols.tolist().index("SZ000001")
    assert panel.reasons[HALTED, stock].tolist() == [Reason.HALT] * 2
    assert (panel.reasons[:, 1 - stock] == 0).all() and (np.delete(panel.reasons[:, stock], [3, 4]) == 0).all()
    for name in PRICES:
        assert panel.fields[name][HALTED, stock].tolist() == [10.1, 10.1]
    assert panel.returns[HALTED, stock].tolist() == [0, 0]
    assert panel.notes["halted_without_prices"] == 2
    assert any("2 halted rows have prices of 0" in text for _, text in report_lines(panel))


def test_a_flag_halts_a_row_of_zeros_that_has_a_volume(tmp_path: Path) -> None:
    frame = rows(halted=0)
    frame.loc[[11, 12], ["halted", "volume"]] = [1, 100.0]
    assert loaded(frame, tmp_path).reasons[HALTED, 1].tolist() == [Reason.HALT] * 2


def test_limits_and_average_price_of_zero_are_unknown_on_a_halted_row(tmp_path: Path) -> None:
    frame = rows(vwap=lambda t: t["close"], limit_up=lambda t: t["close"] + 1, limit_down=lambda t: t["close"] - 1)
    frame.loc[[11, 12], ["close", "pre_close", "vwap", "limit_up", "limit_down"]] = 0.0
    panel = loaded(frame, tmp_path)
    assert panel.reasons[HALTED, 1].tolist() == [Reason.HALT] * 2
    assert np.isnan(panel.fields["vwap"][HALTED, 1]).all() and np.isnan(panel.fields["limit_up"][HALTED, 1]).all()


def test_a_first_row_of_zeros_has_no_price_to_stand_at(tmp_path: Path) -> None:
    frame = rows()
    frame.loc[[8, 9], [*PRICES, "pre_close", "volume"]] = 0.0
    panel = loaded(frame, tmp_path)
    assert not panel.observed[:2, 1].any() and panel.traded[2, 1]


def test_a_zero_price_of_a_traded_row_is_refused(tmp_path: Path) -> None:
    frame = rows()
    frame.loc[2, "low"] = 0.0
    with pytest.raises(LoadError, match=r"'low' holds 1 prices of zero .* a halted row only: volume 0, or halted 1$"):
        loaded(frame, tmp_path)
    frame.loc[2, ["low", "volume"]] = [-1.0, 0.0]
    with pytest.raises(LoadError, match="1 prices of zero or less; the first is -1"):
        loaded(frame, tmp_path)


def test_zeros_of_a_source_that_knows_no_ex_dates(tmp_path: Path) -> None:
    """Sina: the factor tells the ex-date, a zero row stands between, and the split pays nothing."""
    frame = rows().drop(columns="pre_close").assign(amount=0.0, outstanding_share=1e9, turnover=0.01, hfq_factor=1.0)
    frame["amount"] = frame["close"] * frame["volume"]
    frame.loc[12:, "hfq_factor"] = 2.0  # halted on the ex-date, with the old close
    frame.loc[13:, list(PRICES)] /= 2
    frame.loc[13:, "amount"] /= 2
    frame[["open", "high", "low", "close"]] = frame[["open", "high", "low", "close"]].round(2)
    panel = loaded(frame, tmp_path)
    assert panel.fields["pre_close"][3:6, 1].tolist() == [10.1, 5.05, 5.05]
    np.testing.assert_allclose(np.prod(1 + panel.returns[1:6, 1]), (5.1 / 5.05) * 1.01, rtol=1e-12)


def test_days_without_a_row_stay_halts_beside_rows_of_zeros(tmp_path: Path) -> None:
    frame = rows().drop(columns="pre_close").assign(outstanding_share=1e9, turnover=0.01)
    panel = loaded(frame.drop(index=[13]), tmp_path)
    assert panel.reasons[3:6, 1].tolist() == [Reason.HALT] * 3


def test_ex_date_in_a_halt_whose_rows_carry_the_close_beside_a_factor(tmp_path: Path) -> None:
    frame = rows(adj_factor=1.0).drop(columns="pre_close")
    frame.loc[11:, "adj_factor"] = 10.1 / 9.5
    panel = loaded(frame, tmp_path)
    assert panel.fields["pre_close"][3:6, 1].tolist() == [9.5, 9.5, 9.5]
    assert panel.returns[HALTED, 1].tolist() == [0, 0]


def test_reasons_of_rows_of_zeros_handed_over_as_arrays() -> None:
    panel = one(flat([10.0, 0.0, 10.5], pre_close=[10, 10, 10], halted=[0, 1, 0]))
    assert codes(panel) == [0, Reason.HALT, 0]
    assert panel.returns[1, 0] == 0 and panel.adjusted("close")[1, 0] == 10
