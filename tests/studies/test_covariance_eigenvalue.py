"""Estimates of a window with holes against loops and the closed form; the study's counts against matrices by hand."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from results import scaled_markets

from lib.errors import LibError, ParameterError
from lib.market import make_market
from lib.panel import Panel
from lib.paper.pages.claims import _badge
from lib.paper.pages.style import title_of
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds
from lib.studies import recorded, run_study
from lib.studies.covariance_eigenvalue import page
from lib.studies.covariance_eigenvalue.estimators import (
    ESTIMATORS,
    MaskedReturns,
    complete,
    filled,
    ledoit_wolf,
    needed_intensity,
    pairwise,
    pairwise_shrunk,
    refused,
    sample,
)
from lib.studies.covariance_eigenvalue.measure import earned, holes, spectra
from lib.studies.covariance_eigenvalue.page import LEDOIT_WOLF, answer_claims

RNG = np.random.default_rng(8)
DAYS, STOCKS = 30, 45


def window(share: float = 0.8) -> MaskedReturns:
    common, own = RNG.standard_t(4, (DAYS, 1)), RNG.standard_t(4, (DAYS, STOCKS))
    valid = RNG.random((DAYS, STOCKS)) < share
    valid[:, 0] = True
    return MaskedReturns(0.01 * common + 0.02 * own, valid)


WINDOW = window()


def test_shrinking_moves_every_eigenvalue_by_the_closed_form() -> None:
    raw, shrunk = sample(WINDOW), ledoit_wolf(WINDOW)
    assert 0 < shrunk.intensity < 1
    expected = (1 - shrunk.intensity) * np.linalg.eigvalsh(raw.matrix) + shrunk.intensity * raw.level
    np.testing.assert_allclose(np.linalg.eigvalsh(shrunk.matrix), expected, rtol=1e-10)
    assert np.linalg.eigvalsh(shrunk.matrix)[0] >= shrunk.intensity * shrunk.level * (1 - 1e-12)
    assert shrunk.level == pytest.approx(raw.level)


def test_the_intensity_is_that_of_the_paper_of_2004() -> None:
    """d = min(b, D) / D with D = |S - m I|^2, b = sum_t |x_t x_t' - S|^2 / T^2, norms divided by n: by hand."""
    x = WINDOW.returns - WINDOW.returns.mean(axis=0)
    s = x.T @ x / DAYS
    level = np.trace(s) / STOCKS
    distance = np.sum((s - level * np.eye(STOCKS)) ** 2)
    noise = sum(np.sum((np.outer(row, row) - s) ** 2) for row in x) / DAYS**2
    assert ledoit_wolf(WINDOW).intensity == pytest.approx(min(noise, distance) / distance, rel=1e-10)


def test_a_pair_is_measured_on_its_common_days() -> None:
    found = pairwise(WINDOW).matrix
    for one, other in ((0, 0), (0, 7), (3, 3), (11, 29), (29, 11)):
        both = WINDOW.valid[:, one] & WINDOW.valid[:, other]
        a, b = WINDOW.returns[both, one], WINDOW.returns[both, other]
        assert found[one, other] == pytest.approx(np.mean((a - a.mean()) * (b - b.mean())), rel=1e-10)


def test_a_masked_return_is_filled_with_the_mean_of_the_stocks_others() -> None:
    x = WINDOW.returns + np.linspace(-1, 1, STOCKS)
    item, whole = filled(MaskedReturns(x, WINDOW.valid)), x.copy()
    for stock in range(STOCKS):
        valid = WINDOW.valid[:, stock]
        whole[~valid, stock] = x[valid, stock].mean()
    raw = np.cov(whole.T, bias=True)
    expected = (1 - item.intensity) * raw + item.intensity * np.trace(raw) / STOCKS * np.eye(STOCKS)
    np.testing.assert_allclose(item.matrix, expected, rtol=1e-9, atol=1e-15)


