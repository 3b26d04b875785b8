"""TernaryVAE 5.9.2: the keys of 5.9.0; the values of its files were tuned."""

from __future__ import annotations

from . import v5_9_0 as before


class Config(before.Config):
    pass
