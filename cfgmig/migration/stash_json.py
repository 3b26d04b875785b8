"""The stash of a JSON file: a list under a reserved key, for want of comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cfgmig.errors import Refused
from cfgmig.migration.grade import STASH_KEY
from cfgmig.migration.patch import checked
from cfgmig.migration.site import Kept
from cfgmig.paths import format_path, parse_path

if TYPE_CHECKING:
    from cfgmig.document import Document


def to_json(kept: Sequence[Kept]) -> list[dict[str, Any]]:
    """The value of the reserved key."""
    return [_record(one) for one in kept]


def _record(kept: Kept) -> dict[str, Any]:
    record: dict[str, Any] = {
        "step": f"{kept.origin} -> {kept.goal}",
        "path": format_path(kept.path),
    }
    if kept.form == "value":
        record["raw"] = kept.raw
    elif kept.form == "pinned":
        record["pinned"] = True
    elif kept.form == "layout":
        record["layout"] = list(kept.lines)
    elif kept.form == "place":
        record["after"] = kept.after
    elif kept.cut is not None:
        near = replace(kept.cut, before=kept.cut.before[:1], after=kept.cut.after[:1])
        record |= {key: value for key, value in near.to_dict().items() if key != "path"}
    return record


def from_json(document: Document) -> Iterator[Kept]:
    """What the reserved key of a document holds.

    Raises:
        Refused: it is no list that `to_json` wrote.
    """
    if STASH_KEY not in document.text or not document.has((STASH_KEY,)):
        return
    try:
        for record in document.get((STASH_KEY,)):
            yield _kept(record)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused(
            f"the stash cannot be read: {type(error).__name__}: {error}",
            kind="migration",
            file=document.name,
            line=document.position((STASH_KEY,)).line,
            help=f"undo the edit of `{STASH_KEY}`, or delete it (what it kept is then lost)",
        ) from None


def _kept(record: dict[str, Any]) -> Kept:
    from cfgmig.document.changes import Cut

    origin, goal = record["step"].split(" -> ")
    kept = Kept(origin, goal, parse_path(record["path"]), kind="json")
    if "raw" in record:
        kept.raw, kept.form = record["raw"], "value"
    elif "pinned" in record:
        kept.form = "pinned"
    elif "layout" in record:
        kept.lines, kept.form = checked(record["layout"]), "layout"
    elif "text" not in record:
        kept.after, kept.form = record["after"], "place"
    else:
        place = {key: value for key, value in record.items() if key not in ("step", "path")}
        kept.cut = Cut.from_dict({"path": list(kept.path), **place})
    return kept
