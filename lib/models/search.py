"""Search for settings: grid, random or Gaussian process, every trial one line of a ledger that a killed search resumes.

    space = {"learning_rate": Range(0.01, 0.3, log=True), "num_leaves": Range(8, 128, log=True, whole=True)}
    found = search(objective, space, method="gp", count=27, seed=0, goals={"validation_ic": 1}, ledger="lgbm.jsonl")
    best(found, "validation_ic").settings

An objective takes settings and returns named numbers; all are logged, `goals` says which the search makes large (1) or
small (-1): one, or several for a Pareto front. A trial depends on the seed, its number and the trials before it, so
that a search that was killed ends where it would have ended. Random draws are those of a Generator, the Gaussian
process is Optuna's (`GPSampler`); the ledger is text, JSON by line, and is only ever appended to.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.errors import LoadError, ParameterError, StoreError, UnknownNameError, closest
from lib.stats import dsr, effective_trials, moments
from lib.store.files import write_bytes
from lib.store.sources import FOLDER

if TYPE_CHECKING:
    import optuna
    import pandas as pd

METHODS = ("grid", "random", "gp")
#: random trials before the Gaussian process has something to learn from
STARTUP = 8
#: where recorded rows lie, and how they name the settings of a trial
RECORDED = FOLDER.parent / "book" / "recorded"
SETTING = "setting "

Settings = dict[str, float]
Objective = Callable[[Settings], Mapping[str, float]]


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, even on their own scale or that of their logarithms, whole if asked.

    Raises ParameterError unless low < high, both finite, and low > 0 on a scale of logarithms.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf or (self.log and self.low <= 0):
            raise ParameterError(
                f"range: got {self.low} to {self.high}; expected low < high, above 0 where logarithms are even"
            )

    def at(self, share: float) -> float:
        """The value at a share of the way, 0 the low end and 1 the high one.

        >>> round(Range(0.01, 1, log=True).at(0.5), 12), Range(1, 9, whole=True).at(0.55)
        (0.1, 5)
        """
        value = self.low * (self.high / self.low) ** share if self.log else self.low + share * (self.high - self.low)
        return round(value) if self.whole else value

    def share(self, value: float) -> float:
        """Where a value lies, the inverse of `at`."""
        low, high, own = (math.log(x) if self.log else x for x in (self.low, self.high, value))
        return (own - low) / (high - low)


Space = Mapping[str, Range]


@dataclass(frozen=True)
class Trial:
    """What was tried and what it gave."""

    number: int
    settings: Settings
    values: dict[str, float] = field(default_factory=dict)


def search(
    objective: Objective,
    space: Space,
    *,
    method: str,
    count: int,
    seed: int,
    goals: Mapping[str, int],
    ledger: Path | str | None = None,
) -> list[Trial]:
    """`count` trials in order; those that the ledger holds are not run again.

    A grid is the largest full one of at most `count` points, as many levels for every setting. A trial with a goal that
    is not finite is kept, and the Gaussian process learns nothing from it.

    Raises UnknownNameError for a method that does not exist, ParameterError for no trials, no settings, a goal that is
    not 1 or -1 or that the objective does not return, and StoreError for a ledger of another search.
    """
    _checked(space, method, count, goals)
    points = grid(space, count) if method == "grid" else []
    book = _Ledger.open(ledger, {"method": method, "seed": seed, "space": repr(dict(space)), "goals": dict(goals)})
    model = _GaussianProcess(space, goals, seed, book.trials) if method == "gp" else None
    for number in range(len(book.trials), len(points) or count):
        if method == "grid":
            settings = points[number]
        else:
            settings = model.ask(number) if model else random_point(space, seed, number)
        values = {name: float(value) for name, value in objective(dict(settings)).items()}
        if lacking := [name for name in goals if name not in values]:
            raise ParameterError(f"search: the objective gave {sorted(values)}; expected the goal {lacking[0]!r} too")
        book.append(Trial(number, settings, values))
        if model:
            model.tell(book.trials[-1])
    return book.trials


def grid(space: Space, count: int) -> list[Settings]:
    """The largest full grid of at most `count` points, ends included; one level is the middle.

    >>> grid({"a": Range(0, 1)}, 3)
    [{'a': 0.0}, {'a': 0.5}, {'a': 1.0}]
    """
    levels = max(n for n in range(1, count + 1) if n ** len(space) <= count)
    shares = [0.5] if levels == 1 else np.linspace(0, 1, levels).tolist()
    axes = [[span.at(share) for share in shares] for span in space.values()]
    return [dict(zip(space, point, strict=True)) for point in itertools.product(*axes)]


def random_point(space: Space, seed: int, number: int) -> Settings:
    """The settings of a random trial: they depend on the seed and the number alone."""
    shares = np.random.default_rng([seed, number]).random(len(space)).tolist()
    return {name: span.at(share) for (name, span), share in zip(space.items(), shares, strict=True)}


def best(trials: Iterable[Trial], goal: str, sign: int = 1) -> Trial:
    """The trial with the largest (smallest for sign -1) value of a goal; the first of equals, none that is not finite.

    Raises ParameterError where no trial has a finite one.
    """
    known = [trial for trial in trials if math.isfinite(trial.values[goal])]
    if not known:
        raise ParameterError(f"best: no trial has a finite {goal!r}; search other ranges")
    return max(known, key=lambda trial: sign * trial.values[goal])


def pareto(trials: Iterable[Trial], goals: Mapping[str, int]) -> list[Trial]:
    """The trials that no other one beats: at least as good in every goal and better in one. In order of the first goal.

    Of several with the same values the first is kept; a trial with a value that is not finite is not.
    """
    front: dict[tuple[float, ...], Trial] = {}
    for trial in trials:
        scores = tuple(sign * trial.values[goal] for goal, sign in goals.items())
        if all(map(math.isfinite, scores)):
            front.setdefault(scores, trial)
    kept = [mine for mine in front if not any(other != mine and _as_good(other, mine) for other in front)]
    return [front[scores] for scores in sorted(kept)]


def _as_good(left: Sequence[float], right: Sequence[float]) -> bool:
    return all(a >= b for a, b in zip(left, right, strict=True))


# --------------------------------------------------------------------------------- what was tried for a result


@dataclass(frozen=True)
class Deflated:
    """The best of some trials by Sharpe ratio. sharpe: its own, a period. trials: how many; effective: how many
    independent ones these are worth. dsr: deflated Sharpe ratio (`lib.stats.dsr`)."""

    best: int
    sharpe: float
    trials: int
    effective: float
    dsr: float


def deflated(returns: np.ndarray) -> Deflated:
    """The deflated Sharpe ratio of the best of K trials, from the returns [T, K] of all of them.

    N is `effective_trials`, V the variance of their per-period Sharpe ratios. One trial is not deflated. Raises
    StatisticsError for a trial whose returns do not vary.
    """
    found = [moments(column) for column in np.asarray(returns, dtype=float).T]
    sharpes = np.array([item.sharpe for item in found])
    place = int(np.argmax(sharpes))
    effective = effective_trials(returns) if len(found) > 1 else 1.0
    variance = float(sharpes.var(ddof=1)) if len(found) > 1 else 0.0
    probability = dsr(*found[place], n_trials=effective, trial_variance=variance)
    return Deflated(place, float(sharpes[place]), len(found), effective, probability)


def trials(study: str, folder: Path | str | None = None) -> pd.DataFrame:
    """Every configuration that was fitted for a recorded result: variant, seed, its settings and its numbers.

    Read from the recorded rows (book/recorded/STUDY.csv), of which those count that say their settings; their number
    is what a Sharpe ratio of the study is deflated by (`lib.stats.dsr`). Raises LoadError where nothing is recorded
    or where no row says its settings.
    """
    import pandas as pd

    path = Path(folder or RECORDED) / f"{study}.csv"
    if not path.is_file():
        raise LoadError(f"trials of {study!r}: nothing is recorded, {path.name} does not exist; record the study first")
    rows = pd.read_csv(path)
    own = rows["variant"].isin(rows.loc[rows["metric"].str.startswith(SETTING), "variant"])
    if not own.any():
        raise LoadError(f"trials of {study!r}: no row of {path.name} has a metric {SETTING}NAME; it searches nothing")
    found = rows[own].pivot_table(index=["variant", "seed"], columns="metric", values="value", sort=False)
    found.columns.name = None
    return found.reset_index()


# ------------------------------------------------------------------------------------------ ledger, model


@dataclass
class _Ledger:
    """Trials so far, and the file that has them: a line that says what was asked, then one line for each trial."""

    path: Path | None
    trials: list[Trial]

    @classmethod
    def open(cls, path: Path | str | None, asked: Mapping[str, Any]) -> _Ledger:
        if path is None:
            return cls(None, [])
        head, own = json.dumps(asked, sort_keys=True), Path(path)
        if not own.exists():
            write_bytes(own, f"{head}\n".encode())
            return cls(own, [])
        text = own.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]  # a kill may leave half a line
        try:
            lines = [json.loads(line) for line in whole.decode().splitlines()]
            found = [Trial(line["trial"], line["settings"], line["values"]) for line in lines[1:]]
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"ledger {own.name}: cannot be read ({error}); remove it to start again") from error
        if not lines or lines[0] != json.loads(head) or [item.number for item in found] != list(range(len(found))):
            got = json.dumps(lines[0]) if lines else "nothing"
            raise StoreError(f"ledger {own.name}: left by another search: {got}, expected {head}; name another file")
        if whole != text:
            write_bytes(own, whole)
        return cls(own, found)

    def append(self, trial: Trial) -> None:
        self.trials.append(trial)
        if self.path:
            line = {"trial": trial.number, "settings": trial.settings, "values": trial.values}
            with self.path.open("ab") as file:
                file.write(f"{json.dumps(line)}\n".encode())
                file.flush()
                os.fsync(file.fileno())


class _GaussianProcess:
    """Optuna's sampler, made anew for every trial, so that it remembers nothing but the trials."""

    def __init__(self, space: Space, goals: Mapping[str, int], seed: int, known: Iterable[Trial]) -> None:
        from tqdm import TqdmWarning

        with warnings.catch_warnings():  # in a notebook its import asks for a progress bar that nobody shows
            warnings.simplefilter("ignore", TqdmWarning)
            import optuna

        self._optuna, self._goals, self._seed = optuna, goals, seed
        self._spans: dict[str, Any] = {
            name: (optuna.distributions.IntDistribution(int(span.low), int(span.high), log=span.log) if span.whole
                   else optuna.distributions.FloatDistribution(span.low, span.high, log=span.log))
            for name, span in space.items()
        }  # fmt: skip
        directions: list[Any] = ["maximize" if sign > 0 else "minimize" for sign in goals.values()]
        with _quiet(optuna):
            self._study: optuna.Study = optuna.create_study(directions=directions)
        for trial in known:
            self.tell(trial)

    def ask(self, number: int) -> Settings:
        seed = int(np.random.default_rng([self._seed, number]).integers(2**31))
        self._study.sampler = self._optuna.samplers.GPSampler(seed=seed, n_startup_trials=STARTUP)
        with _quiet(self._optuna):
            asked = self._study.ask(self._spans)
        self._study.tell(asked, state=self._optuna.trial.TrialState.FAIL)  # what it gives is told as another
        return dict(asked.params)

    def tell(self, trial: Trial) -> None:
        values = [trial.values[goal] for goal in self._goals]
        if all(map(math.isfinite, values)):
            self._study.add_trial(self._optuna.trial.create_trial(
                params=dict(trial.settings), distributions=self._spans, values=values,
            ))  # fmt: skip


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Without Optuna's log: it tells of every study, and that it would be faster with another package."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)


def _checked(space: Space, method: str, count: int, goals: Mapping[str, int]) -> None:
    if method not in METHODS:
        raise UnknownNameError(f"search method {method!r}; expected {', '.join(METHODS)}{closest(method, METHODS)}")
    if count < 1 or not space:
        raise ParameterError(f"search: got {count} trials of {len(space)} settings; expected at least one of both")
    if not goals or any(sign not in (1, -1) for sign in goals.values()):
        raise ParameterError(f"search: goals are {dict(goals)}; expected a name with 1 (large) or -1 (small) for each")
