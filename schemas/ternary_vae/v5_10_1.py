"""TernaryVAE 5.10.1: radial strata first, ranking later; log_interval counts batches."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from . import v5_10_0 as before
from .base import Section


class Model(before.Model):
    statenet_version: int = Field(default=4, ge=1, le=5, description="5 also steers the curriculum")
    statenet_curriculum_scale: float = Field(
        default=0.1, ge=0, description="largest step of the curriculum by StateNet"
    )


class RadialStratification(Section):
    enabled: bool = Field(default=True, description="pull each valuation to its radius")
    inner_radius: float = Field(
        default=0.1, ge=0, lt=1, description="radius of valuation 9, Euclidean norm"
    )
    outer_radius: float = Field(
        default=0.85, gt=0, lt=1, description="radius of valuation 0, Euclidean norm"
    )
    max_valuation: int = Field(default=9, ge=1, description="deepest level")
    valuation_weighting: bool = Field(default=True, description="weigh rare, deep levels more")
    loss_type: Literal["smooth_l1", "mse"] = Field(
        default="smooth_l1", description="form of the loss"
    )
    base_weight: float = Field(ge=0, description="weight in the total loss")


class Curriculum(Section):
    enabled: bool = Field(default=True, description="blend radial into ranking loss by tau")
    initial_tau: float = Field(default=0.0, ge=0, le=1, description="tau at the start; 0 is radial")
    tau_min: float = Field(default=0.0, ge=0, le=1, description="lower bound of tau")
    tau_max: float = Field(default=1.0, ge=0, le=1, description="upper bound of tau; 1 is ranking")
    tau_scale: float = Field(default=0.1, ge=0, description="step of tau per StateNet output")
    tau_momentum: float = Field(default=0.95, ge=0, le=1, description="smoothing of tau")


class RankingLoss(Section):
    margin: float = Field(default=0.1, ge=0, description="never read: ranking_margin is")
    n_triplets: int = Field(default=500, ge=1, description="never read: ranking_n_triplets is")
    weight: float = Field(default=0.5, ge=0, description="never read: ranking_loss_weight is")


class HyperbolicPrior(before.HyperbolicPrior):
    kl_target: float = Field(default=50.0, ge=0, description="KL that sigma is steered to, nats")
    target_radius: float = Field(default=0.5, ge=0, lt=1, description="mean radius steered to")
    ema_alpha: float = Field(default=0.05, ge=0, le=1, description="smoothing of what is steered")


class HyperbolicV10(before.HyperbolicV10):
    prior: HyperbolicPrior = Field(default_factory=HyperbolicPrior, description="the prior")


class PadicLosses(Section):
    metric_loss_weight: float = Field(default=0.1, ge=0, description="weight of the metric loss")
    enable_metric_loss: bool = Field(default=False, description="match latent to 3-adic distances")
    enable_ranking_loss_hyperbolic: bool = Field(
        default=False, description="rank by Poincare distance"
    )
    ranking_hyperbolic: before.RankingHyperbolic = Field(
        default_factory=before.RankingHyperbolic, description="ranking by Poincare distance"
    )
    norm_loss_weight: float = Field(default=0.05, ge=0, description="weight of the norm loss")
    enable_norm_loss: bool = Field(default=False, description="order latent norms by valuation")
    enable_ranking_loss: bool = Field(
        default=False, description="order triplets by 3-adic distance"
    )
    ranking_loss: RankingLoss = Field(
        default_factory=RankingLoss, description="never read; the flat keys below are"
    )
    ranking_loss_weight: float = Field(default=0.5, ge=0, description="weight of the ranking loss")
    ranking_margin: float = Field(default=0.1, ge=0, description="margin of a triplet")
    ranking_n_triplets: int = Field(default=500, ge=1, description="triplets per step")
    hyperbolic_v10: HyperbolicV10 = Field(
        default_factory=HyperbolicV10, description="losses on the Poincare ball"
    )


class CorrelationFeedback(Section):
    enabled: bool = Field(default=True, description="react to a falling correlation")
    correlation_loss_weight: float = Field(default=0.1, ge=0, description="weight while it falls")
    target_correlation: float = Field(default=0.95, ge=-1, le=1, description="wanted correlation")
    correlation_drop_threshold: float = Field(default=0.05, ge=0, description="drop that counts")
    correlation_patience: int = Field(default=10, ge=1, description="epochs before reacting")


class ExplorationBoost(Section):
    enabled: bool = Field(default=True, description="explore more when coverage stalls")
    coverage_stall_threshold: float = Field(
        default=0.5, ge=0, description="gain of coverage that is no stall, percent"
    )
    coverage_stall_patience: int = Field(default=5, ge=1, description="evaluations without a gain")
    temp_boost_factor: float = Field(default=1.15, gt=0, description="temperature factor per stall")
    temp_boost_max: float = Field(default=2.0, gt=0, description="largest temperature factor")
    ranking_reduction_factor: float = Field(default=0.9, gt=0, le=1, description="factor per stall")
    ranking_reduction_min: float = Field(default=0.05, ge=0, description="lowest ranking factor")


class CorrelationLoss(Section):
    enabled: bool = Field(default=True, description="optimise the correlation itself")
    weight: float = Field(default=3.0, ge=0, description="weight in the total loss")
    warmup_epochs: int = Field(default=0, ge=0, description="epochs before it starts")
    use_cached: bool = Field(default=True, description="reuse the last evaluation's value")


class Config(before.Config):
    model: Model = Field(description="architecture and its controllers")
    radial_stratification: RadialStratification | None = Field(
        default=None, description="radius by valuation; absent for none"
    )
    curriculum: Curriculum | None = Field(
        default=None, description="from radial to ranking loss; absent for none"
    )
    gpu_resident: bool = Field(default=False, description="keep the whole data set on the GPU")
    correlation_feedback: CorrelationFeedback | None = Field(
        default=None, description="reaction to a falling correlation; absent for none"
    )
    exploration_boost: ExplorationBoost | None = Field(
        default=None, description="reaction to stalled coverage; absent for none"
    )
    correlation_loss: CorrelationLoss | None = Field(
        default=None, description="loss on the correlation; absent for none"
    )
    padic_losses: PadicLosses = Field(  # type: ignore[assignment]
        default_factory=PadicLosses, description="losses of 3-adic structure"
    )
    log_interval: int | None = Field(  # type: ignore[assignment]
        default=None, ge=1, description="batches between log lines; null for once per epoch"
    )
    histogram_interval: int = Field(
        default=0, ge=0, description="epochs between histograms; 0 for none"
    )
    embedding_interval: int = Field(
        default=0, ge=0, description="epochs between embedding exports; 0 for none"
    )
    embedding_n_samples: int = Field(default=0, ge=0, description="operations per embedding export")
