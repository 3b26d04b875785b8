"""The same change at every use of a shared node is one change of that node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.document.changes import Change, MoveTo, Restore
from cfgmig.document.moving_text import CopyTo
from cfgmig.document.node import Node
from cfgmig.document.scalars import is_merge
from cfgmig.paths import Path

if TYPE_CHECKING:
    from cfgmig.document.document import Document


class Task(NamedTuple):
    """A change, and whether every place that shares what it changes asks for it."""

    change: Change | CopyTo
    covered: bool


def tasks(document: Document, changes: Sequence[Change]) -> list[Task]:
    """Changes, those of a shared node made once if all of its users ask for the same."""
    if "&" not in document.text or document.root is None or len(changes) < 2:
        return [Task(change, False) for change in changes]
    groups = _groups(document.root)
    out: list[Task] = []
    pending = list(changes)
    while pending:
        change = pending.pop(0)
        twins = _twins(change, groups)
        if twins and all(twin == change or twin in pending for twin in twins):
            for twin in twins[1:]:
                if twin in pending:
                    pending.remove(twin)
            if change != twins[0] and twins[0] in pending:
                pending.remove(twins[0])
            out.append(Task(twins[0], True))
        else:
            out.append(Task(change, False))
    return out


def _groups(root: Node) -> list[list[Path]]:
    """For every shared node the paths that lead to it, its own first."""
    own: dict[Node, Path] = {}
    users: dict[Node, list[Path]] = {}
    stack: list[tuple[Path, Node]] = [((), root)]
    while stack:
        path, node = stack.pop()
        if node.kind == "alias" and node.target is not None:
            users.setdefault(node.target, []).append(path)
            continue
        if node.anchor is not None:
            own[node] = path
        for entry in node.entries:
            inner = path if is_merge(entry.key) else (*path, entry.name)
            stack.append((inner, entry.value))
        for index, item in enumerate(node.items):
            stack.append(((*path, index), item))
    return [[own[node], *sorted(paths, key=str)] for node, paths in users.items() if node in own]


def _twins(change: Change, groups: list[list[Path]]) -> list[Change]:
    """The change at every place that shares what it changes, the node's own first."""
    if isinstance(change, Restore):
        return []
    path = change.source if isinstance(change, MoveTo) else change.path
    for group in groups:
        for at in group:
            if path[: len(at)] != at:
                continue
            if isinstance(change, MoveTo) and change.target[: len(at)] != at:
                return []
            return [_at(change, len(at), place) for place in group]
    return []


def _at(change: Change, length: int, place: Path) -> Change:
    """The same change below another place."""
    fields: dict[str, Any] = {}
    for name in ("path", "source", "target"):
        if hasattr(change, name):
            fields[name] = (*place, *getattr(change, name)[length:])
    return change._replace(**fields)
