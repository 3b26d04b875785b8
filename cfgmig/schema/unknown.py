"""What a key that the version does not know was probably meant to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.paths import format_path, parse_path
from cfgmig.schema.fields import children, known_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cfgmig.paths import Path
    from cfgmig.schema.fields import Field

Moved = Callable[["Path"], "tuple[Path, str] | None"]
"""Where a path of an older version went: the new path and the version since which."""


class Meant(NamedTuple):
    """A guess about an unknown key, at most one of these.

    Args:
        moved: the path it has had since version `since`.
        is_past: the file's own version knows that path already.
        close: the path of the key in the same section whose name is closest.
        elsewhere: paths in other sections that end in the same key.
    """

    moved: Path | None = None
    since: str = ""
    is_past: bool = False
    close: Path | None = None
    elsewhere: tuple[Path, ...] = ()

    @property
    def target(self) -> Path | None:
        """Where the key may be moved in this file; a move of a later version is none."""
        return self.close if self.moved is None or not self.is_past else self.moved

    def help(self, file: str) -> str | None:
        """The edit or the command that resolves it."""
        if self.moved is not None:
            what = "move it there" if self.is_past else f"run `cfgmig upgrade {file}`"
            return f"it is `{format_path(self.moved)}` since {self.since}: {what}"
        if self.close is not None:
            return f"did you mean `{format_path(self.close)}`?"
        if self.elsewhere:
            names = " or ".join(f"`{format_path(path)}`" for path in self.elsewhere[:3])
            return f"the key exists as {names}: move it there"
        return None


def unknown_paths(data: Any, table: Mapping[str, Field], ignore: str = "") -> list[Path]:
    """The topmost paths of a file that a version does not know, in the file's order."""
    found: list[Path] = []

    def walk(node: Any, path: Path) -> None:
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in items:
            below = (*path, key if isinstance(node, list) else str(key))
            if below == (ignore,):
                continue
            entry = known_path(table, below)
            if entry is None and isinstance(node, dict):
                found.append(below)
            elif isinstance(value, dict | list) and (entry is None or table[entry].kind != "leaf"):
                walk(value, below)

    if isinstance(data, dict | list):
        walk(data, ())
    return found


def meant_by(
    path: Path, data: Any, table: Mapping[str, Field], moved: Moved | None = None
) -> Meant:
    """The best guess: an official move, then a spelling, then another section."""
    target = moved(path) if moved is not None else None
    if target is not None:
        is_past = known_path(table, target[0]) is not None
        return Meant(moved=target[0], since=target[1], is_past=is_past)
    parent, key = path[:-1], str(path[-1])
    present = _at(data, parent)
    free = [name for name in children(table, parent) if name not in present]
    close = closest(key, free)
    if close is not None:
        return Meant(close=(*parent, close))
    return Meant(elsewhere=_elsewhere(path, key, table))


def closest(word: str, known: list[str]) -> str | None:
    """The known word that `word` is most likely a misspelling of."""
    folded = word.replace("-", "_").lower()
    for name in known:
        if name.replace("-", "_").lower() == folded:
            return name
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, known, n=1, cutoff=0.75)), None)


def _elsewhere(path: Path, key: str, table: Mapping[str, Field]) -> tuple[Path, ...]:
    candidates = (parse_path(entry) for entry in table if key in entry)
    found = [one for one in candidates if one[-1] == key and "*" not in one and one != path]
    return tuple(sorted(found, key=len))


def _at(data: Any, path: Path) -> Any:
    for segment in path:
        try:
            data = data[segment]
        except (KeyError, IndexError, TypeError):
            return {}
    return data if isinstance(data, dict) else {}
