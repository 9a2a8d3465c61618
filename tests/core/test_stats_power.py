"""How many markets decide: against a simulated test, and its errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from lib.errors import StatisticsError
from lib.stats.power import markets_needed, markets_to_decide, smallest_decided


def test_a_test_with_so_many_markets_finds_the_effect_as_often_as_promised():
    rng = np.random.default_rng(0)
    sample = rng.normal(0.0, 0.35, 4000)
    n = markets_to_decide(sample, effect=0.1)
    assert n == pytest.approx((2.802 * sample.std(ddof=1) / 0.1) ** 2, abs=1.0)
    drawn = rng.normal(0.1, 0.35, (4000, n))
    found = np.mean(ttest_1samp(drawn, 0.0, axis=1).pvalue < 0.05)
    assert abs(found - 0.8) < 0.03


def test_the_sign_of_the_effect_does_not_matter_and_a_sure_one_needs_two():
    assert markets_to_decide([1.0, 2.0, 3.0], -0.5) == markets_to_decide([1.0, 2.0, 3.0], 0.5)
    assert markets_to_decide([0.2, 0.2, 0.2], 1.0) == 2


def test_the_smallest_decided_difference_is_decided_by_the_markets_at_hand():
    sample = np.random.default_rng(1).normal(0.0, 0.35, 60)
    assert markets_to_decide(sample, smallest_decided(sample) * (1 + 1e-9)) == 60
    assert markets_needed(sample, 0.2) == markets_to_decide(sample, 0.2) and np.isnan(markets_needed(sample[:1], 0.2))
    with pytest.raises(StatisticsError, match="smallest_decided: got 1"):
        smallest_decided(sample[:1])


@pytest.mark.parametrize(
    ("sample", "effect", "power"),
    [([1.0], 1.0, 0.8), ([1.0, np.nan], 1.0, 0.8), ([1.0, 2.0], 0.0, 0.8), ([1.0, 2.0], 1.0, 1.0)],
)
def test_what_has_no_answer_is_an_error(sample, effect, power):
    with pytest.raises(StatisticsError, match="markets_to_decide: got"):
        markets_to_decide(sample, effect, power)
