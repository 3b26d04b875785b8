"""Numbers about a tensor's elements, in one pass of bounded memory; numpy only if it is there."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from checkpoint_tools import Checkpoint

_CODES = {
    "float64": "d",
    "float32": "f",
    "complex128": "d",
    "complex64": "f",
    "int64": "q",
    "int32": "i",
    "int16": "h",
    "int8": "b",
    "uint64": "Q",
    "uint32": "I",
    "uint16": "H",
    "uint8": "B",
    "bool": "B",
}
_HALVES = ("float16", "complex32")
# bits of the exponent and of the mantissa, bias, whether 0x80 is the only NaN
_SMALL = {
    "float8_e4m3fn": (4, 3, 7, False),
    "float8_e5m2": (5, 2, 15, False),
    "float8_e4m3fnuz": (4, 3, 8, True),
    "float8_e5m2fnuz": (5, 2, 16, True),
    "float8_e8m0fnu": (8, 0, 127, False),
}


class Tally:
    """Running statistics; NaN and infinite elements are counted and left out of the rest.

    `mean` and `std` (of the whole population) are merged chunk by chunk after Chan et al. 1979,
    so that no sum of squares cancels. Complex numbers count as two.
    """

    def __init__(self) -> None:
        self.count = self.zeros = self.nan = self.inf = 0
        self.min: float | None = None
        self.max: float | None = None
        self.mean = 0.0
        self.squares = 0.0

    @property
    def std(self) -> float:
        """Standard deviation of the finite elements."""
        return math.sqrt(self.squares / self.count) if self.count else 0.0

    def merge(self, count: int, low: float, high: float, mean: float, squares: float) -> None:
        """Take in the statistics of more finite elements."""
        total = self.count + count
        gap = mean - self.mean
        self.squares += squares
        if self.count:
            self.squares += gap * gap * (self.count / total) * count
        self.mean += gap * (count / total)
        self.count = total
        self.min = low if self.min is None else min(self.min, low)
        self.max = high if self.max is None else max(self.max, high)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; numbers are None when there is no finite element."""
        is_some = self.count > 0
        return {
            "min": self.min,
            "max": self.max,
            "mean": self.mean if is_some else None,
            "std": self.std if is_some else None,
            "zeros": self.zeros,
            "nan": self.nan,
            "inf": self.inf,
        }


def tally(
    checkpoint: Checkpoint, name: str, advance: Callable[[int], None], *, fast: bool = True
) -> Tally | None:
    """The statistics of one tensor; None for element types whose numbers are not read.

    `fast` allows numpy; `advance` is told the bytes read.
    """
    dtype = checkpoint.tensors[name].dtype
    if dtype not in (*_CODES, *_HALVES, *_SMALL, "bfloat16"):
        return None
    found = Tally()
    add = _add_array if fast and _numpy() is not None else _add_plainly
    for data in checkpoint.stream(name):
        add(found, data, dtype)
        advance(len(data))
    return found


@cache
def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        return None
    return numpy


def _add_array(found: Tally, data: bytes, dtype: str) -> None:
    np = _numpy()
    values = _as_array(np, data, dtype)
    found.zeros += int((values == 0).sum())
    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        if not finite.all():
            nan = int(np.isnan(values).sum())
            found.nan += nan
            found.inf += int(values.size - finite.sum()) - nan
            values = values[finite]
    if not values.size:
        return
    low, high = values.min().item(), values.max().item()
    with np.errstate(all="ignore"):
        wide = values.astype(np.float64)
        mean = float((wide / wide.size).sum() if abs(high - low) > 1e300 else wide.mean())
        squares = float(((wide - mean) ** 2).sum())
    found.merge(int(values.size), low, high, mean, squares)


def _as_array(np: Any, data: bytes, dtype: str) -> Any:
    if dtype in _HALVES:
        return np.frombuffer(data, "<f2")
    if dtype == "bfloat16":
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    if dtype in _SMALL:
        return np.array(_table(dtype))[np.frombuffer(data, "u1")]
    code = _CODES[dtype]
    kind = "f" if code in "df" else "u" if code.isupper() else "i"
    return np.frombuffer(data, f"<{kind}{array(code).itemsize}")


def _add_plainly(found: Tally, data: bytes, dtype: str) -> None:
    values = _decode(data, dtype)
    found.zeros += values.count(0)
    if not _is_finite(values):
        finite = [value for value in values if math.isfinite(value)]
        nan = sum(math.isnan(value) for value in values)
        found.nan += nan
        found.inf += len(values) - len(finite) - nan
        values = finite
    if not values:
        return
    try:
        mean = math.fsum(values) / len(values)
    except OverflowError:
        # finite numbers near the largest one
        mean = math.fsum(value / len(values) for value in values)
    squares = sum((gap := value - mean) * gap for value in values)
    found.merge(len(values), min(values), max(values), mean, squares)


def _is_finite(values: Sequence[float]) -> bool:
    """Whether all of them are; a sum tells at the speed of C, unless it overflows itself."""
    return math.isfinite(sum(values)) or all(map(math.isfinite, values))


def _decode(data: bytes, dtype: str) -> Sequence[float]:
    if dtype in _HALVES:
        import struct

        return struct.unpack(f"<{len(data) // 2}e", data)
    if dtype in _SMALL:
        table = _table(dtype)
        return [table[byte] for byte in data]
    if dtype == "bfloat16":
        # the upper half of a float32
        wide = bytearray(2 * len(data))
        wide[2::4], wide[3::4] = data[0::2], data[1::2]
        data, dtype = bytes(wide), "float32"
    values = array(_CODES[dtype], data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


@cache
def _table(dtype: str) -> tuple[float, ...]:
    """What each of the 256 bytes stands for."""
    return tuple(_small(byte, *_SMALL[dtype]) for byte in range(256))


def _small(byte: int, exponent_bits: int, mantissa_bits: int, bias: int, unsigned: bool) -> float:
    if exponent_bits == 8:
        return math.nan if byte == 255 else 2.0 ** (byte - bias)
    sign = -1.0 if byte & 0x80 else 1.0
    exponent = (byte & 0x7F) >> mantissa_bits
    mantissa = byte & ((1 << mantissa_bits) - 1)
    if unsigned and byte == 0x80:
        return math.nan
    if not unsigned and exponent == (1 << exponent_bits) - 1:
        if exponent_bits == 5:
            return math.nan if mantissa else sign * math.inf
        if mantissa == (1 << mantissa_bits) - 1:
            return math.nan
    scale = 2.0 ** (max(exponent, 1) - bias - mantissa_bits)
    return sign * scale * (mantissa + ((1 << mantissa_bits) if exponent else 0))
