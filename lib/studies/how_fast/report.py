"""`python -m lib bench`: measure, print the table, and leave a result file.

Unlike other studies a benchmark is measured anew each time. A run that was interrupted resumes: its finished rows lie
beside the result file until that is written.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lib.store.files import write_bytes
from lib.studies import record as record_rows
from lib.studies import run_study
from lib.studies.how_fast import STUDY
from lib.studies.how_fast import peers as peers_of
from lib.studies.how_fast import tables as tables_of
from lib.studies.how_fast.findings import Speed


def main(
    scale: str = "paper", *, whole_panel: bool = False, record: bool = False, out: str | Path = "out/bench.json"
) -> None:
    """Measure at a scale, print the table, write `out`; with `record` also the files that the book shows.

    Raises StoreError when `record` is asked for and files differ from the commit.
    """
    out = Path(out)
    rows = out.with_suffix(".rows")
    if record:
        # first, because it refuses before anything is measured; the run below then finds every row stored
        print(record_rows(STUDY, scale=scale, cache=rows, whole_panel=whole_panel).describe())
    result = run_study(STUDY, scale=scale, cache=rows, whole_panel=whole_panel)
    write_bytes(out, content(result.frame, result.provenance).encode())
    shutil.rmtree(rows, ignore_errors=True)
    print(report(result.frame, result.provenance))
    print(f"\nthe factor-axis Transformer, exact fast form against plain form\n{forms_of_the_transformer(scale)}")
    print(f"written: {out}")


def forms_of_the_transformer(scale: str) -> str:
    """Measured beside the study: it is a check of the form that other studies use, and no row of this one."""
    from lib.studies.how_fast import transformer
    from lib.studies.how_fast.bench.workloads import one_thread

    small = {"factors": 39, "rows": 64, "repeats": 3} if scale == "smoke" else {}
    with one_thread():
        return transformer.report(transformer.compare(**small))


def content(frame: pd.DataFrame, provenance: Mapping[str, Any]) -> str:
    """The result file: provenance, and the tidy rows (variant, seed, metric, value, n) as JSON.

    A number that is missing is null: JSON has no NaN.
    """
    rows = frame.drop(columns=["study", "setting"]).to_json(orient="records", lines=True, double_precision=15)
    listed = ",\n  ".join(rows.splitlines())
    return f'{{\n "provenance": {json.dumps(dict(provenance))},\n "rows": [\n  {listed}\n ]\n}}\n'


def report(frame: pd.DataFrame, provenance: Mapping[str, Any]) -> str:
    """The table with a head that says where and on what it was measured."""
    speed = Speed.of(frame)
    seconds, rate = (speed.numbers.find("machine", what).value for what in ("calibration", "bandwidth"))
    lines = [
        f"{provenance['hardware']}, {provenance['date']}, commit {str(provenance['commit'])[:10]}",
        f"calibration loop {seconds:.4f} CPU s, copying {rate / 1e9:.1f} GB/s",
        "ratios are CPU time of the other over ours, with where 95 % of further repeats lie",
    ]
    if speed.missing:
        lines.append(f"not installed: {', '.join(speed.missing)} (pip install -e '.[bench,peer,alphas]')")
    tables = {
        "": tables_of.summary(frame),
        "largest errors against float64, float32 inputs": tables_of.error_table(frame, "float32"),
        "all factors, one process each": tables_of.memory_table(frame),
        "all factors, the first call of a process (ours to disk) and a later one": peers_of.first_calls(frame),
        "formulaic alphas": peers_of.alphas(frame),
        "formulaic alphas that differ from ours": peers_of.alpha_differences(frame),
        "a masked cell in each stock": peers_of.masked_cells(frame),
        "start-up": peers_of.start_up(frame),
    }
    shown = [f"{title}\n{table.to_string(index=False, na_rep='-')}" for title, table in tables.items() if len(table)]
    return "\n\n".join(["\n".join(lines), *shown])
