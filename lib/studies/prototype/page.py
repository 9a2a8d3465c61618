"""The page "prototype": the papers' first pipeline, what its Sharpe ratio is made of, and what came after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.paper.claims import Answer
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered, level_answer
from lib.paper.pages.findings import Finding, by_sign, outcome
from lib.paper.pages.forms import forest
from lib.paper.pages.layout import opening
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds, mean_over_seeds
from lib.studies.prototype.measure import PAIRS

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

QUESTION = (
    "Paper B's first version computed 50 factors, trained LightGBM and bought the top 100 stocks with equal weight: a "
    "Sharpe ratio of 0.8. What does such a pipeline earn, and how much of it is skill?"
)
ADVICE = (
    "Hold the Sharpe ratio of a first pipeline against that of all its stocks with equal weight, at the same cost: a "
    "market that rises pays everybody.",
    "Execute the orders of a first pipeline at the next open before it is improved: an "
    "order that a limit or a halt refuses earns nothing.",
)
CLAIM, CLAIMED = "B.story.prototype", 0.8
CLAIM_IDS = (CLAIM,)
NAMES = {
    "unmasked": "50 factors, no mask: the prototype", "masked": "the same 50, masked", "random": "50 at random, masked",
    "all": "all 213, masked",
}  # fmt: skip
PAIR_NAMES = {
    ("masked", "unmasked"): "the mask", ("random", "masked"): "random instead of the first 50",
    ("all", "masked"): "213 instead of 50",
}  # fmt: skip
SHARPE, EVERY, EXECUTED = "top.sharpe", "equal_weight.sharpe", "top.executed_open.sharpe"
GROSS, NET = "top.executed_open.active_sharpe_gross", "top.executed_open.active_sharpe"
HEADS = {
    "truth_ic": "truth IC", "m1_ic": "IC, buyable cells", SHARPE: "Sharpe ratio of the papers' book, after costs",
    "top.sharpe_gross": "the same before costs", "top.turnover": "its turnover a day, share of the book",
    EVERY: "Sharpe ratio of all stocks with equal weight, after costs",
    EXECUTED: "Sharpe ratio executed at the next open, after costs",
    GROSS: "executed, over equal weight, before costs", NET: "executed, over equal weight, after costs",
    "executed_open.matched.active_sharpe": "best 50, after costs at equal turnover",
}  # fmt: skip
FORMATS = {**dict.fromkeys(("truth_ic", "m1_ic"), "+.4f"), "top.turnover": ".2f",
           **dict.fromkeys([name for name in HEADS if "sharpe" in name], "+.2f")}  # fmt: skip


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: the level beside the papers', the market's part, execution, the mask, more factors."""
    numbers = OverSeeds(frame)
    one, mean = numbers.one_path("unmasked", SHARPE), numbers.find("unmasked", SHARPE)
    every, filled = numbers.find("unmasked", EVERY), numbers.find("unmasked", EXECUTED)
    gross = numbers.find("unmasked", GROSS)
    ahead = mean_over_seeds(numbers.seeds("unmasked", SHARPE) - numbers.seeds("unmasked", EVERY))
    whole = (
        "On the same markets and at the same cost the prototype has a Sharpe ratio of {mean:+.2f}, all its stocks with "
        "equal weight {every:+.2f}"
    )
    return [
        outcome({
            "On one further market the prototype is expected to have a Sharpe ratio of {one:+.2f}; the paper's "
            "{claimed:+.2f} lies inside this 95 % range.": one.low <= CLAIMED <= one.high,
            "On one further market the prototype is expected to have a Sharpe ratio of {one:+.2f}; the paper's "
            "{claimed:+.2f} lies outside this 95 % range.": one.high < CLAIMED or one.low > CLAIMED,
        }, one=one, claimed=CLAIMED),
        by_sign(
            ahead,
            f"{whole}: the prototype is ahead of them, by {{ahead:+.2f}}.",
            f"{whole}: the prototype is behind them, by {{ahead:+.2f}}.",
            f"{whole}: that the prototype differs from them is not shown, {{ahead:+.2f}}.",
            mean=mean, every=every, ahead=ahead,
        ),
        by_sign(
            gross,
            "Its predictions have skill: executed at the next open, the Sharpe ratio over equal weight is {gross:+.2f} "
            "before costs. The book's own Sharpe ratio, after costs, is {filled:+.2f}.",
            "Its predictions lose against equal weight: executed at the next open, the Sharpe ratio over equal weight "
            "is {gross:+.2f} before costs. The book's own Sharpe ratio, after costs, is {filled:+.2f}.",
            "That its predictions have skill is not shown: executed at the next open, the Sharpe ratio over equal "
            "weight is {gross:+.2f} before costs. The book's own Sharpe ratio, after costs, is {filled:+.2f}.",
            filled=filled, gross=gross,
        ),
        _gap(numbers, "masked", "unmasked", "With the mask the same 50 factors", "the mask helps to predict"),
        _gap(numbers, "all", "masked", "All 213 factors, masked,", "all 213 factors instead of 50 help to predict"),
    ]  # fmt: skip


