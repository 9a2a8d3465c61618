"""The page "bias_correction": what neutralisation does to the IC, its deviation and the truth IC."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.paper.claims import Answer
from lib.paper.claims.ledger import claimed_value
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered, level_answer, markets_behind
from lib.paper.pages.findings import Finding, by_sign, outcome
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.sources import source_title
from lib.paper.pages.tables import cells
from lib.stats import student_quantile
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import ENOUGH_SEEDS, OverSeeds, adjusted_p, sources_of
from lib.studies.bias_correction.measure import CORRECTED, DIFFERENCE, FAMILY, LEVEL, MARKET, METRICS

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "Paper A reports that removing industry and size raises the mean IC of factors from 0.023 to 0.041 and nearly "
    "halves its deviation. Does it, and do the factors predict better afterwards?"
)
ADVICE = (
    "Neutralise to lower the deviation of a factor's IC: industries and size move the returns of a day, and add noise "
    "to a factor that is correlated with them.",
    "Take the sign of a factor from days that are not scored, and judge the gain over markets and families at once: "
    "factors of one family are not independent evidence.",
)
METHOD_NAMES = {
    "raw": "as they are", "industry": "less industry", "neutral": "less industry and size",
    "robust": "less both, robust fit", "adaptive": "less both, adaptive strength",
}  # fmt: skip
HEADS = {"mean_ic": "mean IC", "ic_std": "sd of the daily IC", "information_ratio": "mean / sd",
         "positive_ic_rate": "days with IC > 0, %", "truth_ic": "truth IC"}  # fmt: skip
#: claim -> method of Table I
SIDES = {"raw": "raw", "neutral": "neutral"}
CLAIM_IDS = (*(f"A.bias.{side}.{metric}" for side in SIDES for metric in METRICS), "A.bias.ic_up")


def gap(numbers: OverSeeds, metric: str, method: str = "neutral", source: str = MARKET) -> Estimate:
    """A method minus raw."""
    return numbers.find(DIFFERENCE.name(source=source, method=method), metric)


def clustered(frame: pd.DataFrame, method: str, metric: str = "mean_ic", source: str = MARKET) -> Estimate:
    """A method minus raw, the mean over factors, with an interval clustered by family and by market.

    Variance: sums of squares of cluster totals, by family plus by market less by both (Cameron, Gelbach & Miller 2011),
    and no less than that of either alone; Student's t with the smaller number of clusters less one. NaN ends with fewer
    than ENOUGH_SEEDS markets or two families.
    """
    rows = _families(frame, method, metric, source)
    if rows.empty:
        return Estimate(math.nan)
    weight = rows["factors"] / rows["factors"].sum()
    mean = float((weight * rows["value"]).sum())
    rest = weight * (rows["value"] - mean)
    by = [rows["family"], rows["seed"]]
    single = [float((rest.groupby(key).sum() ** 2).sum()) for key in by]
    counts = [key.nunique() for key in by]
    if counts[0] < 2 or counts[1] < ENOUGH_SEEDS:
        return Estimate(mean)
    variance = max(sum(single) - float((rest**2).sum()), *single) * min(counts) / (min(counts) - 1)
    reach = student_quantile(0.975, min(counts) - 1) * variance**0.5
    return Estimate(mean, mean - reach, mean + reach)


def _families(frame: pd.DataFrame, method: str, metric: str, source: str) -> pd.DataFrame:
    """One line for each family and market: value of the metric, number of factors."""
    parts = {variant: FAMILY.parts(variant) or {} for variant in frame["variant"].unique()}
    family = {v: p["family"] for v, p in parts.items() if (p.get("method"), p.get("source")) == (method, source)}
    rows = frame[frame["variant"].isin(family)].drop_duplicates(["variant", "seed", "metric"])
    wide = rows.set_index(["variant", "seed", "metric"])["value"].unstack().reset_index()
    if metric not in wide or "factors" not in wide:
        return pd.DataFrame()
    found = {"family": wide["variant"].map(family), "seed": wide["seed"]}
    return pd.DataFrame(found | {"value": wide[metric], "factors": wide["factors"]})


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: the gain on simulated markets and in the file, then what else changes."""
    numbers = OverSeeds(frame)
    files = [_file(numbers, source) for source in sources_of(frame) if source != MARKET]
    return [_mean(frame, numbers), *files, _deviation(numbers), _truth(numbers), _which(frame)]


