"""One writer per project: a lock that dies with its process."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cfgmig.errors import UsageError
from cfgmig.migration import disk

FOLDER = ".cfgmig"
# A reader of the lock (`held`) has it for an instant; a run must not fail over that.
_PAUSES = (0.0, 0.02, 0.05)
_NO_LOCKS_HERE = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}
# Windows keeps others from reading a locked byte: lock one far behind the text.
_FAR = 1 << 30


@contextmanager
def exclusive(home: Path) -> Iterator[None]:
    """Hold the lock of the project `home`; `.cfgmig` is created when it is missing.

    The lock file stays: were it removed, two runs could lock two different files.

    Raises:
        UsageError: another run holds it; said at once, without waiting.
        Unreadable: the lock file cannot be created.
    """
    folder = home / FOLDER
    with disk.explained(folder, "the journal cannot be kept here"):
        folder.mkdir(exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        with disk.explained(folder, "the journal cannot be kept here"):
            fallback = _acquire(descriptor, folder)
        try:
            yield
        finally:
            if fallback is not None:
                fallback.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def held(home: Path) -> bool:
    """Whether a live run holds the lock of `home`; creates nothing."""
    folder = home / FOLDER
    if (folder / "lock.pid").exists():
        return True
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        return not _lock(descriptor, shared=True)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, folder: Path) -> Path | None:
    """Take the lock; the path of the stand-in file on a file system without locks."""
    try:
        for pause in _PAUSES:
            time.sleep(pause)
            if _lock(descriptor):
                _sign(descriptor)
                return None
    except OSError as error:
        if error.errno not in _NO_LOCKS_HERE:
            raise
        return _stand_in(folder)
    pid = _text(folder / "lock")
    raise UsageError(
        f"another run is writing in this project (process {pid})",
        file=disk.shown(folder.parent),
        help=f"wait until it has ended, or stop it with `kill {pid}`; then run this again",
    )


def _lock(descriptor: int, *, shared: bool = False) -> bool:
    """False when another process has the lock; OSError where there are no locks."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EDEADLK):
                return False
            raise
    else:
        import fcntl

        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _stand_in(folder: Path) -> Path:
    """A file that only one run can create, for file systems that refuse locks.

    It outlives a killed run; whether its process still lives cannot be known when
    the folder is shared between hosts, so the user removes it.
    """
    path = folder / "lock.pid"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        pid = _text(path)
        raise UsageError(
            f"another run is writing in this project (process {pid}), or was killed",
            file=disk.shown(folder.parent),
            help=f"if no process {pid} runs on any host: rm {disk.shown(path)}",
        ) from None
    _sign(descriptor)
    os.close(descriptor)
    return path


def _sign(descriptor: int) -> None:
    # Only for the message of a second run: a full disk is no reason to stop here.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"{os.getpid()}\n".encode())


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii").strip() or "unknown"
    except (OSError, ValueError):
        return "unknown"
