"""What a family's own code computes with a model before and after its weights were rewritten."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cfgmig.errors import UsageError
from cfgmig.schema.wrappers import strip
from cfgmig.states import model_state

if TYPE_CHECKING:
    from cfgmig.converting import Route
    from cfgmig.project import Project
    from cfgmig.routing import Journey
    from cfgmig.schema.layout import Reading
    from cfgmig.schema.solving import Match
    from checkpoint_tools import Checkpoint


def readings(
    source: Checkpoint, made: Route, target: Checkpoint, project: Project
) -> tuple[Reading, ...]:
    """What the family's probe computes with the model before and afterwards.

    Raises:
        UsageError: the family has no probe, or the weights went no way.
    """
    journey = made.journey
    if journey is None or journey.after is None:
        raise UsageError("there is nothing to compare: the weights are what they were")
    family = project.source(journey.family).family
    layouts = family.load_layouts()
    if layouts is None or layouts.probe is None:
        raise UsageError(
            f"family {family.name} has no probe",
            help="a family says so with `Layouts(..., probe='.module:function')`",
        )
    found: tuple[Reading, ...] = family.resolve(layouts.probe)(
        *_nets(source, target, journey, journey.after)
    )
    return tuple(found)


def _nets(
    source: Checkpoint, target: Checkpoint, journey: Journey, after: Match
) -> tuple[Any, Any]:
    from cfgmig.schema.layout import Net

    before, now = model_state(source), model_state(target)
    if before is None or now is None:
        raise UsageError("one of the two holds no state dict of a model")
    stripped = journey.before.stripped
    old = {strip(name, stripped): full for name, full in before.names.items()}
    return (
        Net(
            journey.before.layout.name,
            journey.before.facts,
            journey.before.dimensions,
            _reader(source, old),
        ),
        Net(after.layout.name, after.facts, after.dimensions, _reader(target, now.names)),
    )


def _reader(checkpoint: Checkpoint, names: Mapping[str, str]) -> Callable[[str], Any]:
    def read(name: str) -> Any:
        from checkpoint_tools.plan.casts import decode

        ref = checkpoint.tensors[names[name]]
        return decode(checkpoint.read(ref.name), ref.dtype).reshape(ref.shape)

    return read
