"""What is read or copied to make an output: expressions brought down to bytes.

A node is a flat row of elements in C order, of which any range can be had, either as bytes or as
a mix of bytes and file ranges that the kernel may copy. Ranges count elements.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from checkpoint_tools import strided
from checkpoint_tools.dtypes import BITS, itemsize, nbytes
from checkpoint_tools.formats.protocol import Run
from checkpoint_tools.plan.casts import Loss, cast
from checkpoint_tools.plan.expressions import Init
from checkpoint_tools.plan.initial import elements
from checkpoint_tools.plan.regions import boxes
from checkpoint_tools.plan.views import read_view, tile_shape

if TYPE_CHECKING:
    from checkpoint_tools.formats.protocol import Checkpoint

TILE = 1 << 20
# Below this a system call costs more than copying the bytes by way of memory.
GRAIN = 16 * 1024
Segment = Run | bytes


class Node:
    """A row of elements.

    Attributes:
        dtype: element type.
        numel: how many.
        tile: bytes that are best read at once.
    """

    __slots__ = ("dtype", "numel", "tile")

    def __init__(self, dtype: str, numel: int) -> None:
        self.dtype = dtype
        self.numel = numel
        self.tile = TILE

    def read(self, begin: int, end: int) -> bytes:
        """The bytes of a range."""
        raise NotImplementedError

    def segments(self, begin: int, end: int) -> Iterator[Segment]:
        """A range, as file ranges where they are worth it and as bytes elsewhere."""
        for low, high in self.tiles(begin, end):
            yield self.read(low, high)

    def placed(self) -> Iterator[tuple[int, Segment]]:
        """All of it as (first element, segment), in order unless `scattered`."""
        at = 0
        for segment in self.segments(0, self.numel):
            yield at, segment
            size = segment.nbytes if isinstance(segment, Run) else len(segment)
            at += size * 8 // BITS[self.dtype]

    @property
    def scattered(self) -> bool:
        """Whether `placed` jumps about, because the source lies in quite another order."""
        return False

    def tiles(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """Ranges that are read at once."""
        step = max(8, self.tile * 8 // BITS[self.dtype] // 8 * 8)
        for low in range(begin, end, step):
            yield low, min(low + step, end)

    def close(self) -> None:
        """Forget what was kept for further ranges."""


class View(Node):
    """A strided view of a storage of the source."""

    __slots__ = ("block", "checkpoint", "flat", "offset", "shape", "storage", "strides")

    def __init__(
        self,
        checkpoint: Checkpoint,
        dtype: str,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        storage: int,
        offset: int,
    ) -> None:
        super().__init__(dtype, prod(shape))
        self.checkpoint = checkpoint
        self.shape, self.strides = shape, strides
        self.storage, self.offset = storage, offset
        self.flat = strided.is_contiguous(shape, strides)
        self.block = _inner(shape, strides)
        if not self.flat:
            self.tile = 8 * TILE

    def mapped(self) -> bool:
        """Whether ranges of the file are the elements as they stand."""
        storage = self.checkpoint.storage(self.storage)
        return not storage.deflated and not (storage.swapped and itemsize(self.dtype) > 1)

    def read(self, begin: int, end: int) -> bytes:
        """The bytes of a range."""
        if self.flat:
            at = self.offset + nbytes(self.dtype, begin)
            return read_view(self.checkpoint, self.dtype, (end - begin,), (1,), self.storage, at)
        parts: list[bytes] = []
        for start, stop in boxes(self.shape, begin, end):
            shape = tuple(high - low for low, high in zip(start, stop, strict=True))
            at = self.offset + strided.element_offset(start, self.strides, self.dtype)
            parts.append(
                read_view(self.checkpoint, self.dtype, shape, self.strides, self.storage, at)
            )
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def segments(self, begin: int, end: int) -> Iterator[Segment]:
        """File ranges if the runs of the view are long enough."""
        large = self.flat or self.block * itemsize(self.dtype) >= GRAIN
        if not large or not self.mapped():
            if self.checkpoint.storage(self.storage).deflated:
                self.tile = 16 * TILE  # each read inflates from the start of the member
            yield from super().segments(begin, end)
            return
        storage = self.checkpoint.storage(self.storage)
        base = storage.offset + self.offset
        if self.flat:
            first, last = nbytes(self.dtype, begin), nbytes(self.dtype, end)
            yield Run(storage.file, base + first, last - first)
            return
        size = itemsize(self.dtype)
        outer = self.shape[: len(self.shape) - _depth(self.shape, self.block)]
        while begin < end:
            row, low = divmod(begin, self.block)
            high = min(self.block, low + end - begin)
            at = 0
            for length, stride in zip(
                reversed(outer), reversed(self.strides[: len(outer)]), strict=True
            ):
                row, index = divmod(row, length)
                at += index * stride
            yield Run(storage.file, base + (at + low) * size, (high - low) * size)
            begin += high - low

    @property
    def scattered(self) -> bool:
        """Whether `placed` jumps about, because the source lies in quite another order."""
        dims = [dim for dim, n in enumerate(self.shape) if n > 1 and self.strides[dim]]
        large = not self.flat and self.numel * itemsize(self.dtype) > self.tile
        return large and min(dims, key=lambda dim: self.strides[dim]) != dims[-1]

    def placed(self) -> Iterator[tuple[int, Segment]]:
        """All of it; what is large and turned round in tiles, in which both sides have runs."""
        if not self.scattered:
            yield from super().placed()
            return
        size = itemsize(self.dtype)
        tile = tile_shape(self.shape, self.strides, size, self.tile)
        steps = strided.c_strides(self.shape)
        for start in product(*(range(0, n, k) for n, k in zip(self.shape, tile, strict=True))):
            edges = zip(start, tile, self.shape, strict=True)
            shape = tuple(min(k, n - low) for low, k, n in edges)
            at = self.offset + strided.element_offset(start, self.strides, self.dtype)
            data = memoryview(
                read_view(self.checkpoint, self.dtype, shape, self.strides, self.storage, at)
            )
            base = sum(low * step for low, step in zip(start, steps, strict=True))
            done = 0
            for begin, length in strided.runs(shape, steps, self.dtype):
                yield base + begin // size, bytes(data[done : done + length])
                done += length


def _inner(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Elements of the contiguous block at the end of a view."""
    step = 1
    for length, stride in zip(reversed(shape), reversed(strides), strict=True):
        if length != 1 and stride != step:
            break
        step *= length
    return step


