"""The 213 factors: their formulas against a second evaluator, their masks, and how they are computed and stored."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from formula import evaluate_text
from overlay import NO_LIMITS, POISON, masked_fields, poisoned, rebuilt, rough_panel, without

from lib.errors import ExpressionError, LibError, ParameterError, UnknownNameError
from lib.factors import FactorSet, compute_factors, factor_names, find_factors
from lib.factors.formulas.gaps import last_valid
from lib.factors.leaves import panel_leaves
from lib.market import make_market
from lib.masked import Masked
from lib.panel import Panel
from lib.reasons import Reason

with open(Path(__file__).parents[1] / "reference" / "factors.csv", newline="") as file:
    SPEC = {row["name"]: row for row in csv.DictReader(file)}
NAMES = list(SPEC)
#: cells of each factor that must agree with the second evaluator, to TOLERANCE of the factor's own scale
AGREE, TOLERANCE = 0.99, 1e-4
SOME = ("alpha_003", "add_008", "stock_006", "best_006", "extra_006")


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Limits, halts, holes, splits: 6 % of cells masked."""
    return rough_panel()


@pytest.fixture(scope="module")
def clean() -> Panel:
    """Nothing masked, nothing outside the universe."""
    raw = make_market(40, 150, 1, halt_rate=0.0).panel
    fields = {name: values for name, values in raw.fields.items() if name not in NO_LIMITS}
    return Panel.from_arrays(raw.dates, raw.symbols, fields)


@pytest.fixture(scope="module")
def computed(panel: Panel) -> FactorSet:
    return compute_factors(panel)


def same(a: FactorSet, b: FactorSet, until: int | None = None) -> bool:
    return (
        a.names == b.names
        and np.array_equal(a.values[:until], b.values[:until])
        and np.array_equal(a.valid[:until], b.valid[:until])
    )


def value(panel: Panel, name: str, **how) -> np.ndarray:
    """One factor [T, N] with NaN where it is masked."""
    found = compute_factors(panel, [name], **how)
    return np.where(found.valid[..., 0], found.values[..., 0], np.nan)


# ------------------------------------------------------------------- the catalogue


def test_names_and_order_are_the_specifications():
    assert factor_names() == NAMES and len(NAMES) == 213


def test_families_have_the_papers_sizes():
    sizes = {"alpha": 9, "better": 28, "best": 21, "old": 50, "stock": 22, "extra": 14, "add": 30, "change": 5,
             "original": 28, "cs_rank": 6}  # fmt: skip
    assert {family: len(factor_names(family)) for family in sizes} == sizes
    assert [name for family in sizes for name in factor_names(family)] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_derived_window_is_the_specifications(name):
    assert find_factors([name])[0].window == float(SPEC[name]["window"])


def test_unknown_names_suggest_the_closest():
    with pytest.raises(UnknownNameError, match=r"'alpha_01' does not exist; did you mean .*'alpha_001'"):
        find_factors(["alpha_001", "alpha_01"])
    with pytest.raises(UnknownNameError, match=r"family 'alhpa'.*did you mean 'alpha'"):
        factor_names("alhpa")


# -------------------------------------------------------------- values and masks


@pytest.mark.parametrize("kind", ["masked", "clean"])
def test_every_factor_equals_the_second_evaluator(kind, panel, clean, computed):
    """Masks equal everywhere; values equal but for ranks whose ties a last bit decides.

    Scale: the median absolute deviation, or the standard deviation of a factor with more than half its cells equal.
    """
    source, factors = (panel, computed) if kind == "masked" else (clean, compute_factors(clean))
    fields, wrong = masked_fields(source), {}
    for k, name in enumerate(NAMES):
        expected = evaluate_text(SPEC[name]["formula"], fields, source.universe)
        known = np.isfinite(expected)
        if not np.array_equal(known, factors.valid[..., k]):
            wrong[name] = f"{int((known != factors.valid[..., k]).sum())} cells masked differently"
            continue
        found, expected = factors.values[..., k][known], expected[known]
        scale = np.median(np.abs(expected - np.median(expected))) or expected.std()
        agree = float((np.abs(found - expected) <= TOLERANCE * scale).mean())
        if len(expected) < 300 or agree < AGREE:
            wrong[name] = f"{agree:.2%} of {len(expected)} cells agree"
    assert not wrong


