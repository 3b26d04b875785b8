"""Solves a layout's dimensions from a file's tensors, and ranks layouts by how well they fit."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from cfgmig.schema.layout import (
    Component,
    Fact,
    Layout,
    Shape,
    Shapes,
    Variant,
    expand,
    placeholders,
)
from cfgmig.schema.wrappers import unwrapped

ENOUGH = 0.5
"""A layout of which less fits has nothing to do with the file."""
TIE = 1e-6
_NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")

Verdict = Literal["certain", "likely", "tie", "unknown"]


class Clash(NamedTuple):
    """A tensor that is there in another shape than its place asks for."""

    name: str
    found: tuple[int, ...]
    wanted: tuple[int | str, ...]

    def __str__(self) -> str:
        found, wanted = (", ".join(map(str, shape)) for shape in (self.found, self.wanted))
        return f"{self.name} is [{found}], not [{wanted}]"


class Part(NamedTuple):
    """What a file has of one component; `variant` is None when it has none of it."""

    component: Component
    variant: Variant | None
    matched: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    clashes: tuple[Clash, ...] = ()

    @property
    def said(self) -> Variant | None:
        """The variant that speaks: the one that is there, or the one for its absence."""
        return self.component.absent if self.variant is None else self.variant


class Match(NamedTuple):
    """How a file's tensors fit a layout.

    Attributes:
        score: tensors that fit, as a share of all that are there or should be; 0 to 1.
        dimensions: solved from the shapes.
        facts: settings that the tensors show.
        versions: versions of the layout that write such tensors.
        unexpected: tensors the layout does not know.
        doubts: where the tensors contradict one another.
        stripped: wrappers taken off the names, outermost first.
    """

    layout: Layout
    score: float
    dimensions: Mapping[str, int]
    facts: Mapping[str, Fact]
    versions: tuple[str, ...]
    parts: tuple[Part, ...]
    unexpected: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    stripped: tuple[str, ...] = ()

    @property
    def matched(self) -> int:
        """How many tensors fit by name and shape."""
        return sum(len(part.matched) for part in self.parts)

    @property
    def missing(self) -> tuple[str, ...]:
        """Tensors that should be there."""
        return tuple(name for part in self.parts for name in part.missing)

    @property
    def mismatched(self) -> tuple[Clash, ...]:
        """Tensors of another shape."""
        return tuple(clash for part in self.parts for clash in part.clashes)

    @property
    def exact(self) -> bool:
        """Whether every tensor fits, none lacks, and nothing contradicts it."""
        return self.score == 1.0 and not self.doubts

    @property
    def evidence(self) -> tuple[str, ...]:
        """Why, in sentences."""
        wrong = {
            "missing": len(self.missing),
            "of another shape": len(self.mismatched),
            "unknown to it": len(self.unexpected),
        }
        total = self.matched + wrong["of another shape"] + wrong["unknown to it"]
        said = [f"{self.matched} of {total} tensors fit its names and shapes"]
        said += [f"{count} {what}" for what, count in wrong.items() if count]
        first = f"{said[0]}: {', '.join(said[1:])}" if said[1:] else said[0]
        sentences = [part.said.says for part in self.parts if part.said and part.said.says]
        return (first, *dict.fromkeys(sentences))


class Identified(NamedTuple):
    """The layouts by how well they fit, best first; `ties` cannot be told apart."""

    verdict: Verdict
    ranked: tuple[Match, ...] = ()
    ties: tuple[Match, ...] = ()

    @property
    def best(self) -> Match | None:
        """The best match that is one at all."""
        return None if self.verdict == "unknown" else self.ranked[0]


def identify(layouts: Sequence[Layout], tensors: Shapes) -> Identified:
    """Which layout a file's tensors are of; names are tried with and without wrappers."""
    ways = list(unwrapped(tensors))
    best: list[Match] = []
    for layout in layouts:
        matches = [solve(layout, names)._replace(stripped=stripped) for stripped, names in ways]
        best.append(max(matches, key=lambda match: match.score))
    ranked = tuple(sorted(best, key=lambda match: -match.score))
    if not ranked or ranked[0].score < ENOUGH:
        return Identified("unknown", ranked)
    ties = tuple(match for match in ranked if ranked[0].score - match.score < TIE)
    if len(ties) > 1:
        return Identified("tie", ranked, ties)
    return Identified("certain" if ranked[0].exact else "likely", ranked)


