"""Neutralised factors: signs from the past, planted gains come back, intervals by family and market, sentences."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from results import tidy

from lib import run_study
from lib.evaluation.simulated import features
from lib.market import make_market
from lib.studies.bias_correction import page
from lib.studies.bias_correction.measure import (
    CORRECTED,
    DIFFERENCE,
    FAMILY,
    FEATURES,
    LEVEL,
    MARKET,
    METHODS,
    family_of,
    method_ics,
    records,
    signed_series,
    summarised,
)


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    cache = tmp_path_factory.mktemp("cache")
    return run_study("bias_correction", scale="smoke", seeds=1, n_stocks=50, n_days=560, cache=cache, jobs=1).frame


def daily(seed: int = 0, days: int = 300, factors: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(days, factors)) * 0.1 + np.linspace(-0.1, 0.1, factors)


def test_signs_come_from_the_training_days_alone():
    series = daily()
    found = signed_series({"ic": series}, 100)["ic"]
    np.testing.assert_allclose(found, series[100:] * np.sign(series[:100].mean(axis=0)))
    other = series.copy()
    other[100:] *= -3
    np.testing.assert_allclose(signed_series({"ic": other}, 100)["ic"], -3 * found)
    other = series.copy()
    other[:100, 2] = np.nan
    assert np.isnan(signed_series({"ic": other}, 100)["ic"][:, 2]).all()


def test_table_one_is_averages_over_factors_and_their_ratio():
    series = daily(1)
    series[5, 1] = np.nan
    found = summarised({"ic": series})
    mean, deviation = np.nanmean(series, axis=0), np.nanstd(series, axis=0)
    assert found["mean_ic"] == pytest.approx(mean.mean()) and found["ic_std"] == pytest.approx(deviation.mean())
    assert found["information_ratio"] == pytest.approx(mean.mean() / deviation.mean())
    rate = [np.mean(column[np.isfinite(column)] > 0) for column in series.T]
    assert found["positive_ic_rate"] == pytest.approx(100 * np.mean(rate))


def test_differences_are_paired_and_families_add_up():
    sides = {method: {"ic": daily(place)} for place, method in enumerate(METHODS)}
    families = ["alpha", "alpha", "old", "old", "old", "cs_rank"]
    found = {(r["variant"], r["metric"]): r["value"] for r in records("market", sides, families, 100)}
    for method in CORRECTED:
        gap = found[DIFFERENCE.name(source="market", method=method), "mean_ic"]
        levels = [found[LEVEL.name(source="market", method=name), "mean_ic"] for name in (method, "raw")]
        assert gap == pytest.approx(levels[0] - levels[1])
        parts = [FAMILY.name(source="market", method=method, family=family) for family in dict.fromkeys(families)]
        total = sum(found[name, "mean_ic"] * found[name, "factors"] for name in parts)
        assert total / 6 == pytest.approx(gap)
    assert family_of("cs_rank_003") == "cs_rank"


def test_neutralising_lowers_the_deviation_and_scores_the_same_cells():
    world = make_market(60, 300, seed=2)
    factors = features(world.panel, FEATURES, ("better_001", "alpha_012", "stock_006"))
    found = method_ics(world.panel, factors, world.truth.mu_trad)
    raw, corrected = found["raw"]["ic"], found["neutral"]["ic"]
    assert (np.isfinite(raw) == np.isfinite(corrected)).mean() > 0.99 and raw.shape == (300, 3)
    assert np.nanstd(corrected, axis=0).mean() < np.nanstd(raw, axis=0).mean()
    assert set(found["raw"]) == {"ic", "truth_ic"} and set(method_ics(world.panel, factors, None)["raw"]) == {"ic"}


def made_up(gain: float, less: float, truth: float, markets: int = 20, spread: float = 1e-4) -> pd.DataFrame:
    rng, parts = np.random.default_rng(0), []
    for seed in range(markets):
        lines: list[tuple[str, str, float]] = []
        for method in METHODS:
            shift = 0.0 if method == "raw" else 1.0
            level = {"mean_ic": 0.02 + shift * gain, "ic_std": 0.15 + shift * less, "information_ratio": 0.2,
                     "noise": 0.06, "positive_ic_rate": 55.0, "truth_ic": 0.1 + shift * truth}  # fmt: skip
            name = LEVEL.name(source=MARKET, method=method)
            lines += [(name, metric, value + spread * rng.normal()) for metric, value in level.items()]
            if method != "raw":
                gaps = {"mean_ic": gain, "ic_std": less, "truth_ic": truth}
                name = DIFFERENCE.name(source=MARKET, method=method)
                lines += [(name, metric, value + spread * rng.normal()) for metric, value in gaps.items()]
                for family in ("alpha", "old", "stock", "add"):
                    name = FAMILY.name(source=MARKET, method=method, family=family)
                    lines += [(name, "mean_ic", gain + spread * rng.normal()), (name, "factors", 10.0)]
        parts.append(tidy(lines, "bias_correction", seed))
    return pd.concat(parts)


def said(frame: pd.DataFrame) -> str:
    return " ".join(item.text for item in page.findings(frame))


def test_sentences_follow_the_signs():
    up, down, none = said(made_up(0.01, -0.02, 0.01)), said(made_up(-0.01, 0.02, -0.01)), said(made_up(0, 0, 0))
    assert "raises the mean IC" in up and "lowers the standard deviation" in up and "predict better:" in up
    assert "4 of 4" in up and "lowers the mean IC" in down
    assert "raises the standard deviation" in down
    assert "predict worse" in down and "is not shown to change the mean IC" in none
    assert "Not in this run" not in up + down + none


def test_the_order_needs_both_and_all_claims_are_answered():
    answers = {item.claim_id: item for item in page.answer_claims(made_up(0.01, -0.02, 0.01))}
    assert set(answers) == set(page.CLAIM_IDS)
    parts = answers["A.bias.ic_up"].parts
    assert len(parts) == 2 and all(low > 0 for _, low, _ in parts)
    opposite = {item.claim_id: item for item in page.answer_claims(made_up(0.01, 0.02, 0.01))}["A.bias.ic_up"].parts
    assert opposite[0][1] > 0 > opposite[1][2]
    assert "A.bias.ic_up" not in {item.claim_id for item in page.answer_claims(made_up(0.01, -0.02, 0.01, markets=2))}


def family_frame(rng: np.random.Generator, by_family: float, by_market: float, mean: float = 0.0) -> pd.DataFrame:
    families, markets = [f"f{k}" for k in range(9)], range(12)
    own, common = by_family * rng.normal(size=9), by_market * rng.normal(size=12)
    lines = []
    for seed in markets:
        records: list[tuple[str, str, float]] = []
        for k, family in enumerate(families):
            name = FAMILY.name(source=MARKET, method="neutral", family=family)
            value = mean + own[k] + common[seed] + 0.3 * rng.normal()
            records += [(name, "mean_ic", value), (name, "factors", 1.0 + k % 3)]
        lines.append(tidy(records, "bias_correction", seed))
    return pd.concat(lines)


@pytest.mark.parametrize(("by_family", "by_market"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_the_interval_covers_when_families_and_markets_share(by_family, by_market):
    rng = np.random.default_rng(3)
    found = [page.clustered(family_frame(rng, by_family, by_market), "neutral") for _ in range(40)]
    assert np.mean([item.low <= 0 <= item.high for item in found]) > 0.85
    power = [page.clustered(family_frame(rng, 0.1, 0.1, mean=1.0), "neutral").low > 0 for _ in range(5)]
    assert all(power)


def test_the_parts_of_the_page_are_made(frame):
    shown: Any = SimpleNamespace(rows=frame, note="a note", count=1)
    for part in (page.levels, page.gains, page.families):
        assert "<" in part(shown).data
    assert len(page.summary(frame)) == len(METHODS) and (frame["metric"] == "noise").sum() == 1
