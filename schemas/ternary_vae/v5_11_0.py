"""TernaryVAE 5.11.0: sections; frozen encoders of an earlier run, a projection that trains."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Section


class Model(Section):
    name: str = Field(min_length=1, description="architecture class")
    latent_dim: int = Field(
        default=16, ge=2, description="latent dimensions; those of the checkpoint"
    )
    hidden_dim: int = Field(default=64, ge=1, description="width of the projection")
    max_radius: float = Field(
        default=0.95, gt=0, lt=1, description="largest Euclidean norm on the ball"
    )
    curvature: float = Field(default=1.0, gt=0, description="curvature of the ball, positive")
    use_controller: bool = Field(default=False, description="add the differentiable controller")
    use_dual_projection: bool = Field(default=False, description="a projection each for A and B")


class FrozenCheckpoint(Section):
    path: str | None = Field(description="checkpoint whose encoders are loaded and frozen")
    encoder_to_load: Literal["both", "encoder_A", "encoder_B", "none"] | None = Field(
        default="both", description="which encoders are loaded"
    )
    decoder_to_load: Literal["decoder_A", "none"] | None = Field(
        default="decoder_A", description="which decoder is loaded"
    )


class Geodesic(Section):
    enabled: bool = Field(default=True, description="match geodesic to 3-adic distances")
    curvature: float = Field(default=1.0, gt=0, description="curvature of the ball, positive")
    max_target_distance: float = Field(
        default=3.0, gt=0, description="target distance at valuation 0"
    )
    valuation_scale: float = Field(default=3.0, gt=0, description="decay of the target per level")
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
    max_valuation: int = Field(default=9, ge=1, description="deepest level")
    valuation_weighting: bool = Field(default=True, description="weigh rare, deep levels more")
    radial_weight: float = Field(default=2.0, ge=0, description="weight in the total loss")


class Curriculum(Section):
    initial_tau: float = Field(default=0.0, ge=0, le=1, description="tau at the start; 0 is radial")
    final_tau: float = Field(default=1.0, ge=0, le=1, description="tau at the end; 1 is geodesic")
    warmup_epochs: int | None = Field(
        default=None, ge=0, description="epochs to the final tau; null for 70 % of the run"
    )


class Loss(Section):
    geodesic: Geodesic = Field(default_factory=Geodesic, description="geodesic distances")
    radial: Radial = Field(default_factory=Radial, description="radius by valuation")
    curriculum: Curriculum = Field(
        default_factory=Curriculum, description="from radial to geodesic loss"
    )


class Scheduler(Section):
    type: Literal["cosine_warmup_restart"] = Field(
        default="cosine_warmup_restart", description="never read: T_0 and T_mult are what counts"
    )
    T_0: int = Field(default=20, ge=1, description="epochs until the first restart")
    T_mult: float = Field(default=2, ge=1, description="factor on the epochs until the next one")


class Training(Section):
    epochs: int = Field(ge=1, description="epochs")
    batch_size: int = Field(ge=1, description="operations per step")
    lr: float = Field(default=0.001, gt=0, description="learning rate")
    weight_decay: float = Field(default=0.0001, ge=0, description="decoupled weight decay")
    max_grad_norm: float = Field(default=1.0, gt=0, description="largest gradient norm")
    scheduler: Scheduler = Field(default_factory=Scheduler, description="learning rate schedule")
    eval_every: int = Field(default=1, ge=1, description="epochs between evaluations")
    save_every: int = Field(default=10, ge=1, description="epochs between checkpoints")


class Data(Section):
    use_full_dataset: bool = Field(
        default=True, description="train on all operations, without a split"
    )
    n_operations: int = Field(default=19683, ge=1, description="operations; 3^9 is all of them")


class Logging(Section):
    tensorboard: bool = Field(default=False, description="write event files")
    log_dir: str = Field(default="runs", description="folder of event files")
    print_every: int = Field(default=1, ge=1, description="epochs between log lines")


class Checkpoints(Section):
    save_dir: str = Field(min_length=1, description="folder of this run's checkpoints")
    save_best: bool = Field(default=True, description="keep the best checkpoint apart")
    best_metric: str = Field(
        default="composite_score", description="metric that decides which is best"
    )
    best_mode: Literal["min", "max"] | None = Field(
        default=None, description="which way that metric improves; null for its own way"
    )


class Targets(Section):
    coverage: float | None = Field(
        default=None, ge=0, le=1, description="wanted share of exact operations"
    )
    radial_hierarchy: float | None = Field(
        default=None, ge=-1, le=1, description="wanted Spearman of valuation and radius, encoder A"
    )
    distance_correlation: float | None = Field(
        default=None, ge=-1, le=1, description="wanted correlation of geodesic and target distance"
    )


class OptionC(Section):
    enabled: bool = Field(default=False, description="let encoder B train")
    freeze_encoder_b: bool = Field(default=False, description="freeze encoder B all the same")
    encoder_b_lr_scale: float = Field(
        default=0.1, ge=0, description="factor on the rate of encoder B"
    )


class Config(Section):
    model: Model = Field(description="architecture")
    frozen_checkpoint: FrozenCheckpoint | None = Field(
        default=None,
        description="weights to start from; without them nothing is ever reconstructed",
    )
    loss: Loss = Field(default_factory=Loss, description="losses")
    training: Training = Field(description="the run")
    data: Data = Field(default_factory=Data, description="the operations to learn")
    logging: Logging = Field(default_factory=Logging, description="what is logged where")
    checkpoints: Checkpoints = Field(description="what is saved where")
    targets: Targets = Field(default_factory=Targets, description="what counts as success")
    option_c: OptionC = Field(default_factory=OptionC, description="training of encoder B")
