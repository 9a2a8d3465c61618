"""Every learner that the papers compare, by name: one line each, with the samples that it reads.

    entry = find_baseline("lasso")
    prediction = walked(data, entry.fit(data, seed=0), splits)

The three of `lib.models.learners` are here too, with the settings that a search found for them. The others stand here
with the settings of the nearest of the three, or with what somebody would take without a search; what a search found
for them since is in `lib.models.settings`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from lib.errors import UnknownNameError, closest
from lib.models.architectures import SETTINGS
from lib.models.arima import arima
from lib.models.deep import deep
from lib.models.ensembles import ensemble
from lib.models.factor_model import fama_macbeth
from lib.models.fits import Fit, boosted_trees, mlp, ridge
from lib.models.fitted import on_sample, with_permutation, with_slopes
from lib.models.learners import NETWORK, RIDGE_PENALTIES, TREES
from lib.models.linear import lasso
from lib.models.rules import rules
from lib.models.support_vectors import svm
from lib.models.trees import forest, gradient_boosting, lightgbm_with, xgboost
from lib.store.marks import registry, used

#: factors: as given. labels, dummies: with the industry as one column of codes, or as a column each. days: the last
#: sessions of the factors. rules, betas, returns: `lib.models.rules`, `factor_model`, and windows for `arima`
SAMPLES = ("factors", "labels", "dummies", "days", "rules", "betas", "returns")
#: samples of a network that takes minutes, and of what is compared with it
ROWS = 20_000
#: LightGBM's, as far as other libraries have them
BOOSTED: Mapping[str, Any] = {name: TREES[name] for name in ("learning_rate", "min_data_share", "lambda_l2")}
#: epochs of a network on so few samples, as in the search for its settings
EPOCHS = 6


@dataclass(frozen=True)
class Baseline:
    """A learner, fit(data, seed, **options), of some `SAMPLES`; network: its name in `NETWORKS`, if it is one.

    seeded: whether its predictions depend on the seed.
    """

    fit: Callable[..., Fit]
    samples: str = "factors"
    network: str = ""
    seeded: bool = True


def network(name: str, samples: str = "factors", rows: int | None = None, **settings: Any) -> Baseline:
    """A network of `lib.models.architectures`, fitted on at most `rows` samples."""
    own = partial(deep, network=name, **settings)
    return Baseline(own if rows is None else partial(on_sample, learner=own, rows=rows), samples, name)


def on_few(name: str, samples: str = "factors") -> Baseline:
    """A network on `ROWS` samples, with the settings that the study `network_tuning` found for so many."""
    return network(name, samples, ROWS, epochs=EPOCHS, **SETTINGS[name])


BASELINES: dict[str, Baseline] = registry("baselines", {
    "ridge": Baseline(partial(with_slopes, learner=ridge, penalties=RIDGE_PENALTIES), seeded=False),
    "lasso": Baseline(lasso, seeded=False),
    "svm": Baseline(partial(on_sample, learner=svm, rows=2_000)),
    "random_forest": Baseline(partial(forest, kind="forest")),
    "extra_trees": Baseline(partial(forest, kind="extra_trees")),
    "gradient_boosting": Baseline(partial(gradient_boosting, num_leaves=TREES["num_leaves"], **BOOSTED)),
    "xgboost": Baseline(partial(xgboost, **BOOSTED)),
    "lightgbm": Baseline(partial(lightgbm_with, **TREES)),
    "lightgbm_goss": Baseline(partial(lightgbm_with, sampling="goss", **TREES)),
    "lightgbm_labels": Baseline(partial(lightgbm_with, categories=(-1,), **TREES), "labels"),
    "lightgbm_dummies": Baseline(partial(lightgbm_with, **TREES), "dummies"),
    "lightgbm_unbundled": Baseline(partial(lightgbm_with, bundle=False, **TREES), "dummies"),
    "lightgbm_few": Baseline(partial(on_sample, learner=partial(lightgbm_with, **TREES), rows=ROWS)),
    "mlp": Baseline(partial(with_permutation, learner=mlp, **NETWORK)),
    "mlp_few": Baseline(partial(on_sample, learner=partial(mlp, **NETWORK), rows=ROWS)),
    "residual_network": network("residual", **NETWORK),
    "transformer": on_few("factor_transformer"),
    "time_transformer": on_few("time_transformer", "days"),
    "lstm": on_few("lstm", "days"),
    "gru": on_few("gru", "days"),
    "mean_of_three": Baseline(partial(ensemble, members=(
        partial(ridge, penalties=RIDGE_PENALTIES), partial(boosted_trees, **TREES), partial(mlp, **NETWORK),
    ))),
    "textbook_rules": Baseline(rules, "rules", seeded=False),
    "fitted_rules": Baseline(partial(rules, signs="fitted"), "rules", seeded=False),
    "arima": Baseline(arima, "returns"),
    "fama_macbeth": Baseline(fama_macbeth, "betas", seeded=False),
})  # fmt: skip


def find_baseline(name: str) -> Baseline:
    """The entry of that name. Raises UnknownNameError."""
    if name not in BASELINES:
        known = ", ".join(BASELINES)
        raise UnknownNameError(f"learner {name!r} does not exist; expected {known}{closest(name, BASELINES)}")
    used("baselines", [name])
    return BASELINES[name]
