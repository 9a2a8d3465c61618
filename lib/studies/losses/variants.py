"""What is trained: eleven losses on centred labels, seven of them on raw ones too, and the settings of each.

The papers' labels are raw: they hold the market's return of the day, which no stock's factors predict. A loss over days
does not see it, because a correlation has no level. Which trial of the search serves which variant stands in
`CHOSEN`: a row names its own entry, so setting one makes only that variant stale, and no trial of the search.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lib.stats.keys import Key
from lib.store.marks import registry, used
from lib.studies.learner_tuning.trials import trial_settings

#: the papers' table has three gammas, of which the text keeps the middle one
GAMMAS = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0)
#: the papers' own gamma, and what stands here for the lost ones
PAPER_GAMMA, SMALL_GAMMA, LARGE_GAMMA = 0.1, 0.05, 0.5
LABELS = ("centred", "raw")
#: rows of a batch that meet the network together: the rank-IC loss needs memory in the square of a day's stocks
AT_ONCE = 4096

VARIANT = Key("{loss}, {labels} labels", labels=LABELS)
TRIAL = Key("{loss}, {labels} labels, trial {trial}", labels=LABELS)
MINIMISER = Key("minimiser, gamma {gamma}")

#: variant -> its best trial by validation IC. "no variant" is what the trials themselves name
CHOSEN: dict[str, int] = registry("chosen_trials", {
    "no variant": 0,
    "mse, centred labels": 0,
    "huber, centred labels": 0,
    "adj_huber 0.1, centred labels": 0,
    "adj_mse 0.01, centred labels": 0,
    "adj_mse 0.05, centred labels": 0,
    "adj_mse 0.1, centred labels": 0,
    "adj_mse 0.2, centred labels": 0,
    "adj_mse 0.5, centred labels": 0,
    "adj_mse 1, centred labels": 0,
    "ic, centred labels": 6,
    "rank_ic, centred labels": 7,
    "mse, raw labels": 7,
    "adj_mse 0.01, raw labels": 0,
    "adj_mse 0.05, raw labels": 4,
    "adj_mse 0.1, raw labels": 6,
    "adj_mse 0.2, raw labels": 0,
    "adj_mse 0.5, raw labels": 6,
    "adj_mse 1, raw labels": 0,
})  # fmt: skip


@dataclass(frozen=True)
class Trained:
    """A loss with its gamma, where it has one, and the labels it is fitted to."""

    loss: str
    gamma: float | None = None
    labels: str = "centred"

    @property
    def loss_name(self) -> str:
        """The loss with its gamma.

        >>> Trained("adj_mse", 1.0).loss_name
        'adj_mse 1'
        """
        return self.loss if self.gamma is None else f"{self.loss} {self.gamma:g}"

    @property
    def name(self) -> str:
        """The name of its rows.

        >>> Trained("adj_mse", 0.1, "raw").name
        'adj_mse 0.1, raw labels'
        """
        return VARIANT.name(loss=self.loss_name, labels=self.labels)

    @property
    def loss_settings(self) -> dict[str, float]:
        """Settings of the loss."""
        return {} if self.gamma is None else {"gamma": self.gamma}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Trained:
        """Of a row of the grid."""
        return cls(row["loss"], row["gamma"], row["labels"])


ADJUSTED = tuple(Trained("adj_mse", gamma) for gamma in GAMMAS)
CENTRED = (Trained("mse"), Trained("huber"), Trained("adj_huber", PAPER_GAMMA), *ADJUSTED, Trained("ic"),
           Trained("rank_ic"))  # fmt: skip
RAW = tuple(Trained(item.loss, item.gamma, "raw") for item in (Trained("mse"), *ADJUSTED))
EVERY = (*CENTRED, *RAW)
NAMES = tuple(item.name for item in EVERY)
DIFFERENCE = Key("{left} - {right}", left=NAMES, right=NAMES)


def differences() -> Iterator[tuple[str, str]]:
    """(left, right): each loss against MSE on the same labels; raw against centred; and what tells causes apart."""
    for variants in (CENTRED, RAW):
        yield from ((item.name, variants[0].name) for item in variants[1:])
    yield from ((item.name, Trained(item.loss, item.gamma).name) for item in RAW)
    # the ratio of gradients at Huber's shape, and the shape at the papers' ratio
    yield Trained("adj_huber", PAPER_GAMMA).name, Trained("huber").name
    yield Trained("adj_huber", PAPER_GAMMA).name, Trained("adj_mse", PAPER_GAMMA).name
    for labels in LABELS:  # a smaller gamma, and the papers' order
        papers = Trained("adj_mse", PAPER_GAMMA, labels).name
        yield from ((Trained("adj_mse", gamma, labels).name, papers) for gamma in GAMMAS if gamma < PAPER_GAMMA)


def chosen_settings(variant: str) -> dict[str, Any]:
    """Learning rate, weight decay, dropout and batch of a variant: those of its best trial."""
    used("chosen_trials", [variant])
    return dict(trial_settings("mlp", CHOSEN[variant]))
