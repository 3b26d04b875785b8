"""A config against a checkpoint's tensors, without torch: how much of it would load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cfgmig.errors import UsageError
from cfgmig.schema.layout import choose, expected
from cfgmig.schema.solving import Clash, identify
from cfgmig.schema.wrappers import unwrapped
from cfgmig.states import State, model_state

if TYPE_CHECKING:
    from cfgmig.schema.family import Family
    from cfgmig.schema.layout import Expectation, Layouts, Shapes
    from cfgmig.schema.solving import Identified, Match
    from checkpoint_tools import Checkpoint

Verdict = Literal["loads", "convert", "partly", "nothing"]


class Count(NamedTuple):
    """One component: how many of the tensors that the config builds are in the file.

    `needed` tells whether it has to come from the file; others start afresh if they must.
    """

    component: str
    expected: int
    loaded: int
    needed: bool
    missing: tuple[str, ...] = ()
    clashes: tuple[Clash, ...] = ()

    @property
    def full(self) -> bool:
        """Whether all of it would load."""
        return self.loaded == self.expected


class Weighed(NamedTuple):
    """What of a checkpoint would load for a config.

    Attributes:
        verdict: `loads`: all that is needed, as it stands. `convert`: not as it stands, but
            a way is known. `partly` and `nothing`: no way is known. Only `loads` is no error.
        counts: per component, in the order of the layout.
        sentence: the verdict for people.
        help: the way, where one is known.
        notes: where file and config are built differently, by the names of settings.
        advice: what that means and how the rest could be brought over, where all loads.
    """

    verdict: Verdict
    counts: tuple[Count, ...]
    sentence: str
    help: str | None = None
    notes: tuple[str, ...] = ()
    advice: str | None = None

    @property
    def fits(self) -> bool:
        """Whether all that is needed would load as it stands."""
        return self.verdict == "loads"

    @property
    def loaded(self) -> int:
        """Tensors that would load."""
        return sum(count.loaded for count in self.counts)

    @property
    def expected(self) -> int:
        """Tensors that the config builds."""
        return sum(count.expected for count in self.counts)


def expectation(data: Mapping[str, Any], family: Family) -> tuple[Layouts, Expectation] | None:
    """What a config of the family's head version asks of a checkpoint; None for nothing."""
    layouts = family.load_layouts()
    if layouts is None or layouts.expect is None:
        return None
    wanted = layouts.expect(data)
    return None if wanted is None else (layouts, wanted)


def weigh(data: Mapping[str, Any], family: Family, checkpoint: Checkpoint) -> Weighed | None:
    """Count what of an opened checkpoint would load for a config.

    Args:
        data: the config, as plain data of the family's head version.
        family: the family that it is of.
        checkpoint: only its headers are looked at.

    Returns:
        None when the family does not say what its configs build.
    """
    asked = expectation(data, family)
    if asked is None:
        return None
    return weigh_state(*asked, model_state(checkpoint))


def weigh_state(
    layouts: Layouts,
    wanted: Expectation,
    state: State | None,
    identified: Identified | None = None,
) -> Weighed:
    """The same, for the tensors of one state dict; `identified` saves a second look at them.

    Raises:
        UsageError: the config asks for components that no layout describes.
    """
    shapes: Shapes = state.shapes if state is not None else {}
    components, unknown = _build(layouts, wanted)
    counts = _count(components, wanted, shapes)
    needed = [count for count in counts if count.needed]
    if not needed:
        return Weighed("nothing", counts, "the config takes nothing from its checkpoint")
    if all(count.full for count in counts):
        return Weighed("loads", counts, _loads(counts), notes=unknown)
    found = identified or identify(layouts.layouts, shapes)
    notes = (*differences(wanted, found.best), *unknown)
    if all(count.full for count in needed):
        advice = _advice(layouts, wanted, found) if notes else None
        return Weighed("loads", counts, _loads(counts), notes=notes, advice=advice)
    verdict: Verdict = "partly" if any(count.loaded for count in needed) else "nothing"
    help = _after_stripping(components, wanted, shapes)
    if help is None:
        help = _advice(layouts, wanted, found)
    return Weighed(verdict if help is None else "convert", counts, _fails(counts), help, notes)


