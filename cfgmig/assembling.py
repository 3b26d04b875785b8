"""Puts a checkpoint together again: every tensor of the target by its name in the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cfgmig.errors import UsageError
from cfgmig.paths import match, parse_path
from cfgmig.states import State, model_state, own_names

if TYPE_CHECKING:
    from cfgmig.converting import Request, Route
    from cfgmig.migration.on_weights import StateDict
    from cfgmig.project import Project
    from cfgmig.routing import Journey
    from checkpoint_tools import Checkpoint
    from checkpoint_tools.plan import Expr, Plan


def kept_plan(checkpoint: Checkpoint, state: StateDict | None) -> Plan | None:
    """The plan of the sidecar; None where nothing left the model."""
    if state is None or not state.kept:
        return None
    from checkpoint_tools.plan import Take, plan_of

    whole = {expr.name for expr in state.kept.values() if isinstance(expr, Take)}
    return plan_of(state.kept.items(), checkpoint.tensors.keys() - whole)


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
    cast = _Casts(checkpoint, request)
    outputs: dict[str, Expr] = {}
    places: dict[str, str] = {}
    for name in names:
        inner = own.get(name, name)
        if inner not in changed:
            continue
        new = f"{_prefix(name, inner)}{changed[inner]}"
        _claim(new, name, outputs, checkpoint)
        expr = Take(name if name in checkpoint.tensors else ties[name])
        outputs[new] = cast(expr) if name in own or not own else expr
        places[name] = new
    gone = [name for name in checkpoint.tensors if name not in places]
    tied = _ties(checkpoint, outputs, places, ties)
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
    from checkpoint_tools.plan.plan import recorded_ties

    inner: dict[str, Expr] = {n: Take(full) for n, full in own_names(checkpoint, model).items()}
    state, lines = _worded(checkpoint, request, model) if journey is None else (journey.state, ())
    if state is not None:
        inner = dict(state.tensors)
    changed = _changed({name: name for name in inner}, request)
    cast = _Casts(checkpoint, request)
    made = {changed[name]: cast(expr) for name, expr in inner.items() if name in changed}
    if len(made) < len(changed):
        raise UsageError("two tensors would get one name", file=checkpoint.name)
    around = Around(checkpoint, project, request, model, journey, state)
    outputs, tree, texts = around.put_together(made)
    taken = {name for expr in outputs.values() for name in _takes(expr)}
    gone = state.gone if state is not None else set()
    left = set(checkpoint.tensors) - taken if request.model_only else set()
    left |= {tensor for name in inner.keys() - changed.keys() for tensor in _takes(inner[name])}
    dropped = gone | around.gone | left | _stashed(checkpoint)
    # Names that only the metadata know of as tied keep their place at the end of their prefix.
    home = next((n.removesuffix(one) for one in made for n in outputs if n.endswith(one)), "")
    places = {name: f"{home}{new}" for name, new in changed.items()}
    ties = _ties(checkpoint, outputs, places, recorded_ties(checkpoint))
    plan = plan_of(outputs.items(), dropped, ties)
    notes = (*(journey.notes if journey is not None else ()), *around.notes)
    sidecar = kept_plan(checkpoint, state)
    return Route(checkpoint, request, plan, tree, texts, journey, sidecar, notes, lines)


def _worded(
    checkpoint: Checkpoint, request: Request, model: State
) -> tuple[StateDict | None, tuple[str, ...]]:
    """The tensors after the words of a plan file, and what these did; None without such a file."""
    if not request.words:
        return None, ()
    from cfgmig.migration.on_weights import apply
    from cfgmig.routing import started

    state = started(checkpoint, model, ())
    return state, apply(request.words, state, key="plan", what=request.plan)


def _ties(
    checkpoint: Checkpoint,
    outputs: Mapping[str, Expr],
    places: Mapping[str, str],
    recorded: Mapping[str, str],
) -> dict[str, str]:
    """Outputs that stay one tensor: tied in the source, and treated alike."""
    found: dict[str, str] = {}
    for name, first in recorded.items():
        here, there = places.get(name, ""), places.get(first, "")
        is_same = here in outputs and there in outputs and here != there
        if is_same and _leaf(outputs[here], recorded) == _leaf(outputs[there], recorded):
            found[here] = there
    roots: dict[tuple[str, str], tuple[str, str]] = {}
    for output, expr in outputs.items():
        name, dtype = _leaf(expr, {})
        if output in found or not dtype or not name:
            continue  # what is taken as it is, the plan itself finds to be tied
        root = checkpoint.tensors[name].alias_of or name
        taken, there = roots.setdefault((root, dtype), (name, output))
        if taken != name:
            found[output] = there
    return found


def _leaf(expr: Expr, recorded: Mapping[str, str]) -> tuple[str, str]:
    """The tensor that an output is, and the type it is cast to; empty where it is neither."""
    from checkpoint_tools.plan import Cast, Take

    of, dtype = (expr.of, expr.dtype) if isinstance(expr, Cast) else (expr, "")
    return (recorded.get(of.name, of.name) if isinstance(of, Take) else "", dtype)


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
                new = request.rename[old].removeprefix(_prefix(full, inner) if old == full else "")
                unused.discard(old)
        found[inner] = new
    if unused:
        raise UsageError(
            f"no tensor fits {min(unused)!r}",
            help="`cfgmig checkpoint inspect` shows the names",
        )
    return found


def _prefix(full: str, inner: str) -> str:
    """What stands before a tensor's own name in its file."""
    return full.removesuffix(inner) if full.endswith(inner) else ""


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


class _Casts:
    """Gives floating tensors the element type that is asked for."""

    def __init__(self, checkpoint: Checkpoint, request: Request) -> None:
        from checkpoint_tools.plan.resolve import Resolver, types_of

        self.resolver = Resolver(types_of(checkpoint))
        self.dtype = request.cast

    def __call__(self, expr: Expr) -> Expr:
        """The expression, cast if it is floating and that is asked for."""
        from checkpoint_tools.plan import Cast

        if self.dtype is None:
            return expr
        old = self.resolver.types[self.resolver.resolve(expr)].dtype
        is_other = old.startswith(("float", "bfloat")) and old != self.dtype
        return Cast(expr, self.dtype) if is_other else expr
