"""The page "losses": what the loss does to predictions, where the answer is known, and on simulated markets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.evaluation.arms import SENSES
from lib.models.losses import adjusted_minimiser
from lib.paper.claims.ledger import claimed_difference
from lib.paper.pages import plot, table
from lib.paper.pages.layout import opening
from lib.paper.pages.picker import picker
from lib.paper.pages.tables import ENDPOINT_HEADS, Format, cells
from lib.stats.over_seeds import OverSeeds
from lib.stats.power import markets_needed, smallest_decided
from lib.studies.losses.findings import (
    CLAIMED_GAIN,
    GROSS,
    MATCHED,
    MSE,
    MSE_RAW,
    PAPER_LOSS,
    SMALL,
    against,
    findings,
    gaps,
    threshold,
)
from lib.studies.losses.minimiser import RATIOS
from lib.studies.losses.variants import (
    CENTRED,
    CHOSEN,
    DIFFERENCE,
    GAMMAS,
    LABELS,
    MINIMISER,
    RAW,
    TRIAL,
    VARIANT,
    Trained,
)

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

QUESTION = (
    "The papers replace the mean squared error by one that weighs a wrong sign eleven times as heavily as a right one, "
    "and report a Sharpe ratio that is higher by 0.27. How does such a loss change predictions and what they earn?"
)
ADVICE = (
    "Compute which prediction minimises a new loss before training on it: at the signal-to-noise ratio of the data "
    "that takes a minute, in closed form or by a fit to data with a known signal.",
    "Search for the settings of every loss by the same criterion, trials and markets. A loss of another scale needs "
    "another learning rate.",
    "Look at the spread of predictions before they enter an optimiser: a loss that shrinks them, or that has no "
    "scale, decides how much is traded.",
    "Give a share of right signs beside that of the commoner sign.",
)
WORDS = {"mse": "MSE", "huber": "Huber", "adj_huber": "adjusted Huber", "adj_mse": "AdjMSE", "ic": "IC",
         "rank_ic": "rank IC"}  # fmt: skip
LABEL_WORDS = {"centred": "labels centred per day", "raw": "raw labels"}
LEVELS = {"truth_ic": "truth IC", "m1_ic": "IC", "sign_accuracy": "right signs", "base_rate": "commoner sign",
          "sign_accuracy_centred": "right signs, centred", "base_rate_centred": "commoner sign, centred",
          "spread": "spread over that of returns"}  # fmt: skip
BOOKS = {name: head for name, head in ENDPOINT_HEADS.items() if "." in name and "matched" not in name}  # fmt: skip
OPTIMISED = {f"mean_variance_{sense}.{metric}": f"{sense}: {text}" for sense in SENSES
             for metric, text in (("active_sharpe_gross", "Sharpe ratio before costs"),
                                  ("active_sharpe", "after costs"),
                                  ("turnover", "turnover a day, % of the book"))}  # fmt: skip
SHARES = {name: ".1%" for name in (*LEVELS, *BOOKS, *OPTIMISED)
          if name.startswith(("sign", "base", "spread")) or name.endswith("turnover")}  # fmt: skip


def in_words(item: Trained) -> str:
    """A loss as a reader knows it.

    >>> in_words(Trained("adj_mse", 0.1, "raw"))
    'AdjMSE 0.1'
    """
    return WORDS[item.loss] + (f" {item.gamma:g}" if item.gamma is not None else "")


#: name of a variant -> its loss and labels as a reader knows them
LONG_WORDS = {item.name: f"{in_words(item)}, {item.labels} labels" for item in (*CENTRED, *RAW)}


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def minimisers(shown: PageResult) -> HTML:
    """The minimiser of the expected AdjMSE against the signal-to-noise ratio, and networks; all gammas, and each."""
    numbers, note = OverSeeds(shown.rows), "dots: networks trained on 20,000 samples"
    chosen = {"all": GAMMAS} | {f"{gamma:g}": (gamma,) for gamma in GAMMAS}
    return picker("gamma", {name: plot(minimiser_figure(numbers, note, own)) for name, own in chosen.items()})


def minimiser_figure(numbers: OverSeeds, note: str = "", gammas: Sequence[float] = GAMMAS) -> Figure:
    """Lines: closed form. Dots: predictions of trained networks at the same ratio. Dashed: MSE."""
    from lib.paper.pages.style import GREY, canvas, end_labels, styled

    @styled
    def draw() -> Figure:
        title = "Below a signal-to-noise ratio of its own, AdjMSE is least at a prediction of zero"
        figure, (ax,) = canvas(1, 3.6, title, note)
        ratios, ends = np.linspace(0.0, 2.2, 111), []
        ax.plot(ratios, ratios, color=GREY, linestyle="--", linewidth=1.2)
        ends.append(("MSE", 2.2, GREY))
        for gamma, color in zip(GAMMAS, gamma_colors(), strict=True):
            if gamma not in gammas:
                continue
            best = [adjusted_minimiser(float(ratio), 1.0, gamma) for ratio in ratios]
            ax.plot(ratios, best, color=color, linewidth=1.6)
            name = MINIMISER.name(gamma=f"{gamma:g}")
            ax.plot(RATIOS, [numbers.find(name, f"trained at {ratio:g}").value for ratio in RATIOS], "o",
                    color=color, markersize=5)  # fmt: skip
            ends.append((f"gamma {gamma:g}", best[-1], color))
        ax.set_xlim(0, 2.25)
        end_labels(ax, 2.2, ends)
        ax.set_xlabel("signal-to-noise ratio |m| / s")
        ax.set_ylabel("best prediction / s")
        return figure

    return draw()


def gamma_colors() -> list[str]:
    """One colour for each gamma, light to dark."""
    from lib.paper.pages.style import BLUE, GREEN, ORANGE, PURPLE, VERMILLION

    return [VERMILLION, ORANGE, PURPLE, BLUE, GREEN, "#222222"]


def information(shown: PageResult) -> HTML:
    """Truth IC and IC of each loss minus those of MSE on the same labels; one for each kind."""
    from lib.paper.pages.forms import forest

    numbers = OverSeeds(shown.rows)

    def picture(variants: tuple[Trained, ...], base: Trained) -> HTML:
        rows = {in_words(item): [against(numbers, item, base, metric) for metric in ("truth_ic", "m1_ic")]
                for item in variants[1:]}  # fmt: skip
        rows = {label: items for label, items in rows.items() if not math.isnan(items[0].value)}
        title = f"Correlations of each loss minus those of MSE, {LABEL_WORDS[base.labels]}"
        return plot(forest(rows, title, "difference from MSE", series=("truth IC", "IC"), note=shown.note))

    return picker("labels", {LABEL_WORDS[base.labels]: picture(variants, base)
                 for variants, base in ((CENTRED, MSE), (RAW, MSE_RAW))})  # fmt: skip


def spread(shown: PageResult) -> HTML:
    """How far predictions spread over the stocks of a day, as a share of how far returns do; one for each kind."""
    from lib.paper.pages.forms import bars

    numbers = OverSeeds(shown.rows)

    def picture(variants: tuple[Trained, ...]) -> HTML:
        values = {in_words(item): numbers.find(item.name, "spread").times(100) for item in variants
                  if item.loss not in ("ic", "rank_ic")}  # fmt: skip
        values = {label: item for label, item in values.items() if not math.isnan(item.value)}
        title = "Predictions spread farthest when trained by MSE"
        ordered = [item.value for item in values.values()]
        said = title if len(ordered) > 1 and ordered[0] == max(ordered) else "Spread of predictions by loss"
        return plot(bars(values, said, "deviation of predictions over that of returns, %", note=shown.note))

    return picker("labels", {LABEL_WORDS[variants[0].labels]: picture(variants) for variants in (CENTRED, RAW)})


# -------------------------------------------------------------------------------------------- tables


def levels_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Losses down, every measure across, with intervals over markets."""
    numbers, rows = OverSeeds(frame), []
    for item in (*CENTRED, *RAW):
        if not math.isnan(numbers.find(item.name, "truth_ic").value):
            row: dict[str, Any] = {"labels": item.labels, "loss": in_words(item)}
            rows.append(row | cells(numbers, item.name, (*LEVELS, *BOOKS, *OPTIMISED)))
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def _by_labels(shown: PageResult, name: str, heads: dict[str, str], caption: str = "") -> HTML:
    rows = levels_table(shown.rows)
    return picker("labels", {
        LABEL_WORDS[labels]: table(rows[rows["labels"] == labels], f"losses_{name}_{labels}", formats=SHARES,
                                   columns={"loss": "loss"} | heads, caption=caption or shown.note)
        for labels in LABELS if (rows["labels"] == labels).any()
    })  # fmt: skip


