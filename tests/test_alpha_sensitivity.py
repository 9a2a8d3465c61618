"""The ablation by planted alpha: rows of their own markets, a table, and what may be said."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from exchange_results import by_alpha as made
from results import around, tidy

from lib.market import MarketConfig, make_market
from lib.stats.estimates import Estimate
from lib.studies.mask_ablation import STUDY
from lib.studies.mask_ablation.findings import alpha_message, alpha_title
from lib.studies.mask_ablation.measure import _market
from lib.studies.mask_ablation.sensitivity import alpha_conditions, by_alpha, levels_by_limits, on_file

PAPER = "paper limits"


def rows_of(**given):
    some = {"alphas": [0.08, 0.04, 0.02], "alpha_seeds": 1, "learners": ["ridge"]}
    settings = STUDY.settings("smoke", 2, some | given)
    return STUDY.rows(settings), STUDY.row_settings(settings)


def test_rows_of_less_alpha_are_further_rows_of_the_first_markets():
    rows, _ = rows_of()
    found = pd.DataFrame(rows)
    own = found[found["alpha"].isna()]
    assert set(own["condition"]) == {PAPER} and own["seed"].nunique() == 2
    weaker = found[found["alpha"].notna()]
    assert set(weaker["condition"]) == {f"{PAPER}, alpha 0.04", f"{PAPER}, alpha 0.02"}, "0.08 is the study's own"
    assert set(weaker["seed"]) == {0} and set(weaker["mask"]) == {"none", "mask_skip"}
    assert set(weaker["learner"]) == {"ridge"}
    assert not found.duplicated(["variant", "seed"]).any()
    groups = {STUDY.group(row) for row in rows}
    assert len(groups) == len({(row["seed"], row.get("alpha"), STUDY.group(row)) for row in rows})


def test_the_paper_scale_has_them_on_every_market():
    frame = pd.DataFrame(STUDY.rows(STUDY.settings("paper")))
    weaker = frame[frame["alpha"].notna()]
    assert weaker.groupby(["alpha", "limits"])["seed"].nunique().to_dict() == {
        (alpha, limits): 20 for alpha in (0.02, 0.04) for limits in ("paper", "real")
    }


def test_a_row_is_made_on_a_market_of_its_alpha():
    small = {"n_stocks": 40, "n_days": 520}
    rows, settings = rows_of(**small)
    one = {row.get("alpha"): row for row in rows if row["mask"] == "none" and row["seed"] == 0}
    for alpha, row in one.items():
        world = _market(row, settings)
        assert world.config.alpha == (MarketConfig.alpha if alpha is None else alpha)
        plain = make_market(40, 520, 0, limit_rates="paper", alpha=world.config.alpha)
        np.testing.assert_array_equal(world.truth.mu_trad, plain.truth.mu_trad)
    other, settings = rows_of(alpha=0.05, reversal=0.1, **small)
    config = _market(other[0], settings).config
    assert (config.alpha, config.reversal) == (0.05, 0.1)
    assert {row.get("alpha") for row in other} == {None, 0.08, 0.04, 0.02}


def test_the_table_holds_every_alpha_from_the_most_to_the_least():
    frame = made()
    assert alpha_conditions(frame, PAPER, 0.08) == {
        0.08: PAPER, 0.04: f"{PAPER}, alpha 0.04", 0.02: f"{PAPER}, alpha 0.02"
    }  # fmt: skip
    table = by_alpha(frame, PAPER, 0.08)
    assert list(table.index) == [(a, m) for a in ("0.08", "0.04", "0.02") for m in ("none", "mask_skip")]
    assert table.loc[("0.04", "mask_skip"), "executed_open.active_sharpe_gross"] == pytest.approx(2.4)
    assert table["m1_ic"].tolist() == pytest.approx([0.04, 0.08, 0.02, 0.04, 0.01, 0.02])
    assert alpha_conditions(frame, "CSI 300 limits", 0.08) == {}


def test_sharpe_units_do_not_carry_over_where_the_intervals_lie_apart():
    levels = levels_by_limits(made(), 0.08)[PAPER]
    title = alpha_title(levels)
    assert title == "No mask: active Sharpe ratio +2.4, +1.2, +0.6 with a planted alpha of 0.08, 0.04, 0.02"
    message = alpha_message(levels, {"none": (Estimate(0.021), Estimate(0.8))})
    assert "do not carry over" in message and "at alpha 0.04 IC +0.020 and gross active Sharpe ratio +1.2" in message
    assert message.endswith("CSI 300 has IC +0.021 and gross active Sharpe ratio +0.8.")
    noisy = alpha_message(levels_by_limits(made(wobble=5.0), 0.08)[PAPER])
    assert "not shown by these markets" in noisy and "CSI" not in noisy


def test_nothing_is_said_of_one_alpha_or_of_an_older_record():
    frame = made()
    assert levels_by_limits(frame[~frame["variant"].str.contains("alpha")], 0.08) == {}
    assert levels_by_limits(frame[~frame["metric"].str.contains("gross")], 0.08) == {}
    records = around("none ridge", "m1_ic", 0.02, 0.01)
    assert on_file(tidy(records, "mask_ablation_real")) == {}
    more = records + around("none ridge", "executed_open.active_sharpe_gross", 0.8, 0.5)
    ic, ratio = on_file(tidy(more, "mask_ablation_real"))["none"]
    assert (ic.value, ratio.value) == (0.02, 0.8) and not math.isnan(ratio.low)