def _advice(layouts: Layouts, wanted: Expectation, found: Identified) -> str | None:
    """The family's word on how what is there becomes what is wanted."""
    if found.best is None or layouts.advise is None:
        return None
    return layouts.advise(wanted, found.best.layout.name, found.best.facts)


def differences(wanted: Expectation, match: Match | None) -> tuple[str, ...]:
    """Settings and sizes in which a config and a file of the same layout differ."""
    if match is None or match.layout.name != wanted.layout:
        return ()
    pairs = [(key, match.facts.get(key), value) for key, value in wanted.facts.items()]
    pairs += [(key, match.dimensions.get(key), value) for key, value in wanted.dimensions.items()]
    return tuple(
        f"{key}: {_word(there)} in the file, {_word(here)} in the config"
        for key, there, here in pairs
        if there is not None and there != here
    )


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _build(
    layouts: Layouts, wanted: Expectation
) -> tuple[dict[str, dict[str, tuple[int, ...]]], tuple[str, ...]]:
    """The tensors that the config builds, component -> name -> shape; and what is unknown."""
    built: dict[str, dict[str, tuple[int, ...]]] = {}
    unknown: list[str] = []
    for component in layouts.layout(wanted.layout).components:
        try:
            built[component.name] = expected(choose(component, wanted.facts), wanted.dimensions)
        except KeyError as error:
            if component.name in wanted.needs:
                raise UsageError(
                    f"no tensors of {component.name} are known for the settings of this config",
                    help="check the config first: `cfgmig check`",
                ) from error
            unknown.append(f"{component.name}: no tensors are known for these settings")
    return built, tuple(unknown)


def _count(
    components: Mapping[str, Mapping[str, tuple[int, ...]]], wanted: Expectation, shapes: Shapes
) -> tuple[Count, ...]:
    counts = []
    for name, tensors in components.items():
        missing = tuple(tensor for tensor in tensors if tensor not in shapes)
        clashes = tuple(
            Clash(tensor, tuple(shapes[tensor]), shape)
            for tensor, shape in tensors.items()
            if tensor in shapes and tuple(shapes[tensor]) != shape
        )
        loaded = len(tensors) - len(missing) - len(clashes)
        if tensors:
            needed = name in wanted.needs
            counts.append(Count(name, len(tensors), loaded, needed, missing, clashes))
    return tuple(counts)


def _after_stripping(
    components: Mapping[str, Mapping[str, tuple[int, ...]]], wanted: Expectation, shapes: Shapes
) -> str | None:
    """Says which wrapper stands in the way, if that is all that does."""
    for stripped, names in unwrapped(shapes):
        counts = _count(components, wanted, names)
        if stripped and all(count.full for count in counts if count.needed):
            return f"strip {' and '.join(repr(one) for one in stripped)} from its names"
    return None


def _loads(counts: Sequence[Count]) -> str:
    total = sum(count.expected for count in counts if count.needed)
    afresh = [count.component for count in counts if not count.full]
    also = [count.component for count in counts if count.full and not count.needed]
    said = f"all {total} needed tensors load"
    if also:
        said += f", and {', '.join(also)} would fit"
    return f"{said}; {', '.join(afresh)} would start afresh" if afresh else said


def _fails(counts: Sequence[Count]) -> str:
    needed = [count for count in counts if count.needed]
    loaded = sum(count.loaded for count in needed)
    total = sum(count.expected for count in needed)
    parts = ", ".join(
        f"{count.component} {count.loaded} of {count.expected}"
        for count in needed
        if not count.full
    )
    clashes = [clash for count in needed for clash in count.clashes]
    said = f"{loaded or 'none'} of {total} needed tensors would load ({parts})"
    return f"{said}; {clashes[0]}" if clashes else said
