"""Neutralisation: what a factor says beyond industry and size (paper A, eq. 5-8; paper B, eq. 2).

Read in this order: `exposures` (industries and sizes), `members` (the same, prepared for all blocks), `regression`
(the projection), `robust`, `components` and `strength` (the options), `pipeline`. `sums` holds the sums within groups
they share.
"""

from lib.factors.neutralisation.components import principal_components
from lib.factors.neutralisation.exposures import Exposures
from lib.factors.neutralisation.pipeline import neutralise, neutralise_block
from lib.factors.neutralisation.robust import Huber
from lib.factors.neutralisation.strength import AdaptiveStrength

__all__ = ["AdaptiveStrength", "Exposures", "Huber", "neutralise", "neutralise_block", "principal_components"]
