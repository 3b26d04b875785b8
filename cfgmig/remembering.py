"""The request that a converted checkpoint says it was made by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfgmig.converting import Request, stamp_of
from cfgmig.errors import UsageError
from cfgmig.routing import Goal

if TYPE_CHECKING:
    from checkpoint_tools import Checkpoint


def remembered(source: Checkpoint, target: Checkpoint) -> Request:
    """The request that a result says it was made by; bare tensors are taken as they are.

    Raises:
        UsageError: what it says cannot be used.
    """
    stamp = stamp_of(target)
    history = stamp.get("history")
    if not stamp:
        return Request(format=format_of(target), model_only=not _holds_others(source, target))
    last = history[-1] if isinstance(history, list) and history else None
    if not isinstance(last, dict) or not isinstance(last.get("to"), str):
        raise UsageError(
            "what it says of its own making cannot be read",
            file=target.name,
            help="say how it was made: --to VERSION, --from VERSION, --for CONFIG, --plan FILE",
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
        _texts(last.get("prefer")),
    )
    return Request(
        goal,
        format_of(target),
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


def format_of(target: Checkpoint) -> str:
    """What its tree, or the lack of one, is like: that of torch or of bare tensors."""
    return "torch" if target.format.startswith("torch") else "safetensors"


def _holds_others(source: Checkpoint, target: Checkpoint) -> bool:
    """Whether the target holds more than the model, as far as the source does."""
    from cfgmig.states import states

    def others(checkpoint: Checkpoint) -> int:
        return sum(state.role != "model" for state in states(checkpoint))

    return others(source) == 0 or others(target) > 0
