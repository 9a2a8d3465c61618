"""Running a study: its rows, stored ones reused, as one tidy frame, a table and answers to claims."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from lib.errors import UnknownNameError
from lib.paper.claims import Answer, load_ledger, scoreboard
from lib.paper.results.plan import Plan, Row, row_store
from lib.paper.results.provenance import environment, now, repository_state
from lib.paper.results.study import COLUMNS, Config, Study, without_paths
from lib.stats.estimates import ENDS, Estimate
from lib.stats.over_seeds import average, interval, seed_values
from lib.store.marks import machinery

PROGRESS_VARIABLE = "LIB_PROGRESS"
Item = TypeVar("Item")


@machinery
@dataclass(frozen=True)
class StudyResult:
    """All rows of one run of a study, in the order of its grid."""

    study: Study
    settings: Config
    rows: list[Row]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy results: study, variant, seed, metric, value, n, setting."""
        return tidy(self.study, [(row.config, row.setting, row.stored.records) for row in self.rows])

    def arrays(self, row: int | Mapping[str, Any]) -> Mapping[str, np.ndarray]:
        """Arrays of a row, by position or by items of its configuration: ``arrays({"variant": "none"})``."""
        if isinstance(row, int):
            return self.rows[row].stored.arrays
        found = [item for item in self.rows if all(item.config.get(k) == v for k, v in row.items())]
        if len(found) != 1:
            got = f"{len(found)} rows match {dict(row)}"
            raise UnknownNameError(f"study {self.study.name!r}: {got}; expected one")
        return found[0].stored.arrays

    def table(self) -> pd.DataFrame:
        """The study's own table; without one, the mean of each metric by variant with its interval."""
        return table(self.study, self.frame)

    def answers(self) -> list[Answer]:
        """Answers of this run to the claims that the study is about; none from a market that stands in for a file."""
        plumbing = self.study.wants_prices and not self.settings["data_path"]
        return [] if plumbing else self.study.answers(self.frame)

    def verdicts(self) -> pd.DataFrame:
        """Scoreboard rows of the claims that the study is about: paper, ours, interval, verdict."""
        claims = [claim for claim in load_ledger() if claim.id in self.study.page.claims]
        return scoreboard(self.answers(), claims)


@machinery
def run_study(
    study: Study,
    *,
    scale: str = "laptop",
    seeds: int | Sequence[int] | None = None,
    jobs: int | None = None,
    backend: str | None = None,
    fresh: bool = False,
    progress: bool | None = None,
    cache: Path | str | None = None,
    **overrides: Any,
) -> StudyResult:
    """Run a study, reusing every stored row whose configuration, code and input files are unchanged.

    scale:    smoke | laptop | paper; seeds: n for 0..n-1, a list, or None for the scale's own number
    jobs:     processes (default: LIB_JOBS, else 1, which stays in this process); -1 for every core
    backend:  joblib's backend (default: LIB_BACKEND, else loky); dask or ray run the rows on a cluster
    fresh:    compute every row again and store nothing
    progress: bar on standard error (default: when that is a terminal; LIB_PROGRESS=1 or 0 decides too)
    cache:    folder of stored rows (default: LIB_CACHE, else .cache in the project)

    Raises ParameterError for anything wrong in a parameter.
    """
    settings = study.settings(scale, seeds, overrides)
    plan = Plan.make(study, settings, None if fresh else row_store(study, cache))
    rows = dict(with_progress(plan.run(jobs, backend), study.name, len(plan.rows), progress))
    return StudyResult(study, settings, [rows[index] for index in range(len(plan.rows))], _provenance(plan))


def tidy(study: Study, rows: Sequence[tuple[Config, str, Sequence[Mapping[str, Any]]]]) -> pd.DataFrame:
    """Records of rows as a frame of the columns study, variant, seed, metric, value, n, setting."""
    lines = [
        (study.name, item["variant"], config["seed"], item["metric"], item["value"], item["n"], setting)
        for config, setting, records in rows
        for item in records
    ]
    frame = pd.DataFrame(lines, columns=list(COLUMNS))
    return frame.astype({"value": "float64", "n": "Int64", "seed": "int64"})


def table(study: Study, frame: pd.DataFrame) -> pd.DataFrame:
    """The study's own table of a frame, or its `summary`."""
    return study.page.table(frame) if study.page.table else summary(frame)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds by variant and metric, with a 95 % interval.

    With two seeds or more the interval is Student's t over seeds; with one it is the mean of the study's
    own ``metric.low`` and ``metric.high``, where there are any, else missing. Only finite numbers count.
    """
    values = seed_values(frame)
    variants = {name: rank for rank, name in enumerate(frame["variant"].unique())}
    lines = [
        {"variant": variant, "metric": metric, **_interval(values, variant, metric)}
        for variant, metric in sorted(values, key=lambda pair: variants[pair[0]])
        if not metric.endswith((".low", ".high"))
    ]
    return pd.DataFrame(lines, columns=["variant", "metric", "mean", "low", "high", "seeds"])


def with_progress(rows: Iterator[Item], name: str, total: int, wanted: bool | None) -> Iterator[Item]:
    """Rows as they come, with a progress bar on standard error where one is wanted."""
    from tqdm import tqdm

    if wanted is None:
        choice = os.environ.get(PROGRESS_VARIABLE, "")
        wanted = choice == "1" if choice else sys.stderr.isatty()
    bar = tqdm(rows, total=total, desc=name, unit="row", file=sys.stderr, disable=not wanted, leave=False)
    yield from bar


def _provenance(plan: Plan) -> dict[str, Any]:
    return {
        "study": plan.study.name,
        "parameters": without_paths(plan.settings, plan.inputs),
        "inputs": [vars(item) for item in plan.inputs],
        "source": plan.study.source_digest(),
        "date": now(),
        **repository_state(),
        **environment(),
    }


def _interval(values: Mapping[tuple[str, str], np.ndarray], variant: str, metric: str) -> dict[str, float]:
    sample, empty = values[variant, metric], np.empty(0)
    given = (average(values.get((variant, metric + end), empty)) for end in ("", *ENDS))
    found = interval(sample) if len(sample) > 1 else Estimate(*given)
    return {"mean": found.value, "low": found.low, "high": found.high, "seeds": len(sample)}
