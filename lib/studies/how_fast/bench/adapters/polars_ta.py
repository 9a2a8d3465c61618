"""polars_ta: expressions of polars, a stock's windows over its days and a day's ranks over its stocks.

One long frame, sorted by stock and day. Its defaults are kept where they are another definition: `cs_rank` counts
distinct values from 0 to 1. `ts_std_dev` is asked for the sample's deviation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lib.factors import find_factors
from lib.graph import Node
from lib.panel import Panel
from lib.studies.how_fast.bench.adapters.alpha_lib import ELEMENTWISE, fields_of
from lib.studies.how_fast.bench.contender import Contender, groups
from lib.studies.how_fast.bench.peers import load
from lib.studies.how_fast.bench.timing import Call
from lib.studies.how_fast.bench.walk import walk

#: names of the columns of the frame beside those of an operator's arguments
STOCK, DAY = "stock", "day"


def operators(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    """Those of its operators that ours have a name for."""
    if load("polars_ta") is None:
        return {}
    frame, table = _Frame(x.shape), _table()
    labels = np.broadcast_to(groups(x.shape[1]), x.shape)
    series = {name: frame.column(values) for name, values in {"x": x, "y": y, "g": labels}.items()}
    arguments: dict[str, list[Any]] = {name: [series["x"], window] for name in table}
    arguments |= {"ts_corr": [series["x"], series["y"], window], "cs_rank": [series["x"]]}
    arguments |= {"cs_zscore": [series["x"]], "group_neutralize": [series["x"], series["g"]]}
    return {
        name: Contender(lambda n=name: frame.apply(table[n], n, arguments[n]), frame.array)  # type: ignore[misc]
        for name in (*_MEASURED, "ts_corr", "cs_rank", "cs_zscore", "group_neutralize")
    }


_MEASURED = ("ts_mean", "ts_sum", "ts_max", "ts_min", "ts_std", "ts_rank", "ts_argmax", "ts_argmin", "decay_linear")


def alphas(panel: Panel, names: list[str]) -> Call:
    """The formulas of these names in its operators, float64, one array [T, N] each."""
    nodes = [factor.node for factor in find_factors(names)]
    frame, table = _Frame(panel.shape), _table()
    fields = {name: frame.column(values) for name, values in fields_of(panel, nodes).items()}

    def apply(node: Node, arguments: list[Any]) -> Any:
        assert node.operator is not None
        name = node.operator.name
        return frame.apply(table[name], name, arguments) if name in table else frame.by_cell(name, arguments)

    def call() -> Mapping[str, np.ndarray]:
        with np.errstate(all="ignore"):
            return {names[position]: frame.array(column) for position, column in walk(nodes, fields, apply)}

    return call


class _Frame:
    """The keys of the cells [T, N] in the order stock, day; a column is a polars Series of all cells."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.pl, self.shape = load("polars"), shape
        days, stocks = shape
        keys = {STOCK: np.repeat(np.arange(stocks), days), DAY: np.tile(np.arange(days), stocks)}
        self.keys = self.pl.DataFrame(keys)

    def column(self, x: np.ndarray) -> Any:
        flat = np.ascontiguousarray(x.T, dtype=np.float64).ravel()
        return self.pl.Series(flat, nan_to_null=True)

    def array(self, column: Any) -> np.ndarray:
        values: np.ndarray = column.cast(self.pl.Float64).to_numpy()
        return values.reshape(self.shape[1], self.shape[0]).T

    def apply(self, function: Callable[..., Any], name: str, arguments: list[Any]) -> Any:
        """An operator over the windows of each stock, the stocks of each day, or the groups of each day."""
        series = {f"v{i}": a for i, a in enumerate(arguments) if isinstance(a, self.pl.Series)}
        operands = [self.pl.col(f"v{i}") if f"v{i}" in series else int(a) for i, a in enumerate(arguments)]
        over = [DAY] if name.startswith("cs_") else [STOCK]
        if name == "group_neutralize":
            over, operands = [DAY, "v1"], operands[:1]
        frame = self.keys.with_columns(**series)
        return self._blank(frame.select(function(*operands).over(over)).to_series())

    def by_cell(self, name: str, arguments: list[Any]) -> Any:
        """Arithmetic on cells, which polars leaves to its own expressions and we to numpy: no library differs in it."""
        cells = [a.to_numpy() if isinstance(a, self.pl.Series) else a for a in arguments]
        return self._blank(self.pl.Series(np.asarray(ELEMENTWISE[name](*cells))))

    def _blank(self, column: Any) -> Any:
        """NaN and infinity as null: its windows skip or pass them on differently."""
        floats = column.cast(self.pl.Float64)
        return floats.set(~floats.is_finite(), None)


def _table() -> Mapping[str, Callable[..., Any]]:
    wq = load("polars_ta", "wq")
    return {
        "delay": wq.ts_delay,
        "delta": wq.ts_delta,
        "ts_sum": wq.ts_sum,
        "ts_mean": wq.ts_mean,
        "ts_min": wq.ts_min,
        "ts_max": wq.ts_max,
        "ts_product": wq.ts_product,
        "ts_std": lambda x, d: wq.ts_std_dev(x, d, ddof=1),
        "ts_cov": wq.ts_covariance,
        "ts_corr": wq.ts_corr,
        "ts_rank": wq.ts_rank,
        "ts_argmax": lambda x, d: d - wq.ts_arg_max(x, d).cast(load("polars").Float64),
        "ts_argmin": lambda x, d: d - wq.ts_arg_min(x, d).cast(load("polars").Float64),
        "decay_linear": wq.ts_decay_linear,
        "cs_rank": wq.cs_rank,
        "cs_zscore": wq.cs_zscore,
        "cs_scale": wq.cs_scale,
        "group_neutralize": wq.cs_demean,
    }
