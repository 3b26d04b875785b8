"""Learning rate schedules of the head version, as pure functions of the epoch.

Cosine annealing and warm restarts: Loshchilov and Hutter, "SGDR" (ICLR 2017), equation 5.
An epoch may be a fraction; nothing here has state, so a resumed run needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.ternary_vae import v5_12_4
    from schemas.ternary_vae import v5_12_5 as head

Schedule = Callable[[float], float]
"""From the epoch to the learning rate."""


def cosine(share: float, highest: float, lowest: float = 0.0) -> float:
    """Lowest + (highest - lowest) (1 + cos(pi share)) / 2, for a share of 0 to 1."""
    return lowest + (highest - lowest) * (1 + cos(pi * min(max(share, 0.0), 1.0))) / 2


def restart_share(epoch: float, first: int, factor: float) -> float:
    """How far the cycle of this epoch has come, 0 to 1: cycles of first, first * factor, ..."""
    length = float(first)
    while epoch >= length:
        epoch -= length
        length *= factor
    return epoch / length


def warm_restarts(
    rate: float, first: int, factor: float, lowest: float = 0.0, warmup: int = 0
) -> Schedule:
    """Cosine with warm restarts, after `warmup` epochs of a linear rise.

    The rise takes the rate from rate / warmup in epoch 0 to rate in epoch warmup - 1; the
    first cycle starts with epoch `warmup`.
    """

    def schedule(epoch: float) -> float:
        if epoch < warmup:
            return rate * min((epoch + 1) / warmup, 1.0)
        return cosine(restart_share(epoch - warmup, first, factor), rate, lowest)

    return schedule


def annealing(rate: float, length: int, lowest: float = 0.0) -> Schedule:
    """One cosine over `length` epochs, and the lowest rate from there on."""
    return lambda epoch: cosine(epoch / length, rate, lowest)


def phases(rate: float, parts: Sequence[v5_12_4.Phase], epochs: int) -> Schedule:
    """One course after the other, each within its own epochs and from its own rate.

    cosine: one cosine to 0 over the phase, or with T_0 warm restarts within it; constant;
    linear_decay: to 0 at the end of the phase.

    Raises:
        ValueError: an epoch of the run belongs to no phase or to two, or a range is empty.
    """
    for part in parts:
        if part.epoch_range[0] >= part.epoch_range[1]:
            raise ValueError(f"phase {part.name!r} has no epoch: {part.epoch_range}")
    for epoch in range(epochs):
        names = [part.name for part in parts if part.epoch_range[0] <= epoch < part.epoch_range[1]]
        if len(names) != 1:
            raise ValueError(f"epoch {epoch} belongs to {names or 'no phase'}, not to one phase")

    def schedule(epoch: float) -> float:
        for part in parts:
            first, end = part.epoch_range
            if first <= epoch < end:
                return _within(part, rate * part.base_lr_scale, epoch - first, end - first)
        raise ValueError(f"epoch {epoch} belongs to no phase")

    return schedule


def _within(part: v5_12_4.Phase, rate: float, epoch: float, length: int) -> float:
    if part.annealing == "constant":
        return rate
    if part.annealing == "linear_decay":
        return rate * (1 - epoch / length)
    if part.T_0 is not None:
        return cosine(restart_share(epoch, part.T_0, part.T_mult or 1.0), rate)
    return cosine(epoch / length, rate)


def build(scheduler: head.Scheduler, rate: float, epochs: int) -> Schedule:
    """The schedule that `training.scheduler` asks for; `adaptive_lr` is a controller.

    Args:
        scheduler: one of the three types of the head schema.
        rate: training.lr.
        epochs: training.epochs.

    Raises:
        ValueError: phases that do not fit the run.
    """
    if scheduler.type == "cosine_warmup_restart":
        return warm_restarts(
            rate, scheduler.T_0, scheduler.T_mult, scheduler.eta_min, scheduler.warmup_epochs
        )
    if scheduler.type == "cosine_annealing":
        return annealing(rate, scheduler.T_max or epochs, scheduler.eta_min)
    return phases(rate, scheduler.phases, epochs)
