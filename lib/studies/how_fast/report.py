"""`python -m lib bench`: measure, print the tables, and leave a result file; and the tables themselves.

Unlike other studies a benchmark is measured anew each time. A run that was interrupted resumes: its finished rows lie
beside the result file until that is written.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lib.store.files import write_bytes
from lib.studies import record as record_rows
from lib.studies import run_study
from lib.studies.how_fast.speed import ALPHA_PEERS, GIB, NEEDS, OURS, PEERS, Operator, Speed, Whole, Work

#: what is special about a peer's operator: a definition of its own, so that its error is no round-off
REMARKS = {
    ("mlquantx", "ewma"): "starts from 0 instead of the first value",
    ("mlquantx", "decay_linear"): "gives the oldest day the largest weight",
}
#: half of the distance to the next number below 1: of float32, and of float64 with room for the truth's own rounding
ROUNDED_SINGLE, ROUNDED_DOUBLE = 2.0**-24, 2.0**-51
#: what stands in for a peer: a loop of least squares, the whole computation again for one new day
REFERENCES = ("lstsq", "recomputed")
NOT_INSTALLED = "not installed"
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


def main(
    scale: str = "paper", *, whole_panel: bool = False, record: bool = False, out: str | Path = "out/bench.json"
) -> None:
    """Measure at a scale, print the table, write `out`; with `record` also the files that the book shows.

    Raises StoreError when `record` is asked for and files differ from the commit.
    """
    from lib.studies.how_fast import STUDY

    out = Path(out)
    rows = out.with_suffix(".rows")
    if record:
        # first, because it refuses before anything is measured; the run below then finds every row stored
        print(record_rows(STUDY, scale=scale, cache=rows, whole_panel=whole_panel).describe())
    result = run_study(STUDY, scale=scale, cache=rows, whole_panel=whole_panel)
    write_bytes(out, content(result.frame, result.provenance).encode())
    shutil.rmtree(rows, ignore_errors=True)
    print(report(result.frame, result.provenance))
    print(f"\nthe factor-axis Transformer, exact fast form against plain form\n{forms_of_the_transformer(scale)}")
    print(f"\nthe optimiser of a day, CPU time\n{the_optimiser(scale)}")
    print(f"written: {out}")


def forms_of_the_transformer(scale: str) -> str:
    """Measured beside the study: it is a check of the form that other studies use, and no row of this one."""
    from lib.studies.how_fast import transformer
    from lib.studies.how_fast.bench.workloads import one_thread

    small = {"factors": 39, "rows": 64, "repeats": 3} if scale == "smoke" else {}
    with one_thread():
        return transformer.report(transformer.compare(**small))


def the_optimiser(scale: str) -> str:
    """The study of the optimiser, measured anew: a study of its own, printed here beside the engine."""
    import tempfile

    from lib.studies.solver.tables import report as tables

    with tempfile.TemporaryDirectory() as folder:
        return tables(run_study("solver", scale=scale, cache=Path(folder)).frame)


def content(frame: pd.DataFrame, provenance: Mapping[str, Any]) -> str:
    """The result file: provenance, and the tidy rows (variant, seed, metric, value, n) as JSON.

    A number that is missing is null: JSON has no NaN.
    """
    rows = frame.drop(columns=["study", "setting"]).to_json(orient="records", lines=True, double_precision=15)
    listed = ",\n  ".join(rows.splitlines())
    return f'{{\n "provenance": {json.dumps(dict(provenance))},\n "rows": [\n  {listed}\n ]\n}}\n'


def report(frame: pd.DataFrame, provenance: Mapping[str, Any]) -> str:
    """The table with a head that says where and on what it was measured."""
    speed = Speed.of(frame)
    seconds, rate = (speed.numbers.find("machine", what).value for what in ("calibration", "bandwidth"))
    lines = [
        f"{provenance['hardware']}, {provenance['date']}, commit {str(provenance['commit'])[:10]}",
        f"calibration loop {seconds:.4f} CPU s, copying {rate / 1e9:.1f} GB/s",
        "ratios are CPU time of the other over ours, with where 95 % of further repeats lie",
    ]
    if speed.missing:
        lines.append(f"not installed: {', '.join(speed.missing)} (pip install -e '.[bench,peer,alphas]')")
    tables = {
        "": summary(frame),
        "largest errors against float64, float32 inputs": error_table(frame, "float32"),
        "all factors, one process each": memory_table(frame),
        "all factors, the first call of a process (ours to disk) and a later one": first_calls(frame),
        "formulaic alphas": alphas(frame),
        "formulaic alphas that differ from ours": alpha_differences(frame),
        "a masked cell in each stock": masked_cells(frame),
        "start-up": start_up(frame),
    }
    shown = [f"{title}\n{table.to_string(index=False, na_rep='-')}" for title, table in tables.items() if len(table)]
    return "\n\n".join(["\n".join(lines), *shown])


# ------------------------------------------------------------------------------------------- the tables


def absent(peer: str) -> str:
    """What stands where a peer was not there to be measured."""
    return f"{NOT_INSTALLED} (needs {NEEDS[peer]})" if peer in NEEDS else NOT_INSTALLED


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per measurement against the peers: our CPU time, and how many times it each peer needs."""
    speed = Speed.of(frame)
    lines = [_line(speed, variant) for variant in speed.numbers.variants if _is_compared(speed, variant)]
    return pd.DataFrame(lines)


