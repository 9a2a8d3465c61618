"""Why a cell is masked: cases by hand, the order of the limit sources, listing days."""

from __future__ import annotations

import math

import numpy as np
import pytest
from panels import SOURCES, codes, days, flat, one

import lib.reasons
from lib.errors import PanelError
from lib.limits.ticks import limit_prices
from lib.panel import Panel
from lib.reasons import PRICES, Reason, derive_limits


def test_reasons_by_hand_from_published_limits() -> None:
    nan = math.nan
    fields = flat(
        [nan, 10.0, 11.0, 11.0, 9.9, nan, 12.0, 12.0, nan],
        limit_up=[nan, nan, 11.0, 11.0, 12.1, nan, 12.1, 13.2, nan],
        limit_down=[nan, nan, 9.0, 9.9, 9.9, nan, 9.9, 10.8, nan],
    )
    fields["volume"][3] = 0.0
    fields["volume"][7] = nan
    fields["open"][4] = 11.5
    up, down = int(Reason.LIMIT_UP | Reason.OPEN_LOCKED_UP), int(Reason.LIMIT_DOWN)
    panel = one(fields)
    # unlisted, no limit on the first day, locked up, halted at the limit, limit down, a hole, plain,
    # halted, gone
    assert codes(panel) == [2, 0, up, 4, down, 1, 0, 4, 1]
    assert panel.notes["limit_source"] == "published"
    assert panel.mask[:, 0].tolist() == [False, True, False, False, False, False, True, False, False]
    assert panel.observed[:, 0].tolist() == [False, True, True, True, True, False, True, True, False]
    assert panel.traded[:, 0].tolist() == [False, True, True, False, True, False, True, False, False]
    assert panel.can_buy()[:, 0].tolist() == [False, True, False, False, True, False, True, False, False]
    assert panel.can_sell()[:, 0].tolist() == [False, True, True, False, False, False, True, False, False]
    assert panel.can_buy("open")[:, 0].tolist() == [
        False,
        True,
        False,
        False,
        True,
        False,
        True,
        False,
        False,
    ]
    assert panel.universe[:, 0].tolist() == [False] + [True] * 8


def test_the_halted_field_halts_and_so_does_zero_volume() -> None:
    fields = flat([10.0, 10.0, 10.0, 10.0], halted=[0, 1, 0, math.nan])
    fields["volume"][2] = 0.0
    assert codes(one(fields, "none")) == [0, 4, 4, 0]


@pytest.mark.parametrize("volume", [0.0, math.nan])
@pytest.mark.parametrize("market", ["none", "cn"])
def test_a_row_that_moved_without_a_volume_is_missing_and_named(volume: float, market: str) -> None:
    """Called a halt it would earn 0 that day, and the move would be lost without a word."""
    fields = flat([10.0, 10.2, 10.3, 10.3, 10.4], amount=[1000.0, 1000.0, 1000.0, 0.0, 1000.0])
    fields["volume"][1:4] = volume
    fields["high"][1], fields["amount"][1] = 10.5, math.nan  # one moved, one was paid for, one is a halt
    panel = one(fields, market)
    assert codes(panel) == [0, 1, 1, 4, 0]
    assert panel.notes["trade_without_volume"] == [f"{panel.dates[t]} SH600000" for t in (1, 2)]
    assert math.isnan(panel.returns[1, 0]) and panel.returns[4, 0] == 10.4 / 10.0 - 1
    flagged = one(fields | {"halted": np.array([[0.0], [1.0], [1.0], [1.0], [0.0]])}, market)
    assert codes(flagged) == [0, 4, 4, 4, 0] and "trade_without_volume" not in flagged.notes


def test_a_halt_that_repeats_the_row_before_is_a_halt() -> None:
    fields = flat([10.0, 10.0, 10.0])
    fields["high"][:2] += 0.5
    fields["volume"][1:] = 0.0
    assert codes(one(fields)) == [0, 4, 4]
    fields["open"][1] += 0.1
    assert codes(one(fields)) == [0, 1, 4]


def test_a_traded_day_without_a_previous_close_is_missing_and_the_next_one_bridges_it() -> None:
    """A split two for one at a flat price: its day has no return, and the adjusted price does not halve."""
    closes = [10.0, 10.0, 5.0, 5.0, 5.5]
    fields = flat(closes, pre_close=[math.nan, 10.0, math.nan, 5.0, 5.0])
    for market in ("none", "cn"):
        panel = one(fields, market)
        assert codes(panel)[:4] == [0, 0, 1, 0]
        assert panel.notes["previous_close_unknown"] == [f"{panel.dates[2]} SH600000"]
        assert panel.adjusted("close")[[0, 1, 3, 4], 0].tolist() == [10.0, 10.0, 10.0, 11.0]
        assert not panel.mask[2, 0] and math.isnan(panel.returns[2, 0])
    for stop in range(1, 6):  # a later day has no say
        assert codes(one({name: values[:stop] for name, values in fields.items()})) == codes(one(fields))[:stop]


def test_a_note_names_so_many_cells_and_counts_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lib.reasons, "NAMED", 2)
    panel = one(flat([10.0] * 6, pre_close=[math.nan] * 6))
    assert panel.notes["previous_close_unknown"] == ["2020-08-04 SH600000", "2020-08-05 SH600000", "and 3 more"]


def test_a_halted_day_without_prices_is_both() -> None:
    assert codes(one(flat([10.0, math.nan], halted=[0, 1]), "none")) == [0, 5]


