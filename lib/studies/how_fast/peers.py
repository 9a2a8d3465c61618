"""The tables of the speed study beyond operators: first calls, formulaic alphas, masked cells, start-up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from lib.studies.how_fast.findings import ALPHA_PEERS, GIB, OURS, PEERS, Speed, Work
from lib.studies.how_fast.tables import absent

#: the largest number of formulas that a cell of a table names
NAMED = 12
#: set of alphas -> what it is, and the peer it needs
SETS = {
    "kunquant": ("the alphas that KunQuant has", "kunquant"),
    "rank-free": ("those of them that compare no stocks", "kunquant"),
    "alpha-lib": ("all alphas", "alpha-lib"),
    "polars_ta": ("all alphas", "polars_ta"),
}
SHIPPED = "kunquant shipped"
#: libraries of the table of masked cells, in its order
LIBRARIES = (OURS, *PEERS, "kunquant fast", *ALPHA_PEERS)
START_UPS = {
    "compile": "one factor, nothing compiled yet",
    "cached": "one factor, compiled before",
    "import": "only the import",
    "compile all": "every kernel compiled, once for a machine",
    "cached all": "all 213 factors, compiled before",
}


def first_calls(frame: pd.DataFrame) -> pd.DataFrame:
    """All 213 factors, by the first call of a process and by a later one: CPU seconds, ratios, peak memory."""
    speed = Speed.of(frame)
    return pd.DataFrame([line for item in speed.work("factors") for line in _first_lines(speed, item)])


def _first_lines(speed: Speed, item: Work) -> Iterator[dict[str, Any]]:
    for prefix, call in (("cold ", "first of a process"), ("", "a later one")):
        for library in (OURS, *speed.peers):
            seconds, ratio = (speed.find(item.variant, library, f"{prefix}{what}") for what in ("cpu", "ratio"))
            if not math.isnan(seconds.value):
                peak = speed.find(item.variant, library, f"{prefix}peak").value / GIB
                line = {"call": call, "panel": str(item.size), "by": library, "CPU s": seconds.value}
                line |= {"times ours": ratio.value, "times ours.low": ratio.low, "times ours.high": ratio.high}
                yield line | {"peak, GiB": peak}


# --------------------------------------------------------------------------------------------- alphas


def alphas(frame: pd.DataFrame) -> pd.DataFrame:
    """Sets of formulaic alphas: how far values and masks are ours, then CPU seconds and how many times ours."""
    speed = Speed.of(frame)
    return pd.DataFrame([line for which in SETS for line in _alpha_lines(speed, which)])


def _alpha_lines(speed: Speed, which: str) -> Iterator[dict[str, Any]]:
    what, peer = SETS[which]
    for item in speed.work(f"alpha101 {which}"):
        count = speed.numbers.find(item.variant, "formulas").value
        line = {"formulas": f"{count:.0f}, {what}", "panel": str(item.size)}
        for library in (OURS, peer, SHIPPED) if peer == "kunquant" else (OURS, peer):
            yield line | {"by": library} | _alpha_numbers(speed, item, library)
        return
    if speed.numbers.find("machine", f"{peer}: installed").value == 0:
        yield {"formulas": what, "by": peer, "remark": absent(peer)}


def _alpha_numbers(speed: Speed, item: Work, library: str) -> dict[str, Any]:
    seconds, ratio = (speed.find(item.variant, library, what) for what in ("cpu", "ratio"))
    found = {what: speed.find(item.variant, library, what).value for what in ("agree", "cells agreeing", "same mask")}
    line = {"formulas that agree": found["agree"], "cells that agree, %": 100 * found["cells agreeing"]}
    line |= {"cells of one mask, %": 100 * found["same mask"], "CPU s": seconds.value}
    line |= {"times ours": ratio.value, "times ours.low": ratio.low, "times ours.high": ratio.high}
    compiled = speed.find(item.variant, library, "compile cpu").value
    return line | {"compiled beforehand, CPU s": compiled}


def alpha_differences(frame: pd.DataFrame) -> pd.DataFrame:
    """The formulas whose values differ from ours, with the share of their cells that agree; the fewest agree first."""
    speed, lines = Speed.of(frame), []
    for which in SETS:
        for item in speed.work(f"alpha101 {which}"):
            for library, shares in _apart(frame, item.variant).items():
                named = [f"{name} ({100 * share:.0f} %)" for name, share in sorted(shares.items(), key=lambda x: x[1])]
                more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
                line = {"formulas of": library, "set": SETS[which][0], "differ": len(named)}
                lines.append(line | {"share of cells that agree": ", ".join(named[:NAMED]) + more})
    return pd.DataFrame(lines)


def _apart(frame: pd.DataFrame, variant: str) -> dict[str, dict[str, float]]:
    rows = frame[(frame["variant"] == variant) & frame["metric"].str.contains(": share ", regex=False)]
    found: dict[str, dict[str, float]] = {}
    for metric, value in zip(rows["metric"], rows["value"], strict=True):
        library, _, formula = str(metric).partition(": share ")
        found.setdefault(library, {})[formula.removeprefix("alpha101_")] = float(value)
    return found


# --------------------------------------------------------------------------------------- masked cells


def masked_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """One masked cell in each stock: who answers for it and for windows that hold it, who stays blank after it."""
    speed, lines = Speed.of(frame), []
    for item in speed.work("masked"):
        metrics = frame.loc[frame["variant"] == item.variant, "metric"]
        operators = list(dict.fromkeys(str(metric).split()[-2] for metric in metrics))
        for library in LIBRARIES:
            found = [_masked_line(speed, item, library, name) for name in operators]
            lines += [line for line in found if not math.isnan(line["largest error"])]
            if speed.numbers.find("machine", f"{library}: installed").value == 0:
                lines.append({"by": library, "operator": absent(library)})
    return pd.DataFrame(lines)


def _masked_line(speed: Speed, item: Work, library: str, operator: str) -> dict[str, Any]:
    keys = ("error", "masked", "inside", "blank")
    error, *shares = (speed.find(item.variant, library, f"{operator} {what}").value for what in keys)
    names = ("a number on the masked cell, %", "a number where the window holds it, %", "blank after it has left, %")
    line = {"by": library, "operator": operator, "largest error": error}
    return line | {name: 100 * share for name, share in zip(names, shares, strict=True)}


# -------------------------------------------------------------------------------------------- start-up


def start_up(frame: pd.DataFrame) -> pd.DataFrame:
    """Whole processes from the start of the interpreter to its end, in seconds."""
    numbers, lines = Speed.of(frame).numbers, []
    for key, what in START_UPS.items():
        cpu, wall = (numbers.find("start-up", f"{key}: {clock}").value for clock in ("cpu", "wall"))
        if not math.isnan(cpu):
            lines.append({"a fresh process": what, "CPU s": cpu, "wall s": wall})
    return pd.DataFrame(lines)
