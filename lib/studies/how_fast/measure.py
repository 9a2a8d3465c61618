"""How fast the factor engine is, against pandas, bottleneck, polars and the authors' package, on this machine.

A row is one measurement; ours and the peers alternate inside it, so that their ratio belongs to one run. Times of
different rows or machines are comparable through the calibration loop only. The result of a row is a measurement of
a machine: it cannot be recomputed to the digit, and `verify` leaves it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lib.errors import ParameterError
from lib.paper.results.study import Config, RowResult, Settings
from lib.store.rows import Record, records
from lib.studies.how_fast.records import of_spread, times
from lib.studies.how_fast.sets import alphas, factors, output_bytes

#: days and stocks of the papers' panel
WHOLE = (3500, 3000)
WINDOW = 20
#: operators that are followed over the window length, and those of the papers' tables
SWEPT = ("ts_mean", "ts_max", "ts_std", "ts_corr", "ts_rank", "decay_linear")
CLAIMED = ("ts_mean", "ts_std", "ts_corr", "ewma", "cs_rank")
ALPHA_SETS = ("kunquant", "rank-free", "alpha-lib", "polars_ta")
MASKED_STOCKS = 40  # as many as the definitions are evaluated for
NEUTRALISED = 10  # factors; the peers go through them one by one, so more only take longer
LARGE = 10**7  # cells from which three samples are enough


def grid(settings: Settings) -> Iterator[Config]:
    for seed in settings["seeds"]:
        rows = {row["variant"]: row for row in _rows(settings)}  # the sweep meets the plain rows at one window
        yield from ({**row, "seed": seed} for row in rows.values())


def _rows(settings: Settings) -> Iterator[Config]:
    from lib.studies.how_fast.bench.primitives import PRIMITIVES

    yield {"variant": "machine", "kind": "machine"}
    for size in map(_size, settings["primitive_sizes"]):
        yield from (_primitive(name, dtype, WINDOW, size) for dtype in settings["dtypes"] for name in PRIMITIVES)
    first = _size(settings["primitive_sizes"][0])
    yield from (_primitive(name, "float32", w, first) for name in SWEPT for w in settings["windows"])
    sizes = [_size(text) for text in settings["factor_sizes"]]
    for size in sizes:
        yield {**_sized("factors", size), "slow": size == min(sizes)}
        yield _sized("complex factor", size)
    agreement = list(_size(settings["alpha_agreement_size"]))
    for which in settings["alphas"]:
        for size in map(_size, settings["alpha_sizes"]):
            yield {**_sized("alphas", size), "variant": _label(f"alpha101 {which}", size), "set": which,
                   "agreement": agreement}  # fmt: skip
    yield _sized("masked", (settings["masked_days"], MASKED_STOCKS))
    yield {"variant": "start-up", "kind": "startup"}
    yield _sized("agreement", _size(settings["agreement_size"]))
    yield _sized("neutralise", _size(settings["neutral_size"]))
    yield _sized("update", _size(settings["update_size"]))
    for size in map(_size, settings["alone_sizes"]):
        for implementation in settings["alone"]:
            yield {**_sized("alone", size), "variant": _label(f"alone {implementation}", size),
                   "implementation": implementation}  # fmt: skip
    if settings["whole_panel"]:
        yield from (_primitive(name, "float32", WINDOW, WHOLE) for name in CLAIMED)
        yield {**_sized("disk", WHOLE), "implementation": "ours"}


def _size(text: str) -> tuple[int, int]:
    dates, _, stocks = text.partition("x")
    if not (dates.isdecimal() and stocks.isdecimal() and int(dates) and int(stocks)):
        raise ParameterError(f"panel size {text!r}: expected DATESxSTOCKS, such as 750x1000")
    return int(dates), int(stocks)


def _label(what: str, size: tuple[int, int]) -> str:
    return f"{what} {size[0]}x{size[1]}"


def _sized(kind: str, size: tuple[int, int]) -> Config:
    return {"variant": _label(kind, size), "kind": kind, "dates": size[0], "stocks": size[1]}


def _primitive(name: str, dtype: str, window: int, size: tuple[int, int]) -> Config:
    label = _label(f"{name} w={window} {dtype}", size)
    return {**_sized("primitive", size), "variant": label, "name": name, "dtype": dtype, "window": window}


# ------------------------------------------------------------------------------------------- measuring


def compute(row: Config, settings: Settings) -> RowResult:
    from lib.studies.how_fast.bench.workloads import one_thread, quietly

    with quietly(), one_thread():
        return RowResult(list(KINDS[row["kind"]](row, settings)))


def _machine(row: Config, settings: Settings) -> Iterator[Record]:
    from lib.studies.how_fast.bench import timing
    from lib.studies.how_fast.bench.peers import PEERS, installed

    yield from of_spread("calibration", [item.cpu for item in timing.calibration(settings["repeats"])])
    yield from records({"bandwidth": timing.bandwidth(settings["repeats"])})
    yield from records({f"{peer}: installed": installed(peer) for peer in PEERS})


def _primitives(row: Config, settings: Settings) -> Iterator[Record]:
    from lib.studies.how_fast.bench import accuracy, primitives, timing
    from lib.studies.how_fast.bench.peers import FLOOR

    x, y = (values.astype(row["dtype"]) for values in primitives.prices(row["dates"], row["stocks"], row["seed"]))
    found = primitives.contenders(row["name"], x, y, row["window"])
    calls = {library: contender.call for library, contender in found.items()}
    repeats = min(settings["repeats"], 3) if x.size >= LARGE else settings["repeats"]
    yield from times(timing.alternate(calls, repeats, least=settings["least"]), cells=x.size)
    for library, (call, values) in found.items():
        if library != FLOOR:
            error = accuracy.largest_error(row["name"], values(call()), x, y, row["window"])
            yield {"metric": f"{library}: error", "value": error}


def _masked(row: Config, settings: Settings) -> Iterator[Record]:
    """What each library makes of a masked cell."""
    from lib.studies.how_fast.bench.gaps import gaps

    for library, operator, found in gaps(row["dates"], row["seed"]):
        yield from records({f"{library}: {operator} {what}": value for what, value in found._asdict().items()})


def _startup(row: Config, settings: Settings) -> Iterator[Record]:
    """Processes of their own, from the start of the interpreter to its end."""
    from lib.studies.how_fast.bench.startup import start_ups

    for what, taken in start_ups(settings["long_repeats"]).items():
        yield from of_spread(f"{what}: cpu", [item.cpu for item in taken])
        yield from of_spread(f"{what}: wall", [item.wall for item in taken])


def _complex_factor(row: Config, settings: Settings) -> Iterator[Record]:
    from lib.studies.how_fast.bench import timing, workloads

    calls = workloads.one_factor_calls(workloads.bench_panel(row["dates"], row["stocks"], row["seed"]))
    yield from times(timing.alternate(calls, settings["repeats"]))


def _agreement(row: Config, settings: Settings) -> Iterator[Record]:
    from lib.studies.how_fast.bench.agreement import agreement

    for library, found in agreement(row["dates"], row["stocks"], row["seed"]).items():
        yield from records({f"{library}: agree": found.agree, f"{library}: median error": found.median_error}, found.of)


def _neutralise(row: Config, settings: Settings) -> Iterator[Record]:
    from lib.factors import compute_factors, factor_names
    from lib.studies.how_fast.bench import timing, workloads

    panel = workloads.bench_panel(row["dates"], row["stocks"], row["seed"])
    factors = compute_factors(panel, factor_names()[:NEUTRALISED], standardise="zscore")
    calls = workloads.neutral_calls(panel, factors)
    yield from times(timing.alternate(calls, settings["repeats"], warm=True), cells=factors.values.size)


def _update(row: Config, settings: Settings) -> Iterator[Record]:
    from lib.studies.how_fast.bench import timing, workloads

    repeats = settings["repeats"]
    panel = workloads.bench_panel(row["dates"] + repeats + 1, row["stocks"], row["seed"])
    calls = workloads.update_calls(panel, repeats + 1)
    timing.alternate(calls, 1, least=0)  # the first day pays for what is set up once
    yield from times(timing.alternate(calls, repeats, least=0))


def _alone(row: Config, settings: Settings) -> Iterator[Record]:
    """All factors in a process of their own: peak memory, and time once, with all threads."""
    from lib.studies.how_fast.bench.child import Task, run_child
    from lib.studies.how_fast.bench.peers import PEERS, installed

    name, to_disk = row["implementation"], row["kind"] == "disk"
    if name in PEERS and not installed(name):
        return
    found = run_child(Task(name, row["dates"], row["stocks"], row["seed"], to_disk=to_disk))
    values = {"cpu": found.cpu, "wall": found.wall, "peak": found.peak, "before": found.before}
    values["output"] = output_bytes(row)
    yield from records({f"{name}: {what}": value for what, value in values.items()})


KINDS: Mapping[str, Callable[[Config, Settings], Iterator[Record]]] = {
    "machine": _machine,
    "primitive": _primitives,
    "factors": factors,
    "complex factor": _complex_factor,
    "agreement": _agreement,
    "alphas": alphas,
    "masked": _masked,
    "startup": _startup,
    "neutralise": _neutralise,
    "update": _update,
    "alone": _alone,
    "disk": _alone,
}


SIZES: tuple[type, ...] = (list, str)
