"""Members of a file: a column of it, from a stock's so-many-th session on; never from what comes later."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from panels import SYMBOLS, days, lively

from lib.errors import LoadError, PanelError
from lib.evaluation.inputs import FILE, file_panel
from lib.limits.listing import seasoned as seasoned_cells
from lib.load import load_panel
from lib.panel import Panel
from lib.reasons import Reason
from lib.studies import load_study, studies

POISON = (math.nan, math.inf, -math.inf, 1e30)
LISTED_ON = ["2019-01-02", "2020-07-31", "2020-08-03", "2020-08-20", "NaT", "NaT"]


def market(seed: int, *, list_date: bool, n_days: int = 60) -> Panel:
    """Late listings, holes and halts; two stocks without a day of listing where there is that field."""
    fields: dict[str, Any] = dict(lively(np.random.default_rng(seed), n_days))
    if list_date:
        fields["list_date"] = np.tile(np.array(LISTED_ON, dtype="M8[D]"), (n_days, 1))
    return Panel.from_arrays(days(n_days), SYMBOLS, fields, market="cn")


def seasoned(panel: Panel, sessions: int) -> np.ndarray:
    return seasoned_cells(panel.dates, panel.fields, panel.observed, sessions)


def by_loops(panel: Panel, sessions: int) -> np.ndarray:
    """Day by day: count the rows of each stock, start from the weekdays since its listing where that came before."""
    found = np.zeros(panel.shape, dtype=bool)
    for stock in range(panel.shape[1]):
        count: float | None = None
        for day in range(panel.shape[0]):
            if panel.reasons[day, stock] & (Reason.MISSING | Reason.UNLISTED):
                pass
            elif count is not None:
                count += 1
            elif "list_date" in panel.fields and not np.isnat(panel.fields["list_date"][day, stock]):
                listed = panel.fields["list_date"][day, stock]
                count = 1 + sum(np.is_busday(np.arange(listed, panel.dates[0]))) if listed < panel.dates[0] else 1
            else:
                count = math.inf if day == 0 else 1  # listed before the panel, or on its first row
            found[day, stock] = sessions == 0 or (count is not None and count >= sessions)
    return found


@pytest.mark.parametrize("list_date", [False, True])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sessions", [0, 1, 2, 20, 45, 62])
def test_a_stock_is_seasoned_from_its_so_many_th_row_on(sessions: int, seed: int, list_date: bool) -> None:
    panel = market(seed, list_date=list_date)
    np.testing.assert_array_equal(seasoned(panel, sessions), by_loops(panel, sessions))


def test_the_first_day_of_a_panel_is_no_listing() -> None:
    """A stock with a row on it was listed before; one that comes on the second day is new."""
    prices = np.full((70, 2), 10.0)
    prices[0, 1] = math.nan
    fields = dict.fromkeys(("open", "high", "low", "close"), prices) | {"volume": prices * 100}
    found = seasoned(Panel.from_arrays(days(70), SYMBOLS[:2], fields), 62)
    assert found[:, 0].all()
    assert np.flatnonzero(found[:, 1]).tolist() == list(range(62, 70))  # rows 1 to 62 are its 62 sessions


@pytest.mark.parametrize("list_date", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_later_days_do_not_change_who_is_seasoned(seed: int, list_date: bool) -> None:
    panel, cut = market(seed, list_date=list_date), 25
    whole = seasoned(panel, 20)
    later = market(seed + 10, list_date=list_date)
    fields = {name: np.vstack([values[:cut], later.fields[name][cut:]]) for name, values in panel.fields.items()}
    reasons = np.vstack([panel.reasons[:cut], later.reasons[cut:]])
    changed = seasoned(Panel.from_arrays(panel.dates, SYMBOLS, fields, reasons, market="cn"), 20)
    np.testing.assert_array_equal(changed[:cut], whole[:cut])
    np.testing.assert_array_equal(seasoned(panel.rows(0, cut), 20), whole[:cut])
    assert (changed[cut:] != whole[cut:]).any()


@pytest.mark.parametrize("poison", POISON)
def test_values_of_masked_cells_do_not_count(poison: float) -> None:
    panel = market(0, list_date=True)
    fields = {n: np.where(panel.mask, v, poison) if v.dtype.kind == "f" else v for n, v in panel.fields.items()}
    other = Panel.from_arrays(panel.dates, SYMBOLS, fields, panel.reasons, market="cn")
    np.testing.assert_array_equal(seasoned(other, 20), seasoned(panel, 20))


def test_another_universe_changes_nothing_else() -> None:
    panel = market(0, list_date=False)
    returns, members = panel.returns, seasoned(panel, 20)
    other = panel.with_universe(members)
    members[:] = False  # the panel keeps its own copy
    assert other.universe.any() and other.returns is returns and other.reasons is panel.reasons
    assert (other.dates is panel.dates) and other.mask_kind == panel.mask_kind and not other.universe.flags.writeable
    with pytest.raises(PanelError, match=r"universe has shape \(2, 2\), expected \(60, 6\)"):
        panel.with_universe(np.ones((2, 2), dtype=bool))


# ------------------------------------------------------------------------------------------- files


def written(folder: Path, n_days: int = 70, **columns: Any) -> Path:
    """Two stocks; the second begins on the third day."""
    parts = []
    for symbol, first in (("SH600000", 0), ("SZ000001", 2)):
        dates = days(n_days)[first:].astype(str)
        part = pd.DataFrame({"date": dates, "symbol": symbol, "volume": 100.0})
        parts.append(part.assign(**dict.fromkeys(("open", "high", "low", "close", "pre_close"), 10.0)))
    path = folder / "prices.csv"
    pd.concat(parts).assign(**columns).to_csv(path, index=False)
    return path


def test_a_column_without_a_member_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = written(tmp_path, in_csi300=0, mine=1)
    for options in ({}, {"universe": "in_csi300"}):
        with pytest.raises(LoadError, match=r"^prices\.csv: universe column 'in_csi300' is false on every row"):
            load_panel(path, **options)
    assert load_panel(path, universe="mine").universe.any()
    assert load_panel(path, universe="listed").universe.any()


def test_nor_may_the_chosen_dates_lack_members(tmp_path: Path) -> None:
    path = written(tmp_path)
    table = pd.read_csv(path)
    table.assign(in_csi300=table["date"] < "2020-09-01").to_csv(path, index=False)
    assert load_panel(path).universe.any()
    with pytest.raises(LoadError, match="'in_csi300' is false on every row from 2020-09-01 to 2020-11-06"):
        load_panel(path, start="2020-09-01")


def test_a_study_takes_the_members_of_the_file_that_are_seasoned(tmp_path: Path) -> None:
    table = pd.read_csv(written(tmp_path))
    path = tmp_path / "prices.csv"
    table.assign(mine=(table["symbol"] == "SZ000001").astype(int)).to_csv(path, index=False)
    settings = {"data_path": str(path), "universe": None, "min_sessions": 62}
    assert file_panel(settings).universe.sum(axis=0).tolist() == [70, 7]
    assert file_panel(settings | {"min_sessions": 0}).universe.sum(axis=0).tolist() == [70, 68]
    assert file_panel(settings | {"universe": "mine"}).universe.sum(axis=0).tolist() == [0, 7]
    with pytest.raises(LoadError, match="min_sessions=69 leaves no member in 70 days"):
        file_panel(settings | {"universe": "mine", "min_sessions": 69})
    other = settings | {"us_path": str(path), "universe": "mine"}  # a column of data_path, not of a second file
    assert file_panel(other, "us_path", "none").universe.sum(axis=0).tolist() == [70, 7]


def test_every_study_of_a_file_has_its_parameters() -> None:
    of_files = [name for name in studies() if "data_path" in load_study(name).parameters]
    assert len(of_files) > 10
    for name in of_files:
        assert {key: load_study(name).parameters[key] for key in FILE} == FILE, name
