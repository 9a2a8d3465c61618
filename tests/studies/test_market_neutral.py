"""The market-neutral book: what must follow from its limits, its claims, and what the page says of it."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from results import scaled_markets, tidy
from scipy.stats import linregress, t

from lib import run_study
from lib.errors import ParameterError
from lib.evaluation.hedged import hedged, market_beta
from lib.paper.claims.ledger import load_ledger
from lib.paper.claims.verdicts import ZERO_MARGIN, verdict
from lib.stats.over_seeds import OverSeeds
from lib.studies import recorded
from lib.studies.market_neutral import page
from lib.studies.market_neutral.measure import BOOKS, CHANGE, COMPARED, DAILY, LEVEL, LONG_ONLY, MIDDLE, optimiser_of


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return run_study("market_neutral", scale="smoke", cache=tmp_path_factory.mktemp("cache"), jobs=1).frame


@pytest.fixture(scope="module")
def value(frame: pd.DataFrame) -> Any:
    found = frame.set_index(["variant", "metric"])["value"]
    return lambda variant, metric: float(found[variant, metric])


def test_beta_is_the_slope_of_the_regression() -> None:
    rng = np.random.default_rng(0)
    m = rng.normal(0, 0.01, 200)
    r = 0.3 * m + rng.normal(0.001, 0.01, 200)
    assert market_beta(r, m) == pytest.approx(linregress(m, r).slope, rel=1e-12)
    assert market_beta(hedged(r, m), m) == pytest.approx(0, abs=1e-12)
    assert hedged(r, m).mean() == pytest.approx(linregress(m, r).intercept, rel=1e-9)
    with pytest.raises(ParameterError, match="same on all days"):
        market_beta(r, np.zeros(200))
    with pytest.raises(ParameterError, match="shapes"):
        market_beta(r, m[1:])


def test_the_problem_is_the_papers() -> None:
    own = optimiser_of(BOOKS[MIDDLE])
    assert (own.risk_aversion, own.cost, own.leverage, own.cap) == (5.0, pytest.approx(0.00004), 2.0, 0.03)
    assert own.market_neutral and optimiser_of(BOOKS[DAILY]).cost == pytest.approx(0.0008)
    changed = {name: sum(getattr(book, field) != getattr(BOOKS[MIDDLE], field) for field in vars(book))
               for name, book in BOOKS.items()}  # fmt: skip
    assert changed.pop(MIDDLE) == 0
    assert all(count == 1 + ("literal" in name and not name.endswith("10")) for name, count in changed.items())


def test_limits_are_kept(value: Any) -> None:
    for name, book in BOOKS.items():
        drift = 0.15 if book.hold > 1 else 1e-6  # between two rebalancings weights drift
        assert value(name, "leverage") <= book.leverage + drift
    assert value(DAILY, "net_exposure") < 0.02 and value("leverage 1", "volatility") < value(MIDDLE, "volatility")
    assert value(DAILY, "turnover") > 2 * value(MIDDLE, "turnover")
    assert abs(value(MIDDLE, "beta")) < 0.2 < 0.6 < value(LONG_ONLY, "beta")
    total = value(MIDDLE, "alpha_long") + value(MIDDLE, "alpha_short")
    hedged_return = value(MIDDLE, "appraisal_gross") * value(MIDDLE, "volatility")
    assert total == pytest.approx(hedged_return, rel=0.05)  # the hedge hardly changes the volatility


def test_changes_are_of_the_same_market(value: Any) -> None:
    for book in ("leverage 1", "literal, aversion 10", LONG_ONLY):
        for metric in COMPARED:
            expected = value(book, metric) - value(MIDDLE, metric)
            assert value(CHANGE.name(book=book, middle=MIDDLE), metric) == pytest.approx(expected)
    assert abs(value(CHANGE.name(book=DAILY, middle=MIDDLE), "matched.validation_ratio") - 1) <= 0.05


def made_up(size: float, drawdown: float, beta: float = 0.0, markets: int = 8) -> pd.DataFrame:
    """Markets in which every change adds `size` to everything."""
    records: list[tuple[str, str, float]] = []
    for name in (*BOOKS, LONG_ONLY):
        levels = dict.fromkeys(page.HEADS, 1.0 + size * (name != MIDDLE)) | {"max_drawdown": drawdown, "beta": beta}
        levels |= {"alpha_long": 0.1, "alpha_short": size}
        records += [(LEVEL.name(book=name), metric, number) for metric, number in levels.items()]
        if name != MIDDLE:
            change = CHANGE.name(book=name, middle=MIDDLE)
            records += [(change, metric, size) for metric in (*COMPARED, "matched.appraisal")]
    return scaled_markets(tidy(records, "market_neutral"), markets)


def test_sentences_follow_the_numbers() -> None:
    up = " ".join(item.text for item in page.findings(made_up(0.5, 0.05, 0.01)))
    down = " ".join(item.text for item in page.findings(made_up(-0.5, 0.12, -0.2)))
    assert "no market exposure on average" in up and "has market exposure, more than" in down
    assert "bound of 8% is kept" in up and "bound of 8% is broken" in down
    assert "nothing is lost without a short side" in up and "the short side is worth something" in down
    assert "hypothetical" in up and "the short ones lose" in down and "holding for 20 sessions pays" in down
    assert "Not in this run" not in up + down
    middling = " ".join(item.text for item in page.findings(made_up(0.5, 0.077, 0.0483)))
    assert "bound of 8% is kept is not decided" in middling and "is not shown to have a beta within" in middling


def test_the_claims_get_a_margin_and_one_sided_bounds() -> None:
    claims = {claim.id: claim for claim in load_ledger()}
    assert ZERO_MARGIN[page.BETA_CLAIM] == page.MARGIN and claims[page.DRAWDOWN_CLAIM].claimed == 100 * page.BOUND
    for deep, expected in ((0.05, "agrees, other setting"), (0.12, "does not carry over"), (0.077, "inconclusive")):
        answers = {item.claim_id: item for item in page.answer_claims(made_up(0.5, deep, 0.01))}
        assert verdict(claims[page.DRAWDOWN_CLAIM], answers[page.DRAWDOWN_CLAIM]) == expected
    assert answers[page.BETA_CLAIM].estimate == pytest.approx(0.01035)
    sample = np.log([0.05, 0.06, 0.08, 0.07, 0.05, 0.09])
    rows = [(seed, math.exp(number)) for seed, number in enumerate(sample)]
    many = pd.concat([tidy([(MIDDLE, "max_drawdown", number)], "market_neutral", seed) for seed, number in rows])
    reach = t.ppf(0.95, 5) * sample.std(ddof=1) * math.sqrt(1 + 1 / 6)
    expected_ends = np.exp([sample.mean() - reach, sample.mean() + reach])
    assert page.one_sided(OverSeeds(many)) == pytest.approx(tuple(expected_ends), rel=1e-6)


def test_every_part_of_the_page_is_made(frame: pd.DataFrame) -> None:
    for rows in (frame, made_up(0.5, 0.05)):
        shown: Any = SimpleNamespace(rows=rows, note="a note", name="this build", count=1)
        for part in (page.neutral, page.changes, page.books):
            assert "<" in part(shown).data
    assert len(page.summary(frame)) == len(BOOKS) + 1


def test_findings_hold_on_the_recorded_rows() -> None:
    found = recorded("market_neutral")
    if not found or found.stale:
        pytest.skip("nothing recorded by today's code")
    assert all(item.holds for item in page.findings(found.frame))
