"""The mask ablation on simulated markets, where the truth is known.

Every variant, three learners, two rates of limit closes. As on real prices a variant differs from its neighbours in
one thing: features, labels or universe (see `lib.evaluation.variants`). New here: many markets, so that differences are
paired over markets; predictions are also held against what could be earned; and limits bind either as often as among
CSI 300 members or as often as the papers say.

Every learner is fitted anew in the same years (`refit_every`), so that learners can be compared with each other too.

The market's alpha is a choice, and Sharpe ratios grow with it: ridge is also run on markets with less of it, and what
is said in Sharpe units holds for its own alpha only.

Two sets of factors. core, 39 of them, takes a third of the time and keeps every family: the default of quick runs. all,
the papers' 213, is the default of recorded ones, because the papers' own variant keeps a cell only where all are valid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lib.evaluation.conditions import condition_name
from lib.evaluation.contrasts import difference
from lib.evaluation.predictions import evaluate, on_panel, ordered, pairs, row_rng
from lib.evaluation.simulated import (
    SIZES,
    features,
    level_differences,
    market,
    market_settings,
    truth_difference,
    with_truth,
)
from lib.evaluation.variants import CONTRASTS, VARIANTS
from lib.models.learners import TRAINED as TRAINED_LEARNERS
from lib.paper.results.agreement import SIMULATED, TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.parameters import Parameter
from lib.store.rows import Record

#: variants of the slow learners where time is short, and those that tell labels, universe and windows apart
SHORT = ("none", "row_deletion", "mask_skip")
TOLD_APART = ("none", "labels_only", "universe_only", "row_deletion", "mask_skip", "mask_paper")
#: variants on markets of less alpha
FEW = ("none", "row_deletion", "mask_skip", "mask_paper")
#: differences whose interval comes from other markets only
LEVELS = ("phantom_close",)


def grid(settings: Settings) -> Iterator[Config]:
    """Ridge on every market; other learners, ranked features, large markets and less alpha on the first few seeds."""
    base = {"standardise": "zscore", "n_stocks": settings["n_stocks"], "factors": settings["factors"],
            "refit_every": settings["refit_every"]}  # fmt: skip
    large = base | {"n_stocks": settings["large_stocks"], "factors": "core"}
    boosted, mlp = base | {"rounds": settings["rounds"]}, base | {"epochs": settings["epochs"]}
    weaker = [base | {"alpha": alpha} for alpha in settings["alphas"] if alpha != settings["alpha"]]
    parts: tuple[tuple[str, int, str, Config], ...] = (
        ("ridge", len(settings["seeds"]), "variants", base),
        ("ridge", settings["rank_seeds"], "variants", base | {"standardise": "rank"}),
        ("lightgbm", settings["lightgbm_seeds"], "trained_variants", boosted),
        ("mlp", settings["mlp_seeds"], "trained_variants", mlp),
        ("ridge", settings["large_seeds"], "variants", large),
        *(("ridge", settings["alpha_seeds"], "alpha_variants", row) for row in weaker),
    )
    for learner, count, which, row in parts:
        for seed in settings["seeds"][:count] if learner in settings["learners"] else ():
            for limits in settings["limit_rates"]:
                yield from (_row(mask, learner, seed, limits, row, settings) for mask in ordered(settings[which]))


def _row(mask: str, learner: str, seed: int, limits: str, row: Config, settings: Settings) -> Config:
    large = row["n_stocks"] if row["n_stocks"] != settings["n_stocks"] else None
    condition = condition_name(limits, row["standardise"], large, row.get("alpha"))
    head = {"variant": f"{mask} {learner} | {condition}", "seed": seed, "mask": mask, "learner": learner}
    return head | {"condition": condition, "limits": limits} | row


def group(row: Config) -> str:
    world = f"{row['seed']} {row['limits']} {row.get('alpha', '')} {row['n_stocks']}"
    return f"{world} {VARIANTS[row['mask']].features} {row['standardise']}"


def _market(row: Config, settings: Settings) -> Any:
    config = market_settings(settings) | ({"alpha": row["alpha"]} if "alpha" in row else {})
    return market(row["n_stocks"], settings["n_days"], row["seed"], row["limits"], **config)


def compute(row: Config, settings: Settings) -> RowResult:
    world = _market(row, settings)
    kind, options = VARIANTS[row["mask"]].features, {"first_test_year": settings["first_test_year"]}
    found = evaluate(
        world.panel,
        row["mask"],
        features(world.panel, kind, row["factors"], row["standardise"]),
        name=row["variant"],
        seed=row["seed"],
        samples=_samples(row, settings),
        learner=row["learner"],
        **options,
        **{name: row[name] for name in ("refit_every", "rounds", "epochs") if name in row},
    )
    rng = row_rng(f"{row['variant']} truth", row["seed"])
    return with_truth(world, on_panel(world.panel, found.arrays), found, rng, _samples(row, settings))


def _samples(row: Config, settings: Settings) -> int:
    """Ridge comes back to the last digits; a trained learner is verified on the scale of its own intervals."""
    return int(settings["samples" if row["learner"] in TRAINED_LEARNERS else "ridge_samples"])


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """Paired differences between the variants of one learner on one market."""
    first, world = rows[0][0], _market(rows[0][0], settings)
    sides = {row["mask"]: result for row, result in rows}
    records: list[Record] = []
    for left, right in pairs(sides, CONTRASTS):
        name = f"{left} - {right} {first['learner']} | {first['condition']}"
        found = _difference(world, sides[left], sides[right], name, first["seed"], _samples(first, settings))
        records += [{"variant": name, **record} for record in found]
    return RowResult(records)


def _difference(world: Any, left: RowResult, right: RowResult, name: str, seed: int, samples: int) -> list[Record]:
    rng, panel = row_rng(name, seed), world.panel
    a, b = on_panel(panel, left.arrays), on_panel(panel, right.arrays)
    records = difference(panel, (a, left.arrays), (b, right.arrays), rng, samples)
    records += truth_difference(world, a, b, rng, samples)
    levels = [{item["metric"]: item["value"] for item in side.records} for side in (left, right)]
    return records + level_differences(levels[0], levels[1], LEVELS)


def by_learner_and_market(row: Config) -> str:
    return f"{row['condition']} {row['learner']} {row['seed']}"


def agreement(row: Config) -> Agreement:
    return TRAINED if row["learner"] in TRAINED_LEARNERS else SIMULATED


def count(default: int, what: str) -> Parameter:
    return Parameter(int, default, low=0, high=1000, help=f"markets of {what}: the first so many seeds")


SCALES: dict[str, dict[str, Any]] = {
    "smoke": {**SIZES["smoke"], "variants": ["none", "halt_only", "row_deletion", "mask_skip", "mask_paper"],
              "lightgbm_seeds": 1, "mlp_seeds": 1, "limit_rates": ["paper"], "rounds": 20, "epochs": 2, "samples": 40,
              "ridge_samples": 40, "alphas": [0.02], "alpha_seeds": 1, "alpha_variants": ["none", "mask_skip"],
              "seeds": 1},
    "laptop": {**SIZES["laptop"], "seeds": 2},
    "paper": {**SIZES["paper"], "factors": "all", "trained_variants": list(TOLD_APART), "lightgbm_seeds": 10,
              "mlp_seeds": 5, "rank_seeds": 10, "large_seeds": 5, "alpha_seeds": 20, "ridge_samples": 0, "seeds": 20},
}  # fmt: skip

#: parameters that choose rows; what they mean for a row is in the row
CHOICES = ("n_stocks", "factors", "limit_rates", "learners", "variants", "trained_variants", "lightgbm_seeds",
           "mlp_seeds", "rank_seeds", "large_seeds", "large_stocks", "alphas", "alpha_seeds", "alpha_variants",
           "refit_every", "rounds", "epochs")  # fmt: skip
