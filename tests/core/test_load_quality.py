"""Quality control: each rule against a loop over cells, what is applied, and what looks ahead."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import source_shapes as shapes

from lib.errors import ParameterError
from lib.load.quality.measures import Rules, quality_control
from lib.load.quality.report import report
from lib.panel import Panel
from lib.reasons import Reason

T, N = 90, 6
RULES = Rules(min_history=20, max_return=0.1, max_idle=0.4, outlier=6.0, window=16)
POISON = (np.nan, np.inf, 1e30)


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Late listings, idle spells, missing cells, jumps; whatever lies in a masked cell is poison."""
    rng = np.random.default_rng(5)
    change = 0.02 * rng.standard_t(3, (T, N))
    pre = np.full((T, N), 20.0)
    close = pre * np.exp(np.clip(change, -0.5, 0.5))
    reasons = np.zeros((T, N), dtype=np.uint8)
    reasons[:30, 2] = Reason.UNLISTED
    reasons[40:55, 1], reasons[50:80, 4] = Reason.HALT, Reason.HALT
    reasons[1:7, 3] = Reason.HALT  # idle, but not yet for a whole window
    reasons[rng.random((T, N)) < 0.05] |= np.uint8(Reason.MISSING)
    reasons[70:, 5] = Reason.MISSING
    close[(reasons & Reason.HALT) > 0] = 20.0
    dark = (reasons & (Reason.MISSING | Reason.UNLISTED)) > 0
    close[dark] = rng.choice(POISON, dark.sum())
    fields = dict.fromkeys(("open", "high", "low", "close"), close) | {"volume": np.ones((T, N)), "pre_close": pre}
    days = np.busday_offset("2024-01-02", np.arange(T), roll="forward")
    return Panel.from_arrays(days, [f"SH60000{i}" for i in range(N)], fields, reasons)


def naive(panel: Panel) -> dict[str, np.ndarray]:
    """The four rules, one cell and one past day at a time."""
    out = {name: np.zeros((T, N), dtype=bool) for name in ("history", "extreme move", "irregular trading", "outlier")}
    for n in range(N):
        days = 0
        for t in range(T):
            bits = int(panel.reasons[t, n])
            traded = not bits & (Reason.MISSING | Reason.UNLISTED | Reason.HALT)
            days += traded
            late = bool(int(panel.reasons[0, n]) & Reason.UNLISTED)  # else listed before, unknown when
            out["history"][t, n] = late and days < RULES.min_history
            listed = [s for s in range(t + 1) if not all(int(panel.reasons[u, n]) & 3 for u in range(s + 1))]
            last = [s for s in range(t - RULES.window + 1, t + 1) if s in listed]
            idle = [s for s in last if int(panel.reasons[s, n]) & 7]
            out["irregular trading"][t, n] = len(last) == RULES.window and len(idle) / RULES.window > RULES.max_idle
            if bits & 3:
                continue
            r = panel.fields["close"][t, n] / 20.0 - 1
            out["extreme move"][t, n] = abs(r) > RULES.max_return + 0.00501 / 20
            past = [abs(panel.fields["close"][s, n] / 20.0 - 1) for s in range(max(0, t - RULES.window), t)
                    if not int(panel.reasons[s, n]) & 7]  # fmt: skip
            if t >= RULES.window // 2 and len(past) >= RULES.window // 2:
                out["outlier"][t, n] = abs(r) > RULES.outlier * 1.4826 * float(np.median(past))
    return out


def test_each_rule_is_that_of_a_loop_over_cells(panel: Panel) -> None:
    quality, wanted = quality_control(panel, RULES), naive(panel)
    assert [item.name for item in quality.exclusions] == list(wanted)
    for item in quality.exclusions:
        assert 0 < item.cells.sum() < T * N, item.name
        np.testing.assert_array_equal(item.cells, wanted[item.name], err_msg=item.name)
        if item.name != "history":
            np.testing.assert_array_equal(item.securities, wanted[item.name].any(axis=0))
    assert not quality.exclusions[0].securities.any()
    young = quality_control(panel, Rules(min_history=59)).exclusions[0].securities
    assert young.tolist() == [n == 2 and panel.traded[:, n].sum() < 59 for n in range(N)]
    assert young.any()


def test_applied_takes_cells_out_of_the_universe_and_touches_nothing_else(panel: Panel) -> None:
    quality = quality_control(panel, RULES)
    after = quality.applied()
    together = np.logical_or.reduce(list(naive(panel).values()))
    np.testing.assert_array_equal(after.universe, panel.universe & ~together)
    assert after.reasons is panel.reasons
    assert after.fields is panel.fields
    note = after.notes["quality"]
    assert not note["looks_ahead"]
    rows = {row["rule"]: row for row in quality.rows()}
    assert note["cells"]["outlier"] == rows["outlier"]["cells as of their day"]
    assert rows["together"]["cells as of their day"] == int((together & panel.universe).sum())
    assert panel.universe.sum() - after.universe.sum() == rows["together"]["cells as of their day"]


