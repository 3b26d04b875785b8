"""The tensors of a family's versions as data: names, symbolic shapes, what they tell.

    Component("encoder", (Variant({"encoder.weight": ("hidden", "in")}),))

A name is literal but for `{dimension}` segments, which stand for 0, 1, 2 ... below that
dimension: `blocks.{layers}.norm.weight`. A shape holds numbers and names of dimensions.
`cfgmig.schema.solving` reads a file's tensors against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from types import MappingProxyType
from typing import Any, NamedTuple

Fact = str | int | bool
Size = int | str
Shape = tuple[Size, ...]
Shapes = Mapping[str, tuple[int, ...]]
"""Tensors of a file: name -> shape, in elements."""

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Variant(NamedTuple):
    """One way in which a component's tensors look.

    Args:
        tensors: name -> shape.
        facts: what its presence tells, by the name of a setting: `{"bias": False}`.
        says: the same as a sentence, for people.
        versions: the versions that could write it; empty for all of the layout.
    """

    tensors: Mapping[str, Shape]
    facts: Mapping[str, Fact] = NOTHING
    says: str = ""
    versions: tuple[str, ...] = ()


class Component(NamedTuple):
    """A named group of tensors, of which a file has one variant.

    Args:
        name: what counts and messages call it.
        variants: the ways it may look, the likelier first.
        absent: what it tells when it is not there; None when it has to be.
    """

    name: str
    variants: tuple[Variant, ...]
    absent: Variant | None = None


class Trace(NamedTuple):
    """Keys beside the tensors that only some versions wrote.

    Args:
        keys: all of them are there, at the top or in `metrics`.
        versions: the versions that wrote them.
    """

    keys: tuple[str, ...]
    versions: tuple[str, ...]


class Layout(NamedTuple):
    """The tensors of one or several versions.

    Args:
        name: short and stable.
        versions: names of versions that wrote such files, oldest first.
        components: what the file consists of.
        summary: what it is, in one sentence.
        not_told: settings, as config paths, that no tensor shows.
        traces: what else in a file tells its version.
        family: filled in when it is loaded.
    """

    name: str
    versions: tuple[str, ...]
    components: tuple[Component, ...]
    summary: str = ""
    not_told: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
    family: str = ""


class Expectation(NamedTuple):
    """The tensors that a config asks for.

    Args:
        layout: name of the layout that the config builds.
        facts: its settings, as far as they choose variants.
        dimensions: its sizes.
        needs: components that have to come from the checkpoint; others start afresh.
        path: the config path that names the checkpoint.
        file: what stands there.
    """

    layout: str
    facts: Mapping[str, Fact]
    dimensions: Mapping[str, int]
    needs: tuple[str, ...]
    path: str
    file: str | None = None


class Judgement(NamedTuple):
    """How good a checkpoint is by what it holds; a higher rank is better, 0 is unknown."""

    rank: float
    reason: str


class Net(NamedTuple):
    """A model for a probe: what it is, and its tensors on demand.

    Attributes:
        layout: name of the layout.
        facts: its settings as far as the tensors show them.
        dimensions: its sizes.
        read: a tensor's name in the model's state dict -> a numpy array.
        config: the config inside the file, as data of its version; empty without one.
    """

    layout: str
    facts: Mapping[str, Fact]
    dimensions: Mapping[str, int]
    read: Callable[[str], Any]
    config: Mapping[str, Any] = NOTHING


class Reading(NamedTuple):
    """One thing that two models compute, beside each other; None where one cannot.

    Attributes:
        what: what was computed, with its unit.
        before: the number of the model before.
        after: the number of the model afterwards.
        deviation: the largest deviation of one from the other, over all that was computed.
    """

    what: str
    before: float | None = None
    after: float | None = None
    deviation: float | None = None


class Layouts(NamedTuple):
    """Everything that a family declares about its weights.

    Args:
        layouts: the shapes its files have had.
        expect: data of a config of the head version -> the tensors it asks for, or None.
        judge: name of a layout, metadata of a file -> how good it is.
        advise: what was expected, name and facts of what is there -> the way from one to
            the other in one sentence, or None when there is none.
        configs: the keys under which files of the family keep their config.
        probe: `.module:function` relative to the family's package, which computes what a model
            computes before and after its weights were rewritten: (Net, Net) -> readings.
    """

    layouts: tuple[Layout, ...]
    expect: Callable[[Mapping[str, Any]], Expectation | None] | None = None
    judge: Callable[[str, Mapping[str, Any]], Judgement] | None = None
    advise: Callable[[Expectation, str, Mapping[str, Fact]], str | None] | None = None
    configs: tuple[str, ...] = ("config",)
    probe: str | None = None

    def layout(self, name: str) -> Layout:
        """The layout of that name.

        Raises:
            KeyError: there is none.
        """
        for layout in self.layouts:
            if layout.name == name:
                return layout
        raise KeyError(name)


def placeholders(pattern: str) -> tuple[str, ...]:
    """The dimensions that number the segments of a name."""
    return tuple(part[1:-1] for part in pattern.split(".") if part[:1] == "{")


def expand(pattern: str, dimensions: Mapping[str, int]) -> Iterator[str]:
    """Every name that a pattern stands for.

    Raises:
        KeyError: a dimension is not given.
    """
    names = placeholders(pattern)
    if not names:
        yield pattern
        return
    for numbers in product(*(range(dimensions[name]) for name in names)):
        numbered = iter(numbers)
        yield ".".join(
            str(next(numbered)) if part[:1] == "{" else part for part in pattern.split(".")
        )


def concrete(shape: Shape, dimensions: Mapping[str, int]) -> tuple[int, ...]:
    """A shape in numbers.

    Raises:
        KeyError: a dimension is not given.
    """
    return tuple(size if isinstance(size, int) else dimensions[size] for size in shape)


def expected(variant: Variant, dimensions: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """The tensors of a variant at given dimensions: name -> shape.

    Raises:
        KeyError: a dimension is not given.
    """
    return {
        name: concrete(shape, dimensions)
        for pattern, shape in variant.tensors.items()
        for name in expand(pattern, dimensions)
    }


def choose(component: Component, facts: Mapping[str, Fact]) -> Variant:
    """The variant that agrees with the most facts and contradicts none.

    Raises:
        KeyError: every variant contradicts a fact.
    """
    ways = [*component.variants, *([component.absent] if component.absent else [])]
    fitting = [
        way for way in ways if all(facts.get(key, said) == said for key, said in way.facts.items())
    ]
    if not fitting:
        raise KeyError(component.name)
    return max(fitting, key=lambda way: len(way.facts.keys() & facts.keys()))


def linear(name: str, out: Size, into: Size) -> dict[str, Shape]:
    """Weight `[out, into]` and bias `[out]` of a dense layer."""
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}


def norm(name: str, width: Size) -> dict[str, Shape]:
    """Weight and bias, `[width]` each, of a normalisation."""
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