def test_invalid_cells_are_zero_and_everything_is_finite(computed):
    assert np.isfinite(computed.values).all() and (computed.values[~computed.valid] == 0).all()
    assert computed.values.dtype == np.float32 and computed.valid.dtype == bool
    assert computed.values.shape == (150, 40, 213)
    assert computed.coverage.shape == (213,) and computed.coverage.min() > 0.04


@pytest.mark.parametrize("poison", POISON)
def test_masked_cells_change_nothing(poison, panel, computed):
    hostile = poisoned(panel, poison)
    assert not np.array_equal(hostile.fields["high"], panel.fields["high"], equal_nan=True)
    assert same(compute_factors(hostile), computed)


def test_without_an_adjustment_no_field_of_a_masked_cell_is_read(panel):
    """No exceptions here: without `pre_close` not even the close of a limit day may matter."""
    fields = {name: v for name, v in panel.fields.items() if name not in ("pre_close", "industry", "board")}
    hostile = {name: np.where(panel.mask, values, 1e30) for name, values in fields.items()}
    plain, changed = (compute_factors(rebuilt(panel, each), NAMES[::3]) for each in (fields, hostile))
    assert same(plain, changed)


@pytest.mark.parametrize("window", ["strict", "skip", "raw"])
def test_the_future_changes_nothing(window, panel):
    cut, rng = 110, np.random.default_rng(5)
    fields = {}
    for name, values in panel.fields.items():
        fields[name] = values.copy()
        if values.dtype.kind == "f":
            fields[name][cut:] *= np.exp(rng.normal(size=values[cut:].shape))
    reasons, universe = panel.reasons.copy(), panel.universe.copy()
    reasons[cut:] = rng.choice([0, Reason.HALT, Reason.UNLISTED, Reason.MISSING], size=reasons[cut:].shape)
    universe[cut:] = rng.random(universe[cut:].shape) < 0.5
    names = NAMES[:: 1 if window == "strict" else 5]
    before = compute_factors(panel, names, window=window)
    after = compute_factors(rebuilt(panel, fields, reasons=reasons, universe=universe), names, window=window)
    assert same(before, after, cut) and not same(before, after)


def test_a_masked_cell_masks_exactly_the_windows_that_hold_it(clean):
    """One cell masked on day 60: under strict a factor is lost on days 60 .. 60 + window - 1 of that stock, no other.

    A recurrence keeps its accumulator, so it is lost for as long as its inputs are.
    """
    stocks, day = [3, 17, 29], 60
    reasons = clean.reasons.copy()
    reasons[day, stocks] = Reason.HALT
    before, after = compute_factors(clean), compute_factors(rebuilt(clean, clean.fields, reasons=reasons))
    for k, name in enumerate(NAMES):
        lost = before.valid[..., k] & ~after.valid[..., k]
        rows, columns = np.nonzero(lost)
        assert set(columns) <= set(stocks), name
        assert not (after.valid[..., k] & ~before.valid[..., k]).any(), name
        window = float(SPEC[name]["window"])
        reach = before.valid[day:, stocks, k]
        assert rows.min() == day if reach[0].any() else True, name
        if np.isfinite(window):
            last = day + int(window) - 1
            assert rows.max() == last if before.valid[last, stocks, k].any() else rows.max() <= last, name


