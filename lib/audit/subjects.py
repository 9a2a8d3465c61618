"""The implementations that the book holds against the contract: this package, and the papers' own mlquantx."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.audit.contract import Compute, Output
from lib.audit.reads import Reads, declared_reads
from lib.engine import evaluate
from lib.errors import LibError, ShortPanelWarning
from lib.factors import compute_factors, find_factors
from lib.factors.fields import close, volume
from lib.factors.leaves import panel_leaves
from lib.graph import Node
from lib.ops import PRIMITIVES, cs_rank, cs_zscore, ts_mean, ts_rank
from lib.panel import Panel

if TYPE_CHECKING:
    import torch

PEER: Final = "mlquantx"
#: the version that was audited; the extra `peer` pins it
PEER_VERSION: Final = "0.4.1"
#: factors that mlquantx computes by another formula on purpose, and that formula; ours follow the published ones
DEFINED_OTHERWISE: Final[dict[str, Node]] = {
    "alpha_001": cs_rank(ts_rank(close, 5)) - 0.5,
    "alpha_007": cs_zscore(close - ts_mean(close, 20)),
}
PRICE_FIELDS: Final = ("open", "high", "low", "close", "volume", "vwap", "amount")
#: primitives of both packages with the parameter they are audited with
PRIMITIVE_PARAMETERS: Final[dict[str, tuple[float, ...]]] = {
    **dict.fromkeys(("cs_rank", "cs_zscore", "cs_scale"), ()),
    **dict.fromkeys(("ts_sum", "ts_mean", "ts_min", "ts_max", "ts_product", "ts_std", "ts_rank"), (5,)),
    **dict.fromkeys(("ts_corr", "ts_cov", "ts_argmax", "ts_argmin", "decay_linear", "delay", "delta"), (5,)),
    "ewma": (0.1,),
}


def ours(names: Sequence[str]) -> Compute:
    """This package's factors of those names, as a function of the panel."""

    def compute(panel: Panel) -> dict[str, Output]:
        with warnings.catch_warnings():  # some panels are short on purpose
            warnings.simplefilter("ignore", ShortPanelWarning)
            found = compute_factors(panel, names)
        return {name: (found.values[..., k], found.valid[..., k]) for k, name in enumerate(found.names)}

    return compute


def our_reads(names: Sequence[str]) -> dict[str, Reads]:
    """What each formula declares to read."""
    return {factor.name: declared_reads(factor.node) for factor in find_factors(names)}


def formula_output(panel: Panel, node: Node) -> Output:
    """Values and validity [T,N] of any formula, by this package."""
    (found,) = evaluate([node], panel_leaves(panel, node.fields))
    return found.values.numpy(), found.valid.numpy()


def peer_version() -> str | None:
    """The installed version of mlquantx, None without it."""
    try:
        return version(PEER)
    except PackageNotFoundError:
        return None


def lacking_peer() -> str:
    """What is missing to run the audited version of mlquantx; empty when it is installed."""
    found = peer_version()
    return "" if found == PEER_VERSION else f"need {PEER} {PEER_VERSION} (installed: {found or 'none'})"


def peer(names: Sequence[str]) -> Compute:
    """mlquantx's factors of those names, each from its own registered function, as a function of the panel.

    It gets the adjusted fields in float32 and the mask; it has no universe. Raises LibError without the package.
    """
    registry = _legacy().LEGACY_REGISTRY
    return lambda panel: {name: _arrays(*registry[name](peer_panel(panel))) for name in names}


def peer_driver(names: Sequence[str]) -> Compute:
    """mlquantx's factors as its driver gives them: z-scored by day, all under the joint mask of the set.

    The driver leaves each factor's own values outside the joint mask; they are set to 0 here, as whoever reads the mask
    uses them. Raises LibError without the package.
    """
    driver = _legacy().compute_legacy_set

    def compute(panel: Panel) -> dict[str, Output]:
        values, joint, order = driver(peer_panel(panel), names=tuple(names))
        used = values.masked_fill(~joint[..., None], 0.0)
        return {name: _arrays(used[..., k], joint) for k, name in enumerate(order)}

    return compute


