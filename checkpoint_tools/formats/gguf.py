"""GGUF files, versions 2 and 3, little-endian: names, shapes, types, places and metadata.

The format is described in docs/gguf.md of github.com/ggml-org/ggml: a header, key-value pairs,
one record per tensor, padding, then the data, each tensor at a multiple of `general.alignment`.
Dimensions stand there fastest first and are turned round here, into C order.

Tensors of plain numbers are read like any other. Quantised ones lie in blocks that mix scales
and codes: they are listed under ggml's name of the type with their size, and never decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

from checkpoint_tools import limits
from checkpoint_tools.dtypes import nbytes
from checkpoint_tools.errors import Malformed, Refused
from checkpoint_tools.folders import Folder
from checkpoint_tools.formats.gguf_values import Values
from checkpoint_tools.formats.protocol import Checkpoint, Note, Piece, Run, Storage, TensorRef
from checkpoint_tools.formats.torch_tensors import name_notes
from checkpoint_tools.sources import Source
from checkpoint_tools.strided import c_strides
from checkpoint_tools.text import quote

NAME = "gguf"
MAGIC = b"GGUF"
VERSIONS = (2, 3)
ALIGNMENT = 32
"""Of files that do not say theirs."""
LONG_NAME = 64
"""Bytes that the format allows a tensor's name; some writers go beyond it."""

PLAIN = {
    0: "float32", 1: "float16", 24: "int8", 25: "int16", 26: "int32", 27: "int64", 28: "float64",
    30: "bfloat16",
}  # fmt: skip
"""Types of single numbers, by their number in the file."""

BLOCKS = {
    2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    29: ("IQ1_M", 256, 56), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
}  # fmt: skip
"""Quantised types: number in the file -> name, elements and bytes of a block."""

REMOVED = {4, 5, 31, 32, 33, 36, 37, 38}
"""Numbers of types that the format no longer has."""

_BLOCK_OF = {name: (elements, size) for name, elements, size in BLOCKS.values()}
_SMALLEST = 24
"""Bytes of the shortest record of a tensor: two lengths of 0, a type and an offset."""


class BlockRef(TensorRef):
    """A quantised tensor; `dtype` is ggml's name.

    No view of a storage shows its elements, so `storage` is -1; that of its blocks has its name.
    """

    __slots__ = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all its blocks."""
        elements, size = _BLOCK_OF[self.dtype]
        return self.numel // elements * size


class GgufCheckpoint(Checkpoint):
    """A checkpoint some tensors of which may be quantised, and are then not read."""

    @property
    def referenced_bytes(self) -> int:
        """Bytes of all tensors; no two of them overlap."""
        return sum(ref.nbytes for ref in self.tensors.values())

    def pieces(self, name: str) -> tuple[Piece, ...]:
        """The one rectangle that makes up a tensor.

        Raises:
            Refused: it is quantised.
        """
        self._check_plain(name)
        return super().pieces(name)

    def runs(self, name: str) -> Iterator[Run]:
        """Byte ranges that, one after the other, are the tensor in C order.

        Raises:
            Refused: it is quantised.
        """
        self._check_plain(name)
        return super().runs(name)

    def read_slice(self, name: str, start: tuple[int, ...], stop: tuple[int, ...]) -> bytes:
        """The elements of the rectangle from `start` up to `stop`, in C order, little-endian.

        Raises:
            Refused: it is quantised.
        """
        self._check_plain(name)
        return super().read_slice(name, start, stop)

    def stream(self, name: str, nbytes_each: int = 1 << 18) -> Iterator[bytes]:
        """The elements of a tensor in C order, little-endian, in parts of bounded size.

        Raises:
            Refused: it is quantised.
        """
        self._check_plain(name)
        return super().stream(name, nbytes_each)

    def _check_plain(self, name: str) -> None:
        dtype = self.tensors[name].dtype
        if dtype in _BLOCK_OF:
            elements, size = _BLOCK_OF[dtype]
            raise Refused(
                f"the tensor {quote(name)} is quantised as {dtype} ({elements} elements in {size}"
                " bytes); elements of such a type are not read",
                file=self.name,
            )


class Record(NamedTuple):
    """What a file says of one tensor: its type as numbered there, `offset` from the data on."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int
    nbytes: int
    position: int


