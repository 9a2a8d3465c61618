"""Eager calls run in tiles: where they are cut must not be seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lib import eager, ops
from lib.engine import evaluate
from lib.errors import ExpressionError
from lib.factors.formulas.gaps import last_valid
from lib.graph import SKIP, STRICT, field
from lib.masked import Masked

DAYS, STOCKS = 90, 11
#: operator -> its numbers; two series where it takes two
CALLS = {
    "ts_mean": (20,), "ts_max": (20,), "ts_std": (20,), "ts_rank": (20,), "ts_argmax": (20,), "decay_linear": (20,),
    "delay": (7,), "delta": (60,), "ewma": (0.2,), "cs_rank": (), "cs_zscore": (), "ts_corr": (20,), "ts_mean ": (120,),
    "last_valid": (5,),
}  # fmt: skip


def series(seed: int) -> Masked:
    rng = np.random.default_rng(seed)
    values = torch.from_numpy(20 * np.exp(0.02 * rng.standard_normal((DAYS, STOCKS)).cumsum(axis=0)))
    valid = torch.from_numpy(rng.random((DAYS, STOCKS)) < 0.97)
    return Masked(torch.where(valid, values, torch.nan), valid)


@pytest.mark.parametrize("window", [STRICT, SKIP], ids=["strict", "skip"])
@pytest.mark.parametrize("tile", [(1, 1, 1, 0), (64, 16, 3, 0), (30, 10, 4, 50)])
@pytest.mark.parametrize("call", CALLS)
def test_tiles_change_no_bit(call, tile, window, monkeypatch):
    operator, numbers = last_valid if call == "last_valid" else getattr(ops, call.strip()), CALLS[call]
    x, y = field("x"), field("y")
    both = (x, y) if call == "ts_corr" else (x,)
    leaves = {"x": series(1), "y": series(2)}
    (streamed,) = evaluate([operator(*both, *numbers)], leaves, window=window)
    for name, value in zip(("TILE_CELLS", "TILE_ROWS", "TILE_COLUMNS", "LONG_LEAD"), tile, strict=True):
        monkeypatch.setattr(eager, name, value)
    tiled = operator(*(leaves[node.name] for node in both), *numbers, window=window)
    assert torch.equal(tiled.valid, streamed.valid)
    assert torch.equal(tiled.values, streamed.values)
    assert tiled.exact == streamed.exact or not tiled.valid.any()


def test_series_of_other_shapes_are_refused():
    with pytest.raises(ExpressionError, match=r"shapes differ: \(90, 11\) and \(90, 10\)"):
        narrow = series(2)
        ops.ts_corr(series(1), Masked(narrow.values[:, :10], narrow.valid[:, :10]), 5)


def test_the_arguments_are_left_alone_and_not_shared():
    x = series(1)
    before = x.values.clone(), x.valid.clone()
    same = ops.ts_max(x, 1)
    same.values.add_(1)
    same.valid.logical_not_()
    assert torch.equal(x.values, before[0]) and torch.equal(x.valid, before[1])
