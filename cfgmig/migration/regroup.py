"""A flat file gets sections: one table says where each of its top-level keys goes."""

# ruff: noqa: D102  the base class says what each method does
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cfgmig.errors import UsageError
from cfgmig.migration.checks import checked
from cfgmig.migration.operations import Move, Operation
from cfgmig.paths import Path, format_path, get, has, parse_path

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, init=False)
class Regroup(Operation):
    """Every top-level key moves to the place that `table` names, with its comments.

    Args:
        table: key to path: `{"width": "model.width"}`. A key that is its own path stays.
        rest: the section that gets every other key, whatever it is; without one, other
            keys stay where they are.
    """

    table: Pairs
    rest: str | None

    def __init__(self, table: Mapping[str, str] | Pairs, rest: str | None = None) -> None:
        pairs = tuple(table.items()) if isinstance(table, Mapping) else table
        targets = [checked(target, "Regroup") for _, target in pairs]
        if any("*" in target for target in targets) or "*" in parse_path(rest or "x"):
            raise UsageError("Regroup: a star names no place")
        held = [
            key
            for (key, _), path in zip(pairs, targets, strict=True)
            if path[0] == key and path[1:]
        ]
        if held:
            raise UsageError(
                f"Regroup: {held[0]} cannot move below itself",
                help="give it another name first, by a Move",
            )
        doubles = [format_path(one) for one in targets if targets.count(one) > 1]
        if doubles:
            raise UsageError(f"Regroup: two keys go to {doubles[0]}, so neither could come back")
        object.__setattr__(self, "table", pairs)
        object.__setattr__(self, "rest", rest)

    def reverse(self) -> Operation:
        return Flatten(self)

    def describe(self) -> str:
        other = f"; every other key goes below {self.rest}" if self.rest else ""
        return f"Top-level keys move into sections{other}."

    @property
    def paths(self) -> tuple[Path, ...]:
        places = (parse_path(target) for _, target in self.table)
        rest = () if self.rest is None else (parse_path(self.rest),)
        return (*((key,) for key, _ in self.table), *places, *rest)

    def place(self, key: str) -> Path | None:
        """Where a top-level key goes; None where it stays."""
        for name, target in self.table:
            if name == key:
                path = parse_path(target)
                return None if path == (key,) else path
        rest = () if self.rest is None else parse_path(self.rest)
        return (*rest, key) if rest and rest[0] != key else None

    def moves(self, data: Any) -> list[Move]:
        """The moves that `data` needs; keys that stand where a section must go come first.

        The others go from the last to the first: comments above the first key of a file
        are taken to be about the file, so none may become the first before it moves.
        """
        keys = list(map(str, data)) if isinstance(data, dict) else []
        places = {key: place for key in keys[::-1] if (place := self.place(key)) is not None}
        tops = {place[0] for place in places.values()}
        return [
            _move((key,), places[key]) for key in sorted(places, key=lambda one: one not in tops)
        ]

    def moves_back(self, data: Any) -> list[Move]:
        """The moves that undo it, in no particular order."""
        back: dict[Path, str] = {}
        for key, target in self.table:
            path = parse_path(target)
            if path != (key,) and has(data, path):
                back[path] = key
        rest = parse_path(self.rest) if self.rest is not None else ()
        section = get(data, rest) if rest and has(data, rest) else None
        for name in section if isinstance(section, dict) else ():
            if self.place(str(name)) == (*rest, str(name)):
                back[*rest, str(name)] = str(name)
        return [_move(source, (key,)) for source, key in back.items()]


@dataclass(frozen=True)
class Flatten(Operation):
    """The way back of a `Regroup`."""

    of: Regroup

    def reverse(self) -> Regroup:
        return self.of

    def describe(self) -> str:
        return "The keys of sections move back to the top level."

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.of.paths


def _move(source: Path, target: Path) -> Move:
    return Move(format_path(source), format_path(target))


def in_turn(moves: Sequence[Move], after: Mapping[Move, str | None]) -> Iterator[Move]:
    """The moves back in an order that finds every place.

    Keys without a kept place come first, for their schema's order is theirs; then each
    other one behind the key that it followed. A key that is called like a section waits
    until the section is empty.

    Args:
        moves: to the top level.
        after: for those with a kept place, the key that they followed; None was the first.
    """
    pending = sorted(moves, key=lambda move: move in after)
    while pending:
        goals = {move.target for move in pending}
        move = next((one for one in pending if _is_free(one, pending, goals, after)), pending[0])
        pending.remove(move)
        yield move


def _is_free(
    move: Move, pending: Sequence[Move], goals: set[str], after: Mapping[Move, str | None]
) -> bool:
    sections = {one.source.partition(".")[0] for one in pending if one is not move}
    return move.target not in sections and after.get(move) not in goals
