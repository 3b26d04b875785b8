"""Large files that take no room: the data are holes."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.checkpoint_tools import building as b


def sparse_safetensors(path: Path, count: int, nbytes: int) -> None:
    """`count` tensors of `nbytes` zeros each."""
    header = {
        f"layers.{n}.weight": b.entry([nbytes // 4], n * nbytes, (n + 1) * nbytes)
        for n in range(count)
    }
    head = b.safetensors(header)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + count * nbytes)


def sparse_torch_zip(path: Path, count: int, nbytes: int) -> None:
    """The same as torch writes it: descriptors behind the data, zip64 records, padded headers."""
    value = b.mapping({
        f"layers.{n}.weight": b.tensor(str(n), (nbytes // 4,), (1,), nbytes // 4)
        for n in range(count)
    })  # fmt: skip
    pickle = b.pickled(value)
    members = [("a/data.pkl", pickle, len(pickle))]
    members += [(f"a/data/{n}", b"", nbytes) for n in range(count)]
    entries = b""
    with path.open("wb") as file:
        for name, data, size in members:
            entries += _member(file, name.encode(), data, size)
        begin = file.tell()
        end = begin + len(entries)
        file.write(entries)
        wide = (44, 45, 45, 0, 0, len(members), len(members), len(entries), begin)
        file.write(struct.pack("<4sQ2H2I4Q", b"PK\6\6", *wide))
        file.write(struct.pack("<4sIQI", b"PK\6\7", 0, end, 1))
        narrow = (0, 0, len(members), len(members), len(entries), min(begin, 0xFFFFFFFF), 0)
        file.write(struct.pack("<4s4H2IH", b"PK\5\6", *narrow))


def _member(file: object, name: bytes, data: bytes, size: int) -> bytes:
    """Write one member; its entry in the directory. The checksum of a hole is not known: 0."""
    import zlib
    from typing import BinaryIO, cast

    out = cast("BinaryIO", file)
    header = out.tell()
    pad = -(header + 30 + len(name) + 4) % 64
    extra = struct.pack("<HH", 0x4246, pad) + b"Z" * pad
    out.write(
        struct.pack("<4s5H3I2H", b"PK\3\4", 0, 0x0808, 0, 0, 0, 0, 0, 0, len(name), len(extra))
    )
    out.write(name + extra + data)
    out.seek(size - len(data), 1)
    crc = zlib.crc32(data) if data else 0
    out.write(struct.pack("<4s3I", b"PK\7\x08", crc, size, size))
    wide = struct.pack("<HHQ", 1, 8, header) if header > 0xFFFFFFFE else b""
    fixed = (0, 0, 0x0808, 0, 0, 0, crc, size, size, len(name), len(wide), 0, 0, 0, 0)
    place = 0xFFFFFFFF if wide else header
    return struct.pack("<4s6H3I5H2I", b"PK\1\2", *fixed, place) + name + wide
