"""Books compared: gross before net, at equal turnover, and the cost that makes them equal."""

from __future__ import annotations

import numpy as np
import pytest

from lib.evaluation.contrasts import ORDERS_MASKED, at_matched_turnover, difference, gross_and_net
from lib.evaluation.scoring import BOOKS, COST_BPS, RUNS, SESSIONS, backtests, daily_ics, run_series
from lib.market import make_market
from lib.portfolio import active_returns, equal_weight, flat, simulate, top_k_buffer

QUICK, SLOW = "quick", "slow"
PREDICTED = 40  # the first day with predictions


@pytest.fixture(scope="module")
def panel():
    return make_market(60, 280, 2, limit_rates="paper").panel


@pytest.fixture(scope="module")
def sides(panel):
    """The same noise, new every day and persistent: two books that differ in how much they trade."""
    rng = np.random.default_rng(0)
    quick = rng.normal(size=panel.shape)
    slow = quick.copy()
    for t in range(1, len(slow)):
        slow[t] += 0.6 * slow[t - 1]
    found = {}
    for name, prediction in ((QUICK, quick), (SLOW, slow)):
        prediction[:PREDICTED] = np.nan
        found[name] = side(panel, prediction)
    return found


def side(panel, prediction, orders_allowed=None):
    """Predictions and the daily series that `score` keeps of them, as far as a contrast reads them."""
    span = slice(int(np.flatnonzero(np.isfinite(prediction).any(axis=1))[0]), None)
    series = {"apparent_ic": daily_ics(panel, prediction, metrics=("apparent_ic",))["apparent_ic"][span]}
    for run, book in backtests(panel, prediction, orders_allowed).items():
        series |= run_series(run, book, equal_weight(panel))
    return prediction, series


def values(records):
    found = {item["metric"]: item["value"] for item in records}
    assert np.isfinite(list(found.values())).all()
    return found


def contrast(panel, left, right, samples=0):
    return values(difference(panel, left, right, np.random.default_rng(0), samples))


def test_gross_net_and_turnover_by_hand(panel, sides):
    found = contrast(panel, sides[QUICK], sides[SLOW])
    index = equal_weight(panel)
    for run in BOOKS:
        fill, execution = RUNS[run]
        books = [
            simulate(panel, sides[name][0], policy=top_k_buffer(), costs=flat(COST_BPS), fill=fill, execution=execution)
            for name in (QUICK, SLOW)
        ]
        for end, gross in (("_gross", True), ("", False)):
            a, b = (active_returns(book, index, gross=gross) for book in books)
            ratios = [x.mean() / x.std(ddof=1) * SESSIONS**0.5 for x in (a, b)]
            assert found[f"{run}.active_sharpe{end}"] == pytest.approx(ratios[0] - ratios[1])
            assert found[f"{run}.annual{end or '_net'}"] == pytest.approx(SESSIONS * (a.mean() - b.mean()))
        turnovers = [book.turnover.mean() for book in books]
        assert [found[f"{run}.turnover.{side}"] for side in ("left", "right")] == pytest.approx(turnovers)
        assert 0.1 < found[f"{run}.turnover"] == pytest.approx(turnovers[0] - turnovers[1])
        drag = found[f"{run}.annual_gross"] - found[f"{run}.annual_net"]
        paid = [SESSIONS * book.costs.mean() for book in books]
        assert drag == pytest.approx(paid[0] - paid[1]), "net is gross less what is paid, over the same index"


def test_the_other_way_round_everything_changes_sign(panel, sides):
    one, other = contrast(panel, sides[QUICK], sides[SLOW]), contrast(panel, sides[SLOW], sides[QUICK])
    for run in BOOKS:
        for metric in ("active_sharpe_gross", "active_sharpe", "annual_gross", "annual_net", "turnover", "dominance",
                       "matched.active_sharpe", "matched.annual_net"):  # fmt: skip
            assert one[f"{run}.{metric}"] == pytest.approx(-other[f"{run}.{metric}"]), metric
        for metric in ("matched.turnover_ratio", "matched.validation_ratio"):
            assert one[f"{run}.{metric}"] == pytest.approx(1 / other[f"{run}.{metric}"]), metric
        assert one[f"{run}.turnover.left"] == other[f"{run}.turnover.right"]
        for metric in ("break_even_bps", "matched.multiple"):
            assert one.get(f"{run}.{metric}") == pytest.approx(other.get(f"{run}.{metric}"))


