"""Dialect: the flat command line options that 5.11 trainers stored in their checkpoints."""

from __future__ import annotations

from pydantic import Field

from .base import Section


class Config(Section):
    config: str | None = Field(
        default=None, description="the YAML file that was named, mostly none"
    )
    epochs: int = Field(ge=1, description="epochs")
    lr: float = Field(gt=0, description="learning rate")
    batch_size: int = Field(ge=1, description="operations per step")
    v5_5_checkpoint: str | None = Field(description="checkpoint whose encoders are frozen")
    save_dir: str = Field(min_length=1, description="folder of this run's checkpoints")
    use_controller: bool = Field(default=False, description="add the differentiable controller")
    curvature: float = Field(default=1.0, gt=0, description="curvature of the ball, positive")
    max_radius: float = Field(
        default=0.95, gt=0, lt=1, description="largest Euclidean norm on the ball"
    )
    device: str | None = Field(default=None, description="torch device")
    radial_weight: float = Field(default=2.0, ge=0, description="weight of the radial loss")
    margin_weight: float = Field(
        default=1.0, ge=0, description="weight of the margin between levels"
    )
    no_stratified: bool = Field(default=True, description="draw batches without regard to levels")
    option_c: bool = Field(default=False, description="let encoder B train")
    encoder_b_lr_scale: float = Field(
        default=0.1, ge=0, description="factor on the rate of encoder B"
    )
    dual_projection: bool = Field(default=False, description="a projection each for A and B")
    hierarchy_threshold: float = Field(
        default=-0.7, ge=-1, le=1, description="hierarchy of A at which tau is held"
    )
    patience: int = Field(
        default=20, ge=1, description="evaluations without progress before the end"
    )
    min_epochs: int = Field(default=30, ge=0, description="epochs before an early end")
    no_adaptive: bool = Field(default=True, description="do not hold tau")
    projection_hidden_dim: int = Field(default=64, ge=1, description="width of the projection")
    projection_layers: int = Field(default=1, ge=1, description="hidden layers of the projection")
    weight_decay: float = Field(ge=0, description="decoupled weight decay")
    projection_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="dropout of the projection"
    )
    rank_loss_weight: float = Field(default=1.0, ge=0, description="weight of the rank loss")
    no_rank_loss: bool = Field(default=True, description="do without the rank loss")
    n_pairs: int = Field(default=2000, ge=1, description="pairs per step of the geodesic loss")
    learnable_weights: bool = Field(
        default=False, description="let the controller weigh the losses"
    )
    progressive_unfreeze: bool = Field(
        default=False, description="let encoder A train after a while"
    )
    unfreeze_start_epoch: int = Field(default=5, ge=0, description="epoch at which that starts")
    unfreeze_warmup_epochs: int = Field(default=5, ge=0, description="epochs of the linear ramp")
    encoder_a_lr_scale: float = Field(
        default=0.05, ge=0, description="factor on the rate of encoder A"
    )
    homeostasis: bool = Field(default=False, description="freeze and unfreeze by measured coverage")
    coverage_freeze_threshold: float = Field(
        default=0.995, ge=0, le=1, description="coverage below which encoder A freezes"
    )
    homeostasis_warmup: int = Field(default=5, ge=0, description="epochs before the first switch")
    hysteresis_epochs: int = Field(default=3, ge=0, description="epochs between two switches")
    enable_annealing: bool = Field(default=True, description="never false: no_annealing decides")
    no_annealing: bool = Field(default=False, description="keep the coverage thresholds")
    annealing_step: float = Field(default=0.005, ge=0, description="step of a coverage threshold")
    coverage_floor: float = Field(default=0.95, ge=0, le=1, description="lowest relaxed threshold")
    zero_structure: bool = Field(default=False, description="order radii by leading zeros")
    zero_valuation_weight: float = Field(
        default=1.0, ge=0, description="weight of the leading zeros"
    )
    zero_sparsity_weight: float = Field(
        default=0.5, ge=0, description="weight of the count of zeros"
    )
    riemannian: bool = Field(default=False, description="Riemannian optimiser instead of AdamW")
    learnable_curvature: bool = Field(default=False, description="let the curvature train")
    manifold_aware: bool = Field(
        default=False, description="mark the projection's output as on the ball"
    )
    geometric_weight: float = Field(default=0.0, ge=0, description="weight of a symmetry loss")
    geometric_symmetry: str = Field(default="point_24", description="its symmetry group")
    drug_sim_weight: float = Field(default=0.0, ge=0, description="weight of another field's loss")
