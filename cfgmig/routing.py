"""Plans what becomes of a checkpoint: along revisions, then from one setting to another.

Only headers are read. The result is a `Route`, which `converting` carries out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.adapting import Adapting, Stage, facts_of, solved
from cfgmig.errors import Refused, UsageError
from cfgmig.states import STASH, own_names

if TYPE_CHECKING:
    from cfgmig.migration.on_weights import StateDict
    from cfgmig.project import Project, Source
    from cfgmig.recognising import Recognised
    from cfgmig.schema.layout import Expectation, Layouts
    from cfgmig.schema.solving import Match
    from cfgmig.states import State
    from checkpoint_tools import Checkpoint


class Goal(NamedTuple):
    """Where a checkpoint shall get to.

    Attributes:
        to: the version; the family's newest one when None.
        origin: the version it is of, where the tensors do not tell.
        family: the family, where the tensors do not tell.
        config: data of a config of the newest version, whose settings the weights shall fit.
        stash: keep tensors that leave the model beside the result.
        prefer: names of adaptations that go before others, and may lose what they would refuse to.
    """

    to: str | None = None
    origin: str | None = None
    family: str | None = None
    config: Mapping[str, Any] | None = None
    stash: bool = True
    prefer: tuple[str, ...] = ()


class Journey(NamedTuple):
    """A state dict that arrived, and how it got there.

    Attributes:
        family, origin, goal: names; `origin` is the newest version that it may be of.
        state: its tensors as expressions over those of the file.
        before, after: what the tensors were and are now; `after` is None where no layout fits.
        stages: in order.
        steps: the revisions among them, for what lies around the tensors.
        afresh: components that the layout has, or the config builds, and the tensors lack.
        notes: what a user should know.
    """

    family: str
    origin: str
    goal: str
    state: StateDict
    before: Match
    after: Match | None
    stages: tuple[Stage, ...]
    steps: tuple[Any, ...]
    afresh: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def travel(
    checkpoint: Checkpoint, model: State, found: Recognised, project: Project, goal: Goal
) -> Journey:
    """Walk a model's tensors to a version and to the settings of a config.

    Args:
        checkpoint: whose tensors; those of its stash have names that begin with `stash:`.
        model: its state dict.
        found: what it was recognised as.
        project: whose families are known.
        goal: where to.

    Raises:
        UsageError: its version is unknown or ambiguous, or no way leads there.
        Refused: a step does not fit the tensors, or the result fits no known layout.
    """
    match = _known(found, goal, checkpoint.name)
    source = project.source(match.layout.family)
    to = source.family.version(goal.to).name if goal.to else source.family.head.name
    config = found.inside.data if found.inside is not None else {}
    start = started(checkpoint, model, match.stripped)
    walked = _walked(start, source, _origins(found, goal, source), to, config)
    first = walked[-1]
    for origin, state, *_ in walked[:-1]:
        if (state.tensors, state.kept) != (first[1].tensors, first[1].kept):
            raise UsageError(
                f"it may be of {origin} or of {first[0]}, and the results would differ",
                file=checkpoint.name,
                help=f"say which with `--from {origin}` or `--from {first[0]}`",
            )
    origin, state, stages, steps = first
    layouts = source.family.load_layouts()
    assert layouts is not None  # the tensors were recognised by them
    wanted = _expected(layouts, goal, to, source)
    adapted = Adapting(source, layouts, state, match, to, wanted, config, goal.prefer)
    adapted.run()
    notes = (*adapted.notes, *(() if goal.stash else _forget(state)))
    if not config and goal.config is None and adapted.match is not None:
        notes += _untold(adapted.match)
    return Journey(
        source.name, origin, to, state, match, adapted.match, (*stages, *adapted.stages),
        steps, adapted.afresh(), notes,
    )  # fmt: skip


def _known(found: Recognised, goal: Goal, name: str) -> Match:
    match = found.match
    if match is None or (goal.family and match.layout.family != goal.family):
        raise UsageError(
            f"its tensors are of no known {'layout' if match is None else goal.family}",
            file=name,
            help=f"`cfgmig checkpoint inspect {name}` shows what it holds",
        )
    if found.identified.verdict == "tie":
        raise UsageError(found.title, file=name, help="say which with `--family`")
    return match


def _origins(found: Recognised, goal: Goal, source: Source) -> tuple[str, ...]:
    if goal.origin is not None:
        return (source.family.version(goal.origin).name,)
    return found.versions or (source.family.head.name,)


def _walked(
    start: StateDict, source: Source, origins: Sequence[str], to: str, config: Mapping[str, Any]
) -> list[tuple[str, StateDict, tuple[Stage, ...], tuple[Any, ...]]]:
    """The walk from every version that the tensors may be of, the newest one last.

    Raises:
        Refused: no walk fits the tensors.
    """
    found = []
    refused: Refused | None = None
    for origin in origins:
        state = start.copy()
        try:
            found.append((origin, state, *_walk(state, source, origin, to, config)))
        except Refused as error:
            refused = error
    if not found and refused is not None:
        raise refused
    return found


def _walk(
    state: StateDict, source: Source, origin: str, to: str, config: Mapping[str, Any]
) -> tuple[tuple[Stage, ...], tuple[Any, ...]]:
    """Bring the tensors along the revisions between two versions; what was done, by step."""
    from cfgmig.migration.on_weights import apply
    from cfgmig.migration.plan import make_plan
    from cfgmig.migration.weights import Weights

    stages = []
    plan = make_plan(source.graph, origin, to)
    for step in plan.steps:
        revision = step.revision
        about: Any = Weights(state.types, config=config)
        if callable(revision.weights):
            now = solved(source, state)
            about = about._replace(facts=facts_of(now), dimensions=now.dimensions if now else {})
        words = revision.on_weights(about, up=step.up)
        lower, upper = (step.origin, step.goal) if step.up else (step.goal, step.origin)
        title = f"{step.origin} -> {step.goal}"
        key = f"{lower}..{upper}"
        lines = apply(words, state, key=key, what=title)
        if lines:
            grade = max(operation.grade for operation in words)
            about_it = revision.summary, grade.words, revision.guarantee
            stages.append(Stage("revision", title, *about_it, lines, tuple(words), key))
    return tuple(stages), plan.steps


def started(checkpoint: Checkpoint, model: State, stripped: Sequence[str]) -> StateDict:
    """A model's tensors under their own names, each still what it is in the file."""
    from cfgmig.migration.on_weights import StateDict
    from cfgmig.schema.wrappers import strip
    from checkpoint_tools.plan import Take, types_of

    kept = {n.removeprefix(STASH): Take(n) for n in checkpoint.tensors if n.startswith(STASH)}
    names = own_names(checkpoint, model)
    own = {strip(inner, stripped): Take(name) for inner, name in names.items()}
    return StateDict(types_of(checkpoint), own, kept)


def _expected(layouts: Layouts, goal: Goal, to: str, source: Source) -> Expectation | None:
    if goal.config is None:
        return None
    head = source.family.head.name
    if to != head:
        raise UsageError(
            f"a config tells the settings of {head} only, not of {to}",
            help="leave `--to` out, or the config",
        )
    return layouts.expect(goal.config) if layouts.expect is not None else None


def _untold(match: Match) -> tuple[str, ...]:
    """What a model needs to be built and nothing in the file says."""
    if not match.layout.not_told:
        return ()
    settings = ", ".join(match.layout.not_told)
    return (f"no config is inside, and tensors do not tell {settings}: say it with `--for CONFIG`",)


def _forget(state: StateDict) -> tuple[str, ...]:
    if not state.kept:
        return ()
    count, state.kept = len(state.kept), {}
    return (f"{count} tensors that left the model are not kept",)
