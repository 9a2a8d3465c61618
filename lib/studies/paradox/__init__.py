"""The IC-Sharpe paradox (paper B, s6.3): does a mask lower the IC that is seen and raise the one that can be traded?"""

from __future__ import annotations

from lib.paper.results.study import Page
from lib.studies.mask_ablation.rows import study_of_rows
from lib.studies.paradox.measure import compute
from lib.studies.paradox.tables import CLAIM_IDS, answer_claims, summary

STUDY = study_of_rows(
    name="paradox",
    title="The IC-Sharpe paradox",
    compute=compute,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS),
)
