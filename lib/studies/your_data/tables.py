"""The page "Bring your own data": one file examined, and one market read back from every source's shape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from lib.load import load_panel
from lib.load.files import Caps, files_of
from lib.load.quality.measures import Quality, Rules, quality_control
from lib.load.quality.report import guess_market, report_lines
from lib.load.sources import FORMATS
from lib.market import make_market
from lib.panel import Panel
from lib.paper.pages.pieces import box
from lib.parameters import Parameter
from lib.reasons import Reason
from lib.studies.your_data.examples import write_shapes

if TYPE_CHECKING:
    from IPython.display import HTML

EXAMPLE: Final = "generated example: it shows the readers, and nothing about a market"
PARAMETERS: Final = {
    "data_path": Parameter(str, None, optional=True, help="file or folder of daily prices"),
    "market": Parameter(str, "auto", choices=("auto", "cn", "none"), help="exchange rules"),
    "file_format": Parameter(str, "auto", choices=FORMATS, help="source of the file"),
    "min_history": Parameter(int, 250, low=1, optional=True, help="trading days a stock must have had"),
    "max_return": Parameter(float, 0.2, low=0, optional=True, help="largest daily return"),
    "max_idle": Parameter(float, 0.5, low=0, high=1, optional=True, help="largest share of idle sessions"),
    "outlier": Parameter(float, 15.0, low=1, optional=True, help="largest return on the stock's own scale"),
}

#: the generated example: small enough to read, with limit closes and halts in it
STOCKS, DAYS, SEED = 12, 320, 3
LATE: Final = {3: 40, 7: 150}  # stock -> the day it is listed
_FLOAT32: Final = 2.0**-22
_COMPARED: Final = ("open", "high", "low", "close", "volume", "amount", "pre_close")


@dataclass(frozen=True)
class YourData:
    """A panel that was loaded, where it came from, and what quality control finds in it."""

    panel: Panel
    rules: Rules
    is_example: bool

    @classmethod
    def of(cls, data_path: str | None, market: str, file_format: str, **rules: Any) -> YourData:
        """Load the file, or without one the example as a canonical record. Raises LoadError."""
        if data_path is not None:
            chosen = guess_market(data_path, file_format) if market == "auto" else market
            return cls(load_panel(data_path, market=chosen, format=file_format), Rules(**rules), False)
        return cls(read_back()["record"][0], Rules(**rules), True)

    @property
    def note(self) -> str:
        """Small print for the figures."""
        return EXAMPLE if self.is_example else str(self.panel.notes["file"])

    @cached_property
    def quality(self) -> Quality:
        return quality_control(self.panel, self.rules)

    def status(self) -> HTML:
        """The remark at the head of the page."""
        if self.is_example:
            text = "No data_path was given, so the page examines a small generated market. Give it a file of yours."
            return box("Generated example", text)
        notes = self.panel.notes
        return box("Your file", f"{notes['file']}, read as {notes['source']}: {notes['rows']:,} rows.", "tip")

    def report(self) -> pd.DataFrame:
        """What the loader found, line by line."""
        return pd.DataFrame(report_lines(self.panel), columns=["subject", "found"])

    def exclusions(self) -> pd.DataFrame:
        """What each rule excludes."""
        return pd.DataFrame(self.quality.rows())

    def survivors(self) -> str:
        """Who is in the file, in a sentence."""
        counts = self.quality.survivorship()
        ended = counts["ended before the last date"]
        text = (
            f"Of {counts['stocks']:,} stocks {counts['there on the first date']:,} are there on the first date, "
            f"{counts['listed later']:,} come later and {ended:,} end before the last date"
        )
        if ended:
            return text + "."
        return text + ": **survivors only**. Whatever failed is not in this file, and every return on it is flattered."


def example_panel() -> Panel:
    """A synthetic market of a few stocks, some of them listed late."""
    panel = make_market(STOCKS, DAYS, SEED).panel
    reasons = panel.reasons.copy()
    for stock, day in LATE.items():
        reasons[:day, stock] = Reason.UNLISTED
    return replace(panel, reasons=reasons)


def read_back() -> dict[str, tuple[Panel, dict[str, bytes]]]:
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


def in_their_words(shapes: dict[str, tuple[Panel, dict[str, bytes]]]) -> pd.DataFrame:
    """Header and first row of one file of each source, as it stands on disk."""
    rows = []
    for name, (panel, heads) in shapes.items():
        for file, head in list(heads.items())[:3] if name == "tushare" else list(heads.items())[:1]:
            header, first = head.decode(str(panel.notes["encoding"]).split("+")[0]).splitlines()[:2]
            rows.append({"format": name, "file": file, "header": header, "first row": first})
    return pd.DataFrame(rows)


def same_panel(shapes: dict[str, tuple[Panel, dict[str, bytes]]]) -> pd.DataFrame:
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


def verdict(table: pd.DataFrame) -> str:
    """The message of the comparison, counted."""
    columns = [name for name in table.columns if name.endswith(("differ", "differs"))]
    wrong = int(table[columns].sum(skipna=True).sum())
    if wrong:
        return f"{wrong:,} cells differ between the {len(table)} shapes."
    return (
        f"All {len(table)} shapes give the same panel: no price and no reason differs in any cell, and no volume by "
        f"more than the 32 bits of Qlib's files can hold."
    )
