"""The opcodes of the closed grammar, one function each: `(machine, position) -> position`.

Protocols 2 to 5 as picklers write them. Opcodes of protocols 0 and 1 that read lines of text,
that instantiate, that duplicate or drop stack items, or that need buffers beside the pickle
have no function here and are refused by name.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from checkpoint_tools import limits
from checkpoint_tools.pickle_names import OPCODE_NAMES
from checkpoint_tools.pickle_scalars import SCALARS
from checkpoint_tools.pickle_values import (
    Collection,
    Global,
    NumpyDType,
    Ordered,
    Record,
    Refusal,
    StorageRef,
    Tensor,
    is_key,
)

if TYPE_CHECKING:
    from checkpoint_tools.pickle_grammar import Machine

Handler = Callable[["Machine", int], int]

_U64 = struct.Struct("<Q").unpack_from


_SIZED = (str, bytes, list, tuple, dict)
_ONE_ATTRIBUTE = {"_metadata"}


class Stopped(Exception):
    """The pickle is read."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def opcode_name(code: int) -> str:
    """The name of an opcode, for messages."""
    return OPCODE_NAMES.get(code, f"opcode {code:#04x}")


def _unknown(machine: Machine, position: int) -> NoReturn:
    code = machine.data[position - 1]
    known = code in OPCODE_NAMES
    raise Refusal(f"{opcode_name(code)}, which no checkpoint needs", unsafe=known)


def _proto(machine: Machine, position: int) -> int:
    if machine.data[position] not in (2, 3, 4, 5):
        raise Refusal(f"protocol {machine.data[position]}")
    return position + 1


def _frame(machine: Machine, position: int) -> int:
    (length,) = _U64(machine.data, position)
    if position + 8 + length > len(machine.data):
        raise Refusal("truncated")
    return position + 8


def _stop(machine: Machine, _: int) -> int:
    raise Stopped(machine.stack.pop())


def _pop_mark(machine: Machine) -> list[Any]:
    stack, mark = machine.stack, machine.marks.pop()
    items = stack[mark:]
    if mark > len(stack):
        raise IndexError
    del stack[mark:]
    return items


def _empty(make: Callable[[], object]) -> Handler:
    def handler(machine: Machine, position: int) -> int:
        machine.stack.append(make())
        machine.made += 1
        return position

    return handler


def _tuple(machine: Machine, position: int) -> int:
    items = _pop_mark(machine)
    machine.stack.append(tuple(items))
    machine.made += 1
    return position


def _tuple_of(count: int) -> Handler:
    def handler(machine: Machine, position: int) -> int:
        stack = machine.stack
        if len(stack) < count:
            raise IndexError
        stack[-count:] = [tuple(stack[-count:])]
        machine.made += 1
        return position

    return handler


def _append(machine: Machine, position: int) -> int:
    value = machine.stack.pop()
    target = machine.stack[-1]
    if type(target) is not list:
        raise Refusal("an item appended to something that is no list")
    target.append(value)
    return position


def _appends(machine: Machine, position: int) -> int:
    items = _pop_mark(machine)
    target = machine.stack[-1]
    if type(target) is not list:
        raise Refusal("items appended to something that is no list")
    target.extend(items)
    return position


def _set(machine: Machine, target: object, key: object, value: object) -> None:
    if type(target) is not dict and type(target) is not Ordered:
        raise Refusal("an entry set in something that is no mapping", unsafe=True)
    if (
        type(key) is not str
        and not is_key(key)
        and not (machine.record_keys and type(key) is Record)
    ):
        raise Refusal(f"a mapping key of type {type(key).__name__}", unsafe=True)
    if key in target:
        raise Refusal(f"the key {key!r:.80} twice in one mapping", unsafe=True)
    target[key] = value


def _setitem(machine: Machine, position: int) -> int:
    value, key = machine.stack.pop(), machine.stack.pop()
    _set(machine, machine.stack[-1], key, value)
    return position


def _setitems(machine: Machine, position: int) -> int:
    items = _pop_mark(machine)
    target = machine.stack[-1]
    if len(items) % 2:
        raise Refusal("a mapping with a key and no value")
    for index in range(0, len(items), 2):
        _set(machine, target, items[index], items[index + 1])
    return position


def _additems(machine: Machine, position: int) -> int:
    items = _pop_mark(machine)
    target = machine.stack[-1]
    if type(target) is not Collection or not all(map(is_key, items)):
        raise Refusal("a set of something else than names and numbers", unsafe=True)
    target.items.extend(items)
    return position


