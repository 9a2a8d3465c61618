"""Cells for the tests of kernels: awkward values, masks of every density, garbage where a cell is masked."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from lib.graph import SKIP, STRICT, Block, Primitive, Window
from lib.kernels.switch import kernels
from lib.masked import Cells, Masked
from lib.ops import PRIMITIVES

DTYPES = (torch.float32, torch.float64)
TOLERANCE = {torch.float32: 5e-7, torch.float64: 1e-12}
NUMPY = {torch.float32: np.float32, torch.float64: np.float64}
#: what masked cells hold inside an operator: any finite number
GARBAGE = {
    torch.float32: [1e30, -1e30, 3.4e38, -3.4e38, 0.0, -0.0, 7.0, 1e-44],
    torch.float64: [1e30, -1e30, 1.7e308, -1.7e308, 0.0, -0.0, 7.0, 5e-324],
}
POLICIES = {"strict": STRICT, "skip": SKIP, "skip10": Window("skip", 0.1), "skip95": Window("skip", 0.95)}
COMPILED = {name: primitive for name, primitive in PRIMITIVES.items() if primitive.compiled is not None}
WINDOWED = [name for name, primitive in COMPILED.items() if primitive.windowed]
POOLING = [name for name, primitive in COMPILED.items() if primitive.pools]
CELLWISE = [name for name in COMPILED if name not in WINDOWED + POOLING and name not in ("delta", "ewma")]
#: numbers of cells, indicators and members of windows: both implementations have the same bits
EXACT = ["ts_rank", "ts_argmax", "ts_argmin", "ts_max", "ts_min", "cs_rank", "ewma", "delta", "where", "equal",
         "+", "-", "*", "/", "<", "<=", ">", ">="]  # fmt: skip
#: sums: compared on positive numbers with tensors in float64, for theirs in float32 lose digits
SUMS = ["ts_sum", "ts_mean", "decay_linear"]


def seeded(*key: Any) -> np.random.Generator:
    """Random numbers of their own for every case."""
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def cells_of(values: Any, valid: Any = None, dtype: torch.dtype | None = None, exact: bool = True) -> Cells:
    """Cells of plain arrays; all valid unless told otherwise."""
    numbers = torch.tensor(np.asarray(values), dtype=dtype)
    flags = torch.ones(numbers.shape, dtype=torch.bool) if valid is None else torch.tensor(np.asarray(valid))
    return Cells(numbers, flags, exact)


def masks(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Some stocks are never masked, some seldom, some often, some always."""
    return rng.random(shape) < rng.choice([1.0, 0.995, 0.9, 0.6, 0.0], size=shape[1], p=[0.3, 0.3, 0.2, 0.15, 0.05])


def with_garbage(rng: np.random.Generator, cells: Cells) -> Cells:
    """The same cells; the masked ones hold something else."""
    garbage = torch.tensor(rng.choice(GARBAGE[cells.values.dtype], cells.valid.shape), dtype=cells.values.dtype)
    return cells._replace(values=torch.where(cells.valid, cells.values, garbage))


def series(
    rng: np.random.Generator, shape: tuple[int, int], dtype: torch.dtype, exact: bool = True, positive: bool = False
) -> Cells:
    """Numbers about 1; every third stock has many ties, every other one ties but for round-off."""
    values = rng.normal(size=shape)
    values[:, ::3] = np.round(values[:, ::3] * 2) / 2
    values[:, ::6] *= 1 + 1e-13 * rng.normal(size=values[:, ::6].shape)
    values = np.abs(values) + 0.25 if positive else values
    return with_garbage(rng, cells_of(values, masks(rng, shape), dtype, exact))


def arguments_of(
    name: str, rng: np.random.Generator, shape: tuple[int, int], dtype: torch.dtype, exact: bool = True, d: int = 4
) -> list[Any]:
    """Series and numbers as the primitive takes them; shape includes the rows before the first result."""
    primitive = PRIMITIVES[name]
    numbers = {"d": d, "k": d, "alpha": 0.3, "a": 2.5}
    positive = name in SUMS or name in ("log", "power")
    given = [series(rng, shape, dtype, exact, positive) for _ in range(primitive.series)]
    if name == "group_neutralize":
        given[1] = with_garbage(rng, given[1]._replace(values=torch.round(given[1].values.clamp(-1, 1) * 3) + 3))
    if name == "where":
        given[0] = with_garbage(rng, given[0]._replace(values=(given[0].values > 0).to(dtype)))
    return [*given, *(numbers[parameter] for parameter in primitive.parameter_names)]


@dataclass(frozen=True)
class Days:
    """A stretch of days: the index of the first and how many results there are."""

    first: int
    rows: int

    def hide(self, arguments: Iterable[Any], lead: int) -> list[Any]:
        """Rows before the panel's first day are masked."""
        early = max(lead - self.first, 0)
        return each(lambda a: _without(a, early), arguments)


