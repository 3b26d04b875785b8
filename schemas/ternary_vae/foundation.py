"""Dialect: the mathematical foundation, a sketch of 5.12.5 with precision switches."""

# ruff: noqa: N815  key names are those of the files
from __future__ import annotations

from typing import Literal

from pydantic import Field

from . import v5_11_0, v5_11_11
from .base import Section


class MathematicalFoundation(Section):
    version: str | None = Field(default=None, description="version that the file states")
    type: str | None = Field(default=None, description="kind of the file")
    description: str | None = Field(default=None, description="what the file is for")
    hyperbolic_default: bool = Field(default=True, description="radii are hyperbolic distances")


class Device(v5_11_11.Device):
    mathematical_precision: bool = Field(
        default=False, description="a switch that no trainer reads"
    )


class Model(v5_11_0.Model):
    learnable_curvature: bool = Field(default=False, description="let the curvature train")
    manifold_aware: bool = Field(
        default=False, description="mark the projection's output as on the ball"
    )
    encoder_type: Literal["frozen", "improved"] = Field(default="frozen", description="encoder")
    decoder_type: Literal["frozen", "improved"] = Field(default="frozen", description="decoder")
    enhanced_controller: bool = Field(
        default=False, description="a controller with other dimensions"
    )
    adaptive_projection: bool = Field(default=False, description="a projection of its own")
    mathematical_precision: bool = Field(
        default=False, description="a switch that no trainer reads"
    )
    encoder_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="dropout of improved encoders"
    )
    decoder_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="dropout of an improved decoder"
    )
    projection_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="dropout of the projection"
    )
    logvar_min: float = Field(
        default=-10.0, description="lower clamp of logvar in improved encoders"
    )
    logvar_max: float = Field(default=2.0, description="upper clamp of logvar in improved encoders")
    controller_input_dim: int = Field(default=8, ge=1, description="inputs of the controller")
    controller_hidden_dim: int = Field(default=32, ge=1, description="width of the controller")
    controller_output_dim: int = Field(default=6, ge=1, description="outputs of the controller")


class OptionC(v5_11_11.OptionC):
    freeze_encoder_a: bool = Field(default=True, description="freeze encoder A")
    freeze_encoder_b: bool = Field(default=False, description="freeze encoder B")
    unfreeze_epoch: int | Literal["never"] = Field(
        default="never", description="end of A's freezing"
    )


class FrozenCheckpoint(v5_11_0.FrozenCheckpoint):
    strict_loading: bool = Field(default=True, description="refuse tensors that do not fit")


class Homeostasis(Section):
    enabled: bool = Field(default=True, description="freeze and unfreeze by measured coverage")
    mathematical_precision: bool = Field(
        default=False, description="a switch that no trainer reads"
    )
    enhanced_metrics: bool = Field(default=False, description="a switch that no trainer reads")
    coverage_precision_threshold: float | None = Field(default=None, description="never read")
    hierarchy_precision_threshold: float | None = Field(default=None, description="never read")
    richness_precision_threshold: float | None = Field(default=None, description="never read")
    Q_target: float | None = Field(default=None, description="wanted Q")
    Q_tolerance: float | None = Field(default=None, ge=0, description="never read")
    Q_history_length: int | None = Field(default=None, ge=1, description="never read")
    coverage_freeze_threshold: float = Field(
        default=0.995, ge=0, le=1, description="coverage below which encoder A freezes"
    )
    enable_annealing: bool = Field(default=True, description="relax the thresholds while Q grows")
    annealing_step: float = Field(default=0.005, ge=0, description="step of a coverage threshold")
    annealing_patience: int | None = Field(default=None, ge=1, description="never read")


