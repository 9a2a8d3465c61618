"""What one day says about a candidate: its information coefficients, its coverage, how much of its ranking is new.

A candidate is reduced to a few numbers a day as soon as its group is computed: a thousand candidates on fifteen years
would be gigabytes, their daily numbers are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lib.errors import ParameterError
from lib.factors.compute import compute_factors
from lib.factors.factor_set import FactorSet
from lib.factors.leaves import available_fields
from lib.factors.quality.layout import Layout
from lib.factors.registry import find_factors
from lib.stats.forward import forward_growth
from lib.stats.rows import tied_positions

if TYPE_CHECKING:
    from lib.panel import Panel

#: days over which returns are predicted; the last is the holding period of paper A (s6.C)
HORIZONS = (1, 2, 5, 10, 20)
#: scored cells without which a day has no correlation
MIN_CELLS = 20


@dataclass(frozen=True)
class Daily:
    """Numbers of F candidates on T days.

    ic: float32 [H, T, F], correlation of the day's ranks with the return of the next h days; NaN where undefined.
    kept: [T, F], correlation of the ranks with the day before's. covered: [T, F], share of the scored cells with a
    value. spread: [T, F], distance of the 10th and 90th percentile of the values, NaN without values.
    ranks: float32 [D, M, F], centred ranks of the sampled days, NaN where there is none.
    """

    names: tuple[str, ...]
    ic: np.ndarray
    kept: np.ndarray
    covered: np.ndarray
    spread: np.ndarray
    ranks: np.ndarray

    def rows(self, start: int, stop: int) -> Daily:
        """Days start..stop-1 (the sampled ranks stay)."""
        cut = slice(start, stop)
        return replace(
            self, ic=self.ic[:, cut], kept=self.kept[cut], covered=self.covered[cut], spread=self.spread[cut]
        )

    def before(self, cut: int) -> Daily:
        """The days whose every label was known at the close of day cut - 1: the training period of a filter."""
        return self.rows(0, max(cut - HORIZONS[-1], 0))


def computable(panel: Panel, names: Iterable[str]) -> list[str]:
    """The names whose fields the panel has, in order."""
    have = available_fields(panel)
    return [factor.name for factor in find_factors(names) if set(factor.fields) <= have]


def candidate_sets(
    panel: Panel, names: Sequence[str], *, window: str = "skip", min_share: float = 0.5, group: int = 16
) -> Iterator[FactorSet]:
    """The candidates, some at a time: neighbours in the declaration share most of their sub-formulas."""
    for start in range(0, len(names), group):
        yield compute_factors(panel, names[start : start + group], window=window, min_share=min_share)


def daily_scores(panel: Panel, sets: Iterable[FactorSet], sample: Sequence[int] = ()) -> Daily:
    """Daily numbers of candidates, on the cells that can be ordered: price valid and in the universe of the day.

    Labels are raw total returns from the close of t to that of t + h, whatever happens in between. Ranks are Pearson
    correlated with returns, not with ranks of returns: skewed returns alone give a rank correlation with volatility.
    sample: days whose ranks are kept, for `rank_correlation`.

    Raises ParameterError for a panel on which no cell can be scored.
    """
    layout = Layout.of(panel.price_valid & panel.universe)
    if not layout.used.any():
        raise ParameterError("daily_scores: no cell of the panel is price-valid and in the universe; nothing to score")
    labels = _label_matrix(panel.returns, layout)
    names: list[str] = []
    columns: dict[str, list[np.ndarray]] = {key: [] for key in ("ic", "kept", "covered", "spread", "ranks")}
    for factors in sets:
        names += factors.names
        for f in range(len(factors.names)):
            found = _scores(factors.values[..., f], factors.valid[..., f], layout, labels, sample)
            for key, value in found.items():
                columns[key].append(value)
    return Daily(tuple(names), **{key: np.stack(values, axis=-1) for key, values in columns.items()})


def forward_return(returns: np.ndarray, h: int) -> np.ndarray:
    """Return [T, N] from the close of t to that of t + h; NaN where a day's return is missing, and on the last h days.

    >>> forward_return(np.array([[0.0], [0.1], [0.1]]), 2).round(2).ravel().tolist()
    [0.21, nan, nan]
    """
    return forward_growth(returns, h) - 1


def _label_matrix(returns: np.ndarray, layout: Layout) -> np.ndarray:
    """[T, M, 3 H]: for every horizon whether there is a label, the label less its day's mean, and its square."""
    labels = np.stack([layout.gather(forward_return(returns, h)) for h in HORIZONS], axis=-1)  # T M H
    known = np.isfinite(labels) & layout.used[..., None]
    labels = np.where(known, labels, 0.0)
    mean = labels.sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    labels = np.where(known, labels - mean, 0.0)
    return np.concatenate([known, labels, labels**2], axis=-1).astype(np.float32)


