"""Coverage steers the ranking weight, as trained in 5.9 and 5.10; and the end of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..losses.padic import ranking_weight

if TYPE_CHECKING:
    from schemas.ternary_vae.v5_9_0 import ContinuousFeedback


class CoverageFeedback:
    """The ranking weight by coverage and by its trend; all coverages in percent.

    The trend is the coverage minus its moving average before this evaluation, ema = alpha ema
    + (1 - alpha) coverage; the first evaluation has none.
    """

    def __init__(self, settings: ContinuousFeedback) -> None:
        self.settings = settings
        self.average: float | None = None

    def update(self, coverage: float) -> float:
        """Take in an evaluation; returns the ranking weight from now on."""
        s = self.settings
        before = coverage if self.average is None else self.average
        self.average = s.coverage_ema_alpha * before + (1 - s.coverage_ema_alpha) * coverage
        return ranking_weight(
            coverage,
            coverage - before,
            base=s.base_ranking_weight,
            threshold=s.coverage_threshold,
            sensitivity=s.coverage_sensitivity,
            trend_sensitivity=s.coverage_trend_sensitivity,
            lowest=s.min_ranking_weight,
            highest=s.max_ranking_weight,
        )

    def state_dict(self) -> dict[str, float | None]:
        """The moving average."""
        return {"average": self.average}

    def load_state_dict(self, state: Mapping[str, float | None]) -> None:
        """Continue from `state_dict`."""
        self.average = state["average"]


@dataclass
class EarlyStop:
    """Ends a run after `patience` evaluations without a gain, never before `min_epochs`.

    5.5: the validation loss, 100; 5.11: the composite score, 20 and 30 epochs; 5.12: Q and
    hierarchy, each a chance of its own, 20 to 25.
    """

    patience: int
    min_epochs: int = 0
    modes: tuple[Literal["min", "max"], ...] = ("max",)
    best: tuple[float | None, ...] = ()
    waited: int = 0

    def update(self, epoch: int, *values: float) -> bool:
        """Take in one value per mode; a gain in any of them counts. Whether to stop now."""
        best = self.best or (None,) * len(self.modes)
        gains = [
            math.isfinite(new) and (old is None or (new > old if mode == "max" else new < old))
            for mode, old, new in zip(self.modes, best, values, strict=True)
        ]
        self.best = tuple(
            new if gain else old for gain, old, new in zip(gains, best, values, strict=True)
        )
        self.waited = 0 if any(gains) else self.waited + 1
        return self.waited >= self.patience and epoch + 1 >= self.min_epochs

    def state_dict(self) -> dict[str, Any]:
        """Best values and the evaluations since."""
        return {"best": list(self.best), "waited": self.waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.best, self.waited = tuple(state["best"]), state["waited"]
