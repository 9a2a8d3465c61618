"""The handbook's page: every factor has a card, every link leads to one, and what is shown is what was measured."""

from __future__ import annotations

import base64
import io
import re
from collections import Counter
from types import SimpleNamespace

import pandas as pd
import pytest
from results import around, tidy

from lib.errors import UnknownNameError
from lib.factors.registry import PUBLISHED, Factor, catalogue, find_factors
from lib.paper.pages.style import title_of, to_svg
from lib.paper.site.notebooks import Notebook
from lib.studies import recorded
from lib.studies.factor_handbook import page
from lib.studies.factor_handbook.figures import coverage_by_window, information_by_family
from lib.studies.factor_handbook.handbook import Handbook, same_formula
from lib.studies.factor_handbook.html import (
    family_cards,
    family_index,
    flagged,
    formula_html,
    handbook_csv,
    not_computed,
    precision_table,
)
from lib.studies.factor_handbook.typeset import latex_pieces

ALL_FAMILIES = list(PUBLISHED)


def frame(source: str, lacking: tuple[str, ...] = (), ic: float = 0.02, twin: float = 1.0) -> pd.DataFrame:
    """A panel on which factors with a field of `lacking` could not be computed and the others measure alike."""
    records: list[tuple[str, str, float]] = [(source, "masked", 0.03), (source, "sessions", 900.0)]
    for name, factor in catalogue(PUBLISHED).items():
        variant, missing = f"{source} {name}", [f for f in factor.fields if f in lacking]
        records += [(variant, f"lacks {field}", 1.0) for field in missing]
        if missing:
            continue
        records += [(variant, "coverage", 0.5), (variant, "persistence", 0.7), (variant, "distinct", 60.0)]
        records += around(variant, "rank_ic", ic, 0.01)
        records += [(variant, "apart from float64", 0.002 if name == "old_046" else 0.0)]
        records += [(variant, f"relative {other}", -0.6) for other in ("old_030", "alpha101_003")]
        records += [(variant, what, 1.0) for what in ("price unit", "volume unit", "price level", "volume level")]
    for i, one in enumerate(ALL_FAMILIES):
        records += [(f"{source} family {one}", f"correlation {other}", 0.1 * (1 + (one == other)))
                    for other in ALL_FAMILIES[i:]]  # fmt: skip
    records += [(f"{source} old_046", "twin stock_009", twin), (f"{source} stock_009", "twin old_046", twin)]
    return tidy(records, "factor_handbook")


@pytest.fixture(scope="module")
def handbook() -> Handbook:
    return Handbook.of(pd.concat([frame("csi300", ("vwap", "amount")), frame("csi300_2025", ic=0.005)]))


@pytest.fixture(scope="module")
def cards(handbook: Handbook) -> str:
    return "".join(family_cards(handbook, family).data for family in ALL_FAMILIES)


def changed_frame(name: str, metric: str, value: float) -> pd.DataFrame:
    whole = frame("csi300")
    hit = (whole["variant"] == f"csi300 {name}") & (whole["metric"] == metric)
    assert hit.any()
    return whole.assign(value=whole["value"].mask(hit, value))


def changed(name: str, metric: str, value: float) -> Handbook:
    return Handbook.of(changed_frame(name, metric, value))


def card(text: str, name: str) -> str:
    return text.split(f'id="{name}"')[1].split('<div class="factor"')[0]


# ------------------------------------------------------------------------------------------ looking up


def test_real_prices_stand_alone_and_the_simulated_market_only_without_them() -> None:
    both = pd.concat([frame("overlay", ic=0.9), frame("csi300")])
    assert Handbook.of(both).sources == ("csi300",) and Handbook.of(frame("overlay")).sources == ("overlay",)
    assert "overlay" not in family_cards(Handbook.of(both), "old").data


def test_what_a_panel_lacks(handbook: Handbook) -> None:
    assert handbook.measures("csi300", "old_061") is None
    assert handbook.lacks("csi300", "old_061") == ["vwap"]
    assert handbook.first("old_061") == handbook.measures("csi300_2025", "old_061")


def test_flat_and_dependent_factors() -> None:
    assert changed("old_030", "distinct", 5).first("old_030").flat  # type: ignore[union-attr]
    found = changed("old_030", "price level", 0.4).first("old_030")
    assert found is not None and found.depends_on == ["price level"] and not found.flat


