"""What synthetic panels do to a network, and what each kind of them keeps of the market they are made from.

Everything is appended to the fit days of one split and to nothing else: estimates, blocks and shapes come from the fit
days, and validation and test days are real. The papers do not say whether a block is a stock's own or everybody's, so
both are run, beside independent returns; the counts 0, 1, 2, 4 use a stock's own blocks.

A synthetic panel also doubles the optimiser steps of an epoch. So the real sample seen twice is run too: no new sample,
and as many rows and steps as with one panel, which is cut to the size of the real sample. All fits go on for the same
number of epochs and keep the weights of the best validation epoch, so that equal rows mean equal steps.

Three learners. mlp: on all fit days. mlp_small and transformer: on the same fit days drawn at random, about
`sub_samples` samples of the real market and as many of each panel, because a Transformer takes a minute there.

A price file has one path of days. In paper B's window of it every fit is repeated with several training seeds, which
also draw the panels; their numbers are averaged, and an interval is that of the one path.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.evaluation.contrasts import at_matched_turnover, gross_and_net, mean_difference, sharpe_difference
from lib.evaluation.inputs import source_name
from lib.evaluation.predictions import kept, on_panel, pairs, row_rng
from lib.evaluation.scoring import daily_ics, score
from lib.evaluation.simulated import (
    chosen_factors,
    features,
    level_differences,
    market,
    market_settings,
    truth_difference,
    with_truth,
)
from lib.evaluation.training_seeds import averaged
from lib.evaluation.variants import VARIANTS, compute_features, variant_dataset
from lib.models.architectures import SETTINGS
from lib.models.augmentation import joined, labelled, synthetic_panel
from lib.models.dataset import Dataset
from lib.models.fits import Predictor, ridge
from lib.models.learners import NETWORK
from lib.models.neural import neural
from lib.models.splits import Split, walk_forward
from lib.models.validation import Validation
from lib.paper.results.agreement import SIMULATED, TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.store.rows import Record
from lib.studies.calibration.measures import measure as market_measures
from lib.studies.main_results.measure import file_window

if TYPE_CHECKING:
    from lib.market import Market
    from lib.panel import Panel

MASK = "mask_skip"
#: of the price file, as `lib.studies.mask_ablation_real.measure.FIXED` names it
WINDOW = "paper B"
ONE_FIT = 100  # years: one fit predicts all test days
#: of Student's t, for an excess kurtosis of 6 / (f - 4) = 4, that of CSI 300 members
FREEDOM = 5.5


@dataclass(frozen=True)
class Treatment:
    """What is fitted: the real sample so many times, and so many synthetic panels of a kind."""

    kind: str = ""
    panels: int = 0
    real: int = 1
    freedom: float | None = None


TREATMENTS: Mapping[str, Treatment] = {
    "none": Treatment(),
    "twice": Treatment(real=2),
    "iid": Treatment("iid", 1),
    "student": Treatment("iid", 1, freedom=FREEDOM),
    "row_blocks": Treatment("row_blocks", 1),
    "stock_blocks": Treatment("stock_blocks", 1),
    "stock_blocks_2": Treatment("stock_blocks", 2),
    "stock_blocks_4": Treatment("stock_blocks", 4),
}
#: (left, right): each treatment against none and, at one panel, against the sample seen twice; and further panels
CONTRASTS = (
    *((name, "none") for name in TREATMENTS if name != "none"),
    *((name, "twice") for name in ("iid", "row_blocks", "stock_blocks")),
    ("stock_blocks_2", "stock_blocks"),
    ("stock_blocks_4", "stock_blocks_2"),
)
#: learner -> network; both have the settings of their searches, on fewer days with a smaller batch
LEARNERS = {"mlp": "mlp", "mlp_small": "mlp", "transformer": "factor_transformer"}
SMALL_BATCH = 256
TRANSFORMER: Mapping[str, Any] = {**SETTINGS["factor_transformer"], "batch": SMALL_BATCH}
#: validation samples of the two learners on fewer days, as a share of the fitted ones of the real market
HELD_OUT = 1.0
#: kinds of panel that are measured, with the market itself
PANELS = ("market", "iid", "student", "stock_blocks", "row_blocks")
#: what is measured of a panel, by the names of `lib.studies.calibration.measures`
KEPT = (
    "acf of r, lag 1", "acf of excess r, lag 1", "acf of |r|, lag 1", "acf of |r|, lag 5", "acf of |r|, lag 20",
    "pairwise correlation", "excess kurtosis", "limit-up closes, all", "limit-down closes, all",
    "median volatility of a stock",
)  # fmt: skip
#: penalty of the ridge that is asked how much of a panel the real sample predicts
PENALTY = 0.109
RUN = "executed_open"
LEVELS = ("train_ic", "test_ic", "ic_gap")
#: of which a difference between two learners is taken
BETWEEN = ("truth_ic", "m1_ic", f"{RUN}.active_sharpe_gross", f"{RUN}.active_sharpe", "naive_close.sharpe", *LEVELS)
#: of the random numbers that draw the days of the two learners on fewer of them
SAMPLED_DAYS = 20


def grid(settings: Settings) -> Iterator[Config]:
    """Of every market the panels and the MLPs, of the first few the Transformer; of a price file every learner."""
    base = {"factors": settings["factors"]}
    for place, seed in enumerate(settings["seeds"]):
        for name in PANELS:
            yield {"variant": f"panel {name}", "seed": seed, "panel": name, **base}
        for learner in LEARNERS:
            slow = learner == "transformer"
            if slow and place >= settings["transformer_seeds"]:
                continue
            for name in settings["transformer_treatments" if slow else "treatments"]:
                yield {"variant": f"{name} {learner}", "seed": seed, "treatment": name, **_fit(learner, settings)}
    if settings["data_path"]:
        source = f"{source_name(settings['data_path'])} {WINDOW}"
        for learner in LEARNERS:
            count = settings["slow_training_seeds" if learner == "transformer" else "training_seeds"]
            for name, number in product(settings["file_treatments"], range(count)):
                row = {"variant": f"{name} {learner} | {source}, fit {number}", "seed": 0, "treatment": name}
                yield {**row, **_fit(learner, settings), "place": source, "window": WINDOW, "training_seed": number}


def _fit(learner: str, settings: Settings) -> Config:
    """What a row says of a learner."""
    slow = learner == "transformer"
    return {
        "learner": learner, "network": LEARNERS[learner], "factors": settings["factors"],
        "epochs": settings["transformer_epochs" if slow else "epochs"],
        "most": None if learner == "mlp" else settings["sub_samples"],
    }  # fmt: skip


def by_market(row: Config) -> str:
    """A market, or the window of the price file."""
    return f"{row.get('place', 'market')} {row['seed']}"


def group(row: Config) -> str:
    """What one process computes: a market, or one learner on the price file."""
    return by_market(row) + (f" {row['learner']}" if "window" in row else "")


def compute(row: Config, settings: Settings) -> RowResult:
    return _panel(row, settings) if "panel" in row else _fitted(row, settings)


# ----------------------------------------------------------------------------------- what a panel keeps


def _panel(row: Config, settings: Settings) -> RowResult:
    """A synthetic panel, or the market on its fit days: its returns, and how well the real sample predicts it."""
    real, _ = _stage(row, settings)
    sample, own = joined([real.fitted()], real.held_out())
    predict = ridge(sample, row["seed"], penalties=(PENALTY,))(own)
    if row["panel"] == "market":
        shown, there = real.fit_days, real.held_out()
    else:
        treatment = TREATMENTS[row["panel"]]
        shown = _drawn(real.fit_days, treatment, row["seed"], 0)
        there = _samples(real.fit_days, treatment, row["seed"], 0, row["factors"])
    found = market_measures(shown, {"all": np.ones(len(shown.dates), dtype=bool)})
    numbers = {name: found[name] for name in KEPT} | {"ridge_ic": _sample_ic(predict(there.features), there)}
    if row["panel"] == "market":
        numbers["ridge_train_ic"] = _sample_ic(predict(real.fitted().features), real.fitted())
    return RowResult([{"metric": name, "value": value} for name, value in numbers.items() if np.isfinite(value)])


def _sample_ic(prediction: np.ndarray, sample: Dataset) -> float:
    """Mean daily IC of a prediction [R] of some samples with their label."""
    judged = Validation(np.asarray(prediction, dtype=np.float64)[:, None], sample.label, sample.day)
    return judged.ic(judged.features[:, 0])


# ------------------------------------------------------------------------------------------------ fits


def _fitted(row: Config, settings: Settings) -> RowResult:
    """One network on one market: scores of its predictions; IC on the days of the fit and on the test days."""
    real, world = _stage(row, settings)
    seed = row["training_seed"] if "training_seed" in row else row["seed"]
    rng, most = np.random.default_rng([SAMPLED_DAYS, seed]), row["most"]
    fitted, held_out = real.fitted(most, rng), real.held_out(round(HELD_OUT * most) if most else None, rng)
    treatment = TREATMENTS[row["treatment"]]
    parts = [fitted] * treatment.real
    for number in range(treatment.panels):
        made = _samples(real.fit_days, treatment, seed, number, row["factors"])
        parts.append(labelled(made, 0, made.shape[0], len(fitted.label), rng))
    sample, own = joined(parts, held_out)
    settings_of = _settings(row)
    predict = neural(sample, seed, network=row["network"], loss="mse", epochs=row["epochs"],
                     patience=row["epochs"], **settings_of)(own)  # fmt: skip
    prediction = real.tested(predict)
    fit = {"train_ic": _sample_ic(predict(fitted.features), fitted), "test_ic": real.test_ic(prediction)}
    fit |= {"ic_gap": fit["train_ic"] - fit["test_ic"], "samples": float(sum(len(part.label) for part in parts))}
    fit["steps"] = row["epochs"] * np.ceil(fit["samples"] / settings_of["batch"])
    return _scored(real.panel, world, prediction, fit, row, settings["samples"])


def _settings(row: Config) -> dict[str, Any]:
    if row["learner"] == "transformer":
        return dict(TRANSFORMER)
    return {**NETWORK, **({"batch": SMALL_BATCH} if row["most"] else {})}


def _scored(
    panel: Panel, world: Market | None, prediction: np.ndarray, fit: Mapping[str, float], row: Config, samples: int
) -> RowResult:
    rng = row_rng(row["variant"], row["seed"])
    records, series = score(panel, prediction, orders_allowed=None, rng=rng, samples=samples)
    records = [*records, *({"metric": name, "value": float(value)} for name, value in fit.items())]
    found = RowResult(records, {**series, **kept(panel, prediction)})
    return with_truth(world, prediction, found, rng, samples) if world else found


def _stage(row: Config, settings: Settings) -> tuple[_Real, Market | None]:
    """The samples and the split of a row, and its truth where it is simulated."""
    if "window" in row:
        panel, split = file_window(settings, row["window"])
        return _real(panel, split, row["factors"]), None
    size = settings["n_stocks"], settings["n_days"]
    world = market(*size, row["seed"], settings["limit_rates"], **market_settings(settings))
    dates, year = world.panel.dates, settings["first_test_year"]
    split = next(walk_forward(dates, first_test_year=year, refit_every=ONE_FIT))
    return _real(world.panel, split, row["factors"]), world


@dataclass(frozen=True)
class _Real:
    """The samples of a market and its one split."""

    panel: Panel
    data: Dataset
    split: Split

    @property
    def fit_days(self) -> Panel:
        """What may be learned from, and nothing later."""
        return self.panel.rows(self.split.fit_start, self.split.fit_stop)

    def fitted(self, most: int | None = None, rng: np.random.Generator | None = None) -> Dataset:
        return labelled(self.data, self.split.fit_start, self.split.fit_stop, most, rng)

    def held_out(self, most: int | None = None, rng: np.random.Generator | None = None) -> Dataset:
        return labelled(self.data, self.split.validation_start, self.split.validation_stop, most, rng)

    def tested(self, predict: Predictor) -> np.ndarray:
        """Predictions [T, N] of the test days, NaN elsewhere."""
        prediction = np.full(self.data.shape, np.nan)
        rows = self.data.to_predict(self.split.test_start, self.split.test_stop)
        self.data.grid(rows, predict(self.data.features[rows]), prediction)
        return prediction

    def test_ic(self, prediction: np.ndarray) -> float:
        """IC on the labelled cells of the test days: those that a fit would have been given."""
        sample = labelled(self.data, self.split.test_start, self.split.test_stop)
        return _sample_ic(prediction[self.split.test_start + sample.day, sample.stock], sample)


@lru_cache(maxsize=1)
def _real(panel: Panel, split: Split, factors: str) -> _Real:
    variant = VARIANTS[MASK]
    return _Real(panel, variant_dataset(panel, variant, features(panel, variant.features, factors)), split)


def _samples(fit_days: Panel, treatment: Treatment, seed: int, number: int, factors: str) -> Dataset:
    """The samples of a synthetic panel, its factors computed anew."""
    panel, variant = _drawn(fit_days, treatment, seed, number), VARIANTS[MASK]
    return variant_dataset(panel, variant, compute_features(panel, variant.features, chosen_factors(factors)))


def _drawn(fit_days: Panel, treatment: Treatment, seed: int, number: int) -> Panel:
    """Panel `number` of a kind on a market: the same in every treatment that has so many of them."""
    name = f"{treatment.kind} {treatment.freedom}"
    rng = np.random.default_rng([zlib.crc32(name.encode()), seed, number])
    return synthetic_panel(fit_days, rng, kind=treatment.kind, freedom=treatment.freedom)


# --------------------------------------------------------------------------------- several rows at once


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """Paired differences on one market: between treatments of a learner, and of those between two learners.

    Of a price file all is the mean of its training seeds, which meet in pairs, and the levels are given as well.
    """
    first, (real, world) = rows[0][0], _stage(rows[0][0], settings)
    mark, found = "" if world else f" | {first['place']}", dict[str, list[Record]]()
    for learner in LEARNERS:
        sides: dict[str, list[RowResult]] = {}
        for row, result in rows:
            if row.get("learner") == learner:
                sides.setdefault(row["treatment"], []).append(result)
        if world is None:
            found |= {f"{name} {learner}{mark}": averaged([fit.records for fit in sides[name]]) for name in sides}
        for left, right in pairs(sides, CONTRASTS):
            name = f"{left} - {right} {learner}{mark}"
            found[name] = averaged([
                _difference(real.panel, world, *sided, row_rng(name, first["seed"] + number), settings["samples"])
                for number, sided in enumerate(zip(sides[left], sides[right], strict=True))
            ])  # fmt: skip
    for left, right in CONTRASTS:
        names = [f"{left} - {right} {learner}{mark}" for learner in ("transformer", "mlp_small")]
        if all(name in found for name in names):
            large, small = ({item["metric"]: item["value"] for item in found[name]} for name in names)
            found[f"{left} - {right} transformer - mlp_small{mark}"] = level_differences(large, small, BETWEEN)
    return RowResult([{**record, "variant": name} for name, records in found.items() for record in records])


def _difference(
    panel: Panel, world: Market | None, left: RowResult, right: RowResult, rng: np.random.Generator, samples: int
) -> list[Record]:
    """Truth IC, IC on M1, books gross and net, net at matched turnover, and the papers' Sharpe ratio, all filled."""
    a, b = ((on_panel(panel, side.arrays), side.arrays) for side in (left, right))
    records = truth_difference(world, a[0], b[0], rng, samples) if world else []
    common = np.isfinite(a[0]) & np.isfinite(b[0])
    first, second = (daily_ics(panel, side[0], common, ("m1_ic",))["m1_ic"] for side in (a, b))
    records += mean_difference("m1_ic", first, second, rng, samples)
    records += gross_and_net(RUN, a[1], b[1], rng, samples)
    records += at_matched_turnover(panel, RUN, a, b, rng, samples)
    first, second = (side[1]["naive_close.returns"] for side in (a, b))
    records += sharpe_difference("naive_close.sharpe", first, second, rng, samples)
    levels = [{item["metric"]: item["value"] for item in side.records} for side in (left, right)]
    return records + level_differences(levels[0], levels[1], LEVELS)


def agreement(row: Config) -> Agreement:
    return SIMULATED if "panel" in row else TRAINED
