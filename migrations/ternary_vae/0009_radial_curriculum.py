"""Adds radial strata and their curriculum; log_interval counts batches, not epochs.

An interval of n epochs becomes n times the batches of one epoch of this very file
(62 at a batch size of 256); without one, both versions log once per epoch. Ranking with
hard negatives leaves; its settings stay in the stash.
"""

# ruff: noqa: D102  what a codec does is said of the codec
from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from cfgmig.migration import (
    STASH,
    Add,
    Codec,
    Convert,
    Custom,
    Move,
    Operation,
    Remove,
    Values,
    Weights,
)

revision = "5.10.1"
revises = "5.10.0"


@dataclass(frozen=True)
class Batches(Codec):
    """Epochs to batches."""

    per_epoch: int

    def apply(self, value: Any) -> Any:
        return None if value is None else value * self.per_epoch

    def reverse(self) -> Codec:
        return Epochs(self.per_epoch)

    def describe(self) -> str:
        return f"epochs become batches, {self.per_epoch} each"


@dataclass(frozen=True)
class Epochs(Codec):
    """Batches to whole epochs, at least one."""

    per_epoch: int

    def apply(self, value: Any) -> Any:
        return None if value is None else max(1, round(value / self.per_epoch))

    def reverse(self) -> Codec:
        return Batches(self.per_epoch)

    def describe(self) -> str:
        return f"every {self.per_epoch} batches become an epoch"


def _per_epoch(data: Any) -> int:
    """Batches of one epoch: the training share of all operations, in batches."""
    samples = (data.get("ternary_dataset") or {}).get("num_samples", 19683)
    batches: int = ceil(int(data.get("train_split", 0.8) * samples) / data["batch_size"])
    return batches


def _to_batches(data: Any) -> list[Operation]:
    return [Convert("log_interval", Batches(_per_epoch(data)), optional=True)]


def _to_epochs(data: Any) -> list[Operation]:
    return [Convert("log_interval", Epochs(_per_epoch(data)), optional=True)]


config = [
    Custom(
        "log_interval: epochs become batches.",
        _to_batches,
        _to_epochs,
        touches=("log_interval",),
    ),
    Convert("config_version", Values({"5.10": "5.10.1"}, others="keep"), optional=True),
    Add("model.statenet_version", 4, implicit=True),
    Add("model.statenet_curriculum_scale", 0.1, implicit=True),
    Add("radial_stratification", None, implicit=True),
    Add("curriculum", None, implicit=True),
    Add("gpu_resident", False, implicit=True),
    Remove("padic_losses.enable_ranking_loss_v2", STASH, optional=True),
    Remove("padic_losses.ranking_v2", STASH, optional=True),
    Add("padic_losses.ranking_loss", {}, implicit=True),
    Add("padic_losses.hyperbolic_v10.prior.kl_target", 50.0, implicit=True),
    Add("padic_losses.hyperbolic_v10.prior.target_radius", 0.5, implicit=True),
    Add("padic_losses.hyperbolic_v10.prior.ema_alpha", 0.05, implicit=True),
    Add("correlation_feedback", None, implicit=True),
    Add("exploration_boost", None, implicit=True),
    Add("correlation_loss", None, implicit=True),
    Add("histogram_interval", 0, implicit=True),
    Add("embedding_interval", 0, implicit=True),
    Add("embedding_n_samples", 0, implicit=True),
]


def weights(state: Weights) -> list[Operation]:
    """StateNet has its final name; that of 5.10.1 comes back where a downgrade had kept it."""
    if any(name.startswith("statenet.") for name in state.tensors):
        return [Move("statenet", "state_net")]
    if state.facts.get("state_net") in ("none", "v5, 20 inputs", "v5, 21 inputs"):
        return [Add("state_net", STASH, optional=True)]
    return []
