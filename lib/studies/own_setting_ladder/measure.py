"""The papers' ablation table (B s4.3) in their own setting: generator, split, mask, optimiser and back-test.

Nothing can be predicted in that panel, so no component can make predictions better. What can differ is what a book
trades and how much risk it takes. Each row is one fit on one market; the fit of the whole system fills two books, with
Ledoit and Wolf's covariance and with the sample covariance. See `lib.evaluation.ladder` for the systems.

Fewer stocks than in the papers, and the MLP where a row is not about the Transformer. The Transformer, and the MLP that
it is compared with, are fitted to about `rows` samples of the fit days and as many synthetic ones, because on all of
them it would take days.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from lib.errors import StatisticsError
from lib.evaluation.arms import raw_labels, signs_and_spread
from lib.evaluation.ladder import (
    AGAINST_CHANCE,
    CHANGE,
    FITS,
    FULL,
    KIND,
    PAIRS,
    UNSHRUNK,
    contributions,
    equal_turnover,
    levels_of,
    trained,
    with_costs,
)
from lib.evaluation.lagged_optimiser import SENSES, OptimiserDesk
from lib.evaluation.simulated import chosen_factors
from lib.market import Market, paper_gbm
from lib.market.gbm import YEAR
from lib.models.architectures import SETTINGS
from lib.models.augmentation import synthetic_panel
from lib.models.dataset import Dataset
from lib.models.splits import Split
from lib.models.walk import walked
from lib.panel import Panel
from lib.paper.results.agreement import SIMULATED, TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio.lagged import LaggedBook
from lib.stats import sortino
from lib.store.rows import Record, records
from lib.studies.losses.variants import AT_ONCE, Trained, chosen_settings
from lib.studies.own_setting_mask.measure import equal_weight, whole
from lib.studies.own_setting_mask.scores import (
    COSTS_BPS,
    MASKS,
    Desk,
    book_numbers,
    mask_samples,
    mean_ics,
    papers_split,
)

EQUAL = "equal weight"
#: system -> the covariance of its book
COVARIANCE = dict.fromkeys((*FITS, UNSHRUNK), "ledoit_wolf") | {UNSHRUNK: "sample"}
#: the book in which turnovers are made equal, and the highest cost of a unit of turnover that does it
MATCHED, DEAREST = "literal", 0.02


# ------------------------------------------------------------------------------------------ what is run


def grid(settings: Settings) -> Iterator[Config]:
    """Of every market equal weight and the fits."""
    for place, seed in enumerate(settings["seeds"]):
        yield {"variant": EQUAL, "seed": seed, "mask": "full", "chosen_trial": "no variant"}
        yield from fits(settings, place, seed)


def fits(settings: Settings, place: int, seed: int) -> Iterator[Config]:
    """The fits of a market; those on few samples and that with another seed of the first few markets only.

    A row names the entries of registries that it uses, and how long and on how much it learns.
    """
    for name, fitting in FITS.items():
        if name not in settings["fits"] or ((fitting.few or fitting.again) and place >= settings["few_seeds"]):
            continue
        gamma = fitting.loss_settings.get("gamma")
        yield {
            "variant": name, "seed": seed, "mask": "full" if fitting.masked else "none", "network": fitting.network,
            "loss": fitting.loss, "epochs": settings["transformer_epochs" if fitting.few else "epochs"],
            "rows": settings["rows"] if fitting.few else None,
            "chosen_trial": "no variant" if fitting.few else Trained(fitting.loss, gamma, "raw").name,
        }  # fmt: skip


def network_settings(row: Config) -> dict[str, Any]:
    """Settings of a row's network and of its training."""
    own = SETTINGS[row["network"]] if row["rows"] else {"at_once": AT_ONCE, **chosen_settings(row["chosen_trial"])}
    return {"rows": row["rows"], "epochs": row["epochs"], **own}


def group(row: Config) -> str:
    """Rows on the same samples."""
    return f"{row['seed']} {row['mask']}"


