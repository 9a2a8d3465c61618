"""The pipeline: remove shared components, regress on industry and size, mix by strength, standardise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lib.errors import ParameterError
from lib.factors.factor_set import FactorSet
from lib.factors.neutralisation.components import remove_components
from lib.factors.neutralisation.exposures import Exposures
from lib.factors.neutralisation.members import Members, members_of
from lib.factors.neutralisation.regression import Design, design, distinct
from lib.factors.neutralisation.robust import Huber
from lib.factors.neutralisation.strength import AdaptiveStrength
from lib.factors.neutralisation.sums import centred, length, scale_
from lib.kernels.elementary import INTEGER, as_number, keep

#: cells of a block, dates x stocks x factors; about four float64 arrays of this size are alive at once in least
#: squares, few enough to stay in a cache, and ten with every option
BLOCK_CELLS = 1 << 18


def neutralise(
    factors: FactorSet,
    exposures: Exposures,
    *,
    robust: bool | Huber = False,
    components: int = 0,
    strength: float | str | AdaptiveStrength | ArrayLike = 1.0,
    size: int = 2,
    standardise: bool = True,
    out: FactorSet | None = None,
    device: torch.device | str = "cpu",
) -> FactorSet:
    """Factors without what industry and size explain, per date and per factor, then z-scored.

    Formula, for factor f on day t over the stocks i where f, industry and size are valid, in the universe:

        f_i = sum_j b_j I_ij + c log(cap_i) + d log(cap_i)^2 + e_i          ordinary least squares
        g_i = (1 - alpha_t) f_i + alpha_t e_i,   result = (g_i - mean) / population deviation

    Parameters
    ----------
    factors: values [T,N,F] and valid; memory maps are read in blocks of dates, never whole.
    exposures: industries and sizes [T,N] of the same dates and stocks; see `Exposures.from_panel`. What
        the first call prepares from them stays with them for the next: keep one for all factors of a panel.
    robust: Huber's M-estimate in place of least squares; True, or a `Huber` with other settings.
    components: first take z-scores and remove their first k principal components of the day; needs k < F.
    strength: alpha_t in [0,1]: a number, one number a day [T], "adaptive", or an `AdaptiveStrength`.
    size: powers of log size in the regression: 2 (paper A), 1 (paper B), 0 (industries only).
    standardise: False leaves g as it is.
    out: where to write, arrays of the same shape such as memory maps; may be `factors` itself.
    device: where to compute. Numbers are float64 inside on every device; results are float32.

    Mask rule: a cell is valid where factor, industry and size are. What masked cells hold changes no bit, nor does
    any other day. A stock with industry and size but without the factor counts only in the day's common origin of
    size, which the dummies absorb.

    Every valid cell gets a value, so that coverage does not hang on how fine the classification is. Where least
    squares leaves nothing over the answer is 0 (to round-off), "no opinion": the only member of an industry, a day
    with no more cells than regressors, a factor made of industry and size alone (deviation within 1e-6 of its root
    mean square). A size that does not vary within industries, or whose square adds nothing, is dropped for that day
    and factor. On a day without valid cells nothing is valid.

    Returns a FactorSet [T,N,F]; `standardise` gives mean 0 and deviation 1 a day, no unit. Raises ParameterError.
    Source: paper A, section III.B, eq. 5-8; paper B, eq. 2.

    >>> rng = np.random.default_rng(0)
    >>> exposures = Exposures(np.array([[0, 0, 0, 1, 1, 1]]), rng.normal(23, 1, (1, 6)))
    >>> raw = FactorSet(rng.normal(size=(1, 6, 1)).astype("f4"), np.ones((1, 6, 1), bool), ("momentum",), {})
    >>> e = neutralise(raw, exposures, size=1).values[0, :, 0]
    >>> bool(abs(e[:3].sum()) < 1e-6), bool(abs(e @ exposures.log_cap[0]) < 1e-5)
    (True, True)
    """
    shape = _check_shapes(factors, exposures, out)
    alpha = _daily_strength(strength, exposures)
    if out is None:
        values = np.empty_like(factors.values, dtype=np.float32, subok=False)
        out = FactorSet(values, np.empty_like(factors.valid, subok=False), factors.names, factors.skipped)
    device = torch.device(device)
    members = _members(exposures, shape[2], components, size, device)
    step = max(1, BLOCK_CELLS // max(1, shape[1] * shape[2]))
    with torch.inference_mode():  # arrays in, arrays out: no gradient is needed, and small operations cost less
        for start in range(0, shape[0], step):
            cut = slice(start, min(start + step, shape[0]))
            _write(out, cut, *_neutralised(
                _tensor(factors.values[cut]).to(device),
                _tensor(factors.valid[cut]).to(device),
                members.rows(cut.start, cut.stop),
                robust=robust, components=components, strength=alpha[cut], size=size, standardise=standardise,
            ))  # fmt: skip
    return out


def _write(out: FactorSet, cut: slice, found: Tensor, inside: Tensor) -> None:
    """A function of its own, so that a block is freed before the next one needs its memory, still in the cache."""
    torch.from_numpy(out.values[cut]).copy_(found.transpose(1, 2))
    torch.from_numpy(out.valid[cut]).copy_(inside.transpose(1, 2))


def neutralise_block(
    values: Tensor,
    valid: Tensor,
    exposures: Exposures,
    *,
    robust: bool | Huber = False,
    components: int = 0,
    strength: float | ArrayLike = 1.0,
    size: int = 2,
    standardise: bool = True,
) -> tuple[Tensor, Tensor]:
    """`neutralise` for tensors [B,N,F] of some dates, on whatever device they are; for one new day, B = 1.

    Returns values, in the dtype given, and valid. `strength` is a number or one number for each of the B dates.
    """
    if tuple(values.shape[:2]) != exposures.shape:
        raise ParameterError(f"values are {tuple(values.shape)}; expected [B,N,F] with B, N = {exposures.shape}")
    members = _members(exposures, values.shape[2], components, size, values.device)
    result, inside = _neutralised(
        values, valid, members, robust=robust, components=components, strength=_checked_strength(strength, len(values)),
        size=size, standardise=standardise,
    )  # fmt: skip
    return result.to(values.dtype).transpose(1, 2), inside.transpose(1, 2)


def _neutralised(
    values: Tensor,
    valid: Tensor,
    members: Members,
    *,
    robust: bool | Huber,
    components: int,
    strength: NDArray[np.float64],
    size: int,
    standardise: bool,
) -> tuple[Tensor, Tensor]:
    """Values, in float64, and valid, [B,F,N]; outside the values are 0, never -0."""
    given, ones, inside, source = _cleaned(values.transpose(1, 2), _inside(valid, members.part))
    plain = _design(inside, ones, members, size)
    if components:
        given = scale_(centred(given, ones), plain.count, source)
        source = length(given)
    start = remove_components(given, ones, components) if components else given
    result = plain.residual(start)
    if robust:
        result = (Huber() if robust is True else robust).residual(start, result, plain)
    mixed = bool((strength < 1).any())
    if mixed:
        result = torch.lerp(given, result, torch.tensor(strength, device=values.device)[:, None, None])
    if standardise:  # the dummies have made the mean of a least-squares residual 0 already
        result = scale_(centred(result, ones) if mixed or robust else result, plain.count, source)
    optional = bool(components or robust or mixed)  # these multiply by 0, which leaves -0
    return result.add_(0.0) if optional else result, inside


def _inside(valid: Tensor, part: Tensor) -> Tensor:
    """valid [B,N,F] and the members [B,N], as bool [B,F,N] in that order of memory."""
    inside = torch.empty(valid.transpose(1, 2).shape, dtype=torch.bool, device=valid.device)
    return torch.logical_and(valid.transpose(1, 2), part[:, None], out=inside)


def _cleaned(values: Tensor, inside: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A float64 copy [B,F,N], 0 outside; 1 inside and 0 outside; the cells inside that are finite; lengths [B,F,1]."""
    numbers = values if values.dtype in INTEGER else values.to(torch.float64)
    copy = keep(numbers, inside).to(torch.float64, memory_format=torch.contiguous_format)
    source = length(copy)
    if not math.isfinite(source.sum().item()):  # a finite length has finite terms
        inside = inside & torch.isfinite(values)
        copy = torch.where(inside, values.to(torch.float64), 0.0)
        source = length(copy)
    return copy, as_number(inside, torch.float64), inside, source


