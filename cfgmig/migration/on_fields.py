"""The words applied to a schema: what the operations leave unexplained between two versions.

A table maps dotted paths to a type and a default: items of a list as `phases.*.name`,
the keys of an open section as `extra.*`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from cfgmig.errors import LossyError
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
from cfgmig.migration.regroup import Regroup
from cfgmig.migration.revise import Revise, Tell
from cfgmig.migration.unite import Unite
from cfgmig.migration.values import equal, show
from cfgmig.paths import Path, fill, format_path, get, has, parse_path


class Field(Protocol):
    """A row of a schema's field table; `default` is MISSING for a required key."""

    @property
    def type(self) -> str:
        """As a reader would write it: `int`, `float | null`, `section`."""

    @property
    def default(self) -> Any:
        """What a file without the key means."""


Table = Mapping[str, Field | tuple[str, Any]]


@dataclass(frozen=True)
class Unexplained:
    """A difference between two versions that no operation accounts for."""

    path: str
    kind: Literal["operation", "appears", "vanishes", "default", "type"]
    message: str
    help: str | None = None


@dataclass(frozen=True)
class _Row:
    type: str
    default: Any
    any_default: bool = False
    any_type: bool = False


_Rows = dict[Path, _Row]


def unexplained(operations: Sequence[Operation], before: Table, after: Table) -> list[Unexplained]:
    """What `operations` do not explain of the way from `before` to `after`.

    Every field that appears or vanishes, and every default or type that changes, needs
    an operation; and every operation must be about a field that is there.
    """
    state = _State(_rows(before), _rows(after))
    for operation in operations:
        handler: Callable[[_State, Any], None] = _HANDLERS[type(operation)]
        handler(state, operation)
    return [*state.problems, *state.differences()]


def _rows(table: Table) -> _Rows:
    rows: _Rows = {}
    for path, entry in table.items():
        field: Any = entry
        # A field may be a named tuple as well: its names decide.
        pair = (field.type, field.default) if hasattr(field, "default") else field
        rows[parse_path(path)] = _Row(*pair)
    return rows


class _State:
    """The table on its way from one version to the next."""

    def __init__(self, rows: _Rows, goal: _Rows) -> None:
        self.rows = rows
        self.goal = goal
        self.sections = {path[:n] for path in (*rows, *goal) for n in range(1, len(path))}
        self.free: list[Path] = []
        self.problems: list[Unexplained] = []

    def problem(self, path: str, message: str, help: str | None = None) -> None:
        self.problems.append(Unexplained(path, "operation", message, help))

    def below(self, pattern: Path, rows: _Rows | None = None) -> list[tuple[Path, Path]]:
        """The rows at and below `pattern`, each with what the stars stand for."""
        found = []
        for path in self.rows if rows is None else rows:
            captures = _captures(pattern, path[: len(pattern)])
            if captures is not None:
                found.append((path, captures))
        return found

    def open(self, pattern: Path) -> bool:
        """Whether `pattern` lies below a section whose keys no schema names."""
        return any(
            len(path) < len(pattern)
            and _captures(path, pattern[: len(path)]) is not None
            and not any(other[: len(path)] == path and other != path for other in self.rows)
            and _holds_anything(row.type)
            for path, row in self.rows.items()
        )

    def differences(self) -> Iterator[Unexplained]:
        for path, row in self.rows.items():
            if path not in self.goal and not self._is_section(path) and not self._touched(path):
                yield Unexplained(
                    format_path(path),
                    "vanishes",
                    f"{format_path(path)} is in the older schema only, and no operation removes it",
                    f'add Remove("{format_path(path)}", STASH, optional=True)',
                )
            elif path in self.goal and not self._touched(path):
                yield from self._changed(path, row, self.goal[path])
        for path, row in self.goal.items():
            if path not in self.rows and not self._is_section(path) and not self._touched(path):
                yield Unexplained(
                    format_path(path),
                    "appears",
                    f"{format_path(path)} is in the newer schema only, and no operation adds it",
                    f'add Add("{format_path(path)}", {_code(row.default)}, implicit=True)',
                )

    def _changed(self, path: Path, old: _Row, new: _Row) -> Iterator[Unexplained]:
        name = format_path(path)
        section = self._is_section(path)
        if section and (old.default is None) == (new.default is None):
            return
        if not old.any_default and not equal(old.default, new.default):
            yield Unexplained(
                name,
                "default",
                f"the default of {name} was {_said(old.default)} and is {_said(new.default)}",
                f'add Default("{name}", {_code(old.default)}, new={_code(new.default)})',
            )
        if not section and not old.any_type and not _widens(old.type, new.type):
            yield Unexplained(
                name,
                "type",
                f"{name} was {old.type} and is {new.type}",
                f'add Convert("{name}", ...), or a Custom that touches it',
            )

    def _is_section(self, path: Path) -> bool:
        row = self.rows.get(path) or self.goal.get(path)
        return path in self.sections or (row is not None and "section" in row.type)

    def _touched(self, path: Path) -> bool:
        return any(_captures(free, path[: len(free)]) is not None for free in self.free)


def _move(state: _State, operation: Move) -> None:
    source, target = operation.paths
    found = state.below(source)
    if not found:
        if not state.open(source):
            state.problem(operation.source, f"{operation.source} is no field of the older schema")
            return
        state.free.append(target)
        return
    for path, captures in found:
        goal = fill(target, captures) + path[len(source) :]
        if goal in state.rows:
            state.problem(format_path(goal), f"{format_path(goal)} is taken in the older schema")
        state.rows[goal] = state.rows.pop(path)