def _depth(shape: tuple[int, ...], block: int) -> int:
    """How many dimensions at the end make up a block of so many elements."""
    depth, step = 0, 1
    while step < block:
        depth += 1
        step *= shape[-depth]
    return depth


class Filled(Node):
    """Elements that have no source."""

    def __init__(self, init: Init) -> None:
        super().__init__(init.dtype, prod(init.shape))
        self.init = init

    def read(self, begin: int, end: int) -> bytes:
        """The bytes of a range."""
        return elements(self.init, begin, end)


class Casted(Node):
    """Elements of another type; `loss` counts what was lost in all ranges read so far."""

    def __init__(self, of: Node, dtype: str) -> None:
        super().__init__(dtype, of.numel)
        self.tile = TILE // 4  # what is computed on the way shall stay in the processor's cache
        self.of = of
        self.loss = Loss()

    def read(self, begin: int, end: int) -> bytes:
        """The bytes of a range."""
        return cast(self.of.read(begin, end), self.of.dtype, self.dtype, self.loss)

    @property
    def scattered(self) -> bool:
        """Whether `placed` jumps about."""
        return self.of.scattered

    def placed(self) -> Iterator[tuple[int, Segment]]:
        """All of it, in the order of the input."""
        if not self.scattered:
            yield from super().placed()
            return
        for at, segment in self.of.placed():
            data = (
                segment
                if isinstance(segment, bytes)
                else self.of.read(at, at + segment.nbytes // itemsize(self.of.dtype))
            )
            yield at, cast(data, self.of.dtype, self.dtype, self.loss)

    def close(self) -> None:
        """Forget what the input kept."""
        self.of.close()
