"""Reads strided views in the order of the file, and turns them in memory."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from checkpoint_tools import strided
from checkpoint_tools.dtypes import itemsize

if TYPE_CHECKING:
    from checkpoint_tools.formats.protocol import Checkpoint

_SPAN = 1 << 20
_SHORT = 512
_MANY = 20_000
_RUN = 16 << 10


def read_view(
    checkpoint: Checkpoint,
    dtype: str,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    storage: int,
    offset: int,
) -> bytes:
    """The elements of a view in C order; at most a few times their bytes are read."""
    if strided.is_contiguous(shape, strides):
        return checkpoint.read_view(dtype, shape, strides, storage, offset)
    # Lengths of 1 and strides of 0 add nothing to what must be read.
    dims = [dim for dim, (n, step) in enumerate(zip(shape, strides, strict=True)) if n > 1 and step]
    dims.sort(key=lambda dim: -strides[dim])
    lengths = tuple(shape[dim] for dim in dims)
    steps = tuple(strides[dim] for dim in dims)
    data = b"".join(_dense(checkpoint, dtype, lengths, steps, storage, offset))
    place = dict(zip(dims, strided.c_strides(lengths), strict=True))
    inner = tuple(place.get(dim, 0) for dim in range(len(shape)))
    if strided.is_contiguous(shape, inner):
        return data
    return turned(data, shape, inner, dtype)


def tile_shape(
    shape: tuple[int, ...], strides: tuple[int, ...], size: int, most: int
) -> tuple[int, ...]:
    """Lengths of a rectangle of at most `most` bytes with long runs, both read and written."""
    chunk = [1] * len(shape)

    def grow(dims: list[int], wanted: int) -> None:
        run = 1
        for dim in dims:
            room = most // size * chunk[dim] // prod(chunk)
            chunk[dim] = max(chunk[dim], min(shape[dim], -(-wanted // (size * run)), room))
            run *= chunk[dim]
            if chunk[dim] < shape[dim] or run * size >= wanted:
                return

    written = list(range(len(shape)))[::-1]
    read = [dim for dim in written if strides[dim] and shape[dim] > 1]
    read.sort(key=lambda dim: strides[dim])
    grow(written, _RUN)
    grow(read, _RUN)
    grow(written, most)
    return tuple(chunk)


def turned(data: bytes, shape: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> bytes:
    """The elements of a view of bytes in memory, in C order."""
    size = itemsize(dtype)
    if prod(shape[:-1]) > _MANY and size in (1, 2, 4, 8, 16):
        try:
            import numpy as np
        except ImportError:
            return strided.gather(data, shape, strides, dtype)
        kind = f"<u{size}" if size < 16 else "<c16"
        view = np.lib.stride_tricks.as_strided(
            np.frombuffer(data, kind), shape, tuple(step * size for step in strides)
        )
        return view.tobytes()
    return strided.gather(data, shape, strides, dtype)


def _dense(
    checkpoint: Checkpoint,
    dtype: str,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    storage: int,
    offset: int,
) -> list[bytes]:
    """The elements of a view whose strides descend, in the order of the file."""
    size = itemsize(dtype)
    span = strided.span(shape, strides, dtype)[1]
    needed = prod(shape) * size
    near = span <= 4 * needed or shape[-1] * size < _SHORT
    if span <= needed or (span <= _SPAN and near):
        # Overlapping views have a shorter span than what they show.
        data = checkpoint.read_view(dtype, (span // size,), (1,), storage, offset)
        if strided.is_contiguous(shape, strides):
            return [data]
        return [turned(data, shape, strides, dtype)]
    if shape[0] == 1:
        return _dense(checkpoint, dtype, shape[1:], strides[1:], storage, offset)
    rest = strides[0] * size
    if len(shape) == 1:
        rows = max(1, _SPAN // rest)
    else:
        inner = strided.span(shape[1:], strides[1:], dtype)[1]
        rows = max(1, (_SPAN - inner) // rest) if inner < _SPAN else 1
    parts: list[bytes] = []
    if len(shape) > 1 and (rows == 1 or _sparse(shape, strides, size)):
        for row in range(shape[0]):
            at = offset + row * rest
            parts += _dense(checkpoint, dtype, shape[1:], strides[1:], storage, at)
        return parts
    rows = min(rows, max(1, shape[0] - 1))
    for row in range(0, shape[0], rows):
        part = (min(rows, shape[0] - row), *shape[1:])
        parts += _dense(checkpoint, dtype, part, strides, storage, offset + row * rest)
    return parts


def _sparse(shape: tuple[int, ...], strides: tuple[int, ...], size: int) -> bool:
    """Whether reading row by row is worth it: runs are long, and little of the span is needed."""
    block = 1
    for length, stride in zip(reversed(shape), reversed(strides), strict=True):
        if stride != block:
            break
        block *= length
    needed = prod(shape)
    span = sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) + 1
    return block * size >= _SHORT and span > 4 * needed
