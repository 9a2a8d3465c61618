"""The factor-axis Transformer (B s3.5.3): each factor is a token, attention learns how factors interact.

    h_0 = cls,  h_f = w x_f + b + position_f      f = 1 .. F
    prediction = v' Encoder(h)_0 + c

Only the CLS token is read. The exact fast form uses that twice, on the same weights: the last layer computes one
token (`lib.models.attention.one_token_layer`), and the first layer's queries, keys and values are not products of
matrices, because a token is affine in its one number: W h_f = x_f (W w) + W (b + position_f), of which the second part
does not depend on the sample. `reference` is the plain torch form; outputs and gradients agree within rounding.

cls and position_f are drawn from N(0, 1), as torch draws embeddings. Were they small beside w x_f + b, all tokens would
start alike, the prediction would be a function of the factors in any order, and a brief training would stay near one.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from lib.errors import ParameterError
from lib.models.attention import attended, encoder_layer, finished, full_layer, one_token_layer
from lib.models.networks import Dropout

#: samples that go through the layers together: their tokens stay in the cache
TOGETHER = 32


class FactorTransformer(nn.Module):
    """Factors [B, F] -> predictions [B].

    width, heads, layers, feed_forward: paper B's, the width by the authors' configuration. 113,857 parameters at 213
    factors; paper B states 220K, which no reading of its description gives. dropout: of the tokens' parts, not of
    attention weights; the papers state none for this network.

    >>> sum(p.numel() for p in FactorTransformer(213).parameters())
    113857
    """

    def __init__(
        self,
        n_factors: int,
        width: int = 64,
        heads: int = 4,
        layers: int = 2,
        feed_forward: int = 256,
        dropout: float = 0.0,
        activation: str = "relu",
    ) -> None:
        super().__init__()
        if n_factors < 1 or layers < 1:
            raise ParameterError(f"n_factors, layers: got {n_factors} and {layers}; expected at least 1 of each")
        self.embed = nn.Linear(1, width)
        # as large as w and b, whose entries are even on (-1, 1): see the head of this file
        self.position = nn.Parameter(torch.randn(n_factors, width))  # F d
        self.cls = nn.Parameter(torch.randn(width))  # d
        self.layers = nn.ModuleList(encoder_layer(width, heads, feed_forward, activation) for _ in range(layers))
        self.head = nn.Linear(width, 1)
        self.drop = Dropout(dropout)

    def forward(self, factors: Tensor, bias: Tensor | None = None) -> Tensor:  # B F -> B
        """bias: [1 + F, 1 + F], CLS first, added to the scores of the first layer; -inf hides a token from another."""
        return torch.cat([self._read(part, bias) for part in factors.split(TOGETHER)])

    def reference(self, factors: Tensor, bias: Tensor | None = None) -> Tensor:  # B F -> B
        """The same function as torch writes it: every token of every layer, and then the first. Nothing is dropped."""
        tokens = self.embed(factors[..., None]) + self.position  # B F d
        tokens = torch.cat([self.cls.expand(len(tokens), 1, -1), tokens], 1)  # B 1+F d
        for number, layer in enumerate(self._stack):
            tokens = layer(tokens, src_mask=bias if number == 0 else None)  # B 1+F d
        return self.head(tokens[:, 0]).squeeze(-1)

    def attention(self, factors: Tensor) -> Tensor:
        """Weights of the first layer, [B, H, 1 + F, 1 + F]: how much each token (CLS first) reads of each (B s5.3)."""
        numbers, fixed = self._affine(factors)
        packed = self._packed(numbers, fixed).unflatten(-1, (3, self._stack[0].self_attn.num_heads, -1))  # B n 3 H d_h
        q, k, _ = packed.permute(2, 0, 3, 1, 4)  # each B H n d_h
        return (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)  # B H n n

    @property
    def _stack(self) -> list[nn.TransformerEncoderLayer]:
        return cast(list[nn.TransformerEncoderLayer], list(self.layers))

    def _read(self, factors: Tensor, bias: Tensor | None) -> Tensor:  # B F -> B
        *full, last = self._stack
        numbers, fixed = self._affine(factors)
        tokens = torch.addcmul(fixed, numbers, self.embed.weight[:, 0])  # B n d
        for number, layer in enumerate(full):
            if number == 0:
                mixed = attended(self._packed(numbers, fixed), layer.self_attn.num_heads, bias)  # B n d
                tokens = finished(layer, tokens, mixed, self.drop)  # B n d
            else:
                tokens = full_layer(layer, tokens, drop=self.drop)  # B n d
        read = one_token_layer(last, tokens, 0, bias[0] if bias is not None and not full else None, self.drop)  # B d
        return self.head(read).squeeze(-1)

    def _affine(self, factors: Tensor) -> tuple[Tensor, Tensor]:
        """A token is number * w + fixed: numbers [B, n, 1], 0 for CLS, and fixed [n, d]."""
        numbers = torch.nn.functional.pad(factors, (1, 0))[..., None]  # B n 1
        return numbers, torch.cat([self.cls[None], self.embed.bias + self.position])  # n d

    def _packed(self, numbers: Tensor, fixed: Tensor) -> Tensor:
        """Queries, keys and values of the first layer, [B, n, 3d]."""
        attention = self._stack[0].self_attn
        slope = linear(self.embed.weight[:, 0], attention.in_proj_weight)  # 3d
        level = linear(fixed, attention.in_proj_weight, attention.in_proj_bias)  # n 3d
        return torch.addcmul(level, numbers, slope)  # B n 3d
