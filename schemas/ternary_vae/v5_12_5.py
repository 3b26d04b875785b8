"""TernaryVAE 5.12.5, the head: gradient checkpointing, adaptive losses and learning rates.

What the trainers of 5.12.4 kept for bookkeeping (`version`, `memory`, the grokking
branch) is gone; everything that a trainer reads has one place. Radii and their targets
are hyperbolic distances to the origin, unless `loss.radius_metric` says otherwise:
on a ball of curvature 1 the Euclidean norm r is at the distance 2 artanh(r).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from . import v5_5_2, v5_11_0, v5_11_11, v5_12_0, v5_12_2, v5_12_4, v5_12_4_1
from .base import Section


class Device(Section):
    name: str | None = Field(default=None, description="a label; nothing reads it")
    cuda_device: int = Field(default=0, ge=0, description="index of the GPU")
    use_amp: bool = Field(default=False, description="never read: mixed_precision.enabled is")
    pin_memory: bool = Field(default=False, description="page-locked host memory")
    num_workers: int = Field(default=0, ge=0, description="loader processes")
    empty_cache_freq: int | None = Field(
        default=None, ge=1, description="batches between emptying the CUDA cache; null for never"
    )
    cudnn_benchmark: bool = Field(
        default=False, description="let cuDNN choose algorithms by timing"
    )
    cudnn_deterministic: bool = Field(
        default=False, description="restrict cuDNN to repeatable ones"
    )


class GradientCheckpoint(Section):
    enabled: bool = Field(
        default=False, description="recompute activations instead of keeping them"
    )
    preserve_rng_state: bool = Field(default=True, description="repeat dropout exactly")
    segments: int = Field(default=2, ge=1, description="pieces that a module is cut into")
    use_reentrant: bool = Field(default=True, description="torch's older implementation")
    encoder_checkpoint: bool = Field(default=True, description="recompute the encoders")
    decoder_checkpoint: bool = Field(default=True, description="recompute the decoder")
    projection_checkpoint: bool = Field(default=False, description="recompute the projections")
    controller_checkpoint: bool = Field(default=False, description="recompute the controller")


class AdaptiveLoss(Section):
    enabled: bool = Field(
        default=False, description="let the weights of rich_hierarchy follow the run"
    )
    enable_curriculum: bool = Field(default=False, description="coverage first, then hierarchy")
    enable_difficulty_adaptive: bool = Field(default=False, description="weigh hard levels more")
    enable_performance_rebalancing: bool = Field(
        default=False, description="weigh what lags behind"
    )
    curriculum_warmup_epochs: int = Field(default=5, ge=0, description="epochs of coverage first")
    curriculum_transition_epochs: int = Field(
        default=10, ge=0, description="epochs of the change-over"
    )
    coverage_priority_early: float = Field(
        default=2.0, ge=0, description="factor on coverage, early"
    )
    hierarchy_priority_late: float = Field(
        default=1.5, ge=0, description="factor on hierarchy, late"
    )
    difficulty_adaptation_rate: float = Field(
        default=0.1, ge=0, description="share of the gap per step"
    )
    difficulty_smoothing: float = Field(
        default=0.9, ge=0, le=1, description="smoothing of difficulty"
    )
    rebalancing_interval: int = Field(default=5, ge=1, description="epochs between rebalancings")
    rebalancing_sensitivity: float = Field(default=0.2, ge=0, description="change per unit of lag")
    target_hierarchy_correlation: float = Field(
        default=0.83, ge=0, le=1, description="size of the hierarchy that is enough"
    )
    target_richness_ratio: float = Field(
        default=0.5, ge=0, description="richness ratio that is enough"
    )


class Loss(Section):
    radius_metric: Literal["hyperbolic", "euclidean"] = Field(
        default="hyperbolic", description="unit of every radius here and in targets"
    )
    adaptive_loss: AdaptiveLoss = Field(
        default_factory=AdaptiveLoss, description="weights of rich_hierarchy over the run"
    )
    rich_hierarchy: v5_12_0.RichHierarchy = Field(description="hierarchy, coverage and richness")
    radial: v5_12_2.Radial = Field(description="radius by valuation")
    geodesic: v5_12_4_1.Geodesic = Field(
        default_factory=v5_12_4_1.Geodesic, description="geodesic distances"
    )
    rank: v5_11_11.Rank = Field(default_factory=v5_11_11.Rank, description="global order of radii")
    zero_structure: v5_11_11.ZeroStructure = Field(
        default_factory=v5_11_11.ZeroStructure, description="radius by zeros"
    )


class AdaptiveLr(Section):
    enabled: bool = Field(default=False, description="lower the rate when metrics stall")
    primary_metric: str = Field(
        default="hierarchy_correlation", description="metric that is watched"
    )
    mode: Literal["min", "max"] = Field(default="max", description="which way it improves")
    patience: int = Field(default=5, ge=0, description="epochs without a gain before a cut")
    factor: float = Field(default=0.5, gt=0, lt=1, description="factor of a cut")
    min_lr: float = Field(default=0.000001, ge=0, description="lowest learning rate")
    threshold: float = Field(default=0.001, ge=0, description="smallest gain that counts")
    threshold_mode: Literal["rel", "abs"] = Field(
        default="rel", description="gain as share, or absolute"
    )
    cooldown: int = Field(default=0, ge=0, description="epochs of rest after a cut")
    warmup_epochs: int = Field(default=0, ge=0, description="epochs before it watches")
    verbose: bool = Field(default=False, description="say each change")
    secondary_metrics: list[str] = Field(
        default_factory=list, description="further metrics that count"
    )
    metric_weights: dict[str, float] = Field(
        default_factory=dict, description="weight of each metric; empty for the primary alone"
    )
    adaptive_patience: bool = Field(default=False, description="be more patient after each cut")
    recovery_detection: bool = Field(default=False, description="raise the rate after a recovery")
    early_stopping: bool = Field(default=False, description="end the run when cuts do not help")
    early_stopping_patience: int = Field(default=15, ge=1, description="epochs before that end")
    recovery_factor: float = Field(default=1.2, gt=1, description="factor of a raise")
    recovery_threshold: float = Field(default=0.02, ge=0, description="gain that is a recovery")


class Scheduled(Section):
    adaptive_lr: AdaptiveLr | None = Field(
        default=None, description="cuts and raises by measured metrics; null for none"
    )


class CosineWarmupRestart(Scheduled):
    type: Literal["cosine_warmup_restart"] = Field(description="cosine with warm restarts")
    T_0: int = Field(default=20, ge=1, description="epochs until the first restart")
    T_mult: float = Field(default=2, ge=1, description="factor on the epochs until the next one")
    eta_min: float = Field(default=0.0, ge=0, description="lowest learning rate")
    warmup_epochs: int = Field(default=0, ge=0, description="epochs of linear warm-up")


class CosineAnnealing(Scheduled):
    type: Literal["cosine_annealing"] = Field(description="one cosine")
    T_max: int | None = Field(
        default=None, ge=1, description="epochs to the lowest rate; null for all"
    )
    eta_min: float = Field(default=0.0, ge=0, description="lowest learning rate")


class MultiPhaseCosine(Scheduled):
    type: Literal["multi_phase_cosine"] = Field(description="phases of their own")
    phases: list[v5_12_4.Phase] = Field(min_length=1, description="one after the other")


Scheduler = Annotated[
    CosineWarmupRestart | CosineAnnealing | MultiPhaseCosine, Field(discriminator="type")
]


class Training(v5_12_0.Training):
    scheduler: Scheduler = Field(  # type: ignore[assignment]
        default=CosineWarmupRestart(type="cosine_warmup_restart"),
        description="learning rate schedule",
    )
    manifold_type: Literal["valuation_optimal", "frequency_optimal"] = Field(
        default="valuation_optimal", description="what a small radius stands for"
    )


class Config(Section):
    device: Device = Field(default_factory=Device, description="where it runs")
    torch_compile: v5_5_2.TorchCompile = Field(
        default_factory=v5_5_2.TorchCompile, description="ahead-of-time compilation"
    )
    gradient_checkpoint: GradientCheckpoint = Field(
        default_factory=GradientCheckpoint, description="memory for time"
    )
    mixed_precision: v5_12_4_1.MixedPrecision = Field(
        default_factory=v5_12_4_1.MixedPrecision, description="half precision"
    )
    model: v5_12_4.Model = Field(description="architecture")
    option_c: v5_11_11.OptionC = Field(
        default_factory=v5_11_11.OptionC, description="training of the encoders"
    )
    frozen_checkpoint: v5_12_4_1.FrozenCheckpoint | None = Field(
        default=None,
        description="weights to start from; without them nothing is ever reconstructed",
    )
    homeostasis: v5_12_4_1.Homeostasis = Field(description="freezing by measured coverage")
    loss: Loss = Field(description="losses")
    riemannian: v5_11_11.Riemannian = Field(
        default_factory=v5_11_11.Riemannian, description="optimiser"
    )
    training: Training = Field(description="the run")
    data: v5_11_0.Data = Field(default_factory=v5_11_0.Data, description="the operations to learn")
    logging: v5_11_0.Logging = Field(
        default_factory=v5_11_0.Logging, description="what is logged where"
    )
    checkpoints: v5_12_0.Checkpoints = Field(description="what is saved where")
    targets: v5_12_4_1.Targets = Field(
        default_factory=v5_12_4_1.Targets, description="what counts as success"
    )
