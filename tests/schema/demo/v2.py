from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Model(Section):
    width: int = Field(gt=0, description="units of a layer")
    activation: Literal["relu", "silu"] = "relu"
    note: str | None = None
    bias: bool = True
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None


class Cosine(Section):
    type: Literal["cosine"]
    t_max: int = 10
    floor: float = 0.0


class Step(Section):
    type: Literal["step"]
    sizes: list[int]
    floor: float = 0.1


class Phase(Section):
    name: str
    epochs: int = 1


class Train(Section):
    epochs: int = Field(default=10, ge=1)
    lr: float | Literal["auto"] = 0.1
    betas: tuple[float, float] = (0.9, 0.999)
    schedule: Cosine | Step | None = None
    tagged: Annotated[Cosine | Step, Field(discriminator="type")] | None = None
    phases: list[Phase] = []
    limit: float = float("inf")


class Config(Section):
    model: Model
    train: Train = Field(default_factory=Train)
    extra: dict[str, Any] = {}
    weights: dict[str, float] = {}
    heads: dict[str, Phase] = {}
    seed: int | None = None
