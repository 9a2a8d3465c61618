"""The page "limit_events": who can earn the move after a limit close, in which years, and how often limits bind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from lib.paper.claims import Answer
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.sources import source_title
from lib.stats.estimates import Estimate, Numbers

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

CLAIM_IDS = (
    *(f"B.regime.{regime}.limit_rate" for regime in ("bear", "sideways", "bull")),
    "B.case.rally.limit_rate",
)
QUESTION = (
    "After a limit-up close the price goes on rising. Is that a return that a strategy can earn, or does all of it "
    "fall between a close at which purchases are refused and the next open?"
)
ADVICE = (
    "Refuse purchases at a limit-up close and sales at a limit-down close in the back-test.",
    "Let returns and labels begin at a price at which an order can be filled. After a limit close that is the next "
    "open, not the close.",
    "Report a year of stress apart: most limit closes of the sample may lie in it.",
)
SIDES = ("limit-up", "limit-down")
GAP, LATER = "gap", "five days from next open"
#: outcome -> what it is, for a reader
OUTCOMES = {
    GAP: "overnight,\nto the next open",
    "next close": "to the next close",
    "five days from close": "five days,\nfrom the limit close",
    LATER: "five days,\nfrom the next open",
}
#: a year stands out when limits bind so many times as often in it as over the whole file
STRESS = 3.0


@dataclass(frozen=True)
class LimitEvents:
    """The numbers of the study: `home` is the market with limits, `control` the one without."""

    numbers: Numbers
    home: str
    control: str | None

    @classmethod
    def of(cls, frame: pd.DataFrame) -> LimitEvents:
        sources = [name.removesuffix(" all") for name in frame["variant"].unique() if name.endswith(" all")]
        home = next((name for name in sources if name != "us"), sources[0])
        return cls(Numbers(frame), home, "us" if "us" in sources and home != "us" else None)

    @property
    def sources(self) -> list[str]:
        return [self.home] + ([self.control] if self.control else [])

    @property
    def years(self) -> list[str]:
        spans = (name.removeprefix(f"{self.home} ") for name in self.numbers.variants if name.startswith(self.home))
        return [span for span in spans if span.isdigit()]

    def after(self, side: str, outcome: str, span: str = "all", source: str | None = None) -> Estimate:
        """Mean outcome after a limit-up or limit-down close, as a share."""
        return self.numbers.find(f"{source or self.home} {span}", f"{side} close: {outcome}")

    def rate(self, state: str, span: str = "all") -> float:
        """Share of cells in a state ("limit_up", "limit_down", "halted")."""
        return self.numbers.find(f"{self.home} {span}", state).value

    def at_limits(self, span: str = "all") -> float:
        """Share of traded cells that close at either limit."""
        return self.rate("limit_up", span) + self.rate("limit_down", span)

    def signs(self, side: str, outcome: str) -> list[int]:
        """For every year, on which side of zero the interval lies; 0: it contains zero."""
        return [self.after(side, outcome, year).sign for year in self.years]


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says, of the market with limits and of its control."""
    events = LimitEvents.of(frame)
    found = [_gap(events), _later(events), *([_control(events)] if events.control else [])]
    return [*found, _down(events), _by_year(events), _rates(events)]


def _gap(events: LimitEvents) -> Finding:
    gap, market = events.after("limit-up", GAP), source_title(events.home)
    return first([
        Finding(
            "The next open lies above a limit-up close by {gap:.2%} on average ({market}). Purchases at such a close "
            "are refused, so a back-test that fills them books a gain that cannot be traded.",
            gap=gap, market=market, holds=gap.low > 0,
        ),
        Finding(
            "After a limit-up close the next open is lower ({market}: {gap:+.2%}): the limit holds back no gain.",
            gap=gap, market=market, holds=gap.high < 0,
        ),
        Finding(
            "After a limit-up close the interval of the overnight return contains zero ({market}: {gap:+.2%}).",
            gap=gap, market=market, holds=gap.low <= 0 <= gap.high,
        ),
    ])  # fmt: skip


