"""The papers' own panel: the arithmetic is right, the counts are counts, and the sentences follow the numbers."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats as reference
from shown_pages import check_figures, drawn, recorded_page, said, shown_page

from lib.market import GBMConfig
from lib.paper.claims import load_ledger
from lib.paper.claims.verdicts import ARITHMETIC as ARITHMETIC_VERDICT
from lib.paper.claims.verdicts import agrees, verdict
from lib.paper.pages import PageResult
from lib.paper.pages.layout import claims
from lib.paper.pages.style import title_of
from lib.studies import recorded, run_study
from lib.studies.paper_panel import page
from lib.studies.paper_panel.estimators import arithmetic, estimate, estimators, steps
from lib.studies.paper_panel.measure import ARITHMETIC, GBM, PLANTED
from lib.studies.paper_panel.page import (
    PAPER_IC,
    PaperPanel,
    answer_claims,
    arithmetic_table,
    count_table,
    findings,
    ic_table,
    summary,
)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory):
    return run_study("paper_panel", scale="smoke", seeds=2, count_stocks=60, count_days=300, n_stocks=40, n_days=620,
                     n_paths=300, progress=False, cache=tmp_path_factory.mktemp("cache"))  # fmt: skip


# ---------------------------------------------------------------------- arithmetic


def test_how_rare_the_clamp_is_by_another_library() -> None:
    found = dict(arithmetic(GBMConfig()))
    sigma = 0.32 / math.sqrt(252)
    drift = 0.55 * (0.07 - 0.32**2 / 2) / 252
    assert found["daily volatility"] == pytest.approx(sigma)
    assert found["sigmas to the clamp"] == pytest.approx(math.log(1.1) / sigma)
    cells = 3000 * 3500 * 0.99
    up = reference.norm.sf(math.log(1.1), drift, sigma)
    down = reference.norm.cdf(-math.log(1.1), drift, sigma)
    assert found["expected clamped cells, up"] == pytest.approx(cells * up, rel=1e-6)
    assert found["expected clamped cells, down"] == pytest.approx(cells * down, rel=1e-6)
    assert found["largest fall"] == pytest.approx(1 / 1.1 - 1)


def test_estimates_are_equations_21_and_22() -> None:
    returns = np.random.default_rng(0).normal(0.001, 0.02, (3, 500))
    dt = 1 / 252
    mu, sigma, literal = estimate(returns, dt)
    for p in range(3):
        assert sigma[p] == pytest.approx(returns[p].std(ddof=1) / math.sqrt(dt))
        assert mu[p] == pytest.approx(returns[p].mean() / dt + sigma[p] ** 2 / 2)
        # as written, equation 22 is an equation for sigma: put ours in and see that it holds
        drift = returns[p].mean() / dt + literal[p] ** 2 / 2
        assert literal[p] ** 2 == pytest.approx(((returns[p] - drift * dt) ** 2).sum() / (499 * dt), rel=1e-9)
        assert literal[p] > sigma[p]


def test_the_estimators_recover_what_was_put_in_and_say_how_little_one_path_knows() -> None:
    found = dict(estimators(0.07, 0.32, 10, 3000, np.random.default_rng(1)))
    for name in ("bias of the drift", "bias of the volatility"):
        half = (found[f"{name}.high"] - found[f"{name}.low"]) / 2
        assert abs(found[name]) < 2 * half
    assert found["drift, standard deviation of one estimate"] == pytest.approx(0.32 / math.sqrt(10), rel=0.05)
    one = found["volatility, standard deviation of one estimate"]
    assert one == pytest.approx(0.32 / math.sqrt(2 * 2520), rel=0.05)


def test_a_wrong_estimator_is_seen() -> None:
    """Without the half variance the drift is off by five per cent a year, far outside the interval."""
    found = dict(estimators(0.07, 0.32, 10, 3000, np.random.default_rng(1)))
    half = (found["bias of the drift.high"] - found["bias of the drift.low"]) / 2
    assert 5 * half < 0.32**2 / 2


def test_the_step_is_exact_and_euler_maruyama_is_not() -> None:
    found = dict(steps(0.07, 0.32))
    assert found["largest relative error of equation 20"] < 1e-12
    assert found["growth of a year"] == pytest.approx(math.exp(0.07))
    one, many = (found[f"growth of a year by Euler-Maruyama in {n} steps"] for n in (1, 10_000))
    assert one == pytest.approx(1.07) and one < many < math.exp(0.07)


# ---------------------------------------------------------------------- the study


def test_both_markets_are_counted_and_predicted(result) -> None:
    found = PaperPanel.of(result.frame)
    for variant in (GBM, PLANTED):
        assert found.numbers.seeds(variant, "cells").tolist() == [18_000.0, 18_000.0]
        assert all(abs(value) < 0.2 for value in found.numbers.seeds(variant, "ic: ridge"))
        assert len(found.factors) == 39
    assert found.mean(GBM, "halted") == pytest.approx(0.01, abs=0.003)
    assert found.mean(GBM, "limit-up closes") <= 1 < found.mean(PLANTED, "limit-up closes")
    assert found.mean(PLANTED, "ic: the truth") > 0.05
    assert math.isnan(found.mean(GBM, "ic: the truth"))
    for variant in (GBM, PLANTED):
        shares = [found.mean(variant, f"|return| of {k} % or more") for k in range(1, 11)]
        assert shares == sorted(shares, reverse=True) and shares[0] > 0.3


def test_tables_hold_what_the_study_found(result) -> None:
    frame = result.frame
    assert summary(frame).loc["cells", GBM] == 18_000
    counts = count_table(frame)
    assert counts["limit closes, %"].head(3).tolist() == [1.2, 3.5, 4.8]
    assert len(ic_table(frame)) == 40
    values = arithmetic_table(frame).set_index("quantity")
    assert values.loc["bias of the drift", "value.low"] < values.loc["bias of the drift", "value.high"]
    assert pd.isna(values.loc["daily volatility", "value.low"])


def test_the_two_claims_are_answered_by_recomputation(result) -> None:
    claims = {claim.id: claim for claim in load_ledger()}
    answers = answer_claims(result.frame)
    assert [answer.claim_id for answer in answers] == ["A.gbm.mle", "A.gbm.euler"]
    for answer in answers:
        assert verdict(claims[answer.claim_id], answer) == ARITHMETIC_VERDICT
        assert agrees(claims[answer.claim_id], answer)
    broken = result.frame.replace({"value": {}}).copy()
    broken.loc[broken["metric"] == "largest relative error of equation 20", "value"] = 0.01
    assert not agrees(claims["A.gbm.euler"], answer_claims(broken)[1])
    assert answer_claims(result.frame[result.frame["variant"] != ARITHMETIC]) == []


def test_the_page_shows_both_claims_with_their_verdict(result, tmp_path) -> None:
    shown = claims(PageResult.of(result, recorded("paper_panel", folder=tmp_path))).data
    assert shown.count("arithmetic: agrees") == 2 and "this build" in shown


# ---------------------------------------------------------------------- findings and figures


def test_every_finding_holds_on_the_recorded_rows() -> None:
    found = findings(recorded("paper_panel").frame)
    assert len(found) == 5 and all(item.holds for item in found), [item.text for item in found]
    assert "next to nothing to mask" in found[0].text
    assert "Nothing in the papers' panel can be predicted" in found[1].text


def made_up(gbm: tuple[float, ...], planted: tuple[float, ...]) -> pd.DataFrame:
    rows = [
        {"variant": variant, "seed": seed, "metric": "ic: ridge", "value": value}
        for variant, values in ((GBM, gbm), (PLANTED, planted)) for seed, value in enumerate(values)
    ]  # fmt: skip
    rows += [{"variant": PLANTED, "seed": seed, "metric": page.LIMITS, "value": 0.01} for seed in range(5)]
    return pd.DataFrame(rows)


def test_findings_follow_the_intervals() -> None:
    nothing, plus = (-0.01, 0.01, 0.0, 0.001, 0.0), (0.03, 0.031, 0.029, 0.03, 0.03)
    minus = tuple(-value for value in plus)
    ridge, path, control = findings(made_up(nothing, plus))[1:4]
    assert "Nothing in the papers' panel can be predicted" in ridge.text and ridge.holds and control.holds
    assert "Chance does not explain" in path.text and path.holds
    ridge, _, control = findings(made_up(plus, nothing))[1:4]
    assert "look for a leak" in ridge.text and ridge.holds and not control.holds
    ridge, _, control = findings(made_up(minus, minus))[1:4]
    assert "below zero" in ridge.text and ridge.holds and not control.holds
    path = findings(made_up(tuple(PAPER_IC + x for x in nothing), plus))[2]
    assert "too small to exclude" in path.text and path.holds
    assert not any(item.holds for item in findings(made_up((0.01,), plus))[1:3]), "one panel has no interval"


@pytest.mark.parametrize(
    ("words", "variant", "metric", "value"),
    [
        ("next to nothing to mask", GBM, page.LIMITS, 0.012),
        ("where there is something", PLANTED, page.LIMITS, 0.0),
        ("right on average", ARITHMETIC, "bias of the drift.low", 0.0001),
    ],
)
def test_a_number_turned_round_takes_its_finding_away(words: str, variant: str, metric: str, value: float) -> None:
    frame = recorded("paper_panel").frame.copy()
    assert said(findings(frame), words).holds
    frame.loc[(frame["metric"] == metric) & (frame["variant"] == variant), "value"] = value
    assert not said(findings(frame), words).holds


@pytest.mark.parametrize("name", ["tails", "information"])
def test_figures(name: str, result, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(frame: pd.DataFrame) -> list:
        return drawn(monkeypatch, page, lambda: getattr(page, name)(shown_page("paper_panel", frame)))

    for frame in (result.frame, recorded("paper_panel").frame):
        check_figures(draw(frame), draw(frame))
        assert title_of(draw(frame)[0])


def test_tables_of_the_page_are_narrow_and_without_powers_of_ten() -> None:
    shown = recorded_page("paper_panel")
    counts = page.counts(shown).data
    assert counts.count('<th scope="col"') == 5 and ">10,500,000<" in counts and "e+" not in counts
    assert page.ics(shown).data.count('<th scope="col"') == 4
    assert "recency of the extreme close" in page.ics(shown).data
