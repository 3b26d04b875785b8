"""The selective state space block, with paths of different speed."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import Dense, padded
from .scanning import diagonal_scan

EXPAND = 2
TAPS = 4


class SpatialBlock(nn.Module):
    """Selective scan (Gu and Dao, "Mamba", 2023, algorithm 2) over K paths.

    I = 2 D, N states, R = ceil(D / 16). As in the old block the gate comes before the scan:
    y = SiLU(conv(u)) * z. Path k scans with dt (1 + (k - K/2) / 10 K), and the paths are
    weighted with the Born probabilities |a_k|^2 / sum |a|^2. Rotations between the paths change
    no probability and are left out.

    Args:
        width: D.
        states: N.
        paths: K.
        causal: the convolution sees no later position.
    """

    speeds: Tensor

    def __init__(self, width: int, states: int, paths: int, *, causal: bool) -> None:
        super().__init__()
        inner, rank = EXPAND * width, math.ceil(width / 16)
        self.rank, self.states, self.causal = rank, states, causal
        self.in_proj = Dense(width, 2 * inner, bias=False)
        self.conv = nn.Conv1d(inner, inner, TAPS, groups=inner)
        self.x_proj = Dense(inner, rank + 2 * states, bias=False)
        self.dt_proj = Dense(rank, inner)
        self.A_log = nn.Parameter(torch.rand(inner, states))
        self.D = nn.Parameter(torch.zeros(inner))
        self.amplitudes_real = nn.Parameter(torch.full((paths,), paths**-0.5))
        self.amplitudes_imag = nn.Parameter(torch.zeros(paths))
        self.out_proj = Dense(inner, width, bias=False)
        speeds = 1 + 0.1 * (torch.arange(paths) - paths / 2) / paths
        self.register_buffer("speeds", speeds, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, D] to [B, L, D]."""
        u, z = self.in_proj(x).chunk(2, -1)
        u = self.conv(padded(u.transpose(1, 2), TAPS, causal=self.causal)).transpose(1, 2)
        y = functional.silu(u) * z
        low, into, out = self.x_proj(y).split((self.rank, self.states, self.states), -1)
        dt = functional.softplus(self.dt_proj(low))
        # Path k is K x I + i of the channels: its speed scales decay and drive.
        rates = self.speeds[:, None, None] * torch.exp(self.A_log)
        step, drive = (one.repeat(1, 1, len(self.speeds)) for one in (dt, dt * y))
        found = diagonal_scan(step, drive, into, out, rates.flatten(0, 1))
        born = self.amplitudes_real.square() + self.amplitudes_imag.square()
        shares = self.speeds * born / born.sum()
        mixed = torch.einsum("blki,k->bli", found.unflatten(-1, (len(shares), -1)), shares)
        return self.out_proj(mixed + self.D * y)
