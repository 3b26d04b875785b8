"""Renames vocab_size to target_vocab_size: the model takes what the tokenizer learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cfgmig.migration import STASH, Add, Custom, Move, Operation, Remove

revision = "3"
revises = "2"

FLAGS = ("use_tt_ffn", "use_latent_kv", "use_hd_streaming")


def _get(data: Any, path: str, default: Any = None) -> Any:
    for key in path.split("."):
        data = data.get(key) if isinstance(data, dict) else None
    return default if data is None else data


def _new(path: str, summary: str, value: Callable[[Any], Any]) -> Custom:
    """A key that follows from the others; what a file of version 3 said else comes back."""

    def up(data: Any) -> list[Operation]:
        found = value(data)
        return [Add(path, STASH, optional=True) if found is None else Add(path, found)]

    def down(data: Any) -> list[Operation]:
        found = value(data)
        return [Remove(path, STASH if found is None else found, optional=True)]

    return Custom(summary, up, down, touches=(path,))


def _sample(data: Any) -> Any:
    """Tokens of one bundle: the position keys of a longer one would fill the memory."""
    if not _get(data, "data.hd.enabled", True):
        return None
    length = _get(data, "model.sequence_length") or _get(data, "model.context_window") or 512
    return min(512, length)


config = [
    Move("tokenizer.vocab_size", "tokenizer.target_vocab_size", optional=True),
    Add("model.vocab_source", "tokenizer", optional=True),
    _new("data.hd.sample_length", "A bundle is made of 512 tokens at most.", _sample),
    *(Remove(f"qahpo.search_space.{flag}", STASH, optional=True) for flag in FLAGS),
]
weights = []
