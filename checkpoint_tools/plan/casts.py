"""Numbers of one element type as numbers of another, with what was lost on the way.

Rounding is to the nearest, ties to even, as the processor does it; whole numbers are cut towards
zero and kept inside the range of their type. Types of 16 and 8 bits are reached through float32,
as torch does it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from checkpoint_tools.plan.errors import PlanError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

_NUMPY = {
    "float64": "<f8",
    "float32": "<f4",
    "float16": "<f2",
    "complex128": "<c16",
    "complex64": "<c8",
    "int64": "<i8",
    "int32": "<i4",
    "int16": "<i2",
    "int8": "|i1",
    "uint64": "<u8",
    "uint32": "<u4",
    "uint16": "<u2",
    "uint8": "|u1",
    "bool": "|b1",
}
# Bits that whole numbers may have, and significant and exponent bits of floating ones.
WHOLE = {"bool": (0, 1)} | {
    f"{sign}int{bits}": (0 if sign else 1, bits - (not sign))
    for sign in ("", "u")
    for bits in (8, 16, 32, 64)
}
FLOATING = {
    "float64": (53, 11),
    "float32": (24, 8),
    "bfloat16": (8, 8),
    "float16": (11, 5),
    "float8_e5m2": (3, 5),
    "float8_e4m3fn": (4, 4),
    "complex128": (53, 11),
    "complex64": (24, 8),
}


def is_exact(old: str, new: str) -> bool:
    """Whether every number of one type is a number of the other."""
    if old == new:
        return True
    if old.startswith("complex") and not new.startswith("complex"):
        return False
    if old in WHOLE:
        signed, bits = WHOLE[old]
        if new in WHOLE:
            return new != "bool" and WHOLE[new][0] >= signed and WHOLE[new][1] >= bits
        # The largest float16 is 65,504, and other types reach far beyond their digits.
        return bits <= FLOATING[new][0]
    if new in WHOLE:
        return False
    return all(a <= b for a, b in zip(FLOATING[old], FLOATING[new], strict=True))


@dataclass
class Loss:
    """What a cast lost.

    Attributes:
        elements: how many were cast.
        changed: how many are other numbers now.
        overflow: finite ones that became infinite, NaN or the end of a range.
        underflow: ones that became zero.
        max_abs: largest difference, of those that stayed finite.
        max_rel: largest difference in relation to the number.
    """

    elements: int = 0
    changed: int = 0
    overflow: int = 0
    underflow: int = 0
    max_abs: float = 0.0
    max_rel: float = 0.0

    @property
    def lost(self) -> bool:
        """Whether any number changed."""
        return self.changed > 0

    def __add__(self, other: Loss) -> Loss:
        return Loss(
            self.elements + other.elements,
            self.changed + other.changed,
            self.overflow + other.overflow,
            self.underflow + other.underflow,
            max(self.max_abs, other.max_abs),
            max(self.max_rel, other.max_rel),
        )

    def add(self, before: Array, after: Array, clipped: int) -> None:
        """Count what happened to some elements; `after` is the result read again."""
        np = numpy()
        self.elements += before.size
        if not before.size:
            return
        with np.errstate(all="ignore"):
            gap = _gap(before, after)
            largest = float(gap.max())
            if largest == 0.0 and not clipped:
                return
            if not np.isfinite(largest):
                self._add_odd(before, after, clipped)
                gap = np.where(np.isfinite(gap), gap, 0)
                largest = float(gap.max())
            else:
                # Counting in an array of bool is four times faster than in one of floats.
                self.changed += max(int(np.count_nonzero(gap != 0)), clipped)
                self.overflow += clipped
                # Nothing becomes other than zero that was zero before.
                self.underflow += int(np.count_nonzero(before != 0) - np.count_nonzero(after != 0))
            self.max_abs = max(self.max_abs, largest)
            np.divide(gap, np.abs(before), out=gap)
            self.max_rel = max(self.max_rel, float(np.fmax.reduce(gap)))

    def _add_odd(self, before: Array, after: Array, clipped: int) -> None:
        """Count where some numbers are infinite or none."""
        np = numpy()
        differ = (before != after) & ~(np.isnan(before) & np.isnan(after))
        old, new = before[differ], after[differ]
        self.changed += old.size
        self.overflow += clipped + int((np.isfinite(old) & ~np.isfinite(new)).sum())
        self.underflow += int(((old != 0) & (new == 0) & ~np.isnan(old)).sum())


def _gap(before: Array, after: Array) -> Array:
    """Deviations, exact enough that only equal numbers have none."""
    np = numpy()
    if before.dtype.kind in "iu" and before.dtype.itemsize == 8:
        # In two halves, since float64 holds 53 bits.
        high = (before >> 32).astype("<f8") * 2.0**32
        low = (before & 0xFFFFFFFF).astype("<f8")
        return np.abs((after.astype("<f8") - high) - low)  # type: ignore[no-any-return]
    if before.dtype.kind in "iub" or after.dtype.kind in "iub":
        before, after = before.astype("<f8"), after.astype("<f8")
    gap: Array = before - after
    return np.abs(gap, out=gap if gap.dtype.kind == "f" else None)  # type: ignore[no-any-return]


@cache
def numpy() -> Any:
    """Numpy, which only numbers need.

    Raises:
        PlanError: it is not installed.
    """
    try:
        import numpy as module
    except ImportError as error:
        raise PlanError("numbers are computed with numpy: pip install numpy") from error
    return module


def decode(data: bytes, dtype: str) -> Array:
    """Elements as a flat array; bfloat16 and float8 as float32."""
    np = numpy()
    array: Array
    if dtype == "bfloat16":
        array = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    elif dtype.startswith("float8"):
        array = _float8(dtype)[np.frombuffer(data, "|u1")]
    else:
        array = np.frombuffer(data, _NUMPY[dtype])
    return array


def encode(array: Array, dtype: str) -> bytes:
    """The bytes of an array's elements as numbers of `dtype`."""
    return _encode(array, dtype)[0]


