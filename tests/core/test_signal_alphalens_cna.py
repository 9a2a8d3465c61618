"""Where the definitions agree, the numbers are those of alphalens-cna, for Chinese stocks (the extra `alphalens`).

Its own forward returns begin at the next open. Here it is given ours, from close to close, so that correlations, groups
and errors are compared. It divides by T - 1 where Newey and West divide by T; a variance below the naive one is raised.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from signals import complete_panel, reversal

from lib.evaluation.signal import check_signal
from lib.stats import newey_west_error

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the modules it imports
    cna = pytest.importorskip("alphalens_cna", reason="the extra alphalens is not installed")
    inference = pytest.importorskip("alphalens_cna.inference.newey_west")

HORIZONS = pytest.mark.parametrize("horizon", [1, 5])
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def panel():
    return complete_panel()


@pytest.fixture(scope="module")
def values(panel):
    return reversal(panel)


def theirs(panel, values, horizon):
    """Signal and forward returns as alphalens-cna wants them: a row for every date and asset."""
    close = panel.adjusted("close")
    ahead = close[horizon:] / close[:-horizon] - 1
    days = pd.DatetimeIndex(panel.dates[:-horizon])
    index = pd.MultiIndex.from_product([days, panel.symbols], names=["date", "asset"])
    return pd.DataFrame({"factor": values[:-horizon].ravel(), f"forward_return_{horizon}": ahead.ravel()}, index=index)


def cells(horizon):
    return f"{horizon} session{'s' * (horizon > 1)}"


@HORIZONS
@pytest.mark.parametrize(("name", "method"), [("IC", "pearson"), ("rank IC", "spearman")])
def test_mean_ics_are_those_of_alphalens_cna(panel, values, name, method, horizon):
    daily = cna.information_coefficient(theirs(panel, values, horizon), horizons=[horizon], method=method)[horizon]
    found = check_signal(panel, values, horizons=[horizon]).find(name, cells(horizon))
    assert found.value == pytest.approx(float(daily.mean()), abs=1e-9)


def test_returns_by_quantile_are_those_of_alphalens_cna(panel, values):
    returns = cna.quantile_returns(theirs(panel, values, 1), quantiles=5)["forward_return_1"]
    whole = theirs(panel, values, 1)["forward_return_1"].groupby(level="date").mean()
    over = returns.unstack().sub(whole, axis=0)
    found = check_signal(panel, values, horizons=[1])
    for quantile in range(1, 6):
        ours = found.find("return by quantile, bps", f"{quantile} of 5").value
        assert ours == pytest.approx(1e4 * float(over[quantile].mean()), abs=1e-6)


def test_errors_of_a_mean_ic_of_overlapping_labels_differ_by_one_observation_alone(panel, values):
    daily = cna.information_coefficient(theirs(panel, values, 5), horizons=[5])[5].to_numpy()
    found = inference.nw_tstat(daily, lags=4)
    assert found["vif"] > 1, "its lower bound does not bind"
    error = found["mean"] / found["t_nw"]
    assert newey_west_error(daily, lags=4, horizon=5) == pytest.approx(error * np.sqrt(1 - 1 / len(daily)), rel=1e-9)
