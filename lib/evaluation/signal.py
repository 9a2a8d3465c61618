"""A reader's own signal: read from a file, matched to a panel, and asked how much of it can be had.

A signal is a number per (date, symbol), known at the close of the date: a factor, or a prediction. It is scored on two
sets of cells: all cells with a price, and those whose stock could be bought at that close. The difference is what a
back-test invents that fills every order.

    forward return over h sessions   adjusted close(t + h) / adjusted close(t) - 1, both closes there
    IC, rank IC of a day             Pearson and Spearman correlation over the stocks of the day, 20 at least
    error of a mean IC               Newey-West with at least h - 1 lags, because labels of h sessions overlap
    books                            equal-weight top k with a buffer (`lib.portfolio.top_k_buffer`), 8 bps a side
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from lib.arrays import BoolArray, Matrix
from lib.days import as_days
from lib.errors import LoadError, ParameterError, StatisticsError
from lib.evaluation.scoring import COST_BPS, MINIMUM_CELLS, SESSIONS, annual_sharpe, backtests
from lib.limits.ticks import is_symbol
from lib.load.keys import spell
from lib.panel import Panel
from lib.portfolio import active_returns, equal_weight, flat, phantom_alpha, simulate, top_k_buffer
from lib.stats import bootstrap_interval, dsr, ic, masked_ranks, moments, newey_west_error, normal_interval
from lib.stats.estimates import Estimate
from lib.stats.forward import ahead

DATES: Final = ("date", "datetime", "trade_date", "day", "time")
SYMBOLS: Final = ("symbol", "code", "ts_code", "ticker", "instrument", "asset", "stock")
#: groups of a day by the signal, lowest first
QUANTILES: Final = 5
#: the top of a day that a book would want
TOP: Final = 0.1
#: sessions after the signal over which its decay is followed
LAGS: Final = 20
SAMPLES: Final = 1000


@dataclass(frozen=True)
class Signal:
    """values [T, N], NaN where there is none; lost: reason -> rows of the file that are not in it."""

    values: Matrix
    rows: int
    lost: dict[str, int]


@dataclass(frozen=True)
class SignalCheck:
    """numbers: (part, what, cells) -> Estimate, in words; lost: reason -> rows; trials: of which this is the best."""

    numbers: dict[tuple[str, str, str], Estimate]
    signal: Signal
    trials: int

    def find(self, part: str, what: str, cells: str = "all") -> Estimate:
        """One number; NaN where it could not be computed."""
        return self.numbers.get((part, what, cells), Estimate(math.nan))

    def table(self, part: str) -> pd.DataFrame:
        """The numbers of one part: what down, all and buyable cells across."""
        found = {what: {} for own, what, _ in self.numbers if own == part}  # type: dict[str, dict[str, float]]
        for (own, what, cells), item in self.numbers.items():
            if own == part:
                found[what] |= item.columns(cells)
        return pd.DataFrame.from_dict(found, orient="index").rename_axis(part)

    def frame(self) -> pd.DataFrame:
        """Every number as a row: part, what, cells, value, low, high."""
        lines = [(*key, *item) for key, item in self.numbers.items()]
        return pd.DataFrame(lines, columns=["part", "what", "cells", "value", "low", "high"])


# ------------------------------------------------------------------------------------------- reading


def read_signal(path: Path | str, panel: Panel) -> Signal:
    """A signal from a csv or parquet file, long (date, symbol, value) or wide (date, a column per symbol).

    Of a long file with several columns of numbers the one called value, signal, score, factor or prediction counts.
    Symbols are read in any spelling of `lib.load`. Of a pair that stands twice the last row counts. Raises LoadError:
    one line that says what was found and what was expected.
    """
    path = Path(path)
    frame = _table(path)
    date = _named(frame, DATES)
    if date is None:
        raise LoadError(f"{path.name}: no column of dates ({', '.join(DATES)}); the file has {_shown(frame.columns)}")
    symbol = _named(frame, SYMBOLS)
    long = _from_long(frame, path, date, symbol) if symbol is not None else _from_wide(frame, path, date)
    return _placed(long, path, panel)


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise LoadError(f"{path}: no such file; expected a csv or parquet file of a signal")
    try:
        whole = dict.fromkeys(SYMBOLS, str)  # 000001 is no number
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=whole)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise LoadError(f"{path.name}: cannot be read as {path.suffix or 'csv'}: {reason}") from None
    return frame.reset_index() if any(name is not None for name in frame.index.names) else frame


def _named(frame: pd.DataFrame, names: Sequence[str]) -> Any:
    return next((column for column in frame.columns if str(column).strip().lower() in names), None)


def _shown(names: Any) -> str:
    return ", ".join(map(str, names))[:200]


def _from_long(frame: pd.DataFrame, path: Path, date: Any, symbol: Any) -> pd.DataFrame:
    others = [name for name in frame.columns if name not in (date, symbol)]
    numeric = [name for name in others if pd.api.types.is_numeric_dtype(frame[name])]
    wanted = [name for name in numeric if str(name).lower() in ("value", "signal", "score", "factor", "prediction")]
    chosen = wanted[:1] or numeric
    if len(chosen) != 1:
        raise LoadError(
            f"{path.name}: {len(numeric)} columns of numbers ({_shown(numeric)}); expected one, or one called value"
        )
    return pd.DataFrame({"date": frame[date], "symbol": frame[symbol].astype(str), "value": frame[chosen[0]]})


def _from_wide(frame: pd.DataFrame, path: Path, date: Any) -> pd.DataFrame:
    columns = [name for name in frame.columns if name != date and pd.api.types.is_numeric_dtype(frame[name])]
    if not columns:
        raise LoadError(f"{path.name}: no column of numbers beside {date!r}; the file has {_shown(frame.columns)}")
    wide = frame[[date, *columns]].melt(id_vars=[date], var_name="symbol", value_name="value")
    return wide.rename(columns={date: "date"}).astype({"symbol": str})


def _placed(rows: pd.DataFrame, path: Path, panel: Panel) -> Signal:
    days = as_days(rows["date"].to_numpy(), f"{path.name}: dates", LoadError)
    at = np.searchsorted(panel.dates, days).clip(0, len(panel.dates) - 1)
    known_day = panel.dates[at] == days
    places = {str(name): place for place, name in enumerate(panel.symbols)}
    spelt = {name: places.get(name, places.get(_spelt(name), -1)) for name in rows["symbol"].unique()}
    stock = rows["symbol"].map(spelt).to_numpy()
    value = rows["value"].to_numpy(dtype=float)
    finite = np.isfinite(value)
    lost = {
        "no number (missing or infinite)": ~finite,
        "the stock is not in the prices": finite & (stock < 0),
        "the day is not in the prices": finite & (stock >= 0) & ~known_day,
    }
    kept = finite & (stock >= 0) & known_day
    values = np.full(panel.shape, np.nan)
    values[at[kept], stock[kept]] = value[kept]
    found = np.isfinite(values)
    outside = found & ~panel.observed
    values[outside] = np.nan
    counts = {reason: int(rows_.sum()) for reason, rows_ in lost.items()}
    counts["the pair of day and stock stands more than once"] = int(kept.sum()) - int(found.sum())
    counts["the stock has no price that day"] = int(outside.sum())
    if not np.isfinite(values).any():
        why = "; ".join(f"{count:,}: {reason}" for reason, count in counts.items() if count)
        raise LoadError(
            f"{path.name}: none of {len(rows):,} rows fits the prices ({panel.dates[0]} to {panel.dates[-1]}, "
            f"{len(panel.symbols)} symbols such as {panel.symbols[0]}): {why}"
        )
    return Signal(values, len(rows), {reason: count for reason, count in counts.items() if count})


def _spelt(name: str) -> str:
    found = spell(name.zfill(6) if name.isdigit() else name)
    return found if found is not None and is_symbol(found) else name


# ------------------------------------------------------------------------------------------ checking


def check_signal(
    panel: Panel,
    signal: Signal | Matrix,
    *,
    horizons: Sequence[int] = (1, 5, 20),
    trials: int = 1,
    seed: int = 0,
) -> SignalCheck:
    """Every number of a signal on a panel.

    horizons: sessions of the labels. trials: how many signals were tried of which this is the best; it deflates the
    Sharpe ratio. seed: of the resampled intervals of returns.

    Raises ParameterError for horizons below 1, trials below 1, and a signal of another shape than the panel.
    """
    own = signal if isinstance(signal, Signal) else Signal(np.asarray(signal, dtype=float), int(np.size(signal)), {})
    if own.values.shape != panel.shape:
        raise ParameterError(f"signal has shape {own.values.shape}, the panel {panel.shape}; expected the same")
    if trials < 1 or any(h < 1 for h in horizons):
        raise ParameterError(f"check_signal: horizons {list(horizons)}, trials {trials}; expected whole numbers from 1")
    there = np.isfinite(own.values) & panel.universe & panel.observed
    if not there.any():
        raise ParameterError("check_signal: the signal has no value on a member of the universe with a price")
    cells = {"all": there, "buyable": there & panel.can_buy("close")}
    numbers: dict[tuple[str, str, str], Estimate] = {}
    for name, part in cells.items():
        numbers |= {(*key, name): item for key, item in _information(panel, own.values, part, horizons)}
    numbers |= {(*key, "all"): item for key, item in _coverage(panel, own.values, cells)}
    scores = np.where(there, own.values, np.nan)  # what stands in other cells orders nothing
    numbers |= {(*key, "all"): item for key, item in _money(panel, scores, trials, np.random.default_rng(seed))}
    return SignalCheck(numbers, own, trials)


def forward_return(panel: Panel, horizon: int) -> Matrix:
    """Return [T, N] from the close of t to that of t + horizon; NaN where either is missing."""
    close = np.where(panel.observed, panel.adjusted("close"), np.nan)
    return np.asarray(ahead(close, horizon) / close - 1)


def _mean(daily: Matrix, horizon: int = 1) -> Estimate:
    """Mean of a daily series over its defined days with its Newey-West interval."""
    known = daily[np.isfinite(daily)]
    if not len(known):
        return Estimate(math.nan)
    mean = float(known.mean())
    try:
        return normal_interval(mean, newey_west_error(known, horizon=horizon))
    except StatisticsError:  # one day, or the same on all of them
        return Estimate(mean)


def _information(
    panel: Panel, values: Matrix, cells: BoolArray, horizons: Sequence[int]
) -> Iterator[tuple[tuple[str, str], Estimate]]:
    """ICs by horizon, by year, by number of limit-ups and by lag; returns by quantile."""
    for horizon in horizons:
        label = forward_return(panel, horizon)
        known = cells & np.isfinite(label)
        kinds: tuple[tuple[Literal["pearson", "spearman"], str], ...] = (("pearson", "IC"), ("spearman", "rank IC"))
        for kind, name in kinds:
            daily = ic(values, label, known, kind=kind, min_cells=MINIMUM_CELLS)
            yield (name, f"{horizon} session{'s' * (horizon > 1)}"), _mean(daily, horizon)
    label = forward_return(panel, 1)
    known = cells & np.isfinite(label)
    daily = ic(values, label, known, kind="spearman", min_cells=MINIMUM_CELLS)
    years = panel.dates.astype("datetime64[Y]").astype(int) + 1970
    for year in np.unique(years[np.isfinite(daily)]):
        yield ("rank IC by year", str(year)), _mean(daily[years == year])
    yield from _by_limit_ups(panel, daily)
    yield from _decay(panel, values, cells)
    yield from _quantiles(values, label, known)


def _by_limit_ups(panel: Panel, daily: Matrix) -> Iterator[tuple[tuple[str, str], Estimate]]:
    """The rank IC on days with few and with many members that close limit-up (lower and upper third of the days)."""
    from lib.reasons import Reason

    count = ((panel.reasons & Reason.LIMIT_UP) != 0).astype(float).sum(axis=1)
    defined = np.isfinite(daily)
    if not defined.any() or count[defined].max() == 0:
        return
    low, high = np.quantile(count[defined], [1 / 3, 2 / 3])
    yield ("rank IC by limit-ups", "days with few limit-up closes"), _mean(np.where(count <= low, daily, np.nan))
    yield ("rank IC by limit-ups", "days with many limit-up closes"), _mean(np.where(count > high, daily, np.nan))


def _decay(panel: Panel, values: Matrix, cells: BoolArray) -> Iterator[tuple[tuple[str, str], Estimate]]:
    """The rank IC with the return of the k-th session after the signal alone."""
    one = forward_return(panel, 1)
    for lag in range(LAGS):
        later = ahead(one, lag)
        daily = ic(values, later, cells & np.isfinite(later), kind="spearman", min_cells=MINIMUM_CELLS)
        yield ("decay of the rank IC", f"session {lag + 1}"), _mean(daily)


def _quantiles(values: Matrix, label: Matrix, known: BoolArray) -> Iterator[tuple[tuple[str, str], Estimate]]:
    """Next-day return over the mean of the day, in basis points, by quantile of the signal; and their order."""
    count = known.sum(axis=1)
    enough = count >= max(MINIMUM_CELLS, QUANTILES)
    ranks = masked_ranks(values, known)
    group = np.ceil(ranks * QUANTILES / np.maximum(count, 1)[:, None]).astype(int)  # 1..QUANTILES, 0 outside
    centre = np.where(known, label, 0.0).sum(axis=1) / np.maximum(count, 1)
    means = []
    for quantile in range(1, QUANTILES + 1):
        inside = (group == quantile) & known & enough[:, None]
        size = inside.sum(axis=1)
        daily = np.where(size > 0, np.where(inside, label, 0.0).sum(axis=1) / np.maximum(size, 1) - centre, np.nan)
        found = _mean(daily).times(1e4)
        means.append(found.value)
        yield ("return by quantile, bps", f"{quantile} of {QUANTILES}"), found
    from scipy.stats import spearmanr

    order = float(spearmanr(np.arange(QUANTILES), means).statistic)
    yield ("return by quantile, bps", "monotonicity (rank correlation)"), Estimate(order)


def _coverage(
    panel: Panel, values: Matrix, cells: dict[str, BoolArray]
) -> Iterator[tuple[tuple[str, str], Estimate]]:
    listed = panel.universe & panel.observed
    days = np.isfinite(values).any(axis=1)
    there, buyable = cells["all"], cells["buyable"]
    yield ("coverage", "share of members with a signal"), Estimate(there[days].sum() / max(int(listed[days].sum()), 1))
    yield ("coverage", "of these, cannot be bought at the close"), Estimate(1 - buyable.sum() / there.sum())
    count = there.sum(axis=1)
    ranks = masked_ranks(np.where(there, values, 0.0), there)
    top = there & (ranks > (1 - TOP) * count[:, None])
    bottom = there & (ranks <= TOP * count[:, None])
    for name, part in (("top tenth", top), ("bottom tenth", bottom)):
        share = 1 - (part & buyable).sum() / max(int(part.sum()), 1)
        yield ("coverage", f"of the {name}, cannot be bought"), Estimate(float(share))


def _money(
    panel: Panel, scores: Matrix, trials: int, rng: np.random.Generator
) -> Iterator[tuple[tuple[str, str], Estimate]]:
    """Books of the top stocks: every order filled and executed, before and after costs; why they differ."""
    benchmark = equal_weight(panel)
    runs = backtests(panel, scores, None)
    labels = {"naive_close": "every order filled at the close", "executed_open": "executed at the next open"}
    for name, label in labels.items():
        run = runs[name]
        gross, net = (active_returns(run, benchmark, gross=before) for before in (True, False))
        yield ("return over equal weight, a year", f"{label}, before costs"), _annual(gross, rng)
        yield ("return over equal weight, a year", f"{label}, after {COST_BPS:g} bps a side"), _annual(net, rng)
        yield ("Sharpe ratio over equal weight", f"{label}, before costs"), _sharpe(gross, rng)
        yield ("Sharpe ratio over equal weight", f"{label}, after {COST_BPS:g} bps a side"), _sharpe(net, rng)
        yield ("turnover a day", label), Estimate(float(run.turnover[1:].mean()))
    found = phantom_alpha(panel, scores, policy=top_k_buffer(), fill="close")
    split = {"limit-up purchases": ("limit_up_buy",), "limit-down sales": ("limit_down_sell",), "halts": ("halt",)}
    yield ("phantom alpha, a year", "all refused orders"), _annual(found.total, rng)
    for name, refuse in split.items():
        own = simulate(panel, scores, policy=top_k_buffer(), fill="close", refuse=refuse, costs=flat(0.0))
        yield ("phantom alpha, a year", f"{name} alone"), _annual(found.naive.returns - own.returns, rng)
    net = active_returns(runs["executed_open"], benchmark)
    yield from _deflated(net, trials)


def _deflated(net: Matrix, trials: int) -> Iterator[tuple[tuple[str, str], Estimate]]:
    """Probability that the true Sharpe ratio beats what chance gives among as many trials of no value."""
    try:
        own = moments(net)
        value = dsr(
            annual_sharpe(net) / SESSIONS**0.5, len(net), own.skew, own.kurtosis, n_trials=trials,
            trial_variance=1 / len(net),
        )  # fmt: skip
    except StatisticsError:
        return
    yield ("trials", "deflated Sharpe ratio"), Estimate(float(value))


def _annual(daily: Matrix, rng: np.random.Generator) -> Estimate:
    return _resampled(daily, lambda path: float(path.mean()) * SESSIONS, rng)


def _sharpe(daily: Matrix, rng: np.random.Generator) -> Estimate:
    return _resampled(daily, annual_sharpe, rng)


def _resampled(daily: Matrix, statistic: Any, rng: np.random.Generator) -> Estimate:
    try:
        return bootstrap_interval(daily, statistic, rng=rng, n_samples=SAMPLES)
    except StatisticsError:
        return Estimate(math.nan)
