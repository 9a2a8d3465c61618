"""The page "solver": where a day's time goes, what keeping the problem saves, and how exact each answer is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from lib.paper.claims import Answer
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, first, outcome
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.tables import Format, text_of
from lib.stats.estimates import Numbers
from lib.studies.solver.measure import BOOKS, EXACT, MODES
from lib.studies.solver.tables import exact_table, found_in, parts_table

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "The papers keep the optimiser's problem from day to day and start it from the last answer, and print that a day "
    "becomes six times faster. What is the time of a day spent on, and what does that save?"
)
ADVICE = (
    "Give the optimiser the covariance in factors, never as a matrix of stocks by stocks.",
    "Look at where the time goes before keeping anything: compiling, covariance and solving are different things.",
    "Ask a solver for its tolerance, and check objective and limits: a default can be off by more than a cost matters.",
)
CLAIM = "B.solver.warm_start"
#: what the papers print: cold over warm, and CPU seconds of a back-test without caching
PRINTED, BACK_TEST = 6.0, 3000.0
#: gap and excess that count as exact, and how close Clarabel comes to the optimum
EXACT_AT, CLOSE = 1e-12, 1e-7


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says."""
    return [_saved(frame), _spent(frame), _factors(frame), _ours(frame), _exact(frame), _back_test(frame),
            _covariance(frame), _short(frame)]  # fmt: skip


def _saved(frame: pd.DataFrame) -> Finding:
    numbers, _ = found_in(frame)
    ratio = numbers.find("dense SCS", "cold / warm without covariance")
    text = "Keeping the papers' problem and starting from the last answer makes a day {ratio:.1f} times faster"
    return outcome({
        f"{text}, without the covariance; the papers print {{printed:.0f}}.": ratio.high < PRINTED,
        f"{text}, without the covariance, as the papers print ({{printed:.0f}}).": ratio.low <= PRINTED <= ratio.high,
        f"{text}, without the covariance, more than the {{printed:.0f}} that the papers print.": ratio.low > PRINTED,
    }, ratio=ratio, printed=PRINTED)  # fmt: skip


def _spent(frame: pd.DataFrame) -> Finding:
    """The share of compiling, which keeping a problem saves."""
    numbers, _ = found_in(frame)
    whole = numbers.find("dense SCS", "cold: cpu").value
    shares = {part: numbers.find("dense SCS", f"cold: {part}").value / whole for part in ("compile", "covariance")}
    text = "Compiling the papers' problem takes {compiling:.0%} of a cold day, the covariance {other:.0%}"
    return outcome({
        f"{text}. The papers put compiling at 80 %.": shares["compile"] < 0.6,
        f"{text}. The papers put compiling at 80 %, more than half of the day as here.": shares["compile"] >= 0.6,
    }, compiling=shares["compile"], other=shares["covariance"])  # fmt: skip


def _factors(frame: pd.DataFrame) -> Finding:
    numbers, _ = found_in(frame)
    dense, factor = (numbers.find(variant, "warm: cpu").value for variant in ("dense SCS", "factor SCS"))
    kept = [numbers.find(variant, "parametrised").value for variant in ("dense SCS", "factor SCS")]
    return Finding(
        "With the covariance as a matrix the problem breaks cvxpy's rules for parametrised problems. In factors it "
        "keeps them, and a warm day by the same solver takes {factor:.3g} ms of CPU instead of {dense:.3g}.",
        factor=1e3 * factor, dense=1e3 * dense, holds=factor < dense and kept == [0.0, 1.0],
    )  # fmt: skip


def _ours(frame: pd.DataFrame) -> Finding:
    numbers, _ = found_in(frame)
    spent, ratio = numbers.find("ours alone", "cold: cpu").value, numbers.find("package alone", "warm: times ours")
    return Finding(
        "The exact method takes {spent:.1f} ms of CPU for a day, covariance included, from a cold start; the authors' "
        "own class takes {ratio:.0f} times as long with its problem kept.",
        spent=1e3 * spent, ratio=ratio, holds=ratio.low > 1,
    )  # fmt: skip


def _exact(frame: pd.DataFrame) -> Finding:
    """Certificates over all days, books and risk aversions."""
    numbers, _ = found_in(frame)
    rows = EXACT.read(numbers)
    gap, excess, apart = (
        rows.loc[rows["metric"] == name, "value"].max()
        for name in ("largest gap", "largest excess", "Clarabel short of ours")
    )
    days = rows.loc[rows["metric"] == "largest gap", "days"].astype(int).sum() if len(rows) else 0
    return Finding(
        "On {days} days, long only and market neutral, with and without costs, its duality gap is at most {gap:.0e}, "
        "and no limit is broken by more than {excess:.0e}. Clarabel's answers fall short of it by at most {apart:.0e}.",
        days=f"{days:,}", gap=float(gap), excess=float(excess), apart=float(apart),
        holds=gap <= EXACT_AT and excess <= EXACT_AT and apart <= CLOSE,
    )  # fmt: skip


def _back_test(frame: pd.DataFrame) -> Finding:
    """The longest run of the long-only book."""
    numbers, _ = found_in(frame)
    rows = EXACT.read(numbers)
    runs = rows[(rows["metric"] == "total cpu") & (rows["book"] == "long-only")].to_dict("records")
    last = max(runs, key=lambda run: int(run["days"]), default={})
    return Finding(
        "A back-test of {days} days and {stocks} stocks spends {seconds:.1f} s of CPU on it; the papers print "
        "{printed:,.0f} s without caching.",
        days=f"{int(last.get('days', 0)):,}", stocks=f"{int(last.get('stocks', 0)):,}",
        seconds=float(last.get("value", math.nan)), printed=BACK_TEST,
        holds=float(last.get("value", math.nan)) < BACK_TEST,
    )  # fmt: skip


