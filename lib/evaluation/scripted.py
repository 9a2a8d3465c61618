"""Simulated markets whose regimes are scripted, and the pipelines that are compared on them."""

from __future__ import annotations

#: (regime, sessions). The training years hold every regime; the test span the papers' three, in their order and length
TRAINING = (
    ("calm", 240), ("bear", 90), ("calm", 130), ("rally", 60), ("calm", 140), ("bear", 60), ("rally", 61),
)  # fmt: skip
TEST = (("bear", 182), ("calm", 242), ("rally", 118))
FIRST_TEST_YEAR = 2013
N_DAYS = sum(length for _, length in TRAINING + TEST)

PIPELINES = ("none", "row_deletion", "mask_skip", "mask_paper")
#: what readers call them
PIPELINE_NAMES = {
    "none": "unmasked",
    "row_deletion": "rows deleted",
    "mask_skip": "windows skip masked days",
    "mask_paper": "strict windows, the papers' mask",
}
