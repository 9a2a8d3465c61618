"""The page "models": what each learner finds, earns and pays, and how many markets would tell them apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.models.baselines import BASELINES
from lib.models.settings import TUNED
from lib.paper.claims import Answer
from lib.paper.claims.ledger import claimed_difference, claimed_value
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered, level_answer, markets_behind
from lib.paper.pages.findings import Finding, by_sign, first, outcome
from lib.paper.pages.forms import forest
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.sources import window_title
from lib.paper.pages.style import BLUE, VERMILLION
from lib.paper.pages.tables import cells
from lib.stats.estimates import Estimate
from lib.stats.keys import Key
from lib.stats.over_seeds import OverSeeds, seed_values
from lib.stats.power import markets_to_decide
from lib.studies.models.measure import BOOK, WORLDS
from lib.studies.models.search import RANGES, TRIAL, drawn

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

QUESTION = (
    "The papers rank XGBoost, LightGBM, a deep network and a Transformer in this order. With the same factors, refits "
    "and book, does it matter which model turns factors into predictions?"
)
ADVICE = (
    "Begin with ridge: it costs seconds, and what a larger model adds must be shown against it.",
    "Compare models by the truth IC, or on very many markets: Sharpe ratios of one path "
    "cannot tell two good models apart.",
)
PLACES = {"linear": "linear alpha", "interaction": "reversal in calm stocks"}
NAMES = {
    "ridge": "ridge", "lasso": "lasso", "svm": "support vectors", "random_forest": "random forest",
    "extra_trees": "extra trees", "gradient_boosting": "gradient boosting", "xgboost": "XGBoost",
    "lightgbm": "LightGBM", "lightgbm_goss": "LightGBM, GOSS", "lightgbm_labels": "LightGBM, industries as sets",
    "lightgbm_dummies": "LightGBM, industries one-hot", "lightgbm_unbundled": "LightGBM, one-hot, no EFB",
    "lightgbm_few": "LightGBM, 20,000 samples", "mlp": "MLP", "mlp_few": "MLP, 20,000 samples",
    "residual_network": "residual network", "transformer": "Transformer over factors",
    "time_transformer": "Transformer over days", "lstm": "LSTM", "gru": "GRU",
    "mean_of_three": "mean of ridge, LightGBM, MLP", "textbook_rules": "technical rules, textbook",
    "fitted_rules": "technical rules, fitted signs", "arima": "ARIMA, pooled", "fama_macbeth": "market and size betas",
}  # fmt: skip
LEVEL = Key("{learner} | {place}", learner=BASELINES)
PAIR = Key("{left} - {right} | {place}", left=BASELINES, right=BASELINES)
TRUTH, GROSS, NET, MATCHED = "truth_ic", f"{BOOK}.active_sharpe_gross", f"{BOOK}.active_sharpe", f"{BOOK}.matched"
HEADS = {
    "learner": "learner", TRUTH: "truth IC", "m1_ic": "IC", GROSS: "Sharpe ratio over equal weight, before costs",
    NET: "after costs of 8 bps a side", f"{BOOK}.turnover": "turnover a day, share of the book",
    "spearman": "Spearman correlation", "kendall": "Kendall correlation",
    "mse": "squared error over that of predicting 0", "mae": "absolute error over that of predicting 0",
    "sign_accuracy": "right signs", "sign_base_rate": "share of the commoner sign",
    "dispersion": "deviation of predictions over that of returns",
    "m1_ic.training_sd": "deviation of the IC over training seeds",
    "markets": "markets",
}  # fmt: skip
FORMATS = {TRUTH: "+.3f", "m1_ic": "+.4f", GROSS: "+.2f", NET: "+.2f", f"{BOOK}.turnover": ".2f", "spearman": "+.4f",
           "kendall": "+.4f", "mse": ".4f", "mae": ".4f", "sign_accuracy": ".1%", "sign_base_rate": ".1%",
           "dispersion": ".3f", "m1_ic.training_sd": ".4f"}  # fmt: skip
#: the model of paper A's Table III -> ours, in the papers' order
THEIRS = {"xgboost": "xgboost", "lightgbm": "lightgbm", "dnn": "residual_network", "transformer": "time_transformer"}
#: the table as differences: (left, right) -> the gain in Sharpe ratio that it has
ORDER = {
    (THEIRS[better], THEIRS[worse]): claimed_difference(f"A.models.{better}.sharpe", f"A.models.{worse}.sharpe")
    for worse, better in pairwise(THEIRS)
}
#: how the settings of learners were chosen that this study does not search, and by how many trials
_OF_TUNING = ("20 trials, see Settings of the learners", 20)
_OF_NETWORKS = ("8 trials, see Settings of the networks", 8)
ELSEWHERE: dict[str, tuple[str, int]] = {
    "ridge": _OF_TUNING, "lightgbm": _OF_TUNING, "mlp": _OF_TUNING,
    **dict.fromkeys(("transformer", "time_transformer", "lstm", "gru"), _OF_NETWORKS),
    "lasso": ("penalty in each fit, of 16", 16), "svm": ("cost in each fit, of 2; kernel and width not searched", 0),
    **dict.fromkeys(("lightgbm_goss", "lightgbm_labels", "lightgbm_dummies", "lightgbm_unbundled", "lightgbm_few"),
                    ("LightGBM's", 20)),
    "mlp_few": ("the MLP's", 20), "mean_of_three": ("its members'", 20),
}  # fmt: skip
#: samples whose columns are the factors
OF_FACTORS = ("factors", "labels", "dummies")
USED, TEN = "importance ", "importance of ten"


def places(frame: pd.DataFrame) -> list[str]:
    """Worlds, and windows of a file, in the order of the frame."""
    found = (LEVEL.parts(str(name)) for name in frame["variant"].unique())
    return list(dict.fromkeys(parts["place"] for parts in found if parts))


def place_name(place: str) -> str:
    """A world, or a window of a price file, in words."""
    return PLACES.get(place) or window_title(place)


def window_a(frame: pd.DataFrame) -> str:
    """The place of paper A's window of a price file; "" without one."""
    return next((place for place in places(frame) if place.endswith(" paper A")), "")


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: paper A's order, ridge against trees, the table on real prices, a mean of models, rules."""
    numbers, real = OverSeeds(frame), window_a(frame)

    def pair(left: str, right: str, place: str, metric: str = TRUTH) -> Estimate:
        return numbers.find(PAIR.name(left=left, right=right, place=place), metric)

    trees = {world: pair("lightgbm", "ridge", world) for world in WORLDS}
    rules = numbers.find(LEVEL.name(learner="textbook_rules", place="linear"), TRUTH)
    mean = pair("mean_of_three", "ridge", "interaction")
    steps = {(left, right, world): pair(left, right, world) for left, right in ORDER for world in WORLDS}
    return [
        *([] if any(math.isnan(step.low) for step in steps.values()) else [_order_of_four(steps)]),
        by_sign(
            trees["linear"],
            "Where the alpha is linear, LightGBM predicts better than ridge: their truth ICs differ by {gap:+.3f}.",
            "Where the alpha is linear, LightGBM predicts worse than ridge: their truth ICs differ by {gap:+.3f}.",
            "Where the alpha is linear, LightGBM and ridge cannot be told apart: their truth ICs differ by {gap:+.3f}.",
            gap=trees["linear"],
        ),
        by_sign(
            trees["interaction"],
            "Where reversal pays only at low volatility, LightGBM predicts better than ridge: their truth ICs differ "
            "by {gap:+.3f}.",
            "Even where reversal pays only at low volatility, LightGBM predicts worse than ridge: their truth ICs "
            "differ by {gap:+.3f}.",
            "Even where reversal pays only at low volatility, LightGBM cannot be told from ridge: their truth ICs "
            "differ by {gap:+.3f}.",
            gap=trees["interaction"],
        ),
        *([_claimed(numbers, real)] if real else []),
        by_sign(
            mean,
            "Where reversal pays only at low volatility, the mean of ridge, LightGBM and the MLP predicts better than "
            "ridge alone: the truth ICs differ by {gap:+.3f}.",
            "Where reversal pays only at low volatility, the mean of ridge, LightGBM and the MLP predicts worse than "
            "ridge alone: the truth ICs differ by {gap:+.3f}.",
            "Where reversal pays only at low volatility, the mean of ridge, LightGBM and the MLP cannot be told from "
            "ridge alone: the truth ICs differ by {gap:+.3f}.",
            gap=mean,
        ),
        by_sign(
            rules,
            "Technical rules with their textbook signs find some of the linear alpha: their truth IC is {level:+.3f}.",
            "Technical rules with their textbook signs predict the linear alpha the wrong way round: their truth IC is "
            "{level:+.3f}.",
            "Technical rules with their textbook signs are not shown to find any of the linear alpha: their truth IC "
            "is {level:+.3f}.",
            level=rules,
        ),
    ]  # fmt: skip


