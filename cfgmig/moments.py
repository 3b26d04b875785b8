"""Optimizer state that follows the weights: what torch numbers is given names, and back.

torch's optimizers keep their state by the number of a parameter, and no names. The numbers are
found again by shape and order: a group's parameters stand next to each other in the state dict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from checkpoint_tools.plan import Expr, Type

BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
"""Last segments of tensors that torch's own modules keep and do not train."""


LABELS = "param_names"
"""Where torch keeps the names of a group's parameters, if it was given any."""


class Followed(NamedTuple):
    """An optimizer's state after its parameters were rewritten.

    Attributes:
        tree: its mapping, with `TensorAt` in the places of tensors.
        outputs: the tensors of its state by the names in `tree`.
        fresh: parameters that lose their state, or are new.
    """

    tree: dict[str, Any]
    outputs: dict[str, Expr]
    fresh: tuple[str, ...]


class _Unknown(Exception):
    """It cannot be told which parameters the state belongs to."""


def follow(
    optimizer: Any,
    key: str,
    types: Mapping[str, Type],
    before: Mapping[str, str],
    after: Mapping[str, Expr],
    tied: Set[str] = frozenset(),
) -> Followed | str:
    """The state of an optimizer for the rewritten parameters, or why there is none.

    Args:
        optimizer: `{"state": {0: ...}, "param_groups": [...]}` with `TensorAt` for tensors.
        key: under which it will stand in the file.
        types: of all tensors of the file.
        before: parameter -> tensor of the file, in the order of the state dict.
        after: parameter -> expression over the file, in the order of the new state dict;
            without buffers.
        tied: tensors of the file that are other ones of it; both are one parameter.
    """
    try:
        groups, state = _parts(optimizer)
        shapes = _moment_shapes(state, types)
        names = {
            name: types[tensor].shape
            for name, tensor in before.items()
            if tensor not in tied and is_parameter(name, types[tensor].dtype)
        }
        owners = _named(groups, names) or _assign(groups, shapes, names)
        group_of = {before[name]: at for name, (at, _) in owners.items()}
        others = set(before.values()) - group_of.keys()
        placed = _regroup(after, group_of, others, len(groups))
    except _Unknown as error:
        return str(error)
    number_of = {before[name]: number for name, (_, number) in owners.items()}
    made: dict[int, Any] = {}
    outputs: dict[str, Expr] = {}
    fresh: list[str] = []
    number, numbers = 0, []
    for members in placed:
        for name in members:
            slots = _slots(after[name], number_of, state, types)
            if slots is None:
                if _loses(after[name], number_of, state):
                    fresh.append(name)
            else:
                made[number] = _written(slots, f"{key}.state.{number}", outputs)
            number += 1
        numbers.append(list(range(number - len(members), number)))
    renumbered = [
        {**group, "params": own} | ({LABELS: members} if LABELS in group else {})
        for group, own, members in zip(groups, numbers, placed, strict=True)
    ]
    tree = {**optimizer, "state": made, "param_groups": renumbered}
    return Followed(tree, outputs, tuple(fresh))


def is_parameter(name: str, dtype: str) -> bool:
    """Whether an optimizer may train a tensor; buffers of other names cannot be told."""
    return dtype.startswith(("float", "bfloat")) and name.rpartition(".")[2] not in BUFFERS


def _parts(optimizer: Any) -> tuple[list[dict[str, Any]], dict[int, dict[str, Any]]]:
    whole = optimizer if isinstance(optimizer, dict) else {}
    groups, state = whole.get("param_groups"), whole.get("state")
    if not isinstance(groups, list) or not isinstance(state, dict):
        raise _Unknown("it is not laid out as torch's optimizers are")
    if not all(isinstance(slots, dict) for slots in state.values()):
        raise _Unknown("it is not laid out as torch's optimizers are")
    for group in groups:
        params = group.get("params") if isinstance(group, dict) else None
        if not isinstance(params, list) or not all(type(one) is int for one in params):
            raise _Unknown("a group does not number its parameters")
    return groups, state


def _moment_shapes(
    state: Mapping[int, Mapping[str, Any]], types: Mapping[str, Type]
) -> dict[int, tuple[int, ...]]:
    """The shape of each numbered parameter that has state, told by its largest tensor."""
    found = {}
    for number, slots in state.items():
        shapes = [types[value.name].shape for value in slots.values() if _is_tensor(value)]
        if shapes:
            found[number] = max(shapes, key=len)
    return found


def _is_tensor(value: object) -> bool:
    from checkpoint_tools.writing import TensorAt

    return type(value) is TensorAt


def _named(
    groups: Sequence[Mapping[str, Any]], names: Mapping[str, object]
) -> dict[str, tuple[int, int]] | None:
    """For each parameter its group and its number, if the groups name theirs."""
    found: dict[str, tuple[int, int]] = {}
    for at, group in enumerate(groups):
        labels = group.get(LABELS)
        if not isinstance(labels, list) or len(labels) != len(group["params"]):
            return None
        found |= {name: (at, n) for name, n in zip(labels, group["params"], strict=True)}
    return found if found.keys() <= names.keys() else None


