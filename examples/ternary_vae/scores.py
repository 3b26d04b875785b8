"""Numbers that choose the best file, cut learning rates or end a run, by the names of configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from .metrics import composite

ALIASES = {
    "hierarchy": "hierarchy_B",
    "radial_corr_A": "hierarchy_A",
    "radial_corr_B": "hierarchy_B",
    "richness": "richness_B",
    "r_v0": "r_v0_B",
    "r_v9": "r_v9_B",
    "distance_correlation": "dist_corr",
    "best_Q": "Q",
    "train_loss": "loss",
}
"""Other names that configs and old checkpoints give to a number."""

LOWER_IS_BETTER = {"loss", "r_v9_A", "r_v9_B"}
ORDERED = {"hierarchy_A", "hierarchy_B"}
"""Negative is good where small radii stand for deep valuations, positive where it is turned."""

KNOWN = (
    *("coverage", "coverage_logits", "hierarchy_A", "hierarchy_B", "richness_A", "richness_B"),
    *("r_v0_A", "r_v0_B", "r_v9_A", "r_v9_B", "dist_corr", "dist_corr_A", "dist_corr_B"),
    *("Q", "Q_A", "Q_B", "loss", "composite_score", "hierarchy_correlation"),
)


class Score(NamedTuple):
    """A number by its own name, and which way it improves."""

    name: str
    mode: Literal["min", "max"]


def score(name: str, *, deep_inside: bool = True) -> Score:
    """What a config's name stands for.

    Args:
        name: as in checkpoints.best_metric.
        deep_inside: whether deep valuations lie inside, as in `valuation_optimal`.

    Raises:
        ValueError: nothing of that name is measured.
    """
    own = ALIASES.get(name, name)
    if own not in KNOWN:
        raise ValueError(f"nothing called {name} is measured; known: {', '.join(KNOWN)}")
    lower = own in LOWER_IS_BETTER or (own in ORDERED and deep_inside)
    return Score(own, "min" if lower else "max")


def scored(
    values: Mapping[str, float], loss: float, *, deep_inside: bool = True
) -> dict[str, float]:
    """All numbers by all their names: those measured, and those that follow from them.

    `hierarchy_correlation` is hierarchy_B with the sign that makes a higher one better;
    `composite_score` is that of 5.11.
    """
    sign = -1.0 if deep_inside else 1.0
    found = {**values, "loss": loss}
    found["hierarchy_correlation"] = sign * values["hierarchy_B"]
    found["composite_score"] = composite(-sign * values["hierarchy_A"], loss)
    return {**found, **{other: found[own] for other, own in ALIASES.items() if own in found}}
