"""Panel: naive loops, poison in masked cells, and a future that may not matter."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
from panels import SOURCES, SYMBOLS, codes, days, flat, lively, one

from lib.errors import PanelError, UnknownNameError
from lib.panel import PRICE_LIKE, Panel
from lib.reasons import PRICES, previous

POISON = (math.nan, math.inf, -math.inf, 1e30)


def everything(panel: Panel) -> dict[str, np.ndarray]:
    """All that a panel derives."""
    out = {"reasons": panel.reasons, "universe": panel.universe, "returns": panel.returns, "gap": panel.gap}
    out |= {"adj_factor": panel.adj_factor, "previous_close": panel.previous_close}
    for kind in ("observed", "halt", "full"):
        out[kind] = panel.with_mask(kind).mask
    for at in ("close", "open"):
        out |= {f"buy {at}": panel.can_buy(at), f"sell {at}": panel.can_sell(at)}
    return out | {f"adjusted {name}": panel.adjusted(name) for name in panel.fields}


def assert_same(got: dict[str, np.ndarray], wanted: dict[str, np.ndarray], cells: Any = ...) -> None:
    for name, values in wanted.items():
        np.testing.assert_array_equal(got[name][cells], values[cells], err_msg=name)


# -- look-ahead and poison ------------------------------------------------------------------------


@pytest.mark.parametrize("market", ["cn", "none"])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("seed", range(3))
def test_the_future_changes_nothing_before_it(seed: int, source: str, market: str) -> None:
    rng = np.random.default_rng(seed)
    fields = {n: v for n, v in lively(rng).items() if n not in SOURCES[source]}
    dates, cut = days(60), int(rng.integers(10, 50))
    whole = everything(Panel.from_arrays(dates, SYMBOLS, fields, market=market))
    other = {n: v.copy() for n, v in lively(rng).items() if n in fields}
    gone = rng.random(len(SYMBOLS)) < 0.5
    for name, values in other.items():
        values[:cut] = fields[name][:cut]
        values[cut:, gone] = math.nan  # delisted
    changed = everything(Panel.from_arrays(dates, SYMBOLS, other, market=market))
    assert_same(changed, whole, slice(0, cut))
    deleted = {name: values[:cut] for name, values in fields.items()}
    assert_same(everything(Panel.from_arrays(dates[:cut], SYMBOLS, deleted, market=market)), {
        name: values[:cut] for name, values in whole.items()
    })  # fmt: skip


@pytest.mark.parametrize("poison", POISON)
def test_with_reasons_given_masked_values_are_never_looked_at(poison: float) -> None:
    fields = lively(np.random.default_rng(7))
    clean = Panel.from_arrays(days(60), SYMBOLS, fields, market="cn")
    off = ~clean.traded
    given = Panel.from_arrays(days(60), SYMBOLS, fields, clean.reasons, market="cn")
    poisoned = {name: np.where(off, poison, values) for name, values in fields.items()}
    panel = Panel.from_arrays(days(60), SYMBOLS, poisoned, clean.reasons, market="cn")
    got, wanted = everything(panel), everything(given)
    assert off.sum() > 50
    for name in ("reasons", "universe", "observed", "halt", "full", "buy open", "buy close", "sell open"):
        np.testing.assert_array_equal(got[name], wanted[name], err_msg=name)
    # on halted days the day's own values are poison; everywhere else nothing may have changed
    assert_same(got, wanted, clean.traded)
    absent = ~clean.observed
    np.testing.assert_array_equal(panel.adj_factor[absent], given.adj_factor[absent])
    assert np.isnan(panel.returns[absent]).all()


@pytest.mark.parametrize("poison", POISON)
def test_poisoned_halts_do_not_reach_returns_without_pre_close(poison: float) -> None:
    fields = flat([10.0, 10.0, 10.5])
    reasons = np.array([[0], [4], [0]], dtype=np.uint8)
    for name in PRICES:
        fields[name][1] = poison
    panel = one(fields, reasons=reasons)
    assert panel.returns[2, 0] == pytest.approx(0.05)
    assert codes(panel) == [0, 4, 0]


def test_given_reasons_are_taken_as_they_are() -> None:
    reasons = np.array([[127], [8], [0]], dtype=np.uint8)
    panel = one(flat([10.0, 10.0, 99.0]), reasons=reasons)
    assert codes(panel) == [127, 8, 0]
    assert panel.notes == {"reasons": "given"}
    assert panel.mask[:, 0].tolist() == [False, False, True]


def test_an_open_that_is_missing_cannot_be_traded_at() -> None:
    fields = flat([10.0, 10.0])
    fields["open"][1] = math.nan
    panel = one(fields, reasons=np.zeros((2, 1), np.uint8))
    assert panel.can_buy("open")[:, 0].tolist() == panel.can_sell("open")[:, 0].tolist() == [True, False]
    assert panel.can_buy("close").all()
    with pytest.raises(PanelError, match="'close' or 'open'"):
        panel.can_buy("noon")  # type: ignore[arg-type]


# -- prices ---------------------------------------------------------------------------------------


def naive_adjustment(panel: Panel) -> np.ndarray:
    """Running product over the traded days, one cell at a time."""
    out = np.ones(panel.shape)
    for n in range(panel.shape[1]):
        factor, last = 1.0, math.nan
        for t in range(panel.shape[0]):
            close, pre = panel.fields["close"][t, n], panel.fields["pre_close"][t, n]
            step = last / pre if panel.observed[t, n] and math.isfinite(last) else 1.0
            out[t, n] = factor * step
            if panel.traded[t, n]:
                factor, last = out[t, n], close
    return out


def test_adjustment_equals_a_naive_loop() -> None:
    panel = Panel.from_arrays(days(60), SYMBOLS, lively(np.random.default_rng(1)), market="cn")
    np.testing.assert_allclose(panel.adj_factor, naive_adjustment(panel), rtol=1e-12)
    assert panel.adj_factor.max() > 1.5


def test_adjusted_prices_move_by_the_returns() -> None:
    fields = flat([10.0, 11.0, 5.5, 5.5, 6.0], pre_close=[10, 10, 5.5, 5.5, 5.5])
    fields["volume"][:, 0] = [100, 100, 200, 0, 200]
    panel = one(fields, "none")
    assert panel.adj_factor[:, 0].tolist() == [1, 1, 2, 2, 2]
    assert panel.adjusted("close")[:, 0].tolist() == [10, 11, 11, 11, 12]
    assert panel.adjusted("volume")[:, 0].tolist() == [100, 100, 100, 0, 100]
    adjusted = panel.adjusted("close")[:, 0]
    np.testing.assert_allclose(adjusted[1:] / adjusted[:-1] - 1, panel.returns[1:, 0], atol=1e-15)


def test_an_ex_date_inside_a_halt_is_adjusted_once() -> None:
    # halted on the ex-date; the stale close of the second halted day must not count
    fields = flat([10.0, 5.0, 99.0, 5.5], pre_close=[10, 5, 5, 5], halted=[0, 1, 1, 0])
    panel = one(fields, "none")
    assert panel.adj_factor[:, 0].tolist() == [1, 2, 2, 2]
    assert panel.adjusted("close")[:, 0].tolist() == [10, 10, 10, 11]
    np.testing.assert_allclose(panel.returns[:, 0], [0, 0, 0, 0.1])


def test_the_factor_is_one_until_the_first_traded_day() -> None:
    fields = flat([1.25, 1.25, 14.0, 7.0], pre_close=[1.25, 1.25, 2.0, 7.0], halted=[1, 1, 0, 0])
    assert one(fields, "none").adj_factor[:, 0].tolist() == [1, 1, 1, 2]


def test_returns_and_gap_with_and_without_pre_close() -> None:
    fields = flat([10.0, 11.0, math.nan, 12.1])
    fields["open"][1] = 10.5
    panel = one(fields, "none")
    np.testing.assert_allclose(panel.returns[:, 0], [math.nan, 0.1, math.nan, 0.1])
    np.testing.assert_allclose(panel.gap[:, 0], [math.nan, 0.05, math.nan, 0.1])
    assert (panel.adj_factor == 1).all()
    panel = one(fields | flat([0] * 4, pre_close=[8, 10, 11, 0]) | fields, "none")
    np.testing.assert_allclose(panel.returns[:, 0], [0.25, 0.1, math.nan, math.nan])


def test_adjusted_scales_prices_and_nothing_else() -> None:
    panel = Panel.from_arrays(days(60), SYMBOLS, lively(np.random.default_rng(2)), market="cn")
    halted = panel.observed & ~panel.traded
    for name, values in panel.fields.items():
        factor = panel.adj_factor if name in PRICE_LIKE else 1 / panel.adj_factor if name == "volume" else 1
        values = np.where(halted & (name in PRICES), panel.fields["pre_close"], values)
        np.testing.assert_allclose(panel.adjusted(name), values * factor, rtol=1e-12)
    assert panel.adjusted("amount").flags.writeable
    with pytest.raises(UnknownNameError, match="did you mean 'close'"):
        panel.adjusted("clos")
    with pytest.raises(PanelError, match="label"):
        one(flat([1.0]) | {"industry": np.array([["J66"]])}).adjusted("industry")


def test_previous_is_the_last_usable_value() -> None:
    values = np.array([[1.0], [2.0], [3.0], [4.0]])
    usable = np.array([[True], [False], [True], [True]])
    np.testing.assert_array_equal(previous(values, usable).ravel(), [math.nan, 1, 1, 3])


# -- masks, cuts, identity ------------------------------------------------------------------------


def test_with_mask_changes_the_mask_and_nothing_else() -> None:
    panel = Panel.from_arrays(days(60), SYMBOLS, lively(np.random.default_rng(3)), market="cn")
    raw, halt = panel.with_mask("observed"), panel.with_mask("halt")
    np.testing.assert_array_equal(raw.mask, panel.observed)
    np.testing.assert_array_equal(halt.mask, panel.traded)
    np.testing.assert_array_equal(panel.mask, panel.price_valid)
    assert panel.mask.sum() < halt.mask.sum() < raw.mask.sum()
    np.testing.assert_array_equal(raw.can_buy(), panel.can_buy())
    with pytest.raises(PanelError, match="unknown mask 'all'"):
        panel.with_mask("all")  # type: ignore[arg-type]


def test_until_is_exclusive_for_an_index_and_for_a_date() -> None:
    panel = Panel.from_arrays(days(60), SYMBOLS, lively(np.random.default_rng(4)), market="cn")
    whole = everything(panel)
    for end in (20, panel.dates[20], str(panel.dates[20]), panel.dates[20].item()):
        part = panel.until(end)
        assert part.shape == (20, 6)
        assert_same(everything(part), {name: values[:20] for name, values in whole.items()})
    assert panel.until(panel.dates[19] + 1).shape[0] == 20
    assert panel.until(-1).shape[0] == 59
    for nothing in (0, "1999-01-01"):
        with pytest.raises(PanelError, match="no dates left"):
            panel.until(nothing)
    for wrong in ("tomorrow", 61, 2024, -61, True):
        with pytest.raises(PanelError, match=f"^end is {wrong!r}"):
            panel.until(wrong)


def test_a_cut_keeps_the_adjustment() -> None:
    panel = Panel.from_arrays(days(60), SYMBOLS, lively(np.random.default_rng(4)), market="cn")
    part = panel.rows(30, 50)
    np.testing.assert_array_equal(part.adj_factor, panel.adj_factor[30:50])
    np.testing.assert_array_equal(part.rows(5, 10).adjusted("close"), panel.adjusted("close")[35:40])


def test_fingerprint_sees_every_part() -> None:
    fields = lively(np.random.default_rng(5))
    base = Panel.from_arrays(days(60), SYMBOLS, fields, market="cn")
    assert Panel.from_arrays(days(60), SYMBOLS, fields, market="cn").fingerprint() == base.fingerprint()
    bumped = {**fields, "close": fields["close"] + 1e-9}
    member = np.ones(base.shape, dtype=bool)
    reasons = base.reasons.copy()
    reasons[3, 3] ^= 1
    others = [
        Panel.from_arrays(days(60), SYMBOLS, bumped, base.reasons, market="cn"),
        Panel.from_arrays(days(60), SYMBOLS, fields, reasons, market="cn"),
        Panel.from_arrays(days(60), SYMBOLS, fields, base.reasons, member, "cn"),
        Panel.from_arrays(days(60), SYMBOLS, fields, base.reasons),
        Panel.from_arrays(days(60), [*SYMBOLS[:-1], "SZ300003"], fields, base.reasons, market="cn"),
        Panel.from_arrays(days(60) + 1, SYMBOLS, fields, base.reasons, market="cn"),
        base.with_mask("observed"),
        base.rows(0, 59),
    ]
    prints = [panel.fingerprint() for panel in (base, *others)]
    assert len(set(prints)) == len(prints)


def test_a_panel_cannot_be_changed_and_does_not_change_its_input() -> None:
    fields = flat([10.0, 11.0])
    panel = one(fields)
    with pytest.raises(ValueError, match="read-only"):
        panel.fields["close"][0] = 1.0
    with pytest.raises(AttributeError):
        panel.market = "none"  # type: ignore[misc]
    fields["close"][0] = 99.0
    assert panel.fields["close"][0, 0] == 10.0
    assert "2 dates 2020-08-03..2020-08-04 x 1 symbols" in repr(panel)


def test_a_panel_can_be_copied() -> None:
    panel = Panel.from_arrays(days(60), SYMBOLS, lively(np.random.default_rng(6)), market="cn")
    assert copy.deepcopy(panel).fingerprint() == panel.fingerprint()


def test_universe_is_taken_or_all_listed() -> None:
    fields = flat([math.nan, 10.0, 11.0])
    assert one(fields).universe[:, 0].tolist() == [False, True, True]
    chosen = np.array([[True], [False], [True]])
    np.testing.assert_array_equal(one(fields, universe=chosen).universe, chosen)


# -- refusals -------------------------------------------------------------------------------------


def refusal(**change: Any) -> dict[str, Any]:
    return {"dates": days(2), "symbols": ["SH600000"], "fields": flat([10.0, 11.0])} | change


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (refusal(market="us"), "market is 'us'"),
        (refusal(dates=days(2)[::-1]), "dates are not sorted"),
        (refusal(dates=np.repeat(days(1), 2)), "dates are repeated"),
        (refusal(dates=[2020, 2021]), r"dates\[0\] is 2020, which is not a date"),
        (refusal(dates=["2020-01-01", "soon"]), r"dates\[1\] is 'soon', which is not a date"),
        (refusal(dates=np.array(["2020-01-01", "NaT"], "M8[D]")), "dates"),
        (refusal(dates=np.array([], "M8[D]")), "at least one"),
        (refusal(symbols=[600000]), "symbols must be text"),
        (refusal(symbols=["B", "A"]), "symbols are not sorted"),
        (refusal(symbols=["A", "A"]), "symbols are repeated"),
        (refusal(symbols=["A", "B"]), r"field 'open' has shape \(2, 1\), expected \(2, 2\)"),
        (refusal(fields={k: v for k, v in flat([1.0, 2.0]).items() if k != "close"} | {"clse": 1}),
         "fields lack close; did you mean 'clse'"),
        (refusal(fields=flat([10.0, 11.0]) | {"vwap": np.array([["a"], ["b"]])}), "field 'vwap' holds <U1"),
        (refusal(fields=flat([10.0, 11.0]) | {"list_date": np.ones((2, 1))}), "expected datetime64"),
        (refusal(reasons=np.zeros((2, 1))), "reasons holds float64, expected uint8"),
        (refusal(reasons=np.zeros((1, 2), np.uint8)), "reasons has shape"),
        (refusal(universe=np.ones((2, 1))), "universe holds float64, expected bool"),
    ],
)  # fmt: skip
def test_bad_arrays_are_refused_in_one_line(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(PanelError, match=words) as caught:
        Panel.from_arrays(**arguments)
    assert "\n" not in str(caught.value)


def test_fields_of_any_number_type_become_float64() -> None:
    fields = flat([10.0, 11.0]) | {"volume": np.array([[100], [200]]), "halted": np.array([[False], [True]])}
    panel = one({name: v.astype(np.float32) if name == "close" else v for name, v in fields.items()})
    assert {v.dtype for v in panel.fields.values()} == {np.dtype(np.float64)}
    labels = one(fields | {"industry": np.array([[3], [3]])})
    assert labels.fields["industry"].dtype == np.int64


@pytest.mark.parametrize(
    "symbol",
    ["sz300001", "300001.XSHE", "sz.300001", "SZ.300001", "300001.sz", " 300001", "300001 ", "0.300001", "300001SZ"],
)
def test_a_symbol_in_another_spelling_is_refused_and_not_given_the_main_boards_band(symbol: str) -> None:
    fields = flat([10.0, 11.0], pre_close=[10.0, 10.0])
    with pytest.raises(PanelError, match=r"^symbols hold '.*' \(1 of 1 so\), whose board .*; expected 600000"):
        Panel.from_arrays(days(2, "2024-01-02"), [symbol], fields, market="cn")
    assert Panel.from_arrays(days(2, "2024-01-02"), [symbol], fields).shape == (2, 1)
    for known in ("SZ300001", "300001.SZ", "300001"):
        assert Panel.from_arrays(days(2, "2024-01-02"), [known], fields, market="cn").can_buy().all()
