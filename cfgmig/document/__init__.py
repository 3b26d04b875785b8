"""A YAML, JSON or TOML file whose bytes survive: read a tree, edit spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfgmig.document.changes import (
        Change,
        Cut,
        Delete,
        Insert,
        MoveTo,
        Restore,
        Rewrite,
        SetValue,
    )
    from cfgmig.document.document import Document, Edited, Kind
    from cfgmig.document.node import Node
    from cfgmig.document.spans import Comment, Edit, Note, Position

__all__ = [
    "Change",
    "Comment",
    "Cut",
    "Delete",
    "Document",
    "Edit",
    "Edited",
    "Insert",
    "Kind",
    "MoveTo",
    "Node",
    "Note",
    "Position",
    "Restore",
    "Rewrite",
    "SetValue",
]

_HOME = {
    "Document": "document",
    "Edited": "document",
    "Kind": "document",
    "Node": "node",
    "Comment": "spans",
    "Edit": "spans",
    "Note": "spans",
    "Position": "spans",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, when it is asked for."""
    if name not in __all__:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"cfgmig.document.{_HOME.get(name, 'changes')}"), name)
