"""The checks of the built site: each finds what it is there to find, and passes a page that is well."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.paper.site import site
from lib.paper.site.site import (
    ROOT,
    Page,
    SiteError,
    check,
    css_loads,
    download_problems,
    find_browser,
    formula_problems,
    link_problems,
    with_repository,
)

GOOD = '<h1 id="top">T</h1><a href="other.html#there">x</a><a href="#top">y</a><img src="p.svg" alt="a"><a href="https://a.b/">z</a>'


def problems(folder: Path, page: str) -> list[str]:
    (folder / "index.html").write_text(page, encoding="utf-8")
    (folder / "other.html").write_text('<p id="there">here</p><a name="old">x</a>', encoding="utf-8")
    (folder / "p.svg").write_text("<svg/>", encoding="utf-8")
    pages = {path: Page.of(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    return list(link_problems(folder / "index.html", folder, pages))


def test_a_good_page_has_no_problems(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD) == []
    assert check(tmp_path).startswith("2 pages, 4 links checked")


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ('<a href="gone.html">x</a>', "dead link gone.html"),
        ('<a href="other.html#gone">x</a>', "dead anchor other.html#gone"),
        ('<a href="#gone">x</a>', "dead anchor #gone"),
        ('<a href="../outside.html">x</a>', "dead link ../outside.html"),
        ('<img src="gone.png" alt="">', "dead link gone.png"),
        ('<script src="https://c.example/x.js"></script>', "loads https://c.example/x.js from another host"),
        ('<img src="//c.example/x.png" alt="">', "loads //c.example/x.png from another host"),
        ('<link rel="stylesheet" href="//c.example/c.css">', "loads //c.example/c.css from another host"),
    ],
)
def test_each_problem_is_found(tmp_path: Path, page: str, problem: str) -> None:
    (tmp_path.parent / "outside.html").write_text("x", encoding="utf-8")
    assert problems(tmp_path, page) == [problem]
    with pytest.raises(SiteError, match="does not pass its checks"):
        check(tmp_path)


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ('<img src="p.svg">', "a picture without alt text: p.svg"),
        ("<table><tr><th>x</th></tr></table>", "a heading of a table without scope"),
        ('<a download="a.csv">x</a><a download="a.csv">y</a>', r"2 downloads are named a.csv \(index.html\)"),
    ],
)
def test_what_a_page_lacks_fails_the_check(tmp_path: Path, page: str, problem: str) -> None:
    problems(tmp_path, page)
    with pytest.raises(SiteError, match=problem):
        check(tmp_path)


def test_the_same_file_name_on_two_pages_is_found() -> None:
    pages = [Page.of('<a download="a.csv">x</a>'), Page.of('<a download="a.csv">x</a><a download="b.csv">y</a>')]
    found = list(download_problems(dict(zip(("one.html", "two.html"), pages, strict=True))))
    assert found == ["2 downloads are named a.csv (one.html, two.html)"]


def test_links_to_a_repository_only_where_one_is_named() -> None:
    assert with_repository((ROOT / "_config.yml").read_text(encoding="utf-8")) is None
    config = with_repository("title: x\nrepository: {url: https://example.org/x}\nhtml: {use_issues_button: false}\n")
    assert config is not None and config.count("button: true") == 3


def test_style_sheets_may_not_load_fonts_from_elsewhere(tmp_path: Path) -> None:
    sheet = tmp_path / "x.css"
    rules = [
        '@import "https://f.example/a.css";',
        "a { src: url('//f.example/b') }",
        "b { src: url(data:x) }",
    ]
    sheet.write_text("\n".join(rules))
    assert len(list(css_loads(sheet))) == 2


def test_a_formula_in_error_is_found(tmp_path: Path) -> None:
    browser = find_browser()
    if browser is None:
        pytest.skip("no Chromium found: formulas are checked only where there is one")
    script = (ROOT / "book" / "assets" / "tex-mml-svg.js").as_uri()
    for name, formula in (("good", r"\(\frac{1}{2}\)"), ("bad", r"\(\frac{1}\)")):
        text = f'<script src="{script}"></script><span class="math">{formula}</span>'
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
    assert list(formula_problems(tmp_path / "good.html", browser)) == []
    assert "Missing argument" in "".join(formula_problems(tmp_path / "bad.html", browser))
    (tmp_path / "off.html").write_text('<span class="math">x</span>', encoding="utf-8")
    assert "MathJax did not run" in "".join(formula_problems(tmp_path / "off.html", browser))


def project(root: Path) -> Path:
    (root / "book").mkdir()
    (root / "_config.yml").write_text("title: x\n")
    (root / "book" / "index.md").write_text("# A page\n")
    return root


def test_an_unchanged_site_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = []

    def fake(root: Path, output: Path) -> None:
        built.append(output)
        (output / "_build" / "html").mkdir(parents=True)
        (output / "_build" / "html" / "index.html").write_text("<p>x</p>")

    monkeypatch.setattr(site, "run_jupyter_book", fake)
    root = project(tmp_path)
    assert site.build(root).startswith("1 pages")
    assert site.build(root) == "nothing changed, nothing rebuilt"
    (root / "book" / "index.md").write_text("# Another\n")
    assert site.build(root).startswith("1 pages")
    assert len(built) == 2


def test_a_site_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(root: Path, output: Path) -> None:
        (output / "_build" / "html").mkdir(parents=True)
        (output / "_build" / "html" / "index.html").write_text('<a href="gone.html">x</a>')

    monkeypatch.setattr(site, "run_jupyter_book", fake)
    old = project(tmp_path) / "book" / "_build" / "html" / "index.html"
    old.parent.mkdir(parents=True)
    old.write_text("old")
    with pytest.raises(SiteError, match=r"dead link gone.html"):
        site.build(tmp_path)
    assert old.read_text() == "old"


def test_a_warning_of_the_build_is_an_error(tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / "book" / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    (root / "book" / "index.md").write_text("# A page\n\n[](nowhere)\n")
    with pytest.raises(SiteError, match=r"(?s)does not build.*nowhere"):
        site.build(root)