def _later(events: LimitEvents) -> Finding:
    later, market = events.after("limit-up", LATER), source_title(events.home)
    return first([
        Finding(
            "A purchase at the open after a limit-up close, which can usually be filled, earns nothing that differs "
            "from zero over five days ({market}): {later:+.2%}.",
            later=later, market=market, holds=later.low <= 0 <= later.high,
        ),
        Finding(
            "A purchase at the open after a limit-up close still gains {later:+.2%} over five days ({market}).",
            later=later, market=market, holds=later.low > 0,
        ),
        Finding(
            "A purchase at the open after a limit-up close loses over five days ({market}): {later:+.2%}.",
            later=later, market=market, holds=later.high < 0,
        ),
    ])  # fmt: skip


def _control(events: LimitEvents) -> Finding:
    gap = events.after("limit-up", GAP, source=events.control)
    return first([
        Finding(
            "The gain goes with the limit, not with the size of the move: US stocks, which have no price limits, show "
            "no overnight gain after a rise of 10 % or more ({gap:+.2%}).",
            gap=gap, holds=gap.low <= 0 <= gap.high or gap.high < 0,
        ),
        Finding(
            "Limits alone do not explain the gain: US stocks, which have no limits, also open higher after a rise of "
            "10 % or more ({gap:+.2%}).",
            gap=gap, holds=gap.low > 0,
        ),
    ])  # fmt: skip


def _by_year(events: LimitEvents) -> Finding:
    gaps, later = events.signs("limit-up", GAP), events.signs("limit-up", LATER)
    years, higher, above, below = len(gaps), gaps.count(1), later.count(1), later.count(-1)
    return first([
        Finding(
            "In each of {years:.0f} years the overnight gain after a limit-up close is above zero (95 % interval). The "
            "return of the five days from the next open is above zero in {above:.0f} of them and below in {below:.0f}.",
            years=years, above=above, below=below, holds=0 < years == higher,
        ),
        Finding(
            "In {higher:.0f} of {years:.0f} years the overnight gain after a limit-up close is above zero (95 % "
            "interval). The return of the five days from the next open is above zero in {above:.0f} and below in "
            "{below:.0f}.",
            years=years, higher=higher, above=above, below=below, holds=0 < higher < years,
        ),
    ])  # fmt: skip


def _down(events: LimitEvents) -> Finding:
    gap, market = events.after("limit-down", GAP), source_title(events.home)
    return Finding(
        "After a limit-down close the next open is lower ({market}): {gap:+.2%}. A sale at the limit is refused, so a "
        "back-test that fills it leaves out this loss.",
        gap=gap, market=market, holds=gap.high < 0,
    )  # fmt: skip


def _rates(events: LimitEvents) -> Finding:
    up, down, whole = events.rate("limit_up"), events.rate("limit_down"), events.at_limits()
    most = max(events.years, key=events.at_limits, default="all")
    peak, market = events.at_limits(most), source_title(events.home)
    return first([
        Finding(
            "Limits bind rarely, except in a year of stress ({market}): {up:.2%} of closes are at limit-up and "
            "{down:.2%} at limit-down, but {peak:.1%} together in {most}.",
            up=up, down=down, most=most, peak=peak, market=market, holds=peak > STRESS * whole,
        ),
        Finding(
            "{up:.2%} of closes are at limit-up and {down:.2%} at limit-down ({market}); most in {most}, {peak:.1%} "
            "together.",
            up=up, down=down, most=most, peak=peak, market=market, holds=whole > 0,
        ),
    ])  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def _title(shown: PageResult, finding: Finding, neutral: str) -> str:
    """A run without real prices has figures, and no message."""
    return finding.title(neutral) if shown.evidence else neutral


