"""The page "deflated_sharpe": how well the deflation deflates, and what it says of the papers' Sharpe ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.paper.claims import Answer
from lib.paper.claims.ledger import claimed_value
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered, level_answer
from lib.paper.pages.findings import Finding, by_sign, outcome
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.tables import cells
from lib.stats import dsr
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds, mean_over_seeds
from lib.studies.deflated_sharpe.measure import BASES, CHOSEN, PASS, RULES, WORLDS

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "The papers deflate their Sharpe ratio for the number of configurations that they tried. Does the deflated Sharpe "
    "ratio reject the best of many trials where there is nothing to find, and can the papers' number be checked?"
)
ADVICE = (
    "Log every configuration with its returns: a deflated Sharpe ratio says nothing without the number of trials and "
    "the variance over them.",
    "Read it as the confidence that the best trial beats what luck gives the best of so many, and keep a period that "
    "no trial has seen.",
)
#: what the paper reports (B, s4.2): its Sharpe ratios on A-shares and on its own panel, over three years of 252 days
PAPER = {
    f"Sharpe ratio {claimed_value(claim):.2f}, {place}": claimed_value(claim)
    for place, claim in (("A-shares", "B.main.real.full.sharpe"), ("the paper's panel", "B.ablation.full.sharpe"))
}
DAYS, YEAR = 756, 252
#: spread of the trials' annual Sharpe ratios that a reader may take: the paper names none
SPREADS = {"0.2": 0.2, "0.4": 0.4, "0.58 (luck)": (YEAR / DAYS) ** 0.5}
MOST = 1000
CLAIM_IDS = ("B.dsr",)
WORLD_NAMES = {"null": "no alpha", "weak": "weak alpha", "strong": "strong alpha"}
RULE_NAMES = {
    "psr": "not deflated: PSR", "all": "36 trials", "effective": "effective trials",
    "sampling": "effective trials, variance of luck",
}  # fmt: skip
HEADS = {
    "effective": "effective trials", "correlation": "mean correlation of trials",
    "best": "Sharpe ratio of the best, first half", "later": "Sharpe ratio of the same, second half",
    "psr": "probabilistic Sharpe ratio", "threshold.effective": "threshold, Sharpe ratio a year",
    "dsr.effective": "deflated Sharpe ratio",
}  # fmt: skip


def rate(numbers: OverSeeds, variant: str, metric: str) -> Estimate:
    """Share of markets with 1 in place of 0, with its Clopper-Pearson interval; NaN without any market."""
    from statsmodels.stats.proportion import proportion_confint

    seen = numbers.seeds(variant, metric)
    if not len(seen):
        return Estimate(float("nan"))
    low, high = proportion_confint(int(seen.sum()), len(seen), method="beta")
    return Estimate(float(seen.mean()), float(low), float(high))


def highest_trials(sharpe: float, spread: float) -> float:
    """The largest number of trials, to MOST, that leaves a DSR of at least PASS: normal returns over DAYS; 0: none."""
    ratio, variance = sharpe / YEAR**0.5, spread**2 / YEAR
    counts = np.arange(1, MOST + 1)
    passed = [dsr(ratio, DAYS, n_trials=float(n), trial_variance=variance) >= PASS for n in counts]
    return float(counts[np.array(passed)].max(initial=0))


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says."""
    numbers = OverSeeds(frame)
    return [_undeflated(numbers), _deflated(numbers), _paper(), _power(numbers), _threshold(numbers), _later(numbers)]


def _undeflated(numbers: OverSeeds) -> Finding:
    """What choosing the best does to a test at five per cent."""
    name = CHOSEN.name(world="null", basis="gross")
    passed, shown = rate(numbers, name, "pass.psr"), {"best": numbers.find(name, "best").value}
    return outcome({
        "In simulated markets without any alpha the best of 36 trials shows a Sharpe ratio of {best:.2f} before costs, "
        "and in {passed:.0%} of the markets it passes a test at 5 % that ignores the search.": passed.low > 0.05,
        "In simulated markets without any alpha the best of 36 trials shows a Sharpe ratio of {best:.2f} before costs; "
        "that it passes a test at 5 % which ignores the search too often, in {passed:.0%}, is not shown.": True,
    }, passed=passed, **shown)  # fmt: skip


