"""What happens after a close at the price limit, by year, against a market that has no limits.

Answers: how often limits bind, and what the papers' mechanism rests on: whether the return that "looks predictable"
after a limit-up can be earned by someone who buys at the next open.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lib.evaluation.events import HORIZON, LimitDays, Outcomes, clustered_mean, limit_days, outcomes, spans
from lib.evaluation.inputs import OVERLAY, source_name, study_panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.stats import MINIMUM_SESSIONS, normal_interval
from lib.store.rows import records

#: limits drawn where there are none, in percent
FICTITIOUS = 10

STATES = {
    "limit_up": "close up", "limit_down": "close down", "one_price_up": "one-price up",
    "one_price_down": "one-price down", "touch_up": "touch up", "touch_down": "touch down",
    "open_at_limit_up": "open up", "open_at_limit_down": "open down",
}  # fmt: skip

#: regimes and episodes of paper B, s6.1 and s6.2, for the limit rates it states
PERIODS = {
    "2022 Q1-Q3": ("2022-01-01", "2022-10-01"),
    "2024 H1": ("2024-01-01", "2024-07-01"),
    "April 2022": ("2022-04-01", "2022-05-01"),
    "two weeks from 2024-09-24": ("2024-09-24", "2024-10-12"),
}


def grid(settings: Settings) -> Iterator[Config]:
    if settings["data_path"]:
        yield {"variant": source_name(settings["data_path"]), "seed": 0, "source": "data"}
    else:
        for seed in settings["seeds"]:
            yield {"variant": OVERLAY, "seed": seed, "source": "overlay"}
    if settings["us_path"]:
        yield {"variant": source_name(settings["us_path"]), "seed": 0, "source": "us"}


def inputs(settings: Settings) -> list[str]:
    return [settings[name] for name in ("data_path", "us_path") if settings[name]]


def compute(row: Config, settings: Settings) -> RowResult:
    us = row["source"] == "us"
    panel = study_panel(settings, row["seed"], *(("us_path", "none") if us else ()))
    days = limit_days(panel, FICTITIOUS if us else None)
    after = outcomes(days)
    rows: list[dict[str, Any]] = []
    for label, span in _all_spans(panel.dates):
        found = [*_span_records(days.on(span), after.on(span))]
        rows += [{"variant": f"{row['variant']} {label}", **record} for record in found]
    return RowResult(rows)


def _span_records(days: LimitDays, after: Outcomes) -> Iterator[dict[str, Any]]:
    yield from records(_state_rates(days))
    for name, event in days.events().items():
        yield from _event_records(name, event, after)


def _all_spans(dates: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield from spans(dates)
    for label, (start, stop) in PERIODS.items():
        inside = (dates >= np.datetime64(start)) & (dates < np.datetime64(stop))
        if inside.any() and dates[-1] >= np.datetime64(stop) - np.timedelta64(31, "D"):
            yield label, inside


def _state_rates(days: LimitDays) -> dict[str, float]:
    sessions, members, traded = len(days.member), int(days.member.sum()), int(days.traded.sum())
    masked = (days.at["close up"] | days.at["close down"] | days.halted) & days.member
    return {
        "sessions": sessions,
        "cells": members,
        "stocks_per_session": members / sessions,
        "halted": 1 - traded / members if members else math.nan,
        "masked_per_session": int(masked.sum()) / sessions,
        **{name: _share(days.at[state] & days.traded, traded) for name, state in STATES.items()},
    }


def _share(cells: np.ndarray, of: int) -> float:
    return int(cells.sum()) / of if of else math.nan


def _event_records(name: str, event: np.ndarray, after: Outcomes) -> Iterator[dict[str, Any]]:
    """The event table's columns for one event: counts, shares of events, and means of what follows.

    Means have no interval where the span is shorter than `MINIMUM_SESSIONS`.
    """
    n = int(event.sum())
    yield {"metric": f"{name}: n", "value": n, "n": n}
    if n == 0:
        return
    gaps = after.gap[event]
    gaps = gaps[np.isfinite(gaps)]
    if len(gaps):
        yield {"metric": f"{name}: gap median", "value": float(np.median(gaps)), "n": len(gaps)}
        yield {"metric": f"{name}: gap positive", "value": float((gaps > 0).sum() / n), "n": n}
    moves = after.close[event]
    if np.isfinite(moves).any():
        yield {"metric": f"{name}: next close std", "value": float(np.nanstd(moves)), "n": n}
    for label, values in _outcome_columns(after).items():
        mean, error, used = clustered_mean(values, event, horizon=HORIZON if label.startswith("five days") else 1)
        found = {f"{name}: {label}": mean}
        if len(event) >= MINIMUM_SESSIONS:
            found = normal_interval(mean, error).columns(f"{name}: {label}")
        yield from records(found, used)
    for state, cells in after.next_is.items():
        yield {"metric": f"{name}: next day {state}", "value": _share(cells & event, n), "n": n}


def _outcome_columns(after: Outcomes) -> Mapping[str, np.ndarray]:
    return {
        "gap": after.gap,
        "next close": after.close,
        "next close, excess": after.excess,
        "next intraday": after.intraday,
        "five days from close": after.five_from_close,
        "five days from next open": after.five_from_open,
    }
