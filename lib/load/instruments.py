"""What a symbol stands for that is no stock: an index, a fund, a bond. A Chinese panel holds stocks.

Their prices have another tick (0.001 for funds and bonds, none at all for indices) and other limits, so that one
among the stocks would look like adjusted prices, and an index would be ranked against its own members.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.errors import LoadError
from lib.limits.exchanges import kind_of
from lib.load.columns import FloatArray, Table

#: kinds of `lib.limits.exchanges` that are no stocks quoted in yuan, in words
_NO_STOCK: Final = {
    "index": "an index", "fund": "a fund", "wide fund": "a fund", "bond": "a bond",
    "preferred share": "a preferred share", "b share": "a B share in US dollars",
    "b share hkd": "a B share in Hong Kong dollars",
}  # fmt: skip
#: yuan; stocks with such codes have stayed below, the indices of these codes (the STAR 50 among them) above
INDEX_LEVEL: Final = 600
_SHOWN: Final = 3


def instrument(symbol: str) -> str | None:
    """What a symbol stands for if it is no stock, such as "a fund"; None for a stock and for what is not known.

    >>> [instrument(s) for s in ("SH600000", "SZ000300", "SH000300", "510300", "SZ159915", "SZ123001")]
    [None, None, 'an index', 'a fund', 'a fund', 'a bond']
    """
    return _NO_STOCK.get(kind_of(symbol))


def stocks_only(table: Table, notes: dict[str, Any]) -> Table:
    """The rows about stocks; what is left out stands in the notes, by symbol. Raises LoadError if nothing is left.

    The symbols must be in one spelling.
    """
    codes, symbols = table.symbols
    kinds = {str(symbol): instrument(str(symbol)) for symbol in symbols}
    high = _high_as_an_index(codes, symbols, table.numbers["close"])
    kinds |= dict.fromkeys(high, "an index by its level, its code written without SH")
    others = {symbol: kind for symbol, kind in kinds.items() if kind}
    if not others:
        return table
    if len(others) == len(kinds):
        raise LoadError(
            f"{table.name}: no stock among {len(kinds):,} symbols: {named(others)}; a panel of market='cn' holds "
            f"stocks (market='none' takes any)"
        )
    notes["not_stocks"] = others
    return table.take(~np.isin(symbols, list(others))[codes])


def _high_as_an_index(codes: NDArray[np.int32], symbols: NDArray[np.str_], close: FloatArray) -> Iterator[str]:
    """000300 without an exchange is read as a stock of Shenzhen, none of which ever closed as high as an index."""
    for code, symbol in enumerate(symbols):
        if str(symbol).startswith("SZ000"):
            closes = close[codes == code]
            if np.isfinite(closes).any() and np.nanmedian(closes) > INDEX_LEVEL:
                yield str(symbol)


def named(others: dict[str, str]) -> str:
    """The first of some symbols with what they are.

    >>> named({"SH000300": "an index", "SH510300": "a fund"})
    'SH000300 is an index, SH510300 is a fund'
    """
    shown = [f"{symbol} is {kind}" for symbol, kind in list(others.items())[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(others) - _SHOWN:,} more" if len(others) > _SHOWN else "")
