"""An HTML page as one file: no script, no request, readable on a phone and in the dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

#: the style of a page that has none of a site
STYLE: Final = """
:root { color-scheme: light dark; --text: #1c2430; --page: #fff; --quiet: #5b6472; --line: #dde1e7; --box: #f2f5f9;
  --link: #00598c; }
body { max-width: 48rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.55 system-ui, sans-serif;
  color: var(--text); background: var(--page); }
h1 { font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin-top: 2.6rem; padding-bottom: .2rem; font-size: 1.3rem; border-bottom: 2px solid var(--line); }
h3 { margin: 1.8rem 0 .3rem; font-size: 1.05rem; } p { margin: .4rem 0 .6rem; }
a { color: var(--link); } figure { margin: 1rem 0; } img { max-width: 100%; height: auto; }
.answer { padding: .4rem 1rem; border-left: 4px solid #0072b2; background: var(--box); }
.answer ol { margin: .4rem 0; padding-left: 1.3rem; } .answer li { margin: .4rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .25rem 1.2rem .25rem 0; border-bottom: 1px solid var(--line); text-align: left; }
.number { text-align: right; white-space: nowrap; } .ends { color: var(--quiet); font-size: .85em; }
.scroll { overflow-x: auto; } .small { color: var(--quiet); font-size: .85rem; } a.csv { font-size: .8rem; }
nav a { margin-right: 1rem; white-space: nowrap; }
@media (max-width: 40rem) { .ends { display: block; } th, td { padding-right: .8rem; } body { margin-top: 1rem; } }
@media (prefers-color-scheme: dark) {
  :root { --text: #dfe5ee; --page: #14181f; --quiet: #9aa7b8; --line: #333c4a; --box: #1f2631; --link: #6cb8e6; }
  figure img { filter: invert(.92) hue-rotate(180deg); mix-blend-mode: lighten; }
}
@media print { nav, a.csv { display: none; } h2, h3 { break-after: avoid; } }
"""


def document(title: str, sentences: Sequence[str], basis: str, sections: Mapping[str, str]) -> str:
    """The whole page: title, the verdict, what it rests on, links to the sections, and these (heading -> HTML)."""
    answer = "".join(f"<li>{escape(text)}</li>" for text in sentences)
    links = "".join(f'<a href="#{_anchor(heading)}">{escape(heading)}</a> ' for heading in sections)
    body = "".join(
        f'<section><h2 id="{_anchor(heading)}">{escape(heading)}</h2>{text}</section>'
        for heading, text in sections.items()
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f'<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1><div class="answer"><ol>{answer}</ol></div>'
        f'<p class="small">{escape(basis)}</p><nav class="small">{links}</nav>{body}</main></body></html>\n'
    )


def _anchor(heading: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in heading.lower())