class EnhancedMathematical(Section):
    enabled: bool = Field(default=False, description="a second name of rich_hierarchy")
    precision_mode: bool = Field(default=False, description="a switch that no trainer reads")
    coverage_weight: float = Field(default=1.0, ge=0, description="as in rich_hierarchy")
    hierarchy_weight: float = Field(default=5.0, ge=0, description="as in rich_hierarchy")
    richness_weight: float = Field(default=2.0, ge=0, description="as in rich_hierarchy")
    separation_weight: float = Field(default=3.0, ge=0, description="as in rich_hierarchy")


class LossTargets(Section):
    coverage: float | None = Field(default=None, ge=0, le=1, description="wanted coverage")
    hierarchy_B: float | None = Field(default=None, ge=-1, le=1, description="wanted hierarchy")
    richness: float | None = Field(default=None, ge=0, description="wanted richness")
    r_v0: float | None = Field(default=None, ge=0, description="wanted mean radius of valuation 0")
    r_v9: float | None = Field(default=None, ge=0, description="wanted mean radius of valuation 9")
    Q_enhanced: float | None = Field(default=None, description="wanted Q")


class RichHierarchy(Section):
    hierarchy_weight: float = Field(
        default=5.0, ge=0, description="weight of the mean radius per level"
    )
    coverage_weight: float = Field(default=1.0, ge=0, description="weight of the reconstruction")
    richness_weight: float = Field(default=2.0, ge=0, description="weight against collapsed levels")
    separation_weight: float = Field(default=3.0, ge=0, description="weight of the order of levels")
    precision_mode: bool = Field(default=False, description="a switch that no trainer reads")


class Radial(Section):
    inner_radius: float = Field(ge=0, description="radius of valuation 9, hyperbolic distance")
    outer_radius: float = Field(gt=0, description="radius of valuation 0, hyperbolic distance")
    weight: float = Field(default=2.0, ge=0, description="weight in the total loss")
    smooth_targets: bool = Field(default=False, description="a switch that no trainer reads")


class Geodesic(Section):
    enabled: bool = Field(default=True, description="match geodesic to 3-adic distances")
    phase_start_epoch: int = Field(default=0, ge=0, description="epoch at which phase 2 starts")
    weight: float = Field(default=1.0, ge=0, description="weight in the total loss of phase 2")
    precision_mode: bool = Field(default=False, description="a switch that no trainer reads")


class Loss(Section):
    enhanced_mathematical: EnhancedMathematical = Field(
        default_factory=EnhancedMathematical, description="a second name of rich_hierarchy"
    )
    targets: LossTargets = Field(default_factory=LossTargets, description="targets once more")
    rich_hierarchy: RichHierarchy = Field(description="hierarchy, coverage and richness")
    radial: Radial = Field(description="radius by valuation")
    geodesic: Geodesic = Field(default_factory=Geodesic, description="geodesic distances")


class Riemannian(Section):
    enabled: bool = Field(default=False, description="Riemannian optimiser instead of AdamW")
    optimizer: Literal["adam", "sgd", "enhanced_adam"] = Field(default="adam", description="which")
    precision_mode: bool = Field(default=False, description="a switch that no trainer reads")
    curvature_aware: bool = Field(default=False, description="a switch that no trainer reads")


class Scheduler(Section):
    type: Literal["mathematical_cosine"] = Field(
        default="mathematical_cosine", description="cosine with warm restarts"
    )
    T_0: int = Field(default=20, ge=1, description="epochs until the first restart")
    T_mult: float = Field(default=2, ge=1, description="factor on the epochs until the next one")
    eta_min: float = Field(default=0.0, ge=0, description="lowest learning rate")
    warmup_epochs: int = Field(default=0, ge=0, description="epochs of linear warm-up")


class Training(Section):
    epochs: int = Field(ge=1, description="epochs")
    batch_size: int = Field(ge=1, description="operations per step")
    lr: float = Field(default=0.001, gt=0, description="learning rate")
    weight_decay: float = Field(default=0.0001, ge=0, description="decoupled weight decay")
    max_grad_norm: float = Field(default=1.0, gt=0, description="largest gradient norm")
    use_stratified: bool = Field(default=False, description="fill batches by valuation level")
    use_adaptive: bool = Field(default=False, description="hold tau once the hierarchy is reached")
    mathematical_precision: bool = Field(
        default=False, description="a switch that no trainer reads"
    )
    scheduler: Scheduler | None = Field(default=None, description="learning rate schedule")


