"""The check of a signal: how much of it can be had, and how much a back-test that fills every order invents.

A signal is a number per (date, symbol), known at the close of the date: a factor, or a prediction
(`lib.evaluation.signal_file` reads one). It is scored on two sets of cells: all cells with a price, and those whose
stock could be bought at that close. The difference is what a back-test invents that fills every order.

    forward return over h sessions   adjusted close(t + h) / adjusted close(t) - 1, both closes there
    IC, rank IC of a day             Pearson and Spearman correlation over the stocks of the day, 20 at least
    error of a mean IC               Newey-West with at least as many lags as labels of h sessions overlap
    half-life h of the rank IC       least squares of IC(k) = a 2^(-(k - 1) / h) over the sessions k after the signal
    quantile                         ceil(5 (rank - 1) / (n - 1)), at least 1: that of pandas' qcut and of alphalens
    books                            equal-weight top k with a buffer (`lib.portfolio.top_k_buffer`), 8 bps a side, from
                                     the first value until as long after the last as the longest wait between two
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from lib.arrays import BoolArray, Matrix
from lib.errors import ParameterError, StatisticsError
from lib.evaluation.scoring import COST_BPS, MINIMUM_CELLS, RUNS, SESSIONS, annual_sharpe
from lib.evaluation.signal_file import Signal
from lib.panel import Panel
from lib.portfolio import active_returns, equal_weight, flat, phantom_alpha, simulate, top_k_buffer, trade
from lib.reasons import Reason
from lib.stats import bootstrap_interval, dsr, ic, masked_ranks, moments, newey_west_error, normal_interval
from lib.stats.estimates import Estimate
from lib.stats.forward import ahead
from lib.stats.rows import percentile_ranks, row_correlation

if TYPE_CHECKING:
    from lib.factors.neutralisation import Exposures

#: groups of a day by the signal, lowest first
QUANTILES: Final = 5
#: the top of a day that a book would want
TOP: Final = 0.1
#: sessions after the signal over which its decay is followed
LAGS: Final = 20
#: half-lives that are looked for, in sessions: a number at an end means at most, or at least, that much
HALF_LIVES: Final = np.geomspace(0.25, 100, 200)
SAMPLES: Final = 1000
#: books: run of `lib.evaluation.scoring` -> its name here
BOOKS: Final = {"naive_close": "every order filled at the close", "executed_open": "executed at the next open"}

Named = Iterator[tuple[tuple[str, str], Estimate]]


@dataclass(frozen=True)
class SignalCheck:
    """numbers: (part, what, cells) -> Estimate, in words; signal: as read; trials: of which this is the best."""

    numbers: dict[tuple[str, str, str], Estimate]
    signal: Signal
    trials: int

    def find(self, part: str, what: str, cells: str = "all") -> Estimate:
        """One number; NaN where it could not be computed."""
        return self.numbers.get((part, what, cells), Estimate(math.nan))

    def table(self, part: str) -> pd.DataFrame:
        """The numbers of one part: what down, all and buyable cells across."""
        found: dict[str, dict[str, float]] = {what: {} for own, what, _ in self.numbers if own == part}
        for (own, what, cells), item in self.numbers.items():
            if own == part:
                found[what] |= item.columns(cells)
        return pd.DataFrame.from_dict(found, orient="index").rename_axis(part)

    def frame(self) -> pd.DataFrame:
        """Every number as a row: part, what, cells, value, low, high; the rows of the file that were lost first."""
        rows = {"read": self.signal.rows} | self.signal.lost
        lines = [("rows", what, "all", *Estimate(float(count))) for what, count in rows.items()]
        lines += [(*key, *item) for key, item in self.numbers.items()]
        return pd.DataFrame(lines, columns=["part", "what", "cells", "value", "low", "high"])


def check_signal(
    panel: Panel,
    signal: Signal | Matrix,
    *,
    horizons: Sequence[int] = (1, 5, 20),
    trials: int = 1,
    capital: float | None = None,
    seed: int = 0,
) -> SignalCheck:
    """Every number of a signal on a panel.

    horizons: sessions of the labels. trials: how many signals were tried of which this is the best; it deflates the
    Sharpe ratio. capital: yuan of an account that trades the same book in board lots, with its fees and its impact
    (`lib.portfolio.trade`); None: no account. seed: of the resampled intervals.

    Raises ParameterError for horizons below 1 or beyond the prices, trials below 1, a capital that is not positive,
    buys nothing or is of another market than "cn", and a signal of another shape than the panel.
    """
    own = signal if isinstance(signal, Signal) else Signal(np.asarray(signal, dtype=float), int(np.size(signal)), {})
    if own.values.shape != panel.shape:
        raise ParameterError(f"signal has shape {own.values.shape}, the panel {panel.shape}; expected the same")
    if trials < 1 or not horizons or any(h < 1 for h in horizons):
        raise ParameterError(f"check_signal: horizons {list(horizons)}, trials {trials}; expected whole numbers from 1")
    if max(horizons) >= len(panel.dates):
        raise ParameterError(
            f"check_signal: a horizon of {max(horizons)} sessions; the prices have {len(panel.dates)}, expected less"
        )
    if capital is not None and panel.market != "cn":
        raise ParameterError("check_signal: an account of a capital trades by the rules of market='cn'; leave it out")
    there = np.isfinite(own.values) & panel.universe & panel.observed
    if not there.any():
        raise ParameterError("check_signal: the signal has no value on a member of the universe with a price")
    cells = {"all": there, "buyable": there & panel.can_buy("close")}
    scores, rng = np.where(there, own.values, np.nan), np.random.default_rng(seed)  # nothing else orders anything
    exposures, labels = _exposures(panel), {h: forward_return(panel, h) for h in (1, *horizons)}
    pure = dict(_neutral(scores, there, exposures))
    numbers: dict[tuple[str, str, str], Estimate] = {}
    for name, part in cells.items():
        numbers |= {(*key, name): item for key, item in _information(panel, scores, part, labels, horizons, rng)}
        numbers |= {(*key, name): item for key, item in _neutral_ics(scores, pure, part, labels[1])}
        numbers |= {(*key, name): item for key, item in _by_group(panel, scores, part, labels[1], exposures)}
    for found in (_coverage(panel, scores, cells), _money(*_followed(panel, scores), trials, capital, rng)):
        numbers |= {(*key, "all"): item for key, item in found}
    return SignalCheck(numbers, own, trials)


def forward_return(panel: Panel, horizon: int) -> Matrix:
    """Return [T, N] from the close of t to that of t + horizon; NaN where either is missing."""
    close = np.where(panel.observed, panel.adjusted("close"), np.nan)
    return np.asarray(ahead(close, horizon) / close - 1)


# ---------------------------------------------------------------------------------------- information


def _mean(daily: Matrix, horizon: int = 1) -> Estimate:
    """Mean of a daily series over its defined days with its Newey-West interval; none where all labels overlap."""
    days = np.flatnonzero(np.isfinite(daily))
    if not len(days):
        return Estimate(math.nan)
    known = daily[days]
    mean = float(known.mean())
    overlapping = int((np.searchsorted(days, days + horizon) - np.arange(len(days))).max())  # of one label, itself too
    if overlapping == len(days):
        return Estimate(mean)
    try:
        return normal_interval(mean, newey_west_error(known, horizon=overlapping))
    except StatisticsError:  # the same on all days
        return Estimate(mean)


def _rank_ic(values: Matrix, label: Matrix, cells: BoolArray) -> Matrix:
    """Daily rank IC [T] over the cells with a label."""
    return ic(values, label, cells & np.isfinite(label), kind="spearman", min_cells=MINIMUM_CELLS)


def _information(
    panel: Panel, values: Matrix, cells: BoolArray, labels: Mapping[int, Matrix], horizons: Sequence[int],
    rng: np.random.Generator,
) -> Named:  # fmt: skip
    """ICs by horizon, by year, by number of limit-ups and by lag; returns by quantile; how stable the ranks are."""
    daily = {horizon: _rank_ic(values, label, cells) for horizon, label in labels.items()}
    for horizon in horizons:
        name, label = f"{horizon} session{'s' * (horizon > 1)}", labels[horizon]
        linear = ic(values, label, cells & np.isfinite(label), min_cells=MINIMUM_CELLS)
        yield ("rank IC", name), _mean(daily[horizon], horizon)
        yield ("IC", name), _mean(linear, horizon)
    years = _years(panel)
    for year in np.unique(years[np.isfinite(daily[1])]):
        yield ("rank IC by year", str(year)), _mean(daily[1][years == year])
    yield from _by_limit_ups(panel, daily[1])
    yield from _decay(labels[1], values, cells, rng)
    yield from _quantiles(values, labels[1], cells & np.isfinite(labels[1]))
    for later in (1, *(h for h in horizons if h > 1)):
        tomorrow = np.where(ahead(cells, later), ahead(values, later), np.nan)
        name = f"with the ranks {later} session{'s' * (later > 1)} later"
        yield ("rank autocorrelation of the signal", name), _mean(_rank_ic(values, tomorrow, cells), later)


def _years(panel: Panel) -> Any:
    return panel.dates.astype("datetime64[Y]").astype(int) + 1970


def _by_limit_ups(panel: Panel, daily: Matrix) -> Named:
    """The rank IC on days with few and with many members that close limit-up (lower and upper third of the days)."""
    count = (((panel.reasons & Reason.LIMIT_UP) != 0) & panel.universe).astype(float).sum(axis=1)
    defined = np.isfinite(daily)
    if not defined.any() or count[defined].max() == 0:
        return
    low, high = np.quantile(count[defined], [1 / 3, 2 / 3])
    yield ("rank IC by limit-ups", "days with few limit-up closes"), _mean(np.where(count <= low, daily, np.nan))
    yield ("rank IC by limit-ups", "days with many limit-up closes"), _mean(np.where(count > high, daily, np.nan))


def _decay(one: Matrix, values: Matrix, cells: BoolArray, rng: np.random.Generator) -> Named:
    """The rank IC with the return of the k-th session after the signal alone, and its half-life."""
    today = masked_ranks(values, cells)
    lags = range(min(LAGS, len(one)))
    daily = np.column_stack([_later_ic(values, today, ahead(one, lag), cells) for lag in lags])  # T LAGS
    for lag in lags:
        yield ("decay of the rank IC", f"session {lag + 1}"), _mean(daily[:, lag])
    known = daily[np.isfinite(daily).all(axis=1)]
    if len(known):
        yield ("half-life of the rank IC, sessions", "fitted to its decay"), _resampled(known, half_life, rng)


def _later_ic(values: Matrix, today: Matrix, later: Matrix, cells: BoolArray) -> Matrix:
    """`_rank_ic` with the ranks of the day given; they are sorted again on days of which a label is missing."""
    known = cells & np.isfinite(later)
    lacks = (known != cells).any(axis=1)
    ranks = today.copy()
    ranks[lacks] = masked_ranks(values[lacks], known[lacks])
    return row_correlation(ranks, masked_ranks(later, known), known, MINIMUM_CELLS)


def half_life(daily: Matrix) -> float:
    """Half-life in sessions of daily ICs [D, K] with the returns of sessions 1..K: see the formula above.

    The least squares over a are closed, and h is looked for among HALF_LIVES; a may be negative.

    >>> round(half_life(0.03 * 0.5 ** (np.arange(20.0)[None] / 4)), 1)
    4.0
    """
    mean, lags = daily.mean(axis=0), np.arange(daily.shape[1])
    curves = 2.0 ** (-lags / HALF_LIVES[:, None])  # H K
    explained = (curves @ mean) ** 2 / (curves**2).sum(axis=1)
    return float(HALF_LIVES[explained.argmax()])


def _quantiles(values: Matrix, label: Matrix, known: BoolArray) -> Named:
    """Next-day return over the mean of the day, in basis points, by quantile of the signal; and their order."""
    count = known.sum(axis=1)
    enough = count >= MINIMUM_CELLS
    place = (masked_ranks(values, known) - 1) / np.maximum(count - 1, 1)[:, None]  # 0..1 inside
    group = np.where(known, np.ceil(QUANTILES * place - 1e-9).clip(1), 0)
    centre = np.where(known, label, 0.0).sum(axis=1) / np.maximum(count, 1)
    part, means, by_day = "return by quantile, bps", [], {}
    for quantile in range(1, QUANTILES + 1):
        inside = (group == quantile) & enough[:, None]
        size = inside.sum(axis=1)
        by_day[quantile] = np.where(
            size > 0, np.where(inside, label, 0.0).sum(axis=1) / np.maximum(size, 1) - centre, np.nan
        )
        found = _mean(by_day[quantile]).times(1e4)
        means.append(found.value)
        yield (part, f"{quantile} of {QUANTILES}"), found
    yield (part, "highest minus lowest"), _mean(by_day[QUANTILES] - by_day[1]).times(1e4)
    order = np.array([means]), np.arange(QUANTILES)[None].astype(float)
    if np.isfinite(means).all():
        (rho,) = ic(*order, np.ones((1, QUANTILES), dtype=bool), kind="spearman", min_cells=QUANTILES)
        yield (part, "monotonicity (rank correlation)"), Estimate(float(rho))


# ------------------------------------------------------------------------------- industry, size, groups


def _exposures(panel: Panel) -> Exposures | None:
    """Industries and market values of all cells with a price; None where the file has neither."""
    from lib.factors.neutralisation.exposures import CAPS, Exposures

    industry = "industry" if "industry" in panel.fields else None
    if industry is None and not any(name in panel.fields for name in CAPS):
        return None
    return Exposures.from_panel(panel.with_mask("observed"), industry=industry)


def _neutral(values: Matrix, cells: BoolArray, exposures: Exposures | None) -> Iterator[tuple[str, Matrix]]:
    """The signal without what industry, size and both explain on the day, as far as the file has them."""
    if exposures is None:
        return
    from lib.factors import FactorSet
    from lib.factors.neutralisation import Exposures, neutralise

    grouped, sized = exposures.codes.max() > 0, exposures.log_cap is not None
    alone = Exposures(np.minimum(exposures.codes, 0), exposures.log_cap)
    wanted: dict[str, tuple[Exposures, int]] = {}
    if grouped:
        wanted["industry"] = (exposures, 0)
    if sized:
        wanted["size"] = (alone, 1)
    if grouped and sized:
        wanted["industry and size"] = (exposures, 1)
    given = FactorSet(np.where(cells, values, 0.0)[..., None], cells[..., None], ("signal",), {})
    for name, (against, size) in wanted.items():
        found = neutralise(given, against, size=size, standardise=False)
        yield name, np.where(found.valid, found.values, np.nan)[..., 0].astype(float)


def _neutral_ics(values: Matrix, pure: Mapping[str, Matrix], cells: BoolArray, label: Matrix) -> Named:
    """Rank IC with the next session's return, of the signal and of what is left of it, on the cells of each."""
    part = "rank IC neutralised"
    if pure:
        yield (part, "as it is"), _mean(_rank_ic(values, label, cells))
    for name, rest in pure.items():
        yield (part, f"without {name}"), _mean(_rank_ic(rest, label, cells & np.isfinite(rest)))


