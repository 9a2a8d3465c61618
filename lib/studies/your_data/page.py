"""The page "Bring your own data": one file examined, and one market read back from every source's shape."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pandas as pd

from lib.load import load_panel
from lib.load.files import Caps, files_of
from lib.load.quality.measures import Quality, Rules, quality_control
from lib.load.quality.report import guess_market, masked_shares, report_lines
from lib.load.sources import FORMATS
from lib.market import make_market
from lib.panel import Panel
from lib.paper.pages import html, plot, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening
from lib.parameters import Parameter
from lib.reasons import Reason
from lib.stats.estimates import Estimate
from lib.studies.your_data.examples import write_shapes

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION: Final = (
    "Do the prices of a file say what they seem to: which units, which adjustment, what is masked and why?"
)
ADVICE: Final = (
    "Load raw prices and let the loader adjust: a limit is set on the raw price of its day.",
    "Exclude stocks by rules that look back only, and keep the stocks that were delisted.",
    "Read the report below before the first back-test; the loader refuses what it cannot be sure of.",
)
PARAMETERS: Final = {
    "data_path": Parameter(str, None, optional=True, help="file or folder of daily prices"),
    "market": Parameter(str, "auto", choices=("auto", "cn", "none"), help="exchange rules"),
    "file_format": Parameter(str, "auto", choices=FORMATS, help="source of the file"),
    "min_history": Parameter(int, 250, low=1, optional=True, help="trading days a stock must have had"),
    "max_return": Parameter(float, 0.2, low=0, optional=True, help="largest daily return"),
    "max_idle": Parameter(float, 0.5, low=0, high=1, optional=True, help="largest share of idle sessions"),
    "outlier": Parameter(float, 15.0, low=1, optional=True, help="largest return on the stock's own scale"),
}
#: reason -> its name on the page; the last two bits do not mask a cell, they forbid an order at the open
NAMES: Final = {
    "unlisted": "not yet listed", "missing": "missing", "halt": "halted", "limit_up": "close at limit-up",
    "limit_down": "close at limit-down", "open_locked_up": "open at limit-up", "open_locked_down": "open at limit-down",
}  # fmt: skip
ORDERS_ONLY: Final = ("open_locked_up", "open_locked_down")
KINDS: Final = {"halted": Reason.HALT, "limit-up": Reason.LIMIT_UP, "limit-down": Reason.LIMIT_DOWN}
AS_OF, WHOLE = "cells as of their day", "cells, whole"

#: the generated example: small enough to read, with limit closes and halts in it
STOCKS, DAYS, SEED = 12, 320, 3
LATE: Final = {3: 40, 7: 150}  # stock -> the day it is listed
_FLOAT32: Final = 2.0**-22
_COMPARED: Final = ("open", "high", "low", "close", "volume", "amount", "pre_close")

Shapes = dict[str, tuple[Panel, dict[str, bytes]]]


# ------------------------------------------------------------------------------------------- the file


@dataclass(frozen=True)
class YourData:
    """A panel that was loaded, where it came from, and what quality control finds in it."""

    panel: Panel
    rules: Rules
    is_example: bool
    evidence: bool = True

    @classmethod
    def of(cls, data_path: str | None, market: str, file_format: str, **rules: Any) -> YourData:
        """Load the file, or without one the example as a canonical record. Raises LoadError."""
        if data_path is not None:
            chosen = guess_market(data_path, file_format) if market == "auto" else market
            return cls(load_panel(data_path, market=chosen, format=file_format), Rules(**rules), False)
        return cls(read_back()["record"][0], Rules(**rules), True)

    @cached_property
    def quality(self) -> Quality:
        return quality_control(self.panel, self.rules)

    @property
    def note(self) -> str:
        """Small print for the figures."""
        if self.is_example:
            return "generated example: it shows the readers, and nothing about a market"
        return str(self.panel.notes["file"])

    def no_answer(self) -> str:
        """Nothing: a page about a file always has its answer."""
        return ""

    def basis(self) -> str:
        """What the page examines."""
        if self.is_example:
            return "No data_path was given, so the page examines a small generated market. Give it a file of yours."
        notes = self.panel.notes
        return f"{notes['file']}, read as {notes['source']}: {notes['rows']:,} rows."

    def excluded(self, key: str) -> float:
        """Share of the universe's cells that all rules together take out, AS_OF the day or as WHOLE securities."""
        return float(str(self.quality.rows()[-1][key])) / max(1, int(self.panel.universe.sum()))


def findings(data: YourData) -> list[Finding]:
    """What the file holds, in sentences."""
    return [_masked(data), _survivors(data), _hindsight(data), _worst_month(data)]


def _masked(data: YourData) -> Finding:
    shares = masked_shares(data.panel)
    largest = max(NAMES, key=lambda name: shares[name] * (name not in ORDERS_ONLY))
    return first([
        Finding("{share:.1%} of the cells (a stock on a day) are masked; the most frequent reason: {why}.",
                share=float(shares["any"]), why=NAMES[largest], holds=shares["any"] > 0),
        Finding("No cell is masked.", holds=not shares["any"]),
    ])  # fmt: skip


