"""The page "leakage": what three bugs add to a back-test, and which check notices them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lib.paper.claims import Answer
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered, level_answer
from lib.paper.pages.findings import Finding, first, outcome
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.tables import ENDPOINT_FORMATS, ENDPOINT_HEADS
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import ENOUGH_SEEDS, OverSeeds, interval_table
from lib.studies.leakage.measure import BUGS, CLEAN, FIXED

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

CLAIM_IDS = ("B.story.leakage",)
QUESTION = (
    "The papers once let labels of the validation year into the fit; they say that this raised the Sharpe ratio by "
    "0.3, and that a simpler baseline gave it away. What does such a bug add, and does that check notice it?"
)
ADVICE = (
    "Look for leaks by replacing all later days and comparing bits (lib.evaluation.leaks). It needs no chance and no "
    "idea of how good a result should be.",
    "Do not conclude from a plausible back-test that nothing leaks, nor from a surprising one that something does.",
    "Purge every part by the horizon of the label and the delay of the order, and derive both from the code.",
)
NAMES = {CLEAN: "clean", "off_by_one": "off by one day", "validation_in_fit": "validation labels in the fit",
         "test_in_fit": "test labels in the fit", FIXED: "fixed split, clean"}  # fmt: skip
#: in the order in which a difference is judged
METRICS = {name: head for name, head in ENDPOINT_HEADS.items() if "matched" not in name}
#: what the claim is about: every order filled at the close, 8 basis points a side
CLAIMED = "naive_close.sharpe"
GROSS, TRUTH = "executed_open.active_sharpe_gross", "truth_ic"
#: share of clean markets that a check may call leaky, on each side
ALARM = 0.05
#: from this share of markets on a check sees a bug
SEEN = 0.25


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says."""
    numbers = OverSeeds(frame)
    return [_validation(numbers), _test(numbers), _one_day(numbers), _papers_check(numbers), *_detector(numbers)]


def added(numbers: OverSeeds, bug: str, metric: str) -> Estimate:
    """What a bug adds to the clean version."""
    return numbers.find(f"{bug} - {CLEAN}", metric)


def _validation(numbers: OverSeeds) -> Finding:
    sharpe, truth, gross = (added(numbers, "validation_in_fit", name) for name in (CLAIMED, TRUTH, GROSS))
    what = (
        "the Sharpe ratio of the papers' back-test changes by {sharpe:+.2f}, the one of executed orders before costs "
        "by {gross:+.2f}, and the truth IC by {truth:+.4f}"
    )
    begin = "Labels of the validation year in the fit"
    return outcome({
        f"{begin} raise the Sharpe ratio of the test: {what}.": sharpe.low > 0,
        f"{begin} lower the Sharpe ratio of the test, against the papers: {what}.": sharpe.high < 0,
        f"{begin} do not measurably raise the Sharpe ratio of the test: {what}.": sharpe.low <= 0 <= sharpe.high,
    }, sharpe=sharpe, gross=gross, truth=truth)  # fmt: skip


def _test(numbers: OverSeeds) -> Finding:
    sharpe, ic, truth = (added(numbers, "test_in_fit", name) for name in (CLAIMED, "m1_ic", TRUTH))
    what = (
        "the Sharpe ratio of the papers' back-test changes by {sharpe:+.2f}, the IC by {ic:+.3f}, and the truth IC by "
        "{truth:+.3f}"
    )
    return outcome({
        f"Labels of the test year in the fit raise the reported result: {what}. Only the last can be earned.":
            sharpe.low > 0 and ic.low > 0,
        f"Labels of the test year in the fit do not measurably raise the result: {what}.":
            sharpe.low <= 0 or ic.low <= 0,
    }, sharpe=sharpe, ic=ic, truth=truth)  # fmt: skip


def _one_day(numbers: OverSeeds) -> Finding:
    sharpe, ic = (added(numbers, "off_by_one", name) for name in (CLAIMED, "m1_ic"))
    what = "the papers' Sharpe ratio changes by {sharpe:+.2f} and the IC by {ic:+.4f}"
    return outcome({
        f"One day too many in every part does not show in the result: {what}.": sharpe.low <= 0 <= sharpe.high,
        f"One day too many in every part is enough to raise the result: {what}.": sharpe.low > 0,
        f"One day too many in every part lowers the result: {what}.": sharpe.high < 0,
    }, sharpe=sharpe, ic=ic)  # fmt: skip