def test_without_holes_all_are_the_same() -> None:
    whole = MaskedReturns(WINDOW.returns, np.ones_like(WINDOW.valid))
    np.testing.assert_allclose(pairwise(whole).matrix, sample(whole).matrix, rtol=1e-9, atol=1e-18)
    for estimate in (complete, filled, pairwise_shrunk):
        np.testing.assert_allclose(estimate(whole).matrix, ledoit_wolf(whole).matrix, rtol=1e-9, atol=1e-18)


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("estimate", [complete, filled, pairwise, pairwise_shrunk])
def test_what_is_masked_is_not_read(estimate: Any, poison: float) -> None:
    some = MaskedReturns(WINDOW.returns, WINDOW.valid.copy())
    some.valid[:, :12] = True
    poisoned = MaskedReturns(np.where(some.valid, some.returns, poison), some.valid)
    np.testing.assert_array_equal(estimate(poisoned).matrix, estimate(some).matrix)


def test_filled_and_complete_stay_above_zero_and_pairs_do_not() -> None:
    some = MaskedReturns(WINDOW.returns, WINDOW.valid.copy())
    some.valid[:, :12] = True
    for estimate in (complete, filled):
        item = estimate(some)
        assert np.linalg.eigvalsh(item.matrix)[0] >= item.intensity * item.level * (1 - 1e-12) > 0
    assert len(complete(some).matrix) == some.valid.all(axis=0).sum() >= 12
    assert np.linalg.eigvalsh(pairwise(some).matrix)[0] < -0.01 * pairwise(some).level


def test_the_precision_is_kept() -> None:
    for name, estimate in ESTIMATORS.items():
        kind = np.float32 if name.endswith("float32") else np.float64
        assert estimate(WINDOW).matrix.dtype == kind, name


def test_the_needed_intensity_is_just_enough() -> None:
    raw = pairwise(WINDOW)
    lowest = np.linalg.eigvalsh(raw.matrix)[0]
    needed = needed_intensity(lowest, raw.level)
    assert 0 < needed < 1
    for factor, sign in ((1.01, 1), (0.99, -1)):
        d = needed * factor
        repaired = (1 - d) * raw.matrix + d * raw.level * np.eye(STOCKS)
        assert np.sign(np.linalg.eigvalsh(repaired)[0]) == sign
    assert needed_intensity(1e-9, 1.0) == 0.0


def test_cvxpy_refuses_what_is_below_its_fixed_tolerance() -> None:
    axes = np.linalg.qr(RNG.normal(size=(12, 12)))[0]
    for lowest, expected in ((1e-3, False), (-1e-13, False), (-1e-8, True), (-0.1, True)):
        matrix = axes @ np.diag([lowest, *np.linspace(0.1, 3.0, 11)]) @ axes.T
        assert refused((matrix + matrix.T) / 2) is expected, lowest


# ---------------------------------------------------------------------------------------- windows


@pytest.fixture(scope="module")
def panel() -> Panel:
    return make_market(50, 200, seed=3, limit_rates="paper").panel


def test_a_return_is_earned_between_two_tradable_closes(panel: Panel) -> None:
    found = earned(panel)
    for day, stock in np.ndindex(*panel.shape):
        both = day > 0 and panel.mask[day, stock] and panel.mask[day - 1, stock]
        assert found[day, stock] == (both and np.isfinite(panel.returns[day, stock]))


def test_a_window_holds_the_first_stocks_that_most_days_are_valid_for(panel: Panel) -> None:
    valid, day, length = earned(panel), 120, 40
    valid[day - length + 1 : day + 1, 2:4] = False
    valid[day - 19 : day + 1, 2:4] = True  # half of the days
    valid[day - length + 1, 3] = True  # and one more
    universe = panel.universe[day].copy()
    universe[[1, 4]] = False
    found = holes(panel.returns, valid, universe, day, length, 20)
    assert found is not None
    fits = [n for n in range(50) if universe[n] and valid[day - length + 1 : day + 1, n].sum() > length / 2][:20]
    assert 2 not in fits and 3 in fits
    np.testing.assert_array_equal(found.valid, valid[day - length + 1 : day + 1][:, fits])
    np.testing.assert_array_equal(found.returns, np.nan_to_num(panel.returns[day - length + 1 : day + 1][:, fits]))
    shared = found.valid.astype(int).T @ found.valid.astype(int)
    assert shared.min() >= 2, "every pair has a covariance"
    assert holes(panel.returns, valid, universe, day, length, 51) is None


