"""The page "risk": forecasts of losses and their back-tests, results by regime, styles, and rolling views."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, by_sign, outcome
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.tables import Format, cells, text_of
from lib.portfolio.risk import STYLES
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds, mean_over_seeds
from lib.stats.tail import METHODS
from lib.studies.risk.measure import (
    BOOKS,
    COUNTED,
    COURSE,
    EXPLAINED,
    INDEX,
    LEVELS,
    OPTIMISED,
    REGIME,
    REGIMES,
    ROLLED,
    ROLLING,
    SCALINGS,
    SIMULATED_PLACE,
    STYLE,
    STYLE_NAMES,
    TAIL,
    TOP,
    TRADED,
)

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

QUESTION = (
    "Paper A announces value-at-risk, results by regime, style exposures and rolling windows, and prints no numbers. "
    "Is the forecast loss exceeded as often as it should be, which risks do the books take, and what does a rolling "
    "Sharpe ratio show?"
)
ADVICE = (
    "Divide returns by a forecast of their volatility before taking a quantile; compare quantile formulas on your own "
    "data.",
    "Back-test value-at-risk for the number of days beyond it and for clusters of them: the right number can still "
    "come in clusters.",
    "Before you read a regime into a rolling Sharpe ratio, compare it with that of the same days in random order.",
)
NAMES = {"historical": "historical", "cornish_fisher": "Cornish-Fisher", "monte_carlo": "Monte Carlo"}
HEADS = {
    "book": "book", "scaling": "window", "method": "method", "hits": "days beyond VaR", "width": "mean VaR",
    "es_ratio": "loss on those days over ES", "reject share": "rejected: number of days",
    "reject clusters": "rejected: clusters", "reject both": "rejected: both", "reject depth": "rejected: depth",
    "defined": "days with a forecast",
}  # fmt: skip
FORMATS: dict[str, Format] = {
    "hits": ".2%", "width": ".2%", "es_ratio": ".2f", "defined": ".0%", "share": ".0%", "over_gross": "+.1%",
    "over_net": "+.1%", "over_sharpe_gross": "+.2f", "over_sharpe": "+.2f", "turnover": ".2f", "annual": "+.1%",
    "volatility": ".1%", "hits plain": ".1%", "hits rescaled": ".1%",
    **{f"reject {name}": partial(text_of, form=".0%") for name in ("share", "clusters", "both", "depth")},
}  # fmt: skip
REGIME_HEADS = {
    "book": "book", "regime": "regime", "share": "share of days", "annual": "return a year, after costs",
    "over_gross": "over the index, before costs", "over_net": "over the index, after costs",
    "over_sharpe_gross": "Sharpe ratio over the index, before costs",
    "over_sharpe": "Sharpe ratio over the index, after costs",
    "turnover": "turnover a day", "volatility": "volatility a year",
    "hits plain": "days beyond 2.5 % VaR, plain", "hits rescaled": "days beyond 2.5 % VaR, rescaled",
}  # fmt: skip


def places(frame: pd.DataFrame) -> list[str]:
    """The simulated market and the file, in the order of the frame."""
    found = (COURSE.parts(str(name)) for name in frame["variant"].unique())
    return list(dict.fromkeys(parts["place"] for parts in found if parts))


def place_name(place: str) -> str:
    return {SIMULATED_PLACE: "simulated markets", "csi300": "CSI 300"}.get(place, place)


def note_of(shown: PageResult, place: str) -> str:
    """Small print: of a file there is one path, however often it is learned."""
    return shown.note if place == SIMULATED_PLACE else "one path of days, 95 % intervals over them"


def tail(numbers: OverSeeds, book: str, scaling: str, metric: str, place: str, method: str = COUNTED[0],
         level: str = COUNTED[1]) -> Estimate:  # fmt: skip
    return numbers.find(TAIL.name(book=book, method=method, scaling=scaling, level=level, place=place), metric)


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: the tail of every place; then styles, rolling views, methods, regimes, real prices first."""
    numbers, found = OverSeeds(frame), places(frame)
    others = (_styles, _rolling, _methods, _regimes)
    return [_share(numbers, place) for place in found] + [
        part(numbers, place) for place in reversed(found) for part in others
    ]