def _by_group(
    panel: Panel, values: Matrix, cells: BoolArray, label: Matrix, exposures: Exposures | None
) -> Named:  # fmt: skip
    """Rank IC within boards, thirds by market value, and industries, where 20 stocks are there on most days."""
    for name, inside in _groups(panel, exposures):
        own = cells & inside
        if np.median(own.sum(axis=1)[cells.any(axis=1)]) >= MINIMUM_CELLS:
            columns = own.any(axis=0)  # most groups are few stocks
            daily = _rank_ic(values[:, columns], label[:, columns], own[:, columns])
            yield ("rank IC by group", name), _mean(daily)


def _groups(panel: Panel, exposures: Exposures | None) -> Iterator[tuple[str, BoolArray]]:
    listed = panel.universe & panel.observed
    if "board" in panel.fields:
        boards = panel.fields["board"]
        for name in np.unique(boards[listed]):
            yield f"board {name}", listed & (boards == name)
    if exposures is None:
        return
    if exposures.log_cap is not None:
        share = percentile_ranks(exposures.log_cap, listed & np.isfinite(exposures.log_cap))
        for name, low, high in (("smallest", -1.0, 1 / 3), ("middle", 1 / 3, 2 / 3), ("largest", 2 / 3, 1.0)):
            yield f"{name} third by market value", (share > low) & (share <= high)
    if exposures.codes.max() > 0:
        yield from _industries(panel.fields["industry"], exposures.codes)