def _papers_check(numbers: OverSeeds) -> Finding:
    """How often the papers' check, with its limits set on clean markets, would call a validation leak."""
    gap, shares = numbers.find(f"{CLEAN} - {FIXED}", CLAIMED), alarms(numbers, CLAIMED)
    similar, good = shares.get("validation_in_fit", (np.nan, np.nan))
    false = sum(shares.get(CLEAN, (np.nan, np.nan)))
    words = (
        "refits beat the fixed split by {gap:+.2f} in Sharpe ratio when nothing leaks. With limits at the 5 % and 95 % "
        "quantiles of the clean markets, the leak of validation labels looks too similar in {similar:.0%} of markets "
        "and too good in {good:.0%}; the same limits call {false:.0%} of the clean markets leaky"
    )
    return outcome({
        f"The papers' check rarely sees their leak: {words}.": max(similar, good) < SEEN,
        f"The papers' check sees their leak in some markets: {words}.": similar + good > false,
        f"The papers' check does not tell their leak from a clean pipeline: {words}.": True,
    }, gap=gap, similar=float(similar), good=float(good), false=float(false))  # fmt: skip


def _detector(numbers: OverSeeds) -> list[Finding]:
    caught = {name: numbers.find(f"{name} | detector", "caught").value for name in (CLEAN, *BUGS)}
    if np.isnan(caught[CLEAN]):
        return []
    markets = float(len(numbers.seeds(f"{CLEAN} | detector", "caught")))
    least, false = min(caught[name] for name in BUGS), caught[CLEAN]
    return [first([
        Finding(
            "Replacing all later days and comparing bits catches each of the three bugs in {least:.0%} of the small "
            "markets ({markets:.0f}), and finds nothing in the clean pipeline.",
            least=least, markets=markets, holds=least == 1 and false == 0,
        ),
        Finding(
            "Replacing all later days and comparing bits catches the bugs in {least:.0%} or more of the small markets "
            "({markets:.0f}), and calls the clean pipeline leaky in {false:.0%}.",
            least=least, markets=markets, false=false, holds=True,
        ),
    ])]  # fmt: skip


def alarms(numbers: OverSeeds, metric: str) -> dict[str, tuple[float, float]]:
    """Version -> shares of markets whose gap to the fixed split is too similar (low) or too good (high).

    The limits are the 5 % quantiles of the clean gap over the markets. Empty with fewer than ENOUGH_SEEDS markets.
    """
    clean = numbers.seeds(f"{CLEAN} - {FIXED}", metric)
    if len(clean) < ENOUGH_SEEDS:
        return {}
    low, high = np.quantile(clean, [ALARM, 1 - ALARM])
    gaps = {name: numbers.seeds(f"{name} - {FIXED}", metric) for name in (CLEAN, *BUGS)}
    return {name: (float((gap < low).mean()), float((gap > high).mean())) for name, gap in gaps.items() if len(gap)}


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def added_figure(shown: PageResult) -> HTML:
    """What each bug adds, a tab for each measure, in the order in which they are judged."""
    from lib.paper.pages.forms import forest

    numbers = OverSeeds(shown.rows)
    units = {TRUTH: "difference in truth IC", "m1_ic": "difference in IC",
             GROSS: "difference in Sharpe ratio over equal weight, before costs",
             "executed_open.active_sharpe": "difference in Sharpe ratio over equal weight, after 8 bps a side",
             CLAIMED: "difference in the Sharpe ratio of the papers' back-test"}  # fmt: skip

    def picture(metric: str) -> HTML:
        rows = {NAMES[name]: added(numbers, name, metric) for name in BUGS}
        digits = 4 if metric.endswith("_ic") else 2
        raised = " and ".join(name for name, item in rows.items() if item.sign > 0)
        title = f"{METRICS[metric]}: {'raised by ' + raised if raised else 'what each bug adds'}"
        return plot(forest(rows, title[:1].upper() + title[1:], units[metric], digits=digits,
                           note=f"LightGBM; {shown.note}"))  # fmt: skip

    return tabs({METRICS[metric]: picture(metric) for metric in units})


def check_figure(shown: PageResult) -> HTML:
    """The papers' check: refits minus fixed split, clean and with each bug, one dot a market behind the mean."""
    return plot(gaps(OverSeeds(shown.rows), f"LightGBM; dot: a market, diamond: mean; {shown.markets}"))


