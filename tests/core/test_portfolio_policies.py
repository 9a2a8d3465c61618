"""Policies, what they are allowed to see, and cost schedules."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from portfolio_markets import random_market

from lib.errors import ParameterError
from lib.portfolio import (
    CostSchedule,
    Past,
    buy_and_hold,
    equal_weight_all,
    flat,
    realistic,
    simulate,
    top_k_buffer,
)

NAN = np.nan


def past(prediction: list[float], weights: list[float], universe: Any = None, orderable: Any = None) -> Past:
    everyone = np.ones(len(prediction), bool)
    members = everyone if universe is None else np.array(universe)
    orders = everyone.copy() if orderable is None else np.array(orderable)
    day = np.datetime64("2024-01-02")
    return Past(day, np.array(prediction), members, orders, np.array(weights), 1 - sum(weights))


@pytest.mark.parametrize(
    ("what", "state", "expected"),
    [
        ("an empty book takes the best two", past([3, 1, 4, 2], [0, 0, 0, 0]), [0.5, NAN, 0.5, NAN]),
        ("names inside the buffer get no order", past([3, 1, 4, 2], [0, 0, 0.5, 0.5]), [NAN] * 4),
        (
            "a name below the buffer is replaced by the best",
            past([3, 1, 4, 2], [0, 0.5, 0.5, 0]),
            [0.5, 0, NAN, NAN],
        ),
        ("ties go to the earlier column", past([1, 1, 1, 1], [0, 0, 0, 0]), [0.5, 0.5, NAN, NAN]),
        (
            "no prediction: no order, and the slot stays taken",
            past([NAN, 1, 4, 2], [0.5, 0, 0.5, 0]),
            [NAN] * 4,
        ),
        (
            "a name that left the universe is sold and not ranked",
            past([9, 1, 4, 2], [0.5, 0, 0.5, 0], universe=[False, True, True, True]),
            [0, NAN, NAN, 0.5],
        ),
        (
            "a name that may not be ordered is not a candidate",
            past([9, 1, 4, 2], [0, 0, 0.5, 0], orderable=[False, True, True, True]),
            [NAN, NAN, NAN, 0.5],
        ),
        ("a purchase cut short is completed", past([3, 1, 4, 2], [0.1, 0, 0.5, 0]), [0.5, NAN, NAN, NAN]),
        ("a fallen name still fills its slot", past([3, 1, 4, 2], [0.26, 0, 0.5, 0]), [NAN] * 4),
        ("a remnant below the buffer is sold", past([3, 1, 4, 2], [0.5, 1e-9, 0.4, 0]), [NAN, 0, NAN, NAN]),
        ("nothing to choose from", past([NAN, NAN], [0, 0]), [NAN, NAN]),
    ],
)
def test_top_two_with_a_buffer_of_three(what: str, state: Past, expected: list[float]) -> None:
    np.testing.assert_array_equal(top_k_buffer(2, 3)(state), expected, err_msg=what)


def test_drop_sells_a_held_name_without_a_prediction() -> None:
    state = past([NAN, 1, 4, 2], [0.5, 0, 0.5, 0])
    np.testing.assert_array_equal(top_k_buffer(2, 3, outside="drop")(state), [0, NAN, NAN, 0.5])


def test_defaults_fifty_or_a_tenth_and_twice_as_many() -> None:
    score = np.arange(600.0)[::-1]
    for members, k in ((600, 50), (270, 27), (5, 1)):
        universe = np.arange(600) < members
        target = top_k_buffer()(past(list(score), [0.0] * 600, universe=universe))
        assert np.count_nonzero(target > 0) == k and target[0] == 1 / k
        weights = np.zeros(600)
        weights[[2 * k - 1, min(2 * k, members - 1)]] = 1 / k  # ranks 2k and 2k + 1
        target = top_k_buffer()(past(list(score), list(weights), universe=universe))
        assert np.isnan(target[2 * k - 1]) and (target[2 * k] == 0 or members == 5)


@pytest.mark.parametrize(
    "arguments", [{"k": 0}, {"k": 5, "buffer": 4}, {"buffer": 9}, {"k": 2, "outside": "sell"}]
)
def test_policy_arguments_are_checked(arguments: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="top_k_buffer: "):
        top_k_buffer(**arguments)


def test_the_book_never_holds_many_more_names_than_slots() -> None:
    panel, prediction = random_market(1, n_days=300)
    run = simulate(panel, prediction, policy=top_k_buffer(4), execution="naive")
    assert 3.5 < run.held[5:].mean() < 5
    assert run.cash[5:].mean() < 0.2


def test_simple_policies() -> None:
    state = past([1, 2, 3], [0, 0, 0], universe=[True, False, True])
    np.testing.assert_array_equal(equal_weight_all(state), [0.5, 0, 0.5])
    np.testing.assert_array_equal(buy_and_hold([0.2, 0, 0.3])(state), [0.2, NAN, 0.3])
    np.testing.assert_array_equal(buy_and_hold([0.2, 0, 0.3])(past([1, 2, 3], [0.2, 0, 0.3])), [NAN] * 3)


def test_a_policy_sees_single_rows_and_cannot_write_into_the_simulation() -> None:
    panel, prediction = random_market(2)
    kept, seen = prediction.copy(), []

    def vandal(past: Past) -> np.ndarray:
        target = top_k_buffer(4)(past)
        for name in ("prediction", "universe", "orderable", "weights"):
            row = getattr(past, name)
            assert row.shape == (panel.shape[1],) and row.base is None  # no way back to the whole array
            row[:] = 0
        seen.append(past.date)
        return target

    run = simulate(panel, prediction, policy=vandal)
    clean = simulate(panel, prediction, policy=top_k_buffer(4))
    np.testing.assert_array_equal(run.returns, clean.returns)
    np.testing.assert_array_equal(prediction, kept)
    np.testing.assert_array_equal(seen, panel.dates)
    assert {field.name for field in fields(Past)} == {
        "date", "prediction", "universe", "orderable", "weights", "cash"
    }  # fmt: skip


# -- costs ------------------------------------------------------------------------------------------


def test_schedules_by_side_and_date() -> None:
    days = np.array(
        ["2008-01-02", "2008-05-05", "2008-09-19", "2023-08-27", "2023-08-28"], dtype="datetime64[D]"
    )
    buy, sell = realistic(commission=2, half_spread=3).rates(days)
    np.testing.assert_allclose(buy, [35e-4, 15e-4, 5e-4, 5e-4, 5e-4], rtol=1e-12)
    np.testing.assert_allclose(sell, [35e-4, 15e-4, 15e-4, 15e-4, 10e-4], rtol=1e-12)
    for side in flat(8).rates(days):
        np.testing.assert_allclose(side, 8e-4, rtol=1e-15)


def test_bad_schedules_are_refused() -> None:
    early = np.array(["1999-01-04"], dtype="datetime64[D]")
    with pytest.raises(ParameterError, match=r"begins 2007-05-30, got 1999-01-04; use flat"):
        realistic().rates(early)
    with pytest.raises(ParameterError, match="basis points >= 0"):
        flat(-1)
    with pytest.raises(ParameterError, match="must increase"):
        CostSchedule("x", 1.0, (("2020-01-01", 0.0, 1.0), ("2019-01-01", 0.0, 1.0)))


def test_costs_are_a_share_of_what_was_traded() -> None:
    panel, prediction = random_market(6)
    run = simulate(panel, prediction, policy=top_k_buffer(4), costs=flat(20), fill="close")
    # close fills: equity before trading is the equity of the day before, grown
    np.testing.assert_allclose(run.costs, 20e-4 * run.turnover * (1 + run.gross), rtol=1e-10)
