"""Networks by name: one class and one line each. A network of `WINDOWED` is also told the length of its windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from lib.errors import UnknownNameError, closest
from lib.models.factor_transformer import FactorTransformer
from lib.models.networks import MLP
from lib.models.residual import ResidualNetwork
from lib.models.time_networks import GRU, LSTM, TimeTransformer
from lib.store.marks import registry, used

NETWORKS: dict[str, Callable[..., nn.Module]] = registry("networks", {
    "mlp": MLP,
    "residual": ResidualNetwork,
    "factor_transformer": FactorTransformer,
    "time_transformer": TimeTransformer,
    "lstm": LSTM,
    "gru": GRU,
})  # fmt: skip
#: read the last sessions of a stock, see `lib.models.windows`; the others read its day
WINDOWED = frozenset({"time_transformer", "lstm", "gru"})
#: settings for about 20,000 samples: the best trials, by mean validation IC, of the study `network_tuning`
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "mlp": {"learning_rate": 0.00377, "weight_decay": 0.086, "dropout": 0.394, "batch": 217},
    "residual": {"learning_rate": 0.00143, "weight_decay": 0.000829, "dropout": 0.542, "batch": 515},
    "factor_transformer": {"learning_rate": 5e-4, "weight_decay": 1e-5, "dropout": 0.0, "batch": 512},
    "time_transformer": {"learning_rate": 0.000651, "weight_decay": 0.537, "dropout": 0.429, "batch": 820},
    "lstm": {"learning_rate": 0.00277, "weight_decay": 0.313, "dropout": 0.424, "batch": 418},
    "gru": {"learning_rate": 0.000189, "weight_decay": 5.83e-05, "dropout": 0.0287, "batch": 136},
}


def find_network(name: str) -> Callable[..., nn.Module]:
    """The network of that name, a function of the number of factors and its settings. Raises UnknownNameError."""
    if name not in NETWORKS:
        raise UnknownNameError(
            f"network {name!r} does not exist; expected {', '.join(NETWORKS)}{closest(name, NETWORKS)}"
        )
    used("networks", [name])
    return NETWORKS[name]
