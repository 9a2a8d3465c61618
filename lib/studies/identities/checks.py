"""Claims that a recomputation settles: ranks by double argsort, rolling sums by convolution, counts, a loss's weights.

Nothing here is sampled: each function is the papers' formula as printed, or the count of something.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from lib.arrays import BoolArray, Matrix
from lib.models.losses import AdjMSE
from lib.stats import masked_ranks

#: stated sizes of the papers' networks: factors, hidden units, heads, feed-forward units, layers (B s3.5.3)
FACTORS, HIDDEN, HEADS, FEED_FORWARD, LAYERS = 213, 128, 4, 256, 2
#: readings of the text on the Transformer: (rows of the positional embedding beyond the factors, final normalisation)
READINGS = {
    "positions of the factors alone": (0, False),
    "positions of the CLS token too": (1, False),
    "and a final normalisation": (1, True),
}
GIB, GB = 2.0**30, 1e9
ONE_DAY = torch.zeros(0, dtype=torch.int64)  # rows of a loss that does not ask for their days


# ---------------------------------------------------------------------------------------- ranks (A eq. 10)


def double_argsort(values: Matrix) -> Matrix:
    """argsort(argsort(x)) + 1 in every row [T, N], as printed: ties get distinct ranks in the order of the columns.

    NaN sorts last. There is no mask: what stands in a masked cell is ranked with the rest.
    """
    order = np.argsort(values, axis=1, kind="stable")
    places: Matrix = np.argsort(order, axis=1, kind="stable").astype(float)
    return places + 1.0


def rank_agreement(values: Matrix, cells: BoolArray, filling: float) -> dict[str, float]:
    """Where the double argsort, with `filling` in the cells outside `cells`, gives the average rank of the others.

    agree: share of the cells [T, N] inside; days: share of the days on which all of them do; largest: greatest
    difference of a rank, as a share of the day's cells.
    """
    wanted, printed = masked_ranks(values, cells), double_argsort(np.where(cells, values, filling))
    counts = cells.sum(axis=1)
    known = counts > 0
    differs = cells & (wanted != printed)
    gap = np.where(cells, np.abs(wanted - printed), 0.0)[known] / counts[known, None]
    return {
        "agree": float(1 - differs.sum() / cells.sum()),
        "days": float(1 - differs[known].any(axis=1).mean()),
        "largest": float(gap.max()),
    }


# ------------------------------------------------------------------------------- rolling sums (A eq. 9)


def convolved(values: Matrix, window: int) -> Matrix:
    """Conv1D(x, ones(window), padding = window - 1) down the days: [T, N] -> [T + window - 1, N], as printed."""
    x = torch.from_numpy(np.ascontiguousarray(values.T))[:, None, :]  # N 1 T
    kernel = torch.ones(1, 1, window, dtype=x.dtype)
    return nn.functional.conv1d(x, kernel, padding=window - 1)[:, 0].T.numpy()


def days_ahead(window: int, first: int) -> int:
    """How many days into the future T outputs read that are cut from row `first` of the convolution on.

    Found by experiment: the last day's value is changed, and the first output that changes tells.
    """
    days = 3 * window
    changed = np.zeros((days, 1))
    changed[-1] = 1.0
    kept = convolved(changed, window)[first : first + days, 0]
    return int(days - 1 - np.flatnonzero(kept)[0])


def rolling_agreement(values: Matrix, cells: BoolArray, window: int) -> dict[str, float]:
    """The first T rows of the convolution, masked cells stored as 0, beside the sum over windows without masked cells.

    error: largest relative difference where every cell of the window is there; partial: share of the other cells, all
    of which get a number from the convolution; of these, short: windows that begin before the first day.
    """
    stored = np.where(cells, values, 0.0)
    found = convolved(stored, window)[: len(values)]
    whole = np.zeros(cells.shape, dtype=bool)
    sums = np.zeros(cells.shape)
    for day in range(window - 1, len(values)):
        rows = slice(day - window + 1, day + 1)
        whole[day], sums[day] = cells[rows].all(axis=0), stored[rows].sum(axis=0)
    error = np.abs(found - sums)[whole] / np.maximum(np.abs(sums[whole]), 1e-300)
    return {
        "error": float(error.max()) if whole.any() else np.nan,
        "partial": float(1 - whole.mean()),
        "short": (window - 1) / len(values),
    }


# --------------------------------------------------------------------------- parameters (B s3.5.3)


def mlp_parameters(inputs: int = FACTORS, hidden: int = HIDDEN) -> int:
    """inputs - hidden - hidden - 1, each layer with a bias."""
    return inputs * hidden + hidden + hidden * hidden + hidden + hidden + 1


def transformer_parameters(width: int, reading: str, factors: int = FACTORS) -> int:
    """Parameters of the factor-axis Transformer, in closed form; the number of heads does not matter.

    One layer: 4 w (w + 1) of attention, 2 w f + f + w of the feed-forward part, 4 w of two normalisations. Around them
    2 w for the shared embedding of a scalar, w for the CLS token, w for every position, w + 1 for the output.
    """
    extra, normalised = READINGS[reading]
    layer = 4 * width * (width + 1) + 2 * width * FEED_FORWARD + FEED_FORWARD + width + 4 * width
    around = 2 * width + width + (factors + extra) * width + width + 1 + (2 * width if normalised else 0)
    return LAYERS * layer + around


def widths_that_give(claimed: float, rounding: float, reading: str, largest: int = 512) -> list[int]:
    """Multiples of the number of heads at which the Transformer has the claimed parameters, to the printed digits."""
    widths = range(HEADS, largest + 1, HEADS)
    return [width for width in widths if abs(transformer_parameters(width, reading) - claimed) <= rounding]


# --------------------------------------------------------------------------- Adjusted MSE (B eq. 3)


def penalty_ratio(gamma: float) -> float:
    """Gradient at a wrong sign over that at a right sign, for errors of equal size: (1 + gamma) / gamma."""
    target = torch.full((2,), 1.0, dtype=torch.float64)
    prediction = torch.tensor([-0.5, 2.5], dtype=torch.float64, requires_grad=True)  # both 1.5 away
    (gradient,) = torch.autograd.grad(AdjMSE(gamma)(prediction, target, ONE_DAY), prediction)
    return float(gradient.abs()[0] / gradient.abs()[1])


def distance_from_mse(gamma: float) -> float:
    """Largest relative difference between the gradient of the loss over gamma and that of the mean squared error."""
    target = torch.tensor([1.0, 1.0, -1.0, -1.0], dtype=torch.float64)
    prediction = torch.tensor([-0.5, 2.5, 0.5, -2.5], dtype=torch.float64, requires_grad=True)
    (ours,) = torch.autograd.grad(AdjMSE(gamma)(prediction, target, ONE_DAY) / gamma, prediction)
    (plain,) = torch.autograd.grad(((prediction - target) ** 2).mean(), prediction)
    return float(((ours - plain).abs() / plain.abs()).max())


# --------------------------------------------------------------------------------------- memory (B s4.4)


def panel_bytes(bits: int, days: int = 3500, stocks: int = 3000, factors: int = FACTORS) -> int:
    """Bytes of all factors of the papers' panel at a number of bits a value."""
    return factors * days * stocks * bits // 8