def _gap(numbers: OverSeeds, left: str, right: str, who: str, what: str) -> Finding:
    """Two pipelines by the truth IC, and beside it what the papers' book makes of the difference."""
    gap, book = (numbers.find(f"{left} - {right}", metric) for metric in ("truth_ic", SHARPE))
    end = "the truth IC changes by {gap:+.3f}, the Sharpe ratio of the papers' book by {book:+.2f}."
    return by_sign(
        gap,
        f"{who} predict better: {end}", f"{who} predict worse: {end}", f"Whether {what} is not decided: {end}",
        gap=gap, book=book,
    )  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- exhibits


def ratios_figure(frame: pd.DataFrame, note: str = "") -> Figure:
    """Sharpe ratios of the prototype's predictions and of equal weight, with the range of one market each."""
    numbers = OverSeeds(frame)
    rows: dict[str, Estimate] = {
        "papers' book, before costs": numbers.one_path("unmasked", "top.sharpe_gross"),
        "papers' book, after costs": numbers.one_path("unmasked", SHARPE),
        "executed at the next open, after costs": numbers.one_path("unmasked", EXECUTED),
        "all stocks with equal weight, after costs": numbers.one_path("unmasked", EVERY),
    }
    return forest(rows, "Sharpe ratios that one market may show of the prototype",
                  "Sharpe ratio a year; thin line: the paper's 0.8", reference=CLAIMED, digits=2,
                  note=note)  # fmt: skip


def ratios(shown: PageResult) -> HTML:
    """The figure."""
    return plot(ratios_figure(shown.rows, f"95 % range of one further market; {shown.markets}"))


def levels_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Pipelines down, measures across, with intervals over markets."""
    return _table(frame, NAMES)


def gaps_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Differences on the same market down."""
    return _table(frame, {f"{left} - {right}": PAIR_NAMES[left, right] for left, right in PAIRS})


def _table(frame: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    numbers = OverSeeds(frame)
    rows: list[dict[str, Any]] = []
    for variant, name in names.items():
        found = {metric: numbers.find(variant, metric) for metric in HEADS}
        markets = len(numbers.seeds(variant, "truth_ic"))
        if markets:
            cells = {key: value for metric, item in found.items() for key, value in item.columns(metric).items()}
            rows.append({"": name, **cells, "markets": markets})
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The levels."""
    return levels_table(frame).set_index("")


def levels(shown: PageResult) -> HTML:
    """Every pipeline."""
    return table(levels_table(shown.rows), "prototype", columns={"": "pipeline", **HEADS, "markets": "markets"},
                 formats=FORMATS, caption=shown.note)  # fmt: skip


def gaps(shown: PageResult) -> HTML:
    """What the mask, the choice and the number of factors change."""
    return table(gaps_table(shown.rows), "prototype_gaps", columns={"": "what changes", **HEADS, "markets": "markets"},
                 formats=FORMATS, caption=f"paired differences; {shown.note}")  # fmt: skip


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """The level of the papers' book of the pipeline without a mask."""
    item = answered(OverSeeds(frame), "unmasked", SHARPE, "level")
    return level_answer(CLAIM, item, "simulated market, 50 factors, LightGBM, top k, papers' book net of 8 bps",
                        "prototype")  # fmt: skip
