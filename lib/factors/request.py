"""What is asked for: names and options in, checked formulas out."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lib.errors import ParameterError, ShortPanelWarning, UnknownNameError
from lib.factors.formulas.gaps import bridge_gaps
from lib.factors.leaves import available_fields
from lib.factors.registry import Factor, factor_names, find_factors
from lib.graph import Node, Window
from lib.ops import cs_rank, cs_zscore

if TYPE_CHECKING:
    from lib.panel import Panel

STANDARDISATIONS = (None, "zscore", "rank")


@dataclass(frozen=True)
class Request:
    """Factors to compute on panels with certain fields, as `compute_factors` describes them.

    factors: in the order asked for. nodes: their formulas, standardised. window: the policy. raw: on every cell
    with a price. skipped: factor name -> the fields it would have needed.
    """

    factors: tuple[Factor, ...]
    nodes: tuple[Node, ...]
    window: Window
    raw: bool
    skipped: dict[str, tuple[str, ...]]

    @classmethod
    def of(
        cls,
        panel: Panel,
        names: Sequence[str] | None,
        *,
        window: str,
        min_share: float,
        standardise: str | None,
        max_gap: int,
    ) -> Request:
        """Check the request against the fields of a panel."""
        if standardise not in STANDARDISATIONS:
            raise ParameterError(f"standardise: got {standardise!r}; expected None, 'zscore' or 'rank'")
        policy = Window("strict" if window == "raw" else window, min_share)
        factors, skipped = _computable(panel, names)
        nodes = tuple(
            _standardised(bridge_gaps(f.node, max_gap) if max_gap > 1 else f.node, standardise) for f in factors
        )
        return cls(tuple(factors), nodes, policy, window == "raw", skipped)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the factors, in order."""
        return tuple(factor.name for factor in self.factors)

    @cached_property
    def fields(self) -> set[str]:
        """Fields that the formulas read."""
        return {name for node in self.nodes for name in node.fields}

    def view(self, panel: Panel) -> Panel:
        """The panel with the mask that the formulas shall see."""
        return panel.with_mask("observed") if self.raw else panel

    def describe(self) -> str:
        """Text that differs whenever the request does."""
        return json.dumps([self.names, [repr(node) for node in self.nodes], repr(self.window), self.raw])

    def warn_if_too_short(self, days: int) -> None:
        """Say once which factors a panel of so many days cannot have a single value of."""
        long = [factor.name for factor, node in zip(self.factors, self.nodes, strict=True)
                if node.lookback != float("inf") and node.lookback >= days]  # fmt: skip
        if long:
            shown = ", ".join(long[:5]) + (", ..." if len(long) > 5 else "")
            warnings.warn(
                f"{len(long)} of {len(self.nodes)} factors reach back further than the panel's {days} days "
                f"and are invalid throughout: {shown}",
                ShortPanelWarning,
                stacklevel=3,
            )


def _standardised(node: Node, standardise: str | None) -> Node:
    if standardise == "zscore":
        return cs_zscore(node)
    return cs_rank(node) - 0.5 if standardise == "rank" else node


def _computable(panel: Panel, names: Sequence[str] | None) -> tuple[list[Factor], dict[str, tuple[str, ...]]]:
    have = available_fields(panel)
    factors = find_factors(factor_names() if names is None else names)
    lacking = {f.name: tuple(sorted(set(f.fields) - have)) for f in factors if not set(f.fields) <= have}
    if lacking and names is not None:
        raise UnknownNameError(
            f"{_missing(lacking)}; {len(lacking)} of the {len(factors)} requested factors cannot be computed: "
            "drop them or pass names=None"
        )
    if lacking:
        missing = sorted({field for fields in lacking.values() for field in fields})
        warnings.warn(
            f"{len(lacking)} of {len(factors)} factors skipped, the panel lacks {', '.join(missing)}", stacklevel=4
        )
    return [factor for factor in factors if factor.name not in lacking], lacking


def _missing(lacking: dict[str, tuple[str, ...]]) -> str:
    """Each field that the panel lacks with the factors that need it."""
    fields = sorted({field for fields in lacking.values() for field in fields})
    users = {field: [repr(name) for name, needs in lacking.items() if field in needs] for field in fields}
    listed = (
        f"the panel lacks {field}, which factor{'s' * (len(of) > 1)} {', '.join(of[:8])}{', ...' * (len(of) > 8)} need"
        f"{'s' * (len(of) == 1)}"
        for field, of in users.items()
    )
    return "; ".join(listed)
