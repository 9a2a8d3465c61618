"""The page "interactions": what attention says of a planted interaction, and what closing its pathways costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.evaluation.arms import ENDPOINTS
from lib.paper.claims import Answer
from lib.paper.claims.ledger import claimed_value
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered, level_answer, markets_behind
from lib.paper.pages.findings import Finding, by_sign, outcome
from lib.paper.pages.layout import opening
from lib.paper.pages.tables import ENDPOINT_FORMATS, ENDPOINT_HEADS, cells
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds
from lib.stats.power import markets_needed
from lib.studies.interactions.measure import (
    ARMS,
    BY,
    CONTRASTS,
    COUNT,
    FACTORS,
    GAIN,
    LEVEL,
    NETWORK,
    PAIR,
    PAIRS,
    PAPERS,
    PLANTED,
    STEP,
    WORLDS,
)

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "Do the attention weights of a Transformer over factors show which factors interact, and does the model need the "
    "pathways with most attention?"
)
ADVICE = (
    "Do not read interactions off attention weights. Ask the prediction: leave out one factor, the other, and both, "
    "and see whether the changes add up.",
    "Close as many random pathways as a control before a loss is put down to the chosen ones.",
)
OF_PAIRS = len(FACTORS) * (len(FACTORS) - 1) // 2
TRUTH = ENDPOINTS[0]
HEADS = {name: ENDPOINT_HEADS[name] for name in (*ENDPOINTS, PAPERS)}
NAMES = {
    "transformer": "Transformer", "mlp": "MLP", "without top": "without the five pairs of most attention",
    "without random": "without five random pairs", "without paper": "without the paper's five pairs",
}  # fmt: skip
WORLD_NAMES = {"interaction": "reversal in calm stocks only", "linear": "reversal in all stocks"}
BY_NAMES = {"attention": "attention", "effect": "effect on the Transformer", "mlp_effect": "effect on the MLP"}
#: what the paper reports for closing its five pairs
CLAIMED = claimed_value("B.interaction.delta_sharpe")
DELTA, REVERSAL = "B.interaction.delta_sharpe", "B.interaction.reversal_vol"
CLAIM_IDS = (DELTA, REVERSAL)


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: attention, predictions and the planted pair, closed pathways, power; then all pairs."""
    numbers = OverSeeds(frame)
    return [_attention(numbers), _effect(numbers), _closed(numbers), _power(numbers), _alike(numbers), _mlp(numbers)]


def _attention(numbers: OverSeeds) -> Finding:
    """The planted pair's place by attention, against the market without it."""
    variant = PAIR.name(pair=PLANTED, by="attention", world="interaction")
    gain = numbers.find(GAIN.name(pair=PLANTED, by="attention"), "rank")
    shown: dict[str, Any] = {
        "rank": numbers.find(variant, "rank").value, "all": float(OF_PAIRS), "gain": gain,
    }  # fmt: skip
    place = (
        "The pair's mean rank among {all:.0f} pairs is {rank:.0f} where it is planted; against the market without it, "
        "it gains {gain:+.0f} ranks."
    )
    return by_sign(
        gain,
        f"Attention ranks the pair of reversal and volatility higher where its interaction is planted. {place}",
        f"Attention ranks the pair of reversal and volatility lower where its interaction is planted. {place}",
        f"Attention is not shown to find the planted interaction of reversal and volatility. {place}",
        **shown,
    )


def _effect(numbers: OverSeeds) -> Finding:
    """The planted pair's place by what predictions do, of both networks."""
    gain, mlp = (numbers.find(GAIN.name(pair=PLANTED, by=by), "rank") for by in BY[1:])
    rank = numbers.find(PAIR.name(pair=PLANTED, by="effect", world="interaction"), "rank").value
    of = (
        "against the market without it the planted pair gains {gain:+.0f} ranks in the Transformer (to {rank:.0f}) and "
        "{mlp:+.0f} in the MLP."
    )
    return outcome({
        f"Predictions show the interaction, the MLP's as well as the Transformer's: {of}": min(gain.low, mlp.low) > 0,
        f"The Transformer's predictions show the interaction, the MLP's are not shown to: {of}": gain.low > 0,
        f"The MLP's predictions show the interaction, the Transformer's are not shown to: {of}": mlp.low > 0,
        f"The predictions of neither network are shown to reflect the interaction: {of}": max(gain.low, mlp.low) <= 0,
    }, gain=gain, mlp=mlp, rank=rank)  # fmt: skip


