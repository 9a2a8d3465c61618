"""The page "own_setting_learning": what learning changes on a panel in which nothing can be learned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.paper.pages import plot, table
from lib.paper.pages.layout import opening, tabs
from lib.portfolio.lagged import OUTSIDE
from lib.stats.over_seeds import OverSeeds
from lib.stats.power import markets_needed
from lib.studies.own_setting_learning.findings import (
    CLAIMED,
    GROSS,
    NET,
    SAVED,
    TURNOVER,
    against,
    findings,
    in_words,
)
from lib.studies.own_setting_learning.measure import POLICY
from lib.studies.own_setting_learning.variants import ARMS, DIFFERENCE, EQUAL, PAIRS, PARTS, searched

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "In the papers' own synthetic market nothing can be predicted. Do the papers' loss, more factors, a synthetic "
    "panel or another model change what is earned there, or only what is traded?"
)
ADVICE = (
    "Show turnover and results before costs beside every Sharpe ratio after costs. Without anything to predict, the "
    "difference of two Sharpe ratios after costs is that of two turnovers, and noise.",
    "Train the same system once more with another seed: two arms that differ less than these two show nothing.",
    "Try a method on a panel without any alpha first. What it gains there it does not gain by predicting.",
)
TITLES = {"losses": "losses", "factors": "factors", "augmentation": "synthetic panels", "models": "models"}
MATCHED = f"{POLICY}.matched.8bps.sharpe"
LEVELS = {"m1_ic": "IC", TURNOVER: "turnover a day, % of the book", GROSS: "Sharpe ratio a year, before costs",
          NET: "after 8 bps a side", "persistence": "persistence", "coverage": "cells predicted, %",
          "sign_accuracy": "right signs, %", "base_rate": "commoner sign, %"}  # fmt: skip
DIFFERENCES = {TURNOVER: "turnover a day, % of the book", GROSS: "Sharpe ratio a year, before costs",
               SAVED: "by costs saved", NET: "after 8 bps a side", MATCHED: "after costs at equal turnover",
               "m1_ic": "IC", "persistence": "persistence"}  # fmt: skip
POLICIES = {**{name: name for name in OUTSIDE}, "literal": "zero, predictions as they are",
            "common": "zero, common cells"}  # fmt: skip
FORMATS = {"m1_ic": "+.4f", "sign_accuracy": ".1%", "base_rate": ".1%", "coverage": ".0%", "persistence": ".2f",
           TURNOVER: ".0%", GROSS: "+.2f", NET: "+.2f"}  # fmt: skip
SIGNED = {**dict.fromkeys((GROSS, SAVED, NET, MATCHED), "+.2f"), "m1_ic": "+.4f", TURNOVER: "+.1%",
          "persistence": "+.3f"}  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def gross_and_net(shown: PageResult) -> HTML:
    """Paired differences in Sharpe ratio before costs, by costs saved, after costs; of searched arms, a tab a part."""
    from lib.paper.pages.forms import forest
    from lib.paper.pages.style import BLUE, GREEN, GREY

    numbers, found = OverSeeds(shown.rows), {}
    said = dict(zip(("losses", "factors"), findings(shown.rows)[1:3], strict=True))
    for part, pairs in PAIRS.items():
        every = {f"{in_words(a)}\nagainst {in_words(b)}": [against(numbers, a, b, x) for x in (GROSS, SAVED, NET)]
                 for a, b in pairs if searched(a) and searched(b)}  # fmt: skip
        rows = {label: items for label, items in every.items() if not math.isnan(items[0].value)}
        if rows:
            unit = "difference in annual Sharpe ratio; costs of 8 bps a side"
            neutral = f"Differences before costs, by costs saved, and after costs: {TITLES[part]}"
            title = said[part].title(neutral) if part in said else neutral
            found[TITLES[part]] = plot(forest(
                rows, title, unit, colors=(BLUE, GREEN, GREY),
                series=("before costs", "costs saved", "after costs"), note=shown.note,
            ))  # fmt: skip
    return tabs(found)


def persistence(shown: PageResult) -> HTML:
    """Turnover against the persistence of predictions, one dot an arm."""
    from lib.paper.pages.style import BLUE, canvas, styled

    rows = levels_table(shown.rows).dropna(subset="persistence")
    together = rows[["persistence", TURNOVER]].corr().to_numpy()[0, 1] < -0.5
    title = (
        "Turnover follows the persistence of predictions" if together
        else "Persistence of predictions alone does not set turnover"
    )  # fmt: skip

    @styled
    def draw() -> Any:
        figure, (ax,) = canvas(1, 3.4, title, shown.note)
        ax.plot(rows["persistence"], 100 * rows[TURNOVER], "o", color=BLUE, markersize=5)
        for name in ("MSE", "system", "9 factors", "LightGBM"):
            for _, row in rows[rows["arm"] == name].iterrows():
                ax.annotate(in_words(name), (row["persistence"], 100 * row[TURNOVER]), xytext=(6, 3),
                            textcoords="offset points")  # fmt: skip
        ax.set_xlabel("correlation of a day's predictions with those of the day before")
        ax.set_ylabel("traded a day, % of the book")
        return figure

    return plot(draw())


# -------------------------------------------------------------------------------------------- tables


def levels_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Arms down, measures across, with intervals over markets."""
    rows = _rows(OverSeeds(frame), {name: name for name in ARMS}, tuple(LEVELS))
    return pd.DataFrame([{"arm": name, "what": in_words(name), **row} for name, row in rows.items()])


