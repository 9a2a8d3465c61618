"""From formulas to an ordered list of steps: what is computed once, in which precision, and who reads how far back.

Where the precision is mixed, float32 is the rule and float64 is for two places (`MIXED`):

* what feeds a comparison, for two formulas that are equal in exact arithmetic must rank equal; what comes out of
  a comparison is exact again;
* what a subtraction takes away from each other, where that is cheap: the difference of two prices is small beside
  them and would inherit their round-off; and series of exponents, which multiply it.

A step runs as soon as it releases more memory than its result takes: fewer intermediate results are held at once, and
those that are read next are more often still in the cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import torch

from lib.graph import Node, topological

MIXED: Literal["mixed"] = "mixed"
#: mixed as described above, or one precision throughout
Precision: TypeAlias = "torch.dtype | Literal['mixed']"


@dataclass(frozen=True)
class StepInput:
    """An argument that another step computes."""

    step: int


@dataclass
class Step:
    """One distinct sub-formula in one precision.

    arguments: where its series come from, and its numbers. lead: rows before a block that its kernel reads;
    reach: rows before a block that others read of it. uses: how many arguments it supplies. roots: positions of
    the formulas it is the result of. narrows: it only is the float32 copy of its first argument.
    """

    node: Node
    dtype: torch.dtype
    arguments: tuple[StepInput | float, ...]
    lead: int = 0
    reach: int = 0
    uses: int = 0
    roots: list[int] = field(default_factory=list)
    narrows: bool = False


def comparing(roots: Iterable[Node]) -> set[Node]:
    """Sub-formulas whose round-off could decide a comparison: everything below a rank, down to the next rank."""
    compared = [node for node in topological(roots) if node.operator is not None and node.operator.compares]
    return _below(child for node in compared for child in node.inputs)


def cancelling(roots: Iterable[Node]) -> set[Node]:
    """Both sides of a subtraction and of a power, and everything below; a subtraction only if no window sums below."""
    sides = [child for node in topological(roots) if _is_sensitive(node) for child in node.inputs]
    return _below(sides)


def _is_sensitive(node: Node) -> bool:
    operator = node.operator
    if operator is None:
        return False
    if operator.amplifies:
        return len(node.inputs) > 1
    return _subtracts(node) and all(_is_cheap(below) for below in _below(node.inputs))


def _subtracts(node: Node) -> bool:
    """a - b, written as such or as -b + a."""
    operator = node.operator
    if operator is None or operator.symbol != "+":
        return operator is not None and operator.cancels
    return any(child.operator is not None and child.operator.symbol == "negative" for child in node.inputs)


def _is_cheap(node: Node) -> bool:
    operator = node.operator
    return operator is None or operator.selects or not (operator.windowed or operator.pools)


def _below(nodes: Iterable[Node]) -> set[Node]:
    """The nodes and what they are computed from, down to comparisons."""
    stack = list(nodes)
    wide: set[Node] = set()
    while stack:
        node = stack.pop()
        if node in wide:
            continue
        wide.add(node)
        if node.operator is not None and not node.operator.compares:
            stack.extend(node.inputs)
    return wide


class Plan:
    """The steps of some formulas, in an order in which each finds its arguments done."""

    def __init__(self, roots: Sequence[Node], precision: Precision) -> None:
        self.steps: list[Step] = []
        self.precision = precision
        self._wide = comparing(roots) | cancelling(roots) if precision == MIXED else set()
        self._places: dict[tuple[Node, torch.dtype], int] = {}
        for node in topological(roots):
            self._add(node)
        for position, root in enumerate(roots):
            self.steps[self._places[root, self._dtype(root)]].roots.append(position)
        for step in self.steps:
            for argument in step.arguments:
                if isinstance(argument, StepInput):
                    supplier = self.steps[argument.step]
                    supplier.uses += 1
                    supplier.reach = max(supplier.reach, step.lead)
        self.steps = _in_order(self.steps, releasing_first(self.steps))

    def _dtype(self, node: Node) -> torch.dtype:
        if self.precision != MIXED:
            return self.precision
        return torch.float64 if node in self._wide else torch.float32

    def _add(self, node: Node) -> None:
        dtype = self._dtype(node)
        operator = node.operator
        # what is sensitive takes its arguments as they are; everything else in its own precision
        as_it_is = operator is not None and (operator.compares or operator.amplifies or _subtracts(node))
        arguments = tuple(
            StepInput(self._place(a, self._dtype(a) if as_it_is else dtype)) if isinstance(a, Node) else a
            for a in node.arguments
        )
        self._places[node, dtype] = len(self.steps)
        lead = 0 if operator is None else operator.lead(node.arguments)
        self.steps.append(Step(node, dtype, arguments, lead))

    def _place(self, node: Node, dtype: torch.dtype) -> int:
        """The step of a node in a precision; float32 users of a float64 step share one narrowed copy."""
        if (node, dtype) not in self._places:
            wide = StepInput(self._places[node, torch.float64])
            self._places[node, dtype] = len(self.steps)
            self.steps.append(Step(node, dtype, (wide,), narrows=True))
        return self._places[node, dtype]


#: days of a block, for weighing the rows that a result takes beside those before the block
USUAL_ROWS = 96


def releasing_first(steps: Sequence[Step]) -> list[int]:
    """The steps in an order in which each finds its arguments done, holding less memory than the order given.

    The order given is kept, except that a step whose arguments are all done is taken out of turn when what it reads
    for the last time takes at least as much memory as its result.
    """
    read = [sorted({a.step for a in step.arguments if isinstance(a, StepInput)}) for step in steps]
    readers: list[list[int]] = [[] for _ in steps]
    for reader, sources in enumerate(read):
        for source in sources:
            readers[source].append(reader)
    size = [(step.reach + USUAL_ROWS) * (step.dtype.itemsize + 1) if step.uses else 0 for step in steps]
    missing, unread = [len(sources) for sources in read], [len(found) for found in readers]
    order: list[int] = []
    done = [False] * len(steps)

    def releases(step: int) -> bool:
        return sum(size[source] for source in read[step] if unread[source] == 1) >= size[step]

    for first in range(len(steps)):
        stack = [first]
        while stack:
            step = stack.pop()
            if done[step] or missing[step]:
                continue
            done[step] = True
            order.append(step)
            candidates = list(readers[step])
            for reader in readers[step]:
                missing[reader] -= 1
            for source in read[step]:
                unread[source] -= 1
                if unread[source] == 1:
                    candidates += readers[source]
            stack += [c for c in reversed(candidates) if not done[c] and not missing[c] and releases(c)]
    return order


def _in_order(steps: Sequence[Step], order: Sequence[int]) -> list[Step]:
    place = {step: position for position, step in enumerate(order)}
    for step in steps:
        step.arguments = tuple(StepInput(place[a.step]) if isinstance(a, StepInput) else a for a in step.arguments)
    return [steps[step] for step in order]
