"""The order of a state dict's tensors, while some of them are replaced, added and renumbered.

Optimizers know a parameter by its place among the others, so the order is part of a model.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

Prefix = tuple[str, ...]


def is_number(segment: object) -> bool:
    """Whether a segment of a name counts something."""
    if not isinstance(segment, str):
        return False
    return len(segment) < 10 and segment.isascii() and segment.isdigit()


class Order:
    """Names in a row, into which further ones are put in time that does not grow with the row."""

    def __init__(self, names: Iterable[str]) -> None:
        row = [None, *names, None]
        self._after: dict[str | None, str | None] = dict(pairwise(row))
        self._before: dict[str | None, str | None] = dict(pairwise(reversed(row)))
        self._sections: _Sections | None = None

    def __iter__(self) -> Iterator[str]:
        name = self._after[None]
        while name is not None:
            yield name
            name = self._after[name]

    def add(self, name: str) -> None:
        """Put a new name behind its siblings; a numbered one behind the next lower number."""
        if self._sections is None:
            self._sections = _Sections(self)
        self._enter(name, self._sections.sibling(name, self._before))

    def instead(self, origin: str, names: Sequence[str], together: Relatives) -> None:
        """Put what `origin` becomes in its place, or behind its like.

        Its like is what became of a sibling of `origin` in the same way: the bias of a part
        belongs behind the weight of that part, not where the bias of the whole was.

        Args:
            origin: a name in the row, which keeps its place.
            names: new ones.
            together: what became of others, so far; these are added.
        """
        cursor = origin
        for name in names:
            like = together.like(name, origin)
            self._enter(name, like or cursor)
            if like is None:
                cursor = name
            together.add(name, origin)

    def _enter(self, name: str, behind: str | None) -> None:
        follower = self._after[behind]
        self._after[behind], self._after[name] = name, follower
        self._before[follower], self._before[name] = name, behind
        if self._sections is not None:
            self._sections.enter(name, behind, follower)


class _Sections:
    """Where the sections of a row of names begin and end; only who adds names needs to know."""

    def __init__(self, names: Iterable[str]) -> None:
        self._first: dict[Prefix, str] = {}
        self._last: dict[Prefix, str] = {}
        self._numbers: dict[Prefix, list[tuple[int, str]]] = {}
        behind: str | None = None
        for name in names:
            self.enter(name, behind, None)
            behind = name

    def sibling(self, name: str, before: Mapping[str | None, str | None]) -> str | None:
        """The name behind which a new one belongs."""
        parts = tuple(name.split("."))
        for length in range(len(parts) - 1, -1, -1):
            prefix = parts[:length]
            if prefix not in self._last:
                continue
            numbers = self._numbers.get(prefix)
            if not numbers or not is_number(parts[length]):
                return self._last[prefix]
            at = bisect_left(numbers, (int(parts[length]) + 1, ""))
            if at:
                return self._last[(*prefix, numbers[at - 1][1])]
            return before[self._first[(*prefix, numbers[0][1])]]
        return None

    def enter(self, name: str, behind: str | None, follower: str | None) -> None:
        """Take note of a name between two others."""
        parts = tuple(name.split("."))
        for length in range(len(parts) + 1):
            prefix = parts[:length]
            if self._first.get(prefix, follower) == follower:
                self._first[prefix] = name
            if self._last.get(prefix, behind) == behind:
                self._last[prefix] = name
            if length < len(parts) and is_number(parts[length]):
                self._count(prefix, parts[length])

    def _count(self, prefix: Prefix, segment: str) -> None:
        numbers = self._numbers.setdefault(prefix, [])
        if (*prefix, segment) not in self._last:
            insort(numbers, (int(segment), segment))


class Relatives:
    """What tensors became, by the sections that they came to."""

    def __init__(self, origins: Mapping[str, str]) -> None:
        self._last: dict[Prefix, tuple[str, str]] = {}
        for name, origin in origins.items():
            self.add(name, origin)

    def add(self, name: str, origin: str) -> None:
        """Remember what `origin` became."""
        parts = tuple(name.split("."))
        for length in range(1, len(parts)):
            self._last[parts[:length]] = name, origin

    def like(self, name: str, origin: str) -> str | None:
        """The last one that came from as close to `origin` to as close to `name`, and closer."""
        home, parts = origin.split("."), tuple(name.split("."))
        for length in range(len(parts) - 1, _common(home, parts), -1):
            last, came_from = self._last.get(parts[:length], ("", ""))
            if last and _common(home, came_from.split(".")) >= length:
                return last
        return None


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many segments two names share at the front."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length


def by_number(names: Sequence[str], groups: Iterable[Prefix]) -> list[str]:
    """The names, those that are numbered below one of `groups` in the order of their numbers.

    They share the places that they have.
    """
    wanted: dict[int, set[Prefix]] = {}
    for group in groups:
        wanted.setdefault(len(group), set()).add(group)
    made = list(names)
    for depth, some in sorted(wanted.items()):
        places: dict[Prefix, list[int]] = {}
        for at, name in enumerate(made):
            parts = tuple(name.split(".", depth + 1))
            if parts[:depth] in some and len(parts) > depth and is_number(parts[depth]):
                places.setdefault(parts[:depth], []).append(at)
        for slots in places.values():
            members = sorted((made[at] for at in slots), key=lambda one: _number(one, depth))
            for at, name in zip(slots, members, strict=True):
                made[at] = name
    return made


def _number(name: str, depth: int) -> int:
    return int(name.split(".", depth + 1)[depth])
