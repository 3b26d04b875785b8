"""Pickles by a closed grammar: what checkpoints need is described, anything else refused.

Nothing is imported, called or instantiated by name. Memory and steps are bounded, containers are
not hashed or compared, and every refusal names its byte.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from checkpoint_tools import limits
from checkpoint_tools.errors import CheckpointError, Malformed, Unsafe
from checkpoint_tools.pickle_opcodes import HANDLERS, Stopped, opcode_name
from checkpoint_tools.pickle_scalars import NO_MEMO
from checkpoint_tools.pickle_values import Record, Refusal
from checkpoint_tools.text import escape, quote

_BATCH = 1 << 16
_MOST_STACKED = limits.MAX_PICKLE_STACK
_U32 = struct.Struct("<I").unpack_from


class Truncated(Malformed):
    """The pickle goes on beyond the bytes that are at hand."""


class Machine:
    """One run over one pickle.

    Args:
        data: the bytes that hold the pickle, from `start` on.
        names: the grammar: values for global names.
        persistent: what a persistent id means; None refuses all.
        record_keys: whether records may be mapping keys.
    """

    __slots__ = (
        "at",
        "data",
        "made",
        "marks",
        "memo",
        "names",
        "persistent",
        "produced",
        "record_keys",
        "stack",
    )

    def __init__(
        self,
        data: bytes,
        names: Mapping[str, object],
        persistent: Callable[[object], object] | None,
        record_keys: bool = False,
    ) -> None:
        self.data = data
        self.names = names
        self.persistent = persistent
        self.record_keys = record_keys
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.at = 0
        self.made = 0
        self.produced = 0

    def run(self, start: int) -> tuple[Any, int]:
        """The value, and the position after STOP.

        Raises:
            Malformed, Unsafe: with the position in `data` as offset.
        """
        self.at = start
        try:
            for _ in range(limits.MAX_PICKLE_STEPS // _BATCH):
                self._steps()
                if self.made > limits.MAX_PICKLE_OBJECTS or self._stacked() > _MOST_STACKED:
                    raise Unsafe(
                        f"the pickle builds over {limits.MAX_PICKLE_OBJECTS} objects",
                        offset=self.at,
                    )
        except Stopped as stop:
            if self.stack or self.marks:
                raise Malformed("the pickle stops with values left over", offset=self.at) from None
            return stop.value, self.at + 1
        except (IndexError, struct.error) as error:
            raise self._broken(self.at) from error
        except KeyError as error:
            raise Malformed(f"no value was memoized as {error}", offset=self.at) from error
        except UnicodeDecodeError as error:
            raise Malformed("a text is not UTF-8", offset=self.at) from error
        except Refusal as refusal:
            raise self._refused(refusal, self.at) from refusal
        raise Unsafe(f"the pickle takes over {limits.MAX_PICKLE_STEPS} steps", offset=self.at)

    def _stacked(self) -> int:
        return len(self.stack) + len(self.marks)

    def _steps(self) -> None:
        """Some thousand opcodes; the most frequent ones are dealt with on the spot."""
        data, stack, memo, handlers = self.data, self.stack, self.memo, HANDLERS
        at, marks = self.at, self.marks
        position = at
        try:
            for _ in range(_BATCH):
                at = position
                code = data[at]
                if code == 0x72:  # LONG_BINPUT
                    (index,) = _U32(data, at + 1)
                    if index > at:
                        raise Refusal(NO_MEMO, unsafe=True)
                    memo[index] = stack[-1]
                    position = at + 5
                elif code == 0x4B:  # BININT1
                    stack.append(data[at + 1])
                    position = at + 2
                elif code == 0x68:  # BINGET
                    stack.append(memo[data[at + 1]])
                    position = at + 2
                elif code == 0x28:  # MARK
                    marks.append(len(stack))
                    position = at + 1
                elif code == 0x6A:  # LONG_BINGET
                    stack.append(memo[_U32(data, at + 1)[0]])
                    position = at + 5
                else:
                    position = handlers[code](self, at + 1)
            at = position
        finally:
            self.at = at

    def _broken(self, at: int) -> Malformed:
        if at < len(self.data) and len(self.data) - at > 9:
            return Malformed(
                f"the stack has too little for {opcode_name(self.data[at])}", offset=at
            )
        return Truncated("the pickle ends before its STOP", offset=at)

    def _refused(self, refusal: Refusal, at: int) -> CheckpointError:
        kind = Unsafe if refusal.unsafe else Malformed
        if refusal.reason == "truncated":
            return Truncated(
                f"{opcode_name(self.data[at])} announces more bytes than there are", offset=at
            )
        return kind(f"the pickle holds {escape(refusal.reason)}", offset=at)

    def find(self, module: str, name: str) -> object:
        """The value of a global name."""
        if module == "__builtin__":
            module, name = "builtins", {"xrange": "range", "unicode": "str"}.get(name, name)
        full = f"{module}.{name}"
        try:
            return self.names[full]
        except KeyError:
            raise Refusal(
                f"the name {quote(full)}, which the grammar of checkpoints does not know"
                f"{_hint(module, name)}",
                unsafe=True,
            ) from None

    def make_record(self, name: str) -> Record:
        """An empty record of a named type."""
        return Record(name)


def _hint(module: str, name: str) -> str:
    if module.startswith("torch.nn.modules") or name.endswith("Module"):
        return " (a whole module; save its state_dict() instead)"
    if name == "_reconstruct" and module.startswith("numpy"):
        return " (a numpy array; save it as a tensor instead)"
    return ""


def read_pickle(
    data: bytes,
    start: int,
    names: Mapping[str, object],
    persistent: Callable[[object], object] | None = None,
    *,
    file: str,
    base: int = 0,
    record_keys: bool = False,
) -> tuple[Any, int]:
    """The value of the pickle that begins at `start`, and the position after it.

    Args:
        file, base: the file, and where `data` begins in it, for errors.
    """
    try:
        return Machine(data, names, persistent, record_keys).run(start)
    except CheckpointError as error:
        raise error.within(file, base) from error
