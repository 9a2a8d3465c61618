"""What a market looks like, in the numbers it is calibrated to: one function per group, panel in, numbers out.

Shares are of traded members, halts of listed members, as in `lib.evaluation.events`. A quantity of a stock's own
history (autocorrelation, volume against its mean) uses the days on which it is a member and traded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.arrays import BoolArray, FloatArray
from lib.evaluation.events import LimitDays, Outcomes, limit_days, outcomes
from lib.panel import Panel

Named = Iterator[tuple[str, float]]

ACF_LAGS: Final = (1, 2, 3, 5, 10, 15, 20, 30, 40)
PROFILE: Final = range(-5, 11)  # days around a limit-up close
SPELLS: Final = (1, 2, 3, 4, 5, 10, 20)  # shares of spells that last at least so many days
MIN_DAYS: Final = 250  # that a stock's own history needs
YEAR: Final = 243
VOLUME_DAYS: Final = 20


def measure(panel: Panel, periods: Mapping[str, BoolArray]) -> dict[str, float]:
    """Every quantity of the calibration. periods: name -> days [T], for limit rates by regime.

    Returns metric -> value; NaN where a quantity does not exist (no limit close in a short market).
    """
    days = limit_days(panel)
    after = outcomes(days)
    events = days.events()
    volume = relative_volume(panel, days.traded)
    return dict([
        *_rates(days, periods), *_after_limits(events, after), *_shape(days, periods),
        *_within_day(panel, events["no limit close"]), *_correlation(days), *_clustering(days), *_spells(days),
        *_profile(events["limit-up close"], days, volume),
        ("volume on limit-up", _mean(volume, events["limit-up close"])),
        ("volume on one-price limit-up", _mean(volume, events["limit-up, one price"])),
    ])  # fmt: skip


def _rates(days: LimitDays, periods: Mapping[str, BoolArray]) -> Named:
    for name, span in periods.items():
        cells = days.traded & span[:, None]
        for side in ("up", "down"):
            yield f"limit-{side} closes, {name}", _share(days.at[f"close {side}"] & cells, cells)
        yield f"limit closes, {name}", _share((days.at["close up"] | days.at["close down"]) & cells, cells)
        member = days.member & span[:, None]
        yield f"halted, {name}", 1 - _share(cells, member)
    yield "halted", 1 - _share(days.traded, days.member)


def _after_limits(events: Mapping[str, BoolArray], after: Outcomes) -> Named:
    for side in ("up", "down"):
        event = events[f"limit-{side} close"]
        yield f"limit-{side}: next gap", _mean(after.gap, event)
        yield f"limit-{side}: next intraday", _mean(after.intraday, event)
        yield f"limit-{side}: five days from close", _mean(after.five_from_close, event)
        yield f"limit-{side}: five days from next open", _mean(after.five_from_open, event)
        yield f"limit-{side}: again next day", _share(after.next_is[f"close {side}"] & event, event)
        yield f"limit-{side}: one price", _share(events[f"limit-{side}, one price"], event)
        yield f"limit-{side}: next gap positive", _share((after.gap > 0) & event, event & np.isfinite(after.gap))


def _shape(days: LimitDays, periods: Mapping[str, BoolArray]) -> Named:
    r = np.where(days.traded, days.r, np.nan)
    known = np.isfinite(r)
    count = known.sum(axis=1)
    mean = np.where(known, r, 0.0).sum(axis=1) / np.maximum(count, 1)
    spread = np.sqrt(np.where(known, (r - mean[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(count, 1))
    busy = count >= 2
    yield "cross-sectional sd", float(spread[busy].mean())
    for name, span in periods.items():
        yield f"cross-sectional sd, {name}", float(spread[busy & span].mean()) if (busy & span).any() else np.nan
    pooled = r[known]
    z = (pooled - pooled.mean()) / pooled.std()
    yield "excess kurtosis", float((z**4).mean() - 3)
    yield "sd of the equal-weight return", float(mean[busy].std())
    yield "median volatility of a stock", float(np.median([np.nanstd(c) for c in r.T if np.isfinite(c).sum() >= 60]))


def _within_day(panel: Panel, cells: BoolArray) -> Named:
    """How often the close is the day's extreme, where no limit holds it: what divides by its distance fails there."""
    close = panel.fields["close"]
    yield "close at the low", _share((close <= panel.fields["low"]) & cells, cells)
    yield "close at the high", _share((close >= panel.fields["high"]) & cells, cells)


