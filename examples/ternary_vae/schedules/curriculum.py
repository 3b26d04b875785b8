"""The curriculum from radii to geodesic distances, as trained in 5.11."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Curriculum:
    """tau rises linearly, and stays where it is once the hierarchy of A is good enough.

    tau = initial + (final - initial) min(1, epoch / length), with a length of `warmup_epochs`
    or of 70 % of the run. A curriculum in the sense of Bengio et al. (ICML 2009).

    Attributes:
        threshold: hierarchy of A (negative is good) at which tau is held; None for never.
        held: the tau that is held, None before that.
    """

    epochs: int
    initial: float = 0.0
    final: float = 1.0
    warmup_epochs: int | None = None
    threshold: float | None = -0.7
    held: float | None = field(default=None, init=False)

    def tau(self, epoch: float) -> float:
        """The tau of this epoch, held or not."""
        if self.held is not None:
            return self.held
        length = 0.7 * self.epochs if self.warmup_epochs is None else self.warmup_epochs
        share = min(1.0, epoch / length) if length > 0 else 1.0
        return self.initial + (self.final - self.initial) * share

    def observe(self, epoch: float, hierarchy: float) -> bool:
        """Hold tau if the hierarchy, measured in this epoch, has reached the threshold.

        Returns whether tau is held from now on and was not before.
        """
        if self.held is not None or self.threshold is None or hierarchy > self.threshold:
            return False
        self.held = self.tau(epoch)
        return True

    def state_dict(self) -> dict[str, float | None]:
        """What a resumed run needs besides the settings."""
        return {"held": self.held}

    def load_state_dict(self, state: dict[str, float | None]) -> None:
        """Continue from `state_dict`."""
        self.held = state["held"]
