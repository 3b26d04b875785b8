"""Checkpoints of many formats, read without running them: headers first, bytes on demand.

`open_checkpoint(path)` gives a Checkpoint, whose tensors are byte ranges of files. Nothing here
imports torch or numpy, and no file is ever executed: pickles are read by a closed grammar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from checkpoint_tools.errors import CheckpointError, Malformed, Refused, Unreadable, Unsafe
    from checkpoint_tools.formats.protocol import Checkpoint, Note, Piece, Run, Storage, TensorRef
    from checkpoint_tools.opening import open_checkpoint, sniff
    from checkpoint_tools.sniffing import Sniffed

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "Malformed",
    "Note",
    "Piece",
    "Refused",
    "Run",
    "Sniffed",
    "Storage",
    "TensorRef",
    "Unreadable",
    "Unsafe",
    "open_checkpoint",
    "sniff",
]

_HOMES = {"open_checkpoint": "opening", "sniff": "opening", "Sniffed": "sniffing"} | dict.fromkeys(
    ("Checkpoint", "Note", "Piece", "Run", "Storage", "TensorRef"), "formats.protocol"
)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
