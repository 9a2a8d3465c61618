"""Networks that read the last sessions of a stock: a Transformer over time (A eq. 16-18, s4.C), LSTM and GRU (A s4.E).

Each is given a window as `lib.models.windows` makes it: factors [B, L, F], valid [B, L], calendar [B, L, 3]; the last
session is the sample's own day and always valid. The prediction is read from that session.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from lib.errors import ParameterError
from lib.models.attention import encoder_layer, full_layer, one_token_layer
from lib.models.networks import Dropout

ENCODINGS = ("absolute", "relative", "calendar")
WEEKDAYS = 7


class TimeTransformer(nn.Module):
    """Self-attention over the sessions of a window; masked sessions are hidden from every query.

    encoding: where a session stands. absolute: a learned vector for each of the L places. relative: a learned number
    for each head and distance, added to the scores (Shaw et al. 2018; Raffel et al. 2020). calendar: sinusoids of the
    calendar days before today, so that a session before a holiday is further away than one before it in the row, a
    learned vector for the weekday, and one times the log of the calendar days since the session before (closures).
    A s4.C tries 4 to 16 heads, widths 128 to 512 and windows of 10 to 60 sessions; the defaults are smaller.
    Raises ParameterError for an encoding that does not exist and for a window of another length.
    """

    def __init__(
        self,
        n_factors: int,
        length: int,
        width: int = 64,
        heads: int = 4,
        layers: int = 2,
        feed_forward: int = 256,
        dropout: float = 0.1,
        encoding: str = "absolute",
    ) -> None:
        super().__init__()
        if encoding not in ENCODINGS:
            raise ParameterError(f"encoding: got {encoding!r}; expected one of {', '.join(ENCODINGS)}")
        if layers < 1 or width % 2:
            raise ParameterError(f"layers, width: got {layers} and {width}; expected at least 1 and an even number")
        self.length, self.encoding = length, encoding
        self.embed = nn.Linear(n_factors, width)
        if encoding == "absolute":
            self.position = nn.Parameter(0.02 * torch.randn(length, width))  # L d
        elif encoding == "relative":
            self.distance = nn.Parameter(0.02 * torch.randn(heads, 2 * length - 1))  # H 2L-1
        else:
            self.weekday = nn.Parameter(0.02 * torch.randn(WEEKDAYS, width))  # 7 d
            self.closure = nn.Parameter(0.02 * torch.randn(width))  # d
        self.layers = nn.ModuleList(encoder_layer(width, heads, feed_forward) for _ in range(layers))
        self.head = nn.Linear(width, 1)
        self.drop = Dropout(dropout)

    def forward(self, factors: Tensor, valid: Tensor, calendar: Tensor) -> Tensor:  # B L F, B L, B L 3 -> B
        if factors.shape[1] != self.length:
            raise ParameterError(
                f"window: got {factors.shape[1]} sessions; expected {self.length}, as it was built for"
            )
        *full, last = cast(list[nn.TransformerEncoderLayer], list(self.layers))
        tokens = self.drop(self.tokens(factors, calendar))  # B L d
        bias = self.bias(valid)  # B H L L, or B 1 L L
        for layer in full:
            tokens = full_layer(layer, tokens, bias, self.drop)  # B L d
        read = one_token_layer(last, tokens, -1, bias[:, :, -1], self.drop)  # B d
        return torch.squeeze(self.head(read), -1)

    def tokens(self, factors: Tensor, calendar: Tensor) -> Tensor:
        """Factors of a session as a token with its place, [B, L, d]."""
        tokens: Tensor = self.embed(factors)  # B L d
        if self.encoding == "absolute":
            return tokens + self.position
        if self.encoding == "relative":
            return tokens
        age, gap, weekday = calendar.unbind(-1)  # each B L
        closed = torch.log1p(gap)[..., None] * self.closure  # B L d
        return tokens + sinusoids(age, tokens.shape[-1]) + self.weekday[weekday.long()] + closed

    def bias(self, valid: Tensor) -> Tensor:
        """Added to the scores: -inf for a masked session, and the number of a distance; [B, 1 or H, L, L]."""
        hidden = torch.zeros(valid.shape, device=valid.device).masked_fill(~valid, -math.inf)  # B L
        hidden = hidden[:, None, None].expand(-1, 1, self.length, -1)  # B 1 L L
        if self.encoding != "relative":
            return hidden
        place = torch.arange(self.length, device=valid.device)
        return hidden + self.distance[:, place - place[:, None] + self.length - 1]  # B H L L


def sinusoids(place: Tensor, width: int) -> Tensor:
    """sin(p w_k), cos(p w_k), w_k = 10000^(-2k / width): places [...] -> [..., width] (Vaswani et al. 2017)."""
    rate = torch.exp(torch.arange(0, width, 2, device=place.device) * (-math.log(10_000) / width))  # d/2
    angle = place[..., None] * rate  # ... d/2
    return torch.cat([angle.sin(), angle.cos()], -1)  # ... d


class Recurrent(nn.Module):
    """LSTM or GRU over the window; the state starts at 0 on its first session.

    A masked session enters as zeros, and whether it is valid is one more input, so the network may learn to pass over
    it. The calendar is not read. dropout: between layers and before the head.
    """

    cell: type[nn.LSTM] | type[nn.GRU]

    def __init__(self, n_factors: int, length: int, width: int = 64, layers: int = 1, dropout: float = 0.1) -> None:
        super().__init__()
        if layers < 1:
            raise ParameterError(f"layers: got {layers}; expected at least 1")
        sizes = [n_factors + 1, *[width] * (layers - 1)]
        self.layers = nn.ModuleList(self.cell(size, width, batch_first=True) for size in sizes)
        self.head = nn.Linear(width, 1)
        self.drop = Dropout(dropout)

    def forward(self, factors: Tensor, valid: Tensor, calendar: Tensor) -> Tensor:  # B L F, B L, B L 3 -> B
        hidden = torch.cat([factors, valid[..., None].to(factors.dtype)], -1)  # B L F+1
        for layer in self.layers:
            hidden = self.drop(layer(hidden)[0])  # B L d
        return torch.squeeze(self.head(hidden[:, -1]), -1)


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997): 4 d (F + 1 + d + 2) weights in the first layer."""

    cell = nn.LSTM


class GRU(Recurrent):
    """Gated recurrent unit (Cho et al. 2014): 3 d (F + 1 + d + 2) weights in the first layer."""

    cell = nn.GRU
