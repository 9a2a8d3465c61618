"""The page "search": what three ways to search find in as many trials, where it holds, and how much of it is luck."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.models.search import SETTING
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, outcome
from lib.paper.pages.layout import opening
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds, mean_over_seeds
from lib.studies.search.measure import IC, ROUNDS, SEARCHES, SHARPE, TRIAL

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "Paper A tunes its models by Gaussian processes, with grid and random search as baselines (section 4.D). Does the "
    "Gaussian process find better settings in as many trials, and is the optimum the same on another market?"
)
ADVICE = (
    "Judge a search on days that were not used to choose: the best of many validation numbers is too high.",
    "Log every trial, and deflate a Sharpe ratio by the number of effective ones.",
    "Where the optimum moves from market to market, take settings that are good on several, not the best on one.",
)
NAMES = {"grid": "grid", "random": "random", "gp ic": "Gaussian process, IC", "gp sharpe": "Gaussian process, Sharpe",
         "gp front": "Gaussian process, IC and few trees"}  # fmt: skip
GOALS = {name: next(iter(goals)) for name, (_, goals) in SEARCHES.items()}


@dataclass(frozen=True)
class Searches:
    """Trials by search and market. metric -> array [S, K] of S markets and K trials."""

    values: Mapping[str, Mapping[str, np.ndarray]]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Searches:
        """From the frame of a result; a market that lacks a trial of a search is left out of it."""
        names = frame["variant"].map(lambda name: TRIAL.parts(str(name)))
        own = frame[names.notna()].assign(
            search=[parts["search"] for parts in names.dropna()], trial=[int(p["trial"]) for p in names.dropna()]
        )  # fmt: skip
        values: dict[str, dict[str, np.ndarray]] = {}
        for (search, metric), part in own.groupby(["search", "metric"], sort=False):
            wide = part.pivot_table(index="seed", columns="trial", values="value").dropna()
            values.setdefault(str(search), {})[str(metric)] = wide.to_numpy()
        return cls({name: values[name] for name in SEARCHES if name in values})

    def best(self, search: str) -> np.ndarray:
        """The chosen trial of each market [S]: the best by what the search makes large."""
        return np.asarray(self.values[search][GOALS[search]].argmax(axis=1))

    def chosen(self, search: str, metric: str) -> np.ndarray:
        """A number of the chosen trial of each market [S]; empty where the search was not run."""
        if search not in self.values:
            return np.empty(0)
        return np.take_along_axis(self.values[search][metric], self.best(search)[:, None], 1)[:, 0]

    def gain(self, search: str, other: str, metric: str) -> Estimate:
        """Chosen trial of one search minus that of another, paired over markets."""
        a, b = self.chosen(search, metric), self.chosen(other, metric)
        return mean_over_seeds(a - b) if len(a) == len(b) and len(a) else Estimate(math.nan)

    def so_far(self, search: str) -> list[Estimate]:
        """The best validation IC after each trial."""
        running = np.maximum.accumulate(self.values[search][IC], axis=1)
        return [mean_over_seeds(column) for column in running.T]

    def agreement(self) -> float:
        """Mean correlation between markets of the validation ICs of the grid's points; NaN for one market."""
        found = self.values.get("grid", {}).get(IC, np.empty((0, 0)))
        if len(found) < 2 or (found.std(axis=1) == 0).any():
            return math.nan
        matrix = np.corrcoef(found)
        return float((matrix.sum() - len(found)) / (len(found) * (len(found) - 1)))

    def carried(self) -> Estimate:
        """What the best point of the grid of another market loses, in truth IC, against a market's own best point."""
        if "grid" not in self.values or len(self.best("grid")) < 2:
            return Estimate(math.nan)
        truth, best = self.values["grid"]["truth_ic"], self.best("grid")
        losses = [row[best[k]] - np.delete(row[best], k).mean() for k, row in enumerate(truth)]
        return mean_over_seeds(losses)


def findings(frame: pd.DataFrame) -> list[Finding]:
    """Validation first, then days that chose nothing, then stability and luck."""
    found, numbers = Searches.of(frame), OverSeeds(frame)
    return [_found(found), _worth(found), _stable(found), _luck(found, numbers)]


def _found(found: Searches) -> Finding:
    random, grid = (found.gain("gp ic", other, IC) for other in ("random", "grid"))
    end = "its best validation IC differs by {random:+.4f} from a random search's and by {grid:+.4f} from a grid's."
    return outcome({
        "In as many trials the Gaussian process finds a higher validation IC than both: "
        f"{end}": random.low > 0 and grid.low > 0,
        "In as many trials the Gaussian process finds a lower validation IC than both: "
        f"{end}": random.high < 0 and grid.high < 0,
        "In as many trials the Gaussian process is not shown to find a higher validation IC than both, nor a lower: "
        f"{end}": True,
    }, random=random, grid=grid)  # fmt: skip


def _worth(found: Searches) -> Finding:
    random, grid = (found.gain("gp ic", other, "truth_ic") for other in ("random", "grid"))
    end = "the truth IC of its settings differs by {random:+.4f} from random search and by {grid:+.4f} from a grid."
    return outcome({
        f"On test days the settings of the Gaussian process predict better than both: {end}": random.low > 0 < grid.low,
        "On test days the settings of the Gaussian process predict worse than both: "
        f"{end}": random.high < 0 > grid.high,
        f"On test days the settings of the Gaussian process are not shown to predict better, nor worse: {end}": True,
    }, random=random, grid=grid)  # fmt: skip


