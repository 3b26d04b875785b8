"""Learning rates of the parts of a model, as factors on the rate of the run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProgressiveUnfreeze:
    """Encoder A starts to train after a while, as tried in 5.11.6 (coverage was lost).

    0 before `start_epoch`, then linear to `scale` within `warmup_epochs`.
    """

    start_epoch: int = 5
    warmup_epochs: int = 5
    scale: float = 0.05

    def factor(self, epoch: float) -> float:
        """The factor on the learning rate of encoder A in this epoch."""
        if epoch < self.start_epoch:
            return 0.0
        if self.warmup_epochs == 0:
            return self.scale
        return self.scale * min((epoch - self.start_epoch) / self.warmup_epochs, 1.0)
