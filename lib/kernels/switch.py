"""Which of the two implementations of a primitive runs: compiled loops on a CPU, or tensors on any device.

The tensors are the reference that the loops are tested against, and what an accelerator runs. The environment
variable LIB_KERNELS=tensors makes them run on a CPU too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from lib.errors import ParameterError

VARIABLE = "LIB_KERNELS"
COMPILED, TENSORS = "compiled", "tensors"


class _Choice:
    """What this process runs on a CPU."""

    def __init__(self) -> None:
        self.name = _known(os.environ.get(VARIABLE) or COMPILED)


def _known(name: str) -> str:
    if name not in (COMPILED, TENSORS):
        raise ParameterError(f"{VARIABLE}: got {name!r}; expected {COMPILED!r} or {TENSORS!r}")
    return name


_choice = _Choice()


def runs_compiled(values: Tensor) -> bool:
    """Whether what holds these values is computed by compiled loops."""
    return _choice.name == COMPILED and values.device.type == "cpu"


@contextmanager
def kernels(name: str) -> Iterator[None]:
    """Run "compiled" or "tensors" on a CPU within a block, on all threads of the process.

    Raises ParameterError for another name.
    """
    before, _choice.name = _choice.name, _known(name)
    try:
        yield
    finally:
        _choice.name = before
