"""Where a path went, and where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cfgmig.migration.effect import Dropped, Effect, Moved, Written
from cfgmig.migration.operations import Move, Operation, Remove
from cfgmig.migration.plan import Plan
from cfgmig.migration.regroup import Regroup
from cfgmig.migration.unite import Unite
from cfgmig.paths import Path, fill, match, parse_path


@dataclass(frozen=True)
class Fate:
    """What a plan does to a path.

    Attributes:
        path: where it stands in the end; None when it left the schema.
        version: the version of the last change.
    """

    path: Path | None
    version: str


def fate(plan: Plan, path: Path) -> Fate | None:
    """What the plan does to `path`, or None when it leaves it where it is.

    The path may be one of any version on the way.
    """
    found: Fate | None = None
    for step in plan.steps:
        for operation in step.operations:
            if isinstance(operation, Move | Unite | Regroup):
                goal = _follow(operation, path)
                if goal is not None:
                    path, found = goal, Fate(goal, step.goal)
            elif isinstance(operation, Remove):
                pattern = parse_path(operation.path)
                if match(pattern, path[: len(pattern)]) is not None:
                    return Fate(None, step.goal)
    return found


def destination(plan: Plan, path: Path) -> tuple[Path, str] | None:
    """Where the plan moves `path`, and the version that did; None when it does not."""
    found = fate(plan, path)
    return None if found is None or found.path is None else (found.path, found.version)


def _follow(operation: Operation, path: Path) -> Path | None:
    if isinstance(operation, Regroup):
        place = operation.place(str(path[0])) if path else None
        return None if place is None else place + path[1:]
    source, target = operation.paths
    captures = match(source, path[: len(source)])
    return None if captures is None else fill(target, captures) + path[len(source) :]


def origin(effects: Sequence[Effect], path: Path) -> Path | None:
    """Where `path` stood before `effects`; None for what they wrote."""
    found = _source(effects, path)
    return None if isinstance(found, Written) else found


def came_back(effects: Sequence[Effect], path: Path) -> bool:
    """Whether `path`, or a section around it, was put back from the file's stash."""
    found = _source(effects, path)
    return isinstance(found, Written) and found.kept is not None


def _source(effects: Sequence[Effect], path: Path) -> Path | Written:
    """Where `path` stood before `effects`, or the one of them that wrote it."""
    for effect in reversed(effects):
        if isinstance(effect, Moved):
            if _below(path, effect.target):
                path = effect.source + path[len(effect.target) :]
        elif isinstance(effect, Written):
            if _below(path, effect.path):
                return effect
            path = _shifted(path, effect.path, -1)
        elif isinstance(effect, Dropped):
            path = _shifted(path, effect.path, +1)
    return path


def current(effects: Iterable[Effect], path: Path) -> Path | None:
    """Where `path` stands after `effects`; None for what they dropped."""
    for effect in effects:
        if isinstance(effect, Moved):
            if _below(path, effect.source):
                path = effect.target + path[len(effect.source) :]
        elif isinstance(effect, Dropped):
            if _below(path, effect.path):
                return None
            path = _shifted(path, effect.path, -1)
        elif isinstance(effect, Written):
            path = _shifted(path, effect.path, +1)
    return path


def _below(path: Path, top: Path) -> bool:
    return path[: len(top)] == top


def _shifted(path: Path, item: Path, by: int) -> Path:
    """`path` after an item of a list before it came (+1) or went (-1)."""
    depth = len(item) - 1
    index = item[-1]
    if not isinstance(index, int) or len(path) <= depth or path[:depth] != item[:-1]:
        return path
    mine = path[depth]
    if not isinstance(mine, int) or mine < index or (mine == index and by < 0):
        return path
    return (*path[:depth], mine + by, *path[depth + 1 :])
