from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, RootModel


class Phase(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    rate: str | float = Field(default="0.1", description="text of old")


class Plan(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: str
    phases: list[Phase]
    note: str = ""


class Plans(RootModel[list[Plan]]):
    pass


class Book(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    plans: Plans
