"""What a word refuses when it is built: paths, stars and values that cannot be meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cfgmig.errors import UsageError
from cfgmig.migration.grade import Special
from cfgmig.paths import Path, parse_path


@dataclass(frozen=True)
class CopyOf:
    """The value that another path has; with stars, the same ones as the path beside it."""

    path: str

    def __post_init__(self) -> None:
        checked(self.path, "CopyOf")


def checked(text: str, word: str) -> Path:
    """The path that `text` spells.

    Raises:
        UsageError: it spells none; `word` is the operation that says so.
    """
    try:
        path = parse_path(text)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{word}: {error}") from None
    if not path:
        raise UsageError(f"{word}: the path is empty")
    return path


def same_stars(word: str, left: str, right: str) -> None:
    """Raise UsageError unless both paths have the same number of stars."""
    counts = [sum(part == "*" for part in parse_path(text)) for text in (left, right)]
    if counts[0] != counts[1]:
        raise UsageError(
            f"{word}: {left} has {counts[0]} stars and {right} has {counts[1]}; "
            "each star of one side must stand for one of the other"
        )


def check_value(word: str, path: str, value: Any) -> None:
    """Raise UsageError unless it is plain data, a marker, an expression or a fitting `CopyOf`."""
    if isinstance(value, CopyOf):
        if "*" in parse_path(value.path):
            same_stars(word, path, value.path)
        if parse_path(value.path) == parse_path(path):
            raise UsageError(f"{word}: {path} cannot be a copy of itself")
    elif isinstance(value, dict):
        for item in value.values():
            check_value(word, path, item)
    elif isinstance(value, list):
        for item in value:
            check_value(word, path, item)
    elif is_expression(value):
        return
    elif not isinstance(value, str | int | float | bool | Special | None):
        raise UsageError(f"{word}: {path} cannot hold a {type(value).__name__}: {value!r}")


def is_expression(value: Any) -> bool:
    """Whether it says what a tensor is made of, which only weights understand."""
    return type(value).__module__ == "checkpoint_tools.plan.expressions"


def check_leaf(word: str, path: str) -> None:
    """Raise UsageError if nobody could tell which key `path` ends in."""
    if parse_path(path)[-1] == "*":
        raise UsageError(
            f"{word}: {path} ends in a star, so which key is meant?",
            help="name the last segment; only what is stashed may end in a star",
        )
