"""The smallest things a page shows: a sentence, a framed remark, a figure."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.display import HTML, Markdown
    from matplotlib.figure import Figure


def unsigned_zero(text: str) -> str:
    """A formatted number, without the minus where it rounds to zero."""
    return text[1:] if text.startswith("-") and not any(digit in text for digit in "123456789") else text


def say(text: str) -> Markdown:
    """A computed sentence or list, as Markdown."""
    from IPython.display import Markdown

    return Markdown(text)


def html(text: str) -> HTML:
    """Finished HTML."""
    from IPython.display import HTML

    return HTML(text)


def box(title: str, text: str, kind: str = "note") -> HTML:
    """A framed remark; kind: note | tip | warning."""
    return html(
        f'<div class="admonition {kind}"><p class="admonition-title">{escape(title)}</p><p>{escape(text)}</p></div>'
    )


def fold(title: str, items: Iterable[HTML]) -> HTML:
    """Items behind a line that opens them."""
    inside = "".join(str(item.data) for item in items)
    return html(f'<details class="fold"><summary>{escape(title)}</summary>{inside}</details>')


def plot(figure: Figure) -> HTML:
    """A figure as a picture whose text alternative is its title and the numbers that it shows."""
    from lib.paper.pages.described import description_of
    from lib.paper.pages.style import title_of, to_svg

    picture = base64.b64encode(to_svg(figure).encode()).decode()
    alt = escape(f"{title_of(figure)}. {description_of(figure)}".strip(" ."), quote=True)
    return html(f'<figure class="plot"><img alt="{alt}" src="data:image/svg+xml;base64,{picture}"/></figure>')


def show(*items: object) -> None:
    """Display items under each other."""
    from IPython.display import display

    for item in items:
        display(item)
