"""Imports the command line options that a 5.11 checkpoint carries.

Options that said `no_...` become switches without the no. The architecture follows from
`option_c`. What no config file ever held (the YAML that was named, the torch device, the
losses of other fields) stays in the stash.
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
    Not,
    Operation,
    Remove,
)

revision = "5.11.11"
revises = "cli"

CLASSES = {True: "TernaryVAEV5_11_PartialFreeze", False: "TernaryVAEV5_11"}


def _architecture(data: Any) -> str:
    return CLASSES[bool(data.get("option_c"))]


def _name(data: Any) -> list[Operation]:
    return [Add("model.name", _architecture(data))]


def _unname(data: Any) -> list[Operation]:
    return [Remove("model.name", _architecture(data), optional=True)]


def _switch(source: str, section: str) -> tuple[Move, Move]:
    """An option whose name is that of the section it goes to."""
    return Move(source, f"{source}_switch", True), Move(f"{source}_switch", section, True)


config = [
    Remove("config", STASH, optional=True),
    Remove("device", STASH, optional=True),
    Remove("learnable_weights", STASH, optional=True),
    Remove("geometric_weight", STASH, optional=True),
    Remove("geometric_symmetry", STASH, optional=True),
    Remove("drug_sim_weight", STASH, optional=True),
    Remove("enable_annealing", STASH, optional=True),
    Custom(
        "The architecture's class is written down: partial freezing where option_c is on.",
        _name,
        _unname,
        touches=("model.name",),
    ),
    Add("model.latent_dim", 16, implicit=True),
    Move("projection_hidden_dim", "model.hidden_dim", optional=True),
    Move("max_radius", "model.max_radius", optional=True),
    Move("curvature", "model.curvature", optional=True),
    Move("use_controller", "model.use_controller", optional=True),
    Move("dual_projection", "model.use_dual_projection", optional=True),
    Move("learnable_curvature", "model.learnable_curvature", optional=True),
    Move("manifold_aware", "model.manifold_aware", optional=True),
    Move("projection_layers", "model.projection_layers", optional=True),
    Move("projection_dropout", "model.projection_dropout", optional=True),
    Add("model.projection_hidden_dim", None, implicit=True),
    Move("v5_5_checkpoint", "frozen_checkpoint.path"),
    Add("frozen_checkpoint.encoder_to_load", "both", implicit=True),
    Add("frozen_checkpoint.decoder_to_load", "decoder_A", implicit=True),
    *_switch("option_c", "option_c.enabled"),
    Move("encoder_b_lr_scale", "option_c.encoder_b_lr_scale", optional=True),
    Move("encoder_a_lr_scale", "option_c.encoder_a_lr_scale", optional=True),
    *_switch("homeostasis", "homeostasis.enabled"),
    Move("coverage_freeze_threshold", "homeostasis.coverage_freeze_threshold", optional=True),
    Move("coverage_floor", "homeostasis.coverage_floor", optional=True),
    Move("homeostasis_warmup", "homeostasis.warmup_epochs", optional=True),
    Move("hysteresis_epochs", "homeostasis.hysteresis_epochs", optional=True),
    Convert("no_annealing", Not(), optional=True),
    Move("no_annealing", "homeostasis.enable_annealing", optional=True),
    Move("annealing_step", "homeostasis.annealing_step", optional=True),
    Add("homeostasis.coverage_unfreeze_threshold", 1.0, implicit=True),
    Add("homeostasis.hierarchy_plateau_threshold", 0.001, implicit=True),
    Add("homeostasis.hierarchy_plateau_patience", 5, implicit=True),
    Add("homeostasis.hierarchy_patience_ceiling", 15, implicit=True),
    Add("homeostasis.controller_grad_threshold", 0.01, implicit=True),
    Add("homeostasis.controller_grad_patience", 3, implicit=True),
    Add("homeostasis.controller_patience_ceiling", 10, implicit=True),
    *_switch("progressive_unfreeze", "progressive_unfreeze.enabled"),
    Move("unfreeze_start_epoch", "progressive_unfreeze.start_epoch", optional=True),
    Move("unfreeze_warmup_epochs", "progressive_unfreeze.warmup_epochs", optional=True),
    Add("progressive_unfreeze.encoder_a_lr_scale", 0.05, implicit=True),
    Move("n_pairs", "loss.geodesic.n_pairs", optional=True),
    Add("loss.geodesic.enabled", True, implicit=True),
    Add("loss.geodesic.curvature", 1.0, implicit=True),
    Add("loss.geodesic.max_target_distance", 3.0, implicit=True),
    Add("loss.geodesic.use_smooth_l1", True, implicit=True),
    Move("radial_weight", "loss.radial.radial_weight", optional=True),
    Move("margin_weight", "loss.radial.margin_weight", optional=True),
    Add("loss.radial.enabled", True, implicit=True),
    Add("loss.radial.inner_radius", 0.1, implicit=True),
    Add("loss.radial.outer_radius", 0.85, implicit=True),
    Convert("no_rank_loss", Not(), optional=True),
    Move("no_rank_loss", "loss.rank.enabled", optional=True),
    Move("rank_loss_weight", "loss.rank.weight", optional=True),
    Add("loss.rank.temperature", 0.1, implicit=True),
    Add("loss.rank.n_pairs", 2000, implicit=True),
    Move("zero_structure", "loss.zero_structure.enabled", optional=True),
    Move("zero_valuation_weight", "loss.zero_structure.valuation_weight", optional=True),
    Move("zero_sparsity_weight", "loss.zero_structure.sparsity_weight", optional=True),
    *_switch("riemannian", "riemannian.enabled"),
    Add("riemannian.optimizer", "adam", implicit=True),
    Move("epochs", "training.epochs"),
    Move("batch_size", "training.batch_size"),
    Move("lr", "training.lr"),
    Default("training.lr", MISSING, new=0.001),
    Move("weight_decay", "training.weight_decay"),
    Default("training.weight_decay", MISSING, new=0.0001),
    Convert("no_stratified", Not(), optional=True),
    Move("no_stratified", "training.use_stratified", optional=True),
    Convert("no_adaptive", Not(), optional=True),
    Move("no_adaptive", "training.use_adaptive", optional=True),
    Move("hierarchy_threshold", "training.hierarchy_threshold", optional=True),
    Move("patience", "training.patience", optional=True),
    Move("min_epochs", "training.min_epochs", optional=True),
    Add("training.max_grad_norm", 1.0, implicit=True),
    Add("training.scheduler", {}, implicit=True),
    Add("training.eval_every", 1, implicit=True),
    Add("training.save_every", 10, implicit=True),
    Add("training.print_every", None, implicit=True),
    Move("save_dir", "checkpoints.save_dir"),
    Add("checkpoints.save_best", True, implicit=True),
    Add("checkpoints.best_metric", "composite_score", implicit=True),
    Add("checkpoints.best_mode", None, implicit=True),
    Add("checkpoints.checkpoint_name", None, implicit=True),
    Add("device", {}, implicit=True),
    Add("data", {}, implicit=True),
    Add("logging", {}, implicit=True),
    Add("targets", {}, implicit=True),
    Add("memory", {}, implicit=True),
]
weights = []
