"""Splits the HD dimension by layer, and calls the sequence length the context window.

A file that says both lengths, and not the same, is refused until someone says which one
is meant: the server's file holds what the user typed, the loader reads the other one.
"""

from __future__ import annotations

from typing import Any

from cfgmig.migration import (
    MISSING,
    STASH,
    Add,
    Custom,
    Move,
    Operation,
    Remove,
    Revise,
    Unite,
)

revision = "4"
revises = "3"

SPATIAL = "model.blocks.spatial"
PATHS = f"{SPATIAL}.qhd_num_paths"
SPACE = "qahpo.search_space"
GONE = ("rg_lru_", "min_gru_")
LAYERS = ("embedding", "spatial", "timecrystal", "moe")
DIMS = "model.hd_dims"


def _get(data: Any, path: str, default: Any = None) -> Any:
    for key in path.split("."):
        data = data.get(key) if isinstance(data, dict) else None
    return default if data is None else data


def _split(data: Any) -> list[Operation]:
    dim = _get(data, "model.adapter.hd_dim")
    if dim is None:
        return [Add(DIMS, STASH, optional=True)]
    return [Add(DIMS, dict.fromkeys(LAYERS, dim))]


def _join(data: Any) -> list[Operation]:
    dim = _get(data, "model.adapter.hd_dim")
    return [Remove(DIMS, STASH if dim is None else dict.fromkeys(LAYERS, dim), optional=True)]


def _two_at_most(data: Any) -> Any:
    said = _get(data, PATHS)
    return MISSING if said is None else min(2, said)


def _leave(data: Any) -> list[Operation]:
    gone = [key for key in _get(data, SPACE, {}) if key.startswith(GONE)]
    return [Remove(f"{SPACE}.{key}", STASH) for key in gone]


def _return(data: Any) -> list[Operation]:
    del data
    return [Add(f"{SPACE}.*", STASH, optional=True)]


config = [
    Unite(
        "model.sequence_length",
        "model.context_window",
        meanings=(
            "what the user asked for",
            "what the loader read, and raised to 8192 without a word",
        ),
    ),
    Add("model.sequence_length", None, implicit=True),
    Custom("Every layer has an HD dimension of its own.", _split, _join, touches=(DIMS,)),
    Move(f"{SPATIAL}.qmamba_superposition_states", PATHS, optional=True),
    Revise(PATHS, _two_at_most, "A scan has two paths at most."),
    Move(
        f"{SPATIAL}.qmamba_entanglement_depth", f"{SPATIAL}.qhd_entanglement_depth", optional=True
    ),
    Move(
        f"{SPATIAL}.qmamba_entanglement_strength",
        f"{SPATIAL}.qhd_entanglement_strength",
        optional=True,
    ),
    Add(f"{SPATIAL}.qhd_entanglement_topology", "walk", implicit=True),
    Add(f"{SPATIAL}.qhd_gumbel_temperature", 1.0, implicit=True),
    Add("model.embedding.hd_active_vocab_size", None, implicit=True),
    Add("tokenizer.vocab_size", None, implicit=True),
    Add("data.streaming_mode", "packed", implicit=True),
    Custom(
        "Ranges for blocks that are no more leave the search.", _leave, _return, touches=(SPACE,)
    ),
]
weights = []