def test_the_papers_rule_drops_whole_securities_and_says_that_it_looks_ahead(panel: Panel) -> None:
    quality = quality_control(panel, Rules(min_history=None, max_return=0.1, max_idle=None, outlier=None))
    after = quality.applied("whole")
    dropped = quality.exclusions[0].securities
    assert 0 < dropped.sum() < N
    assert not after.universe[:, dropped].any()
    np.testing.assert_array_equal(after.universe[:, ~dropped], panel.universe[:, ~dropped])
    assert after.notes["quality"]["looks_ahead"]


def test_the_future_does_not_change_an_exclusion_as_of_its_day(panel: Panel) -> None:
    whole = quality_control(panel, RULES).excluded()
    for cut in (25, 47, 80):
        np.testing.assert_array_equal(quality_control(panel.rows(0, cut), RULES).excluded(), whole[:cut])
    literal = quality_control(panel, RULES).excluded("whole")
    assert (quality_control(panel.rows(0, 25), RULES).excluded("whole") != literal[:25]).any()


def test_rules_can_be_switched_off_and_are_checked(panel: Panel) -> None:
    off = quality_control(panel, Rules(None, None, None, None))
    assert off.exclusions == ()
    np.testing.assert_array_equal(off.applied().universe, panel.universe)
    with pytest.raises(ParameterError, match="min_history = 0: expected a whole number of at least 1, or None"):
        Rules(min_history=0)
    with pytest.raises(ParameterError, match="max_return = nan"):
        Rules(max_return=math.nan)
    with pytest.raises(ParameterError, match="mode is 'later'"):
        off.applied("later")  # type: ignore[arg-type]


def test_a_limit_up_of_twenty_per_cent_is_not_beyond_twenty_per_cent() -> None:
    """17.33 x 1.2 = 20.796 is rounded to 20.80: 20.02 % up, and a limit-up all the same."""
    prices = np.array([[17.33], [20.80], [24.97]])
    pre = np.array([[17.33], [17.33], [20.80]])  # the third day is a cent beyond 24.96
    fields = dict.fromkeys(("open", "high", "low", "close"), prices) | {"volume": np.ones((3, 1)), "pre_close": pre}
    days = np.array(["2024-01-02", "2024-01-03", "2024-01-04"], dtype="datetime64[D]")
    quality = quality_control(Panel.from_arrays(days, ["SZ300001"], fields), Rules(None, 0.2, None, None))
    assert quality.exclusions[0].cells.ravel().tolist() == [False, False, True]


def test_a_listing_date_tells_the_age_of_a_stock_that_is_there_from_the_start(panel: Panel) -> None:
    listed = np.broadcast_to(panel.dates[0] - np.array([7, 10_000, 0, 7, 7, 7]), (T, N))  # a week: 5 business days
    fields = panel.fields | {"list_date": np.where(np.arange(N) == 3, np.datetime64("NaT"), listed)}
    dated = Panel.from_arrays(panel.dates, panel.symbols, fields, panel.reasons)
    young = quality_control(dated, RULES).exclusions[0].cells
    for n, before in ((0, 5), (1, 10**6), (3, 10**6), (4, 5)):
        np.testing.assert_array_equal(young[:, n], before + np.cumsum(panel.traded[:, n]) < RULES.min_history)


def test_survivors_are_counted(panel: Panel) -> None:
    counts = quality_control(panel, RULES).survivorship()
    first = panel.traded[0]
    assert counts == {
        "stocks": N,
        "there on the first date": int(first.sum()),
        "listed later": int(N - first.sum()),
        "ended before the last date": 0,
    }
    long = Panel.from_arrays(
        np.busday_offset("2020-01-02", np.arange(100), roll="forward"), ["A", "B"],
        {name: np.full((100, 2), 10.0) for name in ("open", "high", "low", "close", "volume")},
        np.where((np.arange(100)[:, None] > 30) & np.array([True, False]), 1, 0).astype(np.uint8),
    )  # fmt: skip
    assert quality_control(long).survivorship()["ended before the last date"] == 1


def test_the_report_counts_what_would_be_excluded(tmp_path: Path) -> None:
    path = shapes.write_baostock(shapes.market(), tmp_path)
    text = report(path)
    rows = shapes.market()
    cells = sum(row.stock == "SH688001" for row in rows)
    assert f"history: {cells:,} cells ({cells / len(rows):.2%} of the universe); as whole securities 1" in text
    assert "0 of 4 stocks end before the last date: survivors only" in text
    assert "Baostock query_history_k_data_plus, 4 files" in text
