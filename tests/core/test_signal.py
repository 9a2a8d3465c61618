"""The check of a reader's own signal: reading, against loops and known truths, and what it must not see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from lib import Panel, make_market
from lib.errors import LoadError, ParameterError
from lib.evaluation.signal import LAGS, check_signal, forward_return, half_life
from lib.evaluation.signal_file import Signal, read_signal
from lib.portfolio import REFUSALS, flat, simulate, top_k_buffer
from lib.reasons import Reason
from lib.stats import newey_west_error


@pytest.fixture(scope="module")
def panel():
    return make_market(60, 160, seed=4, limit_rates="paper").panel


@pytest.fixture(scope="module")
def values(panel):
    return np.random.default_rng(0).normal(size=panel.shape)


@pytest.fixture(scope="module")
def found(panel, values):
    return check_signal(panel, values)


def long(panel, values):
    t, n = np.nonzero(np.isfinite(values))
    return pd.DataFrame({"date": panel.dates[t].astype(str), "symbol": panel.symbols[n], "value": values[t, n]})


# ------------------------------------------------------------------------------------------ reading


@pytest.mark.parametrize("kind", ["csv", "parquet", "wide", "indexed"])
def test_every_shape_of_a_file_gives_the_same_signal(panel, values, tmp_path, kind):
    rows = long(panel, values)
    path = tmp_path / ("signal.csv" if kind in ("csv", "wide") else "signal.parquet")
    if kind == "csv":
        rows.to_csv(path, index=False)
    elif kind == "parquet":
        rows.rename(columns={"value": "score"}).assign(other=1.0).to_parquet(path)
    elif kind == "wide":
        rows.pivot(index="date", columns="symbol", values="value").reset_index().to_csv(path, index=False)
    else:
        rows.rename(columns={"date": "datetime", "symbol": "instrument"}).set_index(
            ["datetime", "instrument"]
        ).to_parquet(path)
    own = read_signal(path, panel)
    np.testing.assert_allclose(own.values, np.where(panel.observed, values, np.nan), rtol=1e-12)
    assert set(own.lost) <= {"the stock has no price that day"}


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("signal.PARQUET", lambda rows, path: rows.to_parquet(path)),
        ("signal.pq", lambda rows, path: rows.to_parquet(path)),
        ("signal.csv", lambda rows, path: rows.set_index(["date", "symbol"]).rename_axis([None, None]).to_csv(path)),
        ("signal.parquet", lambda rows, path: rows.set_index(["date", "symbol"]).rename_axis([None, None])
         .to_parquet(path)),
        ("signal.parquet", lambda rows, path: rows.assign(value=rows["value"].astype("Float64")).to_parquet(path)),
        ("signal.parquet", lambda rows, path: rows.assign(
            date=pd.to_datetime(rows["date"]).dt.tz_localize("Asia/Shanghai").dt.tz_convert("UTC")).to_parquet(path)),
    ],
    ids=["capitals", "pq", "index of a csv without names", "index without names", "nullable", "midnight in UTC"],
)  # fmt: skip
def test_files_as_pandas_leaves_them_are_read(panel, values, tmp_path, name, written):
    written(long(panel, values), tmp_path / name)
    own = read_signal(tmp_path / name, panel)
    np.testing.assert_allclose(own.values, np.where(panel.observed, values, np.nan), rtol=1e-12)


def test_rows_without_a_symbol_are_counted(panel, values, tmp_path):
    rows = long(panel, values)
    rows.loc[:9, "symbol"] = None
    rows.to_csv(tmp_path / "signal.csv", index=False)
    assert read_signal(tmp_path / "signal.csv", panel).lost["the stock is not in the prices"] == 10


def test_a_stock_does_not_get_lost_for_one_cell_of_text(panel, values, tmp_path):
    wide = long(panel, values).pivot(index="date", columns="symbol", values="value").astype(object)
    wide.iloc[3, 0] = "--"
    wide.assign(remark="x").to_csv(tmp_path / "signal.csv")
    with pytest.raises(LoadError, match=f"'{panel.symbols[0]}' holds '--'"):
        read_signal(tmp_path / "signal.csv", panel)


def test_symbols_are_read_in_any_spelling_and_leading_zeros_are_kept(panel, values, tmp_path):
    rows = long(panel, values)
    rows["symbol"] = [f"{name[2:]}.{name[:2]}" for name in rows["symbol"]]
    rows.to_csv(tmp_path / "a.csv", index=False)
    rows["symbol"] = [name[:6] for name in rows["symbol"]]
    rows.rename(columns={"symbol": "code"}).to_csv(tmp_path / "b.csv", index=False)
    first, second = (read_signal(tmp_path / name, panel).values for name in ("a.csv", "b.csv"))
    assert np.array_equal(first, second, equal_nan=True) and np.isfinite(first).sum() > 5000


def test_every_lost_row_has_its_reason(panel, values, tmp_path):
    rows = long(panel, values).iloc[:3000]
    extra = pd.DataFrame({"date": [str(panel.dates[0])] * 4, "symbol": [panel.symbols[0]] * 2 + ["SH999999", "XX"],
                          "value": [9.0, np.inf, 1.0, 1.0]})  # fmt: skip
    day = pd.DataFrame({"date": ["1999-01-04"], "symbol": [panel.symbols[0]], "value": [1.0]})
    pd.concat([rows, extra, day]).to_csv(tmp_path / "signal.csv", index=False)
    own = read_signal(tmp_path / "signal.csv", panel)
    assert own.lost.pop("the stock has no price that day", 0) == (~panel.observed).ravel()[:3000].sum()
    assert own.lost == {
        "no number (missing or infinite)": 1, "the stock is not in the prices": 2, "the day is not in the prices": 1,
        "the pair of day and stock stands more than once": 1,
    }  # fmt: skip
    assert own.values[0, 0] == 9.0, "the last of a pair counts"
    assert own.rows == 3005


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": [1]}), "no column of dates"),
        (pd.DataFrame({"date": ["2024-01-02"], "symbol": ["SH600000"], "x": [1.0], "y": [2.0]}), "2 columns of num"),
        (pd.DataFrame({"date": ["2024-01-02"], "name": ["x"]}), "no column of numbers"),
        (pd.DataFrame({"date": ["2024"], "symbol": ["SH600000"], "value": [1.0]}), "not a date"),
        (pd.DataFrame({"date": ["1999-01-04"], "symbol": ["SH600000"], "value": [1.0]}), "none of 1 rows fits"),
        (pd.DataFrame({"date": [], "symbol": [], "value": []}), "no row of a signal"),
        (pd.DataFrame({"date": ["2024-01-02"], "value": [1.0]}), "none of 1 rows fits"),
        (
            pd.DataFrame({"date": ["2024-01-02"], "symbol": ["SH600000"], "value": ["-"], "volume": [1.0]}),
            "'value' holds '-'",
        ),
    ],
)
def test_a_file_that_is_no_signal_says_what_is_expected(panel, tmp_path, frame, message):
    frame.to_csv(tmp_path / "signal.csv", index=False)
    with pytest.raises(LoadError, match=message):
        read_signal(tmp_path / "signal.csv", panel)
    with pytest.raises(LoadError, match="no such file"):
        read_signal(tmp_path / "absent.csv", panel)


# ----------------------------------------------------------------------------------------- numbers


def test_ics_are_those_of_a_loop(panel, values, found):
    for cells, allowed in (("all", panel.observed), ("buyable", panel.observed & panel.can_buy("close"))):
        daily = []
        close = np.where(panel.observed, panel.adjusted("close"), np.nan)
        for t in range(len(close) - 5):
            label = close[t + 5] / close[t] - 1
            inside = allowed[t] & panel.universe[t] & np.isfinite(label)
            if inside.sum() >= 20:
                daily.append(spearmanr(values[t, inside], label[inside]).statistic)
        assert found.find("rank IC", "5 sessions", cells).value == pytest.approx(np.mean(daily), abs=1e-12)


def test_a_signal_that_knows_the_future_has_an_ic_of_one(panel):
    perfect = check_signal(panel, forward_return(panel, 1))
    assert perfect.find("rank IC", "1 session").value == pytest.approx(1.0)
    assert perfect.find("return by quantile, bps", "monotonicity (rank correlation)").value == pytest.approx(1.0)
    assert perfect.find("return over equal weight, a year", "every order filled at the close, before costs").low > 1
    assert perfect.find("trials", "deflated Sharpe ratio").value > 0.99


def test_the_error_of_a_signal_of_month_ends_is_that_of_labels_that_do_not_overlap(panel, values):
    """A value every 20 sessions: no two returns over 20 share a session."""
    rare = np.where(np.arange(len(values))[:, None] % 20 == 0, values, np.nan)
    check = check_signal(panel, rare, horizons=(1, 5, 20, 40))
    daily = []
    for t in range(0, len(values) - 20, 20):
        label = forward_return(panel, 20)[t]
        inside = panel.observed[t] & panel.universe[t] & np.isfinite(label)
        daily.append(spearmanr(values[t, inside], label[inside]).statistic)
    item = check.find("rank IC", "20 sessions")
    assert item.value == pytest.approx(np.mean(daily), abs=1e-12)
    assert item.high - item.value == pytest.approx(1.96 * newey_west_error(daily), rel=1e-4)
    apart = check.find("rank IC", "40 sessions")
    assert np.isfinite([apart.low, apart.high]).all()


def test_labels_that_all_overlap_have_a_mean_and_no_interval(panel, values):
    item = check_signal(panel, values, horizons=(1, len(values) - 2)).find("rank IC", f"{len(values) - 2} sessions")
    assert np.isfinite(item.value) and np.isnan(item.low) and np.isnan(item.high)


def test_a_book_ends_with_its_signal(panel, values):
    """The money of a signal that stops is that of prices that stop one session later."""
    half = len(values) // 2
    ended = np.where(np.arange(len(values))[:, None] < half, values, np.nan)
    found, short = check_signal(panel, ended), check_signal(panel.rows(0, half + 1), ended[: half + 1])
    for key in [key for key in found.numbers if key[0].startswith(("return over", "Sharpe", "turnover", "phantom"))]:
        assert found.numbers[key].value == pytest.approx(short.numbers[key].value, nan_ok=True), key
    assert found.find("turnover a day", "executed at the next open").value > 0.5


@pytest.mark.parametrize("days", [2, 5, 12])
def test_few_sessions_are_no_error(panel, values, days):
    few = check_signal(panel.rows(0, days), values[:days], horizons=(1,))
    assert np.isfinite(few.find("rank IC", "1 session").value)


def test_the_decay_shows_the_session_that_a_signal_knows(panel):
    """The return of the fourth session after it, known in advance."""
    one = forward_return(panel, 1)
    knows = np.full(one.shape, np.nan)
    knows[:-3] = one[3:]
    found = check_signal(panel, knows)
    assert found.find("decay of the rank IC", "session 4").value == pytest.approx(1.0)
    assert abs(found.find("decay of the rank IC", "session 1").value) < 0.3


def test_a_signal_without_information_is_said_to_have_none(found):
    item = found.find("rank IC", "1 session")
    assert item.low < 0 < item.high
    assert found.find("trials", "deflated Sharpe ratio").value < 0.95


def test_only_limit_ups_of_members_count(panel, values):
    def checked(member):
        universe = np.ones(panel.shape, dtype=bool)
        universe[:, -10:] = member
        with_universe = Panel.from_arrays(
            panel.dates, panel.symbols, dict(panel.fields), reasons=reasons, universe=universe, market="cn"
        )
        return check_signal(with_universe, np.where(np.arange(panel.shape[1]) < 50, values, np.nan))

    reasons = panel.reasons.copy()
    once = checked(False).table("rank IC by limit-ups")
    rng = np.random.default_rng(5)  # whatever the others do: no number of a member moves
    reasons[:, -10:] = np.where(rng.random((len(reasons), 10)) < np.linspace(0, 1, len(reasons))[:, None],
                                np.uint8(Reason.LIMIT_UP), 0)  # fmt: skip
    assert checked(False).table("rank IC by limit-ups").equals(once)
    assert not checked(True).table("rank IC by limit-ups").equals(once)


def test_a_signal_that_wants_limit_ups_invents_money_that_no_order_has(panel):
    """Yesterday's return on a market with the papers' limits: its favourites close at the limit."""
    returns = np.where(panel.observed, panel.returns, np.nan)
    chased = check_signal(panel, returns)
    assert chased.find("coverage", "of the top tenth, cannot be bought").value > 0.05
    phantom = chased.find("phantom alpha, a year", "all refused orders")
    purchases = chased.find("phantom alpha, a year", "limit-up purchases")
    assert phantom.low > 0 and purchases.value > 0.5 * phantom.value
    assert chased.find("rank IC", "1 session").value > chased.find("rank IC", "1 session", "buyable").value


def test_more_trials_deflate_more(panel, values):
    one, many = (check_signal(panel, -panel.returns, trials=trials) for trials in (1, 50))
    assert many.find("trials", "deflated Sharpe ratio").value < one.find("trials", "deflated Sharpe ratio").value


def test_masked_cells_and_other_stocks_are_never_read(panel, values):
    """Cells without a row, and stocks that are no members that day."""
    rng = np.random.default_rng(3)
    reasons = np.where(rng.random(panel.shape) < 0.05, np.uint8(Reason.MISSING), panel.reasons)
    fields = {name: np.array(given) for name, given in panel.fields.items()}
    members = rng.random(panel.shape) < 0.9
    panel = Panel.from_arrays(panel.dates, panel.symbols, fields, reasons=reasons, universe=members, market="cn")
    assert (~panel.observed).any()
    found = check_signal(panel, np.where(panel.observed & members, values, 0.0))
    for poison in (1e30, -1e30, np.inf, np.nan):
        again = check_signal(panel, np.where(panel.observed & panel.universe, values, poison))
        assert again.numbers.keys() == found.numbers.keys()
        for key, item in found.numbers.items():
            assert again.numbers[key] == pytest.approx(item, nan_ok=True, abs=0), (poison, key)


def test_a_year_does_not_depend_on_what_the_signal_says_later():
    panel = make_market(40, 330, seed=6).panel  # more than a year of sessions
    values = np.random.default_rng(1).normal(size=panel.shape)
    years = panel.dates.astype("datetime64[Y]").astype(int) + 1970
    first = str(years[0])
    assert (years > years[0]).sum() > 30
    later = np.where((years > years[0])[:, None], -values, values)
    one, other = (check_signal(panel, given) for given in (values, later))
    assert one.find("rank IC by year", first) == other.find("rank IC by year", first)
    assert one.find("rank IC", "1 session") != other.find("rank IC", "1 session")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizons": [0]}, "expected whole numbers from 1"),
        ({"trials": 0}, "trials 0"),
        ({}, r"shape \(2, 2\)"),
        ({"horizons": [1, 1000]}, "1000 sessions; the prices have 160"),
        ({"capital": 50.0}, "50 yuan do not buy a lot"),
    ],
)
def test_settings_that_make_no_sense_are_refused(panel, values, options, message):
    with pytest.raises(ParameterError, match=message):
        check_signal(panel, values if options else np.zeros((2, 2)), **options)
    with pytest.raises(ParameterError, match="no value on a member"):
        check_signal(panel, np.full(panel.shape, np.nan))


# ------------------------------------------------------------------------- groups, industry and size


def test_what_is_left_without_industry_and_size_is_that_of_least_squares(panel, values, found):
    """Dummies of industries and log size, day by day, by numpy's least squares."""
    size = np.log(panel.fields["float_mkt_cap"])
    label = forward_return(panel, 1)
    wanted: dict[str, list] = {"without industry": [], "without size": [], "without industry and size": []}
    for t in range(len(values) - 1):
        inside = panel.observed[t] & panel.universe[t]
        labels = panel.fields["industry"][t, inside]
        dummies = (labels[:, None] == np.unique(labels)).astype(float)
        one, own = np.ones((inside.sum(), 1)), size[t, inside, None]
        for name, design in zip(wanted, (dummies, np.hstack([one, own]), np.hstack([dummies, own])), strict=True):
            y = values[t, inside]
            rest = (y - design @ np.linalg.lstsq(design, y, rcond=None)[0]).round(9)  # the only one of an industry: 0
            known = np.isfinite(label[t, inside])
            wanted[name].append(spearmanr(rest[known], label[t, inside][known]).statistic)
    for name, daily in wanted.items():  # single precision moves a rank now and then
        assert found.find("rank IC neutralised", name).value == pytest.approx(np.mean(daily), abs=2e-4), name
    assert found.find("rank IC neutralised", "as it is") == found.find("rank IC", "1 session")


