"""Accounts of every size on one signal: what must follow from the rules, and what the page says of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lib import run_study
from lib.portfolio.fees import ITEMS
from lib.studies.costs_and_capacity import page
from lib.studies.costs_and_capacity.measure import AGAINST, BOOK, BUFFERS, CAPITALS, MIDDLE, SLOWER, WEIGHTS


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    cache = tmp_path_factory.mktemp("cache")
    return run_study("costs_and_capacity", scale="smoke", seeds=1, n_stocks=60, cache=cache).frame


@pytest.fixture(scope="module")
def value(frame: pd.DataFrame) -> Any:
    found = frame.set_index(["variant", "metric"])["value"]
    return lambda capital, metric, buffer="buffer 2k": float(found[BOOK.name(capital=capital, buffer=buffer), metric])


def test_every_account_is_there_and_its_costs_are_their_items(frame: pd.DataFrame, value: Any) -> None:
    books = {BOOK.name(capital=c, buffer=b) for c in CAPITALS for b in BUFFERS}
    assert books | {WEIGHTS.name(buffer=b) for b in BUFFERS} <= set(frame["variant"])
    for capital in CAPITALS:
        for buffer in BUFFERS:
            items = sum(value(capital, f"annual_{item}", buffer) for item in ITEMS)
            assert items == pytest.approx(value(capital, "annual_costs", buffer), rel=1e-9)


def test_small_accounts_pay_commissions_and_large_ones_impact(value: Any) -> None:
    rate = {c: value(c, "annual_commission") / value(c, "turnover") for c in CAPITALS}
    # 2.5 bp on 243 days where no order is small; six names of 100,000 yuan pay a little more
    assert rate["10 million"] == pytest.approx(243 * 2.5e-4, rel=0.02) and rate["100 thousand"] > 1.05 * 243 * 2.5e-4
    impact = {c: value(c, "annual_impact") / value(c, "turnover") for c in CAPITALS}
    assert impact["100 thousand"] < impact["1 million"] < impact["10 million"] < impact["100 million"]
    # the square-root law: ten times the order, root of ten times the cost; a little less, as some orders are cut
    assert 0.8 * 10**0.5 < impact["10 million"] / impact["1 million"] < 1.02 * 10**0.5
    assert value("10 billion", "capped") > 3 > value("1 million", "capped") == 0


def test_a_larger_buffer_trades_less(value: Any) -> None:
    for capital in ("100 thousand", "1 million", "10 million"):
        turnover = [value(capital, "turnover", buffer) for buffer in BUFFERS]
        assert turnover == sorted(turnover, reverse=True)


def test_differences_are_of_the_same_market(frame: pd.DataFrame, value: Any) -> None:
    found = frame.set_index(["variant", "metric"])["value"]
    name = AGAINST.name(capital="1 billion", middle=MIDDLE, buffer="buffer 2k")
    expected = value("1 billion", "active_sharpe") - value(MIDDLE, "active_sharpe")
    assert found[name, "active_sharpe"] == pytest.approx(expected)
    name = SLOWER.name(capital="1 billion", slow="buffer 4k", fast="no buffer")
    expected = value("1 billion", "turnover", "buffer 4k") - value("1 billion", "turnover", "no buffer")
    assert found[name, "turnover"] == pytest.approx(expected)


def test_what_the_page_says_follows_the_numbers(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    noise = 1 + 0.01 * rng.normal(size=(6, len(frame)))
    many = [frame.assign(seed=seed, value=frame["value"] * around) for seed, around in enumerate(noise)]
    found = page.findings(pd.concat(many))
    assert all(item.complete for item in found) and sum(item.holds for item in found) >= 3
    flipped = [part.assign(value=-part["value"]) for part in many]
    assert not page.findings(pd.concat(flipped))[0].holds


def test_the_parts_of_the_page_are_made(frame: pd.DataFrame) -> None:
    shown: Any = SimpleNamespace(rows=frame, note="a note", count=1)
    for part in (page.against_capital, page.what_is_paid, page.books):
        assert "<" in part(shown).data
    assert len(page.summary(frame)) == len(BUFFERS) * (len(CAPITALS) + 1)
