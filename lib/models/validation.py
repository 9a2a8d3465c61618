"""The criterion by which every learner stops and chooses its settings: the mean daily IC on the validation days.

Mean squared error is a poor judge at this signal-to-noise ratio: it is nearly all variance of the label and moves with
the scale of the predictions, while a portfolio uses their order alone.
"""

from __future__ import annotations

import numpy as np

from lib.errors import ParameterError
from lib.models.dataset import Dataset
from lib.models.splits import Split

#: labelled stocks that a validation day needs
MINIMUM_CELLS = 20


class Validation:
    """The labelled samples of the validation days that have at least 20 of them.

    Where no day has 20, as on a market made for a quick look, all days with two or more count: the criterion is then
    noisy, but defined. features: float32 [R, F], sorted by day. label: float64 [R], NaN where there is none. day:
    int [R]. Raises ParameterError when no day has two.
    """

    def __init__(self, features: np.ndarray, label: np.ndarray, day: np.ndarray) -> None:
        labelled = np.isfinite(label)
        number = np.unique(day, return_inverse=True)[1]
        count = np.bincount(number[labelled], minlength=len(day))
        least = MINIMUM_CELLS if (count >= MINIMUM_CELLS).any() else 2
        kept = labelled & (count >= least)[number]
        if not kept.any():
            days = "no days" if not len(day) else f"the days {day[0]} to {day[-1]}"
            raise ParameterError(f"validation needs labelled stocks: got no day with two on {days}; take more")
        self.features = features[kept]
        self._day = np.unique(number[kept], return_inverse=True)[1]
        self._label = _unit(label[kept], self._day)

    @classmethod
    def of(cls, data: Dataset, split: Split) -> Validation:
        """Those of a split."""
        rows = data.rows(split.validation_start, split.validation_stop)
        return cls(data.features[rows], data.label[rows], data.day[rows])

    def ic(self, prediction: np.ndarray) -> float:
        """Mean over days of Pearson's correlation of `prediction` [R], one value per row of `features`, with the label.

        A day on which the predictions are all equal counts as 0; NaN when a prediction is not finite.
        """
        if not np.isfinite(prediction).all():
            return float("nan")
        unit = _unit(np.asarray(prediction, dtype=np.float64), self._day)
        return float(self._label @ unit) / (int(self._day[-1]) + 1)


def _unit(values: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Values less their day's mean, divided by their day's norm; 0 on a day without variation."""
    starts = np.searchsorted(day, np.arange(int(day[-1]) + 1))
    varies = np.maximum.reduceat(values, starts) > np.minimum.reduceat(values, starts)
    count = np.diff(starts, append=len(day))
    centred = values - (np.add.reduceat(values, starts) / count)[day]
    norm = np.sqrt(np.add.reduceat(centred**2, starts))
    return centred * np.divide(1.0, norm, out=np.zeros(len(norm)), where=varies & (norm > 0))[day]
