"""The limit-event study against numbers that were computed independently from the same files, to the printed digits."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from lib import load_panel
from lib.evaluation.events import Outcomes, clustered_mean, limit_days, outcomes
from lib.studies.limit_events import STUDY

pytestmark = pytest.mark.data
REFERENCE = Path(__file__).parents[1] / "reference"
DIGITS = 5

RATES = {
    "days": "sessions", "cells": "cells", "halted": "halted", "lu_close": "limit_up", "ld_close": "limit_down",
    "lu_oneprice": "one_price_up", "ld_oneprice": "one_price_down", "touch_up": "touch_up", "touch_dn": "touch_down",
    "open_lu": "open_at_limit_up", "open_ld": "open_at_limit_down",
}  # fmt: skip
AFTER = {
    "n_lu": "limit-up close: n", "gap_lu": "limit-up close: gap", "c2c_lu": "limit-up close: next close",
    "f5o_lu": "limit-up close: five days from next open", "n_ld": "limit-down close: n",
    "gap_ld": "limit-down close: gap", "c2c_ld": "limit-down close: next close", "gap_other": "no limit close: gap",
    "c2c_other": "no limit close: next close",
}  # fmt: skip
COLUMNS = {
    "n": "n", "gap_mean": "gap", "gap_median": "gap median", "gap_pos": "gap positive", "c2c_mean": "next close",
    "c2c_excess": "next close, excess", "intraday_next": "next intraday", "c2c_std": "next close std",
    "fwd5_from_close": "five days from close", "fwd5_from_next_open": "five days from next open",
    "p_lu_next": "next day close up", "p_open_at_lu_next": "next day open up", "p_ld_next": "next day close down",
    "p_open_at_ld_next": "next day open down", "p_halt_next": "next day halted",
}  # fmt: skip
EVENTS = {
    "LU close": "limit-up close", "LU one-price (O=H=L=C)": "limit-up, one price",
    "LU non one-price": "limit-up, other",
    "touched LU, closed below": "touched limit-up, closed below", "LD close": "limit-down close",
    "LD one-price": "limit-down, one price", "touched LD, closed above": "touched limit-down, closed above",
    "r>+5%, not limit": "up more than 5 %, no limit", "r<-5%, not limit": "down more than 5 %, no limit",
    "other (all non-limit)": "no limit close",
}  # fmt: skip


def reference(name: str) -> list[dict[str, str]]:
    with open(REFERENCE / name, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def found(data_dir) -> dict[tuple[str, str], float]:
    """(variant, metric) -> value of the study on both files."""
    files = {"data_path": "cn_csi300_pit_2010_2024.parquet", "us_path": "us_sp500_2013_2018.parquet"}
    # the reference counts every member, from its first session on
    paths = {name: str(data_dir / file) for name, file in files.items()}
    settings = STUDY.settings(overrides=paths | {"min_sessions": 0})
    records = [r for row in STUDY.grid(settings) for r in STUDY.compute(dict(row), settings).records]
    return {(record["variant"], record["metric"]): record["value"] for record in records}


def assert_printed(value: float, printed: str, what: str, digits: int = DIGITS) -> None:
    assert round(value, digits) == pytest.approx(float(printed), abs=10.0 ** -(digits + 3)), what


@pytest.mark.parametrize("source,name", [("csi300", "csi300_years"), ("us", "us_years")])
def test_every_year_agrees_to_the_printed_digits(found, source, name):
    rows = reference(f"limit_events_{name}.csv")
    assert len(rows) == {"csi300": 14, "us": 6}[source]
    for row in rows:
        variant = f"{source} {row['year']}"
        for column, metric in {**RATES, **AFTER}.items():
            assert_printed(found[variant, metric], row[column], f"{variant}, {metric}")
        assert_printed(found[variant, "stocks_per_session"], row["stocks_per_day"], f"{variant}, stocks", 1)


def test_the_event_table_of_the_control_agrees_to_the_printed_digits(found):
    rows = {row["event"]: row for row in reference("limit_events_us_events.csv")}
    assert set(rows) == set(EVENTS)
    for theirs, ours in EVENTS.items():
        if theirs == "touched LD, closed above":
            continue  # the next test
        for column, metric in COLUMNS.items():
            assert_printed(found["us all", f"{ours}: {metric}"], rows[theirs][column], f"{ours}, {metric}")


def test_one_event_of_the_control_is_found_by_exact_ticks_only(data_dir):
    """The reference draws its fictitious limits in floating point.

    FCX closed at 4.35 before 2016-01-19; 10 % less is 3.915, rounded half up 3.92, and its low of 3.92 touched that. As
    a float the product is 3.9149999..., which rounds to 3.91. Without this one cell the row agrees in every digit.
    """
    panel = load_panel(data_dir / "us_sp500_2013_2018.parquet", market="none")
    days = limit_days(panel, 10)
    touched = days.events()["touched limit-down, closed above"].copy()
    t, i = np.flatnonzero(panel.dates == np.datetime64("2016-01-19"))[0], list(panel.symbols).index("FCX")
    assert touched[t, i] and panel.fields["close"][t - 1, i] == 4.35 and panel.fields["low"][t, i] == 3.92
    assert round(4.35 * 0.9, 2) == 3.91
    touched[t, i] = False
    row = {r["event"]: r for r in reference("limit_events_us_events.csv")}["touched LD, closed above"]
    for column, value in columns(touched, outcomes(days)).items():
        assert_printed(value, row[column], column)


def test_overlap_makes_the_errors_of_five_days_about_one_and_a_half_times_larger(data_dir):
    days = limit_days(load_panel(data_dir / "cn_csi300_pit_2010_2024.parquet", market="cn"))
    event, after = days.events()["limit-up close"], outcomes(days)
    for values in (after.five_from_close, after.five_from_open):
        by_day, overlapping = (clustered_mean(values, event, horizon=horizon)[1] for horizon in (1, 5))
        assert 1.35 < overlapping / by_day < 1.5


def columns(event: np.ndarray, after: Outcomes) -> dict[str, float]:
    n, gaps, closes = int(event.sum()), after.gap[event], after.close[event]
    means = (after.gap, after.close, after.excess, after.intraday, after.five_from_close, after.five_from_open)
    names = ("gap_mean", "c2c_mean", "c2c_excess", "intraday_next", "fwd5_from_close", "fwd5_from_next_open")
    following = ("close up", "open up", "close down", "open down", "halted")
    shares = ("p_lu_next", "p_open_at_lu_next", "p_ld_next", "p_open_at_ld_next", "p_halt_next")
    return {
        "n": n,
        "gap_median": float(np.nanmedian(gaps)),
        "gap_pos": float((gaps > 0).sum() / n),
        "c2c_std": float(np.nanstd(closes)),
        **{name: float(np.nanmean(values[event])) for name, values in zip(names, means, strict=True)},
        **{name: float(after.next_is[state][event].mean()) for name, state in zip(shares, following, strict=True)},
    }
