"""TernaryVAE 5.12.4.1: schedulers by type, compilation and mixed precision of their own."""

# ruff: noqa: N815  key names are those of the files
from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from . import v5_5_2, v5_11_0, v5_11_11, v5_12_0, v5_12_2, v5_12_4
from .base import Section


class MixedPrecision(Section):
    enabled: bool = Field(default=False, description="train in half precision with loss scaling")
    dtype: Literal["float16", "bfloat16"] = Field(default="float16", description="type of autocast")
    init_scale: float = Field(default=65536.0, gt=0, description="first loss scale")
    growth_factor: float = Field(
        default=2.0, gt=1, description="factor after growth_interval steps"
    )
    backoff_factor: float = Field(default=0.5, gt=0, lt=1, description="factor after an overflow")
    growth_interval: int = Field(default=2000, ge=1, description="steps without an overflow")


class FrozenCheckpoint(Section):
    path: str | None = Field(description="checkpoint whose encoders are loaded and frozen")
    encoder_to_load: Literal["both", "encoder_A", "encoder_B"] | None = Field(
        default="both", description="which encoders are loaded; null for none"
    )
    decoder_to_load: Literal["decoder_A"] | None = Field(
        default="decoder_A", description="which decoder is loaded; null for none"
    )


class Homeostasis(Section):
    enabled: bool = Field(default=True, description="freeze and unfreeze by measured coverage")
    coverage_freeze_threshold: float = Field(
        default=0.995, ge=0, le=1, description="coverage below which encoder A freezes"
    )
    coverage_unfreeze_threshold: float = Field(
        default=1.0, ge=0, le=1, description="coverage from which encoder A may train"
    )
    coverage_floor: float = Field(default=0.95, ge=0, le=1, description="lowest relaxed threshold")
    warmup_epochs: int = Field(default=5, ge=0, description="epochs before the first switch")
    hysteresis_epochs: int = Field(
        default=3, ge=0, description="epochs between two switches of one part"
    )
    enable_annealing: bool = Field(default=True, description="relax the thresholds while Q grows")
    annealing_step: float = Field(default=0.005, ge=0, description="step of a coverage threshold")
    hierarchy_plateau_threshold: float = Field(
        default=0.001, ge=0, description="change of the hierarchy that is none"
    )
    hierarchy_plateau_patience: int = Field(default=5, ge=1, description="evaluations on a plateau")
    hierarchy_patience_ceiling: int = Field(default=15, ge=1, description="largest such patience")


class Geodesic(Section):
    enabled: bool = Field(default=True, description="match geodesic to 3-adic distances")
    phase_start_epoch: int = Field(default=0, ge=0, description="epoch at which phase 2 starts")
    curvature: float = Field(default=1.0, gt=0, description="curvature of the ball, positive")
    max_target_distance: float = Field(
        default=3.0, gt=0, description="target distance at valuation 0"
    )
    n_pairs: int = Field(default=2000, ge=1, description="pairs per step")
    weight: float = Field(default=1.0, ge=0, description="weight in the total loss of phase 2")


class Loss(v5_12_2.Loss):
    geodesic: Geodesic = Field(default_factory=Geodesic, description="geodesic distances")  # type: ignore[assignment]


class CosineWarmupRestart(Section):
    type: Literal["cosine_warmup_restart"] = Field(description="cosine with warm restarts")
    T_0: int = Field(default=20, ge=1, description="epochs until the first restart")
    T_mult: float = Field(default=2, ge=1, description="factor on the epochs until the next one")


class CosineAnnealing(Section):
    type: Literal["cosine_annealing"] = Field(description="one cosine")
    T_max: int | None = Field(
        default=None, ge=1, description="epochs to the lowest rate; null for all"
    )
    eta_min: float = Field(default=0.0, ge=0, description="lowest learning rate")


class MultiPhaseCosine(Section):
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


class Targets(Section):
    coverage: float | None = Field(
        default=None, ge=0, le=1, description="wanted share of exact operations"
    )
    hierarchy_B: float | None = Field(
        default=None, ge=-1, le=1, description="wanted Spearman of valuation and radius, encoder B"
    )
    richness: float | None = Field(
        default=None, ge=0, description="wanted mean variance of radii within a level, encoder B"
    )
    r_v9: float | None = Field(default=None, ge=0, description="wanted mean radius of valuation 9")


class Config(Section):
    device: v5_12_4.Device = Field(default_factory=v5_12_4.Device, description="where it runs")
    torch_compile: v5_5_2.TorchCompile = Field(
        default_factory=v5_5_2.TorchCompile, description="ahead-of-time compilation"
    )
    mixed_precision: MixedPrecision = Field(
        default_factory=MixedPrecision, description="half precision"
    )
    model: v5_12_4.Model = Field(description="architecture")
    option_c: v5_11_11.OptionC = Field(
        default_factory=v5_11_11.OptionC, description="training of the encoders"
    )
    frozen_checkpoint: FrozenCheckpoint | None = Field(
        default=None,
        description="weights to start from; without them nothing is ever reconstructed",
    )
    homeostasis: Homeostasis = Field(description="freezing by measured coverage")
    loss: Loss = Field(description="losses")
    riemannian: v5_11_11.Riemannian = Field(
        default_factory=v5_11_11.Riemannian, description="optimiser"
    )
    training: Training = Field(description="the run")
    data: v5_11_0.Data = Field(default_factory=v5_11_0.Data, description="the operations to learn")
    logging: v5_11_0.Logging = Field(
        default_factory=v5_11_0.Logging, description="what is logged where"
    )
    memory: v5_11_11.Memory = Field(
        default_factory=v5_11_11.Memory, description="memory on the GPU"
    )
    grokking_detection: v5_12_4.GrokkingDetection = Field(
        default_factory=v5_12_4.GrokkingDetection, description="late jumps of the accuracy"
    )
    checkpoints: v5_12_0.Checkpoints = Field(description="what is saved where")
    targets: Targets = Field(default_factory=Targets, description="what counts as success")
    version: v5_12_4.Version | None = Field(
        default=None, description="what the file says of itself"
    )
