"""What a change makes of plain data: the prediction that the new text is held against."""

from __future__ import annotations

from math import isnan
from typing import Any, NamedTuple

from cfgmig.document.changes import Change, Delete, Insert, MoveTo, SetValue
from cfgmig.paths import Path, get, has


class Leave(NamedTuple):
    """What stood at `path` was copied elsewhere: it goes, but the comments around it stay."""

    path: Path


def same(first: Any, second: Any) -> bool:
    """Equality that sees types, but not the order of keys: TOML tables have none."""
    if type(first) is not type(second):
        return False
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, float):
        return bool(first == second) or (isnan(first) and isnan(second))
    return bool(first == second)


def copy(value: Any) -> Any:
    """A deep copy of plain data."""
    if isinstance(value, dict):
        return {name: copy(one) for name, one in value.items()}
    return [copy(one) for one in value] if isinstance(value, (list, tuple)) else value


def top_of(data: Any, path: Path) -> Path:
    """The path, or the table that goes with it because nothing else is in it."""
    while len(path) > 1:
        holder, outer = get(data, path[:-1]), get(data, path[:-2])
        if len(holder) > 1 or not isinstance(holder, dict) or not isinstance(outer, dict):
            break
        path = path[:-1]
    return path


def unwraps(data: Any, source: Path, target: Path) -> bool:
    """Whether `target` holds nothing but what leads to `source`, so that it can become that."""
    return source[: len(target)] == target and len(top_of(data, source)) <= len(target)


def remove(data: Any, path: Path, *, prune: bool) -> None:
    """Take a path out of data.

    Raises:
        KeyError: nothing stands there.
    """
    if not path or not has(data, path):
        raise KeyError(path)
    path = top_of(data, path) if prune else path
    del get(data, path[:-1])[path[-1]]


def put(data: Any, path: Path, value: Any) -> None:
    """Put a value at a path that is free; tables on the way are made.

    Raises:
        KeyError: something that is no table or array stands in its way.
    """
    if not path:
        raise KeyError(path)
    for segment in path[:-1]:
        if isinstance(data, dict) and isinstance(segment, str):
            data = data.setdefault(segment, {})
        else:
            data = get(data, (segment,))
    last = path[-1]
    if isinstance(data, list) and isinstance(last, int):
        data.insert(last, value)
    elif isinstance(data, dict) and isinstance(last, str):
        data[last] = value
    else:
        raise KeyError(last)


def predicted(data: Any, change: Change | Leave) -> Any:
    """A changed copy of data, for the changes that need no text to be read.

    Raises:
        KeyError: the change has no place in it.
    """
    data = copy(data)
    if isinstance(change, Delete):
        remove(data, change.path, prune=change.prune)
    elif isinstance(change, Leave):
        remove(data, change.path, prune=True)
    elif isinstance(change, Insert):
        put(data, change.path, copy(change.value))
    elif isinstance(change, SetValue):
        get(data, change.path)
        get(data, change.path[:-1])[change.path[-1]] = copy(change.value)
    elif isinstance(change, MoveTo):
        value = get(data, change.source)
        if change.source[:-1] != change.target[:-1]:
            remove(data, change.source, prune=True)
        else:
            remove(data, change.source, prune=False)
        put(data, change.target, value)
    return data
