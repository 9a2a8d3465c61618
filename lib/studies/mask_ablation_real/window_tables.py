"""Windows, tables and answers of the mask ablation on real prices.

A row is named "variant learner" on the walk with z-scores, "variant learner | condition" elsewhere: the papers' windows
of train, validation and test, and ridge on ranked features. `of_condition` takes one condition out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from lib.evaluation.ablation import Ablation
from lib.evaluation.ablation_tables import APPENDIX_B, LEARNERS, PAPER_VARIANTS, PARADOX, variant_table
from lib.evaluation.conditions import conditions, of_condition
from lib.evaluation.core import CORE
from lib.evaluation.variants import CONTRASTS
from lib.models.splits import Years
from lib.paper.claims import Answer
from lib.stats.estimates import ENDS

#: expanding window: every test year is predicted by what was fitted on the years before it
WALK = "walk"
#: the papers' windows: first and last calendar year to train, validate and test on (paper A, section IV.A; paper B,
#: section 4.1). Paper A gives parts that overlap, 2010-2020, 2020-2021, 2021-2024; here the test years stay as they are
FIXED: dict[str, tuple[Years, Years, Years]] = {
    "paper B": ((2015, 2020), (2021, 2021), (2022, 2024)),
    "paper A": ((2010, 2019), (2020, 2020), (2021, 2024)),
}
WINDOWS = (WALK, *FIXED)
#: the window that answers paper B's claims about real prices
ANSWERED = "paper B"
#: what windows are compared by: information, then money over equal weight, gross of costs before net
COMPARED = ("m1_ic", "executed_open.active_sharpe_gross", "executed_open.active_sharpe")


def condition_name(window: str, standardise: str = "zscore") -> str:
    """The condition in a row's name; empty on the walk with z-scores.

    >>> condition_name("walk"), condition_name("walk", "rank"), condition_name("paper B", "rank")
    ('', 'ranks', 'paper B window, ranks')
    """
    return ", ".join([f"{window} window"] * (window != WALK) + ["ranks"] * (standardise == "rank"))


def row_name(what: str, learner: str, condition: str) -> str:
    """The name of a row: a variant, or a contrast of two, a learner and a condition.

    >>> row_name("mask_skip - none", "ridge", ""), row_name("none", "mlp", "paper B window")
    ('mask_skip - none ridge', 'none mlp | paper B window')
    """
    return f"{what} {learner}" + (f" | {condition}" if condition else "")


def test_years(window: str) -> str:
    """The test years of one of the papers' windows.

    >>> test_years("paper B")
    '2022 to 2024'
    """
    first, last = FIXED[window][-1]
    return f"{first} to {last}"


def window_years() -> pd.DataFrame:
    """The years of the papers' windows, as a table."""
    parts = ("train", "validation", "test")
    rows = {
        window: dict(zip(parts, (f"{first} to {last}" for first, last in years), strict=True))
        for window, years in FIXED.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("window")


def condition_title(condition: str) -> str:
    """A heading for a condition."""
    window, _, ranks = condition.partition(", ") if condition != "ranks" else ("", "", condition)
    name = window.removesuffix(" window")
    title = f"{name[0].upper()}{name[1:]}'s window, tested on {test_years(name)}" if name in FIXED else "The walk"
    return f"{title}, {ranks}" if ranks else title


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Every condition and learner under each other."""
    tables: dict[tuple[str, str], pd.DataFrame] = {}
    for condition in conditions(frame):
        part = of_condition(frame, condition)
        tables |= {(condition_title(condition), learner): variant_table(part, learner) for learner in LEARNERS}
    run = {key: table for key, table in tables.items() if len(table)}
    return pd.concat(run, names=["window", "learner", "variant"])


def by_window(frame: pd.DataFrame, learner: str) -> dict[str, pd.DataFrame]:
    """Window -> its rows on z-scores, without its name, of the windows in which a learner was run."""
    parts = {window: of_condition(frame, condition_name(window)) for window in WINDOWS}
    return {window: part for window, part in parts.items() if learner in Ablation.learners(part)}


def window_table(frame: pd.DataFrame, learner: str, metrics: Iterable[str] = COMPARED) -> pd.DataFrame:
    """Contrasts down, windows across: for each metric and window the difference with its 95 % interval."""
    found = {window: Ablation.of(part, learner) for window, part in by_window(frame, learner).items()}
    rows = {}
    for left, right in CONTRASTS:
        columns = [(metric, window) for metric in metrics for window in found]
        items = {f"{metric}, {window}": found[window].contrast(left, right, metric) for metric, window in columns}
        rows[f"{left} - {right}"] = {k: x for name, item in items.items() for k, x in item.columns(name).items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("contrast").dropna(how="all")


# ----------------------------------------------------------------------------------------------- claims


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
