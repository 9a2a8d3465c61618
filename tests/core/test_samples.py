"""Neutralised samples, splits by the calendar and by folds, the gaps between parts, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from overlay import rough_panel

from lib.errors import ParameterError, UnknownNameError
from lib.factors import FactorSet, compute_factors, find_factors
from lib.factors.neutralisation import neutralise
from lib.models.calendar import REFITS, paper_split, refit_walk
from lib.models.dataset import Dataset, both_days, build_dataset, next_return
from lib.models.folds import arranged, fold_predictions, purged_folds
from lib.models.gaps import Gaps
from lib.models.learners import find_learner
from lib.models.samples import (
    check_parts,
    exposures_of,
    neutral_samples,
    neutralised,
    sub_sampled,
    with_labels,
)
from lib.models.splits import Split, fixed_split, walk_forward
from lib.models.windows import windowed

NAMES = ("alpha_001", "alpha_101", "stock_006", "better_013")
DATES = np.busday_offset("2010-01-04", np.arange(700), roll="forward").astype("datetime64[D]")


@pytest.fixture(scope="module")
def panel():
    return rough_panel(40, 150, seed=2)


# ------------------------------------------------------------------------------------------ samples


@pytest.mark.parametrize("join", ["per_factor", "intersect"])
def test_samples_are_the_neutralised_factors_whatever_the_blocks(panel, join):
    """The whole panel neutralised at once, then gathered, gives the same bits as block after block."""
    data = neutral_samples(panel, NAMES, join=join)
    raw = compute_factors(panel, NAMES, window="skip")
    whole = neutralise(raw, exposures_of(panel), size=1)
    valid = panel.price_valid & panel.universe
    labelled = both_days(panel.price_valid) & panel.universe
    expected = build_dataset(whole, next_return(panel), predicted=valid, labelled=labelled, join=join)
    for name in ("features", "label", "day", "stock", "predicted"):
        np.testing.assert_array_equal(getattr(data, name), getattr(expected, name), err_msg=name)
    assert panel.shape[0] > 2 * 64 and len(data.label) > 1000


def test_a_sample_is_a_residual_by_the_normal_equations(panel):
    """One factor of one day by a naive regression on industry dummies and log market value, then a z-score."""
    data = neutral_samples(panel, NAMES)
    raw, day = compute_factors(panel, NAMES, window="skip"), 100
    cap = panel.fields["float_mkt_cap"][day]
    use = panel.price_valid[day] & panel.universe[day] & np.isfinite(cap) & raw.valid[day, :, 1]
    industry = panel.fields["industry"][day][use]
    x = np.column_stack([industry == name for name in np.unique(industry)] + [np.log(cap[use])]).astype(float)
    y = raw.values[day, use, 1].astype(float)
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    rows = data.rows(day, day + 1)
    found = dict(zip(data.stock[rows], data.features[rows][:, 1], strict=True))
    np.testing.assert_allclose([found[k] for k in np.flatnonzero(use)], residual / residual.std(), atol=1e-4)


def test_a_panel_without_industry_or_market_value_is_neutralised_by_what_it_has(panel):
    from lib.audit.panels import with_cells

    bare = {name: v for name, v in panel.fields.items() if name not in ("industry", "float_mkt_cap")}
    poorer = with_cells(panel, bare)
    assert exposures_of(poorer).log_cap is None and set(np.unique(exposures_of(poorer).codes)) <= {-1, 0}
    data = neutral_samples(poorer, NAMES)
    for day in (80, 120):
        rows = data.rows(day, day + 1)
        np.testing.assert_allclose(data.features[rows].mean(axis=0), 0, atol=1e-5)
    assert not np.array_equal(data.features[:500], neutral_samples(panel, NAMES).features[:500])


def test_labels_are_centred_or_raw_and_earned_from_t_to_the_next_close(panel):
    data = neutral_samples(panel, NAMES)
    raw = with_labels(data, next_return(panel))
    known = np.isfinite(data.label)
    np.testing.assert_array_equal(np.isfinite(raw.label), known)
    np.testing.assert_array_equal(raw.label[known], panel.returns[data.day[known] + 1, data.stock[known]])
    for day in (60, 90):
        rows = data.rows(day, day + 1)
        own = known[rows]
        mean = raw.label[rows][own].mean()
        np.testing.assert_allclose(data.label[rows][own], raw.label[rows][own] - mean, atol=1e-15)
    assert raw.features is data.features
    with pytest.raises(ParameterError, match=r"label: got shape \(3, 2\); expected that of the samples' panel"):
        with_labels(data, np.zeros((3, 2)))


def test_features_in_a_file_are_the_same_samples(panel, tmp_path):
    memory = neutral_samples(panel, NAMES)
    mapped = neutral_samples(panel, NAMES, folder=tmp_path / "samples")
    assert isinstance(mapped.features, np.memmap) and not mapped.features.flags.writeable
    for name in ("features", "label", "day", "stock", "predicted"):
        np.testing.assert_array_equal(getattr(mapped, name), getattr(memory, name), err_msg=name)
    split = Split(0, 90, 92, 120, 122, 150)
    found = [find_learner("ridge")(data, 0)(split)(data.features[-50:]) for data in (memory, mapped)]
    np.testing.assert_array_equal(*found)
    with pytest.raises(FileExistsError):
        neutral_samples(panel, NAMES, folder=tmp_path / "samples")


@pytest.mark.parametrize("poison", ["1e30", "NaN", "inf", "price"])
def test_what_masked_cells_hold_changes_no_sample(panel, poison):
    from lib.audit import poisoned
    from lib.audit.panels import with_cells

    bare = with_cells(panel, {name: values for name, values in panel.fields.items() if name != "pre_close"})
    clean, found = neutral_samples(bare, NAMES), neutral_samples(poisoned(bare, poison), NAMES)
    for name in ("features", "label", "day", "stock"):
        np.testing.assert_array_equal(getattr(found, name), getattr(clean, name), err_msg=name)


# --------------------------------------------------------------------------------------- sub-samples


def test_days_are_drawn_whole_and_by_the_generator_alone(panel):
    data = neutral_samples(panel, NAMES)
    some = sub_sampled(data, 0, 100, days=20, rng=np.random.default_rng(3))
    again = sub_sampled(data, 0, 100, days=20, rng=np.random.default_rng(3))
    other = sub_sampled(data, 0, 100, days=20, rng=np.random.default_rng(4))
    kept = np.isfinite(some.label)
    inside = data.day < 100
    assert len(np.unique(data.day[kept & inside])) == 20
    for day in np.unique(data.day[kept & inside]):
        np.testing.assert_array_equal(some.label[data.day == day], data.label[data.day == day])
    np.testing.assert_array_equal(some.label[~inside], data.label[~inside])
    np.testing.assert_array_equal(some.label, again.label)
    assert not np.array_equal(kept, np.isfinite(other.label))
    assert some.features is data.features and some.predicted is data.predicted
    for days in (0, 101):
        with pytest.raises(ParameterError, match=rf"days: got {days}; expected 1 to \d+, the labelled days of \[0"):
            sub_sampled(data, 0, 100, days=days, rng=np.random.default_rng(0))


# ------------------------------------------------------------------------------------------ the gaps


def test_the_embargo_is_the_longest_reach_of_the_factors():
    reach = {name: find_factors([name])[0].node.memory for name in NAMES}
    gaps = Gaps.of(NAMES, horizon=5, lag=2)
    assert gaps == Gaps(5, 2, max(reach.values())) and gaps.purge == 7 and max(reach.values()) > 10
    assert Gaps.of(["alpha_101"]).embargo == 0, "reads its own day only"
    assert Gaps.of([]).embargo == 0
    with pytest.raises(UnknownNameError, match="alpha_999"):
        Gaps.of(["alpha_999"])
    for name, value in (("horizon", 0), ("lag", -1), ("embargo", -1)):
        with pytest.raises(ParameterError, match=f"{name}: got {value}; expected at least"):
            Gaps(**{name: value})


# ----------------------------------------------------------------------------------------- the walks


@pytest.mark.parametrize("refit", REFITS)
@pytest.mark.parametrize("window", [None, 200])
@pytest.mark.parametrize("gaps", [Gaps(), Gaps(5, 0, 60)])
def test_refits_cover_every_day_from_the_first_on_once_and_keep_their_gaps(refit, window, gaps):
    splits = list(refit_walk(DATES, first_test="2011-02-10", refit=refit, window=window, gaps=gaps))
    tested = np.concatenate([np.arange(s.test_start, s.test_stop) for s in splits])
    np.testing.assert_array_equal(tested, np.arange(np.searchsorted(DATES, np.datetime64("2011-02-10")), len(DATES)))
    months = DATES.astype("datetime64[M]").astype(int)
    for split in splits:
        own = np.unique(months[split.test_start : split.test_stop] // REFITS[refit])
        assert len(own) == 1, "a test span lies within one period of the calendar"
        assert split.fit_stop + gaps.purge == split.validation_start
        assert split.validation_stop + gaps.purge == split.test_start
        length = split.validation_stop - split.fit_start
        assert length == (split.validation_stop if window is None else 200)
        assert split.validation_stop - split.validation_start == round(0.1 * length)
    assert len(splits) == {"monthly": 20, "quarterly": 7, "yearly": 2}[refit], "February 2011 to September 2012"


def test_a_holdout_may_be_a_number_of_sessions():
    (first, *_) = refit_walk(DATES, first_test="2011-06-01", holdout=60)
    assert first.validation_stop - first.validation_start == 60


@pytest.mark.parametrize(
    "how, match",
    [
        ({"first_test": "2009-01-01"}, "first_test: got 2009-01-01; the data runs from 2010-01-04 to 2012-09-07"),
        ({"first_test": "2013-01-01"}, "first_test: got 2013-01-01"),
        *[
            ({"first_test": day}, "^first_test is .*, which is not a date; expected a date")
            for day in ("2011", 2011, np.datetime64("2011"), "2011/7/1", None, float("nan"))
        ],
        ({"first_test": "2011-01-01", "refit": "weekly"}, "refit: got 'weekly'; expected one of monthly, quarterly"),
        ({"first_test": "2011-01-01", "window": 0}, "window: got 0; expected at least 1 session"),
        ({"first_test": "2010-01-08"}, "split of 2010-01-08: 2 sessions before it leave"),
        ({"first_test": "2011-01-03", "holdout": 400}, "split of 2011-01-03: .* hold out less"),
    ],
)
def test_bad_walks_are_refused_by_name_and_date(how, match):
    with pytest.raises(ParameterError, match=match):
        list(refit_walk(DATES, **how))


@pytest.mark.parametrize("day", [20110601, "20110601", np.datetime64("2011-06-01"), np.datetime64("2011-06-01", "ns")])
def test_a_walk_begins_on_a_day_in_any_spelling(day):
    assert next(refit_walk(DATES, first_test=day)) == next(refit_walk(DATES, first_test="2011-06-01"))


@pytest.mark.parametrize("year", ["1", 1.0, None])
def test_years_of_the_papers_split_are_whole_numbers(year):
    with pytest.raises(ParameterError, match=f"^split: got {year!r}; expected a whole number"):
        paper_split(3500, train=(year, 10))


@pytest.mark.parametrize("year", ["2011", 2011.0, None, True])
def test_a_year_that_is_no_whole_number_is_refused(year):
    for how in ({"first_test_year": year}, {"first_test_year": 2011, "refit_every": year}):
        with pytest.raises(ParameterError, match=f": got {year!r}; expected a whole number of years"):
            list(walk_forward(DATES, **how))
    with pytest.raises(ParameterError, match=f"^split: got {year!r}; expected a whole number of years"):
        fixed_split(DATES, train=(2010, 2010), validation=(2011, year), test=(2012, 2012))


def test_refits_are_at_least_a_year_apart():
    with pytest.raises(ParameterError, match="refit_every: got 0; expected at least 1"):
        list(walk_forward(DATES, first_test_year=2011, refit_every=0))
    assert list(walk_forward(DATES, first_test_year=np.int64(2011))) == list(walk_forward(DATES, first_test_year=2011))


def test_the_papers_split_is_ten_years_one_and_three():
    split = paper_split(3500)
    assert split == Split(0, 2498, 2500, 2748, 2750, 3500)
    small = paper_split(1400, sessions=100, gaps=Gaps(5, 1))
    assert small == Split(0, 994, 1000, 1094, 1100, 1400)
    assert paper_split(1300, sessions=100).test_stop == 1300, "the test span ends with the panel"
    with pytest.raises(ParameterError, match=r"2500 days end before year 12: take fewer sessions"):
        paper_split(2500)
    with pytest.raises(ParameterError, match="parts that follow each other"):
        paper_split(3500, validation=(10, 11))
    with pytest.raises(ParameterError, match="a purge of 6 days leaves no day"):
        paper_split(70, sessions=5, gaps=Gaps(5, 1))


# ----------------------------------------------------------------------------------------- the folds


@pytest.mark.parametrize("gaps", [Gaps(), Gaps(5, 1, 20)])
@pytest.mark.parametrize("k", [3, 5, 8])
def test_no_day_of_a_fold_reads_or_is_labelled_within_another_part(gaps, k):
    """By a loop over pairs of days: what a fitted day knows never meets what a later part is scored on."""
    n_days, tested = 240, np.zeros(240, dtype=int)
    for fold in purged_folds(n_days, k, gaps):
        tested += fold.test
        assert not (fold.fit & fold.validation).any() and not ((fold.fit | fold.validation) & fold.test).any()
        for parts, scored in ((fold.fit | fold.validation, fold.test), (fold.fit, fold.validation)):
            days = np.flatnonzero(scored)
            for t in np.flatnonzero(parts):
                if t < days[0]:
                    assert t + gaps.purge < days[0]
                else:
                    assert t - gaps.embargo >= days[-1] + 1 + gaps.purge
    assert (tested == 1).all()


def test_not_one_day_more_is_thrown_away():
    """Folds of 20 days; the third tests, the first validates: what is left is fitted on."""
    gaps = Gaps(1, 1, 5)
    fold = list(purged_folds(100, 5, gaps))[2]
    np.testing.assert_array_equal(np.flatnonzero(fold.test), np.arange(40, 60))
    np.testing.assert_array_equal(np.flatnonzero(fold.validation), np.arange(80, 100))
    np.testing.assert_array_equal(np.flatnonzero(fold.fit), np.r_[0:38, 67:78])


def test_days_of_a_fold_are_numbered_part_by_part(panel):
    data = neutral_samples(panel, NAMES)
    fold = list(purged_folds(panel.shape[0], 5, Gaps(1, 1, 10)))[1]
    own, split = arranged(data, fold)
    for days, start, stop in (
        (fold.fit, split.fit_start, split.fit_stop),
        (fold.validation, split.validation_start, split.validation_stop),
        (fold.test, split.test_start, split.test_stop),
    ):
        rows = np.flatnonzero(days[data.day])
        found = own.rows(start, stop)
        np.testing.assert_array_equal(own.features[found], data.features[rows])
        np.testing.assert_array_equal(own.label[found], data.label[rows])
        np.testing.assert_array_equal(np.flatnonzero(days)[own.day[found] - start], data.day[rows])
    windows, _ = arranged(windowed(data, 3, panel.dates), fold)
    assert np.array_equal(
        windows.features.day,
        data.day[np.concatenate([np.flatnonzero(p[data.day]) for p in (fold.fit, fold.validation, fold.test)])],
    ), "a window still ends with the sample's own day"


def test_every_day_is_predicted_by_a_fit_that_did_not_see_it(panel):
    data, gaps = neutral_samples(panel, NAMES), Gaps(1, 1, 10)
    found = fold_predictions(data, panel.dates, learner="ridge", k=5, gaps=gaps)
    predicted = np.zeros(panel.shape, dtype=bool)
    predicted[data.day[data.predicted], data.stock[data.predicted]] = True
    np.testing.assert_array_equal(np.isfinite(found), predicted)
    moved = replace(data, label=np.where((data.day >= 58) & (data.day < 92), 9.0, data.label))
    again = fold_predictions(moved, panel.dates, learner="ridge", k=5, gaps=gaps)
    np.testing.assert_array_equal(found[60:90], again[60:90])
    assert not np.array_equal(found[:60], again[:60], equal_nan=True)


def test_folds_that_leave_nothing_are_refused():
    with pytest.raises(ParameterError, match="k: got 2; expected at least 3 folds"):
        list(purged_folds(100, 2, Gaps()))
    with pytest.raises(ParameterError, match="fold 1 of 3: 60 days, a purge of 2 and an embargo of 250 leave"):
        list(purged_folds(60, 3, Gaps(1, 1, 250)))


# ----------------------------------------------------------------------------------------- bad input


def factor_set(panel, valid) -> FactorSet:
    values = np.random.default_rng(0).normal(size=(*panel.shape, 2)).astype(np.float32)
    return FactorSet(np.where(valid, values, 0), valid, ("first", "second"), {})


def gathered(panel, valid, labelled=None) -> Dataset:
    cells = panel.price_valid & panel.universe
    return neutralised(panel, factor_set(panel, valid), next_return(panel), predicted=cells,
                       labelled=cells if labelled is None else labelled)  # fmt: skip


def test_samples_without_a_cell_or_label_are_refused_by_factor_and_date(panel):
    every = np.broadcast_to(panel.mask[..., None], (*panel.shape, 2)).copy()
    span = f"from {panel.dates[0]} to {panel.dates[-1]}"
    with pytest.raises(ParameterError, match=rf"no cell {span} is valid for any of 2 factors \(first, second\)"):
        gathered(panel, np.zeros_like(every))
    lacking = every.copy()
    lacking[..., 1] = False
    with pytest.raises(ParameterError, match=rf"samples: second: no valid cell {span}; leave out"):
        gathered(panel, lacking)
    with pytest.raises(ParameterError, match=rf"label: all cells {span} are masked"):
        gathered(panel, every, labelled=np.zeros(panel.shape, dtype=bool))
    early = every.copy()
    early[20:] = False
    late = panel.price_valid & (np.arange(panel.shape[0])[:, None] > 100)
    with pytest.raises(ParameterError, match=rf"samples: no labelled cell {span} has per_factor factors"):
        gathered(panel, early, labelled=late)


def test_parts_without_a_label_are_refused_by_their_dates(panel):
    data = neutral_samples(panel, NAMES)
    split = Split(0, 90, 92, 120, 122, 150)
    check_parts(data, split, panel.dates)
    blind = replace(data, label=np.where(data.day >= 92, np.nan, data.label))
    with pytest.raises(ParameterError, match=rf"validation days {panel.dates[92]} to {panel.dates[119]}: no labelled"):
        check_parts(blind, split, panel.dates)
    with pytest.raises(ParameterError, match=rf"fit days {panel.dates[92]} to {panel.dates[99]}: no labelled"):
        check_parts(blind, replace(split, fit_start=92, fit_stop=100), panel.dates)
    with pytest.raises(ParameterError, match=r"fit days: got \[7, 7\) of 150 days"):
        check_parts(data, replace(split, fit_start=7, fit_stop=7), panel.dates)
    with pytest.raises(UnknownNameError, match=r"learner 'rigde' does not exist; .*did you mean 'ridge'"):
        fold_predictions(data, panel.dates, learner="rigde", k=5, gaps=Gaps())


def test_a_loss_that_is_not_finite_names_the_date(panel):
    from lib.models.neural import neural

    data, split = neutral_samples(panel, NAMES), Split(0, 90, 92, 120, 122, 150)
    broken = data.features.copy()
    broken[data.rows(40, 41)] = np.nan
    fit = neural(replace(data, features=broken), 0, epochs=1, batch=10_000, dates=panel.dates)
    with pytest.raises(ParameterError, match=rf"prediction of {panel.dates[40]} is not finite"):
        fit(split)