def cast(data: bytes, old: str, new: str, loss: Loss) -> bytes:
    """Elements of one type as elements of another; what is lost is added to `loss`."""
    before = decode(data, old)
    made, after, clipped = _encode(before, new)
    if is_exact(old, new):
        loss.elements += before.size
    else:
        loss.add(before, after, clipped)
    return made


def _encode(array: Array, dtype: str) -> tuple[bytes, Array, int]:
    """The bytes, the numbers that they are, and how many were outside of a whole type's range."""
    np = numpy()
    with np.errstate(all="ignore"):
        if dtype == "bfloat16":
            return _bfloat16(array.astype("<f4", copy=False))
        if dtype.startswith("float8"):
            made, clipped = _to_float8(array.astype("<f4"), dtype)
            return made, decode(made, dtype), clipped
        if dtype in WHOLE and dtype != "bool":
            return _whole(array, dtype)
        if dtype == "float16" and array.dtype.kind != "b":
            array = array.astype("<f4", copy=False)
        after = array.astype(_NUMPY[dtype])
        return after.tobytes(), after, 0


def _whole(array: Array, dtype: str) -> tuple[bytes, Array, int]:
    np = numpy()
    if array.dtype.kind == "b":
        after = array.astype(_NUMPY[dtype])
        return after.tobytes(), after, 0
    info = np.iinfo(_NUMPY[dtype])
    if array.dtype.kind in "iu":
        own = np.iinfo(array.dtype)
        kept = np.clip(array, max(info.min, own.min), min(info.max, own.max))
        after = kept.astype(_NUMPY[dtype])
        return after.tobytes(), after, int((kept != array).sum())
    cut = np.trunc(array.astype("<f8"))
    # The largest float64 inside the range: 2**63 - 1 itself would round up and out of it.
    top = np.nextafter(float(info.max), 0) if info.bits == 64 else float(info.max)
    outside = (cut < info.min) | (cut >= float(info.max) + 1) | np.isnan(cut)
    after = np.clip(np.nan_to_num(cut, nan=0.0), float(info.min), top).astype(_NUMPY[dtype])
    after[cut >= float(info.max) + 1] = info.max
    return after.tobytes(), after, int(outside.sum())


