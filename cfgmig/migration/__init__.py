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
    from cfgmig.migration.guarantee import (
        EXACT,
        STRUCTURAL,
        Guarantee,
        preserving,
        structural,
    )
    from cfgmig.migration.operations import (
        Add,
        Convert,
        Custom,
        Default,
        Move,
        Operation,
        Remove,
    )
    from cfgmig.migration.regroup import Regroup
    from cfgmig.migration.revise import Revise, Tell
    from cfgmig.migration.tensors import (
        Joined,
        Repeated,
        Reshaped,
        Resized,
        Split,
        TensorCodec,
        Transposed,
    )
    from cfgmig.migration.unite import Unite
    from cfgmig.migration.weights import Beside, Weights

__all__ = [
    "EXACT",
    "IRREVERSIBLE",
    "MISSING",
    "STASH",
    "STRUCTURAL",
    "Add",
    "Beside",
    "Cast",
    "Codec",
    "Compose",
    "Convert",
    "CopyOf",
    "Custom",
    "Default",
    "Grade",
    "Guarantee",
    "Joined",
    "Move",
    "Not",
    "Operation",
    "Regroup",
    "Remove",
    "Repeated",
    "ReplacePrefix",
    "Reshaped",
    "Resized",
    "Revise",
    "Scale",
    "Split",
    "Tell",
    "TensorCodec",
    "Transposed",
    "Unite",
    "Values",
    "Weights",
    "preserving",
    "structural",
]

_HOMES = {
    "cfgmig.migration.checks": ("CopyOf",),
    "cfgmig.migration.grade": ("Grade", "IRREVERSIBLE", "MISSING", "STASH"),
    "cfgmig.migration.regroup": ("Regroup",),
    "cfgmig.migration.revise": ("Revise", "Tell"),
    "cfgmig.migration.unite": ("Unite",),
    "cfgmig.migration.guarantee": (
        "EXACT", "STRUCTURAL", "Guarantee", "preserving", "structural",
    ),
    "cfgmig.migration.tensors": (
        "Joined", "Repeated", "Reshaped", "Resized", "Split", "TensorCodec", "Transposed",
    ),
    "cfgmig.migration.weights": ("Beside", "Weights"),
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