def _scores(
    values: np.ndarray, valid: np.ndarray, layout: Layout, labels: np.ndarray, sample: Sequence[int]
) -> dict[str, np.ndarray]:
    has = layout.gather(valid) & layout.used
    ranks, spread = centred_ranks(layout.gather(values), has)
    before, had = layout.yesterday(ranks), layout.yesterday(has) & layout.carried & has
    cells = np.maximum(layout.used.sum(axis=1), 1)
    days = list(sample)
    return {
        "ic": _correlations(ranks, has, labels),
        "kept": _row_correlation(ranks, before, had),
        "covered": (has.sum(axis=1) / cells).astype(np.float32),
        "spread": spread,
        "ranks": np.where(has[days], ranks[days], np.nan).astype(np.float32),
    }


def centred_ranks(values: np.ndarray, has: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of each row among the cells it has, scaled to (-1/2, 1/2) and 0 elsewhere; and the spread of the values.

    Ties share their average rank. The spread is the distance of the 10th and 90th percentile, NaN for an empty row.
    """
    x = np.where(has, values, np.inf).astype(np.float32)  # T M, the rest sorts last
    order = np.argsort(x, axis=1)
    ordered = np.take_along_axis(x, order, axis=1)
    count = has.sum(axis=1, keepdims=True)
    last = np.maximum(count - 1, 0)
    low, high = (np.take_along_axis(ordered, (last * share).astype(int), axis=1)[:, 0] for share in (0.1, 0.9))
    some = count[:, 0] > 0
    spread = np.subtract(high, low, out=np.full(len(x), np.nan, dtype=np.float32), where=some)
    centred = (tied_positions(ordered) - last / 2) / np.maximum(count, 1)
    ranks = np.empty_like(x)
    np.put_along_axis(ranks, order, centred.astype(np.float32), axis=1)
    return np.where(has, ranks, np.float32(0)), spread


def _correlations(ranks: np.ndarray, has: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[H, T]: per day, the correlation of ranks and labels over the cells that have both."""
    moments = np.stack([has, ranks, ranks**2], axis=1).astype(np.float32) @ labels  # T 3 (3 H)
    n, y, yy = np.split(moments[:, 0].astype(np.float64), 3, axis=-1)  # T H
    x, xy, _ = np.split(moments[:, 1].astype(np.float64), 3, axis=-1)
    xx = np.split(moments[:, 2].astype(np.float64), 3, axis=-1)[0]
    return _pearson(n, x, y, xx, yy, xy).T.astype(np.float32)


def _row_correlation(x: np.ndarray, y: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """[T]: per row, the correlation of x and y over some cells.

    From sums in float32, as `_correlations` takes them for five horizons at once; `lib.stats.ic` is exact and slower.
    """
    x, y = np.where(cells, x, 0), np.where(cells, y, 0)
    sums = (cells.sum(axis=1), x.sum(axis=1), y.sum(axis=1))
    products = (np.einsum("tm,tm->t", a, b) for a, b in ((x, x), (y, y), (x, y)))
    return _pearson(*(np.asarray(item, dtype=np.float64) for item in (*sums, *products))).astype(np.float32)


def _pearson(n: np.ndarray, x: np.ndarray, y: np.ndarray, xx: np.ndarray, yy: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """Correlation from sums; NaN for fewer than MIN_CELLS cells and for a side that does not vary beyond round-off."""
    n = np.where(n >= MIN_CELLS, n, np.nan)
    spread_x, spread_y = xx - x * x / n, yy - y * y / n
    varies = (spread_x > 1e-6 * n) & (spread_y > 1e-6 * yy)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(varies, np.clip((xy - x * y / n) / np.sqrt(spread_x * spread_y), -1, 1), np.nan)
