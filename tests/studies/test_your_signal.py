"""The page about a reader's own signal, and the command that writes it."""

from __future__ import annotations

import math
import re
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from lib import make_market
from lib.__main__ import main
from lib.evaluation.core import CORE
from lib.evaluation.predictions import evaluate, on_panel
from lib.evaluation.signal import SignalCheck
from lib.evaluation.signal_file import Signal
from lib.evaluation.variants import VARIANTS, compute_features
from lib.paper.site.notebooks import Notebook
from lib.stats.estimates import Estimate
from lib.studies.your_data.examples import long_rows, write_shapes
from lib.studies.your_signal import factor, page
from lib.studies.your_signal.page import OPEN, PHANTOM, RETURN, SECTIONS, YourSignal, verdict, write_page


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Prices of a simulated market, and its momentum as somebody's signal."""
    folder = tmp_path_factory.mktemp("signal")
    panel = make_market(40, 150, seed=2).panel
    long_rows(panel)[["date", "symbol", "open", "high", "low", "close", "volume"]].to_parquet(folder / "prices.parquet")
    close = np.where(panel.observed, panel.adjusted("close"), np.nan)
    values = np.full(close.shape, np.nan)
    values[10:] = close[10:] / close[:-10] - 1
    t, n = np.nonzero(np.isfinite(values))
    rows = pd.DataFrame({"date": panel.dates[t].astype(str), "symbol": panel.symbols[n], "momentum": values[t, n]})
    rows.to_csv(folder / "momentum.csv", index=False)
    return folder


def test_the_command_says_three_sentences_and_writes_a_page_and_a_csv(files, capsys):
    arguments = ["check", str(files / "momentum.csv"), "--prices", str(files / "prices.parquet"), "--trials", "20"]
    assert main([*arguments, "--out", str(files / "report")]) == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 4 and "best of 20 trials" in out[2]
    text, numbers = (files / "report.html").read_text(encoding="utf-8"), pd.read_csv(files / "report.csv")
    assert all(SECTIONS[part][0] in text for part in numbers["part"].unique() if part in SECTIONS)
    assert not re.search(r"""(?:src|href)="(?!data:|#)""", text), "nothing from outside the page"
    assert {"part", "what", "cells", "value", "low", "high"} == set(numbers.columns) and len(numbers) > 80
    for line in out[:3]:
        assert line.replace("'", "&#x27;") in text


def test_the_same_files_give_the_same_bytes(files):
    texts = []
    for name in ("one", "two"):
        write_page(files / "momentum.csv", files / "prices.parquet", files / name)
        texts.append((files / f"{name}.html").read_bytes() + (files / f"{name}.csv").read_bytes())
    assert texts[0] == texts[1]


def test_an_error_is_one_line(files, capsys):
    assert main(["check", str(files / "absent.csv"), "--prices", str(files / "prices.parquet")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def check(ic: float, gross: float, net: float, chance: float) -> SignalCheck:
    def around(value: float, half: float) -> Estimate:
        return Estimate(value, value - half, value + half)

    numbers = {
        ("rank IC", "1 session", "all"): around(0.03, 0.01), ("rank IC", "1 session", "buyable"): around(ic, 0.01),
        (RETURN, f"{OPEN}, before costs", "all"): around(gross, 0.02),
        (RETURN, f"{OPEN}, after 8 bps a side", "all"): around(net, 0.02),
        (RETURN, "every order filled at the close, before costs", "all"): around(0.3, 0.02),
        (PHANTOM, "all refused orders", "all"): around(0.2, 0.02), ("turnover a day", OPEN, "all"): Estimate(0.4),
        ("trials", "deflated Sharpe ratio", "all"): Estimate(chance),
    }  # fmt: skip
    return SignalCheck(numbers, Signal(np.zeros((1, 1)), 1, {}), 7)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0.02, 0.1, 0.05, 0.99), ("ranks the next day's returns:", "after costs (", "beats what chance gives")),
        ((-0.02, 0.1, 0.0, 0.2), ("the wrong way round", "does not keep it after them", "not beyond what chance")),
        ((0.0, 0.0, -0.1, 0.2), ("does not measurably rank", "loses to equal weight after costs", "not beyond")),
        ((0.0, 0.0, 0.0, 0.2), ("does not measurably rank", "does not measurably beat", "not beyond")),
    ],
)
def test_every_outcome_has_its_sentence(numbers, words):
    said = verdict(check(*numbers))
    assert all(item.holds for item in said)
    for item, word in zip(said, words, strict=True):
        assert word in item.text


def test_a_number_that_is_missing_makes_no_claim():
    knows, *others = verdict(check(math.nan, math.nan, math.nan, math.nan))
    assert "it has no rank IC" in knows.text and not any(item.holds for item in others)


