"""TernaryVAE 5.10.0: prior, reconstruction and centroids on the Poincare ball."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from . import v5_8_0, v5_9_0, v5_9_2
from .base import Section


class Model(v5_9_0.Model):
    statenet_hyp_sigma_scale: float = Field(
        default=0.05, ge=0, description="largest change of the prior's sigma by StateNet"
    )
    statenet_hyp_curvature_scale: float = Field(
        default=0.02, ge=0, description="largest change of the prior's curvature by StateNet"
    )


class RankingHyperbolic(v5_9_0.RankingHyperbolic):
    weight: float = Field(default=0.5, ge=0, description="weight of the loss without feedback")


class HyperbolicPrior(Section):
    homeostatic: bool = Field(default=True, description="let sigma and curvature adapt")
    latent_dim: int = Field(default=16, ge=2, description="must equal model.latent_dim")
    curvature: float = Field(default=2.0, gt=0, description="curvature of the ball, positive")
    prior_sigma: float = Field(default=1.0, gt=0, description="spread in the tangent space")
    max_norm: float = Field(
        default=0.95, gt=0, lt=1, description="largest Euclidean norm on the ball"
    )
    sigma_min: float = Field(default=0.3, gt=0, description="lower bound of sigma")
    sigma_max: float = Field(default=2.0, gt=0, description="upper bound of sigma")
    curvature_min: float = Field(default=0.5, gt=0, description="lower bound of the curvature")
    curvature_max: float = Field(default=4.0, gt=0, description="upper bound of the curvature")
    adaptation_rate: float = Field(
        default=0.01, ge=0, description="share of the gap closed per epoch"
    )


class HyperbolicRecon(Section):
    homeostatic: bool = Field(default=True, description="let weight and power adapt")
    mode: Literal["geodesic", "weighted_ce", "hybrid"] = Field(
        default="weighted_ce", description="what is compared"
    )
    curvature: float = Field(default=2.0, gt=0, description="curvature of the ball, positive")
    max_norm: float = Field(
        default=0.95, gt=0, lt=1, description="largest Euclidean norm on the ball"
    )
    geodesic_weight: float = Field(default=0.3, ge=0, description="geodesic share in hybrid mode")
    radius_weighting: bool = Field(default=True, description="weigh operations by their radius")
    radius_power: float = Field(default=2.0, ge=0, description="emphasis on the origin")
    weight: float = Field(default=0.5, ge=0, description="weight in the total loss")
    geodesic_weight_min: float = Field(default=0.1, ge=0, description="lower bound of that share")
    geodesic_weight_max: float = Field(default=0.8, ge=0, description="upper bound of that share")
    radius_power_min: float = Field(default=1.0, ge=0, description="lower bound of the power")
    radius_power_max: float = Field(default=4.0, ge=0, description="upper bound of the power")
    adaptation_rate: float = Field(
        default=0.01, ge=0, description="share of the gap closed per epoch"
    )


class HyperbolicCentroid(Section):
    max_level: int = Field(
        default=4, ge=1, description="depth of the 3-adic tree, 3^level clusters"
    )
    curvature: float = Field(default=2.0, gt=0, description="curvature of the ball, positive")
    max_norm: float = Field(
        default=0.95, gt=0, lt=1, description="largest Euclidean norm on the ball"
    )
    weight: float = Field(default=0.2, ge=0, description="weight in the total loss")


class HyperbolicV10(Section):
    use_hyperbolic_prior: bool = Field(
        default=False, description="wrapped normal instead of normal"
    )
    prior: HyperbolicPrior = Field(default_factory=HyperbolicPrior, description="the prior")
    use_hyperbolic_recon: bool = Field(default=False, description="weigh reconstruction by radius")
    recon: HyperbolicRecon = Field(
        default_factory=HyperbolicRecon, description="the reconstruction loss"
    )
    use_centroid_loss: bool = Field(
        default=False, description="pull prefixes to their Frechet mean"
    )
    centroid: HyperbolicCentroid = Field(
        default_factory=HyperbolicCentroid, description="the centroid loss"
    )


class PadicLosses(Section):
    metric_loss_weight: float = Field(default=0.1, ge=0, description="weight of the metric loss")
    enable_metric_loss: bool = Field(default=False, description="match latent to 3-adic distances")
    ranking_loss_weight: float = Field(default=0.5, ge=0, description="weight of the ranking loss")
    ranking_margin: float = Field(default=0.1, ge=0, description="margin of a triplet")
    ranking_n_triplets: int = Field(default=500, ge=1, description="triplets per step")
    enable_ranking_loss: bool = Field(
        default=False, description="order triplets by 3-adic distance"
    )
    enable_ranking_loss_v2: bool = Field(default=False, description="rank with hard negatives")
    ranking_v2: v5_8_0.RankingV2 = Field(
        default_factory=v5_8_0.RankingV2, description="ranking with hard negatives"
    )
    enable_ranking_loss_hyperbolic: bool = Field(
        default=False, description="rank by Poincare distance"
    )
    ranking_hyperbolic: RankingHyperbolic = Field(
        default_factory=RankingHyperbolic, description="ranking by Poincare distance"
    )
    norm_loss_weight: float = Field(default=0.05, ge=0, description="weight of the norm loss")
    enable_norm_loss: bool = Field(default=False, description="order latent norms by valuation")
    hyperbolic_v10: HyperbolicV10 = Field(
        default_factory=HyperbolicV10, description="losses on the Poincare ball"
    )


class Config(v5_9_2.Config):
    config_version: str | None = Field(default=None, description="version that the file states")
    model: Model = Field(description="architecture and its controllers")  # type: ignore[assignment]
    padic_losses: PadicLosses = Field(  # type: ignore[assignment]
        default_factory=PadicLosses, description="losses of 3-adic structure"
    )
    log_dir: str | None = Field(default=None, description="folder of text logs; null for none")
