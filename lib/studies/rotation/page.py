"""The page "rotation": who catches a theme rotation and how soon, and whether factor weights follow the regime."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.paper.claims import Answer
from lib.paper.claims.ledger import claimed_value
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered, level_answer
from lib.paper.pages.findings import Finding, by_sign, outcome
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.tables import ENDPOINT_FORMATS, ENDPOINT_HEADS, cells
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds
from lib.stats.power import markets_needed
from lib.studies.rotation.measure import CHANGED, EARLY, GROUPS, LEARNERS, LENGTH, LEVEL, METRICS, PAIRS, STEP, WEIGHTS

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "When one theme carries the market for a quarter, does a Transformer over factors rank its stocks high "
    "sooner than an MLP does, and do factor weights change with the regime in the direction that pays?"
)
ADVICE = (
    "A quarter of one market decides nothing about two models: its Sharpe ratio is mostly chance.",
    "A model that is fitted once can change its weights only with the factors of the day. Ask the truth, or later "
    "returns, whether the change goes the right way before it is called adaptation.",
)
TRUTH, _, TILT, GROSS, _, _, PAPERS = METRICS
HEADS = {name: ENDPOINT_HEADS.get(name, "rank of the theme's stocks less that of the others, % of all ranks")
         for name in METRICS}  # fmt: skip
FORMATS = ENDPOINT_FORMATS | {TILT: "+.1%"}
NAMES = {"ridge": "ridge", "mlp": "MLP", "transformer": "Transformer", "truth": "true weights"}
GROUP_NAMES = {
    "before": "before", "early": f"its first {EARLY} sessions", "rotation": "the rotation", "after": "after",
    "bear": "bear market", "rally": "rally",
}  # fmt: skip
CLAIM = "B.case.rotation.transformer"
CLAIMED = claimed_value(CLAIM)
CLAIM_IDS = (CLAIM,)


def step(numbers: OverSeeds, metric: str, group: str, left: str = "transformer", right: str = "mlp") -> Estimate:
    """One learner minus another on some sessions."""
    return numbers.find(STEP.name(left=left, right=right, group=group), metric)


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: the paper's gain and how many markets it would take, sooner, better, adaptation."""
    numbers = OverSeeds(frame)
    return [_power(numbers), _sooner(numbers), _better(numbers), _adapts(numbers)]


def _sooner(numbers: OverSeeds) -> Finding:
    """Rank of the theme's stocks in the first sessions, in percentiles."""
    early, whole = (step(numbers, TILT, group).times(100) for group in ("early", "rotation"))
    shown: dict[str, Any] = {"early": early, "whole": whole.value}
    beside = (
        f"its mean rank of them differs by {{early:+.1f}} percentiles in the first {EARLY} sessions, and by "
        f"{{whole:+.1f}} over all {LENGTH}."
    )
    return by_sign(
        early,
        f"The Transformer ranks the theme's stocks higher than the MLP does, from early on: {beside}",
        f"The Transformer ranks the theme's stocks lower than the MLP does, from early on: {beside}",
        f"The Transformer is not shown to rank the theme's stocks higher or lower than the MLP early on: {beside}",
        **shown,
    )


def _better(numbers: OverSeeds) -> Finding:
    """The truth IC during the rotation, and books gross of costs."""
    gain, gross = (step(numbers, metric, "rotation") for metric in (TRUTH, GROSS))
    shown = {"gain": gain, "gross": gross}
    beside = "the truth IC differs by {gain:+.3f}, the Sharpe ratio over equal weight before costs by {gross:+.2f}."
    return by_sign(
        gain,
        f"During the rotation the Transformer predicts better than the MLP: {beside}",
        f"During the rotation the Transformer predicts worse than the MLP: {beside}",
        f"During the rotation it is not decided which of Transformer and MLP predicts better: {beside}",
        **shown,
    )


def _power(numbers: OverSeeds) -> Finding:
    """How many markets would decide the paper's difference of one quarter."""
    variant = STEP.name(left="transformer", right="mlp", group="rotation")
    sample, gain = numbers.seeds(variant, PAPERS), numbers.find(variant, PAPERS)
    spread = float(sample.std(ddof=1)) if len(sample) > 2 else math.nan
    needed = markets_needed(sample, CLAIMED)
    shown: dict[str, Any] = {
        "claimed": CLAIMED, "gain": gain, "spread": spread, "needed": needed, "had": float(len(sample)),
    }  # fmt: skip
    return outcome({
        "In paper B's quarter the Transformer's Sharpe ratio is ahead of the MLP's by {claimed:+.1f}; here it differs "
        "by {gain:+.2f}. That difference has a standard deviation of {spread:.1f} over markets: one of the paper's "
        "size would take {needed:.0f} markets to decide, and {had:.0f} were run.": needed > len(sample),
        "In paper B's quarter the Transformer's Sharpe ratio is ahead of the MLP's by {claimed:+.1f}; here it differs "
        "by {gain:+.2f}. That difference has a standard deviation of {spread:.1f} over markets: one quarter decides "
        "nothing, {had:.0f} markets do ({needed:.0f} are enough).": True,
    }, **shown)  # fmt: skip


