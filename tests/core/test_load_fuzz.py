"""Mutated files of every source: each gives a valid panel or a LoadError of one line, and nothing else."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import source_shapes as shapes
from load_mutations import Files, mutate

from lib.errors import LoadError
from lib.load import load_panel
from lib.load.quality.measures import quality_control
from lib.load.quality.report import report_lines
from lib.panel import Panel
from lib.reasons import Reason

QUICK, ALL = 250, 2000


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Files]:
    """The bytes of every shape of a market of 20 days, by path inside its folder."""
    rows = [row for row in shapes.market() if row.day < 20]
    out = {}
    for shape, write in shapes.SHAPES.items():
        if shape == "tushare by day":
            continue  # 60 files for the same rows
        folder = tmp_path_factory.mktemp("base")
        write(rows, folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        out[shape] = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    return out


def check_panel(panel: Panel) -> None:
    """What every panel holds, whatever file it came from."""
    t, n = panel.shape
    assert t >= 1
    assert n >= 1
    assert (np.diff(panel.dates) > np.timedelta64(0)).all()
    assert len(set(panel.symbols.tolist())) == n
    assert panel.reasons.dtype == np.uint8
    assert panel.reasons.shape == panel.universe.shape == (t, n)
    seen = panel.observed
    for name, values in panel.fields.items():
        assert values.shape == (t, n), name
        if values.dtype.kind == "f":
            assert not np.isinf(values[seen]).any(), name
    prices = {name: panel.fields[name][seen] for name in ("open", "high", "low", "close")}
    assert all((price > 0).all() for price in prices.values())
    assert (prices["close"] <= prices["high"] + 0.0101 + 2e-6 * prices["close"]).all()
    assert (prices["close"] >= prices["low"] - 0.0101 - 2e-6 * prices["close"]).all()
    volume = panel.fields["volume"][panel.traded]
    assert ((volume > 0) | np.isnan(volume)).all()
    assert np.isnan(volume).sum() == len(panel.notes.get("volume_emptied", []))
    assert not (panel.reasons[~panel.traded] & np.uint8(Reason.LIMIT_UP | Reason.LIMIT_DOWN)).any()
    assert np.isfinite(panel.adj_factor).all()
    assert (panel.adj_factor > 0).all()
    assert not np.isinf(panel.returns).any()
    assert (panel.can_buy() | panel.can_sell() <= panel.traded).all()
    assert len(panel.fingerprint()) == 64
    assert all("\n" not in text for _, text in [*report_lines(panel), *quality_control(panel).lines()])


def outcome(files: Files, folder: Path, single: bool, market: str) -> str:
    """ "panel", or the kind of refusal."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    path = folder / next(iter(files)) if single and len(files) == 1 else folder
    try:
        panel = load_panel(path, market=market)
    except LoadError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 900
        return "refused"
    check_panel(panel)
    return "panel"


def run(bases: dict[str, Files], folder: Path, cases: range) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    names = sorted(bases)
    for case in cases:
        rng = np.random.default_rng([20240102, case])
        shape = names[case % len(names)]
        files = mutate(dict(bases[shape]), rng)
        market = "none" if rng.random() < 0.25 else "cn"
        try:
            found[shape, outcome(files, folder, bool(rng.random() < 0.5), market)] += 1
        except BaseException as error:
            error.add_note(f"case {case}: {shape}, market {market!r}")
            raise
    return found


def test_the_unmutated_files_are_panels(bases: dict[str, Files], tmp_path: Path) -> None:
    for market in ("cn", "none"):
        assert {outcome(files, tmp_path / "case", True, market) for files in bases.values()} == {"panel"}


def test_mutated_files_give_a_panel_or_a_load_error(bases: dict[str, Files], tmp_path: Path) -> None:
    found = run(bases, tmp_path / "case", range(QUICK))
    assert sum(found.values()) == QUICK
    totals = Counter(kind for _, kind in found.elements())
    assert min(totals["panel"], totals["refused"]) > QUICK // 10  # neither all refused nor all accepted


def test_a_case_that_once_failed(bases: dict[str, Files], tmp_path: Path) -> None:
    """4175: a line break in the name of a column broke the report."""
    assert run(bases, tmp_path / "case", range(4175, 4176)) == {("akshare parquet", "panel"): 1}


@pytest.mark.slow
def test_two_thousand_mutated_files(bases: dict[str, Files], tmp_path: Path) -> None:
    found = run(bases, tmp_path / "case", range(ALL))
    assert sum(found.values()) == ALL
    for shape in bases:
        assert found[shape, "panel"] > 0, shape
        assert found[shape, "refused"] > 0, shape
