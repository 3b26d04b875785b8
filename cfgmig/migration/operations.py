"""The words of a migration: frozen values that know their own way back.

Paths are dotted, literal segments plus `*` for one segment; they match in full.
An operation that matches nothing is an error, unless it says `optional=True`.
What a word does to data, to a document and to a schema's fields is said in
`effects`, `on_document` and `on_fields`.
"""

# ruff: noqa: D102  the base class says what each method does
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cfgmig.errors import UsageError
from cfgmig.migration.checks import CopyOf, check_leaf, check_value, checked, same_stars
from cfgmig.migration.codecs import Codec
from cfgmig.migration.grade import IRREVERSIBLE, MARKERS, MISSING, STASH, Grade, Special
from cfgmig.migration.values import show
from cfgmig.paths import Path, parse_path


class Operation:
    """One word of a migration."""

    def reverse(self) -> Operation:
        """The operation of the way back."""
        raise NotImplementedError

    @property
    def grade(self) -> Grade:
        """What the way back restores."""
        return Grade.EXACT

    def describe(self) -> str:
        """One sentence for a user."""
        raise NotImplementedError

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every pattern that the operation reads or writes."""
        raise NotImplementedError


@dataclass(frozen=True)
class Move(Operation):
    """`source`, with all below it and its comments, goes to `target`, which must be free."""

    source: str
    target: str
    optional: bool = False

    def __post_init__(self) -> None:
        source, target = checked(self.source, "Move"), checked(self.target, "Move")
        same_stars("Move", self.source, self.target)
        if source == target:
            raise UsageError(f"Move: {self.source} is where it is")
        shorter = min(len(source), len(target))
        if source[:shorter] == target[:shorter]:
            raise UsageError(
                f"Move: {self.source} and {self.target} hold one another",
                help="move it to a third name first, then from there",
            )

    def reverse(self) -> Move:
        return Move(self.target, self.source, self.optional)

    def describe(self) -> str:
        return f"{self.source} moves to {self.target}."

    @property
    def paths(self) -> tuple[Path, ...]:
        return parse_path(self.source), parse_path(self.target)


@dataclass(frozen=True)
class Add(Operation):
    """A leaf or a subtree that is not there yet.

    Args:
        path: where; with stars, in every section that matches the part above the leaf.
        value: what is written; `CopyOf` another path, or `STASH` (only what an earlier
            `Remove` of the same revision left in the file's stash is put back).
        implicit: the key exists from here on and files that lack it mean `value`:
            nothing is written, and a key that is there already is welcome.
        optional: with `STASH` or `CopyOf`, finding nothing to write is no error.
    """

    path: str
    value: Any
    implicit: bool = False
    optional: bool = False

    def __post_init__(self) -> None:
        checked(self.path, "Add")
        check_value("Add", self.path, self.value)
        if self.value in MARKERS and self.value is not STASH:
            raise UsageError(f"Add: {self.path} needs a value, not {self.value!r}")
        if self.value is not STASH:
            check_leaf("Add", self.path)
        if self.implicit and (self.value is STASH or isinstance(self.value, CopyOf)):
            raise UsageError(f"Add: {self.path} cannot be implicit without a value of its own")

    def reverse(self) -> Remove:
        return Remove(self.path, self.value, self.optional, self.implicit)

    @property
    def grade(self) -> Grade:
        given = self.value is not STASH and not isinstance(self.value, CopyOf)
        return Grade.EXACT if given else Grade.GUARDED

    def describe(self) -> str:
        if self.value is STASH:
            return f"{self.path} comes back from the file's stash."
        if isinstance(self.value, CopyOf):
            return f"{self.path} is added, a copy of {self.value.path}."
        if self.implicit:
            return f"{self.path} may be given; without it {show(self.value)} is meant."
        return f"{self.path} is added: {show(self.value)}."

    @property
    def paths(self) -> tuple[Path, ...]:
        return _with_copy(self.path, self.value)


@dataclass(frozen=True)
class Remove(Operation):
    """A key leaves the schema.

    Args:
        path: what goes, with all below it.
        restore: what a downgrade writes. A value: a file that says the same loses the
            key, one that says something else keeps it in its stash (or is refused with
            `--no-stash`). `STASH`: always kept there. `CopyOf`: it must equal that other
            path's value, else the two contradict each other and the file is refused.
            `IRREVERSIBLE`: gone, and no downgrade.
        optional: a file without the key is welcome.
        implicit: a file without the key means `restore`; a downgrade writes nothing.
    """

    path: str
    restore: Any
    optional: bool = False
    implicit: bool = False

    def __post_init__(self) -> None:
        checked(self.path, "Remove")
        check_value("Remove", self.path, self.restore)
        if self.restore is MISSING:
            raise UsageError(f"Remove: {self.path} needs restore=, a value or STASH")
        if self.restore is not STASH and self.restore is not IRREVERSIBLE:
            check_leaf("Remove", self.path)
        special = self.restore in MARKERS or isinstance(self.restore, CopyOf)
        if self.implicit and special:
            raise UsageError(f"Remove: {self.path} cannot be implicit without a value")

    def reverse(self) -> Operation:
        if self.restore is IRREVERSIBLE:
            return Blocked(self)
        return Add(self.path, self.restore, self.implicit, self.optional)

    @property
    def grade(self) -> Grade:
        return Grade.IRREVERSIBLE if self.restore is IRREVERSIBLE else Grade.GUARDED

    def describe(self) -> str:
        if self.restore is STASH:
            return f"{self.path} leaves the schema; what it says stays in the file's stash."
        if self.restore is IRREVERSIBLE:
            return f"{self.path} is dropped for good."
        if isinstance(self.restore, CopyOf):
            return f"{self.path} is dropped where it equals {self.restore.path}."
        return f"{self.path} is dropped where it is {show(self.restore)}, else stashed."

    @property
    def paths(self) -> tuple[Path, ...]:
        return _with_copy(self.path, self.restore)


@dataclass(frozen=True)
class Default(Operation):
    """A default changes: a file that lacks the key gets the old one written down.

    The written line says so in a comment; the way back drops a line that still says
    both, and leaves alone what a person wrote.

    Args:
        path: the key; below a section that is `null`, nothing is written.
        value: the default that only the old code knew.
        new: the default from here on; without it a downgrade does not pin it.
    """

    path: str
    value: Any
    new: Any = MISSING

    def __post_init__(self) -> None:
        checked(self.path, "Default")
        check_leaf("Default", self.path)
        for value in (self.value, self.new):
            check_value("Default", self.path, value)
            if value is STASH or value is IRREVERSIBLE or isinstance(value, CopyOf):
                raise UsageError(f"Default: {self.path} needs a value, not {value!r}")
        if self.value is MISSING and self.new is MISSING:
            raise UsageError(f"Default: {self.path} needs the old default")

    def reverse(self) -> Default:
        return Default(self.path, self.new, self.value)

    @property
    def grade(self) -> Grade:
        return Grade.SAME_MEANING

    def describe(self) -> str:
        if self.value is MISSING:
            return f"{self.path}: {show(self.new)} is the default again and need not be said."
        changed = "" if self.new is MISSING else f" (now {show(self.new)})"
        return f"{self.path} keeps its old default {show(self.value)}{changed}, written down."

    @property
    def paths(self) -> tuple[Path, ...]:
        return (parse_path(self.path),)


@dataclass(frozen=True)
class Convert(Operation):
    """A leaf says the same in another way: other unit, other word, other type.

    A key that is absent stays absent: put `Default` before it where the old default
    must survive.
    """

    path: str
    codec: Codec
    optional: bool = False

    def __post_init__(self) -> None:
        checked(self.path, "Convert")
        if not isinstance(self.codec, Codec):
            raise UsageError(f"Convert: {self.path} needs a codec, not {self.codec!r}")

    def reverse(self) -> Convert:
        return Convert(self.path, self.codec.reverse(), self.optional)

    @property
    def grade(self) -> Grade:
        return self.codec.grade

    def describe(self) -> str:
        return f"{self.path}: {self.codec.describe()}."

    @property
    def paths(self) -> tuple[Path, ...]:
        return (parse_path(self.path),)


Planner = Callable[[Any], Sequence[Operation]]


@dataclass(frozen=True)
class Custom(Operation):
    """What the other words cannot say: plain functions from the data to operations.

    Args:
        summary: the sentence that a user reads.
        up: gets a copy of the data, returns the operations to apply to it.
        down: the same for the way back, or `IRREVERSIBLE`.
        grade: what the way back restores.
        touches: the patterns that either function may read or write.
    """

    summary: str
    up: Planner
    down: Planner | Special
    grade: Grade = Grade.GUARDED
    touches: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.summary.strip():
            raise UsageError("Custom needs a summary")
        if self.down is IRREVERSIBLE:
            object.__setattr__(self, "grade", Grade.IRREVERSIBLE)
        elif isinstance(self.down, Special):
            raise UsageError(f"Custom: {self.summary}: down is a function or IRREVERSIBLE")
        for path in self.touches:
            checked(path, "Custom")

    def reverse(self) -> Operation:
        if isinstance(self.down, Special):
            return Blocked(self)
        return Custom(self.summary, self.down, self.up, self.grade, self.touches)

    def describe(self) -> str:
        return self.summary

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(parse_path(path) for path in self.touches)


@dataclass(frozen=True)
class Blocked(Operation):
    """The way back that does not exist."""

    of: Operation

    def reverse(self) -> Operation:
        return self.of

    @property
    def grade(self) -> Grade:
        return Grade.IRREVERSIBLE

    def describe(self) -> str:
        return f"There is no way back from: {self.of.describe()}"

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.of.paths


def _with_copy(path: str, value: Any) -> tuple[Path, ...]:
    own = (parse_path(path),)
    return (*own, parse_path(value.path)) if isinstance(value, CopyOf) else own
