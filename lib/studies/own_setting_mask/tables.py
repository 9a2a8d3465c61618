"""Tables of the mask ablation in the papers' own setting, and what it answers of the papers' claims.

Names: "mask learner | condition" is a level, "left - right learner | condition" a paired difference. Metrics of a
back-test: policy.COSTbps.statistic, where the policy says what happens to a name without a prediction.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from lib.market import GBMConfig
from lib.market.gbm import YEAR
from lib.paper.claims import Answer, load_ledger
from lib.stats import student_quantile
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds, interval_table, seed_values
from lib.studies.own_setting_mask.findings import ALL, EQUAL, FROZEN, NAMES, POLICIES, STEPS, OwnSetting

LARGE = "the papers' size"
LEARNERS = ("ridge", "lightgbm", "mlp")
#: (left, right): what the controls explain of full - none, and what is left; both ends against the market
EXPLAINED = (*((name, "none") for name in FROZEN), *(("full", name) for name in FROZEN))
AGAINST_MARKET = (("none", EQUAL), ("full", EQUAL))
PAIRS = (*STEPS, *EXPLAINED, *AGAINST_MARKET)

#: the claims are answered with the authors' cost and with what their package does: predictions times the mask
ANSWERED_POLICY, ANSWERED_BPS = "zero", 8
PAPER_MASKS = {"none": "none", "halt_only": "halt", "full": "full"}
APPENDIX = "B.appB.mask.synthetic"
INFLATION = "B.mask.ic_inflation"
#: column of the papers' table -> our metric, factor to the claim's unit
COLUMNS = {
    "apparent_ic": ("apparent_ic", 1.0),
    "sharpe": (f"{ANSWERED_POLICY}.{ANSWERED_BPS}bps.sharpe", 1.0),
    "max_drawdown": (f"{ANSWERED_POLICY}.{ANSWERED_BPS}bps.max_drawdown", 100.0),
    "annual_return": (f"{ANSWERED_POLICY}.{ANSWERED_BPS}bps.annual_return", 100.0),
}
CLAIM_IDS = (*(f"{APPENDIX}.{mask}.{column}" for mask in PAPER_MASKS for column in COLUMNS), INFLATION)


def within(longest: int) -> str:
    """The condition of factors that read at most so many days.

    >>> within(20)
    'windows to 20 days'
    """
    return f"windows to {longest} days"


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


def findings(frame: pd.DataFrame, learner: str, condition: str = ALL) -> OwnSetting:
    """The sentences of one learner and condition, beside the papers' table."""
    papers = {(mask, column): paper_level(mask, column) for mask in NAMES for column in COLUMNS}
    cfg = GBMConfig()
    return OwnSetting(OverSeeds(frame), learner, condition, papers, cfg.beta * cfg.volatility)


def papers_table(frame: pd.DataFrame, learner: str, condition: str = ALL) -> pd.DataFrame:
    """Appendix B's mask table row by row: the papers' number, ours with the interval of the mean and of one market."""
    numbers, rows = OverSeeds(frame), []
    for mask in NAMES:
        for column, (metric, unit) in COLUMNS.items():
            variant = f"{mask} {learner} | {condition}"
            mean, one = (find(variant, metric).times(unit) for find in (numbers.find, numbers.one_path))
            row = {"mask": mask, "metric": column, "papers": paper_level(mask, column), **mean.columns("ours")}
            rows.append(row | {"one market.low": one.low, "one market.high": one.high})
    return pd.DataFrame(rows).dropna(subset="ours").set_index(["mask", "metric"])


def books_table(frame: pd.DataFrame, learner: str, condition: str = ALL) -> pd.DataFrame:
    """Masks and policies down: Sharpe ratios gross and at 5 and 8 bps, turnover, what is invested and unpredicted.

    Equal weight never trades; cash earns and loses nothing, and has no Sharpe ratio.
    """
    numbers, rows = OverSeeds(frame), []
    names = [(mask, policy, f"{mask} {learner} | {condition}") for mask in (*NAMES, *FROZEN) for policy in POLICIES]
    for mask, policy, variant in [*names, (EQUAL, EQUAL, f"{EQUAL} | {condition}")]:
        row: dict[str, object] = {"mask": mask, "without a prediction": "" if policy == EQUAL else policy}
        for metric in ("0bps.sharpe", "5bps.sharpe", "8bps.sharpe", "turnover"):
            row |= numbers.find(variant, f"{policy}.{metric}").columns(metric)
        row |= {name: numbers.find(variant, f"{policy}.{name}").value for name in ("invested", "unpredicted")}
        rows.append(row)
    found = pd.DataFrame(rows).dropna(subset="0bps.sharpe")
    return pd.concat([found, pd.DataFrame([{"mask": "cash", "turnover": 0.0, "invested": 0.0}])], ignore_index=True)


