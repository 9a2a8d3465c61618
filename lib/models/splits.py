"""Walk-forward splits by calendar year, with the purge derived from the label.

A model that predicts year Y is fitted on earlier dates only. The label of day t ends `horizon` days later and an
order sent after the close of t trades `lag` days later, so a training day whose interval [t, t + horizon + lag]
reaches the first test day is purged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lib.errors import ParameterError


@dataclass(frozen=True)
class Split:
    """Rows to fit on, [0, train_stop), and rows to predict, [test_start, test_stop)."""

    train_stop: int
    test_start: int
    test_stop: int


def walk_forward(
    dates: np.ndarray, *, first_test_year: int, refit_every: int = 1, horizon: int = 1, lag: int = 1
) -> Iterator[Split]:
    """Expanding-window splits, one per `refit_every` years from the first test year on.

    dates: datetime64[D] [T], sorted. Raises ParameterError when no date is left to train on or to test.

    >>> days = np.arange("2012-01-01", "2014-01-01", dtype="datetime64[D]")
    >>> list(walk_forward(days, first_test_year=2013))
    [Split(train_stop=364, test_start=366, test_stop=731)]
    """
    years = dates.astype("datetime64[Y]").astype(int) + 1970
    last = int(years[-1])
    if not years[0] < first_test_year <= last:
        raise ParameterError(
            f"first_test_year: got {first_test_year}; the data runs from {dates[0]} to {dates[-1]}, "
            f"so expected a year from {years[0] + 1} to {last}"
        )
    for year in range(first_test_year, last + 1, refit_every):
        start = int(np.searchsorted(years, year))
        stop = int(np.searchsorted(years, year + refit_every))
        train_stop = start - horizon - lag
        if train_stop > 0 and stop > start:
            yield Split(train_stop, start, stop)


def holdout(train_stop: int, share: float, *, horizon: int = 1, lag: int = 1) -> tuple[int, int]:
    """(fit_stop, validation_start): the last `share` of the training days, purged from the days before them."""
    start = train_stop - max(1, round(share * train_stop))
    return max(start - horizon - lag, 0), start
