"""Whole pieces of work: all factors of a panel, neutralisation of some, one new day; ours and the peers'.

Ours in the making (`lib.factors.neutralise`, `lib.factors.stream`) is measured as soon as it can be imported.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from lib.factors import compute_factors, factor_names, find_factors
from lib.factors.leaves import panel_leaves
from lib.graph import Node, topological
from lib.ops import cs_zscore
from lib.panel import Panel
from lib.reasons import Reason
from lib.studies.how_fast.bench.formulas import evaluate_in_pandas
from lib.studies.how_fast.bench.peers import OURS, load
from lib.studies.how_fast.bench.timing import Call

if TYPE_CHECKING:
    from lib.factors import FactorSet

#: shares of cells that are missing, halted, at their limits; about what the A-share market shows
MISSING, HALTED, LIMITED = 0.01, 0.02, 0.01
INDUSTRIES = 29


# --------------------------------------------------------------------------------------------- panels


def bench_panel(dates: int, stocks: int, seed: int = 0, *, masked: bool = True) -> Panel:
    """A panel of random walks with every field that the 213 factors read, industry and cap, and some masked cells.

    Plainer than `make_market`, so that making it costs neither time nor memory beside what is measured.
    """
    rng = np.random.default_rng(seed)
    close = 20 * np.exp(0.02 * rng.standard_normal((dates, stocks)).cumsum(axis=0))
    opened = close * np.exp(0.01 * rng.standard_normal((dates, stocks)))
    stretch = 1 + 0.01 * rng.random((2, dates, stocks))
    high, low = np.maximum(close, opened) * stretch[0], np.minimum(close, opened) / stretch[1]
    volume = 1e6 * np.exp(0.5 * rng.standard_normal((dates, stocks)))
    vwap = (high + low + close) / 3
    labels = np.broadcast_to(rng.integers(0, INDUSTRIES, stocks), (dates, stocks)).copy()
    fields = {"open": opened, "high": high, "low": low, "close": close, "volume": volume, "vwap": vwap}
    fields |= {"amount": volume * vwap, "cap": close * 1e9 * np.exp(rng.standard_normal(stocks)), "industry": labels}
    reasons = _reasons(rng, (dates, stocks)) if masked else np.zeros((dates, stocks), dtype=np.uint8)
    days = np.busday_offset("2010-01-04", np.arange(dates), roll="forward").astype("datetime64[D]")
    symbols = [f"{600000 + i}.SH" for i in range(stocks)]
    return Panel.from_arrays(days, symbols, fields, reasons, copy=False)


def _reasons(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    draw = rng.random(shape)
    ends = np.cumsum([MISSING, HALTED, LIMITED])
    kinds = np.array([Reason.MISSING, Reason.HALT, Reason.LIMIT_UP, 0], dtype=np.uint8)
    return kinds[np.searchsorted(ends, draw, side="right")]


# --------------------------------------------------------------------------------------- all factors


def factor_calls(panel: Panel, out: Path | None = None, only: str | None = None) -> dict[str, Call]:
    """All 213 factors with z-scores, in ours, in pandas and in the authors' package; inputs converted beforehand.

    out: a folder that does not exist yet, for results on disk; only ours can do that.
    only: one implementation, so that the inputs of the others take no memory.
    """
    builders: Mapping[str, Callable[[], Call | None]] = {
        OURS: lambda: lambda: compute_factors(panel, standardise="zscore", out=out),
        "pandas": lambda: _in_pandas(panel, find_factors(factor_names())),
        "mlquantx": lambda: _in_mlquantx(panel),
    }
    built = {name: build() for name, build in builders.items() if only in (None, name)}
    return {name: call for name, call in built.items() if call is not None}


def warm_up_factors(only: str | None = None) -> None:
    """Run all factors once on a small panel: the first call of a library pays for what it loads lazily."""
    for call in factor_calls(bench_panel(90, 20), only=only).values():
        call()


def one_factor_calls(panel: Panel) -> dict[str, Call]:
    """The factor of the 213 with the most operators, standardised, in ours and in pandas."""
    largest = max(find_factors(factor_names()), key=lambda factor: len(topological([factor.node])))
    ours: Call = lambda: compute_factors(panel, [largest.name], standardise="zscore")  # noqa: E731
    return {OURS: ours, "pandas": _in_pandas(panel, [largest])}


def _in_pandas(panel: Panel, factors: list[Any]) -> Call:
    nodes = [cs_zscore(factor.node) for factor in factors]
    fields, universe = pandas_fields(panel, nodes)

    def call() -> tuple[np.ndarray, np.ndarray]:
        values = np.zeros((len(nodes), *panel.shape), dtype=np.float32)
        valid = np.zeros(values.shape, dtype=bool)
        for position, frame in evaluate_in_pandas(nodes, fields, universe):
            found = frame.to_numpy()
            valid[position] = ~np.isnan(found)
            values[position] = np.nan_to_num(found)
        return values, valid

    return call


def pandas_fields(panel: Panel, nodes: list[Node]) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """The fields that formulas read as frames, NaN where masked, and the universe."""
    leaves = panel_leaves(panel, {name for node in nodes for name in node.fields}, dtype=torch.float64)
    frames = {
        name: pd.DataFrame(np.where(leaf.valid.numpy(), leaf.values.numpy(), np.nan)) for name, leaf in leaves.items()
    }
    return frames, pd.DataFrame(panel.universe)


def _in_mlquantx(panel: Panel) -> Call | None:
    """None where it is not installed. Masked cells hold 0, as its own loaders leave them."""
    features, data = load("mlquantx", "features"), load("mlquantx", "data.panel")
    if features is None:
        return None
    names = ("open", "high", "low", "close", "volume", "vwap", "amount")
    values = {name: np.where(panel.mask, panel.adjusted(name), 0.0).astype(np.float32) for name in names}
    tensors = {name: torch.from_numpy(array) for name, array in values.items()}
    mask = torch.from_numpy(panel.mask.copy())
    theirs = data.Panel.from_tensors(panel.dates, panel.symbols, tensors, mask)
    return lambda: features.compute_legacy_set(theirs)


# ------------------------------------------------------------------------------------- neutralisation


def neutral_calls(panel: Panel, factors: FactorSet) -> dict[str, Call]:
    """Factors regressed day by day on industry dummies and log cap: ours in one batch, lstsq, the authors' package."""
    calls: dict[str, Call] = {}
    ours = _neutralisation()
    if ours is not None:
        exposures = ours.Exposures.from_panel(panel)
        calls[OURS] = lambda: ours.neutralise(factors, exposures, size=1)
    dummies = (panel.fields["industry"][..., None] == np.arange(INDUSTRIES)).astype(np.float32)
    size = np.log(np.where(panel.mask, panel.fields["cap"], 1.0)).astype(np.float32)
    exposed = np.concatenate([dummies, size[..., None]], axis=2)
    calls["lstsq"] = lambda: _by_lstsq(factors, exposed)
    theirs = load("mlquantx", "features")
    if theirs is not None:
        onehot, log_size = torch.from_numpy(dummies), torch.from_numpy(size)
        columns = [(_column(factors.values, f), _column(factors.valid, f)) for f in range(len(factors.names))]
        calls["mlquantx"] = lambda: [
            theirs.neutralize_industry(values, valid, onehot, log_size=log_size) for values, valid in columns
        ]
    return calls


