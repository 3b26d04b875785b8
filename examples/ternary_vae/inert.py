"""Keys that change nothing in a run, and why: said before it starts, so that none is dead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemas.ternary_vae.v5_12_5 import Config

_NO_LOADER = "all 19,683 operations lie on the device; there is no loader"
_SCALING = ("init_scale", "growth_factor", "backoff_factor", "growth_interval")


def inert(config: Config, *, on_gpu: bool, options: frozenset[str] = frozenset()) -> dict[str, str]:
    """Path -> reason, for every key that this run does not depend on.

    Args:
        config: of the head version.
        on_gpu: whether the run is on a GPU.
        options: command line options that make keys count: `unfreeze`.
    """
    found = {
        "device.use_amp": "mixed_precision.enabled is what counts",
        "device.pin_memory": _NO_LOADER,
        "device.num_workers": _NO_LOADER,
        "model.manifold_aware": "it marked outputs for the reader; no number depends on it",
    }
    if not on_gpu:
        for key in ("cuda_device", "empty_cache_freq", "cudnn_benchmark", "cudnn_deterministic"):
            found[f"device.{key}"] = "this run is on the CPU"
    return {
        **found,
        **_switched_off(config),
        **_of_model(config),
        **_of_freezing(config, options),
        **_of_loss(config),
        **_of_adaptation(config),
    }


def _below(path: str, keys: tuple[str, ...], reason: str) -> dict[str, str]:
    return {f"{path}.{key}": reason for key in keys}


def _switched_off(config: Config) -> dict[str, str]:
    found: dict[str, str] = {}
    sections: dict[str, Any] = {
        "torch_compile": config.torch_compile,
        "gradient_checkpoint": config.gradient_checkpoint,
        "mixed_precision": config.mixed_precision,
        "homeostasis": config.homeostasis,
        "loss.adaptive_loss": config.loss.adaptive_loss,
        "loss.rich_hierarchy": config.loss.rich_hierarchy,
        "loss.geodesic": config.loss.geodesic,
        "loss.rank": config.loss.rank,
        "loss.zero_structure": config.loss.zero_structure,
    }
    for path, section in sections.items():
        if not section.enabled:
            keys = tuple(key for key in type(section).model_fields if key != "enabled")
            found |= _below(path, keys, f"{path}.enabled is false")
    # The threshold below which no best file is kept is there without homeostasis, too.
    found.pop("homeostasis.coverage_floor", None)
    if not config.riemannian.enabled:
        found["riemannian.optimizer"] = "riemannian.enabled is false: AdamW"
    if config.mixed_precision.enabled and config.mixed_precision.dtype == "bfloat16":
        found |= _below("mixed_precision", _SCALING, "bfloat16 needs no loss scaling")
    if not config.logging.tensorboard:
        found["logging.log_dir"] = "logging.tensorboard is false"
    if not config.checkpoints.save_best:
        found["checkpoints.best_metric"] = "checkpoints.save_best is false"
    if config.data.use_full_dataset:
        found["data.n_operations"] = "data.use_full_dataset is true: all 19,683"
    if not config.training.use_stratified:
        found["training.high_v_budget_ratio"] = "training.use_stratified is false"
    if config.training.print_every is not None:
        found["logging.print_every"] = "training.print_every is set, and goes first"
    return found


def _of_model(config: Config) -> dict[str, str]:
    model, found = config.model, {}
    if model.use_controller:
        found["model.use_controller"] = (
            "its tensors are kept, as in the released files; what it answers weighs nothing, "
            "and it gets no gradient"
        )
    if model.encoder_type == "frozen":
        keys = ("encoder_dropout", "logvar_min", "logvar_max")
        found |= _below("model", keys, "encoders of the frozen type have none")
    if model.decoder_type == "frozen":
        found["model.decoder_dropout"] = "a decoder of the frozen type has none"
    if config.gradient_checkpoint.enabled and not model.use_controller:
        found["gradient_checkpoint.controller_checkpoint"] = "there is no controller"
    elif config.gradient_checkpoint.enabled:
        found["gradient_checkpoint.controller_checkpoint"] = "the controller gets no gradient"
    return found


def _of_freezing(config: Config, options: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    if not config.option_c.enabled:
        found["option_c.encoder_b_lr_scale"] = "this class never trains encoder B"
    if not config.homeostasis.enabled and "unfreeze" not in options:
        found["option_c.encoder_a_lr_scale"] = "nothing unfreezes encoder A in this run"
    return found


def _of_loss(config: Config) -> dict[str, str]:
    found: dict[str, str] = {}
    if config.loss.rich_hierarchy.enabled:
        reason = "the curriculum of tau belongs to the loss of 5.11; rich_hierarchy is on"
        found |= _below("training", ("use_adaptive", "hierarchy_threshold"), reason)
    else:
        reason = "it weighs the terms of rich_hierarchy, which is off"
        keys = tuple(type(config.loss.adaptive_loss).model_fields)
        found |= _below("loss.adaptive_loss", keys, reason)
        if not config.training.use_adaptive:
            found["training.hierarchy_threshold"] = "training.use_adaptive is false"
    if not config.loss.radial.enabled:
        keys = ("radial_weight", "margin_weight")
        found |= _below("loss.radial", keys, "loss.radial.enabled is false")
    return found


def _of_adaptation(config: Config) -> dict[str, str]:
    found: dict[str, str] = {}
    adaptive = config.loss.adaptive_loss
    if adaptive.enabled and config.loss.rich_hierarchy.enabled:
        switches = {
            "enable_curriculum": (
                *("curriculum_warmup_epochs", "curriculum_transition_epochs"),
                *("coverage_priority_early", "hierarchy_priority_late"),
            ),
            "enable_difficulty_adaptive": ("difficulty_adaptation_rate", "difficulty_smoothing"),
            "enable_performance_rebalancing": (
                *("rebalancing_interval", "rebalancing_sensitivity"),
                *("target_hierarchy_correlation", "target_richness_ratio"),
            ),
        }
        for switch, keys in switches.items():
            if not getattr(adaptive, switch):
                reason = f"loss.adaptive_loss.{switch} is false"
                found |= _below("loss.adaptive_loss", keys, reason)
    rate = config.training.scheduler.adaptive_lr
    path = "training.scheduler.adaptive_lr"
    if rate is None:
        return found
    if not rate.enabled:
        keys = tuple(key for key in type(rate).model_fields if key != "enabled")
        return found | _below(path, keys, f"{path}.enabled is false")
    if not rate.metric_weights:
        found[f"{path}.secondary_metrics"] = "metric_weights is empty: the primary metric alone"
    if not rate.recovery_detection:
        keys = ("recovery_factor", "recovery_threshold")
        found |= _below(path, keys, f"{path}.recovery_detection is false")
    if not rate.early_stopping:
        found[f"{path}.early_stopping_patience"] = f"{path}.early_stopping is false"
    return found