@pytest.mark.parametrize(("ic", "warned"), [(0.02, False), (0.105, False), (0.3, True), (-0.3, True)])
def test_a_rank_ic_that_is_too_good_asks_for_the_dates(ic, warned):
    found = check(ic, 0.1, 0.05, 0.99)
    found.numbers["decay of the rank IC", "session 1", "all"] = Estimate(ic, ic - 0.01, ic + 0.01)
    found.numbers["decay of the rank IC", "session 2", "all"] = Estimate(0.004)
    assert any("Check the dates" in item.text and "+0.0040" in item.text for item in verdict(found)) is warned


def test_the_command_counts_the_rows_that_are_lost(files, capsys):
    rows = pd.read_csv(files / "momentum.csv")
    rows.loc[:99, "symbol"] = "SH999999"
    rows.to_csv(files / "lost.csv", index=False)
    arguments = ["check", str(files / "lost.csv"), "--prices", str(files / "prices.parquet")]
    assert main([*arguments, "--out", str(files / "lost")]) == 0
    assert f"100 of {len(rows):,} rows are not used: 100: the stock is not in the prices" in capsys.readouterr().out


@pytest.mark.parametrize("out", ["", "reports/"])
def test_a_folder_is_no_name_of_a_page(files, capsys, out):
    arguments = ["check", str(files / "momentum.csv"), "--prices", str(files / "prices.parquet"), "--out", out]
    assert main(arguments) == 2 and "expected a name such as out/signal" in capsys.readouterr().err


# -------------------------------------------------------------------------- files of five kinds


def keys(panel, exchange_first: str = "", exchange_last: str = "", dash: str = "-"):
    """Two columns of keys: days with a joint, codes with the exchange where it is asked for."""
    days, codes = panel.dates.astype(str), [str(name) for name in panel.symbols]
    spelt = [
        f"{name[:2].lower()}{exchange_first}{name[2:]}" if exchange_first else
        f"{name[2:]}{exchange_last}{name[:2]}" if exchange_last else name[2:]
        for name in codes
    ]  # fmt: skip
    t, n = np.indices(panel.shape)
    return np.char.replace(days, "-", dash)[t.ravel()], np.array(spelt)[n.ravel()]


def signal_as(kind: str, panel, values, folder):
    """The same signal in the words of a source."""
    path = folder / f"signal_{kind}.{'parquet' if kind.startswith('qlib') else 'csv'}"
    if kind == "record":  # a frame of pandas, dates down and symbols across, its index without a name
        wide = pd.DataFrame(values, index=panel.dates.astype(str), columns=panel.symbols)
        wide.to_csv(path)
    elif kind.startswith("akshare"):
        date, code = keys(panel)
        rows = pd.DataFrame({"日期": date, "股票代码": code, "因子": values.ravel()})
        rows.to_csv(path, index=False, encoding="gb18030")
    elif kind == "tushare":
        date, code = keys(panel, exchange_last=".", dash="")
        pd.DataFrame({"ts_code": code, "trade_date": date.astype(int), "factor": values.ravel()}).to_csv(path)
    elif kind == "baostock":
        date, code = keys(panel, exchange_first=".")
        pd.DataFrame({"date": date, "code": code, "score": values.ravel()}).to_csv(path, index=False)
    else:
        index = pd.MultiIndex.from_product(
            [pd.DatetimeIndex(panel.dates), panel.symbols], names=["datetime", "instrument"]
        )
        pd.DataFrame({"score": values.ravel()}, index=index).to_parquet(path)
    return path


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """A market and a signal, written as every source writes prices and signals; the check of each pair."""
    folder = tmp_path_factory.mktemp("kinds")
    panel = make_market(30, 70, seed=5).panel
    values = np.random.default_rng(2).normal(size=panel.shape)
    prices = write_shapes(panel, folder)
    return {kind: YourSignal.of(signal_as(kind, panel, values, folder), path) for kind, path in prices.items()}


def test_files_of_every_source_give_the_same_numbers(kinds):
    assert {"akshare", "tushare", "baostock", "qlib", "record"} <= set(kinds)
    wanted = kinds["record"].found
    assert np.isfinite(wanted.signal.values).sum() > 2000 and len(wanted.numbers) > 80
    for kind, shown in kinds.items():
        lost = set(shown.found.signal.lost)
        assert lost <= {"the stock has no price that day", "the day is not in the prices"}, kind
        np.testing.assert_allclose(shown.found.signal.values, wanted.signal.values, rtol=1e-12, err_msg=kind)
        assert shown.found.numbers.keys() >= wanted.numbers.keys(), kind  # some know the free float too
        for key, item in wanted.numbers.items():
            assert shown.found.numbers[key] == pytest.approx(item, abs=1e-6, nan_ok=True), (kind, key)


