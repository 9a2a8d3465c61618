"""Scripted episodes: a stretch of days on which the market is told what to do.

The three follow paper B, section 6.2: what it reports of them is the market's part (how far, how fast, how many
limit closes), never the result of a strategy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Episode:
    """What happens, for how long, to which stocks.

    total: log return of the market factor over the episode, exactly; None leaves the factor alone. jump_rate
    multiplies the regime's jump probability, jump_up replaces its share of upward jumps (None: neither changes).
    theme_industries: how many industries are the theme, from I01 on (0: everybody takes part through beta);
    theme_total: log return of the theme over the episode beyond everything else, rest_total that of the others,
    both spread evenly and part of the planted alpha, because they last and can be followed. theme_volume is added
    to the theme's log volume.
    """

    days: int
    regime: str
    text: str
    total: float | None = None
    jump_rate: float = 1.0
    jump_up: float | None = None
    theme_industries: int = 0
    theme_total: float = 0.0
    rest_total: float = 0.0
    theme_volume: float = 0.0


EPISODES: Final[Mapping[str, Episode]] = {
    "crash": Episode(
        15, "bear", "the market factor falls by 15 % in three weeks, downward jumps in every stock",
        total=-0.1625, jump_rate=2.0, jump_up=0.06,
    ),
    "policy_rally": Episode(
        10, "rally", "the market factor rises by 25 % in two weeks, one stock in twelve closes limit-up a day",
        total=0.2231, jump_rate=4.5, jump_up=0.98,
    ),
    "theme_rotation": Episode(
        60, "calm", "for a quarter of a year the second and third industry gain 35 % on heavy volume, the others slip",
        theme_industries=2, theme_total=0.30, rest_total=-0.03, theme_volume=0.5,
    ),
}  # fmt: skip
