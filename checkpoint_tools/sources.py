"""Bytes at an offset, wherever they lie: a local file, a URL, a part of another source."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Protocol

from checkpoint_tools.errors import Malformed, Unreadable, Unsafe

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
# A pipe would block its opener for ever; it is opened without waiting, then refused.
_FLAGS |= getattr(os, "O_NONBLOCK", 0)


class Source(Protocol):
    """Random access to bytes that do not change while they are read."""

    name: str
    size: int
    remote: bool

    def read_at(self, offset: int, nbytes: int) -> bytes:
        """Exactly `nbytes` bytes from `offset`.

        Raises:
            Malformed: the range is not inside the source.
            Unreadable: the bytes cannot be fetched.
        """
        ...

    def park(self) -> None:
        """Let go of handles; the next read takes them again."""
        ...

    def close(self) -> None:
        """Let go for good."""
        ...


def check_range(source: Source, offset: int, nbytes: int) -> None:
    """Refuse a range that is not inside `source`."""
    if offset < 0 or nbytes < 0 or offset + nbytes > source.size:
        raise Malformed(
            f"{nbytes} bytes are expected here, but the file ends at byte {source.size}",
            file=source.name,
            offset=offset,
        )


class LocalSource:
    """A regular file, identified by device, inode, size and time of its last change.

    Args:
        name: how the user calls it.
        opener: opens it with the given flags and returns the descriptor.
    """

    remote = False

    def __init__(self, name: str, opener: Callable[[int], int]) -> None:
        self.name = name
        self._opener = opener
        self._descriptor = -1
        self.identity: tuple[int, int, int, int] | None = None
        self.size = 0
        self.size = os.fstat(self.descriptor()).st_size

    def descriptor(self) -> int:
        """The open descriptor; opened anew after `park`, and then it must be the same file."""
        if self._descriptor >= 0:
            return self._descriptor
        try:
            opened = self._opener(_FLAGS)
        except OSError as error:
            raise Unreadable(error.strerror or str(error), file=self.name) from error
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            os.close(opened)
            raise Unsafe(f"is {_kind(found.st_mode)}, not a regular file", file=self.name)
        identity = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        if self.identity not in (None, identity):
            os.close(opened)
            raise Malformed("the file was changed while it was read", file=self.name)
        self.identity = identity
        self._descriptor = opened
        return opened

    def read_at(self, offset: int, nbytes: int) -> bytes:
        """Exactly `nbytes` bytes from `offset`."""
        if offset < 0 or nbytes < 0 or offset + nbytes > self.size:
            check_range(self, offset, nbytes)
        descriptor = self._descriptor if self._descriptor >= 0 else self.descriptor()
        data = os.pread(descriptor, nbytes, offset)
        while len(data) < nbytes:
            more = os.pread(descriptor, nbytes - len(data), offset + len(data))
            if not more:
                raise Malformed("the file became shorter while it was read", file=self.name)
            data += more
        return data

    def check_unchanged(self) -> None:
        """Refuse a file whose size or time of change moved since it was opened."""
        found = os.fstat(self.descriptor())
        if (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns) != self.identity:
            raise Malformed("the file was changed while it was read", file=self.name)

    def park(self) -> None:
        """Close the descriptor; the next read opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    close = park


class Window:
    """A part of a source that is a file by itself."""

    def __init__(self, inner: Source, offset: int, nbytes: int) -> None:
        check_range(inner, offset, nbytes)
        self.name = inner.name
        self.size = nbytes
        self.remote = inner.remote
        self.inner = inner
        self.offset = offset

    def read_at(self, offset: int, nbytes: int) -> bytes:
        """Exactly `nbytes` bytes from `offset` of the part."""
        check_range(self, offset, nbytes)
        return self.inner.read_at(self.offset + offset, nbytes)

    def park(self) -> None:
        """Nothing to let go of: the whole belongs to another."""

    def close(self) -> None:
        """Nothing to let go of: the whole belongs to another."""


def open_local(path: str | os.PathLike[str]) -> LocalSource:
    """The file that the user named; a link is followed, anything but a regular file refused."""
    name = os.fspath(path)
    return LocalSource(name, lambda flags: os.open(name, flags))


def is_url(path: str) -> bool:
    """Whether `path` names something by URL rather than by file name."""
    scheme, mark, _ = path.partition("://")
    return bool(mark) and scheme.replace("+", "").replace("-", "").isalnum()


def open_source(path: str | os.PathLike[str]) -> Source:
    """The file at a local path or at a URL.

    Raises:
        Unreadable: it is not there, or cannot be read in parts.
        Unsafe: it is no regular file.
    """
    name = os.fspath(path)
    if not is_url(name):
        return open_local(name)
    from checkpoint_tools.remote import open_url

    return open_url(name)


def _kind(mode: int) -> str:
    for test, word in (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if test(mode):
            return word
    return "something else"
