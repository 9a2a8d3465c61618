"""Regimes: the regime state of each day, and what it means for the shocks of that day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lib.arrays import FloatArray
from lib.market.episodes import EPISODES, Episode

if TYPE_CHECKING:
    from lib.market.config import MarketConfig

Script = Sequence[tuple[str, int]]

REGIMES: Final = ("calm", "bear", "rally")
_CALM, _BEAR, _RALLY = range(3)


@dataclass(frozen=True, eq=False)
class DayStates:
    """The regime state of each day and its parameters, all [T] but for the episode."""

    regime: NDArray[np.str_]
    market_mean: FloatArray
    market_sd: FloatArray
    vol: FloatArray  # multiplier of industry and idiosyncratic volatility
    jump_rate: FloatArray  # of a stock of median volatility
    jump_up: FloatArray  # share of the jumps that go up
    halting: FloatArray  # multiplier of the chance that a halt begins, 1 on average without an episode
    episode: Episode | None
    span: slice  # days of the episode; empty without one


def draw_day_states(cfg: MarketConfig, n_days: int, rng: np.random.Generator) -> DayStates:
    """Regime of each day, scripted or drawn, with the episode laid over it."""
    code = _draw(cfg, n_days, rng) if cfg.regimes is None else _script(cfg.regimes)
    episode = EPISODES[cfg.episode] if cfg.episode else None
    span = _span(cfg, episode, n_days)
    usual_halting = _usual_halting(cfg, code)
    if episode is not None:
        code[span] = REGIMES.index(episode.regime)
    of_day = {name: np.array(getattr(cfg, name))[code] for name in ("market_mean", "market_sd", "jump_rate", "jump_up")}
    if episode is not None:
        of_day["jump_rate"][span] *= episode.jump_rate
        if episode.jump_up is not None and not cfg.null:
            of_day["jump_up"][span] = episode.jump_up
    halting = np.where(code == _BEAR, cfg.halt_bear, 1.0) / usual_halting
    return DayStates(
        np.array(REGIMES)[code],
        vol=np.array(cfg.vol_regime)[code],
        halting=halting,
        episode=episode,
        span=span,
        **of_day,
    )


def _draw(cfg: MarketConfig, n_days: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A Markov chain: geometric spells; calm ends in bear or rally, these end in calm."""
    state = int(rng.choice(3, p=_long_run(cfg)))
    code = np.empty(n_days, dtype=np.int64)
    day = 0
    while day < n_days:
        stop = day + int(rng.geometric(1 / cfg.regime_days[state]))
        code[day:stop] = state
        state = _CALM if state != _CALM else _BEAR if rng.random() < cfg.to_bear else _RALLY
        day = stop
    return code


def _long_run(cfg: MarketConfig) -> FloatArray:
    """Share of days in each regime of the chain."""
    share = np.array([1.0, cfg.to_bear, 1 - cfg.to_bear]) * cfg.regime_days
    return np.asarray(share / share.sum())


def _usual_halting(cfg: MarketConfig, code: NDArray[np.int64]) -> float:
    """Mean multiplier of halts: of the script, or of the chain in the long run."""
    bear = float(_long_run(cfg)[_BEAR]) if cfg.regimes is None else float((code == _BEAR).mean())
    return 1 + bear * (cfg.halt_bear - 1)


def _script(script: Script) -> NDArray[np.int64]:
    return np.concatenate([np.full(days, REGIMES.index(name)) for name, days in script]).astype(np.int64)


def _span(cfg: MarketConfig, episode: Episode | None, n_days: int) -> slice:
    if episode is None:
        return slice(0, 0)
    start = 2 * n_days // 3 if cfg.episode_start is None else cfg.episode_start
    return slice(start, start + episode.days)
