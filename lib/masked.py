"""A masked value: numbers and, cell by cell, whether they may be looked at.

The papers pass two loose tensors through every operator. Here the pair is one immutable object, so the
contract of paper B, appendix A.3, holds by construction:

* zero-on-mask: the constructor stores 0 in every invalid cell;
* independence: an operator can only see what the constructor left, so a poisoned masked cell (NaN, 1e30)
  is gone before the first operation;
* propagation: `lift` ANDs the masks of its operands.

A result that is not a finite number (0/0, log of a negative, overflow) is an invalid cell.

Inside an operator the same pair travels as `Cells`, whose masked cells may hold any finite number: windows and
ranks look at valid cells only, so clearing every intermediate would cost time and buy nothing. `Masked` is what
leaves the operators.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from lib.errors import ExpressionError
from lib.kernels.elementary import INTEGER, above, as_number, at_most, keep, on_cpu
from lib.kernels.precision import comparable, without_round_off

#: |b| at or below this makes a / b invalid: a denominator of zero is not clamped, it has no quotient.
ZERO_DENOMINATOR = 1e-20

Operand: TypeAlias = "Masked | float | int"


class Operators:
    """Infix arithmetic for masked values and for symbols: both answer `infix(symbol, left, right)`."""

    def infix(self, symbol: str, *operands: Any) -> Any:
        raise NotImplementedError

    def __add__(self, other: Any) -> Any:
        return self.infix("+", self, other)

    def __radd__(self, other: Any) -> Any:
        return self.infix("+", other, self)

    def __sub__(self, other: Any) -> Any:
        return self.infix("-", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.infix("-", other, self)

    def __mul__(self, other: Any) -> Any:
        return self.infix("*", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self.infix("*", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self.infix("/", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.infix("/", other, self)

    def __neg__(self) -> Any:
        return self.infix("negative", self)

    def __lt__(self, other: Any) -> Any:
        return self.infix("<", self, other)

    def __le__(self, other: Any) -> Any:
        return self.infix("<=", self, other)

    def __gt__(self, other: Any) -> Any:
        return self.infix(">", self, other)

    def __ge__(self, other: Any) -> Any:
        return self.infix(">=", self, other)

    def __and__(self, other: Any) -> Any:
        return self.infix("&", self, other)

    def __or__(self, other: Any) -> Any:
        return self.infix("|", self, other)

    def __bool__(self) -> bool:
        raise ExpressionError("the truth of a whole panel is ambiguous: use where(condition, a, b), & and |")


class Masked(Operators):
    """Values [T, N] with their validity [T, N]; dates run down, stocks run across.

    Parameters
    ----------
    values: float32 or float64 tensor [T, N] in any unit.
    valid: bool tensor of the same shape; False hides the cell. A non-finite value is never valid.
    exact: True for numbers read from data, which are compared in all their bits. Computed numbers carry round-off:
        what compares them (ranks, positions of extremes, <, equal) rounds them first, to 30 binary digits in float64
        and 20 in float32, and a difference smaller than that beside its operands is 0; see `lib.kernels.precision`.

    Raises ExpressionError when shapes or dtypes do not fit. The inputs are not modified.

    >>> x = Masked(torch.tensor([[1.0, float("nan")], [1e30, 4.0]]), torch.tensor([[True, True], [False, True]]))
    >>> x.values.tolist(), x.valid.tolist()
    ([[1.0, 0.0], [0.0, 4.0]], [[True, False], [False, True]])
    """

    __slots__ = ("exact", "valid", "values")
    values: Tensor
    valid: Tensor
    exact: bool

    def __init__(self, values: Tensor, valid: Tensor, exact: bool = True) -> None:
        if values.ndim != 2 or values.shape != valid.shape:
            raise ExpressionError(
                f"Masked needs values and valid of one shape [T, N]; got {tuple(values.shape)} and {tuple(valid.shape)}"
            )
        if values.dtype not in INTEGER or valid.dtype != torch.bool:
            raise ExpressionError(
                f"Masked needs values of float32 or float64 and a bool mask; got {values.dtype} and {valid.dtype}"
            )
        if on_cpu(values) and math.isfinite(values.sum().item()):  # then every cell is finite
            valid = valid.clone()
        else:
            valid = valid & torch.isfinite(values)
        self._set(keep(values, valid), valid, exact)

    def _set(self, values: Tensor, valid: Tensor, exact: bool) -> None:
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "valid", valid)
        object.__setattr__(self, "exact", exact)

    @classmethod
    def of_settled(cls, values: Tensor, valid: Tensor, exact: bool) -> Masked:
        """A pair that nobody else holds, finite everywhere and 0 where invalid already."""
        masked = cls.__new__(cls)
        masked._set(values, valid, exact)
        return masked

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Masked is immutable; build a new one instead of setting {name!r}")

    @property
    def cells(self) -> Cells:
        """The same pair as operators take it."""
        return Cells(self.values, self.valid, self.exact)

    @property
    def shape(self) -> torch.Size:
        return self.values.shape

    def infix(self, symbol: str, *operands: Any) -> Any:
        if any(not isinstance(operand, Masked | float | int) for operand in operands):
            return NotImplemented
        return lifted(INFIX[symbol], *operands)

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Masked:
        """The same cells in another precision or on another device."""
        values = self.values.to(device=device, dtype=dtype)
        return Masked(values, self.valid.to(device=device), self.exact)

    def __repr__(self) -> str:
        share = self.valid.double().mean().item() if self.valid.numel() else 0.0
        return f"Masked({self.shape[0]} dates x {self.shape[1]} stocks, {self.values.dtype}, {share:.1%} valid)"


class Cells(NamedTuple):
    """Values [R, N] and validity [R, N] on their way through operators; masked cells hold any finite number."""

    values: Tensor
    valid: Tensor
    exact: bool = False

    def rows(self, start: int, stop: int | None = None) -> Cells:
        """A view of some rows; start and stop lie within the rows there are."""
        if start == 0 and stop is None:
            return self
        rows = (len(self.valid) if stop is None else stop) - start
        return Cells(self.values.narrow(0, start, rows), self.valid.narrow(0, start, rows), self.exact)


def settled(values: Tensor, valid: Tensor, exact: bool = False) -> Cells:
    """Cells of a result: where it is not finite it is not valid.

    A finite sum proves every cell finite in one pass. Without that proof, or where asking for it would make an
    accelerator wait, every cell is looked at.
    """
    if on_cpu(values) and math.isfinite(values.sum().item()):
        return Cells(values, valid, exact)
    finite = torch.isfinite(values)
    return Cells(torch.where(finite, values, 0.0), valid & finite, exact)


def require_one_shape(a: Tensor, b: Tensor) -> None:
    """Raises ExpressionError unless two panels have the same days and stocks."""
    if a.shape != b.shape:
        raise ExpressionError(f"shapes differ: {tuple(a.shape)} and {tuple(b.shape)}")


#: what an elementwise function answers: values, or values and where they are defined
Outcome: TypeAlias = "Tensor | tuple[Tensor, Tensor]"


def cellwise(function: Callable[..., Outcome], *operands: Cells | float) -> Cells:
    """Apply a cell-by-cell function; a cell is valid where every operand is and the result is defined and finite."""
    cells = [operand for operand in operands if isinstance(operand, Cells)]
    if not cells:
        raise ExpressionError("an operator needs at least one masked value; got constants only")
    first = cells[0]
    valid = first.valid
    for other in cells[1:]:
        require_one_shape(first.valid, other.valid)
        if other.valid is not valid:
            valid = valid & other.valid
    dtype = first.values.dtype
    outcome = function(*(x.values if isinstance(x, Cells) else _number(float(x), dtype) for x in operands))
    values, defined = outcome if isinstance(outcome, tuple) else (outcome, None)
    if defined is not None:
        valid = valid & defined
    return settled(values, valid)


@lru_cache(maxsize=4096)
def _number(value: float, dtype: torch.dtype) -> Tensor:
    return torch.tensor(value, dtype=dtype)


def lift(function: Callable[..., Outcome], *operands: Operand) -> Masked:
    """Apply a cell-by-cell function to masked values.

    >>> x = Masked(torch.tensor([[4.0, 0.0]]), torch.ones(1, 2, dtype=torch.bool))
    >>> lift(torch.log, x).valid.tolist()
    [[True, False]]
    """
    return lifted(partial(cellwise, function), *operands)


def lifted(kernel: Callable[..., Cells], *operands: Operand) -> Masked:
    """Apply a kernel of cells to masked values."""
    cells = kernel(*(x.cells if isinstance(x, Masked) else x for x in operands))
    return Masked.of_settled(keep(cells.values, cells.valid), cells.valid.clone(), cells.exact)


def exact_operands(*operands: Cells | float) -> bool:
    """Whether none of the operands was computed."""
    return all(not isinstance(operand, Cells) or operand.exact for operand in operands)


def quotient(a: Tensor, b: Tensor) -> Outcome:
    """a / b, undefined where |b| <= 1e-20."""
    defined = above(b.abs(), ZERO_DENOMINATOR).expand(torch.broadcast_shapes(a.shape, b.shape))
    return keep(a / b, defined), defined


def _added(sign: int, a: Cells | float, b: Cells | float) -> Cells:
    """a + sign b; 0 where that is round-off of computed numbers that cancel."""
    exact = exact_operands(a, b)

    def total(x: Tensor, y: Tensor) -> Tensor:
        return without_round_off(torch.add(x, y, alpha=sign), torch.maximum(x.abs(), y.abs()), exact)

    return cellwise(total, a, b)


def compared(compare: Callable[[Tensor, Tensor], Tensor], a: Cells | float, b: Cells | float) -> Cells:
    """1 where a comparison holds, else 0, in the type of the operands, both rounded if either was computed."""
    exact = exact_operands(a, b)

    def indicator(x: Tensor, y: Tensor) -> Tensor:
        return as_number(compare(comparable(x, exact), comparable(y, exact)), x.dtype)

    return cellwise(indicator, a, b)


def _indicator(connect: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda a, b: as_number(connect(a != 0, b != 0), a.dtype)


#: infix symbol -> kernel of cells
INFIX: dict[str, Callable[..., Cells]] = {
    "+": partial(_added, 1),
    "-": partial(_added, -1),
    "*": partial(cellwise, torch.mul),
    "/": partial(cellwise, quotient),
    "negative": lambda x: cellwise(torch.neg, x)._replace(exact=x.exact),
    "<": partial(compared, lambda a, b: above(b, a)),
    "<=": partial(compared, at_most),
    ">": partial(compared, above),
    ">=": partial(compared, lambda a, b: at_most(b, a)),
    "&": partial(cellwise, _indicator(torch.logical_and)),
    "|": partial(cellwise, _indicator(torch.logical_or)),
}
