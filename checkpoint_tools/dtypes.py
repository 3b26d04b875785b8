"""Element types under one set of names, and what each format calls them."""

from __future__ import annotations

from typing import NamedTuple


class DType(NamedTuple):
    """An element type.

    `swap` is the unit, in bytes, whose order depends on the machine: a complex number is two.
    """

    name: str
    bits: int
    safetensors: str
    torch_storage: str
    npy: str
    swap: int


_TABLE = (
    # name               bits safetensors     torch storage           npy    swap
    ("float64", 64, "F64", "DoubleStorage", "f8", 8),
    ("float32", 32, "F32", "FloatStorage", "f4", 4),
    ("float16", 16, "F16", "HalfStorage", "f2", 2),
    ("bfloat16", 16, "BF16", "BFloat16Storage", "", 2),
    ("float8_e4m3fn", 8, "F8_E4M3", "", "", 1),
    ("float8_e5m2", 8, "F8_E5M2", "", "", 1),
    ("float8_e4m3fnuz", 8, "F8_E4M3FNUZ", "", "", 1),
    ("float8_e5m2fnuz", 8, "F8_E5M2FNUZ", "", "", 1),
    ("float8_e8m0fnu", 8, "F8_E8M0", "", "", 1),
    ("float6_e2m3", 6, "F6_E2M3", "", "", 1),
    ("float6_e3m2", 6, "F6_E3M2", "", "", 1),
    ("float4_e2m1", 4, "F4", "", "", 1),
    ("float4_e2m1fn_x2", 8, "", "", "", 1),
    ("complex128", 128, "", "ComplexDoubleStorage", "c16", 8),
    ("complex64", 64, "C64", "ComplexFloatStorage", "c8", 4),
    ("complex32", 32, "", "", "", 2),
    ("int64", 64, "I64", "LongStorage", "i8", 8),
    ("int32", 32, "I32", "IntStorage", "i4", 4),
    ("int16", 16, "I16", "ShortStorage", "i2", 2),
    ("int8", 8, "I8", "CharStorage", "i1", 1),
    ("uint64", 64, "U64", "", "u8", 8),
    ("uint32", 32, "U32", "", "u4", 4),
    ("uint16", 16, "U16", "", "u2", 2),
    ("uint8", 8, "U8", "ByteStorage", "u1", 1),
    ("bool", 8, "BOOL", "BoolStorage", "b1", 1),
)

DTYPES: dict[str, DType] = {row[0]: DType(*row) for row in _TABLE}
BY_SAFETENSORS = {d.safetensors: d for d in DTYPES.values() if d.safetensors}
BY_STORAGE = {d.torch_storage: d for d in DTYPES.values() if d.torch_storage}
BY_NPY = {d.npy: d for d in DTYPES.values() if d.npy}
BITS = {d.name: d.bits for d in DTYPES.values()}

# torch's old names for the same types, as they occur in pickles.
TORCH_ALIASES = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "long": "int64",
    "int": "int32",
    "short": "int16",
    "cfloat": "complex64",
    "cdouble": "complex128",
    "chalf": "complex32",
}


def nbytes(dtype: str, numel: int) -> int:
    """Bytes of `numel` elements; types under eight bits share bytes and round up."""
    return (BITS[dtype] * numel + 7) // 8


def itemsize(dtype: str) -> int:
    """Bytes of one element; 0 for types that do not fill a byte."""
    return BITS[dtype] // 8


def byteswapped(data: bytes, dtype: str) -> bytes:
    """`data` with the byte order of its numbers turned round."""
    unit = DTYPES[dtype].swap
    if unit == 1:
        return data
    swapped = bytearray(len(data))
    for index in range(unit):
        swapped[index::unit] = data[unit - 1 - index :: unit]
    return bytes(swapped)