def levels(shown: PageResult) -> HTML:
    """Information, signs beside their base rate, and spread."""
    return _by_labels(shown, "levels", LEVELS)


def books(shown: PageResult) -> HTML:
    """The book of the best ranks, which reads the order of predictions alone."""
    caption = f"Sharpe ratios over equal weight, executed at the next open; {shown.note}"
    return _by_labels(shown, "books", BOOKS, caption)


def optimised(shown: PageResult) -> HTML:
    """The mean-variance book, of predictions standardised and as they are."""
    return _by_labels(shown, "optimised", OPTIMISED, f"Sharpe ratios over equal weight; {shown.note}")


def differences(shown: PageResult) -> HTML:
    """Every paired difference, in the order of the endpoints."""
    numbers = OverSeeds(shown.rows)
    heads = {"left": "loss", "right": "against", "truth_ic": "truth IC", "m1_ic": "IC",
             GROSS: ENDPOINT_HEADS[GROSS], "executed_open.active_sharpe": "the same after costs",
             "executed_open.turnover.left": "turnover a day", "executed_open.turnover.right": "turnover a day, against",
             MATCHED: "after costs at equal turnover"}  # fmt: skip
    rows = []
    for variant in numbers.variants:
        if parts := DIFFERENCE.parts(variant):
            sides = {side: LONG_WORDS[name] for side, name in parts.items()}
            rows.append(sides | cells(numbers, variant, list(heads)[2:]))
    formats = dict.fromkeys(("executed_open.turnover.left", "executed_open.turnover.right"), ".0%")
    return table(pd.DataFrame(rows), "losses_differences", columns=heads, formats=formats, caption=shown.note)


