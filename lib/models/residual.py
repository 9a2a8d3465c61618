"""The residual feed-forward network (A eq. 14-15, s4.C)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lib.errors import ParameterError
from lib.models.networks import Dropout

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "swish": nn.SiLU, "mish": nn.Mish}


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation (A eq. 15); a batch of one row, which has no variance, is normalised as in prediction."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training and len(x) == 1:
            return nn.functional.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(x)


NORMS: dict[str, Callable[[int], nn.Module]] = {
    "batch": BatchNorm,
    "layer": nn.LayerNorm,
    "none": lambda width: nn.Identity(),
}


class ResidualNetwork(nn.Module):
    """Factors [B, F] -> predictions [B] through `depth` hidden layers of `width`.

        h_1 = sigma(norm(W_0 x + b_0)),  h_{l+1} = sigma(norm(W_l h_l + b_l)) + h_l,  prediction = v' h_depth + c

    The first layer changes the width, so it has no skip. dropout: of each layer's units before the sum. residual:
    False leaves the skips out, the plain network of the same size. The statistics of batch normalisation are those of
    the rows that meet the network at once, of the fitted sample alone when predicting. A s4.C tries depths 2 to 6,
    widths 64 to 1024, dropout .1 to .5. Raises ParameterError for what does not exist.
    """

    def __init__(
        self,
        n_factors: int,
        width: int = 128,
        depth: int = 4,
        norm: str = "batch",
        activation: str = "gelu",
        dropout: float = 0.1,
        residual: bool = True,
    ) -> None:
        super().__init__()
        if depth < 1 or width < 1:
            raise ParameterError(f"width, depth: got {width} and {depth}; expected at least 1 of each")
        for name, got, table in (("norm", norm, NORMS), ("activation", activation, ACTIVATIONS)):
            if got not in table:
                raise ParameterError(f"{name}: got {got!r}; expected one of {', '.join(table)}")
        sizes = [n_factors, *[width] * (depth - 1)]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(size, width), NORMS[norm](width), ACTIVATIONS[activation](), Dropout(dropout))
            for size in sizes
        )
        self.head = nn.Linear(width, 1)
        self.residual = residual

    def forward(self, factors: Tensor) -> Tensor:  # B F -> B
        first, *others = self.layers
        hidden: Tensor = first(factors)  # B d
        for layer in others:
            hidden = layer(hidden) + hidden if self.residual else layer(hidden)  # B d
        return torch.squeeze(self.head(hidden), -1)
