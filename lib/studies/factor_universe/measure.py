"""Paper A's factor universe: a thousand declared candidates, a quality filter, and who is left.

The filter sees the training period only: days whose labels were known before the test period begins. Beside the count
stand its interval, the count in a null market, the count at other thresholds, and what the candidates do afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lib.evaluation.inputs import OVERLAY, source_name, study_panel
from lib.factors import factor_names
from lib.factors.formulas.parametric import duplicates, neighbours, templates
from lib.factors.quality import (
    HORIZONS,
    Daily,
    candidate_sets,
    computable,
    daily_scores,
    judge,
    measure,
    rank_correlation,
    thresholds,
)  # fmt: skip
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.store.rows import records
from lib.studies.factor_universe.records import Filtered, filter_records

#: days whose rankings decide who is whose twin
SAMPLED_DAYS = 40


def grid(settings: Settings) -> Iterator[Config]:
    """One row per market: the file, or one small simulated market per seed."""
    if settings["data_path"]:
        yield {"variant": source_name(settings["data_path"]), "seed": 0}
    else:
        yield from ({"variant": OVERLAY, "seed": seed} for seed in settings["seeds"])


def compute(row: Config, settings: Settings) -> RowResult:
    panel = study_panel(settings, row["seed"])
    declared = candidates(settings["every"])
    names = computable(panel, declared)
    cut = round(len(panel.dates) * settings["train_share"])
    daily = _daily(panel, names, cut, settings["window"])
    found = _filter(daily, cut, settings)
    rng = np.random.default_rng([row["seed"], len(names)])
    counts = {
        "declared": len(declared), "duplicates": len(duplicates()), "train_days": len(found.training.kept),
        "test_days": len(panel.dates) - cut,
    }  # fmt: skip
    found_records = filter_records(row["variant"], found, daily.rows(cut, len(panel.dates)), rng, settings["draws"])
    return RowResult([*records(counts), *found_records])


def candidates(every: int = 1) -> list[str]:
    """Names of the candidates of every so-many-th template, with its whole grid: neighbours stay together."""
    wanted = {name for position, name in enumerate(sorted(templates())) if position % every == 0}
    return [name for name in factor_names("parametric") if name.partition("[")[0] in wanted]


def _daily(panel: Panel, names: list[str], cut: int, window: str) -> Daily:
    last = cut - HORIZONS[-1] - 1
    sample = np.linspace(last / 2, last, SAMPLED_DAYS).astype(int).tolist()  # the first half may be warm-up
    return daily_scores(panel, candidate_sets(panel, names, window=window), sample)


def _filter(daily: Daily, cut: int, settings: Settings) -> Filtered:
    """Measured before the cut, and judged."""
    training, pairs, limits = daily.before(cut), neighbours(daily.names), thresholds(settings["thresholds"])
    measures, correlation = measure(training, pairs), rank_correlation(daily.ranks)
    verdict = judge(daily.names, measures, limits, correlation, settings["redundancy"])
    return Filtered(training, pairs, measures, limits, correlation, settings["redundancy"], verdict)
