"""The encoder layer of a Transformer as a function of its tokens, in the forms that a reader of one token can afford.

All forms read the weights of a `torch.nn.TransformerEncoderLayer` (normalised after each sum, as in Vaswani et al.
2017 and torch's default) and equal it where it drops nothing:

    a = softmax(Q K' / sqrt(d_h)) V W_o,   h1 = norm1(h + a),   out = norm2(h1 + W_2 act(W_1 h1))

`full_layer` gives every token. `one_token_layer` gives one token: it needs one query, and its keys and values are
never formed, because q' (W_k h_j) = (W_k' q)' h_j and sum_j p_j (W_v h_j) = W_v (sum_j p_j h_j). The key's bias adds
the same to every score of a query, so that the softmax does not see it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from lib.errors import ParameterError
from lib.models.networks import Dropout

#: the papers leave it open; the default is torch's
ACTIVATIONS = ("relu", "gelu")


def encoder_layer(width: int, heads: int, feed_forward: int, activation: str = "relu") -> nn.TransformerEncoderLayer:
    """The weights of one layer, torch's own initial values; nothing is dropped inside, see `full_layer`.

    Raises ParameterError for a width that the heads do not divide and for an unknown activation.
    """
    if width < 1 or heads < 1 or width % heads:
        raise ParameterError(f"width, heads: got {width} and {heads}; expected a width that is a multiple of the heads")
    if activation not in ACTIVATIONS:
        raise ParameterError(f"activation: got {activation!r}; expected one of {', '.join(ACTIVATIONS)}")
    return nn.TransformerEncoderLayer(width, heads, feed_forward, dropout=0.0, activation=activation, batch_first=True)


def full_layer(
    layer: nn.TransformerEncoderLayer, tokens: Tensor, bias: Tensor | None = None, drop: Dropout | None = None
) -> Tensor:
    """Every token of the next layer, [B, n, d] -> [B, n, d].

    bias: added to the scores, broadcast to [B, H, n, n]; -inf hides a key from a query. drop: applied to the
    attention's output and twice inside the feed-forward part, as in Vaswani et al.; the scores keep all their keys.
    """
    attention = layer.self_attn
    packed = linear(tokens, attention.in_proj_weight, attention.in_proj_bias)  # B n 3d
    return finished(layer, tokens, attended(packed, attention.num_heads, bias), drop)


def attended(packed: Tensor, heads: int, bias: Tensor | None = None) -> Tensor:
    """softmax(Q K' / sqrt(d_h) + bias) V of all heads side by side; packed: Q, K, V as [B, n, 3d] -> [B, n, d]."""
    B, n, _ = packed.shape
    q, k, v = packed.view(B, n, 3, heads, -1).permute(2, 0, 3, 1, 4)  # each B H n d_h
    mixed = scaled_dot_product_attention(q, k, v, attn_mask=bias)  # B H n d_h
    return mixed.transpose(1, 2).reshape(B, n, -1)  # B n d


def one_token_layer(
    layer: nn.TransformerEncoderLayer,
    tokens: Tensor,
    which: int,
    bias: Tensor | None = None,
    drop: Dropout | None = None,
) -> Tensor:
    """One token of the next layer, [B, n, d] -> [B, d], as `full_layer(...)[:, which]`.

    bias: of that token's scores, broadcast to [B, H, n].
    """
    query = tokens[:, which]  # B d
    return finished(layer, query, looked_up(layer.self_attn, query, tokens, bias), drop)


def looked_up(attention: nn.MultiheadAttention, query: Tensor, tokens: Tensor, bias: Tensor | None = None) -> Tensor:
    """What one query per sample reads from the tokens, before the output projection: [B, d], [B, n, d] -> [B, d]."""
    B, d = query.shape
    heads, size = attention.num_heads, d // attention.num_heads
    W_q, W_k, W_v = attention.in_proj_weight.view(3, d, d)
    b_q, _, b_v = attention.in_proj_bias.view(3, d)
    q = linear(query, W_q, b_q).view(B, heads, size) / math.sqrt(size)  # B H d_h
    absorbed = torch.einsum("bhe,hed->bhd", q, W_k.view(heads, size, d))  # B H d
    scores = absorbed @ tokens.transpose(1, 2)  # B H n
    weights = (scores if bias is None else scores + bias).softmax(-1)  # B H n
    read = weights @ tokens  # B H d
    return torch.einsum("bhd,hed->bhe", read, W_v.view(heads, size, d)).reshape(B, d) + b_v  # B d


def finished(layer: nn.TransformerEncoderLayer, tokens: Tensor, mixed: Tensor, drop: Dropout | None) -> Tensor:
    """The rest of a layer, token by token: output projection, sum, norm, feed-forward, sum, norm; [..., d]."""
    kept = nn.Identity() if drop is None else drop
    hidden = layer.norm1(tokens + kept(layer.self_attn.out_proj(mixed)))  # ... d
    inside = kept(layer.activation(layer.linear1(hidden)))  # ... ff
    return layer.norm2(hidden + kept(layer.linear2(inside)))  # ... d
