"""The central directory of a zip archive and the records that lead to it."""

from __future__ import annotations

import struct
from typing import NamedTuple

from checkpoint_tools import limits
from checkpoint_tools.errors import Malformed, Unsafe
from checkpoint_tools.sources import Source
from checkpoint_tools.text import quote

LOCAL = struct.Struct("<I5H3I2H")
_CENTRAL = struct.Struct("<I6H3I5H2I")
_END = struct.Struct("<I4H2IH")
_END64 = struct.Struct("<IQ2H2I4Q")
_LOCATOR = struct.Struct("<IIQI")
_TAIL = 64 * 1024


class Member(NamedTuple):
    """One entry of the central directory; `header` is where its local header begins."""

    name: str
    raw: bytes
    flags: int
    method: int
    crc: int
    stored: int
    size: int
    header: int


class _Reach(NamedTuple):
    """Where the directory lies."""

    offset: int
    nbytes: int
    members: int


def read_directory(source: Source) -> tuple[list[Member], int]:
    """All members in directory order, and where the directory begins."""
    reach = _find(source)
    if reach.members == 0:
        raise Malformed("the archive is empty", file=source.name, offset=reach.offset)
    if reach.members > limits.MAX_MEMBERS or reach.nbytes > limits.MAX_DIRECTORY:
        raise Unsafe(
            f"the archive lists {reach.members} members; {limits.MAX_MEMBERS} are allowed",
            file=source.name,
            offset=reach.offset,
        )
    if reach.members * _CENTRAL.size > reach.nbytes:
        raise Malformed(
            f"{reach.members} members cannot fit a directory of {reach.nbytes} bytes",
            file=source.name,
            offset=reach.offset,
        )
    data = source.read_at(reach.offset, reach.nbytes)
    members: list[Member] = []
    position = 0
    try:
        for _ in range(reach.members):
            member, position = _entry(source, reach.offset, data, position)
            members.append(member)
    except struct.error as error:
        raise Malformed(
            "the directory is cut short", file=source.name, offset=reach.offset + position
        ) from error
    if position != reach.nbytes:
        raise Malformed(
            f"{reach.nbytes - position} bytes of the directory belong to no member",
            file=source.name,
            offset=reach.offset + position,
        )
    return members, reach.offset


def _find(source: Source) -> _Reach:
    """Follow the end record, which must be the last thing in the file, and its zip64 twin."""
    size = source.size
    if size < _END.size:
        raise Malformed("is too short for a zip archive", file=source.name, offset=0)
    tail_at = max(0, size - _TAIL if source.remote else size - 1024)
    tail = source.read_at(tail_at, size - tail_at)
    at = size - _END.size
    end = _END.unpack_from(tail, at - tail_at)
    if end[0] != 0x06054B50 or end[7] != 0:
        _explain_end(source)
    _, disk, first_disk, here, count, nbytes, offset, _ = end
    if disk or first_disk or here != count:
        raise Malformed("the archive spans several disks", file=source.name, offset=at)
    begin = at
    wide = _wide(source, at)
    if wide is not None:
        begin, reach = wide
        narrow = ((count, 0xFFFF, reach.members), (nbytes, 2**32 - 1, reach.nbytes))
        for value, full, meant in (*narrow, (offset, 2**32 - 1, reach.offset)):
            if value not in (meant, full):
                raise Malformed("the two end records disagree", file=source.name, offset=at)
    else:
        reach = _Reach(offset, nbytes, count)
    if reach.offset + reach.nbytes != begin:
        raise Malformed(
            f"the directory at byte {reach.offset} with {reach.nbytes} bytes does not end where"
            f" the end record begins, at byte {begin}",
            file=source.name,
            offset=at,
        )
    return reach


def _wide(source: Source, end: int) -> tuple[int, _Reach] | None:
    """Where the zip64 end record begins and what it says, if there is one."""
    at = end - _LOCATOR.size
    if at < _END64.size:
        return None
    signature, disk, record, disks = _LOCATOR.unpack(source.read_at(at, _LOCATOR.size))
    if signature != 0x07064B50:
        return None
    if disk or disks != 1 or record != at - _END64.size:
        raise Malformed("the zip64 locator points astray", file=source.name, offset=at)
    fields = _END64.unpack(source.read_at(record, _END64.size))
    signature, length, _, _, disk, first_disk, here, count, nbytes, offset = fields
    if signature != 0x06064B50 or length != _END64.size - 12 or disk or first_disk or here != count:
        raise Malformed("the zip64 end record contradicts itself", file=source.name, offset=record)
    return record, _Reach(offset, nbytes, count)


def _explain_end(source: Source) -> None:
    """Say what stands at the end of the file in place of the end record."""
    tail_at = max(0, source.size - _TAIL - _END.size)
    tail = source.read_at(tail_at, source.size - tail_at)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise Malformed(
            "has no end record of a zip archive: it was cut short, or is something else",
            file=source.name,
            offset=source.size,
        )
    extra = len(tail) - at - _END.size
    raise Malformed(
        f"{extra} bytes follow the end of the zip archive"
        if extra > 0
        else "the end record of the zip archive is cut short or announces a comment",
        file=source.name,
        offset=tail_at + at + _END.size,
    )


def _entry(source: Source, base: int, data: bytes, position: int) -> tuple[Member, int]:
    fields = _CENTRAL.unpack_from(data, position)
    signature, _, _, flags, method, _, _, crc, stored, size = fields[:10]
    name_length, extra_length, comment_length, disk, _, _, header = fields[10:]
    begin = position + _CENTRAL.size
    end = begin + name_length + extra_length + comment_length
    if signature != 0x02014B50 or disk not in (0, 0xFFFF) or end > len(data):
        raise Malformed(
            "the directory holds something that is no entry",
            file=source.name,
            offset=base + position,
        )
    raw = data[begin : begin + name_length]
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(
            "a member name is not UTF-8", file=source.name, offset=base + begin
        ) from error
    if comment_length:
        raise Malformed(
            f"member {quote(name)} carries a comment", file=source.name, offset=base + position
        )
    if 0xFFFFFFFF in (stored, size, header):
        extra = data[begin + name_length : end]
        wide = _wide_sizes(extra, (size, stored, header))
        if wide is None:
            raise Malformed(
                f"member {quote(name)} lacks its zip64 sizes", file=source.name, offset=base + begin
            )
        size, stored, header = wide
    return Member(name, raw, flags, method, crc, stored, size, header), end


def _wide_sizes(extra: bytes, narrow: tuple[int, int, int]) -> tuple[int, int, int] | None:
    """Sizes and offset with the zip64 extra field put in where the narrow ones are full."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        body = extra[position + 4 : position + 4 + length]
        position += 4 + length
        if kind != 1:
            continue
        wanted = [value for value in narrow if value == 0xFFFFFFFF]
        if len(body) < 8 * len(wanted):
            return None
        found = iter(struct.unpack_from(f"<{len(wanted)}Q", body))
        size, stored, header = (next(found) if value == 0xFFFFFFFF else value for value in narrow)
        return size, stored, header
    return None
