"""The tables of the regimes, and what they answer of the papers' claims."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from lib.claims import Answer
from lib.findings.estimates import Estimate
from lib.findings.seeds import OverSeeds, interval_table, sources_of

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

#: metric of a claim -> (what it is measured on, our metric, factor to the claim's unit)
_CLAIMED = {
    "sharpe": ("mask_paper", "naive_close.sharpe", 1.0),
    "max_drawdown": ("mask_paper", "naive_close.max_drawdown", 100.0),
    "limit_rate": ("market", "limit_rate", 100.0),
}
VOLATILE = "B.regime.mask_matters_most_in_volatile"
CLAIM_IDS = (*(f"B.regime.{regime}.{metric}" for regime in PAPER_REGIMES for metric in _CLAIMED), VOLATILE)


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Levels on the papers' own periods where a price file was given, else on the exchange; the order on the exchange.

    Another universe, fewer factors, ridge and an equal-weight portfolio: the setting is different. Sharpe ratio and
    drawdown are the papers' own back-test, in which every order fills at the close.
    """
    found, there = OverSeeds(frame), sources_of(frame)
    real = next((source for source in there if source not in RATES), None)
    exchange = next((source for source in RATES if source in there), None)
    answers = []
    for theirs, (regime, period) in PAPER_REGIMES.items():
        for claimed, (what, metric, unit) in _CLAIMED.items():
            item = found.find(f"{real} {what} {period}", metric)
            note, on_file = f"CSI 300 members, {period}", item.value == item.value
            if not on_file:
                item = found.one_path(f"{exchange} {what} {regime}", metric)
                note = f"synthetic exchange, scripted {regime} regime"
            claim_id, census = f"B.regime.{theirs}.{claimed}", on_file and what == "market"
            answers += level_answer(claim_id, item.times(unit), f"{note}: {what}, {metric}", "regimes", census)
    return answers + (_order(found, exchange) if exchange else [])


def level_answer(claim_id: str, item: Estimate, note: str, page: str, census: bool) -> list[Answer]:
    """An answer to a claim about a level, if the study has the number.

    census: a count of everything there was, which needs no interval. Otherwise one without an interval, of too few
    markets, is given as it is.
    """
    if item.value != item.value:
        return []
    if item.low == item.low:
        return [Answer(claim_id, item.value, item.low, item.high, "different", note, page)]
    end = item.value if census else None
    return [Answer(claim_id, item.value, end, end, "different", note, page)]


def _order(found: OverSeeds, source: str) -> list[Answer]:
    """The benefit of the mask is largest in the bear regime: it exceeds that in each of the other two.

    Gross of costs: what a mask saves by trading less is no benefit of masking.
    """
    parts, net = ([found.find(f"{source} mask_paper - none {a} - {b}", metric) for a, b in AGAINST]
                  for metric in (GROSS, NET))  # fmt: skip
    if any(part.low != part.low for part in parts):
        return []
    note = (
        "mask_paper - none, active Sharpe ratio gross of costs, executed at the next open: bear minus calm, bear minus "
        f"rally; net of costs {' and '.join(item.text() for item in net)}"
    )
    ends = [(part.value, part.low, part.high) for part in parts]
    return [Answer(VOLATILE, parts=ends, setting="different", note=note, page="regimes")]
