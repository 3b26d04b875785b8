"""Calls the dataclass's vocab_size active_vocab_size; the total is 300000 where none is said.

The last code did not: it ignored the old name without a word, and took 32000.
"""

from __future__ import annotations

from cfgmig.migration import Add, Move

revision = "dataclass-v5"
revises = "dataclass-v1"

config = [
    Move("model.vocab_size", "model.active_vocab_size", optional=True),
    Add("model.total_vocab_size", 300_000, implicit=True),
]
weights = []
