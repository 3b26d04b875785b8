"""TernaryVAE 5.11.11: partial freezing, homeostasis, Riemannian optimiser, two more losses."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from . import v5_11_0 as before
from .base import Section


class Device(Section):
    name: str | None = Field(default=None, description="a label; nothing reads it")
    cuda_device: int = Field(default=0, ge=0, description="index of the GPU")
    use_amp: bool = Field(default=False, description="mixed precision")
    pin_memory: bool = Field(default=False, description="page-locked host memory")
    num_workers: int = Field(default=0, ge=0, description="loader processes")


class Model(before.Model):
    learnable_curvature: bool = Field(
        default=False, description="let the curvature train; no forward pass uses it"
    )
    manifold_aware: bool = Field(
        default=False, description="mark the projection's output as on the ball"
    )
    projection_hidden_dim: int | None = Field(
        default=None, ge=1, description="a second name of hidden_dim"
    )
    projection_layers: int = Field(default=1, ge=1, description="hidden layers of the projection")
    projection_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="dropout of the projection"
    )


class OptionC(Section):
    enabled: bool = Field(
        default=False, description="let encoder B train; class PartialFreeze only"
    )
    encoder_b_lr_scale: float = Field(
        default=0.1, ge=0, description="factor on the rate of encoder B"
    )
    encoder_a_lr_scale: float = Field(
        default=0.05, ge=0, description="factor on the rate of encoder A, once it is unfrozen"
    )


class Homeostasis(Section):
    enabled: bool = Field(default=False, description="freeze and unfreeze by measured coverage")
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
    controller_grad_threshold: float = Field(
        default=0.01, ge=0, description="gradient norm below which the controller freezes"
    )
    controller_grad_patience: int = Field(default=3, ge=1, description="evaluations below it")
    controller_patience_ceiling: int = Field(default=10, ge=1, description="largest such patience")


class ProgressiveUnfreeze(Section):
    enabled: bool = Field(default=False, description="let encoder A train after a while")
    start_epoch: int = Field(default=5, ge=0, description="epoch at which it starts")
    warmup_epochs: int = Field(default=5, ge=0, description="epochs of the linear ramp")
    encoder_a_lr_scale: float = Field(
        default=0.05, ge=0, description="factor on its rate at the end"
    )


class Geodesic(Section):
    enabled: bool = Field(default=True, description="match geodesic to 3-adic distances")
    curvature: float = Field(default=1.0, gt=0, description="curvature of the ball, positive")
    max_target_distance: float = Field(
        default=3.0, gt=0, description="target distance at valuation 0"
    )
    n_pairs: int = Field(default=2000, ge=1, description="pairs per step")
    use_smooth_l1: bool = Field(default=True, description="smooth L1 instead of a squared error")


class Radial(Section):
    enabled: bool = Field(default=True, description="pull each valuation to its radius")
    inner_radius: float = Field(
        default=0.1, ge=0, lt=1, description="radius of valuation 9, Euclidean norm"
    )
    outer_radius: float = Field(
        default=0.85, gt=0, lt=1, description="radius of valuation 0, Euclidean norm"
    )
    radial_weight: float = Field(default=2.0, ge=0, description="weight in the total loss")
    margin_weight: float = Field(
        default=1.0, ge=0, description="weight of the margin between levels"
    )


class Rank(Section):
    enabled: bool = Field(default=False, description="order radii over all levels")
    weight: float = Field(default=1.0, ge=0, description="weight in the total loss")
    temperature: float = Field(default=0.1, gt=0, description="softness of a wrong order")
    n_pairs: int = Field(default=2000, ge=1, description="pairs per step")


class ZeroStructure(Section):
    enabled: bool = Field(default=False, description="order radii by leading zeros")
    valuation_weight: float = Field(default=1.0, ge=0, description="weight of the leading zeros")
    sparsity_weight: float = Field(default=0.5, ge=0, description="weight of the count of zeros")


class Loss(Section):
    geodesic: Geodesic = Field(default_factory=Geodesic, description="geodesic distances")
    radial: Radial = Field(default_factory=Radial, description="radius by valuation")
    rank: Rank = Field(default_factory=Rank, description="global order of radii")
    zero_structure: ZeroStructure = Field(
        default_factory=ZeroStructure, description="radius by zeros"
    )


class Riemannian(Section):
    enabled: bool = Field(default=False, description="Riemannian optimiser instead of AdamW")
    optimizer: Literal["adam", "sgd"] = Field(default="adam", description="which of them")


class Training(Section):
    epochs: int = Field(ge=1, description="epochs")
    batch_size: int = Field(ge=1, description="operations per step")
    lr: float = Field(default=0.001, gt=0, description="learning rate")
    weight_decay: float = Field(default=0.0001, ge=0, description="decoupled weight decay")
    max_grad_norm: float = Field(default=1.0, gt=0, description="largest gradient norm")
    use_stratified: bool = Field(default=False, description="fill batches by valuation level")
    use_adaptive: bool = Field(default=False, description="hold tau once the hierarchy is reached")
    hierarchy_threshold: float = Field(
        default=-0.7, ge=-1, le=1, description="hierarchy of A at which tau is held"
    )
    patience: int = Field(
        default=20, ge=1, description="evaluations without progress before the end"
    )
    min_epochs: int = Field(default=30, ge=0, description="epochs before an early end")
    scheduler: before.Scheduler = Field(
        default_factory=before.Scheduler, description="learning rate schedule"
    )
    eval_every: int = Field(default=1, ge=1, description="epochs between evaluations")
    save_every: int = Field(default=10, ge=1, description="epochs between checkpoints")
    print_every: int | None = Field(
        default=None, ge=1, description="epochs between log lines; null for logging.print_every"
    )


class Checkpoints(before.Checkpoints):
    checkpoint_name: str | None = Field(default=None, description="name of the run in file names")


class Targets(before.Targets):
    Q_target: float | None = Field(
        default=None, description="wanted Q, dist_corr + 1.5 |hierarchy|"
    )


class Memory(Section):
    gradient_checkpointing: bool = Field(default=False, description="recompute activations")
    empty_cache_freq: int | None = Field(
        default=None, ge=1, description="batches between emptying the CUDA cache; null for never"
    )
    cudnn_benchmark: bool = Field(
        default=False, description="let cuDNN choose algorithms by timing"
    )
    cudnn_deterministic: bool = Field(
        default=False, description="restrict cuDNN to repeatable ones"
    )


class Config(Section):
    device: Device = Field(default_factory=Device, description="where it runs")
    model: Model = Field(description="architecture")
    option_c: OptionC = Field(default_factory=OptionC, description="training of the encoders")
    frozen_checkpoint: before.FrozenCheckpoint | None = Field(
        default=None, description="weights to start from"
    )
    homeostasis: Homeostasis = Field(
        default_factory=Homeostasis, description="freezing by measured coverage"
    )
    progressive_unfreeze: ProgressiveUnfreeze = Field(
        default_factory=ProgressiveUnfreeze, description="freezing by the clock"
    )
    loss: Loss = Field(default_factory=Loss, description="losses")
    riemannian: Riemannian = Field(default_factory=Riemannian, description="optimiser")
    training: Training = Field(description="the run")
    data: before.Data = Field(default_factory=before.Data, description="the operations to learn")
    logging: before.Logging = Field(
        default_factory=before.Logging, description="what is logged where"
    )
    checkpoints: Checkpoints = Field(description="what is saved where")
    targets: Targets = Field(default_factory=Targets, description="what counts as success")
    memory: Memory = Field(default_factory=Memory, description="memory on the GPU")
