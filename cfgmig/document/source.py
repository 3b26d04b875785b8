"""Bytes to text and back: UTF-8 only, the BOM and every line end kept."""

from __future__ import annotations

import gc
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager

from cfgmig.document.spans import Position
from cfgmig.errors import Refused

_LARGE = 32 * 1024
MAX_SIZE = 32 * 1024 * 1024
_WIDE_BOMS = (
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\xfe\xff", "UTF-16"),
    (b"\xff\xfe", "UTF-16"),
)
_STRANGE_BREAK = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_BREAK_NAMES = {
    "\r": "a carriage return without a line feed",
    "\x85": "a next-line character (U+0085)",
    "\u2028": "a line separator (U+2028)",
    "\u2029": "a paragraph separator (U+2029)",
}


class Source:
    """A decoded text with its line table.

    Attributes:
        text: the decoded text without its BOM.
        bom: whether the bytes began with one.
    """

    __slots__ = ("_starts", "bom", "name", "text")

    def __init__(self, text: str, bom: bool, name: str) -> None:
        self.text = text
        self.bom = bom
        self.name = name
        self._starts: list[int] | None = None

    @property
    def starts(self) -> list[int]:
        """Offsets at which lines start."""
        if self._starts is None:
            starts = [0]
            find = self.text.find
            at = find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = find("\n", at + 1)
            self._starts = starts
        return self._starts

    def line(self, offset: int) -> int:
        """The 0-based line that holds `offset`."""
        return bisect_right(self._starts or self.starts, offset) - 1

    def place(self, offset: int) -> tuple[int, int]:
        """1-based line and column of an offset."""
        line = self.line(offset)
        return line + 1, offset - self.starts[line] + 1

    def span(self, start: int, end: int) -> Position:
        """The position of a stretch of text."""
        return Position(*self.place(start), *self.place(end))

    @property
    def eol(self) -> str:
        """The line end that most lines have."""
        pairs = self.text.count("\r\n")
        return "\r\n" if pairs and pairs * 2 > self.text.count("\n") else "\n"

    def strange_breaks(self) -> list[int]:
        """Offsets of characters that some readers take for a line break and others do not."""
        text = self.text
        if text.isascii() and "\r" not in text:
            return []
        return [found.start() for found in _STRANGE_BREAK.finditer(text)]

    def refuse_break(self, offset: int) -> Refused:
        """The refusal of one of `strange_breaks`."""
        line, column = self.place(offset)
        return Refused(
            f"{_BREAK_NAMES[self.text[offset]]} outside a value: "
            "readers disagree whether a line ends there",
            kind="encoding",
            file=self.name,
            line=line,
            column=column,
            help="replace it by an ordinary line end",
        )


def decode(data: bytes | str, name: str) -> Source:
    """Decode a file.

    Raises:
        Refused: not UTF-8, holds NUL, or is larger than 32 MiB.
    """
    if len(data) > MAX_SIZE:
        raise Refused(
            f"{len(data)} bytes are more than a config may have ({MAX_SIZE})",
            kind="too-large",
            file=name,
        )
    if isinstance(data, bytes):
        data = _decode_bytes(data, name)
    else:
        _check_surrogates(data, name)
    bom = data.startswith("\ufeff")
    source = Source(data[1:] if bom else data, bom, name)
    nul = source.text.find("\0")
    if nul >= 0:
        line, column = source.place(nul)
        raise Refused(
            "a NUL character: this is not a text file",
            kind="encoding",
            file=name,
            line=line,
            column=column,
        )
    return source


def _check_surrogates(text: str, name: str) -> None:
    try:
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError as error:
        raise Refused(
            f"character {error.start} is half of a surrogate pair", kind="encoding", file=name
        ) from error


def _decode_bytes(data: bytes, name: str) -> str:
    for mark, encoding in _WIDE_BOMS:
        if data.startswith(mark):
            raise Refused(
                f"the file is {encoding}; configs are UTF-8",
                kind="encoding",
                file=name,
                line=1,
                column=1,
                help=f"save it as UTF-8 (iconv -f {encoding} -t UTF-8)",
            )
    if b"\0" in data[:4096] and data[:4096].count(0) * 4 >= len(data[:4096]):
        raise Refused(
            "the file is UTF-16 or UTF-32 without a byte order mark; configs are UTF-8",
            kind="encoding",
            file=name,
            line=1,
            column=1,
            help="save it as UTF-8",
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start)
        start = data.rfind(b"\n", 0, error.start) + 1
        column = len(data[start : error.start].decode(errors="replace")) + 1
        raise Refused(
            f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8: {error.reason}",
            kind="encoding",
            file=name,
            line=line + 1,
            column=column,
            help="save the file as UTF-8",
        ) from error


@contextmanager
def collector_paused(size: int = _LARGE) -> Iterator[None]:
    """Keep the cyclic garbage collector from walking trees while many of them are being built."""
    if size < _LARGE or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
