"""A page's result from a frame that a test chooses, and the figures that the page draws of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, cast

import pandas as pd
import pytest
from matplotlib.figure import Figure

from lib.paper.pages import PageResult
from lib.paper.pages.findings import Finding
from lib.paper.pages.style import to_svg
from lib.studies import load_study, recorded


def shown_page(study: str, frame: pd.DataFrame, files: tuple[str, ...] = ()) -> PageResult:
    """The rows as a page would get them from a build that read these files."""
    return PageResult(load_study(study), cast(Any, None), "this build", frame, files, cast(Any, None), cast(Any, None))


def recorded_page(study: str) -> PageResult:
    """The recorded rows as a page gets them."""
    record = recorded(study)
    return PageResult(load_study(study), record, "recorded", record.frame, ("prices.parquet",), cast(Any, None), record)


def drawn(monkeypatch: pytest.MonkeyPatch, page: ModuleType, make: Callable[[], Any]) -> list[Figure]:
    """The figures that a part of a page draws."""
    from lib.paper.pages import pieces

    found: list[Figure] = []

    def kept(figure: Figure) -> Any:
        found.append(figure)
        return pieces.plot(figure)

    with monkeypatch.context() as patch:
        patch.setattr(page, "plot", kept)
        make()
    return found


def check_figures(figures: Iterable[Figure], others: Iterable[Figure]) -> None:
    """Drawn twice they are the same bytes, and nothing reaches beyond the picture."""
    for figure, other in zip(figures, others, strict=True):
        assert to_svg(figure) == to_svg(other)
        width, height = figure.get_size_inches()
        box = figure.get_tightbbox()
        assert box.x0 >= -0.03 and box.y0 >= -0.03 and box.x1 <= width + 0.03 and box.y1 <= height + 0.03


def said(findings: Iterable[Finding], words: str) -> Finding:
    """The one finding whose sentence has these words."""
    (found,) = [item for item in findings if words in item.sentence]
    return found