def _alike(numbers: OverSeeds) -> Finding:
    """Rank correlation over all pairs of attention and mixed differences."""
    alike = numbers.find(NETWORK.name(world="interaction"), "attention_and_effect")
    return outcome({
        "Attention ranks pairs of factors much as their effect on the prediction does: over all pairs the rank "
        "correlation of the two is {alike:+.2f}.": alike.low > 0.5,
        "Attention does not rank pairs of factors as their effect on the prediction does: over all pairs the rank "
        "correlation of the two is {alike:+.2f}.": alike.high < 0.5,
        "Whether attention ranks pairs of factors much as their effect on the prediction does is not decided: over all "
        "pairs the rank correlation of the two is {alike:+.2f}.": alike.low <= 0.5 <= alike.high,
    }, alike=alike)  # fmt: skip


def _step(numbers: OverSeeds, left: str, right: str, metric: str, world: str = "interaction") -> Estimate:
    return numbers.find(STEP.name(left=left, right=right, world=world), metric)


def _closed(numbers: OverSeeds) -> Finding:
    """The five pathways of most attention against five at random, by the truth IC."""
    against, cost = (_step(numbers, "without top", other, TRUTH) for other in ("without random", "transformer"))
    shown = {"against": against, "cost": cost}
    beside = (
        "the truth IC differs by {against:+.4f} from that without five random pathways, and by {cost:+.4f} from that "
        "of the whole network."
    )
    return by_sign(
        against,
        f"Closing the five pathways of most attention costs less than closing five at random: {beside}",
        f"Closing the five pathways of most attention costs more than closing five at random: {beside}",
        f"Closing the five pathways of most attention is not shown to cost more than closing five at random: {beside}",
        **shown,
    )


def _power(numbers: OverSeeds) -> Finding:
    """How many markets would decide the paper's difference."""
    variant = STEP.name(left="without top", right="transformer", world="interaction")
    sample, change = numbers.seeds(variant, PAPERS), numbers.find(variant, PAPERS)
    needed = markets_needed(sample, CLAIMED)
    shown: dict[str, Any] = {"claimed": CLAIMED, "change": change, "needed": needed, "had": float(len(sample))}
    return outcome({
        "Closing these five changes the Sharpe ratio of the papers' back-test by {change:+.2f}, where paper B reports "
        "{claimed:+.2f}. A change of that size would take {needed:.0f} markets to decide, and {had:.0f} were "
        "run.": needed > len(sample),
        "Closing these five changes the Sharpe ratio of the papers' back-test by {change:+.2f}, where paper B reports "
        "{claimed:+.2f}. A change of that size would take {needed:.0f} markets to see; {had:.0f} were run.": True,
    }, **shown)  # fmt: skip


def _mlp(numbers: OverSeeds) -> Finding:
    """Relationships that, the paper says, the MLP cannot model."""
    gain = _step(numbers, "transformer", "mlp", TRUTH)
    mlp = numbers.find(LEVEL.name(arm="mlp", world="interaction"), TRUTH).value
    shown: dict[str, Any] = {"gain": gain, "mlp": mlp}
    return by_sign(
        gain,
        "Where the interaction is planted the Transformer predicts better than the MLP, which has a truth IC of "
        "{mlp:.3f}, by {gain:+.3f}.",
        "Where the interaction is planted the Transformer predicts worse than the MLP, which has a truth IC of "
        "{mlp:.3f}, by {gain:+.3f}.",
        "Whether the Transformer predicts better than the MLP where the interaction is planted is not decided: truth "
        "IC {mlp:.3f} and {gain:+.3f}.",
        **shown,
    )


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------- figure and tables


def ranks(shown: PageResult) -> HTML:
    """The paper's pairs down: place among all pairs by attention and by effect, where the interaction is planted."""
    from lib.paper.pages.forms import forest

    numbers = OverSeeds(shown.rows)
    rows = {
        f"{left}\n{right}": [numbers.find(PAIR.name(pair=pair, by=by, world="interaction"), "rank") for by in BY]
        for pair, (left, right) in PAIRS.items()
    }
    title = findings(shown.rows)[1].title("Where the paper's pairs stand among all pairs of factors")
    return plot(forest(rows, title, f"rank among {OF_PAIRS} pairs, 1: the most", series=tuple(BY_NAMES.values()),
                       reference=(OF_PAIRS + 1) / 2, note=f"line: by chance; {shown.note}"))  # fmt: skip


