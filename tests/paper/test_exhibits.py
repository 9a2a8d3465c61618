"""What a page shows: tables with their CSV, this build beside the recorded one, claims; nothing unescaped."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest
from results import limit_events, tidy

from lib.errors import ParameterError
from lib.paper.claims import Answer, load_ledger, scoreboard
from lib.paper.claims.verdicts import NOT_STUDIED, RULE
from lib.paper.pages import (
    box,
    chance_message,
    chance_table,
    changed_table,
    claims_table,
    plot,
    rule_table,
    table,
    verdict_counts,
)
from lib.paper.pages.comparison import agreement, beside
from lib.paper.pages.forms import bars
from lib.paper.pages.tables import cells, form_of, text_of
from lib.paper.results.recorded_files import Confirmation
from lib.paper.site.notebooks import ROOT
from lib.stats.estimates import MINUS, Numbers
from lib.studies import load_study


def csv_of(page: str) -> pd.DataFrame:
    """The table behind the CSV link of a page."""
    found = re.search(r'download="(\w+)\.csv" href="data:text/csv;base64,([^"]+)"', page)
    assert found
    return pd.read_csv(io.BytesIO(base64.b64decode(found.group(2))))


# ----------------------------------------------------------------------------------------- tables

FRAME = pd.DataFrame(
    {"name": ["<b>&", "x"], "gap": [0.0216, -0.5], "gap.low": [0.01, None], "gap.high": [0.03, None], "n": [1234.0, 2]}
)


def test_a_table_is_escaped_and_shows_intervals() -> None:
    page = table(FRAME, "numbers", caption="<i>").data
    assert "<b>" not in page and "<i>" not in page
    assert '+2.16% <span class="ends">[+1.00%, +3.00%]</span>' in page
    assert f">{MINUS}50.00%</td>" in page
    assert "1,234" in page
    assert "gap.low" not in page


def test_the_csv_holds_every_column_and_the_exact_numbers() -> None:
    pd.testing.assert_frame_equal(csv_of(table(FRAME, "numbers").data), FRAME.astype({"n": "int64"}), check_dtype=False)


def test_without_rows_there_is_a_sentence_in_place_of_a_table() -> None:
    for empty in (FRAME[:0], pd.DataFrame()):
        page = table(empty, "numbers", columns={"gap": "gap"}).data
        assert page == "<p>This result has no rows for the table numbers.</p>"


def test_a_row_of_estimates_has_their_ends() -> None:
    numbers = Numbers(tidy([("a", "ic", 0.2), ("a", "ic.low", 0.1), ("a", "ic.high", 0.3), ("a", "n", 2.0)], "s"))
    row = cells(numbers, "a", ("ic", "n"))
    assert (row["ic.low"], row["ic"], row["ic.high"], row["n"]) == (0.1, 0.2, 0.3, 2.0)


def test_a_named_index_is_a_column() -> None:
    frame = FRAME.set_index("name").rename_axis("who")
    assert csv_of(table(frame, "numbers").data).columns[0] == "who"
    assert "<th scope=\"col\">who</th>" in table(frame, "numbers").data


def test_a_census_has_no_interval() -> None:
    assert "ends" not in table(FRAME.assign(**{"gap.low": FRAME["gap"], "gap.high": FRAME["gap"]}), "x").data


@pytest.mark.parametrize(
    ("column", "form"), [("m1_ic", "+.4f"), ("naive_close.sharpe", "+.2f"), ("next day halted", ".1%"), ("n", None)]
)
def test_a_column_is_formatted_by_its_name(column: str, form: str | None) -> None:
    assert form_of(column) == form


def test_a_remark_and_a_figure() -> None:
    assert "&lt;x&gt;" in box("<x>", "y").data
    page = plot(bars({"limit-up": 0.6}, "0.60 % of closes <are> at limit-up", "share, %")).data
    assert 'alt="0.60 % of closes &lt;are&gt; at limit-up' in page
    assert "http" not in page


# ------------------------------------------------------------------------- this build and the recorded one


@dataclass
class Run:
    """A result as the runner gives it, without running anything."""

    frame: pd.DataFrame
    data_path: str | None = None
    name: str = "limit_events"
    n_stocks: int = 120

    @property
    def study(self) -> Any:
        return load_study(self.name)

    @property
    def settings(self) -> dict[str, Any]:
        return {"scale": "smoke", "data_path": self.data_path}

    @property
    def provenance(self) -> dict[str, Any]:
        inputs = [{"parameter": "data_path", "file": "cn.parquet", "sha256": "ab" * 32}] if self.data_path else []
        parameters = {"scale": "smoke", "seeds": [0], "data_path": self.data_path, "n_stocks": self.n_stocks}
        return {"inputs": inputs, "parameters": parameters, "commit": "c" * 40, "dirty": False, "source": "d" * 64}

    @property
    def rows(self) -> list[Any]:
        return [Row({"seed": 0})]

    def answers(self) -> list[Answer]:
        return self.study.answers(self.frame)


@dataclass
class Row:
    config: dict[str, Any]
    run: str = "r"


@dataclass
class Kept(Run):
    """A recorded result."""

    scale: str = "laptop"
    plumbing: bool = False
    stale: list[str] = field(default_factory=list)
    confirmed: Confirmation | None = None

    def since(self) -> str:
        return " (changed since: market.gbm.drift)"

    @property
    def seeds(self) -> list[int]:
        return [0, 1]

    @property
    def runs(self) -> dict[str, Any]:
        return {"r": {**{name: self.provenance[name] for name in ("inputs", "parameters")}, "commit": "e" * 40}}

    def stale_rows(self) -> list[str]:
        return self.stale

    def confirmation(self) -> Any:
        return self.confirmed

    def describe(self) -> str:
        return "limit_events: nothing recorded yet"

    def __bool__(self) -> bool:
        return bool(len(self.frame))


NOTHING = Kept(pd.DataFrame())
RECORDED = Kept(limit_events(0.02), "x/cn.parquet")
OVERLAY = Run(limit_events(0.03, home="overlay"))
REAL = Run(limit_events(0.02), "x/cn.parquet")


def test_beside_counts_seeds_marks_stale_rows_and_compares() -> None:
    page = beside(REAL, RECORDED).data
    assert "2 (0, 1)" in page and "the same to 1e-9" in page and "the code of this build" in page
    assert "STALE: 1 of 1" in beside(REAL, Kept(RECORDED.frame, "x/cn.parquet", stale=["a"])).data
    assert "Nothing recorded yet." in beside(OVERLAY, NOTHING).data


def test_beside_says_how_many_rows_of_earlier_code_were_computed_again() -> None:
    found = Confirmation("laptop", "1" * 64, ("0" * 64,), ("a",), "f" * 40, "2025-01-01")
    page = beside(REAL, Kept(RECORDED.frame, "x/cn.parquet", confirmed=found)).data
    assert "earlier code; 1 of 1 rows, a sample, were computed again by the code of this build" in page


def test_made_up_markets_are_compared_only_with_their_like() -> None:
    small, large = Run(limit_events()), Kept(limit_events(), n_stocks=300)
    assert "other markets: n_stocks not the same" in beside(small, large).data
    assert "the same to 1e-9" in beside(small, Kept(limit_events())).data
    assert "the same to 1e-9" in beside(small, Kept(limit_events(), "x/cn.parquet")).data  # its prices have other rows
    assert "the same to 1e-9" in beside(Run(limit_events(), "x/cn.parquet"), large).data  # prices have no n_stocks


def test_agreement_finds_a_difference() -> None:
    assert "largest relative difference 0.5" in agreement(limit_events(0.03, half=0.0), limit_events(0.02, half=0.0))
    assert agreement(limit_events(home="a", control_gap=None), limit_events(control_gap=None)) == "no numbers in common"


# ---------------------------------------------------------------------------------------- claims

BOARD = scoreboard([Answer("B.regime.bear.limit_rate", 0.4, 0.3, 0.5, "reduced", "<note>", "limit_events")])


def test_a_claim_that_is_true_or_false_has_no_number() -> None:
    ledger = {claim.id: claim for claim in load_ledger()}
    (name,) = [name for name in ledger if name == "B.main.beats_baselines"]
    board = scoreboard([Answer(name, 1.0, page="main_results")], [ledger[name]])
    cells_ = re.findall(r"<td[^>]*>(.*?)</td>", claims_table(board, "one").data)
    assert ledger[name].unit == "bool" and cells_[:2] == ["", ""]


def test_an_answered_claim_shows_paper_ours_interval_and_verdict() -> None:
    page = claims_table(BOARD[BOARD["verdict"] != "not yet studied"], "answered").data
    claim = next(claim for claim in load_ledger() if claim.id == "B.regime.bear.limit_rate")
    assert f">{claim.printed}</td>" in page
    assert '0.40 <span class="ends">[0.30, 0.50]</span>' in page
    assert '<span class="verdict does-not-carry-over">does not carry over</span>' in page
    assert "<a href=" not in page.partition("</table>")[0], "all of one page"
    assert "<note>" not in page
    two = scoreboard([Answer("B.regime.bear.limit_rate", 0.4, page="limit_events"), Answer("B.dsr", 1.0, page="risk")])
    page = claims_table(two[two["verdict"] != "not yet studied"], "answered").data
    assert '<a href="limit_events.html">' in page and '<a href="risk.html">' in page


def test_every_claim_is_counted_once() -> None:
    assert verdict_counts(BOARD)["claims"].sum() == len(load_ledger())
    assert (BOARD["verdict"] == NOT_STUDIED).sum() == len(load_ledger()) - 1


def test_the_rule_is_shown_as_it_is_applied() -> None:
    table = rule_table()
    assert [tuple(row) for row in table.itertuples(index=False)] == list(RULE)


def test_the_versions_of_the_rule_stand_beside_each_other_where_they_differ() -> None:
    table = changed_table(BOARD)
    assert table[["version 1", "version 2", "id"]].values.tolist() == [
        ["not reproduced", "does not carry over", "B.regime.bear.limit_rate"]
    ]


def test_chance_is_said_in_numbers_of_the_board() -> None:
    told = [Answer("B.mask.real.delta_sharpe", 0.3, 0.2, 0.4), Answer("B.regime.bear.sharpe", 4.0, 3.0, 5.0)]
    board = scoreboard(told)
    assert "the 1 differences, ratios and orders that were tested" in chance_message(board)
    assert "here they are 1 and 0" in chance_message(board)
    assert "1 levels that can be decided were right, chance would call 0.1" in chance_message(board)
    assert chance_table(board)["called so here"].tolist() == [1, 0, 1]
    assert chance_message(scoreboard()) == "No verdict rests on sampling yet"


def test_a_verdict_of_several_words_is_one_class_of_the_style_sheet() -> None:
    style = (ROOT / "book" / "assets" / "book.css").read_text(encoding="utf-8")
    compatible = scoreboard([Answer("B.regime.bear.sharpe", 1.2, 0.2, 2.2, "reduced")])
    page = claims_table(compatible, "x").data
    assert '<span class="verdict agrees-other-setting">agrees, other setting</span>' in page
    assert ".verdict.agrees-other-setting" in style and ".verdict.does-not-carry-over" in style


def test_a_page_name_is_no_address() -> None:
    with pytest.raises(ParameterError, match="expected the name of a notebook"):
        claims_table(BOARD.assign(page=["javascript:x", *BOARD["page"][1:]]), "x")




@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (-0.0001, ".2f", "0.00"), (-0.0001, "+.1%", "0.0%"), (-0.01, ".2f", "\N{MINUS SIGN}0.01"),
        (1234.6, None, "1,235"), (999.7, None, "1,000"), (0.12345, None, "0.123"),
        (-3.7e-5, None, "\N{MINUS SIGN}0.00004"),
        (4.67e-10, None, "4.7e\N{MINUS SIGN}10"), (0.0, None, "0"),
    ],
)  # fmt: skip
def test_numbers_have_no_sign_on_zero_and_few_digits(value, form, text):
    assert text_of(value, form) == text
