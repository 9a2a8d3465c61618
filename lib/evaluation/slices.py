"""Pipelines side by side on one market, and what they earn on chosen days: a regime, an episode, a period.

A group is a set of days [T]. All pipelines of a group are resampled in the same blocks of days, so that their
differences are paired; different groups are resampled independently. Ends of a level hold 95 % of further paths of the
group's own length; ends of a difference, and of a level that is tested against zero (`Kept.tested`), are those of the
mean. A group shorter than `MINIMUM_SESSIONS` has no ends. Over several market seeds the spread over seeds replaces all
of them (see `lib.stats.over_seeds`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.arrays import FloatArray
from lib.evaluation.core import CORE
from lib.evaluation.scoring import BOOKS, COST_BPS, MINIMUM_CELLS, RUNS, SESSIONS, daily_ics, scored_cells
from lib.evaluation.variants import VARIANTS, compute_features, variant_dataset
from lib.models.walk import walk_predictions
from lib.panel import Panel
from lib.parameters import Parameter
from lib.portfolio import active_returns, equal_weight, flat, phantom_alpha, simulate, top_k_buffer
from lib.reasons import Reason
from lib.stats import MINIMUM_SESSIONS, block_length, ic, least_block, percentile_interval
from lib.stats.bootstrap import MEAN_RATE, PATH_RATE, stationary_indices
from lib.store.rows import Record, records

Days = NDArray[np.bool_]
Series = dict[str, FloatArray]

SAMPLES = 400
#: a parameter of studies of simulated markets
MARKET_SAMPLES = Parameter(
    int, SAMPLES, low=0, high=5000, help="resampled paths behind an interval of one market; 0: no such intervals"
)


@dataclass(frozen=True)
class Measure:
    """A statistic of a daily series: sharpe | annual (mean times 243) | mean | drawdown | total (compounded return)."""

    series: str
    statistic: str

    @property
    def name(self) -> str:
        """Metric of the records, such as executed_open.sharpe; means and phantoms bear the name of their series."""
        if self.series.startswith("phantom"):
            return self.series  # always annual, as in `lib.evaluation.scoring`
        run, _, part = self.series.partition(".")
        over_index = _OVER_INDEX.get((part, self.statistic))
        return f"{run}.{over_index}" if over_index else self.series + _ENDINGS[self.statistic]


_ENDINGS = {
    "sharpe": ".sharpe", "drawdown": ".max_drawdown", "annual": ".annual_mean", "total": ".total_return", "mean": "",
}  # fmt: skip
#: series over equal weight and statistic -> the name that `lib.evaluation.contrasts` gives it
_OVER_INDEX = {
    ("active_gross", "sharpe"): "active_sharpe_gross", ("active", "sharpe"): "active_sharpe",
    ("active_gross", "annual"): "annual_gross", ("active", "annual"): "annual_net",
}  # fmt: skip
MEASURES = (
    *(Measure(run, "sharpe") for run in RUNS),
    *(Measure(f"{run}.{side}", "sharpe") for run in BOOKS for side in ("active_gross", "active")),
    *(Measure(f"{run}.active_gross", "annual") for run in BOOKS),
    *(Measure(f"{run}.turnover", "mean") for run in BOOKS),
    *(Measure(run, "annual") for run in ("naive_close", "executed_open")),
    *(Measure(run, "drawdown") for run in ("naive_close", "executed_open")),
    *(Measure(part, "annual") for part in ("phantom_close", "phantom_close.limit_up_buys")),
    *(Measure(kind, "mean") for kind in ("apparent_ic", "m1_ic", "truth_ic", "coverage")),
    *(Measure(kind, "mean") for kind in ("refused_buys", "refused_sells")),
)


# ------------------------------------------------------------------------------- pipelines and their days


def predictions(
    panel: Panel, names: Iterable[str], *, first_test_year: int, learner: str = "ridge", seed: int = 0, **options: Any
) -> dict[str, FloatArray]:
    """Out-of-sample predictions [T, N] of the named variants; those with the same features compute them once."""
    found: dict[str, FloatArray] = {}
    wanted = list(names)
    for features in dict.fromkeys(VARIANTS[name].features for name in wanted):
        factors = compute_features(panel, features, CORE)
        for name in (name for name in wanted if VARIANTS[name].features == features):
            data = variant_dataset(panel, VARIANTS[name], factors)
            found[name] = walk_predictions(
                data, panel.dates, learner=learner, first_test_year=first_test_year, seed=seed, **options
            )
    return {name: found[name] for name in wanted}


def first_test_row(panel: Panel, first_test_year: int) -> int:
    """The first session of the first test year: all pipelines start there, whether or not they predict that day."""
    return int(np.searchsorted(panel.dates, np.datetime64(f"{first_test_year}-01-01")))


def daily_series(panel: Panel, prediction: FloatArray, start: int, truth: FloatArray | None = None) -> Series:
    """Daily series [T] of one pipeline, NaN before `start`.

    The runs of `lib.evaluation.scoring` at 8 bps a side, of BOOKS also what they earn over equal weight, net and gross
    of costs, and their turnover; phantom alpha (every order filled minus executed, no costs) at
    the close and the part of limit-up purchases; orders refused at the close because of a limit; ICs; coverage of the
    listed cells. truth: [T, N] what could be earned from t to t + 1 (`mu_trad`), for the truth IC on cells that can be
    bought.
    """
    series, index = {}, equal_weight(panel)
    for name, (fill, execution) in RUNS.items():
        how: dict[str, Any] = {"fill": fill, "execution": execution, "start": start}
        run = simulate(panel, prediction, policy=top_k_buffer(), costs=flat(COST_BPS), **how)
        series[name] = run.returns
        if name in BOOKS:
            over = {"active": active_returns(run, index), "active_gross": active_returns(run, index, gross=True)}
            series |= {f"{name}.{what}": values for what, values in (over | {"turnover": run.turnover}).items()}
        if name == "executed_close":
            series |= {f"refused_{side}s": run.refused[f"{side}_limit"].astype(float) for side in ("buy", "sell")}
    found = phantom_alpha(panel, prediction, policy=top_k_buffer(), fill="close", start=start)
    series |= {"phantom_close": found.total, "phantom_close.limit_up_buys": found.limit_up_buys}
    whole = {name: np.concatenate([np.full(start, np.nan), values]) for name, values in series.items()}
    information = daily_ics(panel, prediction, metrics=("apparent_ic", "m1_ic"))
    predicted, listed = np.isfinite(prediction), panel.universe & panel.observed
    if truth is not None:
        cells = scored_cells(panel)["m1"] & predicted & np.isfinite(truth)
        information["truth_ic"] = ic(prediction, truth, cells, min_cells=MINIMUM_CELLS)
    coverage = (predicted & listed).sum(axis=1) / np.maximum(listed.sum(axis=1), 1)
    return whole | information | {"coverage": np.where(np.arange(len(coverage)) < start, np.nan, coverage)}


def market_records(panel: Panel, variant: str, days: Days) -> Iterator[Record]:
    """What the market did on some days: how often limits bind, what is masked, what an equal-weight holder earned."""
    listed, traded = panel.universe & panel.observed, panel.universe & panel.traded
    up, down = ((panel.reasons & bit) > 0 for bit in (Reason.LIMIT_UP, Reason.LIMIT_DOWN))
    listed, traded = listed[days], traded[days]
    sessions, cells, trading = int(days.sum()), int(listed.sum()), int(traded.sum())
    masked = int((listed & ~panel.price_valid[days]).sum())
    index = equal_weight(panel)[days]
    values = {
        "sessions": sessions,
        "limit_up": (up[days] & traded).sum() / max(trading, 1),
        "limit_down": (down[days] & traded).sum() / max(trading, 1),
        "limit_rate": ((up | down)[days] & traded).sum() / max(trading, 1),
        "halted": 1 - trading / max(cells, 1),
        "masked_per_session": masked / max(sessions, 1),
        "masked_share": masked / max(cells, 1),
        "market.total_return": np.prod(1 + index) - 1,
        "market.volatility": index.std(ddof=1) * SESSIONS**0.5 if sessions > 1 else np.nan,
        "market.max_drawdown": float(_drawdowns(index[:, None])[0]) if sessions else np.nan,
    }
    yield from records(values, sessions, variant)


def is_one_spell(days: Days) -> bool:
    """Whether the days follow each other: a drawdown is then that of a path somebody could have lived through."""
    rows = np.flatnonzero(days)
    return bool(len(rows)) and int(rows[-1] - rows[0]) == len(rows) - 1


# ---------------------------------------------------------------------------------- statistics of a group


@dataclass(frozen=True, eq=False)
class Measured:
    """Every measure of every pipeline on one group of days: (pipeline, metric) -> its value and resampled values.

    means: resampled histories, for the uncertainty of a mean. paths: a path drawn from each resampled history, for
    where one further path of this length would land. Both are empty where there are no intervals. blocks: how
    many blocks of the resampled length the days hold, for `means`; path_blocks: for `paths`.
    """

    days: int
    blocks: float
    path_blocks: float
    values: Mapping[tuple[str, str], float]
    means: Mapping[tuple[str, str], FloatArray]
    paths: Mapping[tuple[str, str], FloatArray]


def measure(
    series: Mapping[str, Series],
    days: Days,
    rng: np.random.Generator,
    measures: Sequence[Measure] = MEASURES,
    samples: int | None = None,
) -> Measured:
    """Statistics of each pipeline's daily series on the chosen days, all from the same resampled days.

    A pipeline that lacks a series (the market itself has no IC) goes without its measures. Drawdowns only where the
    days are one spell. A statistic that is undefined (no variation, no day with a value) is left out.
    samples: resampled paths; None: SAMPLES; 0: none, where the intervals come from other markets. None are drawn either
    for a group shorter than MINIMUM_SESSIONS: one path of that length says nothing about another.
    """
    samples = SAMPLES if samples is None else samples
    if days.sum() < MINIMUM_SESSIONS:
        samples = 0
    chosen = [m for m in measures if m.statistic != "drawdown" or is_one_spell(days)]
    who = {m: [p for p, found in series.items() if m.series in found] for m in chosen}
    columns = {m: np.column_stack([series[p][m.series][days] for p in names]) for m, names in who.items() if names}
    length = int(days.sum())
    block, outward = (_block(columns.values(), rate) if samples else 1.0 for rate in (MEAN_RATE, PATH_RATE))
    outward = min(2 * outward, length)  # the chained path breaks as often as a single draw would, at twice the block
    kept: dict[str, dict[Measure, list[FloatArray]]] = {"means": {}, "paths": {}}
    for _ in range(samples):
        history = stationary_indices(length, length, block, rng)
        outer, inner = (stationary_indices(length, length, outward, rng) for _ in range(2))
        for name, rows in (("means", history), ("paths", outer[inner])):
            for m, x in columns.items():
                kept[name].setdefault(m, []).append(_STATISTICS[m.statistic](x[rows]))
    values = {m: _STATISTICS[m.statistic](x) for m, x in columns.items()}
    found = {(p, m.name): float(values[m][k]) for m in columns for k, p in enumerate(who[m])}
    drawn = {
        name: {
            (p, m.name): np.array(lists[m])[:, k] if samples else np.empty(0)
            for m in columns
            for k, p in enumerate(who[m])
        }
        for name, lists in kept.items()
    }
    defined = {key: value for key, value in found.items() if np.isfinite(value)}
    return Measured(length, length / block, length / max(outward, 1.0), defined, drawn["means"], drawn["paths"])


@dataclass(frozen=True)
class Kept:
    """The metrics that are recorded, of levels and of differences; by default all.

    tested: levels that a page tests against zero or against each other. Besides where one further path would land
    (metric.low, metric.high) the interval of their mean is recorded, as metric.mean: see `Numbers.tested`.
    """

    levels: Collection[str] | None = None
    differences: Collection[str] | None = None
    tested: Collection[str] = ()

    def level(self, metric: str) -> bool:
        """Whether a level's metric is recorded."""
        return self.levels is None or metric in self.levels

    def difference(self, metric: str) -> bool:
        """Whether a difference's metric is recorded."""
        return self.differences is None or metric in self.differences


