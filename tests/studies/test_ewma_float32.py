"""Averages in every form against a loop in exact fractions; rules for masked days against pandas and by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
from page_parts import changed, parts, recorded_findings, shown_of
from results import scaled_markets

from lib.errors import LibError
from lib.panel import Panel
from lib.studies import recorded, run_study
from lib.studies.ewma_float32 import page
from lib.studies.ewma_float32.masked_days import RULES, keep_level, zero_price
from lib.studies.ewma_float32.measure import SPANS, distance, traded_prices
from lib.studies.ewma_float32.smoothing import (
    ADJUSTED,
    COARSE,
    METHODS,
    adjusted_reference,
    error_bound,
    reference,
    relative_error,
    rounded,
)

RNG = np.random.default_rng(5)
PRICES = 20 * np.exp(np.cumsum(0.02 * RNG.standard_normal((300, 4)), axis=0))


def exact(x: np.ndarray, span: int, adjusted: bool) -> np.ndarray:
    """The averages as fractions: no rounding before the last step."""
    alpha = Fraction(2, span + 1)
    top, weight, out = Fraction(0), Fraction(0), []
    for t, value in enumerate(map(Fraction, x.tolist())):
        new = 1 if adjusted or t == 0 else alpha
        top, weight = new * value + (1 - alpha) * top, new + (1 - alpha) * weight
        out.append(float(top / weight))
    return np.array(out)


@pytest.mark.parametrize("span", [2, 5, 60])
@pytest.mark.parametrize("adjusted", [False, True])
def test_the_reference_is_the_exact_average(span: int, adjusted: bool) -> None:
    true = (adjusted_reference if adjusted else reference)(PRICES[:60], span)
    for stock in range(4):
        np.testing.assert_allclose(true[:, stock].astype(float), exact(PRICES[:60, stock], span, adjusted), rtol=1e-15)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-4)])
def test_every_form_is_the_same_average(name: str, dtype: str, tolerance: float) -> None:
    x = PRICES.astype(dtype)
    got = METHODS[name](x, 20)
    assert got.dtype == dtype, "computed in the precision asked for"
    true = (adjusted_reference if name in ADJUSTED else reference)(PRICES, 20)
    assert relative_error(got, true).max() < tolerance
    np.testing.assert_array_equal(x, PRICES.astype(dtype), err_msg="the prices are left as they were")


@pytest.mark.parametrize("name", COARSE)
def test_coarse_forms_are_coarse(name: str) -> None:
    error = relative_error(COARSE[name](PRICES.astype(np.float32), 20), reference(PRICES, 20)).max()
    assert 1e-5 < error < 0.2


def test_a_recursion_stays_below_its_bound_on_a_flat_price_and_growing_weights_do_not() -> None:
    flat = np.full((4000, 3), [[10.1, 33.33, 777.7]])
    for span in (5, 60, 252):
        true = reference(flat, span)
        for name in ("recursion", "correction"):
            assert relative_error(METHODS[name](flat.astype(np.float32), span), true).max() < error_bound(span)
    drift = relative_error(METHODS["growing weights"](flat.astype(np.float32), 252), reference(flat, 252))
    assert drift[2500].max() > 4 * error_bound(252)


def test_growing_weights_overflow_on_the_day_their_weight_does() -> None:
    error = relative_error(METHODS["growing weights"](PRICES.astype(np.float32), 5), reference(PRICES, 5))
    day = int(np.flatnonzero(np.isinf(error).any(axis=1))[0])
    weight = np.float64(1.5) ** np.arange(300) * PRICES.max(axis=1) / 3
    too_large = int(np.flatnonzero(weight > np.finfo(np.float32).max)[0])
    assert too_large - 6 <= day <= too_large, "the sum overflows a little before the weight"


def test_rounding_to_a_significand_is_the_hardwares() -> None:
    values = np.concatenate([PRICES.ravel(), -PRICES.ravel(), [0.0, 1.0, 2049.0, 2051.0]]).astype(np.float32)
    np.testing.assert_array_equal(rounded(values, 10), values.astype(np.float16).astype(np.float32))
    brain = torch.from_numpy(values).to(torch.bfloat16).float().numpy()
    np.testing.assert_array_equal(rounded(values, 7), brain)


# ------------------------------------------------------------------------------------- masked days


def test_rules_for_masked_days_by_hand() -> None:
    """Span 3: a = 1/2. Day 1 is masked, and what lies under the mask is never read."""
    x, valid = np.array([[8.0], [1e30], [4.0]]), np.array([[True], [False], [True]])
    for poison in (1e30, np.nan, np.inf):
        x[1] = poison
        np.testing.assert_array_equal(keep_level(x, valid, 3)[:, 0], [8.0, np.nan, 6.0])
        np.testing.assert_array_equal(zero_price(x, valid, 3)[:, 0], [4.0, np.nan, 3.0])
        calendar = RULES["pandas without adjust"](x, valid, 3)
        assert calendar[2, 0] == pytest.approx(0.25 * 8 + 0.75 * 4), "two days have passed"
        assert RULES["pandas as it comes"](x, valid, 3)[2, 0] == pytest.approx((0.25 * 8 + 4) / 1.25)


def test_keeping_the_level_is_what_pandas_does_with_ignore_na() -> None:
    valid = RNG.random(PRICES.shape) > 0.2
    frame = pd.DataFrame(np.where(valid, PRICES, np.nan))
    pandas = frame.ewm(span=9, adjust=False, ignore_na=True).mean().to_numpy()
    np.testing.assert_allclose(keep_level(PRICES, valid, 9)[valid], pandas[valid], rtol=1e-12)


# ----------------------------------------------------------------------------------------- the study


def toy_panel(masked: np.ndarray) -> Panel:
    days = np.arange("2020-01-01", np.datetime64("2020-01-01") + len(masked), dtype="datetime64[D]")
    close = np.where(masked, 1e30, PRICES[: len(masked)])
    fields = dict.fromkeys(("open", "high", "low", "close"), close) | {"volume": np.ones_like(close)}
    return Panel.from_arrays(days, ["A", "B", "C", "D"], fields, reasons=masked.astype(np.uint8))


def test_traded_prices_skip_masked_days_and_stocks_that_are_too_short() -> None:
    masked = np.zeros((50, 4), dtype=bool)
    masked[10, 0] = masked[:30, 2] = True
    found = traded_prices(toy_panel(masked), 45)
    assert found.shape == (45, 3)
    np.testing.assert_array_equal(found[:, 0], np.delete(PRICES[:50, 0], 10)[:45])
    with pytest.raises(LibError, match="no stock of 4 has 51 valid closes"):
        traded_prices(toy_panel(masked), 51)


def test_the_factor_is_computed_in_one_precision() -> None:
    masked = np.zeros((50, 4), dtype=bool)
    masked[20:25, 1] = True
    panel = toy_panel(masked)
    single, double = distance(panel, 20, np.float32), distance(panel, 20, np.float64)
    assert single.dtype == np.float32 and np.isnan(single[masked]).all()
    valid = ~masked
    expected = pd.DataFrame(np.where(valid, PRICES[:50], np.nan)).ewm(span=20, adjust=False, ignore_na=True).mean()
    np.testing.assert_allclose(double[valid], (PRICES[:50] / expected.to_numpy() - 1)[valid], atol=1e-12)
    assert 0 < np.abs(single - double)[valid].max() < 1e-6


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return run_study("ewma_float32", scale="smoke", cache=tmp_path_factory.mktemp("cache")).frame


def test_the_study_finds_no_drift_in_recursions(frame: pd.DataFrame) -> None:
    found = page.Smoothing.of(frame)
    for span in SPANS:
        assert found.worst(span, "recursion, float32") < 3 * error_bound(span)
        assert found.worst(span, "recursion, float64") < 1e-6 * found.worst(span, "recursion, float32")
    assert np.isfinite(found.breaks(5, "growing weights, float32"))
    assert np.isnan(found.breaks(252, "growing weights, float32"))
    drift, loss, overflow, rule = page.findings(frame)
    assert drift.holds and loss.holds and overflow.holds and rule.holds
    assert overflow.numbers["single"] < 300 < 1500 < overflow.numbers["double"]


def test_tables_figures_and_answers(frame: pd.DataFrame) -> None:
    errors = page.error_table(frame, "market")
    assert np.isnan(errors.loc["growing weights, float32", "error, span 5"])
    assert errors.loc["recursion, float32", "error, span 252"] < 1e-4
    assert len(page.rule_table(frame, "market")) == len(RULES) and len(page.factor_table(frame, "market")) == 4
    figures = ("growing_weights", "errors_by_day", "rules", "cost")
    names = (*figures, "error_tables", "broken_days", "rule_tables", "factor_tables")
    found = parts(page, shown_of("ewma_float32", frame), *names)
    assert [found[name].count("«") for name in figures] == [1, 1, 1, 1]
    assert "overflow" in found["error_tables"] and "never" in found["broken_days"]
    assert ">recursion, float32" not in found["broken_days"], "it never breaks"
    loss = page.factor_table(frame, "market").loc["5", "loss error 0.03"]
    assert f"{1000 * loss:+.2f}".replace("-", "\N{MINUS SIGN}") in found["factor_tables"], "in thousandths"
    (error,) = page.answer_claims(frame)
    assert 0 < error.low < error.high < 0.1, "in per cent"
    answer = page.answer_claims(scaled_markets(frame, 5))[1]
    assert abs(answer.estimate) < 1e-4 and answer.low < answer.estimate < answer.high


def test_every_finding_holds_on_the_recorded_rows() -> None:
    assert [item.text for item in recorded_findings("ewma_float32") if not item.holds] == []


@pytest.mark.parametrize(
    ("places", "variant", "metric", "factor"),
    [
        ({0, 2, 3}, "market span 60 recursion, float32", "error", 1e4),
        ({1}, "market factor span 5", "loss error 0.003", 100),
        ({1}, "market factor span 252", "loss float32", 1e6),
        ({2}, "market span 252 growing weights, float32", "error", 0.01),
        ({3}, "market span 252 rule pandas as it comes", "median", 0.001),
    ],
)
def test_a_finding_does_not_outlive_its_number(places: set[int], variant: str, metric: str, factor: float) -> None:
    frame = recorded("ewma_float32").frame
    if 2 in places and len(places) == 1:  # the other spans that still give numbers
        frame = frame[frame["variant"] != "market span 60 growing weights, float32"]
    found = page.findings(changed(frame, variant, metric, factor))
    assert {place for place, item in enumerate(found) if not item.holds} == places


def test_an_error_of_the_size_of_the_factor_costs_most_of_its_ic() -> None:
    """What the study calls loss is a loss: noise of three deviations leaves about a third of a correlation."""
    from lib.stats import ic

    factor = RNG.standard_normal((200, 100)) * 0.03
    label = factor + 0.05 * RNG.standard_normal(factor.shape)
    cells = np.ones(factor.shape, dtype=bool)
    noisy = (1 + factor) / (1 + 0.09 * RNG.standard_normal(factor.shape)) - 1
    kept = ic(noisy, label, cells).mean() / ic(factor, label, cells).mean()
    assert kept == pytest.approx(10**-0.5, abs=0.05)
