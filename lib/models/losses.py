"""What a network is trained to make small, one class and one line of `LOSSES` each.

A loss is called with predictions [B], labels [B] and the day of each row [B] (int64, equal for rows of one day) and
gives a scalar. `MSE`, `AdjMSE` and `Huber` are means over rows, in squared units of the label; `IC` and `RankIC` are
means over days, without unit, and need whole days in a batch: `per_day` says so. `units` counts what the mean is over,
so that a batch may be taken in parts: the loss of a batch is the mean of its parts' weighted by their units.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import huber_loss, mse_loss

from lib.errors import ParameterError, UnknownNameError, closest
from lib.store.marks import registry, used


class Loss:
    """Base of the losses over rows; see the module."""

    per_day = False

    def __call__(self, prediction: Tensor, label: Tensor, day: Tensor) -> Tensor:  # B, B, B -> scalar
        raise NotImplementedError

    def units(self, label: Tensor, day: Tensor) -> int:
        """How many rows, or days, the mean is over."""
        return len(label)

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({settings})"


class MSE(Loss):
    """Mean squared error, mean (p - y)^2.

    >>> MSE()(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0]), torch.tensor([0, 0])).item()
    2.5
    """

    def __call__(self, prediction: Tensor, label: Tensor, day: Tensor) -> Tensor:
        return mse_loss(prediction, label)


class AdjMSE(Loss):
    """Adjusted MSE (B eq. 3): mean w (p - y)^2 with w = gamma where p y > 0, else 1 + gamma.

    So it is gamma MSE plus the mean squared error of the rows whose sign is not right. gamma to infinity: MSE, scaled
    by gamma. gamma = 0: rows with the right sign cost nothing, however far off. A prediction of 0 has no sign and
    costs as a wrong one; the loss jumps there, and its gradient is 2 w (p - y) / B on either side, w held constant.
    Raises ParameterError for a gamma that is negative or not finite.

    >>> AdjMSE(0.1)(torch.tensor([1.0, 1.0]), torch.tensor([2.0, -1.0]), torch.tensor([0, 0])).item()  # .1, 4.4
    2.25
    """

    def __init__(self, gamma: float = 0.1) -> None:
        self.gamma = _checked_gamma(gamma)

    def __call__(self, prediction: Tensor, label: Tensor, day: Tensor) -> Tensor:
        wrong = prediction.detach() * label <= 0  # B
        return ((self.gamma + wrong.to(label.dtype)) * (prediction - label).square()).mean()


class Huber(Loss):
    """Mean of e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2), e = p - y (Huber 1964).

    delta: in units of the label, which training scales to unit variance. Raises ParameterError unless it is positive.

    >>> Huber(1.0)(torch.tensor([0.0, 0.0]), torch.tensor([1.0, 3.0]), torch.tensor([0, 0])).item()  # .5, 2.5
    1.5
    """

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = _positive("delta", delta)

    def __call__(self, prediction: Tensor, label: Tensor, day: Tensor) -> Tensor:
        return huber_loss(prediction, label, delta=self.delta)


class AdjHuber(Loss):
    """Huber's loss with the weights of `AdjMSE`: gamma where the sign is right, else 1 + gamma.

    The ratio of gradients of a wrong sign to a right one at equal |e| is (1 + gamma) / gamma, as in AdjMSE, and the
    shape is Huber's: it tells the ratio from the shape. Raises ParameterError for a gamma that is negative or not
    finite and a delta that is not positive.

    >>> found = AdjHuber(0.1)(torch.tensor([1.0, 1.0]), torch.tensor([2.0, -2.0]), torch.tensor([0, 0]))  # .05, 2.75
    >>> round(found.item(), 5)
    1.4
    """

    def __init__(self, gamma: float = 0.1, delta: float = 1.0) -> None:
        self.gamma, self.delta = _checked_gamma(gamma), _positive("delta", delta)

    def __call__(self, prediction: Tensor, label: Tensor, day: Tensor) -> Tensor:
        wrong = prediction.detach() * label <= 0  # B
        return ((self.gamma + wrong.to(label.dtype)) * huber_loss(prediction, label, "none", delta=self.delta)).mean()


class IC(Loss):
    """1 - mean over days of Pearson's correlation of predictions and labels, in [0, 2].

    A day with fewer than two rows, or whose labels are all equal, has no correlation and is left out of the mean; a
    batch without any other day gives 0. A day whose predictions are all equal counts as correlation 0 and has
    gradient 0, as in `lib.models.validation`. Unchanged when a day's predictions are shifted or scaled by a positive
    number, so predictions have no unit.

    >>> label, day = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([7, 7, 7])
    >>> round(IC()(torch.tensor([10.0, 20.0, 30.0]), label, day).item(), 6)
    0.0
    """

    per_day = True

    def __call__(self, prediction: Tensor, label: Tensor, day: Tensor) -> Tensor:
        p, present = by_day(prediction, day)  # D M
        y, _ = by_day(label, day)  # D M
        return _one_less(self._correlation(p, y, present), _varies(y, present))

    def units(self, label: Tensor, day: Tensor) -> int:
        return int(_varies(*by_day(label, day)).sum())

    def _correlation(self, p: Tensor, y: Tensor, present: Tensor) -> Tensor:  # D M -> D
        return (_unit(p, present) * _unit(y, present)).sum(1)


class RankIC(IC):
    """1 - mean over days of the correlation of soft ranks of predictions with ranks of labels, in [0, 2].

    Soft rank of row i in its day: sum_j sigmoid((p_i - p_j) / (temperature s)), s the standard deviation of the day's
    predictions. Temperature to 0 gives Spearman's correlation, ties averaged; the gradient then vanishes almost
    everywhere. Days as in `IC`. Work and memory grow with the square of a day's rows. Raises ParameterError unless the
    temperature is positive.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        self.temperature = _positive("temperature", temperature)

    def _correlation(self, p: Tensor, y: Tensor, present: Tensor) -> Tensor:
        # a unit vector has standard deviation 1 / sqrt(count)
        scaled = _unit(p, present) * present.sum(1, keepdim=True).sqrt() / self.temperature  # D M
        soft = _pairs(scaled, present, torch.sigmoid)  # D M
        hard = _pairs(y, present, lambda gap: (gap.sign() + 1) / 2)  # D M
        return (_unit(soft, present) * _unit(hard, present)).sum(1)


