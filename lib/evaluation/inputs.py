"""Where a study's panel comes from: a file when a path is given, otherwise the small overlay market.

The small market checks the pipeline; it is never evidence about a real market. A draw of it without
enough limit closes and halts exercises nothing, so it is refused.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from lib.errors import LibError, LoadError
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.limits.listing import seasoned
from lib.load import load_panel
from lib.market import make_market
from lib.panel import Panel
from lib.parameters import Parameter
from lib.reasons import Reason
from lib.store.rows import Settings
from lib.store.sources import file_digest

#: sessions of three months: until then a new listing moves by its own rules and fills no 60-day window
MIN_SESSIONS = Parameter(
    int, 62, low=0, high=1000, help="a stock of a file is a member from this session since its listing on; 0: at once"
)
#: parameters of every study on an A-share file
FILE = {
    "data_path": Parameter(str, None, optional=True, help="A-share file; without it generated markets only"),
    "universe": Parameter(
        str, None, optional=True, help="its column of members, or listed; None: in_csi300 where the file has it"
    ),
    "min_sessions": MIN_SESSIONS,
}
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


def study_panel(settings: Settings, seed: int, parameter: str = "data_path", market: str = "cn") -> Panel:
    """The panel of a row: the file that the parameter names, or an overlay market where it names none.

    Raises LoadError for a bad file, LibError for an overlay market with too few events.
    """
    if settings[parameter]:
        return file_panel(settings, parameter, market)
    return overlay_panel(settings, seed)


def overlay_panel(settings: Settings, seed: int) -> Panel:
    """An overlay market of the settings' size and planted alpha. Raises LibError for too few events."""
    planted = {name: settings[name] for name in MARKET_PARAMETERS if name in settings}
    return _overlay_panel(settings["n_stocks"], settings["n_days"], seed, **planted)


def file_panel(settings: Settings, parameter: str = "data_path", market: str = "cn") -> Panel:
    """The panel of the file that the parameter names; its members are in the universe and seasoned (`FILE`).

    `universe` is a column of the file of `data_path`; a second file keeps its own default.
    """
    path, universe = settings[parameter], settings.get("universe") if parameter == "data_path" else None
    return _file_panel(path, market, file_digest(path), universe, settings["min_sessions"])


@lru_cache(maxsize=1)  # rows of one group run in one process and share the panel
def _file_panel(path: str, market: str, content: str, universe: str | None, min_sessions: int) -> Panel:
    panel = load_panel(path, market=market, universe=universe)
    members = panel.universe & seasoned(panel.dates, panel.fields, panel.observed, min_sessions)
    if not members.any():
        name, days = panel.notes["file"], len(panel.dates)
        raise LoadError(f"{name}: min_sessions={min_sessions} leaves no member in {days} days; expected fewer, or 0")
    return panel.with_universe(members)


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
