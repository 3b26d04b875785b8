"""Putting a cut back: to the byte where its neighbours still stand, else as a new entry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cfgmig.document.changes import Cut, Insert
from cfgmig.document.draft import Draft, Retry, shift
from cfgmig.document.geometry import dash
from cfgmig.document.locate import Spot, find, guard, refuse
from cfgmig.document.node import UNSET, Entry, Node, synthetic, wanted
from cfgmig.document.plan_block import swap
from cfgmig.document.plan_flow import own_line, spans_of
from cfgmig.document.plan_place import remember
from cfgmig.document.restoring_lines import restore_lines
from cfgmig.errors import Refused
from cfgmig.paths import format_path

_UNDEFINED = re.compile(r"alias \*(\S+) is not defined")
_MANY_STUBS = 400

if TYPE_CHECKING:
    from cfgmig.document.planner import Planner


def restore(planner: Planner, cut: Cut) -> None:
    """Draft the return of a cut.

    Raises:
        Refused: its place is taken, or its text cannot be read any more.
    """
    draft = planner.draft
    if not cut.at or not cut.path:
        raise refuse(draft, draft.root, "a cut without a path", "unsupported-shape")
    if find(draft, cut.at) is not None and not isinstance(cut.at[-1], int):
        _restore_inner(planner, cut)
        return
    existing = planner.target(cut.at, None)
    exact = len(existing.path) == len(cut.at) - 1
    if cut.how == "lines":
        restore_lines(planner, cut, existing, exact)
    elif exact and _restore_stretch(planner, cut, existing):
        return
    else:
        restore_value(planner, cut)


def _restore_inner(planner: Planner, cut: Cut) -> None:
    """A section that was cut whole is there again: only what it held goes back into it."""
    if cut.at == cut.path:
        planner.target(cut.path, None)
    if cut.how != "lines":
        restore_value(planner, cut)
        return
    from cfgmig.document.document import Document

    snippet = Document.parse(_as_document(planner, cut), planner.draft.source.name, "yaml")
    local = cut.path[len(cut.at) - 1 :]
    inner = snippet.cut(local, prune=False)
    lines = inner.text.split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    planner.insert(Insert(cut.path, snippet.get(local), raw="\n".join(lines)))


def read(planner: Planner, cut: Cut) -> Node:
    """What must read as a cut's text; anything will do if it needs an anchor that is elsewhere."""
    from cfgmig.document.document import Document

    draft = planner.draft
    text = _as_document(planner, cut)
    stubs = ""
    while True:
        try:
            snippet = Document.parse(
                stubs + text, draft.source.name, "json" if draft.json else "yaml"
            )
            break
        except Refused as problem:
            name = _UNDEFINED.search(problem.message)
            if name is None or len(stubs) > _MANY_STUBS:
                raise refuse(
                    draft, None,
                    f"what was kept of {format_path(cut.path)} cannot be read: {problem.message}",
                    problem.kind,
                ) from problem  # fmt: skip
            lead = "- " if isinstance(cut.at[-1], int) else f"$stub{len(stubs)}: "
            stubs += f"{lead}&{name[1]} 0\n"
    draft.added += [comment.text for comment in snippet.comments()]
    at = (stubs.count("\n"),) if isinstance(cut.at[-1], int) else (cut.at[-1],)
    node = snippet.node(at)
    if node is None:
        raise refuse(draft, None, f"what was kept is not {format_path(cut.path)}", "not-found")
    value = synthetic(UNSET if stubs else snippet.get(at))
    value.anchor = node.anchor
    return value


def _as_document(planner: Planner, cut: Cut) -> str:
    """A cut's text as a text of its own."""
    if cut.how == "lines":
        text = shift(cut.text, -cut.indent)
        at_end = cut.bare and not planner.draft.text.endswith("\n")
        return text.removesuffix("\n") if at_end else text
    if cut.how in ("dash", "braces"):
        return shift(" " * cut.indent + cut.text.rstrip(" ") + "\n", -cut.indent)
    body = cut.text.strip()
    body = body.removeprefix(",") if cut.how == "after" else body.removesuffix(",")
    if isinstance(cut.at[-1], int):
        return f"[{body}]" if planner.draft.json else f"[{body}\n]"
    return f"{{{body}}}" if planner.draft.json else f"{{{body}\n}}"


