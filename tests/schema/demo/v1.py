from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Config1(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    width: int = Field(gt=0)
    depth: int = 2
    lr: float = 0.1
    out: str = "runs"


class Config11(Config1):
    generation: str = "1.1"
    optimizer: Literal["sgd", "adam"] = "sgd"


class Dump(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    width: int
    learning_rate: float
