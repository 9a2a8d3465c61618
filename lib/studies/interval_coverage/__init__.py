"""Do the 95 % intervals of this book cover the truth in 95 of 100 histories?

Intervals over days come from resampled blocks. Returns are simulated from processes with known means and Sharpe ratios,
and the share of intervals that cover is counted, with the automatic length of a block and with the rule of this book.
"""

from __future__ import annotations

from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.interval_coverage.measure import compute, grid
from lib.studies.interval_coverage.page import coverage_table, findings

STUDY = Study(
    name="interval_coverage",
    title="Intervals that cover",
    grid=grid,
    compute=compute,
    parameters={
        "history": Parameter(int, 2900, low=60, high=20_000, help="days that an interval is made from"),
        "path": Parameter(int, 756, low=60, high=20_000, help="days of the further path, and of the short sample"),
        "repetitions": Parameter(int, 20, low=2, high=10_000, help="histories of each process per seed"),
        "samples": Parameter(int, 300, low=20, high=10_000, help="resampled paths behind an interval"),
    },
    scales={
        "smoke": {"history": 400, "path": 120, "repetitions": 4, "samples": 40, "seeds": 2},
        "laptop": {"repetitions": 10, "samples": 200, "seeds": 5},
        "paper": {"repetitions": 40, "seeds": 10},
    },
    group=lambda row: f"{row['variant']} {row['seed']}",
    setting="different",
    evidence="simulated",
    agreement=simulated,
    page=Page(table=coverage_table, findings=findings),
)