def _stable(found: Searches) -> Finding:
    same, lost = found.agreement(), found.carried()
    end = (
        "the correlation of the validation ICs of the grid's points between two markets is {same:.2f}; the best point "
        "of another market has a truth IC that is lower by {lost:.4f} than that of a market's own."
    )
    return outcome({
        f"The optimum carries over from market to market: {end}": same > 0.5 and not lost.low > 0,
        f"The optimum does not carry over from market to market: {end}": lost.low > 0,
        f"The optimum carries over in part: {end}": True,
    }, same=same, lost=lost)  # fmt: skip


def _luck(found: Searches, numbers: OverSeeds) -> Finding:
    before, after = (found.chosen("gp sharpe", metric) for metric in (SHARPE, "test_sharpe"))
    given: dict[str, Any] = {
        "before": float(before.mean()) if len(before) else math.nan,
        "after": float(after.mean()) if len(after) else math.nan,
        "effective": numbers.find("gp sharpe", "effective_trials").value,
        "count": numbers.find("gp sharpe", "trials").value,
        "dsr": numbers.find("gp sharpe", "deflated_sharpe").value,
    }
    drop = mean_over_seeds(before - after)
    end = (
        "chosen by it, the Sharpe ratio over equal weight is {before:.2f} on validation days and {after:.2f} on test "
        "days. {count:.0f} trials are worth {effective:.1f} independent ones; the mean confidence that the best beats "
        "luck (deflated Sharpe ratio) is {dsr:.2f}."
    )
    return outcome({
        f"A Sharpe ratio that was searched for is too high: {end}": drop.low > 0,
        f"A Sharpe ratio that was searched for is lower than what follows: {end}": drop.high < 0,
        f"A Sharpe ratio that was searched for is not shown to be too high: {end}": True,
    }, **given)  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# --------------------------------------------------------------------------------- figures and tables


def progress(shown: PageResult) -> HTML:
    """The best validation IC so far, trial by trial."""
    from lib.paper.pages.forms import Line, lines_by_group

    found = Searches.of(shown.rows)
    best = {name: found.so_far(name) for name in ("grid", "random", "gp ic") if name in found.values}
    lines = [Line(NAMES[name], list(range(1, len(items) + 1)), [item.value for item in items])
             for name, items in best.items()]  # fmt: skip
    title = "Best validation IC by number of trials"
    return plot(lines_by_group({"": lines}, title, "trials", "validation IC", note=shown.markets))


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Searches down: the chosen trial on validation and on test days, and how far its settings spread over markets."""
    found, numbers, rows = Searches.of(frame), OverSeeds(frame), []
    for name in found.values:
        row: dict[str, Any] = {"search": NAMES[name]}
        for metric in (IC, SHARPE, "test_ic", "truth_ic", "test_sharpe", ROUNDS):
            row |= mean_over_seeds(found.chosen(name, metric)).columns(metric)
        for metric in ("effective_trials", "deflated_sharpe"):
            row |= numbers.find(name, metric).columns(metric)
        rows.append(row)
    return pd.DataFrame(rows)


def searches(shown: PageResult) -> HTML:
    """What each search chooses."""
    heads = {"search": "search", IC: "validation IC", SHARPE: "validation Sharpe ratio", "test_ic": "test IC",
             "truth_ic": "truth IC, test days", "test_sharpe": "test Sharpe ratio", ROUNDS: "trees at most",
             "effective_trials": "effective trials",
             "deflated_sharpe": "deflated Sharpe ratio, a confidence"}  # fmt: skip
    formats = {ROUNDS: ".0f", "effective_trials": ".1f", "deflated_sharpe": ".2f"}
    return table(summary(shown.rows), "search_summary", columns=heads, formats=formats,
                 caption=f"chosen trial; Sharpe ratios over equal weight, after costs; {shown.markets}")  # fmt: skip


def optima_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Searches down: the median of each chosen setting, and its deciles over markets as a factor."""
    found, rows = Searches.of(frame), []
    for name, numbers in found.values.items():
        row: dict[str, Any] = {"search": NAMES[name]}
        for metric in numbers:
            if metric.startswith(SETTING):
                chosen = found.chosen(name, metric)
                low, middle, high = np.quantile(chosen, (0.1, 0.5, 0.9)).tolist()
                row |= {metric: middle, f"{metric}, spread": high / low}
        rows.append(row)
    return pd.DataFrame(rows)


def optima(shown: PageResult) -> HTML:
    """The chosen settings, and how far they lie apart."""
    rows = optima_table(shown.rows)
    heads = {name: name.removeprefix(SETTING).replace("_", " ").replace("num leaves", "leaves of a tree")
             .replace("rounds", "trees at most") for name in rows.columns}  # fmt: skip
    return table(rows, "search_optima", columns=heads,
                 caption="median over markets; spread: 90 % quantile over 10 % quantile")  # fmt: skip


def front_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Trees down: the best validation IC with at most so many, its truth IC, means over markets."""
    found = Searches.of(frame)
    if "gp front" not in found.values:
        return pd.DataFrame(columns=["trees", IC, "truth_ic"])
    own, rows = found.values["gp front"], []
    for most in np.unique(np.quantile(own[ROUNDS], (0.1, 0.25, 0.5, 0.75, 1.0)).round()):
        allowed = np.where(own[ROUNDS] <= most, own[IC], -np.inf)
        known = np.isfinite(allowed.max(axis=1))
        if known.all():
            best = allowed.argmax(axis=1)[:, None]
            row: dict[str, Any] = {"trees": most}
            for metric in (IC, "truth_ic"):
                row |= mean_over_seeds(np.take_along_axis(own[metric], best, 1)[:, 0]).columns(metric)
            rows.append(row)
    return pd.DataFrame(rows)


def front(shown: PageResult) -> HTML:
    """Accuracy against the number of trees."""
    heads = {"trees": "trees at most", IC: "validation IC", "truth_ic": "truth IC"}
    return table(front_table(shown.rows), "search_front", columns=heads, formats={"trees": ".0f"})
