"""The studies of windows on real prices: coverage against a loop over stocks, ranks over the halts of 2015."""

from __future__ import annotations

import numpy as np
import pytest

from lib import load_panel
from lib.factors import find_factors
from lib.stats import masked_ranks
from lib.studies.coverage.expected import by_stock, chain_of, clustered, counted, independent
from lib.studies.coverage.measure import stocks
from lib.studies.rank_denominator.denominators import day_map
from lib.studies.rank_denominator.measure import places, three_forms

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def panel(data_dir):
    file = data_dir / "cn_csi300_pit_2010_2024.parquet"
    whole = load_panel(file, start="2015-01-01", end="2015-12-31")
    return stocks(whole, np.flatnonzero(whole.universe.any(axis=0))[::4])


def test_strict_coverage_is_that_of_a_loop_and_above_the_formulas(panel):
    mask, scored = panel.mask, panel.universe
    listed = panel.without(2)
    kept = of = 0
    for stock in range(mask.shape[1]):
        for day in range(19, len(mask)):
            if mask[day, stock] and scored[day, stock] and listed[day - 19 : day + 1, stock].all():
                of += 1
                kept += mask[day - 19 : day + 1, stock].all()
    assert counted(mask, listed, scored, 20, 1.0) == (kept, of) and of > 10_000
    chain = chain_of(mask | ~scored, scored)
    coins, spells = independent(chain.masked, 20, 1.0), clustered(chain, 20, 1.0)
    assert coins < 0.5 * spells and chain.spell > 2, "masked days come in spells"
    assert abs(by_stock(mask, listed, scored, 20, 1.0) - kept / of) < 0.15


def test_exempt_factors_do_not_notice_the_halts_of_july_2015(panel):
    names = ["original_027", "old_031", "original_028", "add_030", "add_007"]
    for name, true, spoiled in three_forms(panel, names):
        day = int(np.flatnonzero(panel.dates <= np.datetime64("2015-07-09"))[-1])
        cells = np.isfinite(true)
        assert cells[day].sum() < 0.7 * cells[100].sum(), "few could be traded"
        right, wrong = (masked_ranks(places(values, cells), cells)[day] for values in (true, spoiled["last"]))
        exempt = day_map(find_factors([name])[0].node) is not None
        assert np.array_equal(right, wrong) is exempt, name
