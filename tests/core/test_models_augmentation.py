"""Synthetic panels: estimates in closed form, prices that could have been printed, nothing masked and nothing later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lib.errors import ParameterError
from lib.evaluation.variants import VARIANTS, compute_features, variant_dataset
from lib.market import make_market
from lib.models.augmentation import BLOCK, KINDS, estimate, joined, labelled, synthetic_panel
from lib.models.augmentation.synthetic import _block_days, _student
from lib.models.dataset import Dataset
from lib.models.neural import neural
from lib.models.splits import Split
from lib.panel import Panel

FIELDS = ("open", "high", "low", "close", "volume", "vwap", "amount", "pre_close")
SHAPE = (300, 16)


@pytest.fixture(scope="module")
def real() -> Panel:
    """A lively market: limits bind, stocks halt, one stock is never valid, one not on the last day."""
    panel = make_market(SHAPE[1], SHAPE[0], 3, limit_rates="paper", vol_median=0.03, halt_rate=0.03).panel
    reasons = panel.reasons.copy()
    reasons[:, 4] = 1
    reasons[-1, 2] = 4
    return replace(panel, reasons=reasons)


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest, real: Panel) -> Panel:
    return synthetic_panel(real, np.random.default_rng(5), kind=request.param, freedom=4.0)


def equal(a: Panel, b: Panel) -> bool:
    return all(np.array_equal(a.fields[name], b.fields[name]) for name in FIELDS) and (
        np.array_equal(a.reasons, b.reasons) and a.symbols.tolist() == b.symbols.tolist()
    )


# ------------------------------------------------------------------------------------------ estimates


def test_estimates_are_those_of_a_loop_over_valid_days(real):
    found = estimate(real)
    for n in range(SHAPE[1]):
        days = [t for t in range(1, SHAPE[0]) if real.price_valid[t, n] and real.price_valid[t - 1, n]]
        r = [float(np.log(real.fields["close"][t, n] / real.fields["pre_close"][t, n])) for t in days]
        assert found.count[n] == len(r)
        if not r:
            assert np.isnan(found.drift[n]) and np.isnan(found.innovation[:, n]).all()
            continue
        mean = sum(r) / len(r)
        variance = sum((x - mean) ** 2 for x in r) / (len(r) - 1)
        assert found.volatility[n] ** 2 == pytest.approx(variance)
        assert found.drift[n] == pytest.approx(mean + variance / 2)  # A eq. 21
        known = found.innovation[days, n]
        assert known == pytest.approx([(x - mean) / variance**0.5 for x in r])
        assert np.isfinite(found.innovation[:, n]).sum() == len(r)


def test_estimates_are_the_maximum_of_the_likelihood_up_to_n_minus_1(real):
    found = estimate(real)
    n = int(found.count.argmax())
    r = found.mean[n] + found.volatility[n] * found.innovation[found.valid[:, n], n]

    def likelihood(mean: float, sigma: float) -> float:
        return float(-np.log(sigma) * len(r) - ((r - mean) ** 2).sum() / (2 * sigma**2))

    best = found.mean[n], found.volatility[n] * np.sqrt((len(r) - 1) / len(r))
    others = [(best[0] * a, best[1] * b) for a, b in ((1.02, 1), (0.98, 1), (1, 1.02), (1, 0.98))]
    assert all(likelihood(*best) > likelihood(*other) for other in others)


# -------------------------------------------------------------------------------------- what is printed


def test_prices_could_have_been_printed(made):
    o, h, low, c, pre = (made.fields[name] for name in ("open", "high", "low", "close", "pre_close"))
    assert (low <= np.minimum(o, c)).all() and (np.maximum(o, c) <= h).all() and (low >= 0.01).all()
    up, down = made.fields["limit_up"], made.fields["limit_down"]
    assert (h <= up).all() and (low >= down).all()
    ticks = np.stack([o, h, low, c]) * 100
    assert np.abs(ticks - np.rint(ticks)).max() < 1e-6
    vwap, volume = made.fields["vwap"], made.fields["volume"]
    assert ((vwap >= low - 1e-9) & (vwap <= h + 1e-9)).all() and (volume >= 1).all()
    assert np.allclose(made.fields["amount"], volume * vwap)
    step = pre[1:] / c[:-1]
    assert np.isin(np.rint(step), (1, 10)).all() and np.allclose(step, np.rint(step))  # merged or not
    assert np.allclose(made.adj_factor, made.fields["adj_factor"])
    assert made.traded.all()


def test_a_close_at_its_limit_is_masked_for_that(made):
    at = (made.fields["close"] == made.fields["limit_up"]) | (made.fields["close"] == made.fields["limit_down"])
    assert np.array_equal(~made.price_valid, at) and at.any()


def test_stocks_and_labels_are_those_of_the_panel(real, made):
    kept = np.arange(SHAPE[1]) != 4
    assert made.symbols.tolist() == real.symbols[kept].tolist()
    assert made.dates.tolist() == real.dates.tolist()
    for name in ("industry", "board", "limit_pct"):
        assert (made.fields[name] == real.fields[name][-1, kept]).all()


def test_limits_are_those_of_the_board_or_there_are_none(real):
    fields = {name: real.fields[name] for name in ("open", "high", "low", "close", "volume")}
    plain = Panel.from_arrays(real.dates, real.symbols, fields, reasons=real.reasons, market="none")
    free = synthetic_panel(plain, np.random.default_rng(0), kind="iid", freedom=2.5)
    assert free.price_valid.all() and "limit_up" not in free.fields
    move = np.abs(np.log(free.fields["close"] / free.fields["pre_close"]))
    assert move.max() > 0.2
    board = Panel.from_arrays(real.dates, real.symbols, fields, reasons=real.reasons, market="cn")
    bound = synthetic_panel(board, np.random.default_rng(0), kind="iid", freedom=2.5)
    assert {round(x) for x in np.unique(bound.fields["limit_pct"])} == {10, 20}
    assert (np.abs(bound.fields["close"] / bound.fields["pre_close"] - 1) < 0.21).all()


# ------------------------------------------------------------------------------ nothing masked, nothing later


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("kind", KINDS)
def test_no_cell_of_a_masked_day_is_read(real, kind, poison):
    masked = ~real.price_valid
    assert masked[:, :4].any()
    fields = {name: np.where(masked, poison, values) if values.dtype.kind == "f" else values
              for name, values in real.fields.items()}  # fmt: skip
    for name in ("industry", "board"):
        fields[name] = np.where(masked, "poison", real.fields[name])
    ruined = Panel.from_arrays(real.dates, real.symbols, fields, reasons=real.reasons, market="cn")
    clean = synthetic_panel(real, np.random.default_rng(9), kind=kind)
    assert equal(clean, synthetic_panel(ruined, np.random.default_rng(9), kind=kind))


@pytest.mark.parametrize("kind", KINDS)
def test_no_day_after_the_end_of_training_is_read(real, kind):
    stop = 200
    fields = {name: values.copy() for name, values in real.fields.items()}
    for name in ("open", "high", "low", "close", "pre_close", "vwap", "limit_up", "limit_down", "float_mkt_cap"):
        fields[name][stop:] *= 3.0
    fields["volume"][stop:] = 12_345.0
    reasons = real.reasons.copy()
    reasons[stop:] ^= 1
    later = Panel.from_arrays(real.dates, real.symbols, fields, reasons=reasons, market="cn")
    sides = [synthetic_panel(side.rows(0, stop), np.random.default_rng(2), kind=kind) for side in (real, later)]
    assert equal(*sides)
    assert not equal(sides[0], synthetic_panel(later.rows(0, stop + 1), np.random.default_rng(2), kind=kind))


def test_the_same_numbers_give_the_same_panel_and_others_another(real):
    panels = [synthetic_panel(real, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert equal(*panels[:2]) and not equal(panels[0], panels[2])


# ------------------------------------------------------------------------------------------- what is kept


def test_blocks_are_runs_of_consecutive_days_shared_or_each_stocks_own():
    rng = np.random.default_rng(0)
    for shared in (True, False):
        day = _block_days((100, 7), shared, rng)
        assert day.shape == (100, 7) and day.min() >= 0 and day.max() < 100
        for begin in range(0, 100, BLOCK):
            block = day[begin : begin + BLOCK]
            assert (np.diff(block, axis=0) == 1).all()
        assert (day == day[:, :1]).all() == shared


def test_students_t_has_variance_one_and_heavy_tails():
    drawn = _student(5.0, (400_000,), np.random.default_rng(0))
    assert drawn.var() == pytest.approx(1.0, abs=0.02)
    assert 3 < (drawn**4).mean() / drawn.var() ** 2 - 3 < 12  # 6


def test_each_kind_keeps_what_it_says():
    """Correlation between stocks in rows of days, clustering within a stock's blocks, neither of them if iid."""
    real = make_market(30, 600, 1, market_sd=0.02, vol_swing=0.8, jump_rate=0.0).panel
    correlation, clustering = {}, {}
    for kind in KINDS:
        panel = synthetic_panel(real, np.random.default_rng(0), kind=kind)
        r = np.log(panel.fields["close"] / panel.fields["pre_close"])
        pairs = np.corrcoef(r.T)
        correlation[kind] = (pairs.sum() - len(pairs)) / (len(pairs) * (len(pairs) - 1))
        size = np.abs(r) - np.abs(r).mean(axis=0)
        clustering[kind] = float(((size[1:] * size[:-1]).mean(axis=0) / (size**2).mean(axis=0)).mean())
    assert correlation["row_blocks"] > 0.2 and abs(correlation["iid"]) < 0.05 > abs(correlation["stock_blocks"])
    assert clustering["stock_blocks"] > 0.08 < clustering["row_blocks"] and abs(clustering["iid"]) < 0.03


