"""The way back of a conversion, streamed in memory: the proof that nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, NamedTuple

from cfgmig.errors import CfgmigError
from cfgmig.schema.wrappers import strip
from cfgmig.states import STASH, model_state

if TYPE_CHECKING:
    from cfgmig.converting import Route
    from cfgmig.migration.on_weights import StateDict
    from cfgmig.routing import Journey
    from checkpoint_tools import Checkpoint
    from checkpoint_tools.compare import Progress
    from checkpoint_tools.matching import Matched
    from checkpoint_tools.plan import Plan, Type


class Back(NamedTuple):
    """A round trip: what came back, or why there is no way back."""

    matched: Matched | None
    reason: str = ""

    @property
    def fine(self) -> bool:
        """Whether everything came back."""
        return self.matched is not None and self.matched.same


def there_and_back(source: Checkpoint, way: Route, progress: Progress | None = None) -> Back:
    """Stream along a route and back; nothing is written.

    The model's tensors of a migration come back by the reversed list of reversed steps, with
    what was kept beside the result. What is left out by name is not expected to return.
    """
    from checkpoint_tools.errors import CheckpointError
    from checkpoint_tools.matching import match

    try:
        whole, own = _by_steps(source, way.journey) if way.journey else _by_plan(source, way)
        return Back(match(source, whole, own, progress))
    except CfgmigError as error:
        return Back(None, error.message)
    except CheckpointError as error:
        return Back(None, error.reason)


def _by_steps(source: Checkpoint, journey: Journey) -> tuple[Plan, Checkpoint]:
    """The round trip of a migrated model, and what of the source has to come back."""
    from checkpoint_tools.plan import compose, plan_of, prepare, types_of
    from checkpoint_tools.plan.resolve import Type

    kept = {f"{STASH}{key}": expr for key, expr in journey.state.kept.items()}
    there = plan_of({**journey.state.tensors, **kept}.items(), source.tensors.keys())
    types = {n: Type(*one.type) for n, one in prepare(source, there).outputs.items()}
    model = model_state(source)
    assert model is not None  # it was routed
    names = {strip(name, journey.before.stripped): full for name, full in model.names.items()}
    back = _way_back(journey, types)
    pairs = [(names[name], expr) for name, expr in back.tensors.items() if name in names]
    whole = compose(there, plan_of(pairs, types))
    same = plan_of(whole.outputs.items(), types_of(source))
    return same, _with_only(source, set(names.values()))


def _with_only(source: Checkpoint, names: set[str]) -> Checkpoint:
    own = copy(source)
    own.tensors = {name: ref for name, ref in source.tensors.items() if name in names}
    return own


def _by_plan(source: Checkpoint, way: Route) -> tuple[Plan, Checkpoint]:
    """The round trip of a plan: the reverse is made from its expressions."""
    from checkpoint_tools.plan import compose, plan_of, reverse_plan, types_of
    from checkpoint_tools.plan.expressions import takes

    taken = {name for expr in way.plan.outputs.values() for name in takes(expr)}
    types = {name: type for name, type in types_of(source).items() if name in taken}
    whole = compose(way.plan, reverse_plan(way.plan, types))
    return plan_of(whole.outputs.items(), source.tensors.keys()), _with_only(source, taken)


def _way_back(journey: Journey, types: Mapping[str, Type]) -> StateDict:
    """The state dict that the reversed steps make of what the steps made."""
    from cfgmig.migration.on_weights import StateDict, apply
    from cfgmig.migration.revision import reversed_words
    from checkpoint_tools.plan import Take

    tensors = {name: Take(name) for name in journey.state.tensors}
    kept = {key: Take(f"{STASH}{key}") for key in journey.state.kept}
    state = StateDict(types, tensors, kept)
    for stage in reversed(journey.stages):
        words = reversed_words(stage.words)
        apply(words, state, key=stage.key, what=f"the way back of {stage.name}")
    return state
