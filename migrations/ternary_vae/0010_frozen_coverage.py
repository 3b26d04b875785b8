"""Restructures the file into sections; the architecture trains on frozen encoders from here.

What the trainers of both generations know moves to its section. The objective of the old
one (both VAEs, their p-adic losses, StateNet, phases, steps of the learning rate, the
seed) has no place in the new one and stays in the stash, word for word. Targets of other
metrics stay there too: a ranking correlation is no distance correlation, and patience
with a validation loss is no patience with a composite score. Coverage becomes a fraction.

A frozen checkpoint must be named by hand: the one that a run of the old file wrote.
"""

# ruff: noqa: D102  what a codec does is said of the codec
from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from cfgmig.migration import (
    MISSING,
    STASH,
    Add,
    Codec,
    Convert,
    Custom,
    Default,
    Move,
    Operation,
    Remove,
    Scale,
    Weights,
)

revision = "5.11.0"
revises = "5.10.1"


@dataclass(frozen=True)
class Epochs(Codec):
    """Batches to whole epochs, at least one; the stash keeps what is no multiple."""

    per_epoch: int

    def apply(self, value: Any) -> Any:
        return None if value is None else max(1, round(value / self.per_epoch))

    def reverse(self) -> Codec:
        return Batches(self.per_epoch)

    def describe(self) -> str:
        return f"every {self.per_epoch} batches become an epoch"


@dataclass(frozen=True)
class Batches(Codec):
    """Epochs to batches."""

    per_epoch: int

    def apply(self, value: Any) -> Any:
        return None if value is None else value * self.per_epoch

    def reverse(self) -> Codec:
        return Epochs(self.per_epoch)

    def describe(self) -> str:
        return f"epochs become batches, {self.per_epoch} each"


def _per_epoch(data: Any) -> int:
    """Batches of one epoch: the training share of all operations, in batches."""
    samples = (data.get("ternary_dataset") or {}).get("num_samples", 19683)
    batches: int = ceil(int(data.get("train_split", 0.8) * samples) / data["batch_size"])
    return batches


def _to_epochs(data: Any) -> list[Operation]:
    if data.get("log_interval") is None:  # once per epoch, here and there
        return [Remove("log_interval", STASH, optional=True)]
    return [Convert("log_interval", Epochs(_per_epoch(data)))]


def _to_batches(data: Any) -> list[Operation]:
    if "log_interval" not in data:
        return [Add("log_interval", STASH, optional=True)]
    return [Convert("log_interval", Batches(_per_epoch(data)))]


TENSORBOARD = "logging.tensorboard"


def _switch(data: Any) -> list[Operation]:
    """A folder means that TensorBoard is on; null, that it is off."""
    if "tensorboard_dir" not in data:
        restored = (TENSORBOARD, "tensorboard_dir")
        return [Add(path, STASH, optional=True) for path in restored]
    if data["tensorboard_dir"] is None:
        return [Remove("tensorboard_dir", STASH)]
    return [Add(TENSORBOARD, True)]


def _folder(data: Any) -> list[Operation]:
    """Without TensorBoard no folder is meant, whatever the file says."""
    if not (data.get("logging") or {}).get("tensorboard"):
        return [
            Remove(TENSORBOARD, STASH, optional=True),
            Remove("tensorboard_dir", STASH, optional=True),
            Add("tensorboard_dir", STASH, optional=True),
        ]
    named = [] if "tensorboard_dir" in data else [Add("tensorboard_dir", "runs")]
    return [Remove(TENSORBOARD, True), *named]


STRATA = ("radial_stratification", "curriculum")
ONLY_NEW = ("loss.geodesic", "curriculum.warmup_epochs")
WEIGHT = Default("radial_stratification.base_weight", 2.0)


