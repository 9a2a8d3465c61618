"""A day is read the same at every door, and what is no day is refused at every door."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from panels import flat

from lib import load_panel, make_market
from lib.days import as_day, as_days, as_days_or_none
from lib.errors import LibError, LoadError, PanelError, ParameterError
from lib.evaluation.markets import cut
from lib.limits.ticks import bands
from lib.market.build import session_dates
from lib.panel import Panel
from lib.parameters import Parameter, check_parameters
from lib.portfolio import CostSchedule, buy_and_hold, simulate
from lib.portfolio.terms import Terms, ends
from lib.studies import load_study

SESSIONS = np.busday_offset("2024-02-26", np.arange(10), roll="forward").astype("datetime64[D]")
DAY, ROW = "2024-03-04", 5

#: the same day, written in every way that is understood
WRITTEN = [
    "2024-03-04", "20240304", 20240304, np.int64(20240304), date(2024, 3, 4), datetime(2024, 3, 4),
    pd.Timestamp(DAY), pd.Timestamp(DAY, tz="Asia/Shanghai"), pd.Timestamp(DAY, tz="Asia/Shanghai").tz_convert("UTC"),
    pd.Timestamp(DAY, tz="Asia/Shanghai").to_pydatetime().astimezone(UTC), pd.Timestamp(DAY, tz="UTC"),
    pd.Timestamp("2024-03-04 15:00"), pd.Timestamp("2024-03-04 16:00", tz="America/New_York"),
    np.datetime64(DAY), np.datetime64(DAY, "ns"), np.str_(DAY),
]  # fmt: skip
#: what numpy or pandas would make something of, and what nobody would
NO_DAYS = [
    "2024", 2024, "", " ", "NaT", "nat", "now", "today", "2024-03", "2024-3-4", "2024/03/04", "04.03.2024", "20241301",
    "202403040", 20241301, 202403, "2024-03-04T10:00", "12024-03-04", pd.NaT, np.datetime64("NaT"),
    np.datetime64("2024"), np.datetime64("2024-03"), 20240304.0, float("nan"), True, b"20240304", [], "1024-03-04",
    date(1024, 3, 4), "99991231",
    # midnight in Shanghai in UTC, the time zone forgotten: 2024-03-05
    np.datetime64("2024-03-04T16:00"), np.datetime64("2024-03-04T16:00", "ns"), datetime(2024, 3, 4, 16),
    pd.Timestamp("2024-03-04 16:00"),
]  # fmt: skip


def panel() -> Panel:
    return Panel.from_arrays(SESSIONS, ["SH600000"], flat([10.0] * 10, pre_close=[10.0] * 10), market="cn")


def traded(**days: Any) -> Any:
    whole = panel()
    return simulate(whole, np.zeros(whole.shape), policy=buy_and_hold(np.ones(1)), **{"start": 0, **days}).dates


def stored(tmp_path: Any, **days: Any) -> Panel:
    rows = [f"{day},600000,10,10,10,10,100" for day in SESSIONS]
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(["date,symbol,open,high,low,close,volume", *rows]) + "\n")
    return load_panel(path, **days)


@pytest.mark.parametrize("day", WRITTEN, ids=repr)
def test_a_day_is_the_same_day_at_every_door(day: Any, tmp_path: Any) -> None:
    assert str(as_day(day)) == DAY
    assert panel().until(day).shape[0] == ROW
    assert str(traded(start=day)[0]) == DAY and str(traded(stop=day)[-1]) == str(SESSIONS[ROW - 1])
    assert str(stored(tmp_path, start=day).dates[0]) == str(stored(tmp_path, end=day).dates[-1]) == DAY
    assert str(make_market(20, 40, start=day).panel.dates[0]) == DAY
    assert str(Panel.from_arrays([day], ["A"], flat([1.0])).dates[0]) == DAY
    assert str(session_dates(day, 2)[0]) == DAY
    assert Parameter(date, DAY).check("first", day) == DAY
    assert CostSchedule("dated", 1.0, ((day, 0.0, 5.0),)).rates(SESSIONS[ROW:]).sell[0] == pytest.approx(6e-4)


DOORS: list[tuple[type[LibError], Callable[[Any], Any]]] = [
    (PanelError, as_day),
    (PanelError, lambda day: as_days([day])),
    (PanelError, lambda day: panel().until(day)),
    (PanelError, lambda day: Panel.from_arrays([day], ["A"], flat([1.0]))),
    (PanelError, lambda day: bands("main", [day])),
    (ParameterError, lambda day: traded(start=day)),
    (ParameterError, lambda day: traded(stop=day)),
    (ParameterError, lambda day: make_market(20, 40, start=day)),
    (ParameterError, lambda day: session_dates(day, 2)),
    (ParameterError, lambda day: check_parameters({"first": day}, {"first": Parameter(date, DAY)})),
    (ParameterError, lambda day: CostSchedule("dated", 1.0, ((day, 0.0, 5.0),))),
]


@pytest.mark.parametrize("day", NO_DAYS, ids=repr)
def test_what_is_no_day_is_refused_at_every_door(day: Any, tmp_path: Any) -> None:
    for error, door in DOORS:
        if door.__name__ != "as_day" and isinstance(day, list):
            continue  # an empty list of days is another mistake
        with pytest.raises(error) as caught:
            door(day)
        assert "\n" not in str(caught.value)
    for name in ("start", "end"):
        with pytest.raises(LoadError, match=f"^{name} is "):
            stored(tmp_path, **{name: day})


def test_the_message_says_what_was_got_and_what_was_expected() -> None:
    with pytest.raises(PanelError, match=r"^end is '2024/1/9', which is not a date; expected .* 20240131$"):
        panel().until("2024/1/9")
    with pytest.raises(PanelError, match=r"^dates\[1\] is '', which is not a date"):
        as_days(["20240304", ""])
    with pytest.raises(PanelError, match=r"^dates hold datetime64\[Y\], which names no days"):
        as_days(np.array(["2024"], "datetime64[Y]"))


def test_days_of_a_whole_axis() -> None:
    wanted = [str(day) for day in SESSIONS]
    texts = [day.replace("-", "") for day in wanted]
    for given in (wanted, texts, [int(t) for t in texts], np.array(texts), np.array(texts, "O"),
                  pd.DatetimeIndex(wanted), pd.DatetimeIndex(wanted).tz_localize("Asia/Shanghai"),
                  SESSIONS.astype("datetime64[ns]"), [day.item() for day in SESSIONS]):  # fmt: skip
        assert Panel.from_arrays(given, ["A"], flat([1.0] * 10)).dates.astype(str).tolist() == wanted
    assert as_days(np.array([texts[:5], texts[5:]])).shape == (2, 5)


def test_midnight_in_shanghai_is_never_the_day_before() -> None:
    """A time zone that was dropped on the way moves every day back by one, and the panel ahead of itself."""
    ours = pd.DatetimeIndex([str(day) for day in SESSIONS], tz="Asia/Shanghai")
    shifted = ours.tz_convert(None).to_numpy()
    assert (as_days(ours.tz_convert("UTC")) == SESSIONS).all()
    assert str(as_day(pd.Timestamp("1991-07-03", tz="Asia/Shanghai").tz_convert("UTC"))) == "1991-07-03", "summer time"
    assert str(as_day(pd.Timestamp("2024-03-04 21:00", tz="UTC"))) == DAY, "any other moment: its own clock"
    listed = flat([10.0] * 10) | {"list_date": np.broadcast_to(shifted[:1], (10, 1))}
    for call in (
        lambda: as_days(shifted),
        lambda: Panel.from_arrays(shifted, ["A"], flat([10.0] * 10)),
        lambda: Panel.from_arrays(SESSIONS, ["A"], listed),
        lambda: as_days_or_none([None, ours[0].tz_convert(None)]),
    ):
        with pytest.raises(PanelError, match=r"2024-02-25.16:00:00.*, 16:00 without a time zone"):
            call()


def test_days_that_may_be_missing() -> None:
    wanted = ["NaT", DAY]
    for given in ([None, DAY], [pd.NaT, date(2024, 3, 4)], [np.datetime64("NaT"), np.datetime64(DAY)],
                  np.array(wanted, "datetime64[ns]"), np.array(wanted, "datetime64[D]")):  # fmt: skip
        assert as_days_or_none(given).astype(str).tolist() == wanted
    assert as_days_or_none([DAY]).astype(str).tolist() == [DAY] and as_days_or_none([]).shape == (0,)
    for wrong in (["", DAY], np.array(["2024"], "datetime64[Y]"), np.array(["0024-01-01"], "M8[D]"), [float("nan")],
                  np.array(["9999-12-31"], "M8[D]"), ["9999-12-31"]):  # fmt: skip
        with pytest.raises(PanelError):
            as_days_or_none(wrong)
        with pytest.raises(ParameterError, match="last_session"):
            ends(Terms(last_session=wrong), panel())


def test_a_number_of_eight_digits_is_a_day_and_a_small_one_is_a_row() -> None:
    assert panel().until(3).shape[0] == 3 and panel().until(-3).shape[0] == 7 and panel().until(10).shape[0] == 10
    for outside in (11, 2024, -11):
        with pytest.raises(PanelError, match=f"end is {outside}; expected a row from 0 to 10, or a day"):
            panel().until(outside)
        with pytest.raises(ParameterError, match=f"stop is {outside}; expected a row from 0 to 10"):
            traded(stop=outside)
    for position in (20240304, "2024-03-04", 2.0, np.datetime64(DAY)):
        with pytest.raises(PanelError, match="rows are counted from 0"):
            panel().rows(0, position)  # type: ignore[arg-type]


def test_yesterdays_board_is_not_the_board_of_the_year_twenty_million() -> None:
    """+10 % on ChiNext was a limit close in 2015; as of 2020-08-24 it is none."""
    fields = flat([10.0, 10.5, 11.55], pre_close=[10.0, 10.0, 10.5])
    for first, may in ((20150105, False), (20210104, True)):
        panel_ = Panel.from_arrays([first, first + 1, first + 2], ["300001"], fields, market="cn")
        assert bool(panel_.can_buy()[2, 0]) is may


def test_a_listing_year_is_no_listing_day() -> None:
    fields = flat([10.0]) | {"list_date": np.array([["2024"]], "datetime64[Y]")}
    with pytest.raises(PanelError, match="'list_date' holds datetime64"):
        Panel.from_arrays([DAY], ["A"], fields)


@pytest.mark.parametrize("study", ["contamination", "rank_denominator"])
def test_days_of_a_study_are_days(study: str) -> None:
    schema = load_study(study).schema()
    assert check_parameters({"data_start": 20150105}, schema)["data_start"] == "2015-01-05"
    with pytest.raises(ParameterError, match="data_end is '2016', which is not a date"):
        check_parameters({"data_end": "2016"}, schema)
    assert cut(panel(), "20240304", "2024-03-06").shape[0] == 2
