"""Factors: the papers' 213 formulas and their computation on a panel."""

from lib.factors.compute import FactorSet, compute_factors
from lib.factors.registry import Factor, factor_names, find_factors

__all__ = ["Factor", "FactorSet", "compute_factors", "factor_names", "find_factors"]
