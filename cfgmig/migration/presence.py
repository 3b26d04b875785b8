"""Keys that come and go: the effects of `Add`, `Remove` and `Default` on one config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cfgmig.errors import LossyError, Refused
from cfgmig.migration.checks import CopyOf
from cfgmig.migration.effect import Dropped, Effect, Written
from cfgmig.migration.grade import IRREVERSIBLE, MISSING, STASH
from cfgmig.migration.operations import Add, Default, Operation, Remove
from cfgmig.migration.site import Site
from cfgmig.migration.values import copy, equal, show
from cfgmig.paths import Path, fill, find, format_path, get, has, match, parse_path


def add(operation: Add, data: Any, site: Site) -> Iterator[Effect]:
    """Put back what the stash holds, else write the value."""
    pattern = parse_path(operation.path)
    restored = False
    for kept in site.kept_entries(pattern):
        restored = True
        if not has(data, kept.path):
            require_room(data, kept.path, kept.path, operation, site)
            yield Written(kept.path, kept.value, kept)
        elif operation.implicit or equal(get(data, kept.path), kept.value):
            site.forget(kept)
        else:
            raise site.refused(
                "key-collision",
                f"`{format_path(kept.path)}` is in the file and in its stash",
                kept.path,
                operation,
                help="delete one of the two",
            )
    if operation.value is STASH:
        if not restored and not operation.optional:
            raise site.lossy(
                f"`{operation.path}` is needed there, and the file's stash does not have it",
                pattern,
                operation,
                help=f"take an older copy of the file, or write `{operation.path}` there by hand",
            )
    elif not operation.implicit:
        for parent in parents(data, pattern):
            yield from _add_one(operation, (*parent, pattern[-1]), data, site, restored)


def _add_one(operation: Add, path: Path, data: Any, site: Site, restored: bool) -> Iterator[Effect]:
    if has(data, path):
        if restored or operation.optional:
            return
        raise site.refused(
            "migration",
            f"`{format_path(path)}` is in the file already",
            path,
            operation,
            help="delete it, or stamp the file with the version that it is of",
        )
    if _switched_off(data, path):
        return
    require_room(data, path, path, operation, site)
    value = operation.value
    if isinstance(value, CopyOf):
        source = _twin(value, parse_path(operation.path), path)
        if not has(data, source):
            if operation.optional:
                return
            raise site.refused(
                "migration",
                f"`{format_path(path)}` copies `{format_path(source)}`, which is not there",
                path,
                operation,
            )
        value = get(data, source)
    yield Written(path, copy(value))


def remove(operation: Remove, data: Any, site: Site) -> Iterator[Effect]:
    """Take the key out, and keep what its way back could not know."""
    pattern = parse_path(operation.path)
    found = from_the_end(find(data, pattern))
    lenient = operation.optional or operation.implicit or not parents(data, pattern)
    if not found and not lenient:
        raise absent(operation.path, operation, site)
    for path in found:
        yield Dropped(path, get(data, path), _stashes(operation, path, data, site))


def _stashes(operation: Remove, path: Path, data: Any, site: Site) -> bool:
    """Whether the value at `path` must be kept, for what `operation.restore` cannot say."""
    value, restore = get(data, path), operation.restore
    if restore is IRREVERSIBLE:
        return False
    if isinstance(restore, CopyOf):
        twin = _twin(restore, parse_path(operation.path), path)
        if not has(data, twin) or not equal(get(data, twin), value):
            raise _contradiction(operation, path, twin, data, site)
        return site.stash and site.commented(path)
    if restore is not STASH and equal(value, restore):
        return site.stash and site.commented(path)
    if not site.stash:
        raise site.lossy(
            f"`{format_path(path)}` is {show(value)}, which has no place in the other version",
            path,
            operation,
            help="without `--no-stash` it is kept in a comment at the end of the file",
        )
    return True


def _contradiction(operation: Remove, path: Path, twin: Path, data: Any, site: Site) -> LossyError:
    if not has(data, twin):
        says = f"`{format_path(twin)}`, which replaces it, is not there"
    else:
        line = site.line(twin)
        says = f"`{format_path(twin)}` is {show(get(data, twin))}"
        says += f" (line {line})" if line else ""
    return site.lossy(
        f"`{format_path(path)}` is {show(get(data, path))}, but {says}; only one of them stays",
        path,
        operation,
        help="give both the value that is meant, or delete the wrong one",
    )


def default(operation: Default, data: Any, site: Site) -> Iterator[Effect]:
    """Write the old default down; drop a new one that this revision had written down."""
    pattern = parse_path(operation.path)
    for parent in parents(data, pattern):
        path = (*parent, pattern[-1])
        if has(data, path):
            value = get(data, path)
            if operation.new is not MISSING and equal(value, operation.new) and site.pinned(path):
                yield Dropped(path, value)
        elif operation.value is not MISSING and not _switched_off(data, path):
            require_room(data, path, path, operation, site)
            yield Written(path, copy(operation.value), pinned=True)


def parents(data: Any, pattern: Path) -> list[Path]:
    """The sections that a pattern's last segment lies in; without stars, it is always one."""
    parent = pattern[:-1]
    return find(data, parent) if "*" in parent else [parent]


def _switched_off(data: Any, path: Path) -> bool:
    """Whether a section above `path` is explicitly null: what is off gets no settings."""
    return any(
        has(data, path[:depth]) and get(data, path[:depth]) is None for depth in range(1, len(path))
    )


def _twin(copy_of: CopyOf, pattern: Path, path: Path) -> Path:
    other = parse_path(copy_of.path)
    return fill(other, match(pattern, path) or ()) if "*" in other else other


def require_room(data: Any, goal: Path, path: Path, operation: Operation, site: Site) -> None:
    """Raise Refused if `goal` lies below something that is not a section."""
    blocker = _blocker(data, goal)
    if blocker is None:
        return
    line = site.line(blocker)
    raise site.refused(
        "key-collision",
        f"`{format_path(goal)}` has no place: `{format_path(blocker)}` is "
        f"{show(get(data, blocker))}{f' (line {line})' if line else ''}, not a section",
        path,
        operation,
        help=f"delete the key `{format_path(blocker)}`, or make it a section",
    )


def _blocker(data: Any, goal: Path) -> Path | None:
    """The nearest existing ancestor of `goal`, if it cannot hold what lies below."""
    depth = len(goal) - 1
    while not has(data, goal[:depth]):
        depth -= 1
    above, below = get(data, goal[:depth]), goal[depth:]
    if isinstance(above, list) and isinstance(below[0], int) and below[0] <= len(above):
        below = below[1:]
    elif not isinstance(above, dict):
        return goal[:depth]
    return goal[:depth] if any(isinstance(segment, int) for segment in below) else None


def absent(path: str, operation: Operation, site: Site) -> Refused:
    """The refusal of a file without `path`."""
    return site.refused(
        "migration",
        f"`{path}` is not in the file",
        parse_path(path),
        operation,
        help="give it a value, so that what it means is known",
    )


def from_the_end(paths: list[Path]) -> list[Path]:
    """List items last first, so that taking one does not renumber the next."""
    return paths[::-1] if any(isinstance(path[-1], int) for path in paths) else paths
