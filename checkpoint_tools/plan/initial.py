"""Elements that have no source: constants and reproducible random numbers.

Every element is a function of the seed and its number alone, so any range can be made by itself
and any machine makes the same bytes: only whole-number arithmetic and exact sums are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checkpoint_tools.dtypes import itemsize
from checkpoint_tools.plan.casts import encode, numpy, scalar

if TYPE_CHECKING:
    from checkpoint_tools.plan.expressions import Init

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
_DRAWS = 12


def elements(init: Init, begin: int, end: int) -> bytes:
    """The elements from `begin` up to `end` in C order, in their bytes."""
    match init.kind:
        case "zeros":
            return bytes(itemsize(init.dtype) * (end - begin))
        case "ones":
            return scalar(1.0, init.dtype) * (end - begin)
        case "constant":
            return scalar(init.value, init.dtype) * (end - begin)
        case "eye":
            return _eye(init, begin, end)
    np = numpy()
    numbers = np.arange(begin, end, dtype=np.uint64)
    if init.kind == "uniform":
        made = init.low + (init.high - init.low) * _uniform(init.seed or 0, numbers)
    else:
        total = np.zeros(end - begin)
        for draw in range(_DRAWS):
            total += _uniform(init.seed or 0, numbers * np.uint64(_DRAWS) + np.uint64(draw))
        made = init.value + init.scale * (total - _DRAWS / 2)
    return encode(made, init.dtype)


def _eye(init: Init, begin: int, end: int) -> bytes:
    width = init.shape[1]
    one = scalar(1.0, init.dtype)
    size = len(one)
    made = bytearray(size * (end - begin))
    for row in range(begin // width, min(width, -(-end // width))):
        at = row * width + row - begin
        if 0 <= at < end - begin:
            made[at * size : (at + 1) * size] = one
    return bytes(made)


def _uniform(seed: int, numbers: Any) -> Any:
    """SplitMix64 of each number, as floats in [0, 1) with 53 bits.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
    """
    np = numpy()
    with np.errstate(over="ignore"):
        z = numbers * np.uint64(_GOLDEN) + np.uint64(_mixed(seed))
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype("<f8") * 2.0**-53


def _mixed(seed: int) -> int:
    """Seeds that follow each other must not give sequences that are shifts of each other."""
    z = (seed ^ _GOLDEN) & _MASK
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = (z ^ (z >> shift)) * factor & _MASK
    return z ^ (z >> 31)
