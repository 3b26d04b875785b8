"""What the text of something kept says, and whether it says it by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfgmig.errors import Refused
from cfgmig.migration.values import identical
from cfgmig.paths import format_path

if TYPE_CHECKING:
    from cfgmig.migration.site import Kept


def reading(kept: Kept) -> Any:
    """The value that the text of `kept` stands for.

    Raises:
        Refused: the text cannot be read.
    """
    from cfgmig.document import Document

    name = f"stash of {format_path(kept.path)}"
    if kept.kind == "toml":
        return _reading_toml(kept, name)
    if kept.raw is not None:
        text = f'{{"_": {kept.raw}}}' if kept.kind == "json" else f"_: {kept.raw}\n"
        return Document.parse(text, name, kept.kind).get(("_",))
    cut = kept.cut
    if cut is None:
        raise Refused(f"the {name} is empty", kind="migration")
    text = cut.text
    if kept.kind == "json" or cut.how != "lines":
        text = text.strip().strip(",")
        text = f"[{text}]" if isinstance(cut.at[-1], int) else f"{{{text}}}"
    document = Document.parse(text, name, kept.kind)
    data: Any = document.data
    try:
        if isinstance(cut.at[-1], int):
            value = data[0]
        else:
            (value,) = data.values()
        for segment in cut.path[len(cut.at) :]:
            value = value[segment]
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        raise Refused(f"the {name} does not hold that key", kind="migration") from None
    return value


def _reading_toml(kept: Kept, name: str) -> Any:
    from cfgmig.document import Document
    from cfgmig.document.toml.cut import read
    from cfgmig.paths import get

    if kept.raw is not None:
        return Document.parse(f"_ = {kept.raw}\n", name, "toml").get(("_",))
    if kept.cut is None:
        raise Refused(f"the {name} is empty", kind="migration")
    try:
        return get(read(kept.cut, name), kept.cut.path[len(kept.cut.at) :])
    except KeyError:
        raise Refused(f"the {name} does not hold that key", kind="migration") from None


def self_contained(kept: Kept, value: Any) -> bool:
    """Whether the text alone, without the anchors of its file, reads as `value`."""
    if kept.kind == "toml":
        return True
    text = kept.raw if kept.raw is not None else kept.cut.text if kept.cut is not None else ""
    if not any(mark in text for mark in "*&<!"):
        return True
    try:
        return identical(reading(kept), value)
    except Refused:
        return False