def _industries(labels: Any, codes: Any) -> Iterator[tuple[str, BoolArray]]:
    """Sectors, where every label is a CSRC class such as C39 (the letter is the sector); then the labels themselves."""
    names = [str(labels.flat[(codes == code).argmax()]) for code in range(int(codes.max()) + 1)]
    if all(re.fullmatch(r"[A-Z]\d\d", name) for name in names):
        sectors = np.array([ord(name[0]) for name in names])[codes]
        for letter in np.unique(sectors[codes >= 0]):
            yield f"sector {chr(letter)}", (sectors == letter) & (codes >= 0)
    for code, name in enumerate(names):
        yield f"industry {name}", codes == code


# ------------------------------------------------------------------------------------ coverage, money


def _coverage(panel: Panel, values: Matrix, cells: dict[str, BoolArray]) -> Named:
    listed = panel.universe & panel.observed
    days = np.isfinite(values).any(axis=1)
    there, buyable = cells["all"], cells["buyable"]

    def covered(rows: Any) -> Estimate:
        return Estimate(there[rows].sum() / max(int(listed[rows].sum()), 1))

    yield ("coverage", "share of members with a signal"), covered(days)
    yield ("coverage", "of these, cannot be bought at the close"), Estimate(1 - buyable.sum() / there.sum())
    rank = masked_ranks(np.where(there, values, 0.0), there) / np.maximum(there.sum(axis=1), 1)[:, None]
    top, best, worst = there & (rank > 1 - TOP), there & (rank > 1 - 1 / QUANTILES), there & (rank <= TOP)
    for name, part in (("top tenth", top), ("top fifth", best), ("bottom tenth", worst)):
        yield ("coverage", f"of the {name}, cannot be bought"), _share(part & ~buyable, part)
    halted = top & ((panel.reasons & Reason.HALT) != 0)
    yield ("coverage", "of the top tenth, halted"), _share(halted, top)
    yield ("coverage", "of the top tenth, closed limit-up"), _share(top & ~buyable & ~halted, top)
    years = _years(panel)
    for year in np.unique(years[days]):
        yield ("coverage by year", str(year)), covered(days & (years == year))


