"""What is kept, as the lines of the comment block that holds it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from cfgmig.errors import Refused
from cfgmig.migration.kept import self_contained
from cfgmig.migration.site import Kept
from cfgmig.paths import Path, format_path

OPEN = "# >>> cfgmig stash: keys that left the schema; `cfgmig downgrade` puts them back"
CLOSE = "# <<< cfgmig stash"
# Written where a blank line above would become part of a block scalar.
GLUED = " (no blank line above)"

_UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd"
                          "\U00010000-\U0010ffff]")  # fmt: skip


def render(kept: Sequence[Kept], *, glued: bool = False) -> list[str]:
    """The lines of the comment block."""
    lines = [OPEN + (GLUED if glued else "")]
    for one in kept:
        header = f"# [{one.origin} -> {one.goal}] {_spelled(one.path)}"
        if one.form == "value":
            lines.append(f"{header} = {one.raw}")
        elif one.form == "pinned":
            lines.append(f"{header} pinned")
        elif one.form == "layout":
            lines.append(f"{header} layout")
            lines.extend(f"#   {line}".rstrip() for line in one.lines)
        elif one.form == "place":
            before = one.before if one.skip or one.blanks else None
            words = _words(one.after, before, one.skip)
            blank = f" blank {one.blanks}" if one.blanks else ""
            lines.append(f"{header} moved,{words}{blank}")
        else:
            words, text = _entry(one)
            lines.append(header + words)
            lines.extend(f"#   {line}" if line else "#" for line in text)
    return [*lines, CLOSE]


def _words(after: str | None, before: str | None, skip: int) -> str:
    words = f" after {_spelled((after,))}" if after is not None else ""
    words += f" before {_spelled((before,))}" if before is not None else ""
    return words + (f" +{skip}" if skip else "")


def _entry(kept: Kept) -> tuple[str, list[str]]:
    """What the header says of the place, and the lines of the text."""
    cut = kept.cut
    if cut is None:
        raise ValueError("a key without a text cannot be kept in a file")
    lines = cut.text.split("\n")
    alone = self_contained(kept, kept.value)
    unsaid = cut.emptied or cut.kept or cut.how != "lines" or isinstance(cut.at[-1], int)
    plain = lines[-1] == "" and not _UNPRINTABLE.search(cut.text)
    if alone and plain and not unsaid and first_line(lines) == (cut.key, cut.indent):
        after = cut.before[0] if cut.before else None
        # Behind lines of nobody, the place is only sure if the next sibling is still there.
        before = cut.after[0] if cut.after and (cut.skip or after is None) else None
        part = f" with {_spelled(cut.at)}" if cut.at != cut.path else ""
        return part + _words(after, before, cut.skip), lines[:-1]
    hints = replace(cut, before=cut.before[:1], after=cut.after[:1]).to_dict()
    del hints["path"], hints["text"]
    if not alone:
        hints["value"] = kept.value
        _require_json(kept)
    if not plain and (_UNPRINTABLE.search(cut.text) or not cut.text.strip()):
        hints["text"], lines = cut.text, [""]
    ended = lines[-1] == ""
    if ended != (cut.how == "lines"):
        hints["ended"] = ended
    words = json.dumps(hints, separators=(",", ":"), ensure_ascii=True)
    return f" {words}", lines[:-1] if ended else lines


def _require_json(kept: Kept) -> None:
    try:
        json.dumps(kept.value)
    except (TypeError, ValueError):
        raise Refused(
            f"`{format_path(kept.path)}` cannot be stashed: it uses an anchor from elsewhere",
            kind="shared-node",
            help="write the value out where the alias stands",
        ) from None


def _spelled(path: Path) -> str:
    """A path without a space outside quotes."""
    parts: list[str] = []
    for segment in path:
        text = format_path((segment,))
        if isinstance(segment, str):
            if not segment.isprintable():
                raise Refused(f"the key {segment!r} cannot be stashed", kind="unsupported-shape")
            if text[0] != '"' and re.search(r"\s", text):
                text = json.dumps(segment, ensure_ascii=False)
            text = f".{text}" if parts else text
        parts.append(text)
    return "".join(parts)


def first_line(lines: Sequence[str]) -> tuple[int, int]:
    """Which line holds the key, and its column, from 0."""
    for number, line in enumerate(lines):
        bare = line.lstrip(" ")
        if bare and not bare.startswith("#"):
            return number, len(line) - len(bare)
    raise ValueError("the key's text is missing")
