"""What the closed pickle grammar builds: plain data, and descriptions of tensors."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """A production does not take these arguments; the interpreter adds file and byte.

    `unsafe` tells a request for something dangerous from a contradiction.
    """

    def __init__(self, reason: str, *, unsafe: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unsafe = unsafe


class Ordered(dict[Any, Any]):
    """An OrderedDict; `extra` holds the one attribute that state dicts carry, `_metadata`."""

    extra: object = None


class Global:
    """A name that the grammar knows, on the stack.

    `call(args)` is its production under REDUCE, `record` says that NEWOBJ may make it.
    """

    __slots__ = ("call", "name", "record", "storage_dtype")

    def __init__(
        self, name: str, call: Any = None, record: bool = False, storage_dtype: str | None = None
    ) -> None:
        self.name = name
        self.call = call
        self.record = record
        self.storage_dtype = storage_dtype


class StorageRef:
    """A persistent id: the key of a storage, its element type and how many it has.

    `dtype` is "" for untyped storages, whose `numel` counts bytes.
    """

    __slots__ = ("dtype", "key", "location", "numel", "shift")

    def __init__(self, key: str, dtype: str, numel: int, location: str, shift: int = 0) -> None:
        self.key = key
        self.dtype = dtype
        self.numel = numel
        self.location = location
        self.shift = shift


class Tensor:
    """A view of a storage; offset, shape and strides count elements."""

    __slots__ = ("dtype", "offset", "shape", "storage", "strides")

    def __init__(
        self,
        storage: StorageRef,
        dtype: str,
        offset: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
    ) -> None:
        self.storage = storage
        self.dtype = dtype
        self.offset = offset
        self.shape = shape
        self.strides = strides


class DType:
    """An element type of torch (`torch.float32`)."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class NumpyDType:
    """An element type of numpy; the byte order arrives by BUILD."""

    __slots__ = ("code", "order")

    def __init__(self, code: str) -> None:
        self.code = code
        self.order = "<"


class Leaf:
    """A value that JSON lacks, as the JSON that stands for it."""

    __slots__ = ("json",)

    def __init__(self, json: Any) -> None:
        self.json = json


class Record:
    """An object known only by its attributes, such as argparse.Namespace."""

    __slots__ = ("fields", "state", "type")

    def __init__(self, type: str) -> None:
        self.type = type
        self.fields: dict[Any, Any] = {}
        self.state: object = None


class Collection:
    """A set or frozenset, as the list of its elements."""

    __slots__ = ("items", "kind")

    def __init__(self, kind: str, items: list[Any]) -> None:
        self.kind = kind
        self.items = items


def is_key(value: object) -> bool:
    """Whether a value may be a mapping key or a set element: scalars that hash in no time."""
    kind = type(value)
    if kind is str or kind is bool or kind is float or value is None:
        return True
    if kind is bytes:
        return len(value) <= 256  # type: ignore[arg-type]
    return kind is int and -(1 << 63) <= value < (1 << 64)  # type: ignore[operator]
