"""Tables of the study of the rank denominator, and what it answers of the papers' claims."""

from __future__ import annotations

import pandas as pd

from lib.claims import Answer
from lib.factors import factor_names, find_factors
from lib.factors.denominators import MASKED, day_map, ranked_factors
from lib.findings.market_seeds import MARKET, SeedNumbers, interval_table, over_seeds, sources_of

CLAIM_IDS = ("B.story.rank_denominator",)
#: days of the picture
PICTURED = 100
#: scenario -> what is halted
MEANING = {
    "constant": "the share, every day", "waves": "the share, ten days of fifty",
    "storm": "five times the share, ten days of fifty", "as it is": "the file's own masks",
}  # fmt: skip


def exempt() -> frozenset[str]:
    """The factors that rank and cannot notice, with masked stocks sorted last."""
    factors = find_factors(ranked_factors(factor_names()))
    return frozenset(factor.name for factor in factors if day_map(factor.node) is not None)


def scenarios_of(frame: pd.DataFrame, source: str) -> list[str]:
    """The scenarios that a market has rows for."""
    there = set(frame["variant"])
    return [name for name in MEANING if f"{source} {name}" in there]


def gain_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Scenarios and the place of masked stocks down; gain of IC by the right denominator across."""
    numbers, rows = SeedNumbers(frame), []
    for scenario in scenarios_of(frame, source):
        for masked in MASKED:
            variant = f"{source} {scenario}"
            metrics = {"gain of rank IC, all": f"gain all {masked}", "those that can notice": f"gain can {masked}",
                       "gain of pooled correlation": f"pooled gain {masked}"}  # fmt: skip
            found = interval_table(numbers, [("", variant)], metrics.values()).rename(columns=_renamed(metrics))
            found.insert(0, "halted", MEANING[scenario])
            found.insert(1, "masked stocks sorted", masked)
            found.insert(2, "factors that can", numbers.find(variant, f"factors can {masked}").value)
            rows.append(found)
    return pd.concat(rows, ignore_index=True)


def _renamed(metrics: dict[str, str]) -> dict[str, str]:
    return {f"{metric}{end}": f"{label}{end}" for label, metric in metrics.items() for end in ("", ".low", ".high")}


def factor_table(frame: pd.DataFrame, source: str, scenario: str) -> pd.DataFrame:
    """Factors down: formula, whether it can notice, the largest change of a day, the mean gain; masked sorted last."""
    numbers, rows = SeedNumbers(frame), {}
    for factor in find_factors(ranked_factors(factor_names())):
        variant = f"{source} {scenario} {factor.name}"
        if (variant, "ic") in numbers:
            gain = numbers.find(variant, "gain last")
            rows[factor.name] = {
                "can notice": "no" if day_map(factor.node) else "yes",
                "rank IC": numbers.find(variant, "ic").value,
                "largest change in a day": float(numbers.values_of(variant, "change last").max()),
                "gain of IC": gain.value, "gain of IC.low": gain.low, "gain of IC.high": gain.high,
                "gain of pooled correlation": numbers.find(variant, "pooled gain last").value,
                "formula": factor.formula,
            }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("factor")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The gains of all markets under each other."""
    return pd.concat({source: gain_table(frame, source) for source in sources_of(frame)}, names=["market"])


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Mean gain of rank IC over all factors that rank, with the story's share halted on some days: by market seed.

    The story says that ranks were inflated, which they are where masked stocks are sorted first.
    """
    part = frame[(frame["variant"] == f"{MARKET} waves") & (frame["metric"] == "gain all first")]
    if len(part) < 2:
        return []
    note = f"mean over the factors that rank stocks, {len(part)} made-up markets, masked sorted first"
    return [Answer(CLAIM_IDS[0], *over_seeds(part["value"].to_numpy(float)), "reduced", note, "rank_denominator")]
