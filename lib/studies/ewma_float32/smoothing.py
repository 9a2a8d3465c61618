"""Ways to compute an exponentially weighted average, and how far each is from the true one.

    y(0) = x(0),   y(t) = a x(t) + (1 - a) y(t - 1),   a = 2 / (span + 1)

Algebra makes them equal; arithmetic does not. A recursion forgets its rounding as it forgets its data: by a factor
1 - a a day. A closed form with growing weights (1 - a)^-t forgets nothing, and its weights run out of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.stats.smoothing import alpha_of_span

Array = NDArray[Any]
#: prices [T, N] in the dtype to compute in, and the span in days -> averages [T, N]
Smoother = Callable[[Array, int], Array]

#: days that the chunked form computes at a time
CHUNK: Final = 64
#: stored bits of the significand, of 23 in float32
HALF_BITS, TF32_BITS, BFLOAT16_BITS = 10, 10, 7


def reference(x: Array, span: int) -> Array:
    """The recursion in the longest floating type there is: 64 bits of significand on x86, 53 elsewhere."""
    alpha = np.longdouble(2) / np.longdouble(span + 1)
    return _blend(np.asarray(x, dtype=np.longdouble), alpha, 1 - alpha)


def adjusted_reference(x: Array, span: int) -> Array:
    """`reference` with pandas' adjust=True: the weights of the days there are add up to one."""
    long = np.asarray(x, dtype=np.longdouble)
    rest = 1 - np.longdouble(2) / np.longdouble(span + 1)
    top, weight, out = np.zeros_like(long[0]), np.longdouble(0), np.empty_like(long)
    for t in range(len(long)):
        top, weight = long[t] + rest * top, 1 + rest * weight
        out[t] = top / weight
    return out


def recursion(x: Array, span: int) -> Array:
    """y = a x + (1 - a) y, every operation in the dtype of x."""
    one, alpha = x.dtype.type(1), x.dtype.type(alpha_of_span(span))
    return _blend(x, alpha, one - alpha)


def _blend(x: Array, alpha: Any, rest: Any) -> Array:
    out = np.empty_like(x)
    level = out[0] = x[0]
    for t in range(1, len(x)):
        level = out[t] = alpha * x[t] + rest * level
    return out


def correction(x: Array, span: int) -> Array:
    """y = y + a (x - y): the same recursion with one product."""
    alpha, out = x.dtype.type(alpha_of_span(span)), np.empty_like(x)
    level = out[0] = x[0]
    for t in range(1, len(x)):
        level = out[t] = level + alpha * (x[t] - level)
    return out


def two_sums(x: Array, span: int) -> Array:
    """Weighted sum over sum of weights, each a recursion: pandas' adjust=True."""
    rest = 1 - x.dtype.type(alpha_of_span(span))
    top, weight, out = np.zeros_like(x[0]), x.dtype.type(0), np.empty_like(x)
    for t in range(len(x)):
        top, weight = x[t] + rest * top, 1 + rest * weight
        out[t] = top / weight
    return out


def scan(x: Array, span: int) -> Array:
    """The parallel prefix scan of the maps y -> p y + b, log2(T) passes: how an accelerator runs a recursion."""
    alpha = x.dtype.type(alpha_of_span(span))
    factor = np.full((len(x), 1), 1 - alpha, dtype=x.dtype)
    level = alpha * x
    level[0], factor[0], step = x[0], 0, 1
    while step < len(x):
        level = np.concatenate([level[:step], level[step:] + factor[step:] * level[:-step]])
        with np.errstate(under="ignore"):  # a weight that fades to zero has done its work
            factor = np.concatenate([factor[:step], factor[step:] * factor[:-step]])
        step *= 2
    return level


def chunked(x: Array, span: int) -> Array:
    """Closed form over CHUNK days at a time as a triangular matrix product, with the last level carried over."""
    return _chunks(x, span, lambda block: block)


def _chunks(x: Array, span: int, prepare: Callable[[Array], Array]) -> Array:
    alpha = alpha_of_span(span)
    lag = np.subtract.outer(np.arange(CHUNK), np.arange(CHUNK))
    weights = np.where(lag >= 0, alpha * (1 - alpha) ** np.maximum(lag, 0), 0.0).astype(x.dtype)
    carried = ((1 - alpha) ** np.arange(1, CHUNK + 1)).astype(x.dtype)[:, None]
    weights, out = prepare(weights), np.empty_like(x)
    level = out[0] = x[0]
    for start in range(1, len(x), CHUNK):
        block = prepare(x[start : start + CHUNK])
        days = len(block)
        out[start : start + days] = weights[:days, :days] @ block + carried[:days] * level
        level = out[start + days - 1]
    return out


