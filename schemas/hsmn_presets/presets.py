"""The presets of both releases, which have the same keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

RELEASE = r"^\d+\.\d+\.\d+$"


class Entry(BaseModel):
    """Types are exact; a key that is not known here stays, and says nothing."""

    model_config = ConfigDict(extra="allow", strict=True, protected_namespaces=())


class Stage(Entry):
    name: str = Field(description="how the page shows it")
    order: int | None = Field(default=None, ge=0, description="its place among the stages")
    epochs: int = Field(default=1, ge=1, description="passes over its datasets")
    description: str | None = Field(default=None, description="what it is for")
    datasets: list[str] = Field(default_factory=list, description="what is sampled from")


class Preset(Entry):
    name: str | None = Field(default=None, description="how the page shows it")
    description: str | None = Field(default=None, description="what it is for")
    version: str | None = Field(
        default=None, pattern=RELEASE, description="release of its content: three numbers"
    )
    target_params: str | None = Field(
        default=None, description="size of model that it is meant for"
    )
    stages: list[Stage] = Field(default_factory=list, description="stages in their order")
    hf_datasets: list[str] = Field(default_factory=list, description="datasets of all stages")


class Presets(Entry):
    version: str | None = Field(
        default=None, pattern=RELEASE, description="version of the file's keys: three numbers"
    )
    last_updated: str | None = Field(default=None, description="day of its last change")
    description: str | None = Field(default=None, description="what the file is")
    presets: dict[str, Preset] = Field(description="presets by the name that a search uses")
