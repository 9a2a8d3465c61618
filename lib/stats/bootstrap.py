"""Block bootstrap of daily series: blocks of days keep the serial dependence, whole rows keep the pairing.

The automatic block of Politis & White is made for a mean, and by it daily returns want one or two days: that destroys
volatility clustering and regimes, which decide drawdowns, Sharpe ratios and, under regimes, the mean itself. So the
block here (`block_length`) is the longest of three: the automatic length of the series, that of its absolute
deviations, and a multiple of sqrt(T); and intervals take the number of blocks for their number of observations
(`percentile_interval`). The coverage that this reaches is simulated by the study `interval_coverage`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.errors import StatisticsError
from lib.stats.checks import Series, finite, is_constant, numbers, paired, probability, series, varying
from lib.stats.estimates import Estimate
from lib.stats.inference import NORMAL, autocovariance, student_quantile
from lib.stats.performance import sharpe

Kind = Literal["stationary", "circular"]
Indices = NDArray[np.intp]
#: rates of `least_block`. For further paths that of Lazarus, Lewis, Stock & Watson (2018), "HAR inference:
#: recommendations for practice", who take 1.3 sqrt(T) lags. For means and differences set by simulation under
#: regimes, on other seeds than those of the study `interval_coverage`, because 1.3 covered too seldom
PATH_RATE, MEAN_RATE = 1.3, 2.0
#: days below which one path says nothing: no interval is made of its days
MINIMUM_SESSIONS = 60
#: a path [L] or [L, K] to one number
Statistic = Callable[[NDArray[Any]], float]


def block_bootstrap(
    values: ArrayLike,
    statistic: Statistic,
    *,
    rng: np.random.Generator,
    n_samples: int = 2000,
    block: float | None = None,
    length: int | None = None,
    kind: Kind = "stationary",
) -> Series:
    """`statistic` of `n_samples` resampled paths; returns [n_samples].

    `values` [T] or [T, K] (paired: whole days are resampled, so the K columns stay together).
    "stationary" draws blocks of geometric length with mean `block` (Politis & Romano 1994), "circular"
    blocks of fixed length (Politis & Romano 1992); both wrap around. `block=None`: `block_length` of the values.
    `length`: days in a path, T by default. For an interval use `bootstrap_interval`, which knows the number of blocks.
    Raises: StatisticsError for unusable input and for a path on which `statistic` is not finite; whatever it raises.

    >>> means = block_bootstrap([1.0, 2.0, 3.0], np.mean, rng=np.random.default_rng(0), n_samples=5, block=1)
    >>> means.shape
    (5,)
    """
    x = _rows(values)
    size, draw = _block_size(x, block, kind), _drawer(kind)
    days = x.shape[0] if length is None else length
    if days < 1 or n_samples < 1:
        raise StatisticsError(
            f"block_bootstrap: length and n_samples must be >= 1, got {days} and {n_samples}"
        )
    samples = [statistic(x[draw(x.shape[0], days, size, rng)]) for _ in range(n_samples)]
    return series(samples, "the statistic of the resampled paths", minimum=1)


@finite
def percentile_interval(samples: ArrayLike, *, level: float = 0.95, blocks: float | None = None) -> tuple[float, float]:
    """The central `level` of bootstrap samples: quantiles p and 1 - p.

    p = (1 - level) / 2; with `blocks`, the number k of blocks that the data hold (T / block), the expanded
    p = Phi(-t sqrt(k / (k - 1))), t Student's quantile with k - 1 degrees of freedom: few blocks know their own
    spread badly, and their resampled spread is too small by sqrt((k - 1) / k). k is rounded down, at least 2.
    A quantile stands at rank p (n + 1) of n samples, between neighbours in proportion: on average a share p of further
    samples lies below it, whatever n.
    Source: Hesterberg (2015), "What teachers should know about the bootstrap", with blocks for observations.

    >>> low, high = percentile_interval(np.arange(1001.0))
    >>> round(low, 6), round(high, 6), percentile_interval(np.arange(1001.0), blocks=10)[0] < 15
    (24.05, 975.95, True)
    """
    tail = (1 - probability(level, "level")) / 2
    if blocks is not None:
        tail = _expanded(tail, max(int(blocks), 2))
    low, high = np.quantile(series(samples, "samples"), [tail, 1 - tail], method="weibull")
    return float(low), float(high)


@lru_cache(maxsize=1024)
def _expanded(tail: float, blocks: int) -> float:
    reach = student_quantile(1 - tail, blocks - 1) * (blocks / (blocks - 1)) ** 0.5
    return NORMAL.cdf(-reach)


def bootstrap_interval(
    values: ArrayLike,
    statistic: Statistic,
    *,
    rng: np.random.Generator,
    n_samples: int = 2000,
    block: float | None = None,
    kind: Kind = "stationary",
    level: float = 0.95,
) -> Estimate:
    """`statistic` of `values` [T] or [T, K] with its confidence interval: how precisely T days know it.

    For a test against 0. Percentiles of `block_bootstrap`, expanded for T / block blocks.
    """
    x = _rows(values)
    size = _block_size(x, block, kind)
    samples = block_bootstrap(x, statistic, rng=rng, n_samples=n_samples, block=size, kind=kind)
    (value,) = series([statistic(x)], "the statistic", minimum=1)
    return Estimate(float(value), *percentile_interval(samples, level=level, blocks=x.shape[0] / size))


def prediction_interval(
    values: ArrayLike,
    statistic: Statistic,
    *,
    length: int,
    rng: np.random.Generator,
    n_samples: int = 2000,
    block: float | None = None,
    level: float = 0.95,
) -> Estimate:
    """Prediction interval for `statistic` on ONE further path of `length` days, for the verdict on a level.

    Two sources of error: the path is short, and our own T days only estimate its law. So each path is drawn
    from a resampled history: T days from `values`, then `length` days from those. Both draws use twice the
    block length, for the chained path then breaks as often as a single draw would. Percentiles are expanded for the
    T / (2 block) blocks of the history. `.value` is the statistic on `values` itself.
    Not for a test against 0: that is `bootstrap_interval`.
    """
    x = _rows(values)
    size = min(2 * _block_size(x, block, "stationary", PATH_RATE), x.shape[0])
    if length < 1:
        raise StatisticsError(f"prediction_interval: expected a path of at least 1 day, got {length}")

    def path() -> NDArray[Any]:
        history = stationary_indices(x.shape[0], x.shape[0], size, rng)
        return x[history[stationary_indices(x.shape[0], length, size, rng)]]

    samples = [statistic(path()) for _ in range(n_samples)]
    (value,) = series([statistic(x)], "the statistic", minimum=1)
    return Estimate(float(value), *percentile_interval(samples, level=level, blocks=x.shape[0] / size))


@finite
def mean_difference_interval(
    a: ArrayLike,
    b: ArrayLike,
    *,
    rng: np.random.Generator,
    n_samples: int = 2000,
    block: float | None = None,
    level: float = 0.95,
    scale: float = 1.0,
) -> Estimate:
    """Interval of mean(a - b) over the same days [T], times `scale` (periods in a year for annual returns).

    Stationary bootstrap of the daily difference, expanded percentile interval. Two identical series give (0, 0, 0).
    """
    x, y = paired(a, b)
    found = bootstrap_interval(x - y, np.mean, rng=rng, n_samples=n_samples, block=block, level=level)
    return Estimate(*(number * scale for number in found))


@finite
def sharpe_difference_interval(
    a: ArrayLike,
    b: ArrayLike,
    *,
    rng: np.random.Generator,
    n_samples: int = 2000,
    block: float | None = None,
    level: float = 0.95,
    periods: float = 252,
) -> Estimate:
    """Interval of the difference of two annualised Sharpe ratios, days of both resampled together.

    Circular blocks, expanded percentile interval. Source: Ledoit & Wolf (2008), without their studentisation.
    """
    x, y = paired(a, b)
    both = np.column_stack([varying(x, "first series"), varying(y, "second series")])

    def difference(path: NDArray[Any]) -> float:
        return sharpe(path[:, 0], periods=periods) - sharpe(path[:, 1], periods=periods)

    return bootstrap_interval(both, difference, rng=rng, n_samples=n_samples, block=block, kind="circular", level=level)


@finite
def optimal_block(values: ArrayLike, kind: Kind = "stationary") -> float:
    """Automatic block length for the bootstrap of a mean: (2 G^2 / D)^(1/3) T^(1/3), at least 1.

    G = sum lambda(k/M) |k| gamma(k), g(0) = sum lambda(k/M) gamma(k), flat-top lambda;
    D = 2 g(0)^2 (stationary) or 4/3 g(0)^2 (circular). Capped at ceil(min(3 sqrt T, T/3)).
    A constant series needs no blocks: 1.
    Source: Politis & White (2004), corrected by Patton, Politis & White (2009).
    """
    x = series(values)
    _drawer(kind)
    if is_constant(x):
        return 1.0
    lag = _bandwidth(x)
    gamma = autocovariance(x, lag)
    k = np.arange(1, lag + 1)
    top = np.minimum(1.0, 2.0 * (1.0 - k / lag))
    g, g0 = 2 * float(top * k @ gamma[1:]), float(gamma[0] + 2 * top @ gamma[1:])
    d = (2.0 if kind == "stationary" else 4.0 / 3.0) * g0**2
    cap = np.ceil(min(3 * np.sqrt(x.size), x.size / 3))
    best = (2 * g**2 / d * x.size) ** (1 / 3) if d > 0 else cap
    return float(np.clip(best, 1.0, max(cap, 1.0)))


def block_length(values: ArrayLike, kind: Kind = "stationary", *, rate: float = MEAN_RATE) -> float:
    """Days of a block for `values` [T] or [T, K]: the longest `optimal_block` over columns, of x and of |x - mean|.

    The mean of a series depends on the memory of its level; drawdowns, Sharpe ratios and every spread depend on the
    memory of its size as well. Regimes of 30 to 80 days are too weak in a few hundred returns to be seen in either:
    hence at least `least_block`. To a tenth of a day, far finer than the estimate is good for: paths compare random
    numbers with 1 / block, and a last digit of the data would otherwise end a block elsewhere.
    """
    x = _rows(values)
    columns = x.reshape(x.shape[0], -1).T
    automatic = (optimal_block(part, kind) for y in columns for part in (y, np.abs(y - y.mean())))
    return round(max(least_block(x.shape[0], rate), *automatic), 1)


def least_block(days: int, rate: float = MEAN_RATE) -> float:
    """Days of the shortest block for a series of `days`: rate sqrt(days), at most a third of them, at least 1.

    Automatic lengths are long on average and far too short when a sample shows little of its memory. `rate`: MEAN_RATE
    for means and differences, PATH_RATE for further paths.

    >>> least_block(900), least_block(12), least_block(2)
    (60.0, 4.0, 1.0)
    """
    return float(max(min(rate * days**0.5, days / 3), 1.0))


def stationary_indices(n: int, length: int, block: float, rng: np.random.Generator) -> Indices:
    """`length` rows of 0..n-1: runs of geometric length with mean `block`, each from a random start."""
    fresh = rng.random(length) < 1.0 / block
    fresh[0] = True
    position = np.arange(length)
    start = np.maximum.accumulate(np.where(fresh, position, 0))  # where the run of each day began
    return (rng.integers(0, n, size=length)[start] + position - start) % n


def circular_indices(n: int, length: int, block: float, rng: np.random.Generator) -> Indices:
    """`length` row numbers of 0..n-1: runs of `block` (rounded up) days, each from a random start."""
    size = int(np.ceil(block))
    starts = rng.integers(0, n, size=-(-length // size))
    return ((starts[:, None] + np.arange(size)).ravel()[:length]) % n


def _bandwidth(x: Series) -> int:
    # the last lag before `quiet` insignificant ones in a row, doubled
    quiet = max(5, int(np.sqrt(np.log10(x.size))))
    most = min(int(np.ceil(np.sqrt(x.size))) + quiet, x.size - 1)
    gamma = autocovariance(x, most)
    loud = np.abs(gamma[1:] / gamma[0]) >= 2 * np.sqrt(np.log10(x.size) / x.size)
    last = next((m for m in range(most) if not loud[m : m + quiet].any()), most)
    return min(2 * max(last, 1), most)


def _rows(values: ArrayLike) -> NDArray[np.float64]:
    x = numbers(values, "bootstrap")
    if x.ndim not in (1, 2) or x.size == 0:
        raise StatisticsError(f"bootstrap: expected days [T] or [T, K], at least one of each, got shape {x.shape}")
    for column in x.reshape(x.shape[0], -1).T:
        series(column)
    return x


def _block_size(x: NDArray[np.float64], block: float | None, kind: Kind, rate: float = MEAN_RATE) -> float:
    if block is None:
        return block_length(x, kind, rate=rate)
    if not 1 <= block <= x.shape[0]:
        raise StatisticsError(f"bootstrap: expected a block of 1 to {x.shape[0]} days, got {block}")
    return float(block)


def _drawer(kind: str) -> Callable[[int, int, float, np.random.Generator], Indices]:
    drawers = {"stationary": stationary_indices, "circular": circular_indices}
    if kind not in drawers:
        raise StatisticsError(f"bootstrap: unknown kind {kind!r}; expected one of {', '.join(drawers)}")
    return drawers[kind]
