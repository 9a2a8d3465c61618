"""Ranks of the valid cells of each row by sorting whole numbers digit by digit.

The bits of a floating number, its sign folded in, order like the number itself. A row's keys start from its smallest,
keep their 42 leading bits and carry the column in the other 22. Two passes over ten bits each sort them by the 20
leading bits; what is still out of order then lies close together and is moved one by one. Where that would take long
(many values that agree in 20 bits of the row's range), or the bits that were cut decide, every digit gets its pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lib.kernels.compiled.build import compiled, inlined

#: bits of a key that hold the column
COLUMN_BITS = 22
DIGIT_BITS, PASSES = 10, 2
#: places that a key may move one by one, on average, before passes over every digit are cheaper
MOVES = 4


@compiled
def row_ranks(bits: Any, pool: Any, half: int, kept: int, out: Any) -> None:
    """Rank of each cell among its row's cells in the pool, over their number, ties averaged; 0 outside the pool.

    bits: the values, [R, N], as whole numbers of the same width. half, kept: added and kept before comparing
    ((v + half) & kept), which rounds a mantissa; 0 and -1 compare every bit. N <= 2^22.
    """
    rows, stocks = bits.shape
    by_column, keys, columns = np.empty(stocks, np.uint64), np.empty(stocks, np.uint64), np.empty(stocks, np.uint64)
    packed, scratch = np.empty(stocks, np.uint64), np.empty(stocks, np.uint64)
    counts = np.empty((PASSES, 1 << DIGIT_BITS), np.int32)
    for row in range(rows):
        order_bits(bits[row], half, kept, by_column)
        smallest, largest = range_of(by_column, pool[row])
        width = bit_length(largest - smallest) if largest >= smallest else 0
        cut = max(0, width - (64 - COLUMN_BITS))
        n = pack(by_column, pool[row], smallest, np.uint64(cut), packed)
        sort_leading_digits(packed, scratch, n, max(0, COLUMN_BITS + width - cut - DIGIT_BITS * PASSES), counts)
        easy = moved_into_order(packed, n)
        unpack(packed, by_column, keys, columns, n)
        if not easy or (cut and not ascending(keys, n)):
            sort_every_digit(keys, columns, n, smallest, width, packed, scratch, counts[0])
        share_ranks(keys, columns, n, out[row])


@inlined
def order_bits(bits: Any, half: int, kept: int, keys: Any) -> None:
    """Unsigned keys in the order of the numbers, from their rounded bits; both zeros get one key."""
    least, most = np.int64(np.iinfo(bits.dtype).min), np.int64(np.iinfo(bits.dtype).max)
    for c in range(len(bits)):
        rounded = (np.int64(bits[c]) + half) & kept
        rounded = np.int64(0) if rounded == least else rounded  # -0.0
        folded = rounded ^ ((rounded >> np.int64(63)) & most)  # of a negative number all bits but the sign turn over
        keys[c] = np.uint64(folded) ^ np.uint64(1 << 63)


@inlined
def range_of(keys: Any, pool: Any) -> tuple[Any, Any]:
    """Smallest and largest key in the pool; the smallest is larger where it is empty."""
    smallest, largest = np.uint64(0xFFFF_FFFF_FFFF_FFFF), np.uint64(0)
    for c in range(len(keys)):
        smallest = min(smallest, keys[c] if pool[c] else np.uint64(0xFFFF_FFFF_FFFF_FFFF))
        largest = max(largest, keys[c] if pool[c] else np.uint64(0))
    return smallest, largest


@inlined
def bit_length(number: Any) -> int:
    """Binary digits of an unsigned number."""
    length = 0
    while number > np.uint64(0):
        number >>= np.uint64(1)
        length += 1
    return length


@inlined
def pack(keys: Any, pool: Any, smallest: Any, cut: Any, out: Any) -> int:
    """Leading bits of the keys of the pool with their columns below; how many there are."""
    n = 0
    for c in range(len(keys)):
        out[n] = ((keys[c] - smallest) >> cut) << np.uint64(COLUMN_BITS) | np.uint64(c)
        n += pool[c]
    return n


@inlined
def sort_leading_digits(keys: Any, scratch: Any, n: int, shift: int, counts: Any) -> None:
    """Sort the first n keys by PASSES (two) digits from bit `shift` on, equal ones in their order."""
    mask = np.uint64((1 << DIGIT_BITS) - 1)
    counts[:] = 0
    for i in range(n):
        for digit in range(PASSES):
            counts[digit, (keys[i] >> np.uint64(shift + DIGIT_BITS * digit)) & mask] += 1
    for digit in range(PASSES):
        first_places(counts[digit])
    move_by_digit(keys, scratch, n, np.uint64(shift), counts[0])
    move_by_digit(scratch, keys, n, np.uint64(shift + DIGIT_BITS), counts[1])


@inlined
def first_places(counts: Any) -> None:
    """How many keys have each digit becomes where the first of them goes."""
    place = 0
    for value in range(1 << DIGIT_BITS):
        count = counts[value]
        counts[value] = place
        place += count


@inlined
def move_by_digit(given: Any, out: Any, n: int, shift: Any, places: Any) -> None:
    """One pass: every key to the next free place of its digit."""
    mask = np.uint64((1 << DIGIT_BITS) - 1)
    for i in range(n):
        digit = (given[i] >> shift) & mask
        out[places[digit]] = given[i]
        places[digit] += 1


@inlined
def moved_into_order(keys: Any, n: int) -> bool:
    """Insertion sort; gives up, all keys still there, when it has moved more than MOVES places a key."""
    left = MOVES * n
    for i in range(1, n):
        key = keys[i]
        j = i - 1
        while j >= 0 and keys[j] > key:
            keys[j + 1] = keys[j]
            j -= 1
        keys[j + 1] = key
        left -= i - 1 - j
        if left < 0:
            return False
    return True


@inlined
def unpack(packed: Any, by_column: Any, keys: Any, columns: Any, n: int) -> None:
    """The columns in their order, and the whole keys in the same order."""
    mask = np.uint64((1 << COLUMN_BITS) - 1)
    for i in range(n):
        columns[i] = packed[i] & mask
    for i in range(n):
        keys[i] = by_column[columns[i]]


@inlined
def ascending(keys: Any, n: int) -> bool:
    """Whether no key is smaller than the one before."""
    falls = 0
    for i in range(1, n):
        falls += keys[i] < keys[i - 1]
    return falls == 0


@inlined
def sort_every_digit(
    keys: Any, columns: Any, n: int, smallest: Any, width: int, other_keys: Any, other_columns: Any, places: Any
) -> None:
    """Keys and their columns sorted by all `width` bits above the smallest key."""
    mask = np.uint64((1 << DIGIT_BITS) - 1)
    for start in range(0, width, DIGIT_BITS):
        shift = np.uint64(start)
        places[:] = 0
        for i in range(n):
            places[((keys[i] - smallest) >> shift) & mask] += 1
        first_places(places)
        for i in range(n):
            digit = ((keys[i] - smallest) >> shift) & mask
            other_keys[places[digit]], other_columns[places[digit]] = keys[i], columns[i]
            places[digit] += 1
        keys[:n], columns[:n] = other_keys[:n], other_columns[:n]


@inlined
def share_ranks(keys: Any, columns: Any, n: int, out: Any) -> None:
    """Mean position of each run of equal keys over n, to their columns; 0 elsewhere."""
    out[:] = 0
    start = 0
    while start < n:
        stop = start + 1
        while stop < n and keys[stop] == keys[start]:
            stop += 1
        share = (start + 1 + stop) * 0.5 / n
        for i in range(start, stop):
            out[columns[i]] = share
        start = stop
