"""Episodes: where they lie, what is counted in them, what is said and answered from the numbers."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from results import around, tidy

from lib.evaluation import slices
from lib.market import EPISODES
from lib.paper.claims import scoreboard
from lib.paper.pages.result import PageResult
from lib.paper.pages.style import title_of
from lib.paper.results.recording import Recorded
from lib.paper.results.runner import StudyResult
from lib.stats.over_seeds import ENOUGH_SEEDS
from lib.studies import recorded
from lib.studies.cases import STUDY, page
from lib.studies.cases import measure as cases
from lib.studies.cases.measure import AROUND, DIFFERENCES, PAIRS, REAL, theme_tilt
from lib.studies.cases.page import CLAIM_IDS, LIKE, answer_claims, difference_table, findings, level_table, windows


def frame(effect: float = 0.0, source: str = "crash", window: str = "episode", half: float = 0.02) -> pd.DataFrame:
    """Every difference as given, everything else alike."""
    facts = f"{source} market facts {window}"
    records = [(facts, "sessions", 15.0), (facts, "limit_up", 0.04), (facts, "excluded_ratio", 2.5)]
    records += [(facts, "market.max_drawdown", 0.18)]
    for name in ("none", "mask_skip", "mask_paper", "mlp", "market"):
        for metric in ("executed_open.total_return", "executed_open.max_drawdown", "refused_sells", "refused_buys"):
            records += around(f"{source} {name} {window}", metric, 0.1, half)
        records += around(f"{source} {name} {window}", "theme_tilt", 0.05, half)
        records += around(f"{source} {name} before", "theme_tilt", 0.01, half)
    for left, right in PAIRS:
        for metric in DIFFERENCES:
            records += around(f"{source} {left} - {right} {window}", metric, effect, half)
    return tidy(records, "cases")


# ----------------------------------------------------------------------------------------------- the run


@pytest.fixture(scope="module")
def computed():
    """Crash and rotation on one small market, the crash twice."""
    settings = STUDY.settings("smoke", 1, {"n_stocks": 60, "mlp_epochs": 1, "episodes": ["crash", "theme_rotation"]})
    rows = STUDY.rows(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SAMPLES", 10)
        patch.setattr(cases, "PIPELINES", ("none", "mask_skip"))
        patch.setattr(cases, "TRAINING", (("calm", 200), ("bear", 60)))  # to the end of 2010
        patch.setattr(cases, "FIRST_TEST_YEAR", 2011)
        return [STUDY.compute(row, STUDY.row_settings(settings)) for row in (rows[0], rows[0], rows[1])]


def values(result):
    return {(r["variant"], r["metric"]): r["value"] for r in result.records}


def test_the_same_seed_gives_the_same_table(computed):
    assert list(computed[0].records) == list(computed[1].records)


def test_the_episode_lies_between_calm_days(computed):
    for result, name in zip(computed[1:], ("crash", "theme_rotation"), strict=True):
        found = values(result)
        spans = [found[f"{name} market facts {w}", "sessions"] for w in ("before", "episode", "after")]
        assert spans == [AROUND, EPISODES[name].days, AROUND]
        assert len(result.arrays["market"]) == sum(spans)


def test_a_crash_is_a_crash(computed):
    found = values(computed[0])
    assert found["crash market facts episode", "market.total_return"] < -0.08
    assert found["crash market episode", "executed_open.total_return"] == pytest.approx(
        found["crash market facts episode", "market.total_return"]
    ), "the holder's return is the market's"
    masked = [found[f"crash market facts {w}", "masked_per_session"] for w in ("before", "episode")]
    assert found["crash market facts episode", "excluded_ratio"] == pytest.approx(masked[1] / masked[0])
    assert ("crash market facts before", "excluded_ratio") not in found
    assert found["crash none episode", "refused_sells"] > found["crash mask_skip episode", "refused_sells"] == 0


def test_a_total_return_is_compounded(computed):
    arrays, found = computed[0].arrays, values(computed[0])
    total = 1.0
    for r in arrays["none executed"][AROUND : AROUND + EPISODES["crash"].days]:
        total *= 1 + r
    assert found["crash none episode", "executed_open.total_return"] == pytest.approx(total - 1)
    gap = found["crash mask_skip - none episode", "executed_open.total_return"]
    assert gap == pytest.approx(found["crash mask_skip episode", "executed_open.total_return"] - (total - 1))


def test_the_mlp_runs_in_the_rotation_only(computed):
    assert ("theme_rotation mlp episode", "theme_tilt") in values(computed[2])
    assert not any("mlp" in variant for variant, _ in values(computed[0]))
    rows = STUDY.rows(STUDY.settings("laptop", 1))
    assert [("epochs" in row) for row in rows] == [False, False, True]
    assert STUDY.agreement(rows[2]).share > 0 == STUDY.agreement(rows[0]).share


def test_tilt_by_hand():
    nan = np.nan
    prediction = np.array([[3.0, 1.0, 2.0, nan], [nan, 1.0, 2.0, 0.0], [nan, nan, nan, 1.0], [nan] * 4])
    theme = np.array([True, False, False, True])
    found = theme_tilt(prediction, theme)
    assert found[0] == pytest.approx(1.0 - (0.0 + 0.5) / 2)
    assert found[1] == pytest.approx(0.0 - (0.5 + 1.0) / 2)
    assert np.isnan(found[2:]).all(), "one side only, or nobody"


def test_windows_are_dates_in_order_and_each_is_like_an_episode():
    for first, last in REAL.values():
        assert np.datetime64(first) < np.datetime64(last)
    assert sorted(name for like in LIKE.values() for name in like) == sorted(REAL)
    assert set(LIKE) == set(EPISODES)


# ----------------------------------------------------------------------------------- sentences and tables


def said(rows: pd.DataFrame) -> str:
    """Everything the page says of some rows; all of it must hold."""
    found = findings(rows)
    assert found and all(item.holds for item in found), [item.text for item in found if not item.holds]
    return "\n".join(item.text for item in found).replace("\N{MINUS SIGN}", "-")


@pytest.mark.parametrize(
    ("source", "effect", "words"),
    [
        ("crash", 0.05, "deeper drawdown in a crash"), ("crash", -0.05, "smaller drawdown in a crash"),
        ("crash", 0.0, "no measurably different drawdown"), ("policy_rally", 0.05, "is ahead by +5.0 [+3.0"),
        ("policy_rally", -0.05, "system lags the market, like"), ("policy_rally", 0.0, "neither measurably ahead"),
        ("theme_rotation", 0.05, "stocks higher than ridge"), ("theme_rotation", -0.05, "stocks lower than ridge"),
        ("theme_rotation", 0.0, "does not see the theme measurably better"),
    ],
)  # fmt: skip
def test_what_an_episode_says(source: str, effect: float, words: str):
    assert words in said(frame(effect, source))


def moved(rows: pd.DataFrame, pair: str, metric: str, shift: float) -> pd.DataFrame:
    """The rows with one difference and its ends moved."""
    chosen = rows["variant"].str.endswith(f" {pair} episode") & rows["metric"].str.startswith(metric)
    assert chosen.sum() == 3
    return rows.assign(value=rows["value"].where(~chosen, rows["value"] + shift))


def test_what_filling_every_order_hides():
    crash = frame(-0.05)
    assert "seems to cost return only" not in said(crash)
    turned = moved(crash, "mask_skip - none", "executed_open.total_return", 0.1)
    assert "turns the sign of what a mask does: masked minus unmasked, after costs, the return is -5.0" in said(turned)
    unclear = moved(crash, "mask_skip - none", "executed_open.total_return", 0.05)
    assert "seems to cost return only while every order is filled" in said(unclear)
    rally = frame(0.05, "policy_rally")
    assert "executed it still does" in said(rally)
    gone = moved(rally, "none - market", "executed_open.total_return", -0.05)
    assert "could not have been earned" in said(gone)
    assert "does not measurably beat the market" in said(frame(0.0, "policy_rally"))


def test_a_mask_is_a_shelter_only_against_the_holder():
    smaller = frame(-0.05)
    assert "and than a holder of every stock (-5.0 [-7.0, -3.0])" in said(smaller)
    assert "a mask is no shelter" in said(moved(smaller, "mask_skip - market", "executed_open.max_drawdown", 0.05))


@pytest.mark.parametrize(
    ("effect", "words"),
    [(0.5, "before costs: +3.1 [+3.0, +3.2]"), (-0.5, "earns less before costs"), (0.0, "does not measurably")],
)  # fmt: skip
def test_gross_of_costs_stands_beside_net(effect: float, words: str):
    rows = frame(effect)  # 15 of 243 sessions
    assert words in said(rows)
    old = findings(rows[~rows["metric"].str.contains("gross")])
    assert len(old) == len(findings(rows)) - 1 and all(item.holds for item in old)


def test_every_finding_holds_on_the_recorded_rows():
    said(recorded("cases").frame)


def test_windows_of_a_file_are_found_without_the_days_before_them():
    both = pd.concat([frame(), frame(0.05, "csi300", "April 2022"), frame(0.0, "csi300", "before April 2022")])
    (case,) = page.real(both)
    assert case.title == "April 2022" and windows(both, "csi300") == ["April 2022", "before April 2022"]
    assert [case.source for case in page.scripted(both)] == ["crash"]


def test_tables_leave_out_what_does_not_apply():
    rows = level_table(frame(), "crash", ["episode"])
    assert ("episode", "MLP, windows skip masked days") in rows.index and "coverage" not in rows.columns
    rows = difference_table(frame(0.05), "crash", ["episode"])
    strict = ("episode", "strict windows, the papers' mask \N{MINUS SIGN} unmasked")
    assert rows.loc[strict, "executed_open.total_return.low"] == pytest.approx(0.03)


def papers_engine(source: str = "crash", window: str = "episode") -> pd.DataFrame:
    """Drawdowns of 20 % where every order fills at the close, 10 % where not."""
    records: list[tuple[str, str, float]] = []
    for name in ("none", "mask_paper"):
        records += around(f"{source} {name} {window}", "naive_close.max_drawdown", 0.2, 0.01)
    return pd.concat([frame(0.0, source, window), tidy(records, "cases")])


def test_claims_come_from_the_papers_window_where_there_is_one():
    answers = {a.claim_id: a for a in answer_claims(papers_engine())}
    assert "scripted crash" in answers["B.case.crash.drawdown_with"].note
    both = pd.concat([papers_engine(), papers_engine("csi300", "April 2022")])
    real = {a.claim_id: a for a in answer_claims(both)}
    assert "April 2022" in real["B.case.crash.drawdown_without"].note
    assert set(real) <= set(CLAIM_IDS) and "B.case.rotation.transformer" not in CLAIM_IDS


def test_drawdowns_are_those_of_the_papers_engine():
    answers = {a.claim_id: a for a in answer_claims(papers_engine())}
    assert all("naive_close" in answers[f"B.case.crash.drawdown_{side}"].note for side in ("with", "without"))
    assert answers["B.case.crash.drawdown_with"].estimate == pytest.approx(20.0)


def test_excluded_stocks_are_counted_in_the_file_against_the_sessions_before():
    scripted = scoreboard(answer_claims(frame())).set_index("id").loc["B.case.crash.excluded"]
    assert scripted["verdict"] == "cannot be tested" and "choice of ours" in scripted["note"]
    later = frame(0.0, "csi300", "April 2022")
    later.loc[later["metric"] == "excluded_ratio", "value"] = 3.1
    found = scoreboard(answer_claims(pd.concat([frame(), later]))).set_index("id").loc["B.case.crash.excluded"]
    assert (found["ours"], found["low"], found["high"]) == (3.1, 3.1, 3.1), "a count of one window is a census"
    assert found["verdict"] == "direction only" and "60 sessions before" in found["note"]


def test_a_scripted_rally_cannot_answer_how_often_limits_bind_and_the_file_of_this_study_does_not():
    rally = "policy_rally"
    for frames in ([frame(source=rally)], [frame(source=rally), frame(0, "csi300", LIKE[rally][0])]):
        board = scoreboard(answer_claims(pd.concat(frames))).set_index("id")
        assert board.loc["B.case.rally.limit_rate", "verdict"] == "cannot be tested"


def test_a_difference_over_markets_has_the_interval_of_its_mean():
    name = "policy_rally mask_paper - market episode"
    parts = [tidy([(name, "naive_close.total_return", v)], "cases", k) for k, v in enumerate((1, 2, 3, 4, 5))]
    (answer,) = answer_claims(pd.concat(parts))
    assert len(parts) == ENOUGH_SEEDS
    reach = 2.776445 * (2.5 / 5) ** 0.5 * 100
    assert (answer.estimate, answer.high - answer.estimate) == pytest.approx((300.0, reach))


# ------------------------------------------------------------------------------------------ figures, page


def shown_of(rows: pd.DataFrame) -> PageResult:
    return SimpleNamespace(rows=rows, note="a note")  # type: ignore[return-value]


@pytest.mark.parametrize(("place", "episode"), [(1, "crash"), (2, "theme_rotation")])
def test_an_episode_is_drawn_whole_and_its_title_claims_nothing_of_all_markets(computed, place: int, episode: str):
    check(lambda: page.episode_figure(computed[place].arrays, episode, "note"))
    assert "a single path" in title_of(page.episode_figure(computed[place].arrays, episode))


def test_exhibits_have_a_tab_for_each_episode():
    shown = shown_of(pd.concat([frame(0.05, name) for name in EPISODES] + [frame(0.0, "csi300", "April 2022")]))
    for make, tabs in ((page.differences, 3), (page.levels, 3), (page.difference_tables, 3), (page.facts, 0),
                       (page.real_windows, 0)):  # fmt: skip
        html = make(shown).data
        assert html.count('type="radio"') == tabs and html == make(shown).data
        assert "nan" not in html.partition("base64")[0]
    assert "No price file was given" in page.real_windows(shown_of(frame())).data


def test_the_title_follows_the_markets_that_are_shown():
    rows = moved(frame(0.05, "policy_rally"), "none - market", "executed_open.total_return", -0.05)
    assert "beats the market by more than executed" in page.differences(shown_of(rows)).data
    assert "Differences in return" in page.differences(shown_of(frame(0.0, "policy_rally"))).data


def test_rows_of_the_exchange_are_evidence_without_a_price_file():
    row = SimpleNamespace(run="r")
    for study, plumbing in ((STUDY, False), (replace(STUDY, evidence="real"), True)):
        assert Recorded(study, "paper", (row,), {"r": {"inputs": []}}).plumbing is plumbing  # type: ignore[arg-type]
        records = ({"variant": "a", "metric": "x", "value": 1.0, "n": 1},)
        made = SimpleNamespace(config={"seed": 0}, setting="different", stored=SimpleNamespace(records=records))
        answering = replace(study, page=replace(study.page, answers=lambda _: answer_claims(frame())))
        result = StudyResult(answering, {"data_path": None}, [made])  # type: ignore[list-item]
        assert bool(result.answers()) is not plumbing
