"""A back-test with short positions: the weights of the close of t earn the return to t + 1.

    gross(t+1) = sum_i w_i(t) r_i(t+1),    w_i drifts to w_i (1 + r_i) / (1 + gross)

Weights are shares of equity, below 0 where a stock is sold short; equity is held in cash, which earns nothing. Orders
are decided and filled at the close (`lib.portfolio.fills`): a close at the upper limit refuses buys, also those that
cover a short, one at the lower limit refuses sales and short sales, a halt refuses both. Nothing is charged for
borrowing, and any stock can be borrowed: A-shares can hardly be sold short, so what such a book earns is hypothetical.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.arrays import Vector
from lib.errors import ParameterError
from lib.panel import Panel
from lib.portfolio.account import DUST
from lib.portfolio.costs import CostSchedule, flat
from lib.portfolio.fills import FILLED, fill_rules, growth, refusals

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Close:
    """What a policy may know at the close of `row`; copies of single rows, never the panel.

    prediction [N]: NaN where there is none. universe, may_buy, may_sell [N]: members, and whose orders can be filled
    now. weights [N]: drifted, signed.
    """

    row: int
    prediction: Vector
    universe: Flags
    may_buy: Flags
    may_sell: Flags
    weights: Vector


#: target weights [N] at a close, NaN for no order
Policy = Callable[[Close], Vector]


@dataclass(frozen=True, eq=False)
class LongShort:
    """Daily record [D] over rows first_row..first_row + D - 1 of the panel.

    returns = gross - costs, shares of the equity of the day before. longs, shorts: the parts of gross of positive and
    of negative weights. turnover: value bought plus sold over equity before trading. net, leverage: sum w and sum |w|
    after trading. refused_buys, refused_sells: orders that were not filled. weights [D, N]: after trading.
    """

    first_row: int
    returns: Vector
    gross: Vector
    costs: Vector
    longs: Vector
    shorts: Vector
    turnover: Vector
    net: Vector
    leverage: Vector
    refused_buys: Vector
    refused_sells: Vector
    weights: NDArray[np.float64]


def long_short(
    panel: Panel,
    prediction: ArrayLike,
    *,
    policy: Policy,
    execution: str = "executed",
    costs: CostSchedule | None = None,
    start: int | None = None,
    stop: int | None = None,
) -> LongShort:
    """Runs `policy` on `prediction` [T, N] (NaN: none) from row `start` (the first with a prediction) to before `stop`.

    execution: "executed" or "naive" (every order with a price fills). costs: of a side, flat(8.0) by default. Names
    outside the universe are closed, whatever the policy says.
    Raises ParameterError for shapes that differ, no prediction, an infinite one, targets that are infinite, and on a
    day on which the equity is lost.
    """
    scores = np.asarray(prediction, dtype=np.float64)
    if scores.shape != panel.shape or np.isinf(scores).any() or not np.isfinite(scores).any():
        raise ParameterError(
            f"long_short: prediction has shape {scores.shape}, the panel {panel.shape}; expected the same, with a "
            f"finite number or NaN everywhere and at least one number"
        )
    first = int(np.flatnonzero(np.isfinite(scores).any(axis=1))[0]) if start is None else start
    last = panel.shape[0] if stop is None else stop
    if not 0 <= first < last <= panel.shape[0]:
        raise ParameterError(f"long_short: rows {first} to {last}; expected 0 <= start < stop <= {panel.shape[0]}")
    moves, rates = growth(panel, "close").before - 1.0, (flat() if costs is None else costs).rates(panel.dates)
    rules = fill_rules(panel, "close", refusals(execution, None))
    days: list[dict[str, float]] = []
    weights, paths = np.zeros(panel.shape[1]), np.zeros((last - first, panel.shape[1]))
    for t in range(first, last):
        longs, shorts = (float(side @ moves[t]) for side in (np.maximum(weights, 0.0), np.minimum(weights, 0.0)))
        gross = longs + shorts
        if not 1.0 + gross > 0:
            raise ParameterError(f"long_short: the equity is lost on {panel.dates[t]}; expected less leverage")
        weights = weights * (1.0 + moves[t]) / (1.0 + gross)
        may_buy, may_sell = rules.buy[t] == FILLED, rules.sell[t] == FILLED
        order = _orders(policy, Close(t, scores[t].copy(), panel.universe[t].copy(), may_buy.copy(), may_sell.copy(),
                                      weights.copy()))  # fmt: skip
        refused = (order > 0) & ~may_buy, (order < 0) & ~may_sell
        filled = np.where(refused[0] | refused[1], 0.0, order)
        buys, sells = float(np.maximum(filled, 0.0).sum()), float(np.maximum(-filled, 0.0).sum())
        paid = buys * float(rates.buy[t]) + sells * float(rates.sell[t])
        weights = (weights + filled) / (1.0 - paid)
        paths[t - first], cost = weights, paid * (1.0 + gross)
        days.append({
            "returns": gross - cost, "gross": gross, "costs": cost, "longs": longs, "shorts": shorts,
            "turnover": buys + sells, "net": float(weights.sum()), "leverage": float(np.abs(weights).sum()),
            "refused_buys": float(refused[0].sum()), "refused_sells": float(refused[1].sum()),
        })  # fmt: skip
    series = {item.name: np.array([day[item.name] for day in days]) for item in fields(LongShort)
              if item.name not in ("first_row", "weights")}  # fmt: skip
    return LongShort(first_row=first, weights=paths, **series)


def _orders(policy: Policy, close: Close) -> Vector:
    """Signed orders [N], shares of equity; members as the policy says, the others are closed."""
    held = close.weights.copy()
    target = np.asarray(policy(close), dtype=np.float64)
    if target.shape != held.shape or np.isinf(target).any():
        raise ParameterError(
            f"long_short: the policy gave shape {target.shape} in row {close.row}; expected {held.shape}, finite or NaN"
        )
    wanted = np.where(close.universe, target, 0.0)
    order = np.where(np.isnan(wanted), 0.0, wanted - held)
    return np.where((np.abs(order) <= DUST) & (wanted != 0), 0.0, order)
