"""The file system calls of a transaction: whole files, written beside their targets."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cfgmig.errors import Unreadable

# One fsync after the other costs one disk flush each; side by side the file system
# joins them into few. syncfs is faster still on an idle disk, but it waits for every
# dirty byte of the file system, and a training run may just be writing checkpoints.
_WORKERS = 8

_BINARY = getattr(os, "O_BINARY", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_CAUSES = {
    errno.ENOSPC: ("the disk is full", "free some space, then run this again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space, then run this again"),
    errno.EROFS: ("the file system is read-only", "run this on a writable copy"),
    errno.EBUSY: (
        "the file is in use, or a mount point of its own",
        "files mounted one by one into a container cannot be replaced: mount their folder",
    ),
    errno.ENOENT: ("there is no such file", "name an existing file"),
    errno.ELOOP: ("the symbolic link goes round in circles", "repair the link"),
}


def shown(path: Path) -> str:
    """`path` for a message: below the current folder where it is, and always printable."""
    with suppress(ValueError, OSError):
        path = path.relative_to(Path.cwd())
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def listed(paths: Sequence[Path], limit: int = 10) -> str:
    """`a.yaml, b.yaml and 12 more`."""
    names = ", ".join(shown(path) for path in paths[:limit])
    return names if len(paths) <= limit else f"{names} and {len(paths) - limit} more"


@contextmanager
def explained(path: Path, what: str | None = None) -> Iterator[None]:
    """Turn an OSError into Unreadable that names `path`, the cause and what to do."""
    try:
        yield
    except OSError as error:
        cause, help = _CAUSES.get(error.errno or 0, (error.strerror or str(error), None))
        if isinstance(error, PermissionError):
            cause, help = "permission denied", f"check the owner and mode of {shown(path)}"
        message = cause if what is None else f"{what}: {cause}"
        raise Unreadable(message, file=shown(path), help=help) from error


def real_file(path: Path) -> tuple[Path, os.stat_result]:
    """The regular file that `path` leads to through any links, and its status.

    Raises:
        Unreadable: nothing is there, the link dangles, or it is no regular file.
    """
    if path.is_symlink() and not path.exists():
        raise Unreadable(
            f"the symbolic link leads nowhere: {shown(path.readlink())}",
            file=shown(path),
            help="repair or remove the link",
        )
    with explained(path):
        real = Path(os.path.realpath(path, strict=True))
        status = real.stat()
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable("not a regular file", file=shown(path), help="name a file")
    return real, status


def refuse_read_only(path: Path, real: Path, status: os.stat_result) -> None:
    """Honour what the mode says, even for root, whom no mode would stop.

    Raises:
        Unreadable: the file or its folder is not writable.
    """
    folder = real.parent
    with explained(folder):
        folder_mode = folder.stat().st_mode
    for what, place, mode in (("file", real, status.st_mode), ("folder", folder, folder_mode)):
        if not mode & stat.S_IWUSR:
            raise Unreadable(
                f"the {what} is read-only; nothing was written",
                file=shown(path),
                help=f"chmod u+w {shown(place)}",
            )
        if not os.access(place, os.W_OK):
            raise Unreadable(
                f"the {what} is not yours to write; nothing was written",
                file=shown(path),
                help=f"check the owner and mode of {shown(place)}",
            )


def read(real: Path) -> bytes | None:
    """The bytes of a file, None when it is gone or has become something else."""
    try:
        descriptor = os.open(real, os.O_RDONLY | _BINARY | _NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
        raise
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read()


def create(path: Path, data: bytes) -> None:
    """Write a new file that nobody else may read; nothing is left of it on an error.

    Raises:
        OSError: also when `path` exists.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def replace(path: Path, data: bytes) -> None:
    """Put a small file in place whole and durable, or leave the old one."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)  # of a killed run; the lock keeps live ones out
    create(draft, data)
    try:
        flush([draft])
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def dress(path: Path, model: Path, status: os.stat_result) -> bool:
    """Give `path` the owner, mode and extended attributes (ACLs too) of `model`.

    As far as the process may: without root, a file changes hands when it is replaced.

    Returns:
        Whether the owner and the group could be kept.
    """
    kept = True
    if hasattr(os, "chown"):
        mine = path.stat()
        for user, group in ((status.st_uid, -1), (-1, status.st_gid)):
            if user in (-1, mine.st_uid) and group in (-1, mine.st_gid):
                continue
            try:
                os.chown(path, user, group)
            except PermissionError:
                kept = False
    path.chmod(stat.S_IMODE(status.st_mode))
    if sys.platform == "linux":
        with suppress(OSError):  # a file system without attributes loses none
            for name in os.listxattr(model):
                with suppress(OSError):  # labels that only the system may set
                    os.setxattr(path, name, os.getxattr(model, name))
    return kept


def flush(paths: Sequence[Path]) -> None:
    """Return when the content of every file is on the disk."""
    if len(paths) <= _WORKERS:
        _flush(paths)
        return
    from concurrent.futures import ThreadPoolExecutor

    try:
        with ThreadPoolExecutor(_WORKERS) as pool:
            for _ in pool.map(_flush, [paths[start::_WORKERS] for start in range(_WORKERS)]):
                pass
    except RuntimeError:  # no thread to be had under this limit: one after the other, then
        _flush(paths)


def _flush(paths: Sequence[Path]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def flush_folders(folders: Iterable[Path]) -> None:
    """Return when the names in these folders are on the disk, where folders can be flushed."""
    if sys.platform != "win32":
        for folder in folders:
            try:
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            except PermissionError:
                continue  # writable but not listable: the rename itself is still whole
            try:
                os.fsync(descriptor)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
                    raise
            finally:
                os.close(descriptor)
