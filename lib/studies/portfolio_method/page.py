"""The page "portfolio_method": what the covariance, the cost term and the rule of ranks do to the same predictions."""

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
from lib.paper.pages.tables import cells
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import ENOUGH_SEEDS, OverSeeds, mean_over_seeds
from lib.studies.portfolio_method.measure import (
    AGAINST,
    AVERSIONS,
    BOOK,
    CLAIMED_AT,
    COST_EFFECT,
    COSTS,
    COUNTED,
    COVARIANCE_EFFECT,
    COVARIANCES,
    FREE,
    HOME,
    LEVEL,
    MATCHED_AT,
    PAIR,
    PLACE,
    RULES,
    SENSES,
    TERM,
)

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "The papers report that an optimiser with Ledoit and Wolf's covariance beats one with the sample covariance, and "
    "both beat the best stocks at equal weight. With the same predictions for all, is that so, and does the "
    "covariance matter more than counting costs in the objective?"
)
ADVICE = (
    "Put the costs into the objective before you replace the covariance.",
    "Compare an optimiser with the best stocks at equal weight and a buffer: without a buffer they trade much more.",
    "State the size of the predictions and the risk aversion together; one without the other says nothing.",
    "Hedge before you compare: in a long-only book a covariance that lowers risk also lowers beta.",
)
BUFFERED = "top k, buffer 2k"
NAMES = {"sample": "sample", "ledoit_wolf": "Ledoit-Wolf", "diagonal": "diagonal", "pca": "ten factors"}
EFFECT_NAMES = {"sample": "sample - Ledoit-Wolf", "diagonal": "diagonal - Ledoit-Wolf",
                "pca": "ten factors - Ledoit-Wolf"}  # fmt: skip
OUTCOMES = {
    "hedged Sharpe ratio": ("appraisal_gross", "appraisal"),
    "Sharpe ratio": ("sharpe_gross", "sharpe"),
    "Sharpe ratio over equal weight": ("active_sharpe_gross", "active_sharpe"),
    "turnover": ("turnover",),
    "volatility": ("volatility",),
    "beta": ("beta",),
    "drawdown": ("max_drawdown",),
}
UNITS = {"turnover": "bought plus sold a day, share of equity", "volatility": "volatility a year",
         "beta": "beta to equal weight", "drawdown": "largest drawdown, share of equity"}  # fmt: skip
HEADS = {
    "appraisal_gross": "hedged Sharpe ratio, before costs", "appraisal": "hedged Sharpe ratio, after costs",
    "sharpe_gross": "Sharpe ratio, before costs", "sharpe": "Sharpe ratio, after costs",
    "active_sharpe_gross": "Sharpe ratio over equal weight, before costs",
    "active_sharpe": "Sharpe ratio over equal weight, after costs",
    "turnover": "turnover a day, share of equity", "beta": "beta", "volatility": "volatility a year",
    "max_drawdown": "largest drawdown",
}  # fmt: skip
FORMATS = {**dict.fromkeys(("appraisal_gross", "appraisal", "sharpe_gross", "sharpe", "active_sharpe_gross",
                            "active_sharpe", "matched.appraisal"), "+.2f"),
           "turnover": ".2f", "beta": "+.2f", "volatility": ".1%", "max_drawdown": ".1%",
           "held": ".0f"}  # fmt: skip
#: the books of the papers' table (B, s4.3.4) -> their names in the ledger
PAPER = {
    "top k": "equal_weight_top100",
    BOOK.name(covariance="sample", cost=FREE): "mvo_sample",
    BOOK.name(covariance=HOME, cost=FREE): "mvo_ledoit_wolf",
}
#: metric of a claim -> ours, and its unit in the claim's
CLAIMED_METRICS = {"sharpe": ("sharpe", 1.0), "max_drawdown": ("max_drawdown", 100.0), "turnover": ("turnover", 1.0)}
CLAIM_IDS = tuple(f"B.portfolio.{name}.{what}" for name in PAPER.values() for what in CLAIMED_METRICS)


def sizes(frame: pd.DataFrame) -> list[int]:
    """Numbers of stocks of the markets there are, ascending."""
    places = [PLACE.parts(str(name).partition(" | ")[2]) for name in frame["variant"].unique()]
    return sorted({int(place["stocks"]) for place in places if place})


