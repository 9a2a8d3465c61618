"""Arithmetic cell by cell. What is undefined is NaN; every kernel returns how many results are not finite.

Operands are [R, N], or [1, N] where one row serves all, as a number does. `known`: a result at most this share of its
operands is round-off of 0; negative to keep all.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lib.kernels.compiled.build import compiled, inlined
from lib.kernels.compiled.elementary import exponential, logarithm
from lib.kernels.compiled.settle import not_finite

LESS, AT_MOST, EQUAL = 0, 1, 2


@inlined
def row_of(x: Any, row: int) -> Any:
    """The row of an operand that belongs to a row of the result."""
    return x[0 if x.shape[0] == 1 else row]


@compiled
def add(a: Any, b: Any, sign: float, known: float, out: Any) -> int:
    """a + sign b, 0 where that is round-off of numbers that cancel."""
    bad = 0
    for row in range(len(out)):
        left, right, to = row_of(a, row), row_of(b, row), out[row]
        for c in range(len(to)):
            x, y = left[c], out.dtype.type(sign) * right[c]
            total = x + y
            to[c] = 0.0 if abs(total) <= out.dtype.type(known) * max(abs(x), abs(y)) else total
        bad += not_finite(to)
    return bad


@compiled
def multiply(a: Any, b: Any, out: Any) -> int:
    """a b."""
    bad = 0
    for row in range(len(out)):
        left, right, to = row_of(a, row), row_of(b, row), out[row]
        for c in range(len(to)):
            to[c] = left[c] * right[c]
        bad += not_finite(to)
    return bad


@compiled
def divide(a: Any, b: Any, least: float, out: Any) -> int:
    """a / b, undefined where |b| <= least."""
    bad = 0
    for row in range(len(out)):
        left, right, to = row_of(a, row), row_of(b, row), out[row]
        for c in range(len(to)):
            quotient = left[c] / right[c]
            to[c] = quotient if abs(right[c]) > out.dtype.type(least) else np.nan
        bad += not_finite(to)
    return bad


@compiled
def compare(a: Any, b: Any, how: int, half: int, kept: int, bits: Any, numbers: Any, out: Any) -> int:
    """1 where a < b (LESS), a <= b (AT_MOST) or a == b (EQUAL), else 0.

    a, b: the bits of the operands, as whole numbers. half, kept: added to the bits and kept of them before they are
    compared, which rounds; 0 and -1 do not. bits, numbers: scratch [2, N], one memory as whole and floating numbers.
    """
    half, kept = bits.dtype.type(half), bits.dtype.type(kept)
    x, y = numbers[0], numbers[1]
    for row in range(len(out)):
        left, right, to = row_of(a, row), row_of(b, row), out[row]
        for c in range(len(to)):
            bits[0, c] = (left[c] + half) & kept
        for c in range(len(to)):
            bits[1, c] = (right[c] + half) & kept
        if how == LESS:
            for c in range(len(to)):
                to[c] = x[c] < y[c]
        elif how == AT_MOST:
            for c in range(len(to)):
                to[c] = x[c] <= y[c]
        else:
            for c in range(len(to)):
                to[c] = x[c] == y[c]
    return 0


@compiled
def choose(condition: Any, a: Any, b: Any, out: Any) -> int:
    """a where the condition is not 0, else b."""
    for row in range(len(out)):
        flags, left, right, to = row_of(condition, row), row_of(a, row), row_of(b, row), out[row]
        for c in range(len(to)):
            to[c] = left[c] if flags[c] != 0 else right[c]
    return 0


@compiled
def log(x: Any, known: float, out: Any) -> int:
    """Natural logarithm, undefined where x <= 0; 0 where x differs from 1 by at most `known`."""
    bad = 0
    for row in range(len(out)):
        given, to = row_of(x, row), out[row]
        for c in range(len(to)):
            value = np.float64(given[c])
            found = 0.0 if abs(value - 1.0) <= known else logarithm(value)
            to[c] = found if value > 0 else np.nan
        bad += not_finite(to)
    return bad


@compiled
def whole_power(x: Any, p: int, signed: bool, out: Any) -> int:
    """x ** p for a whole p >= 1 by repeated squaring; signed: with the sign of x."""
    bad = 0
    square, product = np.empty(out.shape[1], np.float64), np.empty(out.shape[1], np.float64)
    for row in range(len(out)):
        given, to = row_of(x, row), out[row]
        product[:] = 1.0
        square[:] = given
        rest = p
        while rest > 0:
            if rest & 1:
                product *= square
            square *= square
            rest >>= 1
        for c in range(len(to)):
            flip = signed & ((given[c] < 0) != (product[c] < 0))
            to[c] = -product[c] if flip else product[c]
        bad += not_finite(to)
    return bad


@compiled
def root(x: Any, signed: bool, out: Any) -> int:
    """Square root, undefined where x < 0; signed: the sign of x times the root of |x|."""
    bad = 0
    for row in range(len(out)):
        given, to = row_of(x, row), out[row]
        for c in range(len(to)):
            found = math.sqrt(abs(np.float64(given[c])))
            to[c] = found if given[c] >= 0 else (-found if signed else np.nan)
        bad += not_finite(to)
    return bad


@compiled
def power(x: Any, p: Any, signed: bool, out: Any) -> int:
    """x ** p, undefined for a negative x and a p that is not whole; signed: sign(x) |x| ** p. 0 ** 0 = 1."""
    bad = 0
    for row in range(len(out)):
        bases, exponents, to = row_of(x, row), row_of(p, row), out[row]
        for c in range(len(to)):
            base, exponent = np.float64(bases[c]), np.float64(exponents[c])
            size = abs(base)
            found = exponential(exponent * logarithm(size))
            at_zero = 0.0 if exponent > 0 else (1.0 if exponent == 0 else np.inf)
            found = at_zero if size == 0 else found
            whole = exponent == math.floor(exponent)
            odd = whole & (math.floor(exponent * 0.5) * 2.0 != exponent)
            below = -found if signed | odd else (found if whole else np.nan)
            found = below if base < 0 else found
            to[c] = 0.0 if signed & (base == 0) & (exponent >= 0) else found
        bad += not_finite(to)
    return bad


@compiled
def round_bits(bits: Any, half: int, kept: int, out: Any) -> None:
    """(bits + half) & kept: numbers rounded in their binary mantissa, as whole numbers of the same width."""
    half, kept = bits.dtype.type(half), bits.dtype.type(kept)
    for row in range(len(bits)):
        given, to = bits[row], out[row]
        for c in range(len(to)):
            to[c] = (given[c] + half) & kept
