"""One small market, written down by hand, and a writer of it for every source, in that source's names and units.

The writers use the source's own conventions and nothing of lib. The market holds limit closes and opens, a stock
listed late with its free days, a split, and a halt of three days across a dividend.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd

DAYS = [str(np.busday_offset("2024-01-02", i, roll="forward")) for i in range(30)]
STOCKS = ("SH600000", "SH688001", "SZ000001", "SZ300750")
#: band in percent, first day, first close in cents
FACTS = {"SH600000": (10, 0, 1234), "SH688001": (20, 4, 4180), "SZ000001": (10, 0, 990), "SZ300750": (20, 0, 15555)}
HALT = ("SZ000001", (15, 16, 17))
FREE_DAYS = 5  # of SH688001, listed within the sample
#: (stock, day): previous close in cents after a split or a dividend, from the last close
EX_DATES: dict[tuple[str, int], Callable[[int], int]] = {
    ("SH600000", 12): lambda close: round(close / 2),
    ("SZ000001", 18): lambda close: close - 37,
}
#: (stock, day) -> close at the limit, whole day locked?
LIMITS = {
    ("SH600000", 6): (1, False), ("SH600000", 7): (1, True), ("SH688001", 14): (1, False),
    ("SZ000001", 20): (-1, False), ("SZ300750", 10): (-1, True), ("SZ300750", 11): (1, False),
}  # fmt: skip


@dataclass
class Row:
    """A day of a stock; prices in cents, volume in shares, amount in yuan."""

    stock: str
    day: int
    open: int
    high: int
    low: int
    close: int
    pre_close: int
    volume: int
    amount: int
    halted: bool
    factor: Fraction  # backward adjustment, 1 at first
    up: int | None
    down: int | None
    float_shares: int = 1_000_000_000

    @property
    def date(self) -> str:
        return DAYS[self.day]

    @property
    def turnover(self) -> float:
        """Per cent of the float."""
        return round(100 * self.volume / self.float_shares, 6)


def limit(pre_close: int, percent: int) -> int:
    exact = Decimal(pre_close) * (100 + percent) / 100
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def market() -> list[Row]:
    """All rows, halted ones included, by stock and day."""
    return [row for stock in STOCKS for row in _life(stock)]


def _life(stock: str) -> Iterator[Row]:
    band, first, close = FACTS[stock]
    rng = np.random.default_rng(int(stock[2:]))
    factor = Fraction(1)
    pre_close = close
    for day in range(first, len(DAYS)):
        if day > first:
            change = EX_DATES.get((stock, day))
            pre_close = change(close) if change else close
            factor *= Fraction(close, pre_close)
        free = first > 0 and day < first + FREE_DAYS
        up, down = (None, None) if free else (limit(pre_close, band), limit(pre_close, -band))
        if stock == HALT[0] and day in HALT[1]:
            yield Row(stock, day, close, close, close, close, close, 0, 0, True, factor, up, down)
            continue
        wide = 0.3 if free else 0.02
        open_, close = (round(pre_close * (1 + wide * float(x))) for x in rng.uniform(-1, 1, 2))
        if (stock, day) in LIMITS:
            side, locked = LIMITS[stock, day]
            close = int(up if side > 0 else down)  # type: ignore[arg-type]
            open_ = close if locked else open_
        high, low = max(open_, close), min(open_, close)
        lots = int(rng.integers(1_000, 40_000))
        paid = int(rng.integers(low, high + 1))  # average price in cents: amount is whole yuan
        yield Row(stock, day, open_, high, low, close, pre_close, 100 * lots, lots * paid, False, factor, up, down)


def yuan(cents: int | None) -> float:
    return float("nan") if cents is None else cents / 100


def traded(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not row.halted]


def by_stock(rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    for stock in STOCKS:
        yield stock, [row for row in rows if row.stock == stock]


# -- the canonical record -------------------------------------------------------------------------


def record(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": [r.date for r in rows], "symbol": [r.stock for r in rows],
            "open": [yuan(r.open) for r in rows], "high": [yuan(r.high) for r in rows],
            "low": [yuan(r.low) for r in rows], "close": [yuan(r.close) for r in rows],
            "pre_close": [yuan(r.pre_close) for r in rows], "volume": [r.volume for r in rows],
            "amount": [r.amount for r in rows], "adj_factor": [float(r.factor) for r in rows],
            "limit_up": [yuan(r.up) for r in rows], "limit_down": [yuan(r.down) for r in rows],
            "halted": [r.halted for r in rows],
        }
    )  # fmt: skip


def write_record_csv(rows: list[Row], folder: Path) -> Path:
    record(rows).to_csv(folder / "record.csv", index=False)
    return folder / "record.csv"


def write_record_gb18030(rows: list[Row], folder: Path) -> Path:
    record(rows).assign(industry="银行").to_csv(folder / "record.csv", index=False, encoding="gb18030")
    return folder / "record.csv"


def write_record_parquet(rows: list[Row], folder: Path) -> Path:
    record(rows).assign(date=lambda f: pd.to_datetime(f["date"])).to_parquet(folder / "record.parquet", index=False)
    return folder / "record.parquet"


def write_record_folder(rows: list[Row], folder: Path) -> Path:
    for stock, own in by_stock(rows):
        record(own).drop(columns="symbol").to_csv(folder / f"{stock[2:]}.{stock[:2]}.csv", index=False)
    return folder


# -- AkShare --------------------------------------------------------------------------------------


def raw_previous(rows: list[Row]) -> list[int]:
    """The close of the row before in cents, ex-date or not; the first row of a stock has its reference price."""
    last: dict[str, int] = {}
    out = []
    for row in rows:
        out.append(last.get(row.stock, row.pre_close))
        last[row.stock] = row.close
    return out


def history(rows: list[Row]) -> pd.DataFrame:
    """As Eastmoney writes it: 涨跌额 is the close less the raw close before, on ex-dates too (000066, 2022-07-20:
    9.88 after 9.94 is -0.06, where the exchange's reference was 9.89). hfq_factor is put beside it by the download.
    """
    rows = traded(rows)
    before = raw_previous(rows)
    return pd.DataFrame(
        {
            "日期": [r.date for r in rows], "股票代码": [r.stock[2:] for r in rows],
            "开盘": [yuan(r.open) for r in rows], "收盘": [yuan(r.close) for r in rows],
            "最高": [yuan(r.high) for r in rows], "最低": [yuan(r.low) for r in rows],
            "成交量": [r.volume // 100 for r in rows], "成交额": [float(r.amount) for r in rows],
            "振幅": [round(100 * (r.high - r.low) / p, 2) for r, p in zip(rows, before, strict=True)],
            "涨跌幅": [round(100 * (r.close - p) / p, 2) for r, p in zip(rows, before, strict=True)],
            "涨跌额": [(r.close - p) / 100 for r, p in zip(rows, before, strict=True)],
            "换手率": [r.turnover for r in rows], "hfq_factor": [float(r.factor) for r in rows],
        }
    )  # fmt: skip


def write_akshare(rows: list[Row], folder: Path) -> Path:
    for stock, own in by_stock(rows):
        history(own).to_csv(folder / f"{stock[2:]}.csv", index=False, encoding="utf-8-sig")
    return folder


def write_akshare_gb18030(rows: list[Row], folder: Path) -> Path:
    history(rows).to_csv(folder / "all.csv", index=False, encoding="gb18030")
    return folder / "all.csv"


def write_akshare_parquet(rows: list[Row], folder: Path) -> Path:
    history(rows).assign(日期=lambda f: pd.to_datetime(f["日期"]).dt.date).to_parquet(
        folder / "all.parquet", index=False
    )
    return folder / "all.parquet"


def sina(rows: list[Row]) -> pd.DataFrame:
    rows = traded(rows)
    return pd.DataFrame(
        {
            "date": [r.date for r in rows], "open": [yuan(r.open) for r in rows], "high": [yuan(r.high) for r in rows],
            "low": [yuan(r.low) for r in rows], "close": [yuan(r.close) for r in rows],
            "volume": [float(r.volume) for r in rows], "amount": [float(r.amount) for r in rows],
            "outstanding_share": [float(r.float_shares) for r in rows], "turnover": [r.turnover / 100 for r in rows],
            "hfq_factor": [float(r.factor) for r in rows],
        }
    )  # fmt: skip


def write_akshare_daily(rows: list[Row], folder: Path) -> Path:
    for stock, own in by_stock(rows):
        sina(own).to_csv(folder / f"{stock.lower()}.csv", index=False)
    return folder


# -- Tushare --------------------------------------------------------------------------------------


def ts_code(row: Row) -> str:
    return f"{row.stock[2:]}.{row.stock[:2]}"


def ts_keys(rows: list[Row]) -> dict[str, list[str]]:
    return {"ts_code": [ts_code(r) for r in rows], "trade_date": [r.date.replace("-", "") for r in rows]}


def ts_daily(rows: list[Row]) -> pd.DataFrame:
    rows = traded(rows)
    return pd.DataFrame(
        {
            **ts_keys(rows), "open": [yuan(r.open) for r in rows], "high": [yuan(r.high) for r in rows],
            "low": [yuan(r.low) for r in rows], "close": [yuan(r.close) for r in rows],
            "pre_close": [yuan(r.pre_close) for r in rows], "change": [(r.close - r.pre_close) / 100 for r in rows],
            "pct_chg": [round(100 * (r.close / r.pre_close - 1), 4) for r in rows],
            "vol": [r.volume / 100 for r in rows], "amount": [r.amount / 1000 for r in rows],
        }
    )  # fmt: skip


def ts_limits(rows: list[Row]) -> pd.DataFrame:
    """Days without a limit carry sentinels, of both kinds."""
    up = [yuan(r.up) if r.up else (99999.99, 100000.0)[r.day % 2] for r in rows]
    return pd.DataFrame(
        {**ts_keys(rows), "up_limit": up, "down_limit": [yuan(r.down) if r.down else 0.0 for r in rows]}
    )


def ts_suspensions(rows: list[Row]) -> pd.DataFrame:
    """Full days; beside them a halt within a day, and the resumption."""
    halted = [r for r in rows if r.halted]
    out = pd.DataFrame({**ts_keys(halted), "suspend_timing": None, "suspend_type": "S"})
    within = next(r for r in rows if r.stock == "SH600000" and r.day == 9)
    back = next(r for r in rows if r.stock == HALT[0] and r.day == HALT[1][-1] + 1)
    more = pd.DataFrame(
        {**ts_keys([within, back]), "suspend_timing": ["09:30-10:00", None], "suspend_type": ["S", "R"]}
    )
    return pd.concat([out.astype(object), more.astype(object)], ignore_index=True)


def ts_basic(rows: list[Row]) -> pd.DataFrame:
    rows = traded(rows)
    value = [r.close / 100 * r.float_shares / 1e4 for r in rows]
    close, turnover = [yuan(r.close) for r in rows], [r.turnover for r in rows]
    return pd.DataFrame(
        {**ts_keys(rows), "close": close, "turnover_rate": turnover, "turnover_rate_f": turnover,
         "pe": 10.0, "total_share": 1e5, "float_share": 1e5, "total_mv": [2 * v for v in value], "circ_mv": value}
    )  # fmt: skip


def ts_factors(rows: list[Row]) -> pd.DataFrame:
    """On halted days too."""
    return pd.DataFrame({**ts_keys(rows), "adj_factor": [float(r.factor) for r in rows]})


def ts_stocks(rows: list[Row]) -> pd.DataFrame:
    first = [own[0] for _, own in by_stock(rows)]
    listed = [row.date.replace("-", "") if row.day else "20100104" for row in first]
    codes = [ts_code(row) for row in first]
    return pd.DataFrame(
        {"ts_code": codes, "name": "某某", "industry": "银行", "list_date": listed, "delist_date": None}
    )


def write_tushare(rows: list[Row], folder: Path) -> Path:
    for name, table in (
        ("daily", ts_daily(rows)), ("stk_limit", ts_limits(rows)), ("suspend_d", ts_suspensions(rows)),
        ("daily_basic", ts_basic(rows)), ("stock_basic", ts_stocks(rows)),
        ("adj_factor", ts_factors(rows)),
    ):  # fmt: skip
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def write_tushare_by_day(rows: list[Row], folder: Path) -> Path:
    """A file a day and table, as a download by trade_date leaves them; newest rows first."""
    for name, make in (("daily", ts_daily), ("stk_limit", ts_limits)):
        for day in range(len(DAYS)):
            today = [r for r in rows if r.day == day]
            (folder / name).mkdir(exist_ok=True)
            make(today)[::-1].to_parquet(folder / name / f"{DAYS[day]}.parquet", index=False)
    ts_suspensions(rows).to_parquet(folder / "suspend_d.parquet", index=False)
    return folder


# -- Baostock -------------------------------------------------------------------------------------


def baostock(rows: list[Row]) -> pd.DataFrame:
    """Everything is text; a halted day is a row with tradestatus 0 and empty volume."""
    price = "{:.4f}".format
    return pd.DataFrame(
        {
            "date": [r.date for r in rows], "code": [f"{r.stock[:2].lower()}.{r.stock[2:]}" for r in rows],
            "open": [price(yuan(r.open)) for r in rows], "high": [price(yuan(r.high)) for r in rows],
            "low": [price(yuan(r.low)) for r in rows], "close": [price(yuan(r.close)) for r in rows],
            "preclose": [price(yuan(r.pre_close)) for r in rows],
            "volume": ["" if r.halted else str(r.volume) for r in rows],
            "amount": ["" if r.halted else price(r.amount) for r in rows], "adjustflag": "3",
            "turn": ["" if r.halted else f"{r.turnover:.6f}" for r in rows],
            "tradestatus": [str(int(not r.halted)) for r in rows],
            "pctChg": [f"{100 * (r.close / r.pre_close - 1):.6f}" for r in rows], "peTTM": "5.994733", "isST": "0",
        }
    )  # fmt: skip


def write_baostock(rows: list[Row], folder: Path) -> Path:
    for stock, own in by_stock(rows):
        baostock(own).to_csv(folder / f"{stock[:2].lower()}.{stock[2:]}.csv", index=False)
    return folder


def write_baostock_parquet(rows: list[Row], folder: Path) -> Path:
    baostock(rows).to_parquet(folder / "all.parquet", index=False)
    return folder / "all.parquet"


# -- Qlib -----------------------------------------------------------------------------------------


def qlib(rows: list[Row]) -> pd.DataFrame:
    """Adjusted prices and volume, in 32 bits; a halted day is a row of NaN."""
    scale = 0.37  # Qlib's own normalisation: the factor is not 1 at first
    factor = np.array([scale * float(r.factor) for r in rows])
    halted = np.array([r.halted for r in rows])

    def blank(values: np.ndarray) -> np.ndarray:
        return np.where(halted, np.nan, values).astype(np.float32)

    prices = {name: blank(np.array([yuan(getattr(r, name)) for r in rows]) * factor)
              for name in ("open", "close", "high", "low")}  # fmt: skip
    volume = blank(np.array([r.volume for r in rows]) / factor)
    change = blank(np.array([r.close / r.pre_close - 1 for r in rows]))
    money = np.where(halted, np.nan, np.array([r.amount for r in rows], dtype=float))
    return pd.DataFrame(
        {"date": [r.date for r in rows], **prices, "volume": volume, "factor": blank(factor), "change": change,
         "money": money}
    )  # fmt: skip


def write_qlib(rows: list[Row], folder: Path) -> Path:
    for stock, own in by_stock(rows):
        qlib(own).to_csv(folder / f"{stock}.csv", index=False)
    return folder


def write_qlib_bin(rows: list[Row], folder: Path) -> Path:
    for name in ("calendars", "instruments"):
        (folder / name).mkdir()
    (folder / "calendars" / "day.txt").write_text("\n".join(DAYS) + "\n")
    lines = [f"{stock}\t{own[0].date}\t{own[-1].date}" for stock, own in by_stock(rows)]
    (folder / "instruments" / "all.txt").write_text("\n".join(lines))
    (folder / "instruments" / "two.txt").write_text("\n".join(lines[:2]))
    for stock, own in by_stock(rows):
        target = folder / "features" / stock.lower()
        target.mkdir(parents=True)
        table = qlib(own)
        for column in ("open", "high", "low", "close", "volume", "factor", "change"):
            values = [float(own[0].day), *table[column].to_list()]
            (target / f"{column}.day.bin").write_bytes(struct.pack(f"<{len(values)}f", *values))
    return folder


SHAPES: dict[str, Callable[[list[Row], Path], Path]] = {
    "record csv": write_record_csv, "record gb18030": write_record_gb18030, "record parquet": write_record_parquet,
    "record folder": write_record_folder, "akshare": write_akshare, "akshare gb18030": write_akshare_gb18030,
    "akshare parquet": write_akshare_parquet, "akshare_daily": write_akshare_daily, "tushare": write_tushare,
    "tushare by day": write_tushare_by_day, "baostock": write_baostock, "baostock parquet": write_baostock_parquet,
    "qlib": write_qlib, "qlib_bin": write_qlib_bin,
}  # fmt: skip
