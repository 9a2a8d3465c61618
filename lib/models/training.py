"""Training by the papers' protocol (B s3.5.3): AdamW, gradient clipping, early stopping on validation days.

The loss is plain MSE on labels scaled to unit variance; scaling changes neither the minimiser's ranks nor the
papers' protocol, and keeps their learning rate meaningful at daily returns of two per cent. Training stops on the
validation IC, the criterion of every learner here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from lib.errors import ParameterError
from lib.models.networks import seed_dropout
from lib.models.validation import Validation


@dataclass(frozen=True)
class Protocol:
    """Optimiser settings; the defaults are the papers' where stated, else those of the authors' configuration."""

    learning_rate: float = 5e-4
    weight_decay: float = 1e-5
    clip_norm: float = 1.0
    batch: int = 8192
    epochs: int = 60
    patience: int = 3  # epochs without a better validation IC; the papers do not state theirs


def train(
    network: nn.Module,
    fit: tuple[np.ndarray, np.ndarray],
    validation: Validation,
    *,
    seed: int,
    protocol: Protocol | None = None,
    device: str = "cpu",
) -> nn.Module:
    """Fit a network and return it with the weights of its best validation epoch.

    fit: (features float32 [R, F], label [R]). seed: of shuffling and dropout. Raises ParameterError when there is
    nothing to fit.
    """
    protocol = protocol or Protocol()
    if not len(fit[1]):
        raise ParameterError("training needs samples: got none to fit; take more days or stocks")
    x, y = _tensors(fit, float(np.std(fit[1])) or 1.0, device)
    network = network.to(device)
    optimiser = torch.optim.AdamW(network.parameters(), protocol.learning_rate, weight_decay=protocol.weight_decay)
    shuffle = torch.Generator().manual_seed(seed)
    best, best_ic, waited = copy.deepcopy(network.state_dict()), -float("inf"), 0
    seed_dropout(network, seed, device)
    for _ in range(protocol.epochs):
        _epoch(network, optimiser, x, y, torch.randperm(len(y), generator=shuffle), protocol)
        ic = validation.ic(predict(network, validation.features))
        if ic > best_ic:
            best, best_ic, waited = copy.deepcopy(network.state_dict()), ic, 0
        else:
            waited += 1
            if waited > protocol.patience:
                break
    network.load_state_dict(best)
    return network


def initialised(build: Callable[[int], nn.Module], n_factors: int, seed: int) -> nn.Module:
    """A network whose initial weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(n_factors)


def predict(network: nn.Module, features: np.ndarray, batch: int = 4096) -> np.ndarray:
    """Predictions float32 [R].

    Every batch has the same number of rows, the last one padded: a matrix product may round a row differently when
    the number of rows changes, and a prediction must not depend on how many days come after it.
    """
    network.eval()
    device = next(network.parameters()).device
    rows = len(features)
    padded = np.zeros((-(-rows // batch) * batch, features.shape[1]), dtype=np.float32)
    padded[:rows] = features
    with torch.no_grad():
        parts = [network(part.to(device)).cpu() for part in torch.from_numpy(padded).split(batch)] if rows else []
    return torch.cat(parts).numpy()[:rows] if parts else np.zeros(0, dtype=np.float32)


def _tensors(sample: tuple[np.ndarray, np.ndarray], scale: float, device: str) -> tuple[Tensor, Tensor]:
    features, label = sample
    return torch.from_numpy(features).to(device), torch.from_numpy((label / scale).astype(np.float32)).to(device)


def _epoch(
    network: nn.Module, optimiser: torch.optim.Optimizer, x: Tensor, y: Tensor, order: Tensor, protocol: Protocol
) -> None:
    network.train()
    for rows in order.to(x.device).split(protocol.batch):
        optimiser.zero_grad(set_to_none=True)
        loss = nn.functional.mse_loss(network(x[rows]), y[rows])
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), protocol.clip_norm)
        optimiser.step()