LOSSES: dict[str, Callable[..., Loss]] = registry("losses", {
    "mse": MSE,
    "adj_mse": AdjMSE,
    "huber": Huber,
    "adj_huber": AdjHuber,
    "ic": IC,
    "rank_ic": RankIC,
})  # fmt: skip


def find_loss(name: str, **settings: Any) -> Loss:
    """The loss of that name, such as find_loss("adj_mse", gamma=0.2).

    Raises UnknownNameError for a name that does not exist, ParameterError for a setting that the loss does not have.
    """
    if name not in LOSSES:
        raise UnknownNameError(f"loss {name!r} does not exist; expected {', '.join(LOSSES)}{closest(name, LOSSES)}")
    used("losses", [name])
    try:
        return LOSSES[name](**settings)
    except TypeError as error:
        raise ParameterError(f"loss {name!r}: got the settings {', '.join(settings)}; {error}") from None


def adjusted_minimiser(mean: float, sd: float, gamma: float) -> float:
    """The constant prediction with the least expected AdjMSE for a label that is normal with this mean and sd.

    With z = |mean| / sd, phi and Phi of the standard normal:

        sign(mean) sd max(0, (gamma z - (phi(z) - z Phi(-z))) / (gamma + Phi(-z)))

    For a prediction c > 0 the expected loss is gamma E(c - y)^2 + E[(c - y)^2; y <= 0], whose derivative is 0 at
    c = (gamma E y - E y-) / (gamma + P(y <= 0)); the other sign is never better. Positive where
    E y+ / E y- > (1 + gamma) / gamma, which for gamma = 0.1 is z > 0.94. Below that the loss falls towards 0 from both
    sides and 0 is its infimum's place, not attained, since 0 itself counts as a wrong sign. Units of the label.
    Raises ParameterError for sd <= 0 or gamma < 0.

    >>> adjusted_minimiser(0.1, 1.0, gamma=0.1), round(adjusted_minimiser(2.0, 1.0, gamma=0.1), 3)
    (0.0, 1.56)
    """
    from scipy.special import ndtr

    z, gamma = abs(mean) / _positive("sd", sd), _checked_gamma(gamma)
    density, wrong = math.exp(-z * z / 2) / math.sqrt(2 * math.pi), float(ndtr(-z))
    shrunk = gamma * z - (density - z * wrong)
    return math.copysign(sd * shrunk / (gamma + wrong), mean) if shrunk > 0 else 0.0


# --------------------------------------------------------------------------------------------- by day


def by_day(values: Tensor, day: Tensor) -> tuple[Tensor, Tensor]:
    """Rows laid out by day: values [D, M], 0 where a day has fewer than M rows, and which are present, bool [D, M]."""
    order = torch.argsort(day, stable=True)  # B
    counts = torch.unique_consecutive(day[order], return_counts=True)[1]  # D
    most = int(counts.max()) if len(counts) else 0
    present = torch.arange(most, device=day.device) < counts[:, None]  # D M
    laid = values.new_zeros(present.shape)
    laid[present] = values[order]
    return laid, present


def _varies(values: Tensor, present: Tensor) -> Tensor:
    """Days [D] whose values are not all equal; a day of one row is equal to itself, NaN to nothing."""
    high = values.masked_fill(~present, -math.inf).amax(1)
    return ~(high <= values.masked_fill(~present, math.inf).amin(1))


def _unit(values: Tensor, present: Tensor) -> Tensor:
    """Values less their day's mean, divided by their norm; 0 without a gradient on a day that does not vary, [D, M]."""
    mean = values.sum(1, keepdim=True) / present.sum(1, keepdim=True)
    centred = torch.where(present, values - mean, 0.0)
    varies = _varies(values.detach(), present)[:, None]
    # the norm of a day that does not vary is not differentiable: it is replaced before the root, not after
    norm = torch.where(varies, centred.square().sum(1, keepdim=True), 1.0).sqrt()
    return torch.where(varies, centred / norm, 0.0)


def _pairs(values: Tensor, present: Tensor, wins: Callable[[Tensor], Tensor]) -> Tensor:
    """Sum over the rows j of a day of wins(value_i - value_j), [D, M]."""
    gaps = values[:, :, None] - values[:, None, :]  # D M M
    both = present[:, :, None] & present[:, None, :]  # D M M
    return torch.where(both, wins(gaps), 0.0).sum(2)


def _one_less(correlation: Tensor, counted: Tensor) -> Tensor:
    """1 - mean of the correlations [D] that count; 0 where none does, still a function of the predictions."""
    if not counted.any():
        return 0.0 * correlation.sum()
    return 1 - torch.where(counted, correlation, 0.0).sum() / counted.sum()


def _checked_gamma(gamma: float) -> float:
    if not (math.isfinite(gamma) and gamma >= 0):
        raise ParameterError(f"gamma: got {gamma!r}; expected a number of at least 0")
    return float(gamma)


def _positive(name: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ParameterError(f"{name}: got {value!r}; expected a positive number")
    return float(value)