def gaps(numbers: OverSeeds, note: str = "") -> Figure:
    """Refits minus fixed split in every market; the band is where nine clean markets in ten lie."""
    from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, styled

    clean = numbers.seeds(f"{CLEAN} - {FIXED}", CLAIMED)

    @styled
    def draw() -> Figure:
        figure, (ax,) = canvas(1, 3.4, "Refits minus fixed split, market by market", note)
        if len(clean) >= ENOUGH_SEEDS:
            ax.axvspan(*np.quantile(clean, [ALARM, 1 - ALARM]), color=GREY, alpha=0.15, linewidth=0)
        ax.axvline(0, color=GREY, linewidth=0.9, zorder=0)
        names = (CLEAN, *BUGS)
        for row, name in enumerate(names):
            sample = numbers.seeds(f"{name} - {FIXED}", CLAIMED)
            spread = 0.3 * (np.arange(len(sample)) % 5 / 4 - 0.5)
            ax.plot(sample, row + spread, "o", color=GREY, markersize=3.5, alpha=0.6)
            mean = float(sample.mean()) if len(sample) else np.nan
            ax.plot([mean], [row], "D", color=BLUE if name == CLEAN else VERMILLION, markersize=7)
        ax.set_yticks(range(len(names)), [NAMES[name] for name in names])
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("the papers' Sharpe ratio, refits minus fixed split")
        return figure

    return draw()


# -------------------------------------------------------------------------------------------- tables


def levels_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Versions down, measures across."""
    return interval_table(OverSeeds(frame), {NAMES[name]: name for name in NAMES}, list(METRICS), "version")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """What each bug adds, and what refits gain over the fixed split; measures across."""
    bugs = {NAMES[name]: f"{name} - {CLEAN}" for name in BUGS}
    gap = {"refits over the fixed split": f"{CLEAN} - {FIXED}"}
    return interval_table(OverSeeds(frame), bugs | gap, list(METRICS), "difference")


def checks_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Versions down: how far from the fixed split, its spread over markets, and how often each check calls it leaky."""
    numbers, rows = OverSeeds(frame), []
    shares = alarms(numbers, CLAIMED)
    for name in (CLEAN, *BUGS):
        gap = numbers.seeds(f"{name} - {FIXED}", CLAIMED)
        similar, good = shares.get(name, (np.nan, np.nan))
        row = {"version": NAMES[name], **numbers.find(f"{name} - {FIXED}", CLAIMED).columns("gap"),
               "spread": float(gap.std(ddof=1)) if len(gap) > 1 else np.nan, "too similar": similar,
               "too good": good, "caught": numbers.find(f"{name} | detector", "caught").value}  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows).set_index("version")


def levels(shown: PageResult) -> HTML:
    """All versions."""
    formats = {name: form.removeprefix("+") for name, form in ENDPOINT_FORMATS.items()}
    return table(levels_table(shown.rows), "leakage_versions", columns={"version": "version"} | METRICS,
                 formats=formats, caption=f"LightGBM; {shown.note}")  # fmt: skip


def differences(shown: PageResult) -> HTML:
    """What each bug adds."""
    return table(summary(shown.rows), "leakage_differences", columns={"difference": "difference"} | METRICS,
                 formats=ENDPOINT_FORMATS, caption=f"LightGBM; {shown.note}")  # fmt: skip


def checks(shown: PageResult) -> HTML:
    """The papers' check and the leak detector beside each other."""
    heads = {"version": "version", "gap": "refits minus fixed split", "spread": "standard deviation over markets",
             "too similar": "called too similar, % of markets", "too good": "called too good, % of markets",
             "caught": "caught by the leak detector, % of markets"}  # fmt: skip
    formats = {"gap": "+.2f", "spread": ".2f", "too similar": ".0%", "too good": ".0%", "caught": ".0%"}
    return table(checks_table(shown.rows), "leakage_checks", columns=heads, formats=formats,
                 caption=f"the papers' Sharpe ratio; {shown.note}")  # fmt: skip


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """What validation labels in the fit add to the papers' Sharpe ratio."""
    found = answered(OverSeeds(frame), f"validation_in_fit - {CLEAN}", CLAIMED, kind="difference")
    note = "simulated market, LightGBM, every order filled at the close, 8 bps a side: with the bug minus without"
    return level_answer(CLAIM_IDS[0], found, note, "leakage") if "low" in found else []
