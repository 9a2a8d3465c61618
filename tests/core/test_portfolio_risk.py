"""Styles, exposures and attribution: nothing from the future or from masked cells, and planted numbers come back."""

from __future__ import annotations

import numpy as np
import pytest

from lib.errors import ParameterError, StatisticsError
from lib.market import make_market
from lib.panel import Panel
from lib.portfolio.attribution import attribute, by_regime, rolling_betas
from lib.portfolio.risk import FIVE, LEAST, STYLES, exposures, long_short, style_returns, style_scores


@pytest.fixture(scope="module")
def panel() -> Panel:
    return make_market(40, 640, seed=3).panel


@pytest.fixture(scope="module")
def scores(panel):
    return style_scores(panel)


def poisoned(panel: Panel, value: float) -> Panel:
    """The same panel with other numbers in masked cells; closes at a limit stay, for the adjustment reads them."""
    fields = {}
    for name, values in panel.fields.items():
        cells = ~panel.traded if name in ("close", "pre_close") else ~panel.mask
        fields[name] = np.where(cells, value, values) if values.dtype.kind == "f" else values
    return Panel.from_arrays(panel.dates, panel.symbols, fields, panel.reasons, panel.universe, market="cn")


def test_scores_have_mean_zero_and_deviation_one_in_the_universe(panel, scores):
    assert set(scores) == set(STYLES)
    for name, z in scores.items():
        assert not np.isfinite(z[~(panel.mask & panel.universe)]).any()
        assert np.nanmean(z[-1]) == pytest.approx(0, abs=1e-9) and np.nanstd(z[-1]) == pytest.approx(1), name


