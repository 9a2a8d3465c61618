"""KunQuant: expressions that become C++, which a compiler turns into a module before any clock starts.

Its windows have two forms. "accurate" reads each window anew; "fast" carries sums from day to day.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from lib.factors import find_factors
from lib.panel import Panel
from lib.studies.how_fast.bench.adapters.kunquant_formulas import FormulaBuilder
from lib.studies.how_fast.bench.contender import Contender
from lib.studies.how_fast.bench.peers import load
from lib.studies.how_fast.bench.timing import Call

#: mode -> its option `no_fast_stat`, which warns of the fast form unless told that one knows
MODES: Mapping[str, Any] = {"accurate": True, "fast": "no_warn"}
DTYPES = {"float32": "float", "float64": "double"}
FIELDS = ("open", "high", "low", "close", "volume", "vwap", "amount")
#: the modules of a library of alphas
FORMULAS, SHIPPED = "formulas", "shipped"
FILE = "alphas"

#: builds the outputs of a module, name -> expression, inside an open builder
Expressions = Callable[[], Mapping[str, Any]]


def operators(x: np.ndarray, y: np.ndarray, window: int, mode: str = "accurate") -> dict[str, Contender]:
    """Windows of one series or two, and the rank of a row."""
    if load("kunquant") is None:
        return {}
    library, compute = compiled_operators(x.dtype.name, window, mode), _computer(x, y)

    def contender(name: str, values: Callable[[np.ndarray], np.ndarray] = np.asarray) -> Contender:
        return Contender(partial(compute, library.getModule(f"op_{name}")), lambda out: values(out["out"]))

    found = {name: contender(name) for name in _OPERATORS}
    return found | {"ts_rank": contender("ts_rank", lambda rank: rank / window)}


def _computer(x: np.ndarray, y: np.ndarray) -> Callable[[Any], Mapping[str, np.ndarray]]:
    runner = load("kunquant", "runner.KunRunner")
    executor, series = runner.createSingleThreadExecutor(), {"x": np.ascontiguousarray(x), "y": np.ascontiguousarray(y)}

    def compute(module: Any) -> Mapping[str, np.ndarray]:
        inputs = series if "correlation" in module.getOutputNames() else {"x": series["x"]}
        return {"out": next(iter(runner.runGraph(executor, module, inputs, 0, len(x)).values()))}

    return compute


@cache
def compiled_operators(dtype: str, window: int, mode: str) -> Any:
    """A library with one module for each operator."""
    ops, builder = load("kunquant", "ops"), load("kunquant", "Op")

    def expressions(name: str) -> Mapping[str, Any]:
        if name == "ts_corr":
            return {"correlation": ops.WindowedCorrelation(builder.Input("x"), window, builder.Input("y"))}
        x = builder.Input("x")
        return {"out": builder.Rank(x) if name == "cs_rank" else getattr(ops, _OPERATORS[name])(x, window)}

    modules = {f"op_{name}": partial(expressions, name) for name in _OPERATORS}
    with tempfile.TemporaryDirectory() as folder:
        return _loaded(_compiled(modules, Path(folder), "operators", dtype, mode))


#: operator -> what KunQuant calls it
_OPERATORS = {
    "ts_mean": "WindowedAvg",
    "ts_sum": "WindowedSum",
    "ts_max": "WindowedMax",
    "ts_min": "WindowedMin",
    "ts_std": "WindowedStddev",
    "ts_corr": "WindowedCorrelation",
    "ts_rank": "TsRank",
    "ts_argmax": "TsArgMax",
    "ts_argmin": "TsArgMin",
    "decay_linear": "DecayLinear",
    "ewma": "ExpMovingAvg",
    "cs_rank": "Rank",
}


# --------------------------------------------------------------------------------------------- alphas


def alpha_names() -> list[str]:
    """Our names of the formulaic alphas that it ships, in its order."""
    predefined = load("kunquant", "predefined.Alpha101")
    return [f"alpha101_{alpha.__name__.removeprefix('alpha')}" for alpha in predefined.all_alpha]


def compile_alphas(names: list[str], folder: Path) -> None:
    """Leave a library in the folder: the formulas of this book in its operators, and the alphas as it ships them."""
    modules: dict[str, Expressions] = {FORMULAS: partial(_formulas, names), SHIPPED: partial(_shipped, names)}
    _compiled(modules, folder, FILE, "float32", "accurate")


def alphas_file(folder: Path) -> Path:
    """Where `compile_alphas` leaves the library."""
    return next((folder / FILE).glob(f"{FILE}.*"))


def alphas(panel: Panel, library: Path, module: str) -> Call:
    """All outputs of a module of a compiled library: name -> [T, N] float32."""
    runner = load("kunquant", "runner.KunRunner")
    loaded, executor = _loaded(library), runner.createSingleThreadExecutor()
    fields = {name: np.ascontiguousarray(_with_nan(panel, name)) for name in FIELDS}
    return lambda: runner.runGraph(executor, loaded.getModule(module), fields, 0, panel.shape[0])


def _with_nan(panel: Panel, name: str) -> np.ndarray:
    return np.where(panel.mask, panel.adjusted(name), np.nan).astype(np.float32)


def _formulas(names: list[str]) -> Mapping[str, Any]:
    build = FormulaBuilder()
    return {factor.name: build(factor.node) for factor in find_factors(names)}


def _shipped(names: list[str]) -> Mapping[str, Any]:
    predefined, builder = load("kunquant", "predefined.Alpha101"), load("kunquant", "Op")
    data = predefined.AllData(**{name: builder.Input(name) for name in FIELDS})
    return {name: getattr(predefined, name.replace("101_", ""))(data) for name in names}


# ------------------------------------------------------------------------------------------ compiling


def _compiled(modules: Mapping[str, Expressions], folder: Path, name: str, dtype: str, mode: str) -> Path:
    jit, driver = load("kunquant", "jit.cfake"), load("kunquant", "Driver")
    options = {"input_layout": "TS", "output_layout": "TS", "dtype": DTYPES[dtype]}
    sources = [
        (module, _function(build), driver.KunCompilerConfig(**options, options={"no_fast_stat": MODES[mode]}))
        for module, build in modules.items()
    ]
    file = jit.compileit(sources, name, jit.CppCompilerConfig(), tempdir=str(folder), keep_files=True, load=False)
    return Path(file)


def _function(build: Expressions) -> Any:
    builder, stage = load("kunquant", "Op"), load("kunquant", "Stage")
    graph = builder.Builder()
    with graph:
        for name, expression in build().items():
            builder.Output(expression, name)
    return stage.Function(graph.ops)


def _loaded(file: Path) -> Any:
    return load("kunquant", "runner.KunRunner").Library.load(str(file))