def solve(layout: Layout, tensors: Shapes) -> Match:
    """Read a file's tensors against one layout."""
    index = _Index(tensors)
    fits = [(component, _best(component, index)) for component in layout.components]
    dimensions = _vote(fit for _, fit in fits if fit is not None)
    parts = tuple(_part(component, fit, dimensions, tensors) for component, fit in fits)
    matched = sum(len(part.matched) for part in parts)
    if not matched:
        return Match(layout, 0.0, {}, {}, layout.versions, parts, ())
    used = {name for part in parts for name in part.matched}
    used |= {clash.name for part in parts for clash in part.clashes}
    unexpected = tuple(name for name in tensors if name not in used)
    missing = sum(len(part.missing) for part in parts)
    facts, doubts = _facts(parts)
    doubts += [
        f"{component.name} has {count} {name}, others {dimensions[name]}"
        for component, fit in fits
        for name, count in (fit.counts.items() if fit is not None else ())
        if count != dimensions[name]
    ]
    versions = _versions(layout, parts)
    if not versions:
        doubts.append("no one version writes all of these components")
    return Match(
        layout,
        matched / (len(used) + len(unexpected) + missing),
        dimensions,
        facts,
        versions or layout.versions,
        parts,
        unexpected,
        tuple(doubts),
    )


class _Index:
    """Names of a file, also by what they are with their numbers taken out."""

    def __init__(self, tensors: Shapes) -> None:
        self.tensors = tensors
        self._numbered: dict[str, list[tuple[int, ...]]] | None = None

    def captures(self, pattern: str) -> list[tuple[int, ...]]:
        """The numbers at the placeholders of every name that fits the pattern."""
        if self._numbered is None:
            self._numbered = {}
            for name in self.tensors:
                numbers = tuple(int(n[:9]) for n in _NUMBER.findall(name))
                self._numbered.setdefault(_NUMBER.sub("#", name), []).append(numbers)
        parts = pattern.split(".")
        fixed = [int(part) if part.isdigit() else None for part in parts]
        slots = [n for n, p in zip(fixed, parts, strict=True) if n is not None or p[:1] == "{"]
        shape = ".".join(
            "#" if n is not None or p[:1] == "{" else p for n, p in zip(fixed, parts, strict=True)
        )
        found = self._numbered.get(shape, [])
        return [
            tuple(n for n, slot in zip(numbers, slots, strict=True) if slot is None)
            for numbers in found
            if all(slot in (None, n) for n, slot in zip(numbers, slots, strict=True))
        ]


class _Fit(NamedTuple):
    """A variant laid over a file: names it asks for, with their symbolic shapes."""

    variant: Variant
    wanted: dict[str, Shape]
    counts: dict[str, int]
    votes: Counter[tuple[str, int]]
    merit: int


def _best(component: Component, index: _Index) -> _Fit | None:
    """The variant that fits best, the earlier one of equals; None when it is not there."""
    # Most variants of a component share few names with the file: those need no closer look.
    hopes = [(_hope(variant, index), at) for at, variant in enumerate(component.variants)]
    best: tuple[int, int] | None = None
    found: _Fit | None = None
    for hope, at in sorted(hopes, key=lambda one: (-one[0], one[1])):
        if best is not None and hope < best[0]:
            break
        fit = _lay(component.variants[at], index)
        if fit is not None and (best is None or (fit.merit, -at) > best):
            best, found = (fit.merit, -at), fit
    if found is None or (component.absent is not None and found.merit <= 0):
        return None
    return found


def _hope(variant: Variant, index: _Index) -> int:
    """The merit that a variant has if every tensor of a known name fits."""
    if any("{" in pattern for pattern in variant.tensors):
        return 2 * len(index.tensors)
    shared = sum(pattern in index.tensors for pattern in variant.tensors)
    return 2 * shared - len(variant.tensors)


