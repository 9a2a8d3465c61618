"""The search for the networks' settings: draws, samples and markets of a fit, what the page says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from results import tidy

from lib.evaluation.one_fit import few_samples, predict_span
from lib.evaluation.tuning import Tuning
from lib.models.architectures import NETWORKS, SETTINGS
from lib.models.dataset import Dataset
from lib.models.splits import Split
from lib.paper.pages.result import PageResult
from lib.studies import recorded, run_study
from lib.studies.network_tuning import STUDY, measure, page
from lib.studies.network_tuning.page import findings, gains_table, settings_table
from lib.studies.network_tuning.trials import DEFAULTS, RANGES, trial_settings

TINY = {
    "n_stocks": 40,
    "n_days": 560,
    "first_test_year": 2011,
    "trials": 2,
    "rows": 200,
    "epochs": 1,
    "seeds": 1,
    "networks": ["gru", "residual"],
}


def test_every_network_has_the_same_search():
    assert set(RANGES) == set(NETWORKS)
    assert len({tuple(spans.items()) for spans in RANGES.values()}) == 1, "one range for all"
    rows = list(STUDY.grid({"seeds": [0, 1], "networks": list(RANGES), "trials": 8}))
    assert [sum(row["network"] == name for row in rows) for name in RANGES] == [16] * len(RANGES)


@pytest.mark.parametrize("network", RANGES)
def test_trials_are_fixed_differ_and_lie_in_their_ranges(network):
    trials = [trial_settings(network, k) for k in range(8)]
    assert trials == [trial_settings(network, k) for k in range(8)] and trials[0] == DEFAULTS[network]
    assert len({tuple(t.values()) for t in trials}) == 8
    for name, span in RANGES[network].items():
        assert all(span.low <= t[name] <= span.high for t in trials[1:])


# ----------------------------------------------------------------------------------------- samples of a fit


SPLIT = Split(0, 24, 26, 40, 42, 60)


def sample(days: int = 60, stocks: int = 10) -> Dataset:
    day, stock = (x.ravel() for x in np.meshgrid(np.arange(days), np.arange(stocks), indexing="ij"))
    values = np.random.default_rng(0).standard_normal((days * stocks, 3)).astype(np.float32)
    return Dataset(values, day + 0.01 * stock, day, stock, (days, stocks))


def test_few_samples_are_whole_days_of_both_spans_and_nothing_later_decides_which():
    data, split = sample(), SPLIT
    few = few_samples(data, split, 100, seed=0)
    for start, stop in ((split.fit_start, split.fit_stop), (split.validation_start, split.validation_stop)):
        known = np.isfinite(few.label[few.rows(start, stop)]).reshape(-1, 10)
        assert (known.all(axis=1) | ~known.any(axis=1)).all() and known.sum() == min(100, 10 * (stop - start))
    later = data.label.copy()
    later[data.day >= split.validation_stop] = np.nan
    again = few_samples(replace(data, label=later), split, 100, seed=0)
    before = data.day < split.validation_stop
    np.testing.assert_array_equal(few.label[before], again.label[before])
    assert not np.array_equal(few.label, few_samples(data, split, 100, seed=1).label, equal_nan=True)


def test_test_days_are_predicted_once_each_or_every_fourth():
    data, split = sample(), SPLIT
    found = predict_span(data, split, lambda rows: rows[:, 0])
    assert np.isnan(found[: split.test_start]).all() and np.isfinite(found[split.test_start :]).all()
    np.testing.assert_array_equal(found[50, 3], data.features[503, 0])
    quarter = np.isfinite(predict_span(data, split, lambda rows: rows[:, 0], every=4)).any(axis=1)
    assert np.flatnonzero(quarter).tolist() == [44, 48, 52, 56]


# ------------------------------------------------------------------------------------------------- the run


def test_only_markets_of_its_own_are_drawn_and_every_trial_has_its_scores(tmp_path, monkeypatch):
    made, drawn = measure.market, []

    def spy(n_stocks, n_days, seed, limit_rates, **planted):
        drawn.append(seed)
        return made(n_stocks, n_days, seed, limit_rates, **planted)

    monkeypatch.setattr(measure, "market", spy)
    result = run_study("network_tuning", cache=tmp_path, jobs=1, **TINY)
    found = Tuning.of(result.frame)
    assert set(drawn) == {1000} and found.learners == TINY["networks"]
    for name in TINY["networks"]:
        assert found.settings(name, 1) == trial_settings(name, 1)
        assert all(math.isfinite(found.value(name, 1, m)) for m in ("validation_ic", "test_ic", "truth_ic"))
    assert len(gains_table(result.frame)) == 6 and len(settings_table(result.frame)) == 8
    shown = PageResult.of(result, None)
    for draw in (page.head, page.before_and_after, page.gains, page.chosen, page.trials):
        assert draw(shown).data


# ------------------------------------------------------------------------ the sentences


def searched(gain: float, best: str = "gru") -> pd.DataFrame:
    """Two markets, two trials a network: a truth IC of .1 (`best`: .15) with trial 0, and what trial 1 adds."""
    parts = []
    for seed in (0, 1):
        records = []
        for name in RANGES:
            default = 0.15 if name == best else 0.1
            for trial, value in ((0, default), (1, default + gain)):
                records += [(f"{name} trial {trial}", "validation_ic", 0.01 * trial)]
                records += [(f"{name} trial {trial}", "truth_ic", value)]
        parts.append(tidy(records, "network_tuning", seed))
    return pd.concat(parts)


def test_findings_follow_the_numbers():
    helped, order, spread = findings(searched(0.1))
    assert "raises the truth IC on test days of 6 of 6 networks by more than 5 % and lowers that of 0" in helped.text
    assert "the GRU predicts best, with a truth IC of 0.250" in order.text
    assert "by at most half of its best value" in spread.text
    helped, order, spread = findings(searched(-0.08, best="factor_transformer"))
    assert "That the search pays is not shown" in helped.text and "lowers that of 6" in helped.text
    assert "the Transformer over factors predicts best" in order.text and "by more than half" in spread.text
    assert all(item.holds for item in (helped, order, spread))


def test_findings_hold_on_the_recorded_rows():
    record = recorded("network_tuning")
    if not record or record.stale:
        pytest.skip("nothing recorded by today's code")
    assert not [item.text for item in findings(record.frame) if not item.holds]


def test_the_settings_of_a_network_are_those_of_its_best_recorded_trial_or_the_defaults():
    """Red after a recording: set what it found in lib/models/architectures.py, as the message says."""
    assert set(SETTINGS) == set(NETWORKS)
    record, best = recorded("network_tuning"), {name: dict(settings) for name, settings in DEFAULTS.items()}
    if record:
        found = Tuning.of(record.frame)
        best = {name: found.settings(name, found.best(name)) for name in found.learners}
    for name, settings in best.items():
        assert SETTINGS[name] == pytest.approx(settings), best


def test_setting_what_was_found_does_not_make_the_search_stale():
    assert not any(name.endswith("architectures.SETTINGS") for name in STUDY.code().definitions())
