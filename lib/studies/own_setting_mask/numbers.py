"""Readers and tables of the numbers of the mask ablation in the papers' own setting, beside the papers' table.

Names: "mask learner | condition" is a level, "left - right learner | condition" a paired difference. Metrics of a
back-test: policy.COSTbps.statistic, where the policy says what happens to a name without a prediction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.market import GBMConfig
from lib.market.gbm import YEAR
from lib.paper.claims import load_ledger
from lib.stats import student_quantile
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds, interval_table, seed_values
from lib.studies.own_setting_mask.measure import (
    AGAINST_MARKET,
    ALL,
    EQUAL,
    EXPLAINED,
    FROZEN,
    LEARNERS,
    LEVEL,
    NAMES,
    STEPS,
)

#: what happens to a name without a prediction
POLICIES = {
    "zero": "ranked with prediction 0",
    "held": "held until it has one again",
    "sold": "sold at once",
}
#: the papers' cost in basis points, and how metrics name it
COST_BPS = 8
COST = f"{COST_BPS}bps"

#: the claims are answered with the authors' cost and with what their package does: predictions times the mask
ANSWERED_POLICY = "zero"
PAPER_MASKS = {"none": "none", "halt_only": "halt", "full": "full"}
APPENDIX = "B.appB.mask.synthetic"
#: column of the papers' table -> our metric, factor to the claim's unit
COLUMNS = {
    "apparent_ic": ("apparent_ic", 1.0),
    "sharpe": (f"{ANSWERED_POLICY}.{COST}.sharpe", 1.0),
    "max_drawdown": (f"{ANSWERED_POLICY}.{COST}.max_drawdown", 100.0),
    "annual_return": (f"{ANSWERED_POLICY}.{COST}.annual_return", 100.0),
}

SIDES = {
    "none": "unmasked", "halt": "only halts masked", "full": "full mask", EQUAL: "equal weight",
    "frozen daily": "unmasked, gaps drawn every day", "frozen elsewhere": "unmasked, gaps of another stock",
}  # fmt: skip
DIFFERENCES = {
    f"{left} - {right}": f"{SIDES[left]} \N{MINUS SIGN} {SIDES[right]}"
    for left, right in (*STEPS, *EXPLAINED, *AGAINST_MARKET)
}
METRICS = {"apparent_ic": "IC over all cells", "sharpe": "Sharpe ratio", "max_drawdown": "drawdown, %",
           "annual_return": "return a year, %"}  # fmt: skip
GROSS, NET, SAVED = "0bps.sharpe", f"{COST}.sharpe", f"{COST}.saved_sharpe"


def conditions(frame: pd.DataFrame) -> list[str]:
    """The conditions that were run, in the order of the frame."""
    return list(dict.fromkeys(str(name).partition(" | ")[2] for name in frame["variant"]))


def learners_of(frame: pd.DataFrame, condition: str = ALL) -> list[str]:
    """The learners that were run in a condition."""
    ran = set(frame["variant"])
    return [name for name in LEARNERS if any(f"{mask} {name} | {condition}" in ran for mask in NAMES)]


def paper_number(claim_id: str) -> float:
    """The papers' number of a claim, NaN where it was lost."""
    found = next(claim.claimed for claim in load_ledger() if claim.id == claim_id)
    return math.nan if found is None else found


def paper_level(mask: str, column: str) -> float:
    """A number of appendix B's mask table on the synthetic panel, under our name of the mask and in its unit."""
    theirs = next(name for name, ours in PAPER_MASKS.items() if ours == mask)
    return paper_number(f"{APPENDIX}.{theirs}.{column}")


@dataclass(frozen=True)
class OwnSetting:
    """The numbers of one learner in one condition."""

    numbers: OverSeeds
    learner: str
    condition: str = ALL

    @classmethod
    def of(cls, frame: pd.DataFrame, learner: str, condition: str = ALL) -> OwnSetting:
        return cls(OverSeeds(frame), learner, condition)

    def name(self, side: str) -> str:
        """The variant of a mask, or of a difference "left - right"."""
        return LEVEL.name(side=side, learner=self.learner, condition=self.condition)

    def level(self, mask: str, metric: str) -> Estimate:
        return self.numbers.find(self.name(mask), metric)

    def step(self, left: str, right: str, metric: str) -> Estimate:
        """A paired difference left - right."""
        return self.level(f"{left} - {right}", metric)

    def one_market(self, left: str, right: str, metric: str) -> Estimate:
        """The difference, with the interval in which that of one further market would land."""
        return self.numbers.one_path(self.name(f"{left} - {right}"), metric)


