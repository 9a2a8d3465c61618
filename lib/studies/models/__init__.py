"""Does it matter which model turns factors into predictions: a line, trees, a network, a Transformer, rules?

Every learner has the same cells, labels, refits, stopping and book, on markets whose alpha is linear and on markets
with an interaction that no line can see; and, where a price file is given, in the papers' two windows.
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.scoring import SAMPLES
from lib.evaluation.simulated import FACTOR_SETS, LIMIT_RATES, MARKET_PARAMETERS, REFIT_EVERY, SIZE
from lib.models.baselines import BASELINES
from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
from lib.stats.over_seeds import ENOUGH_SEEDS
from lib.studies.mask_ablation_real.measure import FIXED
from lib.studies.models.measure import WORLDS, agreement, by_market, compute, contrast, grid, group
from lib.studies.models.page import CLAIM_IDS, ORDER, answer_claims, findings, summary
from lib.studies.models.search import SEARCHED

#: minutes a fit
SLOW = ("transformer", "time_transformer", "lstm", "gru", "gradient_boosting", "random_forest", "residual_network")
QUICK = ["ridge", "lasso", "xgboost", "lightgbm", "mlp", "mean_of_three", "textbook_rules", "fama_macbeth"]

STUDY = Study(
    name="models",
    title="Which model",
    grid=grid,
    compute=compute,
    parameters={
        **FILE,
        **SIZE,
        **MARKET_PARAMETERS,
        "learners": Parameter(list, list(BASELINES), choices=tuple(BASELINES), help="which learners to run"),
        "slow": Parameter(list, list(SLOW), choices=tuple(BASELINES), help="those that run on the first markets only"),
        "slow_seeds": Parameter(int, ENOUGH_SEEDS, low=0, high=1000, help="markets of these; an interval needs 5"),
        "reference": Parameter(str, "ridge", choices=tuple(BASELINES), help="whom every learner is compared with"),
        "pairs": Parameter(list, [f"{a} - {b}" for a, b in ORDER], help="further comparisons, left - right"),
        "worlds": Parameter(list, list(WORLDS), choices=tuple(WORLDS), help="linear alpha, or an interaction"),
        "windows": Parameter(list, list(FIXED), choices=tuple(FIXED), help="of the price file"),
        "training_seeds": Parameter(int, 1, low=1, high=100, help="of each learner on the price file, averaged"),
        "searched": Parameter(list, [], choices=SEARCHED, help="learners whose settings are searched"),
        "search_markets": Parameter(int, 2, low=1, high=100, help="markets of the search, seeds from 1000"),
        "trials": Parameter(int, 20, low=1, high=200, help="of a searched learner; the first has its own settings"),
        "slow_trials": Parameter(int, 8, low=1, high=200, help="of one that is slow"),
        "refit_every": REFIT_EVERY,
        "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "limit_rates": Parameter(str, "real", choices=LIMIT_RATES, help="real: as in CSI 300; paper: as it states"),
        "samples": Parameter(int, SAMPLES, low=10, high=10000, help="resampled paths of an interval of the price file"),
    },
    scales={
        "smoke": {
            "n_stocks": 50, "n_days": 560, "first_test_year": 2011, "refit_every": 20, "samples": 20, "seeds": 1,
            "learners": ["ridge", "lasso", "lightgbm", "textbook_rules"], "worlds": ["interaction"],
        },
        "laptop": {"n_stocks": 120, "n_days": 1000, "refit_every": 20, "learners": QUICK, "seeds": 2},
        "paper": {"training_seeds": 5, "searched": list(SEARCHED), "seeds": 20},
    },
    grid_only=("learners", "slow", "slow_seeds", "reference", "pairs", "worlds", "windows", "training_seeds",
               "searched", "search_markets", "trials", "slow_trials"),
    group=group,
    inputs=lambda settings: [settings["data_path"]] if settings["data_path"] else [],
    setting="different",
    contrast=Contrast(contrast, by=by_market),
    agreement=agreement,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
