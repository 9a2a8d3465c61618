"""The formulas of this book as KunQuant's expressions: the same graph, one of its operators for each of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lib.graph import Node
from lib.studies.how_fast.bench.peers import load


class FormulaBuilder:
    """Translates formulas inside an open builder of KunQuant; a formula that occurs twice is built once.

    Raises KeyError for an operator that it does not have.
    """

    def __init__(self) -> None:
        self.ops, self.op = load("kunquant", "ops"), load("kunquant", "Op")
        self.table = _table(self.ops, self.op)
        self.built: dict[Any, Any] = {}

    def __call__(self, node: Node) -> Any:
        """The expression of a formula as a number: what is true is 1."""
        return self._number(self._built(node))

    def _built(self, node: Any) -> Any:
        if node not in self.built:
            self.built[node] = self._new(node)
        return self.built[node]

    def _new(self, node: Node) -> Any:
        if node.operator is None:
            return self.op.Input(node.name)
        name = node.operator.name
        arguments = [self._built(a) if isinstance(a, Node) else a for a in node.arguments]
        if name in LOGICAL:
            return self.table[name](*map(self._expression, arguments))
        if name in CONDITIONAL:
            condition, *choices = map(self._expression, arguments)
            return self.table[name](condition, *map(self._number, choices))
        return self.table[name](*map(self._number, arguments))

    def _expression(self, value: Any) -> Any:
        return value if isinstance(value, self.op.OpBase) else self.op.ConstantOp(value)

    def _number(self, value: Any) -> Any:
        if isinstance(value, self.op.BoolOpTrait):
            return self.ops.Select(value, self.op.ConstantOp(1), self.op.ConstantOp(0))
        return value


#: operators of conditions, and those whose first argument is one
LOGICAL, CONDITIONAL = ("&", "|"), ("where",)


def _table(ops: Any, op: Any) -> Mapping[str, Callable[..., Any]]:
    def expression(value: Any) -> Any:
        return value if isinstance(value, op.OpBase) else op.ConstantOp(value)

    def both(operator: Any) -> Callable[..., Any]:
        return lambda a, b: operator(expression(a), expression(b))

    def windowed(operator: Any) -> Callable[..., Any]:
        return lambda x, d: x if d == 1 else operator(x, int(d))  # it has no window of one day

    def signed_power(x: Any, p: Any) -> Any:
        return ops.Sign(x) * ops.Pow(ops.Abs(x), expression(p))

    return {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
        "negative": lambda a: a * -1.0,
        "<": both(ops.LessThan),
        "<=": both(ops.LessEqual),
        ">": both(ops.GreaterThan),
        ">=": both(ops.GreaterEqual),
        "equal": both(ops.Equals),
        "&": ops.And,
        "|": ops.Or,
        "where": ops.Select,
        "min": both(ops.Min),
        "max": both(ops.Max),
        "abs": ops.Abs,
        "sign": ops.Sign,
        "log": ops.Log,
        "power": both(ops.Pow),
        "signedpower": signed_power,
        "delay": lambda x, k: ops.BackRef(x, int(k)),
        "delta": lambda x, k: x - ops.BackRef(x, int(k)),
        "ts_sum": windowed(ops.WindowedSum),
        "ts_mean": windowed(ops.WindowedAvg),
        "ts_min": windowed(ops.WindowedMin),
        "ts_max": windowed(ops.WindowedMax),
        "ts_product": windowed(ops.WindowedProduct),
        "ts_std": windowed(ops.WindowedStddev),
        "ts_cov": lambda x, y, d: ops.WindowedCovariance(x, int(d), y),
        "ts_corr": lambda x, y, d: ops.WindowedCorrelation(x, int(d), y),
        "ts_rank": lambda x, d: ops.TsRank(x, int(d)) / float(d),
        "ts_argmax": windowed(ops.TsArgMax),
        "ts_argmin": windowed(ops.TsArgMin),
        "decay_linear": windowed(ops.DecayLinear),
        "cs_rank": op.Rank,
        "cs_scale": lambda x, a=1.0: op.Scale(x) * float(a),
    }
