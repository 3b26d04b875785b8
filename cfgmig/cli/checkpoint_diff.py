"""`cfgmig checkpoint diff`: which tensors two checkpoints have in common, and which numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from cfgmig.cli import checkpoint_names as names
from cfgmig.cli import console
from cfgmig.cli.checkpoint_open import check_format, explained, opened
from cfgmig.errors import UsageError

if TYPE_CHECKING:
    from cfgmig.cli.options import (
        AllTensors,
        Along,
        Atol,
        Family,
        Map,
        NoValues,
        OneCheckpoint,
        OtherCheckpoint,
        Quiet,
        Rtol,
        Strip,
        TextFormat,
        Verbose,
    )
    from checkpoint_tools import Checkpoint
    from checkpoint_tools.compare import Comparison, Tolerance
    from checkpoint_tools.plan import Plan

DIFFERENT = 1


class Request(NamedTuple):
    """What is compared, and how."""

    every: bool
    strip: tuple[str, ...]
    mapping: dict[str, str]
    along: str
    family: str
    values: bool
    tolerance: Tolerance


class Side(NamedTuple):
    """What of a checkpoint is compared.

    Attributes:
        key: the state dict's key; empty when it lies at the top or every tensor is compared.
        names: those that count, with their names in the file.
        data: names in the file, with the tensor whose data each is.
        left_out: how many tensors are not compared.
    """

    checkpoint: Checkpoint
    key: str
    names: dict[str, str]
    data: dict[str, str]
    left_out: int


class Facing(NamedTuple):
    """What is made of the left side, under names of the file on the right.

    `called` are the same outputs by the names that are shown for the left side.
    """

    plan: Plan
    called: dict[str, str]


class Differences(NamedTuple):
    """A comparison, with names as they are within the two state dicts."""

    left: Side
    right: Side
    found: Comparison
    values: bool


def diff(
    left: OneCheckpoint,
    right: OtherCheckpoint,
    *,
    atol: Atol = 0.0,
    rtol: Rtol = 0.0,
    no_values: NoValues = False,
    map: Map = (),  # type: ignore[assignment]
    strip: Strip = (),  # type: ignore[assignment]
    along: Along = "",
    family: Family = "",
    all: AllTensors = False,
    output_format: TextFormat = "text",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Compare two checkpoints: structure first, then the numbers, a piece at a time.

    Formats, shards and containers may differ: the model's state dicts are compared under
    their own names, unless `--all` asks for every tensor of the files.

    Exit code 0: the same, or close within the tolerance. 1: they differ. 2: usage, or a file
    that cannot be read. 3: a file is malformed or unsafe.
    """
    from checkpoint_tools.compare import Tolerance

    check_format(output_format)
    if not (atol >= 0 and rtol >= 0):
        raise UsageError("a tolerance is a number that is not negative")
    rules = names.pairs(map, "--map")
    tolerance = Tolerance(atol, rtol)
    request = Request(all, tuple(strip), rules, along, family, not no_values, tolerance)
    with opened(left, joined=bool(along)) as one, opened(right) as other:
        with console.meter("comparing", quiet=quiet) as progress, explained():
            found = differences(one, other, request, progress)
        from cfgmig.cli import checkpoint_diff_text as shown

        if output_format == "json":
            console.data(shown.as_json(found, verbose=verbose))
        else:
            console.data(shown.render(found, verbose=verbose))
        console.say(shown.summary(found), quiet=quiet)
    return 0 if found.found.same else DIFFERENT


def differences(
    one: Checkpoint, other: Checkpoint, request: Request, progress: console.Metered
) -> Differences:
    """Compare what a request asks for."""
    from checkpoint_tools.compare import compare_along

    strip = names.stripping(request.strip, "--strip")
    right = _side(other, request.every, strip)
    if request.along:
        left, facing = _migrated(one, right, request, strip)
    else:
        left = _side(one, request.every, strip)
        facing = _facing(left, right, request.mapping)
    strip.check()
    found = compare_along(
        one,
        facing.plan,
        other,
        tolerance=request.tolerance,
        values=request.values,
        progress=progress,
    )
    return Differences(left, right, _within(found, facing, right), request.values)