def _note(shown: PageResult, interval: str = "95 % intervals, clustered by day") -> str:
    if not shown.evidence:
        return f"simulated market: this run checks the pipeline; {interval}"
    return f"{shown.name}: {', '.join(shown.files)}; {interval}"


def after_limit_close(shown: PageResult) -> HTML:
    """Mean return after a limit close, by outcome: the market with limits and its control."""
    from lib.paper.pages.forms import forest
    from lib.paper.pages.style import BLUE, GREY

    events = LimitEvents.of(shown.rows)

    def picture(side: str, finding: Finding) -> HTML:
        found = {
            label: [events.after(side, outcome, source=source).times(100) for source in events.sources]
            for outcome, label in OUTCOMES.items()
        }
        counts = (events.numbers.find(f"{source} all", f"{side} close: n").value for source in events.sources)
        names = [f"{source_title(s)} ({n:,.0f} events)" for s, n in zip(events.sources, counts, strict=True)]
        title = _title(shown, finding, f"Mean return after a {side} close")
        return plot(forest(found, title, "mean return, %", series=names, colors=(BLUE, GREY), note=_note(shown)))

    said = {"limit-up": _short_gap(events), "limit-down": _down(events)}
    return tabs({f"after a {side} close": picture(side, said[side]) for side in SIDES})


def _short_gap(events: LimitEvents) -> Finding:
    """The first two findings in the length of a title."""
    gap, later = events.after("limit-up", GAP), events.after("limit-up", LATER)
    return Finding(
        "The whole gain after a limit-up close, {gap:+.1%}, is in the next open; five days from there: {later:+.1%}",
        gap=gap.value, later=later, holds=gap.low > 0 and later.low <= 0 <= later.high,
    )  # fmt: skip


def by_year(shown: PageResult) -> HTML:
    """Overnight gap, and five days from the next open, by year of the limit close."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, VERMILLION

    events = LimitEvents.of(shown.rows)
    places = dict(zip(SIDES, (-0.1, 0.1), strict=True))
    colors = dict(zip(SIDES, (VERMILLION, BLUE), strict=True))

    def lines(outcome: str) -> list[Line]:
        return [
            Line(f"after\n{side}", [k + places[side] for k in range(len(events.years))],
                 [events.after(side, outcome, year).times(100) for year in events.years], colors[side])
            for side in SIDES
        ]  # fmt: skip

    panels = {"overnight, to the next open": lines(GAP), "five days from the next open": lines(LATER)}
    title = _title(shown, _by_year(events), "Returns after a limit close, by year")
    return plot(lines_by_group(panels, title, "year of the limit close", "mean return, %", zero=True,
                               ticks=_year_ticks(events.years), note=_note(shown)))  # fmt: skip


def _year_ticks(years: Sequence[str]) -> dict[float, str]:
    return {float(k): f"'{year[2:]}" if len(years) > 6 else year for k, year in enumerate(years)}


def limit_rates(shown: PageResult) -> HTML:
    """Shares of cells that close at a limit, or are halted, by year."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, GREEN, VERMILLION

    events = LimitEvents.of(shown.rows)
    states = (("limit-up", "limit_up", VERMILLION), ("limit-down", "limit_down", BLUE), ("halted", "halted", GREEN))
    lines = [
        Line(name, list(range(len(events.years))), [100 * events.rate(state, year) for year in events.years], color)
        for name, state, color in states
    ]
    title = _title(shown, _rates(events), "How often limits bind, by year")
    return plot(lines_by_group({"": lines}, title, "year", "share of cells, %", zero=True,
                               ticks=_year_ticks(events.years), note=_note(shown, "a count, no sample")))  # fmt: skip


# -------------------------------------------------------------------------------------------- tables


