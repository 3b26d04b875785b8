"""Brings a model's weights from the settings that they are of to those that are wanted.

A setting is a fact or a size that a layout tells from tensors. Adaptations change them, one after
the other; what the tensors are is solved anew after each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cfgmig.errors import Refused, UsageError
from cfgmig.migration.weights import Beside

if TYPE_CHECKING:
    from cfgmig.migration.guarantee import Guarantee
    from cfgmig.migration.on_weights import StateDict
    from cfgmig.migration.operations import Operation
    from cfgmig.migration.revision import Adaptation
    from cfgmig.project import Source
    from cfgmig.schema.layout import Expectation, Layouts, Variant
    from cfgmig.schema.solving import Match


class Stage(NamedTuple):
    """One revision or one adaptation of a route.

    Attributes:
        kind: which of the two.
        name: `5.10.1 -> 5.11.0`, or the adaptation's name.
        summary: its sentence for users.
        grade: what the way back restores.
        guarantee: what it promises.
        lines: one sentence per operation that changed something.
        words: the operations.
        key: under which tensors that it takes out are kept.
        beside: operations on what lies beside the tensors.
    """

    kind: Literal["revision", "adaptation"]
    name: str
    summary: str
    grade: str
    guarantee: Guarantee
    lines: tuple[str, ...]
    words: tuple[Operation, ...] = ()
    key: str = ""
    beside: tuple[Operation, ...] = ()


def solved(source: Source, state: StateDict) -> Match | None:
    """What the tensors are at this point of the way; None where no layout fits."""
    from cfgmig.schema.solving import identify

    layouts = source.family.load_layouts()
    return identify(layouts.layouts, state.shapes).best if layouts is not None else None


def facts_of(match: Match | None) -> dict[str, Any]:
    """Settings as the tensors show them, the layout's name among them."""
    return {} if match is None else {**match.facts, "layout": match.layout.name}


