"""Layers that all blocks share. Shapes: B sequences, L positions, D model width."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

NORM_EPSILON = 1e-6
HELD = 2**24
"""Numbers that `in_parts` should hold at a time: 64 MiB of them."""


class Dense(nn.Module):
    """x W + b with W [into, out]: the orientation of the old checkpoints, in the whole model."""

    def __init__(self, into: int, out: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(into, out))
        nn.init.xavier_uniform_(self.weight)
        self.bias = nn.Parameter(torch.zeros(out)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """[..., into] to [..., out]."""
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


class QuantumNorm(nn.Module):
    """Vectors [..., D] of length 1, scaled and shifted: x / sqrt(|x|^2 + 1e-6) * scale + bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """[..., D] to [..., D]."""
        length = (x.square().sum(-1, keepdim=True) + NORM_EPSILON).sqrt()
        return x / length * self.scale + self.bias


def padded(x: Tensor, taps: int, *, causal: bool) -> Tensor:
    """[B, C, L] with `taps - 1` zeros: all before it, or as many after it as "same" puts."""
    after = 0 if causal else taps // 2
    return functional.pad(x, (taps - 1 - after, after))


def in_parts(work: Callable[..., Tensor], rows: int, *given: Tensor) -> list[Tensor]:
    """What work makes of tensors [n, ...], of `rows` rows at a time, at least one.

    If that takes several parts, the backward pass makes each again, so that what lies between
    given and made is never held for more than one of them.
    """
    if len(given[0]) <= rows:
        return [work(*given)]
    parts = zip(*(one.split(max(rows, 1)) for one in given), strict=True)
    return [
        checkpoint(work, *part, use_reentrant=False, preserve_rng_state=False) for part in parts
    ]
