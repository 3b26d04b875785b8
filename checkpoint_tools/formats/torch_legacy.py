"""torch.save before the zip archive: five pickles in a row, then the storages.

magic number, protocol, system facts, the object, the keys of the storages in the order in which
their bytes follow; each storage is an int64 count of elements and its raw data.
"""

from __future__ import annotations

import struct
from typing import Any

from checkpoint_tools import dtypes, limits
from checkpoint_tools.errors import CheckpointError, Malformed, Unsafe
from checkpoint_tools.folders import Folder
from checkpoint_tools.formats.protocol import Checkpoint, Storage
from checkpoint_tools.formats.torch_tensors import assemble, storage_bytes, unique_storages
from checkpoint_tools.pickle_globals import TORCH_GLOBALS, torch_storage
from checkpoint_tools.pickle_grammar import Truncated, read_pickle
from checkpoint_tools.pickle_tree import Walk
from checkpoint_tools.pickle_values import StorageRef
from checkpoint_tools.sources import Source
from checkpoint_tools.text import quote

NAME = "torch legacy"
MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_FIRST_LOOK = 1 << 18


class _Stream:
    """Pickles one after the other, over a look at the file's head that grows as needed."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.data = source.read_at(0, min(source.size, _FIRST_LOOK))
        self.position = 0

    def next(self) -> Any:
        """The next value."""
        while True:
            try:
                value, end = read_pickle(
                    self.data, self.position, TORCH_GLOBALS, torch_storage, file=self.source.name
                )
            except Truncated:
                room = min(self.source.size, limits.MAX_PICKLE)
                if len(self.data) >= room:
                    raise
                more = min(room, 4 * len(self.data))
                self.data = self.source.read_at(0, more)
                continue
            self.position = end
            return value


def open(source: Source, _folder: Folder | None = None, /) -> Checkpoint:
    """Read the pickles of a legacy file and the counts before its storages."""
    stream = _Stream(source)
    facts = _facts(stream)
    at = stream.position
    value = stream.next()
    try:
        walk = Walk(value, source.name)
    except CheckpointError as error:
        error.offset = at
        raise
    keys_at = stream.position
    keys = stream.next()
    if type(keys) is not list or any(type(key) is not str for key in keys):
        raise Malformed("the list of storages is none", file=source.name, offset=keys_at)
    referenced = unique_storages(walk, source.name)
    storages = _lay_out(
        source, keys, referenced, stream.position, not facts.get("little_endian", True)
    )
    index_of = {storage.key: index for index, storage in enumerate(storages)}
    made = assemble(walk, index_of, storages)
    facts["locations"] = sorted({storage.location for storage in referenced.values()})
    return Checkpoint(
        NAME, [source], made.tensors, storages,
        metadata=walk.tree, container=facts, notes=made.notes, skeleton=value,
    )  # fmt: skip


def _facts(stream: _Stream) -> dict[str, Any]:
    file = stream.source.name
    if stream.next() != MAGIC:
        # Not torch's: whatever it holds was parsed by the grammar, and nothing ran.
        if stream.position != stream.source.size:
            raise Unsafe(
                "is a pickle with something behind it, not a checkpoint",
                file=file,
                offset=stream.position,
            )
        raise Malformed("is a bare pickle, not a checkpoint of torch", file=file, offset=0)
    at = stream.position
    if stream.next() != _PROTOCOL:
        raise Malformed("is of another protocol of torch than 1001", file=file, offset=at)
    at = stream.position
    facts = stream.next()
    if type(facts) is not dict:
        raise Malformed("lacks the facts about the system", file=file, offset=at)
    little = facts.get("little_endian", True)
    if type(little) is not bool:
        raise Malformed("does not tell its byte order", file=file, offset=at)
    return {"little_endian": little}


def _lay_out(
    source: Source, keys: list[str], referenced: dict[str, StorageRef], position: int, swapped: bool
) -> list[Storage]:
    """Where each storage lies; their counts must match the pickle and fill the file exactly."""
    file = source.name
    if len(set(keys)) != len(keys) or set(keys) != set(referenced):
        odd = sorted(set(keys) ^ set(referenced)) or ["a key twice"]
        raise Malformed(
            f"the pickle and the list of storages disagree about {quote(odd[0])}",
            file=file,
            offset=position,
        )
    storages: list[Storage] = []
    for key in keys:
        storage = referenced[key]
        nbytes = storage_bytes(storage)
        if position + 8 + nbytes > source.size:
            raise Malformed(
                f"storage {quote(key)} needs bytes {position + 8}..{position + 8 + nbytes}, and the"
                f" file has {source.size}",
                file=file,
                offset=position,
            )
        if not source.remote:
            _check_count(source, position, storage)
        storages.append(Storage(key, 0, position + 8, nbytes, None, swapped))
        position += 8 + nbytes
    if position != source.size:
        raise Malformed(
            f"{source.size - position} bytes follow the last storage", file=file, offset=position
        )
    return storages


def _check_count(source: Source, position: int, storage: StorageRef) -> None:
    (count,) = struct.unpack("<q", source.read_at(position, 8))
    size = dtypes.itemsize(storage.dtype) if storage.dtype else 1
    if count != storage.numel or count * size != storage_bytes(storage):
        raise Malformed(
            f"storage {quote(storage.key)} has {count} elements here and {storage.numel} in the"
            " pickle",
            file=source.name,
            offset=position,
        )
