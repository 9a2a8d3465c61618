"""Splits in time: rows to fit on, rows to validate on, rows to predict, purged between the parts.

The label of day t ends `horizon` days later, and an order sent after the close of t trades `lag` days later. A day
whose interval [t, t + horizon + lag] reaches the first day of the next part therefore belongs to neither part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lib.errors import ParameterError

#: share of the training days held out for validation (paper B)
HOLDOUT = 0.1

Years = tuple[int, int]


@dataclass(frozen=True)
class Split:
    """Rows [start, stop) of the three parts: a model is fitted, its settings are chosen, its predictions are used."""

    fit_start: int
    fit_stop: int
    validation_start: int
    validation_stop: int
    test_start: int
    test_stop: int


def walk_forward(
    dates: np.ndarray,
    *,
    first_test_year: int,
    refit_every: int = 1,
    horizon: int = 1,
    lag: int = 1,
    holdout: float = HOLDOUT,
) -> Iterator[Split]:
    """Expanding-window splits by calendar year, one per `refit_every` years from the first test year on.

    dates: datetime64[D] [T], sorted. holdout: share of the days before the test span, the last ones, that are
    validated on. Raises ParameterError for a year that is no whole number, and when no date is left to train on or to
    test.

    >>> days = np.arange("2012-01-01", "2014-01-01", dtype="datetime64[D]")
    >>> list(walk_forward(days, first_test_year=2013))
    [Split(fit_start=0, fit_stop=326, validation_start=328, validation_stop=364, test_start=366, test_stop=731)]
    """
    check_years("first_test_year", first_test_year)
    check_years("refit_every", refit_every)
    if refit_every < 1:
        raise ParameterError(f"refit_every: got {refit_every}; expected at least 1 year")
    years = _years(dates)
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
            held = train_stop - max(1, round(holdout * train_stop))
            yield Split(0, max(held - horizon - lag, 0), held, train_stop, start, stop)


def fixed_split(
    dates: np.ndarray,
    *,
    train: Years = (2015, 2020),
    validation: Years = (2021, 2021),
    test: Years = (2022, 2024),
    horizon: int = 1,
    lag: int = 1,
) -> Split:
    """One split by calendar years, first and last year of each part included; the defaults are those of paper B.

    dates: datetime64[D] [T], sorted. Raises ParameterError for parts that are not in order of time, for years that
    the data lacks and for a part that the purge leaves empty.

    >>> days = np.arange("2012-01-01", "2015-01-01", dtype="datetime64[D]")
    >>> fixed_split(days, train=(2012, 2012), validation=(2013, 2013), test=(2014, 2014))
    Split(fit_start=0, fit_stop=364, validation_start=366, validation_stop=729, test_start=731, test_stop=1096)
    """
    check_years("split", *train, *validation, *test)
    years = _years(dates)
    parts = {"train": train, "validation": validation, "test": test}
    ends = [year for part in parts.values() for year in part]
    got = ", ".join(f"{name} {first}-{last}" for name, (first, last) in parts.items())
    if ends != sorted(ends) or train[1] == validation[0] or validation[1] == test[0]:
        raise ParameterError(f"split: got {got}; expected parts that follow each other and share no year")
    wanted = {year for first, last in parts.values() for year in range(first, last + 1)}
    lacking = sorted(wanted - set(years.tolist()))
    if lacking:
        raise ParameterError(
            f"split: got {got}; the data runs from {dates[0]} to {dates[-1]} and lacks "
            f"{', '.join(map(str, lacking))}; choose other years or other data"
        )
    rows = {name: [int(np.searchsorted(years, year)) for year in (a, b + 1)] for name, (a, b) in parts.items()}
    validation_start, test_start = rows["validation"][0], rows["test"][0]
    fit_stop = min(rows["train"][1], validation_start - horizon - lag)
    validation_stop = min(rows["validation"][1], test_start - horizon - lag)
    split = Split(rows["train"][0], fit_stop, validation_start, validation_stop, test_start, rows["test"][1])
    if fit_stop <= split.fit_start or validation_stop <= validation_start:
        raise ParameterError(f"split: {got} leave {split} after the purge; expected days in every part, take more data")
    return split


def check_years(what: str, *years: object) -> None:
    """Raises ParameterError for a year, or a number of them, that is no whole number: "2013" or 2013.0."""
    for year in years:
        if not isinstance(year, (int, np.integer)) or isinstance(year, bool):
            raise ParameterError(f"{what}: got {year!r}; expected a whole number of years, such as 2013 or 1")


def _years(dates: np.ndarray) -> np.ndarray:
    return dates.astype("datetime64[Y]").astype(int) + 1970
