"""TernaryVAE 5.12.2: radii are hyperbolic distances to the origin, not Euclidean norms."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from . import v5_11_11, v5_12_0
from . import v5_12_1 as before
from .base import Section


class Radial(v5_12_0.Radial):
    inner_radius: float = Field(
        ge=0, description="radius of valuation 9, in the unit of radius_metric"
    )
    outer_radius: float = Field(
        gt=0, description="radius of valuation 0, in the unit of radius_metric"
    )


class Loss(Section):
    radius_metric: Literal["hyperbolic", "euclidean"] = Field(
        default="hyperbolic", description="unit of every radius here and in targets"
    )
    rich_hierarchy: v5_12_0.RichHierarchy = Field(description="hierarchy, coverage and richness")
    radial: Radial = Field(description="radius by valuation")
    geodesic: v5_12_0.Geodesic = Field(
        default_factory=v5_12_0.Geodesic, description="geodesic distances"
    )
    rank: v5_11_11.Rank = Field(default_factory=v5_11_11.Rank, description="global order of radii")
    zero_structure: v5_11_11.ZeroStructure = Field(
        default_factory=v5_11_11.ZeroStructure, description="radius by zeros"
    )


class Config(before.Config):
    loss: Loss = Field(description="losses")  # type: ignore[assignment]
