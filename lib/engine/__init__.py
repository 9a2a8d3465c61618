"""How formulas run: a plan of steps, streamed over blocks of days with what they remember.

graph (formulas) -> plan (distinct steps, precision, reach) -> stream (blocks of days, histories, threads)
"""

from lib.engine.plan import MIXED
from lib.engine.stream import Stream, evaluate, rows_of

__all__ = ["MIXED", "Stream", "evaluate", "rows_of"]
