"""A second reader of the YAML that configs are made of; whatever is unusual it declines.

It shares no parsing code with the editor: it works line by line, without libyaml. It exists
because the reference reader, ruamel.yaml, takes 17 ms for 200 lines. Wherever it answers it
must answer as ruamel.yaml does; declining is always right.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from cfgmig.document.scalars import plain_value

DECLINED: Any = object()
_DEEPEST = 120
_UNUSUAL = re.compile("[\t\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_KEY = re.compile(
    r"""(?:(?P<plain>[A-Za-z_][\w./-]*)|"(?P<double>[^"\\]*)"|'(?P<single>[^']*)'):(?:\ +|$)""",
    re.X,
)
_QUOTED = re.compile(r"""(?:"(?P<double>(?:[^"\\]|\\["\\nt])*)"|'(?P<single>(?:[^']|'')*)')""")
_AFTER = re.compile(r" *(?: #.*)?$")
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?P<float>\.[0-9]+(?:[eE][-+][0-9]+)?)?")
_WORDS = frozenset(["null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", "~"])
_FLOW_PLAIN = re.compile(r"[A-Za-z0-9_./+-](?:[^,\[\]{}#:\"']|:(?=[^\s,\[\]{}]))*")
_LITERAL = re.compile(r"\|(?P<chomp>-?) *(?: #.*)?$")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}


class _DeclineError(Exception):
    pass


class _Line(NamedTuple):
    indent: int
    text: str
    number: int


def read(text: str) -> Any:
    """The data of a text in the subset, or DECLINED."""
    if _UNUSUAL.search(text):
        return DECLINED
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            return DECLINED
    raw = text.split("\n")
    lines = []
    for number, line in enumerate(raw):
        rest = line.lstrip(" ")
        if rest and rest[0] != "#":
            lines.append(_Line(len(line) - len(rest), rest, number))
    reader = _Reader(raw, lines)
    try:
        return reader.document()
    except _DeclineError:
        return DECLINED


class _Reader:
    """Reads lines from first to last; `at` is the line that comes next."""

    def __init__(self, raw: list[str], lines: list[_Line]) -> None:
        self.raw = raw
        self.lines = lines
        self.at = 0

    def document(self) -> Any:
        """The value of the whole text."""
        if self.lines and self.lines[0].text.rstrip() == "---" and self.lines[0].indent == 0:
            self.at = 1
        if self.at >= len(self.lines):
            raise _DeclineError
        value = self.block(self.lines[self.at].indent, 0)
        if self.at < len(self.lines):
            raise _DeclineError
        return value

    def block(self, indent: int, depth: int) -> Any:
        """The mapping or sequence whose lines start at `indent`."""
        if depth > _DEEPEST:
            raise _DeclineError
        line = self.lines[self.at]
        if line.text == "-" or line.text.startswith("- "):
            return self.sequence(indent, depth)
        return self.mapping(indent, depth)

    def mapping(self, indent: int, depth: int) -> dict[str, Any]:
        """`key: value` lines."""
        out: dict[str, Any] = {}
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.indent < indent:
                break
            if line.indent > indent:
                raise _DeclineError
            found = _KEY.match(line.text)
            if found is None:
                if out and line.text.startswith("-"):
                    break
                raise _DeclineError
            key = found["plain"]
            if key is None:
                key = found["double"] if found["double"] is not None else found["single"]
            elif key in _WORDS:
                raise _DeclineError
            if key in out:
                raise _DeclineError
            out[key] = self.value(line.text[found.end() :], indent, depth, in_mapping=True)
        return out

    def sequence(self, indent: int, depth: int) -> list[Any]:
        """`- item` lines."""
        out: list[Any] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.indent != indent or not (line.text == "-" or line.text.startswith("- ")):
                if line.indent > indent:
                    raise _DeclineError
                break
            rest = line.text[1:].lstrip(" ")
            if rest == "-" or rest.startswith("- ") or (rest[:1] != "{" and _KEY.match(rest)):
                inner = indent + len(line.text) - len(rest)
                self.lines[self.at] = _Line(inner, rest, line.number)
                out.append(self.block(inner, depth + 1))
            else:
                out.append(self.value(rest, indent, depth, in_mapping=False))
        return out

    def value(self, rest: str, indent: int, depth: int, *, in_mapping: bool) -> Any:
        """What stands after a colon or dash, or below it; moves on behind it."""
        number = self.lines[self.at].number
        self.at += 1
        if not rest.strip() or rest[0] == "#":
            return self.nested(indent, depth, in_mapping=in_mapping)
        first = rest[0]
        if first == "|":
            return self.literal(rest, indent, number)
        following = self.lines[self.at] if self.at < len(self.lines) else None
        if following is not None and following.indent > indent:
            raise _DeclineError
        if first in "[{":
            value, end = _flow(rest, 0, 0)
            if not _AFTER.match(rest, end):
                raise _DeclineError
            return value
        if first in "\"'":
            text, end = _quoted(rest, 0)
            if not _AFTER.match(rest, end):
                raise _DeclineError
            return text
        return _plain(rest)

    def nested(self, indent: int, depth: int, *, in_mapping: bool) -> Any:
        """The block below a key or dash that says nothing on its own line."""
        if self.at >= len(self.lines):
            return None
        following = self.lines[self.at]
        dash = following.text == "-" or following.text.startswith("- ")
        if following.indent > indent or (in_mapping and dash and following.indent == indent):
            return self.block(following.indent, depth + 1)
        return None

    def literal(self, rest: str, indent: int, number: int) -> str:
        """A `|` or `|-` scalar."""
        header = _LITERAL.match(rest)
        if header is None:
            raise _DeclineError
        body: list[str] = []
        column = -1
        at = number + 1
        while at < len(self.raw):
            line = self.raw[at]
            spaces = len(line) - len(line.lstrip(" "))
            if spaces == len(line):
                if line and (column < 0 or spaces > column):
                    raise _DeclineError
                body.append("")
            else:
                if column < 0:
                    column = spaces
                    if column <= indent or body:
                        raise _DeclineError
                if spaces < column:
                    break
                body.append(line[column:])
            at += 1
        if column < 0 or (at >= len(self.raw) and self.raw[-1]):
            raise _DeclineError
        while self.at < len(self.lines) and self.lines[self.at].number < at:
            self.at += 1
        if self.raw[at - 1].lstrip(" ").startswith("#") or (
            self.at < len(self.lines) and self.lines[self.at].indent > indent
        ):
            raise _DeclineError
        text = "\n".join(body).rstrip("\n")
        return text if header["chomp"] else f"{text}\n"