def _deflated(numbers: OverSeeds) -> Finding:
    passed = rate(numbers, CHOSEN.name(world="null", basis="gross"), "pass.effective")
    return outcome({
        "Deflated by the effective number of trials, the best Sharpe ratio passes in {passed:.0%} of markets in which "
        "nothing can be earned, no more than the 5 % of the test.": passed.low <= 0.05,
        "Deflated by the effective number of trials, the best Sharpe ratio still passes in {passed:.0%} of "
        "markets in which nothing can be earned, more than the 5 % of the test.": True,
    }, passed=passed)  # fmt: skip


def _threshold(numbers: OverSeeds) -> Finding:
    """The threshold against the luck there was."""
    name = CHOSEN.name(world="null", basis="gross")
    best, level = numbers.seeds(name, "best"), numbers.seeds(name, "threshold.effective")
    gap = mean_over_seeds(best - level)
    shown: dict[str, Any] = {"gap": gap, "level": float(level.mean()) if len(level) else float("nan")}
    return by_sign(
        gap,
        "Without any alpha the threshold, {level:.2f}, is below the best Sharpe ratio that luck gave, by {gap:.2f}: "
        "what the trials of one market share is in no variance over trials.",
        "Without any alpha the threshold, {level:.2f}, is above the best Sharpe ratio that luck gave ({gap:+.2f}): "
        "deflating errs on the safe side.",
        "Without any alpha the threshold is {level:.2f}; no difference from the best Sharpe ratio that luck gave is "
        "shown ({gap:+.2f}).",
        **shown,
    )


def _power(numbers: OverSeeds) -> Finding:
    """What deflating costs where there is something."""
    name = CHOSEN.name(world="weak", basis="gross")
    plain, deflated = (rate(numbers, name, f"pass.{rule}") for rule in ("psr", "effective"))
    later, sampled = numbers.find(name, "later"), rate(numbers, name, "pass.sampling")
    shown: dict[str, Any] = {"plain": plain, "deflated": deflated, "sampled": sampled, "later": later}
    return outcome({
        "With a weak alpha the chosen trial goes on to earn a Sharpe ratio of {later:.2f}. It passes in {plain:.0%} of "
        "the markets undeflated and in {deflated:.0%} deflated. The trials differ in merit there, which raises the "
        "threshold as if it were luck; with the variance of luck alone it passes in {sampled:.0%}.":
            later.low > 0 and deflated.high < plain.value and sampled.value > deflated.value,
        "With a weak alpha the chosen trial goes on to earn a Sharpe ratio of {later:.2f}. It passes in {plain:.0%} of "
        "the markets undeflated, in {deflated:.0%} deflated, and in {sampled:.0%} with the variance of luck alone.":
            later.low > 0,
        "With a weak alpha it is not shown that the chosen trial earns anything later: {later:.2f}. It passes in "
        "{plain:.0%} of the markets undeflated, in {deflated:.0%} deflated, and in {sampled:.0%} with the variance of "
        "luck alone.": True,
    }, **shown)  # fmt: skip


def _later(numbers: OverSeeds) -> Finding:
    """What is left of the best."""
    name = CHOSEN.name(world="strong", basis="net")
    lost, best = numbers.find(name, "lost"), numbers.find(name, "best").value
    return by_sign(
        lost,
        "With a strong alpha the best trial has a Sharpe ratio of {best:.2f} after costs, and {lost:.2f} less on the "
        "days that follow.",
        "With a strong alpha the best trial has a Sharpe ratio of {best:.2f} after costs, and more on the days that "
        "follow ({lost:+.2f} lost).",
        "With a strong alpha the best trial has a Sharpe ratio of {best:.2f} after costs; that it is lower on the "
        "following days is not shown: {lost:+.2f} lost.",
        lost=lost, best=best,
    )  # fmt: skip