def claimed_step(left: str, right: str) -> float:
    """The papers' difference in Sharpe ratio between two masks."""
    return round(paper_level(left, "sharpe") - paper_level(right, "sharpe"), 10)


def implied_volatility(mask: str) -> float:
    """Annual volatility in per cent that the papers' return and Sharpe ratio imply."""
    return paper_level(mask, "annual_return") / paper_level(mask, "sharpe")


def floor_volatility() -> float:
    """Annual volatility in per cent of the one factor in every stock.

    Every stock has the same beta to it, so a fully invested book without short positions has at least this much.
    """
    cfg = GBMConfig()
    return 100 * cfg.beta * cfg.volatility


def break_even(frame: pd.DataFrame, variant: str, policy: str) -> Estimate:
    """The cost in basis points at which both sides earn the same on average: gross difference / turnover difference.

    None (NaN) where no cost makes them equal, because the side that earns more before costs also trades less.
    """
    samples = seed_values(frame)
    gross, traded = (samples.get((variant, f"{policy}.{name}"), np.empty(0)) for name in ("gross_return", "turnover"))
    found = ratio_of_means(gross / YEAR * 1e4, traded)
    return found if found.value > 0 else Estimate(math.nan)


def ratio_of_means(top: np.ndarray, bottom: np.ndarray) -> Estimate:
    """mean(top) / mean(bottom) of paired samples with Fieller's 95 % interval.

    No interval (NaN) with fewer than three pairs, or when the bottom's own mean cannot be told from 0: the set is then
    unbounded. Source: Fieller (1954).

    >>> ratio_of_means(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0])).value
    2.0
    """
    n = min(len(top), len(bottom))
    if not n or not bottom.mean():
        return Estimate(math.nan)
    a, b = float(top.mean()), float(bottom.mean())
    if n < 3:
        return Estimate(a / b)
    t = student_quantile(0.975, n - 1)
    (vaa, vab), (_, vbb) = np.cov(top, bottom) / n
    square = b * b - t * t * vbb
    if square <= 0:
        return Estimate(a / b)
    middle = a * b - t * t * vab
    half = math.sqrt(max(middle**2 - square * (a * a - t * t * vaa), 0.0))
    return Estimate(a / b, (middle - half) / square, (middle + half) / square)


# -------------------------------------------------------------------------------------------- tables


def papers_table(frame: pd.DataFrame, learner: str, condition: str = ALL) -> pd.DataFrame:
    """Appendix B's mask table row by row: the papers' number, ours with the interval of the mean and of one market."""
    found, rows = OwnSetting.of(frame, learner, condition), []
    for mask in NAMES:
        for column, (metric, unit) in COLUMNS.items():
            mean, one = (
                find(found.name(mask), metric).times(unit) for find in (found.numbers.find, found.numbers.one_path)
            )
            row = {"mask": SIDES[mask], "metric": METRICS[column], "papers": paper_level(mask, column)}
            rows.append(row | mean.columns("ours") | {"one market.low": one.low, "one market.high": one.high})
    return pd.DataFrame(rows).dropna(subset="ours").set_index(["mask", "metric"])


def books_table(frame: pd.DataFrame, learner: str, condition: str = ALL) -> pd.DataFrame:
    """Masks and policies down: Sharpe ratios before costs and at 5 and 8 bps, turnover, what is invested, unpredicted.

    Equal weight never trades; cash earns and loses nothing, and has no Sharpe ratio.
    """
    numbers, rows = OverSeeds(frame), []
    names = [(mask, policy, f"{mask} {learner} | {condition}") for mask in (*NAMES, *FROZEN) for policy in POLICIES]
    for mask, policy, variant in [*names, (EQUAL, EQUAL, f"{EQUAL} | {condition}")]:
        row: dict[str, object] = {"mask": SIDES[mask], "without a prediction": "" if policy == EQUAL else policy}
        for metric in ("0bps.sharpe", "5bps.sharpe", "8bps.sharpe", "turnover"):
            row |= numbers.find(variant, f"{policy}.{metric}").columns(metric)
        row |= {name: numbers.find(variant, f"{policy}.{name}").value for name in ("invested", "unpredicted")}
        rows.append(row)
    found = pd.DataFrame(rows).dropna(subset="0bps.sharpe")
    return pd.concat([found, pd.DataFrame([{"mask": "cash", "turnover": 0.0, "invested": 0.0}])], ignore_index=True)


