"""A conversion: which outputs are made of what, and what is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from checkpoint_tools.plan.errors import PlanError
from checkpoint_tools.plan.expressions import Expr, Take, children, with_children
from checkpoint_tools.text import quote

if TYPE_CHECKING:
    from checkpoint_tools.formats.protocol import Checkpoint


@dataclass(frozen=True)
class Plan:
    """What each output tensor is made of.

    Attributes:
        outputs: in the order of the target, where its format has one.
        drop: source tensors of which all or some elements are left out, by name.
        ties: outputs that are another output, which is in `outputs` too; formats that share
            storages keep them as one. Whoever says so vouches that their elements are the same.
    """

    outputs: Mapping[str, Expr]
    drop: frozenset[str] = frozenset()
    ties: Mapping[str, str] = field(default_factory=dict)


def plan_of(
    pairs: Iterable[tuple[str, Expr]],
    drop: Iterable[str] = (),
    ties: Mapping[str, str] | None = None,
) -> Plan:
    """A plan from (output, expression) pairs.

    Raises:
        PlanError: two pairs have one name.
    """
    outputs: dict[str, Expr] = {}
    problems: list[str] = []
    for name, expr in pairs:
        if name in outputs:
            problems.append(f"two outputs are called {quote(name)}")
        outputs[name] = expr
    if problems:
        raise PlanError.of(problems)
    return Plan(outputs, frozenset(drop), ties or {})


def identity_plan(checkpoint: Checkpoint) -> Plan:
    """Everything as it is. Tensors that a writer recorded as tied are tied again."""
    return rename_plan(checkpoint, {})


def rename_plan(
    checkpoint: Checkpoint, mapping: Mapping[str, str], drop: Iterable[str] = ()
) -> Plan:
    """Everything under the names of `mapping` (old to new); what it lacks keeps its name.

    Raises:
        PlanError: two tensors would have one name, or one that is named is not there.
    """
    dropped = frozenset(drop)
    recorded = recorded_ties(checkpoint)
    names = [*checkpoint.tensors, *(name for name in recorded if name not in checkpoint.tensors)]
    known = set(names)
    missing = sorted((mapping.keys() | dropped) - known)
    if missing:
        raise PlanError.of([f"there is no tensor {quote(name)}" for name in missing])
    new = {name: mapping.get(name, name) for name in names if name not in dropped}
    pairs = [
        (to, Take(name if name in checkpoint.tensors else recorded[name]))
        for name, to in new.items()
    ]
    problems = _collisions(new)
    if problems:
        raise PlanError.of(problems, checkpoint.name)
    ties = {
        new[name]: new[first] for name, first in recorded.items() if name in new and first in new
    }
    return plan_of(pairs, dropped & checkpoint.tensors.keys(), ties)


def _collisions(new: Mapping[str, str]) -> list[str]:
    seen: dict[str, str] = {}
    problems: list[str] = []
    for old, to in new.items():
        first = seen.setdefault(to, old)
        if first != old:
            problems.append(f"{quote(first)} and {quote(old)} would both be called {quote(to)}")
    return problems


def recorded_ties(checkpoint: Checkpoint) -> dict[str, str]:
    """Ties that a safetensors file tells in its metadata, as `safetensors.torch.save_model` does.

    {"lm_head.weight": "embed.weight"} says that the first is the second, whether or not both are
    in the file; if they are, their bytes must agree, or they are tied no longer.
    """
    if "safetensors" not in checkpoint.format:
        return {}
    found: dict[str, str] = {}
    for name, first in checkpoint.metadata.items():
        if type(first) is not str or first not in checkpoint.tensors or name == first:
            continue
        if name in checkpoint.tensors and not _same(checkpoint, name, first):
            continue
        found[name] = first
    return found


def _same(checkpoint: Checkpoint, first: str, second: str) -> bool:
    a, b = checkpoint.tensors[first], checkpoint.tensors[second]
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        return False
    pairs = zip(checkpoint.stream(first), checkpoint.stream(second), strict=True)
    return all(one == other for one, other in pairs)


def compose(first: Plan, second: Plan) -> Plan:
    """One plan that does what `first` and then `second` would do, in a single pass.

    Raises:
        PlanError: `second` takes or drops what `first` does not make.
    """
    missing = sorted(second.drop - first.outputs.keys())
    if missing:
        raise PlanError.of([f"{quote(name)} is dropped, but never made" for name in missing])
    pairs = [(name, _substituted(expr, first.outputs)) for name, expr in second.outputs.items()]
    lost: set[str] = set(first.drop)
    for name in second.drop:
        lost.update(_leaves(first.outputs[name]))
    where = {expr.name: name for name, expr in second.outputs.items() if isinstance(expr, Take)}
    ties = dict(second.ties)
    for name, other in first.ties.items():
        if name in where and other in where and where[name] != where[other]:
            ties[where[name]] = where[other]
    return plan_of(pairs, lost, ties)


def _leaves(expr: Expr) -> set[str]:
    if isinstance(expr, Take):
        return {expr.name}
    return {name for part in children(expr) for name in _leaves(part)}


def _substituted(expr: Expr, made: Mapping[str, Expr]) -> Expr:
    if isinstance(expr, Take):
        if expr.name not in made:
            raise PlanError(f"there is no tensor {quote(expr.name)} to take")
        return made[expr.name]
    return with_children(expr, [_substituted(part, made) for part in children(expr)])
