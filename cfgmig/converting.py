"""Converts a checkpoint: plans the whole file, writes it with its provenance, keeps what left.

`route` plans and reads only headers; `carry_out` writes; `cfgmig.verifying` looks at the result.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from cfgmig.errors import UsageError
from cfgmig.recognising import plain, recognise
from cfgmig.routing import Goal, Journey, travel
from cfgmig.states import SIDECAR, STAMP, STASH, beside, model_state

if TYPE_CHECKING:
    from cfgmig.migration.operations import Operation
    from cfgmig.project import Project
    from checkpoint_tools import Checkpoint
    from checkpoint_tools.plan import Plan
    from checkpoint_tools.sources import Source
    from checkpoint_tools.writing import Report

ORDER = "cfgmig.order"
"""The key in it of the names of its tensors, in the order in which they left."""
_NOTHING: Mapping[str, str] = MappingProxyType({})
_digests: WeakKeyDictionary[Checkpoint, str] = WeakKeyDictionary()


class Request(NamedTuple):
    """What a user wants of a checkpoint.

    Attributes:
        goal: the version and the settings to bring it to; None leaves its tensors as they are.
        format: of the target: safetensors, sharded, torch, npy or npz.
        model_only: leave out optimizers and whatever else is no part of the model.
        strip: prefixes to take off the names of the model's tensors.
        rename: new names of single tensors.
        drop: patterns of tensors to leave out.
        cast: the element type of the model's floating tensors.
        words: operations on the model's tensors, where no revision says what to do.
        plan: the name of the file that lists them.
    """

    goal: Goal | None = None
    format: str = "safetensors"
    model_only: bool = False
    strip: tuple[str, ...] = ()
    rename: Mapping[str, str] = _NOTHING
    drop: tuple[str, ...] = ()
    cast: str | None = None
    words: tuple[Operation, ...] = ()
    plan: str = ""


class Route(NamedTuple):
    """A planned conversion.

    Attributes:
        checkpoint: what it starts from.
        request: what was wanted.
        plan: every tensor of the target.
        tree: the object around the tensors; None for bare tensors, `AUTO` for that of the source.
        metadata: texts for formats that hold only texts.
        journey: the way of the model's tensors; None where they stay what they are.
        sidecar: what is written beside the target, so that a way back finds it.
        notes: what a user should know.
        lines: one sentence per word of a plan file that changed something.
    """

    checkpoint: Checkpoint
    request: Request
    plan: Plan
    tree: object
    metadata: Mapping[str, str]
    journey: Journey | None = None
    sidecar: Plan | None = None
    notes: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def dropped(self) -> tuple[str, ...]:
        """Tensors of the file that no output is made from."""
        from checkpoint_tools.plan.expressions import takes

        taken = {name for expr in self.plan.outputs.values() for name in takes(expr)}
        return tuple(name for name in self.checkpoint.tensors if name not in taken)


def opened(path: str) -> Checkpoint:
    """A checkpoint together with what an earlier conversion kept beside it.

    Raises:
        CheckpointError: it cannot be read, or is refused.
    """
    from checkpoint_tools import open_checkpoint
    from checkpoint_tools.joining import beside as joined

    main = open_checkpoint(path)
    kept = sidecar_of(Path(path)) if "://" not in path else None
    if kept is None or not kept.is_file():
        return main
    other = open_checkpoint(str(kept))
    own, theirs = stamp_of(main), stamp_of(other)
    if not own or own.get("source") != theirs.get("source"):
        other.close()
        return main
    order = beside(other).get(ORDER)
    if isinstance(order, list) and set(order) == other.tensors.keys():
        other.tensors = {name: other.tensors[name] for name in order}
    return joined(main, other, STASH)


def sidecar_of(path: Path) -> Path:
    """Where a conversion to `path` keeps the tensors that left the model."""
    return path.with_name(path.name + SIDECAR)


def stamp_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """What the last conversion of a file said about it; empty where there was none."""
    found = beside(checkpoint).get(STAMP)
    return found if isinstance(found, dict) else {}


def route(checkpoint: Checkpoint, project: Project, request: Request) -> Route:
    """Plan a conversion from headers alone.

    Raises:
        UsageError: the request does not fit the checkpoint.
        Refused: a step of the way does not fit its tensors.
        PlanError: two tensors would get one name, or one that is named is not there.
    """
    from cfgmig.assembling import as_model, as_whole

    if request.goal is None and not request.model_only and not request.words:
        return as_whole(checkpoint, request)
    model = model_state(checkpoint)
    if model is None:
        raise UsageError("it holds no state dict of a model", file=checkpoint.name)
    journey = None
    if request.goal is not None:
        found = recognise(model, beside(checkpoint), project)
        journey = travel(checkpoint, model, found, project, request.goal)
    return _adapted_beside(as_model(checkpoint, project, request, model, journey))


def _adapted_beside(made: Route) -> Route:
    """The route with what adaptations make of what lies beside the tensors."""
    from cfgmig.migration.on_data import apply
    from cfgmig.migration.site import Site

    stages = made.journey.stages if made.journey is not None else ()
    whole = made.tree if isinstance(made.tree, dict) else dict(made.metadata)
    for operation in [one for stage in stages for one in stage.beside]:
        # Whatever else is in a tree may be of types that only its format knows.
        keys = {path[0] for path in operation.paths}
        old = {key: value for key, value in whole.items() if key in keys}
        new = apply([operation], old, site=Site(made.checkpoint.name))
        if new != old:
            whole = {key: value for key, value in whole.items() if key not in keys} | new
            made = made._replace(notes=(*made.notes, operation.describe()))
    is_tree = isinstance(made.tree, dict)
    return made._replace(tree=whole) if is_tree else made._replace(metadata=whole)


def convert(made: Route, target: Path, **how: Any) -> Report:
    """Write what was planned, and beside it the tensors that left.

    Args:
        made: the plan.
        target: a file, or a folder for shards.
        **how: as for `checkpoint_tools.writing.convert`.

    Raises:
        CheckpointError: it cannot be carried out; nothing was written.
    """
    if made.sidecar is None:
        return carry_out(made, target, **how)
    kept = sidecar_of(target)
    with _put_aside(kept, bool(how.get("overwrite"))):
        keep(made, kept, **{key: how[key] for key in ("overwrite", "durable") if key in how})
        try:
            return carry_out(made, target, **how)
        except BaseException:
            kept.unlink()
            raise


@contextmanager
def _put_aside(path: Path, wanted: bool) -> Iterator[None]:
    """Keep a file that is to be replaced until what replaces it is there for good."""
    aside = path.with_name(f"{path.name}.old")
    if not wanted or not path.is_file():
        yield
        return
    path.replace(aside)
    try:
        yield
    except BaseException:
        aside.replace(path)
        raise
    aside.unlink()


def carry_out(made: Route, target: Path, **how: Any) -> Report:
    """Write the target alone; arguments and errors are those of `convert`."""
    from checkpoint_tools.writing import convert as write

    return write(made.checkpoint, made.plan, target, **_layout(made, _stamp(made)), **how)


def keep(made: Route, target: Path, **how: Any) -> Report:
    """Write the tensors that left the model; arguments and errors are those of `convert`."""
    from checkpoint_tools.writing import convert as write

    assert made.sidecar is not None
    # The file sorts its tensors, and optimizers number them in the order of the model.
    order = json.dumps(list(made.sidecar.outputs), separators=(",", ":"), ensure_ascii=False)
    texts = {STAMP: _dumped(_stamp(made)), ORDER: order}
    return write(
        made.checkpoint,
        made.sidecar,
        target,
        tree=None,
        metadata=texts,
        format="safetensors",
        **how,
    )


def says_the_same(made: Route, target: Path) -> bool:
    """Whether a file says of itself that it was made just so."""
    from checkpoint_tools import CheckpointError, open_checkpoint

    try:
        with open_checkpoint(str(target)) as checkpoint:
            return bool(stamp_of(checkpoint) == json.loads(_dumped(_stamp(made))))
    except CheckpointError:
        return False


def layout_of(made: Route) -> dict[str, Any]:
    """The arguments of `checkpoint_tools.writing.forecast` beyond plan and target."""
    return _layout(made, _stamp(made, hashed=False))


def _layout(made: Route, stamp: Mapping[str, Any]) -> dict[str, Any]:
    tree, texts = made.tree, dict(made.metadata)
    if stamp:
        if isinstance(tree, dict):
            tree = {**tree, STAMP: stamp}
        elif made.request.format == "torch":
            tree = _told_by_none(made.plan, stamp)
        else:
            texts[STAMP] = _dumped(stamp)
    from checkpoint_tools.writing.job import AUTO

    how: dict[str, Any] = {"format": made.request.format, "metadata": texts}
    return how if tree is AUTO else {**how, "tree": tree}


def _told_by_none(plan: Plan, stamp: Mapping[str, Any]) -> object:
    """A bare state dict, which has no room for another key: the stamp goes to its attribute.

    torch keeps the versions of modules in `_metadata`, by name, and asks for no others.
    """
    from checkpoint_tools.pickle_values import Ordered
    from checkpoint_tools.writing import TensorAt

    tree = Ordered((name, TensorAt(name)) for name in plan.outputs)
    tree.extra = Ordered({STAMP: stamp})
    return tree


def _stamp(made: Route, *, hashed: bool = True) -> dict[str, Any]:
    """What the conversion says of itself: the same for the same input on any machine."""
    from cfgmig import __version__

    journey, request = made.journey, made.request
    if journey is None and not request.words:
        return {}
    source = {
        "name": Path(made.checkpoint.name).name,
        "bytes": sum(one.size for one in _own(made.checkpoint)),
        "sha256": digest(made.checkpoint) if hashed else "0" * 64,
    }
    before = stamp_of(made.checkpoint)
    history = before.get("history")
    history = history if isinstance(history, list) else []
    said: dict[str, Any] = {"source": source, "tool": f"cfgmig {__version__}"}
    if journey is None:
        done = {"plan": request.plan, "steps": list(made.lines), **_chosen(request)}
        return {**said, "history": [*history, done]}
    done = {
        "from": f"{journey.family}/{journey.origin}",
        "to": f"{journey.family}/{journey.goal}",
        "steps": [stage.name for stage in journey.stages],
        "config": wanted_of(request.goal),
        **_chosen(request),
    }
    known = {"family": journey.family, "version": journey.goal}
    return {**known, **said, "history": [*history, done]}


def _chosen(request: Request) -> dict[str, Any]:
    """What else of a request makes the result what it is, where it is not the usual."""
    said = {
        "model_only": request.model_only,
        "strip": list(request.strip),
        "rename": dict(request.rename),
        "drop": list(request.drop),
        "cast": request.cast,
        "no_stash": request.goal is not None and not request.goal.stash,
        "prefer": list(request.goal.prefer) if request.goal is not None else [],
    }
    return {key: value for key, value in said.items() if value}


def wanted_of(goal: Goal | None) -> Mapping[str, Any] | None:
    """The config that a conversion was made for, as its result remembers it."""
    return None if goal is None or goal.config is None else dict(goal.config)


def digest(checkpoint: Checkpoint) -> str:
    """SHA-256 of a checkpoint's files, one after the other; they are read once."""
    import hashlib

    if checkpoint in _digests:
        return _digests[checkpoint]
    total = hashlib.sha256()
    for source in _own(checkpoint):
        for at in range(0, source.size, 1 << 20):
            total.update(source.read_at(at, min(1 << 20, source.size - at)))
    _digests[checkpoint] = total.hexdigest()
    return _digests[checkpoint]


def _own(checkpoint: Checkpoint) -> list[Source]:
    """A checkpoint's files without the one that keeps what left it."""
    beside_it = str(sidecar_of(Path(checkpoint.name)))
    return [source for source in checkpoint.sources if source.name != beside_it]


def _dumped(value: Mapping[str, Any]) -> str:
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