def _order_of_four(steps: Mapping[tuple[str, str, str], Estimate]) -> Finding:
    """Paper A's order of its four models, step by step in both markets."""
    (left, right, world), worst = min(steps.items(), key=lambda item: item[1].high)
    counted = (
        "of its steps from one model to the next, three in each of two simulated markets, {ahead:.0f} are shown as "
        "stated and {behind:.0f} the other way round (truth IC, 95 % intervals)."
    )
    said = "Paper A's order of its four models"
    ahead, behind = sum(step.low > 0 for step in steps.values()), sum(step.high < 0 for step in steps.values())
    return first([
        Finding(f"{said} holds: {counted}", holds=ahead == len(steps), ahead=ahead, behind=behind),
        Finding(
            f"{said} is not found: {counted} With {PLACES[world]}, the {NAMES[left]} is behind {NAMES[right]} by "
            "{lead:.3f}.",
            holds=worst.high < 0, lead=worst.against, ahead=ahead, behind=behind,
        ),
        Finding(f"{said} is not shown: {counted}", holds=True, ahead=ahead, behind=behind),
    ])  # fmt: skip


def _claimed(numbers: OverSeeds, place: str) -> Finding:
    """Paper A's table on real prices: its correlations beside ours."""
    claimed = [claimed_value(f"A.models.{model}.correlation") for model in THEIRS]
    found = [numbers.one_path(LEVEL.name(learner=learner, place=place), "m1_ic") for learner in THEIRS.values()]
    known = not any(math.isnan(item.value) for item in found)
    best = max(found, key=lambda item: item.value) if known else Estimate(math.nan)
    text = (
        f"On {place_name(place)}, the four models of paper A's table have ICs of up to {{best:+.3f}}, where the table "
        "states {least:.3f} to {most:.3f}."
    )
    return outcome({
        f"{text} Every stated IC lies above the 95 % interval of ours.":
            all(item.high < stated for item, stated in zip(found, claimed, strict=True)),
        f"{text} Not every stated IC lies above the 95 % interval of ours.": True,
    }, best=best, least=min(claimed), most=max(claimed))  # fmt: skip