def agreement(row: Config) -> Agreement:
    return SIMULATED if row["variant"] == EQUAL else TRAINED


@lru_cache(maxsize=1)
def _market(n_stocks: int, n_days: int, seed: int) -> Market:
    return paper_gbm(n_stocks, n_days, seed)


def _stage(row: Config, settings: Settings) -> tuple[Panel, Split]:
    panel = _market(settings["n_stocks"], settings["n_days"], row["seed"]).panel
    return panel, papers_split(settings["n_days"], settings["validation_days"], settings["test_days"])


#: the samples used last, real and synthetic: older ones go before the next are made, unlike in an lru_cache
_samples: dict[tuple[Any, ...], Dataset] = {}


def _kept(key: tuple[Any, ...], make: Callable[[], Dataset]) -> Dataset:
    """key: which samples, then what they are of."""
    if key not in _samples:
        for other in [other for other in _samples if other[1:] != key[1:]]:
            del _samples[other]
        _samples[key] = make()
    return _samples[key]


def samples(panel: Panel, mask: str, factors: str) -> Dataset:
    """The papers' samples of a panel under its mask, with raw labels."""
    return raw_labels(mask_samples(panel, mask, chosen_factors(factors)), panel)


def synthetic(panel: Panel, split: Split, mask: str, factors: str, seed: int) -> Dataset:
    """The samples of a panel of the fit days' length, made from the fit days alone."""
    rng = np.random.default_rng([zlib.crc32(KIND.encode()), seed])
    made = synthetic_panel(panel.rows(split.fit_start, split.fit_stop), rng, kind=KIND)
    return samples(made, mask, factors)


# ------------------------------------------------------------------------------------------- one fit


def compute(row: Config, settings: Settings) -> RowResult:
    panel, split = _stage(row, settings)
    if row["variant"] == EQUAL:
        book = equal_weight(panel, Desk.of(panel, split, 1))
        return RowResult(records(numbers_of(dict.fromkeys(SENSES, book)), variant=EQUAL))
    prediction = _predicted(panel, split, row, settings)
    desk, known = desk_of(panel, split, row["mask"]), _information(panel, split, prediction)
    found: list[Record] = []
    for system in (FULL, UNSHRUNK) if row["variant"] == FULL else (row["variant"],):
        books, fallbacks = desk.books(prediction, COVARIANCE[system])
        found += records(known | numbers_of(books) | {"fallbacks": float(fallbacks)}, variant=system)
    return RowResult(found, {"prediction": prediction[split.validation_start :]})


def desk_of(panel: Panel, split: Split, mask: str) -> OptimiserDesk:
    """The back-test of a system that sees the panel under a mask."""
    return OptimiserDesk.of(panel, panel.with_mask(MASKS[mask].cells), split)  # type: ignore[arg-type]


def _predicted(panel: Panel, split: Split, row: Config, settings: Settings) -> np.ndarray:
    """Predictions float32 [T, N] in returns, of the validation and test days; NaN where there is none."""
    mask, factors, seed = row["mask"], settings["factors"], row["seed"]
    key = (settings["n_stocks"], settings["n_days"], settings["test_days"], seed, mask, factors)
    data = _kept(("real", *key), lambda: samples(panel, mask, factors))
    predict = trained(
        data, split, lambda: _kept(("synthetic", *key), lambda: synthetic(panel, split, mask, factors, seed)),
        FITS[row["variant"]], seed, **network_settings(row),
    )  # fmt: skip
    shown = replace(split, test_start=split.validation_start)  # turnovers are made equal on the validation days
    return walked(data, lambda _: predict, [shown]).astype(np.float32)


def _information(panel: Panel, split: Split, prediction: np.ndarray) -> dict[str, float]:
    """ICs, signs and spread of the predictions of the test days; coverage: share of the universe with a prediction."""
    tested = np.full(panel.shape, np.nan)
    tested[split.test_start :] = prediction[split.test_start :]
    found = mean_ics(panel, prediction, slice(split.test_start, split.test_stop)) | signs_and_spread(panel, tested)
    members = panel.universe[split.test_start :]
    return found | {"coverage": float(np.isfinite(prediction[split.test_start :])[members].mean())}


