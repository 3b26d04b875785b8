"""HSMN 5: one vocabulary under one name, one width, one length."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from . import v1, v2, v3, v4
from .base import Section


class HdDims(Section):
    embedding: int | None = Field(default=None, ge=1, le=4096, description="of the embedding")
    spatial: int | None = Field(
        default=None, ge=1, le=4096, description="of the state space blocks"
    )
    timecrystal: int | None = Field(
        default=None, ge=1, le=4096, description="of the Hamiltonian blocks"
    )
    moe: int | None = Field(default=None, ge=1, le=4096, description="of the experts")


class LmHead(v1.LmHead):
    factor_rank: int | None = Field(
        default=None, ge=1, description="rank of a factored output matrix; null: not factored"
    )
    total_vocab_size: int | None = Field(
        default=None, ge=1, description="rows of that matrix; null: tokenizer.total_vocab_size"
    )


class Model(Section):
    hidden_dim: int | None = Field(
        default=None, ge=1, description="width of the model; null lets the search decide"
    )
    num_reasoning_blocks: int | None = Field(
        default=None, ge=1, description="blocks; null lets the search decide"
    )
    num_moe_experts: int | None = Field(
        default=None, ge=1, description="experts per layer; null lets the search decide"
    )
    block_pattern: str = Field(
        default="mamba_timecrystal_wlam_moe_hybrid", description="mamba_only, or the hybrid"
    )
    context_window: int | None = Field(default=None, ge=1, description="tokens of one sequence")
    vocab_source: Literal["config", "tokenizer"] = Field(
        default="tokenizer", description="whose vocabulary the model has"
    )
    ff_expansion: int = Field(default=4, ge=1, description="feed-forward width over model width")
    input: v2.Input | None = Field(
        default=None, description="what the model is fed; null: as data.hd.enabled says"
    )
    adapter: v2.Adapter | None = Field(default=None, description="bundles to the model's width")
    embedding: v4.Embedding | None = Field(
        default=None, description="how ids become vectors; bundles need none"
    )
    lm_head: LmHead = Field(default_factory=LmHead, description="how vectors become logits")
    hd_dims: HdDims | None = Field(
        default=None, description="HD dimensions per layer; null: adapter.hd_dim, else 8 hidden_dim"
    )
    blocks: v4.Blocks = Field(default_factory=v4.Blocks, description="settings of the block types")


class Tokenizer(Section):
    kind: Literal["adaptive_qwt"] = Field(
        default="adaptive_qwt", description="bytes, and frequent n-grams of them"
    )
    base_vocab: int = Field(
        default=362, ge=1, description="ids before any is learnt: max(362, byte_offset + 320)"
    )
    byte_offset: int = Field(default=32, ge=10, description="id of byte 0; below are special ids")
    active_vocab_size: int | None = Field(
        default=None, ge=1, description="ids that can be predicted; null lets the search decide"
    )
    total_vocab_size: int = Field(default=300_000, ge=1, description="ids that can ever be")
    max_vocab_size: int | None = Field(
        default=None, ge=1, description="hard cap of what is learnt; null is the active vocabulary"
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


class Config(v3.Config):
    model: Model = Field(default_factory=Model, description="architecture")
    tokenizer: Tokenizer = Field(default_factory=Tokenizer, description="text to ids")
    data: v4.Data = Field(default_factory=v4.Data, description="what to train on")
