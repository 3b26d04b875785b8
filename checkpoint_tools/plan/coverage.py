"""Which elements of each source tensor the outputs use, and whether as they are or computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

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
    children,
)
from checkpoint_tools.plan.regions import Region, meet, size, through_reshape, volume, whole
from checkpoint_tools.plan.resolve import Type

# A rectangle, in the coordinates of the shape beside it.
_Seen = tuple[tuple[int, ...], Region]


def used(
    roots: Iterable[Expr], types: Mapping[Expr, Type], origins: Mapping[str, str]
) -> tuple[dict[str, list[Region]], dict[str, list[Region]]]:
    """The rectangles of each source tensor that are moved as they are, and those computed with.

    Those of one tensor are rectangles of one shape, though not always of its own.

    Args:
        roots: expressions in plain form.
        types: the type of every part of them.
        origins: for each tensor the name under which it is counted, the same for tied ones.
    """
    plain: dict[Expr, list[Region]] = {}
    computed: dict[Expr, list[Region]] = {}
    order = topological(roots)
    for root in roots:
        plain.setdefault(root, []).append(whole(types[root].shape))
    seen: dict[str, tuple[list[_Seen], list[_Seen]]] = {}
    for node in order:
        for column, needs in enumerate((plain, computed)):
            regions = list(filter(size, dict.fromkeys(needs.get(node, ()))))
            if not regions:
                continue
            shape = types[node].shape
            if len(regions) > 1 and volume(regions) == size(whole(shape)):
                regions = [whole(shape)]
            leaf = node.of if isinstance(node, Reshape) else node
            if isinstance(leaf, Take):
                found = seen.setdefault(origins[leaf.name], ([], []))
                found[column].extend((shape, region) for region in regions)
                continue
            into = computed if isinstance(node, Cast | Compute) else needs
            for region in regions:
                for child, part in _below(node, region, types):
                    into.setdefault(child, []).append(part)
    both = {name: _in_one_shape(*found) for name, found in seen.items()}
    return (
        {name: columns[0] for name, columns in both.items()},
        {name: columns[1] for name, columns in both.items()},
    )


def _in_one_shape(plain: list[_Seen], computed: list[_Seen]) -> tuple[list[Region], list[Region]]:
    """The same rectangles in the coordinates that most of them have."""
    votes: dict[tuple[int, ...], int] = {}
    for shape, region in (*plain, *computed):
        votes[shape] = votes.get(shape, 0) + (region != whole(shape))
    chosen = max(votes, key=lambda shape: (votes[shape], shape))

    def moved(seen: list[_Seen]) -> list[Region]:
        return [
            part
            for shape, region in seen
            for part in ([region] if shape == chosen else through_reshape(region, shape, chosen))
        ]

    return moved(plain), moved(computed)


def topological(roots: Iterable[Expr]) -> list[Expr]:
    """Every part once, each before what it is made from."""
    order: list[Expr] = []
    seen: set[Expr] = set()

    def visit(node: Expr) -> None:
        if node in seen:
            return
        seen.add(node)
        for child in children(node):
            visit(child)
        order.append(node)

    for root in roots:
        visit(root)
    order.reverse()
    return order


def _below(node: Expr, region: Region, types: Mapping[Expr, Type]) -> Iterator[tuple[Expr, Region]]:
    """What of its inputs a rectangle of `node` is made from."""
    match node:
        case Take() | Init():
            return
        case Cast(of):
            yield of, region
        case Permute(of, dims):
            inner = [(0, 0)] * len(dims)
            for place, dim in enumerate(dims):
                inner[dim] = region[place]
            yield of, tuple(inner)
        case Slice(of, dim, start, _):
            low, high = region[dim]
            yield of, _at(region, dim, (low + start, high + start))
        case Concat(parts, dim):
            begin = 0
            for part in parts:
                end = begin + types[part].shape[dim]
                both = meet(region, _at(region, dim, (begin, end)))
                if both:
                    low, high = both[dim]
                    yield part, _at(both, dim, (low - begin, high - begin))
                begin = end
        case Repeat(of, _, dim):
            length = types[of].shape[dim]
            low, high = region[dim]
            if high - low >= length:
                edges = [(0, length)]
            elif low // length == (high - 1) // length:
                edges = [(low % length, (high - 1) % length + 1)]
            else:
                edges = [(low % length, length), (0, high % length)]
            for edge in edges:
                yield of, _at(region, dim, edge)
        case Pad(of, dim, before, _):
            low, high = (edge - before for edge in region[dim])
            low, high = max(low, 0), min(high, types[of].shape[dim])
            if low < high:
                yield of, _at(region, dim, (low, high))
        case Reshape(of, shape):
            for inside in through_reshape(region, shape, types[of].shape):
                yield of, inside
        case Compute(_, _, inputs):
            for one in inputs:
                yield one, whole(types[one].shape)


def _at(region: Region, dim: int, edge: tuple[int, int]) -> Region:
    return (*region[:dim], edge, *region[dim + 1 :])