def _paper() -> Finding:
    """The arithmetic of the paper's own number, whose N and variance are lost."""
    own, luck, narrow = claimed_value("B.main.real.full.sharpe"), (YEAR / DAYS) ** 0.5, SPREADS["0.4"]
    few, many = highest_trials(own, luck), highest_trials(own, narrow)
    return Finding(
        "The paper's deflated Sharpe ratio cannot be checked: the number of trials and their spread are lost. A Sharpe "
        "ratio of {own:.2f} over {days} days of normal returns passes at {goal:.0%} with up to {many:.0f} trials of "
        "spread {narrow:.2f}, and up to {few:.0f} of spread {luck:.2f}, which luck alone gives.",
        own=own, days=DAYS, goal=PASS, few=few, many=many, narrow=narrow, luck=luck, holds=few < many < MOST,
    )  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


def passes(shown: PageResult) -> HTML:
    """Share of markets that pass, by rule; a tab for each market."""
    from lib.paper.pages.forms import bars

    numbers = OverSeeds(shown.rows)

    def picture(world: str) -> HTML:
        name = CHOSEN.name(world=world, basis="gross")
        shares = {RULE_NAMES[rule]: rate(numbers, name, f"pass.{rule}").times(100) for rule in ("psr", *RULES)}
        return plot(bars(shares, f"Markets whose best trial passes at 95 %: {WORLD_NAMES[world]}", "% of markets",
                         form=".0f", note=shown.note))  # fmt: skip

    return tabs({WORLD_NAMES[world]: picture(world) for world in _ran(shown.rows)})


def before_and_after(shown: PageResult) -> HTML:
    """The best Sharpe ratio, its threshold, and what it earned later, before costs."""
    from lib.paper.pages.forms import forest

    numbers = OverSeeds(shown.rows)
    rows = {
        WORLD_NAMES[world]: [numbers.find(CHOSEN.name(world=world, basis="gross"), metric)
                             for metric in ("best", "threshold.effective", "later")]
        for world in _ran(shown.rows)
    }  # fmt: skip
    title = _threshold(numbers).title("The best of 36 trials, its threshold, and the days that follow")
    return plot(forest(rows, title, "annual Sharpe ratio",
                       series=("best", "threshold", "later"), note=shown.note))  # fmt: skip


def paper_curves(shown: PageResult) -> HTML:
    """The DSR of the paper's two Sharpe ratios against the number of trials, for each spread."""
    from lib.paper.pages.forms import Line, lines_by_group

    counts = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000]
    panels = {
        label: [
            Line(f"spread {name}", counts, [
                dsr(sharpe / YEAR**0.5, DAYS, n_trials=n, trial_variance=spread**2 / YEAR) for n in counts
            ])
            for name, spread in SPREADS.items()
        ]
        for label, sharpe in PAPER.items()
    }  # fmt: skip
    title = _paper().title("The paper's Sharpe ratios, deflated by the number of trials")
    ticks = (1, 10, 100, 1000)
    return plot(lines_by_group(panels, title, "effective trials", "deflated Sharpe ratio", log_x=True, zero=True,
                               ticks={float(count): f"{count:,}" for count in ticks},
                               note=f"{DAYS} days of normal returns"))  # fmt: skip


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Markets and bases down; trials, Sharpe ratios, thresholds and probabilities across, means over markets."""
    numbers, rows = OverSeeds(frame), []
    for world in _ran(frame):
        for basis in BASES:
            name = CHOSEN.name(world=world, basis=basis)
            row: dict[str, Any] = {"market": WORLD_NAMES[world], "basis": f"{basis} of costs"}
            rows.append(row | cells(numbers, name, HEADS))
    return pd.DataFrame(rows).set_index(["market", "basis"])


def levels(shown: PageResult) -> HTML:
    """The table of `summary`."""
    formats = dict.fromkeys(HEADS, ".2f") | {"effective": ".1f"}
    return table(summary(shown.rows), "deflated_sharpe", columns={"market": "market", "basis": "returns"} | HEADS,
                 formats=formats, caption=shown.note)  # fmt: skip


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """The paper's number is lost; beside it stands that of the best trial after costs, by its effective trials."""
    item = answered(OverSeeds(frame), CHOSEN.name(world="strong", basis="net"), "dsr.effective", "level")
    note = "simulated market: best of 36 back-tests after costs, deflated by the effective number of trials"
    return level_answer("B.dsr", item, note, "deflated_sharpe")


def _ran(frame: pd.DataFrame) -> list[str]:
    return [world for world in WORLDS if (frame["variant"] == CHOSEN.name(world=world, basis="gross")).any()]
