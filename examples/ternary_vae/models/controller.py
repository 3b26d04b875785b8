"""The differentiable controller of 5.11 on: loss weights out of the state of a batch."""

# ruff: noqa: N815  A and B are the two VAEs, everywhere in this family
from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .layers import stack

INPUTS = ("radius_A", "radius_B", "H_A", "H_B", "KL_A", "KL_B", "unused", "unused")
WITHOUT = (0.0, 1.0, 0.5, 1.0, 1.0, 0.5)
"""What a model without a controller answers."""


class Control(NamedTuple):
    """Each a 0-d tensor: rho 0..0.5, weights and betas above 0, tau 0..1."""

    rho: Tensor
    weight_geodesic: Tensor
    weight_radial: Tensor
    beta_A: Tensor
    beta_B: Tensor
    tau: Tensor

    @classmethod
    def constant(cls, like: Tensor) -> Control:
        """The values of a model without a controller, on the device of `like`."""
        return cls(*(like.new_tensor(value) for value in WITHOUT))


class Controller(nn.Module):
    """Eight numbers in, six out."""

    def __init__(self, inputs: int = 8, hidden: int = 32, outputs: int = 6) -> None:
        super().__init__()
        last = nn.Linear(hidden, outputs)
        nn.init.zeros_(last.bias)
        with torch.no_grad():
            last.weight.mul_(0.01)
        first = stack((inputs, hidden), nn.SiLU, norm=True)
        self.net = nn.Sequential(*first, *stack((hidden, hidden), nn.SiLU), last)

    def forward(self, state: Tensor) -> Control:
        """The control for a state [8], in the order of `INPUTS`."""
        rho, geodesic, radial, beta_a, beta_b, tau = self.net(state).unbind(-1)
        return Control(
            0.5 * torch.sigmoid(rho),
            nn.functional.softplus(geodesic) + 0.1,
            nn.functional.softplus(radial),
            nn.functional.softplus(beta_a) + 0.5,
            nn.functional.softplus(beta_b) + 0.5,
            torch.sigmoid(tau),
        )


def histogram_entropy(z: Tensor, bins: int = 50, reach: float = 3.0) -> Tensor:
    """Mean over dimensions of the entropy, in nats, of latents [B, D] in bins on [-3, 3].

    The plug-in estimate -sum p ln p; latents beyond the range are left out. It has no gradient.
    """
    with torch.no_grad():
        inside = (z.abs() <= reach).float()
        place = ((z + reach) * (bins / (2 * reach))).long().clamp(0, bins - 1)
        counts = z.new_zeros(bins, z.shape[1]).scatter_add_(0, place, inside.to(z.dtype))
        shares = counts / counts.sum(0).clamp_min(1)
        return torch.special.entr(shares).sum(0).mean()
