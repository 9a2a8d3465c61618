"""The page of limit closes: every finding holds on what is recorded, and none on numbers that say the opposite."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from results import limit_events
from shown_pages import check_figures, drawn, recorded_page, shown_page

from lib.paper.pages.style import title_of
from lib.studies import recorded
from lib.studies.limit_events import page
from lib.studies.limit_events.page import LimitEvents, answer_claims, event_table, findings, yearly_table

FIGURES = ("after_limit_close", "by_year", "limit_rates")
REAL = ("cn_csi300_pit_2010_2024.parquet",)


def texts(frame: pd.DataFrame) -> list[str]:
    return [item.text for item in findings(frame) if item.holds]


def test_every_finding_holds_on_the_recorded_rows() -> None:
    found = findings(recorded("limit_events").frame)
    assert len(found) == 6 and all(item.holds for item in found), [item.text for item in found]
    assert "CSI 300" in found[0].text and "15 years" in found[4].text and "in 2015" in found[5].text


@pytest.mark.parametrize(
    ("gap", "later", "words"),
    [
        (0.02, 0.0, ("lies above a limit-up close by 2.00%", "nothing that differs from zero")),
        (0.02, 0.03, ("lies above a limit-up close by 2.00%", "still gains +3.00%")),
        (0.02, -0.03, ("lies above a limit-up close by 2.00%", "loses over five days")),
        (-0.02, 0.0, ("the next open is lower", "nothing that differs from zero")),
        (0.0, 0.0, ("the overnight return contains zero", "nothing that differs from zero")),
    ],
)
def test_who_has_the_move(gap: float, later: float, words: tuple[str, ...]) -> None:
    found = texts(limit_events(gap, later))
    for word, text in zip(words, found, strict=False):
        assert word in text


@pytest.mark.parametrize(
    ("control", "words"), [(0.0, "goes with the limit"), (0.03, "do not explain the gain"), (-0.03, "with the limit")]
)
def test_the_control(control: float, words: str) -> None:
    assert words in texts(limit_events(control_gap=control))[2]
    assert not any("US stocks" in text for text in texts(limit_events(control_gap=None)))


def test_years_and_sources_are_found_in_the_frame() -> None:
    events = LimitEvents.of(limit_events(home="overlay"))
    assert (events.home, events.control, events.years) == ("overlay", "us", ["2020", "2021"])
    assert LimitEvents.of(limit_events(control_gap=None)).control is None


def test_years_are_counted() -> None:
    assert any("In each of 2 years" in text and "days from the next open is above zero in 2 of them" in text
               for text in texts(limit_events(later=0.03)))  # fmt: skip
    mixed = limit_events()
    one = (mixed["variant"] == "csi300 2021") & mixed["metric"].str.startswith("limit-up close: gap")
    mixed.loc[one, "value"] -= 0.02
    assert any("In 1 of 2 years" in text for text in texts(mixed))
    assert not any("of 2 years" in text for text in texts(limit_events(gap=-0.02)))


def test_limits_bind_in_a_year_of_stress_or_in_no_special_one() -> None:
    assert any("most in 2020, 1.8% together" in text for text in texts(limit_events()))
    frame = limit_events()
    frame.loc[(frame["variant"] == "csi300 2020") & (frame["metric"] == "limit_down"), "value"] = 0.05
    assert any("except in a year of stress" in text and "6.2% together in 2020" in text for text in texts(frame))


def test_a_loss_after_a_limit_down_that_is_a_gain_is_no_finding() -> None:
    assert any("After a limit-down close the next open is lower" in text for text in texts(limit_events()))
    assert not any("limit-down close" in text for text in texts(limit_events(gap=-0.02)))


@pytest.mark.parametrize("name", FIGURES)
def test_figures(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(frame: pd.DataFrame, files: tuple[str, ...] = REAL) -> list:
        return drawn(monkeypatch, page, lambda: getattr(page, name)(shown_page("limit_events", frame, files)))

    for frame in (limit_events(), limit_events(control_gap=None), recorded("limit_events").frame):
        check_figures(draw(frame), draw(frame))
    real, overlay = draw(limit_events(0.02))[0], draw(limit_events(0.02, home="overlay"), ())[0]
    assert any(sign.isdigit() for sign in title_of(real))
    assert not any(sign.isdigit() for sign in title_of(overlay)), "a run that is no evidence says nothing"


def test_the_page_of_a_run_without_prices_says_what_it_is() -> None:
    shown = shown_page("limit_events", limit_events(home="overlay"))
    text = page.head(shown).data
    assert "not evidence about real markets" in text and "None yet" in text
    recorded_text = page.head(recorded_page("limit_events")).data
    assert "Answer." in recorded_text and "None yet" not in recorded_text


def test_tables_keep_every_number_and_show_a_few() -> None:
    frame = recorded("limit_events").frame
    table = event_table(frame, "csi300 all")
    assert table.loc["limit-up close", "gap"] == pytest.approx(0.0219, abs=1e-4)
    assert {"next close, excess", "next intraday", "gap.low", "gap.high"} <= set(table.columns)
    years = yearly_table(frame, "csi300")
    assert years.loc["2015", "limit_up"] == pytest.approx(0.0313, abs=1e-4)
    shown = page.events_of(recorded_page("limit_events")).data
    assert shown.count("<table>") == 2 and shown.count('<th scope="col"') == 10
    assert page.spans(recorded_page("limit_events")).data.count('<th scope="col"') == 12


def test_claims_are_counts_of_their_periods() -> None:
    found = {answer.claim_id: answer for answer in answer_claims(recorded("limit_events").frame)}
    assert set(found) == set(page.CLAIM_IDS)
    assert all(answer.census and answer.low == answer.estimate == answer.high for answer in found.values())
    assert not any(math.isnan(answer.estimate) for answer in found.values())
    assert answer_claims(limit_events(home="us")) == []
