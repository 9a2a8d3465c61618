"""The mask contract of every factor, and that each check of the audit catches a factor that breaks its rule."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reads_text import reads_of

from lib.audit import (
    KINDS,
    POISONS,
    Compute,
    Output,
    Reads,
    Report,
    audit,
    contract_panels,
    declared_reads,
    hostile_panel,
    later_replaced,
    permuted,
    poisoned,
)  # fmt: skip
from lib.audit.reads import permitted
from lib.audit.subjects import our_reads, ours
from lib.errors import ParameterError
from lib.factors import factor_names, find_factors
from lib.panel import Panel
from lib.reasons import Reason

REFERENCE = Path(__file__).parents[1] / "reference"
SPEC = {
    row["name"]: row["formula"]
    for file in ("factors.csv", "alpha101.csv")
    for row in csv.DictReader((REFERENCE / file).read_text(encoding="utf-8").splitlines())
}
NAMES = [*factor_names(), *factor_names("alpha101")]
PANELS = 20
#: columns may change sums over stocks in the last bits only: share of the factor's standard deviation
ORDER_TOLERANCE = 1e-5


# ------------------------------------------------------------------ our factors


@pytest.fixture(scope="module")
def report() -> Report:
    """All 314 factors on 20 panels under NaN, infinity and 1e30."""
    rng = np.random.default_rng(20)
    return audit(ours(NAMES), contract_panels(7, PANELS), our_reads(NAMES), rng=rng, poisons=("NaN", "inf", "1e30"))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "order"])
def test_every_factor_keeps_the_contract(kind: str, report: Report) -> None:
    assert report.panels == PANELS and len(NAMES) == 213 + 101
    assert {key: found for key, found in report.findings.items() if key[1] == kind} == {}


def test_no_factor_passes_because_nothing_was_looked_at(report: Report) -> None:
    """Every check of every factor saw valid outputs (the first one: masked outputs)."""
    kinds = [kind for kind in KINDS if kind not in ("order", "masked day")]
    fewest = {kind: min(report.checked[name, kind] for name in NAMES) for kind in kinds}
    assert min(fewest.values()) >= 100, fewest
    today = [name for name in NAMES if 0 in our_reads([name])[name].prices]
    assert min(report.checked[name, "masked day"] for name in today) >= 100 and len(today) > 0.9 * len(NAMES)


def test_the_order_of_the_stocks_changes_nothing_but_last_bits() -> None:
    panels = contract_panels(8, 2)
    rng = np.random.default_rng(1)
    found = audit(ours(NAMES), panels, our_reads(NAMES), rng=rng, poisons=(), order_tolerance=ORDER_TOLERANCE)
    assert found.breaking("order") == [] and found.unchecked("order") == []


@pytest.mark.parametrize("name", NAMES)
def test_the_declared_reads_follow_from_the_text_of_the_formula(name: str) -> None:
    reads = declared_reads(find_factors([name])[0].node)
    assert (set(reads.prices), set(reads.pool)) == reads_of(SPEC[name])


# ------------------------------------------------------------------ the checks catch what they are for


Formula = Callable[[np.ndarray, np.ndarray], Output]
TODAY, YESTERDAY, WEEK = Reads(frozenset({0})), Reads(frozenset({0, 1})), Reads(frozenset(range(5)))


def toy(formula: Formula) -> Compute:
    """A factor of the close and its mask, under the name "toy"."""
    return lambda panel: {"toy": formula(panel.fields["close"], panel.mask)}


def shifted(x: np.ndarray, k: int) -> np.ndarray:
    """x of k days ago, empty before."""
    out = np.zeros_like(x)
    out[k:] = x[: len(x) - k]
    return out


def week(x: np.ndarray) -> np.ndarray:
    return sum(shifted(x, k) for k in range(5))


def good_mean(close: np.ndarray, mask: np.ndarray) -> Output:
    seen = np.where(mask, close, 0.0)
    valid = week(mask.astype(float)) == 5
    return np.where(valid, week(seen) / 5, 0.0), valid


def leaves_values(close: np.ndarray, mask: np.ndarray) -> Output:
    seen = np.where(mask, close, 0.0)
    return week(seen) / 5, week(mask.astype(float)) == 5


def multiplies_by_zero(close: np.ndarray, mask: np.ndarray) -> Output:
    with np.errstate(invalid="ignore"):
        return close * mask, mask


def subtracts_after_the_mask(close: np.ndarray, mask: np.ndarray) -> Output:
    return np.where(mask, close, 0.0) - 0.5, mask


def mean_of_everything(close: np.ndarray, mask: np.ndarray) -> Output:
    values = close - np.nanmean(np.where(np.isfinite(close), close, 1e9), axis=1, keepdims=True)
    return np.where(mask, values, 0.0), mask


def masked_zeros_in_ranks(close: np.ndarray, mask: np.ndarray) -> Output:
    below = close[:, :, None] > close[:, None, :]
    return np.where(mask, below.sum(axis=2) / mask.sum(axis=1, keepdims=True).clip(1), 0.0), mask


def validity_from_values(close: np.ndarray, mask: np.ndarray) -> Output:
    valid = mask & (shifted(close, 1) > 0) & (shifted(close, 1) < 1e9)
    return np.where(valid, 1.0, 0.0), valid


def some_valid_day(close: np.ndarray, mask: np.ndarray) -> Output:
    count, valid = week(mask.astype(float)), week(mask.astype(float)) > 0
    valid &= np.arange(len(mask))[:, None] >= 4
    return np.where(valid, week(np.where(mask, close, 0.0)) / count.clip(1), 0.0), valid


def mask_of_yesterday(close: np.ndarray, mask: np.ndarray) -> Output:
    valid = shifted(mask, 1)
    return np.where(valid, shifted(np.where(mask, close, 0.0), 1), 0.0), valid


def too_early(close: np.ndarray, mask: np.ndarray) -> Output:
    first = np.arange(len(mask))[:, None] == 0
    valid = mask & (shifted(mask, 1) | first)
    return np.where(valid, 1.0, 0.0), valid


def peeks(close: np.ndarray, mask: np.ndarray) -> Output:
    seen = np.where(mask, close, 0.0)
    return np.where(mask, np.concatenate([seen[1:], seen[-1:]]), 0.0), mask


def standardised_over_all_days(close: np.ndarray, mask: np.ndarray) -> Output:
    seen = np.where(mask, close, 0.0)
    return np.where(mask, seen / seen.mean(axis=0), 0.0), mask


def against_the_first_column(close: np.ndarray, mask: np.ndarray) -> Output:
    seen = np.where(mask, close, 0.0)
    return np.where(mask, seen - seen[:, :1], 0.0), mask


BROKEN = {
    leaves_values: (WEEK, {"zero-on-mask"}),
    multiplies_by_zero: (TODAY, {"zero-on-mask"}),
    subtracts_after_the_mask: (TODAY, {"zero-on-mask"}),
    mean_of_everything: (TODAY, {"independence"}),
    masked_zeros_in_ranks: (TODAY, {"independence"}),
    validity_from_values: (TODAY, {"independence"}),
    some_valid_day: (WEEK, {"propagation", "masked day"}),
    mask_of_yesterday: (YESTERDAY, {"propagation", "masked day"}),
    too_early: (YESTERDAY, {"propagation"}),
    peeks: (TODAY, {"look-ahead"}),
    standardised_over_all_days: (TODAY, {"look-ahead"}),
    against_the_first_column: (TODAY, {"order"}),
}  # fmt: skip


def audited(formula: Formula, reads: Reads) -> Report:
    panels = contract_panels(3, 4, n_days=60, long_days=60)
    rng = np.random.default_rng(3)
    return audit(toy(formula), panels, {"toy": reads}, rng=rng, order_tolerance=1e-9)


def test_a_good_factor_breaks_nothing() -> None:
    found = audited(good_mean, WEEK)
    assert found.findings == {} and all(found.unchecked(kind) == [] for kind in KINDS)
    assert set(found.checked) == {("toy", kind) for kind in KINDS}


@pytest.mark.parametrize("formula", BROKEN, ids=lambda formula: formula.__name__)
def test_a_broken_factor_is_caught_by_its_check_alone(formula: Formula) -> None:
    reads, kinds = BROKEN[formula]
    found = audited(formula, reads)
    assert {kind for kind in KINDS if found.breaking(kind)} == kinds
    assert all(0 < each.cells <= each.checked for each in found.findings.values())


def test_only_nan_and_infinity_survive_a_multiplication_with_zero() -> None:
    found = audited(multiplies_by_zero, TODAY)
    assert {under for _, _, under in found.findings} == {"NaN", "inf"}


def test_an_example_is_an_offending_cell() -> None:
    found = audited(some_valid_day, WEEK).findings["toy", "propagation", "as is"]
    panel = list(contract_panels(3, 4, n_days=60, long_days=60))[found.panel]
    assert some_valid_day(panel.fields["close"], panel.mask)[1][found.day, found.stock]
    assert not panel.mask[max(found.day - 4, 0) : found.day + 1, found.stock].all()


def test_the_universe_counts_where_stocks_are_compared() -> None:
    def everywhere(panel: Panel) -> dict[str, Output]:
        return {"toy": (np.where(panel.mask, 1.0, 0.0), panel.mask)}

    reads = {"toy": Reads(frozenset({0}), frozenset({0}))}
    found = audit(everywhere, contract_panels(3, 2, n_days=60), reads, rng=np.random.default_rng(0))
    assert found.breaking("propagation") == ["toy"]
    reads = {"toy": TODAY}
    assert not audit(everywhere, contract_panels(3, 2, n_days=60), reads, rng=np.random.default_rng(0)).findings


def test_permitted_cells_are_those_of_a_plain_loop() -> None:
    panel = hostile_panel(np.random.default_rng(5), 8, 40)
    reads = Reads(frozenset({0, 3, 7}), frozenset({2}))
    expected = np.zeros(panel.shape, dtype=bool)
    for t in range(7, 40):
        for i in range(8):
            expected[t, i] = all(panel.mask[t - k, i] for k in (0, 3, 7)) and panel.universe[t - 2, i]
    assert np.array_equal(permitted(panel, reads), expected)
    assert 0 < expected.sum() < expected.size
    assert not permitted(panel, Reads(frozenset({40}))).any()


def test_a_factor_without_declared_reads_is_refused() -> None:
    with pytest.raises(ParameterError, match="no declared reads for toy"):
        audit(toy(good_mean), contract_panels(3, 1, long_days=60), {}, rng=np.random.default_rng(0))


# ------------------------------------------------------------------ the panels and their changes


def test_the_panels_hold_what_they_promise() -> None:
    panels = list(contract_panels(7, PANELS))
    for reason in (Reason.MISSING, Reason.UNLISTED, Reason.HALT, Reason.LIMIT_UP, Reason.LIMIT_DOWN):
        assert sum(((panel.reasons & reason) > 0).any() for panel in panels) >= PANELS // 2, reason
    shares = [1 - panel.mask.mean() for panel in panels]
    assert min(shares) > 0.01 and max(shares) < 0.3
    assert len({panel.fingerprint() for panel in panels}) == PANELS
    assert all(not panel.universe.all() for panel in panels[:5])
    assert panels[0].shape[0] > 252 > panels[1].shape[0]


@pytest.mark.parametrize("poison", POISONS)
def test_poison_reaches_every_masked_cell_of_every_field_and_no_other(poison: str) -> None:
    panel = hostile_panel(np.random.default_rng(1))
    changed = poisoned(panel, poison)
    for name, values in panel.fields.items():
        other = changed.fields[name]
        assert (other[~panel.mask] != values[~panel.mask]).all(), name
        assert np.array_equal(other[panel.mask], values[panel.mask]), name
    assert np.array_equal(changed.mask, panel.mask)


def test_poison_is_refused_where_a_masked_cell_may_matter() -> None:
    panel = hostile_panel(np.random.default_rng(1))
    with pytest.raises(ParameterError, match="'nan' does not exist; expected one of price, 1e30, inf, NaN"):
        poisoned(panel, "nan")
    fields = {**panel.fields, "pre_close": panel.fields["close"]}
    with pytest.raises(ParameterError, match="pre_close"):
        poisoned(Panel.from_arrays(panel.dates, panel.symbols, fields, reasons=panel.reasons), "NaN")


def test_the_future_is_replaced_after_the_day_and_columns_move_together() -> None:
    panel, other = (hostile_panel(np.random.default_rng(seed), 8, 40) for seed in (1, 2))
    changed = later_replaced(panel, 20, other)
    for before, after, new in (
        (panel.fields["close"], changed.fields["close"], other.fields["close"]),
        (panel.reasons, changed.reasons, other.reasons),
        (panel.universe, changed.universe, other.universe),
    ):
        assert np.array_equal(after[:21], before[:21]) and np.array_equal(after[21:], new[21:])
    order = np.random.default_rng(0).permutation(8)
    moved = permuted(panel, order)
    assert np.array_equal(moved.mask, panel.mask[:, order])
    assert np.array_equal(moved.fields["cap"], panel.fields["cap"][:, order])
