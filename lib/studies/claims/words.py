"""The claims of the papers in words, where the papers contradict themselves, and which claims may still wait."""

from __future__ import annotations

import re

import pandas as pd

from lib.errors import LibError
from lib.paper.claims import load_ledger
from lib.paper.claims.ledger import Claim
from lib.paper.claims.verdicts import NOT_STUDIED
from lib.paper.pages.tables import text_of

#: how ids begin of claims that may still be "not yet studied"; any other claim without a verdict stops the build
WAITING = (
    "A.models.", "B.ablation.", "B.augment.", "B.case.rotation.",
    "B.interaction.", "B.loss.", "B.main.", "B.mask.largest", "B.portfolio.", "B.solver.", "B.story.leakage",
    "B.story.prototype",
)  # fmt: skip
METRICS = {
    "sharpe": "Sharpe ratio", "delta sharpe": "Sharpe ratio", "sortino": "Sortino ratio", "ic": "IC",
    "max_drawdown": "largest drawdown", "max_drawdown below": "bound of the largest drawdown",
    "annual_return": "annual return", "apparent_ic": "IC as reported", "cross_sectional_ic": "IC over all cells",
    "realisable_ic": "IC on cells that can be traded", "mean_ic": "mean IC", "ic_std": "deviation of the IC",
    "information_ratio": "mean IC over its deviation", "positive_ic_rate": "share of days with a positive IC",
    "sign_accuracy": "share of right signs", "limit_hit_rate": "closes at a limit",
    "limit_up_rate": "closes at limit-up",
    "pandas seconds / PyTorch seconds": "time of pandas over that of PyTorch", "DSR": "deflated Sharpe ratio",
}  # fmt: skip
SUBJECTS = {
    "full": "the full system", "full system": "the full system", "no_mask": "the system without the mask",
    "no_adjmse": "the system without AdjMSE", "no_augmentation": "the system without synthetic data",
    "no_shrinkage": "the system without shrinkage", "no_transformer": "the system without the Transformer",
    "mask=none": "no mask", "mask=halt_only": "halts masked", "mask=full": "halts and limits masked",
    "mse": "the loss MSE", "adjmse_0.1": "the loss AdjMSE with gamma 0.1", "ic_loss": "the loss 1 - IC",
    "adjmse_large_gamma": "the loss AdjMSE with a larger gamma", "rank_ic_loss": "the loss 1 - rank IC",
    "adjmse_small_gamma": "the loss AdjMSE with a smaller gamma",
    "equal_weight_top100": "equal weights of the best 100",
    "mvo_sample": "mean-variance weights, sample covariance", "mvo_ledoit_wolf": "mean-variance weights, Ledoit-Wolf",
    "xgboost": "XGBoost", "lightgbm": "LightGBM", "dnn": "the dense network", "transformer": "the Transformer",
    "bear": "the bear regime", "bull": "the bull regime", "sideways": "the sideways regime",
}  # fmt: skip
_LOST = ("lost in the text", "sweep gamma")


class NoVerdictError(LibError):
    """A claim of the ledger that no study answers, though it is not among those that may wait."""


def in_words(claim: Claim) -> str:
    """What a claim is about: "Sharpe ratio: the system without the mask minus the full system"."""
    subject = " minus ".join(SUBJECTS.get(part, part) for part in claim.subject.split(" minus "))
    if claim.kind in ("order", "identity"):
        said = f"{subject}: {claim.metric}" if claim.metric not in ("order", "identity") else subject
        return said.replace("_", " ")
    metric = METRICS.get(claim.metric, claim.metric)
    joined = f"{metric} of {subject}" if claim.kind == "level" else f"{metric}: {subject}"
    if claim.setting == "real" and "real" not in subject:
        joined += ", real prices"
    return joined[:1].upper() + joined[1:].replace("_", " ")


def place(claim: Claim) -> str:
    """Where a claim stands: paper, section and table."""
    return f"{claim.paper}, {claim.where.removeprefix('Table ').replace(chr(39), '')}"


def contradictions() -> pd.DataFrame:
    """What the papers state beside what contradicts it in the same papers or in arithmetic, by the notes of the ledger.

    Claims with the same note are one row.
    """
    rows: dict[str, dict[str, str]] = {}
    for claim in load_ledger():
        parts = [part for part in claim.note.split("; ") if part and not any(mark in part for mark in _LOST)]
        if not parts:
            continue
        number = "" if claim.claimed is None or claim.unit == "bool" else text_of(claim.claimed)
        unit = "" if claim.unit in ("1", "bool", "annualised") else f" {claim.unit}"
        said = f"{in_words(claim)}{f': {number}{unit}' if number else ''}"
        row = rows.setdefault("; ".join(parts), {"where": place(claim), "stated": "", "against": "; ".join(parts)})
        row["stated"] = "; ".join(filter(None, [row["stated"], said]))
    return pd.DataFrame(list(rows.values()))


def require_verdicts(board: pd.DataFrame, recorded_scale: str | None = None) -> pd.DataFrame:
    """The scoreboard, if every claim has a verdict; "not yet studied" is one for those in WAITING only.

    recorded_scale: as `board_of_records` was given it; a board of one scale alone need not be whole.
    Raises NoVerdictError naming the claims.
    """
    lacking = [name for name in board.loc[board["verdict"] == NOT_STUDIED, "id"] if not name.startswith(WAITING)]
    if lacking and recorded_scale is None:
        named = ", ".join(lacking[:8]) + ", ..." * (len(lacking) > 8)
        raise NoVerdictError(
            f"{len(lacking)} claims without a verdict: {named}; recorded rows of a study have to answer them, or "
            "WAITING in lib/studies/claims/words.py to name them"
        )
    return board


def verdict_class(verdict: str) -> str:
    """Class of the style sheet for a verdict.

    >>> verdict_class("agrees, other setting")
    'agrees-other-setting'
    """
    return re.sub("[^a-z]+", "-", verdict)