def open(source: Source, _folder: Folder | None = None, /) -> Checkpoint:
    """Read the metadata and the records of the tensors; no byte of data is looked at.

    Raises:
        Refused: it is of another version, or big-endian.
        Malformed: it contradicts itself or the format.
    """
    values = Values(source)
    version, tensors, pairs = _counts(values)
    metadata, alignment = _metadata(values, pairs)
    records = [_record(values, alignment) for _ in range(tensors)]
    _check_unique(values, records)
    begin = -(-values.position // alignment) * alignment
    notes = _check_places(source, records, begin, alignment)
    refs = [_ref(record, index) for index, record in enumerate(records)]
    storages = [Storage(r.name, 0, begin + r.offset, r.nbytes) for r in records]
    used = sorted({record.type for record in records if record.type in BLOCKS})
    container = {
        "version": version,
        "alignment": alignment,
        "header_bytes": values.position,
        "blocks": {
            name: {"elements": elements, "bytes": size}
            for name, elements, size in map(BLOCKS.__getitem__, used)
        },
    }
    return GgufCheckpoint(
        NAME, [source], refs, storages, metadata=metadata, container=container,
        notes=name_notes([record.name for record in records]) + notes,
    )  # fmt: skip


def _counts(values: Values) -> tuple[int, int, int]:
    """The version, how many tensors there are and how many pairs of metadata."""
    values.need(24, "the header")
    if values.take(4) != MAGIC:
        raise values.refuse("does not begin as a GGUF file", 0)
    version = values.whole(4)
    if version not in VERSIONS:
        swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
        what = f"of version {version}" if swapped not in VERSIONS else "big-endian"
        raise Refused(
            f"is a GGUF file {what}; little-endian ones of version 2 and 3 are read",
            file=values.source.name,
            offset=4,
        )
    tensors, pairs = values.whole(8), values.whole(8)
    if tensors > min(limits.MAX_TENSORS, values.left // _SMALLEST):
        raise values.refuse(f"should hold {tensors} tensors, and has {values.size} bytes", 8)
    if pairs > min(limits.MAX_VALUES, values.left // 13):
        raise values.refuse(f"should hold {pairs} metadata, and has {values.size} bytes", 16)
    return version, tensors, pairs


def _metadata(values: Values, pairs: int) -> tuple[dict[str, Any], int]:
    """All key-value pairs, and the alignment of the tensors in bytes."""
    found: dict[str, Any] = {}
    alignment = ALIGNMENT
    for _ in range(pairs):
        position = values.position
        key = values.key()
        if key in found:
            raise values.refuse(f"the key {quote(key)} stands twice", position)
        kind = values.whole(4)
        found[key] = values.value(kind)
        if key == "general.alignment":
            alignment = found[key]
            if kind != 4 or alignment % 8 or not 0 < alignment <= 1 << 30:
                said = f"general.alignment must be a multiple of 8, as uint32, not {alignment}"
                raise values.refuse(said, position)
    return found, alignment


def _record(values: Values, alignment: int) -> Record:
    """One tensor: name, dimensions, type and offset, all checked but for its place."""
    position = values.position
    name = values.text("the name of a tensor", limits.MAX_NAME)
    rank = values.whole(4)
    if rank > limits.MAX_DIMENSIONS:
        raise values.refuse(f"the tensor {quote(name)} has {rank} dimensions", position)
    *dims, type, offset = values.unpack(f"{rank}QIQ", "the record of a tensor")
    shape = tuple(reversed(dims))
    size, fault = _size(type, shape)
    if offset % alignment:
        fault = fault or f"begins at {offset}, which is no multiple of {alignment}"
    if fault:
        raise values.refuse(f"the tensor {quote(name)} {fault}", position)
    return Record(name, shape, type, offset, size, position)


def _size(type: int, shape: tuple[int, ...]) -> tuple[int, str]:
    """Bytes of a tensor, and what is wrong with its type or shape."""
    count = prod(shape)
    if (count or prod(filter(None, shape))) > limits.MAX_ELEMENTS:
        return 0, "has a shape that overflows 63 bits"
    if type in PLAIN:
        return nbytes(PLAIN[type], count), ""
    if type not in BLOCKS:
        return 0, f"is of type {type}, which {'was removed' if type in REMOVED else 'is unknown'}"
    word, elements, each = BLOCKS[type]
    row = shape[-1] if shape else 1
    if row % elements:
        return 0, f"has rows of {row}, which are no whole blocks of {elements} ({word})"
    return count // elements * each, ""


def _ref(record: Record, index: int) -> TensorRef:
    path, steps = (record.name,), c_strides(record.shape)
    if record.type in PLAIN:
        dtype = PLAIN[record.type]
        return TensorRef(record.name, dtype, record.shape, steps, index, 0, None, path)
    dtype = BLOCKS[record.type][0]
    return BlockRef(record.name, dtype, record.shape, steps, -1, 0, None, path)


def _check_unique(values: Values, records: list[Record]) -> None:
    seen: set[str] = set()
    for record in records:
        if record.name in seen:
            said = f"the tensor {quote(record.name)} stands twice"
            raise values.refuse(said, record.position)
        seen.add(record.name)


def _check_places(source: Source, records: list[Record], begin: int, free: int) -> list[Note]:
    """Every tensor lies inside the file and apart from the others.

    Returns:
        What is odd: `free` or more bytes that belong to no tensor, and names beyond the limit.
    """
    notes: list[Note] = []
    reach, before = 0, ""
    for record in sorted(records, key=lambda record: (record.offset, record.nbytes)):
        name, offset, size = record.name, record.offset, record.nbytes
        fault = ""
        if begin + offset + size > source.size:
            fault = f"needs {size} bytes at byte {begin + offset}, and the file has {source.size}"
        elif offset < reach and size:
            fault = f"overlaps {quote(before)}"
        if fault:
            said = f"the tensor {quote(name)} {fault}"
            raise Malformed(said, file=source.name, offset=record.position)
        if offset - reach >= free:
            notes.append(Note("gap", f"{offset - reach} bytes before {quote(name)} are unused"))
        if len(name) * 4 > LONG_NAME < len(name.encode()):
            said = f"the tensor name {quote(name)} is longer than {LONG_NAME} bytes"
            notes.append(Note("name", said))
        reach, before = max(reach, offset + size), name
    if source.size - begin - reach >= free:
        said = f"{source.size - begin - reach} bytes follow the last tensor"
        notes.append(Note("trailing", said))
    return notes
