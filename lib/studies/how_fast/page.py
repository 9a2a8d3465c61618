"""The page "how fast": CPU time, memory and errors of the factor engine beside other libraries on one processor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.paper.claims import Answer, load_ledger
from lib.paper.pages import html, plot, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening, tabs
from lib.stats.estimates import Estimate
from lib.studies.how_fast import curves, report
from lib.studies.how_fast.speed import GIB, OURS, WRONG, Operator, Speed, Work

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

QUESTION = (
    "How much processor time and memory do the factors of this book take, beside other libraries that compute the same "
    "numbers on the same processor, and how exact is each of them?"
)
ADVICE = (
    "Compare speed on one machine, in CPU time, and only after the values were compared.",
    "For a running mean or sum alone a specialised library is faster; the gain comes from whole sets of factors that "
    "share their parts.",
    "Do not use running sums of squares in float32 for deviations and correlations of prices.",
)
#: claim -> the operator it is about, or the work
OPERATOR_CLAIMS = {
    "B.speed.cs_rank.speedup": "cs_rank",
    "B.speed.ts_std.speedup": "ts_std",
    "B.speed.ewma.speedup": "ewma",
    "B.speed.ts_corr.speedup": "ts_corr",
    "A.speed.rolling_mean": "ts_mean",
    "A.speed.cs_rank": "cs_rank",
    "A.speed.ewma": "ewma",
}
WORK_CLAIMS = {"B.speed.all_213.speedup": "factors", "A.speed.complex_factor": "complex factor"}
CLAIM_IDS = (*OPERATOR_CLAIMS, *WORK_CLAIMS)
ALL_FACTORS = "B.speed.all_213.speedup"
#: operators whose work grows with the window, day by day
LINEAR = ("ts_rank",)
#: larger pieces of work, in words
WORK_WORDS = {
    "factors": "all 213 factors",
    "complex factor": "one complex factor",
    "neutralise": "neutralisation",
    "update": "one new day",
    "alpha101 kunquant": "alphas that KunQuant has",
    "alpha101 rank-free": "alphas without a rank",
}
BY_WORDS = {"lstsq": "least squares in a loop", "recomputed": "everything computed again"}
PACKAGES = ("torch", "numpy", "numba", "pandas", "bottleneck", "polars", "mlquantx")


# ---------------------------------------------------------------------------------------------- findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says; a size or library that was not measured gives no sentence."""
    speed = Speed.of(frame)
    return [_against(speed, "mlquantx"), _against(speed, "pandas"), _errors(speed), _operators(speed), _lost(speed),
            _memory(speed), _window(speed)]  # fmt: skip


def _against(speed: Speed, peer: str) -> Finding:
    """All factors at the largest panel that a peer was measured on."""
    runs = [run for run in speed.work("factors") if not math.isnan(speed.find(run.variant, peer, "ratio").value)]
    ratio = speed.find(runs[-1].variant, peer, "ratio") if runs else Estimate(math.nan)
    seconds = speed.find(runs[-1].variant, OURS, "cpu").value if runs else math.nan
    size = str(runs[-1].size) if runs else "no panel"
    if peer == "pandas":
        claimed = next(claim.claimed for claim in load_ledger() if claim.id == ALL_FACTORS)
        return Finding(
            "The same formulas in pandas take {ratio:.1f} times the CPU time of this engine ({size}). The papers print "
            "{claimed:.1f} for pandas over one large GPU, which is another comparison.",
            ratio=ratio, size=size, claimed=float(claimed or math.nan), holds=ratio.low > 1,
        )  # fmt: skip
    return Finding(
        "The engine of this book computes all 213 factors of {size} in {seconds:.1f} CPU seconds on one thread. The "
        "authors' own package takes {ratio:.1f} times that.",
        size=size, seconds=seconds, ratio=ratio, holds=ratio.low > 1,
    )  # fmt: skip