def peer_primitives(names: Sequence[str]) -> Compute:
    """mlquantx's primitives of those names on the close (and the volume), as a function of the panel.

    Raises LibError without the package.
    """
    kernels = _primitives()

    def compute(panel: Panel) -> dict[str, Output]:
        theirs = peer_panel(panel)
        series = {1: (theirs.close,), 2: (theirs.close, theirs.volume)}
        return {
            name: _arrays(*kernels[name](*series[PRIMITIVES[name].series], theirs.mask, *PRIMITIVE_PARAMETERS[name]))
            for name in names
        }

    return compute


def peer_reads(names: Sequence[str]) -> dict[str, Reads]:
    """What mlquantx's formulas read: ours, but for the factors that it defines otherwise."""
    others = {name: declared_reads(node) for name, node in DEFINED_OTHERWISE.items() if name in names}
    return our_reads(names) | others


def primitive_reads(names: Sequence[str]) -> dict[str, Reads]:
    """What each primitive reads with its parameter of the audit."""
    fields = (close, volume)
    nodes = {name: PRIMITIVES[name](*fields[: PRIMITIVES[name].series], *PRIMITIVE_PARAMETERS[name]) for name in names}
    return {name: declared_reads(node) for name, node in nodes.items()}


def ewma_of_a_constant(smooth: Callable[..., NDArray[Any]], days: int = 9, gap: int = 5) -> tuple[float, float]:
    """A smoother (values, valid, alpha) on a series of ones: its first value, and the step over one masked day."""
    valid = np.ones((days, 1), dtype=bool)
    whole = smooth(np.ones((days, 1)), valid, 0.1)
    valid[gap] = False
    broken = smooth(np.ones((days, 1)), valid, 0.1)
    return float(whole[0, 0]), float(broken[gap + 1, 0] - whole[gap + 1, 0])


def our_ewma(values: NDArray[Any], valid: NDArray[np.bool_], alpha: float) -> NDArray[Any]:
    """This package's ewma on arrays [T,N]."""
    import torch

    from lib.masked import Masked

    found: Masked = PRIMITIVES["ewma"](Masked(torch.from_numpy(values), torch.from_numpy(valid)), alpha)
    return found.values.numpy()


def peer_ewma(values: NDArray[Any], valid: NDArray[np.bool_], alpha: float) -> NDArray[Any]:
    """mlquantx's ewma on arrays [T,N]. Raises LibError without the package."""
    import torch

    found: torch.Tensor = _primitives()["ewma"](torch.from_numpy(values), torch.from_numpy(valid), alpha)[0]
    return found.numpy()


def peer_panel(panel: Panel) -> Any:
    """The panel as mlquantx takes it: adjusted fields in float32, masked cells as they are."""
    import torch
    from mlquant.data.panel import Panel as PeerPanel

    fields = {name: panel.adjusted(name).astype(np.float32) for name in PRICE_FIELDS}
    tensors = {name: torch.from_numpy(values) for name, values in fields.items()}
    return PeerPanel.from_tensors(panel.dates, panel.symbols, tensors, torch.from_numpy(panel.mask.copy()))


def _legacy() -> Any:
    _require_peer()
    from mlquant.features import legacy_factors

    return legacy_factors


def _primitives() -> dict[str, Callable[..., Any]]:
    _require_peer()
    from mlquant.features import tensor_factors

    return {name: getattr(tensor_factors, name) for name in PRIMITIVE_PARAMETERS}


def _require_peer() -> None:
    if lacking := lacking_peer():
        raise LibError(f"{lacking}: pip install -e '.[peer]'")


def _arrays(values: torch.Tensor, valid: torch.Tensor) -> Output:
    return values.numpy(), valid.bool().numpy()
