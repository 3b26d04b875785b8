"""A folder written by torch.distributed.checkpoint: `.metadata` and `*.distcp` files.

`.metadata` is a pickle, read by the closed grammar. Each tensor is a set of rectangles; they must
tile its shape exactly, and each must lie in a file, in a range of its own. A range holds one
torch archive with one tensor, read when somebody asks for it.
"""

from __future__ import annotations

from typing import Any

from checkpoint_tools import limits
from checkpoint_tools.distributed_metadata import Chunk, Entry, Manifest, read_manifest
from checkpoint_tools.errors import CheckpointError, Malformed
from checkpoint_tools.folders import Folder, open_neighbour
from checkpoint_tools.formats import torch_zip
from checkpoint_tools.formats.protocol import Checkpoint, Note, Piece, Storage, TensorRef
from checkpoint_tools.formats.torch_tensors import name_notes
from checkpoint_tools.sources import Source, Window
from checkpoint_tools.strided import c_strides
from checkpoint_tools.text import quote

NAME = "torch distributed"


def open(source: Source, folder: Folder | None = None, /) -> Checkpoint:
    """Read `.metadata` (which is `source`) and prove that its chunks cover every tensor."""
    if folder is None:
        raise Malformed("the chunks lie in files beside .metadata", file=source.name)
    manifest = read_manifest(source)
    held: dict[str, list[Entry | Chunk]] = {}
    for entry in manifest.entries():
        held.setdefault(entry.file, []).append(entry)
    files = sorted(held)
    sources: list[Source] = []
    try:
        for number, name in enumerate(files):
            sources.append(_open_file(folder, name, source.name, held[name]))
            if number > 100:
                sources[-1].park()
        checkpoint = _assemble(source, manifest, files, sources)
    except BaseException:
        for opened in sources:
            opened.close()
        raise
    checkpoint.on_close += [folder.close, source.close]
    return checkpoint


def _open_file(folder: Folder, name: str, said_by: str, held: list[Entry | Chunk]) -> Source:
    """One file, proven long enough for all that it should hold, each in a range of its own."""
    source = open_neighbour(folder, name, said_by, held[0].label())
    reach = 0
    for entry in sorted(held, key=lambda entry: entry.offset):
        if entry.offset < reach:
            raise Malformed(
                f"{entry.label()} overlaps another chunk", file=source.name, offset=entry.offset
            )
        reach = entry.offset + entry.nbytes
        if reach > source.size:
            raise Malformed(
                f"{entry.label()} needs bytes {entry.offset}..{reach}, and the file has"
                f" {source.size}",
                file=source.name,
                offset=entry.offset,
            )
    return source


def _assemble(
    source: Source, manifest: Manifest, files: list[str], sources: list[Source]
) -> Checkpoint:
    number = {name: index for index, name in enumerate(files)}
    storages: list[Storage] = []
    at: dict[str, list[tuple[int, Chunk]]] = {}
    tensors: list[TensorRef] = []
    for name, tensor in manifest.tensors.items():
        at[name] = []
        for chunk in tensor.chunks:
            at[name].append((len(storages), chunk))
            storages.append(Storage(chunk.label(), number[chunk.file], -1, chunk.tensor_bytes))
        strides = c_strides(tensor.shape)
        path = manifest.paths.get(name, (name,))
        tensors.append(TensorRef(name, tensor.dtype, tensor.shape, strides, -1, 0, None, path))
    metadata, notes = _values(manifest, number, sources)
    checkpoint = Checkpoint(
        NAME,
        sources,
        tensors,
        storages,
        metadata=metadata,
        container={"files": files, **manifest.facts},
        notes=notes + name_notes(list(manifest.tensors)),
        name=source.name,
    )
    inner = _Inner(checkpoint, at, number)
    checkpoint.locate = inner.locate
    checkpoint.find_pieces = inner.pieces
    return checkpoint


class _Inner:
    """The archives inside the .distcp files, opened one by one and only when needed."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        at: dict[str, list[tuple[int, Chunk]]],
        number: dict[str, int],
    ) -> None:
        self._checkpoint = checkpoint
        self._at = at
        self._number = number
        self._owner = dict(pair for pairs in at.values() for pair in pairs)
        self._known: dict[int, TensorRef] = {}

    def locate(self, index: int) -> Storage:
        """Where the data of a chunk lie in its file."""
        chunk = self._owner[index]
        number = self._number[chunk.file]
        window = Window(self._checkpoint.sources[number], chunk.offset, chunk.nbytes)
        inner = _inner(window, chunk.label(), chunk.offset)
        refs = list(inner.tensors.values())
        if len(refs) != 1 or (refs[0].shape, refs[0].dtype) != (chunk.shape, chunk.dtype):
            raise Malformed(
                f"{chunk.label()} should be {chunk.dtype} of shape {chunk.shape} and is not",
                file=window.name,
                offset=chunk.offset,
            )
        self._known[index] = refs[0]
        storage = inner.storage(refs[0].storage)
        return storage._replace(
            key=chunk.label(), file=number, offset=storage.offset + chunk.offset
        )

    def pieces(self, name: str) -> tuple[Piece, ...]:
        """The rectangles of a tensor, each with its place."""
        pieces: list[Piece] = []
        for index, chunk in self._at[name]:
            self._checkpoint.storage(index)
            ref = self._known[index]
            pieces.append(Piece(chunk.start, chunk.shape, ref.strides, index, ref.offset))
        return tuple(pieces)


def _inner(window: Window, label: str, base: int) -> Checkpoint:
    try:
        return torch_zip.open(window)
    except CheckpointError as error:
        error.reason = f"{label}: {error.reason}"
        if error.offset is not None:
            error.offset += base
        raise


def _values(
    manifest: Manifest, number: dict[str, int], sources: list[Source]
) -> tuple[dict[str, Any], list[Note]]:
    """What is no tensor: each value is a small archive of its own."""
    tree: dict[str, Any] = {}
    notes: list[Note] = []
    for name, value in manifest.values.items():
        source = sources[number[value.file]]
        if source.remote or value.nbytes > limits.MAX_INFLATED or len(tree) >= limits.MAX_VALUES:
            notes.append(Note("unread", f"the value {quote(name)} was not fetched"))
            continue
        window = Window(source, value.offset, value.nbytes)
        inner = _inner(window, value.label(), value.offset)
        tree[name] = inner.metadata.get("$value", inner.metadata)
        if inner.tensors:
            notes.append(Note("unread", f"the value {quote(name)} holds tensors of its own"))
    return tree, notes
