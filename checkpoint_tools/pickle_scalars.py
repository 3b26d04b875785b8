"""Opcodes that push one scalar, and those of the memo: `(machine, position) -> position`.

The most frequent ones (BININT1, LONG_BINPUT, BINGET, LONG_BINGET) stand in the loop itself.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from checkpoint_tools import limits
from checkpoint_tools.pickle_values import Refusal

if TYPE_CHECKING:
    from checkpoint_tools.pickle_grammar import Machine

Handler = Callable[["Machine", int], int]

_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_I32 = struct.Struct("<i").unpack_from
_U64 = struct.Struct("<Q").unpack_from
_F64 = struct.Struct(">d").unpack_from
# A pickler numbers its memo 0, 1, 2 ... and each entry took a byte at least.
NO_MEMO = "a memo index that no pickler writes"


def _take(machine: Machine, position: int, length: int) -> bytes:
    end = position + length
    if end > len(machine.data):
        raise Refusal("truncated")
    return machine.data[position:end]


def _constant(value: object) -> Handler:
    def handler(machine: Machine, position: int) -> int:
        machine.stack.append(value)
        return position

    return handler


def _int2(machine: Machine, position: int) -> int:
    machine.stack.append(_U16(machine.data, position)[0])
    return position + 2


def _int4(machine: Machine, position: int) -> int:
    machine.stack.append(_I32(machine.data, position)[0])
    return position + 4


def _float8(machine: Machine, position: int) -> int:
    machine.stack.append(_F64(machine.data, position)[0])
    return position + 8


def _long1(machine: Machine, position: int) -> int:
    length = machine.data[position]
    machine.stack.append(
        int.from_bytes(_take(machine, position + 1, length), "little", signed=True)
    )
    return position + 1 + length


def _long4(machine: Machine, position: int) -> int:
    length: int = _I32(machine.data, position)[0]
    if not 0 <= length <= limits.MAX_INTEGER_BYTES:
        raise Refusal(f"a whole number of {length} bytes", unsafe=True)
    machine.stack.append(
        int.from_bytes(_take(machine, position + 4, length), "little", signed=True)
    )
    return position + 4 + length


def _counted(width: int, decode: Callable[[bytes], Any]) -> Handler:
    """Texts and bytes that stand behind their length."""
    unpack: Callable[[bytes, int], tuple[int, ...]] | None = {4: _U32, 8: _U64}.get(width)

    def handler(machine: Machine, position: int) -> int:
        data = machine.data
        length = data[position] if unpack is None else unpack(data, position)[0]
        position += width
        end = position + length
        if end > len(data):
            raise Refusal("truncated")
        machine.stack.append(decode(data[position:end]))
        return end

    return handler


def _text(data: bytes) -> str:
    return data.decode("utf-8")


def _old_text(data: bytes) -> str:
    """The byte strings of Python 2, which hold text in checkpoints."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _put1(machine: Machine, position: int) -> int:
    index = machine.data[position]
    if index > position:
        raise Refusal(NO_MEMO, unsafe=True)
    machine.memo[index] = machine.stack[-1]
    return position + 1


def _memoize(machine: Machine, position: int) -> int:
    machine.memo[len(machine.memo)] = machine.stack[-1]
    return position


SCALARS: dict[int, Handler] = {
    0x4E: _constant(None), 0x88: _constant(True), 0x89: _constant(False), 0x29: _constant(()),
    0x4D: _int2, 0x4A: _int4, 0x47: _float8, 0x8A: _long1, 0x8B: _long4,
    0x8C: _counted(1, _text), 0x58: _counted(4, _text), 0x8D: _counted(8, _text),
    0x43: _counted(1, bytes), 0x42: _counted(4, bytes), 0x8E: _counted(8, bytes),
    0x55: _counted(1, _old_text), 0x54: _counted(4, _old_text),
    0x71: _put1, 0x94: _memoize,
}  # fmt: skip
