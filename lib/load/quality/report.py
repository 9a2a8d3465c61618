"""What a file holds, in a few lines: rows, dates, symbols, units, masked cells, what was repaired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from lib.limits.exchanges import UNKNOWN_BOARD, is_symbol, kinds_of
from lib.load.build import load_panel
from lib.load.containers import listed
from lib.load.files import Caps
from lib.load.instruments import named
from lib.load.read import read
from lib.load.sources import canonical
from lib.panel import Panel
from lib.reasons import Reason

SESSIONS: Final = 243  # a year in China
#: years of stocks before few ex-dates are worth a remark, and how many a year are few
ENOUGH_YEARS, FEW = 10.0, 0.2
#: count in the notes -> what is said about it
_COUNTED: Final = {
    "limits_computed": "{:,} traded cells have no row in the table of limits: computed from the previous close, board, "
    "date and ST",
    "pre_close_filled": "{:,} rows have no previous close: the last close stands in, wrong on an ex-date",
    "pre_close_unknown": "{:,} traded rows have no previous close and no row before: no return and no limit there",
    "status_guessed": "{:,} rows have an empty trading status: taken as traded where there is a volume, else as halted",
    "unfinished_files": "{:,} CSV files end without a line break: the last number may be cut off",
    "listed_on_first_row": "{:,} stocks taken as listed on their first row (no list_date): their first sessions have "
    "the limits of a new listing, or none",
    "halted_without_prices": "{:,} halted rows have prices of 0: taken as halts at the last close",
}
#: days in the notes -> what is said about them
_DAYS_NAMED: Final = {
    "weekdays_missing_alone": "weekdays are missing between two sessions (holidays of one day, or lost rows)",
    "weekend_sessions": "sessions are on a weekend",
    "idle_sessions": "sessions have rows and no trade at all (a holiday that was filled in?): no stock trades there",
    "trade_without_volume": "rows have no volume, though prices moved or an amount was paid: masked as missing",
    "previous_close_unknown": "traded rows have no previous close although the stock traded before: masked as missing",
    "beyond_every_limit": "days lie well beyond every limit the board could have had, so none was in force (delisting "
    "period, relisting, resumption): tradable both ways",
}
#: cells in the notes -> what is said about them
_CELLS_NAMED: Final = {
    "leaps": "{} rows leap beyond every limit, away from their average price or with no halt before ({}): a price in "
    "another scale, or a split without its factor; masked as missing",
    "no_factor": "{} traded rows have no adj_factor ({}): masked as missing, for an ex-date there would go unnoticed; "
    "fetch the factors of every stock",
}
#: kind of symbol -> what it is called, and what its limits are
_OTHERS: Final = {
    "fund": ("are funds, not shares", "their limits are 10 %, 20 % where a price shows it"),
    "wide fund": ("are funds of STAR shares, not shares", "their limits are 20 %"),
    "index": ("are indices, not shares", "nothing limits an index, and nobody trades one"),
    "bond": ("are bonds, not shares", "no limits are computed"),
    "preferred share": ("are preferred shares", "no limits are computed"),
    UNKNOWN_BOARD: ("have a code of no known board, fund, index or bond", "where limits are computed they get the "
                    "main board's"),
}  # fmt: skip
#: symbols, or days, named in a remark
_SHOWN: Final = 3


def report(path: str | Path, market: str = "auto", format: str = "auto") -> str:  # noqa: A002 - as in load_panel
    """What a file holds and what the quality control of `lib.load.quality.measures` would exclude, as text.

    market="auto" is "cn" if most symbols are A-share symbols, else "none". Raises LoadError.
    """
    from lib.load.quality.measures import quality_control

    panel = load_panel(path, market=guess_market(path, format) if market == "auto" else market, format=format)
    lines = [*report_lines(panel), *quality_control(panel).lines()]
    return "\n".join(f"{name:<12}{text}" for name, text in lines)


def guess_market(path: str | Path, format: str = "auto") -> str:  # noqa: A002 - as in load_panel
    """ "cn" if most symbols of a file are A-share symbols or its source is Chinese, else "none"."""
    data = read(Path(path), format, None, Caps())
    if data.source is not canonical.RECORD:
        return "cn"
    return "cn" if np.mean([is_symbol(str(s)) for s in data.table.symbols.values]) >= 0.5 else "none"


def report_lines(panel: Panel) -> list[tuple[str, str]]:
    """(subject, what was found) for a panel that `load_panel` made."""
    notes = panel.notes
    lines = [
        ("file", f"{notes['file']} ({notes['encoding']}), market {panel.market!r}"),
        ("source", f"{notes['source']}, {notes['files']:,} {'file' if notes['files'] == 1 else 'files'}"),
        ("rows", f"{notes['rows']:,}"),
        ("dates", f"{panel.shape[0]:,} from {panel.dates[0]} to {panel.dates[-1]}"),
        ("symbols", f"{panel.shape[1]:,} from {panel.symbols[0]} to {panel.symbols[-1]}"),
        ("fields", " ".join(panel.fields)),
        ("ignored", " ".join(notes["ignored_columns"]) or "no column"),
        ("units", f"{notes['units']}; {_prices(panel)}"),
        ("universe", f"{notes['universe']}, {panel.universe.sum() / panel.shape[0]:.1f} symbols a day"),
        ("limits", _limit_line(notes)),
        ("masked", _masked_line(panel)),
        ("adjustment", _adjustment_line(panel)),
        ("repaired", _repaired_line(notes)),
        (
            "calendar",
            f"{notes['weekdays_without_session']:,} weekdays without a session; "
            f"unexplained holes: {', '.join(notes['calendar_holes'][:5]) or 'none'}",
        ),
    ]
    lines += [("note", text) for text in (*_remarks(notes), *_china_remarks(panel), *_few_ex_dates(panel))]
    return [(subject, _printable(text)) for subject, text in lines]


def _printable(text: str) -> str:
    """One line without control characters: names of files, columns and symbols are whatever the file says.

    >>> _printable("a\\nb\\x1b[31m")
    'a b?[31m'
    """
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


def masked_shares(panel: Panel) -> dict[str, float]:
    """Share of cells that carry each reason, and `any` for the share that is masked."""
    shares = {"any": float(np.mean(~panel.mask))}
    return shares | {str(r.name).lower(): float(np.mean((panel.reasons & r.value) > 0)) for r in Reason}


def _prices(panel: Panel) -> str:
    return "prices raw (on the 0.01 grid)" if panel.market == "cn" else "prices not checked for adjustment"


def _masked_line(panel: Panel) -> str:
    shares = masked_shares(panel)
    by_reason = ", ".join(f"{name} {share:.3%}" for name, share in shares.items() if name != "any")
    return f"{shares['any']:.3%} of cells; by reason: {by_reason}"


def _adjustment_line(panel: Panel) -> str:
    notes = panel.notes
    if "ex_dates" not in notes:
        return "none (needs pre_close, or adj_factor)"
    text = f"from pre_close ({notes.get('pre_close', 'in the file')}), {notes['ex_dates']:,} ex-dates"
    wrong = notes.get("adjustment_disagreement")
    return text + (f"; adj_factor disagrees by more than 1 % on {len(wrong)} rows" if wrong is not None else "")


def _limit_line(notes: dict[str, Any]) -> str:
    count = notes.get("closes_beyond_limit", 0)
    return notes["limit_source"] + (f"; {count:,} closes lie beyond them" if count else "")


def _few_ex_dates(panel: Panel) -> list[str]:
    """A-shares pay about once a year; a source whose previous close ignores that leaves dividends in the returns."""
    years = float(panel.observed.sum()) / SESSIONS
    found = panel.notes.get("ex_dates")
    if panel.market != "cn" or found is None or years < ENOUGH_YEARS or found >= FEW * years:
        return []
    return [
        f"only {found:,} ex-dates in {years:,.0f} years of stocks, where about one a year is usual: the previous close "
        f"may ignore dividends and splits, and they are then in the returns"
    ]


def _repaired_line(notes: dict[str, Any]) -> str:
    parts = [
        f"{notes['unsorted_rows']:,} rows out of date order sorted",
        f"{notes['contradictory_rows']:,} contradictory rows masked",
        f"empty values: {notes['empty_values'] or 'none'}",
    ]
    if notes.get("respelled_symbols"):
        parts.append(f"{notes['respelled_symbols']:,} symbols respelled")
    if "halts_filled" in notes:
        parts.append(f"{notes['halts_filled']:,} days without a row taken as halts")
    return "; ".join(parts)


def _remarks(notes: dict[str, Any]) -> list[str]:
    remarks = [notes["limit_note"]] if "limit_note" in notes else []
    if "vwap" in notes:
        remarks.append(f"vwap is {notes['vwap']}")
    if notes.get("silent_to_the_end"):
        remarks.append(
            f"{notes['silent_to_the_end']:,} stocks have no row up to the last day: halted or delisted, the source "
            f"does not say"
        )
    if notes.get("days_without_row_or_halt"):
        remarks.append(f"{notes['days_without_row_or_halt']:,} days without a row are not named as halts: missing")
    if notes.get("halts_with_trades"):
        remarks.append(f"{notes['halts_with_trades']:,} full-day halts have trades: taken as traded")
    remarks += [text.format(notes[name]) for name, text in _COUNTED.items() if notes.get(name)]
    for name, text in _DAYS_NAMED.items():
        if days := notes.get(name):
            remarks.append(f"{len(days):,} {text}: {', '.join(days[-_SHOWN:])}{' and earlier' * (len(days) > _SHOWN)}")
    remarks += list(_left_out(notes))
    for name, rows in notes.get("repeated_rows", {}).items():
        if rows:
            remarks.append(f"{name}: {rows:,} rows repeat another one and are dropped")
    for name, rows in notes.get("joined", {}).items():
        if rows:
            remarks.append(f"{name}: {rows:,} rows are about other stocks or days")
    return remarks


def _no_shares(panel: Panel) -> list[str]:
    """Symbols whose code is that of a fund, an index or a bond, or of nothing known."""
    if "board" in panel.fields:
        return []
    kinds, remarks = kinds_of(panel.symbols), []
    for kind, text in _OTHERS.items():
        found = panel.symbols[kinds == kind]
        if len(found):
            shown = ", ".join(map(str, found[:_SHOWN])) + ", ..." * (len(found) > _SHOWN)
            remarks.append(f"{len(found):,} symbols {text[0]}: {shown}; {text[1]}")
    return remarks


def _left_out(notes: dict[str, Any]) -> Iterator[str]:
    """Files that were not read, symbols that are no stocks, rows that lost their volume: each named."""
    if skipped := notes.get("skipped_files"):
        yield f"{len(skipped):,} files skipped: {_first([f'{name} ({why})' for name, why in skipped.items()])}"
    if unread := notes.get("unread_files"):
        yield f"not read: {listed(unread)} files; unpack or convert them if they hold prices"
    if others := notes.get("not_stocks"):
        yield f"{len(others):,} symbols are no stocks and left out: {named(others)}"
    if emptied := notes.get("volume_emptied"):
        yield (
            f"amount / volume lies outside [low, high] on {len(emptied):,} rows ({_by_fewest(emptied)}): their volume, "
            f"amount and vwap are empty"
        )
    if emptied := notes.get("vwap_emptied"):
        yield f"vwap lies outside [low, high] on {len(emptied):,} rows ({_by_fewest(emptied)}): it is empty there"
    for name, text in _CELLS_NAMED.items():
        if cells := notes.get(name):
            yield text.format(f"{notes.get(name + '_rows', len(cells)):,}", _by_fewest(cells))


def _by_fewest(cells: list[tuple[str, str]]) -> str:
    """Days or symbols of some cells, whichever are fewer: one stock on all days, or all stocks on one day."""
    days, symbols = (sorted({cell[i] for cell in cells}) for i in (0, 1))
    fewest, what = (days, "days") if len(days) < len(symbols) else (symbols, "symbols")
    return f"{len(fewest):,} {what}: {_first(fewest)}"


def _first(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")


def _china_remarks(panel: Panel) -> list[str]:
    """What a Chinese panel cannot know: who was ST, what a code without a board is, lots or shares."""
    if panel.market != "cn":
        return []
    notes, remarks = panel.notes, []
    computed = notes["limit_source"] != "published" or notes.get("limits_computed", 0) > 0
    if computed and "is_st" not in panel.fields and "limit_pct" not in notes["limit_source"]:
        remarks.append(
            "no ST flag and no published limits: the 5 % band of ST stocks is not applied, their limit closes look free"
        )
    remarks += _no_shares(panel)
    units = notes["units"]
    if units.how == "assumed" and np.isnan(units.agreement):
        remarks.append("volume is taken as shares: without an amount nothing tells shares from lots of 100")
    return remarks