def _mean(frame: pd.DataFrame, numbers: OverSeeds) -> Finding:
    gain, raw = clustered(frame, "neutral"), numbers.find(LEVEL.name(source=MARKET, method="raw"), "mean_ic").value
    claimed = claimed_value("A.bias.neutral.mean_ic") - claimed_value("A.bias.raw.mean_ic")
    shown: dict[str, Any] = {"gain": gain, "raw": raw, "claimed": claimed}
    return by_sign(
        gain,
        "Removing industry and size raises the mean IC of factors from {raw:.4f} by {gain:+.5f} (simulated markets; "
        "interval clustered by family and market). The paper's gain is {claimed:+.3f}.",
        "Removing industry and size lowers the mean IC of factors from {raw:.4f} by {gain:+.5f} (simulated markets; "
        "interval clustered by family and market). The paper's gain is {claimed:+.3f}.",
        "Removing industry and size is not shown to change the mean IC of factors: {gain:+.5f}, from {raw:.4f} "
        "(simulated markets; interval clustered by family and market). The paper's gain is {claimed:+.3f}.",
        **shown,
    )


def _deviation(numbers: OverSeeds) -> Finding:
    less = gap(numbers, "ic_std")
    raw = numbers.find(LEVEL.name(source=MARKET, method="raw"), "ic_std").value
    noise = numbers.find(LEVEL.name(source=MARKET, method="raw"), "noise").value
    shown: dict[str, Any] = {"less": less, "raw": raw, "noise": noise}
    return by_sign(
        less,
        "Removing both raises the standard deviation of the daily IC from {raw:.3f}, by {less:+.4f} (simulated "
        "markets). Chance alone, with so many stocks, gives {noise:.3f}.",
        "Removing both lowers the standard deviation of the daily IC from {raw:.3f}, by {less:+.4f} (simulated "
        "markets). Chance alone, with so many stocks, gives {noise:.3f}, which no correction removes.",
        "Removing both is not shown to change the standard deviation of the daily IC, {raw:.3f}: {less:+.4f} "
        "(simulated markets). Chance alone, with so many stocks, gives {noise:.3f}.",
        **shown,
    )


def _truth(numbers: OverSeeds) -> Finding:
    truth = gap(numbers, "truth_ic")
    raw = numbers.find(LEVEL.name(source=MARKET, method="raw"), "truth_ic").value
    shown: dict[str, Any] = {"truth": truth, "raw": raw}
    return by_sign(
        truth,
        "The neutralised factors predict better: their correlation with the expected return, which a simulated market "
        "knows, rises from {raw:.4f} by {truth:+.4f}.",
        "The neutralised factors predict worse: their correlation with the expected return, which a simulated market "
        "knows, falls from {raw:.4f} by {truth:+.4f}.",
        "That the neutralised factors predict better is not shown: their correlation with the expected return, which "
        "a simulated market knows, {raw:.4f}, changes by {truth:+.4f}.",
        **shown,
    )


def _which(frame: pd.DataFrame) -> Finding:
    """The options of the paper against plain least squares: how many of the four change the IC, after Holm."""
    keys = [(DIFFERENCE.name(source=MARKET, method=method), "mean_ic") for method in CORRECTED]
    found, numbers = adjusted_p(frame, keys), OverSeeds(frame)
    significant = float(sum(p <= 0.05 for p in found.values())) if len(found) == len(keys) else math.nan
    robust, adaptive, plain = (gap(numbers, "mean_ic", method).value for method in ("robust", "adaptive", "neutral"))
    shown = {"robust": robust, "adaptive": adaptive, "plain": plain, "significant": significant}
    return outcome({
        "Of the corrections, {significant:.0f} of 4 change the mean IC of the simulated markets by more than chance (5 "
        "%, Holm's correction for four tests). The gains are {plain:+.5f} by least squares, {robust:+.5f} by the "
        "robust fit, {adaptive:+.5f} with adaptive strength.": significant > 0,
        "None of the four corrections changes the mean IC of the simulated markets by more than chance "
        "({significant:.0f} of 4; Holm's correction). The gains are {plain:+.5f} by least squares, {robust:+.5f} by "
        "the robust fit, {adaptive:+.5f} with adaptive strength.": True,
    }, **shown)  # fmt: skip


