"""From Euclidean latents to points of the Poincare ball: a direction and a radius each."""

# ruff: noqa: N803  A and B are the two VAEs, everywhere in this family
from __future__ import annotations

import torch
from torch import Tensor, nn

from ..geometry import inverse_softplus
from .layers import stack


class Manifold(nn.Module):
    """The ball's curvature as a tensor: c = softplus(isp_c), as geoopt keeps it."""

    def __init__(self, curvature: float = 1.0, *, learnable: bool = False) -> None:
        super().__init__()
        start = torch.tensor(inverse_softplus(curvature))
        self.isp_c = nn.Parameter(start, requires_grad=learnable)

    @property
    def c(self) -> Tensor:
        """The curvature, 0-d and differentiable."""
        return nn.functional.softplus(self.isp_c)


class HyperbolicProjection(nn.Module):
    """z -> direction(z) radius(z), with |direction| = 1 and 0 < radius < max_radius.

    Args:
        latent: D.
        hidden: width of the direction's hidden layers; the radius has half of it, at least 32.
        layers: hidden layers of either net.
        dropout: after each hidden layer; 0 leaves the layer out, which renumbers the others.
        max_radius: largest Euclidean norm.
        manifold: holds the curvature; None as in the first code of 5.11.
        radius_hidden: width of the radius's hidden layers, where it is another.
    """

    def __init__(
        self,
        latent: int = 16,
        hidden: int = 64,
        layers: int = 1,
        dropout: float = 0.0,
        max_radius: float = 0.95,
        manifold: Manifold | None = None,
        radius_hidden: int | None = None,
    ) -> None:
        super().__init__()
        if manifold is not None:
            self.manifold = manifold
        narrow = radius_hidden or max(32, hidden // 2)
        drop = dropout if dropout > 0 else None
        across = stack((latent, *(hidden,) * layers), nn.SiLU, norm=True, dropout=drop)
        along = stack((latent, *(narrow,) * layers), nn.SiLU, dropout=drop)
        turn, stretch = nn.Linear(hidden, latent), nn.Linear(narrow, 1)
        # It starts by leaving directions as they are, at half of the largest radius.
        nn.init.zeros_(turn.weight)
        nn.init.zeros_(turn.bias)
        nn.init.zeros_(stretch.bias)
        self.direction_net = nn.Sequential(*across, turn)
        self.radius_net = nn.Sequential(*along, stretch, nn.Sigmoid())
        self.max_radius = max_radius

    def forward(self, z: Tensor) -> Tensor:
        """Points [B, D] on the ball for latents [B, D]."""
        direction = nn.functional.normalize(z + self.direction_net(z), dim=-1)
        return direction * self.radius_net(z) * self.max_radius


class DualProjection(nn.Module):
    """A projection each for A and B."""

    def __init__(self, proj_A: HyperbolicProjection, proj_B: HyperbolicProjection) -> None:
        super().__init__()
        self.proj_A = proj_A
        self.proj_B = proj_B

    def forward(self, z_A: Tensor, z_B: Tensor) -> tuple[Tensor, Tensor]:
        """Points of A and of B, [B, D] each."""
        return self.proj_A(z_A), self.proj_B(z_B)


class SharedProjection(HyperbolicProjection):
    """One projection for both latents."""

    def forward(self, z_A: Tensor, z_B: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Points of A and of B, [B, D] each."""
        return super().forward(z_A), super().forward(z_B)
