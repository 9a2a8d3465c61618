"""Mask-aware factor research: masked values, factors, models, portfolios and the studies built on them.

The names below are the public face. Those of `FACE` are imported on first use, because torch, cvxpy and scikit-learn
together take seconds to import and most callers need only a few of them. What `lib.studies` offers is light and is
imported at once: so `lib.studies` is the function that lists the studies, before and after the package is imported.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from lib.studies import check_parameters, run_study, studies

# Idle OpenMP threads spin by default; on a busy machine that costs far more than it saves. Read when torch loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

#: public name -> module that defines it
FACE = {
    "Panel": "lib.panel",
    "load_panel": "lib.load",
    "make_market": "lib.market",
    "factor_names": "lib.factors",
    "compute_factors": "lib.factors",
}

__version__ = "0.1.0"
__all__ = ["__version__", *FACE, "run_study", "studies", "check_parameters"]


def __getattr__(name: str) -> Any:
    if name not in FACE:
        raise AttributeError(f"module 'lib' has no attribute {name!r}; public names: {', '.join(__all__)}")
    return getattr(import_module(FACE[name]), name)


def __dir__() -> list[str]:
    return __all__
