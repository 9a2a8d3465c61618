"""A run that was killed and goes on ends, bit for bit, where it would have ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from test_models import signal, until
from torch import nn

from lib.errors import StoreError
from lib.models import checkpoints, training
from lib.models.architectures import NETWORKS, WINDOWED
from lib.models.neural import neural
from lib.models.windows import windowed

torch.set_num_threads(1)
SPLIT = until(60)
SMALL = {
    "mlp": {"hidden": 16},
    "residual": {"width": 16, "norm": "batch"},
    "factor_transformer": {"width": 8, "heads": 2, "feed_forward": 16, "dropout": 0.1},
    "time_transformer": {"width": 8, "heads": 2, "feed_forward": 16},
    "lstm": {"width": 8, "layers": 2},
    "gru": {"width": 8},
}
HOW = {"epochs": 5, "batch": 256, "learning_rate": 5e-3, "patience": 9}


class KilledError(Exception):
    pass


def run(name: str, folder: Path | None = None, seed: int = 0, **settings) -> nn.Module:
    data = signal(days=90)
    data = windowed(data, 5) if name in WINDOWED else data
    fit = neural(data, seed, network=name, checkpoints=folder, **{**HOW, **SMALL[name], **settings})
    return fit(SPLIT).args[0]  # type: ignore[attr-defined]


def state(network: nn.Module) -> dict[str, torch.Tensor]:
    return network.state_dict()


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(state(one).values(), state(other).values(), strict=True))


def kill_at(monkeypatch: pytest.MonkeyPatch, backward: int) -> None:
    """The run dies inside an epoch, at its n-th batch, after half of a step's work."""
    calls = iter(range(10**9))
    plain = training._backward

    def dies(*args):
        plain(*args)
        if next(calls) == backward:
            raise KilledError
        return True

    monkeypatch.setattr(training, "_backward", dies)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_killed_run_ends_where_it_would_have_ended(name, tmp_path, monkeypatch):
    whole = run(name)
    for stop in (1, 8, 15):  # five batches an epoch: in the first, the second and the fourth
        with monkeypatch.context() as patch:
            kill_at(patch, stop)
            with pytest.raises(KilledError):
                run(name, tmp_path / str(stop))
        assert len(list((tmp_path / str(stop)).glob("*.safetensors"))) == (stop >= 5)
        assert same(whole, run(name, tmp_path / str(stop)))
    assert not same(whole, run(name, seed=1))


@pytest.mark.parametrize("schedule", ["cosine", "restarts"])
@pytest.mark.parametrize("loss", ["adj_mse", "ic"])
def test_schedules_and_days_go_on_too(schedule, loss, tmp_path, monkeypatch):
    settings = {"schedule": schedule, "cycle": 2, "loss": loss}
    whole = run("mlp", **settings)
    for stop in (6, 12):  # killed twice
        with monkeypatch.context() as patch:
            kill_at(patch, stop)
            with pytest.raises(KilledError):
                run("mlp", tmp_path, **settings)
    assert same(whole, run("mlp", tmp_path, **settings))


PROGRAM = """
import os, signal, sys
sys.path.insert(0, {tests!r})
import test_models_checkpoints as tests
from lib.models import checkpoints
plain, saved = checkpoints.save, iter(range(99))
def save(*args):
    plain(*args)
    if next(saved) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
checkpoints.save = save
tests.run("factor_transformer", tests.Path({folder!r}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_process_that_was_killed_goes_on_in_another(tmp_path):
    program = PROGRAM.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    assert same(run("factor_transformer"), run("factor_transformer", tmp_path))


def test_a_finished_run_is_not_run_again(tmp_path, monkeypatch):
    whole = run("mlp", tmp_path)
    kill_at(monkeypatch, 0)
    assert same(whole, run("mlp", tmp_path))


@pytest.mark.parametrize(
    "change,named", [({"learning_rate": 0.1}, "protocol"), ({"loss": "huber"}, "loss"), ({"hidden": 8}, "network")]
)
def test_a_checkpoint_of_another_run_is_refused(change, named, tmp_path):
    run("mlp", tmp_path, epochs=1)
    with pytest.raises(StoreError, match=rf"left by another run, {named}: got .*give this run a file of its own"):
        run("mlp", tmp_path, **{"epochs": 1, **change})


@pytest.mark.parametrize("part", ["features", "label", "validation"])
def test_a_checkpoint_of_other_samples_is_refused(part, tmp_path):
    data = signal(days=90)
    neural(data, 0, checkpoints=tmp_path, **HOW)(SPLIT)
    array = data.features if part == "features" else data.label
    array[data.day == (SPLIT.validation_start if part == "validation" else 0)] *= -1
    with pytest.raises(StoreError, match="left by another run, sample"):
        neural(data, 0, checkpoints=tmp_path, **HOW)(SPLIT)


def test_a_file_that_is_no_checkpoint_is_one_line(tmp_path):
    run("mlp", tmp_path)
    file = next(tmp_path.glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(StoreError, match=rf"checkpoint {file.name}: cannot be read \(.*\); remove it to start again"):
        run("mlp", tmp_path)


def test_a_checkpoint_holds_tensors_and_text_only(tmp_path):
    from safetensors import safe_open

    run("mlp", tmp_path)
    with safe_open(str(next(tmp_path.glob("*.safetensors"))), framework="pt") as file:
        names, metadata = set(file.keys()), file.metadata()
    assert {"generator.shuffle", "generator.dropout", "optimiser.0.exp_avg_sq"} <= names
    assert set(metadata) == {"asked", "counters"} and str(tmp_path) not in str(metadata)


def test_fingerprints_tell_arrays_apart():
    ones = np.ones((5000, 3))
    other = ones.copy()
    other[0, 0] = 2
    found = {checkpoints.fingerprint(array) for array in (ones, other, ones[:-1], ones.astype(np.float32), ones[:, 0])}
    assert len(found) == 5
