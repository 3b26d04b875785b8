"""Which tensors of a checkpoint are a model's, and under which key they are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cfgmig.errors import CfgmigError, Refused, Unreadable

if TYPE_CHECKING:
    from cfgmig.schema.layout import Shapes
    from checkpoint_tools import Checkpoint, CheckpointError

CONTAINERS = (
    "model_state_dict",
    "model_state",
    "state_dict",
    "model",
    "module",
    "net",
    "network",
    "weights",
    "params",
)
"""Keys under which trainers keep a model's tensors, in the order in which they are tried."""
STAMP = "cfgmig"
"""The key beside the tensors under which a file says what it is and how it was made."""
SIDECAR = ".stash.safetensors"
"""What a file's name is followed by in that of what a conversion kept beside it."""
STASH = "stash:"
"""Before the names of tensors that an earlier conversion kept beside a checkpoint."""
_UNMISTAKABLE = CONTAINERS[:3]
_JSON = re.compile(r"[{\[]|-?\d|(true|false|null)\Z")
_LARGEST = 1 << 22
"""Characters; a longer text is not looked into."""
OPTIMIZER = re.compile(r"optim|sched|scaler", re.IGNORECASE)
"""What keys of optimizers and of what belongs to them contain."""

Role = Literal["model", "optimizer", "other"]


class State(NamedTuple):
    """A state dict inside a checkpoint.

    Attributes:
        key: the container's key; empty when the tensors lie at the top.
        role: what it is for.
        shapes: the tensors by their names within the state dict.
        names: the same, with their names in the whole file.
    """

    key: str
    role: Role
    shapes: Shapes
    names: Mapping[str, str]


def states(checkpoint: Checkpoint) -> list[State]:
    """The state dicts of a checkpoint: the likeliest model first, optimizers last."""
    paths = {
        name: checkpoint.tensors[name].path
        for name in _in_order(checkpoint)
        if not name.startswith(STASH)
    }
    has_optimizer = any(OPTIMIZER.match(name) for name in paths)
    groups: dict[str, dict[str, str]] = {}
    for name, path in paths.items():
        key, inner = _split(name, path, has_optimizer)
        groups.setdefault(key, {})[inner] = name
    found = [
        State(
            key,
            _role(key, len(groups)),
            {inner: checkpoint.tensors[name].shape for inner, name in names.items()},
            names,
        )
        for key, names in groups.items()
    ]
    return sorted(found, key=_order)


def _in_order(checkpoint: Checkpoint) -> list[str]:
    """The names of all tensors as the model has them; safetensors sorts its own."""
    from checkpoint_tools.formats.protocol import TREE_KEY

    if not isinstance(checkpoint.metadata.get(TREE_KEY), str):
        return list(checkpoint.tensors)
    from checkpoint_tools.writing.tree import names_in, tree_of

    told = [name for name in names_in(tree_of(checkpoint)) if name in checkpoint.tensors]
    return list(dict.fromkeys([*told, *checkpoint.tensors]))


def own_names(checkpoint: Checkpoint, model: State) -> dict[str, str]:
    """A model's tensors with their names in the file, in order.

    Those too that the file only tells to be the same as another one, which then is their name.
    """
    own = dict(model.names)
    if not model.key:
        from checkpoint_tools.plan.plan import recorded_ties

        for name, first in recorded_ties(checkpoint).items():
            own.setdefault(name, first)
    return own


def model_state(checkpoint: Checkpoint) -> State | None:
    """The tensors that a loader would take for the model; None without any."""
    found = [state for state in states(checkpoint) if state.role == "model"]
    return found[0] if found else None


def beside(checkpoint: Checkpoint) -> dict[str, Any]:
    """What lies beside the tensors, as plain data.

    Formats that hold only texts keep the rest as JSON: one text each, or all of it in one tree.
    """
    from checkpoint_tools.formats.protocol import TREE_KEY

    found: dict[str, Any] = {}
    extra = getattr(checkpoint.skeleton, "extra", None)
    if isinstance(extra, dict) and isinstance(extra.get(STAMP), dict):
        found[STAMP] = as_data(extra[STAMP])
    if isinstance(checkpoint.metadata.get(TREE_KEY), str):
        # Imported only here: what writes checkpoints costs half of a look into one.
        from checkpoint_tools.writing.tree import tree_of

        tree = tree_of(checkpoint)
        if isinstance(tree, dict):
            found = {str(key): as_data(value) for key, value in tree.items()}
    for key, value in checkpoint.metadata.items():
        if key != TREE_KEY:
            found[key] = _parsed(value) if isinstance(value, str) else value
    return found


def as_data(value: Any) -> Any:
    """A part of a tree without what only pickles know; tensors are no data."""
    if isinstance(value, dict):
        return {str(key): as_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_data(item) for item in value]
    return value if isinstance(value, str | int | float | bool) else None


def _parsed(text: str) -> Any:
    if not _JSON.match(text) or len(text) > _LARGEST:
        return text
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _split(name: str, path: tuple[str | int, ...], has_optimizer: bool) -> tuple[str, str]:
    """A tensor's container and its name in it."""
    if len(path) > 1:
        return str(path[0]), ".".join(map(str, path[1:]))
    # A format without nesting keeps the containers as the first segments of names.
    head, _, rest = name.partition(".")
    is_container = head in _UNMISTAKABLE or (
        has_optimizer and (head in CONTAINERS or OPTIMIZER.match(head) is not None)
    )
    return (head, rest) if rest and is_container else ("", name)


def _role(key: str, count: int) -> Role:
    if OPTIMIZER.search(key):
        return "optimizer"
    # Tensors beside the containers (random states, say) are no model's.
    return "other" if key == "" and count > 1 else "model"


def _order(state: State) -> tuple[int, int, int]:
    roles = ("model", "other", "optimizer")
    place = CONTAINERS.index(state.key) if state.key in CONTAINERS else len(CONTAINERS)
    return roles.index(state.role), place, -len(state.shapes)


@contextmanager
def told() -> Iterator[None]:
    """Turns the errors of reading a checkpoint into those of this house.

    Raises:
        Unreadable: it is not there, or no checkpoint.
        Refused: it is malformed or unsafe.
    """
    from checkpoint_tools.errors import CheckpointError

    try:
        yield
    except CheckpointError as error:
        raise as_cfgmig(error) from error


def as_cfgmig(error: CheckpointError) -> CfgmigError:
    """The same error in the classes of this house."""
    from checkpoint_tools.errors import Refused as NotRead
    from checkpoint_tools.text import escape

    at = f"byte {error.offset}: " if error.offset is not None else ""
    message = f"{at}{escape(error.reason)}"
    file = escape(error.file) if error.file else None
    if isinstance(error, NotRead):
        return Refused(message, kind="format", file=file)
    return Unreadable(message, file=file)
