"""Controls of the ablation: what phantom alpha needs, and what an honest pipeline finds in a market without any.

Eight markets of the same random draws: spill on or off (a move cut off by a limit comes out at the next open, or is
lost), something planted or nothing, limits seldom or often. If phantom alpha comes from the spill, it is there when
nothing at all can be earned, and gone when the spill is, however much is planted.

The null market plants nothing and spills nothing: whatever a variant finds there, it invents. It is kept small, because
its question needs many markets and no large ones: 60 stocks, 520 days, the last year tested, 8 factors of as many
families. A market counts when the 95 % interval of the mean IC (Newey-West) covers zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from lib.evaluation.predictions import evaluate, on_panel, ordered, row_rng
from lib.evaluation.scoring import Record, daily_ics
from lib.evaluation.simulated import (
    LIMIT_RATES,
    features,
    market,
    market_settings,
    with_truth,
)
from lib.evaluation.variants import VARIANTS, variant_dataset
from lib.models.learners import TRAINED as TRAINED_LEARNERS
from lib.models.walk import walk_predictions
from lib.paper.results.agreement import EXACT, TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.stats import newey_west_error
from lib.studies.controls.tables import LEARNERS, MASKS, coverage_records, effect_records, world_name

#: nothing planted: neither the signals nor the reversal, so that no prediction can be right
NOTHING = {"alpha": 0.0, "reversal": 0.0}
#: one factor of every kind of window, for the null market
NULL_FACTORS = ("alpha_001", "alpha_101", "better_001", "best_006", "old_029", "stock_006", "add_022", "change_002")
NULL_SIZE = {"n_stocks": 60, "n_days": 520, "first_test_year": 2011}
NULL_METRICS = ("apparent_ic", "m1_ic")


def grid(settings: Settings) -> Iterator[Config]:
    """Eight worlds of every market, then the null markets."""
    for seed in settings["seeds"]:
        for limits in LIMIT_RATES:
            for spill in (True, False):
                for planted in (True, False):
                    world = {"limits": limits, "spill": spill, "planted": planted}
                    name = world_name(limits, spill, planted)
                    yield from (
                        {"variant": f"{mask} ridge | {name}", "seed": seed, "world": name, "mask": mask} | world
                        for mask in MASKS
                    )
    for learner in LEARNERS:
        count = settings["null_seeds" if learner == "ridge" else "null_trained_seeds"]
        yield from ({"variant": f"null {learner}", "seed": seed, "learner": learner} for seed in range(count))


def compute(row: Config, settings: Settings) -> RowResult:
    return _world(row, settings) if "world" in row else _null(row)


def _world(row: Config, settings: Settings) -> RowResult:
    config: dict[str, Any] = {"spill": float(row["spill"])} | (market_settings(settings) if row["planted"] else NOTHING)
    world = market(settings["n_stocks"], settings["n_days"], row["seed"], row["limits"], **config)
    found = evaluate(
        world.panel,
        row["mask"],
        features(world.panel, VARIANTS[row["mask"]].features, settings["factors"]),
        name=row["variant"],
        seed=row["seed"],
        samples=settings["samples"],
        learner="ridge",
        first_test_year=settings["first_test_year"],
    )
    rng = row_rng(f"{row['variant']} truth", row["seed"])
    scored = with_truth(world, on_panel(world.panel, found.arrays), found, rng, settings["samples"])
    return RowResult(scored.records)


def _null(row: Config) -> RowResult:
    """Every variant on one null market: the mean IC, its 95 % interval and whether that covers zero."""
    world = market(NULL_SIZE["n_stocks"], NULL_SIZE["n_days"], row["seed"], "paper", null=True)
    records: list[Record] = []
    for mask in ordered(None):
        variant, panel = VARIANTS[mask], world.panel
        prediction = walk_predictions(
            variant_dataset(panel, variant, features(panel, variant.features, NULL_FACTORS)), panel.dates,
            learner=row["learner"], first_test_year=NULL_SIZE["first_test_year"], seed=row["seed"],
        )  # fmt: skip
        for metric, daily in daily_ics(panel, prediction, metrics=NULL_METRICS).items():
            found = [{"metric": name, "value": value} for name, value in _mean(metric, daily).items()]
            records += [{"variant": f"{mask} {row['learner']} | null", **record} for record in found]
    return RowResult(records)


def _mean(metric: str, daily: np.ndarray) -> dict[str, float]:
    known = daily[np.isfinite(daily)]
    mean, half = float(known.mean()), NormalDist().inv_cdf(0.975) * newey_west_error(known)
    covers = float(mean - half <= 0 <= mean + half)
    return {metric: mean, f"{metric}.low": mean - half, f"{metric}.high": mean + half, f"{metric}: covers 0": covers}


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """What each of the three switches does on one market; or how many null markets cover zero."""
    if "world" in rows[0][0]:
        return RowResult(effect_records([(row, result.records) for row, result in rows]))
    return RowResult(coverage_records([result.records for _, result in rows]))


def by_market(row: Config) -> str:
    return f"market {row['seed']}" if "world" in row else str(row["variant"])


def agreement(row: Config) -> Agreement:
    return TRAINED if row.get("learner") in TRAINED_LEARNERS else EXACT
