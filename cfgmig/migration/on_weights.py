"""The words applied to a state dict: every tensor becomes an expression over those of a file.

Nothing is read or computed here; `checkpoint_tools` proves the expressions and carries them out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from cfgmig.errors import LossyError, Refused, UsageError
from cfgmig.migration.checks import CopyOf, is_expression, same_stars
from cfgmig.migration.grade import STASH
from cfgmig.migration.operations import (
    Add,
    Blocked,
    Convert,
    Custom,
    Move,
    Operation,
    Remove,
)
from cfgmig.migration.ordering import is_number
from cfgmig.migration.state_dict import StateDict
from cfgmig.migration.tensors import Joined, Split, TensorCodec, length_of
from cfgmig.paths import Path, fill, match, parse_path

if TYPE_CHECKING:
    from checkpoint_tools.plan import Expr

__all__ = ["StateDict", "apply"]


def apply(
    operations: Iterable[Operation], state: StateDict, *, key: str, what: str
) -> tuple[str, ...]:
    """Apply operations in order; the sentences of those that changed something.

    Args:
        operations: the words, for tensors.
        state: is changed in place.
        key: under which tensors that leave are kept: the step's two versions, say.
        what: the step's name in messages.

    Raises:
        Refused: an operation does not fit the tensors.
        LossyError: there is no way back.
    """
    from checkpoint_tools.plan import PlanError

    said: list[str] = []
    for operation in operations:
        try:
            if _carry_out(operation, state, key):
                said.append(operation.describe())
        except (PlanError, UsageError, _DoesNotFit) as error:
            reason = getattr(error, "reason", None) or getattr(error, "message", str(error))
            raise Refused(
                f"{what}: {reason} (`{operation.describe()}`)",
                kind="migration",
                help="`cfgmig checkpoint inspect` shows what the checkpoint holds",
            ) from error
    state.settle()
    return tuple(said)


def _carry_out(operation: Operation, state: StateDict, key: str) -> bool:
    """Apply one operation; whether it changed anything."""
    handler = _HANDLERS.get(type(operation))
    if handler is None:
        raise _DoesNotFit(f"{type(operation).__name__} has no meaning for tensors")
    if not isinstance(operation, Add):
        state.settle()
    return handler(operation, state, key)


class _DoesNotFit(Exception):
    """An operation that the tensors have no place for."""


def _below(state: Iterable[str], pattern: Path) -> list[tuple[str, Path]]:
    """Every name that is, or lies below, what `pattern` matches; with what its stars are."""
    stars = pattern.index("*") if "*" in pattern else len(pattern)
    whole, head = _dotted(pattern), "".join(f"{part}." for part in pattern[:stars])
    if stars == len(pattern):
        return [(name, ()) for name in state if name == whole or name.startswith(head)]
    found = []
    for name in state:
        if name.startswith(head):
            captures = match(pattern, tuple(name.split("."))[: len(pattern)])
            if captures is not None:
                found.append((name, captures))
    return found


def _tensors(state: StateDict, path: str) -> list[tuple[str, Path]]:
    """Every tensor whose whole name `path` matches; with what its stars are."""
    pattern = parse_path(path)
    found = _below(state.tensors, pattern)
    return [(name, stars) for name, stars in found if name.count(".") == len(pattern) - 1]


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _move(operation: Move, state: StateDict, _key: str) -> bool:
    source, target = operation.paths
    found = _below(state.tensors, source)
    if not found and not operation.optional:
        raise _DoesNotFit(f"there is nothing at `{operation.source}`")
    new = {
        name: _dotted((*fill(target, captures), *name.split(".")[len(source) :]))
        for name, captures in found
    }
    taken: set[str] = set()
    for name, to in new.items():
        if (to in state.tensors and to not in new) or to in taken:
            raise _DoesNotFit(f"`{name}` would go to `{to}`, which is taken")
        taken.add(to)
    if found:
        depths = _renumbered(source, target)
        state.rename(new, {tuple(to.split(".")[:at]) for to in taken for at in depths})
    return bool(found)


def _renumbered(source: Path, target: Path) -> list[int]:
    """Which segments are another number afterwards, so that the place changes."""
    pairs = enumerate(zip(source, target, strict=False))
    return [at for at, (old, new) in pairs if old != new and is_number(old) and is_number(new)]


def _add(operation: Add, state: StateDict, key: str) -> bool:
    if operation.implicit:
        return False
    pattern = parse_path(operation.path)
    if operation.value is STASH:
        return _restore(operation, state, key, pattern)
    value = operation.value
    if isinstance(value, CopyOf):
        from checkpoint_tools.plan import Take

        value = Take(value.path)
    if not is_expression(value):
        raise _DoesNotFit(f"`{operation.path}` needs an expression, not {value!r}")
    found = False
    for captures in _sections(state, pattern):
        name = _dotted(fill(pattern, captures))
        if name in state.tensors:
            raise _DoesNotFit(f"`{name}` is there already")
        kept = state.kept.pop(f"{key}/{name}", None)
        state.put(name, state.made_of(_filled(value, captures)) if kept is None else kept)
        found = True
    if not found and not operation.optional:
        raise _DoesNotFit(f"no section matches `{operation.path}`")
    return found


def _sections(state: StateDict, pattern: Path) -> list[Path]:
    """What the stars of a pattern stand for, in every section that its upper part matches."""
    if "*" not in pattern:
        return [()]
    upper = pattern[: len(pattern) - pattern[::-1].index("*")]
    return list(dict.fromkeys(captures for _, captures in _below(state.tensors, upper)))


def _filled(expr: Any, captures: Path) -> Any:
    """An expression with the stars in its names replaced."""
    from checkpoint_tools.plan import Take
    from checkpoint_tools.plan.expressions import children, with_children

    if not captures:
        return expr
    if isinstance(expr, Take):
        if "*" not in expr.name.split("."):
            return expr
        path = parse_path(expr.name)
        if path.count("*") != len(captures):
            raise _DoesNotFit(f"`{expr.name}` has not the stars of the path that is added")
        return Take(_dotted(fill(path, captures)))
    return with_children(expr, [_filled(part, captures) for part in children(expr)])


def _restore(operation: Add, state: StateDict, key: str, pattern: Path) -> bool:
    prefix = f"{key}/"
    names = [one.removeprefix(prefix) for one in state.kept if one.startswith(prefix)]
    found = [name for name, _ in _below(names, pattern)]
    if not found and not operation.optional:
        raise _DoesNotFit(
            f"`{operation.path}` was kept beside the converted file, and that is not there"
        )
    for name in found:
        if name in state.tensors:
            raise _DoesNotFit(f"`{name}` is there already")
        state.put(name, state.kept.pop(prefix + name))
    return bool(found)


def _remove(operation: Remove, state: StateDict, key: str) -> bool:
    if operation.implicit:
        return False
    found = [name for name, _ in _below(state.tensors, parse_path(operation.path))]
    if not found and not operation.optional:
        raise _DoesNotFit(f"there is nothing at `{operation.path}`")
    for name in found:
        state.take_out(name, f"{key}/{name}" if _is_kept(operation.restore) else None)
    return bool(found)


def _is_kept(restore: Any) -> bool:
    """Whether what leaves has to be kept: nothing that stays tells what it was."""
    from checkpoint_tools.plan.expressions import takes

    if is_expression(restore):
        return not takes(restore)
    return restore is STASH


def _convert(operation: Convert, state: StateDict, _key: str) -> bool:
    codec = operation.codec
    if not isinstance(codec, TensorCodec):
        raise _DoesNotFit(f"{codec.describe()}: no codec for tensors")
    if isinstance(codec, Split | Joined):
        for part in codec.parts:
            same_stars("Convert", operation.path, part)
        return (_split if isinstance(codec, Split) else _join)(operation, codec, state)
    found = _tensors(state, operation.path)
    if not found and not operation.optional:
        raise _DoesNotFit(f"there is no tensor `{operation.path}`")
    for name, _ in found:
        made = codec.on(state.tensors[name], state.type_of(name))
        state.tensors[name] = state.resolved(made)
    return bool(found)


def _split(operation: Convert, codec: Any, state: StateDict) -> bool:
    from checkpoint_tools.plan import split

    found = _tensors(state, operation.path)
    if not found and not operation.optional:
        raise _DoesNotFit(f"there is no tensor `{operation.path}`")
    became: dict[str, dict[str, Expr]] = {}
    for name, captures in found:
        length = length_of(state.type_of(name), codec.dim)
        if length != sum(codec.sizes):
            raise _DoesNotFit(f"`{name}` is {length} long, not {sum(codec.sizes)}")
        new = [_dotted(fill(parse_path(part), captures)) for part in codec.parts]
        taken = (set(new) & state.tensors.keys()) - {name}
        if taken:
            raise _DoesNotFit(f"`{min(taken)}` is there already")
        parts = split(state.tensors[name], codec.sizes, codec.dim)
        became[name] = dict(zip(new, parts, strict=True))
    state.replace(became, list(became))
    return bool(found)


def _join(operation: Convert, codec: Any, state: StateDict) -> bool:
    from checkpoint_tools.plan import Concat

    found = dict.fromkeys(stars for part in codec.parts for _, stars in _tensors(state, part))
    if not found and not operation.optional:
        raise _DoesNotFit(f"there is no tensor `{codec.parts[0]}`")
    became: dict[str, dict[str, Expr]] = {}
    gone: list[str] = []
    for captures in found:
        names = [_dotted(fill(parse_path(part), captures)) for part in codec.parts]
        for name, size in zip(names, codec.sizes, strict=True):
            if name not in state.tensors:
                raise _DoesNotFit(f"there is no tensor `{name}`")
            if length_of(state.type_of(name), codec.dim) != size:
                raise _DoesNotFit(f"`{name}` is not {size} long along dimension {codec.dim}")
        target = _dotted(fill(parse_path(operation.path), captures))
        if target in state.tensors and target not in names:
            raise _DoesNotFit(f"`{target}` is there already")
        joined = Concat(tuple(state.tensors[name] for name in names), codec.dim)
        became[names[0]] = {target: joined}
        gone += names
    state.replace(became, gone)
    return bool(found)


def _custom(operation: Custom, state: StateDict, key: str) -> bool:
    from cfgmig.migration.weights import Weights

    state.settle()
    words = operation.up(Weights(tensors=state.types))
    return sum(_carry_out(one, state, key) for one in words) > 0


def _blocked(operation: Blocked, _state: StateDict, _key: str) -> bool:
    raise LossyError(operation.describe())


_HANDLERS: dict[type, Callable[[Any, StateDict, str], bool]] = {
    Move: _move,
    Add: _add,
    Remove: _remove,
    Convert: _convert,
    Custom: _custom,
    Blocked: _blocked,
}
