"""Neutralisation: equal to one regression at a time, blind to masked cells and to the future, defined on bad days."""

from __future__ import annotations

import doctest
import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from neutral_cases import (
    SHAPE,
    case,
    factor_set,
    identical,
    one_day,
    pool,
    regressors,
    residuals,
    scrambled,
    with_nan,
    zscores,
)  # fmt: skip
from overlay import POISON, rough_panel

from lib.errors import ParameterError, UnknownNameError
from lib.factors import FactorSet
from lib.factors.neutralisation import AdaptiveStrength, Exposures, neutralise, neutralise_block
from lib.panel import Panel
from lib.reasons import Reason

PIPELINE = importlib.import_module("lib.factors.neutralisation.pipeline")
MEMBERS = importlib.import_module("lib.factors.neutralisation.members")
REGRESSION = importlib.import_module("lib.factors.neutralisation.regression")
PARTS = ("exposures", "members", "sums", "regression", "robust", "components", "strength", "pipeline")
#: every option at once, and none
OPTIONS = ({}, {"size": 1}, {"robust": True, "components": 2, "strength": "adaptive"})
FLOAT32 = 5e-6  # of a z-score


@pytest.mark.parametrize("part", PARTS)
def test_examples_in_docstrings_run(part):
    assert doctest.testmod(importlib.import_module(f"lib.factors.neutralisation.{part}")).failed == 0


# ------------------------------------------------------------------- values


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [0, 1, 2])
def test_residuals_are_those_of_lstsq(seed, size):
    factors, exposures = case(seed)
    expected = residuals(factors, exposures, size)
    raw = neutralise(factors, exposures, size=size, standardise=False)
    assert np.array_equal(raw.valid, pool(factors, exposures, size)) and raw.values.dtype == np.float32
    scale = np.nanstd(expected, axis=1, keepdims=True)
    assert np.nanmax(np.abs(with_nan(raw) - expected) / scale) < FLOAT32
    assert np.nanmax(np.abs(with_nan(neutralise(factors, exposures, size=size)) - zscores(expected))) < FLOAT32


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_residuals_are_orthogonal_to_industry_and_size(offset):
    """1e-5 relative to the norms, on factors far from 0 as well as near it."""
    factors, exposures = case(5)
    values = factors.values / factors.values.std(axis=(0, 1)) + offset
    factors = factor_set(np.where(factors.valid, values, 0), factors.valid)
    found = neutralise(factors, exposures)
    for t, k in np.ndindex(SHAPE[0], SHAPE[2]):
        cells = np.flatnonzero(found.valid[t, :, k])
        X, e = regressors(exposures, t, cells, 2), found.values[t, cells, k].astype(float)
        X = np.column_stack([X, exposures.log_cap[t, cells], exposures.log_cap[t, cells] ** 2])
        cosine = X.T @ e / np.linalg.norm(X, axis=0) / np.linalg.norm(e)
        assert np.abs(cosine).max() < 1e-5


def test_a_residual_far_smaller_than_its_factor_is_exact():
    """A factor that is size but for one part in ten thousand: float32 in, nothing lost after."""
    factors, exposures = case(6)
    size = np.nan_to_num(exposures.log_cap - 23)[..., None]
    factors = factor_set(np.where(factors.valid, size + 1e-4 * np.sign(factors.values), 0), factors.valid)
    expected = zscores(residuals(factors, exposures, 2))
    assert np.nanmax(np.abs(with_nan(neutralise(factors, exposures)) - expected)) < FLOAT32


def test_strength_mixes_the_factor_with_its_residual():
    factors, exposures = case(7)
    alpha = np.linspace(0, 1, SHAPE[0])
    inside = pool(factors, exposures, 2)
    y, e = np.where(inside, factors.values, np.nan), residuals(factors, exposures, 2)
    mixed = (1 - alpha)[:, None, None] * y + alpha[:, None, None] * e
    assert np.nanmax(np.abs(with_nan(neutralise(factors, exposures, strength=alpha)) - zscores(mixed))) < FLOAT32
    assert np.nanmax(np.abs(with_nan(neutralise(factors, exposures, strength=0.0)) - zscores(y))) < FLOAT32
    assert identical(neutralise(factors, exposures, strength=1), neutralise(factors, exposures))


