"""The ablation by planted alpha: rows of their own markets, a table, and what may be said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from exchange_results import by_alpha as made

from lib.market import MarketConfig, make_market
from lib.studies.mask_ablation import STUDY
from lib.studies.mask_ablation.measure import _market
from lib.studies.mask_ablation.page import planted
from lib.studies.mask_ablation.tables import alpha_conditions, alpha_levels, alpha_table

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
    table = alpha_table(frame, PAPER, 0.08)
    assert list(table.index) == [
        (a, m) for a in ("0.08", "0.04", "0.02") for m in ("unmasked", "windows skip masked days")
    ]
    assert table.loc[("0.04", "windows skip masked days"), "executed_open.active_sharpe_gross"] == pytest.approx(2.4)
    assert table["m1_ic"].tolist() == pytest.approx([0.04, 0.08, 0.02, 0.04, 0.01, 0.02])
    assert alpha_conditions(frame, "CSI 300 limits", 0.08) == {}


def test_sharpe_units_do_not_carry_over_where_the_intervals_lie_apart():
    said = planted(alpha_levels(made(), PAPER, 0.08))
    assert said.holds and "hold for their own alpha only" in said.text and "+2.4" in said.text
    noisy = planted(alpha_levels(made(wobble=5.0), PAPER, 0.08))
    assert noisy.holds and "is not shown by these markets" in noisy.text


def test_nothing_is_said_of_one_alpha_or_of_an_older_record():
    frame = made()
    for part in (frame[~frame["variant"].str.contains("alpha")], frame[~frame["metric"].str.contains("gross")]):
        assert planted(alpha_levels(part, PAPER, 0.08)) is None