def where(stocks: int, sense: str = MATCHED_AT[0], aversion: int = MATCHED_AT[1]) -> str:
    return PLACE.name(stocks=stocks, sense=sense, aversion=aversion)


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says, on the small markets at the headline's scale; the last on large markets, where there are."""
    numbers, found = OverSeeds(frame), sizes(frame)
    place = where(found[0]) if found else where(0)
    sharpe, risk = (_larger(numbers, place, name) for name in ("hedged Sharpe ratio", "volatility"))
    return [_cost(numbers, place), sharpe, _sample(numbers, place), _ranks(numbers, place), _matched(numbers, place),
            risk, _diagonal(numbers, place), _scale(numbers, found[0] if found else 0),
            *([_large(numbers, found)] if len(found) > 1 else [])]  # fmt: skip


def _cost(numbers: OverSeeds, place: str) -> Finding:
    effect = COST_EFFECT.name(counted=COUNTED, place=place)
    gross, net, trades = (numbers.find(effect, name) for name in ("appraisal_gross", "appraisal", "turnover"))
    text = "Counting costs in the objective"
    rest = "Before costs it changes by {gross:+.2f}, and turnover by {trades:+.2f} of the equity a day."
    return by_sign(
        net, f"{text} raises the hedged Sharpe ratio after costs: it gains {{net:.2f}}. {rest}",
        f"{text} lowers the hedged Sharpe ratio; after costs it loses: {{net:+.2f}}. {rest}",
        f"{text}: for the hedged Sharpe ratio after costs whether it gains is not decided: {{net:+.2f}}. {rest}",
        gross=gross, trades=trades, net=net,
    )  # fmt: skip


def _diagonal(numbers: OverSeeds, place: str) -> Finding:
    effect = COVARIANCE_EFFECT.name(covariance="diagonal", home=HOME, place=place)
    risk, beta, hedged = (numbers.find(effect, name) for name in ("volatility", "beta", "appraisal_gross"))
    text = (
        "With a diagonal covariance in place of Ledoit-Wolf's the volatility changes by {risk:+.1%} a year and beta by "
        "{beta:+.2f};"
    )
    return by_sign(
        hedged, f"{text} the hedged Sharpe ratio before costs is higher by {{hedged:.2f}}.",
        f"{text} the hedged Sharpe ratio before costs is lower: {{hedged:+.2f}}.",
        f"{text} no difference is shown between the hedged Sharpe ratios before costs: {{hedged:+.2f}}.",
        risk=risk, beta=beta, hedged=hedged,
    )  # fmt: skip


def _sample(numbers: OverSeeds, place: str) -> Finding:
    """The papers' comparison, the other way round: Ledoit-Wolf less sample, costs left out of the objective."""
    name = PAIR.name(covariance="sample", home=HOME, cost=FREE, place=place)
    net, trades = (numbers.find(name, metric).against for metric in ("sharpe", "turnover"))
    printed = claimed_value("B.portfolio.mvo_ledoit_wolf.sharpe") - claimed_value("B.portfolio.mvo_sample.sharpe")
    text = (
        "The papers print a Sharpe ratio {printed:.2f} higher with Ledoit-Wolf's covariance than with the sample "
        "covariance, and less turnover. Here it differs by {net:+.2f} after costs and turnover by {trades:+.3f} a day"
    )
    return outcome({
        f"{text}: no gain is shown.": net.low <= 0 and net.high < printed,
        f"{text}: the gain is smaller than printed.": net.high < printed,
        f"{text}: the sign of the gain is as printed.": net.low > 0,
        f"{text}: the gain is not decided.": True,
    }, printed=printed, net=net, trades=trades)  # fmt: skip


def _larger(numbers: OverSeeds, place: str, what: str) -> Finding:
    """The cost term against the largest difference between covariances, market by market."""
    metric = OUTCOMES[what][-1]
    name, covariance, cost, gap = contest(numbers, place, metric)
    form = "+.1%" if metric == "volatility" else "+.2f"
    when = " after costs" if what == "hedged Sharpe ratio" else ""
    text = (
        f"Counting costs in the objective changes the {what}{when} by {{cost:{form}}}, the covariance that differs "
        f"most from Ledoit-Wolf's ({{name}}) by {{covariance:{form}}}"
    )
    return by_sign(
        gap, f"{text}: the cost term matters more.", f"{text}: the covariance matters more.",
        f"{text}: which matters more is not decided.", name=NAMES.get(name, "none"), cost=cost, covariance=covariance,
    )  # fmt: skip


