"""Weighted least squares on industry dummies and powers of log size, for all rows of a block at once.

By Frisch, Waugh and Lovell the slopes of y on sizes S beside dummies D are those of y less its industry means on S
less theirs. Sums within industries replace 29 of the normal equations; a system of one or two is left for each date
and factor. In float64, and with sizes measured from the mean of the day, few digits cancel in it.

Cells outside a row are made 0 once, on the way in (`lib.factors.neutralisation.pipeline`). From there on all numbers
are finite, and multiplying by 1 or 0 does what `where` does, three times faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from lib.factors.neutralisation.sums import group_sum, group_total, of_group, ratio
from lib.kernels.elementary import row_dot

#: log sizes that deviate by less than this within industries do not vary: market values equal to eight digits
SAME_SIZE = 1e-8
#: a regressor is dropped where industries and the regressors before it leave less than this share of its squares
DEPENDENT = 1e-10
#: with more masks than this share of the factors, handing a design round costs more than building one for each
MOSTLY_OWN = 0.65


@dataclass(frozen=True)
class Design:
    """Regressors and normal equations of a block, once per row of weights.

    B dates, N stocks, G industries, k powers of size; M rows, one for each distinct mask or one for each factor.
    codes: int64 [B,N], the industry. sizes: k tensors [B,1,N]. ones: [B,M,N], 1 inside and 0 outside.
    weight: [B,M,N], `ones` itself in ordinary least squares. mass: [B,M,G], weight of each industry.
    means: k tensors [B,M,G], mean size of each industry. lower, inverse: the equations of the slopes as L D L',
    k x k and k tensors [B,M,1], with 1/D = 0 for a regressor that is dropped.
    """

    codes: Tensor
    sizes: tuple[Tensor, ...]
    ones: Tensor
    weight: Tensor
    mass: Tensor
    means: tuple[Tensor, ...]
    lower: tuple[tuple[Tensor, ...], ...]
    inverse: tuple[Tensor, ...]

    @property
    def count(self) -> Tensor:
        """Cells of each row, [B,M,1]: the weight of all industries, of a least-squares design."""
        return group_total(self.mass)

    def rows(self, which: Tensor, ones: Tensor) -> Design:
        """The design of every factor, where `which` [F] says whose mask it has; ones: [B,F,N], those masks."""
        means, inverse = (tuple(x[:, which] for x in part) for part in (self.means, self.inverse))
        lower = tuple(tuple(x[:, which] for x in row) for row in self.lower)
        return Design(self.codes, self.sizes, ones, ones, self.mass[:, which], means, lower, inverse)

    def residual(self, y: Tensor) -> Tensor:
        """y [B,F,N], 0 outside, less its fit; 0 outside, and not -0 where y is not."""
        weighted = y if self.weight is self.ones else y * self.weight
        total = group_sum(weighted, self.codes, self.mass.shape[2])  # B F G
        moments = [
            row_dot(weighted, size) - group_total(total * mean)
            for size, mean in zip(self.sizes, self.means, strict=True)
        ]
        level, slopes = ratio(total, self.mass), self._solve(moments)  # B F G, k of B F 1
        for slope, mean in zip(slopes, self.means, strict=True):
            level.addcmul_(slope, mean, value=-1)
        fit = of_group(level, self.codes)  # B F N
        for slope, size in zip(slopes, self.sizes, strict=True):
            fit.addcmul_(slope, size)
        return torch.addcmul(y, fit, self.ones, value=-1, out=fit)

    def _solve(self, moments: list[Tensor]) -> list[Tensor]:
        """Slopes from L D L' slopes = moments, by substitution forwards and backwards."""
        for i, row in enumerate(self.lower):
            for j, factor in enumerate(row):
                moments[i] = moments[i] - factor * moments[j]
        slopes = [moment * inverse for moment, inverse in zip(moments, self.inverse, strict=True)]
        for i in reversed(range(len(slopes))):
            for j, factor in enumerate(self.lower[i]):
                slopes[j] = slopes[j] - factor * slopes[i]
        return slopes


