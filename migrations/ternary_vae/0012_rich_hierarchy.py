"""Puts the rich hierarchy loss first; older files keep it off, and their geometry spelled out.

From here on the trainer runs homeostasis unless it is told not to, wants the size of the
projection and the radii in writing, and fills stratified batches to 25 % with high
valuations instead of 20 %. The hierarchy target moves from encoder A to encoder B: the
number is kept, and should be looked at again.
"""

from __future__ import annotations

from typing import Any

from cfgmig.migration import STASH, Add, Custom, Default, Move, Operation, Remove

revision = "5.12.0"
revises = "5.11.11"

BUDGET = "training.high_v_budget_ratio"


def _pin_budget(data: Any) -> list[Operation]:
    stratified = (data.get("training") or {}).get("use_stratified")
    return [Add(BUDGET, 0.2)] if stratified else [Add(BUDGET, STASH, optional=True)]


def _drop_budget(data: Any) -> list[Operation]:
    stratified = (data.get("training") or {}).get("use_stratified")
    return [Remove(BUDGET, 0.2 if stratified else STASH, optional=True)]


config = [
    Default("model.latent_dim", 16),
    Default("model.hidden_dim", 64),
    Default("model.max_radius", 0.95),
    Default("model.curvature", 1.0),
    Default("homeostasis.enabled", False, new=True),
    Remove("homeostasis.controller_patience_ceiling", STASH, optional=True),
    Add("loss.rich_hierarchy", {"enabled": False}),
    Default("loss.radial.inner_radius", 0.1),
    Default("loss.radial.outer_radius", 0.85),
    Add("loss.geodesic.phase_start_epoch", 0, implicit=True),
    Add("loss.geodesic.weight", 1.0, implicit=True),
    Custom(
        "training.high_v_budget_ratio keeps 0.2 where batches are stratified (now 0.25).",
        _pin_budget,
        _drop_budget,
        touches=(BUDGET, "training.use_stratified"),
    ),
    Remove("checkpoints.best_mode", STASH, optional=True),
    Move("targets.radial_hierarchy", "targets.hierarchy_B", optional=True),
    Add("targets.richness", None, implicit=True),
    Add("targets.r_v9", None, implicit=True),
    Add("version", None, implicit=True),
]
weights = []


def _measured(data: Any) -> list[Operation]:
    """A coverage that does not say how it was measured was measured by decoding the means."""
    metrics = data.get("metrics")
    if not isinstance(metrics, dict) or "coverage" not in metrics:
        return []
    known = "coverage_definition" in metrics
    return [] if known else [Add("metrics.coverage_definition", "cov_mu")]


def _stays(data: Any) -> list[Operation]:
    del data
    return []


HIERARCHY = {f"metrics.radial_corr_{side}": f"metrics.hierarchy_{side}" for side in "AB"}


def _renamed(data: Any, names: dict[str, str]) -> list[Operation]:
    """Where a file has both names, as those of 5.12 do, both stay."""
    metrics = data.get("metrics")
    found = {f"metrics.{key}" for key in metrics} if isinstance(metrics, dict) else set()
    return [Move(old, new) for old, new in names.items() if old in found and new not in found]


checkpoint = [
    Move("model_state", "model_state_dict", optional=True),
    Custom(
        "metrics.radial_corr_A and _B are called hierarchy_A and _B.",
        lambda data: _renamed(data, HIERARCHY),
        lambda data: _renamed(data, {new: old for old, new in HIERARCHY.items()}),
        touches=(*HIERARCHY, *HIERARCHY.values()),
    ),
    Custom(
        "The coverage says how it was measured: by decoding the means (cov_mu).",
        _measured,
        _stays,
        touches=("metrics.coverage_definition",),
    ),
]