def _is_compared(speed: Speed, variant: str) -> bool:
    others = (*PEERS, *REFERENCES)
    return any(not math.isnan(speed.find(variant, other, "ratio").value) for other in others)


def _line(speed: Speed, variant: str) -> dict[str, Any]:
    ours = speed.find(variant, OURS, "ns per cell").value
    seconds = speed.find(variant, OURS, "cpu").value
    line: dict[str, Any] = {"measured": variant, "ours, CPU s": f"{seconds:.4g}"}
    line["ours, ns a cell"] = "" if math.isnan(ours) else f"{ours:.1f}"
    return line | {f"{other} / ours": _ratio(speed, variant, other) for other in (*PEERS, *REFERENCES)}


def _ratio(speed: Speed, variant: str, peer: str) -> str:
    found = speed.find(variant, peer, "ratio")
    if math.isnan(found.value):
        return absent(peer) if peer in PEERS and not speed.installed(peer) else "-"
    ends = "" if math.isnan(found.low) else f" [{found.low:.2f}, {found.high:.2f}]"
    return f"{found.value:.2f}{ends}"


def ratio_table(frame: pd.DataFrame, dtype: str) -> pd.DataFrame:
    """Operators down: our nanoseconds per cell, the floor, and the ratio of each peer with its interval."""
    speed = Speed.of(frame)
    return pd.DataFrame([_ratio_line(speed, item) for item in speed.plain(dtype)])


def _ratio_line(speed: Speed, item: Operator) -> dict[str, Any]:
    line: dict[str, Any] = {"operator": item.name}
    line["ours, ns a cell"] = speed.find(item.variant, OURS, "ns per cell").value
    line["reading and writing once, ns a cell"] = speed.find(item.variant, "copy", "ns per cell").value
    for peer in speed.peers:
        found = speed.find(item.variant, peer, "ratio")
        line |= {f"{peer} / ours": found.value, f"{peer} / ours.low": found.low, f"{peer} / ours.high": found.high}
    return line | {f"{peer} / ours": absent(peer) for peer in speed.missing}


