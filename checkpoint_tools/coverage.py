"""The proof that rectangles tile a shape: inside of it, disjoint, nothing left out."""

from __future__ import annotations

from math import prod

from checkpoint_tools import limits

Rectangle = tuple[tuple[int, ...], tuple[int, ...]]


class Coverage:
    """Checks tilings; what lies on no grid is compared pair by pair, within one budget."""

    def __init__(self) -> None:
        self._left = limits.MAX_COMPARISONS

    def fault(self, shape: tuple[int, ...], parts: list[Rectangle]) -> str:
        """What is wrong with the tiling of `shape` by (start, size) parts; "" when it is exact."""
        volume = 0
        for start, size in parts:
            inside = len(start) == len(size) == len(shape) and all(
                a + n <= whole for a, n, whole in zip(start, size, shape, strict=True)
            )
            if not inside:
                return f"reach beyond it, at {start} with size {size}"
            volume += prod(size)
        whole = prod(shape)
        if volume > whole:
            return f"overlap: they have {volume} elements and it has {whole}"
        filled = [part for part in parts if 0 not in part[1]]
        clash = "" if _is_grid(filled) else self._clash(filled)
        if clash:
            return clash
        if volume < whole:
            return f"leave out {whole - volume} of {whole} elements{_hint(shape, parts)}"
        return ""

    def _clash(self, parts: list[Rectangle]) -> str:
        """Two parts that share an element, found by sweeping along the busiest dimension."""
        if len(parts) < 2:
            return ""
        rank = len(parts[0][0])
        axis = max(range(rank), key=lambda d: len({start[d] for start, _ in parts}), default=-1)
        if axis < 0:
            return "overlap: a single number has two chunks"
        active: list[Rectangle] = []
        for part in sorted(parts, key=lambda part: part[0][axis]):
            begin = part[0][axis]
            active = [other for other in active if other[0][axis] + other[1][axis] > begin]
            self._left -= len(active)
            if self._left < 0:
                return "lie too irregularly to be proven disjoint"
            for other in active:
                if _meet(part, other):
                    return f"overlap, at {part[0]} and {other[0]}"
            active.append(part)
        return ""


def _is_grid(parts: list[Rectangle]) -> bool:
    """Whether the parts are distinct cells of one grid, as shards nearly always are."""
    if not parts:
        return True
    for axis in range(len(parts[0][0])):
        reach = 0
        for low, length in sorted({(start[axis], size[axis]) for start, size in parts}):
            if low < reach:
                return False
            reach = low + length
    return len({start for start, _ in parts}) == len(parts)


def _meet(left: Rectangle, right: Rectangle) -> bool:
    return all(
        a < b + m and b < a + n
        for a, n, b, m in zip(left[0], left[1], right[0], right[1], strict=True)
    )


def _hint(shape: tuple[int, ...], parts: list[Rectangle]) -> str:
    """Where the first gap is, when it shows along one dimension."""
    for axis, length in enumerate(shape):
        reach = 0
        for low, high in sorted((start[axis], start[axis] + size[axis]) for start, size in parts):
            if low > reach:
                return f": {reach}:{low} of dimension {axis}"
            reach = max(reach, high)
        if reach < length:
            return f": {reach}:{length} of dimension {axis}"
    return ""
