"""The page "ewma_float32": which averages drift in float32, what a masked day does to them, and what that costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.paper.claims import Answer
from lib.paper.claims.ledger import claimed_value
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding
from lib.paper.pages.layout import opening
from lib.paper.pages.markets import market_note, market_titles
from lib.paper.pages.picker import picker
from lib.paper.pages.tables import Format, text_of
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import MARKET, OneMarket, OverSeeds, interval_table, mean_over_seeds, sources_of
from lib.stats.smoothing import alpha_of_span
from lib.studies.ewma_float32.masked_days import RULES
from lib.studies.ewma_float32.measure import NOISE, SPANS, STEPS

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

CLAIM_IDS = ("B.story.ewma", "B.story.ewma_ic")
QUESTION = (
    "A paper reports that an exponentially weighted average in float32 had drifted after ten years of days and cost a "
    "factor some of its information coefficient. Can float32 do that?"
)
ADVICE = (
    "Compute the average as a recursion. Either precision will do; float64 costs little and ends the discussion.",
    "Never divide by a power of 1 \N{MINUS SIGN} a over the whole history. Carry the level from block to block.",
    "Before blaming the arithmetic for a difference from a reference, compare the rules for the first day and for days "
    "without a price, and on an accelerator whether matrix products run in TF32.",
)
#: forms whose rounding fades, and forms whose weights grow
FADING = ("recursion", "correction", "two sums", "parallel scan", "chunks of 64")
GROWING = ("growing weights", "growing weights, adjusted")
#: rules for masked days, in words
RULE_WORDS = dict(zip(RULES, (
    "pandas, ignore_na=True,\nadjust=False", "pandas, ignore_na=True", "pandas, adjust=False", "pandas, default",
    "masked day enters\nas a price of 0",
), strict=True))  # fmt: skip
DEFAULT = "pandas as it comes"
LONGEST, SHOWN = SPANS[-1], 60  # the span that sentences name, and that of the figure of errors
#: largest numbers of the two floating types, as powers of ten
LARGEST = {"largest float32": 38.53, "largest float64": 308.25}


@dataclass(frozen=True)
class Smoothing(OneMarket):
    """The numbers of the study for one market."""

    def worst(self, span: int, method: str, metric: str = "error") -> float:
        """The largest value over seeds; NaN where a form gave no number in any of them."""
        found = self.numbers.seeds(f"{self.source} span {span} {method}", metric)
        return float(found.max()) if len(found) else math.nan

    def largest(self, methods: tuple[str, ...]) -> float:
        """The largest error of float32 after all days, over spans; of forms that still give numbers."""
        errors = [self.worst(span, f"{method}, float32") for span in SPANS for method in methods]
        return max((error for error in errors if not math.isnan(error)), default=math.nan)

    def breaks(self, span: int, method: str) -> float:
        """The first day on which an average is off by more than 1 %, or no number; NaN if there is none."""
        found = self.numbers.seeds(f"{self.source} span {span} {method}", "breaks at")
        return float(found.min()) if len(found) else math.nan

    def rule(self, span: int, name: str, metric: str = "median") -> float:
        """Relative distance of a rule for masked days from ours."""
        return self.numbers.find(f"{self.source} span {span} rule {name}", metric).value

    def factor(self, span: int, metric: str) -> Estimate:
        return self.numbers.find(f"{self.source} factor span {span}", metric)

    def cost(self, metric: str) -> float:
        """The largest end of the intervals of a loss of IC, over spans; of its values where there is no interval."""
        items = [self.factor(span, metric) for span in SPANS]
        return max((abs(end) for item in items for end in item if not math.isnan(end)), default=math.nan)


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says, of the simulated market."""
    found = Smoothing.of(frame, MARKET)
    return [_drift_finding(found), _cost_finding(found), _overflow_finding(found), _rule_finding(found)]