def _errors(speed: Speed) -> Finding:
    """Who gives another number than the definition."""
    wrong = speed.wrong()
    worst = max(wrong, key=lambda item: item[2], default=None)
    libraries = ", ".join(dict.fromkeys(peer for _, peer, _ in wrong if peer != OURS))
    measured = any(not math.isnan(speed.find(item.variant, OURS, "error").value) for item in speed.operators())
    ours = any(peer == OURS for _, peer, _ in wrong)
    return first([
        Finding(
            "Libraries do not give the same numbers: {libraries} differ from the definition by more than {bound:g} in "
            "some operator, at worst by {worst:.2g} ({peer}, {operator}). This engine does in none.",
            libraries=libraries, bound=WRONG, worst=worst[2] if worst else math.nan,
            peer=worst[1] if worst else "", operator=worst[0].name if worst else "",
            holds=bool(libraries) and not ours,
        ),
        Finding("No library differs from the definition by more than {bound:g} in any operator.", bound=WRONG,
                holds=measured and not wrong),
    ])  # fmt: skip


def _operators(speed: Speed) -> Finding:
    items = speed.plain()
    ahead = sum(speed.ahead(item) for item in items)
    return Finding(
        "In {ahead} of {all} operators this engine needs less CPU time than every other library that has them.",
        ahead=str(ahead), all=str(len(items)), holds=ahead > 0,
    )  # fmt: skip


def _lost(speed: Speed) -> Finding:
    """The operators that another library computes in less time."""
    behind = {item.name: speed.behind(item) for item in speed.plain()}
    lost = {name: found for name, found in behind.items() if found}
    name = min(lost, key=lambda name: lost[name][0][1].value, default="")
    peer, ratio = lost[name][0] if name else ("", Estimate(math.nan))
    return Finding(
        "{count} operators are faster elsewhere. The largest gap is {name}, for which {peer} needs {ratio:.2f} of the "
        "time of this engine.",
        count=str(len(lost)), name=name, peer=peer, ratio=ratio, holds=bool(lost),
    )  # fmt: skip


def _memory(speed: Speed) -> Finding:
    runs = speed.whole(OURS)
    peak, output = (runs[-1].peak / GIB, runs[-1].output / GIB) if runs else (math.nan, math.nan)
    return Finding(
        "On the largest panel all factors take at most twice the memory of their result: {peak:.1f} GiB at the peak "
        "for {output:.1f} GiB ({size}).",
        peak=peak, output=output, size=str(runs[-1].size) if runs else "", holds=peak <= 2 * output,
    )  # fmt: skip


