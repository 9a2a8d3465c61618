"""One training loop for every network and loss: AdamW, gradient clipping, early stopping on validation days.

By the papers' protocol (B s3.5.3); A s4.C adds the schedules of the learning rate. Labels are scaled to unit variance:
scaling changes neither the minimiser's ranks nor the papers' protocol, and keeps their learning rate meaningful at
daily returns of two per cent. Training stops on the validation IC, the criterion of every learner here.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lib.errors import ParameterError, UnknownNameError, closest
from lib.models import checkpoints
from lib.models.batches import day_batches, day_of, parts, row_batches
from lib.models.inputs import Inputs, as_inputs
from lib.models.losses import MSE, Loss
from lib.models.networks import seed_dropout
from lib.models.schedules import SCHEDULES
from lib.models.validation import Validation
from lib.store.marks import machinery

AfterEpoch = Callable[[int, float], None]


@dataclass(frozen=True)
class Protocol:
    """Optimiser settings; the defaults are the papers' where stated, else those of the authors' configuration."""

    learning_rate: float = 5e-4
    weight_decay: float = 1e-5
    clip_norm: float = 1.0
    batch: int = 8192
    epochs: int = 60
    patience: int = 3  # epochs without a better validation IC; the papers do not state theirs
    schedule: str = "constant"  # of SCHEDULES
    cycle: int = 10  # epochs before the first warm restart
    at_once: int | None = None  # rows that meet the network together; a batch of more is taken in parts, its loss whole

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            known = ", ".join(SCHEDULES)
            raise UnknownNameError(
                f"schedule: got {self.schedule!r}; expected {known}{closest(self.schedule, SCHEDULES)}"
            )
        for name in ("batch", "cycle", "at_once"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ParameterError(f"{name}: got {value}; expected at least 1")


def train(
    network: nn.Module,
    fit: tuple[np.ndarray | Inputs, np.ndarray],
    validation: Validation,
    *,
    seed: int,
    protocol: Protocol | None = None,
    device: str = "cpu",
    loss: Loss | None = None,
    day: np.ndarray | None = None,
    dates: np.ndarray | None = None,
    checkpoint: Path | str | None = None,
    after_epoch: AfterEpoch | None = None,
    progress: bool = False,
) -> nn.Module:
    """Fit a network and return it with the weights of its best validation epoch.

    fit: (features float32 [R, F] or `Inputs`, label [R]). seed: of shuffling and dropout. loss: MSE unless given. day:
    int [R], sorted, of each sample; needed by a loss over days, whose batches are whole days. dates: of the days, for
    messages. checkpoint: a file that is rewritten after every epoch and from which a run that was killed goes on; on
    a CPU it ends bit for bit where it would have ended. after_epoch: told the number of epochs done and the validation
    IC; what it raises ends the run. progress: show a bar.

    Raises ParameterError when there is nothing to fit, when days are missing and when a label or the loss is not
    finite, and StoreError for a checkpoint of another run.
    """
    protocol, loss = protocol or Protocol(), loss or MSE()
    features, label = fit
    if not len(label):
        raise ParameterError("training needs samples: got none to fit; take more days or stocks")
    if not np.isfinite(label).all():
        raise ParameterError(_bad_label(label, day, dates, loss))
    if loss.per_day and day is None:
        raise ParameterError(f"{loss!r} is a mean over days: got no day; give the day of each sample")
    network = network.to(device)
    optimiser = torch.optim.AdamW(network.parameters(), protocol.learning_rate, weight_decay=protocol.weight_decay)
    shuffle = torch.Generator().manual_seed(seed)
    seed_dropout(network, seed, device)
    state = checkpoints.State(network, optimiser, shuffle, copy.deepcopy(network.state_dict()))
    sample = _Sample.of(features, label, day, dates, device)
    asked = _asked(network, protocol, loss, seed, fit, validation) if checkpoint else {}
    if checkpoint:
        checkpoints.load(checkpoint, state, asked)
    with _bar(protocol.epochs, state.counters["epoch"], progress) as bar:
        while state.counters["epoch"] < protocol.epochs and state.counters["waited"] <= protocol.patience:
            _epoch(state, sample, loss, protocol)
            ic = validation.ic(predict(network, validation.features))
            _judge(state, ic)
            if checkpoint:
                checkpoints.save(checkpoint, state, asked)
            bar.update()
            bar.set_postfix(ic=f"{ic:.4f}")
            if after_epoch:
                after_epoch(state.counters["epoch"], ic)
    network.load_state_dict(state.best)
    return network


def initialised(build: Callable[[int], nn.Module], n_factors: int, seed: int) -> nn.Module:
    """A network whose initial weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(n_factors)


