"""StateNet's corrections, once per epoch on the first batch, as trained in 5.5 to 5.10.

StateNet is a small network that reads the state of the run and answers with numbers in
(-1, 1). The trainers turn its answer into plain numbers before use, so it never gets a
gradient: what it says is what it was initialised to say. It is reported as inert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .balance import Lambdas, clamp

RATE_LIMITS = (1e-6, 0.01)
"""Bounds of a corrected learning rate."""


def state_vector(inputs: Sequence[str], values: Mapping[str, float]) -> Tensor:
    """The input of a StateNet: float32 [inputs].

    Args:
        inputs: `StateNet.kind.inputs`.
        values: by these names; coverages as shares of all operations. "uncovered" follows from
            them and need not be given.

    Raises:
        KeyError: an input that has no value.
    """
    found = dict(values)
    if "uncovered" in inputs:
        found["uncovered"] = 1 - max(found["coverage_A"], found["coverage_B"])
    return torch.tensor([found[name] for name in inputs])


@dataclass(frozen=True)
class Scales:
    """The largest change that each output may cause; those of lr and ranking are relative."""

    lr: float = 0.05
    lambdas: float = 0.01
    ranking: float = 0.3
    sigma: float = 0.05
    curvature: float = 0.02
    curriculum: float = 0.1


@dataclass
class StateNetCorrections:
    """Applies StateNet's answers and keeps them, as the checkpoints of 5.5 do."""

    scales: Scales = field(default_factory=Scales)
    history: dict[str, list[float]] = field(default_factory=dict)

    def take(self, outputs: Sequence[str], values: Tensor) -> None:
        """Take in the answer of one epoch: the names of `StateNet.kind.outputs`, [outputs]."""
        for name, value in zip(outputs, values.tolist(), strict=True):
            self.history.setdefault(f"delta_{name}", []).append(value)

    def last(self, name: str) -> float:
        """The newest answer for an output, 0 without one."""
        values = self.history.get(f"delta_{name}", ())
        return values[-1] if values else 0.0

    def rate(self, scheduled: float) -> float:
        """Scheduled (1 + 0.05 delta), within [1e-6, 0.01]."""
        rate = scheduled * (1 + self.scales.lr * self.last("lr"))
        return min(max(rate, RATE_LIMITS[0]), RATE_LIMITS[1])

    def move(self, lambdas: Lambdas) -> None:
        """Add 0.01 delta to lambda1 and lambda2, which keep it, within [0.5, 0.95]."""
        step = self.scales.lambdas
        lambdas.lambda1 = clamp(lambdas.lambda1 + step * self.last("lambda1"))
        lambdas.lambda2 = clamp(lambdas.lambda2 + step * self.last("lambda2"))

    def lambda3(self, scheduled: float) -> float:
        """Scheduled + 0.01 delta, not negative; the next epoch starts from its schedule."""
        return max(scheduled + self.scales.lambdas * self.last("lambda3"), 0.0)

    def ranking_weight(self, base: float) -> float:
        """Base (1 + scale delta), not negative, from 5.7 on."""
        return max(base * (1 + self.scales.ranking * self.last("ranking")), 0.0)

    def sigma(self, value: float, lowest: float, highest: float) -> float:
        """The prior's sigma + 0.05 delta within its bounds, in 5.10."""
        return min(max(value + self.scales.sigma * self.last("sigma"), lowest), highest)

    def curvature(self, value: float, lowest: float, highest: float) -> float:
        """The prior's curvature + 0.02 delta within its bounds, in 5.10."""
        return min(max(value + self.scales.curvature * self.last("curvature"), lowest), highest)

    def curriculum(self, tau: float, lowest: float = 0.0, highest: float = 1.0) -> float:
        """Tau + 0.1 delta within its bounds, in 5.10.1."""
        return min(max(tau + self.scales.curriculum * self.last("curriculum"), lowest), highest)

    def state_dict(self) -> dict[str, list[float]]:
        """All answers so far, by the names of the checkpoints: delta_lr and so on."""
        return {name: list(values) for name, values in self.history.items()}

    def load_state_dict(self, state: dict[str, list[float]]) -> None:
        """Continue from `state_dict`, or from `statenet_corrections` of a 5.5 checkpoint."""
        self.history = {name: list(values) for name, values in state.items()}
