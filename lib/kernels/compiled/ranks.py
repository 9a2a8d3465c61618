"""Ranks of the valid cells of each row by sorting whole numbers digit by digit.

The bits of a floating number, its sign folded in, order like the number itself. A row's keys start from its smallest,
keep their 42 leading bits and carry the column in the other 22. Two passes over ten bits each sort them by 20 leading
bits; what is still out of order then lies close together and is moved one by one. Where that would take long (many
values that agree in these bits), or the bits that were cut decide, every digit gets its pass.

In a row with both signs most of the range between its smallest and its largest key belongs to numbers next to 0, of
which a row has hardly any. They are left out of the range before it is divided (`gap_around_zero`).
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
#: numbers smaller than the row's largest by this power of two are next to 0
OCTAVES = 32
#: where the number 0 lies among the keys
ZERO = 1 << 63


@compiled
def row_ranks(bits: Any, pool: Any, half: int, kept: int, out: Any) -> None:
    """Rank of each cell among its row's cells in the pool, over their number, ties averaged; 0 outside the pool.

    bits: the values, [R, N], as whole numbers of the same width. half, kept: added and kept before comparing
    ((v + half) & kept), which rounds a mantissa; 0 and -1 compare every bit. N <= 2^22.
    """
    rows, stocks = bits.shape
    by_column, keys, columns = np.empty(stocks, np.uint64), np.empty(stocks, np.uint64), np.empty(stocks, np.uint64)
    packed, scratch, single = np.empty(stocks, np.uint64), np.empty(stocks, np.uint64), np.empty(stocks, np.float64)
    counts = np.empty((PASSES, 1 << DIGIT_BITS), np.int32)
    rounded_away, last = empty_bits(kept), -1
    for row in range(rows):
        order_bits(bits[row], half, kept, by_column)
        smallest, largest = range_of(by_column, pool[row])
        width = bit_length(largest - smallest) if largest >= smallest else 0
        cut = max(0, width - (64 - COLUMN_BITS))
        n = pack(by_column, pool[row], smallest, np.uint64(cut), packed)
        before, gap = gap_around_zero(smallest, largest, 52 if bits.itemsize == 8 else 23)
        before, gap = before >> np.uint64(cut), gap >> np.uint64(cut)
        divided = bit_length(((largest - smallest) >> np.uint64(cut)) - gap) if n else 0
        shift = COLUMN_BITS + max(0, divided - DIGIT_BITS * PASSES)
        before, gap = before << np.uint64(COLUMN_BITS), gap << np.uint64(COLUMN_BITS)
        sort_leading_digits(packed, scratch, n, shift, before, gap, counts)
        easy = moved_into_order(packed, n)
        if n != last:
            places_over(n, single)
            last = n
        if easy and cut <= rounded_away:  # nothing was cut that could decide
            share_ranks(packed, np.uint64(COLUMN_BITS), packed, n, single, out[row])
            continue
        unpack(packed, by_column, keys, columns, n)
        if not easy or not ascending(keys, n):
            sort_every_digit(keys, columns, n, smallest, width, packed, scratch, counts[0])
        share_ranks(keys, np.uint64(0), columns, n, single, out[row])


@inlined
def empty_bits(kept: int) -> int:
    """Trailing bits that rounding sets to 0.

    In the keys of negative numbers, which are turned over, they are all 1. A difference of two keys ends in zeros or,
    from a negative to a positive one, in a lonely 1: where these bits are cut, different numbers stay different, for
    between the largest negative key and that of 0 there is one place that no number takes.
    """
    count = 0
    while count < 63 and not (kept >> count) & 1:
        count += 1
    return count


@inlined
def gap_around_zero(smallest: Any, largest: Any, mantissa: int) -> tuple[Any, Any]:
    """Keys from the smallest to the first number next to 0, and how many such keys there are; 0 with one sign only."""
    zero = np.uint64(ZERO)
    if smallest > zero or largest < zero:
        return np.uint64(0), np.uint64(0)
    size = max(largest - zero, zero - smallest)
    near = size - min(size, np.uint64(OCTAVES) << np.uint64(mantissa))
    first, after = zero - min(near, zero - smallest), zero + min(near, largest - zero)
    return first - smallest, after - first


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
def sort_leading_digits(keys: Any, scratch: Any, n: int, shift: int, before: Any, gap: Any, counts: Any) -> None:
    """Sort the first n keys by PASSES (two) digits from bit `shift` on, equal ones in their order.

    Keys from `before` on move down by `gap` first, but not below `before`.
    """
    counts[:] = 0
    for i in range(n):
        divided = closed(keys[i], before, gap)
        for digit in range(PASSES):
            counts[digit, digit_of(divided, np.uint64(shift + DIGIT_BITS * digit))] += 1
    for digit in range(PASSES):
        first_places(counts[digit])
    move_by_digit(keys, scratch, n, np.uint64(shift), before, gap, counts[0])
    move_by_digit(scratch, keys, n, np.uint64(shift + DIGIT_BITS), before, gap, counts[1])


@inlined
def closed(key: Any, before: Any, gap: Any) -> Any:
    """The key without the gap."""
    return key - min(key - min(key, before), gap)


@inlined
def digit_of(key: Any, shift: Any) -> Any:
    """DIGIT_BITS bits from bit `shift` on."""
    return (key >> shift) & np.uint64((1 << DIGIT_BITS) - 1)


@inlined
def first_places(counts: Any) -> None:
    """How many keys have each digit becomes where the first of them goes."""
    place = 0
    for value in range(1 << DIGIT_BITS):
        count = counts[value]
        counts[value] = place
        place += count


@inlined
def move_by_digit(given: Any, out: Any, n: int, shift: Any, before: Any, gap: Any, places: Any) -> None:
    """One pass: every key to the next free place of its digit."""
    for i in range(n):
        digit = digit_of(closed(given[i], before, gap), shift)
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
def places_over(n: int, single: Any) -> None:
    """(i + 1) / n: the ranks of n different numbers."""
    for i in range(n):
        single[i] = (i + 1.0) / n


@inlined
def share_ranks(keys: Any, shift: Any, columns: Any, n: int, single: Any, out: Any) -> None:
    """Mean position of each run of keys that are equal from bit `shift` on, over n, to their columns; 0 elsewhere.

    single: `places_over` of n.
    """
    mask = np.uint64((1 << COLUMN_BITS) - 1)
    out[:] = 0
    for i in range(n):
        out[columns[i] & mask] = single[i]
    equal = 0
    for i in range(1, n):
        equal += (keys[i] ^ keys[i - 1]) >> shift == 0
    start = 0
    while equal and start < n:
        stop = start + 1
        while stop < n and (keys[stop] ^ keys[start]) >> shift == 0:
            stop += 1
        share = (start + 1 + stop) * 0.5 / n
        for i in range(start, stop):
            out[columns[i] & mask] = share
        equal -= stop - start - 1
        start = stop
