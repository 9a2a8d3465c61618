"""One thing at a time: a base network, and arms that differ from it in one setting.

A row is one arm on one simulated market; the difference to its base on the same market is what counts. Cells, labels,
splits, stopping and book are the same for all (`lib.evaluation.arms`). MARGIN and which arms are the protocol of paper
B (s3.5.3) were written down before a result was seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lib.evaluation.arms import arm_dataset, compared, scored_arm
from lib.evaluation.simulated import market, market_settings
from lib.market import Market
from lib.models.architectures import WINDOWED
from lib.models.fitted import on_sample
from lib.models.neural import neural
from lib.models.splits import walk_forward
from lib.models.walk import walked
from lib.models.windows import windowed
from lib.paper.results.agreement import TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.stats.keys import Key
from lib.store.marks import registry
from lib.store.rows import Record

#: differences in truth IC inside +-MARGIN count as none: a twentieth of the 0.24 that the papers' MLP reaches on the
#: markets of the study `learner_tuning`
MARGIN = 0.012
#: world -> settings of its market
WORLDS: dict[str, dict[str, Any]] = {"linear": {}, "interaction": {"interaction": True}}
LIMIT_RATES, FACTORS = "real", "core"
#: sessions that the Transformer over days reads
WINDOW = 20


@dataclass(frozen=True)
class Arm:
    """base: what it is compared with; its own name for a base. topic: what it changes. changes: settings over those of
    the base, of the network or of `lib.models.training.Protocol`; window: sessions, of a network that reads days."""

    base: str
    topic: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    window: int = WINDOW


#: base -> (network, its settings). `residual` without skips and norms is the papers' MLP at depth 2; learning rate and
#: weight decay are those of the authors' configuration. The Transformers take smaller batches, for few samples
BASES: dict[str, tuple[str, dict[str, Any]]] = registry("base", {
    "MLP": ("residual", {"depth": 2, "width": 128, "norm": "none", "residual": False, "activation": "gelu",
                         "dropout": 0.1, "learning_rate": 5e-4, "weight_decay": 1e-5, "clip_norm": 1.0, "batch": 8192,
                         "patience": 3}),
    "factor Transformer": ("factor_transformer", {"learning_rate": 5e-4, "weight_decay": 1e-5, "batch": 512}),
    "time Transformer": ("time_transformer", {"learning_rate": 5e-4, "weight_decay": 1e-5, "batch": 512}),
})  # fmt: skip
SLOW = ("factor Transformer", "time Transformer")
PROTOCOL = "protocol"
ARMS: dict[str, Arm] = registry("arm", {
    "MLP": Arm("MLP", "base"),
    "factor Transformer": Arm("factor Transformer", "base"),
    "time Transformer": Arm("time Transformer", "base"),
    "depth 1": Arm("MLP", "depth", {"depth": 1}),
    "depth 4": Arm("MLP", "depth", {"depth": 4}),
    "width 32": Arm("MLP", "width", {"width": 32}),
    "width 512": Arm("MLP", "width", {"width": 512}),
    "skips": Arm("MLP", "residual", {"residual": True}),
    "depth 4, skips": Arm("MLP", "residual", {"depth": 4, "residual": True}),
    "batch norm": Arm("MLP", "norm", {"norm": "batch"}),
    "layer norm": Arm("MLP", "norm", {"norm": "layer"}),
    "dropout 0": Arm("MLP", "dropout", {"dropout": 0.0}),
    "dropout 0.3": Arm("MLP", "dropout", {"dropout": 0.3}),
    "dropout 0.5": Arm("MLP", "dropout", {"dropout": 0.5}),
    "activation relu": Arm("MLP", "activation", {"activation": "relu"}),
    "activation swish": Arm("MLP", "activation", {"activation": "swish"}),
    "activation mish": Arm("MLP", "activation", {"activation": "mish"}),
    "cosine schedule": Arm("MLP", "schedule", {"schedule": "cosine"}),
    "warm restarts": Arm("MLP", "schedule", {"schedule": "restarts"}),
    "learning rate / 3": Arm("MLP", PROTOCOL, {"learning_rate": 5e-4 / 3}),
    "learning rate x 3": Arm("MLP", PROTOCOL, {"learning_rate": 15e-4}),
    "weight decay 0": Arm("MLP", PROTOCOL, {"weight_decay": 0.0}),
    "weight decay x 1000": Arm("MLP", PROTOCOL, {"weight_decay": 1e-2}),
    "clipping 0.1": Arm("MLP", PROTOCOL, {"clip_norm": 0.1}),
    "clipping 10": Arm("MLP", PROTOCOL, {"clip_norm": 10.0}),
    "batch 2048": Arm("MLP", PROTOCOL, {"batch": 2048}),
    "batch 32768": Arm("MLP", PROTOCOL, {"batch": 32_768}),
    "patience 10": Arm("MLP", PROTOCOL, {"patience": 10}),
    "factor, heads 1": Arm("factor Transformer", "heads", {"heads": 1}),
    "factor, heads 8": Arm("factor Transformer", "heads", {"heads": 8}),
    "factor, layers 1": Arm("factor Transformer", "depth", {"layers": 1}),
    "time, heads 1": Arm("time Transformer", "heads", {"heads": 1}),
    "time, heads 16": Arm("time Transformer", "heads", {"heads": 16}),
    "time, window 10": Arm("time Transformer", "window", {}, window=10),
    "time, window 40": Arm("time Transformer", "window", {}, window=40),
    "time, relative": Arm("time Transformer", "encoding", {"encoding": "relative"}),
    "time, calendar": Arm("time Transformer", "encoding", {"encoding": "calendar"}),
})  # fmt: skip
LEVEL = Key("{arm} | {world}", arm=ARMS, world=WORLDS)
GAP = Key("{arm} - {base} | {world}", arm=ARMS, base=BASES, world=WORLDS)


def grid(settings: Settings) -> Iterator[Config]:
    """Arms with their bases, by market and world; the Transformers on the first markets of one world only."""
    wanted = dict.fromkeys(name for arm in settings["arms"] for name in (ARMS[arm].base, arm))
    for place, seed in enumerate(settings["seeds"]):
        for world in dict.fromkeys([*settings["worlds"], settings["slow_world"]]):
            for name in wanted:
                if _runs(ARMS[name].base in SLOW, place, world, settings):
                    yield _row(name, world, seed)


def _runs(slow: bool, place: int, world: str, settings: Settings) -> bool:
    if slow:
        return place < settings["slow_seeds"] and world == settings["slow_world"]
    return world in settings["worlds"]


def _row(name: str, world: str, seed: int) -> Config:
    arm = ARMS[name]
    network, own = BASES[arm.base]
    row = {"variant": LEVEL.name(arm=name, world=world), "seed": seed, "world": world, "arm": name, "base": arm.base}
    row |= {"network": network, "loss": "mse", "network_settings": {**own, **arm.changes}}
    return row | ({"window": arm.window} if network in WINDOWED else {})


def _market(row: Config, settings: Settings) -> Market:
    size = (settings["n_stocks"], settings["n_days"], row["seed"], LIMIT_RATES)
    return market(*size, **market_settings(settings), **WORLDS[row["world"]])


def compute(row: Config, settings: Settings) -> RowResult:
    world = _market(row, settings)
    dates, data = world.panel.dates, arm_dataset(world, FACTORS)
    splits = walk_forward(dates, first_test_year=settings["first_test_year"], refit_every=settings["refit_every"])
    options = {"network": row["network"], "loss": row["loss"], **row["network_settings"]}
    if row["base"] in SLOW:
        data = windowed(data, row["window"], dates) if "window" in row else data
        options |= {"learner": neural, "rows": settings["rows"], "epochs": settings["slow_epochs"]}
        fit = on_sample(data, row["seed"], **options)
    else:
        fit = neural(data, row["seed"], epochs=settings["epochs"], **options)
    return scored_arm(world, walked(data, fit, list(splits)), name=row["variant"], seed=row["seed"])


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """Every arm minus its base on one market."""
    first, found = rows[0][0], {row["arm"]: result for row, result in rows}
    world, records = _market(first, settings), list[Record]()
    for name, result in found.items():
        if name != first["base"] and first["base"] in found:
            gap = GAP.name(arm=name, base=first["base"], world=first["world"])
            records += compared(world, result, found[first["base"]], name=gap, seed=first["seed"])
    return RowResult(records)


def by_base(row: Config) -> str:
    return f"{row['world']} {row['base']} {row['seed']}"


def agreement(row: Config) -> Agreement:
    return TRAINED
