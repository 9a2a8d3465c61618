"""Kept windows against loops, formulas against sums over all paths, and the study against both."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from math import comb
from typing import Any

import numpy as np
import pandas as pd
import pytest
from page_parts import changed, parts, recorded_findings, shown_of

from lib.errors import StatisticsError
from lib.factors import compute_factors, factor_names, find_factors
from lib.market import make_market
from lib.panel import Panel
from lib.reasons import Reason
from lib.studies import recorded as recorded_result
from lib.studies import run_study
from lib.studies.contamination.distances import read_days
from lib.studies.coverage import STUDY, page
from lib.studies.coverage import measure as coverage
from lib.studies.coverage.expected import (
    Chain,
    by_stock,
    chain_of,
    clustered,
    counted,
    imposed,
    independent,
    required,
    windows_kept,
)
from lib.studies.coverage.measure import all_reads, stocks

RNG = np.random.default_rng(4)
MASK = RNG.random((60, 5)) > 0.15


@pytest.mark.parametrize("window", [1, 4, 20, 61])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_kept_windows_are_those_of_a_loop(window: int, share: float) -> None:
    needed = required(window, share)
    kept = windows_kept(MASK, window, needed)
    for day, stock in np.ndindex(*MASK.shape):
        cells = MASK[max(0, day - window + 1) : day + 1, stock]
        assert kept[day, stock] == (len(cells) == window and cells[-1] and cells.sum() >= needed)


def test_counts_leave_out_what_is_not_scored_or_not_old_enough() -> None:
    listed, scored = np.ones_like(MASK), np.ones_like(MASK)
    listed[:10, 0], scored[:, 1] = False, False
    kept = of = 0
    for day, stock in np.ndindex(*MASK.shape):
        if day >= 6 and stock != 1 and MASK[day, stock] and listed[day - 6 : day + 1, stock].all():
            of += 1
            kept += MASK[day - 6 : day + 1, stock].all()
    assert counted(MASK & listed, listed, scored, 7, 1.0) == (kept, of)


def test_the_chain_of_a_mask_by_hand() -> None:
    mask = np.array([[1, 0, 0, 1, 0, 1, 1, 1, 1, 1]], dtype=bool).T
    assert chain_of(mask, np.ones_like(mask)) == Chain(0.3, 1.5)
    assert chain_of(np.ones_like(mask), np.ones_like(mask)) == Chain(0.0, 1.0)
    unlisted = np.arange(10)[:, None] >= 5
    assert chain_of(mask, unlisted).masked == 0
    with pytest.raises(StatisticsError, match="no listed cells"):
        chain_of(mask, np.zeros_like(mask))


@pytest.mark.parametrize("chain", [Chain(0.2, 3.0), Chain(0.05, 8.0), Chain(0.3, 1 / 0.7), Chain(0.0, 1.0)])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.75])
def test_the_formula_is_the_sum_over_all_paths(chain: Chain, share: float) -> None:
    """All 2^(w-1) ways the days before a valid day can have gone, each with its probability."""
    window, total = 9, 0.0
    for path in product((True, False), repeat=window - 1):
        probability, state = 1.0, True
        for valid in path:
            step = chain.enter if state else 1 - 1 / chain.spell  # of being masked next
            probability *= 1 - step if valid else step
            state = valid
        total += probability * (1 + sum(path) >= required(window, share))
    assert clustered(chain, window, share) == pytest.approx(total, abs=1e-12)


def test_iid_masking_is_binomial() -> None:
    window, p = 20, 0.07
    for share in (1.0, 0.5, 0.9):
        needed = required(window, share) - 1
        tail = sum(comb(19, k) * (1 - p) ** k * p ** (19 - k) for k in range(needed, 20))
        assert independent(p, window, share) == pytest.approx(tail)
    assert independent(1.0, 5, 1.0) == 0.0


def test_imposed_masks_have_their_share_and_their_spells_and_keep_what_the_formula_says() -> None:
    chain = Chain(0.05, 6.0)
    mask = ~imposed((1500, 200), chain, np.random.default_rng(0))
    everywhere = np.ones_like(mask)
    found = chain_of(mask, everywhere)
    assert found.masked == pytest.approx(0.05, rel=0.05) and found.spell == pytest.approx(6.0, rel=0.05)
    for window, share in ((20, 1.0), (60, 1.0), (20, 0.9)):
        kept, of = counted(mask, everywhere, everywhere, window, share)
        assert kept / of == pytest.approx(clustered(chain, window, share), abs=0.01)


def test_stocks_that_differ_keep_more_than_their_mean() -> None:
    rng = np.random.default_rng(1)
    halves = [imposed((2000, 30), Chain(p, 5.0), rng) for p in (0.002, 0.12)]
    mask = ~np.hstack(halves)
    everywhere = np.ones_like(mask)
    kept, of = counted(mask, everywhere, everywhere, 60, 1.0)
    mixed = by_stock(mask, everywhere, everywhere, 60, 1.0)
    assert mixed == pytest.approx(kept / of, abs=0.02)
    assert mixed > clustered(chain_of(mask, everywhere), 60, 1.0) + 0.05


# ------------------------------------------------------------------------------------- the study


def test_the_joined_reads_are_the_strict_rule_where_every_value_is_defined() -> None:
    """ts_mean and delta are defined wherever their cells are: validity of the joined factors is the mask rule."""
    names = ["original_021", "original_004", "stock_001", "old_046"]
    names = [name for name in names if "/ " not in name]
    panel = make_market(20, 130, seed=2, limit_rates="paper").panel
    from lib.audit.reads import permitted

    joined = compute_factors(panel, names).valid.all(axis=2)
    allowed = permitted(panel, all_reads(names))
    assert not (joined & ~allowed).any() and (joined == allowed).mean() > 0.99
    assert all_reads(names).days == max(int(f.window) for f in find_factors(names))


def test_a_cut_to_some_stocks_keeps_what_they_are() -> None:
    panel = make_market(20, 60, seed=1).panel
    part = stocks(panel, np.array([3, 7]))
    np.testing.assert_array_equal(part.reasons, panel.reasons[:, [3, 7]])
    np.testing.assert_allclose(part.adjusted("close"), panel.adjusted("close")[:, [3, 7]])
    halted = np.zeros((60, 2), dtype=bool)
    halted[5, 1] = True
    np.testing.assert_array_equal(stocks(panel, np.array([3, 7]), halted).mask, ~halted)


#: windows of one stock's own past, so that a block of stocks gives what all of them give
OWN = ["change_002", "stock_001", "old_046"]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Panel:
    """Twenty stocks that come and go, three factors, blocks of seven stocks, a life of 30 days."""
    monkeypatch.setattr(coverage, "computable", lambda panel: OWN)
    monkeypatch.setattr(coverage, "BLOCK", 7)
    monkeypatch.setattr(coverage, "LIFE", 30)
    raw = make_market(20, 130, seed=2, limit_rates="paper").panel
    reasons, universe = raw.reasons.copy(), raw.universe.copy()
    reasons[:40, 3] = Reason.UNLISTED
    reasons[60:70, 5], universe[80:, 6] = Reason.HALT, False
    reasons[45:55, 8], universe[:50, 8] = Reason.HALT, False  # joins while halted
    absent = reasons == Reason.UNLISTED
    prices = {name: values for name, values in raw.fields.items() if values.dtype.kind == "f"}
    fields = raw.fields | {name: np.where(absent, np.nan, values) for name, values in prices.items()}
    return Panel.from_arrays(raw.dates, raw.symbols, fields, reasons, universe, "cn")


def recorded(records: Iterable[dict[str, Any]]) -> dict[tuple[str, str], float]:
    return {(str(item["variant"]), str(item["metric"])): item["value"] for item in records}


ROW = {"variant": "m", "seed": 0, "source": "market", "limit_rates": "real"}


@pytest.mark.parametrize("policy", ["strict", "skip"])
def test_covered_cells_by_a_loop(few: Panel, policy: str) -> None:
    found = recorded(coverage._by_factor(ROW, few))
    valid = compute_factors(few, OWN, window=policy).valid
    cells = hits = together = 0
    each = np.zeros(len(OWN))
    for day, stock in np.ndindex(*few.shape):
        listed = int((few.reasons[: day + 1, stock] & Reason.UNLISTED == 0).sum())
        if few.mask[day, stock] and few.universe[day, stock] and listed >= 30:
            cells += 1
            each += valid[day, stock]
            together += valid[day, stock].all()
            hits += valid[day, stock].any()
    assert together < hits < cells or policy == "skip"
    assert found[f"m factors {policy}", "all at once"] == pytest.approx(together / cells)
    assert found[f"m factors {policy}", "each its own"] == pytest.approx((each / cells).mean())
    assert found[f"m factors {policy}", "least"] == pytest.approx((each / cells).min())
    assert found[f"m factors {policy}", "number"] == len(OWN)
    for name, share in zip(OWN, each / cells, strict=True):
        assert found[f"m factor {name}", policy] == pytest.approx(share)
        assert found[f"m factor {name}", "days"] == len(read_days(find_factors([name])[0]))


def test_windows_are_counted_where_a_stock_counts_and_beside_each_formula(few: Panel) -> None:
    found = recorded(coverage._by_window(ROW, few))
    scored = few.universe
    share = float((scored & ~few.mask).sum() / scored.sum())
    assert found["m", "masked share"] == pytest.approx(share)
    listed = few.reasons & Reason.UNLISTED == 0
    hidden = scored & ~few.mask
    begins = hidden & ~np.vstack([np.zeros_like(hidden[:1]), hidden[:-1]])
    chain = Chain(share, float(hidden.sum() / begins.sum()))
    assert found["m", "spell"] == pytest.approx(chain.spell) and chain.spell > 1
    for policy, needed in (("strict", 1.0), ("skip", 0.5)):
        kept, eligible = counted(few.mask, listed, scored, 20, needed)
        assert found[f"m {policy} 20", "counted"] == pytest.approx(kept / eligible)
        assert found[f"m {policy} 20", "independent"] == pytest.approx(independent(share, 20, needed))
        assert found[f"m {policy} 20", "spells"] == pytest.approx(clustered(chain, 20, needed))
        by_name = found[f"m {policy} 20", "spells by stock"]
        assert (
            by_name
            == pytest.approx(by_stock(few.mask, listed, scored, 20, needed))
            != found[f"m {policy} 20", "spells"]
        )


def test_imposed_masks_are_laid_over_prices_of_which_nothing_is_masked(few: Panel) -> None:
    found = recorded(coverage._imposed(ROW, few))
    assert found["m imposed clean", "all at once"] > 0.9
    days = all_reads(OWN).days
    for kind, spell in (("spells", coverage.IMPOSED_SPELL), ("coins", None)):
        shares = [found[f"m imposed {kind} {share:g}", "strict, all at once"] for share in coverage.SHARES]
        assert shares == sorted(shares, reverse=True) and shares[-1] < 0.9 * shares[0]
        for share in coverage.SHARES:
            chain = Chain(share, spell or 1 / (1 - share))
            variant = f"m imposed {kind} {share:g}"
            assert found[variant, "formula"] == pytest.approx(clustered(chain, days, 1.0))
            masked = imposed(few.shape, chain, np.random.default_rng([0, round(1e4 * share)]))
            over = stocks(few, np.arange(20), masked)
            valid = compute_factors(over, OWN).valid[coverage._counting(over)]
            assert found[variant, "strict, all at once"] == pytest.approx(valid.all(axis=1).mean())
            assert found[variant, "skip, each its own"] > found[variant, "strict, each its own"]


def test_a_file_is_thinned_out_and_has_no_imposed_masks(few: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "row_panel", lambda row, settings: few)
    settings = STUDY.row_settings(STUDY.settings("smoke")) | {"every": 4, "imposed_days": 130}
    found = recorded(STUDY.compute({"variant": "csi300", "seed": 0, "source": "data"}, settings).records)
    thinned = recorded(coverage._by_factor(ROW, stocks(few, np.arange(0, 20, 4))))
    assert found["csi300 factors strict", "each its own"] == thinned["m factors strict", "each its own"]
    assert not any("imposed" in variant for variant, _ in found)
    for rates in ("real", "paper"):
        made = recorded(STUDY.compute(ROW | {"limit_rates": rates}, settings).records)
        assert any("imposed" in variant for variant, _ in made) == (rates == "real")


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    settings = {"n_stocks": 20, "n_days": 280, "imposed_stocks": 10, "imposed_days": 150, "seeds": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coverage, "SHARES", (0.05,))  # the others only take time
        return run_study("coverage", cache=tmp_path_factory.mktemp("cache"), **settings).frame


def test_strict_keeps_less_with_every_day_and_skip_keeps_nearly_all(frame: pd.DataFrame) -> None:
    for source in ("market", "market_paper"):
        found = page.Coverage.of(frame, source)
        strict = [found.kept("strict", window).value for window in found.windows if window < 250]
        assert strict == sorted(strict, reverse=True) and strict[-1] < 0.8
        assert min(found.kept("skip", window).value for window in found.windows) > 0.97
        assert found.kept("strict", 60).value > found.kept("strict", 60, "independent").value
        joined, masks = (found.factors("strict", m).value for m in ("all at once", "all at once, masks alone"))
        assert joined <= masks <= found.factors("strict", "each its own").value
        assert joined <= found.factors("strict", "least").value


def test_tables_and_figures(frame: pd.DataFrame) -> None:
    windows = page.window_table(frame, "market").set_index("window")
    kept = frame[(frame["variant"] == "market skip 20") & (frame["metric"] == "counted")]["value"].item()
    assert len(windows) == 7 and windows.loc["20", "skip, counted"] == pytest.approx(kept)
    assert len(page.joined_table(frame)) == len(page.summary(frame)) == 4
    assert len(page.imposed_table(frame, "market")) == 2, "one share of two kinds"
    assert len(page.factor_table(frame, "market")) == len(factor_names())
    names = ("by_window", "window_tables", "factors", "all_at_once", "by_share", "imposed_masks", "factor_tables")
    found = parts(page, shown_of("coverage", frame), *names)
    assert found["by_window"].count("«") == found["factors"].count("«") == 2, "a picture for each market"
    assert "the paper's limit rates" in found["all_at_once"] and "clustered" in found["imposed_masks"]


def test_three_masked_days_cost_three_windows_if_apart() -> None:
    assert "57 tradable days if apart, 19 if in a row" in str(page.apart_or_in_a_row().data), "3 x 19, and 19"


def test_every_finding_holds_on_the_recorded_rows() -> None:
    assert [item.text for item in recorded_findings("coverage") if not item.holds] == []


@pytest.mark.parametrize(
    ("place", "variant", "metric", "factor"),
    [
        (0, "csi300 strict 60", "independent", 4),
        (1, "csi300 factors strict", "all at once", 1.6),
        (2, "csi300 skip 5", "counted", 0.9),
        (3, "market imposed spells 0.05", "all at once, masks alone", 0.05),
        (4, "market imposed clean", "all at once", 1.2),
    ],
)
def test_a_finding_does_not_outlive_its_number(place: int, variant: str, metric: str, factor: float) -> None:
    frame = changed(recorded_result("coverage").frame, variant, metric, factor)
    assert [item.holds for item in page.findings(frame)] == [other != place for other in range(5)]
