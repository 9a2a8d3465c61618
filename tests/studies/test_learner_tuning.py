"""The search for settings: what trials draw, which markets are used, which trial is best, and the constants from it."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from results import tidy

from lib.models.fits import FIXED_TREES
from lib.models.learners import LEARNERS, NETWORK, RIDGE_PENALTIES, TREES
from lib.studies import recorded, run_study
from lib.studies.learner_tuning import STUDY
from lib.studies.learner_tuning import measure as learner_tuning
from lib.studies.learner_tuning.measure import FIRST_MARKET, tuning_split
from lib.studies.learner_tuning.page import Tuning, findings, gains_table, settings_table, trials_table, tuned
from lib.studies.learner_tuning.trials import DEFAULTS, RANGES, TRIAL, Range, trial_settings

CONSTANTS = {"lightgbm": TREES, "mlp": NETWORK}
SMALL = {"n_stocks": 40, "n_days": 560, "first_test_year": 2011, "trials": 2, "rounds": 4, "epochs": 1, "seeds": 1}


# ----------------------------------------------------------------------------- trials


def test_draws_are_even_on_their_own_scale_and_inside_their_range():
    rng = np.random.default_rng(0)
    drawn = [Range(1e-4, 100).draw(rng) for _ in range(4000)]
    assert min(drawn) >= 1e-4 and max(drawn) <= 100
    share = (np.log10(drawn) + 4) / 6  # even on (0, 1): deviation of a mean of 4000 is 0.0046
    assert abs(share.mean() - 0.5) < 0.02 and abs((share < 0.25).mean() - 0.25) < 0.03
    flat = [Range(0.3, 1, log=False).draw(rng) for _ in range(4000)]
    assert min(flat) >= 0.3 and max(flat) <= 1 and abs(np.mean(flat) - 0.65) < 0.01
    whole = [Range(8, 128, whole=True).draw(rng) for _ in range(1000)]
    assert all(isinstance(value, int) for value in whole) and {8, 128} & set(whole) and np.median(whole) < 40


@pytest.mark.parametrize("learner", RANGES)
def test_trials_are_fixed_differ_and_set_what_the_learner_knows(learner):
    trials = [trial_settings(learner, k) for k in range(20)]
    assert trials == [trial_settings(learner, k) for k in range(20)]
    assert trials[0] == DEFAULTS[learner] and len({tuple(t.values()) for t in trials}) == 20
    assert all(set(t) == set(RANGES[learner]) for t in trials)
    if learner != "ridge":
        assert set(RANGES[learner]) == set(CONSTANTS[learner]), "all are searched"
        assert not set(RANGES[learner]) & set(FIXED_TREES)


def test_every_learner_is_searched_with_as_many_trials():
    assert set(RANGES) == set(LEARNERS)
    rows = list(STUDY.grid({"seeds": [0, 1], "trials": 20}))
    assert [sum(row["learner"] == learner for row in rows) for learner in RANGES] == [40] * 3


# ----------------------------------------------------------------------------- the run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, list[int]]:
    """A small run, and the seeds of the markets that it drew."""
    made, drawn = learner_tuning.market, []

    def spy(n_stocks, n_days, seed, limit_rates, **planted):
        drawn.append(seed)
        return made(n_stocks, n_days, seed, limit_rates, **planted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learner_tuning, "market", spy)
        return run_study("learner_tuning", cache=tmp_path_factory.mktemp("cache"), jobs=1, **SMALL).frame, drawn


def test_only_markets_of_its_own_are_drawn(run):
    assert set(run[1]) == {FIRST_MARKET} and FIRST_MARKET == 1000


def test_every_trial_has_its_scores_and_settings(run):
    found = Tuning.of(run[0])
    for learner in RANGES:
        assert found.trials(learner) == [0, 1]
        for trial in (0, 1):
            assert found.settings(learner, trial) == trial_settings(learner, trial)
            assert all(math.isfinite(found.value(learner, trial, m)) for m in ("validation_ic", "test_ic", "truth_ic"))
    assert found.value("ridge", 0, "truth_ic") != found.value("ridge", 1, "truth_ic")


def test_validation_takes_a_quarter_of_the_days_before_the_test_span():
    dates = np.busday_offset("2010-01-04", np.arange(1000), roll="forward").astype("datetime64[D]")
    split = tuning_split(dates, 2012)
    assert str(dates[split.test_start])[:7] == "2012-01" and split.test_stop == 1000
    assert split.validation_stop - split.validation_start == round(0.25 * split.validation_stop)


def test_tables_and_the_figure(run):
    frame = run[0]
    assert len(settings_table(frame)) == 11
    assert gains_table(frame)["of"].tolist() == [2] * 9
    assert len(trials_table(frame, "lightgbm")) == 2
    check(lambda: tuned(Tuning.of(frame), "a title", "a note"))


# ---------------------------------------------------------------------------- the best


def made_up() -> pd.DataFrame:
    """Two markets: trial 2 is best by the mean of the markets, trial 1 on the first; trial 3 is undefined."""
    validation = {0: (0.02, 0.02), 1: (0.05, 0.01), 2: (0.03, 0.04), 3: (0.9, math.nan), 4: (0.03, 0.04)}
    parts = []
    for seed in (0, 1):
        records = []
        for trial, values in validation.items():
            scores = {"validation_ic": values[seed], "test_ic": 0.01 * trial, "truth_ic": 0.1 * trial + 0.3 * seed}
            scores["setting penalty"] = 0.1 * trial
            records += [(TRIAL.name(learner="ridge", trial=trial), name, value) for name, value in scores.items()]
        parts.append(tidy(records, "learner_tuning", seed))
    return pd.concat(parts)


def test_the_best_trial_has_the_highest_mean_validation_ic_whatever_the_test_days_say():
    found = Tuning.of(made_up())
    assert found.ranked("ridge") == [2, 4, 1, 0, 3], "of equals the first, undefined ones last"
    assert found.best("ridge") == 2 and found.settings("ridge", 2) == {"penalty": 0.2}
    assert found.gains("ridge", "truth_ic") == pytest.approx([0.2, 0.2])
    table = gains_table(made_up()).loc[("ridge", "truth IC")]
    assert table["best"] == pytest.approx(0.35) and table["gain"] == pytest.approx(0.2)


# ------------------------------------------------------------------------ the sentences


def searched(**gains: tuple[float, float]) -> pd.DataFrame:
    """Two markets, two trials a learner: a truth IC of .2 with default settings, and what the best trial adds."""
    parts = []
    for seed in (0, 1):
        records = []
        for place, (learner, gain) in enumerate(gains.items()):
            default = 0.2 - 0.05 * place
            for trial, value in ((0, default), (1, default + gain[seed])):
                records += [(TRIAL.name(learner=learner, trial=trial), "validation_ic", 0.01 * trial)]
                records += [(TRIAL.name(learner=learner, trial=trial), "truth_ic", value)]
        parts.append(tidy(records, "learner_tuning", seed))
    return pd.concat(parts)


def test_findings_hold_on_the_recorded_rows():
    record = recorded("learner_tuning")
    assert record and not [item.text for item in findings(record.frame) if not item.holds]


@pytest.mark.parametrize(
    ("gain", "words"),
    [((0.05, 0.06), "raises the truth IC of LightGBM on test days from 0.150 with default settings to 0.205"),
     ((0.001, -0.001), "For LightGBM the search hardly matters"),
     ((0.05, -0.04), "does not pay in every market"),
     ((-0.05, -0.05), "does not pay in every market")],
)  # fmt: skip
def test_findings_follow_the_gains_of_every_market(gain, words):
    trees, ridge, order = findings(searched(ridge=(0.0, 0.0), lightgbm=gain))
    assert trees.holds and words in trees.text
    assert "For ridge the search hardly matters" in ridge.text
    if sum(gain):
        words = "Equal care brings the learners together" if sum(gain) > 0 else "The search does not bring"
        assert order.holds and order.text.startswith(words)


# ------------------------------------------------------------------------- the settings


@pytest.mark.parametrize("learner", CONSTANTS)
def test_a_learner_by_name_has_its_settings_and_an_option_comes_before_them(learner):
    given = LEARNERS[learner]
    assert given.keywords == CONSTANTS[learner]
    name = next(iter(CONSTANTS[learner]))
    assert partial(given, **{name: "other"}).keywords == {**CONSTANTS[learner], name: "other"}
    assert LEARNERS["ridge"].keywords == {"penalties": RIDGE_PENALTIES}


def test_the_settings_of_a_walk_are_the_best_recorded_trials():
    """Red after a recording that finds other settings: set them in lib/models/learners.py, as the message says."""
    record = recorded("learner_tuning")
    if not record:
        pytest.skip("nothing is recorded yet")
    found = Tuning.of(record.frame)
    best = {learner: found.settings(learner, found.best(learner)) for learner in found.learners}
    penalty = best["ridge"]["penalty"]
    assert pytest.approx([penalty / 10, penalty, 10 * penalty]) == RIDGE_PENALTIES, best
    for learner, constants in CONSTANTS.items():
        assert constants == pytest.approx(best[learner]), best


def test_setting_them_does_not_make_the_search_stale():
    """Its rows do not read what they decide."""
    reached = STUDY.code().definitions()
    assert any(name.startswith("models.fits.") for name in reached)
    assert not any(name.startswith("models.learners.") for name in reached)
