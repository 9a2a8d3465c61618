"""The page of the search: chosen trials, what they are worth elsewhere, sentences, and a small run."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from results import tidy
from shown_pages import said, shown_page

from lib import run_study
from lib.studies import recorded
from lib.studies.search import page
from lib.studies.search.measure import FIRST_MARKET, IC, ROUNDS, SEARCHES, TRIAL
from lib.studies.search.page import Searches, findings, front_table, optima_table, summary


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lib.evaluation.simulated.CORE", ("alpha_001", "better_001", "old_029", "add_022"))
        small = {"n_stocks": 40, "n_days": 560, "first_test_year": 2011, "trials": 9, "most_rounds": 12}
        return run_study("search", seeds=1, cache=tmp_path_factory.mktemp("cache"), jobs=1, **small).frame


def test_every_search_has_its_trials_and_the_page_shows_them(frame):
    found = Searches.of(frame)
    assert {name: found.values[name][IC].shape for name in SEARCHES} == {name: (1, 8 if name == "grid" else 9)
                                                                         for name in SEARCHES}  # fmt: skip
    best = found.best("random")[0]
    assert found.values["random"][IC][0].max() == found.values["random"][IC][0, best]
    assert len(summary(frame)) == 5 and summary(frame)["effective_trials"].between(1, 9).all()
    assert len(optima_table(frame)) == 5 and FIRST_MARKET == 1500
    shown = shown_page("search", frame)
    for part in (page.head, page.progress, page.searches, page.optima, page.front):
        assert part(shown).data


def made_up(gains: dict[str, float], truth: dict[str, float], moved: bool, markets: int = 6) -> pd.DataFrame:
    """Two trials of each search on each market, the second better; moved: on every other market the first is."""
    parts = []
    for seed in range(markets):
        records = []
        for name in ("grid", "random", "gp ic", "gp sharpe", "gp front"):
            for trial in (0, 1):
                good = trial == (seed % 2 if moved else 1)
                value = 0.03 + 0.001 * seed / 7 + 0.01 * good + gains.get(name, 0.0) * (1 + 0.01 * seed)
                numbers = {IC: value, "truth_ic": 0.1 + 0.02 * good + truth.get(name, 0.0) * (1 + 0.01 * seed),
                           "validation_sharpe": 1.0 + good + 0.01 * seed, "test_sharpe": 0.4 + 0.02 * seed,
                           "test_ic": 0.01, ROUNDS: 10.0 * (trial + 1), "setting rate": 0.1 * (trial + 1)}  # fmt: skip
                variant = TRIAL.name(search=name, trial=trial)
                records += [(variant, metric, number) for metric, number in numbers.items()]
            records += [(name, "effective_trials", 1.2), (name, "deflated_sharpe", 0.8), (name, "trials", 2.0)]
        parts.append(tidy(records, "search", seed))
    return pd.concat(parts)


@pytest.mark.parametrize(("gain", "first", "second"), [
    (0.01, "finds a higher validation IC than both:", "predict better than both"),
    (-0.01, "finds a lower validation IC than both:", "predict worse than both"),
    (0.0, "is not shown to find a higher", "are not shown to predict better"),
])  # fmt: skip
def test_findings_follow_the_side_of_the_interval(gain, first, second):
    found = findings(made_up({"gp ic": gain}, {"gp ic": gain}, moved=False))
    assert said(found, first).holds and said(found, second).holds


def test_stability_is_what_another_markets_optimum_loses():
    steady, moving = (made_up({}, {}, moved) for moved in (False, True))
    assert said(findings(steady), "carries over from market to market").text.startswith("The optimum carries over")
    assert Searches.of(steady).carried().value == pytest.approx(0) and Searches.of(steady).agreement() > 0.99
    found = Searches.of(moving)
    assert found.carried().value == pytest.approx(0.02 * 3 / 5), "three of the five others choose the other trial"
    assert said(findings(moving), "does not carry over").holds and found.agreement() < 0


def test_luck_and_the_front():
    frame = made_up({}, {}, moved=False)
    text = said(findings(frame), "was searched for is too high").text
    assert "2.02 on validation days and 0.45 on test days" in text and "2 trials are worth 1.2" in text
    front = front_table(frame)
    assert front["trees"].tolist() == [10.0, 15.0, 20.0] and front[IC].tolist()[-1] > front[IC].tolist()[0]
    one = findings(made_up({}, {}, moved=False, markets=1))
    assert math.isnan(Searches.of(made_up({}, {}, False, 1)).agreement()) and not one[2].complete


def test_findings_hold_on_the_recorded_rows():
    record = recorded("search")
    if not record:
        pytest.skip("nothing is recorded yet")
    assert not [item.text for item in findings(record.frame) if not item.holds]
    assert np.isfinite(Searches.of(record.frame).agreement())