def differences_table(
    frame: pd.DataFrame, learner: str, pairs: Sequence[tuple[str, str]], condition: str = ALL
) -> pd.DataFrame:
    """Differences and policies down: the papers' step, ours before costs, by cost saved and after costs; turnovers."""
    found, rows = OwnSetting.of(frame, learner, condition), []
    for left, right in pairs:
        for policy in POLICIES:
            row: dict[str, object] = {"difference": DIFFERENCES[f"{left} - {right}"], "without a prediction": policy}
            row["papers"] = claimed_step(left, right) if {left, right} <= set(NAMES) else math.nan
            for name in (GROSS, SAVED, NET, "5bps.sharpe", "turnover", "weight apart"):
                row |= found.step(left, right, f"{policy}.{name}").columns(name)
            row["cells masked by one only"] = found.step(left, right, "cells masked by one only").value
            rows.append(row)
    return pd.DataFrame(rows).dropna(subset="turnover")


def matched_table(frame: pd.DataFrame, learner: str, condition: str = ALL) -> pd.DataFrame:
    """full - none once a buffer has brought the turnovers together, and the cost at which the two would break even."""
    found, rows = OwnSetting.of(frame, learner, condition), []
    for policy in POLICIES:
        row: dict[str, object] = {"without a prediction": policy}
        for name in ("matched.0bps.sharpe", "matched.8bps.sharpe", "matched.turnover"):
            row |= found.step("full", "none", f"{policy}.{name}").columns(name)
        for name in ("validation turnover ratio", "test turnover ratio", "within 5 %"):
            row[name] = found.step("full", "none", f"{policy}.matched.{name}").value
        row |= break_even(frame, found.name("full - none"), policy).columns("break-even cost, bps")
        rows.append(row)
    return pd.DataFrame(rows).dropna(subset="matched.turnover")


def conditions_table(frame: pd.DataFrame, learner: str = "ridge") -> pd.DataFrame:
    """Factor sets and panel sizes down: how much survives the intersection, and full - none in each."""
    numbers, rows = OverSeeds(frame), []
    for condition in conditions(frame):
        row: dict[str, object] = {"condition": condition}
        row |= numbers.find(f"full {learner} | {condition}", "coverage").columns("coverage under full")
        for name in (f"{policy}.{what}" for policy in POLICIES for what in ("turnover", "0bps.sharpe", "8bps.sharpe")):
            row |= numbers.find(f"full - none {learner} | {condition}", name).columns(name)
        rows.append(row)
    return pd.DataFrame(rows).dropna(subset="coverage under full")


def volatility_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Annual volatility in per cent: what the papers' return and Sharpe ratio imply, and what this panel allows."""
    numbers = OverSeeds(frame)
    rows: list[dict[str, object]] = [
        *({"book": f"paper, {SIDES[mask]}: return / Sharpe ratio", "volatility": implied_volatility(mask)}
          for mask in NAMES),
        {"book": "the factor alone: beta times its volatility", "volatility": floor_volatility()},
    ]  # fmt: skip
    ours = [("equal weight", f"{EQUAL} | {ALL}", EQUAL)]
    ours += [(f"{SIDES[mask]}, ridge", f"{mask} ridge | {ALL}", ANSWERED_POLICY) for mask in NAMES]
    for name, variant, policy in ours:
        found = numbers.find(variant, f"{policy}.0bps.annual_volatility").times(100)
        rows.append({"book": name, **found.columns("volatility")})
    return pd.DataFrame(rows).dropna(subset="volatility")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Every condition and learner under each other: coverage, ICs and the answered book, means over markets."""
    metrics = ["coverage", "m1_ic", *(metric for metric, _ in COLUMNS.values()), f"{ANSWERED_POLICY}.turnover"]
    rows = {
        (condition, learner, mask): f"{mask} {learner} | {condition}"
        for condition in conditions(frame) for learner in LEARNERS for mask in NAMES
    }  # fmt: skip
    labels = {" / ".join(key): variant for key, variant in rows.items()}
    return interval_table(OverSeeds(frame), labels, metrics, "condition / learner / mask")
