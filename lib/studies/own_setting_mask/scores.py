"""What own_setting_mask measures: samples under a mask, predictions on one fixed split, and the papers' back-test.

A mask decides what the factor windows read, which cells are learned from (both days, B s3.5.1) and which are predicted.
Factors are neutralised against industry and log market value (B eq. 2) and then z-scored, per day.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from lib.errors import ParameterError, StatisticsError
from lib.evaluation.scoring import MINIMUM_CELLS, scored_cells
from lib.factors import FactorSet, compute_factors, find_factors
from lib.factors.neutralisation import Exposures, neutralise
from lib.market.gbm import YEAR
from lib.models.dataset import Dataset, both_days, build_dataset, next_return
from lib.models.learners import find_learner
from lib.models.splits import Split
from lib.panel import Panel
from lib.portfolio.lagged import OUTSIDE, LaggedBook, lagged_book, top_k_weights
from lib.stats import annual_return, annual_volatility, ic, max_drawdown, sharpe

#: one-way costs in basis points: none, and the two ends of the papers' range
COSTS_BPS: Final = (0, 5, 8)
#: days between two parts of the split: the label of a day ends on the next one, an order trades a day later
PURGE: Final = 2
#: days that are gathered, and days that are predicted, at once
GATHERED_DAYS: Final = 16
PREDICTED_DAYS: Final = 50
#: stock-days whose factors stay in memory, 4 GB with all 213; more of them are kept in files while they are used
IN_MEMORY: Final = 4_000_000
#: turnovers count as matched when they agree within this share on the validation days
MATCHED: Final = 0.05
#: share of the validation days before that: a book that begins in cash has no frozen names yet and trades more
SETTLING: Final = 1 / 3

STATISTICS: Final = {
    "sharpe": sharpe, "annual_return": annual_return, "annual_volatility": annual_volatility,
    "max_drawdown": max_drawdown,
}  # fmt: skip
Books = Mapping[str, LaggedBook]


@dataclass(frozen=True)
class Masking:
    """cells: the panel's mask. join: what becomes of a cell of that mask on which some factor is undefined."""

    cells: str  # observed | halt | full
    join: str


#: without a mask there is nothing to intersect: a factor without a value, as after a day without a trade, counts 0
MASKS: Final = {
    "none": Masking("observed", "per_factor"),
    "halt": Masking("halt", "intersect"),
    "full": Masking("full", "intersect"),
}


def papers_split(n_days: int, validation_days: int, test_days: int) -> Split:
    """The last `test_days` are predicted, the `validation_days` before them choose, the rest is fitted on; purged.

    The papers name 14 years, 3500 days and a test of 756: 14 years of 252 days are 3528, so the fit has what is left.

    >>> papers_split(3500, 252, 756)
    Split(fit_start=0, fit_stop=2490, validation_start=2492, validation_stop=2742, test_start=2744, test_stop=3500)
    """
    test = n_days - test_days
    validation = test - validation_days
    if validation <= PURGE or min(validation_days, test_days) <= PURGE:
        got = f"n_days={n_days}, validation_days={validation_days}, test_days={test_days}"
        raise ParameterError(f"split: got {got}; expected more than {PURGE} days in every part, take more days")
    return Split(0, validation - PURGE, validation, test - PURGE, test, n_days)


def names_within(names: Sequence[str], longest: int | None) -> tuple[str, ...]:
    """The factors that read at most so many days; recurrences, whose memory has no end, only with None."""
    return tuple(f.name for f in find_factors(names) if longest is None or f.window <= longest)


def mask_samples(panel: Panel, mask: str, names: Sequence[str]) -> Dataset:
    """The samples of a mask: strict windows on its cells, neutralised; labelled where it holds on both days.

    The factors of a large panel lie in temporary files until they have been gathered.
    """
    seen = panel.with_mask(MASKS[mask].cells)  # type: ignore[arg-type]
    if panel.mask.size <= IN_MEMORY:
        return samples(seen, MASKS[mask].join, compute_factors(seen, names, window="strict"))
    with tempfile.TemporaryDirectory() as folder:
        return samples(seen, MASKS[mask].join, compute_factors(seen, names, window="strict", out=f"{folder}/factors"))


