"""TernaryVAE 5.7.0: StateNet sees the ranking correlation and steers its weight."""

from __future__ import annotations

from pydantic import Field

from . import v5_5_0, v5_5_2, v5_6_0


class Model(v5_5_0.Model):
    statenet_ranking_scale: float = Field(
        default=0.0, ge=0, description="largest relative change of the ranking weight; 0 for none"
    )
    base_ranking_weight: float | None = Field(
        default=None,
        ge=0,
        description="ranking weight before correction; null for padic_losses' own",
    )


class Config(v5_5_2.Config):
    model: Model = Field(description="architecture and its controllers")
    padic_losses: v5_6_0.PadicLosses = Field(
        default_factory=v5_6_0.PadicLosses, description="losses of 3-adic structure"
    )
    target_ranking_correlation: float | None = Field(
        default=None, ge=-1, le=1, description="wanted correlation of latent and 3-adic order"
    )
