"""Moves byte ranges between files: shared, copied by the kernel, or by way of memory."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Callable, Iterator, Sequence

from checkpoint_tools.errors import Malformed
from checkpoint_tools.formats.protocol import Run
from checkpoint_tools.sources import LocalSource, Source, Window, check_range

# One call of the kernel moves at most this much, so that progress and Ctrl-C get their turn.
_CALL = 64 << 20
# Half of this, or twice, is slower: the buffer must stay in the processor's own cache.
_BUFFER = 512 << 10
BLOCK = 4096
_WORTH_SHARING = 64 << 10
_MANY = 100
_CANNOT = frozenset(
    (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.ETXTBSY)
)
_FICLONERANGE = 0x4020940D


def local(source: Source, offset: int) -> tuple[LocalSource, int] | None:
    """The local file behind a source, and the place in it; None if it is remote."""
    while isinstance(source, Window):
        offset += source.offset
        source = source.inner
    return (source, offset) if isinstance(source, LocalSource) else None


class Copier:
    """Writes one file out of ranges of others and of bytes.

    Neighbouring ranges are moved by one call. `shared` counts bytes that both files own.

    Args:
        sources: what the `file` of a run counts.
        target: descriptor that is written, of a file that already has its full size.
        advance: told how many bytes were written.
    """

    def __init__(
        self, sources: Sequence[Source], target: int, advance: Callable[[int], None]
    ) -> None:
        self.sources = sources
        self.target = target
        self.advance = advance
        self.shared = 0
        self._buffer = memoryview(bytearray(_BUFFER))
        self._pending: tuple[Run, int] | None = None
        self._cannot_share = False
        self._ways = [way for way in (_by_range, _by_sendfile) if way is not None]
        self._last_file = -1

    def run(self, run: Run, at: int) -> None:
        """Put a range of a source at a place of the target."""
        if self._pending is not None:
            last, place = self._pending
            ends = (last.file, last.offset + last.nbytes, place + last.nbytes)
            if ends == (run.file, run.offset, at):
                self._pending = (last._replace(nbytes=last.nbytes + run.nbytes), place)
                return
            self.flush()
        self._pending = (run, at)

    def data(self, data: bytes, at: int) -> None:
        """Put bytes at a place of the target."""
        self.flush()
        write_all(self.target, data, at)
        self.advance(len(data))

    def summed(self, run: Run, at: int, crc: int) -> int:
        """Put a range of a source at a place and return `crc` continued over its bytes."""
        self.flush()
        self._visit(run.file)
        source = self.sources[run.file]
        for part, place in self._read(source, run.offset, at, run.nbytes):
            crc = zlib.crc32(part, crc)
            write_all(self.target, part, place)
            self.advance(len(part))
        return crc

    def sum_of(self, at: int, nbytes: int, crc: int) -> int:
        """`crc` continued over bytes of the target, which were written out of order."""
        self.flush()
        os.lseek(self.target, at, os.SEEK_SET)
        while nbytes:
            data = os.read(self.target, min(_BUFFER, nbytes))
            crc = zlib.crc32(data, crc)
            nbytes -= len(data)
        return crc

    def flush(self) -> None:
        """Move what was put off in the hope of a neighbour."""
        if self._pending is None:
            return
        (file, offset, nbytes), at = self._pending
        self._pending = None
        self._visit(file)
        source = self.sources[file]
        check_range(source, offset, nbytes)
        found = local(source, offset)
        if found is None:
            self._by_memory(source, offset, at, nbytes)
            return
        low, high = self._share(*found, at, nbytes)
        self._copy(*found, at, 0, low)
        if high < nbytes:
            self._copy(*found, at, high, nbytes)

    def _share(self, source: LocalSource, offset: int, at: int, nbytes: int) -> tuple[int, int]:
        """Let both files own the same blocks, as far as whole ones agree; (from, to) done."""
        low = -at % BLOCK
        high = nbytes - (at + nbytes) % BLOCK
        if self._cannot_share or (offset - at) % BLOCK or high - low < _WORTH_SHARING:
            return nbytes, nbytes
        try:
            import fcntl
            import struct

            wish = struct.pack("qQQQ", source.descriptor(), offset + low, high - low, at + low)
            fcntl.ioctl(self.target, _FICLONERANGE, wish)
        except (OSError, ImportError):
            self._cannot_share = True
            return nbytes, nbytes
        self.shared += high - low
        self.advance(high - low)
        return low, high

    def _copy(self, source: LocalSource, offset: int, at: int, begin: int, end: int) -> None:
        """In the kernel if pages keep their borders.

        Otherwise the kernel would write every page in two parts, which takes half as long again
        as reading into a buffer and writing whole pages from it.
        """
        while begin < end and (offset - at) % BLOCK == 0 and self._ways:
            wanted = min(end - begin, _CALL)
            try:
                done = self._ways[0](
                    source.descriptor(), self.target, wanted, offset + begin, at + begin
                )
            except OSError as error:
                if error.errno not in _CANNOT:
                    raise
                done = 0
            if not done:
                if os.fstat(source.descriptor()).st_size < offset + end:
                    raise Malformed("the file became shorter while it was read", file=source.name)
                self._ways.pop(0)
            self.advance(done)
            begin += done
        if begin < end:
            self._by_memory(source, offset + begin, at + begin, end - begin)

    def _by_memory(self, source: Source, offset: int, at: int, nbytes: int) -> None:
        for part, place in self._read(source, offset, at, nbytes):
            write_all(self.target, part, place)
            self.advance(len(part))

    def _read(
        self, source: Source, offset: int, at: int, nbytes: int
    ) -> Iterator[tuple[memoryview, int]]:
        """(bytes, place) that follow each other and end where blocks of the target end."""
        found = local(source, offset)
        done = 0
        while done < nbytes:
            size = min(_BUFFER - (at + done) % BLOCK, nbytes - done)
            if found is None or not hasattr(os, "preadv"):
                yield memoryview(source.read_at(offset + done, size)), at + done
            else:
                part = self._buffer[:size]
                if os.preadv(found[0].descriptor(), [part], found[1] + done) != size:
                    part = memoryview(source.read_at(offset + done, size))
                yield part, at + done
            done += size

    def _visit(self, file: int) -> None:
        """Of very many sources only the one at hand stays open."""
        if file != self._last_file and self._last_file >= 0 and len(self.sources) > _MANY:
            self.sources[self._last_file].park()
        self._last_file = file

    def check_sources(self) -> None:
        """Refuse what was read from files that changed while they were read."""
        for source in self.sources:
            found = local(source, 0)
            if found is not None:
                found[0].check_unchanged()


def write_all(target: int, data: bytes | memoryview, at: int) -> None:
    """Write bytes at a place, all of them."""
    rest = memoryview(data)
    if not hasattr(os, "pwrite"):
        os.lseek(target, at, os.SEEK_SET)
    while rest:
        done = os.pwrite(target, rest, at) if hasattr(os, "pwrite") else os.write(target, rest)
        rest, at = rest[done:], at + done


def _range(source: int, target: int, count: int, offset: int, at: int) -> int:
    return os.copy_file_range(source, target, count, offset, at)


def _sendfile(source: int, target: int, count: int, offset: int, at: int) -> int:
    os.lseek(target, at, os.SEEK_SET)
    return os.sendfile(target, source, offset, count)


_by_range = _range if hasattr(os, "copy_file_range") else None
_by_sendfile = _sendfile if hasattr(os, "sendfile") else None