def group_records(
    source: str, group: str, found: Measured, pairs: Iterable[tuple[str, str]], kept: Kept | None = None
) -> Iterator[Record]:
    """Levels of a group and its paired differences: variants "SOURCE PIPELINE GROUP", "SOURCE LEFT - RIGHT GROUP"."""
    kept = kept or Kept()
    for (pipeline, metric), value in found.values.items():
        if not kept.level(metric):
            continue
        variant = f"{source} {pipeline} {group}"
        paths, means = found.paths[pipeline, metric], found.means[pipeline, metric]
        yield {"variant": variant, "metric": metric, "value": value, "n": found.days}
        yield from _ends(variant, metric, paths, found.path_blocks, found.days)
        if metric in kept.tested and len(means):
            yield {"variant": variant, "metric": f"{metric}.mean", "value": value, "n": found.days}
            yield from _ends(variant, f"{metric}.mean", means, found.blocks, found.days)
    for left, right in pairs:
        for metric, value, drawn in _differences(found, left, right):
            if kept.difference(metric):
                variant = f"{source} {left} - {right} {group}"
                yield {"variant": variant, "metric": metric, "value": value, "n": found.days}
                yield from _ends(variant, metric, drawn, found.blocks, found.days)


def interaction_records(
    source: str,
    groups: Mapping[str, Measured],
    against: Iterable[tuple[str, str]],
    pairs: Iterable[tuple[str, str]],
    kept: Kept | None = None,
) -> Iterator[Record]:
    """How a paired difference itself differs between two groups: variant "SOURCE LEFT - RIGHT GROUP - OTHER"."""
    kept = kept or Kept()
    for left, right in pairs:
        for one, other in against:
            if one not in groups or other not in groups:
                continue
            second = {metric: (value, drawn) for metric, value, drawn in _differences(groups[other], left, right)}
            days = groups[one].days + groups[other].days
            blocks = min(groups[one].blocks, groups[other].blocks)
            variant = f"{source} {left} - {right} {one} - {other}"
            for metric, value, drawn in _differences(groups[one], left, right):
                if metric in second and kept.difference(metric):
                    yield {"variant": variant, "metric": metric, "value": value - second[metric][0], "n": days}
                    if len(drawn) == len(second[metric][1]):  # one of the groups may be too short for an interval
                        yield from _ends(variant, metric, drawn - second[metric][1], blocks, days)