def _restore_stretch(planner: Planner, cut: Cut, existing: Spot) -> bool:
    """Put a stretch of text back next to the sibling that it stood by."""
    draft = planner.draft
    holder = existing.node
    if holder.synthetic or holder in draft.busy or holder in draft.changed_children:
        raise Retry
    if holder.kind == "scalar":
        return False
    guard(draft, existing, value=True)
    children = spans_of(holder)
    names = (
        [entry.name for entry in holder.entries] if holder.kind == "mapping"
        else [str(at) for at in range(len(holder.items))]
    )  # fmt: skip
    at, index = _stretch_place(draft, cut, existing, children, names)
    if at < 0:
        return False
    value = read(planner, cut)
    draft.busy.add(holder)
    if cut.how == "braces":
        draft.replace(holder.start, holder.end, cut.text, "restore")
        swap(draft, existing.holder, existing.at, _only(draft, cut, value))
        return True
    draft.replace(at, at, cut.text.replace("\r\n", "\n"), "restore")
    name = cut.at[-1]
    child: Entry | Node = value if isinstance(name, int) else Entry(synthetic(str(name)), value)
    remember(draft, holder, index, child)
    return True


def _only(draft: Draft, cut: Cut, value: Node) -> Node:
    """The collection that holds nothing but what was cut."""
    if isinstance(cut.at[-1], int):
        sequence = Node("sequence", -1, -1, -1, "block", None, None)
        draft.items_of[sequence] = [value]
        return sequence
    mapping = Node("mapping", -1, -1, -1, "block", None, None)
    draft.entries_of[mapping] = [Entry(synthetic(str(cut.at[-1])), value)]
    return mapping


def _stretch_place(
    draft: Draft, cut: Cut, existing: Spot, children: list[tuple[int, int]], names: list[str]
) -> tuple[int, int]:
    """Offset and index for a stretch, or -1 where its neighbours are gone."""
    holder = existing.node
    if cut.how in ("only", "braces"):
        empty = not children and holder.style == "flow"
        return (holder.inner + 1, 0) if empty else (-1, 0)
    if (holder.style == "flow") == (cut.how == "dash"):
        return -1, 0  # the collection is written in the other style now
    number = isinstance(cut.at[-1], int)
    before = cut.index - 1 if number else _rank(names, cut.before)
    after = cut.index if number else _rank(names, cut.after)
    if cut.how == "after" and 0 <= before < len(children):
        return children[before][1], before + 1
    if cut.how in ("before", "dash", "line") and 0 <= after < len(children):
        at = children[after][0]
        if cut.how == "dash" and cut.text.startswith(" "):
            outer = existing.holder  # the dash stands alone above a comment
            at = dash(draft, outer, holder) + 1 if outer.kind == "sequence" else -1
        elif cut.how == "line":
            at = draft.source.starts[draft.source.line(at)] if own_line(draft, at) else -1
        return at, after
    if cut.how == "line" and 0 <= before < len(children):
        end = draft.text.find("\n", children[before][1])
        closed = holder.end - 1 < end or not own_line(draft, children[before][0])
        return (end + 1, before + 1) if end >= 0 and not closed else (-1, 0)
    return -1, 0


def _rank(names: list[str], wanted: tuple[str, ...]) -> int:
    return names.index(wanted[0]) if wanted and wanted[0] in names else -1


def restore_value(planner: Planner, cut: Cut) -> None:
    """Without its neighbours a stretch of text goes back as what it says."""
    draft = planner.draft
    count = len(draft.added)
    value = wanted(read(planner, cut))
    del draft.added[count:]
    for segment in cut.path[len(cut.at) :]:
        value = value.get(str(segment)) if isinstance(value, dict) else value
    if value is UNSET:
        raise refuse(draft, None, f"{format_path(cut.path)} needs an anchor that is gone",
                     "shared-node")  # fmt: skip
    planner.insert(Insert(cut.path, value))