def _losses(data: Any) -> list[Operation]:
    """A curriculum that was off says nothing of the one that is always on."""
    curriculum = data.get("curriculum") or {"enabled": False}
    off = [one for one in STRATA if not data.get(one)]
    off += ["curriculum"] if curriculum.get("enabled") is False else []
    taken_back = [WEIGHT.reverse()] if data.get("radial_stratification") else []
    return [
        *taken_back,
        *(Remove(one, STASH, optional=True) for one in off),
        *(Add(path, STASH, optional=True) for path in ONLY_NEW),
    ]


def _strata(data: Any) -> list[Operation]:
    needed = [WEIGHT] if data.get("radial_stratification") else []
    return [
        *(Remove(path, STASH, optional=True) for path in ONLY_NEW),
        *needed,
        *(Add(one, STASH, optional=True) for one in STRATA),
    ]


LEFT = (
    "config_version",
    *(f"model.{key}" for key in (
        "input_dim", "rho_min", "rho_max", "lambda3_base", "lambda3_amplitude", "eps_kl",
        "gradient_balance", "adaptive_scheduling", "use_statenet", "statenet_version",
        "statenet_lr_scale", "statenet_lambda_scale", "statenet_ranking_scale",
        "statenet_hyp_sigma_scale", "statenet_hyp_curvature_scale",
        "statenet_curriculum_scale",
    )),
    "ternary_dataset.seed", "seed", "num_workers", "gpu_resident",
    "optimizer.type", "optimizer.lr_schedule",
    "vae_a", "vae_b", "free_bits", "controller", "padic_losses", "continuous_feedback",
    "correlation_feedback", "exploration_boost", "correlation_loss", "phase_transitions",
    "patience", "min_delta", "coverage_plateau_patience", "min_coverage_delta",
    "eval_num_samples", "coverage_check_interval", "experiment_name", "log_dir",
    "histogram_interval", "embedding_interval", "embedding_n_samples", "torch_compile",
    "train_split", "val_split", "test_split", "target_kld_min", "target_kld_max",
    "target_recon_accuracy", "target_ranking_correlation",
)  # fmt: skip

config = [
    Custom(
        "log_interval: batches become epochs.",
        _to_epochs,
        _to_batches,
        touches=("log_interval", "logging.print_every"),
    ),
    Move("log_interval", "logging.print_every", optional=True),
    Custom(
        "TensorBoard gets a switch of its own, on where tensorboard_dir names a folder.",
        _switch,
        _folder,
        touches=("tensorboard_dir", "logging.log_dir", TENSORBOARD),
    ),
    Move("tensorboard_dir", "logging.log_dir", optional=True),
    Custom(
        "Strata and curriculum that are off stay in the stash.",
        _losses,
        _strata,
        touches=(*STRATA, "loss"),
    ),
    Remove("radial_stratification.loss_type", STASH, optional=True),
    Move("radial_stratification", "loss.radial", optional=True),
    Move("loss.radial.base_weight", "loss.radial.radial_weight", optional=True),
    Remove("curriculum.enabled", STASH, optional=True),
    Remove("curriculum.tau_min", STASH, optional=True),
    Remove("curriculum.tau_scale", STASH, optional=True),
    Remove("curriculum.tau_momentum", STASH, optional=True),
    Move("curriculum", "loss.curriculum", optional=True),
    Move("loss.curriculum.tau_max", "loss.curriculum.final_tau", optional=True),
    Add("model.name", "TernaryVAEV5_11"),
    Add("model.hidden_dim", 64, implicit=True),
    Add("model.max_radius", 0.95, implicit=True),
    Add("model.curvature", 1.0, implicit=True),
    Add("model.use_controller", False, implicit=True),
    Add("model.use_dual_projection", False, implicit=True),
    Add("frozen_checkpoint", None, implicit=True),
    Move("total_epochs", "training.epochs"),
    Move("batch_size", "training.batch_size"),
    Move("optimizer.lr_start", "training.lr"),
    Default("training.lr", MISSING, new=0.001),
    Move("optimizer.weight_decay", "training.weight_decay", optional=True),
    Move("grad_clip", "training.max_grad_norm", optional=True),
    Add("training.scheduler", {}, implicit=True),
    Move("eval_interval", "training.eval_every", optional=True),
    Move("checkpoint_freq", "training.save_every", optional=True),
    Move("ternary_dataset.exhaustive", "data.use_full_dataset", optional=True),
    Move("ternary_dataset.num_samples", "data.n_operations", optional=True),
    Move("checkpoint_dir", "checkpoints.save_dir"),
    Add("checkpoints.save_best", True, implicit=True),
    Add("checkpoints.best_metric", "composite_score", implicit=True),
    Add("checkpoints.best_mode", None, implicit=True),
    Move("target_coverage_percent", "targets.coverage", optional=True),
    Convert("targets.coverage", Scale(0.01), optional=True),
    Add("targets.radial_hierarchy", None, implicit=True),
    Add("targets.distance_correlation", None, implicit=True),
    Add("option_c", {"enabled": False, "freeze_encoder_b": False}, implicit=True),
    *(Remove(path, STASH, optional=True) for path in LEFT),
]
SIDES = ("A", "B")
BUFFERS = (
    "grad_norm_A_ema", "grad_norm_B_ema", "r_A_ema", "r_B_ema", "mean_radius_A",
    "mean_radius_B", "prior_sigma", "curvature", "loss_ema", "loss_prev", "loss_grad_ema",
)  # fmt: skip
APPETITES = (
    *(f"appetite_{name}" for name in ("ranking", "hierarchy", "curiosity", "symbiosis", "closure")),
    "ranking", "curiosity", "symbiosis", "closure",
)  # fmt: skip
WRAPPED = (
    "encoder_A", "encoder_B", "decoder_A", "decoder_B", "state_net",
    "grad_norm_A_ema", "grad_norm_B_ema",
)  # fmt: skip

