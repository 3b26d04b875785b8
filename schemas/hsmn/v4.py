"""HSMN 4: HD dimensions per layer, and the context window in place of the sequence length."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from . import v1, v3
from .base import Section


class Embedding(v1.Embedding):
    hd_active_vocab_size: int | None = Field(
        default=None, ge=1, description="ids with a row of their own; null: all of them"
    )


class HdDims(Section):
    embedding: int | None = Field(default=None, ge=1, description="of the embedding")
    spatial: int | None = Field(default=None, ge=1, description="of the state space blocks")
    timecrystal: int | None = Field(default=None, ge=1, description="of the Hamiltonian blocks")
    moe: int | None = Field(default=None, ge=1, description="of the experts")


class Spatial(Section):
    mamba_state_dim: int = Field(default=16, ge=1, description="state of the scan")
    qhd_num_paths: int | None = Field(
        default=None, ge=1, le=2, description="paths of the scan, 1 or 2; null is 2"
    )
    qhd_entanglement_depth: int = Field(default=2, ge=1, description="rotations between paths")
    qhd_entanglement_strength: float = Field(default=0.3, ge=0, description="their weight")
    qhd_entanglement_topology: Literal["walk", "hierarchical", "adjacent"] = Field(
        default="walk", description="which paths meet"
    )
    qhd_gumbel_temperature: float = Field(default=1.0, gt=0, description="read by no code")


class Blocks(v1.Blocks):
    spatial: Spatial = Field(default_factory=Spatial, description="state space block")


class Model(v3.Model):
    sequence_length: int | None = Field(
        default=None, ge=1, description="stale: what context_window was called"
    )
    context_window: int | None = Field(default=None, ge=1, description="tokens of one sequence")
    embedding: Embedding | None = Field(
        default=None, description="how ids become vectors; bundles need none"
    )
    blocks: Blocks = Field(default_factory=Blocks, description="settings of the block types")
    hd_dims: HdDims | None = Field(
        default=None, description="HD dimensions per layer; null: adapter.hd_dim, else 8 hidden_dim"
    )


class Tokenizer(v3.Tokenizer):
    vocab_size: int | None = Field(
        default=None, ge=1, description="stale: what the budget gave; target_vocab_size holds"
    )


class Data(v3.Data):
    streaming_mode: Literal["packed", "chunked"] = Field(
        default="packed", description="how a token stream is cut"
    )


class Config(v3.Config):
    model: Model = Field(default_factory=Model, description="architecture")
    tokenizer: Tokenizer = Field(default_factory=Tokenizer, description="text to ids")
    data: Data = Field(default_factory=Data, description="what to train on")
