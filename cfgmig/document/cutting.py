"""Remembering what a delete takes out, so that it can be put back byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cfgmig.document.changes import Cut, Delete
from cfgmig.document.draft import Draft, Retry, Unit
from cfgmig.document.editor import draft_of, edit
from cfgmig.document.locate import Spot
from cfgmig.document.node import Node
from cfgmig.document.plan_flow import FlowCut
from cfgmig.document.plan_remove import Removal, pruned_depth, remaining
from cfgmig.document.planner import Planner
from cfgmig.errors import Refused
from cfgmig.paths import Path, format_path

if TYPE_CHECKING:
    from cfgmig.document.document import Document

_NEIGHBOURS = 4


def cuts(document: Document, paths: Sequence[Path], prune: bool) -> tuple[Cut, ...]:
    """What deleting paths one after the other would take out."""
    if document.count > 1:
        edit(document, [Delete(path, prune) for path in paths], None)
    out: list[Cut] = []
    rest = list(paths)
    while rest:
        draft = draft_of(document)
        planner = Planner(draft, None)
        done = 0
        for path in rest:
            try:
                out.append(_one(planner, draft, path, prune))
            except (Retry, Refused) as problem:
                if done:
                    break
                if isinstance(problem, Refused):
                    raise
                raise Refused(
                    f"{format_path(path)} cannot be cut out", kind="unsupported-shape",
                    file=document.name,
                ) from problem  # fmt: skip
            done += 1
        if done < len(rest):
            document = edit(document, [Delete(path, prune) for path in rest[:done]], None).document
        rest = rest[done:]
    return tuple(out)


def _one(planner: Planner, draft: Draft, path: Path, prune: bool) -> Cut:
    spot = planner.spot(path)
    depth = pruned_depth(draft, spot) if prune else len(spot.holders) - 1
    base = _base(draft, spot, depth)
    lines_before = list(draft.lines)
    edits_before = set(draft.spans)
    removed = planner.delete(Delete(path, prune))
    if isinstance(removed, Removal):
        return _of_lines(draft, base, removed, lines_before)
    if isinstance(removed, FlowCut):
        return replace(base, text=removed.text.replace("\r\n", "\n"), how=removed.how)
    spans = [edit for edit in draft.spans if edit not in edits_before]
    if len(spans) != 1:
        raise Retry
    how = "braces" if spans[0].text else "dash"
    start, end = spans[0].start, spans[0].end
    text = draft.text[start:end].replace("\r\n", "\n")
    return replace(base, text=text, how=how, indent=draft.column(start))


def _base(draft: Draft, spot: Spot, depth: int) -> Cut:
    """What surrounds the entry that is about to go."""
    holder, index = spot.holders[depth], spot.steps[depth]
    names = _names(draft, holder)
    return Cut(
        spot.path,
        spot.path[: depth + 1],
        "",
        before=tuple(names[max(0, index - _NEIGHBOURS) : index][::-1]),
        after=tuple(names[index + 1 : index + 1 + _NEIGHBOURS]),
        index=index,
        emptied=remaining(draft, holder) == 1,
    )


def _names(draft: Draft, holder: Node) -> list[str]:
    if holder.kind == "mapping":
        return [entry.name for entry in draft.entries(holder)]
    return [str(at) for at in range(len(draft.items(holder)))]


def _of_lines(draft: Draft, base: Cut, removed: Removal, before: list[Unit]) -> Cut:
    if any(unit.start < 0 for unit in removed.units):
        raise Retry
    texts = [draft.render(unit).replace("\r\n", "\n") for unit in removed.units]
    bare = not texts[-1].endswith("\n")
    texts = [text if text.endswith("\n") else f"{text}\n" for text in texts]
    above = removed.place.above
    first = 0 if above is None else before.index(above) + 1
    heights = [0]
    for text in texts:
        heights.append(heights[-1] + text.count("\n"))
    kept = [
        line
        for at, unit in enumerate(removed.units)
        if unit in removed.kept
        for line in range(heights[at], heights[at + 1])
    ]
    return replace(
        base,
        text="".join(texts),
        skip=removed.line - first,
        key=heights[removed.extent.key],
        indent=removed.place.column,
        kept=tuple(kept),
        bare=bare,
    )