@pytest.mark.parametrize("name", PRICES)
def test_any_missing_price_is_missing(name: str) -> None:
    fields = flat([10.0, 10.1, 10.2])
    fields[name][1] = math.nan
    assert codes(one(fields)) == [0, 1, 0]


def test_list_date_rules_over_the_first_row() -> None:
    fields = flat([math.nan, math.nan, 10.0, 10.0])
    fields["list_date"] = np.full((4, 1), days(4)[1])
    assert codes(one(fields, "none")) == [2, 1, 0, 0]
    fields["list_date"] = np.full((4, 1), np.datetime64("NaT", "D"))
    assert codes(one(fields, "none")) == [2, 2, 0, 0]


def test_no_limit_bits_without_a_market_with_limits() -> None:
    fields = flat([10.0, 11.0, 9.9], pre_close=[10, 10, 11], limit_up=[11, 11, 12.1], limit_down=[9, 9, 9.9])
    panel = one(fields, "none")
    assert codes(panel) == [0, 0, 0]
    assert panel.notes["limit_source"] == "none"


@pytest.mark.parametrize("source", SOURCES)
def test_limit_sources_are_tried_in_order(source: str) -> None:
    fields = flat(
        [10.0, 11.0, 9.9, 10.0],
        pre_close=[10, 10, 11, 9.9], limit_pct=[10] * 4,
        limit_up=[11, 11, 12.1, 10.89], limit_down=[9, 9, 9.9, 8.91],
    )  # fmt: skip
    panel = one({name: v for name, v in fields.items() if name not in SOURCES[source]})
    assert panel.notes["limit_source"] == source
    assert codes(panel) == [0, 8 + 32, 16 + 64, 0]
    assert ("limit_note" in panel.notes) == (source == "return heuristic")


def test_an_empty_published_limit_is_a_day_without_one() -> None:
    panel = one(flat([10.0, 30.0], pre_close=[10, 10], limit_up=[11, math.nan], limit_down=[9, math.nan]))
    assert codes(panel) == [0, 0]


def test_sentinels_of_days_without_a_limit_are_harmless() -> None:
    panel = one(flat([10.0, 30.0], limit_up=[11, 99999.99], limit_down=[9, 0]))
    assert codes(panel) == [0, 0]


@pytest.mark.parametrize(
    ("symbol", "start", "free", "percent"),
    [("SH600001", "2013-08-05", 1, 10), ("SH600001", "2023-04-10", 5, 10), ("SH688001", "2020-08-03", 5, 20),
     ("SZ300001", "2013-08-05", 1, 10), ("SZ300001", "2020-08-24", 5, 20), ("BJ920001", "2024-01-02", 1, 30)],
)  # fmt: skip
@pytest.mark.parametrize("source", ["pre_close and limit_pct", "pre_close and board"])
def test_days_without_a_limit_after_listing(symbol: str, start: str, free: int, percent: int, source: str) -> None:
    closes = [math.nan, 10.0]
    for _ in range(8):  # up by the band every day
        closes.append(float(limit_prices(closes[-1], percent, cut=symbol.startswith("BJ"))[0]))
    pre = [math.nan, 10 / (1 + percent / 100), *closes[1:-1]]
    fields = flat(closes, pre_close=pre)
    if source.endswith("pct"):
        fields["limit_pct"] = np.full((10, 1), float(percent))
    listed = np.busday_offset(start, 0, roll="forward")
    dates = np.busday_offset(listed, np.arange(-1, 9))
    panel = Panel.from_arrays(dates, [symbol], fields, market="cn")
    at_limit = (panel.reasons[1:, 0] & Reason.LIMIT_UP) > 0
    assert at_limit.tolist() == [False] * free + [True] * (9 - free)


def test_a_stock_there_on_the_first_day_was_listed_before() -> None:
    fields = flat([12.0, 14.4], pre_close=[10, 12])
    assert codes(one(fields, symbol="SH688001")) == [40, 40]
    fields["list_date"] = np.full((2, 1), days(2)[0])
    assert codes(one(fields, symbol="SH688001")) == [0, 0]


def test_special_treatment_halves_the_band_of_the_main_board_only() -> None:
    fields = flat([10.0, 10.5], pre_close=[10, 10], is_st=[1, 1])
    assert codes(one(fields, symbol="SH600000")) == [0, 8 + 32]
    assert codes(one(fields, symbol="SH688001")) == [0, 0]


def test_board_field_and_symbols_of_no_board() -> None:
    fields = flat([10.0, 11.0], pre_close=[10, 10])
    panel = one(fields, symbol="ACME")
    assert codes(panel) == [0, 40]  # the main board's band
    assert panel.notes["unknown_board"] == 1
    named = one(fields | {"board": np.array([["star"], ["star"]])}, symbol="ACME")
    assert codes(named) == [0, 0]
    assert "unknown_board" not in named.notes


def test_limit_pct_as_a_fraction_is_refused() -> None:
    with pytest.raises(PanelError, match="limit_pct is in percent"):
        one(flat([10.0, 11.0], pre_close=[10, 10], limit_pct=[0.1, 0.1]))


def test_heuristic_sets_in_two_tenths_of_a_point_below_the_band() -> None:
    closes = [10.0, 10.98, 10.98, 12.05]  # +9.8 %, 0, +9.74 %
    assert codes(one(flat(closes))) == [0, 40, 0, 0]
    limits = derive_limits(days(4), np.array(["SH600000"]), flat(closes))
    assert limits.source == "return heuristic"
