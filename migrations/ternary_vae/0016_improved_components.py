"""Adds improved encoders and decoder, and the grokking branch, all off unless asked for."""

from __future__ import annotations

from typing import Any

from cfgmig.errors import LossyError
from cfgmig.migration import STASH, Add, Convert, Custom, Operation, Remove, Values, Weights

revision = "5.12.4"
revises = "5.12.3"

SCHEDULER = "training.scheduler"
NUMBER = Convert("version.model", Values({"5.12.3": "5.12.4"}, others="keep"), optional=True)


def _with_phases(data: Any) -> list[Operation]:
    del data
    return [Add(SCHEDULER, STASH, optional=True), NUMBER]


def _without_phases(data: Any) -> list[Operation]:
    """5.12.3 knows warm restarts only."""
    scheduler = (data.get("training") or {}).get("scheduler") or {}
    phased = scheduler.get("type") == "multi_phase_cosine"
    gone = SCHEDULER if phased else f"{SCHEDULER}.phases"
    return [Remove(gone, STASH, optional=True), NUMBER.reverse()]


config = [
    Custom(
        "version.model says 5.12.4, whose scheduler may have phases.",
        _with_phases,
        _without_phases,
        touches=(f"{SCHEDULER}.phases", "version.model"),
    ),
    Add("device.empty_cache_freq", None, implicit=True),
    Add("model.encoder_type", "frozen", implicit=True),
    Add("model.decoder_type", "frozen", implicit=True),
    Add("model.encoder_dropout", 0.1, implicit=True),
    Add("model.decoder_dropout", 0.1, implicit=True),
    Add("model.logvar_min", -10.0, implicit=True),
    Add("model.logvar_max", 2.0, implicit=True),
    Add("training.grokking_detection", {"enabled": False}, implicit=True),
    Add("logging.enhanced_metrics", {"enabled": False}, implicit=True),
    Add("logging.detailed_logging", {}, implicit=True),
    Add("checkpoints.checkpoint_phases", [], implicit=True),
    Add("memory.max_memory_growth", None, implicit=True),
    Add("early_stopping", {}, implicit=True),
    Add("analysis", {}, implicit=True),
    Add("version.framework", None, implicit=True),
    Add("version.description", None, implicit=True),
]


def weights(state: Weights) -> list[Operation]:
    """Improved components exist from here on; nothing else changes."""
    if "improved" in (state.facts.get("encoder_type"), state.facts.get("decoder_type")):
        raise LossyError(
            "5.12.3 has no improved encoders and decoders",
            help="convert it for a config with model.encoder_type: frozen and "
            "model.decoder_type: frozen first",
        )
    return []


def _measured(data: Any) -> list[Operation]:
    """A coverage that does not say how it was measured was measured in a way that no file tells."""
    metrics = data.get("metrics")
    if not isinstance(metrics, dict) or "coverage" not in metrics:
        return []
    known = "coverage_definition" in metrics
    return [] if known else [Add("metrics.coverage_definition", "unknown")]


def _stays(data: Any) -> list[Operation]:
    del data
    return []


checkpoint = [
    Custom(
        "The coverage says how it was measured: in a way that no file tells (unknown).",
        _measured,
        _stays,
        touches=("metrics.coverage_definition",),
    ),
]
