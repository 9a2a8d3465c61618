"""Processes against their closed forms; the study of interval coverage; that the book's intervals do cover."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from matplotlib.figure import Figure

from lib.errors import ParameterError
from lib.paper.pages.pieces import html
from lib.paper.pages.result import PageResult
from lib.studies import recorded, run_study
from lib.studies.interval_coverage import STUDY, page
from lib.studies.interval_coverage import processes as daily_processes
from lib.studies.interval_coverage.measure import BLOCKS as COMPUTED
from lib.studies.interval_coverage.page import BLOCKS, PROCESSES, STATISTICS, Intervals, coverage_table, findings
from lib.studies.interval_coverage.processes import books, truth

# ----------------------------------------------------------------------------------------- processes


@pytest.mark.parametrize("process", daily_processes.PROCESSES)
def test_the_long_run_of_a_process_has_its_closed_form(process: str) -> None:
    a, b = (x.ravel() for x in books(process, 1500, 200, np.random.default_rng(1)))
    true = truth(process)
    spread = a.reshape(1500, 200).mean(axis=0).std() / 200**0.5
    assert a.mean() == pytest.approx(true.mean, abs=4 * spread)
    gap = a.mean() / a.std() - b.mean() / b.std()
    assert gap == pytest.approx(true.sharpe_difference, abs=0.005)
    assert 0.85 < np.corrcoef(a, b)[0, 1] < 0.95


def test_regimes_last_as_long_as_they_should_and_volatility_persists() -> None:
    states = daily_processes._spells((4000, 200), np.random.default_rng(2))
    changes = states[1:] != states[:-1]
    for state, spell in enumerate((80, 40, 30)):
        left = (changes & (states[:-1] == state)).sum() / (states[:-1] == state).sum()
        assert left == pytest.approx(1 / spell, rel=0.05)
    assert not ((states[1:] == 2) & (states[:-1] == 1)).any(), "a bear market ends in calm days"
    a, _ = books("volatility", 3000, 100, np.random.default_rng(3))
    squares = np.log(a**2)
    near, far = (np.corrcoef(squares[:-k].ravel(), squares[k:].ravel())[0, 1] for k in (1, 35))
    assert far / near == pytest.approx(0.98**34, abs=0.1)
    plain, _ = books("student", 3000, 100, np.random.default_rng(3))
    assert abs(np.corrcoef(plain[:-1].ravel() ** 2, plain[1:].ravel() ** 2)[0, 1]) < 0.02


def test_paths_are_independent_and_the_generator_decides() -> None:
    one, two = (books("regimes", 300, 4, np.random.default_rng(4))[0] for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert np.unique(one).size == one.size


# --------------------------------------------------------------------------------------------- study


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    settings: dict[str, Any] = {"history": 200, "path": 80, "repetitions": 3, "samples": 20, "seeds": 2}
    return run_study("interval_coverage", scale="smoke", cache=tmp_path_factory.mktemp("cache"), **settings).frame


def test_every_process_and_statistic_has_a_share_with_either_kind_of_block(frame: pd.DataFrame) -> None:
    assert tuple(BLOCKS) == COMPUTED and set(PROCESSES) == set(daily_processes.PROCESSES)
    wanted = {f"{p} {s} {b}" for p in PROCESSES for s in STATISTICS for b in BLOCKS}
    assert set(frame["variant"]) == wanted
    shares = frame[frame["metric"] == "covered"]
    assert len(shares) == 2 * len(wanted) and set(shares["n"]) == {3}
    assert np.isin(np.round(3 * shares["value"], 9), range(4)).all(), "shares of three intervals"
    widths = frame.loc[frame["metric"] == "half_width", "value"]
    assert (widths > 0).all()


def test_a_share_is_counted_over_the_repetitions(monkeypatch: pytest.MonkeyPatch) -> None:
    from lib.stats import Estimate
    from lib.studies.interval_coverage import measure as interval_coverage

    ends = iter([(0.0, 1.0), (2.0, 3.0), (0.4, 0.8), (0.6, 0.7)])

    def made_up(*_: object) -> Any:
        yield "path_sharpe", 0.5, Estimate(0.5, *next(ends))

    monkeypatch.setattr(interval_coverage, "_intervals", made_up)
    settings = STUDY.settings("smoke", overrides={"repetitions": 2})
    records = STUDY.compute({"variant": "normal", "seed": 0}, STUDY.row_settings(settings)).records
    found = {(r["variant"].rpartition(" ")[2], r["metric"]): r["value"] for r in records}
    assert found == {
        ("automatic", "covered"): 1.0, ("automatic", "half_width"): pytest.approx(0.35),
        ("book", "covered"): 0.0, ("book", "half_width"): pytest.approx(0.275),
    }  # fmt: skip


def made(shares: dict[tuple[str, str, str], float]) -> pd.DataFrame:
    """A frame of five equal batches: (process, statistic, blocks) -> share that covers, .95 elsewhere."""
    lines = [
        {"study": "interval_coverage", "variant": f"{p} {s} {b}", "seed": seed, "metric": metric, "value": value,
         "n": 40, "setting": "different"}
        for p in PROCESSES for s in STATISTICS for b in BLOCKS for seed in range(5)
        for metric, value in (("covered", shares.get((p, s, b), 0.95)), ("half_width", 1.1 if b == "book" else 1.0))
    ]  # fmt: skip
    return pd.DataFrame(lines)


def test_findings_hold_on_the_recorded_rows() -> None:
    record = recorded("interval_coverage")
    assert record and not [item.text for item in findings(record.frame) if not item.holds]


def share_of_book(share: float) -> dict[tuple[str, str, str], float]:
    """Coverage of every kind of interval where the market has regimes: .82 with automatic blocks, `share` with ours."""
    return {("regimes", s, b): share if b == "book" else 0.82 for s in STATISTICS for b in BLOCKS}


def test_findings_follow_the_shares() -> None:
    regimes, book, worst, cost = findings(made(share_of_book(0.93)))
    assert regimes.holds and "only 82.0% to 82.0% of histories" in regimes.text
    assert book.holds and "to 93.0% to 93.0%" in book.text
    assert worst.holds and worst.text.startswith("With the blocks of this book every kind") and "93.0%" in worst.text
    assert cost.holds and "at most 10% wider" in cost.text
    turned = made({("regimes", s, "automatic"): 0.95 for s in STATISTICS} | {("normal", "mean_long", "book"): 0.8})
    assert [item.holds for item in findings(turned)] == [False, False, True, True]
    assert "still cover too seldom: 80.0%" in findings(turned)[2].text
    noisy = made({("normal", "mean_long", "book"): 0.88})
    own = (noisy["variant"] == "normal mean_long book") & (noisy["metric"] == "covered")
    noisy.loc[own, "value"] += 0.05 * (noisy.loc[own, "seed"] - 2)
    assert "that any covers in fewer than 90 % is not shown" in findings(noisy)[2].text


def test_the_least_coverage_is_found() -> None:
    low = {("regimes", "mean_short", "automatic"): 0.82, ("volatility", "path_drawdown", "book"): 0.91}
    share, *where = Intervals.of(made(low)).least("automatic")
    assert share.value == pytest.approx(0.82) and where == ["regimes", "mean_short"]


def test_table_and_figure(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = coverage_table(frame)
    assert len(rows) == len(PROCESSES) * len(STATISTICS)
    one = made({("regimes", "mean_short", "book"): 0.9})
    line = coverage_table(one).loc[(PROCESSES["regimes"], STATISTICS["mean_short"])]
    assert line[BLOCKS["book"]] == pytest.approx(0.9) and line["width, book / automatic"] == pytest.approx(1.1)
    assert math.isfinite(line[f"{BLOCKS['automatic']}.low"])
    drawn: list[Figure] = []
    monkeypatch.setattr(page, "plot", lambda figure: drawn.append(figure) or html(""))
    shown = PageResult.of(run_study("interval_coverage", scale="smoke"), recorded("interval_coverage"))
    page.coverage(shown)
    assert len(drawn) == len(PROCESSES)
    for place in range(len(PROCESSES)):
        check(lambda place=place: [page.coverage(shown), drawn[place - len(PROCESSES)]][1])
    assert page.coverage_rows(shown).data.count("<tr>") == len(PROCESSES) * (1 + len(STATISTICS))
    assert "10 batches of 40 histories" in page.head(shown).data


def test_a_path_too_short_for_an_interval_is_refused() -> None:
    with pytest.raises(ParameterError, match="path"):
        run_study("interval_coverage", scale="smoke", path=59)


# ------------------------------------------------------------------------------------------- coverage


@pytest.mark.slow
@pytest.mark.parametrize("process", daily_processes.PROCESSES)
def test_intervals_of_the_book_cover(process: str) -> None:
    """200 histories at the sizes of the papers: none covers in fewer than 90 % beyond their noise."""
    settings = STUDY.row_settings(STUDY.settings("paper", overrides={"repetitions": 200, "samples": 200}))
    records = STUDY.compute({"variant": process, "seed": 7}, settings).records
    shares = {r["variant"]: r["value"] for r in records if r["metric"] == "covered"}
    book = {name: share for name, share in shares.items() if name.endswith("book")}
    assert len(book) == len(STATISTICS)
    assert min(book.values()) >= 0.90 - 2 * (0.9 * 0.1 / 200) ** 0.5, book
    if process == "regimes":
        gains = [share - shares[name.replace("book", "automatic")] for name, share in book.items()]
        assert np.mean(gains) > 0.05, "automatic blocks miss regimes"
