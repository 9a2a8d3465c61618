"""The page "costs_and_capacity": Sharpe ratios against capital and turnover, and what the costs are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding
from lib.paper.pages.layout import opening
from lib.paper.pages.picker import picker
from lib.paper.pages.tables import cells
from lib.portfolio.fees import ITEMS
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds
from lib.studies.costs_and_capacity.measure import (
    AGAINST,
    BOOK,
    BUFFERS,
    CAPITALS,
    FAST,
    MIDDLE,
    PLAIN,
    SLOW,
    SLOWER,
    WEIGHTS,
)

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "A back-test in weights reports the same Sharpe ratio for every size of account. What does an account of each size "
    "earn with the same predictions, and which costs does it pay?"
)
ADVICE = (
    "State the capital with every Sharpe ratio after costs: a cost in basis points is right for one size of account.",
    "Look at lots and minimum fees where the account is small, at impact and days of little volume where it is large.",
    "Choose the buffer for the capital: the larger the account, the more it can gain from trading less, as long as its "
    "orders can be filled.",
)
SMALL, LARGE, MANY = "100 thousand", "10 billion", "1 billion"
BUFFER = "buffer 2k"
NAMES = {"commission": "commission", "transfer": "transfer fee", "duty": "stamp duty", "spread": "half spread",
         "impact": "impact"}  # fmt: skip


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says."""
    numbers = OverSeeds(frame)

    def of(capital: str, metric: str, buffer: str = BUFFER) -> Estimate:
        return numbers.find(BOOK.name(capital=capital, buffer=buffer), metric)

    def less(capital: str, metric: str = "active_sharpe") -> Estimate:
        return numbers.find(AGAINST.name(capital=capital, middle=MIDDLE, buffer=BUFFER), metric)

    def slower(capital: str, metric: str = "active_sharpe") -> Estimate:
        return numbers.find(SLOWER.name(capital=capital, slow=SLOW, fast=FAST), metric)

    small, large = less(SMALL), less(LARGE)
    plain = numbers.find(PLAIN.name(capital=MIDDLE, buffer=BUFFER), "active_sharpe")
    impact, total = of(MANY, "annual_impact"), of(MANY, "annual_costs")
    return [
        Finding(
            "A back-test in weights with 8 basis points a side reports a Sharpe ratio over equal weight of "
            "{weights:.2f} after costs (buffer {buffer}). An account of {middle} yuan has {own:.2f} with the same "
            "predictions, {less:.2f} less.",
            buffer=BUFFER, weights=numbers.find(WEIGHTS.name(buffer=BUFFER), "active_sharpe").value, middle=MIDDLE,
            own=of(MIDDLE, "active_sharpe").value, less=plain, holds=plain.low > 0,
        ),
        Finding(
            "With {capital} yuan the Sharpe ratio over equal weight after costs is {small:.2f} lower than with "
            "{middle}: commissions, which have a minimum per order, cost {least:.1%} of the account a year.",
            capital=SMALL, middle=MIDDLE, small=Estimate(-small.value, -small.high, -small.low),
            least=of(SMALL, "annual_commission").value,
            holds=small.high < 0 and of(SMALL, "annual_commission").value > 2 * of(MIDDLE, "annual_commission").value,
        ),
        Finding(
            "With {capital} yuan the Sharpe ratio over equal weight after costs is {large:.2f} lower than with "
            "{middle}.",
            capital=LARGE, middle=MIDDLE, large=Estimate(-large.value, -large.high, -large.low), holds=large.high < 0,
        ),
        Finding(
            "An account of {capital} yuan pays {total:.1%} of its value a year in costs, {share:.0%} of that for its "
            "own price impact.",
            capital=MANY, total=total.value, share=impact.value / total.value if total.value else float("nan"),
            holds=impact.value > 0.5 * total.value,
        ),
        Finding(
            "A buffer of 4k (k: stocks held) in place of none adds {many:+.2f} to the Sharpe ratio over equal weight "
            "after costs with {capital} yuan, and {few:+.2f} with {middle}.",
            many=slower(MANY), few=slower(MIDDLE), capital=MANY, middle=MIDDLE,
            holds=slower(MANY).low > 0 and slower(MANY).value > slower(MIDDLE).value,
        ),
    ]  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