def _file(numbers: OverSeeds, source: str) -> Finding:
    gain, less = gap(numbers, "mean_ic", source=source), gap(numbers, "ic_std", source=source).value
    shown: dict[str, Any] = {"gain": gain, "less": less, "source": source_title(source)}
    return by_sign(
        gain,
        "On real prices ({source}) the mean IC rises by {gain:+.4f}; the standard deviation of the daily IC changes by "
        "{less:+.3f}.",
        "On real prices ({source}) the mean IC falls by {gain:+.4f}; the standard deviation of the daily IC changes by "
        "{less:+.3f}.",
        "On real prices ({source}) no change of the mean IC is shown ({gain:+.4f}); the standard deviation of the "
        "daily IC changes by {less:+.3f}.",
        **shown,
    )


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


def named(source: str) -> str:
    """A market in words."""
    return "simulated markets" if source == MARKET else source_title(source)


def _note(shown: PageResult, source: str) -> str:
    """Small print: a price file is one history."""
    return shown.note if source == MARKET else "one history of real prices"


def levels_table(frame: pd.DataFrame, source: str = MARKET) -> pd.DataFrame:
    """Methods down, Table I across."""
    numbers, rows = OverSeeds(frame), []
    for method, name in METHOD_NAMES.items():
        row: dict[str, Any] = {"factors": name}
        rows.append(row | cells(numbers, LEVEL.name(source=source, method=method), HEADS))
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Table I on the simulated markets."""
    return levels_table(frame).set_index("factors")


def levels(shown: PageResult) -> HTML:
    """Table I, a tab for each market; the share of days with a positive IC is in the CSV."""
    heads = {"factors": "factors"} | {key: text for key, text in HEADS.items() if key != "positive_ic_rate"}
    formats = {"mean_ic": ".4f", "ic_std": ".3f", "information_ratio": ".3f", "truth_ic": ".4f"}
    return tabs({
        named(source): table(levels_table(shown.rows, source), f"bias_correction_{source}",
                      columns=heads, formats=formats, caption=_note(shown, source))
        for source in sources_of(shown.rows)
    })  # fmt: skip


def gains(shown: PageResult) -> HTML:
    """Change of the mean IC by method: over markets, and clustered by family too."""
    from lib.paper.pages.forms import forest

    numbers = OverSeeds(shown.rows)
    rows = {
        METHOD_NAMES[method]: [gap(numbers, "mean_ic", method).times(1000), clustered(shown.rows, method).times(1000)]
        for method in CORRECTED
    }
    title = _mean(shown.rows, numbers).title("Mean IC less that of the factors as they are")
    return plot(forest(rows, title, "gain of mean IC over the factors as they are, in 0.001",
                       series=("interval by market", "by family and market"), digits=2, note=shown.note))  # fmt: skip


def families(shown: PageResult) -> HTML:
    """Change of the mean IC by family; a tab for each market."""
    from lib.paper.pages.forms import forest

    numbers = OverSeeds(shown.rows)
    found = FAMILY.read(numbers)
    found = found[(found["metric"] == "mean_ic") & (found["method"] == "neutral")]

    def picture(source: str) -> HTML:
        rows = {
            str(family): numbers.find(name, "mean_ic").times(1000)
            for family in found[found["source"] == source]["family"]
            for name in [FAMILY.name(source=source, method="neutral", family=family)]
        }
        return plot(forest(rows, f"Change of the mean IC by removing industry and size, by family: {named(source)}",
                           "gain of mean IC, in 0.001", digits=2, right_head="gain",
                           note=_note(shown, source)))  # fmt: skip

    return tabs({named(source): picture(source) for source in sources_of(shown.rows)})


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Table I and its order on the simulated markets: other factors, other market, so the setting is different."""
    numbers, answers = OverSeeds(frame), []
    note = "simulated market, mean over factors"
    for side, method in SIDES.items():
        for metric in METRICS:
            item = answered(numbers, LEVEL.name(source=MARKET, method=method), metric, "level")
            answers += level_answer(f"A.bias.{side}.{metric}", item, f"{note}: {metric}, {METHOD_NAMES[method]}",
                                    "bias_correction")  # fmt: skip
    name = DIFFERENCE.name(source=MARKET, method="neutral")
    parts = [clustered(frame, "neutral"), numbers.find(name, "ic_std").against]
    if any(np.isnan(part.low) for part in parts):
        return answers
    behind = markets_behind(numbers, [(name, "mean_ic"), (name, "ic_std")])
    said = f"{note}: mean IC, clustered by family and market, and deviation of the daily IC"
    order = [(part.value, part.low, part.high) for part in parts]
    return [*answers, Answer("A.bias.ic_up", note=said, page="bias_correction", parts=order, markets=behind)]
