"""The balance of the two VAEs by gradient norms and coverage, as trained in 5.5."""

from __future__ import annotations

from dataclasses import dataclass

from ..schedules.dual import BALANCED

STEP = 0.02
"""How far a lambda moves per epoch while the gradients are out of balance."""

LIMITS = (0.5, 0.95)
"""Bounds of lambda1 and lambda2."""

COVERAGE_RATIOS = (0.67, 1.5)
"""Coverage ratios A / B, inclusively, within which coverage leaves the lambdas alone."""


@dataclass
class GradientBalance:
    """Moving averages of the gradient norms of A and B, and the weights that follow.

    ema = m ema + (1 - m) norm, m = 0.95 once the ratio B / A lies in (0.8, 1.2), else 0.5.
    The weights are clamp(B / A, 0.5, 2) for A and clamp(A / B, 0.5, 2) for B: both losses
    pull with gradients of similar size (in the spirit of GradNorm, Chen et al. 2018).
    """

    ema_a: float = 1.0
    ema_b: float = 1.0
    momentum: float = 0.5

    @property
    def ratio(self) -> float:
        """Gradient norm of B over that of A."""
        return self.ema_b / max(self.ema_a, 1e-8)

    @property
    def is_balanced(self) -> bool:
        """Whether that ratio lies in (0.8, 1.2)."""
        return BALANCED[0] < self.ratio < BALANCED[1]

    @property
    def weights(self) -> tuple[float, float]:
        """Factors on the losses of A and B."""
        inverse = self.ema_a / max(self.ema_b, 1e-8)
        return min(max(self.ratio, 0.5), 2.0), min(max(inverse, 0.5), 2.0)

    def update(self, norm_a: float, norm_b: float) -> None:
        """Take in the gradient norms of one step."""
        self.momentum = 0.95 if self.is_balanced else 0.5
        self.ema_a = self.momentum * self.ema_a + (1 - self.momentum) * norm_a
        self.ema_b = self.momentum * self.ema_b + (1 - self.momentum) * norm_b

    def state_dict(self) -> dict[str, float]:
        """Both averages and the momentum."""
        return {"ema_a": self.ema_a, "ema_b": self.ema_b, "momentum": self.momentum}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Continue from `state_dict`."""
        self.ema_a, self.ema_b = state["ema_a"], state["ema_b"]
        self.momentum = state["momentum"]


def clamp(value: float) -> float:
    """A lambda within its bounds."""
    return min(max(value, LIMITS[0]), LIMITS[1])


@dataclass
class Lambdas:
    """Weights of the losses of A and B, moved once per epoch.

    While the gradients of B are the weaker ones (ratio B / A below 0.8) lambda1 gains 0.02
    and lambda2 loses it; above 1.2 the other way round. A VAE whose coverage is more than
    1.5 times the other's is multiplied by 0.95 and the other by 1.05. Both stay in
    [0.5, 0.95].
    """

    lambda1: float = 0.7
    lambda2: float = 0.7

    def update(self, gradient_ratio: float, coverage_a: float, coverage_b: float) -> None:
        """Move by the gradient ratio B / A and the coverages, in any common unit."""
        low, high = BALANCED
        step = STEP if gradient_ratio < low else -STEP if gradient_ratio > high else 0.0
        self.lambda1, self.lambda2 = clamp(self.lambda1 + step), clamp(self.lambda2 - step)
        if coverage_b <= 0:
            return
        ratio = coverage_a / coverage_b
        if ratio > COVERAGE_RATIOS[1]:
            self.lambda1, self.lambda2 = clamp(self.lambda1 * 0.95), clamp(self.lambda2 * 1.05)
        elif ratio < COVERAGE_RATIOS[0]:
            self.lambda1, self.lambda2 = clamp(self.lambda1 * 1.05), clamp(self.lambda2 * 0.95)

    def state_dict(self) -> dict[str, float]:
        """Both weights."""
        return {"lambda1": self.lambda1, "lambda2": self.lambda2}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Continue from `state_dict`."""
        self.lambda1, self.lambda2 = state["lambda1"], state["lambda2"]
