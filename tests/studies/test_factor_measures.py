"""What the handbook measures, against loops over cells: coverage, information, relatives, twins, units."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from lib.engine import Stream
from lib.factors import FactorSet, compute_factors, factor_names, find_factors
from lib.factors.fields import amount, close, high, low, open, volume
from lib.factors.leaves import Leaves
from lib.factors.registry import PUBLISHED, catalogue
from lib.graph import Node
from lib.market import make_market
from lib.ops import cs_rank, delay, log, ts_corr, ts_mean
from lib.panel import Panel
from lib.paper.results.study import Settings
from lib.studies.factor_handbook import STUDY
from lib.studies.factor_handbook import precision as factor_precision
from lib.studies.factor_handbook.measure import _lacking
from lib.studies.factor_handbook.measures import Ground, distinct, measure, member_columns, sampled_days
from lib.studies.factor_handbook.precision import apart_from_float64
from lib.studies.factor_handbook.relatives import Sample, closest, family_correlations, rank_correlations, twins
from lib.studies.factor_handbook.units import RESCALED, unit_agreement

T, N = 90, 40
Array = NDArray[Any]


def changing_universe(shape: tuple[int, int]) -> Array:
    """Members come and go: 5 stocks leave half way, 5 enter, 3 leave for nobody."""
    universe = np.ones(shape, dtype=bool)
    universe[shape[0] // 2 :, :5] = False
    universe[: shape[0] // 2, 5:10] = False
    universe[shape[0] // 3 :, 10:13] = False
    return universe


@pytest.fixture(scope="module")
def panel() -> Panel:
    drawn = make_market(N, T, 3).panel
    fields = {name: drawn.fields[name] for name in drawn.fields}
    return Panel.from_arrays(
        drawn.dates, list(drawn.symbols), fields, drawn.reasons, changing_universe(drawn.shape), market="cn"
    )


@pytest.fixture(scope="module")
def factor(panel: Panel) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    values = rng.standard_normal(panel.shape).round(1).astype(np.float32)
    return values, (rng.random(panel.shape) < 0.8) & panel.mask


def measured(panel: Panel, values: Array, valid: Array, n_sampled: int = 12) -> dict[str, float]:
    return {str(r["metric"]): float(r["value"]) for r in measure(Ground.of(panel, n_sampled), values, valid)}  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------- one factor


def test_coverage_counts_listed_members(panel: Panel, factor: tuple[Array, Array]) -> None:
    values, valid = factor
    cells = [(t, n) for t in range(T) for n in range(N) if panel.universe[t, n] and panel.observed[t, n]]
    expected = sum(bool(valid[cell]) for cell in cells) / len(cells)
    assert measured(panel, values, valid)["coverage"] == pytest.approx(expected, abs=1e-12)


def test_information_is_the_mean_daily_rank_correlation(panel: Panel, factor: tuple[Array, Array]) -> None:
    values, valid = factor
    daily = []
    for t in range(T - 1):
        cells = valid[t] & panel.universe[t] & panel.price_valid[t] & np.isfinite(panel.returns[t + 1])
        if cells.sum() >= 20:
            daily.append(stats.spearmanr(values[t, cells], panel.returns[t + 1, cells]).statistic)
    found = measured(panel, values, valid)
    assert found["rank_ic"] == pytest.approx(np.mean(daily), abs=1e-10)
    assert found["rank_ic.low"] < found["rank_ic"] < found["rank_ic.high"]


def test_an_interval_needs_days(panel: Panel, factor: tuple[Array, Array]) -> None:
    values, valid = factor
    late = valid & (np.arange(T) >= T - 40)[:, None]
    found = measured(panel, values, late)
    assert "rank_ic" in found and "rank_ic.low" not in found


def test_persistence_and_distinct_values(panel: Panel, factor: tuple[Array, Array]) -> None:
    values, valid = factor
    days = sampled_days(T, 12)
    moves, counts = [], []
    for t in days:
        today = valid[t] & panel.universe[t] & panel.observed[t]
        both = today & valid[t - 1]
        if both.sum() >= 20:
            moves.append(stats.spearmanr(values[t, both], values[t - 1, both]).statistic)
        if today.sum() >= 20:
            counts.append(len(set(values[t, today].tolist())))
    found = measured(panel, values, valid)
    assert found["persistence"] == pytest.approx(np.mean(moves), abs=1e-10)
    assert found["distinct"] == np.median(counts)


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30])
def test_masked_cells_and_strangers_count_for_nothing(panel: Panel, factor: tuple[Array, Array], poison: float) -> None:
    values, valid = factor
    inside = valid & panel.universe & panel.observed
    # yesterday's cell of a new member is looked at for persistence, so it is not poisoned
    seen = inside.copy()
    seen[:-1] |= valid[:-1] & panel.universe[1:] & panel.observed[1:]
    assert measured(panel, np.where(seen, values, np.float32(poison)), valid) == measured(panel, values, valid)


def test_members_of_the_day() -> None:
    universe = np.random.default_rng(1).random((30, 17)) < 0.4
    columns, inside = member_columns(universe)
    for t in range(30):
        assert set(columns[t][inside[t]].tolist()) == set(np.flatnonzero(universe[t]).tolist())
    assert columns.shape[1] == universe.sum(axis=1).max()


def test_sampled_days_exist_and_are_different() -> None:
    for n_days, wanted in ((50, 10), (1000, 120), (3, 10)):
        days = sampled_days(n_days, wanted)
        assert len(set(days.tolist())) == len(days) <= wanted
        assert days.min() >= 1 and days.max() == n_days - 1


def test_round_off_is_no_other_value() -> None:
    rng = np.random.default_rng(2)
    values = rng.integers(0, 7, 200) * 1000.0
    assert distinct(values) == 7
    assert distinct(values + rng.normal(0, 1e-6, 200)) == 7
    assert distinct(np.zeros(5)) == 1


# -------------------------------------------------------------------------------------- relatives


def sample(seed: int = 0, factors: int = 6, days: int = 5, members: int = 30) -> Sample:
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((days, members))
    values = np.stack([common * rng.normal() + rng.standard_normal((days, members)) for _ in range(factors)])
    return Sample(values.astype(np.float32), rng.random(values.shape) < 0.9)


def naive_correlation(drawn: Sample, i: int, j: int) -> float:
    daily = []
    for day in range(drawn.values.shape[1]):
        ranks = []
        for f in (i, j):
            rank = np.full(drawn.values.shape[2], np.nan)
            own = drawn.valid[f, day]
            rank[own] = stats.rankdata(drawn.values[f, day, own])
            ranks.append(rank)
        both = drawn.valid[i, day] & drawn.valid[j, day]
        if both.sum() >= 20:
            daily.append(np.corrcoef(ranks[0][both], ranks[1][both])[0, 1])
    return float(np.mean(daily))


def test_rank_correlations_of_all_pairs() -> None:
    drawn = sample()
    found = rank_correlations(drawn)
    for i in range(len(drawn)):
        for j in range(len(drawn)):
            assert found[i, j] == pytest.approx(naive_correlation(drawn, i, j), abs=1e-10)


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30])
def test_invalid_cells_do_not_reach_the_correlations(poison: float) -> None:
    drawn = sample()
    poisoned = Sample(np.where(drawn.valid, drawn.values, np.float32(poison)), drawn.valid)
    assert np.array_equal(rank_correlations(drawn), rank_correlations(poisoned))


def test_pairs_without_common_days_have_no_correlation() -> None:
    drawn = sample()
    valid = drawn.valid.copy()
    valid[0, 1:] = False
    found = rank_correlations(Sample(drawn.values, valid))
    assert np.isnan(found[0]).all() and np.isfinite(found[1:, 1:]).all()


def test_the_closest_factors_by_absolute_correlation() -> None:
    correlations = np.array([[1.0, 0.2, -0.9, 0.5, np.nan], *np.zeros((4, 5))])
    assert closest(correlations, 0) == [2, 3, 1]


def test_twins_are_found_behind_different_masks_and_signs() -> None:
    drawn = sample(factors=4)
    values, valid = drawn.values.copy(), drawn.valid.copy()
    values[1] = np.exp(values[0])
    values[2] = -(values[0] ** 3)
    found = twins(Sample(values, valid), rank_correlations(Sample(values, valid)))
    assert {pair: round(value, 6) for pair, value in found.items()} == {(0, 1): 1.0, (0, 2): -1.0, (1, 2): -1.0}


def test_families_are_compared_without_a_factor_and_itself() -> None:
    correlations = np.array([[1.0, 0.4, -0.2], [0.4, 1.0, 0.6], [-0.2, 0.6, 1.0]])
    found = {(a, b): value for a, b, value, _ in family_correlations(correlations, ["x", "x", "y"])}
    assert found == {("x", "x"): pytest.approx(0.4), ("x", "y"): pytest.approx(0.4)}


# ------------------------------------------------------------------------------------------ units

#: formula -> what moves stocks past each other when it is rescaled
DEPENDENT: dict[str, tuple[Node, set[str]]] = {
    "a return": (close / delay(close, 5) - 1, set()),
    "a price": (close, {"price level"}),
    "a change of price": (close - delay(close, 1), {"price level"}),
    "a volume": (ts_mean(volume, 3), {"volume level"}),
    "an amount": (log(amount), {"price level", "volume level"}),
    "turnover against its mean": (volume / ts_mean(volume, 5), set()),
    "a rank of prices": (cs_rank(close) * cs_rank(volume), {"price level", "volume level"}),
    "a price and a correlation": (ts_corr(high, volume, 5) + (close - open) / 4, {"price unit", "price level"}),
    "a constant beside a range": ((close - open) / (high - low + 1), {"price unit", "price level"}),
}


@pytest.mark.parametrize("name", DEPENDENT)
def test_what_depends_on_units(panel: Panel, name: str) -> None:
    node, expected = DEPENDENT[name]
    found = unit_agreement(panel, [node], np.arange(T - 10, T), np.random.default_rng(5))
    assert set(found) == set(RESCALED)
    assert {what for what, values in found.items() if values[0] < 0.999} == expected


# ---------------------------------------------------------------- the study, and what is known from elsewhere

#: the notes of the specification were measured on another implementation where its formula is another one
#: (alpha_001, alpha_007), where it limits a denominator (better_020), or counts ties of another form (old_029)
OTHERWISE = {
    # add_005 and old_053 count rises: they part where a close repeats the one before, two or three days in a hundred
    "twins": {"alpha_001", "original_013", "add_005", "old_053"},
    "price_level": {"alpha_007"},
    "volume_level": {"better_020"},
    "distinct": {"old_029"},
}


@pytest.fixture(scope="module")
def study() -> dict[str, dict[str, float]]:
    """name -> metric -> value of a small small simulated market."""
    settings: Settings = STUDY.settings(overrides={"n_stocks": 60, "n_days": 420, "n_sampled": 20})
    result = STUDY.compute({"variant": "overlay", "seed": 0, "file": None}, settings)
    found: dict[str, dict[str, float]] = {}
    for record in result.records:
        name = str(record["variant"]).removeprefix("overlay ")
        found.setdefault(name, {})[str(record["metric"])] = float(record["value"])
    return found


def notes() -> Iterator[dict[str, str]]:
    with (Path(__file__).parents[1] / "reference" / "factor_notes.csv").open(newline="") as file:
        yield from csv.DictReader(file)


def test_levels_agree_with_the_notes(study: dict[str, dict[str, float]]) -> None:
    noted = {row["name"]: row for row in notes()}
    for column in ("price_level", "volume_level"):
        metric = column.replace("_", " ")
        theirs = {name for name, row in noted.items() if row[column]}
        ours = {name for name in factor_names() if study[name][metric] < 0.995}
        assert ours ^ theirs == OTHERWISE[column]


def test_twins_of_the_notes_are_found(study: dict[str, dict[str, float]]) -> None:
    for row in notes():
        for twin in row["twins"].split():
            if row["name"] not in OTHERWISE["twins"]:
                assert f"twin {twin.lstrip('-')}" in study[row["name"]], row["name"]
                assert study[row["name"]][f"twin {twin.lstrip('-')}"] * (-1 if twin[0] == "-" else 1) > 0


def test_flat_factors_of_the_notes_are_flat(study: dict[str, dict[str, float]]) -> None:
    for row in notes():
        if row["distinct"] and row["name"] not in OTHERWISE["distinct"]:
            assert study[row["name"]]["distinct"] <= float(row["distinct"]) + 4, row["name"]


def test_every_factor_is_measured(study: dict[str, dict[str, float]]) -> None:
    names = [name for name in catalogue(PUBLISHED) if "coverage" in study[name]]
    assert len(names) == study["overlay"]["factors"] == 314
    assert all(0 < study[name]["coverage"] <= 1 for name in names)


def test_the_remainder_against_float64_counts_planted_cells(panel: Panel) -> None:
    names = ["alpha_003", "old_046", "best_006"]
    factors = find_factors(names)
    exact = compute_factors(panel, names)
    assert all(share < 1e-3 and n > 100 for share, n in apart_from_float64(panel, factors, exact))
    values, cells = exact.values.copy(), np.argwhere(exact.valid[..., 1])[::7]
    spread = values[..., 1][exact.valid[..., 1]].std()
    values[cells[:, 0], cells[:, 1], 1] += 10 * spread
    values[~exact.valid] = 1e30  # masked cells are not looked at
    shares = apart_from_float64(panel, factors, FactorSet(values, exact.valid, exact.names, {}))
    assert shares[1][0] == pytest.approx(len(cells) / exact.valid[..., 1].sum(), abs=1e-3)
    assert shares[0][0] < 1e-3 and shares[2][0] < 1e-3


def test_the_float32_number_next_to_the_float64_one_agrees(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a heavy tail two neighbours lie further apart than any share of the scale; here no share is allowed at all."""
    monkeypatch.setattr(factor_precision, "TOLERANCE", 0.0)
    factors, blocks = find_factors(["best_006"]), []
    leaves, days = Leaves(panel, set(factors[0].fields)), panel.shape[0]
    wide = Stream([factors[0].node], precision=torch.float64)
    wide.run(leaves.rows, days, lambda position, day, cells: blocks.append(cells), rows=days)
    exact, valid = (x.numpy()[..., None] for x in blocks[0][:2])
    nearest = np.where(valid, exact, 0).astype(np.float32)

    def apart(values: Array) -> float:
        return apart_from_float64(panel, factors, FactorSet(values, valid, ("best_006",), {}))[0][0]

    assert apart(nearest) == 0
    assert apart(np.nextafter(np.nextafter(nearest, np.float32(np.inf)), np.float32(np.inf))) > 0.99


def test_a_file_without_fields_says_what_is_lacking() -> None:
    """A market without vwap, amount and value: the others are measured, these are named with what they lack."""
    lacking = pd.DataFrame(_lacking("x", {"open", "high", "low", "close", "volume"}))
    assert set(lacking["metric"]) >= {"lacks vwap", "lacks amount", "lacks cap", "lacks industry"}
    of_213 = lacking[~lacking["variant"].str.contains("alpha101")]["variant"].nunique()
    assert of_213 == 213 - 155
