"""Factors day by day, on disk and interrupted: the bits of one uninterrupted computation in memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from overlay import rough_panel, without

from lib.errors import LibError, PanelError, ShortPanelWarning
from lib.factors import FactorSet, FactorStream, compute_factors, factor_names
from lib.factors.compute import CHECKPOINT_DAYS
from lib.factors.target import DirectoryTarget, store
from lib.masked import Cells
from lib.panel import Panel
from lib.store.code import code_of

SOME = ("alpha_003", "add_008", "stock_006", "best_006", "extra_006", "alpha_002", "old_034")


@pytest.fixture(scope="module")
def panel() -> Panel:
    return rough_panel()


def same(a: FactorSet, b: FactorSet) -> bool:
    return a.names == b.names and np.array_equal(a.values, b.values) and np.array_equal(a.valid, b.valid)


def joined(parts: list[FactorSet]) -> FactorSet:
    values, valid = (np.concatenate([getattr(part, name) for part in parts]) for name in ("values", "valid"))
    return FactorSet(values, valid, parts[0].names, parts[0].skipped)


def on_its_own(panel: Panel, day: int, days: int = 1) -> Panel:
    """Days of a panel as they would arrive: raw fields, without the panel's adjustment."""
    return replace(panel.rows(day, day + days), adjustment=None)


# ------------------------------------------------------------------ blocks


@pytest.mark.parametrize("how", [{"block_days": 1}, {"block_days": 13, "threads": 2}, {"block_days": 64, "threads": 3}])
def test_blocks_and_threads_change_no_bit(how, panel):
    whole = compute_factors(panel, standardise="zscore", block_days=1000, threads=1)
    assert same(whole, compute_factors(panel, standardise="zscore", **how))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_gives_the_same_factors(panel):
    here, there = compute_factors(panel), compute_factors(panel, device="cuda")
    assert np.array_equal(here.valid, there.valid)
    scale = here.values.std(axis=(0, 1)) + 1e-30
    assert (np.abs(here.values - there.values) <= 1e-4 * scale).mean() >= 0.98


# --------------------------------------------------------------- day by day


@pytest.mark.parametrize("how", [{}, {"standardise": "zscore"}, {"window": "skip"}, {"window": "raw"}, {"max_gap": 3}])
def test_one_day_at_a_time_gives_the_bits_of_the_whole(how, panel):
    names = factor_names() if how.get("standardise") else SOME
    whole = compute_factors(panel, names, **how)
    stream = FactorStream(panel.until(120), names, **how)
    days = joined([stream.update(panel.rows(day, day + 1)) for day in range(120, 150)])
    assert same(FactorSet(whole.values[120:], whole.valid[120:], whole.names, {}), days)


def test_a_day_on_its_own_goes_on_with_the_adjustment(panel):
    assert (np.diff(panel.adj_factor[100:], axis=0) != 0).any(), "no split in the days that arrive"
    whole = compute_factors(panel, SOME)
    stream = FactorStream(on_its_own(panel, 0, 100), SOME)
    parts = [stream.update(on_its_own(panel, day)) for day in range(100, 140)]
    parts.append(stream.update(on_its_own(panel, 140, 10)))
    assert same(FactorSet(whole.values[100:], whole.valid[100:], whole.names, {}), joined(parts))


def test_a_day_that_does_not_follow_is_refused_and_changes_nothing(panel):
    stream = FactorStream(panel.until(100), SOME)
    with pytest.raises(PanelError, match="expected a day after"):
        stream.update(panel.rows(99, 100))
    with pytest.raises(PanelError, match="symbols that differ"):
        stream.update(rough_panel(12, 150).rows(100, 101))
    with pytest.raises(PanelError, match="the day lacks volume"):
        fields = {name: values for name, values in panel.rows(100, 101).fields.items() if name != "volume"}
        stream.update(replace(panel.rows(100, 101), fields=fields))
    whole = compute_factors(panel, SOME)
    assert np.array_equal(stream.update(panel.rows(100, 101)).values[0], whole.values[100])


def test_after_an_interrupted_day_the_stream_says_so_instead_of_going_on(panel, monkeypatch):
    stream = FactorStream(panel.until(100), SOME)

    def interrupt(self, position, day, cells):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lib.factors.target.ArrayTarget.put", interrupt)
        with pytest.raises(KeyboardInterrupt):
            stream.update(panel.rows(100, 101))
    with pytest.raises(LibError, match=r"day 100 .* was interrupted"):
        stream.update(panel.rows(100, 101))


def test_the_order_of_the_stocks_changes_last_bits_at_most(panel):
    """Row sums run in the order of the columns, so the tolerance is that of float32 sums."""
    order = np.random.default_rng(0).permutation(panel.shape[1])
    turned = Panel.from_arrays(
        panel.dates,
        panel.symbols,
        {name: values[:, order] for name, values in panel.fields.items()},
        panel.reasons[:, order].copy(),
        panel.universe[:, order].copy(),
        panel.market,
    )
    one, other = compute_factors(panel, standardise="zscore"), compute_factors(turned, standardise="zscore")
    assert np.array_equal(one.valid[:, order], other.valid)
    np.testing.assert_allclose(one.values[:, order], other.values, rtol=0, atol=2e-5)


# -------------------------------------------------------------------- warnings