def differences_table(frame: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Pairs down, paired differences across, turnover before money and gross before net."""
    names = {f"{in_words(a)} against {in_words(b)}": DIFFERENCE.name(left=a, right=b) for a, b in pairs}
    metrics = (*DIFFERENCES, *(f"{policy}.8bps.sharpe" for policy in POLICIES))
    rows = _rows(OverSeeds(frame), names, metrics)
    return pd.DataFrame([{"compared": name, **row} for name, row in rows.items()])


def _rows(numbers: OverSeeds, variants: dict[str, str], metrics: Sequence[str]) -> dict[str, dict[str, float]]:
    """Numbers with their intervals, by label; variants that were not run are left out."""
    found = {}
    for label, variant in variants.items():
        items = {metric: numbers.find(variant, metric) for metric in metrics}
        if not math.isnan(items[TURNOVER if TURNOVER in items else NET].value):
            found[label] = {name: x for metric, item in items.items() for name, x in item.columns(metric).items()}
    return found


def power_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The papers' differences: their size, the spread of ours over markets, markets that would decide, markets here."""
    numbers, rows = OverSeeds(frame), []
    for (left, right), claimed in CLAIMED.items():
        for metric, words in ((GROSS, "before costs"), (NET, "after costs")):
            sample = numbers.seeds(DIFFERENCE.name(left=left, right=right), metric)
            if len(sample) > 1:
                rows.append({
                    "compared": f"{in_words(left)} against {in_words(right)}", "Sharpe ratio": words,
                    "claimed": claimed, "deviation": float(np.std(sample, ddof=1)),
                    "needed": markets_needed(sample, claimed), "here": len(sample),
                })  # fmt: skip
    return pd.DataFrame(rows, columns=["compared", "Sharpe ratio", "claimed", "deviation", "needed", "here"])


def levels(shown: PageResult) -> HTML:
    """Every arm, a tab for a part."""
    whole = levels_table(shown.rows)
    parts = {part: whole[whole["arm"].isin(list(arms))] for part, arms in PARTS.items()}
    return tabs({
        TITLES[part]: table(rows, f"own_setting_learning_{part}", columns={"what": "what is trained"} | LEVELS,
                            formats=FORMATS, caption=shown.note)
        for part, rows in parts.items() if len(rows)
    })  # fmt: skip


def differences(shown: PageResult) -> HTML:
    """Every paired difference, a tab for a part."""
    return _paired(shown, "differences", DIFFERENCES, SIGNED, "differences; turnover matched on the validation days")


def policies(shown: PageResult) -> HTML:
    """The same by what happens to a name without a prediction."""
    heads = {f"{policy}.8bps.sharpe": text for policy, text in POLICIES.items()}
    return _paired(shown, "policies", heads, dict.fromkeys(heads, "+.2f"), "differences in Sharpe ratio after costs")


def _paired(shown: PageResult, name: str, heads: dict[str, str], formats: dict[str, str], words: str) -> HTML:
    parts = {part: differences_table(shown.rows, pairs) for part, pairs in PAIRS.items()}
    parts["the market"] = differences_table(shown.rows, [("system", EQUAL)])
    return tabs({
        TITLES.get(part, part): table(rows, f"own_setting_learning_{name}_{part.replace(' ', '_')}", formats=formats,
                                      columns={"compared": "compared"} | heads, caption=f"{words}; {shown.note}")
        for part, rows in parts.items() if len(rows)
    })  # fmt: skip


def power(shown: PageResult) -> HTML:
    """How many markets would decide the papers' differences."""
    heads = {"compared": "compared", "Sharpe ratio": "Sharpe ratio", "claimed": "difference in the papers", "deviation":
             "standard deviation over markets", "needed": "markets needed", "here": "markets here"}  # fmt: skip
    return table(power_table(shown.rows), "own_setting_learning_power", columns=heads,
                 formats={"claimed": "+.2f", "deviation": ".2f", "needed": ".0f"},
                 caption="80 % power at 5 %, two-sided, paired over markets")  # fmt: skip
