"""Tables of the study of the rank denominator, and what it answers of the papers' claims."""

from __future__ import annotations

import pandas as pd

from lib.factors import factor_names, find_factors
from lib.paper.claims import Answer
from lib.paper.pages.answers import answered
from lib.stats.over_seeds import MARKET, OverSeeds, sources_of
from lib.studies.rank_denominator.denominators import MASKED, day_map, ranked_factors

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
    numbers, rows = OverSeeds(frame), []
    for scenario in scenarios_of(frame, source):
        for masked in MASKED:
            variant = f"{source} {scenario}"
            row: dict[str, object] = {
                "halted": MEANING[scenario],
                "masked stocks sorted": masked,
                "factors that can": numbers.find(variant, f"factors can {masked}").value,
            }
            for label, metric in (("gain of rank IC, all", "gain all"), ("those that can notice", "gain can"),
                                  ("gain of pooled correlation", "pooled gain")):  # fmt: skip
                row |= numbers.find(variant, f"{metric} {masked}").columns(label)
            rows.append(row)
    return pd.DataFrame(rows)


def factor_table(frame: pd.DataFrame, source: str, scenario: str) -> pd.DataFrame:
    """Factors down: formula, whether it can notice, the largest change of a day, the mean gain; masked sorted last."""
    numbers, rows = OverSeeds(frame), {}
    for factor in find_factors(ranked_factors(factor_names())):
        variant = f"{source} {scenario} {factor.name}"
        if (variant, "ic") in numbers:
            rows[factor.name] = {
                "can notice": "no" if day_map(factor.node) else "yes",
                "rank IC": numbers.find(variant, "ic").value,
                "largest change in a day": float(numbers.seeds(variant, "change last").max()),
                **numbers.find(variant, "gain last").columns("gain of IC"),
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
    numbers, key = OverSeeds(frame), (f"{MARKET} waves", "gain all first")
    found = answered(numbers, *key, kind="difference")
    if "low" not in found:
        return []
    note = f"mean over the factors that rank stocks, {len(numbers.seeds(*key))} made-up markets, masked sorted first"
    return [Answer(CLAIM_IDS[0], **found, setting="reduced", note=note, page="rank_denominator")]