def against_capital(shown: PageResult) -> HTML:
    """Sharpe ratios over equal weight before and after costs, against the capital; a line for each buffer."""
    from lib.paper.pages.forms import Line, lines_by_group

    numbers = OverSeeds(shown.rows)

    def lines(metric: str) -> list[Line]:
        return [
            Line(buffer, list(CAPITALS.values()),
                 [numbers.find(BOOK.name(capital=name, buffer=buffer), metric) for name in CAPITALS])
            for buffer in BUFFERS
        ]  # fmt: skip

    panels = {"before costs": lines("active_sharpe_gross"), "after costs": lines("active_sharpe")}
    title = "Sharpe ratio over equal weight by the capital of the account"
    ticks = {value: name.replace(" thousand", "k").replace(" million", "m").replace(" billion", "bn")
             for name, value in CAPITALS.items()}  # fmt: skip
    return plot(lines_by_group(panels, title, "capital, yuan", "Sharpe ratio", log_x=True, zero=True, ticks=ticks,
                               note=shown.note))  # fmt: skip


def what_is_paid(shown: PageResult) -> HTML:
    """Costs a year by item, in per cent of the account; one for each capital."""
    from lib.paper.pages.forms import bars

    numbers = OverSeeds(shown.rows)

    def picture(capital: str) -> HTML:
        book = BOOK.name(capital=capital, buffer=BUFFER)
        items = {NAMES[item]: _per_cent(numbers.find(book, f"annual_{item}")) for item in ITEMS}
        most = max(items, key=lambda name: items[name].value)
        title = f"An account of {capital} yuan ({BUFFER}) pays most for {most}"
        return plot(bars(items, title, "costs a year, % of the account", note=shown.note))

    return picker("capital, yuan", {capital: picture(capital) for capital in CAPITALS})


def _per_cent(item: Estimate) -> Estimate:
    return Estimate(100 * item.value, 100 * item.low, 100 * item.high)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Accounts and the back-test in weights down; Sharpe ratios, costs, turnover, orders cut or without a lot."""
    numbers, rows = OverSeeds(frame), []
    for buffer in BUFFERS:
        books = {"back-test in weights, 8 bps a side": WEIGHTS.name(buffer=buffer)}
        books |= {capital: BOOK.name(capital=capital, buffer=buffer) for capital in CAPITALS}
        for capital, book in books.items():
            row: dict[str, object] = {"buffer": buffer, "capital": capital}
            row |= cells(numbers, book, ("active_sharpe_gross", "active_sharpe", "annual_costs"))
            rows.append(row | {m: numbers.find(book, m).value for m in ("turnover", "cash", "capped", "unfit")})
    return pd.DataFrame(rows).set_index(["buffer", "capital"])


def books(shown: PageResult) -> HTML:
    """The table of `summary`, one for each buffer."""
    heads = {"capital": "capital, yuan", "active_sharpe_gross": "Sharpe ratio over equal weight, before costs",
             "active_sharpe": "after costs", "annual_costs": "costs a year, % of the account",
             "turnover": "turnover a day, % of the account", "cash": "in cash, % of the account",
             "capped": "orders a day cut by the volume", "unfit": "orders a day below one lot"}  # fmt: skip
    formats = {"active_sharpe_gross": "+.2f", "active_sharpe": "+.2f", "annual_costs": ".1%", "turnover": ".1%",
               "cash": ".1%", "capped": ".2f", "unfit": ".2f"}  # fmt: skip
    rows = summary(shown.rows)
    return picker("buffer", {
        buffer: table(rows.loc[[buffer]], f"costs_and_capacity_{buffer.replace(' ', '_')}", columns=heads,
                      formats=formats, caption=shown.note)
        for buffer in BUFFERS
    })  # fmt: skip
