"""Tails, regimes, styles and rolling views: each against a loop or a case known by hand, and what the page says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from results import scaled_markets, tidy

from lib import run_study
from lib.market import make_market
from lib.portfolio import equal_weight
from lib.portfolio.risk import style_scores
from lib.stats.tail import METHODS
from lib.studies import recorded
from lib.studies.risk import STUDY, page
from lib.studies.risk.measure import (
    AFTER,
    BOOKS,
    COURSE,
    EXPLAINED,
    INDEX,
    LEVELS,
    LOOK_BACK,
    OPTIMISED,
    REGIME,
    REGIMES,
    ROLLED,
    ROLLING,
    SCALINGS,
    SHUFFLED,
    STYLE,
    STYLE_NAMES,
    TAIL,
    TOP,
    TRADED,
    WINDOW,
    _share,
    regimes,
    rolling,
    scores_in_blocks,
    tails,
)

PLACE = "simulated"


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return run_study("risk", scale="smoke", cache=tmp_path_factory.mktemp("cache"), jobs=1).frame


@pytest.fixture(scope="module")
def value(frame: pd.DataFrame) -> Any:
    found = frame.set_index(["variant", "metric"])["value"]
    return lambda variant, metric: float(found[variant, metric])


def tail(book: str, scaling: str, method: str = "historical", level: str = "2.5 %", place: str = PLACE) -> str:
    return TAIL.name(book=book, method=method, scaling=scaling, level=level, place=place)


def clustered(seed: int, days: int = 1500) -> np.ndarray:
    """Normal returns whose deviation is three times larger in every other spell of 150 days."""
    wild = (np.arange(days) // 150) % 2 == 1
    return np.random.default_rng(seed).normal(0, 0.01, days) * np.where(wild, 3.0, 1.0)


def test_rescaling_helps_where_volatility_clusters_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tails.__globals__, "METHODS", ("historical",))  # the others take the time
    hits, wild = {}, (np.arange(1500) // 150) % 2 == 1
    wild[:WINDOW] = False
    for name, returns in (("clustered", clustered(0)), ("even", np.random.default_rng(1).normal(0, 0.01, 1500))):
        found, beyond = tails(INDEX, PLACE, returns, np.random.default_rng(0), 0)
        by_name = {(item["variant"], item["metric"]): item["value"] for item in found}
        for scaling in SCALINGS:
            own = beyond[f"{INDEX} {scaling}"]
            assert np.isnan(own[:WINDOW]).all()
            assert by_name[tail(INDEX, scaling), "hits"] == pytest.approx(own[WINDOW:].mean())
            hits[name, scaling] = own[wild].mean()
        hits[name, "rejected"] = by_name[tail(INDEX, "plain"), "reject share"]
    off = {scaling: abs(hits["clustered", scaling] - 0.025) for scaling in SCALINGS}
    assert hits["clustered", "plain"] > 0.045 and off["rescaled"] < 0.7 * off["plain"]
    assert hits["even", "rejected"] == 0
    assert abs(hits["even", "plain"] - 0.025) < 0.015


def test_a_forecast_does_not_read_its_own_day_or_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tails.__globals__, "METHODS", ("historical",))
    returns = clustered(3, 600)
    later = returns.copy()
    later[450:] = -0.3
    for scaling in SCALINGS:
        first, second = (
            tails(INDEX, PLACE, series, np.random.default_rng(0), 0)[1][f"{INDEX} {scaling}"]
            for series in (returns, later)
        )
        np.testing.assert_array_equal(first[:450], second[:450])
        assert second[450] == 1


def test_the_interval_of_a_share_is_wider_when_hits_cluster() -> None:
    spread, clusters = np.zeros(1000), np.zeros(1000)
    spread[::40], clusters[500:525] = 1, 1
    found = [_share(x, np.random.default_rng(0), 300) for x in (spread, clusters)]
    widths = [item["hits.high"] - item["hits.low"] for item in found]
    assert found[0]["hits"] == found[1]["hits"] == 0.025 and widths[1] > 1.5 * widths[0]
    assert set(_share(np.zeros(1000), np.random.default_rng(0), 300)) == {"hits"}


def test_regimes_are_told_by_earlier_days_alone() -> None:
    panel = make_market(45, 400, seed=2).panel
    index = equal_weight(panel)
    found = regimes(panel, index, real=True)
    t = int(np.flatnonzero(found["quiet"])[-1])
    deviations = [index[s - LOOK_BACK : s].std() for s in range(LOOK_BACK, t + 1)]
    assert found["volatile"][t] == (deviations[-1] > np.median(deviations))
    assert not (found["volatile"] & found["quiet"]).any() and not found["volatile"][:LOOK_BACK].any()
    changed = index.copy()
    changed[t:] = 0.5  # were it read on day t, the day would be volatile
    again = regimes(panel, changed, real=True)
    np.testing.assert_array_equal(found["volatile"][: t + 1], again["volatile"][: t + 1])
    assert (found["bear"] | found["calm"] | found["rally"])[LOOK_BACK:].all()
    assert not found["after a change of rules"].any(), "the simulated days end before the first change"


def test_style_scores_in_blocks_are_those_of_the_whole() -> None:
    panel = make_market(40, 1300, seed=4).panel
    whole, parts = style_scores(panel), scores_in_blocks(panel, 400)
    for name, z in whole.items():
        np.testing.assert_allclose(parts[name], z, rtol=1e-9, atol=1e-12, err_msg=name)


def test_rolling_views_move_by_chance_and_a_change_of_risk_is_seen() -> None:
    def ratios(returns: np.ndarray) -> dict[str, float]:
        found = rolling(TOP, PLACE, returns, None, np.random.default_rng(0))
        name = ROLLING.name(book=TOP, window=120, place=PLACE)
        return {item["metric"]: item["value"] for item in found if item["variant"] == name}

    even = [ratios(np.random.default_rng(seed).normal(0.0005, 0.01, 1500))["sharpe ratio"] for seed in range(12)]
    assert np.mean(even) == pytest.approx(1, abs=0.2)
    assert ratios(clustered(0))["volatility ratio"] > 3
    skill = np.repeat([0.004, -0.004], 750) + np.random.default_rng(0).normal(0, 0.01, 1500)
    assert ratios(skill)["sharpe ratio"] > 2


def test_every_part_of_a_market_is_there(frame: pd.DataFrame, value: Any) -> None:
    names = set(frame["variant"])
    assert {TAIL.name(book=b, method=m, scaling=s, level=level, place=PLACE) for b in BOOKS for m in METHODS
            for s in SCALINGS for level in LEVELS} <= names  # fmt: skip
    for book in TRADED:
        name = EXPLAINED.name(book=book, place=PLACE)
        earned = sum(value(STYLE.name(book=book, style=style, place=PLACE), "earned")
                     for style in ("market", "size", "value", "momentum", "volatility"))  # fmt: skip
        assert value(name, "alpha") + earned == pytest.approx(value(name, "annual"))
        assert value(STYLE.name(book=book, style="market", place=PLACE), "beta") > 0.5
    # what avoids risk holds calm stocks; nobody asked it to
    assert value(STYLE.name(book=OPTIMISED, style="volatility", place=PLACE), "exposure") < -0.2
    shares = [value(REGIME.name(book=TOP, regime=regime, place=PLACE), "share") for regime in ("volatile", "quiet")]
    assert sum(shares) == pytest.approx(1)
    gross, net = (value(REGIME.name(book=TOP, regime="quiet", place=PLACE), f"over_{end}") for end in ("gross", "net"))
    assert gross > net


# ------------------------------------------------------------------------ the sentences


def made_up(place: str = PLACE, **given: float) -> pd.DataFrame:
    """Numbers as given, otherwise: plain windows too slow, rescaled right, nothing by regime, swings of chance."""
    use = {"plain": 0.05, "rescaled": 0.02, "method": 0.0, "volatile": 1.0, "quiet": 1.0, "alpha": 0.05,
           "sharpe ratio": 1.0, "volatility ratio": 2.0} | given  # fmt: skip
    records = [
        (TAIL.name(book=b, method=m, scaling=s, level=level, place=place), "hits",
         (0.025 if b == SHUFFLED else use[s]) + use["method"] * k)
        for b in BOOKS for k, m in enumerate(METHODS) for s in SCALINGS for level in LEVELS
    ]  # fmt: skip
    records += [(REGIME.name(book=book, regime=regime, place=place), metric, use.get(regime, 1.0))
                for book in (INDEX, *TRADED) for regime in REGIMES
                for metric in ("over_sharpe_gross", "share", "annual", "volatility")]  # fmt: skip
    records += [(REGIME.name(book=TOP, regime="volatile", place=place), f"hits {scaling}", 1.5 * use[scaling])
                for scaling in SCALINGS]  # fmt: skip
    for book in TRADED:
        records += [(STYLE.name(book=book, style=style, place=place), metric, -0.4 if style == "volatility" else 0.1)
                    for style in STYLE_NAMES for metric in ("exposure", "beta", "earned")]  # fmt: skip
        name = EXPLAINED.name(book=book, place=place)
        records += [(name, "alpha", use["alpha"]), (name, "explained", 0.8)]
    for book in (INDEX, *TRADED):
        records += [(ROLLING.name(book=book, window=window, place=place), metric, use.get(metric, 0.5))
                    for window in ROLLED for metric in ("sharpe ratio", "volatility ratio", "sharpe worst",
                                                        "sharpe best", "sharpe swing")]  # fmt: skip
        records += [(COURSE.name(book=book, place=place), metric, 1.0)
                    for metric in ("max_drawdown", "sharpe 2016-01-05", "sharpe 2016-04-05")]  # fmt: skip
    return scaled_markets(tidy(records, "risk"), 6 if place == PLACE else 1)


def text(frame: pd.DataFrame) -> str:
    return " ".join(item.text for item in page.findings(frame))


def test_sentences_follow_the_numbers() -> None:
    said = text(made_up())
    assert "A plain window reacts too slowly." in said and "rescaling matters more than the formula" in said
    assert "that it depends on volatility is not shown" in said and "exposure is to volatility" in said
    assert "skill hardly more than chance" in said and "its return does not come from them" in said
    other = text(made_up(rescaled=0.06, method=0.02, volatile=2.0, alpha=-0.05, **{"sharpe ratio": 2.0}))
    assert "Rescaling does not bring volatile days nearer" in other and "the formula matters more" in other
    assert "it is higher on volatile days" in other and "without them it would lose" in other
    assert "Both change more than chance" in other
    assert "risk hardly" in text(made_up(**{"sharpe ratio": 2.0, "volatility ratio": 1.0}))
    both = text(pd.concat([made_up(), made_up("csi300")]))
    assert "CSI 300: over" in both and "the difference has no interval" in both
    assert "Not in this run" not in said + other


def test_every_part_of_the_page_is_made(frame: pd.DataFrame) -> None:
    for rows in (frame, pd.concat([made_up(), made_up("csi300")])):
        shown: Any = SimpleNamespace(rows=rows, note="a note", count=1)
        for part in (page.shares, page.tail_tests, page.by_regime, page.style_exposures, page.styles,
                     page.rolling_views, page.course):  # fmt: skip
            assert "<" in part(shown).data
    assert len(page.summary(frame)) == len(BOOKS) * len(SCALINGS) * len(METHODS)
    check(lambda: page.course_figure(made_up("csi300"), "csi300"))
    check(lambda: page.share_figure(frame, PLACE, "2.5 %"))
    check(lambda: page.style_figure(frame, PLACE))


def test_the_plan_and_the_records() -> None:
    assert len(STUDY.rows(STUDY.settings("paper"))) == 10
    rows = STUDY.rows(STUDY.settings("paper", overrides={"data_path": "cn_csi300_pit.parquet"}))
    assert rows[-1]["variant"] == "csi300" and AFTER == 60
    found = recorded("risk")
    if not found or found.stale:
        pytest.skip("nothing recorded by today's code")
    assert all(item.holds for item in page.findings(found.frame))
