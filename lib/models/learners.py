"""Learners by name: learner(data, seed, **options) returns a function that fits on the days before its argument,
train_stop, and returns a function from features to predictions.

Adding one means adding a function and a line in `LEARNERS`. Between the fits of a walk a learner may keep what it has
read of the days before the last train_stop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from lib.errors import ParameterError, UnknownNameError, closest
from lib.marks import registry, used
from lib.models.dataset import Dataset
from lib.models.normal_equations import NormalEquations
from lib.models.splits import holdout

Predictor = Callable[[np.ndarray], np.ndarray]
Fit = Callable[[int], Predictor]
Learner = Callable[..., Fit]

#: ridge penalty per sample: shrinks a standardised factor's coefficient by one per cent
RIDGE_PENALTY = 0.01
#: share of the training days held out for early stopping (paper B)
HOLDOUT_SHARE = 0.1
#: of LightGBM; deterministic, whatever the machine's number of cores. 63 bins, found from a sample of the rows that are
#: fitted, and a fifth of the factors a tree are chosen for time: half that of 255 bins and half of the factors, with
#: ICs on one made-up market that differ by a few per cent either way
TREES = {
    "objective": "regression", "learning_rate": 0.05, "num_leaves": 31, "feature_fraction": 0.2,
    "bagging_fraction": 0.5, "bagging_freq": 1, "max_bin": 63, "bin_construct_sample_cnt": 20_000,
    "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbosity": -1,
}  # fmt: skip
#: trees without a better validation loss before LightGBM stops
PATIENCE = 20


def ridge(data: Dataset, seed: int) -> Fit:
    """Ridge regression; deterministic, the seed is not used. A later fit reads the days since the last one only."""
    sums = NormalEquations(data)

    def fit(train_stop: int) -> Predictor:
        gram, moment, count = sums.until(train_stop)
        if not count:
            raise ParameterError(f"ridge needs samples: got none in the first {train_stop} days; take more")
        # no intercept: factors are z-scores and labels are centred, both per day
        slope = np.linalg.solve(gram + RIDGE_PENALTY * count * np.eye(len(gram)), moment)
        # row by row: a matrix product may round a row otherwise when the number of rows, and so of later days, changes
        return lambda rows: np.einsum("rf,f->r", rows.astype(np.float64), slope)

    return fit


def mlp(data: Dataset, seed: int, *, epochs: int = 60) -> Fit:
    """The paper's MLP, at most `epochs` long, stopped early on the last tenth of the training days."""
    from lib.models.networks import MLP
    from lib.models.training import Protocol, initialised, predict, train

    def fit(train_stop: int) -> Predictor:
        fit_stop, validation_start = holdout(train_stop, HOLDOUT_SHARE)
        network = initialised(MLP, data.features.shape[1], seed)
        sample, held_out = data.training(0, fit_stop), data.training(validation_start, train_stop)
        return partial(predict, train(network, sample, held_out, seed=seed, protocol=Protocol(epochs=epochs)))

    return fit


def boosted_trees(data: Dataset, seed: int, *, rounds: int = 300) -> Fit:
    """LightGBM, at most `rounds` trees, stopped early on the last tenth of the training days; one thread, seeded.

    The papers name the library and no setting. Small learning rate, large leaves, a fifth of the factors and half of
    the rows a tree: a day's labels are nearly all noise, and with the library's own defaults the trees fit that. The
    fit raises ParameterError when there is nothing to fit or to stop on.
    """
    return partial(_boosted, data, seed, rounds)


def _boosted(data: Dataset, seed: int, rounds: int, train_stop: int) -> Predictor:
    import lightgbm

    fit_stop, validation_start = holdout(train_stop, HOLDOUT_SHARE)
    fit, validation = data.training(0, fit_stop), data.training(validation_start, train_stop)
    if not len(fit[1]) or not len(validation[1]):
        got = f"got {len(fit[1])} to fit and {len(validation[1])} to validate"
        raise ParameterError(f"LightGBM needs samples: {got}; take more days or stocks")
    scale = float(np.std(fit[1])) or 1.0  # losses of squared daily returns would drown in the report's last digits
    settings = {**TREES, "min_data_in_leaf": max(20, len(fit[1]) // 200), "seed": seed}
    sample = lightgbm.Dataset(fit[0], fit[1] / scale, params=settings)  # bins come from the rows that are fitted
    held_out = sample.create_valid(validation[0], validation[1] / scale, params=settings)
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    model = lightgbm.train(settings, sample, rounds, valid_sets=[held_out], callbacks=[stop])
    return lambda rows: scale * np.asarray(model.predict(rows, num_threads=1)) if len(rows) else np.zeros(0)


LEARNERS: dict[str, Learner] = registry("learners", {"ridge": ridge, "lightgbm": boosted_trees, "mlp": mlp})
#: learners fitted in many small steps: another processor rounds otherwise and ends with slightly other weights
TRAINED = frozenset({"lightgbm", "mlp"})


def find_learner(name: str) -> Learner:
    """The learner of that name. Raises UnknownNameError."""
    if name not in LEARNERS:
        known = ", ".join(LEARNERS)
        raise UnknownNameError(f"learner {name!r} does not exist; expected {known}{closest(name, LEARNERS)}")
    used("learners", [name])
    return LEARNERS[name]
