"""From a path to its place in the drafted tree, and the refusals on the way."""

from __future__ import annotations

from typing import NamedTuple

from cfgmig.document.draft import Draft, Retry
from cfgmig.document.node import Entry, Node, walk
from cfgmig.document.scalars import is_merge
from cfgmig.errors import Refused
from cfgmig.paths import Path, Segment, format_path


class Spot(NamedTuple):
    """Where a path leads.

    Attributes:
        path: the path.
        holders: the collections on the way, root first; aliases are followed.
        steps: the index that was taken in each of them.
        node: what stands there (an alias is not followed).
        via: the aliases that were followed.
    """

    path: Path
    holders: tuple[Node, ...]
    steps: tuple[int, ...]
    node: Node
    via: tuple[Node, ...]

    @property
    def holder(self) -> Node:
        """The collection that holds it."""
        return self.holders[-1]

    @property
    def at(self) -> int:
        """Its index there."""
        return self.steps[-1]


def step(draft: Draft, node: Node, segment: Segment) -> int | None:
    """The index of a segment in a collection, None if it is not there."""
    if node.kind == "mapping":
        return index_of(draft.entries(node), segment)
    if node.kind == "sequence" and isinstance(segment, int):
        return segment if 0 <= segment < len(draft.items(node)) else None
    return None


def index_of(entries: list[Entry], segment: Segment) -> int | None:
    """The index of the entry whose key reads as the segment; strings come first."""
    name = str(segment)
    for index, entry in enumerate(entries):
        key = entry.key
        if key.content == name and key.kind == "scalar" and (key.style or key.value == name):
            return index
    for index, entry in enumerate(entries):
        key = entry.key
        if key.kind == "scalar" and ((key.style and not key.tag) or isinstance(key.value, str)):
            continue
        if entry.name == name:
            return index
    return None


def find(draft: Draft, path: Path) -> Spot | None:
    """Where a path leads in the drafted tree, or None."""
    node = draft.root
    holders: list[Node] = []
    taken: list[int] = []
    via: list[Node] = []
    for segment in path:
        if node.kind == "alias" and node.target is not None:
            via.append(node)
            node = node.target
        if node.synthetic and node not in draft.entries_of:
            raise Retry
        index = step(draft, node, segment)
        if index is None:
            return None
        holders.append(node)
        taken.append(index)
        node = child(draft, node, index)
    return Spot(path, tuple(holders), tuple(taken), node, tuple(via))


def child(draft: Draft, holder: Node, index: int) -> Node:
    """The value at an index of a collection."""
    if holder.kind == "mapping":
        return draft.entries(holder)[index].value
    return draft.items(holder)[index]


def need(draft: Draft, path: Path) -> Spot:
    """Where a path leads.

    Raises:
        Refused: it leads nowhere, or only through a merge key.
    """
    spot = find(draft, path)
    if spot is not None:
        return spot
    refuse_merged(draft, path)
    near = nearest(draft, path)
    raise refuse(
        draft, near.node, f"there is no {format_path(path)}", "not-found",
    )  # fmt: skip


def nearest(draft: Draft, path: Path) -> Spot:
    """The deepest part of a path that exists."""
    for length in range(len(path), -1, -1):
        spot = find(draft, path[:length])
        if spot is not None:
            return spot
    raise AssertionError(path)


def refuse_merged(draft: Draft, path: Path) -> None:
    """Refuse a path whose key a mapping has only by merging.

    Raises:
        Refused: with the line of the key that is merged.
    """
    for length in range(1, len(path) + 1):
        outer = find(draft, path[: length - 1])
        if outer is None:
            return
        holder = outer.node.target or outer.node
        if holder.kind != "mapping" or step(draft, holder, path[length - 1]) is not None:
            continue
        source = merged_key(draft, holder, path[length - 1])
        if source is not None:
            raise refuse(
                draft, source.key,
                f"{format_path(path)} exists only through the merge key `<<`; it is written here",
                "shared-node",
                "edit the anchored mapping, or write the key out where it is merged",
            )  # fmt: skip
        return


def merged_key(draft: Draft, holder: Node, segment: Segment) -> Entry | None:
    """The entry that a mapping gets through `<<`, if it does."""
    for entry in draft.entries(holder):
        if not is_merge(entry.key):
            continue
        target = entry.value.target or entry.value
        for source in reversed(target.items) if target.kind == "sequence" else [target]:
            mapping = source.target or source
            index = index_of(draft.entries(mapping), segment)
            if index is not None:
                return draft.entries(mapping)[index]
            deeper = merged_key(draft, mapping, segment)
            if deeper is not None:
                return deeper
    return None


def refuse(
    draft: Draft, node: Node | None, message: str, kind: str, help: str | None = None
) -> Refused:
    """A refusal at a node's place."""
    line = column = None
    if node is not None and not node.synthetic:
        line, column = draft.source.place(node.start)
    return Refused(message, kind=kind, file=draft.source.name, line=line, column=column, help=help)


def users(draft: Draft, node: Node) -> list[Node]:
    """The aliases that stand for a node."""
    if node.anchor is None or node.kind == "alias":
        return []
    if draft.users is None:
        draft.users = {}
        for other in walk(draft.root):
            if other.kind == "alias" and other.target is not None:
                draft.users.setdefault(other.target, []).append(other)
    return draft.users.get(node, [])


def guard(draft: Draft, spot: Spot, *, value: bool) -> None:
    """Refuse to change what others share.

    Args:
        draft: the draft.
        spot: what is to change.
        value: whether the value itself changes, and not only its place in its holder.

    Raises:
        Refused: another place reads the same node.
    """
    nodes = [*spot.holders, spot.node] if value else list(spot.holders)
    if value and spot.node.kind == "alias":
        nodes.pop()
    if draft.covered:
        return
    for node in nodes:
        others = users(draft, node)
        if not others:
            continue
        line, _ = draft.source.place(node.start)
        places = ", ".join(str(draft.source.place(other.start)[0]) for other in others)
        raise refuse(
            draft, spot.via[-1] if spot.via else node,
            f"{format_path(spot.path)} lies in &{node.anchor} (line {line}), which is also used "
            f"on line {places}: the change would change that too",
            "shared-node",
            "make the same change at every use, or write the shared part out",
        )  # fmt: skip


def refuse_lost_anchor(draft: Draft, node: Node) -> None:
    """Refuse to remove an anchor that something outside of it still uses."""
    if draft.users is not None and not draft.users:
        return
    if "&" not in draft.text:
        return
    inside = set(walk_draft(draft, node))
    for other in inside:
        for user in users(draft, other):
            if user not in inside:
                raise refuse(
                    draft, other,
                    f"the anchor &{other.anchor} is still used on line "
                    f"{draft.source.place(user.start)[0]}",
                    "shared-node", "write the value out where the alias stands",
                )  # fmt: skip


def walk_draft(draft: Draft, node: Node) -> list[Node]:
    """Every node below a node as drafted, itself included."""
    out = [node]
    for entry in draft.entries(node):
        out.append(entry.key)
        out += walk_draft(draft, entry.value)
    for item in draft.items(node):
        out += walk_draft(draft, item)
    return out