def _share(some: BoolArray, of: BoolArray) -> Estimate:
    return Estimate(float(some.sum() / max(int(of.sum()), 1)))


def _followed(panel: Panel, scores: Matrix) -> tuple[Panel, Matrix]:
    """Both until as long after the last value as the longest wait between two: nobody holds a signal that has ended."""
    days = np.flatnonzero(np.isfinite(scores).any(axis=1))
    wait = int(np.diff(days).max()) if len(days) > 1 else len(panel.dates)
    stop = min(int(days[-1]) + wait + 1, len(panel.dates))
    return panel.rows(0, stop), scores[:stop]


def _money(panel: Panel, scores: Matrix, trials: int, capital: float | None, rng: np.random.Generator) -> Named:
    """Books of the top stocks: every order filled and executed, before and after costs; why they differ."""
    benchmark = equal_weight(panel)
    for name, label in BOOKS.items():
        how: Any = dict(zip(("fill", "execution"), RUNS[name], strict=True))
        run = simulate(panel, scores, policy=top_k_buffer(), costs=flat(COST_BPS), **how)
        gross, net = (active_returns(run, benchmark, gross=before) for before in (True, False))
        for when, daily in (("before costs", gross), (f"after {COST_BPS:g} bps a side", net)):
            yield from _book(f"{label}, {when}", daily, rng)
        yield ("turnover a day", label), Estimate(float(run.turnover[1:].mean()))
    yield from _deflated(net, trials)  # the last of BOOKS is the one that can be had
    if capital is not None:
        account = trade(panel, scores, policy=top_k_buffer(), fill="open", capital=capital)
        if not account.turnover.any():
            raise ParameterError(f"check_signal: {capital:,.0f} yuan do not buy a lot of what the signal wants")
        label = f"an account of {capital:,.0f} yuan"
        yield from _book(f"{label}, after fees and impact", active_returns(account, benchmark), rng)
        yield ("turnover a day", label), Estimate(float(account.turnover[1:].mean()))
    yield from _phantom(panel, scores, rng)


