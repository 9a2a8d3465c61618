"""How much processor time and memory do all factors take, against pandas, bottleneck, polars and the authors' package?

All sides run in turns on one processor; the largest error of each stands beside its time. The papers compare pandas
with one large GPU, which is another question.
"""

from __future__ import annotations

from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.how_fast.measure import ALPHA_SETS, SIZES, compute, grid
from lib.studies.how_fast.page import CLAIM_IDS, answer_claims, findings
from lib.studies.how_fast.report import summary

STUDY = Study(
    name="how_fast",
    title="How fast",
    grid=grid,
    compute=compute,
    parameters={
        "primitive_sizes": Parameter(SIZES, ["500x500"], help="panels of the operators, DATESxSTOCKS"),
        "dtypes": Parameter(SIZES, ["float32", "float64"], choices=("float32", "float64"), help="of the inputs"),
        "windows": Parameter((list, int), [5, 60, 240], low=2, help="lengths that a window is swept over"),
        "factor_sizes": Parameter(SIZES, ["250x300"], help="panels of all factors, ours against the peers"),
        "agreement_size": Parameter(str, "260x60", help="panel on which the factors' values are compared"),
        "alphas": Parameter(SIZES, list(ALPHA_SETS), choices=ALPHA_SETS, help="sets of formulaic alphas, by peer"),
        "alpha_sizes": Parameter(SIZES, ["400x104"], help="panels of the formulaic alphas"),
        "alpha_agreement_size": Parameter(str, "400x56", help="panel on which their values are compared"),
        "alpha_rounds": Parameter(int, 0, low=0, high=100, help="processes of each side; 0: all in this one"),
        "masked_days": Parameter(int, 250, low=80, high=10000, help="days of the panel with one masked cell a stock"),
        "alone_sizes": Parameter(SIZES, ["250x150", "250x300", "500x300"], help="all factors, one process each"),
        "alone": Parameter(SIZES, ["ours", "pandas", "mlquantx"], help="which of them"),
        "neutral_size": Parameter(str, "60x300", help="panel of the neutralisation"),
        "update_size": Parameter(str, "200x300", help="history of the one-day update"),
        "whole_panel": Parameter(bool, False, help="also the papers' panel, 3500x3000, end to end to disk"),
        "least": Parameter(float, 0.02, low=0.0, high=10.0, help="CPU seconds of a sample of an operator, at least"),
        "repeats": Parameter(int, 5, low=1, high=1000, help="samples of each short call"),
        "long_repeats": Parameter(int, 3, low=1, high=1000, help="samples of each long call"),
    },
    scales={
        "smoke": {
            "primitive_sizes": ["150x100"], "dtypes": ["float32"], "windows": [5, 60], "least": 0.003, "repeats": 3,
            "factor_sizes": ["110x30"], "long_repeats": 2, "agreement_size": "110x30", "alone_sizes": ["130x40"],
            "alone": ["ours"], "neutral_size": "20x100", "update_size": "110x30",
            "alpha_sizes": ["130x40"], "alpha_agreement_size": "300x24", "masked_days": 120,
        },
        "paper": {
            "primitive_sizes": ["750x1000", "750x3000"], "windows": [5, 20, 60, 120, 240],
            "factor_sizes": ["750x1000", "750x3000"],
            "alone_sizes": ["750x300", "375x1000"],
            "alpha_sizes": ["750x1000"], "alpha_agreement_size": "500x500", "alpha_rounds": 2, "masked_days": 750,
            "neutral_size": "250x1000", "update_size": "250x3000", "repeats": 5, "long_repeats": 5,
        },
    },
    grid_only=(
        "primitive_sizes", "dtypes", "windows", "factor_sizes", "agreement_size", "alone_sizes", "alone",
        "neutral_size", "update_size", "whole_panel", "alphas", "alpha_sizes", "alpha_agreement_size", "masked_days",
    ),
    setting="different",  # the papers' times are of one A100; ours are of a CPU
    evidence="machine",
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
