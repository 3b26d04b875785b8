"""Keys and values of a TOML text as nodes with spans; what they mean is tomllib's to say."""

from __future__ import annotations

import re

from cfgmig.document.node import Entry, Node
from cfgmig.document.source import Source
from cfgmig.document.yaml_tree import MAX_DEPTH, too_deep
from cfgmig.errors import Refused

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'(?P<mlb>"""(?s:\\.|[^\\])*?""""{0,2})'
    r"|(?P<mll>'''(?s:.)*?''''{0,2})"
    r'|(?P<basic>"(?:\\.|[^"\\\n])*")'
    r"|(?P<literal>'[^'\n]*')"
)
_STYLES = {"mlb": '"""', "mll": "'''", "basic": '"', "literal": "'"}
_PLAIN = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:[^\s,#\]}]*|[^\s,#\]}\[{\"'=]+")
_BLANK = re.compile(r"[ \t]*")


class Scanner:
    """Reads a text from front to back.

    Attributes:
        at: the offset that is read next.
        comments: start and end of every comment so far.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0
        self.comments: list[tuple[int, int]] = []

    def fail(self, problem: str, offset: int | None = None) -> Refused:
        """The refusal of a text that is not TOML."""
        line, column = self.source.place(self.at if offset is None else offset)
        return Refused(
            f"not TOML: {problem}", kind="not-toml",
            file=self.source.name, line=line, column=column,
        )  # fmt: skip

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    def blank(self) -> None:
        """Skip blanks."""
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def comment(self) -> None:
        """Skip a comment, if one stands here, up to its line's end."""
        if self.peek() != "#":
            return
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        stop = end - 1 if self.text[end - 1] == "\r" else end
        self.comments.append((self.at, stop))
        self.at = stop

    def line_end(self) -> bool:
        """Skip a line end, if one stands here."""
        for eol in ("\n", "\r\n"):
            if self.text.startswith(eol, self.at):
                self.at += len(eol)
                return True
        return False

    def space(self) -> None:
        """Skip blanks, line ends and comments, as they stand inside of brackets."""
        while True:
            self.blank()
            self.comment()
            if not self.line_end():
                return

    def key(self) -> tuple[Node, ...]:
        """A key: its segments."""
        segments: list[Node] = []
        while True:
            self.blank()
            segments.append(self._segment())
            if len(segments) > MAX_DEPTH:
                raise too_deep(self.source, self.at)
            self.blank()
            if self.peek() != ".":
                return tuple(segments)
            self.at += 1

    def _segment(self) -> Node:
        start = self.at
        bare = _BARE.match(self.text, start)
        if bare is not None:
            self.at = bare.end()
            node = Node("scalar", start, start, self.at, "", None, None, bare[0], bare[0])
            node.value = bare[0]
            return node
        found = _STRING.match(self.text, start)
        if found is None or found.lastgroup not in ("basic", "literal"):
            raise self.fail("expected a key")
        self.at = found.end()
        content = unquoted(found[0])
        node = Node("scalar", start, start, self.at, found[0][0], None, None, found[0], content)
        node.value = content
        return node

    def value(self, depth: int = 0) -> Node:
        """A value; its scalars do not know yet what they mean."""
        if depth >= MAX_DEPTH:
            raise too_deep(self.source, self.at)
        mark = self.peek()
        if mark == "[":
            return self._array(depth)
        if mark == "{":
            return self._table(depth)
        found = _STRING.match(self.text, self.at) or _PLAIN.match(self.text, self.at)
        if found is None:
            raise self.fail("expected a value")
        start, self.at = self.at, found.end()
        style = _STYLES.get(found.lastgroup or "", "")
        return Node("scalar", start, start, self.at, style, None, None, found[0], found[0])

    def _array(self, depth: int) -> Node:
        node = Node("sequence", self.at, self.at, -1, "flow", None, None)
        self.at += 1
        while True:
            self.space()
            if self.peek() == "]":
                break
            node.items.append(self.value(depth + 1))
            self.space()
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "]":
                raise self.fail("expected ',' or ']'")
        self.at += 1
        node.end = self.at
        return node

    def _table(self, depth: int) -> Node:
        node = Node("mapping", self.at, self.at, -1, "flow", None, None)
        self.at += 1
        while True:
            self.space()
            if self.peek() == "}":
                break
            self.pair(node, depth + 1)
            self.space()
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "}":
                raise self.fail("expected ',' or '}'")
        self.at += 1
        node.end = self.at
        return node

    def pair(self, table: Node, depth: int) -> None:
        """One `key = value` of an inline table; a dotted key makes tables of style "dotted"."""
        keys = self.key()
        if self.peek() != "=":
            raise self.fail("expected '=' after the key")
        self.at += 1
        self.blank()
        value = self.value(depth + len(keys) - 1)
        for key in keys[:-1]:
            known = next((entry for entry in table.entries if entry.name == key.content), None)
            if known is None:
                inner = Node("mapping", key.start, key.start, value.end, "dotted", None, None)
                table.entries.append(Entry(key, inner, key.start))
                table = inner
            elif known.value.style == "dotted":
                table = known.value
            else:
                raise duplicate(self.source, known.key, key)
        for entry in table.entries:
            if entry.name == keys[-1].content:
                raise duplicate(self.source, entry.key, keys[-1])
        table.entries.append(Entry(keys[-1], value, keys[0].start))


def duplicate(source: Source, first: Node, second: Node) -> Refused:
    """The refusal of a key that is given twice."""
    line, _ = source.place(first.start)
    again, column = source.place(second.start)
    return Refused(
        f"the key {second.raw} is given twice in one table: on line {line} and on line {again}",
        kind="duplicate-key", file=source.name, line=again, column=column,
        help=f"delete line {line} or line {again}",
    )  # fmt: skip


def unquoted(text: str) -> str:
    """What a quoted key says."""
    if "\\" not in text or text[0] == "'":
        return text[1:-1]
    import tomllib

    try:
        (name,) = tomllib.loads(f"{text} = 0")
    except ValueError:  # the whole text is refused for it
        return text[1:-1]
    return str(name)