def _share(numbers: OverSeeds, place: str) -> Finding:
    """Plain against rescaled windows on all days and on volatile ones; historical at 2.5 %."""
    plain, scaled = (tail(numbers, TOP, scaling, "hits", place) for scaling in SCALINGS)
    wild, eased = (
        numbers.find(REGIME.name(book=TOP, regime="volatile", place=place), f"hits {scaling}") for scaling in SCALINGS
    )
    wanted = LEVELS[COUNTED[1]]
    text = (
        "{place}: losses of the best tenth exceed their {wanted:.1%} value-at-risk on {plain:.1%} of days and "
        "{wild:.1%} of volatile days with a plain window; on {scaled:.1%} and {eased:.1%} with returns rescaled by "
        "forecast volatility"
    )
    slow = plain.low > wanted or wild.low > wanted
    nearer = abs(eased.value - wanted) < abs(wild.value - wanted)
    return outcome({
        f"{text}. A plain window reacts too slowly.": slow and nearer,
        f"{text}. Rescaling does not bring volatile days nearer to the target.": not nearer,
        f"{text}. That a plain window reacts too slowly is not shown.": True,
    }, place=_capital(place), wanted=wanted, plain=plain, wild=wild, scaled=scaled, eased=eased)  # fmt: skip


def _methods(numbers: OverSeeds, place: str) -> Finding:
    """The span over methods against that over scalings, at both levels and over the traded books."""
    over_methods, over_scalings = [], []
    for book in TRADED:
        for level in LEVELS:
            share = {(m, s): tail(numbers, book, s, "hits", place, m, level).value for m in METHODS for s in SCALINGS}
            for scaling in SCALINGS:
                values = [share[method, scaling] for method in METHODS]
                over_methods.append((max(values) - min(values)) / LEVELS[level])
            over_scalings += [abs(share[m, "plain"] - share[m, "rescaled"]) / LEVELS[level] for m in METHODS]
    methods, scalings = (sum(values) / len(values) for values in (over_methods, over_scalings))
    text = (
        "{place}: the share of days beyond value-at-risk differs by {methods:.0%} of its target between historical, "
        "Cornish-Fisher and Monte Carlo quantiles, and by {scalings:.0%} between plain and rescaled windows"
    )
    return outcome({
        f"{text}: rescaling matters more than the formula.": scalings > methods,
        f"{text}: the formula matters more.": True,
    }, place=_capital(place), methods=methods, scalings=scalings)  # fmt: skip


def _regimes(numbers: OverSeeds, place: str) -> Finding:
    """The book over the index where volatility is high and where it is low, before costs."""
    names = [REGIME.name(book=TOP, regime=regime, place=place) for regime in ("volatile", "quiet")]
    wild, quiet = (numbers.find(name, "over_sharpe_gross") for name in names)
    samples = [numbers.seeds(name, "over_sharpe_gross") for name in names]
    gap = mean_over_seeds(samples[0] - samples[1]) if len(samples[0]) == len(samples[1]) > 0 else Estimate(math.nan)
    text = (
        "{place}: the best tenth's Sharpe ratio over the index, before costs, is {wild:+.2f} on volatile days and "
        "{quiet:+.2f} on quiet ones (difference {gap:+.2f})"
    )
    if place != SIMULATED_PLACE:
        return Finding(f"{text}; one path, so the difference has no interval.", place=_capital(place), wild=wild,
                       quiet=quiet, gap=gap, holds=True)  # fmt: skip
    return by_sign(gap, f"{text}: it is higher on volatile days.", f"{text}: it is lower on volatile days.",
                   f"{text}: that it depends on volatility is not shown.", place=_capital(place), wild=wild,
                   quiet=quiet, gap=gap)  # fmt: skip


