"""Replaces the two phases by continuous feedback and adds hyperbolic ranking.

The coverage that ended phase 1 becomes the threshold of the feedback, the ranking weights
of phase 2 become its bounds. The ramp and the penalty have no successor. The Euclidean
ranking with hard negatives keeps its settings beside the hyperbolic one: renaming them
would have changed the geometry of a loss.
"""

from __future__ import annotations

from typing import Any

from cfgmig.migration import STASH, Add, Custom, Default, Move, Operation, Remove

revision = "5.9.0"
revises = "5.8.0"

NEW = tuple(
    f"continuous_feedback.{key}"
    for key in (
        "base_ranking_weight",
        "coverage_sensitivity",
        "coverage_trend_sensitivity",
        "coverage_ema_alpha",
    )
)
PHASES = "two_phase_training"
NEEDED = (
    Default("continuous_feedback.coverage_threshold", 90.0),
    Default("continuous_feedback.min_ranking_weight", 0.0),
    Default("continuous_feedback.max_ranking_weight", 1.0),
)


def _feedback(data: Any) -> list[Operation]:
    """What is left of the phases goes, and what feedback had of its own comes back."""
    own = [Add(path, STASH, optional=True) for path in NEW]
    taken_back = [one.reverse() for one in NEEDED] if data.get("continuous_feedback") else []
    return [Remove(PHASES, STASH, optional=True), *own, *taken_back]


def _phases(data: Any) -> list[Operation]:
    """5.8 had no defaults for what comes from the feedback."""
    own = [Remove(path, STASH, optional=True) for path in NEW]
    needed = NEEDED if data.get("continuous_feedback") else ()
    return [*needed, *own, Add(PHASES, STASH, optional=True)]


config = [
    Move(f"{PHASES}.enabled", "continuous_feedback.enabled", optional=True),
    Move(
        f"{PHASES}.phase1.coverage_target",
        "continuous_feedback.coverage_threshold",
        optional=True,
    ),
    Move(
        f"{PHASES}.phase2.ranking_weight_start",
        "continuous_feedback.min_ranking_weight",
        optional=True,
    ),
    Move(
        f"{PHASES}.phase2.ranking_weight_end",
        "continuous_feedback.max_ranking_weight",
        optional=True,
    ),
    Custom(
        "The rest of the two phases goes; continuous feedback has keys of its own.",
        _feedback,
        _phases,
        touches=(PHASES, "continuous_feedback"),
    ),
    Add("padic_losses.enable_ranking_loss_hyperbolic", False, implicit=True),
    Add("padic_losses.ranking_hyperbolic", {}, implicit=True),
]
weights = []