def _assign(
    groups: Sequence[Mapping[str, Any]],
    shapes: Mapping[int, tuple[int, ...]],
    names: Mapping[str, tuple[int, ...]],
) -> dict[str, tuple[int, int]]:
    """For each parameter its group and its number.

    Raises:
        _Unknown: a group fits nowhere, or in several places.
    """
    order = list(names)
    found: dict[str, tuple[int, int]] = {}
    for at, group in enumerate(groups):
        params, label = group["params"], group.get("name")
        windows = [
            order[begin : begin + len(params)]
            for begin in range(len(order) - len(params) + 1)
            if all(
                shapes.get(number, names[name]) == names[name]
                for number, name in zip(params, order[begin : begin + len(params)], strict=True)
            )
        ]
        if isinstance(label, str):
            named = [one for one in windows if all(label in name.split(".") for name in one)]
            windows = named or windows
        windows = [one for one in windows if not found.keys() & set(one)]
        if len(windows) != 1:
            said = "nowhere" if not windows else f"in {len(windows)} places"
            raise _Unknown(f"its group {label or at} of {len(params)} parameters fits {said}")
        for number, name in zip(params, windows[0], strict=True):
            found[name] = (at, number)
    return found


def _regroup(
    after: Mapping[str, Expr], group_of: Mapping[str, int], others: Set[str], count: int
) -> list[list[str]]:
    """The parameters of each group; a new one joins its nearest sibling.

    Args:
        after: as for `follow`.
        group_of: tensor of the file -> the group that it is trained in.
        others: tensors of the model that no group trains.
        count: how many groups there are.

    Raises:
        _Unknown: siblings of a new one are in several groups.
    """
    from checkpoint_tools.plan.expressions import takes

    own: dict[str, int] = {}
    for name, expr in after.items():
        groups = {group_of.get(tensor, -1) for tensor in takes(expr)}
        if len(groups) == 1 and -1 not in groups:
            own[name] = groups.pop()
    sections: dict[str, set[int]] = {}
    for name, group in own.items():
        _enter(sections, name, group)
    for name, expr in after.items():
        if name not in own and others.isdisjoint(takes(expr)):
            near = _nearest(name, sections)
            if near is None:
                raise _Unknown(f"no one group of it is where {name} belongs")
            own[name] = near
            _enter(sections, name, near)
    return [[name for name in after if own.get(name) == at] for at in range(count)]


def _enter(sections: dict[str, set[int]], name: str, group: int) -> None:
    head = name.rpartition(".")[0]
    while group not in sections.setdefault(head, set()):
        sections[head].add(group)
        head = head.rpartition(".")[0]


def _nearest(name: str, sections: Mapping[str, set[int]]) -> int | None:
    """The one group of the closest section that has any."""
    head = name
    while head:
        head = head.rpartition(".")[0]
        groups = sections.get(head)
        if groups:
            return next(iter(groups)) if len(groups) == 1 else None
    return None


def _slots(
    expr: Expr,
    number_of: Mapping[str, int],
    state: Mapping[int, Mapping[str, Any]],
    types: Mapping[str, Type],
) -> dict[str, Any] | None:
    """Every slot of a parameter's state: an expression, or a value; None when it has none."""
    from checkpoint_tools.plan.expressions import takes

    tensors = takes(expr)
    if not tensors or not _is_rearranged(expr) or any(name not in number_of for name in tensors):
        return None
    states = [state.get(number_of[name]) for name in tensors]
    if any(one is None or one.keys() != (states[0] or {}).keys() for one in states):
        return None
    slots: dict[str, Any] = {}
    for slot, first in (states[0] or {}).items():
        values = dict(zip(tensors, [one[slot] for one in states if one is not None], strict=True))
        if all(
            _is_tensor(value) and types[value.name].shape == types[name].shape
            for name, value in values.items()
        ):
            slots[slot] = _instead(expr, {name: value.name for name, value in values.items()})
        else:
            slots[slot] = first  # steps count the same for all parts of one tensor
    return slots


def _loses(
    expr: Expr, number_of: Mapping[str, int], state: Mapping[int, Mapping[str, Any]]
) -> bool:
    """Whether state is lost or lacking here; a parameter that never had any lacks none."""
    from checkpoint_tools.plan.expressions import takes

    tensors = takes(expr)
    if tensors and all(name in number_of for name in tensors):
        return any(state.get(number_of[name]) for name in tensors)
    return bool(state)


def _is_rearranged(expr: Expr) -> bool:
    """Whether every element is one of the parameter's own, or a zero that was never trained."""
    from checkpoint_tools.plan.expressions import (
        Concat,
        Pad,
        Permute,
        Reshape,
        Slice,
        Take,
        children,
    )

    if isinstance(expr, Pad) and expr.value != 0:
        return False
    fine = isinstance(expr, Take | Slice | Concat | Permute | Reshape | Pad)
    return fine and all(map(_is_rearranged, children(expr)))


def _instead(expr: Expr, other: Mapping[str, str]) -> Expr:
    from checkpoint_tools.plan import Take
    from checkpoint_tools.plan.expressions import children, with_children

    if isinstance(expr, Take):
        return Take(other[expr.name])
    return with_children(expr, [_instead(part, other) for part in children(expr)])


def _written(slots: Mapping[str, Any], prefix: str, outputs: dict[str, Expr]) -> dict[str, Any]:
    """The slots as they stand in the tree; their tensors go to `outputs`."""
    from checkpoint_tools.plan import Take
    from checkpoint_tools.plan.expressions import Expr as Known
    from checkpoint_tools.writing import TensorAt

    made: dict[str, Any] = {}
    for slot, value in slots.items():
        name = f"{prefix}.{slot}"
        if _is_tensor(value):
            outputs[name] = Take(value.name)
            made[slot] = TensorAt(name)
        elif isinstance(value, Known):
            outputs[name] = value
            made[slot] = TensorAt(name)
        else:
            made[slot] = value
    return made
