"""Imports the manifold types; a frequency-optimal file keeps its type and no other objective.

The weights that both know go to the rich hierarchy loss. The losses of the frequency
objective exist nowhere else: they stay in the stash, `training.manifold_type` keeps
saying what the file is for, and the loss that orders by valuation is switched off.
The optimiser and the plateau scheduler have no counterpart and stay in the stash too.
Neither the radii nor the folder of the checkpoints was ever said: write them by hand.
"""

from __future__ import annotations

from typing import Any

from cfgmig.migration import (
    MISSING,
    STASH,
    Add,
    Convert,
    Custom,
    Default,
    Move,
    Operation,
    Remove,
    Scale,
)

revision = "5.12.5"
revises = "manifold"

RICH = "loss.rich_hierarchy.enabled"


def _frequency(data: Any) -> bool:
    return (data.get("training") or {}).get("manifold_type") == "frequency_optimal"


def _off(data: Any) -> list[Operation]:
    return [Add(RICH, False)] if _frequency(data) else [Add(RICH, STASH, optional=True)]


def _on(data: Any) -> list[Operation]:
    return [Remove(RICH, False if _frequency(data) else STASH, optional=True)]


def _frozen(data: Any) -> list[Operation]:
    option_c = data.get("option_c") or {}
    if option_c.get("enabled") and option_c.get("freeze_encoder_b"):
        return [Remove("option_c.enabled", STASH)]
    return []


def _thawed(data: Any) -> list[Operation]:
    del data
    return [Add("option_c.enabled", STASH, optional=True)]


def _one_way(data: Any) -> list[Operation]:
    del data
    return [Remove("checkpoint.mode", STASH, optional=True)]


def _either_way(data: Any) -> list[Operation]:
    del data
    return [Add("checkpoint.mode", STASH, optional=True)]


WEIGHTS = "training.loss_weights"
RADII = ("loss.radial.inner_radius", "loss.radial.outer_radius")
MEANT = {
    "device": {},
    "gradient_checkpoint": {"enabled": False},
    "model.learnable_curvature": False,
    "model.manifold_aware": False,
    "model.projection_layers": 1,
    "model.projection_dropout": 0.1,
    "model.decoder_input": "tangent",
    "model.encoder_dropout": 0.1,
    "model.decoder_dropout": 0.1,
    "model.logvar_min": -10.0,
    "model.logvar_max": 2.0,
    "frozen_checkpoint": None,
    "homeostasis.coverage_freeze_threshold": 0.995,
    "homeostasis.coverage_unfreeze_threshold": 1.0,
    "homeostasis.coverage_floor": 0.95,
    "homeostasis.warmup_epochs": 5,
    "homeostasis.hysteresis_epochs": 3,
    "homeostasis.enable_annealing": True,
    "homeostasis.annealing_step": 0.005,
    "homeostasis.hierarchy_plateau_threshold": 0.001,
    "homeostasis.hierarchy_patience_ceiling": 15,
    "loss.radius_metric": "hyperbolic",
    "loss.adaptive_loss": {"enabled": False},
    "loss.radial.enabled": True,
    "loss.radial.radial_weight": 2.0,
    "loss.radial.margin_weight": 1.0,
    "loss.geodesic": {},
    "loss.rank": {"enabled": False},
    "loss.zero_structure": {"enabled": False},
    "riemannian": {"enabled": False},
    "training.weight_decay": 0.0001,
    "training.max_grad_norm": 1.0,
    "training.use_stratified": False,
    "training.high_v_budget_ratio": 0.25,
    "training.use_adaptive": False,
    "training.hierarchy_threshold": -0.7,
    "training.patience": 20,
    "training.min_epochs": 30,
    "training.scheduler": {},
    "training.eval_every": 1,
    "training.print_every": None,
    "data": {},
    "checkpoints.checkpoint_name": None,
    "targets.richness": None,
    "targets.r_v9": None,
}
config = [
    Move("model.model_type", "model.name"),
    Default("model.latent_dim", 16),
    Default("model.hidden_dim", 64),
    Default("model.max_radius", 0.95),
    Default("model.curvature", 1.0),
    Move("epochs", "training.epochs"),
    Move("batch_size", "training.batch_size"),
    Move("learning_rate", "training.lr"),
    Default("training.lr", MISSING, new=0.001),
    Remove("optimizer", STASH, optional=True),
    Remove("scheduler", STASH, optional=True),
    Default("training.manifold_type", MISSING, new="valuation_optimal"),
    Move("training.target_hierarchy", "targets.hierarchy_B", optional=True),
    Move("training.homeostasis.target_coverage", "targets.coverage", optional=True),
    Convert("targets.coverage", Scale(0.01), optional=True),
    Move("training.option_c", "option_c", optional=True),
    Custom(
        "option_c.enabled leaves where freeze_encoder_b had taken encoder B out again.",
        _frozen,
        _thawed,
        touches=("option_c.enabled",),
    ),
    Remove("option_c.freeze_encoder_a", STASH, optional=True),
    Remove("option_c.freeze_encoder_b", STASH, optional=True),
    Remove("option_c.decoder_lr_scale", STASH, optional=True),
    Remove("training.homeostasis.q_threshold_freeze", STASH, optional=True),
    Remove("training.homeostasis.q_threshold_unfreeze", STASH, optional=True),
    Move("training.homeostasis.enabled", "homeostasis.enabled", optional=True),
    Move(
        "training.homeostasis.plateau_patience",
        "homeostasis.hierarchy_plateau_patience",
        optional=True,
    ),
    Move(f"{WEIGHTS}.hierarchy", "loss.rich_hierarchy.hierarchy_weight", optional=True),
    Move(f"{WEIGHTS}.coverage", "loss.rich_hierarchy.coverage_weight", optional=True),
    Move(f"{WEIGHTS}.richness", "loss.rich_hierarchy.richness_weight", optional=True),
    Move(f"{WEIGHTS}.separation", "loss.rich_hierarchy.separation_weight", optional=True),
    Custom(
        "loss.rich_hierarchy is off in a frequency-optimal file: it orders by valuation.",
        _off,
        _on,
        touches=(RICH, "training.manifold_type"),
    ),
    Add("loss.rich_hierarchy.min_richness_ratio", 0.5, implicit=True),
    Remove(WEIGHTS, STASH, optional=True),
    Remove("frequency_settings", STASH, optional=True),
    Move("checkpoint.save_every", "training.save_every", optional=True),
    Move("checkpoint.save_best", "checkpoints.save_best", optional=True),
    Move("checkpoint.monitor_metric", "checkpoints.best_metric", optional=True),
    Custom(
        "checkpoint.mode goes; the folder of checkpoints, like the radii, was never said.",
        _one_way,
        _either_way,
        touches=("checkpoint.mode", "checkpoints.save_dir", *RADII),
    ),
    Remove("logging", STASH, optional=True),
    Remove("validation", STASH, optional=True),
    *(Add(path, value, implicit=True) for path, value in MEANT.items()),
    Add("logging", {}, implicit=True),
]
weights = []
