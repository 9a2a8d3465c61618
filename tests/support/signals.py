"""A signal on which other tools for signals, which treat missing prices in ways of their own, can be held to ours."""

from __future__ import annotations

import numpy as np

from lib import Panel, make_market


def complete_panel() -> Panel:
    """A market without a missing price."""
    found = make_market(50, 120, seed=8, limit_rates="paper").panel
    assert found.observed.all() and found.universe.all()
    return found


def reversal(panel: Panel) -> np.ndarray:
    """Yesterday's loser, with noise [T, N]."""
    return np.random.default_rng(1).normal(size=panel.shape) - 5 * panel.returns
