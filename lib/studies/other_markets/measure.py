"""Does the pattern carry over to other markets (paper B, s7.3)?

On a market without price limits (the US file) the mask has nothing to hide, so it must do nothing. On the simulated
market the rules are a parameter: the same draws under limits and halts, limits alone, halts alone, a market-wide
circuit breaker, and no rule at all; what filling every order invents is measured under each.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from lib.evaluation.exchange_rules import tripped_days, with_breaker, with_halts, without_limits
from lib.evaluation.inputs import file_panel
from lib.evaluation.round_trips import round_trips
from lib.evaluation.scripted import FIRST_TEST_YEAR, N_DAYS, TEST, TRAINING
from lib.evaluation.simulated import market_settings
from lib.evaluation.slices import (
    Kept,
    Measure,
    Series,
    daily_series,
    first_test_row,
    group_records,
    market_records,
    measure,
    predictions,
)
from lib.market import make_market
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio import simulate, top_k_buffer
from lib.store.rows import Record

#: rule -> what may refuse an order
RULES = {
    "cn": "limits and halts (A-shares)",
    "limits": "limits, no halts",
    "halts": "halts, no limits",
    "breaker_5": "breaker at 5 % for the whole market",
    "breaker_7": "breaker at 7 % for the whole market",
    "free": "no rule",
}
ON_EXCHANGE = ("none", "mask_skip")
#: pipelines on the control market, and the pairs whose features see the same cells there
ON_CONTROL = ("none", "row_deletion", "halt_only", "mask_strict", "mask_skip", "mask_paper")
SAME_THERE = (("mask_strict", "none"), ("row_deletion", "none"), ("mask_skip", "halt_only"))
CONTROL_PAIRS = (*SAME_THERE, ("mask_skip", "none"), ("mask_paper", "none"))

#: books gross of costs before net ones, turnover beside
BOOK = ("executed_open.active_sharpe_gross", "executed_open.active_sharpe", "executed_open.turnover")
LEVELS = (
    "phantom_close", "phantom_close.limit_up_buys", "refused_buys", "refused_sells", "truth_ic", "m1_ic", *BOOK,
    "naive_close.sharpe", "executed_close.sharpe", "executed_open.sharpe",
)  # fmt: skip
DIFFERENCES = ("phantom_close", "truth_ic", "m1_ic", *BOOK, "executed_open.sharpe")
FACTS = ("limit_up", "limit_down", "halted", "masked_share", "tripped", "market.volatility")

Predictions = dict[str, NDArray[np.float64]]
EXITS = (Measure("same_day_exit", "mean"), Measure("next_day_exit", "mean"), Measure("overnight", "mean"))
#: the numbers that a page reads
KEPT = Kept(LEVELS, DIFFERENCES)
KEPT_OF_CONTROL = Kept((), (*DIFFERENCES, "naive_close.sharpe"))
AROUND = 5  # days before and after the picture's events
#: dear stocks that never merge their shares: a rule restates no price but those it holds back
SAME_SHARES = {"first_price": 100.0, "least_price": 0.0}


def grid(settings: Settings) -> Iterator[Config]:
    for seed in settings["seeds"]:
        yield {"variant": "exchange", "seed": seed}
    if settings["us_path"]:
        yield {"variant": "us", "seed": 0}


def compute(row: Config, settings: Settings) -> RowResult:
    return _control(row, settings) if row["variant"] == "us" else _rules(row, settings)


# ---------------------------------------------------------------------------------- rules on the exchange


def _rules(row: Config, settings: Settings) -> RowResult:
    """Every rule over the same draws."""
    config = {"regimes": TRAINING + TEST, "limit_rates": settings["limit_rates"], **SAME_SHARES}
    config |= market_settings(settings)
    market = make_market(settings["n_stocks"], N_DAYS, row["seed"], **config)
    truth, start = market.truth.mu_trad, first_test_row(market.panel, FIRST_TEST_YEAR)
    series: dict[str, Series] = {}
    records: list[Record] = []
    days = np.arange(N_DAYS) >= start
    panels: dict[str, Panel] = {}
    for rule in RULES:
        panel = panels[rule] = _under(rule, market, row["seed"], settings["n_stocks"], config)
        found = predictions(panel, ON_EXCHANGE, first_test_year=FIRST_TEST_YEAR)
        series |= {f"{rule} {name}": daily_series(panel, x, start, truth) for name, x in found.items()}
        facts = f"exchange {rule} facts"
        records += _facts(panel, facts, days)
        records.append({"variant": facts, "metric": "tripped", "value": float(tripped_days(panel)[start:].sum())})
        if rule == "cn":
            records += _exits(panel, found, days, _rng("exits", row["seed"]), settings["samples"])
    measured = measure(series, days, _rng("rules", row["seed"]), samples=settings["samples"])
    pairs = [(f"{rule} mask_skip", f"{rule} none") for rule in RULES]
    pairs += [(f"{rule} none", "cn none") for rule in RULES if rule != "cn"]
    records += group_records("exchange", "test", measured, pairs, KEPT)
    return RowResult(records, _arrays(panels, start))


def _facts(panel: Panel, variant: str, days: np.ndarray) -> list[Record]:
    return [record for record in market_records(panel, variant, days) if record["metric"] in FACTS]


def _under(rule: str, market: object, seed: int, n_stocks: int, config: Mapping[str, object]) -> Panel:
    """The panel that an exchange of this rule prints; the draws behind it are the market's."""
    panel: Panel = market.panel  # type: ignore[attr-defined]
    if rule == "cn":
        return panel
    if rule == "limits":
        limited: Panel = make_market(n_stocks, N_DAYS, seed, **config, halt_rate=0.0).panel
        return limited
    twin: Panel = market.twin().panel  # type: ignore[attr-defined]
    if rule == "halts":
        halted = panel.fields["halted"] == 1
        halted[0] = False
        return with_halts(twin, halted)
    return with_breaker(twin, int(rule[-1]) / 100) if rule.startswith("breaker") else without_limits(twin)