def _marked(frame: pd.DataFrame, learner: str) -> str:
    """The learner's name; one whose settings a search could set and none has is marked."""
    return NAMES[learner] + ("" if learner not in RANGES or how_tuned(frame, learner)[1] else ", not tuned")


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- exhibits


def levels(frame: pd.DataFrame, place: str) -> pd.DataFrame:
    """Learners down, measures across, with intervals over markets."""
    numbers, rows = OverSeeds(frame), []
    for learner in BASELINES:
        variant = LEVEL.name(learner=learner, place=place)
        found = {metric: numbers.find(variant, metric) for metric in HEADS if metric not in ("learner", "markets")}
        if any(not math.isnan(item.value) for item in found.values()):
            row: dict[str, Any] = {"learner": _marked(frame, learner), "markets": len(numbers.seeds(variant, "m1_ic"))}
            for metric, item in found.items():
                row |= item.columns(metric)
            rows.append(row)
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def gaps(frame: pd.DataFrame, place: str) -> pd.DataFrame:
    """Pairs down; paired differences of their ICs and of their books."""
    numbers, rows = OverSeeds(frame), []
    for name in numbers.variants:
        parts = PAIR.parts(name)
        if parts and parts["place"] == place:
            left, right = (_marked(frame, parts[side]) for side in ("left", "right"))
            metrics = (TRUTH, "m1_ic", GROSS, NET, f"{MATCHED}.active_sharpe", f"{BOOK}.break_even_bps")
            rows.append({"compared": f"{left} against {right}"} | cells(numbers, name, metrics))
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def power(frame: pd.DataFrame) -> pd.DataFrame:
    """Paper A's order: the gain it states, its spread over markets here, and the markets that would decide it."""
    numbers, rows = OverSeeds(frame), []
    for (left, right), gain in ORDER.items():
        for place in (world for world in WORLDS if world in places(frame)):
            sample = numbers.seeds(PAIR.name(left=left, right=right, place=place), GROSS)
            if len(sample) >= 2:
                rows.append({
                    "compared": f"{NAMES[left]} against {NAMES[right]}", "market": PLACES[place], "stated": gain,
                    "deviation": float(np.std(sample, ddof=1)), "needed": markets_to_decide(sample, gain),
                    "here": len(sample),
                })  # fmt: skip
    return pd.DataFrame(rows, columns=["compared", "market", "stated", "deviation", "needed", "here"])


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The levels in every place."""
    return pd.concat({place: levels(frame, place).set_index("learner") for place in places(frame)}, names=["place"])


def importances(frame: pd.DataFrame, place: str) -> pd.DataFrame:
    """Learners down that read the factors and have importances; shares of families and of the ten largest across."""
    numbers, rows = OverSeeds(frame), []
    families = dict.fromkeys(metric for _, metric in numbers if metric.startswith(USED) and metric != TEN)
    for learner, entry in BASELINES.items():
        variant = LEVEL.name(learner=learner, place=place)
        if entry.samples in OF_FACTORS and not math.isnan(numbers.find(variant, TEN).value):
            found = {family.removeprefix(USED): numbers.find(variant, family).value for family in families}
            rows.append({"learner": NAMES[learner], **found, "ten largest": numbers.find(variant, TEN).value})
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def how_tuned(frame: pd.DataFrame, learner: str) -> tuple[str, int]:
    """How the settings of a learner were chosen, and how many trials decided: 0 for none.

    A search counts once its trials are in the frame and the best of them, by mean validation IC over its markets, is
    what the learner runs with (`lib.models.settings`).
    """
    if learner not in RANGES:
        return ELSEWHERE.get(learner, ("nothing to choose", 0))
    best, count = best_trial(frame, learner)
    if not count:
        return "not searched", 0
    if drawn(learner, best) != dict(TUNED.get(learner, {})):
        return f"searched, but trial {best} of {count} is not what it runs with", 0
    return f"trial {best} of {count}", count


def best_trial(frame: pd.DataFrame, learner: str) -> tuple[int, int]:
    """(trial with the best mean validation IC, number of trials)."""
    found, scores = seed_values(frame[frame["metric"] == "validation_ic"]), list[float]()
    while (key := (TRIAL.name(learner=learner, trial=len(scores)), "validation_ic")) in found:
        scores.append(float(found[key].mean()))
    return (int(np.argmax(scores)), len(scores)) if scores else (0, 0)


def settings_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Learners down: settings that a search could set, how they were chosen, trials, what the search gained."""
    numbers, rows = OverSeeds(frame), []
    for learner in BASELINES:
        said, trials = how_tuned(frame, learner)
        best, _ = best_trial(frame, learner)
        own, found = (numbers.find(TRIAL.name(learner=learner, trial=trial), TRUTH).value for trial in (0, best))
        rows.append({
            "learner": NAMES[learner], "settings": ", ".join(RANGES.get(learner, {})).replace("_", " "), "chosen": said,
            "trials": trials, "gain": found - own,
        })  # fmt: skip
    return pd.DataFrame(rows)


