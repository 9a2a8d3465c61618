"""The page "factor_universe": how many declared candidates pass paper A's tests, and how many chance alone passes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.factors.quality.criteria import CRITERIA
from lib.paper.claims import Answer
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.pieces import fold, html
from lib.paper.pages.sources import source_title
from lib.paper.pages.tables import Format, breakable, csv_link
from lib.stats.estimates import Estimate, Numbers
from lib.studies.factor_universe.records import TESTS

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

CLAIM_IDS = ("A.universe.size",)
QUESTION = (
    "Paper A keeps 742 of more than 1,000 potential factors after a quality filter. Of a declared list of candidates, "
    "how many pass such tests, how many would if nothing could be predicted, and what do the survivors do afterwards?"
)
ADVICE = (
    "Report beside every count of good factors how many pass the same tests where nothing can be predicted.",
    "Count a candidate only if the whole interval of its measures passes: an estimate above a threshold is chosen for "
    "its luck.",
    "Judge a filter by the days that it has not seen.",
)
#: the count that paper A reports (s5.A)
PAPER_COUNT = 742
COUNTS = ("declared", "candidates", "left", "left.low", "left.high", "left after redundant", f"null after {TESTS[-1]}")
#: what a test asks, in the few words that fit beside a bar
SHORT = {
    "coverage": "has values", "flat": "ranks stocks", "distribution": "keeps its scale", "ic": "mean IC",
    "ir": "IC over its deviation", "stability": "same sign by quarter", "decay": "lasts 20 days",
    "sensitivity": "neighbours agree", "turnover": "ranking lasts", "redundant": "no near-duplicate",
}  # fmt: skip
EVERY = "all tests"  # moved together, by their strictness


@dataclass(frozen=True)
class Universe:
    """The numbers of one market: counts, thresholds, and the mean IC of groups of candidates."""

    numbers: Numbers
    source: str

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Universe:
        """Of the first market of the frame, without its single candidates."""
        return cls(Numbers(frame[~frame["variant"].str.contains(": ", regex=False)]), sources(frame)[0])

    def count(self, metric: str) -> Estimate:
        """A count of the funnel, such as "left" or "null after ic"."""
        return self.numbers.find(self.source, metric)

    def ic(self, group: str, period: str) -> Estimate:
        """Mean IC of a group ("kept", or the test that drops it) in a period: train or test."""
        return self.numbers.find(f"{self.source} {group}", f"{period}_ic")


def sources(frame: pd.DataFrame) -> list[str]:
    """The markets of a frame: csi300, overlay, ..."""
    return list(dict.fromkeys(frame.loc[frame["metric"] == "candidates", "variant"]))


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: beyond chance, afterwards, what 742 takes, which test matters."""
    found = Universe.of(frame)
    return [_beyond_chance(found), _afterwards(found), _paper(frame, found), *_tests(found)]


def _beyond_chance(found: Universe) -> Finding:
    total, left, shown = (found.count(name).value for name in ("candidates", "left", "left, shown"))
    numbers: dict[str, Any] = {"total": total, "left": left, "luck": found.count(COUNTS[-1])}
    numbers["market"] = source_title(found.source)
    more = left > numbers["luck"].high
    passed = "Of {total:,.0f} candidates {left:,.0f} pass every test ({market}); chance alone passes {luck:,.1f}"
    return first([
        Finding(f"{passed}. But not one passes beyond doubt, that is with the whole 95 % interval of every measure.",
                **numbers, holds=more and shown == 0),
        Finding(f"{passed}. {{shown:,.0f}} pass beyond doubt, that is with the whole 95 % interval of every measure.",
                **numbers, shown=shown, holds=more and shown > 0),
        Finding("Of {total:,.0f} candidates {left:,.0f} pass every test ({market}), no more than chance alone "
                "passes ({luck:,.1f}).", **numbers, holds=not more),
    ])  # fmt: skip


