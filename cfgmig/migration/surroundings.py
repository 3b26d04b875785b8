"""What surrounds an entry in a text: its comments and the section that dies with it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cfgmig.errors import Refused
from cfgmig.migration.site import Kept
from cfgmig.paths import Path

if TYPE_CHECKING:
    from cfgmig.document import Cut, Document

_SECTION = re.compile(r"(\s*[^#\s].*:)(\s*(?:#.*)?)")


def comments_of(cut: Cut) -> list[str]:
    """The comments that leave with a cut of whole lines."""
    if "#" not in cut.text:
        return []
    from cfgmig.document import Document

    stay = {line + 1 for line in cut.kept}
    try:
        found = Document.parse(cut.text, "<cut>", "yaml").comments()
    except Refused:  # it needs an anchor of its file
        return [line for line in cut.text.splitlines() if "#" in line]
    return [comment.text for comment in found if comment.line not in stay]


def has_comments(kept: Kept) -> bool:
    """Whether a kept text holds comments; a `#` inside of a quoted key counts as one."""
    return kept.cut is not None and "#" in kept.cut.text


def shell(document: Document, path: Path) -> Kept | None:
    """The section that goes with its last key, written empty; None if it is not of lines."""
    whole, inner = document.cut(path), document.cut(path, prune=False)
    at = whole.text.rfind(inner.text)
    if whole.how != "lines" or whole.at == path or at < 0 or whole.kept:
        return None
    head = whole.text[:at].rstrip("\n").split("\n")
    for number in range(len(head) - 1, -1, -1):
        header = _SECTION.fullmatch(head[number])
        if header is not None:
            head[number] = f"{header[1]} {{}}{header[2]}"
            break
    else:
        return None
    value: Any = {}
    for name in reversed(path[len(whole.at) : -1]):
        value = {name: value}
    cut = replace(
        whole, path=whole.at, text="\n".join(head) + "\n" + whole.text[at + len(inner.text) :]
    )
    return Kept("", "", whole.at, value, cut, skip=cut.skip)