def _drift_finding(found: Smoothing) -> Finding:
    """Recursions do not drift."""
    paper, worst = claimed_value("B.story.ewma") / 100, found.largest(FADING)
    return Finding(
        "An average computed as a recursion does not drift in float32: after {days:,.0f} days of simulated prices it "
        "is off by {worst:.5%} at most, in every form and at every span. The paper reports {paper:.1%}.",
        days=float(STEPS[-1]), worst=worst, paper=paper, holds=worst < paper / 10,
    )  # fmt: skip


def _cost_finding(found: Smoothing) -> Finding:
    """What float32 costs in IC, and what an error of the size that the paper reports would cost."""
    paper, size = claimed_value("B.story.ewma_ic"), min(NOISE, key=lambda value: abs(value - 0.003))
    single, noisy = found.cost("loss float32"), found.cost(f"loss error {size:g}")
    return Finding(
        "float32 costs no IC: the mean IC of a factor built on the average changes by less than {limit:.6f}. Even a "
        "random error of {size:.1%} in every cell of the average changes it by {noisy:.4f} at most. The paper reports "
        "a loss of {paper:.3f}.",
        limit=1e-3 * paper, size=size, noisy=noisy, paper=paper,
        holds=single < 1e-3 * paper and noisy < paper / 2,
    )  # fmt: skip


def _overflow_finding(found: Smoothing) -> Finding:
    """When growing weights run out of numbers."""
    days = [found.breaks(SPANS[0], f"{GROWING[0]}, {precision}") for precision in ("float32", "float64")]
    growing = found.largest(GROWING)
    return Finding(
        "An average computed as one sum with weights that grow day by day does drift, by {growing:.3%} in float32. At "
        "a span of {span:.0f} days it overflows on day {single:,.0f} in float32, on day {double:,.0f} in float64.",
        growing=growing, span=float(SPANS[0]), single=days[0], double=days[1],
        holds=growing > 10 * found.largest(FADING),
    )  # fmt: skip


def _rule_finding(found: Smoothing) -> Finding:
    """The rule for masked days is a matter of definition, and larger than rounding."""
    median, high = (found.rule(LONGEST, DEFAULT, metric) for metric in ("median", "p99"))
    return Finding(
        "The rule for days without a price matters far more than float32. At a span of {span:.0f} days the default of "
        "pandas differs from the rule of this book by {median:.2%} in the median cell, and by more than {high:.0%} in "
        "one cell of a hundred.",
        span=float(LONGEST), median=median, high=high, holds=median > 10 * found.largest(FADING),
    )  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


def _markets(shown: PageResult) -> dict[str, Smoothing]:
    """Title -> market; the simulated one first."""
    return {text: Smoothing.of(shown.rows, name) for name, text in market_titles(shown.rows).items()}


# ------------------------------------------------------------------------------------------- figures


