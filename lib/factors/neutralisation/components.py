"""Removal of the principal components that factors share (paper A, eq. 5)."""

from __future__ import annotations

import torch
from torch import Tensor

from lib.factors.neutralisation.sums import length


def principal_components(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The first k eigenvectors of each day's correlation matrix of factors, and their shares of variance.

    C = U U', with U the rows of z-scores [F,N] of one day, each divided by its length. A missing cell enters as 0,
    the mean of its day: it adds nothing to a correlation, and C stays positive semi-definite, which correlations
    over pairwise complete cells do not. Only the cross-section of the day is read.

    scores: [B,F,N], z-scored, 0 outside. Returns loadings [B,F,k], eigenvalues descending,
    the largest loading of each positive (the first of equals), and shares [B,k] of the sum of eigenvalues. With
    two equal eigenvalues at the border k the choice between their vectors is arbitrary, as it is in theory.

    >>> z = torch.tensor([[[1.0, -1.0, 0.0, 0.0], [1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]]])
    >>> loadings, shares = principal_components(z, 1)
    >>> [round(abs(x), 3) for x in loadings[0, :, 0].tolist()], round(shares.item(), 3)
    ([0.707, 0.707, 0.0], 0.667)
    """
    size = length(scores)  # B F 1
    unit = scores / torch.where(size > 0, size, 1.0)
    values, vectors = torch.linalg.eigh(unit @ unit.transpose(1, 2))  # ascending
    values, vectors = values.flip(-1)[:, :k].clamp(min=0), vectors.flip(-1)[:, :, :k]
    peak = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))  # B 1 k
    total = (size > 0).sum(dim=1).clamp(min=1)  # trace of C: the number of factors that vary, B 1
    return torch.where(peak < 0, -vectors, vectors), values / total


def remove_components(scores: Tensor, ones: Tensor, k: int) -> Tensor:
    """Z-scores [B,F,N] less their projection on the day's first k components, z - V V' z; 0 outside.

    The score of a stock on a component sums over the factors it has; those it lacks count as average.
    """
    loadings, _ = principal_components(scores, k)  # B F k
    common = loadings @ (loadings.transpose(1, 2) @ scores)  # B F N
    return (scores - common).mul_(ones)
