"""Loops over plain arrays, compiled for the processor at hand: what the primitives run on a CPU.

Rows are days and run along stocks; every loop over stocks is a straight line of additions, multiplications,
divisions and square roots, whose results IEEE 754 fixes. So a result has the same bits with vectors of any width and
on any number of threads: no operation is reordered (no fastmath), none is fused, and no logarithm or exponential of a
library, whose last bits differ from processor to processor, is called (`elementary` has its own).
"""

#: a deviation at or below this share of the largest absolute value (or of the root mean square) that it was taken from
#: is round-off of something flat: float32 says no more
FLAT = 1e-6
