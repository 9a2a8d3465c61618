"""Whole sets of factors for the speed study: all 213, and formulaic alphas, each sample in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from lib.paper.results.study import Config, Settings
from lib.store.rows import Record, records
from lib.studies.how_fast.records import of_spread, times

if TYPE_CHECKING:
    from lib.studies.how_fast.bench.alphas import Alphas
    from lib.studies.how_fast.bench.timing import Sample


def factors(row: Config, settings: Settings) -> Iterator[Record]:
    """Every sample in a process of its own on one thread: its first call, ours to disk, and a later one in memory.

    What takes minutes takes part in two rounds, and only on the smallest panel.
    """
    from lib.studies.how_fast.bench import timing
    from lib.studies.how_fast.bench.child import Task, run_child
    from lib.studies.how_fast.bench.peers import OURS, SLOW, WHOLE_SETS, installed

    def take(name: str) -> Any:
        size = row["dates"], row["stocks"]
        return run_child(Task(name, *size, row["seed"], to_disk=name == OURS, single=True, again=name not in SLOW))

    names = [OURS, *(name for name in WHOLE_SETS if installed(name) and (row["slow"] or name not in SLOW))]
    rounds, takes = settings["long_repeats"], {name: partial(take, name) for name in names}
    found = timing.in_turn(takes, rounds, {name: min(2, rounds) for name in names if name in SLOW}, row["variant"])
    first = {name: [timing.Sample(run.cpu, run.wall) for run in runs] for name, runs in found.items()}
    again = {name: [sample for run in runs for sample in run.again] or first[name] for name, runs in found.items()}
    yield from times(again)
    yield from ({**record, "metric": _cold(record["metric"])} for record in times(first))
    for name, runs in found.items():
        yield from of_spread(f"{name}: cold peak", [float(run.peak) for run in runs])
        yield from of_spread(f"{name}: peak", [float(run.peak_again or run.peak) for run in runs])
        yield {"metric": f"{name}: output", "value": output_bytes(row)}


def _cold(metric: str) -> str:
    """The name of the same number in a process that starts: "ours: cpu.low" -> "ours: cold cpu.low"."""
    return metric.replace(": ", ": cold ", 1)


def alphas(row: Config, settings: Settings) -> Iterator[Record]:
    """Formulaic alphas in a library that has them: first how far the values agree, then the times."""
    import tempfile
    from pathlib import Path

    from lib.studies.how_fast.bench import alphas as sets
    from lib.studies.how_fast.bench import timing
    from lib.studies.how_fast.bench.adapters import kunquant
    from lib.studies.how_fast.bench.peers import installed

    if not installed(sets.SETS[row["set"]]):
        return
    names = sets.alpha_names(row["set"])
    yield {"metric": "formulas", "value": len(names)}
    with tempfile.TemporaryDirectory() as folder:
        what = sets.Alphas(names)
        if sets.SETS[row["set"]] == "kunquant":
            taken = timing.sample_whole(lambda: kunquant.compile_alphas(names, Path(folder)))
            what = sets.Alphas(names, kunquant.alphas_file(Path(folder)))
            yield from records({f"kunquant: compile {k}": v for k, v in taken._asdict().items()})
        yield from _likenesses(row, what)
        yield from times(_in_this_process(row, what) if settings["alpha_rounds"] == 0 else _apart(row, settings, what))


def _likenesses(row: Config, what: Alphas) -> Iterator[Record]:
    """How far each library's values and masks are ours; of a formula that differs, its share of agreeing cells."""
    from lib.studies.how_fast.bench import alphas as sets
    from lib.studies.how_fast.bench.workloads import bench_panel

    dates, stocks = row["agreement"]
    panel = bench_panel(dates, stocks, row["seed"], masked=False)
    for name in sets.contestants(row["set"])[1:]:
        found = sets.likeness(name, panel, what)
        yield {"metric": f"{name}: agree", "value": len(found.shares) - len(found.apart), "n": len(found.shares)}
        yield from records({f"{name}: cells agreeing": found.cells, f"{name}: same mask": found.masks})
        yield from records({f"{name}: share {formula}": share for formula, share in found.apart.items()})


def _in_this_process(row: Config, what: Alphas) -> Mapping[str, list[Sample]]:
    from lib.studies.how_fast.bench import alphas as sets
    from lib.studies.how_fast.bench import timing, workloads

    panel = workloads.bench_panel(row["dates"], row["stocks"], row["seed"], masked=False)
    calls = {name: sets.alpha_call(name, panel, what) for name in sets.contestants(row["set"])}
    return timing.alternate(calls, 2, least=0, warm=True)


def _apart(row: Config, settings: Settings, what: Alphas) -> Mapping[str, list[Sample]]:
    """Calls after the first of a process: three in each of some processes, or two in one of what takes long."""
    from lib.studies.how_fast.bench import alphas as sets
    from lib.studies.how_fast.bench import timing
    from lib.studies.how_fast.bench.child import Task, run_child

    rounds, again = (settings["alpha_rounds"], 3) if sets.SETS[row["set"]] == "kunquant" else (1, 2)
    size, formulas, library = (row["dates"], row["stocks"], row["seed"]), tuple(what.names), str(what.library or "")

    def take(name: str) -> tuple[Sample, ...]:
        return run_child(Task(name, *size, single=True, again=again, alphas=formulas, library=library)).again

    takes = {name: partial(take, name) for name in sets.contestants(row["set"])}
    found = timing.in_turn(takes, rounds, desc=row["variant"])
    return {name: [sample for samples in runs for sample in samples] for name, runs in found.items()}


def output_bytes(row: Config) -> int:
    """Bytes of all factors: float32 values and bool flags."""
    from lib.factors import factor_names

    return (4 + 1) * int(row["dates"]) * int(row["stocks"]) * len(factor_names())
