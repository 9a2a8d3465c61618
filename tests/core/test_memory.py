"""Memory of large results: there before the work starts, used again, never shared with a result that is alive."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lib.factors import compute_factors, factor_names
from lib.kernels import memory
from lib.studies.how_fast.bench.workloads import bench_panel


@pytest.fixture
def waiting(monkeypatch):
    """Room for 100 MB of results that are gone."""
    found = memory.BufferPool(100e6)
    monkeypatch.setattr(memory, "_waiting", lambda: found)
    return found


LARGE = (3, 1_000_003, 4)  # 48 MB in float32


def test_results_large_and_small_are_arrays_to_write_on(waiting):
    for shape in ((3, 5), (0, 4), LARGE):
        array = memory.taken(shape, np.float32)
        assert array.shape == shape and array.dtype == np.float32 and array.flags.c_contiguous and array.flags.writeable
        array[...] = 1
        assert array.sum(dtype=np.float64) == array.size


@pytest.mark.parametrize("hold", [
    lambda array: array,
    lambda array: array[1, ::2],
    lambda array: torch.from_numpy(array[0]),
    lambda array: torch.from_numpy(array).mT[1:2],
    lambda array: memoryview(array),
    lambda array: np.asarray(array.view(np.int32))[2:].T,
], ids=["array", "view", "tensor", "view of a tensor", "buffer", "other type"])  # fmt: skip
def test_memory_of_a_result_is_used_again_once_nothing_refers_to_it(waiting, hold):
    array = memory.taken(LARGE, np.float32)
    address = array.ctypes.data
    held = hold(array)
    del array
    assert waiting.nbytes == 0
    other = memory.taken(LARGE, np.float32)
    assert not np.shares_memory(other, np.asarray(held))
    del held
    assert waiting.nbytes == other.nbytes
    again = memory.taken((LARGE[1], 2, 6), np.int32)  # the same size in another shape and type
    assert again.ctypes.data == address and waiting.nbytes == 0


def test_no_more_memory_waits_than_there_is_room_for_and_another_size_sends_it_back(waiting):
    results = [memory.taken(LARGE, np.float32) for _ in range(3)]
    results.clear()
    assert waiting.nbytes == 2 * 4 * np.prod(LARGE)
    values, flags = memory.taken(LARGE, np.float32), memory.taken((40_000_000,), np.bool_)
    assert waiting.nbytes == 0, "the block of another size went back before the new one came"
    del values, flags
    pair = memory.taken(LARGE, np.float32), memory.taken((40_000_000,), np.bool_)
    assert waiting.nbytes == 0 and len(pair) == 2, "both blocks of a pair are found again"


def test_factors_on_used_memory_are_those_on_fresh_memory(waiting):
    names = factor_names()[1:61]
    panels = [bench_panel(400, 400, seed) for seed in (0, 1)]
    fresh = compute_factors(panels[1], names)
    expected = fresh.values.copy(), fresh.valid.copy()
    del fresh
    compute_factors(panels[0], names)
    assert waiting.nbytes >= expected[0].nbytes
    again = compute_factors(panels[1], names)
    assert waiting.nbytes < expected[0].nbytes
    np.testing.assert_array_equal(again.values, expected[0])
    np.testing.assert_array_equal(again.valid, expected[1])
