"""A panel written down in the shape of every source: names, units, spellings and the way of writing a halt.

For the page "Bring your own data", and for trying a reader without a download. A panel needs `pre_close`, `amount`,
`limit_up`, `limit_down` and `halted` beside the required fields; its adjustment is 1 throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lib.panel import Panel

if TYPE_CHECKING:
    import pandas as pd

NEEDED: Final = ("open", "high", "low", "close", "pre_close", "volume", "amount", "limit_up", "limit_down", "halted")


def long_rows(panel: Panel) -> pd.DataFrame:
    """The observed cells of a panel as a canonical record, by symbol and date; amounts in whole yuan."""
    import pandas as pd

    stock, day = np.nonzero(panel.observed.T)
    columns: dict[str, Any] = {"date": panel.dates[day].astype(str), "symbol": panel.symbols[stock]}
    columns |= {name: panel.fields[name][day, stock] for name in NEEDED}
    columns["is_st"] = panel.fields["is_st"][day, stock] if "is_st" in panel.fields else np.zeros(len(day))
    columns["amount"] = np.rint(columns["amount"])
    return pd.DataFrame(columns)


def _write_record(rows: pd.DataFrame, folder: Path) -> None:
    rows.drop(columns="is_st").to_csv(folder / "prices.csv", index=False)  # limits are published


def _write_akshare(rows: pd.DataFrame, folder: Path) -> None:
    """Lots; no row on a halted day; the change from the raw close before; Sina's factor; codes without exchange."""
    import pandas as pd

    for symbol, own in _traded_by_stock(rows):
        table = {
            "日期": own["date"], "股票代码": symbol[2:], "开盘": own["open"], "收盘": own["close"], "最高": own["high"],
            "最低": own["low"], "成交量": (own["volume"] / 100).astype(int), "成交额": own["amount"],
            "涨跌额": (own["close"] - own["close"].shift().fillna(own["pre_close"])).round(2),
            "hfq_factor": _factor(own),
        }  # fmt: skip
        pd.DataFrame(table).to_csv(folder / f"{symbol[2:]}.csv", index=False, encoding="gb18030")


def _factor(own: pd.DataFrame) -> pd.Series[float]:
    """Backward factor of the traded rows of a stock: 1 at first, then times last close / previous close at ex-dates."""
    return (own["close"].shift() / own["pre_close"]).fillna(1.0).cumprod()


def _write_sina(rows: pd.DataFrame, folder: Path) -> None:
    """Shares; no previous close, but the backward factor, and the free float in shares."""
    for symbol, own in _traded_by_stock(rows):
        table = own[["date", "open", "high", "low", "close", "volume", "amount"]]
        table = table.assign(outstanding_share=1e9, turnover=own["volume"] / 1e9, hfq_factor=_factor(own))
        table.to_csv(folder / f"{symbol.lower()}.csv", index=False)


def _write_tushare(rows: pd.DataFrame, folder: Path) -> None:
    """Lots, thousands of yuan; limits and halts in tables of their own."""
    import pandas as pd

    keys = {
        "ts_code": rows["symbol"].str[2:] + "." + rows["symbol"].str[:2],
        "trade_date": rows["date"].str.replace("-", ""),
    }
    table = pd.DataFrame(keys)
    halted = rows["halted"] == 1
    prices = rows[["open", "high", "low", "close", "pre_close"]]
    daily = pd.concat([table, prices], axis=1).assign(vol=rows["volume"] / 100, amount=rows["amount"] / 1000)
    daily[~halted].to_csv(folder / "daily.csv", index=False)
    limits = table.assign(up_limit=rows["limit_up"], down_limit=rows["limit_down"])
    limits.fillna({"up_limit": 99999.99, "down_limit": 0.0}).to_csv(folder / "stk_limit.csv", index=False)
    halts = table[halted].assign(suspend_timing="", suspend_type="S")
    halts.to_csv(folder / "suspend_d.csv", index=False)


