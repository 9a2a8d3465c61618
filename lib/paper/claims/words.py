"""The claims of the papers, and what is compared with them, in words instead of the codes of rows and metrics."""

from __future__ import annotations

import re

from lib.paper.claims.ledger import Claim

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
    "equal_weight_top100": "equal weights of the best 100", "factor built on it": "a factor of the float32 average",
    "mvo_sample": "mean-variance weights, sample covariance", "mvo_ledoit_wolf": "mean-variance weights, Ledoit-Wolf",
    "xgboost": "XGBoost", "lightgbm": "LightGBM", "dnn": "the dense network", "transformer": "the Transformer",
    "dropping rows after the rolling windows does not repair them": "a panel whose rows are dropped after the windows",
    "bear": "the bear regime", "bull": "the bull regime", "sideways": "the sideways regime",
}  # fmt: skip
#: masks and learners as rows name them
MASKS = {
    "none": "no mask", "halt_only": "halts masked", "halt": "halts masked", "full": "halts and limits masked",
    "mask_paper": "the papers' mask", "mask_skip": "windows that skip masked days",
    "mask_strict": "strict windows, factor by factor", "row_deletion": "rows deleted",
    "labels_only": "only labels masked", "universe_only": "only orders masked",
}  # fmt: skip
LEARNERS = {"ridge": "ridge", "lightgbm": "LightGBM", "mlp": "MLP"}
#: numbers of a book or a prediction as metrics name them
NUMBERS = {
    "sharpe": "Sharpe ratio", "sharpe_gross": "Sharpe ratio before costs", "max_drawdown": "largest drawdown",
    "annual_return": "return a year", "total_return": "total return", "sortino": "Sortino ratio",
    "turnover": "turnover a day", "apparent_ic.inflation": "excess of the IC over all cells without the mask, in %",
    "apparent_ic": "IC over all cells", "m1_ic": "IC over cells that can be bought",
    "m2_ic": "IC over cells tradable on two days in a row", "truth_ic": "truth IC", "limit_rate": "closes at a limit",
    "mean_ic": "mean IC", "ic_std": "deviation of the daily IC", "information_ratio": "mean IC over its deviation",
    "positive_ic_rate": "share of days with a positive IC", "sign_accuracy": "share of right signs",
    "sign_accuracy_centred": "share of right signs about the day's mean", "ic_gap": "train IC less test IC",
}  # fmt: skip
EPISODES = {"policy_rally": "policy rally", "theme_rotation": "theme rotation"}
#: how the orders of a book are filled, and what becomes of a stock without a prediction
FILLS = {"naive_close": ", every order filled at the close", "executed_open": ", executed at the next open"}
WITHOUT = {"naive": "", "zero": ", a stock without a prediction ranked with 0", "literal": ", predictions as they are",
           "held": ", a stock without a prediction held", "sold": ", a stock without a prediction sold"}  # fmt: skip

_ANY = "|".join(sorted(map(re.escape, MASKS), key=len, reverse=True))
_VARIANT = re.compile(rf"(?<![\w.])({_ANY})(?: (-|against) ({_ANY}))?(?:,? ({'|'.join(LEARNERS)}))?(?![\w.])")
_NUMBER = re.compile(
    rf"(?<![\w.])(?:({'|'.join(FILLS)})\.|({'|'.join(WITHOUT)})\.(?:(\d+)bps\.)?)?"
    rf"({'|'.join(sorted(map(re.escape, NUMBERS), key=len, reverse=True))})(?![\w.])"
)


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


def without_codes(note: str) -> str:
    """A note on an answer with the names of rows and metrics in words.

    >>> without_codes("top-k: none ridge, naive_close.max_drawdown")
    'top-k: no mask, ridge, largest drawdown, every order filled at the close'
    >>> without_codes("mask_paper - none ridge, zero.8bps.sharpe")
    "the papers' mask less no mask, ridge, Sharpe ratio after 8 bps a side, a stock without a prediction ranked with 0"
    >>> without_codes("full text, none of it a sharpe knife")
    'full text, none of it a sharpe knife'
    """
    for code, words in EPISODES.items():
        note = note.replace(code, words)
    return _NUMBER.sub(_number, _VARIANT.sub(_variant, note))


def _variant(found: re.Match[str]) -> str:
    left, sign, right, learner = found.groups()
    if "_" not in left and not right and not learner:
        return found[0]  # a word of the language
    word = f" {'less' if sign == '-' else sign} {MASKS[right]}" if right else ""
    return MASKS[left] + word + (f", {LEARNERS[learner]}" if learner else "")


def _number(found: re.Match[str]) -> str:
    fill, policy, cost, name = found.groups()
    if not fill and not policy and "_" not in name:
        return found[0]
    after = f" after {cost} bps a side" if cost else ""
    return NUMBERS[name] + after + (FILLS[fill] if fill else WITHOUT.get(policy, ""))
