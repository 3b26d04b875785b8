"""Curricula 2: numbers are numbers, and no stage is left out by its weight."""

from __future__ import annotations

from pydantic import Field, RootModel

from . import v1


class Stage(v1.Stage):
    learning_rate: float | None = Field(default=None, gt=0, description="learning rate")
    weight: float = Field(default=1.0, gt=0, description="share of the training")


class Curriculum(v1.Curriculum):
    stages: list[Stage] = Field(description="stages in the order of their training")


class Curricula(RootModel[list[Curriculum]]):
    pass
