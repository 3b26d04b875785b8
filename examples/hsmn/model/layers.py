"""Layers that all blocks share. Shapes: B sequences, L positions, D model width."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

NORM_EPSILON = 1e-6


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


def scan(decay: Tensor, drive: Tensor) -> Tensor:
    """h_t = decay_t h_(t-1) + drive_t along dimension 1, h_(-1) = 0; all [B, L, ...].

    By doubling (Hillis and Steele, "Data parallel algorithms", 1986): log2 L steps over whole
    tensors, and no division, so that a decay of nearly 0 loses nothing.
    """
    reach = 1
    while reach < drive.shape[1]:
        carried = decay[:, reach:] * drive[:, :-reach]
        drive = torch.cat((drive[:, :reach], drive[:, reach:] + carried), 1)
        decay = torch.cat((decay[:, :reach], decay[:, reach:] * decay[:, :-reach]), 1)
        reach *= 2
    return drive