def growing_weights(shown: PageResult) -> HTML:
    """The weight (1 - a)^-t against the day, beside the largest floats."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, GREEN, GREY, ORANGE, VERMILLION

    title = "The weights of a closed form grow for ever"
    lines, last = [], STEPS[-1]
    for span, color in zip(SPANS, (VERMILLION, ORANGE, GREEN, BLUE), strict=True):
        slope = -math.log10(1 - alpha_of_span(span))
        day = min(last, max(LARGEST.values()) / slope)
        lines.append(Line(f"span {span}", [0, day], [0.0, day * slope], color))
    lines += [Line(name, [0, last], [power, power], GREY, dashed=True) for name, power in LARGEST.items()]
    return plot(lines_by_group({"": lines}, title, "day", "weight, power of ten", zero=True))


def errors_by_day(shown: PageResult) -> HTML:
    """The largest relative error against the day, by implementation; one for each market."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION

    methods = {
        "recursion, float32": ("recursion", BLUE), "chunks of 64, float32": ("chunks of 64", GREEN),
        "growing weights, float32": ("growing\nweights", VERMILLION), "TF32 product": ("TF32", ORANGE),
        "float16 recursion": ("float16", PURPLE),
    }  # fmt: skip
    paper = claimed_value("B.story.ewma") / 100

    def picture(found: Smoothing) -> HTML:
        lines = []
        for method, (name, color) in methods.items():
            errors = {step: found.worst(SHOWN, method, f"error at {step}") for step in STEPS}
            broken = found.breaks(SHOWN, method) if method.startswith("growing") else math.nan
            known = [step for step, error in errors.items() if error > 0 and not step >= broken]
            if known:
                lines.append(Line(name, known, [errors[step] for step in known], color))
        bound = found.worst(SHOWN, "bound")
        for name, height in (("the paper", paper), ("bound 4u/a", bound)):
            lines.append(Line(name, [STEPS[0], STEPS[-1]], [height, height], GREY, dashed=True))
        title = _drift_finding(found).title("Relative error of float32 averages by day")
        ticks = {float(step): f"{step:,}" for step in STEPS}
        return plot(lines_by_group({f"span {SHOWN}": lines}, title, "day", "relative error, worst stock", log_x=True,
                                   log_y=True, ticks=ticks, note=market_note(shown, found.source)))  # fmt: skip

    return picker("market", {label: picture(found) for label, found in _markets(shown).items()})


def rules(shown: PageResult) -> HTML:
    """Distance of other rules for masked days from ours, by span: median to 99th percentile; one for each market."""
    from lib.paper.pages.forms import forest, one_axis
    from lib.paper.pages.style import GREY

    paper, least = claimed_value("B.story.ewma") / 100, 1e-9

    def item(found: Smoothing, span: int, rule: str) -> Estimate:
        median, high = (max(found.rule(span, rule, metric), least) for metric in ("median", "p99"))
        return Estimate(median, median, high)

    def picture(found: Smoothing) -> HTML:
        rows = {words: [item(found, span, rule) for span in SPANS] for rule, words in RULE_WORDS.items()}
        unit = "relative distance from the rule that keeps the level; dot: median, line: to the 99th percentile"
        figure = forest(rows, _rule_finding(found).title("Rules for days without a price"), unit, log=True,
                        series=[f"span {span}" for span in SPANS], reference=None,
                        note=f"{least:g} stands for 0; {shown.markets}")  # fmt: skip
        ax = one_axis(figure)
        ax.axvline(paper, color=GREY, linestyle="--", linewidth=1)
        ax.annotate(f"the paper's {paper:.1%}", (paper, -0.5), xytext=(-4, 0), textcoords="offset points", color=GREY,
                    ha="right", va="top", fontsize=8.5)  # fmt: skip
        return plot(figure)

    return picker("market", {label: picture(found) for label, found in _markets(shown).items()})


def cost(shown: PageResult) -> HTML:
    """Loss of IC by span, in float32 and with given relative errors of the average; one for each market."""
    from lib.paper.pages.forms import forest, one_axis
    from lib.paper.pages.style import GREY

    paper = 1000 * claimed_value("B.story.ewma_ic")
    series = {"float32": "loss float32"} | {f"error {100 * size:g} %": f"loss error {size:g}" for size in NOISE}

    def picture(found: Smoothing) -> HTML:
        rows = {f"span {span}": [found.factor(span, metric).times(1000) for metric in series.values()]
                for span in SPANS}  # fmt: skip
        figure = forest(rows, _cost_finding(found).title("Loss of IC by an average that is not exact"),
                        "loss of mean daily IC, thousandths (factor: close / average \N{MINUS SIGN} "
                        "1)", series=tuple(series),
                        note=market_note(shown, found.source))  # fmt: skip
        ax = one_axis(figure)
        ax.axvline(paper, color=GREY, linestyle="--", linewidth=1)
        ax.annotate(f"the paper's\n{paper:g}", (paper, 3.35), xytext=(4, 0), textcoords="offset points", color=GREY,
                    va="center", fontsize=8.5)  # fmt: skip
        return plot(figure)

    return picker("market", {label: picture(found) for label, found in _markets(shown).items()})


