"""Linear attention over keys and values that share a latent, and the wavelet mixer around it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import Dense, padded

HIGH_TAPS = 3
LEAST = 1e-6
CHUNK = 64
"""Positions that read each other pair by pair."""


def linear_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """q_t S_t / (q_t n_t), S_t the sum of k_s v_s^T and n_t that of k_s over s up to t.

    Katharopoulos et al., ICML 2020, equations 9 and 12. What lies before a position's chunk is
    read from running sums over chunks, the rest from products within it, so that the cost and
    what is held grow with the length and not with its square.

    Args:
        q, k: features [B, H, L, F], none negative.
        v: [B, H, L, size].

    Returns:
        [B, H, L, size].
    """
    length = q.shape[2]
    # A column of ones makes the sum of the weights a value like the others.
    v = functional.pad(v, (0, 1), value=1.0)
    q, k, v = (_chunked(one, min(CHUNK, length)) for one in (q, k, v))
    sums = (k.transpose(-1, -2) @ v).cumsum(2)
    before = functional.pad(sums[:, :, :-1], (0, 0, 0, 0, 1, 0))
    found = (q @ before + (q @ k.transpose(-1, -2)).tril() @ v).flatten(2, 3)[:, :, :length]
    return found[..., :-1] / found[..., -1:].clamp_min(LEAST)


def _chunked(x: Tensor, size: int) -> Tensor:
    """[B, H, L, F] as [B, H, chunks, size, F]; zeros after the end, which no position reads."""
    return functional.pad(x, (0, 0, 0, -x.shape[2] % size)).unflatten(2, (-1, size))


class LatentAttention(nn.Module):
    """Causal linear attention (Katharopoulos et al., ICML 2020, equations 7 and 9).

    Feature map elu + 1; heads share keys and values in groups (Ainslie et al., 2023), which pass
    through one latent: k = expand(compress(x W_k)), and v alike. Out: LN(x + W_o y).

    Args:
        width: D.
        heads: query heads; divide D.
        kv_heads: key and value heads; divide `heads`.
        latent: width of the shared latent.

    Raises:
        ValueError: one of them does not divide the other.
    """

    def __init__(self, width: int, heads: int, kv_heads: int, latent: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"hidden_dim {width} is no multiple of {heads} heads")
        if heads % kv_heads:
            raise ValueError(f"{heads} heads are no multiple of {kv_heads} key and value heads")
        self.size, self.groups = width // heads, heads // kv_heads
        shared = kv_heads * self.size
        self.q_proj = Dense(width, width)
        self.k_proj = Dense(width, shared)
        self.v_proj = Dense(width, shared)
        self.kv_compress = Dense(shared, latent, bias=False)
        self.kv_expand = Dense(latent, shared, bias=False)
        self.out_proj = Dense(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, D] to [B, L, D]; position t reads the positions up to t."""
        q = functional.elu(self._heads(self.q_proj(x))) + 1
        k = functional.elu(self._shared(self.k_proj(x))) + 1
        v = self._shared(self.v_proj(x))
        mixed = linear_attention(q, k, v)
        return self.norm(x + self.out_proj(mixed.transpose(1, 2).flatten(2)))

    def _heads(self, x: Tensor) -> Tensor:
        """[B, L, H size] as [B, H, L, size]."""
        return x.unflatten(-1, (-1, self.size)).transpose(1, 2)

    def _shared(self, x: Tensor) -> Tensor:
        """Through the latent, and once for every query head of a group."""
        heads = self._heads(self.kv_expand(self.kv_compress(x)))
        return heads.repeat_interleave(self.groups, 1)


class WaveletBlock(nn.Module):
    """One level of a learnt wavelet transform, with attention on its low band.

    Analysis filters h, g and every second place of their outputs; attention on the low band, a
    depthwise convolution on the high one; low += softmax(low high^T / sqrt(D)) high; each place
    twice, synthesis filters, their sum; LN(x + sum).

    Args:
        width: D.
        taps: of analysis and synthesis.
        attention: mixes the low band.
        causal: no filter sees a later position, and the low band reads no later high one. Place
            j of a band then knows positions up to 2 j, and is read at 2 j and 2 j + 1.
    """

    def __init__(self, width: int, taps: int, attention: LatentAttention, *, causal: bool) -> None:
        super().__init__()
        self.taps, self.causal = taps, causal
        self.analysis = nn.Conv1d(width, 2 * width, taps, bias=False)
        self.low = attention
        self.high = nn.Conv1d(width, width, HIGH_TAPS, groups=width)
        self.synthesis = nn.Conv1d(2 * width, width, taps, bias=False)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, D] to [B, L, D]."""
        length = x.shape[1]
        bands = self.analysis(padded(x.transpose(1, 2), self.taps, causal=self.causal))
        low, high = bands[..., ::2].chunk(2, 1)
        high = self.high(padded(high, HIGH_TAPS, causal=self.causal)).transpose(1, 2)
        low = self.low(low.transpose(1, 2))
        # With a dimension of heads torch holds no scores of all pairs.
        one, other = low.unsqueeze(1), high.unsqueeze(1)
        read = functional.scaled_dot_product_attention(one, other, other, is_causal=self.causal)
        low = low + read.squeeze(1)
        both = torch.cat((low, high), -1).repeat_interleave(2, 1)[:, :length]
        rebuilt = self.synthesis(padded(both.transpose(1, 2), self.taps, causal=self.causal))
        return self.norm(x + rebuilt.transpose(1, 2))