# --------------------------------------------------- what must not matter


@pytest.mark.parametrize("poison", POISON)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_masked_cells_change_no_bit(poison, options):
    factors, exposures = case(8)
    clean = neutralise(factors, exposures, **options)
    assert not clean.values[~clean.valid].any() and not np.signbit(clean.values[~clean.valid]).any()
    dirty = FactorSet(np.where(factors.valid, factors.values, np.float32(poison)), factors.valid, factors.names, {})
    assert identical(clean, neutralise(dirty, exposures, **options))
    outside = exposures.codes < 0
    hidden = replace(exposures, log_cap=np.where(outside, poison, exposures.log_cap))
    values = np.where(outside[..., None], np.float32(poison), factors.values)
    assert identical(clean, neutralise(FactorSet(values, factors.valid, factors.names, {}), hidden, **options))


def test_a_valid_cell_that_is_not_a_number_is_masked():
    factors, exposures = case(9)
    t, n = np.argwhere(pool(factors, exposures, 2)[..., 1])[0]
    valid = factors.valid.copy()
    valid[t, n, 1] = False
    expected = neutralise(replace(factors, valid=valid), exposures)
    for poison in (np.nan, np.inf, -np.inf):
        values = factors.values.copy()
        values[t, n, 1] = poison
        assert identical(expected, neutralise(replace(factors, values=values), exposures))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_future_changes_no_bit(options):
    factors, exposures = case(10)
    past, rng = neutralise(factors, exposures, **options), np.random.default_rng(0)
    for start in (3, 7, 11):
        values, valid = factors.values.copy(), factors.valid.copy()
        values[start:] = rng.normal(size=values[start:].shape)
        valid[start:] = rng.random(valid[start:].shape) < 0.5
        other = neutralise(replace(factors, values=values, valid=valid), scrambled(exposures, start, rng), **options)
        assert identical(past, other, until=start) and not identical(past, other)
        cut = replace(factors, values=factors.values[:start], valid=factors.valid[:start])
        assert identical(neutralise(cut, exposures.rows(0, start), **options), past, until=start)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_blocks_and_memory_order_change_no_bit(options, monkeypatch):
    factors, exposures = case(11)
    whole = neutralise(factors, exposures, **options)
    for cells in (1, 5 * SHAPE[1] * SHAPE[2]):
        monkeypatch.setattr(PIPELINE, "BLOCK_CELLS", cells)
        assert identical(whole, neutralise(factors, exposures, **options))
    planes = [np.moveaxis(np.ascontiguousarray(np.moveaxis(x, -1, 0)), 0, -1) for x in (factors.values, factors.valid)]
    assert identical(whole, neutralise(replace(factors, values=planes[0], valid=planes[1]), exposures, **options))


def test_other_factors_change_no_bit():
    """Alone, or beside a factor that shares its mask, or beside others: the same residual."""
    factors, exposures = case(12)
    whole = neutralise(factors, exposures, robust=True)
    for chosen in ([0], [0, 5], [5, 2, 0, 3]):
        some = FactorSet(
            factors.values[..., chosen], factors.valid[..., chosen], tuple(factors.names[k] for k in chosen), {}
        )
        part = FactorSet(whole.values[..., chosen], whole.valid[..., chosen], some.names, {})
        assert identical(part, neutralise(some, exposures, robust=True))


def test_masks_that_only_seem_alike_share_nothing(monkeypatch):
    factors, exposures = case(12)
    expected = neutralise(factors, exposures)
    monkeypatch.setattr(
        REGRESSION, "_odd_numbers", lambda *shape: torch.zeros(shape[0], 1, shape[1], dtype=torch.int64)
    )
    assert identical(expected, neutralise(factors, exposures)), "all sums are 0, so all masks look like one"


def test_results_can_go_to_a_map_or_replace_their_input(tmp_path: Path):
    factors, exposures = case(13)
    expected = neutralise(factors, exposures)
    maps = [
        np.lib.format.open_memmap(tmp_path / f"{name}.npy", mode="w+", dtype=kind, shape=SHAPE)
        for name, kind in (("values", np.float32), ("valid", np.bool_))
    ]
    maps[0][:], maps[1][:] = factors.values, factors.valid
    stored = FactorSet(maps[0], maps[1], factors.names, {})
    assert neutralise(stored, exposures, out=stored) is stored and identical(stored, expected)
    assert not identical(expected, factors), "the input was left as it was"


