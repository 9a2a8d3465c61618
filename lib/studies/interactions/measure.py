"""Attention between factors, on a market with a planted interaction and on one without.

The pair of paper B (s5.3), a reversal and a volatility, is planted: on one market a reversal works only in stocks whose
volatility is below the day's median. On the other it works in all. On each, a Transformer over factors and an MLP are
fitted to the same few samples, once. Three sets of five pathways of the Transformer's first layer are then closed, one
set at a time: the five pairs with most attention, as in the paper, five at random as the control, and the five pairs
that the paper names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.evaluation.arms import ENDPOINTS, arm_dataset, compared, scored_arm
from lib.evaluation.core import CORE
from lib.evaluation.one_fit import few_samples, one_split, predict_span
from lib.evaluation.simulated import market, market_settings
from lib.models.architectures import SETTINGS
from lib.models.factor_transformer import FactorTransformer
from lib.models.fits import Predictor
from lib.models.neural import neural
from lib.models.training import Protocol, initialised, predict, train
from lib.models.validation import Validation
from lib.paper.results.agreement import TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.stats import ic
from lib.stats.keys import Key
from lib.store.rows import Record
from lib.studies.interactions.pathways import attention_scores, closed, drawn, effects, listed, rank_of, top

if TYPE_CHECKING:
    from lib.market import Market
    from lib.models.dataset import Dataset
    from lib.models.splits import Split

#: pairs of paper B's table (s5.3), the planted one first, by the names of the factors here
PAIRS = {
    "reversal and volatility": ("alpha_012", "original_001"),
    "close location and mean deviation": ("best_001", "old_032"),
    "open-volume correlation and turnover surge": ("alpha_006", "extra_005"),
    "vwap spread and rank of lows": ("better_003", "alpha_004"),
    "acceleration and CCI": ("change_002", "stock_011"),
}
PLANTED = next(iter(PAIRS))
#: of the core set, five give way to the factors of the table that it lacks, each to one of its own family
INSTEAD = {
    "original_004": "original_001", "best_003": "best_001", "old_033": "old_032", "extra_006": "extra_005",
    "better_002": "better_003",
}  # fmt: skip
FACTORS = tuple(INSTEAD.get(name, name) for name in CORE)
#: name -> whether the reversal works only in stocks whose volatility is below the day's median
WORLDS = {"interaction": True, "linear": False}
LIMIT_RATES = "real"
COUNT = 5  # pathways that are closed together
#: test samples whose attention is averaged, and whose mixed differences are
READ, CHANGED = 2048, 64
ARMS = ("transformer", "mlp", "without top", "without random", "without paper")
CONTRASTS = (
    *((name, "transformer") for name in ARMS if name.startswith("without")),
    ("without top", "without random"),
    ("transformer", "mlp"),
)
LEVEL = Key("{arm} | {world}", arm=ARMS, world=WORLDS)
STEP = Key("{left} - {right} | {world}", left=ARMS, right=ARMS, world=WORLDS)
BY = ("attention", "effect", "mlp_effect")
PAIR = Key("pair {pair} by {by} | {world}", pair=PAIRS, by=BY, world=WORLDS)
#: what the planted pair's rank gains by being planted: its rank without the interaction minus that with it
GAIN = Key("pair {pair} by {by}: linear - interaction", pair=PAIRS, by=BY)
NETWORK = Key("network | {world}", world=WORLDS)
#: the papers' own back-test, in which every order fills at the close
PAPERS = "naive_close.sharpe"
KEPT = frozenset({*ENDPOINTS, PAPERS})


def grid(settings: Settings) -> Iterator[Config]:
    for place, seed in enumerate(settings["seeds"]):
        for world in WORLDS:
            if world == "interaction" or place < settings["linear_seeds"]:
                yield {"variant": world, "seed": seed, "world": world}


def compute(row: Config, settings: Settings) -> RowResult:
    place, seed = {"world": row["world"]}, row["seed"]
    world = market(
        settings["n_stocks"], settings["n_days"], seed, LIMIT_RATES, **market_settings(settings),
        **({"interaction": True} if WORLDS[row["world"]] else {}),
    )  # fmt: skip
    split = one_split(world.panel.dates, settings["first_test_year"])
    data = few_samples(arm_dataset(world, FACTORS), split, settings["rows"], seed)
    network = fitted(data, split, seed, settings["epochs"])
    mlp = neural(data, seed, network="mlp", epochs=settings["epochs"], **SETTINGS["mlp"])(split)
    rng = np.random.default_rng([COUNT, seed])
    read = _test_samples(data, split, rng)
    scores, models = attention_scores(network, read), _models(network, mlp, read, rng)
    arms = {
        name: scored_arm(world, predict_span(data, split, model), name=LEVEL.name(arm=name, **place), seed=seed)
        for name, model in models.items()
    }
    records = [{"variant": LEVEL.name(arm=name, **place), **item} for name, arm in arms.items() for item in arm.records]
    records += _differences(world, arms, row)
    strength = {"effect": effects(models["transformer"], read[:CHANGED]), "mlp_effect": effects(mlp, read[:CHANGED])}
    kept = [item for item in records if item["metric"] in KEPT]
    return RowResult([*kept, *_ranks({"attention": scores, **strength}, row["world"])])


def fitted(data: Dataset, split: Split, seed: int, epochs: int) -> FactorTransformer:
    """The Transformer over factors with its settings."""
    own = dict(SETTINGS["factor_transformer"])
    build = partial(FactorTransformer, dropout=own.pop("dropout"))
    network = train(
        initialised(build, data.features.shape[1], seed), data.training(split.fit_start, split.fit_stop),
        Validation.of(data, split), seed=seed, protocol=Protocol(epochs=epochs, **own),
    )  # fmt: skip
    assert isinstance(network, FactorTransformer)
    return network


def _test_samples(data: Dataset, split: Split, rng: np.random.Generator) -> np.ndarray:
    """Features of some test samples [R, F], in random order."""
    rows = data.to_predict(split.test_start, split.test_stop)
    return data.features[rng.permutation(rows)[:READ]]


def _models(
    network: FactorTransformer, mlp: Predictor, read: np.ndarray, rng: np.random.Generator
) -> dict[str, Predictor]:
    """Arm -> its predictor."""
    most = top(attention_scores(network, read), COUNT)
    sets = {"top": most, "random": drawn(len(FACTORS), COUNT, rng, without=most), "paper": list(places().values())}
    return {
        "transformer": partial(predict, network), "mlp": mlp,
        **{f"without {name}": closed(network, pairs) for name, pairs in sets.items()},
    }  # fmt: skip


def places() -> dict[str, tuple[int, int]]:
    """The pairs of the paper as positions among FACTORS."""
    return {name: (FACTORS.index(left), FACTORS.index(right)) for name, (left, right) in PAIRS.items()}


def _differences(world: Market, arms: Mapping[str, RowResult], row: Config) -> Iterator[Record]:
    for left, right in CONTRASTS:
        name = STEP.name(left=left, right=right, world=row["world"])
        yield from compared(world, arms[left], arms[right], name=name, seed=row["seed"])


def _ranks(scores: Mapping[str, np.ndarray], world: str) -> list[Record]:
    """Rank of each of the paper's pairs by each score, whether it is among the first five, and how scores agree."""
    records: list[Record] = []
    for by, of_pairs in scores.items():
        for name, pair in places().items():
            rank, variant = rank_of(of_pairs, pair), PAIR.name(pair=name, by=by, world=world)
            records += [{"variant": variant, "metric": "rank", "value": rank}]
            records += [{"variant": variant, "metric": "in_top", "value": float(rank <= COUNT)}]
    left, right = (listed(scores[by])[None] for by in ("attention", "effect"))  # 1 P
    alike = float(ic(left, right, np.ones(left.shape, dtype=bool), kind="spearman")[0])
    records.append({"variant": NETWORK.name(world=world), "metric": "attention_and_effect", "value": alike})
    return records


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """On one seed: how many places each pair of the paper stands higher where the interaction is planted."""
    found: dict[str, dict[str, Any]] = {
        row["world"]: {item["variant"]: item["value"] for item in result.records if item["metric"] == "rank"}
        for row, result in rows
    }
    if len(found) < len(WORLDS):
        return RowResult([])
    records = []
    for pair in PAIRS:
        for by in BY:
            at = {world: found[world][PAIR.name(pair=pair, by=by, world=world)] for world in WORLDS}
            gain = at["linear"] - at["interaction"]
            records.append({"variant": GAIN.name(pair=pair, by=by), "metric": "rank", "value": gain})
    return RowResult(records)


def agreement(row: Config) -> Agreement:
    return TRAINED
