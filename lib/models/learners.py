"""Learners by name: learner(data, train_stop, seed, **options) fits on the days before train_stop and returns a
function from features to predictions.

Adding one means adding a function and a line in `LEARNERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from lib.errors import ParameterError, UnknownNameError, closest
from lib.models.dataset import Dataset
from lib.models.splits import holdout

Predictor = Callable[[np.ndarray], np.ndarray]
Learner = Callable[..., Predictor]

#: ridge penalty per sample: shrinks a standardised factor's coefficient by one per cent
RIDGE_PENALTY = 0.01
#: share of the training days held out for early stopping (paper B)
HOLDOUT_SHARE = 0.1
#: of LightGBM; deterministic, whatever the machine's number of cores
TREES = {
    "objective": "regression", "learning_rate": 0.05, "num_leaves": 31, "feature_fraction": 0.5,
    "bagging_fraction": 0.5, "bagging_freq": 1, "deterministic": True, "force_row_wise": True, "num_threads": 1,
    "verbosity": -1,
}  # fmt: skip
#: trees without a better validation loss before LightGBM stops
PATIENCE = 20


def ridge(data: Dataset, train_stop: int, seed: int) -> Predictor:
    """Ridge regression; deterministic, the seed is not used."""
    from sklearn.linear_model import Ridge

    features, label = data.training(0, train_stop)
    # no intercept: factors are z-scores and labels are centred, both per day
    model = Ridge(alpha=RIDGE_PENALTY * len(label), solver="cholesky", fit_intercept=False)
    model.fit(features.astype(np.float64), label)
    # row by row: a matrix product may round a row differently when the number of rows, and so of later days, changes
    return lambda rows: np.einsum("rf,f->r", rows.astype(np.float64), model.coef_)


def mlp(data: Dataset, train_stop: int, seed: int, *, epochs: int = 60) -> Predictor:
    """The paper's MLP, at most `epochs` long, stopped early on the last tenth of the training days."""
    from lib.models.networks import MLP
    from lib.models.training import Protocol, initialised, predict, train

    fit_stop, validation_start = holdout(train_stop, HOLDOUT_SHARE)
    network = initialised(MLP, data.features.shape[1], seed)
    fit, validation = data.training(0, fit_stop), data.training(validation_start, train_stop)
    return partial(predict, train(network, fit, validation, seed=seed, protocol=Protocol(epochs=epochs)))


def boosted_trees(data: Dataset, train_stop: int, seed: int, *, rounds: int = 300) -> Predictor:
    """LightGBM, at most `rounds` trees, stopped early on the last tenth of the training days; one thread, seeded.

    The papers name the library and no setting. Small learning rate, large leaves and half of the factors and rows a
    tree: a day's labels are nearly all noise, and with the library's own defaults the trees fit that. Raises
    ParameterError when there is nothing to fit or to stop on.
    """
    import lightgbm

    fit_stop, validation_start = holdout(train_stop, HOLDOUT_SHARE)
    fit, validation = data.training(0, fit_stop), data.training(validation_start, train_stop)
    if not len(fit[1]) or not len(validation[1]):
        got = f"got {len(fit[1])} to fit and {len(validation[1])} to validate"
        raise ParameterError(f"LightGBM needs samples: {got}; take more days or stocks")
    scale = float(np.std(fit[1])) or 1.0  # losses of squared daily returns would drown in the report's last digits
    sample = lightgbm.Dataset(fit[0], fit[1] / scale)
    held_out = sample.create_valid(validation[0], validation[1] / scale)
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    settings = {**TREES, "min_data_in_leaf": max(20, len(fit[1]) // 200), "seed": seed}
    model = lightgbm.train(settings, sample, rounds, valid_sets=[held_out], callbacks=[stop])
    return lambda rows: scale * np.asarray(model.predict(rows, num_threads=1)) if len(rows) else np.zeros(0)


LEARNERS: dict[str, Learner] = {"ridge": ridge, "lightgbm": boosted_trees, "mlp": mlp}
#: learners fitted in many small steps: another processor rounds otherwise and ends with slightly other weights
TRAINED = frozenset({"lightgbm", "mlp"})


def find_learner(name: str) -> Learner:
    """The learner of that name. Raises UnknownNameError."""
    if name not in LEARNERS:
        known = ", ".join(LEARNERS)
        raise UnknownNameError(f"learner {name!r} does not exist; expected {known}{closest(name, LEARNERS)}")
    return LEARNERS[name]
