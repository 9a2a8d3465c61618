"""Support vector regression with a kernel. Its time grows with the square of the samples: fit it on some days only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lib.errors import ParameterError
from lib.models.dataset import Dataset
from lib.models.fits import Fit
from lib.models.fitted import Fitted, fit_sample
from lib.models.splits import Split
from lib.models.validation import Validation

KERNELS = ("rbf", "linear", "poly")
#: rows that are predicted together
TOGETHER = 20_000


def svm(
    data: Dataset, seed: int, *, kernel: str = "rbf", costs: Sequence[float] = (0.01, 0.1), width: float = 0.1
) -> Fit:
    """Epsilon-insensitive regression (Drucker et al. 1997) on labels of unit variance, epsilon = `width`.

    kernel: rbf, linear or poly (degree 3), gamma 1 / (F var X). costs: C, the one of the best validation IC is taken.
    Deterministic, the seed is not used. importance: none, all 0. Raises ParameterError for a kernel that does not
    exist and when there is nothing to fit. Use it through `lib.models.fitted.on_sample`.
    """
    if kernel not in KERNELS:
        raise ParameterError(f"svm: kernel {kernel!r} does not exist; expected one of {', '.join(KERNELS)}")

    def fit(split: Split) -> Fitted:
        from sklearn.svm import SVR

        features, label = fit_sample(data, split, "svm")
        scale, validation = float(np.std(label)) or 1.0, Validation.of(data, split)
        models = [SVR(kernel=kernel, C=cost, epsilon=width).fit(features, label / scale) for cost in costs]
        scores = [validation.ic(_predicted(model, validation.features)) for model in models] if len(costs) > 1 else [0]
        best = models[int(np.argmax(scores))]
        return Fitted(lambda rows: scale * _predicted(best, rows), np.zeros(features.shape[1]))

    return fit


def _predicted(model: Any, rows: np.ndarray) -> np.ndarray:
    parts = [model.predict(rows[start : start + TOGETHER]) for start in range(0, len(rows), TOGETHER)]
    return np.concatenate(parts)
