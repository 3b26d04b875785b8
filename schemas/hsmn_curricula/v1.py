"""Curricula 1: what the web page wrote, which checked no number."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, RootModel


class Entry(BaseModel):
    """Types are exact; a key that the page added stays, since nothing says which it knew."""

    model_config = ConfigDict(extra="allow", strict=True, protected_namespaces=())


class Dataset(Entry):
    dataset_id: str = Field(description="dataset to stream")
    weight: float = Field(default=1.0, description="share of the stage's samples")


class Stage(Entry):
    name: str = Field(description="the stage's own name")
    display_name: str | None = Field(default=None, description="how the page shows it")
    module: str | None = Field(default=None, description="skill that it trains")
    datasets: list[Dataset] = Field(default_factory=list, description="what is sampled from")
    epochs: int = Field(default=1, ge=1, description="passes over them")
    learning_rate: str | float | None = Field(default=None, description="learning rate, as text")
    batch_size: int | None = Field(default=None, ge=1, description="sequences per step")
    weight: float = Field(default=1.0, description="share of the training; may be 0 or less")


class Curriculum(Entry):
    id: str = Field(description="what a search's curriculum_id names")
    name: str | None = Field(default=None, description="how the page shows it")
    stages: list[Stage] = Field(description="stages in the order of their training")
    vocab_size: int | None = Field(default=None, ge=1, description="vocabulary of its time")
    context_window: int | None = Field(default=None, ge=1, description="tokens of one sequence")
    created_at: str | None = Field(default=None, description="when it was made")
    updated_at: str | None = Field(default=None, description="when it was last changed")


class Curricula(RootModel[list[Curriculum]]):
    pass
