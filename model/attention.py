"""Attention of the DiT: rotary positions, normalised queries and keys, text keys and values that can be cached.

Shapes: b batch, h heads, n positions, l text tokens, d width, k a head's width, r rotating pairs of a head.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ROTARY_BASE = 10_000.0
QK_NORM_EPS = 1e-6

KeysValues = tuple[Tensor, Tensor]  # of one block's cross-attention, each (b, h, l, k)


def rotary_frequencies(width: int, device: torch.device | None = None) -> Tensor:
    """Return the angular frequencies (r,) of `width` rotating channels, radians a position, float32."""
    return ROTARY_BASE ** -(torch.arange(0, width, 2, device=device, dtype=torch.float32) / width)


def rotary_table(positions: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return cosines and sines (n, r) of every position's angles. Always float32: bfloat16 angles lose positions."""
    n = torch.arange(positions, device=device, dtype=torch.float32)
    angles_nr = torch.outer(n, rotary_frequencies(width, device))
    return angles_nr.cos(), angles_nr.sin()


def rotate(x_bhnk: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate channel i with channel i + r (half-split pairs) among the first 2r channels; the rest pass."""
    cos, sin = table
    r = cos.shape[-1]
    first, second, rest = x_bhnk[..., :r], x_bhnk[..., r : 2 * r], x_bhnk[..., 2 * r :]
    return torch.cat((first * cos - second * sin, second * cos + first * sin, rest), -1)


def merge_heads(x_bhnk: Tensor) -> Tensor:
    return x_bhnk.transpose(1, 2).flatten(2)


def head_norm(width: int, wanted: bool) -> nn.Module:
    """The layer norm that every head's queries, or keys, share; nothing where a model has none."""
    return nn.LayerNorm(width, eps=QK_NORM_EPS) if wanted else nn.Identity()


def attend(q_bhnk: Tensor, k_bhlk: Tensor, v_bhlk: Tensor) -> Tensor:
    """softmax(q·kᵀ/√k)·v. Where gradients are wanted on a CPU, as two plain products: a third off a training step.

    The library's fused kernel recomputes the weights in its backward pass; at our lengths (33 to 129 positions) that
    costs more than keeping them. One step of ARC_MINI's flow on two cores, bfloat16: 1.28 s fused, 0.83 s plain.
    """
    if not (q_bhnk.requires_grad and q_bhnk.device.type == "cpu"):
        return F.scaled_dot_product_attention(q_bhnk, k_bhlk, v_bhlk)
    weights_bhnl = (q_bhnk @ k_bhlk.transpose(-1, -2)).float() * q_bhnk.shape[-1] ** -0.5
    return weights_bhnl.softmax(-1).to(v_bhlk.dtype) @ v_bhlk


class SelfAttention(nn.Module):
    """Every latent frame attends to every other; no mask."""

    def __init__(self, width: int, heads: int, qk_norm: bool = True):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.query_norm = head_norm(width // heads, qk_norm)
        self.key_norm = head_norm(width // heads, qk_norm)
        self.output = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.output.weight)  # a new block starts as the identity

    def forward(self, x_bnd: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
        qkv = self.qkv(x_bnd).unflatten(-1, (3, self.heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind()
        q = rotate(self.query_norm(q), table).to(v.dtype)
        k = rotate(self.key_norm(k), table).to(v.dtype)
        return self.output(merge_heads(attend(q, k, v)))


class CrossAttention(nn.Module):
    """Latent frames attend to the condition's tokens, padding included: it was trained that way (see text.py).

    Tokens narrower than the frames have fewer heads, each serving as many neighbouring query heads (Ainslie 2023).
    """

    def __init__(self, width: int, heads: int, token_width: int, qk_norm: bool = True):
        super().__init__()
        self.heads, self.token_heads = heads, token_width * heads // width
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(token_width, 2 * token_width, bias=False)
        self.query_norm = head_norm(width // heads, qk_norm)
        self.key_norm = head_norm(width // heads, qk_norm)
        self.output = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.output.weight)

    def keys_values(self, tokens_bld: Tensor) -> KeysValues:
        """Project the condition's tokens. They do not depend on the latent: compute once a prompt."""
        kv = self.key_value(tokens_bld).unflatten(-1, (2, self.token_heads, -1))
        k, v = kv.permute(2, 0, 3, 1, 4).unbind()
        k = self.key_norm(k).to(v.dtype)
        if self.token_heads == self.heads:
            return k, v
        each = self.heads // self.token_heads
        return k.repeat_interleave(each, 1), v.repeat_interleave(each, 1)

    def forward(self, x_bnd: Tensor, keys_values: KeysValues) -> Tensor:
        """`keys_values` are of as many conditions as there are items, or of one for all of them."""
        k, v = (x.expand(len(x_bnd), -1, -1, -1) for x in keys_values)
        q = self.query_norm(self.query(x_bnd).unflatten(-1, (self.heads, -1)).transpose(1, 2)).to(v.dtype)
        return self.output(merge_heads(attend(q, k, v)))
