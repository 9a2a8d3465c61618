"""The masked value: what its constructor promises, and arithmetic that never looks behind a mask."""

from __future__ import annotations

import operator

import numpy as np
import pytest
import torch

from lib.errors import ExpressionError
from lib.masked import Masked, lift

POISON = (np.nan, np.inf, -np.inf, 1e30)


def masked(values, valid=None, dtype=torch.float64, exact=True):
    values = torch.tensor(values, dtype=dtype)
    valid = torch.ones(values.shape, dtype=torch.bool) if valid is None else torch.tensor(valid, dtype=torch.bool)
    return Masked(values, valid, exact)


# ------------------------------------------------------------------ constructor


@pytest.mark.parametrize("poison", POISON)
def test_invalid_cells_are_zero(poison):
    x = masked([[1.0, poison], [poison, 4.0]], [[True, False], [False, True]])
    assert x.values.tolist() == [[1.0, 0.0], [0.0, 4.0]]
    assert x.valid.tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_never_valid(poison):
    x = masked([[1.0, poison]])
    assert x.valid.tolist() == [[True, False]] and x.values.tolist() == [[1.0, 0.0]]


def test_the_inputs_are_not_modified_and_not_shared():
    values, valid = torch.tensor([[1.0, float("nan")]]), torch.tensor([[False, True]])
    x = Masked(values, valid)
    assert values[0, 0] == 1.0 and values[0, 1].isnan() and valid.tolist() == [[False, True]]
    values.fill_(7.0)
    valid.fill_(True)
    assert x.values.tolist() == [[0.0, 0.0]] and x.valid.tolist() == [[False, False]]


@pytest.mark.parametrize("name", ["values", "valid", "exact", "note"])
def test_it_is_immutable(name):
    x = masked([[1.0]])
    with pytest.raises(AttributeError, match=f"immutable.*{name!r}"):
        setattr(x, name, None)


@pytest.mark.parametrize("values,valid,expected", [
    (torch.zeros(2, 3), torch.ones(3, 2, dtype=torch.bool), r"one shape.*\(2, 3\) and \(3, 2\)"),
    (torch.zeros(6), torch.ones(6, dtype=torch.bool), r"\[T, N\].*\(6,\)"),
    (torch.zeros(1, 2, 3), torch.ones(1, 2, 3, dtype=torch.bool), r"\[T, N\]"),
    (torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, 3, dtype=torch.bool), "float32 or float64.*int64"),
    (torch.zeros(2, 3, dtype=torch.float16), torch.ones(2, 3, dtype=torch.bool), "float32 or float64.*float16"),
    (torch.zeros(2, 3), torch.ones(2, 3), "bool mask.*float32"),
], ids=["shapes", "vector", "cube", "integers", "half", "float mask"])  # fmt: skip
def test_what_is_no_masked_panel_is_refused(values, valid, expected):
    with pytest.raises(ExpressionError, match=expected):
        Masked(values, valid)


def test_precision_can_be_changed_and_the_rest_stays():
    x = masked([[1.5, 1e300]], exact=False)
    narrow = x.to(torch.float32)
    assert narrow.values.dtype == torch.float32 and not narrow.exact
    assert narrow.valid.tolist() == [[True, False]], "what overflows the new precision is no number any more"
    assert x.valid.tolist() == [[True, True]]


def test_repr_tells_shape_and_share():
    assert repr(masked([[1.0, np.nan], [1.0, 1.0]])) == "Masked(2 dates x 2 stocks, torch.float64, 75.0% valid)"
    assert "0.0% valid" in repr(masked(np.zeros((0, 3))))


# ------------------------------------------------------------------- arithmetic

