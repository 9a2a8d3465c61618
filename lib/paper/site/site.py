"""Builds the site with warnings as errors and checks it; does nothing when nothing changed.

Jupyter Book builds into a folder of its own; only a site that passed every check replaces the one in
book/_build. The checks: every internal link and anchor leads somewhere; no two downloads of the site have the
same file name; every picture has a text alternative and every heading of a table says what it heads; nothing is loaded
from another host, so that the book works offline; and, where a Chromium is installed, no formula is shown as an error.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html import unescape
from html.parser import HTMLParser
from importlib.metadata import distributions
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

from lib.errors import LibError
from lib.store.files import write_bytes
from lib.store.sources import FOLDER, file_digest

ROOT = FOLDER.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LOADED_BY_CSS = re.compile(r"""(?:@import\s+|url\()\s*["']?((?:https?:)?//[^"')\s]+)""")
_TEX_ERROR = re.compile(r'data-mml-node="merror"[^>]*data-mjx-error="([^"]*)"')
_TABLE_HEAD, _NO_SCOPE = re.compile(r"<thead.*?</thead>", re.DOTALL), re.compile(r"<th(?=[\s>])(?![^>]*\sscope=)")
_LOADING_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "manifest"}
#: what jupyter-book and its theme are, for the key: a new version gives a new site
_MAKERS = re.compile(r"jupyter|sphinx|myst|docutils|pydata|pybtex|jinja", re.IGNORECASE)


class SiteError(LibError):
    """A site that does not build, or that does not pass its checks."""


def build(root: Path = ROOT) -> str:
    """Bring the site up to date and say in one line what was done. Raises SiteError."""
    target, key = root / "book" / "_build", site_key(root)
    stamp = target / "html" / ".key"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == key:
        return "nothing changed, nothing rebuilt"
    staged = root / ".cache" / "site"
    shutil.rmtree(staged, ignore_errors=True)
    run_jupyter_book(root, staged)
    told = check(staged / "_build" / "html")
    (staged / "_build" / "html" / ".key").write_text(key, encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    os.replace(staged / "_build", target)
    return told


def site_key(root: Path) -> str:
    """SHA-256 over the files of book/, the configuration, the packages that make a site, and this file."""
    book = (path for path in (root / "book").rglob("*") if "_build" not in path.parts and path.is_file())
    packages = {f"{item.name}=={item.version}" for item in distributions() if _MAKERS.match(item.name)}
    files = [*sorted(book), root / "_config.yml", Path(__file__)]
    lines = [f"{path.parent.name}/{path.name} {file_digest(path)}" for path in files]
    return hashlib.sha256("\n".join([*lines, *sorted(packages)]).encode()).hexdigest()


def run_jupyter_book(root: Path, output: Path) -> None:
    """Run jupyter-book, warnings as errors. Raises SiteError with the warnings; the rest goes to a log."""
    program = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    options = ["build", "book", "--all", "-W", "-n", "--keep-going", "--path-output", str(output)]
    if (config := with_repository((root / "_config.yml").read_text(encoding="utf-8"))) is not None:
        write_bytes(output / "_config.yml", config.encode())
        options += ["--config", str(output / "_config.yml")]
    done = subprocess.run([*program, *options], cwd=root, capture_output=True, text=True)
    text = _COLOURS.sub("", done.stdout + done.stderr).replace(f"{root}/", "")
    log = output / "build.log"
    output.mkdir(parents=True, exist_ok=True)
    log.write_text(text, encoding="utf-8")
    if done.returncode:
        shown = "\n  ".join(_what_went_wrong(text.splitlines()))
        raise SiteError(f"the site does not build (log: {log.relative_to(root)}):\n  {shown}")
    for page in (output / "_build" / "html").rglob("*.html"):
        page.write_text(with_scope(page.read_text(encoding="utf-8")), encoding="utf-8")


def with_repository(config: str) -> str | None:
    """The configuration with links to the repository, if it names one under repository: url; else None."""
    settings = yaml.safe_load(config) or {}
    if not settings.get("repository", {}).get("url"):
        return None
    buttons = ("use_repository_button", "use_issues_button", "use_edit_page_button")
    settings["html"] = settings.get("html", {}) | dict.fromkeys(buttons, True)
    return yaml.safe_dump(settings, allow_unicode=True, sort_keys=False)


def with_scope(page: str) -> str:
    """A page whose headings of tables say what they head: in the head of a table a column, elsewhere a row.

    >>> with_scope('<thead><tr><th class="head">x</th></tr></thead><tr><th>y</th></tr>')
    '<thead><tr><th scope="col" class="head">x</th></tr></thead><tr><th scope="row">y</th></tr>'
    """
    heads = _TABLE_HEAD.sub(lambda found: _NO_SCOPE.sub('<th scope="col"', found[0]), page)
    return _NO_SCOPE.sub('<th scope="row"', heads)


def _what_went_wrong(lines: list[str]) -> list[str]:
    found = [line for line in lines if re.search(r"\b(WARNING|ERROR|CRITICAL|\w*Error):", line)]
    return list(dict.fromkeys(found or lines[-5:]))


# ------------------------------------------------------------------------------------------- the checks


def check(html: Path) -> str:
    """Check every page under `html`; returns a line that says what was checked. Raises SiteError."""
    paths = (path for path in sorted(html.rglob("*.html")) if "_static" not in path.parts)
    pages = {path: Page.of(path.read_text(encoding="utf-8")) for path in paths}
    browser = find_browser()
    problems = [*_problems(html, pages, browser)]
    if problems:
        raise SiteError("\n  ".join([f"the site does not pass its checks ({len(problems)}):", *problems]))
    links = sum(len(page.links) + len(page.loads) for page in pages.values())
    formulas = sum(page.has_mathematics for page in pages.values())
    told = f"formulas of {formulas} pages checked" if browser else "formulas not checked (no Chromium found)"
    return f"{len(pages)} pages, {links} links checked, {told}"


def _problems(html: Path, pages: dict[Path, Page], browser: str | None) -> Iterator[str]:
    for path, page in pages.items():
        name = path.relative_to(html)
        yield from (f"{name}: {text}" for text in (*link_problems(path, html, pages), *page.lacking))
        if browser and page.has_mathematics:
            yield from (f"{name}: {text}" for text in formula_problems(path, browser))
    yield from download_problems({str(path.relative_to(html)): page for path, page in pages.items()})
    for path in sorted(html.rglob("*.css")):
        yield from (f"{path.relative_to(html)}: {text}" for text in css_loads(path))


class Page(HTMLParser):
    """The ids, links, loaded files and downloads of one page, and what lacks a text."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.downloads: list[str] = []
        self.lacking: list[str] = []
        self.has_mathematics = False

    @classmethod
    def of(cls, text: str) -> Page:
        """Read the HTML of a page."""
        page = cls()
        page.feed(text)
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids.update(given[name] for name in ("id", "name") if name in given)
        if tag == "a" and given.get("download"):
            self.downloads.append(given["download"])
        if tag == "img" and "alt" not in given:
            self.lacking.append(f"a picture without alt text: {given.get('src', '')[:40]}")
        if tag == "th" and not given.get("scope"):
            self.lacking.append("a heading of a table without scope")
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and _LOADING_LINKS & set(given.get("rel", "").split()):
            self.loads.append(given.get("href", ""))
        elif "src" in given:
            self.loads.append(given["src"])
        if "math" in given.get("class", "").split():
            self.has_mathematics = True


def link_problems(page: Path, html: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """What is wrong with the links of one page, one message each."""
    found = pages[page]
    for link in found.loads:
        if urlsplit(link).netloc:
            yield f"loads {link} from another host"
    for link in dict.fromkeys(found.links + found.loads):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or (not parts.path and not parts.fragment):
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        target = target / "index.html" if target.is_dir() else target
        if not target.is_file() or not target.is_relative_to(html.resolve()):
            yield f"dead link {link}"
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
            yield f"dead anchor {link}"


def download_problems(pages: Mapping[str, Page]) -> Iterator[str]:
    """File names under which a site offers more than one download, with the pages that do."""
    places: dict[str, list[str]] = {}
    for name, page in pages.items():
        for file in page.downloads:
            places.setdefault(file, []).append(name)
    for file, where in places.items():
        if len(where) > 1:
            yield f"{len(where)} downloads are named {file} ({', '.join(dict.fromkeys(where))})"


def css_loads(path: Path) -> Iterator[str]:
    """Style sheets that load fonts or pictures from another host."""
    for address in _LOADED_BY_CSS.findall(path.read_text(encoding="utf-8", errors="replace")):
        yield f"loads {address} from another host"


def find_browser() -> str | None:
    """A Chromium: the one named by CHROMIUM, else the first of the usual names."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in BROWSERS if (found := shutil.which(name))), None)


def formula_problems(page: Path, browser: str) -> Iterator[str]:
    """Formulas in error, as MathJax shows them in a browser without a network; none if all are well."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    command = [browser, *options, "--virtual-time-budget=20000", "--dump-dom", page.resolve().as_uri()]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    except (subprocess.TimeoutExpired, OSError) as error:
        yield f"{browser} did not show it ({type(error).__name__})"
        return
    if "<mjx-container" not in shown:
        yield "mathematics is not shown, MathJax did not run"
    for text in _TEX_ERROR.findall(shown):
        yield f"a formula is in error: {unescape(text)}"
