"""The page "own_setting_ladder": what each component of the papers' system contributes on their own panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from lib.evaluation.ladder import FULL, SYSTEMS, Ladder, View
from lib.evaluation.lagged_optimiser import SENSES
from lib.market.gbm import YEAR
from lib.paper.claims import Answer
from lib.paper.claims.ledger import claimed_value
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered, level_answer
from lib.paper.pages.findings import Finding, by_sign, outcome
from lib.paper.pages.layout import opening, tabs
from lib.stats.over_seeds import OverSeeds
from lib.studies.own_setting_ladder import shared
from lib.studies.own_setting_ladder.measure import EQUAL
from lib.studies.own_setting_ladder.shared import LEVELS

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "Paper B takes one component at a time out of its system, on its own synthetic panel, and reports that each adds "
    "to the Sharpe ratio, the mask most. Nothing can be predicted in that panel: what does each component contribute "
    "there, before costs and after them?"
)
ADVICE = (
    "Print turnover and results before costs in an ablation table: a component may only save costs.",
    "Train the whole system once more with another seed, and count as contributions only differences that are larger.",
    "State the size of predictions with the risk aversion: a loss changes that size, and an optimiser reads it.",
)
VIEW = View("own_setting_ladder", "sharpe", "Sharpe ratio", YEAR)
NOTE = "the papers' generator, split and back-test"
#: column of the papers' ablation table -> our metric, factor to the claim's unit
COLUMNS = {"sharpe": ("literal.8bps.sharpe", 1.0), "max_drawdown": ("literal.8bps.max_drawdown", 100.0),
           "ic": ("apparent_ic", 1.0)}  # fmt: skip
#: of their table of main results, the whole system alone
MAIN = {"annual_return": ("literal.8bps.annual_return", 100.0), "sortino": ("literal.8bps.sortino", 1.0),
        "turnover": ("literal.turnover", 1.0)}  # fmt: skip
CLAIM_IDS = (*shared.CLAIM_IDS, *(f"B.main.full.{column}" for column in MAIN))
HEADS = {
    "m1_ic": "IC, buyable cells", "spread": "spread of predictions over that of returns",
    "coverage": "cells predicted", "turnover": "turnover a day, share of the book",
    "0bps.sharpe": "Sharpe ratio a year, before costs", "5bps.sharpe": "after 5 basis points a side",
    "8bps.sharpe": "after 8", "8bps.annual_volatility": "volatility a year",
    "8bps.max_drawdown": "largest drawdown",
}  # fmt: skip
FORMATS = {"m1_ic": "+.4f", "spread": ".4f", "coverage": ".0%", "turnover": ".2f", "0bps.sharpe": "+.2f",
           "5bps.sharpe": "+.2f", "8bps.sharpe": "+.2f", "8bps.annual_volatility": ".1%",
           "8bps.max_drawdown": ".1%"}  # fmt: skip


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says."""
    ladder = Ladder(OverSeeds(frame))
    return [shared.largest(ladder, VIEW), shared.order(ladder, VIEW), _loss(ladder), shared.mask_costs(ladder, VIEW),
            _level(ladder.numbers), _shrinkage(ladder), _transformer(ladder), shared.scale(ladder, VIEW),
            shared.chance(ladder, VIEW)]  # fmt: skip


def _loss(ladder: Ladder) -> Finding:
    """The papers' loss: what it earns, and how much smaller or larger it makes predictions."""
    ours, plain = (ladder.numbers.find(name, "spread").value for name in (FULL, "no AdjMSE"))
    gross, net = (ladder.contribution("AdjMSE", VIEW.at(bps)) for bps in (0, 8))
    end = (
        "{net:+.2f} of Sharpe ratio after costs, {gross:+.2f} before them; the papers print {claimed:+.2f}. The spread "
        "of predictions is {ours:.2%} of that of returns with it, {plain:.2%} with MSE."
    )
    return by_sign(
        net, f"The papers' loss (AdjMSE) is ahead of MSE: {end}", f"The papers' loss (AdjMSE) is behind MSE: {end}",
        f"The papers' loss (AdjMSE) is shown neither ahead of MSE nor behind it: {end}",
        net=net, gross=gross, claimed=shared.CLAIMED["AdjMSE"], ours=ours, plain=plain,
    )  # fmt: skip


