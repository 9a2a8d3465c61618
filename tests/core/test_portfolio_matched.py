"""Matched turnover: chosen on validation days alone, reached or said not to be; and the break-even cost."""

from __future__ import annotations

import doctest
import importlib
import math

import numpy as np
import pytest

from lib.errors import ParameterError
from lib.market import make_market
from lib.panel import Panel
from lib.portfolio import break_even_bps, dominance, flat, matched_buffer, simulate, top_k_buffer, traded
from lib.portfolio.matched import BUFFER_MULTIPLE, ENTRY_DAYS, Matched

START, STOP = 60, 160
HOW = {"fill": "open", "execution": "executed", "costs": flat(8.0)}


@pytest.fixture(scope="module")
def panel() -> Panel:
    return make_market(60, 260, 1, limit_rates="paper").panel


@pytest.fixture(scope="module")
def scores(panel) -> np.ndarray:
    """Predictions that persist a little, so that a wider buffer trades less and less."""
    rng = np.random.default_rng(0)
    found = rng.normal(size=panel.shape)
    for t in range(1, len(found)):
        found[t] += 0.8 * found[t - 1]
    return found


def turnover_with(panel, scores, multiple, start=START, stop=STOP):
    book = simulate(panel, scores, policy=top_k_buffer(multiple=multiple), start=start, stop=stop, **HOW)
    return float(book.turnover[ENTRY_DAYS:].mean())


def test_the_buffer_is_a_multiple_of_k(panel, scores):
    plain, same = (simulate(panel, scores, policy=policy, **HOW).returns
                   for policy in (top_k_buffer(6, 12), top_k_buffer(multiple=2.0)))  # fmt: skip
    np.testing.assert_array_equal(plain, same)
    wide, same = (simulate(panel, scores, policy=policy, **HOW).returns
                  for policy in (top_k_buffer(6, 21), top_k_buffer(multiple=3.6)))  # fmt: skip
    np.testing.assert_array_equal(wide, same)
    assert not np.array_equal(plain, wide)
    with pytest.raises(ParameterError, match=r"multiple >= 1, got 0\.5"):
        top_k_buffer(multiple=0.5)


@pytest.mark.parametrize("share", [0.8, 0.5, 0.3])
def test_turnovers_agree_on_the_validation_days(panel, scores, share):
    target = share * turnover_with(panel, scores, BUFFER_MULTIPLE)
    found = matched_buffer(panel, scores, target, start=START, stop=STOP, **HOW)
    again = turnover_with(panel, scores, found.multiple)
    assert found.reached and found.multiple > BUFFER_MULTIPLE
    assert again == pytest.approx(target, rel=0.05) and found.turnover == pytest.approx(again)


def test_days_outside_the_validation_span_choose_nothing(panel, scores):
    """Predictions, prices and reasons before and after the span are replaced: the same buffer, to the last digit."""
    rng = np.random.default_rng(5)
    target = 0.5 * turnover_with(panel, scores, BUFFER_MULTIPLE)
    found = matched_buffer(panel, scores, target, start=START, stop=STOP, **HOW)
    later = np.arange(panel.shape[0]) >= STOP
    hostile = scores.copy()
    hostile[later] = 1e30 * rng.normal(size=hostile[later].shape)
    fields = {}
    for name, values in panel.fields.items():
        fields[name] = np.where(later[:, None], values[:, rng.permutation(60)], values)
    reasons = panel.reasons.copy()
    reasons[later] = rng.choice([0, 4, 8, 16], size=reasons[later].shape)
    fields = {name: fields[name] for name in ("open", "high", "low", "close", "volume", "pre_close")}
    plain = {name: panel.fields[name] for name in fields}
    books = [
        matched_buffer(Panel.from_arrays(panel.dates, panel.symbols, f, r, panel.universe, "cn"), p, target,
                       start=START, stop=STOP, **HOW)
        for f, r, p in ((plain, panel.reasons, scores), (fields, reasons, hostile))
    ]  # fmt: skip
    assert books[0] == books[1] == found
    earlier = np.where((np.arange(panel.shape[0]) < START)[:, None], np.nan, scores)
    assert matched_buffer(panel, earlier, target, start=START, stop=STOP, **HOW) == found
    within = scores[:, ::-1]
    assert matched_buffer(panel, within, target, start=START, stop=STOP, **HOW) != found, "the span itself decides"


