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
_PLAIN: Mapping[str, Any] = {"learning_rate": 5e-4, "weight_decay": 1e-5, "dropout": 0.1, "batch": 512}
#: settings for about 20,000 samples, for the study `network_tuning` to replace by its best trials. So far they are its
#: defaults: five trials each on two markets of 150 stocks, with 8,000 samples and 4 epochs, raised no network's mean
#: validation IC by as much as its standard error of .008
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "mlp": _PLAIN,
    "residual": _PLAIN,
    "factor_transformer": {**_PLAIN, "dropout": 0.0},
    "time_transformer": _PLAIN,
    "lstm": _PLAIN,
    "gru": _PLAIN,
}


def find_network(name: str) -> Callable[..., nn.Module]:
    """The network of that name, a function of the number of factors and its settings. Raises UnknownNameError."""
    if name not in NETWORKS:
        raise UnknownNameError(
            f"network {name!r} does not exist; expected {', '.join(NETWORKS)}{closest(name, NETWORKS)}"
        )
    used("networks", [name])
    return NETWORKS[name]
