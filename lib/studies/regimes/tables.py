"""The tables of the regimes, and what they answer of the papers' claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lib.paper.claims import Answer
from lib.paper.pages.answers import answered, markets_behind
from lib.stats.over_seeds import OverSeeds, interval_table, sources_of

RATES = ("real_rates", "paper_rates")
PIPELINES = ("none", "row_deletion", "mask_skip", "mask_paper")
#: (left, right): everything at once, windows alone, rows alone
PAIRS = (
    ("mask_paper", "none"), ("mask_skip", "none"), ("mask_skip", "row_deletion"), ("row_deletion", "none"),
)  # fmt: skip
REGIMES = ("bear", "calm", "rally")
AGAINST = (("bear", "calm"), ("bear", "rally"))

#: the papers' regime -> ours, and their period
PAPER_REGIMES = {"bear": ("bear", "2022 Q1-Q3"), "sideways": ("calm", "2023"), "bull": ("rally", "2024 H1")}
LEVELS = (
    "coverage", "truth_ic", "m1_ic", "executed_open.active_sharpe_gross", "executed_open.active_sharpe",
    "executed_open.turnover", "naive_close.active_sharpe_gross", "naive_close.active_sharpe", "naive_close.turnover",
    "naive_close.sharpe", "executed_close.sharpe", "executed_open.sharpe",
    "naive_close.max_drawdown", "executed_open.max_drawdown", "phantom_close", "phantom_close.limit_up_buys",
    "refused_buys", "refused_sells",
)  # fmt: skip
#: in the order in which a difference is judged: books gross of costs before net ones
DIFFERENCES = (
    "truth_ic", "m1_ic", "executed_open.active_sharpe_gross", "executed_open.active_sharpe",
    "executed_open.annual_gross", "executed_open.turnover", "naive_close.active_sharpe_gross",
    "naive_close.active_sharpe", "naive_close.turnover", "naive_close.sharpe", "executed_open.sharpe",
    "executed_open.annual_mean", "executed_open.max_drawdown",
)  # fmt: skip
#: what the order is judged on, and what stands beside it
GROSS, NET = "executed_open.active_sharpe_gross", "executed_open.active_sharpe"


def market_table(frame: pd.DataFrame, source: str, groups: Sequence[str]) -> pd.DataFrame:
    """Regimes down; how often limits bind, what is masked and what the market did, with intervals over seeds."""
    metrics = ("sessions", "limit_up", "limit_down", "halted", "masked_share", "market.volatility")
    return interval_table(OverSeeds(frame), {group: f"{source} market {group}" for group in groups}, metrics, "regime")


def level_table(frame: pd.DataFrame, source: str, group: str) -> pd.DataFrame:
    """Pipelines down, measures across, for one regime: mean over seeds with its interval."""
    return interval_table(
        OverSeeds(frame), {name: f"{source} {name} {group}" for name in PIPELINES}, LEVELS, "pipeline"
    )


def difference_table(frame: pd.DataFrame, source: str, groups: Sequence[str]) -> pd.DataFrame:
    """Paired differences by regime, and how they differ between regimes."""
    names = [*groups, *(f"{one} - {other}" for one in groups for other in groups if one != other)]
    rows = {f"{a} - {b}, {name}": f"{source} {a} - {b} {name}" for a, b in PAIRS for name in names}
    return interval_table(OverSeeds(frame), rows, DIFFERENCES, "difference")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The levels of every source and regime under each other."""
    tables = {
        (source, group): level_table(frame, source, group)
        for source in sources_of(frame)
        for group in groups_of(frame, source)
    }
    return pd.concat(tables, names=["source", "regime"]) if tables else pd.DataFrame()


def groups_of(frame: pd.DataFrame, source: str) -> list[str]:
    """Regimes and periods of one market."""
    head = f"{source} market "
    return list(dict.fromkeys(str(v).removeprefix(head) for v in frame["variant"] if str(v).startswith(head)))


# ------------------------------------------------------------------------------------------------ claims

#: metric of a claim -> (our metric, factor to the claim's unit), for the pipeline of the papers
_CLAIMED = {"sharpe": ("naive_close.sharpe", 1.0), "max_drawdown": ("naive_close.max_drawdown", 100.0)}
PAPER_PIPELINE = "mask_paper"
LIMIT_RATE = "limit_rate"
CALIBRATED = "how often limits bind on the simulated market is a choice of ours: it is calibrated"
VOLATILE = "B.regime.mask_matters_most_in_volatile"
_METRICS = (*_CLAIMED, LIMIT_RATE)
CLAIM_IDS = (*(f"B.regime.{regime}.{metric}" for regime in PAPER_REGIMES for metric in _METRICS), VOLATILE)


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Levels on the papers' own periods where a price file was given, else on the exchange; the order on the exchange.

    Another universe, fewer factors, ridge and an equal-weight portfolio: the setting is different. Sharpe ratio and
    drawdown are the papers' own back-test, in which every order fills at the close. The limit rates of the exchange
    answer nothing, because they are calibrated; `limit_events` counts those of a file.
    """
    found, there = OverSeeds(frame), sources_of(frame)
    real = next((source for source in there if source not in RATES), None)
    exchange = next((source for source in RATES if source in there), None)
    answers = []
    for theirs, (regime, period) in PAPER_REGIMES.items():
        for claimed, (metric, unit) in _CLAIMED.items():
            item = answered(found, f"{real} {PAPER_PIPELINE} {period}", metric, "level", unit)
            note = f"CSI 300 members, {period}"
            if not item:
                item = answered(found, f"{exchange} {PAPER_PIPELINE} {regime}", metric, "level", unit)
                note = f"synthetic exchange, scripted {regime} regime"
            note = f"{note}: {PAPER_PIPELINE}, {metric}"
            answers += level_answer(f"B.regime.{theirs}.{claimed}", item, note, "regimes")
        rate = answered(found, f"{exchange} market {regime}", LIMIT_RATE, "level", 100.0)
        note = f"synthetic exchange, scripted {regime} regime: {LIMIT_RATE}"
        answers += level_answer(f"B.regime.{theirs}.limit_rate", rate, note, "regimes", CALIBRATED)
    return answers + (_order(found, exchange) if exchange else [])


def level_answer(claim_id: str, fields: Mapping[str, Any], note: str, page: str, choice: str = "") -> list[Answer]:
    """An answer to a claim from what `answered` gives, if the study has the number; one without an interval as it is.

    choice: why a choice of ours decides the number.
    """
    return [Answer(claim_id, **fields, note=note, page=page, choice=choice)] if fields else []


def _order(found: OverSeeds, source: str) -> list[Answer]:
    """The benefit of the mask is largest in the bear regime: it exceeds that in each of the other two.

    Gross of costs: what a mask saves by trading less is no benefit of masking.
    """
    variants = [f"{source} mask_paper - none {a} - {b}" for a, b in AGAINST]
    parts, net = ([found.find(variant, metric) for variant in variants] for metric in (GROSS, NET))
    if any(part.low != part.low for part in parts):
        return []
    note = (
        "mask_paper - none, active Sharpe ratio gross of costs, executed at the next open: bear minus calm, bear minus "
        f"rally; net of costs {' and '.join(item.text() for item in net)}"
    )
    ends = [(part.value, part.low, part.high) for part in parts]
    markets = markets_behind(found, [(variant, GROSS) for variant in variants])
    return [Answer(VOLATILE, note=note, page="regimes", parts=ends, markets=markets)]
