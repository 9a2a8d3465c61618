"""The exchange keeps its rules whatever the parameters are, and does what a slow exchange does."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pytest

from lib.limits.ticks import from_ticks, to_ticks
from lib.market import REGIMES, Market, make_market
from lib.market.exchange import draw_halts, geometric, log_ticks, trade
from lib.market.intraday import _extremes
from lib.market.processes import autoregression, memory_of, standardise
from lib.reasons import Reason

PRICES = ("open", "high", "low", "close", "pre_close", "limit_up", "limit_down")


def random_config(case: int) -> dict[str, Any]:
    """Parameters all over their ranges, the same for the same case."""
    rng = np.random.default_rng([7, case])
    n_days = int(rng.integers(20, 90))
    split = int(rng.integers(1, n_days))
    first, second = rng.choice(REGIMES, 2)
    chosen: dict[str, Any] = {
        "n_stocks": int(rng.integers(1, 25)), "n_days": n_days, "seed": case,
        "limit_rates": str(rng.choice(["real", "paper"])), "spill": float(rng.choice([0.0, 0.4, 1.0])),
        "vol_median": float(np.exp(rng.uniform(np.log(0.002), np.log(0.15)))),
        "jump_rate": float(rng.uniform(0, 0.4)), "jump_echo": float(rng.uniform(0, 0.5)),
        "jump_far_mean": float(rng.uniform(0, 0.4)), "halt_rate": float(rng.uniform(0, 0.4)),
        "halt_days": float(rng.uniform(1, 30)), "halt_single": float(rng.uniform(0, 0.95)),
        "first_price": float(np.exp(rng.uniform(np.log(1.0), np.log(500)))), "wide_share": float(rng.uniform(0, 1)),
        "open_share": float(rng.uniform(0, 1)), "path_sd": float(rng.uniform(0, 3)),
        "interaction": bool(rng.random() < 0.3), "alpha": float(rng.uniform(0, 0.5)),
    }  # fmt: skip
    if rng.random() < 0.5:
        chosen["regimes"] = ((str(first), split), (str(second), n_days - split))
    if rng.random() < 0.3:
        chosen |= {"null": True}
        for name in ("alpha", "spill"):
            del chosen[name]
    return chosen


@pytest.fixture(scope="module", params=range(50))
def market(request: pytest.FixtureRequest) -> Market:
    return make_market(**random_config(request.param))


def bit(market: Market, reason: Reason) -> np.ndarray:
    return (market.panel.reasons & reason) > 0


def test_prices_are_in_order_and_inside_the_limits(market: Market) -> None:
    f, traded = market.panel.fields, market.panel.traded
    for name in ("open", "close", "vwap"):
        assert (f["low"] <= f[name]).all() and (f[name] <= f["high"]).all()
    assert (f["high"] <= f["limit_up"])[traded].all() and (f["low"] >= f["limit_down"])[traded].all()
    assert (f["low"] > 0).all()


def test_prices_are_whole_ticks(market: Market) -> None:
    for name in PRICES:
        values = market.panel.fields[name]
        assert np.array_equal(values, from_ticks(to_ticks(values)))


def test_limits_are_rounded_half_up_from_the_last_close(market: Market) -> None:
    f = market.panel.fields
    merged = np.rint(f["adj_factor"][:-1] / f["adj_factor"][1:])
    assert np.array_equal(f["pre_close"][1:], from_ticks(to_ticks(f["close"][:-1] * merged)))
    t, n = (np.random.default_rng(market.seed).integers(0, size, 40) for size in market.panel.shape)
    for day, stock in zip(t, n, strict=True):
        close = Decimal(str(f["pre_close"][day, stock]))
        band = Decimal(int(f["limit_pct"][day, stock])) / 100
        for name, sign in (("limit_up", 1), ("limit_down", -1)):
            exact = (close * (1 + sign * band)).quantize(Decimal("0.01"), ROUND_HALF_UP)
            assert f[name][day, stock] == float(exact)


def test_halted_cells_are_flat_and_empty(market: Market) -> None:
    f, halted = market.panel.fields, bit(market, Reason.HALT)
    assert np.array_equal(halted, f["halted"] == 1)
    for name in ("open", "high", "low", "close", "vwap"):
        assert np.array_equal(f[name][halted], f["pre_close"][halted])
    for name in ("volume", "amount", "turnover"):
        assert (f[name][halted] == 0).all() and (f[name][~halted] > 0).all()


def test_volume_amount_and_value_fit_together(market: Market) -> None:
    f = market.panel.fields
    assert np.allclose(f["amount"], f["volume"] * f["vwap"], rtol=1e-12)
    shares = f["float_mkt_cap"] / f["close"] / f["adj_factor"]
    assert np.allclose(shares, shares[0], rtol=1e-12)
    assert np.allclose(f["turnover"], 100 * f["volume"] / (shares * f["adj_factor"]), rtol=1e-12)
    assert np.array_equal(f["volume"], 100 * np.rint(f["volume"] / 100))


def test_the_truth_is_finite_and_what_was_cut_off_is_the_difference(market: Market) -> None:
    truth, close = market.truth, market.panel.fields["close"]
    for name in ("alpha", "mu_trad", "unfilled", "desired", "signals"):
        assert np.isfinite(getattr(truth, name)).all(), name
    assert np.allclose(truth.unfilled, truth.desired - np.log(close * market.panel.fields["adj_factor"]), atol=1e-11)
    free = market.panel.price_valid
    half_tick = 0.0051 / close  # what rounding to the tick can cut off
    assert (np.abs(truth.unfilled) <= 1.02 * np.maximum(half_tick, -np.log1p(-np.minimum(half_tick, 0.9))))[free].all()
    assert (truth.unfilled[bit(market, Reason.LIMIT_UP)] > -0.6 / np.min(100 * close)).all()


def test_the_same_arguments_give_the_same_bytes(market: Market) -> None:
    arguments = random_config(market.seed)
    again = make_market(**arguments)
    assert again.panel.fingerprint() == market.panel.fingerprint()
    for name, values in vars(market.truth).items():
        assert np.array_equal(values, getattr(again.truth, name)), name
    other = make_market(**arguments | {"seed": market.seed + 1000})
    assert other.panel.fingerprint() != market.panel.fingerprint()


# ---------------------------------------------------------------------- merged shares

#: a market that loses nine tenths a year
FALLING: dict[str, Any] = {"seed": 4, "regimes": (("bear", 500),), "market_mean": -0.008, "first_price": 12.0}


def test_cheap_stocks_merge_their_shares_and_nobody_gains_or_loses() -> None:
    market = make_market(60, 500, **FALLING)
    panel, f = market.panel, market.panel.fields
    merged = f["adj_factor"][1:] < f["adj_factor"][:-1]
    assert merged.sum() > 60
    # the day after the desired price is below the least one, and on no other
    raw = market.truth.desired - np.log(f["adj_factor"])
    assert np.array_equal(merged, raw[:-1] < np.log(market.config.least_price))
    # returns, value and turnover know nothing of it, adjusted prices and volume are continuous
    close = panel.adjusted("close")
    assert np.allclose(close[1:] / close[:-1] - 1, panel.returns[1:], atol=1e-12)
    assert np.allclose(panel.adj_factor, f["adj_factor"], rtol=1e-12)
    value = f["float_mkt_cap"][1:] / f["float_mkt_cap"][:-1]
    assert np.allclose(value - 1, panel.returns[1:], atol=1e-12)
    volume = np.log(np.where(panel.traded, panel.adjusted("volume"), np.nan))
    # volume of the day of a merger against the day before, which had moved more than most: nowhere near ten times
    assert abs(np.nanmedian(np.diff(volume, axis=0)[merged])) < 1


def test_no_long_fall_ends_among_the_ticks() -> None:
    """Without merged shares rounding alone makes limit closes of a fallen market; with them the rate stays."""
    rates = {}
    for least in (0.0, 2.0):
        panel = make_market(60, 500, **FALLING, least_price=least).panel
        late, cells = slice(400, None), panel.traded
        at_limit = (panel.reasons & (Reason.LIMIT_UP | Reason.LIMIT_DOWN)) > 0
        rates[least] = at_limit[late][cells[late]].mean() / at_limit[:100][cells[:100]].mean()
        assert (np.median(panel.fields["close"][late]) > 2) == (least > 0)
    assert rates[0.0] > 2.5 and rates[2.0] < 2


def test_the_twin_merges_on_the_same_days() -> None:
    market = make_market(60, 500, **FALLING)
    f, g = market.panel.fields, market.twin().panel.fields
    assert np.array_equal(f["adj_factor"], g["adj_factor"])
    untouched = (f["high"] < f["limit_up"]) & (f["low"] > f["limit_down"]) & (f["halted"] == 0)
    assert (f["adj_factor"][untouched] < 1).any()
    for name in ("open", "high", "low", "close", "vwap"):
        assert np.array_equal(f[name][untouched], g[name][untouched]), name


# ---------------------------------------------------------------------- the parts


def slow_exchange(
    latent: np.ndarray, percent: np.ndarray, first: np.ndarray, halted: np.ndarray, spill: float, least: float
):
    """One stock and one day at a time, in whole ticks."""
    close, desired = np.zeros(latent.shape, int), np.zeros(latent.shape)
    for n in range(latent.shape[1]):
        last, lost, scale = int(first[n]), 0.0, 1
        for t in range(latent.shape[0]):
            if t and np.exp(latent[t - 1, n] - lost) * scale < least:
                last, scale = 10 * last, 10 * scale
            desired[t, n] = latent[t, n] - lost + np.log(scale)
            up, down = ((last * (100 + s * int(percent[t, n])) * 2 + 100) // 200 for s in (1, -1))
            wanted = max(round(float(np.exp(desired[t, n])) * 100), 1)
            if not halted[t, n]:
                last = min(max(wanted, down), up)
                if last in (up, down):
                    lost += (1 - spill) * (desired[t, n] - np.log(last / 100))
            close[t, n] = last
    return close, desired


@pytest.mark.parametrize(("spill", "least"), [(0.0, 0.0), (0.3, 12.0), (1.0, 0.0), (1.0, 12.0)])
def test_closes_are_those_of_a_slow_exchange(spill: float, least: float) -> None:
    rng = np.random.default_rng(3)
    shape = (120, 15)
    latent = np.log(20) + np.cumsum(0.06 * rng.standard_t(3, shape), axis=0)
    percent, first = rng.choice([10.0, 20.0], shape), rng.integers(500, 5000, shape[1])
    halted = rng.random(shape) < 0.1
    session = trade(latent, percent, first, halted, spill, least)
    close, desired = slow_exchange(latent, percent, first, halted, spill, least)
    assert np.array_equal(session.close, close)
    assert np.allclose(session.desired, desired, atol=1e-12)
    at_limit = (close == session.up) | (close == session.down)
    assert 0.02 < at_limit[~halted].mean() < 0.5
    assert (session.merged > 1).any() == (least > 0)


def test_a_log_price_is_rounded_to_the_nearest_tick() -> None:
    assert log_ticks(np.log([12.344, 12.346, 0.0001, 0.014])).tolist() == [1234, 1235, 1, 1]


def test_extremes_are_those_of_a_path_walked_in_small_steps() -> None:
    """Law of maximum and minimum of a Brownian path through nine points, against paths of 8 x 400 steps."""
    rng, n, fine, sd = np.random.default_rng(5), 1500, 400, 0.3
    points = np.array([0.0, 0.2, -0.1, 0.1, 0.4, 0.4, 0.1, 0.0, 0.3])
    low, high = _extremes(np.broadcast_to(points[:, None, None], (9, 20, n)), np.full((20, n), sd), rng)
    steps = rng.standard_normal((8, fine, n)) * sd / np.sqrt(fine)
    walk = np.cumsum(steps, axis=1)
    time = (np.arange(1, fine + 1) / fine)[None, :, None]
    bridge = points[:-1, None, None] + walk + time * (np.diff(points)[:, None, None] - walk[:, -1:])
    # a walk in steps misses the extreme between them by .58 of a step
    missed = 0.5826 * sd / np.sqrt(fine)
    walked = bridge.min(axis=(0, 1)) - missed, bridge.max(axis=(0, 1)) + missed
    for exact, slow, bound in ((low, walked[0], points.min()), (high, walked[1], points.max())):
        assert exact.mean() == pytest.approx(slow.mean(), abs=4 * slow.std() / np.sqrt(n))
        assert exact.std() == pytest.approx(slow.std(), rel=0.08)
        assert (np.sign(exact - bound) == np.sign(slow.mean() - bound)).all()


@pytest.mark.parametrize("rates", ["real", "paper"])
def test_the_close_is_rarely_the_days_extreme_where_no_limit_holds_it(rates: str) -> None:
    """CSI 300: 2.3 % of closes are the low, 2.2 % the high, by the tick; nine points alone give twenty."""
    panel = make_market(150, 500, seed=2, limit_rates=rates).panel
    f, free = panel.fields, panel.price_valid
    for side in ("low", "high"):
        assert 0.01 < (f["close"] == f[side])[free].mean() < 0.04
        assert 0.005 < (f["open"] == f[side])[free].mean() < 0.06


def test_geometric_lengths_have_their_mean_and_law() -> None:
    lengths = geometric(np.random.default_rng(0).random(200_000), 6.0)
    assert abs(lengths.mean() - 6) < 0.06
    for k in (1, 3, 10):
        assert abs((lengths > k).mean() - (5 / 6) ** k) < 0.005


@pytest.mark.parametrize(("rate", "days", "single"), [(0.02, 6.0, 0.7), (0.01, 8.0, 0.0), (0.3, 3.0, 0.5)])
def test_halts_have_the_asked_share_length_and_shape(rate: float, days: float, single: float) -> None:
    cfg = make_market(2, 5, halt_rate=rate, halt_days=days, halt_single=single).config
    halted = draw_halts(cfg, np.ones(3000), 500, np.random.default_rng(1))
    begins = halted[1:] & ~halted[:-1]
    assert halted[200:].mean() == pytest.approx(rate, rel=0.06)
    # spells that touch count as one, which matters only where halts are frequent
    assert halted[1:].sum() / begins.sum() == pytest.approx(days, rel=0.05 + rate)
    one_day = begins[:-1] & ~halted[2:]
    geometric_ones = (1 - single) / ((days - single) / (1 - single))
    assert one_day.sum() / begins[:-1].sum() == pytest.approx(single + geometric_ones, abs=0.03 + rate / 4)


def test_halts_begin_more_often_where_they_are_asked_to() -> None:
    cfg = make_market(2, 5, halt_rate=0.02, halt_days=2.0, halt_single=0.0).config
    often = np.repeat([1.0, 3.0], 2000)
    halted = draw_halts(cfg, often, 400, np.random.default_rng(1))
    begins = (halted[1:] & ~halted[:-1]).mean(axis=1)
    assert begins[2000:].mean() / begins[:2000].mean() == pytest.approx(3.0, rel=0.1)
    assert halted[:2000].mean() == pytest.approx(0.02, rel=0.08)


def test_processes_are_what_they_say() -> None:
    x = autoregression(np.random.default_rng(0), memory_of(5), (4000, 50))
    assert x.var() == pytest.approx(1.0, abs=0.03) and x[0].var() == pytest.approx(1.0, abs=0.5)
    assert np.mean(x[5:] * x[:-5]) == pytest.approx(0.5, abs=0.02)
    z = standardise(np.array([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]]))
    assert np.allclose(z, [[-(1.5**0.5), 0, 1.5**0.5], [0, 0, 0]])