# ------------------------------------------------- what is kept for later


def test_exposures_prepared_by_one_call_serve_another_with_other_options():
    factors, exposures = case(18)
    for options in ({"size": 2}, {"size": 0}, {"size": 1}, {"size": 0}, {"size": 2}):
        fresh = replace(exposures)
        assert not fresh.prepared and identical(
            neutralise(factors, exposures, **options), neutralise(factors, fresh, **options)
        )
    assert len(exposures.prepared) == 2, "with and without market values"
    assert MEMBERS.members_of(exposures, sized=True, device=torch.device("cpu")) is exposures.prepared["cpu", True]
    values = torch.from_numpy(factors.values)
    alike = [neutralise_block(x, torch.from_numpy(factors.valid), exposures)[0] for x in (values, values.double())]
    assert alike[1].dtype == torch.float64 and torch.allclose(alike[0].double(), alike[1], atol=FLOAT32)


def test_preparation_follows_the_device():
    _, exposures = case(18)
    for device in (torch.device("cpu"), torch.device("meta")):
        members = MEMBERS.members_of(exposures, sized=True, device=device)
        assert {x.device.type for x in (members.codes, members.size, members.part)} == {device.type}


def test_exposures_do_not_follow_arrays_that_change_later():
    """Nor can they be written to: what was prepared from them would be stale."""
    factors, start = case(19)
    arrays = {name: getattr(start, name).copy() for name in ("codes", "log_cap", "market")}
    read_only = {name: array.view() for name, array in arrays.items()}  # views of what can still be written
    for array in read_only.values():
        array.flags.writeable = False
    for given in (arrays, read_only):
        exposures = Exposures(**given)
        before = neutralise(factors, exposures, strength="adaptive")
        kept = {name: array.copy() for name, array in arrays.items()}
        arrays["codes"][:], arrays["log_cap"][:], arrays["market"][:] = 0, 1.0, 0.5
        exposures.prepared.clear()
        assert identical(before, neutralise(factors, exposures, strength="adaptive"))
        for name, array in kept.items():
            arrays[name][:] = array
            with pytest.raises(ValueError, match="read-only"):
                getattr(exposures, name)[0] = 0


def test_rows_of_exposures_are_views():
    _, exposures = case(19)
    assert np.shares_memory(exposures.rows(2, 5).log_cap, exposures.log_cap)


# ------------------------------------------------------------- bad days


def test_the_only_member_of_an_industry_has_residual_0_and_stays_valid():
    found = one_day([1, 2, 4, 8, 16, 99], [0, 0, 0, 0, 0, 1], [1, 2, 4, 3, 7, 5])
    assert found.valid.all() and abs(found.values[0, 5, 0]) < 1e-12 < np.abs(found.values[0, :5, 0]).min()


def test_size_without_spread_within_industries_is_dropped():
    codes, cap = [0, 0, 0, 1, 1, 1], [5, 5, 5, 7, 7, 7]
    y = [1.0, 2, 4, 3, 5, 8]
    assert identical(one_day(y, codes, cap), one_day(y, codes, cap, size=0))
    two = [5, 5, 6, 6, 6, 5]  # two sizes only: the square adds nothing
    assert identical(one_day(y, codes, two), one_day(y, codes, two, size=1))
    assert not identical(one_day(y, codes, two), one_day(y, codes, two, size=0))


@pytest.mark.parametrize("spread", [0.0, 1e-10])
@pytest.mark.parametrize("industries", [1, 7])
def test_size_that_is_round_off_is_dropped(industries, spread):
    """Market values equal to ten digits within industries: their differences are no size effect."""
    rng = np.random.default_rng(17)
    factors, exposures = case(17)
    codes = np.where(exposures.codes < 0, -1, exposures.codes % industries)
    level = 23 + rng.normal(size=industries)
    flat = Exposures(codes, level[codes] + spread * rng.normal(size=codes.shape))
    with_size, without = neutralise(factors, flat), neutralise(factors, flat, size=0)
    assert np.abs(with_size.values - without.values).max() < FLOAT32


