"""Arithmetic of strided views: which bytes they cover, and how they are written out in C order.

Shapes and strides count elements; spans and runs count bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Literal

from checkpoint_tools.dtypes import BITS, nbytes

_CASTS: dict[int, Literal["B", "H", "I", "Q"]] = {1: "B", 2: "H", 4: "I", 8: "Q"}


def numel(shape: tuple[int, ...]) -> int:
    """How many elements a shape has."""
    return prod(shape)


def c_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a tensor that lies in C order."""
    strides: list[int] = []
    step = 1
    for length in reversed(shape):
        strides.append(step)
        step *= max(length, 1)
    return tuple(reversed(strides))


def is_contiguous(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether elements lie in C order; strides of lengths 0 and 1 say nothing."""
    step = 1
    for length, stride in zip(reversed(shape), reversed(strides), strict=True):
        if length == 0:
            return True
        if length != 1:
            if stride != step:
                return False
            step *= length
    return True


def span(shape: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> tuple[int, int]:
    """First byte, and byte after the last, that a view touches, from its first element."""
    if 0 in shape:
        return 0, 0
    last = sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    return 0, nbytes(dtype, last + 1)


def element_offset(index: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> int:
    """Bytes from the first element to the one at `index`."""
    bits = BITS[dtype] * sum(i * stride for i, stride in zip(index, strides, strict=True))
    if bits % 8:
        raise IndexError(f"an element of {dtype} does not begin at a byte there")
    return bits // 8


def union_length(parts: list[tuple[int, int]]) -> int:
    """Bytes covered by a list of ranges, overlaps counted once."""
    total, reach = 0, 0
    for low, high in sorted(parts):
        total += max(0, high - max(low, reach))
        reach = max(reach, high)
    return total


def _block(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """How many leading dimensions stay outside of the contiguous block at the end."""
    step, outer = 1, len(shape)
    for length, stride in zip(reversed(shape), reversed(strides), strict=True):
        if length != 1 and stride != step:
            break
        step *= length
        outer -= 1
    return outer


def runs(shape: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> Iterator[tuple[int, int]]:
    """(begin, length) in bytes of the contiguous parts of a view, in C order."""
    if 0 in shape:
        return
    outer = _block(shape, strides)
    length = nbytes(dtype, prod(shape[outer:]))
    for index in product(*(range(size) for size in shape[:outer])):
        yield element_offset(index, strides[:outer], dtype), length


def gather(data: bytes, shape: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> bytes:
    """The elements of a view in C order, out of the bytes of its span."""
    if is_contiguous(shape, strides):
        return data[: nbytes(dtype, prod(shape))]
    size = BITS[dtype] // 8
    out = bytearray(size * prod(shape))
    length, stride = shape[-1], strides[-1]
    unit = size if size in _CASTS else 8  # complex128 travels as two halves
    halves = size // unit
    source, target = memoryview(data).cast("B"), memoryview(out)
    usable = len(data) // unit * unit
    source, target = source[:usable].cast(_CASTS[unit]), target.cast(_CASTS[unit])
    at = 0
    for index in product(*(range(extent) for extent in shape[:-1])):
        begin = sum(i * step for i, step in zip(index, strides[:-1], strict=True))
        for half in range(halves):
            first = begin * halves + half
            into = target[at * halves + half : (at + length) * halves : halves]
            if stride:
                last = first + (length - 1) * stride * halves + 1
                into[:] = source[first : last : stride * halves]
            else:
                into[:] = memoryview(bytes(source[first : first + 1]) * length).cast(_CASTS[unit])
        at += length
    return bytes(out)


def place(
    target: bytearray,
    shape: tuple[int, ...],
    start: tuple[int, ...],
    data: bytes,
    part: tuple[int, ...],
    dtype: str,
) -> None:
    """Write `data`, a rectangle of shape `part` in C order, into `target` at `start`."""
    strides = c_strides(shape)
    base = element_offset(start, strides, dtype)
    at = 0
    for begin, length in runs(part, strides, dtype):
        target[base + begin : base + begin + length] = data[at : at + length]
        at += length


def tiles(
    shape: tuple[int, ...], dtype: str, most: int
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Rectangles of at most `most` bytes, or one element, that follow each other in C order."""
    if 0 in shape:
        return
    allowed = max(1, most * 8 // BITS[dtype])
    inner, split = 1, len(shape)
    while split and inner * shape[split - 1] <= allowed:
        split -= 1
        inner *= shape[split]
    if split == 0:
        yield (0,) * len(shape), shape
        return
    rows = max(1, allowed // inner)
    if BITS[dtype] % 8:
        rows = max(8, rows // 8 * 8)
    rest = shape[split:]
    for index in product(*(range(size) for size in shape[: split - 1])):
        for row in range(0, shape[split - 1], rows):
            stop = min(row + rows, shape[split - 1])
            head = tuple(i + 1 for i in index)
            yield (*index, row, *(0,) * len(rest)), (*head, stop, *rest)
