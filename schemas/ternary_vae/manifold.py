"""Dialect: manifold types, a flat file whose radius stands for valuation or for frequency."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from . import v5_5_2, v5_12_4_1
from .base import Section


class Model(Section):
    model_type: str = Field(min_length=1, description="architecture class")
    latent_dim: int = Field(default=16, ge=2, description="latent dimensions")
    hidden_dim: int = Field(default=64, ge=1, description="width of the projection")
    max_radius: float = Field(
        default=0.95, gt=0, lt=1, description="largest Euclidean norm on the ball"
    )
    curvature: float = Field(default=1.0, gt=0, description="curvature of the ball, positive")
    use_controller: bool = Field(default=False, description="add the differentiable controller")
    use_dual_projection: bool = Field(default=False, description="a projection each for A and B")
    encoder_type: Literal["frozen", "improved"] = Field(default="frozen", description="encoder")
    decoder_type: Literal["frozen", "improved"] = Field(default="frozen", description="decoder")


class LossWeights(Section):
    reconstruction: float = Field(default=1.0, ge=0, description="weight of the reconstruction")
    kl_divergence: float = Field(default=0.1, ge=0, description="weight of the KL")
    coverage: float = Field(default=1.0, ge=0, description="weight of the coverage")
    hierarchy: float = Field(default=5.0, ge=0, description="valuation: mean radius per level")
    richness: float = Field(default=2.0, ge=0, description="valuation: against collapsed levels")
    separation: float = Field(default=3.0, ge=0, description="valuation: order of levels")
    frequency_hierarchy: float | None = Field(default=None, ge=0, description="frequency: order")
    density_allocation: float | None = Field(default=None, ge=0, description="frequency: volume")
    compression: float | None = Field(default=None, ge=0, description="frequency: code length")
    retrieval: float | None = Field(default=None, ge=0, description="frequency: fast access")


class OptionC(Section):
    enabled: bool = Field(default=False, description="let the encoders train")
    freeze_encoder_a: bool = Field(default=True, description="freeze encoder A")
    freeze_encoder_b: bool = Field(default=False, description="freeze encoder B")
    encoder_a_lr_scale: float = Field(
        default=0.05, ge=0, description="factor on the rate of encoder A"
    )
    encoder_b_lr_scale: float = Field(
        default=0.1, ge=0, description="factor on the rate of encoder B"
    )
    decoder_lr_scale: float = Field(
        default=1.0, ge=0, description="factor on the rate of the decoder"
    )


class Homeostasis(Section):
    enabled: bool = Field(default=True, description="freeze and unfreeze by Q")
    q_threshold_freeze: float = Field(default=2.0, description="Q from which encoders freeze")
    q_threshold_unfreeze: float = Field(default=1.8, description="Q below which they may train")
    plateau_patience: int = Field(default=5, ge=1, description="evaluations on a plateau")
    target_coverage: float | None = Field(
        default=None, ge=0, le=100, description="wanted coverage, percent"
    )


class Training(Section):
    manifold_type: Literal["valuation_optimal", "frequency_optimal"] = Field(
        description="what a small radius stands for"
    )
    target_hierarchy: float | None = Field(
        default=None, ge=-1, le=1, description="wanted hierarchy; positive for frequency"
    )
    loss_weights: LossWeights = Field(default_factory=LossWeights, description="losses")
    option_c: OptionC = Field(default_factory=OptionC, description="training of the encoders")
    homeostasis: Homeostasis = Field(default_factory=Homeostasis, description="freezing by Q")


class Checkpoint(Section):
    save_best: bool = Field(default=True, description="keep the best checkpoint apart")
    monitor_metric: str = Field(
        default="composite_score", description="metric that decides which is best"
    )
    mode: Literal["min", "max"] = Field(default="min", description="which way it improves")
    save_every: int = Field(default=10, ge=1, description="epochs between checkpoints")


class Logging(Section):
    log_level: str = Field(default="INFO", description="level of the log")
    log_metrics_every: int = Field(default=1, ge=1, description="between log lines, unit unknown")
    manifold_analysis: bool = Field(default=False, description="log by manifold type")


class Validation(Section):
    evaluate_downstream: bool = Field(default=False, description="run downstream tasks")
    tasks: list[str] = Field(default_factory=list, description="which")
    expected_performance: dict[str, list[float]] = Field(
        default_factory=dict, description="lowest and highest expected value by metric"
    )


class FrequencyLossParams(Section):
    temperature: float = Field(default=0.1, gt=0, description="softness of the weighting")
    smoothing: float = Field(default=0.05, ge=0, description="label smoothing")
    margin: float = Field(default=0.1, ge=0, description="margin of the ranking")


class FrequencySettings(Section):
    volume_allocation_strategy: str = Field(description="how volume follows frequency")
    compression_target: str = Field(description="what compression aims at")
    retrieval_optimization: str = Field(description="what comes first")
    frequency_loss_params: FrequencyLossParams = Field(
        default_factory=FrequencyLossParams, description="of the frequency losses"
    )


class Config(Section):
    model: Model = Field(description="architecture")
    training: Training = Field(description="objective and freezing")
    epochs: int = Field(ge=1, description="epochs")
    batch_size: int = Field(ge=1, description="operations per step")
    learning_rate: float = Field(gt=0, description="learning rate")
    optimizer: str = Field(default="Adam", description="optimiser class")
    scheduler: str | None = Field(default=None, description="scheduler class")
    torch_compile: v5_5_2.TorchCompile = Field(
        default_factory=v5_5_2.TorchCompile, description="ahead-of-time compilation"
    )
    mixed_precision: v5_12_4_1.MixedPrecision = Field(
        default_factory=v5_12_4_1.MixedPrecision, description="half precision"
    )
    checkpoint: Checkpoint = Field(default_factory=Checkpoint, description="what is saved")
    logging: Logging = Field(default_factory=Logging, description="what is logged")
    validation: Validation = Field(default_factory=Validation, description="what is expected")
    frequency_settings: FrequencySettings | None = Field(
        default=None, description="of the frequency objective"
    )