def _adapts(numbers: OverSeeds) -> Finding:
    """Do the MLP's factor weights move as the truth's do, in the rotation, the bear market and the rally?"""
    follows = [numbers.find(WEIGHTS.name(learner="mlp", group=group), "follows") for group in CHANGED]
    change = numbers.find(WEIGHTS.name(learner="mlp", group="rotation"), "change").value
    up, down = sum(item.low > 0 for item in follows), sum(item.high < 0 for item in follows)
    unknown = math.nan if any(math.isnan(item.low) for item in follows) else 0.0
    shown: dict[str, Any] = {
        "change": change + unknown, "rotation": follows[0], "bear": follows[1], "rally": follows[2],
    }  # fmt: skip
    beside = (
        "they change by {change:.0%} in the rotation. The correlation of their change with that of the true weights is "
        "{rotation:+.2f} there, {bear:+.2f} in the bear market and {rally:+.2f} in the rally."
    )
    return outcome({
        f"The MLP's factor weights move with the regime, in the direction that pays: {beside}": up == len(follows),
        f"The MLP's factor weights move with the regime, against the direction that pays: {beside}": down > up,
        f"The MLP's factor weights move with the regime, but not reliably in the direction that pays: {beside}": True,
    }, **shown)  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------- figures and tables


def _ran(frame: pd.DataFrame) -> list[str]:
    return [name for name in LEARNERS if (frame["variant"] == LEVEL.name(learner=name, group="before")).any()]


def tilt(shown: PageResult) -> HTML:
    """Sessions down: how much higher each learner ranks the theme's stocks than the others."""
    from lib.paper.pages.forms import forest

    numbers, who = OverSeeds(shown.rows), _ran(shown.rows)
    rows = {
        GROUP_NAMES[group]: [numbers.find(LEVEL.name(learner=name, group=group), TILT).times(100) for name in who]
        for group in GROUPS
    }
    title = _sooner(numbers).title("How much higher each learner ranks the theme's stocks")
    return plot(forest(rows, title, "percentiles of rank above the other stocks",
                       series=[NAMES[name] for name in who], note=shown.note))  # fmt: skip


def levels_table(frame: pd.DataFrame, group: str = "rotation") -> pd.DataFrame:
    """Learners down, then their differences; endpoints across, with 95 % intervals over markets."""
    numbers = OverSeeds(frame)
    variants = {NAMES[name]: LEVEL.name(learner=name, group=group) for name in LEARNERS}
    variants |= {
        f"{NAMES[left]} against {NAMES[right]}": STEP.name(left=left, right=right, group=group) for left, right in PAIRS
    }
    rows = [{"learner": words} | cells(numbers, variant, HEADS) for words, variant in variants.items()]
    return pd.DataFrame(rows).dropna(axis=1, how="all").dropna(thresh=2)


def weights_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Sessions and learners down: change of weights from those before, and its correlation with the truth's."""
    numbers = OverSeeds(frame)
    rows = [
        {
            "sessions": GROUP_NAMES[group],
            "weights of": NAMES[name],
            **numbers.find(WEIGHTS.name(learner=name, group=group), "change").columns("change"),
            **numbers.find(WEIGHTS.name(learner=name, group=group), "follows").columns("follows"),
        }
        for group in CHANGED
        for name in NAMES
    ]
    return pd.DataFrame(rows).dropna(axis=1, how="all").dropna(thresh=3)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The learners during the rotation."""
    return levels_table(frame).set_index("learner")


def levels(shown: PageResult) -> HTML:
    """Every learner, a tab for each stretch of sessions, the rotation first."""
    return tabs({
        GROUP_NAMES[group]: table(levels_table(shown.rows, group), f"rotation_{group}",
                                  columns={"learner": "learner"} | HEADS, formats=FORMATS, caption=shown.note)
        for group in ("rotation", *(name for name in GROUPS if name != "rotation"))
    })  # fmt: skip


def weights(shown: PageResult) -> HTML:
    """Changes of factor weights against those before the rotation."""
    heads = {"sessions": "sessions", "weights of": "weights of", "change": "change, % of the weights before",
             "follows": "correlation with the change of the true weights"}  # fmt: skip
    return table(weights_table(shown.rows), "rotation_weights", columns=heads,
                 formats={"change": ".0%", "follows": "+.2f"},
                 caption=f"an empty cell: nothing changes, or the true weights themselves; {shown.note}")  # fmt: skip


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Transformer minus MLP during the rotation, in the papers' own back-test, in which every order fills."""
    variant = STEP.name(left="transformer", right="mlp", group="rotation")
    item = answered(OverSeeds(frame), variant, PAPERS, "difference")
    note = "simulated market, scripted theme rotation of 60 sessions, both networks on the same samples: Sharpe ratio"
    return level_answer(CLAIM, item, note, "rotation")
