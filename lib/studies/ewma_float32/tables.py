"""Tables of the study of float32 averages, and what it answers of the papers' claims."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib.paper.claims import Answer
from lib.stats.over_seeds import MARKET, OverSeeds, interval_table, mean_over_seeds, sources_of

#: spans of the averages, in days; days at which errors are read; relative errors put on an exact average
SPANS = (5, 20, 60, 252)
STEPS = (10, 30, 100, 300, 1000, 2500)
NOISE = (0.0003, 0.003, 0.03)
CLAIM_IDS = ("B.story.ewma", "B.story.ewma_ic")


def methods_of(frame: pd.DataFrame) -> list[str]:
    """The implementations with their precision, in the order of the frame."""
    names = frame.loc[frame["metric"] == "breaks at", "variant"].str.extract(r"span \d+ (.*)$")[0]
    return list(dict.fromkeys(names))


def error_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Implementations down; the largest relative error after 2,500 days across spans, and the first broken day."""
    part = frame[frame["variant"].str.startswith(f"{source} span")]
    cell = {(v, m): x.to_numpy(float) for (v, m), x in part.groupby(["variant", "metric"])["value"]}
    rows = {}
    for method in methods_of(frame):
        variants = [f"{source} span {span} {method}" for span in SPANS]
        errors = [cell[variant, "error"].max() for variant in variants]
        breaks = [_first(cell[variant, "breaks at"]) for variant in variants]
        rows[method] = {f"error, span {s}": e for s, e in zip(SPANS, errors, strict=True)}
        rows[method] |= {f"breaks, span {s}": b for s, b in zip(SPANS, breaks, strict=True)}
    bounds = [cell[f"{source} span {span} bound", "error"].max() for span in SPANS]
    rows["bound 4u/a of a recursion"] = {f"error, span {s}": b for s, b in zip(SPANS, bounds, strict=True)}
    return pd.DataFrame.from_dict(rows, orient="index").dropna(axis="columns", how="all").rename_axis("implementation")


def _first(days: np.ndarray) -> float:
    """The earliest broken day over seeds; NaN when there is none."""
    known = days[np.isfinite(days)]
    return float(known.min()) if len(known) else np.nan


def rule_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Rules for masked days down; the median and the 99th percentile of the relative distance from ours."""
    numbers = OverSeeds(frame)
    pattern = rf"^{source} span (\d+) rule (.*)$"
    names = dict.fromkeys(frame["variant"].str.extract(pattern)[1].dropna())
    rows = {
        name: {f"{what}, span {span}": numbers.find(f"{source} span {span} rule {name}", metric).value
               for span in SPANS for what, metric in (("median", "median"), ("99 %", "p99"))}
        for name in names
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("rule for a masked day")


def factor_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Spans down; IC of the factor, what float32 takes from it, and what a given error of the average would."""
    metrics = ["ic float64", "loss float32", *(f"loss error {size:g}" for size in NOISE), "ranks changed"]
    rows = {f"{span}": f"{source} factor span {span}" for span in SPANS}
    return interval_table(OverSeeds(frame), rows, metrics, "span")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The error tables of all markets under each other."""
    return pd.concat({source: error_table(frame, source) for source in sources_of(frame)}, names=["market"])


def surviving_errors(frame: pd.DataFrame) -> np.ndarray:
    """Largest relative errors after 2,500 days of the float32 forms that still give numbers, one per form and span."""
    part = frame[(frame["metric"] == "error") & frame["variant"].str.endswith(", float32")]
    worst = part.groupby("variant")["value"].max().to_numpy(float)
    return worst[np.isfinite(worst)]


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """The largest error of any float32 form; the loss of IC over spans, by market seed."""
    errors = 100 * surviving_errors(frame)
    note = f"largest of {len(errors)} float32 forms and spans that still give numbers; the interval spans all of them"
    answers = [Answer("B.story.ewma", errors.max(), errors.min(), errors.max(), "reduced", note, "ewma_float32")]
    part = frame[(frame["metric"] == "loss float32") & frame["variant"].str.startswith(f"{MARKET} factor")]
    by_seed = part.groupby("seed")["value"].mean().to_numpy(float)
    found = mean_over_seeds(by_seed)
    if np.isfinite(found.low):
        note = f"close over average - 1, mean over spans, {len(by_seed)} made-up markets"
        answers.append(Answer("B.story.ewma_ic", *found, "reduced", note, "ewma_float32"))
    return answers
