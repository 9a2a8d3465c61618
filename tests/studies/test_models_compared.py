"""Every learner on the same market: what is counted of a row, its measures against loops, sentences and claims."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from results import tidy
from scipy.stats import kendalltau

from lib.evaluation.accuracy import accuracy
from lib.evaluation.samples import DAYS, samples_of
from lib.evaluation.scoring import scored_cells
from lib.evaluation.training_seeds import arrays_of, averaged, over_training_seeds
from lib.market import make_market
from lib.models.baselines import BASELINES, SAMPLES
from lib.models.dataset import next_return
from lib.models.settings import TUNED
from lib.models.windows import Windows
from lib.parameters import Parameter
from lib.stats.over_seeds import OverSeeds
from lib.stats.power import markets_to_decide
from lib.store.rows import RowResult
from lib.studies import recorded, run_study
from lib.studies.models import STUDY, measure
from lib.studies.models import page as shown
from lib.studies.models.measure import by_family
from lib.studies.models.page import ORDER, answer_claims, findings, gaps, levels, power
from lib.studies.models.search import RANGES, SEARCHED, TRIAL, drawn

#: a few of the core factors
FEW = ("alpha_001", "alpha_101", "better_001", "stock_006")
TINY = {"n_stocks": 45, "n_days": 520, "first_test_year": 2011, "worlds": ["linear", "interaction"],
        "learners": ["ridge", "lasso", "textbook_rules", "fama_macbeth"], "slow": ["lasso"], "slow_seeds": 1,
        "pairs": ["fama_macbeth - textbook_rules"]}  # fmt: skip


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lib.evaluation.simulated.CORE", FEW)
        yield run_study("models", scale="smoke", seeds=1, jobs=1, cache=tmp_path_factory.mktemp("cache"), **TINY)


def test_every_learner_meets_the_same_market_in_both_worlds(result):
    for world in ("linear", "interaction"):
        table = levels(result.frame, world)
        assert len(table) == 4 and table["truth_ic"].notna().all()
        pairs = gaps(result.frame, world)["compared"].tolist()
        assert len(pairs) == 4 and "market and size betas against technical rules, textbook" in pairs
    same = [result.frame[(result.frame["metric"] == "coverage") & (result.frame["variant"] == f"{name} | linear")]
            for name in ("ridge", "lasso")]  # fmt: skip
    assert same[0]["value"].tolist() == same[1]["value"].tolist()


def test_a_difference_of_information_is_that_of_the_levels_where_both_predict_the_same_cells(result):
    of = {(row.variant, row.metric): row.value for row in result.frame.itertuples()}
    for world in ("linear", "interaction"):
        gap = of[f"ridge | {world}", "truth_ic"] - of[f"lasso | {world}", "truth_ic"]
        assert of[f"lasso - ridge | {world}", "truth_ic"] == pytest.approx(-gap, abs=1e-6)


def test_slow_learners_run_on_the_first_markets_only():
    settings = STUDY.settings("smoke", seeds=3, overrides=TINY)
    count = {name: sum(row["baseline"] == name for row in STUDY.rows(settings)) for name in TINY["learners"]}
    assert count == {"ridge": 6, "lasso": 2, "textbook_rules": 6, "fama_macbeth": 6}


def test_a_row_counts_its_own_learner_and_network_only():
    settings = STUDY.settings("paper", seeds=1)
    code, own = STUDY.code(), STUDY.row_settings(settings)
    for row in STUDY.rows(settings):
        found = code.entries([row], own)
        assert found["baselines"] == {row["baseline"]}
        for own_choice in ("tuned", "ranges"):  # none is an empty entry, which the code names
            assert found[own_choice] - {"none"} == {row[own_choice]} - {"none"}
        assert found.get("networks", {""}) == {row.get("network", "")}


def test_paper_scale_has_every_learner_and_a_file_both_windows(tmp_path):
    rows = STUDY.rows(STUDY.settings("paper"))
    assert {row["baseline"] for row in rows} == set(BASELINES) == set(shown.NAMES)
    path = str(tmp_path / "csi300_pit.parquet")
    rows = STUDY.rows(STUDY.settings("paper", overrides={"data_path": path}))
    assert {row["place"] for row in rows if "window" in row} == {"csi300 paper A", "csi300 paper B"}


# ------------------------------------------------------------------------------------ samples


def test_all_samples_are_of_the_same_cells_and_labels():
    panel = make_market(45, 150, seed=3).panel
    plain = samples_of(panel, "factors", FEW)
    cells = {(d, s): (y, p) for d, s, y, p in zip(plain.day, plain.stock, plain.label, plain.predicted, strict=True)}
    for kind in SAMPLES:
        data = samples_of(panel, kind, FEW)
        assert data.shape == plain.shape and len(data.day) <= len(plain.day)
        if kind in ("labels", "dummies", "days"):
            for d, s, y, p in zip(data.day, data.stock, data.label, data.predicted, strict=True):
                assert cells[d, s] == (y, p) or (math.isnan(y) and math.isnan(cells[d, s][0]))
    days = samples_of(panel, "days", FEW).features
    assert isinstance(days, Windows) and days.length == DAYS
    labels, dummies = (samples_of(panel, kind, FEW).features for kind in ("labels", "dummies"))
    place = labels[:, -1].astype(int)
    assert np.array_equal(np.flatnonzero(dummies[:, len(FEW) :].sum(axis=1) == 0), np.flatnonzero(place == 0))
    known = place > 0
    assert (dummies[known][np.arange(known.sum()), len(FEW) + place[known] - 1] == 1).all()


# ----------------------------------------------------------------------------------- measures


def test_measures_by_a_loop():
    panel = make_market(45, 150, seed=4).panel
    rng = np.random.default_rng(0)
    prediction = np.where(panel.price_valid, 0.01 * rng.normal(size=panel.shape), np.nan)
    prediction[:100] = np.nan
    found = accuracy(panel, prediction)
    label, where = next_return(panel), scored_cells(panel)["m1"] & np.isfinite(prediction)
    predicted, outcome, taus = [], [], []
    for t in range(100, 149):
        y = label[t, where[t]] - label[t, where[t]].mean()
        taus.append(kendalltau(prediction[t, where[t]], y).statistic)
        predicted += prediction[t, where[t]].tolist()
        outcome += y.tolist()
    p, y = np.array(predicted), np.array(outcome)
    assert found["kendall"] == pytest.approx(np.mean(taus))
    assert found["mse"] == pytest.approx(np.sum((y - p) ** 2) / np.sum(y**2)) and found["mse"] > 1
    assert found["mae"] == pytest.approx(np.sum(abs(y - p)) / np.sum(abs(y)))
    assert found["sign_accuracy"] == pytest.approx(np.mean((p > 0) == (y > 0)))
    assert found["sign_base_rate"] == pytest.approx(max(np.mean(y > 0), np.mean(y <= 0)))
    perfect = accuracy(panel, np.where(np.isfinite(prediction), label, np.nan))
    assert perfect["kendall"] == pytest.approx(1) and perfect["spearman"] == pytest.approx(1)


def test_training_seeds_are_averaged_and_are_no_markets():
    parts = [RowResult([{"metric": "m1_ic", "value": v, "n": 9}, {"metric": "m1_ic.low", "value": v - 1, "n": 9},
                        {"metric": "m1_ic.high", "value": v + 2, "n": 9}], {"x": np.array([v])})
             for v in (1.0, 3.0, 8.0)]  # fmt: skip
    found = over_training_seeds(parts)
    values = {item["metric"]: item["value"] for item in found.records}
    assert values == {"m1_ic": 4, "m1_ic.low": 3, "m1_ic.high": 6, "m1_ic.training_sd": pytest.approx(np.sqrt(13))}
    assert [float(found.arrays[f"{seed} x"][0]) for seed in range(3)] == [1, 3, 8]
    assert [item["x"].tolist() for item in arrays_of(found, 3)] == [[1], [3], [8]]
    assert over_training_seeds(parts[:1]) is parts[0] and list(arrays_of(parts[0], 1)[0]) == ["x"]
    lacking = averaged([parts[0].records, parts[1].records[:1]])
    assert [item["metric"] for item in lacking] == ["m1_ic", "m1_ic.training_sd"], "what one seed lacks is left out"


def test_importance_by_family():
    found = by_family(np.array([0.1] * 8 + [0.05] * 4), ["old_001"] * 8 + ["alpha_001"] * 3 + ["industry"])
    expected = {"importance old": 0.8, "importance alpha": 0.15, "importance industry": 0.05, "importance of ten": 0.9}
    assert found == pytest.approx(expected)


def test_importances_are_shown_of_learners_that_have_them(result):
    table = shown.importances(result.frame, "linear").set_index("learner")
    assert list(table.index) == ["ridge", "lasso"]
    assert table.drop(columns="ten largest").sum(axis=1).tolist() == pytest.approx([1, 1])


# ------------------------------------------------------------------------------------- a price file

SMALL = {"windows": ["small"], "learners": ["ridge", "lightgbm_few"], "samples": 30, "training_seeds": 2, "worlds": []}


@pytest.mark.data
def test_a_price_file_gives_one_path_of_days_whatever_the_training_seeds(data_dir, tmp_path, monkeypatch):
    monkeypatch.setattr("lib.evaluation.simulated.CORE", FEW)
    windows = {"small": ((2015, 2015), (2016, 2016), (2017, 2017))}
    monkeypatch.setattr(measure, "FIXED", windows)
    study = replace(STUDY, parameters={**STUDY.parameters, "windows": Parameter(list, ["small"], help="of the file")})
    path = data_dir / "cn_csi300_pit_2010_2024.parquet"
    frame = run_study(study, scale="smoke", seeds=1, jobs=1, cache=tmp_path, data_path=str(path), **SMALL).frame
    of = {(row.variant, row.metric): row.value for row in frame.itertuples()}
    assert set(frame["seed"]) == {0}
    for learner in SMALL["learners"]:
        name = f"{learner} | csi300 small"
        assert of[name, "m1_ic.low"] < of[name, "m1_ic"] < of[name, "m1_ic.high"]
        item = OverSeeds(frame).one_path(name, "m1_ic")
        assert (item.low, item.high) == (of[name, "m1_ic.low"], of[name, "m1_ic.high"])
    assert of["lightgbm_few | csi300 small", "m1_ic.training_sd"] > 0
    assert ("ridge | csi300 small", "m1_ic.training_sd") not in of
    gap = "lightgbm_few - ridge | csi300 small"
    assert of[gap, "m1_ic.low"] < of[gap, "m1_ic"] < of[gap, "m1_ic.high"]


# ----------------------------------------------------------------------------------------- the search


def test_trials_are_drawn_on_markets_of_their_own_and_trial_0_is_the_learner_itself():
    settings = STUDY.settings("paper", seeds=1)
    rows = [row for row in STUDY.rows(settings) if "trial" in row]
    count = {name: sum(row["baseline"] == name for row in rows) for name in SEARCHED}
    assert count["xgboost"] == 40 and count["residual_network"] == 16
    assert {row["tuned"] for row in rows} == {"none"} and {row["seed"] for row in rows} == {0, 1}
    for name in SEARCHED:
        ranges = RANGES[name]
        assert drawn(name, 0) == {} and drawn(name, 3) == drawn(name, 3) != drawn(name, 4)
        for trial in range(1, 20):
            for key, value in drawn(name, trial).items():
                assert ranges[key].low <= value <= ranges[key].high
                assert isinstance(value, int) or not ranges[key].whole


def searched_frame(scores: dict[str, list[float]]) -> pd.DataFrame:
    """Two markets in which trial k of a learner has that mean validation IC."""
    return pd.concat([
        tidy([(TRIAL.name(learner=name, trial=k), metric, value + shift * (k - 1))
              for name, values in scores.items() for k, value in enumerate(values)
              for metric in ("validation_ic", "truth_ic")], "models", seed)
        for seed, shift in enumerate((0.5, -0.5))
    ])  # fmt: skip


def test_a_learner_counts_as_searched_when_it_runs_with_the_best_trial(monkeypatch):
    frame = searched_frame({"xgboost": [0.1, 0.3, 0.2], "residual_network": [0.3, 0.1]})
    assert shown.best_trial(frame, "xgboost") == (1, 3)
    tuned = {name: shown.how_tuned(frame, name) for name in BASELINES}
    assert tuned["xgboost"][1] == 0 and tuned["residual_network"] == ("trial 0 of 2", 2)
    assert tuned["extra_trees"] == ("not searched", 0) and tuned["lstm"][1] == 8 and tuned["ridge"][1] == 20
    monkeypatch.setitem(TUNED, "xgboost", drawn("xgboost", 1))
    assert shown.how_tuned(frame, "xgboost") == ("trial 1 of 3", 3)
    table = shown.settings_table(frame).set_index("learner")
    assert table.loc["XGBoost", "gain"] == pytest.approx(0.2) and len(table) == len(BASELINES)


def test_what_a_learner_runs_with_is_in_its_rows(monkeypatch):
    monkeypatch.setitem(TUNED, "xgboost", {"depth": 2})
    overrides = {**TINY, "learners": ["ridge", "xgboost"]}
    rows = STUDY.rows(STUDY.settings("smoke", seeds=1, overrides=overrides))
    assert {row["baseline"]: row["tuned"] for row in rows} == {"ridge": "none", "xgboost": "xgboost"}


@pytest.mark.slow
def test_a_trial_fits_what_it_drew(tmp_path, monkeypatch):
    monkeypatch.setattr("lib.evaluation.simulated.CORE", FEW)
    options = {**TINY, "worlds": [], "searched": ["xgboost"], "trials": 2, "search_markets": 1}
    frame = run_study("models", scale="smoke", seeds=1, jobs=1, cache=tmp_path, **options).frame
    found = frame[frame["metric"] == "validation_ic"].set_index("variant")["value"]
    assert list(found.index) == ["xgboost trial 0 | search", "xgboost trial 1 | search"]
    assert found.nunique() == 2 and (found.abs() < 1).all()


# ---------------------------------------------------------------------------------- sentences


ALL_SEARCHED = searched_frame({name: [0.3, 0.1] for name in ("xgboost", "residual_network")})


def made_up(gap: float, spread: float = 0.01) -> pd.DataFrame:
    """Six markets in which every left-hand side is ahead by a gap."""
    parts = []
    for seed in range(6):
        noise = spread * (-1) ** seed
        records = [(f"textbook_rules | {world}", "truth_ic", gap + noise) for world in ("linear", "interaction")]
        pairs = [("lightgbm", "ridge"), ("mean_of_three", "ridge"), *ORDER]
        for left, right in pairs:
            for world in ("linear", "interaction"):
                for metric in ("truth_ic", "executed_open.active_sharpe_gross"):
                    records.append((f"{left} - {right} | {world}", metric, gap + noise))
        parts.append(tidy(records, "models", seed))
    return pd.concat(parts)


@pytest.mark.parametrize(("gap", "words", "order"), [
    (0.1, "predicts better", "order of its four models holds: of its steps from one model to the next, three in each "
     "of two simulated markets, 6 are shown as stated and 0"),
    (-0.1, "predicts worse", "0 are shown as stated and 6 the other way round (truth IC, 95 % intervals). With linear "
     "alpha, the LightGBM is behind XGBoost by 0.100"),
    (0.0, "cannot be told apart", "order of its four models is not shown: "),
])  # fmt: skip
def test_sentences_follow_the_numbers(gap, words, order):
    found = findings(made_up(gap))
    assert all(item.holds for item in found) and words in found[1].text and order in found[0].text


def test_nothing_is_said_of_an_order_of_which_a_step_is_missing():
    frame = made_up(0.1)
    left, right = list(ORDER)[-1]
    found = findings(frame[frame["variant"] != f"{left} - {right} | interaction"])
    assert not any("order" in item.text for item in found)


def test_the_order_is_answered_step_by_step_in_both_worlds():
    assert not answer_claims(made_up(0.1)), "not with learners that were not searched"
    (answer,) = answer_claims(pd.concat([made_up(0.1), ALL_SEARCHED]))
    assert answer.claim_id == "A.models.order" and len(answer.parts) == 6 and answer.markets == 6
    assert all(low > 0 for _, low, _ in answer.parts)
    table = power(made_up(0.1, 0.35))
    assert len(table) == 6 and table["needed"].tolist()[0] == markets_to_decide([0.35, -0.35] * 3, 0.07)


def test_levels_are_answered_from_paper_a_s_window_of_a_file_only():
    records = [("xgboost | csi300 paper A", "m1_ic", 0.02), ("xgboost | csi300 paper A", "m1_ic.low", 0.01),
               ("xgboost | csi300 paper A", "m1_ic.high", 0.03),
               ("xgboost | csi300 paper B", "m1_ic", 0.9)]  # fmt: skip
    assert not answer_claims(tidy(records, "models"))
    (answer,) = answer_claims(pd.concat([tidy(records, "models"), ALL_SEARCHED]))
    assert (answer.claim_id, answer.estimate, answer.low) == ("A.models.xgboost.correlation", 0.02, 0.01)


@pytest.mark.parametrize(("high", "words"), [(0.03, "Every stated IC lies above"), (0.2, "Not every stated IC")])
def test_paper_a_s_correlations_stand_beside_ours(high, words):
    records = [(f"{learner} | csi300 paper A", f"m1_ic{end}", value) for learner in shown.THEIRS.values()
               for end, value in (("", 0.02), (".low", 0.01), (".high", high))]  # fmt: skip
    found = findings(pd.concat([made_up(0.1), tidy(records, "models")]))[3]
    assert found.holds and words in found.text and "CSI 300, window of paper A" in found.text
    assert "up to +0.020" in found.text
    assert not findings(pd.concat([made_up(0.1), tidy(records[3:], "models")]))[3].holds, "a model is missing"
    assert len(findings(made_up(0.1))) == 5, "without a file there is nothing to hold beside"


def test_the_figure(result):
    check(lambda: shown.information_figure(result.frame, "a note"))


def test_findings_hold_on_the_recorded_rows():
    record = recorded("models")
    if record:
        assert not [item.text for item in findings(record.frame) if not item.holds]