def _exits(
    panel: Panel, found: Predictions, days: np.ndarray, rng: np.random.Generator, samples: int
) -> Iterator[Record]:
    """T+1: what a purchase earns by the first exit allowed, and the share of sales on the day after the purchase."""
    trips = {name: round_trips(panel, prediction) for name, prediction in found.items()}
    for series in trips.values():
        series["overnight"] = series["next_day_exit"] - series["same_day_exit"]
    yield from group_records("exchange", "exits", measure(trips, days, rng, EXITS, samples), ())
    for name, prediction in found.items():
        run = simulate(panel, prediction, policy=top_k_buffer(), keep_paths=True)
        assert run.trades is not None
        sold = (run.trades < 0) & (np.vstack([np.zeros_like(run.trades[:1]), run.trades[:-1]]) > 0)
        share = float(sold.sum() / max((run.trades < 0).sum(), 1))
        yield {"variant": f"exchange {name} exits", "metric": "next_day_sales", "value": share, "n": len(run.dates)}


def _rng(name: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(name.encode()), seed])


def _arrays(panels: Mapping[str, Panel], start: int) -> dict[str, np.ndarray]:
    """One example of each rule: what everybody wanted, what was printed, and whether the rule was binding."""
    wanted = panels["free"].fields["close"]
    found: dict[str, np.ndarray] = {}
    for rule, event in (("limits", _beyond_a_limit), ("halts", _after_a_halt)):
        printed, binding = panels[rule].fields["close"], ~panels[rule].price_valid
        where = event(wanted, printed, binding, start)
        if where is not None:
            found |= _drawn(rule, wanted, printed, binding, *where)
    for rule in ("breaker_7", "breaker_5"):
        binding = tripped_days(panels[rule])[:, None]
        days = np.flatnonzero(binding[_inside(start, len(wanted))])
        if len(days):
            index, printed = (
                np.mean(close / wanted[start], axis=1, keepdims=True)
                for close in (wanted, panels[rule].fields["close"])
            )
            found |= _drawn("breaker", index, printed, binding, start + AROUND + int(days[0]), 0)
            break
    return found


