"""Random YAML and JSON documents, random changes, and what they mean for plain data."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

from cfgmig.document import Delete, Insert, MoveTo, SetValue
from cfgmig.document.changes import Change
from cfgmig.paths import Path

WORDS = ["alpha", "beta", "lr", "dim", "model", "name", "steps", "path", "x1", "decay", "seed"]
SCALARS = [
    "1", "0.5", "1e-4", "1.0e-05", "true", "False", "null", "~", "text", "two words", "yes",
    "'quoted'", '"double # no comment"', "2001-01-01", "0o17", ".inf", "runs/v1", "a:b",
    "'it''s'", '"tab\\t"', "-5", "[1, 2]", "[]", "{}", "{a: 1, b: [x]}", "&anchor{n} 7", "'# no'",
]  # fmt: skip
VALUES: list[Any] = [
    0, -3, 0.25, 1e-5, True, False, None, "plain", "two words", "yes", "1e-4", "# no comment",
    "a: b", "it's", 'say "so"', "", " lead", "null", "- x", "[1]", "2001-01-01", "0x1F", "é ü",
    "line\nbreak", [], {}, [1, 2], ["a", "b c"], {"k": 1}, {"k": {"m": [1, {"n": None}]}},
    [{"a": 1, "b": [2]}, {"c": 3}],
]  # fmt: skip


class Writer:
    """Writes one random document."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.lines: list[str] = []
        self.anchors: list[str] = []
        self.step = rng.choice([2, 2, 2, 4])
        self.offset = rng.choice([0, 2])

    def gap(self, pad: str) -> None:
        """Blank lines and comments between two entries."""
        rng = self.rng
        roll = rng.random()
        if roll < 0.15:
            self.lines.append("")
        elif roll < 0.3:
            self.lines.append(f"{pad}# about {rng.choice(WORDS)}")
        elif roll < 0.36:
            self.lines += ["", f"{pad}# === {rng.choice(WORDS)} ==="]
        elif roll < 0.42:
            self.lines.append(f"{pad}# {rng.choice(WORDS)}: {rng.randrange(9)}")
        elif roll < 0.45:
            self.lines.append(f"{pad}{' ' * rng.randrange(3)}# odd column")

    def trail(self) -> str:
        """Maybe a trailing comment."""
        return f"  # note {self.rng.randrange(99)}" if self.rng.random() < 0.2 else ""

    def scalar(self) -> str:
        """An inline value."""
        if self.anchors and self.rng.random() < 0.08:
            return f"*{self.rng.choice(self.anchors)}"
        text = self.rng.choice(SCALARS)
        if "{n}" in text:
            name = f"a{len(self.anchors)}"
            text = f"&{name} 7"
            self.anchors.append(name)
        return text

    def mapping(self, indent: int, depth: int, head: str = "") -> None:
        """A block mapping; `head` starts its first line (after a dash)."""
        rng = self.rng
        keys = rng.sample(WORDS, rng.randint(1, 5 if depth else 6))
        for at, key in enumerate(keys):
            pad = " " * indent
            if at or not head:
                self.gap(pad)
            lead = head if at == 0 and head else pad
            if rng.random() < 0.08:
                key = f'"{key}"'
            self.value(lead + key + ":", indent, depth)

    def value(self, lead: str, indent: int, depth: int) -> None:
        """A key with its value."""
        rng = self.rng
        roll = rng.random()
        if depth < 3 and roll < 0.25:
            self.lines.append(lead + self.trail())
            self.mapping(indent + self.step, depth + 1)
        elif depth < 3 and roll < 0.38:
            self.lines.append(lead + self.trail())
            self.sequence(indent + self.offset, depth + 1)
        elif roll < 0.44:
            mark = rng.choice(["|", "|-", ">", "|2"]) if indent == 0 else rng.choice(["|", ">-"])
            pad = " " * (indent + 2)
            self.lines.append(f"{lead} {mark}")
            self.lines += [f"{pad}some text", "", f"{pad}# not a comment", f"{pad}  more"]
        elif roll < 0.48:
            pad = " " * (indent + 2)
            self.lines += [f"{lead} [1,  # one", f"{pad}2, 3", f"{' ' * indent}]{self.trail()}"]
        elif roll < 0.51:
            self.lines += [f"{lead} words that go", f"{' ' * (indent + 3)}on and on"]
        elif roll < 0.55:
            self.lines.append(lead + self.trail())
        else:
            self.lines.append(f"{lead} {self.scalar()}{self.trail()}")

    def sequence(self, indent: int, depth: int) -> None:
        """A block sequence."""
        rng = self.rng
        for _ in range(rng.randint(1, 3)):
            pad = " " * indent
            self.gap(pad)
            if depth < 3 and rng.random() < 0.4:
                self.mapping(indent + 2, depth + 1, f"{pad}- ")
            else:
                self.lines.append(f"{pad}- {self.scalar()}{self.trail()}")


