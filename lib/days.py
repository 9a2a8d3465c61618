"""One reader of days for every door: text, whole numbers, dates, timestamps and numpy's datetime64.

A day is 2024-01-31 or 20240131. numpy alone would take "20240131" for the year 20,240,131, "2024" for its first of
January, "" for no date and "now" for today, each without a word; here they are refused. So is midnight in Shanghai on
an unnamed clock that shows 16:00 of the day before: taken at its word it would let the market know a day early.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.errors import LibError, PanelError

Day = int | str | date | np.datetime64
Days = NDArray[np.datetime64]

#: no exchange of this book traded before, and sentinels such as 9999-12-31 are no days
FIRST_DAY: Final = np.datetime64("1900-01-01")
LAST_DAY: Final = np.datetime64("2100-12-31")
EXPECTED: Final = "expected a date, or text such as 2024-01-31 or 20240131"

_FORMS: Final = (re.compile(r"\d{4}-\d\d-\d\d( 00:00:00(\.0+)?)?"), re.compile(r"\d{8}"))
#: where midnight begins a day of the exchanges, and what a clock in UTC shows then, a day before
SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
SHIFTED: Final = time(16)
SHIFTED_TROUBLE: Final = (
    "16:00 without a time zone: in UTC it is midnight of the next day in Shanghai; expected the day itself, such as "
    "2024-01-31"
)
#: units of datetime64 that say less than a day, and the one that says nothing
_COARSE: Final = ("Y", "M", "W", "generic")


def parse_day(text: str) -> np.datetime64 | None:
    """A day written YYYY-MM-DD (also with midnight behind it) or YYYYMMDD; None for anything else.

    >>> str(parse_day("20240102")), parse_day("2024-1-2")
    ('2024-01-02', None)
    """
    text = text.strip()
    if not text.isascii() or not any(form.fullmatch(text) for form in _FORMS):
        return None
    if len(text) == 8:
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    try:
        return np.datetime64(text[:10], "D")
    except ValueError:
        return None


def as_day(given: object, what: str = "the day", error: type[LibError] = PanelError) -> np.datetime64:
    """A day as datetime64[D]: text or a whole number YYYYMMDD, text YYYY-MM-DD, a date, or the day of a moment.

    Raises `error`, which names what was got: a year or a month alone, NaT, "" and "now" are no days, nor is anything
    before 1900 or after 2100.

    >>> str(as_day(20240131)), str(as_day(date(2024, 1, 31)))
    ('2024-01-31', '2024-01-31')
    """
    if _is_shifted(given):
        raise error(f"{what} is {_shown(given)}, {SHIFTED_TROUBLE}")
    day = _read(given)
    if day is None or not FIRST_DAY <= day <= LAST_DAY:
        raise error(f"{what} is {_shown(given)}, which is not a date; {EXPECTED}")
    return day


def as_days(given: ArrayLike, what: str = "dates", error: type[LibError] = PanelError) -> Days:
    """Days of any shape as datetime64[D]; see `as_day`. Raises `error`, which names the first that is none.

    >>> as_days(["2024-01-30", "20240131"]).astype(str).tolist()
    ['2024-01-30', '2024-01-31']
    """
    values = np.asarray(given)
    if values.size == 0:
        return np.empty(values.shape, dtype="datetime64[D]")
    if values.dtype.kind == "M":
        return _checked(values, what, error)
    if values.dtype.kind not in "UTOiu":
        raise error(f"{what} hold {values.dtype}; {EXPECTED}")
    named = what if values.ndim == 0 else what + "[{}]"
    days = [as_day(day, named.format(i), error) for i, day in enumerate(values.ravel().tolist())]
    return np.array(days, dtype="datetime64[D]").reshape(values.shape)


def as_days_or_none(given: ArrayLike, what: str = "dates", error: type[LibError] = PanelError) -> Days:
    """`as_days` where some have no day: NaT and None stay NaT.

    >>> as_days_or_none(["2024-01-30", None]).astype(str).tolist()
    ['2024-01-30', 'NaT']
    """
    values = np.asarray(given)
    if values.dtype.kind == "M" and values.size:
        return _checked(values, what, error, gaps=True)
    if values.dtype.kind != "O":
        return as_days(values, what, error)
    known = np.array([day is not None and not _is_nat(day) for day in values.ravel()], dtype=bool).reshape(values.shape)
    days = np.full(values.shape, np.datetime64("NaT", "D"))
    days[known] = as_days(values[known], what, error)
    return days


def is_day_number(number: int) -> bool:
    """Whether a whole number is a day YYYYMMDD rather than the position of a row.

    >>> is_day_number(20240131), is_day_number(250)
    (True, False)
    """
    return 19_000_101 <= number <= 21_001_231


def names_days(values: NDArray[Any]) -> bool:
    """Whether a datetime64 array has a unit of days or finer: years, months and weeks name no day."""
    return np.datetime_data(values.dtype)[0] not in _COARSE


def _read(given: Any) -> np.datetime64 | None:
    if isinstance(given, str):
        return parse_day(given)
    if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
        return parse_day(str(given)) if is_day_number(int(given)) else None
    if isinstance(given, np.datetime64):
        return given.astype("datetime64[D]") if names_days(np.asarray(given)) else None
    if isinstance(given, datetime) and given == given:  # pandas' NaT is one too, and equals nothing
        return np.datetime64(_on_the_clock_of_its_day(given).date(), "D")
    return np.datetime64(given, "D") if isinstance(given, date) and given == given else None


def _on_the_clock_of_its_day(moment: datetime) -> datetime:
    """The moment on its own clock; on that of Shanghai where it is in UTC and midnight there."""
    if moment.utcoffset() != timedelta(0):
        return moment
    there = moment.astimezone(SHANGHAI)
    return there if there.time() == time(0) else moment


def _is_shifted(given: object) -> bool:
    """Whether a moment without a time zone stands at 16:00, where midnight in Shanghai stands in UTC."""
    if isinstance(given, np.datetime64):
        return bool(_shifted(np.asarray(given)))
    return isinstance(given, datetime) and given == given and given.tzinfo is None and given.time() == SHIFTED


def _shifted(values: NDArray[Any]) -> NDArray[np.bool_]:
    """`_is_shifted` of each of an array of datetime64."""
    return np.asarray(values - values.astype("datetime64[D]") == np.timedelta64(SHIFTED.hour, "h"))


def _is_nat(day: object) -> bool:
    return isinstance(day, (date, np.datetime64)) and day != day


def _checked(values: NDArray[Any], what: str, error: type[LibError], *, gaps: bool = False) -> Days:
    """Days of a datetime64 array. gaps: NaT may stand in it, and stays."""
    if not names_days(values):
        raise error(f"{what} hold {values.dtype}, which names no days; {EXPECTED}")
    days = values.astype("datetime64[D]", copy=False)
    if values.ndim > 1 and values.strides[0] == 0:  # the same row again and again, such as the listing days of a panel
        _checked(values[0], what, error, gaps=gaps)
        return days
    if days is not values:
        _refuse_first(_shifted(values), values, what, error, SHIFTED_TROUBLE)
    wrong = ~((days >= FIRST_DAY) & (days <= LAST_DAY))  # NaT is neither
    _refuse_first(wrong & ~np.isnat(days) if gaps else wrong, values, what, error, f"which is not a date; {EXPECTED}")
    return days


def _refuse_first(
    wrong: NDArray[np.bool_], values: NDArray[Any], what: str, error: type[LibError], trouble: str
) -> None:
    if wrong.any():
        first = int(wrong.argmax())
        named = f"{what}[{first}]" if values.ndim else what
        raise error(f"{named} is {values.ravel()[first]}, {trouble}")


def _shown(given: object) -> str:
    """What was got, in one line."""
    text = str(given) if isinstance(given, np.datetime64) else repr(given)
    return " ".join(text.split())[:60]