def contest(numbers: OverSeeds, place: str, metric: str) -> tuple[str, Estimate, Estimate, Estimate]:
    """The covariance that differs most from HOME, its effect, that of the cost term, and by how much the latter is
    larger in size, paired over markets; the sign of an effect is that of its mean."""
    effects = {
        name: COVARIANCE_EFFECT.name(covariance=name, home=HOME, place=place) for name in COVARIANCES if name != HOME
    }
    present = {name: abs(numbers.find(key, metric).value) for name, key in effects.items()}
    present = {name: size for name, size in present.items() if not math.isnan(size)}
    most = max(present, key=lambda name: present[name], default="")
    term = COST_EFFECT.name(counted=COUNTED, place=place)
    if not most:
        return "", Estimate(math.nan), Estimate(math.nan), Estimate(math.nan)
    sides = [numbers.seeds(key, metric) for key in (term, effects[most])]
    sizes_of = [side if side.mean() >= 0 else -side for side in sides]
    gap = mean_over_seeds(sizes_of[0] - sizes_of[1]) if len(sides[0]) == len(sides[1]) else Estimate(math.nan)
    return most, numbers.find(effects[most], metric), numbers.find(term, metric), gap


def _ranks(numbers: OverSeeds, place: str) -> Finding:
    """The optimiser that counts costs against equal weight on the top k with a buffer."""
    name = AGAINST.name(book=BOOK.name(covariance=HOME, cost=COUNTED), rule=BUFFERED, place=place)
    gross, net = (numbers.find(name, metric) for metric in ("appraisal_gross", "appraisal"))
    text = (
        "The optimiser (Ledoit-Wolf, costs counted) less the k best stocks at equal weight with a buffer of 2k: the "
        "hedged Sharpe ratio differs by {gross:+.2f} before costs and {net:+.2f} after them"
    )
    return by_sign(net, f"{text}: optimising pays.", f"{text}: the ranks do better.",
                   f"{text}: no difference is shown after costs.", gross=gross, net=net)  # fmt: skip


def _matched(numbers: OverSeeds, place: str) -> Finding:
    """The same once both trade the same."""
    name = AGAINST.name(book=BOOK.name(covariance=HOME, cost=COUNTED), rule=BUFFERED, place=place)
    found, reached = numbers.find(name, "matched.appraisal"), len(numbers.seeds(name, "matched.appraisal"))
    text = (
        "The optimiser (Ledoit-Wolf, costs counted) less the best stocks at equal weight, both at equal turnover "
        "(reached in {reached:.0f} markets): the hedged Sharpe ratio after costs differs by {found:+.2f}"
    )
    return by_sign(found, f"{text}: optimising pays beyond trading less.", f"{text}: the ranks do better.",
                   f"{text}: not decided.", reached=float(reached), found=found)  # fmt: skip


def _scale(numbers: OverSeeds, stocks: int) -> Finding:
    """Levels of one book from the least to the most risk-averse, and literally."""
    book = BOOK.name(covariance=HOME, cost=COUNTED)

    def level(sense: str, aversion: int) -> float:
        return numbers.find(LEVEL.name(book=book, place=where(stocks, sense, aversion)), "appraisal").value

    low, high = level(SENSES[0], min(AVERSIONS)), level(SENSES[0], max(AVERSIONS))
    literal = level(SENSES[1], MATCHED_AT[1])
    name, covariance, _, _ = contest(numbers, where(stocks), "appraisal")
    gap = max(low, high, literal) - min(low, high, literal)
    text = (
        "The hedged Sharpe ratio after costs of the optimiser (Ledoit-Wolf, costs counted) is {low:.2f} at risk "
        "aversion {least} and {high:.2f} at {most}; with predictions in returns it is {literal:.2f} at {middle}"
    )
    return outcome({
        f"{text}. This range is wider than the effect of any covariance ({{name}}: {{covariance:+.2f}}).":
            gap > abs(covariance.value),
        f"{text}. This range is no wider than the effect of a covariance ({{name}}: {{covariance:+.2f}}).": True,
    }, low=low, high=high, literal=literal, least=str(min(AVERSIONS)), most=str(max(AVERSIONS)),
       middle=str(MATCHED_AT[1]), name=NAMES.get(name, "none"), covariance=covariance)  # fmt: skip


