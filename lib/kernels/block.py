"""What a kernel is told beside its series: the window policy, and which days it computes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lib.errors import ExpressionError

POLICIES = ("strict", "skip")


@dataclass(frozen=True)
class Window:
    """Window policy of the time-series primitives.

    strict: every cell of the window must be valid (the papers' propagation rule).
    skip: today's own cell must be valid, and at least ceil(min_share * d) cells of the window.
    Under both the window lies inside the panel: the first d - 1 dates are invalid.
    """

    policy: str = "strict"
    min_share: float = 0.5

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ExpressionError(f"window policy: got {self.policy!r}; expected one of {', '.join(POLICIES)}")
        if not 0 < self.min_share <= 1:
            raise ExpressionError(f"min_share: got {self.min_share!r}; expected a share in (0, 1]")

    def required(self, d: int) -> int:
        """Valid cells that a window of d days needs."""
        return d if self.policy == "strict" else math.ceil(self.min_share * d)


STRICT = Window("strict")
SKIP = Window("skip")


@dataclass(frozen=True)
class Block:
    """What a kernel is told about the consecutive days it computes.

    day: index in the panel of the first of them. window: policy of the time-series primitives.
    universe: bool [R, N], the stocks that a cross-section compares; None = all.
    memory: what a recurrence carries from block to block, empty before the first day.
    dtype: precision wanted of a comparison's result, whose input may be wider; None = the input's.
    out: values and validity [R, N] that a compiled kernel may write its result into, if it has their type; ranks and
    scores leave 0 there where they are invalid.
    """

    day: int = 0
    window: Window = STRICT
    universe: Tensor | None = None
    memory: dict[str, Tensor] = field(default_factory=dict)
    dtype: torch.dtype | None = None
    out: tuple[Tensor, Tensor] | None = None
