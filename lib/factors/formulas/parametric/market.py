"""A stock and the market: beta (paper A, eq. 2), leadership, market-model residuals, and paper A's eq. 1.

The market's return is a mean over the day's valid members of the universe, so it is known only for cells in it: a
stock that joins the universe has a beta once its window has enough days of membership.
"""

from __future__ import annotations

from lib.factors.fields import close, ret, volume
from lib.factors.formulas.parametric.template import POOLS, Expansion, Grid
from lib.graph import Node
from lib.ops import cs_rank, delay, equal, group_neutralize, min, power, sign, ts_corr, ts_cov, ts_mean, ts_std


def day_mean(x: Node) -> Node:
    """Mean of x over the day's valid stocks in the universe, on each of their cells; invalid where x is.

    Everybody in one group: what `group_neutralize` takes away is the mean.
    """
    return x - group_neutralize(x, equal(x, x))


#: currency traded in a day, the size of a stock where a file has no market value; splits cancel in the product
traded_value = close * volume
#: weights of the large-cap market: what was traded before the day whose return they weigh
WEIGHT = delay(ts_mean(traded_value, 20), 1) * equal(ret, ret)
MARKETS = {"equal": day_mean(ret), "large": day_mean(WEIGHT * ret) / day_mean(WEIGHT)}


def beta(market: str, w: int) -> Node:
    """cov(r, m) / var(m) over w days."""
    m = MARKETS[market]
    return ts_cov(ret, m, w) / ts_cov(m, m, w)


def fall_beta(market: str, w: int) -> Node:
    """Beta on the market's falls: its rises count as 0."""
    fall = min(MARKETS[market], 0)
    return ts_cov(ret, fall, w) / ts_cov(fall, fall, w)


def residual_volatility(market: str, w: int) -> Node:
    """Deviation of the market-model residual: std(r) sqrt(1 - corr(r, m)^2)."""
    r = ts_corr(ret, MARKETS[market], w)
    return power(1 - r * r, 0.5) * ts_std(ret, w)


def residual_return(market: str, w: int) -> Node:
    """Intercept of the market model: mean(r) - beta mean(m)."""
    return ts_mean(ret, w) - beta(market, w) * ts_mean(MARKETS[market], w)


relation = Expansion("market", "Relation of a stock to the market")
GRID: Grid = {"w": (20, 40, 60, 120, 252), "market": MARKETS, "pool": POOLS}

relation("beta", beta, "rolling market beta", "paper A, eq. 2", GRID)
relation("fall_beta", fall_beta, "beta on falling days", "paper A s4.B.2", GRID)
relation("market_corr", lambda w, market: ts_corr(ret, MARKETS[market], w), "correlation with the market", "paper A s4.B.2", GRID)
relation("leads", lambda w, market: ts_corr(delay(ret, 1), MARKETS[market], w), "market follows the stock", "paper A s4.B.2", GRID)
relation("lags", lambda w, market: ts_corr(ret, delay(MARKETS[market], 1), w), "stock follows the market", "paper A s4.B.2", GRID)
relation("capture", lambda w, market: ts_mean(ret * sign(MARKETS[market]), w), "gain on rising less on falling days", "paper A s4.B.2", GRID)
relation("residual_volatility", residual_volatility, "volatility beside the market", "paper A s4.B.2", GRID)
relation("residual_return", residual_return, "return beside the market", "paper A s4.B.2", GRID)

product = Expansion("product", "Return rank times volume rank")
product("return_volume", lambda d, v: cs_rank(close / delay(close, d) - 1) * cs_rank(ts_mean(volume, v) if v > 1 else volume),
        "return rank times volume rank", "paper A, eq. 1", {"d": (1, 5, 10, 20, 60, 120, 252), "v": (1, 5, 20, 60), "pool": POOLS})  # fmt: skip
