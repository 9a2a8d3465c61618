"""A hostile market with boards, ticks and ex-dates, and an account kept by a plain loop, stock by stock.

The loop reads raw prices and reason bits, keeps shares in parcels by day of purchase, and reckons fees in decimals.
It knows nothing of the package's tables, masks, rounding or accounts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np

from lib.panel import Panel, Reason

HALT, MISSING = int(Reason.HALT), int(Reason.MISSING)
UP, DOWN = int(Reason.LIMIT_UP), int(Reason.LIMIT_DOWN)
OPEN_UP, OPEN_DOWN = int(Reason.OPEN_LOCKED_UP), int(Reason.OPEN_LOCKED_DOWN)
#: exchange and board of the market's stocks, in the order of its symbols
STOCKS = (
    ("430047.BJ", "BJ", "bse"), ("430198.BJ", "BJ", "bse"), ("SH600000", "SH", "main"), ("SH600004", "SH", "main"),
    ("SH600006", "SH", "main"), ("SH688001", "SH", "star"), ("SH688002", "SH", "star"), ("SH688003", "SH", "star"),
    ("SZ000001", "SZ", "main"), ("SZ000002", "SZ", "main"), ("SZ300001", "SZ", "main"), ("SZ300002", "SZ", "main"),
)  # fmt: skip
LOT = {"main": (100, 100), "star": (200, 1), "bse": (100, 1)}


def account_market(seed: int, n_days: int = 70, gone: dict[int, int] | None = None) -> tuple[Panel, np.ndarray]:
    """Prices in ticks, thin volumes, an ex-date a fortnight, halts, limits, holes, members that come and go.

    gone: stock -> its last row with prices; missing from then on.
    """
    rng = np.random.default_rng(seed)
    shape = (n_days, len(STOCKS))
    close, opened, before = (np.zeros(shape) for _ in range(3))
    last = rng.uniform(3, 60, shape[1])
    reasons = rng.choice([0, UP, DOWN], p=[0.84, 0.08, 0.08], size=shape)
    reasons |= rng.choice([0, OPEN_UP, OPEN_DOWN], p=[0.84, 0.08, 0.08], size=shape)
    reasons[rng.random(shape) < 0.06] = HALT
    reasons[rng.random(shape) < 0.04] = MISSING
    for stock, row in (gone or {}).items():
        reasons[row + 1 :, stock] = MISSING
    cut = np.where(rng.random(shape) < 0.08, rng.uniform(0.6, 0.99, shape), 1.0)
    for t in range(n_days):
        before[t] = np.maximum(np.round(last * cut[t], 2), 0.5)
        opened[t] = np.round(before[t] * (1 + rng.normal(0, 0.01, shape[1])), 2)
        close[t] = np.round(before[t] * (1 + rng.normal(0.001, 0.03, shape[1])), 2)
        still = (reasons[t] & (HALT | MISSING)) > 0
        opened[t, still] = close[t, still] = before[t, still]
        last = close[t]
    volume = np.floor(np.exp(rng.normal(9.5, 1.2, shape)))
    volume[(reasons & HALT) > 0] = 0
    fields = {"open": opened, "close": close, "high": np.fmax(opened, close), "low": np.fmin(opened, close),
              "pre_close": before, "volume": volume}  # fmt: skip
    poison = rng.choice([np.nan, np.inf, 1e30], size=shape)
    hole = (reasons & MISSING) > 0
    fields = {name: np.where(hole, poison, values) for name, values in fields.items()}
    universe = np.repeat(rng.random((n_days // 7 + 1, shape[1])) < 0.85, 7, axis=0)[:n_days]
    prediction = np.where(rng.random(shape) < 0.1, np.nan, rng.normal(size=shape))
    days = np.busday_offset(np.datetime64("2023-07-10"), np.arange(n_days))
    symbols = [name for name, _, _ in STOCKS]
    return Panel.from_arrays(days, symbols, fields, reasons.astype(np.uint8), universe), prediction


@dataclass
class Loop:
    """The account: parcels [day, shares] a stock, cash, and what the day's rules say."""

    panel: Panel
    prediction: np.ndarray
    policy: Any
    capital: float
    fill: str
    commission: float = 2.5
    minimum: float = 5.0
    half_spread: float = 5.0
    linear: float = 0.0
    square_root: float = 1.0
    participation: float = 0.1
    sessions: int = 1
    leaving: str = "sell"
    forced: dict[int, int] = field(default_factory=dict)  # stock -> first row on which it is sold
    paid: dict[int, int] = field(default_factory=dict)  # stock -> row on which it is paid out
    loss: float = 0.0

    def __post_init__(self) -> None:
        self.cash, n = self.capital, len(STOCKS)
        self.parcels: list[list[list[float]]] = [[] for _ in range(n)]
        self.price: list[float] = [math.nan] * n
        self.traded_close: list[float] = [math.nan] * n  # and the ratio since then that shares have been scaled by
        self.scaled: list[float] = [1.0] * n
        self.order, self.age = [0.0] * n, [0] * n
        self.out: dict[str, list[Any]] = {name: [] for name in ("cash", "equity", "shares", "profit", "items", "fills")}

    def held(self, i: int) -> float:
        return sum(parcel[1] for parcel in self.parcels[i])

    def equity(self) -> float:
        return self.cash + sum(self.held(i) * self.price[i] for i in range(len(STOCKS)) if self.held(i))

    def bits(self, t: int, i: int) -> int:
        return int(self.panel.reasons[t, i])

    def sigma(self, t: int, i: int) -> float:
        known = []
        for s in range(max(t - 20, 0), t):
            if not self.bits(s, i) & MISSING:
                move = self.panel.fields["close"][s, i] / self.panel.fields["pre_close"][s, i] - 1
                known.append(0.0 if self.bits(s, i) & HALT else move)
        return math.sqrt(sum(x * x for x in known) / len(known)) if len(known) >= 5 else 0.02

    def items(self, t: int, i: int, shares: float, sell: bool) -> list[float]:
        quote = self.panel.fields[self.fill][t, i]
        value, fen = Decimal(f"{quote:.2f}") * int(shares), Decimal("0.01")
        commission = max(Decimal(str(self.commission)) * value / 10_000, Decimal(str(self.minimum)))
        transfer = value * Decimal("0.000025" if STOCKS[i][1] == "BJ" else "0.00001")
        late = self.panel.dates[t] >= np.datetime64("2023-08-28")
        duty = value * Decimal("0.0005" if late else "0.001") if sell else Decimal(0)
        billed = [float(x.quantize(fen, ROUND_HALF_UP)) for x in (commission, transfer, duty)]
        part = shares / self.panel.fields["volume"][t, i]
        impact = self.linear * part + self.square_root * self.sigma(t, i) * math.sqrt(part)
        return [*billed, float(value) * self.half_spread / 1e4, float(value) * impact]

    def in_lots(self, i: int, shares: float) -> int:
        least, step = LOT[STOCKS[i][2]]
        whole = math.floor((shares + 1e-6) / step) * step
        return whole if whole >= least else 0

    def morning(self, t: int) -> float:
        profit = 0.0
        for i in range(len(STOCKS)):
            if self.paid.get(i) == t:
                value = self.held(i) * self.price[i] if self.held(i) else 0.0
                self.cash += value * (1 - self.loss)
                profit -= value * self.loss
                self.parcels[i], self.order[i] = [], 0.0
            if self.bits(t, i) & MISSING:
                continue
            reference = self.panel.fields["pre_close"][t, i]
            if not math.isnan(self.traded_close[i]):
                ratio = self.traded_close[i] / reference / self.scaled[i]
                if abs(ratio - 1) > 1e-9:
                    self.ex_date(i, ratio)
                    self.scaled[i] *= ratio
            if math.isnan(self.price[i]):
                self.price[i] = reference
        return profit

    def ex_date(self, i: int, ratio: float) -> None:
        self.price[i] /= ratio
        self.order[i] *= ratio
        if self.held(i):
            scaled = self.held(i) * ratio
            whole = math.floor(scaled + 1e-6)
            self.cash += max(scaled - whole, 0.0) * self.price[i]
            self.parcels[i] = [[-1, whole]]

    def value_at(self, t: int, name: str) -> float:
        profit = 0.0
        for i in range(len(STOCKS)):
            if not self.bits(t, i) & (MISSING | HALT):
                now = self.panel.fields[name][t, i]
                if self.held(i):
                    profit += self.held(i) * (now - self.price[i])
                self.price[i] = now
                if name == "close":
                    self.traded_close[i], self.scaled[i] = now, 1.0
        return profit

    def decide(self, t: int, filled_on: int) -> None:
        from lib.portfolio import Past

        total, n = self.equity(), len(STOCKS)
        weights = np.array([self.held(i) * self.price[i] / total if self.held(i) else 0.0 for i in range(n)])
        past = Past(self.panel.dates[t], self.prediction[t].copy(), self.panel.universe[t].copy(), np.ones(n, bool),
                    weights, self.cash / total)  # fmt: skip
        target = self.policy(past)
        for i in range(n):
            member, goal = bool(self.panel.universe[t, i]), float(target[i])
            if not member:
                goal = 0.0 if self.leaving == "sell" else math.nan
            if self.forced.get(i, 10**9) <= filled_on:
                goal = 0.0
            if math.isnan(goal):
                if not member and self.order[i] > 0:
                    self.order[i] = 0.0
            else:
                self.age[i] = 0
                unknown = math.isnan(self.price[i])
                self.order[i] = 0.0 if unknown else (goal * total / self.price[i] if goal else 0.0) - self.held(i)

    def may(self, t: int, i: int, buying: bool) -> bool:
        up, down = (UP, DOWN) if self.fill == "close" else (OPEN_UP, OPEN_DOWN)
        return not self.bits(t, i) & (MISSING | HALT | (up if buying else down))

    def trade(self, t: int) -> list[float]:
        paid, orders, done = [0.0] * 5, list(self.order), [0.0] * len(STOCKS)
        quote = self.panel.fields[self.fill][t]

        def room(i: int) -> int:
            return math.floor(self.participation * self.panel.fields["volume"][t, i])

        def book(i: int, shares: int, items: list[float]) -> None:
            self.cash -= shares * quote[i] + sum(items)
            done[i] = shares
            for k, item in enumerate(items):
                paid[k] += item
            self.out["fills"].append((t, i, shares, quote[i]))

        for i, order in enumerate(orders):
            if order < 0 and self.may(t, i, buying=False):
                free = sum(parcel[1] for parcel in self.parcels[i] if parcel[0] < t)
                asked = min(-order, free, room(i))
                shares = int(free) if asked + 1e-6 >= free else self.in_lots(i, asked)
                if shares:
                    items = self.items(t, i, shares, sell=True)
                    if sum(items) < shares * quote[i]:
                        book(i, -shares, items)
                        left = shares
                        for parcel in self.parcels[i]:
                            assert parcel[0] < t, "sold on the day of purchase"
                            part = min(parcel[1], left)
                            parcel[1] -= part
                            left -= part
                        self.parcels[i] = [parcel for parcel in self.parcels[i] if parcel[1] > 0]
        buys = {}
        for i, order in enumerate(orders):
            if order > 0 and self.may(t, i, buying=True):
                shares = self.in_lots(i, min(order, room(i)))
                if shares:
                    buys[i] = shares
        need = sum(shares * quote[i] + sum(self.items(t, i, shares, sell=False)) for i, shares in buys.items())
        if need > self.cash:
            part = max(self.cash * (1 - 1e-12) - len(buys) * (self.minimum + 0.03), 0) / need
            buys = {i: self.in_lots(i, max(part * shares - 1e-6, 0.0)) for i, shares in buys.items()}
        for i, shares in buys.items():
            if shares:
                book(i, shares, self.items(t, i, shares, sell=False))
                self.parcels[i].append([t, shares])
        for i, order in enumerate(orders):
            self.age[i] += 1
            rest = order - done[i]
            fits = self.in_lots(i, abs(rest)) > 0 or (rest < 0 and -rest + 1e-6 >= self.held(i) > 0)
            self.order[i] = rest if fits and self.age[i] < self.sessions else 0.0
        return paid

    def run(self, first: int) -> dict[str, Any]:
        for t in range(first, len(self.panel.dates)):
            profit = self.morning(t)
            if self.fill == "close":
                profit += self.value_at(t, "close")
                self.decide(t, t)
                items = self.trade(t)
            else:
                profit += self.value_at(t, "open")
                items = self.trade(t)
                profit += self.value_at(t, "close")
                self.decide(t, t + 1)
            row = (self.cash, self.equity(), [self.held(i) for i in range(len(STOCKS))], profit, items)
            for name, value in zip(("cash", "equity", "shares", "profit", "items"), row, strict=True):
                self.out[name].append(value)
        return {name: value if name == "fills" else np.array(value) for name, value in self.out.items()}
