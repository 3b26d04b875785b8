"""Replaces the two phases by continuous feedback and adds hyperbolic ranking.

The coverage that ended phase 1 becomes the threshold of the feedback, the ranking weights
of phase 2 become its bounds. The ramp and the penalty have no successor. The Euclidean
ranking with hard negatives keeps its settings beside the hyperbolic one: renaming them
would have changed the geometry of a loss.
"""

from cfgmig.migration import STASH, Add, Custom, Move, Remove

revision = "5.9.0"
revises = "5.8.0"

MOVES = (
    Move("two_phase_training.enabled", "continuous_feedback.enabled", optional=True),
    Move(
        "two_phase_training.phase1.coverage_target",
        "continuous_feedback.coverage_threshold",
        optional=True,
    ),
    Move(
        "two_phase_training.phase2.ranking_weight_start",
        "continuous_feedback.min_ranking_weight",
        optional=True,
    ),
    Move(
        "two_phase_training.phase2.ranking_weight_end",
        "continuous_feedback.max_ranking_weight",
        optional=True,
    ),
)
OWN = ("base_ranking_weight", "coverage_sensitivity", "coverage_trend_sensitivity",
       "coverage_ema_alpha")  # fmt: skip


def _up(data):
    if data.get("two_phase_training") is None:
        return []
    restored = [Add(f"continuous_feedback.{key}", STASH, optional=True) for key in OWN]
    return [*MOVES, Remove("two_phase_training", STASH, optional=True), *restored]


def _down(data):
    if data.get("continuous_feedback") is None:
        return []
    kept = [Remove(f"continuous_feedback.{key}", STASH, optional=True) for key in OWN]
    moves = [move.reverse() for move in reversed(MOVES)]
    return [*kept, Add("two_phase_training", STASH, optional=True), *moves]


config = [
    Custom(
        "The two phases become continuous feedback, with their threshold and weights.",
        _up,
        _down,
        touches=("two_phase_training", "continuous_feedback"),
    ),
    Add("padic_losses.enable_ranking_loss_hyperbolic", False, implicit=True),
    Add("padic_losses.ranking_hyperbolic", {}, implicit=True),
]
weights = []