def _window(speed: Speed) -> Finding:
    """How much longer the longest window takes, at worst."""
    found = {item.name: speed.growth(item.name) for item in speed.operators() if item.name not in LINEAR}
    known = {name: ends for name, ends in found.items() if not math.isnan(ends[0])}
    name = max(known, key=lambda name: known[name][0], default="")
    growth, short, long = known.get(name, (math.nan, 0, 0))
    return Finding(
        "A window of {long} days takes at most {growth:.1f} times the CPU time of one of {short} days, except for "
        "ranks over time, which compare every day of the window.",
        long=str(long), growth=growth, short=str(short), holds=growth < 2,
    )  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice, and the machine."""
    parts = [opening(shown, QUESTION, findings(shown.rows), ADVICE), html(f"<p><em>{escape(_machine(shown))}</em></p>")]
    return html("".join(str(part.data) for part in parts))


def _machine(shown: PageResult) -> str:
    """Where the shown numbers were measured, with which versions, and what was missing."""
    speed = Speed.of(shown.rows)
    runs: list[Mapping[str, Any]] = list(getattr(shown.made, "runs", {}).values()) or [shown.build.provenance]
    hardware = "; ".join(sorted({str(run["hardware"]) for run in runs}))
    pairs = sorted({pair for run in runs for pair in run["versions"].items() if pair[0] in PACKAGES})
    versions = ", ".join(f"{name} {version}" for name, version in pairs)
    seconds, rate = (speed.numbers.find("machine", what).value for what in ("calibration", "bandwidth"))
    absent = f" Not installed there: {', '.join(speed.missing)}." if speed.missing else ""
    return (
        f"Measured on {hardware}, with {versions}. A fixed calibration loop takes {seconds:.3f} CPU seconds there, and "
        f"a copy moves {rate / 1e9:.0f} GB a second.{absent}"
    )


# ----------------------------------------------------------------------------------------------- figures


def ratios(shown: PageResult) -> HTML:
    """CPU time of each peer over ours: the operators, and larger work."""
    speed = Speed.of(shown.rows)
    work = [(words, item) for what, words in WORK_WORDS.items() for item in speed.work(what)]
    larger = {f"{words},\n{item.size}": item.variant for words, item in work if _compared(speed, item.variant)}
    operators = {item.name: item.variant for item in speed.plain()}
    said = {"operators": (operators, _operators(speed)), "larger work": (larger, _against(speed, "mlquantx"))}
    return tabs({
        label: plot(_ratios(speed, variants, found.title(f"CPU time of others over ours: {label}"), shown.name))
        for label, (variants, found) in said.items() if variants
    })  # fmt: skip


def _compared(speed: Speed, variant: str) -> bool:
    return any(not math.isnan(speed.find(variant, peer, "ratio").value) for peer in speed.peers)


def _ratios(speed: Speed, variants: Mapping[str, str], title: str, note: str) -> Figure:
    from lib.paper.pages.forms import forest, one_axis

    colors = curves.library_colors()
    rows = {label: [speed.find(variant, peer, "ratio") for peer in speed.peers] for label, variant in variants.items()}
    figure = forest(rows, title, "CPU time, the other library / ours (above 1: ours is faster)", series=speed.peers,
                    colors=[colors[peer] for peer in speed.peers], reference=1.0, log=True, pitch=0.07,
                    note=f"{note}; where 95 % of further repeats lie")  # fmt: skip
    curves.plain_numbers(one_axis(figure), "x")
    return figure


def against_window(shown: PageResult) -> HTML:
    """CPU nanoseconds per cell of the windowed operators over the length of the window; pandas dotted."""
    return _curves(shown, curves.against_window, _window, "CPU time against the length of the window")


def against_size(shown: PageResult) -> HTML:
    """CPU seconds and peak memory of all factors over the size of the panel, one process each."""
    return _curves(shown, curves.against_size, _memory, "CPU time and peak memory against panel size")


def _curves(shown: PageResult, draw: Callable[..., Figure], found: Callable[[Speed], Finding], neutral: str) -> HTML:
    speed = Speed.of(shown.rows)
    return plot(draw(speed, found(speed).title(neutral), shown.name))


# ------------------------------------------------------------------------------------------------ tables


def work(shown: PageResult) -> HTML:
    """Larger pieces of work: the first call of a process, later calls, a fresh process."""
    later, start = report.work_table(shown.rows), report.start_up(shown.rows)
    if len(later):
        later = later.replace({"work": WORK_WORDS, "by": BY_WORDS})
    heads = {"work": "work", "panel": "panel", "by": "by", "CPU s": "CPU time, s", "times ours": "times ours"}
    cold = {"call": "call", "panel": "panel", "by": "by", "CPU s": "CPU time, s", "times ours": "times ours",
            "peak, GiB": "peak, GiB"}  # fmt: skip
    whole = {"a fresh process": "a fresh process", "CPU s": "CPU time, s", "wall s": "clock time, s"}
    return tabs({
        "later calls": table(later, "how_fast_work", columns=heads, formats=NUMBERS, caption=TIMES),
        "first call and later ones": table(report.first_calls(shown.rows), "how_fast_first", columns=cold,
                                           formats=NUMBERS, caption=TIMES),
        "a fresh process": table(start, "how_fast_start", columns=whole, formats=NUMBERS),
    })  # fmt: skip


#: what the tables of times compare
TIMES = "times ours: CPU time over that of this engine for the same work (empty: this engine itself)"
NUMBERS = {"CPU s": ".3g", "wall s": ".3g", "times ours": ".2f", "peak, GiB": ".2f", "result, GiB": ".2f"}


def alphas(shown: PageResult) -> HTML:
    """Formulaic alphas in other libraries: how far values agree, then times; and which formulas differ."""
    heads = {"formulas": "formulas", "by": "by", "formulas that agree": "agree",
             "cells that agree, %": "cells agree, %", "CPU s": "CPU time, s", "times ours": "times ours"}  # fmt: skip
    formats, rows = NUMBERS | {"cells that agree, %": ".1f"}, report.alphas(shown.rows)
    if "remark" in rows:
        rows["by"] = rows["by"] + (", " + rows["remark"]).fillna("")
    return tabs({
        "values and times": table(rows, "how_fast_alphas", columns=heads, formats=formats),
        "formulas that differ": table(report.alpha_differences(shown.rows), "how_fast_differences"),
    })  # fmt: skip


def operators(shown: PageResult) -> HTML:
    """The operators one by one, by precision: our time, the floor, and the ratios, whose intervals are in the CSV."""
    found = {dtype: report.ratio_table(shown.rows, dtype) for dtype in ("float32", "float64")}
    return tabs({dtype: _operators_table(rows, dtype) for dtype, rows in found.items() if len(rows)})


def _operators_table(rows: pd.DataFrame, dtype: str) -> HTML:
    words = {"ours, ns a cell": "ours, ns", "reading and writing once, ns a cell": "a copy, ns"}
    shown = [str(name) for name in rows if not str(name).endswith((".low", ".high"))]
    ends = {f"{name}.{end}": f"{name}, {end} end of repeats" for name in shown for end in ("low", "high")}
    return table(rows.rename(columns=ends), f"how_fast_operators_{dtype}",
                 columns={name: words.get(name, name.removesuffix(" / ours")) for name in shown},
                 formats={name: ".2f" for name in shown if name != "operator"},
                 caption=f"{dtype} inputs: CPU nanoseconds per cell, then times ours")  # fmt: skip


def errors(shown: PageResult) -> HTML:
    """The largest error of each operator and library, by precision of the inputs, and what is special."""
    found = {dtype: report.error_table(shown.rows, dtype) for dtype in ("float32", "float64")}
    return tabs({dtype: [_errors_of(rows, dtype)] for dtype, rows in found.items() if len(rows)})


def _errors_of(rows: pd.DataFrame, dtype: str) -> HTML:
    libraries = [str(name) for name in rows if name not in ("operator", "remark")]
    shown = table(rows, f"how_fast_errors_{dtype}", columns={name: name for name in ("operator", *libraries)},
                  formats=dict.fromkeys(libraries, _power), caption=f"Largest error, {dtype} inputs")  # fmt: skip
    remarks = "".join(f"<li>{escape(row['operator'])}: {escape(row['remark'])}</li>" for row in rows.to_dict("records")
                      if row["remark"])  # fmt: skip
    return html(f"{shown.data}<ul>{remarks}</ul>" if remarks else str(shown.data))


def _power(value: Any) -> str:
    """One digit and a power of ten, a plain zero, text as it is.

    >>> _power(5.9e-08), _power(0.0), _power("not installed")
    ('6e−08', '0', 'not installed')
    """
    if isinstance(value, str):
        return escape(value)
    if value is None or math.isnan(value):
        return ""
    return "0" if value == 0 else f"{value:.0e}".replace("-", "\N{MINUS SIGN}")


def masked_cells(shown: PageResult) -> HTML:
    """What each library makes of one masked cell in each stock, an operator at a time."""
    rows = report.masked_cells(shown.rows)
    heads = {"by": "by", "largest error": "largest error", "a number on the masked cell, %": "number on it, %",
             "a number where the window holds it, %": "in its windows, %",
             "blank after it has left, %": "blank after it, %"}  # fmt: skip
    if rows.empty:
        return html("<p>Not measured.</p>")
    names = [name for name in rows["operator"].unique() if "install" not in name]
    return tabs({
        name: table(rows[rows["operator"] == name], f"how_fast_masked_{name}", columns=heads,
                    formats={"largest error": _power}, caption=f"{name}: one masked cell in each stock, 20 days")
        for name in names
    })  # fmt: skip


def agreement(shown: PageResult) -> HTML:
    """How many factors agree with the same formulas in pandas."""
    heads = {"factors of": "factors of", "panel": "panel", "agree with pandas": "agree with pandas",
             "median of the largest errors, z-scores": "median largest error, z-scores"}  # fmt: skip
    return table(report.agreement_table(shown.rows), "how_fast_agreement", columns=heads,
                 formats={"median of the largest errors, z-scores": _power})  # fmt: skip


def memory(shown: PageResult) -> HTML:
    """All factors, one process each."""
    heads = {"by": "by", "panel": "panel", "threads": "threads", "CPU s": "CPU time, s", "peak, GiB": "peak, GiB",
             "result, GiB": "result, GiB"}  # fmt: skip
    return table(report.memory_table(shown.rows), "how_fast_memory", columns=heads, formats=NUMBERS)


def papers_tables() -> pd.DataFrame:
    """What the papers print: pandas over PyTorch, as their tables have it."""
    rows = [claim for claim in load_ledger() if claim.id.startswith(("A.speed.", "B.speed."))]
    return pd.DataFrame({
        "paper": [claim.paper for claim in rows],
        "where": [claim.where for claim in rows],
        "operation": [claim.subject for claim in rows],
        "claimed": [claim.claimed for claim in rows],
        "unit": [claim.unit for claim in rows],
        "as printed": [claim.check for claim in rows],
        "remark": [claim.note for claim in rows],
    })  # fmt: skip


def printed(shown: PageResult) -> HTML:
    """The papers' speed tables."""
    heads = {"paper": "paper", "where": "where", "operation": "operation", "claimed": "claimed", "unit": "unit",
             "as printed": "how it is checked"}  # fmt: skip
    return table(papers_tables(), "how_fast_papers", columns=heads, caption="The papers' speed claims")


