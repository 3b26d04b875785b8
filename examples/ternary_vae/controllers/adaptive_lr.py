"""Learning rates that follow measured metrics: `training.scheduler.adaptive_lr` of 5.12.5.

The cuts are those of torch.optim.lr_scheduler.ReduceLROnPlateau, but on top of any schedule
and counted in epochs, so that they do not depend on how often a run evaluates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemas.ternary_vae.v5_12_5 import AdaptiveLr as Section


@dataclass
class State:
    """Everything that changes."""

    factor: float = 1.0
    """On the scheduled rate."""
    best: float | None = None
    best_epoch: int = 0
    quiet_until: int = -1
    """Last epoch that counts for nothing: of the warm-up, or of a cooldown."""
    cuts: int = 0
    at_cut: float | None = None
    """Score of the last cut, None once it was recovered from."""
    stopped: bool = False


class AdaptiveLr:
    """Cuts the rate when a score stalls, raises it again after a recovery, may end the run.

    The score is the primary metric; with `metric_weights` it is the weighted mean of the
    primary and the secondary metrics, each of weight 1 unless it names another. A metric of
    mode "min" counts as its negative, all metrics of the score have the same mode.

    Cut: more than `patience` epochs without a gain, after warm-up and cooldown; the factor is
    multiplied by `factor`. With `adaptive_patience` every cut so far adds one epoch.
    Recovery: with `recovery_detection`, a gain of `recovery_threshold` over the score of the
    last cut multiplies by `recovery_factor`, up to 1, once per cut.
    End: with `early_stopping`, `early_stopping_patience` epochs without a gain.
    """

    def __init__(self, settings: Section) -> None:
        known = {settings.primary_metric, *settings.secondary_metrics}
        unknown = sorted(set(settings.metric_weights) - known)
        if unknown:
            raise ValueError(f"metric_weights names {unknown}, which are no metrics of the score")
        if settings.metric_weights and self._total(settings) <= 0:
            raise ValueError("metric_weights leaves no metric a weight")
        self.settings = settings
        self.state = State(quiet_until=settings.warmup_epochs - 1)
        self.state.best_epoch = self.state.quiet_until

    @staticmethod
    def _weights(settings: Section) -> dict[str, float]:
        if not settings.metric_weights:
            return {settings.primary_metric: 1.0}
        names = (settings.primary_metric, *settings.secondary_metrics)
        return {name: settings.metric_weights.get(name, 1.0) for name in names}

    @classmethod
    def _total(cls, settings: Section) -> float:
        return sum(cls._weights(settings).values())

    def score(self, metrics: Mapping[str, float]) -> float:
        """What is watched, higher is better; KeyError for a metric that was not measured."""
        weights = self._weights(self.settings)
        mean = sum(weight * metrics[name] for name, weight in weights.items()) / self._total(
            self.settings
        )
        return mean if self.settings.mode == "max" else -mean

    def rate(self, scheduled: float) -> float:
        """The scheduled rate after all cuts and raises; a cut goes no lower than `min_lr`."""
        return max(scheduled * self.state.factor, min(self.settings.min_lr, scheduled))

    @property
    def should_stop(self) -> bool:
        """Whether the run is to end now."""
        return self.state.stopped

    def update(self, epoch: int, metrics: Mapping[str, float]) -> str | None:
        """Take in an evaluation; returns what changed, as a sentence, or None."""
        if epoch < self.settings.warmup_epochs:
            return None
        state, score = self.state, self.score(metrics)
        if math.isfinite(score) and (
            state.best is None or self._gains(score, state.best, self.settings.threshold)
        ):
            state.best, state.best_epoch = score, epoch
        raised = self._recover(score)
        if raised:
            return raised
        stalled = epoch - state.best_epoch
        if self.settings.early_stopping and stalled >= self.settings.early_stopping_patience:
            state.stopped = True
            return f"no gain for {stalled} epochs: the run ends"
        patience = self.settings.patience
        if self.settings.adaptive_patience:
            patience += state.cuts
        if epoch - max(state.best_epoch, state.quiet_until) <= patience:
            return None
        state.factor *= self.settings.factor
        state.cuts, state.at_cut = state.cuts + 1, score
        state.quiet_until = epoch + self.settings.cooldown
        return f"no gain for {stalled} epochs: learning rate x {self.settings.factor:g}"

    def _gains(self, score: float, than: float, by: float) -> bool:
        margin = by * abs(than) if self.settings.threshold_mode == "rel" else by
        return score > than + margin

    def _recover(self, score: float) -> str | None:
        state, s = self.state, self.settings
        if not s.recovery_detection or state.at_cut is None:
            return None
        if not self._gains(score, state.at_cut, s.recovery_threshold):
            return None
        state.factor, state.at_cut = min(state.factor * s.recovery_factor, 1.0), None
        return f"recovered: learning rate x {s.recovery_factor:g}, at most as scheduled"

    def state_dict(self) -> dict[str, Any]:
        """All that changes, as plain values."""
        return asdict(self.state)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.state = State(**state)
