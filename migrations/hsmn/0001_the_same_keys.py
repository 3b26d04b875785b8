"""Reads a flat file of v0 and v1 as one of v2, which has the same keys."""

from __future__ import annotations

revision = "flat-v2"
revises = "flat-v1"

config = []
weights = []
