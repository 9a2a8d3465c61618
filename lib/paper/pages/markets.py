"""The markets of one result, simulated ones and perhaps a price file: their names in words, and their small print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.stats.over_seeds import MARKET, sources_of

if TYPE_CHECKING:
    import pandas as pd

    from lib.paper.pages.result import PageResult

#: by name in the rows; any other file goes by its own name
FILES = {"csi300": "CSI 300"}
RATES = {MARKET: "CSI 300 limit rates", f"{MARKET}_paper": "the paper's limit rates"}


def market_titles(rows: pd.DataFrame) -> dict[str, str]:
    """Name of a market in the rows -> its name in words; the simulated ones first."""
    names = sources_of(rows)
    several = sum(name.startswith(MARKET) for name in names) > 1
    made = {name: f"simulated, {RATES[name]}" if several else "simulated market" for name in RATES}
    return {name: made.get(name) or f"real prices, {FILES.get(name, name)}" for name in names}


def market_note(shown: PageResult, name: str) -> str:
    """Small print for what is shown of one of the markets."""
    titles = market_titles(shown.rows)
    return f"{titles[name]}; {shown.note if name.startswith(MARKET) else shown.name}"
