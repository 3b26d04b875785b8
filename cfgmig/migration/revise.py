"""A value that follows from others, and a remark for the user."""

# ruff: noqa: D102  the base class says what each method does
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cfgmig.errors import UsageError
from cfgmig.migration.checks import checked
from cfgmig.migration.effect import Changed, Dropped, Effect, Written
from cfgmig.migration.grade import MISSING, Grade
from cfgmig.migration.operations import Operation
from cfgmig.migration.presence import require_room
from cfgmig.migration.site import Site
from cfgmig.migration.values import copy, equal, identical, show
from cfgmig.paths import Path, child, get, has, key_of, parse_path


@dataclass(frozen=True)
class Revise(Operation):
    """A leaf that the rest of the file decides: computed, clamped, rounded to a multiple.

    What it was goes into the stash, and a note tells both values. Where it was missing,
    it is written; the way back takes it out again if it still says what follows.

    Args:
        path: the leaf.
        value: gets a copy of the data, returns what the leaf must be, or `MISSING` to
            leave things as they are.
        summary: the sentence that a user reads, without the values.
    """

    path: str
    value: Callable[[Any], Any]
    summary: str

    def __post_init__(self) -> None:
        if "*" in checked(self.path, "Revise"):
            raise UsageError(f"Revise: {self.path} must name one leaf")
        if not self.summary.strip():
            raise UsageError(f"Revise: {self.path} needs a summary")

    def reverse(self) -> Operation:
        return Unrevise(self)

    @property
    def grade(self) -> Grade:
        return Grade.GUARDED

    def describe(self) -> str:
        return self.summary

    @property
    def paths(self) -> tuple[Path, ...]:
        return (parse_path(self.path),)


@dataclass(frozen=True)
class Unrevise(Operation):
    """The way back of a `Revise`."""

    of: Revise

    def reverse(self) -> Revise:
        return self.of

    @property
    def grade(self) -> Grade:
        return Grade.GUARDED

    def describe(self) -> str:
        return f"Taken back: {self.of.summary}"

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.of.paths


@dataclass(frozen=True)
class Tell(Operation):
    """A remark that every user of this step must read; nothing changes.

    Args:
        path: what it is about; a file without it is not told.
        message: the remark.
    """

    path: str
    message: str

    def __post_init__(self) -> None:
        checked(self.path, "Tell")

    def reverse(self) -> Operation:
        return Tell(self.path, "")

    def describe(self) -> str:
        return self.message or f"Nothing changes at {self.path}."

    @property
    def paths(self) -> tuple[Path, ...]:
        return ()


def revise(operation: Revise, data: Any, site: Site) -> Iterator[Effect]:
    """The effects of the way there."""
    path = parse_path(operation.path)
    new = operation.value(copy(data))
    if new is MISSING:
        return
    if not has(data, path):
        require_room(data, path, path, operation, site)
        yield Written(path, copy(new))
        site.tell(path, f"`{operation.path}` is {show(new)}: {operation.summary}")
        return
    old = get(data, path)
    if identical(old, new):
        if site.stash and equal(operation.value(_with(data, path, MISSING)), old):
            # Said, not computed: without a note the way back would take it out.
            yield Changed(path, old, old, stash=True)
        return
    if not site.stash:
        raise site.lossy(
            f"`{operation.path}` is {show(old)} and becomes {show(new)}",
            path,
            operation,
            help="without `--no-stash` the old value is kept in a comment at the end of the file",
        )
    yield Changed(path, old, copy(new), stash=True)
    site.tell(path, f"`{operation.path}` was {show(old)} and is {show(new)}: {operation.summary}")


def unrevise(operation: Unrevise, data: Any, site: Site) -> Iterator[Effect]:
    """The effects of the way back."""
    path = parse_path(operation.of.path)
    if not has(data, path):
        return
    now = get(data, path)
    noted = site.kept_values(path)
    for kept in noted:
        # One that would come out as something else says nothing any more: it was edited.
        if equal(operation.of.value(_with(data, path, kept.value)), now):
            yield Changed(path, now, kept.value, kept=kept)
            return
    if not noted and equal(operation.of.value(_with(data, path, MISSING)), now):
        yield Dropped(path, now, stash=site.stash and site.commented(path))


def _with(data: Any, path: Path, value: Any) -> Any:
    """A copy of `data` with another leaf, or without it."""
    changed = copy(data)
    parent = changed
    for segment in path[:-1]:
        parent = child(parent, segment)
    key = key_of(parent, path[-1]) if isinstance(parent, dict) else path[-1]
    if value is MISSING:
        del parent[key]
    else:
        parent[key] = copy(value)
    return changed


def tell(operation: Tell, data: Any, site: Site) -> Iterator[Effect]:
    """Leave the remark."""
    path = parse_path(operation.path)
    if operation.message and has(data, path):
        site.tell(path, operation.message)
    yield from ()