class Adapting:
    """Brings tensors from the settings they are of to those that are wanted."""

    MOST = 64

    def __init__(
        self,
        source: Source,
        layouts: Layouts,
        state: StateDict,
        before: Match,
        to: str,
        wanted: Expectation | None,
        config: Mapping[str, Any],
        prefer: tuple[str, ...] = (),
    ) -> None:
        self.source = source
        self.layouts = layouts
        self.state = state
        self.before = before
        self.to = to
        self.wanted = wanted
        self.config = config
        self.preferred = _preferred(source, prefer)
        self.match: Match | None = None
        self.stages: list[Stage] = []
        self.notes: list[str] = []

    def run(self) -> None:
        """Apply adaptations until nothing differs from what is wanted.

        Raises:
            Refused: a setting differs, and no adaptation changes it.
        """
        for _ in range(self.MOST):
            self.match = solved(self.source, self.state)
            wrong = self._differing()
            if not wrong:
                return self._check()
            rest = (one for one in self.source.adaptations if one not in self.preferred)
            if not any(self._try(one, wrong) for one in (*self.preferred, *rest)):
                self._give_up(wrong)
        raise Refused(
            f"after {self.MOST} adaptations it is still not what is wanted", kind="migration"
        )

    def _differing(self) -> dict[str, tuple[Any, Any]]:
        """Settings and sizes that are not as they shall be: name -> (is, shall be)."""
        if self.match is None:
            return {}
        facts, wanted = facts_of(self.match), self._wanted_facts()
        for part in self.match.parts:
            if part.variant is None and part.said is not None:
                # What is not there starts afresh, in whatever way is wanted.
                for key in part.said.facts:
                    facts.pop(key, None)
        sizes = self.wanted.dimensions if self.wanted is not None else {}
        both = [(key, facts.get(key), value) for key, value in wanted.items()]
        both += [(key, self.match.dimensions.get(key), size) for key, size in sizes.items()]
        return {k: (is_, shall) for k, is_, shall in both if is_ is not None and is_ != shall}

    def _wanted_facts(self) -> dict[str, Any]:
        """What the config asks for; without one, only a layout that the version has."""
        if self.wanted is not None:
            return {**self.wanted.facts, "layout": self.wanted.layout}
        fitting = sorted({one.name for one in self.layouts.layouts if self.to in one.versions})
        current = self.match.layout.name if self.match is not None else ""
        return {"layout": fitting[0]} if len(fitting) == 1 and current not in fitting else {}

    def _try(self, adaptation: Adaptation, wrong: Mapping[str, Any]) -> bool:
        from cfgmig.migration.on_weights import apply
        from cfgmig.migration.weights import Weights

        if not wrong.keys() & set(adaptation.settings) or self.match is None:
            return False
        facts, sizes = facts_of(self.match), self.match.dimensions
        about = Weights(
            self.state.types,
            facts,
            sizes,
            {**facts, **self._wanted_facts()},
            {**sizes, **(self.wanted.dimensions if self.wanted is not None else {})},
            self.config,
            adaptation in self.preferred,
        )
        found = adaptation.weights(about) or ()
        beside = tuple(one.operation for one in found if isinstance(one, Beside))
        words = tuple(one for one in found if not isinstance(one, Beside))
        if not words:
            return False
        # One that is applied again, for a layer more, say, must not keep under the same names.
        times = sum(stage.name == adaptation.name for stage in self.stages)
        key = f"{adaptation.name}{f'.{times + 1}' * (times > 0)}"
        lines = apply(words, self.state, key=key, what=adaptation.name)
        grade = max(operation.grade for operation in words).words
        about_it = adaptation.summary, grade, adaptation.guarantee
        stage = Stage("adaptation", adaptation.name, *about_it, lines, words, key, beside)
        self.stages.append(stage)
        return True

    def _give_up(self, wrong: Mapping[str, tuple[Any, Any]]) -> None:
        """Leave out components that nobody needs from the file, else refuse."""
        assert self.match is not None
        needs = self.wanted.needs if self.wanted is not None else None
        spare = [
            part
            for part in self.match.parts
            if part.variant is not None
            and needs is not None
            and part.component.name not in needs
            and _speaks_of(part.variant, wrong)
        ]
        if not spare:
            said = ", ".join(f"{key}: {is_} -> {shall}" for key, (is_, shall) in wrong.items())
            advice = self.layouts.advise
            help = None
            if advice is not None and self.wanted is not None:
                help = advice(self.wanted, self.match.layout.name, self.match.facts)
            raise Refused(
                f"nothing is known that brings these weights from one setting to another: {said}",
                kind="migration",
                help=help or "choose settings that the checkpoint was trained with",
            )
        for part in spare:
            for name in (*part.matched, *(clash.name for clash in part.clashes)):
                self.state.take_out(name, f"left-out/{name}")
            self.notes.append(
                f"{part.component.name} is left out and starts afresh: nothing is known that "
                "brings it to the settings of the config"
            )

    def _check(self) -> None:
        """The result fits a layout of the version as well as the source fitted its own."""
        match = self.match
        if match is not None and self.to not in match.layout.versions:
            known = ", ".join(one.name for one in self.layouts.layouts if self.to in one.versions)
            raise Refused(
                f"the result has the layout {match.layout.name}, and {self.to} has "
                f"{known or 'none that is known'}",
                kind="verification-failed",
                help="this is an error in the family's migrations; nothing was written",
            )
        if match is None or (self.before.exact and not match.exact):
            wrong = match.evidence[0] if match is not None else "no layout fits the result"
            raise Refused(
                f"the result would not be what {self.to} has: {wrong}",
                kind="verification-failed",
                help="this is an error in the family's migrations; nothing was written",
            )

    def afresh(self) -> tuple[str, ...]:
        """Components that the config builds, or the layout has, and the tensors lack."""
        if self.match is None:
            return ()
        if self.wanted is not None:
            from cfgmig.states import State
            from cfgmig.weighing import weigh_state

            shapes = self.state.shapes
            weighed = weigh_state(self.layouts, self.wanted, State("", "model", shapes, {}))
            return tuple(count.component for count in weighed.counts if not count.full)
        return tuple(part.component.name for part in self.match.parts if part.variant is None)


def _preferred(source: Source, names: tuple[str, ...]) -> tuple[Adaptation, ...]:
    """The adaptations that a user named, with or without their numbers.

    Raises:
        UsageError: one is unknown.
    """
    found = []
    for name in names:
        called = [one for one in source.adaptations if name in _names(one)]
        if not called:
            known = ", ".join(one.name for one in source.adaptations) or "none"
            raise UsageError(
                f"family {source.name} has no adaptation {name!r}", help=f"known: {known}"
            )
        found += called
    return tuple(dict.fromkeys(found))


def _names(one: Adaptation) -> tuple[str, str]:
    return one.name, one.name.partition("_")[2]


def _speaks_of(variant: Variant, wrong: Mapping[str, Any]) -> bool:
    sizes = {size for shape in variant.tensors.values() for size in shape if isinstance(size, str)}
    return bool((variant.facts.keys() | sizes) & wrong.keys())
