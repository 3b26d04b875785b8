"""What an operation does to one config: concrete effects, found by reading its data.

Nothing is changed here; `on_data` performs effects on plain data, `on_document` on text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from cfgmig.errors import LossyError
from cfgmig.migration.effect import Changed, Effect, Moved, Written
from cfgmig.migration.grade import MISSING
from cfgmig.migration.operations import (
    Add,
    Blocked,
    Convert,
    Custom,
    Default,
    Move,
    Operation,
    Remove,
)
from cfgmig.migration.presence import absent, add, default, remove, require_room
from cfgmig.migration.regroup import Flatten, Regroup, in_turn
from cfgmig.migration.revise import Revise, Tell, Unrevise, revise, tell, unrevise
from cfgmig.migration.site import Site
from cfgmig.migration.unite import Part, Unite, part, unite
from cfgmig.migration.values import copy, equal, identical, show
from cfgmig.paths import Path, fill, find, format_path, get, has, match, parse_path


def effects(operation: Operation, data: Any, site: Site) -> Iterator[Effect]:
    """The effects of `operation` on `data`, each to be performed before the next is asked for.

    Raises:
        Refused: the operation does not fit the file; nothing may be written.
        LossyError: it would lose what the file says.
    """
    handler: Callable[[Any, Any, Site], Iterator[Effect]] = _HANDLERS[type(operation)]
    return handler(operation, data, site)


def _move(operation: Move, data: Any, site: Site) -> Iterator[Effect]:
    source, target = operation.paths
    found = find(data, source)
    if not found and not operation.optional:
        raise site.refused(
            "migration",
            f"`{operation.source}` is not in the file, so it cannot move to `{operation.target}`",
            source,
            operation,
        )
    for path in found:
        goal = fill(target, match(source, path) or ())
        if isinstance(path[-1], int):
            raise site.refused(
                "unsupported-shape",
                f"`{format_path(path)}` is an item of a list, which cannot move by itself",
                path,
                operation,
            )
        if has(data, goal):
            line = site.line(goal)
            raise site.refused(
                "key-collision",
                f"`{format_path(path)}` moves to `{format_path(goal)}`, which is there too"
                + (f" (line {line})" if line else ""),
                path,
                operation,
                help="delete one of the two",
            )
        require_room(data, goal, path, operation, site)
        top = next(depth for depth in range(1, len(goal) + 1) if not has(data, goal[:depth]))
        entries = site.kept_entries(goal[:top]) if top < len(goal) else []
        for shell in [one for one in entries if _is_hollow(one.value)][:1]:
            # The section that this key, as the last one, had left behind empty.
            yield Written(shell.path, shell.value, shell)
        yield Moved(path, goal, site.kept_place(goal[:top]))


def _is_hollow(value: Any) -> bool:
    """Whether a value is nothing but sections."""
    return isinstance(value, dict) and all(map(_is_hollow, value.values()))


def _convert(operation: Convert, data: Any, site: Site) -> Iterator[Effect]:
    found = find(data, parse_path(operation.path))
    if not found and not operation.optional:
        raise absent(operation.path, operation, site)
    for path in found:
        effect = _converted(operation, path, get(data, path), site)
        if effect is not None:
            yield effect


def _converted(operation: Convert, path: Path, value: Any, site: Site) -> Changed | None:
    back = operation.codec.reverse()
    for kept in site.kept_values(path):
        # One that does not fit says nothing any more: the value was edited since.
        if equal(_tried(back.apply, kept.value), value):
            return Changed(path, value, kept.value, kept=kept)
    try:
        new = operation.codec.apply(value)
    except LossyError as error:
        raise site.lossy(f"`{format_path(path)}`: {error.message}", path, operation) from None
    again = _tried(back.apply, new)
    same = identical(new, value)
    returns = identical(again, value) and (same or not site.respelled(path, new))
    if not site.stash and not equal(again, value):
        raise site.lossy(
            f"`{format_path(path)}`: {show(value)} becomes {show(new)}, "
            "and no downgrade could tell what it was",
            path,
            operation,
            help="without `--no-stash` it is kept in a comment at the end of the file",
        )
    if returns and same:
        return None
    return Changed(path, value, copy(new), stash=site.stash and not returns)


def _tried(apply: Callable[[Any], Any], value: Any) -> Any:
    try:
        return apply(value)
    except LossyError:
        return MISSING


def _custom(operation: Custom, data: Any, site: Site) -> Iterator[Effect]:
    for one in operation.up(copy(data)):
        yield from effects(one, data, site)


def _regroup(operation: Regroup, data: Any, site: Site) -> Iterator[Effect]:
    names = tuple(map(str, data)) if isinstance(data, dict) else ()
    fixed = tuple(name for name in names if operation.place(name) is None)
    for move in operation.moves(data):
        for effect in _move(move, data, site):
            if isinstance(effect, Moved):
                effect = replace(effect, among=names, fixed=fixed)
            yield effect


def _flatten(operation: Flatten, data: Any, site: Site) -> Iterator[Effect]:
    moves = operation.of.moves_back(data)
    places = {move: site.kept_place(parse_path(move.target)) for move in moves}
    after = {move: kept.after for move, kept in places.items() if kept is not None}
    parents = {parse_path(move.source)[:-1] for move in moves}
    among = {parent: tuple(map(str, get(data, parent))) for parent in parents}
    for move in in_turn(moves, after):
        names = among[parse_path(move.source)[:-1]]
        for effect in _move(move, data, site):
            yield replace(effect, among=names) if isinstance(effect, Moved) else effect


def _blocked(operation: Blocked, _data: Any, site: Site) -> Iterator[Effect]:
    raise site.lossy(operation.describe(), (), operation)


_HANDLERS: dict[type, Callable[[Any, Any, Site], Iterator[Effect]]] = {
    Move: _move,
    Add: add,
    Remove: remove,
    Default: default,
    Convert: _convert,
    Custom: _custom,
    Blocked: _blocked,
    Regroup: _regroup,
    Flatten: _flatten,
    Unite: unite,
    Part: part,
    Revise: revise,
    Unrevise: unrevise,
    Tell: tell,
}
