"""Reads a flat file of v6 as one of v4: active_vocab_size was target_vocab_size there."""

from __future__ import annotations

from cfgmig.migration import Move

revision = "flat-v4"
revises = "flat-v6"

config = [Move("active_vocab_size", "target_vocab_size", optional=True)]
weights = []
