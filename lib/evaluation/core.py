"""A small set of factors for studies that need a model rather than the whole library.

The 9 curated Alpha101 factors and 30 from the other families, chosen for breadth before any result was seen. All read
open, high, low, close and volume only, which every price file has.
"""

from __future__ import annotations

CORE = (
    "alpha_001", "alpha_002", "alpha_003", "alpha_004", "alpha_006", "alpha_007", "alpha_012", "alpha_053", "alpha_101",
    "better_001", "better_002", "better_008", "better_011", "better_020", "better_026",
    "best_003", "best_006", "best_012", "best_014",
    "old_029", "old_033", "old_034", "old_043", "old_048", "old_057", "old_059",
    "stock_002", "stock_006", "stock_011", "stock_018",
    "extra_001", "extra_006",
    "add_008", "add_014", "add_022",
    "change_002", "change_004",
    "original_004", "original_006",
)  # fmt: skip
