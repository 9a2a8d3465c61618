"""The parts of a page outside a notebook: every figure is checked, every finding is held to the recorded rows."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from figure_checks import check
from matplotlib.figure import Figure

from lib.paper.pages import PageResult, html
from lib.paper.pages.findings import Finding
from lib.paper.pages.style import title_of
from lib.studies import load_study, recorded


def shown_of(name: str, frame: pd.DataFrame) -> PageResult:
    """What the page of a study shows of a frame, with nothing recorded."""
    nothing: Any = None
    return PageResult(load_study(name), nothing, "this build", frame, (), nothing, nothing)


def parts(page: ModuleType, shown: PageResult, *names: str) -> dict[str, str]:
    """Name -> HTML of these parts of a page: each the same when made twice, each of their figures fits its frame.

    A figure stands in the HTML as its title, in angle quotes.
    """
    figures: list[Figure] = []

    def plot(figure: Figure) -> Any:
        figures.append(figure)
        return html(f"«{title_of(figure)}»")

    with pytest.MonkeyPatch.context() as patch:
        for module in (page, getattr(page, "common", page)):  # what two pages share draws too
            patch.setattr(module, "plot", plot)
        found, again = ({name: str(getattr(page, name)(shown).data) for name in names} for _ in range(2))
    assert found == again
    half = len(figures) // 2
    for pair in zip(figures[:half], figures[half:], strict=True):
        drawn = iter(pair)
        check(lambda drawn=drawn: next(drawn))
    return found


def recorded_findings(name: str) -> list[Finding]:
    """The findings of a page on its recorded rows."""
    return list(load_study(name).page.findings(recorded(name).frame))


def changed(frame: pd.DataFrame, variant: str, metric: str, factor: float) -> pd.DataFrame:
    """The frame with one number, by the end of its variant's name, and its interval times a factor."""
    rows = frame["variant"].str.endswith(variant) & frame["metric"].isin([metric, f"{metric}.low", f"{metric}.high"])
    assert rows.any(), (variant, metric)
    return frame.assign(value=frame["value"].where(~rows, frame["value"] * factor))
