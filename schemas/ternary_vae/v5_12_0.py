"""TernaryVAE 5.12.0: the rich hierarchy loss leads, geodesics join in a second phase."""

# ruff: noqa: N815  key names are those of the files
from __future__ import annotations

from pydantic import Field

from . import v5_11_0, v5_11_11
from .base import Section


class Model(v5_11_11.Model):
    hidden_dim: int = Field(ge=1, description="width of the projection")
    max_radius: float = Field(gt=0, lt=1, description="largest Euclidean norm on the ball")
    curvature: float = Field(gt=0, description="curvature of the ball, positive")
    latent_dim: int = Field(ge=2, description="latent dimensions; those of the checkpoint")


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
    controller_grad_threshold: float = Field(
        default=0.01, ge=0, description="gradient norm below which the controller freezes"
    )
    controller_grad_patience: int = Field(default=3, ge=1, description="evaluations below it")


class RichHierarchy(Section):
    enabled: bool = Field(
        default=True, description="the loss that orders levels and keeps them rich"
    )
    hierarchy_weight: float = Field(
        default=5.0, ge=0, description="weight of the mean radius per level"
    )
    coverage_weight: float = Field(default=1.0, ge=0, description="weight of the reconstruction")
    richness_weight: float = Field(default=2.0, ge=0, description="weight against collapsed levels")
    separation_weight: float = Field(default=3.0, ge=0, description="weight of the order of levels")
    min_richness_ratio: float = Field(
        default=0.5, ge=0, description="share of a level's first variance that must remain"
    )


class Geodesic(v5_11_11.Geodesic):
    phase_start_epoch: int = Field(default=0, ge=0, description="epoch at which phase 2 starts")
    weight: float = Field(default=1.0, ge=0, description="weight in the total loss of phase 2")


class Radial(Section):
    enabled: bool = Field(default=True, description="pull each valuation to its radius")
    inner_radius: float = Field(ge=0, lt=1, description="radius of valuation 9, Euclidean norm")
    outer_radius: float = Field(gt=0, lt=1, description="radius of valuation 0, Euclidean norm")
    radial_weight: float = Field(default=2.0, ge=0, description="weight in the total loss")
    margin_weight: float = Field(
        default=1.0, ge=0, description="weight of the margin between levels"
    )


class Loss(Section):
    rich_hierarchy: RichHierarchy = Field(description="hierarchy, coverage and richness")
    radial: Radial = Field(description="radius by valuation")
    geodesic: Geodesic = Field(default_factory=Geodesic, description="geodesic distances")
    rank: v5_11_11.Rank = Field(default_factory=v5_11_11.Rank, description="global order of radii")
    zero_structure: v5_11_11.ZeroStructure = Field(
        default_factory=v5_11_11.ZeroStructure, description="radius by zeros"
    )


class Training(Section):
    epochs: int = Field(ge=1, description="epochs")
    batch_size: int = Field(ge=1, description="operations per step")
    lr: float = Field(default=0.001, gt=0, description="learning rate")
    weight_decay: float = Field(default=0.0001, ge=0, description="decoupled weight decay")
    max_grad_norm: float = Field(default=1.0, gt=0, description="largest gradient norm")
    use_stratified: bool = Field(default=False, description="fill batches by valuation level")
    high_v_budget_ratio: float = Field(
        default=0.25, ge=0, le=1, description="share of a stratified batch for valuations from 4 on"
    )
    use_adaptive: bool = Field(default=False, description="hold tau once the hierarchy is reached")
    hierarchy_threshold: float = Field(
        default=-0.7, ge=-1, le=1, description="hierarchy at which tau is held"
    )
    patience: int = Field(
        default=20, ge=1, description="evaluations without progress before the end"
    )
    min_epochs: int = Field(default=30, ge=0, description="epochs before an early end")
    scheduler: v5_11_0.Scheduler = Field(
        default_factory=v5_11_0.Scheduler, description="learning rate schedule"
    )
    eval_every: int = Field(default=1, ge=1, description="epochs between evaluations")
    save_every: int = Field(default=10, ge=1, description="epochs between checkpoints")
    print_every: int | None = Field(
        default=None, ge=1, description="epochs between log lines; null for logging.print_every"
    )


class Checkpoints(Section):
    save_dir: str = Field(min_length=1, description="folder of this run's checkpoints")
    save_best: bool = Field(default=True, description="keep the best checkpoint apart")
    best_metric: str = Field(
        default="composite_score", description="metric that decides which is best"
    )
    checkpoint_name: str | None = Field(default=None, description="name of the run in file names")


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
    distance_correlation: float | None = Field(
        default=None, ge=-1, le=1, description="wanted Spearman of radius and valuation differences"
    )
    Q_target: float | None = Field(
        default=None, description="wanted Q, dist_corr + 1.5 |hierarchy|"
    )


class Version(Section):
    model: str | None = Field(default=None, description="model version")
    config: str | None = Field(default=None, description="revision of this file")
    date: str | None = Field(default=None, description="date of this file")


class Config(Section):
    device: v5_11_11.Device = Field(default_factory=v5_11_11.Device, description="where it runs")
    model: Model = Field(description="architecture")
    option_c: v5_11_11.OptionC = Field(
        default_factory=v5_11_11.OptionC, description="training of the encoders"
    )
    frozen_checkpoint: v5_11_0.FrozenCheckpoint | None = Field(
        default=None,
        description="weights to start from; without them nothing is ever reconstructed",
    )
    homeostasis: Homeostasis = Field(description="freezing by measured coverage")
    progressive_unfreeze: v5_11_11.ProgressiveUnfreeze = Field(
        default_factory=v5_11_11.ProgressiveUnfreeze, description="freezing by the clock"
    )
    loss: Loss = Field(description="losses")
    riemannian: v5_11_11.Riemannian = Field(
        default_factory=v5_11_11.Riemannian, description="optimiser"
    )
    training: Training = Field(description="the run")
    data: v5_11_0.Data = Field(default_factory=v5_11_0.Data, description="the operations to learn")
    logging: v5_11_0.Logging = Field(
        default_factory=v5_11_0.Logging, description="what is logged where"
    )
    checkpoints: Checkpoints = Field(description="what is saved where")
    targets: Targets = Field(default_factory=Targets, description="what counts as success")
    memory: v5_11_11.Memory = Field(
        default_factory=v5_11_11.Memory, description="memory on the GPU"
    )
    version: Version | None = Field(default=None, description="what the file says of itself")
