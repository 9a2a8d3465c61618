"""The page about a reader's own signal, and the command that writes it."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest

from lib import make_market
from lib.__main__ import main
from lib.evaluation.signal import SignalCheck
from lib.evaluation.signal_file import Signal
from lib.stats.estimates import Estimate
from lib.studies.your_data.examples import long_rows
from lib.studies.your_signal.page import OPEN, PHANTOM, RETURN, SECTIONS, verdict, write_page


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
    page, numbers = (files / "report.html").read_text(encoding="utf-8"), pd.read_csv(files / "report.csv")
    assert all(SECTIONS[part][0] in page for part in numbers["part"].unique() if part in SECTIONS)
    assert not re.search(r"""(?:src|href)="(?!data:)""", page), "nothing from outside the page"
    assert {"part", "what", "cells", "value", "low", "high"} == set(numbers.columns) and len(numbers) > 80
    for line in out[:3]:
        assert line.replace("'", "&#x27;") in page


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
        ((0.0, 0.0, -0.1, 0.2), ("does not measurably rank", "does not measurably beat", "not beyond")),
    ],
)
def test_every_outcome_has_its_sentence(numbers, words):
    said = verdict(check(*numbers))
    assert all(item.holds for item in said)
    for item, word in zip(said, words, strict=True):
        assert word in item.text


def test_a_number_that_is_missing_makes_no_claim():
    said = verdict(check(math.nan, math.nan, math.nan, math.nan))
    assert not any(item.holds for item in said)
