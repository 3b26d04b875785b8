"""A zip archive of .npy arrays, stored or deflated."""

from __future__ import annotations

from checkpoint_tools import limits
from checkpoint_tools.dtypes import nbytes
from checkpoint_tools.errors import Malformed, Unsafe
from checkpoint_tools.folders import Folder
from checkpoint_tools.formats.protocol import Checkpoint, Storage, TensorRef
from checkpoint_tools.formats.torch_tensors import name_notes
from checkpoint_tools.inflate import inflate_range
from checkpoint_tools.npy_header import NpyHeader, header_length, read_header
from checkpoint_tools.sources import Source
from checkpoint_tools.strided import numel
from checkpoint_tools.text import quote
from checkpoint_tools.zip_reader import DEFLATED, ZipReader

NAME = "npz"


def open(source: Source, _folder: Folder | None = None, /) -> Checkpoint:
    """Read the directory of a .npz file and the header of each array."""
    archive = ZipReader(source)
    if len(archive.members) > limits.MAX_ARRAYS:
        raise Unsafe(f"holds {len(archive.members)} arrays", file=source.name)
    storages: list[Storage] = []
    tensors: list[TensorRef] = []
    for index, name in enumerate(archive.members):
        storage, header = _array(archive, name)
        short = name.removesuffix(".npy")
        storages.append(storage)
        begin = header.offset if storage.deflated else 0
        tensors.append(
            TensorRef(
                short, header.dtype, header.shape, header.strides, index, begin, None, (short,)
            )
        )
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise Unsafe("two arrays have one name", file=source.name)
    notes = name_notes([tensor.name for tensor in tensors])
    return Checkpoint(NAME, [source], tensors, storages, notes=notes)


def _array(archive: ZipReader, name: str) -> tuple[Storage, NpyHeader]:
    """Where an array lies. The storage of a deflated one is the whole member, header included."""
    source, member = archive.source, archive.members[name]
    place = archive.locate(name)

    def head(length: int) -> bytes:
        length = min(length, member.size)
        if member.method == DEFLATED:
            return inflate_range(source, place.offset, place.nbytes, 0, length)
        return source.read_at(place.offset, length)

    length = header_length(head(12), source.name, place.offset)
    if length > member.size:
        raise Malformed(
            f"the header of {quote(name)} reaches beyond its member",
            file=source.name,
            offset=place.offset,
        )
    header = read_header(head(length), source.name, place.offset)
    size = nbytes(header.dtype, numel(header.shape))
    if header.offset + size != member.size:
        raise Malformed(
            f"array {quote(name)} of shape {header.shape} needs {size} bytes and has"
            f" {member.size - header.offset}",
            file=source.name,
            offset=place.offset,
        )
    if member.method == DEFLATED:
        whole = Storage(name, 0, place.offset, member.size, None, header.swapped, place.nbytes)
        return whole, header
    begin = place.offset + header.offset
    return Storage(name, 0, begin, size, None, header.swapped), header
