"""Tables of the study of covariance eigenvalues, and what it answers of the papers' claims."""

from __future__ import annotations

import math

import pandas as pd

from lib.paper.claims import Answer
from lib.stats.over_seeds import MARKET, OverSeeds, sources_of
from lib.studies.covariance_eigenvalue.findings import Eigenvalue

CLAIM_IDS = ("B.story.eigenvalue",)
YEAR = 252  # trading days, as the papers count
#: estimator -> what it is
MEANING = {
    "sample": "sample covariance",
    "sample float32": "the same in float32",
    "ledoit-wolf": "Ledoit-Wolf",
    "ledoit-wolf float32": "the same in float32",
    "complete": "Ledoit-Wolf of stocks without a masked day",
    "filled": "Ledoit-Wolf, masked returns at the stock's mean",
    "pairwise": "every pair over its common days",
    "pairwise shrunk": "the same, shrunk as Ledoit-Wolf would",
}
LEDOIT_WOLF = ("ledoit-wolf", "ledoit-wolf float32")


def sizes_of(frame: pd.DataFrame, source: str) -> list[int]:
    """Numbers of stocks that a market has covariances of, rising."""
    return Eigenvalue.of(frame, source).sizes


def estimator_table(frame: pd.DataFrame, source: str, size: int) -> pd.DataFrame:
    """Estimators down; stocks, days with a negative eigenvalue, days refused, the lowest eigenvalue across."""
    numbers, rows = OverSeeds(frame), []
    for name, meaning in MEANING.items():
        variant = f"{source} {size} {name}"
        if (variant, "stocks") in numbers:
            kind = "round-off" if (variant, "round-off") in numbers else "lowest"
            found = numbers.find(variant, "refused").times(YEAR)
            rows.append({
                "estimate": meaning,
                "stocks": numbers.find(variant, "stocks").value,
                "days with a negative eigenvalue": numbers.find(variant, "negative").value,
                **found.columns("refused, days a year"),
                "lowest eigenvalue / mean": numbers.find(variant, kind).value,
                "the lowest of all days": min(numbers.seeds(variant, f"{kind} of all"), default=math.nan),
                "intensity": numbers.find(variant, "intensity").value,
                "intensity needed": numbers.find(variant, "needed").value,
            })  # fmt: skip
    return pd.DataFrame(rows)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The table of every market and number of stocks."""
    tables = {(s, n): estimator_table(frame, s, n) for s in sources_of(frame) for n in sizes_of(frame, s)}
    return pd.concat(tables, names=["market", "size"])


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Days a year with a negative eigenvalue of Ledoit and Wolf's estimate, float64 and float32, over made-up markets.

    A recomputation of arithmetic: the range over markets, sizes and precisions is given, not an interval.
    """
    numbers = OverSeeds(frame)
    found = [
        YEAR * value
        for source in sources_of(frame)
        if source.startswith(MARKET)
        for size in sizes_of(frame, source)
        for name in LEDOIT_WOLF
        for value in numbers.seeds(f"{source} {size} {name}", "negative")
    ]
    if not found:
        return []
    mean, low, high = sum(found) / len(found), min(found), max(found)
    note = "made-up markets, float64 and float32, every number of stocks: mean and range over them"
    return [Answer(CLAIM_IDS[0], mean, low, high, "reduced", note, "covariance_eigenvalue")]
