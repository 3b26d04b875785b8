"""The stash: what a migration takes out of a file stays in it, for the way back.

In YAML and TOML it is a block of comments at the end of the file:

    # >>> cfgmig stash: keys that left the schema; `cfgmig downgrade` puts them back
    # [1.0 -> 1.1] seed after lr
    #   seed: 42  # the answer
    # [1.0 -> 1.1] target = 99.70
    # [1.0 -> 1.1] width moved, after seed before model +2
    # <<< cfgmig stash

A header names the step, the path and where the entry stood: the sibling before it, the
one behind it, and how many lines of nobody (a title, say) stood between. The lines below
it are the entry itself. A header with `=` keeps the spelling of a value that was
converted, one with `moved` the place of a key that a move back would not find, and one
with `layout` a patch of the lines that the way back would write otherwise.
In JSON the same is a list under a reserved key: see `stash_json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.errors import Refused
from cfgmig.migration.grade import MISSING
from cfgmig.migration.patch import checked
from cfgmig.migration.site import Kept
from cfgmig.migration.stash_lines import GLUED, first_line, render
from cfgmig.paths import Path, parse_path

if TYPE_CHECKING:
    from cfgmig.document import Document, Edit
    from cfgmig.document.changes import Cut

_MARK = re.compile(r"^# (>>>|<<<) cfgmig stash.*$", re.MULTILINE)
_NAME = r"""(?:"(?:[^"\\]|\\.)*"|[^\s"])+"""
_HEADER = re.compile(
    rf"# \[(\S+) -> (\S+)\] ({_NAME})"
    rf"(?: = (?P<raw>\S.*)| (?P<hints>\{{.*\}})| (?P<pinned>pinned)| (?P<layout>layout)"
    rf"|(?P<moved> moved,)?(?: with (?P<at>{_NAME}))?(?: after (?P<after>{_NAME}))?"
    rf"(?: before (?P<before>{_NAME}))?(?: \+(?P<skip>\d+))?(?: blank (?P<blanks>\d+))?)"
)


class Taken(NamedTuple):
    """A document without its stash, what was in it, and the splice between the two."""

    document: Document
    kept: tuple[Kept, ...]
    edits: tuple[Edit, ...]


def take(document: Document) -> Taken:
    """Split a YAML or TOML document from its stash; a JSON document keeps it as a key.

    Raises:
        Refused: the stash is malformed; the message names the line.
    """
    if document.kind == "json":
        from cfgmig.migration.stash_json import from_json

        return Taken(document, tuple(from_json(document)), ())
    if "cfgmig stash" not in document.text:
        return Taken(document, (), ())
    span = _find(document)
    if span is None:
        return Taken(document, (), ())
    from cfgmig.document.spans import Edit

    start, end = span
    text = document.text
    first_line = text.count("\n", 0, start) + 1
    lines = text[start:end].splitlines()
    kept = tuple(_parse(lines, first_line, document.name))
    for one in kept:
        one.kind = document.kind
    start = _body_end(text, start, end, lines[0])
    body = _reparsed(document, text[:start] + text[end:])
    return Taken(body, kept, (Edit(start, end, "", "the stash"),))


def _reparsed(document: Document, text: str) -> Document:
    from cfgmig.document.document import Document

    result = Document.parse(text, document.name, document.kind)
    result.bom = document.bom
    return result


def _find(document: Document) -> tuple[int, int] | None:
    """Start of the opening marker's line and end of the closing one's, line end included."""
    text = document.text
    comments = {comment.line for comment in document.comments() if comment.column == 1}
    marks = [
        mark for mark in _MARK.finditer(text) if text.count("\n", 0, mark.start()) + 1 in comments
    ]
    if not marks:
        return None
    if [mark[1] for mark in marks] != [">>>", "<<<"]:
        line = text.count("\n", 0, marks[-1].start()) + 1
        raise _malformed("it is not opened and closed once", document.name, line)
    end = marks[1].end()
    return marks[0].start(), end + 1 if text[end : end + 1] == "\n" else end


def _body_end(text: str, start: int, end: int, opening: str) -> int:
    """Where the file ended before its stash came, with a blank line, behind it."""
    if GLUED not in opening:
        start = _without_line_end(text, start, only_blank=True)
    if end == len(text) and not text.endswith("\n"):
        start = _without_line_end(text, start, only_blank=False)
    return start


def _without_line_end(text: str, end: int, *, only_blank: bool) -> int:
    """The offset before the line end that `text[:end]` ends with."""
    for eol in ("\r\n", "\n"):
        if text[:end].endswith(eol):
            before = end - len(eol)
            blank = before == 0 or text[before - 1] == "\n"
            return before if blank or not only_blank else end
    return end


def _parse(lines: Sequence[str], first_line: int, name: str) -> Iterator[Kept]:
    content: list[str] = []
    header: re.Match[str] | None = None
    header_line = first_line
    for number, line in enumerate(lines[1:], first_line + 1):
        if line == "#" or line.startswith("#   "):
            if header is None or header["raw"] or header["pinned"] or header["moved"]:
                raise _malformed("this line belongs to no key", name, number)
            content.append(line[4:])
            continue
        if header is not None:
            yield _record(header, content, name, header_line)
        content = []
        header, header_line = _HEADER.fullmatch(line.rstrip()), number
        if header is None and not line.startswith("# <<<"):
            raise _malformed("this line is neither a key's header nor its text", name, number)


def _record(header: re.Match[str], content: list[str], name: str, line: int) -> Kept:
    origin, goal = header[1], header[2]
    try:
        path = parse_path(header[3])
        if header["raw"] is not None:
            return Kept(origin, goal, path, raw=header["raw"], form="value")
        if header["pinned"]:
            return Kept(origin, goal, path, form="pinned")
        if header["layout"]:
            return Kept(origin, goal, path, lines=checked(content), form="layout")
        if header["moved"]:
            return _place(header, Kept(origin, goal, path, form="place"))
        if not content and header["hints"] is None:
            raise ValueError("the key's text is missing")
        if header["hints"] is None:
            return Kept(origin, goal, path, cut=_cut_in_words(path, content, header))
        hints = json.loads(header["hints"])
        said = hints.pop("value", MISSING)
        return Kept(origin, goal, path, said, cut=_cut(path, content, hints))
    except ValueError as error:
        raise _malformed(str(error), name, line) from None


def _place(header: re.Match[str], kept: Kept) -> Kept:
    kept.after, kept.before = _sibling(header["after"]), _sibling(header["before"])
    kept.skip, kept.blanks = int(header["skip"] or 0), int(header["blanks"] or 0)
    return kept


def _sibling(text: str | None) -> str | None:
    return None if text is None else str(parse_path(text)[0])


def _cut_in_words(path: Path, content: list[str], header: re.Match[str]) -> Cut:
    from cfgmig.document.changes import Cut

    after, before = _sibling(header["after"]), _sibling(header["before"])
    key, indent = first_line(content)
    return Cut(
        path,
        parse_path(header["at"]) if header["at"] else path,
        "\n".join(content) + "\n",
        before=() if after is None else (after,),
        after=() if before is None else (before,),
        skip=int(header["skip"] or 0),
        key=key,
        indent=indent,
    )


def _cut(path: Path, content: list[str], hints: dict[str, Any]) -> Cut:
    from cfgmig.document.changes import Cut

    text = hints.pop("text", None)
    if text is None:
        ended = hints.pop("ended", hints.get("how", "lines") == "lines")
        text = "\n".join(content) + ("\n" if ended else "")
        if not content:
            raise ValueError("the key's text is missing")
    return Cut.from_dict({"path": list(path), "text": text, **hints})


def _malformed(reason: str, name: str, line: int) -> Refused:
    return Refused(
        f"the stash cannot be read: {reason}",
        kind="migration",
        file=name,
        line=line,
        help="undo the edit of that comment block, or delete the whole block "
        "(what it kept is then lost)",
    )


def put(document: Document, kept: Sequence[Kept]) -> tuple[Document, tuple[Edit, ...]]:
    """Append the stash to a YAML or TOML document that has none.

    Raises:
        Refused: its last value would swallow the comments.
    """
    if not kept:
        return document, ()
    from cfgmig.document.spans import Edit

    text = document.text
    eol = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    for glued in (False, True):
        block = eol.join(render(kept, glued=glued))
        if text:
            block = ("" if text.endswith("\n") else eol) + ("" if glued else eol) + block
        if text.endswith("\n") or not text:
            block += eol
        result = _reparsed(document, text + block)
        if not re.search(r"[|>][-+0-9]*[ \t]*(#.*)?\r?$", text, re.M) or _same(result, document):
            return result, (Edit(len(text), len(text), block, "the stash"),)
    raise Refused(
        "the file ends in a block of text that would swallow the stash",
        kind="unsupported-shape",
        file=document.name,
        line=text.count("\n") + 1,
        help="end the file with a newline, or put another key behind the block",
    )


def put_back(document: Document, block: str) -> tuple[Document, tuple[Edit, ...]]:
    """Append the very text that `take` took from the end of the file."""
    from cfgmig.document.spans import Edit

    size = len(document.text)
    return _reparsed(document, document.text + block), (Edit(size, size, block, "the stash"),)


def _same(left: Document, right: Document) -> bool:
    from cfgmig.migration.values import identical

    return identical(left.data, right.data)