def test_no_more_cells_than_regressors_leaves_0():
    for y, codes in ([1.0, 5.0, 2.0], [0, 0, 0]), ([3.0, 1.0], [0, 1]), ([3.0], [0]):
        found = one_day(y, codes, [1.0, 2.0, 4.0][: len(y)])
        assert found.valid.all() and not found.values.any()


@pytest.mark.parametrize("robust", [False, True])
def test_a_factor_made_of_industry_and_size_leaves_0(robust):
    _, exposures = case(14)
    spanned = np.nan_to_num(exposures.log_cap) * 2 + exposures.codes
    factors = factor_set(np.stack([spanned, 0 * spanned + 3], axis=-1), np.ones((*SHAPE[:2], 2), dtype=bool))
    found = neutralise(factors, exposures, robust=robust)
    assert found.valid.sum() == 2 * (found.valid[..., 0].sum()) > 0 and not found.values[..., 1].any()
    assert not neutralise(factors, exposures, strength=1.0).values.any()


def test_days_without_cells_industries_or_sizes():
    factors, exposures = case(15)
    valid, codes, log_cap = factors.valid.copy(), exposures.codes.copy(), exposures.log_cap.copy()
    valid[2], codes[5], log_cap[7] = False, -1, np.nan
    changed = replace(exposures, codes=codes, log_cap=log_cap)
    for options in OPTIONS:
        found = neutralise(replace(factors, valid=valid), changed, **options)
        assert not found.valid[[2, 5, 7]].any() and not found.values[[2, 5, 7]].any()
        assert found.valid[[0, 1, 3, 4, 6]].any(axis=(1, 2)).all() and np.isfinite(found.values).all()
    nobody = replace(exposures, codes=np.full_like(codes, -1))
    assert not neutralise(factors, nobody).valid.any()


# --------------------------------------------------------- from a panel


def panel_with(fields: dict[str, np.ndarray], source: Panel) -> Panel:
    return Panel.from_arrays(
        source.dates, source.symbols, fields, source.reasons.copy(), source.universe.copy(), market=source.market
    )


@pytest.fixture(scope="module")
def panel() -> Panel:
    return rough_panel(30, 60)


def test_exposures_of_a_panel(panel):
    found = Exposures.from_panel(panel)
    part = panel.mask & panel.universe
    assert np.array_equal(found.codes >= 0, part)
    names = panel.fields["industry"]
    assert all(len(np.unique(names[found.codes == code])) == 1 for code in range(found.codes.max() + 1))
    assert np.array_equal(np.isfinite(found.log_cap), panel.mask & (panel.fields["float_mkt_cap"] > 0))
    assert np.allclose(np.exp(found.log_cap[part]), panel.fields["float_mkt_cap"][part])
    both = part[1:] & panel.mask[:-1]
    expected = [panel.returns[t][both[t - 1]].mean() for t in range(1, 60)]
    assert np.isnan(found.market[0]) and np.allclose(found.market[1:], expected)


@pytest.mark.parametrize("poison", POISON)
def test_exposures_never_look_at_masked_cells(panel, poison):
    limit = (panel.reasons & (Reason.LIMIT_UP | Reason.LIMIT_DOWN)) > 0
    fields = {name: values for name, values in panel.fields.items() if name != "limit_pct"}
    kept = ("close", "pre_close", "adj_factor")  # a limit day traded: the returns of the next day read these
    for name, values in fields.items():
        hidden = ~panel.mask & ~limit if name in kept else ~panel.mask
        fields[name] = np.where(hidden, poison if values.dtype.kind == "f" else values[0, 0], values)
    clean, dirty = Exposures.from_panel(panel), Exposures.from_panel(panel_with(fields, panel))
    for name in ("codes", "log_cap", "market"):
        assert np.array_equal(getattr(clean, name), getattr(dirty, name), equal_nan=name != "codes")


def test_missing_labels_and_sizes_take_no_part(panel):
    labels = np.where(np.arange(30) == 3, "", panel.fields["industry"])
    cap = np.where(np.arange(30) == 4, -1.0, panel.fields["float_mkt_cap"])
    found = Exposures.from_panel(panel_with(panel.fields | {"industry": labels, "cap": cap}, panel))
    assert (found.codes[:, 3] < 0).all() and np.isnan(found.log_cap[:, 4]).all()
    numbers = np.broadcast_to(np.where(np.arange(30) == 3, np.nan, np.arange(30) % 4.0), panel.shape)
    assert (Exposures.from_panel(panel_with(panel.fields | {"industry": numbers}, panel)).codes[:, 3] < 0).all()
    whole = Exposures.from_panel(panel, industry=None)
    assert set(np.unique(whole.codes)) == {-1, 0}


