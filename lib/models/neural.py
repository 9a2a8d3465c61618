"""Any network with any loss as a learner: neural(data, seed, network=..., loss=...) fits on the days of a split.

    fit = neural(data, seed=0, network="factor_transformer", loss="adj_mse", loss_settings={"gamma": 0.1}, epochs=6)
    prediction = fit(split)(data.features[rows])

A network that reads time takes a dataset from `lib.models.windows.windowed`; everything else is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lib.errors import ParameterError
from lib.models.architectures import WINDOWED, find_network
from lib.models.dataset import Dataset
from lib.models.fits import Fit, Predictor
from lib.models.losses import find_loss
from lib.models.splits import Split
from lib.models.training import Protocol, initialised, predict, train
from lib.models.validation import Validation
from lib.models.windows import Windows

PROTOCOL = frozenset(setting.name for setting in fields(Protocol))


def neural(
    data: Dataset,
    seed: int,
    *,
    network: str = "mlp",
    loss: str = "mse",
    loss_settings: Mapping[str, Any] | None = None,
    dates: np.ndarray | None = None,
    device: str = "cpu",
    checkpoints: Path | str | None = None,
    progress: bool = False,
    **settings: Any,
) -> Fit:
    """A learner for `lib.models.walk`: seeded, stopped early on the validation IC.

    settings: fields of `Protocol`, and of the network. dates: of the days, for messages. checkpoints: a folder, one
    file for each fit. Raises UnknownNameError for a network or loss that does not exist and ParameterError for a
    setting that neither has, or for windows where the network reads days, or the other way round.
    """
    windowed = isinstance(data.features, Windows)
    if windowed != (network in WINDOWED):
        wanted, got = ("windows", "rows of one day") if network in WINDOWED else ("rows of one day", "windows")
        raise ParameterError(f"network {network!r} reads {wanted}: got {got}; see lib.models.windows.windowed")
    own = {name: value for name, value in settings.items() if name not in PROTOCOL}
    build = partial(find_network(network), **({"length": data.features.shape[1]} if windowed else {}), **own)
    protocol = Protocol(**{name: value for name, value in settings.items() if name in PROTOCOL})
    chosen = find_loss(loss, **(loss_settings or {}))

    def fit(split: Split) -> Predictor:
        rows = data.rows(split.fit_start, split.fit_stop)
        labelled = np.isfinite(data.label[rows])
        file = f"{network}-{split.fit_start}-{split.fit_stop}-{seed}.safetensors"
        fitted = train(
            _built(network, build, data.features.shape[-1], seed),
            data.training(split.fit_start, split.fit_stop),
            Validation.of(data, split),
            seed=seed, protocol=protocol, device=device, loss=chosen, day=data.day[rows][labelled], dates=dates,
            checkpoint=Path(checkpoints) / file if checkpoints else None, progress=progress,
        )  # fmt: skip
        return partial(predict, fitted)

    return fit


def _built(network: str, build: Any, n_factors: int, seed: int) -> Any:
    try:
        return initialised(build, n_factors, seed)
    except TypeError as error:
        raise ParameterError(f"network {network!r}: {error}; expected fields of Protocol or of the network") from None