def test_drift_and_volatility_come_back(real):
    wide = replace(real, market="none")
    before = estimate(wide)
    kept = before.count >= 60
    after = [estimate(synthetic_panel(wide, np.random.default_rng(k), kind="iid")) for k in range(20)]
    sigma = np.mean([item.volatility for item in after], axis=0)
    assert sigma == pytest.approx(before.volatility[kept], rel=0.05)
    error = before.volatility[kept] / np.sqrt(20 * SHAPE[0])
    assert (np.abs(np.mean([item.mean for item in after], axis=0) - before.mean[kept]) < 4 * error).all()


# -------------------------------------------------------------------------------------------- samples


def small(days: int, stocks: int = 5, shift: float = 0.0) -> Dataset:
    day, stock = (part.ravel() for part in np.meshgrid(np.arange(days), np.arange(stocks), indexing="ij"))
    label = day + 0.1 * stock + shift
    return Dataset(np.stack([label, -label], axis=1).astype(np.float32), label, day, stock, (days, stocks))


def test_joined_parts_follow_each_other_and_the_validation_is_last():
    parts, validation = [small(4), small(3, shift=100)], small(2, shift=200)
    sample, split = joined(parts, validation)
    assert split == Split(0, 7, 7, 9, 9, 9) and (np.diff(sample.day) >= 0).all()
    features, label = sample.training(split.fit_start, split.fit_stop)
    assert label.tolist() == [*parts[0].label, *parts[1].label] and np.allclose(features[:, 0], label)
    held = sample.training(split.validation_start, split.validation_stop)[1]
    assert held.tolist() == validation.label.tolist() and not set(held) & set(label)


