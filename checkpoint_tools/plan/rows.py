"""Rows that are put together from parts of other rows: joining, cutting, padding, repeating."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_tools.dtypes import itemsize
from checkpoint_tools.plan.nodes import GRAIN, Node, Segment


class Rows(Node):
    """Rows that are put together from parts of the rows of other nodes.

    Args:
        parts: (node, length of its rows, first element, how many) for each part of a row.
    """

    def __init__(self, dtype: str, outer: int, parts: list[tuple[Node, int, int, int]]) -> None:
        self.row = sum(part[3] for part in parts)
        super().__init__(dtype, outer * self.row)
        self.parts = parts
        least = min(part[3] for part in parts) * itemsize(dtype)
        self.large = outer == 1 or least >= GRAIN

    def _cut(self, begin: int, end: int) -> Iterator[tuple[Node, int, int]]:
        """The ranges of other nodes that make up a range of this one."""
        while begin < end:
            row, at = divmod(begin, self.row)
            for node, length, first, count in self.parts:
                if at < count and begin < end:
                    take = min(count - at, end - begin)
                    low = row * length + first + at
                    yield node, low, low + take
                    begin += take
                at = max(0, at - count)

    def segments(self, begin: int, end: int) -> Iterator[Segment]:
        """The segments of the parts if they are long enough."""
        if not self.large:
            yield from super().segments(begin, end)
            return
        for node, low, high in self._cut(begin, end):
            yield from node.segments(low, high)

    @property
    def scattered(self) -> bool:
        """Whether `placed` jumps about."""
        return self.numel == self.row and any(part[0].scattered for part in self.parts)

    def placed(self) -> Iterator[tuple[int, Segment]]:
        """All of it; parts that follow each other each in its own way."""
        if self.numel != self.row or any(part[1] != part[3] for part in self.parts):
            yield from super().placed()
            return
        base = 0
        for node, length, _, _ in self.parts:
            for at, segment in node.placed():
                yield base + at, segment
            base += length

    def read(self, begin: int, end: int) -> bytes:
        """The bytes of a range; whole rows are put together column by column or row by row."""
        first, last = -(-begin // self.row), end // self.row
        if self.large or last - first < 4:
            return b"".join(node.read(low, high) for node, low, high in self._cut(begin, end))
        head = self._joined(begin, first * self.row)
        tail = self._joined(last * self.row, end)
        return b"".join((head, self._block(first, last), tail))

    def _joined(self, begin: int, end: int) -> bytes:
        return b"".join(node.read(low, high) for node, low, high in self._cut(begin, end))

    def _block(self, first: int, last: int) -> bytearray:
        size, rows = itemsize(self.dtype), last - first
        made = bytearray(self.row * rows * size)
        at = 0
        for node, length, begin, count in self.parts:
            if count * 4 < length:
                data = b"".join(
                    node.read(row * length + begin, row * length + begin + count)
                    for row in range(first, last)
                )
                length, begin = count, 0
            else:
                data = node.read(first * length, last * length)
            _columns(
                made,
                data,
                rows,
                (self.row * size, at * size),
                (length * size, begin * size),
                count * size,
            )
            at += count
        return made

    def close(self) -> None:
        """Forget what the parts kept."""
        for part in self.parts:
            part[0].close()


def _columns(
    made: bytearray, data: bytes, rows: int, to: tuple[int, int], of: tuple[int, int], width: int
) -> None:
    """Copy `width` bytes of each row from `data` to `made`; `to` and `of` are (length, offset)."""
    target, source = memoryview(made), memoryview(data)
    if width < rows:
        for byte in range(width):
            target[to[1] + byte :: to[0]] = source[of[1] + byte :: of[0]]
        return
    for row in range(rows):
        begin, low = row * to[0] + to[1], row * of[0] + of[1]
        target[begin : begin + width] = source[low : low + width]
