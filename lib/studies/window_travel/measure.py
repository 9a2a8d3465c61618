"""One limit-up close on its way through a rolling window: an example small enough to check by eye.

A few weeks of one stock, calm but for one day that closes at its limit; the part of the move that the limit cut off
comes out at the next open. The same formulas are computed under three policies:

    raw      strict windows on the mask "observed": the limit close counts like any other
    skip     windows leave the limit close out
    strict   a window that contains the limit close has no value

Whether a formula uses the limit close is not argued but measured: the close is replaced by another number and the days
on which the result changes are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lib.arrays import FloatArray
from lib.errors import ParameterError
from lib.limits.ticks import from_ticks, limit_prices, to_ticks
from lib.panel import Panel
from lib.parameters import Parameter

if TYPE_CHECKING:
    from lib.graph import Window
    from lib.masked import Masked

Formula = Callable[[Mapping[str, "Masked"], "Window"], "Masked"]

PARAMETERS = {
    "window": Parameter(int, 20, low=2, high=120, help="days that a formula looks back over"),
    "limit_day": Parameter(int, 25, low=2, high=400, help="the day that closes limit-up"),
    "min_share": Parameter(float, 0.5, low=0.01, high=1.0, help="share of a window that skip needs"),
}
POLICIES = ("raw", "skip", "strict")
DAILY_SD = 0.008
SPILL = 0.035  # of the next open over the limit close: what the limit cut off
LIMIT = 0.10
REPLACEMENTS = (0.8, 1.2)  # a rank moves only when the replacement changes places with another price
SYMBOL = "600000.SH"


def example_panel(n_days: int, limit_day: int, seed: int = 3) -> Panel:
    """One stock of `n_days` days that closes limit-up on day `limit_day` (0 = first) and opens higher the day after.

    Prices in yuan, rounded to the tick; the limits are published fields, so the reasons derive from ticks.
    Raises ParameterError for a limit day without a day before and after it.
    """
    if not 0 < limit_day < n_days - 1:
        raise ParameterError(f"limit_day = {limit_day}: expected a day from 1 to {n_days - 2} of {n_days} days")
    rng = np.random.default_rng(seed)
    moves = DAILY_SD * np.clip(rng.standard_normal((3, n_days)), -2, 2)
    close, opened = np.empty(n_days), np.empty(n_days)
    before = np.concatenate([[10.0], np.zeros(n_days - 1)])
    for day in range(n_days):
        before[day] = close[day - 1] if day else 10.0
        jump = LIMIT if day == limit_day else SPILL if day == limit_day + 1 else 0.0
        opened[day] = _tick(before[day] * (1 + (SPILL if day == limit_day + 1 else 0.3 * moves[1, day])))
        limit = limit_prices(before[day], 100 * LIMIT)[0]
        close[day] = limit if jump == LIMIT else _tick(before[day] * (1 + jump + moves[0, day]))
    up, down = limit_prices(before, 100 * LIMIT)
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    volume = 1e6 * np.exp(0.3 * moves[2] / DAILY_SD)
    prices = {"open": opened, "high": high, "low": low, "close": close, "pre_close": before, "limit_up": up,
              "limit_down": down, "volume": volume}  # fmt: skip
    days = np.busday_offset(np.datetime64("2024-01-02"), np.arange(n_days))
    return Panel.from_arrays(days, [SYMBOL], {name: x[:, None] for name, x in prices.items()}, market="cn")


def _tick(price: FloatArray | float) -> FloatArray:
    return from_ticks(to_ticks(price))


def formulas(window: int) -> dict[str, Formula]:
    """Name -> formula of a field table and a policy; each looks back over `window` days."""
    from lib.ops import delay, ts_corr, ts_mean, ts_rank, ts_std

    def returns(x: Mapping[str, Masked]) -> Masked:
        return x["close"] / delay(x["close"], 1) - 1

    return {
        "mean of the close": lambda x, policy: ts_mean(x["close"], window, window=policy),
        "standard deviation of returns": lambda x, policy: ts_std(returns(x), window, window=policy),
        "rank of today's close": lambda x, policy: ts_rank(x["close"], window, window=policy),
        "correlation of close and volume": lambda x, policy: ts_corr(x["close"], x["volume"], window, window=policy),
    }


@dataclass(frozen=True)
class Travel:
    """The example, and every formula under every policy.

    `limit_day` closes limit-up; formulas look back over `window` days, of which `skip` needs `min_share` valid.
    """

    window: int = 20
    limit_day: int = 25
    min_share: float = 0.5

    def __post_init__(self) -> None:
        if self.limit_day < self.window:
            raise ParameterError(
                f"limit_day = {self.limit_day}: expected at least window = {self.window}, so that a full window "
                "lies before it"
            )

    @cached_property
    def panel(self) -> Panel:
        """Long enough for the limit close to leave every window again."""
        return example_panel(self.limit_day + 2 * self.window + 5, self.limit_day)

    @cached_property
    def results(self) -> dict[str, dict[str, FloatArray]]:
        """formula -> policy -> values [T], NaN where there is none."""
        return self._compute(self.panel)

    def changed_days(self) -> dict[str, dict[str, NDArray[np.bool_]]]:
        """formula -> policy -> days [T] on which the result moves when the limit close is replaced by another price."""
        lower, higher = (self._compute(self._with_close_times(factor)) for factor in REPLACEMENTS)
        return {
            name: {p: _differs(x, lower[name][p]) | _differs(x, higher[name][p]) for p, x in policies.items()}
            for name, policies in self.results.items()
        }

    def _with_close_times(self, factor: float) -> Panel:
        """The same panel, reasons included, with another price in place of the limit close."""
        close = np.array(self.panel.fields["close"])
        close[self.limit_day] *= factor
        return replace(self.panel, fields={**self.panel.fields, "close": close})

    def counts(self) -> pd.DataFrame:
        """Per formula (down) and policy (across): days that use the limit close, days without a value after warm-up."""
        changed, lines = self.changed_days(), {}
        for name, policies in self.results.items():
            warm = np.cumsum(np.isfinite(policies["raw"])) > 0
            uses = {("uses it", policy): int(changed[name][policy].sum()) for policy in policies}
            empty = {("no value", policy): int((~np.isfinite(x) & warm).sum()) for policy, x in policies.items()}
            lines[name] = uses | empty
        return pd.DataFrame.from_dict(lines, orient="index").rename_axis("formula")

    def _compute(self, panel: Panel) -> dict[str, dict[str, FloatArray]]:
        from lib.graph import STRICT, Window

        how = {
            "raw": ("observed", STRICT),
            "skip": ("full", Window("skip", self.min_share)),
            "strict": ("full", STRICT),
        }
        return {
            name: {policy: _column(formula(_leaves(panel, mask), window)) for policy, (mask, window) in how.items()}
            for name, formula in formulas(self.window).items()
        }


def _leaves(panel: Panel, mask: str) -> dict[str, Masked]:
    """Field name -> masked values; which cells are masked is decided here and nowhere else."""
    import torch

    from lib.masked import Masked

    valid = torch.from_numpy(panel.with_mask(mask).mask.copy())  # type: ignore[arg-type]
    return {name: Masked(torch.from_numpy(panel.fields[name].copy()), valid) for name in ("close", "volume")}


def _column(result: Masked) -> FloatArray:
    values: FloatArray = result.values[:, 0].numpy().copy()
    values[~result.valid[:, 0].numpy()] = np.nan
    return values


def _differs(a: FloatArray, b: FloatArray) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.isfinite(a) & np.isfinite(b) & (np.abs(a - b) > 1e-9 * np.abs(a))
