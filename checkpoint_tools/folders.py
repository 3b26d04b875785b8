"""Files beside a file: shards are opened by name inside one folder and nowhere else."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Protocol

from checkpoint_tools.errors import Malformed, Unreadable, Unsafe
from checkpoint_tools.sources import LocalSource, Source, is_url
from checkpoint_tools.text import is_plain, quote

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_CACHE_BLOB = re.compile(r"\.\./\.\./blobs/([0-9a-f]{40,64})")


def open_neighbour(folder: Folder, filename: str, said_by: str, about: str) -> Source:
    """The file that another file says is there; that it is not is a contradiction."""
    try:
        return folder.open(filename)
    except Unreadable as error:
        if isinstance(error.__cause__, FileNotFoundError):
            text = f"{about} should lie in {quote(filename)}: {error.reason}"
            raise Malformed(text, file=said_by) from error
        raise


class Folder(Protocol):
    """A place that holds the files of one checkpoint."""

    name: str

    def open(self, filename: str) -> Source:
        """The regular file of that plain name in this folder.

        Raises:
            Unsafe: the name leads elsewhere, or to something that is no regular file.
            Unreadable: there is no such file.
        """
        ...

    def close(self) -> None:
        """Let go of the folder."""
        ...


def check_name(filename: str, said_by: str, offset: int | None = None) -> None:
    """Refuse a file name that is anything but the plain name of a neighbour."""
    odd = ""
    if not filename or filename in (".", "..") or len(filename) > 255:
        odd = "is no file name"
    elif "/" in filename or "\\" in filename or ":" in filename:
        odd = "leads to another place"
    elif not is_plain(filename) or filename != filename.strip() or filename.endswith("."):
        odd = "has characters that hide"
    elif _RESERVED.fullmatch(filename):
        odd = "is a device on some systems"
    if odd:
        raise Unsafe(f"the file name {quote(filename)} {odd}", file=said_by, offset=offset)


class LocalFolder:
    """A local folder, held open so that its path cannot be exchanged on the way.

    Args:
        path: the folder.
        follow_links: open shards that are symbolic links, wherever they point. Without it,
            only the links of the Hugging Face cache (`../../blobs/<digest>`) are followed.
    """

    def __init__(self, path: str | os.PathLike[str], *, follow_links: bool = False) -> None:
        self.name = os.fspath(path) or "."
        self._follow = follow_links
        try:
            flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
            self._descriptor = os.open(self.name, flags)
        except OSError as error:
            raise Unreadable(error.strerror or str(error), file=self.name) from error

    def open(self, filename: str) -> LocalSource:
        """The regular file of that plain name in this folder."""
        check_name(filename, self.name)
        label = os.path.join(self.name, filename)  # noqa: PTH118 - a label, not a lookup
        return LocalSource(label, lambda flags: self._descend(filename, label, flags))

    def has(self, filename: str) -> bool:
        """Whether an entry of that name exists."""
        try:
            os.stat(filename, dir_fd=self._descriptor, follow_symlinks=False)
        except OSError:
            return False
        return True

    def list(self) -> list[str]:
        """The names of all entries, sorted."""
        return sorted(os.listdir(self._descriptor))  # noqa: PTH208 - of a descriptor

    def _descend(self, filename: str, label: str, flags: int) -> int:
        if self._follow:
            return os.open(filename, flags, dir_fd=self._descriptor)
        try:
            return os.open(filename, flags | _NO_FOLLOW, dir_fd=self._descriptor)
        except OSError:
            try:
                target = os.readlink(filename, dir_fd=self._descriptor)
            except OSError:
                target = None
            if target is None:
                raise
        if not self._is_cache_link(target):
            raise Unsafe(
                f"is a symbolic link to {quote(target)}; links are followed only on request",
                file=label,
            )
        return os.open(target, flags | _NO_FOLLOW, dir_fd=self._descriptor)

    def _is_cache_link(self, target: str) -> bool:
        # .../models--x--y/snapshots/<revision>/file -> ../../blobs/<digest>
        parent = os.path.basename(os.path.dirname(os.path.abspath(self.name)))  # noqa: PTH100, PTH119, PTH120
        return parent == "snapshots" and _CACHE_BLOB.fullmatch(target) is not None

    def close(self) -> None:
        """Close the descriptor."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class RemoteFolder:
    """What lies beside a URL."""

    def __init__(self, url: str) -> None:
        self.name = url.rstrip("/")

    def open(self, filename: str) -> Source:
        """The file of that plain name beside the URL."""
        from checkpoint_tools.remote import open_url

        check_name(filename, self.name)
        if self.name.startswith(("http://", "https://")):
            from urllib.parse import quote as percent

            filename = percent(filename)
        return open_url(f"{self.name}/{filename}")

    def close(self) -> None:
        """Nothing is held."""


def folder_of(path: str, *, follow_links: bool = False) -> Folder:
    """The folder that holds `path`."""
    if is_url(path):
        bare = path.partition("?")[0]
        return RemoteFolder(bare.rpartition("/")[0])
    return LocalFolder(Path(path).parent, follow_links=follow_links)
