"""Panels for the simulator's tests, and a slow simulator that reads one stock at a time.

The slow one knows the exchange's rules only: it looks at raw prices and reason bits, not at the
package's masks, returns or fill codes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lib.panel import Panel, Reason

UP, DOWN, OPEN_UP, OPEN_DOWN = (
    int(bit) for bit in (Reason.LIMIT_UP, Reason.LIMIT_DOWN, Reason.OPEN_LOCKED_UP, Reason.OPEN_LOCKED_DOWN)
)
HALT, MISSING = int(Reason.HALT), int(Reason.MISSING)
DUST = 1e-12


def days(count: int, first: str = "2023-08-01") -> np.ndarray:
    return np.datetime64(first) + np.arange(count)


def panel_of(
    returns: Any, gap: Any = None, reasons: Any = None, universe: Any = None, dates: Any = None
) -> Panel:
    """Panel with these daily and overnight returns [T, N]; ex-right cuts on every 7th day change nothing."""
    returns = np.asarray(returns, dtype=float)
    gap = np.zeros_like(returns) if gap is None else np.asarray(gap, dtype=float)
    shape = returns.shape
    pre_close, close = np.empty(shape), np.empty(shape)
    last = np.full(shape[1], 10.0)
    for t in range(shape[0]):
        pre_close[t] = last * (0.8 if t % 7 == 6 else 1.0)
        close[t] = pre_close[t] * (1 + returns[t])
        last = close[t]
    open_ = pre_close * (1 + gap)
    reasons = np.zeros(shape, np.uint8) if reasons is None else np.asarray(reasons, np.uint8)
    fields = {"open": open_, "close": close, "high": np.fmax(open_, close), "low": np.fmin(open_, close)}
    fields |= {"volume": np.where(reasons & HALT, 0.0, 1000.0), "pre_close": pre_close}
    missing = (reasons & MISSING) > 0
    fields = {name: np.where(missing, np.nan, values) for name, values in fields.items()}
    names = [f"{n:06d}" for n in range(shape[1])]
    return Panel.from_arrays(days(shape[0]) if dates is None else dates, names, fields, reasons, universe)


def random_market(seed: int, n_days: int = 60, n_stocks: int = 24) -> tuple[Panel, np.ndarray]:
    """A hostile panel: many halts, limits, locked opens, holes and members that come and go; predictions."""
    rng = np.random.default_rng(seed)
    shape = (n_days, n_stocks)
    returns, gap = rng.normal(0.001, 0.03, shape), rng.normal(0, 0.01, shape)
    reasons = rng.choice([0, UP, DOWN], p=[0.8, 0.1, 0.1], size=shape)
    reasons |= rng.choice([0, OPEN_UP, OPEN_DOWN], p=[0.8, 0.1, 0.1], size=shape)
    halted, missing = rng.random(shape) < 0.08, rng.random(shape) < 0.05
    reasons[halted], reasons[missing] = HALT, MISSING
    returns[halted] = gap[halted] = returns[missing] = gap[missing] = 0.0
    universe = np.repeat(rng.random((n_days // 6 + 1, n_stocks)) < 0.85, 6, axis=0)[:n_days]
    prediction = np.where(rng.random(shape) < 0.15, np.nan, rng.normal(size=shape))
    return panel_of(returns, gap, reasons, universe), prediction


def slow_simulation(
    panel: Panel, prediction: np.ndarray, policy: Any, fill: str, refuse: set[str], *, buy_rate: float,
    sell_rate: float, first: int, allowed: np.ndarray | None = None,
) -> dict[str, np.ndarray]:  # fmt: skip
    """One stock, one day at a time. Holdings are lots (day bought, value), and no lot is sold on its day."""
    from lib.portfolio import Past

    n_days, n_stocks = panel.shape
    lots: list[list[list[float]]] = [[] for _ in range(n_stocks)]
    cash, orders = 1.0, [0.0] * n_stocks
    price = {name: panel.fields[name] for name in ("open", "close", "pre_close")}
    out: dict[str, list[Any]] = {
        name: [] for name in ("returns", "gross", "costs", "equity", "cash", "weights")
    }
    refused_buys = refused_sells = 0

    def worth(i: int) -> float:
        return sum(lot[1] for lot in lots[i])

    def equity() -> float:
        return cash + sum(worth(i) for i in range(n_stocks))

    def move(t: int, now: str, before: str) -> float:
        profit = 0.0
        for i in range(n_stocks):
            factor = price[now][t, i] / price[before][t, i]
            if panel.reasons[t, i] & MISSING:
                continue  # no price: the value stays
            for lot in lots[i]:
                profit += lot[1] * (factor - 1)
                lot[1] *= factor
        return profit

    def fills(t: int, i: int, buying: bool) -> bool:
        bits = int(panel.reasons[t, i])
        if bits & MISSING:
            return False
        if bits & HALT:
            return "halt" not in refuse
        locked_up, locked_down = (UP, DOWN) if fill == "close" else (OPEN_UP, OPEN_DOWN)
        if buying:
            return not (bits & locked_up and "limit_up_buy" in refuse)
        return not (bits & locked_down and "limit_down_sell" in refuse)

    def decide(t: int) -> list[float]:
        total = equity()
        may = np.ones(n_stocks, bool) if allowed is None else allowed[t]
        weights = np.array([worth(i) / total for i in range(n_stocks)])
        past = Past(
            panel.dates[t], prediction[t].copy(), panel.universe[t].copy(), may, weights, cash / total
        )
        target = policy(past)
        wanted = []
        for i in range(n_stocks):
            goal = float(target[i]) if panel.universe[t, i] else 0.0
            order = 0.0 if np.isnan(goal) or not may[i] else goal * total - worth(i)
            wanted.append(0.0 if goal != 0 and abs(order) <= DUST * total else order)
        return wanted

    def trade(t: int, wanted: list[float]) -> float:
        nonlocal cash, refused_buys, refused_sells
        cost = 0.0
        buys = {}
        for i, order in enumerate(wanted):
            if order < 0 and not fills(t, i, buying=False):
                refused_sells += 1
            elif order < 0:
                left = -order
                for lot in lots[i]:
                    assert lot[0] < t, "sold on the day of purchase"
                    part = min(lot[1], left)
                    lot[1] -= part
                    left -= part
                sold = -order - left
                lots[i] = [lot for lot in lots[i] if lot[1] > 1e-15]
                cash += sold * (1 - sell_rate)
                cost += sold * sell_rate
            elif order > 0 and not fills(t, i, buying=True):
                refused_buys += 1
            elif order > 0:
                buys[i] = order
        need = sum(buys.values()) * (1 + buy_rate)
        if cash + cost <= DUST:
            buys = {}
        scale = min(1.0, cash / need) if need > 0 else 0.0
        for i, order in buys.items():
            lots[i].append([t, order * scale])
            cost += order * scale * buy_rate
            cash -= order * scale * (1 + buy_rate)
        return cost

    for t in range(first, n_days):
        opened = equity()
        if fill == "close":
            profit = move(t, "close", "pre_close")
            cost = trade(t, decide(t))
        else:
            profit = 0.0
            for i in range(n_stocks):  # orders are numbers of shares: their value moves with the gap
                if not panel.reasons[t, i] & MISSING:
                    orders[i] *= price["open"][t, i] / price["pre_close"][t, i]
            profit += move(t, "open", "pre_close")
            cost = trade(t, orders)
            profit += move(t, "close", "open")
            orders = decide(t)
        row = [equity() / opened - 1, profit / opened, cost / opened, equity(), cash]
        row.append([worth(i) / equity() for i in range(n_stocks)])
        for name, value in zip(out, row, strict=True):
            out[name].append(value)
    found = {name: np.array(values) for name, values in out.items()}
    return found | {"refused_buys": np.array(refused_buys), "refused_sells": np.array(refused_sells)}
