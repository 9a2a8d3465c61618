"""How each learner is fitted: LEARNER(data, seed, **settings) returns a function that fits on the days of a split and
returns a function from features to predictions.

Every learner is fitted on the fit days of the split and uses its validation days for one thing: to stop or to choose,
by the mean daily IC (`lib.models.validation`). Between the fits of a walk a learner may keep what it has read of the
fit days of earlier splits. The default settings here are what somebody would take without a search; those that are
used stand in `lib.models.learners`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from lib.errors import ParameterError, UnknownNameError, closest
from lib.models.dataset import Dataset
from lib.models.normal_equations import NormalEquations
from lib.models.splits import Split
from lib.models.validation import Validation

Predictor = Callable[[np.ndarray], np.ndarray]
Fit = Callable[[Split], Predictor]

#: ridge penalty per sample: shrinks the coefficient of a lone standardised factor by one per cent
PENALTY = 0.01
#: LightGBM's own. min_data_share: of the fitted samples, the least in a leaf, but 20 at least
TREES: Mapping[str, float] = {
    "learning_rate": 0.1, "num_leaves": 31, "feature_fraction": 1.0, "bagging_fraction": 1.0, "min_data_share": 0.0,
    "lambda_l2": 0.0,
}  # fmt: skip
#: what is the same for everybody: one thread and a fixed order of summation give the same trees on any number of
#: cores; 63 bins, found from a sample of the fitted rows, take half the time of 255
FIXED_TREES: Mapping[str, Any] = {
    "objective": "regression", "metric": "None", "bagging_freq": 1, "max_bin": 63,
    "bin_construct_sample_cnt": 20_000, "deterministic": True, "force_row_wise": True, "num_threads": 1,
    "verbosity": -1,
}  # fmt: skip
#: trees without a better validation IC before LightGBM stops
PATIENCE = 50
#: the papers' for the MLP: dropout, and fields of `lib.models.training.Protocol`
NETWORK: Mapping[str, float] = {"learning_rate": 5e-4, "weight_decay": 1e-5, "dropout": 0.1, "batch": 8192}


def ridge(data: Dataset, seed: int, *, penalties: Sequence[float] = (PENALTY,)) -> Fit:
    """Ridge regression with the penalty of the best validation IC; the smallest of equals.

    Deterministic, the seed is not used. A later fit with the same first day reads the days since the last one only.
    """
    sums = NormalEquations(data)

    def fit(split: Split) -> Predictor:
        gram, moment, count = sums.between(split.fit_start, split.fit_stop)
        if not count:
            days = f"[{split.fit_start}, {split.fit_stop})"
            raise ParameterError(f"ridge needs samples: got none on the days {days}; take more")
        # no intercept: factors are z-scores and labels are centred, both per day
        slopes = [np.linalg.solve(gram + p * count * np.eye(len(gram)), moment) for p in sorted(penalties)]
        slope = slopes[0] if len(slopes) == 1 else _best(slopes, Validation.of(data, split))
        # row by row: a matrix product may round a row otherwise when the number of rows, and so of later days, changes
        return lambda rows: np.einsum("rf,f->r", rows.astype(np.float64), slope)

    return fit


def _best(slopes: list[np.ndarray], validation: Validation) -> np.ndarray:
    predictions = validation.features.astype(np.float64) @ np.column_stack(slopes)  # R P
    return slopes[int(np.argmax([validation.ic(column) for column in predictions.T]))]


def mlp(data: Dataset, seed: int, *, epochs: int = 60, **settings: float) -> Fit:
    """The paper's MLP, at most `epochs` long, stopped early on the validation IC. settings: keys of `NETWORK`."""
    from lib.models.networks import MLP
    from lib.models.training import Protocol, initialised, predict, train

    chosen: dict[str, Any] = _with_settings("mlp", NETWORK, settings)
    dropout = chosen.pop("dropout")
    protocol = Protocol(epochs=epochs, **chosen)

    def fit(split: Split) -> Predictor:
        network = initialised(partial(MLP, dropout=dropout), data.features.shape[1], seed)
        sample = data.training(split.fit_start, split.fit_stop)
        validation = Validation.of(data, split)
        return partial(predict, train(network, sample, validation, seed=seed, protocol=protocol))

    return fit


def boosted_trees(data: Dataset, seed: int, *, rounds: int = 1000, **settings: float) -> Fit:
    """LightGBM, at most `rounds` trees, stopped early on the validation IC; one thread, seeded.

    settings: keys of `TREES`. The fit raises ParameterError when there is
    nothing to fit or to stop on.
    """
    return partial(_boosted, data, seed, rounds, _with_settings("lightgbm", TREES, settings))


def _boosted(data: Dataset, seed: int, rounds: int, settings: dict[str, Any], split: Split) -> Predictor:
    import lightgbm

    features, label = data.training(split.fit_start, split.fit_stop)
    if not len(label):
        days = f"[{split.fit_start}, {split.fit_stop})"
        raise ParameterError(f"LightGBM needs samples: got none on the days {days}; take more days or stocks")
    validation = Validation.of(data, split)
    scale = float(np.std(label)) or 1.0  # penalties and least gains are in units of squared labels
    leaf = max(20, round(settings["min_data_share"] * len(label)))
    own = {name: value for name, value in settings.items() if name != "min_data_share"}
    parameters = {**FIXED_TREES, **own, "min_data_in_leaf": leaf, "seed": seed}
    sample = lightgbm.Dataset(features, label / scale, params=parameters)  # bins come from the rows that are fitted
    held_out = sample.create_valid(validation.features, np.zeros(len(validation.features)), params=parameters)
    model = lightgbm.train(
        parameters, sample, rounds, valid_sets=[held_out],
        feval=lambda prediction, _: ("ic", validation.ic(prediction), True),
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )  # fmt: skip
    return lambda rows: scale * np.asarray(model.predict(rows, num_threads=1)) if len(rows) else np.zeros(0)


def _with_settings(learner: str, defaults: Mapping[str, float], given: Mapping[str, float]) -> dict[str, Any]:
    for name in given:
        if name not in defaults:
            known = ", ".join(defaults)
            raise UnknownNameError(f"{learner}: setting {name!r}; expected one of {known}{closest(name, defaults)}")
    return {**defaults, **given}
