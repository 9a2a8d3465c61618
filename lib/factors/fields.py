"""The fields a factor formula may read, as symbols.

Prices are adjusted for corporate actions, so prev_close is always yesterday's adjusted close, also where a file
publishes an ex-right previous close. `lib.factors.leaves` turns a panel into the values of the fields.
"""

from __future__ import annotations

from lib.graph import define, field
from lib.ops import delay

open = field("open")
high = field("high")
low = field("low")
close = field("close")
volume = field("volume")  # shares
vwap = field("vwap")
amount = field("amount")  # currency
cap = field("cap")
sector = field("sector")  # codes of three nested classifications
industry = field("industry")
subindustry = field("subindustry")

prev_close = define("prev_close", delay(close, 1))
ret = define("ret", close / prev_close - 1)
