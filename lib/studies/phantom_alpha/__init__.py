"""The "phantom alpha" from limit-up stocks (paper B, s5.2): days with many limit-up closes against days with few."""

from __future__ import annotations

from lib.paper.results.study import Page
from lib.studies.mask_ablation.rows import study_of_rows
from lib.studies.phantom_alpha.measure import compute
from lib.studies.phantom_alpha.tables import CLAIM_IDS, answer_claims, summary

STUDY = study_of_rows(
    name="phantom_alpha",
    title="Phantom alpha on days with many limit-up closes",
    compute=compute,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS),
)
