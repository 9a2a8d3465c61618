"""One variant of the ablation on one panel: walk-forward predictions, their scores, and what is kept of them.

Both ablations, on real prices and on the simulated market, go through here, so that they differ in their data alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.evaluation.contrasts import ORDERS_MASKED
from lib.evaluation.scoring import score
from lib.evaluation.variants import VARIANTS, variant_dataset
from lib.models.walk import walk_predictions
from lib.store.rows import RowResult

if TYPE_CHECKING:
    from lib.factors import FactorSet
    from lib.panel import Panel


def ordered(variants: Sequence[str] | None) -> list[str]:
    """Variants with the same features side by side, so that a process computes them once; None: all."""
    chosen = list(VARIANTS) if variants is None else list(variants)
    order = list(dict.fromkeys(variant.features for variant in VARIANTS.values()))
    return sorted(chosen, key=lambda name: order.index(VARIANTS[name].features))


def evaluate(
    panel: Panel, mask: str, factors: FactorSet, *, name: str, seed: int, samples: int | None = None, **walk: Any
) -> RowResult:
    """Scores of a variant's predictions, with the daily series and the predictions as arrays.

    mask: a key of VARIANTS. name, seed: of the row; they draw the resampled paths behind intervals. walk: learner,
    first_test_year and further settings of `walk_predictions`.
    """
    variant = VARIANTS[mask]
    prediction = walk_predictions(variant_dataset(panel, variant, factors), panel.dates, seed=seed, **walk)
    orders_allowed = panel.price_valid if variant.flags else None
    records, series = score(
        panel, prediction, orders_allowed=orders_allowed, rng=row_rng(name, seed), samples=samples
    )  # fmt: skip
    masked = {ORDERS_MASKED: np.array(variant.flags)}
    return RowResult(records, {**series, **kept(panel, prediction), **masked})


def row_rng(name: str, seed: int) -> np.random.Generator:
    """The random numbers of a row: they depend on its name and seed alone."""
    return np.random.default_rng([zlib.crc32(name.encode()), seed])


def kept(panel: Panel, prediction: np.ndarray) -> dict[str, np.ndarray]:
    """Predictions [T, N] from their first day on, in single precision, with the panel's dates of those days."""
    first = int(np.flatnonzero(np.isfinite(prediction).any(axis=1))[0])
    dates = panel.dates[first:].astype("datetime64[D]").astype(np.int64)
    return {"prediction": prediction[first:].astype(np.float32), "first_row": np.array(first), "dates": dates}


def on_panel(panel: Panel, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """The predictions that `kept` kept, as [T, N] again."""
    prediction = np.full(panel.shape, np.nan)
    prediction[int(arrays["first_row"]) :] = arrays["prediction"]
    return prediction


def pairs(present: Iterable[str], contrasts: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The contrasts both of whose sides were run."""
    names = set(present)
    return [(left, right) for left, right in contrasts if left in names and right in names]