def test_a_turnover_out_of_reach_is_not_reached(panel, scores):
    found = matched_buffer(panel, scores, 1e-6, start=START, stop=STOP, **HOW)
    assert not found.reached and found.ratio > 1
    assert not Matched(2.0, 0.1, 0.0).reached and Matched(2.0, 0.1, 0.0).ratio == math.inf
    slower = 3 * turnover_with(panel, scores, BUFFER_MULTIPLE)
    found = matched_buffer(panel, scores, slower, start=START, stop=STOP, **HOW)
    assert found.multiple == BUFFER_MULTIPLE and not found.reached and found.ratio < 1, "a book is only slowed down"


def test_too_few_days(panel, scores):
    with pytest.raises(ParameterError, match="more than 2 days, got rows 60 to 62"):
        matched_buffer(panel, scores, 0.1, start=60, stop=62)


def test_the_purchase_of_the_book_is_no_turnover(panel, scores):
    book = simulate(panel, scores, policy=top_k_buffer(), start=START, stop=STOP, **HOW)
    assert book.turnover[0] == 0 and book.turnover[1] > 0.5, "with fills at the open the second day buys"
    assert traded(book.turnover) == pytest.approx(sum(book.turnover[2:]) / (STOP - START - 2))


def test_at_the_break_even_cost_two_books_earn_the_same(panel, scores):
    """Both books are run again at c*: their mean returns over cost-free growth then agree."""
    rng = np.random.default_rng(3)
    better = scores + 3 * np.where(np.isfinite(panel.returns), panel.returns, 0.0) / 0.02
    better[:-1] += 0.15 * np.nan_to_num(panel.returns[1:]) / 0.02  # knows a little, and trades much
    better += rng.normal(size=better.shape)
    sides = [(better, 2.0), (scores, 6.0)]

    def run(cost):
        return [simulate(panel, p, policy=top_k_buffer(multiple=m), start=START, fill="close", execution="naive",
                         costs=flat(cost)) for p, m in sides]  # fmt: skip

    a, b = run(0.0)
    gross, turnover = float((a.gross - b.gross).mean()), float((a.turnover - b.turnover).mean())
    cost = break_even_bps(gross, turnover, a.turnover.mean())
    assert 0 < cost < 500
    assert dominance(gross, turnover, a.turnover.mean()) == 0
    ahead = {c: float(np.subtract(*[book.returns for book in run(c)]).mean()) for c in (0.5 * cost, cost, 1.5 * cost)}
    assert ahead[0.5 * cost] > 0 > ahead[1.5 * cost]
    assert abs(ahead[cost]) < 0.02 * gross


@pytest.mark.parametrize(
    ("gross", "turnover", "typical", "cost", "better"),
    [
        (0.001, 0.5, 0.6, 20.0, 0),  # left earns more before costs and trades more: up to 20 bps
        (-0.001, -0.5, 0.6, 20.0, 0),  # the mirror image
        (0.001, -0.5, 0.6, None, 1),  # more before costs, and cheaper
        (-0.001, 0.5, 0.6, None, -1),
        (0.001, 0.02, 0.6, None, 1),  # turnovers the same within 5 %: before costs decides
        (-0.001, 0.02, 0.6, None, -1),
        (0.0, 0.5, 0.6, None, -1),  # the same before costs: the cheaper one
        (0.0, 0.0, 0.0, None, 0),
    ],
)
def test_a_break_even_cost_exists_or_one_side_dominates(gross, turnover, typical, cost, better):
    found = break_even_bps(gross, turnover, typical)
    assert math.isnan(found) if cost is None else found == pytest.approx(cost)
    assert dominance(gross, turnover, typical) == better


def test_examples():
    for name in ("lib.portfolio.matched", "lib.evaluation.contrasts"):
        found = doctest.testmod(importlib.import_module(name))
        assert found.attempted and not found.failed