def information_figure(frame: pd.DataFrame, note: str = "") -> Figure:
    """Truth IC of every learner in the two worlds."""
    numbers = OverSeeds(frame)
    worlds = [world for world in WORLDS if world in places(frame)]
    found = {learner: [numbers.find(LEVEL.name(learner=learner, place=world), TRUTH) for world in worlds]
             for learner in BASELINES}  # fmt: skip
    rows = {
        _marked(frame, name): items
        for name, items in found.items()
        if any(not math.isnan(item.value) for item in items)
    }
    title = findings(frame)[1].title("Truth IC of every model")
    return forest(rows, title, "truth IC", series=[PLACES[world] for world in worlds], colors=(BLUE, VERMILLION),
                  pitch=0.12, note=note)  # fmt: skip


def information(shown: PageResult) -> HTML:
    """The figure."""
    return plot(information_figure(shown.rows, shown.note))


def every_level(shown: PageResult) -> HTML:
    """The table of levels, a tab for each place."""
    return tabs({
        place_name(place): table(levels(shown.rows, place), f"models_{place.replace(' ', '_')}", columns=HEADS,
                                        formats=FORMATS, caption=note_of(shown, place))
        for place in places(shown.rows)
    })  # fmt: skip


def note_of(shown: PageResult, place: str) -> str:
    """Small print: of a file there is one path, however often it is learned."""
    return shown.note if place in PLACES else "one path, 95 % intervals over its days; mean of training seeds"


