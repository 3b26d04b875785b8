"""TernaryVAE 5.5.0: one flat file for the dual VAE and its StateNet, trained from scratch."""

# ruff: noqa: N815  key names are those of the files
from __future__ import annotations

from pydantic import Field

from .base import Section


class Model(Section):
    input_dim: int = Field(default=9, ge=1, description="trits of one operation")
    latent_dim: int = Field(default=16, ge=2, description="latent dimensions of each VAE")
    rho_min: float = Field(
        default=0.1, ge=0, le=1, description="cross-injection in the first phase"
    )
    rho_max: float = Field(
        default=0.7, ge=0, le=1, description="cross-injection in the third phase"
    )
    lambda3_base: float = Field(default=0.3, ge=0, description="mean weight of entropy alignment")
    lambda3_amplitude: float = Field(
        default=0.15, ge=0, description="swing of that weight over 30 epochs"
    )
    eps_kl: float = Field(
        default=0.0005, ge=0, description="KL below which a VAE counts as collapsed"
    )
    gradient_balance: bool = Field(
        default=True, description="weigh A and B by their gradient norms"
    )
    adaptive_scheduling: bool = Field(
        default=True, description="let rho and lambda follow the phases"
    )
    use_statenet: bool = Field(
        default=True, description="let StateNet correct lr and lambdas per epoch"
    )
    statenet_lr_scale: float = Field(
        default=0.05, ge=0, description="largest relative change of the lr"
    )
    statenet_lambda_scale: float = Field(
        default=0.01, ge=0, description="largest absolute change of a lambda"
    )


class TernaryDataset(Section):
    num_samples: int = Field(default=19683, ge=1, description="operations; 3^9 is all of them")
    exhaustive: bool = Field(
        default=True, description="enumerate all operations instead of drawing"
    )
    seed: int = Field(default=42, description="seed of the drawing")


class LrStep(Section):
    epoch: int = Field(ge=0, description="epoch from which the rate holds")
    lr: float = Field(gt=0, description="learning rate from there on")


class Optimizer(Section):
    type: str = Field(default="adamw", description="optimiser; the trainer knows adamw")
    lr_start: float = Field(gt=0, description="learning rate of epoch 0")
    weight_decay: float = Field(default=0.0001, ge=0, description="decoupled weight decay")
    lr_schedule: list[LrStep] = Field(
        default_factory=list, description="steps of the learning rate"
    )


class VaeA(Section):
    beta_start: float = Field(ge=0, description="KL weight at the start")
    beta_end: float = Field(ge=0, description="KL weight at the end")
    temp_start: float = Field(gt=0, description="sampling temperature at the start")
    temp_end: float = Field(gt=0, description="sampling temperature at the end")
    temp_cyclic: bool = Field(
        default=True, description="add a cosine of 30 epochs to the temperature"
    )
    temp_boost_amplitude: float = Field(
        default=0.5, ge=0, description="swing of the temperature in phase 4, relative"
    )


class VaeB(Section):
    beta_start: float = Field(ge=0, description="KL weight during warm-up")
    beta_end: float = Field(ge=0, description="never read: beta of B follows A, phase-shifted")
    temp_start: float = Field(gt=0, description="sampling temperature at the start")
    temp_end: float = Field(gt=0, description="sampling temperature at the end")
    temp_phase4: float = Field(default=0.3, gt=0, description="sampling temperature in phase 4")
    entropy_weight: float = Field(default=0.05, ge=0, description="reward for output entropy")
    repulsion_weight: float = Field(default=0.01, ge=0, description="penalty for close latents")


class Controller(Section):
    temp_lag: int = Field(default=30, ge=0, description="epochs by which B's temperature lags A's")
    beta_phase_lag: float = Field(default=0.785, description="phase lag of B's beta, radians")
    entropy_ema_alpha: float = Field(default=0.9, ge=0, le=1, description="never read")
    dH_dt_threshold: float = Field(default=0.05, ge=0, description="never read")


class PhaseTransitions(Section):
    entropy_expansion_end: int = Field(default=40, ge=0, description="epoch; never read")
    consolidation_end: int = Field(default=120, ge=0, description="epoch; never read")
    resonant_coupling_end: int = Field(default=250, ge=0, description="epoch; never read")
    ultra_exploration_start: int = Field(
        default=250, ge=0, description="epoch at which phase 4 starts"
    )
    statenet_warm_start: int = Field(default=20, ge=0, description="epoch; never read")


class Config(Section):
    model: Model = Field(description="architecture and its controllers")
    ternary_dataset: TernaryDataset = Field(
        default_factory=TernaryDataset, description="the operations to learn"
    )
    seed: int = Field(default=42, description="seed of weights, split and shuffling")
    batch_size: int = Field(ge=1, description="operations per step")
    num_workers: int = Field(default=0, ge=0, description="loader processes")
    total_epochs: int = Field(ge=1, description="epochs")
    optimizer: Optimizer = Field(description="optimiser and learning rate")
    vae_a: VaeA = Field(description="the exploring VAE")
    vae_b: VaeB = Field(description="the converging VAE")
    controller: Controller = Field(
        default_factory=Controller, description="lags between the two VAEs"
    )
    grad_clip: float = Field(default=1.0, gt=0, description="largest gradient norm")
    patience: int = Field(default=100, ge=1, description="epochs without a better validation loss")
    min_delta: float = Field(default=0.0001, ge=0, description="never read")
    coverage_plateau_patience: int = Field(default=100, ge=1, description="never read")
    min_coverage_delta: float = Field(default=0.001, ge=0, description="never read under this name")
    log_interval: int = Field(default=1, ge=1, description="epochs between log lines")
    checkpoint_freq: int = Field(default=10, ge=1, description="epochs between checkpoints")
    checkpoint_dir: str = Field(min_length=1, description="folder of this run's checkpoints")
    eval_num_samples: int = Field(
        default=195000, ge=1, description="latents drawn from the prior to count coverage"
    )
    eval_interval: int = Field(default=1, ge=1, description="epochs between evaluations")
    coverage_check_interval: int = Field(
        default=1, ge=1, description="epochs between coverage counts"
    )
    train_split: float = Field(default=0.8, gt=0, le=1, description="share of the operations")
    val_split: float = Field(default=0.1, ge=0, lt=1, description="share of the operations")
    test_split: float = Field(default=0.1, ge=0, lt=1, description="share of the operations")
    target_coverage_percent: float | None = Field(
        default=None, ge=0, le=100, description="wanted coverage under the prior, percent"
    )
    target_kld_min: float | None = Field(default=None, ge=0, description="lowest wanted KL")
    target_kld_max: float | None = Field(default=None, ge=0, description="highest wanted KL")
    target_recon_accuracy: float | None = Field(
        default=None, ge=0, le=100, description="wanted reconstruction, percent"
    )
    phase_transitions: PhaseTransitions = Field(
        default_factory=PhaseTransitions, description="epochs of the four phases"
    )