def yaml_text(rng: Random) -> str:
    """A random YAML text."""
    writer = Writer(rng)
    if rng.random() < 0.3:
        writer.lines += ["# header of the file", ""]
    if rng.random() < 0.1:
        writer.lines.append("---")
    writer.mapping(0, 0)
    if rng.random() < 0.3:
        writer.lines += ["", "# trailing words", "#   old: 1"]
    eol = "\r\n" if rng.random() < 0.15 else "\n"
    text = eol.join(writer.lines) + (eol if rng.random() < 0.85 else "")
    return ("\ufeff" if rng.random() < 0.05 else "") + text


def json_text(rng: Random) -> str:
    """A random JSON text."""
    value: Any = {key: rng.choice(VALUES) for key in rng.sample(WORDS, rng.randint(1, 6))}
    for key in rng.sample(sorted(value), len(value) // 2):
        value[key] = {inner: rng.choice(VALUES) for inner in rng.sample(WORDS, 3)}
    text = json.dumps(value, indent=rng.choice([None, 2, 4, "\t"]), ensure_ascii=rng.random() < 0.5)
    return text + ("\n" if rng.random() < 0.5 else "")


def paths(data: Any, at: Path = ()) -> list[Path]:
    """Every path of plain data."""
    found: list[Path] = []
    children = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in children:
        inner = (*at, key if isinstance(data, list) else str(key))
        found.append(inner)
        if isinstance(value, (dict, list)):
            found += paths(value, inner)
    return found


def change(rng: Random, data: Any) -> Change:
    """A random change of data."""
    known = paths(data)
    if not known:
        return Insert(("fresh",), rng.choice(VALUES))
    path = rng.choice(known)
    kind = rng.randrange(6)
    if kind == 0:
        return Delete(path, rng.random() < 0.7)
    if kind == 1:
        return SetValue(path, rng.choice(VALUES))
    if kind == 2:
        return Insert((*path[:-1], f"new{rng.randrange(5)}"), rng.choice(VALUES),
                      comment=rng.choice([None, None, "what for"]))  # fmt: skip
    if kind == 3:
        return MoveTo(path, (*path[:-1], f"new{rng.randrange(5)}"))
    other = rng.choice(known)
    if kind == 4:
        return MoveTo(path, (*other[:-1], f"new{rng.randrange(5)}"))
    return MoveTo(path, (f"sec{rng.randrange(2)}", f"new{rng.randrange(5)}"))


class Undefined(Exception):
    """The change means nothing for this data."""


def expect(data: Any, wanted: Change) -> Any:
    """What a change makes of plain data, the order of keys aside."""
    data = copy.deepcopy(data)
    if isinstance(wanted, Delete):
        _remove(data, wanted.path, wanted.prune)
    elif isinstance(wanted, SetValue):
        holder = _holder(data, wanted.path)
        holder[_key(holder, wanted.path[-1])] = wanted.value
    elif isinstance(wanted, Insert):
        _put(data, wanted.path, wanted.value)
    elif isinstance(wanted, MoveTo):
        holder = _holder(data, wanted.source)
        value = holder[_key(holder, wanted.source[-1])]
        _remove(data, wanted.source, prune=True)
        _put(data, wanted.target, value)
    return data


def _key(holder: Any, segment: Any) -> Any:
    if isinstance(holder, list):
        return segment
    return next(key for key in holder if str(key) == str(segment))


def _holder(data: Any, path: Path) -> Any:
    for segment in path[:-1]:
        data = data[_key(data, segment)]
    return data


def _remove(data: Any, path: Path, prune: bool) -> None:
    holder = _holder(data, path)
    del holder[_key(holder, path[-1])]
    if prune and not holder and isinstance(holder, dict) and len(path) > 1:
        outer = _holder(data, path[:-1])
        if isinstance(outer, dict):
            _remove(data, path[:-1], prune)


def _put(data: Any, path: Path, value: Any) -> None:
    for segment in path[:-1]:
        if isinstance(data, list):
            data = data[segment]
            continue
        if not isinstance(data, dict):
            raise Undefined
        name = next((key for key in data if str(key) == str(segment)), segment)
        if data.get(name) is None:
            data[name] = {}
        data = data[name]
    if not isinstance(data, dict):
        raise Undefined
    data[path[-1]] = value
