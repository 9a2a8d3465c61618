"""What a leak from later days into the fit does to a back-test (paper B, s5.2), one bug at a time.

The papers' protocol: a fit for every test year, the year before it validates, all years before that are fitted on. Four
versions of it differ in the days that the fit sees and in nothing else:

* clean: the parts are purged;
* off by one day: every slice of days ends one day late, so the first day of the next part belongs to this one too;
* validation labels in the fit: the fit goes on to the end of the validation year, which it then stops on;
* test labels in the fit: the fit goes on to the end of the test year that it predicts.

The papers noticed their leak because an expanding window looked too similar to one fixed split. So the fixed split is
run as well: fitted once, on the years before the first test year, without a bug. For its first test year it is the
clean fit itself.

The leak detector of `lib.evaluation.leaks` is asked about the same bugs on small markets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lib.errors import ParameterError
from lib.evaluation.contrasts import Side, gross_and_net, sharpe_difference
from lib.evaluation.leaks import find_leaks
from lib.evaluation.pipeline import Pipeline
from lib.evaluation.predictions import row_rng
from lib.evaluation.scoring import BOOKS, daily_ics, score
from lib.evaluation.simulated import features, market, market_settings, truth_series
from lib.evaluation.variants import VARIANTS, variant_dataset
from lib.market import Market
from lib.models.dataset import Dataset
from lib.models.gaps import Gaps
from lib.models.splits import Split
from lib.models.walk import walk_predictions
from lib.paper.results.agreement import TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.store.rows import Record

VARIANT = "mask_skip"
CLEAN, FIXED = "clean", "fixed"
ICS = ("m1_ic",)
#: what is kept of a version, in the order in which it is judged
LEVELS = (
    "truth_ic", "m1_ic", *(f"{book}.{metric}" for book in BOOKS for metric in (
        "active_sharpe_gross", "active_sharpe", "sharpe", "turnover")),
)  # fmt: skip
#: what is kept of a difference of two
DIFFERENCES = (
    "truth_ic", "m1_ic", *(f"{book}.{metric}" for book in BOOKS for metric in (
        "active_sharpe_gross", "active_sharpe", "turnover")), "naive_close.sharpe", "executed_open.sharpe",
)  # fmt: skip


def _one_day_late(split: Split) -> Split:
    return replace(split, fit_stop=split.validation_start + 1, validation_stop=split.test_start + 1)


def _validation_fitted(split: Split) -> Split:
    return replace(split, fit_stop=split.validation_stop)


def _test_fitted(split: Split) -> Split:
    return replace(split, fit_stop=split.test_stop)


#: bug -> the split that it makes of a clean one
BUGS: Mapping[str, Callable[[Split], Split]] = {
    "off_by_one": _one_day_late, "validation_in_fit": _validation_fitted, "test_in_fit": _test_fitted,
}  # fmt: skip
#: what a bug adds; and the papers' check: each version against the fixed split
PAIRS = (*((name, CLEAN) for name in BUGS), *((name, FIXED) for name in (CLEAN, *BUGS)))
#: small markets of the detector: stocks, days
DETECTOR = {"n_stocks": 40, "n_days": 300}
DETECTOR_FACTORS = ("alpha_001", "alpha_101", "better_013", "stock_006")
DETECTOR_TEST = "2010-12-01"
#: trees are enough to tell another fit
DETECTOR_OPTIONS = {"rounds": 15}


def grid(settings: Settings) -> Iterator[Config]:
    """One row for each market; then the small markets of the detector, with the clean pipeline and every bug."""
    for seed in settings["seeds"]:
        yield {"variant": "market", "seed": seed, "learner": "lightgbm"}
    for seed in range(settings["detector_seeds"]):
        yield {"variant": "detector", "seed": seed, "learner": "lightgbm"}


def compute(row: Config, settings: Settings) -> RowResult:
    return _detector(row) if row["variant"] == "detector" else _market(row, settings)


def agreement(row: Config) -> Agreement:
    return TRAINED


# -------------------------------------------------------------------------------------- the versions


def _market(row: Config, settings: Settings) -> RowResult:
    size, planted = (settings["n_stocks"], settings["n_days"]), market_settings(settings)
    world = market(*size, row["seed"], settings["limit_rates"], **planted)
    variant = VARIANTS[VARIANT]
    data = variant_dataset(world.panel, variant, features(world.panel, variant.features, settings["factors"]))
    found = versions(data, world.panel.dates, row, settings)
    sides = {name: _side(world, prediction, row) for name, prediction in found.items()}
    records = [{**record, "variant": name} for name, (kept, _) in sides.items() for record in kept]
    for left, right in PAIRS:
        a, b = ((found[name], sides[name][1]) for name in (left, right))
        records += _differences(world, f"{left} - {right}", a, b, row)
    return RowResult(records)


def versions(data: Dataset, dates: np.ndarray, row: Config, settings: Settings) -> dict[str, np.ndarray]:
    """Version -> out-of-sample predictions [T, N]: clean, one for each bug, and of the fixed split."""
    clean = yearly(dates, settings["first_test_year"])
    found = {CLEAN: clean} | {name: [bug(split) for split in clean] for name, bug in BUGS.items()}
    found[FIXED] = [replace(clean[0], test_stop=len(dates))]
    options = {"learner": row["learner"], "seed": row["seed"], "rounds": settings["rounds"]}
    return {name: walk_predictions(data, dates, splits=splits, **options) for name, splits in found.items()}


def yearly(dates: np.ndarray, first_test_year: int) -> list[Split]:
    """A fit for every test year, purged: the year before it validates, all earlier ones are fitted on.

    Raises ParameterError, with the year, where no day is left to fit on.
    """
    years, purge = dates.astype("datetime64[Y]").astype(int) + 1970, Gaps().purge
    splits = []
    for year in range(first_test_year, int(years[-1]) + 1):
        held, start, stop = (int(row) for row in np.searchsorted(years, [year - 1, year, year + 1]))
        if held <= purge:
            raise ParameterError(
                f"first_test_year: got {year}; the data begins on {dates[0]}, expected at least {int(years[0]) + 2}: a "
                "year to fit on, one to validate on"
            )
        splits.append(Split(0, held - purge, held, start - purge, start, stop))
    return splits


def _side(world: Market, prediction: np.ndarray, row: Config) -> tuple[list[Record], dict[str, np.ndarray]]:
    """The kept levels of a version, and its daily series."""
    records, series = score(world.panel, prediction, orders_allowed=None, rng=row_rng("", row["seed"]), samples=0)
    truth = truth_series(world, prediction)["truth_ic"]
    records.append({"metric": "truth_ic", "value": float(np.nanmean(truth)), "n": int(np.isfinite(truth).sum())})
    return [record for record in records if record["metric"] in LEVELS], series


def _differences(world: Market, variant: str, left: Side, right: Side, row: Config) -> list[Record]:
    """Left minus right on the cells that both predict, books on the days of both."""
    common = np.isfinite(left[0]) & np.isfinite(right[0])
    ics = [daily_ics(world.panel, side[0], common, ICS) | {"truth_ic": truth_series(world, side[0], common)["truth_ic"]}
           for side in (left, right)]  # fmt: skip
    records: list[Record] = [
        {"metric": name, "value": float(np.nanmean(ics[0][name] - ics[1][name]))} for name in ("truth_ic", "m1_ic")
    ]
    rng = row_rng(variant, row["seed"])
    for run in BOOKS:
        records += gross_and_net(run, left[1], right[1], rng, 0)
        a, b = (side[1][f"{run}.returns"] for side in (left, right))
        records += sharpe_difference(f"{run}.sharpe", a, b, rng, 0)
    return [{**record, "variant": variant} for record in records if record["metric"] in DIFFERENCES]


# -------------------------------------------------------------------------------------- the detector


class _Bugged(Pipeline):
    """The pipeline whose fit sees the days of a bug; the walk still says what it should have seen."""

    bug: Callable[[Split], Split] = staticmethod(lambda split: split)

    def fit(self, data: Dataset, split: Split, **options: Any) -> Any:
        return super().fit(data, self.bug(split), **options)


def _detector(row: Config) -> RowResult:
    """How many leaks the detector finds in the clean pipeline and in each bugged one, and whether it finds any."""
    world = market(DETECTOR["n_stocks"], DETECTOR["n_days"], row["seed"], "paper")
    records: list[Record] = []
    for name, bug in {CLEAN: lambda split: split, **BUGS}.items():
        pipeline = _Bugged(DETECTOR_FACTORS, learner=row["learner"], options=DETECTOR_OPTIONS,
                           first_test=DETECTOR_TEST)  # fmt: skip
        pipeline.bug = bug
        leaks = find_leaks(pipeline.trace, world.panel, rng=row_rng(name, row["seed"]), poisons=())
        records += [{"variant": f"{name} | detector", "metric": metric, "value": float(value)}
                    for metric, value in (("leaks", len(leaks)), ("caught", bool(leaks)))]  # fmt: skip
    return RowResult(records)