def _lay(variant: Variant, index: _Index) -> _Fit | None:
    counts = _counts(variant, index)
    if counts is None:
        return None
    wanted = {
        name: shape
        for pattern, shape in variant.tensors.items()
        for name in expand(pattern, counts)
    }
    votes: Counter[tuple[str, int]] = Counter()
    for name, shape in wanted.items():
        found = index.tensors.get(name)
        if found is not None and len(found) == len(shape):
            votes.update(
                (size, number)
                for size, number in zip(shape, found, strict=True)
                if isinstance(size, str)
            )
    dimensions = {**_elect(votes), **counts}
    good = sum(
        _fits(shape, index.tensors[name], dimensions)
        for name, shape in wanted.items()
        if name in index.tensors
    )
    return _Fit(variant, wanted, counts, votes, 2 * good - len(wanted))


def _counts(variant: Variant, index: _Index) -> dict[str, int] | None:
    """The dimensions that number names; None when they cannot be meant."""
    seen: dict[str, set[int]] = {}
    for pattern in variant.tensors:
        names = placeholders(pattern)
        if names:
            for numbers in index.captures(pattern):
                for name, number in zip(names, numbers, strict=True):
                    seen.setdefault(name, set()).add(number)
            if any(name not in seen for name in names):
                return None
    # A single far number, as a hostile file has it, must not ask for a million names.
    counts = {
        name: max(numbers) + 1 if max(numbers) <= 2 * len(numbers) + 8 else len(numbers)
        for name, numbers in seen.items()
    }
    total = sum(
        math.prod(counts[name] for name in placeholders(pattern)) for pattern in variant.tensors
    )
    return counts if total <= 4 * len(index.tensors) + 1000 else None


def _fits(shape: Shape, found: tuple[int, ...], dimensions: Mapping[str, int]) -> bool:
    return len(shape) == len(found) and all(
        (dimensions.get(size) if isinstance(size, str) else size) == number
        for size, number in zip(shape, found, strict=True)
    )


def _elect(votes: Counter[tuple[str, int]]) -> dict[str, int]:
    """For each dimension the number that most tensors give it; the first seen on a tie."""
    elected: dict[str, int] = {}
    for (name, number), _ in votes.most_common():
        elected.setdefault(name, number)
    return elected


def _vote(fits: Iterable[_Fit]) -> dict[str, int]:
    votes: Counter[tuple[str, int]] = Counter()
    counts: dict[str, int] = {}
    for fit in fits:
        votes.update(fit.votes)
        for name, count in fit.counts.items():
            counts[name] = max(count, counts.get(name, 0))
    return {**_elect(votes), **counts}


def _part(
    component: Component, fit: _Fit | None, dimensions: Mapping[str, int], tensors: Shapes
) -> Part:
    if fit is None:
        return Part(component, None)
    matched: list[str] = []
    missing: list[str] = []
    clashes: list[Clash] = []
    for name, shape in fit.wanted.items():
        found = tensors.get(name)
        if found is None:
            missing.append(name)
        elif _fits(shape, found, dimensions):
            matched.append(name)
        else:
            wanted = tuple(dimensions.get(s, s) if isinstance(s, str) else s for s in shape)
            clashes.append(Clash(name, tuple(found), wanted))
    return Part(component, fit.variant, tuple(matched), tuple(missing), tuple(clashes))


def _facts(parts: Sequence[Part]) -> tuple[dict[str, Fact], list[str]]:
    facts: dict[str, Fact] = {}
    doubts: list[str] = []
    for part in parts:
        for key, value in part.said.facts.items() if part.said else ():
            if facts.setdefault(key, value) != value:
                doubts.append(f"{part.component.name} shows {key} {value}, others {facts[key]}")
    return facts, doubts


def _versions(layout: Layout, parts: Sequence[Part]) -> tuple[str, ...]:
    limits = [part.said.versions for part in parts if part.said and part.said.versions]
    return tuple(v for v in layout.versions if all(v in limit for limit in limits))
