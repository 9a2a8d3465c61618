"""py-alpha-lib: functions of flat float64 arrays, the days of one stock after those of the other; it needs Python 3.12.

Its windows answer from the first day on, and for NaN, unless told to be strict: `STRICT` is its flag for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from lib.factors import find_factors
from lib.factors.leaves import panel_leaves
from lib.graph import Node
from lib.panel import Panel
from lib.studies.how_fast.bench.contender import Contender, alpha_of
from lib.studies.how_fast.bench.peers import load
from lib.studies.how_fast.bench.timing import Call
from lib.studies.how_fast.bench.walk import walk

#: its flag that leaves a window blank until it is full
STRICT = 2


def operators(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    """All but the mean of a group: its NEUTRALIZE gives ranks."""
    theirs = load("alpha-lib")
    if theirs is None:
        return {}
    stocks = x.shape[1]
    a, b = _flat(x), _flat(y)
    calls: dict[str, Call] = {
        "ts_mean": lambda: theirs.MA(a, window),
        "ts_sum": lambda: theirs.SUM(a, window),
        "ts_max": lambda: theirs.HHV(a, window),
        "ts_min": lambda: theirs.LLV(a, window),
        "ts_std": lambda: theirs.STDDEV(a, window),
        "ts_corr": lambda: theirs.CORR2(a, b, window),
        "ts_rank": lambda: theirs.RANK(a, window) / window,
        "ts_argmax": lambda: window - theirs.HHVBARS(a, window),
        "ts_argmin": lambda: window - theirs.LLVBARS(a, window),
        "decay_linear": lambda: theirs.LWMA(a, window),
        "ewma": lambda: theirs.DMA(a, alpha_of(window)),
        "cs_rank": lambda: theirs.CC_RANK(a),
        "cs_zscore": lambda: theirs.CC_ZSCORE(a),
    }

    def contender(name: str) -> Contender:
        flags = 0 if name == "ewma" else STRICT  # under the strict flag an average is never full
        return Contender(partial(_in_context, theirs, stocks, flags, calls[name]), lambda flat: _unflat(flat, stocks))

    return {name: contender(name) for name in calls}


def _in_context(theirs: Any, stocks: int, flags: int, call: Call) -> Any:
    theirs.set_ctx(groups=stocks, flags=flags)
    return call()


def alphas(panel: Panel, names: list[str]) -> Call:
    """The formulas of these names in its operators, float64, each [T * N]; the cells between them in numpy."""
    theirs, stocks = load("alpha-lib"), panel.shape[1]
    nodes = [factor.node for factor in find_factors(names)]
    fields = {name: _flat(values) for name, values in fields_of(panel, nodes).items()}
    table = _table(theirs, stocks)

    def call() -> Mapping[str, np.ndarray]:
        theirs.set_ctx(groups=stocks, flags=STRICT)
        with np.errstate(all="ignore"):
            found = walk(nodes, fields, lambda node, arguments: table[_name(node)](*arguments))
            return {names[position]: _unflat(flat, stocks) for position, flat in found}

    return call


def fields_of(panel: Panel, nodes: list[Node]) -> dict[str, np.ndarray]:
    """The fields that formulas read, [T, N] float64, NaN where masked."""
    leaves = panel_leaves(panel, {name for node in nodes for name in node.fields})
    return {name: np.where(leaf.valid.numpy(), leaf.values.numpy(), np.nan) for name, leaf in leaves.items()}


def _name(node: Node) -> str:
    assert node.operator is not None
    return node.operator.name


def _flat(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.T, dtype=np.float64).ravel()


def _unflat(flat: Any, stocks: int) -> np.ndarray:
    return np.asarray(flat, dtype=np.float64).reshape(stocks, -1).T


def _table(theirs: Any, stocks: int) -> Mapping[str, Callable[..., Any]]:
    def scaled(x: np.ndarray, a: float = 1.0) -> np.ndarray:
        days = x.reshape(stocks, -1)
        return (a * days / np.nansum(np.abs(days), axis=0)).ravel()

    return ELEMENTWISE | {
        "delay": lambda x, k: theirs.REF(x, int(k)),
        "delta": lambda x, k: x - theirs.REF(x, int(k)),
        "ts_sum": lambda x, d: theirs.SUM(x, int(d)),
        "ts_mean": lambda x, d: theirs.MA(x, int(d)),
        "ts_min": lambda x, d: theirs.LLV(x, int(d)),
        "ts_max": lambda x, d: theirs.HHV(x, int(d)),
        "ts_product": lambda x, d: theirs.PRODUCT(x, int(d)),
        "ts_std": lambda x, d: theirs.STDDEV(x, int(d)),
        "ts_cov": lambda x, y, d: theirs.COV(x, y, int(d)),
        "ts_corr": lambda x, y, d: theirs.CORR2(x, y, int(d)),
        "ts_rank": lambda x, d: theirs.RANK(x, int(d)) / d,
        "ts_argmax": lambda x, d: d - theirs.HHVBARS(x, int(d)),
        "ts_argmin": lambda x, d: d - theirs.LLVBARS(x, int(d)),
        "decay_linear": lambda x, d: theirs.LWMA(x, int(d)),
        "cs_rank": theirs.CC_RANK,
        "cs_scale": scaled,
        "group_neutralize": lambda x, labels: theirs.NEUTRALIZE(labels, x),
    }


#: what it leaves to numpy; what is true is 1, and a comparison with NaN is false
ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "negative": np.negative,
    "<": lambda a, b: (a < b).astype(np.float64),
    "<=": lambda a, b: (a <= b).astype(np.float64),
    ">": lambda a, b: (a > b).astype(np.float64),
    ">=": lambda a, b: (a >= b).astype(np.float64),
    "equal": lambda a, b: (a == b).astype(np.float64),
    "&": np.multiply,
    "|": np.maximum,
    "where": lambda condition, a, b: np.where(condition != 0, a, b),
    "min": np.minimum,
    "max": np.maximum,
    "abs": np.abs,
    "sign": np.sign,
    "log": np.log,
    "power": np.power,
    "signedpower": lambda x, p: np.sign(x) * np.abs(x) ** p,
}
