"""Holds a converted checkpoint against its source: nothing lost, nothing invented, same function.

The way is planned again from what the result says of itself, and carried out in memory, tensor by
tensor; nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.converting import Request, Route, route, sidecar_of, stamp_of
from cfgmig.errors import UsageError
from cfgmig.routing import Goal
from cfgmig.schema.wrappers import strip
from cfgmig.states import STASH, model_state

if TYPE_CHECKING:
    from pathlib import Path

    from cfgmig.migration.on_weights import StateDict
    from cfgmig.project import Project
    from cfgmig.routing import Journey
    from cfgmig.schema.layout import Reading
    from cfgmig.schema.solving import Match
    from checkpoint_tools import Checkpoint
    from checkpoint_tools.compare import Comparison
    from checkpoint_tools.plan import Type

Progress = Callable[[int, int, str], None]


class Verified(NamedTuple):
    """What was found.

    Attributes:
        route: the way that the result says it came.
        made: the result against what the plan makes of the source, tensor by tensor.
        kept: the same for what was kept beside it; None where nothing was.
        is_source: whether the source is the file that the result was made from, by its SHA-256;
            None where the result does not say.
        back: the source against itself after the way there and back; None if not asked for.
        readings: what both models compute; empty if not asked for.
    """

    route: Route
    made: Comparison
    kept: Comparison | None = None
    is_source: bool | None = None
    back: Comparison | None = None
    readings: tuple[Reading, ...] = ()

    @property
    def fine(self) -> bool:
        """Whether every tensor is what it has to be."""
        fine = self.made.same and self.is_source is not False
        fine = fine and (self.kept is None or self.kept.same)
        return fine and (self.back is None or self.back.same)


def verify(
    source: Checkpoint,
    target: Checkpoint,
    project: Project,
    *,
    request: Request | None = None,
    round_trip: bool = False,
    probe: bool = False,
    progress: Progress | None = None,
) -> Verified:
    """Hold a result against its source.

    Args:
        source: what was converted, as `opened` gives it.
        target: what it was converted to.
        project: whose families are known.
        request: what was asked for; None takes what the result says of itself.
        round_trip: stream every tensor there and back too.
        probe: let the family compute with both.
        progress: called with bytes done, bytes in total, and the tensor at hand.

    Raises:
        UsageError: the result does not say how it was made, and no request does.
        Irreversible: `round_trip`, and a step has no way back.
    """
    from checkpoint_tools.compare import compare_along

    made = route(source, project, request or remembered(source, target))
    found = Verified(made, compare_along(source, made.plan, _bare(target), progress=progress))
    stamp = stamp_of(target)
    if isinstance(stamp.get("source"), dict):
        from cfgmig.converting import digest

        found = found._replace(is_source=stamp["source"].get("sha256") == digest(source))
    if made.sidecar is not None:
        found = found._replace(kept=_kept(source, made, target))
    if round_trip:
        found = found._replace(back=_there_and_back(source, made, progress))
    if probe:
        found = found._replace(readings=readings(source, made, target, project))
    return found


def remembered(source: Checkpoint, target: Checkpoint) -> Request:
    """The request that a result says it was made by; bare tensors are taken as they are.

    Raises:
        UsageError: what it says cannot be used.
    """
    stamp = stamp_of(target)
    history = stamp.get("history")
    if not stamp:
        return Request(format=_format(target), model_only=not _holds_others(source, target))
    last = history[-1] if isinstance(history, list) and history else None
    if not isinstance(last, dict) or not isinstance(last.get("to"), str):
        raise UsageError(
            "what it says of its own making cannot be read",
            file=target.name,
            help="say how it was made: --to VERSION, --from VERSION, --for CONFIG",
        )
    family, _, to = last["to"].partition("/")
    origin = str(last.get("from", "")).partition("/")[2] or None
    config, cast = last.get("config"), last.get("cast")
    goal = Goal(
        to,
        origin,
        family,
        config if isinstance(config, dict) else None,
        last.get("no_stash") is not True,
    )
    return Request(
        goal,
        _format(target),
        last.get("model_only") is True,
        _texts(last.get("strip")),
        {key: one for key, one in _pairs(last.get("rename")) if isinstance(one, str)},
        _texts(last.get("drop")),
        cast if isinstance(cast, str) else None,
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _pairs(value: object) -> tuple[tuple[str, Any], ...]:
    return tuple(value.items()) if isinstance(value, dict) else ()


def _format(target: Checkpoint) -> str:
    return "torch" if target.format.startswith("torch") else "safetensors"


def _holds_others(source: Checkpoint, target: Checkpoint) -> bool:
    """Whether the target holds more than the model, as far as the source does."""
    from cfgmig.states import states

    def others(checkpoint: Checkpoint) -> int:
        return sum(state.role != "model" for state in states(checkpoint))

    return others(source) == 0 or others(target) > 0


def _bare(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint without what was kept beside it."""
    bare = copy(checkpoint)
    bare.tensors = {
        name: ref for name, ref in checkpoint.tensors.items() if not name.startswith(STASH)
    }
    return bare


def _kept(source: Checkpoint, made: Route, target: Checkpoint) -> Comparison:
    from pathlib import Path

    from checkpoint_tools import open_checkpoint
    from checkpoint_tools.compare import Comparison, compare_along

    assert made.sidecar is not None
    place: Path = sidecar_of(Path(target.name))
    if not place.is_file():
        return Comparison(only_left=list(made.sidecar.outputs))
    with open_checkpoint(str(place)) as other:
        return compare_along(source, made.sidecar, other)


def _there_and_back(source: Checkpoint, made: Route, progress: Progress | None) -> Comparison:
    """The model's tensors along every step, and back by the reversed list of reversed steps.

    Raises:
        LossyError: a step has no way back.
        Refused: the way back does not fit what the way there made.
    """
    from checkpoint_tools.compare import round_trip

    if made.journey is None:
        return round_trip(source, made.plan, progress=progress)
    from checkpoint_tools.compare import compare_along
    from checkpoint_tools.plan import compose, plan_of, prepare, types_of
    from checkpoint_tools.plan.resolve import Type

    journey = made.journey
    kept = {f"{STASH}{key}": expr for key, expr in journey.state.kept.items()}
    there = plan_of({**journey.state.tensors, **kept}.items(), source.tensors.keys())
    types = {n: Type(*one.type) for n, one in prepare(source, there).outputs.items()}
    model = model_state(source)
    assert model is not None  # it was routed
    names = {strip(name, journey.before.stripped): full for name, full in model.names.items()}
    back = _way_back(journey, types)
    pairs = [(names[name], expr) for name, expr in back.tensors.items() if name in names]
    whole = compose(there, plan_of(pairs, types))
    own = copy(source)
    own.tensors = {full: source.tensors[full] for full in names.values()}
    same = plan_of(whole.outputs.items(), types_of(source))
    return compare_along(source, same, own, progress=progress)


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
