"""Learning in the papers' own setting: what is run, what it may read, its books, its sentences and its claims."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from page_parts import parts, shown_of
from results import scaled_markets, tidy

from lib import run_study
from lib.market import paper_gbm
from lib.models.dataset import next_return
from lib.panel import Panel
from lib.paper.claims import Answer, load_ledger, scoreboard
from lib.portfolio.lagged import OUTSIDE
from lib.stats.over_seeds import ENOUGH_SEEDS, OverSeeds
from lib.studies import recorded
from lib.studies.losses.variants import CHOSEN
from lib.studies.own_setting_learning import STUDY, measure, page, variants
from lib.studies.own_setting_learning.claims import CLAIM_IDS, LEVELS, ORDERS, answer_claims
from lib.studies.own_setting_learning.findings import CLAIMED, GROSS, NET, SAVED, TURNOVER, findings, in_words
from lib.studies.own_setting_learning.variants import ARMS, DIFFERENCE, EQUAL, EVERY_PAIR, LOSSES, MODELS, Arm, searched
from lib.studies.own_setting_mask.scores import Desk, papers_split

torch.set_num_threads(1)
NAN = np.nan
TINY = {"n_stocks": 45, "n_days": 330, "validation_days": 40, "test_days": 50, "k": 8}
SPLIT = papers_split(330, 40, 50)


@pytest.fixture(scope="module")
def panel():
    return paper_gbm(45, 330, seed=0).panel


@pytest.fixture(scope="module")
def frame(tmp_path_factory) -> pd.DataFrame:
    arms = ["9 factors", "58 factors", "system"]
    with pytest.MonkeyPatch.context() as patch:  # all 213 take seconds
        patch.setitem(ARMS, "system", Arm(count=58))
        patch.setitem(ARMS, "another seed", Arm(count=58, again=True))
        cache = tmp_path_factory.mktemp("cache")
        return run_study("own_setting_learning", scale="smoke", cache=cache, jobs=1, arms=[*arms, "another seed"],
                         **TINY).frame  # fmt: skip


# ------------------------------------------------------------------------------------------ what is run


def test_one_thing_at_a_time_differs_from_the_system():
    rows = STUDY.rows(STUDY.settings("paper"))
    first = [row for row in rows if row["seed"] == 0]
    assert {row["variant"] for row in first} == {EQUAL, *ARMS} and len(first) == len(ARMS) + 1
    slow = [row for row in rows if row["variant"] == "Transformer over days"]
    assert len(slow) == 5 >= ENOUGH_SEEDS and len({row["seed"] for row in rows}) == 20
    counts = [row["count"] for row in first]
    assert counts == sorted(counts), "rows on the same samples stand side by side"
    assert all(ARMS[name].chosen_trial in CHOSEN for name in ARMS)
    assert all(DIFFERENCE.parts(DIFFERENCE.name(left=a, right=b)) == {"left": a, "right": b} for a, b in EVERY_PAIR)
    assert {row["variant"] for row in first if "rounds" in row} == {"XGBoost", "LightGBM"}
    assert {row["network"] for row in first if row["variant"].startswith("MLP")} == {"mlp"}


def test_a_row_reaches_the_settings_of_its_own_loss_alone():
    settings = STUDY.settings("paper")
    rows, own, code = STUDY.rows(settings), STUDY.row_settings(settings), STUDY.code()
    named = {name: code.entries([next(row for row in rows if row["variant"] == name)], own)["chosen_trials"]
             for name in ("system", "IC", "ridge")}  # fmt: skip
    own = {name: set(found) - {"no variant"} for name, found in named.items()}
    assert own == {"system": {"adj_mse 0.1, raw labels"}, "IC": {"ic, centred labels"}, "ridge": set()}


# ------------------------------------------------------------------------------------- what it may read


def poisoned(panel: Panel, where: np.ndarray) -> Panel:
    """Anything in the cells of a panel that are given, and the same mask."""
    wrong = {"open": NAN, "high": 1e30, "low": -1e30, "vwap": np.inf, "volume": 1e30, "amount": NAN,
             "turnover": np.inf, "float_mkt_cap": 1e30}  # fmt: skip
    fields = {name: np.where(where, wrong[name], x) if name in wrong else x for name, x in panel.fields.items()}
    return Panel.from_arrays(panel.dates, panel.symbols, fields, panel.reasons, market="cn")


def test_masked_cells_may_hold_anything_and_labels_are_raw_returns(panel):
    ours, other = (measure._masked(each, 9) for each in (panel, poisoned(panel, ~panel.price_valid)))
    np.testing.assert_array_equal(ours.features, other.features)
    np.testing.assert_array_equal(ours.label, other.label)
    known = np.isfinite(ours.label)
    np.testing.assert_array_equal(ours.label[known], next_return(panel)[ours.day, ours.stock][known])
    assert known.any() and abs(pd.Series(ours.label[known]).groupby(ours.day[known]).mean()).max() > 1e-3


def test_synthetic_panels_read_the_days_of_the_fit_alone_and_validation_is_real(panel):
    later = np.zeros(panel.shape, dtype=bool)
    later[SPLIT.fit_stop :] = True
    data, arm, row = measure._masked(panel, 9), Arm(panels=2, real=1), {"seed": 3, "count": 9}
    ours, own = measure._extended(data, panel, SPLIT, arm, row)
    other, _ = measure._extended(data, poisoned(panel, later), SPLIT, arm, row)
    np.testing.assert_array_equal(ours.features, other.features)
    np.testing.assert_array_equal(ours.label, other.label)
    real = np.isfinite(data.label[data.rows(SPLIT.fit_start, SPLIT.fit_stop)]).sum()
    assert 2.5 * real < len(ours.label[ours.rows(own.fit_start, own.fit_stop)]) <= 3 * real
    held = data.rows(SPLIT.validation_start, SPLIT.validation_stop)
    labelled = np.isfinite(data.label[held])
    np.testing.assert_array_equal(ours.features[ours.rows(own.validation_start, own.validation_stop)],
                                  data.features[held][labelled])  # fmt: skip
    twice, _ = measure._extended(data, panel, SPLIT, Arm(real=2), row)
    assert (twice.label[:real] == twice.label[real : 2 * real]).all()


@pytest.mark.parametrize("arm", [Arm(count=9), Arm(count=9, panels=1), Arm("lightgbm", count=9)])
def test_what_happens_on_test_days_changes_no_earlier_prediction(panel, arm):
    data, row = measure._masked(panel, 9), {"seed": 0, "count": 9, "chosen_trial": "no variant"}
    row |= {"rounds": 3} if arm.baseline else {"epochs": 1, "network": "mlp"}
    changed = measure.replace(data, label=np.where(data.day >= SPLIT.test_start - 1, 7.0, data.label))
    ours, other = (measure._fitted(each, panel, SPLIT, arm, row)(data.features[-500:]) for each in (data, changed))
    np.testing.assert_array_equal(ours, other)
    assert np.isfinite(ours).all() and 0 < ours.std() < 0.01, "in units of returns"


# ------------------------------------------------------------------------------------------------ books


def test_predictions_less_their_mean_are_those_of_a_loop():
    prediction = np.random.default_rng(0).normal(3, 1, (6, 9))
    prediction[prediction < 2.2] = NAN
    prediction[4] = NAN
    found = measure.less_mean(prediction)
    for ours, day in zip(found, prediction, strict=True):
        known = [x for x in day if x == x]
        expected = [x - sum(known) / len(known) if x == x else NAN for x in day]
        np.testing.assert_allclose(ours, expected, atol=1e-12)


def test_the_level_of_predictions_decides_the_literal_book_alone(panel):
    desk, rng = Desk.of(panel, SPLIT, 8), np.random.default_rng(1)
    prediction = np.where(rng.random(panel.shape) < 0.5, rng.normal(size=panel.shape), NAN)
    low, high = (measure.books(desk, prediction + level) for level in (-9, 9))
    for policy in OUTSIDE:
        np.testing.assert_allclose(low[policy].gross, high[policy].gross, atol=1e-15)
    assert low["literal"].unpredicted.mean() == 1 and high["literal"].unpredicted.mean() == 0


def test_on_common_cells_a_smaller_mask_makes_no_difference(panel):
    desk, rng = Desk.of(panel, SPLIT, 8), np.random.default_rng(2)
    every = rng.normal(size=panel.shape)
    fewer = np.where(rng.random(panel.shape) < 0.6, every, NAN)
    found = measure._differences(panel, desk, every, fewer)
    assert found["common.turnover"] == found["common.8bps.sharpe"] == found["m1_ic"] == 0
    assert abs(found["zero.turnover"]) > 0.01 and found["weight apart"] > 0.05
    net, gross, saved = (found[f"zero.{name}"] for name in ("8bps.sharpe", "0bps.sharpe", "8bps.saved_sharpe"))
    assert net == pytest.approx(gross + saved)


def test_a_run_pairs_the_arms_of_a_market(frame):
    values = frame.set_index(["variant", "metric"])["value"]
    name = "system - 9 factors"
    for metric in (TURNOVER, GROSS, NET, "coverage", "persistence", "sign_accuracy"):
        expected = values["system", metric] - values["9 factors", metric]
        assert values[name, metric] == pytest.approx(expected), metric
    assert 0.3 < values["system", "coverage"] <= values["9 factors", "coverage"] < 0.6
    assert -1 < values["system", "persistence"] < 1 and values["another seed - system", "weight apart"] > 0
    assert values[f"system - {EQUAL}", TURNOVER] == values["system", TURNOVER], "equal weight never trades"


# ------------------------------------------------------------------------------ sentences, claims, page


def made_up(markets: int = 6, **means: float) -> pd.DataFrame:
    """Levels and differences of some markets; means: of the differences, by the names below; 0 if not given."""
    found = []
    names = {"turnover": TURNOVER, "gross": GROSS, "saved": SAVED, "net": NET, "common": "common.turnover",
             "signs": "sign_accuracy"}  # fmt: skip
    for seed in range(markets):
        move = 0.002 * (seed - (markets - 1) / 2)
        records = []
        for name in ARMS:
            level = {"m1_ic": means.get("ic", 0.0), "coverage": 0.5, "persistence": 0.5, GROSS: 0.4, NET: 0.1,
                     TURNOVER: means.get("wide", 0.3) if name == "LightGBM" else 0.3, "sign_accuracy": 0.5,
                     "sign_accuracy_centred": 0.5, "base_rate": 0.51}  # fmt: skip
            records += [(name, metric, value + move) for metric, value in level.items()]
        for left, right in (*EVERY_PAIR, ("system", EQUAL)):
            variant = DIFFERENCE.name(left=left, right=right)
            records += [(variant, metric, means.get(given, 0.0) + move) for given, metric in names.items()]
            records += [(variant, metric, move) for metric in ("m1_ic", "persistence", "zero.matched.8bps.sharpe")]
            records += [(variant, f"{policy}.8bps.sharpe", move) for policy in page.POLICIES if policy != "zero"]
        found.append(tidy(records, "own_setting_learning", seed))
    return pd.concat(found)


#: what is made up -> place among the findings, words of the sentence
OUTCOMES = (
    ({}, 0, "not shown that anything"), ({"ic": 0.05}, 0, "Something can be"), ({"ic": -0.05}, 0, "the wrong way"),
    ({"net": 0.3}, 1, "ahead of MSE: its annual Sharpe ratio after costs of 8 bps a side differs by +0.30"),
    ({"net": -0.3}, 1, "behind MSE"), ({}, 1, "neither ahead of MSE"),
    ({"net": 0.3}, 2, "are ahead of 9"), ({"net": -0.3}, 2, "are behind 9"), ({}, 2, "neither ahead of 9"),
    ({"net": 0.3}, 3, "beats a book of all names"), ({"net": -0.3}, 3, "beats the papers' system"),
    ({}, 3, "No difference is shown between the papers' system"),
    ({"net": 0.3}, 4, "puts the system ahead"), ({"net": -0.3}, 4, "puts the system behind"),
    ({}, 4, "neither ahead nor behind"),
    ({"wide": 0.9}, 5, "in how much they trade, not in what they earn"),
    ({"wide": 0.9, "gross": 1.0}, 5, "and some in what"), ({}, 5, "not shown that models differ in how much they"),
    ({"turnover": 0.1}, 6, "trades more than the one"), ({"turnover": -0.1}, 6, "trades less than the one"),
    ({}, 6, "does not measurably change how much"),
    ({}, 7, "no loss differs measurably from MSE: 0 of 5"),
    ({"gross": 0.3}, 7, "some losses differ measurably from MSE: 5 of 5"),
    ({}, 8, "enough markets to decide the papers' gain of their loss: +0.27"),
)  # fmt: skip


@pytest.mark.parametrize(("given", "place", "words"), OUTCOMES)
def test_every_outcome_has_its_sentence(given, place, words):
    said = findings(made_up(**given))
    assert len(said) == 9 and said[place].holds and words in said[place].text, said[place].text


def test_too_few_markets_for_the_papers_gain():
    spread = made_up()
    rows = spread["variant"].eq("system - MSE") & spread["metric"].eq(NET)
    spread.loc[rows, "value"] = [1.0, -1.0, 1.0, -1.0, 1.0, -1.0]
    text = findings(spread)[8].text
    assert "too few markets" in text and "+0.27 in Sharpe ratio would take 130, and 6 were run" in text
    table = page.power_table(spread)
    assert len(table) == 2 * len(CLAIMED) and table["here"].eq(6).all() and table["needed"].max() == 130


def test_every_arm_has_searched_settings_and_one_that_had_not_would_say_so(monkeypatch):
    assert all(searched(name) for name in ARMS) and "A.models.order" in ORDERS
    assert not any(in_words(name).endswith("not searched") for name in ARMS)
    monkeypatch.setattr(variants, "OF_NETWORKS", {})
    unsearched = {name for name in ARMS if not searched(name)}
    assert unsearched == {name for name in MODELS if name.startswith("Transformer")}
    assert all(in_words(name).endswith(", not searched") for name in unsearched)


def test_claims_are_answered_before_those_of_another_market():
    found = {item.claim_id: item for item in answer_claims(made_up(signs=0.01, net=-0.1))}
    assert set(found) == set(CLAIM_IDS) <= {claim.id for claim in load_ledger()}
    assert {item.setting for item in found.values()} == {"reduced"}
    numbers = OverSeeds(made_up(signs=0.01, net=-0.1))
    assert found["B.loss.adjmse_0.1.sharpe"].low == pytest.approx(numbers.one_path("system", NET).low)
    assert found["B.loss.mse.sign_accuracy"].estimate == pytest.approx(50)
    order = found["B.loss.small_gamma_sign"]
    assert order.markets == 6 and all(low > 0 for _, low, _ in order.parts)
    assert len(found["B.factors.monotone"].parts) == 10
    rival = Answer("B.loss.mse.sharpe", 1.8, 1.0, 2.6, "different")
    board = scoreboard([*found.values(), rival]).set_index("id")
    assert board.loc["B.loss.mse.sharpe", ["setting", "page"]].tolist() == ["reduced", "own_setting_learning"]


def test_the_parts_of_the_page(frame):
    shown = shown_of("own_setting_learning", made_up())
    made = parts(page, shown, "head", "gross_and_net", "persistence", "levels", "differences", "policies", "power")
    assert made["levels"].count('type="radio"') == 4 and made["differences"].count('type="radio"') == 5
    assert "Transformer over days" in made["levels"] and made["persistence"].count("«") == 1
    small = parts(page, shown_of("own_setting_learning", frame), "head", "levels", "differences", "persistence")
    assert "nan" not in small["levels"].partition("base64")[0]
    assert len(page.levels_table(scaled_markets(frame, 5))) == 4 and len(LOSSES) == 6


def test_findings_hold_on_the_recorded_rows():
    record = recorded("own_setting_learning")
    if not record:
        pytest.skip("nothing is recorded yet")
    assert not [item.text for item in findings(record.frame) if not item.holds]
    there = set(record.frame["variant"])
    arms = {claim for claim, (name, *_) in LEVELS.items() if name in there}
    orders = {claim for claim, steps in ORDERS.items()
              if all(DIFFERENCE.name(left=left, right=right) in there for left, right, *_ in steps)}  # fmt: skip
    assert {item.claim_id for item in answer_claims(record.frame)} == arms | orders
