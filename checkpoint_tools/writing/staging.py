"""A file or folder that appears under its name when it is complete, and never before.

It grows beside its place as `.<name>.checkpoint-part`, locked while its writer lives. What a
killed run left there is not locked, so the next run knows that it may start over.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from checkpoint_tools.writing.errors import Unwritable, explained

SUFFIX = ".checkpoint-part"
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL
_FLAGS |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
Identity = tuple[int, int]


def check_target(
    target: Path, sources: Collection[Identity], *, folder: bool = False, overwrite: bool = False
) -> None:
    """Refuse a target that is a link, one of the sources, or in the way.

    Args:
        target: where the result shall be.
        sources: device and inode of the files that are read.
        folder: whether the result is a folder.
        overwrite: replace a file that is there.
    """
    name = str(target)
    with explained(target):
        try:
            found = os.lstat(target)
        except FileNotFoundError:
            if not target.parent.is_dir():
                raise
            return
        if stat.S_ISLNK(found.st_mode):
            raise Unwritable("is a symbolic link; name the file that it leads to", file=name)
        if (found.st_dev, found.st_ino) in sources:
            raise Unwritable("source and target are one file", file=name)
        if folder:
            if not stat.S_ISDIR(found.st_mode):
                raise Unwritable("is no folder, and the result is one", file=name)
            if any(target.iterdir()):
                raise Unwritable("is a folder with something in it; name a new one", file=name)
        elif not stat.S_ISREG(found.st_mode):
            raise Unwritable("is there and is no regular file", file=name)
        elif not overwrite:
            raise Unwritable("is there already; say that it may be overwritten", file=name)


class Staged:
    """The place where a result grows; used as a context, it leaves nothing unless committed.

    Args:
        target: where the result shall be.
        folder: whether the result is a folder.

    Raises:
        Unwritable: another run is writing the same target.
    """

    def __init__(self, target: Path, *, folder: bool = False) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}{SUFFIX}")
        self.folder = folder
        self.done = False
        self._files: list[int] = []
        with explained(target):
            self._lock = self._claim()

    def open(self, name: str = "") -> int:
        """A descriptor of the file, or of a new file called `name` in the folder.

        Modes follow the umask.
        """
        if not self.folder:
            return self._lock
        with explained(self.target):
            descriptor = os.open(self.path / name, _FLAGS, 0o666)
        self._files.append(descriptor)
        return descriptor

    def commit(self, durable: bool) -> None:
        """Let the result appear under its name.

        Args:
            durable: wait until it is on the disk.
        """
        with explained(self.target):
            if durable:
                for descriptor in self._files or [self._lock]:
                    os.fsync(descriptor)
                if self.folder:
                    os.fsync(self._lock)
            if self.target.is_symlink():
                raise Unwritable("became a symbolic link meanwhile", file=str(self.target))
            self.path.replace(self.target)
            self.done = True
            if durable:
                _flush_folder(self.target.parent)

    def _claim(self) -> int:
        for _ in range(10):
            try:
                made = self._make()
            except FileExistsError:
                with suppress(FileNotFoundError):  # its writer was done meanwhile
                    self._remove_stale()
                continue
            if _locked(made) and _still(made, self.path):
                return made
            os.close(made)  # another run took it for stale
        raise Unwritable("another run is writing it", file=str(self.target))

    def _make(self) -> int:
        if not self.folder:
            return os.open(self.path, _FLAGS, 0o666)
        self.path.mkdir()
        return os.open(self.path, os.O_RDONLY)

    def _remove_stale(self) -> None:
        """Remove what a killed run left."""
        found = os.lstat(self.path)
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            raise Unwritable(f"{self.path.name} is in the way", file=str(self.target))
        descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        try:
            if not _locked(descriptor):
                raise Unwritable("another run is writing it", file=str(self.target))
            if not _still(descriptor, self.path):
                return
            if stat.S_ISDIR(found.st_mode):
                shutil.rmtree(self.path)
            else:
                self.path.unlink()
        finally:
            os.close(descriptor)

    def __enter__(self) -> Staged:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self.done:
            with suppress(OSError):
                if self.folder:
                    shutil.rmtree(self.path)
                else:
                    self.path.unlink()
        for descriptor in {*self._files, self._lock}:
            with suppress(OSError):
                os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Take the lock that says that a writer lives; it ends with the process, however that ends."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True


def _still(descriptor: int, path: Path) -> bool:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino)


def _flush_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:
        return  # a folder that may be written but not listed: the rename is whole all the same
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
