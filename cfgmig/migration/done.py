"""What a migration did, in words: one line for each operation that changed something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cfgmig.migration.effect import Dropped, Effect, Moved, Written
from cfgmig.migration.operations import Operation
from cfgmig.migration.values import equal, show
from cfgmig.paths import Path, format_path

CROWD = 12
"""So many keys that one operation moves to one section are told one by one."""


class Fired(NamedTuple):
    """An operation that changed something, in words: revision file's stem and sentence."""

    revision: str
    operation: str


@dataclass(frozen=True)
class Done:
    """One operation that changed something, and the stem of its revision's file."""

    revision: str
    origin: str
    goal: str
    operation: Operation
    effects: tuple[Effect, ...]

    def describe(self) -> str:
        """The step, and what was done in it, on one line."""
        crowds, others = _crowds(self.effects)
        return f"{self.goal}: " + "; ".join([*map(_said, others), *crowds])


def _crowds(effects: Sequence[Effect]) -> tuple[list[str], list[Effect]]:
    """One sentence for each section that many keys moved to, and the effects that remain."""
    goals: dict[Path, list[Moved]] = {}
    for effect in effects:
        if isinstance(effect, Moved):
            goals.setdefault(effect.target[:-1], []).append(effect)
    crowded = {goal: moves for goal, moves in goals.items() if len(moves) > CROWD}
    said = []
    for goal, moves in crowded.items():
        names = ", ".join(format_path(move.source) for move in moves[:CROWD])
        where = f"`{format_path(goal)}`" if goal else "the top level"
        said.append(f"{len(moves)} keys moved to {where}: {names} and {len(moves) - CROWD} more")
    rest = [one for one in effects if not (isinstance(one, Moved) and one.target[:-1] in crowded)]
    return said, rest


def _said(effect: Effect) -> str:
    if isinstance(effect, Moved):
        return f"`{format_path(effect.source)}` moved to `{format_path(effect.target)}`"
    name = f"`{format_path(effect.path)}`"
    if isinstance(effect, Written):
        if effect.kept is not None:
            return f"{name} came back from the stash"
        said = show(effect.value)
        return f"{name} pinned: {said}" if effect.pinned else f"{name} added: {said}"
    if isinstance(effect, Dropped):
        return f"{name} went into the stash" if effect.stash else f"{name} dropped"
    if equal(effect.old, effect.new):
        return f"{name} noted in the stash"
    return f"{name}: {show(effect.old)} became {show(effect.new)}"