def _claimed(metric: str, left: str = "adjmse_0.1", right: str = "mse") -> float:
    return claimed_difference(f"B.loss.{left}.{metric}", f"B.loss.{right}.{metric}")


def power_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Comparisons down: the effect that the papers claim, its sd over markets, markets needed and at hand.

    smallest: the effect that the markets at hand find four times of five.
    """
    numbers, rows = OverSeeds(frame), []
    claimed = (
        (PAPER_LOSS, MSE_RAW, "naive_close.sharpe", CLAIMED_GAIN), (PAPER_LOSS, MSE_RAW, "m1_ic", _claimed("ic")),
        (PAPER_LOSS, MSE_RAW, "sign_accuracy", _claimed("sign_accuracy") / 100),
        (PAPER_LOSS, MSE_RAW, "truth_ic", math.nan),
        (SMALL, PAPER_LOSS, "naive_close.sharpe", _claimed("sharpe", "adjmse_small_gamma", "adjmse_0.1")),
        (SMALL, PAPER_LOSS, "sign_accuracy", _claimed("sign_accuracy", "adjmse_small_gamma", "adjmse_0.1") / 100),
    )  # fmt: skip
    for left, right, metric, effect in claimed:
        sample = numbers.seeds(DIFFERENCE.name(left=left.name, right=right.name), metric)
        if len(sample) > 1:
            rows.append({
                "comparison": f"{in_words(left)} against {in_words(right)}", "measure": metric, "claimed": effect,
                "sd over markets": float(np.std(sample, ddof=1)),
                "markets needed": markets_needed(sample, effect) if math.isfinite(effect) else math.nan,
                "markets": len(sample), "smallest found": smallest_decided(sample),
            })  # fmt: skip
    return pd.DataFrame(rows)


def power(shown: PageResult) -> HTML:
    """How many markets would decide each claim, and how many there are."""
    heads = {"comparison": "comparison", "measure": "measure", "claimed": "difference in the papers",
             "sd over markets": "standard deviation over markets", "markets needed": "markets needed",
             "markets": "markets here", "smallest found": "smallest difference these markets find"}  # fmt: skip
    words = {**ENDPOINT_HEADS, "sign_accuracy": "share of right signs"}
    formats: dict[str, Format] = {**dict.fromkeys(("claimed", "smallest found"), ".3f"), "measure": words.__getitem__}
    return table(power_table(shown.rows), "losses_power", columns=heads, formats=formats,
                 caption="80 % power at 5 %, two-sided, paired over markets")  # fmt: skip


def search_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Variants down: the trial with the best mean validation IC over the markets of the search, and its settings."""
    own = frame[frame["variant"].map(lambda name: TRIAL.parts(str(name)) is not None)]
    means = own.groupby(["variant", "metric"], sort=False)["value"].mean().unstack()
    rows: dict[str, dict[str, Any]] = {}
    for variant, numbers in means.to_dict("index").items():
        parts = TRIAL.parts(str(variant))
        assert parts is not None
        name = VARIANT.name(loss=parts["loss"], labels=parts["labels"])
        if name not in rows or numbers["validation_ic"] > rows[name]["validation_ic"]:
            rows[name] = {"variant": name, "trial": int(parts["trial"]), "used": CHOSEN[name]}
            rows[name] |= {str(metric): value for metric, value in numbers.items()}
    return pd.DataFrame(list(rows.values()))


def search(shown: PageResult) -> HTML:
    """The best trial of each loss."""
    heads = {"variant": "loss", "trial": "best trial", "used": "used here", "validation_ic": "validation IC",
             "truth_ic": "truth IC, test days", "setting learning_rate": "learning rate",
             "setting weight_decay": "weight decay", "setting dropout": "dropout",
             "setting batch": "batch"}  # fmt: skip
    return table(search_table(shown.rows), "losses_search", columns=heads, formats={"variant": LONG_WORDS.__getitem__})


def thresholds(shown: PageResult) -> HTML:
    """Gamma down: ratio of gradients, the signal below which the best prediction is zero, and how networks ended."""
    numbers = OverSeeds(shown.rows)
    rows = []
    for gamma in GAMMAS:
        rows.append({"gamma": gamma, "ratio": (1 + gamma) / gamma, "threshold": threshold(gamma),
                     "gap": max(gaps(numbers, (gamma,)), default=math.nan)})  # fmt: skip
    heads = {"gamma": "gamma", "ratio": "gradient of a wrong sign over a right one",
             "threshold": "zero below |m| / s of", "gap": "trained networks, largest distance"}  # fmt: skip
    return table(pd.DataFrame(rows), "losses_thresholds", columns=heads,
                 formats={"gamma": "g", "ratio": ".1f", "threshold": ".2f", "gap": ".3f"})  # fmt: skip