def _afterwards(found: Universe) -> Finding:
    train, test = found.ic("kept", "train").value, found.ic("kept", "test")
    start = "The mean IC of those kept is {train:+.4f} on the days that chose them and {test:+.4f} on later days"
    return first([
        Finding(f"{start}, which cannot be told from zero.", train=train, test=test, holds=test.sign == 0),
        Finding(f"{start}: it keeps its direction.", train=train, test=test, holds=test.sign > 0),
        Finding(f"{start}: it turns round.", train=train, test=test, holds=test.sign < 0),
        Finding("No candidate is left, so nothing can be followed into the test period.",
                holds=found.count("left").value == 0),
    ])  # fmt: skip


def _paper(frame: pd.DataFrame, found: Universe) -> Finding:
    points = curve(frame, found.source, EVERY)
    enough = points[points["left"] >= PAPER_COUNT]
    total, most = found.count("candidates").value, float(points["left"].max())
    strictest = float(enough.index.max()) if len(enough) else math.nan
    luck = float(enough["null"].iloc[-1]) if len(enough) else math.nan
    reached: dict[str, Any] = {"count": PAPER_COUNT, "strictness": strictest, "luck": luck}
    return first([
        Finding("To keep {count} or more, paper A's number, every threshold has to be lowered to {strictness:.0%} of "
                "the declared one, the highest of the levels tried. There chance alone passes {luck:,.0f}.",
                **reached, holds=strictest < 1),
        Finding("{count} or more pass at {strictness:.0%} of the declared strictness; there chance alone passes "
                "{luck:,.0f}.", **reached, holds=strictest >= 1),
        Finding("No strictness leaves {count}: without any threshold {most:,.0f} of {total:,.0f} candidates are left.",
                count=PAPER_COUNT, most=most, total=total, holds=not len(enough)),
    ])  # fmt: skip


def _tests(found: Universe) -> list[Finding]:
    total, left, twins = (found.count(name).value for name in ("candidates", "left", "first redundant"))
    dropped = {test: found.count(f"first {test}").value for test in TESTS}
    test = max(dropped, key=lambda name: dropped[name])
    return [
        Finding(
            "One test decides: {dropped:,.0f} of {total:,.0f} candidates are dropped by the threshold of '{test}', "
            "which is {limit:.4f}.",
            dropped=dropped[test], total=total, test=SHORT[test],
            limit=found.count(f"threshold {test}").value, holds=dropped[test] > total / 2,
        ),
        Finding(
            "{twins:,.0f} of the {left:,.0f} that pass are near-duplicates of a stronger one (rank correlation of "
            "{limit:.2f} or more).",
            twins=twins, left=left, limit=found.count("threshold redundant").value, holds=twins > 0,
        ),
    ]  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


def _note(shown: PageResult) -> str:
    """Small print: whose prices."""
    which = source_title(Universe.of(shown.rows).source)
    return f"{shown.name}: {which}" + ("" if shown.evidence else ", a check of the pipeline")


# ------------------------------------------------------------------------------------------- figures


def funnel(shown: PageResult) -> HTML:
    """Candidates left after each test, beside those left by chance, and the paper's count."""
    from lib.paper.pages.style import BLUE, VERMILLION, canvas, interval, styled

    found = Universe.of(shown.rows)
    total, left, luck = found.count("candidates").value, found.count("left").value, found.count(COUNTS[-1]).value
    title = Finding(
        "Of {total:,.0f} candidates {left:,.0f} pass every test; chance alone passes {luck:,.1f}",
        total=total, left=left, luck=luck, holds=shown.evidence,
    ).title("Candidates left after each test, and by chance alone")  # fmt: skip
    rows = [("candidates", total, Estimate(math.nan))]
    rows += [(text, found.count(f"left after {t}").value, found.count(f"null after {t}")) for t, text in SHORT.items()]

    @styled
    def draw() -> Figure:
        figure, (ax,) = canvas(1, 0.9 + 0.34 * len(rows), title, _note(shown))
        for row, (_, left, luck) in enumerate(rows):
            ax.barh(row, left, height=0.62, color="#8FBBD9")
            ax.annotate(f"{left:,.0f}", (left, row), xytext=(5, 0), textcoords="offset points", va="center",
                        color=BLUE, fontweight="bold")  # fmt: skip
            interval(ax, luck.value, row + 0.22, luck.low, luck.high, "#222222", markersize=4)
        ax.plot([PAPER_COUNT] * 2, [-0.6, len(rows) - 0.5], color=VERMILLION, linewidth=1.2, linestyle=(0, (4, 2)))
        ax.annotate(f"paper A: {PAPER_COUNT}", (PAPER_COUNT, -0.75), color=VERMILLION, ha="center", va="bottom",
                    fontsize=9)  # fmt: skip
        ax.set_yticks(range(len(rows)), [name for name, *_ in rows])
        ax.set_ylim(len(rows) - 0.4, -1.3)
        ax.set_xlim(0, 1.12 * max(rows[0][1], PAPER_COUNT))
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("candidates left after the test and all above;\nblack: by chance alone, 95 % of draws")
        return figure

    return plot(draw())


