"""Factors: the papers' 213 formulas and their computation on a panel."""

from lib.factors.compute import compute_factors
from lib.factors.factor_set import FactorSet
from lib.factors.registry import Factor, factor_names, find_factors
from lib.factors.stream import FactorStream

__all__ = ["Factor", "FactorSet", "FactorStream", "compute_factors", "factor_names", "find_factors"]
