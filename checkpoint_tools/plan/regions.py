"""Arithmetic of rectangles inside a tensor: what of it is covered, and how parts make a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from math import prod

from checkpoint_tools.plan.errors import PlanError

# From start up to stop, for each dimension.
Region = tuple[tuple[int, int], ...]
_MOST = 4096


def whole(shape: tuple[int, ...]) -> Region:
    """All of a tensor."""
    return tuple((0, length) for length in shape)


def size(region: Region) -> int:
    """How many elements a rectangle has."""
    return prod(stop - start for start, stop in region)


def meet(first: Region, second: Region) -> Region | None:
    """What two rectangles have in common."""
    both = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(first, second, strict=True))
    return both if all(start < stop for start, stop in both) else None


def volume(regions: Sequence[Region]) -> int:
    """Elements that at least one rectangle covers."""
    unique = [region for region in dict.fromkeys(regions) if size(region)]
    if len(unique) <= 1:
        return sum(map(size, unique))
    if len(unique) > _MOST:
        raise PlanError(f"a tensor is used in over {_MOST} pieces")
    if all(region[0] == unique[0][0] for region in unique):
        start, stop = unique[0][0]
        return (stop - start) * volume([region[1:] for region in unique])
    cuts = sorted({edge for region in unique for edge in region[0]})
    total = 0
    for low, high in pairwise(cuts):
        rest = [region[1:] for region in unique if region[0][0] <= low and high <= region[0][1]]
        total += (high - low) * (volume(rest) if rest and rest[0] else bool(rest))
    return total


def guillotine(regions: Sequence[Region], box: Region) -> tuple[int, int] | None:
    """A dimension and a place where a cut divides the rectangles of `box` without hurting one."""
    for dim in range(len(box)):
        for at in sorted({region[dim][0] for region in regions} - {box[dim][0]}):
            if all(at <= region[dim][0] or region[dim][1] <= at for region in regions):
                return dim, at
    return None


def through_reshape(
    region: Region, shape: tuple[int, ...], inner: tuple[int, ...]
) -> Iterator[Region]:
    """The rectangles of a tensor of shape `inner` that `region` means after a reshape to `shape`.

    Raises:
        PlanError: they are too many to be counted.
    """
    if region == whole(shape):
        yield whole(inner)
        return
    if not size(region):
        return
    parts = [
        list(_block(region[a:b], shape[a:b], inner[c:d])) for a, b, c, d in _blocks(shape, inner)
    ]
    if prod(map(len, parts)) > _MOST:
        raise PlanError(f"a reshape scatters a part over more than {_MOST} places")
    for chosen in product(*parts):
        yield tuple(edge for part in chosen for edge in part)


def _blocks(shape: tuple[int, ...], inner: tuple[int, ...]) -> Iterator[tuple[int, int, int, int]]:
    """Groups of dimensions (from, to, from, to) that hold as many elements on both sides."""
    i = j = 0
    while i < len(shape) or j < len(inner):
        a, c = i, j
        left = right = 1
        if i < len(shape):
            left, i = shape[i], i + 1
        if j < len(inner):
            right, j = inner[j], j + 1
        while left != right:
            if left < right:
                left, i = left * shape[i], i + 1
            else:
                right, j = right * inner[j], j + 1
        yield a, i, c, j


def _block(region: Region, shape: tuple[int, ...], inner: tuple[int, ...]) -> Iterator[Region]:
    if region == whole(shape):
        yield whole(inner)
        return
    if len(shape) == len(inner) == 1:
        yield region
        return
    for begin, end in _intervals(region, shape):
        for start, stop in boxes(inner, begin, end):
            yield tuple(zip(start, stop, strict=True))


def _intervals(region: Region, shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """The elements of a rectangle as ranges of their numbers in C order."""
    outer, step = len(shape), 1
    while outer and region[outer - 1] == (0, shape[outer - 1]):
        outer -= 1
        step *= shape[outer]
    if not outer:
        yield 0, step
        return
    (low, high), rest = region[outer - 1], region[: outer - 1]
    row = step * shape[outer - 1]
    if size(rest) > _MOST:
        raise PlanError(f"a reshape scatters a part over more than {_MOST} places")
    for index in product(*(range(*edge) for edge in rest)):
        number = 0
        for at, length in zip(index, shape, strict=False):
            number = number * length + at
        yield number * row + low * step, number * row + high * step


def boxes(
    shape: tuple[int, ...], begin: int, end: int
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """(start, stop) of rectangles that are, one after the other, a range of elements in C order."""
    if begin >= end:
        return
    if not shape:
        yield (), ()
        return
    rest = shape[1:]
    row = prod(rest)
    first, low = divmod(begin, row)
    last, high = divmod(end, row)
    if first == last:
        for start, stop in boxes(rest, low, high):
            yield (first, *start), (first + 1, *stop)
        return
    if low:
        for start, stop in boxes(rest, low, row):
            yield (first, *start), (first + 1, *stop)
        first += 1
    if first < last:
        yield (first, *(0,) * len(rest)), (last, *rest)
    for start, stop in boxes(rest, 0, high):
        yield (last, *start), (last + 1, *stop)
