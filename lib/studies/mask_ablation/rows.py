"""Rows of the ablation on the simulated market, for studies that look at them from another side.

They are run through `run_study`, so a row that the ablation has computed is read from the cache and not computed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from lib.evaluation.conditions import condition_name
from lib.evaluation.simulated import (
    FACTOR_SETS,
    LIMIT_RATES,
    MARKET_PARAMETERS,
    REFIT_EVERY,
    RIDGE_SAMPLES,
    SIZE,
    SIZES,
)
from lib.paper.results.study import Config, Settings, Study
from lib.parameters import Parameter
from lib.studies import run_study

if TYPE_CHECKING:
    from lib.paper.results.runner import StudyResult

LEARNERS = ("ridge", "lightgbm", "mlp")
#: parameters that a study of these rows takes over from the ablation
SHARED: dict[str, Parameter] = {
    **SIZE,
    **MARKET_PARAMETERS,
    "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
    "limit_rates": Parameter(list, list(LIMIT_RATES), choices=LIMIT_RATES, help="how often limits bind"),
    "learners": Parameter(list, ["ridge"], choices=LEARNERS, help="which learners to run"),
    "refit_every": REFIT_EVERY,
    "samples": Parameter(int, 200, low=20, high=5000, help="resampled paths behind an interval of one market"),
    "ridge_samples": RIDGE_SAMPLES,
}
#: their values by scale, equal to the ablation's
SHARED_SCALES: dict[str, dict[str, Any]] = {
    "smoke": {**SIZES["smoke"], "limit_rates": ["paper"], "samples": 40, "ridge_samples": 40, "seeds": 1},
    "laptop": {**SIZES["laptop"], "seeds": 2},
    "paper": {**SIZES["paper"], "factors": "all", "ridge_samples": 0, "seeds": 20},
}


def shared_grid(settings: Settings) -> Iterator[Config]:
    """One row per market seed, rate of limits and learner."""
    for seed in settings["seeds"]:
        for limits in settings["limit_rates"]:
            for learner in settings["learners"]:
                condition = condition_name(limits, "zscore", None)
                row = {"variant": f"{learner} | {condition}", "seed": seed, "limits": limits, "learner": learner}
                yield row | {"condition": condition}


#: a study whose rows look at rows of the ablation
study_of_rows = partial(
    Study,
    grid=shared_grid,
    parameters=SHARED,
    scales=SHARED_SCALES,
    grid_only=("limit_rates", "learners"),
    group=lambda row: f"{row['seed']} {row['limits']}",
    setting="different",
)


def ablation(seed: int, limits: str, learner: str, masks: Sequence[str], settings: Settings) -> StudyResult:
    """The ablation's rows of some variants on one market, for one learner."""
    taken = ("n_stocks", "n_days", "first_test_year", *MARKET_PARAMETERS, "factors", "refit_every", "samples",
             "ridge_samples")  # fmt: skip
    return run_study(
        "mask_ablation", seeds=[seed], jobs=1, progress=False,
        limit_rates=[limits], learners=[learner], variants=list(masks), trained_variants=list(masks),
        lightgbm_seeds=1, mlp_seeds=1, rank_seeds=0, large_seeds=0, alpha_seeds=0,
        **{name: settings[name] for name in taken},
    )  # fmt: skip