def test_a_signal_that_is_its_industry_and_its_size_leaves_nothing(panel):
    noise = 1e-4 * np.random.default_rng(5).normal(size=panel.shape)
    own = check_signal(panel, np.log(panel.fields["float_mkt_cap"]) + noise).find("rank IC neutralised", "without size")
    plain = check_signal(panel, noise).find("rank IC neutralised", "without size")
    assert own.value == pytest.approx(plain.value, abs=0.02)


def test_a_group_is_scored_among_its_own(panel, values, found):
    size, label = panel.fields["float_mkt_cap"], forward_return(panel, 1)
    daily = []
    for t in range(len(values) - 1):
        there = np.flatnonzero(panel.observed[t] & panel.universe[t])
        own = there[(size[t, there].argsort().argsort() / (len(there) - 1)) > 2 / 3]
        own = own[np.isfinite(label[t, own])]
        if len(own) >= 20:
            daily.append(spearmanr(values[t, own], label[t, own]).statistic)
    item = found.find("rank IC by group", "largest third by market value")
    assert item.value == pytest.approx(np.mean(daily), abs=1e-12) if daily else np.isnan(item.value)


# --------------------------------------------------------------------------- decay, quantiles, account


@pytest.mark.parametrize("sessions", [0.5, 3.0, 12.0])
def test_a_half_life_is_found_in_noise_of_either_sign(sessions):
    noise = np.random.default_rng(0).normal(scale=1e-3, size=(500, LAGS))
    for sign in (1, -1):
        daily = sign * 0.05 * 0.5 ** (np.arange(LAGS) / sessions) + noise
        assert half_life(daily) == pytest.approx(sessions, rel=0.05)