def test_no_day_reads_a_later_one(panel: Panel) -> None:
    valid, day = earned(panel), 120
    before = holes(panel.returns, valid, panel.universe[day], day, 40, 30)
    spoiled, open_cells = panel.returns.copy(), valid.copy()
    spoiled[day + 1 :], open_cells[day + 1 :] = 1e30, ~valid[day + 1 :]
    after = holes(spoiled, open_cells, panel.universe[day], day, 40, 30)
    assert before is not None and after is not None
    for name, estimate in ESTIMATORS.items():
        np.testing.assert_array_equal(estimate(before).matrix, estimate(after).matrix, err_msg=name)


# ------------------------------------------------------------------------------------------- study


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    settings: dict[str, Any] = {"window": 30, "sizes": [20, 40], "every": 25, "n_stocks": 60, "n_days": 160, "seeds": 2}
    return run_study("covariance_eigenvalue", cache=tmp_path_factory.mktemp("cache"), **settings).frame


def test_the_study_counts_what_the_matrices_are(frame: pd.DataFrame) -> None:
    panel = make_market(60, 160, seed=0).panel
    valid, lowest, refusals_ = earned(panel), [], []
    for day in range(30, 160, 25):
        found = holes(panel.returns, valid, panel.universe[day], day, 30, 40)
        assert found is not None
        item = pairwise_shrunk(found)
        lowest.append(np.linalg.eigvalsh(item.matrix)[0] / item.level)
        refusals_.append(np.linalg.eigvalsh(item.matrix)[0] < -1e-10)
    rows = frame[(frame["variant"] == "market 40 pairwise shrunk") & (frame["seed"] == 0)].set_index("metric")["value"]
    assert rows["lowest"] == pytest.approx(np.median(lowest))
    assert rows["lowest of all"] == pytest.approx(min(lowest))
    assert rows["negative"] == rows["refused"] == np.mean(refusals_) > 0


def test_ledoit_wolf_is_never_below_its_floor(frame: pd.DataFrame) -> None:
    shrunk = frame[frame["variant"].str.endswith(LEDOIT_WOLF)]
    assert set(shrunk.loc[shrunk["metric"].isin(["negative", "refused"]), "value"]) == {0.0}
    assert shrunk.loc[shrunk["metric"] == "lowest of all", "value"].min() > 0.01
    whole = frame[frame["variant"].str.endswith("40 sample") & (frame["metric"] == "negative")]
    assert whole["value"].min() > 0, "more stocks than days: rounding scatters the zeros"


def shown_as(frame: pd.DataFrame) -> Any:
    return SimpleNamespace(rows=frame, note="a note")