def _styles(numbers: OverSeeds, place: str) -> Finding:
    """The largest exposure of the optimised book, and what market and styles leave over."""
    held = {style: numbers.find(STYLE.name(book=OPTIMISED, style=style, place=place), "exposure")
            for style in STYLE_NAMES}  # fmt: skip
    known = {style: item for style, item in held.items() if not math.isnan(item.value)}
    most = max(known, key=lambda style: abs(known[style].value), default="")
    name = EXPLAINED.name(book=OPTIMISED, place=place)
    alpha, explained = numbers.find(name, "alpha"), numbers.find(name, "explained").value
    text = (
        "{place}: the optimised book's largest style exposure is to {most} ({held:+.2f} standard deviations over "
        "stocks). Market and four styles explain {explained:.0%} of its variance; beyond them it earns {alpha:+.1%} a "
        "year before costs"
    )
    return by_sign(alpha, f"{text}: its return does not come from them.", f"{text}: without them it would lose.",
                   f"{text}, which is not shown to differ from zero.", place=_capital(place), most=most or "none",
                   held=known.get(most, Estimate(math.nan)), explained=explained, alpha=alpha)  # fmt: skip


def _rolling(numbers: OverSeeds, place: str) -> Finding:
    """The longest window there is: how far the view swings, over how far it swings in random order."""
    windows = [size for size in ROLLED if not math.isnan(
        numbers.find(ROLLING.name(book=TOP, window=size, place=place), "sharpe ratio").value)]  # fmt: skip
    window = max(windows, default=ROLLED[-1])
    name = ROLLING.name(book=TOP, window=window, place=place)
    ratio, risk = (numbers.find(name, f"{what} ratio") for what in ("sharpe", "volatility"))
    worst, best = (numbers.find(name, f"sharpe {end}").value for end in ("worst", "best"))
    text = (
        "{place}: over {window} sessions the best tenth's Sharpe ratio over the index runs from {worst:+.2f} to "
        "{best:+.2f}. It varies {ratio:.2f} times as much as with the same days in random order, volatility {risk:.2f} "
        "times"
    )
    return outcome({
        f"{text}. Risk changes over time, skill hardly more than chance gives.":
            risk.value > 1.5 and ratio.value < 1.5,
        f"{text}. Both change more than chance gives.": min(risk.value, ratio.value) >= 1.5,
        f"{text}. Skill changes more than chance gives, risk hardly.": ratio.value >= 1.5,
        f"{text}. Neither changes much more than chance gives.": True,
    }, place=_capital(place), window=str(window), worst=worst, best=best, ratio=ratio, risk=risk)  # fmt: skip


def _capital(place: str) -> str:
    name = place_name(place)
    return name[:1].upper() + name[1:]


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def share_figure(frame: pd.DataFrame, place: str, level: str, note: str = "") -> Figure:
    """Days beyond VaR by book and method, plain and rescaled, against the share that was wanted."""
    from lib.paper.pages.forms import forest
    from lib.paper.pages.style import BLUE, VERMILLION

    numbers = OverSeeds(frame)
    rows = {
        f"{book},\n{NAMES[method]}": [tail(numbers, book, scaling, "hits", place, method, level).times(100)
                                      for scaling in SCALINGS]
        for book in BOOKS for method in METHODS
    }  # fmt: skip
    return forest(rows, f"Days beyond a value-at-risk of {level}, {place_name(place)}", "% of days",
                  series=("plain window", "rescaled"), colors=(VERMILLION, BLUE), reference=100 * LEVELS[level],
                  note=note)  # fmt: skip


