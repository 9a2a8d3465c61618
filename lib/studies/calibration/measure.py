"""Is the simulated market like a real one? The calibration table, measured the same way on prices and on markets.

Targets and bands come from real prices and from paper B alone; what a setting misses is shown as missed. Nothing here,
and no parameter of the market, looks at what a strategy earns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from lib.evaluation.inputs import file_panel, source_name
from lib.evaluation.simulated import market_settings
from lib.market import CALIBRATIONS, REGIMES, make_market
from lib.paper.results.study import Config, RowResult, Settings
from lib.store.rows import records
from lib.studies.calibration.measures import measure

#: the year of the crash in the real file: the counterpart of the bear regime
STRESS_YEAR = 2015


def grid(settings: Settings) -> Iterator[Config]:
    if settings["data_path"]:
        yield {"variant": source_name(settings["data_path"]), "seed": 0, "limit_rates": None}
    for setting in CALIBRATIONS:
        for seed in settings["seeds"]:
            yield {"variant": f"synthetic {setting}", "seed": seed, "limit_rates": setting}


def compute(row: Config, settings: Settings) -> RowResult:
    if row["limit_rates"] is None:
        panel = file_panel(settings)
        years = panel.dates.astype("datetime64[Y]").astype(int) + 1970
        found = measure(panel, {"calm": years != STRESS_YEAR, "bear": years == STRESS_YEAR})
    else:
        size = settings["n_stocks"], settings["n_days"]
        market = make_market(*size, row["seed"], limit_rates=row["limit_rates"], **market_settings(settings))
        regime: np.ndarray[Any, Any] = market.truth.regime
        found = measure(market.panel, {name: regime == name for name in REGIMES})
    return RowResult(records({name: value for name, value in found.items() if not math.isnan(value)}))


# ------------------------------------------------------------------------------------------- targets

CSI, REAL, PAPER = "csi300", "synthetic real", "synthetic paper"

#: relative half-width of a band around a target of each setting, where no other band is given
REAL_BAND: Final = 0.20
PAPER_BAND: Final = 0.15


class Band(NamedTuple):
    """A target with the band that counts as reached; without a target NaN, and a band may be open on one side."""

    target: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value lies in the band."""
        return self.low <= value <= self.high


def around(target: float, width: float) -> Band:
    """Target with a relative band.

    >>> around(-2.0, 0.2)
    Band(target=-2.0, low=-2.4, high=-1.6)
    """
    low, high = sorted((target * (1 - width), target * (1 + width)))
    return Band(target, low, high)


def between(low: float, high: float) -> Band:
    """A band without a target."""
    return Band(math.nan, low, high)


POSITIVE: Final = between(0.0, math.inf)
NEGATIVE: Final = between(-math.inf, 0.0)


class Target(NamedTuple):
    """One row of the calibration table. metric: of the study; unit: "%" are shares and returns, shown times 100."""

    label: str
    metric: str
    unit: str
    real: Band | None
    paper: Band | None


_real, _paper = partial(around, width=REAL_BAND), partial(around, width=PAPER_BAND)
#: five days after a limit-up close: two standard errors of the real mean, .51 and .49 % with the overlap of days
_FROM_CLOSE, _FROM_OPEN = Band(0.0235, 0.0133, 0.0337), Band(0.0019, -0.0079, 0.0117)

TARGETS: Final = (
    Target("limit-up closes, calm years", "limit-up closes, calm", "%", _real(0.0048), None),
    Target("limit-down closes, calm years", "limit-down closes, calm", "%", _real(0.0017), None),
    Target("limit-up closes, stress", "limit-up closes, bear", "%", _real(0.0313), None),
    Target("limit-down closes, stress", "limit-down closes, bear", "%", _real(0.0309), None),
    Target("limit closes, calm", "limit closes, calm", "%", None, _paper(0.012)),
    Target("limit closes, bear", "limit closes, bear", "%", None, _paper(0.048)),
    Target("limit closes, rally", "limit closes, rally", "%", None, _paper(0.035)),
    Target("halted cells", "halted", "%", _real(0.018), _paper(0.01)),
    Target("halt spells, mean days", "halt spells: mean", "", _real(6.5), _paper(8.0)),
    Target("next open gap after limit-up", "limit-up: next gap", "%", _real(0.0215), POSITIVE),
    Target("next open gap after limit-down", "limit-down: next gap", "%", _real(-0.0230), NEGATIVE),
    Target("five days from a limit-up close", "limit-up: five days from close", "%", _FROM_CLOSE, None),
    Target("five days from the next open", "limit-up: five days from next open", "%", _FROM_OPEN, None),
    Target("limit-up again next day", "limit-up: again next day", "%", _real(0.16), between(0.128, 0.336)),
    Target("one-price share of limit-up days", "limit-up: one price", "%", _real(0.06), between(0.048, 0.192)),
    Target("cross-sectional daily sd", "cross-sectional sd", "%", between(0.019, 0.025), between(0.025, 0.032)),
    Target("excess kurtosis of returns", "excess kurtosis", "", _real(4.1), between(4.0, 8.0)),
    Target("mean pairwise correlation", "pairwise correlation", "", Band(0.33, 0.15, 0.54), between(0.15, 0.5)),
    Target("acf of |r|, 1 day", "acf of |r|, lag 1", "", _real(0.17), around(0.15, REAL_BAND)),
    Target("acf of |r|, 5 days", "acf of |r|, lag 5", "", _real(0.13), around(0.12, REAL_BAND)),
    Target("acf of |r|, 20 days", "acf of |r|, lag 20", "", _real(0.09), around(0.08, REAL_BAND)),
    Target("closes at the day's low, no limit close", "close at the low", "%", _real(0.0225), None),
    Target("closes at the day's high, no limit close", "close at the high", "%", _real(0.0220), None),
    Target("log volume against 20 days, limit-up", "volume on limit-up", "", _real(0.81), POSITIVE),
    Target("the same, one-price limit-up", "volume on one-price limit-up", "", _real(-1.19), NEGATIVE),
    Target("the same, day after a limit-up", "profile: volume, day +1", "", _real(0.93), POSITIVE),
)  # fmt: skip
