"""torch.save's zip archive: `<root>/data.pkl`, one stored member per storage."""

from __future__ import annotations

from typing import Any

from checkpoint_tools import limits
from checkpoint_tools.errors import CheckpointError, Malformed, Unsafe
from checkpoint_tools.folders import Folder
from checkpoint_tools.formats.protocol import Checkpoint, Note, Storage
from checkpoint_tools.formats.torch_tensors import assemble, storage_bytes, unique_storages
from checkpoint_tools.pickle_globals import TORCH_GLOBALS, torch_storage
from checkpoint_tools.pickle_grammar import read_pickle
from checkpoint_tools.pickle_tree import Walk
from checkpoint_tools.pickle_values import StorageRef
from checkpoint_tools.sources import Source
from checkpoint_tools.text import quote
from checkpoint_tools.zip_reader import STORED, ZipReader

NAME = "torch zip"
_FACTS = ("version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id")
_SMALL = 4096


def open(source: Source, _folder: Folder | None = None, /) -> Checkpoint:
    """Read the directory and the pickle of a torch archive."""
    archive = ZipReader(source)
    root = find_root(archive)
    value, walk = _read_pickle(archive, f"{root}data.pkl")
    facts: dict[str, Any] = {
        name.lstrip("."): archive.read(root + name, _SMALL).decode("ascii", "replace").strip()
        for name in _FACTS
        if root + name in archive.members
    }
    order = facts.get("byteorder", "little")
    if order not in ("little", "big"):
        raise Malformed(f"the byte order {quote(order)} is none", file=source.name)
    referenced = unique_storages(walk, source.name)
    storages = _storages(archive, root, referenced, order == "big")
    index_of = {storage.key: index for index, storage in enumerate(storages)}
    made = assemble(walk, index_of, storages)
    facts["locations"] = sorted({storage.location for storage in referenced.values()})
    checkpoint = Checkpoint(
        NAME,
        [source],
        made.tensors,
        storages,
        metadata=walk.tree,
        container=facts,
        notes=made.notes + _strangers(archive, root),
        skeleton=value,
    )
    checkpoint.locate = lambda index: _located(archive, root, storages[index])
    return checkpoint


def find_root(archive: ZipReader) -> str:
    """The folder inside the archive that holds data.pkl, with its slash."""
    names = archive.members
    for name in names:
        tail = name.rpartition("/")[2]
        if tail == "constants.pkl" or "/code/" in name or name.startswith("code/"):
            raise Unsafe(
                f"is a TorchScript program (member {quote(name)}), not a checkpoint",
                file=archive.source.name,
                offset=names[name].header,
            )
    roots = [name[: -len("data.pkl")] for name in names if name.rpartition("/")[2] == "data.pkl"]
    if len(roots) != 1:
        raise Malformed(
            f"has {len(roots)} members data.pkl instead of one", file=archive.source.name
        )
    return roots[0]


def _read_pickle(archive: ZipReader, name: str) -> tuple[object, Walk]:
    data = archive.read(name, limits.MAX_PICKLE)
    base = archive.locate(name).offset
    file = archive.source.name
    value, end = read_pickle(data, 0, TORCH_GLOBALS, torch_storage, file=file, base=base)
    if end != len(data):
        raise Unsafe(
            f"{len(data) - end} bytes follow the pickle's STOP", file=file, offset=base + end
        )
    try:
        return value, Walk(value, file)
    except CheckpointError as error:
        error.offset = base
        raise


def _storages(
    archive: ZipReader, root: str, referenced: dict[str, StorageRef], swapped: bool
) -> list[Storage]:
    """All storages of the archive, the referenced ones first and in the order of the pickle."""
    file = archive.source.name
    storages: list[Storage] = []
    for key, storage in referenced.items():
        member = archive.members.get(f"{root}data/{key}")
        if member is None:
            raise Malformed(f"storage {quote(key)} has no member in the archive", file=file)
        if member.method != STORED:
            raise Unsafe(
                f"storage {quote(key)} is compressed, which torch never does",
                file=file,
                offset=member.header,
            )
        if member.size != storage_bytes(storage):
            raise Malformed(
                f"storage {quote(key)} should have {storage_bytes(storage)} bytes and has"
                f" {member.size}",
                file=file,
                offset=member.header,
            )
        at = archive.offset(member.name)
        storages.append(Storage(key, 0, at, member.size, member.crc, swapped))
    for name, member in archive.members.items():
        key = name.removeprefix(f"{root}data/")
        if key != name and key not in referenced and member.method == STORED:
            at = archive.offset(name)
            storages.append(Storage(key, 0, at, member.size, member.crc, swapped))
    return storages


def _located(archive: ZipReader, root: str, storage: Storage) -> Storage:
    """The storage with its place in the file."""
    return storage._replace(offset=archive.locate(f"{root}data/{storage.key}").offset)


def _strangers(archive: ZipReader, root: str) -> list[Note]:
    known = {root + name for name in (*_FACTS, "data.pkl")}
    return [
        Note("unused", f"member {quote(name)} is no part of a torch checkpoint")
        for name in archive.members
        if name not in known and not name.startswith(f"{root}data/")
    ]
