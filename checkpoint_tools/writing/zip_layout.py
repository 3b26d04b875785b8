"""Zip archives of stored members with fixed fields, so that the same content gives the same bytes.

Layout: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header) to 4.3.16 (end record).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from checkpoint_tools.writing.layout import FileLayout

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_DATE = 0x21  # 1 January 1980, the first day that the format knows
_FULL32, _FULL16 = 0xFFFFFFFF, 0xFFFF
_UTF8 = 0x0800
_PAD_ID = 0x4246  # "FB": what torch calls its padding


class Member(NamedTuple):
    """A file in the archive.

    Its content is `data`, followed by the bytes of the output `output` if one is named. The
    content, or that of the output, begins at `residue` modulo `align`.
    """

    name: str
    data: bytes
    output: str | None = None
    nbytes: int = 0
    align: int = 1
    residue: int = 0


class _Placed(NamedTuple):
    member: Member
    raw: bytes
    header: int
    extra: bytes
    begin: int

    @property
    def size(self) -> int:
        return len(self.member.data) + self.member.nbytes


def layout(members: Sequence[Member]) -> FileLayout:
    """The layout of an archive; its CRC-32 sums arrive when the outputs are written."""
    placed: list[_Placed] = []
    at = 0
    for member in members:
        raw = member.name.encode()
        size = len(member.data) + member.nbytes
        extra = struct.pack("<2H2Q", 1, 16, size, size) if size >= _FULL32 else b""
        begin = at + _LOCAL.size + len(raw) + len(extra)
        if member.align > 1:
            gap = (member.residue - begin - len(member.data)) % member.align
            if gap:
                gap += member.align * -(-(4 - gap) // member.align) if gap < 4 else 0
                extra += struct.pack("<2H", _PAD_ID, gap - 4) + bytes(gap - 4)
                begin += gap
        placed.append(_Placed(member, raw, at, extra, begin))
        at = begin + size
    tail = _tail(placed, at, {})
    outputs = [one for one in placed if one.member.output is not None]
    places = {str(one.member.output): one.begin + len(one.member.data) for one in outputs}
    sums = {str(one.member.output): zlib.crc32(one.member.data) for one in outputs}
    return FileLayout(at + len(tail), places, lambda crcs: _blobs(placed, at, crcs), sums)


def _blobs(
    placed: Sequence[_Placed], directory: int, crcs: Mapping[str, int]
) -> Iterator[tuple[int, bytes]]:
    for one in placed:
        size = min(one.size, _FULL32)
        version = 45 if one.size >= _FULL32 else 20
        header = _LOCAL.pack(
            b"PK\x03\x04",
            version,
            _flags(one.raw),
            0,
            0,
            _DATE,
            _crc(one.member, crcs),
            size,
            size,
            len(one.raw),
            len(one.extra),
        )
        yield one.header, b"".join((header, one.raw, one.extra, one.member.data))
    yield directory, _tail(placed, directory, crcs)


def _flags(raw: bytes) -> int:
    return 0 if raw.isascii() else _UTF8


def _crc(member: Member, crcs: Mapping[str, int]) -> int:
    if member.output is not None:
        return crcs.get(member.output, 0)
    return zlib.crc32(member.data)


def _tail(placed: Sequence[_Placed], directory: int, crcs: Mapping[str, int]) -> bytes:
    """The central directory and what follows it."""
    parts: list[bytes] = []
    for one in placed:
        wide = [one.size] * 2 if one.size >= _FULL32 else []
        wide += [one.header] if one.header >= _FULL32 else []
        extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        size, header = min(one.size, _FULL32), min(one.header, _FULL32)
        parts.append(
            _CENTRAL.pack(
                b"PK\x01\x02",
                45 if wide else 20,
                45 if wide else 20,
                _flags(one.raw),
                0,
                0,
                _DATE,
                _crc(one.member, crcs),
                size,
                size,
                len(one.raw),
                len(extra),
                0,
                0,
                0,
                0,
                header,
            )
            + one.raw
            + extra
        )
    size, count = sum(map(len, parts)), len(placed)
    if directory + size >= _FULL32 or count >= _FULL16:
        parts.append(_END64.pack(b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, directory))
        parts.append(_LOCATOR.pack(b"PK\x06\x07", 0, directory + size, 1))
    few = min(count, _FULL16)
    parts.append(
        _END.pack(b"PK\x05\x06", 0, 0, few, few, min(size, _FULL32), min(directory, _FULL32), 0)
    )
    return b"".join(parts)
