"""What torch's zip and legacy formats share: tensors of a pickle over located storages."""

from __future__ import annotations

from typing import NamedTuple

from checkpoint_tools import dtypes, strided
from checkpoint_tools.errors import Malformed
from checkpoint_tools.formats.protocol import Note, Storage, TensorRef
from checkpoint_tools.pickle_tree import Walk
from checkpoint_tools.pickle_values import StorageRef
from checkpoint_tools.text import is_plain, quote

_BLOAT = 1 << 20


class Assembled(NamedTuple):
    """Tensors over storages, and what is odd about them."""

    tensors: list[TensorRef]
    notes: list[Note]


def storage_bytes(storage: StorageRef) -> int:
    """Bytes that a persistent id declares."""
    return storage.numel * (dtypes.itemsize(storage.dtype) if storage.dtype else 1)


def assemble(walk: Walk, index_of: dict[str, int], storages: list[Storage]) -> Assembled:
    """The tensors that a walk found; `index_of` gives the storage of each key."""
    tensors: list[TensorRef] = []
    first: dict[tuple[object, ...], str] = {}
    covered: dict[int, list[tuple[int, int]]] = {}
    reaches: dict[tuple[tuple[int, ...], tuple[int, ...], str], int] = {}
    for found in walk.found:
        tensor = found.tensor
        index = index_of[tensor.storage.key]
        offset = tensor.offset * dtypes.itemsize(tensor.dtype)
        shape = tensor.shape
        key = (index, offset, shape, tensor.strides, tensor.dtype)
        alias = first.setdefault(key, found.name)
        tensors.append(
            TensorRef(
                found.name,
                tensor.dtype,
                shape,
                tensor.strides,
                index,
                offset,
                None if alias is found.name else alias,
                found.path,
            )
        )
        if alias is found.name:
            form = (shape, tensor.strides, tensor.dtype)
            reach = reaches.get(form)
            if reach is None:
                reach = reaches[form] = strided.span(*form)[1]
            covered.setdefault(index, []).append((offset, offset + reach))
    notes = [_note_alias(tensor) for tensor in tensors if tensor.alias_of is not None]
    notes += _notes_storages(covered, storages)
    notes += name_notes([tensor.name for tensor in tensors])
    notes += [
        Note("name", f"two tensors are called alike; one is listed as {quote(name)}")
        for name in walk.renamed
    ]
    return Assembled(tensors, notes)


def _note_alias(tensor: TensorRef) -> Note:
    return Note("alias", f"{quote(tensor.name)} is the same data as {quote(tensor.alias_of or '')}")


def name_notes(names: list[str]) -> list[Note]:
    """Names that are empty or that would not print as they are."""
    return [
        Note("name", f"the tensor name {quote(name)} is empty or has characters that hide")
        for name in names
        if not name or not is_plain(name)
    ]


def _notes_storages(
    covered: dict[int, list[tuple[int, int]]], storages: list[Storage]
) -> list[Note]:
    notes: list[Note] = []
    for index, storage in enumerate(storages):
        parts = covered.get(index, [])
        if len(parts) == 1 and parts[0] == (0, storage.nbytes):
            continue
        used = strided.union_length(parts)
        if not parts and storage.nbytes:
            text = f"storage {quote(storage.key)} of {storage.nbytes} bytes belongs to no tensor"
            notes.append(Note("unused", text))
        elif storage.nbytes - used > _BLOAT or storage.nbytes > 4 * used + 4096:
            text = (
                f"tensors use {used} of the {storage.nbytes} bytes of storage {quote(storage.key)}"
            )
            notes.append(Note("bloat", text))
        if len(parts) > 1 and sum(high - low for low, high in parts) > used:
            text = f"{len(parts)} tensors are overlapping views of storage {quote(storage.key)}"
            notes.append(Note("overlap", text))
    return notes


def unique_storages(walk: Walk, file: str) -> dict[str, StorageRef]:
    """Every storage that some tensor lies in, by key; one key must mean one length."""
    storages: dict[str, StorageRef] = {}
    for found in walk.found:
        storage = found.tensor.storage
        known = storages.setdefault(storage.key, storage)
        if known is not storage and storage_bytes(known) != storage_bytes(storage):
            raise Malformed(
                f"storage {quote(storage.key)} is said to have {storage_bytes(known)} bytes and"
                f" {storage_bytes(storage)} bytes",
                file=file,
            )
    return storages
