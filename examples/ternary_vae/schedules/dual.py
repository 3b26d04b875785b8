"""Schedules of the dual VAE, as trained in 5.5 to 5.10: pure functions of the epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin

PERIOD = 30
"""Epochs of every cosine here."""

COLDEST = 0.1
"""Lowest temperature of A."""

RHO_MIDDLE = 0.3
"""Cross-injection at the end of the second phase, and in the third one without balance."""

RHO_RAMP = 80
"""Epochs in which rho rises in the second and in the third phase."""

BALANCED = (0.8, 1.2)
"""Gradient ratios B / A between which, exclusively, the two VAEs count as balanced."""


@dataclass(frozen=True)
class Phases:
    """First epochs of phase 2, 3 and 4.

    The trainers had the first two as constants and read only `ultra_exploration_start`.
    """

    second: int = 40
    third: int = 120
    fourth: int = 250


def phase(epoch: int, phases: Phases) -> int:
    """The number of the phase, 1 to 4."""
    return 1 + (epoch >= phases.second) + (epoch >= phases.third) + (epoch >= phases.fourth)


def temperature_a(
    epoch: int,
    epochs: int,
    *,
    start: float = 1.0,
    end: float = 0.3,
    cyclic: bool = True,
    boost: float = 0.5,
    phases: Phases = Phases(),
) -> float:
    """Sampling temperature of A: linear from start to end, with a cosine on top.

    The cosine's amplitude is 0.1 of the linear value, and `boost` of it in phase 4; the sum
    is at least 0.1.
    """
    base = start + (end - start) * epoch / epochs
    if not cyclic:
        return max(base, COLDEST)
    amplitude = (boost if phase(epoch, phases) == 4 else 0.1) * base
    return max(base + amplitude * cos(2 * pi * epoch / PERIOD), COLDEST)


def temperature_b(
    epoch: int,
    epochs: int,
    *,
    start: float = 0.9,
    end: float = 0.2,
    fourth: float = 0.3,
    lag: int = 30,
    phases: Phases = Phases(),
) -> float:
    """Sampling temperature of B: linear, `lag` epochs behind; `fourth` in phase 4."""
    if phase(epoch, phases) == 4:
        return fourth
    return start + (end - start) * max(0, epoch - lag) / epochs


def beta_a(
    epoch: int, epochs: int, *, start: float = 0.3, end: float = 0.8, warmup: int = 50
) -> float:
    """KL weight of A: linear from 0 to start in `warmup` epochs, then linear to end.

    KL warm-up: Bowman et al., "Generating Sentences from a Continuous Space" (2016).
    """
    if epoch < warmup:
        return start * epoch / warmup
    return start + (end - start) * (epoch - warmup) / max(epochs - warmup, 1)


def beta_b(
    epoch: int, beta_of_a: float, *, start: float = 0.0, warmup: int = 50, lag: float = 0.785
) -> float:
    """KL weight of B: linear from 0 to start in `warmup` epochs, then sin(lag) times that of A.

    With the start of 0 that all files have, B has no KL at all for `warmup` epochs, and then
    0.707 of A's at once. `vae_b.beta_end` has no part in it.
    """
    if epoch < warmup:
        return start * epoch / warmup
    return beta_of_a * sin(lag)


def rho(
    epoch: int,
    gradient_ratio: float,
    *,
    low: float = 0.1,
    high: float = 0.7,
    phases: Phases = Phases(),
) -> float:
    """Cross-injection: low, then a ramp to 0.3, then one to high if balanced, then high.

    `gradient_ratio` is B / A; the third phase stays at 0.3 unless it lies in (0.8, 1.2).
    """
    number = phase(epoch, phases)
    if number == 1:
        return low
    if number == 4:
        return high
    if number == 2:
        share = (epoch - phases.second) / (phases.third - phases.second)
        return low + (RHO_MIDDLE - low) * share
    if not BALANCED[0] < gradient_ratio < BALANCED[1]:
        return RHO_MIDDLE
    return RHO_MIDDLE + (high - RHO_MIDDLE) * min((epoch - phases.third) / RHO_RAMP, 1.0)


def lambda3(epoch: float, *, base: float = 0.3, amplitude: float = 0.15) -> float:
    """Weight of the entropy alignment: base + amplitude cos(2 pi (e mod 30) / 30 + pi / 2)."""
    return base + amplitude * cos(2 * pi * (epoch % PERIOD) / PERIOD + pi / 2)


def step_rate(epoch: int, start: float, steps: Sequence[tuple[int, float]]) -> float:
    """Learning rate: that of the last step (epoch, rate) reached, `start` before the first."""
    reached = [step for step in steps if step[0] <= epoch]
    return max(reached, key=lambda step: step[0])[1] if reached else start