def _covariance(frame: pd.DataFrame) -> Finding:
    numbers, _ = found_in(frame)
    ratio, apart = numbers.find("covariance", "times ours"), numbers.find("covariance", "difference").value
    return Finding(
        "Ledoit and Wolf's covariance from the days' products takes scikit-learn {ratio:.0f} times as long as ours; "
        "the two differ by {apart:.0e} of the largest entry.",
        ratio=ratio, apart=apart, holds=ratio.low > 1 and apart <= EXACT_AT,
    )  # fmt: skip


def _short(frame: pd.DataFrame) -> Finding:
    """The worst answer at a default tolerance."""
    numbers, forms = found_in(frame)
    short = {(variant, mode): numbers.find(variant, f"{mode}: deficit").value for variant in forms for mode in MODES}
    known = {key: value for key, value in short.items() if not math.isnan(value)}
    variant, mode = max(known, key=lambda key: known[key], default=("", ""))
    worst = known.get((variant, mode), math.nan)
    return first([
        Finding("At default tolerances the objective falls short of the optimum by up to {worst:.0e} ({form}, {mode}).",
                worst=worst, form=forms.get(variant, "no form"), mode=mode or "-", holds=worst > 1e-6),
        Finding("At default tolerances no form falls short of the optimum by more than {worst:.0e}.", worst=worst,
                holds=worst <= 1e-6),
    ])  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------ figures, tables


def saved(shown: PageResult) -> HTML:
    """Cold over warm, and CPU time over ours, of every form."""
    from lib.paper.pages.forms import forest

    numbers, forms = found_in(shown.rows)
    note = f"{shown.name}; median of the days, and where 95 % of further days lie"
    every = {label: numbers.find(variant, "cold / warm without covariance") for variant, label in forms.items()}
    ratios = {label: found for label, found in every.items() if not math.isnan(found.value)}
    others = {label: [numbers.find(variant, f"{mode}: times ours") for mode in MODES]
              for variant, label in forms.items() if not variant.startswith("ours")}  # fmt: skip
    return tabs({
        "what a warm start saves": plot(forest(
            ratios, _saved(shown.rows).title("CPU time of a cold day over a warm one"),
            "CPU time, cold / warm, without the covariance", reference=1.0, log=True, digits=1, note=note)),
        "against the exact method": plot(forest(
            others, _ours(shown.rows).title("CPU time of a day over that of the exact method"),
            "CPU time, the other / the exact method from a cold start", series=MODES, reference=1.0, log=True,
            note=note)),
    })  # fmt: skip


def parts(shown: PageResult) -> HTML:
    """Where the time of a day goes, cold and warm."""
    same = ("form", "covariance, ms", "parameters, ms", "compile, ms", "setup, ms", "solve, ms")
    heads = {**dict(zip(same, same, strict=True)), "cpu, ms": "whole day, ms", "times ours": "over the exact method",
             "deficit": "objective short by, share", "excess": "limit broken by, weight"}  # fmt: skip
    formats: dict[str, Format] = {"deficit": ".0e", "excess": ".0e"}
    formats |= dict.fromkeys(same[1:], _milliseconds)
    return tabs({
        mode: table(parts_table(shown.rows, mode), f"solver_{mode}", columns=heads, formats=formats,
                    caption=f"{mode} days, median CPU time; the last two columns: the worst day; empty: "
                    "not timed apart")
        for mode in MODES
    })  # fmt: skip


def _milliseconds(value: float) -> str:
    """Of a part of a day; a part that a form does not have is recorded as a billionth of a second."""
    return "" if value < 1e-5 else text_of(value, ",.0f" if value >= 10 else ".2g")


def exact(shown: PageResult) -> HTML:
    """The exact method by book."""
    heads = {"aversion": "risk aversion", "stocks": "stocks", "days": "days", "cpu, ms": "median day, ms",
             "largest, ms": "slowest day, ms", "iterations": "Newton steps", "largest gap": "duality gap",
             "largest excess": "limit broken by, weight",
             "Clarabel short of ours": "Clarabel's objective short by, share"}  # fmt: skip
    small = ("largest gap", "largest excess", "Clarabel short of ours")
    formats = {"iterations": ".0f"} | dict.fromkeys(small, ".0e")
    rows = exact_table(shown.rows)
    return tabs({
        book: table(rows[rows["book"] == book], f"solver_exact_{place}", columns=heads, formats=formats,
                    caption=f"{book}: median day in CPU milliseconds, covariance included; the rest at worst")
        for place, book in enumerate(BOOKS) if len(rows)
    })  # fmt: skip


# ---------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Cold over warm of the papers' form by SCS, as their own package has it; the interval is that of further days."""
    ratio = Numbers(frame).find("dense SCS", "cold / warm without covariance")
    if math.isnan(ratio.value):
        return []
    low, high = (None, None) if math.isnan(ratio.low) else (ratio.low, ratio.high)
    note = "CPU seconds of a day without the covariance, the papers' form by SCS; another processor"
    return [Answer(CLAIM, ratio.value, low, high, "different", note, "solver")]