def shares(shown: PageResult) -> HTML:
    """The figure, a tab for each place and level."""
    return tabs({f"{place_name(place)}, {level}": plot(share_figure(shown.rows, place, level, note_of(shown, place)))
                 for place in places(shown.rows) for level in reversed(list(LEVELS))})  # fmt: skip


def style_figure(frame: pd.DataFrame, place: str, note: str = "") -> Figure:
    """Mean exposures of the two traded books."""
    from lib.paper.pages.forms import forest
    from lib.paper.pages.style import BLUE, VERMILLION

    numbers = OverSeeds(frame)
    rows = {style: [numbers.find(STYLE.name(book=book, style=style, place=place), "exposure") for book in TRADED]
            for style in STYLE_NAMES}  # fmt: skip
    rows = {style: items for style, items in rows.items() if not math.isnan(items[0].value)}
    return forest(rows, _styles(numbers, place).title(f"Style exposures of the books, {place_name(place)}"),
                  "standard deviations of stocks, over equal weight", series=TRADED, colors=(VERMILLION, BLUE),
                  note=note)  # fmt: skip


def style_exposures(shown: PageResult) -> HTML:
    """The figure, a tab for each place."""
    return tabs({place_name(place): plot(style_figure(shown.rows, place, shown.note if place == SIMULATED_PLACE
                                                      else "one path of days, without intervals"))
                 for place in places(shown.rows)})  # fmt: skip


def course_figure(frame: pd.DataFrame, place: str, note: str = "") -> Figure:
    """The rolling Sharpe ratio over the index on a file, every 60 sessions."""
    from lib.paper.pages.forms import Line, lines_by_group

    numbers, lines = OverSeeds(frame), []
    for book in TRADED:
        variant = COURSE.name(book=book, place=place)
        dates = sorted(metric[7:] for own, metric in numbers if own == variant and metric.startswith("sharpe "))
        x = [int(date[:4]) + (int(date[5:7]) - 1) / 12 for date in dates]
        lines.append(Line(book, x, [numbers.find(variant, f"sharpe {date}").value for date in dates]))
    neutral = f"Sharpe ratio over the index of the last {ROLLED[-1]} sessions, {place_name(place)}"
    title = _rolling(numbers, place).title(neutral)
    return lines_by_group({"": lines}, title, "year", "Sharpe ratio, after costs", zero=True, note=note)


def course(shown: PageResult) -> HTML:
    """The figure, for files."""
    return tabs({place_name(place): plot(course_figure(shown.rows, place, "one path")) for place in places(shown.rows)
                 if place != SIMULATED_PLACE})  # fmt: skip


# -------------------------------------------------------------------------------------------- tables