def _survivors(data: YourData) -> Finding:
    counts = data.quality.survivorship()
    stocks, ended = counts["stocks"], counts["ended before the last date"]
    return first([
        Finding("Of {stocks} stocks {later} are listed after the first date and {ended} end before the last.",
                stocks=f"{stocks:,}", later=f"{counts['listed later']:,}", ended=f"{ended:,}", holds=ended > 0),
        Finding("None of the {stocks} stocks ends before the last date: these are survivors only. What failed is not "
                "in the file, and every return on it is flattered.", stocks=f"{stocks:,}", holds=not ended),
    ])  # fmt: skip


def _hindsight(data: YourData) -> Finding:
    as_of, whole = data.excluded(AS_OF), data.excluded(WHOLE)
    return first([
        Finding("Rules that look back exclude {as_of:.1%} of the cells of the universe; dropping whole stocks for what "
                "they do on one day excludes {whole:.1%}, with knowledge of the future.",
                as_of=as_of, whole=whole, holds=whole > as_of),
        Finding("Rules that look back exclude {as_of:.1%} of the cells of the universe; dropping whole stocks would "
                "exclude {whole:.1%}.", as_of=as_of, whole=whole, holds=whole <= as_of),
    ])  # fmt: skip


def _worst_month(data: YourData) -> Finding:
    months, shares = by_month(data.panel)
    name = max(shares, key=lambda kind: float(shares[kind].max()))
    most = float(shares[name].max())
    return Finding(
        "In the worst month, {when}, {most:.1%} of the listed cells were {kind}; on average {mean:.2%} are.",
        when=str(months[shares[name].argmax()]), most=most, kind={"halted": "halted"}.get(name, f"closes at {name}"),
        mean=float(shares[name].mean()), holds=most > 0,
    )  # fmt: skip


def by_month(panel: Panel) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Months, and for every kind the share of listed cells that are of it."""
    months = panel.dates.astype("datetime64[M]")
    there = np.unique(months)
    listed = [max(1, int(panel.without(Reason.UNLISTED)[months == month].sum())) for month in there]
    counts = {
        name: np.array([((panel.reasons[months == month] & reason) > 0).sum() for month in there])
        for name, reason in KINDS.items()
    }
    return there, {name: found / listed for name, found in counts.items()}


# ---------------------------------------------------------------------------------------- parts of the page


def head(data: YourData) -> HTML:
    """Question, answer, advice, and what was examined."""
    return opening(cast("PageResult", data), QUESTION, findings(data), ADVICE)


def why_masked(data: YourData) -> HTML:
    """Share of cells with each reason."""
    from lib.paper.pages.forms import bars
    from lib.paper.pages.style import BLUE, GREY

    shares = masked_shares(data.panel)
    values = {text: 100 * float(shares[name]) for name, text in NAMES.items()}
    colors = {text: GREY if name in ORDERS_ONLY else BLUE for name, text in NAMES.items()}
    unit = "% of all dates x symbols (grey masks no price, it forbids an order at the open)"
    return plot(bars(values, _masked(data).title("Why cells are masked"), unit, colors=colors, note=data.note))


def masked_by_month(data: YourData) -> HTML:
    """Share of listed cells that are halted or at a limit, month by month; a generated example has no history."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, GREY, VERMILLION

    if data.is_example:
        return html("<p>Month by month: shown for a file of yours.</p>")
    months, shares = by_month(data.panel)
    years = 1970 + months.astype(int) / 12
    colors = dict(zip(KINDS, (GREY, VERMILLION, BLUE), strict=True))
    lines = [Line(name, list(years), list(100 * found), colors[name]) for name, found in shares.items()]
    step = max(1, math.ceil((years[-1] - years[0]) / 6))
    ticks = {float(year): f"{year}" for year in range(math.ceil(years[0]), math.floor(years[-1]) + 1, step)}
    title = _worst_month(data).title("Halts and limit closes by month")
    return plot(lines_by_group({"": lines}, title, "year", "% of listed cells", zero=True, ticks=ticks, note=data.note))


def report(data: YourData) -> HTML:
    """What the loader found, line by line."""
    return table(pd.DataFrame(report_lines(data.panel), columns=["subject", "found"]), "your_data_report",
                 caption="what the loader found")  # fmt: skip


def cost_of_hindsight(data: YourData) -> HTML:
    """Share of the universe that each rule takes out: as of the day, and as whole securities."""
    from lib.paper.pages.forms import forest

    total = max(1, int(data.panel.universe.sum()))
    rows = {str(row["rule"]): [Estimate(100 * float(str(row[key])) / total) for key in (AS_OF, WHOLE)]
            for row in data.quality.rows()}  # fmt: skip
    title = _hindsight(data).title("Cells that each rule excludes")
    return plot(forest(rows, title, "% of the universe's cells that are excluded", note=data.note,
                       series=("as of the day", "the whole stock, with hindsight")))  # fmt: skip


