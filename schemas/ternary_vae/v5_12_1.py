"""TernaryVAE 5.12.1: the decoder reads the point on the ball, mapped to its tangent space."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from . import v5_11_0
from . import v5_12_0 as before


class Model(v5_11_0.Model):
    latent_dim: int = Field(ge=2, description="latent dimensions; those of the checkpoint")
    hidden_dim: int = Field(ge=1, description="width of the projection")
    max_radius: float = Field(gt=0, lt=1, description="largest Euclidean norm on the ball")
    curvature: float = Field(gt=0, description="curvature of the ball, positive")
    learnable_curvature: bool = Field(
        default=False, description="let the curvature train; no forward pass uses it"
    )
    manifold_aware: bool = Field(
        default=False, description="mark the projection's output as on the ball"
    )
    projection_layers: int = Field(default=1, ge=1, description="hidden layers of the projection")
    projection_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="dropout of the projection"
    )
    decoder_input: Literal["mu", "tangent"] = Field(
        default="tangent",
        description="decode the encoder's latent, or logmap0 of the projected point",
    )


class Version(before.Version):
    changes: list[str] = Field(default_factory=list, description="what is new in this file")


class Config(before.Config):
    model: Model = Field(description="architecture")  # type: ignore[assignment]
    version: Version | None = Field(default=None, description="what the file says of itself")
