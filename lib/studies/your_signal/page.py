"""A reader's own signal: three sentences, then the numbers behind them; on a page of the book, or as a file of its own.

`write_page` is what `python -m lib check` runs. The notebook shows the same parts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from lib.errors import ParameterError
from lib.evaluation.scoring import COST_BPS, MINIMUM_CELLS
from lib.evaluation.signal import HALF_LIVES, LAGS, QUANTILES, SignalCheck, check_signal
from lib.evaluation.signal_file import Signal, read_signal
from lib.load import load_panel
from lib.market import make_market
from lib.panel import Panel
from lib.paper.pages import html, plot, table
from lib.paper.pages.findings import Finding, outcome
from lib.paper.pages.layout import opening
from lib.parameters import Parameter
from lib.stats.estimates import Estimate
from lib.store.files import write_bytes
from lib.studies.your_signal.document import document

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION: Final = "How much of this signal can be had, and how much does a back-test that fills every order invent?"
ADVICE: Final = (
    "Judge a signal by the cells that can be bought, and by a book executed at the next open, after costs.",
    "Say how many signals were tried: the best of many looks good by chance.",
)
PARAMETERS: Final = {
    "signal_path": Parameter(str, None, optional=True, help="file of the signal; without it the return of the day"),
    "data_path": Parameter(str, None, optional=True, help="file or folder of daily prices"),
    "market": Parameter(str, "cn", choices=("cn", "none"), help="exchange rules"),
    "universe": Parameter(str, None, optional=True, help="column of members"),
    "horizons": Parameter((list, int), [1, 5, 20], low=1, help="sessions of the labels"),
    "trials": Parameter(int, 1, low=1, help="signals tried, of which this is the best"),
    "capital": Parameter(float, None, low=1, optional=True, help="yuan of an account that trades the book"),
    "out": Parameter(str, None, optional=True, help="NAME.html and NAME.csv are written there"),
}
OPEN: Final = "executed at the next open"
RETURN, PHANTOM = "return over equal weight, a year", "phantom alpha, a year"
HALF = "half-life of the rank IC, sessions"
#: confidence that is asked for before a Sharpe ratio counts as more than chance
CONFIDENCE: Final = 0.95
#: a rank IC with the next session's return above which a date that is too early is likelier than a good signal
SUSPECT: Final = 0.1
#: the generated example, with the papers' rates of limits: a signal that wants what has just risen
STOCKS, DAYS, SEED = 100, 500, 1

#: part of the check -> heading, what it says, format of its numbers
SECTIONS: Final[dict[str, tuple[str, str, str]]] = {
    "coverage": ("Coverage", "Which members have a signal, and which of its favourites cannot be bought.", ".1%"),
    "coverage by year": ("Coverage by year", "Share of members with a signal.", ".1%"),
    "rank IC": ("Rank IC by horizon", "Spearman correlation with the return over so many sessions.", "+.4f"),
    "IC": ("IC by horizon", "Pearson correlation with the same returns.", "+.4f"),
    "rank IC by year": ("Rank IC by year", "With the next session's return.", "+.4f"),
    "rank IC by group": (
        "Rank IC by group", "Within boards, sizes, industries (codes of the price file) and sectors (their first "
        f"letter) that have {MINIMUM_CELLS} stocks on most days.",
        "+.4f"),
    "rank IC neutralised": (
        "Without industry and size",
        "Rank IC with the next session's return of what industry and size do not explain, as far as the file of prices "
        "has them.", "+.4f"),
    "rank IC by limit-ups": (
        "Days with few and with many limit-ups",
        "An IC that rises with the number of limit-up closes on all cells, and not on those that can be bought, is "
        "paid for moves that no order can have.", "+.4f"),
    HALF: (
        "Half-life",
        f"In sessions, fitted to the decay above; {HALF_LIVES[0]:g} means at most, {HALF_LIVES[-1]:g} at least that "
        "much.", ".2f"),
    "rank autocorrelation of the signal": (
        "How stable the signal is", "Correlation of a day's ranks with later ones: low means much to trade.", "+.3f"),
    "return by quantile, bps": (
        "Return by quantile",
        "Next session's return over the mean of the day in basis points, lowest fifth first; quantiles as alphalens "
        "cuts them.", "+.2f"),
    RETURN: ("Books: return a year", "Equal weight in the top stocks with a buffer, over equal weight in all.", "+.1%"),
    "Sharpe ratio over equal weight": ("Books: Sharpe ratio", "Of the same daily differences, a year.", "+.2f"),
    "turnover a day": ("Books: turnover a day", "Bought plus sold over the value of the book.", ".1%"),
    PHANTOM: (
        "Phantom alpha a year",
        "What a back-test earns by filling orders at the close that the market refuses. The refusals come in one after "
        "the other, so that the parts add up.", "+.1%"),
}  # fmt: skip
INFORMATION: Final = ("rank IC", "IC", "rank IC by year", "rank IC by group", "rank IC neutralised",
                      "rank IC by limit-ups")  # fmt: skip
LASTING: Final = (HALF, "rank autocorrelation of the signal")
MONEY: Final = (RETURN, "Sharpe ratio over equal weight", "turnover a day", PHANTOM)


@dataclass(frozen=True)
class YourSignal:
    """A check with the prices it was made on, and what the two are called."""

    found: SignalCheck
    panel: Panel
    name: str
    prices: str
    evidence: bool = True

    @classmethod
    def of(
        cls, signal_path: Path | str | None, data_path: Path | str | None, market: str = "cn",
        universe: str | None = None, **options: Any,
    ) -> YourSignal:  # fmt: skip
        """Read and check. Without prices a simulated market, without a signal the return of the day itself.

        options: of `check_signal`. Raises LoadError and ParameterError as `load_panel`, `read_signal` and
        `check_signal` do.
        """
        chosen: Any = market
        if data_path is None:
            panel, prices = make_market(STOCKS, DAYS, SEED, limit_rates="paper").panel, "a simulated market"
        else:
            panel, prices = load_panel(data_path, market=chosen, universe=universe), Path(data_path).name
        signal: Signal | Any = np.where(panel.observed, panel.returns, np.nan)
        if signal_path is not None:
            signal = read_signal(signal_path, panel)
        name = "The return of the day" if signal_path is None else Path(signal_path).name
        return cls(check_signal(panel, signal, **options), panel, name, prices)

    def no_answer(self) -> str:
        """Nothing: a signal that was read has its numbers."""
        return ""

    def basis(self) -> str:
        """What the numbers rest on."""
        dates, stocks = self.panel.dates, self.panel.shape[1]
        return (
            f"{self.name} on {self.prices}, {dates[0]} to {dates[-1]}, {stocks} symbols. Intervals at 95 %: Newey-West "
            "for ICs, resampled blocks of days for returns and half-lives."
        )


def verdict(found: SignalCheck) -> list[Finding]:
    """Three sentences: what the signal knows, what a book makes of it, what is left after the number of trials.

    A fourth where the signal knows too much.
    """
    gross, net = (found.find(RETURN, f"{OPEN}, {when}") for when in ("before costs", f"after {COST_BPS:g} bps a side"))
    phantom, chance = found.find(PHANTOM, "all refused orders"), found.find("trials", "deflated Sharpe ratio").value
    horizon = _first_horizon(found)
    ahead = "the next day's returns" if horizon == "1 session" else f"returns over {horizon}"
    everything, buyable = (found.find("rank IC", horizon, cells) for cells in ("all", "buyable"))
    information = "rank IC {buyable:+.4f} on stocks that can be bought, {everything:+.4f} on all."
    invented = "a back-test that fills every order at the close invents {phantom:+.1%} a year."
    book = "A book of its top stocks, executed at the next open,"
    if math.isnan(buyable.value):
        days = f"On no day does the signal tell {MINIMUM_CELLS} stocks apart that can be bought and have a return over"
        knows = Finding(f"{days} {horizon}: it has no rank IC.", holds=True)
    else:
        knows = outcome(
            {
                f"The signal ranks {ahead}: {information}": buyable.low > 0,
                f"The signal ranks {ahead} the wrong way round: {information}": buyable.high < 0,
                f"The signal does not measurably rank {ahead}: {information}": True,
            },
            buyable=buyable,
            everything=everything,
        )
    return [
        knows,
        outcome(
            {
                f"{book} earns {{net:+.1%}} a year over equal weight after costs ({{gross:+.1%}} before); "
                f"{invented}": net.low > 0,
                f"{book} earns {{gross:+.1%}} a year over equal weight before costs and does not keep it after them "
                f"({{net:+.1%}}); {invented}": gross.low > 0,
                f"{book} loses to equal weight after costs: {{net:+.1%}} a year ({{gross:+.1%}} before); "
                f"{invented}": net.high < 0,
                f"{book} does not measurably beat equal weight: {{gross:+.1%}} a year before costs, {{net:+.1%}} "
                f"after; {invented}": True,
            },
            gross=gross,
            net=net,
            phantom=phantom,
        ),
        outcome(
            {
                "{trials} its Sharpe ratio after costs beats what chance gives, with a confidence of "
                "{chance:.0%}.": chance >= CONFIDENCE,
                "{trials} its Sharpe ratio after costs is not beyond what chance gives: the confidence "
                "is {chance:.0%}.": True,
            },
            chance=chance,
            trials="As the only trial" if found.trials == 1 else f"As the best of {found.trials:,} trials",
        ),
        *_too_good(found),
    ]


def _too_good(found: SignalCheck) -> list[Finding]:
    """A sentence where the rank IC is so high that the dates of the signal are in doubt."""
    first, second = (found.find("decay of the rank IC", f"session {k}") for k in (1, 2))
    sentence = (
        "Check the dates of the signal: a rank IC of {first:+.4f} with the next session's return is rare in what is "
        "known at a close; held back by one session it has {second:+.4f}."
    )
    high = max(first.low, -first.high) > SUSPECT
    return [Finding(sentence, holds=True, first=first.value, second=second.value)] if high else []


def _first_horizon(found: SignalCheck) -> str:
    return next((what for part, what, _ in found.numbers if part == "rank IC"), "1 session")


# ---------------------------------------------------------------------------------- parts of the page


def head(shown: YourSignal) -> HTML:
    """Question, the three sentences, advice, and what was examined."""
    return opening(cast("PageResult", shown), QUESTION, verdict(shown.found), ADVICE)


def lost(signal: Signal) -> str:
    """The rows of a file that were not used although they hold a number, in a line; empty where there are none."""
    reasons = {reason: count for reason, count in signal.lost.items() if not reason.startswith("no number")}
    listed = "; ".join(f"{count:,}: {reason}" for reason, count in reasons.items())
    return f"{sum(reasons.values()):,} of {signal.rows:,} rows are not used: {listed}" if reasons else ""


def rows(shown: YourSignal) -> HTML:
    """How many rows of the file were matched, and why the others were not."""
    kept, signal = int(np.isfinite(shown.found.signal.values).sum()), shown.found.signal
    lost = "".join(f"<li>{count:,}: {escape(reason)}</li>" for reason, count in signal.lost.items())
    used = f"<ul>{lost}</ul>" if lost else " none."
    return html(f"<p>{signal.rows:,} rows read, {kept:,} matched to a price. Not used:{used}</p>")


#: boards as the prices have them -> in words
BOARDS = {"board main": "main board", "board chinext": "ChiNext", "board star": "STAR market",
          "board bse": "Beijing exchange"}  # fmt: skip


def part(shown: YourSignal, name: str) -> HTML:
    """One part of the check: its text and its table, both kinds of cells side by side; empty where it has none."""
    _, text, form = SECTIONS[name]
    frame = shown.found.table(name)
    if frame.empty:
        return html("")
    lines = frame.reset_index().rename(columns={name: "what"}).replace({"what": BOARDS})
    columns = {"what": "", "all": "all cells" if "buyable" in lines else "value", "buyable": "can be bought"}
    file = f"signal_{name.split(',')[0].replace(' ', '_').replace('-', '_')}"
    own = table(lines, file, columns=columns, formats={"all": form, "buyable": form}, caption=SECTIONS[name][0])
    return html(f"<p>{text}</p>{own.data}")


def parts(shown: YourSignal, names: Sequence[str]) -> HTML:
    """Several parts, each under its heading."""
    found = {SECTIONS[name][0]: str(part(shown, name).data) for name in names}
    return html("".join(f"<h3>{heading}</h3>{body}" for heading, body in found.items() if body))


def decay(shown: YourSignal) -> HTML:
    """The rank IC by session after the signal."""
    from lib.paper.pages.forms import Line, lines_by_group

    sessions = [float(lag + 1) for lag in range(LAGS)]
    lines = [
        Line(name, sessions, [shown.found.find("decay of the rank IC", f"session {int(k)}", cells) for k in sessions])
        for name, cells in (("all cells", "all"), ("can be bought", "buyable"))
    ]
    half = shown.found.find(HALF, "fitted to its decay", "buyable")
    known = f"half-life {half.value:.1f} sessions" if half.high < HALF_LIVES[-1] else "its half-life is not determined"
    title = "Rank IC by session after the signal" + ("" if math.isnan(half.value) else f": {known}")
    return plot(lines_by_group({"": lines}, title, "session after the signal", "rank IC", zero=True))


def quantiles(shown: YourSignal) -> HTML:
    """Next session's return by quantile, on the stocks that can be bought."""
    from lib.paper.pages.forms import forest

    groups = {_fifth(k): f"{k} of {QUANTILES}" for k in range(1, QUANTILES + 1)}
    found: dict[str, Estimate | Sequence[Estimate]] = {
        name: [shown.found.find("return by quantile, bps", what, cells) for cells in ("all", "buyable")]
        for name, what in groups.items()
    }
    title = "Next session's return by fifth of the signal"
    unit = "basis points over the mean of the day"
    return plot(forest(found, title, unit, series=("all cells", "can be bought")))


