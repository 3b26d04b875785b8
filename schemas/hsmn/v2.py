"""HSMN 2: an adapter for bundles, labels for whole sequences, a cap on the vocabulary."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from . import v1
from .base import Section
from .search import Qahpo, Qsg


class Input(Section):
    kind: Literal["hd_bundle", "token_ids"] = Field(description="what the model is fed")
    dtype: Literal["float32", "int32"] = Field(description="its element type")


class Adapter(Section):
    hd_dim: int = Field(ge=1, description="dimensions of a bundle; a multiple of hidden_dim")
    expand: Literal["broadcast", "unbind", "cleanup", "none"] = Field(
        default="unbind", description="how one bundle becomes a sequence"
    )
    use_bias: bool = Field(default=True, description="add a bias to the projection")
    position: Literal["learned", "none"] = Field(
        default="learned", description="a vector added at each position"
    )


class Model(v1.Model):
    embedding: v1.Embedding | None = Field(
        default=None, description="how ids become vectors; bundles need none"
    )
    input: Input | None = Field(
        default=None, description="what the model is fed; null: as data.hd.enabled says"
    )
    adapter: Adapter | None = Field(default=None, description="bundles to the model's width")


class Tokenizer(v1.Tokenizer):
    vocab_size: int | None = Field(
        default=None, ge=1, description="ids of the model; null lets the budget decide"
    )
    max_vocab_size: int | None = Field(
        default=None, ge=1, description="hard cap of what is learnt; null is the vocabulary itself"
    )
    derived_from: Literal["budget"] | None = Field(
        default=None, description="what the vocabulary was computed from"
    )


class Hd(Section):
    enabled: bool = Field(default=True, description="stream texts as HD bundles")
    label_mode: Literal["full_sequence", "last_token", "bundle"] = Field(
        default="full_sequence", description="what a bundle's label is"
    )
    reservoir_size: int = Field(default=2000, ge=1, description="bundles kept of the stream")
    ctqw_steps: int = Field(default=3, ge=0, le=10, description="steps of the low-pass spread")
    keys: Literal["gaussian", "unitary"] = Field(
        default="gaussian", description="position keys; unbinding is exact with unitary ones"
    )
    seed: int = Field(default=42, description="seed of base vectors and position keys")
    base_table: Literal["dense", "lazy"] | None = Field(
        default=None,
        description="base vectors in one table or drawn per id; null: lazy above 65536 ids",
    )


class Data(v1.Data):
    hd: Hd = Field(default_factory=Hd, description="the HD stream")


class Budget(v1.Budget):
    vocab_cap: int = Field(
        default=300_000, ge=1, description="vocabulary at most, whatever the budget"
    )


class Loss(v1.Loss):
    ignore_index: int | None = Field(default=2, description="label that counts nothing: padding")


class Training(v1.Training):
    loss: Loss = Field(default_factory=Loss, description="what is minimised")


class Config(Section):
    profile: v1.Profile | None = Field(default=None, description="what the file is for")
    model: Model = Field(default_factory=Model, description="architecture")
    tokenizer: Tokenizer = Field(default_factory=Tokenizer, description="text to ids")
    data: Data = Field(default_factory=Data, description="what to train on")
    budget: Budget = Field(default_factory=Budget, description="how large it may be")
    training: Training = Field(default_factory=Training, description="how to train")
    qahpo: Qahpo = Field(default_factory=Qahpo, description="the search")
    qsg: Qsg = Field(default_factory=Qsg, description="generation")
    provenance: v1.Provenance = Field(
        default_factory=v1.Provenance, description="where the file is from"
    )
    legacy_extra: dict[str, Any] = Field(
        default_factory=dict, description="keys that nothing reads any more, kept as they were"
    )