def _add(state: _State, operation: Add) -> None:
    pattern = parse_path(operation.path)
    if state.below(pattern):
        state.problem(operation.path, f"{operation.path} is a field of the older schema already")
    found = state.below(pattern, state.goal)
    if not found and not state.open(pattern):
        # Another operation of the revision may take it further.
        state.rows[pattern] = _Row("", operation.value, any_default=True, any_type=True)
        return
    for path, _ in found:
        row = state.goal[path]
        if operation.implicit:
            _check_implicit(state, operation.value, path, path[len(pattern) :], row)
        state.rows[path] = replace(row, any_default=True)


def _check_implicit(state: _State, value: Any, path: Path, below: Path, row: _Row) -> None:
    if not has(value, below):
        return
    means = get(value, below)
    if isinstance(means, dict) and row.default is not None:
        return
    if row.default is MISSING or not equal(row.default, means):
        state.problem(
            format_path(path),
            f"older files are to mean {show(means)} by leaving {format_path(path)} out, "
            f"but it is {_said(row.default)}",
            "give the schema that default, or write the value with a plain Add",
        )


def _remove(state: _State, operation: Remove) -> None:
    pattern = parse_path(operation.path)
    found = state.below(pattern)
    if not found and not state.open(pattern):
        state.problem(operation.path, f"{operation.path} is no field of the older schema")
    for path, _ in found:
        # One key of an open section goes; the section stays as open as it was.
        if all(mine != "*" or wanted == "*" for mine, wanted in zip(path, pattern, strict=False)):
            del state.rows[path]


def _default(state: _State, operation: Default) -> None:
    pattern = parse_path(operation.path)
    found = state.below(pattern)
    if not found:
        state.problem(operation.path, f"{operation.path} is no field of the older schema")
    for path, _ in found:
        row = state.rows[path]
        if path[len(pattern) :]:
            state.rows[path] = replace(row, any_default=True)
            continue
        if not row.any_default and not equal(row.default, operation.value):
            state.problem(
                operation.path,
                f"the default of {operation.path} in the older schema is {_said(row.default)}, "
                f"not {_said(operation.value)}",
            )
        known = operation.new is not MISSING
        default = operation.new if known else row.default
        state.rows[path] = replace(row, default=default, any_default=not known)


def _convert(state: _State, operation: Convert) -> None:
    pattern = parse_path(operation.path)
    found = [path for path, _ in state.below(pattern) if len(path) == len(pattern)]
    if not found and not state.open(pattern):
        state.problem(operation.path, f"{operation.path} is no field of the older schema")
    for path in found:
        row = state.rows[path]
        if row.default is not MISSING and not row.any_default:
            try:
                row = replace(row, default=operation.codec.apply(row.default))
            except LossyError as error:
                state.problem(operation.path, f"its default: {error.message}")
        state.rows[path] = replace(row, any_type=True)


def _custom(state: _State, operation: Custom) -> None:
    state.free.extend(operation.paths)


def _regroup(state: _State, operation: Regroup) -> None:
    state.free.extend([] if operation.rest is None else [parse_path(operation.rest)])
    known = {str(path[0]) for path in state.rows}
    for name, _ in operation.table:
        if name not in known:
            state.problem(name, f"{name} is no field of the older schema")
    rows: _Rows = {}
    rest = None if operation.rest is None else parse_path(operation.rest)
    for path, row in state.rows.items():
        goal = operation.place(str(path[0]))
        if goal is None:
            rows[path] = row
        elif rest is None or goal[: len(rest)] != rest:
            rows[goal + path[1:]] = row
    state.rows = rows


def _unite(state: _State, operation: Unite) -> None:
    source, target = operation.paths
    row = state.rows.pop(source, None)
    if row is None:
        state.problem(operation.source, f"{operation.source} is no field of the older schema")
        return
    stays = state.rows.setdefault(target, row)
    state.rows[target] = replace(stays, any_default=True, any_type=True)


def _revise(state: _State, operation: Revise) -> None:
    state.free.extend(operation.paths)


def _tell(state: _State, operation: Tell) -> None:
    """Schemas are compared on the way up, and a remark changes none."""
    del state, operation


def _blocked(state: _State, operation: Blocked) -> None:
    state.free.extend(operation.paths)


def _captures(pattern: Path, path: Path) -> Path | None:
    """As `paths.match`, where a star of the table also stands for any segment."""
    if len(pattern) != len(path):
        return None
    captures = []
    for wanted, segment in zip(pattern, path, strict=True):
        if wanted == "*":
            captures.append(segment)
        elif segment not in (wanted, "*"):
            return None
    return tuple(captures)


def _holds_anything(type_: str) -> bool:
    return any(word in type_ for word in ("dict", "any", "object", "map"))


def _widens(old: str, new: str) -> bool:
    """Whether every value of the old type is one of the new."""
    news = set(new.split(" | "))
    if "any" in news:
        return True
    wider = {"int": {"int", "float"}}
    return all(wider.get(one, {one}) & news for one in old.split(" | "))


def _said(default: Any) -> str:
    return "required" if default is MISSING else show(default)


def _code(default: Any) -> str:
    return "MISSING" if default is MISSING else repr(default)


_HANDLERS: dict[type, Callable[[_State, Any], None]] = {
    Move: _move,
    Add: _add,
    Remove: _remove,
    Default: _default,
    Convert: _convert,
    Custom: _custom,
    Blocked: _blocked,
    Regroup: _regroup,
    Unite: _unite,
    Revise: _revise,
    Tell: _tell,
}