def _side(checkpoint: Checkpoint, every: bool, strip: Callable[[str], str]) -> Side:
    from cfgmig.states import model_state

    found = names.entries(checkpoint)
    state = None if every else model_state(checkpoint)
    if state is not None:
        found = [one for one in found if (one.key, one.role) == (state.key, "model")]
    stripped = {one.name: strip(one.name if state is None else one.inner) for one in found}
    _refuse(names.collisions(stripped))
    return Side(
        checkpoint,
        state.key if state is not None else "",
        {inner: name for name, inner in stripped.items()},
        {one.name: one.data for one in found},
        len(checkpoint.tensors.keys() - {one.name for one in found}),
    )


def _facing(left: Side, right: Side, mapping: dict[str, str]) -> Facing:
    """A plan that gives every tensor on the left the name of the one that it is compared with."""
    from checkpoint_tools.plan import Take, plan_of

    outputs = _named(_renamed(left.names, mapping), right)
    taken = [(to, Take(left.data[left.names[inner]])) for inner, to in outputs.items()]
    used = {expr.name for _, expr in taken}
    plan = plan_of(taken, left.checkpoint.tensors.keys() - used)
    return Facing(plan, {to: inner for inner, to in outputs.items()})


def _migrated(
    one: Checkpoint, right: Side, request: Request, strip: Callable[[str], str]
) -> tuple[Side, Facing]:
    """What a migration would make of the left one, under the names of the right one."""
    from cfgmig.cli.checkpoint_open import project_of
    from cfgmig.converting import Request as Wanted
    from cfgmig.converting import route
    from cfgmig.routing import Goal
    from checkpoint_tools.plan import Take, compose, plan_of

    goal = Goal(to=request.along, family=request.family or None)
    wanted = Wanted(goal, "safetensors", model_only=not request.every)
    there = route(one, project_of(one.name), wanted).plan
    stripped = {name: strip(name) for name in there.outputs}
    _refuse(names.collisions(stripped))
    made = {inner: name for name, inner in stripped.items()}
    outputs = _named(_renamed(made, request.mapping), right)
    onward = plan_of((to, Take(made[inner])) for inner, to in outputs.items())
    left = Side(one, "", made, {}, len(there.drop))
    return left, Facing(compose(there, onward), {to: inner for inner, to in outputs.items()})


def _renamed(inner: Iterable[str], mapping: dict[str, str]) -> dict[str, str]:
    rename = names.renaming(mapping, "--map")
    new = {name: rename(name) for name in inner}
    rename.check()
    _refuse(names.collisions(new))
    return new


def _named(new: dict[str, str], right: Side) -> dict[str, str]:
    """The names in the file on the right; what is not there gets one that is not either."""
    taken = {*right.names.values(), *right.checkpoint.tensors}
    made: dict[str, str] = {}
    for inner, to in new.items():
        name = right.names.get(to, to)
        while to not in right.names and name in taken:
            name += "'"
        taken.add(name)
        made[inner] = name
    return made


def _refuse(problems: Iterable[str]) -> None:
    from checkpoint_tools.plan import PlanError

    found = list(problems)
    if found:
        raise PlanError.of(found)


def _within(found: Comparison, facing: Facing, right: Side) -> Comparison:
    """The same comparison under the names that the tensors have within their state dicts."""
    from dataclasses import replace

    from checkpoint_tools.compare import Comparison as Within

    theirs = {name: inner for inner, name in right.names.items()}
    return Within(
        [facing.called[name] for name in found.only_left],
        [theirs[name] for name in found.only_right if name in theirs],
        [
            replace(pair, left=facing.called[pair.right], right=theirs[pair.right])
            for pair in found.pairs
        ],
    )
