"""The contract for a reader's own functions: planted slips are found and shown on a small panel, clean code passes."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from lib.__main__ import main
from lib.audit import audit_function
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


@pytest.mark.parametrize("function", [clean, ranked], ids=lambda function: function.__name__)
def test_clean_code_passes(function):
    assert audit_function(function, panels=3) == []


@pytest.mark.parametrize(
    ("function", "rule"),
    [
        (looks_ahead, "look-ahead"), (scaled_by_the_whole_sample, "look-ahead"),
        (swallows_limit_closes, "independence"), (by_column, "order"),
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


def test_several_factors_are_told_apart():
    broken = audit_function(lambda panel: {"good": clean(panel), "bad": looks_ahead(panel)}, panels=2)
    assert [(item.factor, item.rule) for item in broken] == [("bad", "look-ahead")]


@pytest.mark.parametrize(
    ("function", "message"),
    [(lambda panel: np.zeros(3), r"shape \(3,\)"), (lambda panel: {}, "gave no factor"), (str, "str is str"),
     (lambda panel: panel.nothing, "on a panel of .* AttributeError")],
)
def test_what_is_no_factor_is_refused(function, message):
    with pytest.raises(ParameterError, match=message):
        audit_function(function)


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
    refused = {"absent:f": "cannot import", "mine:nothing": "is no function", "mine": "is no function"}
    for wrong, message in refused.items():
        assert main(["audit", wrong]) == 2
        assert message in capsys.readouterr().err