def steps_table(frame: pd.DataFrame, learner: str, condition: str = ALL) -> pd.DataFrame:
    """The ladder step by step for each policy: the papers' step in Sharpe ratio, ours gross, net, and by cost saved."""
    found, rows = findings(frame, learner, condition), []
    numbers = found.numbers
    for left, right in STEPS:
        for policy in POLICIES:
            variant = f"{left} - {right} {learner} | {condition}"
            row: dict[str, object] = {"step": f"{left} - {right}", "without a prediction": policy}
            row["papers"] = found.claimed_step(left, right)
            for name in ("8bps.sharpe", "0bps.sharpe", "8bps.saved_sharpe", "5bps.sharpe", "turnover", "weight apart"):
                row |= numbers.find(variant, f"{policy}.{name}").columns(name)
            row["cells masked by one only"] = numbers.find(variant, "cells masked by one only").value
            rows.append(row)
    return pd.DataFrame(rows).dropna(subset="turnover")


def controls_table(frame: pd.DataFrame, learner: str, condition: str = ALL) -> pd.DataFrame:
    """What taking names from the unmasked model at random does, and what is left of full - none."""
    numbers, rows = OverSeeds(frame), []
    for left, right in (("full", "none"), *EXPLAINED, *AGAINST_MARKET):
        for policy in POLICIES:
            variant = f"{left} - {right} {learner} | {condition}"
            row: dict[str, object] = {"difference": f"{left} - {right}", "without a prediction": policy}
            for name in ("0bps.sharpe", "8bps.sharpe", "turnover"):
                row |= numbers.find(variant, f"{policy}.{name}").columns(name)
            rows.append(row)
    return pd.DataFrame(rows).dropna(subset="turnover")


def matched_table(frame: pd.DataFrame, learner: str, condition: str = ALL) -> pd.DataFrame:
    """full - none once a buffer has brought the turnovers together, and the cost at which the two would break even."""
    numbers, rows = OverSeeds(frame), []
    variant = f"full - none {learner} | {condition}"
    for policy in POLICIES:
        row: dict[str, object] = {"without a prediction": policy}
        for name in ("matched.0bps.sharpe", "matched.8bps.sharpe", "matched.turnover"):
            row |= numbers.find(variant, f"{policy}.{name}").columns(name)
        for name in ("validation turnover ratio", "test turnover ratio", "within 5 %"):
            row[name] = numbers.find(variant, f"{policy}.matched.{name}").value
        row |= break_even(frame, variant, policy).columns("break-even cost, bps")
        rows.append(row)
    return pd.DataFrame(rows).dropna(subset="matched.turnover")


def break_even(frame: pd.DataFrame, variant: str, policy: str) -> Estimate:
    """The cost in basis points at which both sides earn the same on average: gross difference / turnover difference.

    None (NaN) where no cost makes them equal, because the side that earns more before costs also trades less.
    """
    samples = seed_values(frame)
    gross, traded = (samples.get((variant, f"{policy}.{name}"), np.empty(0)) for name in ("gross_return", "turnover"))
    found = ratio_of_means(gross / YEAR * 1e4, traded)
    return found if found.value > 0 else Estimate(math.nan)


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
    """Annual volatility in per cent: what the papers' return and Sharpe ratio imply, and what this panel allows.

    Every stock has the same beta to the one factor, so a fully invested book without short positions has at least
    beta times the factor's volatility.
    """
    numbers, cfg = OverSeeds(frame), GBMConfig()
    rows: list[dict[str, object]] = []
    for mask in NAMES:
        implied = paper_level(mask, "annual_return") / paper_level(mask, "sharpe")
        rows.append({"book": f"papers, {mask}: return / Sharpe ratio", "volatility": implied})
    rows.append({"book": "the factor alone: beta times its volatility", "volatility": 100 * cfg.beta * cfg.volatility})
    for name, variant, policy in (
        ("equal weight", f"{EQUAL} | {ALL}", EQUAL),
        *((f"{mask}, ridge", f"{mask} ridge | {ALL}", ANSWERED_POLICY) for mask in NAMES),
    ):
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


# ------------------------------------------------------------------------------------------------ claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Appendix B's mask table on the synthetic panel, by ridge on most markets: levels by one further market.

    Their generator, split, costs and back-test; fewer stocks, ridge and equal weights in place of the Transformer and
    the optimiser: setting reduced.
    """
    numbers, answers = OverSeeds(frame), []
    for theirs, ours in PAPER_MASKS.items():
        for column, (metric, unit) in COLUMNS.items():
            item = numbers.one_path(f"{ours} ridge | {ALL}", metric).times(unit)
            answers += _answer(f"{APPENDIX}.{theirs}.{column}", item, f"{ours} ridge, {metric}")
    samples = seed_values(frame)
    none, full = (samples.get((f"{mask} ridge | {ALL}", "apparent_ic"), np.empty(0)) for mask in ("none", "full"))
    ratio = ratio_of_means(none, full)
    inflation = Estimate(*(100 * (number - 1) for number in ratio))
    note = "ratio of mean ICs over markets, ridge"
    if math.isnan(ratio.low):
        note += "; no interval: the IC under the full mask cannot be told from 0, so the ratio is undefined"
    return answers + _answer(INFLATION, inflation, note)


def _answer(claim_id: str, item: Estimate, what: str) -> list[Answer]:
    if math.isnan(item.value):
        return []
    low, high = (None, None) if math.isnan(item.low) else (item.low, item.high)
    note = f"the papers' generator, split and back-test, equal weights: {what}"
    return [Answer(claim_id, item.value, low, high, "reduced", note, "own_setting_mask")]


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
