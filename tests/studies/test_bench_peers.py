"""Adapters of the peers: those that are installed compute what they are timed for; the tables say what differs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lib.factors import FactorSet, find_factors
from lib.graph import Node, field, topological
from lib.ops import delay, ts_mean
from lib.studies.how_fast import report as tables
from lib.studies.how_fast.bench import alphas, gaps, peers, startup
from lib.studies.how_fast.bench.accuracy import largest_error
from lib.studies.how_fast.bench.adapters import alpha_lib, kunquant, ours, polars_ta
from lib.studies.how_fast.bench.alphas import SETS, Alphas, alpha_names, contestants, likeness
from lib.studies.how_fast.bench.contender import Contender
from lib.studies.how_fast.bench.primitives import LIBRARIES, prices
from lib.studies.how_fast.bench.walk import walk
from lib.studies.how_fast.bench.workloads import bench_panel
from lib.studies.how_fast.report import rank_remarks
from lib.studies.how_fast.speed import Speed

X, Y = prices(70, 50, 1)


def needs(peer: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not peers.installed(peer), reason=f"{peer} is not installed")


# ------------------------------------------------------------------------------------------ adapters


@needs("kunquant")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kunquant_computes_the_operators_and_its_fast_form_less_exactly(dtype: str) -> None:
    x, y = X.astype(dtype), Y.astype(dtype)
    accurate, fast = (kunquant.operators(x, y, 7, mode) for mode in kunquant.MODES)
    for name, (call, values) in accurate.items():
        assert largest_error(name, values(call()), x, y, 7) < 1e-5, name
    errors = [largest_error("ts_std", c["ts_std"].values(c["ts_std"].call()), x, y, 7) for c in (accurate, fast)]
    assert errors[1] > 3 * errors[0]


#: what a library means otherwise, so that its error is no round-off
OTHERWISE = {("polars_ta", "cs_rank"), ("alpha-lib", "cs_zscore")}


@pytest.mark.parametrize(
    ("library", "adapter"),
    [
        pytest.param("polars_ta", polars_ta.operators, marks=needs("polars_ta")),
        pytest.param("alpha-lib", alpha_lib.operators, marks=needs("alpha-lib")),
    ],
)
def test_libraries_of_alphas_compute_the_operators(library: str, adapter: gaps.Operators) -> None:
    for name, (call, values) in adapter(X, Y, 7).items():
        if (library, name) not in OTHERWISE:
            assert largest_error(name, values(call()), X, Y, 7) < 1e-6, name


@pytest.mark.parametrize("adapter", [kunquant.operators, polars_ta.operators, alpha_lib.operators])
def test_a_library_that_is_not_installed_has_no_operators(
    monkeypatch: pytest.MonkeyPatch, adapter: gaps.Operators
) -> None:
    monkeypatch.setattr(peers, "installed", lambda peer: False)
    assert adapter(X, Y, 7) == {}


@pytest.mark.parametrize("library", [name for name in LIBRARIES if name != peers.FLOOR])
def test_a_masked_cell_reaches_no_adapter_as_a_price(library: str) -> None:
    x = X.copy()
    x[40, 3] = np.nan
    operators = LIBRARIES[library](x, Y, 7)
    if "cs_rank" in operators:
        call, values = operators["cs_rank"]
        found = np.asarray(values(call()))
        assert np.isnan(found[40, 3]) and np.isfinite(found[40]).sum() == x.shape[1] - 1
        assert found[40, np.isfinite(found[40])].max() == pytest.approx(1.0), "a share of the stocks that are there"


# ------------------------------------------------------------------------------------------- formulas


@needs("kunquant")
def test_kunquant_has_82_alphas_and_18_that_compare_no_stocks() -> None:
    assert (len(alpha_names("kunquant")), len(alpha_names("rank-free"))) == (82, 18)
    assert not [factor.name for factor in find_factors(alpha_names("rank-free")) if "cs_" in factor.formula]


@needs("kunquant")
@pytest.mark.filterwarnings("ignore::lib.errors.ShortPanelWarning")
def test_our_formulas_in_kunquant_give_our_values_and_its_own_do_not(tmp_path: Path) -> None:
    names = alpha_names("rank-free")
    kunquant.compile_alphas(names, tmp_path)
    what, panel = Alphas(names, kunquant.alphas_file(tmp_path)), bench_panel(260, 24, masked=False)
    same, own = (likeness(name, panel, what) for name in contestants("rank-free")[1:])
    assert same.apart == {} and same.cells > 0.999
    assert own.apart["alpha101_043"] < 0.5, "its ts_rank counts from 1, ours is a share"


@needs("polars_ta")
@pytest.mark.filterwarnings("ignore::lib.errors.ShortPanelWarning")
def test_our_formulas_in_polars_ta_give_our_values_where_no_rank_is_taken() -> None:
    names = ["alpha101_006", "alpha101_012", "alpha101_023", "alpha101_054", "alpha101_101"]
    found = likeness("polars_ta", bench_panel(60, 20, masked=False), Alphas(names))
    assert found.apart == {} and 0.9 < found.masks < 1, "there a comparison with a masked cell is false, here masked"


@needs("alpha-lib")
def test_our_formulas_in_alpha_lib_give_our_values() -> None:
    names = ["alpha101_006", "alpha101_012", "alpha101_023", "alpha101_041", "alpha101_101"]
    assert likeness("alpha-lib", bench_panel(60, 20, masked=False), Alphas(names)).apart == {}


def test_every_set_of_alphas_has_a_peer_and_a_place_in_the_table() -> None:
    assert set(SETS) == set(tables.SETS) and {SETS[which] for which in SETS} == set(peers.ALPHA_SETS)
    assert {which: peer for which, (_, peer) in tables.SETS.items()} == dict(SETS)


def fake_ours(values: np.ndarray, valid: np.ndarray, names: list[str]) -> FactorSet:
    return FactorSet(values, valid, tuple(names), {})


def test_likeness_counts_cells_masks_and_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    names, rng = ["a", "b"], np.random.default_rng(0)
    values, valid = rng.normal(size=(20, 10, 2)), np.ones((20, 10, 2), dtype=bool)
    theirs = {name: values[..., f].copy() for f, name in enumerate(names)}
    theirs["b"][:5] += 1.0
    theirs["b"][5] = np.nan
    valid[6, :, 0], theirs["a"][6] = False, 9.0  # nothing is compared where ours is masked
    monkeypatch.setattr(ours, "alphas", lambda *_: lambda: fake_ours(values, valid, names))
    monkeypatch.setattr(alphas, "alpha_call", lambda *_: lambda: theirs)
    found = likeness("somebody", bench_panel(20, 10), Alphas(names))
    assert found.shares == {"a": 1.0, "b": pytest.approx(140 / 190)} and set(found.apart) == {"b"}
    assert (found.cells, found.masks) == (pytest.approx(330 / 380), pytest.approx(380 / 400))


def test_a_formula_is_walked_once_and_dropped_after_its_last_use() -> None:
    close = field("close")
    mean = ts_mean(close, 3)
    done: list[Node] = []
    found = dict(walk([mean + delay(mean, 1), mean], {"close": 1.0}, lambda node, arguments: done.append(node) or 2.0))
    assert found == {0: 2.0, 1: 2.0} and len(done) == len(set(done)) == len(topological([mean + delay(mean, 1)])) - 1


# --------------------------------------------------------------------------------------- masked cells


def library_that(repairs: bool) -> gaps.Operators:
    """A mean over the window; one that does not repair is blank for ever, and it calls a masked cell 0."""

    def operators(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
        mean = pd.DataFrame(x).rolling(window).mean().to_numpy()
        blank = np.logical_or.accumulate(np.isnan(x), axis=0)
        wrong = np.where(np.isnan(x), 0.0, np.where(blank, np.nan, mean))
        return {"ts_mean": Contender(lambda: mean if repairs else wrong, lambda values: values)}

    return operators


def test_what_a_masked_cell_does_comes_out_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "IMPLEMENTATIONS", {"good": library_that(True), "bad": library_that(False)})
    found = {library: gap for library, _, gap in gaps.gaps(120)}
    good, bad = found["good"], found["bad"]
    assert (good.masked, good.inside, good.blank) == (0, 0, 0) and good.error < 1e-6
    assert (bad.masked, bad.inside, bad.blank) == (1, 0, 1)


def test_ours_stays_masked_where_a_window_holds_a_masked_cell_and_recovers() -> None:
    for library, name, gap in gaps.gaps(100):
        if library == peers.OURS:
            assert (gap.masked, gap.blank) == (0, 0) and gap.error < 1e-6, name
            assert gap.inside == 0 or name in ("ewma", "cs_rank")


@needs("kunquant")
def test_one_masked_cell_blanks_a_stock_in_the_fast_form_of_kunquant() -> None:
    found = {(library, name): gap for library, name, gap in gaps.gaps(100)}
    assert found["kunquant fast", "ts_std"].blank == 1 and found["kunquant", "ts_std"].blank == 0


# ----------------------------------------------------------------------------------------------- tables


def frame_of(records: dict[tuple[str, str], float]) -> pd.DataFrame:
    lines = [("how_fast", variant, 0, metric, value, 5, "different") for (variant, metric), value in records.items()]
    return pd.DataFrame(lines, columns=["study", "variant", "seed", "metric", "value", "n", "setting"])


ALPHAS = "alpha101 kunquant 750x1000"
RUN = frame_of(
    {
        ("machine", "kunquant: installed"): 1.0,
        ("machine", "alpha-lib: installed"): 0.0,
        ("factors 750x1000", "ours: cold cpu"): 4.0,
        ("factors 750x1000", "ours: cold wall"): 4.5,
        ("factors 750x1000", "ours: cold peak"): 2.0**31,
        ("factors 750x1000", "ours: peak"): 2.0**30,
        ("factors 750x1000", "ours: output"): 2.0**30,
        ("factors 750x1000", "ours: cpu"): 3.0,
        ("factors 750x1000", "kunquant: cold cpu"): 20.0,
        ("factors 750x1000", "kunquant: cold ratio"): 5.0,
        (ALPHAS, "formulas"): 82.0,
        (ALPHAS, "kunquant: agree"): 80.0,
        (ALPHAS, "kunquant: cpu"): 7.0,
        (ALPHAS, "kunquant: ratio"): 2.5,
        (ALPHAS, "kunquant: compile cpu"): 11.0,
        (ALPHAS, "kunquant: share alpha101_004"): 0.5,
        (ALPHAS, "kunquant: share alpha101_015"): 0.25,
        ("masked 750x40", "ours: ts_std error"): 1e-7,
        ("masked 750x40", "ours: ts_std masked"): 0.0,
        ("masked 750x40", "kunquant fast: ts_std error"): 0.07,
        ("masked 750x40", "kunquant fast: ts_std blank"): 1.0,
        ("start-up", "compile: cpu"): 40.0,
        ("start-up", "compile: wall"): 41.0,
    }
)


def test_first_calls_stand_beside_later_ones() -> None:
    shown = tables.first_calls(RUN).set_index(["call", "by"])
    assert shown.loc[("first of a process", "ours"), ["CPU s", "peak, GiB"]].tolist() == [4.0, 2.0]
    assert shown.loc[("first of a process", "kunquant"), "times ours"] == 5.0
    assert shown.loc[("a later one", "ours"), "CPU s"] == 3.0


def test_all_factors_are_followed_over_the_size_of_the_panel_from_both_kinds_of_rows() -> None:
    alone = {("alone ours 750x300", f"ours: {what}"): 1.0 for what in ("cpu", "wall", "peak", "output")}
    whole = {("factors 750x1000", f"ours: {what}"): 3.0 for what in ("cpu", "wall", "peak", "output")}
    runs = Speed.of(frame_of(whole | alone)).whole("ours")
    assert [(run.size.cells, run.threads, run.peak) for run in runs] == [(225_000, "all", 1.0), (750_000, "1", 3.0)]
    assert Speed.of(RUN).whole("pandas") == []


def test_alphas_show_agreement_before_time_and_name_what_differs() -> None:
    shown = tables.alphas(RUN)
    line = shown[(shown["by"] == "kunquant") & (shown["panel"].notna())].iloc[0]
    assert line["formulas"].startswith("82,") and (line["formulas that agree"], line["times ours"]) == (80, 2.5)
    assert line["compiled beforehand, CPU s"] == 11
    assert shown.loc[shown["by"] == "alpha-lib", "remark"].tolist() == ["not installed (needs Python 3.12)"]
    (differ,) = tables.alpha_differences(RUN)["share of cells that agree"]
    assert differ == "015 (25 %), 004 (50 %)"


def test_masked_cells_and_start_up_have_their_tables() -> None:
    shown = tables.masked_cells(RUN).set_index("by")
    assert shown.loc["kunquant fast", "blank after it has left, %"] == 100
    assert "needs Python 3.12" in shown.loc["alpha-lib", "operator"]
    start = tables.start_up(RUN)
    assert start["a fresh process"].tolist() == ["one factor, nothing compiled yet"] and start["CPU s"].tolist() == [40]


def test_a_record_without_the_new_rows_has_empty_tables() -> None:
    old = frame_of({("machine", "pandas: installed"): 1.0})
    assert tables.first_calls(old).empty and tables.masked_cells(old).empty and tables.start_up(old).empty


def test_the_error_of_a_rank_is_explained() -> None:
    assert rank_remarks({"ours": 0.0, "pandas": 1e-16}, 1000) == []
    (tied,) = rank_remarks({"ours": 0.5 / 1000}, 1000)
    assert "half a place of 1000" in tied
    assert "rounding of a rank to float32" in rank_remarks({"mlquantx": 2.9e-8, "ours": 0.0}, 1000)[0]
    assert not [said for said in rank_remarks({"polars_ta": 0.02}, 1000) if said]


# --------------------------------------------------------------------------------------------- start-up


def test_a_process_is_timed_with_a_cache_of_its_own(tmp_path: Path) -> None:
    program = f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(os.environ['{startup.CACHE}'])"
    found = startup.process(program, tmp_path / "cache")
    assert found.wall > 0 and found.cpu > 0 and (tmp_path / "seen").read_text() == str(tmp_path / "cache")


def test_start_ups_begin_with_empty_caches_and_go_on_with_a_filled_one(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[str] = []
    monkeypatch.setattr(startup, "process", lambda program, cache: used.append(cache.name) or math.nan)
    found = startup.start_ups(3)
    taken = {"compile": 2, "cached": 3, "import": 3, "compile all": 1, "cached all": 3}
    assert {what: len(samples) for what, samples in found.items()} == taken
    assert used == ["a", "b", *["a"] * 6, *["all"] * 4]
    assert startup.start_ups(1).keys() == {"compile", "cached", "import"}
