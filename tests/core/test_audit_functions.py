"""The contract for a reader's own functions: planted slips are found and shown on a small panel, clean code passes."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lib.__main__ import main
from lib.audit import Broken, audit_function
from lib.audit.panels import hostile_panel
from lib.errors import ParameterError


def closes(panel):
    return pd.DataFrame(np.where(panel.mask, panel.fields["close"], np.nan))


def clean(panel):
    """Mean of the last three closes, if all are valid, over today's."""
    close = closes(panel)
    return close.rolling(3).mean() / close


def ranked(panel):
    return closes(panel).rank(axis=1)


def looks_ahead(panel):
    """A mean that is centred by mistake."""
    return closes(panel).rolling(3, center=True).mean()


def scaled_by_the_whole_sample(panel):
    close = closes(panel)
    return (close - close.mean()) / close.std()


def swallows_limit_closes(panel):
    """Windows over all closes; only today's masked cells are taken out, too late."""
    close = pd.DataFrame(panel.fields["close"]).where(np.isfinite(panel.fields["close"]))
    return (close / close.rolling(3).mean()).where(panel.mask)


def by_column(panel):
    close = closes(panel)
    return close * np.arange(close.shape[1])


def counted_from_the_end(panel):
    close = closes(panel)
    return close.mul(np.arange(len(close))[::-1], axis=0)


def last_row(panel):
    """Only the newest day is another formula: what a research notebook never sees."""
    close = closes(panel).to_numpy().copy()
    close[-1] = close[-1] / close[-2]
    return close


def first_rows(panel):
    """A warm-up that is filled from behind."""
    close = closes(panel)
    return close.where(np.broadcast_to(np.arange(len(close))[:, None] >= 45, close.shape), close.shift(-45))


def needs_sixty_days(panel):
    if len(panel.dates) < 60:
        raise ValueError("too short")
    return closes(panel).shift(-1)


def labelled(panel):
    """A table of dates and symbols, newest day first and the symbols in another order."""
    close = pd.DataFrame(clean(panel).to_numpy(), pd.DatetimeIndex(panel.dates), [str(name) for name in panel.symbols])
    return close.iloc[::-1, ::-1]


def nullable(panel):
    return clean(panel).astype("Float64")


def masked_array(panel):
    return np.ma.masked_array(panel.fields["close"], ~panel.mask)


@pytest.mark.parametrize(
    "function", [clean, ranked, labelled, nullable, masked_array], ids=lambda function: function.__name__
)
def test_clean_code_passes(function):
    assert audit_function(function, panels=3) == []


@pytest.mark.parametrize(
    ("function", "rule"),
    [
        (looks_ahead, "look-ahead"), (scaled_by_the_whole_sample, "look-ahead"),
        (swallows_limit_closes, "independence"), (by_column, "order"),
        (counted_from_the_end, "look-ahead"), (last_row, "look-ahead"),
    ],
    ids=lambda item: getattr(item, "__name__", item),
)  # fmt: skip
def test_a_planted_slip_is_found_and_shown_on_a_small_panel(function, rule):
    broken = audit_function(function, panels=3)
    assert [item.rule for item in broken] == [rule]
    (item,) = broken
    assert 2 <= item.stocks <= 6 and item.days <= 45 and 0 < item.share <= 1
    assert hostile_panel(np.random.default_rng(item.seed), item.stocks, item.days).shape == (item.days, item.stocks)
    assert 0 <= item.day < item.days and 0 <= item.stock < item.stocks
    assert rule in str(item) and f"seed {item.seed}" in str(item)


@pytest.mark.parametrize("function", [first_rows, needs_sixty_days], ids=lambda function: function.__name__)
def test_a_slip_that_needs_a_long_panel_is_found(function):
    (item,) = audit_function(function, panels=5)
    assert item.rule == "look-ahead" and item.days >= 60


def test_a_share_that_is_small_is_not_said_to_be_none():
    small = Broken("f", "look-ahead", 0.0001, 2, 12, 0, 3, 1)
    assert "less than 0.1% of values" in str(small) and "0.4%" in str(replace(small, share=0.004))


def test_several_factors_are_told_apart():
    broken = audit_function(lambda panel: {"good": clean(panel), "bad": looks_ahead(panel)}, panels=2)
    assert [(item.factor, item.rule) for item in broken] == [("bad", "look-ahead")]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda panel: np.zeros(3), r"shape \(3,\)"),
        (lambda panel: {}, "gave no factor"),
        (str, "str is str"),
        (lambda panel: panel.nothing, "on a panel of .* AttributeError"),
        (lambda panel: np.random.default_rng().normal(size=panel.shape), "other values when it is asked again"),
        (lambda panel: (panel.fields["close"], np.ones(3, bool)), r"the validity of .* has shape \(3,\)"),
        (lambda panel: {"f": (np.full(panel.shape, np.nan), panel.mask)}, "f calls cells valid that hold no number"),
        (lambda panel: {f"f{len(panel.dates)}": panel.fields["close"]}, "gave f120 on one panel, f90 on another"),
    ],
)
def test_what_is_no_factor_is_refused(function, message):
    with pytest.raises(ParameterError, match=message):
        audit_function(function)


def test_no_panel_is_refused():
    with pytest.raises(ParameterError, match="panels=0"):
        audit_function(clean, panels=0)


MINE = """
import pandas as pd

def ahead(panel):
    return pd.DataFrame(panel.fields['close']).shift(-1).where(panel.mask)

def good(panel):
    return pd.DataFrame(panel.fields['close']).where(panel.mask)
"""


def test_the_command_says_which_rule_breaks_where(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert main(["audit", "mine:ahead", "--panels", "2"]) == 1
    assert "ahead: look-ahead" in capsys.readouterr().out
    assert main(["audit", "mine:good", "--panels", "2"]) == 0
    assert "no look-ahead" in capsys.readouterr().out
    (tmp_path / "broken.py").write_text("def f(panel: return 1", encoding="utf-8")
    refused = {
        "absent:f": "cannot import",
        "broken:f": "SyntaxError",
        "mine:nothing": "is no function",
        "mine": "is no function",
    }
    for wrong, message in refused.items():
        assert main(["audit", wrong]) == 2
        assert message in capsys.readouterr().err
