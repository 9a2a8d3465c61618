"""A child process of `test_cpu_features`: imports in some order, computes, and prints a digest of every result.

One argument, JSON: imports (modules, first of all), panel (file), requests ([family, window, threads, block_days]) and
primitives (whether to run every compiled primitive on awkward cells too).
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

ORDER = json.loads(sys.argv[1])["imports"] if __name__ == "__main__" else []
for module in ORDER:
    importlib.import_module(module)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from kernel_cases import COMPILED, DTYPES, POLICIES, WINDOWED, arguments_of, bits, by_loops, cells_of, seeded  # noqa: E402
from numba.core.registry import cpu_target  # noqa: E402
from numpy._core._multiarray_umath import __cpu_features__  # noqa: E402

from lib.factors import compute_factors, factor_names  # noqa: E402
from lib.graph import Block  # noqa: E402
from lib.panel import Panel  # noqa: E402

ARRAYS = ("dates", "symbols", "reasons", "universe")


def save(panel: Panel, file: Path) -> None:
    """Everything that factors are computed from."""
    np.savez(file, **{name: getattr(panel, name) for name in ARRAYS}, market=panel.market,
             **{f"field_{name}": values for name, values in panel.fields.items()})  # fmt: skip


def load(file: str) -> Panel:
    """The panel that `save` wrote."""
    with np.load(file, allow_pickle=False) as found:
        fields = {name.removeprefix("field_"): found[name] for name in found if name.startswith("field_")}
        dates, symbols, reasons, universe = (found[name] for name in ARRAYS)
        return Panel.from_arrays(dates, symbols, fields, reasons, universe, str(found["market"]))


def digest(*parts: bytes) -> str:
    """A few digits: what is compared is whether two agree."""
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def of_factors(panel: Panel, family: str, window: str, threads: int, block_days: int | None) -> dict[str, str]:
    """Digest of the values and masks of every z-scored factor; family: "213" or "101"."""
    names = factor_names("alpha101") if family == "101" else factor_names()
    found = compute_factors(panel, names, window=window, standardise="zscore", threads=threads, block_days=block_days)
    return {
        f"{name} {window}": digest(found.values[..., k].tobytes(), found.valid[..., k].tobytes())
        for k, name in enumerate(found.names)
    }


def of_primitives() -> dict[str, str]:
    """Digest of every compiled primitive in both precisions; rows in every unit for those that add over rows."""
    found = {}
    for name in COMPILED:
        for dtype in DTYPES:
            parts: list[bytes] = []
            for window in POLICIES.values() if name in WINDOWED else [POLICIES["strict"]]:
                arguments = arguments_of(name, seeded(name, dtype), (90, 130), dtype, exact=False, d=13)
                parts += bits(by_loops(name, arguments, Block(30, window)))
            found[f"{name} {dtype}"] = digest(*parts)
            if name in ("cs_zscore", "cs_scale"):
                exponents = np.linspace(*((-148, 127) if dtype == torch.float32 else (-1070, 1014)), 40).astype(int)
                rows = cells_of(np.ldexp(seeded(name).uniform(0.1, 1, (40, 601)), exponents[:, None]), dtype=dtype)
                found[f"{name} {dtype} in every unit"] = digest(*bits(by_loops(name, [rows], Block())))
    return found


def machine() -> dict[str, Any]:
    """What the libraries of this process believe the processor to be."""
    return {
        "numba": cpu_target.target_context.codegen().magic_tuple()[1],
        "torch": torch.backends.cpu.get_cpu_capability(),
        "numpy": [name for name, on in __cpu_features__.items() if on],
    }


def main(wanted: dict[str, Any]) -> None:
    """Print what was found as JSON."""
    warnings.simplefilter("ignore")
    panel, found = load(wanted["panel"]), {}
    for request in wanted["requests"]:
        found |= of_factors(panel, *request)
    if wanted["primitives"]:
        found |= of_primitives()
    print(json.dumps({"machine": machine(), "found": found}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
