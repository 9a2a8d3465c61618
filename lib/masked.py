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
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from lib.errors import ExpressionError
from lib.kernels.elementary import INTEGER, above, as_number, at_most, keep, on_cpu

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
    exact: True for numbers read from data. Computed numbers carry round-off, so the operators that compare
        (ranks, positions of extremes) round them first; see `lib.kernels.ranks.round_mantissa`.

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
        return lift(INFIX[symbol], *operands)

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
        if other.values.shape != first.values.shape:
            raise ExpressionError(f"shapes differ: {tuple(first.values.shape)} and {tuple(other.values.shape)}")
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
    cells = cellwise(function, *(x.cells if isinstance(x, Masked) else x for x in operands))
    return Masked.of_settled(keep(cells.values, cells.valid), cells.valid.clone(), cells.exact)


def quotient(a: Tensor, b: Tensor) -> Outcome:
    """a / b, undefined where |b| <= 1e-20."""
    size = b.abs()
    if on_cpu(size) and size.numel() and size.min().item() > ZERO_DENOMINATOR:
        return a / b
    defined = above(size, ZERO_DENOMINATOR).expand(torch.broadcast_shapes(a.shape, b.shape))
    return keep(a / b, defined), defined


def _indicator(compare: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """A comparison that answers 1 or 0 in the dtype of its operands."""
    return lambda a, b: as_number(compare(a, b), a.dtype)


#: infix symbol -> function of tensors
INFIX: dict[str, Callable[..., Outcome]] = {
    "+": torch.add,
    "-": torch.sub,
    "*": torch.mul,
    "/": quotient,
    "negative": torch.neg,
    "<": _indicator(lambda a, b: above(b, a)),
    "<=": _indicator(at_most),
    ">": _indicator(above),
    ">=": _indicator(lambda a, b: at_most(b, a)),
    "&": _indicator(lambda a, b: (a != 0) & (b != 0)),
    "|": _indicator(lambda a, b: (a != 0) | (b != 0)),
}
