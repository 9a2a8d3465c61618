"""Controls of the ablation: what phantom alpha needs, and what an honest pipeline finds in a market without any.

Eight markets of the same random draws: spill on or off (a move cut off by a limit arrives at the next open, or is
lost), something planted or nothing, limits seldom or often. If phantom alpha comes from the spill, it is there when
nothing at all can be earned, and gone when the spill is, however much is planted.

The null market plants nothing and spills nothing: whatever a variant finds there, it invents. It is kept small, because
its question needs many markets and no large ones: 60 stocks, 520 days, the last year tested, 8 factors of as many
families. A market counts when the 95 % interval of the mean IC (Newey-West) covers zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lib.evaluation.predictions import evaluate, on_panel, ordered, row_rng
from lib.evaluation.scoring import daily_ics
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
from lib.paper.results.agreement import SIMULATED, TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.stats import newey_west_error, normal_interval
from lib.stats.keys import Key
from lib.store.rows import Record, records

LEARNERS = ("ridge", "lightgbm", "mlp")
#: a model without a mask, rows deleted, windows masked
MASKS = ("none", "row_deletion", "mask_skip")
#: switch -> its two states, in words; a difference is the first minus the second
SWITCHES: Mapping[str, tuple[tuple[Any, str], tuple[Any, str]]] = {
    "spill": ((True, "spill"), (False, "no spill")),
    "planted": ((True, "alpha"), (False, "nothing planted")),
    "limits": (("paper", "limits often"), ("real", "limits seldom")),
}
MEASURES = ("apparent_ic", "m1_ic", "truth_ic", "unfilled_ic", "naive_close.active_sharpe",
            "executed_close.active_sharpe", "executed_open.active_sharpe_gross", "executed_open.active_sharpe",
            "executed_open.turnover", "naive_close.sharpe", "executed_open.sharpe", "phantom_close",
            "phantom_close.limit_up_buys")  # fmt: skip
#: variants: a mask in one of the eight markets, what a switch does, a mask in the null market
LEVEL = Key("{mask} ridge | {market}", mask=MASKS)
EFFECT = Key("{switch}, {mask} ridge | effects", mask=MASKS)
NULL = Key("{mask} {learner} | null", learner=LEARNERS)
#: nothing planted: neither the signals nor the reversal, so that no prediction can be right
NOTHING = {"alpha": 0.0, "reversal": 0.0}
#: one factor of every kind of window, for the null market
NULL_FACTORS = ("alpha_001", "alpha_101", "better_001", "best_006", "old_029", "stock_006", "add_022", "change_002")
NULL_SIZE = {"n_stocks": 60, "n_days": 520, "first_test_year": 2011}
NULL_METRICS = ("apparent_ic", "m1_ic")


Records = Iterable[Mapping[str, Any]]


def grid(settings: Settings) -> Iterator[Config]:
    """Eight worlds of every market, then the null markets."""
    for seed in settings["seeds"]:
        for limits in LIMIT_RATES:
            for spill in (True, False):
                for planted in (True, False):
                    world = {"limits": limits, "spill": spill, "planted": planted}
                    name = world_name(limits, spill, planted)
                    for mask in MASKS:
                        variant = LEVEL.name(mask=mask, market=name)
                        yield {"variant": variant, "seed": seed, "world": name, "mask": mask} | world
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
    found: list[Record] = []
    for mask in ordered(None):
        variant, panel = VARIANTS[mask], world.panel
        prediction = walk_predictions(
            variant_dataset(panel, variant, features(panel, variant.features, NULL_FACTORS)), panel.dates,
            learner=row["learner"], first_test_year=NULL_SIZE["first_test_year"], seed=row["seed"],
        )  # fmt: skip
        for metric, daily in daily_ics(panel, prediction, metrics=NULL_METRICS).items():
            found += records(_mean(metric, daily), variant=NULL.name(mask=mask, learner=row["learner"]))
    return RowResult(found)


def _mean(metric: str, daily: np.ndarray) -> dict[str, float]:
    known = daily[np.isfinite(daily)]
    found = normal_interval(float(known.mean()), newey_west_error(known))
    return found.columns(metric) | {f"{metric}: covers 0": float(found.low <= 0 <= found.high)}


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """What each of the three switches does on one market; or how many null markets cover zero."""
    if "world" in rows[0][0]:
        return RowResult(effect_records([(row, result.records) for row, result in rows]))
    return RowResult(coverage_records([result.records for _, result in rows]))


def by_market(row: Config) -> str:
    return f"market {row['seed']}" if "world" in row else str(row["variant"])


def agreement(row: Config) -> Agreement:
    return TRAINED if row.get("learner") in TRAINED_LEARNERS else SIMULATED


# --------------------------------------------------------------------------------- several rows at once


def world_name(limits: str, spill: bool, planted: bool) -> str:
    """A market in words.

    >>> world_name("paper", True, False)
    'limits often, spill, nothing planted'
    """
    states = {"limits": limits, "spill": spill, "planted": planted}
    return ", ".join(dict(SWITCHES[switch])[states[switch]] for switch in ("limits", "spill", "planted"))


def effect_records(rows: Sequence[tuple[Mapping[str, Any], Records]]) -> list[dict[str, Any]]:
    """On one market: each measure with a switch on minus off, all else equal, and its mean over the other switches."""
    numbers = {}
    for row, own in rows:
        levels = {item["metric"]: item["value"] for item in own}
        numbers[row["mask"], row["limits"], row["spill"], row["planted"]] = levels
    found: list[dict[str, Any]] = []
    for switch, ((on, word), (off, other)) in SWITCHES.items():
        place = {"limits": 1, "spill": 2, "planted": 3}[switch]
        for mask in MASKS:
            states = [key for key in numbers if key[0] == mask and key[place] == on]
            pairs = [(key, (*key[:place], off, *key[place + 1 :])) for key in states]
            gaps = [_gap(numbers[a], numbers[b]) for a, b in pairs if b in numbers]
            for metric in MEASURES:
                values = [gap[metric] for gap in gaps if metric in gap]
                if values:
                    name = EFFECT.name(switch=f"{word} - {other}", mask=mask)
                    found += records({metric: float(np.mean(values))}, variant=name)
    return found


def _gap(a: Mapping[str, float], b: Mapping[str, float]) -> dict[str, float]:
    return {metric: a[metric] - b[metric] for metric in MEASURES if metric in a and metric in b}


def coverage_records(rows: Iterable[Records]) -> list[dict[str, Any]]:
    """Share of null markets whose interval covers zero, by variant and metric."""
    hits: dict[tuple[str, str], list[float]] = {}
    for own in rows:
        for item in own:
            if str(item["metric"]).endswith(": covers 0"):
                hits.setdefault((item["variant"], item["metric"]), []).append(item["value"])
    return [
        {"variant": f"{variant} markets", "metric": metric, "value": float(np.mean(values)), "n": len(values)}
        for (variant, metric), values in hits.items()
    ]
