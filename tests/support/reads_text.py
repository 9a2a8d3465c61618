"""Which days a formula reads, from its text alone: a second statement of the propagation rule.

Written from the operator specification, sharing no code with `lib`. Two sets of days before today: those on which the
stock's own cell must be valid, and those on which it is compared with others and hence must be in the universe.
"""

from __future__ import annotations

import ast

SAME_DAY = {"abs", "sign", "log", "power", "signedpower", "clip", "min", "max", "where", "ewma"}
POOLED = {"cs_rank", "cs_zscore", "cs_scale", "group_neutralize"}
#: fields that are formulas themselves: the days of close that they read
DERIVED = {"prev_close": {1}, "ret": {0, 1}}


def reads_of(text: str) -> tuple[set[int], set[int]]:
    """Days before today with a price, and days in the pool.

    >>> reads_of("cs_rank(ts_mean(ret,2))")
    ({0, 1, 2}, {0})
    """
    return _walk(ast.parse(text, mode="eval").body)


def _walk(tree: ast.expr) -> tuple[set[int], set[int]]:
    match tree:
        case ast.Constant():
            return set(), set()
        case ast.Name(id=name):
            return DERIVED.get(name, {0}), set()
        case ast.Call(func=ast.Name(id=name), args=arguments):
            days, parts = _days(name, arguments), [_walk(argument) for argument in arguments]
        case _:
            days, parts = {0}, [_walk(part) for part in ast.iter_child_nodes(tree) if isinstance(part, ast.expr)]
            name = ""
    prices = {day + before for day in days for part in parts for before in part[0]}
    pool = {day + before for day in days for part in parts for before in part[1]}
    return prices, pool | (days if name in POOLED else set())


def _days(name: str, arguments: list[ast.expr]) -> set[int]:
    if name in SAME_DAY | POOLED:
        return {0}
    last = ast.literal_eval(arguments[-1])
    return {"delay": {last}, "delta": {0, last}}.get(name) or set(range(last))