def test_the_decay_is_that_of_a_loop_where_prices_are_missing(panel, values):
    rng = np.random.default_rng(4)
    reasons = np.where(rng.random(panel.shape) < 0.1, np.uint8(Reason.MISSING), panel.reasons)
    holed = Panel.from_arrays(panel.dates, panel.symbols, panel.fields, reasons=reasons, market="cn")
    one, found = forward_return(holed, 1), check_signal(holed, values)
    for lag in (0, 3):
        daily = []
        for t in range(len(values) - 1 - lag):
            inside = holed.observed[t] & np.isfinite(one[t + lag])
            if inside.sum() >= 20:
                daily.append(spearmanr(values[t, inside], one[t + lag, inside]).statistic)
        value = found.find("decay of the rank IC", f"session {lag + 1}").value
        assert value == pytest.approx(np.mean(daily), abs=1e-12)


def test_phantom_alpha_is_split_by_refusals_that_come_in_one_after_the_other(panel):
    scores = np.where(panel.observed, panel.returns, np.nan)  # buys what closes limit-up, sells what closes limit-down
    found, policy = check_signal(panel, scores), top_k_buffer()
    steps = [(), REFUSALS[1:2], REFUSALS[1:], REFUSALS]
    runs = [simulate(panel, scores, policy=policy, fill="close", refuse=step, costs=flat(0.0)) for step in steps]
    mean = [243 * run.returns.mean() for run in runs]
    names = ("limit-up purchases", "limit-down sales", "halts")
    assert REFUSALS == ("halt", "limit_up_buy", "limit_down_sell") and mean[1] != mean[2]
    for name, before, after in zip(names, mean, mean[1:], strict=False):
        assert found.find("phantom alpha, a year", name).value == pytest.approx(before - after, abs=1e-12)