def _large(numbers: OverSeeds, found: list[int]) -> Finding:
    """Whether the cost term does the same in the large markets."""
    small, large = (numbers.find(COST_EFFECT.name(counted=COUNTED, place=where(stocks)), "appraisal")
                    for stocks in (found[0], found[-1]))  # fmt: skip
    text = "With {stocks} stocks the cost term changes the hedged Sharpe ratio after costs by {large:+.2f}"
    stocks, few = f"{found[-1]:,}", f"{found[0]:,}"
    return outcome({
        f"{text}, in the same direction as with {{few}} ({{small:+.2f}}).": large.sign == small.sign != 0,
        f"{text}, unlike with {{few}} ({{small:+.2f}}).": True,
    }, large=large, small=small, stocks=stocks, few=few)  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def effects(shown: PageResult) -> HTML:
    """Main effects of the cost term and of three covariances, a tab for each outcome."""
    from lib.paper.pages.forms import forest
    from lib.paper.pages.style import BLUE, VERMILLION

    numbers, said = OverSeeds(shown.rows), findings(shown.rows)
    place = where(sizes(shown.rows)[0])
    names = {"costs counted - left out": COST_EFFECT.name(counted=COUNTED, place=place)}
    names |= {
        text: COVARIANCE_EFFECT.name(covariance=name, home=HOME, place=place) for name, text in EFFECT_NAMES.items()
    }

    def picture(what: str, metrics: tuple[str, ...]) -> HTML:
        rows: Any = {label: [numbers.find(name, metric) for metric in metrics] for label, name in names.items()}
        neutral = f"What changes the {what} of an optimised book"
        title = said[0].title(neutral) if what == "hedged Sharpe ratio" else neutral
        two = len(metrics) > 1
        return plot(forest(rows if two else {label: found[0] for label, found in rows.items()}, title,
                           f"difference: {UNITS.get(what, 'Sharpe ratio a year')}",
                           series=("before costs", "after costs") if two else (), colors=(BLUE, VERMILLION),
                           digits=None if two else 3, note=shown.note))  # fmt: skip

    return tabs({what: picture(what, metrics) for what, metrics in OUTCOMES.items()})


def by_aversion(shown: PageResult) -> HTML:
    """Hedged Sharpe ratio after costs, and turnover, against risk aversion, a panel for each size of predictions."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, GREEN

    numbers, stocks = OverSeeds(shown.rows), sizes(shown.rows)[0]
    colors = {HOME: BLUE, "diagonal": GREEN}

    def line(sense: str, covariance: str, cost: str, metric: str) -> Line:
        book = BOOK.name(covariance=covariance, cost=cost)
        found = {a: numbers.find(LEVEL.name(book=book, place=where(stocks, sense, a)), metric)
                 for a in sorted(AVERSIONS)}  # fmt: skip
        known = {a: item for a, item in found.items() if not math.isnan(item.value)}
        label = f"{NAMES[covariance]},\n{cost}"
        return Line(label, list(known), list(known.values()), colors[covariance], dashed=cost == FREE)

    def picture(metric: str, words: str) -> HTML:
        panels = {f"{sense} predictions": [line(sense, covariance, cost, metric) for covariance in colors
                                           for cost in COSTS] for sense in SENSES}  # fmt: skip
        neutral = f"{words[0].upper()}{words[1:]} by risk aversion"
        title = _scale(numbers, stocks).title(neutral) if metric == "appraisal" else neutral
        return plot(lines_by_group(panels, title, "risk aversion", words, log_x=True, zero=True,
                                   ticks={float(a): str(a) for a in sorted(AVERSIONS)}, note=shown.note))  # fmt: skip

    return tabs({"hedged Sharpe ratio": picture("appraisal", "hedged Sharpe ratio after costs"),
                 "turnover": picture("turnover", "turnover a day")})  # fmt: skip


# -------------------------------------------------------------------------------------------- tables


def levels_table(frame: pd.DataFrame, stocks: int, sense: str, aversion: int) -> pd.DataFrame:
    """Books down, gross before net across, with 95 % intervals over markets."""
    numbers, place = OverSeeds(frame), where(stocks, sense, aversion)
    books = [*RULES, *(BOOK.name(covariance=c, cost=cost) for c in COVARIANCES for cost in COSTS)]
    return _rows(numbers, {_in_words(book): LEVEL.name(book=book, place=place) for book in books}, (*HEADS, "held"))


def differences_table(frame: pd.DataFrame, stocks: int) -> pd.DataFrame:
    """Paired differences at the headline's scale: covariances, cost term, optimisers against ranks."""
    numbers, place = OverSeeds(frame), where(stocks)
    home = NAMES[HOME]
    names = {f"{NAMES[c]} - {home}, {cost}": PAIR.name(covariance=c, home=HOME, cost=cost, place=place)
             for c in COVARIANCES if c != HOME for cost in COSTS}  # fmt: skip
    names |= {f"{COUNTED} - left out, {NAMES[c]}": TERM.name(counted=COUNTED, covariance=c, place=place)
              for c in COVARIANCES}  # fmt: skip
    names |= {f"{home}, {cost} - {rule}": AGAINST.name(book=BOOK.name(covariance=HOME, cost=cost), rule=rule,
                                                       place=place) for cost in COSTS for rule in RULES}  # fmt: skip
    return _rows(numbers, names, (*HEADS, "matched.appraisal", "turnover.left", "turnover.right"))