def ranks_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The paper's pairs and scores down; place where the interaction is planted, where not, and the difference."""
    numbers = OverSeeds(frame)
    rows = [
        {
            "pair": f"{left}, {right}",
            "by": BY_NAMES[by],
            **{world: numbers.find(PAIR.name(pair=pair, by=by, world=world), "rank").value for world in WORLDS},
            "share": numbers.find(PAIR.name(pair=pair, by=by, world="interaction"), "in_top").value,
            **numbers.find(GAIN.name(pair=pair, by=by), "rank").columns("gain"),
        }
        for pair, (left, right) in PAIRS.items()
        for by in BY
    ]
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def levels_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Markets and networks down, endpoints across."""
    numbers = OverSeeds(frame)
    rows = [
        {"market": WORLD_NAMES[world], "network": NAMES[arm]} | cells(numbers, LEVEL.name(arm=arm, world=world), HEADS)
        for world in WORLDS
        for arm in ARMS
    ]
    return pd.DataFrame(rows).dropna(axis=1, how="all").dropna(thresh=3)


def differences_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Markets and pairs of networks down, endpoints across, paired over markets, gross before net."""
    numbers = OverSeeds(frame)
    rows = [
        {"market": WORLD_NAMES[world], "difference": f"{NAMES[left]}, against {NAMES[right]}"}
        | cells(numbers, STEP.name(left=left, right=right, world=world), HEADS)
        for world in WORLDS
        for left, right in CONTRASTS
    ]
    return pd.DataFrame(rows).dropna(axis=1, how="all").dropna(thresh=3)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The places of the paper's pairs."""
    return ranks_table(frame).set_index(["pair", "by"])


def places(shown: PageResult) -> HTML:
    """Places of the paper's pairs."""
    heads = {"pair": "pair", "by": "ranked by", "interaction": "mean rank, planted", "linear": "mean rank, not planted",
             "share": "among the first five, % of markets", "gain": "ranks gained"}  # fmt: skip
    formats = {"interaction": ".0f", "linear": ".0f", "share": ".0%", "gain": "+.0f"}
    return table(ranks_table(shown.rows), "interactions_ranks", columns=heads, formats=formats, caption=shown.note)


def levels(shown: PageResult) -> HTML:
    """Every network on both markets."""
    heads = {"market": "market", "network": "network"} | HEADS
    return table(levels_table(shown.rows), "interactions", columns=heads, formats=ENDPOINT_FORMATS, caption=shown.note)


def differences(shown: PageResult) -> HTML:
    """Every paired difference on both markets."""
    heads = {"market": "market", "difference": "difference"} | HEADS
    return table(differences_table(shown.rows), "interactions_differences", columns=heads, formats=ENDPOINT_FORMATS,
                 caption=shown.note)  # fmt: skip


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """The loss without the five pairs of most attention, in the papers' back-test, and the place of the planted pair.

    The second is an order: place 5.5 minus that of the pair is positive where it is among the first five.
    """
    numbers = OverSeeds(frame)
    item = answered(numbers, STEP.name(left="without top", right="transformer", world="interaction"), PAPERS,
                    "difference")  # fmt: skip
    note = "simulated market with the interaction, 39 factors, five pathways of most attention closed: Sharpe ratio"
    answers = level_answer(DELTA, item, note, "interactions")
    key = (PAIR.name(pair=PLANTED, by="attention", world="interaction"), "rank")
    rank = numbers.find(*key)
    if math.isnan(rank.low):
        return answers
    parts = [(COUNT + 0.5 - rank.value, COUNT + 0.5 - rank.high, COUNT + 0.5 - rank.low)]
    note = f"simulated market with the interaction: mean place of the pair by attention, {rank.value:.0f} of {OF_PAIRS}"
    behind = markets_behind(numbers, [key])
    return [*answers, Answer(REVERSAL, note=note, page="interactions", parts=parts, markets=behind)]
