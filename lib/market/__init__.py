"""The simulated market: a latent price that knows nothing of limits, a planted truth, and the exchange over it.

config     parameters, the two named calibrations, validation
regimes, episodes    the regime state of each day, and scripted stretches
stocks, latent       who is listed, and what the market wants
signals    the planted alpha and the reversal
exchange   ticks, limits, halts, spill-over
intraday, volume     open, high, low, vwap, and how much trades
truth      what comes out: panel, truth, twin
build      the order of it all
gbm        the papers' own generator
"""

from lib.market.build import make_market
from lib.market.config import CALIBRATIONS, MarketConfig
from lib.market.episodes import EPISODES, Episode
from lib.market.gbm import GBMConfig, paper_gbm
from lib.market.regimes import REGIMES
from lib.market.truth import Market, Truth

__all__ = [
    "make_market", "paper_gbm", "Market", "Truth", "MarketConfig", "GBMConfig", "CALIBRATIONS", "EPISODES", "Episode",
    "REGIMES",
]  # fmt: skip
