"""The page "market_neutral": beta, drawdown, and what the limits, the holding period and the short side do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lib.paper.claims import Answer
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered
from lib.paper.pages.findings import Finding, by_sign, outcome
from lib.paper.pages.layout import opening, tabs
from lib.stats import student_quantile
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import ENOUGH_SEEDS, OverSeeds
from lib.studies.market_neutral.measure import BOOKS, CHANGE, DAILY, LEVEL, LONG_ONLY, MIDDLE

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "The papers report that their market-neutral book (weights sum to zero, in every industry too) has no market "
    "exposure and a small largest drawdown. Is that so, and what is left where nothing can be sold short?"
)
ADVICE = (
    "Measure beta: weights that sum to zero do not prove that it is zero.",
    "Print the leverage with every drawdown: a larger leverage gives a larger drawdown.",
    "Before you count on a short side, look at what the same predictions earn long only, with the market hedged.",
)
#: what counts as no market exposure (`lib.paper.claims.verdicts.ZERO_MARGIN`), and the papers' bound, as a share
MARGIN, BOUND = 0.05, 0.08
BETA_CLAIM, DRAWDOWN_CLAIM = "A.portfolio.market_neutral", "A.portfolio.max_drawdown"
CLAIM_IDS = (BETA_CLAIM, DRAWDOWN_CLAIM)
HEADS = {"appraisal_gross": "hedged Sharpe ratio, before costs", "appraisal": "hedged Sharpe ratio, after costs",
         "sharpe_gross": "Sharpe ratio, before costs", "sharpe": "Sharpe ratio, after costs",
         "turnover": "turnover a day, share of equity", "beta": "beta", "beta_down": "beta on falling days",
         "volatility": "volatility a year", "max_drawdown": "largest drawdown", "leverage": "leverage, sum of |w|",
         "net_exposure": "net exposure, |sum of w|", "held": "names held"}  # fmt: skip
FORMATS = {**dict.fromkeys(("appraisal_gross", "appraisal", "sharpe_gross", "sharpe", "leverage",
                            "matched.appraisal"), "+.2f"),
           **dict.fromkeys(("beta", "beta_down"), "+.3f"), "turnover": ".2f", "net_exposure": ".3f", "held": ".0f",
           **dict.fromkeys(("volatility", "max_drawdown"), ".1%")}  # fmt: skip


def level(numbers: OverSeeds, book: str, metric: str) -> Estimate:
    return numbers.find(LEVEL.name(book=book), metric)


def change(numbers: OverSeeds, book: str, metric: str) -> Estimate:
    """A book less the one in the middle, on the same markets."""
    return numbers.find(CHANGE.name(book=book, middle=MIDDLE), metric)


def one_sided(numbers: OverSeeds, book: str = MIDDLE) -> tuple[float, float]:
    """Lower and upper bound of the drawdown of one further market, each at 95 %; NaN with fewer than ENOUGH_SEEDS.

    exp(mean -+ t(n - 1) s sqrt(1 + 1 / n)) of its logarithms.
    """
    sample = numbers.seeds(LEVEL.name(book=book), "max_drawdown")
    if len(sample) < ENOUGH_SEEDS or not (sample > 0).all():
        return math.nan, math.nan
    logs = np.log(sample)
    reach = student_quantile(0.95, len(logs) - 1) * float(logs.std(ddof=1)) * math.sqrt(1 + 1 / len(logs))
    return math.exp(float(logs.mean()) - reach), math.exp(float(logs.mean()) + reach)


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says."""
    numbers = OverSeeds(frame)
    return [_beta(numbers), _drawdown(numbers), _long_only(numbers), _short_side(numbers), _leverage(numbers),
            _holding(numbers), _same_turnover(numbers), _sectors(numbers), _scale(numbers)]  # fmt: skip


