"""The engine: whatever the blocks, the threads and the interruptions, the same bits as one naive pass."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch

from lib.engine import MIXED, Stream, evaluate, plan
from lib.engine.history import SMALL_BLOCK, History
from lib.engine.plan import Plan, StepInput
from lib.engine.stream import rows_of
from lib.errors import ExpressionError, LibError, UnknownNameError
from lib.graph import SKIP, STRICT, Primitive, Window, field
from lib.masked import Cells, Masked
from lib.ops import (
    cs_rank,
    cs_zscore,
    decay_linear,
    delay,
    delta,
    ewma,
    log,
    power,
    ts_corr,
    ts_max,
    ts_mean,
    ts_min,
    ts_rank,
    ts_std,
)

close, open_, volume = field("close"), field("open"), field("volume")
FORMULAS = [
    cs_zscore(ts_mean(close, 20) / ts_std(close, 60)),
    ts_corr(cs_rank(close), cs_rank(volume), 7),
    ewma(delta(ewma(close, 0.2), 3), 0.05),
    ts_rank(ts_max(close * volume, 33) - open_, 11),
    decay_linear(power(volume, 0.3) / log(volume), 90),
    close / open_ - 1,
    close,
]
DAYS, STOCKS = 150, 11


def leaf(shape=(12, 3), seed=0):
    rng = np.random.default_rng(seed)
    return Masked(torch.tensor(rng.normal(size=shape) + 5), torch.tensor(rng.random(shape) < 0.9))


@pytest.fixture(scope="module")
def leaves() -> dict[str, Masked]:
    rng = np.random.default_rng(4)
    valid = torch.tensor(rng.random((DAYS, STOCKS)) < 0.99)
    return {
        name: Masked(torch.tensor(np.exp(rng.normal(size=(DAYS, STOCKS)) * 0.3) * level), valid)
        for name, level in (("close", 20.0), ("open", 20.0), ("volume", 1e6))
    }


class Collected:
    """A consumer that puts the blocks of each formula together."""

    def __init__(self, formulas: int) -> None:
        self.values = torch.full((formulas, DAYS, STOCKS), torch.nan, dtype=torch.float64)
        self.valid = torch.zeros((formulas, DAYS, STOCKS), dtype=torch.bool)

    def __call__(self, position: int, day: int, cells: Cells) -> None:
        days = slice(day, day + len(cells.valid))
        assert self.values[position, days].isnan().all(), "a day was given twice"
        self.values[position, days] = torch.where(cells.valid, cells.values, 0.0).double()
        self.valid[position, days] = cells.valid


def source_of(leaves, universe=None):
    def rows(start, stop):
        cells = {name: x.cells.rows(start, stop) for name, x in leaves.items()}
        return cells, None if universe is None else universe[start:stop]

    return rows


def streamed(leaves, universe=None, window=STRICT, precision=MIXED, **how):
    out = Collected(len(FORMULAS))
    Stream(FORMULAS, window=window, precision=precision).run(source_of(leaves, universe), DAYS, out, **how)
    return out


def same(a: Collected, b: Collected) -> bool:
    return torch.equal(a.values, b.values) and torch.equal(a.valid, b.valid)


# ------------------------------------------------------------------ evaluation


def counted(monkeypatch):
    calls: list[str] = []
    original = Primitive.step

    def step(self, arguments, block):
        calls.append(self.name)
        return original(self, arguments, block)

    monkeypatch.setattr(Primitive, "step", step)
    return calls


def test_shared_nodes_are_computed_once(monkeypatch):
    calls = counted(monkeypatch)
    mean = ts_mean(close, 3)
    roots = [close / mean, mean - 1, cs_rank(close / ts_mean(close, 3)), close / mean]
    results = evaluate(roots, {"close": leaf()})
    assert sorted(calls) == sorted(["ts_mean", "/", "-", "cs_rank"])
    assert len(results) == 4 and torch.equal(results[0].values, results[3].values)


@pytest.mark.parametrize("window", [STRICT, SKIP, Window("skip", 0.9)])
def test_evaluation_equals_the_eager_calls(window):
    x, y = leaf(seed=1), leaf(seed=2)
    universe = torch.tensor(np.random.default_rng(3).random((12, 3)) < 0.8)
    roots = [cs_rank(ts_mean(close, 4) / open_), close]
    got = evaluate(roots, {"close": x, "open": y}, window=window, universe=universe)
    expected = cs_rank(ts_mean(x, 4, window=window) / y, universe=universe)
    assert torch.equal(got[0].values, expected.values) and torch.equal(got[0].valid, expected.valid)
    assert torch.equal(got[1].values, x.values) and torch.equal(got[1].valid, x.valid)


def test_a_result_is_dropped_after_its_last_use(monkeypatch):
    alive: list[weakref.ref] = []
    most = 0
    original = Primitive.step

    def step(self, arguments, block):
        nonlocal most
        result = original(self, arguments, block)
        alive.append(weakref.ref(result.values))
        most = max(most, sum(ref() is not None for ref in alive))
        return result

    monkeypatch.setattr(Primitive, "step", step)
    node = close
    for k in range(1, 30):
        node = node + k
    rows = source_of({"close": leaf()})
    Stream([node, close * 2]).run(rows, 12, lambda *_: None)
    assert len(alive) == 30 and most <= 3
    assert not any(ref() is not None for ref in alive)


def test_a_step_that_releases_memory_is_taken_out_of_turn():
    means = [ts_mean(close * k, 3) for k in range(2, 12)]  # a sum releases them only after their products
    sums = [a + b for a, b in zip(means[::2], means[1::2], strict=True)]
    roots = [ts_corr(sums[0], sums[1], 5), *sums[2:], *(mean * 2 for mean in means)]
    steps = Plan(roots, torch.float64).steps
    done: set[int] = set()
    for place, step in enumerate(steps):
        assert {a.step for a in step.arguments if isinstance(a, StepInput)} <= done
        done.add(place)
    assert sorted(root for step in steps for root in step.roots) == list(range(len(roots)))
    assert most_held(steps) < most_held(in_order_of_definition(roots))


@pytest.mark.parametrize("order", ["definition", "reversed definition"])
def test_the_order_of_the_steps_changes_no_bit(order, monkeypatch, leaves):
    expected = evaluate(FORMULAS, leaves)
    monkeypatch.setattr(plan, "releasing_first", lambda steps: list(range(len(steps))))
    formulas = FORMULAS if order == "definition" else FORMULAS[::-1]
    found = evaluate(formulas, leaves)
    for a, b in zip(expected, found if order == "definition" else found[::-1], strict=True):
        assert torch.equal(a.values, b.values) and torch.equal(a.valid, b.valid)


def in_order_of_definition(roots):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "releasing_first", lambda steps: list(range(len(steps))))
        return Plan(roots, torch.float64).steps


def most_held(steps):
    """Most intermediate results that are held at once."""
    unread = [step.uses for step in steps]
    held = most = 0
    for step in steps:
        held += step.uses > 0
        most = max(most, held)
        for argument in step.arguments:
            if isinstance(argument, StepInput):
                unread[argument.step] -= 1
                held -= unread[argument.step] == 0
    return most


def test_a_missing_field_names_the_closest():
    with pytest.raises(UnknownNameError, match=r"field 'volumes' is not in the panel; it has close, volume.*'volume'"):
        evaluate([field("volumes") / close], {"close": leaf(), "volume": leaf()})


def test_a_failure_names_the_formula_it_happened_in():
    with pytest.raises(ExpressionError, match="shapes differ") as caught:
        evaluate([cs_rank(ts_mean(close - open_, 5))], {"close": leaf(), "open": leaf((12, 2))})
    assert caught.value.__notes__ == ["while computing close-open"]


# ---------------------------------------------------------- blocks, threads, days


@pytest.mark.parametrize("window", [STRICT, SKIP])
@pytest.mark.parametrize("rows", [1, 7, 64])
def test_the_size_of_a_block_changes_no_bit(rows, window, leaves):
    universe = torch.tensor(np.random.default_rng(5).random((DAYS, STOCKS)) < 0.8)
    whole = streamed(leaves, universe, window, rows=DAYS)
    assert whole.valid.any(dim=(1, 2)).all()
    assert same(whole, streamed(leaves, universe, window, rows=rows))


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(threads, leaves):
    assert same(streamed(leaves, rows=DAYS), streamed(leaves, rows=9, threads=threads))


def test_a_history_then_days_of_any_number_change_no_bit(leaves):
    out, rows = Collected(len(FORMULAS)), source_of(leaves)
    stream = Stream(FORMULAS)
    stream.run(rows, 70, out, rows=32, threads=2)
    for days in [1] * 66 + [SMALL_BLOCK, 5]:
        stream.advance(*rows(stream.day, stream.day + days), out)
    stream.run(rows, DAYS, out)
    assert same(streamed(leaves, rows=DAYS), out)


def test_mixed_precision_is_float64_where_it_decides_and_close_to_it_elsewhere(leaves):
    mixed, exact = streamed(leaves), streamed(leaves, precision=torch.float64)
    assert torch.equal(mixed.valid, exact.valid)
    torch.testing.assert_close(mixed.values, exact.values, rtol=1e-4, atol=1e-4)
    ranks = 3  # ts_rank of a computed series: equal counts of days, whatever the precision of the rest
    assert torch.equal(mixed.values[ranks], exact.values[ranks].float().double())


def test_a_run_taken_up_from_its_state_changes_no_bit(leaves, tmp_path):
    out, rows = Collected(len(FORMULAS)), source_of(leaves)
    first = Stream(FORMULAS)
    first.run(rows, 77, out, rows=16)
    np.savez(tmp_path / "state.npz", **{name: tensor.numpy() for name, tensor in first.state().items()})
    second = Stream(FORMULAS)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as file:
        second.restore({name: torch.from_numpy(file[name]) for name in file.files})
    assert second.day == 77
    second.run(rows, DAYS, out, rows=16)
    assert same(streamed(leaves, rows=DAYS), out)


@pytest.mark.parametrize("threads", [1, 3])
def test_an_interrupted_stream_goes_on_from_a_saved_state_only(threads, leaves):
    def die(position, day, cells):
        raise OSError("disk full")

    out, stream = Collected(len(FORMULAS)), Stream(FORMULAS)
    stream.run(source_of(leaves), 40, out, rows=10)
    saved = {name: tensor.clone() for name, tensor in stream.state().items()}
    with pytest.raises(OSError, match="disk full"):
        stream.run(source_of(leaves), DAYS, die, rows=10, threads=threads)
    with pytest.raises(LibError, match="interrupted"):
        stream.run(source_of(leaves), DAYS, out, rows=10, threads=threads)
    with pytest.raises(LibError, match="interrupted"):
        stream.state()
    stream.restore(saved)
    stream.run(source_of(leaves), DAYS, out, rows=10, threads=threads)
    assert same(streamed(leaves, rows=DAYS), out)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_error_of_a_block_is_the_one_that_is_raised(threads, leaves):
    def die(position, day, cells):
        if day >= 30:
            raise OSError("disk full")

    threads_before = torch.get_num_threads()
    with pytest.raises(OSError, match="disk full"):
        Stream(FORMULAS).run(source_of(leaves), DAYS, die, rows=10, threads=threads)
    assert torch.get_num_threads() == threads_before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_gives_the_same_numbers(leaves):
    there = {name: x.to(device="cuda") for name, x in leaves.items()}
    here, away = streamed(leaves), streamed(there)
    assert torch.equal(here.valid, away.valid)
    torch.testing.assert_close(here.values, away.values, rtol=1e-4, atol=1e-5)


# ------------------------------------------------------------------------ plan


def precisions(*formulas):
    steps = Plan(formulas, MIXED).steps
    return {(repr(step.node), step.narrows): step.dtype for step in steps}


def test_what_feeds_a_rank_is_float64_and_what_comes_out_is_float32():
    found = precisions(ts_mean(cs_rank(ts_mean(close, 3) * volume), 5))
    assert found["ts_mean(close,3)*volume", False] == found["close", False] == torch.float64
    assert found["cs_rank(ts_mean(close,3)*volume)", False] == torch.float32
    assert found["ts_mean(cs_rank(ts_mean(close,3)*volume),5)", False] == torch.float32


def test_both_sides_of_a_cheap_subtraction_are_float64_and_windows_are_not():
    assert precisions(close - open_)["close", False] == torch.float64
    assert precisions(close - open_)["close-open", False] == torch.float32
    windows = precisions(ts_mean(close, 5) - ts_mean(open_, 5))
    assert set(windows.values()) == {torch.float32}


def test_an_extreme_of_prices_is_as_cheap_as_a_price_and_minus_may_come_first():
    for difference in (close - ts_min(open_, 5), -ts_min(open_, 5) + close):
        found = precisions(difference)
        assert found["ts_min(open,5)", False] == found["close", False] == torch.float64
    assert set(precisions(ts_min(open_, 5) + close).values()) == {torch.float32}


def test_a_change_of_lows_keeps_its_digits_on_a_high_level():
    """One tick on a price of ten thousand: float32 resolves a thousandth there, a tenth of the tick."""
    steps = np.random.default_rng(0).integers(-3, 4, size=(60, 40)).cumsum(axis=0) * 0.01
    price = Masked(torch.tensor(10_000 + steps), torch.ones(60, 40, dtype=torch.bool))
    blocks = []
    stream = Stream([-ts_min(field("low"), 3) + delay(ts_min(field("low"), 3), 3)], precision=MIXED)
    stream.run(rows_of({"low": price}), 60, lambda position, day, cells: blocks.append(cells))
    found = torch.cat([cells.values for cells in blocks])[6:].numpy()
    low = np.lib.stride_tricks.sliding_window_view(10_000 + steps, 3, axis=0).min(axis=-1)  # from row 2 on
    np.testing.assert_allclose(found, (low[:-3] - low[3:])[1:], atol=1e-6)


def test_float32_users_of_a_float64_step_share_one_narrow_copy():
    steps = Plan([cs_rank(close), ts_mean(close, 3), ts_std(close, 9)], MIXED).steps
    copies = [place for place, step in enumerate(steps) if step.narrows]
    assert len(copies) == 1 and steps[copies[0]].dtype == torch.float32 and steps[copies[0]].reach == 8
    assert sum(StepInput(copies[0]) in step.arguments for step in steps) == 2
    assert steps[0].reach == 0 and steps[0].node is close


def test_one_precision_throughout_narrows_nothing():
    steps = Plan(FORMULAS, torch.float32).steps
    assert {step.dtype for step in steps} == {torch.float32} and not any(step.narrows for step in steps)


# --------------------------------------------------------------------- history


@pytest.mark.parametrize("reach", [0, 1, 5, 40])
@pytest.mark.parametrize("in_place", [True, False])
def test_a_history_is_the_last_rows(reach, in_place):
    rng = np.random.default_rng(reach)
    values = torch.tensor(rng.normal(size=(400, 3)))
    valid = torch.tensor(rng.random((400, 3)) < 0.5)
    padded = torch.cat([torch.zeros(reach, 3, dtype=torch.float64), values])
    history, day = History(reach), 0
    while day < 400:
        rows = int(rng.choice([1, 1, 1, 3, 50]))
        block = Cells(values[day : day + rows], valid[day : day + rows])
        out = history.extended(block, in_place=in_place)
        assert torch.equal(out.values, padded[day : day + reach + rows])
        assert torch.equal(out.valid[:reach], torch.cat([torch.zeros(reach, 3).bool(), valid])[day : day + reach])
        day += rows
