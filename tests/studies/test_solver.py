"""The study of the optimiser: its forms solve one problem, its parts add up, its sentences follow the numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from matplotlib.figure import Figure
from results import tidy

from lib import run_study
from lib.paper.pages.pieces import html
from lib.paper.pages.result import PageResult
from lib.stats.estimates import Numbers
from lib.stats.keys import unread
from lib.studies import recorded
from lib.studies.solver import STUDY, forms, measure, page
from lib.studies.solver.days import IC, days
from lib.studies.solver.page import CLAIM, answer_claims, findings
from lib.studies.solver.tables import exact_table, found_in, parts_table, report, summary

TINY = {"stocks": 48, "look_back": 24, "exact_days": 5, "many_stocks": 60, "back_test_days": 6}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return run_study("solver", scale="smoke", cache=tmp_path_factory.mktemp("cache"), progress=False, **TINY)


# ---------------------------------------------------------------------------------------------- the days


def test_days_are_consecutive_and_change_slowly():
    found = list(days(400, 30, 5, seed=3))
    for before, after in pairwise(found):
        assert np.array_equal(before.history[1:], after.history[:-1]) and np.array_equal(before.groups, after.groups)
        assert 0.8 < np.corrcoef(before.mu, after.mu)[0, 1] < 0.97
    assert all(day.history.shape == (30, 400) for day in found)
    assert np.unique(found[0].groups).size == 29
    assert found[0].mu.std() == pytest.approx(IC * 0.0155, rel=0.35)


def test_the_same_seed_gives_the_same_days_and_another_others():
    one, again, other = (next(days(40, 20, 1, seed)) for seed in (1, 1, 2))
    assert np.array_equal(one.history, again.history) and not np.array_equal(one.history, other.history)


# ---------------------------------------------------------------------------------------------- the forms


@pytest.mark.parametrize("form", ["dense", "factor", "package", "ours"])
@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.filterwarnings("ignore:You are solving a parameterized problem")
def test_every_form_solves_the_same_problem(form, warm):
    name = "CLARABEL" if form in ("dense", "factor") else "alone"
    if forms.missing(form, name):
        pytest.skip(f"{name} is not installed")
    take = forms.solver_of(form, name, warm)
    for day in days(48, 24, 3, seed=0):
        found, problem = take(day), forms.problem_of(day)
        best = forms.ours(False)(day).weights
        gap, excess = measure._off(problem, best, found.weights)
        assert abs(gap) < (1e-2 if form == "package" else 1e-4), form
        assert excess < (1e-2 if form == "package" else 1e-6)
        parts = [getattr(found, part) for part in forms.PARTS]
        assert found.cpu == pytest.approx(sum(parts)) and min(parts) >= 0 and found.cpu > 0


def test_a_worse_answer_is_said_to_be_worse():
    day = next(days(48, 24, 1, seed=0))
    problem, best = forms.problem_of(day), forms.ours(False)(day).weights
    gap, excess = measure._off(problem, best, np.full(48, 1 / 48))
    assert gap > 0.1 and excess < 1e-12
    assert measure._off(problem, best, 1.5 * best)[1] == pytest.approx(0.5)


def test_only_the_form_in_factors_is_parametrised():
    assert forms.is_parametrised() == {"dense": False, "factor": True}


def test_what_is_missing_is_named_and_its_rows_are_left_out(monkeypatch):
    monkeypatch.setattr(forms, "find_spec", lambda name: None)
    assert forms.missing("package", "alone") == "mlquantx" and not forms.missing("ours", "alone")
    assert forms.missing("dense", "NOSUCH") == "NOSUCH"
    variants = {row["variant"] for row in STUDY.rows(STUDY.settings("smoke"))}
    assert "package alone" not in variants and "ours alone" in variants


# ---------------------------------------------------------------------------------------------- the rows


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_every_variant_has_one_kind_and_is_read_by_one_key(scale):
    rows = STUDY.rows(STUDY.settings(scale))
    variants = [row["variant"] for row in rows]
    assert len(set(variants)) == len(variants)
    assert {row["kind"] for row in rows} == set(measure.KINDS)
    others = [name for name in variants if name != "covariance"]
    assert not unread(others, {"form": measure.FORM, "exact": measure.EXACT})
    if scale == "paper":
        for aversion in (1, 5, 20, 100):
            assert f"long-only, aversion {aversion}, 1000 stocks, 750 days" in variants
        assert "long-only, aversion 10, 1000 stocks, 2500 days" in variants


def test_certificates_and_times_of_a_run(result):
    rows = exact_table(result.frame)
    assert len(rows) == 16 and (rows[["largest gap", "largest excess"]] <= 1e-12).all(axis=None)
    assert (rows["Clarabel short of ours"].dropna() < 1e-6).all()
    assert (rows["cpu, ms"] > rows["covariance, ms"]).all()
    for mode in measure.MODES:
        table = parts_table(result.frame, mode)
        assert (table["cpu, ms"] > 0).all() and (table["excess"] < 0.02).all()
    assert len(summary(result.frame)) == len(found_in(result.frame)[1])


def test_the_books_are_what_they_are_called():
    day = next(days(48, 24, 1, seed=0))
    held = np.full(48, 1 / 48)
    found = {book: measure.book_of(book, 5.0, day, measure.ledoit_wolf(day.history), held) for book in measure.BOOKS}
    assert [item.budget for item in found.values()] == [1.0, 1.0, 0.0]
    assert [item.cost > 0 for item in found.values()] == [False, True, True]
    assert found["market-neutral"].leverage == 2.0 and found["market-neutral"].lower.min() == -0.03


def test_newtons_method_does_not_go_back_and_forth():
    """The ninth of these days has two points, each of which a full or a quarter step takes to the other with a smaller
    gap and a higher dual: a step counts only when it lowers the dual."""
    previous = np.zeros(1000)
    for place, day in enumerate(days(1000, 120, 60, 7)):
        own = measure.book_of("long-only with costs", 20.0, day, measure.ledoit_wolf(day.history), previous)
        found = measure.solve(own, previous if place else None)
        assert found.gap <= 1e-12 and found.iterations < 40, place
        previous = found.weights
        if place == 9:
            break


# ------------------------------------------------------------------------------------- what the page says


def made_up(ratio=1.3, share=0.3, factor=0.1, package=300.0, gap=1e-15, seconds=9.0, own=400.0, short=1e-3):
    """A run with the numbers of the sentences."""
    exact = "long-only, aversion 10, 1000 stocks, 2500 days"
    records = [
        ("dense SCS", "cold: cpu", 1.0), ("dense SCS", "cold: compile", share), ("dense SCS", "cold: covariance", 0.2),
        ("dense SCS", "warm: cpu", 0.8), ("factor SCS", "warm: cpu", factor), ("dense SCS", "parametrised", 0.0),
        ("factor SCS", "parametrised", 1.0), ("ours alone", "cold: cpu", 0.004), ("dense SCS", "warm: deficit", short),
        (exact, "largest gap", gap), (exact, "largest excess", 1e-15), (exact, "Clarabel short of ours", 1e-9),
        (exact, "total cpu", seconds), ("covariance", "difference", 1e-15),
    ]  # fmt: skip
    ratios = {("dense SCS", "cold / warm without covariance"): ratio, ("covariance", "times ours"): own,
              ("package alone", "warm: times ours"): package}  # fmt: skip
    for (variant, metric), value in ratios.items():
        records += [(variant, metric + end, value * by) for end, by in (("", 1), (".low", 0.9), (".high", 1.1))]
    return tidy(records, "solver")


def test_findings_follow_the_numbers():
    said = findings(made_up())
    assert [item.holds for item in said] == [True] * 8
    assert "a day 1.3 [1.2, 1.4] times faster" in said[0].text and "print 6" in said[0].text
    assert "takes 30% of a cold day" in said[1].text and "put compiling at 80 %" in said[1].text
    assert "4.0 ms" in said[3].text and "2,500 days and 1,000 stocks spends 9.0 s" in said[5].text
    assert "up to 1e−03 (matrix, SCS, warm)" in said[7].text


@pytest.mark.parametrize(
    ("turned", "place"),
    [({"factor": 1.2}, 2), ({"package": 0.5}, 3), ({"gap": 1e-6}, 4), ({"seconds": 4000.0}, 5), ({"own": 0.5}, 6)],
)
def test_a_number_turned_round_makes_its_sentence_untrue(turned, place):
    assert [item.holds for item in findings(made_up(**turned))] == [row != place for row in range(8)]


def test_the_other_outcomes_are_written_down():
    for ratio, words in ((6.2, "as the papers print"), (9.0, "more than the 6")):
        assert words in findings(made_up(ratio=ratio))[0].text
    assert "80 %, more than half of the day as here" in findings(made_up(share=0.8))[1].text
    assert "no form falls short" in findings(made_up(short=1e-9))[7].text


def test_a_run_without_a_form_or_peer_says_nothing_of_it():
    frame = made_up()
    left = findings(frame[~frame["variant"].isin(["package alone"])])
    assert not left[3].complete and left[2].holds
    assert not any(item.holds for item in findings(frame[frame["variant"] == "nothing"]))


def test_the_claim_is_answered_with_the_papers_form():
    (answer,) = answer_claims(made_up())
    assert (answer.claim_id, answer.estimate, answer.setting) == (CLAIM, 1.3, "different")
    assert answer.low == pytest.approx(1.17) and answer.high == pytest.approx(1.43)
    assert answer_claims(made_up().iloc[:3]) == []


def test_findings_hold_on_the_recorded_rows():
    record = recorded("solver")
    assert not record or not [item.text for item in findings(record.frame) if not item.holds]


def test_figures_and_tables_of_the_page(result, monkeypatch):
    drawn: list[Figure] = []
    monkeypatch.setattr(page, "plot", lambda figure: drawn.append(figure) or html(""))
    shown = PageResult.of(result, recorded("solver"))
    page.saved(shown)
    for place in range(2):
        check(lambda place=place: [page.saved(shown), drawn[place - 2]][1])
    text = "".join(part(shown).data for part in (page.head, page.parts, page.exact))
    assert "matrix, SCS" in text and "market-neutral" in text
    printed = report(result.frame)
    assert "the exact method" in printed and "scikit-learn takes" in printed


def test_times_are_measured_of_the_machine_and_not_recomputed():
    assert STUDY.evidence == "machine" and STUDY.page.claims == (CLAIM,)
    frame = made_up()
    assert isinstance(frame, pd.DataFrame) and Numbers(frame).find("ours alone", "cold: cpu").value == 0.004
