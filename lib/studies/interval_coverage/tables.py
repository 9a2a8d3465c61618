"""Tables of the study of interval coverage."""

from __future__ import annotations

import pandas as pd

from lib.studies.interval_coverage.findings import BLOCKS, PROCESSES, STATISTICS, Intervals


def coverage_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Processes and statistics down; the share of intervals that cover by kind of block, and their widths."""
    found, rows = Intervals.of(frame), []
    for process, process_name in PROCESSES.items():
        for statistic, name in STATISTICS.items():
            row: dict[str, object] = {"process": process_name, "interval of": name}
            for blocks, kind in BLOCKS.items():
                row |= found.covered(process, statistic, blocks).columns(kind)
            row["width, book / automatic"] = found.wider(process, statistic)
            rows.append(row)
    return pd.DataFrame(rows).dropna(subset=list(BLOCKS.values())).set_index(["process", "interval of"])


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Coverage by process and statistic."""
    return coverage_table(frame)
