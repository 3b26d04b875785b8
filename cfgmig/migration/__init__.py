"""What a revision file says, and what turns it into a migrated config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfgmig.migration.checks import CopyOf
    from cfgmig.migration.codecs import (
        Cast,
        Codec,
        Compose,
        Not,
        ReplacePrefix,
        Scale,
        Values,
    )
    from cfgmig.migration.grade import IRREVERSIBLE, MISSING, STASH, Grade
    from cfgmig.migration.operations import (
        Add,
        Convert,
        Custom,
        Default,
        Move,
        Operation,
        Remove,
    )

__all__ = [
    "IRREVERSIBLE",
    "MISSING",
    "STASH",
    "Add",
    "Cast",
    "Codec",
    "Compose",
    "Convert",
    "CopyOf",
    "Custom",
    "Default",
    "Grade",
    "Move",
    "Not",
    "Operation",
    "Remove",
    "ReplacePrefix",
    "Scale",
    "Values",
]

_HOMES = {
    "cfgmig.migration.checks": ("CopyOf",),
    "cfgmig.migration.grade": ("Grade", "IRREVERSIBLE", "MISSING", "STASH"),
    "cfgmig.migration.codecs": (
        "Cast", "Codec", "Compose", "Not", "ReplacePrefix", "Scale", "Values",
    ),
    "cfgmig.migration.operations": (
        "Add", "Convert", "Custom", "Default", "Move", "Operation", "Remove",
    ),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
