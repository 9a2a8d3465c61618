"""The truth of the simulated market is in its prices, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from lib.market import EPISODES, Market, make_market
from lib.reasons import Reason

FLAT = (("calm", 500),)


def daily_correlation(a: np.ndarray, b: np.ndarray, cells: np.ndarray | None = None) -> tuple[float, float]:
    """(mean over the days of the cross-sectional correlation, its standard error)."""
    found = []
    for t in range(len(a)):
        use = slice(None) if cells is None else cells[t]
        x, y = a[t][use], b[t][use]
        if len(x) > 5 and x.std() > 0 and y.std() > 0:
            found.append(np.corrcoef(x, y)[0, 1])
    return float(np.mean(found)), float(np.std(found) / np.sqrt(len(found)))


def is_nothing(a: np.ndarray, b: np.ndarray, cells: np.ndarray | None = None) -> bool:
    mean, error = daily_correlation(a, b, cells)
    return abs(mean) < 4 * error


def next_returns(market: Market) -> tuple[np.ndarray, np.ndarray]:
    """(return from t to t+1, cells where it can be earned), without the last day."""
    panel = market.panel
    return panel.returns[1:], panel.price_valid[:-1] & panel.price_valid[1:]


@pytest.fixture(scope="module")
def market() -> Market:
    return make_market(250, 500, seed=2, regimes=FLAT)


# ---------------------------------------------------------------------- what is planted can be earned


def test_what_can_be_earned_is_earned_the_next_day(market: Market) -> None:
    returns, cells = next_returns(market)
    mean, error = daily_correlation(market.truth.mu_trad[:-1], returns, cells)
    assert mean > 0.08 and mean > 10 * error
    # slope one: the truth is in the units of a log return
    truth, move = market.truth.mu_trad[:-1], np.diff(market.truth.desired, axis=0)
    truth, move = (x - x.mean(axis=1, keepdims=True) for x in (truth, move))
    assert (truth * move).sum() / (truth**2).sum() == pytest.approx(1.0, abs=0.1)


def test_alpha_alone_is_earned_as_well_and_has_the_asked_size(market: Market) -> None:
    without_reversal = make_market(250, 500, seed=2, regimes=FLAT, reversal=0.0)
    alpha = without_reversal.truth.alpha
    assert np.array_equal(alpha, without_reversal.truth.mu_trad)
    move = np.diff(without_reversal.truth.desired, axis=0)
    assert (alpha[:-1] * (move - move.mean(axis=1, keepdims=True))).sum() / (alpha**2).sum() == pytest.approx(
        1, abs=0.15
    )
    strength = alpha.std(axis=0) / make_market(250, 500, seed=2, regimes=FLAT, alpha=1.0).truth.alpha.std(axis=0)
    assert np.allclose(strength, 0.08)
    assert not make_market(20, 30, alpha=0.0).truth.alpha.any()


def test_alpha_is_not_earned_before_it_is_known(market: Market) -> None:
    """The move of day t has nothing to do with what is new in the signals of day t."""
    signals = market.truth.signals.astype(float)
    fresh = signals[:, 1:] - np.array([0.5 ** (1 / h) for h in (5, 12, 30)])[:, None, None] * signals[:, :-1]
    move = np.diff(market.truth.desired, axis=0)
    assert all(is_nothing(part, move) for part in fresh)


def test_the_transitory_component_decays_by_half_a_day(market: Market) -> None:
    m = -(market.truth.mu_trad - market.truth.alpha) / 0.5
    assert (m[1:] * m[:-1]).sum() / (m[:-1] ** 2).sum() == pytest.approx(0.5, abs=0.01)


# ---------------------------------------------------------------------- nothing else is


def test_the_truth_knows_nothing_of_the_future_market_or_of_what_is_not_planted(market: Market) -> None:
    truth, fields = market.truth, market.panel.fields
    index = np.diff(truth.desired, axis=0).mean(axis=1)
    strength = truth.alpha[:-1].std(axis=1)
    assert abs(np.corrcoef(strength, index)[0, 1]) < 4 / np.sqrt(len(index))
    rng = np.random.default_rng(0)
    assert is_nothing(truth.mu_trad, rng.standard_normal(truth.alpha.shape))
    assert is_nothing(truth.alpha[:-1], truth.unfilled[1:] * 0 + rng.standard_normal(truth.alpha[1:].shape))
    size = np.log(fields["float_mkt_cap"])
    assert abs(daily_correlation(truth.alpha, size)[0]) < 0.05


def test_a_far_day_is_not_predicted(market: Market) -> None:
    """Two hundred days ahead even the slowest signal is gone."""
    move = np.diff(market.truth.desired, axis=0)
    assert is_nothing(market.truth.mu_trad[:-201], move[200:])


def test_jumps_carry_no_alpha() -> None:
    """Skewed, clustered and more likely in wild stocks, yet no reward for volatility or for a jump yesterday."""
    loud = make_market(
        300, 600, seed=4, regimes=(("rally", 600),), jump_rate=0.1, jump_up=0.95, jump_echo=0.2, alpha=0.0,
        reversal=0.0, halt_rate=0.0, wide_share=0.0,
    )  # fmt: skip
    move = np.diff(loud.truth.desired, axis=0)
    simple = np.expm1(move)
    # volatility of the first half, returns of the second: within the same days both rise with the jumps that happened
    half = len(move) // 2
    wild = np.broadcast_to(move[:half].std(axis=0), move[half:].shape)
    mean, error = daily_correlation(wild, simple[half:])
    assert abs(mean) < 4 * error
    jumped = (move[:-1] > 0.06).astype(float)
    mean, error = daily_correlation(jumped, simple[1:])
    assert abs(mean) < 4 * error


# ---------------------------------------------------------------------- footprints


def test_signals_leave_their_footprints_in_observables(market: Market) -> None:
    f, cells = market.panel.fields, market.panel.price_valid
    s1, s2, s3 = market.truth.signals.astype(float)
    log_volume = np.log(np.where(f["volume"] > 0, f["volume"], 1.0))
    log_volume = log_volume - np.where(cells, log_volume, 0).sum(axis=0) / cells.sum(axis=0)
    close_against_vwap = np.log(f["close"] / f["vwap"])
    overnight = np.log(f["open"] / f["pre_close"]) - market.config.open_share * np.log(f["close"] / f["pre_close"])
    footprints = {"volume": log_volume, "path": close_against_vwap, "open": overnight}
    for own, (name, values) in enumerate(footprints.items()):
        for k, signal in enumerate((s1, s2, s3)):
            mean, _ = daily_correlation(signal, values, cells)
            # a high open lifts the average price of the day as well: s3 shows faintly in the path
            assert mean > 0.3 if k == own else abs(mean) < (0.2 if (own, k) == (1, 2) else 0.03), (name, k, mean)


def test_without_prints_the_signals_cannot_be_seen() -> None:
    blind = make_market(200, 300, seed=3, volume_print=0.0, path_print=0.0, open_print=0.0, alpha=0.0)
    f, cells = blind.panel.fields, blind.panel.price_valid
    s1, s2, s3 = blind.truth.signals.astype(float)
    assert is_nothing(s1, np.log(np.maximum(f["volume"], 1)), cells)
    assert is_nothing(s2, np.log(f["close"] / f["vwap"]), cells)
    assert is_nothing(s3, np.log(f["open"] / f["pre_close"]), cells)


def test_the_footprints_pay_only_where_alpha_is_planted() -> None:
    for kappa in (0.0, 0.3):
        market = make_market(250, 400, seed=5, alpha=kappa, reversal=0.0)
        returns, cells = next_returns(market)
        mean, error = daily_correlation(market.truth.signals[0, :-1].astype(float), returns, cells)
        assert (mean > 8 * error) if kappa else abs(mean) < 4 * error


# ---------------------------------------------------------------------- twin


@pytest.mark.parametrize("spill", [1.0, 0.0])
def test_the_twin_equals_the_market_where_no_limit_or_halt_ever_touched_a_stock(spill: float) -> None:
    market = make_market(300, 200, seed=6, regimes=(("calm", 200),), halt_rate=0.002, spill=spill)
    twin = market.twin()
    f, g = market.panel.fields, twin.panel.fields
    touched = (f["high"] >= f["limit_up"]) | (f["low"] <= f["limit_down"]) | (f["halted"] == 1)
    free = ~touched.any(axis=0)
    assert 30 < free.sum() < 270
    for name in ("open", "high", "low", "close", "vwap", "volume", "amount", "turnover", "pre_close", "float_mkt_cap"):
        assert np.array_equal(f[name][:, free], g[name][:, free]), name
    assert not np.array_equal(f["close"], g["close"])
    # and before the first touch of every other stock
    before = np.cumsum(touched, axis=0) == 0
    assert np.array_equal(f["close"][before], g["close"][before])


def test_with_full_spill_the_twin_agrees_again_on_every_untouched_day() -> None:
    market = make_market(200, 400, seed=7, limit_rates="paper")
    f, g = market.panel.fields, market.twin().panel.fields
    untouched = (f["high"] < f["limit_up"]) & (f["low"] > f["limit_down"]) & (f["halted"] == 0)
    for name in ("open", "high", "low", "close", "vwap"):
        assert np.array_equal(f[name][untouched], g[name][untouched]), name
    assert 0.8 < untouched.mean() < 0.99


def test_the_twin_knows_no_limits_and_no_halts_and_shares_the_truth() -> None:
    market = make_market(60, 300, seed=8, limit_rates="paper")
    twin = market.twin()
    assert (market.panel.reasons & (Reason.LIMIT_UP | Reason.LIMIT_DOWN | Reason.HALT)).any()
    assert not twin.panel.reasons.any() and twin.panel.price_valid.all()
    for name in ("alpha", "mu_trad", "signals", "regime"):
        assert np.array_equal(getattr(market.truth, name), getattr(twin.truth, name)), name
    assert (np.abs(twin.truth.unfilled) <= 0.0051 / twin.panel.fields["close"]).all()
    assert twin.twin().panel.fingerprint() == twin.panel.fingerprint()
    assert np.abs(np.diff(np.log(twin.panel.fields["close"]), axis=0)).max() > np.log(1.21)


# ---------------------------------------------------------------------- null, spill, interaction


def test_the_null_market_has_no_alpha() -> None:
    null = make_market(300, 700, seed=9, null=True, limit_rates="paper")
    assert not null.truth.alpha.any() and not null.truth.mu_trad.any()
    assert null.config.spill == 0 and null.config.jump_up == (0.5, 0.5, 0.5)
    returns, _ = next_returns(null)
    panel = null.panel
    everyone = panel.traded[:-1] & panel.traded[1:]
    f = panel.fields
    volatility = np.broadcast_to(np.nanstd(panel.returns, axis=0), returns.shape)
    for name, guess in {
        "last return": panel.returns[:-1], "gap": panel.gap[:-1], "volatility": volatility,
        "volume": np.log1p(f["turnover"])[:-1], "at a limit": (~panel.price_valid)[:-1].astype(float),
        "signal": null.truth.signals[0, :-1].astype(float),
    }.items():  # fmt: skip
        assert is_nothing(guess, returns, everyone), name


def test_the_same_guesses_work_where_something_is_planted() -> None:
    """The power of the test above: the last return predicts with reversal, the limit close with spill."""
    market = make_market(300, 700, seed=9, limit_rates="paper", reversal=0.5)
    panel = market.panel
    returns, _ = next_returns(market)
    everyone = panel.traded[:-1] & panel.traded[1:]
    up = (panel.reasons[:-1] & Reason.LIMIT_UP > 0).astype(float)
    for guess, sign in ((up, 1), (np.where(panel.price_valid[:-1], panel.returns[:-1], 0.0), -1)):
        mean, error = daily_correlation(guess, returns, everyone)
        assert sign * mean > 5 * error


def gap_after_limit_up(market: Market) -> tuple[float, float, int]:
    panel = market.panel
    after = (panel.reasons[:-1] & Reason.LIMIT_UP > 0) & panel.traded[1:]
    gaps = panel.gap[1:][after]
    return float(gaps.mean()), float(gaps.std() / np.sqrt(len(gaps))), len(gaps)


def test_cut_off_moves_come_out_at_the_next_open_only_with_spill() -> None:
    gaps = {
        spill: gap_after_limit_up(make_market(300, 600, seed=3, spill=spill, halt_rate=0.0, limit_rates="paper"))
        for spill in (0.0, 0.5, 1.0)
    }
    mean, error, n = gaps[0.0]
    assert n > 500 and abs(mean) < 4 * error
    assert 0.005 < gaps[0.5][0] < gaps[1.0][0] < 0.08
    assert gaps[1.0][0] > 8 * gaps[1.0][1]


def test_with_the_interaction_reversal_pays_only_where_volatility_is_low() -> None:
    only_reversal = {"alpha": 0.0, "regimes": (("calm", 1000),)}
    market = make_market(400, 1000, seed=1, interaction=True, **only_reversal)
    panel = market.panel
    returns, cells = next_returns(market)
    excess = panel.returns - np.nanmean(panel.returns, axis=1, keepdims=True)
    recent = np.array([np.nanstd(excess[t - 20 : t + 1], axis=0) for t in range(20, len(returns))])
    low, high = np.quantile(recent, (1 / 3, 2 / 3), axis=1, keepdims=True)
    found = {}
    for name, side in (("low", recent < low), ("high", recent > high)):
        found[name] = daily_correlation(-panel.returns[20:-1], returns[20:], cells[20:] & side)
    assert found["low"][0] > 5 * found["low"][1]
    assert found["low"][0] > 2.5 * abs(found["high"][0])
    # the planted component itself knows the day's volatility: half of the cells, about as much in all
    m = market.truth.mu_trad
    fresh = m[1:] - market.config.reversal_memory * m[:-1]
    assert (np.abs(fresh) > 1e-12).mean() == pytest.approx(0.5, abs=0.01)
    plain = make_market(400, 1000, seed=1, **only_reversal)
    assert m.std() == pytest.approx(plain.truth.mu_trad.std(), rel=0.25)


# ---------------------------------------------------------------------- regimes and episodes


def test_scripted_regimes_are_followed() -> None:
    market = make_market(200, 300, seed=2, regimes=[["calm", 150], ["bear", 100], ["rally", 50]])
    assert market.truth.regime.tolist() == ["calm"] * 150 + ["bear"] * 100 + ["rally"] * 50
    panel = market.panel
    shares = [((panel.reasons & 24) > 0)[market.truth.regime == name].mean() for name in ("calm", "rally", "bear")]
    assert shares == sorted(shares)


def test_drawn_regimes_last_as_long_as_asked() -> None:
    regime = make_market(2, 20_000, seed=1, regime_days=(50, 20, 10), to_bear=0.7).truth.regime
    change = np.flatnonzero(np.r_[True, regime[1:] != regime[:-1]])
    lengths = np.diff(np.r_[change, len(regime)])
    for name, days in (("calm", 50), ("bear", 20), ("rally", 10)):
        assert lengths[regime[change] == name].mean() == pytest.approx(days, rel=0.2)
    after_calm = regime[change][1:][regime[change][:-1] == "calm"]
    assert (after_calm == "bear").mean() == pytest.approx(0.7, abs=0.1)
    assert set(regime[change][1:][regime[change][:-1] != "calm"]) == {"calm"}


@pytest.mark.parametrize("name", EPISODES)
def test_an_episode_happens_where_it_says(name: str) -> None:
    episode = EPISODES[name]
    market = make_market(200, 200, seed=3, episode=name, episode_start=100)
    assert market.episode_days == slice(100, 100 + episode.days)
    assert set(market.truth.regime[market.episode_days]) == {episode.regime}
    # everything before it is as it would have been without
    plain = make_market(200, 200, seed=3)
    for field, values in market.panel.fields.items():
        if field not in ("board", "industry"):
            assert np.array_equal(values[:100], plain.panel.fields[field][:100], equal_nan=True), field
    assert not np.array_equal(market.panel.fields["close"][150], plain.panel.fields["close"][150])
    assert make_market(200, 200, seed=3, episode=name).episode_days.start == 133


def test_without_an_episode_its_days_are_none() -> None:
    market = make_market(5, 20)
    assert market.panel.fields["close"][market.episode_days].size == 0


@pytest.mark.parametrize(("name", "total"), [("crash", -0.1625), ("policy_rally", 0.2231)])
def test_crash_and_rally_move_the_market_by_what_they_say(name: str, total: float) -> None:
    moves = []
    for seed in range(4):
        market = make_market(300, 150, seed=seed, episode=name, episode_start=80)
        move = np.diff(market.truth.desired, axis=0, prepend=np.nan)
        moves.append(move[market.episode_days].sum(axis=0).mean())
    assert np.mean(moves) == pytest.approx(total, abs=0.04)


def test_the_theme_gains_on_volume_and_its_gain_is_part_of_alpha() -> None:
    calm = (("calm", 240),)
    market = make_market(400, 240, seed=3, episode="theme_rotation", episode_start=120, regimes=calm)
    plain = make_market(400, 240, seed=3, regimes=calm)
    theme, days = market.truth.theme, market.episode_days
    assert 0.05 < theme.mean() < 0.5
    assert set(market.panel.fields["industry"][0][theme]) == {"I01", "I02"}
    gained = (market.truth.desired - plain.truth.desired)[days.stop - 1]
    planted = (market.truth.alpha - plain.truth.alpha)[days.start - 1 : days.stop - 1].sum(axis=0)
    for found in (gained, planted):
        assert np.allclose(found[theme], 0.30) and np.allclose(found[~theme], -0.03)
    f, g = market.panel.fields["volume"], plain.panel.fields["volume"]
    ratio = np.median((f / np.maximum(g, 1))[days], axis=0)
    assert np.median(ratio[theme]) == pytest.approx(np.exp(0.5), rel=0.12)  # larger moves draw volume as well
    assert np.median(ratio[~theme]) == pytest.approx(1.0, rel=0.05)