def test_a_cross_section_pools_inside_the_universe(panel):
    rank = value(panel, "original_027")
    inside = np.isfinite(rank)
    assert not (inside & ~panel.universe).any()
    np.testing.assert_allclose(np.nanmax(rank[5:], axis=1), 1.0)
    outside = rebuilt(panel, {n: np.where(panel.universe, v, v * 1.01) if n in ("open", "close") else v
                              for n, v in panel.fields.items()})  # fmt: skip
    moved = value(outside, "original_027")
    # yesterday's close of a stock that joins today lies outside the universe and is still its own history
    joined = panel.universe & ~np.vstack([panel.universe[:1], panel.universe[:-1]])
    unaffected = ~joined.any(axis=1)
    np.testing.assert_array_equal(rank[unaffected], moved[unaffected])


# --------------------------------------------------------------- what is computed


def test_all_factors_means_all_whose_fields_exist(panel, computed):
    poor = without(panel, "vwap", "amount")
    with pytest.warns(UserWarning) as warned:
        found = compute_factors(poor)
    assert [str(w.message) for w in warned] == ["58 of 213 factors skipped, the panel lacks amount, vwap"]
    assert len(found.names) == 155 and len(found.skipped) == 58
    assert found.skipped["extra_011"] == ("amount",) and found.skipped["better_013"] == ("amount", "vwap")
    assert list(found.names) == [name for name in NAMES if name not in found.skipped]
    for name in ("alpha_001", "cs_rank_low"):
        np.testing.assert_array_equal(
            found.values[..., found.names.index(name)], computed.values[..., NAMES.index(name)]
        )


def test_an_explicit_name_whose_field_is_missing_is_an_error(panel):
    needs = r"lacks amount, which factors 'better_013', 'extra_011' need; .*vwap, which factor 'better_013' needs; 2 of"
    with pytest.raises(UnknownNameError, match=needs):
        compute_factors(without(panel, "vwap", "amount"), ["alpha_001", "better_013", "extra_011"])


def test_names_are_computed_in_the_order_asked_for(panel, computed):
    found = compute_factors(panel, ["cs_rank_low", "alpha_001"])
    assert found.names == ("cs_rank_low", "alpha_001") and found.skipped == {}
    for k, name in enumerate(found.names):
        np.testing.assert_array_equal(found.values[..., k], computed.values[..., NAMES.index(name)])


@pytest.mark.parametrize("how,error,expected", [
    ({"names": ["alpha_01"]}, UnknownNameError, "did you mean"),
    ({"window": "loose"}, ExpressionError, "window policy: got 'loose'"),
    ({"window": "skip", "min_share": 0.0}, ExpressionError, "min_share"),
    ({"standardise": "z"}, ParameterError, "expected None, 'zscore' or 'rank'"),
])  # fmt: skip
def test_bad_arguments_are_named(how, error, expected, panel):
    with pytest.raises(error, match=expected):
        compute_factors(panel, **({"names": ["alpha_001"]} | how))


# ------------------------------------------------------------------ window policies


def test_raw_is_strict_on_every_listed_cell_with_a_price(panel):
    observed = compute_factors(panel.with_mask("observed"), SOME)
    assert same(compute_factors(panel, SOME, window="raw"), observed)
    strict = compute_factors(panel, SOME)
    assert (observed.valid.sum(axis=(0, 1)) > strict.valid.sum(axis=(0, 1))).all()


def test_skip_keeps_what_strict_keeps_and_more(panel):
    strict, skip, whole = (compute_factors(panel, SOME, **how) for how in (
        {}, {"window": "skip"}, {"window": "skip", "min_share": 1.0}))  # fmt: skip
    assert not (strict.valid & ~skip.valid).any() and skip.valid.sum() > 1.1 * strict.valid.sum()
    assert not (skip.valid & ~panel.mask[..., None]).any(), "today's own cell must be valid"
    np.testing.assert_array_equal(strict.valid, whole.valid)  # the values take another way to the same numbers
    np.testing.assert_allclose(strict.values, whole.values, rtol=1e-5, atol=1e-6)