def strictness(shown: PageResult) -> HTML:
    """Candidates left when all thresholds are moved together, from asking nothing to half as strict again."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, GREY, VERMILLION

    found = Universe.of(shown.rows)
    points = curve(shown.rows, found.source, EVERY)
    steps = [100 * step for step in points.index]
    lines = [
        Line("these prices", steps, points["left"].tolist(), BLUE),
        Line("by chance", steps, points["null"].tolist(), GREY),
        Line(f"paper A: {PAPER_COUNT}", steps, [PAPER_COUNT] * len(steps), VERMILLION, dashed=True),
    ]
    said = _paper(shown.rows, found)
    title = said.title("") if said.holds and shown.evidence else "Candidates left at other strictness"
    unit = "strictness of all tests together, % of the declared thresholds"
    return plot(lines_by_group({"": lines}, title, unit, "candidates left", zero=True, note=_note(shown)))


def each_threshold(shown: PageResult) -> HTML:
    """Candidates left at other thresholds of one test at a time, the others as declared."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, GREY

    found = Universe.of(shown.rows)

    def picture(test: str) -> HTML:
        points = curve(shown.rows, found.source, test)
        lines = [Line(name, points.index.tolist(), points[series].tolist(), color)
                 for name, series, color in (("these prices", "left", BLUE), ("by chance", "null", GREY))]  # fmt: skip
        note = f"declared: {found.count(f'threshold {test}').value:g}; {_note(shown)}"
        title = f"The other tests as declared, and '{SHORT[test]}' moved"
        return plot(lines_by_group({"": lines}, title, CRITERIA[test].measure, "candidates left", zero=True, note=note))

    order = sorted(TESTS, key=lambda test: -float(curve(shown.rows, found.source, test)["left"].max()))
    return tabs({SHORT[test]: picture(test) for test in order})


def afterwards(shown: PageResult) -> HTML:
    """Mean IC of those kept, and of those dropped by each test, in the training and the test period."""
    from lib.paper.pages.forms import forest
    from lib.paper.pages.style import BLUE, GREY

    found = Universe.of(shown.rows)
    groups = [group for group in ("kept", "redundant", *TESTS) if not math.isnan(found.ic(group, "test").value)]
    names = {"kept": "kept", "redundant": "near-duplicates\nof the kept"}
    rows = {}
    for group in groups:
        count = found.count("left after redundant" if group == "kept" else f"first {group}").value
        name = names.get(group) or f"fails: {SHORT[group]}"
        rows[f"{name} ({count:,.0f})"] = [found.ic(group, period) for period in ("train", "test")]
    train, test = (found.ic("kept", period).value for period in ("train", "test"))
    title = Finding(
        "The mean IC of those kept is {train:+.4f} on the days that chose them and {test:+.4f} on later days",
        train=train, test=test, holds=shown.evidence,
    ).title("IC in the training and in the test period")  # fmt: skip
    rows = {name: [item.times(1000) for item in items] for name, items in rows.items()}
    unit = "mean daily IC in the direction of the training period, in 0.001, with 95 % interval"
    return plot(forest(rows, title, unit, series=("training period", "test period"), colors=(GREY, BLUE),
                       note=_note(shown)))  # fmt: skip