def every_gap(shown: PageResult) -> HTML:
    """The table of paired differences, a tab for each place."""
    heads = {"compared": "compared", TRUTH: "truth IC", "m1_ic": "IC", GROSS: HEADS[GROSS], NET: HEADS[NET],
             f"{MATCHED}.active_sharpe": "after costs at equal turnover"}  # fmt: skip
    forms = FORMATS | {f"{MATCHED}.active_sharpe": "+.2f"}
    return tabs({
        place_name(place): table(gaps(shown.rows, place), f"models_gaps_{place.replace(' ', '_')}", columns=heads,
                                 formats=forms, caption=note_of(shown, place))
        for place in places(shown.rows)
    })  # fmt: skip


def how_many(shown: PageResult) -> HTML:
    """How many markets would decide paper A's order."""
    heads = {"compared": "compared", "market": "market", "stated": "Sharpe gain in paper A",
             "deviation": "standard deviation over markets", "needed": "markets needed",
             "here": "markets here"}  # fmt: skip
    return table(power(shown.rows), "models_power", columns=heads, formats={"stated": "+.2f", "deviation": ".2f"},
                 caption=f"difference of Sharpe ratios over equal weight before costs; {shown.note}")  # fmt: skip


def what_is_used(shown: PageResult) -> HTML:
    """The table of importances, a tab for each place."""
    found = {place: importances(shown.rows, place) for place in places(shown.rows)}
    return tabs({
        place_name(place): table(frame, f"models_importance_{place.replace(' ', '_')}", caption=note_of(shown, place),
                                 formats=dict.fromkeys(frame.columns[1:], ".0%"))
        for place, frame in found.items() if len(frame)
    })  # fmt: skip


def settings(shown: PageResult) -> HTML:
    """How the settings of each learner were chosen."""
    heads = {"learner": "learner", "settings": "settings searched here", "chosen": "chosen by", "trials": "trials"}
    found = settings_table(shown.rows)
    if found["gain"].notna().any():
        heads["gain"] = "gain in truth IC"
    return table(found, "models_settings", columns=heads, formats={"gain": "+.3f"},
                 caption="an empty cell: not searched on this page")  # fmt: skip


# -------------------------------------------------------------------------------------------- claims

_CLAIMED = {"correlation": ("m1_ic", 1.0), "sharpe": ("naive_close.sharpe", 1.0),
            "annual_return": ("naive_close.annual_return", 100.0)}  # fmt: skip
ORDER_CLAIM = "A.models.order"
CLAIM_IDS = (*(f"A.models.{model}.{metric}" for model in THEIRS for metric in _CLAIMED), ORDER_CLAIM)


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Levels in paper A's window of a price file, where one was given; the order by truth IC in both worlds.

    No claim is answered with a learner that was not searched: it may have lost for that.
    """
    numbers = OverSeeds(frame)
    real = window_a(frame)
    ready = {model: learner for model, learner in THEIRS.items() if how_tuned(frame, learner)[1]}
    answers = []
    for model, learner in ready.items() if real else ():
        for claimed, (metric, unit) in _CLAIMED.items():
            item = answered(numbers, f"{learner} | {real}", metric, "level", unit)
            note = f"{NAMES[learner]}, {place_name(real)}: {metric}"
            answers += level_answer(f"A.models.{model}.{claimed}", item, note, "models")
    return answers + (_order(numbers) if len(ready) == len(THEIRS) else [])


def _order(numbers: OverSeeds) -> list[Answer]:
    keys = [PAIR.name(left=left, right=right, place=world) for left, right in ORDER for world in WORLDS]
    parts = [numbers.find(key, TRUTH) for key in keys]
    if any(math.isnan(part.low) for part in parts):
        return []
    gross = ", ".join(numbers.find(key, GROSS).text() for key in keys)
    note = f"truth IC, each step in both worlds; gross active Sharpe ratios {gross}"
    ends = [(part.value, part.low, part.high) for part in parts]
    behind = markets_behind(numbers, [(key, TRUTH) for key in keys])
    return [Answer(ORDER_CLAIM, note=note, page="models", parts=ends, markets=behind)]
