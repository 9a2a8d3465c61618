"""What the page "losses" says, every outcome written down, and the numbers that it says it with."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from lib.evaluation.arms import SENSES
from lib.models.losses import adjusted_minimiser
from lib.paper.claims.ledger import claimed_value
from lib.paper.pages.findings import Finding, outcome
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds
from lib.studies.losses.minimiser import RATIOS
from lib.studies.losses.variants import (
    DIFFERENCE,
    GAMMAS,
    LARGE_GAMMA,
    MINIMISER,
    PAPER_GAMMA,
    SMALL_GAMMA,
    Trained,
)

#: the papers' gain of their loss over MSE, in Sharpe ratio
CLAIMED_GAIN = -claimed_value("B.ablation.no_adjmse.delta_sharpe")
PAPER_LOSS, SMALL, LARGE = (Trained("adj_mse", gamma, "raw") for gamma in (PAPER_GAMMA, SMALL_GAMMA, LARGE_GAMMA))
MSE_RAW, MSE = Trained("mse", None, "raw"), Trained("mse")
GROSS, MATCHED = "executed_open.active_sharpe_gross", "executed_open.matched.active_sharpe"
#: gap from the minimiser that a trained network may have, in deviations of the noise
CLOSE = 0.15


def threshold(gamma: float) -> float:
    """The signal-to-noise ratio |m|/s below which the minimiser of AdjMSE is 0: where gamma z = phi(z) - z Phi(-z).

    >>> round(threshold(0.1), 2), round(threshold(1.0), 2)
    (0.94, 0.28)
    """
    low, high = 0.0, 8.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if adjusted_minimiser(middle, 1.0, gamma) > 0 else (middle, high)
    return high


def against(numbers: OverSeeds, left: Trained, right: Trained, metric: str) -> Estimate:
    """A paired difference of two variants."""
    return numbers.find(DIFFERENCE.name(left=left.name, right=right.name), metric)


def gaps(numbers: OverSeeds, gammas: Sequence[float] = GAMMAS) -> list[float]:
    """Distance of trained networks from the minimiser, every gamma and ratio."""
    found = []
    for gamma in gammas:
        name = MINIMISER.name(gamma=f"{gamma:g}")
        for ratio in RATIOS:
            trained, best = (numbers.find(name, f"{what} at {ratio:g}").value for what in ("trained", "minimiser"))
            found.append(abs(trained - best))
    return [gap for gap in found if not math.isnan(gap)]


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What decides first: truth IC, then books; the theory, the papers' further claims, and the check of the theory."""
    numbers = OverSeeds(frame)
    shrinks, ends_near = _shrinks(numbers)
    return [
        _information(numbers),
        _money(numbers),
        shrinks,
        _small_gamma(numbers),
        _ratio_or_shape(numbers),
        _labels(numbers),
        _literal(numbers),
        ends_near,
    ]


def _shrinks(numbers: OverSeeds) -> Iterator[Finding]:
    least, ratio = threshold(PAPER_GAMMA), numbers.find(PAPER_LOSS.name, "signal_to_noise").value
    ours, plain = (numbers.find(item.name, "spread").value for item in (Trained("adj_mse", PAPER_GAMMA), MSE))
    given: dict[str, Any] = {"least": least, "ratio": ratio, "ours": ours, "plain": plain}
    start = (
        "With gamma 0.1 AdjMSE is least at a prediction of zero wherever the signal is below {least:.2f} times the "
        "noise; on this market it is {ratio:.2f} times. Predictions spread {ours:.1%} as far as returns, with MSE "
        "{plain:.1%}"
    )
    yield outcome({
        f"{start}: less than half as far.": ratio < least and ours < 0.5 * plain,
        f"{start}.": True,
    }, **given)  # fmt: skip
    gap = max(gaps(numbers), default=math.nan)
    yield outcome({
        "Networks trained where the signal is known end within {gap:.2f} standard deviations of the noise of the "
        "prediction that minimises the loss, for every gamma.": gap <= CLOSE,
        "Networks trained where the signal is known end up to {gap:.2f} standard deviations of the noise from the "
        "prediction that minimises the loss.": True,
    }, gap=gap)  # fmt: skip


def _signed(item: Estimate, up: str, down: str, unclear: str, **numbers: Any) -> Finding:
    """By the side of zero on which the interval lies; `unclear` where it holds zero or there is none."""
    return outcome({up: item.low > 0, down: item.high < 0, unclear: True}, **numbers)


def _information(numbers: OverSeeds) -> Finding:
    truth, real = (against(numbers, PAPER_LOSS, MSE_RAW, metric) for metric in ("truth_ic", "m1_ic"))
    end = (
        ": with gamma 0.1 and raw labels, as in the papers, the truth IC differs by {truth:+.3f} and the IC by "
        "{real:+.4f}."
    )
    return _signed(
        truth,
        f"A network trained by AdjMSE predicts better than one trained by MSE{end}",
        f"A network trained by AdjMSE predicts worse than one trained by MSE{end}",
        f"No difference is shown between how well networks trained by AdjMSE and by MSE predict{end}",
        truth=truth, real=real,
    )  # fmt: skip