def predict(network: nn.Module, features: np.ndarray | Inputs, batch: int = 4096) -> np.ndarray:
    """Predictions float32 [R].

    Every batch has the same number of rows, the last one filled with the first row: a matrix product may round a row
    differently when the number of rows changes, and a prediction must not depend on how many days come after it.
    """
    network.eval()
    device = str(next(network.parameters()).device)
    inputs, rows = as_inputs(features), len(features)
    padded = torch.zeros(-(-rows // batch) * batch, dtype=torch.int64)
    padded[:rows] = torch.arange(rows)
    with torch.no_grad():
        found = [network(*inputs.batch(part, device)).cpu() for part in padded.split(batch)] if rows else []
    return torch.cat(found).numpy()[:rows] if found else np.zeros(0, dtype=np.float32)


# --------------------------------------------------------------------------------------------- one epoch


@dataclass(frozen=True)
class _Sample:
    """What is fitted, on its device."""

    inputs: Inputs
    label: Tensor  # R, unit variance
    day: Tensor  # R, on the CPU
    dates: np.ndarray | None
    device: str

    @classmethod
    def of(
        cls,
        features: np.ndarray | Inputs,
        label: np.ndarray,
        day: np.ndarray | None,
        dates: np.ndarray | None,
        device: str,
    ) -> _Sample:
        scale = float(np.std(label)) or 1.0
        scaled = torch.from_numpy((label / scale).astype(np.float32)).to(device)
        return cls(as_inputs(features).to(device), scaled, day_of(day, len(label)), dates, device)


def _epoch(state: checkpoints.State, sample: _Sample, loss: Loss, protocol: Protocol) -> None:
    state.network.train()
    if loss.per_day:
        batches = day_batches(sample.day, protocol.batch, state.shuffle)
    else:
        batches = row_batches(len(sample.label), protocol.batch, state.shuffle)
    for number, rows in enumerate(batches):
        _set_rate(state.optimiser, protocol, state.counters["epoch"] + number / len(batches))
        state.optimiser.zero_grad(set_to_none=True)
        if _backward(state, sample, loss, rows, protocol):
            nn.utils.clip_grad_norm_(state.network.parameters(), protocol.clip_norm)
            state.optimiser.step()


def _backward(state: checkpoints.State, sample: _Sample, loss: Loss, rows: Tensor, protocol: Protocol) -> bool:
    """Gradients of the loss of a batch; False where nothing in it has a loss, such as days of one row."""
    divided = parts(rows, sample.day[rows] if loss.per_day else None, protocol.at_once)
    labels = [sample.label[part.to(sample.label.device)] for part in divided]
    days = [sample.day[part].to(sample.label.device) for part in divided]
    units = [loss.units(label, day) for label, day in zip(labels, days, strict=True)]
    for part, label, day, counted in zip(divided, labels, days, units, strict=True):
        if counted:
            prediction = state.network(*sample.inputs.batch(part, sample.device))  # B
            value = loss(prediction, label, day)
            if not math.isfinite(value.item()):
                raise ParameterError(_not_finite(value, prediction, label, day, sample, loss, state, protocol))
            (value if counted == sum(units) else value * (counted / sum(units))).backward()
    return sum(units) > 0


@machinery
def _not_finite(
    value: Tensor,
    prediction: Tensor,
    label: Tensor,
    day: Tensor,
    sample: _Sample,
    loss: Loss,
    state: checkpoints.State,
    protocol: Protocol,
) -> str:
    """One line that names the loss, the date and what is not finite."""
    gap = (prediction - label).abs()
    rows = ~torch.isfinite(prediction)
    what = "prediction" if rows.any() else "squared error"
    rows = rows if rows.any() else gap == gap.max()
    return (
        f"training: {loss!r} is {value.item()} in epoch {state.counters['epoch'] + 1}: a {what} of "
        f"{_when(int(day[rows].min()), sample.dates)} is not finite, {int(rows.sum())} of {len(rows)} rows at hand; "
        f"check the factors of that date, or lower learning_rate (got {protocol.learning_rate})"
    )


@machinery
def _bad_label(label: np.ndarray, day: np.ndarray | None, dates: np.ndarray | None, loss: Loss) -> str:
    rows = np.flatnonzero(~np.isfinite(label))
    where = f"sample {rows[0]}" if day is None else _when(int(day[rows[0]]), dates)
    return (
        f"training: {loss!r} needs finite labels: got {label[rows[0]]} on {where}, {len(rows)} of {len(label)} "
        "samples; leave out what has no label"
    )


def _when(day: int, dates: np.ndarray | None) -> str:
    return f"day {day}" if dates is None else str(dates[day])


def _set_rate(optimiser: torch.optim.Optimizer, protocol: Protocol, done: float) -> None:
    share = SCHEDULES[protocol.schedule](done, protocol.epochs, protocol.cycle)
    for group in optimiser.param_groups:
        group["lr"] = protocol.learning_rate * share


def _judge(state: checkpoints.State, ic: float) -> None:
    """Count the epoch, and keep its weights where its validation IC is the best so far."""
    counters = state.counters
    counters["epoch"] += 1
    if ic > counters["best_ic"]:
        state.best = copy.deepcopy(state.network.state_dict())
        counters.update(best_ic=ic, waited=0)
    else:
        counters["waited"] += 1


def _asked(
    network: nn.Module,
    protocol: Protocol,
    loss: Loss,
    seed: int,
    fit: tuple[np.ndarray | Inputs, np.ndarray],
    validation: Validation,
) -> checkpoints.Asked:
    """What makes two runs the same run; of the validation sample, its factors and the criterion of one prediction."""
    arrays = [np.asarray(getattr(part, "features", part)) for part in (*fit, validation.features)]
    judged = validation.ic(np.arange(len(validation.features), dtype=np.float64))
    shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    return {
        "network": f"{type(network).__name__} {shapes}", "protocol": repr(protocol), "loss": repr(loss),
        "seed": str(seed), "sample": f"{checkpoints.fingerprint(*arrays)} {judged!r}", "torch": torch.__version__,
    }  # fmt: skip


@machinery
def _bar(epochs: int, done: int, shown: bool) -> Any:
    from tqdm import tqdm

    return tqdm(total=epochs, initial=done, desc="epochs", leave=False, disable=not shown)