def test_families_are_the_same_both_ways_round(handbook: Handbook) -> None:
    assert handbook.between("csi300", "old", "alpha") == handbook.between("csi300", "alpha", "old") == 0.1
    assert handbook.between("csi300", "old", "old") == 0.2


def test_equal_formulas_are_found_by_identity() -> None:
    (factor,) = find_factors(["alpha_001"])
    assert same_formula(factor) == ["alpha101_001"]


def test_findings_follow_the_numbers() -> None:
    strong, weak = (page.findings(frame("csi300", ic=value)) for value in (0.02, 0.005))
    assert strong[1].text.startswith("213 of the 213 factors of the papers") and "about 11 would" in strong[1].text
    assert strong[1].holds and weak[1].holds, "every outcome has its sentence"
    assert weak[1].text.startswith("0 of the 213 factors of the papers") and "about as many" in weak[1].text
    assert not weak[0].holds, "long windows keep as much as short ones in this frame"
    assert "2 of these 213 factors are near-duplicates" in weak[2].text
    assert "0.20 on average, of two families 0.10" in weak[2].text
    assert not weak[3].holds and page.findings(changed_frame("old_030", "price level", 0.4))[3].holds
    assert "in every cell" in weak[4].text and "old_046, 0.20% of the cells differ" in weak[4].text
    assert not page.findings(changed_frame("old_046", "apart from float64", 0.3))[4].holds


def test_every_finding_holds_on_the_recorded_rows() -> None:
    for finding in page.findings(recorded("factor_handbook").frame):
        assert finding.holds, finding.text


def test_families_that_are_groups_are_not_called_labels() -> None:
    rows = frame("csi300")
    own = rows["variant"].str.contains(" family ") & (rows["metric"].str.partition("correlation ")[2] ==
                                                      rows["variant"].str.partition(" family ")[2])  # fmt: skip
    assert own.any() and not page.findings(rows.assign(value=rows["value"].mask(own, 0.8)))[2].holds


# --------------------------------------------------------------------------------------------- the page


def test_every_factor_has_one_card_in_the_order_of_the_catalogue(cards: str) -> None:
    assert re.findall(r'class="factor" id="(\w+)"', cards) == list(catalogue(PUBLISHED))


def test_every_link_leads_to_a_card(handbook: Handbook, cards: str) -> None:
    index = family_index(handbook).data
    text = "".join([cards, index, flagged(handbook).data, not_computed(handbook).data])
    assert set(re.findall(r'href="#(\w+)"', text)) <= set(catalogue(PUBLISHED))
    assert Counter(re.findall(r'href="#(\w+)">', index)) == dict.fromkeys(catalogue(PUBLISHED), 1)


def test_the_index_says_what_a_factor_is_about_and_how_it_measures(handbook: Handbook) -> None:
    index = re.sub("<wbr>", "", family_index(handbook).data)
    (row,) = re.findall(r'<tr>(?:(?!</tr>).)*href="#old_030".*?</tr>', index)
    theme = catalogue(PUBLISHED)["old_030"].theme
    assert theme in row and "50%" in row and "+0.020" in row and "[+0.010, +0.030]" in row
    (other,) = re.findall(r'<tr>(?:(?!</tr>).)*href="#old_061".*?</tr>', index)
    assert "+0.005" in other, "from the first panel that has its fields"


def test_entries_are_folded_by_family(handbook: Handbook) -> None:
    assert family_cards(handbook, "old").data.startswith('<details class="fold"><summary>50 factors, ')


def test_a_card_says_what_was_measured(cards: str) -> None:
    text = card(cards, "old_030")
    for part in ("<b>CSI 300</b> coverage 50%", "IC +0.020 [+0.010, +0.030]", "persistence +0.70",
                 '<a href="#alpha101_003">alpha101_003</a>&nbsp;\N{MINUS SIGN}0.60'):  # fmt: skip
        assert part in text
    assert "<b>CSI 300</b> lacks vwap" in card(cards, "old_061")


def test_a_window_of_a_recurrence_is_infinite(cards: str) -> None:
    for factor in catalogue(PUBLISHED).values():
        endless = "infinite window" in card(cards, factor.name)
        assert endless == ("ewma" in factor.formula)