# ------------------------------------------------------------------ the ablation's own predictions


def test_the_phantom_alpha_of_the_ablations_predictions_in_a_file_is_the_ablations(tmp_path):
    world = make_market(30, 530, seed=3, limit_rates="paper")
    factors = compute_features(world.panel, VARIANTS["none"].features, CORE[:4], "zscore")
    ablation = evaluate(world.panel, "none", factors, name="none", seed=0, samples=0, learner="ridge",
                        first_test_year=2011)  # fmt: skip
    recorded = {record["metric"]: record["value"] for record in ablation.records}
    panel, prediction = world.panel, on_panel(world.panel, ablation.arrays)
    t, n = np.nonzero(np.isfinite(prediction))
    rows = {"date": panel.dates[t].astype(str), "symbol": panel.symbols[n], "prediction": prediction[t, n]}
    pd.DataFrame(rows).to_parquet(tmp_path / "predictions.parquet")
    long_rows(panel).to_parquet(tmp_path / "prices.parquet")
    found = write_page(tmp_path / "predictions.parquet", tmp_path / "prices.parquet", tmp_path / "out")
    total = found.find(PHANTOM, "all refused orders").value
    assert abs(total) > 0.01
    assert total == pytest.approx(recorded["phantom_close"], abs=1e-9)
    assert found.find(PHANTOM, "limit-up purchases").value == pytest.approx(
        recorded["phantom_close.limit_up_buys"], abs=1e-9
    )
    assert found.find("turnover a day", OPEN).value == pytest.approx(recorded["executed_open.turnover"], abs=1e-9)
    parts = [found.find(PHANTOM, what).value for what in ("limit-up purchases", "limit-down sales", "halts")]
    assert sum(parts) == pytest.approx(total, abs=1e-12)


# ------------------------------------------------------------------------------------ the notebooks


def test_the_page_shows_an_account_and_every_part(files, tmp_path):
    shown = YourSignal.of(files / "momentum.csv", files / "prices.parquet", capital=1e6, horizons=[2])
    assert "returns over 2 sessions" in verdict(shown.found)[0].text
    assert "an account of 1,000,000 yuan" in str(page.parts(shown, page.MONEY).data)
    assert "svg" in str(page.decay(shown).data) and "svg" in str(page.quantiles(shown).data)
    assert "read" in str(page.rows(shown).data) and str(page.part(shown, "rank IC neutralised").data) == ""
    page.write(shown, tmp_path / "v1.5")
    assert (tmp_path / "v1.5.html").exists() and "rows" in set(pd.read_csv(tmp_path / "v1.5.csv")["part"])


def test_a_horizon_that_is_no_number_is_refused(files, capsys):
    arguments = ["check", str(files / "momentum.csv"), "--prices", str(files / "prices.parquet"), "--horizon", "1,x"]
    assert main(arguments) == 2 and "--horizon '1,x'" in capsys.readouterr().err


def cells_of(notebook: str) -> dict[str, str]:
    return {cell["id"]: cell["source"] for cell in Notebook(notebook).node.cells}


def test_the_functions_of_the_notebook_break_what_it_says(tmp_path, monkeypatch):
    (tmp_path / "cell_of_your_factor.py").write_text(cells_of("your_factor")["functions"], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    cell = import_module("cell_of_your_factor")
    functions = {name: getattr(cell, name) for name in ("centred", "swallows_limit_closes", "clean")}
    found = factor.audits(functions, panels=2)
    assert {name: [item.rule for item in broken] for name, broken in found.items()} == {
        "centred": ["look-ahead"], "swallows_limit_closes": ["independence"], "clean": [],
    }  # fmt: skip
    shown = str(factor.smallest(found, functions).data)
    assert shown.count("here") == 2 and "limit-" in shown
    assert "keeps every rule" in str(factor.answer(found).data) and "holds" in str(factor.summary(found).data)


def test_the_smallest_panel_shows_the_value_that_moves():
    (item,) = factor.audits({"ahead": lambda panel: np.roll(panel.fields["close"], -1, axis=0)}, panels=2)["ahead"][:1]
    lines = factor.around(item, lambda panel: np.roll(panel.fields["close"], -1, axis=0))
    (here,) = np.flatnonzero(lines["broken"] == "here")
    assert lines["row"].iloc[here] == item.day
    assert lines["factor"].iloc[here] == lines["close"].iloc[here + 1] if here + 1 < len(lines) else True


def test_the_parameters_of_the_notebooks_are_those_of_the_pages():
    for name, parameters in (("your_signal", page.PARAMETERS), ("your_factor", factor.PARAMETERS)):
        assert Notebook(name).parameters == {key: item.default for key, item in parameters.items()}
