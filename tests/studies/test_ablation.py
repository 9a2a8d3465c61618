"""The papers' ablation on a market with a known alpha: rows, books, sentences, answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from ladder_rows import made_up
from page_parts import parts, shown_of

from lib import run_study
from lib.evaluation.ladder import CHANGE, COMPONENTS, FITS, FULL, MASK, UNSHRUNK
from lib.evaluation.lagged_optimiser import SENSES
from lib.paper.claims import load_ledger
from lib.studies import recorded
from lib.studies.ablation import STUDY, measure, page

torch.set_num_threads(1)
FEW = [FULL, "no mask"]


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    cache = tmp_path_factory.mktemp("cache")
    return run_study("ablation", scale="smoke", cache=cache, jobs=1, fits=FEW, n_stocks=50).frame


@pytest.fixture(scope="module")
def value(frame: pd.DataFrame) -> Any:
    found = frame.set_index(["variant", "metric"])["value"]
    return lambda variant, metric: float(found[variant, metric])


def rows(given: dict[str, tuple[float, float]], markets: int = 6) -> pd.DataFrame:
    return made_up("ablation", "appraisal", given, (*SENSES, measure.NAIVE), markets)


def test_the_plan_has_enough_markets_of_everything() -> None:
    plan = STUDY.rows(STUDY.settings("paper"))
    assert len(plan) == 40 * (len(FITS) - 3) + 3 * 10
    assert {row["seed"] for row in plan if row["network"] == "factor_transformer"} == set(range(10))


def test_books_and_differences_are_of_one_market(value: Any) -> None:
    assert value(FULL, "truth_ic") == value(UNSHRUNK, "truth_ic") and value("no mask", "coverage") == 1
    assert value(FULL, "coverage") < 0.95
    for right in ("no mask", UNSHRUNK):
        name = CHANGE.name(left=FULL, right=right)
        for metric in ("literal.0bps.appraisal", "standardised.8bps.sharpe", "naive.8bps.sharpe", "literal.turnover"):
            assert value(name, metric) == pytest.approx(value(FULL, metric) - value(right, metric))
        gross, net, saved = (value(name, f"literal.{x}") for x in ("0bps.appraisal", "8bps.appraisal",
                                                                   "8bps.saved_appraisal"))  # fmt: skip
        assert net == pytest.approx(gross + saved)
    for system in (FULL, "no mask"):
        levels = [value(system, f"literal.{bps}bps.sharpe") for bps in (0, 5, 8)]
        assert levels == sorted(levels, reverse=True), "costs only cost"
        assert value(system, "naive.8bps.sharpe") != value(system, "literal.8bps.sharpe")


def test_synthetic_samples_and_masks_read_the_fit_days_alone() -> None:
    settings = STUDY.settings("smoke", 1, {"n_stocks": 40, "n_days": 520, "first_test_year": 2011})
    here = measure.stage({"seed": 0}, STUDY.row_settings(settings))
    made, real = here.synthetic("full"), here.real("full")
    assert made.shape[0] == here.split.fit_stop - here.split.fit_start
    everything = here.real("none")
    assert len(real.day) < len(everything.day) and np.isfinite(everything.label).sum() > np.isfinite(real.label).sum()
    limits = here.panel.observed & ~here.panel.price_valid
    assert limits[everything.day, everything.stock].any() and not limits[real.day, real.stock].any()


#: contribution before costs and turnover added, by component -> place of the sentence, words of it
OUTCOMES = (
    ({MASK: (1.0, 0.0)}, 0, "It is the largest here too"),
    ({MASK: (0.2, 0.0), "augmentation": (1.0, 0.0)}, 0, "augmentation contributes more"),
    ({MASK: (1.0, 0.0)}, 2, "makes predictions better"), ({MASK: (-1.0, 0.0)}, 2, "makes predictions worse"),
    ({}, 2, "does not measurably change the correlation"),
    ({"AdjMSE": (1.0, 0.0)}, 4, "is ahead of MSE"), ({"augmentation": (-1.0, 0.0)}, 5, "puts the system behind"),
    ({"shrinkage": (-1.0, 0.0)}, 6, "is behind the sample"), ({"Transformer": (1.0, 0.0)}, 7, "ahead of the MLP"),
    ({MASK: (1.0, 0.0)}, 9, "the mask gains"), ({MASK: (-1.0, 0.0)}, 9, "the mask loses"),
)  # fmt: skip


@pytest.mark.parametrize(("given", "place", "words"), OUTCOMES)
def test_every_outcome_has_its_sentence(given: dict[str, tuple[float, float]], place: int, words: str) -> None:
    said = page.findings(rows(given))
    assert len(said) == 11 and said[place].holds and words in said[place].text, said[place].text
    assert all(item.holds for item in said)


def test_claims_are_answered_on_the_papers_own_back_test() -> None:
    found = {item.claim_id: item for item in page.answer_claims(rows({MASK: (1.0, 0.0)}))}
    assert set(found) == set(page.CLAIM_IDS) <= {claim.id for claim in load_ledger()} and len(found) == 24
    assert {item.setting for item in found.values()} == {"different"}, "the papers' own setting counts before this one"
    assert found["B.ablation.no_mask.delta_sharpe"].estimate == pytest.approx(-1, abs=0.1)


def test_the_parts_of_the_page(frame: pd.DataFrame) -> None:
    for each in (rows({MASK: (1.0, 0.1)}), frame):
        made = parts(page, shown_of("ablation", each), "head", "contributions", "components", "systems")
        assert made["systems"].count('type="radio"') == 3
    assert len(page.summary(rows({}))) == len(FITS) + 1 and len(COMPONENTS) == 5


def test_findings_hold_on_the_recorded_rows() -> None:
    record = recorded("ablation")
    if not record or record.stale:
        pytest.skip("nothing recorded by today's code")
    assert not [item.text for item in page.findings(record.frame) if not item.holds]
