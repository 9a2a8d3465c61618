"""Is the IC higher on days with many limit-up closes and the executed return poorer, and why (paper B, s5.2)?

Days of simulated markets are split by their number of limit-up closes; the mean path around one of them shows what the
market wanted, what was printed, and where the model ranks the stock.
"""

from __future__ import annotations

from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page
from lib.studies.mask_ablation.rows import study_of_rows
from lib.studies.phantom_alpha.measure import compute
from lib.studies.phantom_alpha.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = study_of_rows(
    name="phantom_alpha",
    title="Phantom alpha on days with many limit-up closes",
    compute=compute,
    agreement=simulated,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