def _plain(rest: str) -> Any:
    comment = rest.find(" #")
    text = (rest if comment < 0 else rest[:comment]).rstrip(" ")
    first = text[0]
    if first in "&*!%@`>?,]}#" or ": " in text or text[-1] == ":":
        raise _DeclineError
    if first == "-" and (len(text) == 1 or text[1] == " "):
        raise _DeclineError
    return _typed(text)


def _typed(text: str) -> Any:
    found = _NUMBER.fullmatch(text)
    if found is not None:
        return float(text) if found["float"] else int(text)
    return plain_value(text)


def _quoted(text: str, at: int) -> tuple[str, int]:
    found = _QUOTED.match(text, at)
    if found is None:
        raise _DeclineError
    if found["single"] is not None:
        return found["single"].replace("''", "'"), found.end()
    return _ESCAPE.sub(lambda m: _ESCAPES[m[1]], found["double"]), found.end()


def _flow(text: str, at: int, depth: int) -> tuple[Any, int]:
    """A flow value that ends on its line, and where."""
    if depth > _DEEPEST or at >= len(text):
        raise _DeclineError
    first = text[at]
    if first == "[":
        return _flow_list(text, at + 1, depth)
    if first == "{":
        return _flow_map(text, at + 1, depth)
    if first in "\"'":
        return _quoted(text, at)
    found = _FLOW_PLAIN.match(text, at)
    if found is None or (found[0].startswith("-") and found[0][1:2] in (" ", "")):
        raise _DeclineError
    if found.end() >= len(text) or text[found.end()] not in ",]}:":
        raise _DeclineError
    return _typed(found[0].rstrip(" ")), found.end()


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] == " ":
        at += 1
    return at


def _flow_list(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    out: list[Any] = []
    at = _skip(text, at)
    while text[at : at + 1] != "]":
        value, at = _flow(text, at, depth + 1)
        out.append(value)
        at = _skip(text, at)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            raise _DeclineError
    return out, at + 1


def _flow_map(text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
    out: dict[str, Any] = {}
    at = _skip(text, at)
    while text[at : at + 1] != "}":
        key, at = _flow(text, at, depth + 1)
        if not isinstance(key, str) or key in out or text[at : at + 2] != ": ":
            raise _DeclineError
        out[key], at = _flow(text, _skip(text, at + 1), depth + 1)
        at = _skip(text, at)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "}":
            raise _DeclineError
    return out, at + 1
