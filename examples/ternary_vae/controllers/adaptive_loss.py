"""Weights of the rich hierarchy loss that follow the run: `loss.adaptive_loss` of 5.12.5.

The section names the quantities; how they act is defined here. All effects are factors on
the weights of the config and start at 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..operations import LEVELS

if TYPE_CHECKING:
    from schemas.ternary_vae.v5_12_5 import AdaptiveLoss as Section

BOUNDS = (0.1, 10.0)
"""Bounds of what rebalancing may make of a weight in all."""


class AdaptiveLoss:
    """Three mechanisms, each with its own switch, none of them active unless `enabled`.

    Curriculum (Bengio et al. 2009): coverage is multiplied by `coverage_priority_early`
    during the warm-up; over the transition that falls to 1 while the factor of hierarchy rises
    from 1 to `hierarchy_priority_late`, both linearly.

    Difficulty: the difficulty of a level is the moving average of |mean radius - target|; each
    step its weight moves by `difficulty_adaptation_rate` of the way to difficulty / mean
    difficulty, so hard levels weigh more and the mean weight stays 1.

    Rebalancing: every `rebalancing_interval` epochs a factor is multiplied by 1 +
    sensitivity * lag; lag is the share of the target that is missing, (0.83 - |hierarchy|) /
    0.83 with the default target, richness alike, and 1 - coverage. Without a lag it stays.
    """

    def __init__(self, settings: Section) -> None:
        self.settings = settings
        self.balance = {"hierarchy": 1.0, "coverage": 1.0, "richness": 1.0}
        self.difficulty = torch.zeros(LEVELS, dtype=torch.float64)
        self.weights = torch.ones(LEVELS, dtype=torch.float64)
        self.seen = torch.zeros(LEVELS, dtype=torch.bool)

    def factors(self, epoch: float) -> dict[str, float]:
        """Factors on the weights of hierarchy, coverage and richness in this epoch."""
        factors = dict.fromkeys(self.balance, 1.0)
        s = self.settings
        if not s.enabled:
            return factors
        if s.enable_curriculum:
            late = self._lateness(epoch)
            factors["coverage"] = s.coverage_priority_early * (1 - late) + late
            factors["hierarchy"] = (1 - late) + s.hierarchy_priority_late * late
        return {name: value * self.balance[name] for name, value in factors.items()}

    def _lateness(self, epoch: float) -> float:
        past = epoch - self.settings.curriculum_warmup_epochs
        length = self.settings.curriculum_transition_epochs
        return min(max(past / length, 0.0), 1.0) if length else float(past >= 0)

    def level_weights(self) -> Tensor | None:
        """Factors [10] on the levels of the hierarchy term; None when they do not adapt."""
        s = self.settings
        return self.weights.clone() if s.enabled and s.enable_difficulty_adaptive else None

    def observe_levels(self, mean: Tensor, target: Tensor, present: Tensor) -> None:
        """Take in the mean radii of one batch by level, [10] each; absent levels are left alone."""
        s = self.settings
        if not (s.enabled and s.enable_difficulty_adaptive):
            return
        present = present.detach().cpu()
        error = (mean.detach().cpu().double() - target.detach().cpu().double()).abs()
        smooth = s.difficulty_smoothing * self.difficulty + (1 - s.difficulty_smoothing) * error
        fresh = torch.where(self.seen, smooth, error)
        self.difficulty = torch.where(present, fresh, self.difficulty)
        self.seen = self.seen | present
        average = self.difficulty[self.seen].mean()
        if average > 0:
            relative = torch.where(self.seen, self.difficulty / average, 1.0)
            self.weights = self.weights + s.difficulty_adaptation_rate * (relative - self.weights)

    def rebalance(
        self, epoch: int, hierarchy: float, richness_ratio: float, coverage: float
    ) -> bool:
        """At the end of an epoch: move the factors by what lags behind; whether it was due."""
        s = self.settings
        due = s.enabled and s.enable_performance_rebalancing
        if not due or (epoch + 1) % s.rebalancing_interval:
            return False
        lags = {
            "hierarchy": _lag(abs(hierarchy), s.target_hierarchy_correlation),
            "coverage": _lag(coverage, 1.0),
            "richness": _lag(richness_ratio, s.target_richness_ratio),
        }
        for name, lag in lags.items():
            value = self.balance[name] * (1 + s.rebalancing_sensitivity * lag)
            self.balance[name] = min(max(value, BOUNDS[0]), BOUNDS[1])
        return True

    def state_dict(self) -> dict[str, Any]:
        """All that changes, as plain values."""
        return {
            "balance": dict(self.balance),
            "difficulty": self.difficulty.tolist(),
            "weights": self.weights.tolist(),
            "seen": self.seen.tolist(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.balance = dict(state["balance"])
        self.difficulty = torch.tensor(state["difficulty"], dtype=torch.float64)
        self.weights = torch.tensor(state["weights"], dtype=torch.float64)
        self.seen = torch.tensor(state["seen"])


def _lag(value: float, target: float) -> float:
    """The share of a positive target that is missing, 0 to 1."""
    return min(max((target - value) / target, 0.0), 1.0) if target > 0 else 0.0
