"""Tables of the ablation on real prices, and its answers to claims.

A row is named "variant learner" on the walk with z-scores, "variant learner | condition" elsewhere: the papers' windows
of train, validation and test, and ridge on ranked features. A Case is one learner in one condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from lib.evaluation.ablation import LEARNERS, Ablation
from lib.evaluation.ablation_tables import APPENDIX_B, PAPER_VARIANTS, PARADOX, variant_table
from lib.evaluation.conditions import conditions, of_condition
from lib.evaluation.core import CORE
from lib.evaluation.variants import CONTRASTS
from lib.paper.claims import Answer
from lib.stats.estimates import ENDS
from lib.studies.mask_ablation.common import GROSS, NET, Case
from lib.studies.mask_ablation_real.measure import FIXED, WALK, WINDOWS, condition_name

if TYPE_CHECKING:
    from lib.paper.pages.result import PageResult

#: the window that answers paper B's claims about real prices
ANSWERED = "paper B"


def span(condition: str) -> str:
    """A condition in words.

    >>> span(""), span("paper B window, ranks")
    ('walk over all years', 'test years of paper B (2022 to 2024), ranked features')
    """
    window = next((name for name in FIXED if condition.startswith(f"{name} window")), "")
    years = f"test years of {window} ({test_years(window)})" if window else "walk over all years"
    return years + ", ranked features" * condition.endswith("ranks")


def test_years(window: str) -> str:
    """The test years of one of the papers' windows.

    >>> test_years("paper B")
    '2022 to 2024'
    """
    begin, end = FIXED[window][-1]
    return f"{begin} to {end}"


def cases(shown: PageResult) -> Iterator[Case]:
    """Every learner in every span; the walk first, ranked features last."""
    parts = shown.parts()
    for condition in sorted(parts, key=lambda name: ("ranks" in name, list(parts).index(name))):
        for learner in Ablation.learners(parts[condition].rows):
            rows = parts[condition].rows
            part = replace(shown, rows=rows[rows["variant"].str.endswith(f" {learner}")])
            source = ", ".join(shown.files) or f"{part.markets}, simulated"
            label = f"{LEARNERS[learner]}, {condition.replace(' window', '') or WALK}"
            words = f"{LEARNERS[learner]}, {span(condition)}"
            yield Case(condition, Ablation.of(part.rows, learner), part.rows, f"{shown.name}: {source}", label, words)


def window_years() -> pd.DataFrame:
    """The years of the papers' windows, as a table."""
    rows = {
        window: {part: f"{begin} to {end}" for part, (begin, end) in zip(("train", "validation", "test"), years,
                                                                          strict=True)}
        for window, years in FIXED.items()
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("window")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Every span and learner under each other."""
    tables: dict[tuple[str, str], pd.DataFrame] = {}
    for condition in conditions(frame):
        part = of_condition(frame, condition)
        tables |= {(span(condition), learner): variant_table(part, learner) for learner in LEARNERS}
    run = {key: found for key, found in tables.items() if len(found)}
    return pd.concat(run, names=["window", "learner", "variant"])


def by_window(frame: pd.DataFrame, learner: str) -> dict[str, pd.DataFrame]:
    """Window -> its rows on z-scores, without its name, of the windows in which a learner was run."""
    parts = {window: of_condition(frame, condition_name(window)) for window in WINDOWS}
    return {window: part for window, part in parts.items() if learner in Ablation.learners(part)}


def window_table(frame: pd.DataFrame, learner: str, metrics: Sequence[str] = (GROSS, "m1_ic", NET)) -> pd.DataFrame:
    """Contrasts down, windows across: for each metric and window the difference with its 95 % interval."""
    found = {window: Ablation.of(part, learner) for window, part in by_window(frame, learner).items()}
    rows = {}
    for left, right in CONTRASTS:
        columns = [(metric, window) for metric in metrics for window in found]
        items = {f"{metric}, {window}": found[window].contrast(left, right, metric) for metric, window in columns}
        rows[f"{left} - {right}"] = {k: x for name, item in items.items() for k, x in item.columns(name).items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("contrast").dropna(how="all")


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Levels and differences on paper B's window; on the walk, which the note says, where that window was not run.

    Different universe, factors and portfolio rule: setting different. Levels of the papers' tables are those of orders
    that all fill at the close, because their back-test multiplies lagged weights with returns. All answers come from
    one learner, or the papers' rows would compare learners as well as masks: the MLP where it ran on each of the
    papers' three configurations, otherwise ridge.
    """
    condition = condition_name(ANSWERED)
    part = of_condition(frame, condition)
    if part.empty:
        part, condition = of_condition(frame, ""), ""
    means = part.groupby(["variant", "metric"], as_index=False)["value"].mean()
    numbers = {(v, m): x for v, m, x in zip(means["variant"], means["metric"], means["value"], strict=True)}
    ran = {variant for variant, _ in numbers}
    learner = "mlp" if {f"{ours} mlp" for ours in PAPER_VARIANTS.values()} <= ran else "ridge"
    answers = []
    for prefix, columns in (("B.appB.mask.real", APPENDIX_B), ("B.paradox", PARADOX)):
        for theirs, ours in PAPER_VARIANTS.items():
            for column, metric, unit in columns:
                claim = f"{prefix}.{theirs}.{column}"
                answers += _answer(numbers, claim, f"{ours} {learner}", metric, unit, condition)
    for claim, metric in (("delta_sharpe", "naive_close.sharpe"), ("ic_inflation", "apparent_ic.inflation")):
        answers += _answer(numbers, f"B.mask.real.{claim}", f"mask_paper - none {learner}", metric, 1.0, condition)
    return answers


def _answer(
    numbers: Mapping[tuple[str, str], float], claim_id: str, variant: str, metric: str, unit: float, condition: str
) -> list[Answer]:
    keys = [(variant, metric + suffix) for suffix in ("", *ENDS)]
    if not all(key in numbers for key in keys):
        return []
    value, low, high = (unit * numbers[key] for key in keys)
    note = f"CSI 300 members, {len(CORE)} factors, top-k: {variant}, {metric}"
    if condition:
        note += f"; test years {test_years(ANSWERED)}, as in the paper"
    else:
        note += f"; the walk, because this run has no window {ANSWERED}"
        if "drawdown" in metric:
            note += "; ours over all test years, the interval for one path of the papers' three"
    return [Answer(claim_id, value, low, high, "different", note, "mask_ablation_real")]


CLAIM_IDS = (
    *(f"B.appB.mask.real.{v}.{column}" for v in PAPER_VARIANTS for column, *_ in APPENDIX_B),
    *(f"B.paradox.{v}.{column}" for v in PAPER_VARIANTS for column, *_ in PARADOX),
    "B.mask.real.delta_sharpe",
    "B.mask.real.ic_inflation",
)
