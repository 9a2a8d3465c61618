"""The whole pipeline as one object: factors, neutralised samples, fits of a walk, predictions, a book.

    leaks = find_leaks(Pipeline(names, learner="lightgbm", first_test="2011-07-01").trace, panel, rng=rng)

Every step is a method, so a pipeline of somebody's own, or one with a bug, replaces one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lib.evaluation.leaks import Trace
from lib.factors import FactorSet, compute_factors
from lib.models.calendar import refit_walk
from lib.models.dataset import Dataset, both_days, next_return
from lib.models.fits import Predictor
from lib.models.gaps import Gaps
from lib.models.learners import find_learner
from lib.models.samples import check_parts, neutralised
from lib.models.splits import Split
from lib.panel import Panel
from lib.portfolio import flat, simulate, top_k_buffer

#: options with which a fit cannot choose anything by its validation days, by learner
FIRST_STEP: Mapping[str, Mapping[str, Any]] = {
    "ridge": {"penalties": (0.1,)}, "lightgbm": {"rounds": 1}, "mlp": {"epochs": 1},
}  # fmt: skip
#: random rows of features beside the unit vectors, for which a fitted model is asked
PROBES = 64


class Pipeline:
    """Names of factors, a learner with its options, a walk with refits; a book of the k best.

    first_test, refit, window, holdout: see `refit_walk`. seed: of the learner. k: stocks of the book, 2k its buffer.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        first_test: str,
        learner: str = "ridge",
        options: Mapping[str, Any] | None = None,
        refit: str = "yearly",
        window: int | None = None,
        holdout: float | int = 0.2,
        lag: int = 1,
        seed: int = 0,
        k: int = 5,
    ) -> None:
        self.names, self.learner, self.options, self.seed, self.k = tuple(names), learner, dict(options or {}), seed, k
        self.gaps = Gaps.of(self.names, lag=lag)
        self.walk: dict[str, Any] = {"first_test": first_test, "refit": refit, "window": window, "holdout": holdout}

    # ------------------------------------------------------------------------------------- steps

    def seen(self, panel: Panel) -> Panel:
        """The panel that everything but the book reads."""
        return panel

    def factors(self, panel: Panel) -> FactorSet:
        """Raw factors [T, N, F]."""
        return compute_factors(panel, self.names, window="skip")

    def label(self, panel: Panel) -> np.ndarray:
        """The outcome [T, N] of a decision at the close of t."""
        return next_return(panel)

    def samples(self, panel: Panel, factors: FactorSet) -> Dataset:
        """Neutralised factors with labels centred per day, on members whose price is valid."""
        valid = panel.price_valid & panel.universe
        labelled = both_days(panel.price_valid) & panel.universe
        return neutralised(panel, factors, self.label(panel), predicted=valid, labelled=labelled)

    def splits(self, dates: np.ndarray) -> list[Split]:
        """Rows to fit, validate and predict."""
        return list(refit_walk(dates, gaps=self.gaps, **self.walk))

    def fit(self, data: Dataset, split: Split, **options: Any) -> Predictor:
        """The model of a split."""
        return find_learner(self.learner)(data, self.seed, **{**self.options, **options})(split)

    def book(self, panel: Panel, prediction: np.ndarray) -> dict[str, np.ndarray]:
        """Weights, net returns and gross returns, [T, ...], 0 before the first prediction; filled at the next open."""
        run = simulate(panel, prediction, policy=top_k_buffer(self.k, 2 * self.k), fill="open", costs=flat(8.0),
                       keep_paths=True)  # fmt: skip
        found = {"weights": run.weights, "returns": run.returns, "gross": run.gross}
        return {name: _on_panel(np.asarray(values), run.first_row, panel) for name, values in found.items()}

    # ------------------------------------------------------------------------------------- the run

    def predictions(self, panel: Panel) -> np.ndarray:
        """Out-of-sample predictions [T, N]."""
        return np.asarray(self.trace(panel, False).daily["prediction"])

    def trace(self, panel: Panel, orders: bool = True) -> Trace:
        """Every stage, for `find_leaks`. orders: whether the book is run.

        A fit is compared by what it predicts for unit vectors and random rows of features; besides the model, its first
        step, which no validation day may reach. Raises ParameterError for a part without a labelled sample.
        """
        own = self.seen(panel)
        factors = self.factors(own)
        data = self.samples(own, factors)
        probes = _probes(data.features.shape[1])
        prediction, fitted = np.full(panel.shape, np.nan), {}
        for split in self.splits(panel.dates):
            check_parts(data, split, panel.dates)
            day, lag = panel.dates[split.test_start], self.gaps.lag
            model = self.fit(data, split)
            fitted[f"fit for {day}"] = split.test_start - lag, np.asarray(model(probes))
            if self.learner in FIRST_STEP:
                first = self.fit(data, split, **FIRST_STEP[self.learner])(probes)
                fitted[f"first step of the fit for {day}"] = split.validation_start - lag, np.asarray(first)
            rows = data.to_predict(split.test_start, split.test_stop)
            data.grid(rows, model(data.features[rows]), prediction)
        features = np.zeros((*panel.shape, data.features.shape[1]), dtype=np.float32)
        data.grid(slice(None), data.features, features)
        daily = {"factors": np.where(factors.valid, factors.values, 0), "features": features, "prediction": prediction}
        return Trace(daily | (self.book(panel, prediction) if orders else {}), fitted)


def _on_panel(values: np.ndarray, first_row: int, panel: Panel) -> np.ndarray:
    out = np.zeros((panel.shape[0], *values.shape[1:]))
    out[first_row:] = values
    return out


def _probes(width: int) -> np.ndarray:
    """Features at which a model is asked: the unit vectors, whose predictions are a linear model's slopes, and rows."""
    rows = np.random.default_rng(0).standard_normal((PROBES, width))
    return np.vstack([np.eye(width), rows]).astype(np.float32)
