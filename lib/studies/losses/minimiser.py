"""Networks trained by AdjMSE where the signal-to-noise ratio is known: do they end at the loss's own minimiser?

One factor x, even on [-2.5, 2.5], and a label y = x + noise of unit variance: at x the label is normal with mean x and
deviation 1, so that |x| is the signal-to-noise ratio, and the best prediction is
`lib.models.losses.adjusted_minimiser(x, 1, gamma)`.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from lib.models.losses import adjusted_minimiser, find_loss
from lib.models.networks import MLP
from lib.models.training import Protocol, initialised, predict, train
from lib.models.validation import Validation

WIDEST = 2.5
#: signal-to-noise ratios at which the trained network is read: daily returns of stocks are at the left end
RATIOS = (0.1, 0.5, 1.0, 1.5, 2.0)
ROWS = 20_000


class LastEpoch(Validation):
    """Prefers every epoch to the one before: here the minimiser is wanted, not an order of stocks."""

    def __init__(self, features: np.ndarray) -> None:
        self.features, self._epochs = features, 0

    def ic(self, prediction: np.ndarray) -> float:
        """The number of epochs so far."""
        self._epochs += 1
        return float(self._epochs)


def trained_minimiser(gamma: float, seed: int, epochs: int) -> dict[str, float]:
    """Prediction of a network at each ratio, the mean of both signs, and the minimiser: metric -> value."""
    rng = np.random.default_rng([seed, 11])
    x = rng.uniform(-WIDEST, WIDEST, ROWS)
    points = np.array(RATIOS)
    asked = np.concatenate([points, -points]).astype(np.float32)[:, None]
    label = x + rng.standard_normal(ROWS)
    network = train(
        initialised(partial(MLP, dropout=0.0), 1, seed), (x.astype(np.float32)[:, None], label), LastEpoch(asked),
        seed=seed, loss=find_loss("adj_mse", gamma=gamma),
        protocol=Protocol(learning_rate=3e-3, batch=1000, epochs=epochs, schedule="cosine"),
    )  # fmt: skip
    right, left = np.split(float(np.std(label)) * predict(network, asked).astype(np.float64), 2)
    found = dict(zip((f"trained at {ratio:g}" for ratio in RATIOS), ((right - left) / 2).tolist(), strict=True))
    return found | {f"minimiser at {ratio:g}": adjusted_minimiser(ratio, 1.0, gamma) for ratio in RATIOS}