def _write_baostock(rows: pd.DataFrame, folder: Path) -> None:
    """Everything is text; a halted day is a row with tradestatus 0 and no volume."""
    import pandas as pd

    halted = rows["halted"] == 1
    text = {name: rows[name].map("{:.4f}".format) for name in ("open", "high", "low", "close")}
    table = {
        "date": rows["date"], "code": rows["symbol"].str[:2].str.lower() + "." + rows["symbol"].str[2:], **text,
        "preclose": rows["pre_close"].map("{:.4f}".format),
        "volume": rows["volume"].map("{:.0f}".format).mask(halted, ""),
        "amount": rows["amount"].map("{:.4f}".format).mask(halted, ""),
        "adjustflag": "3", "tradestatus": (~halted).astype(int).astype(str),
        "isST": rows["is_st"].map("{:.0f}".format),
    }  # fmt: skip
    pd.DataFrame(table).to_csv(folder / "k_data.csv", index=False)


def _adjusted(rows: pd.DataFrame) -> pd.DataFrame:
    """Qlib's prices: the first close of a stock is 1; a halted day is NaN."""
    factor = 1 / rows.groupby("symbol")["close"].transform("first")
    out = rows[["date", "symbol"]].copy()
    for name in ("open", "high", "low", "close"):
        out[name] = (rows[name] * factor).astype("float32")
    out["volume"], out["factor"] = (rows["volume"] / factor).astype("float32"), factor.astype("float32")
    out.loc[rows["halted"] == 1, ["open", "high", "low", "close", "volume", "factor"]] = np.nan
    return out


def _write_qlib(rows: pd.DataFrame, folder: Path) -> None:
    for symbol, own in _adjusted(rows).groupby("symbol"):
        own.drop(columns="symbol").to_csv(folder / f"{symbol}.csv", index=False)


def _write_qlib_bin(rows: pd.DataFrame, folder: Path) -> None:
    """float32 values from the stock's place in the calendar on."""
    days = np.unique(rows["date"].to_numpy(dtype=str))
    for name in ("calendars", "instruments"):
        (folder / name).mkdir()
    (folder / "calendars" / "day.txt").write_text("\n".join(days) + "\n", encoding="utf-8")
    ranges = rows.groupby("symbol")["date"].agg(["first", "last"])
    lines = [f"{symbol}\t{first}\t{last}\n" for symbol, first, last in ranges.itertuples()]
    (folder / "instruments" / "all.txt").write_text("".join(lines), encoding="utf-8")
    for symbol, own in _adjusted(rows).groupby("symbol"):
        target = folder / "features" / str(symbol).lower()
        target.mkdir(parents=True)
        place = np.searchsorted(days, own["date"].to_numpy(dtype=str))
        for name in ("open", "high", "low", "close", "volume", "factor"):
            values = np.full(place[-1] - place[0] + 2, np.nan, dtype="<f4")
            values[0], values[1 + place - place[0]] = place[0], own[name]
            (target / f"{name}.day.bin").write_bytes(values.tobytes())


def _traded_by_stock(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for symbol, own in rows[rows["halted"] == 0].groupby("symbol"):
        yield str(symbol), own


#: format of load_panel -> writer
WRITERS: Final[dict[str, Callable[[Any, Path], None]]] = {
    "record": _write_record,
    "akshare": _write_akshare,
    "akshare_daily": _write_sina,
    "tushare": _write_tushare,
    "baostock": _write_baostock,
    "qlib": _write_qlib,
    "qlib_bin": _write_qlib_bin,
}


def write_shapes(panel: Panel, folder: Path) -> dict[str, Path]:
    """Write a panel once for each source, into a folder each; returns format -> folder."""
    rows, paths = long_rows(panel), {}
    for name, write in WRITERS.items():
        paths[name] = folder / name
        paths[name].mkdir(parents=True)
        write(rows, paths[name])
    return paths