# -------------------------------------------------------------------------------------------- tables


def methods_of(frame: pd.DataFrame) -> list[str]:
    """The implementations with their precision, in the order of the frame."""
    names = frame.loc[frame["metric"] == "breaks at", "variant"].str.extract(r"span \d+ (.*)$")[0]
    return list(dict.fromkeys(names))


def error_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Implementations down; the largest relative error after all days across spans, and the first broken day."""
    part = frame[frame["variant"].str.startswith(f"{source} span")]
    cell = {(v, m): x.to_numpy(float) for (v, m), x in part.groupby(["variant", "metric"])["value"]}
    rows = {}
    for method in methods_of(frame):
        variants = [f"{source} span {span} {method}" for span in SPANS]
        errors = [cell[variant, "error"].max() for variant in variants]
        breaks = [_first(cell[variant, "breaks at"]) for variant in variants]
        rows[method] = {f"error, span {s}": e for s, e in zip(SPANS, errors, strict=True)}
        rows[method] |= {f"breaks, span {s}": b for s, b in zip(SPANS, breaks, strict=True)}
    bounds = [cell[f"{source} span {span} bound", "error"].max() for span in SPANS]
    rows["bound 4u/a of a recursion"] = {f"error, span {s}": b for s, b in zip(SPANS, bounds, strict=True)}
    return pd.DataFrame.from_dict(rows, orient="index").dropna(axis="columns", how="all").rename_axis("implementation")


def _first(days: np.ndarray) -> float:
    """The earliest broken day over seeds; NaN when there is none."""
    known = days[np.isfinite(days)]
    return float(known.min()) if len(known) else math.nan


def error_tables(shown: PageResult) -> HTML:
    """The largest error of every implementation, one for each market."""
    return _by_span(shown, "error", lambda error: "overflow" if math.isnan(error) else text_of(error, ".0e"), "errors",
                    f"largest relative error on day {STEPS[-1]:,}")  # fmt: skip


def broken_days(shown: PageResult) -> HTML:
    """The first day of every implementation with a large error or no number, one for each market."""
    return _by_span(shown, "breaks", lambda day: "never" if math.isnan(day) else f"{day:,.0f}", "breaks",
                    "first day with an error of more than 1 %, or without a number")  # fmt: skip


def _by_span(shown: PageResult, what: str, cell: Any, name: str, caption: str) -> HTML:
    heads = {"implementation": "implementation"} | {f"{what}, span {span}": f"span {span}" for span in SPANS}

    def one(found: Smoothing) -> HTML:
        rows = error_table(shown.rows, found.source)
        own = [column for column in heads if column in rows]
        rows = rows[own] if what == "error" else rows.loc[rows[own].notna().any(axis=1), own]
        return table(rows, f"ewma_float32_{name}_{found.source}", columns=heads, formats=dict.fromkeys(own, cell),
                     caption=f"{caption}; {market_note(shown, found.source)}")  # fmt: skip

    return picker("market", {label: one(found) for label, found in _markets(shown).items()})


def rule_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Rules for masked days down; the median and the 99th percentile of the relative distance from ours."""
    found = Smoothing.of(frame, source)
    rows = {
        name: {f"{what}, span {span}": found.rule(span, name, metric)
               for span in SPANS for what, metric in (("median", "median"), ("99 %", "p99"))}
        for name in RULES
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("rule for a masked day")


def rule_tables(shown: PageResult) -> HTML:
    """Distances of the rules at two spans, one for each market."""
    few = (SPANS[1], LONGEST)
    columns = [f"{what}, span {span}" for span in few for what in ("median", "99 %")]
    heads = {"rule for a masked day": "rule for a masked day"} | {column: column for column in columns}
    formats: dict[str, Format] = dict.fromkeys(columns, _small_share)
    formats["rule for a masked day"] = lambda name: RULE_WORDS[name]
    return picker("market", {
        label: table(rule_table(shown.rows, found.source), f"ewma_float32_rules_{found.source}", columns=heads,
                     formats=formats, caption=f"relative distance; {market_note(shown, found.source)}")
        for label, found in _markets(shown).items()
    })  # fmt: skip


def _small_share(share: float) -> str:
    """A share in per cent, without a row of zeros.

    >>> _small_share(0.0), _small_share(3e-9), _small_share(0.0123)
    ('0', 'under 0.01%', '1.23%')
    """
    return "0" if share == 0 else "under 0.01%" if share < 1e-4 else f"{share:.2%}"


def factor_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Spans down; IC of the factor, what float32 takes from it, and what a given error of the average would."""
    metrics = ["ic float64", "loss float32", *(f"loss error {size:g}" for size in NOISE), "ranks changed"]
    rows = {f"{span}": f"{source} factor span {span}" for span in SPANS}
    return interval_table(OverSeeds(frame), rows, metrics, "span")


def factor_tables(shown: PageResult) -> HTML:
    """IC and losses in thousandths, and in float32 in units of 1e-9; one for each market."""
    large = [f"loss error {size:g}" for size in NOISE[1:]]
    units = {"ic float64": 1e3, "loss float32": 1e9} | dict.fromkeys(large, 1e3)
    heads = {"span": "span, days", "ic float64": "IC, thousandths",
             "loss float32": "lost in float32, billionths"}
    errors = zip(large, NOISE[1:], strict=True)
    heads |= {metric: f"lost with an error of {size:.1%}, thousandths" for metric, size in errors}
    formats = dict.fromkeys(units, "+.2f") | {"ic float64": "+.1f", "loss float32": "+.1f"}

    def one(found: Smoothing) -> HTML:
        rows = factor_table(shown.rows, found.source)
        scaled = rows.assign(**{str(name): units[base] * rows[name] for name in rows
                                if (base := _without_end(str(name))) in units})  # fmt: skip
        return table(scaled, f"ewma_float32_factor_{found.source}", columns=heads, formats=formats,
                     caption=f"IC, and losses of IC; {market_note(shown, found.source)}")  # fmt: skip

    return picker("market", {label: one(found) for label, found in _markets(shown).items()})


def _without_end(column: str) -> str:
    return column.removesuffix(".low").removesuffix(".high")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The error tables of all markets under each other."""
    return pd.concat({source: error_table(frame, source) for source in sources_of(frame)}, names=["market"])


# -------------------------------------------------------------------------------------------- claims


def surviving_errors(frame: pd.DataFrame) -> np.ndarray:
    """Largest relative errors after 2,500 days of the float32 forms that still give numbers, one per form and span."""
    part = frame[(frame["metric"] == "error") & frame["variant"].str.endswith(", float32")]
    worst = part.groupby("variant")["value"].max().to_numpy(float)
    return worst[np.isfinite(worst)]


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """The largest error of any float32 form; the loss of IC over spans, by market seed."""
    errors = 100 * surviving_errors(frame)
    note = f"largest of {len(errors)} float32 forms and spans that still give numbers; the interval spans all of them"
    answers = [Answer("B.story.ewma", errors.max(), errors.min(), errors.max(), "reduced", note, "ewma_float32")]
    part = frame[(frame["metric"] == "loss float32") & frame["variant"].str.startswith(f"{MARKET} factor")]
    by_seed = part.groupby("seed")["value"].mean().to_numpy(float)
    found = mean_over_seeds(by_seed)
    if np.isfinite(found.low):
        note = f"close over average - 1, mean over spans, {len(by_seed)} simulated markets"
        answers.append(Answer("B.story.ewma_ic", *found, "reduced", note, "ewma_float32"))
    return answers