def tail_table(frame: pd.DataFrame, place: str, level: str) -> pd.DataFrame:
    """Books, windows and methods down; share, width, depth and tests across."""
    numbers = OverSeeds(frame)
    chosen = [name for name in HEADS if name not in ("book", "scaling", "method")]
    return pd.DataFrame([
        {"book": book, "scaling": scaling, "method": NAMES[method]}
        | cells(numbers, TAIL.name(book=book, method=method, scaling=scaling, level=level, place=place), chosen)
        for book in BOOKS for scaling in SCALINGS for method in METHODS
    ])  # fmt: skip


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The 2.5 % tail on the first place."""
    return tail_table(frame, places(frame)[0], COUNTED[1]).set_index(["book", "scaling", "method"])


def tail_tests(shown: PageResult) -> HTML:
    """Every back-test, a tab for each place and level."""
    return tabs({f"{place_name(place)}, {level}": table(tail_table(shown.rows, place, level),
                                                        f"risk_tail_{place}_{level.split()[0]}", columns=HEADS,
                                                        formats=FORMATS, caption=note_of(shown, place))
                 for place in places(shown.rows) for level in reversed(list(LEVELS))})  # fmt: skip


def regime_table(frame: pd.DataFrame, place: str) -> pd.DataFrame:
    """Books and regimes down, gross before net across."""
    numbers, chosen = OverSeeds(frame), [name for name in REGIME_HEADS if name not in ("book", "regime")]
    rows = [
        {"book": book, "regime": regime}
        | cells(numbers, REGIME.name(book=book, regime=regime, place=place), chosen)
        for book in (INDEX, *TRADED) for regime in REGIMES
    ]  # fmt: skip
    return pd.DataFrame(rows).dropna(thresh=4)


def by_regime(shown: PageResult) -> HTML:
    """The table, a tab for each place."""
    return tabs({place_name(place): table(regime_table(shown.rows, place), f"risk_regimes_{place}", formats=FORMATS,
                                          columns=REGIME_HEADS, caption=note_of(shown, place))
                 for place in places(shown.rows)})  # fmt: skip


def style_table(frame: pd.DataFrame, place: str) -> pd.DataFrame:
    """Books and styles down: exposure, coefficient, what it earned; and what is left."""
    numbers, rows = OverSeeds(frame), []
    for book in TRADED:
        for style in ("market", *STYLE_NAMES):
            found = cells(numbers, STYLE.name(book=book, style=style, place=place), ("exposure", "beta", "earned"))
            rows.append({"book": book, "style": style, "meaning": STYLES.get(style, "equal weight")} | found)
        left = numbers.find(EXPLAINED.name(book=book, place=place), "alpha").columns("earned")
        rows.append({"book": book, "style": "none of them", "meaning": "what is left, before costs"} | left)
    return pd.DataFrame(rows).dropna(thresh=4)


def styles(shown: PageResult) -> HTML:
    """The table, a tab for each place."""
    heads = {"book": "book", "style": "style", "exposure": "exposure, standard deviations", "beta": "coefficient",
             "earned": "earned a year, before costs", "meaning": "what a high score means"}  # fmt: skip
    forms = {"exposure": "+.2f", "beta": "+.2f", "earned": "+.1%"}
    return tabs({place_name(place): table(style_table(shown.rows, place), f"risk_styles_{place}", columns=heads,
                                          formats=forms, caption=note_of(shown, place))
                 for place in places(shown.rows)})  # fmt: skip


def rolling_table(frame: pd.DataFrame, place: str) -> pd.DataFrame:
    """Books and windows down; swings of Sharpe ratio and volatility, and those of random order."""
    numbers = OverSeeds(frame)
    names = [f"{what} {end}" for what in ("sharpe", "volatility")
             for end in ("worst", "best", "swing", "swing_by_chance", "ratio")]  # fmt: skip
    rows = [
        {"book": book, "window": window}
        | cells(numbers, ROLLING.name(book=book, window=window, place=place), names)
        for book in (INDEX, *TRADED) for window in ROLLED
    ]  # fmt: skip
    return pd.DataFrame(rows).dropna(thresh=4)


def rolling_views(shown: PageResult) -> HTML:
    """The table, a tab for each place."""
    heads = {"book": "book", "window": "sessions", "sharpe worst": "lowest Sharpe ratio",
             "sharpe best": "highest Sharpe ratio",
             "sharpe swing": "its deviation over time", "sharpe swing_by_chance": "deviation in random order",
             "sharpe ratio": "deviation over that in random order", "volatility worst": "lowest volatility a year",
             "volatility best": "highest volatility a year",
             "volatility ratio": "its deviation over that in random order"}  # fmt: skip
    forms = {name: ".0%" if name.startswith("volatility") else "+.2f" for name in heads}
    forms["window"] = ".0f"
    forms |= dict.fromkeys(("sharpe swing", "sharpe swing_by_chance", "sharpe ratio", "volatility ratio"), ".2f")
    return tabs({place_name(place): table(rolling_table(shown.rows, place), f"risk_rolling_{place}", columns=heads,
                                          formats=forms, caption=note_of(shown, place))
                 for place in places(shown.rows)})  # fmt: skip
