"""Views against counting them out, element by element."""

from __future__ import annotations

import itertools
import random

from checkpoint_tools import strided
from checkpoint_tools.dtypes import BITS, byteswapped

DTYPES = ("uint8", "float16", "float32", "float64", "complex128")


def _counted(data: bytes, shape: tuple[int, ...], strides: tuple[int, ...], size: int) -> bytes:
    out = bytearray()
    for index in itertools.product(*map(range, shape)):
        at = size * sum(i * s for i, s in zip(index, strides, strict=True))
        out += data[at : at + size]
    return bytes(out)


def _views(count: int) -> list[tuple[str, tuple[int, ...], tuple[int, ...], bytes]]:
    rng = random.Random(3)
    made = []
    for _ in range(count):
        shape = tuple(rng.randrange(5) for _ in range(rng.randrange(4)))
        strides = list(strided.c_strides(shape))
        action = rng.randrange(4)
        if action == 0:
            rng.shuffle(strides)
        elif action == 1:
            strides = [rng.choice((0, 1, stride, stride * 2)) for stride in strides]
        dtype = rng.choice(DTYPES)
        last = (
            sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) if 0 not in shape else -1
        )
        made.append((dtype, shape, tuple(strides), rng.randbytes(BITS[dtype] // 8 * (last + 1))))
    return made


def test_gathering_and_runs() -> None:
    for dtype, shape, strides, data in _views(2000):
        expected = _counted(data, shape, strides, BITS[dtype] // 8)
        assert strided.gather(data, shape, strides, dtype) == expected
        runs = strided.runs(shape, strides, dtype)
        assert b"".join(data[begin : begin + length] for begin, length in runs) == expected
        assert strided.span(shape, strides, dtype) == (0, len(data))


def test_tiles_follow_each_other() -> None:
    rng = random.Random(4)
    for dtype, shape, _, _ in _views(1000):
        strides = strided.c_strides(shape)
        size = BITS[dtype] // 8
        whole = rng.randbytes(size * strided.numel(shape))
        most = rng.choice((1, 16, 64, 10_000))
        target = bytearray()
        for start, stop in strided.tiles(shape, dtype, most):
            part = tuple(b - a for a, b in zip(start, stop, strict=True))
            assert size * strided.numel(part) <= max(most, size)
            at = strided.element_offset(start, strides, dtype)
            data = strided.gather(whole[at:], part, strides, dtype)
            target += data
            copy = bytearray(len(whole))
            strided.place(copy, shape, start, data, part, dtype)
            assert strided.gather(bytes(copy[at:]), part, strides, dtype) == data
        assert target == whole


def test_unions() -> None:
    assert strided.union_length([]) == 0
    assert strided.union_length([(0, 4), (2, 6), (10, 11), (0, 1)]) == 7


def test_byte_order() -> None:
    assert byteswapped(b"abcdefgh", "float32") == b"dcbahgfe"
    assert byteswapped(b"abcdefgh", "complex64") == b"dcbahgfe"
    assert byteswapped(b"abcdefgh", "float64") == b"hgfedcba"
    assert byteswapped(b"abc", "bool") == b"abc"
