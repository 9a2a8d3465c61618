"""Formulas node by node in a library's own values: computed once, and dropped after the last use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from lib.graph import Node, topological

Value = TypeVar("Value")


def walk(
    roots: Iterable[Node], fields: Mapping[str, Value], apply: Callable[[Node, list[Any]], Value]
) -> Iterator[tuple[int, Value]]:
    """(position in roots, value) of every formula as it is ready.

    apply: a node and its arguments, values or numbers -> the node's value.
    """
    roots = list(roots)
    order = topological(roots)
    users = Counter(child for node in order for child in node.inputs)
    results: dict[Node, Value] = {}
    for node in order:
        arguments = [results[a] if isinstance(a, Node) else a for a in node.arguments]
        results[node] = fields[node.name] if node.operator is None else apply(node, arguments)
        yield from ((position, results[node]) for position, root in enumerate(roots) if root is node)
        for child in node.inputs:
            users[child] -= 1
            if users[child] == 0:
                results.pop(child, None)
