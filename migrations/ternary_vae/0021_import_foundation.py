"""Imports the mathematical foundation; its precision switches, which nothing read, go.

Tier 1 of the targets becomes the targets, saving and logging go where the head has them,
and `enhanced_adam` is Adam. Settings of a controller and a projection that were never
built, second names of the same weights, the folder-less names of checkpoints and the
lists of tests stay in the stash. Where the checkpoints go was never said: write
`checkpoints.save_dir` by hand.
"""

from __future__ import annotations

from typing import Any

from cfgmig.migration import STASH, Add, Convert, Custom, Default, Move, Operation, Remove, Values

revision = "5.12.5"
revises = "foundation"


def _frozen(data: Any) -> list[Operation]:
    option_c = data.get("option_c") or {}
    if option_c.get("enabled") and option_c.get("freeze_encoder_b"):
        return [Remove("option_c.enabled", STASH)]
    return []


def _thawed(data: Any) -> list[Operation]:
    del data
    return [Add("option_c.enabled", STASH, optional=True)]


SCHEDULER = "training.scheduler"
UNTYPED = Default(f"{SCHEDULER}.type", "cosine_warmup_restart")
RESTARTS = Convert(
    f"{SCHEDULER}.type",
    Values({"mathematical_cosine": "cosine_warmup_restart"}),
    optional=True,
)


def _type(data: Any) -> Any:
    return ((data.get("training") or {}).get("scheduler") or {}).get("type")


def _typed(data: Any) -> list[Operation]:
    if (data.get("training") or {}).get("scheduler") is None:
        return [Add(SCHEDULER, STASH, optional=True)]
    return [RESTARTS, UNTYPED]


def _untyped(data: Any) -> list[Operation]:
    other = _type(data) not in (None, "cosine_warmup_restart")
    if other or (data.get("training") or {}).get("scheduler") is None:
        return [Remove(SCHEDULER, STASH, optional=True)]
    dropped = Remove(f"{SCHEDULER}.adaptive_lr", STASH, optional=True)
    return [UNTYPED.reverse(), RESTARTS.reverse(), dropped]


def _no_template(data: Any) -> list[Operation]:
    del data
    return [Remove("checkpointing", STASH, optional=True)]


def _template(data: Any) -> list[Operation]:
    del data
    return [Add("checkpointing", STASH, optional=True)]


TIER = "targets.tier_1_mathematical_foundation"
NO_PART = Values({"none": None}, others="keep", reverse={None: None})
PLAIN_ADAM = Values({"enhanced_adam": "adam"}, others="keep", reverse={"adam": "adam"})
GONE = (
    "training_profile",
    "device.mathematical_precision",
    "model.enhanced_controller",
    "model.adaptive_projection",
    "model.mathematical_precision",
    "model.controller_input_dim",
    "model.controller_hidden_dim",
    "model.controller_output_dim",
    "option_c.freeze_encoder_a",
    "option_c.freeze_encoder_b",
    "option_c.unfreeze_epoch",
    "frozen_checkpoint.strict_loading",
    "homeostasis.mathematical_precision",
    "homeostasis.enhanced_metrics",
    "homeostasis.coverage_precision_threshold",
    "homeostasis.hierarchy_precision_threshold",
    "homeostasis.richness_precision_threshold",
    "homeostasis.Q_target",
    "homeostasis.Q_tolerance",
    "homeostasis.Q_history_length",
    "homeostasis.annealing_patience",
    "loss.enhanced_mathematical",
    "loss.rich_hierarchy.precision_mode",
    "loss.radial.smooth_targets",
    "loss.geodesic.precision_mode",
    "riemannian.precision_mode",
    "riemannian.curvature_aware",
    "training.mathematical_precision",
)
MEANT = {
    "device.empty_cache_freq": None,
    "device.cudnn_benchmark": False,
    "device.cudnn_deterministic": False,
    "torch_compile": {"enabled": False},
    "gradient_checkpoint": {"enabled": False},
    "mixed_precision": {"enabled": False},
    "model.projection_layers": 1,
    "model.decoder_input": "tangent",
    "homeostasis.coverage_unfreeze_threshold": 1.0,
    "homeostasis.coverage_floor": 0.95,
    "homeostasis.warmup_epochs": 5,
    "homeostasis.hysteresis_epochs": 3,
    "homeostasis.hierarchy_plateau_threshold": 0.001,
    "homeostasis.hierarchy_plateau_patience": 5,
    "homeostasis.hierarchy_patience_ceiling": 15,
    "loss.radius_metric": "hyperbolic",
    "loss.adaptive_loss": {"enabled": False},
    "loss.rich_hierarchy.enabled": True,
    "loss.rich_hierarchy.min_richness_ratio": 0.5,
    "loss.radial.enabled": True,
    "loss.radial.margin_weight": 1.0,
    "loss.geodesic.curvature": 1.0,
    "loss.geodesic.max_target_distance": 3.0,
    "loss.geodesic.n_pairs": 2000,
    "loss.rank": {"enabled": False},
    "loss.zero_structure": {"enabled": False},
    "training.high_v_budget_ratio": 0.25,
    "training.hierarchy_threshold": -0.7,
    "training.patience": 20,
    "training.min_epochs": 30,
    "training.print_every": None,
    "training.manifold_type": "valuation_optimal",
    "data": {},
    "logging.log_dir": "runs",
    "logging.print_every": 1,
    "checkpoints.save_best": True,
    "checkpoints.best_metric": "composite_score",
    "checkpoints.checkpoint_name": None,
}
config = [
    Remove("mathematical_foundation", STASH),
    Default("model.latent_dim", 16),
    Default("model.hidden_dim", 64),
    Default("model.max_radius", 0.95),
    Default("model.curvature", 1.0),
    Custom(
        "option_c.enabled leaves where freeze_encoder_b had taken encoder B out again.",
        _frozen,
        _thawed,
        touches=("option_c.enabled",),
    ),
    Convert("frozen_checkpoint.encoder_to_load", NO_PART, optional=True),
    Convert("frozen_checkpoint.decoder_to_load", NO_PART, optional=True),
    Convert("riemannian.optimizer", PLAIN_ADAM, optional=True),
    Custom(
        "training.scheduler: a mathematical cosine is a cosine with warm restarts.",
        _typed,
        _untyped,
        touches=(SCHEDULER,),
    ),
    Move("loss.radial.weight", "loss.radial.radial_weight", optional=True),
    Move(f"{TIER}.coverage", "targets.coverage", optional=True),
    Move(f"{TIER}.hierarchy_B", "targets.hierarchy_B", optional=True),
    Move(f"{TIER}.richness", "targets.richness", optional=True),
    Move("loss.targets.r_v9", "targets.r_v9", optional=True),
    Remove("loss.targets", STASH, optional=True),
    Remove(TIER, STASH, optional=True),
    Remove("targets.tier_2_production_ready", STASH, optional=True),
    Move("validation.run_every_n_epochs", "training.eval_every", optional=True),
    Remove("validation", STASH, optional=True),
    Move("checkpointing.save_every_n_epochs", "training.save_every", optional=True),
    Custom(
        "checkpointing goes; checkpoints.save_dir was never said: write it by hand.",
        _no_template,
        _template,
        touches=("checkpointing", "checkpoints.save_dir"),
    ),
    Move("monitoring.tensorboard", "logging.tensorboard", optional=True),
    Remove("monitoring", STASH, optional=True),
    *(Remove(path, STASH, optional=True) for path in GONE),
    *(Add(path, value, implicit=True) for path, value in MEANT.items()),
]
weights = []