def growing_weights(x: Array, span: int) -> Array:
    """Closed form by cumulative sums: y(t) = (1-a)^t [x(0) + a sum x(s) (1-a)^-s]."""
    alpha, days = alpha_of_span(span), np.arange(len(x))[:, None]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        fading = ((1 - alpha) ** days).astype(x.dtype)
        weights = (x.dtype.type(1) / (1 - x.dtype.type(alpha))) ** days.astype(x.dtype)
        weights[1:] *= x.dtype.type(alpha)
        return np.asarray(fading * np.cumsum(weights * x, axis=0, dtype=x.dtype))


def growing_weights_adjusted(x: Array, span: int) -> Array:
    """Closed form of adjust=True: sum x(s) (1-a)^-s over sum (1-a)^-s, the weights by cumulative products."""
    growth = 1 / (1 - x.dtype.type(alpha_of_span(span)))
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.full((len(x), 1), growth, dtype=x.dtype)
        weights[0] = 1
        weights = np.cumprod(weights, axis=0, dtype=x.dtype)
        top = np.cumsum(weights * x, axis=0, dtype=x.dtype)
        return np.asarray(top / np.cumsum(weights, axis=0, dtype=x.dtype))


def half_precision(x: Array, span: int) -> Array:
    """The recursion in float16: 11 bits of significand."""
    return _coarse_recursion(x, span, HALF_BITS)


def bfloat16(x: Array, span: int) -> Array:
    """The recursion in bfloat16: 8 bits of significand."""
    return _coarse_recursion(x, span, BFLOAT16_BITS)


def tf32_product(x: Array, span: int) -> Array:
    """The chunked form as a tensor core multiplies in TF32: operands cut to 11 bits, sums in float32."""
    return _chunks(x, span, lambda block: rounded(block, TF32_BITS))


def _coarse_recursion(x: Array, span: int, bits: int) -> Array:
    coarse = rounded(x, bits)
    alpha = rounded(np.asarray(alpha_of_span(span), dtype=x.dtype), bits)
    rest, out = rounded(1 - alpha, bits), np.empty_like(x)
    level = out[0] = coarse[0]
    for t in range(1, len(x)):
        level = out[t] = rounded(rounded(alpha * coarse[t], bits) + rounded(rest * level, bits), bits)
    return out


def rounded(x: Array, bits: int) -> Array:
    """x to so many stored bits of significand, ties to even; the range of the exponent is not cut.

    >>> float(rounded(np.asarray(1.001), 10))
    1.0009765625
    """
    significand, exponent = np.frexp(x)
    return np.asarray(np.ldexp(np.rint(np.ldexp(significand, bits + 1)), exponent - (bits + 1)))


#: name -> implementation, in the order of tables
METHODS: Final[Mapping[str, Smoother]] = {
    "recursion": recursion,
    "correction": correction,
    "two sums": two_sums,
    "parallel scan": scan,
    "chunks of 64": chunked,
    "growing weights": growing_weights,
    "growing weights, adjusted": growing_weights_adjusted,
}
#: not float32: what else could have been meant
COARSE: Final[Mapping[str, Smoother]] = {
    "TF32 product": tf32_product,
    "float16 recursion": half_precision,
    "bfloat16 recursion": bfloat16,
}
#: these weigh the first day like any other; the others give it all the weight that is left
ADJUSTED: Final = ("two sums", "growing weights, adjusted")


def relative_error(got: Array, true: Array) -> NDArray[np.float64]:
    """|got / true - 1| in each cell; infinite where there is no finite number."""
    error = np.abs(np.asarray(got, dtype=np.longdouble) / true - 1)
    return np.where(np.isfinite(error), error, np.inf).astype(np.float64)


def error_bound(span: int) -> float:
    """Largest relative error of a float32 recursion on a flat price, after any number of days: 4 u / a, u = 2^-24.

    Each day adds at most four roundings of u and keeps 1 - a of the error that was there. Where the price moves, times
    the average of the averages over today's.
    """
    return 4 * 2.0**-24 / alpha_of_span(span)
