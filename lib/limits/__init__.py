"""Price limits: the dated rules of the exchanges, prices in integer ticks, and which limit was in force on a day."""

from __future__ import annotations

from lib.limits.ticks import limit_prices

__all__ = ["limit_prices"]
