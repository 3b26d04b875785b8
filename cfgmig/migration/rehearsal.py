"""The way back, tried before anything is written: what it would not give back is kept.

A migration remembers what it takes out. Comments between keys, blank lines and braces may
still come back elsewhere, for the two texts are laid out by different keys. So the way
back is walked at once, and where its text differs from the file's own while saying the
same, the difference goes into the stash as a patch.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cfgmig.errors import CfgmigError
from cfgmig.migration.carrying import Carried
from cfgmig.migration.patch import Hunk, difference, spelled
from cfgmig.migration.plan import Plan, Step
from cfgmig.migration.site import Kept
from cfgmig.migration.values import same_content

if TYPE_CHECKING:
    from cfgmig.document import Document, Edit


def complete(carried: Carried) -> tuple[Document, tuple[Edit, ...]]:
    """Write what was carried out, with all in its stash that its way back needs."""
    editing, own, wanted = carried.editing, carried.editing.kept, _stamped(carried)
    new = [kept for kept in own if kept not in carried.kept]
    if new and (carried.kept or not carried.plan.steps[0].up):
        # What was there before may need none of it on its way there again.
        editing.kept = [kept for kept in own if kept not in new]
        written = carried.write()
        back = _back(carried, written[0])
        if back is not None and (back.text == wanted.text or _settled(carried, back, wanted)):
            return written
        editing.kept = own
    written = carried.write()
    if carried.returned:
        return written  # its layout is the one that it had before it went
    back = _back(carried, written[0])
    if back is None or back.text == wanted.text or not same_content(back.data, wanted.data):
        return written
    layout = _layout(carried, difference(back.text, wanted.text))
    if layout is None:
        return written
    editing.kept.append(layout)
    return carried.write()


def _layout(carried: Carried, patch: list[Hunk]) -> Kept | None:
    """What is kept of the layout, if it is worth it: blank lines alone are not."""
    if carried.added_stamp:
        # No file has a layout around a stamp that it never had.
        mark = carried.manner.stamp_key
        patch = [one for one in patch if not (one.blank and any(mark in x for x in one.old))]
    lines = spelled(patch)
    if not all(line.replace("\t", " ").isprintable() for line in lines):
        return None
    if all(one.blank for one in patch) and not carried.editing.kept:
        return None
    plan = carried.plan
    return Kept(plan.origin, plan.goal, ("*",), lines=lines, form="layout") if patch else None


def _settled(carried: Carried, back: Document, wanted: Document) -> bool:
    """Whether a file that came from where it is going needs to take nothing along.

    It goes there again as it did the first time, and no line gets lost on the way.
    """
    return (
        carried.returned and same_content(back.data, wanted.data) and _lines(back) == _lines(wanted)
    )


def _lines(document: Document) -> Counter[str]:
    """What the lines say, whatever their order and indentation."""
    return Counter(line.strip() for line in document.text.split("\n") if line.strip())


def _stamped(carried: Carried) -> Document:
    """The document as it was, stamped if the new one got a stamp."""
    from cfgmig.migration.stamping import stamped

    if not carried.added_stamp:
        return carried.body
    key = carried.manner.stamp_key
    return stamped(carried.body, key, _stamp(carried)).document


def _stamp(carried: Carried) -> str:
    """What the stamp says, or would say, of the document as it was."""
    data = carried.body.data
    said = data.get(carried.manner.stamp_key) if isinstance(data, dict) else None
    return str(said or f"{carried.plan.family}/{carried.plan.origin}")


def _back(carried: Carried, document: Document) -> Document | None:
    """What the reversed plan makes of a document, without its stash; None if it has no way back."""
    plan = carried.plan
    steps = tuple(Step(step.revision, not step.up) for step in reversed(plan.steps))
    back = Plan(plan.family, plan.goal, plan.origin, steps)
    stamp = _stamp(carried) if carried.manner.stamp is not None else None
    try:
        returned = Carried(document, back, carried.manner._replace(stamp=stamp))
        returned.write()
    except CfgmigError:
        return None
    return returned.editing.document
