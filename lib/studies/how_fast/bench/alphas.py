"""The formulaic alphas in the libraries that have them: which formulas, a call for each library, how far values agree.

On a panel without a masked cell, where all mean the same by a window. Formulas are those of this book in the
library's operators; KunQuant also ships the alphas itself, with averages of shares for those of currency, windows
rounded where the publication floors them, and NaN replaced by a number here and there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lib.factors import factor_names, find_factors
from lib.panel import Panel
from lib.studies.how_fast.bench.adapters import alpha_lib, kunquant, ours, polars_ta
from lib.studies.how_fast.bench.agreement import SHARE, TOLERANCE
from lib.studies.how_fast.bench.peers import OURS
from lib.studies.how_fast.bench.timing import Call

#: its own formulas, beside ours in its operators
SHIPPED = "kunquant shipped"
#: set -> the peer it needs
SETS = {"kunquant": "kunquant", "rank-free": "kunquant", "alpha-lib": "alpha-lib", "polars_ta": "polars_ta"}


class Alphas(NamedTuple):
    """Formulas by name, and the library file of KunQuant where the set needs one."""

    names: list[str]
    library: Path | None = None


def alpha_names(which: str) -> list[str]:
    """The formulas of a set: KunQuant's, those of them that compare no stocks, or all 101."""
    if SETS[which] != "kunquant":
        return factor_names("alpha101")
    names = kunquant.alpha_names()
    return [f.name for f in find_factors(names) if "cs_" not in f.formula] if which == "rank-free" else names


def contestants(which: str) -> tuple[str, ...]:
    """Ours and whom a set is compared with."""
    return (OURS, "kunquant", SHIPPED) if SETS[which] == "kunquant" else (OURS, which)


def alpha_call(implementation: str, panel: Panel, alphas: Alphas) -> Call:
    """All formulas once, by one implementation; inputs converted beforehand."""
    builders: Mapping[str, Callable[[], Call]] = {
        OURS: lambda: ours.alphas(panel, alphas.names),
        "kunquant": lambda: kunquant.alphas(panel, _library(alphas), kunquant.FORMULAS),
        SHIPPED: lambda: kunquant.alphas(panel, _library(alphas), kunquant.SHIPPED),
        "alpha-lib": lambda: alpha_lib.alphas(panel, alphas.names),
        "polars_ta": lambda: polars_ta.alphas(panel, alphas.names),
    }
    return builders[implementation]()


def _library(alphas: Alphas) -> Path:
    assert alphas.library is not None
    return alphas.library


# ------------------------------------------------------------------------------------------- agreement


class Likeness(NamedTuple):
    """How far a library's formulas are ours.

    cells: share of the cells that both have and that agree. masks: share of cells that both or neither have.
    shares: formula -> its share of agreeing cells, in the order of names.
    """

    cells: float
    masks: float
    shares: dict[str, float]

    @property
    def apart(self) -> dict[str, float]:
        """The formulas that differ."""
        return {name: share for name, share in self.shares.items() if share < SHARE}


def likeness(implementation: str, panel: Panel, alphas: Alphas) -> Likeness:
    """Their values against ours; a cell agrees within TOLERANCE of the formula's largest value."""
    expected: Any = ours.alphas(panel, alphas.names)()
    found: Any = alpha_call(implementation, panel, alphas)()
    agreeing, shared, same, shares = 0, 0, 0, {}
    for f, name in enumerate(alphas.names):
        truth, valid = expected.values[..., f], expected.valid[..., f]
        values = np.asarray(found[name], dtype=np.float64)
        known = np.isfinite(values)
        both = valid & known
        close = np.abs(values - truth)[both] <= TOLERANCE * np.abs(truth[both]).max(initial=0)
        shares[name] = float(close.mean()) if close.size else 0.0
        agreeing, shared, same = agreeing + int(close.sum()), shared + close.size, same + int((valid == known).sum())
    return Likeness(agreeing / max(shared, 1), same / (len(alphas.names) * valid.size), shares)
