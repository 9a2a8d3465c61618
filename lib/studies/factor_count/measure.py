"""Predictions and books from more and more factors, on simulated markets.

The nested sets are those of the papers' table (B, s4.3.5): each adds one or two families to the one before. A random
set of the same size answers whether the choice of families matters or only their number; the random sets of a market
are nested too, the first n of one permutation of the 213. Everything else is the same: cells, days, refits, stopping.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lib.evaluation.arms import arm_dataset, compared, scored_arm
from lib.evaluation.simulated import market, market_settings
from lib.factors import factor_names
from lib.market import Market
from lib.models.learners import TRAINED as TRAINED_LEARNERS
from lib.models.walk import walk_predictions
from lib.paper.results.agreement import SIMULATED, TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.stats.keys import Key

#: factors -> the families that a set of this size adds to the one before
COUNTS = {
    9: ("alpha",), 58: ("better", "best"), 108: ("old",), 144: ("stock", "extra"), 179: ("add", "change"),
    213: ("original", "cs_rank"),
}  # fmt: skip
#: name -> whether a reversal works only in stocks whose volatility is below the day's median
WORLDS = {"linear": False, "interaction": True}
SETS = ("families", "random")
LEARNERS = ("ridge", "mlp")
#: rates of limit closes, as measured on members of the CSI 300
LIMIT_RATES = "real"
LEVEL = Key("{sets} {count} {learner} | {world}", sets=SETS, learner=LEARNERS, world=WORLDS)
#: a set of families minus a smaller one
STEP = Key("families {count} - families {fewer}, {learner} | {world}", learner=LEARNERS, world=WORLDS)
#: a set of families minus a random one of the same size
CHOICE = Key("families {count} - random {same}, {learner} | {world}", learner=LEARNERS, world=WORLDS)


def factor_set(sets: str, count: int, seed: int) -> tuple[str, ...]:
    """Names of a set, in the papers' order; seed: of the market, for the random ones.

    >>> [len(factor_set("families", count, 0)) for count in COUNTS]
    [9, 58, 108, 144, 179, 213]
    """
    names = factor_names()
    if sets == "random":
        chosen = set(np.random.default_rng([count_of_all(), seed]).permutation(len(names))[:count].tolist())
        return tuple(name for place, name in enumerate(names) if place in chosen)
    families = {family for size, added in COUNTS.items() if size <= count for family in added}
    return tuple(name for name in names if name.rpartition("_")[0] in families)


def count_of_all() -> int:
    return max(COUNTS)


def grid(settings: Settings) -> Iterator[Config]:
    """Both kinds of sets of every size, the same set for one learner after the other; all 213 stand once."""
    for seed in settings["seeds"]:
        for world in settings["worlds"]:
            for count in settings["counts"]:
                for sets in SETS[: 1 if count == count_of_all() else 2]:
                    yield from _learned(sets, count, seed, world, settings)


def _learned(sets: str, count: int, seed: int, world: str, settings: Settings) -> Iterator[Config]:
    row = {"seed": seed, "world": world, "sets": sets, "count": count}
    for learner in LEARNERS:
        name = LEVEL.name(sets=sets, count=count, learner=learner, world=world)
        if learner == "ridge":
            yield {"variant": name, "learner": learner, **row}
        elif seed in settings["seeds"][: settings["mlp_seeds"]]:
            yield {"variant": name, "learner": learner, "epochs": settings["epochs"], **row}


def compute(row: Config, settings: Settings) -> RowResult:
    world = _market(row, settings)
    data = arm_dataset(world, factor_set(row["sets"], row["count"], row["seed"]))
    prediction = walk_predictions(
        data, world.panel.dates, learner=row["learner"], first_test_year=settings["first_test_year"], seed=row["seed"],
        **{name: row[name] for name in ("epochs",) if name in row},
    )  # fmt: skip
    return scored_arm(world, prediction, name=row["variant"], seed=row["seed"])


def _market(row: Config, settings: Settings) -> Market:
    config = {"interaction": True} if WORLDS[row["world"]] else {}
    return market(
        settings["n_stocks"], settings["n_days"], row["seed"], LIMIT_RATES, **config, **market_settings(settings)
    )


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """On one market: each set of families against the next smaller one, the largest against the smallest, and each
    against the random set of its size."""
    first = rows[0][0]
    place = {"learner": first["learner"], "world": first["world"]}
    found = {(row["sets"], row["count"]): result for row, result in rows}
    counts = sorted(count for sets, count in found if sets == "families")
    gaps = list(zip(counts[1:], counts[:-1], strict=True))
    if len(counts) > 2:
        gaps.append((counts[-1], counts[0]))
    pairs = [
        (STEP.name(count=more, fewer=fewer, **place), ("families", more), ("families", fewer)) for more, fewer in gaps
    ]
    pairs += [
        (CHOICE.name(count=count, same=count, **place), ("families", count), ("random", count))
        for count in counts if ("random", count) in found
    ]  # fmt: skip
    world = _market(first, settings)
    records = [
        record
        for name, left, right in pairs
        for record in compared(world, found[left], found[right], name=name, seed=first["seed"])
    ]
    return RowResult(records)


def by_learner_and_market(row: Config) -> str:
    return f"{row['world']} {row['learner']} {row['seed']}"


def agreement(row: Config) -> Agreement:
    return TRAINED if row["learner"] in TRAINED_LEARNERS else SIMULATED
