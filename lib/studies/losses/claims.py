"""Answers to the papers' table of losses (B s4.3.2): levels, and the order of a smaller gamma."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from lib.paper.claims import Answer
from lib.paper.pages.answers import answered, level_answer, markets_behind
from lib.stats.over_seeds import OverSeeds
from lib.studies.losses.findings import LARGE, MSE_RAW, PAPER_LOSS, SMALL
from lib.studies.losses.variants import DIFFERENCE, GAMMAS, PAPER_GAMMA, Trained

#: the papers' row -> ours. Their labels are raw; correlations do not see the difference
ROWS = {"mse": MSE_RAW, "adjmse_large_gamma": LARGE, "adjmse_0.1": PAPER_LOSS, "adjmse_small_gamma": SMALL,
        "ic_loss": Trained("ic"), "rank_ic_loss": Trained("rank_ic")}  # fmt: skip
#: metric of a claim -> (ours, factor to the claim's unit)
METRICS = {"sharpe": ("naive_close.sharpe", 1.0), "ic": ("m1_ic", 1.0), "sign_accuracy": ("sign_accuracy", 100.0)}
ORDER = "B.loss.small_gamma_sign"
CLAIM_IDS = (*(f"B.loss.{row}.{metric}" for row in ROWS for metric in METRICS), ORDER)


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Other markets, factors, network and book than the papers': the setting is different."""
    numbers, found = OverSeeds(frame), []
    for row, item in ROWS.items():
        for claimed, (metric, unit) in METRICS.items():
            if claimed == "sign_accuracy" and item.loss in ("ic", "rank_ic"):
                metric = "sign_accuracy_centred"  # such predictions have no level of their own
            fields = answered(numbers, item.name, metric, "level", unit)
            found += level_answer(f"B.loss.{row}.{claimed}", fields, _note(numbers, item, metric, unit), "losses")
    return found + _order(numbers)


def _note(numbers: OverSeeds, item: Trained, metric: str, unit: float) -> str:
    """What was computed; for a lost gamma, what the other gammas on its side give."""
    note = f"MLP, {item.name}: {metric}"
    if metric.startswith("sign_accuracy"):
        base = numbers.find(item.name, metric.replace("sign_accuracy", "base_rate")).value * unit
        note += f", the commoner sign alone {base:.1f}"
    if item.gamma is None or item.gamma == PAPER_GAMMA:
        return note
    side = [gamma for gamma in GAMMAS if (gamma < PAPER_GAMMA) == (item.gamma < PAPER_GAMMA) and gamma != PAPER_GAMMA]
    all_ = {gamma: numbers.find(Trained("adj_mse", gamma, "raw").name, metric).value * unit for gamma in side}
    known = ", ".join(f"{gamma:g}: {value:.4g}" for gamma, value in all_.items() if not math.isnan(value))
    return f"{note}; the papers' gamma is lost, by gamma {known}"


def _order(numbers: OverSeeds) -> list[Answer]:
    """A smaller gamma: more right signs, and a lower Sharpe ratio."""
    key = DIFFERENCE.name(left=SMALL.name, right=PAPER_LOSS.name)
    keys = [(key, "sign_accuracy"), (key, "naive_close.sharpe")]
    signs, filled = (numbers.find(*item) for item in keys)
    if math.isnan(signs.low) or math.isnan(filled.low):
        return []
    parts: list[Any] = [tuple(signs.times(100)), tuple(filled.against)]
    note = f"raw labels, gamma {SMALL.gamma:g} against {PAPER_GAMMA:g}: sign accuracy up; Sharpe ratio down"
    return [Answer(ORDER, note=note, page="losses", parts=parts, markets=markets_behind(numbers, keys))]