class FoundationTargets(Section):
    coverage: float | None = Field(default=None, ge=0, le=1, description="wanted coverage")
    hierarchy_B: float | None = Field(default=None, ge=-1, le=1, description="wanted hierarchy")
    richness: float | None = Field(default=None, ge=0, description="wanted richness")
    Q_enhanced: float | None = Field(default=None, description="wanted Q")
    mathematical_stability: bool | None = Field(default=None, description="never read")
    numerical_stability: bool | None = Field(default=None, description="never read")


class ProductionTargets(Section):
    coverage: float | None = Field(default=None, ge=0, le=1, description="coverage that will do")
    hierarchy_B: float | None = Field(
        default=None, ge=-1, le=1, description="hierarchy that will do"
    )
    richness: float | None = Field(default=None, ge=0, description="richness that will do")
    training_efficiency: str | None = Field(default=None, description="time that will do")
    memory_usage: str | None = Field(default=None, description="memory that will do")


class Targets(Section):
    tier_1_mathematical_foundation: FoundationTargets = Field(
        default_factory=FoundationTargets, description="what is aimed at"
    )
    tier_2_production_ready: ProductionTargets = Field(
        default_factory=ProductionTargets, description="what will do"
    )


class Validation(Section):
    mathematical_precision: bool = Field(
        default=False, description="a switch that no trainer reads"
    )
    run_every_n_epochs: int = Field(default=1, ge=1, description="epochs between evaluations")
    comprehensive_metrics: bool = Field(default=False, description="a switch that no trainer reads")
    tests: dict[str, bool] = Field(default_factory=dict, description="properties to test")


class Checkpointing(Section):
    save_every_n_epochs: int = Field(default=10, ge=1, description="epochs between checkpoints")
    keep_best_n: int | None = Field(default=None, ge=1, description="best checkpoints kept")
    mathematical_validation: bool = Field(
        default=False, description="a switch that no trainer reads"
    )
    format: str | None = Field(default=None, description="template of file names")
    best_metrics: list[str] = Field(default_factory=list, description="metrics, a best of each")


class Monitoring(Section):
    tensorboard: bool = Field(default=False, description="write event files")
    mathematical_metrics: bool = Field(default=False, description="a switch that no trainer reads")
    precision_tracking: bool = Field(default=False, description="a switch that no trainer reads")
    stability_alerts: bool = Field(default=False, description="a switch that no trainer reads")
    log_every_n_steps: int | None = Field(default=None, ge=1, description="steps between log lines")
    detailed_metrics_every_n_epochs: int | None = Field(
        default=None, ge=1, description="epochs between long log lines"
    )


class Config(Section):
    mathematical_foundation: MathematicalFoundation = Field(description="what the file is")
    device: Device = Field(default_factory=Device, description="where it runs")
    model: Model = Field(description="architecture")
    training_profile: str | None = Field(default=None, description="name of a profile; never read")
    option_c: OptionC = Field(default_factory=OptionC, description="training of the encoders")
    frozen_checkpoint: FrozenCheckpoint | None = Field(
        default=None, description="weights to start from"
    )
    homeostasis: Homeostasis = Field(description="freezing by measured coverage")
    loss: Loss = Field(description="losses")
    riemannian: Riemannian = Field(default_factory=Riemannian, description="optimiser")
    training: Training = Field(description="the run")
    targets: Targets = Field(default_factory=Targets, description="what counts as success")
    validation: Validation = Field(default_factory=Validation, description="what is tested")
    checkpointing: Checkpointing = Field(default_factory=Checkpointing, description="what is saved")
    monitoring: Monitoring = Field(default_factory=Monitoring, description="what is logged")