def _inside(start: int, stop: int) -> slice:
    return slice(start + AROUND, stop - 2 * AROUND)


def _beyond_a_limit(wanted: np.ndarray, printed: np.ndarray, binding: np.ndarray, start: int) -> tuple[int, int] | None:
    """(day, stock) of the limit-up close, free the day before, whose wanted price was nearest to 8 % above it."""
    cut = np.log(wanted / printed)
    fresh = binding & ~np.vstack([binding[:1], binding[:-1]])
    distance = np.where(fresh, np.abs(cut - 0.08), np.inf)[_inside(start, len(wanted))]
    return _nearest(distance, start)


def _after_a_halt(wanted: np.ndarray, printed: np.ndarray, binding: np.ndarray, start: int) -> tuple[int, int] | None:
    """(first day, stock) of the halt of four days after which the price reopened furthest away."""
    spell = binding[:-4] & binding[1:-3] & binding[2:-2] & binding[3:-1] & ~binding[4:]
    spell[1:] &= ~binding[:-5]
    distance = np.full(wanted.shape, np.inf)
    distance[:-4] = np.where(spell, -np.abs(np.log(wanted[3:-1] / printed[3:-1])), np.inf)
    return _nearest(distance[_inside(start, len(wanted))], start)


def _nearest(distance: np.ndarray, start: int) -> tuple[int, int] | None:
    day, stock = np.unravel_index(int(np.argmin(distance)), distance.shape)
    return (start + AROUND + int(day), int(stock)) if np.isfinite(distance[day, stock]) else None


def _drawn(
    name: str, wanted: np.ndarray, printed: np.ndarray, locked: np.ndarray, day: int, stock: int
) -> dict[str, np.ndarray]:
    """Days around an event, in per cent of the price before the picture begins."""
    cut = slice(day - AROUND, day + 2 * AROUND)
    base = wanted[day - AROUND, stock]
    return {
        f"{name}.wanted": 100 * (wanted[cut, stock] / base - 1),
        f"{name}.printed": 100 * (printed[cut, stock] / base - 1),
        f"{name}.locked": locked[cut, stock],
    }


# ------------------------------------------------------------------------------------ the control market


def _control(row: Config, settings: Settings) -> RowResult:
    """The variants on a market without price limits."""
    panel, year = file_panel(settings, "us_path", "none"), settings["us_test_year"]
    found = predictions(panel, ON_CONTROL, first_test_year=year)
    start = first_test_row(panel, year)
    days = np.arange(len(panel.dates)) >= start
    series = {name: daily_series(panel, prediction, start) for name, prediction in found.items()}
    records = _facts(panel, "us facts", days)
    measured = measure(series, days, _rng("us", row["seed"]))
    records += group_records("us", "test", measured, CONTROL_PAIRS, KEPT_OF_CONTROL)
    for left, right in CONTROL_PAIRS:
        records += _identity(f"us {left} - {right} test", found[left], found[right], days)
    return RowResult(records)


def _identity(variant: str, left: np.ndarray, right: np.ndarray, days: np.ndarray) -> Iterator[Record]:
    """How far two sets of predictions are the same: cells that both predict, and cells with the very same number."""
    one, other = np.isfinite(left[days]), np.isfinite(right[days])
    either, both = int((one | other).sum()), one & other
    same = int((both & (left[days] == right[days])).sum())
    for metric, count in (("both_predict", int(both.sum())), ("identical", same)):
        yield {"variant": variant, "metric": metric, "value": count / max(either, 1), "n": either}
