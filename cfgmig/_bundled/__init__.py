"""The families that come with cfgmig: beside this file in a wheel, at the root of a checkout."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE if (HERE / "schemas").is_dir() else HERE.parent.parent
"""The folder that holds `schemas/` and `migrations/`."""

if HOME != HERE:
    __path__.append(str(HOME))
