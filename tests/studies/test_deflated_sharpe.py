"""The ledger of trials, what its deflation must satisfy, and what the page says of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from results import tidy

from lib import run_study
from lib.stats import dsr, effective_trials, expected_maximum, moments, psr
from lib.studies.deflated_sharpe import measure, page
from lib.studies.deflated_sharpe.measure import BASES, CHOSEN, RULES, WORLDS, chosen

SESSIONS = 243


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    cache = tmp_path_factory.mktemp("cache")
    return run_study("deflated_sharpe", scale="smoke", seeds=1, n_stocks=50, n_days=600, cache=cache, jobs=1).frame


def trials(seed: int, shared: float = 0.0, merit: float = 0.0, count: int = 20, days: int = 400) -> np.ndarray:
    rng = np.random.default_rng(seed)
    common, own = rng.normal(size=(days, 1)), rng.normal(size=(days, count))
    return 0.01 * (shared**0.5 * common + (1 - shared) ** 0.5 * own + merit)


def test_the_best_is_chosen_before_and_held_against_later_days():
    before, after = trials(0), trials(1)
    found = chosen(before, after)
    ratios = before.mean(axis=0) / before.std(axis=0, ddof=1)
    best = ratios.argmax()
    assert found["best"] == pytest.approx(ratios[best] * SESSIONS**0.5)
    later = after[:, best].mean() / after[:, best].std(ddof=1) * SESSIONS**0.5
    assert found["later"] == pytest.approx(later) and found["lost"] == pytest.approx(found["best"] - later)
    changed = after.copy()
    changed[:, best] += 1.0 + np.arange(400)
    again = chosen(before, changed)
    assert {k: v for k, v in again.items() if k not in ("later", "lost", "later_mean")} == {
        k: v for k, v in found.items() if k not in ("later", "lost", "later_mean")
    }


def test_the_first_half_of_the_days_chooses_and_the_second_is_later(monkeypatch):
    before, after = trials(0), trials(1)
    monkeypatch.setattr(measure, "market", lambda *args, **config: None)
    monkeypatch.setattr(measure, "ledger", lambda *args: {"gross": np.vstack([before, after])})
    settings = {"n_stocks": 0, "n_days": 0, "limit_rates": "real", "first_test_year": 0}
    found = {r["metric"]: r["value"] for r in measure.compute({"variant": "null", "seed": 0}, settings).records}
    assert found == chosen(before, after)


def test_each_rule_is_its_formula():
    before = trials(2, shared=0.5)
    found, own = chosen(before, before), moments(before[:, int((before.mean(0) / before.std(0)).argmax())])
    ratios = before.mean(axis=0) / before.std(axis=0, ddof=1)
    effective = effective_trials(before)
    assert found["psr"] == pytest.approx(psr(*own)) and found["trials"] == 20
    for rule, n, v in (("all", 20, ratios.var(ddof=1)), ("effective", effective, ratios.var(ddof=1)),
                       ("sampling", effective, 1 / 399)):  # fmt: skip
        assert found[f"dsr.{rule}"] == pytest.approx(dsr(*own, n_trials=n, trial_variance=v))
        assert found[f"threshold.{rule}"] == pytest.approx(expected_maximum(n, v) * SESSIONS**0.5)
        assert found[f"pass.{rule}"] == float(found[f"dsr.{rule}"] >= 0.95)
    assert found["dsr.all"] < found["dsr.effective"] < found["psr"]


def test_deflating_keeps_its_level_without_merit_and_finds_merit():
    passed = dict.fromkeys(("psr", *RULES), 0.0)
    power = 0.0
    for seed in range(150):
        found = chosen(trials(seed), trials(1000 + seed))
        for rule in passed:
            passed[rule] += found[f"pass.{rule}"] / 150
        power += chosen(trials(seed, merit=0.2), trials(0))["pass.all"] / 150
    assert passed["psr"] > 0.4 and all(passed[rule] < 0.10 for rule in RULES) and power > 0.9


def test_what_trials_share_is_in_no_variance_over_trials():
    gaps = [chosen(trials(seed, shared=0.8), trials(0)) for seed in range(150)]
    assert np.mean([found["threshold.all"] for found in gaps]) < np.mean([f["threshold.sampling"] for f in gaps])


def test_the_ledger_has_36_trials_for_each_basis(frame):
    found = frame.set_index(["variant", "metric"])["value"]
    for basis in BASES:
        name = CHOSEN.name(world="null", basis=basis)
        assert found[name, "trials"] == 36 and 1 < found[name, "effective"] < 36
    gross, net = (CHOSEN.name(world="null", basis=basis) for basis in ("gross", "net"))
    assert found[gross, "mean"] > found[net, "mean"]


def made_up(passes: dict[str, float], gap: float = 0.3, later: float = 1.0, markets: int = 20) -> pd.DataFrame:
    parts = []
    for seed in range(markets):
        wobble = 0.01 * (seed - markets / 2)
        records = []
        for world in WORLDS:
            for basis in BASES:
                name = CHOSEN.name(world=world, basis=basis)
                level = {"best": 1.5 + gap + wobble, "threshold.effective": 1.5, "later": later + wobble,
                         "lost": 0.5 + wobble,
                         "effective": 20.0, "correlation": 0.4, "psr": 0.9, "dsr.effective": 0.5}  # fmt: skip
                records += [(name, metric, value) for metric, value in level.items()]
                for rule in ("psr", *RULES):
                    records.append((name, f"pass.{rule}", float(seed < passes[rule] * markets)))
        parts.append(tidy(records, "deflated_sharpe", seed))
    return pd.concat(parts)


def said(frame: pd.DataFrame) -> str:
    return " ".join(item.text for item in page.findings(frame))


def test_sentences_follow_the_numbers():
    one = said(made_up({"psr": 0.6, "all": 0.0, "effective": 0.05, "sampling": 0.3}))
    assert "that ignores the search." in one and "no more than the 5 %" in one
    assert "below the best Sharpe ratio that luck gave" in one
    assert "as if it were luck" in one and "less on the days that follow" in one and "Not in this run" not in one
    two = said(made_up({"psr": 0.1, "all": 0.5, "effective": 0.5, "sampling": 0.5}, gap=-0.3, later=-1.0))
    assert "is not shown" in two and "more than the 5 %" in two and "safe side" in two
    assert "not shown that the chosen trial earns" in two


def test_the_papers_ratio_survives_few_trials():
    assert page.highest_trials(1.63, 0.4) > page.highest_trials(1.63, 0.58) >= 1
    assert page.highest_trials(0.5, 0.58) == 0 and page.highest_trials(4.0, 0.2) == page.MOST
    n = page.highest_trials(1.63, 0.58)
    ratio = 1.63 / 252**0.5
    assert dsr(ratio, 756, n_trials=n, trial_variance=0.58**2 / 252) >= 0.95
    assert dsr(ratio, 756, n_trials=n + 1, trial_variance=0.58**2 / 252) < 0.95


def test_the_parts_of_the_page_are_made(frame):
    shown: Any = SimpleNamespace(rows=frame, note="a note", count=1)
    for part in (page.passes, page.before_and_after, page.levels, page.paper_curves):
        assert "<" in part(shown).data
    answers = page.answer_claims(made_up({"psr": 0.6, "all": 0.0, "effective": 0.05, "sampling": 0.3}))
    assert [item.claim_id for item in answers] == list(page.CLAIM_IDS)
