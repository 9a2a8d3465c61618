"""The papers' ablation in their own setting: rows, differences, sentences, answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from ladder_rows import made_up
from page_parts import parts, shown_of
from results import tidy

from lib import run_study
from lib.evaluation.ladder import CHANGE, COMPONENTS, FITS, FULL, MASK, OTHERS, OVER, UNSHRUNK
from lib.evaluation.lagged_optimiser import OptimiserDesk
from lib.market import paper_gbm
from lib.paper.claims import Answer, load_ledger, scoreboard
from lib.stats.over_seeds import ENOUGH_SEEDS
from lib.studies import recorded
from lib.studies.own_setting_ladder import STUDY, measure, page
from lib.studies.own_setting_mask.scores import papers_split

torch.set_num_threads(1)
NAME = "own_setting_ladder"
FEW = [FULL, "no AdjMSE", "no mask"]


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    cache = tmp_path_factory.mktemp("cache")
    return run_study(NAME, scale="smoke", cache=cache, jobs=1, fits=FEW, n_stocks=45, n_days=330).frame


@pytest.fixture(scope="module")
def value(frame: pd.DataFrame) -> Any:
    found = frame.set_index(["variant", "metric"])["value"]
    return lambda variant, metric: float(found[variant, metric])


def rows(given: dict[str, tuple[float, float]], markets: int = 6) -> pd.DataFrame:
    market = [(measure.EQUAL, metric, 0.9) for metric in ("literal.8bps.sharpe", "standardised.8bps.sharpe")]
    every = [tidy(market, NAME, seed) for seed in range(markets)]
    return pd.concat([made_up(NAME, "sharpe", given, markets=markets), *every])


def test_the_plan_has_enough_markets_of_everything() -> None:
    plan = STUDY.rows(STUDY.settings("paper"))
    assert len(plan) == 20 * (1 + len(FITS) - 3) + 3 * 5 and ENOUGH_SEEDS <= 5
    few = [row for row in plan if row.get("rows")]
    assert {row["variant"] for row in few} == set(COMPONENTS["Transformer"])
    assert {row["rows"] for row in few} == {20_000}
    assert {row["mask"] for row in plan if row["variant"] != "no mask"} == {"full"}


def test_a_row_reaches_the_settings_of_its_own_loss_alone() -> None:
    settings = STUDY.settings("paper")
    plan, own, code = STUDY.rows(settings), STUDY.row_settings(settings), STUDY.code()
    for name, trial in ((FULL, "adj_mse 0.1, raw labels"), ("no AdjMSE", "mse, raw labels")):
        row = next(row for row in plan if row["variant"] == name)
        assert set(code.entries([row], own)["chosen_trials"]) - {"no variant"} == {trial}


def test_one_fit_fills_two_books_and_differences_are_of_one_market(value: Any) -> None:
    assert value(FULL, "m1_ic") == value(UNSHRUNK, "m1_ic")
    assert value(FULL, "literal.turnover") != value(UNSHRUNK, "literal.turnover")
    for right in ("no AdjMSE", "no mask", UNSHRUNK):
        name = CHANGE.name(left=FULL, right=right)
        for metric in ("literal.0bps.sharpe", "standardised.8bps.sharpe", "literal.turnover", "spread"):
            assert value(name, metric) == pytest.approx(value(FULL, metric) - value(right, metric))
        gross, net, saved = (value(name, f"literal.{x}") for x in ("0bps.sharpe", "8bps.sharpe", "8bps.saved_sharpe"))
        assert net == pytest.approx(gross + saved)
    over = OVER.name(component="AdjMSE")
    expected = value("no AdjMSE", "literal.8bps.sharpe") - value("no mask", "literal.8bps.sharpe")
    assert value(over, "literal.8bps.sharpe") == pytest.approx(expected)


def test_the_mask_decides_what_is_predicted_and_the_covariance_trades_at_its_turnover(value: Any) -> None:
    assert 0.2 < value(FULL, "coverage") < 0.8 and value("no mask", "coverage") == 1
    assert value(measure.EQUAL, "literal.turnover") == 0
    for right in ("no AdjMSE", UNSHRUNK):
        ratio = value(CHANGE.name(left=FULL, right=right), "literal.matched.validation_ratio")
        assert ratio > 0


def test_at_equal_turnover_nothing_differs_between_equal_sides() -> None:
    panel = paper_gbm(45, 240, seed=1).panel
    desk = OptimiserDesk.of(panel, panel, papers_split(240, 40, 60))
    prediction = np.random.default_rng(0).normal(0, 1e-3, panel.shape)
    sides = []
    for scale in (1, 3):
        side = measure._Side(desk, scale * prediction)
        sides.append((side, measure.numbers_of({"literal": side.book(0.0)})))
    found = measure.at_equal_turnover(sides[0], sides[0])
    assert found["literal.matched.8bps.sharpe"] == 0 and found["literal.matched.validation_ratio"] == 1
    found = measure.at_equal_turnover(sides[1], sides[0])
    assert found["literal.matched.validation_ratio"] == pytest.approx(1, abs=0.05)
    assert found["literal.matched.turnover_ratio"] == pytest.approx(1, abs=0.2)


#: contribution before costs and turnover added, by component -> place of the sentence, words of it
OUTCOMES = (
    ({MASK: (1.0, 0.0)}, 0, "It is the largest here too"),
    ({MASK: (0.2, 0.0), "AdjMSE": (1.0, 0.0)}, 0, "On these markets AdjMSE contributes more"),
    ({}, 0, "Whether it is the largest is not decided"),
    ({"AdjMSE": (1.0, 0.0)}, 1, "From the largest contribution after costs to the smallest: AdjMSE +1.00"),
    ({}, 1, "No component is shown to contribute before costs"),
    ({"AdjMSE": (1.0, 0.0)}, 2, "is ahead of MSE"), ({"AdjMSE": (-1.0, 0.0)}, 2, "is behind MSE"),
    ({}, 2, "neither ahead of MSE nor behind"),
    ({MASK: (0.0, -0.2)}, 3, "The mask lowers turnover"), ({MASK: (0.0, 0.2)}, 3, "The mask raises turnover"),
    ({}, 4, "above the range of one market"),
    ({"shrinkage": (1.0, 0.0)}, 5, "is ahead of the sample"), ({"shrinkage": (-1.0, 0.0)}, 5, "is behind the sample"),
    ({"Transformer": (1.0, 0.0)}, 6, "ahead of the MLP"), ({"Transformer": (-1.0, 0.0)}, 6, "behind the MLP"),
    ({MASK: (1.0, 0.0)}, 7, "the same sign"), ({}, 7, "not both are shown to differ from zero"), ({}, 8, "enough"),
)  # fmt: skip


@pytest.mark.parametrize(("given", "place", "words"), OUTCOMES)
def test_every_outcome_has_its_sentence(given: dict[str, tuple[float, float]], place: int, words: str) -> None:
    said = page.findings(rows(given))
    assert len(said) == 9 and said[place].holds and words in said[place].text, said[place].text


def test_the_loss_of_a_component_is_the_papers_difference() -> None:
    found = {item.claim_id: item for item in page.answer_claims(rows({"AdjMSE": (0.5, 0.0), MASK: (1.0, 0.0)}))}
    assert set(found) == set(page.CLAIM_IDS) <= {claim.id for claim in load_ledger()} and len(found) == 27
    assert {item.setting for item in found.values()} == {"reduced"}
    loss = found["B.ablation.no_adjmse.delta_sharpe"]
    assert loss.estimate == pytest.approx(-0.5, abs=0.05) and loss.low < loss.estimate < loss.high < 0
    assert loss.mean_low < loss.estimate < loss.mean_high
    order = found["B.mask.largest"]
    assert order.markets == 6 and len(order.parts) == len(OTHERS) and all(low > 0 for _, low, _ in order.parts)
    assert found["B.ablation.no_mask.max_drawdown"].estimate == pytest.approx(10)
    rival = Answer("B.mask.largest", parts=[(-1.0, -2.0, -0.5)], page="ablation")
    board = scoreboard([*found.values(), rival]).set_index("id")
    assert board.loc["B.mask.largest", ["setting", "page"]].tolist() == ["reduced", NAME]


def test_few_markets_answer_no_order() -> None:
    found = {item.claim_id for item in page.answer_claims(rows({}, markets=3))}
    assert "B.mask.largest" not in found and "B.ablation.full.sharpe" in found


def test_the_parts_of_the_page(frame: pd.DataFrame) -> None:
    made = parts(page, shown_of(NAME, rows({MASK: (1.0, 0.1)})), "head", "contributions", "components", "systems")
    assert made["systems"].count('type="radio"') == 2 and "all names, never traded" in made["systems"]
    small = parts(page, shown_of(NAME, frame), "head", "contributions", "components", "systems")
    assert "Transformer" not in small["components"].partition("base64")[0]
    assert len(page.summary(rows({}))) == 9


def test_findings_hold_on_the_recorded_rows() -> None:
    record = recorded(NAME)
    if not record or record.stale:
        pytest.skip("nothing recorded by today's code")
    assert not [item.text for item in page.findings(record.frame) if not item.holds]
