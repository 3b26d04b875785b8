"""Measures radii as hyperbolic distances; older files keep their Euclidean norms, and say so.

0.90 was a norm and would now be a distance, that of the norm 0.422. With
`loss.radius_metric: euclidean` the radii and the targets `r_v9` and `richness` keep their
unit; results are comparable with newer runs only after both are converted.
"""

from __future__ import annotations

from typing import Any

from cfgmig.errors import LossyError
from cfgmig.migration import Add, Convert, Custom, Operation, Remove, Values

revision = "5.12.2"
revises = "5.12.1"

METRIC = "loss.radius_metric"


def _euclidean(data: Any) -> list[Operation]:
    del data
    return [Add(METRIC, "euclidean")]


def _unsaid(data: Any) -> list[Operation]:
    if (data.get("loss") or {}).get("radius_metric") != "euclidean":
        raise LossyError(
            "the radii of this file are hyperbolic distances, those of 5.12.1 are norms",
            help="go down no further than 5.12.2, or convert them (at curvature 1 the distance "
            f"d is the norm tanh(d / 2)) and write `{METRIC}: euclidean`",
        )
    return [Remove(METRIC, "euclidean")]


config = [
    Custom(
        "loss.radius_metric says that the radii of older files are Euclidean norms.",
        _euclidean,
        _unsaid,
        touches=(METRIC,),
    ),
    Convert("version.model", Values({"5.12.1": "5.12.2"}, others="keep"), optional=True),
]
weights = []


def _measured(data: Any) -> list[Operation]:
    """A coverage that does not say how it was measured was measured by the model's own logits."""
    metrics = data.get("metrics")
    if not isinstance(metrics, dict) or "coverage" not in metrics:
        return []
    known = "coverage_definition" in metrics
    return [] if known else [Add("metrics.coverage_definition", "cov_logits")]


def _stays(data: Any) -> list[Operation]:
    del data
    return []


checkpoint = [
    Custom(
        "The coverage says how it was measured: by the model's own logits (cov_logits).",
        _measured,
        _stays,
        touches=("metrics.coverage_definition",),
    ),
]