def exclusions(data: YourData) -> HTML:
    """What each rule excludes."""
    heads = {"rule": "rule", "excludes": "excludes", AS_OF: "cells, as of the day", "share": "share",
             "securities, whole": "whole stocks", WHOLE: "their cells"}  # fmt: skip
    return table(pd.DataFrame(data.quality.rows()), "your_data_quality", columns=heads, formats={"share": ".1%"},
                 caption="what each rule excludes")  # fmt: skip


# ---------------------------------------------------------------------------- one market in every shape


def example_panel() -> Panel:
    """A simulated market of a few stocks, some of them listed late."""
    panel = make_market(STOCKS, DAYS, SEED).panel
    reasons = panel.reasons.copy()
    for stock, day in LATE.items():
        reasons[:day, stock] = Reason.UNLISTED
    return replace(panel, reasons=reasons)


def read_back() -> Shapes:
    """The example written in every shape: format -> (panel read from it, the head of each of its files)."""
    out = {}
    with TemporaryDirectory() as folder:
        for name, path in write_shapes(example_panel(), Path(folder)).items():
            out[name] = (load_panel(path), _heads(path, name))
    return out


def _heads(path: Path, name: str) -> dict[str, bytes]:
    if name == "qlib_bin":
        return {}
    return {file.name: _head(file) for file in files_of(path, Caps())}


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.readline() + stream.readline()


def in_their_words(shapes: Shapes) -> pd.DataFrame:
    """Header and first row of one file of each source, as it stands on disk."""
    rows = []
    for name, (panel, heads) in shapes.items():
        for file, head_ in list(heads.items())[:3] if name == "tushare" else list(heads.items())[:1]:
            header, line = head_.decode(str(panel.notes["encoding"]).split("+")[0]).splitlines()[:2]
            rows.append({"format": name, "file": file, "header": header, "first row": line})
    return pd.DataFrame(rows)


def words_table(shapes: Shapes) -> HTML:
    """The header and the first row of each source's file, broken after commas."""
    formats = dict.fromkeys(("header", "first row"), _broken)
    return table(in_their_words(shapes), "your_data_words", formats=formats,
                 caption="header and first row of each file")  # fmt: skip


def _broken(text: str) -> str:
    return escape(text).replace(",", ",<wbr/>")


def same_panel(shapes: Shapes) -> pd.DataFrame:
    """Each source's panel against the canonical record: rows read, halts filled in, and cells that differ."""
    reference, out = shapes["record"][0], []
    for name, (panel, _) in shapes.items():
        notes = panel.notes
        row = {
            "format": name, "files": notes["files"], "rows": notes["rows"],
            "halts filled in": notes.get("halts_filled", 0), "limits from": notes["limit_source"],
            "reasons differ": int((panel.reasons != reference.reasons).sum()),
        }  # fmt: skip
        out.append(row | {f"{field} differs": _differ(panel, reference, field) for field in _COMPARED})
    return pd.DataFrame(out)


def _differ(panel: Panel, reference: Panel, field: str) -> float:
    """Cells of a field that differ; NaN where the source has no such field. A first previous close may be unknown.

    Volumes may differ by what 32 bits cannot hold, Qlib's adjusted volume has seven digits, and by the rounding to
    whole shares after that.
    """
    if field not in panel.fields:
        return float("nan")
    ours, theirs = panel.fields[field], reference.fields[field]
    known = np.isfinite(ours) | (field != "pre_close")
    known |= np.cumsum(reference.observed, axis=0) > 1
    slack = _FLOAT32 * np.abs(theirs) + 0.5 if field == "volume" else 0.0
    return float((known & ~((np.abs(ours - theirs) <= slack) | (np.isnan(ours) & np.isnan(theirs)))).sum())


def verdict(rows: pd.DataFrame) -> Finding:
    """The message of the comparison, counted."""
    wrong = int(_differing(rows).sum())
    return first([
        Finding("All {shapes} shapes give the same panel: no price and no reason differs in any cell, and no volume by "
                "more than the 32 bits of Qlib's files can hold.", shapes=str(len(rows)), holds=not wrong),
        Finding("{wrong} cells differ between the {shapes} shapes.", wrong=f"{wrong:,}", shapes=str(len(rows)),
                holds=wrong > 0),
    ])  # fmt: skip


def _differing(rows: pd.DataFrame) -> pd.Series:
    columns = [name for name in rows.columns if name.endswith(("differ", "differs"))]
    return rows[columns].sum(axis=1, skipna=True)


def same_table(shapes: Shapes) -> HTML:
    """The comparison in a sentence and in its table; the CSV has every field."""
    rows = same_panel(shapes)
    rows = rows.assign(differ=_differing(rows))
    heads = {"format": "source", "files": "files", "rows": "rows", "halts filled in": "halts filled in",
             "limits from": "limits from", "differ": "cells that differ"}  # fmt: skip
    same = table(rows, "your_data_same", columns=heads, caption="the panels compared")
    return html(f"<p>{verdict(rows).text}</p>{same.data}")
