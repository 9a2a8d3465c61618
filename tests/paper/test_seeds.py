"""Estimates over market seeds against closed forms and scipy: means, one further market, few markets, p after Holm."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from results import tidy

from lib.stats.estimates import Numbers
from lib.stats.over_seeds import (
    ENOUGH_SEEDS,
    OverSeeds,
    adjusted_p,
    interval_table,
    mean_over_seeds,
    over_seeds,
    sources_of,
)

T4 = 2.7764451052  # Student's t with four degrees of freedom at 97.5 %


def many(values: list[float], variant: str = "a", metric: str = "x", half: float | None = None) -> pd.DataFrame:
    """One market per value; with `half`, an interval of its own on both sides."""
    ends = {"": 0.0} if half is None else {"": 0.0, ".low": -half, ".high": half}
    parts = [
        tidy([(variant, metric + end, value + shift) for end, shift in ends.items()], "s", seed)
        for seed, value in enumerate(values)
    ]
    return pd.concat(parts)


FIVE = [1.0, 2.0, 3.0, 4.0, 5.0]  # deviation sqrt(2.5)


@pytest.mark.parametrize("variant", ["a", "a - b"])
def test_levels_and_differences_have_the_interval_of_the_mean(variant: str) -> None:
    reach = T4 * 2.5**0.5 / 5**0.5
    assert OverSeeds(many(FIVE, variant, half=9.0))[variant, "x"] == pytest.approx((3, 3 - reach, 3 + reach))


def test_one_further_market_is_where_scipy_puts_it() -> None:
    from scipy import stats

    values = np.random.default_rng(0).normal(0.1, 0.2, 20)
    found = OverSeeds(many(list(values)))
    reach = stats.t.ppf(0.975, 19) * values.std(ddof=1) * 1.05**0.5
    assert found.one_path("a", "x") == pytest.approx((values.mean(), values.mean() - reach, values.mean() + reach))


def test_a_claim_about_a_level_is_held_to_one_market_and_one_about_a_difference_to_the_mean() -> None:
    found = OverSeeds(many(FIVE))
    one, mean = found.one_path("a", "x"), found["a", "x"]
    assert one.high - one.value == pytest.approx(6**0.5 * (mean.high - mean.value))
    kinds = {"level": one, "ratio": one, "difference": mean, "order": mean}
    assert {kind: found.claimed("a", "x", kind) for kind in kinds} == kinds


def test_a_drawdown_stays_within_the_book_a_return_above_a_total_loss_and_a_turnover_positive() -> None:
    rng = np.random.default_rng(1)
    drawdowns, returns = 1 / (1 + np.exp(rng.normal(0.3, 0.9, 8))), np.expm1(rng.normal(0.3, 0.6, 8))
    turnovers = rng.lognormal(-1.5, 0.8, 8)
    rows = {"max_drawdown": drawdowns, "annual_return": returns, "turnover": turnovers}
    found = OverSeeds(pd.concat([many(list(values), "a", f"x.{metric}") for metric, values in rows.items()]))
    scales = {"max_drawdown": lambda x: np.log(x / (1 - x)), "annual_return": np.log1p, "turnover": np.log}
    for metric, there in scales.items():
        values = rows[metric]
        item = found.one_path("a", f"x.{metric}")
        plain = OverSeeds(many(list(there(values)))).one_path("a", "x")
        assert item.value == pytest.approx(values.mean())
        assert there(np.array([item.low, item.high])) == pytest.approx((plain.low, plain.high))
    deep = OverSeeds(many([0.2, 0.5, 0.9, 0.4, 0.95], "a", "x.max_drawdown")).one_path("a", "x.max_drawdown")
    assert 0 < deep.low < deep.high < 1


def test_a_market_that_never_fell_and_a_difference_have_no_such_scale() -> None:
    values = [0.0, 0.1, 0.2, 0.3, 0.4]
    found = OverSeeds(pd.concat([many(values, name, "x.max_drawdown") for name in ("a", "a - b")]))
    reach = T4 * 0.025**0.5 * 1.2**0.5
    for name in ("a", "a - b"):
        assert found.one_path(name, "x.max_drawdown") == pytest.approx((0.2, 0.2 - reach, 0.2 + reach))


def test_few_markets_keep_their_own_interval_which_does_not_shrink() -> None:
    found = OverSeeds(many([1.0, 2.0, 3.0, 4.0], half=1.0))
    assert found["a", "x"] == found.one_path("a", "x") == (2.5, 1.5, 3.5)
    assert len(FIVE) == ENOUGH_SEEDS and OverSeeds(many(FIVE, half=1.0))["a", "x"].low != 2.0
    alone = OverSeeds(many([1.0, 3.0]))["a", "x"]
    assert alone.value == 2.0 and math.isnan(alone.low) and alone.sign == 0


def test_equal_markets_have_an_interval_of_no_width() -> None:
    found = OverSeeds(many([0.3] * ENOUGH_SEEDS))
    assert found["a", "x"] == found.one_path("a", "x") == (0.3, 0.3, 0.3)


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_a_market_without_the_number_does_not_count(poison: float) -> None:
    frame = pd.concat([many([1.0, poison, 2.0, 3.0, 4.0, 5.0]), many([poison], "b")])
    found = OverSeeds(frame)
    assert found["a", "x"] == OverSeeds(many(FIVE))["a", "x"] and found.seeds("a", "x").tolist() == FIVE
    assert math.isnan(found["b", "x"].value) and found.variants == ["a", "b"]
    assert found.seeds("c", "x").size == 0 and math.isnan(found.find("c", "x").value)


def test_a_price_file_beside_the_markets_keeps_its_own_interval() -> None:
    found = OverSeeds(pd.concat([many(FIVE, "market a"), many([7.0], "file a", half=2.0)]))
    assert found["file a", "x"] == (7.0, 5.0, 9.0)


def test_as_a_frame_the_estimates_are_the_same_and_twice_is_once() -> None:
    frame = pd.concat([many(FIVE), many([1.0, np.nan], "b", half=0.5)])
    once = over_seeds(frame)
    assert dict(Numbers(once)) == dict(OverSeeds(frame))
    assert list(once.columns) == list(frame.columns) and set(once["seed"]) == {0}
    assert once.set_index(["variant", "metric"])["n"].to_dict()["a", "x.low"] == 5
    assert over_seeds(once).drop(columns="n").equals(once.drop(columns="n"))


def test_one_number_per_market_is_a_mean_too() -> None:
    assert mean_over_seeds(FIVE) == OverSeeds(many(FIVE))["a", "x"]
    assert math.isnan(mean_over_seeds(FIVE[:4]).low) and math.isnan(mean_over_seeds([]).value)


def test_p_values_are_students_after_holm() -> None:
    from scipy.stats import ttest_1samp

    rng = np.random.default_rng(0)
    samples = {name: rng.normal(mean, 1, 12) for name, mean in (("a", 2.0), ("b", 0.5), ("c", 0.0))}
    frame = pd.concat([many(list(values), name) for name, values in samples.items()])
    raw = sorted((ttest_1samp(values, 0).pvalue, name) for name, values in samples.items())
    found = adjusted_p(frame, [(name, "x") for name in samples])
    running = 0.0
    for factor, (p, name) in zip((3, 2, 1), raw, strict=True):
        running = max(running, min(1.0, factor * p))
        assert found[name, "x"] == pytest.approx(running)
    few, equal = many(FIVE[:4], "few"), many([1.0] * 5, "equal")
    again = adjusted_p(pd.concat([frame, few, equal]), [(n, "x") for n in (*samples, "few", "equal", "absent")])
    assert again == found, "what cannot be tested does not count in Holm's correction"
    assert adjusted_p(few, [("few", "x")]) == {}


def test_markets_are_named_made_up_first() -> None:
    frame = pd.concat([many([1.0], name) for name in ("csi300 a", "market a", "market_paper a", "market b")])
    assert sources_of(frame) == ["market", "market_paper", "csi300"]
    assert sources_of(many([1.0], "paper_rates a")) == ["paper_rates"]


def test_a_table_has_three_columns_per_metric_and_no_empty_row() -> None:
    numbers = OverSeeds(pd.concat([many([1.0], "v", half=0.5), many([2.0], "w", "y")]))
    table = interval_table(numbers, {"first": "v", "second": "w", "third": "absent"}, ("x", "y"), "which")
    assert list(table.columns) == ["x", "x.low", "x.high", "y", "y.low", "y.high"]
    assert list(table.index) == ["first", "second"] and table.index.name == "which"
    assert table.loc["first"].tolist()[:3] == [1.0, 0.5, 1.5] and table.loc["second", "y"] == 2.0
    two = interval_table(numbers, {("a", "b"): "v", ("a", "c"): "w"}, ("x",), ("one", "two"))
    assert two.index.names == ["one", "two"] and list(two.index) == [("a", "b")]
    assert list(interval_table(numbers, {"none": "absent"}, ("x",), "which").columns) == ["x", "x.low", "x.high"]
