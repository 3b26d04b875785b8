"""Two keys for one thing become one; where they contradict each other, a person decides."""

# ruff: noqa: D102  the base class says what each method does
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from cfgmig.errors import UsageError
from cfgmig.migration.checks import checked
from cfgmig.migration.effect import Changed, Dropped, Effect, Moved, Written
from cfgmig.migration.grade import Grade
from cfgmig.migration.operations import Operation
from cfgmig.migration.presence import require_room
from cfgmig.migration.site import Site
from cfgmig.migration.values import equal, show
from cfgmig.paths import Path, format_path, get, has, parse_path

Side = Literal["source", "target"]
FLAG = "--prefer"


@dataclass(frozen=True)
class Unite(Operation):
    """From here on `target` is the only name of what `source` said as well.

    A file with one of them keeps its value. With both, `target` stays if they are equal;
    `null` says nothing. If they differ, the user's `--prefer KEY` decides, then `default`;
    without either the file is refused, and the message names the flag.

    Args:
        source: the key that goes.
        target: the key that stays.
        default: which of them stays where they differ and nobody said; None asks.
        alone: which of them a file without a stash gets on the way back.
        meanings: what `source` and `target` stood for, in a few words of an error's help.
    """

    source: str
    target: str
    default: Side | None = None
    alone: Side = "source"
    meanings: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        if "*" in (*checked(self.source, "Unite"), *checked(self.target, "Unite")):
            raise UsageError("Unite: stars have no place here, name both keys")
        if self.source == self.target:
            raise UsageError(f"Unite: {self.source} is one key already")

    def reverse(self) -> Operation:
        return Part(self)

    @property
    def grade(self) -> Grade:
        return Grade.GUARDED

    def describe(self) -> str:
        return f"{self.source} and {self.target} are one from here on: {self.target}."

    @property
    def paths(self) -> tuple[Path, ...]:
        return parse_path(self.source), parse_path(self.target)

    @property
    def words(self) -> tuple[str, str]:
        """What `--prefer` calls the two."""
        source, target = (str(path[-1]) for path in self.paths)
        return (self.source, self.target) if source == target else (source, target)


@dataclass(frozen=True)
class Part(Operation):
    """The way back of a `Unite`."""

    of: Unite

    def reverse(self) -> Unite:
        return self.of

    @property
    def grade(self) -> Grade:
        return Grade.GUARDED

    def describe(self) -> str:
        return f"{self.of.source} and {self.of.target} are what they were, as the stash has them."

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.of.paths


def unite(operation: Unite, data: Any, site: Site) -> Iterator[Effect]:
    """The effects of the way there."""
    source, target = operation.paths
    said = [get(data, path) if has(data, path) else None for path in (source, target)]
    if not has(data, source):
        if has(data, target) and operation.alone == "source" and site.stash:
            yield _noted(target, data)
        return
    if not has(data, target):
        require_room(data, target, source, operation, site)
        yield Moved(source, target, site.kept_place(target))
        if operation.alone == "target" and site.stash:
            yield _noted(target, data)
        return
    stays = _stays(operation, said, site)
    gone = source if stays == "target" else target
    differ = None not in said and not equal(*said)
    if differ and not site.stash:
        raise site.lossy(
            f"`{format_path(gone)}` is {show(get(data, gone))}, which would be lost",
            gone,
            operation,
            help="without `--no-stash` it is kept in a comment at the end of the file",
        )
    yield Dropped(gone, get(data, gone), stash=site.stash)
    if stays == "source":
        yield Moved(source, target)
    if differ:
        site.tell(
            target,
            f"`{operation.source}` was {show(said[0])} and `{operation.target}` "
            f"{show(said[1])}: {show(get(data, target))} stays",
        )


def _noted(path: Path, data: Any) -> Changed:
    """A note for the way back: this file is not as most are."""
    return Changed(path, get(data, path), get(data, path), stash=True)


def _stays(operation: Unite, said: list[Any], site: Site) -> Side:
    if said[1] is None and said[0] is not None:
        return "source"
    if said[0] is None or equal(*said):
        return "target"
    sides: tuple[Side, Side] = ("source", "target")
    wanted = [side for side, word in zip(sides, operation.words, strict=True) if site.wants(word)]
    if len(wanted) == 1:
        return wanted[0]
    if operation.default is not None and not wanted:
        return operation.default
    source, target = operation.paths
    line = site.line(target)
    choices = " or ".join(
        f"`{FLAG} {word}`{f' ({meaning})' if meaning else ''}"
        for word, meaning in zip(operation.words, operation.meanings, strict=True)
    )
    raise site.refused(
        "migration",
        f"`{site.called(source)}` is {show(said[0])}, but `{site.called(target)}` is "
        + show(said[1])
        + (f" (line {line})" if line else "")
        + f", and from here on both are `{operation.target}`",
        source,
        operation,
        help=f"say which one is meant: {choices}",
    )


def part(operation: Part, data: Any, site: Site) -> Iterator[Effect]:
    """The effects of the way back."""
    unite_ = operation.of
    source, target = unite_.paths
    sources, targets = site.kept_entries(source), site.kept_entries(target)
    notes = site.kept_values(target)
    if sources:
        require_room(data, source, source, operation, site)
        yield Written(source, sources[0].value, sources[0])
        return
    moves = unite_.alone == "source" if not notes else unite_.alone == "target"
    for note in notes:
        site.forget(note)
    if not has(data, target) or not (moves or targets):
        return
    require_room(data, source, target, operation, site)
    yield Moved(target, source, site.kept_place(source))
    if targets:
        yield Written(target, targets[0].value, targets[0])