def _fifth(k: int) -> str:
    return {1: "1, lowest signal", QUANTILES: f"{QUANTILES}, highest signal"}.get(k, str(k))


# ------------------------------------------------------------------------------------- a file of its own


def page(shown: YourSignal) -> str:
    """The page as HTML text without a link to anything outside it."""
    body = [
        ("Rows", rows(shown)),
        ("Coverage", part(shown, "coverage")),
        ("What it knows", parts(shown, INFORMATION)),
        ("How long it lasts", html(f"{decay(shown).data}{parts(shown, LASTING).data}")),
        ("Return by quantile", html(f"{quantiles(shown).data}{part(shown, 'return by quantile, bps').data}")),
        ("What can be had of it", parts(shown, MONEY)),
        ("Coverage by year", part(shown, "coverage by year")),
    ]
    sentences = [item.text for item in verdict(shown.found)]
    sections = {heading: str(item.data) for heading, item in body if item.data}
    return document(f"{shown.name}: how much of it can be had?", sentences, shown.basis(), sections)


def write_page(
    signal: Path | str | None, prices: Path | str | None, out: Path | str, *, market: str = "cn",
    universe: str | None = None, **options: Any,
) -> SignalCheck:  # fmt: skip
    """Read, check and write OUT.html and OUT.csv; returns the numbers.

    Raises as `YourSignal.of`, ParameterError for an `out` that names no file, and StoreError where none can be written.
    """
    if not Path(out).name or str(out).endswith(("/", "\\")):
        raise ParameterError(f"out is {str(out)!r}; expected a name such as out/signal, without its ending")
    shown = YourSignal.of(signal, prices, market, universe, **options)
    write(shown, out)
    return shown.found


def write(shown: YourSignal, out: Path | str) -> None:
    """OUT.html and OUT.csv of a check; a dot in the name is kept."""
    write_bytes(Path(f"{out}.html"), page(shown).encode())
    write_bytes(Path(f"{out}.csv"), shown.found.frame().to_csv(index=False).encode())