def _differences(found: Measured, left: str, right: str) -> Iterator[tuple[str, float, FloatArray]]:
    for pipeline, metric in found.values:
        if pipeline == left and (right, metric) in found.values:
            value = found.values[left, metric] - found.values[right, metric]
            yield metric, value, found.means[left, metric] - found.means[right, metric]


def _ends(variant: str, metric: str, drawn: FloatArray, blocks: float, n: int) -> Iterator[Record]:
    """The ends of an interval from resampled values of days that hold so many blocks."""
    usable = drawn[np.isfinite(drawn)]
    if len(usable) >= 0.9 * len(drawn) and len(usable) > 1:  # a path without variation has no Sharpe ratio
        low, high = percentile_interval(usable, blocks=blocks)
        yield from records({f"{metric}.low": low, f"{metric}.high": high}, n, variant)


def _block(columns: Iterable[FloatArray], rate: float) -> float:
    """The longest block over the series [days, pipelines]; those with days that have no value do not count."""
    lengths = [1.0]
    for x in columns:
        known = (values for values in x.T if np.isfinite(values).all())
        lengths += [least_block(len(x), rate), *(block_length(values, rate=rate) for values in known)]
    return max(lengths)


def _means(x: FloatArray) -> FloatArray:
    """Mean of the finite values of each column; NaN for a column without any."""
    known = np.isfinite(x)
    count = known.sum(axis=0)
    total = np.where(known, x, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(x.shape[1], np.nan), where=count > 0)


def _sharpes(x: FloatArray) -> FloatArray:
    deviation = x.std(axis=0, ddof=1) if len(x) > 1 else np.zeros(x.shape[1])
    undefined = np.full(x.shape[1], np.nan)
    return np.divide(x.mean(axis=0), deviation, out=undefined, where=deviation > 0) * SESSIONS**0.5


def _drawdowns(x: FloatArray) -> FloatArray:
    equity = np.vstack([np.ones(x.shape[1]), np.cumprod(1.0 + x, axis=0)])
    return (1.0 - equity / np.maximum.accumulate(equity, axis=0)).max(axis=0)


_STATISTICS = {
    "sharpe": _sharpes,
    "annual": lambda x: _means(x) * SESSIONS,
    "mean": _means,
    "drawdown": _drawdowns,
    "total": lambda x: np.prod(1.0 + x, axis=0) - 1.0,
}
