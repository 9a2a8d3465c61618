"""Formulas over days that arrive in blocks: a long history, then one day at a time, the same bits either way.

A `Stream` keeps for every step of its plan what the next block needs of the past: the last rows of a series that
windows reach back to, the level of a recurrence. `evaluate` runs a whole panel through one. Nothing here knows
factors or panels.

Consecutive blocks can run on different threads, one step behind each other: a step of a block starts when the
same step of the block before has left its history. The order of the arithmetic never depends on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeAlias

import torch
from torch import Tensor

from lib.engine.history import History
from lib.engine.plan import MIXED, Plan, Precision, Step, StepInput
from lib.errors import LibError, UnknownNameError, closest
from lib.graph import STRICT, Block, Node, Window, formula
from lib.kernels.memory import reuse_freed_memory
from lib.masked import Cells, Masked, settled

#: days of a block unless told otherwise
BLOCK_ROWS = 128
#: receives (position in roots, index of the block's first day, result)
Consumer: TypeAlias = Callable[[int, int, Cells], None]
#: (position in roots, index of the block's first day, days) -> values and validity [R, N] of the result, to write into
Places: TypeAlias = "Callable[[int, int, int], tuple[Tensor, Tensor]]"
#: (first day, day after the last) -> leaves and universe of these days
Source: TypeAlias = "Callable[[int, int], tuple[Mapping[str, Cells], Tensor | None]]"


class Stream:
    """Formulas evaluated block after block.

    roots: the formulas. window: policy of the time-series primitives. precision: see `lib.engine.plan`.

    >>> close = field("close")
    >>> stream = Stream([ts_mean(close, 2)], precision=torch.float64)
    >>> def show(position, day, cells):
    ...     print(day, cells.values.tolist(), cells.valid.tolist())
    >>> for price in (1.0, 3.0, 4.0):
    ...     day = Cells(torch.tensor([[price]], dtype=torch.float64), torch.tensor([[True]]))
    ...     stream.advance({"close": day}, None, show)
    0 [[0.5]] [[False]]
    1 [[2.0]] [[True]]
    2 [[3.5]] [[True]]
    """

    def __init__(self, roots: Sequence[Node], *, window: Window = STRICT, precision: Precision = MIXED) -> None:
        reuse_freed_memory()
        self.window = window
        self.day = 0  # the next day
        self.steps = Plan(roots, precision).steps
        self._histories = [History(step.reach) for step in self.steps]
        self._memories: list[dict[str, Tensor]] = [{} for _ in self.steps]
        self._interrupted = False

    def advance(
        self,
        leaves: Mapping[str, Cells],
        universe: Tensor | None,
        consume: Consumer,
        places: Places | None = None,
    ) -> None:
        """Compute the next days. leaves: field name -> cells [R, N]; universe: bool [R, N], None = all stocks.

        places: where a result of ranks or scores may be written at once; `consume` gets it all the same.

        Raises LibError after a call that did not come to its end, whatever stopped it.
        """
        with self._to_the_end():
            self._compute(self.day, leaves, universe, consume, None, places)
        self.day += _rows(leaves)

    @contextmanager
    def _to_the_end(self) -> Iterator[None]:
        """A block that stops midway has moved some histories on and not others: nothing may follow it."""
        self._refuse_if_interrupted()
        self._interrupted = True
        yield
        self._interrupted = False

    def _refuse_if_interrupted(self) -> None:
        if self._interrupted:
            raise LibError(
                f"the computation of day {self.day} (counted from 0) was interrupted, so what the formulas remember no "
                "longer belongs to one day; start again from the history, or restore a state that was saved before"
            )

    def run(
        self,
        source: Source,
        stop: int,
        consume: Consumer,
        *,
        rows: int = BLOCK_ROWS,
        threads: int = 1,
        advanced: Callable[[int], object] = lambda days: None,
        places: Places | None = None,
    ) -> None:
        """Compute all days up to `stop`, in blocks of `rows`, on several threads; no result depends on either number.

        source: supplies leaves and universe of a range of days. advanced: called with the days of a finished block.
        """
        starts = range(self.day, stop, rows)
        with _single_threaded_kernels():
            if threads <= 1 or len(starts) <= 1:
                for start in starts:
                    end = min(start + rows, stop)
                    self.advance(*source(start, end), consume, places)
                    advanced(end - start)
            else:
                with self._to_the_end():
                    self._run_side_by_side(source, starts, stop, consume, threads, advanced, places)
        self.day = stop

    def _run_side_by_side(
        self,
        source: Source,
        starts: range,
        stop: int,
        consume: Consumer,
        threads: int,
        advanced: Callable[[int], object],
        places: Places | None,
    ) -> None:
        turn = _Turn()

        def block(start: int, turn: _Turn) -> None:
            try:
                end = min(start + starts.step, stop)
                self._compute(start, *source(start, end), consume, turn, places)
                advanced(end - start)
            except BaseException:
                turn.fail(len(self.steps))
                raise

        with ThreadPoolExecutor(threads) as pool:
            running: set[Future[None]] = set()
            for start in starts:
                if len(running) >= threads:
                    running = _first_done(running)
                running.add(pool.submit(block, start, turn))
                turn = _Turn(turn)
            while running:
                running = _first_done(running)

    def _compute(
        self,
        day: int,
        leaves: Mapping[str, Cells],
        universe: Tensor | None,
        consume: Consumer,
        turn: _Turn | None,
        places: Places | None,
    ) -> None:
        with torch.inference_mode():  # kernels work in place: no gradient passes, and without it operations cost less
            self._compute_steps(day, leaves, universe, consume, turn, places)

    def _compute_steps(
        self,
        day: int,
        leaves: Mapping[str, Cells],
        universe: Tensor | None,
        consume: Consumer,
        turn: _Turn | None,
        places: Places | None,
    ) -> None:
        results: list[Cells | None] = [None] * len(self.steps)
        uses = [step.uses for step in self.steps]
        for place, step in enumerate(self.steps):
            if turn:
                turn.wait()
            out = places(step.roots[0], day, _rows(leaves)) if places and _may_write(step) else None
            block = Block(day, self.window, universe, self._memories[place], step.dtype, out)
            cells = _result(step, [self._given(a, step.lead, results) for a in step.arguments], leaves, block)
            history = self._histories[place]
            results[place] = history.extended(cells, in_place=turn is None) if step.uses else None
            if turn:
                turn.pass_on()
            for root in step.roots:
                consume(root, day, cells)
            for argument in step.arguments:
                if isinstance(argument, StepInput):
                    uses[argument.step] -= 1
                    if uses[argument.step] == 0:
                        results[argument.step] = None

    def _given(self, argument: StepInput | float, lead: int, results: list[Cells | None]) -> Cells | float:
        """A step's argument with the rows before the block that the step reads."""
        if not isinstance(argument, StepInput):
            return argument
        cells = results[argument.step]
        assert cells is not None
        return cells.rows(self.steps[argument.step].reach - lead)

    def state(self) -> dict[str, Tensor]:
        """Everything the next block needs of the past, by name. Raises LibError like `advance`."""
        self._refuse_if_interrupted()
        state = {"day": torch.tensor(self.day)}
        for place, (history, memory) in enumerate(zip(self._histories, self._memories, strict=True)):
            state |= {f"{place}.history.{name}": tensor for name, tensor in history.state().items()}
            state |= {f"{place}.memory.{name}": tensor for name, tensor in memory.items()}
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on where the stream that gave this state stopped; both have the same formulas."""
        self._interrupted = False
        self.day = int(state["day"])
        parts: dict[tuple[str, str], dict[str, Tensor]] = {}
        for key, tensor in state.items():
            if key != "day":
                step, kind, name = key.split(".")
                parts.setdefault((step, kind), {})[name] = tensor
        for place, (history, memory) in enumerate(zip(self._histories, self._memories, strict=True)):
            history.restore(parts.get((str(place), "history"), {}))
            memory.clear()
            memory.update(parts.get((str(place), "memory"), {}))


def _may_write(step: Step) -> bool:
    """Whether a step's result is wanted as it is, in one place: a rank or a score that no other step reads."""
    operator = step.node.operator
    return len(step.roots) == 1 and not step.uses and not step.narrows and operator is not None and operator.pools


