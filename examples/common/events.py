"""Event files of TensorBoard, written without it: numbers and pictures.

A file is a row of records: length, its checksum, an Event message, its checksum (TensorFlow,
core/lib/io/record_writer.h). Checksums are CRC-32C, rotated and shifted. The messages are those
of tensorflow/core/util/event.proto and framework/summary.proto, as far as they are needed.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import TracebackType

from torch import Tensor

from .pictures import png

_CASTAGNOLI = 0x82F63B78


@cache
def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_CASTAGNOLI if byte & 1 else 0)
        found.append(byte)
    return tuple(found)


def crc32c(data: bytes) -> int:
    """The checksum of RFC 3720, appendix B.4."""
    table, value = _table(), 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    value = crc32c(data)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _whole(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


class Events:
    """Writes one event file; every record is whole on disk after each call.

    Args:
        folder: gets a new file, as TensorBoard expects it: all files of a folder are one run.
        start: seconds since 1970 that the file's name tells; None for now.
    """

    def __init__(self, folder: Path, start: float | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        moment = time.time() if start is None else start
        number = len(list(folder.glob("events.out.tfevents.*")))
        name = f"events.out.tfevents.{int(moment):010d}.{number}"
        self.path = folder / name
        self._file = self.path.open("xb")
        self._record(_field(3, b"brain.Event:2"), 0)

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers by tag at a step."""
        parts = [
            _field(1, _field(1, tag.encode()) + b"\x15" + struct.pack("<f", value))
            for tag, value in values.items()
        ]
        self._record(_field(5, b"".join(parts)), step)

    def picture(self, step: int, tag: str, pixels: Tensor) -> None:
        """A picture, uint8 [height, width, 3], at a step."""
        height, width, channels = pixels.shape
        image = _whole(1, height) + _whole(2, width) + _whole(3, channels) + _field(4, png(pixels))
        value = _field(1, _field(1, tag.encode()) + _field(4, image))
        self._record(_field(5, value), step)

    def _record(self, content: bytes, step: int) -> None:
        event = b"\x09" + struct.pack("<d", time.time()) + _whole(2, step) + content
        length = struct.pack("<Q", len(event))
        self._file.write(length + _masked(length) + event + _masked(event))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Events:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
