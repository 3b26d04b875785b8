"""TernaryVAE 5.5.2: TensorBoard and torch.compile."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from . import v5_5_1 as before
from .base import Section


class TorchCompile(Section):
    enabled: bool = Field(
        default=False, description="compile the model; its weights get a key prefix"
    )
    backend: str = Field(default="inductor", description="torch.compile backend")
    mode: Literal["default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"] = (
        Field(default="default", description="torch.compile mode")
    )
    fullgraph: bool = Field(default=False, description="refuse graph breaks")


class Config(before.Config):
    tensorboard_dir: str | None = Field(
        default=None, description="folder of event files; null for none"
    )
    experiment_name: str | None = Field(default=None, description="run name; null for a time stamp")
    torch_compile: TorchCompile = Field(
        default_factory=TorchCompile, description="ahead-of-time compilation"
    )
