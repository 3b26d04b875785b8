"""A zip reader that believes nothing it has not checked.

Central directory, local headers and data descriptors must agree and tile the file without a gap,
an overlap or a byte before or after. Of a remote file only the arithmetic is checked at once;
each local header is checked when its member is located.

Layout: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header) to 4.3.16 (end record).
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import NamedTuple

from checkpoint_tools import limits
from checkpoint_tools.errors import Malformed, Unsafe
from checkpoint_tools.sources import Source
from checkpoint_tools.text import is_plain, quote
from checkpoint_tools.zip_directory import LOCAL, Member, read_directory

STORED, DEFLATED = 0, 8
# Names that need no closer look.
_ORDINARY = re.compile(r"(?!.*\.\.)[A-Za-z0-9_.-][A-Za-z0-9_./-]{0,500}")
_LOCAL_MARK = 0x04034B50
_LATER = (0, 0, 0)
_DESCRIPTORS = {
    16: struct.Struct("<4s3I"),
    24: struct.Struct("<4sI2Q"),
    12: struct.Struct("<3I"),
    20: struct.Struct("<I2Q"),
}


class Located(NamedTuple):
    """Where the bytes of a member lie in the file, as they are stored."""

    offset: int
    nbytes: int


class ZipReader:
    """The members of a zip archive, by name.

    Raises:
        Malformed: the archive contradicts itself.
        Unsafe: names lead outside, members are encrypted or hide behind each other.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        members, self.directory_offset = read_directory(source)
        self.members = {member.name: member for member in members}
        if len(self.members) != len(members):
            self._refuse_twin(members)
        for member in members:
            self._check_member(member)
        self._order = sorted(members, key=lambda member: member.header)
        self._next = self._check_tiling()
        self._located: dict[str, Located] = {}
        if not source.remote:
            self._locate_all()

    def locate(self, name: str) -> Located:
        """Where the stored bytes of a member lie; its local header is checked on the way."""
        known = self._located.get(name)
        if known is not None:
            return known
        member = self.members[name]
        after = self._next[member.header]
        header = self.source.read_at(
            member.header, min(LOCAL.size + len(member.raw) + 64, after - member.header)
        )
        fields = LOCAL.unpack_from(header)
        start = member.header + LOCAL.size + fields[9] + fields[10]
        self._check_local(member, fields, header)
        data_end = start + member.stored
        rest = self.source.read_at(data_end, min(after - data_end, 24)) if data_end < after else b""
        self._check_descriptor(member, data_end, after, rest)
        found = self._located[name] = Located(start, member.stored)
        return found

    def offset(self, name: str) -> int:
        """Where the bytes of a member begin, -1 while that is not known."""
        known = self._located.get(name)
        return -1 if known is None else known.offset

    def _locate_all(self) -> None:
        """Every member at once: one read fetches a descriptor and the header that follows it."""
        source, located = self.source, self._located
        data_end = 0
        for index, member in enumerate(self._order):
            header = member.header
            after = self._next[header]
            reach = min(header + LOCAL.size + len(member.raw) + 64, after)
            look = source.read_at(data_end, reach - data_end)
            fields = LOCAL.unpack_from(look, header - data_end)
            start = header + LOCAL.size + fields[9] + fields[10]
            same = (fields[0], fields[2], fields[3]) == (_LOCAL_MARK, member.flags, member.method)
            name_at = header - data_end + LOCAL.size
            if not (same and fields[6:9] == _LATER and member.flags & 8) or (
                look[name_at : name_at + fields[9]] != member.raw
            ):
                self._check_local(member, fields, look[header - data_end :])
            if index:
                self._check_descriptor(self._order[index - 1], data_end, header, look)
            data_end = start + member.stored
            if data_end > after:
                self._check_descriptor(member, data_end, after, b"")
            located[member.name] = Located(start, member.stored)
        rest = source.read_at(data_end, self.directory_offset - data_end)
        self._check_descriptor(self._order[-1], data_end, self.directory_offset, rest)

    def read(self, name: str, most: int) -> bytes:
        """The whole content of a member of at most `most` bytes, checked against its CRC-32."""
        member = self.members[name]
        if member.size > most:
            raise Unsafe(
                f"member {quote(name)} says it holds {member.size} bytes; {most} are allowed",
                file=self.source.name,
                offset=member.header,
            )
        place = self.locate(name)
        data = self.source.read_at(place.offset, place.nbytes)
        if member.method == DEFLATED:
            data = self._inflate(member, data)
        if zlib.crc32(data) != member.crc:
            raise self._bad(member, f"member {quote(name)} does not match its CRC-32")
        return data

    def _inflate(self, member: Member, data: bytes) -> bytes:
        engine = zlib.decompressobj(-15)
        try:
            out = engine.decompress(data, member.size + 1)
        except zlib.error as error:
            raise self._bad(member, f"member {quote(member.name)} cannot be inflated") from error
        if len(out) != member.size or not engine.eof or engine.unused_data:
            raise self._bad(member, f"member {quote(member.name)} does not inflate to its size")
        return out

    def _check_member(self, member: Member) -> None:
        name = member.name
        if member.flags & ~0x0806:
            bit = "is encrypted" if member.flags & 0x41 else ""
            if member.flags & ~0x080E or bit:
                bit = bit or f"sets flag bits {member.flags:#06x} that no checkpoint needs"
                raise self._unsafe(member, f"member {quote(name)} {bit}")
        if member.method not in (STORED, DEFLATED):
            raise self._unsafe(member, f"member {quote(name)} uses compression {member.method}")
        if member.method == STORED and member.stored != member.size:
            raise self._bad(member, f"member {quote(name)} is stored with two sizes")
        ratio = limits.MAX_INFLATE_RATIO * max(member.stored, 1)
        if member.size > limits.MAX_INFLATED and member.size > ratio:
            raise self._unsafe(
                member, f"member {quote(name)} inflates {member.stored} bytes to {member.size}"
            )
        if _ORDINARY.fullmatch(name):
            return
        parts = name.replace("\\", "/").split("/")
        if not name or not is_plain(name) or len(name) > limits.MAX_NAME:
            raise self._unsafe(member, f"member name {quote(name)} has characters that hide")
        if "\\" in name or not parts[0] or ".." in parts or parts[0].endswith(":"):
            raise self._unsafe(member, f"member name {quote(name)} leads out of the archive")

    def _check_tiling(self) -> dict[int, int]:
        """Where each member must end, by where it begins; proves that members are disjoint."""
        ends: dict[int, int] = {}
        begins = [member.header for member in self._order] + [self.directory_offset]
        if begins[0] != 0:
            raise Malformed(
                f"{begins[0]} bytes stand before the first member", file=self.source.name, offset=0
            )
        for index, member in enumerate(self._order):
            after = begins[index + 1]
            room = after - member.header - LOCAL.size - len(member.raw) - member.stored
            if room < 0:
                raise self._unsafe(
                    member, f"member {quote(member.name)} overlaps what follows it in the file"
                )
            if room > 0xFFFF + 24:
                raise self._bad(member, f"{room} bytes after {quote(member.name)} belong to nobody")
            ends[member.header] = after
        return ends

    def _check_local(self, member: Member, fields: tuple[int, ...], header: bytes) -> None:
        signature, _, flags, method, _, _, crc, stored, size, name_length, extra_length = fields
        shown = quote(member.name)
        if signature != _LOCAL_MARK:
            raise self._bad(member, f"no local header of {shown} where the directory says")
        if header[LOCAL.size : LOCAL.size + name_length] != member.raw:
            raise self._unsafe(member, f"the local header of {shown} carries another name")
        if (flags, method) != (member.flags, member.method):
            raise self._bad(member, f"the local header of {shown} differs in flags or method")
        later = bool(flags & 0x08) and crc == stored == size == 0
        wide = stored == size == 0xFFFFFFFF and extra_length >= 20
        if not later and crc != member.crc:
            raise self._bad(member, f"the local header of {shown} differs in its CRC-32")
        if not later and not wide and (stored, size) != (member.stored, member.size):
            raise self._bad(member, f"the local header of {shown} differs in its sizes")

    def _check_descriptor(self, member: Member, data_end: int, after: int, data: bytes) -> None:
        """What stands between the data and the next header, of which `data` is a copy."""
        gap = after - data_end
        if gap == 0 and not member.flags & 0x08:
            return
        form = _DESCRIPTORS.get(gap)
        if form is None or not member.flags & 0x08:
            if gap < 0:
                text = f"the local header of {quote(member.name)} reaches into what follows"
            else:
                text = f"{gap} bytes after {quote(member.name)} belong to nobody"
            raise Malformed(text, file=self.source.name, offset=max(data_end, 0))
        fields = form.unpack_from(data)
        signed = gap in (16, 24)
        if (signed and fields[0] != b"PK\x07\x08") or fields[-3:] != (
            member.crc,
            member.stored,
            member.size,
        ):
            raise Malformed(
                f"the data descriptor of {quote(member.name)} differs from the directory",
                file=self.source.name,
                offset=data_end,
            )

    def _refuse_twin(self, members: list[Member]) -> None:
        seen: set[str] = set()
        for member in members:
            if member.name in seen:
                raise self._unsafe(member, f"two members are called {quote(member.name)}")
            seen.add(member.name)

    def _bad(self, member: Member, reason: str) -> Malformed:
        return Malformed(reason, file=self.source.name, offset=member.header)

    def _unsafe(self, member: Member, reason: str) -> Unsafe:
        return Unsafe(reason, file=self.source.name, offset=member.header)
