"""Sources behind a URL, read in ranges: http(s) by the standard library, others by fsspec."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from checkpoint_tools.errors import Malformed, Unreadable
from checkpoint_tools.sources import Source, check_range

_BLOCK = 16 * 1024
_KEPT = 256
_TIMEOUT = 60.0


class BlockSource:
    """A remote file of which small reads share blocks and large ones pass straight through.

    Subclasses fetch. `fetched` counts the bytes asked for, `requests` the questions.
    """

    remote = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = 0
        self.fetched = 0
        self.requests = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def fetch(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to `stop`, from where they are."""
        raise NotImplementedError

    def read_at(self, offset: int, nbytes: int) -> bytes:
        """Exactly `nbytes` bytes from `offset`; missing neighbours come with one request."""
        check_range(self, offset, nbytes)
        if nbytes == 0:
            return b""
        if nbytes > _BLOCK * _KEPT // 4:
            return self._counted(offset, offset + nbytes)
        first, last = offset // _BLOCK, (offset + nbytes - 1) // _BLOCK
        missing = [index for index in range(first, last + 1) if index not in self._blocks]
        if missing:
            self._fill(missing[0], missing[-1])
        joined = b"".join(self._take(index) for index in range(first, last + 1))
        begin = offset - first * _BLOCK
        while len(self._blocks) > _KEPT:
            self._blocks.popitem(last=False)
        return joined[begin : begin + nbytes]

    def _fill(self, first: int, last: int) -> None:
        start = first * _BLOCK
        data = self._counted(start, min((last + 1) * _BLOCK, self.size))
        for index in range(first, last + 1):
            at = (index - first) * _BLOCK
            self._blocks[index] = data[at : at + _BLOCK]

    def _take(self, index: int) -> bytes:
        self._blocks.move_to_end(index)
        return self._blocks[index]

    def _counted(self, start: int, stop: int) -> bytes:
        data = self.fetch(start, stop)
        self.fetched += len(data)
        self.requests += 1
        if len(data) != stop - start:
            raise Unreadable(
                f"the server sent {len(data)} of {stop - start} bytes", file=self.name, offset=start
            )
        return data

    def park(self) -> None:
        """No handle is held between requests."""

    def close(self) -> None:
        """Forget what was fetched."""
        self._blocks.clear()


class HttpSource(BlockSource):
    """A file on a web server that answers range requests."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._validator = ""
        head = self._ask(0, _BLOCK)
        self._blocks[0] = head
        self.fetched += len(head)
        self.requests += 1
        if len(head) != min(self.size, _BLOCK):
            raise Unreadable(f"the server sent {len(head)} of {self.size} bytes", file=url)

    def fetch(self, start: int, stop: int) -> bytes:
        """One range request."""
        return self._ask(start, stop)

    def _ask(self, start: int, stop: int) -> bytes:
        from urllib.error import HTTPError, URLError
        from urllib.request import Request, urlopen

        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        try:
            with urlopen(Request(self.name, headers=headers), timeout=_TIMEOUT) as answer:
                self._check(answer)
                data: bytes = answer.read(stop - start)
                return data
        except HTTPError as error:
            if error.code == 416 and not self._validator:
                return b""  # an empty file has no range at all
            reason = f"the server answers {error.code} {error.reason}"
            raise Unreadable(reason, file=self.name) from error
        except (URLError, OSError, ValueError) as error:
            raise Unreadable(f"cannot be fetched: {error}", file=self.name) from error

    def _check(self, answer: Any) -> None:
        """Learn the size from the first answer; later ones must be about the same file."""
        if answer.status != 206:
            raise Unreadable("the server does not answer range requests", file=self.name)
        total = str(answer.headers.get("Content-Range", "")).rpartition("/")[2]
        validator = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        if not total.isdigit():
            raise Unreadable("the server does not say how long the file is", file=self.name)
        if not self.size:
            self.size, self._validator = int(total), validator
        elif (int(total), validator) != (self.size, self._validator):
            raise Malformed("the file was changed while it was read", file=self.name)


class FsspecSource(BlockSource):
    """A file on any file system that fsspec knows."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        try:
            from fsspec.core import url_to_fs  # type: ignore[import-untyped,unused-ignore]
        except ImportError as error:
            raise Unreadable("install fsspec to read this kind of URL", file=url) from error
        try:
            self._system, self._path = url_to_fs(url)
            self.size = int(self._system.size(self._path))
        except Exception as error:
            raise Unreadable(f"cannot be reached: {error}", file=url) from error

    def fetch(self, start: int, stop: int) -> bytes:
        """One range of the file."""
        try:
            return bytes(self._system.cat_file(self._path, start=start, end=stop))
        except Exception as error:
            raise Unreadable(f"cannot be fetched: {error}", file=self.name) from error


def open_url(url: str) -> Source:
    """The file behind a URL."""
    if url.startswith("file://"):
        from urllib.parse import urlsplit
        from urllib.request import url2pathname

        from checkpoint_tools.sources import open_local

        return open_local(url2pathname(urlsplit(url).path))
    return HttpSource(url) if url.startswith(("http://", "https://")) else FsspecSource(url)