def _money(numbers: OverSeeds) -> Finding:
    gross = against(numbers, PAPER_LOSS, MSE_RAW, GROSS)
    filled = against(numbers, PAPER_LOSS, MSE_RAW, "naive_close.sharpe")
    given: dict[str, Any] = {"gross": gross, "filled": filled, "claimed": CLAIMED_GAIN}
    end = (
        "the Sharpe ratio over equal weight changes by {gross:+.2f} before costs. With every order filled, after "
        "costs, as in the papers, the Sharpe ratio changes by {filled:+.2f}; they report {claimed:+.2f}."
    )
    return _signed(
        gross,
        f"AdjMSE in place of MSE makes a better book: {end}",
        f"AdjMSE in place of MSE makes a worse book: {end}",
        f"AdjMSE in place of MSE makes no book that is measurably better or worse: {end}", **given,
    )  # fmt: skip


def _small_gamma(numbers: OverSeeds) -> Finding:
    signs = against(numbers, SMALL, PAPER_LOSS, "sign_accuracy").times(100)
    filled = against(numbers, SMALL, PAPER_LOSS, "naive_close.sharpe")
    end = (
        "a gamma of 0.05 instead of 0.1 changes the share of right signs by {signs:+.2f} points and the Sharpe ratio "
        "with every order filled by {filled:+.2f}."
    )
    both = signs.low > 0 and filled.high < 0
    reversed_ = signs.high < 0 or filled.low > 0
    return outcome({
        f"More right signs and a lower Sharpe ratio, as the papers say: {end}": both,
        f"Not as the papers say: {end}": reversed_,
        f"Neither half of the papers' order is shown to fail, nor both to hold: {end}": True,
    }, signs=signs, filled=filled)  # fmt: skip


def _ratio_or_shape(numbers: OverSeeds) -> Finding:
    """B s5.1: "the gradient ratio matters more than the loss surface shape"."""
    huber, both, adjusted = Trained("huber"), Trained("adj_huber", PAPER_GAMMA), Trained("adj_mse", PAPER_GAMMA)
    ratio = [against(numbers, *pair, "truth_ic") for pair in ((adjusted, MSE), (both, huber))]
    shape = [against(numbers, *pair, "truth_ic") for pair in ((huber, MSE), (both, adjusted))]
    given: dict[str, Any] = dict(zip(("square", "round_", "one", "eleven"), (*ratio, *shape), strict=True))
    end = (
        "a ratio of 11 instead of 1 changes the truth IC by {square:+.3f} (MSE) and {round_:+.3f} (Huber), Huber's "
        "loss instead of MSE by {one:+.3f} (ratio 1) and {eleven:+.3f} (ratio 11)."
    )
    sizes = [sorted(abs(item.value) for item in items) for items in (ratio, shape)]
    sure = all(item.sign for item in ratio)
    return outcome({
        f"The ratio of gradients matters more than the shape of the loss, and it hurts: {end}":
            sure and sizes[0][0] > sizes[1][1] and all(item.high < 0 for item in ratio),
        f"The ratio of gradients matters more than the shape of the loss, and it helps: {end}":
            sure and sizes[0][0] > sizes[1][1] and all(item.low > 0 for item in ratio),
        f"The shape of the loss matters more than the ratio of gradients: {end}":
            all(item.sign for item in shape) and sizes[1][0] > sizes[0][1],
        f"Neither the ratio of gradients nor the shape of the loss is shown to matter more: {end}": True,
    }, **given)  # fmt: skip


def _labels(numbers: OverSeeds) -> Finding:
    centred = Trained("adj_mse", PAPER_GAMMA)
    plain, adjusted = against(numbers, MSE_RAW, MSE, "truth_ic"), against(numbers, PAPER_LOSS, centred, "truth_ic")
    end = (
        "raw labels instead of centred ones change the truth IC by {plain:+.3f} with MSE and by {adjusted:+.3f} with "
        "AdjMSE."
    )
    return outcome({
        f"Centring the labels of a day helps: {end}": plain.high < 0 and adjusted.high < 0,
        f"Centring the labels of a day hurts: {end}": plain.low > 0 and adjusted.low > 0,
        f"Centring the labels of a day is not shown to do the same to both losses: {end}": True,
    }, plain=plain, adjusted=adjusted)  # fmt: skip


def _literal(numbers: OverSeeds) -> Finding:
    name = "mean_variance_{}.active_sharpe_gross".format
    scaled, literal = (numbers.find(PAPER_LOSS.name, name(sense)) for sense in SENSES)
    trades = [numbers.find(PAPER_LOSS.name, f"mean_variance_{sense}.turnover").value
              for sense in SENSES]  # fmt: skip
    given: dict[str, Any] = {"scaled": scaled, "literal": literal, "before": trades[0], "after": trades[1]}
    end = (
        "a mean-variance book of them turns over {after:.1%} a day, and {before:.1%} once they are standardised. The "
        "Sharpe ratios over equal weight before costs are {literal:+.2f} and {scaled:+.2f}."
    )
    return outcome({
        f"Taken as they are, AdjMSE's predictions hardly trade: {end}": trades[1] < 0.5 * trades[0],
        f"Taken as they are, AdjMSE's predictions trade more than standardised: {end}": trades[1] > 2 * trades[0],
        f"Taken as they are or standardised, AdjMSE's predictions trade alike: {end}": True,
    }, **given)  # fmt: skip
