"""The page "ablation": what each component of the papers' system contributes where there is something to predict."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from lib.evaluation.ladder import FULL, MASK, Ladder, View
from lib.evaluation.lagged_optimiser import SENSES
from lib.evaluation.scoring import SESSIONS
from lib.paper.claims import Answer
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, by_sign
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.tables import Format, text_of
from lib.stats.over_seeds import OverSeeds
from lib.studies.ablation.measure import NAIVE
from lib.studies.own_setting_ladder import shared

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "Paper B takes one component at a time out of its system and finds that the mask is worth most, more than loss, "
    "synthetic panel, covariance and Transformer. On simulated markets with a known alpha, with orders that the "
    "exchange may refuse: what does each contribute, and in which order?"
)
ADVICE = (
    "Judge a component first by what its predictions know, then by its book before costs, and only then after costs.",
    "Give an order of contributions with its uncertainty: the largest of five estimates is not the largest of five "
    "components.",
    "Hedge the market before comparing: systems hold different shares of it.",
)
VIEW = View("ablation", "appraisal", "hedged Sharpe ratio", SESSIONS)
NOTE = "simulated market, every order filled at the close"
#: column of the papers' ablation table -> our metric, factor to the claim's unit: the papers' own back-test
COLUMNS = {"sharpe": (f"{NAIVE}.8bps.sharpe", 1.0), "max_drawdown": (f"{NAIVE}.max_drawdown", 100.0),
           "ic": ("apparent_ic", 1.0)}  # fmt: skip
CLAIM_IDS = shared.CLAIM_IDS
HEADS = {
    "truth_ic": "truth IC", "m1_ic": "IC, buyable cells", "coverage": "cells predicted",
    "turnover": "turnover a day, share of the book", "0bps.appraisal": "hedged Sharpe ratio a year, before costs",
    "5bps.appraisal": "after 5 bps a side", "8bps.appraisal": "after 8 bps a side",
    "8bps.sharpe": "Sharpe ratio a year, after 8 bps a side", "beta": "beta", "max_drawdown": "largest drawdown",
    "held": "names held",
}  # fmt: skip
FORMATS: dict[str, Format] = {
    "truth_ic": "+.3f", "m1_ic": "+.4f", "0bps.appraisal": "+.2f", "8bps.appraisal": "+.2f", "8bps.sharpe": "+.2f",
    "max_drawdown": ".1%", "coverage": partial(text_of, form=".0%"), "turnover": partial(text_of, form=".2f"),
    "beta": partial(text_of, form=".2f"),
}  # fmt: skip
#: what a tab shows; the files have everything
SHOWN = ("truth_ic", "0bps.appraisal", "8bps.appraisal", "coverage", "turnover", "beta")
SHOWN_NAIVE = ("m1_ic", "8bps.sharpe", "max_drawdown", "coverage", "turnover")
#: metrics of predictions, which do not depend on a book
OF_PREDICTIONS = ("truth_ic", "m1_ic", "coverage")


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says."""
    ladder = Ladder(OverSeeds(frame))
    return [shared.largest(ladder, VIEW), shared.order(ladder, VIEW), _known(ladder), shared.mask_costs(ladder, VIEW),
            *(shared.component(ladder, VIEW, name, *words) for name, words in _WORDS.items()),
            shared.scale(ladder, VIEW), _papers(ladder), shared.chance(ladder, VIEW)]  # fmt: skip


_WORDS = {
    "AdjMSE": ("The papers' loss is ahead of MSE", "The papers' loss is behind MSE",
               "The papers' loss is shown neither ahead of MSE nor behind it"),
    "augmentation": ("A synthetic panel puts the system ahead", "A synthetic panel puts the system behind",
                     "A synthetic panel is shown to put the system neither ahead nor behind"),
    "shrinkage": ("Ledoit and Wolf's covariance is ahead of the sample covariance",
                  "Ledoit and Wolf's covariance is behind the sample covariance",
                  "Ledoit and Wolf's covariance is shown neither ahead of the sample covariance nor behind it"),
    "Transformer": ("On the same few samples the Transformer is ahead of the MLP",
                    "On the same few samples the Transformer is behind the MLP",
                    "On the same few samples the Transformer is shown neither ahead of the MLP nor behind it"),
}  # fmt: skip


def _known(ladder: Ladder) -> Finding:
    """What the mask does to what predictions know: on all cells that a system predicts, and on common ones."""
    level = ladder.numbers.find(FULL, "truth_ic").value
    own, same = (ladder.contribution(MASK, metric) for metric in ("truth_ic", "common.truth_ic"))
    end = "{same:+.4f} on the cells that both predict, {own:+.4f} each on its own; with the mask it is {level:+.3f}."
    return by_sign(
        same, f"The mask makes predictions better: it changes their correlation with what can be earned by {end}",
        f"The mask makes predictions worse: it changes their correlation with what can be earned by {end}",
        f"The mask does not measurably change the correlation of predictions with what can be earned: {end}",
        same=same, own=own, level=level,
    )  # fmt: skip


def _papers(ladder: Ladder) -> Finding:
    """The mask in the papers' own back-test, beside what the exchange fills."""
    naive = ladder.contribution(MASK, f"{NAIVE}.8bps.sharpe")
    filled = ladder.contribution(MASK, "literal.8bps.sharpe")
    end = "{naive:+.2f} of Sharpe ratio after costs, and {filled:+.2f} where the exchange refuses orders."
    return by_sign(
        naive, f"In a back-test that fills every order at the close the mask gains {end}",
        f"In a back-test that fills every order at the close the mask loses {end}",
        f"In a back-test that fills every order at the close it is not shown that the mask gains or loses: {end}",
        naive=naive, filled=filled,
    )  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# -------------------------------------------------------------------------------- figures and tables


def contributions(shown: PageResult) -> HTML:
    """Each contribution before costs, by costs saved, after costs."""
    return tabs({label: plot(figure) for label, figure in shared.forests(shown, VIEW).items()})


def components(shown: PageResult) -> HTML:
    """The same in numbers, with turnovers and break-even costs."""
    return shared.components(shown, VIEW)


def levels_table(frame: pd.DataFrame, sense: str) -> pd.DataFrame:
    """Systems down, levels across with intervals."""
    return shared.systems_table(frame, [_own(metric, sense) for metric in HEADS])


def _own(metric: str, sense: str) -> str:
    return metric if metric in OF_PREDICTIONS else f"{sense}.{metric}"


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The systems with predictions as the networks give them."""
    return levels_table(frame, SENSES[0]).set_index("system")


def systems(shown: PageResult) -> HTML:
    """Every system, a tab for each size of predictions, and one for the papers' back-test."""
    labels = {sense: f"{sense} predictions" for sense in SENSES} | {NAIVE: "every order filled at the close"}
    return tabs({
        label: table(
            levels_table(shown.rows, sense), f"ablation_systems_{sense}", caption=shown.note,
            columns={"system": "system"}
            | {_own(metric, sense): HEADS[metric] for metric in (SHOWN_NAIVE if sense == NAIVE else SHOWN)},
            formats={_own(metric, sense): form for metric, form in FORMATS.items()},
        ) for sense, label in labels.items()
    })  # fmt: skip


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """The papers' table by their own back-test on this market, literal predictions; `own_setting_ladder`, whose setting
    is nearer to theirs, comes first on the scoreboard."""
    return shared.answers(frame, VIEW, "different", COLUMNS, NOTE)
