"""Reads presets of 2.0.0 as those of 4.0.0, which have the same keys; every preset stays.

The newer release came with two of the ten presets, and with other stages in one of those.
To put that content in place of a file's own would lose what somebody may train with, so the
step changes nothing; `cfgmig check` names what the newer release does not have (HP101, HP102).
"""

from __future__ import annotations

revision = "4.0.0"
revises = "2.0.0"

config = []
weights = []