def test_scores_are_what_their_names_say(panel, scores):
    close = np.where(panel.mask, panel.adjusted("close"), np.nan)
    assert np.isnan(close[[79, 379, 579, 619]]).any(), "some of these are masked, and the last valid close counts"
    for j in range(40):
        for t in range(1, len(close)):
            close[t, j] = close[t, j] if np.isfinite(close[t, j]) else close[t - 1, j]
    for name, early, late, sign in (("momentum", 379, 619, 1), ("value", 79, 579, -1)):
        raw = np.array([sign * np.log(close[late, j] / close[early, j]) for j in range(40)])
        both = np.isfinite(raw) & np.isfinite(scores[name][639])
        assert both.sum() > 20 and np.corrcoef(raw[both], scores[name][639][both])[0, 1] > 0.9999, name
    moves = np.array([np.nanstd(panel.returns[580:640, j]) for j in range(40)])
    known = np.isfinite(scores["volatility"][639])
    assert np.corrcoef(np.log(moves[known]), scores["volatility"][639][known])[0, 1] > 0.8
    cap = np.log(panel.fields["float_mkt_cap"][639])
    assert np.corrcoef(cap[known], scores["size"][639][known])[0, 1] > 0.9999
    assert known.sum() > 20


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_masked_cells_are_never_read(panel, scores, value):
    other = style_scores(poisoned(panel, value))
    for name in STYLES:
        np.testing.assert_allclose(other[name], scores[name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_scores_know_nothing_of_later_days(panel, scores):
    early = style_scores(panel.rows(0, 600))
    for name in STYLES:
        np.testing.assert_allclose(early[name], scores[name][:600], rtol=1e-9, atol=1e-9, err_msg=name)


def test_without_market_values_traded_value_stands_in(panel):
    fields = {name: values for name, values in panel.fields.items() if name not in ("float_mkt_cap", "amount")}
    bare = Panel.from_arrays(panel.dates, panel.symbols, fields, panel.reasons, panel.universe, market="cn")
    found = style_scores(bare)
    assert set(found) == set(STYLES) - {"liquidity"}
    value = np.where(bare.mask, bare.fields["close"] * bare.fields["volume"], np.nan)
    mean = np.log(np.nanmean(value[-60:], axis=0))
    known = np.isfinite(found["size"][-1])
    assert np.corrcoef(mean[known], found["size"][-1][known])[0, 1] > 0.9999


def test_long_short_is_equal_within_and_empty_with_too_few():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(3, 30))
    z[1, 3:] = np.nan
    w = long_short(z)
    top = np.argsort(z[0])[-9:]
    assert w[0, top] == pytest.approx(np.full(9, 1 / 9)) and w[0].sum() == pytest.approx(0)
    assert (w[1] == 0).all() and np.abs(w[2]).sum() == pytest.approx(2) and LEAST * 2 < 30


def test_a_style_earns_the_day_after_it_was_formed(panel, scores):
    found = style_returns(panel, scores)
    day = 610
    w = long_short(scores["momentum"])[day]
    moves = np.where(panel.observed[day + 1] & np.isfinite(panel.returns[day + 1]), panel.returns[day + 1], 0)
    assert found["momentum"][day + 1] == pytest.approx(w @ moves) != 0
    small = long_short(-scores["size"])[day]
    assert found["size"][day + 1] == pytest.approx(small @ moves)
    with pytest.raises(ParameterError, match="share"):
        style_returns(panel, scores, share=0.6)


def test_exposure_of_the_index_is_zero_and_of_one_stock_its_score(panel, scores):
    cells = panel.mask & panel.universe
    index = np.where(cells, 1 / np.maximum(cells.sum(axis=1, keepdims=True), 1), 0.0)
    one = np.zeros(panel.shape)
    one[:, 5] = 0.5  # half in cash
    for name in ("size", "momentum"):
        known = np.isfinite(scores[name])
        assert exposures(index, scores, cells)[name][-1] == pytest.approx(0, abs=1e-9)
        days = known[:, 5] & known.any(axis=1)
        np.testing.assert_allclose(exposures(one, scores, cells)[name][days], scores[name][days, 5], atol=1e-9)
    with pytest.raises(ParameterError, match="shapes"):
        exposures(one[:-1], scores, cells)


# ------------------------------------------------------------------------------------- attribution


def planted(n=1500, seed=0, alpha=0.0):
    rng = np.random.default_rng(seed)
    factors = {name: 0.01 * rng.normal(size=n) for name in FIVE}
    noise = 0.005 * rng.normal(size=n)
    return alpha + 0.8 * factors["market"] - 0.5 * factors["size"] + noise, factors


def test_planted_coefficients_come_back_and_the_parts_add_up():
    r, factors = planted(alpha=0.001)
    found = attribute(r, factors)
    assert found.betas["market"].value == pytest.approx(0.8, abs=0.05)
    assert found.betas["size"].value == pytest.approx(-0.5, abs=0.05)
    assert found.alpha.value == pytest.approx(0.252, abs=0.1) and found.alpha.t > 3
    assert found.alpha.value + sum(found.contributions.values()) == pytest.approx(r.mean() * 252)
    x = np.column_stack([np.ones(len(r)), *factors.values()])
    rest = r - x @ np.linalg.solve(x.T @ x, x.T @ r)
    assert found.r_squared == pytest.approx(1 - rest.var() / r.var()) and found.days == 1500


def test_without_alpha_it_is_found_one_time_in_twenty():
    rejected = sum(abs(attribute(*planted(500, seed)).alpha.t) > 1.96 for seed in range(300)) / 300
    power = sum(attribute(*planted(500, seed, alpha=0.001)).alpha.t > 1.96 for seed in range(100)) / 100
    assert 0.02 < rejected < 0.10 and power > 0.9


def test_bad_factors_are_named():
    r, factors = planted(100)
    for bad, what in (({"flat": np.ones(100)}, "constant"), ({"short": r[:-1]}, "as many"),
                      ({"a": r, "b": 2 * r}, "collinear")):  # fmt: skip
        with pytest.raises(StatisticsError, match=what):
            attribute(r, bad)
    with pytest.raises(StatisticsError, match="more days"):
        attribute(r[:5], {name: x[:5] for name, x in factors.items()})


def test_regimes_add_up():
    r = np.random.default_rng(1).normal(size=90)
    labels = np.repeat(["calm", "bear", "rally"], 30)
    found = by_regime(r, labels, periods=243)
    assert sum(found.values()) == pytest.approx(r.mean() * 243)
    assert found["bear"] == pytest.approx(r[30:60].sum() / 90 * 243)
    with pytest.raises(StatisticsError, match="label"):
        by_regime(r, labels[:-1])


def test_rolling_coefficients_follow_a_change_and_read_only_their_window():
    r, factors = planted(600)
    r = r + np.where(np.arange(600) >= 300, 0.6, 0.0) * factors["market"]
    days, found = rolling_betas(r, factors, window=150, every=50)
    assert days.tolist() == list(range(149, 600, 50))
    assert found["market"][0] == pytest.approx(0.8, abs=0.15) and found["market"][-1] == pytest.approx(1.4, abs=0.15)
    part = attribute(r[450:], {name: x[450:] for name, x in factors.items()})
    assert found["size"][-1] == pytest.approx(part.betas["size"].value)
