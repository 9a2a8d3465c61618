"""Splits by the calendar: refits every month, quarter or year, on all earlier days or the last ones; the papers' own.

`lib.models.splits` has the walk by calendar years and the fixed split of real prices; `lib.models.folds` has
cross-validation.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lib.days import as_day
from lib.errors import ParameterError
from lib.models.gaps import Gaps
from lib.models.splits import HOLDOUT, Split, check_years

#: time between two refits (A s4.D: monthly to quarterly) -> its months
REFITS = {"monthly": 1, "quarterly": 3, "yearly": 12}
#: sessions of a year of the papers' panel: 14 years of 3,500 days
PAPER_SESSIONS = 250

Years = tuple[int, int]


def refit_walk(
    dates: np.ndarray,
    *,
    first_test: str | np.datetime64,
    refit: str = "quarterly",
    window: int | None = None,
    holdout: float | int = HOLDOUT,
    gaps: Gaps | None = None,
) -> Iterator[Split]:
    """One split for each month, quarter or year of the calendar from `first_test` on.

    dates: datetime64[D] [T], sorted. first_test: the first test span holds the days of its period from this date on.
    refit: a key of REFITS. window: sessions that are fitted and validated on, those before the test span (rolling);
    None: all of them (expanding). holdout: the last of these are validated on, as a share or as a number of sessions.
    gaps: by default a label of one session, traded one session later.

    Every test day belongs to one split. Raises ParameterError for a first_test that is no day (a year
    alone is none), and, with the date, when a part of a split would be empty.

    >>> days = np.arange("2012-01-01", "2014-01-01", dtype="datetime64[D]")
    >>> next(refit_walk(days, first_test="2013-07-01", window=300, holdout=60))
    Split(fit_start=245, fit_stop=483, validation_start=485, validation_stop=545, test_start=547, test_stop=639)
    """
    gaps = gaps or Gaps()
    if refit not in REFITS:
        raise ParameterError(f"refit: got {refit!r}; expected one of {', '.join(REFITS)}")
    if window is not None and window < 1:
        raise ParameterError(f"window: got {window}; expected at least 1 session, or None for all earlier days")
    first = int(np.searchsorted(dates, as_day(first_test, "first_test", ParameterError)))
    if not 0 < first < len(dates):
        raise ParameterError(f"first_test: got {first_test}; the data runs from {dates[0]} to {dates[-1]}")
    period = dates.astype("datetime64[M]").astype(int) // REFITS[refit]
    starts = [first, *(t for t in range(first + 1, len(dates)) if period[t] != period[t - 1])]
    for start, stop in zip(starts, [*starts[1:], len(dates)], strict=True):
        known = start - gaps.purge
        fit_start = 0 if window is None else max(0, known - window)
        held = known - _sessions(holdout, known - fit_start)
        split = Split(fit_start, held - gaps.purge, held, known, start, stop)
        if not split.fit_start < split.fit_stop:
            raise ParameterError(
                f"split of {dates[start]}: {known - fit_start} sessions before it leave {split} after the purge of "
                f"{gaps.purge}; expected days to fit on: test later, hold out less, or take a longer window"
            )
        yield split


def paper_split(
    n_days: int,
    *,
    train: Years = (1, 10),
    validation: Years = (11, 11),
    test: Years = (12, 14),
    sessions: int = PAPER_SESSIONS,
    gaps: Gaps | None = None,
) -> Split:
    """The papers' split of their simulated panel (B s4.1): years 1-10, 11 and 12-14, each of `sessions` days.

    First and last year of each part are included; a panel that is shorter or longer keeps the proportions by another
    number of sessions. The test span ends with the panel. Raises ParameterError for years that do not follow each
    other and for days that the panel lacks.

    >>> paper_split(3500)
    Split(fit_start=0, fit_stop=2498, validation_start=2500, validation_stop=2748, test_start=2750, test_stop=3500)
    """
    check_years("split", *train, *validation, *test)
    gaps = gaps or Gaps()
    ends = [*train, *validation, *test]
    got = f"train {train[0]}-{train[1]}, validation {validation[0]}-{validation[1]}, test {test[0]}-{test[1]}"
    if ends != sorted(ends) or train[1] == validation[0] or validation[1] == test[0] or train[0] < 1:
        raise ParameterError(f"split: got {got}; expected years from 1 on, parts that follow each other")
    if (test[0] - 1) * sessions >= n_days:
        raise ParameterError(
            f"split: got {got} of {sessions} sessions; {n_days} days end before year {test[0]}: take fewer sessions"
        )
    rows = [((first - 1) * sessions, last * sessions) for first, last in (train, validation, test)]
    fit, validated, tested = rows
    fit_stop = min(fit[1], validated[0] - gaps.purge)
    validation_stop = min(validated[1], tested[0] - gaps.purge)
    if fit_stop <= fit[0] or validation_stop <= validated[0]:
        raise ParameterError(f"split: a purge of {gaps.purge} days leaves no day of years of {sessions} sessions")
    return Split(fit[0], fit_stop, validated[0], validation_stop, tested[0], min(tested[1], n_days))


def _sessions(holdout: float | int, days: int) -> int:
    """Sessions that are held out of `days`."""
    return holdout if isinstance(holdout, int) else max(1, round(holdout * days))
