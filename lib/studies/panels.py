"""Where a study's panel comes from: a file when a path is given, otherwise the small overlay market.

The overlay market proves that the plumbing works; it is never evidence about a real market. A draw of it without
enough limit closes and halts exercises nothing, so it is refused.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from lib.errors import LibError
from lib.load import load_panel
from lib.market import make_market
from lib.panel import Panel
from lib.reasons import Reason
from lib.sources import file_digest

OVERLAY = "overlay"
ENOUGH_EVENTS = 100


def source_name(path: str | None) -> str:
    """Short name of a source in tables: csi300, us, overlay, or the file's own name.

    >>> source_name("data/cn_csi300_pit_2010_2024.parquet"), source_name(None)
    ('csi300', 'overlay')
    """
    if not path:
        return OVERLAY
    stem = Path(path).stem.lower()
    return next((name for name, mark in (("csi300", "csi300_pit"), ("us", "us_sp500")) if mark in stem), stem)


def study_panel(path: str | None, market: str, n_stocks: int, n_days: int, seed: int, **config: float) -> Panel:
    """The panel of a row; config: further settings of the overlay market.

    Raises LoadError for a bad file, LibError for an overlay market with too few events.
    """
    return _file_panel(path, market, file_digest(path)) if path else _overlay_panel(n_stocks, n_days, seed, **config)


@lru_cache(maxsize=1)  # rows of one group run in one process and share the panel
def _file_panel(path: str, market: str, content: str) -> Panel:
    return load_panel(path, market=market)


@lru_cache(maxsize=1)
def _overlay_panel(n_stocks: int, n_days: int, seed: int, **config: Any) -> Panel:
    panel = make_market(n_stocks, n_days, seed, **config).panel
    for what, bits in (("limit closes", Reason.LIMIT_UP | Reason.LIMIT_DOWN), ("halts", Reason.HALT)):
        count = int(((panel.reasons & bits) > 0).sum())
        if count < ENOUGH_EVENTS:
            raise LibError(
                f"the overlay market {n_stocks} x {n_days}, seed {seed}, holds {count} {what}; a run needs at least "
                f"{ENOUGH_EVENTS}: take more stocks or days"
            )
    return panel
