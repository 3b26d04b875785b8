"""Versions and the revisions between them: which steps lead from one to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Literal

from cfgmig.errors import UsageError
from cfgmig.migration.revision import Revision

Hop = tuple[Revision, bool]


class RevisionGraph:
    """A family's revisions; nodes are version names, edges are revision files.

    Args:
        family: its name, for messages.
        revisions: in the order of their numbers.

    Raises:
        UsageError: two revisions say the same step, or the steps go in a circle.
    """

    def __init__(self, family: str, revisions: Sequence[Revision]) -> None:
        self.family = family
        self.revisions = tuple(revisions)
        self._above: dict[str, list[Revision]] = {}
        self._below: dict[str, list[Revision]] = {}
        for revision in self.revisions:
            self._above.setdefault(revision.revision, [])
            self._below.setdefault(revision.revision, [])
            if revision.revises is None:
                continue
            for other in self._above.get(revision.revises, ()):
                if other.revision == revision.revision:
                    raise UsageError(
                        f"{revision.path.name} and {other.path.name} both lead from "
                        f"{revision.revises} to {revision.revision}",
                        file=str(revision.path),
                        help="put the operations of one into the other",
                    )
            self._above.setdefault(revision.revises, []).append(revision)
            self._below.setdefault(revision.revises, [])
            self._below[revision.revision].append(revision)
        self._refuse_circles()

    @property
    def versions(self) -> tuple[str, ...]:
        """Every version that a revision names, each after those that it comes from."""
        return tuple(self._sorted)

    @property
    def heads(self) -> tuple[str, ...]:
        """The versions that no revision starts from: more than one after a branch."""
        return tuple(name for name in self._sorted if not self._above[name])

    @property
    def roots(self) -> tuple[str, ...]:
        """The versions that no revision leads to: the first one, and dialects."""
        return tuple(name for name in self._sorted if not self._below[name])

    @property
    def branches(self) -> tuple[str, ...]:
        """The versions that several revisions start from."""
        return tuple(name for name in self._sorted if len(self._above[name]) > 1)

    def ancestors(self, version: str) -> frozenset[str]:
        """Every version that `version` can have come from, itself included."""
        return self._reach(self._known(version), self._below, up=False)

    def descendants(self, version: str) -> frozenset[str]:
        """Every version that `version` can be upgraded to, itself included."""
        return self._reach(self._known(version), self._above, up=True)

    def path(self, origin: str, goal: str) -> tuple[Hop, ...]:
        """The steps from one version to another, each with whether it goes up.

        Up where `goal` comes after `origin`, down where it comes before; else down to
        the version that both come from, or up to the one that both lead to.

        Raises:
            UsageError: there is no way, or more than one.
        """
        self._known(origin)
        self._known(goal)
        if origin == goal:
            return ()
        if goal in self.descendants(origin):
            return self._climb(origin, goal)
        if origin in self.descendants(goal):
            return _turned(self._climb(goal, origin))
        fork = self._turning_point(origin, goal, "common")
        if fork is not None:
            return _turned(self._climb(fork, origin)) + self._climb(fork, goal)
        merge = self._turning_point(origin, goal, "merged")
        if merge is not None:
            return self._climb(origin, merge) + _turned(self._climb(goal, merge))
        raise UsageError(
            f"no revision leads from {self.family}/{origin} to {self.family}/{goal}",
            help=f"`cfgmig history --family {self.family}` shows the steps that there are",
        )

    def _turning_point(
        self, origin: str, goal: str, kind: Literal["common", "merged"]
    ) -> str | None:
        """The nearest version below both, or above both."""
        near = self.ancestors if kind == "common" else self.descendants
        shared = near(origin) & near(goal)
        nearest = [one for one in shared if not any(one in near(o) - {o} for o in shared)]
        if len(nearest) > 1:
            raise self._ambiguous(origin, goal, sorted(nearest))
        return nearest[0] if nearest else None

    def _climb(self, origin: str, goal: str) -> tuple[Hop, ...]:
        ways = list(islice(self._ways(origin, goal), 2))
        if len(ways) > 1:
            differing = [way[0].revision for way in ways]
            if differing[0] == differing[1]:
                differing = [_first_apart(ways[0], ways[1]), _first_apart(ways[1], ways[0])]
            raise self._ambiguous(origin, goal, differing)
        return tuple((revision, True) for revision in ways[0])

    def _ways(self, origin: str, goal: str) -> Iterator[tuple[Revision, ...]]:
        useful = self.ancestors(goal)
        stack: list[tuple[str, tuple[Revision, ...]]] = [(origin, ())]
        while stack:
            here, way = stack.pop()
            if here == goal:
                yield way
                continue
            for revision in self._above[here]:
                if revision.revision in useful:
                    stack.append((revision.revision, (*way, revision)))

    def _ambiguous(self, origin: str, goal: str, via: Sequence[str]) -> UsageError:
        return UsageError(
            f"two ways lead from {self.family}/{origin} to {self.family}/{goal}: "
            f"by {via[0]} or by {via[1]}",
            help=f"go there in two steps: first `--to {via[0]}` or `--to {via[1]}`",
        )

    def _known(self, version: str) -> str:
        if version not in self._above:
            known = ", ".join(self._sorted) or "none"
            raise UsageError(
                f"no revision of family {self.family} leads to or from {version!r}",
                help=f"versions with revisions: {known}",
            )
        return version

    def _reach(
        self, start: str, edges: Mapping[str, Sequence[Revision]], *, up: bool
    ) -> frozenset[str]:
        seen = {start}
        todo = [start]
        while todo:
            for revision in edges[todo.pop()]:
                name = revision.revision if up else revision.revises
                if name is not None and name not in seen:
                    seen.add(name)
                    todo.append(name)
        return frozenset(seen)

    @cached_property
    def _sorted(self) -> list[str]:
        """Versions in topological order, ties in the order of the files."""
        waiting = {name: len(edges) for name, edges in self._below.items()}
        found: list[str] = []
        while True:
            ready = [name for name, count in waiting.items() if not count]
            if not ready:
                return found
            name = ready[0]
            del waiting[name]
            found.append(name)
            for revision in self._above[name]:
                waiting[revision.revision] -= 1

    def _refuse_circles(self) -> None:
        circular = set(self._above) - set(self._sorted)
        for revision in self.revisions:
            if revision.revises in circular and revision.revision in circular:
                raise UsageError(
                    f"{revision.revises} and {revision.revision} come from one another",
                    file=str(revision.path),
                    help="correct `revises` in one of the revisions between them",
                )


def _turned(hops: tuple[Hop, ...]) -> tuple[Hop, ...]:
    return tuple((revision, not up) for revision, up in reversed(hops))


def _first_apart(way: Sequence[Revision], other: Sequence[Revision]) -> str:
    for mine, yours in zip(way, other, strict=False):
        if mine is not yours:
            return mine.revision
    return way[-1].revision
