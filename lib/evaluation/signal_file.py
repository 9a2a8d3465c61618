"""A file of a signal, matched to the cells of a panel: long or wide, csv or parquet, in the names of any source.

    date, symbol, value     or     date, a column per symbol

Every row that is not used has its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from lib.arrays import Matrix
from lib.days import SHANGHAI, as_days
from lib.errors import LoadError
from lib.limits.ticks import is_symbol
from lib.load.keys import spell
from lib.panel import Panel

#: in the order of preference; the last of each is the unnamed index that pandas wrote
DATES: Final = ("date", "datetime", "trade_date", "日期", "交易日期", "day", "time", "unnamed: 0")
SYMBOLS: Final = ("symbol", "code", "ts_code", "ticker", "instrument", "asset", "stock", "股票代码", "证券代码", "代码",
                  "unnamed: 1")  # fmt: skip
VALUES: Final = ("value", "signal", "score", "factor", "prediction")
PARQUET: Final = (".parquet", ".pq")


@dataclass(frozen=True)
class Signal:
    """values [T, N], NaN where there is none; lost: reason -> rows of the file that are not in it."""

    values: Matrix
    rows: int
    lost: dict[str, int]


def read_signal(path: Path | str, panel: Panel) -> Signal:
    """A signal from a csv or parquet file, long (date, symbol, value) or wide (date, a column per symbol).

    Of a long file with several columns of numbers the one called value, signal, score, factor or prediction counts.
    Names of the two keys as AkShare, Tushare, Baostock, Qlib (also as an index) and alphalens write them; symbols in
    any spelling of `lib.load`. Of a pair that stands twice the last row counts. A moment with a time zone is a day in
    Shanghai (market "cn"). Raises LoadError: one line that says what was found and what was expected.
    """
    path = Path(path)
    frame = _table(path)
    if frame.empty:
        raise LoadError(f"{path.name}: no row of a signal; the file has {_shown(frame.columns)}")
    date = _named(frame, DATES)
    if date is None:
        raise LoadError(f"{path.name}: no column of dates ({', '.join(DATES)}); the file has {_shown(frame.columns)}")
    symbol = _named(frame, SYMBOLS)
    long = _from_long(frame, path, date, symbol) if symbol is not None else _from_wide(frame, path, date, panel)
    return _placed(long, path, panel)


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise LoadError(f"{path}: no such file; expected a csv or parquet file of a signal")
    try:
        frame = pd.read_parquet(path) if path.suffix.lower() in PARQUET else _csv(path)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise LoadError(f"{path.name}: cannot be read as {path.suffix or 'csv'}: {reason}") from None
    if isinstance(frame.index, pd.DatetimeIndex) and frame.index.name is None:
        frame.index.name = "date"
    if frame.index.nlevels == 2 and frame.index.names == [None, None]:
        frame.index.names = ["date", "symbol"]
    return frame.reset_index() if any(name is not None for name in frame.index.names) else frame


def _csv(path: Path) -> pd.DataFrame:
    whole = dict.fromkeys(SYMBOLS, str)  # 000001 is no number
    try:
        return pd.read_csv(path, dtype=whole, encoding="utf-8-sig")
    except UnicodeDecodeError:  # what Excel writes in China
        return pd.read_csv(path, dtype=whole, encoding="gb18030")


def _named(frame: pd.DataFrame, names: Sequence[str]) -> Any:
    found = {str(column).strip().lower(): column for column in reversed(frame.columns)}
    return next((found[name] for name in names if name in found), None)


def _shown(names: Any) -> str:
    return ", ".join(map(str, names))[:200]


def _numeric(frame: pd.DataFrame, *keys: Any) -> list[Any]:
    """Columns of numbers, without the keys and the unnamed index of another frame."""
    return [name for name in _others(frame, *keys) if pd.api.types.is_numeric_dtype(frame[name])]


def _others(frame: pd.DataFrame, *keys: Any) -> list[Any]:
    return [name for name in frame.columns if name not in keys and not str(name).lower().startswith("unnamed: ")]


def _text(frame: pd.DataFrame, names: Sequence[Any]) -> str:
    """What the first of these columns holds that is no number, as a part of a message; "" where all hold numbers."""
    for name in names:
        given = frame[name].dropna()
        if len(given) and not pd.api.types.is_numeric_dtype(given):
            wrong = given[pd.to_numeric(given, errors="coerce").isna()]
            entry = str(wrong.iloc[0] if len(wrong) else given.iloc[0])[:40]
            return f"{name!r} holds {entry!r}; expected numbers alone, and an empty cell where there is none"
    return ""


def _from_long(frame: pd.DataFrame, path: Path, date: Any, symbol: Any) -> pd.DataFrame:
    numeric, others = _numeric(frame, date, symbol), _others(frame, date, symbol)
    wanted = [name for name in others if str(name).strip().lower() in VALUES]
    chosen = wanted[:1] or numeric
    if text := _text(frame, wanted[:1] or ([] if numeric else others)):  # no other column may stand in for it
        raise LoadError(f"{path.name}: no column of numbers: {text}")
    if len(chosen) != 1:
        raise LoadError(
            f"{path.name}: {len(numeric)} columns of numbers ({_shown(numeric)}); expected one, or one called value"
        )
    return pd.DataFrame(
        {"date": frame[date], "symbol": frame[symbol].astype(str).fillna(""), "value": frame[chosen[0]]}
    )


def _from_wide(frame: pd.DataFrame, path: Path, date: Any, panel: Panel) -> pd.DataFrame:
    columns, others = _numeric(frame, date), _others(frame, date)
    stocks = set(map(str, panel.symbols))
    text = _text(frame, [name for name in others if not columns or {str(name), _spelt(str(name))} & stocks])
    if text:  # a stock must not get lost for one cell
        raise LoadError(f"{path.name}: {'' if columns else 'no column of numbers: '}{text}")
    if not columns:
        raise LoadError(f"{path.name}: no column of numbers beside {date!r}; the file has {_shown(frame.columns)}")
    return pd.DataFrame({
        "date": pd.concat([frame[date]] * len(columns), ignore_index=True),
        "symbol": np.repeat([str(name) for name in columns], len(frame)),
        "value": frame[columns].to_numpy(dtype=float, na_value=np.nan).ravel(order="F"),
    })  # fmt: skip


def _placed(rows: pd.DataFrame, path: Path, panel: Panel) -> Signal:
    dates = rows["date"]
    if panel.market == "cn" and isinstance(dates.dtype, pd.DatetimeTZDtype):
        dates = dates.dt.tz_convert(SHANGHAI)  # midnight there is the afternoon before in UTC: a look-ahead
    codes, distinct = pd.factorize(dates, use_na_sentinel=False)  # a million rows have few days
    days = as_days(np.asarray(distinct), f"{path.name}: dates", LoadError)
    place = np.searchsorted(panel.dates, days).clip(0, len(panel.dates) - 1)
    at, known_day = place[codes], (panel.dates[place] == days)[codes]
    places = {str(name): place for place, name in enumerate(panel.symbols)}
    spelt = {name: places.get(name, places.get(_spelt(name), -1)) for name in rows["symbol"].unique()}
    stock = rows["symbol"].map(spelt).to_numpy()
    value = rows["value"].to_numpy(dtype=float, na_value=np.nan)
    finite = np.isfinite(value)
    lost = {
        "no number (missing or infinite)": ~finite,
        "the stock is not in the prices": finite & (stock < 0),
        "the day is not in the prices": finite & (stock >= 0) & ~known_day,
    }
    kept = finite & (stock >= 0) & known_day
    values = np.full(panel.shape, np.nan)
    values[at[kept], stock[kept]] = value[kept]
    found = np.isfinite(values)
    outside = found & ~panel.observed
    values[outside] = np.nan
    counts = {reason: int(rows_.sum()) for reason, rows_ in lost.items()}
    counts["the pair of day and stock stands more than once"] = int(kept.sum()) - int(found.sum())
    counts["the stock has no price that day"] = int(outside.sum())
    if not np.isfinite(values).any():
        why = "; ".join(f"{count:,}: {reason}" for reason, count in counts.items() if count)
        raise LoadError(
            f"{path.name}: none of {len(rows):,} rows fits the prices ({panel.dates[0]} to {panel.dates[-1]}, "
            f"{len(panel.symbols)} symbols such as {panel.symbols[0]}): {why}"
        )
    return Signal(values, len(rows), {reason: count for reason, count in counts.items() if count})


def _spelt(name: str) -> str:
    found = spell(name.zfill(6) if name.isdigit() else name)
    return found if found is not None and is_symbol(found) else name