def error_table(frame: pd.DataFrame, dtype: str) -> pd.DataFrame:
    """Operators down, libraries across: the largest error against float64 from the definition, and what is special."""
    speed = Speed.of(frame)
    lines = []
    for item in speed.plain(dtype):
        errors: dict[str, Any] = {lib: speed.find(item.variant, lib, "error").value for lib in (OURS, *speed.peers)}
        missing = {peer: absent(peer) for peer in speed.missing}
        lines.append({"operator": item.name, **errors, **missing, "remark": _remarks(speed, item, errors)})
    return pd.DataFrame(lines)


def _remarks(speed: Speed, item: Operator, errors: dict[str, float]) -> str:
    found = [f"{peer} {REMARKS[peer, item.name]}" for peer in speed.peers if (peer, item.name) in REMARKS]
    if item.name == "cs_rank":
        found += rank_remarks(errors, item.size.stocks)
    return "; ".join(found)


def rank_remarks(errors: dict[str, float], stocks: int) -> list[str]:
    """What an error of a rank comes from: a rank is a place over the number of stocks, so half a place is one tie.

    >>> rank_remarks({"ours": 0.5 / 3000, "pandas": 0.0}, 3000)
    ['ours off by half a place of 3000: two prices that differ in their last bits share a rank']
    """
    places = {library: error * stocks for library, error in errors.items() if error > ROUNDED_DOUBLE}
    tied = [library for library, place in places.items() if abs(place - 0.5) < 0.01]
    rounded = [library for library in places if errors[library] <= ROUNDED_SINGLE]
    said = {
        f"off by half a place of {stocks}: two prices that differ in their last bits share a rank": tied,
        "off by the rounding of a rank to float32": rounded,
    }
    return [f"{' and '.join(libraries)} {what}" for what, libraries in said.items() if libraries]


def work_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Larger pieces of work: CPU seconds of everyone, and the ratios to ours."""
    speed = Speed.of(frame)
    kinds = ("factors", "complex factor", "neutralise", "update")
    return pd.DataFrame([line for kind in kinds for item in speed.work(kind) for line in _work_lines(speed, item)])


def _work_lines(speed: Speed, item: Work) -> Iterator[dict[str, Any]]:
    for library in (OURS, *PEERS, *REFERENCES):
        seconds, ratio = (speed.find(item.variant, library, what) for what in ("cpu", "ratio"))
        if not math.isnan(seconds.value):
            line = {"work": item.what, "panel": str(item.size), "by": library, "CPU s": seconds.value}
            yield line | {"times ours": ratio.value, "times ours.low": ratio.low, "times ours.high": ratio.high}


def memory_table(frame: pd.DataFrame) -> pd.DataFrame:
    """All factors, one process each: CPU and wall seconds, peak memory, and the size of the result, in GiB."""
    speed = Speed.of(frame)
    lines = [_memory_line(library, run) for library in (OURS, "pandas", "mlquantx") for run in speed.whole(library)]
    kinds = ("cpu", "wall", "peak", "output")
    disk = [(item.size, [speed.find(item.variant, OURS, what).value for what in kinds]) for item in speed.work("disk")]
    return pd.DataFrame(lines + [_memory_line("ours, to disk", Whole(size, "all", *found)) for size, found in disk])


def _memory_line(by: str, run: Whole) -> dict[str, Any]:
    return {
        "by": by, "panel": str(run.size), "threads": run.threads, "CPU s": run.cpu, "wall s": run.wall,
        "peak, GiB": run.peak / GIB, "result, GiB": run.output / GIB,
    }  # fmt: skip


def agreement_table(frame: pd.DataFrame) -> pd.DataFrame:
    """How many of the factors agree with the same formulas in pandas, in float64."""
    speed, lines = Speed.of(frame), []
    for item in speed.work("agreement"):
        for library in (OURS, "mlquantx"):
            agree, error = (speed.find(item.variant, library, what).value for what in ("agree", "median error"))
            if not math.isnan(agree):
                line = {"factors of": library, "panel": str(item.size), "agree with pandas": agree}
                lines.append(line | {"median of the largest errors, z-scores": error})
    return pd.DataFrame(lines)


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
