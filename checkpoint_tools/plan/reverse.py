"""The way back: a plan that makes the sources from the outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checkpoint_tools.plan.casts import is_exact
from checkpoint_tools.plan.coverage import topological
from checkpoint_tools.plan.errors import Irreversible
from checkpoint_tools.plan.expressions import (
    Cast,
    Compute,
    Concat,
    Expr,
    Init,
    Pad,
    Permute,
    Repeat,
    Reshape,
    Slice,
    Take,
)
from checkpoint_tools.plan.plan import Plan, plan_of
from checkpoint_tools.plan.regions import Region, guillotine, meet, size, whole
from checkpoint_tools.plan.resolve import Resolver, Type
from checkpoint_tools.text import quote

# What fills a rectangle of a tensor on the way back.
_Filled = tuple[Region, Expr]


def reverse_plan(
    plan: Plan,
    source: Mapping[str, Type],
    *,
    restore: Mapping[str, Expr] | None = None,
    lossy: bool = False,
) -> Plan:
    """The plan that makes the tensors `source` out of what `plan` makes of them.

    Args:
        plan: the way there.
        source: types of the tensors that it starts from.
        restore: for tensors that the way there dropped, what they are made of on the way back.
        lossy: allow casts that do not give every number back.

    Raises:
        Irreversible: a step cannot be undone; every such tensor is a problem of its own.
    """
    resolver = Resolver(source)
    outputs = {name: resolver.resolve(expr) for name, expr in plan.outputs.items()}
    filled: dict[Expr, list[_Filled]] = {}
    for name, expr in outputs.items():
        if name not in plan.ties:
            region = whole(resolver.types[expr].shape)
            filled.setdefault(expr, []).append((region, Take(name)))
    problems: dict[str, str] = {}
    made: dict[str, Expr] = {}
    for node in topological(outputs.values()):
        try:
            _undo(node, filled, resolver.types, lossy, made)
        except Irreversible as error:
            for name in _names_below(node):
                problems.setdefault(name, f"{quote(name)}: {error.reason}")
    made |= restore or {}
    lost = [name for name in source if name not in made]
    if lost:
        raise Irreversible.of(
            [
                problems.get(name, f"{quote(name)} is dropped, so nothing brings it back")
                for name in lost
            ]
        )
    pairs = [(name, made[name]) for name in source]
    unused = plan.outputs.keys() - {n for _, expr in pairs for n in _names_below(expr)}
    extra = [name for name in plan.outputs if _is_invented(outputs[name])]
    return plan_of(pairs, {*unused, *extra})


def _is_invented(expr: Expr) -> bool:
    """Whether parts of it come from no source, so that the way back leaves elements out."""
    return any(isinstance(node, Init | Pad | Repeat) for node in topological([expr]))


def _names_below(expr: Expr) -> Iterator[str]:
    for node in topological([expr]):
        if isinstance(node, Take):
            yield node.name


def _undo(
    node: Expr,
    filled: dict[Expr, list[_Filled]],
    types: Mapping[Expr, Type],
    lossy: bool,
    made: dict[str, Expr],
) -> None:
    """Pass what is known of `node` on to what it is made from."""
    known = filled.get(node)
    if not known or isinstance(node, Init):
        return
    all_of_it = whole(types[node].shape)
    joined = _join(known, all_of_it)
    if isinstance(node, Take):
        if joined is None:
            raise Irreversible("parts of it are dropped, so nothing brings them back")
        made[node.name] = joined
        return
    for region, expr in [(all_of_it, joined)] if joined is not None else known:
        for child, part, value in _inverse(node, region, expr, types, lossy):
            filled.setdefault(child, []).append((part, value))


def _join(parts: list[_Filled], box: Region) -> Expr | None:
    """One expression for `box` out of rectangles that cover it without overlapping."""
    for region, expr in parts:
        if region == box:
            return expr
    inside = [(both, region, expr) for region, expr in parts if (both := meet(region, box))]
    if not inside or any(both != region for both, region, _ in inside):
        return None
    cut = guillotine([region for _, region, _ in inside], box)
    if cut is None or sum(size(region) for _, region, _ in inside) < size(box):
        return None
    dim, at = cut
    low, high = list(box), list(box)
    low[dim], high[dim] = (box[dim][0], at), (at, box[dim][1])
    rest = [(region, expr) for _, region, expr in inside]
    first, second = _join(rest, tuple(low)), _join(rest, tuple(high))
    if first is None or second is None:
        return None
    halves = [
        part.parts if isinstance(part, Concat) and part.dim == dim else (part,)
        for part in (first, second)
    ]
    return Concat((*halves[0], *halves[1]), dim)


def _inverse(
    node: Expr, region: Region, expr: Expr, types: Mapping[Expr, Type], lossy: bool
) -> Iterator[tuple[Expr, Region, Expr]]:
    """(input, rectangle of it, what fills it), given that `expr` is `region` of `node`."""
    complete = region == whole(types[node].shape)
    match node:
        case Permute(of, dims):
            back = tuple(dims.index(dim) for dim in range(len(dims)))
            yield of, tuple(region[place] for place in back), Permute(expr, back)
        case Reshape(of):
            if not complete:
                raise Irreversible("only parts of what a reshape gave are kept")
            yield of, whole(types[of].shape), Reshape(expr, types[of].shape)
        case Slice(of, dim, start, _):
            yield of, _shifted(region, dim, start), expr
        case Concat(parts, dim):
            begin = 0
            for part in parts:
                end = begin + types[part].shape[dim]
                cut = _cut(region, expr, dim, begin, end)
                if cut is not None:
                    yield part, _shifted(cut[0], dim, -begin), cut[1]
                begin = end
        case Pad(of, dim, before, _):
            cut = _cut(region, expr, dim, before, before + types[of].shape[dim])
            if cut is not None:
                yield of, _shifted(cut[0], dim, -before), cut[1]
        case Repeat(of, times, dim):
            length = types[of].shape[dim]
            for turn in range(times):
                cut = _cut(region, expr, dim, turn * length, (turn + 1) * length)
                if cut is not None:
                    yield of, _shifted(cut[0], dim, -turn * length), cut[1]
                    if cut[0][dim] == (turn * length, (turn + 1) * length):
                        return
        case Cast(of, dtype):
            old = types[of].dtype
            if not (lossy or is_exact(old, dtype)):
                raise Irreversible(f"a cast from {old} to {dtype} loses numbers")
            yield of, region, Cast(expr, old)
        case Compute():
            yield _computed(node, expr, complete, types)


def _computed(
    node: Compute, expr: Expr, complete: bool, types: Mapping[Expr, Type]
) -> tuple[Expr, Region, Expr]:
    if node.reverse is None:
        raise Irreversible(f"{quote(node.name)} has no way back")
    if len(node.inputs) != 1 or not complete:
        raise Irreversible(f"{quote(node.name)} gives only a part of its inputs back")
    (of,) = node.inputs
    dtype, shape = types[of]
    back = Compute(f"reverse of {node.name}", node.reverse, (expr,), dtype, shape, node.function)
    return of, whole(shape), back


def _cut(region: Region, expr: Expr, dim: int, begin: int, end: int) -> tuple[Region, Expr] | None:
    """The part of a filled rectangle between two places along a dimension."""
    low, high = max(region[dim][0], begin), min(region[dim][1], end)
    if low >= high:
        return None
    base = region[dim][0]
    cut = (*region[:dim], (low, high), *region[dim + 1 :])
    return cut, expr if cut == region else Slice(expr, dim, low - base, high - base)


def _shifted(region: Region, dim: int, by: int) -> Region:
    low, high = region[dim]
    return (*region[:dim], (low + by, high + by), *region[dim + 1 :])