def _correlation(days: LimitDays) -> Named:
    """Mean pairwise correlation of returns, by stretches of a year: mean, least and greatest."""
    r = np.where(days.traded, days.r, np.nan)
    found = []
    for start in range(0, max(len(r) - YEAR // 2, 1), YEAR):
        part = r[start : start + YEAR]
        part = part[:, np.isfinite(part).sum(axis=0) >= 0.6 * len(part)]
        part = part[:, np.nanmax(part, axis=0) > np.nanmin(part, axis=0)]  # a price that never moves has no correlation
        n = part.shape[1]
        if n < 5:
            continue
        z = (part - np.nanmean(part, axis=0)) / np.nanstd(part, axis=0)
        total = np.nan_to_num(z).sum(axis=1)
        # the mean of all pairs from the variance of their sum: no N x N matrix
        pairs = (total**2).mean() - (np.nan_to_num(z) ** 2).mean(axis=0).sum()
        found.append(pairs / (n * (n - 1)))
    yield "pairwise correlation", float(np.mean(found)) if found else np.nan
    yield "pairwise correlation, least year", float(np.min(found)) if found else np.nan
    yield "pairwise correlation, greatest year", float(np.max(found)) if found else np.nan


def _clustering(days: LimitDays) -> Named:
    """Autocorrelation of |r| and of r less the day's mean, means over stocks; rank correlation of adjacent days."""
    r = np.where(days.traded, days.r, np.nan)
    enough = np.isfinite(r).sum(axis=0) >= min(MIN_DAYS, len(r) // 2)
    size = np.abs(r[:, enough])
    for lag in ACF_LAGS:
        yield f"acf of |r|, lag {lag}", _autocorrelation(size, lag)
    yield "acf of r, lag 1", _autocorrelation(r[:, enough], 1)
    excess = r - np.nanmean(np.where(np.isfinite(r).any(axis=1, keepdims=True), r, 0.0), axis=1, keepdims=True)
    yield "acf of excess r, lag 1", _autocorrelation(excess[:, enough], 1)


def _autocorrelation(x: FloatArray, lag: int) -> float:
    """Mean over the columns; pairs with a hole are left out, mean and variance are those of the column."""
    if x.shape[1] == 0 or len(x) <= lag:
        return np.nan
    z = x - np.nanmean(x, axis=0)
    product = z[lag:] * z[:-lag]
    return float(np.mean(np.nanmean(product, axis=0) / np.nanmean(z * z, axis=0)))


def _spells(days: LimitDays) -> Named:
    states = {
        "halt": days.halted & days.member,
        "limit-up": days.at["close up"] & days.traded,
        "limit-down": days.at["close down"] & days.traded,
    }
    for name, cells in states.items():
        lengths = spell_lengths(cells)
        yield f"{name} spells: mean", float(lengths.mean()) if len(lengths) else np.nan
        for k in SPELLS:
            yield f"{name} spells: at least {k}", float((lengths >= k).mean()) if len(lengths) else np.nan


def spell_lengths(cells: BoolArray) -> NDArray[np.int64]:
    """Lengths of the runs of True down each column.

    >>> spell_lengths(np.array([[True, False], [True, True], [False, False]])).tolist()
    [2, 1]
    """
    padded = np.pad(cells.astype(np.int8), ((1, 1), (0, 0)))
    edges = np.diff(padded, axis=0).T
    return np.asarray(np.nonzero(edges == -1)[1] - np.nonzero(edges == 1)[1])


def relative_volume(panel: Panel, traded: BoolArray) -> FloatArray:
    """Log volume less its mean over the 20 traded days before, [T,N]; NaN without at least ten of them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        log_volume = np.where(traded, np.log(panel.adjusted("volume")), np.nan)
    known = np.isfinite(log_volume)
    total = _window_sum(np.where(known, log_volume, 0.0))
    count = _window_sum(known.astype(np.float64))
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count >= VOLUME_DAYS / 2)
    return np.asarray(log_volume - mean)


def _window_sum(x: FloatArray) -> FloatArray:
    """Sum over the 20 days before each day."""
    running = np.vstack([np.zeros((1, x.shape[1])), np.cumsum(x, axis=0)])
    start = np.maximum(np.arange(len(x)) - VOLUME_DAYS, 0)
    return np.asarray(running[:-1] - running[start])


def _profile(event: BoolArray, days: LimitDays, volume: FloatArray) -> Named:
    """Mean log price against the limit-up close, and mean relative volume, on the days around it."""
    r = np.log1p(np.nan_to_num(np.where(days.at["close up"] | days.traded, days.r, 0.0)))
    level = np.cumsum(r, axis=0)
    day, stock = np.nonzero(event)
    inside = (day + PROFILE[0] >= 0) & (day + PROFILE[-1] < len(level))
    day, stock = day[inside], stock[inside]
    for k in PROFILE:
        moved = level[day + k, stock] - level[day, stock]
        traded = volume[day + k, stock]
        yield f"profile: price, day {k:+d}", float(moved.mean()) if len(day) else np.nan
        yield f"profile: volume, day {k:+d}", float(np.nanmean(traded)) if np.isfinite(traded).any() else np.nan


def _share(cells: BoolArray, of: BoolArray) -> float:
    n = int(of.sum())
    return int((cells & of).sum()) / n if n else np.nan


def _mean(values: FloatArray, cells: BoolArray) -> float:
    chosen: Any = values[cells]
    chosen = chosen[np.isfinite(chosen)]
    return float(chosen.mean()) if len(chosen) else np.nan
