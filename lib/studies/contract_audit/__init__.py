"""Does what lies under the mask ever reach a valid factor value, in this book and in the papers' own package?

The same checks run over both: masked cells are overwritten, factors computed again, and bits compared.
"""

from __future__ import annotations

from lib.factors import factor_names
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.contract_audit.measure import compute, grid, unavailable
from lib.studies.contract_audit.page import findings, kinds_table

STUDY = Study(
    name="contract_audit",
    title="The contract, audited",
    grid=grid,
    compute=compute,
    parameters={
        "panels": Parameter(int, 10, low=1, high=1000, help="random panels; every fifth is long"),
        "n_stocks": Parameter(int, 12, low=6, high=500, help="stocks of a panel"),
        "n_days": Parameter(int, 90, low=90, high=2000, help="days of a short panel"),
        "long_days": Parameter(int, 280, low=280, high=2000, help="days of a long panel, for windows of a year"),
        "values_stocks": Parameter(int, 40, low=10, high=500, help="stocks of the panel without masked cells"),
        "values_days": Parameter(int, 600, low=450, high=2000, help="its days: twice the longest memory and more"),
    },
    scales={"smoke": {"panels": 2, "values_stocks": 20}, "laptop": {}, "paper": {"panels": 25}},
    setting="different",
    # rows of values are float32 against float32: another processor may round another way
    tolerances={f"{name}: {metric}": 0.02 for name in factor_names() for metric in ("agreement", "correlation")},
    unavailable=unavailable,
    page=Page(table=kinds_table, findings=findings),
)
