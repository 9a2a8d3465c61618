"""The rules of the Chinese exchanges as dated tables: who is quoted how, within which band, and since when.

A row says which kind of instrument it is about, the first day it is in force and where it is known from. The kinds are
the four boards of shares (`BOARDS`), the B shares (Shanghai's are quoted in 0.001 US dollars, Shenzhen's in 0.01 Hong
Kong dollars) and what is no share: funds, indices, bonds.

Sources that are cited in short:
  rules   the trading rules of the Shanghai, Shenzhen and Beijing exchanges
  public  several public sources that agree, none of them the rule itself
  prices  real prices of 2010-2025, in which the row is seen to hold
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.arrays import BoolArray, FloatArray, IntArray
from lib.days import as_days
from lib.errors import PanelError

BOARDS: Final = ("main", "chinext", "star", "bse")
#: of Shanghai and of Shenzhen, in foreign money; both follow the rules of the main board
B_SHARES: Final = ("b share", "b share hkd")
#: shares and what is no share; funds that follow STAR shares have their band
KINDS: Final = (*BOARDS, *B_SHARES, "fund", "wide fund", "index", "bond", "preferred share")
UNKNOWN_BOARD: Final = ""
ALWAYS: Final = "1900-01-01"


class Band(NamedTuple):
    """Largest move of a day in percent of the previous close, either way, from a day on."""

    kind: str
    special: bool  # special treatment: a name with ST or *ST
    since: str
    percent: int
    source: str


#: oldest first within a kind. An index and a bond have no row: nothing limits them here
BANDS: Final = (
    Band("main", False, "1996-12-16", 10, "rules"),
    Band("main", True, "1998-04-22", 5, "rules"),
    Band("main", True, "2026-07-06", 10, "public"),
    Band("chinext", False, "2009-10-30", 10, "rules"),
    Band("chinext", True, "2009-10-30", 5, "rules"),
    Band("chinext", False, "2020-08-24", 20, "rules; prices"),
    Band("chinext", True, "2020-08-24", 20, "rules"),
    Band("star", False, "2019-07-22", 20, "rules; prices"),
    Band("star", True, "2019-07-22", 20, "rules"),
    Band("bse", False, "2021-11-15", 30, "rules"),
    Band("bse", True, "2021-11-15", 30, "rules"),
    Band("b share", False, "1996-12-16", 10, "rules"),
    Band("b share", True, "1998-04-22", 5, "rules"),
    Band("b share", True, "2026-07-06", 10, "public: as the main board"),
    Band("b share hkd", False, "1996-12-16", 10, "rules"),
    Band("b share hkd", True, "1998-04-22", 5, "rules"),
    Band("b share hkd", True, "2026-07-06", 10, "public: as the main board"),
    Band("fund", False, "1996-12-16", 10, "rules; some funds of ChiNext shares have 20, which no code tells"),
    Band("wide fund", False, "2020-08-24", 20, "rules"),
)


class Quote(NamedTuple):
    """How prices of a kind are written and how a limit price is rounded to them, from a day on."""

    kind: str
    since: str
    ticks_per_yuan: int
    cut: bool  # an order beyond the exact product is void: the limit price is cut; else it is rounded half up
    source: str


#: a limit price lies at least that many ticks away from the previous close, and above zero; public
LEAST_TICKS: Final = 1
#: one row a kind: none of this has changed in the years of this book
QUOTES: Final = (
    Quote("main", ALWAYS, 100, False, "rules; prices"),
    Quote("chinext", ALWAYS, 100, False, "rules; prices"),
    Quote("star", ALWAYS, 100, False, "rules; prices"),
    Quote("bse", "2021-11-15", 100, True, "public: limit-up of 84.63 is 110.01, of 2.85 3.70"),
    Quote("b share", ALWAYS, 1000, False, "rules"),
    Quote("b share hkd", ALWAYS, 100, False, "rules"),
    Quote("fund", "2003-03-03", 1000, False, "rules"),
    Quote("wide fund", "2020-08-24", 1000, False, "rules"),
    Quote("index", ALWAYS, 100, False, "an index is computed, not traded: no limits"),
    Quote("bond", ALWAYS, 1000, False, "bonds are not our subject: no limits"),
    Quote("preferred share", ALWAYS, 100, False, "preferred shares are not our subject: no limits"),
)


class FirstSessions(NamedTuple):
    """Sessions after listing that have a rule of their own, by the day of listing.

    rise, fall: largest move in percent of the issue price (which is the first day's previous close); None: no limit
    auction:    percent of the issue price, either way, beyond which the opening auction takes no order
    """

    kind: str
    listed_since: str
    sessions: int
    rise: int | None
    fall: int | None
    auction: int | None
    source: str


_APPROVAL: Final = (
    "notices of both exchanges of 2013-12-13 and of Shenzhen of 2014-06-13, in force until listing by registration; "
    "prices. Before the second notice a close in Shenzhen could end up a little beyond: SZ002709 at +45.2 %"
)
#: oldest first within a kind; a kind without a row has its band from the first session on
FIRST_SESSIONS: Final = (
    FirstSessions("main", ALWAYS, 1, None, None, None, "rules"),
    FirstSessions("main", "2014-01-01", 1, 44, 36, 20, _APPROVAL),
    FirstSessions("main", "2023-04-10", 5, None, None, None, "rules: listing by registration"),
    FirstSessions("chinext", ALWAYS, 1, None, None, None, "rules"),
    FirstSessions("chinext", "2014-01-01", 1, 44, 36, 20, _APPROVAL),
    FirstSessions("chinext", "2020-08-24", 5, None, None, None, "rules: listing by registration"),
    FirstSessions("star", ALWAYS, 5, None, None, None, "rules: by registration from its first day"),
    FirstSessions("bse", ALWAYS, 1, None, None, None, "rules"),
    FirstSessions("b share", ALWAYS, 1, None, None, None, "rules"),
    FirstSessions("b share hkd", ALWAYS, 1, None, None, None, "rules"),
)

_SYMBOL = re.compile(r"^(?:(SH|SZ|BJ)(\d{6})|(\d{6})(?:\.(SH|SZ|BJ))?)\Z", re.ASCII)
_MISSPELT = re.compile(r"\s*(?:[A-Z]{2,4}\.?|\d\.)?\d{6}(?:\.?[A-Z]{2,4})?\s*", re.IGNORECASE)
#: what is quoted at no exchange: the indices of Shenwan
NOWHERE: Final = ""
#: (exchange, code pattern, kind), shares first: a code without its exchange is taken for a share if it can be one.
#: Ordinary shares of Beijing begin with 83, 87 and 88 (its guide to codes of 2021-11-15), with 43 from before and with
#: 92 since 2024. No share with 88 is known, and 880 and 881 are indices of vendors: such a code is no share here. Nor
#: is 400 or 420, the companies that left an exchange and are dealt in off it.
_CODES: Final = (
    ("SH", re.compile(r"68[89]\d{3}"), "star"),
    ("SH", re.compile(r"60\d{4}"), "main"),
    ("SH", re.compile(r"900\d{3}"), "b share"),
    ("SZ", re.compile(r"30\d{4}"), "chinext"),
    ("SZ", re.compile(r"00[0-4]\d{3}"), "main"),
    ("SZ", re.compile(r"20[01]\d{3}"), "b share hkd"),
    ("BJ", re.compile(r"899\d{3}"), "index"),
    ("BJ", re.compile(r"(92|43|83|87)\d{4}"), "bse"),
    ("SH", re.compile(r"58[89]\d{3}"), "wide fund"),
    ("SH", re.compile(r"5\d{5}"), "fund"),
    ("SZ", re.compile(r"1[568]\d{4}"), "fund"),
    ("SH", re.compile(r"(000|88\d|93\d|95\d)\d{3}"), "index"),
    ("SZ", re.compile(r"(399|9[78]\d)\d{3}"), "index"),
    (NOWHERE, re.compile(r"(801|85\d)\d{3}"), "index"),
    ("SH", re.compile(r"36\d{4}"), "preferred share"),
    ("SZ", re.compile(r"140\d{3}"), "preferred share"),
    ("SH", re.compile(r"[012]\d{5}"), "bond"),
    ("SZ", re.compile(r"1[0-4]\d{4}"), "bond"),
)


def is_symbol(symbol: str) -> bool:
    """Whether `symbol` is written 600000, 600000.SH or SH600000.

    >>> is_symbol("600000.SH"), is_symbol("1")
    (True, False)
    """
    return _SYMBOL.match(symbol) is not None


def check_spelling(symbols: ArrayLike) -> None:
    """Refuse codes of six digits that are marked otherwise: they would pass for no code at all. Raises PanelError.

    >>> check_spelling(["SZ300001", "300001.SZ", "ACME"])
    """
    names = [str(symbol) for symbol in np.asarray(symbols)]
    wrong = [name for name in names if not is_symbol(name) and _MISSPELT.fullmatch(name)]
    if wrong:
        raise PanelError(
            f"symbols hold {wrong[0]!r} ({len(wrong):,} of {len(names):,} so), whose board and price limits are not "
            f"known in that spelling; expected 600000, 600000.SH or SH600000: write it so (`lib.load.keys.spell`)"
        )


def kind_of(symbol: str) -> str:
    """What one symbol is, of `KINDS`, or the empty string when its code belongs to none.

    >>> kind_of("SH688001"), kind_of("510300.SH"), kind_of("SH000001"), kind_of("000001")
    ('star', 'fund', 'index', 'main')
    """
    match = _SYMBOL.match(symbol)
    if match is None:
        return UNKNOWN_BOARD
    exchange, code = match[1] or match[4], match[2] or match[3]
    for where, pattern, kind in _CODES:
        if exchange in (None, where) and pattern.fullmatch(code):
            return kind
    return UNKNOWN_BOARD


def exchange_of_share(code: str) -> str:
    """The exchange whose shares have such codes, or the empty string; funds, bonds and indices share the other codes.

    >>> exchange_of_share("600000"), exchange_of_share("000001"), exchange_of_share("510300")
    ('SH', 'SZ', '')
    """
    shares = (row for row in _CODES if row[2] in (*BOARDS, *B_SHARES))
    return next((exchange for exchange, pattern, _ in shares if pattern.fullmatch(code)), "")


def kinds_of(symbols: ArrayLike) -> NDArray[np.str_]:
    """Kind of every symbol, shape [N]; the empty string where unknown."""
    return np.array([kind_of(str(symbol)) for symbol in np.asarray(symbols)], dtype=np.str_)


def board_of(symbol: str) -> str:
    """Board of one share, or the empty string for what is none; B shares are on the main board.

    >>> board_of("SH688001"), board_of("300750.SZ"), board_of("000001"), board_of("920002"), board_of("SH510300")
    ('star', 'chinext', 'main', 'bse', '')
    """
    kind = kind_of(symbol)
    return "main" if kind in B_SHARES else kind if kind in BOARDS else UNKNOWN_BOARD


def boards_of(symbols: ArrayLike) -> NDArray[np.str_]:
    """Board of every symbol, shape [N]; the empty string where unknown."""
    return np.array([board_of(str(symbol)) for symbol in np.asarray(symbols)], dtype="<U7")


def bands(kind: ArrayLike, dates: ArrayLike, is_st: ArrayLike = False) -> FloatArray:
    """Band in percent by kind (a board), date and special treatment, from the dated table; NaN where there is none.

    The three arguments broadcast: kinds [N] or [T,N], dates [T,1], is_st [T,N] give [T,N]. A date
    before the first row of a kind takes that row: prices older than the rule are not our subject.

    >>> days = np.array(["2020-08-21", "2020-08-24"], dtype="datetime64[D]")
    >>> bands("chinext", days).tolist(), bands("main", days, True).tolist()
    ([10.0, 20.0], [5.0, 5.0])
    """
    kind, is_st = np.asarray(kind), np.asarray(is_st, dtype=bool)
    dates = as_days(dates)
    out = np.full(np.broadcast_shapes(kind.shape, dates.shape, is_st.shape), np.nan)
    for name in KINDS:
        if not np.any(kind == name):
            continue
        for special in (False, True):
            rows = _rows(name, special)
            if rows:
                out = np.where((kind == name) & (is_st == special), dated(rows, dates), out)
    return out


def widest_bands(kind: ArrayLike, dates: ArrayLike) -> FloatArray:
    """The widest band that any instrument of a kind has on a date, in percent; broadcasts as `bands`.

    A special treatment that ended unnoticed, and a fund of ChiNext shares, move further than their own row allows.

    >>> widest_bands(["main", "fund"], ["2024-01-02"]).tolist()
    [10.0, 20.0]
    """
    kind = np.asarray(kind)
    usual, special = bands(kind, dates), bands(kind, dates, True)
    return np.fmax(np.fmax(usual, special), bands(np.where(kind == "fund", "wide fund", kind), dates))


def _rows(kind: str, special: bool) -> list[tuple[str, int]]:
    """Since when, and percent; a kind that knows no special treatment has one band."""
    own = [row for row in BANDS if row.kind == kind]
    rows = [row for row in own if row.special == special] or own
    return [(row.since, row.percent) for row in rows]


def ticks_per_yuan(kind: ArrayLike) -> IntArray:
    """Ticks in a yuan (a dollar) by kind; 100, those of shares, where the kind is unknown.

    >>> ticks_per_yuan(["main", "fund", ""]).tolist()
    [100, 1000, 100]
    """
    kind = np.asarray(kind)
    out = np.full(kind.shape, 100, dtype=np.int64)
    for quote in QUOTES:
        out = np.where(kind == quote.kind, quote.ticks_per_yuan, out)
    return out


def is_cut(kind: ArrayLike) -> BoolArray:
    """Whether limit prices of a kind are cut to the tick instead of rounded half up.

    >>> is_cut(["main", "bse"]).tolist()
    [False, True]
    """
    return np.isin(kind, [quote.kind for quote in QUOTES if quote.cut])


def first_sessions(kind: ArrayLike, listed_on: ArrayLike) -> dict[str, FloatArray]:
    """The row of `FIRST_SESSIONS` in force for each kind and day of listing, as arrays by column.

    {"sessions", "rise", "fall", "auction"}; sessions is 0 for a kind without a row, NaN stands for no limit.
    An unknown kind has the rule of old: one session without a limit.

    >>> first_sessions(["main", "star"], ["2017-03-07", "2020-01-06"])["rise"].tolist()
    [44.0, nan]
    """
    kind, listed_on = np.asarray(kind), as_days(listed_on, "listing days")
    shape = np.broadcast_shapes(kind.shape, listed_on.shape)
    out = {name: np.full(shape, np.nan) for name in ("rise", "fall", "auction")}
    out["sessions"] = np.where(np.isin(kind, KINDS), 0.0, 1.0) + np.zeros(shape)
    for name in dict.fromkeys(row.kind for row in FIRST_SESSIONS):
        rows = [row for row in FIRST_SESSIONS if row.kind == name]
        for column, values in out.items():
            own = [(row.listed_since, _number(getattr(row, column))) for row in rows]
            out[column] = np.where(kind == name, dated(own, listed_on), values)
    return out


def _number(value: int | None) -> float:
    return np.nan if value is None else float(value)


def free_sessions(kind: ArrayLike, listed_on: ArrayLike) -> IntArray:
    """Sessions without a limit after listing, by kind (a board) and listing day; 1 for an unknown one.

    >>> free_sessions(["main", "main", "star"], np.array(["2020-01-06", "2023-04-10", "2019-07-22"], "M8[D]"))
    array([0, 5, 5])
    """
    rule = first_sessions(kind, listed_on)
    return np.where(np.isnan(rule["rise"]), rule["sessions"], 0).astype(np.int64)


def dated(rows: list[tuple[str, Any]], dates: NDArray[Any]) -> FloatArray:
    """Value in force on each date, from (first day, value) rows in date order."""
    since = np.array([day for day, _ in rows], dtype="datetime64[D]")
    values = np.array([value for _, value in rows], dtype=np.float64)
    return values[np.maximum(np.searchsorted(since, dates, side="right") - 1, 0)]