CANONICAL = (
    *(Move(f"encoder_{s}.{at}", f"encoder_{s}.encoder.{at}") for s in SIDES for at in (0, 2, 4)),
    *(Move(f"{h}_{s}", f"encoder_{s}.{h}") for s in SIDES for h in ("fc_mu", "fc_logvar")),
    *(Move(f"decoder_A.{at}", f"decoder_A.decoder.{at}") for at in (0, 2, 4)),
)
"""The names that the launchers of 5.11.11 gave to the components that they trained."""


def weights(state: Weights) -> list[Operation]:
    """Encoders and decoder_A stay; what 5.11 has no place for is kept beside the checkpoint.

    That is decoder_B, StateNet, the running means, and the appetites around a model of 5.6. On
    the way back, projection and controller are what 5.10 has no place for.
    """
    layout = state.facts.get("layout")
    if layout == "v5.5 simplified":
        return list(CANONICAL)
    appetitive = layout == "v5.6 appetitive"
    return [
        *(Move(f"base.{name}", name) for name in WRAPPED if appetitive),
        *(Remove(name, STASH) for name in APPETITES if appetitive),
        Remove("decoder_B", STASH),
        Remove("state_net", STASH, optional=True),
        *(Remove(name, STASH, optional=True) for name in BUFFERS),
        Add("projection", STASH, optional=True),
        Add("controller", STASH, optional=True),
    ]


def _sampled(data: Any) -> list[Operation]:
    """Both kinds of files counted what samples decode to, the latter from the means' spread."""
    if "coverage_definition" in data:
        return []
    if "coverage_A_history" in data:
        return [Add("coverage_definition", "cov_prior")]
    return [Add("coverage_definition", "cov_sampled")] if "coverage" in data else []


def _stays(data: Any) -> list[Operation]:
    del data
    return []


checkpoint = [
    Move("model", "model_state", optional=True),
    Move("optimizer", "optimizer_state", optional=True),
    Custom(
        "The coverage says how it was measured: from samples of the prior (cov_prior), or of "
        "what an encoder gives (cov_sampled).",
        _sampled,
        _stays,
        touches=("coverage_definition",),
    ),
]
