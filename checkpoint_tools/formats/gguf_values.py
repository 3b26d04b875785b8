"""The values of a GGUF header, one after the other; every length is checked before it is used.

| number | kind | | number | kind |
|---|---|---|---|---|
| 0 to 5 | uint8, int8, uint16, int16, uint32, int32 | | 8 | string: length in 8 bytes, UTF-8 |
| 6 | float32 | | 9 | array: kind, length in 8 bytes, values |
| 7 | bool, one byte | | 10 to 12 | uint64, int64, float64 |
"""

from __future__ import annotations

import struct
from typing import Any

from checkpoint_tools import limits
from checkpoint_tools.errors import Malformed
from checkpoint_tools.sources import Source
from checkpoint_tools.text import quote

MAX_HEADER = 32 * limits.MIB
"""Largest known are vocabularies of half a million tokens with their merges, at 20 MB."""
MAX_ITEMS = 1_000_000
"""Strings and arrays that stand in arrays, over the whole file."""
MAX_NESTING = 4
_ARRAY_COSTS = 20  # strings that take as long as one array
MAX_KEY = (1 << 16) - 1
MAX_TEXT = 8 * limits.MIB
"""Bytes of the strings that are kept, all together."""
MAX_KEPT = 64
"""Longer arrays are told by their kind, their length and the first few values."""
FIRST = 8

BOOL, STRING, ARRAY = 7, 8, 9
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 10: "Q", 11: "q", 12: "d"}
"""Kinds of numbers as `struct` calls them."""
WORDS = (
    "uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "bool", "string", "array",
    "uint64", "int64", "float64",
)  # fmt: skip

_STEP = 256 << 10
_LENGTH = struct.Struct("<Q")


