"""How closely the numbers of a row must come back when it is computed again, and whether they do.

A row without training is a fixed sequence of operations: it comes back to the last digits. Training repeats thousands
of steps, each of which starts from the last one's rounding: another processor adds the same floats in another order
and ends with slightly other weights, predictions and fills. Such a row must come back within a share of the width of
each metric's own recorded interval, the scale on which a reader judges the number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

ENDS = (".low", ".high")
Record = Mapping[str, Any]
Records = Mapping[tuple[str, str], Record]  # by variant and metric


@dataclass(frozen=True)
class Agreement:
    """How closely a number must come back.

    share:    of the width of the metric's recorded interval, for the metric and for both ends of the interval; 0: the
              interval plays no part
    relative: of the recorded number, for a metric without an interval or with one of no width
    absolute: of a metric without an interval, in its own unit: what lies so near 0 has no relative size
    books:    the same for a number of a book, named RUN.METRIC: one order that fills otherwise moves it
    events:   for the same metrics where they are means over n days: on so many days the thing counted may have
              happened or not, be it an order that was refused. Of no effect where n is so small that this would be more
              than `relative` of a unit.
    """

    relative: float = 1e-6
    share: float = 0.0
    events: int = 0
    absolute: float = 0.0
    books: float = 0.0


EXACT = Agreement()
#: Rows of simulated markets. numpy computes exp and log with other instructions on processors with AVX-512 and ends
#: with another last bit, which moves a price by a tick here and there. Measured on fourteen rows: at most 3e-6 in an
#: IC; 3e-5 in a Sharpe ratio, and 0.004 where an order was filled otherwise; no count changed. With AVX-512 off in
#: numpy there was no difference at all.
SIMULATED = Agreement(relative=0.01, absolute=1e-4, books=0.02, events=2)
#: Measured on fits of the paper's MLP to real prices, as shares of the width of each metric's interval. One thread or
#: two: no difference at all. With the vector instructions of older processors: at most 2e-5 (6e-5 in a paired
#: difference), and the very same orders. Another training seed: 0.02 to 0.16 in the median metric and 0.14 or more in
#: the most sensitive ones. What lies between is room for an order that is filled otherwise and moves its run.
TRAINED = Agreement(relative=0.05, share=0.05, events=2, absolute=1e-3, books=0.05)


def simulated(row: Mapping[str, Any]) -> Agreement:
    """That of every row of a study of simulated markets."""
    return SIMULATED


def loosest(agreements: Iterable[Agreement]) -> Agreement:
    """What a number made of several rows can be held to: the loosest of theirs.

    >>> loosest([EXACT, TRAINED]) == TRAINED
    True
    """
    found = list(agreements)
    limits = ([getattr(item, field.name) for item in found] for field in fields(Agreement))
    return Agreement(*map(max, limits))


def differences(
    recorded: Sequence[Record],
    recomputed: Sequence[Record],
    agreement: Agreement = EXACT,
    tolerances: Mapping[str, float] | None = None,
) -> Iterator[str]:
    """What differs between the records of one row, one text per number.

    tolerances: relative tolerances of single metrics, which come before the agreement. Counts `n` must be equal, NaN
    equals NaN only, and both sides must hold the same metrics.
    """
    before, after = _by_name(recorded), _by_name(recomputed)
    for name in sorted(before.keys() ^ after.keys()):
        yield f"{name[0]} {name[1]} is only {'recorded' if name in before else 'recomputed'}"
    for name in sorted(before.keys() & after.keys()):
        a, b = before[name], after[name]
        allowed, why = _allowed(before, name, agreement, tolerances or {})
        if a["n"] != b["n"] or not _close(a["value"], b["value"], allowed):
            numbers = f"recorded {a['value']!r} (n {a['n']}), recomputed {b['value']!r} (n {b['n']})"
            yield f"{name[0]} {name[1]}: {numbers}, {why}"


def _allowed(
    before: Records, name: tuple[str, str], agreement: Agreement, tolerances: Mapping[str, float]
) -> tuple[float, str]:
    """The largest difference allowed, in units of the metric, and where it comes from."""
    if name[1] in tolerances:
        agreement = Agreement(tolerances[name[1]])
    width = _width(before, name) if agreement.share else 0.0
    if width:
        return agreement.share * width, f"allowed {agreement.share:g} of its interval's width {width:g}"
    relative, step = agreement.relative, agreement.events / (before[name]["n"] or math.inf)
    floor = agreement.books if "." in name[1] else agreement.absolute
    allowed = max(relative * abs(before[name]["value"]), step if step <= relative else 0.0, floor)
    return allowed, f"relative tolerance {relative:g}" + (f", absolute {floor:g}" if floor else "")


def _width(before: Records, name: tuple[str, str]) -> float:
    """Width of the recorded interval that a metric, or an end of it, belongs to; 0 without a usable one."""
    variant, metric = name
    for end in ENDS:
        metric = metric.removesuffix(end)
    ends = [before[variant, metric + end]["value"] for end in ENDS if (variant, metric + end) in before]
    width = ends[1] - ends[0] if len(ends) == 2 else 0.0
    return width if math.isfinite(width) and width > 0 else 0.0


def _by_name(records: Sequence[Record]) -> Records:
    return {(item["variant"], item["metric"]): item for item in records}


def _close(a: float, b: float, allowed: float) -> bool:
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return math.isclose(a, b, rel_tol=0.0, abs_tol=max(allowed, 1e-12))