def _beta(numbers: OverSeeds) -> Finding:
    mean = level(numbers, MIDDLE, "beta")
    one = numbers.one_path(LEVEL.name(book=MIDDLE), "beta")
    text = "its mean beta is {mean:+.3f}, and that of one back-test lies between {low:+.2f} and {high:+.2f}."
    book = "The market-neutral book"
    return outcome({
        f"{book} has no market exposure on average, to within {{margin}}: {text}":
            mean.low > -MARGIN and mean.high < MARGIN,
        f"{book} has market exposure, more than {{margin}}: {text}": mean.low > MARGIN or mean.high < -MARGIN,
        f"{book} is not shown to have a beta within {{margin}} of zero: {text}": not math.isnan(mean.low),
    }, mean=mean, low=one.low, high=one.high, margin=f"{MARGIN:g}")  # fmt: skip


def _drawdown(numbers: OverSeeds) -> Finding:
    low, high = one_sided(numbers)
    mean = level(numbers, MIDDLE, "max_drawdown")
    text = (
        "The book's largest drawdown is {mean:.1%} on average; that of one back-test lies above {low:.1%} and below "
        "{high:.1%}, each with 95 % confidence"
    )
    return outcome({
        f"{text}: the papers' bound of {{bound:.0%}} is kept.": high < BOUND,
        f"{text}: the papers' bound of {{bound:.0%}} is broken.": low > BOUND,
        f"{text}: whether the papers' bound of {{bound:.0%}} is kept is not decided.": low <= BOUND <= high,
    }, mean=mean, low=low, high=high, bound=BOUND)  # fmt: skip


def _leverage(numbers: OverSeeds) -> Finding:
    deep = {name: level(numbers, name, "max_drawdown").value for name in (MIDDLE, "leverage 1")}
    less = change(numbers, "leverage 1", "max_drawdown")
    return by_sign(
        less.against,
        "The drawdown depends on the leverage, which the papers do not print: with 1 in place of 2 it is {low:.1%} in "
        "place of {high:.1%}.",
        "With a leverage of 1 in place of 2 the drawdown is larger, {low:.1%} in place of {high:.1%}.",
        "With a leverage of 1 in place of 2 the drawdown is {low:.1%} in place of {high:.1%}; no difference is shown.",
        low=deep["leverage 1"], high=deep[MIDDLE],
    )  # fmt: skip


def _short_side(numbers: OverSeeds) -> Finding:
    long, short = (level(numbers, MIDDLE, f"alpha_{side}") for side in ("long", "short"))
    return by_sign(
        short,
        "Before costs the long positions earn {long:+.1%} a year beyond the market and the short ones {short:+.1%}. "
        "The second part is hypothetical: A-shares can hardly be borrowed.",
        "Before costs the long positions earn {long:+.1%} a year beyond the market; the short ones lose: {short:+.1%}.",
        "Before costs the long positions earn {long:+.1%} a year beyond the market; whether the short ones earn "
        "anything is not decided: {short:+.1%}.",
        long=long, short=short,
    )  # fmt: skip


def _long_only(numbers: OverSeeds) -> Finding:
    gap, beta = change(numbers, LONG_ONLY, "appraisal"), level(numbers, LONG_ONLY, "beta").value
    own, other = (level(numbers, name, "appraisal").value for name in (MIDDLE, LONG_ONLY))
    text = (
        "The same optimiser long only, with its beta of {beta:.2f} hedged, has a Sharpe ratio of {other:.2f} after "
        "costs, the market-neutral book {own:.2f}"
    )
    return by_sign(
        gap, f"{text}: nothing is lost without a short side (long only less market neutral: {{gap:+.2f}}).",
        f"{text}: the short side is worth something (long only less market neutral: {{gap:+.2f}}).",
        f"{text}: no difference is shown (long only less market neutral: {{gap:+.2f}}).",
        beta=beta, other=other, own=own, gap=gap,
    )  # fmt: skip