def _design(inside: Tensor, ones: Tensor, members: Members, size: int) -> Design:
    """The least-squares design of every factor, built once for factors that share a mask."""
    shared = distinct(inside)
    masks = ones if shared is None else ones[:, shared[0]]
    found = design(members.codes, members.n_groups, members.powers(size), masks, masks)
    return found if shared is None else found.rows(shared[1], ones)


def _tensor(block: NDArray[Any]) -> Tensor:
    """The block as a tensor that is only read; a read-only map is copied, because torch has no such tensors."""
    return torch.from_numpy(block if block.flags.writeable else np.array(block, order="K", subok=False))


def _daily_strength(strength: Any, exposures: Exposures) -> NDArray[np.float64]:
    """alpha [T] in [0,1] from whatever the caller gave."""
    n_days = exposures.shape[0]
    if isinstance(strength, str):
        if strength != "adaptive":
            raise ParameterError(f"strength: got {strength!r}; expected 'adaptive', a number in [0,1] or one a day")
        strength = AdaptiveStrength()
    if isinstance(strength, AdaptiveStrength):
        if exposures.market is None:
            raise ParameterError("adaptive strength needs the market's returns: give Exposures a `market` [T]")
        return strength.at(exposures.market)
    return _checked_strength(strength, n_days)


def _checked_strength(strength: Any, n_days: int) -> NDArray[np.float64]:
    alpha = np.asarray(strength, dtype=np.float64)
    if alpha.shape not in ((), (n_days,)) or not bool(((alpha >= 0) & (alpha <= 1)).all()):
        raise ParameterError(
            f"strength: got {strength!r}; expected numbers in [0,1], one or one for each of {n_days} days"
        )
    return np.broadcast_to(alpha, n_days)


def _check_shapes(factors: FactorSet, exposures: Exposures, out: FactorSet | None) -> tuple[int, ...]:
    shape = factors.values.shape
    if shape[:2] != exposures.shape:
        raise ParameterError(
            f"factors are {shape[0]} dates x {shape[1]} stocks, exposures {' x '.join(map(str, exposures.shape))}; "
            "take both from one panel"
        )
    if out is not None and (out.values.shape != shape or out.valid.shape != shape):
        raise ParameterError(f"out: got values {out.values.shape} and valid {out.valid.shape}; expected {shape}")
    return shape


def _members(exposures: Exposures, n_factors: int, components: int, size: int, device: torch.device) -> Members:
    """Who takes part, once the options have been checked."""
    if not 0 <= components < max(n_factors, 1):
        raise ParameterError(f"components: got {components}; expected 0 to F - 1 = {n_factors - 1}")
    if size not in (0, 1, 2):
        raise ParameterError(f"size: got {size!r}; expected the powers of log size, 0, 1 or 2")
    if size and exposures.log_cap is None:
        raise ParameterError(
            "the exposures have no market values: add a field cap or float_mkt_cap to the panel, or pass size=0"
        )
    return members_of(exposures, sized=size > 0, device=device)
