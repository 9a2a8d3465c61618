"""Arms of an experiment about learning: several ways to predict one simulated market, scored alike, compared by pairs.

Such an experiment changes one thing (a loss, a set of factors, a network) and holds the rest: the market, the cells
that are learned and predicted, the days, the book and its costs. The cells are those of `mask_skip`: windows skip
masked days, labels need both days tradable, only tradable stocks are ordered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lib.evaluation.contrasts import difference
from lib.evaluation.predictions import kept, on_panel, row_rng
from lib.evaluation.scoring import score
from lib.evaluation.simulated import features, truth_difference, with_truth
from lib.evaluation.variants import VARIANTS, variant_dataset
from lib.store.rows import Record, RowResult

if TYPE_CHECKING:
    from lib.market import Market
    from lib.models.dataset import Dataset

MASK = "mask_skip"
#: in the order in which a difference is judged: the truth decides first, books gross of costs before net ones
ENDPOINTS = (
    "truth_ic", "m1_ic", "executed_open.active_sharpe_gross", "executed_open.active_sharpe",
    "executed_open.matched.active_sharpe", "executed_open.turnover",
)  # fmt: skip


def arm_dataset(world: Market, factors: str | tuple[str, ...], standardise: str = "zscore") -> Dataset:
    """Samples of a market under MASK; factors: core, all, or names."""
    variant = VARIANTS[MASK]
    return variant_dataset(world.panel, variant, features(world.panel, variant.features, factors, standardise))


def scored_arm(world: Market, prediction: np.ndarray, *, name: str, seed: int, samples: int = 0) -> RowResult:
    """Every metric of an arm's predictions [T, N] (NaN: none), against returns and against the truth, and its arrays.

    name, seed: of the row; they draw the resampled paths behind intervals, of which there are none with samples=0.
    """
    records, series = score(
        world.panel, prediction, orders_allowed=None, rng=row_rng(name, seed), samples=samples
    )  # fmt: skip
    found = RowResult(records, {**series, **kept(world.panel, prediction)})
    return with_truth(world, on_panel(world.panel, found.arrays), found, row_rng(f"{name} truth", seed), samples)


def compared(
    world: Market, left: RowResult, right: RowResult, *, name: str, seed: int, samples: int = 0
) -> list[Record]:
    """Paired differences left - right of two arms of one market, named `name`, on the cells that both predict."""
    rng, panel = row_rng(name, seed), world.panel
    a, b = (on_panel(panel, side.arrays) for side in (left, right))
    records = difference(panel, (a, left.arrays), (b, right.arrays), rng, samples)
    records += truth_difference(world, a, b, rng, samples)
    return [{"variant": name, **record} for record in records]
