"""Parameters of the synthetic market, the two named calibrations, and their validation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final

import numpy as np

from lib.errors import ParameterError
from lib.market.episodes import EPISODES
from lib.market.regimes import REGIMES, Script
from lib.parameters import Parameter, unknown_names

PerRegime = tuple[float, float, float]

MAX_STOCKS: Final = 5_000
MAX_CELLS: Final = 24_000_000


@dataclass(frozen=True)
class MarketConfig:
    """Parameters of `make_market`. Volatilities and rates are per day, sizes are log returns.

    A triple holds one value per regime (calm, bear, rally); a single number stands for three equal ones. The
    defaults are the calibration "real", which aims at CSI 300 members 2010-2024; `limit_rates="paper"` replaces
    some of them (`CALIBRATIONS`) to reach the limit rates that paper B states.
    """

    start: str = "2010-01-04"  # first session; the calendar is every weekday from there
    limit_rates: str = "real"

    # -- what is planted
    null: bool = False  # no alpha, no reversal, no spill; jumps as likely for every stock, and symmetric
    alpha: float = 0.08  # kappa: standard deviation of the planted alpha, in units of the stock's volatility
    reversal: float = 0.25  # shock of the transitory component, in units of the stock's volatility
    reversal_memory: float = 0.5
    interaction: bool = False  # reversal only in stocks whose volatility is below the day's median
    volume_print: float = 0.40  # of s1 in log volume
    path_print: float = 0.35  # of s2 in the bow of the path, in units of volatility
    open_print: float = 0.15  # of s3 in the overnight move, in units of volatility

    # -- the regime states
    regimes: Script | None = None  # None: a Markov chain; else (("calm", 200), ("bear", 60), ...)
    regime_days: PerRegime = (240.0, 40.0, 30.0)  # mean spells of the chain
    to_bear: float = 0.55  # a calm spell ends in a bear market, else in a rally; both end in calm
    episode: str | None = None  # a scripted episode, see EPISODES
    episode_start: int | None = None  # its first day; None: after two thirds of the days

    # -- the latent price
    market_mean: PerRegime = (0.0003, -0.0022, 0.0040)
    market_sd: PerRegime = (0.016, 0.033, 0.022)
    market_memory: float = 0.99  # of the log volatility of the market factor
    market_swing: float = 0.32  # its standard deviation
    beta_sd: float = 0.22
    industry_sd: float = 0.0085
    n_industries: int = 29
    size_sd: float = 0.003
    vol_median: float = 0.0143  # idiosyncratic, lognormal over stocks
    vol_dispersion: float = 0.22
    vol_regime: PerRegime = (0.95, 1.15, 1.0)  # multiplies industry and idiosyncratic volatility
    vol_common: float = 0.7  # share of the swings of the market's log volatility that the stocks' follow
    vol_memory: float = 0.995  # of a stock's own log volatility
    vol_swing: float = 0.34  # its standard deviation
    tail: float = 9.0  # degrees of freedom of the Student-t shocks
    jump_rate: PerRegime = (0.0046, 0.042, 0.020)  # of a stock of median volatility; in proportion for others
    jump_up: PerRegime = (0.84, 0.44, 0.65)
    jump_base: float = 0.101
    jump_mean: float = 0.005  # beyond jump_base, exponential
    jump_far_share: float = 0.01  # of the jumps: news worth several days of limits
    jump_far_mean: float = 0.06  # of those, in place of jump_mean
    jump_quiet: float = 0.3  # a stock's own shock on the day of a jump, against other days
    jump_echo: float = 0.155  # chance of a further jump on the day after one
    echo_same: float = 0.93  # chance that an echo goes the way of the last jump
    excitation_memory: float = 0.72  # what is left of a jump's excitation a day later
    excitation_vol: float = 0.2  # a jump widens volatility by that share on the day after
    excitation_volume: float = 0.65  # and draws log volume, on its day and after
    limit_volume: float = 0.6  # a limit-up close draws log volume on the days after it
    limit_memory: float = 0.75  # what is left of that a day later
    jump_swing: float = 0.1  # how far a stock's own log jump rate moves with its log volatility (sd)
    first_price: float = 12.0  # yuan, median
    price_dispersion: float = 0.5  # of its logarithm
    wide_share: float = 0.25  # stocks on a 20 % board
    wide_scale: float = 1.3  # their volatility and jump sizes against the others'

    # -- the exchange
    spill: float = 1.0  # share of a cut-off move that stays in the latent price; 0: the clamp of the paper
    halt_rate: float = 0.018
    halt_days: float = 6.5  # mean spell
    halt_single: float = 0.7  # share of spells that last one day; the others are geometric
    halt_bear: float = 4.0  # spells begin that many times as often in a bear market
    least_price: float = 2.0  # yuan; a stock below it merges ten shares into one overnight (0: never)

    # -- within the day
    open_share: float = 0.45  # of the day's move that happens before the open
    open_noise: float = 0.22  # of the open, in units of volatility
    path_sd: float = 0.83  # of the intraday bridge, in units of volatility
    locked_weight: float = 0.065  # of trading while the price is locked, against trading freely
    turnover: float = 0.017  # median share of the float that changes hands in a day


#: what each named calibration sets; an explicit parameter goes before it
CALIBRATIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "real": {},
    "paper": {
        "regime_days": (80.0, 40.0, 30.0),
        "market_sd": (0.014, 0.027, 0.020),
        "market_swing": 0.375,
        "vol_median": 0.0182,
        "vol_swing": 0.40,
        "tail": 4.5,
        "jump_rate": (0.0105, 0.045, 0.035),
        "jump_up": (0.70, 0.28, 0.80),
        "jump_far_share": 0.03,
        "jump_echo": 0.108,
        "excitation_memory": 0.6,
        "excitation_vol": 0.0,
        "path_sd": 0.88,
        "halt_rate": 0.01,
        "halt_days": 8.0,
        "halt_single": 0.0,
        "halt_bear": 2.0,
    },
}

_UNIT, _SD, _DAYS = (0.0, 1.0), (0.0, 0.5), (1.0, 5000.0)
#: number -> (lowest, highest) allowed; for a triple, of each of its values
_RANGES: Final = {
    "alpha": (0.0, 5.0), "reversal": (0.0, 5.0), "reversal_memory": (0.0, 0.99),
    "volume_print": (-5.0, 5.0), "path_print": (-5.0, 5.0), "open_print": (-5.0, 5.0),
    "regime_days": _DAYS, "to_bear": _UNIT,
    "market_mean": (-0.1, 0.1), "market_sd": (0.0, 0.2), "market_memory": (0.0, 0.999), "market_swing": (0.0, 1.5),
    "beta_sd": (0.0, 2.0), "industry_sd": _SD, "n_industries": (1, 1000), "size_sd": _SD,
    "vol_median": (1e-4, 0.2), "vol_dispersion": (0.0, 2.0), "vol_regime": (0.01, 20.0),
    "vol_memory": (0.0, 0.999), "vol_swing": (0.0, 1.5), "tail": (2.1, 1e6),
    "jump_rate": _UNIT, "jump_up": _UNIT, "jump_base": _SD, "jump_mean": _SD, "jump_far_share": _UNIT,
    "jump_far_mean": _SD, "jump_swing": (0.0, 3.0), "jump_quiet": _UNIT, "jump_echo": _UNIT, "echo_same": _UNIT,
    "excitation_memory": (0.0, 0.99), "excitation_vol": (0.0, 10.0), "excitation_volume": (-5.0, 5.0),
    "vol_common": (0.0, 3.0),
    "limit_volume": (-5.0, 5.0), "limit_memory": (0.0, 0.99),
    "wide_share": _UNIT, "wide_scale": (0.1, 10.0),
    "first_price": (1.0, 1e5), "price_dispersion": (0.0, 3.0), "spill": _UNIT,
    "halt_rate": (0.0, 0.5), "halt_days": (1.0, 250.0), "halt_single": (0.0, 0.95),
    "halt_bear": (1.0, 20.0), "least_price": (0.0, 100.0), "open_share": _UNIT, "open_noise": (0.0, 5.0),
    "path_sd": (0.0, 5.0),
    "locked_weight": (0.001, 1.0), "turnover": (1e-5, 1.0),
}  # fmt: skip
_TRIPLES: Final = ("regime_days", "market_mean", "market_sd", "vol_regime", "jump_rate", "jump_up")
_DECLARED: Final = {
    "start": Parameter(date, MarketConfig.start),
    "limit_rates": Parameter(str, MarketConfig.limit_rates, choices=tuple(CALIBRATIONS)),
    "episode": Parameter(str, None, choices=tuple(EPISODES), optional=True),
    "null": Parameter(bool, False), "interaction": Parameter(bool, False),
    **{
        name: Parameter(int if name == "n_industries" else float, getattr(MarketConfig, name), low, high)
        for name, (low, high) in _RANGES.items()
    },
}  # fmt: skip
#: what null=True sets
_NULL: Final = {"alpha": 0.0, "reversal": 0.0, "spill": 0.0, "jump_up": (0.5, 0.5, 0.5)}


def check_config(n_stocks: int, n_days: int, seed: int, given: Mapping[str, Any]) -> MarketConfig:
    """Validated parameters, with calibration and null market filled in. Raises ParameterError, in one line."""
    check_size(n_stocks, n_days, seed)
    for problem in unknown_names(given, {f.name: f for f in fields(MarketConfig)}):
        raise ParameterError(f"make_market: {problem}")
    checked = {name: _check_value(name, value) for name, value in given.items()}
    values = {**CALIBRATIONS[checked.get("limit_rates", "real")], **checked}
    if values.get("null"):
        values |= _null_values(checked)
    config = MarketConfig(**values)
    _check_script(config.regimes, n_days)
    _check_episode(config, n_days)
    return config


def check_size(n_stocks: int, n_days: int, seed: int) -> None:
    """Raises ParameterError for a size or a seed that cannot be."""
    _check_whole("n_stocks", n_stocks, 1, MAX_STOCKS)
    _check_whole("n_days", n_days, 2, MAX_CELLS // n_stocks)
    _check_whole("seed", seed, 0, 2**63 - 1)


def _check_whole(name: str, value: Any, low: int, high: int) -> None:
    Parameter(int, None, low, high).check(name, value)


def _check_value(name: str, value: Any) -> Any:
    if name in _TRIPLES:
        return _triple(name, value)
    return _DECLARED[name].check(name, value) if name in _DECLARED else value


def _triple(name: str, value: Any) -> PerRegime:
    values = [value] * 3 if np.ndim(value) == 0 else list(value)
    if len(values) != 3:
        raise ParameterError(f"{name} is {value!r}; expected one number, or three: {', '.join(REGIMES)}")
    names = [name] * 3 if np.ndim(value) == 0 else [f"{name} ({regime})" for regime in REGIMES]
    calm, bear, rally = map(_DECLARED[name].check, names, values)
    return calm, bear, rally


def _null_values(given: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, value in _NULL.items():
        if name in given and given[name] != value:
            raise ParameterError(f"null=True sets {name} to {value!r}, got {given[name]!r}; leave one of them out")
    if given.get("episode") == "theme_rotation":
        raise ParameterError("null=True plants nothing, and episode='theme_rotation' is planted; leave one of them out")
    return _NULL


def _check_script(script: Any, n_days: int) -> None:
    if script is None:
        return
    wanted = 'regimes: expected pairs of a name and a number of days, such as (("calm", 200), ("bear", 60))'
    if isinstance(script, str) or not isinstance(script, Sequence) or len(script) == 0:
        raise ParameterError(f"{wanted}, got {script!r}")
    for step in script:
        if isinstance(step, str) or not isinstance(step, Sequence) or len(step) != 2:
            raise ParameterError(f"{wanted}, got {step!r}")
        Parameter(str, None, choices=tuple(REGIMES)).check("regimes: regime", step[0])
        _check_whole(f"regimes: days of {step[0]!r}", step[1], 1, MAX_CELLS)
    total = sum(step[1] for step in script)
    if total != n_days:
        raise ParameterError(f"regimes: the script lasts {total} days, n_days is {n_days}; make them equal")


def _check_episode(config: MarketConfig, n_days: int) -> None:
    if config.episode is None:
        if config.episode_start is not None:
            raise ParameterError(f"episode_start is {config.episode_start!r} without an episode; name one")
        return
    days = EPISODES[config.episode].days
    start = config.episode_start
    if start is None:
        if n_days < math.ceil(1.5 * days) + 3:
            raise ParameterError(
                f"n_days is {n_days}; episode {config.episode!r} takes {days} after two thirds of them"
            )
    else:
        _check_whole("episode_start", start, 1, n_days - days)