# ------------------------------------------------------------ the strength


def test_adaptive_strength_equals_a_loop_over_days():
    market = np.random.default_rng(1).standard_t(3, 90) * 0.01
    market[[0, 17, 40]] = np.nan
    rule = AdaptiveStrength(base=0.7, sensitivity=0.9, short=5, long=30)
    for t, alpha in enumerate(rule.at(market)):
        short, long = (np.nanstd(w) if np.isfinite(w).any() else 0.0
                       for w in (market[max(0, t - d + 1) : t + 1] for d in (5, 30)))  # fmt: skip
        assert alpha == pytest.approx(np.clip(0.7 * (1 + 0.9 * ((short - long) / long if long else 0)), 0, 1))
    assert 0 < rule.at(market).min() < 0.7 < rule.at(market).max() == 1


def test_adaptive_strength_reads_no_later_day():
    market = np.random.default_rng(2).normal(0, 0.01, 60)
    rule = AdaptiveStrength(short=5, long=30)
    for t in (7, 31, 50):
        changed = np.where(np.arange(60) >= t, 1.0, market)
        assert np.array_equal(rule.at(changed)[:t], rule.at(market)[:t])
        assert np.array_equal(rule.at(market[:t]), rule.at(market)[:t])


# ------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"components": 6}, "components: got 6; expected 0 to F - 1 = 5"),
        ({"components": -1}, "components: got -1"),
        ({"size": 3}, "size: got 3"),
        ({"strength": 1.2}, r"strength: got 1.2; expected numbers in \[0,1\]"),
        ({"strength": np.ones(3)}, "one for each of 12 days"),
        ({"strength": np.nan}, "strength: got nan"),
        ({"strength": "high"}, "strength: got 'high'; expected 'adaptive'"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ParameterError, match=message):
        neutralise(*case(0), **options)


def test_bad_exposures_are_named(panel):
    factors, exposures = case(0)
    with pytest.raises(ParameterError, match="factors are 12 dates x 60 stocks, exposures 11 x 60"):
        neutralise(factors, exposures.rows(0, 11))
    with pytest.raises(ParameterError, match="no market values: add a field cap or float_mkt_cap"):
        neutralise(factors, replace(exposures, log_cap=None))
    with pytest.raises(ParameterError, match="adaptive strength needs the market's returns"):
        neutralise(factors, replace(exposures, market=None), strength="adaptive")
    with pytest.raises(ParameterError, match="out: got values"):
        neutralise(factors, exposures, out=replace(factors, valid=factors.valid[:3]))
    with pytest.raises(ParameterError, match=r"codes: got float64"):
        Exposures(np.zeros((2, 3)))
    with pytest.raises(UnknownNameError, match=r"'industri', which the panel lacks; did you mean 'industry'"):
        Exposures.from_panel(panel, industry="industri")
    assert neutralise(factors, replace(exposures, log_cap=None), size=0).valid.any()


# ------------------------------------------------------------- tensors


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_tensors_of_some_dates(device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    factors, exposures = case(16)
    whole = neutralise(factors, exposures, components=1)
    values, valid = torch.from_numpy(factors.values).to(device), torch.from_numpy(factors.valid).to(device)
    kept = values.clone()
    found, mask = neutralise_block(values[3:5], valid[3:5], exposures.rows(3, 5), components=1)
    assert found.device.type == device and torch.equal(values, kept)
    assert np.array_equal(mask.cpu().numpy(), whole.valid[3:5])
    assert np.abs(found.cpu().numpy() - whole.values[3:5]).max() < FLOAT32
    one = values[:1, :, :1].double()
    before = one.clone()
    assert neutralise_block(one, valid[:1, :, :1], exposures.rows(0, 1))[0].dtype == torch.float64
    assert torch.equal(one, before), "the input was written to"
    with pytest.raises(ParameterError, match=r"strength: got 1\.5"):
        neutralise_block(values[:1], valid[:1], exposures.rows(0, 1), strength=1.5)