def test_skip_by_hand(clean):
    """The distance from the 12-day mean with one masked day in the window, and the 20-day volatility with two."""
    reasons = clean.reasons.copy()
    reasons[100, 5] = Reason.HALT
    gapped = rebuilt(clean, clean.fields, reasons=reasons)
    close = clean.fields["close"][:, 5]
    assert np.isnan(value(gapped, "stock_006")[100:112, 5]).all()
    found = value(gapped, "stock_006", window="skip")[105, 5]
    eleven = np.delete(close[94:106], 6)
    assert found == pytest.approx(close[105] / eleven.mean() - 1, rel=1e-5, abs=1e-7)
    changes = np.diff(close) / close[:-1]
    eighteen = np.delete(changes[85:105], [14, 15])  # the masked day takes its own change and the next one
    assert value(gapped, "add_008", window="skip")[105, 5] == pytest.approx(eighteen.std(ddof=1), rel=1e-5)
    assert np.isnan(value(gapped, "add_008", window="skip", min_share=0.95)[105, 5])


def test_changes_may_bridge_masked_days(clean):
    reasons = clean.reasons.copy()
    reasons[100:103, 5] = Reason.LIMIT_UP
    gapped = rebuilt(clean, clean.fields, reasons=reasons)
    close = clean.fields["close"][:, 5]
    plain, two, four = (value(gapped, "original_024", max_gap=gap) for gap in (1, 2, 4))
    assert np.isnan(plain[100:104, 5]).all() and np.isnan(two[100:104, 5]).all()
    assert np.isnan(four[100:103, 5]).all()
    assert four[103, 5] == pytest.approx(close[103] / close[99] - 1, rel=1e-5)
    plain[103, 5] = four[103, 5] = 0.0
    np.testing.assert_array_equal(plain, four)  # nowhere else does bridging change anything


def test_last_valid_looks_back_no_further_than_told():
    x = Masked(torch.arange(1.0, 8.0).reshape(7, 1), torch.tensor([[1], [1], [0], [0], [0], [1], [1]]).bool())
    for gap, expected in ((1, [0, 1, 2, 0, 0, 0, 6]), (2, [0, 1, 2, 2, 0, 0, 6]), (9, [0, 1, 2, 2, 2, 2, 6])):
        out = last_valid(x, gap)
        assert out.values[:, 0].tolist() == expected
        assert out.valid[:, 0].tolist() == [v > 0 for v in expected]


def test_leaves_are_adjusted_and_masked_by_the_panels_mask(panel):
    for kind in ("observed", "full"):
        chosen = panel.with_mask(kind)
        leaves = panel_leaves(chosen, ["close", "volume", "amount", "cap", "industry"])
        assert all(torch.equal(leaf.valid, torch.tensor(chosen.mask)) for leaf in leaves.values())
        mask = chosen.mask
        np.testing.assert_array_equal(
            leaves["close"].values.numpy()[mask], (panel.fields["close"] * panel.adj_factor)[mask]
        )
        np.testing.assert_array_equal(
            leaves["volume"].values.numpy()[mask], (panel.fields["volume"] / panel.adj_factor)[mask]
        )
        np.testing.assert_array_equal(leaves["cap"].values.numpy()[mask], panel.fields["float_mkt_cap"][mask])
    assert (panel.adj_factor > 1.2).any()
    with pytest.raises(UnknownNameError, match="'turnover_rate' is not in the panel"):
        panel_leaves(panel, ["turnover_rate"])


def test_a_split_leaves_no_trace():
    """The same market with and without splits: what reads adjusted prices only cannot tell them apart."""
    split = rough_panel(seed=3)
    factor = split.adj_factor
    fields = dict(split.fields)
    for name in ("open", "high", "low", "close", "vwap"):
        fields[name] = fields[name] * factor
    fields["volume"] = fields["volume"] / factor
    del fields["pre_close"]
    names = ["original_024", "add_008", "stock_011", "best_012", "original_006"]
    one, other = compute_factors(split, names), compute_factors(rebuilt(split, fields), names)
    assert np.array_equal(one.valid, other.valid)
    np.testing.assert_allclose(one.values, other.values, rtol=1e-5, atol=1e-9)


