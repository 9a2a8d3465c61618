"""Portfolios: policies, costs, fills, the simulator and what it is compared with."""

from __future__ import annotations

from lib.portfolio.backtest import simulate
from lib.portfolio.benchmark import Phantom, active_returns, equal_weight, phantom, phantom_alpha
from lib.portfolio.costs import CostSchedule, flat, realistic
from lib.portfolio.covariance import Covariance, factor_model, ledoit_wolf, pca, ridge
from lib.portfolio.feasible import InfeasibleError
from lib.portfolio.fees import NO_FEES, Fees
from lib.portfolio.fills import REFUSALS
from lib.portfolio.matched import (
    Matched,
    break_even_bps,
    dominance,
    matched_buffer,
    traded,
    validation_days,
)
from lib.portfolio.optimised import optimised
from lib.portfolio.optimiser import MeanVariance, OptimiserWarning, Solution
from lib.portfolio.policies import Past, Policy, buy_and_hold, direct, equal_weight_all, top_k_buffer
from lib.portfolio.record import Backtest
from lib.portfolio.statement import Statement
from lib.portfolio.terms import Terms
from lib.portfolio.trading import trade

__all__ = [
    "NO_FEES",
    "REFUSALS",
    "Backtest",
    "CostSchedule",
    "Covariance",
    "Fees",
    "InfeasibleError",
    "Matched",
    "MeanVariance",
    "OptimiserWarning",
    "Past",
    "Phantom",
    "Policy",
    "Solution",
    "Statement",
    "Terms",
    "active_returns",
    "break_even_bps",
    "buy_and_hold",
    "direct",
    "dominance",
    "equal_weight",
    "equal_weight_all",
    "factor_model",
    "flat",
    "ledoit_wolf",
    "matched_buffer",
    "optimised",
    "pca",
    "phantom",
    "phantom_alpha",
    "realistic",
    "ridge",
    "simulate",
    "top_k_buffer",
    "trade",
    "traded",
    "validation_days",
]