def _without(x: Cells, rows: int) -> Cells:
    valid = x.valid.clone()
    valid[:rows] = False
    return x._replace(valid=valid)


def by_loops(name: str, arguments: list[Any], block: Block) -> Cells:
    """A primitive computed by compiled loops."""
    with kernels("compiled"):
        return PRIMITIVES[name].step(arguments, block)


def by_tensors(name: str, arguments: list[Any], block: Block) -> Cells:
    """A primitive computed by its kernel on tensors, from the beginning of its memory."""
    with kernels("tensors"):
        return PRIMITIVES[name].step(arguments, replace(block, memory={}))


def each(change: Callable[[Cells], Cells], arguments: Iterable[Any]) -> list[Any]:
    """Arguments whose series are changed."""
    return [change(a) if isinstance(a, Cells) else a for a in arguments]


def panels(arguments: Iterable[Any], hidden: float) -> list[Any]:
    """The series as panels that were handed over with `hidden` in their masked cells."""
    return [Masked(torch.where(a.valid, a.values, hidden), a.valid) if isinstance(a, Cells) else a for a in arguments]


def wide(arguments: Iterable[Any]) -> list[Any]:
    """The same numbers in float64."""
    return each(lambda a: a._replace(values=a.values.double()), arguments)


def shown(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Values, 0 where masked, and validity, as they leave the operators."""
    valid = cells.valid.numpy()
    return np.where(valid, cells.values.numpy(), 0), valid


def bits(cells: Cells) -> tuple[bytes, bytes]:
    """The same as bytes."""
    values, valid = shown(cells)
    return values.tobytes(), valid.tobytes()


def joined(parts: Iterable[Cells]) -> Cells:
    """Blocks of days put together."""
    values, valid, _ = zip(*parts, strict=True)
    return Cells(torch.cat(values), torch.cat(valid))


def in_blocks(name: str, arguments: list[Any], size: int, first: int, **block: Any) -> Iterator[Cells]:
    """A primitive computed `size` days at a time; the arguments begin with the rows before day `first`."""
    primitive: Primitive = PRIMITIVES[name]
    lead = primitive.lead(arguments)
    rows = len(arguments[0].valid) - lead
    memory: dict[str, torch.Tensor] = {}
    universe = block.pop("universe", None)
    for start in range(0, rows, size):
        stop = min(start + size, rows)
        cut = each(lambda a, rows=(start, stop + lead): a.rows(*rows), arguments)
        peers = None if universe is None else universe[start:stop]
        yield by_loops(name, cut, Block(first + start, universe=peers, memory=memory, **block))


def one_day(*numbers: float, dtype: torch.dtype = torch.float64, exact: bool = True) -> Cells:
    """One day of valid cells."""
    return cells_of([numbers], dtype=dtype, exact=exact)


def answers(name: str, *arguments: Any) -> list[float | None]:
    """The first row of results by compiled loops, None where invalid."""
    found = by_loops(name, list(arguments), Block())
    return [value if ok else None for value, ok in zip(found.values[0].tolist(), found.valid[0].tolist(), strict=True)]


#: rows of n numbers that a sort may stumble over
RANKED = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(0, 3, n),
    "many ties": lambda rng, n: rng.integers(-3, 4, n) / 8,
    "both zeros": lambda rng, n: rng.choice([0.0, -0.0, 1.0, -1.0], n),
    "subnormal": lambda rng, n: rng.integers(-9, 9, n) * 5e-324,
    "huge range": lambda rng, n: rng.choice([-1, 1], n) * 10.0 ** rng.uniform(-300, 300, n),
    "cluster and outlier": lambda rng, n: np.where(np.arange(n) == n // 2, -1e9, 1 + 1e-7 * rng.normal(size=n)),
    "last bits and outliers": lambda rng, n: np.where(np.arange(n) % 99 == 0, rng.choice([-1e300, 1e300], n),
                                                      1 + 2.0**-52 * rng.integers(0, n, n)),
    "last bits below 0": lambda rng, n: np.where(np.arange(n) == 0, 1e300, -1 - 2.0**-52 * rng.permutation(n)),
    "all equal": lambda rng, n: np.full(n, 0.1),
    "sorted": lambda rng, n: np.arange(n) * 0.37 - 5,
    "reversed": lambda rng, n: -np.arange(n) * 1e-9 + 3,
    "two values": lambda rng, n: rng.choice([0.1, 0.3], n),
    "ends of the range": lambda rng, n: rng.choice([1.7e308, -1.7e308, 5e-324, -5e-324, 0.0], n),
}  # fmt: skip
