"""What keeps a file from being written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from checkpoint_tools.errors import CheckpointError

_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EFBIG: "the file would be larger than the file system or the user's limit allows",
    errno.EACCES: "writing there is not allowed",
    errno.EPERM: "writing there is not allowed",
    errno.ENOENT: "its folder does not exist",
    errno.ENOTDIR: "its folder is a file",
    errno.ENAMETOOLONG: "its name is too long",
}


class Unwritable(CheckpointError):
    """The target cannot be written; what was there before is still there."""


@contextmanager
def explained(name: str | os.PathLike[str]) -> Iterator[None]:
    """Turn errors of the operating system into ones that name the target."""
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        reason = _WORDS.get(number) or error.strerror or str(error)
        raise Unwritable(reason, file=os.fspath(name)) from error
