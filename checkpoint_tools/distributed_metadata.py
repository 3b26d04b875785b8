"""The `.metadata` pickle of torch.distributed.checkpoint, and the proof that it is whole.

Source: torch/distributed/checkpoint/metadata.py and filesystem.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from checkpoint_tools import limits
from checkpoint_tools.coverage import Coverage
from checkpoint_tools.dtypes import nbytes
from checkpoint_tools.errors import Malformed, Unsafe
from checkpoint_tools.folders import check_name
from checkpoint_tools.pickle_globals import TORCH_GLOBALS
from checkpoint_tools.pickle_grammar import read_pickle
from checkpoint_tools.pickle_tree import Walk
from checkpoint_tools.pickle_values import DType, Global, Leaf, Record, Refusal
from checkpoint_tools.sources import Source
from checkpoint_tools.strided import numel
from checkpoint_tools.text import quote

_MODULE = "torch.distributed.checkpoint.metadata"
_RECORDS = (
    *(f"{_MODULE}.{name}" for name in ("Metadata", "TensorStorageMetadata", "TensorProperties")),
    *(f"{_MODULE}.{name}" for name in ("ChunkStorageMetadata", "BytesStorageMetadata")),
    *(f"{_MODULE}.{name}" for name in ("MetadataIndex", "StorageMeta")),
    "torch.distributed.checkpoint.filesystem._StorageInfo",
)


class Entry(NamedTuple):
    """A value that is no tensor, and where it lies."""

    name: str
    file: str
    offset: int
    nbytes: int

    def label(self) -> str:
        """What it is, for messages."""
        return f"value {quote(self.name)}"


class Chunk(NamedTuple):
    """A rectangle of a tensor, and where its archive lies."""

    name: str
    start: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: str
    file: str
    offset: int
    nbytes: int

    @property
    def tensor_bytes(self) -> int:
        """Bytes of its elements."""
        return nbytes(self.dtype, numel(self.shape))

    def label(self) -> str:
        """What it is, for messages."""
        if not self.shape:
            return f"tensor {quote(self.name)}"
        parts = (f"{a}:{a + n}" for a, n in zip(self.start, self.shape, strict=True))
        return f"tensor {quote(self.name)} [{', '.join(parts)}]"


class DistributedTensor(NamedTuple):
    """A tensor and its rectangles."""

    dtype: str
    shape: tuple[int, ...]
    chunks: tuple[Chunk, ...]


class Manifest(NamedTuple):
    """All that `.metadata` says."""

    tensors: dict[str, DistributedTensor]
    values: dict[str, Entry]
    paths: dict[str, tuple[str | int, ...]]
    facts: dict[str, Any]

    def entries(self) -> Iterator[Entry | Chunk]:
        """Everything that lies in a file."""
        yield from self.values.values()
        for tensor in self.tensors.values():
            yield from tensor.chunks


def _memory_format(args: tuple[Any, ...]) -> Leaf:
    if len(args) != 1 or args[0] not in (0, 1, 2):
        raise Refusal("a memory format that is none")
    return Leaf({"$memory_format": args[0]})


def _names() -> dict[str, object]:
    names = dict(TORCH_GLOBALS)
    names |= {name: Global(name, None, record=True) for name in _RECORDS}
    encoding = f"{_MODULE}._MEM_FORMAT_ENCODING"
    names[encoding] = Global(encoding, _memory_format)
    return names


def read_manifest(source: Source) -> Manifest:
    """Read `.metadata`.

    Raises:
        Unsafe: it asks for anything beyond the records of a checkpoint.
        Malformed: chunks overlap, leave a part of a tensor out, or are nowhere stored.
    """
    if source.size > limits.MAX_PICKLE:
        raise Unsafe(f"has {source.size} bytes", file=source.name)
    data = source.read_at(0, source.size)
    value, end = read_pickle(data, 0, _names(), file=source.name, record_keys=True)
    if end != len(data):
        raise Unsafe(
            f"{len(data) - end} bytes follow the pickle's STOP", file=source.name, offset=end
        )
    return _Reader(source.name).manifest(value)


class _Reader:
    """Records into tuples, each field checked."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.coverage = Coverage()

    def manifest(self, value: object) -> Manifest:
        """The whole of it."""
        fields = self._fields(value, "Metadata")
        described = self._mapping(fields.get("state_dict_metadata"), "state_dict_metadata")
        places = self._places(self._mapping(fields.get("storage_data"), "storage_data"))
        tensors: dict[str, DistributedTensor] = {}
        values: dict[str, Entry] = {}
        for name, record in described.items():
            if type(name) is not str:
                raise self._bad("a name that is no text")
            if getattr(record, "type", "").endswith(".BytesStorageMetadata"):
                place = places.pop((name, None), None) or places.pop((name, ()), None)
                if place is None:
                    raise self._bad(f"the value {quote(name)} is nowhere stored")
                values[name] = Entry(name, *place)
            else:
                tensors[name] = self._tensor(name, record, places)
        if places:
            name, start = next(iter(places))
            raise self._bad(f"a chunk of {quote(name)} at {start} belongs to no tensor")
        facts = {"version": fields.get("version")}
        return Manifest(tensors, values, self._paths(fields.get("planner_data")), facts)

    def _places(
        self, stored: dict[Any, Any]
    ) -> dict[tuple[str, tuple[int, ...] | None], tuple[str, int, int]]:
        """Where each (name, start) lies: file, offset, length."""
        if len(stored) > limits.MAX_CHUNKS:
            raise Unsafe(f"names {len(stored)} chunks", file=self.file)
        places: dict[tuple[str, tuple[int, ...] | None], tuple[str, int, int]] = {}
        checked: set[str] = set()
        for key, record in stored.items():
            index = self._fields(key, "MetadataIndex")
            info = self._fields(record, "_StorageInfo")
            name, start = index.get("fqn"), index.get("offset")
            file, offset, length = (info.get(k) for k in ("relative_path", "offset", "length"))
            if type(name) is not str or type(file) is not str:
                raise self._bad("a chunk without a name or a file")
            if file not in checked:
                check_name(file, self.file)
                checked.add(file)
            if type(offset) is not int or type(length) is not int or min(offset, length) < 0:
                raise self._bad(f"a chunk of {quote(name)} without a place")
            if info.get("transform_descriptors"):
                raise self._bad(f"the chunks of {quote(name)} went through a transformation")
            where = (name, None if start is None else self._numbers(start))
            if where in places:
                raise self._bad(f"a chunk of {quote(name)} is stored twice")
            places[where] = (file, offset, length)
        return places

    def _tensor(
        self,
        name: str,
        record: object,
        places: dict[tuple[str, tuple[int, ...] | None], tuple[str, int, int]],
    ) -> DistributedTensor:
        fields = self._fields(record, "TensorStorageMetadata")
        properties = fields.get("properties")
        state = properties.state if isinstance(properties, Record) else None
        if not isinstance(state, tuple) or not state or type(state[0]) is not DType:
            raise self._bad(f"the tensor {quote(name)} has no dtype")
        dtype, shape = state[0].name, self._numbers(fields.get("size"))
        described = fields.get("chunks")
        if type(described) is not list:
            raise self._bad(f"the tensor {quote(name)} has no chunks")
        chunks: list[Chunk] = []
        for item in described:
            part = self._fields(item, "ChunkStorageMetadata")
            start, size = self._numbers(part.get("offsets")), self._numbers(part.get("sizes"))
            place = places.pop((name, start), None)
            if place is None:
                raise self._bad(f"the chunk of {quote(name)} at {start} is nowhere stored")
            chunks.append(Chunk(name, start, size, dtype, *place))
        hole = self.coverage.fault(shape, [(chunk.start, chunk.shape) for chunk in chunks])
        if hole:
            raise self._bad(f"the chunks of {quote(name)} of shape {shape} {hole}")
        return DistributedTensor(dtype, shape, tuple(chunks))

    def _paths(self, planned: object) -> dict[str, tuple[str | int, ...]]:
        paths: dict[str, tuple[str | int, ...]] = {}
        if planned is None:
            return paths
        Walk(planned, self.file)
        if isinstance(planned, dict):
            for name, path in planned.items():
                whole = isinstance(path, tuple) and all(type(part) in (str, int) for part in path)
                if isinstance(name, str) and whole:
                    paths[name] = path
        return paths

    def _fields(self, value: object, kind: str) -> dict[Any, Any]:
        if not isinstance(value, Record) or value.type.rpartition(".")[2] != kind:
            raise self._bad(f"something else stands where a {kind} belongs")
        return value.fields

    def _mapping(self, value: object, what: str) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise self._bad(f"{what} is no mapping")
        return value

    def _numbers(self, value: object) -> tuple[int, ...]:
        small = isinstance(value, tuple) and len(value) <= limits.MAX_DIMENSIONS
        if not small or any(type(n) is not int or n < 0 for n in value):  # type: ignore[attr-defined]
            raise self._bad("a shape or an offset that is none")
        return value  # type: ignore[return-value]

    def _bad(self, reason: str) -> Malformed:
        return Malformed(reason, file=self.file)
