"""Limit events on a panel of seven days, every number worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from lib.errors import UnknownNameError
from lib.evaluation.events import clustered_mean, limit_days, outcomes, spans
from lib.limits.ticks import limit_prices
from lib.market import make_market
from lib.panel import Panel

DAYS = np.array(["2020-12-28", "2020-12-29", "2020-12-30", "2020-12-31", "2021-01-04", "2021-01-05", "2021-01-06",
                 "2021-01-07"], dtype="datetime64[D]")  # fmt: skip

# pre_close, open, high, low, close, volume
A = [
    (10.00, 10.00, 10.20, 9.90, 10.00, 100),
    (10.00, 10.50, 11.00, 10.40, 11.00, 100),  # limit-up close
    (11.00, 12.10, 12.10, 12.10, 12.10, 100),  # limit-up at one price: opens there too
    (12.10, 12.10, 12.10, 12.10, 12.10, 0),  # halted
    (12.10, 12.30, 13.31, 12.00, 12.50, 100),  # touched limit-up, closed below
    (12.50, 12.00, 12.40, 11.25, 11.25, 100),  # limit-down close
    (11.25, 10.13, 10.13, 10.13, 10.13, 100),  # limit-down at one price
    (10.13, 10.00, 10.50, 9.12, 9.80, 100),  # touched limit-down, closed above
]
B = [
    (20.00, 20.00, 20.00, 20.00, 20.00, 100),
    (20.00, 20.00, 22.50, 20.00, 22.50, 100),  # above its limit of 22.00: a data error
    (22.50, 23.00, 24.00, 22.50, 23.85, 100),  # up 6 %, no limit
    (23.85, 23.85, 23.85, 22.00, 22.18, 100),  # down 7 %, no limit
    (22.18, np.nan, 22.50, 22.00, 22.18, 100),  # the open is missing
    (22.18, 22.40, 24.40, 22.00, 24.40, 100),  # limit-up close of a stock that is no member that day
    (24.40, 24.40, 24.40, 24.40, 24.40, 100),
    (24.40, 24.40, 24.40, 24.40, 24.40, 100),
]
C = [
    (np.nan, np.nan, np.nan, np.nan, np.nan, np.nan),  # not listed yet
    (5.00, 7.00, 8.00, 7.00, 7.50, 100),  # first day, no limit
    (7.50, 7.50, 7.50, 7.50, 7.50, 100),
    (7.50, 7.50, 7.50, 7.50, 7.50, 100),
    (7.50, 7.50, 7.50, 7.50, 7.50, 100),
    (7.50, 7.50, 7.50, 7.50, 7.50, 100),
    (7.50, 7.50, 7.50, 7.50, 7.50, 100),
    (7.50, 7.50, 7.50, 7.50, 7.50, 100),
]


def build(market: str = "cn") -> Panel:
    table = np.array([A, B, C]).transpose(2, 1, 0)  # column T N
    fields = dict(zip(("pre_close", "open", "high", "low", "close", "volume"), table, strict=True))
    fields["limit_up"], fields["limit_down"] = limit_prices(fields["pre_close"], 10.0)
    fields["limit_up"][1, 2] = fields["limit_down"][1, 2] = np.nan
    universe = np.ones((8, 3), dtype=bool)
    universe[5, 1] = False
    return Panel.from_arrays(DAYS, ["SH600000", "SH600001", "SH600002"], fields, universe=universe, market=market)


@pytest.fixture(scope="module")
def days():
    return limit_days(build())


def where(cells: np.ndarray) -> list[tuple[int, int]]:
    return [tuple(map(int, cell)) for cell in np.argwhere(cells)]


def test_states_by_hand(days):
    assert where(days.halted) == [(3, 0)]
    assert where(~days.member) == [(0, 2), (5, 1)]
    assert where(days.member & ~days.traded) == [(3, 0)]
    assert where(days.at["close up"]) == [(1, 0), (2, 0), (5, 1)], "member or not"
    assert where(days.at["one-price up"]) == [(2, 0)]
    assert where(days.at["open up"]) == [(2, 0)]
    assert where(days.at["touch up"]) == [(1, 0), (1, 1), (2, 0), (4, 0), (5, 1)], "also on the way to a bad close"
    assert where(days.at["close down"]) == [(5, 0), (6, 0)]
    assert where(days.at["one-price down"]) == [(6, 0)]
    assert where(days.at["open down"]) == [(6, 0)]
    assert where(days.at["touch down"]) == [(5, 0), (6, 0), (7, 0)]


def test_events_are_traded_members(days):
    events = {name: where(cells) for name, cells in days.events().items()}
    plain = events.pop("no limit close")
    assert events == {
        "limit-up close": [(1, 0), (2, 0)],
        "limit-up, one price": [(2, 0)],
        "limit-up, other": [(1, 0)],
        "touched limit-up, closed below": [(4, 0)],
        "limit-down close": [(5, 0), (6, 0)],
        "limit-down, one price": [(6, 0)],
        "touched limit-down, closed above": [(7, 0)],
        "up more than 5 %, no limit": [(2, 1)],
        "down more than 5 %, no limit": [(3, 1)],
    }
    assert len(plain) == 24 - 2 - 1 - 2 - 2, "all cells less non-members, the halt and the limit closes"
    assert (1, 1) in plain and (1, 2) in plain, "a bad close and a day without limit are closes without limit"


def test_a_close_beyond_the_limits_touched_them_but_did_not_close_below(days):
    """Day 1 of the second stock: high and close 22.50, limit 22.00. The limit was reached; what followed is unknown."""
    assert days.at["touch up"][1, 1] and not days.at["close up"][1, 1]
    assert not any(cells[1, 1] for name, cells in days.events().items() if name != "no limit close")


def test_returns_by_hand(days):
    nan = np.nan
    np.testing.assert_allclose(
        days.r[:, 0], [0, 0.1, 0.1, nan, 12.5 / 12.1 - 1, -0.1, 10.13 / 11.25 - 1, 9.8 / 10.13 - 1], atol=1e-15
    )
    np.testing.assert_allclose(
        days.gap[:, 0], [0, 0.05, 0.1, nan, 12.3 / 12.1 - 1, -0.04, 10.13 / 11.25 - 1, 10 / 10.13 - 1], atol=1e-15
    )
    assert np.isnan(days.r[1, 1]) and np.isnan(days.gap[1, 1]), "a close outside its limits gives no return"
    assert days.r[4, 1] == 0 and np.isnan(days.gap[4, 1]), "a missing open costs the gap only"
    assert np.isnan(days.r[:2, 2]).all(), "neither an unlisted day nor one without limit"
    assert days.r[5, 1] == pytest.approx(24.4 / 22.18 - 1), "non-members have returns"


def test_what_follows_the_first_limit_up(days):
    after = outcomes(days)
    cell = (1, 0)
    assert after.gap[cell] == pytest.approx(0.1) and after.close[cell] == pytest.approx(0.1)
    assert after.intraday[cell] == pytest.approx(0.0, abs=1e-15)
    five = 1.1 * 1.0 * (12.5 / 12.1) * 0.9 * (10.13 / 11.25)  # the halted day counts 0
    assert after.five_from_close[cell] == pytest.approx(five - 1)
    assert after.five_from_open[cell] == pytest.approx(five / 1.1 - 1)
    mean = (0.1 + (23.85 / 22.5 - 1) + 0.0) / 3  # the three members of the next day
    assert after.excess[cell] == pytest.approx(0.1 - mean)
    found = {name for name, cells in after.next_is.items() if cells[cell]}
    assert found == {"close up", "one-price up", "open up", "touch up"}


def test_what_follows_a_halt_and_a_limit_down(days):
    after = outcomes(days)
    assert np.isnan(after.gap[2, 0]) and np.isnan(after.close[2, 0])
    assert [n for n, cells in after.next_is.items() if cells[2, 0]] == ["halted"]
    five = 1.0 * (12.5 / 12.1) * 0.9 * (10.13 / 11.25) * (9.8 / 10.13)
    assert after.five_from_close[2, 0] == pytest.approx(five - 1)
    assert after.five_from_open[2, 0] == pytest.approx(five - 1), "a missing gap counts 0 as well"
    assert after.gap[5, 0] == after.close[5, 0] == pytest.approx(10.13 / 11.25 - 1)
    assert {n for n, cells in after.next_is.items() if cells[5, 0]} == {
        "close down", "one-price down", "open down", "touch down"}  # fmt: skip
    assert after.next_is["close up"][4, 1], "the next day counts whether or not the stock is then a member"


def test_the_file_ends_before_the_outcomes_do(days):
    after = outcomes(days)
    assert np.isnan(after.five_from_close[-5:]).all() and np.isfinite(after.five_from_close[:-5]).all()
    assert np.isnan(after.close[-1]).all() and np.isnan(after.gap[-1]).all()
    assert not any(cells[-1].any() for cells in after.next_is.values())
    two = outcomes(days, horizon=2)
    assert two.five_from_close[5, 0] == pytest.approx((10.13 / 11.25) * (9.8 / 10.13) - 1)


def test_a_cut_to_some_days_keeps_outcomes_that_lie_beyond_it(days):
    after = outcomes(days)
    first = np.datetime64("2021-01-01") > DAYS
    cut = after.on(first)
    assert cut.close.shape == (4, 3) and cut.five_from_close[2, 0] == after.five_from_close[2, 0]
    assert days.on(first).at["close up"].shape == (4, 3)
    scattered = np.array([1, 0, 1, 0, 0, 1, 0, 0], dtype=bool)
    np.testing.assert_array_equal(days.on(scattered).r, days.r[[0, 2, 5]])
    np.testing.assert_array_equal(days.on(scattered).at["touch up"], days.at["touch up"][[0, 2, 5]])


def test_spans_are_the_years_and_the_whole():
    assert [(name, np.flatnonzero(cells).tolist()) for name, cells in spans(DAYS)] == [
        ("2020", [0, 1, 2, 3]), ("2021", [4, 5, 6, 7]), ("all", list(range(8)))]  # fmt: skip


def test_fictitious_limits_are_drawn_around_the_previous_close():
    """No published limits and no pre_close: 10 % of the close of the session before, in whole cents, halves up."""
    close = np.array([[4.35], [3.92], [3.91], [4.35], [4.79]])  # 4.35 * .9 = 3.915: limit-down at 3.92
    fields = dict.fromkeys(("open", "high", "low", "close"), close) | {"volume": np.ones_like(close)}
    panel = Panel.from_arrays(DAYS[:5], ["FCX"], fields)
    found = limit_days(panel, 10)
    assert where(found.at["close down"]) == [(1, 0)]
    assert where(found.at["close up"]) == [(3, 0), (4, 0)], "4.35 > 4.30; 4.35 * 1.1 = 4.785, so 4.79"
    np.testing.assert_allclose(found.r[1:, 0], close[1:, 0] / close[:-1, 0] - 1)
    assert np.isnan(found.r[0, 0])
    with pytest.raises(UnknownNameError, match="pass fictitious=10"):
        limit_days(panel)


# ------------------------------------------------------------------- clustered means


def test_the_clustered_error_is_that_of_a_regression_on_a_constant():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 12)) + rng.normal(size=(60, 1))  # days have something in common
    values[rng.random(values.shape) < 0.1] = np.nan
    cells = rng.random(values.shape) < 0.4
    cells[7] = False
    used = cells & np.isfinite(values)
    day = np.nonzero(used)[0]
    fit = sm.OLS(values[used], np.ones(used.sum())).fit(
        cov_type="cluster", cov_kwds={"groups": day, "use_correction": False}
    )
    mean, error, n = clustered_mean(values, cells)
    assert (mean, error, n) == (pytest.approx(fit.params[0]), pytest.approx(fit.bse[0]), used.sum())
    assert error > 1.3 * values[used].std() / np.sqrt(n), "days in common make it wider than independence would"


def test_the_clustered_error_by_hand():
    values = np.array([[1.0, 3.0], [5.0, np.nan], [100.0, 3.0]])
    cells = np.array([[True, True], [True, True], [False, True]])
    # mean 3, residuals -2 and 0 on day 0, 2 on day 1, 0 on day 2
    assert clustered_mean(values, cells) == (3.0, pytest.approx(np.sqrt(4 + 4) / 4), 4)


def test_one_value_a_day_is_the_plain_standard_error():
    values = np.random.default_rng(1).normal(size=(50, 1))
    _, error, _ = clustered_mean(values, np.ones_like(values, dtype=bool))
    assert error == pytest.approx(values.std() / np.sqrt(50))


def overlapping(days: int, rng: np.random.Generator, horizon: int = 5) -> np.ndarray:
    """Sums of the next `horizon` independent returns [days, 1]: true mean 0."""
    r = rng.normal(size=days + horizon - 1)
    return np.convolve(r, np.ones(horizon), "valid")[:, None]


def test_the_error_of_overlapping_outcomes_is_that_of_a_regression_with_day_sums():
    rng = np.random.default_rng(3)
    values = overlapping(200, rng) + rng.normal(size=(200, 6))
    values[rng.random(values.shape) < 0.2] = np.nan
    cells = rng.random(values.shape) < 0.6
    cells[:, 0], values[:, 0] = True, 0.1  # the reference takes days that have events for consecutive ones
    used = cells & np.isfinite(values)
    how = {"time": np.nonzero(used)[0], "maxlags": 15, "use_correction": False}
    fit = sm.OLS(values[used], np.ones(used.sum())).fit(cov_type="hac-groupsum", cov_kwds=how)
    mean, error, n = clustered_mean(values, cells, horizon=5)
    assert (mean, error, n) == (pytest.approx(fit.params[0]), pytest.approx(fit.bse[0]), used.sum())
    assert error > 1.2 * clustered_mean(values, cells)[1]


def test_the_error_of_overlapping_outcomes_by_a_loop_with_days_that_have_no_event():
    values = overlapping(60, np.random.default_rng(4))
    cells = np.random.default_rng(5).random(values.shape) < 0.4
    mean = values[cells].mean()
    s = [float(x - mean) if c else 0.0 for x, c in zip(values[:, 0], cells[:, 0], strict=True)]
    total = sum(x * x for x in s)
    for k in range(1, 16):
        total += 2 * (1 - k / 16) * sum(s[t] * s[t - k] for t in range(k, 60))
    assert clustered_mean(values, cells, horizon=5) == (mean, pytest.approx(total**0.5 / cells.sum()), cells.sum())


def test_days_that_overlap_are_not_rejected_too_often():
    """A true mean of 0 over 600 days: clustered by day it is rejected in about 38 of 100 samples."""
    rng, rejected = np.random.default_rng(6), np.zeros(2)
    for _ in range(300):
        values = overlapping(600, rng)
        everything = np.ones_like(values, dtype=bool)
        for place, horizon in enumerate((1, 5)):
            mean, error, _ = clustered_mean(values, everything, horizon=horizon)
            rejected[place] += abs(mean) > 1.96 * error
    assert rejected[0] / 300 > 0.3 and rejected[1] / 300 < 0.11


def test_too_few_days_for_the_lags_have_no_error():
    values, cells = np.random.default_rng(7).normal(size=(15, 2)), np.ones((15, 2), dtype=bool)
    mean, error, n = clustered_mean(values, cells, horizon=5)
    assert mean == pytest.approx(values.mean()) and np.isnan(error) and n == 30
    assert clustered_mean(np.ones((40, 1)), np.ones((40, 1), dtype=bool), horizon=5) == (1.0, 0.0, 40)


def test_an_empty_selection_has_no_mean():
    mean, error, n = clustered_mean(np.full((3, 2), np.nan), np.ones((3, 2), dtype=bool))
    assert np.isnan(mean) and np.isnan(error) and n == 0


def test_values_outside_the_cells_are_never_read():
    cells = np.array([[True, False], [True, False]])
    values = np.array([[1.0, 1e300], [2.0, np.inf]])
    assert clustered_mean(values, cells) == clustered_mean(np.where(cells, values, 0.0), cells)
    tall, inside = np.tile(values, (20, 1)), np.tile(cells, (20, 1))
    assert clustered_mean(tall, inside, horizon=5) == clustered_mean(np.where(inside, tall, 0.0), inside, horizon=5)


# ----------------------------------------------------------------------- the study


def test_the_study_tabulates_these_events(monkeypatch):
    from lib.studies.limit_events import measure as limit_events

    monkeypatch.setattr(limit_events, "study_panel", lambda *_: build())
    row = {"variant": "hand", "seed": 0, "source": "data"}
    settings = {"data_path": "x", "us_path": None, "n_stocks": 0, "n_days": 0}
    records = {(r["variant"], r["metric"]): r["value"] for r in limit_events.compute(row, settings).records}
    whole = {metric: value for (variant, metric), value in records.items() if variant == "hand all"}
    assert whole["sessions"] == 8 and whole["cells"] == 22 and whole["stocks_per_session"] == 22 / 8
    assert whole["halted"] == pytest.approx(1 / 22) and whole["masked_per_session"] == 5 / 8
    shares = {"limit_up": 2, "limit_down": 2, "one_price_up": 1, "one_price_down": 1, "touch_up": 4, "touch_down": 3,
              "open_at_limit_up": 1, "open_at_limit_down": 1}  # fmt: skip
    assert {name: whole[name] * 21 for name in shares} == pytest.approx(shares)
    up = {m.removeprefix("limit-up close: "): v for m, v in whole.items() if m.startswith("limit-up close: ")}
    assert up["n"] == 2 and up["next day close up"] == 0.5 and up["next day halted"] == 0.5
    assert up["gap"] == pytest.approx(0.1), "the gap after the second one is missing"
    assert up["gap positive"] == 0.5, "a share of all events, those without a gap included"
    assert up["next close std"] == pytest.approx(0.0, abs=1e-12)
    first, second = 1.1 * (12.5 / 12.1) * 0.9 * (10.13 / 11.25), (12.5 / 12.1) * 0.9 * (9.8 / 11.25)
    assert up["five days from close"] == pytest.approx((first + second) / 2 - 1)
    assert up["five days from next open"] == pytest.approx((first / 1.1 + second) / 2 - 1)
    assert records["hand 2020", "limit-up close: n"] == 2 and records["hand 2021", "limit-up close: n"] == 0
    assert records["hand 2021", "limit-down close: n"] == 2 and records["hand 2021", "sessions"] == 4


def test_a_span_under_sixty_sessions_has_no_interval():
    from lib.studies.limit_events.measure import _event_records

    panel = make_market(120, 90, seed=2, limit_rates="paper").panel
    days = limit_days(panel)
    after = outcomes(days)
    for length, interval in ((59, False), (60, True)):
        span = np.arange(90) < length
        event = days.on(span).events()["limit-up close"]
        found = {r["metric"]: r["value"] for r in _event_records("up", event, after.on(span))}
        assert np.isfinite(found["up: five days from close"])
        assert ("up: five days from close.low" in found) is interval is ("up: gap.high" in found)