def _shrinkage(ladder: Ladder) -> Finding:
    return shared.component(
        ladder, VIEW, "shrinkage", "Ledoit and Wolf's covariance is ahead of the sample covariance",
        "Ledoit and Wolf's covariance is behind the sample covariance",
        "Ledoit and Wolf's covariance is shown neither ahead of the sample covariance nor behind it",
    )  # fmt: skip


def _transformer(ladder: Ladder) -> Finding:
    return shared.component(
        ladder, VIEW, "Transformer", "On the same few samples the Transformer is ahead of the MLP",
        "On the same few samples the Transformer is behind the MLP",
        "On the same few samples the Transformer is shown neither ahead of the MLP nor behind it",
    )  # fmt: skip


def _level(numbers: OverSeeds) -> Finding:
    """The whole system beside a book of all names that never trades, and beside the papers' number."""
    one = numbers.one_path(FULL, VIEW.at(8))
    market, turnover = numbers.find(EQUAL, VIEW.at(8)).value, numbers.find(FULL, "literal.turnover").value
    claimed = claimed_value("B.ablation.full.sharpe")
    text = (
        "The whole system, with the MLP, has a Sharpe ratio of {ours:.2f} after costs at a turnover of {turnover:.2f} "
        "a day; all stocks held without trading have {market:.2f}. The papers' {claimed:.2f} lies"
    )
    return outcome({
        f"{text} above the range of one market, {{low:.2f}} to {{high:.2f}} in 95 %.": one.high < claimed,
        f"{text} in the range of one market, {{low:.2f}} to {{high:.2f}} in 95 %.": one.low <= claimed <= one.high,
        f"{text} below the range of one market, {{low:.2f}} to {{high:.2f}} in 95 %.": one.low > claimed,
    }, ours=one.value, turnover=turnover, market=market, claimed=claimed, low=one.low, high=one.high)  # fmt: skip


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
    return shared.systems_table(frame, [_own(metric, sense) for metric in HEADS], {EQUAL: "all names, never traded"})


def _own(metric: str, sense: str) -> str:
    """The metric of a book in one sense; of predictions there is one alone."""
    return metric if metric in ("m1_ic", "spread", "coverage") else f"{sense}.{metric}"


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The systems with predictions as the networks give them."""
    return levels_table(frame, SENSES[0]).set_index("system")


def systems(shown: PageResult) -> HTML:
    """Every system, a tab for each size of predictions."""
    return tabs({
        f"{sense} predictions": table(
            levels_table(shown.rows, sense), f"own_setting_ladder_systems_{sense}", caption=shown.note,
            columns={"system": "system"} | {_own(metric, sense): text for metric, text in HEADS.items()},
            formats={_own(metric, sense): form for metric, form in FORMATS.items()},
        ) for sense in SENSES
    })  # fmt: skip


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Their ablation table and the whole system's row of their main results, on literal predictions.

    Generator, split, mask, optimiser, costs and back-test are theirs; fewer stocks and factors, the MLP where a row is
    not about the Transformer, and the Transformer on few samples: setting reduced.
    """
    numbers = OverSeeds(frame)
    found = shared.answers(frame, VIEW, "reduced", COLUMNS, NOTE)
    for column, (metric, unit) in MAIN.items():
        fields = answered(numbers, LEVELS["full"], metric, "level", unit)
        note = f"{NOTE}: {SYSTEMS[LEVELS['full']]}, {metric}"
        found += level_answer(f"B.main.full.{column}", fields and fields | {"setting": "reduced"}, note, VIEW.study)
    return found