def samples(seen: Panel, join: str, factors: FactorSet) -> Dataset:
    """The papers' samples of a panel under its mask: each day neutralised (B eq. 2: industries, log size), z-scored.

    Some days at a time, so that neutralised factors are never in memory all at once.
    """
    cells, label, exposures = seen.mask & seen.universe, next_return(seen), Exposures.from_panel(seen)
    labelled, days = both_days(cells), len(seen.dates)
    # room for every cell; what the join drops is never written to, and takes no memory
    features = np.empty((np.count_nonzero(cells), len(factors.names)), dtype=np.float32)
    parts, filled = [], 0
    for first in range(0, days, GATHERED_DAYS):
        cut = slice(first, min(first + GATHERED_DAYS, days))
        raw = FactorSet(factors.values[cut], factors.valid[cut], factors.names, factors.skipped)
        neutral = neutralise(raw, exposures.rows(cut.start, cut.stop), size=1)
        part = build_dataset(neutral, label[cut], predicted=cells[cut], labelled=labelled[cut], join=join)
        features[filled : filled + len(part.day)] = part.features
        filled += len(part.day)
        parts.append((part.label, part.day + first, part.stock, part.predicted))
    outcome, day, stock, predicted = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Dataset(features[:filled], outcome, day, stock, seen.shape, predicted)


def predict(data: Dataset, split: Split, learner: str, seed: int, **options: Any) -> np.ndarray:
    """Predictions float32 [T, N] of the validation and test days by one fit; NaN where there is none."""
    fitted = find_learner(learner)(data, seed, **options)(split)
    prediction = np.full(data.shape, np.nan, dtype=np.float32)
    for first in range(split.validation_start, split.test_stop, PREDICTED_DAYS):
        rows = data.to_predict(first, min(first + PREDICTED_DAYS, split.test_stop))
        data.grid(rows, fitted(data.features[rows]), prediction)
    return prediction


# ------------------------------------------------------------------------------------------- the back-test


@dataclass(frozen=True)
class Desk:
    """Everything a back-test needs beside predictions: returns [T, N], the split and the number of names."""

    next_return: np.ndarray
    split: Split
    k: int

    @classmethod
    def of(cls, panel: Panel, split: Split, k: int) -> Desk:
        return cls(next_return(panel), split, k)

    @property
    def test(self) -> slice:
        """Decision days of the test: the last day of the panel has no next return."""
        return slice(self.split.test_start, min(self.split.test_stop, len(self.next_return) - 1))

    @property
    def validation(self) -> slice:
        return slice(self.split.validation_start, self.split.validation_stop)

    def weights(self, prediction: np.ndarray, outside: str, buffer: int | None = None) -> np.ndarray:
        """Weights of the test days, which begin in cash."""
        return top_k_weights(prediction[self.test], self.k, outside=outside, buffer=buffer)

    def book(
        self, prediction: np.ndarray, outside: str, buffer: int | None = None, days: slice | None = None
    ) -> LaggedBook:
        """The back-test of the test days, or of other days."""
        days = self.test if days is None else days
        shown = prediction[days]
        weights = top_k_weights(shown, self.k, outside=outside, buffer=buffer)
        return lagged_book(weights, self.next_return[days], np.isfinite(shown))

    def books(self, prediction: np.ndarray) -> Books:
        """One for each answer to what happens to a name without a prediction."""
        return {outside: self.book(prediction, outside) for outside in OUTSIDE}


def mean_turnover(book: LaggedBook) -> float:
    """Mean daily turnover after the first day, which only buys."""
    return float(book.turnover[1:].mean())


def book_numbers(books: Books) -> dict[str, float]:
    """Metrics of back-tests, as policy.metric and policy.COSTbps.metric; one that is undefined is left out."""
    found: dict[str, float] = {}
    for outside, book in books.items():
        found[f"{outside}.turnover"] = mean_turnover(book)
        found[f"{outside}.invested"] = float(book.invested.mean())
        found[f"{outside}.unpredicted"] = float(book.unpredicted.mean())
        found[f"{outside}.gross_return"] = YEAR * float(book.gross.mean())
        for bps in COSTS_BPS:
            for name, statistic in STATISTICS.items():
                value = _defined(statistic, book.net(bps))
                if value is not None:
                    found[f"{outside}.{bps}bps.{name}"] = value
    return found


def book_differences(left: Books, right: Books) -> dict[str, float]:
    """Every metric of left minus that of right, and what the difference in turnover is worth.

    saved_sharpe: the net difference of Sharpe ratios less the gross one. saved_return: cost a year not paid.
    """
    a, b = book_numbers(left), book_numbers(right)
    found = {name: a[name] - b[name] for name in a if name in b}
    for outside in left:
        gross = found.get(f"{outside}.0bps.sharpe")
        for bps in COSTS_BPS[1:]:
            net = found.get(f"{outside}.{bps}bps.sharpe")
            if net is not None and gross is not None:
                found[f"{outside}.{bps}bps.saved_sharpe"] = net - gross
            found[f"{outside}.{bps}bps.saved_return"] = -YEAR * bps / 1e4 * found[f"{outside}.turnover"]
    return found


