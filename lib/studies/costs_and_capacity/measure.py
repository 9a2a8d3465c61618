"""One signal, accounts of every size: what is earned, what is paid, and for what.

Predictions are ridge's, refitted every year, on a simulated market. Every account trades the top k at the next open. A
larger buffer keeps names longer and trades less. Beside the accounts stands the simulator in weights, with the
papers' 8 basis points a side: it knows neither lots nor impact, so it is the same for every capital.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lib.evaluation.scoring import annual_sharpe
from lib.evaluation.simulated import features, market, market_settings
from lib.evaluation.variants import VARIANTS, variant_dataset
from lib.models.walk import walk_predictions
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio import (
    Backtest,
    Fees,
    Statement,
    Terms,
    active_returns,
    equal_weight,
    flat,
    simulate,
    top_k_buffer,
    trade,
)
from lib.portfolio.fees import ITEMS
from lib.stats.keys import Key
from lib.store.rows import Record

SESSIONS, COST_BPS = 243, 8.0
MASK = "mask_skip"
#: name -> yuan
CAPITALS: Mapping[str, float] = {
    "100 thousand": 1e5, "1 million": 1e6, "10 million": 1e7, "100 million": 1e8, "1 billion": 1e9, "10 billion": 1e10,
}  # fmt: skip
#: name -> names kept while their rank is at most so many times k
BUFFERS: Mapping[str, float] = {"no buffer": 1.0, "buffer 2k": 2.0, "buffer 4k": 4.0}
#: the capital and the buffer that the others are held against
MIDDLE, SLOW, FAST = "1 million", "buffer 4k", "no buffer"
BOOK = Key("{capital} yuan, {buffer}", capital=CAPITALS, buffer=BUFFERS)
WEIGHTS = Key("in weights, {buffer}", buffer=BUFFERS)
AGAINST = Key("{capital} - {middle} yuan, {buffer}", capital=CAPITALS, middle=(MIDDLE,), buffer=BUFFERS)
SLOWER = Key("{capital} yuan: {slow} - {fast}", capital=CAPITALS, slow=(SLOW,), fast=(FAST,))
PLAIN = Key("in weights - {capital} yuan, {buffer}", capital=CAPITALS, buffer=BUFFERS)
COMPARED = ("active_sharpe_gross", "active_sharpe", "annual_costs", "turnover")


def grid(settings: Settings) -> Iterator[Config]:
    yield from ({"variant": "simulated", "seed": seed} for seed in settings["seeds"])


def compute(row: Config, settings: Settings) -> RowResult:
    world = market(
        settings["n_stocks"], settings["n_days"], row["seed"], settings["limit_rates"], **market_settings(settings)
    )
    panel, variant = world.panel, VARIANTS[MASK]
    prediction = walk_predictions(
        variant_dataset(panel, variant, features(panel, variant.features, settings["factors"])), panel.dates,
        learner="ridge", first_test_year=settings["first_test_year"], seed=row["seed"],
    )  # fmt: skip
    index = equal_weight(panel)
    terms = Terms(
        Fees(square_root=settings["impact"]), participation=settings["participation"], sessions=settings["sessions"]
    )
    found: dict[str, dict[str, float]] = {"market": {"median_amount": median_amount(panel)}}
    for buffer, multiple in BUFFERS.items():
        policy = top_k_buffer(multiple=multiple)
        plain = simulate(panel, prediction, policy=policy, costs=flat(COST_BPS))
        found[WEIGHTS.name(buffer=buffer)] = measured(plain, index)
        for name, capital in CAPITALS.items():
            run = trade(panel, prediction, policy=policy, capital=capital, terms=terms)
            found[BOOK.name(capital=name, buffer=buffer)] = measured(run, index) | paid(run)
    return RowResult([*_records(found), *_records(differences(found))])


def median_amount(panel: Panel) -> float:
    """Yuan that the median stock turns over on the median day."""
    amount = np.where(panel.traded, panel.fields["close"] * panel.fields["volume"], np.nan)
    return float(np.nanmedian(amount))


def measured(run: Backtest, index: np.ndarray) -> dict[str, float]:
    """Sharpe ratios over equal weight before and after costs, costs a year, turnover a day, share in cash."""
    return {
        "active_sharpe_gross": annual_sharpe(active_returns(run, index, gross=True)),
        "active_sharpe": annual_sharpe(active_returns(run, index)),
        "annual_gross": float(active_returns(run, index, gross=True).mean()) * SESSIONS,
        "annual_costs": float(run.costs.mean()) * SESSIONS,
        "turnover": float(run.turnover.mean()),
        "cash": float((run.cash / run.equity).mean()),
    }


def paid(run: Statement) -> dict[str, float]:
    """Each item of the costs as a share of equity a year; orders a day that were cut, or came to nothing."""
    before = run.capital * np.concatenate(([1.0], run.equity[:-1]))
    items = {f"annual_{item}": float((run.items[item] / before).mean()) * SESSIONS for item in ITEMS}
    return items | {"capped": float(run.capped.mean()), "unfit": float(run.unfit.mean())}


def differences(found: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """On one market: every capital less the middle one, the slow book less the fast one, weights less every account."""
    pairs = {}
    for capital in CAPITALS:
        own = {buffer: BOOK.name(capital=capital, buffer=buffer) for buffer in BUFFERS}
        pairs[SLOWER.name(capital=capital, slow=SLOW, fast=FAST)] = (own[SLOW], own[FAST])
        for buffer, book in own.items():
            pairs[PLAIN.name(capital=capital, buffer=buffer)] = (WEIGHTS.name(buffer=buffer), book)
        for buffer in BUFFERS if capital != MIDDLE else ():
            name = AGAINST.name(capital=capital, middle=MIDDLE, buffer=buffer)
            pairs[name] = (own[buffer], BOOK.name(capital=MIDDLE, buffer=buffer))
    return {name: {m: found[a][m] - found[b][m] for m in COMPARED} for name, (a, b) in pairs.items()}


def _records(found: Mapping[str, Mapping[str, Any]]) -> list[Record]:
    return [
        {"variant": name, "metric": metric, "value": float(value)}
        for name, numbers in found.items()
        for metric, value in numbers.items()
    ]
