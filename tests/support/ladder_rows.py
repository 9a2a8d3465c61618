"""Rows of the two studies of the papers' ablation, with contributions that a test chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from results import tidy

from lib.evaluation.ladder import COMPONENTS, SYSTEMS, contributions, with_costs
from lib.evaluation.lagged_optimiser import SENSES

#: component -> contribution before costs; turnover that it adds
Given = Mapping[str, tuple[float, float]]


def made_up(study: str, kind: str, given: Given, books: Sequence[str] = SENSES, markets: int = 6) -> pd.DataFrame:
    """Markets in which each component contributes as given on average, and every system varies by itself.

    A turnover of .1 a day costs .1 of the ratio at 8 basis points. kind: of the ratio whose saved costs are given.
    """
    frames, noise = [], np.random.default_rng(0).normal(0, 0.02, (markets, len(SYSTEMS)))
    noise -= noise.mean(axis=0)
    for seed in range(markets):
        levels = {}
        for place, name in enumerate(SYSTEMS):
            component = next((c for c, pair in COMPONENTS.items() if pair[1] == name), "")
            gross, trades = given.get(component, (0.0, 0.0))
            levels[name] = _level(1 - gross + noise[seed, place], 0.4 - trades, books)
        found = {name: with_costs(with_costs(numbers), kind) for name, numbers in contributions(levels).items()}
        for name in found:
            found[name] |= {f"{SENSES[0]}.matched.8bps.{x}": found[name][f"{SENSES[0]}.0bps.{x}"] for x in _KINDS}
            found[name] |= {"common.truth_ic": found[name]["truth_ic"]}
        records = [(name, metric, value) for name, numbers in (levels | found).items()
                   for metric, value in numbers.items()]  # fmt: skip
        frames.append(tidy(records, study, seed))
    return pd.concat(frames)


_KINDS = ("sharpe", "appraisal")


def _level(ratio: float, turnover: float, books: Sequence[str]) -> dict[str, float]:
    found = {"m1_ic": ratio / 20, "apparent_ic": ratio / 20, "truth_ic": ratio / 10, "spread": 0.05, "coverage": 0.5}
    for book in books:
        found |= {f"{book}.{bps}bps.{kind}": ratio - bps * turnover / 8 for bps in (0, 5, 8) for kind in _KINDS}
        found |= {f"{book}.8bps.annual_return": 0.1 * ratio, f"{book}.8bps.sortino": 1.4 * ratio,
                  f"{book}.8bps.max_drawdown": 0.1, f"{book}.max_drawdown": 0.1, f"{book}.turnover": turnover,
                  f"{book}.gross_return": 0.15 * ratio, f"{book}.8bps.annual_volatility": 0.17, f"{book}.beta": 0.8,
                  f"{book}.held": 40.0}  # fmt: skip
    return found