def test_labelled_samples_keep_whole_days_and_nothing_else():
    data = small(30)
    data.label[data.day == 12] = np.nan
    found = labelled(data, 10, 20)
    assert sorted(set(found.day.tolist())) == [0, 1, 3, 4, 5, 6, 7, 8, 9] and found.shape == (10, 5)
    some = labelled(data, 10, 20, 17, np.random.default_rng(0))
    days, count = np.unique(some.day, return_counts=True)
    assert len(days) == 3 and (count == 5).all() and set(some.label) <= set(found.label)
    again = labelled(data, 10, 20, 17, np.random.default_rng(0))
    assert np.array_equal(some.label, again.label)
    assert len(np.unique(labelled(data, 10, 20, 1, np.random.default_rng(1)).day)) == 1


def test_a_network_learns_from_a_real_sample_and_a_synthetic_one(real):
    names = ("alpha_101", "stock_006", "old_029")
    both = [real.rows(0, 250), synthetic_panel(real.rows(0, 200), np.random.default_rng(0))]
    data, extra = (variant_dataset(p, VARIANTS["mask_skip"], compute_features(p, "skip", names)) for p in both)
    first, held, second = labelled(data, 0, 200), labelled(data, 202, 240), labelled(extra, 0, 200)
    predictions = []
    for parts in ([first], [first, second], [first, first]):
        sample, split = joined(parts, held)
        assert len(sample.training(0, split.fit_stop)[1]) == sum(len(part.label) for part in parts)
        predictions.append(neural(sample, 0, epochs=1, batch=512)(split)(data.features[:50]))
    assert np.isfinite(predictions).all() and not np.allclose(predictions[1], predictions[2])


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"kind": "blocks"}, "expected one of iid"),
        ({"freedom": 2.0}, "more than 2"),
        ({"freedom": np.nan}, "more than"),
    ],
)
def test_what_cannot_be_drawn_is_refused(real, options, word):
    with pytest.raises(ParameterError, match=word):
        synthetic_panel(real, np.random.default_rng(0), **options)


def test_too_little_is_refused(real):
    rng = np.random.default_rng(0)
    with pytest.raises(ParameterError, match="one block of 21"):
        synthetic_panel(real.rows(0, 20), rng)
    with pytest.raises(ParameterError, match="no stock with 60 valid days"):
        synthetic_panel(real.rows(0, 40), rng)
    with pytest.raises(ParameterError, match=r"no label on the days \[90, 99\)"):
        labelled(small(30), 90, 99)
    with pytest.raises(ParameterError, match="no rng"):
        labelled(small(30), 0, 9, 5)
    with pytest.raises(ParameterError, match="no samples to fit"):
        joined([], small(3))
