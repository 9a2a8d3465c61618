"""The papers' whole system, and the same system with one of its five components removed (paper B, section 4.3).

Mask, AdjMSE, a synthetic panel and Ledoit-Wolf's covariance are removed from the system with the MLP, which is fast
enough for many markets. The Transformer is removed from a system of its own: it and the MLP beside it are fitted to the
same few samples. A component contributes the whole less what is left without it; the papers print the opposite sign.

The covariance is no part of a fit: the predictions of the whole system go into two books.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lib.evaluation.lagged_optimiser import SENSES
from lib.evaluation.simulated import FACTOR_SETS
from lib.models.augmentation import joined, labelled
from lib.models.dataset import Dataset
from lib.models.fits import Predictor
from lib.models.splits import Split
from lib.parameters import Parameter
from lib.portfolio import Matched, traded
from lib.portfolio.slowed import slowed
from lib.stats.estimates import Estimate
from lib.stats.keys import Key
from lib.stats.over_seeds import OverSeeds
from lib.store.rows import RowResult

#: the papers' choice of s3.5.2; kind of synthetic panel, a stock's own days in blocks of 21
GAMMA, KIND = 0.1, "stock_blocks"
#: basis points of the value traded: none, and the two ends of the papers' range
COSTS_BPS = (0, 5, 8)
#: of a training seed of a system that is fitted once more; of the random numbers that draw days
AGAIN, DRAWN_DAYS = 1000, 21


@dataclass(frozen=True)
class Fitting:
    """One fit. masked: the papers' mask in windows, labels and predictions, or none anywhere. loss: of
    `lib.models.losses`. panels: synthetic panels beside the real sample, 0 or 1. few: fitted to few samples, see the
    head of this file. again: with another training seed.
    """

    masked: bool = True
    loss: str = "adj_mse"
    panels: int = 1
    network: str = "mlp"
    few: bool = False
    again: bool = False

    @property
    def loss_settings(self) -> dict[str, float]:
        return {"gamma": GAMMA} if self.loss == "adj_mse" else {}


LITERAL = SENSES[0]
FULL, UNSHRUNK, AGAINST_CHANCE = "full", "no shrinkage", "another seed"
FITS: Mapping[str, Fitting] = {
    FULL: Fitting(),
    "no AdjMSE": Fitting(loss="mse"),
    "no augmentation": Fitting(panels=0),
    AGAINST_CHANCE: Fitting(again=True),
    "full, Transformer": Fitting(network="factor_transformer", few=True),
    "no Transformer": Fitting(few=True),
    "no mask": Fitting(masked=False),
}
#: parameters of a study of these systems: what is fitted, to how much and for how long
LEARNING = {
    "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
    "fits": Parameter(list, list(FITS), choices=tuple(FITS), help="what is fitted"),
    "few_seeds": Parameter(
        int, 1, low=0, high=1000, help="markets of the Transformer, the MLP beside it and another training seed"
    ),
    "rows": Parameter(int, 20_000, low=500, high=10**7, help="real samples of the Transformer, and of that MLP"),
    "epochs": Parameter(int, 60, low=1, high=1000, help="epochs of the MLP at most"),
    "transformer_epochs": Parameter(int, 6, low=1, high=1000, help="epochs of the Transformer, and of that MLP"),
}
#: system, in words
SYSTEMS = {
    FULL: "whole system, MLP", "no mask": "no mask", "no AdjMSE": "MSE in place of AdjMSE",
    "no augmentation": "no synthetic panel", UNSHRUNK: "sample covariance",
    AGAINST_CHANCE: "whole system, another training seed",
    "full, Transformer": "whole system, Transformer, few samples",
    "no Transformer": "whole system, MLP, the same few samples",
}  # fmt: skip
#: component -> the system with it and the one without it, in the order of the papers' table
COMPONENTS: Mapping[str, tuple[str, str]] = {
    "mask": (FULL, "no mask"),
    "AdjMSE": (FULL, "no AdjMSE"),
    "augmentation": (FULL, "no augmentation"),
    "shrinkage": (FULL, UNSHRUNK),
    "Transformer": ("full, Transformer", "no Transformer"),
}
#: component -> what it is, beside what stands in its place
WORDS = {
    "mask": "mask, or no mask", "AdjMSE": "AdjMSE, or MSE", "augmentation": "a synthetic panel, or none",
    "shrinkage": "Ledoit-Wolf, or the sample covariance", "Transformer": "Transformer, or MLP, few samples",
}  # fmt: skip
MASK = next(iter(COMPONENTS))
OTHERS = tuple(name for name in COMPONENTS if name != MASK)
#: every pair that is compared: left less right; what another training seed changes stands beside the components
PAIRS = (*COMPONENTS.values(), (FULL, AGAINST_CHANCE))
CHANGE = Key("{left} - {right}", left=SYSTEMS, right=SYSTEMS)
#: what the mask contributes less what another component does, on the same market
OVER = Key("mask over {component}", component=OTHERS)


# ------------------------------------------------------------------------------------------------ fits


def trained(
    data: Dataset,
    split: Split,
    made: Callable[[], Dataset],
    fitting: Fitting,
    seed: int,
    *,
    rows: int | None = None,
    **settings: Any,
) -> Predictor:
    """A network fitted to the days of `split`, predicting in returns.

    data: samples with raw labels. made: the samples of a synthetic panel made from the fit days, asked for where the
    fitting has one; as many of them are used as of real ones. rows: about so many real samples, on whole days drawn
    with the seed, and as many validation samples; None: all. settings: of the network and of its training.
    """
    from lib.models.neural import neural

    rng = np.random.default_rng([DRAWN_DAYS, seed])
    parts = [labelled(data, split.fit_start, split.fit_stop, rows, rng)]
    if fitting.panels:
        synthetic = made()
        parts.append(labelled(synthetic, 0, synthetic.shape[0], len(parts[0].label), rng))
    sample, own = joined(parts, labelled(data, split.validation_start, split.validation_stop, rows, rng))
    predict = neural(
        sample, seed + AGAIN * fitting.again, network=fitting.network, loss=fitting.loss,
        loss_settings=fitting.loss_settings, **settings,
    )(own)  # fmt: skip
    unit = float(np.std(sample.label[sample.rows(own.fit_start, own.fit_stop)]))  # a network predicts in deviations
    return lambda features: unit * predict(features)


# ----------------------------------------------------------------------------------------------- books


@dataclass(frozen=True)
class EqualTurnover:
    """Two books of which the one that trades more counts a cost in its objective. costs: of left and right, one of them
    0; ratio: left over right turnover on the validation days; reached: within 5 per cent there."""

    costs: tuple[float, float]
    ratio: float
    reached: bool


def equal_turnover(
    left: Callable[[float], ArrayLike], right: Callable[[float], ArrayLike], dearest: float
) -> EqualTurnover:
    """The cost a unit of turnover, at most `dearest`, with which the faster of two optimisers trades as the slower.

    left, right: cost -> turnover [D] of the validation days, and of no others.
    """
    sides = cache(left), cache(right)
    rates = [traded(side(0.0)) for side in sides]
    fast = int(rates[1] > rates[0])
    found: Matched = slowed(sides[fast], 0.0, dearest, rates[1 - fast])
    ratio = 1 / found.ratio if fast and found.ratio > 0 else found.ratio
    return EqualTurnover((0.0, found.multiple) if fast else (found.multiple, 0.0), ratio, found.reached)


# --------------------------------------------------------------------------------------- contributions


def levels_of(results: Sequence[RowResult]) -> dict[str, dict[str, float]]:
    """System -> metric -> value, of the rows of one market."""
    levels: dict[str, dict[str, float]] = {}
    for result in results:
        for item in result.records:
            levels.setdefault(item["variant"], {})[item["metric"]] = item["value"]
    return levels


def contributions(levels: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """System -> its numbers on one market, to pair -> their differences, and what the mask has over each component.

    Numbers that one side lacks are left out, and so are pairs of which a side was not run.

    >>> found = contributions({"full": {"x": 3.0}, "no mask": {"x": 1.0}, "no AdjMSE": {"x": 2.5}})
    >>> found["full - no mask"], found["mask over AdjMSE"]
    ({'x': 2.0}, {'x': 1.5})
    """
    found = {
        CHANGE.name(left=left, right=right): _less(levels[left], levels[right])
        for left, right in PAIRS if left in levels and right in levels
    }  # fmt: skip
    mask, own = found.get(CHANGE.name(**_sides(MASK)), {}), {}
    for name in OTHERS:
        if mask and (other := found.get(CHANGE.name(**_sides(name)))):
            own[OVER.name(component=name)] = _less(mask, other)
    return found | own


def with_costs(numbers: Mapping[str, float], kind: str = "sharpe") -> dict[str, float]:
    """Differences with saved_KIND: the part of a net difference of ratios, such as Sharpe ratios, that is costs."""
    saved = {
        f"{sense}.{bps}bps.saved_{kind}": numbers[net] - numbers[gross]
        for sense in SENSES for bps in COSTS_BPS if bps
        if (net := f"{sense}.{bps}bps.{kind}") in numbers and (gross := f"{sense}.0bps.{kind}") in numbers
    }  # fmt: skip
    return {**numbers, **saved}


def _less(left: Mapping[str, float], right: Mapping[str, float]) -> dict[str, float]:
    return {name: left[name] - right[name] for name in left if name in right}


def _sides(component: str) -> dict[str, str]:
    return dict(zip(("left", "right"), COMPONENTS[component], strict=True))


@dataclass(frozen=True)
class View:
    """How a study measures a book. kind: metric of a book, sharpe or appraisal; ratio: in words; year: sessions."""

    study: str
    kind: str
    ratio: str
    year: int

    def at(self, bps: int, sense: str = LITERAL) -> str:
        """The ratio after a cost of so many basis points a side."""
        return f"{sense}.{bps}bps.{self.kind}"

    def saved(self, sense: str = LITERAL) -> str:
        """The part of a difference after 8 basis points that is costs."""
        return f"{sense}.8bps.saved_{self.kind}"

    @property
    def matched(self) -> str:
        """The ratio after 8 basis points at equal turnover."""
        return f"{LITERAL}.matched.8bps.{self.kind}"


@dataclass(frozen=True)
class Ladder:
    """What the components contribute, over the markets of a frame."""

    numbers: OverSeeds

    def contribution(self, component: str, metric: str) -> Estimate:
        """The system with a component less the one without it, the mean over markets with its 95 % interval."""
        return self.numbers.find(CHANGE.name(**_sides(component)), metric)

    def over(self, component: str, metric: str) -> Estimate:
        """What the mask contributes more than another component, paired over the markets that have both."""
        return self.numbers.find(OVER.name(component=component), metric)

    def ranked(self, metric: str) -> list[str]:
        """The components of which there is a number, the largest contribution first."""
        found = {name: self.contribution(name, metric).value for name in COMPONENTS}
        return sorted((name for name in found if not math.isnan(found[name])), key=lambda name: -found[name])

    def mask_is_largest(self, metric: str) -> list[Estimate]:
        """The parts of an intersection-union test: the mask contributes most when each of these lies above 0."""
        return [self.over(name, metric) for name in OTHERS]
