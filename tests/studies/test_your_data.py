"""The page "Bring your own data": one panel from every shape, figures that count right, text from files escaped."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import source_shapes as shapes

from lib.errors import LoadError, ParameterError
from lib.load import load_panel
from lib.load.quality.measures import Rules
from lib.panel import Panel
from lib.paper.site.notebooks import Notebook
from lib.parameters import check_parameters
from lib.reasons import Reason
from lib.studies.your_data import page
from lib.studies.your_data.examples import WRITERS, write_shapes
from lib.studies.your_data.page import (
    PARAMETERS,
    YourData,
    example_panel,
    in_their_words,
    read_back,
    same_panel,
    verdict,
)

DEFAULTS = {name: parameter.default for name, parameter in PARAMETERS.items()}
Read = dict[str, tuple[Panel, dict[str, bytes]]]


@pytest.fixture(scope="module")
def read() -> Read:
    return read_back()


def test_every_shape_of_the_example_gives_the_panel_it_was_written_from(read: Read) -> None:
    wanted = example_panel()
    assert list(read) == list(WRITERS)
    for name, (panel, _) in read.items():
        assert panel.notes["format"] == name
        np.testing.assert_array_equal(panel.reasons, wanted.reasons, err_msg=name)
        for field in ("open", "high", "low", "close"):
            seen = wanted.observed
            np.testing.assert_array_equal(panel.fields[field][seen], wanted.fields[field][seen], err_msg=name)
    assert (wanted.reasons & Reason.HALT).any()
    assert (wanted.reasons & Reason.LIMIT_UP).any()
    assert (wanted.reasons & Reason.UNLISTED).any()


def test_the_comparison_counts_cells_that_differ(read: Read) -> None:
    same = same_panel(read)
    assert verdict(same).text.startswith(f"All {len(WRITERS)} shapes give the same panel")
    counts = same.filter(regex="differ")
    assert (counts.fillna(0) == 0).all(axis=None)
    assert same.set_index("format").loc["tushare", "halts filled in"] > 0
    panel, heads = read["baostock"]
    close, reasons = panel.fields["close"].copy(), panel.reasons.copy()
    close[5, :2], reasons[7, 1] = 1.0, Reason.MISSING
    other = read | {"baostock": (replace(panel, fields=panel.fields | {"close": close}, reasons=reasons), heads)}
    assert verdict(same_panel(other)).text == f"3 cells differ between the {len(WRITERS)} shapes."


def test_the_words_of_each_source_are_its_own(read: Read) -> None:
    words = in_their_words(read).set_index("file")["header"]
    assert words["600000.csv"].startswith("日期,股票代码,开盘,收盘,最高,最低,成交量")
    assert words["stk_limit.csv"] == "ts_code,trade_date,up_limit,down_limit"
    assert "preclose" in words["k_data.csv"]


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = shapes.write_tushare(shapes.market(), tmp_path)
    data = YourData.of(**DEFAULTS | {"data_path": str(path), "min_history": 10})
    assert not data.is_example
    head, report = str(page.head(data).data), str(page.report(data).data)
    assert "Tushare daily" in head and "survivors only" in head
    assert '<th scope="row">limits</th><td>published</td>' in report.replace(' class="prose"', "")
    assert data.rules == Rules(min_history=10)
    rules = {str(row["rule"]) for row in data.quality.rows()}
    assert rules == {"history", "extreme move", "irregular trading", "outlier", "together"}
    with pytest.raises(LoadError, match="no such file"):
        YourData.of(**DEFAULTS | {"data_path": str(tmp_path / "nowhere")})


def test_names_from_a_file_are_escaped(tmp_path: Path) -> None:
    frame = shapes.record(shapes.market()).assign(**{"<script>x</script>": 1, "industry": "<b>"})
    frame.to_csv(tmp_path / "<i>prices.csv", index=False)
    data = YourData.of(**DEFAULTS | {"data_path": str(tmp_path / "<i>prices.csv")})
    for text in (str(page.head(data).data), str(page.report(data).data)):
        assert "<i>" not in text
        assert "<script>" not in text


def test_findings_count_what_the_panel_holds() -> None:
    data = YourData.of(**DEFAULTS)
    panel, text = data.panel, " ".join(item.text for item in page.findings(data))
    assert all(item.holds for item in page.findings(data)[:2])
    assert f"{(~panel.mask).mean():.1%} of the cells" in text
    listed = panel.without(Reason.UNLISTED)
    months = pd.DatetimeIndex(panel.dates).to_period("M")
    by_kind = {
        kind: max(((panel.reasons & bit) > 0)[months == m].sum() / listed[months == m].sum() for m in months.unique())
        for kind, bit in page.KINDS.items()
    }
    assert f"{max(by_kind.values()):.1%} of the listed cells" in text
    share = (data.quality.excluded() & panel.universe).sum() / panel.universe.sum()
    assert data.excluded(page.AS_OF) == pytest.approx(share)


def test_another_file_gives_other_sentences() -> None:
    data = YourData.of(**DEFAULTS)
    clean = replace(data.panel, reasons=np.zeros_like(data.panel.reasons))
    other = YourData(clean, Rules(min_history=None, max_return=None, max_idle=None, outlier=None), True)
    texts = [item.text for item in page.findings(other)]
    assert texts[0] == "No cell is masked." and "would exclude 0.0%" in texts[2]
    assert texts[3].startswith("Not in this run")


def test_every_part_of_the_page_is_drawn(tmp_path: Path) -> None:
    path = shapes.write_tushare(shapes.market(), tmp_path)
    own = YourData.of(**DEFAULTS | {"data_path": str(path), "min_history": 10})
    for data in (YourData.of(**DEFAULTS), own):
        for part in (page.head, page.why_masked, page.masked_by_month, page.report, page.cost_of_hindsight,
                     page.exclusions):  # fmt: skip
            assert part(data).data, part.__name__
    assert "<img" in page.masked_by_month(own).data


def test_the_notebook_declares_the_parameters_of_the_page() -> None:
    notebook = Notebook("your_data")
    assert notebook.parameters == DEFAULTS
    with pytest.raises(ParameterError, match="did you mean 'file_format'"):
        check_parameters({"file_formt": "auto"}, PARAMETERS)


@pytest.mark.parametrize(
    "change", [lambda p: (p / "b.csv").write_text("x"), lambda p: (p / "a.csv").rename(p / "c.csv")]
)
def test_the_page_depends_on_every_file_of_a_folder(tmp_path: Path, change: Callable[[Path], object]) -> None:
    (tmp_path / "a.csv").write_text("1")
    notebook, given = Notebook("your_data"), {"data_path": str(tmp_path)}
    before = notebook.key(given)
    assert notebook.key(given) == before
    change(tmp_path)
    assert notebook.key(given) != before


def test_a_shape_is_written_into_its_own_folder(tmp_path: Path) -> None:
    paths = write_shapes(example_panel().rows(0, 60), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(WRITERS)
    assert load_panel(paths["qlib_bin"]).shape == load_panel(paths["record"]).shape


@pytest.mark.parametrize("part", ["keys", "quality.report"])
def test_examples_in_docstrings_run(part: str) -> None:
    results = doctest.testmod(importlib.import_module(f"lib.load.{part}"))
    assert results.attempted > 0
    assert results.failed == 0
