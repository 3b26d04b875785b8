"""Dissolves the memory section and drops the version block and grokking detection.

Gradient checkpointing gets a section of its own, the switches of cuDNN and its cache go
to `device`. Where a file gives `empty_cache_freq` in both sections, that of `device`
stays. Adaptive losses and learning rates are new, and off.
"""

from __future__ import annotations

from typing import Any

from cfgmig.migration import STASH, Add, Custom, Move, Operation, Remove

revision = "5.12.5"
revises = "5.12.4.1"

FREQUENCY = Move("memory.empty_cache_freq", "device.empty_cache_freq")


def _to_device(data: Any) -> list[Operation]:
    there = "empty_cache_freq" in (data.get("device") or {})
    here = "empty_cache_freq" in (data.get("memory") or {})
    return [FREQUENCY] if here and not there else []  # the second one is stashed below


def _to_memory(data: Any) -> list[Operation]:
    there = "empty_cache_freq" in (data.get("device") or {})
    here = "empty_cache_freq" in (data.get("memory") or {})
    return [FREQUENCY.reverse()] if there and not here else []


config = [
    Move("memory.gradient_checkpointing", "gradient_checkpoint.enabled", optional=True),
    Add("gradient_checkpoint.preserve_rng_state", True, implicit=True),
    Add("gradient_checkpoint.segments", 2, implicit=True),
    Add("gradient_checkpoint.use_reentrant", True, implicit=True),
    Add("gradient_checkpoint.encoder_checkpoint", True, implicit=True),
    Add("gradient_checkpoint.decoder_checkpoint", True, implicit=True),
    Add("gradient_checkpoint.projection_checkpoint", False, implicit=True),
    Add("gradient_checkpoint.controller_checkpoint", False, implicit=True),
    Custom(
        "memory.empty_cache_freq becomes device.empty_cache_freq.",
        _to_device,
        _to_memory,
        touches=("memory.empty_cache_freq", "device.empty_cache_freq"),
    ),
    Remove("memory.empty_cache_freq", STASH, optional=True),
    Move("memory.cudnn_benchmark", "device.cudnn_benchmark", optional=True),
    Move("memory.cudnn_deterministic", "device.cudnn_deterministic", optional=True),
    Add("loss.adaptive_loss", {"enabled": False}, implicit=True),
    Add("training.scheduler.adaptive_lr", None, implicit=True),
    Add("training.scheduler.warmup_epochs", 0, implicit=True),
    Add("training.manifold_type", "valuation_optimal", implicit=True),
    Remove("grokking_detection", STASH, optional=True),
    Remove("version", STASH, optional=True),
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
    Custom(
        "The coverage says how it was measured: by decoding the means (cov_mu), or by the model's "
        "own logits (cov_logits).",
        _measured,
        _stays,
        touches=("metrics.coverage_definition", "coverage_definition"),
    ),
]
