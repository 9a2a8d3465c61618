"""Forests and boosted trees of other libraries, and LightGBM with its own ways to sample, bundle and split labels.

All are fitted on labels of unit variance by one thread, and stop or choose by the validation IC.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from lib.errors import ParameterError
from lib.models.dataset import Dataset
from lib.models.fits import FIXED_TREES, PATIENCE, TREES, Fit, _with_settings
from lib.models.fitted import Fitted, fit_sample, permuted, shares
from lib.models.splits import Split
from lib.models.validation import Validation

FORESTS = {"forest": "RandomForestRegressor", "extra_trees": "ExtraTreesRegressor"}
SAMPLING = ("bagging", "goss")
#: trees that scikit-learn's boosting adds before it looks at the validation IC
STEP = 10


def forest(
    data: Dataset,
    seed: int,
    *,
    kind: str = "forest",
    trees: int = 100,
    leaves: Sequence[float] = (0.01, 0.002),
    features_share: float = 1 / 3,
    rows: int = 10_000,
) -> Fit:
    """Mean of `trees` trees (Breiman 2001; extra_trees: Geurts et al. 2006, splits at random cuts).

    Each tree sees `rows` samples, drawn with replacement, and a share of the factors at each split. leaves: least share
    of these samples in a leaf; the one of the best validation IC is taken. Raises ParameterError for a kind that does
    not exist and when there is nothing to fit.
    """
    if kind not in FORESTS:
        raise ParameterError(f"forest: kind {kind!r} does not exist; expected one of {', '.join(FORESTS)}")

    def fit(split: Split) -> Fitted:
        from sklearn import ensemble

        features, label = fit_sample(data, split, kind)
        scale, validation = float(np.std(label)) or 1.0, Validation.of(data, split)
        build = partial(
            getattr(ensemble, FORESTS[kind]), trees, max_features=features_share, random_state=seed, n_jobs=1,
            bootstrap=True, max_samples=min(rows, len(label)),
        )  # fmt: skip
        models = [build(min_samples_leaf=leaf).fit(features, label / scale) for leaf in leaves]
        scores = [validation.ic(model.predict(validation.features)) for model in models] if len(leaves) > 1 else [0]
        best = models[int(np.argmax(scores))]
        return Fitted(lambda rows: scale * best.predict(rows), shares(best.feature_importances_))

    return fit


def gradient_boosting(
    data: Dataset, seed: int, *, rounds: int = 1000, learning_rate: float = 0.05, num_leaves: int = 31,
    min_data_share: float = 0.01, lambda_l2: float = 0.0,
) -> Fit:  # fmt: skip
    """Gradient boosting (Friedman 2001) of scikit-learn, on histograms; at most `rounds` trees.

    Stopped when PATIENCE trees have brought no better validation IC. importance: the validation IC lost when one
    factor's values are exchanged between samples, because the library gives none; negative ones count as 0.
    """

    def fit(split: Split) -> Fitted:
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits

        features, label = fit_sample(data, split, "gradient boosting")
        scale, validation = float(np.std(label)) or 1.0, Validation.of(data, split)
        model = HistGradientBoostingRegressor(
            learning_rate=learning_rate, max_leaf_nodes=num_leaves, l2_regularization=lambda_l2, early_stopping=False,
            min_samples_leaf=max(20, round(min_data_share * len(label))), max_bins=63, warm_start=True,
            random_state=seed,
        )  # fmt: skip
        with threadpool_limits(1):
            best = _grown(model, features, label / scale, validation, rounds)
            predict = partial(_staged, model, best)
            importance = shares(permuted(predict, validation, seed))
        return Fitted(lambda rows: scale * predict(rows), importance)

    return fit


def _grown(model: Any, features: np.ndarray, label: np.ndarray, validation: Validation, rounds: int) -> int:
    """Grow by steps; the number of trees with the best validation IC."""
    best, trees, ic = 1, 0, -np.inf
    while trees < rounds and trees - best < PATIENCE:
        trees = min(trees + STEP, rounds)
        model.set_params(max_iter=trees).fit(features, label)
        now = validation.ic(model.predict(validation.features))
        if now > ic:
            best, ic = trees, now
    return best


def _staged(model: Any, trees: int, rows: np.ndarray) -> np.ndarray:
    return np.asarray(next(islice(model.staged_predict(rows), trees - 1, None)))


def lightgbm_with(
    data: Dataset, seed: int, *, rounds: int = 1000, sampling: str = "bagging", bundle: bool = True,
    categories: Sequence[int] = (), **settings: float,
) -> Fit:  # fmt: skip
    """LightGBM as `lib.models.fits.boosted_trees` fits it, with what is particular to it (Ke et al. 2017).

    sampling: bagging, or goss, gradient-based one-side sampling, which needs no bagging fraction. bundle: exclusive
    features are bundled (EFB). categories: columns that hold labels 0, 1, 2, ..., split as sets; -1 is the last one.
    settings: keys of `TREES`. importance: gain. Raises ParameterError for another sampling and when there is nothing to
    fit or to stop on.
    """
    if sampling not in SAMPLING:
        raise ParameterError(f"lightgbm: sampling {sampling!r} does not exist; expected one of {', '.join(SAMPLING)}")
    chosen, columns = _with_settings("lightgbm", TREES, settings), [c % data.features.shape[-1] for c in categories]
    share = chosen.pop("min_data_share")
    chosen |= {"enable_bundle": bundle, "seed": seed}
    if sampling == "goss":
        chosen |= {"data_sample_strategy": "goss", "bagging_fraction": 1.0, "bagging_freq": 0}

    def fit(split: Split) -> Fitted:
        import lightgbm

        features, label = fit_sample(data, split, "LightGBM")
        scale, validation = float(np.std(label)) or 1.0, Validation.of(data, split)
        parameters = {**FIXED_TREES, **chosen, "min_data_in_leaf": max(20, round(share * len(label)))}
        sample = lightgbm.Dataset(features, label / scale, params=parameters, categorical_feature=columns)
        held_out = sample.create_valid(validation.features, np.zeros(len(validation.features)), params=parameters)
        model = lightgbm.train(
            parameters, sample, rounds, valid_sets=[held_out],
            feval=lambda prediction, _: ("ic", validation.ic(prediction), True),
            callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
        )  # fmt: skip
        return Fitted(
            lambda rows: scale * np.asarray(model.predict(rows, num_threads=1)),
            shares(model.feature_importance("gain")),
        )

    return fit


def xgboost(
    data: Dataset, seed: int, *, rounds: int = 1000, learning_rate: float = 0.05, depth: int = 5,
    feature_fraction: float = 0.6, bagging_fraction: float = 0.5, min_data_share: float = 0.01, lambda_l2: float = 1.0,
) -> Fit:  # fmt: skip
    """XGBoost (Chen and Guestrin 2016) on histograms, at most `rounds` trees, stopped early on the validation IC.

    min_data_share: of the fitted samples, the least in a leaf. importance: gain.
    """

    def fit(split: Split) -> Fitted:
        import xgboost as library

        features, label = fit_sample(data, split, "XGBoost")
        scale, validation = float(np.std(label)) or 1.0, Validation.of(data, split)
        parameters = {
            "objective": "reg:squarederror", "tree_method": "hist", "max_bin": 64, "nthread": 1, "seed": seed,
            "base_score": 0.0, "eta": learning_rate, "max_depth": depth, "colsample_bytree": feature_fraction,
            "subsample": bagging_fraction, "min_child_weight": min_data_share * len(label), "lambda": lambda_l2,
            "disable_default_eval_metric": 1,
        }  # fmt: skip
        held_out = library.DMatrix(validation.features, label=np.zeros(len(validation.features)))
        stop = library.callback.EarlyStopping(rounds=PATIENCE, metric_name="ic", maximize=True, save_best=True)
        model = library.train(
            parameters, library.DMatrix(features, label=label / scale), num_boost_round=rounds, verbose_eval=False,
            evals=[(held_out, "days")], custom_metric=lambda prediction, _: ("ic", validation.ic(prediction)),
            callbacks=[stop],
        )  # fmt: skip
        gains: dict[str, Any] = model.get_score(importance_type="total_gain")
        importance = [float(gains.get(f"f{column}", 0.0)) for column in range(features.shape[1])]
        return Fitted(lambda rows: scale * model.inplace_predict(rows), shares(np.array(importance)))

    return fit