def test_the_tables_have_every_estimate_and_keep_counts_possible(frame: pd.DataFrame) -> None:
    found = page.Eigenvalue.of(frame)
    assert found.sizes == page.Eigenvalue.of(frame, "market_paper").sizes == [20, 40]
    rows = page.estimator_table(found, 40)
    assert rows["covariance"].tolist() == list(page.ESTIMATES.values())
    assert rows["stocks"].tolist()[:4] == [40] * 4 and rows["stocks"][4] < 40
    assert len(page.summary(frame)) == 2 * 2 * len(page.ESTIMATES)
    many = scaled_markets(frame, 6)
    hit = (many["variant"] == "market 40 pairwise shrunk") & (many["metric"] == "refused")
    many.loc[hit, "value"] = [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert OverSeeds(many).find("market 40 pairwise shrunk", "refused").high > 1, "Student's interval leaves the range"
    days = page.estimator_table(page.Eigenvalue.of(many), 40).iloc[-1]
    assert days["refused, days a year.high"] == page.YEAR and 0 < days["refused, days a year.low"] < page.YEAR * 5 / 6


def test_an_interval_is_cut_and_a_missing_one_stays_missing() -> None:
    assert page.within(Estimate(0.1, -0.2, 0.4), 0, 1) == Estimate(0.1, 0, 0.4)
    assert np.isnan(page.within(Estimate(0.1), 0, 1).low)


def test_the_picture_of_one_day() -> None:
    values = spectra(make_market(60, 160, seed=0).panel, 100, 30, 40)
    check(lambda: page.draw_one_day(values, 30, "a note"))
    assert "11 eigenvalues of zero" in title_of(page.draw_one_day(values, 30))
    assert (np.abs(values["sample"][:11]) < 1e-12).all() and (values["sample"][11:] > 1e-6).all()
    whole = values | {"pairwise": np.abs(values["pairwise"])}
    assert "zero" not in title_of(page.draw_one_day(whole, 30)), "nothing is below zero: another title"


def test_the_page_draws_every_market(frame: pd.DataFrame) -> None:
    for part in (page.refusals, page.repair, page.estimators):
        text = part(shown_as(frame)).data
        assert all(escape(title) in text for title in page.markets(frame)), part.__name__


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return recorded("covariance_eigenvalue").frame


def test_every_finding_holds_on_the_recorded_rows(real: pd.DataFrame) -> None:
    for finding in page.findings(real):
        assert finding.holds, finding.text


#: the finding, the variant and metric that carries it, and a value that turns it round
TURNED = (
    (0, "market 50 ledoit-wolf", "negative", 0.004),
    (0, "csi300 100 ledoit-wolf float32", "lowest of all", -1e-7),
    (1, "market_paper 1000 pairwise shrunk", "negative", 0.0),
    (2, "market_paper 1000 complete", "stocks", 1000.0),
    (3, "market_paper 1000 sample float32", "round-off of all", -0.01),
    (4, "market_paper 1000 pairwise", "needed", 0.01),
    (5, "market_paper 1000 sample float32", "refused", 0.0),
)


@pytest.mark.parametrize(("place", "variant", "metric", "value"), TURNED)
def test_a_finding_that_is_turned_round_does_not_hold(
    real: pd.DataFrame, place: int, variant: str, metric: str, value: float
) -> None:
    hit = (real["variant"] == variant) & (real["metric"] == metric)
    assert hit.any()
    assert not page.findings(real.assign(value=real["value"].mask(hit, value)))[place].holds


def test_without_more_stocks_than_days_there_is_no_rounding_to_see(frame: pd.DataFrame) -> None:
    few = frame[~frame["variant"].str.contains(" 40 ")]
    assert page.findings(few)[3].text.startswith("Not in this run")


def test_the_answer_is_the_range_of_all_markets(frame: pd.DataFrame) -> None:
    (answer,) = answer_claims(frame)
    assert (answer.estimate, answer.low, answer.high) == (0, 0, 0)
    some = scaled_markets(frame, 3)
    hit = (some["variant"] == "market 20 ledoit-wolf") & (some["metric"] == "negative") & (some["seed"] == 2)
    some.loc[hit, "value"] = 1 / 252
    (answer,) = answer_claims(some)
    assert (answer.low, answer.high) == (0, 1)
    assert answer.estimate == pytest.approx(1 / (2 * 2 * 2 * 3))  # one of settings x sizes x precisions x markets
    assert answer_claims(frame[frame["metric"] == "stocks"]) == []


def test_what_cannot_be_computed_is_said() -> None:
    with pytest.raises(LibError, match="windows of 120 days in a panel of 100"):
        run_study("covariance_eigenvalue", scale="smoke", n_days=100, window=120)
    with pytest.raises(ParameterError, match="sizes"):
        run_study("covariance_eigenvalue", scale="smoke", sizes=[1])


def test_an_arithmetic_verdict_that_does_not_agree_has_a_colour_of_its_own() -> None:
    style = (Path(__file__).parents[2] / "book" / "assets" / "book.css").read_text(encoding="utf-8")
    assert 'class="verdict arithmetic does-not-agree"' in _badge("arithmetic: does not agree")
    assert 'class="verdict arithmetic agrees"' in _badge("arithmetic: agrees")
    colors = [re.search(rf"{re.escape(name)} {{ border-color: (\S+); }}", style) for name in
              (".verdict.arithmetic", ".verdict.arithmetic.does-not-agree")]  # fmt: skip
    assert all(colors) and len({found[1] for found in colors if found}) == 2
