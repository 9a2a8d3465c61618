"""The losses: what is trained, what is measured of predictions, the minimiser, the sentences and the claims."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from figure_checks import check
from results import tidy
from shown_pages import said, shown_page

from lib import run_study
from lib.evaluation.arms import EVERY as EVERY_DAYS
from lib.evaluation.arms import optimal_book, signs_and_spread, standardised
from lib.evaluation.simulated import market
from lib.models.dataset import next_return
from lib.models.losses import adjusted_minimiser
from lib.studies import recorded
from lib.studies.losses import STUDY, measure, page
from lib.studies.losses.claims import CLAIM_IDS, ORDER, answer_claims
from lib.studies.losses.findings import findings, gaps, threshold
from lib.studies.losses.minimiser import RATIOS, trained_minimiser
from lib.studies.losses.variants import CENTRED, CHOSEN, DIFFERENCE, EVERY, GAMMAS, RAW, Trained, differences

torch.set_num_threads(1)
SMALL = {"n_stocks": 40, "n_days": 560, "first_test_year": 2011, "trials": 2, "search_markets": 1, "epochs": 1,
         "minimiser_epochs": 1, "minimiser_seeds": 1, "seeds": 1}  # fmt: skip
PAIR = ["mse, raw labels", "adj_mse 0.1, raw labels"]


@pytest.fixture(scope="module", autouse=True)
def few_factors():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lib.evaluation.simulated.CORE", ("alpha_001", "better_001", "old_029", "add_022"))
        yield


@pytest.fixture(scope="module")
def world():
    return market(40, 260, 3, "paper")


# --------------------------------------------------------------------------- what is trained


def test_every_loss_is_trained_on_every_label_that_it_can_tell_apart():
    assert len(CENTRED) == 11 and len(RAW) == 7 and len({item.name for item in EVERY}) == 18
    assert {item.gamma for item in RAW} == {None, *GAMMAS}
    assert set(CHOSEN) == {"no variant"} | {item.name for item in EVERY}
    pairs = list(differences())
    assert len(pairs) == len(set(pairs)) and all(left != right for left, right in pairs)
    assert all(DIFFERENCE.parts(DIFFERENCE.name(left=a, right=b)) == {"left": a, "right": b} for a, b in pairs)


def test_setting_a_trial_makes_stale_what_uses_it_and_no_trial_of_the_search():
    settings = STUDY.settings("paper")
    rows, own, code = STUDY.rows(settings), STUDY.row_settings(settings), STUDY.code()
    named = {part: code.entries([next(row for row in rows if row["part"] == part)], own)["chosen_trials"]
             for part in ("search", "market", "minimiser")}  # fmt: skip
    assert named["search"] == named["minimiser"] == {"no variant"}
    assert named["market"] == {"mse, centred labels"}


def test_trials_are_the_same_for_every_loss_and_on_markets_of_their_own(monkeypatch, tmp_path):
    drawn = []

    def spy(n_stocks, n_days, seed, limit_rates, **planted):
        drawn.append(seed)
        return market(n_stocks, n_days, seed, limit_rates, **planted)

    monkeypatch.setattr(measure, "market", spy)
    frame = run_study("losses", cache=tmp_path, jobs=1, **SMALL, variants=PAIR, parts=["search"]).frame
    assert set(drawn) == {1000}
    rates = frame[frame["metric"] == "setting learning_rate"].set_index("variant")["value"]
    assert len(rates) == 4 and rates.nunique() == 2
    table = page.search_table(frame)
    assert table["variant"].tolist() == ["mse, raw labels", "adj_mse 0.1, raw labels"]
    best = frame[frame["metric"] == "validation_ic"].groupby(frame["variant"].str.partition(", trial")[0])["value"]
    assert table.set_index("variant")["validation_ic"].to_dict() == pytest.approx(best.max().to_dict())


def test_raw_labels_are_the_centred_ones_and_a_level_for_each_day():
    settings = STUDY.settings("smoke", overrides={"n_stocks": 40, "n_days": 500})
    row = {"loss": "mse", "gamma": None, "labels": "centred"}
    world, centred = measure._sample(row, settings, 0)
    _, raw = measure._sample(row | {"labels": "raw"}, settings, 0)
    known = np.isfinite(centred.label)
    assert known.any() and np.array_equal(known, np.isfinite(raw.label))
    assert np.array_equal(raw.label[known], next_return(world.panel)[raw.day, raw.stock][known])
    level = pd.Series((raw.label - centred.label)[known]).groupby(raw.day[known])
    assert (level.max() - level.min()).max() < 1e-12 and level.mean().abs().max() > 1e-3


# ------------------------------------------------------------------------- what is measured


def test_signs_and_spread_are_those_of_a_loop_and_masked_cells_have_no_part(world):
    panel, rng = world.panel, np.random.default_rng(0)
    prediction = rng.normal(0.01, 0.01, panel.shape)
    outcome, usable = next_return(panel), panel.price_valid & panel.universe
    counts = {"": [0, 0, 0], "_centred": [0, 0, 0]}
    spreads = []
    for t in range(panel.shape[0]):
        cells = np.flatnonzero(usable[t] & np.isfinite(outcome[t]))
        if len(cells) < 2:
            continue
        p, r = prediction[t, cells], outcome[t, cells]
        spreads.append((p.std(), r.std()))
        for end, (a, b) in {"": (p, r), "_centred": (p - p.mean(), r - r.mean())}.items():
            for x, y in zip(a, b, strict=True):
                if y != 0:
                    counts[end] = [n + k for n, k in zip(counts[end], (1, x * y > 0, y > 0), strict=True)]
    found = signs_and_spread(panel, prediction)
    for end, (n, right, up) in counts.items():
        assert found[f"sign_accuracy{end}"] == pytest.approx(right / n)
        assert found[f"base_rate{end}"] == pytest.approx(max(up, n - up) / n)
    ours, theirs = np.mean(spreads, axis=0)
    assert found["spread"] == pytest.approx(ours / theirs)
    assert (~usable).sum() > 50
    poisoned = np.where(usable, prediction, 1e30)
    assert signs_and_spread(panel, poisoned) == found
    assert signs_and_spread(panel, np.where(usable, prediction, np.inf)) == found


def test_standardised_predictions_have_one_size_a_day_and_no_level():
    rng = np.random.default_rng(1)
    prediction = rng.normal(size=(5, 30)) * np.array([[1e-9], [1], [1e3], [0], [1]]) + 7
    prediction[0, :4] = np.nan
    prediction[4] = np.nan
    found = standardised(prediction)
    assert np.array_equal(np.isnan(found), np.isnan(prediction))
    assert np.nanstd(found[:3], axis=1) == pytest.approx([1e-3] * 3, rel=1e-5) and (found[3] == 0).all()
    assert np.nanmean(found[:4], axis=1) == pytest.approx([0] * 4, abs=1e-9)


def test_the_optimal_book_decides_every_fifth_session_and_knows_nothing_of_later_days(world):
    panel, rng = world.panel, np.random.default_rng(2)
    usable = panel.price_valid & panel.universe
    prediction = np.where(usable, rng.normal(0, 1e-3, panel.shape), np.nan)
    prediction[:150] = np.nan
    book = optimal_book(panel, prediction)
    days = np.flatnonzero(book.turnover > 1e-9)
    assert len(book.turnover) == len(panel.dates) - 150 and days[0] == 1  # orders of the first day, filled at the open
    assert set(np.diff(days)) == {EVERY_DAYS}
    later = prediction.copy()
    later[200:] *= -5
    again = optimal_book(panel, later)
    assert np.array_equal(again.turnover[:51], book.turnover[:51])
    assert not np.array_equal(again.turnover[51:], book.turnover[51:])


def test_smaller_predictions_make_the_literal_book_trade_less(world):
    panel, rng = world.panel, np.random.default_rng(3)
    prediction = np.where(panel.price_valid, rng.normal(0, 3e-3, panel.shape), np.nan)
    prediction[:150] = np.nan

    def moved(expected):
        return float(optimal_book(panel, expected).turnover[2:].sum())

    assert moved(0.01 * prediction) < 0.5 * moved(prediction)
    assert moved(standardised(0.01 * prediction)) == pytest.approx(moved(standardised(prediction)), rel=1e-4)


# ------------------------------------------------------------------------------ the minimiser


def test_a_trained_network_ends_at_the_minimiser():
    found = trained_minimiser(0.1, 0, 12)
    gap = {ratio: found[f"trained at {ratio:g}"] - found[f"minimiser at {ratio:g}"] for ratio in RATIOS}
    assert max(map(abs, gap.values())) < 0.2, gap
    assert found["minimiser at 0.5"] == 0 and found["trained at 2"] > 1.2 and found["trained at 0.5"] < 0.1


@pytest.mark.parametrize("gamma", GAMMAS)
def test_the_threshold_is_where_the_minimiser_leaves_zero(gamma):
    z = threshold(gamma)
    draws = np.random.default_rng(0).standard_normal(400_000) + z
    ratio = np.maximum(draws, 0).mean() / np.maximum(-draws, 0).mean()
    assert ratio == pytest.approx((1 + gamma) / gamma, rel=0.05)
    assert adjusted_minimiser(z - 1e-6, 1.0, gamma) == 0 < adjusted_minimiser(z + 1e-3, 1.0, gamma)


# ------------------------------------------------------------------- the page and its sentences


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    given = {**SMALL, "trials": 1, "variants": [*PAIR, "mse, centred labels"]}
    return run_study("losses", cache=tmp_path_factory.mktemp("cache"), jobs=1, **given).frame


def test_a_run_gives_every_number_of_the_page(frame):
    levels = page.levels_table(frame)
    assert len(levels) == 3 and not levels[[*page.LEVELS, *page.BOOKS, *page.OPTIMISED]].isna().any().any()
    ours = frame.set_index(["variant", "metric"])["value"]
    name = f"{PAIR[1]} - {PAIR[0]}"
    assert ours[name, "naive_close.sharpe"] == pytest.approx(
        ours[PAIR[1], "naive_close.sharpe"] - ours[PAIR[0], "naive_close.sharpe"]
    )
    assert {"truth_ic", "m1_ic", "executed_open.active_sharpe_gross"} <= set(ours[name].index)
    assert 0.02 < ours[PAIR[0], "signal_to_noise"] < 0.3
    shown = shown_page("losses", frame)
    for part in (page.levels, page.books, page.optimised, page.differences, page.power, page.search, page.thresholds,
                 page.information, page.spread, page.minimisers, page.head):  # fmt: skip
        assert part(shown).data
    check(lambda: page.minimiser_figure(page.OverSeeds(frame), "a note"))


def made_up(gain: float, markets: int = 6, **more: float) -> pd.DataFrame:
    """AdjMSE minus MSE on raw labels: every measure gains so much, with little spread over markets."""
    parts = []
    for seed in range(markets):
        shift = 0.001 * (seed - (markets - 1) / 2)
        measures = ("truth_ic", "m1_ic", "executed_open.active_sharpe_gross", "naive_close.sharpe")
        records = [(f"{PAIR[1]} - {PAIR[0]}", metric, gain + shift) for metric in measures]
        small = "adj_mse 0.05, raw labels - adj_mse 0.1, raw labels"
        records += [(small, "sign_accuracy", more.get("signs", 0.0) + shift),
                    (small, "naive_close.sharpe", more.get("filled", 0.0) + shift),
                    (PAIR[1], "sign_accuracy", 0.52), (PAIR[1], "base_rate", 0.51)]  # fmt: skip
        for left, right in (("adj_mse 0.1", "mse"), ("adj_huber 0.1", "huber")):
            records.append((f"{left}, centred labels - {right}, centred labels", "truth_ic", gain + shift))
        for left, right in (("huber", "mse"), ("adj_huber 0.1", "adj_mse 0.1")):
            records.append((f"{left}, centred labels - {right}, centred labels", "truth_ic", 0.001 + shift))
        parts.append(tidy(records, "losses", seed))
    return pd.concat(parts)


@pytest.mark.parametrize(("gain", "knows", "book"), [(0.3, "predicts better", "a better book"), (-0.3, "predicts worse",
                         "a worse book"), (0.0, "No difference is shown", "no book that is measurably")])  # fmt: skip
def test_findings_follow_the_side_of_the_interval(gain, knows, book):
    found = findings(made_up(gain))
    assert [item.holds for item in found if knows in item.sentence] == [True]
    assert [item.holds for item in found if book in item.sentence] == [True]
    ratio = {0.3: "and it helps", -0.3: "and it hurts", 0.0: "Neither the ratio of gradients"}[gain]
    assert said(found, ratio).holds


@pytest.mark.parametrize(
    ("signs", "filled", "words"),
    [(0.02, -0.2, "More right signs and a lower"), (-0.02, -0.2, "Not as the papers say"),
     (0.02, 0.2, "Not as the papers say"), (0.0, -0.2, "Neither half")],
)  # fmt: skip
def test_the_order_of_a_smaller_gamma_needs_both_halves(signs, filled, words):
    frame = made_up(0.0, signs=signs, filled=filled)
    assert words in said(findings(frame), "a gamma of 0.05 instead of 0.1").text
    (order,) = [item for item in answer_claims(frame) if item.claim_id == ORDER]
    assert [value > 0 for value, _, _ in order.parts if abs(value) > 1e-9] == [
        side > 0 for side in (signs, -filled) if side
    ]
    assert order.markets == 6


def test_few_markets_say_that_nothing_is_shown():
    found = findings(made_up(0.3, markets=2))
    assert said(found, "No difference is shown").holds and not answer_claims(made_up(0.3, markets=2))[1:]


def test_power_is_that_of_a_paired_test():
    table = page.power_table(made_up(0.3)).set_index(["comparison", "measure"])
    row = table.loc[("AdjMSE 0.1 against MSE", "naive_close.sharpe")]
    assert row["markets"] == 6 and row["sd over markets"] == pytest.approx(0.001 * np.std(range(6), ddof=1))
    assert row["markets needed"] == 2
    assert row["smallest found"] == pytest.approx(2.8016 * 0.001 * (3.5 / 6) ** 0.5, rel=1e-4)


# --------------------------------------------------------------------------- what is recorded


def test_findings_hold_on_the_recorded_rows():
    record = recorded("losses")
    if not record:
        pytest.skip("nothing is recorded yet")
    assert not [item.text for item in findings(record.frame) if not item.holds]
    assert {item.claim_id for item in answer_claims(record.frame)} == set(CLAIM_IDS)
    assert len(gaps(page.OverSeeds(record.frame))) == len(GAMMAS) * len(RATIOS)


def test_the_settings_used_are_those_of_the_best_recorded_trials():
    """Red after a recording that finds other trials: set `CHOSEN` in lib/studies/losses/variants.py to them."""
    record = recorded("losses")
    if not record:
        pytest.skip("nothing is recorded yet")
    best = page.search_table(record.frame).set_index("variant")["trial"].to_dict()
    assert {name: CHOSEN[name] for name in best} == best


def test_names_read_as_they_are_written():
    assert Trained.of({"loss": "adj_mse", "gamma": 0.05, "labels": "raw"}).name == "adj_mse 0.05, raw labels"
    assert page.in_words(Trained("rank_ic")) == "rank IC"