def test_flags(cards: str) -> None:
    assert "the order of" in card(cards, "old_046") and "stock_009" in card(cards, "old_046")
    assert "same formula as" in card(cards, "alpha_001")
    nearly = family_cards(Handbook.of(frame("csi300", twin=-0.995)), "old").data
    assert "nearly the opposite order of" in card(nearly, "old_046")
    flat = family_cards(changed("old_030", "distinct", 5), "old").data
    assert "flat: about 5 values a day" in card(flat, "old_030")
    level = family_cards(changed("old_030", "price level", 0.4), "old").data
    assert "depends on the quoted price level (+0.40)" in card(level, "old_030")
    assert 'class="flag"' not in card(flat, "old_031")


def test_a_formula_is_escaped_and_in_pieces() -> None:
    for factor in catalogue(PUBLISHED).values():
        shown = formula_html(factor.node)
        assert shown.count('class="math ') == len(latex_pieces(factor.node))
        assert "<" not in re.sub(r"</?span[^>]*>", "", shown)


def test_themes_are_escaped(monkeypatch: pytest.MonkeyPatch, handbook: Handbook) -> None:
    (known,) = find_factors(["old_030"])
    odd = Factor("old_030", "old", known.node, "<i>a & b", known.source)
    monkeypatch.setattr(page.html, "find_factors", lambda names: [odd])
    assert "&lt;i&gt;a &amp; b" in family_cards(handbook, "old").data


def test_an_unknown_family_is_an_error(handbook: Handbook) -> None:
    with pytest.raises(UnknownNameError, match="factor family 'olt'"):
        family_cards(handbook, "olt")


def test_the_csv_holds_every_factor_on_every_panel(handbook: Handbook) -> None:
    data = re.search(r'href="data:text/csv;base64,([^"]+)"', handbook_csv(handbook).data)
    assert data
    rows = pd.read_csv(io.BytesIO(base64.b64decode(data.group(1))))
    assert (rows["panel"] == "csi300_2025").sum() == len(catalogue(PUBLISHED))
    assert rows[rows["factor"] == "old_030"]["rank_ic.low"].tolist() == pytest.approx([0.01, -0.005])


def test_the_tables_of_what_is_flagged_and_missing(handbook: Handbook) -> None:
    assert "stock_009" in re.sub("<wbr>", "", flagged(handbook).data)
    missing = re.sub("<wbr>", "", not_computed(handbook).data)
    lacking = [f.name for f in catalogue(PUBLISHED).values() if {"vwap", "amount"} & set(f.fields)]
    assert all(f'href="#{name}"' in missing for name in lacking)
    assert "list of 2025" not in missing
    assert "Every factor could be computed" in not_computed(Handbook.of(frame("csi300"))).data


def test_the_notebook_has_a_section_for_every_family() -> None:
    source = [cell.source for cell in Notebook("factor_handbook").node.cells]
    assert [text for text in source if text.startswith("page.entries")] == [
        f'page.entries(shown, "{family}")' for family in ALL_FAMILIES
    ]
    headings = [text.splitlines()[0] for text in source if text.startswith("## ")]
    assert [heading for heading in headings if heading[3:] in ALL_FAMILIES] == [f"## {name}" for name in ALL_FAMILIES]


# ------------------------------------------------------------------------------------------- figures


DRAWN = {
    "coverage_by_window": lambda book: coverage_by_window(book, "csi300", "A title", "a note"),
    "information_by_family": lambda book: information_by_family(book, "csi300", "A title"),
}


def test_a_figure_has_a_tab_for_every_panel() -> None:
    rows = pd.concat([frame("csi300"), frame("csi300_2025"), frame("overlay")])
    for part in (page.coverage, page.information, page.likeness):
        text = part(SimpleNamespace(rows=rows, name="recorded", evidence=True)).data
        assert text.count("<figure") == 2 and "CSI 300 list of 2025" in text


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_the_same_bytes_twice_and_fits_its_frame(handbook: Handbook, name: str) -> None:
    figure = DRAWN[name](handbook)
    assert to_svg(figure) == to_svg(DRAWN[name](handbook))
    width, height = figure.get_size_inches()
    box = figure.get_tightbbox()
    assert box.x0 >= -0.03 and box.y0 >= -0.03
    assert box.x1 <= width + 0.03 and box.y1 <= height + 0.03
    assert title_of(figure)
    assert all(ax.get_ylabel() for ax in figure.axes)


def test_the_remainder_against_float64_is_listed(handbook: Handbook) -> None:
    listed = precision_table(handbook, "csi300", most=3).data
    assert listed.count("<tr>") == 4 and listed.index("old_046") < listed.index("alpha_")
