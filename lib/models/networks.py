"""The paper's networks (B s3.5.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Zero each unit with probability p in training and scale the others by 1 / (1 - p).

    Unlike torch's own it draws from a Generator that is handed to it, 16 random bits a unit (so p is met to
    1 / 65,536), which also makes it several times faster on a CPU.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None  # None: torch's global state

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device)
        words.random_(-(2**63), None, generator=self.generator)
        bits = words.view(torch.int16)[: x.numel()].view(x.shape)
        kept = bits >= round(self.p * 65536) - 32768
        return x * (kept.to(x.dtype) * (1 / (1 - self.p)))


def seed_dropout(network: nn.Module, seed: int, device: str = "cpu") -> None:
    """Give every Dropout of a network one Generator, seeded."""
    generator = torch.Generator(device).manual_seed(seed)
    for module in network.modules():
        if isinstance(module, Dropout):
            module.generator = generator


class MLP(nn.Module):
    """Factor vector -> two hidden layers of 128 (GELU, dropout 0.1) -> one predicted return.

    44,033 parameters at 213 factors, as paper B states ("44K").

    >>> sum(p.numel() for p in MLP(213).parameters())
    44033
    """

    def __init__(self, n_factors: int, hidden: int = 128, dropout: float = 0.1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_factors, hidden), nn.GELU(), Dropout(dropout),
            nn.Linear(hidden, hidden), nn.GELU(), Dropout(dropout),
            nn.Linear(hidden, 1),
        )  # fmt: skip

    def forward(self, factors: Tensor) -> Tensor:  # B F -> B
        return self.layers(factors).squeeze(-1)