def _rows(numbers: OverSeeds, names: dict[str, str], metrics: tuple[str, ...]) -> pd.DataFrame:
    rows = [{"book": label} | cells(numbers, name, metrics) for label, name in names.items()]
    return pd.DataFrame(rows).dropna(thresh=2)


def _in_words(book: str) -> str:
    """A book with its covariance as a reader knows it."""
    parts = BOOK.parts(book)
    return f"{NAMES[parts['covariance']]}, {parts['cost']}" if parts else book


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Books of the small markets at the headline's scale."""
    return levels_table(frame, sizes(frame)[0], *MATCHED_AT).set_index("book")


def levels(shown: PageResult) -> HTML:
    """Every book, a tab for each market size, size of predictions and risk aversion."""
    parts = {}
    for stocks in sizes(shown.rows):
        for sense in SENSES:
            for aversion in sorted(AVERSIONS):
                found = levels_table(shown.rows, stocks, sense, aversion)
                if len(found):
                    label = f"{stocks} stocks, {sense}, risk aversion {aversion}"
                    parts[label] = table(found, f"portfolio_method_{stocks}_{sense}_{aversion}",
                                         columns={"book": "book"} | HEADS | {"held": "names held"}, formats=FORMATS,
                                         caption=f"{where(stocks, sense, aversion)}; {shown.note}")  # fmt: skip
    return tabs(parts)


def differences(shown: PageResult) -> HTML:
    """Paired differences, a tab for each market size."""
    heads = {"book": "difference"} | HEADS
    heads |= {"matched.appraisal": "hedged Sharpe ratio, after costs, at equal turnover",
              "turnover.left": "turnover a day of the first", "turnover.right": "of the second"}  # fmt: skip
    return tabs({
        f"{stocks} stocks": table(differences_table(shown.rows, stocks), f"portfolio_method_differences_{stocks}",
                                  columns=heads, formats=FORMATS, caption=f"{where(stocks)}; {shown.note}")
        for stocks in sizes(shown.rows)
    })  # fmt: skip


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Levels of the papers' table on their own back-test: literal predictions, their code's risk aversion, no costs in
    the objective, 8 basis points a side; on the largest markets of which there are enough."""
    numbers, found = OverSeeds(frame), sizes(frame)
    if not found:
        return []
    sharpe, answers = "naive_close.sharpe", []
    enough = [
        stocks
        for stocks in found
        if len(numbers.seeds(LEVEL.name(book="top k", place=where(stocks, *CLAIMED_AT)), sharpe)) >= ENOUGH_SEEDS
    ]
    stocks = max(enough, default=found[0])  # fmt: skip
    for book, name in PAPER.items():
        for what, (metric, unit) in CLAIMED_METRICS.items():
            variant = LEVEL.name(book=book, place=where(stocks, *CLAIMED_AT))
            item = answered(numbers, variant, f"naive_close.{metric}", "level", unit)
            note = f"simulated market of {stocks} stocks, ridge's predictions in returns, risk aversion {CLAIMED_AT[1]}"
            answers += level_answer(f"B.portfolio.{name}.{what}", item, note, "portfolio_method")
    return answers
