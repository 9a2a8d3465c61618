"""The listed stocks: names, boards, and what each is like for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.arrays import FloatArray
from lib.limits.ticks import bands
from lib.market.exchange import log_ticks

if TYPE_CHECKING:
    from lib.market.config import MarketConfig


_SMALL_IS_WILD: Final = 0.10  # log volatility per standard deviation of (minus) log size


@dataclass(frozen=True, eq=False)
class Stocks:
    """N stocks; all [N] but `percent`."""

    symbols: NDArray[np.str_]
    board: NDArray[np.str_]
    percent: FloatArray  # [T,N] daily limit
    wide: NDArray[np.bool_]  # on a 20 % board
    beta: FloatArray
    size: FloatArray  # z-score of log float value on the first day
    vol: FloatArray  # idiosyncratic, per day
    first_ticks: NDArray[np.int64]
    shares: FloatArray  # free float
    industry_code: NDArray[np.int64]

    @property
    def industry(self) -> NDArray[np.str_]:
        """Industry names, I00 the largest by expectation."""
        return np.array([f"I{code:02d}" for code in self.industry_code])


def list_stocks(cfg: MarketConfig, n: int, dates: NDArray[Any], rng: np.random.Generator) -> Stocks:
    """Draw the stocks: Zipf industries, lognormal sizes and volatilities; small and 20 %-board names are wilder."""
    wide = np.arange(n) >= n - round(cfg.wide_share * n)  # sorted symbols: SH600... before SH688...
    codes = np.where(wide, 688_000 + np.cumsum(wide) - 1, 600_000 + np.arange(n))
    board = np.where(wide, "star", "main")
    price = np.log(cfg.first_price) + cfg.price_dispersion * rng.standard_normal(n)
    shares = np.rint(5e8 * np.exp(rng.standard_normal(n)))
    size = np.log(shares) + price
    size = (size - size.mean()) / (size.std() or 1.0)
    log_vol = cfg.vol_dispersion * rng.standard_normal(n) - _SMALL_IS_WILD * size
    rank = 1 / np.arange(1, cfg.n_industries + 1)  # Zipf
    return Stocks(
        symbols=np.array([f"SH{code}" for code in codes]),
        board=board,
        percent=np.broadcast_to(bands(board, dates[0]), (len(dates), n)),
        wide=wide,
        beta=rng.normal(1.0, cfg.beta_sd, n),
        size=size,
        vol=cfg.vol_median * np.exp(log_vol) * np.where(wide, cfg.wide_scale, 1.0),
        first_ticks=log_ticks(price),
        shares=shares,
        industry_code=rng.choice(cfg.n_industries, n, p=rank / rank.sum()),
    )