def numbers_of(books: Mapping[str, LaggedBook]) -> dict[str, float]:
    """`book_numbers`, with Sortino ratios; one that is undefined is left out."""
    found = book_numbers(books)
    for sense, book in books.items():
        for bps in COSTS_BPS:
            try:
                found[f"{sense}.{bps}bps.sortino"] = float(sortino(book.net(bps), periods=YEAR))
            except StatisticsError:
                continue
    return found


# -------------------------------------------------------------------------------------------- contrasts


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """What each component contributes on one market: every number, what costs make of it, and at equal turnover."""
    panel, split = _stage(rows[0][0], settings)
    levels = levels_of([result for _, result in rows])
    found = contributions(levels)
    sides = {row["variant"]: _Side(desk_of(panel, split, row["mask"]), whole(panel, split, result.arrays["prediction"]))
             for row, result in rows if row["variant"] != EQUAL}  # fmt: skip
    if FULL in sides:
        sides[UNSHRUNK] = replace(sides[FULL], covariance=COVARIANCE[UNSHRUNK])
    for left, right in PAIRS:
        if (name := CHANGE.name(left=left, right=right)) in found:
            if right != AGAINST_CHANCE:
                found[name] |= at_equal_turnover((sides[left], levels[left]), (sides[right], levels[right]))
            common = _on_common_cells(panel, sides[left], sides[right])
            found[name] |= {f"common.{metric}": value for metric, value in common.items()}
    return RowResult([item for name, numbers in found.items() for item in records(with_costs(numbers), variant=name)])


@dataclass(frozen=True, eq=False)
class _Side:
    """One system's book in the sense of `MATCHED`."""

    desk: OptimiserDesk
    prediction: np.ndarray
    covariance: str = COVARIANCE[FULL]

    def book(self, cost: float, days: slice | None = None) -> LaggedBook:
        """The book of the test days, or of others, with a cost in its objective."""
        how: Any = {"cost": cost, "days": days, "senses": (MATCHED,)}
        return self.desk.books(self.prediction, self.covariance, **how)[0][MATCHED]

    def trial(self, cost: float) -> np.ndarray:
        """Turnover of the validation days."""
        return self.book(cost, self.desk.validation).turnover


def at_equal_turnover(
    left: tuple[_Side, Mapping[str, float]], right: tuple[_Side, Mapping[str, float]]
) -> dict[str, float]:
    """Left less right on the test days once a cost in the objective of the faster one has brought their turnovers
    together on the validation days; the ratio alone where it cannot. Each with the numbers of its book as it is."""
    match = equal_turnover(left[0].trial, right[0].trial, DEAREST)
    prefix = f"{MATCHED}.matched"
    found = {f"{prefix}.validation_ratio": match.ratio} if np.isfinite(match.ratio) else {}
    if not match.reached:
        return found
    a, b = (numbers_of({MATCHED: side.book(cost)}) if cost else levels
            for (side, levels), cost in zip((left, right), match.costs, strict=True))  # fmt: skip
    for name in (f"{bps}bps.sharpe" for bps in COSTS_BPS):
        if (own := f"{MATCHED}.{name}") in a and own in b:
            found[f"{prefix}.{name}"] = a[own] - b[own]
    rates = [side[f"{MATCHED}.turnover"] for side in (a, b)]
    return found | ({f"{prefix}.turnover_ratio": rates[0] / rates[1]} if rates[1] else {})


def _on_common_cells(panel: Panel, left: _Side, right: _Side) -> dict[str, float]:
    """Differences of ICs on the cells that both predict."""
    both = np.isfinite(left.prediction) & np.isfinite(right.prediction)
    a, b = (mean_ics(panel, side.prediction, left.desk.test, both) for side in (left, right))
    return {name: a[name] - b[name] for name in a if name in b}