def design(codes: Tensor, n_groups: int, sizes: tuple[Tensor, ...], ones: Tensor, weight: Tensor) -> Design:
    """Regressors and factorised normal equations of the rows with these weights, [B,M,N]."""
    mass = group_sum(weight, codes, n_groups)
    weighted = [weight * size for size in sizes]  # of B M N
    sums = [group_sum(x, codes, n_groups) for x in weighted]
    means = tuple(ratio(total, mass) for total in sums)
    squares = [[row_dot(x, size) for size in sizes[: i + 1]] for i, x in enumerate(weighted)]  # of B M 1
    gram = [[square - group_total(sums[i] * means[j]) for j, square in enumerate(row)] for i, row in enumerate(squares)]
    floors = [DEPENDENT * squares[i][i] for i in range(len(sizes))]
    if floors:
        floors[0] = torch.maximum(floors[0], SAME_SIZE**2 * group_total(mass))
    lower, inverse = _factorised(gram, floors)
    return Design(codes, sizes, ones, weight, mass, means, lower, inverse)


def _factorised(
    gram: list[list[Tensor]], floors: list[Tensor]
) -> tuple[tuple[tuple[Tensor, ...], ...], tuple[Tensor, ...]]:
    """L (below its diagonal) and 1/D of gram = L D L'; 1/D is 0 where D, or the first D, is not above its floor."""
    lower: list[tuple[Tensor, ...]] = []
    inverse: list[Tensor] = []
    for i, row in enumerate(gram):
        part: list[Tensor] = []  # row i of L D
        for j in range(i):
            part.append(_less(row[j], part, lower[j]))
        lower.append(tuple(x * inverse[j] for j, x in enumerate(part)))
        pivot = _less(row[i], part, lower[i])
        kept = pivot > floors[i] if i == 0 else (pivot > floors[i]) & (inverse[0] > 0)  # no size, no square of it
        inverse.append(pivot.reciprocal().masked_fill_(~kept, 0.0))
    return tuple(lower), tuple(inverse)


def _less(x: Tensor, some: Sequence[Tensor], others: Sequence[Tensor]) -> Tensor:
    """x less the sum of products, as many as the shorter of the two has."""
    for a, b in zip(some, others, strict=False):
        x = x - a * b
    return x


def distinct(inside: Tensor) -> tuple[Tensor, Tensor] | None:
    """The first factors [M] with each of the masks in inside [B,F,N], and which of these masks each factor has, [F].

    Factors often share masks (the same window, the same fields), and factors that share a mask share a design. Masks
    are told apart by a sum of their words with fixed factors, and then compared cell by cell. None: too many masks
    for sharing to pay.
    """
    n_factors = inside.shape[1]
    spare = -inside.shape[2] % 8
    padded = torch.nn.functional.pad(inside, (0, spare)) if spare else inside
    words = padded.view(torch.int64)  # B F W, eight cells a word
    sums = row_dot(words, _odd_numbers(words.shape[0], words.shape[2], words.device)).sum(dim=(0, 2))  # overflow wraps
    _, which = torch.unique(sums, return_inverse=True)  # F
    n_masks = int(which.max()) + 1
    if n_masks > MOSTLY_OWN * n_factors:
        return None
    first = torch.full((n_masks,), n_factors, device=inside.device)
    first = first.scatter_reduce(0, which, torch.arange(n_factors, device=inside.device), "amin")
    return (first, which) if torch.equal(words[:, first[which]], words) else None


@lru_cache(maxsize=4)
def _odd_numbers(dates: int, words: int, device: torch.device) -> Tensor:
    """A factor for each word of a mask, [dates,1,words]; every block of a call has the same ones."""
    return torch.arange(dates * words, device=device).view(dates, 1, words) * -7046029254386353131 + 1
