"""What every format module offers: `open(source, folder) -> Checkpoint`, headers only.

A checkpoint is a list of tensors that lie in storages, which are byte ranges of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from checkpoint_tools import strided
from checkpoint_tools.dtypes import byteswapped, nbytes
from checkpoint_tools.errors import Malformed
from checkpoint_tools.folders import Folder
from checkpoint_tools.sources import Source

TREE_KEY = "checkpoint_tools.tree"
"""The text under which formats that hold only texts keep the object around the tensors."""
_LOOK = 1 << 18
_OPEN_AT_ONCE = 100


class TensorRef(NamedTuple):
    """Where a tensor lies; nothing of it is in memory.

    `shape` and `strides` count elements, `offset` counts bytes from the start of the storage.
    `path` are the keys that lead to it inside the file, `name` is their dotted form.
    `alias_of` names an earlier tensor that is the very same view of the same storage.
    A tensor that lies in several rectangles has `storage` -1 and is described by its pieces.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    storage: int
    offset: int = 0
    alias_of: str | None = None
    path: tuple[str | int, ...] = ()

    @property
    def numel(self) -> int:
        """How many elements it has."""
        return strided.numel(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of its elements written out in C order."""
        return nbytes(self.dtype, strided.numel(self.shape))

    @property
    def contiguous(self) -> bool:
        """Whether its elements lie in C order without gaps."""
        return self.storage >= 0 and strided.is_contiguous(self.shape, self.strides)


class Storage(NamedTuple):
    """A range of a file that tensors lie in.

    `offset` is -1 until the storage was located (members of remote archives).
    `stored` differs from `nbytes` where the range is deflated. `swapped`: big-endian numbers.
    """

    key: str
    file: int
    offset: int
    nbytes: int
    crc32: int | None = None
    swapped: bool = False
    stored: int = -1

    @property
    def deflated(self) -> bool:
        """Whether the bytes must be inflated before they mean anything."""
        return self.stored >= 0


class Run(NamedTuple):
    """Bytes of a file that are, as they stand, the next bytes of a tensor in C order."""

    file: int
    offset: int
    nbytes: int


class Piece(NamedTuple):
    """A rectangle of a tensor: where it begins in it, and the view of a storage that fills it."""

    start: tuple[int, ...]
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    storage: int
    offset: int


class Note(NamedTuple):
    """Something legal but odd; the message is fit to be printed."""

    kind: str
    message: str


class Format(Protocol):
    """A format module."""

    def open(self, source: Source, folder: Folder | None, /) -> Checkpoint:
        """Read the headers of `source`; `folder` gives its neighbours."""
        ...


class Checkpoint:
    """The tensors and everything else that a file, or a set of shards, holds.

    Attributes:
        format: name of the format.
        name: how the user called it.
        files: names of the files, in the order that `Storage.file` and `Run.file` count.
        tensors: by name, in the order of the file.
        storages: every storage, referenced or not.
        metadata: JSON-able tree of all that is no tensor: epochs, metrics, configs, optimizers.
        container: facts of the file format itself.
        notes: what is legal but odd.
        skeleton: the parsed object of a pickle, with tensors as `pickle_values.Tensor`; else None.
    """

    def __init__(
        self,
        format: str,
        sources: list[Source],
        tensors: list[TensorRef],
        storages: list[Storage],
        *,
        metadata: dict[str, Any] | None = None,
        container: dict[str, Any] | None = None,
        notes: list[Note] | None = None,
        skeleton: object | None = None,
        name: str | None = None,
    ) -> None:
        self.format = format
        self.name = name or sources[0].name
        self.sources = sources
        self.files = tuple(source.name for source in sources)
        self.tensors = {tensor.name: tensor for tensor in tensors}
        self.storages = storages
        self.metadata = metadata or {}
        self.container = container or {}
        self.notes = notes or []
        self.skeleton = skeleton
        self.locate: Callable[[int], Storage] | None = None
        self.find_pieces: Callable[[str], tuple[Piece, ...]] | None = None
        self.on_close: list[Callable[[], None]] = []
        self._awake: list[int] = []

    @property
    def stored_bytes(self) -> int:
        """Bytes that the storages take."""
        return sum(storage.nbytes for storage in self.storages)

    @property
    def referenced_bytes(self) -> int:
        """Bytes of the storages that some tensor covers; shared bytes count once."""
        spans: dict[int, list[tuple[int, int]]] = {}
        in_pieces = 0
        for tensor in self.tensors.values():
            if tensor.storage < 0:
                in_pieces += tensor.nbytes
            elif tensor.alias_of is None:
                low, high = strided.span(tensor.shape, tensor.strides, tensor.dtype)
                spans.setdefault(tensor.storage, []).append(
                    (tensor.offset + low, tensor.offset + high)
                )
        return in_pieces + sum(strided.union_length(parts) for parts in spans.values())

    def storage(self, index: int) -> Storage:
        """A storage whose place in its file is known."""
        found = self.storages[index]
        if found.offset < 0 and self.locate is not None:
            found = self.storages[index] = self.locate(index)
        return found

    def pieces(self, name: str) -> tuple[Piece, ...]:
        """The rectangles that make up a tensor; one for all but distributed checkpoints."""
        ref = self.tensors[name]
        if ref.storage < 0 and self.find_pieces is not None:
            return self.find_pieces(name)
        return (Piece((0,) * len(ref.shape), ref.shape, ref.strides, ref.storage, ref.offset),)

    def runs(self, name: str) -> Iterator[Run]:
        """Byte ranges that, one after the other, are the tensor in C order.

        Raises:
            ValueError: no range of a file is: the data are deflated, big-endian, or in pieces.
        """
        ref = self.tensors[name]
        if ref.storage < 0:
            raise ValueError(f"{name} lies in pieces")
        storage = self.storage(ref.storage)
        if storage.deflated or storage.swapped:
            raise ValueError(f"{name} is deflated or big-endian")
        for begin, length in strided.runs(ref.shape, ref.strides, ref.dtype):
            yield Run(storage.file, storage.offset + ref.offset + begin, length)

    def read(self, name: str) -> bytes:
        """The elements of a tensor in C order, little-endian."""
        shape = self.tensors[name].shape
        return self.read_slice(name, (0,) * len(shape), shape)

    def read_slice(self, name: str, start: tuple[int, ...], stop: tuple[int, ...]) -> bytes:
        """The elements of the rectangle from `start` up to `stop`, in C order, little-endian."""
        ref = self.tensors[name]
        inside = len(start) == len(stop) == len(ref.shape) and all(
            0 <= low <= high <= size for low, high, size in zip(start, stop, ref.shape, strict=True)
        )
        if not inside:
            raise IndexError(f"{start}..{stop} is not inside shape {ref.shape} of {name}")
        shape = tuple(high - low for low, high in zip(start, stop, strict=True))
        if ref.storage >= 0:
            begin = strided.element_offset(start, ref.strides, ref.dtype)
            return self.read_view(ref.dtype, shape, ref.strides, ref.storage, ref.offset + begin)
        target = bytearray(nbytes(ref.dtype, strided.numel(shape)))
        for piece in self.pieces(name):
            low = tuple(map(max, start, piece.start))
            ends = (begin + size for begin, size in zip(piece.start, piece.shape, strict=True))
            part = tuple(b - a for a, b in zip(low, map(min, stop, ends), strict=True))
            if all(size > 0 for size in part):
                inner = tuple(a - b for a, b in zip(low, piece.start, strict=True))
                at = piece.offset + strided.element_offset(inner, piece.strides, ref.dtype)
                data = self.read_view(ref.dtype, part, piece.strides, piece.storage, at)
                where = tuple(a - b for a, b in zip(low, start, strict=True))
                strided.place(target, shape, where, data, part, ref.dtype)
        return bytes(target)

    def stream(self, name: str, nbytes_each: int = _LOOK) -> Iterator[bytes]:
        """The elements of a tensor in C order, little-endian, in parts of bounded size."""
        ref = self.tensors[name]
        for start, stop in strided.tiles(ref.shape, ref.dtype, nbytes_each):
            yield self.read_slice(name, start, stop)

    def verify(self, index: int) -> None:
        """Compare a storage with the CRC-32 that its file gives for it, if it gives one."""
        import zlib

        storage = self.storage(index)
        if storage.crc32 is None or storage.deflated:
            return
        crc, source = 0, self._source(storage.file)
        for at in range(0, storage.nbytes, _LOOK):
            crc = zlib.crc32(
                source.read_at(storage.offset + at, min(_LOOK, storage.nbytes - at)), crc
            )
        if crc != storage.crc32:
            raise Malformed(
                f"the data of storage {storage.key} do not match their CRC-32",
                file=source.name,
                offset=storage.offset,
            )

    def read_view(
        self,
        dtype: str,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        storage: int,
        offset: int,
    ) -> bytes:
        """The elements of any view of a storage, in C order, little-endian.

        The whole span of the view is read at once, gaps included.

        Args:
            dtype: of the elements.
            shape: in elements.
            strides: in elements.
            storage: its number in `storages`.
            offset: bytes from the start of the storage to the first element.

        Raises:
            Malformed: the view reaches beyond the file.
        """
        if 0 in shape:
            return b""
        located = self.storage(storage)
        low, high = strided.span(shape, strides, dtype)
        if located.deflated:
            from checkpoint_tools.inflate import inflate_range

            source = self._source(located.file)
            data = inflate_range(source, located.offset, located.stored, offset, high - low)
        else:
            data = self._source(located.file).read_at(located.offset + offset, high - low)
        data = strided.gather(data, shape, strides, dtype)
        return byteswapped(data, dtype) if located.swapped else data

    def _source(self, index: int) -> Source:
        """A source; of many shards only the last used ones stay open."""
        if len(self.sources) > _OPEN_AT_ONCE and index not in self._awake:
            self._awake.append(index)
            if len(self._awake) > _OPEN_AT_ONCE:
                self.sources[self._awake.pop(0)].park()
        return self.sources[index]

    def close(self) -> None:
        """Let go of every file."""
        for source in self.sources:
            source.close()
        for action in self.on_close:
            action()

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