def _column(array: np.ndarray, f: int) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array[..., f]))


def _neutralisation() -> Any:
    """The part of lib that neutralises, or None as long as there is none."""
    if _exists("lib.factors.neutralisation"):
        return import_module("lib.factors.neutralisation")
    return import_module("lib.factors.neutralise") if _exists("lib.factors.neutralise") else None


def _by_lstsq(factors: FactorSet, exposures: np.ndarray) -> np.ndarray:
    """Residuals of one least-squares problem per day and factor: the plain way in numpy."""
    residuals = np.zeros(factors.values.shape, dtype=np.float32)
    for f in range(len(factors.names)):
        for t in range(len(residuals)):
            known = factors.valid[t, :, f]
            if known.any():
                y, X = factors.values[t, known, f], exposures[t, known]
                residuals[t, known, f] = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    return residuals


# ------------------------------------------------------------------------------------------ one new day


def update_calls(panel: Panel, updates: int) -> dict[str, Call]:
    """All factors of one new day after a history: as a stream, and computed again from the last days.

    Ours takes the days after the history one by one: `panel` ends with the `updates` days that it may be called for.
    """
    start = panel.shape[0] - updates
    calls: dict[str, Call] = {}
    if _exists("lib.factors.stream"):
        stream = import_module("lib.factors.stream").FactorStream(panel.rows(0, start), standardise="zscore")
        days = iter([panel.rows(t, t + 1) for t in range(start, panel.shape[0])])
        calls[OURS] = lambda: stream.update(next(days))
    recent = panel.rows(max(0, start - warm_up_days()), start + 1)
    calls["recomputed"] = lambda: compute_factors(recent, standardise="zscore")
    return calls


def warm_up_days() -> int:
    """Days before today that matter to any of the 213 factors, recurrences cut where they have faded."""
    return max(factor.node.memory for factor in find_factors(factor_names()))


# ---------------------------------------------------------------------------------------------- helpers


def _exists(module: str) -> bool:
    return find_spec(module) is not None


@contextmanager
def quietly() -> Iterator[None]:
    """Without warnings: a peer's divisions by zero are its own affair."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """torch, BLAS and numba on one thread meanwhile: handing out work costs CPU time that is not the library's doing.

    The threads of BLAS wait for the next small problem by spinning, which can cost a hundred times the problem.
    """
    from threadpoolctl import threadpool_limits

    threads, numba = torch.get_num_threads(), sys.modules.get("numba")
    compiled = numba.get_num_threads() if numba else 1
    _set_threads(1, 1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        _set_threads(threads, compiled)


def _set_threads(threads: int, compiled: int) -> None:
    torch.set_num_threads(threads)
    if "numba" in sys.modules:
        sys.modules["numba"].set_num_threads(compiled)
