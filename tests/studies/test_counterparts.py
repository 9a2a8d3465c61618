"""The counterparts of the papers' exhibits: all there, once each, and every page and object exists."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lib.errors import UnknownNameError
from lib.studies.counterparts.page import Item, counterparts, load_items, missing, resolve

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())
ITEMS = load_items()
#: what the papers number: (paper, kind) -> the numbers as printed; later tables of B by their order
NUMBERED = {
    ("A", "equation"): [str(n) for n in range(1, 31)],
    ("A", "table"): ["I", "II", "III"],
    ("B", "equation"): [str(n) for n in range(1, 5)],
    ("B", "table"): [str(n) for n in range(1, 13)],
}


@pytest.mark.parametrize("which", NUMBERED, ids=" ".join)
def test_everything_with_a_number_is_there_once_and_in_order(which: tuple[str, str]) -> None:
    assert [item.number for item in ITEMS if (item.paper, item.kind) == which] == NUMBERED[which]


def test_figures_and_what_else_has_no_number_are_there() -> None:
    rest = Counter((item.paper, item.kind) for item in ITEMS if (item.paper, item.kind) not in NUMBERED)
    assert rest == {("A", "figure"): 1, ("B", "figure"): 1, ("B", "algorithm"): 1, ("B", "contract"): 1}


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: f"{item.paper} {item.name}")
def test_a_counterpart_is_a_page_or_an_object_that_exists_or_has_a_reason(item: Item) -> None:
    assert item.about and bool(item.pages or item.objects) != bool(item.reason)
    for page in item.pages:
        assert (ROOT / "notebooks" / f"{page}.ipynb").is_file(), page
    for name in item.objects:
        assert resolve(name) is not None


@pytest.mark.parametrize("name", ["lib.ops.no_such_operator", "lib.factors.registry.Catalogue"])
def test_an_object_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match="has no"):
        resolve(name)


def test_the_page_links_every_page_and_names_every_object() -> None:
    text, one = counterparts().data, counterparts("B").data
    assert 'href="losses.html"' in text and "lib.<wbr>models.<wbr>losses.<wbr>AdjMSE" in text
    assert "A, equation (30)" in text
    assert text.count("<tr") == len(ITEMS) + 1 > one.count("<tr") and "equation (30)" not in one
    assert "does not contain" in missing().data
