"""Tables of the papers' own panel, and what it answers of the papers' claims."""

from __future__ import annotations

import pandas as pd

from lib.paper.claims import Answer
from lib.studies.paper_panel.findings import ARITHMETIC, GBM, IC_PREFIX, PAPER_RATES, PLANTED, PaperPanel

CLAIM_IDS = ("A.gbm.mle", "A.gbm.euler")

_COUNTED = (
    "cells", "halted", "limit-up closes", "limit-down closes", "limit closes, share of traded cells", "clamped up",
    "clamped down",
)  # fmt: skip


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Counts and the IC of the ridge: papers' panel and planted market side by side, means over seeds."""
    found = PaperPanel.of(frame)
    metrics = [*_COUNTED, "ic: ridge", "ic: ridge with the truth", "ic: the truth"]
    rows = {metric: {variant: found.mean(variant, metric) for variant in (GBM, PLANTED)} for metric in metrics}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("quantity")


def count_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Limit closes in percent of traded cells: what the paper reports by regime, and what the panels hold."""
    found = PaperPanel.of(frame)
    rows = [{"source": f"paper B, {name} regime", "limit closes, %": rate} for name, rate in PAPER_RATES.items()]
    for variant in (GBM, PLANTED):
        share = found.mean(variant, "limit closes, share of traded cells")
        rows.append({
            "source": variant, "limit closes, %": 100 * share, "cells": found.mean(variant, "cells"),
            "limit-up": found.mean(variant, "limit-up closes"), "limit-down": found.mean(variant, "limit-down closes"),
            "clamped up": found.mean(variant, "clamped up"), "clamped down": found.mean(variant, "clamped down"),
        })  # fmt: skip
    return pd.DataFrame(rows)


def ic_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean IC over seeds with its 95 % interval, of the ridge and of every factor, in both markets."""
    found, rows = PaperPanel.of(frame), []
    for name in ("ridge", *found.factors):
        row: dict[str, object] = {"prediction": name}
        for variant in (GBM, PLANTED):
            row |= found.numbers.find(variant, IC_PREFIX + name).columns(f"{variant}, ic")
        rows.append(row)
    return pd.DataFrame(rows)


def arithmetic_table(frame: pd.DataFrame) -> pd.DataFrame:
    """What follows from the stated parameters, and what the estimators of paper A give."""
    part = frame[frame["variant"] == ARITHMETIC].drop_duplicates("metric").set_index("metric")["value"]
    named = [name for name in part.index if not name.endswith((".low", ".high"))]
    columns = {"value": "", "value.low": ".low", "value.high": ".high"}
    rows = [{"quantity": name} | {c: part.get(name + end) for c, end in columns.items()} for name in named]
    return pd.DataFrame(rows)


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Paper A's equations 20 to 22, by recomputation."""
    part = frame[frame["variant"] == ARITHMETIC].drop_duplicates("metric").set_index("metric")["value"]
    answers = []
    name = "bias of the drift"
    if name in part:
        note = (
            f"drift, per year; volatility: bias {part['bias of the volatility']:+.1e} of 0.32. One path says little of "
            f"the drift: standard deviation {part['drift, standard deviation of one estimate']:.2f} a year"
        )
        low, high = part[f"{name}.low"], part[f"{name}.high"]
        answers.append(Answer("A.gbm.mle", part[name], low, high, "same", note, "paper_panel"))
    error = part.get("largest relative error of equation 20")
    if error is not None:
        exact = float(error < 1e-9)
        note = "equation 20 is the exact log-normal step: the number of steps does not matter"
        answers.append(Answer("A.gbm.euler", exact, exact, exact, "same", note, "paper_panel"))
    return answers
