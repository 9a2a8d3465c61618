"""Where the numbers of a page come from: this build beside the recorded result, and whether they agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.paper.pages.pieces import html

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.results.recording import Recorded
    from lib.paper.results.runner import StudyResult

def recorded_files(recorded: Recorded) -> set[str]:
    """Names of the price files behind a recorded result."""
    return {item["file"] for run in {row.run for row in recorded.rows} for item in recorded.runs[run]["inputs"]}


def _files(recorded: Recorded, without: str = "overlay market") -> str:
    return ", ".join(sorted(recorded_files(recorded))) or without


#: part of a file's name -> where its prices come from
CREDITS = {
    "cn_csi300_pit": "A-share prices: public repository fr220574/Qlib-format-A-share-dataset, commit 51ee96b5 (equal "
    "to Baostock's values); industry labels: saberccccccc/stock, commit c657efaf.",
    "cn_csi300_baostock": "A-share prices: public repository wywzxxz/proof-that-stock-is-predictable, commit e14810a4, "
    "from Baostock.",
    "us_sp500": "US prices: CNuge/kaggle-code, commit f1109438 (MIT), the S&P 500 stock data.",
}


def credited(files: str) -> str:
    """The sources of the price files named in a text, as far as their names tell."""
    return " ".join(text for mark, text in CREDITS.items() if mark in files)


def _inputs(result: StudyResult) -> str:
    return " and ".join(f"{item['file']} (SHA-256 {item['sha256'][:12]})" for item in result.provenance["inputs"])


def beside(result: StudyResult, recorded: Recorded) -> HTML:
    """Where the numbers come from: this build beside the recorded one, and whether they agree."""
    own, theirs = result.provenance, recorded.describe().partition(": ")[2]
    made = "simulated market" if result.study.evidence == "simulated" else "overlay market"
    lines = [
        ("prices", _inputs(result) if own["inputs"] else made, _files(recorded, made) if recorded else ""),
        ("scale", result.settings["scale"], recorded.scale if recorded else ""),
        ("seeds in", _seeds(row.config["seed"] for row in result.rows), _seeds(recorded.seeds) if recorded else ""),
        ("rows", str(len(result.rows)), str(len(recorded.rows)) if recorded else ""),
        ("commit", _commit(own), _commits(recorded)),
        ("code", f"source {own['source'][:12]}", _freshness(recorded)),
        ("agreement", _compared(result, recorded) if recorded else "", ""),
    ]
    if "data_path" not in result.study.parameters:
        lines = lines[1:]  # a study of no market has no prices
    top, side = '<th scope="col">', '<th scope="row">'
    body = "".join(f"<tr>{side}{escape(a)}</th><td>{escape(b)}</td><td>{escape(c)}</td></tr>" for a, b, c in lines)
    head = f"<thead><tr><td></td>{top}this build</th>{top}recorded</th></tr></thead>"
    missing = "" if recorded else f"<p>{escape(theirs[:1].upper() + theirs[1:])}.</p>"
    return html(f'<div class="exhibit"><div class="scroll" tabindex="0"><table class="beside">{head}<tbody>{body}'
                f"</tbody></table></div>{missing}</div>")  # fmt: skip


def _seeds(seeds: Iterable[int]) -> str:
    found = sorted(set(seeds))
    return f"{len(found)} ({', '.join(map(str, found[:8]))}{', ...' if len(found) > 8 else ''})"


def _commit(provenance: Mapping[str, Any]) -> str:
    if not provenance.get("commit"):
        return "outside version control"
    return str(provenance["commit"])[:10] + (" plus changes" if provenance.get("dirty") else "")


def _commits(recorded: Recorded) -> str:
    return ", ".join(sorted({str(recorded.runs[row.run]["commit"])[:10] for row in recorded.rows}))


def _freshness(recorded: Recorded) -> str:
    if not recorded:
        return ""
    if count := len(recorded.stale_rows()):
        return f"STALE: {count} of {len(recorded.rows)} rows were made by earlier code{recorded.since()}"
    found = recorded.confirmation()
    if found is None:
        return "the code of this build"
    again = f"{len(found.rows)} of {len(recorded.rows)} rows, a sample, were computed again"
    return f"earlier code; {again} by the code of this build and agree"


def _compared(result: StudyResult, recorded: Recorded) -> str:
    """Whether the two agree; simulated markets of other settings share the names of rows, not their numbers."""
    other = [] if result.provenance["inputs"] else _other_settings(result, recorded)
    return f"other markets: {', '.join(other)} not the same" if other else agreement(result.frame, recorded.frame)


def _other_settings(result: StudyResult, recorded: Recorded) -> list[str]:
    """Settings that change a row and are not those of every recorded run, but for the names of price files."""
    own = result.study.row_settings(result.provenance["parameters"])
    runs = [recorded.runs[name] for name in {row.run for row in recorded.rows}]
    files = {item["parameter"] for run in runs for item in run["inputs"]}
    return [
        name for name, value in own.items()
        if name not in files and any(run["parameters"].get(name, value) != value for run in runs)
    ]  # fmt: skip


def agreement(own: pd.DataFrame, recorded: pd.DataFrame) -> str:
    """How far the numbers that two results share lie apart.

    >>> one = pd.DataFrame({"variant": ["a"], "seed": [0], "metric": ["ic"], "value": [0.5]})
    >>> agreement(one, one)
    '1 numbers in common, the same to 1e-9'
    """
    keys = ["variant", "seed", "metric"]
    both = own.merge(recorded, on=keys, suffixes=("", "_recorded"))
    if both.empty:
        return "no numbers in common"
    difference, size = (both["value"] - both["value_recorded"]).abs(), both["value_recorded"].abs()
    gap = (difference / size).where(difference > 0, difference)  # equal zeros are equal, whatever they are divided by
    largest = float(gap.max(skipna=True)) if gap.notna().any() else 0.0
    verdict = "the same to 1e-9" if largest <= 1e-9 else f"largest relative difference {largest:.2g}"
    return f"{len(both):,} numbers in common, {verdict}"
