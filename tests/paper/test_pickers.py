"""Pickers: one finished part at a time, all of them without a script, and what stands where nothing can be chosen."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lib.paper.pages.picker import picker
from lib.paper.pages.pieces import html
from lib.paper.site.site import find_browser

PARTS = {"5": html("<p>five</p>"), "20 <days>": [html("<p>twenty</p>"), html("<p>more</p>")]}


def test_without_a_script_every_part_stands_under_its_name() -> None:
    page = picker("window", PARTS).data
    plain = page.partition("<script>")[0]
    assert plain.count("<section>") == 2 and "hidden" not in plain.partition("<section>")[2]
    assert plain.index("window: 5") < plain.index("five") < plain.index("window: 20 &lt;days&gt;") < plain.index("more")
    assert '<p class="controls" hidden="hidden"><label>window <select' in plain
    assert "<days>" not in page


def test_a_single_part_needs_no_list_and_none_is_said() -> None:
    assert picker("window", {"5": PARTS["5"]}).data == "<p>five</p>"
    assert picker("window", {}).data == "<p>Not in this run.</p>"


@pytest.mark.parametrize(("choice", "shown"), [("", "five"), ("list.selectedIndex = 1;", "twenty more")])
def test_the_list_shows_what_is_chosen(tmp_path: Path, choice: str, shown: str) -> None:
    browser = find_browser()
    if browser is None:
        pytest.skip("no Chromium found: pickers are tried only where there is one")
    tell = (
        f'<script>const list = document.querySelector("select"); {choice} list.dispatchEvent(new Event("input"));'
        'const seen = [...document.querySelectorAll("section")].filter(part => !part.hidden);'
        'document.title = seen.map(part => [...part.querySelectorAll("p:not(.choice)")]'
        '.map(p => p.textContent).join(" ")).join("|") + "/" + list.closest("p").hidden;</script>'
    )
    page = tmp_path / "page.html"
    page.write_text(f"<body>{picker('window', PARTS).data}{tell}</body>", encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    assert f"<title>{shown}/false</title>" in dom
