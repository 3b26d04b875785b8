"""For every key of the head version: a run that it changes, or why it changes nothing."""

from __future__ import annotations

from .key_case import FLAT, HALF, IMPROVED, RECOMPUTING, STEADY, ZERO, Case, each
from .key_cases_training import SCHEDULE, TRAINING
from .probes import course

DEVICE = (
    Case("device.name", "a label", "written"),
    Case("device.cuda_device", 1, "elsewhere"),
    Case("device.empty_cache_freq", 3, "elsewhere"),
    Case("device.use_amp", True, "inert"),
    Case("device.pin_memory", True, "inert"),
    Case("device.num_workers", 2, "inert"),
    Case("device.cudnn_benchmark", True),
    Case("device.cudnn_deterministic", True),
    Case("torch_compile.enabled", True),
    *each(
        "torch_compile",
        {"backend": "eager", "mode": "max-autotune", "fullgraph": True},
        given={"torch_compile.enabled": True},
    ),
    Case("gradient_checkpoint.enabled", True),
    *each(
        "gradient_checkpoint",
        {
            "preserve_rng_state": False,
            "segments": 3,
            "use_reentrant": False,
            "encoder_checkpoint": False,
            "decoder_checkpoint": False,
            "projection_checkpoint": True,
        },
        given=RECOMPUTING,
    ),
    Case("gradient_checkpoint.controller_checkpoint", True, "inert", RECOMPUTING),
    Case("mixed_precision.enabled", True),
    Case("mixed_precision.dtype", "bfloat16", given=HALF),
    Case("mixed_precision.init_scale", 128.0, given=HALF),
    Case("mixed_precision.growth_interval", 1, given=HALF),
    Case(
        "mixed_precision.growth_factor", 4.0, given={**HALF, "mixed_precision.growth_interval": 1}
    ),
    # A scale that overflows float16 at once, so that it is taken back.
    Case(
        "mixed_precision.backoff_factor", 0.25, given={**HALF, "mixed_precision.init_scale": 1e30}
    ),
)

MODEL = (
    Case("model.name", "TernaryVAEV5_11"),
    *each(
        "model",
        {
            "latent_dim": 8,
            "hidden_dim": 12,
            "max_radius": 0.9,
            "curvature": 0.8,
            "use_controller": True,
            "use_dual_projection": False,
            "learnable_curvature": True,
            "projection_layers": 2,
            "projection_dropout": 0.3,
            "decoder_input": "mu",
            "encoder_type": "improved",
            "decoder_type": "improved",
        },
    ),
    Case("model.manifold_aware", True, "inert"),
    Case("model.encoder_dropout", 0.5, given=IMPROVED),
    Case("model.decoder_dropout", 0.5, given=IMPROVED),
    Case("model.logvar_min", 0.5, given=IMPROVED),
    Case("model.logvar_max", -1.0, given=IMPROVED),
    Case("option_c.enabled", False, "elsewhere"),
    Case("option_c.encoder_b_lr_scale", 0.5),
    Case("option_c.encoder_a_lr_scale", 0.5, "elsewhere"),
    Case("frozen_checkpoint.path", "", "elsewhere"),
    Case("frozen_checkpoint.encoder_to_load", "", "elsewhere"),
    Case("frozen_checkpoint.decoder_to_load", "", "elsewhere"),
)

# A stalls at full coverage and is let go; then coverage falls a little, twice.
CYCLE = tuple(
    course(
        coverage=[1.0] * 14 + [0.985] * 8 + [1.0] * 8 + [0.985] * 10,
        hierarchy_B=[-0.6 - 0.01 * at for at in range(40)],
        Q=[1.0 + 0.01 * at for at in range(40)],
    )
)
PLATEAU = tuple(
    course(hierarchy_B=[-0.6] * 12 + [-0.5] + [-0.6] * 20, Q=[1 + 0.01 * at for at in range(33)])
)
HOMEOSTASIS = (
    Case("homeostasis.enabled", True, "judged", evaluations=FLAT),
    *each(
        "homeostasis",
        {
            "coverage_freeze_threshold": 0.85,
            "warmup_epochs": 12,
            "hysteresis_epochs": 12,
            "annealing_step": 0.001,
            "enable_annealing": False,
        },
        "judged",
        given={
            **STEADY,
            "homeostasis.coverage_unfreeze_threshold": 0.999,
            "homeostasis.annealing_step": 0.06,
        },
        evaluations=CYCLE,
    ),
    Case(
        "homeostasis.coverage_unfreeze_threshold",
        0.8,
        "judged",
        {**STEADY, "homeostasis.coverage_freeze_threshold": 0.7},
        tuple(course(coverage=[0.9] * 14, hierarchy_B=[-0.6 - 0.01 * at for at in range(14)])),
    ),
    Case("homeostasis.coverage_floor", 0.5, "judged", {}, tuple(course(coverage=[0.7, 0.8]))),
    Case("homeostasis.hierarchy_plateau_threshold", 0.5, "judged", STEADY, CYCLE),
    Case("homeostasis.hierarchy_plateau_patience", 2, "judged", STEADY, PLATEAU),
    Case("homeostasis.hierarchy_patience_ceiling", 5, "judged", STEADY, PLATEAU),
)

