"""Does an exponentially weighted average in float32 drift away, and what would that cost a factor?

Every way to compute the average is held against one in the longest floating type, on the same prices. Rules for days
without a price are compared as well: they change the average without any rounding.
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.markets import market_grid, market_inputs
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.ewma_float32.measure import STEPS, compute
from lib.studies.ewma_float32.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="ewma_float32",
    title="The float32 average",
    grid=market_grid,
    compute=compute,
    parameters={
        **FILE,
        "n_stocks": Parameter(int, 100, low=30, high=5000, help="stocks of a simulated market"),
        "n_days": Parameter(int, 2800, low=2520, high=5000, help="its days: 2,500 of them must be valid"),
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"n_stocks": 40, "seeds": 2},
        "laptop": {"seeds": 5},
        "paper": {"n_stocks": 300, "n_days": 3500, "seeds": 20},
    },
    inputs=market_inputs,
    setting="reduced",
    # another processor rounds another way: errors of float32 come back in size, not in digits
    tolerances={**dict.fromkeys(("error", "median error", "ranks changed", "loss float32", "breaks at"), 1.0),
                **{f"error at {step}": 1.0 for step in STEPS}},
    evidence="simulated",
    agreement=simulated,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