def test_a_window_longer_than_the_panel_is_said_once():
    short = rough_panel(12, 40)
    message = "1 of 2 factors reach .* 40 days and are invalid .*: alpha_007$"
    with pytest.warns(ShortPanelWarning, match=message) as said:
        found = compute_factors(short, ["alpha_007", "alpha_101"])
    assert len(said) == 1 and found.coverage[1] > 0.5 and not found.valid[..., 0].any()


# --------------------------------------------------------------------- on disk

KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from overlay import rough_panel
from lib.factors import compute, compute_factors
from lib.factors.target import DirectoryTarget
compute.CHECKPOINT_DAYS = 30
put = DirectoryTarget.put
def die(self, position, day, cells):
    put(self, position, day, cells)
    if day >= {day}:
        os.kill(os.getpid(), signal.SIGKILL)
DirectoryTarget.put = die
compute_factors(rough_panel(), {names!r}, out={out!r}, block_days=10, threads=2)
"""


def killed(out: Path, day: int) -> None:
    root = Path(__file__).parents[2]
    code = KILLED.format(tests=str(root / "tests" / "support"), names=list(SOME), out=str(out), day=day)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-500:]


@pytest.mark.parametrize("day", [10, 100])
def test_a_run_that_was_killed_never_looks_finished_and_is_taken_up(day, tmp_path, panel, monkeypatch):
    out = tmp_path / "factors"
    killed(out, day)
    (leftover,) = tmp_path.iterdir()
    for folder in (out, leftover):
        with pytest.raises(LibError, match="unfinished"):
            FactorSet.load(folder)
    computed: list[int] = []
    rows = compute_factors.__globals__["Leaves"].rows

    def counted(self, start, stop):
        computed.append(start)
        return rows(self, start, stop)

    monkeypatch.setattr("lib.factors.compute.Leaves.rows", counted)
    stored = compute_factors(panel, SOME, out=out, block_days=10)
    monkeypatch.undo()
    assert min(computed) == (0 if day < 30 else 90), "days before the last checkpoint are not computed again"
    assert same(stored, compute_factors(panel, SOME))
    assert sorted(p.name for p in out.iterdir()) == ["meta.json", "valid.npy", "values.npy"]
    assert [p.name for p in tmp_path.iterdir()] == ["factors"]


def test_what_another_computation_left_is_thrown_away(tmp_path, panel):
    out = tmp_path / "factors"
    killed(out, 100)
    stored = compute_factors(panel, SOME, out=out, standardise="zscore")
    assert same(stored, compute_factors(panel, SOME, standardise="zscore"))


def test_changed_data_is_another_computation(tmp_path, panel):
    out = tmp_path / "factors"
    killed(out, 100)
    other = rough_panel(seed=1)
    assert same(compute_factors(other, SOME, out=out), compute_factors(other, SOME))


WRITES = """
import sys
from pathlib import Path
from lib.factors.target import DirectoryTarget
target = DirectoryTarget(Path(sys.argv[1]), "key", (2, 3, 4))
print("in", flush=True)
sys.stdin.read()
"""


def test_two_processes_cannot_write_one_result(tmp_path):
    """The second one says so; the lock ends with its process, also a killed one, and with `close`."""
    out, call = tmp_path / "factors", [sys.executable, "-c", WRITES, str(tmp_path / "factors")]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as first:
        assert first.stdout is not None and first.stdout.readline() == b"in\n"
        with pytest.raises(LibError, match="another process"):
            DirectoryTarget(out, "key", (2, 3, 4))
        first.kill()
    second = DirectoryTarget(out, "key", (2, 3, 4))
    with pytest.raises(LibError, match="another process"):
        DirectoryTarget(out, "key", (2, 3, 4))
    second.close()
    assert list(tmp_path.iterdir()) == []


def test_there_is_a_checkpoint_in_a_long_history():
    assert 100 <= CHECKPOINT_DAYS <= 1000


def test_what_float32_cannot_hold_is_invalid(tmp_path):
    panel = without(rough_panel(12, 60))
    fields = {name: values * (1e200 if name == "volume" else 1.0) for name, values in panel.fields.items()
              if name in ("open", "high", "low", "close", "volume", "vwap", "amount")}  # fmt: skip
    huge = Panel.from_arrays(panel.dates, panel.symbols, fields)
    found = compute_factors(huge, ["cs_rank_low", "best_010"])
    assert found.valid[..., 0].any() and np.isfinite(found.values).all() and not found.valid[..., 1].any()


def test_a_float64_beyond_float32_is_stored_as_invalid():
    cells = Cells(torch.tensor([[1e300, 2.0, -1e39]], dtype=torch.float64), torch.tensor([[True, True, False]]))
    values, valid = np.empty((1, 3), np.float32), np.empty((1, 3), np.bool_)
    store(cells, values, valid)
    assert values.tolist() == [[0.0, 2.0, 0.0]] and valid.tolist() == [[False, True, False]]


def test_a_result_on_disk_depends_on_all_the_code_that_makes_it(tmp_path, panel, monkeypatch):
    reached = code_of({"compute": compute_factors}).definitions()
    assert "engine.stream.Stream" in reached and "kernels.compiled.sums.window_sum" in reached
    killed(tmp_path / "factors", 100)
    monkeypatch.setattr("lib.factors.compute.digest_of", lambda function: "of other code")
    starts: list[object] = []
    monkeypatch.setattr("lib.factors.compute.Stream.restore", lambda self, state: starts.append(state))
    assert same(compute_factors(panel, SOME, out=tmp_path / "factors"), compute_factors(panel, SOME))
    assert not starts, "what other code began is not taken up"