# ----------------------------------------------------------------- standardisation


def test_zscore_is_per_day_over_the_universe(panel):
    plain, z = (compute_factors(panel, SOME, standardise=how) for how in (None, "zscore"))
    np.testing.assert_array_equal(z.valid, plain.valid & panel.universe[..., None])
    for k in range(len(SOME)):
        for t in (60, 100, 140):
            cells = z.valid[t, :, k]
            x = plain.values[t, cells, k].astype(np.float64)
            np.testing.assert_allclose(z.values[t, cells, k], (x - x.mean()) / x.std(), rtol=1e-3, atol=1e-4)


def test_rank_is_centred_and_bounded(panel):
    plain, ranked = (compute_factors(panel, SOME, standardise=how) for how in (None, "rank"))
    np.testing.assert_array_equal(ranked.valid, plain.valid & panel.universe[..., None])
    inside = ranked.values[ranked.valid]
    assert inside.min() > -0.5 and inside.max() == 0.5
    day = ranked.valid[140, :, 2]
    order = np.argsort(plain.values[140, day, 2])
    percentile = np.arange(1, day.sum() + 1) / day.sum() - 0.5
    np.testing.assert_allclose(ranked.values[140, day, 2][order], percentile, atol=1e-6)


# ------------------------------------------------------------------- on disk


def test_a_directory_equals_memory(tmp_path, panel):
    in_memory = compute_factors(panel, SOME, standardise="zscore")
    stored = compute_factors(panel, SOME, standardise="zscore", out=tmp_path / "factors")
    assert isinstance(stored.values.base, np.memmap) and same(in_memory, stored)
    again = FactorSet.load(tmp_path / "factors")
    assert same(in_memory, again) and again.skipped == {}
    assert sorted(p.name for p in (tmp_path / "factors").iterdir()) == ["meta.json", "valid.npy", "values.npy"]
    assert [p.name for p in tmp_path.iterdir()] == ["factors"]
    meta = json.loads((tmp_path / "factors" / "meta.json").read_text())
    assert meta["formulas"][1] == "ts_std(ret,20)" and meta["names"] == list(SOME)


def test_what_was_skipped_is_stored(tmp_path, panel):
    with pytest.warns(UserWarning, match="skipped"):
        stored = compute_factors(without(panel, "vwap", "amount"), out=tmp_path / "factors")
    assert stored.skipped["extra_011"] == ("amount",) and len(FactorSet.load(tmp_path / "factors").skipped) == 58


def test_an_existing_directory_is_left_alone(tmp_path, panel):
    target = tmp_path / "factors"
    compute_factors(panel, SOME[:1], out=target)
    before = (target / "values.npy").read_bytes()
    with pytest.raises(LibError, match="exists already"):
        compute_factors(panel, SOME[1:2], out=target)
    assert (target / "values.npy").read_bytes() == before


def test_a_failure_leaves_nothing(tmp_path, panel, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("lib.factors.target.DirectoryTarget.put", fail)
    with pytest.raises(OSError, match="disk full"):
        compute_factors(panel, SOME, out=tmp_path / "factors")
    assert list(tmp_path.iterdir()) == []


def test_a_factor_set_says_what_it_holds() -> None:
    values, names = np.zeros((4, 3, 5), np.float32), tuple(f"alpha_{i:03}" for i in range(5))
    valid = np.arange(60).reshape(4, 3, 5) % 2 == 0
    found = FactorSet(values, valid, names, {"alpha_009": ("vwap",)})
    assert repr(found) == (
        "FactorSet(4 dates x 3 symbols x 5 factors, 50.0% of cells valid, names: alpha_000 alpha_001 alpha_002 ..., "
        "1 skipped for want of fields)"
    )
    assert "skipped" not in repr(FactorSet(values[:, :, :2], valid[:, :, :2], names[:2], {}))