def _rows(leaves: Mapping[str, Cells]) -> int:
    return next((len(cells.valid) for cells in leaves.values()), 0)


def _result(step: Step, arguments: list[Cells | float], leaves: Mapping[str, Cells], block: Block) -> Cells:
    if step.narrows:
        return _in_precision(arguments[0], step.dtype)
    if step.node.operator is None:
        return _in_precision(_leaf(step.node, leaves), step.dtype)
    try:
        return _in_precision(step.node.operator.step(arguments, block), step.dtype)
    except Exception as error:
        error.add_note(f"while computing {formula(step.node)}")
        raise


def _in_precision(cells: Cells | float, dtype: torch.dtype) -> Cells:
    assert isinstance(cells, Cells)
    if cells.values.dtype == dtype:
        return cells
    # a float64 beyond the range of float32 is not a finite number there
    return settled(cells.values.to(dtype), cells.valid, exact=False)


def _leaf(node: Node, leaves: Mapping[str, Cells]) -> Cells:
    if node.name not in leaves:
        raise UnknownNameError(
            f"field {node.name!r} is not in the panel; it has {', '.join(sorted(leaves))}{closest(node.name, leaves)}"
        )
    return leaves[node.name]


class _Turn:
    """Keeps a block one step behind the block before it."""

    def __init__(self, before: _Turn | None = None) -> None:
        self._before = before
        self._passed = threading.Semaphore(0)
        self._failed = False

    def wait(self) -> None:
        """Until the block before has done as many steps as this one, and one more."""
        if self._before is not None:
            self._before._passed.acquire()
            if self._before._failed:
                raise _AbandonedError

    def pass_on(self) -> None:
        """One more step is done."""
        self._passed.release()

    def fail(self, steps: int) -> None:
        """Signals waiting threads to stop: there will be no more steps."""
        self._failed = True
        self._passed.release(steps)