def _defined(statistic: Any, daily: np.ndarray) -> float | None:
    try:
        return float(statistic(daily) if statistic is max_drawdown else statistic(daily, periods=YEAR))
    except StatisticsError:
        return None


def mean_ics(panel: Panel, prediction: np.ndarray, days: slice, among: np.ndarray | None = None) -> dict[str, float]:
    """Mean daily IC [Pearson] on cells traded the next day (apparent_ic) and on cells that can be traded today (m1_ic).

    among: cells to restrict to, those that both sides of a contrast predict.
    """
    where = np.isfinite(prediction) if among is None else np.isfinite(prediction) & among
    cells, label = scored_cells(panel), next_return(panel)
    found = {}
    for name, kind in (("apparent_ic", "apparent"), ("m1_ic", "m1")):
        daily = ic(prediction[days], label[days], (cells[kind] & where)[days], min_cells=MINIMUM_CELLS)
        known = daily[np.isfinite(daily)]
        if len(known):
            found[name] = float(known.mean())
    return found


# ---------------------------------------------------------------------------------------------- controls


def frozen_daily(prediction: np.ndarray, like: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Predictions [D, N] left on as many cells a day as `like` has (or on all that exist), drawn anew every day."""
    draw = np.where(np.isfinite(prediction), rng.random(prediction.shape), np.inf)
    place = draw.argsort(axis=1).argsort(axis=1)  # places are distinct: no ties to break
    return np.where(place < np.isfinite(like).sum(axis=1, keepdims=True), prediction, np.nan)


def frozen_elsewhere(prediction: np.ndarray, like: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Predictions [D, N] left where a column other than its own has one in `like`: all columns move by one number.

    Halts of this generator are independent between stocks, so the coverage of another stock is that of another panel:
    the same share every day, the same runs of days, and nothing to do with the stock's own prices.
    """
    shift = int(rng.integers(1, prediction.shape[1]))
    return np.where(np.roll(np.isfinite(like), shift, axis=1), prediction, np.nan)


CONTROLS: Final = {"frozen daily": frozen_daily, "frozen elsewhere": frozen_elsewhere}


def settled_turnover(book: LaggedBook) -> float:
    """Mean daily turnover once the book has its usual share of frozen names."""
    return float(book.turnover[max(1, round(SETTLING * len(book.turnover))) :].mean())


@dataclass(frozen=True)
class Match:
    """Two sides at one turnover: the buffer of the side that trades more (None: neither needs one), and which it is."""

    buffers: tuple[int | None, int | None]
    ratio: float  # left / right turnover on the validation days

    @property
    def close(self) -> bool:
        """Within `MATCHED` on the validation days, whichever side is the larger."""
        return _apart(self.ratio) <= _apart(1 + MATCHED)


def match_turnover(desk: Desk, left: np.ndarray, right: np.ndarray, outside: str) -> Match:
    """The smallest buffer for the side that trades more at which it trades no more; read off the validation days alone.

    Turnover falls as the buffer widens, so bisection finds it; of it and the next smaller one the closer is taken.
    Turnover is that of the days after `SETTLING`.
    """

    def turnover(side: np.ndarray, buffer: int | None) -> float:
        return settled_turnover(desk.book(side, outside, buffer, desk.validation))

    sides, plain = (left, right), [turnover(side, None) for side in (left, right)]
    more = int(plain[1] > plain[0])
    target = plain[1 - more]
    low, high = desk.k, left.shape[1]
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if turnover(sides[more], middle) <= target else (middle + 1, high)
    tried = {buffer: turnover(sides[more], buffer) for buffer in (None, max(low - 1, desk.k), low)}
    ratios = {buffer: value / target if target else np.inf for buffer, value in tried.items()}
    best = min(ratios, key=lambda buffer: _apart(ratios[buffer]))
    return Match((best, None), ratios[best]) if more == 0 else Match((None, best), 1 / (ratios[best] or np.nan))


def _apart(ratio: float) -> float:
    """How far a ratio is from 1, the same for its inverse; infinite for 0."""
    return abs(math.log(ratio)) if 0 < ratio < np.inf else np.inf
