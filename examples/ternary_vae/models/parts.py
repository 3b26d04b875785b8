"""Encoders and decoders. Shapes: B operations, 9 trits in, D latent dimensions, [B, 9, 3] out."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ..operations import TRITS
from .layers import stack

Kind = Literal["frozen", "improved"]
"""ReLU, as every run before 5.12.4 has it; or LayerNorm, SiLU and dropout."""

WIDTHS = (TRITS, 256, 128, 64)
LOGITS = 3 * TRITS


def as_logits(out: Tensor) -> Tensor:
    """[B, 27] as [B, 9, 3]: trit by class."""
    return out.view(-1, TRITS, 3)


class Encoder(nn.Module):
    """Trits to mean and logarithm of the variance of a Gaussian.

    Args:
        latent: D.
        kind: `improved` adds LayerNorm, SiLU and dropout, and clamps the logvar.
        dropout: of the improved kind.
        logvar_range: clamp of the improved kind.
    """

    def __init__(
        self,
        latent: int = 16,
        kind: Kind = "frozen",
        dropout: float = 0.1,
        logvar_range: tuple[float, float] = (-10.0, 2.0),
    ) -> None:
        super().__init__()
        if kind == "improved":
            first = stack(WIDTHS[:-1], nn.SiLU, norm=True, dropout=dropout)
            layers = [*first, *stack(WIDTHS[-2:], nn.SiLU, norm=True)]
        else:
            layers = stack(WIDTHS)
        self.encoder = nn.Sequential(*layers)
        self.fc_mu = nn.Linear(WIDTHS[-1], latent)
        self.fc_logvar = nn.Linear(WIDTHS[-1], latent)
        self.logvar_range = logvar_range if kind == "improved" else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logvar [B, D] of trits [B, 9]."""
        hidden = self.encoder(x)
        mu, logvar = self.fc_mu(hidden), self.fc_logvar(hidden)
        if self.logvar_range is not None:
            logvar = logvar.clamp(*self.logvar_range)
        return mu, logvar


class DecoderA(nn.Module):
    """Latents to logits through 32 and 64 units."""

    def __init__(self, latent: int = 16, kind: Kind = "frozen", dropout: float = 0.1) -> None:
        super().__init__()
        if kind == "improved":
            layers = stack((latent, 32, 64), nn.SiLU, norm=True, dropout=dropout)
        else:
            layers = stack((latent, 32, 64))
        self.decoder = nn.Sequential(*layers, nn.Linear(64, LOGITS))

    def forward(self, z: Tensor) -> Tensor:
        """Logits [B, 9, 3] of latents [B, D]."""
        return as_logits(self.decoder(z))


class Residual(nn.Module):
    """Two dense layers beside an identity (He et al. 2016, figure 2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.block = nn.Sequential(*stack((width, width)), nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """[B, width] to [B, width]."""
        return x + self.block(x)


class DecoderB(nn.Module):
    """Latents to logits through two residual blocks; 5.5 to 5.10 only."""

    def __init__(self, latent: int = 16, width: int = 128) -> None:
        super().__init__()
        self.fc_in = nn.Linear(latent, width)
        self.residual1 = Residual(width)
        self.residual2 = Residual(width)
        self.fc_out = nn.Linear(width, LOGITS)

    def forward(self, z: Tensor) -> Tensor:
        """Logits [B, 9, 3] of latents [B, D]."""
        hidden = self.residual1(torch.relu(self.fc_in(z)))
        # No ReLU after the second block: with one, old weights reconstruct a third.
        return as_logits(self.fc_out(self.residual2(torch.relu(hidden))))


def draw(
    mu: Tensor,
    logvar: Tensor,
    *,
    sample: bool,
    temperature: float | Tensor = 1.0,
    generator: torch.Generator | None = None,
    noise: Tensor | None = None,
) -> Tensor:
    """Mu + temperature sigma eps with eps ~ N(0, 1) (Kingma and Welling 2014), or mu itself.

    eps is `noise` [B, D] where it is given.
    """
    if not sample:
        return mu
    eps = torch.empty_like(mu).normal_(generator=generator) if noise is None else noise
    return mu + temperature * torch.exp(0.5 * logvar) * eps