def _sectors(numbers: OverSeeds) -> Finding:
    risk, gross = (change(numbers, "no sector limits", metric) for metric in ("volatility", "appraisal_gross"))
    text = (
        "Without the limits on industries the volatility changes by {risk:+.1%} a year and the hedged Sharpe ratio "
        "before costs by {gross:+.2f}"
    )
    return by_sign(gross, f"{text}: without the limits it is higher.", f"{text}: with the limits it is higher.",
                   f"{text}: what they are worth is not decided.", risk=risk, gross=gross)  # fmt: skip


def _holding(numbers: OverSeeds) -> Finding:
    gross, net = (change(numbers, DAILY, metric) for metric in ("appraisal_gross", "appraisal"))
    trades = [level(numbers, name, "turnover").value for name in (DAILY, MIDDLE)]
    text = (
        "Rebalanced daily in place of every 20 sessions, the book trades {fast:.2f} of equity a day in place of "
        "{slow:.2f}; its hedged Sharpe ratio changes by {gross:+.2f} before costs and {net:+.2f} after them"
    )
    return by_sign(
        net, f"{text}: daily rebalancing earns more.",
        f"{text}: holding for 20 sessions pays.", f"{text}: which is better is not decided.", fast=trades[0],
        slow=trades[1], gross=gross, net=net,
    )  # fmt: skip


def _same_turnover(numbers: OverSeeds) -> Finding:
    net = change(numbers, DAILY, "matched.appraisal")
    had = float(len(numbers.seeds(CHANGE.name(book=DAILY, middle=MIDDLE), "matched.appraisal")))
    text = (
        "At equal turnover (reached in {had:.0f} markets) the hedged Sharpe ratio after costs of the book rebalanced "
        "daily differs by {net:+.2f} from that of the book rebalanced every 20 sessions"
    )
    return by_sign(net, f"{text}: small trades every day are better.", f"{text}: holding is better.",
                   f"{text}: which is better is not decided.", had=had, net=net)  # fmt: skip


def _scale(numbers: OverSeeds) -> Finding:
    found = {name: level(numbers, name, "appraisal").value for name in BOOKS if "aversion" in name or name == MIDDLE}
    known = {name: value for name, value in found.items() if not math.isnan(value)} or {MIDDLE: math.nan}
    best, worst = max(known, key=lambda name: known[name]), min(known, key=lambda name: known[name])
    gap = known[best] - known[worst]
    text = (
        "Over all risk aversions, with standardised and with literal predictions, the hedged Sharpe ratio after costs "
        "runs from {least:.2f} ({worst}) to {most:.2f} ({best})"
    )
    return outcome({
        f"{text}.": gap > 0.3, f"{text}: the scale, which the papers do not print, hardly matters.": gap <= 0.3,
    }, least=known[worst], most=known[best], worst=worst, best=best)  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def neutral(shown: PageResult) -> HTML:
    """Beta and drawdown of every book: the mean over markets, and where one back-test lands."""
    from lib.paper.pages.forms import forest, one_axis
    from lib.paper.pages.style import BLUE, GREY

    numbers, said = OverSeeds(shown.rows), findings(shown.rows)
    books = [book for book in BOOKS if not math.isnan(level(numbers, book, "beta").value)]
    series = ("one back-test", "mean over markets")

    def picture(metric: str, title: str, unit: str, scale: float, marks: tuple[float, ...]) -> HTML:
        found = {
            book: (numbers.one_path(LEVEL.name(book=book), metric), level(numbers, book, metric)) for book in books
        }
        rows = {book: [item.times(scale) for item in items] for book, items in found.items()}
        reference = 0.0 if metric == "beta" else None
        figure = forest(rows, title, unit, series=series, colors=(GREY, BLUE), reference=reference, note=shown.name)
        for mark in marks:
            one_axis(figure).axvline(mark, color=GREY, linestyle=":", linewidth=1)
        return plot(figure)

    return tabs({
        "beta": picture("beta", said[0].title("Beta of market-neutral books"),
                        f"beta to equal weight; dotted: the margin of {MARGIN:g}", 1.0, (-MARGIN, MARGIN)),
        "drawdown": picture("max_drawdown", _drawdown(numbers).title("Largest drawdown of market-neutral books"),
                            "largest drawdown after costs, %; dotted: the papers' bound", 100.0, (100 * BOUND,)),
    })  # fmt: skip


