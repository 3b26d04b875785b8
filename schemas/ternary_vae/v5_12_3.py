"""TernaryVAE 5.12.3: the keys of 5.12.2, in a run that checks its radii."""

from __future__ import annotations

from . import v5_12_2 as before


class Config(before.Config):
    pass
