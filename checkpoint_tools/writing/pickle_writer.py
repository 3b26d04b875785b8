"""Pickles of protocol 2 that hold tensors and plain data, as torch.save writes them.

Only what `torch.load(weights_only=True)` takes is written; everything else becomes plain data,
which `notes` tell.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from checkpoint_tools.dtypes import DTYPES, itemsize
from checkpoint_tools.pickle_values import (
    Collection,
    DType,
    Global,
    Leaf,
    NumpyDType,
    Ordered,
    Record,
)
from checkpoint_tools.plan.errors import PlanError
from checkpoint_tools.strided import c_strides, numel
from checkpoint_tools.text import quote
from checkpoint_tools.writing.tree import TensorAt

# Types that torch has, though not as a kind of storage.
_UNTYPED = frozenset(
    (
        *("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"),
        *("float8_e8m0fnu", "float4_e2m1fn_x2", "uint16", "uint32", "uint64"),
    )
)


class Stored(NamedTuple):
    """A tensor in C order at the start of a storage of its own."""

    key: str
    dtype: str
    shape: tuple[int, ...]


def torch_type(dtype: str, shape: tuple[int, ...], name: str) -> tuple[str, tuple[int, ...]]:
    """Type and shape as torch has them.

    Raises:
        PlanError: torch has no such type.
    """
    if dtype == "float4_e2m1" and shape and shape[-1] % 2 == 0:
        return "float4_e2m1fn_x2", (*shape[:-1], shape[-1] // 2)
    if dtype not in _UNTYPED and not DTYPES[dtype].torch_storage:
        raise PlanError(f"torch has no {dtype}, which {quote(name)} is")
    return dtype, shape


class PickleWriter:
    """Writes one value.

    Args:
        tensors: where each tensor lies, by the name that `TensorAt` gives.
    """

    def __init__(self, tensors: Mapping[str, Stored]) -> None:
        self.tensors = tensors
        self.notes: list[str] = []
        self._made = bytearray()
        self._memo: dict[bytes, int] = {}

    def dump(self, value: object) -> bytes:
        """The pickle of a value."""
        self._put(b"\x80\x02")
        self._value(value)
        self._put(b".")
        return bytes(self._made)

    def _put(self, data: bytes) -> None:
        self._made += data

    def _value(self, value: Any) -> None:
        kind = type(value)
        if value is None or kind is bool:
            self._put(b"N" if value is None else b"\x88" if value else b"\x89")
        elif kind is int:
            self._put(_integer(value))
        elif kind is float:
            self._put(b"G" + struct.pack(">d", value))
        elif kind is str:
            self._text(value)
        elif kind is TensorAt:
            self._tensor(self.tensors[value.name])
        elif kind is dict:
            self._put(b"}")
            self._items(value)
        elif kind is Ordered:
            self._ordered(value)
        elif kind is list:
            self._put(b"](")
            for item in value:
                self._value(item)
            self._put(b"e")
        elif kind is tuple:
            self._tuple(value)
        else:
            self._special(value)

    def _tuple(self, value: tuple[object, ...]) -> None:
        if not value:
            self._put(b")")
            return
        if len(value) > 3:
            self._put(b"(")
        for item in value:
            self._value(item)
        self._put((b"\x85", b"\x86", b"\x87", b"t")[min(len(value), 4) - 1])

    def _items(self, value: Mapping[object, object]) -> None:
        if value:
            self._put(b"(")
            for key, item in value.items():
                self._value(key)
                self._value(item)
            self._put(b"u")

    def _ordered(self, value: Ordered) -> None:
        self._name("collections", "OrderedDict")
        self._put(b")R")
        self._items(value)
        if value.extra:
            self._put(b"}")
            self._text("_metadata")
            self._value(value.extra)
            self._put(b"sb")

    def _text(self, text: str) -> None:
        try:
            data = text.encode("utf-8", "surrogatepass")
        except UnicodeEncodeError as error:
            raise PlanError(f"{quote(text)} is no text") from error
        self._once(b"X" + struct.pack("<I", len(data)) + data)

    def _name(self, module: str, name: str) -> None:
        if not name.isidentifier():  # a line end would let it say something else
            raise PlanError(f"{quote(name)} is no name")
        self._once(f"c{module}\n{name}\n".encode())

    def _once(self, data: bytes) -> None:
        """Write something that may occur again, or what fetches it."""
        number = self._memo.get(data)
        if number is None:
            number = self._memo[data] = len(self._memo)
            self._put(data)
            short, long = b"q", b"r"
        else:
            short, long = b"h", b"j"
        self._put(short + bytes([number]) if number < 256 else long + struct.pack("<I", number))

    def _call(self, module: str, name: str, *args: object) -> None:
        self._name(module, name)
        self._tuple(args)
        self._put(b"R")

    def _tensor(self, stored: Stored) -> None:
        untyped = stored.dtype in _UNTYPED
        count = numel(stored.shape)
        self._name("torch._utils", "_rebuild_tensor_v3" if untyped else "_rebuild_tensor_v2")
        self._put(b"((")
        self._text("storage")
        if untyped:
            self._name("torch.storage", "UntypedStorage")
            count *= itemsize(stored.dtype)
        else:
            self._name("torch", DTYPES[stored.dtype].torch_storage)
        self._text(stored.key)
        self._text("cpu")
        self._put(_integer(count) + b"tQK\x00")
        self._tuple(stored.shape)
        self._tuple(c_strides(stored.shape))
        self._put(b"\x89")
        self._name("collections", "OrderedDict")
        self._put(b")R")
        if untyped:
            self._name("torch", stored.dtype)
        self._put(b"tR")

    def _special(self, value: Any) -> None:
        if isinstance(value, bytes):
            self._call("_codecs", "encode", value.decode("latin-1"), "latin1")
        elif isinstance(value, DType):
            self._name("torch", value.name)
        elif isinstance(value, Collection):
            if value.kind != "set":
                self._note(f"a {value.kind} becomes a set")
            self._call("__builtin__", "set", list(value.items))
        elif isinstance(value, Record):
            self._note(f"{value.type} becomes a dict of its fields")
            self._value(dict(value.fields))
        elif isinstance(value, Leaf):
            self._leaf(value.json)
        elif isinstance(value, NumpyDType | Global):
            text = f"numpy.{value.code}" if isinstance(value, NumpyDType) else value.name
            self._note(f"the name {text} becomes text")
            self._text(text)
        else:
            raise PlanError(f"a {type(value).__name__} cannot be written into a .pt file")

    def _leaf(self, json: Any) -> None:
        """A value that JSON lacks: {"$kind": content}."""
        ((kind, content),) = json.items()
        if kind == "$device":
            self._call("torch", "device", content)
        elif kind == "$layout":
            self._call("torch.serialization", "_get_layout", content)
        elif kind == "$complex":
            self._call("__builtin__", "complex", *map(float, content))
        elif kind == "$path":
            self._note("a path becomes text")
            self._text(content)
        else:
            self._note(f"a {kind[1:]} becomes a tuple")
            self._value(tuple(content) if isinstance(content, list) else content)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _integer(value: int) -> bytes:
    if 0 <= value < 256:
        return b"K" + bytes([value])
    if 0 <= value < 65536:
        return b"M" + struct.pack("<H", value)
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    if len(data) < 256:
        return b"\x8a" + bytes([len(data)]) + data
    return b"\x8b" + struct.pack("<i", len(data)) + data
