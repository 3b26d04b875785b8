"""Types the schedulers and gives mixed precision a section; paths lose sandbox-training/.

What no trainer ever read goes into the stash: the unfreezing by the clock, the switches
of the controller, two targets, and most of the grokking branch, whose detection moves to
the top. `"none"` as a part to load becomes null. Checkpoints moved out of
sandbox-training/ in the project, and their paths in the files with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cfgmig.migration import STASH, Add, Convert, Custom, Default, Move, Operation, Remove, Values

revision = "5.12.4.1"
revises = "5.12.4"

PREFIX = "sandbox-training/"
PATHS = (("frozen_checkpoint", "path"), ("checkpoints", "save_dir"))
NO_PART = Values({"none": None}, others="keep", reverse={None: None})


def _paths(data: Any) -> Iterator[tuple[str, str]]:
    for section, key in PATHS:
        value = (data.get(section) or {}).get(key)
        if isinstance(value, str):
            yield f"{section}.{key}", value


def _shorter(short: str) -> Values:
    """Without a way back of its own, so that the stash knows which paths had the prefix."""
    return Values({PREFIX + short: short}, others="keep", reverse={short: short})


def _short(data: Any) -> list[Operation]:
    return [
        Convert(path, _shorter(value.removeprefix(PREFIX)))
        for path, value in _paths(data)
        if value.startswith(PREFIX)
    ]


def _long(data: Any) -> list[Operation]:
    return [Convert(path, _shorter(value).reverse()) for path, value in _paths(data)]


SCHEDULER = "training.scheduler"
RESTARTS = Default(f"{SCHEDULER}.type", "cosine_warmup_restart")
OF_RESTARTS = (f"{SCHEDULER}.T_0", f"{SCHEDULER}.T_mult")


def _scheduler(data: Any) -> list[Operation]:
    scheduler = (data.get("training") or {}).get("scheduler")
    if scheduler is None:
        return [Add(SCHEDULER, STASH, optional=True)]
    if scheduler.get("type") == "multi_phase_cosine":
        return [Remove(path, STASH, optional=True) for path in OF_RESTARTS]
    return [RESTARTS, Remove(f"{SCHEDULER}.phases", STASH, optional=True)]


def _loose_scheduler(data: Any) -> list[Operation]:
    scheduler = (data.get("training") or {}).get("scheduler") or {}
    if scheduler.get("type") == "cosine_annealing":  # unknown before: restarts are meant
        return [Remove(SCHEDULER, STASH)]
    restored = (f"{SCHEDULER}.phases", *OF_RESTARTS)
    return [*(Add(path, STASH, optional=True) for path in restored), RESTARTS.reverse()]


config = [
    Custom(
        "Paths lose the prefix sandbox-training/.",
        _short,
        _long,
        touches=("frozen_checkpoint.path", "checkpoints.save_dir"),
    ),
    Move("device.use_amp", "mixed_precision.enabled", optional=True),
    Add("device.use_amp", False, implicit=True),
    Add("mixed_precision.dtype", "float16", implicit=True),
    Add("mixed_precision.init_scale", 65536.0, implicit=True),
    Add("mixed_precision.growth_factor", 2.0, implicit=True),
    Add("mixed_precision.backoff_factor", 0.5, implicit=True),
    Add("mixed_precision.growth_interval", 2000, implicit=True),
    Add("torch_compile", {"enabled": False}, implicit=True),
    Convert("frozen_checkpoint.encoder_to_load", NO_PART, optional=True),
    Convert("frozen_checkpoint.decoder_to_load", NO_PART, optional=True),
    Remove("homeostasis.controller_grad_threshold", STASH, optional=True),
    Remove("homeostasis.controller_grad_patience", STASH, optional=True),
    Remove("progressive_unfreeze", STASH, optional=True),
    Remove("loss.geodesic.use_smooth_l1", STASH, optional=True),
    Custom(
        "training.scheduler holds the keys of its type and no others.",
        _scheduler,
        _loose_scheduler,
        touches=(SCHEDULER,),
    ),
    Move("training.grokking_detection", "grokking_detection", optional=True),
    Remove("logging.enhanced_metrics", STASH, optional=True),
    Remove("logging.detailed_logging", STASH, optional=True),
    Remove("checkpoints.checkpoint_phases", STASH, optional=True),
    Remove("targets.distance_correlation", STASH, optional=True),
    Remove("targets.Q_target", STASH, optional=True),
    Remove("memory.max_memory_growth", STASH, optional=True),
    Remove("early_stopping", STASH, optional=True),
    Remove("analysis", STASH, optional=True),
]
weights = []


def _measured(data: Any) -> list[Operation]:
    """Runs with metrics decoded the means; grokking runs took the model's own logits."""
    metrics = data.get("metrics")
    if isinstance(metrics, dict) and "coverage" in metrics:
        place, name = "metrics.coverage_definition", "cov_mu"
        known = "coverage_definition" in metrics
    else:
        place, name = "coverage_definition", "cov_logits"
        known = "coverage_definition" in data or not {"coverage", "Q"} <= set(data)
    return [] if known else [Add(place, name)]


def _stays(data: Any) -> list[Operation]:
    del data
    return []


checkpoint = [
    Move("optimizer_state", "optimizer_state_dict", optional=True),
    Custom(
        "The coverage says how it was measured: by decoding the means (cov_mu), or by the model's "
        "own logits (cov_logits).",
        _measured,
        _stays,
        touches=("metrics.coverage_definition", "coverage_definition"),
    ),
]