def _book(label: str, daily: Matrix, rng: np.random.Generator) -> Named:
    yield ("return over equal weight, a year", label), _annual(daily, rng)
    yield ("Sharpe ratio over equal weight", label), _resampled(daily, annual_sharpe, rng)


def _phantom(panel: Panel, scores: Matrix, rng: np.random.Generator) -> Named:
    """What filling every order at the close invents; refusals come in one after the other, so the parts add up."""
    policy, part = top_k_buffer(), "phantom alpha, a year"
    found = phantom_alpha(panel, scores, policy=policy, fill="close")
    sales = simulate(
        panel, scores, policy=policy, fill="close", refuse=("limit_up_buy", "limit_down_sell"), costs=flat(0.0)
    )
    purchased = found.naive.returns - found.limit_up_buys
    yield (part, "all refused orders"), _annual(found.total, rng)
    yield (part, "limit-up purchases"), _annual(found.limit_up_buys, rng)
    yield (part, "limit-down sales"), _annual(purchased - sales.returns, rng)
    yield (part, "halts"), _annual(sales.returns - found.executed.returns, rng)


def _deflated(net: Matrix, trials: int) -> Named:
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


def _resampled(daily: Matrix, statistic: Callable[[Matrix], float], rng: np.random.Generator) -> Estimate:
    try:
        return bootstrap_interval(daily, statistic, rng=rng, n_samples=SAMPLES)
    except StatisticsError:
        return Estimate(math.nan)
