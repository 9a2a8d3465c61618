"""The tables of the speed study, and what it answers of the papers' claims."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from lib.paper.claims import Answer
from lib.studies.how_fast.findings import GIB, NEEDS, OURS, PEERS, Operator, Speed, Whole, Work

#: claim -> the operator it is about, or the work
OPERATOR_CLAIMS = {
    "B.speed.cs_rank.speedup": "cs_rank",
    "B.speed.ts_std.speedup": "ts_std",
    "B.speed.ewma.speedup": "ewma",
    "B.speed.ts_corr.speedup": "ts_corr",
    "A.speed.rolling_mean": "ts_mean",
    "A.speed.cs_rank": "cs_rank",
    "A.speed.ewma": "ewma",
}
WORK_CLAIMS = {"B.speed.all_213.speedup": "factors", "A.speed.complex_factor": "complex factor"}
CLAIM_IDS = (*OPERATOR_CLAIMS, *WORK_CLAIMS)

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


# ----------------------------------------------------------------------------------- tables of the page


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


def beside_table(own: pd.DataFrame, recorded: pd.DataFrame) -> pd.DataFrame:
    """Ratios to the peers in this build beside the recorded ones, operator by operator; panels differ in size."""
    here, there = Speed.of(own), Speed.of(recorded)
    pairs = {item.name: [item.variant] for item in here.plain()}
    for item in there.plain():
        pairs.get(item.name, []).append(item.variant)
    lines = []
    for name, variants in pairs.items():
        line: dict[str, Any] = {"operator": name}
        for peer in PEERS if len(variants) == 2 else ():
            ratios = [speed.find(v, peer, "ratio").value for speed, v in zip((here, there), variants, strict=True)]
            line |= {f"{peer} / ours, this build": ratios[0], f"{peer} / ours, recorded": ratios[1]}
        lines.append(line)
    return pd.DataFrame(lines).dropna(axis=1, how="all")


# ----------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """pandas seconds / our seconds on a CPU, where the papers have one A100: setting `different`.

    The interval is where 95 % of further repeats on that machine lie, and is left out where one repeat cannot say.
    """
    speed = Speed.of(frame)
    found = [_operator_answer(speed, claim_id, name) for claim_id, name in OPERATOR_CLAIMS.items()]
    found += [_work_answer(speed, claim_id, what) for claim_id, what in WORK_CLAIMS.items()]
    return [answer for answer in found if answer is not None]


def _operator_answer(speed: Speed, claim_id: str, name: str) -> Answer | None:
    items = [item for item in speed.operators() if (item.name, item.dtype, item.window) == (name, "float32", 20)]
    largest = max(items, key=lambda item: item.size.cells, default=None)
    return _answer(speed, claim_id, largest, "") if largest else None


def _work_answer(speed: Speed, claim_id: str, what: str) -> Answer | None:
    runs = [run for run in speed.work(what) if not math.isnan(speed.find(run.variant, "pandas", "ratio").value)]
    choice = "the paper does not say which factor: the one of most operators; " if what == "complex factor" else ""
    return _answer(speed, claim_id, runs[-1], choice) if runs else None


def _answer(speed: Speed, claim_id: str, item: Operator | Work, remark: str) -> Answer | None:
    ratio = speed.find(item.variant, "pandas", "ratio")
    if math.isnan(ratio.value):
        return None
    low, high = (None, None) if math.isnan(ratio.low) else (ratio.low, ratio.high)
    note = f"{remark}{item.size}, CPU seconds of pandas / ours on a CPU (the paper: one A100)"
    return Answer(claim_id, ratio.value, low, high, "different", note, "how_fast")
