"""Logarithm and exponential from additions, multiplications and divisions alone.

The ones of a mathematical library differ in their last bit between processors and between widths of vectors. These
are series (Abramowitz and Stegun 4.1.27 and 4.2.1) after the usual reduction of the argument by powers of two, correct
to about one unit in the last place of float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from lib.kernels.compiled.build import inlined

#: ln 2 = LN2_HIGH + LN2_LOW; the first has 32 bits, so that its product with an exponent is exact
LN2_HIGH, LN2_LOW = 2977044471 / 2**32, float.fromhex("0x1.a39ef35793c76p-33")
LOG2_E = 1 / math.log(2)
MANTISSA_BITS, BIAS = 52, 1023
MANTISSA = (1 << MANTISSA_BITS) - 1
#: bits of sqrt(1/2): mantissas are brought to [sqrt(1/2), sqrt(2))
ROOT_HALF = 0x3FE6_A09E_667F_3BCD
#: 2 ** -54 brings no number of float64 below its smallest normal one back; this brings all of them above
TWO_54 = 2.0**54
SMALLEST_NORMAL = 2.0**-1022
#: beyond these exp is 0 or infinite
EXP_LEAST, EXP_MOST = -746.0, 710.0


@intrinsic  # type: ignore[untyped-decorator]
def bits_of(context: Any, number: Any) -> Any:
    """The bits of a float64 as a whole number."""
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.int64))

    return types.int64(types.float64), generate


@intrinsic  # type: ignore[untyped-decorator]
def number_of(context: Any, bits: Any) -> Any:
    """The float64 with these bits."""
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.int64), generate


@inlined
def logarithm(x: float) -> float:
    """Natural logarithm of a finite x > 0; any number for others.

    x = 2^k m with m in [sqrt(1/2), sqrt(2)), and log m = 2 (s + s^3/3 + s^5/5 + ...) with s = (m - 1) / (m + 1).
    With f = m - 1, which is exact, 2 s = f - f^2/2 + s f^2/2: the largest term carries no round-off.
    """
    tiny = x < SMALLEST_NORMAL
    bits = bits_of(x * TWO_54 if tiny else x)
    k = (bits - ROOT_HALF) >> MANTISSA_BITS
    m = number_of(bits - (k << MANTISSA_BITS))
    exponent = np.float64(k - (54 if tiny else 0))
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    series = 1 / 21 + z * (1 / 23)
    series = 1 / 17 + z * (1 / 19 + z * series)
    series = 1 / 13 + z * (1 / 15 + z * series)
    series = 1 / 9 + z * (1 / 11 + z * series)
    series = z * (1 / 3 + z * (1 / 5 + z * (1 / 7 + z * series)))
    f = m - 1.0
    half = 0.5 * f * f
    return exponent * LN2_HIGH - ((half - (s * (half + 2.0 * series) + exponent * LN2_LOW)) - f)


@inlined
def exponential(x: float) -> float:
    """e ** x; 0 or infinite beyond the range of float64, and NaN for NaN.

    x = k ln 2 + r with |r| <= ln(2) / 2, and e^r = 1 + r + r^2/2! + ... + r^13/13!.
    """
    inside = min(EXP_MOST, max(EXP_LEAST, x))
    k = math.floor(inside * LOG2_E + 0.5)
    r = (inside - k * LN2_HIGH) - k * LN2_LOW
    series = 1 / 479001600 + r * (1 / 6227020800)
    series = 1 / 3628800 + r * (1 / 39916800 + r * series)
    series = 1 / 40320 + r * (1 / 362880 + r * series)
    series = 1 / 720 + r * (1 / 5040 + r * series)
    series = 1 / 24 + r * (1 / 120 + r * series)
    power = 1.0 + (r + r * r * (0.5 + r * (1 / 6 + r * series)))
    whole = np.int64(k)
    half = whole >> 1  # in two steps: 2 ** k itself may be too small or too large
    scale = number_of((half + BIAS) << MANTISSA_BITS)
    rest = number_of((whole - half + BIAS) << MANTISSA_BITS)
    result = power * scale * rest
    return x if x != x else result
