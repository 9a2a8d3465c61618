"""The page "A practical guide": one recommendation a line, with the recorded finding that it follows from.

A recommendation belongs to an outcome: a study writes down every outcome of its question as a finding, and the line
says what each of them advises. So advice changes with the numbers, and a study that is not recorded gives none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from lib.paper.pages import html
from lib.paper.pages.findings import Finding
from lib.studies.claims.said import NOT_RECORDED, Said, age, link, said_by

if TYPE_CHECKING:
    from IPython.display import HTML

UNDECIDED = "The recorded result does not decide this."


@dataclass(frozen=True)
class Line:
    """One recommendation.

    choice:   what has to be chosen
    study:    whose findings decide
    advice:   words of a finding -> what to do when it holds; the first that holds counts
    counted:  the finding counts cells of a price file or days of an example, so that it has no interval
    """

    choice: str
    study: str
    advice: Mapping[str, str]
    counted: bool = False


#: by what has to be chosen, in the order in which a pipeline meets it
LINES: tuple[Line, ...] = (
    Line("Mask: limit closes in windows", "contamination", {
        "Skipping limit closes moves a factor away": "Let rolling windows read closes at a price limit; do not skip "
        "them.",
    }),
    Line("Mask: halts in windows", "contamination", {
        "Skipping halts brings factors nearer": "Let rolling windows skip halted days.",
    }),
    Line("Mask: joining factors", "coverage", {
        "The intersection of all {count:.0f} factors covers": "Give every factor its own mask, and do not keep only "
        "the cells on which all factors have a value.",
    }, counted=True),
    Line("Label", "mask_ablation_real", {
        "of the labels raises the IC": "Leave returns at prices that cannot be traded out of the labels.",
        "of the labels lowers the IC": "Keep returns at prices that cannot be traded in the labels.",
        "of the labels is not shown to change the IC": "Do not expect labels alone to change the result: with and "
        "without returns at prices that cannot be traded no difference is shown.",
    }),
    Line("Universe: choosing factors", "factor_universe", {
        ", which cannot be told from zero.": "Do not expect factors that pass a screen on past days to keep their IC.",
        ": it keeps its direction.": "Screen factors on past days: those that pass keep the direction of their IC.",
        ": it turns round.": "Do not screen factors by their past IC: it changes its sign.",
    }),
    Line("Universe: removing industry and size", "bias_correction", {
        "The neutralised factors predict better": "Remove industry and size from the factors.",
        "The neutralised factors predict worse": "Do not remove industry and size to predict better.",
        "That the neutralised factors predict better is not shown": "Remove industry and size to limit exposures, not "
        "to predict better.",
    }),
    Line("Score", "phantom_alpha", {
        " higher, but only on paper: ": "Report the IC on cells that can be bought beside that on all cells.",
        " higher, on the cells that can be bought too: ": "Report the IC on cells that can be bought; that on all "
        "cells moves with it.",
        "Whether limit-up closes inflate the IC": "Report the IC on cells that can be bought beside that on all cells; "
        "whether limit-up closes raise the second is not shown.",
    }),
    Line("Score: intervals", "interval_coverage", {
        "every kind of interval covers in at least 90 %": "Resample long blocks of days, as this book does.",
        "that any covers in fewer than 90 % is not shown": "Resample long blocks of days, as this book does, and read "
        "the intervals as a little too narrow.",
        "some 95 % intervals still cover too seldom": "Read intervals from resampled days as too narrow, even with "
        "long blocks.",
    }),
    Line("Score: the best of many trials", "deflated_sharpe", {
        "no more than the 5 % of the test": "Deflate the best Sharpe ratio by the effective number of trials.",
        "earned, more than the 5 % of the test": "Do not rely on a deflated Sharpe ratio alone: keep a period that no "
        "trial has seen.",
    }),
    Line("Fill", "mask_ablation_real", {
        "a year that no order could have earned": "Fill orders at the next open, and refuse those that a limit or a "
        "halt refuses.",
        "would have lost money": "Refuse orders that a limit or a halt refuses: filling them distorts a result in "
        "either direction.",
        "cannot be told from zero": "Refuse orders that a limit or a halt refuses; in this sample filling them changes "
        "nothing that can be measured.",
    }),
    Line("Fill: after a limit-up close", "limit_events", {
        "earns nothing that differs from zero over five days": "Do not buy a stock because it closed at limit-up: the "
        "move is over at the next open.",
        "still gains": "A purchase at the open after a limit-up close can pay.",
        "after a limit-up close loses over five days": "Do not buy a stock at the open after a limit-up close.",
    }),
    Line("Cost", "costs_and_capacity", {
        "A back-test in weights with 8 basis points a side reports": "Charge an account in yuan, with its minimum "
        "commission and market impact, in place of a flat rate.",
    }),
    Line("Cost: comparing two variants", "regimes", {
        "What the papers' mask gains is costs that it does not pay": "Compare variants before costs or at equal "
        "turnover: one that trades less pays less and seems better.",
        "raises the active Sharpe ratio in the bear regime before costs": "Compare variants before and after costs; "
        "the papers' mask is ahead in both.",
        "In the bear regime the papers' mask changes the active Sharpe ratio by": "Compare variants before and after "
        "costs, and at equal turnover.",
    }),
    Line("Model", "models", {
        "Where the alpha is linear, LightGBM predicts better than ridge": "Use boosted trees, even where effects are "
        "linear.",
        "Where the alpha is linear, LightGBM predicts worse than ridge": "Start with ridge regression: where effects "
        "are linear, trees are worse.",
        "Where the alpha is linear, LightGBM and ridge cannot be told apart": "Start with ridge regression: where "
        "effects are linear, trees are not shown to be better.",
    }),
    Line("Loss", "losses", {
        "A network trained by AdjMSE predicts better": "Train networks by the papers' loss (AdjMSE).",
        "A network trained by AdjMSE predicts worse": "Train networks by the mean squared error.",
        "No difference is shown between how well networks trained by AdjMSE": "Train networks by the mean squared "
        "error; the papers' loss (AdjMSE) is not shown to predict better.",
    }),
    Line("Portfolio: how much to trade", "costs_and_capacity", {
        "(k: stocks held) in place of none adds": "Sell a stock only when it has left a wide band of ranks, not as "
        "soon as it leaves the best ones.",
    }),
    Line("Portfolio: costs in the objective", "portfolio_method", {
        " it gains {net:.2f}.": "Count costs in the objective of the optimiser.",
        " it loses: {net:+.2f}.": "Leave costs out of the objective of the optimiser.",
        " whether it gains is not decided: {net:+.2f}.": "Counting costs in the objective is not shown to pay.",
    }),
    Line("Portfolio: optimiser or ranks", "portfolio_method", {
        ": optimising pays.": "Optimise the portfolio with a shrunk covariance and costs.",
        ": the ranks do better.": "Hold the best ranks with equal weight and a buffer; an optimiser does worse.",
        ": no difference is shown after costs.": "Hold the best ranks with equal weight and a buffer; an optimiser is "
        "not shown to do better.",
    }),
    Line("Portfolio: covariance with masked days", "covariance_eigenvalue", {
        "A covariance in which each pair of stocks has its own days": "Fill masked returns before estimating a "
        "covariance; do not give every pair of stocks its own days.",
    }),
)  # fmt: skip


@dataclass(frozen=True)
class Advised:
    """What a line comes to: the advice and the finding behind it; without one the advice says why there is none."""

    line: Line
    advice: str
    finding: Finding | None
    said: Said


def advised(line: Line, said: Said) -> Advised:
    """The advice of the first outcome that holds."""
    for words, advice in line.advice.items():
        if (finding := said.find(words)) is not None:
            return Advised(line, advice, finding, said)
    return Advised(line, UNDECIDED if said.findings else f"{NOT_RECORDED.capitalize()}.", None, said)


def guide(recorded_scale: str | None = None) -> list[Advised]:
    """Every line with its advice from recorded results."""
    said = {name: said_by(name, recorded_scale) for name in dict.fromkeys(line.study for line in LINES)}
    return [advised(line, said[line.study]) for line in LINES]


def lines(found: list[Advised]) -> HTML:
    """The guide: choice, advice, evidence and the link to its page."""
    return html(f'<dl class="guide">{"".join(part for item in found for part in _entry(item))}</dl>')


def _entry(item: Advised) -> Iterator[str]:
    yield f"<dt>{escape(item.line.choice)}</dt>"
    evidence = f'<p class="basis">{escape(item.finding.text)}</p>' if item.finding else ""
    page = f'<p class="basis">{link(item.said)}{age(item.said)}</p>'
    yield f'<dd><p class="advice">{escape(item.advice)}</p>{evidence}{page}</dd>'
