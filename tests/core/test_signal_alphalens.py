"""Where the definitions agree, the numbers are those of alphalens-reloaded (the extra `alphalens`)."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest
from signals import complete_panel, reversal

from lib.evaluation.signal import check_signal

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the modules it imports
    utils = pytest.importorskip("alphalens.utils", reason="the extra alphalens is not installed")
    performance = pytest.importorskip("alphalens.performance")


@pytest.fixture(scope="module")
def panel():
    return complete_panel()


@pytest.fixture(scope="module")
def values(panel):
    return reversal(panel)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("horizon", [1, 5])
def test_rank_ics_and_returns_by_quantile_are_those_of_alphalens(panel, values, horizon):
    dates = pd.DatetimeIndex(panel.dates)
    factor = pd.DataFrame(values, index=dates, columns=panel.symbols).stack()
    factor.index.names = ["date", "asset"]
    prices = pd.DataFrame(panel.adjusted("close"), index=dates, columns=panel.symbols)
    data = utils.get_clean_factor_and_forward_returns(factor, prices, quantiles=5, periods=(horizon,), max_loss=0.5)
    found = check_signal(panel, values, horizons=[horizon])
    name = f"{horizon} session{'s' * (horizon > 1)}"
    theirs = float(performance.factor_information_coefficient(data).dropna().mean().iloc[0])
    assert found.find("rank IC", name).value == pytest.approx(theirs, abs=1e-6)
    if horizon == 1:
        means, _ = performance.mean_return_by_quantile(data, demeaned=True)
        for quantile in range(1, 6):
            ours = found.find("return by quantile, bps", f"{quantile} of 5").value
            assert ours == pytest.approx(1e4 * float(means.loc[quantile].iloc[0]), abs=1e-6)
