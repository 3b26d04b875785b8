"""Dotted paths, `loss.radial.inner_radius`, `phases[0].name`, `phases.*.name`, and data at them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

Segment = str | int
Path = tuple[Segment, ...]

_PLAIN = re.compile(r"[^.\[\]\"*\s][^.\[\]\"]*")
_TOKEN = re.compile(
    r"""(?P<dot>\.)?(?:
        \[(?P<index>\d+)\]
      | "(?P<quoted>(?:[^"\\]|\\.)*)"
      | (?P<plain>\*|[^.\[\]"]+)
    )""",
    re.VERBOSE,
)


@lru_cache(maxsize=4096)
def parse_path(text: str) -> Path:
    """Split a dotted path into segments; `[0]` is an index, `"a.b"` one key.

    Raises:
        ValueError: the text is not a path.
    """
    segments: list[Segment] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        dotted = token is not None and token["dot"] is not None
        expects_dot = bool(segments) and (token is None or token["index"] is None)
        if token is None or dotted != expects_dot:
            raise ValueError(f"not a path: {text!r} (column {position + 1})")
        if token["index"] is not None:
            segments.append(int(token["index"]))
        elif token["quoted"] is not None:
            segments.append(re.sub(r"\\(.)", r"\1", token["quoted"]))
        else:
            segments.append(token["plain"])
        position = token.end()
    return tuple(segments)


def format_path(path: Sequence[Segment]) -> str:
    """The inverse of `parse_path`."""
    text = ""
    for segment in path:
        if isinstance(segment, int):
            text += f"[{segment}]"
            continue
        if segment != "*" and not _PLAIN.fullmatch(segment):
            segment = '"' + re.sub(r'(["\\])', r"\\\1", segment) + '"'
        text += f".{segment}" if text else segment
    return text


def match(pattern: Path, path: Path) -> Path | None:
    """The segments that each `*` of `pattern` stands for, or None without a match."""
    if len(pattern) != len(path):
        return None
    captures: list[Segment] = []
    for wanted, segment in zip(pattern, path, strict=True):
        if wanted == "*":
            captures.append(segment)
        elif wanted != segment:
            return None
    return tuple(captures)


def fill(pattern: Path, captures: Path) -> Path:
    """`pattern` with its stars replaced, in order, by `captures`.

    Raises:
        ValueError: the number of stars and of captures differ.
    """
    stars = sum(segment == "*" for segment in pattern)
    if stars != len(captures):
        raise ValueError(f"{format_path(pattern)} has {stars} stars, not {len(captures)}")
    rest = iter(captures)
    return tuple(next(rest) if segment == "*" else segment for segment in pattern)


def key_of(mapping: dict[Any, Any], segment: Segment) -> Any:
    """The key of `mapping` that a path spells as `segment`.

    Raises:
        KeyError: there is none.
    """
    if segment in mapping:
        return segment
    for key in mapping:
        if not isinstance(key, str) and str(key) == segment:
            return key
    raise KeyError(segment)


def child(value: Any, segment: Segment) -> Any:
    """What stands one segment below `value`.

    Raises:
        KeyError: nothing does.
    """
    if isinstance(value, dict) and isinstance(segment, str):
        return value[segment if segment in value else key_of(value, segment)]
    if isinstance(value, list) and isinstance(segment, int) and 0 <= segment < len(value):
        return value[segment]
    raise KeyError(segment)


def get(data: Any, path: Path) -> Any:
    """What stands at `path`.

    Raises:
        KeyError: nothing does.
    """
    for segment in path:
        data = child(data, segment)
    return data


def has(data: Any, path: Path) -> bool:
    """Whether something, null included, stands at `path`."""
    try:
        get(data, path)
    except KeyError:
        return False
    return True


def find(data: Any, pattern: Path) -> list[Path]:
    """Every path of `data` that `pattern` matches in full, in file order."""
    found: list[tuple[Path, Any]] = [((), data)]
    for wanted in pattern:
        below: list[tuple[Path, Any]] = []
        for path, value in found:
            if wanted != "*":
                try:
                    below.append(((*path, wanted), child(value, wanted)))
                except KeyError:
                    continue
            elif isinstance(value, dict):
                below.extend(((*path, str(key)), item) for key, item in value.items())
            elif isinstance(value, list):
                below.extend(((*path, index), item) for index, item in enumerate(value))
        found = below
    return [path for path, _ in found]