def test_a_book_that_only_trades_less_loses_its_lead_at_equal_turnover(panel):
    """Noise against persistent noise: the lead net of costs is what the busier book pays, and goes once both trade
    the same."""
    rng = np.random.default_rng(0)
    leads, matched = [], []
    for _ in range(2):
        quick, slow = rng.normal(size=(2, *panel.shape))
        for t in range(1, len(slow)):
            slow[t] += 0.6 * slow[t - 1]
        books = [side(panel, p) for p in (slow, quick)]
        found = values(gross_and_net("naive_close", books[0][1], books[1][1], rng, 0))
        leads.append(found["naive_close.annual_net"] - found["naive_close.annual_gross"])
        again = values(at_matched_turnover(panel, "naive_close", *books, rng, 0))
        assert again["naive_close.matched.validation_ratio"] == pytest.approx(1.0, rel=0.06)
        paid = COST_BPS / 1e4 * SESSIONS * found["naive_close.turnover"]
        assert leads[-1] == pytest.approx(-paid, rel=0.02)
        matched.append(again["naive_close.matched.turnover_ratio"] - 1)
    assert min(leads) > 0.03 and np.abs(matched).mean() < 0.1


def test_a_book_against_itself(panel, sides):
    found = contrast(panel, sides[QUICK], sides[QUICK])
    for run in BOOKS:
        assert found[f"{run}.active_sharpe_gross"] == found[f"{run}.matched.active_sharpe"] == 0
        assert found[f"{run}.matched.multiple"] == 2.0 and found[f"{run}.matched.turnover_ratio"] == 1
        assert f"{run}.break_even_bps" not in found and found[f"{run}.dominance"] == 0


def test_the_match_is_made_before_the_days_it_is_measured_on(panel, sides):
    """Predictions after the validation days are replaced: the buffer is the same, what it earns is not."""
    trial = PREDICTED + (panel.shape[0] - PREDICTED) // 3
    rng = np.random.default_rng(4)
    changed = {}
    for name, (prediction, _) in sides.items():
        other = prediction.copy()
        other[trial:] = rng.normal(size=other[trial:].shape)
        changed[name] = side(panel, other)
    one, other = (contrast(panel, both[QUICK], both[SLOW]) for both in (sides, changed))
    for run in BOOKS:
        for metric in ("matched.multiple", "matched.validation_ratio"):
            assert one[f"{run}.{metric}"] == other[f"{run}.{metric}"]
        assert one[f"{run}.matched.annual_net"] != other[f"{run}.matched.annual_net"]


def test_where_no_buffer_gets_there_only_the_ratio_is_given(panel, sides):
    """A book that is bought and never sold trades nothing: no buffer makes the other one as slow."""
    still = np.repeat(np.arange(panel.shape[1], dtype=float)[None], panel.shape[0], axis=0)
    still[:PREDICTED] = np.nan
    keeps = side(panel, still)
    found = contrast(panel, sides[QUICK], keeps)
    for run in BOOKS:
        assert found[f"{run}.turnover.right"] < 0.02
        given = {name for name in found if name.startswith(f"{run}.matched")}
        assert given <= {f"{run}.matched.validation_ratio"}
        assert f"{run}.annual_net" in found


def test_a_side_that_starts_later_is_compared_on_its_days(panel, sides):
    late = sides[SLOW][0].copy()
    late[:120] = np.nan
    later = side(panel, late)
    found = contrast(panel, sides[QUICK], later)
    a, b = sides[QUICK][1]["executed_open.turnover"], later[1]["executed_open.turnover"]
    assert len(b) == 160 < len(a)
    assert found["executed_open.turnover"] == pytest.approx(a[-160:].mean() - b.mean())
    assert 0 < found["executed_open.matched.turnover_ratio"] < 3


def test_orders_kept_off_limits_stay_off_when_the_book_is_run_again(panel, sides):
    prediction = sides[QUICK][0]
    series = side(panel, prediction, panel.price_valid)[1]
    marked, unmarked = ((prediction, series | {ORDERS_MASKED: np.array(flag)}) for flag in (True, False))
    rng = np.random.default_rng(0)
    one, other = (values(at_matched_turnover(panel, "naive_close", book, sides[SLOW], rng, 0))
                  for book in (marked, unmarked))  # fmt: skip
    assert one != other


def test_intervals_are_of_the_paired_difference(panel, sides):
    found = contrast(panel, sides[QUICK], sides[SLOW], samples=40)
    for run in BOOKS:
        for metric in ("active_sharpe_gross", "active_sharpe", "annual_gross", "annual_net", "matched.annual_net"):
            low, value, high = (found[f"{run}.{metric}{end}"] for end in (".low", "", ".high"))
            assert low <= value <= high and low < high