# -------------------------------------------------------------------------------------------- tables


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per market: candidates, who is left, before and after twins, and in the null market."""
    part = frame[frame["variant"].isin(sources(frame)) & frame["metric"].isin(COUNTS)]
    wide = part.pivot_table(index="variant", columns="metric", values="value", sort=False).reindex(columns=list(COUNTS))
    return wide.rename(columns={COUNTS[-1]: "left in the null market"})


def reason_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Tests down in their order: what is measured, from which value on it passes, whom it drops, who is left."""
    value = frame[frame["variant"] == source].groupby("metric")["value"].mean()
    rows = []
    for name in (*TESTS, "redundant"):
        measured = CRITERIA[name].measure if name in CRITERIA else "rank correlation with a stronger candidate"
        row = {"test": name, "asks": SHORT[name], "measured": measured, "threshold": value.get(f"threshold {name}")}
        row |= {"dropped first": value.get(f"first {name}"), "failing": value.get(f"failed {name}", np.nan)}
        row |= {"left": value.get(f"left after {name}")}
        row |= {"why": CRITERIA[name].reason if name in CRITERIA else "the stronger candidate stands in"}
        row |= {f"left by chance{end}": value.get(f"null after {name}{end}") for end in ("", ".low", ".high")}
        rows.append(row)
    return pd.DataFrame(rows)


def family_table() -> pd.DataFrame:
    """Every template: its group, what it measures, its grid, how many candidates, and where it comes from."""
    from lib.factors import factor_names, find_factors
    from lib.factors.formulas.parametric import templates

    factors = {factor.name.partition("[")[0]: factor for factor in find_factors(factor_names("parametric"))}
    rows = []
    for name, template in templates().items():
        grid = "; ".join(f"{key} = {', '.join(map(str, values))}" for key, values in template.grid.items())
        row = {"group": factors[name].family.partition("/")[2], "template": name, "measures": factors[name].theme}
        rows.append(row | {"grid": grid, "candidates": len(list(template.points())), "source": factors[name].source})
    return pd.DataFrame(rows)


def candidate_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Every candidate of the first seed: why it was dropped (all reasons), its twin, its measures; kept ones first."""
    part = frame[frame["variant"].str.startswith(f"{source}: ") & (frame["seed"] == frame["seed"].min())]
    wide = part.pivot(index="variant", columns="metric", values="value").reindex(part["variant"].unique())
    names = [label.removeprefix(f"{source}: ") for label in wide.index]
    bits, twins = wide["failed"].astype(int).to_numpy(), wide["twin"].astype(int).to_numpy()
    kept = twins == np.arange(len(twins))
    failed = [", ".join(name for k, name in enumerate(TESTS) if b >> k & 1) for b in bits]
    verdicts = [text or ("kept" if k else "redundant") for text, k in zip(failed, kept, strict=True)]
    shown = pd.DataFrame({"candidate": names, "verdict": verdicts})
    shown["twin of"] = [names[t] if t not in (-1, k) else "" for k, t in enumerate(twins)]
    columns = ["ic", "ic.low", "ic.high", "test_ic", "ir", "stability", "decay", "sensitivity", "turnover", "direction"]
    shown = pd.concat([shown, wide.reindex(columns=columns).reset_index(drop=True)], axis=1)
    order = np.lexsort((-shown["ir"].fillna(0), ~kept, bits > 0))
    return shown.iloc[order]


def curve(frame: pd.DataFrame, source: str, test: str) -> pd.DataFrame:
    """Threshold (or strictness, for "all tests") down; left, and left in the null market, across."""
    part = frame[frame["variant"] == f"{source} at {test}"]
    pairs = part["metric"].str.split(": ", n=1, expand=True)
    found = part.assign(threshold=pairs[0].astype(float), series=pairs[1])
    return found.pivot_table(index="threshold", columns="series", values="value", aggfunc="mean").sort_index()


def reached_at(points: pd.DataFrame, count: float) -> float:
    """The largest threshold at which at least `count` are left, between two points by a straight line; NaN if never."""
    x, left = points.index.to_numpy(float), points["left"].to_numpy(float)
    enough = np.flatnonzero(left >= count)
    if not len(enough):
        return float("nan")
    between = slice(int(enough[-1]), int(enough[-1]) + 2)
    return float(np.interp(count, left[between][::-1], x[between][::-1]))


def sensitivity_table(frame: pd.DataFrame, source: str, count: int = PAPER_COUNT) -> pd.DataFrame:
    """Tests down: the declared threshold, the one that leaves `count`, and who is left without the test at all."""
    rows = []
    for test in (*TESTS, EVERY):
        points = curve(frame, source, test)
        rows.append({
            "test": test,
            "asks": SHORT.get(test, test),
            "declared": CRITERIA[test].threshold if test in CRITERIA else 1.0,
            "threshold there": reached_at(points, count),
            "left without it": points["left"].iloc[0],
            "by chance without it": points["null"].iloc[0],
        })  # fmt: skip
    return pd.DataFrame(rows)


def templates(shown: PageResult) -> HTML:
    """The declared templates and their grids."""
    frame = family_table()
    heads = {"template": "template", "measures": "what it measures", "grid": "grid", "candidates": "candidates",
             "source": "source"}  # fmt: skip
    title = f"The {len(frame)} templates and their grids, {frame['candidates'].sum():,} candidates"
    return fold(title, [table(frame, "factor_universe_templates", columns=heads)])


def tests(shown: PageResult) -> HTML:
    """Whom each test drops, and why its threshold is what it is."""
    frame = reason_table(shown.rows, Universe.of(shown.rows).source)
    heads = {"asks": "test", "measured": "what is measured", "threshold": "passes from",
             "dropped first": "dropped here", "left": "left",
             "left by chance": "left by chance, 95 % of draws"}  # fmt: skip
    dropped = table(frame, "factor_universe_tests", columns=heads, formats={"left by chance": ".1f"},
                    caption="Tests in their order")  # fmt: skip
    reasons = table(frame, "factor_universe_reasons",
                    columns={"asks": "test", "threshold": "passes from", "why": "reason"})  # fmt: skip
    return html(dropped.data + fold("Why each threshold is what it is", [reasons]).data)


def sensitivity(shown: PageResult) -> HTML:
    """At which threshold of a single test the papers' count would be left."""
    frame = sensitivity_table(shown.rows, Universe.of(shown.rows).source)
    heads = {"asks": "test that is moved", "declared": "declared", "threshold there": f"leaves {PAPER_COUNT} at",
             "left without it": "left without it", "by chance without it": "by chance without it"}  # fmt: skip
    never = {"threshold there": lambda value: "never" if math.isnan(value) else f"{value:.2f}"}
    return table(frame, "factor_universe_sensitivity", columns=heads,
                 formats={**never, "by chance without it": ",.1f"},
                 caption=f"leaves {PAPER_COUNT} at: interpolated between the thresholds that were tried")  # fmt: skip


