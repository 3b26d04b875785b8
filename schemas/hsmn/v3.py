"""HSMN 3: the tokenizer aims at a vocabulary, and the model takes what was learnt."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from . import v2
from .base import Section


class Model(v2.Model):
    vocab_source: Literal["config", "tokenizer"] = Field(
        default="tokenizer", description="whose vocabulary the model has"
    )


class Tokenizer(Section):
    kind: Literal["adaptive_qwt"] = Field(
        default="adaptive_qwt", description="bytes, and frequent n-grams of them"
    )
    base_vocab: int = Field(
        default=362, ge=1, description="ids before any is learnt: max(362, byte_offset + 320)"
    )
    byte_offset: int = Field(default=32, ge=10, description="id of byte 0; below are special ids")
    target_vocab_size: int | None = Field(default=None, ge=1, description="ids to learn up to")
    max_vocab_size: int | None = Field(
        default=None, ge=1, description="hard cap of what is learnt; null is the target itself"
    )
    derived_from: Literal["budget"] | None = Field(
        default=None, description="what the vocabulary was computed from"
    )
    min_ngram: int = Field(default=2, ge=2, description="shortest n-gram, bytes")
    max_ngram: int = Field(default=5, ge=2, description="longest n-gram, bytes")
    min_freq: int = Field(
        default=10, ge=1, description="occurrences below which an n-gram is no id"
    )
    learn_samples: int = Field(default=5000, ge=1, description="texts to learn from")


class Hd(v2.Hd):
    sample_length: int = Field(default=512, ge=1, description="tokens of one bundle")


class Data(v2.Data):
    hd: Hd = Field(default_factory=Hd, description="the HD stream")


class Config(v2.Config):
    model: Model = Field(default_factory=Model, description="architecture")
    tokenizer: Tokenizer = Field(default_factory=Tokenizer, description="text to ids")
    data: Data = Field(default_factory=Data, description="what to train on")
