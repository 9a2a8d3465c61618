"""The "phantom alpha" from limit-up stocks (paper B, s5.2): days with many limit-up closes against days with few.

The papers noticed that their IC was higher on days with many limit-ups while back-tested returns were poorer. Here the
test days of a market are split by how many stocks close at the upper limit, lower third and upper third, and the
unmasked model is compared between them: what its ICs say on the day, and what its portfolio earns on the next.

The mechanism is recorded with it: the mean path around a limit-up close of what the market wanted, what the exchange
let it print, and where the stock stands in the model's ranking.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lib.errors import StatisticsError
from lib.evaluation.predictions import on_panel, row_rng
from lib.evaluation.simulated import market, market_settings
from lib.paper.results.study import Config, RowResult, Settings
from lib.reasons import Reason
from lib.stats import MINIMUM_SESSIONS, bootstrap_interval
from lib.store.rows import Record, records
from lib.studies.mask_ablation.rows import ablation
from lib.studies.phantom_alpha.limit_up_path import event_path

#: the model without a mask, and two with one
MASKS = ("none", "row_deletion", "mask_skip")
#: daily series that are compared, by the day of the decision
SERIES = ("apparent_ic", "m1_ic", "truth_ic", "unfilled_ic", "naive_close.active", "executed_close.active",
          "executed_open.active")  # fmt: skip


def compute(row: Config, settings: Settings) -> RowResult:
    found = ablation(row["seed"], row["limits"], row["learner"], MASKS, settings)
    world = market(settings["n_stocks"], settings["n_days"], row["seed"], row["limits"], **market_settings(settings))
    rows: list[Record] = []
    for mask in MASKS:
        arrays = found.arrays({"mask": mask})
        first = int(arrays["first_row"])
        ups = limit_ups(world.panel.reasons, world.panel.universe)[first:]
        rng = row_rng(f"{mask} {row['variant']}", row["seed"])
        rows += _split(mask, daily(arrays, len(ups)), *many_and_few(ups), rng, settings["samples"])
        if mask == "none":
            rows += event_path(world, on_panel(world.panel, arrays), first)
    end = f"{row['learner']} | {row['condition']}"
    return RowResult([{**record, "variant": f"{record['variant']} {end}"} for record in rows])


def limit_ups(reasons: np.ndarray, universe: np.ndarray) -> np.ndarray:
    """Members [T] that close at their upper limit."""
    return np.asarray((((reasons & Reason.LIMIT_UP) > 0) & universe).sum(axis=1))


def many_and_few(ups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(many, few) [D]: days in the upper and in the lower third by limit-up closes; ties may make them larger.

    >>> many_and_few(np.array([0, 5, 1, 9, 0, 7]))[0].tolist()
    [False, False, False, True, False, True]
    """
    low, high = np.quantile(ups, [1 / 3, 2 / 3])
    few = ups <= low
    return (ups >= high) & ~few, few


def daily(arrays: Mapping[str, np.ndarray], days: int) -> dict[str, np.ndarray]:
    """Series [D] by the day t of the decision: its IC, and the portfolio's return over equal weight from t to t + 1."""
    series = {}
    for name in SERIES:
        values = np.full(days, np.nan)
        stored = arrays[name]
        if name.endswith("_ic"):
            values[: len(stored)] = stored
        else:  # the return of t + 1 belongs to the close of t
            values[: len(stored) - 1] = stored[1:]
        series[name] = values
    return series


def _split(
    mask: str,
    series: Mapping[str, np.ndarray],
    many: np.ndarray,
    few: np.ndarray,
    rng: np.random.Generator,
    samples: int,
) -> list[Record]:
    """Mean of every series on days of either kind, and the difference with its interval."""
    found: list[Record] = []
    for name, values in series.items():
        known = np.isfinite(values)
        if not (many & known).any() or not (few & known).any():
            continue
        means = {"many": values[many & known].mean(), "few": values[few & known].mean()}
        counts = {"many": int((many & known).sum()), "few": int((few & known).sum())}
        for kind, mean in means.items():
            found += records({name: mean}, counts[kind], f"{kind} {mask}")
        ends = _interval(np.column_stack([values, many, few])[known], rng, samples)
        numbers = {"": means["many"] - means["few"]} | ends
        named = {name + end: value for end, value in numbers.items()}
        found += records(named, sum(counts.values()), f"many - few {mask}")
    return found


def _interval(days: np.ndarray, rng: np.random.Generator, samples: int) -> dict[str, float]:
    """95 % interval of the difference from resampled blocks of days [D, 3] = (value, many, few)."""

    def difference(path: np.ndarray) -> float:
        values, many, few = path[:, 0], path[:, 1] > 0, path[:, 2] > 0
        return float(values[many].mean() - values[few].mean()) if many.any() and few.any() else 0.0

    if len(days) < MINIMUM_SESSIONS:
        return {}
    try:
        _, low, high = bootstrap_interval(days, difference, rng=rng, n_samples=samples)
    except StatisticsError:  # no paths asked for, or none with both kinds of days
        return {}
    return {".low": low, ".high": high}
