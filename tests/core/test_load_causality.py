"""Rows after a day, and rows of other stocks, have no say in the cells of that day: labels, limits, memberships."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import source_shapes as shapes

from lib.load import load_panel
from lib.panel import Panel

ROWS = shapes.market()
LABELS = ("industry", "board", "list_date")


def labelled() -> pd.DataFrame:
    """The hand-made market with labels; SH688001 was listed before its first row."""
    frame = shapes.record(ROWS)
    listed = {"SH688001": "2024-01-03", "SH600000": "2010-01-04", "SZ000001": "1991-04-03", "SZ300750": "2018-06-11"}
    boards = {"SH688001": "star", "SZ300750": "chinext"}
    return frame.assign(
        industry=frame["symbol"].map(dict(zip(shapes.STOCKS, ("J66", "C39", "J66", "C38"), strict=True))),
        board=frame["symbol"].map(lambda symbol: boards.get(symbol, "main")),
        list_date=frame["symbol"].map(listed),
    )


def loaded(frame: pd.DataFrame, folder: Path) -> Panel:
    path = folder / "record.parquet"
    frame.to_parquet(path, index=False)
    return load_panel(path)


def assert_same_cells(one: Panel, other: Panel, cells: np.ndarray) -> None:
    for name in ("reasons", "universe"):
        np.testing.assert_array_equal(getattr(one, name)[cells], getattr(other, name)[cells], err_msg=name)
    for name in set(one.fields) & set(other.fields):
        np.testing.assert_array_equal(one.fields[name][cells], other.fields[name][cells], err_msg=name)


@pytest.mark.parametrize("label", LABELS)
def test_a_label_that_another_stock_loses_changes_nothing_here(tmp_path: Path, label: str) -> None:
    frame = labelled()
    before = loaded(frame, tmp_path)
    last = frame.index[(frame["symbol"] == "SH600000")][-1]
    lost = frame[label].astype(object).where(frame.index != last, None)
    after = loaded(frame.assign(**{label: lost}), tmp_path)
    here = np.ones(before.shape, dtype=bool)
    here[-1, 0] = False
    assert_same_cells(before, after, here)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("cut", [9, 17, 22])
def test_labels_of_later_rows_do_not_change_earlier_cells(tmp_path: Path, label: str, cut: int) -> None:
    frame = labelled()
    halts = (frame["symbol"] == "SH600000") & frame["date"].isin(shapes.DAYS[5:8])  # days without a row
    frame = frame[~halts]
    before = loaded(frame, tmp_path)
    other = {"industry": "Z99", "board": "bse", "list_date": "2001-01-01"}[label]
    later = frame["date"] > shapes.DAYS[cut]
    after = loaded(frame.assign(**{label: frame[label].mask(later, other)}), tmp_path)
    rows = np.zeros(before.shape, dtype=bool)
    rows[: cut + 1] = True
    assert_same_cells(before, after, rows)
    if label != "list_date":
        assert (before.fields[label] != after.fields[label]).any(), "the change arrived"


def test_a_day_without_a_row_has_the_last_label(tmp_path: Path) -> None:
    frame = labelled()
    changed = (frame["symbol"] == "SH600000") & (frame["date"] >= shapes.DAYS[9])
    frame["industry"] = frame["industry"].mask(changed, "K70")
    without = (frame["symbol"] == "SH600000") & frame["date"].isin(shapes.DAYS[8:10])
    panel = loaded(frame[~without], tmp_path)
    assert panel.fields["industry"][6:12, 0].tolist() == ["J66"] * 4 + ["K70"] * 2
    assert set(panel.fields["industry"][:4, 1]) == {"C39"}, "before its first row: what that row says"