A, B = [[6.0, -2.0, 5.0, 5.0, 1.0]], [[3.0, 4.0, 7.0, 0.0, 2.0]]
A_VALID, B_VALID = [[True, True, False, True, True]], [[True, True, True, True, False]]
BOTH_VALID = [[True, True, False, True, False]]
EXPECTED = {
    operator.add: [9.0, 2.0, 0.0, 5.0, 0.0],
    operator.sub: [3.0, -6.0, 0.0, 5.0, 0.0],
    operator.mul: [18.0, -8.0, 0.0, 0.0, 0.0],
    operator.lt: [0.0, 1.0, 0.0, 0.0, 0.0],
    operator.le: [0.0, 1.0, 0.0, 0.0, 0.0],
    operator.gt: [1.0, 0.0, 0.0, 1.0, 0.0],
    operator.ge: [1.0, 0.0, 0.0, 1.0, 0.0],
    operator.and_: [1.0, 1.0, 0.0, 0.0, 0.0],
    operator.or_: [1.0, 1.0, 0.0, 1.0, 0.0],
}


@pytest.mark.parametrize("poison", POISON)
@pytest.mark.parametrize("function", EXPECTED, ids=lambda f: f.__name__)
def test_infix_masks_where_either_side_is_masked(function, poison):
    left, right = masked(np.where(A_VALID, A, poison), A_VALID), masked(np.where(B_VALID, B, poison), B_VALID)
    out = function(left, right)
    assert out.values.tolist() == [EXPECTED[function]]
    assert out.valid.tolist() == BOTH_VALID and not out.exact
    assert left.valid.tolist() == A_VALID and right.valid.tolist() == B_VALID, "the operands stay as they are"


@pytest.mark.parametrize("function,left,right", [
    (operator.add, 9.0, 9.0), (operator.sub, 3.0, -3.0), (operator.mul, 18.0, 18.0), (operator.truediv, 2.0, 0.5),
], ids=["+", "-", "*", "/"])  # fmt: skip
def test_numbers_stand_on_either_side(function, left, right):
    x = masked([[6.0, np.nan]])
    assert function(x, 3).values.tolist() == [[left, 0.0]]
    assert function(3, x).values.tolist() == [[right, 0.0]]
    assert function(3, x).valid.tolist() == [[True, False]]


def test_comparison_with_a_number_and_negation():
    x = masked([[6.0, -1.0, np.nan]])
    assert (x > 0).values.tolist() == [[1.0, 0.0, 0.0]] and (x < 0).values.tolist() == [[0.0, 1.0, 0.0]]
    assert (-x).values.tolist() == [[-6.0, 1.0, 0.0]] and (-x).valid.tolist() == [[True, True, False]]


@pytest.mark.parametrize("denominator,valid", [
    (0.0, False), (-0.0, False), (1e-20, False), (-1e-20, False), (1.1e-20, True), (-1.1e-20, True), (1e-300, False),
])  # fmt: skip
def test_a_denominator_of_zero_has_no_quotient(denominator, valid):
    out = masked([[1.0, 0.0]]) / masked([[denominator, denominator]])
    assert out.valid.tolist() == [[valid, valid]]
    assert out.values[0, 1] == 0 and bool(out.values[0, 0] != 0) == valid


def test_an_overflow_is_masked_not_infinite():
    out = masked([[1e300, 1.0]]) * masked([[1e300, 1.0]])
    assert out.valid.tolist() == [[False, True]] and out.values.tolist() == [[0.0, 1.0]]


def test_precision_survives_arithmetic_with_numbers():
    x = masked([[1.0]], dtype=torch.float32)
    assert all(out.values.dtype == torch.float32 for out in (x + 1, 2.5 * x, x / 3, x < 2, x & x))


def test_truth_of_a_panel_is_refused():
    x = masked([[1.0]])
    with pytest.raises(ExpressionError, match="use where"):
        bool(x)
    with pytest.raises(ExpressionError, match="use where"):
        _ = 0 < x < 2  # Python turns a chain into `and`, which asks for the truth of the first half


def test_foreign_operands_are_refused():
    x = masked([[1.0]])
    for other in ("1", None, np.ones((1, 1)).tolist(), torch.ones(1, 1)):
        with pytest.raises((TypeError, ExpressionError)):
            _ = x + other


def test_lift_needs_a_series_and_one_shape():
    with pytest.raises(ExpressionError, match="constants only"):
        lift(torch.add, 1.0, 2.0)
    with pytest.raises(ExpressionError, match=r"shapes differ.*\(1, 2\) and \(2, 1\)"):
        lift(torch.add, masked([[1.0, 2.0]]), masked([[1.0], [2.0]]))
