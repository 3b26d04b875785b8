"""Reads a grouped file of v6 as one of v4: active_vocab_size was target_vocab_size there."""

from __future__ import annotations

from cfgmig.migration import Move

revision = "grouped-v4"
revises = "grouped-v6"

config = [Move("model_config.active_vocab_size", "model_config.target_vocab_size", optional=True)]
weights = []
