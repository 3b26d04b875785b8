"""TernaryVAE 5.9.0: ranking on the Poincare ball, and feedback instead of two phases."""

from __future__ import annotations

from pydantic import Field

from . import v5_7_0, v5_8_0
from .base import Section


class Model(v5_8_0.Model):
    statenet_ranking_scale: float = Field(
        default=0.0, ge=0, description="largest relative change of the ranking weight; 0 for none"
    )


class ContinuousFeedback(Section):
    enabled: bool = Field(default=True, description="let coverage steer the ranking weight")
    base_ranking_weight: float = Field(
        default=0.5, ge=0, description="ranking weight at full signal"
    )
    coverage_threshold: float = Field(
        default=90.0, ge=0, le=100, description="coverage at which the weight is half, percent"
    )
    coverage_sensitivity: float = Field(
        default=0.1, ge=0, description="slope per percent of coverage"
    )
    coverage_trend_sensitivity: float = Field(
        default=2.0, ge=0, description="slope per percent of coverage gained"
    )
    min_ranking_weight: float = Field(default=0.0, ge=0, description="lowest ranking weight")
    max_ranking_weight: float = Field(default=1.0, ge=0, description="highest ranking weight")
    coverage_ema_alpha: float = Field(
        default=0.9, ge=0, le=1, description="smoothing of the coverage"
    )


class RankingHyperbolic(Section):
    base_margin: float = Field(default=0.05, ge=0, description="margin at equal valuation")
    margin_scale: float = Field(default=0.15, ge=0, description="margin per level of valuation")
    n_triplets: int = Field(default=500, ge=1, description="triplets per step")
    hard_negative_ratio: float = Field(
        default=0.5, ge=0, le=1, description="share of hard negatives"
    )
    curvature: float = Field(default=1.0, gt=0, description="curvature of the ball, positive")
    radial_weight: float = Field(default=0.1, ge=0, description="weight of the radial target")
    max_norm: float = Field(
        default=0.95, gt=0, lt=1, description="largest Euclidean norm on the ball"
    )


class PadicLosses(v5_8_0.PadicLosses):
    enable_ranking_loss_hyperbolic: bool = Field(
        default=False, description="rank by Poincare distance"
    )
    ranking_hyperbolic: RankingHyperbolic = Field(
        default_factory=RankingHyperbolic, description="ranking by Poincare distance"
    )


class Config(v5_7_0.Config):
    model: Model = Field(description="architecture and its controllers")  # type: ignore[assignment]
    padic_losses: PadicLosses = Field(
        default_factory=PadicLosses, description="losses of 3-adic structure"
    )
    continuous_feedback: ContinuousFeedback | None = Field(
        default=None, description="coverage steers the ranking weight; absent for a fixed weight"
    )