class _AbandonedError(Exception):
    """The block before failed; its own error says why."""


def _first_done(running: set[Future[None]]) -> set[Future[None]]:
    done, rest = wait(running, return_when=FIRST_COMPLETED)
    errors = [error for future in done if (error := future.exception()) is not None]
    if errors and rest:
        errors += [error for future in wait(rest).done if (error := future.exception()) is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, _AbandonedError)):
        raise error
    return rest


@contextmanager
def _single_threaded_kernels() -> Iterator[None]:
    """The threads here are over blocks; kernels that start threads of their own would fight over the cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def rows_of(leaves: Mapping[str, Masked], universe: Tensor | None = None) -> Source:
    """The days of a panel held in memory, for `Stream.run`."""

    def rows(start: int, stop: int) -> tuple[Mapping[str, Cells], Tensor | None]:
        days = {name: x.cells.rows(start, stop) for name, x in leaves.items()}
        return days, None if universe is None else universe[start:stop]

    return rows


def evaluate(
    roots: Sequence[Node],
    leaves: Mapping[str, Masked],
    *,
    window: Window = STRICT,
    universe: Tensor | None = None,
) -> list[Masked]:
    """Compute formulas on a whole panel held in memory, in the precision of its leaves.

    Parameters
    ----------
    roots: formulas. leaves: field name -> Masked [T, N]. window: policy of the time-series primitives.
    universe: bool [T, N], the stocks that cross-sectional primitives compare on each day; None = all.

    Raises UnknownNameError naming the field that is missing.
    """
    days, dtype = next(((x.shape[0], x.values.dtype) for x in leaves.values()), (0, torch.float64))
    blocks: list[list[Cells]] = [[] for _ in roots]
    stream = Stream(roots, window=window, precision=dtype)
    stream.run(rows_of(leaves, universe), days, lambda position, _, cells: blocks[position].append(cells))
    return [_joined(cells) for cells in blocks]


def _joined(blocks: list[Cells]) -> Masked:
    values, valid, exact = zip(*blocks, strict=True)
    return Masked(torch.cat(values), torch.cat(valid), all(exact))