class Values:
    """Reads a header front to back, in parts, so that a remote file is not read whole.

    Args:
        source: the file.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.size = source.size
        self.items = MAX_ITEMS
        self.text_left = MAX_TEXT
        self._data = b""
        self._base = 0
        self._at = 0

    @property
    def position(self) -> int:
        """The byte of the file that is next."""
        return self._base + self._at

    @property
    def left(self) -> int:
        """Bytes of the file from here on."""
        return self.size - self.position

    def refuse(self, what: str, position: int | None = None) -> Malformed:
        """The refusal of the file for what stands at a byte of it, or here."""
        at = self.position if position is None else position
        return Malformed(what, file=self.source.name, offset=at)

    def need(self, size: int, what: str) -> None:
        """Make the next bytes ready.

        Raises:
            Malformed: the file ends before, or the header grows beyond all reason.
        """
        if self._at + size <= len(self._data):
            return
        here = self.position
        if size > self.left:
            raise self.refuse(f"{what} takes {size} bytes, and the file ends at byte {self.size}")
        if here + size > MAX_HEADER:
            raise self.refuse(f"{what} takes {size} bytes; a header has at most {MAX_HEADER}")
        self._data = self.source.read_at(here, min(self.left, max(size, _STEP)))
        self._base, self._at = here, 0

    def take(self, size: int, what: str = "a value") -> bytes:
        """The next bytes."""
        self.need(size, what)
        self._at += size
        return self._data[self._at - size : self._at]

    def whole(self, size: int) -> int:
        """An unsigned number of so many bytes."""
        return int.from_bytes(self.take(size), "little")

    def unpack(self, code: str, what: str) -> tuple[Any, ...]:
        """Several numbers in a row, as `struct` calls them."""
        size = struct.calcsize(f"<{code}")
        self.need(size, what)
        self._at += size
        return struct.unpack_from(f"<{code}", self._data, self._at - size)

    def text(self, what: str, most: int = MAX_HEADER) -> str:
        """A string that has to be UTF-8."""
        position = self.position
        size = self.whole(8)
        if size > most:
            raise self.refuse(f"{what} should have {size} bytes; {most} are allowed", position)
        try:
            return self.take(size, what).decode()
        except UnicodeDecodeError as error:
            raise self.refuse(f"{what} is not UTF-8", position) from error

    def key(self) -> str:
        """A key of the metadata: ASCII, and not empty."""
        position = self.position
        key = self.text("a key", MAX_KEY)
        if not key or not key.isascii():
            raise self.refuse(f"the key {quote(key)} is empty or not ASCII", position)
        return key

    def value(self, kind: int, depth: int = 0) -> Any:
        """A value of the kind with that number; a string's bytes that are not UTF-8 are escaped."""
        if kind in NUMBERS:
            return self._numbers(1, 1, NUMBERS[kind], self.position)[0]
        if kind == BOOL:
            return self._bools(1, 1, self.position)[0]
        if kind == STRING:
            return self._string()
        if kind == ARRAY:
            return self._array(depth + 1)
        raise self.refuse(f"a value is of kind {kind}, which there is not", self.position - 4)

    def _string(self) -> str:
        size = self.whole(8)
        data = self.take(size, "a string")
        self.text_left -= size
        if self.text_left < 0:
            raise self.refuse(f"the metadata hold more than {MAX_TEXT} bytes of text")
        return data.decode("utf-8", "backslashreplace")

    def _array(self, depth: int) -> Any:
        position = self.position
        if depth > MAX_NESTING:
            raise self.refuse(f"arrays are nested more than {MAX_NESTING} deep")
        kind, count = self.whole(4), self.whole(8)
        kept = count if count <= MAX_KEPT else FIRST
        if kind in NUMBERS:
            found = self._numbers(count, kept, NUMBERS[kind], position)
        elif kind == BOOL:
            found = self._bools(count, kept, position)
        elif kind in (STRING, ARRAY):
            found = self._items(kind, count, kept, depth, position)
        else:
            raise self.refuse(f"an array holds kind {kind}, which there is not", position)
        if count <= MAX_KEPT:
            return found
        return {"array_of": WORDS[kind], "length": count, "first": found}

    def _numbers(self, count: int, kept: int, code: str, position: int) -> list[Any]:
        """An array of numbers, of which only the first `kept` are made."""
        size = struct.calcsize(f"<{code}") * count
        if size > self.left:
            said = f"an array should have {count} values, and {self.left} bytes are left"
            raise self.refuse(said, position)
        self.need(size, "a value")
        self._at += size
        return list(struct.unpack_from(f"<{kept}{code}", self._data, self._at - size))

    def _bools(self, count: int, kept: int, position: int) -> list[bool]:
        if count > self.left:
            said = f"an array should have {count} values, and {self.left} bytes are left"
            raise self.refuse(said, position)
        found: list[bool] = []
        for at in range(0, count, _STEP):
            data = self.take(min(_STEP, count - at), "a bool")
            if data.strip(b"\0\1"):
                raise self.refuse("a bool is neither 0 nor 1", position)
            found += [byte == 1 for byte in data[: kept - len(found)]]
        return found

    def _items(self, kind: int, count: int, kept: int, depth: int, position: int) -> list[Any]:
        """An array of strings or arrays: the first `kept` of them, all of them walked through."""
        least = 8 if kind == STRING else 12
        if count > self.left // least:
            said = f"an array should have {count} values, and {self.left} bytes are left"
            raise self.refuse(said, position)
        self.items -= count * (1 if kind == STRING else _ARRAY_COSTS)
        if self.items < 0:
            raise self.refuse(f"arrays hold more than {MAX_ITEMS} strings and arrays", position)
        if kind == ARRAY:
            every = (self.value(ARRAY, depth) for _ in range(count))
            return [one for index, one in enumerate(every) if index < kept]
        first = [self.value(STRING) for _ in range(kept)]
        self._skip_strings(count - kept)
        return first

    def _skip_strings(self, count: int) -> None:
        """Pass over strings; a vocabulary has hundreds of thousands."""
        data, at = self._data, self._at
        unpack = _LENGTH.unpack_from
        for _ in range(count):
            if at + 8 > len(data):
                self._at = at
                self.need(8, "a string")
                data, at = self._data, self._at
            size = unpack(data, at)[0]
            if at + 8 + size > len(data):
                self._at = at
                self.need(8 + size, "a string")
                data, at = self._data, self._at
            at += 8 + size
        self._at = at
