"""The simulated market keeps its own rules, and produces what it is meant to produce."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lib.errors import ParameterError
from lib.limits.ticks import from_ticks, limit_ticks, to_ticks
from lib.market import CALIBRATIONS, Market, MarketConfig, make_market
from lib.reasons import Reason, derive_reasons


@pytest.fixture(scope="module")
def market() -> Market:
    return make_market(seed=3)


def bit(market: Market, reason: Reason) -> np.ndarray:
    return (market.panel.reasons & reason) > 0


def merger(market: Market) -> np.ndarray:
    """New shares' price over old shares' from each day to the next [T-1,N]: 1, or 10 where shares were merged."""
    factor = market.panel.fields["adj_factor"]
    return np.rint(factor[:-1] / factor[1:])


def test_prices_stay_in_order_and_inside_the_limits(market: Market) -> None:
    f = market.panel.fields
    for name in ("open", "close", "vwap"):
        assert (f["low"] <= f[name]).all()
        assert (f[name] <= f["high"]).all()
    traded = market.panel.traded
    assert (f["high"] <= f["limit_up"])[traded].all()
    assert (f["low"] >= f["limit_down"])[traded].all()


def test_prices_are_whole_ticks_and_limits_follow_the_last_close(market: Market) -> None:
    f = market.panel.fields
    for name in ("open", "high", "low", "close", "pre_close", "limit_up", "limit_down"):
        assert np.array_equal(f[name], from_ticks(to_ticks(f[name])))
    assert np.array_equal(f["pre_close"][1:], from_ticks(to_ticks(f["close"][:-1] * merger(market))))
    up, down = limit_ticks(to_ticks(f["pre_close"]), f["limit_pct"].astype(int))
    assert np.array_equal(to_ticks(f["limit_up"]), up)
    assert np.array_equal(to_ticks(f["limit_down"]), down)


def test_halted_cells_are_flat_and_empty(market: Market) -> None:
    f, halted = market.panel.fields, bit(market, Reason.HALT)
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(f[name][halted], f["pre_close"][halted])
    assert (f["volume"][halted] == 0).all()
    assert (f["volume"][~halted] > 0).all()
    assert (f["amount"][halted] == 0).all()


def test_halts_come_in_spells_of_the_asked_share_and_length() -> None:
    market = make_market(400, 1500, seed=5, halt_rate=0.02, halt_days=6)
    halted = bit(market, Reason.HALT)
    spells = (halted[1:] & ~halted[:-1]).sum()
    assert 0.017 < halted.mean() < 0.023
    assert 5.2 < halted.sum() / spells < 6.8


def test_limit_closes_are_rare_by_default_and_common_in_the_papers_setting(market: Market) -> None:
    for panel, low, high in (
        (market.panel, 0.004, 0.02),
        (make_market(seed=3, limit_rates="paper").panel, 0.015, 0.04),
    ):
        at_limit = (panel.reasons & (Reason.LIMIT_UP | Reason.LIMIT_DOWN)) > 0
        assert low < at_limit.mean() < high


def test_a_quarter_of_the_stocks_has_twice_the_band(market: Market) -> None:
    wide = market.panel.fields["limit_pct"][0] == 20
    assert wide.mean() == 0.25
    assert set(market.panel.fields["board"][0][wide]) == {"star"}
    assert (market.panel.fields["limit_pct"][0][~wide] == 10).all()


def test_cut_off_moves_come_out_at_the_next_open(market: Market) -> None:
    panel = market.panel
    tradable = panel.traded[1:]
    for reason, sign in ((Reason.LIMIT_UP, 1), (Reason.LIMIT_DOWN, -1)):
        after = bit(market, reason)[:-1] & tradable
        assert sign * panel.gap[1:][after].mean() > 0.01
        # at an upper limit the market wanted at least that much, to half a tick
        wanted_more = np.expm1(market.truth.unfilled) * panel.fields["close"]
        assert (sign * wanted_more[:-1][after] > -0.005 - 1e-9).all()


def test_without_spill_the_cut_off_move_is_lost() -> None:
    market = make_market(300, 800, seed=3, spill=0.0, halt_rate=0.0)
    after = bit(market, Reason.LIMIT_UP)[:-1]
    gap = market.panel.gap[1:][after]
    assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(len(gap))


def test_volume_dries_up_when_the_day_is_locked(market: Market) -> None:
    f = market.panel.fields
    one_price = bit(market, Reason.LIMIT_UP) & (f["low"] == f["limit_up"])
    usual = np.median(f["turnover"][market.panel.price_valid])
    assert np.median(f["turnover"][one_price]) < 0.4 * usual
    assert np.median(f["turnover"][bit(market, Reason.LIMIT_UP) & ~one_price]) > usual


def test_volume_stays_high_after_a_limit_up_and_only_on_the_exchange() -> None:
    """The same draws with and without attention: after a limit-up close volume is higher, and fades back."""
    drawn = {size: make_market(120, 300, seed=3, limit_volume=size, limit_memory=0.5) for size in (0.0, 0.6)}
    with_it, without = (drawn[size].panel for size in (0.6, 0.0))
    up = bit(drawn[0.6], Reason.LIMIT_UP)
    since = np.full(up.shape, 99)  # days since the last limit-up close
    for t in range(1, len(up)):
        since[t] = np.where(up[t - 1], 1, since[t - 1] + 1)
    cells = with_it.traded & (without.fields["turnover"] < 40) & (without.fields["volume"] > 10_000)
    more = np.log(np.where(cells, with_it.fields["volume"], 1) / np.where(cells, without.fields["volume"], 1))
    for days in (1, 2, 3):
        here = cells & (since == days)
        assert here.sum() > 30
        assert np.allclose(more[here], 0.6 * 0.5 ** (days - 1), atol=0.01)
    assert np.allclose(more[cells & (since > 60)], 0, atol=1e-9)
    twins = [drawn[size].twin().panel.fields["volume"] for size in (0.6, 0.0)]
    assert np.array_equal(*twins)


def test_returns_have_fat_tails_one_factor_and_no_drift(market: Market) -> None:
    returns = np.where(market.panel.traded, market.panel.returns, 0.0)
    z = (returns - returns.mean()) / returns.std()
    assert (z**4).mean() > 4.0
    correlation = np.corrcoef(returns.T)[np.triu_indices(returns.shape[1], 1)].mean()
    assert 0.1 < correlation < 0.5
    daily = returns.mean(axis=1)
    assert abs(daily.mean()) < 4 * daily.std() / np.sqrt(len(daily))


def test_published_limits_and_derived_ones_agree(market: Market) -> None:
    panel = market.panel
    assert panel.notes["limit_source"] == "published"
    fields = {k: v for k, v in panel.fields.items() if k not in ("limit_up", "limit_down")}
    again, notes = derive_reasons(panel.dates, panel.symbols, fields, "cn")
    assert notes["limit_source"] == "pre_close and limit_pct"
    assert np.array_equal(again, panel.reasons)


def test_same_seed_same_market_other_seed_other_market() -> None:
    prints = [make_market(40, 60, seed=seed).panel.fingerprint() for seed in (1, 1, 2)]
    assert prints[0] == prints[1] != prints[2]


def test_one_number_stands_for_all_regimes_and_an_explicit_one_goes_before_the_calibration() -> None:
    assert make_market(2, 3, jump_rate=0).config.jump_rate == (0.0, 0.0, 0.0)
    paper = make_market(2, 3, limit_rates="paper", halt_rate=0.05).config
    assert paper.halt_rate == 0.05 and paper.halt_single == CALIBRATIONS["paper"]["halt_single"]
    assert make_market(2, 3).config == MarketConfig()


def test_smallest_and_extreme_markets_are_valid() -> None:
    assert make_market(1, 2).panel.shape == (2, 1)
    frozen = make_market(30, 60, halt_rate=0.5, halt_days=50).panel
    assert (frozen.reasons & Reason.HALT).any()
    wild = make_market(50, 300, vol_median=0.2, wide_share=0.0).panel
    assert (wild.fields["low"] > 0).all()
    assert np.isfinite(wild.returns).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"spil": 1.0}, "did you mean 'spill'"), ({"halt_rate": 0.9}, "halt_rate = 0.9"),
        ({"n_stocks": 0}, "n_stocks = 0"), ({"n_stocks": 2.5}, "expected an int"), ({"n_days": 1}, "n_days"),
        ({"n_stocks": 5000, "n_days": 100_000}, "n_days"), ({"seed": -1}, "seed"), ({"seed": True}, "seed"),
        ({"tail": 2.0}, "tail"), ({"spill": "1"}, "expected a float"),
        ({"start": "soon"}, "start is 'soon'"),
        ({"jump_rate": float("nan")}, "jump_rate = nan"), ({"n_industries": 1.5}, "expected an int"),
        ({"jump_rate": (0.1, 0.2)}, "jump_rate is .* calm, bear, rally"),
        ({"market_sd": (0.1, 0.2, 3)}, r"market_sd \(rally\) = 3"),
        ({"limit_rates": "papers"}, "limit_rates = 'papers': .* did you mean 'paper'"),
        ({"limit_rates": None}, "limit_rates = None .*: expected one of 'real', 'paper'"),
        ({"null": 1}, r"null = 1 \(int\): expected a bool"),
        ({"null": True, "alpha": 0.1}, "null=True sets alpha to 0.0, got 0.1"),
        ({"null": True, "episode": "theme_rotation"}, "leave one of them out"),
        ({"episode": "crush"}, "did you mean 'crash'"), ({"episode_start": 5}, "without an episode"),
        ({"episode": "crash", "episode_start": 1395}, "episode_start = 1395: expected an int from 1 to 1385"),
        ({"episode": "crash", "n_days": 20}, "n_days is 20"),
        ({"regimes": "calm"}, "expected pairs"), ({"regimes": ()}, "expected pairs"),
        ({"regimes": ("calm", 5)}, "expected pairs"), ({"regimes": (("calm", 5, 1),)}, "expected pairs"),
        ({"regimes": (("clam", 1400),)}, "did you mean 'calm'"),
        ({"regimes": (("calm", 1000), ("bear", 0))}, "days of 'bear' = 0"),
        ({"regimes": (("calm", 1000), ("bear", 2.5))}, "expected an int"),
        ({"regimes": (("calm", 1000),)}, "lasts 1000 days, n_days is 1400"),
    ],
)  # fmt: skip
def test_bad_parameters_are_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words) as caught:
        make_market(**arguments)
    assert "\n" not in str(caught.value)


def test_a_market_says_what_it_holds() -> None:
    market = make_market(20, 60, seed=5)
    text = repr(market)
    assert text.startswith("Market(60 dates 2") and "x 20 stocks, seed=5, " in text
    assert "% of cells masked; .panel" in text and "\n" not in text and len(text) < 200
    assert "a scripted episode of" in repr(make_market(20, 400, seed=5, episode="crash"))
