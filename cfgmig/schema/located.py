"""Pydantic's errors, told of the file: a path of it, and one error per place.

Pydantic reports every member of a union that did not fit, under the member's name. A
reader means one of them: the one that fits best is kept, or, where the members are plain
types, all are said in one sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cfgmig.paths import Path
    from cfgmig.schema.compile import SchemaError

_INPUT = "Input should be "
Kind = Literal["unknown", "missing", "value"]
_KINDS: dict[str, Kind] = {
    "extra_forbidden": "unknown",
    "missing": "missing",
}


class Located(NamedTuple):
    """One thing wrong at one path; `message` continues a sentence about the value."""

    path: Path
    kind: Kind
    message: str
    input: Any


class _Branched(NamedTuple):
    """An error, its path in the file and the union members that it went through."""

    error: SchemaError
    path: Path
    labels: tuple[tuple[Path, str], ...]


def locate(errors: Sequence[SchemaError], data: Any) -> list[Located]:
    """The errors of a version about `data`, in the order of pydantic."""
    branched = [_branch(error, data) for error in errors]
    for prefix in _prefixes(branched):
        branched = _best_member(branched, prefix)
    merged: dict[tuple[Path, str], Located] = {}
    for error, path, _ in branched:
        kind: Kind = _KINDS.get(error.type, "value")
        found = Located(path, kind, error.message, error.input)
        known = merged.get((path, kind))
        merged[path, kind] = found if known is None else _join(known, found)
    return list(merged.values())


def _branch(error: SchemaError, data: Any) -> _Branched:
    """Tell the keys and indices in `loc` from the names of union members."""
    found = _search(error, 0, data, (), ())
    return found if found is not None else _Branched(error, *_greedy(error.loc, data))


def _search(
    error: SchemaError, at: int, node: Any, path: Path, labels: tuple[tuple[Path, str], ...]
) -> _Branched | None:
    """The reading of `loc` that ends at the very input that the error is about."""
    if at == len(error.loc):
        return _Branched(error, path, labels) if _is(node, error.input, path) else None
    step = error.loc[at]
    if error.type == "missing" and at == len(error.loc) - 1:
        is_here = _is(node, error.input, path) and step not in node
        return _Branched(error, (*path, str(step)), labels) if is_here else None
    found = None
    if _has(node, step):
        segment = step if isinstance(node, list) else str(step)
        found = _search(error, at + 1, node[step], (*path, segment), labels)
    if found is None and isinstance(step, str):
        found = _search(error, at + 1, node, path, (*labels, (path, step)))
    return found


def _is(node: Any, input: Any, path: Path) -> bool:
    """Whether `input` is the node; at the root a copy of it, for validation drops the stamp."""
    return node is input or (not path and isinstance(node, dict) and isinstance(input, dict))


def _greedy(loc: tuple[str | int, ...], node: Any) -> tuple[Path, tuple[tuple[Path, str], ...]]:
    """Every step that is a key is one: for errors about keys, whose input is no value."""
    path: list[str | int] = []
    labels: list[tuple[Path, str]] = []
    for step in loc:
        if _has(node, step):
            path.append(step if isinstance(node, list) else str(step))
            node = node[step]
        elif step != "[key]":
            labels.append((tuple(path), str(step)))
    return tuple(path), tuple(labels)


def _has(node: Any, step: str | int) -> bool:
    if isinstance(node, list):
        return isinstance(step, int) and 0 <= step < len(node)
    return isinstance(node, dict) and step in node


def _prefixes(branched: Iterable[_Branched]) -> list[Path]:
    """The paths of unions, outer before inner."""
    return sorted({prefix for one in branched for prefix, _ in one.labels}, key=len)


def _best_member(branched: list[_Branched], prefix: Path) -> list[_Branched]:
    """Keep the errors of one member of the union at `prefix`, if it has members with keys."""
    costs: dict[str, int] = {}
    is_deep = False
    for error, path, labels in branched:
        label = dict(labels).get(prefix)
        if label is not None:
            is_deep = is_deep or len(path) > len(prefix)
            costs[label] = costs.get(label, 0) + _cost(error, path, prefix)
    if not is_deep or len(costs) < 2:
        return branched
    best = min(costs, key=lambda label: costs[label])
    return [one for one in branched if dict(one.labels).get(prefix, best) == best]


def _cost(error: SchemaError, path: Path, prefix: Path) -> int:
    """How much an error speaks against its union member being meant."""
    if len(path) == len(prefix):
        return 100
    return 10 if error.type == "literal_error" else 1


def _join(first: Located, second: Located) -> Located:
    if second.message in first.message:
        return first
    if first.message.startswith(_INPUT) and second.message.startswith(_INPUT):
        message = f"{first.message} or {second.message.removeprefix(_INPUT)}"
    else:
        message = f"{first.message}; {second.message}"
    return first._replace(message=message)


def sentence(located: Located, name: str) -> str:
    """`` `model.width` should be greater than 0, not -3 ``."""
    message = located.message
    if not message.startswith(_INPUT):
        return f"`{name}`: {message}"
    said = f"`{name}` should be {message.removeprefix(_INPUT)}"
    return f"{_plain(said)}, not {_brief(located.input)}"


def _plain(said: str) -> str:
    """Pydantic's words for Python people, in those of a config's."""
    head, instance, _ = said.partition(" or instance of ")
    said = head if instance else said
    said = said.replace("a valid dictionary", "a section")
    return said.replace("a valid integer", "an integer").replace("a valid ", "a ")


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    text = repr(value) if isinstance(value, str | int | float) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
