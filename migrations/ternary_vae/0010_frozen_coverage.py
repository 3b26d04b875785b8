"""Restructures the file into sections; the architecture trains on frozen encoders from here.

What the trainers of both generations know moves to its section. The objective of the old
one (both VAEs, their p-adic losses, StateNet, phases, steps of the learning rate, the
seed) has no place in the new one and stays in the stash, word for word. Targets of other
metrics stay there too: a ranking correlation is no distance correlation, and patience
with a validation loss is no patience with a composite score. Coverage becomes a fraction.

A frozen checkpoint must be named by hand: the one that a run of the old file wrote.
"""

from math import ceil

from cfgmig.migration import (
    MISSING,
    STASH,
    Add,
    Convert,
    Custom,
    Default,
    Move,
    Remove,
    Scale,
    Values,
)

revision = "5.11.0"
revises = "5.10.1"


def _section(data, *keys):
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _batches(data):
    samples = (data.get("ternary_dataset") or {}).get("num_samples", 19683)
    return ceil(int(data.get("train_split", 0.8) * samples) / data["batch_size"])


def _print_every(data):
    """Whole epochs move; an interval within an epoch goes into the stash, and 1 is written."""
    batches = data.get("log_interval")
    if batches is None:
        return []  # once per epoch, here and there
    per_epoch = _batches(data)
    if batches % per_epoch:
        return [Add("logging.print_every", _rounded(batches, per_epoch))]
    epochs = Convert("log_interval", Values({batches: batches // per_epoch}))
    return [epochs, Move("log_interval", "logging.print_every")]


def _rounded(batches, per_epoch):
    return max(1, round(batches / per_epoch))


def _log_interval(data):
    if data.get("log_interval") is not None:  # it came back from the stash
        written = _rounded(data["log_interval"], _batches(data))
        return [Remove("logging.print_every", written, optional=True)]
    epochs = _section(data, "logging", "print_every")
    if epochs is None:
        return []
    batches = Convert("log_interval", Values({epochs: epochs * _batches(data)}))
    return [Move("logging.print_every", "log_interval"), batches]


def _log_dir(data):
    """A folder means TensorBoard is on; null means that it is off."""
    if data.get("tensorboard_dir") is None:
        return [
            Remove("tensorboard_dir", STASH, optional=True),
            Add("logging.tensorboard", STASH, optional=True),
            Add("logging.log_dir", STASH, optional=True),
        ]
    return [Move("tensorboard_dir", "logging.log_dir"), Add("logging.tensorboard", True)]


def _tensorboard_dir(data):
    logging = _section(data, "logging") or {}
    if not logging.get("tensorboard"):
        return [
            Remove("logging.log_dir", STASH, optional=True),
            Remove("logging.tensorboard", STASH, optional=True),
            Add("tensorboard_dir", STASH, optional=True),
        ]
    switch = Remove("logging.tensorboard", True)
    if "log_dir" not in logging:
        return [switch, Add("tensorboard_dir", "runs")]
    return [switch, Move("logging.log_dir", "tensorboard_dir")]


RADIAL = (
    Remove("radial_stratification.loss_type", STASH, optional=True),
    Move("radial_stratification", "loss.radial"),
    Move("loss.radial.base_weight", "loss.radial.radial_weight", optional=True),
)
CURRICULUM = (
    Remove("curriculum.enabled", STASH, optional=True),
    Remove("curriculum.tau_min", STASH, optional=True),
    Remove("curriculum.tau_scale", STASH, optional=True),
    Remove("curriculum.tau_momentum", STASH, optional=True),
    Move("curriculum", "loss.curriculum", optional=True),
    Move("loss.curriculum.tau_max", "loss.curriculum.final_tau", optional=True),
)


def _losses(data):
    """A curriculum that was off says nothing of the one that is always on."""
    operations = []
    if _section(data, "radial_stratification"):
        operations += RADIAL
    if _section(data, "curriculum", "enabled") is False:
        operations.append(Remove("curriculum", STASH))
    elif _section(data, "curriculum"):
        operations += CURRICULUM
    return [
        *operations,
        Remove("radial_stratification", STASH, optional=True),
        Remove("curriculum", STASH, optional=True),
        Add("loss.geodesic", STASH, optional=True),
        Add("loss.curriculum.warmup_epochs", STASH, optional=True),
    ]


def _strata(data):
    operations = [
        Remove("loss.curriculum.warmup_epochs", STASH, optional=True),
        Remove("loss.geodesic", STASH, optional=True),
        Add("curriculum", STASH, optional=True),
        Add("radial_stratification", STASH, optional=True),
    ]
    if _section(data, "loss", "curriculum"):
        operations += [one.reverse() for one in reversed(CURRICULUM)]
    if _section(data, "loss", "radial"):
        operations += [one.reverse() for one in reversed(RADIAL)]
    return operations


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
        "log_interval, in batches, becomes logging.print_every, in epochs.",
        _print_every,
        _log_interval,
        touches=("log_interval", "logging.print_every"),
    ),
    Remove("log_interval", STASH, optional=True),
    Custom(
        "tensorboard_dir becomes logging.log_dir, and TensorBoard a switch of its own.",
        _log_dir,
        _tensorboard_dir,
        touches=("tensorboard_dir", "logging.log_dir", "logging.tensorboard"),
    ),
    Custom(
        "radial_stratification and curriculum become loss.radial and loss.curriculum.",
        _losses,
        _strata,
        touches=("radial_stratification", "curriculum", "loss"),
    ),
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
weights = []
