"""What a family's own code computes with a model before and after its weights were rewritten."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cfgmig.errors import UsageError
from cfgmig.schema.wrappers import strip
from cfgmig.states import beside, model_state

if TYPE_CHECKING:
    from cfgmig.converting import Route
    from cfgmig.project import Project
    from cfgmig.schema.layout import Net, Reading
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
    before, now = model_state(source), model_state(target)
    if before is None or now is None:
        raise UsageError("one of the two holds no state dict of a model")
    old = {strip(n, journey.before.stripped): full for n, full in before.names.items()}
    one = _net(journey.before, source, old, project)
    other = _net(journey.after, target, now.names, project)
    found: tuple[Reading, ...] = family.resolve(layouts.probe)(one, other)
    return tuple(found)


def _net(match: Match, checkpoint: Checkpoint, names: Mapping[str, str], project: Project) -> Net:
    from cfgmig.recognising import config_inside, declarations
    from cfgmig.schema.layout import Net

    inside = config_inside(beside(checkpoint), project, declarations(project))
    return Net(
        match.layout.name,
        match.facts,
        match.dimensions,
        _reader(checkpoint, names),
        inside.data if inside is not None else {},
    )


def _reader(checkpoint: Checkpoint, names: Mapping[str, str]) -> Callable[[str], Any]:
    def read(name: str) -> Any:
        from checkpoint_tools.plan.casts import decode

        ref = checkpoint.tensors[names[name]]
        return decode(checkpoint.read(ref.name), ref.dtype).reshape(ref.shape)

    return read
