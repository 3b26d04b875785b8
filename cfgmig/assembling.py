"""Puts a checkpoint together again: every tensor of the target by its name in the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cfgmig.errors import UsageError
from cfgmig.paths import match, parse_path
from cfgmig.states import State, model_state

if TYPE_CHECKING:
    from cfgmig.converting import Request, Route
    from cfgmig.project import Project
    from cfgmig.routing import Journey
    from checkpoint_tools import Checkpoint
    from checkpoint_tools.plan import Expr, Plan


def kept_plan(checkpoint: Checkpoint, journey: Journey | None) -> Plan | None:
    """The plan of the sidecar; None where nothing left the model."""
    if journey is None or not journey.state.kept:
        return None
    from checkpoint_tools.plan import Take, plan_of

    kept: dict[str, Expr] = journey.state.kept
    whole = {expr.name for expr in kept.values() if isinstance(expr, Take)}
    return plan_of(kept.items(), checkpoint.tensors.keys() - whole)


def as_whole(checkpoint: Checkpoint, request: Request) -> Route:
    """Every tensor as it is, but for names, patterns to leave out, and casts."""
    from cfgmig.converting import Route
    from checkpoint_tools.plan import Take, plan_of
    from checkpoint_tools.plan.plan import recorded_ties
    from checkpoint_tools.writing.job import AUTO

    ties = recorded_ties(checkpoint)
    names = [*checkpoint.tensors, *(name for name in ties if name not in checkpoint.tensors)]
    model = model_state(checkpoint)
    own = {full: inner for inner, full in model.names.items()} if model is not None else {}
    changed = _changed({own.get(name, name): name for name in names}, request)
    outputs: dict[str, Expr] = {}
    places: dict[str, str] = {}
    for name in names:
        inner = own.get(name, name)
        if inner not in changed:
            continue
        prefix = name.removesuffix(inner) if name.endswith(inner) else ""
        new = f"{prefix}{changed[inner]}"
        _claim(new, name, outputs, checkpoint)
        expr = Take(name if name in checkpoint.tensors else ties[name])
        outputs[new] = _cast(expr, checkpoint, request) if name in own or not own else expr
        places[name] = new
    tied = {places[n]: places[first] for n, first in ties.items() if {n, first} <= places.keys()}
    gone = [name for name in checkpoint.tensors if name not in places]
    return Route(checkpoint, request, plan_of(outputs.items(), gone, tied), AUTO, {})


def as_model(
    checkpoint: Checkpoint,
    project: Project,
    request: Request,
    model: State,
    journey: Journey | None,
) -> Route:
    """A model's tensors where their journey brought them, and what belongs around them."""
    from cfgmig.around import Around
    from cfgmig.converting import Route
    from checkpoint_tools.plan import Take, plan_of

    inner: dict[str, Expr] = {name: Take(full) for name, full in model.names.items()}
    if journey is not None:
        inner = dict(journey.state.tensors)
    changed = _changed({name: name for name in inner}, request)
    made = {changed[name]: expr for name, expr in inner.items() if name in changed}
    if len(made) < len(changed):
        raise UsageError("two tensors would get one name", file=checkpoint.name)
    made = {name: _cast(expr, checkpoint, request) for name, expr in made.items()}
    around = Around(checkpoint, project, request, model, journey)
    outputs, tree, texts = around.put_together(made)
    taken = {name for expr in outputs.values() for name in _takes(expr)}
    gone = journey.state.gone if journey is not None else set()
    left = set(checkpoint.tensors) - taken if request.model_only else set()
    left |= {tensor for name in inner.keys() - changed.keys() for tensor in _takes(inner[name])}
    plan = plan_of(outputs.items(), gone | around.gone | left | _stashed(checkpoint))
    notes = (*(journey.notes if journey is not None else ()), *around.notes)
    sidecar = kept_plan(checkpoint, journey)
    return Route(checkpoint, request, plan, tree, texts, journey, sidecar, notes)


def _stashed(checkpoint: Checkpoint) -> set[str]:
    from cfgmig.states import STASH

    return {name for name in checkpoint.tensors if name.startswith(STASH)}


def _takes(expr: Expr) -> list[str]:
    from checkpoint_tools.plan.expressions import takes

    return takes(expr)


def _changed(names: Mapping[str, str], request: Request) -> dict[str, str]:
    """New names for old ones, without those that are left out; both may be said in full.

    Raises:
        UsageError: a name, a prefix or a pattern of the request fits nothing.
    """
    unused = {*request.rename, *request.strip, *request.drop}
    found: dict[str, str] = {}
    for inner, full in names.items():
        left_out = [one for one in request.drop if _below(one, inner) or _below(one, full)]
        unused -= set(left_out)
        if left_out:
            continue
        new = inner
        for prefix in request.strip:
            if new.startswith(prefix) and new != prefix:
                new = new.removeprefix(prefix)
                unused.discard(prefix)
        for old in (inner, full):
            if old in request.rename:
                new = request.rename[old]
                unused.discard(old)
        found[inner] = new
    if unused:
        raise UsageError(
            f"no tensor fits {min(unused)!r}",
            help="`cfgmig checkpoint inspect` shows the names",
        )
    return found


def _below(pattern: str, name: str) -> bool:
    wanted, parts = parse_path(pattern), tuple(name.split("."))
    return match(wanted, parts[: len(wanted)]) is not None


def _claim(name: str, origin: str, taken: Mapping[str, Any], checkpoint: Checkpoint) -> None:
    if name in taken:
        from checkpoint_tools.text import escape

        raise UsageError(
            f"{escape(origin)} would be called {escape(name)}, which is taken",
            file=checkpoint.name,
        )


def _cast(expr: Expr, checkpoint: Checkpoint, request: Request) -> Expr:
    from checkpoint_tools.plan import Cast
    from checkpoint_tools.plan.resolve import Resolver, types_of

    if request.cast is None:
        return expr
    resolver = Resolver(types_of(checkpoint))
    dtype = resolver.types[resolver.resolve(expr)].dtype
    return Cast(expr, request.cast) if dtype.startswith(("float", "bfloat")) else expr