def _frozenset(machine: Machine, position: int) -> int:
    items = _pop_mark(machine)
    if not all(map(is_key, items)):
        raise Refusal("a set of something else than names and numbers", unsafe=True)
    machine.stack.append(Collection("frozenset", items))
    return position


def _global(machine: Machine, position: int) -> int:
    data = machine.data
    first = data.find(b"\n", position, position + 256)
    second = data.find(b"\n", first + 1, first + 257) if first >= 0 else -1
    if second < 0:
        raise Refusal("truncated" if position + 512 > len(data) else "a name without an end")
    module, name = data[position:first].decode("utf-8"), data[first + 1 : second].decode("utf-8")
    machine.stack.append(machine.find(module, name))
    return second + 1


def _stack_global(machine: Machine, position: int) -> int:
    name, module = machine.stack.pop(), machine.stack.pop()
    if type(name) is not str or type(module) is not str or len(name) + len(module) > 512:
        raise Refusal("a name that is no text", unsafe=True)
    machine.stack.append(machine.find(module, name))
    return position


def _charge(machine: Machine, args: Any) -> None:
    """What is made out of a memoized value costs time and memory that the file did not pay for."""
    machine.produced += len(args)
    if len(args) <= 256:
        machine.produced += sum(len(arg) for arg in args if type(arg) in _SIZED)
    if machine.produced > len(machine.data) + limits.MAX_AMPLIFIED:
        raise Refusal("values that multiply others", unsafe=True)


def _reduce(machine: Machine, position: int) -> int:
    args = machine.stack.pop()
    function = machine.stack[-1]
    if type(function) is not Global or function.call is None or type(args) is not tuple:
        what = function.name if type(function) is Global else "something that is no name"
        raise Refusal(f"a call of {what}", unsafe=True)
    if args and type(args[0]) is not StorageRef:
        _charge(machine, args)
    machine.stack[-1] = function.call(args)
    machine.made += 1
    return position


def _newobj(machine: Machine, position: int) -> int:
    args = machine.stack.pop()
    kind = machine.stack[-1]
    if type(kind) is not Global or not kind.record or args != ():
        what = kind.name if type(kind) is Global else "something that is no name"
        raise Refusal(f"an object of {what}", unsafe=True)
    machine.stack[-1] = machine.make_record(kind.name)
    machine.made += 1
    return position


def _build(machine: Machine, position: int) -> int:
    state = machine.stack.pop()
    target = machine.stack[-1]
    if type(target) is Ordered and type(state) is dict and state.keys() == _ONE_ATTRIBUTE:
        target.extra = state["_metadata"]
    elif type(target) is NumpyDType and type(state) is tuple and len(state) in (8, 9):
        if state[1] not in ("<", ">", "|", "=") or state[2:5] != (None, None, None):
            raise Refusal("a numpy dtype with fields", unsafe=True)
        target.order = state[1]
    elif type(target) is Record and type(state) is dict and not target.fields:
        _charge(machine, state)
        if not all(type(key) is str and key[:2] != "__" for key in state):
            raise Refusal("attributes with names that are not for data", unsafe=True)
        target.fields = state
    elif type(target) is Record and type(state) is tuple and machine.record_keys:
        target.state = state
    elif type(target) is Tensor and type(state) is dict:
        pass  # attributes of a parameter say nothing about its bytes
    else:
        raise Refusal("state set on an object that has none", unsafe=True)
    return position


def _persid(machine: Machine, position: int) -> int:
    if machine.persistent is None:
        raise Refusal("a persistent id", unsafe=True)
    found = machine.persistent(machine.stack[-1])
    machine.stack[-1] = found
    if type(found) is StorageRef:
        machine.made += 1
    return position


_KNOWN: dict[int, Handler] = SCALARS | {
    0x80: _proto, 0x95: _frame, 0x2E: _stop,
    0x74: _tuple, 0x85: _tuple_of(1), 0x86: _tuple_of(2), 0x87: _tuple_of(3),
    0x5D: _empty(list), 0x61: _append, 0x65: _appends,
    0x7D: _empty(dict), 0x73: _setitem, 0x75: _setitems,
    0x8F: _empty(lambda: Collection("set", [])), 0x90: _additems, 0x91: _frozenset,
    0x63: _global, 0x93: _stack_global, 0x52: _reduce, 0x81: _newobj, 0x62: _build, 0x51: _persid,
}  # fmt: skip
HANDLERS: list[Handler] = [_KNOWN.get(code, _unknown) for code in range(256)]
