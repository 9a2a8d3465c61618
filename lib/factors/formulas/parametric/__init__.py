"""Paper A's parametric expansion: more than a thousand candidates by declaration, template x grid of parameters.

The papers describe it (A s4.B) and list none of it: look-backs "from 5 to 252 trading days", smoothings and
cross-sectional universes over the Alpha101 core, and a market group: relation to the market (eq. 2), volatility
regimes, momentum within industry and size cohorts. Every choice of grid here is ours.
"""

from __future__ import annotations

from lib.factors.formulas.parametric import alpha_core, cohorts, liquidity, market, volatility  # noqa: F401  declares them
from lib.factors.formulas.parametric.template import Template, duplicates, neighbours, parse_name, templates

__all__ = ["Template", "duplicates", "neighbours", "parse_name", "templates"]