# ------------------------------------------------------------------------------------------------ claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """pandas seconds / our seconds on a CPU, where the papers have one A100: setting `different`.

    The interval is where 95 % of further repeats on that machine lie, and is left out where one repeat cannot say.
    """
    speed = Speed.of(frame)
    found = [_operator_answer(speed, claim_id, name) for claim_id, name in OPERATOR_CLAIMS.items()]
    found += [_work_answer(speed, claim_id, what) for claim_id, what in WORK_CLAIMS.items()]
    return [answer for answer in found if answer is not None]


def _operator_answer(speed: Speed, claim_id: str, name: str) -> Answer | None:
    items = [item for item in speed.operators() if (item.name, item.dtype, item.window) == (name, "float32", 20)]
    largest = max(items, key=lambda item: item.size.cells, default=None)
    return _answer(speed, claim_id, largest, "") if largest else None


def _work_answer(speed: Speed, claim_id: str, what: str) -> Answer | None:
    runs = [run for run in speed.work(what) if not math.isnan(speed.find(run.variant, "pandas", "ratio").value)]
    choice = "the paper does not say which factor: the one of most operators; " if what == "complex factor" else ""
    return _answer(speed, claim_id, runs[-1], choice) if runs else None


def _answer(speed: Speed, claim_id: str, item: Operator | Work, remark: str) -> Answer | None:
    ratio = speed.find(item.variant, "pandas", "ratio")
    if math.isnan(ratio.value):
        return None
    low, high = (None, None) if math.isnan(ratio.low) else (ratio.low, ratio.high)
    note = f"{remark}{item.size}, CPU seconds of pandas / ours on a CPU (the paper: one A100)"
    return Answer(claim_id, ratio.value, low, high, "different", note, "how_fast")