ADAPTIVE = {"loss.adaptive_loss.enabled": True}
CURRICULUM = {**ADAPTIVE, "loss.adaptive_loss.enable_curriculum": True}
DIFFICULTY = {**ADAPTIVE, "loss.adaptive_loss.enable_difficulty_adaptive": True}
BALANCING = {**ADAPTIVE, "loss.adaptive_loss.enable_performance_rebalancing": True}
POOR = tuple(course(richness_B=[0.0005] * 12, coverage=[0.97] * 12))
LOSS = (
    Case("loss.radius_metric", "euclidean"),
    Case("loss.adaptive_loss.enabled", True, given={"loss.adaptive_loss.enable_curriculum": True}),
    Case("loss.adaptive_loss.enable_curriculum", True, given=ADAPTIVE),
    Case("loss.adaptive_loss.enable_difficulty_adaptive", True, given=ADAPTIVE),
    Case(
        "loss.adaptive_loss.enable_performance_rebalancing",
        True,
        "judged",
        ADAPTIVE,
        POOR,
    ),
    *each(
        "loss.adaptive_loss",
        {
            "curriculum_warmup_epochs": 1,
            "curriculum_transition_epochs": 3,
            "coverage_priority_early": 3.0,
            "hierarchy_priority_late": 2.0,
        },
        "judged",
        given=CURRICULUM,
        evaluations=POOR,
    ),
    *each(
        "loss.adaptive_loss",
        {"difficulty_adaptation_rate": 0.5, "difficulty_smoothing": 0.1},
        given=DIFFICULTY,
        epochs=2,
    ),
    *each(
        "loss.adaptive_loss",
        {
            "rebalancing_interval": 2,
            "rebalancing_sensitivity": 0.6,
            "target_hierarchy_correlation": 0.4,
            "target_richness_ratio": 0.9,
        },
        "judged",
        given=BALANCING,
        evaluations=POOR,
    ),
    Case("loss.rich_hierarchy.enabled", False),
    *each(
        "loss.rich_hierarchy",
        {
            "hierarchy_weight": 1.0,
            "coverage_weight": 3.0,
            "separation_weight": 1.0,
            "min_richness_ratio": 1e9,
        },
    ),
    Case(
        "loss.rich_hierarchy.richness_weight",
        9.0,
        given={"loss.rich_hierarchy.min_richness_ratio": 1e9},
    ),
    Case("loss.radial.enabled", False),
    *each(
        "loss.radial",
        {"inner_radius": 0.2, "outer_radius": 1.2, "radial_weight": 1.0, "margin_weight": 3.0},
    ),
    Case("loss.geodesic.enabled", False),
    *each(
        "loss.geodesic",
        {
            "phase_start_epoch": 2,
            "curvature": 0.5,
            "max_target_distance": 2.0,
            "n_pairs": 20,
            "weight": 0.3,
        },
    ),
    Case("loss.rank.enabled", False),
    *each("loss.rank", {"weight": 0.2, "temperature": 0.5, "n_pairs": 20}),
    Case("loss.zero_structure.enabled", True),
    *each("loss.zero_structure", {"valuation_weight": 0.3, "sparsity_weight": 2.0}, given=ZERO),
)

CASES = (*DEVICE, *MODEL, *HOMEOSTASIS, *LOSS, *SCHEDULE, *TRAINING)