def event_table(frame: pd.DataFrame, variant: str) -> pd.DataFrame:
    """Events down, outcomes across with the ends of their intervals, for one variant such as "csi300 all"."""
    part = frame[frame["variant"] == variant]
    pairs = part["metric"].str.split(": ", n=1, expand=True)
    long = part.assign(event=pairs[0], column=pairs[1]).dropna(subset="column")
    return long.pivot_table(index="event", columns="column", values="value", sort=False)


def yearly_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Spans down, every metric across, for one source; means over seeds where there are several."""
    part = frame[frame["variant"].str.startswith(f"{source} ")]
    wide = part.pivot_table(index="variant", columns="metric", values="value", sort=False)
    wide.index = pd.Index([label.removeprefix(f"{source} ") for label in wide.index], name="span")
    return wide


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per source: how often limits bind and what follows, over the whole file."""
    followed = ("n", GAP, "next close", "five days from close", LATER)
    events = [f"{event} close: {outcome}" for event in SIDES for outcome in followed]
    columns = ["limit_up", "limit_down", "halted", *events]
    whole = frame[frame["variant"].str.endswith(" all")]
    return whole.pivot_table(index="variant", columns="metric", values="value", sort=False).reindex(columns=columns)


def events_of(shown: PageResult) -> HTML:
    """What follows every kind of event, a tab for each market."""
    heads = {"event": "event", "n": "events", GAP: "to the next open", LATER: "five days from there",
             "next day close up": "limit-up next day"}  # fmt: skip
    formats = dict.fromkeys((GAP, LATER), "+.2%")
    return tabs({
        source_title(source): table(event_table(shown.rows, f"{source} all"), f"limit_events_{source}", columns=heads,
                                    formats=formats, caption="mean returns; limit-up next day: share of the events"
                                    + _no_limits(source))
        for source in LimitEvents.of(shown.rows).sources
    })  # fmt: skip


def _no_limits(source: str) -> str:
    """What limit-up stands for in a market that has no limits."""
    return "; no limits here: moves of 10 % or more" if source.startswith("us") else ""


def spans(shown: PageResult) -> HTML:
    """How often limits bind and what follows a limit-up close, by year and episode, a tab for each market."""
    heads = {"span": "span", "limit_up": "limit-up", "limit_down": "limit-down", "halted": "halted",
             f"limit-up close: {GAP}": "limit-up to next open",
             f"limit-up close: {LATER}": "five days from there"}  # fmt: skip
    formats = dict.fromkeys(list(heads)[4:], "+.2%")
    return tabs({
        source_title(source): table(yearly_table(shown.rows, source), f"limit_events_spans_{source}", columns=heads,
                                    formats=formats, caption="limit closes: share of traded cells; halts: of listed"
                                    + _no_limits(source))
        for source in LimitEvents.of(shown.rows).sources
    })  # fmt: skip


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Limit rates of paper B's regimes, counted on CSI 300 members.

    The papers' universe is all A-shares, whose small stocks close at a limit more often: another setting.
    """
    value = {(v, m): x for v, m, x in zip(frame["variant"], frame["metric"], frame["value"], strict=True)}
    answers = []
    for claim, period in (("bear", "2022 Q1-Q3"), ("sideways", "2023"), ("bull", "2024 H1")):
        up, down = (value.get((f"csi300 {period}", side)) for side in ("limit_up", "limit_down"))
        if up is not None and down is not None:
            answers.append(_rate(f"B.regime.{claim}.limit_rate", 100 * (up + down), period))
    rally = value.get(("csi300 two weeks from 2024-09-24", "limit_up"))
    if rally is not None:
        note = "24 September to 11 October 2024, limit-up closes"
        answers.append(_rate("B.case.rally.limit_rate", 100 * rally, note))
    return answers


def _rate(claim_id: str, estimate: float, note: str) -> Answer:
    # a census of the period, not a sample: the interval is the value itself
    text = f"CSI 300 members, {note}"
    return Answer(claim_id, estimate, estimate, estimate, note=text, page="limit_events", census=True)
