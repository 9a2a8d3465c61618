"""Formulas as objects: one object per formula, what is derived from it, how it prints, how it is evaluated."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lib.engine.stream import evaluate
from lib.errors import ExpressionError
from lib.factors.fields import prev_close, ret
from lib.graph import SKIP, Node, Window, define, field, formula, substitute, topological
from lib.masked import Masked
from lib.ops import (
    cs_rank,
    cs_zscore,
    decay_linear,
    delay,
    delta,
    ewma,
    max,
    ts_corr,
    ts_mean,
    ts_std,
    ts_sum,
    where,
)

close, open_, high, low, volume = (field(name) for name in ("close", "open", "high", "low", "volume"))


def leaf(shape=(12, 3), seed=0):
    rng = np.random.default_rng(seed)
    return Masked(torch.tensor(rng.normal(size=shape) + 5), torch.tensor(rng.random(shape) < 0.9))


# ------------------------------------------------------------------- identity


def test_the_same_formula_is_the_same_object():
    assert field("close") is close
    assert close / ts_mean(close, 20) - 1 is field("close") / ts_mean(field("close"), 20) - 1
    assert -close is -close and (close > 0) is (close > 0)


@pytest.mark.parametrize("left,right", [
    (close - open_, open_ - close), (ts_mean(close, 5), ts_mean(close, 6)), (ts_mean(close, 5), ts_sum(close, 5)),
    (close + 1, close - 1), (close * 1, close * 1.0), (ewma(close, 0.5), ewma(close, 0.25)), (1 - close, close - 1),
    (close, field("closed")),
])  # fmt: skip
def test_different_formulas_are_different_objects(left, right):
    assert left is not right


def test_shared_parts_are_one_node():
    range_ = high - low
    both = range_ / close + ts_mean(high - low, 5)
    assert sum(node is range_ for node in topological([both])) == 1
    assert len(topological([both])) == 7  # high low range close / mean +


# -------------------------------------------------------------------- printing

PRINTED = {
    "close-1": close - 1,
    "close-open-high": (close - open_) - high,
    "close-(open-high)": close - (open_ - high),
    "close-(open+high)": close - (open_ + high),
    "close/open/high": (close / open_) / high,
    "close/(open/high)": close / (open_ / high),
    "close/(open*high)": close / (open_ * high),
    "(close+open)*high": (close + open_) * high,
    "close+open*high": close + open_ * high,
    "-close*open": -close * open_,
    "-(close*open)": -(close * open_),
    "-(close+open)": -(close + open_),
    "close*-open": close * (-open_),
    "close--open": close - (-open_),
    "--close": -(-close),  # noqa: B002
    "close*-1": close * -1,
    "close>open": close > open_,
    "(close>open)*high": (close > open_) * high,
    "close>open+1": close > open_ + 1,
    "close>open&high>low": (close > open_) & (high > low),
    "close>open|high>low&close>low": (close > open_) | ((high > low) & (close > low)),
    "(close>open|high>low)&close>low": ((close > open_) | (high > low)) & (close > low),
    "ts_mean(close,20)/close": ts_mean(close, 20) / close,
    "-ts_corr(cs_rank(open),cs_rank(volume),10)": -ts_corr(cs_rank(open_), cs_rank(volume), 10),
    "where(close<open,ewma(close,0.25),-1)": where(close < open_, ewma(close, 0.25), -1),
    "max(close-open,0)": max(close - open_, 0),
    "close/prev_close-1": close / prev_close - 1,
    "ts_std(ret,20)": ts_std(ret, 20),
    "open/prev_close": open_ / delay(close, 1),
}


@pytest.mark.parametrize("text", PRINTED)
def test_a_formula_prints_with_the_brackets_it_needs(text):
    node = PRINTED[text]
    assert repr(node) == formula(node) == ("ret" if node is ret else text)


@pytest.mark.parametrize("text", [text for text in PRINTED if not {"&", "|"} & set(text) and "--" not in text])
def test_the_printed_formula_reads_back_as_the_same_object(text):
    """Python's own precedence, applied to the printed text, must rebuild the node: no bracket is missing."""
    import ast

    from lib import ops

    names = {n: field(n) for n in ("close", "open", "high", "low", "volume")} | {"prev_close": prev_close, "ret": ret}
    infix = {ast.Add: "__add__", ast.Sub: "__sub__", ast.Mult: "__mul__", ast.Div: "__truediv__"}
    compare = {ast.Lt: "__lt__", ast.Gt: "__gt__", ast.LtE: "__le__", ast.GtE: "__ge__"}

    def build(tree):
        match tree:
            case ast.Name(id=name):
                return names[name]
            case ast.Constant(value=value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -build(operand)
            case ast.BinOp(left=left, op=op, right=right):
                return getattr(build(left), infix[type(op)])(build(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return getattr(build(left), compare[type(op)])(build(right))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return getattr(ops, name)(*map(build, arguments))
        raise AssertionError(ast.dump(tree))

    assert build(ast.parse(repr(PRINTED[text]), mode="eval").body) is PRINTED[text]


def test_define_gives_a_name_that_larger_formulas_print():
    spread = field("define_test_a") - field("define_test_b")
    try:
        assert define("spread", spread) is spread
        assert repr(spread) == "spread" and repr(ts_mean(spread, 5) / spread) == "ts_mean(spread,5)/spread"
        assert spread.fields == ("define_test_a", "define_test_b"), "a name hides nothing from the derivations"
    finally:
        Node._aliases.pop(spread)
    assert repr(spread) == "define_test_a-define_test_b"


# ------------------------------------------------------------------ derivations


@pytest.mark.parametrize("node,lookback", [
    (close, 0), (close - open_, 0), (delay(close, 3), 3), (delta(close, 7), 7), (ts_mean(close, 20), 19),
    (ts_mean(close, 1), 0), (ts_mean(delay(close, 5), 20), 24), (delay(ts_mean(close, 20), 5), 24), (ret, 1),
    (ts_std(ret, 20), 20), (cs_rank(ts_mean(close, 20)), 19), (ts_mean(close, 5) / ts_mean(close, 20), 19),
    (ts_corr(ts_sum(ts_mean(volume, 60), 9), close, 11), 77), (decay_linear(close, 4), 3),
    (where(close > delay(close, 2), ts_mean(open_, 9), 1), 8), (ewma(close, 0.1), math.inf),
    (delay(ewma(close, 0.1), 3), math.inf), (ts_mean(close, 5) + ewma(close, 0.5), math.inf),
])  # fmt: skip
def test_lookback_adds_along_a_chain_and_takes_the_longest_branch(node, lookback):
    assert node.lookback == lookback
    if math.isfinite(lookback):
        assert node.memory == lookback


def test_memory_cuts_a_recurrence_where_it_has_faded():
    fade = math.ceil(math.log(1e-3) / math.log(1 - 0.1))  # the spec's declared memory: 66 days
    assert ewma(close, 0.1).memory == fade == 66
    assert delay(ewma(ts_mean(close, 20), 0.1), 3).memory == 19 + 66 + 3
    assert ewma(ewma(close, 0.1), 0.1).memory == 132
    assert (ewma(close, 0.1) / ts_mean(close, 100)).memory == 99
    assert ewma(close, 1.0).memory == 1


def test_fields_and_pools():
    node = cs_rank(ts_corr(vwap := field("vwap"), volume, 4)) * delta(close, 1)
    assert node.fields == ("close", "volume", "vwap") and node.pools
    assert cs_zscore(vwap).pools and ts_mean(cs_rank(close), 5).pools
    assert not ts_corr(vwap, volume, 4).pools and not close.pools
    assert ret.fields == ("close",)


# ----------------------------------------------------------------- substitution


def test_substitute_replaces_every_occurrence():
    node = ts_mean(close / open_, 5) + open_
    assert substitute(node, {open_: field("vwap")}) is ts_mean(close / field("vwap"), 5) + field("vwap")
    assert substitute(node, {}) is node and substitute(node, {high: low}) is node
    assert substitute(node, {node: close}) is close


def test_substitute_takes_the_largest_match_and_does_not_rewrite_the_replacement():
    node = delta(close, 1) / close
    assert substitute(node, {delta(close, 1): close - field("last"), close: open_}) is (close - field("last")) / open_


def test_substitute_with_a_number():
    assert substitute(close + open_, {open_: 1.0}) is close + 1.0


# ------------------------------------------------------------------ window policy


@pytest.mark.parametrize("window,d,required", [
    (Window(), 5, 5), (SKIP, 5, 3), (SKIP, 4, 2), (SKIP, 1, 1), (Window("skip", 0.8), 20, 16),
    (Window("skip", 0.81), 20, 17),
    (Window("skip", 1.0), 7, 7), (Window("skip", 0.01), 60, 1), (Window("strict", 0.5), 60, 60),
])  # fmt: skip
def test_cells_that_a_window_needs(window, d, required):
    assert window.required(d) == required


@pytest.mark.parametrize("policy,share", [
    ("raw", 0.5), ("Strict", 0.5), ("skip", 0.0), ("skip", 1.01), ("skip", math.nan),
])  # fmt: skip
def test_unknown_policies_and_shares_are_refused(policy, share):
    with pytest.raises(ExpressionError, match=r"window policy|min_share"):
        Window(policy, share)


def test_the_policy_reaches_every_window_of_a_formula():
    values = torch.arange(1.0, 13.0, dtype=torch.float64).reshape(12, 1)
    valid = torch.ones(12, 1, dtype=torch.bool)
    valid[5] = False
    x = {"close": Masked(values, valid)}
    strict, skip = (evaluate([ts_mean(ts_sum(close, 3), 2)], x, window=w)[0].valid for w in (Window(), SKIP))
    # strict: sums of 3 lose rows 5..7 and the mean of 2 one more; skip: the masked day only, and the mean of 2
    # at row 2 may do without the sum of row 1, which began before the panel
    assert torch.nonzero(~strict)[:, 0].tolist() == [0, 1, 2, 5, 6, 7, 8]
    assert torch.nonzero(~skip)[:, 0].tolist() == [0, 1, 5]


@pytest.mark.parametrize("build,expected", [
    (lambda: ts_mean(close), "ts_mean.*got 0.*d"), (lambda: ts_mean(close, 5, 6), "got 2 parameters"),
    (lambda: ts_corr(close), "expected 2"), (lambda: ewma(close, 0), "weight in"),
    (lambda: ts_mean(close, True), "whole number"), (lambda: delay(close, 1.0), "delay"),
    (lambda: cs_rank(3), "no meaning"), (lambda: close and open_, "ambiguous"),
], ids=["no window", "two windows", "one series", "alpha 0", "True", "float delay", "rank of 3", "and"])  # fmt: skip
def test_a_bad_formula_fails_where_it_is_written(build, expected):
    with pytest.raises(ExpressionError, match=expected):
        build()