def candidates(shown: PageResult) -> HTML:
    """Those that pass every test, and a link to all."""
    every = candidate_table(shown.rows, Universe.of(shown.rows).source)
    passed = every[every["verdict"].isin(["kept", "redundant"])].copy()
    passed["verdict"] = [f"near-duplicate of {name}" if name else "kept" for name in passed["twin of"]]
    heads = {"candidate": "candidate", "verdict": "verdict", "ic": "IC, training period", "test_ic": "IC, test period",
             "ir": "IC over its deviation"}  # fmt: skip
    formats: dict[str, Format] = {"candidate": _name, "verdict": _name, "ir": ".3f"}
    found = table(passed, "factor_universe_passed", columns=heads, formats=formats,
                  caption="mean daily IC in the direction of the training period")  # fmt: skip
    link = csv_link(every, "factor_universe_candidates")
    return html(f"{found.data}<p>All {len(every):,} candidates with every test that they fail: {link}</p>")


def _name(value: Any) -> str:
    """A candidate's name that may be broken between its parameters."""
    return breakable(str(value)).replace("[", "<wbr>[").replace(",", ",<wbr>")


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Who is left after the tests that paper A names, before twins are removed; on CSI 300 members, so `different`."""
    if "csi300" not in sources(frame):
        return []
    value = frame[frame["variant"] == "csi300"].groupby("metric")["value"].mean()
    note = (
        f"{value['candidates']:.0f} candidates, CSI 300 members, raw factors; the paper states no thresholds, ours are "
        f"declared; {value['null after turnover']:.0f} would pass by chance"
    )
    left, low, high = (float(value[name]) for name in ("left", "left.low", "left.high"))
    return [Answer("A.universe.size", left, low, high, "different", note, "factor_universe")]