def _bfloat16(array: Array) -> tuple[bytes, Array, int]:
    np = numpy()
    bits = array.view("<u4")
    rounded = bits >> 16
    rounded &= 1
    rounded += 0x7FFF
    rounded += bits
    if np.isnan(array).any():
        rounded = np.where(np.isnan(array), 0x7FC00000 | (bits & 0x80000000), rounded)
        rounded = rounded.astype("<u4")
    made: bytes = rounded.view("<u2")[1::2].tobytes()
    rounded &= 0xFFFF0000
    return made, rounded.view("<f4"), 0


@cache
def _float8(dtype: str) -> Any:
    """All 256 numbers of a float8 type."""
    np = numpy()
    e4 = dtype == "float8_e4m3fn"
    mantissa, bias = (3, 7) if e4 else (2, 15)
    numbers = []
    for code in range(128):
        exponent, part = code >> mantissa, code & ((1 << mantissa) - 1)
        step = 2.0 ** (max(exponent, 1) - bias - mantissa)
        number = (part + ((exponent > 0) << mantissa)) * step
        if e4:
            number = float("nan") if code == 0x7F else number
        elif exponent == 31:
            number = float("nan") if part else float("inf")
        numbers.append(number)
    return np.array(numbers + [-number for number in numbers], "<f4")


def _to_float8(array: Array, dtype: str) -> tuple[bytes, int]:
    """To the nearest, ties to even, and how many were kept inside the range.

    Beyond the largest number e5m2 has infinity; e4m3fn has none, and stays there (torch 2.13).
    """
    np = numpy()
    saturate = dtype == "float8_e4m3fn"
    top = 0x7E if saturate else 0x7B
    table = _float8(dtype)[: top + 1].astype("<f8")
    size = np.abs(array.astype("<f8"))
    # One more step of the grid decides what still rounds to the largest number.
    above = np.append(table, 2 * table[-1] - table[-2])
    high = np.clip(np.searchsorted(above, size), 1, top + 1)
    low = high - 1
    gap = (size - above[low]) - (above[high] - size)
    code = np.where((gap > 0) | ((gap == 0) & (high % 2 == 0)), high, low)
    code = np.where(size == 0, 0, np.where(size >= above[-1], top + 1, code))
    clipped = int((code > top).sum()) if saturate else 0
    code = np.where(np.isnan(array), 0x7F, np.minimum(code, top) if saturate else code)
    code = np.where(np.signbit(array), code | 0x80, code)
    return code.astype("|u1").tobytes(), clipped


def scalar(value: float, dtype: str) -> bytes:
    """One number in the bytes of its type.

    Raises:
        PlanError: the type cannot hold it.
    """
    try:
        if dtype in WHOLE:
            bits = 8 if dtype == "bool" else int(dtype.lstrip("uint"))
            whole = int(value)
            if whole != value or (dtype == "bool" and whole not in (0, 1)):
                raise PlanError(f"{value:g} is no {dtype}")
            return whole.to_bytes(bits // 8, "little", signed=bool(WHOLE[dtype][0]))
        codes = {"float64": "<d", "float32": "<f", "float16": "<e"}
        codes |= {"complex128": "<dd", "complex64": "<ff"}
        if dtype in codes:
            parts = (value,) if len(codes[dtype]) == 2 else (value, 0.0)
            return struct.pack(codes[dtype], *parts)
    except (OverflowError, ValueError, struct.error) as error:
        raise PlanError(f"{value:g} is no {dtype}") from error
    if value == 0:
        return bytes(2 if dtype == "bfloat16" else 1)
    return encode(numpy().array([value], "<f4"), dtype)