def test_a_signal_that_does_not_change_has_the_ranks_of_yesterday(panel):
    still = np.broadcast_to(np.arange(panel.shape[1], dtype=float), panel.shape)
    own = check_signal(panel, still, horizons=[3])
    assert own.find("rank autocorrelation of the signal", "with the ranks 1 session later").value == pytest.approx(1)
    assert "with the ranks 3 sessions later" in own.table("rank autocorrelation of the signal").index


def test_returns_by_quantile_are_those_of_pandas_cut(panel, values, found):
    label = forward_return(panel, 1)
    daily = []
    for t in range(len(values) - 1):
        inside = panel.observed[t] & panel.universe[t] & np.isfinite(label[t])
        cut = pd.qcut(values[t, inside], 5, labels=False)
        rest = label[t, inside] - label[t, inside].mean()
        daily.append([rest[cut == k].mean() for k in range(5)])
    means = 1e4 * np.mean(daily, axis=0)
    for k in range(5):
        assert found.find("return by quantile, bps", f"{k + 1} of 5").value == pytest.approx(means[k], abs=1e-8)
    spread = found.find("return by quantile, bps", "highest minus lowest").value
    assert spread == pytest.approx(means[4] - means[0], abs=1e-8)


def test_coverage_says_why_favourites_cannot_be_bought(panel):
    returns = np.where(panel.observed, panel.returns, np.nan)
    own = check_signal(panel, returns)
    halted, limit, both = (
        own.find("coverage", f"of the top tenth, {why}").value
        for why in ("halted", "closed limit-up", "cannot be bought")
    )
    assert limit > 0 and halted + limit == pytest.approx(both)
    half = np.where(np.arange(panel.shape[1]) % 2, returns, np.nan)
    assert check_signal(panel, half).find("coverage by year", "2010").value == pytest.approx(0.5, abs=0.01)


def test_an_account_pays_more_than_a_book_and_needs_the_rules_of_a_market(panel, values):
    own = check_signal(panel, values, capital=1e6)
    free = own.find("return over equal weight, a year", "executed at the next open, before costs").value
    paid = own.find("return over equal weight, a year", "an account of 1,000,000 yuan, after fees and impact").value
    assert paid < free
    for key, item in check_signal(panel, values).numbers.items():  # an account changes no other point estimate
        assert own.numbers[key].value == pytest.approx(item.value, nan_ok=True)
    other = Panel.from_arrays(panel.dates, panel.symbols, panel.fields, reasons=panel.reasons)
    with pytest.raises(ParameterError, match="market='cn'"):
        check_signal(other, values, capital=1e6)


def test_the_csv_begins_with_the_rows_that_were_lost(panel, values):
    frame = check_signal(panel, Signal(values, 9, {"no number": 2})).frame()
    assert frame[frame["part"] == "rows"].set_index("what")["value"].to_dict() == {"read": 9, "no number": 2}
