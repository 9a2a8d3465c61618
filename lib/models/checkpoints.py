"""A training run between two epochs as one safetensors file, from which it goes on as if it had never stopped.

Tensors: weights, weights of the best epoch, the optimiser's moments, the states of the two generators. Metadata: the
counters, and what the run was asked to do, so that another run does not go on from it. A file is replaced whole, so a
kill leaves the one before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lib.errors import StoreError
from lib.models.networks import Dropout
from lib.store.files import write_bytes

Asked = Mapping[str, str]


@dataclass
class State:
    """Everything that training changes."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    shuffle: torch.Generator
    best: dict[str, Tensor]
    counters: dict[str, Any] = field(default_factory=lambda: {"epoch": 0, "best_ic": -float("inf"), "waited": 0})


def save(path: Path | str, state: State, asked: Asked) -> None:
    """Replace the file by this state."""
    from safetensors.torch import save as encoded

    tensors = {name: tensor.detach().contiguous().clone() for name, tensor in _tensors(state).items()}
    metadata = {"asked": json.dumps(dict(asked)), "counters": json.dumps(state.counters)}
    write_bytes(path, encoded(tensors, metadata))


def load(path: Path | str, state: State, asked: Asked) -> bool:
    """Bring a state to where the file left it; False where there is no file.

    Raises StoreError for a file that cannot be read or that another run has left.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).exists():
        return False
    try:
        with safe_open(str(path), framework="pt") as file:
            names = file.keys()
            metadata, found = file.metadata() or {}, {name: file.get_tensor(name) for name in names}
        made, counters = json.loads(metadata["asked"]), json.loads(metadata["counters"])
    except (SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise StoreError(f"checkpoint {Path(path).name}: cannot be read ({error}); remove it to start again") from error
    for name, value in asked.items():
        if made.get(name) != value:
            raise StoreError(
                f"checkpoint {Path(path).name}: left by another run, {name}: got {made.get(name)}, expected {value}; "
                "give this run a file of its own"
            )
    _restore(state, found, counters)
    return True


def fingerprint(*arrays: np.ndarray) -> str:
    """A digest of arrays, of about 1,000 rows of those that are not one-dimensional."""
    digest = hashlib.sha256()
    for array in arrays:
        kept = array if array.ndim == 1 else array[:: max(1, len(array) // 1000)]
        digest.update(f"{array.shape} {array.dtype}".encode() + np.ascontiguousarray(kept).tobytes())
    return digest.hexdigest()[:16]


def _dropout_generator(network: nn.Module) -> torch.Generator | None:
    return next((module.generator for module in network.modules() if isinstance(module, Dropout)), None)


def _tensors(state: State) -> dict[str, Tensor]:
    tensors = {f"network.{name}": tensor for name, tensor in state.network.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in state.best.items()}
    for number, moments in state.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    tensors["generator.shuffle"] = state.shuffle.get_state()
    dropout = _dropout_generator(state.network)
    return tensors if dropout is None else tensors | {"generator.dropout": dropout.get_state()}


def _restore(state: State, found: Mapping[str, Tensor], counters: dict[str, Any]) -> None:
    def under(part: str) -> dict[str, Tensor]:
        return {name.removeprefix(part): tensor for name, tensor in found.items() if name.startswith(part)}

    state.network.load_state_dict(under("network."))
    device = next(state.network.parameters()).device
    state.best = {name: tensor.to(device) for name, tensor in under("best.").items()}
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in under("optimiser.").items():
        number, _, what = name.partition(".")
        moments.setdefault(int(number), {})[what] = tensor
    state.optimiser.load_state_dict({**state.optimiser.state_dict(), "state": moments})
    state.shuffle.set_state(found["generator.shuffle"])
    dropout = _dropout_generator(state.network)
    if dropout is not None:
        dropout.set_state(found["generator.dropout"])
    state.counters.update(counters)