def changes(shown: PageResult) -> HTML:
    """What each change does to the hedged Sharpe ratio, before and after costs."""
    from lib.paper.pages.forms import forest
    from lib.paper.pages.style import BLUE, VERMILLION

    numbers = OverSeeds(shown.rows)
    found = {book: [change(numbers, book, metric) for metric in ("appraisal_gross", "appraisal")]
             for book in (*BOOKS, LONG_ONLY) if book != MIDDLE}  # fmt: skip
    rows = {book: items for book, items in found.items() if not math.isnan(items[0].value)}
    title = _holding(numbers).title("What one change does to the hedged Sharpe ratio")
    return plot(forest(rows, title, "difference in hedged Sharpe ratio from the book (leverage 2, 20 sessions)",
                       series=("before costs", "after costs"), colors=(BLUE, VERMILLION), note=shown.note))  # fmt: skip


# -------------------------------------------------------------------------------------------- tables


def levels_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Books down, gross before net across, with 95 % intervals over markets."""
    numbers = OverSeeds(frame)
    return _rows({book: {m: level(numbers, book, m) for m in HEADS} for book in (*BOOKS, LONG_ONLY)})


def changes_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Each book less the one in the middle, paired over markets."""
    numbers, more = OverSeeds(frame), ("matched.appraisal", "turnover.left", "turnover.right")
    return _rows({book: {m: change(numbers, book, m) for m in (*HEADS, *more)}
                  for book in (*BOOKS, LONG_ONLY) if book != MIDDLE})  # fmt: skip


def _rows(found: dict[str, dict[str, Estimate]]) -> pd.DataFrame:
    rows = [
        {"book": book} | {key: value for m, item in items.items() for key, value in item.columns(m).items()}
        for book, items in found.items()
    ]
    return pd.DataFrame(rows).dropna(thresh=2).dropna(axis=1, how="all")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Every book."""
    return levels_table(frame).set_index("book")


def books(shown: PageResult) -> HTML:
    """Levels, and differences from the book in the middle."""
    more = {"matched.appraisal": "hedged Sharpe ratio, after costs, at equal turnover",
            "turnover.left": "turnover a day",
            "turnover.right": "turnover a day of the book"}  # fmt: skip
    return tabs({
        "levels": table(levels_table(shown.rows), "market_neutral", columns={"book": "book"} | HEADS, formats=FORMATS,
                        caption=shown.note),
        "differences from the book": table(changes_table(shown.rows), "market_neutral_changes",
                               columns={"book": "difference from the book"} | HEADS | more, formats=FORMATS,
                               caption=shown.note),
    })  # fmt: skip


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Beta and drawdown of the book in the middle; the drawdown with one-sided bounds of one back-test."""
    numbers, variant = OverSeeds(frame), LEVEL.name(book=MIDDLE)
    note = "simulated market; leverage 2, risk aversion 10 and 20 sessions are choices: the papers print only the last"
    answers = []
    beta, deep = (answered(numbers, variant, *item) for item in (("beta", "level"), ("max_drawdown", "level", 100.0)))
    if beta:
        answers.append(Answer(BETA_CLAIM, **beta, note=f"{note}; regression on equal weight", page="market_neutral"))
    if deep:
        low, high = one_sided(numbers)
        bounds = None if math.isnan(low) else (100 * low, 100 * high)
        answers.append(Answer(DRAWDOWN_CLAIM, **deep, note=note, page="market_neutral", one_sided=bounds))
    return answers
