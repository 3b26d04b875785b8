"""Detection of late jumps: section `grokking_detection` of 5.12.4's grokking branch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Event = Literal["plateau", "grokking"]


@dataclass
class Grokking:
    """Reports when the loss has come to rest, and when the accuracy jumps after that.

    Grokking is generalisation long after the training loss has settled (Power et al. 2022).
    The trend is the mean change of the loss per call over a full window of `monitor_window`
    values; after `plateau_patience` calls running with a trend smaller than
    `plateau_threshold` there is a plateau. An accuracy that then exceeds the lowest one since
    the plateau began by `accuracy_jump_threshold` is a jump, and ends the plateau.
    """

    monitor_window: int = 20
    plateau_threshold: float = 0.0001
    plateau_patience: int = 15
    accuracy_jump_threshold: float = 0.02
    losses: list[float] = field(default_factory=list)
    calm: int = 0
    lowest: float | None = None
    """Lowest accuracy since the plateau began; None when there is no plateau."""

    def update(self, loss: float, accuracy: float) -> Event | None:
        """Take in one epoch; accuracy is a fraction. Says what has just begun, if anything."""
        self.losses = [*self.losses, loss][-self.monitor_window :]
        if self.lowest is not None:
            self.lowest = min(self.lowest, accuracy)
            if accuracy - self.lowest >= self.accuracy_jump_threshold:
                self.lowest, self.calm = None, 0
                return "grokking"
        self.calm = self.calm + 1 if self._is_calm() else 0
        if self.lowest is None and self.calm >= self.plateau_patience:
            self.lowest = accuracy
            return "plateau"
        return None

    def _is_calm(self) -> bool:
        if len(self.losses) < max(self.monitor_window, 2):
            return False
        trend = (self.losses[-1] - self.losses[0]) / (len(self.losses) - 1)
        return abs(trend) < self.plateau_threshold

    def state_dict(self) -> dict[str, Any]:
        """All that changes, as plain values."""
        state = asdict(self)
        return {name: state[name] for name in ("losses", "calm", "lowest")}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.losses, self.calm = list(state["losses"]), state["calm"]
        self.lowest = state["lowest"]
