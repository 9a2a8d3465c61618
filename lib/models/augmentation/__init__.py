"""Synthetic panels that are appended to the days of a fit (A s3.E, B s3.5.4), and samples put together for it.

    panel = synthetic_panel(market.panel.rows(split.fit_start, split.fit_stop), rng, kind="stock_blocks")
    sample, own = joined([real, synthetic], validation)
    fit = neural(sample, seed=0)(own)

Whoever cuts the panel at the end of the fit days keeps the future out: nothing here sees a later day.
"""

from lib.models.augmentation.history import History, estimate
from lib.models.augmentation.samples import joined, labelled
from lib.models.augmentation.synthetic import BLOCK, KINDS, synthetic_panel

__all__ = ["BLOCK", "KINDS", "History", "estimate", "joined", "labelled", "synthetic_panel"]
